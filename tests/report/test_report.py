"""`callosum report` on small run folders made here: every figure is there exactly when its data are, the page needs no
network and all its links resolve, and what is not a run is refused."""

import json
import os
import subprocess
import sys

import h5py
import numpy

import checks
from checks import caption, check_page, program, read_page, report, table

import synthetic  # noqa: E402  (checks puts the folders on the path)
import words  # noqa: E402

WEIGHTS = {"weights_all", "weights_all_by_source"}
BRAIN = {"brain_map", "raster", "rates", "rate_bars", "neurons", "spectra", "connectome", "bold", "functional",
         "dynamics", "timing"}
TRACES = {"trace_probe_V_m", "trace_probe_g_ampa"}


def test_everything(folder):
    synthetic.make(folder, regions=8, neurons=400, record=synthetic.EVERYTHING, sc_fc_r=0.4321)
    printed = program(folder)
    assert printed.strip() == os.path.join(folder, "report.html"), printed
    page = check_page(folder, BRAIN | TRACES | WEIGHTS | {"currents", "lfp"})
    with open(os.path.join(folder, "summary.json"), encoding="utf-8") as file:
        summary = json.load(file)
    values = table(page)
    for key in ("neurons", "synapses", "spikes", "events"):
        assert values[key] == f"{summary[key]:,}", (key, values[key])
    for key in ("mean_rate_hz", "isi_cv_median", "spike_correlation_mean", "fc_mean", "sc_fc_r", "real_time_factor",
                "bytes_per_synapse"):
        assert abs(float(values[key].split()[0]) - summary[key]) <= 5e-4, (key, values[key])
    for key in ("digest", "backend", "version", "job_hash", "partition"):
        assert values[key] == str(summary[key]), key
    assert values["seed"] == "1" and values["ranks"] == "2 × 1" and values["peak_rss_bytes"] == "100.0 MiB"
    assert "a brain of 8 regions" in page and "duration_ms: 240000" in page
    assert "regions were matched by name" in caption(page, "functional")
    assert "120 segments of 2000 ms" in caption(page, "spectra") and "40.0 Hz" in caption(page, "spectra")
    assert "sub-01.tsv" in caption(page, "functional") and "sub-01.tsv" in caption(page, "dynamics")
    # The summary was made up, and the report finds that out.
    assert "summary.json says sc_fc_r = 0.432, bold.h5 gives" in page
    assert "mean_rate_hz =" in page, "7.712 is not the mean of these rates"


def test_brain(folder):
    """Without the recordings one may leave out; rates of neurons come from the spikes, spectra from the rates."""
    synthetic.make(folder)
    report(folder)
    page = check_page(folder, BRAIN | {"currents"})
    assert "those of populations with recorded spikes" in caption(page, "neurons")
    assert "Welch" in caption(page, "spectra") and "Measured" not in caption(page, "functional")
    assert "fc_empirical_r" not in table(page)


def test_one_recording_each(folder):
    """Each recording alone, without a summary: nothing else is drawn."""
    alone = {"spikes": {"raster", "neurons"}, "bold": {"bold", "connectome", "functional", "dynamics"},
             "rates": {"rates", "rate_bars", "spectra", "brain_map"}, "neurons": {"neurons"}, "spectra": {"spectra"},
             "lfp": {"lfp"}, "traces": TRACES, "currents": {"currents"}, "weights": WEIGHTS}
    for name, figures in alone.items():
        where = f"{folder}_{name}"
        synthetic.make(where, seconds=210, warmup_s=10, record=(name,))
        os.unlink(os.path.join(where, "summary.json"))
        report(where)
        page = check_page(where, figures)
        assert "left no summary.json" in page or name in ("traces", "weights"), name


def test_populations(folder):
    """A microcircuit: no regions, no BOLD."""
    layers = ("L23E", "L23I", "L4E", "L4I")
    synthetic.make(folder, layers=layers, neurons=800, seconds=8, warmup_s=0.5, fc_mean=None, sc_fc_r=None)
    report(folder)
    page = check_page(folder, {"raster", "rates", "rate_bars", "neurons", "spectra", "currents", "timing"})
    assert "a network of 4 populations" in page and "functional connectivity" not in page.lower()
    values = table(page)
    assert "fc_mean" not in values and values["seed"] == "1"


def test_columns(folder):
    """A brain whose regions have layers: rates of layers too."""
    synthetic.make(folder, record=("rates", "spikes"), seconds=8, warmup_s=1)
    names = [f"L{i // 4:03}/L{(23, 4)[i % 4 // 2]}{'EI'[i % 2]}" for i in range(16)]
    for name in ("rates", "spikes"):
        with h5py.File(os.path.join(folder, name + ".h5"), "r+") as file:
            del file["callosum/populations/name"]
            file["callosum/populations"].create_dataset("name", data=names, dtype=synthetic.TEXT)
    report(folder)
    page = check_page(folder, {"raster", "rates", "rate_bars", "layers", "neurons", "spectra", "brain_map", "timing"})
    with h5py.File(os.path.join(folder, "rates.h5"), "r") as file:
        rate, count = file["rates/data"][100:].mean(axis=0), file["callosum/populations/count"][()]
    mean = rate[1::4] @ count[1::4] / count[1::4].sum()
    assert f"L23I {words.short(mean)}" in caption(page, "layers"), caption(page, "layers")


def test_short(folder):
    """A run shorter than its warm-up is shown whole; what is too short to compute is said, not drawn."""
    synthetic.make(folder, seconds=4, warmup_s=20, bin_ms=20)
    report(folder)
    page = check_page(folder, BRAIN - {"dynamics", "spectra"} | {"currents"})
    assert "too short to judge" in page and "not longer than its warm-up" in page
    assert "Dynamics of connectivity" not in page
    assert "The dynamics of functional connectivity are not drawn: 4 s" in page
    assert "Spectra of rates are not drawn" in page


def test_measured_too_short(folder):
    """The dynamics of the measured BOLD need its repetition time and 3 windows."""
    synthetic.make(folder, record=("bold", "empirical"))
    path = os.path.join(folder, "bold.h5")
    with h5py.File(path, "r+") as file:
        file["empirical"].attrs["tr_s"] = 0.5
    report(folder)
    page = check_page(folder, {"bold", "connectome", "functional", "dynamics", "timing"})
    assert "measured BOLD are not drawn: it lasts 1 min 15 s" in page and "KS" not in caption(page, "dynamics")
    with h5py.File(path, "r+") as file:
        file["empirical"].attrs["tr_s"] = numpy.nan
        del file["empirical/name"]
    report(folder)
    page = check_page(folder, {"bold", "connectome", "functional", "dynamics", "timing"})
    assert "its repetition time is not known" in page
    with h5py.File(path, "r+") as file:
        measured = file["empirical/data"][:, :5]
        del file["empirical/data"]
        file["empirical/data"] = measured
    report(folder)
    assert "not as many regions as the network" in check_page(
        folder, {"bold", "connectome", "functional", "dynamics", "timing"})


def test_interrupted(folder):
    """Recordings that were not closed, one longer than the other, without summary.json."""
    synthetic.make(folder, seconds=30, record=("rates", "bold", "spikes"), complete=0)
    os.unlink(os.path.join(folder, "summary.json"))
    with h5py.File(os.path.join(folder, "rates.h5"), "r+") as file:
        time = file["rates/time_ms"][:2000]
        del file["rates/time_ms"]
        file["rates/time_ms"] = time
    report(folder)
    page = check_page(folder, BRAIN - {"dynamics", "timing"})
    assert "left no summary.json" in page and "Not closed by the run: spikes.h5, rates.h5 and bold.h5" in page
    assert float(table(page)["mean_rate_hz"].split()[0]) > 1, "computed from the recordings"


def test_going_on(folder):
    """Recordings that grow while the report is made: it shows them as they stood when it looked at the folder."""
    names = ("rates", "bold", "spikes")
    synthetic.make(folder, seconds=30, record=names, complete=0)
    os.unlink(os.path.join(folder, "summary.json"))

    def overwrite():
        for name in names:
            with open(os.path.join(folder, name + ".h5"), "r+b") as file:  # no byte is where it was
                file.write(bytes(os.path.getsize(file.name)))

    report(folder)
    before = read_page(folder)
    report(folder, meanwhile=overwrite)
    assert read_page(folder) == before, "the page is of recordings that came later"


def test_begun(folder):
    """A run that was killed at once: recordings without a single row."""
    synthetic.make(folder, seconds=30, record=("rates", "bold", "spikes", "currents", "lfp", "neurons", "weights"), complete=0)
    os.unlink(os.path.join(folder, "summary.json"))
    for name, path in (("rates", "rates/data"), ("rates", "rates/time_ms"), ("bold", "bold/data"), ("lfp", "lfp/data"),
                       ("bold", "bold/time_s"), ("spikes", "spikes/network/timestamps"), ("lfp", "lfp/time_ms"), ("weights_all", "weights/data"),
                       ("weights_all", "weights/time_ms"),
                       ("spikes", "spikes/network/node_ids"), ("currents", "currents/data"),
                       ("currents", "currents/time_ms"), *(("neurons", f"neurons/{c}") for c in (
                           "node_ids", "rate_hz", "isi_cv"))):
        with h5py.File(os.path.join(folder, name + ".h5"), "r+") as file:
            file.attrs["recorded_ms"] = 0.0
            shape, kind = file[path].shape, file[path].dtype
            del file[path]
            file[path] = numpy.zeros((0, *shape[1:]), kind)
    report(folder)
    assert "Weights all are not drawn: none were written yet" in check_page(folder, {"connectome"})


def test_members(folder):
    """Of an ensemble, member 0 is drawn: the same pictures as of the plain run."""
    record = ("rates", "bold", "spikes", "currents", "lfp", "weights")
    synthetic.make(folder, record=record)
    statistics = [{"mean_rate_hz": 7.0 + m, "isi_cv_median": None} for m in range(3)]
    synthetic.make(folder + "_ensemble", record=record, members=3, members_statistics=statistics,
                   digests=["aa", "bb", "cc"])
    report(folder)
    report(folder + "_ensemble")
    figures = BRAIN | WEIGHTS | {"currents", "lfp"}
    check_page(folder, figures)
    page = check_page(folder + "_ensemble", figures)
    assert "An ensemble of 3 members" in page
    assert '<th scope="row">2</th><td class="number">9.00</td><td class="number">cc</td>' in page
    for name in figures:
        plain, ensemble = (open(os.path.join(where, "figures", name + ".png"), "rb").read()
                           for where in (folder, folder + "_ensemble"))
        assert plain == ensemble, name


def test_summary_alone(folder):
    synthetic.make(folder, record=())
    program(folder)
    page = check_page(folder, {"timing"})
    # Again, over the old one: the same page.
    program(folder)
    assert read_page(folder) == page


def test_unusual_values(folder):
    """Silence, names that are not safe in HTML, an early end, regions at unknown places."""
    truth = synthetic.make(folder, seconds=30, record=("rates", "bold"), mean_rate_hz=0.0, isi_cv_median=None,
                           status="interrupted", version="<script>")
    with h5py.File(os.path.join(folder, "rates.h5"), "r+") as file:
        file["rates/data"][...] = numpy.zeros_like(truth["rates"])
        file["regions/centre_mm"][...] = numpy.nan
        del file["regions/name"]
        file["regions"].create_dataset("name", data=['<b>"&'] * 4 + ["$_^\\frac{$ " * 9] * 4, dtype=synthetic.TEXT)
    with h5py.File(os.path.join(folder, "bold.h5"), "r+") as file:
        file["bold/data"][...] = numpy.zeros_like(truth["bold"])
    report(folder)
    page = check_page(folder, {"rates", "rate_bars", "connectome", "bold", "functional", "timing"})
    assert "nearly silent" in page and "the populations are silent" in page and "status: interrupted" in page
    assert "<script>" not in page and "&lt;script&gt;" in page and '<b>"&' not in page


def test_nan(folder):
    """NaN wherever a number can be missing."""
    synthetic.make(folder, record=synthetic.EVERYTHING)
    for name, path, where in (("rates", "rates/data", numpy.s_[5:50, 3]), ("bold", "bold/data", numpy.s_[:, 2]),
                              ("neurons", "neurons/isi_cv", numpy.s_[:]), ("neurons", "neurons/rate_hz", numpy.s_[::3]),
                              ("lfp", "lfp/data", numpy.s_[100:110, 1]), ("spectra", "spectra/power", numpy.s_[0]),
                              ("trace_probe_V_m", "report/network/data", numpy.s_[:, 1]),
                              ("currents", "currents/data", numpy.s_[3]),
                              ("bold", "empirical/data", numpy.s_[:, 4])):
        with h5py.File(os.path.join(folder, name + ".h5"), "r+") as file:
            file[path][where] = numpy.nan
    report(folder)
    page = check_page(folder, BRAIN | TRACES | WEIGHTS | {"currents", "lfp"})
    assert "No neuron fired the 5 spikes" in page and "nan" not in caption(page, "functional")


def test_many_populations(folder):
    """Without regions and with more populations than lines can be drawn: they are gathered."""
    columns = tuple(f"C{i}/{layer}" for i in range(500) for layer in ("L23E", "L23I", "L4E", "L4I"))
    for layers, what in ((tuple(f"P{i}/x" for i in range(3000)), "block of populations"), (columns, "layer")):
        where = f"{folder}_{len(layers)}"
        synthetic.make(where, layers=layers, neurons=2 * len(layers), seconds=6, warmup_s=1, spike_limit_s=6)
        report(where)
        page = check_page(where, {"raster", "rates", "rate_bars", "neurons", "spectra", "currents", "timing"})
        assert f"of each {what}" in page or f"each of 4 {what}s" in page, what


def test_many_regions(folder):
    """A thousand regions: labels are thinned, dynamics use some."""
    synthetic.make(folder, regions=1000, neurons=10000, seconds=200, warmup_s=10, tr_s=2, bin_ms=200, spike_limit_s=14)
    report(folder)
    page = check_page(folder, BRAIN | {"currents"})
    assert "Computed over 500 of 1,000 regions" in caption(page, "dynamics")
    assert "256 of 2,000 populations" in caption(page, "spectra")
    assert "a brain of 1,000 regions" in page


def test_advice(folder):
    """What stands out in the times is said, with its remedy."""
    def advice_on(**changes):
        synthetic.make(folder, record=(), **changes)
        report(folder)
        page = check_page(folder, {"timing"})
        for name in os.listdir(folder):
            if name != "figures":
                os.unlink(os.path.join(folder, name))
        for name in os.listdir(os.path.join(folder, "figures")):
            os.unlink(os.path.join(folder, "figures", name))
        os.rmdir(os.path.join(folder, "figures"))
        os.rmdir(folder)
        return page

    page = advice_on(timing=synthetic.timing(wait=60.0, update=20.0), ranks=4, job="a.yaml")
    assert "<code>callosum partition a.yaml --ranks 4 --method all</code>" in page
    uneven = synthetic.timing(wait=20.0)
    uneven["wait"].update(min=0.0, max=80.0)
    assert "A rank waits 71 % of the time" in advice_on(timing=uneven)
    page = advice_on(timing=synthetic.timing(wait=0.0, update=20.0, record=40.0, deliver=20.0))
    assert "record fewer spikes" in page and "callosum partition" not in page
    assert "Advancing neurons dominates" in advice_on(timing=synthetic.timing(wait=0.0))
    assert "Delivering spikes dominates" in advice_on(timing=synthetic.timing(wait=0, update=10.0, deliver=80.0))
    assert "Nothing stands out" in advice_on(timing=synthetic.timing(update=40.0, deliver=40.0, wait=3.0, record=1.0))
    assert "reference backend" in advice_on(backend="/cpu/serial")
    page = advice_on(timing={"update": {"min": 0, "mean": 0, "max": 0}, "deliver": {"min": 1, "mean": 2.5, "max": 3}})
    assert '<td class="number">2.500</td>' in page


def test_refused(folder):
    """What is not a run: exit status 2 and one line that names it."""
    assert folder in program(folder, 2)
    os.makedirs(folder)
    assert "summary.json" in program(folder, 2)
    with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as file:
        file.write('{"neurons": ')
    assert "expected JSON" in program(folder, 2)
    with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as file:
        file.write("[1]")
    assert "expected a JSON object, found list" in program(folder, 2)
    with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as file:
        file.write("{}")
    with open(os.path.join(folder, "rates.h5"), "w", encoding="utf-8") as file:
        file.write("not HDF5")
    assert "rates.h5: expected an HDF5 file" in program(folder, 2)
    with h5py.File(os.path.join(folder, "rates.h5"), "w") as file:
        file["something"] = 1
    synthetic.make(folder + "_other", record=("bold",))
    os.rename(os.path.join(folder + "_other", "bold.h5"), os.path.join(folder, "bold.h5"))
    assert "rates.h5: not laid out as expected: no dataset /rates/data of 2 or 3 dimensions" in program(folder, 2)
    with h5py.File(os.path.join(folder, "rates.h5"), "w") as file:
        file["rates/data"] = numpy.zeros(5)
    assert "/rates/data has 1 dimensions, expected 2 or 3" in program(folder, 2)
    with h5py.File(os.path.join(folder, "rates.h5"), "w") as file:
        file["rates/data"], file["rates/time_ms"] = numpy.zeros((7, 5)), numpy.arange(7.0)
    assert "/rates/data has 5 columns for 16 populations" in program(folder, 2)
    os.unlink(os.path.join(folder, "rates.h5"))
    with h5py.File(os.path.join(folder, "bold.h5"), "r+") as file:
        signal = file["bold/data"][()]
        del file["bold/data"]
        file["bold/data"] = signal[:, :3]
    assert "/bold/data has 3 columns for 8 regions" in program(folder, 2)
    with h5py.File(os.path.join(folder, "bold.h5"), "r+") as file:
        del file["bold/data"]
        file["bold/data"] = signal
        file["tracts/source"][0] = 8
    assert "/tracts does not fit 8 regions" in program(folder, 2)
    synthetic.make(folder + "_weights", seconds=20, record=("weights",))
    with h5py.File(os.path.join(folder + "_weights", "weights_all.h5"), "r+") as file:
        file["weights/projections/first"][3] = 4001
    assert "/weights/data has 4000 columns for 4001 synapses" in program(folder + "_weights", 2)
    with h5py.File(os.path.join(folder, "sweep.h5"), "w") as file:
        file["sweep/keys"] = ["a"]
        file["sweep/values"] = numpy.zeros((3, 2))
    assert "/sweep/values has 2 columns for 1 keys" in program(folder, 2)
    assert not {"report.html", "figures"} & set(os.listdir(folder))
    for arguments in ([], ["one", "two"], ["--unknown"]):
        result = subprocess.run([sys.argv[1], "report", *arguments], capture_output=True, text=True, check=False)
        assert result.returncode == 2 and "expected one run folder" in result.stderr, (arguments, result)


def test_words():
    """Numbers and durations as people read them."""
    assert [words.number(v) for v in (20000, 7.712, 0.5, 123.456, 760102.8, 1.5e-7, None, float("nan"), 0.0)] == [
        "20,000", "7.712", "0.5", "123.5", "760,103", "1.5e-07", "–", "–", "0"]
    assert [words.short(v) for v in (7.7123, 0.01534, 0.2, 12.04, 1534.2, 1.5e-7, 0.0, -3.14159, float("nan"))] == [
        "7.71", "0.0153", "0.200", "12.0", "1,530", "1.50e-07", "0", "-3.14", "–"]
    assert [words.duration(v) for v in (0.85, 0.9996, 12.34, 250, 240, 7500, None)] == [
        "850 ms", "1 s", "12.3 s", "4 min 10 s", "4 min", "2 h 05 min", "–"]
    assert [words.size(v) for v in (512, 104857600, 5 << 30)] == ["512 B", "100.0 MiB", "5.0 GiB"]
    assert [words.unit(u) for u in ("uA/cm2", "(sp/s)^2/Hz", "1", "mV", "pA", "uF/cm2")] == [
        "µA/cm²", "(sp/s)²/Hz", "", "mV", "pA", "µF/cm²"]
    assert [words.percent(v) for v in (0, 0.0012, 0.0949, 0.095, 0.3, 1)] == [
        "0 %", "0.12 %", "9.5 %", "10 %", "30 %", "100 %"]
    assert words.listed(["a", "b", "c"]) == "a, b and c" and words.count(1, "region") == "1 region"


if __name__ == "__main__":
    sys.exit(checks.main(globals()))

"""`callosum report` on small run folders made here: every figure is there and embedded, the page needs no network, the
numbers are those that went in, and what is not a run is refused."""

import html
import json
import os
import re
import subprocess
import sys
import tempfile

import h5py
import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "jobs", "report"))

import analysis  # noqa: E402
import run_folder  # noqa: E402
import synthetic  # noqa: E402
import verdicts  # noqa: E402

BRAIN = {"brain_map", "raster", "rates", "rate_histogram", "connectome", "bold", "functional", "timing"}


def report(folder, status=0):
    """Runs the program; returns what it printed."""
    result = subprocess.run([sys.argv[1], "report", folder], capture_output=True, text=True, check=False)
    assert result.returncode == status, (result.returncode, result.stdout, result.stderr)
    if status:
        assert result.stdout == "" and result.stderr.count("\n") == 1, result.stderr
        assert result.stderr.startswith("callosum: report: "), result.stderr
        return result.stderr
    assert result.stderr == "", result.stderr
    return result.stdout


def read_page(folder):
    with open(os.path.join(folder, "report.html"), encoding="utf-8") as file:
        return file.read()


def pictures(folder):
    return {name[:-4] for name in os.listdir(os.path.join(folder, "figures"))}


def table(page):
    """{key of summary.json: value as printed}"""
    cells = re.findall(r'<tr data-key="(\w+)">.*?<td class="value">(.*?)</td>', page)
    return {key: html.unescape(value) for key, value in cells}


def check_page(folder, figures):
    page = read_page(folder)
    assert pictures(folder) == figures, pictures(folder) ^ figures
    for name in figures:
        with open(os.path.join(folder, "figures", name + ".png"), "rb") as file:
            data = file.read()
        assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) > 5000, name
        assert f'<figure id="{name}">' in page, name
    assert page.count('src="data:image/png;base64,') == len(figures)
    assert "//" not in re.sub(r'src="data:[^"]*"', "", page).replace("</", ""), "the page refers to something outside"
    assert not [name for name in os.listdir(folder) if name.endswith(".part")]
    return page


def test_brain(folder):
    truth = synthetic.make(folder, regions=8, neurons=400, sc_fc_r=0.4321)
    printed = report(folder)
    assert printed.strip() == os.path.join(folder, "report.html"), printed
    page = check_page(folder, BRAIN | {"currents"})
    with open(os.path.join(folder, "summary.json"), encoding="utf-8") as file:
        summary = json.load(file)
    values = table(page)
    for key in ("neurons", "synapses", "spikes", "events"):
        assert values[key] == f"{summary[key]:,}", (key, values[key])
    for key in ("mean_rate_hz", "isi_cv_median", "spike_correlation_mean", "fc_mean", "sc_fc_r", "real_time_factor",
                "bytes_per_synapse"):
        assert abs(float(values[key].split()[0]) - summary[key]) <= 5e-4, (key, values[key])
    assert values["digest"] == summary["digest"] and values["peak_rss_bytes"] == "100.0 MiB"
    assert values["simulate_s"] == "1 min 37 s" and values["biological_s"] == "4 min"
    assert "fc_empirical_r" not in values
    assert "long enough (200 s)" in page and "structure hardly shows" in page and "did not reach" not in page
    check_numbers(folder, truth)


def check_numbers(folder, truth):
    """What the figures show against direct computations from what was written."""
    run = run_folder.Run(folder)
    rates = analysis.RateSummary(run, columns=100)
    kept = truth["rates"][2000:]  # 20 s of 10 ms bins are the warm-up
    assert numpy.allclose(rates.mean_hz, kept.mean(axis=0), rtol=1e-5)
    assert rates.binned_hz.shape == (100, 16) and numpy.allclose(
        rates.binned_hz, truth["rates"].reshape(100, 240, 16).mean(axis=1), rtol=1e-5)
    by_region = rates.by_region(run.populations, rates.mean_hz)
    count = truth["populations"]["count"]
    expected = (kept.mean(axis=0) * count).reshape(8, 2).sum(axis=1) / count.reshape(8, 2).sum(axis=1)
    assert numpy.allclose(by_region, expected, rtol=1e-5)
    assert numpy.allclose(run.tracts(), truth["weights"])
    matrix, seconds = analysis.functional_connectivity(*run.bold(), run.warmup_s)
    assert abs(seconds - 220) < 1e-9
    assert numpy.allclose(matrix, numpy.corrcoef(truth["bold"][25:].T), atol=1e-9)  # 20 s are 25 volumes of .8 s
    time, node = truth["spikes"]
    inside = (time >= 5000) & (time < 6000)
    found = run.spikes_between(5000, 6000)
    assert (found[0] == time[inside]).all() and (found[1] == node[inside]).all()
    time_s, currents = run.currents(columns=100)
    assert list(currents) == [(kind, ("AMPA", "NMDA", "GABA_A", "GABA_B"), "uA/cm2") for kind in "EI"]
    assert len(time_s) == 100 and numpy.abs(currents[list(currents)[0]] - [0.5, 0.1, -0.4, 0]).max() < 0.005
    counts = run.spike_counts(10000, 400)
    assert (counts == numpy.bincount(node[time >= 10000].astype(int), minlength=400)).all()


def test_populations(folder):
    """A microcircuit: no regions, no BOLD."""
    layers = ("L23E", "L23I", "L4E", "L4I")
    synthetic.make(folder, layers=layers, neurons=800, seconds=3, warmup_s=0.5, fc_mean=None, sc_fc_r=None)
    report(folder)
    page = check_page(folder, {"raster", "rates", "rate_histogram", "currents", "timing"})
    assert "a network of 4 populations" in page and "functional connectivity" not in page.lower()
    values = table(page)
    assert "fc_mean" not in values and values["seed"] == "1"


def test_short(folder):
    """A run shorter than its warm-up is shown whole, and its functional connectivity is marked."""
    synthetic.make(folder, seconds=8, warmup_s=20)
    report(folder)
    page = check_page(folder, BRAIN | {"currents"})
    assert "too short to judge" in page and "not longer than its warm-up" in page
    assert run_folder.Run(folder).warmup_s == 0


def test_interrupted(folder):
    """Recordings without summary.json, and one recording alone."""
    synthetic.make(folder, seconds=30, record=("rates",))
    os.unlink(os.path.join(folder, "summary.json"))
    report(folder)
    page = check_page(folder, {"brain_map", "rates", "rate_histogram", "connectome"})
    assert "left no summary.json" in page


def test_summary_alone(folder):
    synthetic.make(folder, record=())
    report(folder)
    page = check_page(folder, {"timing"})
    # Again, over the old one: the same page.
    report(folder)
    assert read_page(folder) == page


def test_unusual_values(folder):
    """Silence, names that are not safe in HTML, an early end."""
    truth = synthetic.make(folder, seconds=30, record=("rates", "bold"), mean_rate_hz=0.0, isi_cv_median=None,
                           status="interrupted", version="<script>")
    with h5py.File(os.path.join(folder, "rates.h5"), "r+") as file:
        file["rates/data"][...] = numpy.zeros_like(truth["rates"])
    with h5py.File(os.path.join(folder, "bold.h5"), "r+") as file:
        file["bold/data"][...] = numpy.zeros_like(truth["bold"])
    report(folder)
    page = check_page(folder, {"brain_map", "rates", "rate_histogram", "connectome", "bold", "functional", "timing"})
    assert "nearly silent" in page and "status: interrupted" in page
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_refused(folder):
    """What is not a run: exit status 2 and one line that names it."""
    assert folder in report(folder, 2)
    os.makedirs(folder)
    assert "summary.json" in report(folder, 2)
    with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as file:
        file.write('{"neurons": ')
    assert "expected JSON" in report(folder, 2)
    with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as file:
        file.write("{}")
    with open(os.path.join(folder, "rates.h5"), "w", encoding="utf-8") as file:
        file.write("not HDF5")
    assert "rates.h5" in report(folder, 2)
    with h5py.File(os.path.join(folder, "rates.h5"), "w") as file:
        file["something"] = 1
    assert "not laid out as expected" in report(folder, 2)
    assert not os.path.exists(os.path.join(folder, "report.html"))
    for arguments in ([], ["one", "two"], ["--unknown"]):
        result = subprocess.run([sys.argv[1], "report", *arguments], capture_output=True, text=True, check=False)
        assert result.returncode == 2 and "expected one run folder" in result.stderr, (arguments, result)


def test_words():
    """Numbers and durations as people read them."""
    assert [verdicts.number(v) for v in (20000, 7.712, 0.5, 123.456, 760102.8, 1.5e-7, None, float("nan"), 0.0)] == [
        "20,000", "7.712", "0.5", "123.5", "760,103", "1.5e-07", "–", "–", "0"]
    assert [verdicts.duration(v) for v in (0.85, 12.34, 250, 240, 7500)] == [
        "850 ms", "12.3 s", "4 min 10 s", "4 min", "2 h 05 min"]
    assert [verdicts.size(v) for v in (512, 104857600, 5 << 30)] == ["512 B", "100.0 MiB", "5.0 GiB"]


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name, test in sorted(globals().items()):
            if name.startswith("test_"):
                if test.__code__.co_argcount:
                    test(os.path.join(folder, name))
                else:
                    test()
                print(f"{name}: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

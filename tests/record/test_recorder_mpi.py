"""Recordings on 1 to 4 ranks and three layouts: the same data, what readers of SONATA require, and figures recomputed
here from the recorded spikes. Then: a killed run, a full disk, a run that ends early.

The run recorded is made up by tests/record/synthetic.h."""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy
import scipy.signal

import sonata

DT_MS, STEPS, WARMUP_STEP, BIN_MS, TR_S = 0.5, 6000, 1000, 2.5, 0.05
FILES = ("spikes.h5", "rates.h5", "bold.h5", "currents.h5", "lfp.h5", "spectra.h5", "neurons.h5", "trace_first_V_mV.h5",
         "trace_first_x.h5", "trace_listed_V_mV.h5", "weights_all.h5", "weights_some.h5")
NAMES = ("brain", "brain_member1")
SOME = [0, 7, 12]  # populations chosen for spectra, neurons and the first trace
SEGMENT = 81  # bins: an odd number


def find_program():
    """Beside the program under test, or where its unit tests are built."""
    folder = os.path.dirname(os.path.abspath(sys.argv[1]))
    for candidate in ("record_test_recorder_mpi", "test_recorder_mpi"):
        for place in (folder, os.path.join(folder, "..", "tests"), os.path.join(folder, "..", "bin")):
            path = os.path.join(place, candidate)
            if os.access(path, os.X_OK):
                return path
    print("skipped: the program record_test_recorder_mpi was not built")
    sys.exit(77)


def start(program, ranks, folder, mode, how="", timeout=120):
    os.makedirs(folder, exist_ok=True)
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1")
    command = ["mpirun", "--oversubscribe", "-n", str(ranks), program, folder, str(mode)] + ([how] if how else [])
    return subprocess.run(command, env=environment, timeout=timeout, capture_output=True, text=True, check=False)


def record(program, ranks, folder, mode, how=""):
    result = start(program, ranks, folder, mode, how)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.strip().splitlines()[-2:]]
    return [{name: float(value) for name, value in zip(words[::2], words[1::2])} for words in lines]


def contents(path):
    """Every dataset and attribute: path -> bytes and type."""
    found = {}

    def visit(name, thing):
        for key, value in thing.attrs.items():
            found[name, key] = (str(numpy.asarray(value).dtype), numpy.asarray(value).tolist())
        if isinstance(thing, h5py.Dataset):
            text = h5py.check_string_dtype(thing.dtype)
            found[name] = (str(thing.dtype), thing.shape, thing[()].tolist() if text else thing[()].tobytes())

    with h5py.File(path, "r") as file:
        visit("/", file)
        file.visititems(visit)
    return found


# ---- what readers require


def check_sonata(folder, spikes):
    sonata.check_spikes(os.path.join(folder, "spikes.h5"), NAMES, DT_MS, STEPS)
    first = [int(spikes.first[p]) + i for p in SOME for i in range(40)]
    listed = [int(spikes.first[p]) + i for p in (2, 10) for i in (0, 63, 64, 149)]
    for name, units, variable, interval, nodes in (("first_V_mV", "mV", "V_mV", 2.5, first), ("first_x", "1", "x", 2.5, first),
                                                   ("listed_V_mV", "mV", "V_mV", 0.5, listed)):
        path = os.path.join(folder, f"trace_{name}.h5")
        data = sonata.check_report(path, NAMES, units, variable, interval, int(STEPS * DT_MS / interval), nodes)
        assert (data[0] != data[1]).mean() > 0.9 and numpy.isfinite(data).all()


def check_every_file(folder):
    for name in FILES:
        with h5py.File(os.path.join(folder, name), "r") as file:
            attributes = dict(file.attrs)
            assert attributes["job"] == "simulation: {duration_ms: 3000}\n", attributes["job"]
            assert attributes["job_hash"] == 12345 and attributes["seed"] == 7 and attributes["members"] == 2
            assert attributes["dt_ms"] == DT_MS and attributes["warmup_ms"] == 500
            assert attributes["complete"] == 1 and attributes["recorded_ms"] == 3000
            assert attributes["callosum_version"]
            populations = file["callosum/populations"]
            assert [value.decode() for value in populations["name"][:3]] == ["R0/E", "R0/I", "R1/E"]
            assert populations["name"][-1] == b"outside" and populations["region"][()].tolist()[-3:] == [5, 5, -1]
            assert populations["count"][()].tolist()[:4] == [150, 37, 180, 38]
            assert populations["first"][()].tolist()[:4] == [0, 150, 187, 367]
            assert bytes(populations["type"][()].tolist()) == b"EI" * 6 + b"\0"
            assert file["regions/name"][2] == b"R2" and file["regions/centre_mm"][2].tolist() == [2, -2, 1]
            assert file["regions/centre_mm"].attrs["units"] == "mm"
        subprocess.run(["h5dump", "-H", os.path.join(folder, name)], check=True, stdout=subprocess.DEVNULL)


# ---- the same figures from the spikes


class Spikes:
    def __init__(self, path, member):
        with h5py.File(path, "r") as file:
            group = file["spikes/brain_member1" if member else "spikes/brain"]
            self.step = numpy.rint(group["timestamps"][()] / DT_MS).astype(numpy.int64) - 1
            self.neuron = group["node_ids"][()].astype(numpy.int64)
            self.size = file["callosum/populations/count"][()].astype(numpy.int64)
            self.first = file["callosum/populations/first"][()].astype(numpy.int64)
            self.region = file["callosum/populations/region"][()]
        self.population = numpy.repeat(numpy.arange(len(self.size)), self.size)[self.neuron]


def counts(spikes, groups, bin_steps, n_groups):
    """[bin, group] spikes; groups[population] = -1: none."""
    group = groups[spikes.population]
    table = numpy.zeros((STEPS // bin_steps, n_groups), dtype=numpy.int64)
    inside = group >= 0
    numpy.add.at(table, (spikes.step[inside] // bin_steps, group[inside]), 1)
    return table


def balloon(u):
    """[ms, region] activity -> [ms, region] BOLD: explicit Euler at 1 ms."""
    u = numpy.maximum(u, 1e-5)
    s, f, v, q = numpy.zeros(u.shape[1]), numpy.ones(u.shape[1]), numpy.ones(u.shape[1]), numpy.ones(u.shape[1])
    y = numpy.empty(u.shape)
    for t, now in enumerate(u):
        ds = 200 * now - s / 0.8 - (f - 1) / 0.4
        dv = f - v**5
        dq = f * (1 - 0.2 ** (1 / f)) / 0.8 - q * v**4
        f = f + 1e-3 * s
        s, v, q = s + 1e-3 * ds, v + 1e-3 * dv, q + 1e-3 * dq
        y[t] = 0.02 * (5.6 * (1 - q) + 2 * (1 - q / v) + 1.4 * (1 - v))
    return y


def check_rates(folder, spikes, member):
    table = counts(spikes, numpy.arange(len(spikes.size)), int(BIN_MS / DT_MS), len(spikes.size))
    with h5py.File(os.path.join(folder, "rates.h5"), "r") as file:
        data = file["rates/data"]
        assert data.shape == (1200, 2, 13) and data.dtype == numpy.float32 and data.attrs["units"] == "Hz"
        expected = (table / (spikes.size * (BIN_MS * 1e-3))).astype(numpy.float32)
        numpy.testing.assert_allclose(data[:, member], expected, rtol=1e-6)
        assert file["rates/time_ms"][()].tolist() == [(k + 1) * BIN_MS for k in range(1200)]
        assert file["rates"].attrs["bin_ms"] == BIN_MS


def check_bold(folder, spikes, member):
    size = numpy.array([spikes.size[spikes.region == r].sum() for r in range(6)])
    table = counts(spikes, spikes.region, int(1 / DT_MS), 6)
    tr = int(TR_S * 1000)
    expected = balloon(table / size)[tr - 1 :: tr]
    with h5py.File(os.path.join(folder, "bold.h5"), "r") as file:
        data, rates = file["bold/data"], file["rates_per_tr"]
        assert data.shape == (60, 2, 6) and data.dtype == numpy.float64
        numpy.testing.assert_allclose(data[:, member], expected, rtol=1e-9, atol=1e-14)
        numpy.testing.assert_allclose(rates[:, member], table.reshape(60, tr, 6).sum(1) / size / TR_S, rtol=1e-12)
        numpy.testing.assert_allclose(file["bold/time_s"][()], (numpy.arange(60) + 1) * TR_S, rtol=1e-12)
        assert file["bold"].attrs["tr_s"] == TR_S and rates.attrs["units"] == "Hz"
        weights = numpy.zeros((6, 6))
        row = file["tracts/row"][()].astype(int)
        weights[numpy.repeat(numpy.arange(6), numpy.diff(row)), file["tracts/source"][()]] = file["tracts/weight"][()]
        assert file["tracts/length_mm"].attrs["units"] == "mm" and len(file["tracts/length_mm"]) == row[-1]
        return file["bold/data"][10:, member], weights  # volumes after 500 ms


def check_lfp(folder, spikes, member):
    """From the means of the populations: regions hold one excitatory population each."""
    excitatory = [2 * r for r in range(6)]
    with h5py.File(os.path.join(folder, "currents.h5"), "r") as file:
        mean = file["currents/data"][:, member].astype(float)
        time = file["currents/time_ms"][()]
    with h5py.File(os.path.join(folder, "lfp.h5"), "r") as file:
        data = file["lfp/data"]
        assert data.shape == (300, 2, 6) and data.dtype == numpy.float32 and data.attrs["units"] == "pA"
        expected = numpy.abs(mean[:, excitatory]).sum(axis=2) * spikes.size[excitatory]
        numpy.testing.assert_allclose(data[:, member], expected, rtol=1e-6)
        assert (file["lfp/time_ms"][()] == time).all() and file["lfp"].attrs["over"] == "region"
        assert [name.decode() for name in file["lfp/name"][()]] == [f"R{r}" for r in range(6)]
        assert file["lfp/index"][()].tolist() == list(range(6)) and set(file["lfp/unit"][()]) == {b"pA"}


def check_neurons(folder, spikes, member):
    late = spikes.step >= WARMUP_STEP
    nodes = numpy.concatenate([spikes.first[p] + numpy.arange(spikes.size[p]) for p in SOME])
    count, variation = [], []
    for node in nodes:
        step = spikes.step[late & (spikes.neuron == node)]
        intervals = numpy.diff(step)
        count.append(len(step))
        variation.append(intervals.std() / intervals.mean() if len(intervals) >= 4 else numpy.nan)
    with h5py.File(os.path.join(folder, "neurons.h5"), "r") as file:
        group = file["neurons_member1" if member else "neurons"]
        assert {name: str(group[name].dtype) for name in group} == {
            "node_ids": "uint64", "spike_count": "uint32", "rate_hz": "float32", "isi_cv": "float32", "counted_ms": "float64"}
        assert group["node_ids"][()].tolist() == nodes.tolist() and group["spike_count"][()].tolist() == count
        assert group["counted_ms"][()].tolist() == [500, 3000] and group["rate_hz"].attrs["units"] == "Hz"
        numpy.testing.assert_allclose(group["rate_hz"][()], numpy.array(count) / 2.5, rtol=1e-6)
        numpy.testing.assert_allclose(group["isi_cv"][()], variation, rtol=1e-6)
        assert numpy.isnan(variation).sum() < 60


def check_weights(folder):
    """Layout of the file; its numbers are checked by the unit test."""
    with h5py.File(os.path.join(folder, "weights_all.h5"), "r") as file, \
            h5py.File(os.path.join(folder, "weights_some.h5"), "r") as other:
        group, table, n = file["weights"], file["weights/projections"], len(file["weights/initial"])
        assert {name: str(group[name].dtype) for name in group if name != "projections"} == {
            "data": "float32", "time_ms": "float64", "initial": "float32", "source_id": "uint64", "target_id": "uint64",
            "delay_ms": "float32", "projection": "uint32"}
        assert group["data"].shape == (78, n) and group["time_ms"].attrs["units"] == group["delay_ms"].attrs["units"] == "ms"
        assert group["data"].attrs["units"] == group["initial"].attrs["units"] == "1" and group.attrs["sample"] == 1
        assert table["name"][()].tolist() == [b"one", b"two", b"three"] and table["unit"][()].tolist() == [b"1"] * 3
        assert table["number"][()].tolist() == [0, 1, 2] and table["w_max"][()].tolist() == [16] * 3
        assert (numpy.repeat([0, 1, 2], numpy.diff(table["first"][()].astype(int))) == group["projection"][()]).all()
        for name in file["weights_member1"]:
            assert name == "data" or file[f"weights_member1/{name}"] == group[name], name
        # The sample of the second projection holds some of all its synapses.
        assert other["weights/projections/number"][()].tolist() == [1] and other["weights"].attrs["sample"] == 0.4
        chosen = list(zip(*(other[f"weights/{name}"][()] for name in ("source_id", "target_id", "delay_ms", "initial"))))
        whole = list(zip(*(group[name][()] for name in ("source_id", "target_id", "delay_ms", "initial"))))
        assert set(chosen) <= set(whole[int(table["first"][1]):int(table["first"][2])])
        assert abs(len(chosen) / (table["first"][2] - table["first"][1]) - 0.4) < 0.12, len(chosen)


def check_spectra(folder, member):
    with h5py.File(os.path.join(folder, "rates.h5"), "r") as file:
        rates = file["rates/data"][int(WARMUP_STEP * DT_MS / BIN_MS):, member][:, SOME].astype(float)
    frequency, power = scipy.signal.welch(rates, 1e3 / BIN_MS, "hann", SEGMENT, SEGMENT // 2, axis=0)
    with h5py.File(os.path.join(folder, "spectra.h5"), "r") as file:
        group = file["spectra"]
        assert group["power"].shape == (2, 3, 41) and group["power"].attrs["units"] == "(sp/s)^2/Hz"
        assert group["population"][()].tolist() == SOME and group["population"].dtype == numpy.uint32
        assert group["segments"][()].tolist() == [(1000 - SEGMENT) // 41 + 1]
        assert group.attrs["bin_ms"] == BIN_MS and group.attrs["segment_ms"] == SEGMENT * BIN_MS
        numpy.testing.assert_allclose(group["frequency_hz"][()], frequency, rtol=1e-12)
        numpy.testing.assert_allclose(group["power"][member], power.T, rtol=1e-6, atol=1e-6 * power.max())
        return numpy.abs(group["power"][member] - power.T).max() / power.max()


def check_statistics(figures, spikes, bold, weights, measured=None):
    late = spikes.step >= WARMUP_STEP
    seconds = (STEPS - WARMUP_STEP) * DT_MS * 1e-3
    numpy.testing.assert_allclose(figures["mean_rate_hz"], late.sum() / spikes.size.sum() / seconds, rtol=1e-12)
    rates = [late[spikes.region[spikes.population] == r].sum() / spikes.size[spikes.region == r].sum() / seconds
             for r in range(6)]
    numpy.testing.assert_allclose([figures["rate_min_hz"], figures["rate_max_hz"]], [min(rates), max(rates)], rtol=1e-12)

    # All neurons are in the sample of at most 5,000, so the median can be recomputed exactly.
    variation, n = [], int(spikes.size.sum())
    assert n <= 5000
    for neuron in range(n):
        intervals = numpy.diff(spikes.step[late & (spikes.neuron == neuron)])
        if len(intervals) >= 4:
            variation.append(intervals.std() / intervals.mean())
    numpy.testing.assert_allclose(figures["isi_cv_median"], numpy.median(variation), rtol=1e-12)

    paired = [k * n // 200 for k in range(200)]  # each stratum holds one neuron
    bins = (STEPS - WARMUP_STEP) // 4
    table = numpy.zeros((n, bins))
    numpy.add.at(table, (spikes.neuron[late], (spikes.step[late] - WARMUP_STEP) // 4), 1)
    table = table[paired]
    correlation = numpy.corrcoef(table[table.std(1) > 0])
    upper = numpy.triu_indices(len(correlation), 1)
    numpy.testing.assert_allclose(figures["spike_correlation_mean"], correlation[upper].mean(), rtol=1e-9)

    upper = numpy.triu_indices(6, 1)
    fc = numpy.corrcoef(bold.T)[upper]
    numpy.testing.assert_allclose(figures["fc_mean"], fc.mean(), rtol=1e-9)
    structure = ((weights + weights.T) / 2)[upper]
    numpy.testing.assert_allclose(figures["sc_fc_r"], numpy.corrcoef(fc, structure)[0, 1], rtol=1e-9)
    numpy.testing.assert_allclose(figures["fc_seconds"], 50 * TR_S, rtol=1e-12)
    if measured is None:
        assert numpy.isnan(figures["fc_empirical_r"])
    else:
        target = numpy.corrcoef(measured.T)[upper]
        numpy.testing.assert_allclose(figures["fc_empirical_r"], numpy.corrcoef(fc, target)[0, 1], rtol=1e-9)


# ---- runs that end badly


def check_killed(program, folder):
    result = start(program, 2, folder, 2, "kill")
    assert result.returncode != 0
    for name, path, length_ms in (("rates.h5", "rates/data", BIN_MS), ("bold.h5", "bold/data", TR_S * 1000)):
        with h5py.File(os.path.join(folder, name), "r") as file:
            # 2000 steps, flushed every 666 and at the end; the disk has all of the first flush at least
            recorded = file.attrs["recorded_ms"]
            assert file.attrs["complete"] == 0 and recorded in (333, 666, 999, 1000), dict(file.attrs)
            assert len(file[path]) == recorded // length_ms
    with h5py.File(os.path.join(folder, "trace_first_x.h5"), "r") as file:
        recorded, data = file.attrs["recorded_ms"], file["report/brain_member1/data"]
        assert file["report/brain/mapping/time"][1] == (recorded // 2.5 + 1) * 2.5 and len(data) >= recorded // 2.5
    with h5py.File(os.path.join(folder, "weights_all.h5"), "r") as file:
        recorded, group = file.attrs["recorded_ms"], file["weights"]
        assert file.attrs["complete"] == 0 and len(group["time_ms"]) >= recorded // 38.5 >= 8
        assert len(group["data"]) >= recorded // 38.5 and group["data"].shape[1] == len(group["source_id"]) > 500
        assert (numpy.diff(group["target_id"][()].astype(int)) >= 0).mean() > 0.99 and group["initial"][()].max() == 6.25
    with h5py.File(os.path.join(folder, "neurons.h5"), "r") as file:
        assert file.attrs["complete"] == 0 and len(file["neurons/spike_count"]) == len(file["neurons/node_ids"]) == 0
    with h5py.File(os.path.join(folder, "spectra.h5"), "r") as file:
        complete = max(0, int((file.attrs["recorded_ms"] - 500) // BIN_MS) - SEGMENT) // 41 + 1
        expected = complete if file.attrs["recorded_ms"] >= 500 + SEGMENT * BIN_MS else 0
        assert file["spectra/segments"][0] == expected and (numpy.isnan(file["spectra/power"][()]) == (expected == 0)).all()
    with h5py.File(os.path.join(folder, "spikes.h5"), "r") as file:
        recorded, times = file.attrs["recorded_ms"], file["spikes/brain/timestamps"]
        assert recorded - 5 < times[-1] <= recorded and len(file["spikes/brain/node_ids"]) == len(times) > 4000


def check_full_disk(program, folder):
    for ranks in (1, 3):
        result = start(program, ranks, folder, 1, "limit", timeout=60)
        assert result.returncode != 0
        assert "spikes.h5" in result.stderr and "failed" in result.stderr, result.stderr


def check_short(program, folder):
    figures = record(program, 3, folder, 0, "short")[0]
    with h5py.File(os.path.join(folder, "rates.h5"), "r") as file:
        assert len(file["rates/data"]) == 200 and file.attrs["recorded_ms"] == 500.5  # the last bin is not full
    with h5py.File(os.path.join(folder, "weights_all.h5"), "r") as file:  # nor is the end of the run a row: it did not get there
        assert file["weights/time_ms"][()].tolist() == [38.5 * k for k in range(1, 14)] and file.attrs["complete"] == 1
    with h5py.File(os.path.join(folder, "weights_some.h5"), "r") as file:
        assert file["weights/data"].shape[0] == 0 and len(file["weights/initial"]) > 20
    assert figures["mean_rate_hz"] > 0 and numpy.isnan(figures["fc_mean"]) and figures["fc_seconds"] == 0


def main():
    program = find_program()
    with tempfile.TemporaryDirectory() as top:
        measured = numpy.random.default_rng(1).normal(size=(30, 6)).cumsum(0)
        table = os.path.join(top, "measured.tsv")
        order = [3, 0, 5, 1, 4, 2]  # columns are found by their names
        numpy.savetxt(table, measured[:, order], delimiter="\t", header="\t".join(f"R{r}" for r in order), comments="")
        with open(os.path.join(top, "measured.json"), "w", encoding="utf-8") as file:
            file.write('{"RepetitionTime": 0.05}')
        runs = [(1, 0), (2, 1), (3, 2), (4, 2)]  # ranks, layout
        figures = [record(program, ranks, os.path.join(top, f"{ranks}_{mode}"), mode) for ranks, mode in runs]
        folder = os.path.join(top, "1_0")
        for name in FILES:
            expected = contents(os.path.join(folder, name))
            for ranks, mode in runs[1:]:
                found = contents(os.path.join(top, f"{ranks}_{mode}", name))
                assert found.keys() == expected.keys(), (name, ranks, mode)
                for key, value in expected.items():
                    assert found[key] == value, (name, key, ranks, mode)
        assert all(repr(other) == repr(figures[0]) for other in figures[1:]), figures
        check_every_file(folder)
        for member in (1, 0):
            spikes = Spikes(os.path.join(folder, "spikes.h5"), member)
            check_rates(folder, spikes, member)
            check_lfp(folder, spikes, member)
            check_neurons(folder, spikes, member)
            print(f"spectra differ from scipy's by {check_spectra(folder, member):.1e} of the largest power")
            bold, weights = check_bold(folder, spikes, member)
            check_statistics(figures[0][member], spikes, bold, weights)
        check_weights(folder)
        check_sonata(folder, spikes)
        compared = record(program, 3, os.path.join(top, "measured"), 1, table)
        check_statistics(compared[0], spikes, bold, weights, measured)
        with h5py.File(os.path.join(top, "measured", "bold.h5"), "r") as file:
            numpy.testing.assert_allclose(file["empirical/data"][()], measured, rtol=1e-15)
            assert [n.decode() for n in file["empirical/name"][()]] == [f"R{r}" for r in range(6)]
            attributes = file["empirical"].attrs
            assert attributes["tr_s"] == 0.05 and attributes["matched_by"] in (b"name", "name"), dict(attributes)
        check_killed(program, os.path.join(top, "killed"))
        check_full_disk(program, os.path.join(top, "full"))
        check_short(program, os.path.join(top, "short"))
        print("figures:", figures[0])
    return 0


sys.exit(main())

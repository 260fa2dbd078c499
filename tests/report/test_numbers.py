"""The numbers behind the figures of the report, recomputed here from what was written, with SciPy or by the definition:
rates, spectra, intervals, functional connectivity and its dynamics, sampled signals, sweeps."""

import os
import sys

import h5py
import numpy
import scipy.signal
import scipy.stats

import checks
from checks import caption, read_page, report

import connectivity  # noqa: E402  (checks puts the folders on the path)
import figures_bold  # noqa: E402
import figures_brain  # noqa: E402
import figures_rates  # noqa: E402
import figures_spikes  # noqa: E402
import figures_sweep  # noqa: E402
import figures_weights  # noqa: E402
import groups  # noqa: E402
import neurons  # noqa: E402
import rates  # noqa: E402
import run_folder  # noqa: E402
import signals  # noqa: E402
import style  # noqa: E402
import sweep  # noqa: E402
import synthetic  # noqa: E402
import weights  # noqa: E402
import words  # noqa: E402


def test_rates(folder):
    """Means over time and over neurons, whatever the pieces in which the file is read."""
    truth = synthetic.make(folder, record=("rates",))
    run = run_folder.Run(folder)
    grouping = groups.Groups(run)
    summary = rates.RateSummary(run, grouping, columns=100)
    kept, count = truth["rates"][2000:], truth["populations"]["count"]  # 20 s of 10 ms bins are the warm-up
    assert numpy.allclose(summary.mean_hz, kept.mean(axis=0), rtol=1e-5)
    binned = truth["rates"].reshape(100, 240, 16).mean(axis=1)
    assert summary.row_hz.shape == (100, 8)
    regions = (binned * count).reshape(100, 8, 2).sum(axis=2) / count.reshape(8, 2).sum(axis=1)
    assert numpy.allclose(summary.row_hz, regions[:, grouping.order], rtol=1e-5)
    assert grouping.kinds == ["E", "I"]
    for column, kind in enumerate("EI"):
        mine = numpy.array(truth["populations"]["type"]) == kind
        assert numpy.allclose(summary.type_hz[:, column], binned[:, mine] @ count[mine] / count[mine].sum(), rtol=1e-5)
    # Left hemisphere first, each from front to back.
    centres = truth["centres"][grouping.order]
    assert grouping.left == 4 and (centres[:4, 0] < 0).all() and (centres[4:, 0] > 0).all()
    assert (numpy.diff(centres[:4, 1]) <= 0).all() and (numpy.diff(centres[4:, 1]) <= 0).all()
    whole, run_folder.PIECE_BYTES = run_folder.PIECE_BYTES, 7000
    pieces = list(run.rate_pieces())
    assert len(pieces) > 10
    again = rates.RateSummary(run, grouping, columns=100)
    run_folder.PIECE_BYTES = whole
    assert numpy.allclose(again.row_hz, summary.row_hz) and numpy.allclose(again.mean_hz, summary.mean_hz)
    assert numpy.allclose(again.spectra.power, summary.spectra.power)


def test_order_by_name():
    """Where centres are unknown, hemispheres are told by the names."""
    unknown = numpy.full((4, 3), numpy.nan)
    order, left = groups.region_order(["rV1", "lV1", "lA1", "rA1"], unknown)
    assert order.tolist() == [2, 1, 3, 0] and left == 2
    assert groups.region_order(["Cuneus_R", "Cuneus_L", "Angular_L", "Angular_R"], unknown)[0].tolist() == [2, 1, 3, 0]
    order, left = groups.region_order(["Lingual", "Rectus", "Cuneus", "Angular"], unknown)
    assert order.tolist() == [0, 1, 2, 3] and left is None
    order, left = groups.region_order(["R002", "R001", "R003", "R004"], unknown)
    assert order.tolist() == [0, 1, 2, 3] and left is None


def test_spectra(folder):
    """Welch's method over the time after the warm-up is SciPy's; Poisson counts lie on the line drawn for them."""
    truth = synthetic.make(folder, record=("rates",), bin_ms=5, seconds=60, warmup_s=2.5)
    run = run_folder.Run(folder)
    found = rates.RateSummary(run, groups.Groups(run)).spectra
    frequency, power = scipy.signal.welch(truth["rates"][500:].astype("f4").astype(float), fs=200, nperseg=400, axis=0)
    assert numpy.allclose(found.frequency_hz, frequency[2:-1])
    assert numpy.allclose(found.power, power[2:-1].T, rtol=1e-6)
    # In one piece, in many, and too short for 8 segments.
    series = numpy.random.default_rng(3).normal(size=(1000, 2))
    for cuts in ([], [1, 5, 300, 301, 777]):
        stream = rates.StreamingWelch(1000, 1.0, 2)
        for piece in numpy.split(series, cuts):
            stream.add(piece)
        direct = scipy.signal.welch(series, fs=1000, nperseg=stream.length, axis=0)[1]
        assert stream.segments >= 8 and numpy.allclose(stream.power(), direct.T)
    short = rates.StreamingWelch(200, 1.0, 2)
    short.add(series[:200])
    assert short.segments == 0
    # One-sided density of the mean of N Poisson neurons of rate r: 2 r / N.
    count = numpy.random.default_rng(4).poisson(8 * 50 * 1e-3, size=(200000, 1)) / 50 / 1e-3
    stream = rates.StreamingWelch(len(count), 1.0, 1)
    stream.add(count)
    assert abs(stream.power()[0, 1:-1].mean() / (2 * 8 / 50) - 1) < 0.01


def test_intervals(folder):
    """Rates and CV of every neuron against NumPy neuron by neuron, also read in small pieces."""
    truth = synthetic.make(folder, record=("spikes",), seconds=30, warmup_s=5)
    time, node = truth["spikes"]
    brief = _Brief(folder + "_brief")
    assert brief.count_of_4 > 10 and brief.agrees(), "neurons with 4 intervals have a CV"
    for size in (neurons.PIECE_SPIKES, 137):
        neurons.PIECE_SPIKES = size
        found = neurons.neuron_statistics(run_folder.Run(folder))
        assert found.total == len(found.rate_hz) == 400
        for neuron in range(400):
            mine = time[(node == neuron) & (time >= 5000)]
            assert abs(found.rate_hz[neuron] - len(mine) / 25) < 1e-9
            gaps = numpy.diff(mine)
            if len(gaps) < 4:
                assert numpy.isnan(found.isi_cv[neuron])
            else:
                assert abs(found.isi_cv[neuron] - gaps.std() / gaps.mean()) < 1e-6
    assert (found.kind == numpy.repeat(truth["populations"]["type"], truth["populations"]["count"])).all()
    run = run_folder.Run(folder)
    inside = (time >= 5000) & (time < 6000)
    between = run.spikes_between(5000, 6000)
    assert (between[0] == time[inside]).all() and (between[1] == node[inside]).all() and between[2] == 6000
    between = run.spikes_between(5000, 6000, most=50)
    assert len(between[0]) == 50 and between[2] == time[inside][50]


class _Brief:
    """A second of spikes: some neurons have 4 intervals, some fewer."""

    def __init__(self, folder):
        time, node = synthetic.make(folder, record=("spikes",), seconds=6, warmup_s=5)["spikes"]
        self.intervals = numpy.bincount(node[time >= 5000].astype(int), minlength=400) - 1
        self.count_of_4 = (self.intervals == 4).sum()
        self.found = neurons.neuron_statistics(run_folder.Run(folder)).isi_cv

    def agrees(self):
        return (numpy.isfinite(self.found) == (self.intervals >= 4)).all()


def test_recorded_neurons(folder):
    truth = synthetic.make(folder, record=("neurons",))
    found = neurons.neuron_statistics(run_folder.Run(folder))
    rate, variation = truth["neurons"]
    assert (found.rate_hz == rate).all() and numpy.array_equal(found.isi_cv, variation.astype(float), equal_nan=True)
    report(folder)
    said = caption(read_page(folder), "neurons")
    assert f"median is {numpy.nanmedian(variation):.2f}" in said, said
    most, neurons.MOST_NEURONS = neurons.MOST_NEURONS, 100
    thin = neurons.neuron_statistics(run_folder.Run(folder))
    neurons.MOST_NEURONS = most
    assert (thin.rate_hz == rate[::4]).all() and thin.total == 400


def test_functional_connectivity(folder):
    """Simulated, measured and structural connectivity and how they correlate over pairs of regions."""
    truth = synthetic.make(folder, record=("bold", "empirical"), fc_mean=None, sc_fc_r=None)
    run = run_folder.Run(folder)
    assert numpy.allclose(run.tracts(), truth["weights"])
    matrix, seconds = connectivity.functional_connectivity(*run.bold(), run.warmup_s, run.bold_tr_s())
    assert abs(seconds - 220) < 1e-9
    kept = truth["bold"][25:]  # 20 s are 25 volumes of 0.8 s
    pairs = [(i, j) for i in range(8) for j in range(i + 1, 8)]
    simulated = [scipy.stats.pearsonr(kept[:, i], kept[:, j])[0] for i, j in pairs]
    measured = [scipy.stats.pearsonr(truth["empirical"][:, i], truth["empirical"][:, j])[0] for i, j in pairs]
    structural = [(truth["weights"][i, j] + truth["weights"][j, i]) / 2 for i, j in pairs]
    assert numpy.allclose(connectivity.upper(matrix), simulated, atol=1e-9)
    report(folder)
    said = caption(read_page(folder), "functional")
    weights = "FC correlates with the structural weights (mean of both directions)"
    for words, first, second in (("Simulated and measured FC (sub-01.tsv) correlate", simulated, measured),
                                 (f"Simulated {weights}", simulated, structural),
                                 (f"Measured {weights}", measured, structural)):
        assert f"{words} at r = {scipy.stats.pearsonr(first, second)[0]:.2f}" in said, said
    values = checks.table(read_page(folder))
    assert abs(float(values["fc_mean"]) - numpy.mean(simulated)) < 5e-4
    assert abs(float(values["sc_fc_r"]) - scipy.stats.pearsonr(simulated, structural)[0]) < 5e-4
    assert abs(float(values["fc_empirical_r"]) - scipy.stats.pearsonr(simulated, measured)[0]) < 5e-4


def direct_dynamics(signal, width, step):
    """By the definition: correlation matrices of windows, and correlations of their upper triangles."""
    vectors = []
    for start in range(0, len(signal) - width + 1, step):
        matrix = numpy.corrcoef(signal[start:start + width].T)
        vectors.append(matrix[numpy.triu_indices(len(matrix), 1)])
    values = numpy.corrcoef(vectors)
    apart = [values[i, j] for i in range(len(values)) for j in range(i + 1, len(values)) if (j - i) * step >= width]
    return values, apart


def test_dynamics(folder):
    """Dynamics of functional connectivity by its definition, and the distance of simulated and measured by SciPy."""
    truth = synthetic.make(folder, record=("bold", "empirical"))
    run = run_folder.Run(folder)
    simulated, first = direct_dynamics(truth["bold"][25:], 75, 1)   # 60 s are 75 volumes of 0.8 s
    measured, second = direct_dynamics(truth["empirical"], 30, 1)   # and 30 of 2 s
    found = connectivity.connectivity_dynamics(run.bold()[1][25:], 0.8)
    assert found.matrix.shape == (201, 201) and (found.width, found.step) == (75, 1)
    assert numpy.allclose(found.matrix, simulated, atol=1e-9)
    assert numpy.allclose(numpy.sort(found.apart()), numpy.sort(first), atol=1e-9)
    signal, tr, name, matched = run.empirical()
    assert tr == 2 and name == "sub-01.tsv" and matched == "name"
    other = connectivity.connectivity_dynamics(signal, tr)
    assert numpy.allclose(other.matrix, measured, atol=1e-9)
    ks = scipy.stats.ks_2samp(first, second).statistic
    assert abs(connectivity.distance(found.apart(), other.apart()) - ks) < 1e-3
    assert 0.05 < ks < 0.95, ks
    report(folder)
    assert f"distance of the two distributions is {ks:.2f}" in caption(read_page(folder), "dynamics")
    # A block of rows at a time gives the same.
    block, connectivity.BLOCK_BYTES = connectivity.BLOCK_BYTES, 1
    assert numpy.allclose(connectivity.connectivity_dynamics(signal, tr).matrix, measured, atol=1e-9)
    connectivity.BLOCK_BYTES = block
    # Long recordings take longer steps; short ones and regions that do not vary are refused or left out.
    noise = numpy.random.default_rng(5).normal(size=(1500, 4))
    assert connectivity.connectivity_dynamics(noise, 1.0).step == 4
    assert connectivity.connectivity_dynamics(noise[:179], 1.0) is None
    assert connectivity.connectivity_dynamics(noise[:180], 1.0).matrix.shape == (121, 121)
    noise[:100, 0] = 2.5
    assert connectivity.connectivity_dynamics(noise, 1.0).regions == 3
    noise[:100, 1] = numpy.nan
    assert connectivity.connectivity_dynamics(noise, 1.0) is None


def test_distance():
    """The Kolmogorov-Smirnov distance is SciPy's, with ties too."""
    generator = numpy.random.default_rng(2)
    for size, other in ((5, 7), (100, 1), (300, 200)):
        first, second = generator.normal(size=size), generator.normal(0.5, 2, other)
        assert abs(connectivity.distance(first, second) - scipy.stats.ks_2samp(first, second).statistic) < 1e-12
        first, second = numpy.rint(first), numpy.rint(second)
        assert abs(connectivity.distance(first, second) - scipy.stats.ks_2samp(first, second).statistic) < 1e-12
    assert connectivity.distance(first, first) == 0 and numpy.isnan(connectivity.distance(first, numpy.zeros(0)))


def test_signals(folder):
    """Currents, field potentials and traces are those in the files."""
    truth = synthetic.make(folder, record=("currents", "lfp", "traces", "spikes"))
    run = run_folder.Run(folder)
    time_s, currents = signals.currents(run, columns=100)
    assert list(currents) == [(kind, ("AMPA", "NMDA", "GABA_A", "GABA_B"), "uA/cm2") for kind in "EI"]
    assert len(time_s) == 100 and numpy.abs(currents[list(currents)[0]] - [0.5, 0.1, -0.4, 0]).max() < 0.005
    found, spectra = signals.field_potential(run)
    shown = [0, 2, 3, 4, 5, 6, 7]  # region 1 has no excitatory neurons
    assert found.names == [truth["names"][i] for i in shown] and found.total == 7
    assert found.unit == "uA/cm2" and len(found.time_s) == 2000
    begin = numpy.searchsorted(numpy.arange(1, 40001) * 0.5, 20000)
    assert begin == 39999  # all of it lies in the warm-up: the window and the spectra take the start
    assert numpy.allclose(found.values, truth["lfp"][:2000, shown], rtol=1e-6)
    written = truth["lfp"][:, shown].astype("f4").astype(float)
    direct = scipy.signal.welch(written, fs=2000, nperseg=spectra.length, axis=0)[1]
    assert numpy.allclose(spectra.power(), direct.T, rtol=1e-5)
    trace = signals.trace(run, "trace_probe_V_m")
    with h5py.File(os.path.join(folder, "trace_probe_V_m.h5"), "r") as file:
        data, node = file["report/network/data"][:1000], file["report/network/mapping/node_ids"][()]
    assert (trace.values == data).all() and trace.unit == "mV" and trace.total == 5
    assert numpy.allclose(trace.time_s, numpy.arange(1, 1001) * 1e-3) and trace.variable == "V_m"
    time, spiking = truth["spikes"]
    for line, number in enumerate(node):
        inside = (spiking == number) & (time >= 1) & (time < 1000)
        assert numpy.allclose(trace.spikes_s[line], time[inside] * 1e-3)
        assert trace.names[line] == f"L000/E {number}" and trace.kinds[line] == "E"


def test_weights(folder):
    """Means, quantiles and shares of plastic weights; of many synapses evenly chosen ones."""
    initial, data = synthetic.make(folder, record=("weights",), seconds=30)["plastic"]
    run = run_folder.Run(folder)
    found, total = weights.projections(run, "weights_all", 6)
    assert [p.name for p in found] == ["A->A <all>", "B->$A$"] and total == 2  # the other has no synapses
    first, other = found
    rows = numpy.vstack([initial, data])
    assert (first.total, other.total, first.step, weights.sample(run, "weights_all")) == (3000, 1000, 1, 0.25)
    assert numpy.allclose(first.time_s, numpy.arange(31)) and numpy.allclose(first.mean, rows[:, :3000].mean(axis=1))
    assert numpy.allclose(first.levels, numpy.quantile(rows[:, :3000], weights.LEVELS, axis=1).T)
    assert numpy.allclose(first.lines, rows[:, :3000][:, numpy.arange(12) * 250]) and (other.lines == -120).all()
    assert first.share_near(80) == (data[-1, :3000] >= 79.2).mean() and 0.25 < first.share_near(80) < 0.35
    assert abs(first.alike() - numpy.corrcoef(initial[:3000], data[-1, :3000])[0, 1]) < 1e-6 and numpy.isnan(other.alike())
    figure, said = figures_weights.weights(run, found, total, 0.25)
    steps = figure.axes[0].patches[1].get_data()
    assert numpy.allclose(steps.values, numpy.histogram(data[-1, :3000], 50, (0, 80))[0] / 3000) and steps.edges[-1] == 80
    assert "sample of 25 % of the plastic synapses of 2 projections over 30 s" in said
    assert f"A->A <all>: 3,000 synapses, mean {words.short(initial[:3000].mean())}" in said
    table = list(figures_weights.rows(found))
    assert table[1][:4] == ["B->$A$", "1,000", "-120", "-120"] and len(table[0]) == len(figures_weights.HEADS)
    weights.MOST_SYNAPSES, weights.MOST_NUMBERS = 700, 3000 * 10
    thin, _ = weights.projections(run, "weights_all", 1)
    assert (thin[0].step, len(thin[0].last)) == (5, 600) and thin[0].time_s[[0, 1, -1]].tolist() == [0, 1, 30]
    assert len(thin[0].time_s) == 11 and numpy.allclose(thin[0].mean[-1], data[-1, 0:3000:5].mean())


def test_drawn(folder):
    """What the pictures are made of: marks, images and bars against what was written."""
    truth = synthetic.make(folder, record=("spikes", "rates", "bold", "empirical"))
    run = run_folder.Run(folder)
    grouping = groups.Groups(run)
    time, node = truth["spikes"]
    inside = (time >= 20000) & (time < 22000)
    raster, said = figures_spikes.raster(run, grouping)
    marks = numpy.concatenate([line.get_xydata() for line in raster.axes[0].lines if line.get_marker() == "|"])
    # All 400 neurons are shown, by region in the order of figures, excitatory ones first: as they are numbered.
    place = numpy.argsort(grouping.order)[node[inside] // 50] * 50 + node[inside] % 50
    assert sorted(map(tuple, marks)) == sorted(zip(time[inside] * 1e-3, place)) and len(marks) > 1000
    assert f"{inside.sum():,} spikes of 400 recorded neurons" in said
    below = {line.get_color(): line.get_ydata() for line in raster.axes[1].lines}
    excited = inside & (node % 50 < 40)
    expected = numpy.histogram(time[excited], numpy.arange(20000, 22001, 5))[0] / 320 / 0.005
    assert numpy.allclose(below[style.EXCITATORY], expected)

    summary = rates.RateSummary(run, grouping)
    over_time, _ = figures_rates.rates_over_time(run, grouping, summary)
    assert numpy.allclose(over_time.axes[1].images[0].get_array(), summary.row_hz.T)
    bars, said = figures_rates.rate_bars(run, grouping, summary)
    heights = [bar.get_height() for bar in bars.axes[0].patches]
    count = truth["populations"]["count"]
    regions = (truth["rates"][2000:].mean(axis=0) * count).reshape(8, 2).sum(axis=1) / count.reshape(8, 2).sum(axis=1)
    assert numpy.allclose(heights, numpy.sort(regions)[::-1], rtol=1e-5)
    assert truth["names"][numpy.argmax(regions)] in said and truth["names"][numpy.argmin(regions)] in said

    kept, measured = truth["bold"][25:], truth["empirical"]
    grid = numpy.ix_(grouping.order, grouping.order)
    matrices = [numpy.corrcoef(signal.T)[grid] for signal in (kept, measured)]
    figure, _ = figures_bold.functional(run, *(numpy.corrcoef(s.T) for s in (kept, measured)), 220, "sub-01.tsv")
    shown = {axes.get_title(loc="left"): axes.images[0] for axes in figure.axes if axes.images}
    for title, matrix in zip(("Simulated FC", "Measured FC"), matrices):
        numpy.fill_diagonal(matrix, numpy.nan)
        assert numpy.allclose(shown[title].get_array().filled(numpy.nan), matrix, equal_nan=True)
        assert shown[title].get_clim() == shown["Simulated FC"].get_clim(), "matrices must share their colours"
    assert numpy.allclose(shown["Structural"].get_array().filled(0), truth["weights"][grid])
    carpet, _ = figures_bold.bold(run)
    z = (truth["bold"] - kept.mean(axis=0)) / kept.std(axis=0)
    assert numpy.allclose(carpet.axes[1].images[0].get_array(), z[:, grouping.order].T)
    brain, _ = figures_brain.brain_map(run, regions)
    points = next(c for c in brain.axes[1].collections if len(c.get_offsets()) == 8 and c.get_array() is not None)
    for (x, y), value in zip(points.get_offsets(), points.get_array()):  # from above: x to the right, y to the front
        at = numpy.argmin(numpy.hypot(truth["centres"][:, 0] - x, truth["centres"][:, 1] - y))
        assert value == regions[at]


def test_sweep_points(folder):
    """Means over seeds, the best point, the grid."""
    keys = {"brain.indegree": numpy.array([50.0, 100, 200]), "simulation.seed": numpy.array([1.0, 2]),
            "x.y": numpy.array([0.1, 0.2, 0.3, 0.4])}
    values, results = synthetic.make_sweep(folder, keys, unfinished=[0, 5])
    found = sweep.Sweep(folder)
    assert found.keys == ["brain.indegree", "x.y"] and len(found.values) == 12
    assert found.is_grid(0, 1) and found.axes() == [1, 0]
    for point, replicates in zip(found.values, found.replicates):
        mine = (values[:, [0, 2]] == point).all(axis=1)
        assert mine.sum() == replicates == 2
        where = (found.values == point).all(axis=1)
        for name, column in results.items():
            assert abs(found.results[name][where][0] - numpy.nanmean(column[mine])) < 1e-12
            assert found.low[name][where][0] == numpy.nanmin(column[mine])
            assert found.high[name][where][0] == numpy.nanmax(column[mine])
    name, at = found.best()
    assert name == "fc_empirical_r" and found.results[name][at] == numpy.nanmax(found.results[name])
    (_, _, (figure, _)), = figures_sweep.figures(found)
    for axes, name in zip(figure.axes, found.results):
        drawn = axes.images[0].get_array()
        for (degree, xy), value in zip(found.values, found.results[name]):
            row, column = (50, 100, 200).index(degree), round(xy * 10) - 1
            assert drawn[row, column] == value or (numpy.isnan(value) and drawn.mask[row, column])


if __name__ == "__main__":
    sys.exit(checks.main(globals()))

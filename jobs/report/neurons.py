"""Rates and irregularity of single neurons: from neurons.h5 where the run wrote it, else from spikes.h5."""

from dataclasses import dataclass

import numpy

from run_folder import bisect, need, pieces

MOST_NEURONS = 4_000_000  # more are thinned evenly
LEAST_INTERVALS = 4
PIECE_SPIKES = 4_000_000


@dataclass
class NeuronStatistics:
    rate_hz: numpy.ndarray   # [neuron] after the warm-up
    isi_cv: numpy.ndarray    # [neuron] standard deviation over mean of intervals; NaN below 4 intervals
    kind: numpy.ndarray      # [neuron] 'E', 'I' or ''
    total: int               # neurons there were before thinning
    source: tuple            # (file, dataset)
    which: str               # for the caption


def neuron_statistics(run):
    """None where neither file is there, or holds nothing."""
    if "neurons" in run.files and "neurons" in run.files["neurons"]:
        return _recorded(run)
    if run.spike_group() is None or run.populations is None or run.duration_s() <= run.warmup_s:
        return None
    return _from_spikes(run)


def _recorded(run):
    file = run.files["neurons"]
    node, rate, cv = (need(file, f"neurons/{name}", 1, 2) for name in ("node_ids", "rate_hz", "isi_cv"))
    node, rate, cv = (data[0] if data.ndim == 2 else data for data in (node, rate, cv))  # of an ensemble member 0
    total = min(len(node), len(rate), len(cv))
    if not total:
        return None
    step = -(-total // MOST_NEURONS)
    columns = [_thinned(column, total, step) for column in (node, rate, cv)]
    kind = _kinds(run, columns[0].astype(numpy.int64))
    return NeuronStatistics(columns[1].astype(float), columns[2].astype(float), kind, total,
                            ("neurons.h5", "/neurons/rate_hz and /neurons/isi_cv"), "all that neurons.h5 holds")


def _thinned(column, total, step):
    if isinstance(column, numpy.ndarray):
        return column[:total:step]
    return numpy.concatenate([piece[-first % step::step] for first, piece in pieces(column, total)])


def _kinds(run, node):
    if run.populations is None:
        return numpy.full(len(node), "", dtype="U1")
    return run.populations.types[run.populations.owner(node)]


def _from_spikes(run):
    """Of all neurons of populations that have at least one recorded spike."""
    populations, group = run.populations, run.spike_group()
    neurons = int((populations.first + populations.count).max())
    step = -(-neurons // MOST_NEURONS)
    sums = _Intervals(-(-neurons // step))
    spikes = min(len(group["timestamps"]), len(group["node_ids"]))
    recorded = numpy.zeros(len(populations.names), dtype=bool)
    for first in range(bisect(group["timestamps"], run.warmup_s * 1e3, spikes), spikes, PIECE_SPIKES):
        last = min(first + PIECE_SPIKES, spikes)
        node = group["node_ids"][first:last].astype(numpy.int64)
        recorded[populations.owner(node)] = True
        kept = (node % step == 0) & (node < neurons)
        sums.add(group["timestamps"][first:last][kept], node[kept] // step)
    node = numpy.arange(len(sums.count)) * step
    mine = recorded[populations.owner(node)]
    if not mine.any():
        return None
    seconds = run.duration_s() - run.warmup_s
    total = int(populations.count[recorded].sum())
    return NeuronStatistics(sums.count[mine] / seconds, sums.variation()[mine], _kinds(run, node[mine]), total,
                            ("spikes.h5", group.name), "those of populations with recorded spikes")


class _Intervals:
    """Sums over the intervals between spikes of every neuron, while spikes come in pieces ordered by time."""

    def __init__(self, neurons):
        self.count = numpy.zeros(neurons, dtype=numpy.int64)  # spikes
        self._last = numpy.full(neurons, numpy.nan)
        self._sum, self._squares = numpy.zeros(neurons), numpy.zeros(neurons)

    def add(self, time, neuron):
        order = numpy.argsort(neuron, kind="stable")
        time, neuron = time[order], neuron[order]
        fresh = numpy.diff(neuron, prepend=-1) != 0
        before = numpy.where(fresh, self._last[neuron], numpy.roll(time, 1))
        interval = time - before
        seen = numpy.isfinite(interval)
        size = len(self.count)
        self.count += numpy.bincount(neuron, minlength=size)
        self._sum += numpy.bincount(neuron[seen], weights=interval[seen], minlength=size)
        self._squares += numpy.bincount(neuron[seen], weights=interval[seen] ** 2, minlength=size)
        final = numpy.diff(neuron, append=-1) != 0
        self._last[neuron[final]] = time[final]

    def variation(self):
        n = self.count - 1
        with numpy.errstate(divide="ignore", invalid="ignore"):
            mean = self._sum / n
            spread = numpy.sqrt(numpy.maximum(self._squares / n - mean ** 2, 0))
            return numpy.where(n >= LEAST_INTERVALS, spread / mean, numpy.nan)

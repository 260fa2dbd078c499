"""What the tests of published networks measure on recorded spikes: rates, irregularity, correlations, rhythm, and the
distance of a distribution to published quantiles of another."""
import pathlib
import sys
from dataclasses import dataclass

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import skip  # noqa: E402

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")


@dataclass
class Trains:
    """Spikes of one population within a window of time."""
    neurons: int           # of the population
    neuron: numpy.ndarray  # [spike] number within the population
    time_ms: numpy.ndarray  # [spike] since the window began, above 0, at most length_ms
    length_ms: float

    def window(self, begin_ms, end_ms):
        kept = (self.time_ms > begin_ms + 1e-6) & (self.time_ms < end_ms + 1e-6)
        return Trains(self.neurons, self.neuron[kept], self.time_ms[kept] - begin_ms, end_ms - begin_ms)

    def mean_rate(self):
        """Spikes/s of a neuron."""
        return len(self.time_ms) / self.neurons / self.length_ms * 1e3

    def rates(self):
        """Spikes/s of every neuron."""
        return numpy.bincount(self.neuron, minlength=self.neurons) / self.length_ms * 1e3

    def interval_cvs(self, least_spikes=4):
        """Standard deviation over mean of the intervals of every neuron with at least so many spikes."""
        order = numpy.lexsort((self.time_ms, self.neuron))
        neuron, time = self.neuron[order], self.time_ms[order]
        same = numpy.diff(neuron) == 0
        neuron, interval = neuron[1:][same], numpy.diff(time)[same]
        n = numpy.bincount(neuron, minlength=self.neurons)
        kept = n >= least_spikes - 1
        mean = numpy.bincount(neuron, interval, self.neurons)[kept] / n[kept]
        square = numpy.bincount(neuron, interval ** 2, self.neurons)[kept] / n[kept]
        return numpy.sqrt(numpy.maximum(square - mean ** 2, 0)) / mean

    def counts(self, bin_ms):
        """Spikes of the whole population in every bin; those of a bin's end belong to it."""
        return numpy.bincount(self._bins(bin_ms), minlength=round(self.length_ms / bin_ms))

    def correlations(self, random, neurons=200, bin_ms=2.0):
        """Correlation coefficients of the binned counts of all pairs of so many random neurons, silent ones left out."""
        picked = numpy.sort(random.choice(self.neurons, neurons, replace=False))
        row = numpy.searchsorted(picked, self.neuron)
        ours = picked[numpy.minimum(row, neurons - 1)] == self.neuron
        counts = numpy.zeros((neurons, round(self.length_ms / bin_ms)))
        numpy.add.at(counts, (row[ours], self._bins(bin_ms)[ours]), 1)
        counts = counts[counts.any(axis=1)]
        return numpy.corrcoef(counts)[numpy.triu_indices(len(counts), 1)]

    def _bins(self, bin_ms):
        return numpy.ceil(self.time_ms / bin_ms - 1e-6).astype(int) - 1


def read(run):
    """{name: Trains} of the populations of a run, from the end of its warm-up to that of the run."""
    with h5py.File(run.out / "spikes.h5", "r") as file:
        time, node = file["spikes/network/timestamps"][()], file["spikes/network/node_ids"][()].astype(int)
        name, first, count = (file[f"callosum/populations/{key}"][()] for key in ("name", "first", "count"))
        begin, end = file.attrs["warmup_ms"], file.attrs["recorded_ms"]
    found = {}
    for n, f, c in zip(name, first.astype(int), count.astype(int)):
        kept = (node >= f) & (node < f + c)
        found[n.decode() if isinstance(n, bytes) else n] = Trains(c, node[kept] - f, time[kept], end).window(begin, end)
    return found


def together(trains):
    """Several populations as one."""
    first = numpy.cumsum([0] + [t.neurons for t in trains])
    return Trains(int(first[-1]), numpy.concatenate([t.neuron + f for t, f in zip(trains, first)]),
                  numpy.concatenate([t.time_ms for t in trains]), trains[0].length_ms)


def autocorrelation(counts):
    """Of fluctuations about the mean, 1 at lag 0; lags up to the whole length."""
    y = counts - counts.mean()
    power = abs(numpy.fft.rfft(y, 2 * len(y))) ** 2
    found = numpy.fft.irfft(power)[:len(y)]
    return found / found[0]


def rhythm(counts, bin_ms, least_hz=5.0, smooth_hz=5.0):
    """The frequency (Hz) at which the spectrum of the fluctuations is greatest, smoothed over a band."""
    frequency = numpy.fft.rfftfreq(len(counts), bin_ms * 1e-3)
    width = max(1, round(smooth_hz / frequency[1]))
    power = numpy.convolve(abs(numpy.fft.rfft(counts - counts.mean())) ** 2, numpy.ones(width) / width, "same")
    inside = frequency >= least_hz
    return frequency[inside][power[inside].argmax()]


def distance(values, quantiles, p, rounded):
    """Kolmogorov-Smirnov distance of a sample to another of which only quantiles are known: the greatest distance of the
    sample's distribution function to `p` at the quantiles. Where values are tied, or quantiles rounded (by at most
    `rounded`), the function is an interval there, and the distance is that of p to the interval."""
    values = numpy.sort(values)
    low = numpy.searchsorted(values, numpy.asarray(quantiles) - rounded, "left") / len(values)
    high = numpy.searchsorted(values, numpy.asarray(quantiles) + rounded, "right") / len(values)
    return max(0.0, (low - p).max(), (p - high).max())

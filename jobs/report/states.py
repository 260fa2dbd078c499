"""Up and down states: whether the mean rate of a network alternates between two levels, and for how long it stays at
each.

The logarithm of the rate is looked at, as both levels are of one size there. Its distribution is that of two levels
where a valley parts it: VALLEY compares the density in the valley with that of the lower peak. States are told apart at
the valley; what is shorter than SHORTEST_S belongs to the state around it.
"""

from dataclasses import dataclass

import numpy
from scipy.ndimage import gaussian_filter1d

BIN_MS = 10.0
SMOOTH_MS = 20.0     # standard deviation of the Gaussian that smoothes rates
SHORTEST_S = 0.05
VALLEY = 0.5         # a deeper one parts two levels
LEAST_SHARE = 0.1    # of the time, at either level
LEAST_STATES = 3     # of either kind, from beginning to end
LEAST_MEAN_S = 0.1   # that of their durations
LEAST_RATIO = 3.0    # of their rates
LEAST_NEURONS = 100  # the mean rate of fewer shows their single spikes
MOST_BINS = 1 << 20  # nearly three hours of a longer run
LEVELS = 240         # at which the density is computed


@dataclass
class States:
    time_s: numpy.ndarray   # [bin] middle
    rate_hz: numpy.ndarray  # [bin] smoothed mean rate, at least floor_hz
    up: numpy.ndarray       # [bin]
    floor_hz: float         # that of a single spike: what is drawn of silence
    threshold_hz: float
    valley: float           # density at the threshold over that at the lower peak: 1 where there is no valley
    level: numpy.ndarray    # log10 of sp/s at which density is given
    density: numpy.ndarray  # of time, per decade
    up_s: numpy.ndarray     # durations of states seen from beginning to end
    down_s: numpy.ndarray
    starts_s: numpy.ndarray  # of up states, with those cut off at the ends of the recording
    ends_s: numpy.ndarray
    which: str              # whose rate this is: 'E' where there are excitatory neurons, else ''

    def clear(self):
        """Whether there are two levels, far apart, with enough states to speak of their durations."""
        if self.valley >= VALLEY or min(len(self.up_s), len(self.down_s)) < LEAST_STATES:
            return False
        return (min(self.up_s.mean(), self.down_s.mean()) >= LEAST_MEAN_S
                and self.mean_hz(True) >= LEAST_RATIO * self.mean_hz(False))

    def mean_hz(self, up):
        return float(self.rate_hz[self.up == up].mean())


def find_states(run):
    """States of the network after the warm-up; None where its rates were not recorded finely or long enough, or have
    a single level."""
    found = _mean_rate(run)
    if found is None:
        return None
    rate, begin_s, bin_s, neurons, which = found
    floor = 1 / (neurons * numpy.sqrt(4 * numpy.pi) * SMOOTH_MS * 1e-3)
    rate = numpy.maximum(gaussian_filter1d(rate, SMOOTH_MS * 1e-3 / bin_s, mode="nearest"), floor)
    level, density = _density(numpy.log10(rate), SMOOTH_MS * 1e-3 / bin_s)
    threshold, valley = _valley(level, density)
    if threshold is None:
        return None
    up = _without_short(rate > 10 ** threshold, round(SHORTEST_S / bin_s))
    first, length = runs_of(up)
    inner = slice(1, -1)  # the first and the last are cut off
    states = up[first]
    starts, ends = first[states] * bin_s + begin_s, (first + length)[states] * bin_s + begin_s
    return States((numpy.arange(len(rate)) + 0.5) * bin_s + begin_s, rate, up, floor, 10 ** threshold, valley, level,
                  density, (length[inner] * bin_s)[states[inner]], (length[inner] * bin_s)[~states[inner]], starts,
                  ends, which)


def _mean_rate(run):
    """(sp/s [bin], beginning in s, width of a bin in s, neurons, their type): the mean over excitatory neurons, or over
    all where none is known to be."""
    recorded, populations = run.rate_bins(), run.populations
    if not recorded or recorded > BIN_MS or populations is None:
        return None
    which = "E" if "E" in populations.kinds() else ""
    weight = numpy.where(populations.types == which, populations.count, 0).astype(float)
    if weight.sum() < LEAST_NEURONS:
        return None
    together = round(BIN_MS / recorded)
    first = -(-round(run.warmup_s * 1e3 / recorded) // together) * together
    length = min((run.rate_length() - first) // together, MOST_BINS) * together
    if length <= 0:
        return None
    fine = numpy.zeros(length)
    for start, piece in run.rate_pieces():
        low, high = max(start, first), min(start + len(piece), first + length)
        if low < high:
            fine[low - first:high - first] = numpy.nan_to_num(piece[low - start:high - start]) @ weight / weight.sum()
    width_s = recorded * together * 1e-3
    return fine.reshape(-1, together).mean(axis=1), first * recorded * 1e-3, width_s, weight.sum(), which


def _density(values, correlated):
    """(levels, density) of values by a Gaussian kernel as wide as Silverman's rule says for as many as are independent:
    `correlated` neighbours count as one."""
    spread = min(values.std(), numpy.subtract(*numpy.percentile(values, [75, 25])) / 1.34) or values.std()
    width = 0.9 * max(spread, 1e-3) * max(1, len(values) / correlated) ** -0.2
    edges = numpy.linspace(values.min() - 4 * width, values.max() + 4 * width, LEVELS + 1)
    step = edges[1] - edges[0]
    share = numpy.histogram(values, edges)[0] / (len(values) * step)
    return (edges[1:] + edges[:-1]) / 2, gaussian_filter1d(share, width / step, mode="constant")


def _valley(level, density):
    """(level, depth) where the density is least compared with the lower of the peaks on its sides; (None, 1) where no
    level has enough of the time on both sides."""
    below = numpy.cumsum(density) / density.sum()
    between = numpy.minimum(numpy.maximum.accumulate(density), numpy.maximum.accumulate(density[::-1])[::-1])
    depth = numpy.where((below > LEAST_SHARE) & (below < 1 - LEAST_SHARE), density / between, numpy.inf)
    at = int(depth.argmin())
    if not depth[at] < 1:
        return None, 1.0
    flat = numpy.flatnonzero(depth <= depth[at] + 1e-3)  # the middle of an empty valley
    flat = flat[(flat - at) == numpy.arange(len(flat)) - numpy.searchsorted(flat, at)]
    return float(level[flat].mean()), float(depth[at])


def runs_of(values):
    """(first, length) of every stretch of equal values."""
    first = numpy.flatnonzero(numpy.diff(values.astype(int), prepend=2))
    return first, numpy.diff(first, append=len(values))


def _without_short(up, least):
    """Gaps of activity first, then what remains of activity."""
    up = up.copy()
    for state in (False, True):
        first, length = runs_of(up)
        for start, bins in zip(first[1:-1], length[1:-1]):
            if bins < least and up[start] == state:
                up[start:start + bins] = not state
    return up

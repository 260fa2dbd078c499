"""Functional connectivity and its dynamics."""

from dataclasses import dataclass

import numpy

from groups import evenly

TRUSTED_S = 200       # correlations over less BOLD are not to be trusted
WINDOW_S = 60.0
LEAST_WINDOWS = 3     # windows without a common volume that a recording must hold
MOST_WINDOWS = 400
MOST_REGIONS = 500    # of the dynamics: pairs grow with the square
BLOCK_BYTES = 64 << 20


def functional_connectivity(time_s, signal, warmup_s, tr_s):
    """Pearson correlation of all pairs of regions after the warm-up, and the seconds it rests on. None where
    fewer than 3 volumes are left. NaN where a region does not vary."""
    kept = signal[time_s > warmup_s]
    if len(kept) < 3 or kept.shape[1] < 2:
        return None, 0.0
    with numpy.errstate(invalid="ignore", divide="ignore"):
        return numpy.corrcoef(kept.T), len(kept) * tr_s


def upper(matrix):
    """The pairs i < j of a symmetric matrix."""
    return matrix[numpy.triu_indices(len(matrix), 1)]


def symmetric(weights):
    """Structural weights without direction, as functional connectivity has none."""
    return (weights + weights.T) / 2


def correlation(first, second):
    """Pearson's r over the entries where both are finite; NaN where either does not vary."""
    keep = numpy.isfinite(first) & numpy.isfinite(second)
    first, second = first[keep], second[keep]
    if len(first) < 3 or first.std() == 0 or second.std() == 0:
        return float("nan")
    return float(numpy.corrcoef(first, second)[0, 1])


@dataclass
class Dynamics:
    """matrix [window, window]: Pearson correlation of the functional connectivity (pairs i < j) of two windows."""
    matrix: numpy.ndarray
    starts_s: numpy.ndarray  # [window] from the first volume
    width: int               # volumes of a window
    step: int                # volumes from one to the next
    tr_s: float
    regions: int             # that vary in every window, of at most MOST_REGIONS
    of_regions: int
    seconds: float

    def apart(self):
        """Values of pairs of windows that share no volume: those that do are alike by construction."""
        first, second = numpy.triu_indices(len(self.matrix), 1)
        values = self.matrix[first, second][(second - first) * self.step >= self.width]
        return values[numpy.isfinite(values)]


def connectivity_dynamics(signal, tr_s, window_s=WINDOW_S):
    """Dynamics of functional connectivity (E. C. A. Hansen et al., NeuroImage 105:525, 2015) of a signal [volume,
    region], which has no warm-up; None where it holds fewer than 3 separate windows or 3 regions that vary."""
    width = round(window_s / tr_s)
    if width < 3 or len(signal) < LEAST_WINDOWS * width:
        return None
    step = -(-(len(signal) - width) // (MOST_WINDOWS - 1)) or 1
    starts = numpy.arange(0, len(signal) - width + 1, step)
    of_regions = signal.shape[1]
    signal = signal[:, evenly(of_regions, MOST_REGIONS)]
    windows = [signal[start:start + width] for start in starts]
    varies = numpy.all([numpy.ptp(window, axis=0) > 1e-12 * numpy.abs(window).max(axis=0) for window in windows],
                       axis=0)
    regions = int(varies.sum())
    if regions < 3:
        return None
    standard = [_standardised(window[:, varies]) for window in windows]
    return Dynamics(_correlate_windows(standard, regions), starts * tr_s, width, step, tr_s, regions,
                    of_regions, len(signal) * tr_s)


def _standardised(window):
    centred = window - window.mean(axis=0)
    return centred / numpy.linalg.norm(centred, axis=0)


def _correlate_windows(standard, regions):
    """Sums over pairs of regions, a block of rows at a time: a window's matrix is never whole."""
    count = len(standard)
    gram, sums = numpy.zeros((count, count)), numpy.zeros(count)
    rows = max(1, BLOCK_BYTES // (8 * count * regions))
    for first in range(0, regions - 1, rows):
        last = min(first + rows, regions - 1)
        row, column = numpy.triu_indices(last - first, 1, regions - first)
        values = numpy.stack([(z[:, first:last].T @ z[:, first:])[row, column] for z in standard])
        gram += values @ values.T
        sums += values.sum(axis=1)
    pairs = regions * (regions - 1) / 2
    covariance = gram - numpy.outer(sums, sums) / pairs
    deviation = numpy.sqrt(numpy.maximum(numpy.diag(covariance), 0))
    with numpy.errstate(divide="ignore", invalid="ignore"):
        return numpy.clip(covariance / numpy.outer(deviation, deviation), -1, 1)


def distance(first, second):
    """Kolmogorov-Smirnov distance: the largest difference between the cumulative distributions of two samples."""
    first, second = numpy.sort(first), numpy.sort(second)
    if not len(first) or not len(second):
        return float("nan")
    both = numpy.concatenate([first, second])
    below = [numpy.searchsorted(values, both, side="right") / len(values) for values in (first, second)]
    return float(numpy.abs(below[0] - below[1]).max())

"""Numbers behind the figures, from recordings after the warm-up."""

import numpy
from scipy import sparse


class RateSummary:
    """One pass over rates.h5.

    mean_hz [population]: after the warm-up.
    time_s, binned_hz [column, population]: the whole run in at most `columns` equal steps of time.
    """

    def __init__(self, run, columns=400):
        self.bin_ms = run.rate_bins()
        shape = run.files["rates"]["rates/data"].shape
        bins, populations = shape[0], shape[-1]
        self.width = -(-bins // columns)  # bins per column
        used = -(-bins // self.width)
        sums = numpy.zeros((used, populations))
        held = numpy.bincount(numpy.arange(bins) // self.width, minlength=used)
        after, first_after = numpy.zeros(populations), round(run.warmup_s * 1e3 / self.bin_ms)
        first_after = first_after if first_after < bins else 0
        for first, piece in run.rate_pieces():
            column = numpy.arange(first, first + len(piece)) // self.width
            starts = numpy.flatnonzero(numpy.diff(column, prepend=-1))
            sums[column[starts]] += numpy.add.reduceat(piece, starts, axis=0, dtype=float)
            after += piece[max(0, first_after - first):].sum(axis=0, dtype=float)
        self.mean_hz = after / max(1, bins - first_after)
        self.binned_hz = sums / held[:, None]
        self.column_s = self.width * self.bin_ms * 1e-3
        self.time_s = (numpy.arange(used) + 0.5) * self.column_s
        self.end_s = bins * self.bin_ms * 1e-3

    def by_region(self, populations, rates, kind=None):
        """Mean over neurons of each region of rates [..., population]; NaN where there are none of this kind."""
        regions = int(populations.region.max()) + 1
        keep = populations.region >= 0
        if kind:
            keep = keep & numpy.array([t == kind for t in populations.types])
        weight = numpy.where(keep, populations.count, 0).astype(float)
        index = numpy.where(keep, populations.region, 0)
        total = numpy.bincount(index, weights=weight, minlength=regions)
        mixed = sparse.csr_matrix((weight, (numpy.arange(len(index)), index)), shape=(len(index), regions))
        with numpy.errstate(invalid="ignore", divide="ignore"):
            return rates @ mixed / total


def region_order(names, centres_mm):
    """Left hemisphere first, then right, each from front to back: so that matrices of different runs and atlases
    look alike. The file's order where centres are unknown. Returns (order, number of left regions or None)."""
    if len(centres_mm) == 0 or not numpy.isfinite(centres_mm).all():
        return numpy.arange(len(names)), None
    right = centres_mm[:, 0] > 0
    return numpy.lexsort((-centres_mm[:, 1], right)), int((~right).sum())


def functional_connectivity(time_s, signal, warmup_s):
    """Pearson correlation of all pairs of regions after the warm-up, and the seconds it rests on. None where
    fewer than 3 volumes are left."""
    kept = signal[time_s > warmup_s]
    if len(kept) < 3 or kept.shape[1] < 2:
        return None, 0.0
    interval = time_s[1] - time_s[0]
    with numpy.errstate(invalid="ignore", divide="ignore"):
        return numpy.corrcoef(kept.T), len(kept) * interval


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

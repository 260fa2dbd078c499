"""Weights of plastic synapses over time (weights_NAME.h5). Of many synapses and rows, evenly chosen ones are read:
memory and time do not grow with the recording."""

from dataclasses import dataclass

import numpy

from groups import evenly
from run_folder import need, need_columns, texts

MOST_SYNAPSES = 200_000  # of a projection
MOST_NUMBERS = 40_000_000
MOST_ROWS = 400
LINES = 12
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass
class Projection:
    """The synapses of one projection. Times begin with 0, when weights are as drawn."""
    name: str
    unit: str
    w_max: float
    total: int               # synapses in the file, of which the rest is about every `step`-th
    step: int
    time_s: numpy.ndarray    # [row]
    mean: numpy.ndarray      # [row]
    levels: numpy.ndarray    # [row, level]
    lines: numpy.ndarray     # [row, a few synapses]
    first: numpy.ndarray     # [synapse] weights as drawn
    last: numpy.ndarray      # [synapse] in the last row

    def share_near(self, bound):
        """Of the synapses that end within 1 % of w_max of a weight."""
        return float((numpy.abs(self.last - bound) <= 0.01 * abs(self.w_max)).mean())

    def alike(self):
        """Correlation of weights at the end with those at the start; NaN where all are equal."""
        varies = self.first.std() > 0 and self.last.std() > 0
        return float(numpy.corrcoef(self.first, self.last)[0, 1]) if varies else numpy.nan


def projections(run, name, most):
    """(at most `most` projections with synapses, how many there are) of a recording of weights."""
    file = run.weights[name]
    fence = need(file, "weights/projections/first", 1)[()].astype(int)
    names, units = (texts(need(file, f"weights/projections/{key}", 1)) for key in ("name", "unit"))
    w_max = need(file, "weights/projections/w_max", 1)[()]
    need_columns(need(file, "weights/data", 2), 1, int(fence[-1]), "synapses")
    there = [k for k in range(len(names)) if fence[k + 1] > fence[k]]
    return [_read(file, names[k], units[k], float(w_max[k]), fence[k], fence[k + 1]) for k in there[:most]], len(there)


def sample(run, name):
    """The share of the synapses that is recorded."""
    return float(run.weights[name]["weights"].attrs.get("sample", 1))


def _read(file, name, unit, w_max, begin, end):
    data, time = file["weights/data"], need(file, "weights/time_ms", 1)
    length, step = min(len(time), data.shape[0]), -(-(end - begin) // MOST_SYNAPSES)
    first = need(file, "weights/initial", 1)[begin:end:step].astype(float)
    rows = evenly(length, max(2, min(MOST_ROWS, MOST_NUMBERS // (end - begin))))
    if len(rows):
        rows[-1] = length - 1
    shown = evenly(len(first), LINES)
    mean, levels, lines, last = [], [], [], first
    for row in [None, *rows]:
        last = first if row is None else data[row, begin:end][::step].astype(float)
        mean.append(last.mean())
        levels.append(numpy.quantile(last, LEVELS))
        lines.append(last[shown])
    return Projection(name, unit, w_max, int(end - begin), step, numpy.concatenate(([0.0], time[()][rows] * 1e-3)),
                      numpy.array(mean), numpy.array(levels), numpy.array(lines), first, last)

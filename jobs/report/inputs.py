"""What became of the inputs of plastic synapses: of each projection in weights_NAME.h5, the weights of every source
neuron over its targets, as shares of the greatest weight."""

import itertools
from dataclasses import dataclass

import numpy

from groups import evenly
from run_folder import need, texts

MOST_SYNAPSES, MOST_SOURCES, COLUMNS = 4_000_000, 4000, 300


@dataclass
class Inputs:
    """Of one projection; sources ascend. Shares of w_max: 0 to 1."""
    name: str
    share: numpy.ndarray    # [time, source] mean over recorded synapses of that source
    initial: numpy.ndarray  # [synapse]
    final: numpy.ndarray    # [synapse]
    row: numpy.ndarray      # [synapse] index of its source


@dataclass
class InputWeights:
    file: str
    time_s: numpy.ndarray  # [time], from 0 on
    projections: list      # of Inputs


def input_weights(name, file):
    """InputWeights of an open weights_NAME.h5; None where it holds nothing, or so much that inputs are no rows."""
    data, time = need(file, "weights/data", 2), need(file, "weights/time_ms", 1)
    length = min(len(data), len(time))
    if not length or not 0 < data.shape[1] <= MOST_SYNAPSES:
        return None
    source = need(file, "weights/source_id", 1)[()]
    first = need(file, "weights/projections/first", 1)[()].astype(int)
    names, w_max = texts(file["weights/projections/name"]), need(file, "weights/projections/w_max", 1)[()]
    rows = evenly(length, COLUMNS)
    rows[-1] = length - 1
    found = [_Projection(names[p], source[first[p]:first[p + 1]], w_max[p]) for p in range(len(names))]
    if sum(len(projection.sources) for projection in found) > MOST_SOURCES:
        return None
    initial = need(file, "weights/initial", 1)[()]
    for values in itertools.chain([initial], (data[row] for row in rows)):  # a row at a time
        for p, projection in enumerate(found):
            projection.add(values[first[p]:first[p + 1]])
    kept = [projection.inputs() for projection in found if len(projection.sources)]
    return InputWeights(name + ".h5", numpy.concatenate([[0.0], time[()][rows] * 1e-3]), kept) if kept else None


class _Projection:
    def __init__(self, name, source, w_max):
        self.name, self._w_max, self._share = name, w_max, []
        self.sources, self._row, self._size = numpy.unique(source, return_inverse=True, return_counts=True)

    def add(self, weights):
        """Of the next moment; the first are the initial ones."""
        last = weights / self._w_max
        if not self._share:
            self._initial = last
        self._last = last
        self._share.append(numpy.bincount(self._row, weights=last, minlength=len(self.sources)) / self._size)

    def inputs(self):
        return Inputs(self.name, numpy.array(self._share), self._initial, self._last, self._row)

"""What the tests of plasticity share: jobs as mappings, trains in files, and recorded weights beside those that the
reference makes of the recorded spikes."""
import json
import math
import pathlib
import sys

import h5py
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import reference as ref  # noqa: E402
from common import Run  # noqa: E402


def run(folder, name, job, **how):
    """Runs a job given as a mapping (JSON is YAML)."""
    path = pathlib.Path(folder) / f"{name}.yaml"
    path.write_text(json.dumps(job), encoding="utf-8")
    return Run(path, pathlib.Path(folder) / name, **how)


def write_trains(path, trains, dt_ms):
    """A file for input spike_train: trains[i] are the steps in which neuron i gets a spike."""
    node = numpy.repeat(numpy.arange(len(trains)), [len(t) for t in trains])
    step = numpy.concatenate([numpy.asarray(t, dtype=numpy.int64) for t in trains])
    order = numpy.argsort(step, kind="stable")
    with h5py.File(path, "w") as file:
        group = file.create_group("spikes/trains")
        group["timestamps"] = (step[order] + 1) * dt_ms  # the end of the step
        group["timestamps"].attrs["units"] = "ms"
        group["node_ids"] = node[order].astype(numpy.uint64)
    return {"model": "spike_train", "file": str(path)}


class Spikes:
    """of[neuron]: the steps of its spikes."""

    def __init__(self, folder):
        with h5py.File(pathlib.Path(folder) / "spikes.h5", "r") as file:
            (group,) = file["spikes"].values()
            step = numpy.rint(group["timestamps"][()] / file.attrs["dt_ms"]).astype(int) - 1
            neuron = group["node_ids"][()].astype(int)
            names = [name.decode() for name in file["callosum/populations/name"]]
            self.first = dict(zip(names, file["callosum/populations/first"][()].astype(int)))
            count = file["callosum/populations/count"][()].astype(int)
        order = numpy.argsort(neuron, kind="stable")  # steps stay in order
        bounds = numpy.searchsorted(neuron[order], numpy.arange(count.sum() + 1))
        self.of = [step[order][a:b].tolist() for a, b in zip(bounds[:-1], bounds[1:])]


class Weights:
    """weights_NAME.h5 of member 0."""

    def __init__(self, folder, name="w"):
        with h5py.File(pathlib.Path(folder) / f"weights_{name}.h5", "r") as file:
            self.attributes, group = dict(file.attrs), file["weights"]
            self.data = group["data"][()].astype(float)
            self.dt_ms = float(file.attrs["dt_ms"])
            self.step = numpy.rint(group["time_ms"][()] / self.dt_ms).astype(int)  # that comes next
            self.initial = group["initial"][()].astype(float)
            self.source, self.target = (group[f"{end}_id"][()].astype(int) for end in ("source", "target"))
            self.delay = numpy.rint(group["delay_ms"][()] / self.dt_ms).astype(int)
            self.projection = group["projection"][()]
            self.names = [name.decode() for name in group["projections/name"]]
            self.first = group["projections/first"][()].astype(int)
            self.w_max = group["projections/w_max"][()]

    def of(self, name):
        """Positions of a projection's synapses."""
        k = self.names.index(name)
        return numpy.arange(self.first[k], self.first[k + 1])


class Difference:
    """Between recorded weights and the reference's, of the synapses `chosen` (all of one projection).

    most: the greatest over synapses and rows of |dv| beyond what a file of float32 rounds, divided by all that v has
    moved up and down until then."""

    def __init__(self, rule, weights, spikes, chosen):
        self.most = self.worst = 0.0
        self.moved = self.events = self.floor = self.ceiling = self.flight = 0
        for i in chosen:
            delay, v = int(weights.delay[i]), weights.initial[i] / rule.w_max
            pre, post = spikes.of[weights.source[i]], spikes.of[weights.target[i]]
            found = ref.arrivals(rule, pre, post, delay, v, weights.dt_ms)
            self._compare(rule, found, delay, v, weights.step, weights.data[:, i] / rule.w_max)
            self.events += len(found)
            self.floor += sum(a.clipped and a.weight == 0 for a in found)
            self.ceiling += sum(a.clipped and a.weight == 1 for a in found)
            self.flight = max(self.flight, most_within(pre, delay))

    def _compare(self, rule, found, delay, v, steps, recorded):
        path, before = [0.0], v
        for arrival in found:
            path.append(path[-1] + abs(arrival.weight - before))
            before = arrival.weight
        for step, value in zip(steps, recorded):
            expected, n = ref.weight_at(rule, found, delay, v, step)
            error = max(0.0, abs(value - expected) - 2**-23 * max(value, expected))
            self.worst = max(self.worst, abs(value - expected))
            self.most = max(self.most, error / path[n] if path[n] else math.inf if error else 0.0)
        self.moved = max(self.moved, path[-1])


def most_within(spikes, steps):
    """The most spikes in any `steps` steps: that are on their way at once."""
    first = most = 0
    for i, last in enumerate(spikes):
        while spikes[first] <= last - steps:
            first += 1
        most = max(most, i - first + 1)
    return most

"""Reads a run folder: summary.json and the recordings that are there. Large recordings are read in pieces: memory
does not grow with the length of a run. Of an ensemble, member 0 is read."""

import json
import os
import re

import h5py
import numpy

RECORDINGS = ("spikes.h5", "rates.h5", "bold.h5", "currents.h5")
PIECE_BYTES = 64 << 20
MATRIX_REGIONS = 4000  # with more regions, matrices of all pairs are neither made nor drawn


class BadRun(Exception):
    """The folder or one of its files is not what a run writes. The message names it."""


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _texts(dataset):
    return [_text(value) for value in dataset[()]]


class Populations:
    """Name, first neuron, number of neurons, region (-1: none) and type ('E', 'I' or '') of every population."""

    def __init__(self, group):
        self.names = _texts(group["name"])
        count = len(self.names)
        self.first = group["first"][()].astype(numpy.int64)
        self.count = group["count"][()].astype(numpy.int64)
        self.region = group["region"][()].astype(int) if "region" in group else numpy.full(count, -1)
        stated = [chr(code) for code in group["type"][()]] if "type" in group else [""] * count
        self.types = [kind if kind in ("E", "I") else _type_from_name(name) for kind, name in zip(stated, self.names)]


def _type_from_name(name):
    """Where the job does not say: excitatory and inhibitory populations are commonly called A/E and A/I, L23E and L23I,
    E and I."""
    found = re.search(r"(?:^|[\W\d_])([EI])$", name)
    return found.group(1) if found else ""


class Run:
    """One run folder. Attributes are None where the run did not record them."""

    def __init__(self, folder):
        self.folder = folder
        if not os.path.isdir(folder):
            raise BadRun(f"{folder}: expected a folder written by `callosum run`")
        found = [name for name in RECORDINGS if os.path.exists(os.path.join(folder, name))]
        path = os.path.join(folder, "summary.json")
        if not found and not os.path.exists(path):
            raise BadRun(f"{folder}: expected summary.json or one of {', '.join(RECORDINGS)}, found none of them")
        self.summary = self._read_summary(path)
        self.files = {name[:-3]: self._open(name) for name in found}
        self.populations = self._find_populations()
        self.region_names, self.centres_mm = self._find_regions()
        self.warmup_s = self._warmup_ms() * 1e-3

    # ---- what is small is read at once

    def _read_summary(self, path):
        if not os.path.exists(path):
            return {}
        try:
            with open(path, encoding="utf-8") as file:
                summary = json.load(file)
        except ValueError as error:
            raise BadRun(f"{path}: expected JSON: {error}") from None
        if not isinstance(summary, dict):
            raise BadRun(f"{path}: expected a JSON object, found {type(summary).__name__}")
        return summary

    def _open(self, name):
        path = os.path.join(self.folder, name)
        try:
            return h5py.File(path, "r")
        except OSError as error:
            raise BadRun(f"{path}: expected an HDF5 file: {error}") from None

    def _find_populations(self):
        for file in self.files.values():
            if "callosum/populations" in file:
                return Populations(file["callosum/populations"])
        return None

    def _find_regions(self):
        for file in self.files.values():
            if "regions" in file:
                names = _texts(file["regions/name"])
                if "centre_mm" in file["regions"]:
                    return names, file["regions/centre_mm"][()].astype(float)
                return names, numpy.full((len(names), 3), numpy.nan)
        return [], numpy.zeros((0, 3))

    def _warmup_ms(self):
        """The time left out of statistics; 0 where the run was shorter than it, as the run itself does."""
        warmup = self.summary.get("warmup_ms")
        for file in self.files.values():
            warmup = file.attrs.get("warmup_ms", warmup)
        warmup, end = float(warmup or 0), self.duration_s() * 1e3
        self.shorter_than_warmup = 0 < end <= warmup
        return 0.0 if self.shorter_than_warmup else warmup

    def duration_s(self):
        """Biological seconds simulated."""
        if self.summary.get("biological_s"):
            return float(self.summary["biological_s"])
        return max((float(file.attrs.get("recorded_ms", 0)) for file in self.files.values()), default=0.0) * 1e-3

    # ---- connectome

    def tracts(self):
        """Structural weights, row = target: a dense [region, region] array, or None."""
        file = next((file for file in self.files.values() if "tracts" in file), None)
        if file is None or len(self.region_names) > MATRIX_REGIONS:
            return None
        row = file["tracts/row"][()].astype(int)
        source = file["tracts/source"][()].astype(int)
        weights = numpy.zeros((len(row) - 1, len(row) - 1))
        weights[numpy.repeat(numpy.arange(len(row) - 1), numpy.diff(row)), source] = file["tracts/weight"][()]
        return weights

    # ---- BOLD

    def bold(self):
        """(time_s [volume], signal [volume, region]), or None."""
        if "bold" not in self.files or "bold/data" not in self.files["bold"]:
            return None
        time, data = self.files["bold"]["bold/time_s"][()], self.files["bold"]["bold/data"]
        data = data[:, 0, :] if data.ndim == 3 else data[()]
        length = min(len(time), len(data))
        return (time[:length], data[:length].astype(float)) if length else None

    def empirical_connectivity(self):
        """Functional connectivity of the measured BOLD the job named, or None."""
        if "bold" not in self.files or "empirical" not in self.files["bold"]:
            return None
        signal = self.files["bold"]["empirical/data"][()].astype(float)
        return numpy.corrcoef(signal.T) if len(signal) > 2 else None

    # ---- rates

    def rate_bins(self):
        """Width of a recorded bin in ms, or None without rates."""
        if "rates" not in self.files or len(self.files["rates"]["rates/time_ms"]) == 0:
            return None
        time = self.files["rates"]["rates/time_ms"]
        if "bin_ms" in self.files["rates"]["rates"].attrs:
            return float(self.files["rates"]["rates"].attrs["bin_ms"])
        return float(time[1] - time[0]) if len(time) > 1 else float(time[0])

    def rate_pieces(self):
        """Yields (index of the first bin, rates in Hz [bin, population]) over the whole recording."""
        data = self.files["rates"]["rates/data"]
        row_bytes = max(1, data.dtype.itemsize * int(numpy.prod(data.shape[1:])))
        step = max(1, PIECE_BYTES // row_bytes)
        if data.chunks:  # whole chunks: none is read twice
            step = max(data.chunks[0], step // data.chunks[0] * data.chunks[0])
        for first in range(0, data.shape[0], step):
            piece = data[first:first + step, 0, :] if data.ndim == 3 else data[first:first + step]
            yield first, piece

    # ---- spikes

    def spike_group(self):
        """The HDF5 group with timestamps and node_ids of member 0, or None."""
        if "spikes" not in self.files or "spikes" not in self.files["spikes"]:
            return None
        groups = self.files["spikes"]["spikes"]
        names = [name for name in groups if "_member" not in name] or list(groups)
        return groups[names[0]] if names and len(groups[names[0]]["timestamps"]) else None

    def spikes_between(self, begin_ms, end_ms):
        """(times in ms, neuron numbers) in [begin_ms, end_ms): timestamps ascend, so both ends are bisected."""
        group = self.spike_group()
        first = _bisect(group["timestamps"], begin_ms)
        last = _bisect(group["timestamps"], end_ms)
        return group["timestamps"][first:last], group["node_ids"][first:last].astype(numpy.int64)

    def spike_counts(self, begin_ms, neurons):
        """Spikes of every neuron from begin_ms on."""
        group = self.spike_group()
        counts = numpy.zeros(neurons, dtype=numpy.int64)
        first, total, step = _bisect(group["timestamps"], begin_ms), len(group["node_ids"]), PIECE_BYTES // 8
        for start in range(first, total, step):
            nodes = group["node_ids"][start:start + step].astype(numpy.int64)
            counts += numpy.bincount(nodes, minlength=neurons)[:neurons]
        return counts

    # ---- currents

    def currents(self, columns=600):
        """Mean synaptic currents over the neurons of populations that have type, receptors and unit in common:
        (time_s [column], {(type, names of receptors, unit): current [column, receptor]}), or None."""
        if "currents" not in self.files or len(self.files["currents"]["currents/time_ms"]) == 0:
            return None
        group, populations = self.files["currents"]["currents"], self.populations
        data = group["data"]
        length, receptors = data.shape[0], data.shape[-1]
        names = numpy.array(_texts(group["receptors"])).reshape(-1, receptors).tolist()
        keys = list(zip(populations.types, map(tuple, names), _texts(group["unit"])))
        share = {}  # [population] of the neurons of a kind
        for key in keys:
            share[key] = numpy.where([k == key for k in keys], populations.count, 0.0)
            share[key] /= share[key].sum()
        width = -(-length // columns)
        edges = numpy.arange(0, length, width)
        mean = {key: numpy.zeros((len(edges), receptors)) for key in share}
        for column, first in enumerate(edges):
            piece = data[first:first + width]
            piece = numpy.nan_to_num((piece[:, 0] if piece.ndim == 4 else piece).mean(axis=0))
            for key in share:
                mean[key][column] = share[key] @ piece
        return group["time_ms"][()][numpy.minimum(edges + width // 2, length - 1)] * 1e-3, mean


def _bisect(dataset, value):
    """Index of the first element >= value of an ascending dataset, reading O(log n) elements."""
    low, high = 0, len(dataset)
    while low < high:
        middle = (low + high) // 2
        if dataset[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low

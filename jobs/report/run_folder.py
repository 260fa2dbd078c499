"""Reads a run folder: summary.json and the recordings that are there. Large recordings are read in pieces: memory
does not grow with the length of a run. Of an ensemble, member 0 is read."""

import glob
import json
import math
import os
import re
import time

import h5py
import numpy

RECORDINGS = ("spikes.h5", "rates.h5", "bold.h5", "currents.h5", "neurons.h5", "spectra.h5", "lfp.h5")
SWEEP, ASSIMILATION = "sweep.h5", "assimilation.h5"
PIECE_BYTES = 64 << 20
GROWING_S, SNAPSHOT_BYTES, SNAPSHOT_TRIES = 3600, 1 << 30, 20
MATRIX_REGIONS = 4000  # with more regions, matrices of all pairs are neither made nor drawn


class BadRun(Exception):
    """The folder or one of its files is not what a run writes. The message names it."""


def as_text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def texts(dataset):
    return [as_text(value) for value in numpy.atleast_1d(dataset[()])]


def open_file(path):
    try:
        file = h5py.File(path, "r")
        if not _grows(file):
            return file
        file.close()
        return _snapshot(path)
    except OSError as error:
        raise BadRun(f"{path}: expected an HDF5 file: {error}") from None


def _grows(file):
    """Whether a run may be writing to it still."""
    state = os.stat(file.filename)
    return not file.attrs.get("complete", 1) and time.time() - state.st_mtime < GROWING_S and \
        state.st_size <= SNAPSHOT_BYTES


def _snapshot(path):
    """The file as it stands now, in memory: HDF5 does not follow a file that grows while it is open. Read again where
    it changed meanwhile; what is written between two flushes of the run does no harm."""
    for _ in range(SNAPSHOT_TRIES):
        before = os.stat(path)
        file = h5py.File(path, "r", driver="core", backing_store=False)
        after = os.stat(path)
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            break
        file.close()
    return file if file else h5py.File(path, "r", driver="core", backing_store=False)


def need(file, path, *dimensions):
    """A dataset of one of the numbers of dimensions."""
    found = file.get(path)
    wanted = " or ".join(str(n) for n in dimensions)
    if not isinstance(found, h5py.Dataset):
        raise BadRun(f"{file.filename}: not laid out as expected: no dataset /{path} of {wanted} dimensions")
    if found.ndim not in dimensions:
        raise BadRun(f"{file.filename}: not laid out as expected: /{path} has {found.ndim} dimensions, "
                     f"expected {wanted}")
    return found


def need_columns(dataset, axis, expected, what):
    """That a dataset has one entry per population or region of the tables beside it."""
    if dataset.shape[axis] != expected:
        raise BadRun(f"{dataset.file.filename}: not laid out as expected: {dataset.name} has {dataset.shape[axis]} "
                     f"columns for {expected} {what}")
    return dataset


def member_0(values, dimensions):
    """Values of member 0, where an array has a dimension more: the last but one."""
    return values[..., 0, :] if values.ndim > dimensions else values


def pieces(dataset, length):
    """Yields (first row, rows) over the first `length` rows, in pieces of whole chunks: none is read twice."""
    row_bytes = max(1, dataset.dtype.itemsize * math.prod(dataset.shape[1:]))
    step = max(1, PIECE_BYTES // row_bytes)
    if dataset.chunks and dataset.chunks[0] <= step:
        step = step // dataset.chunks[0] * dataset.chunks[0]
    for first in range(0, length, step):
        yield first, dataset[first:min(first + step, length)]


class Populations:
    """Name, first neuron, number of neurons, region (-1: none), type ('E', 'I' or '') and layer ('L23', '' where
    there is none) of every population."""

    def __init__(self, file):
        group = file["callosum/populations"]
        self.names = texts(need(file, "callosum/populations/name", 1))
        count = len(self.names)
        self.first = need(file, "callosum/populations/first", 1)[()].astype(numpy.int64)
        self.count = need(file, "callosum/populations/count", 1)[()].astype(numpy.int64)
        self.region = group["region"][()].astype(int) if "region" in group else numpy.full(count, -1)
        stated = [chr(code) for code in group["type"][()]] if "type" in group else [""] * count
        self.types = numpy.array([kind if kind in ("E", "I") else _type_of(name)
                                  for kind, name in zip(stated, self.names)], dtype="U1")
        self.layers = texts(group["layer"]) if "layer" in group else [_layer_of(name) for name in self.names]

    def owner(self, neurons):
        """Index of the population that holds each neuron."""
        return numpy.searchsorted(self.first, neurons, side="right") - 1

    def kinds(self):
        """Types that occur, in the order in which they are drawn."""
        return [kind for kind in ("E", "I", "") if kind in set(self.types.tolist())]


def _type_of(name):
    """Where the job does not say: excitatory and inhibitory populations are commonly called A/E and A/I, L23E and L23I,
    E and I."""
    found = re.search(r"(?:^|[\W\d_])([EI])$", name)
    return found.group(1) if found else ""


def _layer_of(name):
    found = re.fullmatch(r"L?(\d{1,2}|\d/\d)[_/]?[EI]", name.rsplit("/", 1)[-1])
    return "L" + found.group(1) if found else ""


class Run:
    """One run folder. Attributes are None where the run did not record them."""

    def __init__(self, folder):
        self.folder = folder
        if not os.path.isdir(folder):
            raise BadRun(f"{folder}: expected a folder written by `callosum run`, `callosum sweep` or "
                         "`callosum assimilate`")
        found = [name for name in RECORDINGS if os.path.exists(os.path.join(folder, name))]
        traces, weights = (sorted(glob.glob(os.path.join(glob.escape(folder), pattern)))
                           for pattern in ("trace_*.h5", "weights_*.h5"))
        self.has_sweep, self.has_assimilation = (os.path.exists(os.path.join(folder, name))
                                                 for name in (SWEEP, ASSIMILATION))
        path = os.path.join(folder, "summary.json")
        if not (found or traces or weights or self.has_sweep or self.has_assimilation or os.path.exists(path)):
            raise BadRun(f"{folder}: expected summary.json, {SWEEP}, {ASSIMILATION} or one of "
                         f"{', '.join(RECORDINGS)}, found none of them")
        self.summary = self._read_summary(path)
        self.files = {name[:-3]: open_file(os.path.join(folder, name)) for name in found}
        self.traces = {os.path.basename(name)[:-3]: open_file(name) for name in traces}
        self.weights = {os.path.basename(name)[:-3]: open_file(name) for name in weights}
        self.every_file = {**self.files, **self.traces, **self.weights}
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

    def _find_populations(self):
        for file in self.every_file.values():
            if "callosum/populations" in file:
                return Populations(file)
        return None

    def _find_regions(self):
        for file in self.every_file.values():
            if "regions" in file:
                names = texts(need(file, "regions/name", 1))
                if "centre_mm" in file["regions"]:
                    return names, file["regions/centre_mm"][()].astype(float)
                return names, numpy.full((len(names), 3), numpy.nan)
        return [], numpy.zeros((0, 3))

    def has_regions(self):
        return bool(self.region_names) and self.populations is not None and self.populations.region.max() >= 0

    def _warmup_ms(self):
        """The time left out of statistics; 0 where the run was shorter than it, as the run itself does."""
        warmup = self.summary.get("warmup_ms")
        for file in self.every_file.values():
            warmup = file.attrs.get("warmup_ms", warmup)
        warmup, end = float(warmup or 0), self.duration_s() * 1e3
        self.shorter_than_warmup = 0 < end <= warmup
        return 0.0 if self.shorter_than_warmup else warmup

    def duration_s(self):
        """Biological seconds simulated; where a run did not end, what had been written."""
        if self.summary.get("biological_s"):
            return float(self.summary["biological_s"])
        stated = max((float(file.attrs.get("recorded_ms", 0)) for file in self.every_file.values()), default=0.0)
        return (stated or self._last_ms()) * 1e-3

    def _last_ms(self):
        """The last time in any recording."""
        last = [0.0]
        for name, path, unit in (("rates", "rates/time_ms", 1), ("bold", "bold/time_s", 1e3),
                                 ("lfp", "lfp/time_ms", 1)):
            if name in self.files and path in self.files[name] and len(self.files[name][path]):
                last.append(float(self.files[name][path][-1]) * unit)
        group = self.spike_group()
        return max(last + ([float(group["timestamps"][-1])] if group is not None else []))

    def unfinished(self):
        """Names of recordings that the run has not closed."""
        return [name + ".h5" for name, file in self.every_file.items() if not file.attrs.get("complete", 1)]

    def attribute(self, name):
        """Of the first file that has it, or None."""
        for file in self.every_file.values():
            if name in file.attrs:
                value = file.attrs[name]
                return as_text(value) if isinstance(value, (bytes, str)) else value
        return None

    # ---- connectome

    def tracts(self):
        """Structural weights, row = target: a dense [region, region] array, or None."""
        file = next((file for file in self.files.values() if "tracts" in file), None)
        if file is None or len(self.region_names) > MATRIX_REGIONS:
            return None
        row = need(file, "tracts/row", 1)[()].astype(int)
        source = need(file, "tracts/source", 1)[()].astype(int)
        if len(row) - 1 != len(self.region_names) or (len(source) and source.max() >= len(row) - 1):
            raise BadRun(f"{file.filename}: not laid out as expected: /tracts does not fit {len(self.region_names)} "
                         "regions")
        weights = numpy.zeros((len(row) - 1, len(row) - 1))
        weights[numpy.repeat(numpy.arange(len(row) - 1), numpy.diff(row)), source] = need(file, "tracts/weight", 1)[()]
        return weights

    # ---- BOLD

    def bold(self):
        """(time_s [volume], signal [volume, region]), or None."""
        if "bold" not in self.files:
            return None
        time = need(self.files["bold"], "bold/time_s", 1)
        data = need_columns(need(self.files["bold"], "bold/data", 2, 3), -1, len(self.region_names), "regions")
        length = min(len(time), len(data))
        if not length:
            return None
        signal = data[:length, 0, :] if data.ndim == 3 else data[:length]
        return time[:length], signal.astype(float)

    def bold_tr_s(self):
        """Repetition time of the simulated BOLD."""
        stated = self.files["bold"]["bold"].attrs.get("tr_s")
        time = self.files["bold"]["bold/time_s"]
        return float(stated) if stated else float(time[1] - time[0] if len(time) > 1 else time[0])

    def empirical(self):
        """(signal [volume, region], repetition time in s or None, file it came from or '', 'name', 'order' or '': how
        its regions were matched) of the measured BOLD the job named, or None."""
        if "bold" not in self.files or "empirical" not in self.files["bold"]:
            return None
        group = self.files["bold"]["empirical"]
        signal = need(self.files["bold"], "empirical/data", 2)[()].astype(float)
        if len(signal) < 3 or signal.shape[1] != len(self.region_names):
            return None
        tr = group.attrs.get("tr_s", group["data"].attrs.get("tr_s"))
        tr = float(tr) if tr is not None and float(tr) > 0 else None  # NaN where it is not known
        origin = os.path.basename(as_text(group.attrs.get("origin", b"")))
        return signal, tr, origin, as_text(group.attrs.get("matched_by", b""))

    # ---- rates

    def rate_length(self):
        """Number of complete bins."""
        if "rates" not in self.files:
            return 0
        data = need(self.files["rates"], "rates/data", 2, 3)
        if self.populations is not None:
            need_columns(data, -1, len(self.populations.names), "populations")
        return min(len(need(self.files["rates"], "rates/time_ms", 1)), data.shape[0])

    def rate_bins(self):
        """Width of a recorded bin in ms, or None without rates."""
        if not self.rate_length():
            return None
        time = self.files["rates"]["rates/time_ms"]
        if "bin_ms" in self.files["rates"]["rates"].attrs:
            return float(self.files["rates"]["rates"].attrs["bin_ms"])
        return float(time[1] - time[0]) if len(time) > 1 else float(time[0])

    def rate_pieces(self):
        """Yields (index of the first bin, rates in Hz [bin, population]) over the whole recording."""
        for first, piece in pieces(self.files["rates"]["rates/data"], self.rate_length()):
            yield first, member_0(piece, 2)

    # ---- spikes

    def spike_group(self):
        """The HDF5 group with timestamps and node_ids of member 0, or None."""
        if "spikes" not in self.files or "spikes" not in self.files["spikes"]:
            return None
        groups = self.files["spikes"]["spikes"]
        names = [name for name in groups if "_member" not in name] or list(groups)
        if not names:
            return None
        need(self.files["spikes"], f"spikes/{names[0]}/node_ids", 1)
        return groups[names[0]] if len(need(self.files["spikes"], f"spikes/{names[0]}/timestamps", 1)) else None

    def spikes_between(self, begin_ms, end_ms, most=20_000_000):
        """(times in ms, neuron numbers, end_ms) in [begin_ms, end_ms): timestamps ascend, so both ends are bisected.
        Of more spikes than `most` the first are read, and the end is where they end."""
        group = self.spike_group()
        length = min(len(group["timestamps"]), len(group["node_ids"]))
        first = bisect(group["timestamps"], begin_ms, length)
        last = bisect(group["timestamps"], end_ms, length)
        if last - first > most:
            last, end_ms = first + most, float(group["timestamps"][first + most])
        return group["timestamps"][first:last], group["node_ids"][first:last].astype(numpy.int64), end_ms


def bisect(dataset, value, length=None):
    """Index of the first element >= value of an ascending dataset, reading O(log n) elements."""
    low, high = 0, len(dataset) if length is None else length
    while low < high:
        middle = (low + high) // 2
        if dataset[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low

"""Signals sampled in time: traces of single neurons (trace_NAME_VARIABLE.h5, SONATA reports), field potentials
(lfp.h5) and synaptic currents (currents.h5). Only the piece that is drawn is read."""

from dataclasses import dataclass

import numpy

from groups import evenly
from rates import StreamingWelch
from run_folder import as_text, bisect, need, need_columns, pieces, texts

WINDOW_S = 1.0
LEAST_SAMPLES = 400
MOST_POINTS = 6000  # of a line


@dataclass
class Signals:
    """values [sample, line] over time_s [sample], names and types of the lines; how many there were in all."""
    time_s: numpy.ndarray
    values: numpy.ndarray
    names: list
    kinds: list
    total: int
    unit: str
    spikes_s: list  # of each line, where known: times of its spikes
    source: tuple
    variable: str = ""


def _window(begin_s, first_s, sample_s, length, window_s=WINDOW_S):
    """Samples (first, last) from begin_s on, or from the start where the recording ends before."""
    first = max(0, round((begin_s - first_s) / sample_s))
    first = first if first < length - 1 else 0
    return first, min(length, first + max(LEAST_SAMPLES, round(window_s / sample_s)))


def _thin(first, last):
    return -(-(last - first) // MOST_POINTS)


def trace(run, name, most=6):
    """Signals of at most `most` elements of a SONATA report, or None where it is empty."""
    file = run.traces[name]
    groups = [key for key in file.get("report", {}) if "_member" not in key]
    per_group = max(1, most // max(1, len(groups)))
    parts, total = [], 0
    for key in groups:
        data = need(file, f"report/{key}/data", 2)
        total += data.shape[1]
        if data.shape[0] and data.shape[1] and len(parts) < most:
            parts.append((key, evenly(data.shape[1], per_group)))
    if not parts:
        return None
    time_s, columns, names, kinds, spikes = None, [], [], [], []
    for key, elements in parts:
        group = file[f"report/{key}"]
        start, _, step = need(file, f"report/{key}/mapping/time", 1)[()][:3] * 1e-3
        first, last = _window(run.warmup_s, start, step, len(group["data"]))
        thin = _thin(first, last)
        values = group["data"][first:last][::thin][:, elements].astype(float)
        if time_s is None:
            time_s = start + numpy.arange(first, last)[::thin] * step
        if len(values) != len(time_s):
            continue  # of another population with another length
        columns.append(values)
        for label, kind, node in _elements(run, file, key, elements):
            names.append(label)
            kinds.append(kind)
            spikes.append(_spikes_of(run, node, time_s[0], time_s[-1]))
    unit = as_text(file[f"report/{parts[0][0]}/data"].attrs.get("units", b""))
    return Signals(time_s, numpy.concatenate(columns, axis=1), names, kinds, total, unit, spikes,
                   (name + ".h5", f"/report/{parts[0][0]}/data"),
                   as_text(file[f"report/{parts[0][0]}/data"].attrs.get("variable", b"")))


def _elements(run, file, key, elements):
    """(label, type, global neuron or None) of elements of a report. Node numbers are those of the whole network,
    unless the report bears the name of one of its populations."""
    node = need(file, f"report/{key}/mapping/node_ids", 1)[()].astype(numpy.int64)
    pointers = file[f"report/{key}/mapping"].get("index_pointers")
    pointers = pointers[()].astype(numpy.int64) if pointers is not None else numpy.arange(len(node) + 1)
    populations = run.populations
    for element in elements:
        at = min(int(numpy.searchsorted(pointers, element, side="right")) - 1, len(node) - 1)
        number = int(node[at])
        if populations is not None and key in populations.names:
            number += int(populations.first[populations.names.index(key)])
        label, kind = f"{key} {node[at]}", ""
        if populations is not None and 0 <= number < int((populations.first + populations.count).max()):
            owner = int(populations.owner(number))
            label = f"{populations.names[owner]} {number - int(populations.first[owner])}"
            kind = str(populations.types[owner])
        if at + 1 < len(pointers) and pointers[at + 1] - pointers[at] > 1:
            label += f" [{element - pointers[at]}]"
        yield label, kind, number


def _spikes_of(run, neuron, begin_s, end_s):
    if run.spike_group() is None:
        return numpy.zeros(0)
    time, node, _ = run.spikes_between(begin_s * 1e3, end_s * 1e3)
    return time[node == neuron] * 1e-3


def field_potential(run, most=8):
    """(Signals of at most `most` groups, their spectra as StreamingWelch or None), or None."""
    if "lfp" not in run.files or "lfp" not in run.files["lfp"]:
        return None
    file = run.files["lfp"]
    data, time = need(file, "lfp/data", 2, 3), need(file, "lfp/time_ms", 1)
    length, total = min(len(time), data.shape[0]), data.shape[-1]
    if length < 2 or not total:
        return None
    known = numpy.flatnonzero(numpy.isfinite(_member_0(data[:2])[-1]))  # groups that have excitatory neurons
    if not len(known):
        return None
    names = _group_names(run, file, total)
    chosen = known[evenly(len(known), most)]
    sample_ms = float(time[1] - time[0])
    first, last = _window(run.warmup_s, float(time[0]) * 1e-3, sample_ms * 1e-3, length)
    thin = _thin(first, last)
    values = _member_0(data[first:last])[::thin][:, chosen].astype(float)
    signals = Signals(time[first:last][::thin] * 1e-3, values, [names[i] for i in chosen], [""] * len(chosen),
                      len(known), as_text(data.attrs.get("units", b"")), [], ("lfp.h5", "/lfp/data"))
    begin = bisect(time, run.warmup_s * 1e3, length)
    begin = begin if begin < length - 1 else 0
    spectra = StreamingWelch(length - begin, sample_ms, len(chosen))
    for start, piece in pieces(data, length):
        spectra.add(_member_0(piece)[max(0, begin - start):][:, chosen].astype(float))
    return signals, spectra if spectra.segments else None


def _group_names(run, file, total):
    if "lfp/name" in file:
        return texts(need(file, "lfp/name", 1))
    over = as_text(file["lfp"].attrs.get("over", b""))
    names = run.populations.names if over == "population" and run.populations is not None else run.region_names
    return names if len(names) == total else [str(i) for i in range(total)]


def _member_0(values):
    return values[:, 0] if values.ndim == 3 else values


def currents(run, columns=600):
    """Mean synaptic currents over the neurons of populations that have type, receptors and unit in common:
    (time_s [column], {(type, names of receptors, unit): current [column, receptor]}), or None."""
    if "currents" not in run.files or run.populations is None:
        return None
    file, populations = run.files["currents"], run.populations
    data, time = need(file, "currents/data", 3, 4), need(file, "currents/time_ms", 1)
    length, receptors = min(len(time), data.shape[0]), data.shape[-1]
    if not length:
        return None
    need_columns(data, -2, len(populations.names), "populations")
    names = numpy.array(texts(need(file, "currents/receptors", 1))).reshape(-1, receptors).tolist()
    keys = list(zip(populations.types.tolist(), map(tuple, names), texts(need(file, "currents/unit", 1))))
    share = {}  # [population] of the neurons of a kind
    for key in sorted(set(keys)):
        share[key] = numpy.where([k == key for k in keys], populations.count, 0.0)
        share[key] /= max(1.0, share[key].sum())
    width = -(-length // columns)
    held = numpy.bincount(numpy.arange(length) // width)[:, None]
    mean = {key: numpy.zeros((len(held), receptors)) for key in share}
    for first, piece in pieces(data, length):
        piece = numpy.nan_to_num(piece[:, 0] if piece.ndim == 4 else piece)
        column = numpy.arange(first, first + len(piece)) // width
        for key, weight in share.items():
            numpy.add.at(mean[key], column, numpy.tensordot(piece, weight, axes=(1, 0)))
    edges = numpy.arange(0, length, width)
    time_s = time[()][numpy.minimum(edges + width // 2, length - 1)] * 1e-3
    return time_s, {key: values / held for key, values in mean.items()}

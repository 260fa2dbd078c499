"""Reads sweep.h5, written by `callosum sweep`: one result of every kind for each point of a parameter space."""

import os

import numpy

from run_folder import SWEEP, BadRun, as_text, need, open_file, texts

LABELS = {  # what is drawn first, its name and unit
    "mean_rate_hz": "mean rate (sp/s)",
    "rate_min_hz": "lowest rate (sp/s)",
    "rate_max_hz": "highest rate (sp/s)",
    "isi_cv_median": "median CV of intervals",
    "spike_correlation_mean": "mean spike correlation",
    "fc_mean": "mean FC (r)",
    "sc_fc_r": "structure, function (r)",
    "fc_empirical_r": "simulated, measured (r)",
}


def _number_words(file, keys, values):
    """Replaces values that are no numbers by the number of their text, in place. Returns {key: its texts}."""
    words = {}
    said = numpy.array(texts(file["sweep/text"]), dtype=object) if "sweep/text" in file else None
    for k, key in enumerate(keys):
        if numpy.isfinite(values[:, k]).all():
            continue
        if said is None or said.size != values.size:
            raise BadRun(f"{file.filename}: not laid out as expected: values of {key} are no numbers, and /sweep/text "
                         "does not give them")
        column = said.reshape(values.shape)[:, k]
        words[key] = list(dict.fromkeys(column))
        values[:, k] = [words[key].index(text) for text in column]
    return words


class Sweep:
    """keys: those that vary, without seeds. values [point, key]. results {name: [point]}, NaN where a point did not
    end. Points that differ by a seed only are replicates: results are means over those that ended. Values of a key that
    are words (a method, a file) are numbers of `words[key]`."""

    def __init__(self, folder):
        file = open_file(os.path.join(folder, SWEEP))
        keys = texts(need(file, "sweep/keys", 1))
        values = need(file, "sweep/values", 2)[()].astype(float)
        if values.shape[1] != len(keys):
            raise BadRun(f"{file.filename}: not laid out as expected: /sweep/values has {values.shape[1]} columns for "
                         f"{len(keys)} keys")
        self.words = _number_words(file, keys, values)
        self.all_keys, self.all_values = keys, values
        self.all_results = self._read_results(file, len(values))
        self.digests = texts(file["sweep/digest"]) if "sweep/digest" in file and len(values) else []
        self.job = as_text(file.attrs.get("job", b""))
        self.version = as_text(file.attrs.get("callosum_version", b""))
        is_seed = numpy.array([key.rsplit(".", 1)[-1] == "seed" for key in keys], dtype=bool)
        varies = numpy.array([len(numpy.unique(column)) > 1 for column in values.T], dtype=bool)
        drawn = varies & ~is_seed if (varies & ~is_seed).any() else varies
        self.fixed = [f"{key} = {self.say(key, column[0])}" for key, column, there in zip(keys, values.T, varies)
                      if not there and len(values)]
        self.keys = [key for key, there in zip(keys, drawn) if there]
        self._average(values[:, drawn], len(values))

    def _read_results(self, file, points):
        group = file.get("sweep/results", {})
        known = [name for name in LABELS if name in group] + [name for name in group if name not in LABELS]
        results = {}
        for name in known:
            column = need(file, f"sweep/results/{name}", 1)
            if column.dtype.kind in "fiu":
                if len(column) != points:
                    raise BadRun(f"{file.filename}: not laid out as expected: /sweep/results/{name} has {len(column)} "
                                 f"values for {points} points")
                results[name] = column[()].astype(float)
        return results

    def _average(self, values, points):
        if values.shape[1] and points:
            self.values, place = numpy.unique(values, axis=0, return_inverse=True)
        else:
            self.values, place = values[:1], numpy.zeros(points, dtype=int)
        place = place.reshape(-1)
        self.replicates = numpy.bincount(place, minlength=len(self.values))
        self.results, self.low, self.high = {}, {}, {}
        for name, column in self.all_results.items():
            ended = numpy.isfinite(column)
            if not ended.any() or name == "fc_seconds":  # how much BOLD there was is no result
                continue
            with numpy.errstate(divide="ignore", invalid="ignore"):
                sums = numpy.bincount(place[ended], weights=column[ended], minlength=len(self.values))
                self.results[name] = sums / numpy.bincount(place[ended], minlength=len(self.values))
            self.low[name], self.high[name] = (numpy.full(len(self.values), numpy.nan) for _ in range(2))
            numpy.fmin.at(self.low[name], place[ended], column[ended])
            numpy.fmax.at(self.high[name], place[ended], column[ended])

    def label(self, name):
        return LABELS.get(name, name)

    def say(self, key, value, digits=6):
        """A value of a key as text."""
        return self.words[key][int(value)] if key in self.words else f"{value:.{digits}g}"

    def best(self):
        """(name of the result, index of the point) that agrees best with what was measured, or else with structure;
        None where there is neither."""
        for name in ("fc_empirical_r", "sc_fc_r"):
            if name in self.results and len(self.values) > 1:
                return name, int(numpy.nanargmax(self.results[name]))
        return None

    def axes(self):
        """Numbers of the keys, those with most values first: the first two span a heat map."""
        return sorted(range(len(self.keys)), key=lambda k: (-len(numpy.unique(self.values[:, k])), k))

    def is_grid(self, across, up):
        """Whether points lie on a grid: at least half of its cells are there."""
        cells = len(numpy.unique(self.values[:, across])) * len(numpy.unique(self.values[:, up]))
        pairs = len(numpy.unique(self.values[:, [across, up]], axis=0))
        return pairs >= cells / 2

"""Reads assimilation.h5, written by `callosum assimilate`, and what a filter's figures say of it."""

import os
from dataclasses import dataclass

import numpy

import scores
from connectivity import correlation
from run_folder import ASSIMILATION, BadRun, as_text, need, open_file, texts

SCORES = "scores.h5"
MOST_ROWS = 600  # of a matrix of correlations: with more values it is not made
SCORE_NAMES = {"fc_r": "FC, r", "fcd_ks": "FC dynamics, KS distance", "spectrum": "spectrum, distance",
               "replay_r": "replay, r", "forecast_r": "forecast, r", "forecast_error": "forecast error / SD"}


@dataclass
class Hyperparameter:
    """mean, q05, q95 [cycle, row] analysed; truth the same or None; prior and last [row, member]."""
    name: str
    unit: str
    shared: bool
    rows: list  # names
    mean: numpy.ndarray
    median: numpy.ndarray
    q05: numpy.ndarray
    q95: numpy.ndarray
    sd: numpy.ndarray
    forecast_sd: numpy.ndarray
    prior: numpy.ndarray
    last: numpy.ndarray
    truth: object
    first: int  # its first row among all


class Assimilation:
    """Arrays are [cycle, observation]; NaN where unknown. `confounded`: (label, label, what, r) of pairs the filter's
    diagnostics name; None where they were not computed yet."""

    def __init__(self, folder):
        self.file = file = open_file(os.path.join(folder, ASSIMILATION))
        self.time_s = need(file, "time_s", 1)[()].astype(float)
        self.members = int(file.attrs.get("members", 0))
        self.tr_s = float(file.attrs.get("tr_s", 0))
        self.job = as_text(file.attrs.get("job", b""))
        self.version = as_text(file.attrs.get("callosum_version", b""))
        self.hyperparameters = self._read_hyperparameters()
        self.names = texts(need(file, "observations/names", 1)) if "observations/names" in file else []
        self.units = texts(file["observations/units"]) if "observations/units" in file else [""] * len(self.names)
        for name in ("observed", "error", "predicted_mean", "predicted_sd", "predicted_q05", "predicted_q95",
                     "withheld", "crps", "rank"):
            setattr(self, name, self._columns(f"observations/{name}", len(self.names)))
        inflation = need(file, "inflation", 2)[()].astype(float) if "inflation" in file else None
        self.inflation = inflation if inflation is not None and inflation.size else None
        self.alive = need(file, "members/count", 1)[()] if "members/count" in file else None
        self.confounded = self._read_confounded()
        self.scores = self._read_scores(os.path.join(folder, SCORES))

    # ---- reading

    def _columns(self, path, count):
        values = need(self.file, path, 2)[()].astype(float)
        if values.shape != (len(self.time_s), count):
            raise BadRun(f"{self.file.filename}: not laid out as expected: /{path} is {values.shape[0]} x "
                         f"{values.shape[1]}, expected {len(self.time_s)} x {count}")
        return values

    def _read_hyperparameters(self):
        group = self.file.get("hyperparameters")
        if group is None:
            raise BadRun(f"{self.file.filename}: not laid out as expected: no group /hyperparameters")
        found, first = [], 0
        for name in sorted(group, key=lambda name: (int(group[name].attrs.get("order", 0)), name)):
            path = f"hyperparameters/{name}"
            rows = texts(need(self.file, path + "/regions", 1)) if len(group[name]["regions"]) else []
            arrays = {key: self._columns(f"{path}/{key}", len(rows))
                      for key in ("mean", "median", "q05", "q95", "sd", "forecast_sd")}
            prior, last = (need(self.file, f"{path}/{key}", 2)[()].astype(float) for key in ("prior", "last"))
            truth = self._columns(f"truth/{name}", len(rows)) if f"truth/{name}" in self.file else None
            found.append(Hyperparameter(name, as_text(group[name].attrs.get("units", b"")),
                                        bool(group[name].attrs.get("shared", 0)), rows, prior=prior, last=last,
                                        truth=truth, first=first, **arrays))
            first += len(rows)
        return found

    def _read_confounded(self):
        group = self.file.get("diagnostics", {})
        if "confounded" not in group:
            return None
        labels = self.labels()
        pairs, r = group["confounded"][()].reshape(-1, 2), group["confounded_r"][()]
        what = texts(group["confounded_what"]) if len(pairs) else []
        return [(labels[a], labels[b], kind, float(value)) for (a, b), kind, value in zip(pairs, what, r)
                if max(a, b) < len(labels)]

    def _read_scores(self, path):
        """{name: {score: number}} or {}."""
        if not os.path.exists(path):
            return {}
        try:
            return scores.read(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadRun(f"{path}: expected the table that scores.py writes: {error}") from None

    # ---- figures of it

    def labels(self):
        """A name of every row."""
        return [h.name if h.shared and len(h.rows) == 1 else f"{h.name} of {row}"
                for h in self.hyperparameters for row in h.rows]

    def known(self):
        """What was observed, withheld or not."""
        return numpy.where(numpy.isfinite(self.observed), self.observed, self.withheld)

    def chi2(self):
        """[cycle, observation] squares of innovations of what was assimilated, over their expected variance."""
        error = numpy.nan_to_num(self.error)
        return (self.observed - self.predicted_mean) ** 2 / (self.predicted_sd ** 2 + error ** 2)

    def correlations(self, withheld=False):
        """[observation] r between forecast and observation over cycles."""
        against = self.withheld if withheld else self.known()
        return numpy.array([correlation(p, y) for p, y in zip(self.predicted_mean.T, against.T)])

    def rank_histogram(self):
        """Counts of ranks 0 ... members of what was assimilated."""
        ranks = self.rank[numpy.isfinite(self.observed) & (self.rank >= 0)].astype(int)
        return numpy.bincount(ranks, minlength=self.members + 1)

    def posterior_correlation(self):
        """[row, row] over the members of the last ensemble, or None where there are too many rows."""
        last = numpy.concatenate([numpy.zeros((0, self.members)), *(h.last for h in self.hyperparameters)])
        alive = self.file["members/alive"][()].astype(bool) if "members/alive" in self.file else slice(None)
        if not 2 <= len(last) <= MOST_ROWS or not numpy.isfinite(last[:, alive]).all():
            return None
        with numpy.errstate(invalid="ignore", divide="ignore"):
            return numpy.corrcoef(last[:, alive])

    def against_truth(self, h):
        """(relative errors of the median at the end [row], share of rows whose 90 % interval holds the truth there, the
        same over all cycles of the second half) or None without a truth."""
        if h.truth is None or not len(self.time_s) or not numpy.isfinite(h.truth[-1]).any():
            return None
        there = numpy.isfinite(h.truth)
        inside = (h.truth >= h.q05) & (h.truth <= h.q95)
        with numpy.errstate(invalid="ignore", divide="ignore"):
            error = numpy.abs(h.median[-1] / h.truth[-1] - 1)[there[-1]]
        late = there.copy()
        late[:len(late) // 2] = False
        return error, float(inside[-1][there[-1]].mean()), float(inside[late].mean())

"""Tables of events (events.tsv of the Brain Imaging Data Structure: onset and duration in s, trial_type) that tell what
was shown to a network when.

A run is read with those that its job names: the file of a stimulus' `events:`, or X_events.tsv beside a file
X_spikes.tsv (or .csv, .h5 ...) that it replays. Names are relative to the job file, whose path is in summary.json; a
table in the run's own folder comes first.
"""

import csv
import os
import re
from dataclasses import dataclass

import numpy

from run_folder import BadRun

FILE = re.compile(r"""\bfile:\s*('(?:[^']|'')*'|"[^"\n]*"|[^\s,}][^,}\n]*)""")
SPIKES = re.compile(r"_spikes\.\w+$")


@dataclass
class Events:
    name: str               # of the file
    onset_s: numpy.ndarray  # [event] in the run, ascending
    kind: numpy.ndarray     # [event] text: trial_type


def find_events(run):
    """(Events or None, sentence on a table that is not to be found or None). Of several tables the first."""
    missing = None
    for name, table, start_ms in _tables(run.attribute("job") or ""):
        found = _path(run, table)
        if found is not None:
            return _read(found, start_ms * 1e-3), None
        if missing is None and (name == table or _path(run, name) is None):  # else: spikes that no table goes with
            missing = f"Whether the spikes tell of events is not looked at: {name} of the job is not found from here, " \
                      f"neither in {run.folder} nor beside {run.summary.get('job', 'a job that summary.json names')}."
    return None, missing


def _tables(job):
    """Yields (name of a file in the job, name of its table, time of its onset 0 in ms)."""
    for match in FILE.finditer(job):
        name = match.group(1).strip()
        if name[0] in "'\"":
            name = name[1:-1].replace("''", "'")
        if SPIKES.search(name):
            yield name, SPIKES.sub("_events.tsv", name), 0.0
        elif name.endswith("events.tsv"):
            rest = job[match.end():].split("}")[0].split("\n\n")[0]
            start = re.match(r"[^{}\n]*?\bstart_ms:\s*([-+.\deE]+)", rest.replace("\n", ","))
            yield name, name, float(start.group(1)) if start else 0.0


def _path(run, name):
    beside = os.path.dirname(str(run.summary.get("job", "")))
    for path in (os.path.join(run.folder, os.path.basename(name)), os.path.join(beside, name)):
        if os.path.exists(path):
            return path
    return None


def _read(path, start_s):
    """Events that have a type; None where the table has no such column."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows or not {"onset", "trial_type"} <= set(rows[0]):
        return None
    onset, kind = [], []
    for number, row in enumerate(rows, 2):
        if not row["trial_type"] or row["trial_type"] == "n/a":
            continue
        try:
            onset.append(float(row["onset"]) + start_s)
        except (TypeError, ValueError):
            raise BadRun(f"{path}:{number}: onset '{row['onset']}': expected a number of seconds") from None
        kind.append(row["trial_type"])
    order = numpy.argsort(onset, kind="stable")
    return Events(os.path.basename(path), numpy.array(onset, float)[order], numpy.array(kind, dtype=object)[order])

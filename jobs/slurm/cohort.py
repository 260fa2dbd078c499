#!/usr/bin/env python3
"""What became of a cohort: one row for each folder of a list, as DIR/cohort.tsv and DIR/cohort.md.

  cohort.py DIR subjects.txt          writes both
  cohort.py --name N subjects.txt     the name of line N, from 1: that of its folder, with the number where several have it
"""
import collections
import json
import os
import pathlib
import re
import sys

COLUMNS = ("cycles", "cycles_wanted", "members", "members_alive", "innovation_chi2", "forecast_correlation", "seconds", "forecast_s",
           "analysis_s", "neurons", "ranks", "method")
OURS = re.compile(r"callosum: (ended with exit code|done|job \d+, start|queued again|SIG)")

LAUNCHERS = ("srun:", "slurmstepd:", "mpirun", "-----", "prterun")


def names(path):
    """Each line's folder and name."""
    folders = [line.strip() for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]
    bases = [os.path.basename(os.path.normpath(folder)) or "subject" for folder in folders]
    often = collections.Counter(bases)
    return [(folder, base if often[base] == 1 else f"{number}_{base}")
            for number, (folder, base) in enumerate(zip(folders, bases), 1)]


def last_line(path):
    """What the program said last; what the script says of it is no reason."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "no output: not started yet, or not started at all"
    said = [line.strip() for line in lines if line.strip()]
    told = [line for line in said if not OURS.match(line) and not line.startswith(LAUNCHERS)]
    return (told or said or ["no output"])[-1]


def row_of(directory, name):
    """The summary, and whether all cycles are done."""
    try:
        summary = json.loads((directory / name / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}, "failed"
    return summary, "done" if summary.get("status") == "done" and summary.get("cycles") == summary.get("cycles_wanted") else "unfinished"


def show(value):
    if value is None:
        return "n/a"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write(path, text):
    """As a whole: several tasks may write at once."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def collect(directory, listed):
    directory = pathlib.Path(directory)
    rows, failures = [], []
    for folder, name in names(listed):
        if not folder:
            continue
        summary, status = row_of(directory, name)
        rows.append([name, status, *(show(summary.get(column)) for column in COLUMNS)])
        if status != "done":
            failures.append((name, status, last_line(directory / f"{name}.log")))
    head = ["subject", "status", *COLUMNS]
    write(directory / "cohort.tsv", "".join("\t".join(row) + "\n" for row in [head, *rows]))
    done = sum(row[1] == "done" for row in rows)
    lines = [f"{done} of {len(rows)} subjects are done.", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    if failures:
        lines += ["", "Not done, with the last line of each log:", ""]
        lines += [f"- {name} ({status}): `{line}`" for name, status, line in failures]
    write(directory / "cohort.md", "\n".join(lines) + "\n")


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--name":
        print(names(sys.argv[3])[int(sys.argv[2]) - 1][1])
    elif len(sys.argv) == 3:
        collect(*sys.argv[1:])
    else:
        sys.exit(__doc__)


main()

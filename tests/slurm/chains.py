"""Assimilations of jobs/slurm on the cluster of test_slurm.py: chains of arrays and analyses, and cohorts."""
import csv
import json
import pathlib

import h5py
import numpy

from common import call

CYCLES, MEMBERS = 3, 3
TWIN = f"""\
simulation: {{duration_ms: {CYCLES * 400}, dt_ms: 1, seed: 1}}
brain: {{neurons: 300, indegree: 20, connectome: {{generator: {{regions: 4}}}}}}
assimilation:
  members: {MEMBERS}
  min_members: 2
  tr_s: 0.4
  burn_in: 1
  hyperparameters:
    - {{name: g, populations: "*", parameter: g_AMPA_mS_cm2, bounds: [0.25, 2], prior: {{uniform: [0.5, 1.5]}}}}
  observations: [{{kind: bold, error: 5e-4}}]
  twin: {{truth: [0.5, 1.5]}}
"""
COHORT = f"""\
simulation: {{duration_ms: {CYCLES * 400}, dt_ms: 1, seed: 1}}
subject: .
brain: {{neurons: 300, indegree: 20}}
assimilation:
  members: 2
  tr_s: 0.4
  burn_in: 1
  hyperparameters:
    - {{name: g, populations: "*", parameter: g_AMPA_mS_cm2, bounds: [0.25, 2]}}
  observations: [{{kind: bold, tr_s: 0.4, relative_error: 0.3, rescale: {{range: [0.02, 0.05]}}}}]
"""
# The program, but for what is to go wrong. MISHAP=killed: the first time that task 2 forecasts it waits to be cancelled, and the
# first analysis is killed before it begins; late: the last is, between its results and its summary; always: every analysis is killed;
# lost: every forecast of task 2 is.
WRAPPER = """#!/bin/sh
case "$MISHAP $*" in
  killed*--forecast-only*"--member 2"*) [ -e "$MARK" ] || { touch "$MARK"; exec sleep 120; } ;;
  lost*--forecast-only*"--member 2"*) kill -KILL $$ ;;
  killed*--analysis-only*) [ -e "$MARK.2" ] || { touch "$MARK.2"; kill -KILL $$; } ;;
  late*--analysis-only*)
    said=$(PROGRAM "$@") || exit
    echo "$said"
    case "$said" in *"CYCLES of CYCLES cycles"*) rm "${MARK%.mark}/summary.json" && kill -KILL $$ ;; esac
    exit 0
    ;;
  always*--analysis-only*) kill -KILL $$ ;;
esac
exec PROGRAM "$@"
"""


def arrays(path):
    """Every dataset of a file; NaN is equal to NaN."""
    found = {}
    if not path.exists():
        return found

    def take(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            found[name] = item[()]

    with h5py.File(path, "r") as file:
        file.visititems(take)
    return found


def differing(one, other):
    names = sorted(set(one) | set(other))
    return [name for name in names if name not in one or name not in other or not numpy.array_equal(
        one[name], other[name], equal_nan=one[name].dtype.kind == "f")]


def told(check, name, good, text):
    """A check whose detail is a log, shown where it fails."""
    check(name, good, "" if good else text[-1500:])


def summary(folder):
    try:
        return json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


class Chain:
    """A chain of jobs that all have one name."""

    def __init__(self, slurm, submit, folder, name, job, wrapper, mishap=None):
        self.slurm, self.name, self.out, self.mark = slurm, name, folder / name, folder / f"{name}.mark"
        more = {} if mishap is None else {"MISHAP": mishap, "MARK": str(self.mark), "CALLOSUM": str(wrapper)}
        self.first = submit(name, ["--ntasks=1"], script="assimilate.sbatch", job=job, CALLOSUM_RETRIES="2", **more)

    def log(self):
        path = self.out / "slurm" / "analysis.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def done(self):
        return self.log().rstrip().endswith("callosum: done")

    def cancel_task(self, _):
        """A story: the task that waits is cancelled."""
        while not self.mark.exists():
            yield
        told = self.slurm.command("squeue", "--noheader", f"--name={self.name}", "--states=RUNNING", "--array", "--format=%i").stdout
        self.slurm.command("scancel", *(number for number in told.split() if number.endswith("_2")))

    def given_up(self):
        return "given up" in self.log()


def make_people(folder):
    """Three folders, of which one has no connectome, and their list."""
    random = numpy.random.default_rng(1)
    people = []
    for number in (1, 2, 3):
        person = folder / f"sub-{number}"
        for name, values in (("connectivity/s_desc-sift_relmat.tsv", random.uniform(1, 9, (4, 4)) * (1 - numpy.eye(4))),
                             ("func/s_timeseries.tsv", 1000 + random.standard_normal((CYCLES, 4)))):
            path = person / name
            path.parent.mkdir(parents=True)
            numpy.savetxt(path, values, delimiter="\t", fmt="%.6g")
        people.append(str(person))
    (folder / "sub-2/connectivity/s_desc-sift_relmat.tsv").unlink()
    listed = folder / "subjects.txt"
    listed.write_text("\n".join(people) + "\n", encoding="utf-8")
    return listed


def prepare(folder, program):
    """Job files, the wrapper, the online run and the cohort's people."""
    job, cohort, wrapper = folder / "twin.yaml", folder / "cohort.yaml", folder / "wrapper"
    job.write_text(TWIN, encoding="utf-8")
    cohort.write_text(COHORT, encoding="utf-8")
    wrapper.write_text(WRAPPER.replace("PROGRAM", str(program)).replace("CYCLES", str(CYCLES)), encoding="utf-8")
    wrapper.chmod(0o755)
    online = call("assimilate", job, "--out", folder / "online")
    return job, cohort, wrapper, make_people(folder), online


def same_as_online(check, chain, online):
    found, expected = arrays(chain.out / "assimilation.h5"), arrays(online / "assimilation.h5")
    check(f"{chain.name}: came to its end", chain.done(), chain.log()[-1500:] if not chain.done() else "")
    check.equal(f"{chain.name}: cycles", summary(chain.out).get("cycles"), CYCLES)
    differ = differing(found, expected)
    check(f"{chain.name}: the online run's numbers", bool(expected) and not differ, differ or f"{len(expected)} datasets")


def judge_chains(check, chains, online):
    for name in ("chain", "chain_killed", "chain_late"):
        same_as_online(check, chains[name], online)
    text = chains["chain_killed"].log()
    told(check, "chain_killed: the member was submitted once more", "no forecasts of task 2: submitted once more" in text, text)
    told(check, "chain_killed: the analysis was made again", "the analysis was killed" in text, text)
    text = chains["chain_late"].log()
    told(check, "chain_late: the summary was made up for", "the analysis was killed" in text and "nothing is to be done" in text, text)
    lost = chains["chain_lost"]
    told(check, "chain_lost: done without the member", lost.done() and summary(lost.out).get("members_alive") == MEMBERS - 1 and
          "for the second time: their members are left out" in lost.log(), lost.log())
    always = chains["chain_always"]
    told(check, "chain_always: given up after two", "given up: 2 analyses in a row" in always.log() and
          not (always.out / "assimilation.h5").exists(), always.log())
    wrong = chains["chain_wrong"]
    told(check, "chain_wrong: refused before anything is in the queue", "assimilation.member" in wrong.first.text() and
          wrong.first.code() == 2 and not wrong.out.exists(), wrong.first.text())


def judge_cohort(check, folder):
    table, page = folder / "cohort.tsv", folder / "cohort.md"
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    check.equal("cohort: rows", [(row["subject"], row["status"], row["cycles"], row["members_alive"]) for row in rows],
                [("sub-1", "done", str(CYCLES), "2"), ("sub-2", "failed", "n/a", "n/a"), ("sub-3", "done", str(CYCLES), "2")])
    text = page.read_text(encoding="utf-8")
    told(check, "cohort: the failure and its reason", "2 of 3 subjects are done." in text and "- sub-2 (failed): `callosum: " in text and
          "no connectome" in text.split("- sub-2")[1], text)
    numbers = [row["innovation_chi2"] for row in rows]
    check("cohort: numbers of the summaries", [number != "n/a" for number in numbers] == [True, False, True], numbers)
    for row in rows:
        if row["status"] == "done":
            path = pathlib.Path(folder) / row["subject"] / "assimilation.h5"
            check(f"cohort: {row['subject']} has its file", path.exists() and bool(arrays(path)))

"""The scripts of jobs/slurm on a cluster of their own: jobs that outlast their time limit come through by requeues, with the
digest and the recordings of an unbroken run; what is cancelled or killed goes on; scaling gives its table and picture; chains of
arrays give the assimilation of one job, and cohorts a table.

  test_slurm.py CALLOSUM
"""
import csv
import os
import pathlib
import re
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import ENVIRONMENT, PROGRAM, ROOT, Run, read_summary, settings, skip, testing  # noqa: E402
import cluster  # noqa: E402

try:
    import h5py  # noqa: F401  (recordings are compared by it)
    import matplotlib  # noqa: F401  (scaling.py draws with it)
except ImportError as error:
    skip(f"this Python has no {error.name}")
import chains  # noqa: E402  (needs h5py)

SCRIPTS = ROOT / "jobs" / "slurm"
JOB = ROOT / "tests" / "system" / "jobs" / "small.yaml"
DURATION_MS, WARMUP_MS = 10000, 50
VALUES = {"simulation.duration_ms": DURATION_MS, "record.warmup_ms": WARMUP_MS, "record.flush_ms": 500}
# The limit is a minute, and SLURM looks at limits every 30 s: the signal comes 5 to 35 s after the start.
LIMIT = ["--time=1", "--signal=B:USR2@25"]
LAUNCHERS = ("srun", "mpirun")
# Both nodes are this machine. Ranks on different ones must not look for each other in its memory.
TWO_NODES = ["--nodes=2", "--ntasks-per-node=1"]
APART = {"OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "self,tcp", "OMPI_MCA_btl_tcp_if_include": "lo", "OMPI_MCA_oob_tcp_if_include": "lo"}
PATIENCE_S = 600


def variables(**more):
    """The environment of a user: nothing that lets root run Open MPI, no threads, no job of SLURM around this test."""
    theirs = {key: value for key, value in os.environ.items()
              if not key.startswith(("OMPI_", "PRTE_", "PMIX_", "SLURM_", "SBATCH_", "OMP_", "CALLOSUM_"))}
    container = {key: ENVIRONMENT[key] for key in ("OMPI_MCA_btl_vader_single_copy_mechanism", "HWLOC_HIDE_ERRORS")}
    return {**theirs, **container, "CALLOSUM": PROGRAM, "CALLOSUM_PYTHON": sys.executable, **more}


class Submitted:
    """A job in the queue: what SLURM, its output and its folder say of it."""

    def __init__(self, slurm, whole, name, script, options, words, **more):
        folder = whole.out.parent
        self.slurm, self.whole, self.name, self.out, self.log = slurm, whole, name, folder / name, folder / f"{name}.log"
        options = ["--parsable", f"--job-name={name}", f"--output={self.log}", *options]
        done = slurm.command("sbatch", *options, SCRIPTS / script, *words, environment=variables(**more))
        if done.returncode:
            raise RuntimeError(f"sbatch: {done.stderr}")
        self.number, self.info, self.paused = done.stdout.strip(), {}, False
        self.until = lambda: True  # what else is waited for

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def over(self):
        """One that ran into its limit comes again, unless it was done just then."""
        state = self.info.get("JobState")
        return state in ("COMPLETED", "CANCELLED", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY") or state == "TIMEOUT" and self.done()

    def done(self):
        return self.text().rstrip().endswith("callosum: done")

    def code(self):
        return int(self.info["ExitCode"].split(":")[0])

    def starts(self):
        """Step of the checkpoint that each start went on from."""
        path = self.out / "slurm.tsv"
        return [line.split("\t")[3] for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def checkpoints(self):
        return sorted(int(re.search(r"(\d+)\.json$", path.name).group(1)) for path in self.out.glob("checkpoint_*.json"))

    def share(self):
        """How much of the biology is written down, about: rows of this file reach it at every flush."""
        path = self.out / "rates.h5"
        return path.stat().st_size / (self.whole.out / "rates.h5").stat().st_size if path.exists() else 0

    def ranks(self):
        """Processes of its ranks."""
        found, mark = [], f"SLURM_JOB_ID={self.number}".encode()
        for pid in cluster.remains(self.slurm.configuration):
            try:
                process = pathlib.Path(f"/proc/{pid}")
                belongs = mark in (process / "environ").read_bytes().split(b"\0")
                if belongs and os.readlink(process / "exe") == os.path.realpath(PROGRAM):
                    found.append(pid)
            except OSError:
                pass  # ended meanwhile
        return found

    def kill(self, number, pids=None):
        for pid in self.ranks() if pids is None else pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def hold(self, share):
        """True once that much is computed; the ranks then wait, as on a machine that takes long. The test takes little of a
        processor that way, and the same number of rounds on any."""
        if not self.paused and self.share() >= share:
            self.kill(signal.SIGSTOP)
            self.paused = True
        return self.paused

    def release(self):
        if self.paused:
            self.kill(signal.SIGCONT)
            self.paused = False


# ---- what happens to each job while it is under way: generators that are asked again and again until they end

def limited(job):
    """Three times held, a fifth of the run further each time, until SLURM's signal has come, which its script tells in the log.
    On a busy machine the signal may come before a start has got as far: then the next one is held in its place."""
    start = 0
    for _ in range(3):
        held = False
        while not held:
            start, begun = start + 1, None
            while job.text().count("SIGUSR2") < start:
                if job.text().count(", start ") == start:
                    begun = job.share() if begun is None else begun
                    held = job.hold(begun + 0.2) or held
                yield
            job.release()


def unannounced(job):
    """Held until the limit itself comes: SLURM lets the ranks go on then, and soon kills them."""
    while "SIGTERM" not in job.text():
        job.hold(0.4)
        yield
    job.release()


def cancelled(job):
    while not job.hold(0.4):
        yield
    job.slurm.command("scancel", job.number)
    job.release()


def for_good(job):
    """Told to stop and not to come again."""
    while not job.hold(0.4):
        yield
    job.slurm.command("scancel", "--signal=INT", "--batch", job.number)
    job.release()


def killed(job):
    """A checkpoint on demand; then the last rank dies."""
    while not job.hold(0.4):
        yield
    job.slurm.command("scancel", "--signal=USR1", "--batch", job.number)
    job.release()
    while not job.checkpoints():
        yield
    job.kill(signal.SIGKILL, job.ranks()[-1:])


def left_alone(job):
    yield from ()


def ask(slurm, jobs):
    """What SLURM knows of each job."""
    told = {info["JobId"]: info for info in (dict(re.findall(r"(\w+)=(\S+)", part)) for part in
                                             slurm.command("scontrol", "show", "job").stdout.split("\n\n")) if "JobId" in info}
    for job in jobs:
        job.info = told.get(job.number, job.info)


def attend(check, slurm, jobs):
    """Until all jobs are over."""
    begun, stories = time.monotonic(), {job: story(job) for job, story in jobs.items()}
    waiting, asked = set(jobs), 0.0
    while waiting and time.monotonic() < begun + PATIENCE_S:
        for job in waiting:
            next(stories[job], None)
        if time.monotonic() > asked + 2:
            ask(slurm, waiting)
            waiting = {job for job in waiting if not job.over() or not job.until()}
            asked = time.monotonic()
        time.sleep(0.02)
    stuck = "".join(f"\n{job.name}: {job.info}\n{job.text()}" for job in waiting)
    check("every job came to an end", not waiting, f"{time.monotonic() - begun:.0f} s{stuck}")


# ---- what is expected of them

def same(check, name, out, whole):
    """Digest and recordings of a folder against the unbroken run's."""
    summary = read_summary(out) or {}
    check.equal(f"{name}: status", summary.get("status"), whole.summary["status"])
    check.equal(f"{name}: digest", summary.get("digest"), whole.digest)
    other = object.__new__(Run)
    other.out = out
    found, expected = other.recordings(), whole.recordings()
    check.equal(f"{name}: recordings", sorted(found), sorted(expected))
    for file, values in expected.items():
        check(f"{name}: {file}", found.get(file) == values)


def outcome(check, job, state, code):
    if not check.equal(f"{job.name}: SLURM's verdict", (job.info.get("JobState"), job.code()), (state, code)):
        print(job.text())


def came_through(check, job, whole, least=3):
    outcome(check, job, "TIMEOUT" if job.info.get("JobState") == "TIMEOUT" and job.done() else "COMPLETED", 0)
    starts = job.starts()
    restarts = int(job.info["Restarts"])
    check(f"{job.name}: requeued at least {least} times", restarts >= least and len(starts) > least, restarts)
    steps = [-1 if step == "none" else int(step) for step in starts]
    # On a busy machine the signal may come before a start has got anywhere.
    check(f"{job.name}: starts went on from each other", steps[0] < 0 and steps == sorted(steps) and len(set(steps)) > least, starts)
    same(check, job.name, job.out, whole)


def goes_on(check, job, whole, state):
    """A job that was stopped left a checkpoint; the program alone completes it, on one rank."""
    outcome(check, job, state, 75 if state == "FAILED" else job.code())
    check.equal(f"{job.name}: was not queued again", (job.info["Restarts"], len(job.starts())), ("0", 1))
    check(f"{job.name}: left a checkpoint", job.checkpoints() and job.checkpoints()[-1] < DURATION_MS * 10, job.checkpoints())
    check(f"{job.name}: says what to do", "Submitted again" in job.text() or state == "CANCELLED", job.text()[-300:])
    run = Run(JOB, job.out, VALUES, options=["--restart", "auto"])
    check.equal(f"{job.name}: --restart auto", run.code, 0)
    same(check, f"{job.name}, completed", job.out, whole)


def survived(check, job, whole):
    outcome(check, job, "COMPLETED", 0)
    starts = job.starts()
    check(f"{job.name}: started again within its allocation, from the checkpoint", job.info["Restarts"] == "0" and
          starts[0] == "none" and "none" not in starts[1:] and len(starts) == 2 and "a rank was killed" in job.text(), starts)
    same(check, job.name, job.out, whole)


def scaled(check, job):
    outcome(check, job, "COMPLETED", 0)
    with open(job.out / "scaling.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    check.equal("scaling: rows", [(row["sweep"], row["ranks"], row["neurons"], row["runs"]) for row in rows],
                [("strong", "1", "600", "2"), ("strong", "2", "600", "2"), ("weak", "1", "600", "2"), ("weak", "2", "1200", "2")])
    check("scaling: one network, one digest", rows[0]["digest"] == rows[1]["digest"] == rows[2]["digest"] != rows[3]["digest"])
    for row in rows:
        run = job.out / row["sweep"] / f"ranks_{row['ranks']}"
        seconds = [read_summary(run / f"run_{i}")["simulate_s"] for i in (1, 2)]
        good = abs(float(row["simulate_s"]) - sum(seconds) / 2) < 1e-6
        check(f"scaling: {row['sweep']}, {row['ranks']} ranks: the median of two", good, f"{row['simulate_s']} of {seconds}")
    first, second = (float(row["simulate_s"]) for row in rows[:2])
    check("scaling: efficiency", abs(float(rows[1]["efficiency"]) - first / second / 2) < 1e-6, rows[1]["efficiency"])
    text = (job.out / "scaling.txt").read_text(encoding="utf-8")
    words = ("strong: the same network", "weak: a network that grows", "same digest")
    check("scaling: table to read", all(part in text for part in words))
    check("scaling: the table is in the log", text in job.text())
    picture = (job.out / "scaling.png").read_bytes()
    check("scaling: picture", picture.startswith(b"\x89PNG\r\n") and len(picture) > 20000, f"{len(picture)} bytes")
    check("scaling: no checkpoints", not list(job.out.glob("*/*/*/checkpoint_*")))


SHOW = """#!/bin/sh
rank="rank ${OMPI_COMM_WORLD_RANK:-$PMIX_RANK} of ${OMPI_COMM_WORLD_SIZE:-$SLURM_STEP_NUM_TASKS}"
echo "$rank, GPUs ${CUDA_VISIBLE_DEVICES:-none}, threads $OMP_NUM_THREADS, args $*"
"""


def laid_out(check, name, job, ranks, gpus, threads):
    """How many ranks there were, what each saw, and that the arguments came through."""
    outcome(check, job, "COMPLETED", 0)
    found = sorted(re.findall(r"^rank (\d+) of (\d+), GPUs (\S+), threads (\d+), args run (.*)$", job.text(), re.MULTILINE))
    words = f"{JOB} --out {job.out} --restart auto --set a={{b: [1, 2]}}"
    check.equal(f"{name}: ranks, GPUs, threads", found, [(str(r), str(ranks), gpus, str(threads), words) for r in range(ranks)])


def main():
    lacking = cluster.missing()
    if lacking:
        skip(lacking)
    with testing(__doc__) as (check, folder):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # its cluster ends with it
        folder.chmod(0o755)  # munged has a user of its own
        show, die = folder / "show", folder / "die"
        show.write_text(SHOW)
        die.write_text("#!/bin/sh\nkill -KILL $$\n")
        for program in (show, die):
            program.chmod(0o755)
        try:
            slurm = cluster.Cluster(folder / "slurm")
            with slurm:
                everything(check, folder, slurm, show, die)
        except (PermissionError, KeyError) as error:  # no devices may be made; no user munge
            skip(f"a cluster cannot be started here: {error}")


def begin_chains(check, folder, slurm, run, jobs):
    """Assimilations, into `jobs` with what is waited for; and the chains by name."""
    twin, people_job, wrapper, listed, online = chains.prepare(folder, PROGRAM)
    check("an assimilation in one job", online.returncode == 0, online.stderr[-500:])
    chained = {}
    for name, mishap, end in (("chain", None, "done"), ("chain_killed", "killed", "done"), ("chain_late", "late", "done"),
                              ("chain_lost", "lost", "done"), ("chain_always", "always", "given_up")):
        chain = chains.Chain(slurm, lambda *a, **more: run(*a, values={}, **more), folder, name, twin, wrapper, mishap)
        chained[name] = chain
        chain.first.until = getattr(chain, end)
        jobs[chain.first] = chain.cancel_task if mishap == "killed" else left_alone
    chained["chain_wrong"] = chains.Chain(slurm, lambda *a, **more: run(*a, values={"assimilation.member": 3}, **more), folder,
                                          "chain_wrong", twin, wrapper)
    jobs[chained["chain_wrong"].first] = left_alone
    cohort = run("cohort", ["--array=1-3", "--ntasks=1"], script="cohort.sbatch", job=people_job, values={}, words=[listed])
    cohort.until = lambda: not slurm.command("squeue", "--noheader", f"--jobs={cohort.number}").stdout.strip()
    jobs[cohort] = left_alone
    return chained


def everything(check, folder, slurm, show, die):
    def run(name, options, more=(), script="run.sbatch", values=VALUES, job=JOB, words=(), **environment):
        arguments = [job, *words, "--out", folder / name, *settings(values), *more]
        return Submitted(slurm, whole, name, script, options, arguments, **environment)

    whole = Run(JOB, folder / "whole", VALUES)
    check("an unbroken run spikes", whole.code == 0 and whole.summary["spikes"] > 1000, whole.summary.get("spikes"))

    jobs = {}
    for launcher in LAUNCHERS:
        jobs[run(f"limited_{launcher}", [*LIMIT, *TWO_NODES], CALLOSUM_LAUNCHER=launcher, **APART)] = limited
        jobs[run(f"unannounced_{launcher}", ["--time=1", "--signal=CONT@1", "--ntasks=2"], CALLOSUM_LAUNCHER=launcher)] = unannounced
    for launcher in LAUNCHERS:
        jobs[run(f"cancelled_{launcher}", ["--ntasks=2"], CALLOSUM_LAUNCHER=launcher)] = cancelled
    jobs[run("killed", TWO_NODES, **APART)] = killed
    jobs[run("for_good", ["--ntasks=1"])] = for_good
    short = {**VALUES, "simulation.duration_ms": 300}
    jobs[run("scaling", TWO_NODES, script="scaling.sbatch", values=short, CALLOSUM_REPEAT="2", **APART)] = left_alone
    jobs[run("hopeless", ["--ntasks=1"], CALLOSUM=str(die))] = left_alone
    jobs[run("wrong", ["--ntasks=1"], ["--set", "brain.neuron=5"])] = left_alone
    braces = ["--set", "a={b: [1, 2]}"]
    for launcher in LAUNCHERS:
        more = {"values": {}, "CALLOSUM": str(show), "CALLOSUM_LAUNCHER": launcher}
        jobs[run(f"gpus_{launcher}", ["--nodes=2", "--gpus-per-node=2"], braces, **more)] = left_alone
        jobs[run(f"gpus_bound_{launcher}", ["--nodes=1", "--ntasks=2", "--gpus-per-task=1"], braces, **more)] = left_alone
        jobs[run(f"tasks_{launcher}", ["--ntasks=3", "--cpus-per-task=2"], braces, **more)] = left_alone

    chained = begin_chains(check, folder, slurm, run, jobs)
    attend(check, slurm, jobs)
    chains.judge_chains(check, chained, folder / "online")
    chains.judge_cohort(check, folder / "cohort")
    by_name = {job.name: job for job in jobs}
    for launcher in LAUNCHERS:
        came_through(check, by_name[f"limited_{launcher}"], whole)
        came_through(check, by_name[f"unannounced_{launcher}"], whole, 1)
        goes_on(check, by_name[f"cancelled_{launcher}"], whole, "CANCELLED")
        laid_out(check, f"one rank per GPU, {launcher}", by_name[f"gpus_{launcher}"], 4, "0,1", 1)
        laid_out(check, f"GPUs asked for per task, {launcher}", by_name[f"gpus_bound_{launcher}"], 2, "0,1", 1)
        laid_out(check, f"tasks as asked for, {launcher}", by_name[f"tasks_{launcher}"], 3, "none", 2)
    goes_on(check, by_name["for_good"], whole, "FAILED")
    survived(check, by_name["killed"], whole)
    scaled(check, by_name["scaling"])

    hopeless, wrong = by_name["hopeless"], by_name["wrong"]
    outcome(check, hopeless, "FAILED", 137)
    check.equal("a rank that is always killed: three starts", hopeless.starts(), ["none"] * 3)
    check("a rank that is always killed: said to be given up", "given up after 3 starts" in hopeless.text(), hopeless.text()[-500:])
    outcome(check, wrong, "FAILED", 2)
    check("a wrong input: said, and nothing written", "brain.neuron" in wrong.text() and not wrong.out.exists(), wrong.text()[-500:])


main()

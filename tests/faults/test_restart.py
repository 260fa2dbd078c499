"""A run that was stopped and goes on is the run that was not: spikes, weights, every byte recorded, on other ranks, threads,
partitions and backends than those it was stopped on. On the demo, the cortical microcircuit at a twentieth of its size, a network
with plastic synapses of every kind, and two members.

  test_restart.py CALLOSUM     (CALLOSUM_cuda_plain beside it, whose kernels are executed on the processor, where it is)
"""
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import end, read_summary, skip, testing  # noqa: E402

try:
    import h5py  # noqa: F401
except ImportError as error:
    skip(f"this Python has no {error.name}")
from broken import CASES, PROGRAM, Run, begin, checkpoints, copy, differences, file_of, ranks_of, kill, values_of  # noqa: E402

# (ranks, threads, backend, partition) it goes on with.
LAYOUTS = {
    "demo": [(1, 2, "/cpu/omp", "metis"), (2, 1, "/cpu/serial", "contiguous"), (3, 1, "/cpu/omp", "round_robin"),
             (4, 1, "/cpu/omp", "metis"), (1, 1, "/cuda", "metis"), (2, 1, "/cuda", "contiguous")],
    "pd14": [(1, 1, "/cpu/serial", "metis"), (2, 2, "/cpu/omp", "round_robin"), (3, 1, "/cpu/omp", "contiguous"),
             (4, 1, "/cpu/serial", "metis"), (1, 1, "/cuda", "metis")],
    "plastic": [(1, 3, "/cpu/omp", "contiguous"), (2, 1, "/cpu/omp", "round_robin"), (3, 1, "/cpu/serial", "metis"),
                (4, 1, "/cpu/omp", "metis"), (1, 1, "/cuda", "metis"), (2, 1, "/cuda", "round_robin")],
    "members": [(1, 1, "/cpu/serial", "metis"), (2, 1, "/cpu/omp", "contiguous"), (3, 1, "/cpu/omp", "round_robin"),
                (4, 1, "/cpu/serial", "metis"), (1, 1, "/cuda", "metis")],
}
# What writes the checkpoints.
WRITERS = [(2, "/cpu/omp"), (3, "/cpu/serial"), (1, "/cuda")]


def program_for(backend):
    return f"{PROGRAM}_cuda_plain" if backend == "/cuda" else PROGRAM


def available(backend):
    return backend != "/cuda" or pathlib.Path(program_for(backend)).exists()


class Case:
    def __init__(self, check, folder, name, chance):
        self.check, self.folder, self.name, self.chance = check, folder, name, chance
        self.job, self.length, self.n = CASES[name][0], CASES[name][2], 0
        self.plain = Run(self.job, self.place(), values_of(name), threads=2)
        check(f"{name}: unbroken run", self.plain.code == 0 and self.plain.summary.get("spikes", 0) > 500,
              f"{self.plain.summary.get('spikes')} spikes, digest {self.plain.digest}")

    def place(self):
        self.n += 1
        return self.folder / f"{self.name}{self.n}"

    def same(self, what, run):
        found = differences(run, self.plain)
        self.check(f"{self.name}: {what}", run.code == 0 and not found, found[:4] if found else f"digest {run.digest}")

    def written_by(self, ranks, backend):
        """A whole run with checkpoints on the way: they change nothing. Where it stood at one of them."""
        every = round(self.chance.uniform(0.2, 0.45) * self.length, 1)
        out = self.place()
        run = Run(self.job, out, values_of(self.name, checkpoint={"every_ms": every, "keep": 9}), ranks=ranks, threads=1,
                  backend=backend, program=program_for(backend))
        self.same(f"{ranks} ranks, {backend}, a checkpoint every {every} ms", run)
        found = checkpoints(out)
        self.check(f"{self.name}: checkpoints of that run", len(found) >= 2, f"{[path.stem for path in found]}")
        return out, found

    def layouts(self):
        written = [self.written_by(*writer) for writer in WRITERS if available(writer[1])]
        for i, (ranks, threads, backend, method) in enumerate(LAYOUTS[self.name]):
            if not available(backend):
                continue
            out, manifests = written[i % len(written)]
            from_one = self.chance.choice(manifests[:-1] or manifests)
            place = copy(out, self.place())
            run = Run(self.job, place, values_of(self.name, partition__method=method), ranks=ranks if ranks > 1 else None,
                      threads=threads, backend=backend, program=program_for(backend),
                      options=["--restart", place / file_of(from_one).name])
            self.same(f"from {from_one.stem} of writer {i % len(written)} on {ranks} ranks x {threads} threads, {backend}, {method}",
                      run)

    def signals(self):
        """Stopped by signals at any time, as often as it takes, and gone on with each time."""
        out, log, rounds, ranks = self.place(), self.folder / f"{self.name}.log", 0, 2
        values = values_of(self.name, simulation__duration_ms=4 * self.length, simulation__beat_ms=5)
        plain = Run(self.job, self.place(), values, threads=2)
        code = None
        for number in (signal.SIGUSR2, signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, signal.SIGUSR2):
            before = built(log)
            process = begin(self.job, out, values, ranks, log, options=["--restart", "auto"])
            while built(log) == before and process.poll() is None:
                time.sleep(0.01)
            time.sleep(self.chance.uniform(0, 0.15))
            kill(self.chance.choice(ranks_of(process)), number)
            if number == signal.SIGUSR1:  # it writes a checkpoint and goes on
                time.sleep(self.chance.uniform(0, 0.15))
                kill(self.chance.choice(ranks_of(process)), signal.SIGUSR2)
            code = end(process, 120)
            rounds += 1
            if code == 0:  # too late: it had come to its end
                break
            self.check(f"{self.name}: {number.name} to one rank of {ranks}: exit code", code == 75, code)
            self.check(f"{self.name}: it says that it was interrupted", read_summary(out).get("status") == "interrupted",
                       f"at {read_summary(out).get('biological_s')} s")
            ranks = ranks % 3 + 1
        run = Run(self.job, out, values, options=["--restart", "auto"]) if code != 0 else Kept(out)
        found = differences(run, plain)
        self.check(f"{self.name}: stopped {rounds} times by signals", rounds > 1 and not found, found[:4] or f"digest {run.digest}")


class Kept:
    """What a run left in a folder."""

    def __init__(self, out):
        self.out, self.summary, self.code = pathlib.Path(out), read_summary(out) or {}, 0
        self.digest = self.summary.get("digest")
    recordings = Run.recordings


def built(log):
    """How often the log says that a network was built."""
    return log.read_text(encoding="utf-8", errors="replace").count("built in") if log.exists() else 0


with testing(__doc__) as (check, folder):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    only = sys.argv[2:] or list(CASES)
    for name in only:
        case = Case(check, folder, name, random.Random(f"{seed} {name}"))
        case.layouts()
        if name == "plastic":
            case.signals()

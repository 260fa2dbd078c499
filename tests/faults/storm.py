"""A storm of kills: runs are killed at random moments, one rank or all, and go on by --restart auto until they come to their end.
Then everything they left must be what an unbroken run leaves; and at no time may a checkpoint that is not whole have counted."""
import json
import pathlib
import subprocess
import time

from broken import CASES, Run, begin, checkpoints, file_of, kill, kill_all, ranks_of, values_of
from common import call, environment

MOMENTS = ("construction", "computing", "checkpoint", "recording")


def progress_of(folder, log, rounds):
    """What a run is doing, as far as one can see from outside."""
    if log.read_text(encoding="utf-8", errors="replace").count("built in") <= rounds:
        return "construction"
    if any(folder.glob(".checkpoint_*")):
        return "checkpoint"
    return "computing"


def wait_for(moment, chance, folder, log, rounds, process):
    """Waits until a run is at such a moment, and a random while; False where it came to its end before."""
    deadline = time.monotonic() + 60
    before = log.read_text(encoding="utf-8", errors="replace").count("checkpoint at")
    first = 0 if moment == "construction" else chance.randint(1, 3)  # checkpoints of this start that come before
    while process.poll() is None and time.monotonic() < deadline and (
            log.read_text(encoding="utf-8", errors="replace").count("checkpoint at") < before + first):
        time.sleep(0.0005)
    while process.poll() is None and time.monotonic() < deadline:
        now = progress_of(folder, log, rounds)
        if moment == "construction" or now == moment or (moment == "recording" and now == "computing"):
            break
        time.sleep(0.0005)
    # Computing lies between flushes and checkpoints, which come every few milliseconds here; construction takes a second.
    time.sleep(chance.uniform(0, {"construction": 0.6, "checkpoint": 0.01, "computing": 0.3, "recording": 0.3}[moment]))
    return process.poll() is None


def whole(folder, program):
    """Names of committed checkpoints that do not verify."""
    bad = []
    for path in checkpoints(folder):
        info = subprocess.run([program, "info", file_of(path)], env=environment(), capture_output=True, text=True, check=False)
        if info.returncode != 0:
            bad.append(f"{path.name}: {info.stderr.strip()}")
    return bad


def readable(folder, program):
    """Recordings that cannot be read to their last row, though they were written out before: `callosum info`, as `report`, first puts
    back what a kill in the middle of a flush left torn."""
    import h5py
    files = [path for path in sorted(pathlib.Path(folder).glob("*.h5")) if not path.name.startswith("checkpoint_")]
    bad = []
    if not checkpoints(folder):  # nothing was flushed to the disk yet, perhaps
        return bad
    for path in files[:1]:
        subprocess.run([program, "info", path], env=environment(), capture_output=True, check=False)
    for path in files:
        try:
            with h5py.File(path, "r") as file:
                file.visititems(lambda _, thing: thing[()] is None if isinstance(thing, h5py.Dataset) else None)
        except (OSError, RuntimeError, KeyError) as error:
            bad.append(f"{path.name}: {error}")
    return bad


class Storm:
    """One job, killed `kills` times."""

    def __init__(self, name, kills, folder, chance, program, length=None):
        self.name, self.kills, self.folder, self.chance, self.program = name, kills, folder, chance, program
        job, _, standard = CASES[name]
        length = length or 3 * standard
        every = {"every_ms": 17.3, "keep": 3}
        self.job, self.values = job, values_of(name, simulation__duration_ms=length, simulation__beat_ms=7, checkpoint=every)
        self.killed = {moment: 0 for moment in MOMENTS}
        self.unreadable, self.not_whole, self.hung, self.odd, self.restarts, self.continued = [], [], 0, [], 0, 0
        self.run, self.plain = None, None

    def strike(self, process, log, rounds):
        moment = MOMENTS[sum(self.killed.values()) % len(MOMENTS)]
        if not wait_for(moment, self.chance, self.folder, log, rounds, process):
            return
        ranks = ranks_of(process)
        self.killed[moment] += 1
        if self.chance.random() < 0.5:
            kill_all(process)
            return
        kill(self.chance.choice(ranks))
        try:  # the launcher, or the library, ends the others within seconds
            code = process.wait(60)
            if code == 0:
                self.odd.append("a run whose rank was killed ended with exit code 0")
        except subprocess.TimeoutExpired:
            self.hung += 1
        kill_all(process)

    def rage(self):
        out, log = self.folder, self.folder.with_suffix(".log")
        log.write_text("", encoding="utf-8")
        self.plain = Run(self.job, self.folder.with_suffix(".plain"), self.values, threads=2)
        rounds, ranks, finished = 0, 1, False
        out.mkdir()
        while not finished:
            ranks = ranks % 3 + 1
            built = log.read_text(encoding="utf-8", errors="replace").count("built in")
            process = begin(self.job, out, self.values, ranks, log, options=["--restart", "auto"],
                            backend=self.chance.choice(["/cpu/omp", "/cpu/serial"]))
            if sum(self.killed.values()) < self.kills:
                self.strike(process, log, built)
            code = process.wait()
            rounds += 1
            self.not_whole += whole(out, self.program)
            self.unreadable += readable(out, self.program)
            if code == 0 and sum(self.killed.values()) < self.kills:
                for path in out.iterdir():  # it came to its end too early: once more from the beginning
                    path.unlink()
                continue
            finished = code == 0
            if code == 2:
                said = log.read_text(encoding="utf-8", errors="replace").splitlines()
                self.odd.append([line for line in said if line.startswith("callosum: ")][-1:])
                break
        self.restarts = rounds
        self.continued = log.read_text(encoding="utf-8", errors="replace").count("going on from")
        self.run = Finished(out)
        return self


class Finished:
    def __init__(self, out):
        self.out, self.code = pathlib.Path(out), 0
        summary = self.out / "summary.json"
        self.summary = json.loads(summary.read_text(encoding="utf-8")) if summary.exists() else {}
        self.digest = self.summary.get("digest")
    recordings = Run.recordings


__all__ = ["Storm", "call"]

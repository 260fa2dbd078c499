"""What the tests of broken runs share: jobs that record everything, and whether what a run left equals another's."""
import os
import pathlib
import shutil
import signal
import subprocess
import time

from common import EXAMPLES, JOBS, PROGRAM, Run, command_line, contents, environment, settings

RECORD = {"record.spikes": "all", "record.rates": {"bin_ms": 1}, "record.currents": {"interval_ms": 1},
          "record.lfp": {"interval_ms": 1}, "record.neurons": "all", "record.spectra": {"bin_ms": 1, "segment_ms": 40},
          "record.warmup_ms": 20, "record.flush_ms": 13.7}
BOLD = {"record.bold": {"tr_s": 0.02}}
TRACES = {"record.traces": [{"name": "v", "on": {"type": "E"}, "neurons": 3, "variables": ["V_m"], "interval_ms": 0.5}]}
SMALL = {"scale.neurons": 0.05, "scale.indegree": 0.1}
BRAIN = {"brain.neurons": 3000}  # kernels that are executed on the processor take their time
# Job, values, and the length of a whole run in milliseconds.
CASES = {
    "demo": (EXAMPLES / "demo.yaml", {**BRAIN, **RECORD, **BOLD, **TRACES}, 200),
    "pd14": (EXAMPLES / "pd14.yaml", {**SMALL, **RECORD, **TRACES}, 200),
    "plastic": (JOBS / "plastic.yaml", RECORD, 150),
    "members": (EXAMPLES / "demo.yaml", {"simulation.members": 2, **BRAIN, **RECORD, **BOLD}, 120),
}


def values_of(case, **more):
    _, values, length = CASES[case]
    return {"simulation.duration_ms": length, **values, **{key.replace("__", "."): value for key, value in more.items()}}


def differences(run, expected):
    """Every way in which what a run left is not what `expected` left."""
    found = [] if run.digest == expected.digest else [f"digest {run.digest}, expected {expected.digest}"]
    for key in ("digests", "weights_digests", "spikes"):
        if run.summary.get(key) != expected.summary.get(key):
            found.append(f"{key} {run.summary.get(key)}, expected {expected.summary.get(key)}")
    mine, theirs = run.recordings(), expected.recordings()
    for file in sorted(mine.keys() | theirs.keys()):
        for dataset in sorted(mine.get(file, {}).keys() | theirs.get(file, {}).keys()):
            a, b = mine.get(file, {}).get(dataset), theirs.get(file, {}).get(dataset)
            if a != b:
                found.append(f"{file}:{dataset} {a[1] if a else None}, expected {b[1] if b else None}")
    return found


def checkpoints(folder):
    """Committed ones, by step."""
    return sorted(pathlib.Path(folder).glob("checkpoint_*.json"), key=lambda path: int(path.stem.split("_")[1]))


def file_of(manifest):
    return manifest.with_suffix(".h5")


def copy(folder, to):
    """A folder of results as it lies there, and a place for another run to go on in."""
    shutil.copytree(folder, to)
    return pathlib.Path(to)


def begin(job, out, values, ranks, log, backend=None, options=(), **how):
    """Starts a run, as the leader of a process group of its own."""
    arguments = ["run", job, "--out", out, *settings(values), *options]
    if backend:
        arguments += ["--backend", backend]
    with open(log, "a", encoding="utf-8") as stream:
        return subprocess.Popen(command_line(arguments, ranks), env=environment(**how), stdout=stream, stderr=stream,
                                start_new_session=True)


def ranks_of(process):
    """Process numbers of the ranks of a run: the programs among the descendants of what was started."""
    children, found = {}, []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            program = os.path.basename(os.readlink(entry / "exe"))
        except OSError:
            continue
        children.setdefault(int(status[status.rindex(")") + 2:].split()[1]), []).append((int(entry.name), program))
    waiting = [process.pid]
    while waiting:
        for pid, program in children.get(waiting.pop(), []):
            waiting.append(pid)
            if program.startswith("callosum"):
                found.append(pid)
    return sorted(found) or [process.pid]


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def kill_all(process):
    """All processes of a run at once, the launcher too, whose ranks are in groups of their own. They are gone then."""
    ranks = ranks_of(process)
    for pid in ranks:
        kill(pid)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    while any(works(pid) for pid in ranks):
        time.sleep(0.01)


def works(pid):
    """Whether a process is there, and is no mere entry in a table."""
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return status[status.rindex(")") + 2] not in "ZX"
    except OSError:
        return False


__all__ = ["CASES", "PROGRAM", "Run", "begin", "checkpoints", "contents", "copy", "differences", "file_of", "kill", "kill_all",
           "ranks_of", "values_of"]

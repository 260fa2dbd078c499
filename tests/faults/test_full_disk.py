"""A disk that is full, or a limit on the size of files, while a checkpoint is written and while spikes are recorded: the run ends at
once on all ranks and says which file it was and how much was wanted; the checkpoint before verifies, and the run goes on from it
to the same end when there is room again.

  test_full_disk.py CALLOSUM     (small file systems in memory are made where one may; else limits on the size of files alone)
"""
import contextlib
import pathlib
import re
import resource
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import command_line, environment, settings, skip, testing  # noqa: E402

try:
    import h5py  # noqa: F401
except ImportError as error:
    skip(f"this Python has no {error.name}")
from broken import CASES, PROGRAM, Run, checkpoints, copy, differences, file_of, values_of  # noqa: E402

MIB = 1 << 20


@contextlib.contextmanager
def small_disk(folder, bytes_):
    """A file system of so many bytes; None where none can be mounted."""
    place = folder / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={bytes_}", "tmpfs", place], capture_output=True, check=False)
    try:
        yield place if mounted.returncode == 0 else None
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", place], check=False)
        shutil.rmtree(place, ignore_errors=True)


def run(out, values, ranks, limit=None, options=()):
    """Runs the demo into a folder; `limit`: bytes of the largest file it may write."""
    command = command_line(["run", CASES["demo"][0], "--out", out, *settings(values), *options], ranks)

    def set_limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False,
                          preexec_fn=set_limit if limit else None)


def told(done):
    lines = [line for line in done.stderr.splitlines() if line.startswith("callosum")]
    return lines[0] if lines else done.stderr[-300:]


def goes_on(check, what, out, values, plain, folder):
    """From the checkpoint that was left, with room."""
    place = copy(out, folder / what.replace(" ", "_"))
    for path in place.glob("checkpoint_*.json"):
        info = subprocess.run([PROGRAM, "info", file_of(path)], env=environment(), capture_output=True, text=True, check=False)
        check(f"{what}: {path.stem} verifies", info.returncode == 0, info.stderr.strip() or "whole")
    check(f"{what}: there is a checkpoint", len(checkpoints(place)) > 0, [path.stem for path in checkpoints(place)])
    check(f"{what}: nothing temporary is left", not list(place.glob(".checkpoint_*")), [p.name for p in place.glob(".*")])
    found = differences(Run(CASES["demo"][0], place, values, options=["--restart", "auto"]), plain)
    check(f"{what}: goes on to the same end", not found, found[:4])


def bytes_of(out, pattern):
    return sum(path.stat().st_size for path in out.glob(pattern) if not path.name.startswith("checkpoint_") or pattern != "*.h5")


def refused(check, what, done, pattern):
    """It ends with an error that is no refusal of input, and says what and how much."""
    check(f"{what}: exit code", done.returncode not in (0, 2, 75), done.returncode)
    check(f"{what}: what is said", re.search(pattern, told(done)), told(done))


SAID = r"checkpoint_\d+\.h5.*\d+ bytes.*: (No space left on device|File too large)"

with testing(__doc__) as (check, folder):
    saving = {"simulation.duration_ms": 200, "simulation.members": 8, "record": {"rates": {"bin_ms": 1}, "warmup_ms": 20},
              "checkpoint": {"every_ms": 40, "keep": 2}}
    recording = {**values_of("demo"), "simulation.duration_ms": 190, "checkpoint": {"every_ms": 100, "at_end": False}}
    plain = {"saving": Run(CASES["demo"][0], folder / "plain1", saving), "recording": Run(CASES["demo"][0], folder / "plain2", recording)}
    saved = max(path.stat().st_size for path in (folder / "plain1").glob("checkpoint_*.h5"))
    beside = bytes_of(folder / "plain2", "checkpoint_*.h5")
    recorded = {name: bytes_of(folder / name, "*.h5") for name in ("plain1", "plain2")}
    print(f"a checkpoint has {saved / MIB:.1f} MiB beside {recorded['plain1'] / MIB:.1f} of recordings, in the other run "
          f"{beside / MIB:.1f} beside {recorded['plain2'] / MIB:.1f}")

    # A limit on the size of files, above those that the MPI library makes.
    out = folder / "limited"
    what = "a limit below a checkpoint"
    refused(check, what, run(out, saving, None, limit=int(0.8 * saved)), SAID)
    check(f"{what}: nothing of it is left", not list(out.glob("*checkpoint_*")), [p.name for p in out.glob("*")])

    for ranks in (1, 3):
        with small_disk(folder, int(2.5 * saved) + recorded["plain1"]) as disk:
            if disk is None:
                print("no file system can be mounted here")
                break
            what = f"full at a checkpoint, {ranks} ranks"  # two fit, a third beside them does not
            refused(check, what, run(disk / "out", saving, ranks), SAID)
            goes_on(check, what, disk / "out", saving, plain["saving"], folder)
        with small_disk(folder, beside + int(0.75 * recorded["plain2"])) as disk:  # one checkpoint, and half of what comes behind it
            what = f"full while recording, {ranks} ranks"
            refused(check, what, run(disk / "out", recording, ranks), r"/\w+\.h5: .*")
            goes_on(check, what, disk / "out", recording, plain["recording"], folder)

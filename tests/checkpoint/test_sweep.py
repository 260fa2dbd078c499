"""A sweep that was stopped goes on: in the batch under way and in a point of its own, to the table of one that was not."""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import JOBS, PROGRAM, call, end, skip, start, testing  # noqa: E402

try:
    import h5py
except ImportError as error:
    skip(f"this Python has no {error.name}")

VALUES = [0.0033, 0.0036, 0.0039]
SETTINGS = ["--set", f"sweep={{brain.params.g_AMPA_mS_cm2: {VALUES}}}", "--set", "simulation.duration_ms=2000", "--set", "record.spikes=none",
            "--batch", "2"]
FOLDERS = ["points-00000-00001", "point-00002"]


def table(out):
    with h5py.File(out / "sweep.h5") as file:
        return ([digest.decode() for digest in file["sweep/digest"][()]],
                {name: repr(file["sweep/results"][name][()].tolist()) for name in file["sweep/results"]})


def stop_in(check, out, place, extra):
    """Stops the sweep when folder `place` has recordings."""
    process = start("sweep", JOBS / "small.yaml", "--out", out, *SETTINGS, *extra, log=out.with_suffix(".log"))
    until = time.monotonic() + 120
    while not (out / place / "rates.h5").exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGUSR2)
    code = end(process)
    found = sorted(path.name for path in (out / place).glob("checkpoint_*.json"))
    check(f"stopped in {place}", code == 75 and len(found) == 1, f"exit code {code}, {found}")


with testing("test_sweep.py CALLOSUM") as (check, folder):
    done = call("sweep", JOBS / "small.yaml", "--out", folder / "plain", *SETTINGS)
    check("sweep at once", done.returncode == 0, done.stderr[-500:])
    out = folder / "stopped"
    stop_in(check, out, FOLDERS[0], [])
    done = call("sweep", JOBS / "small.yaml", "--out", out, *SETTINGS)
    check("without --restart the folder is refused", done.returncode == 2 and "holds results already" in done.stderr, done.stderr)
    stop_in(check, out, FOLDERS[1], ["--restart", "auto"])
    done = call("sweep", JOBS / "small.yaml", "--out", out, *SETTINGS, "--restart", "auto", ranks=2)
    check("goes on to its end, on 2 ranks", done.returncode == 0, done.stderr[-500:])
    check("the same table", table(out) == table(folder / "plain"), [table(out), table(folder / "plain")])
    (out / "sweep.h5").unlink()
    done = call("sweep", JOBS / "small.yaml", "--out", out, *SETTINGS, "--restart", "auto")
    check("complete: nothing is computed, the table is the same", done.returncode == 0 and table(out) == table(folder / "plain"),
          done.stderr[-500:])
    done = call("sweep", JOBS / "small.yaml", "--out", out, *SETTINGS, "--restart", "auto", "--set", "simulation.seed=6")
    check("of another job: refused", done.returncode == 2 and "results of another job" in done.stderr, done.stderr)
    done = call("sweep", JOBS / "small.yaml", "--out", out, *SETTINGS, "--restart", out / "checkpoint_1.h5")
    check("a checkpoint's name: refused", done.returncode == 2 and "expected auto" in done.stderr, done.stderr)

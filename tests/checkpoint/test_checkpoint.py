"""Checkpoints between ranks and on disks that fail: what 1 to 4 ranks saved, others load; h5py and h5dump read the file;
`callosum info` tells a whole one from a damaged one; a full disk and a read-only one end a run with a message and leave the
checkpoint before."""
import itertools
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import JOBS, PROGRAM, Run, call, environment, skip, testing  # noqa: E402

try:
    import h5py
except ImportError as error:
    skip(f"this Python has no {error.name}")

SMALL = JOBS / "small.yaml"


def find_program():
    folder = pathlib.Path(PROGRAM).parent
    for place in (folder, folder.parent / "tests", folder.parent / "bin"):
        if os.access(place / "checkpoint_test_checkpoint", os.X_OK):
            return place / "checkpoint_test_checkpoint"
    return skip("the program checkpoint_test_checkpoint was not built")


def act(program, ranks, *arguments):
    return call(*arguments, ranks=ranks, program=program, timeout=300)


def ranks_agree(check, program, folder):
    """Saved on some ranks, loaded on others, in other pieces."""
    for saved, loaded in itertools.product((1, 2, 3, 4), (1, 2, 3)):
        out = folder / f"saved{saved}"
        if not out.exists():
            out.mkdir()
            (out / "notes.txt").write_text("0123456789")
            done = act(program, saved, "save", out, 4000, saved)
            check(f"saved on {saved} ranks", done.returncode == 0, done.stderr[-500:])
        done = act(program, loaded, "load", out / "checkpoint_4000.h5", 7 + saved)
        check(f"saved on {saved} ranks, loaded on {loaded}", done.returncode == 0, done.stderr[-500:])
    alike = {}
    for saved in (1, 2, 3, 4):
        with h5py.File(folder / f"saved{saved}" / "checkpoint_4000.h5") as file:
            alike[saved] = {}
            file.visititems(lambda name, thing, found=alike[saved]: found.update(
                {name: (str(thing.dtype), thing.shape, thing[()].tobytes())} if isinstance(thing, h5py.Dataset) else {}))
            check(f"attributes, {saved} ranks", (file.attrs["step"], file.attrs["members"], file.attrs["ranks"],
                                                 file["engine/member0/states"].attrs["units"]) == (4000, 2, saved, "mV"))
    check("h5py reads the same arrays, whoever wrote them",
          len(alike[1]) == 10 and all(alike[saved] == alike[1] for saved in alike), f"{len(alike[1])} arrays")
    dump = subprocess.run(["h5dump", "-H", folder / "saved3" / "checkpoint_4000.h5"], capture_output=True, text=True, check=False)
    check("h5dump reads it", dump.returncode == 0 and dump.stdout.count("DATASET") == 10)


def info(check, folder):
    path = folder / "saved2" / "checkpoint_4000.h5"
    done = call("info", path)
    check("info: whole", done.returncode == 0 and "step       4000 (400 ms" in done.stdout and
          "engine/member0/states" in done.stdout and "2 members" in done.stdout, done.stderr)
    data = bytearray(path.read_bytes())
    data[2000000] ^= 1
    path.write_bytes(data)
    for ranks in (None, 3):
        done = call("info", path, ranks=ranks)
        check(f"info: damaged, {ranks or 1} ranks", done.returncode == 2 and
              "engine/member0/states: MiB 2 of 3 differs from its checksum" in done.stderr, done.stderr[-300:])
    nothing = call("info", folder / "saved2" / "notes.txt")
    check("info: no HDF5 file", nothing.returncode == 2 and "is no HDF5 file" in nothing.stderr, nothing.stderr)


# ---- disks that fail

def mount(folder, options):
    folder.mkdir()
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False).returncode == 0


def full_disk(check, folder, ranks):
    """Room for the recordings and one checkpoint, not for two."""
    disk = folder / f"full{ranks}"
    if not mount(disk, "size=3m"):
        print("not done: no right to mount a small disk")
        return
    try:
        values = {"checkpoint": {"every_ms": 100, "keep": 9}, "record.spikes": "none"}
        run = Run(SMALL, disk / "run", {**values, "simulation.duration_ms": 2000}, ranks=ranks)
        said = [line for line in run.stderr.splitlines() if line.startswith("callosum: ")]
        check(f"full disk, {ranks} ranks: the run ends", run.code not in (0, 2, 75) and len(said) == 1, f"{run.code} {said}")
        check(f"full disk, {ranks} ranks: file, space and reason are named",
              said and "h5.tmp" in said[0] and "No space left on device" in said[0] and " bytes " in said[0], said)
        left = sorted(path.name for path in (disk / "run").iterdir() if "checkpoint" in path.name)
        check(f"full disk, {ranks} ranks: nothing half-written is left", not any("tmp" in name for name in left), left)
        steps = sorted(int(name.split("_")[1].split(".")[0]) for name in left if name.endswith(".json"))
        done = call("info", disk / "run" / f"checkpoint_{steps[-1]}.h5") if steps else None
        check(f"full disk, {ranks} ranks: the checkpoint before is whole", done and done.returncode == 0, steps)
        shutil.copytree(disk / "run", folder / f"more{ranks}")
    finally:
        subprocess.run(["umount", "-l", disk], check=False)
    again = Run(SMALL, folder / f"more{ranks}", {**values, "simulation.duration_ms": 2000}, options=("--restart", "auto"))
    plain = Run(SMALL, folder / f"plain{ranks}", {"record.spikes": "none", "simulation.duration_ms": 2000})
    check(f"full disk, {ranks} ranks: goes on to the same digest", again.digest == plain.digest and plain.digest, again.digest)


def read_only(check, folder):
    disk = folder / "read_only"
    if not mount(disk, "size=8m"):
        return
    try:
        run = Run(SMALL, disk / "run", {"checkpoint": {"every_ms": 100}})
        check("disk to become read-only: the run", run.code == 0)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        summary = disk / "run" / "summary.json"
        done = call("run", SMALL, "--out", disk / "new")
        check("read-only: a new run is refused", done.returncode == 2 and "not writable" in done.stderr, done.stderr[-300:])
        done = call("info", disk / "run" / "checkpoint_3000.h5")
        check("read-only: a checkpoint is verified", done.returncode == 0, done.stderr[-300:])
        done = call("run", SMALL, "--restart", disk / "run" / "checkpoint_2000.h5", "--set", "checkpoint.every_ms=100")
        check("read-only: going on is refused", done.returncode == 2 and "not writable" in done.stderr and summary.exists(),
              done.stderr[-300:])
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


def size_limit(check, folder):
    """A file-size limit of the shell: a signal by default."""
    command = f"ulimit -f 2048; exec {PROGRAM} run {SMALL} --out {folder}/limit " \
              "--set checkpoint.every_ms=100 --set record.spikes=none --set brain.neurons=40000"
    done = subprocess.run(["bash", "-c", command], env=environment(PMIX_MCA_gds="hash"), capture_output=True, text=True, timeout=300, check=False)
    check("file-size limit: message and exit code", done.returncode not in (0, 2, 75) and "File too large" in done.stderr and
          ".h5.tmp: cannot reserve" in done.stderr, f"{done.returncode} {done.stderr[-300:]}")


with testing("test_checkpoint.py CALLOSUM") as (check, folder):
    unit = find_program()
    for n in (2, 3):
        done = subprocess.run(["mpirun", "-n", str(n), unit], env=environment(), capture_output=True, text=True, timeout=900, check=False)
        check(f"unit tests on {n} ranks", done.returncode == 0, (done.stdout + done.stderr)[-1000:] if done.returncode else "")
    ranks_agree(check, unit, folder)
    info(check, folder)
    full_disk(check, folder, 1)
    full_disk(check, folder, 2)
    read_only(check, folder)
    size_limit(check, folder)

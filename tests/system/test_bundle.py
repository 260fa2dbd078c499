"""What jobs/bundle.sh makes runs where there is nothing but a C library and a shell: no /proc, /sys, /dev/shm or /etc, no PATH.
The same digest there as here, alone and under its own mpirun. Skipped where this process may not change its root.

  test_bundle.py CALLOSUM
"""
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

from common import ENVIRONMENT, EXAMPLES, PROGRAM, ROOT, Run, read_summary, skip, testing

MOST_MIB = 48
SETTINGS = {"simulation.duration_ms": 200, "simulation.backend": "/cpu/omp", "brain.neurons": 2000, "record.warmup_ms": 100}
GLIBC = {"libc.so.6", "libm.so.6", "libresolv.so.2", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1",
         "ld-linux-x86-64.so.2"}
CHROOT = shutil.which("chroot", path="/usr/sbin:/sbin:/usr/bin:/bin")


def bare_root(root):
    """A folder with a shell, the C library, /dev/null and /tmp."""
    for folder in ("bin", "dev", "tmp", "opt"):
        (root / folder).mkdir(parents=True)
    shell = shutil.which("dash") or "/bin/sh"
    shutil.copy(shell, root / "bin" / "sh")
    listing = subprocess.run(["ldd", shell], capture_output=True, text=True, check=True).stdout
    places = [pathlib.Path(p) for p in re.findall(r"(/\S+/(?:libc\.so\.6|ld-linux\S+))", listing)]
    beside = next(p for p in places if p.name == "libc.so.6").parent
    for library in places + [beside / "libm.so.6", beside / "libresolv.so.2"]:
        target = root / library.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    os.mknod(root / "dev" / "null", 0o20666, os.makedev(1, 3))


def within(root, *command):
    environment = {key: value for key, value in ENVIRONMENT.items() if key.startswith("OMPI_")}
    return subprocess.run([CHROOT, str(root), *map(str, command)], env={**environment, "PATH": "", "OMP_NUM_THREADS": "1"},
                          capture_output=True, text=True, timeout=120, check=False)


def main():
    with testing(__doc__) as (check, folder):
        root = folder / "root"
        if os.geteuid() != 0 or not CHROOT:
            skip("only root may change the root folder")
        try:
            bare_root(root)
        except PermissionError as error:
            skip(f"a bare root cannot be made: {error}")
        tried = within(root, "/bin/sh", "-c", "echo alive")
        if tried.stdout != "alive\n":
            skip(f"chroot does not work: {tried.stderr.strip()}")

        build = pathlib.Path(PROGRAM).parents[1]
        bundle = folder / "bundle"
        made = subprocess.run([ROOT / "jobs" / "bundle.sh", "--build", build, bundle], capture_output=True, text=True, check=False)
        if not check("jobs/bundle.sh", made.returncode == 0, made.stdout.strip() + made.stderr.strip()[-2000:]):
            return
        files = [p for p in bundle.rglob("*") if p.is_file()]
        size, packed = sum(p.stat().st_size for p in files) / 2**20, (folder / "bundle.tar.gz").stat().st_size / 2**20
        check(f"at most {MOST_MIB} MiB", max(size, packed) <= MOST_MIB, f"{size:.1f} MiB, {packed:.1f} MiB packed")
        check.equal("nothing of the C library", {p.name for p in files} & GLIBC, set())
        again = subprocess.run([ROOT / "jobs" / "bundle.sh", "--build", build, root], capture_output=True, text=True, check=False)
        check("another folder is not replaced", again.returncode == 1 and "is no bundle" in again.stderr and root.exists(),
              again.stderr.strip())

        # Unpacked where it was not made, by a name that has a space.
        place = "/opt/some place"
        with tarfile.open(folder / "bundle.tar.gz") as archive:
            archive.extractall(root / place[1:])
        program, mpirun = f"{place}/bundle/callosum", f"{place}/bundle/mpirun"
        job = f"{place}/bundle/share/callosum/examples/demo.yaml"
        options = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
        done = within(root, program, "--version")
        check("--version", done.returncode == 0 and re.fullmatch(r"callosum \d+\.\d+\.\d+\n", done.stdout), done.stdout + done.stderr)

        here = Run(EXAMPLES / "demo.yaml", folder / "here", SETTINGS)
        check("it spikes", here.summary["spikes"] > 1000, here.summary["spikes"])
        for name, launcher in (("alone", []), ("on two ranks", [mpirun, "-n", 2])):
            out = f"/tmp/{name.split()[-1]}"
            done = within(root, *launcher, program, "run", job, "--out", out, *options)
            summary = read_summary(root / out[1:])
            check(f"{name}: nothing but the job's warning is said", done.returncode == 0 and
                  all(line.startswith("warning: brain:") for line in done.stderr.splitlines()), done.stderr[-2000:])
            check.equal(f"{name}: ranks", (summary or {}).get("ranks"), 2 if launcher else 1)
            check.equal(f"{name}: digest", (summary or {}).get("digest"), here.digest)

        # Here is no GPU, whatever the build.
        done = within(root, program, "run", job, "--out", "/tmp/gpu", "--backend", "/cuda", *options)
        check("--backend /cuda is refused", done.returncode not in (0, -11) and "/cuda" in done.stderr, done.stderr[-2000:])
        check("and writes no results", not (root / "tmp/gpu/summary.json").exists())
        done = within(root, mpirun, "-n", 2, "/no/program")
        check("mpirun finds its messages", "mpirun was unable to launch the specified application" in " ".join(done.stderr.split()), done.stderr[-2000:])


main()

"""What the tests of the whole program share: starting it, its summary, its recordings, and a count of what held."""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77  # exit code that ctest counts as skipped
JOBS = pathlib.Path(__file__).resolve().parent / "jobs"
ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "jobs" / "examples"
DATA = pathlib.Path(os.environ.get("CALLOSUM_DATA", ROOT / ".." / "shared" / "data")).resolve()
PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None
RECORDINGS = ("spikes.h5", "rates.h5", "bold.h5", "currents.h5", "lfp.h5", "neurons.h5", "spectra.h5", "trace_*.h5",
              "weights_*.h5")

ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",  # threads of a rank may use both cores
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    "HWLOC_HIDE_ERRORS": "2",
}


def skip(reason):
    """Ends a test that cannot be done here."""
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def data(*names):
    """A file of the public data sets; the test is skipped where it is absent."""
    path = DATA.joinpath(*names)
    if not path.exists():
        skip(f"{path} is not there")
    return path


class Checks:
    """Prints one line for each check and remembers what failed."""

    def __init__(self):
        self.passed, self.failed, self.begun = 0, 0, time.monotonic()

    def __call__(self, name, good, detail=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
        print(f"{'PASS' if good else 'FAIL'} {name}" + (f": {detail}" if detail else ""), flush=True)
        return bool(good)

    def equal(self, name, found, expected):
        return self(name, found == expected, f"{found}" if found == expected else f"{found}, expected {expected}")

    def finish(self):
        seconds = time.monotonic() - self.begun
        print(f"{self.passed} of {self.passed + self.failed} checks passed in {seconds:.0f} s")
        sys.exit(1 if self.failed else 0)


def model_text(name):
    """What the program tells of a model."""
    if name not in model_text.known:
        model_text.known[name] = call("models", name).stdout
    return model_text.known[name]


model_text.known = {}


def orders(name):
    """Powers of dt that errors fall with, as the page of models states: of states between spikes (0: exact), of spike times."""
    text = model_text(name)
    between = re.search(r"^    (?:exact|order (\d) in dt)(?: between|$)", text, re.MULTILINE)
    times = re.search(r"order (\d) of spike times$", text, re.MULTILINE)
    return int(between.group(1) or 0), int(times.group(1)) if times else 0


def hold(check, name, key, error):
    """Holds what was measured against the page of models: not more than its figure, and not less than a tenth of it."""
    within, unit = re.search(rf"^    {key} .*: within (\S+) ?(.*) \(tests/", model_text(name), re.MULTILINE).groups()
    hold.held.add((name, key))
    check(f"{name}: {key}", float(within) / 10 <= error <= float(within), f"{error:.3g} {unit}, stated {within}")


hold.held = set()


def all_held(check, test):
    """Every figure that names a test, by its path under tests/, was held by it."""
    stated = {(name, key) for name in re.findall(r"^(\w+): ", call("models").stdout, re.MULTILINE)
              for key in re.findall(rf"^    (\w+) .*\(tests/{test}\)$", model_text(name), re.MULTILINE)}
    check("every figure of the page that names this test was measured", stated == hold.held, sorted(stated ^ hold.held))


@contextlib.contextmanager
def testing(usage):
    """The checks and the folder of a whole test, which ends with their count; `usage` is said where no program is named."""
    if not PROGRAM:
        sys.exit(usage)
    check = Checks()
    with scratch() as folder:
        yield check, pathlib.Path(folder)
    check.finish()


def settings(values):
    """Options --set of a mapping; nested mappings in YAML's own notation."""
    options = []
    for key, value in (values or {}).items():
        options += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
    return options


def command_line(arguments, ranks=None, program=None):
    launcher = ["mpirun", "-n", str(ranks)] if ranks else []
    return launcher + [str(program or PROGRAM), *map(str, arguments)]


def environment(threads=1, **variables):
    return {**os.environ, **ENVIRONMENT, "OMP_NUM_THREADS": str(threads), **variables}


def call(*arguments, ranks=None, program=None, threads=1, timeout=300, cwd=None, **variables):
    """Runs the program to its end. Without `ranks`: without a launcher. `variables`: of the environment."""
    return subprocess.run(command_line(arguments, ranks, program), env=environment(threads, **variables), cwd=cwd,
                          capture_output=True, text=True, timeout=timeout, check=False)


def start(*arguments, ranks=None, log=None, **variables):
    """Starts the program, for signals; its output goes to the file `log`."""
    with open(log, "w", encoding="utf-8") as stream:
        return subprocess.Popen(command_line(arguments, ranks), env=environment(**variables), stdout=stream, stderr=stream)


def end(process, seconds=60):
    """Waits; a program that hangs is ended and fails the test. Returns its exit code, None where it hung."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return None


class Run:
    """One run of a job into a folder of its own."""

    def __init__(self, job, out, values=None, ranks=None, threads=1, backend=None, options=(), **more):
        arguments = ["run", job, "--out", out, *settings(values), *options]
        if backend:
            arguments += ["--backend", backend]
        done = call(*arguments, ranks=ranks, threads=threads, **more)
        self.out, self.code = pathlib.Path(out), done.returncode
        self.stdout, self.stderr = done.stdout, done.stderr
        self.summary = read_summary(out)
        if self.code != 0 or not self.summary:
            print(f"the run ended with exit code {self.code}: {' '.join(map(str, arguments))}\n{self.stderr[-2000:]}")
            self.summary = self.summary or {}
        self.digest = self.summary.get("digest")

    def recordings(self):
        return {path.name: contents(path) for pattern in RECORDINGS for path in sorted(self.out.glob(pattern))}


def read_summary(folder):
    path = pathlib.Path(folder) / "summary.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def contents(path):
    """Every dataset of an HDF5 file: its type, shape and raw bytes."""
    import h5py  # so that what needs no recordings runs without it
    found = {}

    def visit(name, thing):
        if isinstance(thing, h5py.Dataset):
            text = h5py.check_string_dtype(thing.dtype)
            values = thing[()]
            found[name] = (str(thing.dtype), thing.shape, values.tolist() if text else values.tobytes())

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


def scratch():
    return tempfile.TemporaryDirectory(prefix="callosum_test_")

"""What the benchmarks share: running the program, taking turns, medians with their spread, and tables.

Every benchmark NAME.py prints a section of benchmarks/README.md; benchmarks/run.sh runs them and puts the sections
between the marks `<!-- NAME -->` and `<!-- /NAME -->` of that page:

  measure.py put PAGE NAME <SECTION
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "jobs" / "examples"
JOBS = ROOT / "benchmarks" / "jobs"

ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",  # threads of a rank may use all cores
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    "HWLOC_HIDE_ERRORS": "2",
    "TERM": "dumb",
}


def arguments(description, seconds, **more):
    """Options of a benchmark. `seconds`: of biology; `more`: further options, with their defaults."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each case, in turn")
    parser.add_argument("--seconds", type=float, default=seconds, help="biology")
    parser.add_argument("--scale", type=float, default=1.0, help="of the networks' sizes")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "release" / "bin",
                        help="folder of the programs callosum and floor")
    for name, default in more.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    options = parser.parse_args()
    if options.repeats < 1 or options.seconds <= 0 or not 0 < options.scale <= 1:
        parser.error("expected --repeats of at least 1, --seconds above 0, --scale above 0, up to 1")
    if not (options.bin / "callosum").exists():
        parser.error(f"{options.bin}/callosum does not exist: build the preset release, or name the folder with --bin")
    return options


def output(command, threads=1, check=True, cwd=None):
    """Standard output of a command; ends the benchmark where it fails."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd=cwd,
                          env={**os.environ, **ENVIRONMENT, "OMP_NUM_THREADS": str(threads)})
    if check and done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))} ended with status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def run(options, job, ranks=1, threads=1, **values):
    """The summary of one run of a job. Values are set at keys: simulation__seed=2 is simulation.seed."""
    settings = []
    for key, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value)
        settings += ["--set", f"{key.replace('__', '.')}={text}"]
    launcher = ["mpirun", "--oversubscribe", "-n", ranks] if ranks > 1 else []
    with tempfile.TemporaryDirectory(prefix="callosum_benchmark_") as folder:
        out = pathlib.Path(folder) / "out"
        output([*launcher, options.bin / "callosum", "run", job, "--out", out, "--quiet", *settings], threads)
        return json.loads((out / "summary.json").read_text(encoding="utf-8"))


def go_on(options, command, job, out, *more):
    """Runs `callosum COMMAND JOB --out OUT`, or goes on with what such a call left there, which is nothing where it came to its end.
    The program refuses what another job has left."""
    print(f"{command} {out.parent.name}/{out.name}", file=sys.stderr, flush=True)
    going_on = ["--restart", "auto"] if out.exists() else []
    launcher = ["mpirun", "--oversubscribe", "-n", options.ranks] if options.ranks > 1 else []
    output([*launcher, options.bin / "callosum", command, job, "--out", out, "--quiet", *going_on, *more])


def knows(options, job, key):
    """Whether this build knows a key of a job; ends the benchmark where something else is wrong with the job."""
    done = subprocess.run([options.bin / "callosum", "check", job], capture_output=True, text=True, check=False,
                          env={**os.environ, **ENVIRONMENT})
    if done.returncode == 0 or key in done.stderr:
        return done.returncode == 0
    sys.exit(f"{job}: {done.stderr}")


def floor(options, threads, seconds):
    return json.loads(output([options.bin / "floor", "--threads", threads, "--seconds", seconds, "--scale",
                              options.scale]))


def take_turns(repeats, cases):
    """Runs every case once, then again, so that what slows the machine for a while slows all. Returns lists of results."""
    results = {name: [] for name in cases}
    for turn in range(repeats):
        for name, case in cases.items():
            print(f"turn {turn + 1} of {repeats}: {name}", file=sys.stderr, flush=True)
            results[name].append(case())
    return results


def column(results, value):
    """One value of every result: a key, a path of keys, or a function."""
    if callable(value):
        return [value(r) for r in results]
    found = results
    for key in value if isinstance(value, tuple) else (value,):
        found = [r[key] for r in found]
    return found


def figure(values, digits=2):
    """Median, and least and greatest where there are several."""
    text = f"{statistics.median(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def ratio(over, under, digits=2):
    """Of two cases, turn by turn."""
    return figure([a / b for a, b in zip(over, under)], digits)


def the_digest(*cases):
    """The digest that all results share. Ends the benchmark where they differ: such times would compare nothing."""
    found = {r["digest"] for results in cases for r in results}
    if len(found) != 1:
        sys.exit(f"the digests differ: {', '.join(sorted(found))}")
    return found.pop()


def cores(summary):
    return summary["ranks"] * summary["threads"]


def ns_per_event(summary, section="deliver"):
    """Nanoseconds of one thread; section None: of the whole simulation."""
    seconds = summary["timing"][section]["max"] if section else summary["simulate_s"]
    return 1e9 * seconds * cores(summary) / summary["events"] if summary["events"] else float("nan")


def ns_per_update(summary, section="update"):
    """Nanoseconds of one thread per neuron and step."""
    seconds = summary["timing"][section]["max"] if section else summary["simulate_s"]
    steps = summary["biological_s"] * 1e3 / summary["dt_ms"]
    return 1e9 * seconds * cores(summary) / (summary["neurons"] * steps)


def irregularity(neuron, time_s, neurons, begin_s, end_s):
    """Rate per neuron (Hz) and median CV of the intervals of neurons with at least 4, as the program's summary has them."""
    import numpy  # so that what needs no spikes runs without it
    neuron, time_s = numpy.asarray(neuron), numpy.asarray(time_s, float)
    kept = (time_s >= begin_s) & (time_s <= end_s)
    neuron, time_s = neuron[kept], time_s[kept]
    order = numpy.lexsort((time_s, neuron))
    neuron, time_s = neuron[order], time_s[order]
    trains = numpy.split(time_s, numpy.flatnonzero(numpy.diff(neuron)) + 1)
    cv = [numpy.std(x) / numpy.mean(x) for x in map(numpy.diff, trains) if len(x) >= 4]
    return len(time_s) / neurons / (end_s - begin_s), float(numpy.median(cv)) if cv else None


def machine():
    """The processor's name, cores and memory."""
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    name = re.search(r"^model name\s*:\s*(.*)$", text, re.M)
    flags = [flag for flag in ("avx512f", "avx2") if re.search(rf"^flags.*\b{flag}\b", text, re.M)]
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text(encoding="utf-8")).group(1))
    return (f"{name.group(1).strip() if name else 'unknown processor'}{' with ' + flags[0].upper() if flags else ''}, "
            f"{len(os.sched_getaffinity(0))} cores, {memory / 2 ** 20:.0f} GiB")


def commit():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=10"], capture_output=True,
                          text=True, check=False)
    return done.stdout.strip() or "unknown commit"


def section(options, text, rows, notes=()):
    """Prints what was measured on what, and its table. `rows`: of cells, the first one names the columns."""
    print(text)
    arguments_given = [a for a in sys.argv[1:]]
    program = pathlib.Path(sys.argv[0]).name
    print(f"\n`{shlex.join(['benchmarks/' + program, *arguments_given])}` on {machine()}; commit {commit()}, "
          f"{datetime.date.today()}; medians of {options.repeats}, in brackets the least and the greatest.\n")
    for i, row in enumerate(rows):
        print("| " + " | ".join(map(str, row)) + " |")
        if i == 0:
            print("|" + "---|" * len(row))
    for note in notes:
        print(f"\n{note}")


def put(page, name, text):
    """Replaces what stands between the marks of a name."""
    path = pathlib.Path(page)
    old = path.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.S)
    if len(pattern.findall(old)) != 1:
        sys.exit(f"{page}: expected the marks <!-- {name} --> and <!-- /{name} --> once")
    new = pattern.sub(lambda match: f"{match.group(1)}{text.strip()}\n{match.group(2)}", old)
    temporary = path.with_suffix(".part")
    temporary.write_text(new, encoding="utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] != "put":
        sys.exit(__doc__)
    put(sys.argv[2], sys.argv[3], sys.stdin.read())

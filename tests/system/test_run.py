"""The program as a user meets it: header, summary and exit codes of a run, what it refuses, how it stops on a signal,
and the other commands.

  test_run.py CALLOSUM
"""
import json
import math
import os
import pathlib
import re
import signal
import time

from common import (DATA, EXAMPLES, JOBS, PROGRAM, RECORDINGS, ROOT, Run, call, contents, end, read_summary, skip,
                    start, testing)

try:
    import h5py
except ImportError as error:
    skip(f"this Python has no {error.name}")

SMALL, ENDLESS, TINY = JOBS / "small.yaml", JOBS / "endless.yaml", JOBS / "tiny.yaml"
HEX = re.compile(r"[0-9a-f]{16}")

# Key of summary.json -> type, least and greatest value; of a run of small.yaml on 2 ranks.
SUMMARY = {
    "neurons": (int, 600, 600), "synapses": (int, 24000, 24000), "bytes_per_synapse": (float, 4, 12),
    "bytes_per_neuron": (float, 8, 2000), "peak_rss_bytes": (int, 1e6, 1e9), "build_s": (float, 1e-4, 60),
    "simulate_s": (float, 1e-3, 60), "biological_s": (float, 0.3, 0.3), "real_time_factor": (float, 1e-3, 200),
    "spikes": (int, 1000, 20000), "events": (int, 40000, 800000), "events_per_s": (float, 1, 1e10),
    "messages": (int, 100, 20000), "packets": (int, 1, 20000), "sent_bytes": (int, 100, 1e7),
    "late_packets": (int, 0, 20000),
    "route_bytes": (int, 100, 1e6), "mean_rate_hz": (float, 5, 80), "rate_min_hz": (float, 0, 80),
    "rate_max_hz": (float, 5, 200), "isi_cv_median": (float, 0.2, 2), "spike_correlation_mean": (float, -0.2, 1),
    "fc_mean": (float, -1, 1), "sc_fc_r": (float, -1, 1), "fc_empirical_r": (type(None), 0, 0),
    "fc_seconds": (float, 0.25, 0.3), "warmup_ms": (float, 50, 50), "members": (int, 1, 1), "ranks": (int, 2, 2),
    "threads": (int, 1, 1), "checkpoints": (int, 0, 0), "checkpoint_s": (float, 0, 0), "checkpoint_bytes": (int, 0, 0),
    "dt_ms": (float, 0.1, 0.1), "seed": (int, 5, 5),
}
TEXTS = {"status": "done", "backend": "/cpu/omp", "partition": "metis", "job": str(SMALL)}
SECTIONS = ("create", "connect", "update", "deliver", "exchange", "wait", "record", "checkpoint")


def has_type(value, kind):
    return isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)


def summary(check, folder):
    run = Run(SMALL, folder / "two", ranks=2)
    s = run.summary
    check.equal("run: exit code", run.code, 0)
    for key, (kind, low, high) in SUMMARY.items():
        value = s.get(key, "missing")
        good = has_type(value, kind) and (kind is type(None) or low * (1 - 1e-9) <= value <= high * (1 + 1e-9))
        check(f"summary: {key}", good, f"{value}, expected {kind.__name__} from {low:g} to {high:g}")
    for key, value in TEXTS.items():
        check.equal(f"summary: {key}", s.get(key), value)
    for key in ("digest", "job_hash"):
        check(f"summary: {key}", HEX.fullmatch(str(s.get(key))), s.get(key))
    check("summary: version and git", re.fullmatch(r"\d+\.\d+\.\d+", s.get("version", "")) and s.get("git"),
          f"{s.get('version')}, {s.get('git')}")
    for section in SECTIONS:
        t = s.get("timing", {}).get(section, {})
        check(f"summary: timing of {section}",
              t and 0 <= t["min"] <= t["mean"] <= t["max"] <= s["build_s"] + s["simulate_s"], t)
    check("summary: numbers agree", math.isclose(s["real_time_factor"], s["simulate_s"] / s["biological_s"], rel_tol=1e-6)
          and math.isclose(s["events_per_s"], s["events"] / s["simulate_s"], rel_tol=1e-6)
          and s["rate_min_hz"] <= s["mean_rate_hz"] <= s["rate_max_hz"],
          f"{s['rate_min_hz']} <= {s['mean_rate_hz']} <= {s['rate_max_hz']} Hz")
    return run


def recorded_figures(check, run):
    """The summary's rate is the one of the recorded spikes after the warm-up; the printed summary says the same."""
    with h5py.File(run.out / "spikes.h5", "r") as file:
        times = file["spikes/brain/timestamps"][()]
        check.equal("spikes.h5: as many as in the summary", len(times), run.summary["spikes"])
        check("spikes.h5: in order of time", (times[1:] >= times[:-1]).all() and 0 < times[0] <= times[-1] <= 300)
        rate = (times > 50 + 1e-6).sum() / 600 / 0.25
        check("spikes.h5: rate after the warm-up", math.isclose(rate, run.summary["mean_rate_hz"], rel_tol=1e-9),
              f"{rate}, summary {run.summary['mean_rate_hz']}")
        check("spikes.h5: job, version, seed and units", "brain:" in file.attrs["job"] and file.attrs["seed"] == 5
              and file.attrs["callosum_version"] == run.summary["version"] and file.attrs["complete"] == 1
              and file["spikes/brain/timestamps"].attrs["units"] == "ms")
    names = sorted([name for name in RECORDINGS if "*" not in name] + ["trace_one_V_m_mV.h5", "summary.json"])
    check.equal("run: files", sorted(p.name for p in run.out.iterdir()), names)


def header(check, run):
    text = run.stdout
    for what, pattern in {
            "version, git and compiler": rf"Callosum {re.escape(run.summary['version'])} "
                                         rf"\(git {re.escape(run.summary['git'])}, \w+ \d",
            "MPI and HDF5": r"MPI v?\d.*HDF5 \d+\.\d+\.\d+", "seed": r"seed 5\b", "backend": r"backend /cpu/omp",
            "map of rank 0": r"rank 0: \S+, cores \d[\d,-]*, 1 thread", "map of rank 1": r"rank 1: \S+, cores \d",
            "network": r"600 neurons in 12 populations, about 2.4e\+04 synapses",
            "plain progress": r"100\.0 %.*0\.30 s of biology.*real-time factor \d",
            "digest": rf"^digest {run.digest}$", "functional connectivity too short": r"TOO SHORT"}.items():
        check(f"output: {what}", re.search(pattern, text, re.MULTILINE))
    for section in SECTIONS:
        check(f"output: table has {section}", re.search(rf"^\s+{section}(\s+\d+\.\d+){{3}}", text, re.MULTILINE))
    check("output: no control characters in a log", not re.search(r"[\r\x1b]", text))
    check.equal("output: nothing on standard error", run.stderr.strip(), "")


def refused(check, name, done, words, code=2):
    """One line of explanation and the exit code."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("callosum: ")]
    good = done.returncode == code and len(lines) == 1 and all(w in lines[0] for w in words)
    check(f"refused: {name}", good, f"exit code {done.returncode}, {done.stderr.strip()[:300]}")


def snapshot(folder):
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(folder.iterdir())}


def refusals(check, folder, run):
    before = snapshot(run.out)
    for ranks in (None, 2):
        refused(check, f"folder with results, {ranks or 1} ranks", call("run", SMALL, "--out", run.out, ranks=ranks),
                [str(run.out), "holds results"])
    check("refused folder is unchanged", snapshot(run.out) == before)
    lone = folder / "lone"
    lone.mkdir()
    (lone / "spikes.h5").write_bytes(b"left by a killed run")
    refused(check, "folder with half a result", call("run", SMALL, "--out", lone), [str(lone), "spikes.h5"])
    check.equal("half a result is unchanged", [p.name for p in lone.iterdir()], ["spikes.h5"])
    (lone / "spikes.h5").rename(lone / "trace_a_V_m_mV.h5")
    refused(check, "folder with a trace", call("run", SMALL, "--out", lone), [str(lone), "trace_a_V_m_mV.h5"])

    file = folder / "file"
    file.write_text("a file\n")
    for out, words in [(file, "not a folder"), (file / "below", "not a folder"), ("/proc/callosum", "/proc"),
                       ("/proc", "/proc"), ("", "--out")]:
        done = call("run", SMALL, "--out", out)
        refused(check, f"--out '{out}'", done, [str(out), words])
        check(f"refused before building: --out '{out}'", "built" not in done.stdout)
    check.equal("the file is unchanged", file.read_text(), "a file\n")

    out = folder / "never"
    for name, arguments, words in [
            ("unknown option", ["run", SMALL, "--out", out, "--colour"], ["--colour"]),
            ("option without value", ["run", SMALL, "--out"], ["--out"]),
            ("no job", ["run", "--out", out], ["job file"]),
            ("two jobs", ["run", SMALL, TINY, "--out", out], ["tiny.yaml"]),
            ("job that is not there", ["run", folder / "no.yaml", "--out", out], ["no.yaml"]),
            ("threads", ["run", SMALL, "--out", out, "--threads", "0"], ["--threads 0"]),
            ("threads that are no number", ["run", SMALL, "--out", out, "--threads", "2x"], ["--threads 2x"]),
            ("backend", ["run", SMALL, "--out", out, "--backend", "/gpu"], ["/gpu", "/cpu/omp"]),
            ("backend that was not built", ["run", SMALL, "--out", out, "--backend", "/cuda"], ["/cuda", "CUDA"]),
            ("unknown key", ["run", SMALL, "--out", out, "--set", "brain.neuron=5"], ["brain.neuron", "neurons"]),
            ("partition method", ["run", SMALL, "--out", out, "--set", "partition.method=best"], ["best", "metis"]),
            ("unknown command", ["simulate", SMALL], ["simulate", "run"]),
            ("unknown model", ["models", "lif"], ["lif", "lif_psc_exp"]),
            ("report of nothing", ["report", out], [str(out)])]:
        refused(check, name, call(*arguments), words)
    for variable in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"):
        refused(check, f"single rank of a launcher, {variable}", call("run", SMALL, "--out", out, **{variable: "4"}),
                ["launcher started 4", variable, "4 ranks"])
    check("refused runs leave no folder", not out.exists())


def quiet_and_seed(check, folder, run):
    done = call("run", SMALL, "--out", folder / "quiet", "--quiet")
    check.equal("--quiet prints the digest alone", (done.stdout, done.stderr), (f"digest {run.digest}\n", ""))
    check("--quiet writes everything", read_summary(folder / "quiet") is not None)
    large = Run(SMALL, folder / "seed", {"simulation.seed": 9007199254740993, "simulation.duration_ms": 10})
    check.equal("a seed of 54 bits is kept", large.summary.get("seed"), 9007199254740993)
    spelt = call("run", os.path.relpath(SMALL, folder), "--quiet", cwd=folder)
    check.equal("default folder", [spelt.returncode, (folder / "runs" / "small" / "summary.json").exists()], [0, True])


# ---- signals

def wait_for(path, process, seconds=60):
    """Until a run has recorded something."""
    limit = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < limit:
        if path.exists() and path.stat().st_size > 0:
            time.sleep(1.5)
            return True
        time.sleep(0.05)
    return False


def rank_processes(launcher):
    """Processes of the program that a launcher started."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int(re.sub(r".*\) ", "", (entry / "stat").read_text()).split()[1])
            if parent == launcher and os.readlink(entry / "exe") == os.path.realpath(PROGRAM):
                found.append(int(entry.name))
        except OSError:
            pass  # ended meanwhile
    return sorted(found)


def recording_states(folder):
    """complete, recorded_ms of each file; raises where one cannot be read."""
    states = {}
    for name in ("spikes.h5", "rates.h5", "bold.h5", "lfp.h5", "spectra.h5", "trace_one_V_m_mV.h5"):
        with h5py.File(folder / name, "r") as file:
            states[name] = (int(file.attrs["complete"]), float(file.attrs["recorded_ms"]))
        contents(folder / name)
    return states


def interrupted(check, folder, name, ranks, number, target):
    out, log = folder / name, folder / f"{name}.log"
    # mpirun passes SIGTERM on and kills after this many seconds; its own 1 s is short on a busy machine.
    process = start("run", ENDLESS, "--out", out, ranks=ranks, log=log, OMPI_MCA_odls_base_sigkill_timeout="4")
    running = wait_for(out / "rates.h5", process)
    if target == "rank":
        pids = rank_processes(process.pid) if ranks else [process.pid]
        os.kill(pids[-1], number)
    else:
        process.send_signal(number)
    begun = time.monotonic()
    code = end(process, 60)
    what = f"{number.name} to {target}, {ranks or 1} ranks"
    text = log.read_text()
    # mpirun that is interrupted itself says so with a code of its own.
    check(f"{what}: ends by itself", running and (code == 75 if target == "rank" else code is not None),
          f"exit code {code} after {time.monotonic() - begun:.1f} s" + ("" if code == 75 else "\n" + text[-500:]))
    s = read_summary(out) or {}
    check.equal(f"{what}: status", s.get("status"), "interrupted")
    check(f"{what}: output says so", "INTERRUPTED after" in text)
    ms = round(s.get("biological_s", 0) * 1000, 6)
    states = recording_states(out)
    check(f"{what}: files are whole", ms > 0 and all(v == (1, ms) for v in states.values()), f"{ms} ms, {states}")
    return s


def signals(check, folder):
    s = interrupted(check, folder, "int1", None, signal.SIGINT, "rank")
    ms = round(s["biological_s"] * 1000)
    check("interrupted at a beat", ms % 100 == 0, f"{ms} ms")
    again = Run(ENDLESS, folder / "again", {"simulation.duration_ms": ms})
    check.equal("interrupted run: digest of a run of that length", s["digest"], again.digest)
    interrupted(check, folder, "term1", None, signal.SIGTERM, "rank")
    interrupted(check, folder, "term2", 2, signal.SIGTERM, "rank")
    interrupted(check, folder, "int2", 2, signal.SIGINT, "mpirun")


def killed(check, folder):
    """Without a chance to end: no summary, files readable up to the last flush, and the folder is not used again."""
    out = folder / "killed"
    process = start("run", ENDLESS, "--out", out, log=folder / "killed.log")
    running = wait_for(out / "rates.h5", process)
    process.kill()
    process.wait()
    check("killed: was running", running)
    check("killed: no summary", not (out / "summary.json").exists())
    states = recording_states(out)
    check("killed: files are readable and marked incomplete",
          all(complete == 0 and ms >= 200 for complete, ms in states.values()), states)
    refused(check, "folder of a killed run", call("run", ENDLESS, "--out", out), [str(out)])


# ---- other commands

def texts(check, version):
    done = call("--help")
    check("--help", done.returncode == 0 and all(f"callosum {c}" in done.stdout for c in
                                                 ("run", "partition", "import", "info", "report", "models")))
    check("--help: exit codes", "Exit codes" in done.stdout)
    check.equal("--version", (call("--version").stdout, call("--version").returncode), (f"callosum {version}\n", 0))
    bare = call()
    check("no command: help, exit code 2", bare.returncode == 2 and "callosum run" in bare.stderr)
    for command in ("run", "partition", "import", "info", "report", "models"):
        done = call(command, "--help")
        check(f"{command} --help", done.returncode == 0 and f"callosum {command}" in done.stdout and not done.stderr,
              "" if done.returncode == 0 else f"exit code {done.returncode}, {done.stderr[-500:]}")


def models(check):
    text = call("models").stdout
    parts = {re.match(r"\w+", part).group(): part for part in re.split(r"\n\n", text.strip())}
    registry = (ROOT / "src" / "model" / "registry.c").read_text(encoding="utf-8")
    check.equal("models: names, in the order of the registry", list(parts), re.findall(r" X\((\w+)\)", registry))
    lines = [line for line in text.splitlines() if re.match(r"    \w+ +default ", line)]
    check("models: every parameter has a default, a range and a unit", len(lines) >= 25 and all(
        re.search(r"default \S+ +range (any|fixed|\S+ \.\.\. \S+)  .+\[.*\]", line) for line in lines), f"{len(lines)} parameters")
    for name, words in {"lif_psc_exp": ["C_m_pF", "[pF]", "V_th_mV", "-50", "receptors", "exc", "inh", "states"],
                        "lif_dtb": ["g_AMPA_mS_cm2", "[mS/cm2]", "AMPA", "NMDA", "GABA_A", "GABA_B"],
                        "poisson": ["rate_hz"], "dc": ["amplitude"], "ou": ["tau_ms", "sd"]}.items():
        missing = [w for w in words if w not in parts.get(name, "")]
        check(f"models: {name}", not missing, f"missing {missing}" if missing else "")
        check(f"models {name}: the same text", call("models", name).stdout.strip() == parts.get(name, "").strip())


def partition(check):
    done = call("partition", EXAMPLES / "demo.yaml", "--ranks", 4, "--method", "all")
    rows = {w[0]: [float(x) for x in w[1:]] for w in map(str.split, done.stdout.splitlines())
            if w and w[0] in ("metis", "contiguous", "round_robin") and len(w) > 5}
    check.equal("partition: methods", (done.returncode, sorted(rows)), (0, ["contiguous", "metis", "round_robin"]))
    check("partition: balance of metis", max(rows["metis"][:3]) <= 1.05, rows["metis"][:3])
    check("partition: metis sends least", rows["metis"][4] < min(rows["contiguous"][4], rows["round_robin"][4]),
          {k: v[4] for k, v in rows.items()})


def imports(check, folder, run):
    """A connectome in our layout gives the network that its source gives."""
    file = folder / "generated.h5"
    done = call("import", "generate", "--regions", 6, "--seed", 3, "--out", file)
    check("import generate", done.returncode == 0 and file.exists() and "regions      6" in done.stdout, done.stderr)
    as_file = {"brain.connectome": json.dumps({"file": str(file)})}
    check.equal("run of the imported generator: digest", Run(SMALL, folder / "from_h5", as_file).digest, run.digest)
    other = folder / "other.h5"
    call("import", "generate", "--regions", 6, "--seed", 4, "--out", other)
    as_file = {"brain.connectome": json.dumps({"file": str(other)})}
    check("run of another connectome: another digest",
          Run(SMALL, folder / "from_other", as_file).digest not in (None, run.digest))
    zip_file, h5_file = DATA / "tvb" / "connectivity_76.zip", folder / "76.h5"
    if not zip_file.exists():
        print(f"skipped import tvb: {zip_file} is not there")
        return
    done = call("import", "tvb", zip_file, "--out", h5_file)
    check("import tvb", done.returncode == 0 and "regions      76" in done.stdout, done.stderr)
    digests = [Run(JOBS / "measured.yaml", folder / f"r{path.suffix}", {"brain.connectome": json.dumps({"file": str(path)})})
               for path in (zip_file, h5_file)]
    check("run of the imported zip: digest", digests[0].digest == digests[1].digest is not None
          and digests[0].summary["spikes"] > 1000, [r.digest for r in digests])
    refused(check, "import of what is no zip", call("import", "tvb", SMALL, "--out", folder / "none.h5"), [str(SMALL), "zip"])
    check("import of what is no zip: no file", not (folder / "none.h5").exists())


def main():
    with testing(__doc__) as (check, folder):
        run = summary(check, folder)
        recorded_figures(check, run)
        header(check, run)
        refusals(check, folder, run)
        quiet_and_seed(check, folder, run)
        signals(check, folder)
        killed(check, folder)
        texts(check, run.summary["version"])
        models(check)
        partition(check)
        imports(check, folder, run)


main()

"""callosum assimilate as a whole, on a small twin: the same numbers on every number of ranks, groups and threads, on both backends of
the processor, online and offline, stopped and gone on; what happens to members that fail, and which folders are refused.

  test_assimilate.py CALLOSUM
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "faults")]
from common import PROGRAM, call, command_line, contents, end, environment, read_summary, settings, skip, testing  # noqa: E402

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")
from broken import kill_all  # noqa: E402

MEMBERS, CYCLES = 6, 6
JOB = """\
simulation: {duration_ms: 4800, dt_ms: 1, seed: 3, backend: /cpu/serial}
brain: {neurons: 600, indegree: 30, connectome: {generator: {regions: 8}}}
assimilation:
  members: 6
  tr_s: 0.8
  cycles: 6
  burn_in: 1
  checkpoint_every: 2
  inflation: {kind: adaptive}
  hyperparameters:
    - {name: g, populations: "*", parameter: g_AMPA_mS_cm2, bounds: [0.25, 2], prior: {uniform: [0.5, 1.5]},
       process: {sd: 0.1, sd_max: 0.5}}
    - {name: drive, populations: "*/E", input: {model: ou, parameter: mean}, per: hierarchical, transform: log,
       prior: {mean: 1, sd: 0.05}, deviation_sd: 0.02, process: {kind: persistence, sd: 0.01, tau_s: 8}, truth: [0.95, 1.05]}
  observations:
    - {kind: bold, error: 5.0e-4}
    - {kind: rate, error: 0.5}
  twin: {truth: [0.5, 1.5], seed: 7}
"""
A = "assimilation."
OTHERS = {  # analyses that differ from the job's letkf
    "etkf": {A + "rotate": True},
    "ensrf": {A + "localisation": {"kind": "distance", "half_width_mm": 60}, A + "inflation": {"kind": "rtps", "alpha": 0.5}},
    "enkf": {A + "inflation": {"kind": "fixed", "factor": 1.02}},
    "hmda": {A + "inflation": {"kind": "none"}},
    "lag": {A + "method": "letkf", A + "lag": 2, A + "innovation_limit": 3},
    "esmda": {A + "localisation": {"kind": "own"}, A + "passes": 2, A + "window": 3, A + "inflation": {"kind": "none"}},
    "ies": {A + "passes": 2, A + "window": 3, A + "inflation": {"kind": "none"}},
}


class Folder:
    """A folder of results, and the runs that make it. `truth`: a folder whose truth is taken over, to save the time."""

    def __init__(self, job, out, truth=None):
        self.job, self.out = job, pathlib.Path(out)
        if truth:
            self.out.mkdir()
            shutil.copy(truth.out / "truth.h5", self.out)

    def arguments(self, values=None, options=()):
        return ["assimilate", self.job, "--out", self.out, *settings(values), *options]

    def run(self, *options, values=None, ranks=None, threads=1, **more):
        return call(*self.arguments(values, options), ranks=ranks, threads=threads, timeout=600, **more)

    def go_on(self, *options, **more):
        return self.run("--restart", "auto", *options, **more)

    def begin(self, log, *options, ranks=None, values=None):
        with open(log, "w", encoding="utf-8") as stream:
            return subprocess.Popen(command_line(self.arguments(values, options), ranks), env=environment(), stdout=stream,
                                    stderr=stream, start_new_session=True)

    @property
    def file(self):
        return self.out / "assimilation.h5"

    @property
    def digests(self):
        return (read_summary(self.out) or {}).get("digests")

    def member(self, m, step):
        return self.out / "members" / f"{m:03d}" / f"checkpoint_{step}.h5"

    def copy(self, to):
        shutil.copytree(self.out, to)
        return Folder(self.job, to)


def differences(folder, expected, without=()):
    """Every dataset that differs."""
    if not folder.file.exists():
        return ["no assimilation.h5"]
    mine, theirs = contents(folder.file), contents(expected.file)
    return [name for name in sorted(mine.keys() | theirs.keys())
            if mine.get(name) != theirs.get(name) and not name.startswith(tuple(without))]


def errors(done):
    return [line for line in done.stderr.splitlines() if line.startswith("callosum: ")]


def same(check, what, folder, expected, done=None):
    found = differences(folder, expected)
    good = not found and folder.digests == expected.digests and (done is None or done.returncode == 0)
    return check(f"{what}: the same numbers and members", good, "" if good else
                 f"{found[:5]} {folder.digests} {done and (done.returncode, done.stderr[-500:])}")


def wait_for(text, log, process, seconds=300):
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if text in log.read_text(encoding="utf-8", errors="replace"):
            return True
        time.sleep(0.002)
    return text in log.read_text(encoding="utf-8", errors="replace")


def limited(folder, bytes_, options, rank, ranks):
    """Runs with a limit on the length of files, of one rank: the launcher's may be longer."""
    shell = f'export OMPI_MCA_btl=self,tcp; [ "$OMPI_COMM_WORLD_RANK" = {rank} ] && ulimit -f {bytes_ // 1024}; exec "$@"'
    command = ["mpirun", "-n", str(ranks), "bash", "-c", shell, "sh", *command_line(folder.arguments(options=options))]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300, check=False)


# ---- layouts and couplings ----

def test_layouts(check, folder, job, base):
    """The truth, too, is simulated on several ranks."""
    apart = Folder(job, folder / "three")
    done = apart.run("--backend", "/cpu/omp", ranks=3, values={A + "groups": 2})
    same(check, "3 ranks in 2 groups, /cpu/omp", apart, base, done)
    check("3 ranks: the same truth", contents(apart.out / "truth.h5") == contents(base.out / "truth.h5"))
    for what, ranks, threads, options, values in (("2 ranks in a group", 2, 1, (), {A + "groups": 1}),
                                                  ("2 groups, 2 threads", 2, 2, ("--backend", "/cpu/omp"), {A + "groups": 2}),
                                                  ("4 ranks, checkpoints every cycle", 4, 1, (), {A + "checkpoint_every": 1}),
                                                  ("2 threads, a checkpoint at the end", None, 2, ("--backend", "/cpu/omp"),
                                                   {A + "checkpoint_every": 0})):
        place = Folder(job, folder / what.replace(" ", "_"), base)
        same(check, what, place, base, place.run(*options, ranks=ranks, threads=threads, values=values))


def test_methods(check, folder, job, base):
    for method, values in OTHERS.items():
        values = {A + "method": method, A + "cycles": 3, **values}
        one, three = Folder(job, folder / method), Folder(job, folder / f"{method}3")
        done = one.run(values=values)
        check(f"{method}: it runs and changes something", done.returncode == 0 and differences(one, base), done.stderr[-300:])
        three.out.mkdir()
        shutil.copy(one.out / "truth.h5", three.out)
        same(check, f"{method} on 3 ranks", three, one, three.run(ranks=3, values=values))


def test_past(check, folder, job, _):
    """What later observations say of a cycle, and innovations that count for little."""
    plain, lag, limit = (Folder(job, folder / f"past_{name}") for name in ("plain", "lag", "limit"))
    none = {A + "cycles": 4, A + "inflation": {"kind": "none"}}
    plain.run(values=none)
    lag.run(values={**none, A + "lag": 2})
    limit.run(values={**none, A + "innovation_limit": 1e-9})
    with h5py.File(plain.file) as a, h5py.File(lag.file) as b, h5py.File(limit.file) as c:
        before, after, cut = (file["hyperparameters/g"] for file in (a, b, c))
        mean, smoothed = after["mean"][()], after["smoothed"][()]
        check("lag: what is known at the end of a cycle is the same", numpy.array_equal(mean, before["mean"][()]))
        check("lag: of the last cycle no more is known", numpy.array_equal(smoothed[-1], mean[-1]))
        check("lag: of those before it is", numpy.all(smoothed[1:3] != mean[1:3]) and numpy.all(numpy.isfinite(smoothed)))
        check("lag: and more surely", numpy.median(after["smoothed_sd"][()][1:3] / after["sd"][()][1:3]) < 1)
        check("without lag there is none", numpy.all(numpy.isnan(before["smoothed"][()])))
        moved = numpy.abs(cut["mean"][()] - cut["forecast_mean"][()])[1:]
        free = numpy.abs(before["mean"][()] - before["forecast_mean"][()])[1:]
        check("limit: innovations that count for nothing leave what it was", moved.max() < 0.02 and free.max() > 0.1,
              f"{moved.max()} {free.max()}")
        check("limit: but it is as sure", numpy.all(cut["sd"][()][1] < cut["forecast_sd"][()][1]))


def forecast(place, cycle):
    """One member a program, pairs, or all at once on two ranks."""
    if cycle == 0:
        runs = [place.run("--forecast-only", "--member", m) for m in range(MEMBERS)]
    elif cycle == 1:
        runs = [place.run("--forecast-only", "--members-per-job", 2, SLURM_ARRAY_TASK_ID=str(m)) for m in range(MEMBERS // 2)]
    else:
        runs = [place.run("--forecast-only", ranks=2)]
    return [done for done in runs if done.returncode != 0]


def test_offline(check, folder, job, base):
    place = Folder(job, folder / "offline", base)
    failed = []
    for cycle in range(CYCLES):
        failed += forecast(place, cycle)
        if cycle == 3:  # a job of an array that runs twice
            failed += [done for done in [place.run("--forecast-only", "--member", 2)] if done.returncode != 0]
        failed += [done for done in [place.run("--analysis-only", ranks=1 + cycle % 2)] if done.returncode != 0]
        if cycle == 1:
            early = place.copy(folder / "two_cycles")
            check.equal("offline: what the summary says in the midst", read_summary(place.out)["status"], "interrupted")
    check("offline: all programs end well", not failed, [done.stderr[-300:] for done in failed[:2]])
    found = differences(place, base)
    check("offline: the same numbers", not found, found[:5])
    for option in ("--forecast-only", "--analysis-only"):
        done = place.run(option)
        check(f"offline: {option} has nothing to do at the end", done.returncode == 0 and "nothing is to be done" in done.stdout,
              done.stdout[-200:])
    (place.out / "summary.json").unlink()  # as if a run had been ended before it wrote that
    done = place.go_on()
    same(check, "offline: members as they are at the end", place, base, done)
    done = early.go_on(ranks=2)
    same(check, "offline, then online", early, base, done)


# ---- stopped, killed ----

def test_signals(check, folder, job, base):
    log, place = folder / "signal.log", Folder(job, folder / "stopped", base)
    process = place.begin(log, ranks=2)
    reached = wait_for("cycle 1 of", log, process)
    process.send_signal(signal.SIGUSR2)
    code = end(process, 300)
    summary = read_summary(place.out) or {}
    check("SIGUSR2: stops with exit code 75 and a summary", reached and code == 75 and summary.get("status") == "interrupted"
          and 0 < summary.get("cycles", 0) < CYCLES, f"{code} {summary.get('cycles')}")
    done = place.go_on(ranks=3)
    same(check, "SIGUSR2, then on 3 ranks", place, base, done)
    before = {path.name: path.read_bytes() for path in place.out.glob("*.*")}
    done = place.go_on(ranks=2)
    check("a complete folder: nothing is done, and it says so", done.returncode == 0 and "nothing is to be done" in done.stdout
          and before == {path.name: path.read_bytes() for path in place.out.glob("*.*")}, done.stdout[-300:])

    place = Folder(job, folder / "killed", base)
    process = place.begin(log, ranks=2, values={A + "checkpoint_every": 1})
    reached = wait_for("cycle 1 of", log, process)
    kill_all(process)
    check("SIGKILL: it was at work", reached and place.file.exists() and not place.digests)
    same(check, "SIGKILL, then on 1 rank", place, base, place.go_on())


def test_commit(check, folder, job, base):
    """Members were saved at the end of cycle 3, and the program killed before that cycle was committed. Fewer cycles first, then more."""
    place = Folder(job, folder / "uncommitted")
    place.run(values={A + "cycles": 2})
    kept = place.file.read_bytes()
    truth = place.out / "truth.h5"
    check.equal("2 cycles: members' checkpoints", len(list(place.out.glob("members/*/checkpoint_1600.h5"))), MEMBERS)
    place.go_on(values={A + "cycles": 3}, ranks=2)
    for again in ("once", "twice"):
        place.file.write_bytes(kept)
        done = place.go_on(values={A + "cycles": 3})
        check(f"killed before the commit {again}: goes on, all members are there", done.returncode == 0 and not done.stderr,
              done.stderr[-300:])
    same(check, "killed before the commit", place, base, place.go_on(ranks=2))
    check("a longer twin has the same truth", contents(truth) == contents(base.out / "truth.h5"))


# ---- members that fail ----

def spoil(place, step):
    """Of 6 members one lacks its checkpoint, one has half of it, one has that of another."""
    place.member(1, step).with_suffix(".json").unlink()
    os.truncate(place.member(3, step), place.member(3, step).stat().st_size // 2)
    for suffix in (".json", ".h5"):
        shutil.copy(place.member(4, step).with_suffix(suffix), place.member(5, step).with_suffix(suffix))


def left_out(done):
    return [line for line in done.stderr.splitlines() if line.startswith("warning: member") and "is left out from cycle" in line]


def check_left_out(check, what, done, step):
    lines = left_out(done)
    good = [any(f"member {m} is left out" in line and f"members/{m:03d}/checkpoint_{step}" in line for line in lines) for m in (1, 3, 5)]
    check(f"{what}: warnings name members and files", done.returncode == 0 and all(good) and len(lines) == 3, done.stderr[-600:])


def test_failures(check, folder, job, base):
    start = Folder(job, folder / "start", base)
    start.run(values={A + "cycles": 2})
    online, forecasts = start.copy(folder / "online"), start.copy(folder / "forecasts")
    analysis = start.copy(folder / "analysis")
    spoil(online, 1600)
    spoil(forecasts, 1600)
    done = online.go_on(ranks=2, values={A + "cycles": 3})
    check_left_out(check, "lost members, online", done, 1600)
    with h5py.File(online.file) as file:
        check.equal("lost members: count in the file", file["members/count"][:].tolist(), [6, 6, 3])
        check.equal("lost members: who is left", file["members/alive"][:].tolist(), [1, 0, 1, 0, 1, 0])
        numbers = numpy.concatenate([file[name][2].ravel() for name in ("hyperparameters/g/mean", "observations/predicted_mean")])
        check("lost members: finite numbers", numpy.isfinite(numbers).all())
    done = forecasts.run("--forecast-only", values={A + "cycles": 3})
    check_left_out(check, "lost members, forecasts", done, 1600)
    done = forecasts.run("--forecast-only", "--member", 3, values={A + "cycles": 3})
    check("a lost member's own forecast: refused", done.returncode not in (0, 2) and "member 3 cannot go on" in done.stderr,
          done.stderr[-300:])
    analysis.run("--forecast-only", values={A + "cycles": 3})
    spoil(analysis, 2400)
    less = analysis.copy(folder / "less")
    done = analysis.run("--analysis-only", ranks=2, values={A + "cycles": 3})
    check_left_out(check, "lost members, analysis", done, 2400)
    forecasts.run("--analysis-only", values={A + "cycles": 3})
    for what, place in (("when it should forecast", forecasts), ("when it should be analysed", analysis)):
        found = differences(place, online, without=["state/"])
        check(f"a member lost {what}: the same numbers as online", not found, found[:5])
    done = analysis.go_on(ranks=3, values={A + "cycles": 4})
    check("lost members: those left go on", done.returncode == 0 and not done.stderr, done.stderr[-300:])

    before = less.file.read_bytes()
    for what, option, ranks in (("analysis", "--analysis-only", 2), ):
        done = less.run(option, ranks=ranks, values={A + "cycles": 3, A + "min_members": 4})
        check(f"too few members, {what}: an error", done.returncode not in (0, 2, 75) and len(errors(done)) == 1
              and "3 of 6 members are left: expected at least 4" in errors(done)[0], done.stderr[-300:])
        check(f"too few members, {what}: the file stays", less.file.read_bytes() == before)
    done = less.go_on(values={A + "cycles": 3, A + "min_members": 4})
    check("too few members were lost for good: online goes on", done.returncode == 0, done.stderr[-300:])


# ---- what is observed, and what it takes ----

def test_bold(check, folder, job, base):
    """Members whose factors are 1 show the BOLD that two members of a plain run show, to the last bit."""
    same_as_run = {"name": "one", "populations": "*", "parameter": "g_AMPA_mS_cm2", "transform": "log",
                   "prior": {"mean": 1, "sd": 1e-300}, "truth": [0.9, 1.1], "process": {"sd": 0}}
    place = Folder(job, folder / "ones")
    done = place.run("--forecast-only", values={
        A + "hyperparameters": [same_as_run], A + "observations": [{"kind": "bold", "error": 5e-4}], A + "members": 2})
    out = folder / "plain_run"
    ran = call("run", job, "--out", out, *settings({"simulation.members": 2, "record.bold": {"tr_s": 0.8},
                                                    "record.warmup_ms": 0}))
    if not check("BOLD: both end well", done.returncode == 0 and ran.returncode == 0, (done.stderr + ran.stderr)[-300:]):
        return
    expected = []
    for m in range(2):
        with h5py.File(place.member(m, 800)) as file:
            expected.append(file["assimilation/predicted"][:])
    with h5py.File(out / "bold.h5") as file:
        shown = file["bold/data"][0]
    shown = shown if shown.shape == (2, 8) else shown.T
    check("BOLD: that of members of a plain run", numpy.array_equal(shown, expected) and (expected[0] != expected[1]).all(),
          f"{shown[0][:2]} {expected[0][:2]}")


def test_memory(check, folder, job, base):
    """All members share the synapses; beside these there is little but their states."""
    found = {}
    for members in (10, 40):
        place = Folder(job, folder / f"memory{members}")
        done = place.run(values={"brain.neurons": 8000, "brain.indegree": 100, "simulation.duration_ms": 60, A + "tr_s": 0.03, A + "cycles": 2,
                                 A + "members": members, A + "checkpoint_every": 0})
        found[members] = read_summary(place.out)
        if not check(f"{members} members run", done.returncode == 0, done.stderr[-300:]):
            return
    small, large, program = found[10], found[40], read_summary(base.out)["peak_rss_bytes"]
    check.equal("memory: synapses are there once", large["network_bytes"], small["network_bytes"])
    ratio = large["state_bytes"] / small["state_bytes"]
    check("memory: states of 4 times the members", abs(ratio - 4) < 0.1, f"x {ratio:.3f}")
    most = 1.3 * (large["network_bytes"] + large["state_bytes"]) + program
    check("memory: the peak of 40 members", large["peak_rss_bytes"] <= most,
          f"{large['peak_rss_bytes'] / 1e6:.0f} MB, at most {most / 1e6:.0f}; synapses {large['network_bytes'] / 1e6:.1f}, "
          f"a member {large['state_bytes'] / 40e6:.2f}, a small program {program / 1e6:.0f}")


# ---- folders and command lines that are refused ----

def refused(check, what, done, *words):
    lines = errors(done)
    good = done.returncode == 2 and len(lines) == 1 and all(word in lines[0] for word in words)
    good = good and ("mpirun" in done.stderr or lines == done.stderr.strip().splitlines())
    check(f"refused: {what}", good, f"{done.returncode}: {(lines or [done.stderr[-300:]])[0]}")


def test_refusals(check, folder, job, base):
    before = base.file.read_bytes()
    refused(check, "results, no --restart", base.run(ranks=2), "assimilation.h5", "--restart auto")
    refused(check, "another job's folder", base.go_on(values={"simulation.seed": 4}, ranks=2), "assimilation.h5", "another job")
    check("refused: it stays as it was", base.file.read_bytes() == before)
    for what, change in (("changed", lambda b: b[:20000] + bytes([b[20000] ^ 4]) + b[20001:]), ("cut off", lambda b: b[:30000]),
                         ("empty", lambda b: b"")):
        place = base.copy(folder / f"damaged_{what.split(' ', maxsplit=1)[0]}")
        place.file.write_bytes(change(before))
        refused(check, f"assimilation.h5 {what}", place.go_on(), "assimilation.h5")
        check(f"refused: {what}, it stays", place.file.read_bytes() == change(before))
    place = Folder(job, folder / "false_truth", base)
    refused(check, "a truth of another job", place.run(values={A + "twin.seed": 8}, ranks=2), "truth.h5", "another job")
    (place.out / "truth.h5").write_bytes(b"no HDF5")
    refused(check, "a damaged truth", place.run(), "truth.h5")

    nowhere = Folder(job, folder / "nowhere")
    plain = folder / "plain.yaml"
    plain.write_text(JOB.split("assimilation:", maxsplit=1)[0], encoding="utf-8")
    for what, options, more, words in (
            ("both offline options", ["--forecast-only", "--analysis-only"], {}, ["expected one of them"]),
            ("a member that is not", ["--forecast-only", "--member", MEMBERS], {}, ["--member 6", "at most 5"]),
            ("a job of members that are not", ["--forecast-only", "--member", 3, "--members-per-job", 2], {}, ["at most 2"]),
            ("a great number of members", ["--forecast-only", "--member", 500000, "--members-per-job", 500000], {}, ["at most 0"]),
            ("a task that is no number", ["--forecast-only"], {"SLURM_ARRAY_TASK_ID": "x"}, ["SLURM_ARRAY_TASK_ID 'x'"]),
            ("a member online", ["--member", 1], {}, ["--forecast-only"]),
            ("more groups than ranks", [], {"values": {A + "groups": 2}}, ["2 groups for 1 rank"]),
            ("another restart", ["--restart", "old"], {}, ["--restart old", "auto"])):
        refused(check, what, nowhere.run(*options, **more), *words)
    refused(check, "no section", call("assimilate", plain, "--out", nowhere.out), "'assimilation' is missing")
    check("refused: no folder is made", not nowhere.out.exists())


# ---- no room ----

def test_room(check, folder, job, base):
    """A limit on the length of files, of all ranks or of the one rank that keeps half of the members."""
    size = base.member(0, 4800).stat().st_size
    place = Folder(job, folder / "small", base)
    place.run(values={A + "cycles": 2})
    kept = place.file.read_bytes()
    alone = place.copy(folder / "alone")
    done = limited(place, size // 2, ["--restart", "auto"], 0, 1)
    check("no room for a member", done.returncode not in (0, 2, 75) and len(errors(done)) == 1 and "members/" in errors(done)[0]
          and "File too large" in errors(done)[0], f"{done.returncode} {done.stderr[-300:]}")
    check("no room: the last result stays", place.file.read_bytes() == kept)
    same(check, "no room, then room", place, base, place.go_on())
    done = limited(alone, size // 2, ["--restart", "auto", "--set", A + "groups=2"], 1, 2)
    check("no room on one rank: all end with one message", done.returncode not in (0, 2, 75) and len(errors(done)) == 1
          and "members/003" in errors(done)[0], f"{done.returncode} {done.stderr[-300:]}")
    same(check, "no room on one rank, then room", alone, base, alone.go_on(ranks=2))


if not PROGRAM or call("assimilate", "--help").returncode != 0:
    skip("this program cannot assimilate")
with testing(__doc__) as (checks, scratch_folder):
    written = scratch_folder / "twin.yaml"
    written.write_text(JOB, encoding="utf-8")
    whole = Folder(written, scratch_folder / "base")
    ended = whole.run()
    checks("the twin runs", ended.returncode == 0 and len(whole.digests or []) == MEMBERS, ended.stderr[-500:])
    chosen = sys.argv[2:]
    for test in (test_layouts, test_methods, test_past, test_offline, test_signals, test_commit, test_failures, test_bold,
                 test_memory, test_refusals, test_room):
        if not chosen or test.__name__[5:] in chosen:
            begun = time.monotonic()
            test(checks, scratch_folder, written, whole)
            print(f"  {test.__name__}: {time.monotonic() - begun:.1f} s", flush=True)

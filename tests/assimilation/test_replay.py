"""Replays: `callosum run --hyperparameters FILE` has the values of each cycle, on any layout and over a restart, and refuses
what does not fit the job.

  test_replay.py CALLOSUM
"""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import Run, call, end, read_summary, skip, start, testing  # noqa: E402

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

TR_S, CYCLES, REGIONS, G_AMPA = 0.2, 6, 4, 0.0012
# 1.45 s: one cycle more than the file has, and a part of one.
JOB = f"""
simulation: {{duration_ms: 1450, dt_ms: 1, seed: 1}}
brain: {{neurons: 800, indegree: 50, connectome: {{generator: {{regions: {REGIONS}}}}}}}
record: {{warmup_ms: 0, spikes: all, rates: {{bin_ms: 10}}, bold: {{tr_s: 0.2}}}}
checkpoint: {{every_s: 0}}
assimilation:
  members: 6
  tr_s: {TR_S}
  cycles: {CYCLES}
  burn_in: 1
  hyperparameters:
    - {{name: h, populations: "*", parameter: g_AMPA_mS_cm2, bounds: [0.25, 2], prior: {{uniform: [0.5, 1.5]}}}}
    - {{name: all, populations: "*/E", receptor: GABA_A, per: shared, transform: log, bounds: [0.1, 10],
       prior: {{uniform: [0.5, 1.5]}}}}
  observations: [{{kind: bold, error: 5e-4}}]
  twin: {{truth: [0.5, 1.5], seed: 7}}
"""
WRITTEN = """
simulation: {duration_ms: 400, dt_ms: 1, seed: 2}
populations: [{name: A, n: 200, model: lif_dtb, params: {g_AMPA_mS_cm2: G}, inputs: [{model: ou, tau_ms: 4, mean: 0.5, sd: 0.2}]}]
projections: [{source: A, target: A, rule: fixed_indegree, indegree: 40, receptor: excitatory, weight: [1, 0], delay_ms: 2}]
record: {warmup_ms: 0}
assimilation:
  members: 4
  tr_s: 0.1
  burn_in: 0
  hyperparameters: [{name: h, populations: A, parameter: g_AMPA_mS_cm2, bounds: [0.25, 2]}]
  observations: [{kind: rate, error: 1}]
  twin: {}
"""


def values_file(path, tr_s=TR_S, h=None, shared=None, **more):
    """A file of values [cycle][row] as truth.h5 has them."""
    with h5py.File(path, "w") as file:
        if tr_s:
            file.attrs["tr_s"] = float(tr_s)
        for name, values in {"h": h, "all": shared, **more}.items():
            if values is not None:
                file[f"hyperparameters/{name}/mean"] = numpy.array(values, float)
    return path


def ones(path, **more):
    return values_file(path, **{"h": numpy.ones((CYCLES, REGIONS)), "shared": numpy.ones((CYCLES, 1)), **more})


def same_as_plain(check, folder, job):
    plain = Run(job, folder / "plain")
    replay = Run(job, folder / "ones", options=["--hyperparameters", ones(folder / "ones.h5")])
    check.equal("ones: the digest of the plain run", replay.digest, plain.digest)
    check("ones: its recordings", replay.recordings() == plain.recordings() and len(plain.recordings()) == 3)
    check.equal("the summary says what was replayed", replay.summary.get("hyperparameters"),
                {"file": str(folder / "ones.h5"), "cycles": CYCLES, "tr_s": TR_S, "after": "hold"})
    check("a plain run says nothing of it", "hyperparameters" not in plain.summary)
    return plain


def factor(check, folder):
    job = folder / "written.yaml"
    job.write_text(WRITTEN.replace("G}", f"{G_AMPA!r}}}"), encoding="utf-8")
    values = values_file(folder / "factor.h5", 0.1, numpy.full((4, 1), 1.2))
    plain = Run(job, folder / "factor_plain")
    replay = Run(job, folder / "factor", options=["--hyperparameters", values])
    set_to = Run(job, folder / "factor_set", {"populations.0.params.g_AMPA_mS_cm2": repr(G_AMPA * 1.2)})
    check.equal("1.2: the digest of a run with 1.2 times the parameter", replay.digest, set_to.digest)
    check("1.2: not that of the plain run", replay.digest != plain.digest and replay.summary.get("spikes", 0) > 100,
          replay.summary.get("spikes"))


def layouts(check, folder, job, fit):
    truth = fit / "truth.h5"
    options = ["--hyperparameters", truth]
    one = Run(job, folder / "truth1", ranks=1, options=options)
    for ranks, backend in ((2, "/cpu/omp"), (3, "/cpu/omp"), (1, "/cpu/serial")):
        other = Run(job, folder / f"truth{ranks}{backend[5:]}", ranks=ranks, backend=backend, options=options)
        check.equal(f"truth: {ranks} ranks, {backend}", other.digest, one.digest)
        check(f"truth: recordings, {ranks} ranks, {backend}", other.recordings() == one.recordings())
    two = Run(job, folder / "members", {"simulation.members": 2}, options=options)
    check.equal("truth: member 0 of two", two.digest, one.digest)
    # The file of the fit itself, whatever it has beside the means.
    fitted = Run(job, folder / "fitted", options=["--hyperparameters", fit / "assimilation.h5"])
    check("fit: other values, another digest", fitted.code == 0 and fitted.digest != one.digest, fitted.digest)
    return one


def by_cycle(check, folder, job):
    """A row is what acts in its cycle and in no other: the spikes before are those without it."""
    h = numpy.ones((CYCLES, REGIONS))
    h[3] = 2
    changed = Run(job, folder / "by_cycle", options=["--hyperparameters", ones(folder / "by_cycle.h5", h=h)])
    spikes = []
    for run in (folder / "ones", changed.out):
        with h5py.File(run / "spikes.h5") as file:
            population = next(iter(file["spikes"].values()))
            time_ms, node = population["timestamps"][()], population["node_ids"][()]
        spikes.append(set(zip(time_ms.round(4), node)))
    first = min(time_ms for time_ms, _ in spikes[0] ^ spikes[1])
    check("row 3 acts from 600 ms on", 600 <= first < 660, first)


def behind(check, folder, job):
    h = numpy.linspace(0.8, 1.4, CYCLES * REGIONS).reshape(CYCLES, REGIONS)
    file = ones(folder / "behind.h5", h=h)
    half = h[CYCLES // 2:].mean(axis=0)
    for how, last in (("hold", h[-1]), ("mean", half)):
        longer = ones(folder / f"{how}.h5", h=numpy.vstack([h, last]), shared=numpy.ones((CYCLES + 1, 1)))
        a = Run(job, folder / how, options=["--hyperparameters", file, "--hyperparameters-after", how])
        b = Run(job, folder / f"{how}_longer", options=["--hyperparameters", longer])
        check.equal(f"behind the last cycle: {how}", a.digest, b.digest)
    fixed = Run(job, folder / "fixed", options=["--hyperparameters", file, "--hyperparameters-fixed", "mean"])
    same = ones(folder / "same.h5", h=numpy.tile(half, (CYCLES, 1)))
    check.equal("fixed", fixed.digest, Run(job, folder / "fixed_same", options=["--hyperparameters", same]).digest)
    draws = [Run(job, folder / f"draw{i}", {"assimilation.seed": seed}, ranks=ranks,
                 options=["--hyperparameters", file, "--hyperparameters-after", "draw"]).digest
             for i, (seed, ranks) in enumerate(((1, 1), (1, 2), (2, 1)))]
    check("draw: of seed and file alone", draws[0] == draws[1] and draws[0] != draws[2] and None not in draws, draws)


def restarts(check, folder, job, truth, expected):
    """Stopped by a signal, whose beats are ends of cycles, and gone on from checkpoints at the end of a cycle and within one."""
    options = ["--hyperparameters", truth]
    long = ["--set", "simulation.duration_ms=40000", "--set", "record.spikes=none"]
    whole = Run(job, folder / "long", options=[*options, *long])
    out = folder / "stopped"
    process = start("run", job, "--out", out, *options, *long, "--set", "simulation.beat_ms=200", ranks=2, log=folder / "log")
    while process.poll() is None and not (out / "rates.h5").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    process.send_signal(signal.SIGUSR2)
    code = end(process)
    stopped = read_summary(out) or {}
    check.equal("SIGUSR2: stopped at the end of a cycle", round(1e3 * stopped.get("biological_s", 0)) % 200, 0)
    check("SIGUSR2: stopped in the midst", code == 75 and 0 < stopped.get("biological_s", 0) < 40,
          f"{code}, {stopped.get('biological_s')} s")
    refused = call("run", job, "--out", out, "--hyperparameters", folder / "ones.h5", *long, "--restart", "auto")
    check("restart with other values is refused", refused.returncode == 2 and "another job" in refused.stderr,
          refused.stderr.strip())
    refused = call("run", job, "--out", out, *long, "--restart", "auto")
    check("restart without them is refused", refused.returncode == 2 and "another job" in refused.stderr)
    again = Run(job, out, ranks=3, options=[*options, *long, "--restart", "auto"])
    check.equal("SIGUSR2: the digest after the restart", again.digest, whole.digest)
    for interval in (600, 700):  # ms
        out = folder / f"every{interval}"
        done = Run(job, out, {"checkpoint": {"every_ms": interval, "keep": 9}}, options=options)
        check.equal(f"checkpoints every {interval} ms: the digest", done.digest, expected.digest)
        found = sorted(out.glob("checkpoint_*.h5"), key=lambda path: int(path.stem.split("_")[1]))
        (out / "summary.json").unlink()
        again = Run(job, out, ranks=2, options=[*options, "--restart", found[0]])
        check.equal(f"from {interval} ms of {len(found)}: the digest", again.digest, expected.digest)
        check("from there: recordings", again.recordings() == expected.recordings())


def at_end(check, folder, job):
    """at_end is the end of the run, not that of its parts."""
    done = Run(job, folder / "at_end", {"checkpoint": {"at_end": True, "keep": 99}},
               options=["--hyperparameters", folder / "ones.h5"])
    check.equal("at_end: checkpoints", done.summary.get("checkpoints"), 1)


def bad(check, folder, job):
    good = ones(folder / "good.h5")
    plain = folder / "none.yaml"
    plain.write_text(JOB[:JOB.index("assimilation:")], encoding="utf-8")
    (folder / "text.h5").write_text("no HDF5", encoding="utf-8")
    (folder / "damaged.h5").write_bytes(b"".join([(folder / "fit" / "assimilation.h5").read_bytes()[:3000]]))
    n = numpy.ones
    cases = [
        ("no such file", job, [folder / "absent.h5"], ["absent.h5"]),
        ("no HDF5 file", job, [folder / "text.h5"], ["text.h5", "truth.h5"]),
        ("cut-off file", job, [folder / "damaged.h5"], ["damaged"]),
        ("other rows", job, [ones(folder / "b1.h5", h=n((CYCLES, 3)))], ["h has 3 values", "expected 4"]),
        ("a missing name", job, [ones(folder / "b2.h5", shared=None)], ["no hyperparameter 'all'"]),
        ("a name too many", job, [ones(folder / "b3.h5", more=n((CYCLES, 1)))], ["'more'"]),
        ("other cycles", job, [ones(folder / "b4.h5", shared=n((2, 1)))], ["all has", "cycles"]),
        ("another tr_s", job, [ones(folder / "b5.h5", tr_s=0.4)], ["0.4 s", "expected 0.2"]),
        ("no tr_s", job, [ones(folder / "b6.h5", tr_s=None)], ["no attribute tr_s"]),
        ("out of bounds", job, [ones(folder / "b7.h5", h=3 * n((CYCLES, REGIONS)))], ["h of ", "is 3", "expected 0.25 to 2"]),
        ("a number that is none", job, [ones(folder / "b8.h5", h=numpy.nan * n((CYCLES, REGIONS)))], ["h of "]),
        ("no cycles", job, [ones(folder / "b9.h5", h=n((0, REGIONS)), shared=n((0, 1)))], ["0 cycles"]),
        ("no section", plain, [good], ["'assimilation' is missing"]),
        ("unknown after", job, [good, "--hyperparameters-after", "stop"], ["hold, mean or draw"]),
        ("unknown fixed", job, [good, "--hyperparameters-fixed", "draw"], ["expected mean"]),
        ("both", job, [good, "--hyperparameters-after", "mean", "--hyperparameters-fixed", "mean"], ["one of them"]),
    ]
    for name, of, options, words in cases:
        out = folder / "bad"
        done = call("run", of, "--out", out, "--hyperparameters", *options)
        check(f"refused: {name}", done.returncode == 2 and all(w in done.stderr for w in words) and not out.exists()
              and len(done.stderr.strip().splitlines()) == 1, done.stderr.strip())
    done = call("run", job, "--out", folder / "bad", "--hyperparameters-after", "mean")
    check("refused: after without a file", done.returncode == 2 and "--hyperparameters FILE" in done.stderr, done.stderr)


def control(check, folder, job):
    """Hyperparameters are estimated, but neurons do not hear of them."""
    option = ["--set", "assimilation.cycles=3", "--quiet"]
    runs = {}
    for name, extra in (("off", []), ("on", ["--set", "assimilation.control=true"])):
        done = call("assimilate", job, "--out", folder / f"control_{name}", *option, *extra)
        runs[name] = read_summary(folder / f"control_{name}") or {}
        check(f"control {name}", done.returncode == 0, done.stderr.strip())
    check("control: neurons are others", runs["on"].get("digests") != runs["off"].get("digests"))
    check("control: another assimilation", runs["on"].get("science_hash") != runs["off"].get("science_hash"))
    three = Run(job, folder / "control_plain", {"simulation.members": 6, "simulation.duration_ms": 600, "assimilation.cycles": 3})
    check.equal("control: members are those of a plain ensemble", runs["on"].get("digests"), three.summary.get("digests"))
    with h5py.File(folder / "control_on" / "assimilation.h5") as file:
        mean = file["hyperparameters/h/mean"][()]
    check("control: estimates move", numpy.ptp(mean, axis=0).max() > 0)


def main():
    if "assimilate" not in call("--help").stdout:
        skip("built without data assimilation")
    with testing(__doc__) as (check, folder):
        job = folder / "job.yaml"
        job.write_text(JOB, encoding="utf-8")
        same_as_plain(check, folder, job)
        factor(check, folder)
        by_cycle(check, folder, job)
        behind(check, folder, job)
        done = call("assimilate", job, "--out", folder / "fit", "--quiet")
        check("the fit", done.returncode == 0, done.stderr.strip())
        truth = layouts(check, folder, job, folder / "fit")
        restarts(check, folder, job, folder / "fit" / "truth.h5", truth)
        at_end(check, folder, job)
        bad(check, folder, job)
        control(check, folder, job)


if __name__ == "__main__":
    main()

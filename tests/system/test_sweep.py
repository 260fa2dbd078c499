"""Grids of runs: every point of a sweep is a plain run with its values, whether it was computed as a member of one network,
alone, or by a task of an array; and the table says so.

  test_sweep.py CALLOSUM
"""
import os
import subprocess

from common import ENVIRONMENT, PROGRAM, ROOT, Run, call, read_summary, skip, testing

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

TEXT = """
simulation: {duration_ms: 400, dt_ms: 0.1, seed: 3}
brain: {neurons: 1500, connectome: {generator: {regions: 4}}}
record: {warmup_ms: 50, rates: {bin_ms: 1}, bold: {tr_s: 0.02}}
sweep:
  brain.params.g_AMPA_mS_cm2: [0.003, 0.0036]
  brain.params.g_GABA_A_mS_cm2: [0.009, 0.01, 0.011]
"""
POINTS = [(a, g) for a in (0.003, 0.0036) for g in (0.009, 0.01, 0.011)]
RESULTS = ("mean_rate_hz", "rate_min_hz", "rate_max_hz", "isi_cv_median", "spike_correlation_mean", "fc_mean", "sc_fc_r")


def table(path):
    with h5py.File(path, "r") as file:
        sweep = file["sweep"]
        return ([k.decode() for k in sweep["keys"][()]], sweep["values"][()], sweep["done"][()].tolist(),
                [d.decode() for d in sweep["digest"][()]],
                {name: sweep["results"][name][()] for name in sweep["results"]})


def main():
    with testing(__doc__) as (check, folder):
        job = folder / "grid.yaml"
        job.write_text(TEXT)
        check.equal("points", call("sweep", job, "--points").stdout, "6\n")
        plain = [single(folder, i, a, g) for i, (a, g) in enumerate(POINTS)]
        digests = [run.digest for run in plain]
        check("plain runs differ", len(set(digests)) == 6 and None not in digests)

        together = folder / "together"
        done = call("sweep", job, "--out", together)
        check.equal("together: exit code", done.returncode, 0)
        keys, values, finished, found, results = table(together / "sweep.h5")
        check.equal("table: keys", keys, ["brain.params.g_AMPA_mS_cm2", "brain.params.g_GABA_A_mS_cm2"])
        check("table: values, the last key fastest", numpy.array_equal(values, POINTS), values.tolist())
        check.equal("table: all points are done", finished, [1] * 6)
        check.equal("members of one network: digests of plain runs", found, digests)
        check.equal("computed in one batch", sorted(p.name for p in together.iterdir()), ["points-00000-00005", "sweep.h5"])
        for key in RESULTS:
            expected = [run.summary[key] for run in plain]
            check(f"table: {key} is that of plain runs", numpy.allclose(results[key], expected, rtol=1e-9), expected)
        members = read_summary(together / "points-00000-00005")
        check("summary of the batch: six members", members and members["members"] == 6)

        for what, options, ranks in [("batches of 4 on 2 ranks", ["--batch", 4], 2), ("alone", ["--batch", 1], None),
                                     ("reference backend", ["--backend", "/cpu/serial"], None)]:
            out = folder / what.replace(" ", "_")
            call("sweep", job, "--out", out, *options, ranks=ranks)
            check.equal(f"{what}: digests", table(out / "sweep.h5")[3], digests)

        array(check, folder, job, digests)
        refusals(check, folder, job)


def single(folder, i, ampa, gaba):
    job = folder / "single.yaml"
    job.write_text(TEXT[:TEXT.index("sweep:")])
    return Run(job, folder / f"plain{i}", {"brain.params.g_AMPA_mS_cm2": ampa, "brain.params.g_GABA_A_mS_cm2": gaba})


def array(check, folder, job, digests):
    """Tasks in any order, some missing; then the script a cluster runs."""
    out = folder / "array"
    for point in (4, 1):
        call("sweep", job, "--point", point, "--out", out)
    done = call("sweep", job, "--collect", "--out", out)
    _, _, finished, found, results = table(out / "sweep.h5")
    check.equal("array: what is there is gathered", (finished, found), ([0, 1, 0, 0, 1, 0], ["", digests[1], "", "", digests[4], ""]))
    check("array: the rest is NaN", numpy.isnan(results["mean_rate_hz"][[0, 2, 3, 5]]).all())
    check("array: a warning counts", "2 of 6 points" in done.stderr, done.stderr.strip())
    script = ROOT / "jobs" / "slurm" / "sweep.sbatch"
    for point in (0, 2, 3, 5):
        environment = {**os.environ, **ENVIRONMENT, "OMP_NUM_THREADS": "1", "SLURM_ARRAY_TASK_ID": str(point), "CALLOSUM": PROGRAM}
        environment.pop("SLURM_JOB_ID", None)
        ran = subprocess.run(["sh", str(script), str(job), str(out)], env=environment, capture_output=True, text=True, check=False)
        if ran.returncode:
            print(ran.stdout, ran.stderr)
    check.equal("array: all tasks", table(out / "sweep.h5")[3], digests)


def refusals(check, folder, job):
    out = folder / "never"
    for name, arguments, words in [
            ("run of a sweep", ["run", job, "--out", out], ["callosum sweep"]),
            ("sweep without a section", ["sweep", folder / "single.yaml", "--out", out], ["no section sweep"]),
            ("values that are no list", ["sweep", job, "--out", out, "--set", "sweep={brain.coupling: 1}"], ["sweep.brain.coupling", "'1'", "a list"]),
            ("unknown key", ["sweep", job, "--out", out, "--set", "sweep={brain.coupeling: [1]}"], ["point 0", "coupling"]),
            ("a bad value of the last point", ["sweep", job, "--out", out, "--set", "sweep={brain.coupling: [1, 2, -1]}"], ["point 2", "-1"]),
            ("members of its own", ["sweep", job, "--out", out, "--set", "simulation.members=2"], ["members", "expected 1"]),
            ("point beyond the grid", ["sweep", job, "--out", out, "--point", 6], ["--point 6", "0 to 5"]),
            ("grid too large", ["sweep", job, "--out", out, "--set", f"sweep={{a: {list(range(400))}, b: {list(range(400))}}}"], ["sweep.b", "100000"]),
            ("nothing to collect", ["sweep", job, "--out", out, "--collect"], ["no finished point"])]:
        done = call(*arguments)
        lines = done.stderr.strip().splitlines()
        check(f"refused: {name}", done.returncode == 2 and len(lines) == 1 and all(w in lines[0] for w in words), done.stderr.strip()[:300])
    check("refused: nothing was written", not out.exists())
    again = call("sweep", job, "--out", folder / "together")
    check("refused: a folder with results", again.returncode == 2 and "sweep.h5" in again.stderr, again.stderr.strip()[:200])


main()

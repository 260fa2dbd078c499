"""Fits of measured brains on the first half of their recording, and free replays scored on both halves.

A subject is a folder with structural/DTI_CM.mat, structural/DTI_LEN.mat and functional/BOLD_rsfMRI.mat (jobs/examples/
gw_subject.yaml says whose). An ensemble follows the first half, by each method. Replays, in which nothing is corrected:
  replay, first half     estimated conductances volume by volume, beside the measured volumes of the same half
  mean, second half      their mean over the second half of the fit in all of the run, scored on what no fit has seen
  draw, second half      a draw from their fitted process behind the end of the fit
  plain, either half     the brain as the job has it: what a fit whose conductances do not reach the neurons replays
and forecasts of the next volume during the fit, beside those of such a fit (--control). Signals of models pass the same filter as
the measured ones. Baselines are those of jobs/report/scores.py.

    python3 benchmarks/subjects.py FOLDER... [--subjects NAP_001,...] [--method best,hmda] [--neurons N] [--members N]
                                   [--volumes N] [--control] [--no-baselines] [--ranks N] [--bin DIR] [--keep DIR]

FOLDER: of a subject, or one that holds several. With --keep, what is there already is not computed again.
"""
import argparse
import pathlib
import sys
import tempfile

import h5py
import numpy
from scipy.io import loadmat
from scipy.signal import butter, lfilter

import measure

sys.path.insert(0, str(measure.ROOT / "jobs" / "report"))
import scores  # noqa: E402

TR_S, BAND_HZ, SKIPPED_S = 2.0, (0.01, 0.1), 20.0
METHODS = {"best": ["method: letkf", "localisation: {kind: own}", "lag: 4", "innovation_limit: 3", "inflation: {kind: fixed, factor: 1.017}"],
           "hmda": ["method: hmda", "gamma: 0.5"]}
PROCESS = {"best": "{kind: random_walk, sd: 1}", "hmda": "{kind: random_walk, sd: 0.5}"}
SHOWN = (("forecast r", "fit, first half", "forecast_r"), ("replay r", "replay, first half", "replay_r"),
         ("FC, draw", "draw, second half", "fc_r"), ("FC, mean", "mean, second half", "fc_r"),
         ("FCD, draw", "draw, second half", "fcd_ks"), ("FCD, mean", "mean, second half", "fcd_ks"),
         ("spectrum, draw", "draw, second half", "spectrum"), ("spectrum, mean", "mean, second half", "spectrum"))
JOB = """\
simulation: {{duration_ms: {duration_ms}, dt_ms: 1, seed: 1, backend: /cpu/omp}}
brain:
  connectome:
    file: {folder}/structural/DTI_CM.mat
    variable: sc
    lengths: {{file: {folder}/structural/DTI_LEN.mat, variable: len}}
    lengths_unit: mm
    symmetrise: mean
  neurons: {neurons}
  indegree: 100
record: {{warmup_ms: 0, bold: {{tr_s: {tr_s}}}}}
assimilation:
  members: {members}
  {method}
  tr_s: {tr_s}
  cycles: {cycles}
  burn_in: 5
  hyperparameters:
    - name: g_AMPA
      populations: ["*"]
      parameter: g_AMPA_mS_cm2
      bounds: [0.25, 2]
      prior: {{uniform: [0.5, 1.5]}}
      process: {process}
  observations:
    - kind: bold
      file: {folder}/functional/BOLD_rsfMRI.mat
      variable: tc
      tr_s: {tr_s}
      relative_error: 0.3
      detrend: linear
      band_hz: [{band[0]}, {band[1]}]
      rescale: {{range: [0.02, 0.05]}}
      train_s: {half_s}
      stop_s: {half_s}
"""


# ---- signals [volume, region]


def band_pass(signal):
    """The causal filter of section assimilation: as if the first volume had always been."""
    low, high = (butter(2, corner, kind, fs=1 / TR_S) for corner, kind in zip(BAND_HZ, ("highpass", "lowpass")))
    return lfilter(*high, lfilter(*low, signal - signal[0], axis=0), axis=0)


def measured_signal(folder, volumes):
    """As it is assimilated but for its scale: off the line of the first half, filtered."""
    signal = loadmat(folder / "functional" / "BOLD_rsfMRI.mat")["tc"].astype(float)
    signal = (signal.T if signal.shape[0] < signal.shape[1] else signal)[:volumes]
    time, train = numpy.arange(len(signal)), len(signal) // 2
    line = numpy.polynomial.polynomial.polyfit(time[:train], signal[:train], 1)
    return band_pass(signal - numpy.polynomial.polynomial.polyval(time, line).T)


def simulated_signal(out):
    with h5py.File(out / "bold.h5") as file:
        return band_pass(file["bold/data"][()])


def forecast_scores(fit):
    with h5py.File(fit / "assimilation.h5") as file:
        found, given = file["observations/predicted_mean"][()], file["observations/observed"][()]
    skipped = round(SKIPPED_S / TR_S)
    return scores.of_forecast(found[min(skipped, len(found) // 2):], given[min(skipped, len(given) // 2):])


# ---- one subject


def job_text(options, method, folder, volumes):
    half = volumes // 2
    return JOB.format(folder=folder, duration_ms=round(1000 * TR_S * volumes), neurons=options.neurons, members=options.members,
                      method="\n  ".join(METHODS[method]), process=PROCESS[method], tr_s=TR_S, cycles=half, band=BAND_HZ,
                      half_s=half * TR_S)


def volumes_of(options, folder):
    volumes = max(loadmat(folder / "functional" / "BOLD_rsfMRI.mat")["tc"].shape)
    return min(volumes, options.volumes) if options.volumes else volumes


def replay_scores(signal, measured, rows, first, second):
    """Scores of a replay on the first half, the second, or both: names of rows, or None."""
    half = len(measured) // 2
    skipped = min(round(SKIPPED_S / TR_S), half // 2)
    if first:
        rows[first] = scores.of_replay(signal[skipped:half], measured[skipped:half], TR_S)
    if second:
        rows[second] = scores.of_signal(signal[half:], measured[half:], TR_S)


def fit(options, method, folder, out, measured):
    """{row: scores} of one method."""
    out.mkdir(parents=True, exist_ok=True)
    job, rows = out / "job.yaml", {}
    job.write_text(job_text(options, method, folder, len(measured)), encoding="utf-8")
    measure.go_on(options, "assimilate", job, out / "fit")
    rows["fit, first half"] = forecast_scores(out / "fit")
    found = ["--hyperparameters", out / "fit" / "assimilation.h5"]
    measure.go_on(options, "run", job, out / "draw", *found, "--hyperparameters-after", "draw")
    measure.go_on(options, "run", job, out / "mean", *found, "--hyperparameters-fixed", "mean")
    replay_scores(simulated_signal(out / "draw"), measured, rows, "replay, first half", "draw, second half")
    replay_scores(simulated_signal(out / "mean"), measured, rows, None, "mean, second half")
    scores.write(str(out / "fit" / "scores.h5"), TR_S, rows, measured=folder.name)
    return rows


def beside(options, folder, out, measured):
    """{row: scores} of what a fit is compared with."""
    out.mkdir(parents=True, exist_ok=True)
    job, rows = out / "job.yaml", {}
    job.write_text(job_text(options, "best", folder, len(measured)), encoding="utf-8")
    measure.go_on(options, "run", job, out / "plain")
    replay_scores(simulated_signal(out / "plain"), measured, rows, "plain, first half", "plain, second half")
    if options.control:
        measure.go_on(options, "assimilate", job, out / "control", "--set", "assimilation.control=true")
        rows["control, first half"] = forecast_scores(out / "control")
    if options.baselines:
        structure = loadmat(folder / "structural" / "DTI_CM.mat")["sc"].astype(float)
        for name, row in scores.baselines(measured, TR_S, structure).items():
            rows[f"baseline: {name}"] = row
    return rows


def subject(options, folder, out):
    measured = measured_signal(folder, volumes_of(options, folder))
    rows = {method: fit(options, method, folder, out / method, measured) for method in options.methods}
    rows["beside"] = beside(options, folder, out / "beside", measured)
    return rows


# ---- tables


def print_fits(results):
    """One row for each subject and method."""
    print("| subject | method | " + " | ".join(title for title, _, _ in SHOWN) + " |")
    print("|---|---|" + "---|" * len(SHOWN))
    for name, rows in results.items():
        for method in rows:
            values = [rows[method].get(row, {}).get(key) for _, row, key in SHOWN]
            if method != "beside":
                print(f"| {name} | {method} | " + " | ".join("" if v is None else f"{v:.3f}" for v in values) + " |")


def print_beside(results):
    """One row for each thing to compare with: subjects in columns."""
    print("| beside them | score | " + " | ".join(results) + " |")
    print("|---|---|" + "---|" * len(results))
    for row in next(iter(results.values()))["beside"]:
        for key in scores.SCORES:
            values = [rows["beside"][row].get(key) for rows in results.values()]
            if all(v is not None for v in values):
                print(f"| {row} | {key} | " + " | ".join(f"{v:.3f}" for v in values) + " |")


def find(folders):
    found = []
    for folder in map(pathlib.Path.resolve, folders):
        found += [folder] if (folder / "functional").is_dir() else sorted(f.parent for f in folder.glob("**/functional"))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=pathlib.Path, default=[measure.ROOT / ".." / "shared" / "data" / "gw"])
    parser.add_argument("--subjects", help="names of folders, with commas")
    parser.add_argument("--method", default="best,hmda")
    parser.add_argument("--neurons", type=int, default=10000)
    parser.add_argument("--members", type=int, default=30)
    parser.add_argument("--volumes", type=int, help="of both halves; left out: all")
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--no-baselines", dest="baselines", action="store_false")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--bin", type=pathlib.Path, default=measure.ROOT / "build" / "release" / "bin")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for all results")
    options = parser.parse_args()
    options.bin, options.methods = options.bin.resolve(), options.method.split(",")
    if not set(options.methods) <= set(METHODS):
        parser.error(f"--method: expected {', '.join(METHODS)}, or several with commas")
    wanted = options.subjects.split(",") if options.subjects else None
    folders = [f for f in find(options.folders) if not wanted or f.name in wanted]
    if not folders or (wanted and len(folders) < len(wanted)):
        parser.error(f"found {', '.join(f.name for f in folders) or 'no subject'} in {', '.join(map(str, options.folders))}")
    with tempfile.TemporaryDirectory(prefix="callosum_subjects_") as scratch:
        top = (options.keep or pathlib.Path(scratch)).resolve()
        results = {folder.name: subject(options, folder, top / folder.name) for folder in folders}
    print(f"{options.neurons:,} neurons, {options.members} members, TR {TR_S:g} s"
          f"{f', {options.volumes} volumes' if options.volumes else ''}. "
          f"`benchmarks/{' '.join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]])}` on {measure.machine()}; commit {measure.commit()}.\n")
    print_fits(results)
    print()
    print_beside(results)


if __name__ == "__main__":
    main()

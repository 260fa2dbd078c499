"""Fits of measured brains on the first half of their recording, and free replays scored on both halves.

A subject is a folder with structural/DTI_CM.mat, structural/DTI_LEN.mat and functional/BOLD_rsfMRI.mat (jobs/examples/
gw_subject.yaml says whose). An ensemble follows the first half. Replays, in which nothing is corrected:
  replay, first half     estimated conductances cycle by cycle, beside the measured volumes of the same half
  mean, second half      their mean over the second half of the fit in all of the run, scored on what no fit has seen
  draw, second half      a draw from their fitted process behind the end of the fit
  plain, second half     the brain as the job has it
and forecasts of the next volume during the fit; control: those of a fit whose conductances do not reach the neurons. Signals of
models pass the same filter as the measured ones. Baselines are those of jobs/report/scores.py.

    python3 benchmarks/subjects.py FOLDER... [--subjects NAP_001,...] [--method best|hmda] [--neurons N] [--members N]
                                   [--cycles VOLUMES] [--control] [--no-baselines] [--ranks N] [--bin DIR] [--keep DIR]

FOLDER: of a subject, or one that holds several.
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
METHODS = {"best": "method: letkf\n  localisation: {kind: own}\n  lag: 4\n  innovation_limit: 3\n  inflation: {kind: fixed, factor: 1.017}", "hmda": "method: hmda\n  gamma: 0.5"}
PROCESS = {"best": "{kind: random_walk, sd: 1}", "hmda": "{kind: random_walk, sd: 0.5}"}
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


def call(options, command, job, out, *more):
    launcher = ["mpirun", "--oversubscribe", "-n", options.ranks] if options.ranks > 1 else []
    print(f"{command} {out.parent.name}/{out.name}", file=sys.stderr, flush=True)
    measure.output([*launcher, options.bin / "callosum", command, job, "--out", out, "--quiet", *more])


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


def subject(options, folder, out):
    out.mkdir(parents=True)
    volumes = max(loadmat(folder / "functional" / "BOLD_rsfMRI.mat")["tc"].shape)
    volumes = min(volumes, options.cycles) if options.cycles else volumes
    half = volumes // 2
    job = out / "job.yaml"
    job.write_text(JOB.format(folder=folder, duration_ms=round(1000 * TR_S * volumes), neurons=options.neurons, members=options.members,
                              method=METHODS[options.method], process=PROCESS[options.method], tr_s=TR_S, cycles=half, band=BAND_HZ,
                              half_s=half * TR_S), encoding="utf-8")
    measured = measured_signal(folder, volumes)
    skipped = min(round(SKIPPED_S / TR_S), half // 2)
    rows = {}
    call(options, "assimilate", job, out / "fit")
    rows["fit, first half"] = forecast_scores(out / "fit")
    if options.control:
        call(options, "assimilate", job, out / "control", "--set", "assimilation.control=true")
        rows["control, first half"] = forecast_scores(out / "control")
    fit = ["--hyperparameters", out / "fit" / "assimilation.h5"]
    call(options, "run", job, out / "draw", *fit, "--hyperparameters-after", "draw")
    call(options, "run", job, out / "mean", *fit, "--hyperparameters-fixed", "mean")
    call(options, "run", job, out / "plain")
    drawn, plain = simulated_signal(out / "draw"), simulated_signal(out / "plain")
    rows["replay, first half"] = scores.of_replay(drawn[skipped:half], measured[skipped:half], TR_S)
    rows["plain, first half"] = scores.of_replay(plain[skipped:half], measured[skipped:half], TR_S)
    second = measured[half:]
    rows["mean, second half"] = scores.of_signal(simulated_signal(out / "mean")[half:], second, TR_S)
    rows["draw, second half"] = scores.of_signal(drawn[half:], second, TR_S)
    rows["plain, second half"] = scores.of_signal(plain[half:], second, TR_S)
    if options.baselines:
        structure = loadmat(folder / "structural" / "DTI_CM.mat")["sc"].astype(float)
        for name, row in scores.baselines(measured, TR_S, structure).items():
            rows[f"baseline: {name}"] = row
    scores.write(str(out / "scores.json"), TR_S, rows, measured=folder.name)
    return rows


def print_table(options, results):
    print(f"{options.neurons:,} neurons, {options.members} members, {options.method}, TR {TR_S:g} s"
          f"{f', {options.cycles} volumes' if options.cycles else ''}. "
          f"`benchmarks/{' '.join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]])}` on {measure.machine()}; commit "
          f"{measure.commit()}; means over {', '.join(results)}, in brackets the least and the greatest.\n")
    print("| what | " + " | ".join(scores.SCORES) + " |")
    print("|---|" + "---|" * len(scores.SCORES))
    for name in next(iter(results.values())):
        cells = []
        for key in scores.SCORES:
            values = [rows[name][key] for rows in results.values() if key in rows[name] and numpy.isfinite(rows[name][key])]
            spread = f" ({min(values):.3f}-{max(values):.3f})" if len(values) > 1 else ""
            cells.append(f"{numpy.mean(values):.3f}{spread}" if values else "")
        print(f"| {name} | " + " | ".join(cells) + " |")


def find(folders):
    found = []
    for folder in map(pathlib.Path.resolve, folders):
        found += [folder] if (folder / "functional").is_dir() else sorted(f.parent for f in folder.glob("**/functional"))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=pathlib.Path, default=[measure.ROOT / ".." / "shared" / "data" / "gw"])
    parser.add_argument("--subjects", help="names of folders, with commas")
    parser.add_argument("--method", choices=METHODS, default="best")
    parser.add_argument("--neurons", type=int, default=10000)
    parser.add_argument("--members", type=int, default=30)
    parser.add_argument("--cycles", type=int, help="volumes of both halves; left out: all")
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--no-baselines", dest="baselines", action="store_false")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--bin", type=pathlib.Path, default=measure.ROOT / "build" / "release" / "bin")
    parser.add_argument("--keep", type=pathlib.Path, help="new folder for all results")
    options = parser.parse_args()
    options.bin = options.bin.resolve()
    wanted = options.subjects.split(",") if options.subjects else None
    folders = [f for f in find(options.folders) if not wanted or f.name in wanted]
    if not folders or (wanted and len(folders) < len(wanted)):
        parser.error(f"found {', '.join(f.name for f in folders) or 'no subject'} in {', '.join(map(str, options.folders))}")
    with tempfile.TemporaryDirectory(prefix="callosum_subjects_") as scratch:
        top = (options.keep or pathlib.Path(scratch)).resolve()
        results = {folder.name: subject(options, folder, top / folder.name) for folder in folders}
    print_table(options, results)


if __name__ == "__main__":
    main()

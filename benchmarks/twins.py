"""Twin experiments: jobs/examples/twin.yaml follows a brain whose conductances are known, and what it estimates is replayed.

identical: the truth has the members' synapses; fraternal (twin_fraternal.yaml): others, and a background 10 % more variable; moving:
true values are mirrored half-way; pair: a second hyperparameter scales the same conductances, so that only their product can be
known. Beside the fit stand its prior and, with --global, a fit of one value for all regions (etkf). Each is replayed freely, with
what was estimated cycle by cycle where the truth moves, else with its mean over the second half of the cycles: correlation over
regions of mean rates, and over pairs of functional connectivity, with those of a replay of the truth; in brackets what another
replay of the truth, with other noise, reaches.

    python3 benchmarks/twins.py [--kind identical,fraternal,moving,pair] [--seeds 1,2,3] [--neurons N] [--members N] [--cycles N]
                                [--replay-s SECONDS | --no-replay] [--global] [--ranks N] [--bin DIR] [--keep DIR]

With --keep, what is there already is not computed again.
"""
import argparse
import json
import pathlib
import sys
import tempfile

import h5py
import numpy

import measure

sys.path.insert(0, str(measure.ROOT / "jobs" / "report"))
from scores import correlation, fc, fc_correlation  # noqa: E402

TR_S, WARMUP_S, LAST, NAME = 0.8, 20, 30, "g_AMPA"
KINDS = ("identical", "fraternal", "moving", "pair")
TWIN_LINE = "  twin: {truth: [0.5, 1.5], seed: 7}\n"
INPUTS = [{"model": "ou", "tau_ms": 4, "mean": 0.4, "sd": 0.165}]  # of the truth of fraternal twins
PAIR = """\
    - name: same
      populations: ["*"]
      parameter: g_AMPA_mS_cm2
      bounds: [0.25, 2]
      prior: {uniform: [0.5, 1.5]}
      process: {kind: random_walk, sd: 0.03}
"""


def call(options, command, job, out, values, *more):
    settings = []
    for key, value in values.items():
        settings += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
    measure.go_on(options, command, job, out, *settings, *more)


def truth_settings(kind, seed, cycles):
    """(what is set in the job of the truth, options of the twin)"""
    own = {"simulation.seed": 1000 + seed, "brain.inputs": INPUTS} if kind == "fraternal" else {}
    twin = {"assimilation.twin.set": own} if own else {}
    if kind == "moving":
        twin["assimilation.twin.mirror_at_s"] = cycles * TR_S / 2
    return own, twin


def edited(job, *edits):
    """The text of jobs/examples/twin.yaml with parts of it replaced, as the file `job`."""
    text = (measure.EXAMPLES / "twin.yaml").read_text(encoding="utf-8")
    for old, new in edits:
        if old not in text:
            sys.exit(f"jobs/examples/twin.yaml: expected {old.strip()}")
        text = text.replace(old, new)
    job.write_text(text, encoding="utf-8")
    return job


def job_of(kind, folder):
    if kind == "pair":
        return edited(folder / "pair.yaml", ("  observations:\n", PAIR + "  observations:\n"))
    return measure.EXAMPLES / ("twin_fraternal.yaml" if kind == "fraternal" else "twin.yaml")


def global_job(folder, fit):
    """twin.yaml with one value for all regions, which follows what the fit was given. It knows of no nuisances."""
    with h5py.File(fit / "assimilation.h5") as file:
        names, observed = file["regions/name"].asstr()[()], file["observations/observed"][()]
        series = numpy.full((len(observed), len(names)), numpy.nan)
        series[:, file["observations/site"][()]] = observed
    numpy.savetxt(folder / "observed.tsv", series, "%.17g", "\t", header="\t".join(names), comments="")
    return edited(folder / "global.yaml", (TWIN_LINE, ""), ("per: region", "per: shared"), ("method: letkf", "method: etkf"),
                  ("kind: own", "kind: none"), ("{kind: bold,", "{kind: bold, file: observed.tsv,"))


def flagged(fit):
    """(regions in which the pair is flagged as one that the data do not separate, regions that are observed)"""
    with h5py.File(fit / "assimilation.h5") as file:
        return len(file["diagnostics/confounded"]), len(file["observations/site"])


def estimates(fit, cycle):
    with h5py.File(fit / "assimilation.h5") as file:
        group = file[f"hyperparameters/{NAME}"]
        return [group[what][cycle] for what in ("median", "q05", "q95")]


def errors(fit, truth, cycle):
    """Median and 90th percentile over regions of the relative error of the median; coverage of 90 % intervals there."""
    median, low, high = estimates(fit, cycle)
    true = truth[cycle]
    relative = numpy.abs(median - true) / true
    return numpy.median(relative), numpy.quantile(relative, 0.9), numpy.mean((low <= true) & (true <= high))


def coverage(fit, truth):
    """Over the last cycles."""
    cycles = range(max(0, len(truth) - LAST), len(truth))
    return numpy.mean([errors(fit, truth, cycle)[2] for cycle in cycles])


def replay(options, job, file, out, values, members=1, more=()):
    """[member] (regions' mean rates, functional connectivity) behind the warm-up."""
    record = {"warmup_ms": 0, "bold": {"tr_s": TR_S}}
    call(options, "run", job, out, {**values, "simulation.duration_ms": 1000 * options.replay_s, "simulation.members": members,
                                    "record": record}, "--hyperparameters", file, *more)
    with h5py.File(out / "bold.h5") as result:
        kept = result["bold/time_s"][()] > min(WARMUP_S, options.replay_s / 4)
        bold, rate = result["bold/data"][()][kept], result["rates_per_tr"][()][kept]
    if bold.ndim == 2:
        bold, rate = bold[:, None], rate[:, None]
    return [(rate[:, m].mean(axis=0), fc(bold[:, m])) for m in range(members)]


def likeness(one, other):
    return correlation(one[0], other[0]), fc_correlation(one[1], other[1])


def experiment(options, folder, kind, seed):
    folder.mkdir(parents=True, exist_ok=True)
    job = job_of(kind, folder)
    own, twin = truth_settings(kind, seed, options.cycles)
    values = {"simulation.seed": seed, "brain.neurons": options.neurons, "assimilation.members": options.members,
              "simulation.duration_ms": round(1000 * TR_S * options.cycles), "assimilation.cycles": options.cycles}
    call(options, "assimilate", job, folder / "fit", {**values, "assimilation.twin.seed": 7 * seed - 6, **twin})
    if kind == "pair":
        return {"flagged": flagged(folder / "fit")}
    with h5py.File(folder / "fit" / "truth.h5") as file:
        truth = file[f"hyperparameters/{NAME}/mean"][()]
    jobs = {"fit": job}
    rows = {"fit": None, "prior": errors(folder / "fit", truth, 0)}
    if options.shared:
        jobs["global"] = global_job(folder, folder / "fit")
        call(options, "assimilate", jobs["global"], folder / "global", values)
    for name in jobs:
        rows[name] = (*errors(folder / name, truth, -1)[:2], coverage(folder / name, truth))
    if options.replay_s:
        first, second = replay(options, job, folder / "fit" / "truth.h5", folder / "truth_replay", {**values, **own}, 2)
        most = likeness(second, first)
        more = () if kind == "moving" else ("--hyperparameters-fixed", "mean")
        for name, of in jobs.items():
            found = replay(options, of, folder / name / "assimilation.h5", folder / f"{name}_replay", values, more=more)[0]
            rows[name] += (*likeness(found, first), *most)
    return rows


def print_pairs(by_seed):
    for rows in by_seed:
        print(f"Of a pair that cannot be told apart, {rows['flagged'][0]} of {rows['flagged'][1]} regions were flagged.")


def print_table(options, results):
    print(f"{options.neurons:,} neurons, {options.members} members, {options.cycles} cycles of {TR_S} s, replays of "
          f"{options.replay_s:g} s. `benchmarks/{' '.join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]])}` on "
          f"{measure.machine()}; commit {measure.commit()}; means over seeds {', '.join(map(str, options.seeds))}, errors also the greatest.\n")
    print("| twin | estimate | median relative error | 90th percentile | coverage of 90 % intervals | rates r | FC r |")
    print("|---|---|---|---|---|---|---|")
    for kind, by_seed in results.items():
        for name in by_seed[0] if kind != "pair" else ():
            rows = numpy.array([rows[name] for rows in by_seed])
            mean, most = rows.mean(axis=0), rows.max(axis=0)
            cells = [f"{mean[0]:.4f}, {most[0]:.4f}", f"{mean[1]:.4f}, {most[1]:.4f}", f"{mean[2]:.3f}"]
            cells += [f"{mean[3]:.3f} ({mean[5]:.3f})", f"{mean[4]:.3f} ({mean[6]:.3f})"] if len(mean) > 3 else ["", ""]
            print(f"| {kind} | {name} | " + " | ".join(cells) + " |")
    print()
    print_pairs(results.get("pair", []))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default="identical,fraternal,moving")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--neurons", type=int, default=20000)
    parser.add_argument("--members", type=int, default=40)
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--replay-s", type=float, default=180)
    parser.add_argument("--no-replay", action="store_true")
    parser.add_argument("--global", dest="shared", action="store_true")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--bin", type=pathlib.Path, default=measure.ROOT / "build" / "release" / "bin")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for all results")
    options = parser.parse_args()
    options.seeds = [int(seed) for seed in options.seeds.split(",")]
    options.replay_s = 0 if options.no_replay else options.replay_s
    kinds = options.kind.split(",")
    if not set(kinds) <= set(KINDS):
        parser.error(f"--kind: expected {', '.join(KINDS)}, or several with commas")
    with tempfile.TemporaryDirectory(prefix="callosum_twins_") as scratch:
        top = options.keep or pathlib.Path(scratch)
        results = {kind: [experiment(options, top.resolve() / f"{kind}{seed}", kind, seed) for seed in options.seeds]
                   for kind in kinds}
    print_table(options, results)


if __name__ == "__main__":
    main()

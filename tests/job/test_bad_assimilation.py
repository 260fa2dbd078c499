#!/usr/bin/env python3
"""What is wrong with section `assimilation:` is refused when the job is read: exit code 2, one message in one line that
names what is wrong, where, and what was expected; nothing is written.

  test_bad_assimilation.py CALLOSUM
"""
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

try:
    import h5py
    import numpy
except ImportError as error:
    print(f"skipped: this Python has no {error.name}")
    sys.exit(77)

TWIN = """\
simulation: {duration_ms: 16000}
brain: {neurons: 500, connectome: {generator: {regions: 4}}}
stimuli: [{name: tone, on: "*/E", model: ou, mean: 0.1}]
assimilation:
  members: 8
  hyperparameters:
    - {name: h, populations: "*/E", parameter: g_AMPA_mS_cm2, bounds: [0.25, 2]}
  observations:
    - {kind: bold, error: 5e-4}
  twin: {truth: [0.5, 1.5]}
"""
FILE = TWIN.replace("  twin: {truth: [0.5, 1.5]}\n", "").replace("error: 5e-4", "error: 5e-4, file: DIR/good.tsv")
WRITTEN = """\
simulation: {duration_ms: 16000}
populations: [{name: A, n: 20, model: lif_dtb, inputs: [{model: ou}, {model: ou}]}, {name: B, n: 20, model: lif_psc_exp}]
assimilation:
  hyperparameters: [{name: h, populations: A, parameter: g_AMPA_mS_cm2, bounds: [0.25, 2]}]
  observations: [{kind: rate, error: 1}]
  twin: {}
"""
A, H, O, T = "assimilation.", "assimilation.hyperparameters.0.", "assimilation.observations.0.", "assimilation.twin."


def hyper(text):
    return A + "hyperparameters=[{name: h, populations: '*/E', " + text + "}]"


def source(text):
    """h becomes a parameter of an input."""
    return hyper("bounds: [0.5, 2], input: {" + text + "}")


def observed(text):
    return A + "observations=[{kind: bold, error: 1, " + text + "}]"


# (name, job, options of --set, what the message must say); DIR stands for the folder of files, JOB for the job's path.
CASES = [
    ("unknown key", TWIN.replace("members: 8", "member: 8"), [], ["JOB:5: assimilation.member:", "did you mean 'members'"]),
    ("one member", TWIN.replace("members: 8", "members: 1"), [], ["JOB:5: assimilation.members: value '1'", "from 2 to"]),
    ("members needed", TWIN, [A + "min_members=9"], [A + "min_members: value 9", "of 8 members"]),
    ("members needed at all", TWIN, [A + "min_members=1"], [A + "min_members: value '1'", "from 2 to"]),
    ("method", TWIN, [A + "method=letfk"], [A + "method: value 'letfk'", "letkf, ensrf"]),
    ("cycle and millisecond", TWIN, [A + "tr_s=0.8005"], [A + "tr_s: value '0.8005'", "multiple of 1 ms"]),
    ("cycle and step", TWIN, [A + "tr_s=0.8", "simulation.dt_ms=0.3", "simulation.duration_ms=15000"],
     [A + "tr_s: value '0.8'", "multiple of simulation.dt_ms"]),
    ("cycle beyond the run", TWIN, [A + "tr_s=17"], [A + "tr_s", "17 s", "simulation.duration_ms, which is 16000"]),
    ("cycles", TWIN, [A + "cycles=21"], [A + "cycles: value 21", "at most 20"]),
    ("burn-in", TWIN, [A + "cycles=5"], ["JOB:", "assimilation: burn_in 5 of 5 cycles"]),
    ("written burn-in", TWIN, [A + "burn_in=20"], [A + "burn_in: burn_in 20 of 20 cycles"]),
    ("no hyperparameters", TWIN, [A + "hyperparameters=[]"], [A + "hyperparameters: a list of 0"]),
    ("no observations", TWIN, [A + "observations=[]"], [A + "observations: a list of 0"]),
    ("section without observations", TWIN, ["assimilation={hyperparameters: []}"], ["'observations' is missing"]),
    # ---- method
    ("letkf without localisation", TWIN, [A + "localisation={kind: none}"], [A + "localisation.kind: value 'none'", "letkf", "own, distance"]),
    ("localisation", TWIN, [A + "localisation={kind: near}"], [A + "localisation.kind: value 'near'", "none, own, distance, connectome"]),
    ("localisation without width", TWIN, [A + "localisation={kind: distance}"], [A + "localisation", "'half_width_mm' is missing"]),
    ("width of nothing", TWIN, [A + "localisation={kind: own, half_width_mm: 5}"], [A + "localisation.half_width_mm", "kind: distance or connectome"]),
    ("no centres", TWIN, ["brain.connectome={file: DIR/w.csv}", A + "localisation={kind: distance, half_width_mm: 5}"],
     [A + "localisation.kind: value 'distance'", "region R001 has no centre"]),
    ("no regions to be apart", WRITTEN, [A + "localisation={kind: distance, half_width_mm: 5}"], [A + "localisation.kind", "no centres"]),
    ("no connectome", WRITTEN, [A + "localisation={kind: connectome, half_width_mm: 5}"], [A + "localisation.kind", "no section brain"]),
    ("passes of a filter", TWIN, [A + "passes=3"], [A + "passes: value '3'", "esmda or ies"]),
    ("window of a filter", TWIN, [A + "method=enkf", A + "window=3"], [A + "window: value '3'", "esmda or ies"]),
    ("gamma", TWIN, [A + "gamma=0.3"], [A + "gamma: value '0.3'", "hmda"]),
    ("rotation", TWIN, [A + "method=enkf", A + "rotate=true"], [A + "rotate: value 'true'", "etkf, letkf or ensrf"]),
    ("inflation", TWIN, [A + "inflation={kind: fix}"], [A + "inflation.kind: value 'fix'", "none, fixed, rtps, adaptive"]),
    ("inflation of another kind", TWIN, [A + "inflation={kind: fixed, alpha: 0.5}"], [A + "inflation.alpha: value '0.5'", "rtps"]),
    ("deflation", TWIN, [A + "inflation={kind: fixed, factor: 0.9}"], [A + "inflation.factor: value '0.9'", "from 1 to"]),
    # ---- hyperparameters
    ("name", TWIN, [H + "name=a/b"], [H + "name", "'a/b'", "letters"]),
    ("long name", TWIN, [H + "name=" + "n" * 64], [H + "name", "64 letters", "at most 63"]),
    ("name twice", TWIN, [A + "hyperparameters.1={name: h, populations: '*/E', receptor: AMPA, bounds: [0.5, 2]}"],
     [A + "hyperparameters.1.name: value 'h'", "twice"]),
    ("nobody", TWIN, [H + "populations='*/X'"], [H + "populations: value '*/X'", "none of 8 populations", "'L000/E'"]),
    ("nobody of a name", TWIN, [H + "populations=[L000/E, L009/E]"], [H + "populations.1: value 'L009/E'", "a population"]),
    ("parameter", TWIN, [H + "parameter=g_AMPA"], [H + "parameter", "lif_dtb", "'g_AMPA'", "did you mean 'g_AMPA_mS_cm2'"]),
    ("parameter of one of two models", WRITTEN, [H + "populations='*'"], [H + "parameter", "lif_psc_exp, the model of B", "'g_AMPA_mS_cm2'"]),
    ("receptor", TWIN, [hyper("receptor: AMAP, bounds: [0.5, 2]")], [H + "receptor", "'AMAP'", "did you mean 'AMPA'"]),
    ("receptor set", TWIN, [hyper("receptor: AMPA, bounds: [0.5, 2], relative: false")], [H + "relative: value 'false'", "multiplied"]),
    ("parameter and receptor", TWIN, [H + "receptor=AMPA"], [H[:-1] + ": 2 of the keys parameter, receptor and input"]),
    ("nothing", TWIN, [hyper("bounds: [0.5, 2]")], [H[:-1] + ": 0 of the keys parameter, receptor and input"]),
    ("projections", TWIN, [H + "projections='*->*'"], [H + "projections", "the same in all members", "receptor: NAME"]),
    ("factor of 0", TWIN, [H + "parameter=g_NMDA_mS_cm2"], [H[:-1] + ": g_NMDA_mS_cm2 of population L000/E is 0", "relative: false"]),
    ("bounds beyond the model", TWIN, [hyper("parameter: g_AMPA_mS_cm2, relative: false, bounds: [-1, 2]")],
     [H + "bounds: [-1, 2]", "g_AMPA_mS_cm2 of population L000/E"]),
    ("no bounds", TWIN, [hyper("receptor: AMPA")], [H[:-1] + ": key 'bounds' is missing", "logit"]),
    ("bounds of log", TWIN, [hyper("receptor: AMPA, transform: log, bounds: [0, 2]")], [H + "bounds: [0, 2]", "above 0", "log"]),
    ("neither prior nor bounds", TWIN, [hyper("receptor: AMPA, transform: log")], [H[:-1] + ": neither prior nor bounds"]),
    ("negative factor", TWIN, [hyper("receptor: AMPA, bounds: [-1, 2]")], [H + "bounds: [-1, 2]", "at least 0"]),
    ("bounds upside down", TWIN, [H + "bounds=[2, 1]"], [H + "bounds: [2, 1]", "the lower value first"]),
    ("one bound", TWIN, [H + "bounds=[2]"], [H + "bounds: a list of another length", "[low, high]"]),
    ("bound of a word", TWIN, [H + "bounds=[low, 2]"], [H + "bounds.0: value 'low'", "a number"]),
    ("prior beyond bounds", TWIN, [H + "prior={uniform: [0.1, 1]}"], [H + "prior.uniform: [0.1, 1]", "within the bounds [0.25, 2]"]),
    ("mean beyond bounds", TWIN, [H + "prior={mean: 3, sd: 1}"], [H + "prior.mean: value 3", "within the bounds [0.25, 2]"]),
    ("mean on a bound", TWIN, [H + "prior={mean: 2, sd: 1}"], [H + "prior.mean: value 2", "is a bound"]),
    ("mean without log", TWIN, [hyper("receptor: AMPA, transform: log, prior: {mean: -1, sd: 1}")], [H + "prior.mean: -1", "above 0"]),
    ("half a prior", TWIN, [H + "prior={mean: 1}"], [H + "prior: expected {uniform: [a, b]}, or {mean"]),
    ("two priors", TWIN, [H + "prior={mean: 1, sd: 1, uniform: [0.5, 1]}"], [H + "prior: expected {uniform"]),
    ("deviations of nothing", TWIN, [H + "deviation_sd=1"], [H + "deviation_sd: value '1'", "hierarchical"]),
    ("process", TWIN, [H + "process={kind: walk}"], [H + "process.kind: value 'walk'", "random_walk, persistence"]),
    ("time constant of a walk", TWIN, [H + "process={tau_s: 3}"], [H + "process.tau_s: value '3'", "persistence"]),
    ("nothing to update", TWIN, [H + "update=false"], [A + "hyperparameters: none is corrected", "update: true"]),
    ("truth without twin", FILE, [H + "truth=[0.5, 1]"], [H + "truth", "with a twin"]),
    ("own truth beyond bounds", TWIN, [H + "truth=[0.1, 1]"], [H + "truth: [0.1, 1]", "within the bounds"]),
    # ---- inputs
    ("input of a model nobody has", TWIN, [source("model: dc, parameter: amplitude_pA")],
     [H + "input.model: 0 inputs of population L000/E are of model 'dc'", "0 ou, 1 ou"]),
    ("input of no model", TWIN, [source("model: uo, parameter: mean")], [H + "input.model", "'uo'"]),
    ("two inputs", WRITTEN, [H + "parameter=E", A + "hyperparameters=[{name: h, populations: A, bounds: [0.5, 2], input: {model: ou, parameter: mean}}]"],
     [H + "input.model: 2 inputs of population A", "exactly one"]),
    ("number of an input", TWIN, [source("number: 2, parameter: mean")], [H + "input.number: value 2", "has 2 inputs"]),
    ("stimulus", TWIN, [source("stimulus: tune, parameter: mean")], [H + "input.stimulus", "'tune'", "did you mean 'tone'"]),
    ("stimulus elsewhere", TWIN, ["stimuli.0.on=L000/E", source("stimulus: tone, parameter: mean")],
     [H + "input.stimulus: 0 inputs of population L001/E are stimulus 'tone'"]),
    ("no stimuli", WRITTEN, [A + "hyperparameters=[{name: h, populations: A, bounds: [0.5, 2], input: {stimulus: s, parameter: mean}}]"],
     [H + "input.stimulus: value 's'", "no section stimuli"]),
    ("parameter of an input", TWIN, [source("stimulus: tone, parameter: men")], [H + "input.parameter", "'men'", "did you mean 'mean'"]),
    ("input by two names", TWIN, [source("stimulus: tone, model: ou, parameter: mean")], [H + "input: 2 of the keys model, number and stimulus"]),
    # ---- observations
    ("kind", TWIN, [O + "kind=eeg"], [O + "kind: value 'eeg'", "bold, rate, current"]),
    ("BOLD of no region", WRITTEN, [O + "kind=bold"], [O + "kind: value 'bold'", "no section brain"]),
    ("neither file nor twin", FILE, [A + "observations=[{kind: bold, error: 1}]"], [O[:-1] + ": neither a file nor a twin"]),
    ("file in a twin", TWIN, [O + "file=DIR/good.tsv"], [O + "file: value 'DIR/good.tsv'", "a twin"]),
    ("detrended twin", TWIN, [O + "detrend=mean"], [O + "detrend: value 'mean'", "with a file"]),
    ("no error", FILE, [A + "observations=[{kind: bold, file: DIR/good.tsv}]"], [O[:-1] + ": 0 of the keys error and relative_error"]),
    ("two errors", FILE, [O + "relative_error=1"], [O[:-1] + ": 2 of the keys error and relative_error"]),
    ("error of 0", FILE, [O + "error=0"], [O + "error: value '0'", "above 0"]),
    ("TR of an observation", FILE, [O + "tr_s=2"], [O + "tr_s: value 2", "which is 0.8"]),
    ("TR of a file", FILE, [O + "file=DIR/slow.tsv"], [O + "file: DIR/slow.json: RepetitionTime is 2 s", "expected 0.8 s"]),
    ("TR of an HDF5 file", FILE, [O + "file=DIR/slow.h5"], [O + "file: DIR/slow.h5: its tr_s is 2 s: expected 0.8 s"]),
    ("no such file", FILE, [O + "file=DIR/nowhere.tsv"], [O + "file", "nowhere.tsv", "No such file"]),
    ("line of a file", FILE.replace("good.tsv", "constant.tsv"), [], ["JOB:9: " + O + "file: DIR/constant.tsv: column 2 (region L001) is 5 throughout"]),
    ("words in a file", FILE, [O + "file=DIR/words.tsv"], [O + "file", "words.tsv:3", "\"much\""]),
    ("other regions", FILE, [O + "file=DIR/others.tsv"], [O + "file", "no series for 3 of 4 regions", "L001"]),
    ("hardly anything", FILE, [O + "file=DIR/gaps.tsv"], [O + "file", "of 40 values of 4 regions are missing", "at least half"]),
    ("dataset", FILE, [O + "file=DIR/slow.h5", O + "variable=x"], [O + "file", "slow.h5", "no variable x", "bold/data (float, 10 x 4)"]),
    ("broken HDF5", FILE, [O + "file=DIR/broken.h5"], [O + "file", "broken.h5", "damaged or cut-off"]),
    ("train too short", FILE, [O + "train_s=1.6"], [O + "train_s: value 1.6", "at least 3 cycles, 2.4"]),
    ("training on what is withheld", FILE, [O + "train_s=7.2", O + "stop_s=6.4"], [O + "train_s: value 7.2", "stop_s 6.4"]),
    ("nothing before stop", FILE, [O + "stop_s=0.5"], [O + "stop_s: value 0.5", "at least a cycle, 0.8"]),
    ("stop within burn-in", FILE, [O + "stop_s=4"], [O + "stop_s: value 4", "burn_in, 5 cycles"]),
    ("still training", FILE, [O + "file=DIR/late.tsv", O + "stop_s=4.8", O + "detrend=mean"],
     [O + "file", "region R000 has 6 numbers within the first 6 volumes", "do not vary"]),
    ("band", FILE, [O + "band_hz=[0.01, 0.7]"], [O + "band_hz: [0.01, 0.7]", "half the sampling rate, 0.625"]),
    ("rescale", FILE, [O + "rescale={mean: 1}"], [O + "rescale: expected {range: [low, high]}"]),
    ("withheld nobody", FILE, [O + "withhold_regions=[L000, X*]"], [O + "withhold_regions.1: value 'X*'", "no region", "'L000'"]),
    ("withheld all", FILE, [O + "withhold_regions='*'"], [O + "withhold_regions: withholds all 4"]),
    ("receptor of BOLD", FILE, [O + "receptor=AMPA"], [O + "receptor: value 'AMPA'", "kind: current"]),
    ("receptor of a current", TWIN, [A + "observations=[{kind: current, error: 1, receptor: AMPB}]"], [O + "receptor", "'AMPB'", "did you mean 'AMPA'"]),
    # ---- twin
    ("truth beyond bounds", TWIN.replace("0.5, 1.5", "0.2, 1.5"), [], ["JOB:10: " + T + "truth: [0.2, 1.5]", "[0.25, 2] of h"]),
    ("another step", TWIN, [T + "set={simulation.dt_ms: 1}"], [T + "set.simulation.dt_ms", "the twin has the simulation.dt_ms of the job"]),
    ("another assimilation", TWIN, [T + "set={assimilation.members: 3}"], [T + "set.assimilation.members", "the twin has"]),
    ("key of a twin", TWIN, [T + "sead=3"], [T + "sead", "did you mean 'seed'"]),
]
GOOD = [
    ("twin", TWIN, []), ("file", FILE, []), ("written out", WRITTEN, []),
    ("no names", FILE, [O + "file=DIR/plain.csv"]),
    ("HDF5", FILE, [A + "tr_s=2", O + "file=DIR/slow.h5"]),
    ("everything", FILE, [O + "detrend=linear", O + "band_hz=[0.01, 0.1]", O + "rescale={range: [0.02, 0.05]}", O + "train_s=4",
                          O + "stop_s=6.4", O + "withhold_regions=R*", A + "method=esmda", A + "window=4", A + "passes=2"]),
    ("two of one parameter", TWIN, [A + "hyperparameters.1={name: i, populations: '*/E', receptor: AMPA, bounds: [0.5, 2]}"]),
    ("connectome", TWIN, [A + "localisation={kind: connectome, half_width_mm: 40}"]),
    ("distance", TWIN, [A + "localisation={kind: distance, half_width_mm: 40}", A + "inflation={kind: adaptive, max: 2}"]),
]
RANKS = ["mpirun", "--oversubscribe", "-n", "3"]
ON_RANKS = ["unknown key", "no such file", "line of a file", "other regions", "stop within burn-in", "HDF5", "everything"]


def write(path, *lines):
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines).replace(" ", "\t") + "\n")


def prepare(folder):
    head = "L000 L001 R000 R001"
    rows = [f"{i} {(i * 7) % 5} {(i * 3) % 7} {-i}" for i in range(10)]
    write(f"{folder}/good.tsv", head, *rows)
    write(f"{folder}/plain.csv", *[row.replace(" ", ",") for row in rows[1:]])
    write(f"{folder}/slow.tsv", head, *rows)
    with open(f"{folder}/slow.json", "w", encoding="utf-8") as f:
        f.write('{"RepetitionTime": 2}')
    write(f"{folder}/constant.tsv", head, *[f"{i} 5 {(i * 3) % 7} {-i}" for i in range(10)])
    write(f"{folder}/words.tsv", head, rows[0], rows[1].replace("1 2", "1 much"), *rows[2:])
    write(f"{folder}/others.tsv", "L000 A B C", *rows)
    write(f"{folder}/gaps.tsv", head, *[f"{i} n/a n/a {-i if i > 1 else 'n/a'}" for i in range(10)])
    write(f"{folder}/late.tsv", head, *[f"{i} {(i * 7) % 5} {3 if i < 6 else i} {-i}" for i in range(10)])
    with open(f"{folder}/w.csv", "w", encoding="utf-8") as f:
        f.write("0,1,2,3\n1,0,1,2\n2,1,0,1\n3,2,1,0\n")
    with h5py.File(f"{folder}/slow.h5", "w") as f:
        f["bold/data"] = numpy.random.default_rng(1).random((10, 4))
        f["bold"].attrs["tr_s"] = 2.0
        f["regions/name"] = head.split()
    with open(f"{folder}/slow.h5", "rb") as f:
        whole = f.read()
    with open(f"{folder}/broken.h5", "wb") as f:
        f.write(whole[: len(whole) // 2])


def check(callosum, shared, case):
    """What is wrong with how a job is received; None: nothing. Jobs without fragments are right."""
    _, text, options, fragments, launcher = case
    with tempfile.TemporaryDirectory() as folder:
        job = f"{folder}/job.yaml"
        with open(job, "w", encoding="utf-8") as f:
            f.write(text.replace("DIR", shared))
        command = launcher + [callosum, "check", job]
        for option in options:
            command += ["--set", option.replace("DIR", shared)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=folder)
        if os.listdir(folder) != ["job.yaml"]:
            return f"wrote {os.listdir(folder)}"
        if fragments is None:
            return None if done.returncode == 0 else f"exit code {done.returncode}: {done.stderr}"
        if done.returncode != 2:
            return f"exit code {done.returncode}: {done.stderr}"
        lines = [line for line in done.stderr.splitlines() if line.startswith("callosum: ")]
        if len(lines) != 1:
            return f"not one line of 'callosum: ...': {done.stderr}"
        missing = [f for f in (x.replace("JOB", job).replace("DIR", shared) for x in fragments) if f not in lines[0]]
        return f"does not say {missing}: {lines[0]}" if missing else None


def main():
    callosum, failed = os.path.abspath(sys.argv[1]), 0
    cases = [case + ([],) for case in CASES] + [case + (None, []) for case in GOOD]
    cases += [case[:-1] + (RANKS,) for case in cases if case[0] in ON_RANKS]
    with tempfile.TemporaryDirectory() as shared, ThreadPoolExecutor(4) as pool:
        prepare(shared)
        for case, wrong in zip(cases, pool.map(lambda case: check(callosum, shared, case), cases)):
            if wrong:
                failed += 1
                print(f"FAILED {case[0]}: {wrong}")
    print(f"{len(cases) - failed} of {len(cases)} jobs are received as they should be")
    sys.exit(1 if failed else 0)


main()

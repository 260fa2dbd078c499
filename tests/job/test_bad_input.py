#!/usr/bin/env python3
"""Bad input is refused before anything is computed: exit code 2, one message in one line that names what is wrong and
where, and no folder.

  test_bad_input.py CALLOSUM
"""
import os
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

try:
    import h5py
except ImportError:
    print("skipped: this Python has no h5py")
    sys.exit(77)

GOOD = """\
simulation: {duration_ms: 10, dt_ms: 0.1}
populations:
  - {name: A, n: 20, model: lif_psc_exp, params: {tau_m_ms: 10}}
  - {name: B, n: 20, model: lif_dtb, inputs: [{model: ou}]}
projections:
  - {source: A, target: A, rule: fixed_indegree, indegree: 5, receptor: exc, weight: 10, delay_ms: 1}
  - {source: A, target: B, rule: all_to_all, receptor: excitatory, weight: [1, 0], delay_ms: 1}
record: {rates: {bin_ms: 1}}
"""
BRAIN = """\
simulation: {duration_ms: 10}
brain: {neurons: 500, connectome: {generator: {regions: 4}}}
"""



def stimulus(keys, model="poisson, rate_hz: 5, receptor: exc"):
    """A stimulus on A with further keys."""
    return "stimuli=[{name: s, on: A, model: " + model + (", " + keys if keys else "") + "}]"


def waveform(keys):
    return stimulus("waveform: {" + keys + "}")


def trains(keys):
    """A file of spikes into A, of 20 neurons."""
    return "populations.0.inputs=[{model: spike_train, " + keys + "}]"


# (name, job text, options of --set, what the message must say). FILE stands for the job file's path.
P0, J0, J1 = "populations.0.", "projections.0.", "projections.1."
CASES = [
    # ---- text that is no job
    ("no file", None, [], ["FILE", "No such file"]),
    ("empty", "", [], ["FILE", "empty"]),
    ("not YAML", GOOD + "record: [1, 2\n", [], ["FILE:", "not YAML"]),
    ("binary", "\x01\x02\x03", [], ["FILE", "not YAML"]),
    ("not a mapping", "- 1\n", [], ["FILE:1", "mapping of sections"]),
    ("key twice", GOOD + "record: {spikes: none}\n", [], ["FILE:9: record", "second time", "line 8"]),
    # ---- keys
    ("unknown section", GOOD + "simulatoin: {}\n", [], ["FILE:9: simulatoin", "did you mean 'simulation'"]),
    ("unknown key", GOOD.replace("dt_ms: 0.1", "dtms: 0.1"), [],
     ["FILE:1: simulation.dtms", "did you mean 'dt_ms'"]),
    ("unit of a key", GOOD.replace("duration_ms: 10,", "duration_s: 10,"), [],
     ["FILE:1: simulation.duration_s", "did you mean 'duration_ms'"]),
    ("missing key", GOOD.replace("duration_ms: 10, ", ""), [], ["FILE:1: simulation", "'duration_ms' is missing"]),
    ("missing section", GOOD.replace("simulation", "#"), [], ["FILE:", "'simulation' is missing"]),
    ("no network", "simulation: {duration_ms: 10}\n", [], ["FILE:1", "'brain' and 'populations'"]),
    ("two networks", GOOD + "brain: {}\n", [], ["FILE:9: brain", "'brain' and 'populations'"]),
    ("scale of a brain", BRAIN, ["scale.neurons=0.1"], ["scale", "brain"]),
    ("later section", GOOD + "checkpoint: {every_s: 600}\n", [], ["FILE:9: checkpoint", "not available"]),
    ("assimilation", GOOD, ["assimilation.members=40"], ["assimilation", "not available"]),
    # ---- values
    ("type", GOOD, ["simulation.duration_ms=soon"], ["simulation.duration_ms", "value 'soon'", "a number above 0"]),
    ("quoted number", GOOD.replace("duration_ms: 10", "duration_ms: '10'"), [], ["FILE:1: simulation.duration_ms", "a number"]),
    ("value with its unit", GOOD.replace("duration_ms: 10", "duration_ms: 10 ms"), [], ["FILE:1", "value '10 ms'"]),
    ("range", GOOD, ["simulation.dt_ms=0"], ["simulation.dt_ms", "value '0'", "from 0.001 to 10"]),
    ("NaN", GOOD, [P0 + "params.tau_m_ms=.nan"], [P0 + "params.tau_m_ms", "'.nan'", "a number"]),
    ("infinity", GOOD, [P0 + "params.V_th_mV=.inf"], [P0 + "params.V_th_mV", "'.inf'"]),
    ("whole number", GOOD, [P0 + "n=10.5"], [P0 + "n", "'10.5'", "a whole number"]),
    ("width of a population", GOOD, [P0 + "n=5e9"], [P0 + "n", "'5e9'", "4294967295"]),
    ("negative seed", GOOD, ["simulation.seed=-1"], ["simulation.seed", "'-1'"]),
    ("truth value", GOOD, [J0 + "autapses=no"], [J0 + "autapses", "'no'", "true or false"]),
    ("choice", GOOD, [J0 + "rule=fixed_outdegree"], [J0 + "rule", "'fixed_outdegree'", "pairwise_bernoulli"]),
    ("a list for a mapping", GOOD, ["record.rates=[1]"], ["record.rates", "a list", "a mapping"]),
    ("multiple of dt", GOOD, ["simulation.duration_ms=10.05"], ["simulation.duration_ms", "'10.05'", "multiple", "0.1"]),
    ("distribution", GOOD, [J0 + "weight={distribution: cauchy}"], [J0 + "weight", "'cauchy'", "lognormal"]),
    ("standard deviation", GOOD, [J0 + "weight={distribution: normal, mean: 1, sd: -1}"], [J0 + "weight.sd", "'-1'"]),
    ("redraw without end", GOOD, [J0 + "weight={distribution: normal, mean: 0, sd: 1, min: 9}"], [J0 + "weight"]),
    # ---- models
    ("unknown model", GOOD, [P0 + "model=lif_psc_xp"], [P0 + "model", "did you mean 'lif_psc_exp'"]),
    ("input as a neuron", GOOD, [P0 + "model=poisson"], [P0 + "model", "'poisson'", "lif_dtb"]),
    ("unknown parameter", GOOD, [P0 + "params.tau_ms=3"], [P0 + "params.tau_ms", "unknown key"]),
    ("parameter range", GOOD, [P0 + "params.tau_m_ms=-3"], [P0 + "params.tau_m_ms", "'-3'", "ms"]),
    ("related parameters", GOOD, [P0 + "params.V_reset_mV=-40"], ["FILE:3: " + P0 + "params", "V_reset_mV -40", "V_th_mV"]),
    ("shared parameter", GOOD, ["populations.1.inputs.0={model: poisson, rate_hz: {distribution: uniform, low: 1, high: 2}}"],
     ["populations.1.inputs.0.rate_hz", "one number"]),
    ("unknown state", GOOD, [P0 + "initial.V=-60"], [P0 + "initial.V", "V_m_mV"]),
    ("unknown receptor", GOOD, [J0 + "receptor=AMPA"], [J0 + "receptor", "'AMPA'", "exc, inh"]),
    ("no receptor", GOOD.replace(", receptor: exc", "").replace("receptor: excitatory, ", ""), [],
     ["FILE:6: projections.0", "'receptor' is missing"]),
    # ---- populations and projections
    ("same name twice", GOOD.replace("name: B", "name: A"), [], ["FILE:4: populations.1.name", "'A'", "twice"]),
    ("unknown population", GOOD, [J0 + "source=C"], [J0 + "source", "unknown population 'C'", "A, B"]),
    ("no number of the rule", GOOD.replace("indegree: 5, ", ""), [], ["FILE:6: projections.0", "'indegree' is missing"]),
    ("number of another rule", GOOD, [J0 + "total=50"], [J0 + "total", "fixed_total_number", "fixed_indegree"]),
    ("probability", GOOD, [J0 + "rule=pairwise_bernoulli", J0 + "probability=1.5"], [J0 + "probability", "'1.5'", "at most 1"]),
    ("mixture of another rule", GOOD, [J1 + "source=[{population: A}, {population: B}]"], [J1 + "source", "2 sources"]),
    ("more sources than there are", GOOD, [J0 + "multapses=false", J0 + "indegree=21"], ["FILE", "A->A", "21", "at most 20"]),
    ("one to one of different sizes", GOOD, [J1 + "rule=one_to_one", P0 + "n=21"], ["A->B", "21", "20"]),
    ("negative weight", GOOD, [J1 + "weight=[-1, 0]"], [J1 + "weight.0", "'-1'", "at least 0"]),
    ("shape of a weight", GOOD, [J0 + "weight=[1, 2]"], [J0 + "weight", "a list of 2", "one weight"]),
    ("delay below dt", GOOD, [J0 + "delay_ms=0.05"], [J0 + "delay_ms", "0.05", "simulation.dt_ms 0.1"]),
    ("width of a delay", GOOD, [J0 + "delay_ms=1638.4"], [J0 + "delay_ms", "16384 steps", "16383"]),
    ("width of summed weights", GOOD, [J0 + "weight={distribution: uniform, low: 1e-200, high: 1e200}"], ["FILE", "A->A", "1e+200"]),
    # ---- inputs and stimuli
    ("unknown input model", GOOD, ["populations.1.inputs.0.model=oo"], ["populations.1.inputs.0.model", "did you mean 'ou'"]),
    ("weight of the wrong sign", GOOD, ["populations.1.inputs=[{model: poisson, rate_hz: 5, weight: -1}]"], ["'B'", "AMPA", "-1"]),
    ("current into a relay", GOOD, ["populations.0={name: A, n: 20, model: relay, inputs: [{model: dc}]}"],
     ["populations.0.inputs.0.model", "'dc'", "relay"]),
    ("rate below 0", GOOD, [stimulus("", "poisson, rate_hz: -5")], ["stimuli.0.rate_hz", "'-5'", "from 0"]),
    ("stimulus without name", GOOD, ["stimuli=[{on: A, model: dc}]"], ["stimuli.0", "name: TEXT"]),
    ("stimulus on nobody", GOOD, ["stimuli=[{name: s, model: dc}]"], ["stimuli.0", "'on' is missing"]),
    ("stimulus on an unknown population", GOOD, ["stimuli=[{name: s, on: C, model: dc}]"], ["stimuli.0.on", "'C'"]),
    ("stimulus named twice", GOOD, ["stimuli=[{name: s, on: A, model: dc}, {name: s, on: B, model: dc}]"],
     ["stimuli.1.name", "'s'", "unique"]),
    ("stimulus through a receptor another has", GOOD, ["stimuli=[{name: s, on: '*', model: poisson, receptor: exc}]"],
     ["stimuli.0.receptor", "'exc'", "AMPA"]),
    ("fraction above 1", GOOD, [stimulus("fraction: 2")], ["stimuli.0.fraction", "'2'", "from 0 to 1"]),
    ("neurons beyond the population", GOOD, [stimulus("neurons: {first: 15, count: 6}")], ["stimuli.0.neurons", "6 neurons from 15", "20"]),
    ("neurons of an input beyond the population", GOOD, ["populations.1.inputs.0.neurons={first: 20, count: 1}"], ["'B'", "there are 20"]),
    ("waveform of an input without strength", GOOD, [trains("file: DIR/spikes.h5, waveform: {kind: step}")],
     ["populations.0.inputs.0.waveform", "unknown key"]),
    ("no waveform", GOOD, [stimulus("", "inhomogeneous_poisson")], ["stimuli.0", "'waveform' is missing"]),
    ("waveform without kind", GOOD, [waveform("value: 1")], ["stimuli.0.waveform", "kind"]),
    ("unknown kind of waveform", GOOD, [waveform("kind: square")], ["stimuli.0.waveform.kind", "'square'", "pulses"]),
    ("key of another kind of waveform", GOOD, [waveform("kind: step, period_ms: 5")], ["stimuli.0.waveform.period_ms", "unknown key"]),
    ("stop before start", GOOD, [waveform("kind: step, start_ms: 20, stop_ms: 10")], ["stimuli.0.waveform.stop_ms", "10", "after start_ms 20"]),
    ("ramp without end", GOOD, [waveform("kind: ramp, from: 0, to: 1")], ["stimuli.0.waveform", "'stop_ms' is missing"]),
    ("pulses wider than their period", GOOD, [waveform("kind: pulses, period_ms: 5, width_ms: 6")], ["stimuli.0.waveform.width_ms", "6", "period_ms 5"]),
    ("waveform of a rate below 0", GOOD, [waveform("kind: sine, frequency_hz: 5, offset: 1, amplitude: 1.5")],
     ["stimuli.0.waveform", "as low as -0.5", "negative rate"]),
    ("rate beyond the limit", GOOD, [waveform("kind: step, value: 1e8")], ["stimuli.0.waveform", "5e+08", "at most"]),
    ("waveform file missing", GOOD, [waveform("kind: samples, file: nowhere.csv")], ["stimuli.0.waveform.file", "nowhere.csv", "No such file"]),
    ("waveform file without times", GOOD, [waveform("kind: samples, file: DIR/column.csv")], ["stimuli.0.waveform.file", "one column", "interval_ms"]),
    ("waveform file that goes back", GOOD, [waveform("kind: samples, file: DIR/back.csv")], ["stimuli.0.waveform", "sample 3", "ascend"]),
    ("waveform file of words", GOOD, [waveform("kind: samples, file: DIR/words.csv")], ["stimuli.0.waveform.file", "words.csv:2", "finite number"]),
    ("waveform dataset missing", GOOD, [waveform("kind: samples, file: DIR/spikes.h5, dataset: x")], ["stimuli.0.waveform.file", "no dataset x"]),
    ("events missing", GOOD, [stimulus("events: {file: nowhere.tsv}")], ["stimuli.0.events.file", "nowhere.tsv", "No such file"]),
    ("events without onset", GOOD, [stimulus("events: {file: DIR/no_onset.tsv}")], ["stimuli.0.events.file", "no_onset.tsv:1", "'onset'"]),
    ("events without types", GOOD, [stimulus("events: {file: DIR/no_type.tsv, trial_type: go}")], ["no_type.tsv:1", "'trial_type'"]),
    ("events of no such type", GOOD, [stimulus("events: {file: DIR/events.tsv, trial_type: gone}")], ["'gone'", "there are go, stop"]),
    ("event of no duration", GOOD, [stimulus("events: {file: DIR/events.tsv, trial_type: stop}")], ["events.tsv:3", "duration 'n/a'", "seconds"]),
    # ---- spikes from files
    ("spikes without file", GOOD, [trains("weight: 1")], ["populations.0.inputs.0", "'file' is missing"]),
    ("spikes missing", GOOD, [trains("file: nowhere.h5")], ["populations.0.inputs.0.file", "nowhere.h5"]),
    ("spikes truncated", GOOD, [trains("file: DIR/truncated.h5")], ["populations.0.inputs.0.file", "truncated.h5", "HDF5"]),
    ("no file of spikes", GOOD, [trains("file: DIR/other.h5")], ["other.h5", "no group /spikes"]),
    ("spikes of several populations", GOOD, [trains("file: DIR/two.h5")], ["two.h5", "'population'", "P, Q"]),
    ("spikes of an unknown population", GOOD, [trains("file: DIR/two.h5, population: R")], ["two.h5", "'R'", "P, Q"]),
    ("spikes without nodes", GOOD, [trains("file: DIR/half.h5")], ["half.h5", "no dataset /spikes/P/node_ids"]),
    ("spikes and nodes of different number", GOOD, [trains("file: DIR/uneven.h5")], ["uneven.h5", "2 rows", "3"]),
    ("spikes in seconds", GOOD, [trains("file: DIR/seconds.h5")], ["seconds.h5", "units s", "ms"]),
    ("spikes before the run", GOOD, [trains("file: DIR/negative.h5")], ["negative.h5", "spike 2 is at -1 ms", "at least 0"]),
    ("spikes that are not sorted as they say", GOOD, [trains("file: DIR/unsorted.h5")], ["unsorted.h5", "spike 2 is at 1 ms after one at 3", "by_time"]),
    ("spikes of a node beyond the population", GOOD, [trains("file: DIR/spikes.h5, node_first: 1")], ["spikes.h5", "node 0", "expected 1 ... 20"]),
    ("spikes as text that is none", GOOD, [trains("file: DIR/words.csv")], ["words.csv:2", "the time of a spike in ms and its node"]),
    # ---- records
    ("BOLD without regions", GOOD, ["record.bold={tr_s: 0.8}"], ["record.bold", "regions", "brain"]),
    ("BOLD interval", BRAIN, ["record.bold={tr_s: 0.0005}"], ["record.bold.tr_s", "'0.0005'", "1 ms"]),
    ("BOLD and dt", BRAIN, ["simulation.dt_ms=0.4", "record.bold={tr_s: 0.8}"], ["record.bold", "0.4", "1 ms"]),
    ("spikes of nobody", GOOD, ["record.spikes=[C]"], ["record.spikes.0", "'C'"]),
    ("spikes too many", GOOD, ["record.spikes=all", "record.max_gb=1e-9"], ["record.spikes", "GB", "record.max_gb 1e-09"]),
    ("measured BOLD alone", GOOD, ["record.empirical_bold=x.csv"], ["record.empirical_bold", "record.bold"]),
    ("measured BOLD missing", BRAIN, ["record={bold: {}, empirical_bold: nowhere.csv}"],
     ["record.empirical_bold", "nowhere.csv", "No such file"]),
    # ---- what others know
    ("partition method", GOOD, ["partition.method=metiss"], ["partition", "metiss", "round_robin"]),
    ("backend", GOOD, ["simulation.backend=/gpu"], ["backend", "/gpu", "/cpu/serial"]),
    ("folder not writable", GOOD, [], ["FILE/out"]),
    # ---- brain
    ("shares", BRAIN, ["brain.shares={local_e: 0.5, local_i: 0.1, long_range: 0.1}"], ["brain.shares", "0.7", "expected 1"]),
    ("regions", BRAIN, ["brain.connectome.generator.regions=1"], ["regions", "'1'", "from 2"]),
    ("both connectomes", BRAIN, ["brain.connectome.file=x.zip"], ["FILE:2: brain.connectome", "exactly one"]),
    ("connectome missing", BRAIN, ["brain.connectome={file: nowhere.zip}"], ["brain.connectome.file", "nowhere.zip"]),
    ("connectome truncated", BRAIN, ["brain.connectome={file: DIR/truncated.zip}"], ["brain.connectome.file", "truncated.zip"]),
    ("connectome of another kind", BRAIN, ["brain.connectome={file: FILE}"], ["brain.connectome.file"]),
    ("connectome not square", BRAIN, ["brain.connectome={file: DIR/shape.zip}"], ["shape.zip", "weights"]),
    ("connectome with NaN", BRAIN, ["brain.connectome={file: DIR/nan.zip}"], ["nan.zip", "weights"]),
    ("connectome negative", BRAIN, ["brain.connectome={file: DIR/negative.zip}"], ["negative.zip"]),
    # ---- --set
    ("set without value", GOOD, ["simulation.seed"], ["--set simulation.seed", "key.path=value"]),
    ("set below a value", GOOD, ["simulation.seed.x=1"], ["--set simulation.seed.x=1", "simulation.seed"]),
    ("set beyond a list", GOOD, ["populations.7.n=1"], ["--set populations.7.n=1", "a list of 2"]),
    ("set what is no YAML", GOOD, ["record={spikes: [}"], ["--set record={spikes: [}", "not YAML"]),
    ("set an unknown key", GOOD, ["simulation.sede=1"], ["--set simulation.sede=1: simulation.sede", "did you mean 'seed'"]),
]

# What one rank alone finds out must end all of them, with one voice.
RANKS = ["mpirun", "--oversubscribe", "-n", "3"]
ON_RANKS = ["no file", "connectome truncated", "unknown key", "waveform file of words", "spikes truncated"]


def connectome(path, weights):
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("weights.txt", weights)
        z.writestr("centres.txt", "a 0 0 0\nb 10 0 0\nc 0 10 0\n")
        z.writestr("tract_lengths.txt", "0 10 10\n10 0 10\n10 10 0\n")


def prepare(folder):
    connectome(f"{folder}/whole.zip", "0 1 2\n1 0 1\n2 1 0\n")
    with open(f"{folder}/whole.zip", "rb") as f:
        whole = f.read()
    with open(f"{folder}/truncated.zip", "wb") as f:
        f.write(whole[: len(whole) * 2 // 3])
    connectome(f"{folder}/shape.zip", "0 1\n1 0\n2 1\n")
    connectome(f"{folder}/nan.zip", "0 1 2\n1 0 nan\n2 1 0\n")
    connectome(f"{folder}/negative.zip", "0 1 2\n1 0 -1\n2 1 0\n")
    texts = {"column.csv": "1\n2\n", "back.csv": "0,1\n5,2\n4,3\n", "words.csv": "a,b\n0,much\n",
             "no_onset.tsv": "start\tduration\n1\t2\n", "no_type.tsv": "onset\tduration\n1\t2\n",
             "events.tsv": "onset\tduration\ttrial_type\n0\t1\tgo\n2\tn/a\tstop\n"}
    for name, text in texts.items():
        with open(f"{folder}/{name}", "w") as f:
            f.write(text)
    spike_files(folder)


def spike_files(folder):
    def spikes(name, times, nodes, group="P", sorting=None, units="ms"):
        with h5py.File(f"{folder}/{name}", "a") as f:
            f[f"spikes/{group}/timestamps"] = times
            f[f"spikes/{group}/timestamps"].attrs["units"] = units
            if sorting:
                f[f"spikes/{group}"].attrs["sorting"] = sorting
            if nodes is not None:
                f[f"spikes/{group}/node_ids"] = nodes

    spikes("spikes.h5", [1.0, 3.0, 2.0], [0, 1, 19])
    spikes("two.h5", [1.0], [0])
    spikes("two.h5", [1.0], [0], "Q")
    spikes("half.h5", [1.0], None)
    spikes("uneven.h5", [1.0, 2.0], [0, 1, 2])
    spikes("seconds.h5", [1.0], [0], units="s")
    spikes("negative.h5", [1.0, -1.0], [0, 1])
    spikes("unsorted.h5", [3.0, 1.0], [0, 1], sorting="by_time")
    with h5py.File(f"{folder}/other.h5", "w") as f:
        f["x"] = [1.0]
    with open(f"{folder}/spikes.h5", "rb") as f:
        whole = f.read()
    with open(f"{folder}/truncated.h5", "wb") as f:
        f.write(whole[: len(whole) * 2 // 3])


def complaint(callosum, shared, case):
    """What is wrong with the refusal of this input; None: nothing."""
    _, text, options, fragments, *launcher = case
    with tempfile.TemporaryDirectory() as folder:
        job = f"{folder}/job.yaml"
        out = f"{job}/out" if case[0] == "folder not writable" else f"{folder}/out"
        if text is not None:
            with open(job, "w") as f:
                f.write(text)
        fill = lambda s: s.replace("FILE", job).replace("DIR", shared)
        command = launcher + [callosum, "run", job, "--out", out]
        for option in options:
            command += ["--set", fill(option)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        lines = done.stderr.splitlines()
        if launcher:  # which adds words of its own
            lines = [line for line in lines if line.startswith("callosum: ")]
        if done.returncode != 2:
            return f"exit code {done.returncode}: {done.stderr}"
        if len(lines) != 1 or not lines[0].startswith("callosum: "):
            return f"not one line of 'callosum: ...': {done.stderr}"
        missing = [f for f in map(fill, fragments) if f not in lines[0]]
        if missing:
            return f"does not say {missing}: {lines[0]}"
        if os.path.exists(out):
            return "left a folder behind"
    return None


def main():
    callosum, failed = sys.argv[1], 0
    cases = CASES + [case + tuple(RANKS) for case in CASES if case[0] in ON_RANKS]
    with tempfile.TemporaryDirectory() as shared, ThreadPoolExecutor(4) as pool:
        prepare(shared)
        for case, wrong in zip(cases, pool.map(lambda case: complaint(callosum, shared, case), cases)):
            if wrong:
                failed += 1
                print(f"FAILED {case[0]}: {wrong}")
    print(f"{len(cases) - failed} of {len(cases)} bad inputs are refused as they should be")
    sys.exit(1 if failed else 0)


main()

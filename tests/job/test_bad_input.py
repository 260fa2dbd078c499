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
    import numpy
    import scipy.io
except ImportError as error:
    print(f"skipped: this Python has no {error.name}")
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
# The first neurons have positions, the second have none; X holds what a projection says beside its rule.
SPACE = """\
simulation: {duration_ms: 10, dt_ms: 0.1}
populations:
  - {name: A, n: 20, model: lif_psc_exp, rate_hz: 5, positions: {shape: disc, size_mm: 2}}
  - {name: B, n: 20, model: lif_psc_exp}
projections:
  - {source: A, target: A, receptor: exc, X}
"""
KERNEL = SPACE.replace("X", "rule: pairwise_bernoulli, probability: {kernel: gaussian, peak: 0.1, sigma_mm: 0.5}")
OUTDEGREE = SPACE.replace("X", "rule: fixed_outdegree, outdegree: 5")
LISTED = SPACE.replace("X", "rule: explicit, file: DIR/edges.h5, group: good")
BRAIN = """\
simulation: {duration_ms: 10}
brain: {neurons: 500, connectome: {generator: {regions: 4}}}
"""
MEASURED = """\
simulation: {duration_ms: 10}
brain: {neurons: 500, connectome: {file: DIR/m/named.csv}}
record: {bold: {tr_s: 0.001}}
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
TRACE = "record.traces=[{name: T, on: A, variables: [V_m]}]"
# Projection 0 made plastic; weights recorded.
STDP = J0 + "plasticity={stdp: {w_max: 20, a_plus: 0.01, a_minus: 0.01}}"
SHORT = J0 + "plasticity={short_term: {u: 0.5, tau_rec_ms: 100}}"
RULE, TERM, WEIGHTS = J0 + "plasticity.stdp.", J0 + "plasticity.short_term.", "record.weights=[{name: w, interval_ms: 1}]"
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
    ("checkpoint", GOOD + "checkpoint: {every_s: -1}\n", [], ["FILE:9: checkpoint.every_s", "0 to 1000000000"]),
    ("checkpoint interval", GOOD + "checkpoint: {every_ms: 0.15}\n", [], ["FILE:9: checkpoint.every_ms", "a multiple of dt_ms"]),
    ("checkpoints kept", GOOD + "checkpoint: {keep: 0}\n", [], ["FILE:9: checkpoint.keep", "1 to 1000"]),
    ("unknown checkpoint key", GOOD + "checkpoint: {every_h: 1}\n", [], ["FILE:9: checkpoint.every_h", "every_s"]),
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
    ("choice", GOOD, [J0 + "rule=fixed_degree"], [J0 + "rule", "'fixed_degree'", "pairwise_bernoulli"]),
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
    # ---- synapses by source
    ("no out-degree", OUTDEGREE.replace(", outdegree: 5", ""), [], ["FILE:6: projections.0", "'outdegree' is missing"]),
    ("out-degree of another rule", GOOD, [J0 + "outdegree=5"], [J0 + "outdegree", "fixed_outdegree", "fixed_indegree"]),
    ("more targets than there are", OUTDEGREE, [J0 + "multapses=false", J0 + "autapses=false", J0 + "outdegree=20"],
     ["FILE", "A->A", "outdegree: 20", "at most 19"]),
    ("procedural in-degree", GOOD, [J0 + "synapses=procedural"], [J0 + "synapses", "fixed_indegree", "fixed_total_number"]),
    ("procedural by distance", KERNEL, [J0 + "synapses=procedural"], [J0 + "synapses", "probability by distance", "stored"]),
    ("procedural mixture", BRAIN, ["brain.synapses=procedural"], ["brain.synapses", "mixture", "fixed_total_number"]),
    ("storage", GOOD, [J0 + "synapses=none"], [J0 + "synapses", "'none'", "stored, procedural"]),
    # ---- space
    ("shape", KERNEL, [P0 + "positions.shape=square"], [P0 + "positions.shape", "'square'", "rectangle, box"]),
    ("no size", KERNEL, [P0 + "positions={shape: box}"], [P0 + "positions", "'size_mm' is missing", "three sides"]),
    ("sides", KERNEL, [P0 + "positions={shape: rectangle, size_mm: [1, 2, 3]}"],
     [P0 + "positions.size_mm", "3 numbers", "two sides of a rectangle"]),
    ("negative side", KERNEL, [P0 + "positions.size_mm=[-1]"], [P0 + "positions.size_mm.0", "'-1'", "mm"]),
    ("periodic disc", KERNEL, [P0 + "positions.periodic=true"], [P0 + "positions.periodic", "rectangle, box or grid"]),
    ("shape and file", KERNEL, [P0 + "positions.file=x.h5"], [P0 + "positions", "exactly one of 'shape' and 'file'"]),
    ("no positions", KERNEL, [J0 + "target=B"], [J0 + "probability", "'B' has no positions"]),
    ("kernel", KERNEL, [J0 + "probability.kernel=gauss"], [J0 + "probability.kernel", "'gauss'", "gaussian, exponential"]),
    ("length of another kernel", KERNEL, [J0 + "probability.kernel=linear"],
     [J0 + "probability", "'length_mm' is missing", "linear"]),
    ("two lengths", KERNEL, [J0 + "probability.length_mm=1"], [J0 + "probability.length_mm", "another kernel", "gaussian"]),
    ("peak", KERNEL, [J0 + "probability.peak=1.5"], [J0 + "probability.peak", "'1.5'", "at most 1"]),
    ("kernel of another rule", KERNEL, [J0 + "rule=fixed_total_number"], ["FILE:6: projections.0", "'total' is missing"]),
    ("velocity", KERNEL, [J0 + "delay_ms={distance: {velocity_m_s: 0}}"], [J0 + "delay_ms.distance.velocity_m_s", "'0'"]),
    ("no velocity", KERNEL, [J0 + "delay_ms={distance: {offset_ms: 1}}"], [J0 + "delay_ms.distance", "'velocity_m_s' is missing"]),
    ("too slow", KERNEL, [J0 + "delay_ms={distance: {velocity_m_s: 1e-4}}"], ["FILE", "A->A", "steps", "16383"]),
    ("distance of another rule", OUTDEGREE, [J0 + "delay_ms={distance: {velocity_m_s: 1}}"],
     [J0 + "delay_ms", "fixed_outdegree", "expected pairwise_bernoulli"]),
    ("positions of another number", KERNEL, [P0 + "positions={file: DIR/edges.h5, dataset: few}"],
     [P0 + "positions.file", "DIR/edges.h5: few", "19 rows: expected 20"]),
    ("position NaN", KERNEL, [P0 + "positions={file: DIR/edges.h5, dataset: nowhere}"],
     [P0 + "positions.file", "nowhere: row 3: nan"]),
    # ---- listed synapses
    ("no file of synapses", LISTED, [J0 + "file=DIR/none.h5"], [J0 + "file", "none.h5", "No such file"]),
    ("file of another kind", LISTED, [J0 + "file=FILE"], [J0 + "file", "no HDF5 file"]),
    ("truncated file", LISTED, [J0 + "file=DIR/truncated.h5"], [J0 + "file", "truncated.h5", "damaged or cut off"]),
    ("no group", LISTED, [J0 + "group=bad"], [J0 + "file", "DIR/edges.h5: bad", "no such group"]),
    ("group of another rule", KERNEL, [J0 + "group=good"], [J0 + "group", "belongs to rule explicit"]),
    ("autapses of a list", LISTED, [J0 + "autapses=false"], [J0 + "autapses", "rules that draw"]),
    ("no sources", LISTED, [J0 + "group=no_source"], ["no_source/source_id", "no such dataset"]),
    ("columns of other lengths", LISTED, [J0 + "group=short"], ["/short/source_id", "9 rows: expected 10"]),
    ("ids that are no integers", LISTED, [J0 + "group=real"], ["/real/target_id", "expected integers"]),
    ("source out of range", LISTED, [J0 + "group=source"],
     [J0 + "file", "DIR/edges.h5: /source/source_id: row 6: 20: expected 0 ... 19, a neuron of 'A'"]),
    ("target out of range", LISTED, [J0 + "group=target"], ["/target/target_id: row 2: -1"]),
    ("weight NaN", LISTED, [J0 + "group=nan"], ["/nan/weight: row 4: nan"]),
    ("two weights", LISTED, [J0 + "group=two"], ["/two/weight", "2 dimensions: expected 1"]),
    ("weights twice", LISTED, [J0 + "weight=3"], [J0 + "weight", "stands beside the weights that DIR/edges.h5: good lists"]),
    ("delays twice", LISTED, [J0 + "delay_ms=3"], [J0 + "delay_ms", "stands beside the delays"]),
    ("delay below a step", LISTED, [J0 + "group=fast"], ["/fast/delay_ms: row 9: 0.04 ms", "0.1 ms"]),
    ("delay too long", LISTED, [J0 + "group=slow"], ["/slow/delay_ms: row 0: 2000 ms", "16383 steps"]),
    ("weight of the wrong sign", LISTED, [P0 + "model=lif_dtb", J0 + "receptor=excitatory", J0 + "group=negative"],
     ["/negative/weight: row 1: -2", "at least 0"]),
    ("in-degree", LISTED, [J0 + "group=many"], ["/many/target_id", "17000000 synapses onto one neuron", "16777215"]),
    ("fewer of a list", LISTED, ["scale={neurons: 0.5}"], [J0 + "rule", "scale.neurons 1"]),
    # ---- scale
    ("weights of a scale", OUTDEGREE, ["scale={indegree: 0.5, weights: kept}"], ["scale.weights", "'kept'", "van_albada"]),
    ("scale of a model without currents", GOOD, ["scale.indegree=0.5", P0 + "rate_hz=5", P0 + "model=lif_dtb", P0 + "params={}",
     J0 + "receptor=excitatory"], ["populations.0.model", "lif_dtb", "weights: keep"]),
    ("scale without a rate", OUTDEGREE.replace("rate_hz: 5, ", ""), ["scale.indegree=0.5"],
     ["FILE:3: populations.0", "'rate_hz' is missing", "weights: keep"]),
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
    ("spikes of no population's name", GOOD, ["record.spikes=C"], ["record.spikes: value 'C'", "'A'"]),
    ("spikes of an unknown key", GOOD, ["record.spikes={regions: V1}"], ["record.spikes.regions", "did you mean 'region'"]),
    ("spikes of a number", GOOD, ["record.spikes=[[A]]"], ["record.spikes.0", "a list", "population"]),
    ("neurons of nobody", GOOD, ["record.neurons={type: I}"], ["record.neurons", "selects no population"]),
    ("neurons for too many steps", GOOD, ["record.neurons=all", "simulation.duration_ms=1e9", "record.rates={bin_ms: 1e9}"],
     ["record.neurons", "9999995000", "2^32"]),
    ("field potential without excitation", GOOD, ["record.lfp={interval_ms: 1}"], ["record.lfp", "type: E"]),
    ("field potential interval", GOOD, [P0 + "type=E", "record.lfp={interval_ms: 0.25}"], ["record.lfp.interval_ms", "'0.25'", "0.1"]),
    ("spectra bin", GOOD, ["record.spectra={bin_ms: 0.25}"], ["record.spectra.bin_ms", "'0.25'", "multiple", "0.1"]),
    ("spectra segment", GOOD, ["record.spectra={bin_ms: 2, segment_ms: 5}"], ["record.spectra.segment_ms", "'5'", "bin_ms", "4 or 6"]),
    ("spectra of one bin", GOOD, ["record.spectra={bin_ms: 2, segment_ms: 2}"], ["record.spectra.segment_ms", "2 ms", "2 to 16777216 bins"]),
    ("spectra of nobody", GOOD, ["record.spectra={on: {type: I}}"], ["record.spectra.on", "selects no population"]),
    ("trace without a name", GOOD, ["record.traces=[{on: A, variables: [V_m]}]"], ["record.traces.0", "'name' is missing"]),
    ("trace with a slash", GOOD, [TRACE.replace("T", "a/b")], ["record.traces.0.name", "'a/b'", "letters"]),
    ("trace twice", GOOD, ["record.traces=[{name: T, on: A, variables: [V_m]}, {name: T, on: A, variables: [I_exc]}]"],
     ["record.traces.1.name", "'T'", "twice"]),
    ("trace of nobody", GOOD, [TRACE, "record.traces.0.on={type: I}"], ["record.traces.0.on", "selects no population"]),
    ("trace of an unknown variable", GOOD, [TRACE, "record.traces.0.variables=[V_m, g_exc]"],
     ["record.traces.0.variables.1", "'g_exc'", "lif_psc_exp", "V_m_mV, I_exc_pA, I_inh_pA, refractory_steps"]),
    ("trace of a variable of another model", GOOD, [TRACE, "record.traces.0.on=[A, B]", "record.traces.0.variables=[I_exc_pA]"],
     ["record.traces.0.variables.0", "'I_exc_pA'", "lif_dtb", "population B", "J_AMPA"]),
    ("trace of a variable twice", GOOD, [TRACE, "record.traces.0.variables=[V_m, V_m_mV]"], ["record.traces.0.variables.1", "twice"]),
    ("trace of no variable", GOOD, [TRACE, "record.traces.0.variables=[]"], ["record.traces.0.variables", "a list of 0"]),
    ("trace interval", GOOD, [TRACE, "record.traces.0.interval_ms=0.25"], ["record.traces.0.interval_ms", "'0.25'", "multiple", "0.1"]),
    ("trace of an index beyond", GOOD, [TRACE, "record.traces.0.neurons=[3, 20]"],
     ["record.traces.0.neurons.1", "'20'", "population A has 20 neurons", "0 to 19"]),
    ("trace of a neuron twice", GOOD, [TRACE, "record.traces.0.neurons=[3, 7, 3]"], ["record.traces.0.neurons", "neuron 3", "twice"]),
    ("trace of no neurons", GOOD, [TRACE, "record.traces.0.neurons=0"], ["record.traces.0.neurons", "'0'", "from 1"]),
    ("trace of half a neuron", GOOD, [TRACE, "record.traces.0.neurons=1.5"], ["record.traces.0.neurons", "'1.5'", "whole number"]),
    # ---- plasticity
    ("plasticity of nothing", GOOD, [J0 + "plasticity={}"], [J0 + "plasticity", "stdp or short_term"]),
    ("unknown plasticity", GOOD, [J0 + "plasticity={stp: {}}"], [J0 + "plasticity.stp", "did you mean 'stdp'"]),
    ("no greatest weight", GOOD, [J0 + "plasticity={stdp: {a_plus: 0.01, a_minus: 0.01}}"], [J0 + "plasticity.stdp", "'w_max' is missing"]),
    ("no amplitude", GOOD, [J0 + "plasticity={stdp: {w_max: 20, a_plus: 0.01}}"], [J0 + "plasticity.stdp", "'a_minus' is missing"]),
    ("unknown key of stdp", GOOD, [STDP, RULE + "tau_plus_s=20"], [RULE + "tau_plus_s", "did you mean 'tau_plus_ms'"]),
    ("greatest weight 0", GOOD, [STDP, RULE + "w_max=0"], [RULE + "w_max", "0"]),
    ("greatest weight of the other sign", GOOD, [STDP, RULE + "w_max=-20"], ["FILE:6: " + J0 + "weight", "10", "plasticity.stdp.w_max, -20"]),
    ("negative greatest weight", GOOD.replace("lif_psc_exp, params: {tau_m_ms: 10}", "lif_cond_exp"), [STDP, RULE + "w_max=-20"],
     [RULE + "w_max", "-20", "above 0"]),
    ("weight above the greatest", GOOD, [STDP, J0 + "weight=21"], [J0 + "weight", "21", "plasticity.stdp.w_max, 20"]),
    ("mean weight above the greatest", GOOD, [STDP, J0 + "weight={distribution: normal, mean: 25, sd: 2}"],
     [J0 + "weight", "25", "in the mean", "plasticity.stdp.w_max, 20"]),
    ("listed weights above the greatest", LISTED, [J0 + "plasticity={stdp: {w_max: 1e-3, a_plus: 0.01, a_minus: 0.01}}"],
     ["A->A", "w_max", "0.001"]),
    ("potentiation beyond all", GOOD, [STDP, RULE + "a_plus=1.5"], [RULE + "a_plus", "'1.5'", "-1 to 1"]),
    ("depression beyond all", GOOD, [STDP, RULE + "a_minus=-1.5"], [RULE + "a_minus", "'-1.5'", "-1 to 1"]),
    ("triplets beyond all", GOOD, [STDP, RULE + "a3_plus=2"], [RULE + "a3_plus", "'2'", "-1 to 1"]),
    ("triplets of depression beyond all", GOOD, [STDP, RULE + "a3_minus=2"], [RULE + "a3_minus", "'2'", "-1 to 1"]),
    ("time constant of potentiation", GOOD, [STDP, RULE + "tau_plus_ms=0"], [RULE + "tau_plus_ms", "'0'", "0.001"]),
    ("time constant of depression", GOOD, [STDP, RULE + "tau_minus_ms=-20"], [RULE + "tau_minus_ms", "'-20'", "0.001"]),
    ("slow presynaptic trace", GOOD, [STDP, RULE + "tau_x_ms=.inf"], [RULE + "tau_x_ms", "'.inf'"]),
    ("slow postsynaptic trace", GOOD, [STDP, RULE + "tau_y_ms=0"], [RULE + "tau_y_ms", "'0'", "0.001"]),
    ("potentiation of a kind", GOOD, [STDP, RULE + "potentiation=power"], [RULE + "potentiation", "'power'", "additive, multiplicative"]),
    ("depression of a kind", GOOD, [STDP, RULE + "depression=1"], [RULE + "depression", "'1'", "additive, multiplicative"]),
    ("pairing", GOOD, [STDP, RULE + "pairing=some"], [RULE + "pairing", "'some'", "all_to_all, nearest"]),
    ("dendritic share", GOOD, [STDP, RULE + "dendritic_share=1.1"], [RULE + "dendritic_share", "'1.1'", "0 to 1"]),
    ("no efficacy", GOOD, [J0 + "plasticity={short_term: {tau_rec_ms: 100}}"], [J0 + "plasticity.short_term", "'u' is missing"]),
    ("no recovery", GOOD, [J0 + "plasticity={short_term: {u: 0.5}}"], [J0 + "plasticity.short_term", "'tau_rec_ms' is missing"]),
    ("efficacy 0", GOOD, [SHORT, TERM + "u=0"], [TERM + "u", "'0'", "a number from 1e-09 to 1"]),
    ("efficacy above all", GOOD, [SHORT, TERM + "u=1.01"], [TERM + "u", "'1.01'", "a number from 1e-09 to 1"]),
    ("recovery", GOOD, [SHORT, TERM + "tau_rec_ms=-1"], [TERM + "tau_rec_ms", "'-1'", "0 to"]),
    ("facilitation", GOOD, [SHORT, TERM + "tau_fac_ms=-1"], [TERM + "tau_fac_ms", "'-1'", "0 to"]),
    ("plastic synapses of two receptors", GOOD, [J1 + "plasticity={short_term: {u: 0.5, tau_rec_ms: 100}}"],
     [J1 + "plasticity", "excitatory", "two weights"]),
    ("plastic procedural synapses", OUTDEGREE, [STDP, J0 + "weight=10", J0 + "synapses=procedural"],
     [J0 + "synapses", "procedural with plasticity", "stored"]),
    # ---- recorded weights
    ("weights of nothing plastic", GOOD, [WEIGHTS], ["record.weights.0", "of 2 projections", "none with STDP"]),
    ("weights of short-term plasticity", GOOD, [SHORT, WEIGHTS], ["record.weights.0", "none with STDP"]),
    ("weights of a static projection", GOOD, [STDP, WEIGHTS, "record.weights.0.projections=A->B"],
     ["record.weights.0.projections", "'A->B' has no STDP"]),
    ("weights of an unknown projection", GOOD, [STDP, WEIGHTS, "record.weights.0.projections=[A->A, C]"],
     ["record.weights.0.projections.1", "unknown projection 'C'", "'A->A'"]),
    ("weights of no projection", GOOD, [STDP, WEIGHTS, "record.weights.0.projections=[]"],
     ["record.weights.0.projections", "none with STDP"]),
    ("weights of a mapping", GOOD, [STDP, WEIGHTS, "record.weights.0.projections={a: 1}"],
     ["record.weights.0.projections", "a mapping", "name of a projection"]),
    ("weights without a name", GOOD, [STDP, "record.weights=[{interval_ms: 1}]"], ["record.weights.0", "'name' is missing"]),
    ("weights with a slash", GOOD, [STDP, "record.weights=[{name: a/b}]"], ["record.weights.0.name", "'a/b'", "letters"]),
    ("recorded weights twice", GOOD, [STDP, "record.weights=[{name: w}, {name: w}]"], ["record.weights.1.name", "'w'", "twice"]),
    ("sample of nothing", GOOD, [STDP, WEIGHTS, "record.weights.0.sample=0"], ["record.weights.0.sample", "'0'", "above 0"]),
    ("sample of more than all", GOOD, [STDP, WEIGHTS, "record.weights.0.sample=1.5"], ["record.weights.0.sample", "'1.5'", "at most 1"]),
    ("sample that finds nobody", GOOD, [STDP, WEIGHTS, "record.weights.0.sample=1e-9"],
     ["record.weights: w", "no synapse of 1 projections", "1e-09"]),
    ("interval of weights", GOOD, [STDP, WEIGHTS, "record.weights.0.interval_ms=0.25"],
     ["record.weights.0.interval_ms", "'0.25'", "multiple", "0.1"]),
    ("weights too large", GOOD, [STDP, WEIGHTS, "record.weights.0.interval_ms=0.1", "record.max_gb=3e-5"],
     ["record.weights.0", "GB", "record.max_gb 3e-05"]),
    ("weights that are no list", GOOD, [STDP, "record.weights=all"], ["record.weights", "a list"]),
    ("traces too large", GOOD, [TRACE, "record.traces.0.neurons=20", "record.traces.0.interval_ms=0.1", "record.max_gb=8e-6"],
     ["record.traces.0", "GB", "record.max_gb 8e-06"]),
    ("recordings too large together", GOOD, ["record.currents={interval_ms: 1}", "record.lfp={interval_ms: 1}", P0 + "type=E", "record.max_gb=6e-7"],
     ["record.currents", "in all", "record.max_gb 6e-07"]),
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
    # ---- units
    ("unknown unit", BRAIN, ["brain.unit=colum"], ["brain.unit", "unknown unit 'colum'", "column"]),
    ("unit of nobody", BRAIN, ["brain.unit_of=[{region: X7, unit: column}]"], ["brain.unit_of.0.region", "'X7'", "a region"]),
    ("unknown unit of a region", BRAIN, ["brain.unit_of=[{region: L*, unit: tube}]"], ["brain.unit_of.0.unit", "'tube'"]),
    ("unit of what", BRAIN, ["brain.unit_of=[{unit: column}]"], ["brain.unit_of.0", "'region' is missing"]),
    ("shares of a unit", BRAIN, ["brain.units.u={populations: [{name: A, type: E, share: 0.5}, {name: B, type: I, share: 0.4}], "
                                 "synapses: {A: {A: 1}, B: {A: 1}}}"], ["brain.units.u.populations", "sum to 0.9", "expected 1"]),
    ("unit without synapses", BRAIN, ["brain.units.u={populations: [{name: A, type: E, share: 1}]}"],
     ["brain.units.u", "'synapses' is missing"]),
    ("unit without populations", BRAIN, ["brain.units.colunm={long_range_source: l5e}"],
     ["brain.units.colunm", "'populations' is missing"]),
    ("row without synapses", BRAIN, ["brain.units.u={populations: [{name: A, type: E, share: 1}], synapses: {}}"],
     ["brain.units.u.synapses", "population A has no synapses"]),
    ("synapses from nobody", BRAIN, ["brain.units.column.synapses={L23E: {L7E: 3}}"],
     ["brain.units.column.synapses.L23E.L7E", "unknown key 'L7E'"]),
    ("synapses onto nobody", BRAIN, ["brain.units.column.synapses={L1E: {L23E: 3}}"],
     ["brain.units.column.synapses.L1E", "unknown population 'L1E'"]),
    ("negative synapses", BRAIN, ["brain.units.column.synapses={L23E: {L4E: -3}}"],
     ["brain.units.column.synapses.L23E.L4E", "'-3'", "from 0"]),
    ("unknown layer source", BRAIN, ["brain.units.column.long_range_source=l1e"],
     ["brain.units.column.long_range_source", "'l1e'", "unit column"]),
    ("inhibitory source", BRAIN, ["brain.units.column.long_range_source=L5I"], ["'L5I'", "no such excitatory population"]),
    ("shares of a column", BRAIN, ["brain.units.column.shares={local_e: 0.6, local_i: 0.15, long_range: 0.25}"],
     ["brain.units.column.shares", "8 populations"]),
    ("name of a population", BRAIN, ["brain.units.u={populations: [{name: A/B, type: E, share: 1}], synapses: {}}"],
     ["brain.units.u.populations.0.name", "'A/B'"]),
    ("parameters of nobody", BRAIN, ["brain.units.column.params_of={L1I: {C_uF_cm2: 1}}"],
     ["brain.units.column.params_of.L1I", "'L1I'"]),
    ("parameter of a unit", BRAIN, ["brain.units.column.params_of={I: {C_uF_cm2: -1}}"],
     ["brain.units.column.params_of.I.C_uF_cm2", "'-1'"]),
    ("few neurons", BRAIN, ["brain.neurons=19"], ["FILE: brain.neurons: 19", "at least 20"]),
    ("many neurons", BRAIN, ["brain.neurons=1e11"], ["FILE: brain: population ", "2^32 - 1"]),
    ("too many neurons", BRAIN, ["brain.neurons=1e15"], ["brain.neurons: value 1000000000000000", "4 regions"]),
    ("neurons of columns", BRAIN, ["brain.unit=column", "brain.neurons=31"], ["brain.neurons: 31", "at least 32"]),
    ("auto without flags", BRAIN, ["brain.unit=auto", "brain.connectome={file: DIR/whole.zip}"],
     ["brain.unit", "auto", "region a", "cortical"]),
    ("table missing", BRAIN, ["brain.unit_table=nowhere.tsv"], ["brain.unit_table", "nowhere.tsv", "No such file"]),
    ("region not in the table", BRAIN, ["brain.unit_table=DIR/short.tsv"], ["brain.unit_table", "short.tsv", "region R001"]),
    ("unknown unit in a table", BRAIN, ["brain.unit_table=DIR/unit.tsv"], ["unit.tsv:3", "brain.unit_table", "'cube'"]),
    ("negative density", BRAIN, ["brain.unit_table=DIR/negative.tsv"], ["brain.unit_table", "negative.tsv:4", "synapse_density of R000", "'-0.5'"]),
    ("column of a table", BRAIN, ["brain.unit_table=DIR/column.tsv"], ["column.tsv:1", "column 'density'", "synapse_density"]),
    ("no densities", BRAIN, ["brain.synapse_density={}"], ["brain.synapse_density", "unit_table"]),
    ("reference of densities", BRAIN, ["brain.unit_table=DIR/density.tsv", "brain.synapse_density={reference: V1}"],
     ["brain.synapse_density.reference", "'V1'"]),
    ("reference without density", BRAIN, ["brain.unit_table=DIR/density.tsv", "brain.synapse_density={reference: R001}"],
     ["brain.synapse_density.reference", "no region of reference"]),
    ("bounds of densities", BRAIN, ["brain.unit_table=DIR/density.tsv", "brain.synapse_density={low: 1.2}"],
     ["brain.synapse_density.low", "'1.2'", "1"]),
    # ---- matrices and tables
    ("no such variable", BRAIN, ["brain.connectome={file: DIR/m/two.mat, variable: sc}"],
     ["brain.connectome.file", "two.mat", "no variable sc", "a (double, 4 x 4)", "b (double, 4 x 4)"]),
    ("which variable", BRAIN, ["brain.connectome={file: DIR/m/two.mat}"], ["two.mat", "more than one square matrix", "a (double"]),
    ("variable of a text", BRAIN, ["brain.connectome={file: DIR/m/w.csv, variable: sc}"], ["w.csv", "no variables"]),
    ("MATLAB truncated", BRAIN, ["brain.connectome={file: DIR/m/truncated.mat, variable: a}"],
     ["brain.connectome.file", "truncated.mat", "damaged or cut-off"]),
    ("Matrix Market truncated", BRAIN, ["brain.connectome={file: DIR/m/truncated.mtx}"], ["truncated.mtx:4", "cut off after 2", "expected 3"]),
    ("matrix not square", BRAIN, ["brain.connectome={file: DIR/m/wide.csv}"], ["wide.csv", "2 rows and 3 columns", "square"]),
    ("matrix with NaN", BRAIN, ["brain.connectome={file: DIR/m/nan.csv}"], ["nan.csv", "row 2, column 4", "nan"]),
    ("matrix negative", BRAIN, ["brain.connectome={file: DIR/m/negative.csv}"], ["negative.csv", "row 2, column 4", "-1"]),
    ("matrix with words", BRAIN, ["brain.connectome={file: DIR/m/words.csv}"], ["words.csv:2", "field 4", "\"x\""]),
    ("one triangle", BRAIN, ["brain.connectome={file: DIR/m/upper.csv}"], ["upper.csv", "upper triangle", "upper_triangle"]),
    ("entry twice", BRAIN, ["brain.connectome={file: DIR/m/twice.tsv}"], ["twice.tsv", "row 1, column 2", "twice"]),
    ("lengths of another shape", BRAIN, ["brain.connectome={file: DIR/m/w.csv, lengths: DIR/m/whole3.csv}"],
     ["brain.connectome.lengths", "whole3.csv", "3 rows and columns", "expected 4"]),
    ("length negative", BRAIN, ["brain.connectome={file: DIR/m/w.csv, lengths: {file: DIR/m/negative.csv}}"],
     ["brain.connectome.lengths.file", "negative.csv", "row 2, column 4"]),
    ("unit of lengths", BRAIN, ["brain.connectome={file: DIR/m/w.csv, lengths: DIR/m/w.csv, lengths_unit: inch}"],
     ["brain.connectome.lengths_unit", "'inch'", "mm, cm, m"]),
    ("lengths without a file", BRAIN, ["brain.connectome={file: DIR/m/w.csv, lengths: {variable: len}}"],
     ["brain.connectome.lengths", "'file' is missing"]),
    ("lengths beside a zip", BRAIN, ["brain.connectome={file: DIR/whole.zip, lengths: DIR/m/whole3.csv}"], ["whole.zip", "'lengths'"]),
    ("names of regions", BRAIN, ["brain.connectome={file: DIR/m/named.csv, regions: DIR/m/regions.tsv}"],
     ["brain.connectome.regions", "regions.tsv", "no row for 1 of the 4", "d"]),
    ("table of regions", BRAIN, ["brain.connectome={file: DIR/m/w.csv, regions: DIR/m/bad.tsv}"], ["brain.connectome.regions", "bad.tsv:3", "area"]),
    ("table of regions missing", BRAIN, ["brain.connectome={file: DIR/m/w.csv, regions: nowhere.tsv}"], ["regions", "nowhere.tsv"]),
    ("unit of a table of regions", BRAIN, ["brain.connectome={file: DIR/m/w.csv, regions: DIR/m/units.tsv}"],
     ["brain.connectome", "unknown unit 'cube'", "canonical, column"]),
    ("density of nothing", BRAIN, ["brain.synapse_density={}", "brain.connectome={file: DIR/m/w.csv, regions: DIR/m/regions.tsv}"],
     ["brain.synapse_density", "no synapse densities", "column density"]),
    ("symmetrise", BRAIN, ["brain.connectome={file: DIR/m/w.csv, symmetrise: both}"], ["symmetrise", "'both'", "upper_triangle"]),
    ("variable of a generator", BRAIN, ["brain.connectome.variable=sc"], ["brain.connectome.variable", "file"]),
    # ---- measured BOLD
    ("BOLD of which side", MEASURED, ["record.empirical_bold=DIR/m/square.csv"], ["record.empirical_bold", "square.csv", "orientation"]),
    ("BOLD of other regions", MEASURED, ["record.empirical_bold=DIR/m/upper5.csv"], ["record.empirical_bold", "upper5.csv", "4 regions"]),
    ("BOLD of other names", MEASURED, ["record.empirical_bold={file: DIR/m/bold.tsv}"],
     ["record.empirical_bold.file", "bold.tsv", "no series for 1 of 4 regions: d"]),
    ("BOLD constant", MEASURED, ["record.empirical_bold=DIR/m/constant.csv"], ["constant.csv", "column 3 (region c)", "varies"]),
    ("BOLD with NaN", MEASURED, ["record.empirical_bold=DIR/m/nan5.csv"], ["nan5.csv", "volume 2 of column 4 (region d)"]),
    ("BOLD variable", MEASURED, ["record.empirical_bold={file: DIR/m/bold.mat, variable: ts}"], ["bold.mat", "no variable ts", "tc (double"]),
    ("BOLD orientation", MEASURED, ["record.empirical_bold={file: DIR/m/square.csv, orientation: transposed}"],
     ["record.empirical_bold.orientation", "'transposed'", "region_x_time"]),
    ("BOLD stated wrongly", MEASURED, ["record.empirical_bold={file: DIR/m/bold.mat, orientation: time_x_region}"],
     ["bold.mat", "one column for each of the 4"]),
    ("BOLD interval of two minds", MEASURED, ["record.empirical_bold={file: DIR/m/timed.tsv, tr_s: 2}"],
     ["timed.json", "RepetitionTime is 0.8", "2 s"]),
    # ---- --set
    ("set without value", GOOD, ["simulation.seed"], ["--set simulation.seed", "key.path=value"]),
    ("set below a value", GOOD, ["simulation.seed.x=1"], ["--set simulation.seed.x=1", "simulation.seed"]),
    ("set beyond a list", GOOD, ["populations.7.n=1"], ["--set populations.7.n=1", "a list of 2"]),
    ("set what is no YAML", GOOD, ["record={spikes: [}"], ["--set record={spikes: [}", "not YAML"]),
    ("set an unknown key", GOOD, ["simulation.sede=1"], ["--set simulation.sede=1: simulation.sede", "did you mean 'seed'"]),
]

# What one rank alone finds out must end all of them, with one voice.
RANKS = ["mpirun", "--oversubscribe", "-n", "3"]
ON_RANKS = ["no file", "connectome truncated", "unknown key", "no file of synapses", "source out of range", "weights twice",
            "position NaN", "table missing", "region not in the table", "negative density", "waveform file of words",
            "spikes truncated", "MATLAB truncated", "BOLD constant"]


def connectome(path, weights):
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("weights.txt", weights)
        z.writestr("centres.txt", "a 0 0 0\nb 10 0 0\nc 0 10 0\n")
        z.writestr("tract_lengths.txt", "0 10 10\n10 0 10\n10 10 0\n")


def synapses(path):
    """Lists of ten synapses, each but the first with one thing wrong; positions."""
    with h5py.File(path, "w") as file:
        wrong = ["no_source", "short", "real", "source", "target", "nan", "two", "fast", "slow", "negative"]
        for name in ["good"] + wrong:
            ids, weight, delay = numpy.arange(10), numpy.full(10, 2.0), numpy.full(10, 1.5)
            columns = {"source_id": ids.copy(), "target_id": ids + 5, "weight": weight, "delay_ms": delay}
            file.create_group(name)
            if name == "no_source":
                del columns["source_id"]
            elif name == "short":
                columns["source_id"] = ids[:9]
            elif name == "real":
                columns["target_id"] = ids / 2
            elif name == "source":
                columns["source_id"][6] = 20
            elif name == "target":
                columns["target_id"][2] = -1
            elif name == "nan":
                weight[4] = numpy.nan
            elif name == "two":
                columns["weight"] = numpy.ones((10, 2))
            elif name == "fast":
                delay[9] = 0.04
            elif name == "slow":
                delay[0] = 2000
            elif name == "negative":
                weight[1] = -2
            for column, values in columns.items():
                file[name][column] = values
        for column in ("source_id", "target_id"):
            file.create_dataset(f"many/{column}", data=numpy.full(17000000, 3, "u1"), compression="gzip", chunks=(1 << 20,))
        file["few"] = numpy.zeros((19, 3))
        file["nowhere"] = numpy.zeros((20, 2))
        file["nowhere"][3, 1] = numpy.nan
    with open(path, "rb") as file:
        whole = file.read()
    with open(path.replace("edges", "truncated"), "wb") as file:
        file.write(whole[: len(whole) // 2])


def prepare(folder):
    synapses(f"{folder}/edges.h5")
    connectome(f"{folder}/whole.zip", "0 1 2\n1 0 1\n2 1 0\n")
    with open(f"{folder}/whole.zip", "rb") as f:
        whole = f.read()
    with open(f"{folder}/truncated.zip", "wb") as f:
        f.write(whole[: len(whole) * 2 // 3])
    connectome(f"{folder}/shape.zip", "0 1\n1 0\n2 1\n")
    connectome(f"{folder}/nan.zip", "0 1 2\n1 0 nan\n2 1 0\n")
    connectome(f"{folder}/negative.zip", "0 1 2\n1 0 -1\n2 1 0\n")
    tables = {"short": "name\tunit\nL000\tcolumn\nL001\tcolumn\nR000\tcolumn\n",
              "unit": "name\tunit\nL000\tcolumn\nL001\tcube\nR000\t\nR001\t\n",
              "negative": "name\tsynapse_density\nL000\t1\nL001\t1\nR000\t-0.5\nR001\t1\n",
              "column": "name\tdensity\nL000\t1\n",
              "density": "name\tsynapse_density\nL000\t1\nL001\t1\nR000\t2\nR001\t-\n"}
    for name, text in tables.items():
        with open(f"{folder}/{name}.tsv", "w") as f:
            f.write(text)
    texts = {"column.csv": "1\n2\n", "back.csv": "0,1\n5,2\n4,3\n", "words.csv": "a,b\n0,much\n",
             "no_onset.tsv": "start\tduration\n1\t2\n", "no_type.tsv": "onset\tduration\n1\t2\n",
             "events.tsv": "onset\tduration\ttrial_type\n0\t1\tgo\n2\tn/a\tstop\n"}
    for name, text in texts.items():
        with open(f"{folder}/{name}", "w") as f:
            f.write(text)
    spike_files(folder)
    os.mkdir(f"{folder}/m")
    prepare_tables(f"{folder}/m")


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


def write(path, *lines):
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


def prepare_tables(folder):
    rows = ["0,1,2,3", "1,0,1,2", "2,1,0,1", "3,2,1,0"]
    write(f"{folder}/w.csv", *rows)
    write(f"{folder}/named.csv", "a,b,c,d", *rows)
    write(f"{folder}/whole3.csv", "0,1,2", "1,0,1", "2,1,0")
    write(f"{folder}/wide.csv", "0,1,2", "1,0,1")
    for name, value in (("nan", "nan"), ("negative", "-1"), ("words", "x")):
        write(f"{folder}/{name}.csv", rows[0], f"1,0,1,{value}", *rows[2:])
    write(f"{folder}/upper.csv", "0,1,2", "0,0,1", "0,0,0")
    write(f"{folder}/twice.tsv", "row\tcolumn\tweight", "1\t2\t3", "1\t2\t3")
    write(f"{folder}/truncated.mtx", "%%MatrixMarket matrix coordinate real general", "3 3 3", "1 2 1", "2 1 1")
    write(f"{folder}/regions.tsv", "name\tarea", "a\t1", "b\t2", "c\t3", "e\t4")
    write(f"{folder}/units.tsv", "name\tunit", "a\tcolumn", "b\t", "c\tcube", "d\t-")
    write(f"{folder}/bad.tsv", "name\tarea", "a\t1", "b\tlarge", "c\t3", "d\t4")
    mat = {"a": [[0, 1, 2, 3]] * 4, "b": [[1.5, 1, 2, 3]] * 4}
    scipy.io.savemat(f"{folder}/two.mat", {k: numpy.array(v, float) for k, v in mat.items()}, do_compression=True)
    with open(f"{folder}/two.mat", "rb") as f:
        whole = f.read()
    with open(f"{folder}/truncated.mat", "wb") as f:
        f.write(whole[:-9])
    write(f"{folder}/square.csv", *rows)
    write(f"{folder}/upper5.csv", "0,1,2", "0,0,1", "0,0,0", "1,2,3", "2,3,4")
    five = ["9,2,3,4", "2,3,4,4", "3,1,2,5", "4,4,4,1", "5,0,1,2"]
    write(f"{folder}/constant.csv", *[line[:4] + "7" + line[5:] for line in five])
    write(f"{folder}/nan5.csv", five[0], "2,3,4,n/a", *five[2:])
    for name, header in (("bold", "a,b,c,x"), ("timed", "d,c,b,a")):
        write(f"{folder}/{name}.tsv", *[line.replace(",", "\t") for line in [header] + five])
    write(f"{folder}/timed.json", '{"RepetitionTime": 0.8}')
    scipy.io.savemat(f"{folder}/bold.mat", {"tc": numpy.arange(24.0).reshape(4, 6) % 7})


def complaint(callosum, shared, case):
    """What is wrong with the refusal of this input; None: nothing."""
    _, text, options, fragments, *launcher = case
    with tempfile.TemporaryDirectory() as folder:
        job = f"{folder}/job.yaml"
        out = f"{job}/out" if case[0] == "folder not writable" else f"{folder}/out"
        if text is not None:
            with open(job, "w") as f:
                f.write(text.replace("DIR", shared))
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

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
    # ---- --set
    ("set without value", GOOD, ["simulation.seed"], ["--set simulation.seed", "key.path=value"]),
    ("set below a value", GOOD, ["simulation.seed.x=1"], ["--set simulation.seed.x=1", "simulation.seed"]),
    ("set beyond a list", GOOD, ["populations.7.n=1"], ["--set populations.7.n=1", "a list of 2"]),
    ("set what is no YAML", GOOD, ["record={spikes: [}"], ["--set record={spikes: [}", "not YAML"]),
    ("set an unknown key", GOOD, ["simulation.sede=1"], ["--set simulation.sede=1: simulation.sede", "did you mean 'seed'"]),
]

# What one rank alone finds out must end all of them, with one voice.
RANKS = ["mpirun", "--oversubscribe", "-n", "3"]
ON_RANKS = ["no file", "connectome truncated", "unknown key", "table missing", "region not in the table", "negative density"]


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
    tables = {"short": "name\tunit\nL000\tcolumn\nL001\tcolumn\nR000\tcolumn\n",
              "unit": "name\tunit\nL000\tcolumn\nL001\tcube\nR000\t\nR001\t\n",
              "negative": "name\tsynapse_density\nL000\t1\nL001\t1\nR000\t-0.5\nR001\t1\n",
              "column": "name\tdensity\nL000\t1\n",
              "density": "name\tsynapse_density\nL000\t1\nL001\t1\nR000\t2\nR001\t-\n"}
    for name, text in tables.items():
        with open(f"{folder}/{name}.tsv", "w") as f:
            f.write(text)


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

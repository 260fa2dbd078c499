#!/usr/bin/env python3
"""Makes the seeds of the fuzz targets anew, in tests/fuzz/corpus: our example jobs, shortened, and tiny files in every format
that readers know. Inputs that once found something are named found_* and stay as they are.

    tests/fuzz/make_corpus.py
"""
import pathlib
import re
import sys
import tempfile

import numpy as np
import scipy.sparse

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "connectome"))
import formats  # noqa: E402

CORPUS = HERE / "corpus"
NAMES = ["A", "B", "C"]
WEIGHTS = np.array([[0, 1, 2], [1, 0, 3.5], [2, 3.5, 0]])
LENGTHS = np.array([[0, 10, 20], [10, 0, 30], [20, 30, 0]], float)
PART = b"====\n"


def put(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


# ---- jobs ----

EXAMPLES = ["all_rules", "brunel", "coba", "column", "demo", "procedural", "stdp", "updown", "models"]
FILES = {"all_rules_spikes.tsv": "spikes.tsv", "all_rules_wave.csv": "wave.csv", "all_rules_events.tsv": "events.tsv"}

SMALL = {
    "brain": """\
simulation: {duration_ms: 100, dt_ms: 0.1, seed: 1, backend: /cpu/omp, members: 2}
brain:
  connectome: {file: c.csv, lengths: len.csv, lengths_unit: mm, regions: regions.tsv, symmetrise: mean}
  neurons: 2000
  indegree: 50
  unit: auto
  unit_table: units.tsv
  unit_of: [{region: [D, "B*"], unit: subcortical}]
  synapse_density: {}
stimuli:
  - {name: p, on: {region: "A*", type: E}, fraction: 0.5, model: dc, amplitude: 0.2,
     waveform: {kind: pulses, start_ms: 10, period_ms: 50, width_ms: 20}}
  - {name: t, on: {region: B}, model: inhomogeneous_poisson, rate_hz: 50, weight: 0.5, receptor: AMPA,
     events: {file: events.tsv, trial_type: "go*"}}
interventions:
  - {at_ms: 50, remove: {region: C}}
  - {at_ms: 60, tracts: {from: "A*", onto: "B*"}, factor: 0}
  - {at_ms: 70, on: {type: E}, receptor: GABA_A, factor: 0.5}
  - {at_ms: 80, on: "*", param: g_AMPA_mS_cm2, factor: 1.1}
record: {warmup_ms: 0, spikes: all, rates: {bin_ms: 1}, bold: {tr_s: 0.1}, lfp: {interval_ms: 1},
  empirical_bold: {file: bold.tsv, tr_s: 2, orientation: time_x_region}}
""",
    "explicit": """\
simulation: {duration_ms: 10, dt_ms: 0.5, seed: 0x7}
populations:
  - {name: a, n: 4, model: lif_psc_exp, positions: {file: net.h5, dataset: /p},
     inputs: [{model: spike_train, file: net.h5, population: in, outside: ignore, weight: 1, receptor: exc}]}
  - {name: b, n: 4, type: I, model: lif_psc_exp,
     inputs: [{model: dc, amplitude: 1, waveform: {kind: samples, file: net.h5, dataset: /w, interpolation: linear}}]}
projections:
  - {name: l, source: a, target: b, rule: explicit, file: net.h5, group: /list, receptor: exc}
record: {spikes: ["a*", b], warmup_ms: 0, neurons: all, spectra: {bin_ms: 1, segment_ms: 5, on: {type: I}},
  traces: [{name: v, on: a, neurons: [0, 2], variables: [V_m], interval_ms: 1}]}
partition: {method: contiguous}
sweep: {simulation.seed: [1, 2], populations.0.inputs: [[], []]}
====
simulation.seed=3
populations.1.n=5
record.rates={bin_ms: 1}
""",
    "scale": """\
simulation: {duration_ms: 10, seed: 2}
scale: {neurons: 0.5, indegree: 0.5, weights: keep}
populations: &p
  - &q {name: E, n: 800, type: E, model: lif_psc_exp, rate_hz: 5, inputs: [{model: poisson, rate_hz: 900, weight: 8}]}
  - {name: I, n: 200, type: I, model: lif_psc_exp, rate_hz: 5}
projections:
  - {source: E, target: E, rule: fixed_indegree, indegree: 40, receptor: exc, weight: 20, delay_ms: 1.5,
     plasticity: {stdp: {w_max: 80, a_plus: 0.01, a_minus: 0.0105, tau_plus_ms: 20, tau_minus_ms: 20}}}
  - {source: I, target: E, rule: pairwise_bernoulli, probability: 0.05, receptor: inh, weight: -100,
     delay_ms: {distribution: uniform, low: 0.5, high: 2}, plasticity: {short_term: {u: 0.5, tau_rec_ms: 200}}}
record: {weights: [{name: w, projections: [E->E], interval_ms: 5, sample: 0.5}]}
""",
    "wrong": "simulation: {duration_ms: 10, duratoin_ms: 10}\nbrain: {neurons: -1e12}\n",
    "units": """\
simulation: {duration_ms: 10}
brain:
  neurons: 500
  unit_of: [{region: "L*", unit: mine}]
  units:
    mine:
      populations: [{name: X, layer: a, type: E, share: 0.8}, {name: Y, type: I, share: 0.2}]
      synapses: {X: {X: 10, Y: 5, long_range: 3}, Y: {X: 10, Y: 5}}
      indegree_by: fixed
      params_of: {E: {t_ref_ms: 2}, Y: {t_ref_ms: 1}}
  shares: {local_e: 0.5, local_i: 0.25, long_range: 0.25}
  connectome: {generator: {regions: 4, density: 0.9, seed: 3}}
  rule: fixed_total_number
  coupling: 2
record: {spikes: none, bold: {tr_s: 1}}
""",
}


def shorten(text):
    """A job without its comments."""
    lines = [line.split(" #")[0].rstrip() for line in text.splitlines() if not line.lstrip().startswith("#")]
    text = "\n".join(line for line in lines if line) + "\n"
    for old, new in FILES.items():  # those that the target has
        text = text.replace(old, new)
    return text


def jobs():
    for name in EXAMPLES:
        put("job", name + ".yaml", shorten((ROOT / "jobs/examples" / (name + ".yaml")).read_text()))
    for name, text in SMALL.items():
        put("job", name + ".yaml", text)


# ---- connectomes ----

def connectome_files(folder):
    """(option byte, file) for every format."""
    regions = {"name": NAMES, "xyz": [(1.0, 2.0, 3.0)] * 3, "area": [1, 2, 3]}
    sparse = scipy.sparse.csc_matrix(WEIGHTS)
    makers = [
        (0x08, "c.csv", lambda p: formats.text(p, WEIGHTS, ",", header=NAMES)),
        (0x05, "c.tsv", lambda p: formats.text(p, WEIGHTS, "\t", header=NAMES, labels=NAMES, corner="region")),
        (0x60, "mrtrix.csv", lambda p: formats.text(p, np.triu(WEIGHTS), " ", comment="mrtrix command: tck2connectome -keep_u")),
        (0x03, "relmat.tsv", lambda p: formats.entries(p, WEIGHTS, ["source", "target", "weight"], NAMES)),
        (0x20, "list.csv", lambda p: formats.entries(p, WEIGHTS, ["i", "j", "value"])),
        (0x02, "v5.mat", lambda p: formats.matlab5(p, {"sc": WEIGHTS, "n": np.arange(3.0)})),
        (0x0a, "v5_plain.mat", lambda p: formats.matlab5(p, {"sc": WEIGHTS.astype("f4"), "t": "text"}, compressed=False)),
        (0x02, "v5_sparse.mat", lambda p: formats.matlab5(p, {"sc": sparse}, compressed=False)),
        (0x82, "v5_cell.mat", lambda p: formats.matlab5(p, {"sc": WEIGHTS.astype("i2"), "s": {"a": 1, "b": [1, 2]}}, compressed=False)),
        (0x40, "c.mtx", lambda p: formats.mtx(p, WEIGHTS)),
        (0x00, "tvb.zip", lambda p: formats.zipped(p, WEIGHTS, LENGTHS, regions)),
        (0x00, "tvb_bz2.zip", lambda p: formats.zipped(p, WEIGHTS, LENGTHS, regions, ["weights.txt", "centres.txt"])),
    ]
    for option, name, make in makers:
        make(folder / name)
        yield option, name, (folder / name).read_bytes()


def connectomes():
    with tempfile.TemporaryDirectory() as name:
        for option, name, data in connectome_files(pathlib.Path(name)):
            put("connectome", name, bytes([option]) + data)
    put("connectome", "pattern.mtx", b"\x00%%MatrixMarket matrix coordinate pattern symmetric\n%\n3 3 2\n2 1\n3 2\n")
    header = "name\tx\ty\tz\tarea\tvolume\themisphere\tcortical\tunit\tdensity\n"
    rows = "".join(f"{n}\t1\t2\t3\t10\t20\t{h}\t1\tcolumn\t1.5\n" for n, h in zip(NAMES, "LRL"))
    put("regions", "all.tsv", b"\x03" + (header + rows).encode() + PART + b'{"Units": "mm", "RepetitionTime": 2}\n')
    put("regions", "some.csv", b"\x00name,hemi\nA,left\n\"B\",right\nC,\n" + PART + b'{"Units": "cm"}')
    put("regions", "order.tsv", b"\x01x y z\n1 2 3\n4 5 6\nn/a 1 1\n")


# ---- tables ----

def tables():
    spikes = "time_ms node\n0.1 0\n12.5 7\n900 99\n"
    put("tables", "spikes", b"\x00" + spikes.encode())
    put("tables", "spikes_nest", b"\x09# NEST\nsender\ttime_ms\n3\t1.5\n400\t2.0\n")
    put("tables", "wave", b"\x022,0.5\n0,1\n"[:1] + b"0,1\n10,2\n20,-3\n")
    put("tables", "wave_column", b"\x13value\n1\n2\n3\n")
    put("tables", "events", b"\x8conset\tduration\ttrial_type\n0.5\t1\tgo_left\n1\t2\tgo\n9\t0\tstop\n")
    put("tables", "bold", b"\x0dA\tB\tC\n1\t2\t3\n2\t1\t5\n4\t4\t1\n")
    put("tables", "bold_plain", b"\x161,2,3\n2,1,5\n4,4,1\n7,8,9\n")
    signal = np.array([[1, 2, 3], [2, 1, 5], [4, 4, 1], [7, 8, 9]], "f4")
    with tempfile.TemporaryDirectory() as folder:
        image, packed, cifti = (pathlib.Path(folder) / name for name in ("a.nii", "a.nii.gz", "a.ptseries.nii"))
        formats.nifti(image, signal.T[:, None, None, :].copy(), tr=2, unit=formats.SECONDS, slope=2, inter=1)
        formats.nifti(packed, signal.T[None, :, None, :].copy(), order=">")
        formats.ptseries(cifti, signal, "ABC", 0.72)
        put("tables", "bold_nifti", b"\x1e" + image.read_bytes())
        put("tables", "bold_nifti_packed", b"\x26" + packed.read_bytes())
        put("tables", "bold_cifti", b"\x1d" + cifti.read_bytes())
    put("tables", "units", b"\x0fname\tunit\tsynapse_density\nA\tcolumn\t1.5\nB\t-\tn/a\n")


# ---- HDF5 ----

CONNECTOME = """\
@/ format s - callosum-connectome
@/ version i4 - 1
@/ origin s - test
/regions/name s 3 A B C
/regions/unit s8 3 column column thalamus
/regions/centre_mm f8 3,3 1 2 3 4 5 6 7 8 nan
@/regions/centre_mm units s - mm
/regions/area_mm2 f8 3 1 2 nan
/regions/hemisphere i1 3 0 1 -1
/regions/cortical i1 3 1 1 0
/regions/synapse_density f4 3 1 2 1
/tracts/row u8 4 0 1 3 4
/tracts/source u4 4 1 0 2 1
/tracts/weight f8 4 1 2 3 4
/tracts/length_mm f8 4 10 20 30 40
!connectome
"""
OTHERS = {
    "edges": "/l/source_id u4 5 0 9 3 4 99\n/l/target_id i8 5 0 1 1 7 49\n/l/weight f4 5 1 2 3 -4 5\n/l/delay_ms f8 5 .1 1 2 3 4\n!edges /l 1\n",
    "edges_pair": "/source_id i2 3 0 1 2\n/target_id u1 3 4 3 2\n/weight f8 3,2 1 2 3 4 5 6\n!edges / 2\n",
    "positions": "/p f8 3,3 0 0 0 1 1 1 2 0 1\n!positions /p 3\n/q f4 2,2 0 1 2 3\n!positions /q 2\n",
    "spikes": "/spikes/a/timestamps f8 3 1 2 3\n@/spikes/a/timestamps units s - ms\n/spikes/a/node_ids u8 3 0 1 2\n@/spikes/a sorting e - 2\n!spikes a\n!spikes\n",
    "spikes_old": "/spikes/timestamps f4 2 5 1\n/spikes/gids i4 2 0 1\n!spikes\n",
    "spikes_ours": "/spikes/net/timestamps f8 2 1 2\n/spikes/net/node_ids u8 2 5 6\n@/spikes/net sorting s - by_time\n/callosum/populations/name s 2 E I\n/callosum/populations/first u8 2 0 5\n/callosum/populations/count u8 2 5 3\n!spikes I\n",
    "wave": "/w f8 3,2 0 1 5 2 9 0\n!wave /w\n/v i2 4 1 2 3 4\n!wave /v\n",
    "matlab": "!matlab\n/sc f8 3,3 0 1 2 1 0 3 2 3 0\n@/sc MATLAB_class s6 - double\n/t u2 2,1 65 66\n@/t MATLAB_class s4 - char\n!matrix\n!matrix sc\n!connectome\n",
    "matlab_sparse": "!matlab\n/s group\n@/s MATLAB_class s6 - double\n@/s MATLAB_sparse u8 - 3\n/s/ir u8 4 0 1 2 0\n/s/jc u8 4 0 1 3 4\n/s/data f8 4 1 2 3 4\n!matrix s\n",
    "odd": "/a link /b\n/b c 2\n/c s 0\n/d f8 1000000000000\n/e f8 -\n!wave /a\n!wave /d\n!positions /d 5\n!edges /a 1\n!matrix\n!spikes\n!connectome\n",
}


def hdf5():
    put("hdf5", "connectome", CONNECTOME)
    for name, text in OTHERS.items():
        put("hdf5", name, text)


# ---- SONATA ----

CIRCUIT = """\
{"manifest": {"$BASE": "${configdir}", "$NET": "$BASE"},
 "components": {"synaptic_models_dir": "$BASE", "point_neuron_models_dir": "$BASE"},
 "networks": {"nodes": [{"nodes_file": "$NET/nodes.h5", "node_types_file": "$NET/node_types.csv"}],
              "edges": [{"edges_file": "$NET/edges.h5", "edge_types_file": "edge_types.csv"}]}}
"""
SIMULATION = """\
{"run": {"tstop": 50.0, "dt": 0.1}, "network": "./circuit_config.json",
 "inputs": {"in": {"input_type": "spikes", "module": "sonata", "input_file": "$BASE/input.h5", "node_set": {"population": "lgn"}}},
 "manifest": {"$BASE": "."}}
"""
NODE_TYPES = """\
node_type_id pop_name model_type model_template ei dynamics_params
100 exc point_process nrn:IntFire1 e NULL
101 "inh x" point_process nrn:IntFire1 i NULL
102 lgn virtual NULL e NULL
"""
EDGE_TYPES = """\
edge_type_id target_query source_query syn_weight delay dynamics_params model_template
1 * * 0.5 2.0 synapse.json static_synapse
2 * * 1.5 1.0 synapse.json static_synapse
"""
NODES = "/nodes/v1/node_type_id i8 3 100 100 101\n/nodes/v1/node_id u8 3 0 1 2\n/nodes/lgn/node_type_id u4 2 102 102\n"
EDGES = """\
/edges/a/source_node_id u8 3 0 1 1
/edges/a/target_node_id u8 3 0 1 2
@/edges/a/source_node_id node_population s - lgn
@/edges/a/target_node_id node_population s - v1
/edges/a/edge_type_id i4 3 1 1 2
/edges/a/edge_group_id u2 3 0 0 0
/edges/a/edge_group_index u4 3 0 1 2
/edges/a/0/nsyns u2 3 1 5 2
/edges/a/0/syn_weight f4 3 1 1.5 2
"""
SPIKES = "/spikes/lgn/timestamps f8 3 1 2 3\n/spikes/lgn/node_ids u8 3 0 1 1\n"
SYNAPSE = '{"level_of_detail": "instantaneous", "sign": 1}\n'


def sonata():
    whole = [CIRCUIT, SIMULATION, NODE_TYPES, EDGE_TYPES, NODES, EDGES, SPIKES, SYNAPSE]
    put("sonata", "circuit", PART.join(p.encode() for p in whole))
    plain = [CIRCUIT.replace("$NET/", ""), "{}\n", NODE_TYPES, EDGE_TYPES.replace("synapse.json", "NULL"), NODES,
             EDGES.split("/edges/a/edge_group_id")[0], "", ""]
    put("sonata", "plain", PART.join(p.encode() for p in plain))


# ---- checkpoints: changes to one that the target makes ----

def checkpoints():
    put("checkpoint", "whole", "0")
    put("checkpoint", "flip", b"0" + bytes([1, 8, 0, 3]))
    put("checkpoint", "flip_manifest", b"0" + bytes([0, 0, 99, 1]))
    put("checkpoint", "cut", b"0" + bytes([5, 30, 0, 0]))
    put("checkpoint", "cut_manifest", b"0" + bytes([4, 2, 0, 0]))
    put("checkpoint", "longer", b"0" + bytes([7, 0, 0, 0, 6, 0, 0, 10]))
    put("checkpoint", "rows", 'R"rows":\t1000="rows":\t500\n"bytes":\t8000="bytes":\t4000\n')
    put("checkpoint", "members", 'R"members":\t2="members":\t3\n"dt_ms":\t0.1="dt_ms":\t1e-300\n')
    put("checkpoint", "types", 'Rf32=i32\nu64=f64\nstates=spikes\nrates.h5=none.h5\n')
    put("checkpoint", "science", 'Ra: {b: [1=a: {b: [3\n"length":\t="length":\t1\n')
    manifest = ('{\n\t"format":\t1,\n\t"file":\t"checkpoint_70.h5",\n\t"length":\t16,\n\t"step":\t70,\n\t"dt_ms":\t0.1,\n\t"members":\t2,\n'
                '\t"seed":\t"0000000000000001",\n\t"job_hash":\t"0000000000000003",\n\t"science_hash":\t"0000000000000004",\n'
                '\t"version":\t"0",\n\t"backend":\t"b",\n\t"ranks":\t1,\n\t"science":\t"a: 1",\n\t"arrays":\t[{"name":\t"x","type":\t"u8",'
                '"rows":\t8,"width":\t1,"offset":\t8,"bytes":\t8,"sums":\t"0123456789abcdef"}],\n\t"rest":\t[{"offset":\t0,"bytes":\t8,'
                '"sum":\t"0123456789abcdef"}],\n\t"recordings":\t[{"name":\t"rates.h5","bytes":\t10}]')
    put("checkpoint", "manifest", "M" + manifest)


# ---- words that a fuzzer would be long to find ----

MODELS = ["lif_psc_exp", "lif_psc_delta", "lif_cond_exp", "lif_dtb", "adex", "izhikevich", "relay", "poisson", "dc", "ou",
          "inhomogeneous_poisson", "spike_train"]
VALUES = ["1e12", "1e308", "-1", "0", ".inf", ".nan", "18446744073709551615", "1e-320", "0.1", "null", "true"]
MARK = r"====\x0a"
WORDS = {
    "connectome": ["4294967290", "2000000", "%%MatrixMarket matrix coordinate real general", "symmetric", "pattern", r"source\x09target\x09weight", "nan",
                   "1e999", "mrtrix command: tck2connectome", r"\x00\x00\x00\x0e", "weights.txt", r"PK\x01\x02"],
    "regions": ["name", "hemisphere", "cortical", "density", "volume", r"\"", "n/a", r"{\"Units\": \"cm\"}", MARK],
    "tables": ["n+1", "n+2", "MatrixIndicesMap", "AppliesToMatrixDimension=", "CIFTI_INDEX_TYPE_PARCELS", "<Parcel Name=", "time_ms", "sender", "onset", "duration", "trial_type", "synapse_density", "n/a", "nan", "1e308", "-0",
               r"\xef\xbb\xbf"],
    "hdf5": ["/regions/name", "/tracts/row", "/tracts/source", "/spikes/", "timestamps", "node_ids", "gids", "MATLAB_class",
             "MATLAB_sparse", "MATLAB_empty", "/callosum/populations/", "!edges", "!spikes", "!wave", "!positions", "!matrix",
             "!connectome", "!matlab", "group", "link", "1099511627776", "4294967296", "0,0", "-", "nan", "inf", "/ir", "/jc",
             "/data"],
    "sonata": ["nodes_file", "edges_file", "node_types_file", "edge_types_file", "$BASE", "${configdir}", "node_sets_file",
               "node_population", "edge_group_id", "edge_group_index", "nsyns", "syn_weight", "delay", "virtual", "NULL", MARK],
    "checkpoint": [f'\\"{k}\\":\\x09' for k in ("format", "file", "length", "step", "dt_ms", "members", "seed", "job_hash", "science_hash",
                                           "version", "backend", "ranks", "science", "arrays", "rest", "recordings", "name", "type",
                                           "rows", "width", "offset", "bytes", "sums", "sum")]
                  + ["f32", "u64", "9007199254740992", "18446744073709551615", "-1", "1e999", "0123456789abcdef"],
}


def dictionaries():
    """Keys and choices of a job are those of its reference in README.md."""
    readme = (ROOT / "README.md").read_text()
    keys = sorted(set(re.findall(r"^\| `(\w+)` \|", readme, re.M)))
    choices = set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| `\w+` \| one of \|.*$", readme, re.M))))
    job = [k + ": " for k in keys] + sorted(choices) + MODELS + VALUES + ["{distribution: uniform, low: 0, high: 1}", MARK]
    for name, words in [("job", job)] + list(WORDS.items()):
        (HERE / (name + ".dict")).write_text("".join(f'"{w}"\n' for w in dict.fromkeys(words)))


if __name__ == "__main__":
    for old in CORPUS.glob("*/*"):
        if not old.name.startswith("found_"):
            old.unlink()
    jobs()
    connectomes()
    tables()
    hdf5()
    sonata()
    checkpoints()
    dictionaries()
    print(sum(p.stat().st_size for p in CORPUS.glob("*/*")), "bytes in", len(list(CORPUS.glob("*/*"))), "files")

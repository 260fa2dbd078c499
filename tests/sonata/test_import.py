"""SONATA circuits as jobs: every edge of the published network of 300 cells and of a made-up one with all that the format
allows is found again, with its weight and delay, against an independent reading by h5py; what is wrong is refused.

  test_import.py CALLOSUM
"""
import collections
import csv
import json
import pathlib
import re
import subprocess
import sys

import h5py
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import DATA, PROGRAM, Run, call, testing  # noqa: E402


# ---- what was written

def read_job(folder):
    """Populations and projections of a job.yaml as the import writes it."""
    text = (folder / "job.yaml").read_text(encoding="utf-8")
    things = []
    for block in re.split(r"\n  - ", text)[1:]:
        fields = dict(re.findall(r"(?m)^\s*(\w+): (.+?)(?: # .*)?$", block.split("\nprojections:")[0]))
        things.append({key: value.strip('"') for key, value in fields.items()})
    return [t for t in things if "rule" not in t], [t for t in things if "rule" in t], text


def written_edges(folder):
    """Counter of (edge population, source population, source, target population, target, weight, delay)."""
    _, projections, _ = read_job(folder)
    edges = collections.Counter()
    with h5py.File(folder / "network.h5", "r") as file:
        for p in projections:
            assert p["name"] == p["group"] and p["rule"] == "explicit" and p["file"] == "network.h5"
            group = file[p["group"]]
            source, target, weight = (group[name][()] for name in ("source_id", "target_id", "weight"))
            delay = group["delay_ms"][()] if "delay_ms" in group else numpy.full(len(source), float(p["delay_ms"]))
            assert ("delay_ms" in group) != ("delay_ms" in p)
            for s, t, w, d in zip(source.tolist(), target.tolist(), weight.tolist(), delay.tolist()):
                edges[p["name"].split("/")[0], p["source"], s, p["target"], t, w, d] += 1
    return edges


# ---- what the circuit says

def table(path):
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    rows = [{key: None if value == "NULL" else value for key, value in row.items()}
            for row in csv.DictReader(lines, delimiter=" ")]
    return {int(row.get("node_type_id") or row["edge_type_id"]): row for row in rows}


def circuit_edges(network, files, names, sign):
    """The same counter from the circuit's files: names(population, type) is that of the job's population."""
    where, nodes = {}, {}
    for file, types in files["nodes"]:
        rows = table(network / types)
        with h5py.File(network / file, "r") as f:
            for population in f["nodes"]:
                ids = f["nodes"][population]["node_type_id"][()]
                nodes[population] = ids, rows
                counts = collections.Counter()
                for node, kind in enumerate(ids.tolist()):
                    name = names(population, kind)
                    where[population, node] = name, counts[name]
                    counts[name] += 1
    edges = collections.Counter()
    for file, types in files["edges"]:
        rows = table(network / types)
        with h5py.File(network / file, "r") as f:
            for name, group in f["edges"].items():
                population = {end: group[f"{end}_node_id"].attrs["node_population"] for end in ("source", "target")}
                columns = [group[c][()].tolist() for c in
                           ("source_node_id", "target_node_id", "edge_type_id", "edge_group_id", "edge_group_index")]
                own = {(g, c): group[g][c][()] for g in group if g.isdigit() for c in group[g]}
                for s, t, kind, g, i in zip(*columns):
                    row = rows[kind]
                    value = {c: float(own[str(g), c][i]) if (str(g), c) in own else float(row.get(c) or 1)
                             for c in ("nsyns", "syn_weight", "delay")}
                    ids, node_rows = nodes[population["source"]]
                    w = sign(row, node_rows[int(ids[s])]) * value["syn_weight"] * value["nsyns"]
                    edges[(name, *where[population["source"], s], *where[population["target"], t], w, value["delay"])] += 1
    return edges


# ---- the published network

PUBLISHED = {"nodes": [(f"{n}_nodes.h5", f"{n}_node_types.csv") for n in ("v1", "lgn", "tw")],
             "edges": [(f"{n}_edges.h5", f"{n}_edge_types.csv") for n in ("v1_v1", "lgn_v1", "tw_v1")]}


def published(check, folder):
    data = DATA / "sonata_300_intfire"
    if not data.exists():
        print(f"skipped: {data} is not there")
        return
    out = folder / "published"
    done = call("import", "sonata", data / "circuit_config.json", "--out", out)
    check.equal("300 cells: exit code", done.returncode, 0)
    check("300 cells: summary", "nodes        300, and 120 virtual ones, in 4 populations" in done.stdout
          and "edges        87720 (832200 synapses) in 8 projections" in done.stdout, done.stdout.replace("\n", " | "))
    names = {("v1", 100): "v1.LIF_exc", ("v1", 101): "v1.LIF_inh"}
    expected = circuit_edges(data / "network", PUBLISHED, lambda p, kind: names.get((p, kind), p),
                             lambda edge, node: -1 if node["ei"] == "i" else 1)
    found = written_edges(out)
    check("300 cells: every edge, weight and delay", found == expected,
          f"{sum(found.values())} edges, {sum((found - expected).values())} not of the circuit")
    populations, projections, text = read_job(out)
    check.equal("300 cells: populations", {p["name"]: (int(p["n"]), p["type"], p["model"]) for p in populations},
                {"v1.LIF_exc": (240, "E", "lif_psc_delta"), "v1.LIF_inh": (60, "I", "lif_psc_delta"),
                 "lgn": (90, "E", "relay"), "tw": (30, "E", "relay")})
    check("300 cells: time constants", "tau_m_ms: 24, t_ref_ms: 3" in text and "tau_m_ms: 7, t_ref_ms: 3" in text)
    check("300 cells: times", "{duration_ms: 3000, dt_ms: 0.1, seed: 1}" in text)
    with h5py.File(out / "spikes.h5", "r") as mine:
        for name in ("lgn", "tw"):
            with h5py.File(data / "inputs" / f"{name}_spikes.h5", "r") as theirs:
                same = (mine["spikes"][name]["node_ids"][()] == theirs["spikes/gids"][()]).all() and \
                       (mine["spikes"][name]["timestamps"][()] == theirs["spikes/timestamps"][()]).all()
            check(f"300 cells: spikes of {name}", same, f"{len(mine['spikes'][name]['node_ids'])} spikes")
    again = call("import", "sonata", data / "circuit_config.json", "--out", out)
    check("300 cells: a folder with a job is refused", again.returncode == 2 and "holds a job already" in again.stderr)
    run(check, data, out, folder / "run")


def run(check, data, out, results):
    """The job against the published spikes, once the program has the models."""
    models = call("models").stdout
    if "lif_psc_delta" not in models or "relay" not in models or "spike_train" not in models:
        print("skipped: this program lacks lif_psc_delta, relay or spike_train; 4322 spikes are to be found")
        return
    done = Run(out / "job.yaml", results)
    check.equal("300 cells: the job runs", done.code, 0)
    with h5py.File(results / "spikes.h5", "r") as file:
        group = next(file["spikes"][name] for name in file["spikes"])
        node, time = group["node_ids"][()].astype(int), group["timestamps"][()]
    cells = node < 300
    with h5py.File(data / "output" / "spikes.h5", "r") as file:
        reference = file["spikes/v1/node_ids"][()].astype(int), file["spikes/v1/timestamps"][()]
    node, time = node[cells], time[cells]
    check.equal("300 cells: number of spikes", len(node), len(reference[0]))
    mine, theirs = numpy.lexsort((time, node)), numpy.lexsort(reference[::-1])
    same = len(node) == len(reference[0]) and (node[mine] == reference[0][theirs]).all()
    check("300 cells: spikes of each cell", same)
    if same:  # a spike is timed at the end of its step
        late = time[mine] - reference[1][theirs]
        check("300 cells: every spike in its step", late.min() > -1e-6 and late.max() < 0.1 + 1e-6,
              f"{late.min():.3f} to {late.max():.3f} ms after the published times")


# ---- a made-up network

def make_nodes(path, population, types, ids=True):
    with h5py.File(path, "a") as file:
        group = file.create_group(f"nodes/{population}")
        group["node_type_id"] = numpy.array(types, "i8")
        if ids:
            group["node_id"] = numpy.arange(len(types))
        group.create_group("0")


def make_edges(path, name, source, target, types, groups=None, **own):
    """own: arrays per group, {"nsyns": {0: ..., 1: ...}}."""
    n = len(source[1])
    with h5py.File(path, "a") as file:
        group = file.create_group(f"edges/{name}")
        for end, (population, ids) in (("source", source), ("target", target)):
            group[f"{end}_node_id"] = ids
            group[f"{end}_node_id"].attrs["node_population"] = population
        group["edge_type_id"] = types
        groups = numpy.zeros(n, "u2") if groups is None else groups
        index = numpy.zeros(n, "u4")
        for g in numpy.unique(groups):
            index[groups == g] = numpy.arange((groups == g).sum())
            group.create_group(str(g))
        group["edge_group_id"], group["edge_group_index"] = groups, index
        for column, values in own.items():
            for g, array in values.items():
                group[f"{g}/{column}"] = array


EDGES = 8000  # of a made-up network that is refused


def make_circuit(folder, n=EDGES):
    """Two node populations in one file with interleaved types, virtual nodes of two kinds, edges with values of their own
    in two groups, parameters in component files, and every way to write a path."""
    random = numpy.random.default_rng(3)
    for name in ("net", "types", "models", "synapses", "in"):
        (folder / name).mkdir()
    cells = random.choice([5, 7, 11], 500).tolist()
    make_nodes(folder / "net/nodes.h5", "cells", cells)
    make_nodes(folder / "net/nodes.h5", "others", [5] * 40, ids=False)
    make_nodes(folder / "net/input.h5", "input", [1, 2] * 30)
    (folder / "types/nodes.csv").write_text(
        'node_type_id model_type model_template ei pop_name dynamics_params "some words"\n'
        '5 point_process nrn:IntFire1 e Pyr pyr.json "a ""b"" c"\n'
        "7 point_process nrn:IntFire1 i Pv pv.json NULL\n"
        "11 point_process nrn:IntFire1 NULL Pyr/2 NULL NULL\n\n")
    (folder / "types/input.csv").write_text("node_type_id model_type ei\n1 virtual e\n2 virtual i\n")
    (folder / "types/edges.csv").write_text(
        "edge_type_id syn_weight delay nsyns dynamics_params weight_function\n"
        "20 0.25 1.5 3 exc.json wmax\n21 0.5 2.5 NULL inh.json wmax\n22 0.125 3.5 2 NULL gaussian\n")
    (folder / "models/pyr.json").write_text('{"tau": 0.03, "refrac": 0.002}')
    (folder / "models/pv.json").write_text('{"tau": 0.011, "refrac": 0.001}')
    (folder / "synapses/exc.json").write_text('{"sign": 1}')
    (folder / "synapses/inh.json").write_text('{"sign": -1}')
    groups = numpy.sort(random.integers(0, 2, n)).astype("u2")
    random.shuffle(groups[:100])
    counts = numpy.bincount(groups)
    make_edges(folder / "net/edges.h5", "inner", ("cells", random.integers(0, 500, n)),
               ("cells", numpy.sort(random.integers(0, 500, n))), random.choice([20, 21, 22], n), groups,
               nsyns={0: random.integers(0, 9, counts[0]).astype("u1")},
               syn_weight={1: random.integers(1, 99, counts[1]) / 64}, delay={1: random.integers(1, 9, counts[1]) / 2})
    make_edges(folder / "net/edges.h5", "outer", ("others", random.integers(0, 40, 900)),
               ("cells", random.integers(0, 500, 900)), random.choice([20, 22], 900))
    make_edges(folder / "net/input_edges.h5", "driven", ("input", random.integers(0, 60, 3000)),
               ("others", random.integers(0, 40, 3000)), random.choice([20, 22], 3000))
    with h5py.File(folder / "in/spikes.h5", "w") as file:
        file["spikes/input/node_ids"] = random.integers(0, 60, 2000)
        file["spikes/input/timestamps"] = numpy.sort(random.uniform(0, 500, 2000))
        file["spikes/another/node_ids"] = [1]
    circuit = {
        "manifest": {"$BASE": "${configdir}", "$NET": "$BASE/net", "$NETWORK_TYPES": "./types", "$C": "."},
        "components": {"point_neuron_models_dir": "$C/models", "synaptic_models_dir": str(folder / "synapses")},
        "networks": {
            "nodes": [{"nodes_file": "$NET/nodes.h5", "node_types_file": "$NETWORK_TYPES/nodes.csv"},
                      {"nodes_file": "net/input.h5", "node_types_file": "types/input.csv"}],
            "edges": [{"edges_file": "$NET/edges.h5", "edge_types_file": "$NETWORK_TYPES/edges.csv"},
                      {"edges_file": "$NET/input_edges.h5", "edge_types_file": "$NETWORK_TYPES/edges.csv"}]}}
    simulation = {"run": {"tstop": 500, "dt": 0.25}, "node_sets_file": "sets.json",
                  "inputs": {"one": {"input_type": "spikes", "module": "sonata", "input_file": "in/spikes.h5",
                                     "node_set": "Drive"}}}
    (folder / "circuit.json").write_text(json.dumps(circuit))
    (folder / "sets.json").write_text(json.dumps({"Drive": {"population": "input"}}))
    (folder / "sim.json").write_text(json.dumps(simulation))
    (folder / "bundle.json").write_text(json.dumps({"network": "circuit.json", "simulation": "./sim.json"}))
    return cells, circuit, simulation


MADE_UP = {"nodes": [("net/nodes.h5", "types/nodes.csv"), ("net/input.h5", "types/input.csv")],
           "edges": [("net/edges.h5", "types/edges.csv"), ("net/input_edges.h5", "types/edges.csv")]}


def made_up(check, folder):
    folder.mkdir()
    cells, _, _ = make_circuit(folder, 80000)  # several pieces
    out = folder / "out"
    done = call("import", "sonata", folder / "bundle.json", "--out", out)
    check("made up: exit code", done.returncode == 0, done.stderr)
    names = {5: "cells.Pyr", 7: "cells.Pv", 11: "cells.11"}

    def sign(edge, node):
        of_type = {"exc.json": 1, "inh.json": -1}.get(edge["dynamics_params"])
        # virtual nodes of both kinds are one population: no sign of their own
        of_source = -1 if node["ei"] == "i" and node["model_type"] != "virtual" else 1
        return of_type or of_source

    expected = circuit_edges(folder, MADE_UP, lambda p, kind: names[kind] if p == "cells" else p, sign)
    found = written_edges(out)
    check("made up: every edge, weight and delay", found == expected,
          f"{sum(found.values())} edges of {len(read_job(out)[1])} projections, "
          f"{sum((found - expected).values())} not of the circuit")
    populations, _, text = read_job(out)
    check.equal("made up: populations", {p["name"]: int(p["n"]) for p in populations},
                {"cells.Pyr": cells.count(5), "cells.Pv": cells.count(7), "cells.11": cells.count(11), "others": 40,
                 "input": 60})
    check("made up: parameters", all(s in text for s in ("tau_m_ms: 30, t_ref_ms: 2,", "tau_m_ms: 11, t_ref_ms: 1,",
                                                         "tau_m_ms: 24, t_ref_ms: 3,", "duration_ms: 500, dt_ms: 0.25")))
    check("made up: notes", all(s in done.stdout for s in ("weight_function gaussian", "'input' is neither",
                                                           "cells.11: a file of parameters is not there")), done.stdout)
    with h5py.File(out / "spikes.h5", "r") as mine, h5py.File(folder / "in/spikes.h5", "r") as theirs:
        check("made up: spikes", all((mine["spikes/input"][c][()] == theirs["spikes/input"][c][()]).all()
                                     for c in ("node_ids", "timestamps")) and list(mine["spikes"]) == ["input"])
    silent = call("import", "sonata", folder / "circuit.json", "--out", folder / "silent")
    check("made up: without a simulation", silent.returncode == 0 and "stay silent" in silent.stdout
          and not (folder / "silent/spikes.h5").exists(), silent.stderr)


# ---- what is refused

def spoil(name, folder, circuit, simulation):
    """Spoils one thing; returns what the message must say, and further arguments."""
    def edit(path, change):
        with h5py.File(folder / path, "r+") as file:
            change(file)

    def replace(file, path, values):
        attributes = dict(file[path].attrs)
        del file[path]
        file[path] = values
        file[path].attrs.update(attributes)

    if name == "no file":
        return ["nowhere.json", "No such file"], "nowhere.json"
    if name == "not JSON":
        (folder / "circuit.json").write_text('{"networks": \n]')
        return ["circuit.json:2", "not JSON"], None
    if name == "no networks":
        del circuit["networks"]
        return ["'networks' is missing"], None
    if name == "no list":
        circuit["networks"]["edges"] = {}
        return ["networks.edges", "a list"], None
    if name == "no nodes file":
        circuit["networks"]["nodes"][1].pop("nodes_file")
        return ["networks.nodes.1", "'nodes_file' is missing"], None
    if name == "variable":
        circuit["networks"]["nodes"][0]["nodes_file"] = "$NOWHERE/nodes.h5"
        return ["$NOWHERE", "not in the manifest"], None
    if name == "no types":
        circuit["networks"]["nodes"][0].pop("node_types_file")
        return ["nodes.h5", "no node_types_file"], None
    if name == "truncated":
        whole = (folder / "net/edges.h5").read_bytes()
        (folder / "net/edges.h5").write_bytes(whole[: len(whole) // 2])
        return ["net/edges.h5", "damaged or cut off"], None
    if name == "words of a type":
        (folder / "types/edges.csv").write_text("edge_type_id delay\n20 1.5 3\n")
        return ["edges.csv:2", "3 words: expected 2"], None
    if name == "no ids of types":
        (folder / "types/nodes.csv").write_text("type model_type\n5 virtual\n")
        return ["nodes.csv", "no column node_type_id"], None
    if name == "weight that is no number":
        text = (folder / "types/edges.csv").read_text().replace("0.25", "strong")
        (folder / "types/edges.csv").write_text(text)
        return ["edges.csv", "type 20", "syn_weight", "'strong'"], None
    if name == "no delay":
        text = (folder / "types/edges.csv").read_text().replace("delay", "slowness")
        (folder / "types/edges.csv").write_text(text)
        return ["/edges/inner", "delay nan"], None
    if name == "model":
        text = (folder / "types/nodes.csv").read_text().replace("nrn:IntFire1 i", "nrn:IntFire2 i")
        (folder / "types/nodes.csv").write_text(text)
        return ["nodes.csv", "type 7", "nrn:IntFire2", "expected virtual, or nrn:IntFire1"], None
    if name == "type of a node":
        edit("net/nodes.h5", lambda f: f["nodes/cells/node_type_id"].__setitem__(17, 99))
        return ["/nodes/cells/node_type_id: row 17: type 99"], None
    if name == "order of nodes":
        edit("net/nodes.h5", lambda f: f["nodes/cells/node_id"].__setitem__(17, 18))
        return ["/nodes/cells/node_id: row 17: 18"], None
    if name == "source of an edge":
        edit("net/edges.h5", lambda f: f["edges/inner/source_node_id"].__setitem__(EDGES - 1, 500))
        return [f"/edges/inner/source_node_id: row {EDGES - 1}: 500: expected 0 ... 499"], None
    if name == "type of an edge":
        edit("net/edges.h5", lambda f: f["edges/inner/edge_type_id"].__setitem__(5, 23))
        return ["/edges/inner/edge_type_id: row 5: type 23"], None
    if name == "population of an edge":
        edit("net/edges.h5", lambda f: f["edges/outer/source_node_id"].attrs.__setitem__("node_population", "x"))
        return ["/edges/outer/source_node_id", "'x' is not in the circuit"], None
    if name == "length of a column":
        edit("net/edges.h5", lambda f: replace(f, "edges/inner/edge_type_id", numpy.full(7, 20)))
        return ["/edges/inner/edge_type_id", f"7 rows: expected {EDGES}"], None
    if name == "row of a group":
        edit("net/edges.h5", lambda f: f["edges/inner/edge_group_index"].__setitem__(3, 10**6))
        return ["edge 3 is row 1000000"], None
    if name == "weight NaN":
        edit("net/edges.h5", lambda f: f["edges/inner/1/syn_weight"].__setitem__(0, numpy.inf))
        return ["syn_weight inf"], None
    if name == "node of a spike":
        edit("in/spikes.h5", lambda f: f["spikes/input/node_ids"].__setitem__(9, 60))
        return ["/spikes/input/node_ids: row 9: 60: expected 0 ... 59"], None
    if name == "spikes of cells":
        simulation["inputs"]["one"]["node_set"] = "cells"
        return ["spikes of 'cells'", "virtual"], None
    if name == "other input":
        simulation["inputs"]["one"]["input_type"] = "current_clamp"
        return ["inputs.one", "current_clamp"], None
    raise AssertionError(name)


REFUSED = ["no file", "not JSON", "no networks", "no list", "no nodes file", "variable", "no types", "truncated",
           "words of a type", "no ids of types", "weight that is no number", "no delay", "model", "type of a node",
           "order of nodes", "source of an edge", "type of an edge", "population of an edge", "length of a column",
           "row of a group", "weight NaN", "node of a spike", "spikes of cells", "other input"]


def refusals(check, folder):
    for name in REFUSED:
        place = folder / name.replace(" ", "_")
        place.mkdir()
        _, circuit, simulation = make_circuit(place)
        before = json.dumps(circuit), json.dumps(simulation)
        says, config = spoil(name, place, circuit, simulation)
        if json.dumps(circuit) != before[0]:
            (place / "circuit.json").write_text(json.dumps(circuit))
        if json.dumps(simulation) != before[1]:
            (place / "sim.json").write_text(json.dumps(simulation))
        done = subprocess.run([PROGRAM, "import", "sonata", str(place / (config or "bundle.json")), "--out",
                               str(place / "out")], capture_output=True, text=True, timeout=60, check=False)
        good = done.returncode == 2 and len(done.stderr.splitlines()) == 1 and all(s in done.stderr for s in says)
        check(f"refused: {name}", good and not (place / "out").exists(), f"{done.returncode}: {done.stderr.strip()}")


def main():
    with testing(__doc__) as (check, folder):
        published(check, folder)
        made_up(check, folder / "made_up")
        refusals(check, folder)


main()

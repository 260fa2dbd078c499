"""A published SONATA network of 300 integrate-and-fire cells, driven by files of spikes, against the spikes its authors
publish with it: relays, spike trains and delta synapses give every one of them, within a step.

  test_intfire.py CALLOSUM
"""
import csv
import json

from common import Run, data, skip, testing

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

SOURCES = {"lgn": 90, "tw": 30}
TAU = {"e": 24.0, "i": 7.0}  # ms; threshold 1, reset to 0, 3 ms refractory, input lost meanwhile


def types(path, key):
    with open(path, newline="", encoding="utf-8") as file:
        return {int(row[key]): row for row in csv.DictReader(file, delimiter=" ")}


def cells(network):
    """'e' or 'i' of every cell of v1, and its number among its kind."""
    kinds = types(network / "v1_node_types.csv", "node_type_id")
    with h5py.File(network / "v1_nodes.h5", "r") as file:
        nodes = file["nodes/v1"]
        kind = numpy.array([kinds[t]["ei"] for t in nodes["node_type_id"][()]])[numpy.argsort(nodes["node_id"][()])]
    number = numpy.zeros(len(kind), int)
    for k in TAU:
        number[kind == k] = numpy.arange((kind == k).sum())
    return kind, number


def projections(network, kind, number, path):
    """The edges, as lists for rule explicit in one file."""
    found = []
    with h5py.File(path, "w") as lists:
        for name in (*SOURCES, "v1"):
            edge_type = types(network / f"{name}_v1_edge_types.csv", "edge_type_id")
            with h5py.File(network / f"{name}_v1_edges.h5", "r") as file:
                (edges,) = file["edges"].values()
                source, target = edges["source_node_id"][()].astype(int), edges["target_node_id"][()].astype(int)
                kinds = [edge_type[t] for t in edges["edge_type_id"][()]]
                count = edges["0/nsyns"][()][edges["edge_group_index"][()]].astype(float)
            weight = count * [float(k["syn_weight"]) * (-1 if "Inh" in k["dynamics_params"] else 1) for k in kinds]
            for to in TAU:
                for of in TAU if name == "v1" else [""]:
                    mine = kind[target] == to
                    if of:
                        mine &= kind[source] == of
                    if not mine.any():
                        continue
                    group = lists.create_group(f"{name}{of}_{to}")
                    group["source_id"] = number[source[mine]] if of else source[mine]
                    group["target_id"], group["weight"] = number[target[mine]], weight[mine]
                    found.append({"name": group.name[1:], "source": name + of, "target": "v1" + to, "rule": "explicit",
                                  "file": path.name, "group": group.name[1:], "delay_ms": 2})
    return found


def main():
    network = data("sonata_300_intfire", "network")
    inputs, output = network.parent / "inputs", network.parent / "output" / "spikes.h5"
    with h5py.File(output, "r") as file:
        published = file["spikes/v1/timestamps"][()], file["spikes/v1/node_ids"][()].astype(int)
    kind, number = cells(network)
    with testing(__doc__) as (check, folder):
        job = {"simulation": {"duration_ms": 3000, "dt_ms": 0.1},
               "populations": [{"name": k, "n": n, "model": "relay",
                                "inputs": [{"model": "spike_train", "file": str(inputs / f"{k}_spikes.h5")}]}
                               for k, n in SOURCES.items()] +
                              [{"name": "v1" + k, "n": int((kind == k).sum()), "type": k.upper(), "model": "lif_psc_delta",
                                "params": {"tau_m_ms": tau, "E_L_mV": 0, "V_th_mV": 1, "V_reset_mV": 0, "t_ref_ms": 3}}
                               for k, tau in TAU.items()],
               "projections": projections(network, kind, number, folder / "edges.h5"),
               "record": {"warmup_ms": 0, "spikes": ["v1?"]}}
        (folder / "job.yaml").write_text(json.dumps(job))
        for dt, ranks in [(0.1, None), (0.1, 3), (0.02, None)]:
            run = Run(folder / "job.yaml", folder / f"run{dt}{ranks}", {"simulation.dt_ms": dt}, ranks=ranks)
            with h5py.File(run.out / "spikes.h5", "r") as file:
                times, nodes = file["spikes/network/timestamps"][()], file["spikes/network/node_ids"][()].astype(int)
            nodes = numpy.concatenate([numpy.flatnonzero(kind == k) for k in TAU])[nodes - sum(SOURCES.values())]
            what = f"dt {dt} ms, {ranks or 1} ranks"
            check.equal(f"{what}: spikes, as published", len(times), len(published[0]))
            if len(times) != len(published[0]):
                continue
            # spike by spike of every cell: on the grid one is late by less than a step
            mine, theirs = numpy.lexsort((times, nodes)), numpy.lexsort(published)
            check(f"{what}: of the same cells", numpy.array_equal(nodes[mine], published[1][theirs]))
            late = times[mine] - published[0][theirs]
            check(f"{what}: late by less than a step", late.min() > -1e-6 and late.max() < dt,
                  f"{late.min():.4f} to {late.max():.4f} ms")


main()

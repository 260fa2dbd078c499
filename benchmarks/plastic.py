#!/usr/bin/python3
"""What an event of a plastic synapse costs, beside one of a static synapse, and beside Brian 2 where it is installed.

  benchmarks/plastic.py [--repeats 5] [--seconds 2] [--scale 1]

10,000 neurons (times --scale) that are clocks (benchmarks/clocks.py), 1,000 synapses on each, delays of 1.5 ms: once
static, then with each kind of plasticity. Weights are so weak that all spike alike; the digests say so. Then 4,000 neurons with pairs at a probability of .1 of a synapse, here and in Brian 2 (brian_plastic.py)."""
import importlib.util
import pathlib
import sys
import tempfile

import measure
from clocks import current_pa, job, population, projection, write

WEIGHT = 1e-20  # pA: below what a potential can show
PAIRS = {"w_max": 2 * WEIGHT, "a_plus": 1e-4, "a_minus": 1.1e-4}
KINDS = {
    "static": None,
    "short-term": {"short_term": {"u": 0.5, "tau_rec_ms": 200, "tau_fac_ms": 50}},
    "pairs": {"stdp": PAIRS},
    "pairs, multiplicative": {"stdp": {**PAIRS, "potentiation": "multiplicative", "depression": "multiplicative"}},
    "triplets": {"stdp": {**PAIRS, "a3_plus": 1e-4, "a3_minus": 1e-4}},
    "pairs and short-term": {"stdp": PAIRS, "short_term": {"u": 0.5, "tau_rec_ms": 200}},
}
RATE_HZ, PEER_HZ, PEER_NEURONS, PEER_PROBABILITY = 5, 10, 4000, 0.1


def network(seconds, plasticity, neurons, rate_hz, **rule):
    made = {**projection("N", "N", 1.5, **rule), "weight": WEIGHT}
    if plasticity:
        made["plasticity"] = plasticity
    return job(seconds, [population("N", neurons, rate_hz)], [made])


def brian(options, folder):
    """A case that times a compiled program of Brian 2; None where there is none."""
    if importlib.util.find_spec("brian2") is None:
        print("Brian 2 is left out: it is not installed", file=sys.stderr)
        return None
    script = measure.ROOT / "benchmarks" / "brian_plastic.py"
    neurons = max(16, round(PEER_NEURONS * options.scale))
    measure.output([sys.executable, script, folder, neurons, PEER_PROBABILITY, PEER_HZ, current_pa(PEER_HZ),
                    round(options.seconds * 1e3)])

    def run():
        measure.output([folder / "main"], cwd=folder)
        return float((folder / "results" / "last_run_info.txt").read_text(encoding="utf-8").split()[0])
    return run


def main():
    options = measure.arguments(__doc__, 2.0)
    neurons = max(16, round(10000 * options.scale))
    with tempfile.TemporaryDirectory(prefix="callosum_plastic_") as name:
        folder = pathlib.Path(name)
        cases = {}
        for k, (kind, plasticity) in enumerate(KINDS.items()):
            path = write(folder / f"{k}.yaml", network(options.seconds, plasticity, neurons, RATE_HZ, rule="fixed_indegree",
                                                       indegree=min(1000, neurons)))
            cases[kind] = lambda p=path: measure.run(options, p, 1, 2)
        path = write(folder / "peer.yaml", network(options.seconds, KINDS["pairs"], max(16, round(PEER_NEURONS * options.scale)),
                                                   PEER_HZ, rule="pairwise_bernoulli", probability=PEER_PROBABILITY))
        cases["peer"] = lambda: measure.run(options, path, 1, 1)
        peer = brian(options, folder / "brian")
        if peer:
            cases["brian"] = peer
        results = measure.take_turns(options.repeats, cases)

    measure.the_digest(*(results[kind] for kind in KINDS))
    rows = [("synapses are", "neurons", "synapses", "events", "ns per event and thread: deliver", "times static",
             "bytes per synapse", "bytes of state per neuron", "build (s)")]
    for kind in KINDS:
        runs = results[kind]
        one, ns = runs[0], [measure.ns_per_event(r) for r in runs]
        rows.append((kind, f"{one['neurons']:,}", f"{one['synapses']:,}", f"{one['events']:,}", measure.figure(ns),
                     measure.ratio(ns, [measure.ns_per_event(r) for r in results["static"]], 1) if kind != "static" else "",
                     measure.figure([one["bytes_per_synapse"]]), f"{one['bytes_per_neuron']:.0f}",
                     measure.figure(measure.column(runs, "build_s"), 1)))
    here = measure.column(results["peer"], "simulate_s")
    notes = [f"{results['peer'][0]['synapses']:,} synapses with pairs on {results['peer'][0]['neurons']:,} neurons at "
             f"{results['peer'][0]['mean_rate_hz']:.1f} Hz, 1 thread, {options.seconds:g} s of biology: {measure.figure(here)} s"
             + (f"; Brian 2 (C++ standalone): {measure.figure(results['brian'])} s, "
                f"{measure.ratio(results['brian'], here)} times as long." if peer else ".")]
    measure.section(options, "An event of a plastic synapse. Weights are in the states of neurons: 4 bytes per synapse.", rows,
                    notes)


if __name__ == "__main__":
    main()

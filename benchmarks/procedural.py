#!/usr/bin/python3
"""Procedural connectivity: rows of synapses that are drawn anew whenever their source spikes, and take no memory.

  benchmarks/procedural.py [--repeats 5] [--seconds 0.2] [--scale 1]

A network of 2 10^7 synapses by each rule, stored and procedural, whose digests must agree; and one of 10^10 synapses,
whose stored form of at least 4 bytes each would not fit into 24 GiB, once. All times --scale. Neurons are clocks
(benchmarks/clocks.py). One process, two threads."""
import pathlib
import sys
import tempfile

import measure
from clocks import job, population, projection, write

DELAY = {"distribution": "normal", "mean": 1.5, "sd": 0.75, "min": 0.1}
RATE_HZ, LARGE_RATE_HZ, LARGE_SECONDS = 5, 0.5, 0.1


def network(seconds, neurons, outdegree, rate_hz, rule, synapses):
    keys = {"fixed_total_number": {"total": neurons * outdegree}, "fixed_outdegree": {"outdegree": outdegree},
            "pairwise_bernoulli": {"probability": outdegree / neurons}}[rule]
    return job(seconds, [population("N", neurons, rate_hz)],
               [projection("N", "N", DELAY, rule=rule, synapses=synapses, **keys)])


def row(name, connectivity, runs):
    one = runs[0]
    return (name, connectivity, f"{one['neurons']:,}", f"{one['synapses']:,}", f"{one['events']:,}",
            measure.figure([measure.ns_per_event(r) for r in runs]), measure.figure(measure.column(runs, "build_s")),
            measure.figure(measure.column(runs, "bytes_per_synapse")),
            measure.figure([r["peak_rss_bytes"] * 1e-9 for r in runs]))


def main():
    options = measure.arguments(__doc__, 0.2)
    neurons, outdegree = max(100, round(2e4 * options.scale ** 0.5)), max(10, round(1000 * options.scale ** 0.5))
    with tempfile.TemporaryDirectory(prefix="callosum_procedural_") as folder:
        cases = {}
        for rule in ("fixed_total_number", "pairwise_bernoulli", "fixed_outdegree"):
            for connectivity in ("stored", "procedural"):
                path = write(pathlib.Path(folder) / f"{rule}_{connectivity}.yaml",
                             network(options.seconds, neurons, outdegree, RATE_HZ, rule, connectivity))
                if not measure.knows(options, path, "synapses"):
                    print("skipped: this build has no procedural connectivity", file=sys.stderr)
                    sys.exit(77)
                cases[rule, connectivity] = lambda p=path: measure.run(options, p, 1, 2)
        results = measure.take_turns(options.repeats, cases)
        size = max(1000, round(1e6 * options.scale ** 0.5)), max(10, round(1e4 * options.scale ** 0.5))
        large = write(pathlib.Path(folder) / "large.yaml",
                      network(min(LARGE_SECONDS, options.seconds), *size, LARGE_RATE_HZ, "fixed_total_number", "procedural"))
        largest = measure.run(options, large, 1, 2)

    for rule in {rule for rule, _ in results}:
        measure.the_digest(results[rule, "stored"], results[rule, "procedural"])
    rows = [("network", "synapses are", "neurons", "synapses", "events", "ns per event and thread", "build (s)",
             "bytes per synapse", "peak memory (GB)")]
    rows += [row(f"`{rule}`", connectivity, runs) for (rule, connectivity), runs in results.items()]
    rows.append(row("`fixed_total_number`, once", "procedural", [largest]))
    stored = max(r["bytes_per_synapse"] for r in results["fixed_total_number", "stored"]) * largest["synapses"] / 2 ** 30
    measure.section(options, "Synapses that are stored, and synapses drawn when their source spikes; digests agree.", rows,
                    [f"Stored, the last network would take {stored:,.1f} GiB."])


if __name__ == "__main__":
    main()

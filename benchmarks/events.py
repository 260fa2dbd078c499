#!/usr/bin/python3
"""What an event costs at in-degrees 100, 1,000 and 10,000, in a network like a brain, and what silence costs.

  benchmarks/events.py [--repeats 5] [--seconds 1] [--scale 1]

Neurons are clocks (benchmarks/clocks.py). The three networks of one population have 30,000 neurons (times --scale) and
events at the same rate: 50, 5 and 0.5 Hz, delays like those of the cortical microcircuit. The brain has 998 regions of
1,000 neurons, each with 71 synapses from its region at 1 to 2.5 ms and 29 from 40 other regions, each at a delay of its
own from 2 to 30 ms. Nanoseconds are those of one thread: of its deliveries per event, and of everything per event."""
import math
import pathlib
import random
import tempfile

import measure
from clocks import job, population, projection, write

NEURONS, REGIONS, TRACTS = 30000, 998, 40
EVENTS_HZ = 5000  # arriving at a neuron of the networks of one population


def one_population(options, indegree, rate_hz, **initial):
    neurons = max(16, round(NEURONS * options.scale))
    delay = {"distribution": "normal", "mean": 1.5, "sd": 0.75, "min": 0.1}
    return job(options.seconds, [population("N", neurons, rate_hz, **initial)],
               [projection("N", "N", delay, rule="fixed_total_number", total=neurons * indegree)])


def brain(options, rate_hz):
    draw = random.Random(1)
    regions = max(TRACTS + 1, round(REGIONS * math.sqrt(options.scale)))
    neurons = max(10, round(1000 * math.sqrt(options.scale)))
    projections = []
    for i in range(regions):
        projections.append(projection(f"R{i}", f"R{i}", {"distribution": "uniform", "low": 1, "high": 2.5},
                                      rule="fixed_indegree", indegree=71))
        others = draw.sample([j for j in range(regions) if j != i], TRACTS)
        tracts = [{"population": f"R{j}", "delay_ms": round(draw.uniform(2, 29.8), 1)} for j in others]
        projections.append(projection(tracts, f"R{i}", {"distribution": "uniform", "low": 0, "high": 0.2},
                                      rule="fixed_indegree", indegree=29))
    return job(options.seconds, [population(f"R{i}", neurons, rate_hz) for i in range(regions)], projections)


def main():
    options = measure.arguments(__doc__, 1.0)
    networks = {f"in-degree {k:,}": one_population(options, k, EVENTS_HZ / k) for k in (100, 1000, 10000)}
    networks |= {"brain, 5 Hz": brain(options, 5), "brain, 1 Hz": brain(options, 1), "brain, silent": brain(options, 0),
                 "fallen silent": one_population(options, 1000, 0, I_exc_pA=1, I_inh_pA=-1)}
    layouts = {name: [(1, 2)] for name in networks} | {"brain, 5 Hz": [(1, 1), (1, 2), (2, 1)]}
    with tempfile.TemporaryDirectory(prefix="callosum_events_") as folder:
        cases = {}
        for name, network in networks.items():
            path = write(pathlib.Path(folder) / f"{name.replace(' ', '_').replace(',', '')}.yaml", network)
            for ranks, threads in layouts[name]:
                cases[name, ranks, threads] = lambda p=path, r=ranks, t=threads: measure.run(options, p, r, t)
        results = measure.take_turns(options.repeats, cases)

    rows = [("network", "neurons", "synapses", "ranks x threads", "rate (Hz)", "ns per event and thread: deliver",
             "all", "ns per neuron and step: update", "all", "bytes per synapse", "build (s)")]
    for (name, ranks, threads), runs in results.items():
        measure.the_digest(*(r for (other, _, _), r in results.items() if other == name))
        one = runs[0]
        per_event = [measure.figure([measure.ns_per_event(r, s) for r in runs]) if one["events"] else ""
                     for s in ("deliver", None)]
        per_update = [measure.figure([measure.ns_per_update(r, s) for r in runs]) for s in ("update", None)]
        rows.append((name, f"{one['neurons']:,}", f"{one['synapses']:,}", f"{ranks} x {threads}",
                     f"{one['mean_rate_hz']:.2f}", *per_event, *per_update,
                     measure.figure(measure.column(runs, "bytes_per_synapse")),
                     measure.figure(measure.column(runs, "build_s"), 1)))

    def events(name):
        return [measure.ns_per_event(r) for r in results[name, 1, 2]]

    def wall(name, *layout):
        return measure.column(results[(name, *layout)], "simulate_s")

    one = wall("brain, 5 Hz", 1, 1)
    notes = [f"In-degree 1,000 over 10,000, deliver: {measure.ratio(events('in-degree 1,000'), events('in-degree 10,000'))}. "
             f"Brain at 5 Hz on 2 cores: {measure.ratio(one, wall('brain, 5 Hz', 1, 2))} times 1 core as 1 x 2, "
             f"{measure.ratio(one, wall('brain, 5 Hz', 2, 1))} times as 2 x 1. Silent brain, all over its update: "
             + measure.figure([r["simulate_s"] / r["timing"]["update"]["max"] for r in results["brain, silent", 1, 2]])
             + "."]
    measure.section(options, "An event's cost, and silence. `fallen silent`: without input since its currents of the first "
                    "milliseconds.", rows, notes)


if __name__ == "__main__":
    main()

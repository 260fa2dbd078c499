#!/usr/bin/python3
"""The cortical microcircuit of Potjans & Diesmann (2014) at full scale, against its floor.

  benchmarks/pd14.py [--repeats 5] [--seconds 10] [--scale 1]

One process with two threads, two ranks with one, and one with one, in turn with the floor (benchmarks/floor.h). Poisson
background, nothing recorded. Ratios are taken turn by turn."""
import measure

LAYOUTS = {"1 x 1": (1, 1), "1 x 2": (1, 2), "2 x 1": (2, 1)}
HEAD = ("ranks x threads", "real-time factor", "simulate / floor", "cores: times 1 x 1", "build (s)", "bytes per synapse",
        "peak memory of a rank (GB)", "update", "deliver", "exchange and wait")


def main():
    options = measure.arguments(__doc__, 10.0)
    keys = {"simulation__duration_ms": round(options.seconds * 1e3), "record": "{warmup_ms: 0}"}
    if options.scale < 1:
        keys |= {"scale__neurons": options.scale, "scale__indegree": options.scale}
    floor_s = min(2.0, options.seconds)
    cases = {f"floor {n}": lambda n=n: measure.floor(options, n, floor_s) for n in (1, 2)}
    for name, (ranks, threads) in LAYOUTS.items():
        cases[name] = lambda r=ranks, t=threads: measure.run(options, measure.EXAMPLES / "pd14.yaml", r, t, **keys)
    results = measure.take_turns(options.repeats, cases)
    digest = measure.the_digest(*(results[name] for name in LAYOUTS))

    rows, factor = [HEAD], {name: measure.column(results[name], "real_time_factor") for name in results}
    for name, (ranks, threads) in LAYOUTS.items():
        runs = results[name]

        def share(*sections):
            return measure.figure([100 * sum(r["timing"][s]["mean"] for s in sections) / r["simulate_s"] for r in runs], 0)

        rows.append((name, measure.figure(factor[name], 3), measure.ratio(factor[name], factor[f"floor {ranks * threads}"]),
                     measure.ratio(factor["1 x 1"], factor[name]) if ranks * threads > 1 else "",
                     measure.figure(measure.column(runs, "build_s"), 1),
                     measure.figure(measure.column(runs, "bytes_per_synapse")),
                     measure.figure([r["peak_rss_bytes"] * 1e-9 for r in runs]), share("update") + " %",
                     share("deliver") + " %", share("exchange", "wait") + " %"))
    for n in (1, 2):
        runs = results[f"floor {n}"]
        rows.append((f"floor, {n} thread{'s' * (n > 1)}", measure.figure(factor[f"floor {n}"], 3), "1",
                     measure.ratio(factor["floor 1"], factor["floor 2"]) if n > 1 else "", "", "4", "",
                     measure.figure(measure.column(runs, "ns_per_update_and_thread")) + " ns per neuron",
                     measure.figure(measure.column(runs, "ns_per_event_and_thread")) + " ns per event", ""))
    one = results["1 x 2"][0]
    measure.section(options, f"{one['neurons']:,} neurons, {one['synapses']:,} synapses, {options.seconds:g} s of biology, "
                    f"{one['mean_rate_hz']:.3f} spikes/s; digest {digest} in every layout.", rows)


if __name__ == "__main__":
    main()

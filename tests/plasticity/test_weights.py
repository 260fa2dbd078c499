"""Weights of plastic synapses that a run records, against those that an event-by-event reference in double precision makes
of the spikes it recorded: every rule, with delays of up to 20 ms, on dendrite and axon.

  test_weights.py CALLOSUM
"""
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import testing  # noqa: E402
from recorded import Difference, Spikes, Weights, ref, run  # noqa: E402

LONG = {"distribution": "uniform", "low": 1, "high": 20}
SPREAD = {"distribution": "uniform", "low": 2, "high": 8}
TOTAL = {"source": "E", "target": "E", "rule": "fixed_total_number", "total": 300, "receptor": "exc", "weight": SPREAD,
         "delay_ms": LONG}
TRIPLET = {"a_plus": 0.01, "a3_plus": 0.02, "a_minus": 0.02, "a3_minus": 0.004, "tau_plus_ms": 16.8, "tau_minus_ms": 33.7,
           "tau_x_ms": 101, "tau_y_ms": 125}
PAIR = {"a_plus": 0.02, "a_minus": 0.021}

# name: (keys of the rule, changes of the projection)
CASES = {
    "pairs, additive": (PAIR, {}),
    "pairs, multiplicative": ({**PAIR, "potentiation": "multiplicative", "depression": "multiplicative"}, {}),
    "additive up, multiplicative down": ({**PAIR, "depression": "multiplicative"}, {}),
    "multiplicative up, additive down": ({**PAIR, "potentiation": "multiplicative"}, {}),
    "nearest": ({**PAIR, "pairing": "nearest"}, {}),
    "triplets": (TRIPLET, {}),
    "triplets, minimal": ({**TRIPLET, "a_plus": 0, "a3_minus": 0}, {}),
    "triplets, nearest, multiplicative": ({**TRIPLET, "pairing": "nearest", "depression": "multiplicative"}, {}),
    "axonal": ({**PAIR, "dendritic_share": 0}, {}),
    "half dendritic": ({**TRIPLET, "dendritic_share": 0.5}, {}),
    "a third dendritic, nearest": ({**PAIR, "dendritic_share": 0.3, "pairing": "nearest"}, {}),
    "one delay": (PAIR, {"delay_ms": 1.5}),
    "one step": ({**TRIPLET, "dendritic_share": 0.5}, {"delay_ms": 0.1}),
    "unequal time constants": ({**PAIR, "tau_plus_ms": 3, "tau_minus_ms": 60}, {}),
    "clipped at both bounds": ({"a_plus": 0.4, "a_minus": 0.4}, {}),
    "changes as large as all": ({"a_plus": 1, "a_minus": 1, "dendritic_share": 0.7}, {"source": "R"}),
    "depression alone, to 0": ({"a_plus": 0, "a_minus": 0.3}, {}),
    "signs reversed": ({"a_plus": -0.02, "a_minus": -0.015}, {}),
    "inhibitory": ({**PAIR, "w_max": -12, "dendritic_share": 0.5},
                   {"source": "I", "receptor": "inh", "weight": {"distribution": "uniform", "low": -9, "high": -1}}),
    "with short-term plasticity": (TRIPLET, {"short_term": {"u": 0.3, "tau_rec_ms": 200, "tau_fac_ms": 300}}),
    "one-to-one autapses": ({**PAIR, "dendritic_share": 0.5}, {"rule": "one_to_one"}),
    "pairs with several synapses": (PAIR, {"source": "few", "target": "few", "total": 250}),
    "equal synapses": (PAIR, {"source": "few", "target": "few", "total": 250, "weight": 4, "delay_ms": 2}),
    "from relays": (TRIPLET, {"source": "R"}),
    "in-degree, without autapses": (PAIR, {"rule": "fixed_indegree", "indegree": 5, "autapses": False}),
    "onto another population": (PAIR, {"target": "I", "rule": "fixed_outdegree", "outdegree": 5}),
}


def poisson(rate_hz, weight):
    return [{"model": "poisson", "rate_hz": rate_hz, "weight": weight, "receptor": "exc"}]


def rule_of(name):
    return ref.Stdp(**{"w_max": 10, **CASES[name][0]})


def projection(name):
    keys, changes = CASES[name]
    made = {**TOTAL, **changes, "name": name}
    if made["rule"] != "fixed_total_number":
        made.pop("total")
    short_term = made.pop("short_term", None)
    made["plasticity"] = {"stdp": {"w_max": 10, **keys}, **({"short_term": short_term} if short_term else {})}
    return made


def job():
    lif = {"model": "lif_psc_exp"}
    return {
        "simulation": {"duration_ms": 820, "dt_ms": 0.1, "seed": 5},
        "populations": [{"name": "E", "n": 60, **lif, "inputs": poisson(9000, 90)},
                        {"name": "I", "n": 40, **lif, "inputs": poisson(8500, 90)},
                        {"name": "few", "n": 8, **lif, "inputs": poisson(9000, 95)},
                        {"name": "R", "n": 30, "model": "relay", "inputs": [{"model": "poisson", "rate_hz": 60}]}],
        "projections": [projection(name) for name in CASES],
        "record": {"warmup_ms": 0, "spikes": "all", "weights": [{"name": "w", "interval_ms": 50}]},
    }


def file_of(check, weights):
    """What stands in the file beside weights."""
    check.equal("the rows: every 50 ms, and the end", weights.step.tolist(), [500 * k for k in range(1, 17)] + [8200])
    check.equal("projections in the order of the job", weights.names, list(CASES))
    check.equal("their greatest weights", weights.w_max.tolist(), [rule_of(name).w_max for name in CASES])
    order = list(zip(weights.projection, weights.target, weights.source, weights.delay, weights.initial))
    check("synapses by projection, target, source, delay, initial weight", order == sorted(order), f"{len(order)} synapses")
    check.equal("complete, and as long as the run", (weights.attributes["complete"], weights.attributes["recorded_ms"]),
                (1, 820))


def main():
    with testing(__doc__) as (check, folder):
        done = run(folder, "weights", job())
        spikes, weights = Spikes(done.out), Weights(done.out)
        check.equal("synapses in the summary", done.summary.get("plastic_synapses"), len(weights.initial))
        file_of(check, weights)
        for name in CASES:
            mine, rule = weights.of(name), rule_of(name)
            d = Difference(rule, weights, spikes, mine)
            check(f"{name}: as the reference", len(mine) > 50 and d.events > 2000 and d.most < 1e-6,
                  f"{len(mine)} synapses, {d.events} events, v to {d.worst:.1e}, {d.most:.1e} of what it moved "
                  f"({d.moved:.2f}); at 0 {d.floor} times, at w_max {d.ceiling}; {d.flight} spikes on their way")
            if name == "clipped at both bounds":
                check("both bounds are met", d.floor > 100 and d.ceiling > 100)
            if name == "from relays":
                check("several spikes are on their way at once", d.flight >= 5)
            if name == "pairs, additive":
                rows = weights.data[:, mine]
                check("weights move, and stay in their range",
                      (numpy.abs(rows[-1] - weights.initial[mine]) > 0.05).mean() > 0.9 and rows.min() >= 0 and rows.max() <= 10)
        autapses = weights.source == weights.target
        check.equal("autapses", (autapses[weights.of("one-to-one autapses")].all(),
                                 autapses[weights.of("in-degree, without autapses")].any()), (True, False))
        some = weights.of("equal synapses")
        pairs = list(zip(weights.source[some], weights.target[some]))
        twins = [(weights.data[:, some[k - 1]] == weights.data[:, some[k]]).all() for k in range(1, len(pairs))
                 if pairs[k] == pairs[k - 1]]
        check("equal synapses of a pair stay equal", len(twins) > 100 and all(twins), f"{len(twins)}")


main()

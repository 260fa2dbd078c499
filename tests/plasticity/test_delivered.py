"""What plastic synapses hand to their targets: the jumps of recorded synaptic currents, each the weight of that moment times
the efficacy of that spike, in the step that the delay says. Short-term plasticity alone in every kind, with STDP, and STDP
alone, onto one receptor and the other.

  test_delivered.py CALLOSUM
"""
import math
import pathlib
import sys

import h5py
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import testing  # noqa: E402
from recorded import Spikes, ref, run  # noqa: E402

N, DT, STEPS, TAU_SYN_MS = 24, 0.1, 15000, 0.5
PAIR = {"w_max": 80, "a_plus": 0.1, "a_minus": 0.08}
DEPRESSION, FACILITATION = {"u": 0.5, "tau_rec_ms": 800}, {"u": 0.05, "tau_rec_ms": 0, "tau_fac_ms": 1000}
BOTH = {"u": 0.15, "tau_rec_ms": 130, "tau_fac_ms": 530}

# population: (weight, delay_ms, plasticity)
CASES = {
    "depression": (40, 1.5, {"short_term": DEPRESSION}),
    "facilitation": (40, 0.1, {"short_term": FACILITATION}),
    "both": (-40, 7.3, {"short_term": BOTH}),
    "neither": (40, 2, {"short_term": {"u": 0.25, "tau_rec_ms": 0}}),
    "stdp": (40, 3, {"stdp": PAIR}),
    "axonal": (40, 2.5, {"stdp": {**PAIR, "dendritic_share": 0}}),
    "inhibitory": (-40, 5, {"stdp": {**PAIR, "w_max": -80, "dendritic_share": 0.5}}),
    "all": (40, 4, {"stdp": {**PAIR, "a3_plus": 0.1, "dendritic_share": 0.4}, "short_term": BOTH}),
}


def receptor(name):
    return "exc" if CASES[name][0] > 0 else "inh"


def job():
    """Sources that are relays of noise; targets that fire by a constant current of their own, one synapse each."""
    current = {"distribution": "uniform", "low": 450, "high": 700}
    return {
        "simulation": {"duration_ms": STEPS * DT, "dt_ms": DT, "seed": 8},
        "populations": [{"name": "S", "n": N, "model": "relay", "inputs": [{"model": "poisson", "rate_hz": 25}]}] +
                       [{"name": name, "n": N, "model": "lif_psc_exp", "params": {"I_e_pA": current}} for name in CASES],
        "projections": [{"name": name, "source": "S", "target": name, "rule": "one_to_one", "receptor": receptor(name),
                         "weight": weight, "delay_ms": delay, "plasticity": plasticity}
                        for name, (weight, delay, plasticity) in CASES.items()],
        "record": {"warmup_ms": 0, "spikes": "all",
                   "traces": [{"name": name, "on": name, "neurons": N, "variables": [f"I_{receptor(name)}"],
                               "interval_ms": DT} for name in CASES]},
    }


def jumps(folder, name):
    """[step, neuron]: what arrives in a step, at the end of which a frame is taken."""
    (path,) = pathlib.Path(folder).glob(f"trace_{name}_*.h5")
    with h5py.File(path, "r") as file:
        current = next(iter(file["report"].values()))["data"][()].astype(float)
    before = numpy.vstack([numpy.zeros((1, N)), current[:-1]])
    return current - before * math.exp(-DT / TAU_SYN_MS)


def expected(name, spikes, neuron):
    """{step: jump}, before it is rounded to quanta."""
    weight, delay, plasticity = CASES[name]
    pre, delay = spikes.of[spikes.first["S"] + neuron], round(delay / DT)
    efficacy = ref.efficacies(ref.ShortTerm(**plasticity["short_term"]), pre, DT) if "short_term" in plasticity else None
    amount = [weight] * len(pre)
    if "stdp" in plasticity:
        rule = ref.Stdp(**plasticity["stdp"])
        found = ref.arrivals(rule, pre, spikes.of[spikes.first[name] + neuron], delay, weight / rule.w_max, DT)
        amount = [a.weight * rule.w_max for a in found if a.kind == ref.PRE]
    if efficacy:
        amount = [a * e for a, e in zip(amount, efficacy)]
    return {s + delay: a for s, a in zip(pre, amount) if s + delay < STEPS}


def compare(check, folder, spikes, name):
    found, greatest = jumps(folder, name), 40 if "stdp" not in CASES[name][2] else 80
    worst, events, size = 0.0, 0, []
    for neuron in range(N):
        due = expected(name, spikes, neuron)
        here = numpy.zeros(STEPS)
        for step, amount in due.items():
            here[step] = amount
        events += len(due)
        size += list(map(abs, due.values()))
        worst = max(worst, abs(found[:, neuron] - here).max())
    # A weight is kept in units of at most w_max / 2^14 (16 bits, a power of two): rounding is half of that.
    check(f"{name}: jumps are w u x, in the right steps", events > 500 and worst < greatest / 2**15 * 1.01,
          f"{events} events of {min(size):.2f} to {max(size):.2f} pA, {worst:.1e} off")
    return size


def main():
    with testing(__doc__) as (check, folder):
        done = run(folder, "delivered", job())
        spikes = Spikes(done.out)
        rates = [len(spikes.of[i]) / (STEPS * DT / 1000) for i in range(N, len(spikes.of))]
        check("targets fire", min(rates) > 5, f"{min(rates):.0f} to {max(rates):.0f} Hz")
        size = {name: compare(check, done.out, spikes, name) for name in CASES}
        check("efficacies vary", all(max(size[name]) > 3 * min(size[name]) for name in ("depression", "facilitation", "all")))
        check.equal("no recovery to wait for: always U", {round(a, 6) for a in size["neither"]}, {10.0})


main()

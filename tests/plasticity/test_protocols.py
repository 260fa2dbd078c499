"""Experiments on plastic synapses with spikes at given times: one pair, the pairing protocols that triplets were fitted to,
and drifts over 100,000 pairs at an amplitude of 1e-5.

  test_protocols.py CALLOSUM
"""
import math
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import testing  # noqa: E402
from recorded import Spikes, Weights, ref, run, write_trains  # noqa: E402


def experiment(folder, name, pre, post, projections, dt_ms, rows_ms=1e6, **record):
    """Sources that emit the trains `pre`, targets that emit `post` (steps), and the end of the run some 10 s later.

    Targets fire when told to: 30 mV lift them from rest over the threshold at once, weights of 1 mV and less never do."""
    last = max(max(train) for train in pre + post)
    duration = (last + math.ceil(10000 / dt_ms)) * dt_ms
    job = {
        "simulation": {"duration_ms": duration, "dt_ms": dt_ms, "beat_ms": 10000},
        "populations": [
            {"name": "S", "n": len(pre), "model": "relay",
             "inputs": [write_trains(folder / f"{name}_pre.h5", pre, dt_ms)]},
            {"name": "T", "n": len(post), "model": "lif_psc_delta", "params": {"t_ref_ms": dt_ms, "tau_m_ms": 1},
             "inputs": [{**write_trains(folder / f"{name}_post.h5", post, dt_ms), "weight": 30}]}],
        "projections": [{"source": "S", "target": "T", **p} for p in projections],
        "record": {"warmup_ms": 0, "flush_ms": 100000, "weights": [{"name": "w", "interval_ms": rows_ms}], **record},
    }
    return run(folder, name, job)


def stdp(rule, scale=1.0):
    keys = {key: getattr(rule, key) for key in ("tau_plus_ms", "tau_minus_ms", "tau_x_ms", "tau_y_ms", "dendritic_share")}
    amplitudes = {key: scale * getattr(rule, key) for key in ("a_plus", "a_minus", "a3_plus", "a3_minus")}
    return {"stdp": {"w_max": 1, **keys, **amplitudes}}


def one_pair(check, folder):
    """The window of STDP, measured as in an experiment, for three parts of the delay that are dendritic."""
    dt, offsets = 0.1, (-30, -10, -3.1, -3, -2.9, -1, -0.1, 0, 0.1, 1, 2.9, 3, 3.1, 10, 30)
    pre = [[10000]] * len(offsets)
    post = [[10000 + round(offset / dt)] for offset in offsets]
    rules = {share: ref.Stdp(a_plus=0.1, a_minus=0.12, tau_plus_ms=17, tau_minus_ms=34, dendritic_share=share)
             for share in (1, 0.5, 0)}
    done = experiment(folder, "pair", pre, post, [
        {"name": str(share), "rule": "one_to_one", "weight": 0.5, "delay_ms": 3, "plasticity": stdp(rule)}
        for share, rule in rules.items()], dt, spikes="all")
    spikes, weights = Spikes(done.out), Weights(done.out)
    check.equal("one pair: spikes are where they should be", spikes.of, pre + post)
    for share, rule in rules.items():
        late = (2 * share - 1) * 3  # a postsynaptic spike reaches the synapse so much later than a presynaptic one
        expected = [ref.pair(rule, round(offset + late, 6)) for offset in offsets]
        error = numpy.abs(weights.data[-1, weights.of(str(share))] - 0.5 - expected).max()
        check(f"one pair: a exp(-|dt| / tau), {share:g} of the delay dendritic", error < 1e-7, f"v to {error:.1e}")


def frequencies(check, folder):
    """60 pairs at 0.1 to 50 Hz, 10 ms apart, visual cortex: the program against the experiment itself."""
    dt, pre, post, measured = 1, [], [], []
    for hz, *data in ref.SJOSTROM:
        for offset, value in zip((10, -10), data):
            train = [1000 + round(k * 1000 / hz / dt) for k in range(60)]
            pre.append(train)
            post.append([step + offset for step in train])
            measured.append((hz, offset, *value))
    rules = {"full": ref.VISUAL_CORTEX, "minimal": ref.VISUAL_CORTEX_MINIMAL}
    axonal = {name: ref.Stdp(**{**vars(rule), "dendritic_share": 0}) for name, rule in rules.items()}
    # The change is one of the weight before, which is half of w_max here. An axonal delay of 1 ms takes as much from dt.
    done = experiment(folder, "frequencies", pre, [[s + 1 for s in train] for train in post], [
        {"name": name, "rule": "one_to_one", "weight": 0.5, "delay_ms": 1, "plasticity": stdp(rule, 0.5)}
        for name, rule in axonal.items()], dt)
    weights = Weights(done.out)
    for name, rule in rules.items():
        change = weights.data[-1, weights.of(name)] / 0.5 - 1
        theory = numpy.array([ref.pairings(rule, 60, 1000 / hz, offset) for hz, offset, *_ in measured])
        error = numpy.abs(change - theory).max()
        check(f"triplets, {name} model: 60 pairs at 0.1 to 50 Hz are their series", error < 1e-5, f"changes to {error:.1e}")
        off = [(c - mean) / error for c, (_, _, mean, error) in zip(change, measured)]
        check(f"triplets, {name} model: within 1.5 standard errors of Sjostrom et al. (2001)", max(map(abs, off)) < 1.5,
              ", ".join(f"{hz:g} Hz {offset:+d} ms {c:+.2f} ({mean:+.2f})" for c, (hz, offset, mean, _) in zip(change, measured)))


def drifts(check, folder):
    """100,000 pairs, 30 ms apart. Changes of 1e-5 and less of the whole: a weight of 24 bits would round each of them."""
    n, period, tau = 100000, 30, 5
    rule = ref.Stdp(a_plus=1e-5, a_minus=1.05e-5, tau_plus_ms=tau, tau_minus_ms=tau, dendritic_share=0)
    offsets = (4, 5, 7, 10, 13, -4, -5, -7, -10, -13)
    beats = 100 + period * numpy.arange(n)
    sign = numpy.where(numpy.arange(n) % 2 == 0, 1, -1)
    # Before and after in turn, so that potentiation and depression nearly cancel: (first offset, second offset).
    turns = [(5, -5), (4, -5), (6, -5), (7, -8)]
    pre = [beats - offset for offset in offsets] + [beats - numpy.where(sign > 0, a, b) for a, b in turns]
    # The axonal delay of 1 ms makes up for what is added to the postsynaptic times.
    done = experiment(folder, "drift", [train.tolist() for train in pre], [(beats + 1).tolist()], [
        {"name": "slow", "rule": "all_to_all", "weight": 0.5, "delay_ms": 1, "plasticity": stdp(rule)}], 1, 1e6)
    weights = Weights(done.out)
    check.equal("drift: rows every 1000 s, and the end", weights.step.tolist(), [10**6, 2 * 10**6, 3 * 10**6, 3010083])
    change = weights.data[-1] - 0.5
    theory = [ref.pairings(rule, n, period, offset) for offset in offsets]
    worst = max(abs(c / t - 1) for c, t in zip(change, theory))
    check("drift: 100,000 pairs at one offset", worst < 0.01,
          f"{min(theory):.3f} to {max(theory):.3f}, to {worst:.1e} of it")
    for (a, b), c, train in zip(turns, change[len(offsets):], pre[len(offsets):]):
        found = ref.arrivals(rule, train.tolist(), (beats + 1).tolist(), 1, 0.5, 1)
        t, each = found[-1].weight - 0.5, n / 2 * ref.pair(rule, a)
        check(f"drift: {a} ms before and {-b} ms after in turn", abs(c / t - 1) < 0.01,
              f"{t:+.4f} is left of {each:+.3f}, to {abs(c / t - 1):.1e} of it")


with testing(__doc__) as (checks, scratch):
    one_pair(checks, scratch)
    frequencies(checks, scratch)
    drifts(checks, scratch)

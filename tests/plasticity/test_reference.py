"""The reference that plastic synapses are compared with (reference.py) against closed forms and published figures.

  test_reference.py CALLOSUM
"""
import dataclasses
import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import reference as ref  # noqa: E402
from common import testing  # noqa: E402

DT = 0.1


def steps(ms):
    return round(ms / DT)


def change(rule, pre, post, delay=1, v=0.5, dt_ms=DT):
    """Of v by all arrivals, and whether one was clipped."""
    found = ref.arrivals(rule, pre, post, delay, v, dt_ms)
    return found[-1].weight - v, any(a.clipped for a in found)


def train(n, period_ms, first_ms=100.0):
    return [steps(first_ms + k * period_ms) for k in range(n)]


def close(found, expected, relative=1e-12):
    return math.isclose(found, expected, rel_tol=relative, abs_tol=1e-15)


def pairs(check):
    """One pair, with the delay on either side of the synapse."""
    worst = 0
    for share, to_source in ((1, 3.0), (0, -3.0), (0.5, 0.0)):
        rule = ref.Stdp(a_plus=0.02, a_minus=0.03, tau_plus_ms=17, tau_minus_ms=34, dendritic_share=share)
        for offset in (-40, -3.1, -3, -0.1, 0, 0.1, 2.9, 3, 3.1, 25):
            found, _ = change(rule, [1000], [1000 + steps(offset)], steps(3))
            expected = ref.pair(rule, round(offset + to_source, 6))
            worst = max(worst, abs(found - expected))
    check("one pair is a exp(-|dt| / tau), presynaptic first where both arrive at once", worst < 1e-15, f"to {worst:.1e}")
    rule = dataclasses.replace(rule, depression="multiplicative", potentiation="multiplicative")
    up, down = 0.02 * math.exp(-5 / 17), 0.03 * math.exp(-5 / 34)
    pre = train(40, 5000)
    found, _ = change(rule, pre, [s + steps(5) for s in pre], 10, 0.2)
    check("multiplicative potentiation goes geometrically to 1", close(found + 0.2, 1 - 0.8 * (1 - up) ** 40), f"{found}")
    found, _ = change(rule, pre, [s - steps(5) for s in pre], 10, 0.2)
    check("multiplicative depression goes geometrically to 0", close(found + 0.2, 0.2 * (1 - down) ** 40), f"{found}")
    rule = dataclasses.replace(rule, depression="additive", potentiation="additive", pairing="nearest")
    found, _ = change(rule, train(20, 12), train(20, 12, 105.0), 10)
    expected = 20 * up - 19 * 0.03 * math.exp(-7 / 34)
    check("nearest: each spike sees one", close(found, expected), f"{found}")


def protocols(check):
    """n pairs at a frequency: sums of geometric series. Without clipping, as changes are small."""
    worst = 0
    for rule in (ref.Stdp(), ref.VISUAL_CORTEX, ref.VISUAL_CORTEX_MINIMAL, ref.HIPPOCAMPUS):
        small = dataclasses.replace(rule, dendritic_share=0, **{a: 1e-3 * getattr(rule, a) for a in
                                                                 ("a_plus", "a_minus", "a3_plus", "a3_minus")})
        for n, period, offset in ((60, 10000, 10), (60, 100, -10), (75, 50, 10), (75, 25, -10), (60, 20, 10), (60, 20, -3)):
            pre = train(n, period)
            found, clipped = change(small, pre, [s + steps(offset) + 7 for s in pre], 7)  # 7: the axonal delay
            expected = ref.pairings(small, n, period, offset)
            worst = max(worst, abs(found - expected) / small.a_minus)
            assert not clipped
    check("pairing protocols are their geometric series", worst < 1e-8, f"to {worst:.1e} of a change")
    for name, rule in (("full", ref.VISUAL_CORTEX), ("minimal", ref.VISUAL_CORTEX_MINIMAL)):
        errors = [(ref.pairings(rule, 60, 1000 / hz, offset) - mean) / error for hz, *data in ref.SJOSTROM
                  for offset, (mean, error) in zip((10, -10), data)]
        square = sum(e * e for e in errors) / len(errors)
        check(f"triplets, {name} model: the frequency dependence of Sjostrom et al. within 1.5 standard errors",
              max(map(abs, errors)) < 1.5 and square < 0.4, f"at most {max(map(abs, errors)):.2f}, mean square {square:.2f}")
    pair_rule = ref.Stdp(a_plus=6.5e-3, a_minus=7.1e-3, tau_plus_ms=16.8, tau_minus_ms=33.7)
    up, back = (ref.pairings(pair_rule, 60, 20, offset) for offset in (10, -10))
    check("pairs alone depress at 50 Hz, where triplets potentiate", up < 0 and back < 0, f"{up:.2f}, {back:.2f}")


def bounds(check):
    rule = ref.Stdp(a_plus=0.4, a_minus=0.4, dendritic_share=0)
    pre = train(5, 1000)
    top = ref.arrivals(rule, pre, [s + 20 for s in pre], 1, 0.5, DT)
    bottom = ref.arrivals(rule, pre, [s - 20 for s in pre], 1, 0.5, DT)
    check.equal("clipped at both bounds", (top[-1].weight, bottom[-1].weight, top[-1].clipped), (1, 0, True))
    # delay 10, dendritic 4: a presynaptic spike of step 100 arrives at 106 and acts in 110, a postsynaptic one at 104.
    rule = ref.Stdp(dendritic_share=0.4)
    found = ref.arrivals(rule, [100], [100], 10, 0.5, DT)
    check.equal("times at the synapse", [(a.time, a.kind) for a in found], [(104, ref.POST), (106, ref.PRE)])
    seen = [ref.weight_at(rule, found, 10, 0.5, step)[0] for step in (108, 109, 110, 111)]
    y = math.exp(-2 * DT / 20)
    check("the weight that is due in a step", seen[:3] == [0.5] * 3 and close(seen[3], 0.5 - 0.0105 * y), str(seen))
    check.equal("halves are rounded to even", [ref.Stdp(dendritic_share=0.5).dendritic(d) for d in (1, 2, 3, 5, 7)],
                [0, 1, 2, 2, 4])


def integrated(rule, spikes, h=1e-4):
    """The differential equations of short-term plasticity by Euler steps of `h` ms."""
    found, u, r, now = [], 0.0, 1.0, 0
    for spike in spikes:
        for _ in range(round((spike * DT - now) / h) if now else 0):
            r += h * (1 - r) / rule.tau_rec_ms if rule.tau_rec_ms else 0
            u -= h * u / rule.tau_fac_ms if rule.tau_fac_ms else 0
        now = spike * DT
        u = u + rule.u * (1 - u) if rule.tau_fac_ms else rule.u
        found.append(u * r)
        r -= u * r
        r = r if rule.tau_rec_ms else 1.0
    return found


def short_term(check):
    # Figure 1 of Tsodyks, Pawelzik & Markram (1998): depression, facilitation; and both.
    for name, rule in (("depression", ref.ShortTerm(0.5, 800, 0)), ("facilitation", ref.ShortTerm(0.05, 0, 1000)),
                       ("both", ref.ShortTerm(0.1, 130, 530))):
        found = ref.efficacies(rule, [100, 150, 480, 500, 501], DT)
        error = max(abs(a / b - 1) for a, b in zip(found, integrated(rule, [100, 150, 480, 500, 501])))
        check(f"{name}: the differential equations", error < 1e-5 and found[0] == rule.u, f"to {error:.1e}")
        end = ref.efficacies(rule, train(400, 50), DT)[-1]
        check(f"{name}: a regular train settles", close(end, ref.stationary(rule, 50), 1e-9), f"{end:.4f} at 20 Hz")
    limit = ref.stationary(ref.ShortTerm(0.5, 800, 0), 1) * 800
    check("depression: above its limiting frequency a synapse passes 1 / tau_rec in all", abs(limit - 1) < 0.002, f"{limit:.4f}")


with testing(__doc__) as (checks, _):
    pairs(checks)
    protocols(checks)
    bounds(checks)
    short_term(checks)

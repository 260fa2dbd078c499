"""What plastic synapses should do, event by event in double precision, and closed forms of some of it.

Written from the papers and the README's words alone, to be compared with what the program computes. Times are steps; a
synapse's weight is v = w / w_max in [0, 1].

 - STDP: Song, Miller & Abbott (2000), additive; van Rossum, Bi & Turrigiano (2000), multiplicative; Pfister & Gerstner
   (2006), triplets; conventions of Morrison, Diesmann & Gerstner (2008).
 - short term: Tsodyks, Pawelzik & Markram (1998), Tsodyks, Uziel & Markram (2000).
"""
import bisect
import math
from dataclasses import dataclass

PRE, POST = 0, 1  # at one synapse time the presynaptic spike goes first


@dataclass(frozen=True)
class Stdp:
    """Section `stdp` of a job; amplitudes are shares of w_max."""
    w_max: float = 1
    a_plus: float = 0.01
    a_minus: float = 0.0105
    a3_plus: float = 0
    a3_minus: float = 0
    tau_plus_ms: float = 20
    tau_minus_ms: float = 20
    tau_x_ms: float = 100
    tau_y_ms: float = 100
    potentiation: str = "additive"
    depression: str = "additive"
    pairing: str = "all_to_all"
    dendritic_share: float = 1

    def dendritic(self, delay):
        """Steps from the soma back to the synapse, of a delay in steps (halves to the even number)."""
        return round(self.dendritic_share * delay)


class Trace:
    """Rises by 1 at a spike (all_to_all) or to 1 (nearest), decays exponentially."""

    def __init__(self, tau_steps, nearest):
        self.tau, self.nearest, self.value, self.since = tau_steps, nearest, 0.0, 0

    def at(self, now):
        return self.value * math.exp(-(now - self.since) / self.tau) if self.value else 0.0

    def spike(self, now):
        self.value = 1.0 if self.nearest else self.at(now) + 1
        self.since = now


@dataclass
class Arrival:
    time: int     # at the synapse
    kind: int     # PRE or POST
    weight: float  # v afterwards: of a presynaptic spike, what its event carries
    clipped: bool


def arrivals(rule, pre, post, delay, v, dt_ms):
    """All spikes that reach a synapse, in order: `pre` emitted by its source, `post` by its target, in steps."""
    dendritic = rule.dendritic(delay)
    nearest = rule.pairing == "nearest"
    x, x3, y, y3 = (Trace(tau / dt_ms, nearest) for tau in
                    (rule.tau_plus_ms, rule.tau_x_ms, rule.tau_minus_ms, rule.tau_y_ms))
    found = []
    for now, kind in sorted([(s + delay - dendritic, PRE) for s in pre] + [(s + dendritic, POST) for s in post]):
        if kind == PRE:
            change = -y.at(now) * (rule.a_minus + rule.a3_minus * x3.at(now))
            change *= v if rule.depression == "multiplicative" else 1
            own = (x, x3)
        else:
            change = x.at(now) * (rule.a_plus + rule.a3_plus * y3.at(now))
            change *= 1 - v if rule.potentiation == "multiplicative" else 1
            own = (y, y3)
        for trace in own:
            trace.spike(now)
        free, v = v + change, min(1.0, max(0.0, v + change))
        found.append(Arrival(now, kind, v, v != free))
    return found


def weight_at(rule, found, delay, v, step):
    """v as an event that is due in `step` finds it, and how many arrivals made it so: all that reached the synapse before
    that event does. `found`: arrivals(); v: the initial weight."""
    before = bisect.bisect_left(found, step - rule.dendritic(delay), key=lambda a: a.time)
    return (found[before - 1].weight if before else v), before


# ---- closed forms of STDP


def geometric(q, n):
    """q + q^2 + ... + q^n."""
    return q * (1 - q**n) / (1 - q) if q < 1 else n


def pair(rule, offset_ms):
    """Change of v by one pair, postsynaptic minus presynaptic time at the synapse (additive)."""
    if offset_ms >= 0:
        return rule.a_plus * math.exp(-offset_ms / rule.tau_plus_ms)
    return -rule.a_minus * math.exp(offset_ms / rule.tau_minus_ms)


def _sum(n, period_ms, first_ms, tau_ms, tau3_ms):
    """Over spikes k = 0 ... n-1 of one side: (sum of x, sum of x y3). x: sum over the other side's spikes, of which k + 1
    (first_ms >= 0: the last of them so long ago) or k (first_ms < 0: the last period_ms + first_ms ago) came before. y3:
    over the k own ones before."""
    q, p = math.exp(-period_ms / tau_ms), math.exp(-period_ms / tau3_ms)
    now = 1 if first_ms >= 0 else 0
    factor = math.exp(-first_ms / tau_ms)
    # x_k = factor (q^(1 - now) + ... + q^k) = factor (g - q^(k+1)) / (1 - q) with g = q^(1 - now); y_k = (p - p^(k+1)) / (1 - p)
    g = q ** (1 - now)
    powers = lambda r: (1 - r**n) / (1 - r)  # sum of r^k
    x = factor / (1 - q) * (n * g - q * powers(q))
    xy = factor / ((1 - q) * (1 - p)) * (n * g * p - g * p * powers(p) - q * p * powers(q) + q * p * powers(q * p))
    return x, xy


def pairings(rule, n, period_ms, offset_ms):
    """Change of v by n pairs at a regular period (additive, all_to_all, no clipping): the protocol of Pfister & Gerstner
    (2006, figures 3 and 4). |offset_ms| < period_ms, not 0; presynaptic first where it is above 0."""
    up, up3 = _sum(n, period_ms, offset_ms, rule.tau_plus_ms, rule.tau_y_ms)
    down, down3 = _sum(n, period_ms, -offset_ms, rule.tau_minus_ms, rule.tau_x_ms)
    return rule.a_plus * up + rule.a3_plus * up3 - rule.a_minus * down - rule.a3_minus * down3


# Pfister & Gerstner (2006), table 3 (visual cortex) and 4 (hippocampal culture), all-to-all.
VISUAL_CORTEX = Stdp(a_plus=5e-10, a3_plus=6.2e-3, a_minus=7e-3, a3_minus=2.3e-4, tau_plus_ms=16.8, tau_minus_ms=33.7,
                     tau_x_ms=101, tau_y_ms=125)
VISUAL_CORTEX_MINIMAL = Stdp(a_plus=0, a3_plus=6.5e-3, a_minus=7.1e-3, a3_minus=0, tau_plus_ms=16.8, tau_minus_ms=33.7,
                             tau_y_ms=114)
HIPPOCAMPUS = Stdp(a_plus=6.1e-3, a3_plus=6.7e-3, a_minus=1.6e-3, a3_minus=1.4e-3, tau_plus_ms=16.8, tau_minus_ms=33.7,
                   tau_x_ms=946, tau_y_ms=27)
# Sjostrom, Turrigiano & Nelson (2001), as those parameters were fitted to: 60 pairs at a frequency in Hz, change of the
# weight and its standard error with 10 ms from the pre- to the postsynaptic spike, and back.
SJOSTROM = [(0.1, (-0.04, 0.05), (-0.29, 0.08)), (10, (0.14, 0.10), (-0.41, 0.11)), (20, (0.29, 0.14), (-0.34, 0.10)),
            (40, (0.53, 0.11), (0.56, 0.32)), (50, (0.56, 0.26), (0.75, 0.19))]


# ---- short term


@dataclass(frozen=True)
class ShortTerm:
    """Section `short_term` of a job."""
    u: float = 0.5
    tau_rec_ms: float = 800
    tau_fac_ms: float = 0


def efficacies(rule, spikes, dt_ms):
    """u x at every spike of a source, in steps."""
    found, u, x, last = [], rule.u, 1.0, None
    for now in spikes:
        if last is not None:
            since = (now - last) * dt_ms
            facilitation = math.exp(-since / rule.tau_fac_ms) if rule.tau_fac_ms else 0
            recovery = math.exp(-since / rule.tau_rec_ms) if rule.tau_rec_ms else 0
            left = x * (1 - u)  # resources that the last spike did not use; the others recover
            u, x = rule.u + u * (1 - rule.u) * facilitation, 1 - (1 - left) * recovery
        found.append(u * x)
        last = now
    return found


def stationary(rule, period_ms):
    """u x in the end of a regular train."""
    facilitation = math.exp(-period_ms / rule.tau_fac_ms) if rule.tau_fac_ms else 0
    recovery = math.exp(-period_ms / rule.tau_rec_ms) if rule.tau_rec_ms else 0
    u = rule.u / (1 - (1 - rule.u) * facilitation)
    return u * (1 - recovery) / (1 - (1 - u) * recovery)

"""The cortical microcircuit (T. C. Potjans & M. Diesmann, Cereb. Cortex 24:785, 2014) at full scale with Poisson input,
5 s after 500 ms, against NEST 3.10 and published figures; and wrong networks, which the same comparison must refuse.

Compared of every population: rates, CVs of the intervals (neurons with at least 4 spikes) and correlations (2 ms bins) of
its neurons, by their Kolmogorov-Smirnov distance to NEST's at its 5, 25, 50, 75 and 95 % quantiles; and its mean rate.
Limits: twice the distances of two seeds of one simulator (PUBLISHED); for mean rates three standard deviations of three
figures of other simulators, at least .5 %. Every seed must hold by itself. Ten seeds of this program, 240 distances: at
most .89 of the limit; mean over seeds of the mean rates and standard deviation of seeds (sp/s):

          23E    23I    4E     4I     5E     5I     6E     6I
  NEST    .870   2.959  4.402  5.877  7.729  8.638  1.134  7.839
  here    .916   2.996  4.388  5.882  7.670  8.648  1.107  7.846
  seeds   .018   .008   .011   .005   .087   .008   .015   .006

Wrong networks: Poisson trains with the spikes of each neuron of the right one, at random times (refused by the CVs);
weights of synapses x 1.05 (mean rates 4 to 5 % low; distances alone would let it pass); delays without spread (whole
layers fire together until rates explode after 1.4 s of biology, so 800 ms are compared; an independent program, written
for this comparison, does the same).

  test_microcircuit.py CALLOSUM
"""
import math
import re

from trains import Trains, distance, numpy, read
from common import EXAMPLES, Run, testing

NAMES = ["23E", "23I", "4E", "4I", "5E", "5I", "6E", "6I"]
P = numpy.array([.05, .25, .5, .75, .95])
# NEST 3.10, one seed: rate (sp/s) | CV of intervals | correlation
QUANTILES = """
0. .2 .6 1.2 2.6      | .352 .597 .747 .911 1.178 | -.0039 -.0023 -.0015 -.001 -.0004
.4 1.4 2.4 4. 7.      | .486 .673 .791 .927 1.162 | -.0094 -.0058 -.0039 -.0024 .0512
.8 2. 3.8 6. 10.4     | .541 .691 .789 .904 1.127 | -.0134 -.0083 -.0053 -.0022 .0528
1.18 3. 5. 7.8 13.4   | .582 .704 .792 .9 1.113   | -.0156 -.0101 -.0067 -.0009 .0463
1.6 4. 6.8 10.6 17.2  | .577 .683 .764 .867 1.061 | -.0179 -.0109 -.0055 .0178 .0511
1.8 5. 7.8 12. 17.4   | .558 .658 .737 .832 1.026 | -.0206 -.0127 -.0065 .0108 .0419
0. .2 .6 1.6 3.8      | .376 .617 .761 .915 1.189 | -.0051 -.0025 -.0016 -.001 -.0006
1.6 4.2 7. 10.6 16.53 | .561 .662 .748 .846 1.053 | -.0198 -.0125 -.0073 .011 .0427
"""
KINDS = ["rates", "CVs of intervals", "correlations"]
ROUNDED = [1e-6, .0005, .00005]  # of these figures; rates are multiples of .2
# Distances of two seeds of one simulator, per kind and population.
PUBLISHED = numpy.array([[.02, .02, .01, .01, .02, .03, .02, .02], [.01, .02, .01, .01, .02, .03, .01, .02],
                         [.05, .04, .05, .02, .06, .02, .04, .02]])
# Mean rates: two published simulators and the NEST of above.
MEAN_RATES = numpy.array([[.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829],
                          [.943, 3.026, 4.368, 5.882, 7.733, 8.664, 1.096, 7.851],
                          [.870, 2.959, 4.402, 5.877, 7.729, 8.638, 1.134, 7.839]])
SEEDS = (1, 2, 3)
SAMPLES = 5  # of 200 neurons each, whose correlations are taken together: NEST's sample brings noise enough


def quantiles():
    """[kind][population] -> 5 quantiles."""
    rows = [[numpy.array(part.split(), float) for part in line.split("|")] for line in QUANTILES.strip().splitlines()]
    return [[row[kind] for row in rows] for kind in range(3)]


def distances(trains):
    """Over their limits: [kind][population]."""
    found = numpy.zeros((3, len(NAMES)))
    for i, name in enumerate(NAMES):
        random = numpy.random.default_rng(1)
        samples = [trains[name].rates(), trains[name].interval_cvs(),
                   numpy.concatenate([trains[name].correlations(random) for _ in range(SAMPLES)])]
        for kind, values in enumerate(samples):
            found[kind, i] = distance(values, quantiles()[kind][i], P, ROUNDED[kind])
    return found / (2 * PUBLISHED)


def rate_errors(trains):
    """Deviations of the mean rates over their limits. Within less than 5 s rates scatter more."""
    expected = MEAN_RATES.mean(axis=0)
    limit = numpy.maximum(3 * MEAN_RATES.std(axis=0, ddof=1), .005 * expected)
    limit *= math.sqrt(max(1, 5000 / trains["4E"].length_ms))
    return abs(numpy.array([trains[name].mean_rate() for name in NAMES]) - expected) / limit


def worst(over):
    """Says the greatest of values over their limits, and whose it is."""
    return f"at most {over.max():.2f} of the limit ({NAMES[over.argmax()]})"


def poisson(trains, seed=1):
    """The same spikes of each neuron, at random times."""
    random = numpy.random.default_rng(seed)
    return {name: Trains(t.neurons, t.neuron, numpy.round(random.uniform(.05, t.length_ms, len(t.time_ms)), 1), t.length_ms)
            for name, t in trains.items()}


def heavier(match):
    mean, sd = (float(match[k]) * 1.05 for k in (1, 2))
    return f"weight: {{distribution: normal, mean: {mean:.10g}, sd: {sd:.10g}"


def main():
    text = (EXAMPLES / "pd14.yaml").read_text(encoding="utf-8")
    populations, projections = text.split("projections:")
    weights, of_weights = re.subn(r"weight: \{distribution: normal, mean: (\S+), sd: (\S+?)(?=,)", heavier, projections)
    delays, of_delays = re.subn(r"delay_ms: \{distribution: normal, mean: (\S+),.*?\}", r"delay_ms: \1", projections)
    assert of_weights == of_delays == projections.count("source:") == 55

    with testing(__doc__) as (check, folder):
        def simulate(name, job, **values):
            run = Run(job, folder / name, {"record.spikes": "all", **values}, threads=2)
            return read(run) if check(f"{name}: runs", run.code == 0) else None

        right = {}
        for seed in SEEDS:
            right[seed] = simulate(f"seed {seed}", EXAMPLES / "pd14.yaml", **{"simulation.seed": seed})
            for kind, over in zip(KINDS, distances(right[seed])):
                check(f"seed {seed}: {kind} are NEST's", over.max() < 1, worst(over))
            over = rate_errors(right[seed])
            check(f"seed {seed}: mean rates are those of others", over.max() < 1, worst(over))

        over = distances(poisson(right[1]))
        check("Poisson trains of the same rates: rates cannot tell", over[0].max() < 1, worst(over[0]))
        check("Poisson trains of the same rates: refused by the CVs of every population", over[1].min() > 1,
              f"at least {over[1].min():.1f} of the limit")

        (folder / "weights.yaml").write_text(f"{populations}projections:{weights}", encoding="utf-8")
        heavy = simulate("weights x 1.05", folder / "weights.yaml", **{"simulation.duration_ms": 2500})
        over = rate_errors(heavy)
        check("weights x 1.05: refused by mean rates", over.max() > 1, worst(over))

        (folder / "delays.yaml").write_text(f"{populations}projections:{delays}", encoding="utf-8")
        sharp = simulate("delays without spread", folder / "delays.yaml", **{"simulation.duration_ms": 1300})
        over = rate_errors({name: t.window(0, 800) for name, t in right[1].items()})
        check("seed 1, 800 ms of it: mean rates are those of others", over.max() < 1, worst(over))
        over = rate_errors(sharp)
        check("delays without spread: refused by mean rates", over.max() > 1, worst(over))


main()

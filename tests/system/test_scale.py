"""A network with a tenth or a fifth of its neurons and synapses keeps the rates of the whole one where the mean and the
variance of the input are kept, and does not where weights stay as written. On the cortical microcircuit, whose rates
are published; constant currents against the formula of van Albada et al. (2015) in a few lines.

  test_scale.py CALLOSUM
"""
import collections
import math
import re

from common import EXAMPLES, Run, skip, testing

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

PUBLISHED = numpy.array([.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])
NAMES = ["23E", "23I", "4E", "4I", "5E", "5I", "6E", "6I"]
TAU_MS, BACKGROUND_PA = 0.5, 87.8085


def lost_currents(text, k):
    """tau sum_j K_j J_j rate_j (1 - sqrt(k)) of every population, from the text of the job."""
    size, rate, background = {}, {}, {}
    for block in re.findall(r"  - name: (.*?)(?=  - |\Z)", text.split("projections:")[0] + "  - ", re.S):
        name = block.split()[0]
        size[name] = int(re.search(r"n: (\d+)", block).group(1))
        rate[name] = float(re.search(r"rate_hz: (\S+)\n", block.split("inputs")[1].split("]")[1]).group(1))
        background[name] = float(re.search(r"rate_hz: (\S+),", block).group(1))
    current = collections.Counter({name: TAU_MS * background[name] * BACKGROUND_PA * (1 - math.sqrt(k)) for name in size})
    for source, target, total, weight in re.findall(
            r"source: (\S+)\n +target: (\S+)\n.*?total: (\d+)\n.*?mean: (\S+),", text.split("projections:")[1], re.S):
        kept = round(int(total) * k * k) / round(size[target] * k) / (int(total) / size[target])  # about k
        lost = 1 - math.sqrt(kept)
        current[target] += TAU_MS * int(total) / size[target] * float(weight) * rate[source] * lost
    return {name: value / 1000 for name, value in current.items()}


def rates(run):
    with h5py.File(run.out / "rates.h5", "r") as file:
        return file["rates/data"][500:].mean(axis=0)


def main():
    job = EXAMPLES / "pd14.yaml"
    text = job.read_text(encoding="utf-8")
    found = {}
    with testing(__doc__) as (check, folder):
        for k, weights in [(0.1, None), (0.2, None), (0.1, "keep")]:
            values = {"scale.neurons": k, "scale.indegree": k, "simulation.duration_ms": 2000}
            if weights:
                values["scale.weights"] = weights
            run = Run(job, f"{folder}/{k}{weights}", values)
            if not check(f"{k} {weights or 'default'}: runs", run.code == 0):
                continue
            found[k, weights] = rates(run)
            print(f"  rates {numpy.round(found[k, weights], 2)}, published {PUBLISHED}")
            logged = dict(re.findall(r"scale: population '(\S+)': .*?I_e_pA \+ (\S+)", run.stdout))
            if weights == "keep":
                check.equal(f"{k} keep: no currents", logged, {})
                continue
            expected = lost_currents(text, k)
            worst = max(abs(float(logged[name]) - expected[name]) for name in NAMES)
            check(f"{k}: currents are those of the formula", worst < 1e-6,
                  f"differ by {worst:.3g} pA at most, e.g. 5I {logged['5I']} and {expected['5I']:.10g}")
        if len(found) == 3:
            off = {k: abs(found[k, None] - PUBLISHED) for k in (0.2, 0.1)}
            for k, what, limit in (0.2, "a fifth", 0.15 * PUBLISHED + 0.25), (0.1, "a tenth", 0.25 * PUBLISHED + 0.4):
                check(f"{what}: rates of the whole network", (off[k] < limit).all(),
                      f"off by {numpy.round(off[k], 2)} spikes/s, limits {numpy.round(limit, 2)}")
            check("a fifth is nearer than a tenth", off[0.2].sum() < off[0.1].sum(),
                  f"off by {off[0.2].sum():.2f} and {off[0.1].sum():.2f} spikes/s in all")
            more = found[0.1, "keep"] / PUBLISHED
            check("a tenth, weights as written: other rates", (more > 4).all(), f"{more.min():.1f} times and more, limit 4")


main()

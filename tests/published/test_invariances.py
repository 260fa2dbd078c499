"""What must not change the activity of a network: a finer step, a common scale of all weights and potentials, and the
order in which the job lists populations and projections.

The cortical microcircuit with a tenth of its neurons and synapses, 2 s after 500 ms, three seeds. Steps of .05 and .1 ms
draw the same synapses and other noise; of every population the mean rate and the median CV of intervals must differ by
less than four standard errors of the difference of two means of three seeds. Standard deviation of 12 seeds and the
difference of the two steps over 6 seeds, of the mean rates (%):

           23E   23I   4E    4I    5E    5I    6E    6I
  seeds    3.9   2.1   1.3   .34   4.1   .82   2.6   .75
  step     -2.9  -.33  -.57  -.07  -.36  -.33  1.6   -.09

The same holds where all is three times greater, and not where only weights are, by 2 %. A power of two gives the same
bits. So does any order of the populations: each then has the same spikes, though neurons are numbered otherwise and the
digest is another.

  test_invariances.py CALLOSUM
"""
import json
import math
import re

from trains import numpy, read
from common import EXAMPLES, Run, testing

SEEDS = (1, 2, 3)
NAMES = ["23E", "23I", "4E", "4I", "5E", "5I", "6E", "6I"]
# Standard deviations of seeds over their mean, %: of the mean rates and of the median CVs.
SPREAD = numpy.array([[3.9, 2.1, 1.3, .34, 4.1, .82, 2.6, .75], [5.7, 1.7, .9, 1.7, 1., 3.5, 2., 2.5]])
TENTH = {"scale.neurons": 0.1, "scale.indegree": 0.1, "record.spikes": "all"}


def statistics(trains):
    """Mean rates and median CVs of all populations."""
    return numpy.array([[trains[n].mean_rate(), numpy.median(trains[n].interval_cvs())] for n in NAMES])


def sections(text):
    """Head, populations and projections of the microcircuit's job."""
    head, rest = text.split("populations:\n")
    lists = [re.findall(r"^  - .*?(?=^  - |\Z)", part, re.S | re.M) for part in rest.split("projections:\n")]
    return head, *lists


def joined(head, populations, projections):
    return f"{head}populations:\n{''.join(populations)}projections:\n{''.join(projections)}"


def scaled(text, factor):
    """The job with every weight and every potential, from E_L = -65 mV on, times a factor."""
    def times(pattern, origin, value):
        return re.sub(pattern, lambda m: f"{m.group(1)}{origin + factor * (float(m.group(2)) - origin):.17g}", value)

    text = times(r"(V_m_mV: \{distribution: normal, mean: )([^,]+)", -65, text)
    text = times(r"(V_m_mV: \{distribution: normal, mean: [^,]+, sd: )([^,}]+)", 0, text)
    text = times(r"(V_(?:th|reset)_mV: )([^,}]+)", -65, text)
    text = times(r"( weight: )([-0-9.]+)", 0, text)
    text = times(r"( weight: \{distribution: normal, mean: )([^,]+)", 0, text)
    return times(r"( weight: \{distribution: normal, mean: [^,]+, sd: )([^,}]+)", 0, text)


def deviations(found, reference):
    """Both: [seed][population][rate, CV]. Differences of their means over the limits: [rate, CV][population]."""
    relative = 100 * (found.mean(axis=0) / reference.mean(axis=0) - 1)
    return abs(relative.T) / (4 * SPREAD * math.sqrt(2 / len(SEEDS)))


def same_statistics(check, what, found, reference):
    for over, measure in zip(deviations(found, reference), ("rates", "CVs")):
        check(f"{what}: {measure}", over.max() < 1, f"at most {over.max():.2f} of the limit ({NAMES[over.argmax()]})")


def delta_network(factor):
    """A small network of delta synapses and constant current, all of it times a factor."""
    params = {"tau_m_ms": 20, "t_ref_ms": 2, "E_L_mV": 0, "V_th_mV": 20 * factor, "V_reset_mV": 10 * factor}
    populations = [{"name": name, "n": n, "model": "lif_psc_delta", "params": params,
                    "initial": {"V_m_mV": {"distribution": "uniform", "low": 0, "high": 20 * factor}},
                    "inputs": [{"model": "poisson", "rate_hz": 15000, "weight": 0.1 * factor}]}
                   for name, n in (("E", 800), ("I", 200))]
    projections = [{"source": s, "target": t, "rule": "fixed_indegree", "indegree": 80 if s == "E" else 20,
                    "weight": factor * (0.25 if s == "E" else -1.25), "delay_ms": 1.5} for s in "EI" for t in "EI"]
    return {"simulation": {"duration_ms": 500, "dt_ms": 0.1}, "populations": populations, "projections": projections}


def main():
    job = EXAMPLES / "pd14.yaml"
    text = job.read_text(encoding="utf-8")
    with testing(__doc__) as (check, folder):
        def simulate(name, path, **values):
            run = Run(path, folder / name, {**TENTH, **values}, threads=2)
            check(f"{name}: runs", run.code == 0)
            return run

        def seeds(name, path, **values):
            return numpy.array([statistics(read(simulate(f"{name}, seed {seed}", path, **values,
                                                         **{"simulation.seed": seed}))) for seed in SEEDS])

        length = {"simulation.duration_ms": 2500}
        (folder / "thrice.yaml").write_text(scaled(text, 3), encoding="utf-8")
        reference = seeds("step .1 ms", job, **length)
        same_statistics(check, "step .05 ms", seeds("step .05 ms", job, **length, **{"simulation.dt_ms": 0.05}), reference)
        same_statistics(check, "all x 3", seeds("all x 3", folder / "thrice.yaml", **length), reference)
        heavier = re.sub(r"( weight: \{distribution: normal, mean: )([^,]+)",
                         lambda m: f"{m.group(1)}{1.02 * float(m.group(2)):.10g}", text)
        (folder / "heavier.yaml").write_text(heavier, encoding="utf-8")
        over = deviations(seeds("weights x 1.02", folder / "heavier.yaml", **length), reference)[0]
        check("weights alone x 1.02: other rates", over.max() > 1.5,
              f"{over.max():.1f} of the limit ({NAMES[over.argmax()]})")

        short = {"simulation.duration_ms": 600, "record.warmup_ms": 0}
        plain = simulate("as written", job, **short)
        spikes = read(plain)
        for factor in (2, 0.125):
            (folder / "power.yaml").write_text(scaled(text, factor), encoding="utf-8")
            run = simulate(f"all x {factor}", folder / "power.yaml", **short)
            check.equal(f"all x {factor}: digest", run.digest, plain.digest)
        digests = []
        for factor in (1, 4):
            (folder / "delta.yaml").write_text(json.dumps(delta_network(factor)), encoding="utf-8")
            run = Run(folder / "delta.yaml", folder / f"delta{factor}")
            check(f"delta synapses x {factor}: fires", run.summary.get("spikes", 0) > 1000, str(run.summary.get("spikes")))
            digests.append(run.digest)
        check.equal("delta synapses x 4: digest", digests[1], digests[0])

        head, populations, projections = sections(text)
        check.equal("populations and projections found", (len(populations), len(projections)), (8, 55))
        for name, order, pairs in (("populations reversed", populations[::-1], projections),
                                   ("populations and projections rotated", populations[3:] + populations[:3],
                                    projections[7:] + projections[:7])):
            (folder / "order.yaml").write_text(joined(head, order, pairs), encoding="utf-8")
            run = simulate(name, folder / "order.yaml", **short)
            other = read(run)
            same = [n for n in NAMES if len(spikes[n].neuron) > 100 and all(
                numpy.array_equal(getattr(sorted_by_neuron(spikes[n]), key), getattr(sorted_by_neuron(other[n]), key))
                for key in ("neuron", "time_ms"))]
            check.equal(f"{name}: same spikes of each", same, NAMES)
            check(f"{name}: neurons are numbered otherwise", run.digest != plain.digest)
        (folder / "order.yaml").write_text(joined(head, populations, projections[::-1]), encoding="utf-8")
        run = simulate("projections reversed", folder / "order.yaml", **short)
        check.equal("projections reversed: digest", run.digest, plain.digest)


def sorted_by_neuron(trains):
    order = numpy.lexsort((trains.time_ms, trains.neuron))
    trains.neuron, trains.time_ms = trains.neuron[order], trains.time_ms[order]
    return trains


main()

"""Procedural synapses: the same spikes as stored ones, on any layout and backend, in no memory; refused where they
cannot be.

  test_procedural.py CALLOSUM
"""
import pathlib
import sys

from common import PROGRAM, Checks, Run, scratch

JOB = """\
simulation: {duration_ms: 250, dt_ms: 0.1, seed: 5}
populations:
  - {name: E, n: 2500, type: E, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9000, weight: 85, receptor: exc}]}
  - {name: I, n: 700, type: I, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9000, weight: 80, receptor: exc}]}
  - {name: D, n: 1300, model: lif_dtb, inputs: [{model: ou, tau_ms: 4, mean: 0.4, sd: 0.15}],
     params: {g_NMDA_mS_cm2: 0.00002}}
projections:
  - {source: E, target: E, rule: fixed_total_number, total: 250000, multapses: false, autapses: false, receptor: exc,
     weight: {distribution: normal, mean: 12, sd: 1.2}, delay_ms: {distribution: normal, mean: 1.5, sd: 0.75, min: 0.1}}
  - {source: E, target: I, rule: fixed_total_number, total: 70000, receptor: exc, weight: 12, delay_ms: 1.5}
  - {source: I, target: E, rule: pairwise_bernoulli, probability: 0.05, receptor: inh, weight: -60,
     delay_ms: {distribution: uniform, low: 0.5, high: 2}}
  - {source: I, target: I, rule: fixed_outdegree, outdegree: 40, autapses: false, receptor: inh, weight: -60,
     delay_ms: {distribution: gamma, shape: 4, rate: 4, min: 0.2, max: 3}}
  - {source: E, target: D, rule: fixed_outdegree, outdegree: 30, multapses: false, receptor: excitatory,
     weight: [{distribution: uniform, low: 0, high: 0.02}, 0.01], delay_ms: 2}
  - {source: D, target: D, rule: pairwise_bernoulli, probability: 0.02, autapses: false, receptor: excitatory,
     weight: [0.01, {distribution: uniform, low: 0, high: 0.02}], delay_ms: {distribution: uniform, low: 1, high: 4}}
  - {source: E, target: E, rule: fixed_indegree, indegree: 5, receptor: exc, weight: 12, delay_ms: 3, name: stored}
interventions:
  - {at_ms: 120.3, tracts: {from: E, onto: E}, factor: 0.5}
"""
N = 6  # projections that may be procedural


def storage(which):
    return {f"projections.{i}.synapses": "procedural" for i in which}


def main():
    if not PROGRAM:
        sys.exit(__doc__)
    check = Checks()
    with scratch() as folder:
        job = pathlib.Path(folder) / "job.yaml"
        job.write_text(JOB, encoding="utf-8")
        number = iter(range(1000))

        def run(which, **how):
            return Run(job, pathlib.Path(folder) / f"out{next(number)}", storage(which), **how)

        plain = run([])
        check("stored", plain.code == 0 and plain.summary.get("spikes", 0) > 3000, str(plain.summary.get("spikes")))
        layouts = [(range(N), 1, 2, "/cpu/omp"), (range(N), 1, 1, "/cpu/serial"), (range(N), 3, 2, "/cpu/omp"),
                   ([0, 3, 5], 2, 1, "/cpu/serial"), ([1, 2, 4], 4, 1, "/cpu/omp")]
        for which, ranks, threads, backend in layouts:
            what = f"{list(which)} procedural, {ranks} x {threads}, {backend}"
            r = run(which, ranks=ranks if ranks > 1 else None, threads=threads, backend=backend)
            check.equal(f"digest, {what}", r.digest, plain.digest)
            check.equal(f"synapses, {what}", r.summary.get("synapses"), plain.summary.get("synapses"))
            check.equal(f"spikes, {what}", r.summary.get("spikes"), plain.summary.get("spikes"))
        check("procedural synapses take no memory", r.summary and run(range(N)).summary["bytes_per_synapse"] < 1,
              f"{plain.summary.get('bytes_per_synapse')} stored")
        for change, expected in [({"projections.6.synapses": "procedural"}, "procedural with rule fixed_indegree"),
                                 ({"projections.0.synapses": "none"}, "synapses")]:
            bad = Run(job, pathlib.Path(folder) / f"out{next(number)}", change)
            check(f"refused: {change}", bad.code == 2 and expected in bad.stderr, bad.stderr.strip())
    check.finish()


main()

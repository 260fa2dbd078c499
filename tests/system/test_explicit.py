"""Listed synapses in whole runs: a list of all pairs is the rule all_to_all, spikes arrive where and when the list says,
and what the list holds goes into the hash of the job.

  test_explicit.py CALLOSUM
"""

from common import Run, skip, testing

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

PAIRS = """\
simulation: {duration_ms: 200, dt_ms: 0.1, seed: 3}
populations:
  - {name: A, n: 150, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9000, weight: 100, receptor: exc}]}
  - {name: B, n: 130, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9000, weight: 80, receptor: exc}]}
projections:
  - {name: x, source: A, target: B, RULE, receptor: exc, weight: 20, delay_ms: 1.5}
record: {spikes: all, warmup_ms: 0}
"""
# Every neuron of S spikes once or not at all, T only where synapses reach it.
ARRIVALS = """\
simulation: {duration_ms: 60, dt_ms: 0.1, seed: 3}
populations:
  - {name: S, n: 200, model: lif_psc_exp, params: {t_ref_ms: 1000, I_e_pA: {distribution: uniform, low: 400, high: 900}}}
  - {name: T, n: 300, model: lif_psc_exp, params: {tau_syn_exc_ms: 0.1}}
projections:
  - {source: S, target: T, rule: explicit, file: list.h5, group: g, receptor: exc}
record: {spikes: all, warmup_ms: 0}
"""


def spikes(run):
    with h5py.File(run.out / "spikes.h5", "r") as file:
        group = file["spikes/network"]
        return group["node_ids"][()].astype(int), numpy.rint(group["timestamps"][()] * 10).astype(int)


def pairs(check, folder):
    a, b = numpy.meshgrid(numpy.arange(150), numpy.arange(130))
    order = numpy.random.default_rng(1).permutation(a.size)
    with h5py.File(folder / "pairs.h5", "w") as file:
        file["source_id"], file["target_id"] = a.ravel()[order], b.ravel()[order]
    digests = {}
    for name, rule in [("all", "rule: all_to_all"), ("list", "rule: explicit, file: pairs.h5")]:
        job = folder / f"{name}.yaml"
        job.write_text(PAIRS.replace("RULE", rule), encoding="utf-8")
        run = Run(job, folder / name, ranks=None if name == "all" else 2)
        digests[name] = run.digest
        check.equal(f"pairs, {name}: synapses", run.summary.get("synapses"), 19500)
    check("a list of all pairs gives the spikes of all_to_all", digests["list"] and digests["list"] == digests["all"],
          str(digests))


def arrivals(check, folder):
    """A strong synapse makes its target spike: which, and when, is read off the list."""
    random = numpy.random.default_rng(2)
    n = 300
    target, source, delay = numpy.arange(n), random.integers(0, 200, n), random.integers(10, 200, n)
    with h5py.File(folder / "list.h5", "w") as file:
        file["g/source_id"], file["g/target_id"] = source, random.permutation(target)
        target = file["g/target_id"][()]
        file["g/weight"], file["g/delay_ms"] = numpy.full(n, 60000.0), delay / 10
    (folder / "arrivals.yaml").write_text(ARRIVALS, encoding="utf-8")
    hashes = []
    for ranks in (None, 2, 3):
        run = Run(folder / "arrivals.yaml", folder / f"arrivals{ranks}", ranks=ranks)
        hashes.append(run.summary.get("job_hash"))
        node, step = spikes(run)
        when = dict(zip(node[node < 200], step[node < 200]))
        # what arrives at the end of a step lifts the potential during the next one
        expected = {(200 + t, when[s] + d + 1) for s, t, d in zip(source, target, delay)
                    if s in when and when[s] + d + 1 <= 600}
        found = set(zip(node[node >= 200], step[node >= 200]))
        check(f"arrivals on {ranks or 1} ranks", len(expected) > 100 and found == expected,
              f"{len(found)} spikes, {len(found & expected)} of {len(expected)} as expected")
    with h5py.File(folder / "list.h5", "r+") as file:
        file["g/delay_ms"][7] += 0.1
    changed = Run(folder / "arrivals.yaml", folder / "changed")
    check("the job's hash is of the list too", len(set(hashes)) == 1 and hashes[0] != changed.summary.get("job_hash"),
          f"{hashes[0]} and {changed.summary.get('job_hash')}")
    check("the log names the list", "300 synapses from" in changed.stdout and "not sorted" in changed.stdout)


def main():
    with testing(__doc__) as (check, folder):
        pairs(check, folder)
        arrivals(check, folder)


main()

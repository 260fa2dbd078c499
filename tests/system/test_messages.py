"""What the partition predicts is what a run sends: expected messages against counted ones.

The prediction assumes a rate of 5 Hz everywhere. Here all neurons have the same drive and weak synapses, so all fire at
the same rate up to noise, and the prediction times measured rate / 5 must be the count: some 50,000 messages, whose
statistical error is below 1 %.

  test_messages.py CALLOSUM
"""
from common import Run, call, testing

RANKS, SECONDS = 3, 2
JOB = """
simulation: {duration_ms: 2000, dt_ms: 0.1, seed: 3}
populations:
%s
projections:
%s
record: {warmup_ms: 0}
"""
POPULATION = "  - {name: p%d, n: 300, model: lif_psc_exp, inputs: [{model: dc, amplitude: 395}, " \
             "{model: poisson, rate_hz: 2000, weight: 20, receptor: exc}]}"
# Rules whose expected number of senders differs: a fixed in-degree, a total with multapses, single pairs.
RULES = ("rule: fixed_indegree, indegree: 3, multapses: false", "rule: fixed_total_number, total: 700",
         "rule: pairwise_bernoulli, probability: 0.004")


def job_text():
    populations = "\n".join(POPULATION % i for i in range(6))
    projections = "\n".join(
        f"  - {{source: p{i}, target: p{(i + shift) % 6}, {rule}, weight: 0.5, delay_ms: 1.5, receptor: exc}}"
        for i in range(6) for shift, rule in zip((1, 2, 3), RULES))
    return JOB % (populations, projections)


def expected(job, method):
    done = call("partition", job, "--ranks", RANKS, "--method", method)
    for line in done.stdout.splitlines():
        if line.startswith(method):
            return float(line.split()[5])
    raise RuntimeError(done.stdout + done.stderr)


def main():
    with testing(__doc__) as (check, folder):
        job = folder / "messages.yaml"
        job.write_text(job_text(), encoding="utf-8")
        for method in ("metis", "contiguous", "round_robin"):
            run = Run(job, folder / method, {"partition.method": method}, ranks=RANKS)
            s = run.summary
            rate = s["spikes"] / s["neurons"] / SECONDS
            predicted = expected(job, method) * SECONDS * rate / 5
            ratio = s["messages"] / predicted
            check(f"{method}: counted over expected messages", abs(ratio - 1) < 0.02 and s["messages"] > 20000,
                  f"{s['messages']:.0f} / {predicted:.0f} = {ratio:.4f} at {rate:.2f} Hz")


main()

"""Changes while a network runs: what a lesion touches and what it leaves, when a changed weight acts, and that all of it
is the same bits on any layout.

  test_interventions.py CALLOSUM
"""
import json

from common import Run, call, skip, testing

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

BRAIN = """
simulation: {duration_ms: 200, dt_ms: 0.1, seed: 1}
brain: {neurons: 3000, connectome: {file: FILE}}
record: {warmup_ms: 0, spikes: all}
"""
AT = 100
LESION = [{"at_ms": AT, "remove": {"region": "L000"}}]
# Two tracts of an in-degree of 300: rows long enough to be delivered run by run, others through the calendar.
MIXED = """
simulation: {duration_ms: 120, dt_ms: 0.1, seed: 2}
populations:
  - {name: A, n: 400, type: E, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9000, weight: 85, receptor: exc}]}
  - {name: B, n: 900, type: E, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9000, weight: 90, receptor: exc}]}
projections:
  - {source: A, target: B, rule: fixed_indegree, indegree: 300, receptor: inh, weight: -3, delay_ms: 4}
  - {source: B, target: B, rule: fixed_indegree, indegree: 9, receptor: exc, weight: 30, delay_ms: {distribution: uniform, low: 0.5, high: 20}}
record: {warmup_ms: 0, spikes: all}
"""
# A fires regularly by itself; each of its spikes arrives at B 7 ms later.
PULSES = """
simulation: {duration_ms: 100, dt_ms: 0.1, seed: 1}
populations:
  - {name: A, n: 1, model: lif_psc_exp, inputs: [{model: dc, amplitude: 600}]}
  - {name: B, n: 1, model: lif_psc_exp}
projections:
  - {source: A, target: B, rule: one_to_one, receptor: exc, weight: 100, delay_ms: 7}
record: {warmup_ms: 0, spikes: all, currents: {interval_ms: 0.1}}
"""

LAYOUTS = [(None, 2, "/cpu/omp"), (None, 1, "/cpu/serial"), (3, 1, "/cpu/omp"), (2, 1, "/cpu/serial")]


class Case:
    """Runs of one job with different interventions."""

    def __init__(self, folder, name, text):
        self.folder, self.name, self.n = folder, name, 0
        self.job = folder / f"{name}.yaml"
        self.job.write_text(text)

    def run(self, interventions=(), ranks=None, threads=1, backend="/cpu/omp", values=None):
        self.n += 1
        values = {**(values or {}), **({"interventions": list(interventions)} if interventions else {})}
        return Run(self.job, self.folder / f"{self.name}{self.n}", values, ranks=ranks, threads=threads, backend=backend)

    def everywhere(self, check, what, interventions, differs_from=None):
        """The same digest on all layouts; another one than without the interventions."""
        plain = self.run(interventions)
        digests = [self.run(interventions, *layout).digest for layout in LAYOUTS]
        check.equal(f"{self.name}, {what}: digest on {len(LAYOUTS)} other layouts", digests, [plain.digest] * len(LAYOUTS))
        if differs_from:
            check(f"{self.name}, {what}: changes the spikes", plain.digest not in (None, differs_from.digest))
        return plain


def spikes_of(run):
    """Times in steps, neurons, and the regions of the populations they are in."""
    with h5py.File(run.out / "spikes.h5", "r") as file:
        spikes = file["spikes/brain"]
        times, nodes = spikes["timestamps"][()], spikes["node_ids"][()].astype(int)
        first = file["callosum/populations/first"][()].astype(int)
        region = file["callosum/populations/region"][()][numpy.searchsorted(first, nodes, side="right") - 1]
    return numpy.rint(times / 0.1).astype(int), nodes, region


def rest(run, until_step=None):
    """Spikes of all regions but the first."""
    steps, nodes, region = spikes_of(run)
    keep = region != 0
    if until_step is not None:
        keep &= steps <= until_step
    return list(zip(steps[keep].tolist(), nodes[keep].tolist()))


def earliest_effect(connectome):
    """Steps after which a change of region 0 can reach another one: the shortest tract from it, 3 m/s, jitter -3 x 0.2 ms."""
    with h5py.File(connectome, "r") as file:
        row, source, mm = (file[f"tracts/{name}"][()] for name in ("row", "source", "length_mm"))
    target = numpy.repeat(numpy.arange(len(row) - 1), numpy.diff(row).astype(int))
    return int(numpy.floor(((mm[(source == 0) & (target != 0)] / 3).min() - 0.6) / 0.1))


def lesion(check, folder):
    connectome = folder / "connectome.h5"
    call("import", "generate", "--regions", 6, "--seed", 5, "--out", connectome)
    case = Case(folder, "brain", BRAIN.replace("FILE", str(connectome)))
    plain = case.run()
    lesioned = case.everywhere(check, "lesion", LESION, plain)
    steps, _, region = spikes_of(lesioned)
    at = AT * 10
    before, after = ((region == 0) & (steps <= at)).sum(), ((region == 0) & (steps > at)).sum()
    check("lesion: the region falls silent", before > 50 and after == 0, f"{before} spikes before, {after} after")
    untouched = at + earliest_effect(connectome)
    check("lesion: a delay to look at", untouched > at + 10, f"{untouched - at} steps")
    found, expected = rest(lesioned, untouched), rest(plain, untouched)
    check("lesion: the rest is as it was until the earliest delay", found == expected and len(expected) > 1000,
          f"{len(found)} spikes, {len(expected)} without a lesion, at least 1000")
    check("lesion: then the rest differs", rest(lesioned) != rest(plain))

    # A region that never fires and one whose synapses onto the others weigh nothing are the same to the others.
    gone = case.run([{"remove": {"region": "L000"}}])
    cut = case.run([{"tracts": {"from": {"region": "L000"}, "onto": {"region": ["L00[12]", "R*"]}}, "factor": 0}])
    check("from the start: the rest without the region is the rest without its tracts",
          rest(gone) == rest(cut) and len(rest(gone)) > 1000 and gone.digest != cut.digest,
          f"{len(rest(gone))} spikes")

    case.everywhere(check, "receptor", [{"at_ms": 50, "receptor": "GABA_A", "factor": 0.5, "on": {"type": "E"}}], plain)
    case.everywhere(check, "tracts", [{"at_ms": 50, "tracts": {"from": "R*", "onto": "L*"}, "factor": 0},
                                      {"at_ms": 80, "tracts": {"from": "*/I", "onto": {"region": "R*"}}, "factor": 0.3}], plain)
    case.everywhere(check, "parameters", [{"at_ms": 50, "on": {"type": "E"}, "param": "g_AMPA_mS_cm2", "factor": 0.5},
                                          {"at_ms": 80, "on": "R*", "param": "I_e_uA_cm2", "value": 0.2}], plain)
    never = case.run([{"param": "g_AMPA_mS_cm2", "factor": 0.5}])
    so = case.run(values={"brain.params.g_AMPA_mS_cm2": 0.0018})
    check.equal("parameters: changed at 0 is as if written so", never.digest, so.digest)
    unchanged = case.everywhere(check, "factor 1", [{"at_ms": 50, "tracts": {"from": "*", "onto": "*"}, "factor": 1}])
    check.equal("factor 1: digest of the plain run", unchanged.digest, plain.digest)
    members = case.run(LESION, ranks=2, values={"simulation.members": 2})
    check.equal("lesion: member 0 of 2", members.summary["digests"][0], lesioned.digest)


def mixed(check, folder):
    case = Case(folder, "mixed", MIXED)
    plain = case.run()
    case.everywhere(check, "tracts", [{"at_ms": 30, "tracts": {"from": "*", "onto": "B"}, "factor": 1.5},
                                      {"at_ms": 60, "tracts": {"from": "A", "onto": "B"}, "factor": 0.25}], plain)
    case.everywhere(check, "receptor", [{"at_ms": 30, "on": "B", "receptor": "inh", "factor": 0}], plain)
    # Later changes multiply earlier ones.
    once = case.run([{"at_ms": 40, "tracts": {"from": "A", "onto": "B"}, "factor": 0.25}])
    twice = case.run([{"at_ms": 40, "tracts": {"from": "A", "onto": "*"}, "factor": 0.5}] * 2)
    check.equal("mixed: half of a half", twice.digest, once.digest)


def pulses(check, folder):
    """The current of B jumps by the weight of the step an event is due in, whenever its spike was fired."""
    case = Case(folder, "pulses", PULSES)
    for what, change in [("tracts", {"tracts": {"from": "A", "onto": "B"}, "factor": 0.5}),
                         ("receptor", {"on": "B", "receptor": "exc", "factor": 0.5})]:
        for backend in ("/cpu/omp", "/cpu/serial"):
            plain = case.run(backend=backend)
            with h5py.File(plain.out / "spikes.h5", "r") as file:
                fired = numpy.rint(file["spikes/network/timestamps"][()] / 0.1).astype(int)
            due = fired[fired + 70 <= 1000] + 70
            at = int(due[3]) - 30  # due[3] was fired 4 ms before and is under way for 3 ms more
            run = case.run([{"at_ms": at / 10, **change}], backend=backend)
            with h5py.File(run.out / "currents.h5", "r") as file:
                current = file["currents/data"][:, 1, 0].astype(float)
            decay = numpy.exp(-0.1 / 0.5)  # tau_syn_exc_ms
            jump = current[due - 1] - current[due - 2] * decay
            expected = numpy.where(due <= at, 100.0, 50.0)
            check(f"pulses, {what}, {backend}: jumps", len(due) >= 6 and numpy.allclose(jump, expected, rtol=1e-5),
                  numpy.round(jump, 3).tolist())
            check(f"pulses, {what}, {backend}: spikes on their way count as those that come",
                  fired[3] < at < due[3] and expected[3] == 50, f"fired {fired[3]}, change at {at}, due {due[3]}")


def parameters(check, folder):
    """A current switched on at a time: the membrane follows the exact solution from that step on."""
    case = Case(folder, "membrane", """
simulation: {duration_ms: 60, dt_ms: 0.1, seed: 1}
populations: [{name: A, n: 3, model: lif_psc_exp, params: {V_th_mV: 1000}, initial: {V_m_mV: -65}}]
record: {warmup_ms: 0, traces: [{name: v, on: A, neurons: 1, variables: [V_m], interval_ms: 0.5}]}
""")
    change = [{"at_ms": 20, "param": "I_e_pA", "value": 300}, {"at_ms": 40, "param": "tau_m_ms", "factor": 0.5}]
    for backend in ("/cpu/omp", "/cpu/serial"):
        run = case.run(change, backend=backend)
        with h5py.File(run.out / "trace_v_V_m_mV.h5", "r") as file:
            v = file["report/network/data"][:, 0].astype(float)
        t = 0.5 * numpy.arange(1, len(v) + 1)
        first = 300 * 10 / 250 * (1 - numpy.exp(-(t - 20) / 10))  # mV: I tau / C (1 - exp(-t / tau))
        at_40 = 300 * 10 / 250 * (1 - numpy.exp(-2.0))
        second = 300 * 5 / 250 + (at_40 - 300 * 5 / 250) * numpy.exp(-(t - 40) / 5)
        expected = -65 + numpy.where(t <= 20, 0, numpy.where(t <= 40, first, second))
        check(f"membrane, {backend}: follows the exact solution", len(v) == 120 and abs(v - expected).max() < 1e-4,
              f"largest error {abs(v - expected).max():.2e} mV")


def refusals(check, folder):
    job, out = folder / "brain.yaml", folder / "never"
    for name, change, words in [
            ("no kind", {"at_ms": 5}, ["interventions.0", "0 of the keys", "exactly one"]),
            ("two kinds", {"remove": "*", "param": "C_uF_cm2", "factor": 2}, ["2 of the keys"]),
            ("no factor", {"receptor": "AMPA"}, ["'factor' is missing"]),
            ("factor and value", {"param": "I_e_uA_cm2", "factor": 1, "value": 1}, ["both factor and value"]),
            ("value of a receptor", {"receptor": "AMPA", "value": 1}, ["value", "factor"]),
            ("negative factor", {"receptor": "AMPA", "factor": -1}, ["factor", "'-1'"]),
            ("unknown receptor", {"receptor": "ampa", "factor": 1}, ["no receptor ampa"]),
            ("unknown parameter", {"param": "g_AMPA", "factor": 1}, ["no parameter g_AMPA"]),
            ("a state is relative to it", {"param": "E_L_mV", "factor": 1.1}, ["E_L_mV", "relative"]),
            ("out of range", {"param": "C_uF_cm2", "value": -1}, ["C_uF_cm2", "-1"]),
            ("does not fit", {"param": "V_reset_mV", "value": -40}, ["V_reset_mV -40", "V_th_mV"]),
            ("between steps", {"at_ms": 5.05, "remove": "*"}, ["at_ms", "'5.05'", "multiple"]),
            ("nobody", {"remove": {"region": "V9"}}, ["'V9'", "region"]),
            ("one end", {"tracts": {"from": "*"}, "factor": 0}, ["'onto' is missing"])]:
        done = call("run", job, "--out", out, "--set", "interventions=" + json.dumps([change]))
        lines = done.stderr.strip().splitlines()
        check(f"refused: {name}", done.returncode == 2 and len(lines) == 1 and all(w in lines[0] for w in words),
              done.stderr.strip()[:300])
    check("refused: nothing was written", not out.exists())


def main():
    with testing(__doc__) as (check, folder):
        pulses(check, folder)
        mixed(check, folder)
        parameters(check, folder)
        lesion(check, folder)
        refusals(check, folder)


main()

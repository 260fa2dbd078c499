"""What real runs record: traces of neurons against the exact solution, field potentials against currents, counts and
irregularity of neurons and statistics of members against spikes, spectra against scipy; selections; and every byte on 1,
2 and 3 ranks and both backends.

  test_observers.py CALLOSUM
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import JOBS, Run, skip, testing  # noqa: E402

try:
    import h5py
    import numpy
    import scipy.signal
except ImportError as error:
    skip(f"this Python has no {error.name}")
import sonata  # noqa: E402

DT = 0.1
EXACT = """\
simulation: {duration_ms: 200, dt_ms: 0.1, seed: 3}
populations:
  - name: below # threshold
    n: 3
    model: lif_psc_exp
    params: {E_L_mV: {distribution: uniform, low: -68, high: -62}}
    initial: {V_m_mV: -65}
    inputs: [{model: dc, amplitude: 100}]
  - {name: driver, n: 4, model: lif_psc_exp, inputs: [{model: dc, amplitude: {distribution: uniform, low: 400, high: 700}}]}
  - {name: driven, n: 4, model: lif_psc_exp, params: {tau_syn_exc_ms: 5, tau_syn_inh_ms: 2}}
projections:
  - {source: driver, target: driven, rule: one_to_one, receptor: exc, weight: 8, delay_ms: 1.5}
record:
  warmup_ms: 0
  spikes: all
  traces:
    - {name: all, on: "*", neurons: 3, variables: [V_m, I_exc_pA, I_inh], interval_ms: 0.5}
    - {name: fine, on: driver, neurons: [3, 1], variables: [V_m_mV], interval_ms: 0.1}
"""
ACTIVE = """\
simulation: {duration_ms: 700, dt_ms: 0.1, seed: 11, members: 2}
populations:
  - {name: L23/E, n: 130, type: E, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9000, weight: 85, receptor: exc}]}
  - {name: L23/I, n: 70, type: I, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9000, weight: 80, receptor: exc}]}
  - {name: L4/E, n: 90, type: E, model: lif_dtb, inputs: [{model: ou, tau_ms: 4, mean: 0.4, sd: 0.15}]}
  - {name: other, n: 5, model: lif_psc_exp, inputs: [{model: dc, amplitude: 390}]}
  - name: slow # 2 to 6 spikes each
    n: 30
    model: lif_psc_exp
    params: {tau_m_ms: 40}
    inputs: [{model: dc, amplitude: {distribution: uniform, low: 93.8, high: 100}}]
projections:
  - {source: L23/E, target: L23/I, rule: fixed_indegree, indegree: 20, receptor: exc, weight: 40, delay_ms: 1}
  - {source: L23/I, target: L23/E, rule: fixed_indegree, indegree: 10, receptor: inh, weight: -150, delay_ms: 0.7}
  - {source: L23/E, target: L4/E, rule: fixed_indegree, indegree: 10, receptor: excitatory, weight: [1, 0], delay_ms: 2}
record:
  warmup_ms: 80
  flush_ms: 70
  spikes: all
  rates: {bin_ms: 2}
  currents: {interval_ms: 1}
  lfp: {interval_ms: 2}
  neurons: ["L*", other, slow]
  spectra: {bin_ms: 2, segment_ms: 100, on: {type: E}}
  traces:
    - {name: some, on: {type: E, population: ["L23/*", L4/E]}, neurons: [88, 2, 0], variables: [V_m], interval_ms: 0.5}
    - {name: dtb, on: L4/E, neurons: 1000, variables: [J_AMPA, refractory_steps], interval_ms: 1}
"""
FILES = 9
SIZE = numpy.array([130, 70, 90, 5, 30])
ALL = int(SIZE.sum())


def spikes_of(run, member=0):
    """(step, neuron) of all recorded spikes."""
    with h5py.File(run.out / "spikes.h5", "r") as file:
        group = file["spikes/network" + (f"_member{member}" if member else "")]
        return numpy.rint(group["timestamps"][()] / DT).astype(int) - 1, group["node_ids"][()].astype(int)


def trace(run, name, member=0):
    """(times, nodes, values [time, element]) of a trace of single neurons."""
    with h5py.File(run.out / f"trace_{name}.h5", "r") as file:
        group = file["report/network" + (f"_member{member}" if member else "")]
        start, _, step = group["mapping/time"][()]
        values = group["data"][()]
        return start + step * numpy.arange(len(values)), group["mapping/node_ids"][()].astype(int), values.astype(float)


# ---- one neuron at a time

def below_threshold(check, run):
    """V(t) = V_inf + (V_0 - V_inf) e^(-t / tau), V_inf = E_L + R I: from the trace alone, as E_L is drawn."""
    time, nodes, values = trace(run, "all_V_m_mV")
    check.equal("traces: neurons", nodes.tolist(), [0, 1, 2, 3, 4, 5, 7, 8, 9])
    decay = numpy.exp(-time / 10)
    worst, rests = 0, []
    for column in values[:, :3].T:
        rest = (column[-1] + 65 * decay[-1]) / (1 - decay[-1]) - 4  # R I = 10 ms / 250 pF x 100 pA
        worst = max(worst, numpy.abs(rest + 4 + (-65 - rest - 4) * decay - column).max())
        rests.append(rest)
    check("trace of a neuron below threshold is the exact solution", worst < 3e-5, f"largest error {worst:.1e} mV")
    check("resting potentials are those drawn", -68 < min(rests) and max(rests) < -62 and max(rests) - min(rests) > 0.1,
          f"{numpy.round(rests, 3).tolist()} mV")


def above_threshold(check, run):
    """V rises from E_L = V_reset to V_inf by the exact step, is held for t_ref after each spike and begins anew."""
    time, nodes, values = trace(run, "fine_V_m_mV")
    check.equal("traces: listed neurons, in order", nodes.tolist(), [4, 6])
    step, neuron = spikes_of(run)
    for k, node in enumerate(nodes):
        spiked = step[neuron == node]
        since = numpy.full(len(time), -1)  # steps since the refractory time ended
        begin = numpy.concatenate([[0], spiked + 1 + 20])
        for b in begin:
            since[b:] = numpy.arange(1, len(time) - b + 1) if b < len(time) else 0
        for s in spiked:
            since[s:s + 21] = 0  # at V_reset, from the end of the step of the spike on
        grown = 1 - numpy.exp(-since * DT / 10)
        free = since > 0
        scale = (values[free, k] + 65) @ grown[free] / (grown[free] @ grown[free])  # R I, unknown
        error = numpy.abs(-65 + scale * grown - values[:, k]).max()
        check(f"trace of neuron {node} through {len(spiked)} spikes is the exact solution", error < 3e-5 and len(spiked) > 5
              and 16 < scale < 28, f"largest error {error:.1e} mV, R I = {scale:.3f} mV")


def driven(check, run):
    """A spike of step s acts at the end of step s + delay: the current jumps then, and decays."""
    time, nodes, values = trace(run, "all_I_exc_pA")
    step, neuron = spikes_of(run)
    worst, most = 0, 0
    for k, node in enumerate(nodes):
        arrival = (step[neuron == node - 4] + 15 + 1) * DT if node >= 7 else numpy.zeros(0)
        since = time[:, None] - arrival[None, :]
        expected = numpy.where(since > -1e-9, 8 * numpy.exp(-since / 5), 0).sum(axis=1)
        worst, most = max(worst, numpy.abs(values[:, k] - expected).max()), max(most, expected.max())
    check("traces of synaptic currents are those of the recorded spikes", worst < 3e-5 and most > 8,
          f"largest error {worst:.1e} pA of {most:.2f} pA")
    check("nothing inhibits", (trace(run, "all_I_inh_pA")[2] == 0).all())


def exact(check, folder):
    job = folder / "exact.yaml"
    job.write_text(EXACT, encoding="utf-8")
    run = Run(job, folder / "exact")
    below_threshold(check, run)
    above_threshold(check, run)
    driven(check, run)
    check("an interval that is not exact in binary is warned of, 0.5 is not", "traces.1.interval_ms: 0.1" in run.stderr
          and run.stderr.count("warning") == 1, run.stderr.strip())


# ---- an active network

def lfp(check, run, member):
    with h5py.File(run.out / "currents.h5", "r") as file:
        mean, size = file["currents/data"][1::2, member].astype(float), file["callosum/populations/count"][()]
    with h5py.File(run.out / "lfp.h5", "r") as file:
        data, index = file["lfp/data"][:, member], file["lfp/index"][()]
        check.equal(f"lfp: groups, member {member}", ([n.decode() for n in file["lfp/name"][()]], index.tolist(),
                                                     [u.decode() for u in file["lfp/unit"][()]], file["lfp"].attrs["over"]),
                    (["L23/E", "L4/E"], [0, 2], ["pA", "uA/cm2"], "population"))
    expected = numpy.nansum(numpy.abs(mean[:, index]), axis=2) * size[index]
    error = (numpy.abs(data - expected).max(axis=0) / expected.max(axis=0)).max()
    check(f"lfp: absolute currents of excitatory neurons, member {member}", data.shape == (350, 2) and error < 1e-6,
          f"largest error {error:.1e} of the largest value")


def neurons(check, run, member):
    step, neuron = spikes_of(run, member)
    late = step >= 800
    count = numpy.bincount(neuron[late], minlength=ALL)
    variation = numpy.full(ALL, numpy.nan)
    for k in numpy.flatnonzero(count >= 5):
        intervals = numpy.diff(step[late & (neuron == k)])
        variation[k] = intervals.std() / intervals.mean()
    with h5py.File(run.out / "neurons.h5", "r") as file:
        group = file["neurons" + (f"_member{member}" if member else "")]
        check(f"neurons: counts, member {member}", group["node_ids"][()].tolist() == list(range(ALL))
              and group["spike_count"][()].tolist() == count.tolist(), f"{count.sum()} spikes of {ALL} neurons")
        numpy.testing.assert_allclose(group["rate_hz"][()], count / 0.62, rtol=1e-6)
        found = group["isi_cv"][()]
    error = numpy.nanmax(numpy.abs(found - variation))
    check(f"neurons: irregularity, member {member}", (numpy.isnan(found) == numpy.isnan(variation)).all() and error < 1e-7
          and (count[numpy.isfinite(found)] >= 5).all() and (count == 4).any() and (count == 5).any(),
          f"{numpy.isfinite(found).sum()} neurons, largest error {error:.1e}")
    return late, count, variation


def member_statistics(check, run, member, late, count, variation):
    """The summary's figures of this member; all neurons are in its sample."""
    found = run.summary["members_statistics"][member]
    rates = numpy.add.reduceat(count, [0, *SIZE.cumsum()[:-1]]) / SIZE / 0.62
    expected = {"mean_rate_hz": late.sum() / ALL / 0.62, "rate_min_hz": rates.min(), "rate_max_hz": rates.max(),
                "isi_cv_median": numpy.nanmedian(variation)}
    check(f"summary: statistics of member {member}", all(abs(found[k] / v - 1) < 1e-9 for k, v in expected.items()), found)
    if member == 0:
        check("summary: member 0 is at the top", all(run.summary[k] == v for k, v in found.items()))


def spectra(check, run, member):
    with h5py.File(run.out / "rates.h5", "r") as file:
        rates = file["rates/data"][40:, member][:, [0, 2]].astype(float)
    frequency, power = scipy.signal.welch(rates, 500, "hann", 50, 25, axis=0)
    with h5py.File(run.out / "spectra.h5", "r") as file:
        found = file["spectra/power"][member]
        check.equal(f"spectra: populations and segments, member {member}",
                    (file["spectra/population"][()].tolist(), file["spectra/segments"][()].tolist(), found.shape),
                    ([0, 2], [11], (2, 26)))
        check("spectra: frequencies", numpy.allclose(file["spectra/frequency_hz"][()], frequency, rtol=1e-12))
    error = numpy.abs(found - power.T).max() / power.max()
    check(f"spectra: scipy's, member {member}", error < 1e-6, f"largest error {error:.1e} of the largest power")


def reports(check, run):
    names = ("network", "network_member1")
    nodes = [0, 2, 88, 200, 202, 288]
    some = sonata.check_report(run.out / "trace_some_V_m_mV.h5", names, "mV", "V_m_mV", 0.5, 1400, nodes)
    gating = sonata.check_report(run.out / "trace_dtb_J_AMPA.h5", names, "1", "J_AMPA", 1, 700, list(range(200, 290)))
    steps = sonata.check_report(run.out / "trace_dtb_refractory_steps.h5", names, "steps", "refractory_steps", 1, 700,
                                list(range(200, 290)))
    check("reports are what readers of SONATA demand", some.min() > -90 and some.max() < -49.9 and gating.min() >= 0
          and gating.max() > 0 and set(numpy.unique(steps)) <= set(range(21)) and steps.max() > 0,
          "h5py" + (" and libsonata" if sonata.libsonata else "; libsonata is not installed"))
    sonata.check_spikes(run.out / "spikes.h5", names, DT, 7000)


def active(check, folder):
    job = folder / "active.yaml"
    job.write_text(ACTIVE, encoding="utf-8")
    run = Run(job, folder / "one")
    reports(check, run)
    for member in (0, 1):
        lfp(check, run, member)
        member_statistics(check, run, member, *neurons(check, run, member))
        spectra(check, run, member)
    reference = run.recordings()
    check.equal("files", len(reference), FILES)
    for ranks, threads, backend, method in ((1, 1, "/cpu/serial", "contiguous"), (2, 1, "/cpu/omp", "metis"),
                                            (3, 2, "/cpu/omp", "round_robin"), (3, 1, "/cpu/serial", "round_robin")):
        other = Run(job, folder / f"{ranks}{backend[5:]}{threads}", {"partition.method": method}, threads=threads,
                    ranks=ranks if ranks > 1 else None, backend=backend)
        mine = other.recordings()
        differ = [f"{file}:{name}" for file in reference for name in reference[file]
                  if mine.get(file, {}).get(name) != reference[file][name]]
        check(f"same bytes on {ranks} ranks x {threads} threads, {backend}, {method}", mine.keys() == reference.keys()
              and not differ and other.summary.get("members_statistics") == run.summary["members_statistics"], differ)


def selections(check, folder):
    job = folder / "selections.yaml"
    job.write_text(ACTIVE, encoding="utf-8")
    for name, chosen, expected in (("mapping", {"type": "I"}, [1]), ("name", "other", [3]),
                                   ("patterns", ["*/E", "other"], [0, 2, 3]), ("two keys", {"population": "L*", "type": "E"}, [0, 2])):
        run = Run(job, folder / name.replace(" ", "_"), {"simulation.members": 1, "simulation.duration_ms": 100, "record": {
            "warmup_ms": 0, "spikes": chosen}})
        step, neuron = spikes_of(run)
        found = sorted(set((numpy.searchsorted(SIZE.cumsum(), neuron, side="right")).tolist()))
        check.equal(f"spikes of a selection: {name}", found, expected)


def brain(check, folder):
    """Regions: one excitatory population in each."""
    more = {"record.neurons": {"type": "E", "region": "L*"}}
    run = Run(JOBS / "small.yaml", folder / "brain", more)
    with h5py.File(run.out / "currents.h5", "r") as file:
        mean, size = file["currents/data"][()].astype(float), file["callosum/populations/count"][()]
        kind, region = file["callosum/populations/type"][()], file["callosum/populations/region"][()]
        first, names = file["callosum/populations/first"][()], file["regions/name"][()]
    excitatory = numpy.flatnonzero(kind == ord("E"))
    with h5py.File(run.out / "lfp.h5", "r") as file:
        data = file["lfp/data"][()]
        check.equal("lfp: regions", (file["lfp/name"][()].tolist(), file["lfp"].attrs["over"]), (names.tolist(), "region"))
    expected = numpy.abs(mean[:, excitatory]).sum(axis=2) * size[excitatory]
    error = numpy.abs(data - expected[:, numpy.argsort(region[excitatory])]).max() / expected.max()
    check("lfp: absolute currents of the excitatory neurons of regions", error < 1e-6 and expected.max() > 0,
          f"largest error {error:.1e} of the largest value")
    left = [p for p in excitatory if names[region[p]].startswith(b"L")]
    nodes = numpy.concatenate([first[p] + numpy.arange(size[p]) for p in left])
    with h5py.File(run.out / "neurons.h5", "r") as file:
        check("neurons of a selection of regions and type", file["neurons/node_ids"][()].tolist() == nodes.tolist(),
              f"{len(nodes)} neurons of {len(left)} populations")


def main():
    with testing(__doc__) as (check, folder):
        exact(check, folder)
        active(check, folder)
        selections(check, folder)
        brain(check, folder)


main()

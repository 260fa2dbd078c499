"""Neuron models of nonlinear equations, as the program runs them, against solutions of those equations by scipy at a
tolerance of 1e-10: potentials and spike times converge with the powers of dt that the page of models states, to within
the figures that it states.

  test_solutions.py CALLOSUM

The equations are in equations.py, written anew from the papers that the headers name.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import PROGRAM, Checks, Run, all_held, hold, orders, scratch, skip  # noqa: E402

try:
    import h5py
    import numpy
    from equations import (AdaptiveThreshold, Adex, Dendrite, Gated, HodgkinHuxley, Izhikevich, Quadratic, TwoCompartment,
                           solve)
except ImportError as error:
    skip(f"this Python has no {error.name}")


def simulate(folder, models, arrivals, duration, dt):
    """The same by the program: one population of one neuron for each of `models`, with the same arrivals."""
    files = {}
    for time, port, weight in arrivals:
        files.setdefault((port, weight), []).append(time)
    inputs = []
    for k, ((port, weight), times) in enumerate(files.items()):
        name = f"arrivals{k}.tsv"
        (folder / name).write_text("time_ms\tnode\n" + "".join(f"{t}\t0\n" for t in sorted(times)), encoding="utf-8")
        inputs.append(f"{{model: spike_train, file: {name}, weight: {weight}, receptor: {port}}}")
    lines = [f"simulation: {{duration_ms: {duration}, dt_ms: {dt}, seed: 1}}", "populations:"]
    for k, model in enumerate(models):
        params = ", ".join(f"{key}: {value}" for key, value in model.p.items())
        lines.append(f"  - {{name: p{k:02}, n: 1, model: {model.name}, params: {{{params}}},")
        lines.append(f"     inputs: [{', '.join(inputs)}]}}")
    lines.append(f"""record:
  warmup_ms: 0
  spikes: all
  traces: [{{name: t, on: "*", neurons: 1, variables: [{', '.join(models[0].states)}], interval_ms: 1}}]""")
    job = folder / "job.yaml"
    job.write_text("\n".join(lines) + "\n", encoding="utf-8")
    simulate.runs += 1
    run = Run(job, folder / f"run{simulate.runs}")
    if run.code != 0:
        raise SystemExit(f"{models[0].name}: the program ended with {run.code}")
    traces = []
    for state in models[0].states:
        with h5py.File(run.out / f"trace_t_{state}.h5", "r") as file:
            (report,) = file["report"].values()
            traces.append(report["data"][()])
    with h5py.File(run.out / "spikes.h5", "r") as file:
        (group,) = file["spikes"].values()
        node, time = group["node_ids"][()], group["timestamps"][()]
    return numpy.array(traces), [time[node == k] for k in range(len(models))]


simulate.runs = 0


def potentials(check, folder, model, arrivals, steps, duration=60):
    """Every state at every ms: the error falls by two to the model's order where dt halves. Where it resets, below threshold."""
    order = orders(model.name)[0]
    expected, spikes = solve(model, arrivals, duration)
    check(f"{model.name}: the reference {'spikes' if model.threshold_falls else 'does not spike'}",
          bool(spikes) == model.threshold_falls, f"{len(spikes)} spikes, V up to {expected[:, 0].max():.2f}")
    errors = []
    for dt in steps:
        found, _ = simulate(folder, [model], arrivals, duration, dt)
        skipped = found[:, :, 0].shape[1] - duration  # a sample at the start, or none
        errors.append(numpy.abs(found[:, skipped:, 0].T[:duration - 1] - expected))
    rms = [float(numpy.sqrt((e[:, 0]**2).mean())) for e in errors]
    for k in range(1, len(steps)):
        check(f"{model.name}: potential, order {order} from dt {steps[k - 1]} to {steps[k]} ms",
              1.84 < (rms[k - 1] / rms[k])**(1 / order) < 2.14,
              f"ratio {rms[k - 1] / rms[k]:.3f}, error at most {errors[k][:, 0].max():.2e} mV")
    hold(check, model.name, "scipy", errors[-1][:, 0].max())
    scale = numpy.abs(expected).max(axis=0) + 1e-12
    last = errors[-1].max(axis=0) / scale
    check(f"{model.name}: synaptic states are exact but for rounding",
          all(last[k] < 2e-5 for k in model.port.values() if k > 0),
          "relative errors " + ", ".join(f"{name} {x:.1e}" for name, x in zip(model.states, last)))


def rate(times):
    return (len(times) - 1) / (times[-1] - times[0])


def spike_times(check, folder, models, steps=(0.2, 0.1, 0.05, 0.025), duration=200, first=8, key="spikes"):
    """The mean error of the first spikes of several neurons falls by two where dt halves: each reset is late by half a
    step in the mean. Where nothing is reset it falls by four, but for the half step to the end of a spike's step. Returns
    the largest relative error of the neurons' rates."""
    order = orders(models[0].name)[1]
    expected = [solve(m, [], duration)[1][:first] for m in models]
    n = sum(map(len, expected))
    mean = []
    for dt in steps:
        _, found = simulate(folder, models, [], duration, dt)
        short = [len(f) < len(e) for f, e in zip(found, expected)]
        check(f"{models[0].name}: as many spikes at dt {dt} ms", not any(short), f"{[len(f) for f in found]}")
        late = dt / 2 if order == 2 else 0
        mean.append(sum(float(numpy.abs(f[:len(e)] - e - late).sum()) for f, e in zip(found, expected)) / n)
    for k in range(1, len(steps)):
        check(f"{models[0].name}: spike times, order {order} from dt {steps[k - 1]} to {steps[k]} ms",
              n >= 10 and 1.5 < (mean[k - 1] / mean[k])**(1 / order) < 2.6,
              f"ratio {mean[k - 1] / mean[k]:.2f}, mean error of {n} spikes {mean[k]:.4f} ms")
    hold(check, models[0].name, key, mean[-1])
    return max(abs(rate(f[:len(e)]) / rate(e) - 1) for f, e in zip(found, expected) if len(e) > 2)


# Izhikevich (2003), figure 2: a, b, c, d and a current.
CELLS = {"RS": (0.02, 0.2, -65, 8, 10), "IB": (0.02, 0.2, -55, 4, 10), "CH": (0.02, 0.2, -50, 2, 10), "FS": (0.1, 0.2, -65, 2, 10),
         "LTS": (0.02, 0.25, -65, 2, 10), "TC": (0.02, 0.25, -65, 0.05, 1.5), "RZ": (0.1, 0.26, -65, 2, 1)}
# Naud et al. (2008), table 1: C, g_L, E_L, a, tau_w, b, V_reset and a current; V_T is -50, Delta_T 2 mV.
PATTERNS = {"tonic": (200, 10, -70, 2, 30, 0, -58, 500), "adapting": (200, 12, -70, 2, 300, 60, -58, 500),
            "initial burst": (130, 18, -58, 4, 150, 120, -50, 400), "bursting": (200, 10, -58, 2, 120, 100, -46, 210),
            "accelerating": (200, 12, -70, -10, 300, 0, -58, 300), "delayed bursting": (100, 10, -65, -10, 90, 30, -47, 110),
            "transient": (100, 10, -65, 10, 90, 100, -47, 180), "irregular": (100, 12, -60, -11, 130, 30, -48, 160)}


def patterns(check, folder, names, models, duration=300, first=8):
    """The first spikes of published firing patterns: as many, and when."""
    expected = [solve(m, [], duration)[1][:first] for m in models]
    _, found = simulate(folder, models, [], duration, 0.01)
    for name, f, e in zip(names, found, expected):
        check(f"{models[0].name}, {name}: spikes", len(f[:first]) == len(e) > 0, f"{len(f)} in {duration} ms")
    apart = [numpy.abs(f[:len(e)] - e) for f, e in zip(found, expected) if len(f) >= len(e)]
    print(*(f"{name} {a.max():.3f}" for name, a in zip(names, apart)))
    hold(check, models[0].name, "patterns", numpy.concatenate(apart).mean())


def main():
    if not PROGRAM:
        sys.exit(__doc__)
    check = Checks()
    with scratch() as name:
        folder = pathlib.Path(name)
        jumps = [(5, "delta", 4), (12, "delta", 6), (14, "delta", -9), (20, "delta", 5), (21, "delta", 3),
                 (40, "delta", -30)]
        nS = [(3, "inh", 8), (4, "exc", 12), (10, "inh", 3), (11, "exc", 20), (20, "exc", 9), (20, "inh", 30),
              (33, "exc", 16)]
        pA = [(3, "exc", 300), (5, "inh", -400), (9, "exc", 350), (20, "exc", 250), (22, "inh", -100), (40, "inh", -700)]
        two = [(3, "soma", 250), (5, "apical", 500), (12, "apical", 700), (18, "soma", -100), (25, "apical", -400),
               (40, "apical", 300)]
        branches = [(3, "branch_1", 170), (6, "branch_2", 200), (10, "inh", 120), (12, "branch_3", 260),
                    (20, "branch_1", 90), (22, "branch_1", 100), (30, "branch_2", 160), (31, "inh", 60),
                    (40, "branch_3", 150)]
        coarse = (1, 0.5, 0.25, 0.125)
        potentials(check, folder, Izhikevich(I_e_mV_per_ms=2), jumps, coarse)
        potentials(check, folder, Adex(I_e_pA=300), nS, coarse)
        potentials(check, folder, Quadratic(), pA, coarse)
        potentials(check, folder, TwoCompartment(), two, coarse)
        potentials(check, folder, Dendrite(), branches, coarse[:3])  # float ends it at 1e-4 mV
        potentials(check, folder, Gated(), [(3, "delta", 0.5), (9, "delta", 0.7), (15, "delta", -0.4), (30, "delta", 0.6)], coarse)
        potentials(check, folder, HodgkinHuxley(I_e_pA=100, E_L_mV=-65), nS, (0.05, 0.025, 0.0125))

        hold(check, "izhikevich", "rates",
             100 * spike_times(check, folder, [Izhikevich(I_e_mV_per_ms=i) for i in (5, 6.3, 7.9, 10, 12.2, 15)]))
        hold(check, "adex", "rates", 100 * spike_times(check, folder, [Adex(I_e_pA=i) for i in (900, 1040, 1230, 1500, 1720)]))
        spike_times(check, folder, [Quadratic(I_e_pA=i, t_ref_ms=2) for i in (150, 210, 260, 320, 390, 480)])
        spike_times(check, folder, [TwoCompartment(I_e_pA=i, I_e_apical_pA=j)
                                    for i, j in ((500, 0), (620, 150), (700, 300), (840, -200), (980, 400))])
        spike_times(check, folder, [Dendrite(I_e_pA=i) for i in (200, 240, 310, 370, 500)])
        cells = [HodgkinHuxley(I_e_pA=i) for i in (0, 50, 150, 340, 610)]
        hold(check, "hh_cond_exp", "rates", 100 * spike_times(check, folder, cells, (0.1, 0.05, 0.025)))
        spike_times(check, folder, [AdaptiveThreshold(I_e_pA=i) for i in (230, 290, 370, 480, 650)], key="scipy")
        spike_times(check, folder, [Gated(I_e_per_ms=i) for i in (0.13, 0.16, 0.21, 0.29, 0.37)])
        patterns(check, folder, CELLS, [Izhikevich(a_per_ms=a, b_per_ms=b, c_mV=c, d_mV_per_ms=d, I_e_mV_per_ms=i)
                                        for a, b, c, d, i in CELLS.values()])
        patterns(check, folder, PATTERNS, [
            Adex(C_m_pF=c, g_L_nS=g, E_L_mV=e, V_T_mV=-50, a_nS=a, tau_w_ms=tau, b_pA=b, V_reset_mV=v, I_e_pA=i)
            for c, g, e, a, tau, b, v, i in PATTERNS.values()])
        all_held(check, "model/test_solutions.py")
    check.finish()


main()

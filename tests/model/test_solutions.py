"""Neuron models of nonlinear equations, as the program runs them, against solutions of those equations by scipy at a
tolerance of 1e-10: potentials and spike times converge with the powers of dt that the page of models states, to within
the figures that it states.

  test_solutions.py CALLOSUM

The equations are written here anew, from the papers that the headers name: a reference knows nothing of steps.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import PROGRAM, Checks, Run, all_held, hold, orders, scratch, skip  # noqa: E402

try:
    import h5py
    import numpy
    from numpy import exp
    from scipy.integrate import solve_ivp
except ImportError as error:
    skip(f"this Python has no {error.name}")


class Model:
    """Equations of one neuron. `states` names what y holds, as in the job; arrivals add to y[port[name]]."""
    threshold_falls = False  # no reset: a spike is an upward crossing

    def __init__(self, **params):
        self.p = {**self.defaults, **params}

    def start(self):
        return [self.p.get("E_L_mV", 0.0)] + [0.0] * (len(self.states) - 1)

    def reset(self, y):
        y[0] = self.p["V_reset_mV"]

    def refractory(self):
        return self.p.get("t_ref_ms", 0.0)

    def over(self, y):
        return y[0] - self.p["V_th_mV"]

    def arrive(self, y, port, weight):
        y[self.port[port]] += weight

    kernel = (0.0, 0.0)  # after a spike, what follows it begins and ends


class Izhikevich(Model):
    name, states, port = "izhikevich", ["V_m_mV", "u_mV_per_ms"], {"delta": 0}
    defaults = {"a_per_ms": 0.02, "b_per_ms": 0.2, "c_mV": -65, "d_mV_per_ms": 8, "I_e_mV_per_ms": 0}

    def start(self):
        return [-65.0, -65.0 * self.p["b_per_ms"]]

    def slope(self, y, back):
        v, u = y
        p = self.p
        return [0.04 * v * v + 5 * v + 140 - u + p["I_e_mV_per_ms"], p["a_per_ms"] * (p["b_per_ms"] * v - u)]

    def over(self, y):
        return y[0] - 30

    def reset(self, y):
        y[0] = self.p["c_mV"]
        y[1] += self.p["d_mV_per_ms"]


class Adex(Model):
    name, states, port = "adex", ["V_m_mV", "w_pA", "g_exc_nS", "g_inh_nS"], {"exc": 2, "inh": 3}
    defaults = {"C_m_pF": 281, "g_L_nS": 30, "E_L_mV": -70.6, "V_T_mV": -50.4, "Delta_T_mV": 2, "a_nS": 4,
                "tau_w_ms": 144, "b_pA": 80.5, "V_reset_mV": -70.6, "V_peak_mV": 0, "I_e_pA": 0}

    def slope(self, y, back):
        v, w, e, i = y
        p = self.p
        v_up = min(v, p["V_peak_mV"] + 1)
        total = p["g_L_nS"] * (p["E_L_mV"] - v + p["Delta_T_mV"] * exp((v_up - p["V_T_mV"]) / p["Delta_T_mV"]))
        total += -w + e * (0 - v) + i * (-80 - v) + p["I_e_pA"]
        return [total / p["C_m_pF"], (p["a_nS"] * (v - p["E_L_mV"]) - w) / p["tau_w_ms"], -e / 5, -i / 10]

    def over(self, y):
        return y[0] - self.p["V_peak_mV"]

    def reset(self, y):
        y[0] = self.p["V_reset_mV"]
        y[1] += self.p["b_pA"]


class HodgkinHuxley(Model):
    name, port, threshold_falls = "hh_cond_exp", {"exc": 4, "inh": 5}, True
    states = ["V_m_mV", "m", "h", "n", "g_exc_nS", "g_inh_nS"]
    defaults = {"E_L_mV": -60, "V_th_mV": -20, "I_e_pA": 0}

    @staticmethod
    def rates(v):
        v = v + 63
        return [(0.32 * (13 - v) / numpy.expm1((13 - v) / 4), 0.28 * (v - 40) / numpy.expm1((v - 40) / 5)),
                (0.128 * exp((17 - v) / 18), 4 / (1 + exp((40 - v) / 5))),
                (0.032 * (15 - v) / numpy.expm1((15 - v) / 5), 0.5 * exp((10 - v) / 40))]

    def start(self):
        return [self.p["E_L_mV"]] + [a / (a + b) for a, b in self.rates(self.p["E_L_mV"])] + [0.0, 0.0]

    def slope(self, y, back):
        v, m, h, n, e, i = y
        total = 10 * (self.p["E_L_mV"] - v) + 20000 * m**3 * h * (50 - v) + 6000 * n**4 * (-90 - v) + e * (0 - v) + i * (-80 - v)
        gates = [a * (1 - x) - b * x for (a, b), x in zip(self.rates(v), (m, h, n))]
        return [(total + self.p["I_e_pA"]) / 200, *gates, -e / 5, -i / 10]


class Quadratic(Model):
    name, states, port = "qif", ["V_m_mV", "I_exc_pA", "I_inh_pA"], {"exc": 1, "inh": 2}
    defaults = {"E_L_mV": -65, "V_crit_mV": -50, "V_peak_mV": 30, "V_reset_mV": -70, "t_ref_ms": 0, "I_e_pA": 0}

    def slope(self, y, back):
        v, e, i = y
        p = self.p
        low, high = p["E_L_mV"], p["V_crit_mV"]
        return [(v - low) * (v - high) / (10 * (high - low)) + (e + i + p["I_e_pA"]) / 250, -e / 2, -i / 5]

    def over(self, y):
        return y[0] - self.p["V_peak_mV"]


class AdaptiveThreshold(Model):
    name, states, port = "alif", ["V_m_mV", "A_mV"], {"delta": 0}
    defaults = {"E_L_mV": -65, "V_th_mV": -50, "beta_mV": 1.7, "t_ref_ms": 0, "I_e_pA": 0}

    def slope(self, y, back):
        v, a = y
        return [(-65 - v) / 20 + self.p["I_e_pA"] / 250, -a / 200]

    def over(self, y):
        return y[0] - self.p["V_th_mV"] - y[1]

    def reset(self, y):
        y[0] -= 15
        y[1] += self.p["beta_mV"]


class Gated(Model):
    """The limit of small steps: a part alpha of the leak is exponential, a part 1 - beta (1 - g) of the input arrives."""
    name, states, port = "glif", ["U"], {"delta": 0}
    defaults = {"alpha": 0.6, "beta": 0.5, "gamma": 0.7, "V_th": 1, "V_sub": 0.8, "g_1": 0.4, "window": 1, "leak_per_ms": 0.02,
                "I_e_per_ms": 0}

    def arrive(self, y, port, weight):
        y[0] += 0.7 * weight

    def slope(self, y, back):
        return [-0.6 * y[0] / 10 - 0.4 * 0.02 + 0.7 * self.p["I_e_per_ms"]]

    def over(self, y):
        return y[0] - self.p["V_th"]

    def reset(self, y):
        y[0] -= 0.7 * y[0] + 0.3 * 0.8


class TwoCompartment(Model):
    name, port, kernel = "two_compartment", {"soma": 4, "apical": 5}, (0.5, 2.5)
    states = ["V_m_mV", "V_d_mV", "w_s_pA", "w_d_pA", "I_soma_pA", "I_apical_pA"]
    defaults = {"E_L_mV": -70, "V_th_mV": -50, "V_reset_mV": -70, "t_ref_ms": 3, "I_e_pA": 0, "I_e_apical_pA": 0}

    def start(self):
        return [-70.0, -70.0, 0.0, 0.0, 0.0, 0.0]

    def slope(self, y, back):
        s, d, ws, wd, i_s, i_d = y
        active = 1 / (1 + exp(-(d + 38) / 6))
        soma = -370 / 16 * (s + 70) + 1300 * active + ws + i_s + self.p["I_e_pA"]
        dendrite = -170 / 7 * (d + 70) + 1200 * active + wd + i_d + 2600 * back + self.p["I_e_apical_pA"]
        return [soma / 370, dendrite / 170, -ws / 100, (-13 * (d + 70) - wd) / 30, -i_s / 5, -i_d / 5]

    def reset(self, y):
        y[0] = -70
        y[2] -= 200


class Dendrite(Model):
    name, states = "lif_dendrite", ["V_m_mV", "I_1_pA", "I_2_pA", "I_3_pA", "I_soma_pA"]
    port = {"branch_1": 1, "branch_2": 2, "branch_3": 3, "inh": 4}
    defaults = {"E_L_mV": -65, "V_th_mV": -50, "V_reset_mV": -65, "t_ref_ms": 2, "I_e_pA": 0, "tau_2_ms": 4,
                "plateau_3_pA": 90, "linear_3": 0.4, "width_1_pA": 40, "width_2_pA": 30, "width_3_pA": 30}

    def slope(self, y, back):
        v, a, b, c, soma = y

        def branch(i, linear, plateau, width):
            return linear * i + plateau * (1 / (1 + exp((150 - i) / width)) - 1 / (1 + exp(150 / width)))

        total = branch(a, 1, 140, 40) + branch(b, 1, 140, 30) + branch(c, 0.4, 90, 30) - soma + self.p["I_e_pA"]
        return [(-65 - v) / 20 + total / 250, -a / 10, -b / 4, -c / 10, -soma / 5]


def solve(model, arrivals, duration):
    """Samples of every state at 1, 2 ... ms, after what arrives then, and spike times."""
    y, t, spikes, samples = numpy.array(model.start(), float), 0.0, [], {}
    held = back_from = back_to = -1.0
    arrivals = sorted(arrivals)

    def event(_, y):
        return model.over(y)

    event.terminal, event.direction = not model.threshold_falls, 1
    while t < duration - 1e-9:
        while arrivals and arrivals[0][0] <= t + 1e-9:
            _, port, weight = arrivals.pop(0)
            model.arrive(y, port, weight)
        changes = [held, back_from, back_to] + [a[0] for a in arrivals[:1]]
        end = min([c for c in changes if c > t + 1e-9] + [duration])
        clamped, back = t < held - 1e-9, back_from - 1e-9 <= t < back_to - 1e-9

        def slope(_, y):
            d = model.slope(y, back)
            return [0.0, *d[1:]] if clamped else d

        run = solve_ivp(slope, (t, end), y, "DOP853", rtol=1e-10, atol=1e-10, dense_output=True, events=event)
        stop = run.t[-1]
        for ms in range(int(numpy.ceil(t - 1e-9)), int(numpy.ceil(stop - 1e-9))):
            samples[ms] = run.sol(max(ms, t))
        t, y = stop, run.y[:, -1].copy()
        spikes += [float(x) for x in run.t_events[0]]
        if run.status == 1:
            model.reset(y)
            held = t + model.refractory()
            if model.kernel[1] > 0:
                back_from, back_to = t + model.kernel[0], t + model.kernel[1]
    return numpy.array([samples[ms] for ms in range(1, int(duration))]), spikes


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

"""Neuron models of nonlinear equations, written anew from the papers that their headers name, and their solutions by scipy: a
reference that knows nothing of steps."""
import numpy
from numpy import exp
from scipy.integrate import solve_ivp


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

"""Networks for measuring synapses: neurons that are clocks, driven by a constant current to a set rate from evenly spread
potentials on, and synapses too weak to matter. Events come at the same rate whatever the network is."""
import json
import math

TAU_MS, T_REF_MS, SPAN_MV = 1e4, 2.0, 15.0  # the potential rises almost linearly


def current_pa(rate_hz, capacitance_pf=250.0):
    """What drives a leaky integrator of time constant TAU over SPAN once per interval; 0 Hz: nothing."""
    if rate_hz == 0:
        return 0.0
    risen = 1 - math.exp(-(1e3 / rate_hz - T_REF_MS) / TAU_MS)
    return SPAN_MV / risen * capacitance_pf / TAU_MS


def population(name, n, rate_hz, **initial):
    return {"name": name, "n": n, "type": "E", "model": "lif_psc_exp", "rate_hz": rate_hz,
            "params": {"tau_m_ms": TAU_MS, "t_ref_ms": T_REF_MS, "I_e_pA": current_pa(rate_hz)},
            "initial": {"V_m_mV": {"distribution": "uniform", "low": -65, "high": -50.1 if rate_hz else -60}, **initial}}


def projection(source, target, delay, **rule):
    return {"source": source, "target": target, "receptor": "exc", "weight": 1e-4, "delay_ms": delay, **rule}


def job(seconds, populations, projections):
    return {"simulation": {"duration_ms": max(1, round(seconds * 1e3)), "seed": 1}, "record": {"warmup_ms": 0},
            "populations": populations, "projections": projections}


def write(path, network):
    path.write_text(json.dumps(network), encoding="utf-8")  # JSON is YAML
    return path

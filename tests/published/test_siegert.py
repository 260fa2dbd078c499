"""Single neurons under Poisson input of small jumps of both signs, thousands at a time, against the theory of Siegert
(siegert.py). 1 s, seed 1; rates (sp/s), then over the theory's. Errors of counting: .3 to .9 %.

lif_psc_delta, jumps of .02 mV, dt .01 ms; and over the same at dt .1 ms, where a threshold that is looked at once a step
misses crossings, and over the theory of that grid:

  mean, sd (mV)   Siegert   dt .01    dt .1    grid, dt .1
  16, 5           12.56     .982      .951       .997
  17, 3.5         10.47     .990      .961       .998
  18, 2            7.67     .989      .978      1.000
  20, 4           24.58     .991      .968       .994
  24, 3           39.77     .994      .983       .996
  30, 5           66.29     .991      .978       .998

lif_psc_exp (tau_m 10, tau_syn .5 ms, dt .1 ms), jumps of the current of 30 pA, over Siegert's and over the theory with the
filter of the synapse:

  mean, sd (mV)   Siegert   plain    filtered
  9, 5            12.29     .647      1.001
  11, 3.5         12.67     .667       .991
  15, 3           35.70     .864       .995
  20, 3           65.87     .940       .998
  20, 5           69.65     .901       .984

  test_siegert.py CALLOSUM
"""
import json

from trains import h5py, numpy
from common import Run, testing
from siegert import rate, rate_filtered, rate_on_grid

NEURONS, WARMUP_MS, DURATION_MS = 2000, 200, 1200
DELTA = {"tau_m_ms": 20, "t_ref_ms": 2, "E_L_mV": 0, "V_th_mV": 20, "V_reset_mV": 10}
EXP = {"C_m_pF": 250, "tau_m_ms": 10, "tau_syn_exc_ms": 0.5, "tau_syn_inh_ms": 0.5, "t_ref_ms": 2, "E_L_mV": 0,
       "V_th_mV": 15, "V_reset_mV": 0}
DELTA_POINTS = [(16, 5), (17, 3.5), (18, 2), (20, 4), (24, 3), (30, 5)]  # mean, sd
EXP_POINTS = [(9, 5), (11, 3.5), (15, 3), (20, 3), (20, 5)]


def population(name, model, params, point, jump_mv, weight, receptors):
    """Neurons with two Poisson inputs that give the mean and sd of `point`; `weight` is that of one jump."""
    mean, sd = point
    tau_s = params["tau_m_ms"] * 1e-3
    both, more = sd ** 2 / (tau_s * jump_mv ** 2), mean / (tau_s * jump_mv)  # sum and difference of the rates
    inputs = [{"model": "poisson", "rate_hz": (both + sign * more) / 2, "weight": sign * weight, **receptor}
              for sign, receptor in zip((1, -1), receptors)]
    return {"name": name, "n": NEURONS, "model": model, "params": params, "initial": {"V_m_mV": params["V_reset_mV"]},
            "inputs": inputs}


def measured(check, folder, name, populations, dt_ms):
    job = {"simulation": {"duration_ms": DURATION_MS, "dt_ms": dt_ms}, "populations": populations,
           "record": {"warmup_ms": WARMUP_MS, "rates": {"bin_ms": 1}}}
    (folder / f"{name}.yaml").write_text(json.dumps(job), encoding="utf-8")
    run = Run(folder / f"{name}.yaml", folder / name, threads=2)
    check(f"{name}: runs", run.code == 0)
    with h5py.File(run.out / "rates.h5", "r") as file:
        return file["rates/data"][WARMUP_MS:].mean(axis=0)


def compare(check, name, found, theory, low, high):
    """All ratios to the theory lie within bounds."""
    ratio = found / numpy.array(theory)
    check(f"{name}: {low:g} to {high:g}", (ratio > low).all() and (ratio < high).all(),
          " ".join(f"{r:.4f}" for r in ratio) + ", rates " + " ".join(f"{f:.2f}" for f in found))


def main():
    with testing(__doc__) as (check, folder):
        jump = 0.02
        delta = [population(f"p{k}", "lif_psc_delta", DELTA, point, jump, jump, [{}, {}])
                 for k, point in enumerate(DELTA_POINTS)]
        of = (DELTA["V_th_mV"], DELTA["V_reset_mV"], DELTA["tau_m_ms"], DELTA["t_ref_ms"])
        siegert = [rate(*point, *of) for point in DELTA_POINTS]
        fine = measured(check, folder, "delta_fine", delta, 0.01)
        compare(check, "lif_psc_delta, dt .01 ms, over Siegert", fine, siegert, 0.98, 1.01)
        coarse = measured(check, folder, "delta_coarse", delta, 0.1)
        compare(check, "lif_psc_delta, dt .1 ms, over Siegert: low by 1.5 to 7 %", coarse, siegert, 0.93, 0.985)
        for name, found, dt in ("dt .01 ms", fine, 0.01), ("dt .1 ms", coarse, 0.1):
            grid = [rate_on_grid(*point, *of, dt) for point in DELTA_POINTS]
            compare(check, f"lif_psc_delta, {name}, over the theory of that grid", found, grid, 0.985, 1.015)

        weight = 30.0
        jump = weight * EXP["tau_syn_exc_ms"] / EXP["C_m_pF"]
        exp = [population(f"p{k}", "lif_psc_exp", EXP, point, jump, weight, [{"receptor": "exc"}, {"receptor": "inh"}])
               for k, point in enumerate(EXP_POINTS)]
        of = (EXP["V_th_mV"], EXP["V_reset_mV"], EXP["tau_m_ms"], EXP["t_ref_ms"])
        found = measured(check, folder, "exp", exp, 0.1)
        filtered = [rate_filtered(*point, *of, EXP["tau_syn_exc_ms"]) for point in EXP_POINTS]
        compare(check, "lif_psc_exp over the theory with filtered input", found, filtered, 0.975, 1.02)
        plain = [rate(*point, *of) for point in EXP_POINTS]
        compare(check, "lif_psc_exp over Siegert: the filter matters", found, plain, 0.6, 0.95)


main()

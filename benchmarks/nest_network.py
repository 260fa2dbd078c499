#!/usr/bin/python3
"""COBA (benchmarks/jobs/coba.yaml) or the cortical microcircuit (jobs/examples/pd14.yaml) in NEST 3, with figures as JSON.

  nest_network.py coba|pd14 MILLISECONDS SEED THREADS

Exit status 77: there is no NEST here."""
import contextlib
import importlib
import io
import json
import runpy
import sys
import time

import measure

DT_MS, WARMUP_MS = 0.1, 200.0


def coba(nest):
    e, i = (nest.Create("iaf_cond_exp", n, {"C_m": 200.0, "g_L": 10.0, "E_L": -60.0, "V_th": -50.0, "V_reset": -60.0,
                                            "t_ref": 5.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0, "E_ex": 0.0, "E_in": -80.0})
            for n in (3200, 800))
    for group in (e, i):
        group.V_m = nest.random.uniform(-60.0, -50.0)
        group.g_ex = nest.random.uniform(0.0, 20.0)
        group.g_in = nest.random.uniform(0.0, 200.0)
    for source, weight in ((e, 6.0), (i, -67.0)):
        nest.Connect(source, e + i, {"rule": "pairwise_bernoulli", "p": 0.02},
                     {"synapse_model": "static_synapse", "weight": weight, "delay": DT_MS})
    return e + i


def pd14(nest):
    """Numbers from the script that writes pd14.yaml."""
    with contextlib.redirect_stdout(io.StringIO()):
        model = runpy.run_path(str(measure.EXAMPLES / "make_pd14.py"))
    names, sizes, weight = model["names"], model["sizes"], model["weight_pa"]
    groups = []
    for k, n in enumerate(sizes):
        group = nest.Create("iaf_psc_exp", n, {"C_m": 250.0, "tau_m": 10.0, "tau_syn_ex": 0.5, "tau_syn_in": 0.5,
                                               "t_ref": 2.0, "E_L": -65.0, "V_th": -50.0, "V_reset": -65.0})
        group.V_m = nest.random.normal(model["v_mean"][k], model["v_sd"][k])
        background = nest.Create("poisson_generator", 1, {"rate": model["background_indegree"][k] * model["background_hz"]})
        nest.Connect(background, group, "all_to_all", {"weight": weight, "delay": DT_MS})
        groups.append(group)
    for t, target in enumerate(groups):
        for s, source in enumerate(groups):
            probability = model["probability"][t][s]
            if probability == 0:
                continue
            inhibitory = names[s][-1] == "I"
            mean = weight * (-4 if inhibitory else 2 if (names[s], names[t]) == ("4E", "23E") else 1)
            bounds = {"min": -1e9, "max": 0.0} if inhibitory else {"min": 0.0, "max": 1e9}
            delay = 0.75 if inhibitory else 1.5
            nest.Connect(source, target,
                         {"rule": "fixed_total_number", "N": model["synapses"](probability, sizes[s], sizes[t])},
                         {"synapse_model": "static_synapse",
                          "weight": nest.math.redraw(nest.random.normal(mean, abs(mean) * model["weight_sd"]), **bounds),
                          "delay": nest.math.redraw(nest.random.normal(delay, delay / 2), min=DT_MS / 2, max=1e9)})
    whole = groups[0]
    for group in groups[1:]:
        whole = whole + group
    return whole


def main():
    if len(sys.argv) != 5 or sys.argv[1] not in ("coba", "pd14"):
        sys.exit(__doc__)
    try:
        nest = importlib.import_module("nest")
    except ImportError:
        sys.exit(77)
    name, milliseconds, seed, threads = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    nest.ResetKernel()
    nest.set(resolution=DT_MS, rng_seed=seed, local_num_threads=threads, print_time=False)
    begun = time.monotonic()
    neurons = {"coba": coba, "pd14": pd14}[name](nest)
    recorder = nest.Create("spike_recorder", 1, {"start": WARMUP_MS})
    nest.Connect(neurons, recorder)
    nest.Prepare()
    built = time.monotonic()
    nest.Run(milliseconds)
    done = time.monotonic()
    nest.Cleanup()
    rate, cv = measure.irregularity(recorder.events["senders"], recorder.events["times"] * 1e-3, len(neurons),
                                    WARMUP_MS * 1e-3, milliseconds * 1e-3)
    print(json.dumps({"build_s": built - begun, "simulate_s": done - built, "mean_rate_hz": rate, "isi_cv_median": cv,
                      "real_time_factor": (done - built) / milliseconds * 1e3}))


main()

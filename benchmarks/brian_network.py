#!/usr/bin/python3
"""Writes and compiles COBA or CUBA (benchmarks/jobs) as a C++ program of Brian 2, which benchmarks/peers.py then times.

  brian_network.py coba|cuba FOLDER MILLISECONDS SEED [COPIES]

One thread, -O3 -march=native -ffast-math, single precision, which is a little faster than its default. COBA by Euler's
method, as its authors' script does; CUBA, which is linear, exactly. FOLDER/spikes.json names the files in which the
program leaves the neurons (i) and times in s (t) of spikes, and their types. COPIES (1): networks that differ in what is
drawn, side by side; neuron i is number i % 4000 of network i // 4000. Exit status 77: there is no Brian 2 here."""
import importlib
import json
import pathlib
import sys

import numpy

NEURONS, EXCITATORY = 4000, 3200
COBA = """dv/dt = (-(v - E_L) + (g_exc * (E_exc - v) + g_inh * (E_inh - v)) / g_L) / tau_m : volt (unless refractory)
dg_exc/dt = -g_exc / tau_exc : siemens
dg_inh/dt = -g_inh / tau_inh : siemens"""
CUBA = """dv/dt = (-(v - E_L) + u_exc + u_inh) / tau_m : volt (unless refractory)
du_exc/dt = -u_exc / tau_exc : volt
du_inh/dt = -u_inh / tau_inh : volt"""


def write(brian, name, folder, milliseconds, seed, copies):
    ms, mv, ns = brian.ms, brian.mV, brian.nS
    brian.set_device("cpp_standalone", directory=str(folder), build_on_run=False)
    brian.prefs.core.default_float_dtype = numpy.float32
    brian.prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-march=native", "-ffast-math"]
    brian.prefs.devices.cpp_standalone.openmp_threads = 0
    brian.defaultclock.dt = 0.1 * ms
    brian.seed(seed)
    is_coba = name == "coba"
    constants = {"tau_m": 20 * ms, "tau_exc": 5 * ms, "tau_inh": 10 * ms, "V_th": -50 * mv, "V_reset": -60 * mv,
                 "E_L": (-60 if is_coba else -49) * mv, "E_exc": 0 * mv, "E_inh": -80 * mv, "g_L": 10 * ns}
    neurons = brian.NeuronGroup(NEURONS * copies, COBA if is_coba else CUBA, threshold="v > V_th", reset="v = V_reset",
                                refractory=5 * ms, method="euler" if is_coba else "exact", namespace=constants)
    neurons.v = "-60*mV + 10*mV*rand()"
    if is_coba:
        neurons.g_exc = "20*nS*rand()"
        neurons.g_inh = "200*nS*rand()"
        effects = "g_exc += 6*nS", "g_inh += 67*nS"
    else:
        effects = "u_exc += 1.62*mV", "u_inh -= 9*mV"
    synapses = []
    for copy in range(copies):
        network = neurons[copy * NEURONS:(copy + 1) * NEURONS]
        for source, effect in zip((network[:EXCITATORY], network[EXCITATORY:]), effects):
            synapses.append(brian.Synapses(source, network, on_pre=effect))
            synapses[-1].connect(p=0.02)
    spikes = brian.SpikeMonitor(neurons)
    network = brian.Network(neurons, *synapses, spikes)
    network.run(milliseconds * ms)
    brian.device.build(directory=str(folder), compile=True, run=False)
    files = {key: (str(brian.device.get_array_filename(spikes.variables[key])), numpy.dtype(spikes.variables[key].dtype).str)
             for key in ("i", "t")}
    (folder / "spikes.json").write_text(json.dumps(files), encoding="utf-8")


def main():
    if len(sys.argv) not in (5, 6) or sys.argv[1] not in ("coba", "cuba"):
        sys.exit(__doc__)
    try:
        brian = importlib.import_module("brian2")
    except ImportError:
        sys.exit(77)
    copies = int(sys.argv[5]) if len(sys.argv) == 6 else 1
    write(brian, sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), float(sys.argv[3]), int(sys.argv[4]), copies)


main()

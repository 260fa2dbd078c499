#!/usr/bin/python3
"""Writes and compiles a network with STDP as a C++ program of Brian 2, which benchmarks/plastic.py then times.

  brian_plastic.py FOLDER NEURONS PROBABILITY RATE_HZ CURRENT_PA MILLISECONDS

Neurons are those of benchmarks/clocks.py; pairs of spikes with traces that are evaluated at spikes, as in the STDP
example of Brian 2's documentation. One thread, -O3 -march=native -ffast-math, single precision. The seconds of the run
are left in FOLDER/results/last_run_info.txt. Exit status 77: there is no Brian 2 here."""
import importlib
import pathlib
import sys

import numpy


def write(brian, folder, neurons, probability, rate_hz, current_pa, milliseconds):
    ms, mv = brian.ms, brian.mV
    brian.set_device("cpp_standalone", directory=str(folder), build_on_run=False)
    brian.prefs.core.default_float_dtype = numpy.float32
    brian.prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-march=native", "-ffast-math"]
    brian.prefs.devices.cpp_standalone.openmp_threads = 0
    brian.defaultclock.dt = 0.1 * ms
    brian.seed(1)
    drive = current_pa / 250.0 * mv / ms
    cells = brian.NeuronGroup(neurons, "dv/dt = -v / (1e4*ms) + drive + u / (10*ms) : volt (unless refractory)\n"
                              "du/dt = -u / (0.5*ms) : volt", threshold="v > 15*mV", reset="v = 0*mV", refractory=2 * ms,
                              method="exact", namespace={"drive": drive})
    cells.v = "14.9*mV*rand()"
    synapses = brian.Synapses(
        cells, cells, "w : 1\ndx/dt = -x / (20*ms) : 1 (event-driven)\ndy/dt = -y / (20*ms) : 1 (event-driven)",
        on_pre="w = clip(w - 1.1e-4*y, 0, 1)\nu_post += 1e-9*w*mV\nx += 1", on_post="w = clip(w + 1e-4*x, 0, 1)\ny += 1")
    synapses.connect(p=probability)
    synapses.w = 0.5
    synapses.pre.delay = 1.5 * ms
    synapses.post.delay = 1.5 * ms
    brian.Network(cells, synapses).run(milliseconds * ms)
    brian.device.build(directory=str(folder), compile=True, run=False)


def main():
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    try:
        brian = importlib.import_module("brian2")
    except ImportError:
        sys.exit(77)
    write(brian, pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]), *map(float, sys.argv[3:]))


main()

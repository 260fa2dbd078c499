#!/usr/bin/env python3
"""Writes pd14.yaml: the cortical microcircuit of Potjans & Diesmann (2014) at full density; and pd14_thalamus.yaml, the
same with a thalamic pulse.

  jobs/examples/make_pd14.py > jobs/examples/pd14.yaml
  jobs/examples/make_pd14.py --thalamus > jobs/examples/pd14_thalamus.yaml

Sources: T. C. Potjans & M. Diesmann, Cereb. Cortex 24:785 (2014), tables 4 and 5, for sizes, probabilities, weights and
delays; initial potentials are the optimised ones of the NEST implementation (S. J. van Albada et al., Front.
Neuroinform. 12:46, 2018, supplement).
"""
import math
import sys

names = ["23E", "23I", "4E", "4I", "5E", "5I", "6E", "6I"]
sizes = [20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948]
# [target][source]
probability = [
    [.1009, .1689, .0437, .0818, .0323, 0, .0076, 0],
    [.1346, .1371, .0316, .0515, .0755, 0, .0042, 0],
    [.0077, .0059, .0497, .1350, .0067, .0003, .0453, 0],
    [.0691, .0029, .0794, .1597, .0033, 0, .1057, 0],
    [.1004, .0622, .0505, .0057, .0831, .3726, .0204, 0],
    [.0548, .0269, .0257, .0022, .0600, .3158, .0086, 0],
    [.0156, .0066, .0211, .0166, .0572, .0197, .0396, .2252],
    [.0364, .0010, .0034, .0005, .0277, .0080, .0658, .1443],
]
background_indegree = [1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100]
background_hz = 8.0
weight_pa = 87.8085  # a potential of .15 mV
weight_sd = .1       # relative
v_mean = [-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43]
v_sd = [5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48]
rates = [.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829]  # published, for placement only

thalamic_size, thalamic_hz = 902, 120.0
thalamic_probability = [0, 0, .0983, .0619, 0, 0, .0512, .0196]  # [target]

HEADER = """\
# The cortical microcircuit under 1 mm^2 of surface at full density: 77,169 neurons, 298,880,970 synapses.
# Source: T. C. Potjans & M. Diesmann, Cereb. Cortex 24:785 (2014). Written by make_pd14.py; numbers of synapses are
# ln(1 - C) / ln(1 - 1 / (N_source N_target)), rounded. Expected rates over 5 s (spikes/s):
# 23E 0.90, 23I 2.97, 4E 4.41, 4I 5.88, 5E 7.57, 5I 8.63, 6E 1.11, 6I 7.83.
# A tenth of it: --set scale.neurons=0.1 --set scale.indegree=0.1
simulation: {duration_ms: 5500, dt_ms: 0.1, seed: 1}
record: {warmup_ms: 500, rates: {bin_ms: 1}}
"""

THALAMUS_HEADER = """\
# The cortical microcircuit under 1 mm^2 of surface (see pd14.yaml) and the response of its layers to a thalamic pulse:
# 902 neurons that relay Poisson trains of 120 spikes/s from 700 to 710 ms to layers 4 and 6.
# Source: T. C. Potjans & M. Diesmann, Cereb. Cortex 24:785 (2014), table 5 and figure 10: layer 4 answers first, then
# 2/3 and 5. Written by make_pd14.py --thalamus. In longer runs the pulse comes again every second.
simulation: {duration_ms: 1000, dt_ms: 0.1, seed: 1}
record: {warmup_ms: 500, rates: {bin_ms: 1}}
"""


def synapses(c, n_source, n_target):
    """Synapses drawn with replacement so that a pair is connected with probability c (PD14, equation 1)."""
    return round(math.log(1 - c) / math.log1p(-1 / (n_source * n_target)))


def population(i):
    print(f"  - name: {names[i]}")
    print(f"    n: {sizes[i]}")
    print(f"    type: {names[i][-1]}")
    print("    model: lif_psc_exp")
    print("    params: {C_m_pF: 250, tau_m_ms: 10, tau_syn_exc_ms: 0.5, tau_syn_inh_ms: 0.5, t_ref_ms: 2, E_L_mV: -65,"
          " V_th_mV: -50, V_reset_mV: -65}")
    print(f"    initial: {{V_m_mV: {{distribution: normal, mean: {v_mean[i]}, sd: {v_sd[i]}}}}}")
    rate = background_indegree[i] * background_hz
    print(f"    inputs: [{{model: poisson, rate_hz: {rate:g}, weight: {weight_pa}, receptor: exc}}]")
    print(f"    rate_hz: {rates[i]}")


def projection(source, target):
    inhibitory = names[source][-1] == "I"
    factor = -4 if inhibitory else 2 if (names[source], names[target]) == ("4E", "23E") else 1
    mean = round(factor * weight_pa, 6)
    bound = "max: 0" if inhibitory else "min: 0"
    delay, receptor = (.75, "inh") if inhibitory else (1.5, "exc")
    total = synapses(probability[target][source], sizes[source], sizes[target])
    print(f"  - source: {names[source]}")
    print(f"    target: {names[target]}")
    print("    rule: fixed_total_number")
    print(f"    total: {total}")
    print(f"    receptor: {receptor}")
    print(f"    weight: {{distribution: normal, mean: {mean}, sd: {round(abs(mean) * weight_sd, 6)}, {bound}}}")
    print(f"    delay_ms: {{distribution: normal, mean: {delay}, sd: {delay / 2}, min: 0.1}}")
    return total


def thalamus():
    print("  - name: TC")
    print(f"    n: {thalamic_size}")
    print("    type: E")
    print("    model: relay")
    print("    inputs:")
    print(f"      - {{model: inhomogeneous_poisson, rate_hz: {thalamic_hz:g},")
    print("         waveform: {kind: pulses, start_ms: 700, period_ms: 1000, width_ms: 10}}")
    print("    rate_hz: 1.2")


def thalamic_projection(target):
    print("  - source: TC")
    print(f"    target: {names[target]}")
    print("    rule: fixed_total_number")
    print(f"    total: {synapses(thalamic_probability[target], thalamic_size, sizes[target])}")
    print("    receptor: exc")
    print(f"    weight: {{distribution: normal, mean: {weight_pa}, sd: {round(weight_pa * weight_sd, 6)}, min: 0}}")
    print("    delay_ms: {distribution: normal, mean: 1.5, sd: 0.75, min: 0.1}")


def main():
    with_thalamus = "--thalamus" in sys.argv[1:]
    print(THALAMUS_HEADER if with_thalamus else HEADER, end="")
    print("populations:")
    for i in range(8):
        population(i)
    if with_thalamus:
        thalamus()
    print("projections:")
    total = sum(projection(source, target) for target in range(8) for source in range(8)
                if probability[target][source])
    for target in range(8):
        if with_thalamus and thalamic_probability[target]:
            thalamic_projection(target)
    assert (sum(sizes), total) == (77169, 298880970), (sum(sizes), total)


main()

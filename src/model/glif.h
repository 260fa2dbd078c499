/* Gated leaky integrate-and-fire neuron: three gates mix two leaks, two kinds of input and two resets.
 *
 *   L(t) = (1 - alpha (1 - e^(-dt / tau_exp))) U(t - dt)                     exponential leak
 *   I(t) = (1 - beta (1 - g(t))) (sum of w at spikes + (I_e + I_inputs) dt)  conductance g in time
 *   U(t) = L(t) - (1 - alpha) leak dt + I(t)                                 linear leak
 *          - S(t - dt) (gamma L(t) + (1 - gamma) V_sub)                      reset to 0, by V_sub
 *   S(t) = 1, a spike, where U(t) >= V_th
 *
 * Source: X. Yao et al., GLIF: A Unified Gated Leaky Integrate-and-Fire Neuron for Spiking Neural Networks,
 * NeurIPS 2022, and its authors' code (CAS-CLab/Gated-LIF), where a reset to 0 leaves the linear leak of its
 * step; gates of 0 and 1 give its special cases. Potentials have no unit. The published neuron knows
 * steps alone, and g has one value for each of the few steps that an input is shown for. Here leaks are
 * rates, so that parameters mean the same at any dt (published ones: dt = 1 ms, tau_exp = -1 / ln tau), and g
 * takes the values g_1 ... g_window for g_step ms each, again and again from the beginning of the run. As
 * published the reset acts in the step after the spike. U is kept at or above U_min, which is ours: a linear
 * leak knows no rest. */
#ifndef CALLOSUM_GLIF_H
#define CALLOSUM_GLIF_H

#include "model/kernel.h"

#define glif_STATES(X) X(U) X(spiked) X(clock)
/* keep, leak: of U in a step; input_i: 1 - beta (1 - g_i); slot, cycle: steps of one g and of all of them. */
// clang-format off
#define glif_CONSTS(X)                                                                                       \
  X(keep) X(leak) X(gamma) X(subtract) X(V_th) X(U_min) X(drive) X(dt) X(slot) X(cycle)                      \
  X(input_1) X(input_2) X(input_3) X(input_4) X(input_5) X(input_6) X(input_7) X(input_8)
// clang-format on
#define glif_RECEPTORS(X) X(delta)
CLS_DECLARE_NEURON(glif);

CLS_FN int glif_step(glif_state *s, const glif_const *k, const glif_input *in, float current) {
  float clock = s->clock, gate = k->input_1;
  gate = clock >= k->slot ? k->input_2 : gate;
  gate = clock >= 2.0f * k->slot ? k->input_3 : gate;
  gate = clock >= 3.0f * k->slot ? k->input_4 : gate;
  gate = clock >= 4.0f * k->slot ? k->input_5 : gate;
  gate = clock >= 5.0f * k->slot ? k->input_6 : gate;
  gate = clock >= 6.0f * k->slot ? k->input_7 : gate;
  gate = clock >= 7.0f * k->slot ? k->input_8 : gate;
  float next = clock + 1.0f;
  s->clock = next < k->cycle ? next : 0.0f;
  float left = k->keep * s->U;
  float u = fmaf(gate, fmaf(k->dt, k->drive + current, in->delta), left - k->leak);
  u = fmaf(-s->spiked, fmaf(k->gamma, left, k->subtract), u);
  u = u > k->U_min ? u : k->U_min;
  s->U = u;
  s->spiked = u >= k->V_th ? 1.0f : 0.0f;
  return u >= k->V_th;
}

/* A jump is over before any current could be seen. */
CLS_FN float glif_receptor_current(const glif_state *s, const glif_const *k, int r) {
  (void)s, (void)k, (void)r;
  return 0;
}

#endif

/* The neuron of the Digital Twin Brain: leaky integrate-and-fire with four conductance synapses (Lu, Feng et
 * al., arXiv 2308.01241, Methods; parameters of the public code).
 *
 *   C dV/dt = -g_L (V - E_L) + sum_u g_u (E_u - V) J_u + I_e + I_inputs,   u in AMPA, NMDA, GABA_A, GABA_B
 *   dJ_u/dt = -J_u / tau_u + sum of w at spikes (no 1/tau);   V >= V_th: spike, then V = V_reset for t_ref.
 *
 * The linear parts (J) are exact on the grid; V takes an explicit Euler step with the J of the step's
 * beginning, as published (first order in dt). V is kept relative to E_L. Its background current is the input
 * `ou`. */
#ifndef CALLOSUM_LIF_DTB_H
#define CALLOSUM_LIF_DTB_H

#include "model/kernel.h"

#define lif_dtb_STATES(X) X(V_m) X(J_AMPA) X(J_NMDA) X(J_GABA_A) X(J_GABA_B) X(refractory)
/* gain_u = dt g_u / C, E_u relative to E_L, leak = dt g_L / C, drive = dt I_e / C. */
// clang-format off
#define lif_dtb_CONSTS(X)                                                                                    \
  X(decay_AMPA) X(decay_NMDA) X(decay_GABA_A) X(decay_GABA_B)                                                \
  X(gain_AMPA) X(gain_NMDA) X(gain_GABA_A) X(gain_GABA_B)                                                    \
  X(E_AMPA) X(E_NMDA) X(E_GABA_A) X(E_GABA_B)                                                                \
  X(leak) X(drive) X(dt_over_C) X(V_th) X(V_reset) X(refractory)
// clang-format on
#define lif_dtb_RECEPTORS(X) X(AMPA) X(NMDA) X(GABA_A) X(GABA_B)
CLS_DECLARE_NEURON(lif_dtb);

CLS_FN int lif_dtb_step(lif_dtb_state *s, const lif_dtb_const *k, const lif_dtb_input *in, float current) {
  float u = s->V_m;
  float change = fmaf(k->dt_over_C, current, k->drive);
  change = fmaf(-k->leak, u, change);
  change = fmaf(k->gain_AMPA * s->J_AMPA, k->E_AMPA - u, change);
  change = fmaf(k->gain_NMDA * s->J_NMDA, k->E_NMDA - u, change);
  change = fmaf(k->gain_GABA_A * s->J_GABA_A, k->E_GABA_A - u, change);
  change = fmaf(k->gain_GABA_B * s->J_GABA_B, k->E_GABA_B - u, change);
  float v = u + (s->refractory > 0.0f ? 0.0f : change);
  s->J_AMPA = fmaf(s->J_AMPA, k->decay_AMPA, in->AMPA);
  s->J_NMDA = fmaf(s->J_NMDA, k->decay_NMDA, in->NMDA);
  s->J_GABA_A = fmaf(s->J_GABA_A, k->decay_GABA_A, in->GABA_A);
  s->J_GABA_B = fmaf(s->J_GABA_B, k->decay_GABA_B, in->GABA_B);
  int spike = v >= k->V_th;
  s->refractory = spike ? k->refractory : cls_countdown(s->refractory);
  s->V_m = spike ? k->V_reset : v;
  return spike;
}

/* Current of receptor r at the end of the step: g_r (E_r - V) J_r, from gain_r = dt g_r / C. */
CLS_FN float lif_dtb_receptor_current(const lif_dtb_state *s, const lif_dtb_const *k, int r) {
  const float *J = &s->J_AMPA, *gain = &k->gain_AMPA, *E = &k->E_AMPA;
  return gain[r] / k->dt_over_C * (E[r] - s->V_m) * J[r];
}

#endif

/* Leaky integrate-and-fire neuron with alpha-shaped synaptic currents.
 *
 *   tau_m dV/dt = -(V - E_L) + (tau_m / C) (I_exc + I_inh + I_e + I_inputs)
 *   dI_x/dt = R_x - I_x / tau_syn_x;   dR_x/dt = -R_x / tau_syn_x + (e / tau_syn_x) sum of w at spikes
 *   V >= V_th: spike, then V = V_reset for t_ref.
 *
 * So a spike of weight w gives w (t / tau_syn) e^(1 - t / tau_syn), which peaks at w. Integrated exactly on
 * the grid (Rotter & Diesmann, Biol. Cybern. 81:381, 1999), also where the time constants are equal. A spike
 * emitted in step s with delay d acts at the end of step s + d, as in NEST's iaf_psc_alpha. V is kept
 * relative to E_L. */
#ifndef CALLOSUM_LIF_PSC_ALPHA_H
#define CALLOSUM_LIF_PSC_ALPHA_H

#include "model/kernel.h"

#define lif_psc_alpha_STATES(X) X(V_m) X(I_exc) X(I_inh) X(R_exc) X(R_inh) X(refractory)
/* gain_x, rise_x: V after a step of I_x, R_x that are 1 at its beginning; kick_x: e / tau_syn_x. */
// clang-format off
#define lif_psc_alpha_CONSTS(X)                                                                              \
  X(decay_m) X(decay_exc) X(decay_inh) X(gain_exc) X(gain_inh) X(rise_exc) X(rise_inh) X(kick_exc) X(kick_inh) \
  X(dt) X(gain_dc) X(drive) X(V_th) X(V_reset) X(refractory)
// clang-format on
#define lif_psc_alpha_RECEPTORS(X) X(exc) X(inh)
CLS_DECLARE_NEURON(lif_psc_alpha);

CLS_FN int lif_psc_alpha_step(lif_psc_alpha_state *s, const lif_psc_alpha_const *k,
                              const lif_psc_alpha_input *in, float current) {
  float v = fmaf(k->gain_dc, current, k->drive);
  v = fmaf(k->rise_inh, s->R_inh, v);
  v = fmaf(k->rise_exc, s->R_exc, v);
  v = fmaf(k->gain_inh, s->I_inh, v);
  v = fmaf(k->gain_exc, s->I_exc, v);
  v = fmaf(k->decay_m, s->V_m, v);
  v = s->refractory > 0.0f ? s->V_m : v;
  s->I_exc = k->decay_exc * fmaf(k->dt, s->R_exc, s->I_exc);
  s->I_inh = k->decay_inh * fmaf(k->dt, s->R_inh, s->I_inh);
  s->R_exc = fmaf(k->decay_exc, s->R_exc, k->kick_exc * in->exc);
  s->R_inh = fmaf(k->decay_inh, s->R_inh, k->kick_inh * in->inh);
  int spike = v >= k->V_th;
  s->refractory = spike ? k->refractory : cls_countdown(s->refractory);
  s->V_m = spike ? k->V_reset : v;
  return spike;
}

CLS_FN float lif_psc_alpha_receptor_current(const lif_psc_alpha_state *s, const lif_psc_alpha_const *k,
                                            int r) {
  (void)k;
  return r == 0 ? s->I_exc : s->I_inh;
}

#endif

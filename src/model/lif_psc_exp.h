/* Leaky integrate-and-fire neuron with exponentially decaying synaptic currents.
 *
 *   tau_m dV/dt = -(V - E_L) + (tau_m / C) (I_exc + I_inh + I_e + I_inputs)
 *   dI_x/dt = -I_x / tau_syn_x + sum of w at spikes,   x in exc, inh
 *   V >= V_th: spike, then V = V_reset for t_ref.
 *
 * Integrated exactly on the grid (Rotter & Diesmann, Biol. Cybern. 81, 1999, eqs. 3-10): with piecewise
 * constant currents the step is the matrix exponential. A spike emitted in step s with delay d acts at the
 * end of step s + d, so that a current jumps at the arrival time, as in NEST's iaf_psc_exp. V is kept
 * relative to E_L. */
#ifndef CALLOSUM_LIF_PSC_EXP_H
#define CALLOSUM_LIF_PSC_EXP_H

#include "model/kernel.h"

#define lif_psc_exp_STATES(X) X(V_m) X(I_exc) X(I_inh) X(refractory)
#define lif_psc_exp_CONSTS(X)                                                                                \
  X(decay_m)                                                                                                 \
  X(decay_exc) X(decay_inh) X(gain_exc) X(gain_inh) X(gain_dc) X(drive) X(V_th) X(V_reset) X(refractory)
#define lif_psc_exp_RECEPTORS(X) X(exc) X(inh)
CLS_DECLARE_NEURON(lif_psc_exp);

/* One step; 1 where the neuron spikes. `drive` is gain_dc x I_e. */
CLS_FN int lif_psc_exp_step(lif_psc_exp_state *s, const lif_psc_exp_const *k, const lif_psc_exp_input *in,
                            float current) {
  float v = fmaf(k->gain_dc, current, k->drive);
  v = fmaf(k->gain_inh, s->I_inh, v);
  v = fmaf(k->gain_exc, s->I_exc, v);
  v = fmaf(k->decay_m, s->V_m, v);
  v = s->refractory > 0.0f ? s->V_m : v;
  s->I_exc = fmaf(s->I_exc, k->decay_exc, in->exc);
  s->I_inh = fmaf(s->I_inh, k->decay_inh, in->inh);
  int spike = v >= k->V_th;
  s->refractory = spike ? k->refractory : cls_countdown(s->refractory);
  s->V_m = spike ? k->V_reset : v;
  return spike;
}

CLS_FN float lif_psc_exp_receptor_current(const lif_psc_exp_state *s, const lif_psc_exp_const *k, int r) {
  (void)k;
  return r == 0 ? s->I_exc : s->I_inh;
}

#endif

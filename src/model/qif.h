/* Quadratic integrate-and-fire neuron, the normal form of neurons that begin to fire at zero rate.
 *
 *   C dV/dt = (C / tau_m) (V - E_L) (V - V_crit) / (V_crit - E_L) + I_exc + I_inh + I_e + I_inputs
 *   dI_x/dt = -I_x / tau_syn_x + sum of w at spikes,   x in exc, inh
 *   V >= V_peak: spike, then V = V_reset for t_ref.
 *
 * Sources: G. B. Ermentrout & N. Kopell, SIAM J. Appl. Math. 46:233 (1986); P. E. Latham et al., J.
 * Neurophysiol. 83:808 (2000). Exact for currents that are constant over a step (quadratic.h), whatever V
 * does on its way to V_peak, which may be as high as one likes. Synaptic currents are exact on the grid and
 * enter with their mean over the step: second order in dt between spikes; a spike is at the end of its step.
 * With V_peak and -V_reset large the rate is sqrt(a c) / pi, a = 1 / (tau_m (V_crit - E_L)), c = (I -
 * I_rheobase) / C and I_rheobase = C (V_crit - E_L) / (4 tau_m). V is kept relative to E_L. */
#ifndef CALLOSUM_QIF_H
#define CALLOSUM_QIF_H

#include "model/kernel.h"
#include "model/quadratic.h"

#define qif_STATES(X) X(V_m) X(I_exc) X(I_inh) X(refractory)
/* vertex: (V_crit - E_L) / 2; drive: I_e / C at the vertex; mean_x: mean of I_x over a step, over C. */
// clang-format off
#define qif_CONSTS(X)                                                                                        \
  X(decay_exc) X(decay_inh) X(mean_exc) X(mean_inh)                                                          \
  X(a) X(vertex) X(drive) X(per_C) X(dt) X(V_peak) X(V_reset) X(refractory)
// clang-format on
#define qif_RECEPTORS(X) X(exc) X(inh)
CLS_DECLARE_NEURON(qif);

CLS_FN int qif_step(qif_state *s, const qif_const *k, const qif_input *in, float current) {
  float c = fmaf(k->per_C, current, k->drive);
  c = fmaf(k->mean_inh, s->I_inh, c);
  c = fmaf(k->mean_exc, s->I_exc, c);
  float v = cls_quadratic_step(s->V_m - k->vertex, k->a, c, k->dt) + k->vertex;
  v = s->refractory > 0.0f ? s->V_m : v;
  s->I_exc = fmaf(s->I_exc, k->decay_exc, in->exc);
  s->I_inh = fmaf(s->I_inh, k->decay_inh, in->inh);
  int spike = v >= k->V_peak;
  s->refractory = spike ? k->refractory : cls_countdown(s->refractory);
  s->V_m = spike ? k->V_reset : v;
  return spike;
}

CLS_FN float qif_receptor_current(const qif_state *s, const qif_const *k, int r) {
  (void)k;
  return r == 0 ? s->I_exc : s->I_inh;
}

#endif

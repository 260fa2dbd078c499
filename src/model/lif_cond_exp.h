/* Leaky integrate-and-fire neuron with exponentially decaying synaptic conductances.
 *
 *   C dV/dt = -g_L (V - E_L) - g_exc (V - E_exc) - g_inh (V - E_inh) + I_e + I_inputs
 *   dg_x/dt = -g_x / tau_syn_x + sum of w at spikes,   x in exc, inh
 *   V >= V_th: spike, then V = V_reset for t_ref.
 *
 * Source: R. Brette et al., J. Comput. Neurosci. 23:349 (2007), benchmark 1, after T. P. Vogels & L. F.
 * Abbott, J. Neurosci. 25:10786 (2005). Conductances are exact on the grid. V takes an exponential Euler step
 * with the means of the conductances over the step, which are known exactly: the decay of V is then exact,
 * its drive averaged, and the scheme of second order in dt, stable at any step (exponential integrators: M.
 * Hochbruck & A. Ostermann, Acta Numerica 19:209, 2010). A spike emitted in step s with delay d acts at the
 * end of step s + d, as in NEST's iaf_cond_exp. V is kept relative to E_L. */
#ifndef CALLOSUM_LIF_COND_EXP_H
#define CALLOSUM_LIF_COND_EXP_H

#include "base/mathf.h"
#include "model/kernel.h"

#define lif_cond_exp_STATES(X) X(V_m) X(g_exc) X(g_inh) X(refractory)
/* mean_x: mean over a step of a conductance that is 1 at its beginning; E_x is relative to E_L. */
// clang-format off
#define lif_cond_exp_CONSTS(X)                                                                               \
  X(decay_exc) X(decay_inh) X(mean_exc) X(mean_inh) X(E_exc) X(E_inh)                                        \
  X(g_L) X(drive) X(dt_over_C) X(V_th) X(V_reset) X(refractory)
// clang-format on
#define lif_cond_exp_RECEPTORS(X) X(exc) X(inh)
CLS_DECLARE_NEURON(lif_cond_exp);

CLS_FN int lif_cond_exp_step(lif_cond_exp_state *s, const lif_cond_exp_const *k, const lif_cond_exp_input *in,
                             float current) {
  float g_exc = k->mean_exc * s->g_exc, g_inh = k->mean_inh * s->g_inh, u = s->V_m;
  float total = (k->g_L + g_exc) + g_inh;
  float drive = fmaf(g_exc, k->E_exc, fmaf(g_inh, k->E_inh, k->drive + current));
  float v = fmaf(u - drive / total, cls_expm1f(-k->dt_over_C * total), u);
  v = s->refractory > 0.0f ? u : v;
  s->g_exc = fmaf(s->g_exc, k->decay_exc, in->exc);
  s->g_inh = fmaf(s->g_inh, k->decay_inh, in->inh);
  int spike = v >= k->V_th;
  s->refractory = spike ? k->refractory : cls_countdown(s->refractory);
  s->V_m = spike ? k->V_reset : v;
  return spike;
}

/* Current of receptor r at the end of the step: g_r (E_r - V), in pA. */
CLS_FN float lif_cond_exp_receptor_current(const lif_cond_exp_state *s, const lif_cond_exp_const *k, int r) {
  return r == 0 ? s->g_exc * (k->E_exc - s->V_m) : s->g_inh * (k->E_inh - s->V_m);
}

#endif

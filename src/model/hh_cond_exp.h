/* Hodgkin-Huxley neuron of hippocampal pyramidal cells, with exponentially decaying synaptic conductances.
 *
 *   C dV/dt = -g_L (V - E_L) - g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K)
 *             - g_exc (V - E_exc) - g_inh (V - E_inh) + I_e + I_inputs
 *   dy/dt = alpha_y (1 - y) - beta_y y,   y in m, h, n;   with x = V - V_T in mV and rates in 1/ms
 *   alpha_m = .32 (13 - x) / (exp((13 - x) / 4) - 1)     beta_m = .28 (x - 40) / (exp((x - 40) / 5) - 1)
 *   alpha_h = .128 exp((17 - x) / 18)                    beta_h = 4 / (1 + exp((40 - x) / 5))
 *   alpha_n = .032 (15 - x) / (exp((15 - x) / 5) - 1)    beta_n = .5 exp((10 - x) / 40)
 *   dg_x/dt = -g_x / tau_syn_x + sum of w at spikes,   x in exc, inh
 *   A spike is where V crosses V_th upwards.
 *
 * Sources: R. D. Traub & R. Miles, Neuronal Networks of the Hippocampus, Cambridge University Press (1991),
 * as in R. Brette et al., J. Comput. Neurosci. 23:349 (2007), appendix B, benchmark 3 (COBAHH): the defaults,
 * a cell of 20,000 um^2 with 1 uF, .05, 100 and 30 mS per cm^2 and a leak that reverses at -60 mV. So it
 * fires by itself, at 13.9 spikes/s; with E_L at -65 mV it rests.
 *
 * Gates stand half a step ahead of V, and each takes a step that is exact with the other held (A. L.
 * Hodgkin's equations as staggered by M. Hines, Int. J. Biomed. Comput. 15:69, 1984): second order in dt,
 * stable at any step, V within the reversal potentials. Conductances are exact on the grid and enter with
 * their means over the step. x / (exp(x) - 1) is 1 / cls_exprelf(x), which has no pole at 0. V is kept
 * relative to E_L. */
#ifndef CALLOSUM_HH_COND_EXP_H
#define CALLOSUM_HH_COND_EXP_H

#include "base/mathf.h"
#include "model/kernel.h"

#define hh_cond_exp_STATES(X) X(V_m) X(m) X(h) X(n) X(g_exc) X(g_inh)
// clang-format off
#define hh_cond_exp_CONSTS(X)                                                                                \
  X(decay_exc) X(decay_inh) X(mean_exc) X(mean_inh) X(E_exc) X(E_inh)                                        \
  X(g_L) X(g_Na) X(g_K) X(E_Na) X(E_K) X(V_T) X(drive) X(dt_over_C) X(dt) X(V_th)
// clang-format on
#define hh_cond_exp_RECEPTORS(X) X(exc) X(inh)
CLS_DECLARE_NEURON(hh_cond_exp);

/* A gate after a step with its rates held. */
CLS_FN float hh_cond_exp_gate(float y, float alpha, float beta, float dt) {
  float rate = alpha + beta;
  return fmaf(y - alpha / rate, cls_expm1f(-dt * rate), y);
}

CLS_FN int hh_cond_exp_step(hh_cond_exp_state *s, const hh_cond_exp_const *k, const hh_cond_exp_input *in,
                            float current) {
  float u = s->V_m;
  float g_exc = k->mean_exc * s->g_exc, g_inh = k->mean_inh * s->g_inh;
  float g_Na = k->g_Na * ((s->m * s->m) * (s->m * s->h)), n2 = s->n * s->n, g_K = k->g_K * (n2 * n2);
  float total = (((k->g_L + g_Na) + g_K) + g_exc) + g_inh;
  float drive = fmaf(g_exc, k->E_exc, fmaf(g_inh, k->E_inh, k->drive + current));
  drive = fmaf(g_Na, k->E_Na, fmaf(g_K, k->E_K, drive));
  float v = fmaf(u - drive / total, cls_expm1f(-k->dt_over_C * total), u);
  float x = v - k->V_T;
  s->m = hh_cond_exp_gate(s->m, 1.28f / cls_exprelf((13.0f - x) * 0.25f),
                          1.4f / cls_exprelf((x - 40.0f) * 0.2f), k->dt);
  s->h = hh_cond_exp_gate(s->h, 0.128f * cls_expf((17.0f - x) * (1.0f / 18.0f)),
                          4.0f * cls_logisticf((x - 40.0f) * 0.2f), k->dt);
  s->n = hh_cond_exp_gate(s->n, 0.16f / cls_exprelf((15.0f - x) * 0.2f),
                          0.5f * cls_expf((10.0f - x) * 0.025f), k->dt);
  s->g_exc = fmaf(s->g_exc, k->decay_exc, in->exc);
  s->g_inh = fmaf(s->g_inh, k->decay_inh, in->inh);
  s->V_m = v;
  return (v >= k->V_th) & (u < k->V_th);
}

/* Current of receptor r at the end of the step: g_r (E_r - V), in pA. */
CLS_FN float hh_cond_exp_receptor_current(const hh_cond_exp_state *s, const hh_cond_exp_const *k, int r) {
  return r == 0 ? s->g_exc * (k->E_exc - s->V_m) : s->g_inh * (k->E_inh - s->V_m);
}

#endif

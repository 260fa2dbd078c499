/* Adaptive exponential integrate-and-fire neuron with exponentially decaying synaptic conductances.
 *
 *   C dV/dt = -g_L (V - E_L) + g_L D exp((V - V_T) / D) - w
 *             - g_exc (V - E_exc) - g_inh (V - E_inh) + I_e + I_inputs
 *   tau_w dw/dt = a (V - E_L) - w;   dg_x/dt = -g_x / tau_syn_x + sum of weights at spikes,   x in exc, inh
 *   V >= V_peak: spike, then w = w + b, and V = V_reset for t_ref.
 *
 * Source: R. Brette & W. Gerstner, J. Neurophysiol. 94:3637 (2005), whose parameters are the defaults;
 * firing patterns: R. Naud et al., Biol. Cybern. 99:335 (2008).
 *
 * w takes half a step, exactly with V held, V a whole one, and w another half (G. Strang, SIAM J. Numer.
 * Anal. 5:506, 1968). V takes an exponential Rosenbrock-Euler step (M. Hochbruck & A. Ostermann, Acta
 * Numerica 19:209, 2010) with the means of the conductances over the step: second order in dt between spikes,
 * stable at any step. Where the exponential current alone would carry V to infinity within the step (dt g_L
 * exp(...) / C >= 1) the neuron spikes. A spike is at the end of its step. V is kept relative to E_L. */
#ifndef CALLOSUM_ADEX_H
#define CALLOSUM_ADEX_H

#include "base/mathf.h"
#include "model/kernel.h"

#define adex_STATES(X) X(V_m) X(w) X(g_exc) X(g_inh) X(refractory)
/* mean_x: mean over a step of a conductance that is 1 at its beginning; relax: 1 - e^(-dt / (2 tau_w)). */
// clang-format off
#define adex_CONSTS(X)                                                                                       \
  X(decay_exc) X(decay_inh) X(mean_exc) X(mean_inh) X(E_exc) X(E_inh)                                        \
  X(g_L) X(drive) X(dt_over_C) X(V_T) X(slope) X(per_slope) X(a) X(b) X(relax)                               \
  X(V_peak) X(V_reset) X(refractory)
// clang-format on
#define adex_RECEPTORS(X) X(exc) X(inh)
CLS_DECLARE_NEURON(adex);

CLS_FN int adex_step(adex_state *s, const adex_const *k, const adex_input *in, float current) {
  float u = s->V_m;
  float w = fmaf(k->relax, fmaf(k->a, u, -s->w), s->w);
  float g_exc = k->mean_exc * s->g_exc, g_inh = k->mean_inh * s->g_inh;
  float rising = k->g_L * cls_expf((u - k->V_T) * k->per_slope);
  float total = fmaf(-k->g_L, u, (k->drive + current) - w);
  total = fmaf(g_exc, k->E_exc - u, total);
  total = fmaf(g_inh, k->E_inh - u, total);
  total = fmaf(k->slope, rising, total);
  float x = k->dt_over_C * (((rising - k->g_L) - g_exc) - g_inh);
  x = x < 1.0f ? x : 1.0f; /* beyond it escapes, or a huge current holds it back */
  float v = fmaf(k->dt_over_C * total, cls_exprelf(x), u);
  float out = total > 0.0f ? k->V_peak : v;
  v = k->dt_over_C * rising >= 1.0f ? out : v;
  v = s->refractory > 0.0f ? u : v;
  s->g_exc = fmaf(s->g_exc, k->decay_exc, in->exc);
  s->g_inh = fmaf(s->g_inh, k->decay_inh, in->inh);
  int spike = v >= k->V_peak;
  float top = v >= k->V_peak ? k->V_peak : v;
  w = fmaf(k->relax, fmaf(k->a, top, -w), w);
  s->w = v >= k->V_peak ? w + k->b : w;
  s->refractory = spike ? k->refractory : cls_countdown(s->refractory);
  s->V_m = spike ? k->V_reset : v;
  return spike;
}

/* Current of receptor r at the end of the step: g_r (E_r - V), in pA. */
CLS_FN float adex_receptor_current(const adex_state *s, const adex_const *k, int r) {
  return r == 0 ? s->g_exc * (k->E_exc - s->V_m) : s->g_inh * (k->E_inh - s->V_m);
}

#endif

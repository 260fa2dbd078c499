/* Pyramidal cell of two compartments, a two-point neuron: input to the apical dendrite changes what the soma
 * makes of its own, and a spike that finds the dendrite depolarised becomes a burst.
 *
 *   C_s dV_s/dt = -(C_s / tau_s) (V_s - E_L) + g_s f(V_d) + w_s + I_soma + I_e + I_inputs
 *   C_d dV_d/dt = -(C_d / tau_d) (V_d - E_L) + g_d f(V_d) + c_d K(t - t_spike) + w_d + I_apical + I_e_apical
 *   tau_ws dw_s/dt = -w_s;   tau_wd dw_d/dt = a_d (V_d - E_L) - w_d;   f(V) = 1 / (1 + exp(-(V - E_d) / D_d))
 *   K(t) = 1 for bap_delay <= t < bap_delay + bap_width, else 0;   t_spike: the last one
 *   dI_x/dt = -I_x / tau_syn_x + sum of w at spikes,   x in soma, apical
 *   V_s >= V_th: spike, then w_s = w_s + b_s, and V_s = V_reset for t_ref.
 *
 * K is the spike that travels back, rounded to steps. Sources: R. Naud & H. Sprekeler, PNAS 115:E6329 (2018),
 * whose parameters are the defaults (t_ref is ours), after R. Naud, B. Bathellier & W. Gerstner, Front.
 * Comput. Neurosci. 8:90 (2014); the coincidence: M. E. Larkum, J. J. Zhu & B. Sakmann, Nature 398:338 (1999). Their weights act through
 * conductances; here the two ports carry currents of either sign. dc and ou inputs act on the soma.
 *
 * w_d takes half a step, exactly with V_d held, V_d a whole one (exponential Rosenbrock-Euler: M. Hochbruck &
 * A. Ostermann, Acta Numerica 19:209, 2010), and w_d another half; V_s is exact for a drive that is constant
 * over the step and gets the mean of its beginning and end, and the means of what decays: second order in dt
 * between spikes, stable at any step. A spike is at the end of its step. V_s, V_d are kept relative to E_L.
 * */
#ifndef CALLOSUM_TWO_COMPARTMENT_H
#define CALLOSUM_TWO_COMPARTMENT_H

#include "base/mathf.h"
#include "model/kernel.h"

#define two_compartment_STATES(X) X(V_s) X(V_d) X(w_s) X(w_d) X(I_soma) X(I_apical) X(refractory) X(returning)
/* mean_x: mean over a step of what is 1 at its beginning; relax: 1 - e^(-dt / (2 tau_wd)); leak_d = C_d /
 * tau_d; half_g_s = g_s / 2; kernel, active: steps from a spike to the end of K, and of K. */
// clang-format off
#define two_compartment_CONSTS(X)                                                                            \
  X(decay_s) X(gain_s) X(decay_ws) X(mean_ws) X(decay_soma) X(mean_soma) X(decay_apical) X(mean_apical)      \
  X(half_g_s) X(g_d) X(leak_d) X(E_d) X(per_D_d) X(dt_over_C_d) X(a_d) X(relax) X(b_s) X(c_d)                \
  X(drive_s) X(drive_d) X(V_th) X(V_reset) X(refractory) X(kernel) X(active)
// clang-format on
#define two_compartment_RECEPTORS(X) X(soma) X(apical)
CLS_DECLARE_NEURON(two_compartment);

CLS_FN int two_compartment_step(two_compartment_state *s, const two_compartment_const *k,
                                const two_compartment_input *in, float current) {
  float u = s->V_d;
  float w_d = fmaf(k->relax, fmaf(k->a_d, u, -s->w_d), s->w_d);
  float open = cls_logisticf((u - k->E_d) * k->per_D_d);
  float back = s->returning > 0.0f ? k->c_d : 0.0f;
  back = s->returning > k->active ? 0.0f : back;
  float total = fmaf(k->mean_apical, s->I_apical, (k->drive_d + w_d) + back);
  total = fmaf(k->g_d, open, fmaf(-k->leak_d, u, total));
  float slope = fmaf((k->g_d * k->per_D_d) * open, 1.0f - open, -k->leak_d);
  float x = k->dt_over_C_d * slope;
  x = x < 1.0f ? x : 1.0f; /* where f has its foot a line would shoot over what it saturates at */
  float v_d = fmaf(k->dt_over_C_d * total, cls_exprelf(x), u);
  float closing = cls_logisticf((v_d - k->E_d) * k->per_D_d);
  s->V_d = v_d;
  s->w_d = fmaf(k->relax, fmaf(k->a_d, v_d, -w_d), w_d);

  float drive = fmaf(k->half_g_s, open + closing, k->drive_s + current);
  drive = fmaf(k->mean_ws, s->w_s, fmaf(k->mean_soma, s->I_soma, drive));
  float v = fmaf(k->decay_s, s->V_s, k->gain_s * drive);
  v = s->refractory > 0.0f ? s->V_s : v;
  s->I_soma = fmaf(s->I_soma, k->decay_soma, in->soma);
  s->I_apical = fmaf(s->I_apical, k->decay_apical, in->apical);
  int spike = v >= k->V_th;
  float w_s = k->decay_ws * s->w_s;
  s->w_s = v >= k->V_th ? w_s + k->b_s : w_s;
  s->refractory = v >= k->V_th ? k->refractory : cls_countdown(s->refractory);
  s->returning = v >= k->V_th ? k->kernel : cls_countdown(s->returning);
  s->V_s = v >= k->V_th ? k->V_reset : v;
  return spike;
}

CLS_FN float two_compartment_receptor_current(const two_compartment_state *s, const two_compartment_const *k,
                                              int r) {
  (void)k;
  return r == 0 ? s->I_soma : s->I_apical;
}

#endif

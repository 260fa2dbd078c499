/* Leaky integrate-and-fire neuron whose threshold rises with every spike and decays.
 *
 *   tau_m dV/dt = -(V - E_L) + (tau_m / C) (I_e + I_inputs);   V += w at spikes
 *   tau_a dA/dt = -A
 *   V >= V_th + A: spike, then V = V - (V_th - E_L), A = A + beta, and no spike for t_ref.
 *
 * Source: G. Bellec et al., Nature Communications 11:3625 (2020), e-prop, whose threshold variable times beta
 * is A; the networks of Bellec et al., NeurIPS 2018, scale the rise of the threshold by 1 - e^(-dt / tau_a).
 * Their step is 1 ms; here the equations are those of continuous time, integrated exactly on the grid for
 * currents that are constant over a step, so that parameters mean the same at any dt. As published, V goes on
 * and is lowered by the threshold at rest, not clamped to a value. A spike emitted in step s with delay d
 * acts at the end of step s + d, after the decay and before the threshold. V is kept relative to E_L. */
#ifndef CALLOSUM_ALIF_H
#define CALLOSUM_ALIF_H

#include "model/kernel.h"

#define alif_STATES(X)    X(V_m) X(A) X(refractory)
#define alif_CONSTS(X)    X(decay_m) X(decay_a) X(gain_dc) X(drive) X(V_th) X(beta) X(refractory)
#define alif_RECEPTORS(X) X(delta)
CLS_DECLARE_NEURON(alif);

CLS_FN int alif_step(alif_state *s, const alif_const *k, const alif_input *in, float current) {
  float v = fmaf(k->decay_m, s->V_m, fmaf(k->gain_dc, current, k->drive)) + in->delta;
  float a = k->decay_a * s->A;
  float over = v - (k->V_th + a);
  over = s->refractory > 0.0f ? -1.0f : over;
  int spike = over >= 0.0f;
  s->refractory = spike ? k->refractory : cls_countdown(s->refractory);
  s->A = over >= 0.0f ? a + k->beta : a;
  s->V_m = over >= 0.0f ? v - k->V_th : v;
  return spike;
}

/* A jump is over before any current could be seen. */
CLS_FN float alif_receptor_current(const alif_state *s, const alif_const *k, int r) {
  (void)s, (void)k, (void)r;
  return 0;
}

#endif

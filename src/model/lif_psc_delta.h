/* Leaky integrate-and-fire neuron whose synapses are delta pulses: a weight is the jump of V.
 *
 *   tau_m dV/dt = -(V - E_L) + (tau_m / C) (I_e + I_inputs);   V += w at spikes
 *   V >= V_th: spike, then V = V_reset for t_ref, during which what arrives is lost.
 *
 * Source: N. Brunel, J. Comput. Neurosci. 8:183 (2000), eqs. 1-2. Integrated exactly on the grid for
 * piecewise constant currents (Rotter & Diesmann, Biol. Cybern. 81:381, 1999). A spike emitted in step s with
 * delay d acts at the end of step s + d, after the decay and before the threshold, and one that arrives while
 * the neuron is refractory is discarded, as in NEST's iaf_psc_delta with its defaults. V is kept relative to
 * E_L. */
#ifndef CALLOSUM_LIF_PSC_DELTA_H
#define CALLOSUM_LIF_PSC_DELTA_H

#include "model/kernel.h"

#define lif_psc_delta_STATES(X)    X(V_m) X(refractory)
#define lif_psc_delta_CONSTS(X)    X(decay_m) X(gain_dc) X(drive) X(V_th) X(V_reset) X(refractory)
#define lif_psc_delta_RECEPTORS(X) X(delta)
CLS_DECLARE_NEURON(lif_psc_delta);

/* One step; 1 where the neuron spikes. `drive` is gain_dc x I_e. */
CLS_FN int lif_psc_delta_step(lif_psc_delta_state *s, const lif_psc_delta_const *k,
                              const lif_psc_delta_input *in, float current) {
  float v = fmaf(k->decay_m, s->V_m, fmaf(k->gain_dc, current, k->drive)) + in->delta;
  v = s->refractory > 0.0f ? s->V_m : v;
  int spike = v >= k->V_th;
  s->refractory = spike ? k->refractory : cls_countdown(s->refractory);
  s->V_m = spike ? k->V_reset : v;
  return spike;
}

/* A delta pulse is over before any current could be seen. */
CLS_FN float lif_psc_delta_receptor_current(const lif_psc_delta_state *s, const lif_psc_delta_const *k,
                                            int r) {
  (void)s, (void)k, (void)r;
  return 0;
}

#endif

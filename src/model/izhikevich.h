/* Izhikevich's neuron: a quadratic membrane and a recovery variable.
 *
 *   dV/dt = 0.04 V^2 + 5 V + 140 - u + I_e + I_inputs;   V += w at spikes
 *   du/dt = a (b V - u)
 *   V >= V_peak: spike, then V = c and u = u + d.
 *
 * Source: E. M. Izhikevich, IEEE Trans. Neural Networks 14:1569 (2003), eqs. 1-3, with V in mV and t in ms;
 * RS a .02, b .2, c -65, d 8; IB .02, .2, -55, 4; CH .02, .2, -50, 2; FS .1, .2, -65, 2; LTS .02, .25, -65,
 * 2; TC .02, .25, -65, .05; RZ .1, .26, -65, 2.
 *
 * Published code takes two Euler half steps of V in a step of 1 ms. Here u takes half a step, exactly with V
 * held, V a whole one, exactly with u held (quadratic.h), and u another half (G. Strang, SIAM J. Numer. Anal.
 * 5:506, 1968): second order in dt between spikes, stable at any step. A spike is at the end of its step, so
 * spike times are of first order. A weight is a jump of V, at the end of the step it arrives in and before
 * the threshold: what the published code does with a current that lasts for its step. */
#ifndef CALLOSUM_IZHIKEVICH_H
#define CALLOSUM_IZHIKEVICH_H

#include "model/kernel.h"
#include "model/quadratic.h"

#define izhikevich_STATES(X) X(V_m) X(u)
/* relax: 1 - e^(-a dt / 2); drive: I_e + 140 - 5^2 / (4 0.04). */
#define izhikevich_CONSTS(X)    X(relax) X(b) X(drive) X(dt) X(V_peak) X(c) X(d)
#define izhikevich_RECEPTORS(X) X(delta)
CLS_DECLARE_NEURON(izhikevich);

CLS_FN int izhikevich_step(izhikevich_state *s, const izhikevich_const *k, const izhikevich_input *in,
                           float current) {
  const float vertex = -62.5f; /* where 0.04 V^2 + 5 V + 140 is least */
  float u = fmaf(k->relax, fmaf(k->b, s->V_m, -s->u), s->u);
  float w = cls_quadratic_step(s->V_m - vertex, 0.04f, (k->drive + current) - u, k->dt);
  float v = w + vertex, top = v < k->V_peak ? v : k->V_peak;
  u = fmaf(k->relax, fmaf(k->b, top, -u), u); /* what arrives comes after the flow */
  v = v + in->delta;
  v = v > -CLS_QUADRATIC_FAR ? v : -CLS_QUADRATIC_FAR;
  int spike = v >= k->V_peak;
  s->u = v >= k->V_peak ? u + k->d : u;
  s->V_m = v >= k->V_peak ? k->c : v;
  return spike;
}

/* A jump is over before any current could be seen. */
CLS_FN float izhikevich_receptor_current(const izhikevich_state *s, const izhikevich_const *k, int r) {
  (void)s, (void)k, (void)r;
  return 0;
}

#endif

/* Leaky integrate-and-fire neuron with three nonlinear dendritic branches that feed one soma.
 *
 *   tau_m dV/dt = -(V - E_L) + (tau_m / C) (B_1(I_1) + B_2(I_2) + B_3(I_3) - I_soma + I_e + I_inputs)
 *   B_b(I) = linear_b I + plateau_b (S((I - theta_b) / width_b) - S(-theta_b / width_b));  S(x) = 1 / (1 + e^-x)
 *   dI_b/dt = -I_b / tau_b + sum of w at spikes, w >= 0;   likewise I_soma, which inhibits the soma
 *   V >= V_th: spike, then V = V_reset for t_ref.
 *
 * Source: P. Poirazi, T. Brannon & B. W. Mel, Neuron 37:989 (2003): a pyramidal cell as a two-layer network,
 * whose thin dendrites sum their input, add a sigmoid to a line (their s(n) = 1 / (1 + e^((3.6 - n) / .2)) +
 * .3 n + .0114 n^2, here without the square, which is unbounded) and are summed by the soma. Here the input
 * of a branch is a current that decays, so that inputs which meet in a branch within tau_b are worth more
 * than the same inputs on different branches.
 *
 * A synapse carries two weights, of which each port has two receptors: port `branch_1` is branches 1 and 2,
 * port `branch_3` branch 3 and `inh`, the soma. A synapse onto branch 2 alone has the weights [0, w].
 *
 * Linear parts are exact on the grid (Rotter & Diesmann, Biol. Cybern. 81:381, 1999); the sigmoids are taken
 * at the middle of the step, where I_b is known exactly: second order in dt between spikes, stable at any
 * step. A spike is at the end of its step. V is kept relative to E_L. */
#ifndef CALLOSUM_LIF_DENDRITE_H
#define CALLOSUM_LIF_DENDRITE_H

#include "base/mathf.h"
#include "model/kernel.h"

#define lif_dendrite_STATES(X) X(V_m) X(I_1) X(I_2) X(I_3) X(I_soma) X(refractory)
/* decay_b, half_b: of I_b over a step and half of it; line_b, plateau_b: V after a step of unit I_b, of an
 * active branch; drive: of I_e less what branches at rest would give. */
// clang-format off
#define lif_dendrite_CONSTS(X)                                                                               \
  X(decay_1) X(decay_2) X(decay_3) X(half_1) X(half_2) X(half_3)                                             \
  X(line_1) X(line_2) X(line_3) X(plateau_1) X(plateau_2) X(plateau_3)                                       \
  X(theta_1) X(theta_2) X(theta_3) X(per_width_1) X(per_width_2) X(per_width_3)                              \
  X(decay_m) X(decay_soma) X(gain_soma) X(gain_dc) X(drive) X(V_th) X(V_reset) X(refractory)
// clang-format on
#define lif_dendrite_RECEPTORS(X) X(branch_1) X(branch_2) X(branch_3) X(inh)
CLS_DECLARE_NEURON(lif_dendrite);

CLS_FN int lif_dendrite_step(lif_dendrite_state *s, const lif_dendrite_const *k, const lif_dendrite_input *in,
                             float current) {
  float I_1 = k->half_1 * s->I_1, I_2 = k->half_2 * s->I_2, I_3 = k->half_3 * s->I_3;
  float v = fmaf(k->gain_dc, current, k->drive);
  v = fmaf(-k->gain_soma, s->I_soma, v);
  v = fmaf(k->line_1, s->I_1, fmaf(k->line_2, s->I_2, fmaf(k->line_3, s->I_3, v)));
  v = fmaf(k->plateau_1, cls_logisticf((I_1 - k->theta_1) * k->per_width_1), v);
  v = fmaf(k->plateau_2, cls_logisticf((I_2 - k->theta_2) * k->per_width_2), v);
  v = fmaf(k->plateau_3, cls_logisticf((I_3 - k->theta_3) * k->per_width_3), v);
  v = fmaf(k->decay_m, s->V_m, v);
  v = s->refractory > 0.0f ? s->V_m : v;
  s->I_1 = fmaf(k->decay_1, s->I_1, in->branch_1);
  s->I_2 = fmaf(k->decay_2, s->I_2, in->branch_2);
  s->I_3 = fmaf(k->decay_3, s->I_3, in->branch_3);
  s->I_soma = fmaf(k->decay_soma, s->I_soma, in->inh);
  int spike = v >= k->V_th;
  s->refractory = spike ? k->refractory : cls_countdown(s->refractory);
  s->V_m = spike ? k->V_reset : v;
  return spike;
}

/* Current of receptor r into its branch; of `inh` into the soma, where it is negative. */
CLS_FN float lif_dendrite_receptor_current(const lif_dendrite_state *s, const lif_dendrite_const *k, int r) {
  (void)k;
  const float *I = &s->I_1;
  return r == 3 ? -s->I_soma : I[r];
}

#endif

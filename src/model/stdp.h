/* Spike-timing dependent plasticity: pairs of spikes (Song, Miller & Abbott, Nat. Neurosci. 3:919 (2000); van Rossum, Bi &
 * Turrigiano, J. Neurosci. 20:8812 (2000); conventions of Morrison, Diesmann & Gerstner, Biol. Cybern. 98:459 (2008)) and
 * triplets (Pfister & Gerstner, J. Neurosci. 26:9673 (2006), eqs. 3 and 4).
 *
 * v = w / w_max lies in [0, 1].
 *
 *   dx/dt = -x / tau_plus,   dx3/dt = -x3 / tau_x      traces of presynaptic spikes: + 1 at each, or 1 after it
 *   dy/dt = -y / tau_minus,  dy3/dt = -y3 / tau_y      traces of postsynaptic spikes
 *   presynaptic spike arrives:   v -> v - f_minus(v) y (a_minus + a3_minus x3),  x3 without this spike
 *   postsynaptic spike arrives:  v -> v + f_plus(v)  x (a_plus  + a3_plus  y3),  y3 without this spike
 *   f_plus = 1 or 1 - v,  f_minus = 1 or v;  v is clipped to [0, 1] each time.
 *
 * A delay has a dendritic and an axonal part. A presynaptic spike needs the axonal part to reach the synapse, and both to
 * act on the neuron; a postsynaptic one needs the dendritic part to come back to the synapse. Where both arrive in one step
 * the presynaptic spike comes first. An event carries the weight its own arrival leaves, as in NEST's stdp_synapse.
 *
 * v is a whole number of 2^-30: a float has too few digits below 1 for the small changes that experiments make (at an
 * amplitude of 1e-5 each change would be rounded by up to 0.6 %, always to the same side; here by less than 0.01 %). */
#ifndef CALLOSUM_STDP_H
#define CALLOSUM_STDP_H

#include "model/spike_trace.h"
#include <stdbool.h>

/* Parameters: X(name, unit, default (NAN: there is none), min, max, what). */
#define CLS_STDP_PARAMS(X)                                                                                   \
  X(w_max, "weight", NAN, -1e300, 1e300,                                                                     \
    "greatest weight, in the unit and of the sign of `weight`; weights stay between 0 and it")               \
  X(a_plus, "w_max", NAN, -1, 1, "potentiation by a pair of spikes")                                         \
  X(a_minus, "w_max", NAN, -1, 1, "depression by a pair of spikes")                                          \
  X(tau_plus_ms, "ms", 20, 1e-3, 1e9, "decay of the trace of presynaptic spikes")                            \
  X(tau_minus_ms, "ms", 20, 1e-3, 1e9, "decay of the trace of postsynaptic spikes")                          \
  X(a3_plus, "w_max", 0, -1, 1, "potentiation by a triplet (post, pre, post)")                               \
  X(a3_minus, "w_max", 0, -1, 1, "depression by a triplet (pre, post, pre)")                                 \
  X(tau_x_ms, "ms", 100, 1e-3, 1e9, "decay of the slow trace of presynaptic spikes, for a3_minus")           \
  X(tau_y_ms, "ms", 100, 1e-3, 1e9, "decay of the slow trace of postsynaptic spikes, for a3_plus")           \
  X(dendritic_share, "1", 1, 0, 1, "of the delay: 1, all of it lies between synapse and soma; 0, in the axon")

/* Choices: X(name, first, second, what): 0, the default, or 1. */
#define CLS_STDP_CHOICES(X)                                                                                  \
  X(potentiation, "additive", "multiplicative", "multiplicative: times 1 - w / w_max")                       \
  X(depression, "additive", "multiplicative", "multiplicative: times w / w_max")                             \
  X(pairing, "all_to_all", "nearest", "which earlier spikes a trace counts: all, or the nearest")

/* As a job states it. */
#define CLS_STDP_NUMBER_(name, unit, initial, min, max, doc) double name;
#define CLS_STDP_CHOICE_(name, first, second, doc)           int name;
typedef struct {
  CLS_STDP_PARAMS(CLS_STDP_NUMBER_)
  CLS_STDP_CHOICES(CLS_STDP_CHOICE_)
} cls_stdp;

enum { CLS_STDP_ONE = 1 << 30 }; /* v = 1 */

/* What a step needs. */
typedef struct {
  float a_plus, a_minus, a3_plus, a3_minus; /* in units of 2^-30 */
  int multiplicative_plus, multiplicative_minus;
} cls_stdp_const;

static inline cls_stdp_const cls_stdp_derive(const cls_stdp *p) {
  return (cls_stdp_const){(float)(p->a_plus * CLS_STDP_ONE),
                          (float)(p->a_minus * CLS_STDP_ONE),
                          (float)(p->a3_plus * CLS_STDP_ONE),
                          (float)(p->a3_minus * CLS_STDP_ONE),
                          p->potentiation,
                          p->depression};
}

/* The nearest integer, ties to even, of |x| <= 2^30: adding 1.5 * 2^52 pushes the fraction out of the mantissa. */
CLS_FN int32_t cls_stdp_nearest(float x) {
  const double shifted = (double)x + 0x1.8p52;
  uint64_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return (int32_t)(uint32_t)bits;
}

/* v changed by `change` units of 2^-30 and clipped. */
CLS_FN int32_t cls_stdp_add(int32_t v, float change) {
  const float limit = (float)CLS_STDP_ONE;
  change = change > limit ? limit : change < -limit ? -limit : change;
  const int32_t down = -v, up = CLS_STDP_ONE - v, whole = cls_stdp_nearest(change);
  return v + (whole < down ? down : whole > up ? up : whole);
}

/* A postsynaptic spike arrives. */
CLS_FN int32_t cls_stdp_post(const cls_stdp_const *k, int32_t v, float x, float y3) {
  float change = x * fmaf(k->a3_plus, y3, k->a_plus);
  if (k->multiplicative_plus) change *= (float)(CLS_STDP_ONE - v) * 0x1p-30f;
  return cls_stdp_add(v, change);
}

/* A presynaptic spike arrives. */
CLS_FN int32_t cls_stdp_pre(const cls_stdp_const *k, int32_t v, float y, float x3) {
  float change = y * fmaf(k->a3_minus, x3, k->a_minus);
  if (k->multiplicative_minus) change *= (float)v * 0x1p-30f;
  return cls_stdp_add(v, -change);
}

/* The input of an event, in whole quanta: `gain` of them for a unit of v, below 2^15 in all. */
CLS_FN int32_t cls_stdp_quanta(int32_t v, float gain) { return cls_stdp_nearest((float)v * gain); }

/* The dendritic part of a delay, in steps. */
CLS_FN uint32_t cls_stdp_dendritic(double share, uint32_t delay) { return (uint32_t)lrint(share * delay); }

#endif

/* Traces of a neuron's spikes, which rules of plasticity read.
 *
 *   dx/dt = -x / tau;  at a spike  x -> x + 1 (all spikes count), or x -> 1 (the nearest one does).
 *
 * A trace is kept as its value just before a spike; what it is later follows from that alone: so it may be evaluated
 * when it is needed, in any order, with the same bits. */
#ifndef CALLOSUM_SPIKE_TRACE_H
#define CALLOSUM_SPIKE_TRACE_H

#include "base/mathf.h"

typedef struct {
  float rate;  /* dt / tau, per step */
  int nearest; /* 1: only the nearest spike counts */
} cls_spike_trace;

static inline cls_spike_trace cls_spike_trace_of(double tau_ms, int nearest, double dt_ms) {
  return (cls_spike_trace){(float)(dt_ms / tau_ms), nearest};
}

/* Steps from one to a later one; so far away that every trace has decayed, INT32_MAX. */
CLS_FN int32_t cls_steps_between(int64_t from, int64_t to) {
  return to - from > INT32_MAX ? INT32_MAX : (int32_t)(to - from);
}

/* `steps` >= 0 steps after a spike before which it was `before`. */
CLS_FN float cls_spike_trace_after(const cls_spike_trace *trace, float before, int32_t steps) {
  const float after = trace->nearest ? 1.0f : before + 1.0f;
  const float now = after * cls_expf(-trace->rate * (float)steps);
  return steps == INT32_MAX ? 0.0f : now;
}

#endif

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

/* `steps` >= 0 steps after a spike before which it was `before`. */
CLS_FN float cls_spike_trace_after(const cls_spike_trace *trace, float before, int64_t steps) {
  const float after = trace->nearest ? 1.0f : before + 1.0f;
  return after * cls_expf(-trace->rate * (float)steps);
}

#endif

/* Spike times of one neuron under constant parameters, and what they tell. */
#ifndef CALLOSUM_TEST_MODEL_FIRING_H
#define CALLOSUM_TEST_MODEL_FIRING_H

#include "model/tiles.h"

enum { FIRING_MAX = 4096 };
typedef struct {
  int n;
  double time[FIRING_MAX]; /* ms, ends of steps */
} firing;

/* Neuron 0 of the bench for `ms`, with `current` and without synaptic input; its spikes are added to f. */
static inline void fire(bench *b, double begin_ms, double ms, double current, firing *f) {
  clear_input(b);
  for (int i = 0; i < b->tile.n; i++) b->current[i] = (float)current;
  for (int64_t step = 0; step < (int64_t)rint(ms / b->dt_ms); step++) {
    step_shared(b);
    if (!b->spiked[0]) continue;
    assert_true(f->n < FIRING_MAX);
    f->time[f->n++] = begin_ms + (double)(step + 1) * b->dt_ms;
  }
}

/* Interval k, from 0; negative k: from the last, -1. */
static inline double interval(const firing *f, int k) {
  if (k < 0) k += f->n - 1;
  assert_in_range(k, 0, f->n - 2);
  return f->time[k + 1] - f->time[k];
}

static inline double rate(const firing *f) {
  return f->n < 2 ? 0 : (f->n - 1) / (f->time[f->n - 1] - f->time[0]);
}

#endif

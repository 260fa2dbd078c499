/* Past spikes of many owners (sources a rank hears, or its own neurons), each with the traces it found: what lazy plasticity
 * looks back at. The newest spike of every owner lies in a table, where most questions end; those before are linked. */
#ifndef CALLOSUM_HISTORY_H
#define CALLOSUM_HISTORY_H

#include "base/base.h"

/* The step of a spike that never was: older than all there are, and far enough from them to have left no trace. */
#define CLS_NEVER (INT64_MIN / 2)

typedef struct {
  int64_t step,
      step_before; /* of the spike, and of the owner's spike before it: CLS_NEVER where there is none */
  uint32_t before; /* number of that one among the older */
  float value[];
} cls_past_spike;

typedef struct {
  char *newest;        /* [owners] */
  char *older, *spare; /* [n]; number 0 stands for those that never were */
  size_t capacity, spare_capacity;
  size_t size;              /* bytes of a spike */
  uint32_t owners, n, kept; /* older spikes there are, and were left when some were forgotten last */
} cls_spike_history;

/* Spikes hold `values` numbers each. */
cls_status cls_spike_history_create(cls_spike_history *history, uint32_t owners, uint32_t values);
void cls_spike_history_destroy(cls_spike_history *history);
/* Adds a spike, newer than the owner's others; *spike is it, its values are for the caller to set; *last is the one before.
 * Pointers to older spikes are lost. */
cls_status cls_spike_history_add(cls_spike_history *history, uint32_t owner, int64_t step,
                                 cls_past_spike **spike, const cls_past_spike **last);
/* Forgets spikes before `step`, but for the newest of them of each owner. Pointers to older spikes are lost. */
cls_status cls_spike_history_forget(cls_spike_history *history, int64_t step);
size_t cls_spike_history_bytes(const cls_spike_history *history);

static inline cls_past_spike *cls_spike_history_newest(const cls_spike_history *h, uint32_t owner) {
  return (cls_past_spike *)(h->newest + owner * h->size);
}
static inline const cls_past_spike *cls_spike_history_before(const cls_spike_history *h,
                                                             const cls_past_spike *spike) {
  return (const cls_past_spike *)(h->older + spike->before * h->size);
}
/* Whether it is time to forget: spikes have become many beside the owners and beside those that had to be kept. */
static inline bool cls_spike_history_is_long(const cls_spike_history *h) {
  return h->n > 8 * (h->kept + h->owners) + 4096;
}

#endif

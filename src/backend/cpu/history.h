/* Past spikes of many owners (sources a rank hears, or its own neurons), each with the traces it found: what lazy plasticity
 * looks back at. Spikes of an owner are linked from the newest on. */
#ifndef CALLOSUM_HISTORY_H
#define CALLOSUM_HISTORY_H

#include "base/base.h"

#define CLS_NO_SPIKE UINT32_MAX

typedef struct {
  int64_t step;
  uint32_t previous; /* the owner's spike before it, or CLS_NO_SPIKE */
  float value[];
} cls_past_spike;

typedef struct {
  uint32_t *newest; /* [owners], CLS_NO_SPIKE: none */
  char *spikes, *spare;
  size_t capacity, spare_capacity; /* spikes */
  size_t size;                     /* bytes of a spike */
  uint32_t owners, n, kept;        /* spikes there are, and were left when some were forgotten last */
} cls_history;

/* Spikes hold `values` numbers each. */
cls_status cls_history_create(cls_history *history, uint32_t owners, uint32_t values);
void cls_history_destroy(cls_history *history);
/* Adds a spike, newer than the owner's others; its values are for the caller to set. Pointers to spikes are lost. */
cls_status cls_history_add(cls_history *history, uint32_t owner, int64_t step, cls_past_spike **spike);
/* Forgets spikes before `step`, but for the newest of them of each owner. Pointers and numbers of spikes are lost. */
cls_status cls_history_forget(cls_history *history, int64_t step);
size_t cls_history_bytes(const cls_history *history);

static inline cls_past_spike *cls_history_at(const cls_history *h, uint32_t spike) {
  return (cls_past_spike *)(h->spikes + spike * h->size);
}
/* NULL where there is none. */
static inline cls_past_spike *cls_history_get(const cls_history *h, uint32_t spike) {
  return spike == CLS_NO_SPIKE ? NULL : cls_history_at(h, spike);
}
/* Whether it is time to forget: spikes have become many beside the owners and beside those that had to be kept. */
static inline bool cls_history_is_long(const cls_history *h) {
  return h->n > 2 * (h->kept + h->owners) + 4096;
}

#endif

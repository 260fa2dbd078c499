#include "backend/cpu/history.h"
#include <stdlib.h>
#include <string.h>

static cls_past_spike *older(const cls_spike_history *h, uint32_t spike) {
  return (cls_past_spike *)(h->older + spike * h->size);
}

static void never(cls_past_spike *spike) {
  spike->step = spike->step_before = CLS_NEVER;
  spike->before = 0;
}

cls_status cls_spike_history_create(cls_spike_history *history, uint32_t owners, uint32_t values) {
  const size_t size = offsetof(cls_past_spike, value) + values * sizeof(float);
  *history = (cls_spike_history){.owners = owners, .size = (size + 7) / 8 * 8, .n = 1, .kept = 1};
  CLS_TRY(cls_alloc(&history->newest, owners, history->size, "newest spikes"));
  CLS_TRY(cls_alloc(&history->older, 1, history->size, "past spikes"));
  history->capacity = 1;
  never(older(history, 0));
  for (uint32_t i = 0; i < owners; i++) never(cls_spike_history_newest(history, i));
  return CLS_OK;
}

void cls_spike_history_destroy(cls_spike_history *history) {
  free(history->newest);
  free(history->older);
  free(history->spare);
}

cls_status cls_spike_history_add(cls_spike_history *history, uint32_t owner, int64_t step,
                                 cls_past_spike **spike, const cls_past_spike **last) {
  cls_spike_history *h = history;
  *spike = cls_spike_history_newest(h, owner);
  *last = older(h, 0);
  if ((*spike)->step != CLS_NEVER) {
    CLS_CHECK(h->n < UINT32_MAX, CLS_ERR_LIMIT, "more than %u past spikes on one thread", h->n);
    if (h->n == h->capacity) CLS_TRY(cls_grow(&h->older, &h->capacity, h->n + 1ul, h->size, "past spikes"));
    memcpy(older(h, h->n), *spike, h->size);
    *last = older(h, h->n);
    (*spike)->before = h->n++;
  }
  (*spike)->step_before = (*spike)->step;
  (*spike)->step = step;
  return CLS_OK;
}

/* How many older spikes of an owner stay: those from `step` on, and the newest before if the owner's last is not. */
static uint32_t count_kept(const cls_spike_history *h, uint32_t owner, int64_t step) {
  uint32_t n = 0;
  for (const cls_past_spike *s = cls_spike_history_newest(h, owner); s->step >= step;
       s = cls_spike_history_before(h, s))
    n += s->before != 0;
  return n;
}

/* They are moved to the spare memory, an owner's in a row. */
cls_status cls_spike_history_forget(cls_spike_history *history, int64_t step) {
  cls_spike_history *h = history;
  uint32_t total = 1;
  CLS_TRY(cls_grow(&h->spare, &h->spare_capacity, h->n, h->size, "past spikes"));
  memcpy(h->spare, h->older, h->size);
  for (uint32_t owner = 0; owner < h->owners; owner++) {
    cls_past_spike *spike = cls_spike_history_newest(h, owner);
    for (uint32_t k = count_kept(h, owner, step), from;; k--) {
      from = spike->before;
      spike->before = k > 0 ? total : 0;
      if (k == 0) break;
      spike = (cls_past_spike *)(h->spare + total++ * h->size);
      memcpy(spike, older(h, from), h->size);
    }
    spike->step_before = CLS_NEVER; /* what came before is forgotten */
  }
  char *forgotten = h->older;
  const size_t capacity = h->capacity;
  h->older = h->spare;
  h->capacity = h->spare_capacity;
  h->spare = forgotten;
  h->spare_capacity = capacity;
  h->n = h->kept = total;
  return CLS_OK;
}

size_t cls_spike_history_bytes(const cls_spike_history *history) {
  return (history->owners + history->capacity + history->spare_capacity) * history->size;
}

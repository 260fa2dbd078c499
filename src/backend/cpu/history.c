#include "backend/cpu/history.h"
#include <stdlib.h>
#include <string.h>

cls_status cls_history_create(cls_history *history, uint32_t owners, uint32_t values) {
  const size_t size = sizeof(cls_past_spike) + values * sizeof(float);
  *history = (cls_history){.owners = owners, .size = (size + 7) / 8 * 8};
  CLS_TRY(cls_alloc(&history->newest, owners, sizeof *history->newest, "past spikes"));
  memset(history->newest, 0xff, owners * sizeof *history->newest);
  return CLS_OK;
}

void cls_history_destroy(cls_history *history) {
  free(history->newest);
  free(history->spikes);
  free(history->spare);
}

cls_status cls_history_add(cls_history *history, uint32_t owner, int64_t step, cls_past_spike **spike) {
  cls_history *h = history;
  CLS_CHECK(h->n < CLS_NO_SPIKE - 1, CLS_ERR_LIMIT, "more than %u past spikes on one thread", h->n);
  if (h->n == h->capacity) CLS_TRY(cls_grow(&h->spikes, &h->capacity, h->n + 1ul, h->size, "past spikes"));
  *spike = cls_history_at(h, h->n);
  (*spike)->step = step;
  (*spike)->previous = h->newest[owner];
  h->newest[owner] = h->n++;
  return CLS_OK;
}

/* How many spikes of an owner stay: those from `step` on, and one before. */
static uint32_t count_kept(const cls_history *h, uint32_t owner, int64_t step) {
  uint32_t n = 0;
  for (uint32_t i = h->newest[owner]; i != CLS_NO_SPIKE; i = cls_history_at(h, i)->previous) {
    n++;
    if (cls_history_at(h, i)->step < step) break;
  }
  return n;
}

/* They are moved to the spare memory, an owner's in a row. */
cls_status cls_history_forget(cls_history *history, int64_t step) {
  cls_history *h = history;
  uint32_t total = 0;
  CLS_TRY(cls_grow(&h->spare, &h->spare_capacity, h->n, h->size, "past spikes"));
  for (uint32_t owner = 0; owner < h->owners; owner++) {
    const uint32_t n = count_kept(h, owner, step);
    uint32_t from = h->newest[owner];
    if (n == 0) continue;
    for (uint32_t k = n; k-- > 0;) {
      cls_past_spike *to = (cls_past_spike *)(h->spare + (total + k) * h->size);
      memcpy(to, cls_history_at(h, from), h->size);
      from = to->previous;
      to->previous = k > 0 ? total + k - 1 : CLS_NO_SPIKE;
    }
    total += n;
    h->newest[owner] = total - 1;
  }
  char *spikes = h->spikes;
  const size_t capacity = h->capacity;
  h->spikes = h->spare;
  h->capacity = h->spare_capacity;
  h->spare = spikes;
  h->spare_capacity = capacity;
  h->n = h->kept = total;
  return CLS_OK;
}

size_t cls_history_bytes(const cls_history *history) {
  return history->owners * sizeof *history->newest +
         (history->capacity + history->spare_capacity) * history->size;
}

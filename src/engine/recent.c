#include "engine/recent.h"
#include <stdlib.h>

static void forget(cls_recent *r, int64_t now, uint32_t max_delay) {
  size_t kept = 0;
  for (size_t i = 0; i < r->n; i++) {
    if (r->fired[i] + (int64_t)max_delay < now) continue;
    r->slot[kept] = r->slot[i];
    r->fired[kept++] = r->fired[i];
  }
  r->n = r->kept = kept;
}

cls_status cls_recent_add(cls_recent *recent, int64_t now, uint32_t max_delay, const cls_arrival *arrivals,
                          size_t n) {
  cls_recent *r = recent;
  if (r->n > 2 * r->kept + 4096) forget(r, now, max_delay);
  CLS_TRY(cls_grow(&r->slot, &r->slot_capacity, r->n + n, sizeof *r->slot, "recent spikes"));
  CLS_TRY(cls_grow(&r->fired, &r->fired_capacity, r->n + n, sizeof *r->fired, "recent spikes"));
  for (size_t i = 0; i < n; i++) {
    r->slot[r->n] = arrivals[i].slot;
    r->fired[r->n++] = now - arrivals[i].age;
  }
  return CLS_OK;
}

cls_status cls_recent_arrivals(cls_recent *recent, int64_t now, uint32_t max_delay,
                               const cls_arrival **arrivals, size_t *n) {
  cls_recent *r = recent;
  forget(r, now, max_delay);
  CLS_TRY(cls_grow(&r->arrivals, &r->arrivals_capacity, r->n, sizeof *r->arrivals, "recent spikes"));
  for (size_t i = 0; i < r->n; i++) r->arrivals[i] = (cls_arrival){r->slot[i], (uint32_t)(now - r->fired[i])};
  *arrivals = r->arrivals;
  *n = r->n;
  return CLS_OK;
}

void cls_recent_free(cls_recent *recent) {
  free(recent->slot);
  free(recent->fired);
  free(recent->arrivals);
  *recent = (cls_recent){0};
}

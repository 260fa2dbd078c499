#include "engine/recent.h"
#include <stdlib.h>

/* Old ones are forgotten before the low bits of steps begin anew. */
enum { LONG = 1 << 30 };

static uint32_t age(const cls_recent *r, size_t i, int64_t now) { return (uint32_t)now - r->fired[i].step; }

static void forget(cls_recent *r, int64_t now, uint32_t max_delay) {
  size_t kept = 0;
  for (size_t i = 0; i < r->n; i++)
    if (age(r, i, now) <= max_delay) r->fired[kept++] = r->fired[i];
  r->n = kept;
  r->forgotten = now;
}

cls_status cls_recent_add(cls_recent *recent, int64_t now, uint32_t max_delay, const cls_arrival *arrivals,
                          size_t n) {
  cls_recent *r = recent;
  if (r->n + n > r->capacity || now - r->forgotten > LONG) {
    forget(r, now, max_delay);
    /* Where little was forgotten there is to be room for half as many again before that is tried next. */
    const size_t needed = r->n + n + r->n / 2;
    if (needed > r->capacity) {
      CLS_TRY(cls_resize(&r->fired, needed, sizeof *r->fired, "recent spikes"));
      r->capacity = needed;
    }
  }
  for (size_t i = 0; i < n; i++)
    r->fired[r->n++] = (cls_recent_spike){arrivals[i].slot, (uint32_t)now - arrivals[i].age};
  return CLS_OK;
}

cls_status cls_recent_arrivals(cls_recent *recent, int64_t now, uint32_t max_delay, cls_arrival **arrivals,
                               size_t *n) {
  cls_recent *r = recent;
  forget(r, now, max_delay);
  CLS_TRY(cls_alloc_unset(arrivals, r->n, sizeof **arrivals, "recent spikes"));
  for (size_t i = 0; i < r->n; i++) (*arrivals)[i] = (cls_arrival){r->fired[i].slot, age(r, i, now)};
  *n = r->n;
  return CLS_OK;
}

void cls_recent_free(cls_recent *recent) {
  free(recent->fired);
  *recent = (cls_recent){0};
}

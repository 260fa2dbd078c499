/* Recent spikes: those that reached this rank and whose events may still be due. What is in flight to a backend can
 * be rebuilt from them. */
#ifndef CALLOSUM_RECENT_H
#define CALLOSUM_RECENT_H

#include "engine/engine.h"

typedef struct {
  uint32_t slot;
  uint32_t step; /* the low bits of when it was fired */
} cls_recent_spike;

typedef struct {
  cls_recent_spike *fired;
  size_t n, capacity;
  int64_t forgotten; /* when it last forgot those that are old */
} cls_recent;

/* Adds spikes handed over before step `now`; forgets those fired more than `max_delay` steps before it now and
 * then, so that memory stays in proportion to the spikes of that time. To be called at least every 2^31 steps, with spikes or without. */
cls_status cls_recent_add(cls_recent *recent, int64_t now, uint32_t max_delay, const cls_arrival *arrivals,
                          size_t n);
/* Those with events that may be due at `now` or later, in the order they came. To be freed by the caller. */
cls_status cls_recent_arrivals(cls_recent *recent, int64_t now, uint32_t max_delay, cls_arrival **arrivals,
                               size_t *n);
void cls_recent_free(cls_recent *recent);

#endif

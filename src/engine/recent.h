/* Recent spikes: those that reached this rank and whose events may still be due. What is in flight to a backend can
 * be rebuilt from them. */
#ifndef CALLOSUM_RECENT_H
#define CALLOSUM_RECENT_H

#include "engine/engine.h"

typedef struct {
  uint32_t *slot;
  int64_t *fired; /* step of each */
  size_t n, slot_capacity, fired_capacity, kept;
  cls_arrival *arrivals; /* what cls_recent_arrivals made */
  size_t arrivals_capacity;
} cls_recent;

/* Adds spikes handed over before step `now`; forgets those fired more than `max_delay` steps before it now and
 * then, so that memory stays in proportion to the spikes of that time. */
cls_status cls_recent_add(cls_recent *recent, int64_t now, uint32_t max_delay, const cls_arrival *arrivals,
                          size_t n);
/* Those with events that may be due at `now` or later. Borrowed until the next call. */
cls_status cls_recent_arrivals(cls_recent *recent, int64_t now, uint32_t max_delay,
                               const cls_arrival **arrivals, size_t *n);
void cls_recent_free(cls_recent *recent);

#endif

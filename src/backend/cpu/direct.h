/* Delivering the runs at which cursors stand: what a step of a densely connected network spends most of its time on. */
#ifndef CALLOSUM_DIRECT_H
#define CALLOSUM_DIRECT_H

#include "backend/cpu/flight.h"
#include "backend/cpu/sums.h"

/* Room for the runs of a step. */
typedef struct {
  struct cls_due_run_ *run;
  size_t capacity;
  uint32_t *stop; /* [channel][class]: where the runs of a class end */
  uint32_t n_channels;
} cls_direct;

cls_status cls_direct_create(cls_direct *direct, uint32_t n_channels);
void cls_direct_destroy(cls_direct *direct);
/* Adds the runs of the flight's cursors that are due in `step` to sums[channel], moves their cursors on and forgets those at
 * the end of their row. Adds the number of events to *events. */
cls_status cls_direct_deliver(cls_direct *direct, cls_flight *flight, cls_port_sum *sums, int64_t step,
                              uint64_t *events);

#endif

/* Spikes in flight towards one part: the recent spikes of sources delivered directly, and the calendar of
 * events of all others. There is no ring buffer of neurons x delays: what is kept is what was fired. */
#ifndef CALLOSUM_FLIGHT_H
#define CALLOSUM_FLIGHT_H

#include "backend/cpu/common.h"

typedef struct {
  uint32_t n_channels, max_delay;
  uint32_t calendar_mask, history_mask;
  cls_words_list *calendar; /* [due step & calendar_mask][channel]: synapse words to add in that step */
  cls_words_list *history;  /* [step & history_mask]: slots, delivered directly, that spiked in that step */
} cls_flight;

cls_status cls_flight_create(cls_flight *flight, const cls_store *store, uint32_t n_channels);
void cls_flight_destroy(cls_flight *flight);
size_t cls_flight_bytes(const cls_flight *flight);
/* Takes spikes that are handed over before step `now`: their events due at `now` or later. Adds the events put
 * into the calendar to *events; those of rows delivered directly are counted when they are due. */
cls_status cls_flight_take(cls_flight *flight, const cls_store *store, int64_t now,
                           const cls_arrival *arrivals, size_t n, uint64_t *events);

/* Empties it. */
void cls_flight_forget(cls_flight *flight);

static inline cls_words_list *cls_flight_due(cls_flight *f, int64_t step, uint32_t channel) {
  return &f->calendar[((uint64_t)step & f->calendar_mask) * f->n_channels + channel];
}
static inline cls_words_list *cls_flight_spikes(cls_flight *f, int64_t step) {
  return &f->history[(uint64_t)step & f->history_mask];
}
/* After the direct runs of `step` were added: spikes whose last run was due then are forgotten. */
static inline void cls_flight_retire(cls_flight *f, int64_t step) {
  cls_flight_spikes(f, step - f->max_delay)->n = 0;
}

#endif

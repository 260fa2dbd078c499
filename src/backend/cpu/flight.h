/* Spikes in flight towards one part. There is no ring buffer of neurons x delays: what is kept is what was fired.
 *
 *   cursors   spikes of rows with long runs. Each stands at its row's next run and moves on when that run is due, so
 *             that a run costs one line of a list that lies in the cache and its own synapses, read where they are.
 *   calendar  runs of all other rows, copied to the step they are due in when their spike arrives. One list per step:
 *             the ends of a few hundred lists stay in the nearest cache, those of lists per step and channel would not
 *             (measured on a brain of 10^6 neurons: 9 against 4 ns per event). */
#ifndef CALLOSUM_FLIGHT_H
#define CALLOSUM_FLIGHT_H

#include "backend/cpu/common.h"

/* A spike on its way along a row: it stands at the run at `word`, whose header is `header`. */
typedef struct {
  const uint32_t *word, *end; /* first synapse of the run; end of the row */
  uint32_t header;
  uint32_t fired; /* low 32 bits of its step: a run of delay d is due in step fired + d */
} cls_cursor;

typedef struct {
  cls_cursor *at;
  size_t n, capacity;
} cls_cursor_list;

typedef struct {
  uint32_t mask;
  cls_words_list *calendar; /* [due step & mask]: runs, with their headers, to add in that step */
  cls_cursor_list *cursors; /* [due step & mask] */
  cls_cursor_list spare;    /* empty: see cls_flight_turn() */
} cls_flight;

cls_status cls_flight_create(cls_flight *flight, const cls_store *store);
void cls_flight_destroy(cls_flight *flight);
size_t cls_flight_bytes(const cls_flight *flight);
/* Takes spikes that are handed over before step `now`: their events due at `now` or later. Adds the events put
 * into the calendar to *events; those of rows with cursors are counted when they are due. */
cls_status cls_flight_take(cls_flight *flight, const cls_store *store, int64_t now,
                           const cls_arrival *arrivals, size_t n, uint64_t *events);

/* Empties it. */
void cls_flight_forget(cls_flight *flight);

static inline cls_words_list *cls_flight_due(cls_flight *f, int64_t step) {
  return &f->calendar[(uint64_t)step & f->mask];
}
static inline cls_cursor_list *cls_flight_cursors(cls_flight *f, int64_t step) {
  return &f->cursors[(uint64_t)step & f->mask];
}

static inline cls_status cls_cursor_add(cls_cursor_list *list, const cls_cursor *cursor) {
  if (__builtin_expect(list->n == list->capacity, 0))
    CLS_TRY(cls_grow(&list->at, &list->capacity, list->n + 1, sizeof *list->at, "spikes in flight"));
  list->at[list->n++] = *cursor;
  return CLS_OK;
}

/* Before and after the cursors of `step` move on: lends the list of the next step, where most of them go, the memory that
 * the last step's list had. So two long lists take turns in the cache, and the others stay short. */
void cls_flight_turn(cls_flight *flight, int64_t step);
void cls_flight_turned(cls_flight *flight, int64_t step);

/* Moves a cursor to the run behind `words` words of its present one. False at the end of the row. */
static inline bool cls_cursor_next(cls_cursor *cursor, uint32_t words) {
  const uint32_t *header = cursor->word + words;
  if (header == cursor->end) return false;
  cursor->header = *header;
  cursor->word = header + 1;
  return true;
}

#endif

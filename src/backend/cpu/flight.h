/* Spikes in flight towards one part. There is no ring buffer of neurons x delays: what is kept is what was fired.
 *
 *   cursors   spikes of rows with long runs. Each stands at its row's next run and moves on when that run is due, so
 *             that a run costs one line of a list that lies in the cache and its own synapses, read where they are.
 *   calendar  runs of all other rows, copied to the step they are due in when their spike arrives. One list per step:
 *             the ends of a few hundred lists stay in the nearest cache, those of lists per step and channel would not
 *             (measured on a brain of 10^6 neurons: 9 against 4 ns per event). */
#ifndef CALLOSUM_FLIGHT_H
#define CALLOSUM_FLIGHT_H

#include "backend/cpu/chunks.h"

/* A spike on its way along a row: it stands at the run at `word`, whose header is `header`. */
typedef struct {
  const uint32_t *word, *end; /* first synapse of the run; end of the row */
  uint32_t header;
  uint32_t fired; /* low 32 bits of its step: a run of delay d is due in step fired + d */
} cls_cursor;
enum { CLS_CURSOR_WORDS = sizeof(cls_cursor) / sizeof(uint32_t) };
_Static_assert(CLS_CURSOR_WORDS % 2 == 0 && offsetof(cls_chunk, word) % sizeof(void *) == 0,
               "cursors lie aligned in chunks");

typedef struct {
  uint32_t mask;
  cls_chunk_list *calendar; /* [due step & mask]: runs, with their headers, to add in that step */
  cls_chunk_list *cursors;  /* [due step & mask] */
  cls_chunk_pool *pool;     /* of their chunks; borrowed */
} cls_flight;

cls_status cls_flight_create(cls_flight *flight, const cls_store *store, cls_chunk_pool *pool);
/* Gives nothing back to the pool. */
void cls_flight_destroy(cls_flight *flight);
/* Without its chunks. */
size_t cls_flight_bytes(const cls_flight *flight);
/* Takes spikes that are handed over before step `now`: their events due at `now` or later. Adds the events put
 * into the calendar to *events; those of rows with cursors are counted when they are due. */
cls_status cls_flight_take(cls_flight *flight, const cls_store *store, int64_t now,
                           const cls_arrival *arrivals, size_t n, uint64_t *events);

/* Empties it. */
void cls_flight_forget(cls_flight *flight);

static inline cls_chunk_list *cls_flight_due(cls_flight *f, int64_t step) {
  return &f->calendar[(uint64_t)step & f->mask];
}
static inline cls_chunk_list *cls_flight_cursors(cls_flight *f, int64_t step) {
  return &f->cursors[(uint64_t)step & f->mask];
}

static inline cls_status cls_cursor_add(cls_flight *flight, cls_chunk_list *list, cls_cursor cursor) {
  uint32_t *at;
  CLS_TRY(cls_chunks_add(flight->pool, list, CLS_CURSOR_WORDS, &at));
  /* Field by field: copied as a whole it would be read from the stack before it is there (measured: 12 cycles). */
  cls_cursor *to = (cls_cursor *)(void *)at;
  to->word = cursor.word;
  to->end = cursor.end;
  to->header = cursor.header;
  to->fired = cursor.fired;
  return CLS_OK;
}
static inline const cls_cursor *cls_cursor_at(const cls_chunk *chunk, uint32_t at) {
  return (const cls_cursor *)(const void *)(chunk->word + at);
}

/* Moves a cursor to the run behind `words` words of its present one. False at the end of the row. */
static inline bool cls_cursor_next(cls_cursor *cursor, uint32_t words) {
  const uint32_t *header = cursor->word + words;
  if (header == cursor->end) return false;
  cursor->header = *header;
  cursor->word = header + 1;
  return true;
}

#endif

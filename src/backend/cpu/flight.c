#include "backend/cpu/flight.h"
#include "backend/cpu/common.h"
#include <stdlib.h>

cls_status cls_flight_create(cls_flight *flight, const cls_store *store, cls_chunk_pool *pool) {
  flight->pool = pool;
  /* Events are due in [now, now + max_delay]. */
  flight->mask = cls_cpu_power_of_two(store->max_delay + 1) - 1;
  CLS_TRY(cls_alloc(&flight->calendar, flight->mask + 1ul, sizeof *flight->calendar, "calendar"));
  return cls_alloc(&flight->cursors, flight->mask + 1ul, sizeof *flight->cursors, "spikes in flight");
}

void cls_flight_destroy(cls_flight *flight) {
  free(flight->calendar);
  free(flight->cursors);
}

size_t cls_flight_bytes(const cls_flight *flight) {
  return (flight->mask + 1ul) * (sizeof *flight->calendar + sizeof *flight->cursors);
}

void cls_flight_forget(cls_flight *flight) {
  for (size_t i = 0; i <= flight->mask; i++) {
    cls_chunks_clear(flight->pool, &flight->calendar[i]);
    cls_chunks_clear(flight->pool, &flight->cursors[i]);
  }
}

/* Puts a cursor at the first run of a row that is due at `now` or later; those before it are passed only for spikes
 * that are taken a second time. */
static cls_status follow(cls_flight *flight, const cls_store *store, const cls_arrival *arrival,
                         int64_t now) {
  const uint32_t *row = store->word + store->row[arrival->slot];
  cls_cursor cursor = {.word = row + 1,
                       .end = store->word + store->row[arrival->slot + 1],
                       .header = *row,
                       .fired = (uint32_t)(now - arrival->age)};
  while (cls_run_delay(cursor.header) < arrival->age)
    if (!cls_cursor_next(&cursor, cls_run_count(cursor.header))) return CLS_OK;
  return cls_cursor_add(flight, cls_flight_cursors(flight, now - arrival->age + cls_run_delay(cursor.header)),
                        cursor);
}

/* Copies the runs of a row to the steps they are due in. Runs ascend by delay; those due before `now` come
 * first, and only of spikes that are taken a second time. */
static cls_status post(cls_flight *flight, const uint32_t *word, const uint32_t *end,
                       const cls_arrival *arrival, int64_t now, uint64_t *events) {
  int64_t fired = now - arrival->age;
  while (word < end && cls_run_delay(*word) < arrival->age) word += 1 + cls_run_count(*word);
  while (word < end) {
    const uint32_t length = 1 + cls_run_count(*word);
    uint32_t *at;
    CLS_TRY(cls_chunks_add(flight->pool, cls_flight_due(flight, fired + cls_run_delay(*word)), length, &at));
    cls_words_copy(at, word, length);
    word += length;
    *events += length - 1;
  }
  return CLS_OK;
}

/* Rows are read in the order of arrival, far apart in memory: their first lines are asked for some arrivals
 * ahead. */
enum { LOOK_AHEAD_ROW = 16, LOOK_AHEAD_WORDS = 8 };

cls_status cls_flight_take(cls_flight *flight, const cls_store *store, int64_t now,
                           const cls_arrival *arrivals, size_t n, uint64_t *events) {
  for (size_t i = 0; i < n; i++) {
    if (i + LOOK_AHEAD_ROW < n) __builtin_prefetch(&store->row[arrivals[i + LOOK_AHEAD_ROW].slot]);
    if (i + LOOK_AHEAD_WORDS < n) {
      uint32_t slot = arrivals[i + LOOK_AHEAD_WORDS].slot;
      const char *from = (const char *)(store->word + store->row[slot]);
      const char *to = (const char *)(store->word + store->row[slot + 1]);
      if (to > from + 1024) to = from + 1024;
      for (; from < to; from += 64) __builtin_prefetch(from);
    }
    uint32_t slot = arrivals[i].slot;
    if (store->direct && store->direct[slot])
      CLS_TRY(follow(flight, store, &arrivals[i], now));
    else
      CLS_TRY(post(flight, store->word + store->row[slot], store->word + store->row[slot + 1], &arrivals[i],
                   now, events));
    if (store->procedural) {
      const uint32_t *word, *end;
      CLS_TRY(cls_store_draw_row(store, slot, &word, &end));
      CLS_TRY(post(flight, word, end, &arrivals[i], now, events));
    }
  }
  return CLS_OK;
}

#include "backend/cpu/flight.h"
#include <stdlib.h>
#include <string.h>

cls_status cls_flight_create(cls_flight *flight, const cls_store *store) {
  /* Events are due in [now, now + max_delay]. */
  flight->mask = cls_cpu_power_of_two(store->max_delay + 1) - 1;
  CLS_TRY(cls_alloc(&flight->calendar, flight->mask + 1ul, sizeof *flight->calendar, "calendar"));
  return cls_alloc(&flight->cursors, flight->mask + 1ul, sizeof *flight->cursors, "spikes in flight");
}

void cls_flight_destroy(cls_flight *flight) {
  for (size_t i = 0; flight->calendar && i <= flight->mask; i++) free(flight->calendar[i].word);
  for (size_t i = 0; flight->cursors && i <= flight->mask; i++) free(flight->cursors[i].at);
  free(flight->calendar);
  free(flight->cursors);
  free(flight->spare.at);
}

size_t cls_flight_bytes(const cls_flight *flight) {
  size_t words = 0, cursors = flight->spare.capacity;
  for (size_t i = 0; i <= flight->mask; i++) {
    words += flight->calendar[i].capacity;
    cursors += flight->cursors[i].capacity;
  }
  return (flight->mask + 1ul) * (sizeof *flight->calendar + sizeof *flight->cursors) +
         words * sizeof(uint32_t) + cursors * sizeof(cls_cursor);
}

void cls_flight_forget(cls_flight *flight) {
  for (size_t i = 0; i <= flight->mask; i++) flight->calendar[i].n = flight->cursors[i].n = 0;
}

static void swap(cls_cursor_list *a, cls_cursor_list *b) {
  cls_cursor_list kept = *a;
  *a = *b;
  *b = kept;
}

void cls_flight_turn(cls_flight *flight, int64_t step) {
  cls_cursor_list *next = cls_flight_cursors(flight, step + 1);
  if (next->n > flight->spare.capacity || next->n == 0) {
    if (next->n == 0) swap(next, &flight->spare);
    return;
  }
  memcpy(flight->spare.at, next->at, next->n * sizeof *next->at);
  flight->spare.n = next->n;
  next->n = 0;
  swap(next, &flight->spare);
}

void cls_flight_turned(cls_flight *flight, int64_t step) {
  swap(cls_flight_cursors(flight, step), &flight->spare);
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
  return cls_cursor_add(cls_flight_cursors(flight, now - arrival->age + cls_run_delay(cursor.header)),
                        &cursor);
}

/* Copies the runs of a row to the steps they are due in. Runs ascend by delay; those due before `now` come
 * first, and only of spikes that are taken a second time. */
static cls_status post(cls_flight *flight, const uint32_t *word, const uint32_t *end,
                       const cls_arrival *arrival, int64_t now, uint64_t *events) {
  int64_t fired = now - arrival->age;
  while (word < end && cls_run_delay(*word) < arrival->age) word += 1 + cls_run_count(*word);
  while (word < end) {
    const uint32_t length = 1 + cls_run_count(*word);
    CLS_TRY(cls_words_add(cls_flight_due(flight, fired + cls_run_delay(*word)), word, length));
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

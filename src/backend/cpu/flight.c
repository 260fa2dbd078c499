#include "backend/cpu/flight.h"
#include <stdlib.h>
#include <string.h>

cls_status cls_flight_create(cls_flight *flight, const cls_store *store, uint32_t n_channels) {
  flight->n_channels = n_channels;
  flight->max_delay = store->max_delay;
  /* Events are due in [now, now + max_delay); spikes may arrive up to a delay late. */
  flight->calendar_mask = cls_cpu_power_of_two(store->max_delay + 1) - 1;
  flight->history_mask = cls_cpu_power_of_two(2 * store->max_delay + 2) - 1;
  CLS_TRY(cls_alloc(&flight->calendar, (flight->calendar_mask + 1ul) * n_channels, sizeof *flight->calendar,
                    "calendar"));
  return cls_alloc(&flight->history, flight->history_mask + 1ul, sizeof *flight->history, "recent spikes");
}

void cls_flight_destroy(cls_flight *flight) {
  for (size_t i = 0; flight->calendar && i < (flight->calendar_mask + 1ul) * flight->n_channels; i++)
    free(flight->calendar[i].word);
  for (size_t i = 0; flight->history && i <= flight->history_mask; i++) free(flight->history[i].word);
  free(flight->calendar);
  free(flight->history);
}

size_t cls_flight_bytes(const cls_flight *flight) {
  size_t lists = (flight->calendar_mask + 1ul) * flight->n_channels, words = 0;
  for (size_t i = 0; i < lists; i++) words += flight->calendar[i].capacity;
  for (size_t i = 0; i <= flight->history_mask; i++) words += flight->history[i].capacity;
  return (lists + flight->history_mask + 1ul) * sizeof *flight->calendar + words * sizeof(uint32_t);
}

void cls_flight_forget(cls_flight *flight) {
  for (size_t i = 0; i < (flight->calendar_mask + 1ul) * flight->n_channels; i++) flight->calendar[i].n = 0;
  for (size_t i = 0; i <= flight->history_mask; i++) flight->history[i].n = 0;
}

/* Copies the runs of a row to the steps they are due in. Runs ascend by delay; those due before `now` come
 * first, and only of spikes that are taken a second time. */
static cls_status post(cls_flight *flight, const cls_store *store, const cls_arrival *arrival, int64_t now,
                       uint64_t *events) {
  const uint32_t *word = store->word + store->row[arrival->slot];
  const uint32_t *end = store->word + store->row[arrival->slot + 1];
  int64_t fired = now - arrival->age;
  while (word < end && cls_run_delay(*word) < arrival->age) word += 1 + cls_run_count(*word);
  while (word < end) {
    uint32_t header = *word++, count = cls_run_count(header);
    cls_words_list *due = cls_flight_due(flight, fired + cls_run_delay(header), cls_run_channel(header));
    CLS_TRY(cls_words_reserve(due, count));
    uint32_t *to = due->word + due->n;
    for (uint32_t k = 0; k < count; k++) to[k] = word[k];
    due->n += count;
    word += count;
    *events += count;
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
    if (store->direct && store->direct[slot] != UINT32_MAX) {
      cls_words_list *spikes = cls_flight_spikes(flight, now - arrivals[i].age);
      CLS_TRY(cls_words_reserve(spikes, 1));
      spikes->word[spikes->n++] = slot;
    } else {
      CLS_TRY(post(flight, store, &arrivals[i], now, events));
    }
  }
  return CLS_OK;
}

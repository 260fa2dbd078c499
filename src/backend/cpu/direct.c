#include "backend/cpu/direct.h"
#include <stdlib.h>
#include <string.h>

/* Synapses are added by fours; what the last one reads of the next run it takes for synapses of weight 0 onto target 0: no
 * branch depends on how many a run has, but the number of its fours. Runs are sorted by it, so that loops over fours end as predicted: a
 * branch mispredicted costs as much as 6 events (measured: .1 ns per event). CLASSES - 1 fours or more are one class. */
enum { FOUR = 4, CLASSES = 64 };
_Static_assert((int)FOUR <= (int)CLS_STORE_SLACK, "a run may be read to the end of its last four");

/* Synapses lie far apart in memory, and are asked for in two stages: FAR runs before they are added, into the second-level
 * cache, whose queue of requests is longer, and NEAR runs before into the first. */
enum { FAR = 40, NEAR = 3 };

typedef struct cls_due_run_ {
  const uint32_t *word;
  uint32_t count;
} due_run;

cls_status cls_direct_create(cls_direct *direct, uint32_t n_channels) {
  direct->n_channels = n_channels;
  return cls_alloc(&direct->stop, (size_t)n_channels * CLASSES, sizeof *direct->stop, "runs due");
}

void cls_direct_destroy(cls_direct *direct) {
  free(direct->run);
  free(direct->stop);
}

static uint32_t class_of(uint32_t count) {
  uint32_t fours = (count + FOUR - 1) / FOUR;
  return fours < CLASSES ? fours : CLASSES - 1;
}

static uint32_t class_at(uint32_t header) {
  return cls_run_channel(header) * CLASSES + class_of(cls_run_count(header));
}

/* Lists the runs at which the cursors stand, by channel and class (counting sort). Behind the last one stand FAR that may
 * be asked for. */
static cls_status list_runs(cls_direct *direct, const cls_chunk_list *cursors, uint32_t *n) {
  const size_t n_classes = (size_t)direct->n_channels * CLASSES;
  uint32_t *stop = direct->stop, total = 0;
  memset(stop, 0, n_classes * sizeof *stop);
  for (const cls_chunk *chunk = cursors->first; chunk; chunk = chunk->next)
    for (uint32_t i = 0; i < cls_chunks_n(cursors, chunk); i += CLS_CURSOR_WORDS)
      stop[class_at(cls_cursor_at(chunk, i)->header)]++;
  for (size_t k = 0; k < n_classes; k++) {
    const uint32_t here = stop[k];
    stop[k] = total;
    total += here;
  }
  if (total + FAR > direct->capacity)
    CLS_TRY(cls_grow(&direct->run, &direct->capacity, total + FAR, sizeof *direct->run, "runs due"));
  for (const cls_chunk *chunk = cursors->first; chunk; chunk = chunk->next)
    for (uint32_t i = 0; i < cls_chunks_n(cursors, chunk); i += CLS_CURSOR_WORDS) {
      const cls_cursor *cursor = cls_cursor_at(chunk, i);
      direct->run[stop[class_at(cursor->header)]++] = (due_run){cursor->word, cls_run_count(cursor->header)};
    }
  for (uint32_t i = 0; i < FAR; i++) direct->run[total + i] = direct->run[total - 1];
  *n = total;
  return CLS_OK;
}

static inline void ask(const due_run *run, uint32_t fours) {
  const char *far = (const char *)run[FAR].word, *near = (const char *)run[NEAR].word;
  for (uint32_t byte = 0; byte <= fours * FOUR * sizeof(uint32_t); byte += 64) {
    __builtin_prefetch(far + byte, 0, 2);
    __builtin_prefetch(near + byte, 0, 3);
  }
}

/* Bits of a word of which all are set where j < left. */
static inline int32_t all_if_below(int32_t j, int32_t left) { return (j - left) >> 31; }

static inline void add_singles(int32_t *restrict acc, const uint32_t *word, uint32_t count, uint32_t whole) {
  for (uint32_t c = 0; c < whole; c++, word += FOUR)
#pragma GCC unroll 4
    for (int j = 0; j < FOUR; j++) acc[word[j] & 0xffff] += cls_word_single(word[j]);
  const int32_t left = (int32_t)(count - whole * FOUR);
#pragma GCC unroll 4
  for (int j = 0; j < FOUR; j++) {
    const uint32_t kept = word[j] & (uint32_t)all_if_below(j, left);
    acc[kept & 0xffff] += cls_word_single(kept);
  }
}

static inline void add_pairs(uint64_t *restrict acc, const uint32_t *word, uint32_t count, uint32_t whole) {
  for (uint32_t c = 0; c < whole; c++, word += FOUR)
#pragma GCC unroll 4
    for (int j = 0; j < FOUR; j++) acc[word[j] & 0xffff] += cls_word_pair(word[j]);
  const int32_t left = (int32_t)(count - whole * FOUR);
#pragma GCC unroll 4
  for (int j = 0; j < FOUR; j++) {
    const uint32_t kept = word[j] & (uint32_t)all_if_below(j, left);
    acc[kept & 0xffff] += cls_word_pair(kept);
  }
}

/* Adds the runs of one class. */
static inline uint64_t add_class(cls_port_sum *sum, const due_run *run, uint32_t n, uint32_t class) {
  uint64_t events = 0;
  if (n > 0) sum->dirty = true;
  for (uint32_t i = 0; i < n; i++, run++) {
    const uint32_t whole = class < CLASSES - 1 ? class - 1 : (run->count - 1) / FOUR;
    ask(run, class);
    if (sum->pair)
      add_pairs(sum->pair, run->word, run->count, whole);
    else
      add_singles(sum->single, run->word, run->count, whole);
    events += run->count;
  }
  return events;
}

/* Moves the cursors of a step on. Those whose row has another run of this delay, for another channel, go to *again. */
static cls_status move_on(cls_flight *flight, int64_t step, cls_chunk_list *list, cls_chunk_list *again) {
  while (list->first) {
    const cls_chunk *chunk = list->first;
    for (uint32_t i = 0; i < cls_chunks_n(list, chunk); i += CLS_CURSOR_WORDS) {
      cls_cursor cursor = *cls_cursor_at(chunk, i);
      if (!cls_cursor_next(&cursor, cls_run_count(cursor.header))) continue;
      const uint32_t due = cursor.fired + cls_run_delay(cursor.header);
      CLS_TRY(
          cls_cursor_add(flight, due == (uint32_t)step ? again : cls_flight_cursors(flight, due), cursor));
    }
    cls_chunks_drop_first(flight->pool, list);
  }
  return CLS_OK;
}

cls_status cls_direct_deliver(cls_direct *direct, cls_flight *flight, cls_port_sum *sums, int64_t step,
                              uint64_t *events) {
  cls_chunk_list list = *cls_flight_cursors(flight, step), again;
  *cls_flight_cursors(flight, step) = (cls_chunk_list){0};
  for (uint32_t n; list.first; list = again) {
    CLS_TRY(list_runs(direct, &list, &n));
    for (uint32_t k = 0, i = 0; i < n; i = direct->stop[k++])
      *events += add_class(&sums[k / CLASSES], direct->run + i, direct->stop[k] - i, k % CLASSES);
    again = (cls_chunk_list){0};
    CLS_TRY(move_on(flight, step, &list, &again));
  }
  return CLS_OK;
}

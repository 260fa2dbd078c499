/* What both CPU backends share: member state pools, reading and writing them. */
#ifndef CALLOSUM_CPU_COMMON_H
#define CALLOSUM_CPU_COMMON_H

#include "engine/neurons.h"
#include "engine/store.h"
#include <string.h>

/* What an instance of either backend begins with, so that the functions below serve both. */
typedef struct {
  cls_backend_setup setup;
  float **pools; /* states, one pool per member */
} cls_cpu;

/* Fills `cpu` and starts one pool of states per member. */
cls_status cls_cpu_create(const cls_backend_setup *setup, cls_cpu *cpu);
void cls_cpu_destroy(cls_cpu *cpu);
/* Entries of cls_backend; `instance` begins with a cls_cpu. */
cls_status cls_cpu_currents(void *instance, int member, int64_t *sums);
cls_status cls_cpu_get_state(void *instance, int member, uint32_t range, int state, float *values);
cls_status cls_cpu_put_state(void *instance, int member, uint32_t range, int state, const float *values);
cls_status cls_cpu_probe(void *instance, int member, const cls_probe *probes, size_t n, float *values);
/* To be called for every range before each step: every CLS_FLUSH_STEPS steps, states below 1e-30 become 0. A current without
 * input decays until its float is subnormal, where an operation takes a hundred cycles: measured, a silent network of
 * lif_psc_exp took 6 times as long as an active one. */
enum { CLS_FLUSH_STEPS = 16 };
void cls_cpu_flush(const cls_range_run *run, float *pool);
static inline void cls_cpu_flush_now_and_then(const cls_range_run *run, float *pool, int64_t step) {
  if (step % CLS_FLUSH_STEPS == 0) cls_cpu_flush(run, pool);
}
/* Least power of two >= n. */
uint32_t cls_cpu_power_of_two(uint32_t n);

/* A growable list of 32-bit words. */
typedef struct {
  uint32_t *word;
  size_t n, capacity;
} cls_words_list;
/* Room for `more` words behind the n there are, and CLS_STORE_SLACK beyond. */
static inline cls_status cls_words_reserve(cls_words_list *list, size_t more) {
  const size_t needed = list->n + more + CLS_STORE_SLACK;
  if (__builtin_expect(needed <= list->capacity, 1)) return CLS_OK;
  return cls_grow(&list->word, &list->capacity, needed, sizeof *list->word, "spikes in flight");
}
/* Copies `n` words of a store or of a list, and up to CLS_STORE_SLACK - 1 behind them. Always a whole number of eights: most runs
 * are shorter than that, and how many words they have is what a processor guesses wrong (measured: 3 ns per run). */
static inline void cls_words_copy(uint32_t *to, const uint32_t *word, uint32_t n) {
  memcpy(to, word, 8 * sizeof *to);
  for (uint32_t k = 8; __builtin_expect(k < n, 0); k += 8) memcpy(to + k, word + k, 8 * sizeof *to);
}
/* Adds `n` words of a store or of another list. */
static inline cls_status cls_words_add(cls_words_list *list, const uint32_t *word, uint32_t n) {
  CLS_TRY(cls_words_reserve(list, n));
  cls_words_copy(list->word + list->n, word, n);
  list->n += n;
  return CLS_OK;
}
_Static_assert((int)CLS_STORE_SLACK == 8, "words are copied by eights");

#endif

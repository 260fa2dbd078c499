/* What both CPU backends share: member state pools, reading and writing them. */
#ifndef CALLOSUM_CPU_COMMON_H
#define CALLOSUM_CPU_COMMON_H

#include "engine/neurons.h"
#include "engine/store.h"

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
/* Room for `more` words behind the n there are. */
static inline cls_status cls_words_reserve(cls_words_list *list, size_t more) {
  if (__builtin_expect(list->n + more <= list->capacity, 1)) return CLS_OK;
  return cls_grow(&list->word, &list->capacity, list->n + more, sizeof *list->word, "spikes in flight");
}

#endif

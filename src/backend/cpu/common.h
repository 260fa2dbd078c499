/* What both CPU backends share: member state pools and reading them. */
#ifndef CALLOSUM_CPU_COMMON_H
#define CALLOSUM_CPU_COMMON_H

#include "engine/neurons.h"
#include "engine/store.h"

/* One pool of states per member, started. */
cls_status cls_cpu_pools_create(const cls_backend_setup *setup, float ***pools);
void cls_cpu_pools_destroy(float **pools, int members);
void cls_cpu_currents(const cls_neurons *neurons, float *pool, int64_t *sums);
void cls_cpu_get_state(const cls_neurons *neurons, const float *pool, uint32_t range, int state,
                       float *values);
void cls_cpu_put_state(const cls_neurons *neurons, float *pool, uint32_t range, int state,
                       const float *values);
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

/* Summed input of a shard's port in the step to come, and how events are added to it. */
#ifndef CALLOSUM_SUMS_H
#define CALLOSUM_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two 32-bit sums in one 64-bit word for pairs of weights (one add per event), one 32-bit sum else. One of the pointers is
 * NULL. */
typedef struct {
  uint64_t *pair;
  int32_t *single;
  bool dirty; /* something arrived since it was read */
} cls_port_sum;

/* What a synapse word adds. */
static inline uint64_t cls_word_pair(uint32_t word) {
  return (word >> 16 & 0xff) | (uint64_t)(word >> 24) << 32;
}
static inline int32_t cls_word_single(uint32_t word) { return (int32_t)word >> 16; }

static inline void cls_sum_add(cls_port_sum *sum, const uint32_t *word, size_t n) {
  if (n == 0) return;
  sum->dirty = true;
  if (sum->pair) {
    uint64_t *acc = sum->pair;
    for (size_t i = 0; i < n; i++) acc[word[i] & 0xffff] += cls_word_pair(word[i]);
  } else {
    int32_t *acc = sum->single;
    for (size_t i = 0; i < n; i++) acc[word[i] & 0xffff] += cls_word_single(word[i]);
  }
}

#endif

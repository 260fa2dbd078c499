/* A set of integers that remembers what was drawn, for samples without repetition. It is emptied in a time
 * that does not depend on what it held: a bitmap where the sample is a fair part of its universe, else a hash
 * table whose entries carry the number of the sample they belong to. */
#ifndef CALLOSUM_NETWORK_SET_H
#define CALLOSUM_NETWORK_SET_H

#include "base/base.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  uint64_t key;
  uint64_t sample;
} cls_set_entry;

typedef struct {
  uint64_t *bits;
  cls_set_entry *entries;
  size_t bit_words, capacity; /* allocated: words of `bits`; entries, a power of two */
  uint64_t sample, mask;
  bool dense;
} cls_set;

static inline void cls_set_free(cls_set *set) {
  free(set->bits);
  free(set->entries);
}

/* Empties the set and makes room for `n` values below `universe`. */
static inline cls_status cls_set_start(cls_set *set, uint64_t universe, uint64_t n) {
  set->dense = n > universe / 512; /* clearing the bitmap then costs at most 8 bytes a value */
  if (set->dense) {
    size_t words = (size_t)(universe / 64 + 1);
    CLS_TRY(cls_grow(&set->bits, &set->bit_words, words, sizeof *set->bits, "set of drawn partners"));
    memset(set->bits, 0, words * sizeof *set->bits);
    return CLS_OK;
  }
  uint64_t wanted = set->capacity ? set->capacity : 64;
  while (wanted < 2 * n) wanted *= 2;
  if (wanted > set->capacity) {
    free(set->entries);
    set->entries = NULL;
    set->capacity = 0;
    CLS_TRY(cls_alloc(&set->entries, (size_t)wanted, sizeof *set->entries, "set of drawn partners"));
    set->capacity = (size_t)wanted;
    set->sample = 0;
  }
  set->mask = set->capacity - 1;
  set->sample++;
  return CLS_OK;
}

/* Adds a value; false where it was there. At most the `n` of cls_set_start may be added. */
static inline bool cls_set_add(cls_set *set, uint64_t value) {
  if (set->dense) {
    uint64_t bit = 1ull << (value & 63), *word = &set->bits[value >> 6];
    bool fresh = !(*word & bit);
    *word |= bit;
    return fresh;
  }
  uint64_t at = (value * 0x9e3779b97f4a7c15ull >> 32) & set->mask;
  for (;; at = (at + 1) & set->mask) {
    if (set->entries[at].sample != set->sample) break;
    if (set->entries[at].key == value) return false;
  }
  set->entries[at] = (cls_set_entry){value, set->sample};
  return true;
}

#endif

/* The radix sort that recordings share. */
#include "io/record.h"
#include <string.h>

/* Least significant digit first, 11 bits at a time; digits that are the same in all keys cost one pass of
 * reading. */
void cls_sort_u64(uint64_t *keys, uint64_t *scratch, size_t n) {
  enum { BITS = 11, BUCKETS = 1 << BITS };
  uint64_t varying = 0;
  for (size_t i = 1; i < n; i++) varying |= keys[i] ^ keys[0];
  uint64_t *from = keys, *to = scratch;
  for (int shift = 0; shift < 64; shift += BITS) {
    if ((varying >> shift & (BUCKETS - 1)) == 0) continue;
    size_t at[BUCKETS] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++) at[from[i] >> shift & (BUCKETS - 1)]++;
    for (int b = 0; b < BUCKETS; b++) {
      size_t count = at[b];
      at[b] = sum;
      sum += count;
    }
    for (size_t i = 0; i < n; i++) to[at[from[i] >> shift & (BUCKETS - 1)]++] = from[i];
    uint64_t *other = from;
    from = to;
    to = other;
  }
  if (from != keys && n > 0) memcpy(keys, from, n * sizeof *keys);
}

/* Counts of spikes in time bins, and the radix sort that recordings share. */
#include "io/record.h"
#include <stdlib.h>
#include <string.h>

static size_t row_length(const cls_bins *bins) { return (size_t)bins->members * bins->groups->n_slots; }

/* Makes room for bins [base, base + n), zeroed. */
static cls_status make_room(cls_bins *bins, size_t n) {
  const size_t row = row_length(bins);
  if (n > bins->capacity) {
    size_t old = bins->capacity, items = old * row;
    size_t wanted = n > 2 * old ? n : 2 * old;
    CLS_TRY(cls_grow(&bins->count, &items, wanted * row, sizeof *bins->count, "counts of spikes in bins"));
    memset(bins->count + old * row, 0, (wanted - old) * row * sizeof *bins->count);
    bins->capacity = wanted;
  }
  if (n > bins->used) bins->used = n;
  return CLS_OK;
}

cls_status cls_bins_create(const cls_groups *groups, int members, int64_t bin_steps, int64_t flush_interval,
                           cls_bins *bins) {
  *bins = (cls_bins){.groups = groups, .members = members, .bin_steps = bin_steps};
  bins->capacity = (size_t)(flush_interval / bin_steps) + 2; /* and the bins a flush cuts in two */
  return cls_alloc(&bins->count, bins->capacity * row_length(bins), sizeof *bins->count,
                   "counts of spikes in bins");
}

void cls_bins_destroy(cls_bins *bins) {
  free(bins->count);
  bins->count = NULL;
}

cls_status cls_bins_add(cls_bins *bins, int member, const cls_spikes *spikes) {
  const uint32_t *slot_of_16 = bins->groups->slot_of_16;
  const size_t row = row_length(bins), column = (size_t)member * bins->groups->n_slots;
  if (spikes->end <= spikes->begin) return CLS_OK;
  CLS_CHECK(spikes->begin / bins->bin_steps >= bins->base, CLS_ERR_INTERNAL,
            "spikes of step %lld came after their bin was written", (long long)spikes->begin);
  CLS_TRY(make_room(bins, (size_t)((spikes->end - 1) / bins->bin_steps - bins->base) + 1));
  for (int64_t step = spikes->begin; step < spikes->end; step++) {
    const uint32_t *first = spikes->first + (step - spikes->begin);
    int64_t *count = bins->count + (size_t)(step / bins->bin_steps - bins->base) * row + column;
    for (uint32_t i = first[0]; i < first[1]; i++) {
      uint32_t slot = slot_of_16[spikes->neuron[i] / 16];
      if (slot != CLS_NO_SLOT) count[slot]++;
    }
  }
  return CLS_OK;
}

cls_status cls_bins_complete(cls_bins *bins, int64_t step, size_t *n) {
  int64_t complete = step / bins->bin_steps - bins->base;
  *n = complete > 0 ? (size_t)complete : 0;
  return make_room(bins, *n);
}

void cls_bins_drop(cls_bins *bins, size_t n) {
  const size_t row = row_length(bins);
  memmove(bins->count, bins->count + n * row, (bins->used - n) * row * sizeof *bins->count);
  memset(bins->count + (bins->used - n) * row, 0, n * row * sizeof *bins->count);
  bins->used -= n;
  bins->base += (int64_t)n;
}

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

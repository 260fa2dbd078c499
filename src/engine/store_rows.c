#include "engine/store_rows.h"
#include <stdlib.h>
#include <string.h>

/* ---- rows by sorting ---- */

/* Insertion for short rows, bytes (least first) for long ones. */
void cls_row_sort(uint64_t *row, uint64_t *scratch, size_t n) {
  if (n <= 48) {
    for (size_t i = 1; i < n; i++) {
      uint64_t x = row[i];
      size_t j = i;
      for (; j > 0 && row[j - 1] >> 32 > x >> 32; j--) row[j] = row[j - 1];
      row[j] = x;
    }
    return;
  }
  uint64_t any = 0, all = ~0ull;
  for (size_t i = 0; i < n; i++) any |= row[i], all &= row[i];
  uint64_t *from = row, *to = scratch;
  for (int shift = 32; shift < 64; shift += 8) {
    if ((any >> shift & 255) == (all >> shift & 255)) continue; /* all the same */
    uint32_t first[257] = {0};
    for (size_t i = 0; i < n; i++) first[(from[i] >> shift & 255) + 1]++;
    for (int b = 0; b < 256; b++) first[b + 1] += first[b];
    for (size_t i = 0; i < n; i++) to[first[from[i] >> shift & 255]++] = from[i];
    uint64_t *swap = from;
    from = to;
    to = swap;
  }
  if (from != row) memcpy(row, from, n * sizeof *row);
}

/* Writes sorted records as runs; returns the number of words. `out` may overlap the records from below: a run
 * of k records becomes at most k + 1 words, never more than the 2 k words the records took. */
static size_t write_runs(const uint64_t *record, size_t n, uint32_t *out) {
  size_t words = 0;
  for (size_t i = 0; i < n;) {
    uint32_t key = (uint32_t)(record[i] >> 32), count = 0;
    size_t header = words++;
    while (i < n && (uint32_t)(record[i] >> 32) == key && count < CLS_RUN_MAX) {
      out[words++] = (uint32_t)record[i++];
      count++;
    }
    out[header] = cls_run_header(key & 0xffff, key >> 16, count);
  }
  return words;
}

cls_status cls_rows_sort(cls_store *store, const uint64_t *first, uint64_t *record, uint32_t *min_delay) {
  uint32_t longest = 0;
  for (uint32_t s = 0; s < store->n_slots; s++)
    if (first[s + 1] - first[s] > longest) longest = (uint32_t)(first[s + 1] - first[s]);
  uint64_t *scratch = NULL;
  CLS_TRY(cls_alloc(&scratch, longest, sizeof *scratch, "row"));
  uint32_t *word = (uint32_t *)record;
  uint64_t words = 0;
  for (uint32_t s = 0; s < store->n_slots; s++) {
    size_t n = (size_t)(first[s + 1] - first[s]);
    store->row[s] = words;
    if (n == 0) continue;
    cls_row_sort(record + first[s], scratch, n);
    uint32_t least = (uint32_t)(record[first[s]] >> 48),
             greatest = (uint32_t)(record[first[s + 1] - 1] >> 48);
    if (least < min_delay[s]) min_delay[s] = least;
    if (greatest > store->max_delay) store->max_delay = greatest;
    memcpy(scratch, record + first[s], n * sizeof *scratch);
    words += write_runs(scratch, n, word + words);
  }
  free(scratch);
  store->row[store->n_slots] = words;
  store->word = realloc(record, (words + CLS_STORE_SLACK) * sizeof *word);
  if (!store->word) free(record);
  CLS_CHECK(store->word, CLS_ERR_MEMORY, "synapses: no memory for %llu words", (unsigned long long)words);
  return CLS_OK;
}

/* ---- one row at a time ---- */

#if defined(__x86_64__) && !defined(CALLOSUM_NO_CLONES)
#define RECORD_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define RECORD_CLONES
#endif

RECORD_CLONES void cls_row_records(const cls_row_batch *batch, int from, int to, uint32_t channel,
                                   uint32_t shift, uint64_t *restrict record) {
  const uint32_t *target = batch->target;
  const uint16_t *weight = batch->weight, *delay = batch->delay;
  for (int i = from; i < to; i++)
    record[i - from] = cls_row_record(delay[i], channel, weight[i], target[i] + shift);
}

cls_status cls_row_writer_create(cls_row_writer *writer, uint32_t max_delay, uint32_t channels) {
  *writer = (cls_row_writer){.channels = channels};
  return cls_alloc(&writer->cell, (max_delay + 1ul) * channels, sizeof *writer->cell, "table of a row");
}

void cls_row_writer_free(cls_row_writer *writer) {
  free(writer->cell);
  free(writer->scratch);
}

static cls_status write_sorted(cls_row_writer *w, uint64_t *record, size_t n, uint32_t *out, size_t *words) {
  CLS_TRY(cls_grow(&w->scratch, &w->capacity, n, sizeof *w->scratch, "row"));
  cls_row_sort(record, w->scratch, n);
  *words = write_runs(record, n, out);
  return CLS_OK;
}

/* Counting is cheaper than sorting while the table's part in use is not much longer than the row. */
enum { TABLE_LENGTH = 2 };

cls_status cls_row_write(cls_row_writer *writer, uint64_t *record, size_t n, uint32_t *out, size_t *words) {
  const uint32_t channels = writer->channels;
  uint64_t least = UINT64_MAX, greatest = 0;
  for (size_t i = 0; i < n; i++) {
    least = record[i] < least ? record[i] : least;
    greatest = record[i] > greatest ? record[i] : greatest;
  }
  const uint32_t from = (uint32_t)(least >> 48), to = (uint32_t)(greatest >> 48) + 1;
  writer->greatest = to - 1;
  if ((size_t)(to - from) * channels > TABLE_LENGTH * n) return write_sorted(writer, record, n, out, words);

  uint32_t *cell = writer->cell, at = 0;
  for (size_t i = 0; i < n; i++) cell[(record[i] >> 48) * channels + (record[i] >> 32 & 0xffff)]++;
  bool fits = true;
  for (uint32_t d = from; d < to; d++)
    for (uint32_t c = 0; c < channels; c++) {
      uint32_t *place = &cell[(size_t)d * channels + c], count = *place;
      if (count == 0) continue;
      fits = fits && count <= CLS_RUN_MAX;
      out[at] = cls_run_header(c, d, count);
      *place = at + 1;
      at += 1 + count;
    }
  for (size_t i = 0; fits && i < n; i++)
    out[cell[(record[i] >> 48) * channels + (record[i] >> 32 & 0xffff)]++] = (uint32_t)record[i];
  memset(cell + (size_t)from * channels, 0, (size_t)(to - from) * channels * sizeof *cell);
  *words = at;
  return fits ? CLS_OK : write_sorted(writer, record, n, out, words); /* which cuts runs that are too long */
}

/* ---- rows by counting ---- */

cls_status cls_rows_begin(cls_store *store, cls_row_table *table, uint32_t *min_delay) {
  const size_t stride = cls_row_stride(table);
  uint64_t words = 0;
  for (uint32_t s = 0; s < store->n_slots; s++) {
    const uint32_t *cell = table->cell + s * stride;
    store->row[s] = words;
    for (size_t k = 0; k < stride; k++) words += cell[k] ? cell[k] + 1ul : 0;
  }
  store->row[store->n_slots] = words;
  CLS_TRY(cls_alloc(&store->word, words + CLS_STORE_SLACK, sizeof *store->word, "synapses"));
  for (uint32_t s = 0; s < store->n_slots; s++) {
    uint32_t *cell = table->cell + s * stride, *word = store->word + store->row[s], at = 0;
    for (uint32_t d = 0; d < table->delays; d++) {
      for (uint32_t c = 0; c < table->channels; c++, cell++) {
        uint32_t count = *cell;
        if (count == 0) continue;
        if (d < min_delay[s]) min_delay[s] = d;
        if (d > store->max_delay) store->max_delay = d;
        word[at] = cls_run_header(c, d, count);
        *cell = at + 1;
        at += 1 + count;
      }
    }
  }
  return CLS_OK;
}

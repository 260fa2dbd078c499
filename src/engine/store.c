#include "engine/store_rows.h"
#include <stdlib.h>
#include <string.h>

/* ---- direct delivery ---- */

/* A row is delivered run by run, each at the step it is due, where runs are long enough to be worth finding
 * again; else copied into the calendar when its spike arrives. The row must also dwarf its delay index.
 * Either gives the same sums. */
enum { DIRECT_RUN = 16, DIRECT_ROW = 8 };

cls_status cls_store_index_delays(cls_store *store) {
  size_t width = store->max_delay + 2ul;
  CLS_TRY(cls_alloc(&store->direct, store->n_slots, sizeof *store->direct, "delay index"));
  for (uint32_t s = 0; s < store->n_slots; s++) {
    uint64_t words = store->row[s + 1] - store->row[s], runs = 0;
    for (uint64_t w = store->row[s]; w < store->row[s + 1]; w += 1 + cls_run_count(store->word[w])) runs++;
    bool direct = words >= DIRECT_ROW * width && words - runs >= DIRECT_RUN * runs && words < UINT32_MAX;
    store->direct[s] = direct ? store->n_direct++ : UINT32_MAX;
  }
  if (store->n_direct == 0) {
    free(store->direct);
    store->direct = NULL;
    return CLS_OK;
  }
  CLS_TRY(cls_alloc(&store->delay, store->n_direct * width, sizeof *store->delay, "delay index"));
  for (uint32_t s = 0; s < store->n_slots; s++) {
    if (store->direct[s] == UINT32_MAX) continue;
    uint32_t *delay = store->delay + store->direct[s] * width;
    uint32_t length = (uint32_t)(store->row[s + 1] - store->row[s]), w = 0, d = 0;
    while (w < length) {
      uint32_t header = store->word[store->row[s] + w];
      while (d <= cls_run_delay(header)) delay[d++] = w;
      w += 1 + cls_run_count(header);
    }
    while (d < width) delay[d++] = length;
  }
  return CLS_OK;
}

/* ---- the store as such ---- */

void cls_store_empty(cls_store *store) {
  free(store->row);
  free(store->word);
  free(store->direct);
  free(store->delay);
  *store = (cls_store){0};
}

void cls_store_destroy(cls_store *store) {
  if (!store) return;
  cls_store_empty(store);
  free(store);
}

size_t cls_store_bytes(const cls_store *s) {
  size_t bytes = (s->n_slots + 1ul) * sizeof *s->row + (s->row ? s->row[s->n_slots] : 0) * sizeof *s->word;
  if (s->direct)
    bytes += s->n_slots * sizeof *s->direct + s->n_direct * (s->max_delay + 2ul) * sizeof *s->delay;
  return bytes;
}

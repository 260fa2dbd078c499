#include "engine/plastic_store.h"
#include "engine/store_procedural.h"
#include <stdlib.h>
#include <string.h>

/* ---- direct delivery ---- */

/* A row is delivered run by run, each at the step it is due, where its runs are long enough for a spike to follow the
 * row; else it is copied into the calendar when its spike arrives. Either gives the same sums. Where most synapses would
 * take the calendar all do: the backends can then look at one shard after the other. */
enum { DIRECT_RUN = 8 };

cls_status cls_store_choose_direct(cls_store *store) {
  uint64_t held = 0;
  CLS_TRY(cls_alloc(&store->direct, store->n_slots, sizeof *store->direct, "ways of delivery"));
  for (uint32_t s = 0; s < store->n_slots; s++) {
    uint64_t words = store->row[s + 1] - store->row[s], runs = 0;
    for (uint64_t w = store->row[s]; w < store->row[s + 1]; w += 1 + cls_run_count(store->word[w])) {
      runs++;
      if (cls_run_count(store->word[w]) > store->longest_run)
        store->longest_run = cls_run_count(store->word[w]);
    }
    store->direct[s] = words > 0 && words - runs >= DIRECT_RUN * runs;
    store->n_direct += store->direct[s];
    if (store->direct[s]) held += words - runs;
  }
  if (held >= store->n_synapses / 2) return CLS_OK;
  memset(store->direct, 0, store->n_slots * sizeof *store->direct);
  store->n_direct = 0;
  return CLS_OK;
}

/* ---- the store as such ---- */

void cls_store_empty(cls_store *store) {
  struct cls_procedural_ *procedural = store->procedural;
  struct cls_plastic_store_ *plastic = store->plastic;
  free(store->row);
  free(store->word);
  free(store->direct);
  *store = (cls_store){.procedural = procedural, .plastic = plastic};
}

void cls_store_destroy(cls_store *store) {
  if (!store) return;
  cls_procedural_destroy(store->procedural);
  cls_plastic_store_destroy(store->plastic);
  cls_store_empty(store);
  free(store);
}

uint64_t cls_store_synapses(const cls_store *s) {
  return s->n_synapses + (s->plastic ? s->plastic->n_synapses : 0) +
         (s->procedural ? cls_procedural_synapses(s->procedural) : 0);
}

size_t cls_store_bytes(const cls_store *s) {
  return (s->n_slots + 1ul) * sizeof *s->row + (s->row ? s->row[s->n_slots] : 0) * sizeof *s->word +
         (s->direct ? s->n_slots * sizeof *s->direct : 0) +
         (s->plastic ? cls_plastic_store_bytes(s->plastic) : 0) +
         (s->procedural ? cls_procedural_bytes(s->procedural) : 0);
}

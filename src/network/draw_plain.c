/* Rules without choice: one_to_one and all_to_all, where a synapse is counted by (target, source). */
#include "network/internal.h"

/* Adds the synapse from neuron `source` onto neuron `target` to a batch with room for it. */
static void add(cls_drawing *d, uint32_t target, uint32_t source) {
  int at = d->n++;
  d->target[at] = d->c[0][at] = target;
  d->source[at] = d->c[1][at] = source;
  d->c[2][at] = 0;
  d->column[at] = 0;
}

/* The words are needed for weights and delays only. */
static cls_status finish_batch(cls_drawing *d) {
  if (d->draw_weight[0] || d->draw_weight[1] || d->draw_delay) cls_drawing_words(d, 0, d->n);
  return cls_drawing_emit(d);
}

cls_status cls_draw_one_to_one(cls_drawing *d) {
  if (d->sources[0].skip_self) return CLS_OK; /* nothing but autapses */
  for (uint64_t j = d->first; j < d->last; j++) {
    add(d, (uint32_t)j, (uint32_t)j);
    if (d->n == CLS_DRAW_BATCH) CLS_TRY(finish_batch(d));
  }
  return finish_batch(d);
}

cls_status cls_draw_all_to_all(cls_drawing *d) {
  uint64_t sources = d->network->populations[d->projection->sources[0].population].n;
  for (uint64_t j = d->first; j < d->last; j++)
    for (uint64_t s = 0; s < sources; s++) {
      if (d->sources[0].skip_self && s == j) continue;
      add(d, (uint32_t)j, (uint32_t)s);
      if (d->n == CLS_DRAW_BATCH) CLS_TRY(finish_batch(d));
    }
  return finish_batch(d);
}

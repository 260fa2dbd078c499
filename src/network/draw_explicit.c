/* Rule explicit: synapses that are listed. What the list does not hold, weights or delays, is drawn by the
 * number of the synapse in its list: counters (low half, high half, 0). */
#include "network/internal.h"

typedef struct {
  cls_drawing *d;
  double weight[2][CLS_DRAW_BATCH], delay_ms[CLS_DRAW_BATCH];
} explicit_draw;

static cls_status flush(cls_drawing *d) {
  if (d->draw_weight[0] || d->draw_weight[1] || d->draw_delay) cls_drawing_words(d, 0, d->n);
  return cls_drawing_emit(d);
}

static cls_status take(void *context, const cls_edge *edges, int n) {
  explicit_draw *g = context;
  cls_drawing *d = g->d;
  for (int i = 0; i < n; i++) {
    const cls_edge *edge = &edges[i];
    int at = d->n++;
    d->target[at] = edge->target;
    d->source[at] = edge->source;
    d->column[at] = 0;
    d->c[0][at] = (uint32_t)edge->number;
    d->c[1][at] = (uint32_t)(edge->number >> 32);
    d->c[2][at] = 0;
    for (int r = 0; r < 2; r++) g->weight[r][at] = edge->weight[r];
    g->delay_ms[at] = edge->delay_ms;
    if (d->n == CLS_DRAW_BATCH) CLS_TRY(flush(d));
  }
  return CLS_OK;
}

cls_status cls_draw_explicit(cls_drawing *d) {
  const cls_edge_table *edges = d->projection->edges;
  explicit_draw g;
  g.d = d;
  for (int r = 0; r < edges->weights; r++) d->listed_weight[r] = g.weight[r];
  /* one weight serves both receptors of a port that has two */
  if (edges->weights == 1 && d->receptors == 2) d->listed_weight[1] = g.weight[0];
  if (edges->delays) d->more_delay = g.delay_ms;
  cls_status status = edges->read(edges->self, d->first, d->last - d->first, take, &g);
  if (status == CLS_OK) status = flush(d); /* while the weights are there */
  d->n = 0;
  d->listed_weight[0] = d->listed_weight[1] = d->more_delay = NULL;
  return status;
}

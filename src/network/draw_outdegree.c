/* Rule fixed_outdegree: the synapses of source neuron i are divided among target cells by the tree of
 * cls_cells_outdegree; synapse k of them in target cell c is counted by (i, c, k). A range of targets needs
 * its branches of every tree, a row all branches of one.
 *
 *  - repetition allowed: a uniform neuron of the cell;
 *  - distinct: Floyd's sample of the cell, see draw_indegree.c. */
#include "network/internal.h"
#include "network/set.h"

typedef struct {
  cls_drawing *d;
  uint64_t targets;               /* of the population */
  uint32_t count[CLS_DRAW_BATCH]; /* of synapse i of the batch: how many its neuron has in its cell */
  bool distinct, no_self;
  cls_set taken; /* partners of the current neuron and cell */
} outdegree_draw;

/* The synapses of one source neuron in one target cell, before the targets that were not asked for are left
 * out: chooses neuron `t` of the cell for synapse i. */
static inline cls_status choose(outdegree_draw *g, int i, uint32_t candidates, uint32_t *t) {
  const cls_drawing *d = g->d;
  if (!g->distinct) {
    *t = cls_below(d->w[0][i], candidates);
    return CLS_OK;
  }
  uint32_t k = d->c[2][i], last = candidates - g->count[i] + k;
  if (k == 0) CLS_TRY(cls_set_start(&g->taken, candidates, g->count[i]));
  *t = cls_below(d->w[0][i], last + 1);
  if (!cls_set_add(&g->taken, *t)) {
    *t = last;
    cls_set_add(&g->taken, *t);
  }
  return CLS_OK;
}

static cls_status flush(outdegree_draw *g) {
  cls_drawing *d = g->d;
  int n = d->n;
  cls_drawing_words(d, 0, n);
  d->n = 0;
  for (int i = 0; i < n; i++) {
    uint32_t source = d->c[0][i], cell = d->c[1][i], t;
    bool itself = g->no_self && source / CLS_CELL == cell;
    uint32_t candidates = (uint32_t)cls_cell_neurons(g->targets, cell, cell + 1) - itself;
    CLS_TRY(choose(g, i, candidates, &t));
    if (itself && t >= source % CLS_CELL) t++;
    uint64_t target = (uint64_t)cell * CLS_CELL + t;
    if (target < d->first || target >= d->last) continue;
    int to = d->n++;
    d->target[to] = (uint32_t)target;
    d->source[to] = source;
    d->column[to] = 0;
    for (int k = 0; k < 3; k++) d->c[k][to] = d->c[k][i];
    for (int k = 1; k < 4; k++) d->w[k][to] = d->w[k][i];
  }
  return cls_drawing_emit(d);
}

static cls_status add(void *context, uint32_t target_cell, uint32_t source, uint64_t count) {
  outdegree_draw *g = context;
  cls_drawing *d = g->d;
  for (uint32_t k = 0; k < (uint32_t)count; k++) { /* at most the out-degree, below 2^32 */
    int at = d->n++;
    d->c[0][at] = source;
    d->c[1][at] = target_cell;
    d->c[2][at] = k;
    g->count[at] = (uint32_t)count;
    if (d->n == CLS_DRAW_BATCH) CLS_TRY(flush(g));
  }
  return CLS_OK;
}

static cls_status draw_rows(outdegree_draw *g) {
  const cls_drawing *d = g->d;
  const cls_projection *p = d->projection;
  cls_cell_grid grid = {.targets = g->targets,
                        .sources = d->network->populations[p->sources[0].population].n,
                        .no_self = g->no_self,
                        .stream = cls_stream_make(d->network->seed, CLS_PURPOSE_COUNT, p->key),
                        .multapses = p->multapses,
                        .outdegree = p->outdegree};
  uint32_t first = (uint32_t)(d->first / CLS_CELL), last = cls_cell_count(d->last);
  for (uint64_t i = 0; i < grid.sources; i++)
    CLS_TRY(cls_cells_outdegree(&grid, (uint32_t)i, first, last, add, g));
  return flush(g);
}

cls_status cls_draw_outdegree(cls_drawing *d) {
  const cls_projection *p = d->projection;
  outdegree_draw g = {.d = d,
                      .targets = d->network->populations[p->target].n,
                      .distinct = !p->multapses,
                      .no_self = d->sources[0].skip_self};
  cls_status status = draw_rows(&g);
  cls_set_free(&g.taken);
  return status;
}

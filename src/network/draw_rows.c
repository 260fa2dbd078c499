/* Rows: see rows.h. */
#include "network/draw_rows.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && !defined(CALLOSUM_NO_CLONES)
#define ROW_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ROW_CLONES
#endif

/* ---- creation ---- */

static cls_status count_pair(void *context, uint32_t target_cell, uint32_t source_cell, uint64_t count) {
  cls_source_rows *r = context;
  CLS_CHECK(count <= UINT32_MAX, CLS_ERR_LIMIT,
            "projection '%s': %llu synapses between cells %u and %u: at most %u", r->projection.name,
            (unsigned long long)count, source_cell, target_cell, UINT32_MAX);
  r->shape.pair[(size_t)source_cell * r->shape.cells + target_cell - r->shape.cell_first] = (uint32_t)count;
  return CLS_OK;
}

static cls_status count_pairs(cls_source_rows *r) {
  cls_row_shape *s = &r->shape;
  const uint32_t end = s->cell_first + s->cells;
  if (r->projection.rule == CLS_FIXED_OUTDEGREE) return CLS_OK;
  CLS_TRY(cls_alloc(&s->pair, (size_t)s->source_cells * s->cells, sizeof *s->pair, "synapses of cells"));
  if (r->projection.rule == CLS_FIXED_TOTAL_NUMBER)
    return cls_cells_total(&s->grid, s->cell_first, end, count_pair, r);
  return cls_cells_bernoulli(&s->grid, s->cell_first, end, count_pair, r);
}

static cls_status fill(cls_source_rows *r) {
  const cls_network *network = r->network;
  const cls_projection *p = &r->projection;
  const uint64_t targets = network->populations[p->target].n;
  const bool bernoulli = p->rule == CLS_PAIRWISE_BERNOULLI;
  cls_row_shape *s = &r->shape;
  s->cell_first = (uint32_t)(s->first / CLS_CELL);
  s->cells = cls_cell_count(s->last) - s->cell_first;
  s->last_cell = cls_cell_count(targets) - 1;
  s->whole = s->first % CLS_CELL == 0 && (s->last % CLS_CELL == 0 || s->last == targets);
  s->groups = 1;
  s->grid = (cls_cell_grid){.targets = targets,
                            .sources = network->populations[p->sources[0].population].n,
                            .no_self = !p->autapses && p->sources[0].population == p->target,
                            .stream = cls_stream_make(network->seed, CLS_PURPOSE_COUNT, p->key),
                            .rows = cls_stream_make(network->seed, CLS_PURPOSE_ROW, p->key),
                            .multapses = p->multapses && !bernoulli,
                            .total = p->total,
                            .outdegree = p->outdegree,
                            .probability = p->probability};
  s->source_cells = cls_cell_count(s->grid.sources);
  r->cell = UINT32_MAX;
  CLS_TRY(cls_distances_create(network, p, s->cell_first, s->cell_first + s->cells, &r->space));
  if (r->space && r->space->kernel) {
    s->grid.greatest = cls_distances_greatest;
    s->grid.context = r->space;
  }
  return count_pairs(r);
}

cls_status cls_source_rows_create(const cls_network *network, const cls_projection *projection,
                                  uint64_t first, uint64_t n, cls_source_rows **rows) {
  cls_source_rows *r = NULL;
  CLS_TRY(cls_alloc(&r, 1, sizeof *r, "rows of a projection"));
  *rows = r;
  r->network = network;
  r->projection = *projection;
  r->factor = projection->factor ? projection->factor[0] : 1;
  r->projection.factor = &r->factor;
  r->shape.first = first;
  r->shape.last = first + n;
  return n > 0 ? fill(r) : CLS_OK;
}

void cls_source_rows_destroy(cls_source_rows *r) {
  if (!r) return;
  cls_distances_destroy(r->space);
  free(r->shape.pair);
  free(r->count);
  free(r);
}

/* ---- counts ---- */

typedef struct {
  cls_source_rows *rows;
  uint32_t cell; /* target cell, from cell_first on */
} counting;

static cls_status count_neuron(void *context, uint32_t source, uint64_t count) {
  const counting *c = context;
  c->rows->count[(size_t)(source % CLS_CELL) * c->rows->shape.cells + c->cell] = (uint32_t)count;
  c->rows->length[source % CLS_CELL] += (uint32_t)count;
  return CLS_OK;
}

static cls_status count_cell(void *context, uint32_t target_cell, uint32_t source, uint64_t count) {
  cls_source_rows *r = context;
  r->count[(size_t)(source % CLS_CELL) * r->shape.cells + target_cell - r->shape.cell_first] =
      (uint32_t)count;
  r->length[source % CLS_CELL] += (uint32_t)count; /* at most the out-degree, below 2^32 */
  return CLS_OK;
}

/* The rows of a cell, from the counts of its pairs. */
static cls_status divide_pairs(cls_source_rows *r, uint32_t source_cell) {
  const cls_row_shape *s = &r->shape;
  const uint32_t *pair = s->pair + (size_t)source_cell * s->cells;
  for (uint32_t c = 0; c < s->cells; c++) {
    if (pair[c] == 0) continue;
    counting context = {r, c};
    cls_division division = cls_cells_rows(&s->grid, s->cell_first + c, source_cell);
    CLS_TRY(
        cls_divide(&division, pair[c], division.first, division.first + division.n, count_neuron, &context));
    if (r->space) CLS_TRY(cls_distances_target(r->space, r->network, s->cell_first + c));
  }
  return CLS_OK;
}

cls_status cls_source_rows_load(cls_source_rows *r, uint32_t source_cell) {
  const cls_row_shape *s = &r->shape;
  const size_t counts = (size_t)CLS_CELL * s->cells;
  if (r->cell == source_cell || s->cells == 0) return CLS_OK;
  if (!r->count)
    CLS_TRY(cls_alloc(&r->count, counts, sizeof *r->count, "synapses of neurons"));
  else
    memset(r->count, 0, counts * sizeof *r->count);
  memset(r->length, 0, sizeof r->length);
  r->cell = source_cell;
  if (r->space) CLS_TRY(cls_distances_source(r->space, r->network, source_cell));
  if (s->pair) return divide_pairs(r, source_cell);
  const uint32_t first = source_cell * CLS_CELL;
  const uint32_t n = (uint32_t)cls_cell_neurons(s->grid.sources, source_cell, source_cell + 1);
  for (uint32_t i = 0; i < n; i++)
    CLS_TRY(cls_cells_outdegree(&s->grid, first + i, s->cell_first, s->cell_first + s->cells, count_cell, r));
  return CLS_OK;
}

const uint32_t *cls_source_rows_length(const cls_source_rows *rows) { return rows->length; }

/* ---- targets of a batch ---- */

/* Word 0 times the neurons of the cell: c[0] is the source, c[1] the cell. */
ROW_CLONES static void targets_repeated(const cls_row_shape *s, const uint32_t *restrict word,
                                        const uint32_t *restrict source, const uint32_t *restrict cell, int n,
                                        uint32_t *restrict target) {
  const uint32_t last_cell = s->last_cell;
  const uint32_t last_size = (uint32_t)(s->grid.targets - (uint64_t)last_cell * CLS_CELL);
  const bool no_self = s->grid.no_self;
  for (int i = 0; i < n; i++) {
    uint32_t size = cell[i] == last_cell ? last_size : (uint32_t)CLS_CELL;
    target[i] = cls_row_repeated(no_self, size, source[i], cell[i], word[i]);
  }
}

/* Floyd's sample; `of` is how many synapses the source has in the cell. A row that goes on in the next batch finds
 * `taken` as it was left. */
static cls_status targets_distinct(const cls_row_shape *s, cls_drawing *d, const uint32_t *of) {
  const bool no_self = s->grid.no_self;
  const uint64_t targets = s->grid.targets;
  for (int i = 0; i < d->n; i++) {
    uint32_t source = d->c[0][i], cell = d->c[1][i], k = d->c[2][i];
    uint32_t candidates = cls_row_candidates(no_self, targets, source, cell);
    uint32_t last = candidates - of[i] + k, t = cls_below(d->w[0][i], last + 1);
    if (k == 0) CLS_TRY(cls_set_start(&d->taken, candidates, of[i]));
    if (!cls_set_add(&d->taken, t)) {
      t = last;
      cls_set_add(&d->taken, t);
    }
    d->target[i] = cls_row_neuron(no_self, source, cell, t);
  }
  return CLS_OK;
}

/* Leaves out targets that were not asked for and candidates that are not accepted. */
static void keep(const cls_source_rows *rows, cls_drawing *d) {
  uint32_t accept[CLS_DRAW_BATCH];
  const int n = d->n;
  if (rows->space && rows->space->kernel) cls_drawing_lane_words(d, CLS_LANE_ACCEPT, 0, n, accept);
  d->n = 0;
  for (int i = 0; i < n; i++) {
    if (d->target[i] < rows->shape.first || d->target[i] >= rows->shape.last) continue;
    const int to = d->n;
    if (rows->space && !cls_distances_accept(rows->space, d->target[i], d->c[0][i],
                                             rows->space->kernel ? accept[i] : 0, &d->distance_ms[to]))
      continue;
    d->n++;
    d->target[to] = d->target[i];
    for (int k = 0; k < 3; k++) d->c[k][to] = d->c[k][i];
    for (int k = 1; k < 4; k++) d->w[k][to] = d->w[k][i];
  }
}

/* ---- drawing ---- */

cls_status cls_source_rows_flush(const cls_source_rows *rows, cls_drawing *d, const uint32_t *of,
                                 cls_row_sink sink, void *context) {
  if (d->n == 0) return CLS_OK;
  cls_drawing_words(d, 0, d->n);
  if (rows->shape.grid.multapses)
    targets_repeated(&rows->shape, d->w[0], d->c[0], d->c[1], d->n, d->target);
  else
    CLS_TRY(targets_distinct(&rows->shape, d, of));
  if (rows->space || !rows->shape.whole) keep(rows, d);
  cls_drawing_values(d);
  const cls_row_batch batch = {d->n, d->c[0], d->target, d->weight_of, d->delay_of};
  d->n = 0;
  return batch.n > 0 ? sink(context, &batch) : CLS_OK;
}

cls_status cls_source_rows_add(const cls_source_rows *rows, cls_drawing *d, uint32_t source,
                               const uint32_t *count, uint32_t *of, cls_row_sink sink, void *context) {
  for (uint32_t c = 0; c < rows->shape.cells; c++) {
    for (uint32_t k = 0; k < count[c];) {
      const uint32_t at = (uint32_t)d->n, room = CLS_DRAW_BATCH - at;
      const uint32_t m = count[c] - k < room ? count[c] - k : room;
      for (uint32_t j = 0; j < m; j++) {
        d->c[0][at + j] = source;
        d->c[1][at + j] = rows->shape.cell_first + c;
        d->c[2][at + j] = k + j;
        of[at + j] = count[c];
      }
      k += m;
      d->n += (int)m;
      if (d->n == CLS_DRAW_BATCH) CLS_TRY(cls_source_rows_flush(rows, d, of, sink, context));
    }
  }
  return CLS_OK;
}

void cls_source_rows_prepare(cls_source_rows *rows, cls_drawing *d, int what) {
  cls_drawing_prepare(d, rows->network, &rows->projection, &rows->source, what);
  d->more_delay = rows->space && rows->space->slowness > 0 ? d->distance_ms : NULL;
}

cls_status cls_source_rows_draw(cls_source_rows *rows, cls_drawing *d, uint32_t from, uint32_t to, int what,
                                cls_row_sink sink, void *context) {
  uint32_t of[CLS_DRAW_BATCH];
  if (rows->shape.cells == 0) return CLS_OK;
  cls_source_rows_prepare(rows, d, what);
  for (uint32_t i = from; i < to; i++)
    if (rows->length[i] > 0)
      CLS_TRY(cls_source_rows_add(rows, d, rows->cell * CLS_CELL + i,
                                  rows->count + (size_t)i * rows->shape.cells, of, sink, context));
  return cls_source_rows_flush(rows, d, of, sink, context);
}

/* ---- by ranges of targets ---- */

typedef struct {
  const cls_source_rows *rows;
  cls_drawing *d;
  cls_synapse_sink sink;
  void *context;
} listing;

static cls_status list(void *context, const cls_row_batch *batch) {
  const listing *l = context;
  cls_synapse *out = l->d->out;
  for (int i = 0; i < batch->n; i++)
    out[i] = (cls_synapse){l->rows->source.first + batch->source[i], batch->target[i], batch->weight[i],
                           batch->delay[i]};
  return l->sink(l->context, out, batch->n);
}

cls_status cls_draw_rows(cls_drawing *d, int what) {
  cls_source_rows *rows = NULL;
  listing l = {.d = d, .sink = d->sink, .context = d->context};
  cls_status status = cls_source_rows_create(d->network, d->projection, d->first, d->last - d->first, &rows);
  l.rows = rows;
  for (uint32_t cell = 0; status == CLS_OK && cell < rows->shape.source_cells; cell++) {
    const uint32_t n = (uint32_t)cls_cell_neurons(rows->shape.grid.sources, cell, cell + 1);
    status = cls_source_rows_load(rows, cell);
    if (status == CLS_OK) status = cls_source_rows_draw(rows, d, 0, n, what, list, &l);
  }
  d->n = 0;
  cls_source_rows_destroy(rows);
  return status;
}

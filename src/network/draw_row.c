/* Single rows, at any time and in any order: what synapses that are not stored are drawn from. */
#include "network/draw_rows.h"

#include <stdlib.h>
#include <string.h>

cls_status cls_projection_check_procedural(const cls_projection *p) {
  CLS_CHECK(
      cls_rule_has_rows(p->rule), CLS_ERR_INPUT,
      "projection '%s': procedural synapses: expected rule fixed_total_number, pairwise_bernoulli or "
      "fixed_outdegree: others do not tell the synapses of a source without drawing those of all targets",
      p->name);
  CLS_CHECK(p->kernel.kind == CLS_KERNEL_NONE && p->velocity_mm_ms == 0, CLS_ERR_INPUT,
            "projection '%s': procedural synapses: expected no probability or delay by distance: positions "
            "would be "
            "drawn again for every spike",
            p->name);
  return CLS_OK;
}

/* ---- tables ---- */

/* A table by groups of source neurons saves a row the upper nodes of its trees, which hold the most synapses. It has a
 * group for every GROUP_SYNAPSES synapses expected between two cells: 4 bytes for them, or 1/64 byte for each. */
enum { GROUP_SYNAPSES = 256, MOST_GROUPS = 32 };

static uint32_t choose_groups(double synapses, double pairs_of_cells) {
  uint32_t groups = 1;
  while (groups < MOST_GROUPS && synapses / pairs_of_cells / (2.0 * groups) >= GROUP_SYNAPSES) groups *= 2;
  return groups;
}

double cls_projection_table_bytes(const cls_network *network, const cls_projection *projection) {
  if (projection->rule == CLS_FIXED_OUTDEGREE) return 0; /* divides every row from its beginning */
  const double pairs = (double)cls_cell_count(network->populations[projection->target].n) *
                       (double)cls_cell_count(network->populations[projection->sources[0].population].n);
  return pairs * choose_groups(cls_projection_expected_synapses(network, projection), pairs) *
         sizeof(uint32_t);
}

typedef struct {
  const cls_row_shape *shape;
  uint32_t *table; /* of the source cell: [groups][cells] */
  uint32_t cell;   /* target cell, from cell_first on */
} grouping;

static cls_status count_group(void *context, uint32_t source, uint64_t count) {
  const grouping *g = context;
  const uint32_t group = source % CLS_CELL / (CLS_CELL / g->shape->groups);
  g->table[(size_t)group * g->shape->cells + g->cell] += (uint32_t)count;
  return CLS_OK;
}

cls_status cls_source_rows_tabulate(cls_source_rows *r) {
  cls_row_shape *s = &r->shape;
  uint32_t *pair = s->pair;
  if (s->groups > 1 || !pair) return CLS_OK;
  s->groups = choose_groups(cls_projection_expected_synapses(r->network, &r->projection),
                            (double)s->source_cells * (s->last_cell + 1.0));
  if (s->groups == 1) return CLS_OK;
  CLS_TRY(cls_alloc(&s->pair, (size_t)s->source_cells * s->groups * s->cells, sizeof *s->pair,
                    "synapses of groups of neurons"));
  cls_status status = CLS_OK;
  for (uint32_t source_cell = 0; source_cell < s->source_cells; source_cell++) {
    grouping g = {s, s->pair + (size_t)source_cell * s->groups * s->cells, 0};
    for (; status == CLS_OK && g.cell < s->cells; g.cell++) {
      cls_division division = cls_cells_rows(&s->grid, s->cell_first + g.cell, source_cell);
      division.grain = CLS_CELL / s->groups;
      status = cls_divide(&division, pair[(size_t)source_cell * s->cells + g.cell], division.first,
                          division.first + division.n, count_group, &g);
    }
  }
  free(pair);
  return status;
}

size_t cls_source_rows_bytes(const cls_source_rows *r) { return sizeof *r + cls_row_table_bytes(&r->shape); }

bool cls_source_rows_reach(const cls_source_rows *r, uint32_t source_cell) {
  const cls_row_shape *s = &r->shape;
  if (s->cells == 0) return false;
  for (uint32_t c = 0; s->pair && c < s->cells; c++)
    if (cls_row_pair(s, source_cell, c) > 0) return true;
  return !s->pair && s->grid.outdegree > 0;
}

/* Counted by the range that holds the first neuron: of the population where the rule says how many there are, else of
 * the cell. */
uint64_t cls_source_rows_synapses(const cls_source_rows *r) {
  const cls_row_shape *s = &r->shape;
  if (s->cells == 0) return 0;
  if (r->projection.rule != CLS_PAIRWISE_BERNOULLI)
    return s->first > 0 ? 0 : s->pair ? s->grid.total : s->grid.sources * s->grid.outdegree;
  uint64_t sum = 0;
  for (uint32_t c = s->first % CLS_CELL > 0; c < s->cells; c++)
    for (uint32_t cell = 0; cell < s->source_cells; cell++) sum += cls_row_pair(s, cell, c);
  return sum;
}

void cls_source_rows_delays(const cls_source_rows *r, uint32_t *least, uint32_t *greatest) {
  const double tract = r->projection.sources[0].delay_ms, dt = r->network->dt_ms;
  double lower, upper;
  cls_projection_delay_range(r->network, &r->projection, &lower, &upper);
  *least = (uint32_t)cls_delay_steps(tract + lower, dt);
  *greatest = (uint32_t)cls_delay_steps(tract + upper, dt);
}

void cls_source_rows_scale(cls_source_rows *r, double factor) { r->factor = factor; }

/* ---- a row ---- */

typedef struct {
  uint32_t *count, first; /* [cells] from cell `first` on */
} row_counts;

static cls_status count_cell(void *context, uint32_t target_cell, uint32_t source, uint64_t count) {
  const row_counts *r = context;
  (void)source;
  r->count[target_cell - r->first] = (uint32_t)count;
  return CLS_OK;
}

/* The trees of some target cells from the nodes of a group of sources on, together. */
typedef struct {
  int n;
  uint32_t cell[CLS_DRAW_BATCH], context[CLS_DRAW_BATCH], held[CLS_DRAW_BATCH];
} group_batch;

static void follow(const cls_row_shape *s, group_batch *b, const cls_row_group *g, uint32_t source,
                   uint32_t *count) {
  cls_divide_path(s->grid.rows, g->lo, g->hi, source, b->n, b->context, b->held);
  for (int i = 0; i < b->n; i++) count[b->cell[i]] = b->held[i];
  b->n = 0;
}

static cls_status count_row(const cls_row_shape *s, uint32_t source, uint32_t *count) {
  row_counts row = {count, s->cell_first};
  group_batch batch;
  memset(count, 0, s->cells * sizeof *count);
  if (!s->pair)
    return cls_cells_outdegree(&s->grid, source, s->cell_first, s->cell_first + s->cells, count_cell, &row);
  const cls_row_group group = cls_row_group_of(s, source);
  const bool together = group.hi - group.lo == CLS_CELL / s->groups && s->grid.multapses;
  batch.n = 0;
  for (uint32_t c = 0; c < s->cells; c++) {
    if (group.held[c] == 0) continue;
    if (group.held[c] <= CLS_DIVIDE_FEW || !together) {
      count[c] = cls_row_count(s, source, c);
      continue;
    }
    batch.cell[batch.n] = c;
    batch.context[batch.n] = s->cell_first + c;
    batch.held[batch.n++] = group.held[c];
    if (batch.n == CLS_DRAW_BATCH) follow(s, &batch, &group, source, count);
  }
  if (batch.n > 0) follow(s, &batch, &group, source, count);
  return CLS_OK;
}

cls_status cls_source_rows_draw_one(cls_source_rows *rows, cls_drawing *d, uint32_t source, int what,
                                    cls_row_sink sink, void *context) {
  uint32_t of[CLS_DRAW_BATCH];
  if (rows->shape.cells == 0) return CLS_OK;
  CLS_TRY(
      cls_grow(&d->count, &d->count_capacity, rows->shape.cells, sizeof *d->count, "synapses of a neuron"));
  CLS_TRY(count_row(&rows->shape, source, d->count));
  cls_source_rows_prepare(rows, d, what);
  CLS_TRY(cls_source_rows_add(rows, d, source, d->count, of, sink, context));
  return cls_source_rows_flush(rows, d, of, sink, context);
}

cls_status cls_source_rows_describe(cls_source_rows *rows, cls_row_shape *shape, cls_row_values *values) {
  const cls_projection *p = &rows->projection;
  cls_drawing *d;
  CLS_CHECK(!rows->space, CLS_ERR_INTERNAL, "projection '%s': its rows depend on distances", p->name);
  CLS_TRY(cls_drawing_create(&d));
  cls_source_rows_prepare(rows, d, CLS_DRAW_ALL);
  *shape = rows->shape;
  *values = (cls_row_values){.stream = d->stream,
                             .receptors = d->receptors,
                             .draw_delay = d->draw_delay,
                             .scaled = d->factors,
                             .weight = d->weight,
                             .steps = rows->source.steps,
                             .factor = rows->source.factor,
                             .tract_ms = rows->source.delay_ms,
                             .dt_ms = d->dt_ms,
                             .delay_ms = p->delay_ms,
                             .delay_log = cls_lognormal_of(&p->delay_ms)};
  for (int r = 0; r < d->receptors; r++) {
    values->draw_weight[r] = d->draw_weight[r];
    values->constant[r] = d->constant[r];
    values->per_quantum[r] = d->per_quantum[r];
    values->weight_of[r] = p->weight[r];
    values->weight_log[r] = cls_lognormal_of(&p->weight[r]);
  }
  cls_drawing_destroy(d);
  return CLS_OK;
}

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
  cls_source_rows *rows;
  uint32_t *table; /* of the source cell: [groups][cells] */
  uint32_t cell;   /* target cell, from cell_first on */
} grouping;

static cls_status count_group(void *context, uint32_t source, uint64_t count) {
  const grouping *g = context;
  const uint32_t group = source % CLS_CELL / (CLS_CELL / g->rows->groups);
  g->table[(size_t)group * g->rows->cells + g->cell] += (uint32_t)count;
  return CLS_OK;
}

cls_status cls_source_rows_tabulate(cls_source_rows *r) {
  uint32_t *pair = r->pair;
  if (r->groups > 1 || !r->pair) return CLS_OK;
  r->groups = choose_groups(cls_projection_expected_synapses(r->network, &r->projection),
                            (double)r->source_cells * (r->last_cell + 1.0));
  if (r->groups == 1) return CLS_OK;
  CLS_TRY(cls_alloc(&r->pair, (size_t)r->source_cells * r->groups * r->cells, sizeof *r->pair,
                    "synapses of groups of neurons"));
  cls_status status = CLS_OK;
  for (uint32_t s = 0; s < r->source_cells; s++) {
    grouping g = {r, r->pair + (size_t)s * r->groups * r->cells, 0};
    for (; status == CLS_OK && g.cell < r->cells; g.cell++) {
      cls_division division = cls_cells_rows(&r->grid, r->cell_first + g.cell, s);
      division.grain = CLS_CELL / r->groups;
      status = cls_divide(&division, pair[(size_t)s * r->cells + g.cell], division.first,
                          division.first + division.n, count_group, &g);
    }
  }
  free(pair);
  return status;
}

size_t cls_source_rows_bytes(const cls_source_rows *r) {
  size_t table = r->pair ? (size_t)r->source_cells * r->groups * r->cells * sizeof *r->pair : 0;
  return sizeof *r + table;
}

/* Synapses from neurons of a source cell onto target cell number c of the rows; from a table. */
static uint64_t pair_count(const cls_source_rows *r, uint32_t source_cell, uint32_t c) {
  uint64_t sum = 0;
  for (uint32_t g = 0; g < r->groups; g++)
    sum += r->pair[((size_t)source_cell * r->groups + g) * r->cells + c];
  return sum;
}

bool cls_source_rows_reach(const cls_source_rows *r, uint32_t source_cell) {
  if (r->cells == 0) return false;
  for (uint32_t c = 0; r->pair && c < r->cells; c++)
    if (pair_count(r, source_cell, c) > 0) return true;
  return !r->pair && r->grid.outdegree > 0;
}

/* Counted by the range that holds the first neuron: of the population where the rule says how many there are, else of
 * the cell. */
uint64_t cls_source_rows_synapses(const cls_source_rows *r) {
  if (r->cells == 0) return 0;
  if (r->projection.rule != CLS_PAIRWISE_BERNOULLI)
    return r->first > 0 ? 0 : r->pair ? r->grid.total : r->grid.sources * r->grid.outdegree;
  uint64_t sum = 0;
  for (uint32_t c = r->first % CLS_CELL > 0; c < r->cells; c++)
    for (uint32_t s = 0; s < r->source_cells; s++) sum += pair_count(r, s, c);
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
  uint32_t cell;
} row_counts;

static cls_status count_neuron(void *context, uint32_t source, uint64_t count) {
  const row_counts *r = context;
  (void)source;
  r->count[r->cell] = (uint32_t)count;
  return CLS_OK;
}

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

static cls_status follow(const cls_source_rows *r, group_batch *b, uint32_t lo, uint32_t source,
                         uint32_t *count) {
  const uint32_t size = CLS_CELL / r->groups;
  CLS_TRY(cls_divide_path(r->grid.rows, lo, lo + size, source, b->n, b->context, b->held));
  for (int i = 0; i < b->n; i++) count[b->cell[i]] = b->held[i];
  b->n = 0;
  return CLS_OK;
}

static cls_status count_row(const cls_source_rows *r, uint32_t source, uint32_t *count) {
  row_counts row = {.count = count, .first = r->cell_first};
  group_batch batch;
  memset(count, 0, r->cells * sizeof *count);
  if (!r->pair)
    return cls_cells_outdegree(&r->grid, source, r->cell_first, r->cell_first + r->cells, count_cell, &row);
  const uint32_t cell = source / CLS_CELL, size = CLS_CELL / r->groups, group = source % CLS_CELL / size;
  const uint32_t *table = r->pair + ((size_t)cell * r->groups + group) * r->cells;
  const uint64_t end = cls_cell_neurons(r->grid.sources, cell, cell + 1) + (uint64_t)cell * CLS_CELL;
  const uint32_t lo = cell * CLS_CELL + group * size, hi = lo + size < end ? lo + size : (uint32_t)end;
  const bool together = hi - lo == size && r->grid.multapses;
  for (batch.n = 0; row.cell < r->cells; row.cell++) {
    const uint32_t held = table[row.cell];
    if (held == 0) continue;
    if (held > CLS_DIVIDE_FEW && together) {
      batch.cell[batch.n] = row.cell;
      batch.context[batch.n] = r->cell_first + row.cell;
      batch.held[batch.n++] = held;
      if (batch.n == CLS_DRAW_BATCH) CLS_TRY(follow(r, &batch, lo, source, count));
      continue;
    }
    const cls_division d = cls_cells_rows(&r->grid, r->cell_first + row.cell, cell);
    if (held > CLS_DIVIDE_FEW)
      CLS_TRY(cls_divide_below(&d, lo, hi, held, source, source + 1, count_neuron, &row));
    else /* they may have been dealt by a node further up */
      CLS_TRY(cls_divide(&d, pair_count(r, cell, row.cell), source, source + 1, count_neuron, &row));
  }
  return batch.n > 0 ? follow(r, &batch, lo, source, count) : CLS_OK;
}

cls_status cls_source_rows_draw_one(cls_source_rows *rows, cls_drawing *d, uint32_t source, int what,
                                    cls_row_sink sink, void *context) {
  uint32_t of[CLS_DRAW_BATCH];
  if (rows->cells == 0) return CLS_OK;
  CLS_TRY(cls_grow(&d->count, &d->count_capacity, rows->cells, sizeof *d->count, "synapses of a neuron"));
  CLS_TRY(count_row(rows, source, d->count));
  cls_source_rows_prepare(rows, d, what);
  CLS_TRY(cls_source_rows_add(rows, d, source, d->count, of, sink, context));
  return cls_source_rows_flush(rows, d, of, sink, context);
}

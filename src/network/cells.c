/* How the synapses of a projection are divided among cells, and those of a pair of cells among source neurons. */
#include "network/internal.h"

/* Marks the nodes of the tree over target cells in the third counter, where those over source cells have the
 * target cell (below 2^22). */
#define TARGET_TREE UINT32_MAX

/* A sink for places that stand for target cells or source cells. */
typedef struct {
  const cls_cell_grid *grid;
  uint32_t fixed; /* the other end */
  cls_cell_sink sink;
  void *context;
} forward;

static cls_status to_source_cell(void *context, uint32_t place, uint64_t count) {
  const forward *f = context;
  return f->sink(f->context, f->fixed, place, count);
}

static cls_status to_target_cell(void *context, uint32_t place, uint64_t count) {
  const forward *f = context;
  return f->sink(f->context, place, f->fixed, count);
}

/* The synapses of one target cell among source cells. */
static cls_status divide_sources(void *context, uint32_t target, uint64_t count) {
  const forward *f = context;
  const cls_cell_grid *grid = f->grid;
  const uint64_t targets = cls_cell_neurons(grid->targets, target, target + 1);
  const uint32_t cells = cls_cell_count(grid->sources);
  const cls_division division = {.stream = grid->stream,
                                 .context = target,
                                 .distinct = !grid->multapses,
                                 .n = cells,
                                 .each = targets * CLS_CELL,
                                 .last = targets * cls_cell_neurons(grid->sources, cells - 1, cells),
                                 .odd = target,
                                 .missing = grid->no_self ? targets : 0};
  forward row = {grid, target, f->sink, f->context};
  return cls_divide(&division, count, 0, cells, to_source_cell, &row);
}

cls_status cls_cells_total(const cls_cell_grid *grid, uint32_t first, uint32_t last, cls_cell_sink sink,
                           void *context) {
  const uint64_t partners = grid->sources - grid->no_self;
  const uint32_t cells = cls_cell_count(grid->targets);
  const cls_division division = {.stream = grid->stream,
                                 .context = TARGET_TREE,
                                 .distinct = !grid->multapses,
                                 .n = cells,
                                 .each = partners * CLS_CELL,
                                 .last = partners * cls_cell_neurons(grid->targets, cells - 1, cells)};
  forward f = {grid, 0, sink, context};
  return cls_divide(&division, grid->total, first, last, divide_sources, &f);
}

cls_status cls_cells_bernoulli(const cls_cell_grid *grid, uint32_t first, uint32_t last, cls_cell_sink sink,
                               void *context) {
  uint32_t sources = cls_cell_count(grid->sources);
  for (uint32_t target = first; target < last; target++) {
    uint64_t targets = cls_cell_neurons(grid->targets, target, target + 1);
    for (uint32_t source = 0; source < sources; source++) {
      uint64_t partners = cls_cell_neurons(grid->sources, source, source + 1);
      uint64_t pairs = targets * partners - (grid->no_self && source == target ? targets : 0);
      double probability = grid->greatest ? grid->greatest(grid->context, target, source) : grid->probability;
      if (probability == 0) continue; /* too far apart */
      cls_reader reader = cls_reader_make(grid->stream, target, source, 0);
      uint64_t count = cls_read_binomial(&reader, pairs, probability);
      if (count > 0) CLS_TRY(sink(context, target, source, count));
    }
  }
  return CLS_OK;
}

cls_status cls_cells_outdegree(const cls_cell_grid *grid, uint32_t source, uint32_t first, uint32_t last,
                               cls_cell_sink sink, void *context) {
  const cls_division division = cls_cells_row(grid, source);
  forward f = {grid, source, sink, context};
  return cls_divide(&division, grid->outdegree, first, last, to_target_cell, &f);
}

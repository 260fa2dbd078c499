/* How the synapses of a projection are divided among cells: counter-keyed random splits.
 *
 * Dividing a number of synapses that fall on pairs of neurons uniformly and independently is multinomial; a
 * multinomial is drawn by halving again and again, each half binomially. Without repetition (a sample of
 * pairs) the halves are hypergeometric. Every node of the tree draws from counters of its own, so that a rank
 * walks only the branches it needs. The method is that of communication-free graph generation (Funke et al.
 * 2019, J. Parallel Distrib. Comput. 131, 200-217, sections 3 and 4). */
#include "network/internal.h"

/* A walk through the tree of a grid. */
typedef struct {
  const cls_cell_grid *grid;
  uint32_t first, last; /* target cells asked for */
  cls_cell_sink sink;
  void *context;
} cell_walk;

/* Marks the nodes of the tree over target cells in the third counter, where those over source cells have the
 * target cell (below 2^22). */
#define TARGET_TREE UINT32_MAX

/* Pairs of neurons in target cells [t0, t1) x source cells [s0, s1), where either the targets are one cell or
 * the sources are all: all the trees need. */
static uint64_t pairs_in(const cls_cell_grid *grid, uint32_t t0, uint32_t t1, uint32_t s0, uint32_t s1) {
  uint64_t targets = cls_cell_neurons(grid->targets, t0, t1);
  uint64_t sources = cls_cell_neurons(grid->sources, s0, s1);
  bool diagonal = grid->no_self && s0 <= t0 && t1 <= s1;
  return targets * sources - (diagonal ? targets : 0);
}

/* How many of `count` synapses on `left + right` pairs fall on the left ones. */
static uint64_t split(const cls_cell_grid *grid, cls_reader reader, uint64_t count, uint64_t left,
                      uint64_t right) {
  if (left == 0) return 0;
  if (right == 0) return count;
  if (grid->multapses)
    return cls_read_binomial(&reader, count, (double)left / ((double)left + (double)right));
  return cls_read_hypergeometric(&reader, left, right, count);
}

static cls_status walk_sources(const cell_walk *walk, uint32_t target, uint32_t lo, uint32_t hi,
                               uint64_t count) {
  if (count == 0) return CLS_OK;
  if (hi - lo == 1) return walk->sink(walk->context, target, lo, count);
  uint32_t middle = lo + (hi - lo) / 2;
  cls_reader reader = cls_reader_make(walk->grid->stream, lo, hi, target);
  uint64_t left = split(walk->grid, reader, count, pairs_in(walk->grid, target, target + 1, lo, middle),
                        pairs_in(walk->grid, target, target + 1, middle, hi));
  CLS_TRY(walk_sources(walk, target, lo, middle, left));
  return walk_sources(walk, target, middle, hi, count - left);
}

static cls_status walk_targets(const cell_walk *walk, uint32_t lo, uint32_t hi, uint64_t count) {
  if (count == 0 || hi <= walk->first || lo >= walk->last) return CLS_OK;
  uint32_t sources = cls_cell_count(walk->grid->sources);
  if (hi - lo == 1) return walk_sources(walk, lo, 0, sources, count);
  uint32_t middle = lo + (hi - lo) / 2;
  cls_reader reader = cls_reader_make(walk->grid->stream, lo, hi, TARGET_TREE);
  uint64_t left = split(walk->grid, reader, count, pairs_in(walk->grid, lo, middle, 0, sources),
                        pairs_in(walk->grid, middle, hi, 0, sources));
  CLS_TRY(walk_targets(walk, lo, middle, left));
  return walk_targets(walk, middle, hi, count - left);
}

cls_status cls_cells_total(const cls_cell_grid *grid, uint32_t first, uint32_t last, cls_cell_sink sink,
                           void *context) {
  cell_walk walk = {grid, first, last, sink, context};
  return walk_targets(&walk, 0, cls_cell_count(grid->targets), grid->total);
}

cls_status cls_cells_bernoulli(const cls_cell_grid *grid, uint32_t first, uint32_t last, cls_cell_sink sink,
                               void *context) {
  uint32_t sources = cls_cell_count(grid->sources);
  for (uint32_t target = first; target < last; target++)
    for (uint32_t source = 0; source < sources; source++) {
      uint64_t pairs = pairs_in(grid, target, target + 1, source, source + 1);
      double probability = grid->greatest ? grid->greatest(grid->context, target, source) : grid->probability;
      if (probability == 0) continue; /* too far apart */
      cls_reader reader = cls_reader_make(grid->stream, target, source, 0);
      uint64_t count = cls_read_binomial(&reader, pairs, probability);
      if (count > 0) CLS_TRY(sink(context, target, source, count));
    }
  return CLS_OK;
}

/* ---- rows ---- */

typedef struct {
  cell_walk walk;
  uint32_t source, cell; /* a neuron and the cell it is in */
} row_walk;

/* Neurons of target cells [lo, hi) that the source may reach. */
static uint64_t partners_in(const row_walk *row, uint32_t lo, uint32_t hi) {
  const cls_cell_grid *grid = row->walk.grid;
  bool itself = grid->no_self && lo <= row->cell && row->cell < hi;
  return cls_cell_neurons(grid->targets, lo, hi) - itself;
}

static cls_status walk_row(const row_walk *row, uint32_t lo, uint32_t hi, uint64_t count) {
  const cell_walk *walk = &row->walk;
  if (count == 0 || hi <= walk->first || lo >= walk->last) return CLS_OK;
  if (hi - lo == 1) return walk->sink(walk->context, lo, row->source, count);
  uint32_t middle = lo + (hi - lo) / 2;
  cls_reader reader = cls_reader_make(walk->grid->stream, lo, hi, row->source);
  uint64_t left =
      split(walk->grid, reader, count, partners_in(row, lo, middle), partners_in(row, middle, hi));
  CLS_TRY(walk_row(row, lo, middle, left));
  return walk_row(row, middle, hi, count - left);
}

cls_status cls_cells_outdegree(const cls_cell_grid *grid, uint32_t source, uint32_t first, uint32_t last,
                               cls_cell_sink sink, void *context) {
  row_walk row = {{grid, first, last, sink, context}, source, source / CLS_CELL};
  return walk_row(&row, 0, cls_cell_count(grid->targets), grid->outdegree);
}

/* Cells: CLS_CELL consecutive neurons of a population. How the synapses of a projection are divided among pairs of them,
 * and those of a pair of cells, or of a neuron, further on. For CPU and GPU. */
#ifndef CALLOSUM_NETWORK_CELLS_H
#define CALLOSUM_NETWORK_CELLS_H

#include "network/divide.h"
#include "network/network.h"

/* The two ends of a projection seen as cells: cell c of a population of n neurons is the neurons
 * [c * CLS_CELL, min(n, (c + 1) * CLS_CELL)). */
typedef struct {
  uint64_t targets, sources; /* neurons */
  bool no_self;       /* one population projects onto itself without autapses: the diagonal is missing */
  cls_stream stream;  /* of counts of cells */
  cls_stream rows;    /* of counts of neurons within a pair of cells */
  bool multapses;     /* may pairs repeat; not those of pairwise_bernoulli */
  uint64_t total;     /* fixed_total_number */
  uint64_t outdegree; /* fixed_outdegree */
  double probability; /* pairwise_bernoulli */
  /* pairwise_bernoulli with a kernel: the greatest probability of a pair of neurons of the two cells, in
   * place of `probability`. */
  double (*greatest)(const void *context, uint32_t target_cell, uint32_t source_cell);
  const void *context;
} cls_cell_grid;

CLS_FN uint32_t cls_cell_count(uint64_t n) { return (uint32_t)((n + CLS_CELL - 1) / CLS_CELL); }
/* Neurons in cells [lo, hi) of a population of n. */
CLS_FN uint64_t cls_cell_neurons(uint64_t n, uint32_t lo, uint32_t hi) {
  uint64_t begin = (uint64_t)lo * CLS_CELL, end = (uint64_t)hi * CLS_CELL;
  return (end < n ? end : n) - begin;
}

/* How the synapses of a pair of cells are divided among the neurons of the source cell: places are their numbers
 * in the population. For the rules total and bernoulli. */
CLS_FN cls_division cls_cells_rows(const cls_cell_grid *grid, uint32_t target_cell, uint32_t source_cell) {
  cls_division d;
  d.stream = grid->rows;
  d.context = target_cell;
  d.distinct = !grid->multapses;
  d.first = source_cell * CLS_CELL;
  d.n = (uint32_t)cls_cell_neurons(grid->sources, source_cell, source_cell + 1);
  d.each = d.last = cls_cell_neurons(grid->targets, target_cell, target_cell + 1) -
                    (grid->no_self && source_cell == target_cell);
  d.missing = 0;
  d.odd = d.grain = 0;
  return d;
}

/* How the grid->outdegree synapses of neuron `source` are divided among target cells. */
CLS_FN cls_division cls_cells_row(const cls_cell_grid *grid, uint32_t source) {
  cls_division d;
  d.stream = grid->stream;
  d.context = source;
  d.distinct = !grid->multapses;
  d.first = 0;
  d.n = cls_cell_count(grid->targets);
  d.each = CLS_CELL;
  d.last = cls_cell_neurons(grid->targets, d.n - 1, d.n);
  d.missing = grid->no_self;
  d.odd = source / CLS_CELL;
  d.grain = 0;
  return d;
}

#endif

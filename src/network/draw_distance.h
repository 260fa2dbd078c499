/* Private to the drawing of rows: which candidates distance accepts, and what it adds to their delays. */
#ifndef CALLOSUM_NETWORK_DRAW_DISTANCE_H
#define CALLOSUM_NETWORK_DRAW_DISTANCE_H

#include "network/internal.h"

typedef struct {
  const cls_kernel *kernel; /* NULL: distance counts for the delay only */
  const cls_box *target_box, *source_box;
  double period[3], cutoff, slowness; /* slowness: ms per mm */
  uint32_t target_population, source_population;
  uint32_t target_first, target_cells; /* cells [target_first, target_first + target_cells) */
  double (**target)[3];                /* [target_cells] positions, NULL: not needed yet */
  double *greatest;                    /* [target_cells] probability with which candidates were drawn */
  double (*source)[3];                 /* positions of the source cell */
  uint32_t source_cell;                /* UINT32_MAX: none yet */
} cls_distances;

/* *distances is NULL where the projection needs none. Target cells [first, last) are asked for. */
cls_status cls_distances_create(const cls_network *network, const cls_projection *projection, uint32_t first,
                                uint32_t last, cls_distances **distances);
void cls_distances_destroy(cls_distances *distances);
/* The greatest probability of a pair of neurons of two cells: see cls_cell_grid. */
double cls_distances_greatest(const void *distances, uint32_t target_cell, uint32_t source_cell);
/* Finds the positions of a source cell; and those of a target cell with synapses from it. */
cls_status cls_distances_source(cls_distances *s, const cls_network *network, uint32_t source_cell);
cls_status cls_distances_target(cls_distances *s, const cls_network *network, uint32_t target_cell);
/* Is the candidate between two neurons (numbers in their populations) accepted by `word`? Sets what the distance
 * adds to the delay. */
static inline bool cls_distances_accept(const cls_distances *s, uint32_t target, uint32_t source,
                                        uint32_t word, double *delay_ms) {
  const uint32_t cell = target / CLS_CELL - s->target_first;
  double d = cls_distance(s->target[cell][target % CLS_CELL], s->source[source % CLS_CELL], s->period);
  if (d > s->cutoff) return false;
  if (s->kernel && !(cls_unit(word) * s->greatest[cell] < cls_kernel_at(s->kernel, d))) return false;
  *delay_ms = d * s->slowness;
  return true;
}

#endif

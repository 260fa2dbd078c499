#include "network/draw_distance.h"

#include <stdlib.h>

double cls_distances_greatest(const void *distances, uint32_t target_cell, uint32_t source_cell) {
  const cls_distances *s = distances;
  double gap = cls_box_gap(&s->target_box[target_cell], &s->source_box[source_cell], s->period);
  return gap > s->cutoff ? 0 : cls_kernel_at(s->kernel, gap);
}

static cls_status fill(cls_distances *s, const cls_network *network, const cls_projection *p) {
  const bool kernel = p->kernel.kind != CLS_KERNEL_NONE;
  s->kernel = kernel ? &p->kernel : NULL;
  s->target_population = p->target;
  s->source_population = p->sources[0].population;
  s->target_box = network->populations[s->target_population].cell_box;
  s->source_box = network->populations[s->source_population].cell_box;
  s->cutoff = kernel ? cls_kernel_cutoff(&p->kernel) : INFINITY;
  s->slowness = p->velocity_mm_ms > 0 ? 1 / p->velocity_mm_ms : 0;
  s->source_cell = UINT32_MAX;
  cls_projection_period(network, p, s->period);
  CLS_TRY(cls_alloc(&s->target, s->target_cells, sizeof *s->target, "positions of cells"));
  CLS_TRY(cls_alloc(&s->greatest, s->target_cells, sizeof *s->greatest, "probabilities between cells"));
  return cls_alloc(&s->source, CLS_CELL, sizeof *s->source, "positions of a cell");
}

cls_status cls_distances_create(const cls_network *network, const cls_projection *projection, uint32_t first,
                                uint32_t last, cls_distances **distances) {
  *distances = NULL;
  bool kernel = projection->rule == CLS_PAIRWISE_BERNOULLI && projection->kernel.kind != CLS_KERNEL_NONE;
  if (!kernel && !(projection->velocity_mm_ms > 0)) return CLS_OK;
  CLS_TRY(cls_alloc(distances, 1, sizeof **distances, "distances"));
  (*distances)->target_first = first;
  (*distances)->target_cells = last - first;
  return fill(*distances, network, projection);
}

void cls_distances_destroy(cls_distances *s) {
  if (!s) return;
  for (uint32_t c = 0; s->target && c < s->target_cells; c++) free(s->target[c]);
  free(s->target);
  free(s->greatest);
  free(s->source);
  free(s);
}

static cls_status positions(const cls_network *network, uint32_t population, uint32_t cell,
                            double (*xyz)[3]) {
  uint64_t n = cls_cell_neurons(network->populations[population].n, cell, cell + 1);
  return cls_population_positions(network, population, (uint64_t)cell * CLS_CELL, (uint32_t)n, xyz);
}

cls_status cls_distances_source(cls_distances *s, const cls_network *network, uint32_t source_cell) {
  if (s->source_cell == source_cell) return CLS_OK;
  CLS_TRY(positions(network, s->source_population, source_cell, s->source));
  s->source_cell = source_cell;
  return CLS_OK;
}

cls_status cls_distances_target(cls_distances *s, const cls_network *network, uint32_t target_cell) {
  const uint32_t cell = target_cell - s->target_first;
  if (s->kernel) s->greatest[cell] = cls_distances_greatest(s, target_cell, s->source_cell);
  if (s->target[cell]) return CLS_OK;
  CLS_TRY(cls_alloc(&s->target[cell], CLS_CELL, sizeof *s->target[cell], "positions of a cell"));
  return positions(network, s->target_population, target_cell, s->target[cell]);
}

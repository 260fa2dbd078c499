/* Where the rows of neurons lie in arrays that hold a different number for each. */
#include "engine/keep.h"
#include <stdlib.h>

static bool is_counted(const bool *counted, uint32_t population) { return !counted || counted[population]; }

static cls_status number_units(const cls_network *network, const bool *counted, cls_rows_index *index) {
  CLS_TRY(cls_alloc(&index->unit, network->n_populations + 1ul, sizeof *index->unit, "units of neurons"));
  for (uint32_t p = 0; p < network->n_populations; p++)
    index->unit[p + 1] = index->unit[p] + (is_counted(counted, p) ? cls_units(network->populations[p].n) : 0);
  return CLS_OK;
}

static cls_status make_room(const cls_engine *e, const bool *counted, cls_rows_index *index) {
  *index = (cls_rows_index){0};
  CLS_TRY(number_units(e->network, counted, index));
  CLS_TRY(cls_alloc(&index->span, e->layout->n_ranges, sizeof *index->span, "units of neurons"));
  for (uint32_t r = 0; r < e->layout->n_ranges; r++) {
    const cls_range *range = &e->layout->ranges[r];
    if (is_counted(counted, range->population))
      CLS_TRY(cls_alloc(&index->span[r], cls_units(range->n), sizeof **index->span, "units of neurons"));
  }
  return CLS_OK;
}

void cls_rows_index_free(const cls_engine *e, cls_rows_index *index) {
  for (uint32_t r = 0; index->span && r < e->layout->n_ranges; r++) free(index->span[r]);
  free(index->span);
  free(index->unit);
  *index = (cls_rows_index){0};
}

static uint32_t block_of(const cls_engine *e, const cls_range *range, uint64_t unit) {
  return cls_placement_block_of(e->placement, range->population, range->first + unit * CLS_UNIT);
}

cls_status cls_rows_index_make(const cls_engine *e, const bool *counted, uint64_t *const *count,
                               cls_rows_index *index) {
  uint64_t *rows = NULL; /* of each block, then where they begin, then how far they are numbered */
  cls_status status = make_room(e, counted, index);
  if (status == CLS_OK) status = cls_alloc(&rows, e->placement->n_blocks, sizeof *rows, "rows of blocks");
  status = cls_agree(e->world.comm, status);
  for (uint32_t r = 0; r < e->layout->n_ranges && status == CLS_OK; r++)
    for (uint64_t u = 0; count[r] && u < cls_units(e->layout->ranges[r].n); u++)
      rows[block_of(e, &e->layout->ranges[r], u)] += count[r][u];
  if (status == CLS_OK)
    MPI_Allreduce(MPI_IN_PLACE, rows, (int)e->placement->n_blocks, MPI_UINT64_T, MPI_SUM, e->world.comm);
  for (uint32_t b = 0; b < e->placement->n_blocks && status == CLS_OK; b++) {
    const uint64_t here = rows[b];
    rows[b] = index->rows;
    index->rows += here;
  }
  for (uint32_t k = 0; k < e->layout->n_ranges && status == CLS_OK; k++) {
    const uint32_t r = cls_layout_nth(e->layout, k);
    if (!count[r]) continue;
    const uint64_t units = cls_units(e->layout->ranges[r].n);
    for (uint64_t u = 0; u < units; u++) {
      uint64_t *next = &rows[block_of(e, &e->layout->ranges[r], u)];
      index->span[r][u][0] = *next;
      *next += count[r][u];
      index->span[r][u][1] = *next;
    }
  }
  free(rows);
  return status;
}

uint64_t cls_rows_first(const cls_rows_index *index, uint32_t range) { return index->span[range][0][0]; }

uint64_t cls_rows_of(const cls_engine *e, const cls_rows_index *index, uint32_t range) {
  return index->span[range][cls_units(e->layout->ranges[range].n) - 1][1] - cls_rows_first(index, range);
}

/* Collective. */
static cls_status keep(const cls_engine *e, const cls_keeper *keeper, const char *name,
                       const cls_rows_index *index) {
  cls_keep_name span;
  cls_pieces pieces = {0};
  cls_status status = CLS_OK;
  snprintf(span.text, sizeof span.text, "%s/span", name);
  for (uint32_t k = 0; k < e->layout->n_ranges && status == CLS_OK; k++) {
    const uint32_t r = cls_layout_nth(e->layout, k);
    const cls_range *range = &e->layout->ranges[r];
    if (index->span[r])
      status = cls_pieces_add(&pieces, index->unit[range->population] + range->first / CLS_UNIT,
                              cls_units(range->n), index->span[r]);
  }
  status = cls_agree(e->world.comm, status);
  if (status == CLS_OK)
    status = keeper->array(keeper->self, span.text, CLS_KEEP_U64, index->unit[e->network->n_populations], 2,
                           NULL, pieces.at, pieces.n);
  free(pieces.at);
  return status;
}

cls_status cls_rows_index_save(const cls_engine *e, const cls_keeper *keeper, const char *name,
                               const cls_rows_index *index) {
  return keep(e, keeper, name, index);
}

cls_status cls_rows_index_load(const cls_engine *e, const cls_keeper *keeper, const char *name,
                               const bool *counted, cls_rows_index *index) {
  CLS_TRY(cls_agree(e->world.comm, make_room(e, counted, index)));
  return keep(e, keeper, name, index);
}

#include "io/record_keep.h"
#include <stdlib.h>
#include <string.h>

/* Pieces of the rows of all blocks: neighbours in the array that are neighbours in memory, too, are one. */
static size_t cut(uint64_t blocks, uint64_t per_block, size_t bytes, const uint32_t *row, size_t n,
                  void *values, cls_piece *pieces) {
  size_t n_pieces = 0;
  for (uint64_t b = 0; b < blocks; b++)
    for (size_t i = 0; i < n; i++) {
      const uint64_t at = b * per_block + row[i];
      cls_piece *last = n_pieces > 0 ? &pieces[n_pieces - 1] : NULL;
      if (last && last->first + last->n == at)
        last->n++;
      else
        pieces[n_pieces++] = (cls_piece){at, 1, (char *)values + (b * n + i) * bytes};
    }
  return n_pieces;
}

cls_status cls_keep_rows(const cls_keeper *keeper, MPI_Comm comm, const char *name, cls_keep_type type,
                         uint64_t blocks, uint64_t per_block, uint32_t width, const uint32_t *row, size_t n,
                         void *values) {
  cls_piece *pieces = NULL;
  CLS_TRY(cls_agree(comm, cls_alloc(&pieces, blocks * n, sizeof *pieces, "pieces of a recording's state")));
  const size_t n_pieces = cut(blocks, per_block, width * cls_keep_bytes(type), row, n, values, pieces);
  const cls_status status =
      keeper->array(keeper->self, name, type, blocks * per_block, width, NULL, pieces, n_pieces);
  free(pieces);
  return status;
}

cls_status cls_keep_columns(const cls_keeper *keeper, const cls_columns *columns, const char *name,
                            cls_keep_type type, uint64_t blocks, uint32_t width, void *values) {
  return cls_keep_rows(keeper, columns->comm, name, type, blocks, columns->n, width, columns->owned,
                       columns->n_owned, values);
}

cls_status cls_keep_groups(const cls_keeper *keeper, const cls_groups *groups, const char *name,
                           uint64_t blocks, uint32_t width, int64_t *local) {
  const cls_columns *columns = &groups->columns;
  int64_t *owned = NULL;
  cls_status status = cls_alloc(&owned, blocks * columns->n_owned * width, sizeof *owned, "counts to keep");
  CLS_TRY(cls_agree(columns->comm, status));
  if (!keeper->loading) status = cls_groups_sum(groups, blocks, width, local, owned);
  if (status == CLS_OK) status = cls_keep_columns(keeper, columns, name, CLS_KEEP_I64, blocks, width, owned);
  if (status == CLS_OK && keeper->loading) cls_groups_settle(groups, blocks, width, owned, local);
  free(owned);
  return status;
}

cls_status cls_keep_samples(const cls_keeper *keeper, const char *name, int64_t step, cls_samples *s) {
  cls_status status = CLS_OK;
  if (keeper->loading)
    s->base = step / s->interval;
  else if (s->base != step / s->interval || s->used > 1)
    status =
        cls_fail(CLS_ERR_INTERNAL, "%s: samples were not gathered up to step %lld", name, (long long)step);
  if (status == CLS_OK) status = cls_samples_reserve(s, 1);
  CLS_TRY(cls_agree(s->groups->columns.comm, status));
  return cls_keep_groups(keeper, s->groups, name, (uint64_t)s->members, s->width, s->local);
}

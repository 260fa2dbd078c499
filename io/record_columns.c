#include "io/record_columns.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- columns ---- */

cls_status cls_columns_create(const cls_world *world, const int32_t *owner, uint32_t n,
                              cls_columns *columns) {
  *columns = (cls_columns){.comm = world->comm, .rank = world->rank, .ranks = world->ranks, .n = n};
  const size_t ranks = (size_t)world->ranks;
  uint32_t *first = NULL, *next = NULL;
  CLS_TRY(cls_alloc(&columns->by_owner, n, sizeof *columns->by_owner, "columns by owner"));
  CLS_TRY(cls_alloc(&first, ranks + 1, sizeof *first, "columns by owner"));
  columns->by_owner_first = first;
  CLS_TRY(cls_alloc(&next, ranks, sizeof *next, "columns by owner"));
  for (uint32_t i = 0; i < n; i++) first[owner[i] + 1]++;
  for (size_t r = 0; r < ranks; r++) first[r + 1] += first[r];
  memcpy(next, first, ranks * sizeof *next);
  for (uint32_t i = 0; i < n; i++) columns->by_owner[next[owner[i]]++] = i;
  free(next);
  columns->owned = columns->by_owner + first[world->rank];
  columns->n_owned = first[world->rank + 1] - first[world->rank];
  return CLS_OK;
}

void cls_columns_destroy(cls_columns *columns) {
  free(columns->by_owner);
  free(columns->by_owner_first);
  *columns = (cls_columns){0};
}

void cls_split_rows(int ranks, uint64_t rows, uint64_t unit, uint64_t *first) {
  for (int r = 0; r <= ranks; r++)
    first[r] =
        (rows / (uint64_t)ranks * (uint64_t)r + rows % (uint64_t)ranks * (uint64_t)r / (uint64_t)ranks) *
        unit;
}

typedef struct {
  int *send_n, *send_at, *receive_n, *receive_at;
  char *columns;
} row_buffers;

static cls_status make_buffers(const cls_columns *c, const uint64_t *first, size_t bytes, row_buffers *b) {
  const uint64_t here = first[c->rank + 1] - first[c->rank], all = first[c->ranks] - first[0];
  CLS_CHECK(
      here * c->n <= INT_MAX && all * c->n_owned <= INT_MAX, CLS_ERR_LIMIT,
      "recorded rows between two flushes: %llu x %u columns do not fit one message; lower record.flush_ms",
      (unsigned long long)here, c->n);
  const size_t ranks = (size_t)c->ranks;
  CLS_TRY(cls_alloc(&b->send_n, 4 * ranks, sizeof *b->send_n, "counts of rows"));
  b->send_at = b->send_n + ranks;
  b->receive_n = b->send_n + 2 * ranks;
  b->receive_at = b->send_n + 3 * ranks;
  for (int r = 0; r < c->ranks; r++) {
    b->send_n[r] = (int)((first[r + 1] - first[r]) * c->n_owned);
    b->send_at[r] = (int)((first[r] - first[0]) * c->n_owned);
    b->receive_n[r] = (int)(here * (c->by_owner_first[r + 1] - c->by_owner_first[r]));
    b->receive_at[r] = (int)(here * c->by_owner_first[r]);
  }
  return cls_alloc(&b->columns, here * c->n, bytes, "rows to write");
}

cls_status cls_columns_rows(const cls_columns *columns, const uint64_t *first, size_t bytes,
                            const void *owned, void *whole) {
  row_buffers b = {0};
  cls_status status = cls_agree(columns->comm, make_buffers(columns, first, bytes, &b));
  if (status == CLS_OK) {
    MPI_Datatype cell;
    MPI_Type_contiguous((int)bytes, MPI_BYTE, &cell);
    MPI_Type_commit(&cell);
    MPI_Alltoallv(owned, b.send_n, b.send_at, cell, b.columns, b.receive_n, b.receive_at, cell,
                  columns->comm);
    MPI_Type_free(&cell);
    const uint64_t here = first[columns->rank + 1] - first[columns->rank];
    for (int r = 0; r < columns->ranks; r++) {
      const uint32_t begin = columns->by_owner_first[r], n = columns->by_owner_first[r + 1] - begin;
      for (uint64_t row = 0; row < here; row++)
        for (uint32_t k = 0; k < n; k++)
          memcpy((char *)whole + (row * columns->n + columns->by_owner[begin + k]) * bytes,
                 b.columns + ((size_t)b.receive_at[r] + row * n + k) * bytes, bytes);
    }
  }
  free(b.send_n);
  free(b.columns);
  return status;
}

/* ---- rows ---- */

cls_status cls_rows_create(cls_rows *rows) {
  rows->data.dataset = rows->time.dataset = -1;
  return cls_alloc(&rows->first, (size_t)rows->record->world.ranks + 1, sizeof *rows->first, "rows to write");
}

void cls_rows_destroy(cls_rows *rows) {
  free(rows->whole);
  free(rows->times);
  free(rows->first);
}

cls_status cls_rows_build(const cls_rows *rows, hid_t file, const char *path, const char *units,
                          const char *time_path, const char *time_units) {
  hsize_t row[3];
  int n = 0;
  if (rows->per_time > 1) row[n++] = rows->per_time;
  row[n++] = rows->columns->n;
  if (rows->width > 0) row[n++] = rows->width;
  const uint64_t expected = (uint64_t)(rows->record->steps / rows->time_steps);
  CLS_TRY(cls_h5_series_create(file, path, rows->type, n + 1, row, expected, units));
  if (!time_path) return CLS_OK;
  return cls_h5_series_create(file, time_path, H5T_NATIVE_DOUBLE, 1, NULL, expected, time_units);
}

cls_status cls_rows_open(cls_rows *rows, hid_t file, const char *path, const char *time_path) {
  const MPI_Comm comm = rows->record->world.comm;
  CLS_TRY(cls_h5_series_open(comm, file, path, rows->type, &rows->data));
  return time_path ? cls_h5_series_open(comm, file, time_path, H5T_NATIVE_DOUBLE, &rows->time) : CLS_OK;
}

cls_status cls_rows_close(cls_rows *rows) {
  CLS_TRY(cls_h5_series_close(&rows->data));
  return cls_h5_series_close(&rows->time);
}

/* Which rows of columns each rank writes: always whole rows of the series. */
static void split(cls_rows *rows, uint64_t n) {
  const int ranks = rows->record->world.ranks;
  cls_split_rows(ranks, n, rows->per_time, rows->first);
  for (int r = 1; rows->at_root && r <= ranks; r++) rows->first[r] = n * rows->per_time;
}

cls_status cls_rows_append(cls_rows *rows, uint64_t n, const void *owned) {
  const cls_world *world = &rows->record->world;
  const size_t bytes = H5Tget_size(rows->type) * (rows->width > 0 ? rows->width : 1);
  split(rows, n);
  const uint64_t begin = rows->first[world->rank] / rows->per_time,
                 here = rows->first[world->rank + 1] / rows->per_time - begin;
  cls_status status = cls_grow(&rows->whole, &rows->whole_capacity,
                               here * rows->per_time * rows->columns->n * bytes, 1, "rows to write");
  if (status == CLS_OK)
    status = cls_grow(&rows->times, &rows->times_capacity, here, sizeof *rows->times, "times of rows");
  CLS_TRY(cls_agree(world->comm, status));
  if (n == 0) return CLS_OK;
  CLS_TRY(cls_columns_rows(rows->columns, rows->first, bytes, owned, rows->whole));
  for (uint64_t k = 0; k < here; k++)
    rows->times[k] =
        (double)((rows->written + (int64_t)(begin + k) + 1) * rows->time_steps) * rows->time_unit;
  rows->written += (int64_t)n;
  CLS_TRY(cls_h5_series_append(&rows->data, n, begin, here, rows->whole));
  return rows->time.dataset < 0 ? CLS_OK : cls_h5_series_append(&rows->time, n, begin, here, rows->times);
}

/* Tables whose columns belong to ranks and whose rows all ranks write together: every rank has its columns of
 * all rows, and gets all columns of its share of the rows. */
#ifndef CALLOSUM_RECORD_COLUMNS_H
#define CALLOSUM_RECORD_COLUMNS_H

#include "io/record.h"

typedef struct {
  MPI_Comm comm;
  int rank, ranks;
  uint32_t n, n_owned;
  uint32_t *owned;          /* [n_owned] columns of this rank, ascending */
  uint32_t *by_owner;       /* [n] columns in order (owner, column); `owned` is a part of it */
  uint32_t *by_owner_first; /* [ranks + 1] */
} cls_columns;

/* Local, the same arguments on every rank. owner[n]: rank of each column. */
cls_status cls_columns_create(const cls_world *world, const int32_t *owner, uint32_t n, cls_columns *columns);
void cls_columns_destroy(cls_columns *columns);
/* Collective. Rank r receives rows first[r] ... first[r + 1] - 1 of all columns. `owned` [rows][n_owned] and
 * `whole` [rows here][n], cells of `bytes` bytes. */
cls_status cls_columns_rows(const cls_columns *columns, const uint64_t *first, size_t bytes,
                            const void *owned, void *whole);
/* Even split of `rows` rows, each `unit` long, over the ranks: first[ranks + 1]. */
void cls_split_rows(int ranks, uint64_t rows, uint64_t unit, uint64_t *first);

/* ---- a series of a file that is written so ---- */

/* Row k of the series belongs to time (k + 1) x time_steps and holds `per_time` rows of columns (one per
 * member), cells of `width` numbers. `time_steps` are steps of the run or, as `time_unit` says, longer. */
typedef struct {
  const cls_record *record;
  const cls_columns *columns;
  hid_t type;
  uint32_t per_time; /* 1: no dimension of its own */
  uint32_t width;    /* 0: one number, and no dimension of its own */
  bool at_root;      /* rank 0 writes all rows, which are few */
  int64_t time_steps;
  double time_unit; /* of a step, in the unit of the times */
  int64_t written;  /* rows so far: the position */
  cls_h5_series data, time;
  void *whole; /* the rows this rank writes */
  double *times;
  uint64_t *first; /* [ranks + 1] rows of columns that each rank writes */
  size_t whole_capacity, times_capacity;
} cls_rows;

/* Local. `rows` holds what is fixed: record ... time_unit. The rest is made. */
cls_status cls_rows_create(cls_rows *rows);
void cls_rows_destroy(cls_rows *rows); /* closes nothing */
/* Rank 0: the skeleton. `time_path` may be NULL: no times. */
cls_status cls_rows_build(const cls_rows *rows, hid_t file, const char *path, const char *units,
                          const char *time_path, const char *time_units);
/* Collective. */
cls_status cls_rows_open(cls_rows *rows, hid_t file, const char *path, const char *time_path);
/* Collective. Appends `n` rows of the series: owned [n][per_time][n_owned][width]. */
cls_status cls_rows_append(cls_rows *rows, uint64_t n, const void *owned);
cls_status cls_rows_close(cls_rows *rows); /* collective */

#endif

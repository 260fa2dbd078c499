/* HDF5 files of recordings.
 *
 * A recording is made in two acts. First rank 0 alone builds the skeleton: attributes, tables and empty
 * series that grow in time. It is small, and a failure (no permission, disk full) is an ordinary error. Then
 * all ranks open the file together and append rows to the series, collectively.
 *
 * After a failed collective write nothing may be closed or flushed: other ranks are still inside the call and
 * closing waits for them. The functions below return CLS_ERR_IO and touch nothing; the program answers by
 * MPI_Abort. */
#ifndef CALLOSUM_HDF5_FILE_H
#define CALLOSUM_HDF5_FILE_H

#include "base/base.h"
#include <hdf5.h>

/* Leaves "PATH: what: HDF5's own reason" and returns CLS_ERR_IO. Empties HDF5's error stack. */
cls_status cls_h5_fail(hid_t file, const char *what);

/* ---- the skeleton: local, called on one rank. `path` below is a path inside the file; missing groups are
 * made. ---- */

/* Replaces what is there. CLS_ERR_INPUT where the folder does not allow it. */
cls_status cls_h5_create(const char *path, hid_t *file);
cls_status cls_h5_close(hid_t file);
cls_status cls_h5_group(hid_t file, const char *path);
/* Attributes of the object at `path` ("/" is the file). n = 0: a scalar. `type` is a native HDF5 type. */
cls_status cls_h5_attribute(hid_t file, const char *path, const char *name, hid_t type, hsize_t n,
                            const void *values);
cls_status cls_h5_text(hid_t file, const char *path, const char *name, const char *text);
/* A fixed array of `rank` dimensions. units may be NULL. */
cls_status cls_h5_table(hid_t file, const char *path, hid_t type, int rank, const hsize_t *dims,
                        const void *values, const char *units);
/* A table of n strings (variable length, UTF-8). */
cls_status cls_h5_names(hid_t file, const char *path, hsize_t n, const char *const *names);
/* Another name for what is at `path`. */
cls_status cls_h5_link(hid_t file, const char *path, const char *name);
/* An empty series: rows of `rank - 1` dimensions `row`, growing along the first to about `expected` rows (0:
 * nobody knows; it only sets how the file is laid out). units may be NULL. */
cls_status cls_h5_series_create(hid_t file, const char *path, hid_t type, int rank, const hsize_t *row,
                                uint64_t expected, const char *units);

/* ---- reading: local ---- */

/* Text attribute `name` of `object`, of fixed or variable length, in *text (free() it); NULL where there is
 * none or it is no text. */
cls_status cls_h5_read_text(hid_t object, const char *name, char **text);

/* Whether a dataset can hold what its extents claim: not where that is far more than is stored of it, however well it is
 * packed. Of files by others: a few bytes may claim any number of zeros. */
bool cls_h5_is_stored(hid_t dataset);

/* ---- the recording: collective ---- */

typedef struct {
  hid_t file, dataset;
  hid_t type;       /* native type of elements in memory and file */
  int rank;         /* dimensions, time first */
  hsize_t dims[4];  /* current extent */
  size_t row_bytes; /* bytes of a row */
  MPI_Comm comm;
} cls_h5_series;

/* Opens a skeleton for writing by all ranks of `comm`. */
cls_status cls_h5_open_shared(MPI_Comm comm, const char *path, hid_t *file);
cls_status cls_h5_series_open(MPI_Comm comm, hid_t file, const char *path, hid_t type, cls_h5_series *series);
cls_status cls_h5_series_close(cls_h5_series *series);
/* Appends `total` rows (the same number on every rank); this rank's `n` rows come at offset `offset` among
 * them. */
cls_status cls_h5_series_append(cls_h5_series *series, uint64_t total, uint64_t offset, uint64_t n,
                                const void *rows);
/* The same of a series of two dimensions whose columns are shared out instead: this rank writes columns [first, first + n)
 * of all rows, values [total][n]. */
cls_status cls_h5_columns_append(cls_h5_series *series, uint64_t total, uint64_t first, uint64_t n,
                                 const void *values);
/* Overwrites the block of `count` elements from `start` on, in every dimension; a rank may have none. */
cls_status cls_h5_block_write(cls_h5_series *series, const hsize_t *start, const hsize_t *count,
                              const void *values);
/* Reads rows [first, first + n) as rank 0 needs them; other ranks only take part and may pass NULL. `second`
 * >= 0: only that index of the second dimension (a member); -1: all. */
cls_status cls_h5_series_read(cls_h5_series *series, uint64_t first, uint64_t n, int64_t second,
                              void *values);
/* Overwrites a table; `values` of rank 0. */
cls_status cls_h5_table_update(MPI_Comm comm, hid_t file, const char *path, hid_t type, const void *values);
/* Overwrites a scalar attribute of the root; the same value on every rank. */
cls_status cls_h5_attribute_update(hid_t file, const char *name, hid_t type, const void *value);
/* Everything written so far reaches the disk: the file is readable up to here whatever happens next. */
cls_status cls_h5_flush(hid_t file);

#endif

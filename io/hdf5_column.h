/* Columns of numbers in HDF5 files, read (and written) piece by piece by one process alone: lists of synapses,
 * positions, SONATA files. Errors are the user's (CLS_ERR_INPUT) and say "FILE: DATASET: ...". */
#ifndef CALLOSUM_HDF5_COLUMN_H
#define CALLOSUM_HDF5_COLUMN_H

#include "base/base.h"
#include <hdf5.h>

/* A dataset of `n` rows of `width` numbers. Integers of any size and sign, or any numbers. */
typedef struct {
  hid_t dataset; /* -1: closed */
  char *name;    /* "FILE: DATASET", for messages */
  uint64_t n;
  int width;
} cls_h5_column;

/* Local, as everything here. HDF5 is not made for several threads: the functions below take turns among
 * those of this process. */
cls_status cls_h5_open_input(const char *path, hid_t *file);
void cls_h5_close_input(hid_t file); /* negative: nothing happens */
/* Is there something at `name` ("/a/b/c"), whose every step is there? */
bool cls_h5_has(hid_t file, const char *name);
/* `integers`: other numbers are refused. `most_width`: 1 for plain columns, else rows of up to so many. */
cls_status cls_h5_column_open(hid_t file, const char *path, const char *name, bool integers, int most_width,
                              cls_h5_column *column);
/* CLS_ERR_INPUT where the column claims far more rows than the file can hold (cls_h5_is_stored): for columns that decide how many
 * rows there are. */
cls_status cls_h5_column_check_stored(const cls_h5_column *column);
void cls_h5_column_close(cls_h5_column *column); /* also one that was never opened but zeroed or closed */
/* Rows [first, first + n) into `values`, row after row. What does not fit comes as the nearest that does. */
cls_status cls_h5_column_integers(const cls_h5_column *column, uint64_t first, uint64_t n, int64_t *values);
cls_status cls_h5_column_numbers(const cls_h5_column *column, uint64_t first, uint64_t n, double *values);
/* Writes rows [first, first + n) of the dataset `name` of one dimension, which is there. */
cls_status cls_h5_rows_write(hid_t file, const char *name, hid_t type, uint64_t first, uint64_t n,
                             const void *values);
/* Names of what the group `name` holds, ascending, to be freed by cls_h5_free_members, also after an error. */
cls_status cls_h5_members(hid_t file, const char *path, const char *name, char ***members, size_t *n);
void cls_h5_free_members(char **members, size_t n);
/* A text attribute of the object `name` in freshly allocated memory; NULL where there is none. */
cls_status cls_h5_text_of(hid_t file, const char *name, const char *attribute, char **text);

#endif

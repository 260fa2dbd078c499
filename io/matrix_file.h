/* Matrices in files: MATLAB (v5 and v7.3), delimited text, Matrix Market; where all elements are wanted, HDF5 and NIfTI.
 * Chosen by content. */
#ifndef CALLOSUM_MATRIX_FILE_H
#define CALLOSUM_MATRIX_FILE_H

#include "io/text_table.h"

typedef enum {
  CLS_MATRIX_TEXT,
  CLS_MATRIX_MATLAB,
  CLS_MATRIX_MTX,
  CLS_MATRIX_HDF5,
  CLS_MATRIX_NIFTI,
  CLS_MATRIX_UNKNOWN
} cls_matrix_kind;

typedef struct {
  uint32_t row, column;
  double value;
} cls_entry;

/* What is wanted of a file. */
typedef struct {
  const char *variable; /* of a MATLAB file, dataset of HDF5; NULL: the only matrix that fits `side` */
  uint32_t side;        /* 0: square; else one of the two sides has this length */
  bool finite;          /* missing numbers are refused (text) */
  bool sparse;          /* as entries, in memory proportional to them, instead of values */
} cls_matrix_request;

/* Numbers as they stand, NaN for missing ones; none is infinite. */
typedef struct {
  cls_matrix_kind kind;
  uint64_t rows, columns;
  bool sparse;
  double *values;     /* dense: [rows][columns] */
  cls_entry *entries; /* sparse: those that are not 0, by row, then column, each pair once */
  uint64_t n_entries;
  size_t capacity;
  char **row_names,
      **column_names; /* of text with labels or a header, and others that hold names; NULL: none */
  bool listed;    /* text with a row per entry: names are those that occur, and there may be more regions */
  bool directed;  /* such a header says source and target: row = target, whatever the caller assumes */
  char *comment;  /* first comment line of text; NULL: none */
  char *variable; /* of a MATLAB or HDF5 file: the one read; else NULL */
  double tr_s;    /* what an HDF5 or NIfTI file says of the time between rows; 0: nothing */
} cls_matrix;

/* Local. CLS_ERR_INPUT names the file and the line, or the variables to choose from. */
cls_status cls_matrix_read(const char *path, const cls_matrix_request *request, cls_matrix *matrix);
void cls_matrix_free(cls_matrix *matrix);
/* Local. Puts entries whose numbers were changed in order again; a pair that is there twice is refused. */
cls_status cls_matrix_sort(const char *path, cls_matrix *matrix);
/* Local. What a file is, by its first bytes. CLS_ERR_INPUT where it is empty or cannot be read. */
cls_status cls_matrix_kind_of(const char *path, cls_matrix_kind *kind);

/* ---- for the readers of formats (matrix_*.c) ---- */

cls_status cls_matrix_read_text(const char *path, const cls_matrix_request *request, cls_matrix *matrix);
cls_status cls_matrix_read_mtx(const char *path, const cls_matrix_request *request, cls_matrix *matrix);
cls_status cls_matrix_read_hdf5(const char *path, const cls_matrix_request *request, cls_matrix *matrix);
cls_status cls_matrix_read_nifti(const char *path, cls_matrix *matrix);
cls_status cls_matrix_read_matlab5(const char *path, const cls_matrix_request *request, cls_matrix *matrix);
cls_status cls_matrix_read_matlab73(const char *path, const cls_matrix_request *request, cls_matrix *matrix);
/* A text with a header of two ends and a value ("source target weight") whose rows are entries; `table` holds
 * its header. */
bool cls_matrix_is_list(const cls_text_table *table);
cls_status cls_matrix_read_list(cls_text_table *table, cls_matrix *matrix);

/* Dense: makes room for rows x columns zeros. Sparse: only notes the shape. */
cls_status cls_matrix_shape(cls_matrix *matrix, uint64_t rows, uint64_t columns);
/* The same for files of entries, whose size says nothing of the shape: a dense one may have 2^28 elements. */
cls_status cls_matrix_shape_of_entries(cls_matrix *matrix, uint64_t rows, uint64_t columns);
/* Sets an element. Dense: within the shape, or in the row after the last of a matrix that grows by rows. */
cls_status cls_matrix_put(cls_matrix *matrix, uint64_t row, uint64_t column, double value);

/* The variables of a MATLAB file, one after the other, and which is to be read. */
typedef struct {
  const char *path;
  const cls_matrix_request *request;
  char *chosen;     /* the one to read so far */
  char *candidates; /* those that fit, for messages */
  char *others;     /* those that do not */
  uint32_t n;       /* that fit */
} cls_variable_choice;
/* Looks at a variable; `obstacle`: why it is no matrix of real numbers, NULL where it is one. */
cls_status cls_variable_look(cls_variable_choice *choice, const char *name, const char *class_name,
                             uint64_t rows, uint64_t columns, const char *obstacle);
/* After the last: *name is the variable to read, the caller's to free. Frees the rest of `choice`. */
cls_status cls_variable_decide(cls_variable_choice *choice, cls_status status, char **name);

#endif

/* Numbers in a text file: one row per line, separated by comma, tab, semicolon or white space. */
#ifndef CALLOSUM_MATRIX_FILE_H
#define CALLOSUM_MATRIX_FILE_H

#include "base/base.h"

typedef struct {
  uint64_t rows, columns;
  double *values; /* [rows][columns] */
} cls_matrix;

/* Local. Lines that are empty or begin with '#' are skipped; a first line whose first field is no number is a
 * header. CLS_ERR_INPUT "PATH:LINE: ..." where a field is no finite number or a row has another length than
 * the first. */
cls_status cls_matrix_read(const char *path, cls_matrix *matrix);
void cls_matrix_free(cls_matrix *matrix);

#endif

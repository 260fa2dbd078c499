#include "io/matrix_file.h"
#include "io/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a file is ---- */

static bool is_text(const unsigned char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (bytes[i] < ' ' && !strchr("\t\n\v\f\r", bytes[i])) return false;
  return n > 0;
}

/* The header of version 1 has its mark at its end, that of version 2 behind its length. Packed files are known by their name. */
static bool is_nifti(const char *path, const unsigned char *head, size_t n) {
  const size_t length = strlen(path);
  if (n >= 2 && head[0] == 0x1f && head[1] == 0x8b)
    return length > 7 && strcmp(path + length - 7, ".nii.gz") == 0;
  return (n >= 348 && memcmp(head + 344, "n+1", 4) == 0) ||
         (n >= 12 && memcmp(head + 4, "n+2\0\r\n\x1a\n", 8) == 0);
}

static cls_status look(const char *path, cls_matrix_kind *kind, bool *hdf5) {
  unsigned char head[352];
  size_t n;
  CLS_TRY(cls_file_head(path, head, sizeof head, &n));
  *hdf5 = n >= 10 && memcmp(head, "MATLAB 7.3", 10) == 0;
  *kind = CLS_MATRIX_MATLAB;
  if (*hdf5 || (n >= 10 && memcmp(head, "MATLAB 5.0", 10) == 0)) return CLS_OK;
  *kind = n >= 14 && memcmp(head, "%%MatrixMarket", 14) == 0 ? CLS_MATRIX_MTX : CLS_MATRIX_TEXT;
  CLS_CHECK(n > 0, CLS_ERR_INPUT, "%s: empty: expected a matrix", path);
  if (!is_text(head, n)) *kind = CLS_MATRIX_UNKNOWN;
  if (n >= 8 && memcmp(head, "\x89HDF\r\n\x1a\n", 8) == 0) *kind = CLS_MATRIX_HDF5;
  if (is_nifti(path, head, n)) *kind = CLS_MATRIX_NIFTI;
  return CLS_OK;
}

cls_status cls_matrix_kind_of(const char *path, cls_matrix_kind *kind) {
  bool hdf5;
  return look(path, kind, &hdf5);
}

/* ---- elements ---- */

cls_status cls_matrix_shape(cls_matrix *matrix, uint64_t rows, uint64_t columns) {
  CLS_CHECK(rows < UINT32_MAX && columns < UINT32_MAX, CLS_ERR_LIMIT,
            "a matrix of %llu x %llu: expected less than 2^32 rows and columns", (unsigned long long)rows,
            (unsigned long long)columns);
  matrix->rows = rows;
  matrix->columns = columns;
  if (matrix->sparse) return CLS_OK;
  matrix->capacity = (size_t)(rows * columns);
  return cls_alloc(&matrix->values, matrix->capacity, sizeof *matrix->values, "a matrix of numbers");
}

cls_status cls_matrix_shape_of_entries(cls_matrix *matrix, uint64_t rows, uint64_t columns) {
  const uint64_t most = 1 << 28;
  CLS_CHECK(
      matrix->sparse || rows == 0 || columns <= most / rows, CLS_ERR_LIMIT,
      "a list of entries for a matrix of %llu x %llu: expected at most 2^28 elements where all are wanted",
      (unsigned long long)rows, (unsigned long long)columns);
  return cls_matrix_shape(matrix, rows, columns);
}

cls_status cls_matrix_put(cls_matrix *matrix, uint64_t row, uint64_t column, double value) {
  if (!matrix->sparse) {
    const size_t at = row * matrix->columns + column;
    CLS_TRY(
        cls_grow(&matrix->values, &matrix->capacity, at + 1, sizeof *matrix->values, "a matrix of numbers"));
    matrix->values[at] = value;
    return CLS_OK;
  }
  if (value == 0) return CLS_OK;
  CLS_TRY(cls_grow(&matrix->entries, &matrix->capacity, matrix->n_entries + 1, sizeof *matrix->entries,
                   "entries of a matrix"));
  matrix->entries[matrix->n_entries++] = (cls_entry){(uint32_t)row, (uint32_t)column, value};
  return CLS_OK;
}

static int by_place(const void *a, const void *b) {
  const cls_entry *x = a, *y = b;
  if (x->row != y->row) return x->row < y->row ? -1 : 1;
  return (x->column > y->column) - (x->column < y->column);
}

cls_status cls_matrix_sort(const char *path, cls_matrix *matrix) {
  cls_entry *e = matrix->entries;
  bool sorted = true;
  for (uint64_t k = 1; k < matrix->n_entries && sorted; k++) sorted = by_place(&e[k - 1], &e[k]) < 0;
  if (sorted) return CLS_OK;
  qsort(e, matrix->n_entries, sizeof *e, by_place);
  for (uint64_t k = 1; k < matrix->n_entries; k++)
    CLS_CHECK(by_place(&e[k - 1], &e[k]) < 0, CLS_ERR_INPUT,
              "%s: row %u, column %u is given twice, as %g and %g: expected each entry once", path,
              e[k].row + 1, e[k].column + 1, e[k - 1].value, e[k].value);
  return CLS_OK;
}

static cls_status read_kind(const char *path, const cls_matrix_request *request, bool hdf5,
                            cls_matrix *matrix) {
  if (matrix->kind == CLS_MATRIX_HDF5) return cls_matrix_read_hdf5(path, request, matrix);
  if (matrix->kind != CLS_MATRIX_MATLAB)
    CLS_CHECK(!request->variable, CLS_ERR_INPUT,
              "%s: variable %s: such a file has no variables: expected a MATLAB or HDF5 file", path,
              request->variable);
  if (matrix->kind == CLS_MATRIX_NIFTI) return cls_matrix_read_nifti(path, matrix);
  if (matrix->kind == CLS_MATRIX_TEXT) return cls_matrix_read_text(path, request, matrix);
  if (matrix->kind == CLS_MATRIX_MTX) return cls_matrix_read_mtx(path, request, matrix);
  return hdf5 ? cls_matrix_read_matlab73(path, request, matrix)
              : cls_matrix_read_matlab5(path, request, matrix);
}

cls_status cls_matrix_read(const char *path, const cls_matrix_request *request, cls_matrix *matrix) {
  bool hdf5;
  *matrix = (cls_matrix){.sparse = request->sparse};
  CLS_TRY(look(path, &matrix->kind, &hdf5));
  const bool whole = matrix->kind == CLS_MATRIX_HDF5 || matrix->kind == CLS_MATRIX_NIFTI;
  if (whole && request->sparse) matrix->kind = CLS_MATRIX_UNKNOWN;
  CLS_CHECK(
      matrix->kind != CLS_MATRIX_UNKNOWN, CLS_ERR_INPUT,
      "%s: binary, of a kind not known here: expected a MATLAB file (v5 or v7.3), Matrix Market, %sor text "
      "(CSV, TSV)",
      path, request->sparse ? "" : "HDF5, NIfTI (.nii, .nii.gz), ");
  cls_status status = read_kind(path, request, hdf5, matrix);
  if (status == CLS_ERR_LIMIT) status = CLS_ERR_INPUT; /* what a file asks for too much of is its fault */
  if (status == CLS_OK) status = cls_matrix_sort(path, matrix);
  if (status != CLS_OK) cls_matrix_free(matrix);
  return status;
}

static void free_names(char **names, uint64_t n) {
  for (uint64_t i = 0; names && i < n; i++) free(names[i]);
  free(names);
}

void cls_matrix_free(cls_matrix *matrix) {
  free(matrix->values);
  free(matrix->entries);
  free_names(matrix->row_names, matrix->rows);
  free_names(matrix->column_names, matrix->columns);
  free(matrix->comment);
  free(matrix->variable);
  *matrix = (cls_matrix){0};
}

/* ---- variables of MATLAB files ---- */

static cls_status append(char **list, const char *name, const char *class_name, uint64_t rows,
                         uint64_t columns) {
  char *longer = cls_format("%s%s%s (%s, %llu x %llu)", *list ? *list : "", *list ? ", " : "", name,
                            class_name, (unsigned long long)rows, (unsigned long long)columns);
  CLS_CHECK(longer, CLS_ERR_MEMORY, "out of memory for names of variables");
  free(*list);
  *list = longer;
  return CLS_OK;
}

cls_status cls_variable_look(cls_variable_choice *choice, const char *name, const char *class_name,
                             uint64_t rows, uint64_t columns, const char *obstacle) {
  const cls_matrix_request *request = choice->request;
  const bool named = request->variable && strcmp(request->variable, name) == 0;
  CLS_CHECK(!named || !obstacle, CLS_ERR_INPUT,
            "%s: variable %s (%s, %llu x %llu) is %s: expected a matrix "
            "of real numbers",
            choice->path, name, class_name, (unsigned long long)rows, (unsigned long long)columns, obstacle);
  const bool fits = !obstacle && (request->side ? rows == request->side || columns == request->side
                                                : rows == columns && rows > 1);
  const size_t room = 2000; /* a message is one line */
  char **list = fits ? &choice->candidates : &choice->others;
  if (!*list || strlen(*list) < room) CLS_TRY(append(list, name, class_name, rows, columns));
  choice->n += fits;
  if (named || (!request->variable && fits && choice->n == 1)) {
    free(choice->chosen);
    choice->chosen = cls_format("%s", name);
    CLS_CHECK(choice->chosen, CLS_ERR_MEMORY, "out of memory for the name of a variable");
  }
  return CLS_OK;
}

static cls_status decide(const cls_variable_choice *choice) {
  const cls_matrix_request *request = choice->request;
  char what[64] = "square matrix";
  if (request->side) snprintf(what, sizeof what, "matrix with a side of %u", request->side);
  const char *fit = choice->candidates ? choice->candidates : "",
             *other = choice->others ? choice->others : "";
  const char *comma = *fit && *other ? ", " : "";
  if (request->variable)
    CLS_CHECK(choice->chosen, CLS_ERR_INPUT, "%s: no variable %s: expected one of: %s%s%s", choice->path,
              request->variable, fit, comma, other);
  else
    CLS_CHECK(choice->n == 1, CLS_ERR_INPUT, "%s: %s %s: expected the name of a variable, of: %s%s%s",
              choice->path, choice->n ? "more than one" : "no", what, fit, comma, other);
  return CLS_OK;
}

cls_status cls_variable_decide(cls_variable_choice *choice, cls_status status, char **name) {
  if (status == CLS_OK) status = decide(choice);
  *name = status == CLS_OK ? choice->chosen : NULL;
  if (status != CLS_OK) free(choice->chosen);
  free(choice->candidates);
  free(choice->others);
  choice->chosen = choice->candidates = choice->others = NULL;
  return status;
}

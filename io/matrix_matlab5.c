/* Matrices of MATLAB v5 files (those up to v7 too). All variables are looked at and unpacked to their checksums before the
 * numbers of one are read. */
#include "io/matlab5_reader.h"
#include "io/matrix_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a variable ---- */

enum {
  CLASS_SPARSE = 5,
  CLASS_UINT64 = 15,
  CLASS_OPAQUE = 17, /* has no extents */
  FLAG_COMPLEX = 0x0800
};
typedef struct {
  uint32_t class;
  bool complex;
  int rank;
  uint64_t rows, columns;
  char name[256];
} variable;

static const char *class_name(const variable *v) {
  static const char *const names[] = {"other",  "cell",   "struct", "object", "char",  "sparse",
                                      "double", "single", "int8",   "uint8",  "int16", "uint16",
                                      "int32",  "uint32", "int64",  "uint64"};
  return names[v->class < sizeof names / sizeof *names ? v->class : 0];
}

static const char *obstacle(const variable *v) {
  if (v->class < CLASS_SPARSE || v->class > CLASS_UINT64) return "no matrix of numbers";
  if (v->rank != 2) return "no matrix of two dimensions";
  return v->complex ? "complex" : NULL;
}

static cls_status read_flags(cls_matlab5 *file, variable *v) {
  cls_matlab5_element e;
  double flags;
  CLS_TRY(cls_matlab5_element_begin(file, &e));
  if (e.type != CLS_MI_UINT32 || e.bytes != 8) return cls_matlab5_damaged(file, "has no flags");
  CLS_TRY(cls_matlab5_numbers(file, &e, 1, &flags));
  v->class = (uint32_t)flags & 0xff;
  v->complex = (uint32_t)flags & FLAG_COMPLEX;
  return cls_matlab5_element_end(file, &e);
}

static cls_status read_extents(cls_matlab5 *file, variable *v) {
  cls_matlab5_element e;
  double extent[2] = {0, 0};
  if (v->class == CLASS_OPAQUE) return CLS_OK;
  CLS_TRY(cls_matlab5_element_begin(file, &e));
  if (e.type != CLS_MI_INT32 || e.bytes < 8 || e.bytes % 4)
    return cls_matlab5_damaged(file, "has no extents");
  CLS_TRY(cls_matlab5_numbers(file, &e, 2, extent));
  if (extent[0] < 0 || extent[1] < 0) return cls_matlab5_damaged(file, "has extents below 0");
  v->rank = e.bytes / 4 > 64 ? 64 : (int)(e.bytes / 4);
  v->rows = (uint64_t)extent[0];
  v->columns = (uint64_t)extent[1];
  return cls_matlab5_element_end(file, &e);
}

/* Names are for people: what cannot be printed in a line is no part of them. */
static cls_status read_name(cls_matlab5 *file, variable *v) {
  cls_matlab5_element e;
  CLS_TRY(cls_matlab5_element_begin(file, &e));
  if (e.bytes >= sizeof v->name) return cls_matlab5_damaged(file, "has a name of more than 255 letters");
  CLS_TRY(cls_matlab5_bytes(file, &e, v->name, e.bytes));
  for (uint64_t i = 0; i < e.bytes; i++)
    if ((unsigned char)v->name[i] < ' ' || v->name[i] == 127) v->name[i] = '?';
  return cls_matlab5_element_end(file, &e);
}

/* What stands before the numbers. */
static cls_status read_head(cls_matlab5 *file, variable *v) {
  *v = (variable){0};
  CLS_TRY(read_flags(file, v));
  CLS_TRY(read_extents(file, v));
  return read_name(file, v);
}

/* ---- which variable ---- */

static cls_status look(cls_matlab5 *file, cls_variable_choice *choice, uint64_t *at) {
  variable v;
  const bool decided = choice->chosen != NULL;
  CLS_TRY(read_head(file, &v));
  if (v.name[0]) CLS_TRY(cls_variable_look(choice, v.name, class_name(&v), v.rows, v.columns, obstacle(&v)));
  if (!decided && choice->chosen) *at = cls_matlab5_place(file); /* the first of that name */
  return CLS_OK;
}

static cls_status look_at_all(cls_matlab5 *file, cls_variable_choice *choice, uint64_t *at) {
  bool got;
  for (;;) {
    CLS_TRY(cls_matlab5_next(file, &got));
    if (!got) return CLS_OK;
    if (cls_matlab5_has_variable(file)) CLS_TRY(look(file, choice, at));
    CLS_TRY(cls_matlab5_end(file));
  }
}

/* ---- its numbers ---- */

typedef struct {
  cls_matlab5 *file;
  cls_matrix *matrix;
  variable v;
  double *piece; /* [CLS_MATLAB5_PIECE] */
} taking;

static cls_status put(const taking *t, uint64_t row, uint64_t column, double value) {
  CLS_CHECK(!isinf(value), CLS_ERR_INPUT,
            "variable %s: row %llu, column %llu is %g: expected a finite number", t->v.name,
            (unsigned long long)row + 1, (unsigned long long)column + 1, value);
  return cls_matrix_put(t->matrix, row, column, value);
}

/* Begins an element that must hold at least n numbers, of which it has all bytes. */
static cls_status begin_numbers(const taking *t, uint64_t n, cls_matlab5_element *e) {
  CLS_TRY(cls_matlab5_element_begin(t->file, e));
  const uint32_t width = cls_matlab5_width(e->type);
  CLS_CHECK(width > 0, CLS_ERR_INPUT, "variable %s: numbers of type %u: expected integers or floating point",
            t->v.name, e->type);
  CLS_CHECK(e->bytes / width >= n, CLS_ERR_INPUT, "variable %s: %llu bytes of numbers for %llu x %llu",
            t->v.name, (unsigned long long)e->bytes, (unsigned long long)t->v.rows,
            (unsigned long long)t->v.columns);
  return CLS_OK;
}

/* The file goes column by column. */
static cls_status take_dense(const taking *t) {
  cls_matlab5_element e;
  const uint64_t rows = t->v.rows, n = rows * t->v.columns;
  CLS_TRY(begin_numbers(t, n, &e));
  CLS_TRY(cls_matrix_shape(t->matrix, rows, t->v.columns));
  for (uint64_t first = 0; first < n; first += CLS_MATLAB5_PIECE) {
    const size_t some = n - first < CLS_MATLAB5_PIECE ? (size_t)(n - first) : CLS_MATLAB5_PIECE;
    CLS_TRY(cls_matlab5_numbers(t->file, &e, some, t->piece));
    for (size_t i = 0; i < some; i++) CLS_TRY(put(t, (first + i) % rows, (first + i) / rows, t->piece[i]));
  }
  return CLS_OK;
}

/* Whole numbers at least 0 of an element: all it has, and at least `least`. *list is the caller's to free. */
static cls_status read_list(const taking *t, uint64_t least, uint64_t **list, uint64_t *n) {
  cls_matlab5_element e;
  CLS_TRY(begin_numbers(t, least, &e));
  *n = e.bytes / cls_matlab5_width(e.type);
  CLS_TRY(cls_alloc(list, *n, sizeof **list, "row numbers of a sparse matrix"));
  for (uint64_t first = 0; first < *n; first += CLS_MATLAB5_PIECE) {
    const size_t some = *n - first < CLS_MATLAB5_PIECE ? (size_t)(*n - first) : CLS_MATLAB5_PIECE;
    CLS_TRY(cls_matlab5_numbers(t->file, &e, some, t->piece));
    for (size_t i = 0; i < some; i++)
      (*list)[first + i] = t->piece[i] >= 0 && t->piece[i] < 0x1p53 ? (uint64_t)t->piece[i] : UINT64_MAX;
  }
  return cls_matlab5_element_end(t->file, &e);
}

static cls_status check_pointers(const taking *t, const uint64_t *first, uint64_t entries) {
  for (uint64_t c = 0; c < t->v.columns; c++)
    CLS_CHECK(first[c] <= first[c + 1] && first[c + 1] <= entries, CLS_ERR_INPUT,
              "variable %s: the pointers of column %llu are not in order", t->v.name,
              (unsigned long long)c + 1);
  return CLS_OK;
}

/* Entries before those of the first column and behind those of the last belong to none. */
static cls_status take_entries(const taking *t, const uint64_t *row, const uint64_t *first) {
  cls_matlab5_element e;
  const uint64_t n = first[t->v.columns];
  uint64_t column = 0;
  CLS_TRY(begin_numbers(t, n, &e));
  CLS_TRY(cls_matrix_shape_of_entries(t->matrix, t->v.rows, t->v.columns));
  for (uint64_t k = 0; k < n; k++) {
    const size_t i = k % CLS_MATLAB5_PIECE,
                 some = n - k < CLS_MATLAB5_PIECE ? (size_t)(n - k) : CLS_MATLAB5_PIECE;
    if (i == 0) CLS_TRY(cls_matlab5_numbers(t->file, &e, some, t->piece));
    while (k >= first[column + 1]) column++;
    if (k < first[0]) continue;
    CLS_CHECK(row[k] < t->v.rows, CLS_ERR_INPUT,
              "variable %s: row %llu in column %llu: expected at most %llu", t->v.name,
              (unsigned long long)row[k] + 1, (unsigned long long)column + 1, (unsigned long long)t->v.rows);
    CLS_TRY(put(t, row[k], column, t->piece[i]));
  }
  return CLS_OK;
}

static cls_status take_sparse(const taking *t) {
  uint64_t *row = NULL, *first = NULL, rows, pointers;
  cls_status status = read_list(t, 0, &row, &rows);
  if (status == CLS_OK) status = read_list(t, t->v.columns + 1, &first, &pointers);
  if (status == CLS_OK) status = check_pointers(t, first, rows);
  if (status == CLS_OK) status = take_entries(t, row, first);
  free(row);
  free(first);
  return status;
}

static cls_status take(cls_matlab5 *file, uint64_t at, cls_matrix *matrix) {
  taking t = {.file = file, .matrix = matrix};
  CLS_TRY(cls_matlab5_seek(file, at));
  CLS_TRY(read_head(file, &t.v));
  CLS_TRY(cls_alloc(&t.piece, CLS_MATLAB5_PIECE, sizeof *t.piece, "numbers of a MATLAB file"));
  const cls_status status = t.v.class == CLASS_SPARSE ? take_sparse(&t) : take_dense(&t);
  free(t.piece);
  return status;
}

cls_status cls_matrix_read_matlab5(const char *path, const cls_matrix_request *request, cls_matrix *matrix) {
  cls_matlab5 *file;
  cls_variable_choice choice = {.path = path, .request = request};
  uint64_t at = 0;
  CLS_TRY(cls_matlab5_open(path, &file));
  cls_status status = cls_variable_decide(&choice, look_at_all(file, &choice, &at), &matrix->variable);
  if (status == CLS_OK) {
    status = take(file, at, matrix);
    if (status != CLS_OK && !strstr(cls_error_message(), path)) status = cls_error_prefix(status, "%s", path);
  }
  cls_matlab5_close(file);
  return status;
}

/* Matrices of MATLAB v5 files (those up to v7 too), through matio. matio takes a file that is cut off or
 * damaged for one with zeros in it, so the file is first walked element by element: each must be there in
 * full, and compressed ones must unpack to their checksum. */
#include "io/matrix_file.h"
#include <errno.h>
#include <math.h>
#include <matio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- is the file whole? ---- */

enum { HEADER_BYTES = 128, TYPE_COMPRESSED = 15, PIECE = 65536 };

typedef struct {
  const char *path;
  FILE *file;
  bool swapped;            /* the file's byte order is not ours */
  uint64_t at, size;       /* bytes */
  unsigned char *in, *out; /* [PIECE] */
} walk;

static cls_status fail_damaged(const walk *w, const char *how) {
  return cls_fail(CLS_ERR_INPUT, "%s: damaged or cut-off MATLAB file: the element at byte %llu %s", w->path,
                  (unsigned long long)w->at, how);
}

/* A stream of `bytes` bytes that must end where they do, its checksum right. */
static cls_status check_compressed(const walk *w, uint64_t bytes, z_stream *z) {
  int code = Z_OK;
  z->avail_out = 1;
  while (code == Z_OK) {
    if (z->avail_in == 0 && z->avail_out > 0) { /* all was taken and all was given out */
      const size_t want = bytes < PIECE ? (size_t)bytes : PIECE;
      if (want == 0 || fread(w->in, 1, want, w->file) != want) return fail_damaged(w, "ends early");
      bytes -= want;
      z->next_in = w->in;
      z->avail_in = (uInt)want;
    }
    z->next_out = w->out;
    z->avail_out = PIECE;
    code = inflate(z, Z_NO_FLUSH);
  }
  return code == Z_STREAM_END ? CLS_OK : fail_damaged(w, "does not unpack");
}

static cls_status check_element(walk *w) {
  uint32_t tag[2];
  if (fseeko(w->file, (off_t)w->at, SEEK_SET) != 0 || fread(tag, sizeof tag, 1, w->file) != 1)
    return fail_damaged(w, "has no tag");
  if (w->swapped)
    for (int i = 0; i < 2; i++) tag[i] = __builtin_bswap32(tag[i]);
  if (tag[1] > w->size - w->at - sizeof tag) return fail_damaged(w, "is cut off");
  if (tag[0] == TYPE_COMPRESSED) {
    z_stream z = {0};
    CLS_CHECK(inflateInit(&z) == Z_OK, CLS_ERR_MEMORY, "%s: no memory to unpack it", w->path);
    const cls_status status = check_compressed(w, tag[1], &z);
    inflateEnd(&z);
    CLS_TRY(status);
  }
  w->at += sizeof tag + tag[1];
  return CLS_OK;
}

static cls_status check_elements(walk *w) {
  unsigned char head[HEADER_BYTES];
  const size_t n = fread(head, 1, sizeof head, w->file);
  CLS_CHECK(n == sizeof head, CLS_ERR_INPUT, "%s: cut-off MATLAB file: %zu bytes, expected a header of %d",
            w->path, n, HEADER_BYTES);
  const uint16_t order =
      (uint16_t)(head[126] | head[127] << 8); /* as this machine would read it: "MI" or "IM" */
  const bool little = order == ('I' | 'M' << 8);
  CLS_CHECK(little || order == ('M' | 'I' << 8), CLS_ERR_INPUT,
            "%s: MATLAB header ends in the bytes %02x %02x: expected IM or MI", w->path, head[126],
            head[127]);
  w->swapped = little != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  if (fseeko(w->file, 0, SEEK_END) != 0) return fail_damaged(w, "cannot be looked for");
  w->size = (uint64_t)ftello(w->file);
  w->at = HEADER_BYTES;
  while (w->at < w->size) CLS_TRY(check_element(w));
  return CLS_OK;
}

static cls_status check_whole(const char *path) {
  walk w = {.path = path, .file = fopen(path, "rb")};
  CLS_CHECK(w.file, CLS_ERR_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
  cls_status status = cls_alloc(&w.in, PIECE, 1, "a piece of a MATLAB file");
  if (status == CLS_OK) status = cls_alloc(&w.out, PIECE, 1, "a piece of a MATLAB file");
  if (status == CLS_OK) status = check_elements(&w);
  free(w.in);
  free(w.out);
  fclose(w.file);
  return status;
}

/* ---- which variable ---- */

static const char *class_name(const matvar_t *v) {
  static const char *const names[] = {
      [MAT_C_CELL] = "cell",     [MAT_C_STRUCT] = "struct", [MAT_C_OBJECT] = "object",
      [MAT_C_CHAR] = "char",     [MAT_C_SPARSE] = "sparse", [MAT_C_DOUBLE] = "double",
      [MAT_C_SINGLE] = "single", [MAT_C_INT8] = "int8",     [MAT_C_UINT8] = "uint8",
      [MAT_C_INT16] = "int16",   [MAT_C_UINT16] = "uint16", [MAT_C_INT32] = "int32",
      [MAT_C_UINT32] = "uint32", [MAT_C_INT64] = "int64",   [MAT_C_UINT64] = "uint64"};
  const unsigned c = (unsigned)v->class_type;
  return c < sizeof names / sizeof *names && names[c] ? names[c] : "other";
}

static const char *obstacle(const matvar_t *v) {
  if (v->class_type < MAT_C_SPARSE || v->class_type > MAT_C_UINT64) return "no matrix of numbers";
  if (v->rank != 2) return "no matrix of two dimensions";
  return v->isComplex ? "complex" : NULL;
}

static cls_status choose(mat_t *mat, const char *path, const cls_matrix_request *request, char **name) {
  cls_variable_choice choice = {.path = path, .request = request};
  cls_status status = CLS_OK;
  matvar_t *v;
  while (status == CLS_OK && (v = Mat_VarReadNextInfo(mat))) {
    const uint64_t rows = v->rank > 0 ? v->dims[0] : 0, columns = v->rank > 1 ? v->dims[1] : 0;
    if (v->name) status = cls_variable_look(&choice, v->name, class_name(v), rows, columns, obstacle(v));
    Mat_VarFree(v);
  }
  return cls_variable_decide(&choice, status, name);
}

/* ---- its numbers ---- */

/* matio leaves numbers in the type that `type` names, whatever they were packed as. */
static double element(const void *data, enum matio_types type, size_t k) {
  switch (type) {
  case MAT_T_SINGLE:
    return ((const float *)data)[k];
  case MAT_T_INT8:
    return ((const int8_t *)data)[k];
  case MAT_T_UINT8:
    return ((const uint8_t *)data)[k];
  case MAT_T_INT16:
    return ((const int16_t *)data)[k];
  case MAT_T_UINT16:
    return ((const uint16_t *)data)[k];
  case MAT_T_INT32:
    return ((const int32_t *)data)[k];
  case MAT_T_UINT32:
    return ((const uint32_t *)data)[k];
  case MAT_T_INT64:
    return (double)((const int64_t *)data)[k];
  case MAT_T_UINT64:
    return (double)((const uint64_t *)data)[k];
  case MAT_T_DOUBLE:
    return ((const double *)data)[k];
  default:
    return NAN;
  }
}

static cls_status put(const matvar_t *v, cls_matrix *matrix, size_t row, size_t column, double value) {
  CLS_CHECK(!isinf(value), CLS_ERR_INPUT, "variable %s: row %zu, column %zu is %g: expected a finite number",
            v->name, row + 1, column + 1, value);
  return cls_matrix_put(matrix, row, column, value);
}

static cls_status take_sparse(const matvar_t *v, cls_matrix *matrix) {
  const mat_sparse_t *s = v->data;
  const size_t columns = v->dims[1];
  CLS_CHECK(s->njc == columns + 1, CLS_ERR_INPUT, "variable %s: sparse with %u column pointers: expected %zu",
            v->name, s->njc, columns + 1);
  for (size_t c = 0; c < columns; c++) {
    CLS_CHECK(s->jc[c] <= s->jc[c + 1] && s->jc[c + 1] <= s->nir && s->jc[c + 1] <= s->ndata, CLS_ERR_INPUT,
              "variable %s: the pointers of column %zu are not in order", v->name, c + 1);
    for (size_t k = s->jc[c]; k < s->jc[c + 1]; k++) {
      CLS_CHECK(s->ir[k] < v->dims[0], CLS_ERR_INPUT,
                "variable %s: row %llu in column %zu: expected at most %zu", v->name,
                (unsigned long long)s->ir[k] + 1, c + 1, v->dims[0]);
      CLS_TRY(put(v, matrix, s->ir[k], c, element(s->data, v->data_type, k)));
    }
  }
  return CLS_OK;
}

static cls_status take(const matvar_t *v, cls_matrix *matrix) {
  const size_t rows = v->dims[0], columns = v->dims[1];
  CLS_CHECK(v->data || rows * columns == 0, CLS_ERR_INPUT, "variable %s: its numbers cannot be read",
            v->name);
  CLS_TRY(cls_matrix_shape(matrix, rows, columns));
  if (v->class_type == MAT_C_SPARSE) return take_sparse(v, matrix);
  CLS_CHECK(v->nbytes / (size_t)v->data_size >= rows * columns, CLS_ERR_INPUT,
            "variable %s: %zu bytes of numbers for %zu x %zu", v->name, v->nbytes, rows, columns);
  for (size_t row = 0; row < rows; row++) /* the file goes column by column */
    for (size_t column = 0; column < columns; column++)
      CLS_TRY(put(v, matrix, row, column, element(v->data, v->data_type, row + column * rows)));
  return CLS_OK;
}

cls_status cls_matrix_read_matlab5(const char *path, const cls_matrix_request *request, cls_matrix *matrix) {
  CLS_TRY(check_whole(path));
  mat_t *mat = Mat_Open(path, MAT_ACC_RDONLY);
  CLS_CHECK(mat, CLS_ERR_INPUT, "%s: damaged MATLAB file: matio cannot open it", path);
  cls_status status = choose(mat, path, request, &matrix->variable);
  if (status == CLS_OK) {
    matvar_t *v = Mat_VarRead(mat, matrix->variable);
    status = v ? take(v, matrix) : cls_fail(CLS_ERR_INPUT, "variable %s: cannot be read", matrix->variable);
    if (status != CLS_OK) status = cls_error_prefix(status, "%s", path);
    Mat_VarFree(v);
  }
  Mat_Close(mat);
  return status;
}

/* Matrices of MATLAB v7.3 files, which are HDF5 behind a user block of 512 bytes: a dataset for each
 * variable, turned on its side (HDF5 counts rows first, MATLAB columns), its class in the attribute
 * MATLAB_class; a sparse matrix is a group with the row of each entry (ir), the first entry of each column
 * (jc) and the numbers (data), its rows in the attribute MATLAB_sparse. */
#include "io/hdf5_file.h"
#include "io/matrix_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ELEMENTS = 1 << 20 };

/* One variable of the file. */
typedef struct {
  char class_name[32];
  const char *obstacle;
  bool sparse;
  uint64_t rows, columns;
} variable;

static bool text_attribute(hid_t object, const char *name, char *text, size_t size) {
  text[0] = 0;
  if (H5Aexists(object, name) <= 0) return false;
  const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return false;
  const hid_t stored = H5Aget_type(attribute), space = H5Aget_space(attribute);
  bool good = H5Tget_class(stored) == H5T_STRING && H5Tis_variable_str(stored) == 0 &&
              H5Tget_size(stored) < size && H5Sget_simple_extent_npoints(space) == 1;
  if (good) {
    good = H5Aread(attribute, stored, text) >= 0;
    text[H5Tget_size(stored)] = 0;
  }
  H5Sclose(space);
  H5Tclose(stored);
  H5Aclose(attribute);
  return good;
}

static bool count_attribute(hid_t object, const char *name, uint64_t *value) {
  *value = 0;
  if (H5Aexists(object, name) <= 0) return false;
  const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return false;
  const hid_t space = H5Aget_space(attribute);
  const bool good =
      H5Sget_simple_extent_npoints(space) == 1 && H5Aread(attribute, H5T_NATIVE_UINT64, value) >= 0;
  H5Sclose(space);
  H5Aclose(attribute);
  return good;
}

/* Extents of a dataset of at most two dimensions; false where it has more or is none. */
static bool extents(hid_t dataset, int *rank, hsize_t dims[2]) {
  const hid_t space = H5Dget_space(dataset);
  if (space < 0) return false;
  *rank = H5Sget_simple_extent_ndims(space);
  const bool good = *rank >= 1 && *rank <= 2 && H5Sget_simple_extent_dims(space, dims, NULL) >= 0;
  H5Sclose(space);
  return good;
}

static bool member_length(hid_t group, const char *name, hsize_t *n) {
  hsize_t dims[2] = {0};
  int rank = 0;
  *n = 0;
  if (H5Lexists(group, name, H5P_DEFAULT) <= 0) return false;
  const hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
  if (dataset < 0) return false;
  const bool good = extents(dataset, &rank, dims), stored = cls_h5_is_stored(dataset);
  H5Dclose(dataset);
  *n = rank == 2 ? dims[0] * dims[1] : dims[0];
  return good && stored;
}

static void describe_sparse(hid_t group, variable *v) {
  hsize_t pointers = 0;
  v->sparse = count_attribute(group, "MATLAB_sparse", &v->rows);
  if (!v->sparse) v->obstacle = "no matrix of numbers";
  if (v->sparse && member_length(group, "jc", &pointers) && pointers > 0)
    v->columns = pointers - 1;
  else if (v->sparse)
    v->obstacle = "sparse, but without its column pointers jc";
}

static void describe_dense(hid_t dataset, variable *v) {
  static const char *const numbers[] = {"double", "single", "int8",  "uint8",  "int16",  "uint16",
                                        "int32",  "uint32", "int64", "uint64", "logical"};
  const hid_t type = H5Dget_type(dataset);
  const H5T_class_t stored = H5Tget_class(type);
  H5Tclose(type);
  hsize_t dims[2] = {0};
  int rank = 0;
  uint64_t empty = 0;
  const bool flat = extents(dataset, &rank, dims) && rank == 2;
  v->rows = flat ? dims[1] : 0;
  v->columns = flat ? dims[0] : 0;
  bool known = false;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    known = known || strcmp(v->class_name, numbers[i]) == 0;
  if (!known || (stored != H5T_INTEGER && stored != H5T_FLOAT && stored != H5T_COMPOUND))
    v->obstacle = "no matrix of numbers";
  else if (count_attribute(dataset, "MATLAB_empty", &empty) && empty)
    v->obstacle = "empty";
  else if (!flat)
    v->obstacle = "no matrix of two dimensions";
  else if (stored == H5T_COMPOUND)
    v->obstacle = "complex";
}

static variable describe(hid_t object) {
  variable v = {{0}, NULL, false, 0, 0};
  if (!text_attribute(object, "MATLAB_class", v.class_name, sizeof v.class_name))
    strcpy(v.class_name, "other");
  if (H5Iget_type(object) == H5I_GROUP)
    describe_sparse(object, &v);
  else if (H5Iget_type(object) == H5I_DATASET)
    describe_dense(object, &v);
  else
    v.obstacle = "no matrix of numbers";
  return v;
}

/* ---- which variable ---- */

typedef struct {
  cls_variable_choice choice;
  cls_status status;
} listing;

static herr_t see_link(hid_t file, const char *name, const H5L_info_t *info, void *context) {
  listing *l = context;
  if (name[0] == '#' || info->type != H5L_TYPE_HARD) return 0; /* #refs#, #subsystem#: not variables */
  const hid_t object = H5Oopen(file, name, H5P_DEFAULT);
  if (object < 0) {
    l->status = cls_fail(CLS_ERR_INPUT, "%s: variable %s: cannot be opened, the file is damaged",
                         l->choice.path, name);
    return -1;
  }
  const variable v = describe(object);
  H5Oclose(object);
  l->status = cls_variable_look(&l->choice, name, v.class_name, v.rows, v.columns, v.obstacle);
  return l->status == CLS_OK ? 0 : -1;
}

static cls_status choose(hid_t file, const char *path, const cls_matrix_request *request, char **name) {
  listing l = {.choice = {.path = path, .request = request}};
  const herr_t code = H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, see_link, &l);
  if (code < 0 && l.status == CLS_OK)
    l.status = cls_fail(CLS_ERR_INPUT, "%s: its variables cannot be listed, the file is damaged", path);
  return cls_variable_decide(&l.choice, l.status, name);
}

/* ---- its numbers ---- */

static cls_status fail_read(const char *name) {
  return cls_fail(CLS_ERR_INPUT, "variable %s: its numbers cannot be read, the file is damaged", name);
}

static cls_status put(cls_matrix *matrix, uint64_t row, uint64_t column, double value) {
  CLS_CHECK(!isinf(value), CLS_ERR_INPUT,
            "variable %s: row %llu, column %llu is %g: expected a finite number", matrix->variable,
            (unsigned long long)row + 1, (unsigned long long)column + 1, value);
  return cls_matrix_put(matrix, row, column, value);
}

static bool read_columns(hid_t dataset, uint64_t first, uint64_t n, uint64_t rows, double *values) {
  const hsize_t start[2] = {first, 0}, count[2] = {n, rows};
  const hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(2, count, NULL);
  const bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                    H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values) >= 0;
  H5Sclose(memory);
  H5Sclose(space);
  return good;
}

/* A block of columns at a time, so that a sparse request never holds the whole. */
static cls_status take_dense(hid_t dataset, cls_matrix *matrix) {
  const uint64_t rows = matrix->rows, columns = matrix->columns;
  const uint64_t block = rows < BLOCK_ELEMENTS ? BLOCK_ELEMENTS / (rows > 0 ? rows : 1) : 1;
  double *values = NULL;
  CLS_TRY(cls_alloc(&values, block * rows, sizeof *values, "columns of a matrix"));
  cls_status status = CLS_OK;
  for (uint64_t first = 0; first < columns && status == CLS_OK; first += block) {
    const uint64_t n = columns - first < block ? columns - first : block;
    if (!read_columns(dataset, first, n, rows, values)) status = fail_read(matrix->variable);
    for (uint64_t c = 0; c < n && status == CLS_OK; c++)
      for (uint64_t r = 0; r < rows && status == CLS_OK; r++)
        status = put(matrix, r, first + c, values[c * rows + r]);
  }
  free(values);
  return status;
}

static cls_status read_member(hid_t group, const char *name, hid_t type, uint64_t n, void *values) {
  const hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
  const bool good =
      dataset >= 0 && (n == 0 || H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  if (dataset >= 0) H5Dclose(dataset);
  return good ? CLS_OK : fail_read(name);
}

typedef struct {
  uint64_t *row, *first; /* ir, jc */
  double *value;
} sparse_parts;

static cls_status read_parts(hid_t group, const cls_matrix *matrix, uint64_t entries, sparse_parts *parts) {
  const uint64_t pointers = matrix->columns + 1;
  CLS_TRY(cls_alloc(&parts->row, entries, sizeof *parts->row, "entries of a sparse matrix"));
  CLS_TRY(cls_alloc(&parts->value, entries, sizeof *parts->value, "entries of a sparse matrix"));
  CLS_TRY(cls_alloc(&parts->first, pointers, sizeof *parts->first, "columns of a sparse matrix"));
  CLS_TRY(read_member(group, "ir", H5T_NATIVE_UINT64, entries, parts->row));
  CLS_TRY(read_member(group, "jc", H5T_NATIVE_UINT64, pointers, parts->first));
  return read_member(group, "data", H5T_NATIVE_DOUBLE, entries, parts->value);
}

static cls_status take_parts(const sparse_parts *parts, uint64_t entries, cls_matrix *matrix) {
  for (uint64_t c = 0; c < matrix->columns; c++) {
    CLS_CHECK(parts->first[c] <= parts->first[c + 1] && parts->first[c + 1] <= entries, CLS_ERR_INPUT,
              "variable %s: the pointers of column %llu are not in order", matrix->variable,
              (unsigned long long)c + 1);
    for (uint64_t k = parts->first[c]; k < parts->first[c + 1]; k++) {
      CLS_CHECK(parts->row[k] < matrix->rows, CLS_ERR_INPUT,
                "variable %s: row %llu in column %llu: expected at most %llu", matrix->variable,
                (unsigned long long)parts->row[k] + 1, (unsigned long long)c + 1,
                (unsigned long long)matrix->rows);
      CLS_TRY(put(matrix, parts->row[k], c, parts->value[k]));
    }
  }
  return CLS_OK;
}

static cls_status take_sparse(hid_t group, cls_matrix *matrix) {
  hsize_t rows = 0, values = 0;
  member_length(group, "ir", &rows); /* a matrix without entries has neither */
  member_length(group, "data", &values);
  CLS_CHECK(rows == values, CLS_ERR_INPUT, "variable %s: %llu row numbers for %llu entries", matrix->variable,
            (unsigned long long)rows, (unsigned long long)values);
  if (rows == 0) return CLS_OK;
  sparse_parts parts = {0};
  cls_status status = read_parts(group, matrix, rows, &parts);
  if (status == CLS_OK) status = take_parts(&parts, rows, matrix);
  free(parts.row);
  free(parts.first);
  free(parts.value);
  return status;
}

static cls_status take(hid_t file, cls_matrix *matrix) {
  const hid_t object = H5Oopen(file, matrix->variable, H5P_DEFAULT);
  if (object < 0) return fail_read(matrix->variable);
  const variable v = describe(object);
  cls_status status = v.sparse ? cls_matrix_shape_of_entries(matrix, v.rows, v.columns) : CLS_OK;
  if (!v.sparse && !cls_h5_is_stored(object)) status = fail_read(matrix->variable);
  if (!v.sparse && status == CLS_OK) status = cls_matrix_shape(matrix, v.rows, v.columns);
  if (status == CLS_OK) status = v.sparse ? take_sparse(object, matrix) : take_dense(object, matrix);
  H5Oclose(object);
  return status;
}

cls_status cls_matrix_read_matlab73(const char *path, const cls_matrix_request *request, cls_matrix *matrix) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its reasons would be printed beside our message */
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  CLS_CHECK(file >= 0, CLS_ERR_INPUT, "%s: damaged or cut-off MATLAB v7.3 file: HDF5 cannot open it", path);
  cls_status status = choose(file, path, request, &matrix->variable);
  if (status == CLS_OK) {
    status = take(file, matrix);
    if (status != CLS_OK) status = cls_error_prefix(status, "%s", path);
  }
  H5Fclose(file);
  return status;
}

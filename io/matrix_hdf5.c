/* Matrices of plain HDF5 files: a dataset of numbers of two dimensions, [time][region] or [region][time], or of three with one member
 * in the middle, as bold.h5 has it. Names of regions are those of /regions/name, where the file has it and one side is as long; the
 * attribute tr_s of the dataset or of its group says what lies between rows. */
#include "io/hdf5_file.h"
#include "io/matrix_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAME = 1024 };

typedef struct {
  const char *obstacle, *class_name;
  uint64_t rows, columns;
} shape;

static shape describe(hid_t object, const char *name) {
  shape s = {"no matrix of numbers", "other", 0, 0};
  if (H5Iget_type(object) != H5I_DATASET) return s;
  const hid_t type = H5Dget_type(object), space = H5Dget_space(object);
  const H5T_class_t class = H5Tget_class(type);
  const int rank = H5Sget_simple_extent_ndims(space);
  hsize_t dims[3] = {0};
  const bool flat = (rank == 2 || rank == 3) && H5Sget_simple_extent_dims(space, dims, NULL) >= 0;
  H5Sclose(space);
  H5Tclose(type);
  if (class != H5T_INTEGER && class != H5T_FLOAT) return s;
  s.class_name = class == H5T_FLOAT ? "float" : "integer";
  s.obstacle = !flat                                 ? "no matrix of two dimensions"
               : rank == 3 && dims[1] != 1           ? "of several members"
               : dims[0] == 0 || dims[rank - 1] == 0 ? "empty"
               : strncmp(name, "regions/", 8) == 0   ? "a table of regions"
                                                     : NULL;
  if (flat) s.rows = dims[0], s.columns = dims[rank - 1];
  return s;
}

/* ---- which dataset ---- */

typedef struct {
  cls_variable_choice choice;
  cls_status status;
} listing;

static herr_t see_link(hid_t file, const char *name, const H5L_info_t *info, void *context) {
  listing *l = context;
  if (info->type != H5L_TYPE_HARD) return 0;
  const hid_t object = H5Oopen(file, name, H5P_DEFAULT);
  if (object < 0) {
    l->status =
        cls_fail(CLS_ERR_INPUT, "%s: %s: cannot be opened, the file is damaged", l->choice.path, name);
    return -1;
  }
  const shape s = describe(object, name);
  const bool is_group = H5Iget_type(object) == H5I_GROUP;
  H5Oclose(object);
  if (is_group) return 0;
  l->status = cls_variable_look(&l->choice, name, s.class_name, s.rows, s.columns, s.obstacle);
  return l->status == CLS_OK ? 0 : -1;
}

static cls_status choose(hid_t file, const char *path, const cls_matrix_request *request, char **name) {
  listing l = {.choice = {.path = path, .request = request}};
  const herr_t code = H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, see_link, &l);
  if (code < 0 && l.status == CLS_OK)
    l.status = cls_fail(CLS_ERR_INPUT, "%s: its datasets cannot be listed, the file is damaged", path);
  return cls_variable_decide(&l.choice, l.status, name);
}

/* ---- names ---- */

static cls_status read_names(const char *path, hid_t dataset, uint64_t n, char **names) {
  const hid_t stored = H5Dget_type(dataset);
  const bool text = H5Tget_class(stored) == H5T_STRING, variable = text && H5Tis_variable_str(stored) > 0;
  const size_t size = text && !variable ? H5Tget_size(stored) : sizeof(char *);
  char *table = NULL;
  cls_status status = text && (variable || size <= MOST_NAME) && cls_h5_is_stored(dataset)
                          ? cls_alloc(&table, n, size, "names of regions")
                          : cls_fail(CLS_ERR_INPUT, "%s: regions/name: expected names", path);
  bool got = status == CLS_OK && H5Dread(dataset, stored, H5S_ALL, H5S_ALL, H5P_DEFAULT, table) >= 0;
  if (status == CLS_OK && !got)
    status = cls_fail(CLS_ERR_INPUT, "%s: regions/name: cannot be read, the file is damaged", path);
  for (uint64_t i = 0; i < n && status == CLS_OK; i++) {
    const char *name = variable ? ((char **)(void *)table)[i] : table + i * size;
    names[i] = cls_format("%.*s", variable ? MOST_NAME : (int)size, name ? name : "");
    if (!names[i]) status = cls_fail(CLS_ERR_MEMORY, "out of memory for names of regions");
  }
  if (got && variable) {
    const hid_t space = H5Dget_space(dataset);
    H5Dvlen_reclaim(stored, space, H5P_DEFAULT, table);
    H5Sclose(space);
  }
  free(table);
  H5Tclose(stored);
  return status;
}

/* Length of the table of names; 0: there is none. */
static uint64_t count_names(hid_t file, hid_t *dataset) {
  *dataset = -1;
  if (H5Lexists(file, "regions", H5P_DEFAULT) <= 0 || H5Lexists(file, "regions/name", H5P_DEFAULT) <= 0)
    return 0;
  *dataset = H5Dopen2(file, "regions/name", H5P_DEFAULT);
  if (*dataset < 0) return 0;
  const hid_t space = H5Dget_space(*dataset);
  const hssize_t n = H5Sget_simple_extent_ndims(space) == 1 ? H5Sget_simple_extent_npoints(space) : 0;
  H5Sclose(space);
  return n > 0 && n < UINT32_MAX ? (uint64_t)n : 0;
}

static cls_status take_names(const char *path, hid_t dataset, uint64_t n, cls_matrix *matrix) {
  const bool of_columns = n == matrix->columns;
  if (n == 0 || (!of_columns && n != matrix->rows)) return CLS_OK;
  char ***names = of_columns ? &matrix->column_names : &matrix->row_names;
  CLS_TRY(cls_alloc(names, n, sizeof **names, "names of regions"));
  return read_names(path, dataset, n, *names);
}

/* ---- numbers ---- */

static bool read_tr(hid_t object, double *tr_s) {
  if (H5Aexists(object, "tr_s") <= 0) return false;
  const hid_t attribute = H5Aopen(object, "tr_s", H5P_DEFAULT);
  if (attribute < 0) return false;
  const hid_t space = H5Aget_space(attribute), type = H5Aget_type(attribute);
  const H5T_class_t class = H5Tget_class(type);
  const bool good = H5Sget_simple_extent_npoints(space) == 1 &&
                    (class == H5T_FLOAT || class == H5T_INTEGER) &&
                    H5Aread(attribute, H5T_NATIVE_DOUBLE, tr_s) >= 0;
  H5Tclose(type);
  H5Sclose(space);
  H5Aclose(attribute);
  return good;
}

static void find_tr(hid_t file, hid_t dataset, cls_matrix *matrix) {
  if (read_tr(dataset, &matrix->tr_s)) return;
  char *group = cls_format("%s", matrix->variable), *slash = group ? strrchr(group, '/') : NULL;
  if (slash) {
    *slash = 0;
    const hid_t object = H5Oopen(file, group, H5P_DEFAULT);
    if (object >= 0 && !read_tr(object, &matrix->tr_s)) matrix->tr_s = 0;
    if (object >= 0) H5Oclose(object);
  }
  free(group);
}

static cls_status take(const char *path, hid_t dataset, cls_matrix *matrix) {
  const shape s = describe(dataset, "");
  CLS_CHECK(cls_h5_is_stored(dataset), CLS_ERR_INPUT,
            "%s: %s: its numbers cannot be read, the file is damaged", path, matrix->variable);
  CLS_TRY(cls_matrix_shape_of_entries(matrix, s.rows, s.columns));
  CLS_CHECK(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, matrix->values) >= 0,
            CLS_ERR_INPUT, "%s: %s: its numbers cannot be read, the file is damaged", path, matrix->variable);
  for (uint64_t i = 0; i < s.rows * s.columns; i++)
    CLS_CHECK(!isinf(matrix->values[i]), CLS_ERR_INPUT,
              "%s: %s: row %llu, column %llu is %g: expected a finite number", path, matrix->variable,
              (unsigned long long)(i / s.columns) + 1, (unsigned long long)(i % s.columns) + 1,
              matrix->values[i]);
  return CLS_OK;
}

static cls_status read_file(const char *path, hid_t file, const cls_matrix_request *request,
                            cls_matrix *matrix) {
  cls_matrix_request wanted = *request;
  hid_t names;
  const uint64_t n_names = count_names(file, &names);
  while (wanted.variable && *wanted.variable == '/') wanted.variable++;
  if (n_names > 0) wanted.side = (uint32_t)n_names;
  cls_status status = choose(file, path, &wanted, &matrix->variable);
  if (status == CLS_OK) {
    const hid_t dataset = H5Dopen2(file, matrix->variable, H5P_DEFAULT);
    status = dataset >= 0 ? take(path, dataset, matrix)
                          : cls_fail(CLS_ERR_INPUT, "%s: %s: cannot be opened", path, matrix->variable);
    if (status == CLS_OK) find_tr(file, dataset, matrix);
    if (dataset >= 0) H5Dclose(dataset);
  }
  if (status == CLS_OK) status = take_names(path, names, n_names, matrix);
  if (names >= 0) H5Dclose(names);
  return status;
}

cls_status cls_matrix_read_hdf5(const char *path, const cls_matrix_request *request, cls_matrix *matrix) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) {
    (void)cls_h5_fail(-1, "opening it as HDF5");
    return cls_fail(CLS_ERR_INPUT, "%s: damaged or cut-off HDF5 file: %s", path, cls_error_message());
  }
  const cls_status status = read_file(path, file, request, matrix);
  H5Fclose(file);
  return status;
}

#include "io/hdf5_column.h"
#include "io/hdf5_file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

cls_status cls_h5_open_input(const char *path, hid_t *file) {
  *file = -1;
  CLS_CHECK(access(path, R_OK) == 0, CLS_ERR_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
#pragma omp critical(callosum_hdf5)
  {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its reasons would be printed beside our message */
    *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  }
  CLS_CHECK(*file >= 0, CLS_ERR_INPUT, "%s: no HDF5 file, or damaged or cut off", path);
  return CLS_OK;
}

void cls_h5_close_input(hid_t file) {
  if (file < 0) return;
#pragma omp critical(callosum_hdf5)
  H5Fclose(file);
}

/* HDF5 wants every step of a path asked for. */
static bool has(hid_t file, const char *name) {
  char *part = cls_format("%s", name);
  bool found = part != NULL;
  for (char *c = part; found && c;) {
    c = strchr(c + 1, '/');
    if (c) *c = 0;
    if (part[0] && strcmp(part, "/") != 0)
      found = H5Lexists(file, part, H5P_DEFAULT) > 0 && H5Oexists_by_name(file, part, H5P_DEFAULT) > 0;
    if (c) *c = '/';
  }
  free(part);
  return found;
}

bool cls_h5_has(hid_t file, const char *name) {
  bool found;
#pragma omp critical(callosum_hdf5)
  found = has(file, name);
  return found;
}

static cls_status check_column(cls_h5_column *c, bool integers, int most_width) {
  hid_t space = H5Dget_space(c->dataset), type = H5Dget_type(c->dataset);
  hsize_t dims[2] = {0, 1};
  int rank = H5Sget_simple_extent_ndims(space);
  if (rank == 1 || rank == 2) H5Sget_simple_extent_dims(space, dims, NULL);
  H5T_class_t class = H5Tget_class(type);
  H5Sclose(space);
  H5Tclose(type);
  CLS_CHECK(rank == 1 || (rank == 2 && most_width > 1), CLS_ERR_INPUT, "%s: %d dimensions: expected %s",
            c->name, rank, most_width > 1 ? "1 or 2" : "1");
  CLS_CHECK(dims[1] >= 1 && dims[1] <= (hsize_t)most_width, CLS_ERR_INPUT,
            "%s: rows of %llu numbers: expected at most %d", c->name, (unsigned long long)dims[1],
            most_width);
  CLS_CHECK(class == H5T_INTEGER || (!integers && class == H5T_FLOAT), CLS_ERR_INPUT, "%s: expected %s",
            c->name, integers ? "integers" : "numbers");
  c->n = dims[0];
  c->width = (int)dims[1];
  return CLS_OK;
}

cls_status cls_h5_column_open(hid_t file, const char *path, const char *name, bool integers, int most_width,
                              cls_h5_column *column) {
  cls_status status = CLS_OK;
  *column = (cls_h5_column){.dataset = -1, .name = cls_format("%s: %s", path, name)};
  CLS_CHECK(column->name, CLS_ERR_MEMORY, "%s: no memory for the name of a dataset", path);
#pragma omp critical(callosum_hdf5)
  {
    if (has(file, name)) column->dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (column->dataset >= 0)
      status = check_column(column, integers, most_width);
    else
      status = cls_fail(CLS_ERR_INPUT, "%s: there is no such dataset", column->name);
  }
  return status;
}

cls_status cls_h5_column_check_stored(const cls_h5_column *c) {
  bool stored;
#pragma omp critical(callosum_hdf5)
  stored = cls_h5_is_stored(c->dataset);
  CLS_CHECK(stored, CLS_ERR_INPUT, "%s: %llu rows, of which hardly any are stored: the file is damaged",
            c->name, (unsigned long long)c->n);
  return CLS_OK;
}

void cls_h5_column_close(cls_h5_column *column) {
  if (!column->name) return;
#pragma omp critical(callosum_hdf5)
  if (column->dataset >= 0) H5Dclose(column->dataset);
  free(column->name);
  *column = (cls_h5_column){.dataset = -1};
}

static cls_status read_rows(const cls_h5_column *c, uint64_t first, uint64_t n, hid_t type, void *values) {
  if (n == 0) return CLS_OK;
  hsize_t start[2] = {first, 0}, count[2] = {n, (hsize_t)c->width};
  herr_t done = -1;
#pragma omp critical(callosum_hdf5)
  {
    hid_t there = H5Dget_space(c->dataset);
    int rank = H5Sget_simple_extent_ndims(there);
    hid_t here = H5Screate_simple(rank, count, NULL);
    if (H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, count, NULL) >= 0)
      done = H5Dread(c->dataset, type, here, there, H5P_DEFAULT, values);
    H5Sclose(here);
    H5Sclose(there);
  }
  CLS_CHECK(done >= 0, CLS_ERR_INPUT, "%s: rows %llu ... + %llu cannot be read: the file is damaged", c->name,
            (unsigned long long)first, (unsigned long long)n);
  return CLS_OK;
}

cls_status cls_h5_column_integers(const cls_h5_column *column, uint64_t first, uint64_t n, int64_t *values) {
  return read_rows(column, first, n, H5T_NATIVE_INT64, values);
}

cls_status cls_h5_column_numbers(const cls_h5_column *column, uint64_t first, uint64_t n, double *values) {
  return read_rows(column, first, n, H5T_NATIVE_DOUBLE, values);
}

cls_status cls_h5_rows_write(hid_t file, const char *name, hid_t type, uint64_t first, uint64_t n,
                             const void *values) {
  hsize_t start = first, count = n;
  herr_t done = -1;
  if (n == 0) return CLS_OK;
#pragma omp critical(callosum_hdf5)
  {
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT), there = H5Dget_space(set);
    hid_t here = H5Screate_simple(1, &count, NULL);
    if (H5Sselect_hyperslab(there, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0)
      done = H5Dwrite(set, type, here, there, H5P_DEFAULT, values);
    H5Sclose(here);
    H5Sclose(there);
    H5Dclose(set);
  }
  return done >= 0 ? CLS_OK : cls_h5_fail(file, name);
}

static cls_status read_members(hid_t file, const char *path, const char *name, char ***members, size_t *n) {
  hid_t group = has(file, name) ? H5Gopen2(file, name, H5P_DEFAULT) : -1;
  H5G_info_t info = {0};
  CLS_CHECK(group >= 0, CLS_ERR_INPUT, "%s: %s: there is no such group", path, name);
  cls_status status = H5Gget_info(group, &info) < 0
                          ? cls_fail(CLS_ERR_INPUT, "%s: %s: cannot be read, the file is damaged", path, name)
                          : cls_alloc(members, info.nlinks, sizeof **members, "names of a group");
  for (hsize_t i = 0; i < info.nlinks && status == CLS_OK; i++) {
    char text[1024];
    ssize_t length =
        H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, text, sizeof text, H5P_DEFAULT);
    if (length <= 0 || length >= (ssize_t)sizeof text)
      status = cls_fail(CLS_ERR_INPUT, "%s: %s: a name of %zd letters", path, name, length);
    else if (!((*members)[*n] = cls_format("%s", text)))
      status = cls_fail(CLS_ERR_MEMORY, "%s: no memory for a name", path);
    else
      ++*n;
  }
  H5Gclose(group);
  return status;
}

cls_status cls_h5_members(hid_t file, const char *path, const char *name, char ***members, size_t *n) {
  cls_status status;
  *members = NULL;
  *n = 0;
#pragma omp critical(callosum_hdf5)
  status = read_members(file, path, name, members, n);
  return status;
}

void cls_h5_free_members(char **members, size_t n) {
  for (size_t i = 0; i < n; i++) free(members[i]);
  free(members);
}

/* Of fixed or variable length. */
static void read_text(hid_t attribute, char **text) {
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  bool scalar = H5Sget_simple_extent_npoints(space) == 1 && H5Tget_class(type) == H5T_STRING;
  if (scalar && H5Tis_variable_str(type) > 0) {
    char *value = NULL;
    if (H5Aread(attribute, type, &value) >= 0 && value) *text = cls_format("%s", value);
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, &value);
  } else if (scalar) {
    char *value = calloc(H5Tget_size(type) + 1, 1);
    if (value && H5Aread(attribute, type, value) >= 0) *text = cls_format("%s", value);
    free(value);
  }
  H5Sclose(space);
  H5Tclose(type);
}

cls_status cls_h5_text_of(hid_t file, const char *name, const char *attribute, char **text) {
  *text = NULL;
#pragma omp critical(callosum_hdf5)
  if (has(file, name) && H5Aexists_by_name(file, name, attribute, H5P_DEFAULT) > 0) {
    hid_t opened = H5Aopen_by_name(file, name, attribute, H5P_DEFAULT, H5P_DEFAULT);
    if (opened >= 0) {
      read_text(opened, text);
      H5Aclose(opened);
    }
  }
  return CLS_OK;
}

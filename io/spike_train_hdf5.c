/* Spikes in HDF5: which datasets hold those of a population, and their rows chunk by chunk. */
#include "io/hdf5_file.h"
#include "io/spike_train_reader.h"
#include <stdlib.h>
#include <string.h>

/* ---- which datasets ---- */

static bool exists(hid_t file, const char *path) {
  return H5Lexists(file, path, H5P_DEFAULT) > 0 && H5Oexists_by_name(file, path, H5P_DEFAULT) > 0;
}

static bool group_exists(hid_t file, const char *name) {
  char *path = cls_format("/spikes/%s", name);
  bool found = path && !strchr(name, '/') && exists(file, path);
  free(path);
  return found;
}

/* Group number i of /spikes in `name`; false where there is none. */
static bool group_name(hid_t file, hsize_t i, char *name, size_t size) {
  return H5Lget_name_by_idx(file, "/spikes", H5_INDEX_NAME, H5_ITER_INC, i, name, size, H5P_DEFAULT) > 0;
}

static bool is_member(const char *name) { return strstr(name, "_member") != NULL; }

/* The only group of /spikes, members of an ensemble beside the first left out. */
static cls_status only_group(const cls_train_reader *r, char *name, size_t size) {
  char all[256] = "", other[128];
  int n = 0;
  size_t used = 0;
  for (hsize_t i = 0; group_name(r->file, i, other, sizeof other); i++) {
    if (is_member(other)) continue;
    if (n++ == 0) snprintf(name, size, "%s", other);
    if (used < sizeof all)
      used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", other);
  }
  CLS_CHECK(n > 0, CLS_ERR_INPUT, "%s: /spikes is empty: expected a population", r->path);
  CLS_CHECK(n == 1, CLS_ERR_INPUT,
            "%s: holds spikes of several populations: expected key 'population', one of: %s", r->path, all);
  return CLS_OK;
}

/* A column of numbers of the table /callosum/populations. */
static cls_status read_numbers(const cls_train_reader *r, const char *path, uint64_t *values, hsize_t n) {
  hid_t dataset = exists(r->file, path) ? H5Dopen2(r->file, path, H5P_DEFAULT) : -1;
  hid_t space = dataset >= 0 ? H5Dget_space(dataset) : -1;
  bool right = space >= 0 && H5Sget_simple_extent_npoints(space) == (hssize_t)n &&
               H5Dread(dataset, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
  if (space >= 0) H5Sclose(space);
  if (dataset >= 0) H5Dclose(dataset);
  CLS_CHECK(right, CLS_ERR_INPUT, "%s: %s: expected %llu numbers", r->path, path, (unsigned long long)n);
  return CLS_OK;
}

/* Position of the population in /callosum/populations/name, -1: none; and their number. */
static int64_t find_name(const cls_train_reader *r, const char *name, hsize_t *n) {
  const char *path = "/callosum/populations/name";
  *n = 0;
  if (!exists(r->file, "/callosum") || !exists(r->file, "/callosum/populations") || !exists(r->file, path))
    return -1;
  hid_t dataset = H5Dopen2(r->file, path, H5P_DEFAULT), space = H5Dget_space(dataset);
  hid_t type = H5Tcopy(H5T_C_S1);
  int64_t found = -1;
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  hssize_t points = H5Sget_simple_extent_npoints(space);
  char **names = points > 0 ? calloc((size_t)points, sizeof *names) : NULL;
  if (names && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) >= 0) {
    *n = (hsize_t)points;
    for (hssize_t i = 0; i < points && found < 0; i++)
      if (names[i] && strcmp(names[i], name) == 0) found = i;
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, names);
  }
  free(names);
  H5Tclose(type);
  H5Sclose(space);
  if (dataset >= 0) H5Dclose(dataset);
  return found;
}

/* Neurons of one of our populations: their global numbers are the nodes. */
static cls_status find_our_population(cls_train_reader *r, const char *name, char *group, size_t size) {
  hsize_t n;
  int64_t found = find_name(r, name, &n);
  if (found < 0) {
    char all[256] = "", other[128];
    size_t used = 0;
    for (hsize_t i = 0; used < sizeof all && group_name(r->file, i, other, sizeof other); i++)
      used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", other);
    return cls_fail(CLS_ERR_INPUT, "%s: no spikes of population '%.60s': there are %s", r->path, name, all);
  }
  uint64_t *number;
  CLS_TRY(cls_alloc(&number, n, sizeof *number, "table of populations"));
  cls_status status = read_numbers(r, "/callosum/populations/first", number, n);
  r->first = number[found];
  if (status == CLS_OK) status = read_numbers(r, "/callosum/populations/count", number, n);
  r->count = number[found];
  free(number);
  return status == CLS_OK ? only_group(r, group, size) : status;
}

static cls_status choose_datasets(cls_train_reader *r, const char *population) {
  const char *path = r->path, *ids = "node_ids";
  char group[128] = "";
  CLS_CHECK(exists(r->file, "/spikes"), CLS_ERR_INPUT,
            "%s: no group /spikes: expected spikes in the SONATA layout", path);
  r->first = 0;
  r->count = UINT64_MAX;
  if (population && group_exists(r->file, population)) {
    CLS_CHECK(strlen(population) < sizeof group, CLS_ERR_INPUT,
              "%s: population '%.60s...': a name of %zu letters", path, population, strlen(population));
    snprintf(group, sizeof group, "%s", population);
  } else if (!population && exists(r->file, "/spikes/timestamps")) {
    ids = "gids";
  } else if (population) {
    CLS_TRY(find_our_population(r, population, group, sizeof group));
  } else {
    CLS_TRY(only_group(r, group, sizeof group));
  }
  r->time_name = cls_format("/spikes/%s%stimestamps", group, group[0] ? "/" : "");
  r->id_name = cls_format("/spikes/%s%s%s", group, group[0] ? "/" : "", ids);
  CLS_CHECK(r->time_name && r->id_name, CLS_ERR_MEMORY, "out of memory for names of datasets");
  return CLS_OK;
}

/* ---- opening ---- */

static cls_status open_column(const cls_train_reader *r, const char *name, bool whole_numbers, hid_t *dataset,
                              uint64_t *n) {
  const char *path = r->path;
  CLS_CHECK(exists(r->file, name), CLS_ERR_INPUT, "%s: no dataset %s", path, name);
  *dataset = H5Dopen2(r->file, name, H5P_DEFAULT);
  CLS_CHECK(*dataset >= 0, CLS_ERR_INPUT, "%s: %s: expected a dataset", path, name);
  hid_t space = H5Dget_space(*dataset), type = H5Dget_type(*dataset);
  hsize_t dims[1] = {0};
  int rank = H5Sget_simple_extent_ndims(space);
  if (rank == 1) H5Sget_simple_extent_dims(space, dims, NULL);
  H5T_class_t class = H5Tget_class(type);
  H5Tclose(type);
  H5Sclose(space);
  CLS_CHECK(rank == 1, CLS_ERR_INPUT, "%s: %s: %d dimensions, expected 1", path, name, rank);
  CLS_CHECK(cls_h5_is_stored(*dataset), CLS_ERR_INPUT,
            "%s: %s: %llu rows, of which hardly any are stored: the file is damaged", path, name,
            (unsigned long long)dims[0]);
  CLS_CHECK(class == H5T_INTEGER || (class == H5T_FLOAT && !whole_numbers), CLS_ERR_INPUT,
            "%s: %s: expected %s numbers", path, name, whole_numbers ? "whole" : "floating point");
  *n = dims[0];
  return CLS_OK;
}

static cls_status check_units(const cls_train_reader *r) {
  char *units = NULL;
  CLS_TRY(cls_h5_read_text(r->times, "units", &units));
  bool right = !units || strcmp(units, "ms") == 0 || strcmp(units, "milliseconds") == 0;
  cls_status status =
      right ? CLS_OK
            : cls_fail(CLS_ERR_INPUT, "%s: %s: units %.40s, expected ms", r->path, r->time_name, units);
  free(units);
  return status;
}

/* What the group claims: text, or an enumeration as the guide has it. */
static cls_status read_sorting(cls_train_reader *r) {
  char *group = cls_format("%.*s", (int)(strrchr(r->time_name, '/') - r->time_name), r->time_name),
       *text = NULL;
  CLS_CHECK(group, CLS_ERR_MEMORY, "out of memory for a name");
  hid_t object = H5Oopen(r->file, group, H5P_DEFAULT);
  free(group);
  if (object < 0) return CLS_OK;
  cls_status status = cls_h5_read_text(object, "sorting", &text);
  if (text) r->by_time = strcmp(text, "by_time") == 0;
  free(text);
  hid_t attribute = H5Aexists(object, "sorting") > 0 ? H5Aopen(object, "sorting", H5P_DEFAULT) : -1;
  hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
  char value[16] = {0}, name[32] = "";
  if (type >= 0 && H5Tget_class(type) == H5T_ENUM && H5Tget_size(type) <= sizeof value &&
      H5Aread(attribute, type, value) >= 0 && H5Tenum_nameof(type, value, name, sizeof name) >= 0)
    r->by_time = strcmp(name, "by_time") == 0;
  if (type >= 0) H5Tclose(type);
  if (attribute >= 0) H5Aclose(attribute);
  H5Oclose(object);
  return status;
}

void cls_train_close(cls_train_reader *r) {
  if (r->times >= 0) H5Dclose(r->times);
  if (r->ids >= 0) H5Dclose(r->ids);
  if (r->file >= 0) H5Fclose(r->file);
  if (r->text) fclose(r->text);
  free(r->line);
  free(r->time_name);
  free(r->id_name);
}

cls_status cls_train_open_hdf5(const char *path, const char *population, cls_train_reader *r) {
  uint64_t n_ids = 0;
  *r = (cls_train_reader){.path = path, .file = -1, .times = -1, .ids = -1};
  r->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (r->file < 0) {
    (void)cls_h5_fail(-1, "opening it as HDF5");
    return cls_fail(CLS_ERR_INPUT, "%s: %s", path, cls_error_message());
  }
  CLS_TRY(choose_datasets(r, population));
  CLS_TRY(open_column(r, r->time_name, false, &r->times, &r->n));
  CLS_TRY(open_column(r, r->id_name, true, &r->ids, &n_ids));
  CLS_CHECK(r->n == n_ids, CLS_ERR_INPUT, "%s: %s has %llu rows and %s %llu: expected as many", path,
            r->time_name, (unsigned long long)r->n, r->id_name, (unsigned long long)n_ids);
  CLS_TRY(check_units(r));
  return read_sorting(r);
}

/* ---- reading ---- */

/* Rows [first, first + n) of a dataset. */
static cls_status read_rows(const cls_train_reader *r, hid_t dataset, const char *name, hid_t type,
                            uint64_t first, uint64_t n, void *values) {
  hsize_t start = first, count = n;
  hid_t there = H5Dget_space(dataset), here = H5Screate_simple(1, &count, NULL);
  bool right = H5Sselect_hyperslab(there, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
               H5Dread(dataset, type, here, there, H5P_DEFAULT, values) >= 0;
  H5Sclose(here);
  H5Sclose(there);
  if (right) return CLS_OK;
  (void)cls_h5_fail(-1, "reading");
  return cls_fail(CLS_ERR_INPUT, "%s: %s: rows from %llu on: %s", r->path, name, (unsigned long long)first,
                  cls_error_message());
}

cls_status cls_train_next_hdf5(cls_train_reader *r, double *time_ms, int64_t *node, int *n) {
  *n = r->n - r->at < CLS_TRAIN_CHUNK ? (int)(r->n - r->at) : CLS_TRAIN_CHUNK;
  if (*n == 0) return CLS_OK;
  CLS_TRY(read_rows(r, r->times, r->time_name, H5T_NATIVE_DOUBLE, r->at, (uint64_t)*n, time_ms));
  CLS_TRY(read_rows(r, r->ids, r->id_name, H5T_NATIVE_INT64, r->at, (uint64_t)*n, node));
  r->at += (uint64_t)*n;
  return CLS_OK;
}

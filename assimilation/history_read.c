/* Reads assimilation.h5 back (history.h says what is in it). Nothing in a file is believed before it is compared with what is stored. */
#include "assimilation/history_file.h"
#include "io/file.h"
#include "io/hdf5_file.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *path;
  hid_t file;
  cls_history_shape shape;
  cls_history_entry *entries;
  char **row_names, **region_names, **obs_names, **obs_units;
  int32_t *row_site, *obs_site;
  uint32_t rows, cycles;
  char *job;
} reader;

static cls_status damaged(const reader *r, const char *where, const char *what) {
  return cls_fail(CLS_ERR_INPUT, "%s: %s: %s: the file is damaged", r->path, where, what);
}

/* ---- single things ---- */

static cls_status read_attribute(const reader *r, const char *object, const char *name, hid_t type,
                                 void *value) {
  const hid_t attribute = H5Aopen_by_name(r->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute < 0) return damaged(r, object, name);
  const hid_t space = H5Aget_space(attribute), stored = H5Aget_type(attribute);
  const H5T_class_t class = H5Tget_class(stored);
  const bool good = H5Sget_simple_extent_npoints(space) == 1 &&
                    (class == H5T_INTEGER || class == H5T_FLOAT) && H5Aread(attribute, type, value) >= 0;
  H5Tclose(stored);
  H5Sclose(space);
  H5Aclose(attribute);
  return good ? CLS_OK : damaged(r, object, name);
}

static cls_status read_text(const reader *r, const char *object, const char *name, char **text) {
  const hid_t group = H5Oopen(r->file, object, H5P_DEFAULT);
  *text = NULL;
  if (group < 0) return damaged(r, object, "it is missing");
  cls_status status = cls_h5_read_text(group, name, text);
  H5Oclose(group);
  CLS_TRY(status);
  return *text ? CLS_OK : damaged(r, object, name);
}

/* Opens a dataset of `rank` dimensions, all of whose elements are stored, and gives its extents. */
static cls_status open_dataset(const reader *r, const char *name, int rank, hsize_t *dims, hid_t *dataset) {
  *dataset = H5Dopen2(r->file, name, H5P_DEFAULT);
  if (*dataset < 0) return damaged(r, name, "no such dataset");
  const hid_t space = H5Dget_space(*dataset);
  const bool right =
      H5Sget_simple_extent_ndims(space) == rank && H5Sget_simple_extent_dims(space, dims, NULL) >= 0;
  H5Sclose(space);
  if (right && cls_h5_is_stored(*dataset)) return CLS_OK;
  H5Dclose(*dataset);
  return damaged(r, name, right ? "hardly any of it is stored" : "wrong dimensions");
}

static cls_status read_extents(const reader *r, const char *name, int rank, hsize_t *dims) {
  hid_t dataset;
  CLS_TRY(open_dataset(r, name, rank, dims, &dataset));
  H5Dclose(dataset);
  return CLS_OK;
}

static cls_status read_numbers(const reader *r, const char *name, hid_t type, int rank,
                               const hsize_t *expected, void *values) {
  hid_t dataset;
  hsize_t dims[2] = {0};
  CLS_TRY(open_dataset(r, name, rank, dims, &dataset));
  const hid_t stored = H5Dget_type(dataset);
  bool good = H5Tget_class(stored) == H5Tget_class(type), empty = false;
  H5Tclose(stored);
  for (int d = 0; d < rank; d++) {
    good = good && dims[d] == expected[d];
    empty = empty || dims[d] == 0;
  }
  if (good && !empty) good = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
  H5Dclose(dataset);
  return good ? CLS_OK : damaged(r, name, "it cannot be read or has other sizes than expected");
}

static cls_status read_matrix(const reader *r, const char *name, hsize_t rows, hsize_t columns,
                              double *values) {
  return read_numbers(r, name, H5T_NATIVE_DOUBLE, 2, (hsize_t[]){rows, columns}, values);
}

/* n texts into texts[0 ... n - 1]. */
static cls_status read_names(const reader *r, const char *name, hsize_t n, char **texts) {
  hid_t dataset;
  hsize_t found = 0;
  char **table;
  CLS_TRY(open_dataset(r, name, 1, &found, &dataset));
  const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  cls_status status = cls_alloc(&table, n, sizeof *table, "names");
  bool good =
      status == CLS_OK && found == n && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0;
  if (good && n > 0) {
    good = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, table) >= 0;
    for (hsize_t i = 0; i < n && good; i++) {
      texts[i] = cls_format("%s", table[i] ? table[i] : "");
      good = texts[i] != NULL;
    }
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, table);
  }
  free(table);
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(dataset);
  CLS_TRY(status);
  return good ? CLS_OK : damaged(r, name, "its names cannot be read");
}

/* ---- what it is of ---- */

static cls_status read_head(reader *r) {
  char *format;
  int version;
  CLS_TRY(read_text(r, "/", "format", &format));
  const bool right = strcmp(format, CLS_HISTORY_FORMAT) == 0;
  free(format);
  CLS_CHECK(right, CLS_ERR_INPUT, "%s: attribute format: expected %s", r->path, CLS_HISTORY_FORMAT);
  CLS_TRY(read_attribute(r, "/", "version", H5T_NATIVE_INT, &version));
  CLS_CHECK(version == CLS_HISTORY_VERSION, CLS_ERR_INPUT, "%s: attribute version: %d: expected %d", r->path,
            version, CLS_HISTORY_VERSION);
  CLS_TRY(read_text(r, "/", "job", &r->job));
  CLS_TRY(read_attribute(r, "/", "seed", H5T_NATIVE_UINT64, &r->shape.seed));
  CLS_TRY(read_attribute(r, "/", "hash", H5T_NATIVE_UINT64, &r->shape.hash));
  CLS_TRY(read_attribute(r, "/", "members", H5T_NATIVE_INT, &r->shape.members));
  CLS_TRY(read_attribute(r, "/", "cycles", H5T_NATIVE_UINT32, &r->cycles));
  return read_attribute(r, "/", "tr_s", H5T_NATIVE_DOUBLE, &r->shape.tr_s);
}

/* Before anything large is made: the job is the same. */
static cls_status compare_job(const reader *r, const cls_history_shape *expected) {
  CLS_CHECK(r->shape.hash == expected->hash, CLS_ERR_INPUT,
            "%s: of another job (hash of its science %016llx, of this job's %016llx)", r->path,
            (unsigned long long)r->shape.hash, (unsigned long long)expected->hash);
  CLS_CHECK(r->shape.seed == expected->seed, CLS_ERR_INPUT, "%s: of another seed (%llu, this job's %llu)",
            r->path, (unsigned long long)r->shape.seed, (unsigned long long)expected->seed);
  CLS_CHECK(r->shape.members == expected->members, CLS_ERR_INPUT, "%s: %d members, expected %d", r->path,
            r->shape.members, expected->members);
  return CLS_OK;
}

static cls_status compare_sizes(const reader *r, const cls_history_shape *expected) {
  const cls_history_shape *s = &r->shape;
  CLS_CHECK(s->sites == expected->sites, CLS_ERR_INPUT, "%s: %u regions, expected %u", r->path, s->sites,
            expected->sites);
  CLS_CHECK(s->obs == expected->obs, CLS_ERR_INPUT, "%s: %u observations, expected %u", r->path, s->obs,
            expected->obs);
  CLS_CHECK(s->n_entries == expected->n_entries, CLS_ERR_INPUT, "%s: %u hyperparameters, expected %u",
            r->path, s->n_entries, expected->n_entries);
  for (uint32_t e = 0; e < s->n_entries; e++) {
    const cls_history_entry *here = &s->entries[e], *wanted = &expected->entries[e];
    CLS_CHECK(strcmp(here->name, wanted->name) == 0, CLS_ERR_INPUT,
              "%s: hyperparameter %u is %s, expected %s", r->path, e, here->name, wanted->name);
    CLS_CHECK(here->rows == wanted->rows, CLS_ERR_INPUT, "%s: hyperparameter %s has %u values, expected %u",
              r->path, here->name, here->rows, wanted->rows);
  }
  return CLS_OK;
}

/* A name of a group's member, or an empty one where it is longer than `size`. */
static void member_name(const reader *r, const char *group, hsize_t i, char *name, size_t size) {
  const ssize_t length =
      H5Lget_name_by_idx(r->file, group, H5_INDEX_NAME, H5_ITER_INC, i, name, size, H5P_DEFAULT);
  if (length <= 0 || (size_t)length >= size) name[0] = 0;
}

static cls_status count_members(const reader *r, const char *group, hsize_t *n) {
  H5G_info_t info;
  if (H5Gget_info_by_name(r->file, group, &info, H5P_DEFAULT) < 0)
    return damaged(r, group, "it cannot be read");
  *n = info.nlinks;
  return CLS_OK;
}

static cls_status read_entry_head(reader *r, const char *name) {
  char group[CLS_HISTORY_PATH], path[CLS_HISTORY_PATH], *units;
  uint32_t order;
  int shared;
  hsize_t dims[2] = {0};
  cls_history_path(group, "hyperparameters", name, NULL);
  CLS_TRY(read_attribute(r, group, "order", H5T_NATIVE_UINT32, &order));
  if (order >= r->shape.n_entries || r->entries[order].name[0]) return damaged(r, group, "order");
  cls_history_entry *entry = &r->entries[order];
  CLS_TRY(read_attribute(r, group, "lower", H5T_NATIVE_DOUBLE, &entry->lower));
  CLS_TRY(read_attribute(r, group, "upper", H5T_NATIVE_DOUBLE, &entry->upper));
  CLS_TRY(read_attribute(r, group, "shared", H5T_NATIVE_INT, &shared));
  CLS_TRY(read_text(r, group, "units", &units));
  snprintf(entry->units, sizeof entry->units, "%s", units);
  free(units);
  CLS_TRY(read_extents(r, cls_history_path(path, "hyperparameters", name, "last"), 2, dims));
  if (dims[1] != (hsize_t)r->shape.members || dims[0] >= INT32_MAX - r->rows)
    return damaged(r, path, "wrong sizes");
  entry->shared = shared != 0;
  entry->rows = (uint32_t)dims[0];
  r->rows += entry->rows;
  memcpy(entry->name, name, strlen(name) + 1);
  return CLS_OK;
}

static cls_status read_entries(reader *r) {
  hsize_t n = 0;
  char name[sizeof r->entries->name];
  uint32_t first = 0;
  CLS_TRY(count_members(r, "/hyperparameters", &n));
  if (n > 1 << 20) return damaged(r, "/hyperparameters", "too many of them");
  r->shape.n_entries = (uint32_t)n;
  CLS_TRY(cls_alloc(&r->entries, n, sizeof *r->entries, "hyperparameters"));
  for (hsize_t i = 0; i < n; i++) {
    member_name(r, "/hyperparameters", i, name, sizeof name);
    if (!name[0]) return damaged(r, "/hyperparameters", "names");
    CLS_TRY(read_entry_head(r, name));
  }
  r->shape.entries = r->entries;
  CLS_TRY(cls_alloc(&r->row_names, r->rows, sizeof *r->row_names, "names of rows"));
  CLS_TRY(cls_alloc(&r->row_site, r->rows, sizeof *r->row_site, "regions of rows"));
  for (uint32_t e = 0; e < n; e++) {
    char path[CLS_HISTORY_PATH];
    const hsize_t rows = r->entries[e].rows;
    cls_history_path(path, "hyperparameters", r->entries[e].name, "regions");
    CLS_TRY(read_names(r, path, rows, r->row_names + first));
    cls_history_path(path, "hyperparameters", r->entries[e].name, "site");
    CLS_TRY(read_numbers(r, path, H5T_NATIVE_INT32, 1, &rows, r->row_site + first));
    first += (uint32_t)rows;
  }
  r->shape.row_names = (const char *const *)r->row_names;
  r->shape.row_site = r->row_site;
  return CLS_OK;
}

static cls_status read_regions_and_observations(reader *r) {
  hsize_t sites = 0, obs = 0;
  CLS_TRY(read_extents(r, "/regions/name", 1, &sites));
  CLS_TRY(read_extents(r, "/observations/names", 1, &obs));
  if (sites >= INT32_MAX || obs >= INT32_MAX) return damaged(r, "/regions/name", "too many");
  CLS_TRY(cls_alloc(&r->region_names, sites, sizeof *r->region_names, "names of regions"));
  CLS_TRY(cls_alloc(&r->obs_names, obs, sizeof *r->obs_names, "names of observations"));
  CLS_TRY(cls_alloc(&r->obs_units, obs, sizeof *r->obs_units, "units of observations"));
  CLS_TRY(cls_alloc(&r->obs_site, obs, sizeof *r->obs_site, "regions of observations"));
  r->shape.sites = (uint32_t)sites;
  r->shape.obs = (uint32_t)obs;
  CLS_TRY(read_names(r, "/regions/name", sites, r->region_names));
  CLS_TRY(read_names(r, "/observations/names", obs, r->obs_names));
  CLS_TRY(read_names(r, "/observations/units", obs, r->obs_units));
  CLS_TRY(read_numbers(r, "/observations/site", H5T_NATIVE_INT32, 1, &obs, r->obs_site));
  r->shape.region_names = (const char *const *)r->region_names;
  r->shape.obs_names = (const char *const *)r->obs_names;
  r->shape.obs_units = (const char *const *)r->obs_units;
  r->shape.obs_site = r->obs_site;
  return CLS_OK;
}

static cls_status read_shape(reader *r, const cls_history_shape *expected) {
  hsize_t members = 0, cycles = 0;
  CLS_TRY(read_head(r));
  if (expected) CLS_TRY(compare_job(r, expected));
  CLS_TRY(read_extents(r, "/members/alive", 1, &members));
  CLS_TRY(read_extents(r, "/time_s", 1, &cycles));
  if (members != (hsize_t)r->shape.members) return damaged(r, "/members/alive", "wrong size");
  if (cycles != r->cycles) return damaged(r, "/time_s", "wrong size");
  CLS_TRY(read_regions_and_observations(r));
  CLS_TRY(read_entries(r));
  r->shape.job = r->job;
  return expected ? compare_sizes(r, expected) : CLS_OK;
}

/* ---- what is in it ---- */

/* Columns [first, first + n) of a field, over all cycles. */
static cls_status read_field(const reader *r, cls_history *h, const cls_history_field *field,
                             const char *path, uint32_t first, uint32_t n) {
  double *buffer;
  hsize_t dims[2] = {0};
  CLS_TRY(read_extents(r, path, 2, dims));
  if (dims[0] != r->cycles || dims[1] != n) return damaged(r, path, "wrong sizes");
  CLS_TRY(cls_alloc_unset(&buffer, (size_t)r->cycles * n, sizeof *buffer, path));
  cls_status status = read_matrix(r, path, r->cycles, n, buffer);
  for (uint32_t c = 0; c < r->cycles && n > 0 && status == CLS_OK; c++)
    memcpy(cls_history_values(&h->cycles[c], field) + first, buffer + (size_t)c * n, n * sizeof *buffer);
  free(buffer);
  return status;
}

static bool has_truth(const reader *r, const char *path) {
  return H5Lexists(r->file, "/truth", H5P_DEFAULT) > 0 && H5Lexists(r->file, path, H5P_DEFAULT) > 0;
}

static cls_status read_entry(const reader *r, cls_history *h, const cls_history_entry *entry) {
  char path[CLS_HISTORY_PATH];
  const size_t first = (size_t)entry->first * (size_t)h->members;
  for (int f = 0; f < cls_n_history_fields; f++) {
    const cls_history_field *field = &cls_history_fields[f];
    if (field->extent != CLS_OF_ROWS) continue;
    if (strcmp(field->name, "truth") == 0) {
      if (!has_truth(r, cls_history_path(path, "truth", entry->name, NULL))) continue;
    } else {
      cls_history_path(path, "hyperparameters", entry->name, field->name);
    }
    CLS_TRY(read_field(r, h, field, path, entry->first, entry->rows));
  }
  cls_history_path(path, "hyperparameters", entry->name, "prior");
  CLS_TRY(read_matrix(r, path, entry->rows, (hsize_t)h->members, h->prior + first));
  cls_history_path(path, "hyperparameters", entry->name, "last");
  return read_matrix(r, path, entry->rows, (hsize_t)h->members, h->last + first);
}

static cls_status read_observations(const reader *r, cls_history *h) {
  char path[CLS_HISTORY_PATH];
  for (int f = 0; f < cls_n_history_fields; f++) {
    const cls_history_field *field = &cls_history_fields[f];
    if (field->extent == CLS_OF_ROWS) continue;
    const bool sites = field->extent == CLS_OF_SITES;
    cls_history_path(path, sites ? "inflation" : "observations", sites ? NULL : field->name, NULL);
    CLS_TRY(read_field(r, h, field, path, 0, sites ? h->sites : h->obs));
  }
  int32_t *ranks;
  CLS_TRY(cls_alloc_unset(&ranks, (size_t)r->cycles * h->obs, sizeof *ranks, "ranks of observations"));
  cls_status status =
      read_numbers(r, "/observations/rank", H5T_NATIVE_INT32, 2, (hsize_t[]){r->cycles, h->obs}, ranks);
  for (uint32_t c = 0; c < r->cycles && h->obs > 0 && status == CLS_OK; c++)
    memcpy(h->cycles[c].rank, ranks + (size_t)c * h->obs, h->obs * sizeof *ranks);
  free(ranks);
  return status;
}

static cls_status read_members(const reader *r, cls_history *h) {
  const hsize_t members = (hsize_t)h->members, cycles = r->cycles;
  double *time;
  int32_t *count;
  uint8_t *alive;
  CLS_TRY(cls_alloc(&time, cycles + 1, sizeof *time, "times of cycles"));
  cls_status status = cls_alloc(&count, cycles, sizeof *count, "members of each cycle");
  cls_status other = cls_alloc(&alive, members, 1, "members alive");
  if (status == CLS_OK) status = other;
  if (status == CLS_OK) status = read_numbers(r, "/time_s", H5T_NATIVE_DOUBLE, 1, &cycles, time);
  if (status == CLS_OK) status = read_numbers(r, "/members/count", H5T_NATIVE_INT32, 1, &cycles, count);
  if (status == CLS_OK) status = read_numbers(r, "/members/alive", H5T_NATIVE_UINT8, 1, &members, alive);
  for (uint32_t c = 0; c < r->cycles && status == CLS_OK; c++) {
    h->cycles[c].time_s = time[c];
    h->cycles[c].alive = count[c];
  }
  for (int k = 0; k < h->members && status == CLS_OK; k++) h->alive[k] = alive[k] == 1;
  free(alive);
  free(count);
  free(time);
  return status;
}

static cls_status read_state(const reader *r, cls_history *h, const char *name) {
  char *path = cls_format("/state/%s", name);
  double *values = NULL;
  hsize_t dims[2] = {0};
  CLS_CHECK(path, CLS_ERR_MEMORY, "out of memory for state %s", name);
  cls_status status = read_extents(r, path, 2, dims);
  if (status == CLS_OK) status = cls_alloc_unset(&values, dims[0] * dims[1], sizeof *values, path);
  if (status == CLS_OK) status = read_matrix(r, path, dims[0], dims[1], values);
  if (status == CLS_OK) status = cls_history_set_state(h, name, values, dims[0], dims[1]);
  free(values);
  free(path);
  return status;
}

static cls_status read_states(const reader *r, cls_history *h) {
  hsize_t n = 0;
  char name[1024];
  CLS_TRY(count_members(r, "/state", &n));
  for (hsize_t i = 0; i < n; i++) {
    member_name(r, "/state", i, name, sizeof name);
    if (!name[0]) return damaged(r, "/state", "names");
    CLS_TRY(read_state(r, h, name));
  }
  return CLS_OK;
}

static cls_status read_all(reader *r, const cls_history_shape *expected, cls_history **history) {
  cls_history_cycle *cycle;
  CLS_TRY(read_shape(r, expected));
  cls_status status = cls_history_create(&r->shape, history);
  if (status != CLS_OK) return cls_error_prefix(status, "%s", r->path);
  cls_history *h = *history;
  for (uint32_t c = 0; c < r->cycles; c++) CLS_TRY(cls_history_append(h, &cycle));
  CLS_TRY(read_members(r, h));
  for (uint32_t e = 0; e < h->n_entries; e++) CLS_TRY(read_entry(r, h, &h->entries[e]));
  CLS_TRY(read_observations(r, h));
  return read_states(r, h);
}

static void reader_free(reader *r) {
  for (uint32_t i = 0; r->row_names && i < r->rows; i++) free(r->row_names[i]);
  for (uint32_t i = 0; r->region_names && i < r->shape.sites; i++) free(r->region_names[i]);
  for (uint32_t i = 0; r->obs_names && i < r->shape.obs; i++) free(r->obs_names[i]);
  for (uint32_t i = 0; r->obs_units && i < r->shape.obs; i++) free(r->obs_units[i]);
  free(r->row_names);
  free(r->region_names);
  free(r->obs_names);
  free(r->obs_units);
  free(r->row_site);
  free(r->obs_site);
  free(r->entries);
  free(r->job);
}

/* What HDF5 is given to read is what was written. */
static cls_status check_front(const char *path) {
  char expected[CLS_HISTORY_FRONT], found[CLS_HISTORY_FRONT];
  size_t n;
  CLS_TRY(cls_file_head(path, found, sizeof found, &n));
  CLS_CHECK(n == sizeof found && strncmp(found, CLS_HISTORY_FORMAT, strlen(CLS_HISTORY_FORMAT)) == 0,
            CLS_ERR_INPUT, "%s: not the file of an assimilation (it begins otherwise)", path);
  CLS_TRY(cls_history_front(path, expected));
  CLS_CHECK(
      memcmp(found, expected, sizeof found) == 0, CLS_ERR_INPUT,
      "%s: damaged, cut off or changed by another program (the sum in front is not that of what follows)",
      path);
  return CLS_OK;
}

cls_status cls_history_read(const char *path, const cls_history_shape *expected, cls_history **history) {
  reader r = {.path = path};
  *history = NULL;
  CLS_TRY(check_front(path));
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its reasons would be printed beside our message */
  r.file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  CLS_CHECK(r.file >= 0, CLS_ERR_INPUT, "%s: damaged or cut-off HDF5 file", path);
  cls_status status = read_all(&r, expected, history);
  H5Fclose(r.file);
  reader_free(&r);
  if (status != CLS_OK) {
    cls_history_destroy(*history);
    *history = NULL;
  }
  return status;
}

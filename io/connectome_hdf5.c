/* Reads our layout of a connectome, HDF5 (connectome_write.c writes it):
 *
 *   /                 attributes format = "callosum-connectome", version = 1, origin
 *   /regions/name       [n]     text; attribute made_up = 1 where the source has no names
 *   /regions/centre_mm  [n, 3]  NaN: unknown
 *   /regions/area_mm2, volume_mm3  [n]  0 or NaN: unknown
 *   /regions/hemisphere [n]     0 left, 1 right, -1 unknown
 *   /regions/cortical   [n]     1, 0, -1 unknown
 *   /regions/unit       [n]     text; only where a unit is stated for any region
 *   /regions/synapse_density [n]  NaN: unknown; only where it is known for any region
 *   /tracts/row         [n + 1] tracts onto region i are entries row[i] ... row[i + 1] - 1 (row = target)
 *   /tracts/source, weight, length_mm [tracts]  sources ascending within a row; length 0: unknown
 *
 * Numbers may have any HDF5 integer or float type when read. Of /regions only the names must be there. */
#include "io/connectome_files.h"
#include "io/hdf5_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *path;
  hid_t file;
  uint64_t regions, tracts;
} h5_reader;

/* An integer attribute of the object at `name`; 0 where there is none. */
static int read_flag(const h5_reader *r, const char *name, const char *attribute_name) {
  int value = 0;
  if (H5Aexists_by_name(r->file, name, attribute_name, H5P_DEFAULT) <= 0) return 0;
  hid_t attribute = H5Aopen_by_name(r->file, name, attribute_name, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute < 0) return 0;
  hid_t space = H5Aget_space(attribute);
  if (H5Sget_simple_extent_npoints(space) != 1 || H5Aread(attribute, H5T_NATIVE_INT, &value) < 0) value = 0;
  H5Sclose(space);
  H5Aclose(attribute);
  return value;
}

static cls_status check_format(const h5_reader *r) {
  char *format = NULL;
  CLS_TRY(cls_h5_read_text(r->file, "format", &format));
  bool right = format && strcmp(format, CLS_CONNECTOME_FORMAT) == 0;
  cls_status status = right ? CLS_OK
                            : cls_fail(CLS_ERR_INPUT, "%s: attribute format: %s: expected %s", r->path,
                                       format ? format : "absent", CLS_CONNECTOME_FORMAT);
  free(format);
  CLS_TRY(status);
  const int version = read_flag(r, "/", "version");
  CLS_CHECK(version == CLS_CONNECTOME_VERSION, CLS_ERR_INPUT, "%s: attribute version: %d: expected %d",
            r->path, version, CLS_CONNECTOME_VERSION);
  return CLS_OK;
}

/* Whether the object at `name` ("/group/dataset") is there; H5Lexists wants each step asked for. */
static bool exists(const h5_reader *r, const char *name) {
  char group[32];
  size_t n = (size_t)(strrchr(name, '/') - name);
  if (n >= sizeof group) return false;
  memcpy(group, name, n);
  group[n] = 0;
  return H5Lexists(r->file, group, H5P_DEFAULT) > 0 && H5Lexists(r->file, name, H5P_DEFAULT) > 0 &&
         H5Oexists_by_name(r->file, name, H5P_DEFAULT) > 0;
}

static cls_status open_dataset(const h5_reader *r, const char *name, hid_t *dataset) {
  *dataset = -1;
  CLS_CHECK(exists(r, name), CLS_ERR_INPUT, "%s: no dataset %s", r->path, name);
  *dataset = H5Dopen2(r->file, name, H5P_DEFAULT);
  CLS_CHECK(*dataset >= 0, CLS_ERR_INPUT, "%s: %s: expected a dataset", r->path, name);
  return CLS_OK;
}

/* The extent of a dataset with one dimension. */
static cls_status read_length(const h5_reader *r, const char *name, uint64_t *n) {
  hid_t dataset;
  CLS_TRY(open_dataset(r, name, &dataset));
  hid_t space = H5Dget_space(dataset);
  int rank = H5Sget_simple_extent_ndims(space);
  hsize_t dims[1] = {0};
  if (rank == 1) H5Sget_simple_extent_dims(space, dims, NULL);
  H5Sclose(space);
  const bool stored = cls_h5_is_stored(dataset);
  H5Dclose(dataset);
  CLS_CHECK(stored, CLS_ERR_INPUT, "%s: %s: %llu rows, of which hardly any are stored: the file is damaged",
            r->path, name, (unsigned long long)dims[0]);
  CLS_CHECK(rank == 1, CLS_ERR_INPUT, "%s: %s: %d dimensions, expected 1", r->path, name, rank);
  *n = dims[0];
  return CLS_OK;
}

static cls_status check_shape(const h5_reader *r, const char *name, hid_t dataset, int rank,
                              const hsize_t *wanted) {
  hid_t space = H5Dget_space(dataset);
  int found = H5Sget_simple_extent_ndims(space);
  hsize_t dims[2] = {0};
  if (found == rank) H5Sget_simple_extent_dims(space, dims, NULL);
  H5Sclose(space);
  CLS_CHECK(found == rank, CLS_ERR_INPUT, "%s: %s: %d dimensions, expected %d", r->path, name, found, rank);
  for (int d = 0; d < rank; d++)
    CLS_CHECK(dims[d] == wanted[d], CLS_ERR_INPUT, "%s: %s: extent %llu of dimension %d, expected %llu",
              r->path, name, (unsigned long long)dims[d], d, (unsigned long long)wanted[d]);
  return CLS_OK;
}

/* `units`: NULL where the quantity has none. Absent units are taken as ours. */
static cls_status check_units(const h5_reader *r, const char *name, hid_t dataset, const char *units) {
  char *found = NULL;
  if (!units) return CLS_OK;
  CLS_TRY(cls_h5_read_text(dataset, "units", &found));
  cls_status status =
      !found || strcmp(found, units) == 0
          ? CLS_OK
          : cls_fail(CLS_ERR_INPUT, "%s: %s: units %s, expected %s", r->path, name, found, units);
  free(found);
  return status;
}

static cls_status check_and_read(const h5_reader *r, const char *name, hid_t dataset, hid_t type, int rank,
                                 const hsize_t *dims, const char *units, void *values) {
  CLS_TRY(check_shape(r, name, dataset, rank, dims));
  CLS_TRY(check_units(r, name, dataset, units));
  hid_t stored = H5Dget_type(dataset);
  H5T_class_t stored_class = H5Tget_class(stored);
  H5Tclose(stored);
  bool integers = H5Tget_class(type) == H5T_INTEGER;
  CLS_CHECK(stored_class == H5T_INTEGER || (!integers && stored_class == H5T_FLOAT), CLS_ERR_INPUT,
            "%s: %s: expected %s", r->path, name, integers ? "integers" : "numbers");
  if (dims[0] == 0) return CLS_OK;
  CLS_CHECK(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, CLS_ERR_INPUT,
            "%s: %s: cannot be read, the file is damaged", r->path, name);
  return CLS_OK;
}

/* HDF5 clips numbers that do not fit `type` to its ends, where the checks of a connectome catch them. */
static cls_status read_array(const h5_reader *r, const char *name, hid_t type, int rank, const hsize_t *dims,
                             const char *units, void *values) {
  hid_t dataset;
  CLS_TRY(open_dataset(r, name, &dataset));
  cls_status status = check_and_read(r, name, dataset, type, rank, dims, units, values);
  H5Dclose(dataset);
  return status;
}

static cls_status read_optional(const h5_reader *r, const char *name, hid_t type, int rank,
                                const hsize_t *dims, const char *units, void *values) {
  return exists(r, name) ? read_array(r, name, type, rank, dims, units, values) : CLS_OK;
}

/* Copies text k of a table as read: pointers (variable length) or `size` bytes each. */
static cls_status copy_name(const char *table, bool variable, size_t size, uint64_t k, char **name) {
  const char *text = variable ? ((char *const *)(const void *)table)[k] : table + k * size;
  int length = variable || size > 1024 ? 1024 : (int)size; /* longer names are refused later on */
  *name = cls_format("%.*s", length, text ? text : "");
  CLS_CHECK(*name, CLS_ERR_MEMORY, "out of memory for region names");
  return CLS_OK;
}

/* A text for each region, into texts[0 ... regions - 1]. */
static cls_status read_texts(const h5_reader *r, const char *name, char **texts) {
  hid_t dataset;
  CLS_TRY(open_dataset(r, name, &dataset));
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  char *table = NULL;
  cls_status status = CLS_OK;
  if (H5Tget_class(type) != H5T_STRING)
    status = cls_fail(CLS_ERR_INPUT, "%s: %s: expected text", r->path, name);
  if (status == CLS_OK) status = check_shape(r, name, dataset, 1, (hsize_t[]){r->regions});
  bool variable = status == CLS_OK && H5Tis_variable_str(type) > 0;
  size_t size = variable ? sizeof(char *) : H5Tget_size(type);
  if (status == CLS_OK) status = cls_alloc(&table, r->regions, size, "region names");
  if (status == CLS_OK) {
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, table) < 0)
      status = cls_fail(CLS_ERR_INPUT, "%s: %s: cannot be read, the file is damaged", r->path, name);
    for (uint64_t i = 0; i < r->regions && status == CLS_OK; i++)
      status = copy_name(table, variable, size, i, &texts[i]);
    if (variable) H5Dvlen_reclaim(type, space, H5P_DEFAULT, table);
  }
  free(table);
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(dataset);
  return status;
}

static cls_status read_units(const h5_reader *r, cls_connectome *c) {
  if (!exists(r, "/regions/unit")) return CLS_OK;
  CLS_TRY(cls_connectome_add_units(c));
  return read_texts(r, "/regions/unit", c->unit);
}

static cls_status read_tables(const h5_reader *r, cls_connectome *c) {
  hsize_t n[2] = {r->regions, 3}, rows = r->regions + 1, tracts = r->tracts;
  CLS_TRY(read_texts(r, "/regions/name", c->names));
  c->names_made_up = read_flag(r, "/regions/name", "made_up") != 0;
  CLS_TRY(read_units(r, c));
  for (uint64_t i = 0; i < r->regions; i++) c->area_mm2[i] = c->volume_mm3[i] = NAN;
  CLS_TRY(read_optional(r, "/regions/centre_mm", H5T_NATIVE_DOUBLE, 2, n, "mm", c->centre_mm));
  CLS_TRY(read_optional(r, "/regions/area_mm2", H5T_NATIVE_DOUBLE, 1, n, "mm^2", c->area_mm2));
  CLS_TRY(read_optional(r, "/regions/volume_mm3", H5T_NATIVE_DOUBLE, 1, n, "mm^3", c->volume_mm3));
  CLS_TRY(read_optional(r, "/regions/hemisphere", H5T_NATIVE_INT8, 1, n, NULL, c->hemisphere));
  CLS_TRY(read_optional(r, "/regions/cortical", H5T_NATIVE_INT8, 1, n, NULL, c->cortical));
  CLS_TRY(read_array(r, "/tracts/row", H5T_NATIVE_UINT64, 1, &rows, NULL, c->row));
  CLS_CHECK(c->row[r->regions] == r->tracts, CLS_ERR_INPUT,
            "%s: /tracts/row: the last offset is %llu, expected %llu, the number of tracts", r->path,
            (unsigned long long)c->row[r->regions], (unsigned long long)r->tracts);
  CLS_TRY(read_optional(r, "/regions/synapse_density", H5T_NATIVE_DOUBLE, 1, n, NULL, c->synapse_density));
  CLS_TRY(read_array(r, "/tracts/source", H5T_NATIVE_UINT32, 1, &tracts, NULL, c->source));
  CLS_TRY(read_array(r, "/tracts/weight", H5T_NATIVE_DOUBLE, 1, &tracts, NULL, c->weight));
  return read_array(r, "/tracts/length_mm", H5T_NATIVE_DOUBLE, 1, &tracts, "mm", c->length_mm);
}

static cls_status read_file(h5_reader *r, cls_connectome **connectome) {
  CLS_TRY(check_format(r));
  CLS_TRY(read_length(r, "/regions/name", &r->regions));
  CLS_TRY(read_length(r, "/tracts/source", &r->tracts));
  CLS_CHECK(r->regions > 0 && r->regions < UINT32_MAX, CLS_ERR_INPUT,
            "%s: /regions/name: %llu regions, expected 1 ... 2^32 - 2", r->path,
            (unsigned long long)r->regions);
  CLS_CHECK(r->tracts <= r->regions * r->regions, CLS_ERR_INPUT,
            "%s: /tracts/source: %llu tracts, expected at most %llu for %llu regions", r->path,
            (unsigned long long)r->tracts, (unsigned long long)(r->regions * r->regions),
            (unsigned long long)r->regions);
  CLS_TRY(cls_connectome_create((uint32_t)r->regions, r->tracts, connectome));
  CLS_TRY(read_tables(r, *connectome));
  CLS_TRY(cls_h5_read_text(r->file, "origin", &(*connectome)->origin));
  if (!(*connectome)->origin) (*connectome)->origin = cls_format("%s", cls_path_base(r->path));
  CLS_CHECK((*connectome)->origin, CLS_ERR_MEMORY, "out of memory for the origin of a connectome");
  return CLS_OK;
}

cls_status cls_connectome_read_hdf5(const char *path, cls_connectome **connectome) {
  *connectome = NULL;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its reasons would be printed beside our message */
  h5_reader r = {.path = path, .file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT)};
  CLS_CHECK(r.file >= 0, CLS_ERR_INPUT, "%s: damaged or cut-off HDF5 file", path);
  cls_status status = read_file(&r, connectome);
  H5Fclose(r.file);
  if (status != CLS_OK) {
    cls_connectome_destroy(*connectome);
    *connectome = NULL;
  }
  return status;
}

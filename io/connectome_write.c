/* Writes our HDF5 layout of a connectome (described in connectome_hdf5.c). The file format is the one whose
 * metadata carries checksums, and text has a fixed length, so that the library refuses a damaged file instead
 * of following wild offsets. */
#include "io/connectome_files.h"
#include "io/hdf5_file.h"
#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- text of fixed length ---- */

static hid_t text_type(size_t bytes) {
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, bytes);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

static cls_status write_text(hid_t file, const char *object, const char *name, const char *text) {
  hid_t type = text_type(strlen(text) + 1);
  cls_status status = cls_h5_attribute(file, object, name, type, 0, text);
  H5Tclose(type);
  return status;
}

static cls_status write_texts(hid_t file, const char *name, uint32_t n, char *const *texts) {
  size_t longest = 0;
  for (uint32_t i = 0; i < n; i++)
    if (strlen(texts[i]) > longest) longest = strlen(texts[i]);
  char *table = NULL;
  CLS_TRY(cls_alloc(&table, n, longest + 1, "table of region names"));
  for (uint32_t i = 0; i < n; i++) memcpy(table + i * (longest + 1), texts[i], strlen(texts[i]));
  hid_t type = text_type(longest + 1);
  hsize_t dims = n;
  cls_status status = cls_h5_table(file, name, type, 1, &dims, table, NULL);
  H5Tclose(type);
  free(table);
  return status;
}

/* ---- tables ---- */

static cls_status write_table(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims,
                              const void *values, const char *units) {
  CLS_TRY(cls_h5_table(file, name, type, rank, dims, values, NULL));
  return write_text(file, name, "units", units);
}

static cls_status write_regions(hid_t file, const cls_connectome *c) {
  hsize_t n[2] = {c->n_regions, 3};
  const int made_up = 1;
  bool densities = false;
  for (uint32_t i = 0; i < c->n_regions; i++) densities = densities || !isnan(c->synapse_density[i]);
  CLS_TRY(write_texts(file, "/regions/name", c->n_regions, c->names));
  if (c->names_made_up)
    CLS_TRY(cls_h5_attribute(file, "/regions/name", "made_up", H5T_NATIVE_INT, 0, &made_up));
  if (c->unit) CLS_TRY(write_texts(file, "/regions/unit", c->n_regions, c->unit));
  if (densities)
    CLS_TRY(write_table(file, "/regions/synapse_density", H5T_NATIVE_DOUBLE, 1, n, c->synapse_density, "1"));
  CLS_TRY(write_table(file, "/regions/centre_mm", H5T_NATIVE_DOUBLE, 2, n, c->centre_mm, "mm"));
  CLS_TRY(write_table(file, "/regions/area_mm2", H5T_NATIVE_DOUBLE, 1, n, c->area_mm2, "mm^2"));
  CLS_TRY(write_table(file, "/regions/volume_mm3", H5T_NATIVE_DOUBLE, 1, n, c->volume_mm3, "mm^3"));
  CLS_TRY(write_table(file, "/regions/hemisphere", H5T_NATIVE_INT8, 1, n, c->hemisphere,
                      "0 left, 1 right, -1 unknown"));
  return write_table(file, "/regions/cortical", H5T_NATIVE_INT8, 1, n, c->cortical,
                     "1 cortical, 0 not, -1 unknown");
}

static cls_status write_tracts(hid_t file, const cls_connectome *c) {
  hsize_t rows = (hsize_t)c->n_regions + 1, n = c->row[c->n_regions];
  CLS_TRY(write_table(file, "/tracts/row", H5T_NATIVE_UINT64, 1, &rows, c->row, "tract number"));
  CLS_TRY(write_table(file, "/tracts/source", H5T_NATIVE_UINT32, 1, &n, c->source, "region number"));
  CLS_TRY(write_table(file, "/tracts/weight", H5T_NATIVE_DOUBLE, 1, &n, c->weight, "1"));
  return write_table(file, "/tracts/length_mm", H5T_NATIVE_DOUBLE, 1, &n, c->length_mm, "mm");
}

static cls_status write_all(hid_t file, const cls_connectome *c) {
  int version = CLS_CONNECTOME_VERSION;
  CLS_TRY(write_text(file, "/", "format", CLS_CONNECTOME_FORMAT));
  CLS_TRY(cls_h5_attribute(file, "/", "version", H5T_NATIVE_INT, 0, &version));
  CLS_TRY(write_text(file, "/", "origin", c->origin ? c->origin : ""));
  CLS_TRY(write_text(file, "/", "callosum_version", CLS_VERSION));
  CLS_TRY(write_regions(file, c));
  return write_tracts(file, c);
}

/* ---- the file ---- */

static cls_status create(const char *path, hid_t *file) {
  *file = -1;
  int fd = open(path, O_CREAT | O_WRONLY, 0666); /* the system's reason is clearer than HDF5's */
  CLS_CHECK(fd >= 0, CLS_ERR_INPUT, "%s: cannot be written: %s", path, strerror(errno));
  close(fd);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its reasons would be printed beside our message */
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
  *file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Pclose(access);
  return *file >= 0 ? CLS_OK : cls_error_prefix(cls_h5_fail(-1, "creating the file"), "%s", path);
}

static cls_status write_temporary(const char *temporary, const cls_connectome *c) {
  hid_t file = -1;
  CLS_TRY(create(temporary, &file));
  cls_status status = write_all(file, c);
  if (status == CLS_OK) return cls_h5_close(file);
  H5Fclose(file);
  return status;
}

/* Everything reaches the disk before the name does. */
static cls_status sync_and_rename(const char *temporary, const char *path) {
  int fd = open(temporary, O_RDONLY);
  CLS_CHECK(fd >= 0, CLS_ERR_IO, "%s: cannot be opened again: %s", temporary, strerror(errno));
  int failed = fsync(fd), reason = errno;
  close(fd);
  CLS_CHECK(failed == 0, CLS_ERR_IO, "%s: cannot be brought to disk: %s", temporary, strerror(reason));
  CLS_CHECK(rename(temporary, path) == 0, CLS_ERR_IO, "%s: cannot be renamed to %s: %s", temporary, path,
            strerror(errno));
  return CLS_OK;
}

cls_status cls_connectome_write(const char *path, const cls_connectome *connectome) {
  CLS_TRY(cls_connectome_check(connectome));
  char *temporary = cls_format("%s.%ld.partial", path, (long)getpid());
  CLS_CHECK(temporary, CLS_ERR_MEMORY, "out of memory for the name of %s", path);
  cls_status status = write_temporary(temporary, connectome);
  if (status == CLS_OK) status = sync_and_rename(temporary, path);
  if (status != CLS_OK) unlink(temporary);
  free(temporary);
  return status;
}

/* What an HDF5 file of ours says of itself. */
#include "io/hdf5_file.h"
#include "jobs/info.h"
#include "jobs/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A number among the attributes of the root. */
static bool get_number(hid_t file, const char *name, double *value) {
  if (H5Aexists(file, name) <= 0) return false;
  hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), space = H5Aget_space(attribute);
  const bool one = H5Sget_simple_extent_npoints(space) == 1;
  const bool got = one && H5Aread(attribute, H5T_NATIVE_DOUBLE, value) >= 0;
  H5Sclose(space);
  H5Aclose(attribute);
  return got;
}

static void print_extent(hid_t file) {
  double value, complete;
  if (get_number(file, "members", &value)) printf("members    %.0f\n", value);
  if (get_number(file, "seed", &value)) printf("seed       %.0f\n", value);
  if (get_number(file, "dt_ms", &value)) printf("dt         %g ms\n", value);
  if (get_number(file, "warmup_ms", &value)) printf("warm-up    %g ms\n", value);
  if (get_number(file, "recorded_ms", &value)) printf("recorded   %.10g ms\n", value);
  if (get_number(file, "complete", &complete))
    printf("complete   %s\n", complete != 0 ? "yes" : "no: the run goes on, or was ended before its end");
}

static const char *kind_of(hid_t type) {
  const size_t bytes = H5Tget_size(type);
  const bool is_signed = H5Tget_class(type) == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
  switch (H5Tget_class(type)) {
  case H5T_FLOAT:
    return bytes == 4 ? "f32" : "f64";
  case H5T_STRING:
    return "text";
  case H5T_INTEGER:
    break;
  default:
    return "other";
  }
  if (bytes == 1) return is_signed ? "i8" : "u8";
  if (bytes == 2) return is_signed ? "i16" : "u16";
  if (bytes == 4) return is_signed ? "i32" : "u32";
  return is_signed ? "i64" : "u64";
}

static herr_t print_dataset(hid_t file, const char *name, const H5O_info_t *info, void *context) {
  (void)context;
  if (info->type != H5O_TYPE_DATASET) return 0;
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (dataset < 0) return -1;
  hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  hsize_t dims[H5S_MAX_RANK];
  const int rank = H5Sget_simple_extent_dims(space, dims, NULL);
  char shape[128] = "1", bytes[32];
  size_t used = 0;
  for (int d = 0; d < rank && used < sizeof shape; d++)
    used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%llu", d ? " x " : "",
                             (unsigned long long)dims[d]);
  cls_print_bytes(bytes, sizeof bytes,
                  (double)H5Sget_simple_extent_npoints(space) * (double)H5Tget_size(type));
  printf("  %-44s %-5s %18s %10s\n", name, kind_of(type), shape, bytes);
  H5Tclose(type);
  H5Sclose(space);
  H5Dclose(dataset);
  return 0;
}

cls_status cls_info_print(const char *path) {
  CLS_CHECK(access(path, R_OK) == 0, CLS_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  CLS_CHECK(file >= 0, CLS_ERR_INPUT, "%s: is no HDF5 file, or is damaged", path);
  char *version = NULL;
  (void)cls_h5_read_text(file, "callosum_version", &version);
  printf("file       %s%s%s\n", path, version ? ", written by version " : "", version ? version : "");
  print_extent(file);
  printf("\n  %-44s %-5s %18s %10s\n", "dataset", "type", "shape", "size");
  const herr_t visited = H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, print_dataset, NULL, H5O_INFO_BASIC);
  free(version);
  H5Fclose(file);
  CLS_CHECK(visited >= 0, CLS_ERR_INPUT, "%s: a dataset cannot be read: the file is damaged", path);
  return CLS_OK;
}

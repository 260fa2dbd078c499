#include "io/hdf5_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Bytes of a chunk of a series, and of one collective write of one rank (MPI-IO counts bytes in an int). */
enum { CHUNK_BYTES = 1 << 20, WRITE_BYTES = 1 << 29 };

#define H5_CHECK(condition, file, what)                                                                      \
  do {                                                                                                       \
    if (!(condition)) return cls_h5_fail((file), (what));                                                    \
  } while (0)

/* ---- errors ---- */

static herr_t keep_reason(unsigned n, const H5E_error2_t *error, void *reason) {
  (void)n;
  const char **text = reason;
  *text = error->desc; /* walking upwards from the cause: keep the first that says something */
  return *text && **text ? 1 : 0;
}

/* HDF5's own reason for what failed last. It forgets it at the next call. */
static void take_reason(char *reason, size_t size) {
  const char *text = NULL;
  hid_t stack = H5Eget_current_stack();
  snprintf(reason, size, "no reason given");
  if (stack < 0) return;
  H5Ewalk2(stack, H5E_WALK_UPWARD, keep_reason, &text);
  if (text && text[0]) snprintf(reason, size, "%s", text);
  H5Eclose_stack(stack);
}

static cls_status fail_with(hid_t file, const char *what, const char *reason) {
  char path[512] = "HDF5";
  if (file >= 0 && H5Fget_name(file, path, sizeof path) < 0) snprintf(path, sizeof path, "HDF5");
  return cls_fail(CLS_ERR_IO, "%s: %s failed: %s", path, what, reason);
}

cls_status cls_h5_fail(hid_t file, const char *what) {
  char reason[256];
  take_reason(reason, sizeof reason);
  return fail_with(file, what, reason);
}

/* ---- the skeleton ---- */

cls_status cls_h5_create(const char *path, hid_t *file) {
  *file = -1;
  int fd = open(path, O_CREAT | O_WRONLY, 0666); /* the system's reason is clearer than HDF5's */
  CLS_CHECK(fd >= 0, CLS_ERR_INPUT, "%s: cannot be written: %s", path, strerror(errno));
  close(fd);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  *file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (*file < 0) return cls_error_prefix(cls_h5_fail(-1, "creating the file"), "%s", path);
  return CLS_OK;
}

cls_status cls_h5_close(hid_t file) {
  H5_CHECK(H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0, file, "writing");
  CLS_CHECK(H5Fclose(file) >= 0, CLS_ERR_IO, "an HDF5 file could not be closed");
  return CLS_OK;
}

/* Link creation properties that make missing groups on the way. */
static hid_t with_parents(void) {
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  return links;
}

cls_status cls_h5_group(hid_t file, const char *path) {
  hid_t links = with_parents();
  hid_t group = H5Gcreate2(file, path, links, H5P_DEFAULT, H5P_DEFAULT);
  H5Pclose(links);
  H5_CHECK(group >= 0, file, path);
  H5Gclose(group);
  return CLS_OK;
}

cls_status cls_h5_attribute(hid_t file, const char *path, const char *name, hid_t type, hsize_t n,
                            const void *values) {
  hid_t space = n == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &n, NULL);
  hid_t attribute = H5Acreate_by_name(file, path, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  herr_t written = attribute < 0 ? -1 : H5Awrite(attribute, type, values);
  H5Sclose(space);
  if (attribute >= 0) H5Aclose(attribute);
  H5_CHECK(written >= 0, file, name);
  return CLS_OK;
}

static hid_t text_type(void) {
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE); /* attributes of fixed length end at 64 KiB; job texts do not */
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

cls_status cls_h5_text(hid_t file, const char *path, const char *name, const char *text) {
  hid_t type = text_type();
  cls_status status = cls_h5_attribute(file, path, name, type, 0, &text);
  H5Tclose(type);
  return status;
}

/* Creates a dataset, writes `values` (may be NULL) and units (may be NULL). */
static cls_status make_dataset(hid_t file, const char *path, hid_t type, hid_t space, hid_t properties,
                               const void *values, const char *units) {
  hid_t links = with_parents();
  hid_t dataset = H5Dcreate2(file, path, type, space, links, properties, H5P_DEFAULT);
  herr_t written = dataset < 0 ? -1 : 0;
  if (dataset >= 0 && values) written = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Pclose(links);
  if (dataset >= 0) H5Dclose(dataset);
  H5_CHECK(written >= 0, file, path);
  return units ? cls_h5_text(file, path, "units", units) : CLS_OK;
}

cls_status cls_h5_table(hid_t file, const char *path, hid_t type, int rank, const hsize_t *dims,
                        const void *values, const char *units) {
  hid_t space = H5Screate_simple(rank, dims, NULL);
  H5_CHECK(space >= 0, file, path);
  bool empty = H5Sget_simple_extent_npoints(space) == 0;
  cls_status status = make_dataset(file, path, type, space, H5P_DEFAULT, empty ? NULL : values, units);
  H5Sclose(space);
  return status;
}

cls_status cls_h5_names(hid_t file, const char *path, hsize_t n, const char *const *names) {
  hid_t type = text_type();
  cls_status status = cls_h5_table(file, path, type, 1, &n, names, NULL);
  H5Tclose(type);
  return status;
}

cls_status cls_h5_link(hid_t file, const char *path, const char *name) {
  hid_t links = with_parents();
  herr_t linked = H5Lcreate_hard(file, path, file, name, links, H5P_DEFAULT);
  H5Pclose(links);
  H5_CHECK(linked >= 0, file, name);
  return CLS_OK;
}

cls_status cls_h5_series_create(hid_t file, const char *path, hid_t type, int rank, const hsize_t *row,
                                uint64_t expected, const char *units) {
  CLS_CHECK(rank >= 1 && rank <= 4, CLS_ERR_INTERNAL, "series %s has %d dimensions", path, rank);
  hsize_t dims[4] = {0}, most[4] = {H5S_UNLIMITED}, chunk[4] = {0};
  size_t bytes = H5Tget_size(type);
  for (int d = rank - 1; d >= 1; d--) { /* whole rows where they fit a chunk, else parts of them */
    most[d] = dims[d] = row[d - 1];
    CLS_CHECK(dims[d] > 0, CLS_ERR_INTERNAL, "series %s has rows without elements", path);
    hsize_t fit = CHUNK_BYTES / bytes;
    chunk[d] = dims[d] < fit ? dims[d] : (fit > 0 ? fit : 1);
    bytes *= chunk[d];
  }
  chunk[0] = CHUNK_BYTES / bytes;
  if (chunk[0] > 65536) chunk[0] = 65536;
  if (rank > 1 && chunk[0] > 1024) chunk[0] = 1024;
  if (expected > 0 && chunk[0] > expected) chunk[0] = expected;
  if (chunk[0] < 1) chunk[0] = 1;
  hid_t space = H5Screate_simple(rank, dims, most), properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(properties, rank, chunk);
  /* Parallel writes need chunks that exist; every element below the extent is written, so filling would write
   * everything twice. */
  H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER);
  cls_status status = make_dataset(file, path, type, space, properties, NULL, units);
  H5Pclose(properties);
  H5Sclose(space);
  return status;
}

/* ---- reading ---- */

cls_status cls_h5_read_text(hid_t object, const char *name, char **text) {
  *text = NULL;
  if (H5Aexists(object, name) <= 0) return CLS_OK;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return CLS_OK;
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  bool scalar = H5Sget_simple_extent_npoints(space) == 1;
  if (scalar && H5Tget_class(type) == H5T_STRING) {
    if (H5Tis_variable_str(type) > 0) {
      char *value = NULL;
      if (H5Aread(attribute, type, &value) >= 0 && value) *text = cls_format("%s", value);
      H5Dvlen_reclaim(type, space, H5P_DEFAULT, &value);
    } else {
      size_t size = H5Tget_size(type);
      char *value = calloc(size + 1, 1);
      if (value && H5Aread(attribute, type, value) >= 0) *text = cls_format("%s", value);
      free(value);
    }
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(attribute);
  return CLS_OK;
}

bool cls_h5_is_stored(hid_t dataset) {
  const double slack = 1 << 24, packing = 2048; /* deflate makes 1032 bytes of one */
  const hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset),
              creation = H5Dget_create_plist(dataset);
  const double claimed = (double)H5Sget_simple_extent_npoints(space) * (double)H5Tget_size(type);
  const bool elsewhere = H5Pget_layout(creation) == H5D_VIRTUAL || H5Pget_external_count(creation) > 0;
  const double stored = (double)H5Dget_storage_size(dataset);
  H5Pclose(creation);
  H5Tclose(type);
  H5Sclose(space);
  return elsewhere || claimed <= slack + packing * stored;
}

/* ---- the recording ---- */

/* What HDF5 knows of a file stays in memory until a flush: by itself it writes single entries whenever its cache is full, and
 * between those the file is not readable. Entries are small (an index node of 4 KB for 64 chunks). */
static bool keep_until_flush(hid_t access) {
  enum { DIRTY_BYTES = 32 << 20, CACHE_BYTES = 64 << 20 };
  H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
  if (H5Pget_mdc_config(access, &config) < 0) return false;
  config.set_initial_size = true;
  config.initial_size = config.max_size = CACHE_BYTES;
  config.evictions_enabled = false;
  config.incr_mode = H5C_incr__off;
  config.flash_incr_mode = H5C_flash_incr__off;
  config.decr_mode = H5C_decr__off;
  config.dirty_bytes_threshold = DIRTY_BYTES;
  return H5Pset_mdc_config(access, &config) >= 0;
}

cls_status cls_h5_open_shared(MPI_Comm comm, const char *path, hid_t *file) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  bool ok = H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL) >= 0 &&
            H5Pset_all_coll_metadata_ops(access, true) >= 0 && keep_until_flush(access);
  *file = ok ? H5Fopen(path, H5F_ACC_RDWR, access) : -1;
  H5Pclose(access);
  if (*file < 0) return cls_error_prefix(cls_h5_fail(-1, "opening the file on all ranks"), "%s", path);
  return CLS_OK;
}

cls_status cls_h5_series_open(MPI_Comm comm, hid_t file, const char *path, hid_t type,
                              cls_h5_series *series) {
  *series = (cls_h5_series){.file = file, .dataset = -1, .type = type, .comm = comm};
  series->dataset = H5Dopen2(file, path, H5P_DEFAULT);
  H5_CHECK(series->dataset >= 0, file, path);
  hid_t space = H5Dget_space(series->dataset);
  series->rank = H5Sget_simple_extent_dims(space, series->dims, NULL);
  H5Sclose(space);
  H5_CHECK(series->rank >= 1, file, path);
  series->row_bytes = H5Tget_size(type);
  for (int d = 1; d < series->rank; d++) series->row_bytes *= series->dims[d];
  return CLS_OK;
}

cls_status cls_h5_series_close(cls_h5_series *series) {
  if (series->dataset >= 0) H5_CHECK(H5Dclose(series->dataset) >= 0, series->file, "closing a dataset");
  series->dataset = -1;
  return CLS_OK;
}

/* What one rank takes part with in a collective transfer: a block of the dataset, and as much memory. */
typedef struct {
  hid_t there, here, transfer;
} selection;

/* A block of no elements: the rank still takes part. */
static cls_status select_block(const cls_h5_series *series, const hsize_t *start, const hsize_t *count,
                               selection *s) {
  s->there = H5Dget_space(series->dataset);
  s->here = H5Screate_simple(series->rank, count, NULL);
  s->transfer = H5Pcreate(H5P_DATASET_XFER);
  H5_CHECK(s->there >= 0 && s->here >= 0 && s->transfer >= 0, series->file, "preparing a transfer");
  /* All ranks take part, but each moves its own bytes: Open MPI's collective writes say that all is well when the disk is full. */
  bool ok = H5Pset_dxpl_mpio(s->transfer, H5FD_MPIO_COLLECTIVE) >= 0 &&
            H5Pset_dxpl_mpio_collective_opt(s->transfer, H5FD_MPIO_INDIVIDUAL_IO) >= 0;
  if (H5Sget_simple_extent_npoints(s->here) == 0)
    ok = ok && H5Sselect_none(s->there) >= 0 && H5Sselect_none(s->here) >= 0;
  else
    ok = ok && H5Sselect_hyperslab(s->there, H5S_SELECT_SET, start, NULL, count, NULL) >= 0;
  H5_CHECK(ok, series->file, "preparing a transfer");
  return CLS_OK;
}

static void release(selection *s) {
  H5Pclose(s->transfer);
  H5Sclose(s->here);
  H5Sclose(s->there);
}

/* What the disk says of itself: HDF5 and MPI do not pass its reason on. */
static const char *disk_of(hid_t file, char *text, size_t size) {
  char path[4096];
  struct statvfs disk;
  const bool known = H5Fget_name(file, path, sizeof path) >= 0 && statvfs(path, &disk) == 0;
  const unsigned long long left = known ? (unsigned long long)disk.f_bavail * disk.f_frsize : 0;
  if (known)
    snprintf(text, size, "(disk full or quota reached? %llu bytes are free)", left);
  else
    snprintf(text, size, "(disk full or quota reached?)");
  return text;
}

/* A write that all ranks take part in, `bytes` of them together from row `row` on. */
static cls_status fail_writing(const cls_h5_series *series, uint64_t row, uint64_t bytes) {
  char name[256] = "a dataset", disk[96], reason[256], what[512];
  take_reason(reason, sizeof reason);
  if (H5Iget_name(series->dataset, name, sizeof name) <= 0) snprintf(name, sizeof name, "a dataset");
  snprintf(what, sizeof what, "writing %llu bytes at row %llu of %s %s", (unsigned long long)bytes,
           (unsigned long long)row, name, disk_of(series->file, disk, sizeof disk));
  return fail_with(series->file, what, reason);
}

/* `row` and `bytes`: what all ranks write together. */
static cls_status write_block(cls_h5_series *series, const hsize_t *start, const hsize_t *count,
                              const void *values, uint64_t row, uint64_t bytes) {
  selection s;
  CLS_TRY(select_block(series, start, count, &s));
  if (H5Dwrite(series->dataset, series->type, s.here, s.there, s.transfer, values) < 0)
    return fail_writing(series, row, bytes);
  release(&s);
  return CLS_OK;
}

cls_status cls_h5_block_write(cls_h5_series *series, const hsize_t *start, const hsize_t *count,
                              const void *values) {
  uint64_t bytes = H5Tget_size(series->type);
  for (int d = 0; d < series->rank; d++) bytes *= count[d];
  return write_block(series, start, count, values, start[0], bytes);
}

/* The block of `n` rows from `first` on. */
static void rows_of(const cls_h5_series *series, hsize_t first, hsize_t n, hsize_t *start, hsize_t *count) {
  for (int d = 0; d < series->rank; d++) {
    start[d] = d == 0 ? first : 0;
    count[d] = d == 0 ? n : series->dims[d];
  }
}

static cls_status grow(cls_h5_series *series, uint64_t rows) {
  series->dims[0] += rows;
  H5_CHECK(H5Dset_extent(series->dataset, series->dims) >= 0, series->file, "growing a dataset");
  return CLS_OK;
}

cls_status cls_h5_series_append(cls_h5_series *series, uint64_t total, uint64_t offset, uint64_t n,
                                const void *rows) {
  if (total == 0) return CLS_OK;
  const hsize_t begin = series->dims[0], first = begin + offset;
  const uint64_t piece = WRITE_BYTES / series->row_bytes > 0 ? WRITE_BYTES / series->row_bytes : 1;
  CLS_TRY(grow(series, total));
  uint64_t most = n; /* rows of the rank that has most: how many writes everyone takes part in */
  if (total > piece) MPI_Allreduce(&n, &most, 1, MPI_UINT64_T, MPI_MAX, series->comm);
  static const char nothing[8];
  for (uint64_t done = 0; done == 0 || done < most; done += piece) {
    uint64_t left = done < n ? n - done : 0, now = left < piece ? left : piece;
    const void *from = now > 0 ? (const char *)rows + done * series->row_bytes : nothing;
    hsize_t start[4], count[4];
    rows_of(series, first + (now > 0 ? done : 0), now, start, count);
    CLS_TRY(write_block(series, start, count, from, begin, total * series->row_bytes));
  }
  return CLS_OK;
}

cls_status cls_h5_columns_append(cls_h5_series *series, uint64_t total, uint64_t first, uint64_t n,
                                 const void *values) {
  if (total == 0) return CLS_OK;
  const size_t bytes = H5Tget_size(series->type);
  const hsize_t begin = series->dims[0];
  CLS_TRY(grow(series, total));
  uint64_t most = n; /* columns of the rank that has most: how many writes everyone takes part in */
  if (total * series->row_bytes > WRITE_BYTES)
    MPI_Allreduce(&n, &most, 1, MPI_UINT64_T, MPI_MAX, series->comm);
  uint64_t piece = most > 0 ? WRITE_BYTES / (most * bytes) : total;
  if (piece < 1) piece = 1;
  if (piece > total) piece = total;
  for (uint64_t row = 0; row < total; row += piece) {
    const hsize_t start[2] = {begin + row, first}, count[2] = {total - row < piece ? total - row : piece, n};
    CLS_TRY(write_block(series, start, count, (const char *)values + row * n * bytes, begin,
                        total * series->row_bytes));
  }
  return CLS_OK;
}

cls_status cls_h5_series_read(cls_h5_series *series, uint64_t first, uint64_t n, int64_t second,
                              void *values) {
  int rank = 0;
  MPI_Comm_rank(series->comm, &rank);
  uint64_t row = series->row_bytes;
  if (second >= 0) row /= series->dims[1];
  const uint64_t piece = WRITE_BYTES / row > 0 ? WRITE_BYTES / row : 1;
  static char nothing[8];
  for (uint64_t done = 0; done < n; done += piece) {
    hsize_t start[4], count[4];
    const uint64_t now = n - done < piece ? n - done : piece;
    rows_of(series, first + done, rank == 0 ? now : 0, start, count);
    if (second >= 0) start[1] = (hsize_t)second, count[1] = 1;
    selection s;
    CLS_TRY(select_block(series, start, count, &s));
    void *to = rank == 0 ? (char *)values + done * row : nothing;
    H5_CHECK(H5Dread(series->dataset, series->type, s.here, s.there, s.transfer, to) >= 0, series->file,
             "reading back");
    release(&s);
  }
  return CLS_OK;
}

cls_status cls_h5_table_update(MPI_Comm comm, hid_t file, const char *path, hid_t type, const void *values) {
  cls_h5_series table;
  hsize_t start[4], count[4];
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  CLS_TRY(cls_h5_series_open(comm, file, path, type, &table));
  rows_of(&table, 0, rank == 0 ? table.dims[0] : 0, start, count);
  CLS_TRY(cls_h5_block_write(&table, start, count, values));
  return cls_h5_series_close(&table);
}

cls_status cls_h5_attribute_update(hid_t file, const char *name, hid_t type, const void *value) {
  hid_t attribute = H5Aopen_by_name(file, "/", name, H5P_DEFAULT, H5P_DEFAULT);
  H5_CHECK(attribute >= 0, file, name);
  H5_CHECK(H5Awrite(attribute, type, value) >= 0, file, name);
  H5Aclose(attribute);
  return CLS_OK;
}

cls_status cls_h5_flush(hid_t file) {
  char disk[96], reason[256], what[160];
  if (H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0) return CLS_OK;
  take_reason(reason, sizeof reason);
  snprintf(what, sizeof what, "writing headers and indices %s", disk_of(file, disk, sizeof disk));
  return fail_with(file, what, reason);
}

#include "io/record_image.h"
#include "io/hdf5_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Arrays in one piece that are longer are not part of an image: tables that stand still, or that are written anew as a whole. */
enum { TABLE_BYTES = 1 << 20 };

void cls_image_rows_free(cls_image_rows *rows) {
  free(rows->range);
  free(rows->dataset);
  *rows = (cls_image_rows){0};
}

void cls_image_free(cls_image *image) {
  free(image->offset);
  free(image->length);
  free(image->bytes);
  *image = (cls_image){0};
}

/* ---- where rows are ---- */

static cls_status add_range(cls_image_rows *rows, uint64_t offset, uint64_t length) {
  if (length == 0) return CLS_OK;
  CLS_TRY(
      cls_grow(&rows->range, &rows->capacity, rows->n + 1, 2 * sizeof *rows->range, "rows of a recording"));
  rows->range[2 * rows->n] = offset;
  rows->range[2 * rows->n++ + 1] = length;
  return CLS_OK;
}

/* The entry of the dataset at `address`. */
static cls_status find_dataset(cls_image_rows *rows, uint64_t address, size_t *at) {
  for (*at = 0; *at < rows->n_datasets; ++*at)
    if (rows->dataset[2 * *at] == address) return CLS_OK;
  CLS_TRY(cls_grow(&rows->dataset, &rows->datasets_capacity, rows->n_datasets + 1, 2 * sizeof *rows->dataset,
                   "datasets of a recording"));
  rows->dataset[2 * rows->n_datasets] = address;
  rows->dataset[2 * rows->n_datasets++ + 1] = 0;
  return CLS_OK;
}

/* Chunks are numbered by their place, and datasets grow along the first dimension only: new ones come last. */
static cls_status find_chunks(hid_t dataset, uint64_t address, bool learnt, cls_image_rows *rows) {
  size_t at = 0;
  hsize_t n = 0, start[H5S_MAX_RANK];
  CLS_TRY(find_dataset(rows, address, &at));
  hid_t space = H5Dget_space(dataset);
  bool ok = space >= 0 && H5Dget_num_chunks(dataset, space, &n) >= 0;
  cls_status status = CLS_OK;
  for (hsize_t k = learnt ? n : rows->dataset[2 * at + 1]; ok && status == CLS_OK && k < n; k++) {
    haddr_t where = HADDR_UNDEF;
    hsize_t bytes = 0;
    unsigned mask;
    ok = H5Dget_chunk_info(dataset, space, k, start, &mask, &where, &bytes) >= 0;
    if (ok && where != HADDR_UNDEF) status = add_range(rows, where, bytes);
  }
  if (space >= 0) H5Sclose(space);
  if (!ok) return cls_h5_fail(dataset, "finding the rows of a dataset");
  if (status == CLS_OK) rows->dataset[2 * at + 1] = n;
  return status;
}

/* Of a dataset in one piece: added to `rows` once, like the chunks. */
static cls_status find_table(hid_t dataset, uint64_t address, bool learnt, cls_image_rows *rows) {
  size_t at = 0;
  const haddr_t where = H5Dget_offset(dataset);
  const hsize_t bytes = H5Dget_storage_size(dataset);
  if (where == HADDR_UNDEF || bytes <= TABLE_BYTES) return CLS_OK;
  CLS_TRY(find_dataset(rows, address, &at));
  if (rows->dataset[2 * at + 1] > 0) return CLS_OK;
  rows->dataset[2 * at + 1] = 1;
  return learnt ? CLS_OK : add_range(rows, where, bytes);
}

typedef struct {
  cls_image_rows *rows;
  bool learnt; /* their ranges are known: datasets are only counted */
  cls_status status;
} visit;

static herr_t see_object(hid_t file, const char *name, const H5O_info_t *info, void *context) {
  visit *v = context;
  if (info->type != H5O_TYPE_DATASET) return 0;
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  hid_t properties = dataset >= 0 ? H5Dget_create_plist(dataset) : -1;
  if (properties < 0)
    v->status = cls_h5_fail(file, name);
  else if (H5Pget_layout(properties) == H5D_CHUNKED)
    v->status = find_chunks(dataset, info->addr, v->learnt, v->rows);
  else
    v->status = find_table(dataset, info->addr, v->learnt, v->rows);
  if (properties >= 0) H5Pclose(properties);
  if (dataset >= 0) H5Dclose(dataset);
  return v->status == CLS_OK ? 0 : 1;
}

/* Rank 0 looks into the file by itself, as any reader would, while all ranks have it open together. */
static cls_status find_rows(const char *path, bool learnt, cls_image_rows *rows) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_file_locking(access, false, true);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
  H5Pclose(access);
  if (file < 0) return cls_error_prefix(cls_h5_fail(-1, "reading what was flushed"), "%s", path);
  visit v = {rows, learnt, CLS_OK};
  const herr_t visited = H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, see_object, &v, H5O_INFO_BASIC);
  if (v.status == CLS_OK && visited < 0) v.status = cls_h5_fail(file, "reading what was flushed");
  H5Fclose(file);
  return v.status;
}

/* ---- all else ---- */

static int by_offset(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* The pieces between the rows. */
static cls_status find_pieces(const cls_image_rows *rows, cls_image *image) {
  uint64_t *sorted = NULL, end = 0;
  CLS_TRY(cls_alloc(&image->offset, rows->n + 1, sizeof *image->offset, "image of a recording"));
  CLS_TRY(cls_alloc(&image->length, rows->n + 1, sizeof *image->length, "image of a recording"));
  CLS_TRY(cls_alloc(&sorted, rows->n, 2 * sizeof *sorted, "image of a recording"));
  if (rows->n > 0) memcpy(sorted, rows->range, rows->n * 2 * sizeof *sorted);
  qsort(sorted, rows->n, 2 * sizeof *sorted, by_offset);
  for (size_t i = 0; i <= rows->n; i++) {
    const uint64_t next = i < rows->n && sorted[2 * i] < image->size ? sorted[2 * i] : image->size;
    if (next > end) {
      image->offset[image->n] = end;
      image->length[image->n++] = next - end;
      image->n_bytes += next - end;
    }
    if (i < rows->n && sorted[2 * i] + sorted[2 * i + 1] > end) end = sorted[2 * i] + sorted[2 * i + 1];
  }
  free(sorted);
  return cls_alloc_unset(&image->bytes, image->n_bytes, 1, "image of a recording");
}

static cls_status read_piece(int file, const char *path, uint64_t offset, uint64_t length, uint8_t *to) {
  while (length > 0) {
    const ssize_t got = pread(file, to, length, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    CLS_CHECK(got > 0, CLS_ERR_IO, "%s: reading %llu bytes at %llu failed: %s", path,
              (unsigned long long)length, (unsigned long long)offset,
              got < 0 ? strerror(errno) : "it ends there");
    to += got, offset += (uint64_t)got, length -= (uint64_t)got;
  }
  return CLS_OK;
}

static cls_status read_pieces(int file, const char *path, const cls_image_rows *rows, cls_image *image) {
  struct stat about;
  CLS_CHECK(fstat(file, &about) == 0, CLS_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
  image->size = (uint64_t)about.st_size;
  CLS_TRY(find_pieces(rows, image));
  uint8_t *to = image->bytes;
  for (size_t i = 0; i < image->n; to += image->length[i++])
    CLS_TRY(read_piece(file, path, image->offset[i], image->length[i], to));
  return CLS_OK;
}

cls_status cls_image_take(const char *path, cls_image_rows *rows, cls_image *image) {
  *image = (cls_image){0};
  CLS_TRY(find_rows(path, false, rows));
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  CLS_CHECK(file >= 0, CLS_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
  const cls_status status = read_pieces(file, path, rows, image);
  close(file);
  return status;
}

cls_status cls_image_learn(const char *path, const cls_image *image, cls_image_rows *rows) {
  uint64_t end = 0;
  for (size_t i = 0; i <= image->n; i++) {
    const uint64_t next = i < image->n ? image->offset[i] : image->size;
    CLS_TRY(add_range(rows, end, next - end));
    if (i < image->n) end = next + image->length[i];
  }
  return find_rows(path, true, rows);
}

/* ---- back ---- */

/* How far the file must reach: to the end of the last rows, what comes behind them is in the image. */
static uint64_t needed(const cls_image *image) {
  const size_t last = image->n - 1;
  if (image->n > 0 && image->offset[last] + image->length[last] == image->size) return image->offset[last];
  return image->size;
}

static cls_status check_pieces(const char *path, const cls_image *image) {
  uint64_t end = 0, all = 0;
  for (size_t i = 0; i < image->n; i++) {
    CLS_CHECK(image->offset[i] >= end && image->offset[i] <= image->size &&
                  image->length[i] <= image->size - image->offset[i],
              CLS_ERR_INPUT, "%s: piece %zu of its image is not in order", path, i);
    end = image->offset[i] + image->length[i];
    all += image->length[i];
  }
  CLS_CHECK(all == image->n_bytes, CLS_ERR_INPUT, "%s: an image of %zu bytes: expected %llu", path,
            image->n_bytes, (unsigned long long)all);
  return CLS_OK;
}

cls_status cls_image_check(const char *path, const cls_image *image) {
  struct stat about;
  CLS_TRY(check_pieces(path, image));
  const int file = open(path, O_RDWR | O_CLOEXEC);
  CLS_CHECK(file >= 0, CLS_ERR_INPUT, "%s: cannot be continued: %s", path, strerror(errno));
  const int told = fstat(file, &about), reason = errno;
  close(file);
  CLS_CHECK(told == 0, CLS_ERR_INPUT, "%s: cannot be continued: %s", path, strerror(reason));
  CLS_CHECK((uint64_t)about.st_size >= needed(image), CLS_ERR_INPUT,
            "%s: %llu bytes: expected at least %llu, as at the checkpoint", path,
            (unsigned long long)about.st_size, (unsigned long long)needed(image));
  return CLS_OK;
}

static cls_status write_piece(int file, const char *path, uint64_t offset, uint64_t length,
                              const uint8_t *from) {
  while (length > 0) {
    const ssize_t put = pwrite(file, from, length, (off_t)offset);
    if (put < 0 && errno == EINTR) continue;
    CLS_CHECK(put > 0, CLS_ERR_IO, "%s: writing %llu bytes at %llu failed: %s", path,
              (unsigned long long)length, (unsigned long long)offset, strerror(errno));
    from += put, offset += (uint64_t)put, length -= (uint64_t)put;
  }
  return CLS_OK;
}

static cls_status write_pieces(int file, const char *path, const cls_image *image) {
  const uint8_t *from = image->bytes;
  for (size_t i = 0; i < image->n; from += image->length[i++])
    CLS_TRY(write_piece(file, path, image->offset[i], image->length[i], from));
  CLS_CHECK(ftruncate(file, (off_t)image->size) == 0, CLS_ERR_IO, "%s: cannot be cut to %llu bytes: %s", path,
            (unsigned long long)image->size, strerror(errno));
  CLS_CHECK(fsync(file) == 0, CLS_ERR_IO, "%s: cannot be synced: %s", path, strerror(errno));
  return CLS_OK;
}

cls_status cls_image_put_back(const char *path, const cls_image *image) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  CLS_CHECK(file >= 0, CLS_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
  cls_status status = write_pieces(file, path, image);
  if (close(file) != 0 && status == CLS_OK)
    status = cls_fail(CLS_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
  return status;
}

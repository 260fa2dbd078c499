#include "io/record_files.h"
#include "io/record_guard.h"
#include <stdlib.h>

/* Collective. Array `what` of a file, which rank 0 writes, and which it alone asks for. */
static cls_status keep_array(const cls_record *record, const cls_keeper *keeper, const char *file,
                             const char *what, cls_keep_type type, uint64_t rows, void *values) {
  char *name = cls_format("recorder/files/%s/%s", file, what);
  cls_status status = name ? CLS_OK : cls_fail(CLS_ERR_MEMORY, "out of memory for the image of %s", file);
  status = cls_agree(record->world.comm, status);
  const cls_piece all = {0, rows, values};
  if (status == CLS_OK)
    status =
        keeper->array(keeper->self, name, type, rows, 1, NULL, &all, rows > 0 && record->world.rank == 0);
  free(name);
  return status;
}

static cls_status keep_image(const cls_record *record, const cls_keeper *keeper, const char *file,
                             cls_image *image) {
  uint64_t lengths[2] = {image->n, image->n_bytes};
  MPI_Bcast(lengths, 2, MPI_UINT64_T, 0, record->world.comm);
  CLS_TRY(keep_array(record, keeper, file, "size", CLS_KEEP_U64, 1, &image->size));
  CLS_TRY(keep_array(record, keeper, file, "offsets", CLS_KEEP_U64, lengths[0], image->offset));
  CLS_TRY(keep_array(record, keeper, file, "lengths", CLS_KEEP_U64, lengths[0], image->length));
  return keep_array(record, keeper, file, "bytes", CLS_KEEP_U8, lengths[1], image->bytes);
}

static cls_status take_image(const cls_record *record, const char *name, cls_image_rows *rows,
                             cls_image *image) {
  char *path = cls_format("%s/%s", record->directory, name);
  CLS_CHECK(path, CLS_ERR_MEMORY, "out of memory for the path of %s", name);
  const cls_status status = cls_image_take(path, rows, image);
  free(path);
  return status;
}

/* ---- beside the files ---- */

static cls_status guard_file(const cls_record *record, const char *name, cls_image_rows *rows) {
  char *path = cls_format("%s/%s", record->directory, name);
  CLS_CHECK(path, CLS_ERR_MEMORY, "out of memory for the path of %s", name);
  cls_image image = {0};
  cls_status status = cls_image_take(path, rows, &image);
  if (status == CLS_OK) status = cls_guard_write(path, &image);
  cls_image_free(&image);
  free(path);
  return status;
}

cls_status cls_record_files_guard(const cls_record *record, const cls_recording *recordings, size_t n,
                                  cls_image_rows *rows) {
  cls_status status = CLS_OK;
  for (size_t i = 0; i < n && status == CLS_OK && record->world.rank == 0; i++)
    if (recordings[i].file) status = guard_file(record, recordings[i].file, &rows[i]);
  return cls_agree(record->world.comm, status);
}

void cls_record_files_unguard(const cls_record *record, const cls_recording *recordings, size_t n) {
  for (size_t i = 0; i < n && record->world.rank == 0; i++) {
    char *path = recordings[i].file ? cls_format("%s/%s", record->directory, recordings[i].file) : NULL;
    if (path) cls_guard_remove(path);
    free(path);
  }
}

/* ---- at a checkpoint ---- */

cls_status cls_record_files_save(const cls_record *record, const cls_recording *recordings, size_t n,
                                 cls_image_rows *rows, const cls_keeper *keeper) {
  for (size_t i = 0; i < n; i++) {
    const char *name = recordings[i].file;
    cls_image image = {0};
    cls_status status = CLS_OK;
    if (!name) continue;
    if (record->world.rank == 0) status = take_image(record, name, &rows[i], &image);
    status = cls_agree(record->world.comm, status);
    if (status == CLS_OK) status = keep_image(record, keeper, name, &image);
    cls_image_free(&image);
    CLS_TRY(status);
  }
  return CLS_OK;
}

/* ---- back ---- */

/* Rank 0: rows of an array of a file. */
static cls_status rows_of(const cls_keeper *keeper, const char *file, const char *what, size_t *rows) {
  char *name = cls_format("recorder/files/%s/%s", file, what);
  CLS_CHECK(name, CLS_ERR_MEMORY, "out of memory for the image of %s", file);
  *rows = keeper->rows(keeper->self, name);
  free(name);
  return CLS_OK;
}

static cls_status make_room(const cls_keeper *keeper, const char *file, cls_image *image) {
  CLS_TRY(rows_of(keeper, file, "offsets", &image->n));
  CLS_TRY(rows_of(keeper, file, "bytes", &image->n_bytes));
  CLS_CHECK(image->n > 0 && image->n_bytes > 0, CLS_ERR_INPUT, "%s: the checkpoint does not know it", file);
  CLS_TRY(cls_alloc(&image->offset, image->n, sizeof *image->offset, "image of a recording"));
  CLS_TRY(cls_alloc(&image->length, image->n, sizeof *image->length, "image of a recording"));
  return cls_alloc(&image->bytes, image->n_bytes, 1, "image of a recording");
}

/* Collective. On rank 0 the images of all files and the paths they belong to. */
static cls_status load_images(const cls_record *record, const cls_recording *recordings, size_t n,
                              const cls_keeper *keeper, cls_image *images, char **paths) {
  for (size_t i = 0; i < n; i++) {
    const char *name = recordings[i].file;
    cls_status status = CLS_OK;
    if (!name) continue;
    if (record->world.rank == 0) {
      paths[i] = cls_format("%s/%s", record->directory, name);
      status = paths[i] ? make_room(keeper, name, &images[i])
                        : cls_fail(CLS_ERR_MEMORY, "out of memory for the path of %s", name);
    }
    CLS_TRY(cls_agree(record->world.comm, status));
    CLS_TRY(keep_image(record, keeper, name, &images[i]));
  }
  return CLS_OK;
}

static cls_status put_all_back(size_t n, const cls_image *images, char *const *paths, cls_image_rows *rows) {
  for (size_t i = 0; i < n; i++)
    if (paths[i]) CLS_TRY(cls_image_check(paths[i], &images[i]));
  for (size_t i = 0; i < n; i++) {
    if (!paths[i]) continue;
    CLS_TRY(cls_image_put_back(paths[i], &images[i]));
    CLS_TRY(cls_guard_write(paths[i], &images[i])); /* that of the dead run may be of a later flush */
  }
  for (size_t i = 0; i < n; i++)
    if (paths[i]) CLS_TRY(cls_image_learn(paths[i], &images[i], &rows[i]));
  return CLS_OK;
}

cls_status cls_record_files_restore(const cls_record *record, const cls_recording *recordings, size_t n,
                                    cls_image_rows *rows, const cls_keeper *keeper) {
  const MPI_Comm comm = record->world.comm;
  cls_image *images = NULL;
  char **paths = NULL;
  cls_status status = cls_alloc(&images, n, sizeof *images, "images of recordings");
  if (status == CLS_OK) status = cls_alloc(&paths, n, sizeof *paths, "images of recordings");
  status = cls_agree(comm, status);
  if (status == CLS_OK) status = load_images(record, recordings, n, keeper, images, paths);
  if (status == CLS_OK) {
    if (record->world.rank == 0) status = put_all_back(n, images, paths, rows);
    status = cls_agree(comm, status);
  }
  for (size_t i = 0; i < n && images && paths; i++) {
    cls_image_free(&images[i]);
    free(paths[i]);
  }
  free(images);
  free(paths);
  return status;
}

/* Writing a checkpoint. */
#define _GNU_SOURCE /* fallocate, sync_file_range */
#include "io/checkpoint.h"
#include "io/checkpoint_folder.h"
#include "io/checkpoint_slabs.h"
#include "io/hdf5_file.h"
#include "io/hdf5_image.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

struct cls_checkpoint_writer_ {
  cls_world world;
  char *directory, *temporary, *final; /* paths */
  cls_keeper keeper;
  hid_t file;            /* rank 0: HDF5's view of it, and */
  cls_h5_image *image;   /* what HDF5 wrote */
  int fd;                /* of every rank */
  bool made;             /* rank 0: the temporary file is there */
  bool renamed;          /* rank 0: under its name, without a manifest */
  cls_manifest manifest; /* complete on rank 0 */
  cls_slabs *slabs;
  cls_status status; /* what all ranks have come to */
  char message[1024];
  cls_status mine; /* what this rank has come to, which others may not know yet */
  char my_message[1024];
  /* Of the array under way. */
  const char *name;
  uint64_t offset, bytes;
  cls_stretch *stretches;
  size_t n_stretches, stretch_capacity;
  uint64_t *sums; /* of this rank's slab */
  size_t n_sums, sum_capacity;
  int *sums_of, *sums_at; /* rank 0: [ranks], of all slabs */
  XXH3_state_t *hash;
  uint64_t hashed; /* bytes of the MiB under way */
};

/* Local: the first error of this rank is kept. */
static cls_status keep_error(cls_checkpoint_writer *w, cls_status status) {
  if (status == CLS_OK || w->mine != CLS_OK) return status;
  w->mine = status;
  snprintf(w->my_message, sizeof w->my_message, "%s", cls_error_message());
  return status;
}

/* Collective: the verdict of all ranks, which is kept. */
static cls_status agree(cls_checkpoint_writer *w, cls_status status) {
  keep_error(w, status);
  if (w->mine != CLS_OK) cls_fail(w->mine, "%s", w->my_message);
  w->status = cls_agree(w->world.comm, w->mine);
  if (w->status != CLS_OK) snprintf(w->message, sizeof w->message, "%s", cls_error_message());
  return w->status;
}

cls_status cls_checkpoint_failure(const cls_checkpoint_writer *w) {
  return w->status == CLS_OK ? CLS_OK : cls_fail(w->status, "%s", w->message);
}

/* ---- the file ---- */

static cls_status describe(const cls_checkpoint_writer *w, const cls_checkpoint_about *about) {
  const double time_ms = (double)about->step * about->dt_ms;
  const int32_t members = about->members, ranks = w->world.ranks, format = CLS_CHECKPOINT_FORMAT;
  CLS_TRY(cls_h5_text(w->file, "/", "job", about->job));
  CLS_TRY(cls_h5_text(w->file, "/", "callosum_version", CLS_VERSION));
  CLS_TRY(cls_h5_text(w->file, "/", "backend", about->backend));
  CLS_TRY(cls_h5_attribute(w->file, "/", "checkpoint_format", H5T_NATIVE_INT32, 0, &format));
  CLS_TRY(cls_h5_attribute(w->file, "/", "job_hash", H5T_NATIVE_UINT64, 0, &about->job_hash));
  CLS_TRY(cls_h5_attribute(w->file, "/", "science_hash", H5T_NATIVE_UINT64, 0, &about->science_hash));
  CLS_TRY(cls_h5_attribute(w->file, "/", "seed", H5T_NATIVE_UINT64, 0, &about->seed));
  CLS_TRY(cls_h5_attribute(w->file, "/", "step", H5T_NATIVE_INT64, 0, &about->step));
  CLS_TRY(cls_h5_attribute(w->file, "/", "dt_ms", H5T_NATIVE_DOUBLE, 0, &about->dt_ms));
  CLS_TRY(cls_h5_attribute(w->file, "/", "time_ms", H5T_NATIVE_DOUBLE, 0, &time_ms));
  CLS_TRY(cls_h5_attribute(w->file, "/", "members", H5T_NATIVE_INT32, 0, &members));
  return cls_h5_attribute(w->file, "/", "ranks", H5T_NATIVE_INT32, 0, &ranks);
}

static cls_status note(cls_checkpoint_writer *w, const cls_checkpoint_about *about) {
  cls_manifest *m = &w->manifest;
  const char *slash = strrchr(w->final, '/');
  m->file = cls_format("%s", slash + 1);
  m->version = cls_format("%s", CLS_VERSION);
  m->backend = cls_format("%s", about->backend);
  m->science = cls_format("%s", about->science);
  CLS_CHECK(m->file && m->version && m->backend && m->science, CLS_ERR_MEMORY, "%s: out of memory", w->final);
  m->step = about->step, m->dt_ms = about->dt_ms, m->seed = about->seed, m->members = about->members;
  m->job_hash = about->job_hash, m->science_hash = about->science_hash, m->ranks = w->world.ranks;
  return CLS_OK;
}

/* Rank 0. A checkpoint of this step that is there stays until the new one is committed: it has another name. */
static cls_status create_file(cls_checkpoint_writer *w, const cls_checkpoint_about *about) {
  char *there = cls_checkpoint_file_of(w->directory, about->step);
  const bool plain = !there || strstr(there, ".2.h5");
  free(there);
  w->final = cls_format("%s/checkpoint_%lld%s.h5", w->directory, (long long)about->step, plain ? "" : ".2");
  CLS_CHECK(w->final, CLS_ERR_MEMORY, "out of memory for a path");
  (void)unlink(w->temporary);
  const int fd = open(w->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  CLS_CHECK(fd >= 0, CLS_ERR_IO, "%s: cannot be written: %s", w->temporary, strerror(errno));
  close(fd);
  w->made = true;
  CLS_TRY(cls_h5_image_create(w->temporary, &w->file, &w->image));
  CLS_TRY(describe(w, about));
  return note(w, about);
}

static cls_status keep_array(void *self, const char *name, cls_keep_type type, uint64_t rows, uint32_t width,
                             const char *unit, const cls_piece *pieces, size_t n);
static uint64_t no_rows(void *self, const char *name) {
  (void)self, (void)name;
  return 0;
}

cls_status cls_checkpoint_begin(const cls_world *world, const char *directory,
                                const cls_checkpoint_about *about, cls_checkpoint_writer **writer) {
  cls_checkpoint_writer *w = NULL;
  *writer = NULL;
  cls_status status = cls_alloc(&w, 1, sizeof *w, "checkpoint");
  if (status == CLS_OK) {
    w->world = *world;
    w->file = -1, w->fd = -1;
    w->keeper = (cls_keeper){.self = w, .loading = false, .array = keep_array, .rows = no_rows};
    w->directory = cls_format("%s", directory);
    w->temporary = cls_format("%s/.checkpoint_%lld.h5.tmp", directory, (long long)about->step);
    w->hash = XXH3_createState();
    if (!w->directory || !w->temporary || !w->hash)
      status = cls_fail(CLS_ERR_MEMORY, "out of memory for a checkpoint");
  }
  const size_t ranks = world->rank == 0 ? (size_t)world->ranks : 0;
  if (status == CLS_OK) status = cls_alloc(&w->sums_of, ranks, sizeof *w->sums_of, "checkpoint");
  if (status == CLS_OK) status = cls_alloc(&w->sums_at, ranks, sizeof *w->sums_at, "checkpoint");
  if (status == CLS_OK) status = cls_slabs_create(world, &w->slabs);
  if (status == CLS_OK && world->rank == 0) status = create_file(w, about);
  status = cls_agree(world->comm, status);
  if (status == CLS_OK) {
    w->fd = open(w->temporary, O_WRONLY | O_CLOEXEC);
    if (w->fd < 0) status = cls_fail(CLS_ERR_IO, "%s: cannot be written: %s", w->temporary, strerror(errno));
    status = cls_agree(world->comm, status);
  }
  if (status != CLS_OK) {
    cls_checkpoint_end(w);
    return status;
  }
  *writer = w;
  return CLS_OK;
}

const cls_keeper *cls_checkpoint_keeper(cls_checkpoint_writer *w) { return &w->keeper; }

/* ---- an array ---- */

static hid_t type_of(cls_keep_type type) {
  switch (type) {
  case CLS_KEEP_U8:
    return H5T_NATIVE_UINT8;
  case CLS_KEEP_I32:
    return H5T_NATIVE_INT32;
  case CLS_KEEP_U32:
    return H5T_NATIVE_UINT32;
  case CLS_KEEP_F32:
    return H5T_NATIVE_FLOAT;
  case CLS_KEEP_I64:
    return H5T_NATIVE_INT64;
  case CLS_KEEP_U64:
    return H5T_NATIVE_UINT64;
  default:
    return H5T_NATIVE_DOUBLE;
  }
}

/* Space on the disk, before anything is written to it. File systems that cannot reserve show at the writing what is wrong. */
static cls_status reserve(const cls_checkpoint_writer *w, uint64_t offset, uint64_t bytes, const char *what) {
  int code;
  do code = fallocate(w->fd, 0, (off_t)offset, (off_t)bytes) == 0 ? 0 : errno;
  while (code == EINTR);
  CLS_CHECK(code == 0 || code == EOPNOTSUPP || code == ENOSYS, CLS_ERR_IO,
            "%s: cannot reserve %llu bytes for %s: %s", w->temporary, (unsigned long long)bytes, what,
            strerror(code));
  return CLS_OK;
}

/* Rank 0: a contiguous dataset, whose place in the file is known at once. */
static cls_status create_dataset(cls_checkpoint_writer *w, const cls_kept_array *array, const char *unit,
                                 uint64_t *offset) {
  const hsize_t dims[2] = {array->rows, array->width};
  hid_t space = H5Screate_simple(array->width == 1 ? 1 : 2, dims, NULL);
  hid_t links = H5Pcreate(H5P_LINK_CREATE), properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER);
  hid_t dataset =
      H5Dcreate2(w->file, array->name, type_of(array->type), space, links, properties, H5P_DEFAULT);
  const haddr_t at = dataset >= 0 && array->rows > 0 ? H5Dget_offset(dataset) : 0;
  if (dataset >= 0) H5Dclose(dataset);
  H5Pclose(properties);
  H5Pclose(links);
  H5Sclose(space);
  if (dataset < 0 || at == HADDR_UNDEF) return cls_h5_fail(w->file, array->name);
  *offset = at;
  if (unit) CLS_TRY(cls_h5_text(w->file, array->name, "units", unit));
  return array->bytes > 0 ? reserve(w, at, array->bytes, array->name) : CLS_OK;
}

/* Recorders tell how long their files are; the manifest says it too, to be seen without HDF5. */
static cls_status note_recording(cls_manifest *m, const char *name, cls_keep_type type, uint64_t rows,
                                 const cls_piece *pieces, size_t n) {
  static const char begin[] = "recorder/files/", end[] = "/size";
  const size_t length = strlen(name), most = sizeof begin + sizeof end - 2;
  if (rows != 1 || n != 1 || cls_keep_bytes(type) != 8 || type == CLS_KEEP_F64 || length <= most ||
      strncmp(name, begin, sizeof begin - 1) != 0 || strcmp(name + length - (sizeof end - 1), end) != 0)
    return CLS_OK;
  CLS_TRY(cls_grow(&m->recordings, &m->recording_capacity, m->n_recordings + 1, sizeof *m->recordings,
                   "recordings of a checkpoint"));
  cls_kept_recording *r = &m->recordings[m->n_recordings];
  *r = (cls_kept_recording){cls_format("%.*s", (int)(length - most), name + sizeof begin - 1), 0};
  CLS_CHECK(r->name, CLS_ERR_MEMORY, "out of memory for a checkpoint");
  memcpy(&r->bytes, pieces[0].values, sizeof r->bytes);
  m->n_recordings++;
  return CLS_OK;
}

/* Rank 0: the array in the file and in the manifest, without checksums. */
static cls_status add_array(cls_checkpoint_writer *w, const cls_kept_array *array, const char *unit,
                            const cls_piece *pieces, size_t n) {
  cls_manifest *m = &w->manifest;
  CLS_TRY(cls_grow(&m->arrays, &m->array_capacity, m->n_arrays + 1, sizeof *m->arrays, "arrays"));
  cls_kept_array *added = &m->arrays[m->n_arrays];
  *added = *array;
  added->name = cls_format("%s", array->name);
  m->n_arrays++;
  CLS_CHECK(added->name, CLS_ERR_MEMORY, "out of memory for a checkpoint");
  CLS_TRY(cls_alloc(&added->sums, cls_checkpoint_grains(array->bytes), sizeof *added->sums, "checksums"));
  CLS_TRY(create_dataset(w, array, unit, &added->offset));
  return note_recording(m, array->name, array->type, array->rows, pieces, n);
}

/* This rank's pieces as bytes. */
static cls_status stretch(cls_checkpoint_writer *w, const cls_kept_array *array, const cls_piece *pieces,
                          size_t n) {
  const uint64_t row = (uint64_t)array->width * cls_keep_bytes(array->type);
  uint64_t after = 0;
  CLS_TRY(cls_grow(&w->stretches, &w->stretch_capacity, n, sizeof *w->stretches, "pieces of an array"));
  w->n_stretches = n;
  for (size_t i = 0; i < n; i++) {
    const cls_piece *p = &pieces[i];
    CLS_CHECK(p->n > 0 && p->first >= after && p->n <= array->rows && p->first <= array->rows - p->n,
              CLS_ERR_INTERNAL, "%s: piece %zu is empty, out of order or out of range", array->name, i);
    after = p->first + p->n;
    w->stretches[i] = (cls_stretch){p->first * row, after * row, p->values};
  }
  return CLS_OK;
}

static void end_grain(cls_checkpoint_writer *w) {
  if (w->hashed == 0) return;
  w->sums[w->n_sums++] = XXH3_64bits_digest(w->hash);
  XXH3_64bits_reset(w->hash);
  w->hashed = 0;
}

static cls_status write_bytes(const cls_checkpoint_writer *w, uint64_t offset, uint64_t n, const char *bytes,
                              const char *what) {
  for (uint64_t done = 0; done < n;) {
    const ssize_t wrote = pwrite(w->fd, bytes + done, n - done, (off_t)(offset + done));
    if (wrote < 0 && errno == EINTR) continue;
    CLS_CHECK(wrote > 0, CLS_ERR_IO, "%s: cannot write %llu bytes of %s: %s", w->temporary,
              (unsigned long long)(n - done), what, wrote < 0 ? strerror(errno) : "nothing was written");
    done += (uint64_t)wrote;
  }
  return CLS_OK;
}

/* A part of this rank's slab: its checksums, then the disk. */
static cls_status write_part(void *self, uint64_t begin, uint64_t n, char *bytes) {
  cls_checkpoint_writer *w = self;
  for (uint64_t done = 0; done < n;) {
    const uint64_t left = CLS_CHECKPOINT_GRAIN - w->hashed, now = n - done < left ? n - done : left;
    XXH3_64bits_update(w->hash, bytes + done, now);
    w->hashed += now;
    done += now;
    if (w->hashed == CLS_CHECKPOINT_GRAIN) end_grain(w);
  }
  CLS_TRY(write_bytes(w, w->offset + begin, n, bytes, w->name));
  /* The disk begins now, not when all is written. A wish: the syncing at the end says what went wrong. */
  (void)sync_file_range(w->fd, (off_t)(w->offset + begin), (off_t)n, SYNC_FILE_RANGE_WRITE);
  return CLS_OK;
}

/* Collective: the checksums of all slabs, on rank 0. */
static void gather_sums(cls_checkpoint_writer *w) {
  const int ranks = w->world.rank == 0 ? w->world.ranks : 0;
  uint64_t *all = ranks > 0 ? w->manifest.arrays[w->manifest.n_arrays - 1].sums : NULL;
  for (int r = 0; r < ranks; r++) {
    w->sums_at[r] = (int)cls_checkpoint_grains(cls_slab_begin(w->bytes, ranks, r));
    w->sums_of[r] = (int)cls_checkpoint_grains(cls_slab_begin(w->bytes, ranks, r + 1)) - w->sums_at[r];
  }
  MPI_Gatherv(w->sums, (int)w->n_sums, MPI_UINT64_T, all, w->sums_of, w->sums_at, MPI_UINT64_T, 0,
              w->world.comm);
}

/* Local. What can be said of an array before it is written; on rank 0 its place in the file. */
static cls_status prepare(cls_checkpoint_writer *w, cls_kept_array *array, const char *unit,
                          const cls_piece *pieces, size_t n) {
  const uint64_t mine = cls_slab_begin(array->bytes, w->world.ranks, w->world.rank + 1) -
                        cls_slab_begin(array->bytes, w->world.ranks, w->world.rank);
  CLS_TRY(stretch(w, array, pieces, n));
  CLS_TRY(cls_grow(&w->sums, &w->sum_capacity, cls_checkpoint_grains(mine), sizeof *w->sums, "checksums"));
  return w->world.rank == 0 && w->mine == CLS_OK ? add_array(w, array, unit, pieces, n) : CLS_OK;
}

/* A rank that fails goes on with the others, without writing, until all know: at the next array of more than a MiB, or at the
 * end. */
static cls_status keep_array(void *self, const char *name, cls_keep_type type, uint64_t rows, uint32_t width,
                             const char *unit, const cls_piece *pieces, size_t n) {
  cls_checkpoint_writer *w = self;
  cls_kept_array array = {.name = (char *)name, .type = type, .rows = rows, .width = width};
  CLS_TRY(cls_checkpoint_failure(w));
  if (width == 0 || !cls_keep_name(type) ||
      __builtin_mul_overflow(rows, (uint64_t)width * cls_keep_bytes(type), &array.bytes) ||
      array.bytes > (uint64_t)1 << 52)
    return agree(w, cls_fail(CLS_ERR_LIMIT, "%s: %llu rows of %u numbers are more than a checkpoint holds",
                             name, (unsigned long long)rows, width));
  keep_error(w, prepare(w, &array, unit, pieces, n));
  if (rows == 0) return CLS_OK;

  w->name = name, w->bytes = array.bytes, w->n_sums = 0, w->hashed = 0;
  XXH3_64bits_reset(w->hash);
  const bool large = array.bytes > CLS_CHECKPOINT_GRAIN; /* others write, too */
  if (w->world.rank == 0)
    w->offset = w->mine == CLS_OK ? w->manifest.arrays[w->manifest.n_arrays - 1].offset : UINT64_MAX;
  if (large) MPI_Bcast(&w->offset, 1, MPI_UINT64_T, 0, w->world.comm);
  if (large && w->offset == UINT64_MAX) return agree(w, CLS_OK);
  bool failed;
  cls_status status = cls_slabs_move(w->slabs, array.bytes, w->stretches, w->n_stretches, false, write_part,
                                     w, w->mine, &failed);
  if (status == CLS_ERR_INTERNAL && w->mine == CLS_OK)
    status = cls_error_prefix(status, "%s: %s", w->temporary, name);
  keep_error(w, status);
  if (failed) return agree(w, CLS_OK);
  end_grain(w);
  if (large)
    gather_sums(w);
  else if (w->world.rank == 0 && w->mine == CLS_OK)
    w->manifest.arrays[w->manifest.n_arrays - 1].sums[0] = w->sums[0];
  return CLS_OK;
}

/* ---- the end ---- */

static cls_status sync_file(const cls_checkpoint_writer *w) {
  CLS_CHECK(fsync(w->fd) == 0, CLS_ERR_IO, "%s: cannot be put on the disk: %s", w->temporary,
            strerror(errno));
  return CLS_OK;
}

/* Rank 0: what HDF5 wrote between the arrays goes to the disk, with its checksums. */
static cls_status write_rest(cls_checkpoint_writer *w) {
  enum { PIECE = 1 << 14 };
  char bytes[PIECE];
  for (size_t i = 0; i < w->manifest.n_rest; i++) {
    cls_kept_rest *rest = &w->manifest.rest[i];
    XXH3_64bits_reset(w->hash);
    for (uint64_t done = 0; done < rest->bytes; done += PIECE) {
      const uint64_t now = rest->bytes - done < PIECE ? rest->bytes - done : PIECE;
      cls_h5_image_read(w->image, rest->offset + done, now, bytes);
      XXH3_64bits_update(w->hash, bytes, now);
      CLS_TRY(write_bytes(w, rest->offset + done, now, bytes, "HDF5's own"));
    }
    rest->sum = XXH3_64bits_digest(w->hash);
  }
  return CLS_OK;
}

/* Rank 0. */
static cls_status close_file(cls_checkpoint_writer *w) {
  const herr_t closed = H5Fclose(w->file);
  w->file = -1;
  CLS_CHECK(closed >= 0, CLS_ERR_IO, "%s: HDF5 could not complete it", w->temporary);
  const uint64_t end = cls_h5_image_length(w->image);
  w->manifest.length = end;
  CLS_TRY(reserve(w, 0, end, "all of it"));
  CLS_CHECK(ftruncate(w->fd, (off_t)end) == 0, CLS_ERR_IO, "%s: cannot get a length of %llu bytes: %s",
            w->temporary, (unsigned long long)end, strerror(errno));
  CLS_TRY(cls_manifest_find_rest(&w->manifest));
  CLS_TRY(write_rest(w));
  return sync_file(w);
}

/* Rank 0: writes the manifest under a temporary name, then renames it. */
static cls_status write_manifest(const cls_checkpoint_writer *w) {
  char *text = NULL;
  CLS_TRY(cls_manifest_print(&w->manifest, &text));
  const long long step = w->manifest.step;
  char *temporary = cls_format("%s/.checkpoint_%lld.json.tmp", w->directory, step);
  char *path = cls_format("%s/checkpoint_%lld.json", w->directory, step);
  FILE *file = temporary && path ? fopen(temporary, "w") : NULL;
  const size_t size = strlen(text);
  bool written = file && fwrite(text, 1, size, file) == size && fflush(file) == 0 && fsync(fileno(file)) == 0;
  const int reason = written ? 0 : errno;
  if (file && fclose(file) != 0) written = false;
  cls_status status = CLS_OK;
  if (!written)
    status = cls_fail(CLS_ERR_IO, "%s: cannot write %zu bytes: %s", temporary ? temporary : "manifest", size,
                      strerror(reason));
  if (status == CLS_OK) status = cls_checkpoint_rename(w->directory, temporary, path);
  if (status != CLS_OK && temporary) (void)unlink(temporary);
  free(text);
  free(temporary);
  free(path);
  return status;
}

/* Rank 0. */
static cls_status commit(cls_checkpoint_writer *w) {
  CLS_TRY(close_file(w));
  CLS_TRY(cls_checkpoint_rename(w->directory, w->temporary, w->final));
  w->renamed = true;
  CLS_TRY(write_manifest(w));
  w->made = false;
  return CLS_OK;
}

cls_status cls_checkpoint_commit(cls_checkpoint_writer *w, int keep, uint64_t *bytes) {
  CLS_TRY(cls_checkpoint_failure(w));
  CLS_TRY(agree(w, w->world.rank == 0 ? CLS_OK : sync_file(w))); /* rank 0 has more to write */
  CLS_TRY(agree(w, w->world.rank == 0 ? commit(w) : CLS_OK));
  if (w->world.rank == 0) (void)cls_checkpoint_clean(w->directory, w->manifest.step, keep);
  *bytes = w->manifest.length;
  MPI_Bcast(bytes, 1, MPI_UINT64_T, 0, w->world.comm);
  return CLS_OK;
}

void cls_checkpoint_end(cls_checkpoint_writer *w) {
  if (!w) return;
  if (w->file >= 0) H5Fclose(w->file); /* to memory: it cannot fail */
  cls_h5_image_destroy(w->image);
  if (w->fd >= 0) close(w->fd);
  if (w->made) (void)unlink(w->renamed ? w->final : w->temporary);
  cls_slabs_destroy(w->slabs);
  cls_manifest_free(&w->manifest);
  XXH3_freeState(w->hash);
  free(w->stretches);
  free(w->sums);
  free(w->sums_of);
  free(w->sums_at);
  free(w->directory);
  free(w->temporary);
  free(w->final);
  free(w);
}

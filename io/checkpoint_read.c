/* Reading a checkpoint: verified as a whole, then array by array. */
#include "io/checkpoint.h"
#include "io/checkpoint_folder.h"
#include "io/checkpoint_slabs.h"
#include "io/file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { MANIFEST_BYTES = 1 << 30 };

struct cls_checkpoint_ {
  cls_world world;
  char *directory, *path, *manifest_path;
  int fd; /* of every rank */
  cls_manifest manifest;
  cls_keeper keeper;
  cls_slabs *slabs;
  const cls_kept_array *array; /* the last that was looked for */
  cls_stretch *stretches;
  size_t stretch_capacity;
};

/* ---- its manifest ---- */

/* Collective: the text of rank 0's file on all ranks. */
static cls_status fetch(const cls_world *world, const char *path, char **text, uint64_t *size) {
  size_t bytes = 0;
  cls_status status =
      world->rank == 0 ? cls_file_read(path, "manifest", MANIFEST_BYTES, text, &bytes) : CLS_OK;
  CLS_TRY(cls_agree(world->comm, status));
  *size = bytes;
  MPI_Bcast(size, 1, MPI_UINT64_T, 0, world->comm);
  if (world->rank != 0) status = cls_alloc(text, *size + 1, 1, "manifest");
  CLS_TRY(cls_agree(world->comm, status));
  for (uint64_t done = 0; done < *size; done += 1 << 28) /* MPI counts in an int */
    MPI_Bcast(*text + done, (int)(*size - done < 1 << 28 ? *size - done : 1 << 28), MPI_BYTE, 0, world->comm);
  return CLS_OK;
}

static cls_status read_manifest(cls_checkpoint *c) {
  char *text = NULL;
  uint64_t size = 0;
  cls_status status = fetch(&c->world, c->manifest_path, &text, &size);
  if (status == CLS_OK)
    status = cls_agree(c->world.comm, cls_manifest_parse(text, size, c->manifest_path, &c->manifest));
  free(text);
  CLS_TRY(status);
  const char *slash = strrchr(c->path, '/');
  CLS_CHECK(strcmp(c->manifest.file, slash ? slash + 1 : c->path) == 0, CLS_ERR_INPUT,
            "%s: its manifest %s is that of another file, %s", c->path, c->manifest_path, c->manifest.file);
  return CLS_OK;
}

/* ---- its bytes ---- */

/* All of [offset, offset + n), or CLS_ERR_IO. */
static cls_status read_bytes(const cls_checkpoint *c, uint64_t offset, uint64_t n, char *bytes) {
  for (uint64_t done = 0; done < n;) {
    const ssize_t got = pread(c->fd, bytes + done, n - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR) continue;
    CLS_CHECK(got > 0, CLS_ERR_IO, "%s: cannot be read at byte %llu: %s", c->path,
              (unsigned long long)(offset + done), got < 0 ? strerror(errno) : "it ends there");
    done += (uint64_t)got;
  }
  return CLS_OK;
}

/* Local. Opens the file, which must be as long as the manifest says. */
static cls_status open_file(cls_checkpoint *c) {
  struct stat info;
  c->fd = open(c->path, O_RDONLY | O_CLOEXEC);
  CLS_CHECK(c->fd >= 0, CLS_ERR_INPUT, "%s: cannot be opened: %s", c->path, strerror(errno));
  CLS_CHECK(fstat(c->fd, &info) == 0 && S_ISREG(info.st_mode), CLS_ERR_INPUT, "%s: is no file", c->path);
  CLS_CHECK((uint64_t)info.st_size == c->manifest.length, CLS_ERR_INPUT,
            "%s: has %llu bytes, its manifest says %llu: the file is damaged", c->path,
            (unsigned long long)info.st_size, (unsigned long long)c->manifest.length);
  return CLS_OK;
}

/* Rank 0: recordings go on behind what they were; they may have become longer since. */
static cls_status check_recordings(const cls_checkpoint *c) {
  for (size_t i = 0; i < c->manifest.n_recordings; i++) {
    const cls_kept_recording *r = &c->manifest.recordings[i];
    struct stat info;
    char *path = cls_format("%s/%s", c->directory, r->name);
    CLS_CHECK(path, CLS_ERR_MEMORY, "out of memory for a path");
    const bool there = stat(path, &info) == 0;
    free(path);
    CLS_CHECK(there, CLS_ERR_IO, "%s: recording %s beside it: %s", c->path, r->name, strerror(errno));
    CLS_CHECK((uint64_t)info.st_size >= r->bytes, CLS_ERR_IO,
              "%s: recording %s beside it has %llu bytes, it had %llu", c->path, r->name,
              (unsigned long long)info.st_size, (unsigned long long)r->bytes);
  }
  return CLS_OK;
}

/* Piece number `at` of all that is verified: MiBs of the arrays, then the parts between them. */
static cls_status verify_piece(const cls_checkpoint *c, uint64_t at, char *buffer) {
  const cls_manifest *m = &c->manifest;
  for (size_t i = 0; i < m->n_arrays; i++) {
    const cls_kept_array *array = &m->arrays[i];
    const uint64_t n = cls_checkpoint_grains(array->bytes), begin = at * CLS_CHECKPOINT_GRAIN;
    if (at >= n) {
      at -= n;
      continue;
    }
    const uint64_t bytes =
        array->bytes - begin < CLS_CHECKPOINT_GRAIN ? array->bytes - begin : CLS_CHECKPOINT_GRAIN;
    const cls_status status = read_bytes(c, array->offset + begin, bytes, buffer);
    if (status != CLS_OK) return cls_error_prefix(status, "%s", array->name);
    CLS_CHECK(XXH3_64bits(buffer, bytes) == array->sums[at], CLS_ERR_INPUT,
              "%s: %s: MiB %llu of %llu differs from its checksum: the file is damaged", c->path, array->name,
              (unsigned long long)at + 1, (unsigned long long)n);
    return CLS_OK;
  }
  const cls_kept_rest *rest = &m->rest[at];
  XXH3_state_t *hash = XXH3_createState();
  CLS_CHECK(hash, CLS_ERR_MEMORY, "out of memory for a checksum");
  XXH3_64bits_reset(hash);
  cls_status status = CLS_OK;
  for (uint64_t done = 0; done < rest->bytes && status == CLS_OK; done += CLS_CHECKPOINT_GRAIN) {
    const uint64_t left = rest->bytes - done, now = left < CLS_CHECKPOINT_GRAIN ? left : CLS_CHECKPOINT_GRAIN;
    status = read_bytes(c, rest->offset + done, now, buffer);
    if (status == CLS_OK) XXH3_64bits_update(hash, buffer, now);
  }
  const uint64_t sum = XXH3_64bits_digest(hash);
  XXH3_freeState(hash);
  CLS_TRY(status);
  CLS_CHECK(sum == rest->sum, CLS_ERR_INPUT,
            "%s: HDF5's own bytes %llu to %llu differ from their checksum: the file is damaged", c->path,
            (unsigned long long)rest->offset, (unsigned long long)(rest->offset + rest->bytes - 1));
  return CLS_OK;
}

/* Collective: every rank verifies its share; the first piece that is wrong is told, by all in the same words. */
static cls_status verify(const cls_checkpoint *c) {
  const cls_manifest *m = &c->manifest;
  const uint64_t ranks = (uint64_t)c->world.ranks, rank = (uint64_t)c->world.rank;
  uint64_t pieces = m->n_rest, wrong = UINT64_MAX, mine;
  for (size_t i = 0; i < m->n_arrays; i++) pieces += cls_checkpoint_grains(m->arrays[i].bytes);
  const uint64_t first = pieces / ranks * rank + (pieces % ranks < rank ? pieces % ranks : rank);
  const uint64_t last = first + pieces / ranks + (rank < pieces % ranks ? 1 : 0);
  char *buffer = NULL;
  cls_status status = cls_alloc_unset(&buffer, CLS_CHECKPOINT_GRAIN, 1, "part of a checkpoint");
  if (status != CLS_OK) wrong = first;
  for (uint64_t at = first; at < last && status == CLS_OK; at++) {
    status = verify_piece(c, at, buffer);
    if (status != CLS_OK) wrong = at;
  }
  free(buffer);
  mine = wrong;
  MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_UINT64_T, MPI_MIN, c->world.comm);
  if (wrong == UINT64_MAX) return CLS_OK;
  /* All but the one that found it say nothing of their own. */
  struct {
    int status;
    char text[1024];
  } voice = {CLS_ERR_INPUT, ""};
  int speaker = mine == wrong ? c->world.rank : INT_MAX;
  MPI_Allreduce(MPI_IN_PLACE, &speaker, 1, MPI_INT, MPI_MIN, c->world.comm);
  if (speaker == c->world.rank) {
    voice.status = status;
    snprintf(voice.text, sizeof voice.text, "%s", cls_error_message());
  }
  MPI_Bcast(&voice, (int)sizeof voice, MPI_BYTE, speaker, c->world.comm);
  return cls_fail((cls_status)voice.status, "%s", voice.text);
}

/* ---- arrays ---- */

/* Arrays are mostly asked for in the order they were written in: the search begins at the last. */
static const cls_kept_array *find(const cls_checkpoint *c, const char *name) {
  const cls_manifest *m = &c->manifest;
  const size_t from = c->array ? (size_t)(c->array - m->arrays) : 0;
  for (size_t i = 0; i < m->n_arrays; i++) {
    const cls_kept_array *array = &m->arrays[(from + i) % m->n_arrays];
    if (strcmp(array->name, name) == 0) return array;
  }
  return NULL;
}

static uint64_t count_rows(void *self, const char *name) {
  const cls_kept_array *array = find(self, name);
  return array ? array->rows : 0;
}

static cls_status read_part(void *self, uint64_t begin, uint64_t n, char *bytes) {
  const cls_checkpoint *c = self;
  return read_bytes(c, c->array->offset + begin, n, bytes);
}

static cls_status stretch(cls_checkpoint *c, const cls_kept_array *array, const cls_piece *pieces, size_t n) {
  const uint64_t row = (uint64_t)array->width * cls_keep_bytes(array->type);
  uint64_t after = 0;
  CLS_TRY(cls_grow(&c->stretches, &c->stretch_capacity, n, sizeof *c->stretches, "pieces of an array"));
  for (size_t i = 0; i < n; i++) {
    const cls_piece *p = &pieces[i];
    CLS_CHECK(p->n > 0 && p->first >= after && p->n <= array->rows && p->first <= array->rows - p->n,
              CLS_ERR_INTERNAL, "%s: piece %zu is empty, out of order or out of range", array->name, i);
    after = p->first + p->n;
    c->stretches[i] = (cls_stretch){p->first * row, after * row, p->values};
  }
  return CLS_OK;
}

static cls_status load_array(void *self, const char *name, cls_keep_type type, uint64_t rows, uint32_t width,
                             const char *unit, const cls_piece *pieces, size_t n) {
  cls_checkpoint *c = self;
  const cls_kept_array *array = find(c, name);
  (void)unit;
  if (array) c->array = array;
  CLS_CHECK(array, CLS_ERR_INPUT, "%s: has no array %s: it was written by another version or for another job",
            c->path, name);
  CLS_CHECK(array->type == type && array->rows == rows && array->width == width, CLS_ERR_INPUT,
            "%s: %s has %llu rows of %u %s: expected %llu rows of %u %s", c->path, name,
            (unsigned long long)array->rows, array->width, cls_keep_name(array->type),
            (unsigned long long)rows, width, cls_keep_name(type) ? cls_keep_name(type) : "?");
  /* Room for transfers is made when there is something to transfer: a file that is refused costs none. */
  if (!c->slabs) CLS_TRY(cls_agree(c->world.comm, cls_slabs_create(&c->world, &c->slabs)));
  bool failed = false;
  cls_status status = stretch(c, array, pieces, n);
  if (array->bytes > 0)
    status = cls_slabs_move(c->slabs, array->bytes, c->stretches, status == CLS_OK ? n : 0, true, read_part,
                            c, status, &failed);
  /* A small one is rank 0's alone to read: all know how that went. */
  return failed || array->bytes > CLS_CHECKPOINT_GRAIN ? cls_agree(c->world.comm, status) : status;
}

/* ---- the whole ---- */

static cls_status name_paths(cls_checkpoint *c, const char *path) {
  int64_t step = 0;
  const char *slash = strrchr(path, '/');
  CLS_CHECK(cls_checkpoint_step_of(path, &step), CLS_ERR_INPUT,
            "%s: expected the file of a checkpoint, checkpoint_STEP.h5", path);
  c->path = cls_format("%s", path);
  c->directory = slash == path ? cls_format("/")
                               : cls_format("%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
  if (c->directory) c->manifest_path = cls_format("%s/checkpoint_%lld.json", c->directory, (long long)step);
  CLS_CHECK(c->path && c->directory && c->manifest_path, CLS_ERR_MEMORY, "out of memory for a path");
  return CLS_OK;
}

cls_status cls_checkpoint_open(const cls_world *world, const char *path, cls_checkpoint **checkpoint) {
  cls_checkpoint *c = NULL;
  *checkpoint = NULL;
  cls_status status = cls_alloc(&c, 1, sizeof *c, "checkpoint");
  if (status == CLS_OK) {
    c->world = *world;
    c->fd = -1;
    c->keeper = (cls_keeper){.self = c, .loading = true, .array = load_array, .rows = count_rows};
    status = name_paths(c, path);
  }
  status = cls_agree(world->comm, status);
  if (status == CLS_OK) status = read_manifest(c);
  if (status == CLS_OK) status = cls_agree(world->comm, open_file(c));
  if (status == CLS_OK) status = verify(c);
  if (status != CLS_OK) {
    cls_checkpoint_close(c);
    return status;
  }
  *checkpoint = c;
  return CLS_OK;
}

cls_status cls_checkpoint_check_recordings(const cls_checkpoint *c) {
  return cls_agree(c->world.comm, c->world.rank == 0 ? check_recordings(c) : CLS_OK);
}

const cls_manifest *cls_checkpoint_manifest(const cls_checkpoint *c) { return &c->manifest; }
const cls_keeper *cls_checkpoint_loader(cls_checkpoint *c) { return &c->keeper; }

void cls_checkpoint_close(cls_checkpoint *c) {
  if (!c) return;
  if (c->fd >= 0) close(c->fd);
  cls_slabs_destroy(c->slabs);
  cls_manifest_free(&c->manifest);
  free(c->stretches);
  free(c->directory);
  free(c->path);
  free(c->manifest_path);
  free(c);
}

/* ---- the newest of a folder ---- */

/* Collective: path of the k-th newest on all ranks; "" where there are no more. */
static cls_status nth_path(const cls_world *world, const char *directory, size_t k, char path[PATH_MAX]) {
  cls_status status = CLS_OK;
  memset(path, 0, PATH_MAX);
  if (world->rank == 0) {
    int64_t *steps = NULL;
    size_t n = 0;
    status = cls_checkpoint_list(directory, &steps, &n);
    if (status == CLS_OK && k < n) {
      char *file = cls_checkpoint_file_of(directory, steps[k]);
      if (file) snprintf(path, PATH_MAX, "%s/%s", directory, file);
      /* A manifest that cannot be read: its usual file, the opening says what is wrong. */
      if (!file) snprintf(path, PATH_MAX, "%s/checkpoint_%lld.h5", directory, (long long)steps[k]);
      free(file);
    }
    free(steps);
  }
  CLS_TRY(cls_agree(world->comm, status));
  MPI_Bcast(path, PATH_MAX, MPI_CHAR, 0, world->comm);
  return CLS_OK;
}

cls_status cls_checkpoint_newest(const cls_world *world, const char *directory, cls_checkpoint **checkpoint) {
  char path[PATH_MAX];
  bool lost = false;
  *checkpoint = NULL;
  for (size_t k = 0;; k++) {
    CLS_TRY(nth_path(world, directory, k, path));
    if (!path[0]) break;
    cls_status status = cls_checkpoint_open(world, path, checkpoint);
    if (status == CLS_OK) status = cls_checkpoint_check_recordings(*checkpoint);
    if (status == CLS_OK) return CLS_OK;
    cls_checkpoint_close(*checkpoint);
    *checkpoint = NULL;
    if (status == CLS_ERR_MEMORY || status == CLS_ERR_MPI) return status;
    cls_warn(world, "%s", cls_error_message());
    lost = lost || status == CLS_ERR_IO;
  }
  CLS_CHECK(!lost, CLS_ERR_INPUT,
            "%s: a checkpoint is not damaged, but it or a recording beside it cannot be read as a whole: "
            "expected that it is "
            "put back, or that the checkpoints are removed to begin anew",
            directory);
  return CLS_OK;
}

cls_status cls_checkpoint_forget(const cls_world *world, const char *directory, int64_t step) {
  return cls_agree(world->comm, world->rank == 0 ? cls_checkpoint_clean(directory, step, -1) : CLS_OK);
}

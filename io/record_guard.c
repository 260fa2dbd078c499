#include "io/record_guard.h"
#include "io/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* What an image begins with. Offsets, lengths and bytes follow. */
typedef struct {
  char magic[8];
  uint64_t size, n, n_bytes;
  uint64_t hash; /* of all of it, with 0 here */
} head;
static const char magic[8] = "CLSIMG1";
enum { MOST_BYTES = 1 << 30 };

/* "DIR/.NAME.image" and what it is called while it is written. */
static char *side_path(const char *path, const char *end) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  return cls_format("%.*s.%s.image%s", (int)(name - path), path, name, end);
}

static uint64_t hash_of(const head *h, const cls_image *image) {
  head bare = *h;
  bare.hash = 0;
  uint64_t parts[4] = {XXH3_64bits(&bare, sizeof bare),
                       XXH3_64bits(image->offset, image->n * sizeof *image->offset),
                       XXH3_64bits(image->length, image->n * sizeof *image->length),
                       XXH3_64bits(image->bytes, image->n_bytes)};
  return XXH3_64bits(parts, sizeof parts);
}

/* ---- writing ---- */

static bool write_all(int file, const void *from, size_t bytes) {
  for (const char *at = from; bytes > 0;) {
    const ssize_t put = write(file, at, bytes);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    at += put, bytes -= (size_t)put;
  }
  return true;
}

/* It is there for the next process, not for the next start of the machine: nobody waits for the disk. */
static cls_status write_image(const char *part, const char *to, const cls_image *image) {
  head h = {.size = image->size, .n = image->n, .n_bytes = image->n_bytes};
  memcpy(h.magic, magic, sizeof magic);
  h.hash = hash_of(&h, image);
  const int file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool ok = file >= 0 && write_all(file, &h, sizeof h) &&
            write_all(file, image->offset, image->n * sizeof *image->offset) &&
            write_all(file, image->length, image->n * sizeof *image->length) &&
            write_all(file, image->bytes, image->n_bytes);
  int reason = ok ? 0 : errno;
  if (file >= 0 && close(file) != 0 && ok) reason = errno, ok = false;
  if (ok && rename(part, to) != 0) reason = errno, ok = false;
  if (!ok) unlink(part);
  CLS_CHECK(ok, CLS_ERR_IO, "%s: writing %zu bytes failed: %s", to, sizeof h + image->n_bytes,
            strerror(reason));
  return CLS_OK;
}

cls_status cls_guard_write(const char *path, const cls_image *image) {
  char *part = side_path(path, ".part"), *to = side_path(path, "");
  const cls_status status =
      part && to ? write_image(part, to, image) : cls_fail(CLS_ERR_MEMORY, "out of memory for a path");
  free(part);
  free(to);
  return status;
}

void cls_guard_remove(const char *path) {
  for (int k = 0; k < 2; k++) {
    char *side = side_path(path, k ? "" : ".part");
    if (side) unlink(side);
    free(side);
  }
}

/* ---- one at a time ---- */

cls_status cls_guard_lock(const char *directory, double patience_s, int *lock) {
  int reason = 0;
  *lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CLS_CHECK(*lock >= 0, CLS_ERR_INPUT, "%s: cannot be opened: %s", directory, strerror(errno));
  const double begun = cls_seconds();
  while (flock(*lock, LOCK_EX | LOCK_NB) != 0) {
    reason = errno;
    if (reason != EWOULDBLOCK || cls_seconds() - begun >= patience_s) break;
    reason = 0;
    usleep(20000);
  }
  if (reason == 0) return CLS_OK;
  close(*lock);
  *lock = -1;
  CLS_CHECK(reason != EWOULDBLOCK, CLS_ERR_INPUT, "%s: another run is recording into this folder", directory);
  return CLS_OK;
}

/* ---- repairing ---- */

/* Takes an image apart that was read as `text`, to which it then points. False: it is not whole. */
static bool parse(char *text, size_t size, cls_image *image) {
  head h;
  if (size < sizeof h) return false;
  memcpy(&h, text, sizeof h);
  if (memcmp(h.magic, magic, sizeof magic) != 0 || h.n > size / 16 || h.n_bytes > size) return false;
  if (size != sizeof h + h.n * 2 * sizeof(uint64_t) + h.n_bytes) return false;
  image->size = h.size;
  image->n = h.n;
  image->n_bytes = h.n_bytes;
  image->offset = (uint64_t *)(void *)(text + sizeof h);
  image->length = image->offset + h.n;
  image->bytes = (uint8_t *)(image->length + h.n);
  return hash_of(&h, image) == h.hash;
}

static cls_status repair(const char *path, const char *side, int *n) {
  cls_image image = {0};
  char *text = NULL;
  size_t size = 0;
  cls_status status = cls_file_read(side, "image of a recording", MOST_BYTES, &text, &size);
  if (status == CLS_OK && !parse(text, size, &image))
    status = cls_fail(CLS_ERR_INPUT, "%s: it is damaged", side);
  if (status == CLS_OK) status = cls_image_check(path, &image);
  if (status == CLS_OK) status = cls_image_put_back(path, &image);
  free(text);
  CLS_TRY(status);
  cls_guard_remove(path);
  ++*n;
  return CLS_OK;
}

static cls_status repair_all(const char *directory, DIR *entries, int *n) {
  static const char end[] = ".image";
  for (const struct dirent *e; (e = readdir(entries));) {
    const size_t length = strlen(e->d_name);
    if (e->d_name[0] != '.' || length <= sizeof end || strcmp(e->d_name + length - sizeof end + 1, end) != 0)
      continue;
    char *path = cls_format("%s/%.*s", directory, (int)(length - sizeof end), e->d_name + 1);
    char *side = cls_format("%s/%s", directory, e->d_name);
    const cls_status status =
        path && side ? repair(path, side, n) : cls_fail(CLS_ERR_MEMORY, "out of memory for a path");
    free(path);
    free(side);
    CLS_TRY(status);
  }
  return CLS_OK;
}

cls_status cls_recordings_repair(const char *directory, int *n) {
  int lock = -1;
  *n = 0;
  if (cls_guard_lock(directory, 0, &lock) != CLS_OK) return CLS_OK;
  DIR *entries = opendir(directory);
  const cls_status status = entries ? repair_all(directory, entries, n) : CLS_OK;
  if (entries) closedir(entries);
  if (lock >= 0) close(lock);
  return status;
}

#include "io/checkpoint_folder.h"
#include "io/checkpoint_manifest.h"
#include "io/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANIFEST_BYTES = 1 << 30 };

/* "checkpoint_STEP" and then one of `ends` (NULL-terminated), and nothing else. */
static bool is_named(const char *name, const char *const *ends, int64_t *step) {
  static const char begin[] = "checkpoint_";
  if (strncmp(name, begin, sizeof begin - 1) != 0) return false;
  const char *digits = name + sizeof begin - 1;
  const size_t n = strspn(digits, "0123456789");
  if (n < 1 || n > 18) return false;
  *step = strtoll(digits, NULL, 10);
  for (; *ends; ends++)
    if (strcmp(digits + n, *ends) == 0) return true;
  return false;
}
static const char *const manifests[] = {".json", NULL}, *const files[] = {".h5", ".2.h5", NULL};

bool cls_checkpoint_step_of(const char *path, int64_t *step) {
  const char *slash = strrchr(path, '/');
  return is_named(slash ? slash + 1 : path, files, step);
}

static int newest_first(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x > y ? -1 : x < y;
}

cls_status cls_checkpoint_list(const char *directory, int64_t **steps, size_t *n) {
  size_t capacity = 0;
  cls_status status = CLS_OK;
  *steps = NULL;
  *n = 0;
  DIR *folder = opendir(directory);
  for (struct dirent *entry; folder && status == CLS_OK && (entry = readdir(folder));) {
    int64_t step;
    if (!is_named(entry->d_name, manifests, &step)) continue;
    status = cls_grow(steps, &capacity, *n + 1, sizeof **steps, "checkpoints");
    if (status == CLS_OK) (*steps)[(*n)++] = step;
  }
  if (folder) closedir(folder);
  if (*n > 1) qsort(*steps, *n, sizeof **steps, newest_first);
  return status;
}

char *cls_checkpoint_file_of(const char *directory, int64_t step) {
  char *path = cls_format("%s/checkpoint_%lld.json", directory, (long long)step), *text = NULL, *file = NULL;
  size_t size = 0;
  cls_manifest manifest = {0};
  if (path && cls_file_read(path, "manifest", MANIFEST_BYTES, &text, &size) == CLS_OK &&
      cls_manifest_parse(text, size, path, &manifest) == CLS_OK)
    file = cls_format("%s", manifest.file);
  cls_manifest_free(&manifest);
  free(text);
  free(path);
  return file;
}

static void remove_file(const char *directory, const char *name) {
  char *path = cls_format("%s/%s", directory, name);
  if (path) (void)unlink(path);
  free(path);
}

/* The manifest first: a file without one does not count, a manifest without its file looks like damage. */
static void remove_checkpoint(const char *directory, int64_t step) {
  char *file = cls_checkpoint_file_of(directory, step);
  char *manifest = cls_format("checkpoint_%lld.json", (long long)step);
  if (manifest) remove_file(directory, manifest);
  if (file) remove_file(directory, file);
  free(manifest);
  free(file);
}

/* A temporary file, or that of a checkpoint which no manifest names: its writer was ended before its commit. */
static bool is_stray(const char *directory, const char *name) {
  int64_t step;
  const size_t length = strlen(name);
  if (strncmp(name, ".checkpoint_", 12) == 0) return length > 4 && strcmp(name + length - 4, ".tmp") == 0;
  if (!is_named(name, files, &step)) return false;
  char *named = cls_checkpoint_file_of(directory, step);
  const bool stray = !named || strcmp(named, name) != 0;
  free(named);
  return stray;
}

cls_status cls_checkpoint_clean(const char *directory, int64_t step, int keep) {
  int64_t *steps;
  size_t n;
  int kept = 0;
  cls_status status = cls_checkpoint_list(directory, &steps, &n);
  for (size_t i = 0; i < n && status == CLS_OK; i++)
    if (steps[i] > step || (keep >= 0 && kept >= keep))
      remove_checkpoint(directory, steps[i]);
    else
      kept++;
  free(steps);
  DIR *folder = status == CLS_OK ? opendir(directory) : NULL;
  for (struct dirent *entry; folder && (entry = readdir(folder));)
    if (is_stray(directory, entry->d_name)) remove_file(directory, entry->d_name);
  if (folder) closedir(folder);
  return status;
}

cls_status cls_checkpoint_rename(const char *directory, const char *from, const char *to) {
  CLS_CHECK(rename(from, to) == 0, CLS_ERR_IO, "%s: cannot get its name: %s", to, strerror(errno));
  const int folder = open(directory, O_RDONLY | O_DIRECTORY);
  CLS_CHECK(folder >= 0, CLS_ERR_IO, "%s: %s", directory, strerror(errno));
  /* Some file systems know no syncing of folders: nothing more can be done there. */
  const int failed = fsync(folder) != 0 && errno != EINVAL && errno != ENOTSUP ? errno : 0;
  close(folder);
  CLS_CHECK(!failed, CLS_ERR_IO, "%s: cannot be put on the disk: %s", directory, strerror(failed));
  return CLS_OK;
}

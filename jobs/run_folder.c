/* The folder of a run: its default name, whether it may be written, whether it holds results. */
#include "jobs/run.h"
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *cls_run_default_folder(const char *job) {
  const char *base = strrchr(job, '/') ? strrchr(job, '/') + 1 : job;
  const char *dot = strrchr(base, '.');
  return cls_format("runs/%.*s", (int)(dot && dot > base ? dot - base : (ptrdiff_t)strlen(base)), base);
}

static cls_status make_directories(const char *path) {
  char *part = cls_format("%s", path);
  CLS_CHECK(part, CLS_ERR_MEMORY, "out of memory for a path");
  cls_status status = CLS_OK;
  for (char *c = part + 1; status == CLS_OK; c++) {
    if (*c != '/' && *c != 0) continue;
    char kept = *c;
    *c = 0;
    if (mkdir(part, 0777) != 0 && errno != EEXIST)
      status = cls_fail(CLS_ERR_INPUT, "--out %s: cannot make folder %s: %s", path, part, strerror(errno));
    *c = kept;
    if (kept == 0) break;
  }
  free(part);
  return status;
}

/* Can files be made in `path` or, where it is not there yet, in the nearest folder above it? Tried, because
 * permission bits say little to root and nothing of read-only or full file systems. */
static cls_status check_writable(const char *path) {
  CLS_CHECK(path[0], CLS_ERR_INPUT, "--out: expected the name of a folder");
  char *folder = cls_format("%s", path), *probe = NULL;
  CLS_CHECK(folder, CLS_ERR_MEMORY, "out of memory for a path");
  struct stat info;
  while (stat(folder, &info) != 0) {
    char *slash = strrchr(folder, '/');
    if (slash && slash > folder)
      *slash = 0;
    else
      memcpy(folder, slash ? "/" : ".", 2); /* a name has at least one letter: there is room */
  }
  cls_status status = CLS_OK;
  if (!S_ISDIR(info.st_mode)) {
    status = cls_fail(CLS_ERR_INPUT, "--out %s: %s is not a folder", path, folder);
  } else if ((probe = cls_format("%s/.callosum-XXXXXX", folder))) {
    int file = mkstemp(probe);
    if (file < 0)
      status =
          cls_fail(CLS_ERR_INPUT, "--out %s: folder %s is not writable: %s", path, folder, strerror(errno));
    else
      close(file), unlink(probe);
  }
  free(probe);
  free(folder);
  return status;
}

/* What a run leaves in its folder. */
static bool is_result(const char *name) {
  static const char *const results[] = {"summary.json", "spikes.h5",    "rates.h5",          "bold.h5",
                                        "currents.h5",  "lfp.h5",       "neurons.h5",        "spectra.h5",
                                        "trace_*.h5",   "weights_*.h5", "checkpoint_*.json", "sweep.h5"};
  for (size_t i = 0; i < sizeof results / sizeof *results; i++)
    if (fnmatch(results[i], name, 0) == 0) return true;
  return false;
}

/* The name of a result that folder `path` holds, as readdir found it; "" where there is none or no folder. */
static void find_result(const char *path, char *found, size_t size) {
  DIR *folder = opendir(path);
  *found = 0;
  for (struct dirent *entry; folder && !*found && (entry = readdir(folder));)
    if (is_result(entry->d_name)) snprintf(found, size, "%s", entry->d_name);
  if (folder) closedir(folder);
}

void cls_run_clear_folder(const char *path, bool all) {
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    const bool summary = strcmp(entry->d_name, "summary.json") == 0;
    if (all ? !is_result(entry->d_name) : !summary) continue;
    char *name = cls_format("%s/%s", path, entry->d_name);
    if (name) (void)unlink(name);
    free(name);
  }
  if (folder) closedir(folder);
}

/* Rank 0 looks, all ranks hear. A folder that holds results is refused. */
cls_status cls_run_check_folder(const cls_world *world, const char *path) {
  char found[256] = "";
  cls_status status = CLS_OK;
  if (world->rank == 0) find_result(path, found, sizeof found);
  if (*found)
    status =
        cls_fail(CLS_ERR_INPUT,
                 "--out %s: holds results already (%s): expected a new folder, or --restart auto to go on",
                 path, found);
  if (world->rank == 0 && status == CLS_OK) status = check_writable(path);
  return cls_agree(world->comm, status);
}

cls_status cls_run_check_writable(const cls_world *world, const char *path) {
  return cls_agree(world->comm, world->rank == 0 ? check_writable(path) : CLS_OK);
}

cls_status cls_run_make_folder(const cls_world *world, const char *path) {
  return cls_agree(world->comm, world->rank == 0 ? make_directories(path) : CLS_OK);
}

/* One program for all targets: `callosum_fuzz --target=NAME` chooses. The driver is libFuzzer's, or replay.c. */
#include "fuzz.h"
#include <dirent.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

cls_world fuzz_world;

static const fuzz_target *const targets[] = {&fuzz_job,  &fuzz_connectome, &fuzz_regions,   &fuzz_tables,
                                             &fuzz_hdf5, &fuzz_sonata,     &fuzz_checkpoint};
static const fuzz_target *target;
static char folder[64];
static bool aloud; /* CALLOSUM_FUZZ_ALOUD is set: says how every input ends */

/* ---- verdicts ---- */

void fuzz_require(bool condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "fuzz: %s\n", what);
  abort();
}

bool fuzz_settled(cls_status status) {
  const char *message = cls_error_message();
  if (aloud) fprintf(stderr, "fuzz: %s\n", status == CLS_OK ? "read" : message);
  if (status == CLS_OK) return true;
  const bool expected = status == CLS_ERR_INPUT || status == CLS_ERR_LIMIT || status == CLS_ERR_MEMORY;
  if (!expected) fprintf(stderr, "fuzz: status %d: %s\n", (int)status, message);
  fuzz_require(expected, "refused with another status than that of bad input");
  fuzz_require(*message, "refused without a message");
  return false;
}

/* ---- files ---- */

const char *fuzz_path(const char *name) {
  enum { ROOM = 400, PATHS = 4 };
  static char path[PATHS][ROOM];
  static int next;
  next = (next + 1) % PATHS;
  snprintf(path[next], ROOM, "%s/%s", folder, name);
  return path[next];
}

const char *fuzz_write(const char *name, const void *data, size_t size) {
  const char *path = fuzz_path(name);
  FILE *file = fopen(path, "wb");
  fuzz_require(file, "no file can be made in the folder of the target");
  fuzz_require(size == 0 || fwrite(data, 1, size, file) == size, "a file cannot be written");
  fuzz_require(fclose(file) == 0, "a file cannot be written");
  return path;
}

const char *fuzz_write_text(const char *name, const char *text) {
  return fuzz_write(name, text, strlen(text));
}

void fuzz_split(const uint8_t *data, size_t size, fuzz_part *parts, int most) {
  static const char mark[] = "====\n";
  const size_t length = sizeof mark - 1;
  const char *at = (const char *)data, *end = at + size;
  for (int i = 0; i < most; i++) {
    const char *stop = at;
    for (; stop < end; stop++) {
      const bool begins_line = stop == at || stop[-1] == '\n';
      if (begins_line && (size_t)(end - stop) >= length && memcmp(stop, mark, length) == 0) break;
    }
    parts[i] = (fuzz_part){at, (size_t)(stop - at)};
    at = stop < end ? stop + length : end;
  }
}

char *fuzz_string(const fuzz_part *part) {
  char *text = malloc(part->size + 1);
  fuzz_require(text, "out of memory");
  if (part->size) memcpy(text, part->text, part->size);
  text[part->size] = 0;
  return text;
}

const char *fuzz_line(const char *at, const char *end, char *line, size_t room) {
  if (!at || at >= end) return NULL;
  const char *stop = memchr(at, '\n', (size_t)(end - at));
  const size_t length = (size_t)((stop ? stop : end) - at), kept = length < room ? length : room - 1;
  memcpy(line, at, kept);
  line[kept] = 0;
  return stop ? stop + 1 : end;
}

/* ---- the process ---- */

static void make_folder(void) {
  const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir;
  snprintf(folder, sizeof folder, "%.32s/callosum_fuzz_XXXXXX", root);
  fuzz_require(mkdtemp(folder), "no folder for files can be made");
}

static void drop_folder(void) {
  DIR *list = opendir(folder);
  for (struct dirent *entry; list && (entry = readdir(list));)
    if (entry->d_name[0] != '.') unlink(fuzz_path(entry->d_name));
  if (list) closedir(list);
  rmdir(folder);
}

static void end(void) {
  drop_folder();
  MPI_Finalize();
}

/* Of LeakSanitizer, where there is one: what libraries keep from their start until the end is none of ours. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

/* A world without a daemon beside it: a process that ends in a finding leaves nothing behind. */
static void make_world(void) {
  int ready = 0;
  MPI_Initialized(&ready);
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
  setenv("OMPI_MCA_btl", "self", 0);
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
  setenv("HWLOC_HIDE_ERRORS", "2", 0);
  if (!ready) MPI_Init(NULL, NULL);
  fuzz_require(cls_world_init(&fuzz_world, MPI_COMM_WORLD, 1, 0) == CLS_OK, "no MPI");
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static const char option[] = "--target=";
  for (int i = 1; i < *argc; i++) {
    if (strncmp((*argv)[i], option, sizeof option - 1) != 0) continue;
    for (size_t k = 0; k < sizeof targets / sizeof *targets; k++)
      if (strcmp((*argv)[i] + sizeof option - 1, targets[k]->name) == 0) target = targets[k];
  }
  fuzz_require(target,
               "expected --target=NAME, of: job, connectome, regions, tables, hdf5, sonata, checkpoint");
  aloud = getenv("CALLOSUM_FUZZ_ALOUD") != NULL;
  make_folder();
  if (__lsan_disable) __lsan_disable();
  make_world();
  if (__lsan_enable) __lsan_enable();
  atexit(end);
  if (target->start) target->start();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  target->run(data, size);
  return 0;
}

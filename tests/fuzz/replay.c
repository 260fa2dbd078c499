/* A driver for compilers without libFuzzer: runs files, or all files of folders, once each.
 * callosum_replay --target=NAME PATH... */
#include "base/base.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return 0;
  size_t size = 0, room = 1 << 20;
  uint8_t *data = malloc(room);
  if (data) size = fread(data, 1, room, file);
  fclose(file);
  uint8_t *exact = data ? realloc(data, size ? size : 1) : NULL; /* so that reading beyond it is seen */
  if (exact) LLVMFuzzerTestOneInput(exact, size);
  free(exact);
  return exact != NULL;
}

static int run_folder(const char *path) {
  DIR *list = opendir(path);
  int n = 0;
  for (struct dirent *entry; list && (entry = readdir(list));) {
    char *inner = entry->d_name[0] == '.' ? NULL : cls_format("%s/%s", path, entry->d_name);
    if (inner) n += run_file(inner);
    free(inner);
  }
  if (list) closedir(list);
  return n;
}

int main(int argc, char **argv) {
  struct stat kind;
  int n = 0;
  LLVMFuzzerInitialize(&argc, &argv);
  for (int i = 1; i < argc; i++)
    if (argv[i][0] != '-' && stat(argv[i], &kind) == 0)
      n += S_ISDIR(kind.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
  printf("%d inputs\n", n);
  return n > 0 ? 0 : 1;
}

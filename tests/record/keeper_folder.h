/* A keeper for tests: every array is a file of a folder, beside one that says what it is. */
#ifndef CALLOSUM_TESTS_KEEPER_FOLDER_H
#define CALLOSUM_TESTS_KEEPER_FOLDER_H

#include "engine/keeper.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  MPI_Comm comm;
  int rank;
  const char *folder;
  cls_keeper keeper;
} folder_keeper;

static inline void folder_path(const folder_keeper *f, const char *name, const char *end, char *path,
                               size_t size) {
  snprintf(path, size, "%s/%s%s", f->folder, name, end);
  for (char *c = path + strlen(f->folder) + 1; *c; c++)
    if (*c == '/') *c = ':';
}

static inline bool folder_about(const folder_keeper *f, const char *name, uint64_t *type, uint64_t *rows,
                                uint64_t *width) {
  char path[512];
  unsigned long long t, r, w;
  folder_path(f, name, ".about", path, sizeof path);
  FILE *file = fopen(path, "r");
  if (!file) return false;
  const bool whole = fscanf(file, "%llu %llu %llu", &t, &r, &w) == 3;
  fclose(file);
  *type = t, *rows = r, *width = w;
  return whole;
}

static inline cls_status folder_move(const folder_keeper *f, const char *name, size_t row,
                                     const cls_piece *pieces, size_t n) {
  char path[512];
  folder_path(f, name, "", path, sizeof path);
  const int file = open(path, f->keeper.loading ? O_RDONLY : O_WRONLY | O_CREAT, 0666);
  if (file < 0) return cls_fail(CLS_ERR_IO, "%s: cannot be opened", path);
  cls_status status = CLS_OK;
  for (size_t i = 0; i < n && status == CLS_OK; i++) {
    const size_t bytes = pieces[i].n * row;
    const off_t at = (off_t)(pieces[i].first * row);
    const ssize_t done = f->keeper.loading ? pread(file, pieces[i].values, bytes, at)
                                           : pwrite(file, pieces[i].values, bytes, at);
    if (pieces[i].n == 0 || done != (ssize_t)bytes) status = cls_fail(CLS_ERR_IO, "%s: piece %zu", path, i);
    if (i > 0 && pieces[i].first < pieces[i - 1].first + pieces[i - 1].n)
      status = cls_fail(CLS_ERR_INTERNAL, "%s: pieces do not ascend", path);
  }
  close(file);
  return status;
}

static inline cls_status folder_array(void *self, const char *name, cls_keep_type type, uint64_t rows,
                                      uint32_t width, const char *unit, const cls_piece *pieces, size_t n) {
  const folder_keeper *f = self;
  cls_status status = CLS_OK;
  uint64_t all = 0, mine = 0;
  (void)unit;
  for (size_t i = 0; i < n; i++) mine += pieces[i].n;
  MPI_Allreduce(&mine, &all, 1, MPI_UINT64_T, MPI_SUM, f->comm);
  if (f->keeper.loading) {
    uint64_t t, r, w;
    if (!folder_about(f, name, &t, &r, &w) || t != (uint64_t)type || r != rows || w != width)
      status = cls_fail(CLS_ERR_INPUT, "%s: not as it was kept", name);
  } else {
    if (all != rows)
      status = cls_fail(CLS_ERR_INTERNAL, "%s: %llu of %llu rows", name, (unsigned long long)all,
                        (unsigned long long)rows);
    char path[512];
    folder_path(f, name, ".about", path, sizeof path);
    FILE *file = f->rank == 0 ? fopen(path, "w") : NULL;
    if (file) {
      fprintf(file, "%d %llu %u\n", (int)type, (unsigned long long)rows, width);
      fclose(file);
    }
  }
  if (status == CLS_OK && n > 0) status = folder_move(f, name, width * cls_keep_bytes(type), pieces, n);
  return cls_agree(f->comm, status);
}

static inline uint64_t folder_rows(void *self, const char *name) {
  uint64_t type, rows, width;
  return folder_about(self, name, &type, &rows, &width) ? rows : 0;
}

static inline void folder_keeper_create(folder_keeper *f, MPI_Comm comm, const char *folder, bool loading) {
  *f = (folder_keeper){.comm = comm, .folder = folder};
  MPI_Comm_rank(comm, &f->rank);
  f->keeper = (cls_keeper){f, loading, folder_array, folder_rows};
}

#endif

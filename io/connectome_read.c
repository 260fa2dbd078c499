/* Connectomes by content: which reader a file needs, and what all readers share. */
#include "io/connectome_files.h"
#include "io/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char zip_magic[] = {'P', 'K'};
static const unsigned char hdf5_magic[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

const char *cls_path_base(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static cls_status read_magic(const char *path, unsigned char magic[8]) {
  FILE *file = fopen(path, "rb");
  CLS_CHECK(file, CLS_ERR_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
  errno = 0;
  size_t n = fread(magic, 1, 8, file);
  int error = ferror(file) ? errno : 0;
  fclose(file);
  CLS_CHECK(!error, CLS_ERR_INPUT, "%s: cannot be read: %s", path, strerror(error));
  CLS_CHECK(n == 8, CLS_ERR_INPUT,
            "%s: %zu bytes long, expected a connectome: a zip of The Virtual Brain or our HDF5 layout", path,
            n);
  return CLS_OK;
}

cls_status cls_connectome_read(const char *path, cls_connectome **connectome) {
  *connectome = NULL;
  unsigned char magic[8];
  CLS_TRY(read_magic(path, magic));
  cls_connectome *c = NULL;
  if (memcmp(magic, zip_magic, sizeof zip_magic) == 0)
    CLS_TRY(cls_connectome_read_tvb(path, &c));
  else if (memcmp(magic, hdf5_magic, sizeof hdf5_magic) == 0)
    CLS_TRY(cls_connectome_read_hdf5(path, &c));
  else
    return cls_fail(CLS_ERR_INPUT,
                    "%s: begins with the bytes %02x %02x %02x %02x, expected a connectome: a zip of The "
                    "Virtual Brain or our HDF5 layout",
                    path, magic[0], magic[1], magic[2], magic[3]);
  cls_status status = cls_connectome_check(c);
  if (status != CLS_OK) {
    cls_connectome_destroy(c);
    return cls_error_prefix(status, "%s", path);
  }
  *connectome = c;
  return CLS_OK;
}

/* ---- unique names ---- */

typedef struct {
  const char *name;
  uint32_t index;
} ranked_name;

/* By name, then by place. */
static int compare_ranked(const void *a, const void *b) {
  const ranked_name *x = a, *y = b;
  int order = strcmp(x->name, y->name);
  return order ? order : (x->index > y->index) - (x->index < y->index);
}

static int compare_name(const void *a, const void *b) {
  return strcmp(((const ranked_name *)a)->name, ((const ranked_name *)b)->name);
}

/* Two names made here cannot be equal: what stands before the last "_number" is the name as read, and its
 * numbers ascend. So only the names as read have to be looked at. */
static cls_status number_repeats(const ranked_name *sorted, uint32_t n, char **fresh, uint32_t *renamed) {
  unsigned long number = 1;
  for (uint32_t i = 1; i < n; i++) {
    if (strcmp(sorted[i].name, sorted[i - 1].name) != 0) {
      number = 1;
      continue;
    }
    char *candidate = NULL;
    do {
      free(candidate);
      candidate = cls_format("%s_%lu", sorted[i].name, ++number);
      CLS_CHECK(candidate, CLS_ERR_MEMORY, "out of memory for region names");
    } while (bsearch(&(ranked_name){candidate, 0}, sorted, n, sizeof *sorted, compare_name));
    fresh[sorted[i].index] = candidate;
    ++*renamed;
  }
  return CLS_OK;
}

cls_status cls_names_make_unique(char **names, uint32_t n, uint32_t *renamed) {
  *renamed = 0;
  ranked_name *sorted = NULL;
  char **fresh = NULL; /* [n]: a new name, or NULL where the old one stays */
  cls_status status = cls_alloc(&sorted, n, sizeof *sorted, "sorted region names");
  if (status == CLS_OK) status = cls_alloc(&fresh, n, sizeof *fresh, "new region names");
  if (status == CLS_OK) {
    for (uint32_t i = 0; i < n; i++) sorted[i] = (ranked_name){names[i], i};
    qsort(sorted, n, sizeof *sorted, compare_ranked);
    status = number_repeats(sorted, n, fresh, renamed);
  }
  for (uint32_t i = 0; fresh && i < n; i++) {
    if (!fresh[i]) continue;
    if (status != CLS_OK) {
      free(fresh[i]);
    } else {
      free(names[i]);
      names[i] = fresh[i];
    }
  }
  free(sorted);
  free(fresh);
  return status;
}

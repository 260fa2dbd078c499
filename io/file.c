#include "io/file.h"
#include <errno.h>
#include <string.h>

static cls_status open_file(const char *path, FILE **file) {
  *file = fopen(path, "rb");
  CLS_CHECK(*file, CLS_ERR_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
  return CLS_OK;
}

static cls_status read_all(FILE *file, const char *path, const char *what, size_t most, char **text,
                           size_t *size) {
  enum { PIECE = 65536 };
  size_t capacity = 0;
  for (*size = 0;;) {
    CLS_TRY(cls_grow(text, &capacity, *size + PIECE + 1, 1, what));
    const size_t got = fread(*text + *size, 1, PIECE, file);
    *size += got;
    CLS_CHECK(!ferror(file), CLS_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    CLS_CHECK(*size <= most, CLS_ERR_INPUT, "%s: %s of more than %zu bytes", path, what, most);
    (*text)[*size] = 0;
    if (got == 0) return CLS_OK;
  }
}

cls_status cls_file_read(const char *path, const char *what, size_t most, char **text, size_t *size) {
  FILE *file;
  CLS_TRY(open_file(path, &file));
  cls_status status = read_all(file, path, what, most, text, size);
  fclose(file);
  return status;
}

cls_status cls_file_head(const char *path, void *head, size_t room, size_t *n) {
  FILE *file;
  CLS_TRY(open_file(path, &file));
  errno = 0;
  *n = fread(head, 1, room, file);
  const int error = ferror(file) ? errno : 0;
  fclose(file);
  CLS_CHECK(!error, CLS_ERR_INPUT, "%s: cannot be read: %s", path, strerror(error));
  return CLS_OK;
}

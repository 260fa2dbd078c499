/* Text members of a zip, line by line: libzip gives bytes, libbz2 unpacks .bz2 members, both through small
 * buffers, so that a large matrix is never held as text. */
#include "io/connectome_files.h"

#include <bzlib.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum { CHUNK = 65536 };
static const size_t longest_line = (size_t)1 << 30;

struct cls_zip_text_ {
  const char *path, *name; /* of the zip and of the member; the caller's */
  zip_file_t *file;
  bool packed;      /* a .bz2 member */
  bool packed_open; /* the decompressor holds memory */
  bool ended;       /* no bytes after those in `out` */
  bz_stream bz;
  char in[CHUNK];  /* packed bytes */
  char out[CHUNK]; /* text */
  size_t at, n;    /* next byte and number of bytes in `out` */
  char *line;
  size_t capacity;
  uint64_t number;
};

static cls_status fail_bz2(const cls_zip_text *t, int code) {
  return cls_fail(CLS_ERR_INPUT, "%s: member %s: not a whole bzip2 stream (libbz2 error %d)", t->path,
                  t->name, code);
}

static cls_status start_bz2(cls_zip_text *t) {
  int code = BZ2_bzDecompressInit(&t->bz, 0, 0);
  CLS_CHECK(code == BZ_OK, CLS_ERR_MEMORY, "%s: member %s: no memory to unpack it (libbz2 error %d)", t->path,
            t->name, code);
  t->packed_open = true;
  return CLS_OK;
}

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

cls_status cls_zip_text_open(struct zip *archive, const char *path, uint64_t index, const char *name,
                             cls_zip_text **text) {
  *text = NULL;
  cls_zip_text *t = NULL;
  CLS_TRY(cls_alloc(&t, 1, sizeof *t, "zip member"));
  t->path = path;
  t->name = name;
  t->packed = ends_with(name, ".bz2");
  t->file = zip_fopen_index(archive, index, 0);
  cls_status status = t->file ? CLS_OK
                              : cls_fail(CLS_ERR_INPUT, "%s: member %s: cannot be opened: %s", path, name,
                                         zip_strerror(archive));
  if (status == CLS_OK && t->packed) status = start_bz2(t);
  if (status != CLS_OK) {
    cls_zip_text_close(t);
    return status;
  }
  *text = t;
  return CLS_OK;
}

void cls_zip_text_close(cls_zip_text *t) {
  if (!t) return;
  if (t->packed_open) BZ2_bzDecompressEnd(&t->bz);
  if (t->file) zip_fclose(t->file);
  free(t->line);
  free(t);
}

/* Up to CHUNK bytes of the member as it lies in the zip; 0 at its end, where libzip has compared its
 * checksum. */
static cls_status read_bytes(cls_zip_text *t, char *buffer, size_t *n) {
  zip_int64_t got = zip_fread(t->file, buffer, CHUNK);
  CLS_CHECK(got >= 0, CLS_ERR_INPUT, "%s: member %s: damaged or cut off: %s", t->path, t->name,
            zip_file_strerror(t->file));
  *n = (size_t)got;
  return CLS_OK;
}

/* Refills `out` from a .bz2 member, which may hold several streams one after the other. */
static cls_status unpack(cls_zip_text *t) {
  t->bz.next_out = t->out;
  t->bz.avail_out = CHUNK;
  while (t->bz.avail_out == CHUNK) {
    if (t->bz.avail_in == 0) {
      size_t n = 0;
      CLS_TRY(read_bytes(t, t->in, &n));
      if (n == 0) { /* the end: good only between two streams */
        if (t->packed_open) return fail_bz2(t, BZ_UNEXPECTED_EOF);
        break;
      }
      t->bz.next_in = t->in;
      t->bz.avail_in = (unsigned)n;
    }
    if (!t->packed_open) CLS_TRY(start_bz2(t));
    int code = BZ2_bzDecompress(&t->bz);
    if (code != BZ_OK && code != BZ_STREAM_END) return fail_bz2(t, code);
    if (code == BZ_STREAM_END) {
      BZ2_bzDecompressEnd(&t->bz);
      t->packed_open = false;
    }
  }
  t->n = CHUNK - t->bz.avail_out;
  return CLS_OK;
}

static cls_status refill(cls_zip_text *t) {
  t->at = t->n = 0;
  if (t->packed)
    CLS_TRY(unpack(t));
  else
    CLS_TRY(read_bytes(t, t->out, &t->n));
  t->ended = t->n == 0;
  return CLS_OK;
}

/* One line as it stands, into t->line; *got is false at the end. */
static cls_status read_line(cls_zip_text *t, size_t *length, bool *got) {
  size_t n = 0;
  bool complete = false;
  *got = false;
  while (!complete) {
    if (t->at == t->n && !t->ended) CLS_TRY(refill(t));
    if (t->ended) break;
    *got = true;
    const char *from = t->out + t->at, *end = memchr(from, '\n', t->n - t->at);
    size_t piece = end ? (size_t)(end - from) : t->n - t->at;
    complete = end != NULL;
    CLS_CHECK(n + piece < longest_line, CLS_ERR_INPUT, "%s: member %s: line %llu is longer than %zu bytes",
              t->path, t->name, (unsigned long long)t->number + 1, longest_line);
    CLS_TRY(cls_grow(&t->line, &t->capacity, n + piece + 1, 1, "line of a zip member"));
    memcpy(t->line + n, from, piece);
    n += piece;
    t->at += piece + (complete ? 1 : 0);
  }
  if (*got) {
    t->line[n] = 0;
    t->number++;
  }
  *length = n;
  return CLS_OK;
}

cls_status cls_zip_text_line(cls_zip_text *t, char **line) {
  *line = NULL;
  for (;;) {
    size_t length = 0;
    bool got = false;
    CLS_TRY(read_line(t, &length, &got));
    if (!got) return CLS_OK;
    CLS_CHECK(strlen(t->line) == length, CLS_ERR_INPUT,
              "%s: member %s: line %llu holds a zero byte, expected text", t->path, t->name,
              (unsigned long long)t->number);
    char *start = t->line;
    if (t->number == 1 && strncmp(start, "\xef\xbb\xbf", 3) == 0) start += 3; /* UTF-8 byte order mark */
    start += strspn(start, " \t\r\v\f");
    if (!*start || *start == '#') continue;
    *line = start;
    return CLS_OK;
  }
}

uint64_t cls_zip_text_number(const cls_zip_text *t) { return t->number; }

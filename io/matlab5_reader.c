#include "io/matlab5_reader.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { HEADER_BYTES = 128, PIECE = 65536 };

struct cls_matlab5_ {
  const char *path;
  FILE *file;
  bool swapped;      /* the file's byte order is not ours */
  bool packed;       /* the variable one is at */
  uint64_t size;     /* of the file */
  uint64_t at, next; /* where the variable begins, and the one after it */
  uint64_t stored;   /* bytes of the variable in the file that are not read yet */
  uint64_t left;     /* bytes of it, unpacked, that are not read yet */
  z_stream z;
  unsigned char in[PIECE];
};

cls_status cls_matlab5_damaged(const cls_matlab5 *f, const char *how) {
  return cls_fail(CLS_ERR_INPUT, "%s: damaged or cut-off MATLAB file: the variable at byte %llu %s", f->path,
                  (unsigned long long)f->at, how);
}

/* ---- bytes of a variable ---- */

static cls_status read_stored(cls_matlab5 *f, void *bytes, size_t n) {
  if (n > f->stored || fread(bytes, 1, n, f->file) != n) return cls_matlab5_damaged(f, "ends early");
  f->stored -= n;
  return CLS_OK;
}

/* Unpacks up to n bytes; *got is less only where the stream ends. */
static cls_status unpack(cls_matlab5 *f, void *bytes, size_t n, size_t *got, bool *ended) {
  f->z.next_out = bytes;
  f->z.avail_out = (uInt)n;
  for (*ended = false; f->z.avail_out > 0 && !*ended;) {
    if (f->z.avail_in == 0) {
      const size_t want = f->stored < PIECE ? (size_t)f->stored : PIECE;
      if (want > 0) CLS_TRY(read_stored(f, f->in, want));
      f->z.next_in = f->in;
      f->z.avail_in = (uInt)want;
    }
    const int code = inflate(&f->z, Z_NO_FLUSH);
    if (code == Z_BUF_ERROR) return cls_matlab5_damaged(f, "ends early");
    if (code != Z_OK && code != Z_STREAM_END) return cls_matlab5_damaged(f, "does not unpack");
    *ended = code == Z_STREAM_END;
  }
  *got = n - f->z.avail_out;
  return CLS_OK;
}

static cls_status read_bytes(cls_matlab5 *f, void *bytes, size_t n) {
  size_t got;
  bool ended;
  if (n == 0) return CLS_OK;
  if (!f->packed) return read_stored(f, bytes, n);
  CLS_TRY(unpack(f, bytes, n, &got, &ended));
  return got == n ? CLS_OK : cls_matlab5_damaged(f, "ends early");
}

static cls_status skip_bytes(cls_matlab5 *f, uint64_t n) {
  unsigned char out[4096];
  while (n > 0) {
    const size_t some = n < sizeof out ? (size_t)n : sizeof out;
    CLS_TRY(read_bytes(f, out, some));
    n -= some;
  }
  return CLS_OK;
}

static cls_status read_words(cls_matlab5 *f, uint32_t *words, int n) {
  CLS_TRY(read_bytes(f, words, (size_t)n * sizeof *words));
  for (int i = 0; i < n && f->swapped; i++) words[i] = __builtin_bswap32(words[i]);
  return CLS_OK;
}

/* ---- variables ---- */

static void stop_unpacking(cls_matlab5 *f) {
  if (f->packed) inflateEnd(&f->z);
  f->packed = false;
}

/* Begins the variable at f->at. Elements that are no variable have nothing in them. */
static cls_status begin(cls_matlab5 *f) {
  uint32_t tag[2];
  stop_unpacking(f);
  f->stored = f->size - f->at;
  f->left = 0;
  if (fseeko(f->file, (off_t)f->at, SEEK_SET) != 0) return cls_matlab5_damaged(f, "cannot be reached");
  CLS_TRY(read_words(f, tag, 2));
  if (tag[1] > f->stored) return cls_matlab5_damaged(f, "is cut off");
  f->stored = tag[1];
  f->next = f->at + sizeof tag + tag[1];
  if (tag[0] == CLS_MI_COMPRESSED) {
    f->z = (z_stream){0};
    CLS_CHECK(inflateInit(&f->z) == Z_OK, CLS_ERR_MEMORY, "%s: no memory to unpack it", f->path);
    f->packed = true;
    CLS_TRY(read_words(f, tag, 2));
  }
  if (tag[0] == CLS_MI_MATRIX) f->left = tag[1];
  return CLS_OK;
}

cls_status cls_matlab5_next(cls_matlab5 *f, bool *got) {
  *got = f->next < f->size;
  f->at = f->next;
  return *got ? begin(f) : CLS_OK;
}

cls_status cls_matlab5_seek(cls_matlab5 *f, uint64_t at) {
  f->at = at;
  return begin(f);
}

bool cls_matlab5_has_variable(const cls_matlab5 *f) { return f->left > 0; }

uint64_t cls_matlab5_place(const cls_matlab5 *f) { return f->at; }

/* Of a packed variable, that its checksum is right; of others, there is nothing more to be known. */
cls_status cls_matlab5_end(cls_matlab5 *f) {
  unsigned char out[4096];
  bool ended = !f->packed;
  size_t got;
  while (!ended) CLS_TRY(unpack(f, out, sizeof out, &got, &ended));
  return CLS_OK;
}

/* ---- elements of a variable ---- */

cls_status cls_matlab5_element_begin(cls_matlab5 *f, cls_matlab5_element *e) {
  uint32_t tag[2];
  if (f->left < sizeof tag) return cls_matlab5_damaged(f, "lacks an element");
  CLS_TRY(read_words(f, tag, 1));
  const uint32_t small = tag[0] >> 16; /* bytes of an element of at most four, which stand in its tag */
  if (small > 4) return cls_matlab5_damaged(f, "has an element that is none");
  if (!small) CLS_TRY(read_words(f, tag + 1, 1));
  f->left -= small ? sizeof tag[0] : sizeof tag;
  *e = (cls_matlab5_element){.type = tag[0] & 0xffff, .bytes = small ? small : tag[1]};
  e->left = e->bytes;
  e->padding = small ? 4 - small : (8 - (uint32_t)(e->bytes % 8)) % 8;
  if (e->bytes > f->left) return cls_matlab5_damaged(f, "has an element that is larger than itself");
  return CLS_OK;
}

cls_status cls_matlab5_bytes(cls_matlab5 *f, cls_matlab5_element *e, void *bytes, size_t n) {
  if (n > e->left) return cls_matlab5_damaged(f, "has an element that ends early");
  CLS_TRY(read_bytes(f, bytes, n));
  e->left -= n;
  f->left -= n;
  return CLS_OK;
}

cls_status cls_matlab5_element_end(cls_matlab5 *f, cls_matlab5_element *e) {
  uint64_t rest = e->left + e->padding;
  if (rest > f->left) rest = f->left; /* the last one may come without */
  CLS_TRY(skip_bytes(f, rest));
  f->left -= rest;
  return CLS_OK;
}

uint32_t cls_matlab5_width(uint32_t type) {
  static const uint8_t width[] = {
      [CLS_MI_INT8] = 1,  [CLS_MI_UINT8] = 1,  [CLS_MI_INT16] = 2,  [CLS_MI_UINT16] = 2,
      [CLS_MI_INT32] = 4, [CLS_MI_UINT32] = 4, [CLS_MI_SINGLE] = 4, [CLS_MI_DOUBLE] = 8,
      [CLS_MI_INT64] = 8, [CLS_MI_UINT64] = 8};
  return type < sizeof width ? width[type] : 0;
}

static double number(uint32_t type, uint64_t bits) {
  float single;
  double real;
  const uint32_t low = (uint32_t)bits;
  switch (type) {
  case CLS_MI_INT8:
    return (int8_t)bits;
  case CLS_MI_INT16:
    return (int16_t)bits;
  case CLS_MI_INT32:
    return (int32_t)bits;
  case CLS_MI_INT64:
    return (double)(int64_t)bits;
  case CLS_MI_SINGLE:
    memcpy(&single, &low, sizeof single);
    return single;
  case CLS_MI_DOUBLE:
    memcpy(&real, &bits, sizeof real);
    return real;
  default:
    return (double)bits;
  }
}

cls_status cls_matlab5_numbers(cls_matlab5 *f, cls_matlab5_element *e, size_t n, double *values) {
  unsigned char bytes[CLS_MATLAB5_PIECE * 8];
  const uint32_t width = cls_matlab5_width(e->type);
  CLS_CHECK(n <= CLS_MATLAB5_PIECE, CLS_ERR_INTERNAL, "%zu numbers of a MATLAB file at a time", n);
  CLS_TRY(cls_matlab5_bytes(f, e, bytes, n * width));
  const bool little = f->swapped != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  for (size_t i = 0; i < n; i++) {
    uint64_t bits = 0;
    for (uint32_t b = 0; b < width; b++) bits = bits << 8 | bytes[i * width + (little ? width - 1 - b : b)];
    values[i] = number(e->type, bits);
  }
  return CLS_OK;
}

/* ---- the file ---- */

static cls_status read_header(cls_matlab5 *f) {
  unsigned char head[HEADER_BYTES];
  const size_t n = fread(head, 1, sizeof head, f->file);
  CLS_CHECK(n == sizeof head, CLS_ERR_INPUT, "%s: cut-off MATLAB file: %zu bytes, expected a header of %d",
            f->path, n, HEADER_BYTES);
  const bool little = head[126] == 'I' && head[127] == 'M';
  CLS_CHECK(little || (head[126] == 'M' && head[127] == 'I'), CLS_ERR_INPUT,
            "%s: MATLAB header ends in the bytes %02x %02x: expected IM or MI", f->path, head[126],
            head[127]);
  f->swapped = little != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  CLS_CHECK(fseeko(f->file, 0, SEEK_END) == 0, CLS_ERR_INPUT, "%s: cannot be read: %s", f->path,
            strerror(errno));
  f->size = (uint64_t)ftello(f->file);
  f->next = HEADER_BYTES;
  return CLS_OK;
}

cls_status cls_matlab5_open(const char *path, cls_matlab5 **file) {
  cls_matlab5 *f;
  *file = NULL;
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "reader of a MATLAB file"));
  f->path = path;
  f->file = fopen(path, "rb");
  const cls_status status =
      f->file ? read_header(f) : cls_fail(CLS_ERR_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
  if (status == CLS_OK)
    *file = f;
  else
    cls_matlab5_close(f);
  return status;
}

void cls_matlab5_close(cls_matlab5 *f) {
  if (!f) return;
  stop_unpacking(f);
  if (f->file) fclose(f->file);
  free(f);
}

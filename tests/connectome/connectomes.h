/* What the connectome tests share: made-up zips and small connectomes. */
#ifndef CALLOSUM_TEST_CONNECTOMES_H
#define CALLOSUM_TEST_CONNECTOMES_H

#include "base/files.h"

#include <stdlib.h>
#include <unistd.h>

#include <bzlib.h>
#include <zip.h>

#include "io/io.h"

/* A file of this process's own. */
static inline const char *scratch(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/callosum_%ld_%s", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
           (long)getpid(), name);
  return path;
}

typedef struct {
  const char *name, *text;
} member;

/* Writes a zip; members whose name ends in .bz2 are packed. */
static inline void write_zip(const char *path, const member *members, int n) {
  char *packed[16] = {0};
  assert_true(n <= 16);
  zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
  assert_non_null(archive);
  for (int i = 0; i < n; i++) {
    const char *data = members[i].text;
    size_t length = strlen(data), name = strlen(members[i].name);
    if (name > 4 && strcmp(members[i].name + name - 4, ".bz2") == 0) {
      unsigned room = (unsigned)(length + length / 50 + 1000);
      packed[i] = malloc(room);
      assert_int_equal(BZ2_bzBuffToBuffCompress(packed[i], &room, (char *)data, (unsigned)length, 9, 0, 0),
                       BZ_OK);
      data = packed[i];
      length = room;
    }
    zip_source_t *source = zip_source_buffer(archive, data, length, 0);
    assert_true(zip_file_add(archive, members[i].name, source, ZIP_FL_OVERWRITE) >= 0);
  }
  assert_int_equal(zip_close(archive), 0);
  for (int i = 0; i < n; i++) free(packed[i]);
}

/* A connectome of n regions r0, r1 ... from a dense weight matrix (row = target); lengths are given where a
 * weight is; centres at (10 i, 0, 0); areas unknown. */
static inline cls_connectome *make_connectome(uint32_t n, const double *weight, double length_mm) {
  uint64_t tracts = 0, k = 0;
  for (uint32_t i = 0; i < n * n; i++) tracts += weight[i] > 0;
  cls_connectome *c = NULL;
  OK(cls_connectome_create(n, tracts, &c));
  for (uint32_t i = 0; i < n; i++) {
    c->names[i] = cls_format("r%u", i);
    c->centre_mm[i][0] = 10 * i;
    c->centre_mm[i][1] = c->centre_mm[i][2] = 0;
    for (uint32_t j = 0; j < n; j++) {
      if (!(weight[i * n + j] > 0)) continue;
      c->source[k] = j;
      c->weight[k] = weight[i * n + j];
      c->length_mm[k++] = length_mm;
    }
    c->row[i + 1] = k;
  }
  return c;
}

#endif

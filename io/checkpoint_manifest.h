/* The manifest of a checkpoint: a small JSON text beside the file that says what every byte of it must be. It ends with a
 * checksum of its own. Everything here is local. */
#ifndef CALLOSUM_CHECKPOINT_MANIFEST_H
#define CALLOSUM_CHECKPOINT_MANIFEST_H

#include "engine/keeper.h"

enum { CLS_CHECKPOINT_FORMAT = 1 };
/* Checksums (XXH3, 64 bits) are of so many bytes of an array; the last of fewer. */
#define CLS_CHECKPOINT_GRAIN ((uint64_t)1 << 20)

/* An array, whose elements lie at [offset, offset + bytes) of the file. */
typedef struct {
  char *name; /* "engine/member0/states" */
  cls_keep_type type;
  uint64_t rows;
  uint32_t width;
  uint64_t offset, bytes; /* 0, 0: no rows */
  uint64_t *sums;         /* [cls_checkpoint_grains(bytes)] */
} cls_kept_array;

/* Bytes of the file that belong to no array: HDF5's own. */
typedef struct {
  uint64_t offset, bytes, sum;
} cls_kept_rest;

/* A recording when the checkpoint was written: its file was so long. */
typedef struct {
  char *name;
  uint64_t bytes;
} cls_kept_recording;

typedef struct {
  char *file; /* name of the checkpoint in the same folder */
  uint64_t length;
  int64_t step; /* the next to be computed */
  double dt_ms;
  int members;
  uint64_t seed, job_hash, science_hash;
  char *science; /* see cls_job.science */
  char *version, *backend;
  int ranks;
  cls_kept_array *arrays;
  size_t n_arrays, array_capacity;
  cls_kept_rest *rest;
  size_t n_rest, rest_capacity;
  cls_kept_recording *recordings;
  size_t n_recordings, recording_capacity;
} cls_manifest;

static inline uint64_t cls_checkpoint_grains(uint64_t bytes) {
  return bytes / CLS_CHECKPOINT_GRAIN + (bytes % CLS_CHECKPOINT_GRAIN != 0);
}

/* "f32" and what HDF5 and people call it; NULL: no such type. */
const char *cls_keep_name(cls_keep_type type);

/* Puts what lies between the arrays, from the file's begin to its length, into manifest->rest, checksums 0. CLS_ERR_INTERNAL
 * where arrays overlap or end behind the file. */
cls_status cls_manifest_find_rest(cls_manifest *manifest);
/* As text in fresh memory. */
cls_status cls_manifest_print(const cls_manifest *manifest, char **text);
/* From text; `name` is the file's, for messages. Strict: CLS_ERR_INPUT names file and key where anything is not as printed:
 * a changed byte, unknown and missing keys, arrays and rest that do not cover the file exactly once. Empty before. */
cls_status cls_manifest_parse(const char *text, size_t size, const char *name, cls_manifest *manifest);
void cls_manifest_free(cls_manifest *manifest);

#endif

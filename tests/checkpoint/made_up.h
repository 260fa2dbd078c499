/* Arrays that nobody computed: every byte follows from its place, rows lie on the ranks in odd patterns. */
#ifndef CALLOSUM_TEST_MADE_UP_H
#define CALLOSUM_TEST_MADE_UP_H

#include "io/checkpoint.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(call)                                                                                             \
  do {                                                                                                       \
    if ((call) != CLS_OK) fail_msg("%s: %s", #call, cls_error_message());                                    \
  } while (0)

typedef struct {
  const char *name;
  cls_keep_type type;
  uint64_t rows;
  uint32_t width;
  const char *unit;
  uint64_t longest; /* pieces have 1 to so many rows */
} made_array;

static const made_array made_arrays[] = {
    {"engine/empty", CLS_KEEP_F32, 0, 3, NULL, 1},
    {"engine/one", CLS_KEEP_U8, 1, 1, NULL, 1},
    {"engine/member0/states", CLS_KEEP_F32, 100003, 7, "mV", 20011}, /* rows that cross every bound */
    {"engine/member1/states", CLS_KEEP_F32, 300, 7, "mV", 3},
    {"engine/exact", CLS_KEEP_U8, 1 << 20, 1, NULL, 65536},
    {"engine/spikes", CLS_KEEP_I64, 20000, 2, "1", 2},
    {"engine/weights", CLS_KEEP_U64, 300001, 1, NULL, 100000},
    {"recorder/wide", CLS_KEEP_F64, 2, 200000, "Hz", 1}, /* rows longer than 1 MiB */
    {"recorder/odd", CLS_KEEP_U8, (1 << 20) + 1, 1, NULL, 300000},
};
enum { MADE_ARRAYS = sizeof made_arrays / sizeof *made_arrays };

static inline uint64_t made_row_bytes(const made_array *a) { return a->width * cls_keep_bytes(a->type); }
static inline uint8_t made_byte(const made_array *a, uint64_t i) {
  return (uint8_t)(cls_mix64(cls_hash_string(a->name) + i / 8) >> 8 * (i % 8));
}
static inline void made_fill(const made_array *a, uint64_t first, uint64_t n, char *to) {
  const uint64_t row = made_row_bytes(a);
  for (uint64_t i = 0; i < n * row; i++) to[i] = (char)made_byte(a, first * row + i);
}

/* The pieces of a rank: those with which rows of all ranks are covered once, or (loading) any. In fresh memory; those read are
 * filled with 0xEE. */
typedef struct {
  cls_piece *pieces;
  size_t n;
} made_pieces;
static inline made_pieces make_pieces(const made_array *a, int rank, int ranks, uint64_t pattern,
                                      bool loading) {
  made_pieces made = {NULL, 0};
  size_t capacity = 0;
  uint64_t state = cls_mix64(pattern ^ cls_hash_string(a->name));
  for (uint64_t first = 0; first < a->rows;) {
    state = cls_mix64(state);
    uint64_t n = 1 + (state >> 8) % a->longest;
    if (n > a->rows - first) n = a->rows - first;
    /* Pattern 0: all are rank 0's. Odd ones: the last rank has none. */
    const int among = pattern == 0 ? 1 : pattern % 2 && ranks > 1 ? ranks - 1 : ranks;
    bool mine = (int)((state >> 40) % (uint64_t)among) == rank;
    if (loading) mine = pattern == 0 || (cls_mix64(state + (uint64_t)rank) & 3) == 0;
    if (mine) {
      OK(cls_grow(&made.pieces, &capacity, made.n + 1, sizeof *made.pieces, "pieces"));
      cls_piece *p = &made.pieces[made.n++];
      *p = (cls_piece){first, n, malloc(n * made_row_bytes(a))};
      if (loading)
        memset(p->values, 0xEE, n * made_row_bytes(a));
      else
        made_fill(a, first, n, p->values);
    }
    first += n;
  }
  return made;
}
static inline void free_pieces(made_pieces *made) {
  for (size_t i = 0; i < made->n; i++) free(made->pieces[i].values);
  free(made->pieces);
}

static const char made_science[] =
    "simulation:\n  duration_ms: 1000\n  seed: 7\npopulations:\n- name: E\n  n: 100\n";
static inline cls_checkpoint_about made_about(int64_t step) {
  return (cls_checkpoint_about){.step = step,
                                .dt_ms = 0.1,
                                .seed = 7,
                                .members = 2,
                                .job = "simulation: {duration_ms: 1000}\n",
                                .science = made_science,
                                .job_hash = 0x1122334455667788,
                                .science_hash = 0x99aabbccddeeff00,
                                .backend = "/cpu/serial"};
}

/* Collective. Hands all arrays to a keeper. */
static inline cls_status made_keep(const cls_keeper *keeper, int rank, int ranks, uint64_t pattern) {
  for (int k = 0; k < MADE_ARRAYS; k++) {
    const made_array *a = &made_arrays[k];
    made_pieces made = make_pieces(a, rank, ranks, pattern, keeper->loading);
    const cls_status status =
        keeper->array(keeper->self, a->name, a->type, a->rows, a->width, a->unit, made.pieces, made.n);
    for (size_t i = 0; i < made.n && status == CLS_OK; i++) {
      const uint64_t bytes = made.pieces[i].n * made_row_bytes(a);
      char *expected = malloc(bytes);
      made_fill(a, made.pieces[i].first, made.pieces[i].n, expected);
      assert_memory_equal(made.pieces[i].values, expected, bytes);
      free(expected);
    }
    free_pieces(&made);
    CLS_TRY(status);
  }
  uint64_t size = keeper->loading ? 0 : 10;
  CLS_TRY(cls_keep_shared(keeper, rank, "recorder/files/notes.txt/size", CLS_KEEP_U64, 1, &size));
  assert_int_equal(size, 10);
  return CLS_OK;
}

/* Collective. */
static inline cls_status made_save(const cls_world *world, const char *directory, int64_t step,
                                   uint64_t pattern, int keep) {
  const cls_checkpoint_about about = made_about(step);
  cls_checkpoint_writer *writer;
  uint64_t bytes = 0;
  CLS_TRY(cls_checkpoint_begin(world, directory, &about, &writer));
  cls_status status = made_keep(cls_checkpoint_keeper(writer), world->rank, world->ranks, pattern);
  if (status == CLS_OK) status = cls_checkpoint_commit(writer, keep, &bytes);
  cls_checkpoint_end(writer);
  return status;
}

static inline cls_status made_load(const cls_world *world, const char *path, uint64_t pattern) {
  cls_checkpoint *checkpoint;
  CLS_TRY(cls_checkpoint_open(world, path, &checkpoint));
  const cls_status status = made_keep(cls_checkpoint_loader(checkpoint), world->rank, world->ranks, pattern);
  cls_checkpoint_close(checkpoint);
  return status;
}

#endif

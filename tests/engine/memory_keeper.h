/* A keeper in memory: every rank has all of it. */
#ifndef CALLOSUM_TEST_ENGINE_MEMORY_KEEPER_H
#define CALLOSUM_TEST_ENGINE_MEMORY_KEEPER_H

#include "engine/engines.h"
#include "engine/keeper.h"

typedef struct {
  char *name;
  cls_keep_type type;
  uint64_t rows;
  uint32_t width;
  char *values;
} kept_array;

typedef struct {
  MPI_Comm comm;
  kept_array *array;
  size_t n, capacity;
} memory;

static inline kept_array *find_array(memory *m, const char *name) {
  for (size_t i = 0; i < m->n; i++)
    if (strcmp(m->array[i].name, name) == 0) return &m->array[i];
  return NULL;
}

static inline cls_status write_array(memory *m, const char *name, cls_keep_type type, uint64_t rows,
                                     uint32_t width, const cls_piece *pieces, size_t n) {
  const size_t row = cls_keep_bytes(type) * width;
  assert_null(find_array(m, name));
  OK(cls_grow(&m->array, &m->capacity, m->n + 1, sizeof *m->array, "arrays"));
  kept_array *a = &m->array[m->n++];
  *a = (kept_array){cls_format("%s", name), type, rows, width, NULL};
  OK(cls_alloc(&a->values, rows * row + 1, 1, "array"));
  uint64_t mine = 0, all = 0;
  for (size_t i = 0; i < n; i++) {
    assert_true(pieces[i].n > 0 && pieces[i].first + pieces[i].n <= rows);
    if (i > 0) assert_true(pieces[i].first >= pieces[i - 1].first + pieces[i - 1].n);
    memcpy(a->values + pieces[i].first * row, pieces[i].values, pieces[i].n * row);
    mine += pieces[i].n;
  }
  MPI_Allreduce(&mine, &all, 1, MPI_UINT64_T, MPI_SUM, m->comm);
  assert_int_equal(all, rows); /* every row is somebody's */
  MPI_Allreduce(MPI_IN_PLACE, a->values, (int)(rows * row), MPI_BYTE, MPI_BOR, m->comm);
  return CLS_OK;
}

static inline cls_status keep_array(void *self, const char *name, cls_keep_type type, uint64_t rows,
                                    uint32_t width, const char *unit, const cls_piece *pieces, size_t n) {
  (void)unit;
  return write_array(self, name, type, rows, width, pieces, n);
}

static inline cls_status load_array(void *self, const char *name, cls_keep_type type, uint64_t rows,
                                    uint32_t width, const char *unit, const cls_piece *pieces, size_t n) {
  const kept_array *a = find_array(self, name);
  const size_t row = cls_keep_bytes(type) * width;
  (void)unit;
  if (!a) fail_msg("array %s is asked for", name);
  assert_true(a->type == type && a->rows == rows && a->width == width);
  for (size_t i = 0; i < n; i++)
    memcpy(pieces[i].values, a->values + pieces[i].first * row, pieces[i].n * row);
  return CLS_OK;
}

static inline uint64_t rows_of(void *self, const char *name) {
  const kept_array *a = find_array(self, name);
  return a ? a->rows : 0;
}

static inline void forget(memory *m) {
  for (size_t i = 0; i < m->n; i++) {
    free(m->array[i].name);
    free(m->array[i].values);
  }
  free(m->array);
  *m = (memory){.comm = m->comm};
}

#endif

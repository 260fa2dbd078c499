/* Where the state of a run is kept, and taken from again: arrays in global order, by name.
 *
 * What has state describes it once, by a function that hands its arrays to a keeper one after the other; the keeper either
 * writes what lies in them or reads it back. So saving and loading cannot come apart. */
#ifndef CALLOSUM_KEEPER_H
#define CALLOSUM_KEEPER_H

#include "base/base.h"

typedef enum {
  CLS_KEEP_U8,
  CLS_KEEP_I32,
  CLS_KEEP_U32,
  CLS_KEEP_F32,
  CLS_KEEP_I64,
  CLS_KEEP_U64,
  CLS_KEEP_F64
} cls_keep_type;

/* Rows [first, first + n) of an array, which lie one behind the other in memory. */
typedef struct {
  uint64_t first, n;
  void *values;
} cls_piece;

typedef struct {
  void *self;
  bool loading; /* arrays are read, else written */
  /* Collective; all arguments but the pieces are the same on every rank. Array `name` ("engine/member0/states") of `rows` rows
   * of `width` numbers, in units of `unit` (NULL: none). `pieces` [n] are this rank's, ascending, none empty; no two ranks have a row in
   * common, and every row is some rank's when it is written. When it is read, ranks may ask for the same rows, and for none.
   * CLS_ERR_INPUT on all ranks where what was kept has another type, other rows or another width. */
  cls_status (*array)(void *self, const char *name, cls_keep_type type, uint64_t rows, uint32_t width,
                      const char *unit, const cls_piece *pieces, size_t n);
  /* Local, loading only: rows of an array whose length is not known beforehand; 0 where there is no such array. */
  uint64_t (*rows)(void *self, const char *name);
} cls_keeper;

/* Bytes of a number. */
static inline size_t cls_keep_bytes(cls_keep_type type) {
  static const size_t bytes[] = {1, 4, 4, 4, 8, 8, 8};
  return bytes[type];
}

/* Collective. A small array that rank 0 writes; all ranks read all of it. */
static inline cls_status cls_keep_shared(const cls_keeper *keeper, int rank, const char *name,
                                         cls_keep_type type, uint64_t rows, void *values) {
  const cls_piece all = {0, rows, values};
  return keeper->array(keeper->self, name, type, rows, 1, NULL, &all,
                       rows > 0 && (rank == 0 || keeper->loading));
}

#endif

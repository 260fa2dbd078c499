/* What the files that save and load an engine share. */
#ifndef CALLOSUM_KEEP_H
#define CALLOSUM_KEEP_H

#include "engine/instance.h"

/* ---- units: 64 neurons of a population each, the last of it perhaps fewer. Ranges begin and end with units. ---- */

enum { CLS_UNIT = 64 };
static inline uint64_t cls_units(uint64_t neurons) { return (neurons + CLS_UNIT - 1) / CLS_UNIT; }

/* Rows of an array that belong to neurons, a different number to each, in the order of neurons: those of a unit are rows
 * span[0] ... span[1] - 1. Of the populations counted, one after the other. */
typedef struct {
  uint64_t *unit;       /* [populations + 1] first unit of each */
  uint64_t rows;        /* of all ranks */
  uint64_t (**span)[2]; /* [ranges of the layout][units]; NULL: not counted */
} cls_rows_index;

/* Collective. `count` [ranges][units] rows of each unit of this rank's ranges, NULL where its population is not `counted`
 * (a flag for each; NULL: all are). */
cls_status cls_rows_index_make(const cls_engine *engine, const bool *counted, uint64_t *const *count,
                               cls_rows_index *index);
/* Collective. Saves the index as array NAME/span. */
cls_status cls_rows_index_save(const cls_engine *engine, const cls_keeper *keeper, const char *name,
                               const cls_rows_index *index);
/* Collective. Reads it for this rank's ranges; `rows` is left to the caller. */
cls_status cls_rows_index_load(const cls_engine *engine, const cls_keeper *keeper, const char *name,
                               const bool *counted, cls_rows_index *index);
/* Rows of a range: where they begin, and how many. */
uint64_t cls_rows_first(const cls_rows_index *index, uint32_t range);
uint64_t cls_rows_of(const cls_engine *engine, const cls_rows_index *index, uint32_t range);
void cls_rows_index_free(const cls_engine *engine, cls_rows_index *index);

/* ---- pieces ---- */

typedef struct {
  cls_piece *at;
  size_t n, capacity;
} cls_pieces;
static inline cls_status cls_pieces_add(cls_pieces *pieces, uint64_t first, uint64_t n, void *values) {
  if (n == 0) return CLS_OK;
  CLS_TRY(cls_grow(&pieces->at, &pieces->capacity, pieces->n + 1, sizeof *pieces->at, "pieces of an array"));
  pieces->at[pieces->n++] = (cls_piece){first, n, values};
  return CLS_OK;
}

/* Collective. An array of these pieces, which are brought into ascending order. */
cls_status cls_keep_pieces(const cls_engine *engine, const cls_keeper *keeper, const char *name,
                           cls_keep_type type, uint64_t rows, uint32_t width, const char *unit,
                           cls_pieces *pieces);

/* ---- spikes and plasticity ---- */

/* Steps for which spikes are kept. */
uint32_t cls_keep_window(const cls_network *network);
/* Collective. The spikes of the last steps of own neurons: `own` [n] by neuron, then step. */
cls_status cls_keep_own_spikes(cls_engine *engine, const cls_keeper *keeper, int member, cls_fired **own,
                               size_t *n);
/* Collective, loading: spikes of this rank's sources, wherever they lie: slots, by step. `own` as loaded. */
cls_status cls_keep_heard(cls_engine *engine, const cls_fired *own, size_t n_own, cls_fired **heard,
                          size_t *n);
/* Sorts spikes by step. */
void cls_fired_by_step(cls_fired *spikes, size_t n);

/* Collective. Weights and what plastic synapses remember; loading needs the spikes, by step. */
cls_status cls_keep_plastic(cls_engine *engine, const cls_keeper *keeper, int member, const cls_fired *heard,
                            size_t n_heard, const cls_fired *own, size_t n_own);

/* The name of an array of a member, "engine/memberM/LEAF". */
typedef struct {
  char text[160];
} cls_keep_name;
static inline cls_keep_name cls_keep_name_of(int member, const char *leaf) {
  cls_keep_name name;
  snprintf(name.text, sizeof name.text, "engine/member%d/%s", member, leaf);
  return name;
}

#endif

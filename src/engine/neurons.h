/* What a rank knows about its neurons besides their synapses: derived constants, inputs, noise keys, and
 * where states lie. The same for all members and all backends; backends own the states themselves. */
#ifndef CALLOSUM_NEURONS_H
#define CALLOSUM_NEURONS_H

#include "engine/layout.h"

/* One input model acting on a range. */
typedef struct {
  const cls_model *model;
  int receptor;
  uint32_t key[2];    /* noise */
  const float *konst; /* n_consts values (stride 0), or n_consts arrays of padded(n) floats (stride 1) */
  int stride;
  int first_state;       /* its states come after the model's */
  const uint32_t *table; /* counts; NULL: none */
  int table_n, repeat;
} cls_input_run;

/* A range, ready to be advanced. */
typedef struct {
  const cls_model *model;
  uint32_t n, padded;    /* real neurons; rounded up to 16 */
  uint32_t local, first; /* first local index, first index in the population */
  const float *konst;    /* as in cls_input_run */
  int stride;
  float quantum[CLS_MAX_RECEPTORS]; /* value of one unit of summed weight; scaled where a receptor is */
  bool silent;                      /* its neurons were removed: they are not computed and never spike */
  size_t state; /* offset of the first state in a member's pool: state j begins at state + j * padded */
  int n_states; /* of the model and its inputs */
  cls_input_run *inputs;
  int n_inputs;
} cls_range_run;

typedef struct cls_neurons_ {
  const cls_network *network; /* whose parameters these are */
  cls_range_run *runs;        /* one per range of the layout */
  uint32_t n_runs;
  size_t pool; /* floats of one member's states */
  size_t bytes;
  float *constants;
  uint32_t *tables;
  cls_input_run *inputs;
} cls_neurons;

/* Local. Draws per-neuron parameters and derives constants. */
cls_status cls_neurons_create(const cls_network *network, const cls_layout *layout, cls_neurons **neurons);
void cls_neurons_destroy(cls_neurons *neurons);
/* Local. Fills a member's pool (neurons->pool floats) with the initial states of `identity`. */
cls_status cls_neurons_start(const cls_neurons *neurons, const cls_layout *layout, int identity, float *pool);
/* A tile of `n` neurons (a multiple of 16) at offset `at` of a range, with states from `pool`; input, current
 * and spiked are left to the caller. */
void cls_neurons_tile(const cls_range_run *run, float *pool, uint32_t at, uint32_t n, cls_tile *tile);
/* The same for one of its inputs; shares the caller's input and current. */
void cls_neurons_input_tile(const cls_range_run *run, const cls_input_run *input, float *pool, uint32_t at,
                            uint32_t n, int64_t step, int member, cls_tile *tile);

#endif

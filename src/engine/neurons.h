/* What a rank knows about its neurons besides their synapses: derived constants, inputs, noise keys, and
 * where states lie. The same for all members and all backends; backends own the states themselves. What
 * changes from step to step is in drive.h. */
#ifndef CALLOSUM_NEURONS_H
#define CALLOSUM_NEURONS_H

#include "engine/drive.h"

#define CLS_NONE UINT32_MAX

/* One input model acting on a range. */
typedef struct {
  const cls_model *model;
  const cls_input *input; /* its description */
  int receptor;
  uint32_t key[2]; /* noise */
  float *konst;    /* n_consts values (stride 0), or n_consts arrays of padded(n) floats (stride 1) */
  bool borrowed;   /* they are those of cls_neurons.origin */
  int stride;
  int first_state; /* its states come after the model's */
  double base;     /* strength that the waveform multiplies, where the model draws counts */
  uint32_t level;  /* its waveform: index into levels; 0: none */
  uint32_t count;  /* its count table: index into counts; CLS_NONE: none */
  uint32_t train;  /* its spikes: index into trains; CLS_NONE: none */
} cls_input_run;

/* A range, ready to be advanced. */
typedef struct {
  const cls_model *model;
  uint32_t n, padded;    /* real neurons; rounded up to 16 */
  uint32_t local, first; /* first local index, first index in the population */
  float *konst;          /* as in cls_input_run */
  bool borrowed;         /* likewise */
  int stride;
  float quantum[CLS_MAX_RECEPTORS]; /* value of one unit of summed weight; scaled where a receptor is */
  bool silent;                      /* its neurons were removed: they are not computed and never spike */
  size_t state; /* offset of the first state in a member's pool: state j begins at state + j * padded */
  int n_states; /* of the model and its inputs */
  cls_input_run *inputs;
  int n_inputs;
} cls_range_run;

/* Inputs that draw counts of the same strength and waveform share one of these. Where members have scales of their own, only
 * the ranges of a population do, of whose input it is: their strengths stay the same. */
typedef struct {
  const cls_model *model;
  double base;
  uint32_t level;
  cls_count_table table; /* where level is 0: for all times */
} cls_count_source;

/* Spikes from outside for one input of one range: ascending by (step, neuron), the step in the high 32 bits,
 * the number of the neuron in its population in the low ones. */
typedef struct {
  uint64_t *event;
  size_t n;
} cls_train;

/* Scales of a member by population, in the order in which they were given. */
typedef struct {
  cls_scale *scale;
  size_t n;
} cls_scale_list;

typedef struct cls_neurons_ {
  const cls_network *network; /* whose parameters these are */
  /* NULL, or the neurons of members without scales: their trains and waveforms serve here, too, and so do their constants, until something
   * is scaled that they depend on. */
  const struct cls_neurons_ *origin;
  cls_scale_list scales;
  uint64_t changes;    /* how often something below may have changed */
  cls_range_run *runs; /* one per range of the layout */
  uint32_t n_runs;
  size_t pool; /* floats of one member's states */
  size_t bytes;
  float *
      constants; /* [n_constants] what runs and inputs point into; NULL where there is an origin: each has its own */
  size_t n_constants;
  cls_input_run *inputs;
  const cls_waveform **waveforms; /* [n_levels]; 0 is NULL */
  cls_count_source *counts;
  cls_train *trains;
  uint32_t n_levels, n_counts, n_trains;
} cls_neurons;

/* Local; reads the files of spike trains. Draws per-neuron parameters and derives constants. */
cls_status cls_neurons_create(const cls_network *network, const cls_layout *layout, cls_neurons **neurons);
void cls_neurons_destroy(cls_neurons *neurons);
/* Local. What a member of the same parameters has, until it is scaled (engine/scales.h). `origin` must outlive it. */
cls_status cls_neurons_create_like(const cls_neurons *origin, cls_neurons **neurons);

/* What has changed the parameters of a range since they were drawn: the first `n_interventions` of the network, then scales. */
typedef struct {
  const cls_network *network;
  const cls_range *range;
  uint32_t n_interventions;
  const cls_scale *scales; /* of the population */
  size_t n_scales;
} cls_changes;
/* Applies them to parameters as they were drawn, of the model (input -1) or of input `input` of the population. Whether any
 * of them changed. */
bool cls_changes_apply(const cls_changes *changes, const cls_model *model, int input, double *value);
/* Local. Derives from the description and the changes every constant of a range that is not borrowed, the value of a quantum,
 * and the inputs' strength `base`. CLS_ERR_INPUT where parameters do not fit together after a change. */
cls_status cls_neurons_derive(const cls_changes *changes, cls_range_run *run);
/* Floats of the constants of a model; which of its population's inputs it is. */
size_t cls_neurons_const_floats(const cls_model *model, bool varied, uint32_t padded);
int cls_neurons_input_number(const cls_population *population, const cls_input_run *input);
/* Local. Finds the inputs that share a count table, and makes the tables that hold for all times. */
cls_status cls_neurons_count_sources(cls_neurons *neurons);
/* Local. Fills a member's pool (neurons->pool floats) with the initial states of `identity`. */
cls_status cls_neurons_start(const cls_neurons *neurons, const cls_layout *layout, int identity, float *pool);
/* A tile of `n` neurons (a multiple of 16) at offset `at` of a range, with states from `pool`; input, current
 * and spiked are left to the caller. */
void cls_neurons_tile(const cls_range_run *run, float *pool, uint32_t at, uint32_t n, cls_tile *tile);
/* The same for one of its inputs; shares the caller's input and current. `drive` is at `step`. */
void cls_neurons_input_tile(const cls_range_run *run, const cls_input_run *input, const cls_drive *drive,
                            float *pool, uint32_t at, uint32_t n, int64_t step, int member, cls_tile *tile);

/* ---- between the files of src/engine ---- */

/* Local. Fills neurons->trains: what the sources of the network's spike trains hold for the neurons of this
 * layout. */
cls_status cls_neurons_read_trains(cls_neurons *neurons, const cls_network *network,
                                   const cls_layout *layout);

#endif

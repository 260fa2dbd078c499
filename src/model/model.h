/* Models: neurons, and inputs that act on every neuron of a population. One header per model (lif_psc_exp.h,
 * ...) holds its equations as an inline function compiled by C for the CPU and by CUDA for the GPU;
 * registry.c lists them. */
#ifndef CALLOSUM_MODEL_H
#define CALLOSUM_MODEL_H

#include "base/base.h"

enum {
  CLS_MAX_PARAMS = 40,
  CLS_MAX_STATES = 12,
  CLS_MAX_CONSTS = 28,
  CLS_MAX_PORTS = 2,     /* input ports of a neuron: what a projection's `receptor` names */
  CLS_MAX_RECEPTORS = 4, /* receptors over all ports */
  CLS_MAX_TABLE = 96     /* thresholds of an input's count table */
};

/* A parameter a job file may set. Names carry the unit (tau_m_ms). */
typedef struct {
  const char *name, *unit;
  double initial, min, max; /* default and inclusive range; -INFINITY, INFINITY where unbounded */
  bool shared; /* true: one value per population; false: may be a distribution over its neurons */
  const char *doc;
} cls_param_info;

typedef struct {
  const char *name, *unit;
  bool settable;           /* may stand under `initial:` of a population */
  const char *relative_to; /* parameter that is subtracted from a settable value: the state is kept relative
                              to it (finer float grid); NULL: none */
  const char *doc;
} cls_state_info;

/* An input port. One receptor: a synapse carries one signed 16-bit weight. Two receptors: it carries two
 * non-negative 8-bit weights, one for each (AMPA and NMDA, GABA_A and GABA_B). */
typedef struct {
  const char *name;
  int receptors; /* 1 or 2 */
  const char *receptor[2];
  const char *unit; /* of a weight */
  bool signed_weights;
} cls_port_info;

/* What a test measures of a model, for the page of models. The test takes its tolerance from here, and fails also where it
 * measures less than a tenth of it (tests/model/figures.h): the page tells what is so. */
typedef struct {
  const char *key;  /* by which the test asks for it */
  const char *what; /* is compared, with what */
  double within;    /* how far apart the two may be, in `unit`; 0: they are the same */
  const char *unit;
  const char *test; /* file under tests/ */
} cls_figure;

/* The rest of what the page of models tells. */
typedef struct {
  const char *equations; /* line by line, each ends in \n; the header of the model has the same lines */
  const char *method;    /* how they are integrated */
  /* Power of dt that the error falls with, of states between spikes and of the times of spikes. 0: no error but that of
   * float, or, of times, no spikes. */
  int order, spike_order;
  const cls_figure *figures;
  int n_figures;
} cls_model_doc;

/* How the number of spikes of one step is drawn by an input that draws counts. */
typedef struct {
  double level; /* the strength it was made for */
  /* P(count <= j) in units of 2^-32, ascending: a number at or above threshold[j] means a count above j. */
  uint32_t threshold[CLS_MAX_TABLE];
  int n, repeat; /* how many; independent draws that are added */
  /* The high halves of the thresholds, each at least one above the last and none below 1: a half word that equals none
   * of them is above as many of them as the count is. */
  uint16_t edge[CLS_MAX_TABLE];
  int n_edges;
} cls_count_table;

/* One call's worth of neurons: `n` of them, consecutive in one population on one rank. All arrays hold n
 * floats (n a multiple of 16, at most CLS_TILE; the tail beyond the real neurons is computed and thrown
 * away). */
enum { CLS_TILE = 256 };
typedef struct {
  int n;
  float *state[CLS_MAX_STATES];       /* in and out */
  const float *konst[CLS_MAX_CONSTS]; /* derived constants: one value each (shared) or n (varied) */
  float *input[CLS_MAX_RECEPTORS];    /* weights that arrive in this step, summed; input models may add */
  float *current;                     /* summed current of dc and ou inputs, in the model's unit */
  int32_t *spiked;                    /* out: 1 where the neuron spikes */
  /* Noise: words belong to (member, neuron, step), never to a vector width. Neuron i of the population takes
   * word (i / 16) % 4 of the counter ((i / 64) * 16 + i % 16, step low, step high, member). first is a
   * multiple of 64. */
  uint32_t key[2];
  uint32_t first, step_lo, step_hi, member;
  float level; /* inputs: factor on their strength in this step, from the waveform (1: none) */
  const cls_count_table *table; /* poisson: how counts are drawn in this step */
  const uint64_t *event;        /* spike_train: spikes of this step, ascending; the neuron (its number in the
                            population) is in the low 32 bits */
  int n_events;                 /* how many; of the whole range, not of this tile alone */
  int receptor;                 /* poisson, spike_train: which input it adds to */
} cls_tile;

typedef struct cls_model_ {
  const char *name, *title, *citation;
  const cls_param_info *params;
  const cls_state_info *states;
  const cls_port_info *ports;
  int n_params, n_states, n_ports, n_receptors, n_consts;
  bool is_input;   /* an input model (poisson, dc, ou): no ports, adds to tile->input or tile->current */
  bool needs_port; /* input models: has a weight and acts through a receptor */
  bool no_current; /* neurons: tile->current means nothing to it (relay) */
  /* Input models: may carry a waveform, a factor on their strength in time; must carry one. */
  bool takes_waveform, needs_waveform;
  bool needs_trains; /* input models: spikes come from outside (spike_train) */
  /* Input models: the parameter that is their strength. It is 1 where a job gives a waveform but not the
   * parameter: the waveform is then the strength itself. NULL: none. */
  const char *level;
  /* Local. Derived constants from parameters (double in, float out). */
  void (*derive)(const double *param, double dt_ms, float *konst);
  /* Relations between parameters (V_reset < V_th ...): CLS_ERR_INPUT with a message. NULL: none. */
  cls_status (*check)(const double *param, double dt_ms);
  /* Default initial value of each state from the parameters (job values replace settable ones). NULL: zeros.
   * `unit` is a uniform number for states that start in their stationary distribution. */
  void (*start)(const double *param, double dt_ms, double unit, float *state);
  /* Input models that draw counts: how, at this strength (parameter `level`, which is shared, times the waveform; not
   * negative). Leaves table->level alone. NULL: none. */
  void (*table)(double level, double dt_ms, cls_count_table *table);
  /* Advances one step. shared: konst[j][0]; varied: konst[j][i]. Vectorised; same bits as `one`. */
  void (*tile_shared)(const cls_tile *tile);
  void (*tile_varied)(const cls_tile *tile);
  /* The readable reference: neuron i of the tile, scalar code. stride is 0 (shared) or 1 (varied). */
  void (*one)(const cls_tile *tile, int i, int stride);
  /* Synaptic current of each receptor at the end of a step, neuron i (NULL for input models), in
   * `current_unit`. */
  float (*receptor_current)(const cls_tile *tile, int i, int stride, int receptor);
  /* The same for all neurons of a tile into out[tile->n], vectorised; same bits. NULL: each is asked for. */
  void (*tile_currents)(const cls_tile *tile, int stride, int receptor, float *out);
  const char *current_unit;
  cls_model_doc doc;
} cls_model;

/* For the initialiser of a doc: the array `figures` and its length. */
#define CLS_FIGURES .figures = figures, .n_figures = sizeof figures / sizeof *figures

/* The registry; NULL where the name is unknown. */
const cls_model *cls_model_find(const char *name);
int cls_model_count(void);
const cls_model *cls_model_at(int index);
/* -1 where there is none. A port is found by its name or by the name of its (first) receptor. */
int cls_model_param(const cls_model *model, const char *name);
int cls_model_state(const cls_model *model, const char *name);
int cls_model_port(const cls_model *model, const char *name);
/* Index of the first receptor of a port. */
int cls_model_port_receptor(const cls_model *model, int port);

#endif

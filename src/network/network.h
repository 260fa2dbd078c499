/* What is simulated: populations, projections and the rules that draw synapses. A network is a
 * population-level description (sparse tables, held whole by every rank); neurons and synapses exist only
 * where they are placed.
 *
 * Numbering: population p holds neurons first(p) ... first(p) + n(p) - 1 of the global numbering (64 bit), in
 * the order of the job file. A cell is CLS_CELL consecutive neurons of a population: the unit of
 * counter-keyed draws. */
#ifndef CALLOSUM_NETWORK_H
#define CALLOSUM_NETWORK_H

#include "base/distribution.h"
#include "model/model.h"
#include "model/short_term.h"
#include "model/stdp.h"
#include "network/positions.h"
#include "network/waveform.h"

enum { CLS_CELL = 1024 };
/* Greatest delay in steps: what a synapse store can hold (14 bits). */
enum { CLS_MAX_DELAY = 16383 };

/* ---- description ---- */

/* Spikes that come from outside the network, for the neurons of a population: one object may serve several
 * inputs. Owned by the network. */
typedef struct cls_trains_ cls_trains;
/* Receives n spikes, in no particular order: the step they act in, and the neuron (its number in the
 * population). */
typedef cls_status (*cls_trains_sink)(void *context, const uint64_t *step, const uint64_t *neuron, int n);
struct cls_trains_ {
  void *self;
  /* Local. Hands over all spikes of the run, for all neurons: who calls keeps what its own neurons need. */
  cls_status (*scan)(void *self, cls_trains_sink sink, void *context);
  void (*destroy)(void *self);
};

/* An input model attached to a population: to all its neurons, or to those that `first`, `count` and `omit`
 * leave. Neurons that do not receive it have their constants and states of it at 0: they are what they are
 * without it. What is 0 or NULL is the default. */
typedef struct {
  const cls_model *model;
  cls_distribution param[CLS_MAX_PARAMS]; /* in the model's order */
  int receptor;                           /* index of the receptor it acts on; -1 for currents */
  uint64_t key;                           /* hash of its name: "population/input number", or a stimulus' */
  const cls_waveform *waveform;           /* factor on its strength in time; NULL: 1. Owned by the network */
  const cls_trains *trains;               /* spike_train: where spikes come from */
  uint64_t first, count; /* neurons [first, first + count) receive it; count 0: all from first on */
  double omit; /* share of those that do not receive it after all: drawn per neuron, keyed by `key` */
} cls_input;
/* Whether neuron `index` of the population receives it. */
bool cls_input_reaches(const cls_input *input, uint64_t seed, uint64_t index);
/* Whether some of neurons [first, first + n) may not receive it; whether none can. */
bool cls_input_is_partial(const cls_input *input, uint64_t first, uint64_t n);
bool cls_input_misses(const cls_input *input, uint64_t first, uint64_t n);

typedef struct {
  char *name;
  uint64_t
      key; /* hash of the name: keys every draw, so that other populations do not change this one's numbers */
  uint64_t first; /* global number of neuron 0 */
  uint64_t n;     /* at most 2^32 - 1 */
  const cls_model *model;
  cls_distribution param[CLS_MAX_PARAMS];
  cls_distribution initial[CLS_MAX_STATES];
  bool has_initial[CLS_MAX_STATES];
  cls_input *inputs;
  int n_inputs;
  int region;     /* index into network->regions, -1: none */
  char type;      /* 'E', 'I' or 0 */
  char layer[16]; /* of a cortical unit: "L23"; "" where there is none */
  double rate_hz; /* expected rate, for the cost model of the partition (default 5) */
  cls_positions positions;
  cls_box *cell_box; /* of every cell, where there are positions; set by cls_network_finish */
} cls_population;

typedef enum {
  CLS_ONE_TO_ONE,
  CLS_ALL_TO_ALL,
  CLS_FIXED_INDEGREE,     /* every target neuron draws `indegree` sources */
  CLS_FIXED_TOTAL_NUMBER, /* `total` synapses */
  CLS_PAIRWISE_BERNOULLI, /* every pair with `probability`, or by distance with `kernel` */
  CLS_FIXED_OUTDEGREE,    /* every source neuron draws `outdegree` targets */
  CLS_EXPLICIT            /* listed one by one in `edges` */
} cls_rule;

/* A change at a step of the run; see network/intervention.h. */
typedef struct cls_intervention_ cls_intervention;
/* One synapse of a list. */
typedef struct {
  uint64_t number;         /* of the synapse in its list: keys what is drawn for it */
  uint32_t source, target; /* indices in their populations */
  double weight[2];        /* where the list has weights */
  double delay_ms;         /* where it has delays */
} cls_edge;
enum { CLS_EDGE_BATCH = 512 };
/* Receives up to CLS_EDGE_BATCH synapses of a list. */
typedef cls_status (*cls_edge_sink)(void *context, const cls_edge *edges, int n);

/* A list of synapses: what it holds altogether, and functions that read it. Who makes one promises that the
 * figures hold for every synapse that `read` gives. */
typedef struct {
  void *self;
  const char *name;      /* for messages: "edges.h5: /group"; owned by `self` */
  uint64_t n;            /* synapses */
  uint64_t max_indegree; /* greatest number onto one target neuron */
  int weights;           /* per synapse: 0 (the projection's are drawn), 1 or 2 */
  bool delays;           /* likewise */
  double min_weight[2], max_weight[2], min_delay_ms, max_delay_ms;
  uint64_t checksum; /* of all that is listed */
  size_t bytes;      /* held in memory */
  /* Local; may be called by several threads at once. Hands all synapses onto target neurons [first, first +
   * n) to `sink`, in the order of the list. */
  cls_status (*read)(void *self, uint64_t first, uint64_t n, cls_edge_sink sink, void *context);
  void (*destroy)(void *self);
} cls_edge_table;

/* How the probability of a synapse falls with the distance d between its neurons. */
typedef enum {
  CLS_KERNEL_NONE,        /* it does not */
  CLS_KERNEL_GAUSSIAN,    /* peak exp(-d^2 / (2 length^2)) */
  CLS_KERNEL_EXPONENTIAL, /* peak exp(-d / length) */
  CLS_KERNEL_LINEAR,      /* peak (1 - d / length), 0 beyond length */
  CLS_KERNEL_BOX          /* peak up to max */
} cls_kernel_kind;
typedef struct {
  cls_kernel_kind kind;
  double peak;      /* at distance 0: 0 ... 1 */
  double length_mm; /* > 0; unused by the box */
  double max_mm;    /* no synapse beyond; INFINITY: no such limit */
} cls_kernel;

/* How the synapses of a projection change as spikes pass. Their rows are kept apart from those of static synapses
 * (engine/plastic_store.h); members have weights of their own. */
typedef struct {
  bool has_stdp, has_short_term; /* at least one */
  cls_stdp stdp;
  cls_short_term short_term;
} cls_plasticity;

/* A source population of a projection. Only fixed_indegree may have several (a weighted mixture). */
typedef struct {
  uint32_t population;
  double weight;   /* share of the mixture, > 0; normalised when the network is finished */
  double delay_ms; /* added to the drawn delay: tract length / velocity */
} cls_projection_source;

typedef struct {
  char *name;
  uint64_t key;
  uint32_t target;
  cls_projection_source *sources;
  uint32_t n_sources;
  uint32_t sources_of; /* number of the projection that owns `sources`: its own, or that of an earlier one */
  cls_rule rule;
  uint64_t indegree, total, outdegree;
  double probability; /* with a kernel: its mean over all pairs, set by cls_network_finish */
  cls_kernel kernel;
  double velocity_mm_ms; /* > 0: distance / velocity is added to the delay (rules drawn over cells of one
                            source: pairwise_bernoulli, fixed_total_number) */
  cls_edge_table *edges; /* CLS_EXPLICIT: owned by the network */
  bool
      procedural; /* synapses are not stored: a row is drawn whenever its source spikes; rules of network/rows.h */
  bool autapses, multapses;   /* may a neuron reach itself; may a pair have more than one synapse */
  int port;                   /* of the target's model */
  cls_distribution weight[2]; /* [1] only for ports with two receptors */
  cls_distribution delay_ms;  /* steps = max(1, round((source delay + drawn) / dt)) */
  cls_plasticity *plasticity; /* NULL: static. Owned by the network; see cls_projection_make_plastic() */
  const double *factor; /* [n_sources] on the weights of each source, NULL: 1; see cls_projection_at() */
  char type;            /* 'L' local, 'R' long range, 0: free; for statistics */
} cls_projection;

typedef struct {
  char *name;
  double centre_mm[3]; /* NaN where unknown */
} cls_region;

typedef struct {
  char *name; /* of the SONATA population: "brain" or "network" */
  double dt_ms;
  uint64_t seed;
  cls_population *populations;
  uint32_t n_populations;
  cls_projection *projections;
  uint32_t n_projections;
  cls_region *regions;
  uint32_t n_regions;
  cls_intervention *interventions; /* in order of time */
  uint32_t n_interventions;
  cls_waveform **waveforms; /* of its inputs; owned, and so are the trains */
  cls_trains **trains;
  uint32_t n_waveforms, n_trains;
  uint64_t n_neurons; /* set by cls_network_finish */
  double expected_synapses;
  /* Set by cls_network_finish: the value of one unit of summed weight, a power of two, per
   * [population][receptor]; and the least and greatest delay in steps over all projections (0, 0 where there
   * are none). */
  float (*quantum)[CLS_MAX_RECEPTORS];
  uint32_t min_delay, max_delay;
  /* And for how many steps plastic synapses may look back at spikes: 0 where there are none. */
  uint32_t plastic_window;
} cls_network;

/* Local. The description grows by copies of what is passed; names must be unique (CLS_ERR_INPUT). Pointers
 * into populations and projections are valid until the next addition. */
cls_status cls_network_create(const char *name, double dt_ms, uint64_t seed, cls_network **network);
void cls_network_destroy(cls_network *network); /* NULL is fine */
cls_status cls_network_add_region(cls_network *network, const char *name, const double centre_mm[3],
                                  int *index);
/* Adds a population with the model's defaults; set the rest through the pointer. */
cls_status cls_network_add_population(cls_network *network, const char *name, const cls_model *model,
                                      uint64_t n, cls_population **population);
cls_status cls_population_add_input(cls_population *population, const cls_model *model, cls_input **input);
/* Hand over what inputs point to: the network frees it, also where these fail. */
cls_status cls_network_own_waveform(cls_network *network, cls_waveform *waveform);
cls_status cls_network_own_trains(cls_network *network, cls_trains *trains);
/* Adds a projection onto `target` from `sources` (copied), with weight 1, delay one step, autapses and
 * multapses. */
cls_status cls_network_add_projection(cls_network *network, const char *name, uint32_t target, cls_rule rule,
                                      const cls_projection_source *sources, uint32_t n_sources,
                                      cls_projection **projection);
/* The same with the sources of projection number `other`, which both then share: a brain's populations
 * have one list of long-range sources for all of a region. */
cls_status cls_network_add_projection_like(cls_network *network, const char *name, uint32_t target,
                                           cls_rule rule, uint32_t other, cls_projection **projection);
/* Makes a projection's synapses plastic (the description is copied). Drawn weights are confined to [0, w_max] when the
 * network is finished; CLS_ERR_INPUT then where constants do not fit, where the port has two receptors, for procedural
 * synapses, and where an intervention scales the projection. */
cls_status cls_projection_make_plastic(cls_projection *projection, const cls_plasticity *plasticity);
int64_t cls_network_find_population(const cls_network *network, const char *name); /* -1: none */
/* Local, the same on every rank. Checks everything (rules against sizes, weights against ports, delays
 * against dt, parameters), numbers the neurons, fixes the weight quanta. After it the network is read
 * only. */
cls_status cls_network_finish(cls_network *network);
/* Do two finished descriptions draw the same neurons and synapses, scales of weights included? Then they differ at
 * most in parameters, inputs and initial values. Networks with interventions are taken to differ. */
bool cls_network_alike(const cls_network *a, const cls_network *b);
/* Parameter `param` of neuron `index` of a population: what its distribution draws, in the model's unit. */
double cls_population_param(const cls_network *network, uint32_t population, uint32_t index, int param);
/* Local. Mean over all pairs of neurons of the probability that a kernel gives: a numeric integral over the
 * shapes of the two populations (relative error about 1 %), or a mean over samples where positions are
 * listed. Positions must be there; the network need not be finished. */
double cls_projection_mean_probability(const cls_network *network, const cls_projection *projection);
/* Local. Positions of neurons [first, first + n) of a population that has some: a function of the seed, the
 * population's name and shape and the number of the neuron. The network need not be finished. */
cls_status cls_population_positions(const cls_network *network, uint32_t population, uint64_t first,
                                    uint32_t n, double (*xyz)[3]);
/* Bytes held by the description. */
size_t cls_network_bytes(const cls_network *network);
/* Expected number of synapses of a projection, and of those onto one target neuron (mean). */
double cls_projection_expected_synapses(const cls_network *network, const cls_projection *projection);
/* Population that holds a global neuron number. */
uint32_t cls_network_population_of(const cls_network *network, uint64_t neuron);

/* ---- drawing synapses ---- */

/* One synapse. `weight` is what the store keeps: one signed 16-bit integer (ports with one receptor), or two
 * unsigned 8-bit ones, first receptor in the low byte; in units of the target population's quantum. */
typedef struct {
  uint64_t source; /* global */
  uint32_t target; /* index in the target population */
  uint16_t weight;
  uint16_t delay; /* steps, 1 ... CLS_MAX_DELAY */
} cls_synapse;

enum { CLS_DRAW_SOURCE = 1, CLS_DRAW_DELAY = 2, CLS_DRAW_WEIGHT = 4, CLS_DRAW_ALL = 7 };

/* Receives up to CLS_DRAW_BATCH synapses at a time. */
enum { CLS_DRAW_BATCH = 512 };
typedef cls_status (*cls_synapse_sink)(void *context, const cls_synapse *synapses, int n);

/* Local. Draws all synapses of `projection` onto neurons [first, first + n) of its target population and
 * hands them to `sink`. What is drawn is a function of the network alone: any split of the target population
 * into ranges gives the same synapses. `what` says which fields are needed (source and target always are);
 * fields not asked for are 0. */
cls_status cls_projection_draw(const cls_network *network, const cls_projection *projection, uint64_t first,
                               uint64_t n, int what, cls_synapse_sink sink, void *context);

/* ---- placement ---- */

/* A block: contiguous neurons of one population; the unit that is placed on a rank. */
typedef struct {
  uint32_t population;
  uint32_t first; /* index in the population, a multiple of 64 */
  uint32_t n;
} cls_block;

/* Who computes what. Blocks are in global order (population, first). */
typedef struct {
  cls_block *blocks;
  int32_t *owner; /* rank of each block */
  uint32_t n_blocks;
  uint32_t *population_first; /* [n_populations + 1]: first block of each population */
  int ranks;
} cls_placement;

/* Cuts every population into blocks: size a power of two >= 64 chosen from the number of neurons and `parts`
 * (ranks x threads) so that there are about 32 blocks per part or more, and never more than needed. owner is
 * all 0. */
cls_status cls_placement_create(const cls_network *network, int ranks, int parts, cls_placement **placement);
void cls_placement_destroy(cls_placement *placement);
/* Block that holds neuron `index` of `population`. */
uint32_t cls_placement_block_of(const cls_placement *placement, uint32_t population, uint64_t index);

#endif

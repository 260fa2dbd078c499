/* What the files of src/network share among themselves; not for other folders. */
#ifndef CALLOSUM_NETWORK_INTERNAL_H
#define CALLOSUM_NETWORK_INTERNAL_H

#include "network/network.h"
#include "network/rows.h"
#include "network/set.h"
#include <math.h>

/* ---- what finishing a network is made of ---- */

/* Checks a population (its parameters, initial values and inputs) and narrows its distributions to the ranges
 * of the model. CLS_ERR_INPUT names population, parameter, value and range. */
cls_status cls_population_finish(const cls_network *network, cls_population *population);
/* Checks a projection against the sizes of its populations, its port and dt; normalises its mixture (where
 * it `owns` its sources: others find them done) and makes the bounds of its distributions explicit.
 * CLS_ERR_INPUT names projection, value and limit. */
cls_status cls_projection_finish(const cls_network *network, cls_projection *projection, bool owns);
/* Checks plasticity against port, weights and interventions, and confines weights to its range. */
cls_status cls_projection_finish_plasticity(const cls_network *network, cls_projection *projection,
                                            const char *owner);
/* The sources of the shortest and of the longest delay. */
void cls_projection_delay_span(const cls_projection *projection, uint32_t *near, uint32_t *far);
/* Fills network->quantum (allocated here). CLS_ERR_LIMIT where no scale holds both weights and sums. */
cls_status cls_network_fix_quanta(cls_network *network);

/* (source, target) pairs a projection with one source may connect: all, minus autapses where forbidden. */
uint64_t cls_projection_pairs(const cls_network *network, const cls_projection *projection);
/* A bound on the synapses of one projection onto one neuron: exact where the rule fixes the in-degree, else
 * mean + 10 standard deviations + 10, which the in-degree passes with a probability below 1e-20. */
double cls_projection_indegree_bound(const cls_network *network, const cls_projection *projection);
/* Steps of a delay: rounded to nearest, ties to even, at least one. Not limited above. */
static inline double cls_delay_steps(double delay_ms, double dt_ms) {
  double steps = rint(delay_ms / dt_ms);
  return steps < 1 ? 1 : steps;
}

/* Least and greatest weight of a projection at its r-th receptor: drawn or listed. */
void cls_projection_weight_range(const cls_projection *projection, int r, double *lower, double *upper);
/* Least and greatest delay, in milliseconds, without those of the sources. The network's positions must have
 * been checked. */
void cls_projection_delay_range(const cls_network *network, const cls_projection *projection, double *lower,
                                double *upper);

/* ---- space ---- */

/* Checks the shape; CLS_ERR_INPUT names population, value and what was expected. Makes the boxes of the
 * population's cells. */
cls_status cls_positions_finish(const cls_network *network, uint32_t population);
/* Columns, rows and planes of a grid of n points: n is divided in proportion to the sides and rounded up.
 * Neuron i stands in column i % columns, row i / columns % rows, plane i / columns / rows. */
void cls_grid_points(const cls_positions *positions, uint64_t n, uint64_t points[3]);
/* Dimensions of a shape (2 or 3) and its area or volume. Not of listed positions. */
int cls_shape_dimensions(const cls_positions *positions);
double cls_shape_volume(const cls_positions *positions);
/* The point of a shape at (u, v, w) in the unit cube; equal volumes have equal images. Not of grids and
 * lists. */
void cls_shape_point(const cls_positions *positions, const double unit[3], double xyz[3]);
bool cls_shape_holds(const cls_positions *positions, const double xyz[3]);
/* The smallest box around all neurons of a finished population. */
cls_box cls_positions_extent(const cls_population *population);

/* Sides of the torus on which distances are measured, 0 along axes that do not close: of a projection between
 * periodic populations. */
void cls_projection_period(const cls_network *network, const cls_projection *projection, double period[3]);
static inline double cls_wrapped(double distance, double period) {
  return period > 0 ? distance - period * rint(distance / period) : distance;
}
static inline double cls_distance(const double a[3], const double b[3], const double period[3]) {
  double x = cls_wrapped(a[0] - b[0], period[0]), y = cls_wrapped(a[1] - b[1], period[1]);
  double z = cls_wrapped(a[2] - b[2], period[2]);
  return sqrt(x * x + y * y + z * z);
}
/* Least and greatest distance between points of two boxes (the greatest is a bound). */
double cls_box_gap(const cls_box *a, const cls_box *b, const double period[3]);
double cls_box_reach(const cls_box *a, const cls_box *b, const double period[3]);
/* Probability at a distance: never grows with it. */
double cls_kernel_at(const cls_kernel *kernel, double distance);
/* Beyond this distance there are no synapses: max_mm, or where the kernel has fallen to 2^-33 of its peak. */
double cls_kernel_cutoff(const cls_kernel *kernel);
/* A bound on the expected number of synapses onto one target neuron, wherever it is. */
double cls_kernel_indegree(const cls_network *network, const cls_projection *projection);

/* ---- how many synapses where ---- */

/* Receives the number of synapses (> 0) of a place. */
typedef cls_status (*cls_place_sink)(void *context, uint32_t place, uint64_t count);
/* Local. Divides `count` synapses and hands places [from, to) to the sink in ascending order. What a place gets
 * does not depend on the range. */
cls_status cls_divide(const cls_division *division, uint64_t count, uint32_t from, uint32_t to,
                      cls_place_sink sink, void *context);
/* What `place` gets in each of n <= CLS_DRAW_BATCH divisions, from a node [lo, hi) of all of them: a power of two of
 * places with equal numbers of pairs, which may have several synapses. count[i]: in, the synapses of the node in the
 * division of context[i], each more than CLS_DIVIDE_FEW; out, those of the place. */
void cls_divide_path(cls_stream stream, uint32_t lo, uint32_t hi, uint32_t place, int n,
                     const uint32_t *context, uint32_t *count);

/* Receives the number of synapses (> 0) of a pair of cells. */
typedef cls_status (*cls_cell_sink)(void *context, uint32_t target_cell, uint32_t source_cell,
                                    uint64_t count);
/* Local. The pairs of cells that hold synapses onto target cells [first, last), each once, in ascending
 * order. A count is a function of the grid alone, whatever range is asked for.
 *  - total: `total` synapses are divided among target cells, then among the source cells of each;
 *  - bernoulli: binomial in every pair of cells. */
cls_status cls_cells_total(const cls_cell_grid *grid, uint32_t first, uint32_t last, cls_cell_sink sink,
                           void *context);
cls_status cls_cells_bernoulli(const cls_cell_grid *grid, uint32_t first, uint32_t last, cls_cell_sink sink,
                               void *context);
/* Local. How many of the `outdegree` synapses of neuron `source` fall on each of target cells [first, last). The
 * sink gets the neuron in place of the source cell. */
cls_status cls_cells_outdegree(const cls_cell_grid *grid, uint32_t source, uint32_t first, uint32_t last,
                               cls_cell_sink sink, void *context);
/* ---- a drawing in progress ---- */

/* One source population, ready for use. */
typedef struct {
  uint64_t first;      /* global number of its neuron 0 */
  uint32_t candidates; /* neurons to choose from: n, or n - 1 where the target itself is left out */
  bool skip_self;      /* candidate c >= target stands for neuron c + 1 */
  double delay_ms, factor;
  uint16_t steps; /* where the drawn part of the delay is constant */
} cls_draw_source;

/* A drawing in progress. Synapses pass through in batches: a rule fills counters at [n, n + m), cls_drawing_words
 * turns them into random words, the rule turns word 0 into partners (leaving out what was not asked for), and
 * cls_drawing_values makes weights and delays. */
struct cls_drawing_ {
  /* Set by cls_drawing_prepare: */
  const cls_network *network;
  const cls_projection *projection;
  cls_stream stream;
  const cls_draw_source *sources; /* projection->n_sources */
  int receptors;
  bool draw_weight[2], draw_delay; /* asked for and not constant: needs a word */
  bool want_weight, want_delay;
  bool factors;                   /* a source has a factor on its weights */
  bool tracts;                    /* a source has a delay of its own */
  uint16_t weight;                /* where nothing is to be drawn */
  double constant[2];             /* each receptor's in quanta, where constant */
  double per_quantum[2];          /* 1 / quantum */
  double dt_ms, delay_ms;         /* delay_ms: the drawn part, where constant */
  const double *listed_weight[2]; /* of every synapse of the batch, where they are not drawn; else NULL */
  const double *more_delay;       /* added to the drawn delay: listed, or distance / velocity; else NULL */
  /* The batch: */
  int n;                         /* its synapses */
  uint32_t c[3][CLS_DRAW_BATCH]; /* counters that name a synapse */
  uint32_t w[4][CLS_DRAW_BATCH]; /* its words */
  uint32_t target[CLS_DRAW_BATCH], column[CLS_DRAW_BATCH], source[CLS_DRAW_BATCH];
  double distance_ms[CLS_DRAW_BATCH];
  uint16_t weight_of[CLS_DRAW_BATCH], delay_of[CLS_DRAW_BATCH];
  cls_set taken;   /* distinct partners drawn so far */
  uint32_t *count; /* of a single row in every target cell */
  size_t count_capacity;
  /* Of one call of cls_projection_draw: */
  uint64_t first, last; /* targets asked for */
  cls_synapse_sink sink;
  void *context;
  cls_synapse out[CLS_DRAW_BATCH];
};

/* Makes ready for a projection; the batch is empty. `sources` is filled (projection->n_sources of them). `what`: see
 * cls_projection_draw(). */
void cls_drawing_prepare(cls_drawing *d, const cls_network *network, const cls_projection *projection,
                         cls_draw_source *sources, int what);
/* The words of synapses [at, at + m) of the batch: w[0 ... 3] from counters c[0 ... 2]. */
void cls_drawing_words(cls_drawing *d, int at, int m);
/* The first word of another lane of synapses [at, at + m), into `word`. */
void cls_drawing_lane_words(const cls_drawing *d, uint32_t lane, int at, int m, uint32_t *word);
/* Fills weight_of and delay_of of the batch. Rules of one source need not set `column`. */
void cls_drawing_values(cls_drawing *d);
/* Hands the batch to the sink, with its values, and empties it. */
cls_status cls_drawing_emit(cls_drawing *d);
/* Sets a reader to the start of a lane of synapse i of the batch. Readers are made once per batch: most are
 * never read, so setting them must cost little. */
static inline void cls_drawing_seek(cls_reader *reader, const cls_drawing *d, int i, uint32_t lane) {
  reader->c[0] = d->c[0][i];
  reader->c[1] = d->c[1][i];
  reader->c[2] = d->c[2][i];
  reader->block = lane << 24;
  reader->left = 0;
}

/* The rules. Each draws the synapses onto [d->first, d->last) and leaves the last batch unfinished. */
cls_status cls_draw_indegree(cls_drawing *d);
cls_status cls_draw_rows(cls_drawing *d, int what); /* those of rows.h */
cls_status cls_draw_explicit(cls_drawing *d);
cls_status cls_draw_one_to_one(cls_drawing *d);
cls_status cls_draw_all_to_all(cls_drawing *d);

#endif

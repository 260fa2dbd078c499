/* The floor under the cortical microcircuit of Potjans & Diesmann (2014): the least that a program must do to advance
 * it, and nothing else. What a simulator takes above this is overhead.
 *
 * Each thread owns the same share of every population. Rows are drawn like those of the model: numbers of synapses by
 * pair of populations, delays normal in steps of 0.1 ms, 4 bytes per synapse, by source and delay. Spikes are drawn
 * beforehand, Poisson at the published rate of each population: 2.5e5 spikes and 9.7e8 events per second of biology. In
 * every step, each thread delivers the events due to its neurons into one 32-bit sum per receptor, and advances its
 * neurons; then the threads meet. The neurons' own spikes are found and listed, but not sent. */
#ifndef CALLOSUM_BENCHMARKS_FLOOR_H
#define CALLOSUM_BENCHMARKS_FLOOR_H

#include <stddef.h>
#include <stdint.h>

enum {
  POPULATIONS = 8,  /* 23E 23I 4E 4I 5E 5I 6E 6I: odd ones are inhibitory */
  RECEPTORS = 2,    /* excitatory and inhibitory */
  DELAYS = 48,      /* steps; a delay is less */
  TARGET_BITS = 17, /* of a synapse; the others are its weight, signed */
  TARGET_MASK = (1 << TARGET_BITS) - 1,
  TILE = 1024, /* neurons between two looks for spikes */
  AHEAD = 64,  /* runs beyond the end of a list that may be asked for */
};

static const double dt_ms = 0.1;
static const double unit_pa = 0.25; /* of weights and sums */

/* The network as all threads see it, and its spikes. */
typedef struct {
  int size[POPULATIONS], first[POPULATIONS + 1]; /* neurons of a population, and where it begins */
  double outdegree[POPULATIONS][POPULATIONS];    /* mean, [target][source] */
  uint8_t *delay[RECEPTORS];                     /* 65,536 equally likely delays */
  float deviation[256];                          /* equally likely deviations of weights, relative */
  int steps;
  uint32_t *spike,
      *spikes_before; /* sources, by step and population; those of step t begin at spikes_before[t] */
} network;

/* A stretch of synapses: one source, one delay. */
typedef struct {
  uint32_t first, count;
} run;

/* What one thread owns. */
typedef struct {
  int begin[POPULATIONS + 1]; /* its neurons by population */
  float background_mv[POPULATIONS];
  int32_t *synapse; /* weight << TARGET_BITS | target */
  uint32_t *row;    /* [source]: its first synapse */
  uint16_t *end;    /* [source][delay]: where the run of that delay ends, from the beginning of the row */
  /* Runs by the step in which they are due: a list of `capacity` per receptor and step modulo DELAYS. */
  run *calendar[RECEPTORS];
  uint32_t capacity, due[RECEPTORS][DELAYS];
  run *list;                 /* those of one step, by length */
  int32_t *input[RECEPTORS]; /* sums, units of unit_pa */
  float *v_mv, *current_pa[RECEPTORS], *refractory_steps;
  uint32_t spiked[TILE]; /* neurons of the tile under work that spiked */
  uint64_t spikes, events;
} share;

/* The network of `scale` times the neurons and in-degrees, and `steps` of its spikes. */
void floor_make_network(network *net, double scale, int steps);
void floor_free_network(network *net);
/* What thread `thread` of `threads` owns, touched first by that thread; lasts until the program ends. */
void floor_make_share(const network *net, share *own, int thread, int threads);
/* Puts the runs of the spikes of step t onto the lists of the steps in which they are due. */
void floor_schedule(const network *net, share *own, int t);
/* Delivers what is due to a receptor in step t. */
void floor_deliver(share *own, int receptor, int t);
/* Advances all neurons by one step. */
void floor_update(share *own);

/* Ends the program with a message. */
_Noreturn void floor_fail(const char *what);

#endif

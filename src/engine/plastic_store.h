/* The plastic synapses of a part: what stands still about them. Their weights, and the traces of spikes they change by,
 * belong to members and lie in the backends.
 *
 * Row of a source: its runs, ascending by delay. A run holds the synapses of one projection, one delay and one range of
 * target neurons; a synapse is a word of 4 bytes
 *   drawn weight (16 bits, high, signed quanta) | target (16 bits, low): local index within the shard
 * Synapses with STDP come first (numbers 0 ... n_stdp - 1) and have a weight of 4 bytes per member besides; those whose
 * plasticity is of short term only follow. */
#ifndef CALLOSUM_PLASTIC_STORE_H
#define CALLOSUM_PLASTIC_STORE_H

#include "engine/store_parts.h"

/* What the runs of a projection onto a range share. */
typedef struct {
  uint32_t projection, range;
  uint32_t channel; /* see engine/store.h */
  uint32_t local;   /* first local index of the shard: that of target 0 */
  uint32_t shift;   /* a target within the shard minus its index in the population, modulo 2^32 */
  bool has_stdp, has_short_term;
  cls_stdp_const stdp;
  double dendritic_share;
  float gain; /* quanta of input that v = 2^-30 stands for */
  uint32_t x, x3, y,
      y3; /* numbers of traces, pre- and postsynaptic; x3, y3: CLS_NO_TRACE where no triplets count */
  uint32_t short_term; /* number of its kind */
} cls_plastic_piece;
enum { CLS_NO_TRACE = 0xffff };

typedef struct {
  uint64_t first; /* synapse */
  uint32_t piece;
  uint16_t count, delay; /* synapses; steps */
} cls_plastic_run;

typedef struct cls_plastic_store_ {
  cls_plastic_piece *pieces;
  uint32_t n_pieces;
  /* Kinds of traces that occur, each once: presynaptic and postsynaptic; kinds of short-term plasticity. */
  cls_spike_trace *pre, *post;
  cls_short_term_const *short_term;
  uint32_t n_pre, n_post, n_short_term;
  uint32_t n_slots;
  uint64_t *row; /* n_slots + 1: first run of each row */
  cls_plastic_run *runs;
  uint32_t *synapse;
  uint64_t n_synapses, n_stdp;
  uint32_t max_delay, max_dendritic; /* steps; dendritic parts of delays with STDP */
  /* Steps for which spikes are remembered, and one of each owner before: at least max_delay and 2 max_dendritic, the same in
   * all parts of a network, so that all remember the same of a source. */
  uint32_t window;
} cls_plastic_store;

/* Local. Draws the plastic synapses of a part; lowers plan->min_delay. *store is NULL where there are none. */
cls_status cls_plastic_build(cls_part_plan *plan, cls_plastic_store **store);
void cls_plastic_store_destroy(cls_plastic_store *store); /* NULL is fine */
size_t cls_plastic_store_bytes(const cls_plastic_store *store);
/* Weights of the synapses with STDP before any spike, in units of 2^-30: v[n_stdp]. */
void cls_plastic_start(const cls_network *network, const cls_plastic_store *store, int32_t *v);

/* ---- as a list ---- */

/* This part's synapses with STDP of a projection, added to a growing list; any order. */
cls_status cls_plastic_list(const cls_plastic_store *store, const cls_sources *sources,
                            const cls_network *network, uint32_t part, uint32_t projection,
                            cls_plastic_synapse **list, size_t *n, size_t *capacity);
/* A hash of all weights v[n_stdp] of the part, to be added to those of others: the same on any layout. */
uint64_t cls_plastic_hash(const cls_plastic_store *store, const cls_sources *sources,
                          const cls_network *network, const int32_t *v);

static inline uint32_t cls_plastic_target(uint32_t synapse) { return synapse & 0xffff; }
static inline int32_t cls_plastic_drawn(uint32_t synapse) { return (int32_t)synapse >> 16; }

#endif

/* Who computes what: the block graph and the partitioners that place it on ranks. */
#ifndef CALLOSUM_PARTITION_H
#define CALLOSUM_PARTITION_H

#include "network/network.h"

/* The block graph, built from population-level tables only: never from synapses. Weights of block b:
 * weight[b * 3 + {0: updates per second, 1: events per second, 2: bytes}]. Edges: CSR by source block; `m` is
 * the expected number of synapses from the source block onto the target block. */
typedef struct {
  uint32_t n_blocks;
  double *weight;
  double *spikes; /* spikes per second of each block */
  uint64_t *row;  /* n_blocks + 1 */
  uint32_t *target;
  double *synapses; /* expected synapses along each edge */
} cls_block_graph;

cls_status cls_block_graph_create(const cls_network *network, const cls_placement *placement,
                                  cls_block_graph **graph);
void cls_block_graph_destroy(cls_block_graph *graph);

/* What a placement costs, recomputed here whatever the partitioner said. */
typedef struct {
  double balance[3];  /* maximum over mean of updates, events, bytes over ranks */
  double cut;         /* expected events per second between ranks */
  double messages;    /* expected (spike, remote rank) pairs per second:
                         sum over blocks and ranks of rate x n (1 - (1 - 1/n)^m) */
  uint32_t out_links; /* greatest number of ranks one rank sends to */
} cls_partition_quality;
cls_status cls_partition_measure(const cls_network *network, const cls_placement *placement,
                                 const cls_block_graph *graph, cls_partition_quality *quality);

/* Methods: "metis" (multi-constraint k-way on communication volume; the default), "contiguous" (global order,
 * cut by event weight), "round_robin". NULL-terminated list of names for `--method all` and messages. */
extern const char *const cls_partition_methods[];
/* Local and deterministic: the same owners on every rank. Fills placement->owner and ->ranks. CLS_ERR_INPUT
 * where the method is unknown. */
cls_status cls_partition(const cls_network *network, const char *method, int ranks, cls_placement *placement);

#endif

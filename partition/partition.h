/* Who computes what: the block graph and the partitioners that place it on ranks. */
#ifndef CALLOSUM_PARTITION_H
#define CALLOSUM_PARTITION_H

#include "network/network.h"

/* An edge between populations: all projections but one_to_one. */
typedef struct {
  double synapses; /* expected number */
  /* -ln P(a given source neuron has no synapse onto a given target neuron). It adds over projections and over
   * target neurons: a source neuron has no synapse onto N neurons of the target with probability
   * exp(-reach N). Single precision: a brain of voxels has tens of millions of edges. */
  float reach;
  uint32_t target; /* population */
} cls_block_edge;

/* Neurons of a block that project one to one onto another block (one_to_one is the rule under which the
 * blocks of a population are not interchangeable). */
typedef struct {
  uint32_t target; /* block */
  double share;    /* of the source block's neurons, 0 ... 1 */
  double synapses;
} cls_block_pair;

/* The block graph, built from population-level tables only: never from synapses. Blocks of one population are
 * interchangeable, so edges are kept between populations and spread over blocks in proportion to their
 * neurons: the table does not grow with the square of the blocks. Owned by the caller. */
typedef struct {
  uint32_t n_blocks, n_populations;
  /* [n_blocks * 3 + {0, 1, 2}]: cost of updates per second (in neuron updates, see graph.c), events arriving
   * per second, bytes. */
  double *weight;
  double *spikes; /* [n_blocks] spikes per second */
  uint64_t *row;  /* [n_populations + 1]: edges of source population p are row[p] ... row[p + 1] - 1 */
  cls_block_edge *edges;
  uint64_t *pair_row; /* [n_blocks + 1]: pairs of source block b; all zero without one_to_one */
  cls_block_pair *pairs;
} cls_block_graph;

/* Local. The network must be finished; the placement's owners are not looked at. */
cls_status cls_block_graph_create(const cls_network *network, const cls_placement *placement,
                                  cls_block_graph **graph);
void cls_block_graph_destroy(cls_block_graph *graph); /* NULL is fine */

/* What a placement costs, recomputed here whatever the partitioner said. */
typedef struct {
  double balance[3];  /* maximum over mean of updates, events, bytes over ranks; 1 where there are none */
  double cut;         /* expected events per second between ranks */
  double messages;    /* expected (spike, remote rank with at least one of its targets) pairs per second */
  uint32_t out_links; /* greatest number of ranks one rank sends to */
} cls_partition_quality;

/* Local. Messages of one source population onto rank r: its spikes from other ranks times
 * 1 - exp(-sum over target populations of reach x their neurons on r), which for m synapses drawn from n
 * neurons is n (1 - (1 - 1/n)^m) (Lu, Feng et al., arXiv 2308.01241, for the exponential form). Exact for
 * multapses of every rule, for pairwise_bernoulli and all_to_all, and within 1/n otherwise. Estimates are
 * high where the probability falls with distance and for listed synapses, whose pairs count as equally
 * likely, and low for fixed_outdegree, where targets of one source share its out-degree (5 % for 5 synapses
 * over 6 ranks, less for more ranks).
 * CLS_ERR_INPUT where an owner is not a rank. */
cls_status cls_partition_measure(const cls_network *network, const cls_placement *placement,
                                 const cls_block_graph *graph, cls_partition_quality *quality);
/* Local. Ranks g * ranks_per_node ... of node g: how many of `messages` pass between nodes (`crossing`), and
 * how many would if a spike went once to each node (`aggregated`). */
cls_status cls_partition_measure_nodes(const cls_network *network, const cls_placement *placement,
                                       const cls_block_graph *graph, int ranks_per_node, double *crossing,
                                       double *aggregated);

/* Methods: "metis" (multi-constraint k-way on communication volume, refined on the measure above; the
 * default), "contiguous" (global order, cut by event weight), "round_robin". NULL-terminated list of names
 * for `--method all` and messages. */
extern const char *const cls_partition_methods[];
/* Local and deterministic: the same owners on every rank. Fills placement->owner and ->ranks. Ranks may stay
 * empty where there are fewer blocks. CLS_ERR_INPUT where the method is unknown or ranks < 1. */
cls_status cls_partition(const cls_network *network, const char *method, int ranks, cls_placement *placement);
/* The same where the caller has the block graph of these blocks already. */
cls_status cls_partition_graph(const cls_network *network, const cls_block_graph *graph, const char *method,
                               int ranks, cls_placement *placement);

#endif

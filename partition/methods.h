/* Private to partition/: what the partitioners share. */
#ifndef CALLOSUM_PARTITION_METHODS_H
#define CALLOSUM_PARTITION_METHODS_H

#include "base/math.h"
#include "partition/partition.h"

/* Greatest maximum over mean of any weight that a placement should have: 1.05 is promised, the rest is left
 * to what is drawn instead of expected. */
#define CLS_BALANCE_LIMIT 1.045

/* A block graph without edges and pairs, for what looks at weights alone. */
cls_status cls_block_graph_create_weights(const cls_network *network, const cls_placement *placement,
                                          cls_block_graph **graph);

/* Owners in global order, cut where the cumulated weight of events (updates where there are none) passes a
 * multiple of the mean; and block b on rank b modulo ranks. Cannot fail. */
void cls_partition_contiguous(const cls_block_graph *graph, int ranks, int32_t *owner);
void cls_partition_round_robin(const cls_block_graph *graph, int ranks, int32_t *owner);
/* Heaviest block first, each to the rank whose largest relative load stays least: balance and nothing
 * else. */
cls_status cls_partition_heaviest_first(const cls_block_graph *graph, int ranks, int32_t *owner);
/* The default method: best of METIS and other starts after refinement. Leaves the result in
 * placement->owner. */
cls_status cls_partition_metis(const cls_network *network, const cls_block_graph *graph, int ranks,
                               cls_placement *placement);

/* Moves blocks: first from overloaded ranks until every weight is within CLS_BALANCE_LIMIT or no move helps,
 * then wherever expected messages fall and balance does not worsen. Local, deterministic; `budget` bounds the
 * elementary operations (about 1e8 per second). `*saved`: messages per second, summed over
 * the moves; negative where balance cost more than was gained. Does nothing where the table of populations x
 * ranks would exceed a fixed size. */
cls_status cls_partition_refine(const cls_block_graph *graph, uint64_t budget, cls_placement *placement,
                                double *saved);

#endif

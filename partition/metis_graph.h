/* The block graph as METIS takes it. */
#ifndef CALLOSUM_PARTITION_METIS_GRAPH_H
#define CALLOSUM_PARTITION_METIS_GRAPH_H

#include "partition/methods.h"

#include <metis.h>

enum { CLS_VERTICES_A_RANK = 4 }; /* METIS is not asked below this */

/* Vertices. In a network of few populations every population is cut into vertices of `group` consecutive
 * blocks; in one of so many that their edges alone are too many, populations are joined instead: those of
 * a region, then of consecutive regions. */
typedef struct {
  uint32_t group;
  idx_t n;
  uint32_t *first, *parts; /* [populations]: its vertices are first ... first + parts - 1 */
  uint32_t *begin;         /* [n + 1] first population of every vertex, ascending; vertices of one share it */
  double *neurons;         /* [populations] */
  idx_t *row, *target, *cut_weight;
  idx_t *weight, n_weights; /* [n * n_weights]: the kinds of weight that exist at all */
  idx_t *volume;            /* spikes of a vertex */
} cls_metis_graph;

/* Local. `m` is all zero before; free it, whatever is returned. */
cls_status cls_metis_graph_build(const cls_network *network, const cls_placement *placement,
                                 const cls_block_graph *graph, int ranks, cls_metis_graph *m);
void cls_metis_graph_free(cls_metis_graph *m);
uint32_t cls_metis_vertex_of(const cls_placement *placement, const cls_metis_graph *m, uint32_t block);

#endif

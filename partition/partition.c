/* The partitioners behind one name each, and the two that need no optimisation. */
#include "partition/methods.h"

#include <stdlib.h>
#include <string.h>

const char *const cls_partition_methods[] = {"metis", "contiguous", "round_robin", NULL};

static bool needs_edges(const char *method, int ranks) { return strcmp(method, "metis") == 0 && ranks > 1; }

static cls_status check(const char *method, int ranks) {
  bool known = false;
  for (int i = 0; cls_partition_methods[i]; i++) known |= strcmp(method, cls_partition_methods[i]) == 0;
  CLS_CHECK(known, CLS_ERR_INPUT, "partition method '%s': expected metis, contiguous or round_robin", method);
  CLS_CHECK(ranks >= 1, CLS_ERR_INPUT, "partition: ranks %d: expected at least 1", ranks);
  return CLS_OK;
}

cls_status cls_partition_graph(const cls_network *network, const cls_block_graph *graph, const char *method,
                               int ranks, cls_placement *placement) {
  CLS_TRY(check(method, ranks));
  placement->ranks = ranks;
  if (needs_edges(method, ranks)) return cls_partition_metis(network, graph, ranks, placement);
  if (strcmp(method, "round_robin") == 0)
    cls_partition_round_robin(graph, ranks, placement->owner);
  else
    cls_partition_contiguous(graph, ranks, placement->owner);
  return CLS_OK;
}

cls_status cls_partition(const cls_network *network, const char *method, int ranks,
                         cls_placement *placement) {
  cls_block_graph *graph;
  CLS_TRY(check(method, ranks));
  CLS_TRY(needs_edges(method, ranks) ? cls_block_graph_create(network, placement, &graph)
                                     : cls_block_graph_create_weights(network, placement, &graph));
  cls_status status = cls_partition_graph(network, graph, method, ranks, placement);
  cls_block_graph_destroy(graph);
  return status;
}

void cls_partition_contiguous(const cls_block_graph *graph, int ranks, int32_t *owner) {
  double total[3] = {0}, before = 0;
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    for (int k = 0; k < 3; k++) total[k] += graph->weight[b * (size_t)3 + k];
  }
  int k = total[1] > 0 ? 1 : 0;
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    double weight = graph->weight[b * (size_t)3 + k];
    double rank = total[k] > 0 ? (before + weight / 2) / total[k] * ranks : 0; /* where its middle lies */
    owner[b] = rank < ranks ? (int32_t)rank : ranks - 1;
    before += weight;
  }
}

void cls_partition_round_robin(const cls_block_graph *graph, int ranks, int32_t *owner) {
  for (uint32_t b = 0; b < graph->n_blocks; b++) owner[b] = (int32_t)(b % (uint32_t)ranks);
}

/* ---- heaviest first ---- */

typedef struct {
  double size; /* largest weight relative to the total of its kind */
  uint32_t block;
} sized_block;

static int by_size(const void *left, const void *right) {
  const sized_block *a = left, *b = right;
  if (a->size != b->size) return a->size > b->size ? -1 : 1;
  return a->block < b->block ? -1 : a->block > b->block;
}

cls_status cls_partition_heaviest_first(const cls_block_graph *graph, int ranks, int32_t *owner) {
  sized_block *order;
  double *load, scale[3] = {0};
  CLS_TRY(cls_alloc(&order, graph->n_blocks, sizeof *order, "blocks by size"));
  cls_status status = cls_alloc(&load, (size_t)ranks * 3, sizeof *load, "loads of ranks");
  if (status != CLS_OK) {
    free(order);
    return status;
  }
  for (size_t i = 0; i < graph->n_blocks * (size_t)3; i++) scale[i % 3] += graph->weight[i];
  for (int k = 0; k < 3; k++) scale[k] = scale[k] > 0 ? 1 / scale[k] : 0;
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    order[b].block = b;
    for (int k = 0; k < 3; k++) {
      double size = graph->weight[b * (size_t)3 + k] * scale[k];
      if (size > order[b].size) order[b].size = size;
    }
  }
  qsort(order, graph->n_blocks, sizeof *order, by_size);
  for (uint32_t i = 0; i < graph->n_blocks; i++) {
    const double *weight = graph->weight + order[i].block * (size_t)3;
    int best = 0;
    double least = INFINITY;
    for (int r = 0; r < ranks; r++) {
      double most = 0;
      for (int k = 0; k < 3; k++) {
        double after = load[r * (size_t)3 + k] + weight[k] * scale[k];
        if (after > most) most = after;
      }
      if (most < least) least = most, best = r;
    }
    owner[order[i].block] = best;
    for (int k = 0; k < 3; k++) load[best * (size_t)3 + k] += weight[k] * scale[k];
  }
  free(order);
  free(load);
  return CLS_OK;
}

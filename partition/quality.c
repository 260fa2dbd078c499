/* What a placement costs, computed from the block graph and the owners alone. */
#include "base/math.h"
#include "partition/partition.h"

#include <stdlib.h>
#include <string.h>

/* Neurons and spikes of a population on one rank. */
typedef struct {
  int32_t rank;
  double neurons, spikes;
} holding;

/* Which ranks hold a part of each population: row[p] ... row[p + 1] - 1, ranks ascending. */
typedef struct {
  uint64_t *row;
  holding *list;
} spread;

/* Work space over ranks. Only entries of `touched` are non-zero. */
typedef struct {
  double *reach; /* [ranks] sum of reach x target neurons */
  double *share; /* [ranks] share of the source population */
  int32_t *touched;
  int32_t n_touched;
  double *group_spikes; /* [groups] spikes per second of the source population */
} scratch;

static void scratch_free(scratch *s) {
  free(s->reach);
  free(s->share);
  free(s->touched);
  free(s->group_spikes);
}

static cls_status scratch_make(int ranks, scratch *s) {
  memset(s, 0, sizeof *s);
  size_t n = (size_t)ranks;
  cls_status status = cls_alloc(&s->reach, n, sizeof *s->reach, "reach of ranks");
  if (status == CLS_OK) status = cls_alloc(&s->share, n, sizeof *s->share, "shares of ranks");
  if (status == CLS_OK) status = cls_alloc(&s->touched, n, sizeof *s->touched, "touched ranks");
  if (status == CLS_OK) status = cls_alloc(&s->group_spikes, n, sizeof *s->group_spikes, "spikes of nodes");
  if (status != CLS_OK) scratch_free(s);
  return status;
}

static int by_rank(const void *left, const void *right) {
  const holding *a = left, *b = right;
  return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static cls_status spread_make(const cls_placement *placement, const cls_block_graph *graph, spread *s) {
  CLS_TRY(cls_alloc(&s->row, (size_t)graph->n_populations + 1, sizeof *s->row, "rows of holdings"));
  cls_status status = cls_alloc(&s->list, graph->n_blocks, sizeof *s->list, "holdings");
  if (status != CLS_OK) {
    free(s->row);
    return status;
  }
  uint64_t n = 0;
  for (uint32_t p = 0; p < graph->n_populations; p++) {
    uint64_t begin = n, end = n;
    s->row[p] = begin;
    for (uint32_t b = placement->population_first[p]; b < placement->population_first[p + 1]; b++) {
      s->list[end++] = (holding){placement->owner[b], placement->blocks[b].n, graph->spikes[b]};
    }
    qsort(s->list + begin, (size_t)(end - begin), sizeof *s->list, by_rank);
    for (uint64_t i = begin; i < end; i++) {
      if (n > begin && s->list[n - 1].rank == s->list[i].rank) {
        s->list[n - 1].neurons += s->list[i].neurons;
        s->list[n - 1].spikes += s->list[i].spikes;
      } else {
        s->list[n++] = s->list[i];
      }
    }
  }
  s->row[graph->n_populations] = n;
  return CLS_OK;
}

static void spread_free(spread *s) {
  free(s->row);
  free(s->list);
}

/* Ranks that hold targets of population p, with their reach. */
static void scatter_reach(const cls_block_graph *graph, const spread *held, uint32_t p, scratch *work) {
  for (int32_t i = 0; i < work->n_touched; i++) work->reach[work->touched[i]] = 0;
  work->n_touched = 0;
  for (uint64_t e = graph->row[p]; e < graph->row[p + 1]; e++) {
    const cls_block_edge *edge = &graph->edges[e];
    if (!(edge->reach > 0)) continue;
    for (uint64_t i = held->row[edge->target]; i < held->row[edge->target + 1]; i++) {
      const holding *h = &held->list[i];
      if (work->reach[h->rank] == 0) work->touched[work->n_touched++] = h->rank;
      work->reach[h->rank] += edge->reach * h->neurons;
    }
  }
}

/* What one_to_one adds to the messages of population p: of block b's spikes a share d has its partner on rank
 * r, and of these exp(-reach) would not have gone there otherwise. */
static double pair_messages(const cls_placement *placement, const cls_block_graph *graph, uint32_t p,
                            int32_t group, const scratch *work) {
  double sum = 0;
  for (uint32_t b = placement->population_first[p]; b < placement->population_first[p + 1]; b++) {
    uint64_t begin = graph->pair_row[b], end = graph->pair_row[b + 1];
    for (uint64_t i = begin; i < end; i++) {
      int32_t rank = placement->owner[graph->pairs[i].target];
      bool seen = rank / group == placement->owner[b] / group;
      for (uint64_t j = begin; j < i && !seen; j++) seen = placement->owner[graph->pairs[j].target] == rank;
      if (seen) continue;
      double without = 1;
      for (uint64_t j = i; j < end; j++) {
        if (placement->owner[graph->pairs[j].target] == rank) without *= 1 - graph->pairs[j].share;
      }
      sum += graph->spikes[b] * (1 - without) * cls_exp(-work->reach[rank]);
    }
  }
  return sum;
}

/* (spike, rank) pairs per second where the rank is not in the source's group of `group` consecutive ranks. */
static double messages_between_groups(const cls_placement *placement, const cls_block_graph *graph,
                                      const spread *held, int32_t group, scratch *work) {
  double messages = 0;
  for (uint32_t p = 0; p < graph->n_populations; p++) {
    double spikes = 0;
    for (uint64_t i = held->row[p]; i < held->row[p + 1]; i++) {
      work->group_spikes[held->list[i].rank / group] += held->list[i].spikes;
      spikes += held->list[i].spikes;
    }
    scatter_reach(graph, held, p, work);
    for (int32_t i = 0; i < work->n_touched; i++) {
      int32_t rank = work->touched[i];
      double remote = spikes - work->group_spikes[rank / group];
      if (remote > 0) messages -= remote * cls_expm1(-work->reach[rank]);
    }
    messages += pair_messages(placement, graph, p, group, work);
    for (uint64_t i = held->row[p]; i < held->row[p + 1]; i++) {
      work->group_spikes[held->list[i].rank / group] = 0;
    }
  }
  return messages;
}

/* Events per second between ranks: every edge spreads over blocks in proportion to neurons. */
static double cut_events(const cls_network *network, const cls_placement *placement,
                         const cls_block_graph *graph, const spread *held, scratch *work) {
  double cut = 0;
  for (uint32_t p = 0; p < graph->n_populations; p++) {
    const cls_population *source = &network->populations[p];
    for (uint64_t i = held->row[p]; i < held->row[p + 1]; i++) {
      work->share[held->list[i].rank] = held->list[i].neurons / (double)source->n;
    }
    for (uint64_t e = graph->row[p]; e < graph->row[p + 1]; e++) {
      const cls_block_edge *edge = &graph->edges[e];
      double n_target = (double)network->populations[edge->target].n, remote = 0;
      for (uint64_t i = held->row[edge->target]; i < held->row[edge->target + 1]; i++) {
        remote += held->list[i].neurons / n_target * (1 - work->share[held->list[i].rank]);
      }
      cut += edge->synapses * source->rate_hz * remote;
    }
    for (uint64_t i = held->row[p]; i < held->row[p + 1]; i++) work->share[held->list[i].rank] = 0;
  }
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    double rate_hz = network->populations[placement->blocks[b].population].rate_hz;
    for (uint64_t i = graph->pair_row[b]; i < graph->pair_row[b + 1]; i++) {
      const cls_block_pair *pair = &graph->pairs[i];
      if (placement->owner[b] != placement->owner[pair->target]) cut += pair->synapses * rate_hz;
    }
  }
  return cut;
}

/* Greatest number of ranks one rank may send to. Blocks are taken rank by rank; populations that were already
 * looked at for this rank are skipped. */
static cls_status count_links(const cls_placement *placement, const cls_block_graph *graph,
                              const spread *held, uint32_t *out_links) {
  uint32_t *first, *order = NULL;
  int32_t *linked = NULL, *looked = NULL;
  size_t ranks = (size_t)placement->ranks;
  CLS_TRY(cls_alloc(&first, ranks + 2, sizeof *first, "blocks of ranks"));
  cls_status status = cls_alloc(&order, graph->n_blocks, sizeof *order, "blocks by rank");
  if (status == CLS_OK) status = cls_alloc(&linked, ranks, sizeof *linked, "linked ranks");
  if (status == CLS_OK)
    status = cls_alloc(&looked, (size_t)graph->n_populations, sizeof *looked, "populations of a rank");
  if (status == CLS_OK) {
    for (uint32_t b = 0; b < graph->n_blocks; b++) first[placement->owner[b] + 2]++;
    for (size_t r = 0; r < ranks; r++) first[r + 2] += first[r + 1];
    for (uint32_t b = 0; b < graph->n_blocks; b++) order[first[placement->owner[b] + 1]++] = b;
    *out_links = 0;
    for (int32_t r = 0; r < placement->ranks; r++) { /* marks are r + 1, so that 0 is "never" */
      uint32_t links = 0;
      linked[r] = r + 1;
      for (uint32_t k = first[r]; k < first[r + 1] && links + 1 < ranks; k++) {
        uint32_t b = order[k], p = placement->blocks[b].population;
        for (uint64_t i = graph->pair_row[b]; i < graph->pair_row[b + 1]; i++) {
          int32_t to = placement->owner[graph->pairs[i].target];
          links += linked[to] != r + 1;
          linked[to] = r + 1;
        }
        if (looked[p] == r + 1) continue;
        looked[p] = r + 1;
        for (uint64_t e = graph->row[p]; e < graph->row[p + 1]; e++) {
          uint32_t target = graph->edges[e].target;
          if (!(graph->edges[e].reach > 0)) continue;
          for (uint64_t i = held->row[target]; i < held->row[target + 1]; i++) {
            links += linked[held->list[i].rank] != r + 1;
            linked[held->list[i].rank] = r + 1;
          }
        }
      }
      if (links > *out_links) *out_links = links;
    }
  }
  free(first);
  free(order);
  free(linked);
  free(looked);
  return status;
}

static cls_status measure_balance(const cls_placement *placement, const cls_block_graph *graph,
                                  double balance[3]) {
  double *load, total[3] = {0};
  CLS_TRY(cls_alloc(&load, (size_t)placement->ranks * 3, sizeof *load, "loads of ranks"));
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    for (int k = 0; k < 3; k++) {
      load[placement->owner[b] * (size_t)3 + k] += graph->weight[b * (size_t)3 + k];
      total[k] += graph->weight[b * (size_t)3 + k];
    }
  }
  for (int k = 0; k < 3; k++) {
    double most = 0;
    for (int r = 0; r < placement->ranks; r++) {
      if (load[r * (size_t)3 + k] > most) most = load[r * (size_t)3 + k];
    }
    balance[k] = total[k] > 0 ? most * placement->ranks / total[k] : 1;
  }
  free(load);
  return CLS_OK;
}

static cls_status check(const cls_placement *placement, const cls_block_graph *graph) {
  CLS_CHECK(placement->ranks >= 1, CLS_ERR_INPUT, "placement: ranks %d: expected at least 1",
            placement->ranks);
  CLS_CHECK(graph->n_blocks == placement->n_blocks, CLS_ERR_INPUT,
            "block graph: %u blocks: the placement has %u", graph->n_blocks, placement->n_blocks);
  for (uint32_t b = 0; b < placement->n_blocks; b++) {
    CLS_CHECK(placement->owner[b] >= 0 && placement->owner[b] < placement->ranks, CLS_ERR_INPUT,
              "placement: owner of block %u is %d: expected 0 ... %d", b, placement->owner[b],
              placement->ranks - 1);
  }
  return CLS_OK;
}

cls_status cls_partition_measure(const cls_network *network, const cls_placement *placement,
                                 const cls_block_graph *graph, cls_partition_quality *quality) {
  spread held;
  scratch work;
  CLS_TRY(check(placement, graph));
  CLS_TRY(measure_balance(placement, graph, quality->balance));
  CLS_TRY(spread_make(placement, graph, &held));
  cls_status status = scratch_make(placement->ranks, &work);
  if (status == CLS_OK) {
    quality->messages = messages_between_groups(placement, graph, &held, 1, &work);
    quality->cut = cut_events(network, placement, graph, &held, &work);
    scratch_free(&work);
    status = count_links(placement, graph, &held, &quality->out_links);
  }
  spread_free(&held);
  return status;
}

/* One answer with the ranks of a placement as they are, or with nodes in their place. */
static cls_status measure_groups(const cls_placement *placement, const cls_block_graph *graph, int32_t group,
                                 double *messages) {
  spread held;
  scratch work;
  CLS_TRY(spread_make(placement, graph, &held));
  cls_status status = scratch_make(placement->ranks, &work);
  if (status == CLS_OK) {
    *messages = messages_between_groups(placement, graph, &held, group, &work);
    scratch_free(&work);
  }
  spread_free(&held);
  return status;
}

cls_status cls_partition_measure_nodes(const cls_network *network, const cls_placement *placement,
                                       const cls_block_graph *graph, int ranks_per_node, double *crossing,
                                       double *aggregated) {
  (void)network;
  CLS_TRY(check(placement, graph));
  CLS_CHECK(ranks_per_node >= 1, CLS_ERR_INPUT, "ranks per node %d: expected at least 1", ranks_per_node);
  CLS_TRY(measure_groups(placement, graph, ranks_per_node, crossing));
  cls_placement nodes = *placement;
  CLS_TRY(cls_alloc(&nodes.owner, placement->n_blocks, sizeof *nodes.owner, "nodes of blocks"));
  for (uint32_t b = 0; b < placement->n_blocks; b++) nodes.owner[b] = placement->owner[b] / ranks_per_node;
  cls_status status = measure_groups(&nodes, graph, 1, aggregated);
  free(nodes.owner);
  return status;
}

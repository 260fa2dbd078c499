/* The default method. METIS 5.1 (Karypis & Kumar, SIAM J. Sci. Comput. 20, 1998) cuts the block graph with
 * three balance constraints; its objectives stand for ours only roughly (the volume counts a neighbouring
 * rank once however thin the edge, the cut counts it once per edge), so several of its answers, and the
 * contiguous order, are refined on the exact measure and the best is kept. Balance and messages are
 * recomputed here: METIS may break the balance asked for. */
#include "partition/methods.h"

#include <metis.h>
#include <stdlib.h>
#include <string.h>

#define EDGE_LIMIT      (1ull << 20) /* undirected edges handed to METIS; beyond, blocks are grouped */
#define WEIGHT_SUM      536870912.0  /* integer weights of METIS (32 bit) add up to about this */
#define IMBALANCE       1.03         /* asked of METIS, below CLS_BALANCE_LIMIT */
#define REFINE_BUDGET   60000000ull  /* elementary operations per start */
#define VERTICES_A_RANK 4            /* METIS is not asked below this */
/* Time of METIS grows about as edges x ranks, of its volume objective several times faster: further calls end
 * where their sum passes this, a second or two. */
#define METIS_WORK  6e7
#define VOLUME_COST 6

/* Vertices: groups of `group` consecutive blocks of one population. */
typedef struct {
  uint32_t group;
  idx_t n;
  uint32_t *first; /* [populations + 1] first vertex of each population */
  idx_t *row, *target, *cut_weight;
  idx_t *weight, n_weights; /* [n * n_weights]: the kinds of weight that exist at all */
  idx_t *volume;            /* spikes of a vertex */
} metis_graph;

typedef struct {
  uint32_t from, to;
  double weight;
} link;

static void metis_graph_free(metis_graph *m) {
  free(m->first);
  free(m->row);
  free(m->target);
  free(m->cut_weight);
  free(m->weight);
  free(m->volume);
}

static uint32_t vertex_of(const cls_placement *placement, const metis_graph *m, uint32_t block) {
  uint32_t p = placement->blocks[block].population;
  return m->first[p] + (block - placement->population_first[p]) / m->group;
}

/* Blocks of vertex v of population p: [*begin, *end). */
static void blocks_of(const cls_placement *placement, const metis_graph *m, uint32_t p, uint32_t v,
                      uint32_t *begin, uint32_t *end) {
  *begin = placement->population_first[p] + (v - m->first[p]) * m->group;
  *end = *begin + m->group;
  if (*end > placement->population_first[p + 1]) *end = placement->population_first[p + 1];
}

/* ---- vertices ---- */

static void number_vertices(const cls_placement *placement, uint32_t n_populations, metis_graph *m) {
  m->first[0] = 0;
  for (uint32_t p = 0; p < n_populations; p++) {
    uint32_t blocks = placement->population_first[p + 1] - placement->population_first[p];
    m->first[p + 1] = m->first[p] + (blocks + m->group - 1) / m->group;
  }
  m->n = (idx_t)m->first[n_populations];
}

static uint64_t count_links(const cls_block_graph *graph, const metis_graph *m) {
  uint64_t n = graph->pair_row[graph->n_blocks];
  for (uint32_t p = 0; p < graph->n_populations; p++) {
    for (uint64_t e = graph->row[p]; e < graph->row[p + 1]; e++) {
      uint32_t q = graph->edges[e].target;
      n += (uint64_t)(m->first[p + 1] - m->first[p]) * (m->first[q + 1] - m->first[q]);
    }
  }
  return n;
}

/* Groups as few blocks as keep the edges within the limit: a dense network of many blocks is all alike. */
static cls_status choose_vertices(const cls_placement *placement, const cls_block_graph *graph,
                                  metis_graph *m) {
  CLS_CHECK(graph->n_blocks <= INT32_MAX, CLS_ERR_LIMIT, "partition: %u blocks: METIS takes at most %d",
            graph->n_blocks, INT32_MAX);
  CLS_TRY(cls_alloc(&m->first, (size_t)graph->n_populations + 1, sizeof *m->first, "vertices"));
  for (m->group = 1;; m->group *= 2) {
    number_vertices(placement, graph->n_populations, m);
    if (count_links(graph, m) <= EDGE_LIMIT || m->n <= (idx_t)graph->n_populations) return CLS_OK;
  }
}

/* Integers in proportion to `values`, of about WEIGHT_SUM in all. */
static void to_integers(const double *values, size_t n, size_t stride, double sum, idx_t least, idx_t *out) {
  double total = 0;
  for (size_t i = 0; i < n; i++) total += values[i];
  for (size_t i = 0; i < n; i++) {
    double scaled = total > 0 ? values[i] / total * sum : 0;
    out[i * stride] = (idx_t)(scaled + .5) > least ? (idx_t)(scaled + .5) : least;
  }
}

static cls_status weigh_vertices(const cls_placement *placement, const cls_block_graph *graph, int ranks,
                                 metis_graph *m) {
  double *sum; /* [4 x n]: three weights, then spikes */
  size_t n = (size_t)m->n;
  CLS_TRY(cls_alloc(&m->weight, n * 3, sizeof *m->weight, "vertex weights"));
  CLS_TRY(cls_alloc(&m->volume, n, sizeof *m->volume, "vertex volumes"));
  CLS_TRY(cls_alloc(&sum, n * 4, sizeof *sum, "sums over vertices"));
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    size_t v = vertex_of(placement, m, b);
    for (size_t k = 0; k < 3; k++) sum[k * n + v] += graph->weight[b * (size_t)3 + k];
    sum[3 * n + v] += graph->spikes[b];
  }
  bool exists[3] = {0};
  for (size_t i = 0; i < 3 * n; i++) exists[i / n] |= sum[i] > 0;
  m->n_weights = (idx_t)exists[0] + exists[1] + exists[2];
  idx_t k = 0;
  for (size_t i = 0; i < 3; i++) {
    if (exists[i]) to_integers(sum + i * n, n, (size_t)m->n_weights, WEIGHT_SUM, 0, m->weight + k++);
  }
  to_integers(sum + 3 * n, n, 1, WEIGHT_SUM / ranks, 1, m->volume);
  free(sum);
  return CLS_OK;
}

/* ---- edges ---- */

static int by_to(const void *left, const void *right) {
  const link *a = left, *b = right;
  return a->to < b->to ? -1 : a->to > b->to;
}

/* Both directions of every edge, weighted by the messages it alone would cause. */
static uint64_t list_links(const cls_network *network, const cls_placement *placement,
                           const cls_block_graph *graph, const metis_graph *m, link *links) {
  uint64_t n = 0;
  for (uint32_t p = 0; p < graph->n_populations; p++) {
    const cls_population *source = &network->populations[p];
    for (uint64_t e = graph->row[p]; e < graph->row[p + 1]; e++) {
      const cls_block_edge *edge = &graph->edges[e];
      uint32_t q = edge->target, begin, end;
      for (uint32_t to = m->first[q]; to < m->first[q + 1]; to++) {
        double n_to = 0;
        blocks_of(placement, m, q, to, &begin, &end);
        for (uint32_t b = begin; b < end; b++) n_to += placement->blocks[b].n;
        double sent = -cls_expm1(-edge->reach * n_to) * source->rate_hz;
        for (uint32_t from = m->first[p]; from < m->first[p + 1]; from++) {
          double n_from = 0;
          if (from == to) continue;
          blocks_of(placement, m, p, from, &begin, &end);
          for (uint32_t b = begin; b < end; b++) n_from += placement->blocks[b].n;
          links[n++] = (link){from, to, sent * n_from};
          links[n++] = (link){to, from, sent * n_from};
        }
      }
    }
  }
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    for (uint64_t i = graph->pair_row[b]; i < graph->pair_row[b + 1]; i++) {
      uint32_t from = vertex_of(placement, m, b), to = vertex_of(placement, m, graph->pairs[i].target);
      double sent = graph->pairs[i].share * graph->spikes[b];
      links[n++] = (link){from, to, sent};
      links[n++] = (link){to, from, sent};
    }
  }
  return n;
}

/* Merges double links; the weights end as integers of a bounded sum. */
static cls_status to_rows(link *links, uint64_t n_links, metis_graph *m) {
  link *sorted;
  uint64_t *next, n = 0, begin = 0;
  double *weight;
  CLS_TRY(cls_alloc(&m->row, (size_t)m->n + 1, sizeof *m->row, "rows of METIS"));
  CLS_TRY(cls_alloc(&m->target, (size_t)n_links, sizeof *m->target, "edges of METIS"));
  CLS_TRY(cls_alloc(&m->cut_weight, (size_t)n_links, sizeof *m->cut_weight, "edge weights of METIS"));
  CLS_TRY(cls_alloc(&next, (size_t)m->n + 1, sizeof *next, "row ends"));
  cls_status status = cls_alloc(&sorted, (size_t)n_links, sizeof *sorted, "links by row");
  if (status == CLS_OK) {
    for (uint64_t i = 0; i < n_links; i++) next[links[i].from + 1]++;
    for (idx_t v = 0; v < m->n; v++) next[v + 1] += next[v];
    for (uint64_t i = 0; i < n_links; i++) sorted[next[links[i].from]++] = links[i];
    weight = (double *)links; /* no longer read, and large enough */
    for (idx_t v = 0; v < m->n; v++) {
      uint64_t end = next[v], start = n;
      m->row[v] = (idx_t)n;
      qsort(sorted + begin, (size_t)(end - begin), sizeof *sorted, by_to);
      for (uint64_t i = begin; i < end; i++) {
        if (n > start && m->target[n - 1] == (idx_t)sorted[i].to) {
          weight[n - 1] += sorted[i].weight;
        } else {
          m->target[n] = (idx_t)sorted[i].to;
          weight[n++] = sorted[i].weight;
        }
      }
      begin = end;
    }
    m->row[m->n] = (idx_t)n;
    to_integers(weight, (size_t)n, 1, WEIGHT_SUM, 1, m->cut_weight);
    free(sorted);
  }
  free(next);
  return status;
}

static cls_status build(const cls_network *network, const cls_placement *placement,
                        const cls_block_graph *graph, int ranks, metis_graph *m) {
  link *links;
  CLS_TRY(choose_vertices(placement, graph, m));
  CLS_TRY(weigh_vertices(placement, graph, ranks, m));
  uint64_t capacity = 2 * count_links(graph, m);
  CLS_CHECK(capacity < INT32_MAX, CLS_ERR_LIMIT, "partition: %llu edges between populations: at most %d",
            (unsigned long long)capacity, INT32_MAX - 1);
  CLS_TRY(cls_alloc(&links, (size_t)capacity, sizeof *links, "links between blocks"));
  cls_status status = to_rows(links, list_links(network, placement, graph, m, links), m);
  free(links);
  return status;
}

/* ---- starts ---- */

typedef struct {
  bool recursive;
  idx_t objective, seed;
} metis_call;

/* False where METIS gave up: another start is taken then. */
static bool ask(metis_graph *m, const metis_call *call, int ranks, idx_t *part) {
  idx_t options[METIS_NOPTIONS], parts = ranks, objective = 0;
  real_t imbalance[3] = {(real_t)IMBALANCE, (real_t)IMBALANCE, (real_t)IMBALANCE};
  METIS_SetDefaultOptions(options);
  options[METIS_OPTION_SEED] = call->seed;
  options[METIS_OPTION_OBJTYPE] = call->objective;
  if (call->recursive) {
    return METIS_PartGraphRecursive(&m->n, &m->n_weights, m->row, m->target, m->weight, NULL, m->cut_weight,
                                    &parts, NULL, imbalance, options, &objective, part) == METIS_OK;
  }
  bool volume = call->objective == METIS_OBJTYPE_VOL;
  return METIS_PartGraphKway(&m->n, &m->n_weights, m->row, m->target, m->weight, volume ? m->volume : NULL,
                             volume ? NULL : m->cut_weight, &parts, NULL, imbalance, options, &objective,
                             part) == METIS_OK;
}

static double worst_of(const cls_partition_quality *q) {
  double worst = q->balance[0];
  for (int k = 1; k < 3; k++) worst = q->balance[k] > worst ? q->balance[k] : worst;
  return worst > CLS_BALANCE_LIMIT ? worst : CLS_BALANCE_LIMIT;
}

/* Refines placement->owner and keeps it in `best` where it is better: balance first, then messages. */
static cls_status consider(const cls_network *network, const cls_block_graph *graph, cls_placement *placement,
                           cls_partition_quality *best, int32_t *best_owner) {
  cls_partition_quality quality;
  double saved;
  CLS_TRY(cls_partition_refine(graph, REFINE_BUDGET, placement, &saved));
  CLS_TRY(cls_partition_measure(network, placement, graph, &quality));
  double worst = worst_of(&quality), least = worst_of(best);
  if (worst > least || (worst == least && quality.messages >= best->messages)) return CLS_OK;
  *best = quality;
  memcpy(best_owner, placement->owner, graph->n_blocks * sizeof *best_owner);
  return CLS_OK;
}

static cls_status consider_metis(const cls_network *network, const cls_block_graph *graph, int ranks,
                                 cls_placement *placement, cls_partition_quality *best, int32_t *best_owner) {
  static const metis_call calls[] = {{true, METIS_OBJTYPE_CUT, 1},  {false, METIS_OBJTYPE_CUT, 1},
                                     {false, METIS_OBJTYPE_VOL, 1}, {false, METIS_OBJTYPE_CUT, 2},
                                     {false, METIS_OBJTYPE_CUT, 3}, {false, METIS_OBJTYPE_CUT, 4},
                                     {false, METIS_OBJTYPE_VOL, 2}, {false, METIS_OBJTYPE_VOL, 3}};
  metis_graph m = {0};
  idx_t *part = NULL;
  cls_status status = build(network, placement, graph, ranks, &m);
  if (status == CLS_OK && m.n >= VERTICES_A_RANK * (idx_t)ranks && m.row[m.n] > 0) {
    status = cls_alloc(&part, (size_t)m.n, sizeof *part, "parts of vertices");
    double a_call = (double)m.row[m.n] * ranks, work = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls && status == CLS_OK; i++) {
      double cost = calls[i].objective == METIS_OBJTYPE_VOL ? a_call * VOLUME_COST : a_call;
      if (i >= 2 && work + cost > METIS_WORK) continue;
      work += cost;
      if (!ask(&m, &calls[i], ranks, part)) continue;
      for (uint32_t b = 0; b < graph->n_blocks; b++) {
        placement->owner[b] = (int32_t)part[vertex_of(placement, &m, b)];
      }
      status = consider(network, graph, placement, best, best_owner);
    }
  }
  free(part);
  metis_graph_free(&m);
  return status;
}

cls_status cls_partition_metis(const cls_network *network, const cls_block_graph *graph, int ranks,
                               cls_placement *placement) {
  cls_partition_quality best = {.balance = {INFINITY, INFINITY, INFINITY}, .messages = INFINITY};
  int32_t *best_owner;
  CLS_TRY(cls_alloc(&best_owner, graph->n_blocks, sizeof *best_owner, "owners"));
  cls_partition_contiguous(graph, ranks, placement->owner);
  cls_status status = consider(network, graph, placement, &best, best_owner);
  if (status == CLS_OK) status = cls_partition_heaviest_first(graph, ranks, placement->owner);
  if (status == CLS_OK) status = consider(network, graph, placement, &best, best_owner);
  if (status == CLS_OK) status = consider_metis(network, graph, ranks, placement, &best, best_owner);
  if (status == CLS_OK) memcpy(placement->owner, best_owner, graph->n_blocks * sizeof *best_owner);
  free(best_owner);
  return status;
}

/* From the block graph to METIS's: few enough vertices and edges for it, weights as integers. */
#include "partition/metis_graph.h"

#include <stdlib.h>
#include <string.h>

#define EDGE_LIMIT                                                                                           \
  (1ull << 20) /* edges handed to METIS; beyond, blocks are grouped, then populations joined */
#define WEIGHT_SUM 536870912.0 /* integer weights of METIS (32 bit) add up to about this */

typedef struct {
  uint32_t from, to;
  double weight;
} link;

/* What rows of edges are merged with. */
typedef struct {
  const cls_network *network;
  const cls_placement *placement;
  const cls_block_graph *graph;
  const cls_metis_graph *m;
  double *sum;       /* [vertices] of the row: what it sends to each */
  uint32_t *touched; /* [vertices] */
  uint8_t *seen;     /* [vertices] */
} merger;

void cls_metis_graph_free(cls_metis_graph *m) {
  free(m->first);
  free(m->parts);
  free(m->begin);
  free(m->neurons);
  free(m->row);
  free(m->target);
  free(m->cut_weight);
  free(m->weight);
  free(m->volume);
}

uint32_t cls_metis_vertex_of(const cls_placement *placement, const cls_metis_graph *m, uint32_t block) {
  uint32_t p = placement->blocks[block].population;
  return m->parts[p] == 1 ? m->first[p] : m->first[p] + (block - placement->population_first[p]) / m->group;
}

/* Neurons of population p in its vertex v. */
static double neurons_in(const cls_placement *placement, const cls_metis_graph *m, uint32_t p, uint32_t v) {
  if (m->parts[p] == 1) return m->neurons[p];
  uint32_t begin = placement->population_first[p] + (v - m->first[p]) * m->group, end = begin + m->group;
  if (end > placement->population_first[p + 1]) end = placement->population_first[p + 1];
  double n = 0;
  for (uint32_t b = begin; b < end; b++) n += placement->blocks[b].n;
  return n;
}

/* ---- vertices ---- */

/* Cuts populations into vertices of m->group blocks. */
static void number_vertices(const cls_placement *placement, uint32_t n_populations, cls_metis_graph *m) {
  uint32_t n = 0;
  for (uint32_t p = 0; p < n_populations; p++) {
    uint32_t blocks = placement->population_first[p + 1] - placement->population_first[p];
    m->first[p] = n;
    m->parts[p] = (blocks + m->group - 1) / m->group;
    n += m->parts[p];
  }
  m->n = (idx_t)n;
}

/* Joins populations of a region (those of none stay alone), and `regions` consecutive ones. */
static void join_populations(const cls_network *network, uint32_t regions, cls_metis_graph *m) {
  uint32_t n = 0, joined = 0;
  for (uint32_t p = 0; p < network->n_populations; p++) {
    int region = network->populations[p].region;
    bool same = p > 0 && region >= 0 && region == network->populations[p - 1].region;
    if (p > 0 && !same && ++joined == regions) joined = 0, n++;
    m->first[p] = n;
    m->parts[p] = 1;
  }
  m->n = (idx_t)n + 1;
}

static cls_status list_begins(uint32_t n_populations, cls_metis_graph *m) {
  free(m->begin);
  m->begin = NULL;
  CLS_TRY(cls_alloc(&m->begin, (size_t)m->n + 1, sizeof *m->begin, "vertices"));
  for (uint32_t p = n_populations; p-- > 0;)
    for (uint32_t k = 0; k < m->parts[p]; k++) m->begin[m->first[p] + k] = p;
  m->begin[m->n] = n_populations;
  return CLS_OK;
}

/* Edges before those between the same vertices are added up. */
static uint64_t count_edges(const cls_block_graph *graph, const cls_metis_graph *m) {
  uint64_t n = graph->pair_row[graph->n_blocks];
  for (uint32_t p = 0; p < graph->n_populations; p++)
    for (uint64_t e = graph->row[p]; e < graph->row[p + 1]; e++)
      n += (uint64_t)m->parts[p] * m->parts[graph->edges[e].target];
  return n;
}

/* ---- edges ---- */

/* Where vertex v sends, by its populations' edges, each once: how many; with `links` also how much: both
 * directions of every edge, weighted by the messages it alone would cause. */
static uint64_t merge_row(merger *g, uint32_t v, link *links) {
  const cls_metis_graph *m = g->m;
  uint64_t n = 0;
  uint32_t last = m->begin[v]; /* of its populations: a part of one, or several whole ones */
  while (last + 1 < g->graph->n_populations && m->parts[last + 1] == 1 && m->first[last + 1] == v) last++;
  for (uint32_t p = m->begin[v]; p <= last; p++) {
    double rate = links ? g->network->populations[p].rate_hz * neurons_in(g->placement, m, p, v) : 0;
    for (uint64_t e = g->graph->row[p]; e < g->graph->row[p + 1]; e++) {
      const cls_block_edge *edge = &g->graph->edges[e];
      uint32_t q = edge->target;
      for (uint32_t to = m->first[q]; to < m->first[q] + m->parts[q]; to++) {
        if (to == v) continue;
        if (!g->seen[to]) g->touched[n++] = to;
        g->seen[to] = 1;
        if (!links) continue;
        g->sum[to] -= cls_expm1(-(double)edge->reach * neurons_in(g->placement, m, q, to)) * rate;
      }
    }
  }
  for (uint64_t i = 0; i < n; i++) {
    uint32_t to = g->touched[i];
    if (links) {
      links[2 * i] = (link){v, to, g->sum[to]};
      links[2 * i + 1] = (link){to, v, g->sum[to]};
    }
    g->seen[to] = 0;
    g->sum[to] = 0;
  }
  return n;
}

static void merger_free(merger *g) {
  free(g->sum);
  free(g->touched);
  free(g->seen);
}

static cls_status merger_make(merger *g) {
  size_t n = (size_t)g->m->n;
  CLS_TRY(cls_alloc(&g->sum, n, sizeof *g->sum, "edges of a vertex"));
  CLS_TRY(cls_alloc(&g->touched, n, sizeof *g->touched, "edges of a vertex"));
  return cls_alloc(&g->seen, n, sizeof *g->seen, "edges of a vertex");
}

static cls_status count_merged(const cls_network *network, const cls_placement *placement,
                               const cls_block_graph *graph, const cls_metis_graph *m, uint64_t *n) {
  merger g = {network, placement, graph, m, NULL, NULL, NULL};
  cls_status status = merger_make(&g);
  *n = graph->pair_row[graph->n_blocks];
  for (uint32_t v = 0; v < (uint32_t)m->n && status == CLS_OK; v++) *n += merge_row(&g, v, NULL);
  merger_free(&g);
  return status;
}

static cls_status list_links(const cls_network *network, const cls_placement *placement,
                             const cls_block_graph *graph, const cls_metis_graph *m, link *links,
                             uint64_t *n) {
  merger g = {network, placement, graph, m, NULL, NULL, NULL};
  cls_status status = merger_make(&g);
  *n = 0;
  for (uint32_t v = 0; v < (uint32_t)m->n && status == CLS_OK; v++) *n += 2 * merge_row(&g, v, links + *n);
  merger_free(&g);
  for (uint32_t b = 0; b < graph->n_blocks && status == CLS_OK; b++) {
    for (uint64_t i = graph->pair_row[b]; i < graph->pair_row[b + 1]; i++) {
      uint32_t from = cls_metis_vertex_of(placement, m, b);
      uint32_t to = cls_metis_vertex_of(placement, m, graph->pairs[i].target);
      double sent = graph->pairs[i].share * graph->spikes[b];
      if (from == to) continue;
      links[(*n)++] = (link){from, to, sent};
      links[(*n)++] = (link){to, from, sent};
    }
  }
  return status;
}

/* Groups as few blocks, then joins as few populations, as keep the edges within the limit: a dense network
 * of many blocks is all alike, and so are the populations of one of many small regions. */
static cls_status choose_vertices(const cls_network *network, const cls_placement *placement,
                                  const cls_block_graph *graph, int ranks, cls_metis_graph *m,
                                  uint64_t *edges) {
  uint32_t n_populations = graph->n_populations;
  CLS_CHECK(graph->n_blocks <= INT32_MAX, CLS_ERR_LIMIT, "partition: %u blocks: METIS takes at most %d",
            graph->n_blocks, INT32_MAX);
  CLS_TRY(cls_alloc(&m->first, n_populations, sizeof *m->first, "vertices"));
  CLS_TRY(cls_alloc(&m->parts, n_populations, sizeof *m->parts, "vertices"));
  CLS_TRY(cls_alloc(&m->neurons, n_populations, sizeof *m->neurons, "sizes of populations"));
  for (uint32_t p = 0; p < n_populations; p++) m->neurons[p] = (double)network->populations[p].n;
  for (m->group = 1;; m->group *= 2) {
    number_vertices(placement, n_populations, m);
    *edges = count_edges(graph, m);
    if (*edges <= EDGE_LIMIT || m->n <= (idx_t)n_populations) break;
  }
  CLS_TRY(list_begins(n_populations, m));
  CLS_TRY(count_merged(network, placement, graph, m, edges));
  idx_t enough = (idx_t)ranks * CLS_VERTICES_A_RANK;
  for (uint32_t regions = 1; *edges > EDGE_LIMIT && m->n / 2 >= enough; regions *= 2) {
    join_populations(network, regions, m);
    CLS_TRY(list_begins(n_populations, m));
    CLS_TRY(count_merged(network, placement, graph, m, edges));
  }
  return CLS_OK;
}

/* ---- integers ---- */

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
                                 cls_metis_graph *m) {
  double *sum; /* [4 x n]: three weights, then spikes */
  size_t n = (size_t)m->n;
  CLS_TRY(cls_alloc(&m->weight, n * 3, sizeof *m->weight, "vertex weights"));
  CLS_TRY(cls_alloc(&m->volume, n, sizeof *m->volume, "vertex volumes"));
  CLS_TRY(cls_alloc(&sum, n * 4, sizeof *sum, "sums over vertices"));
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    size_t v = cls_metis_vertex_of(placement, m, b);
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

static int by_to(const void *left, const void *right) {
  const link *a = left, *b = right;
  return a->to < b->to ? -1 : a->to > b->to;
}

/* Merges double links; the weights end as integers of a bounded sum. */
static cls_status to_rows(link *links, uint64_t n_links, cls_metis_graph *m) {
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

cls_status cls_metis_graph_build(const cls_network *network, const cls_placement *placement,
                                 const cls_block_graph *graph, int ranks, cls_metis_graph *m) {
  link *links;
  uint64_t edges, n;
  CLS_TRY(choose_vertices(network, placement, graph, ranks, m, &edges));
  CLS_TRY(weigh_vertices(placement, graph, ranks, m));
  CLS_CHECK(2 * edges < INT32_MAX, CLS_ERR_LIMIT, "partition: %llu edges between populations: at most %d",
            (unsigned long long)(2 * edges), INT32_MAX - 1);
  CLS_TRY(cls_alloc(&links, (size_t)(2 * edges), sizeof *links, "links between blocks"));
  cls_status status = list_links(network, placement, graph, m, links, &n);
  if (status == CLS_OK) status = to_rows(links, n, m);
  free(links);
  return status;
}

/* The block graph from a network's population-level tables.
 *
 * Cost model. Updates: one neuron-step costs 1, each input model attached to it (poisson, ou, dc) adds .5.
 * Events: every synapse costs the rate of its source. Bytes: 5 per synapse (4 stored, headers and offsets on
 * top), and per neuron its states, its receptor inputs, its own constants where parameters vary within the
 * population, and 16 for recent spikes and slots. */
#include "partition/methods.h"

#include <stdlib.h>
#include <string.h>

#define COST_PER_INPUT    0.5
#define BYTES_PER_SYNAPSE 5.0
#define BYTES_PER_NEURON  16.0
#define REACH_CERTAIN     64.0 /* exp(-64) stands for "always has a synapse" */

static cls_status build_edges(const cls_network *network, cls_block_graph *graph);
static cls_status build_pairs(const cls_network *network, const cls_placement *placement,
                              cls_block_graph *graph);
static cls_status build_weights(const cls_network *network, const cls_placement *placement,
                                cls_block_graph *graph);

static cls_status fill(const cls_network *network, const cls_placement *placement, bool edges,
                       cls_block_graph *g) {
  g->n_blocks = placement->n_blocks;
  g->n_populations = network->n_populations;
  if (edges) CLS_TRY(build_edges(network, g));
  if (edges) CLS_TRY(build_pairs(network, placement, g));
  return build_weights(network, placement, g);
}

static cls_status create(const cls_network *network, const cls_placement *placement, bool edges,
                         cls_block_graph **graph) {
  cls_block_graph *g;
  *graph = NULL;
  CLS_TRY(cls_alloc(&g, 1, sizeof *g, "block graph"));
  cls_status status = fill(network, placement, edges, g);
  if (status != CLS_OK) {
    cls_block_graph_destroy(g);
    return status;
  }
  *graph = g;
  return CLS_OK;
}

cls_status cls_block_graph_create(const cls_network *network, const cls_placement *placement,
                                  cls_block_graph **graph) {
  return create(network, placement, true, graph);
}

cls_status cls_block_graph_create_weights(const cls_network *network, const cls_placement *placement,
                                          cls_block_graph **graph) {
  return create(network, placement, false, graph);
}

void cls_block_graph_destroy(cls_block_graph *graph) {
  if (!graph) return;
  free(graph->weight);
  free(graph->spikes);
  free(graph->row);
  free(graph->edges);
  free(graph->pair_row);
  free(graph->pairs);
  free(graph);
}

/* ---- edges between populations ---- */

/* -ln(1 - x) for 0 <= x, exact also where x is tiny. */
static double minus_log1m(double x) {
  if (x <= 0) return 0;
  if (x < 1e-3) return x * (1 + x * (1. / 2 + x * (1. / 3 + x * (1. / 4 + x * (1. / 5)))));
  if (x >= 1) return REACH_CERTAIN;
  double y = -cls_ln(1 - x);
  return y < REACH_CERTAIN ? y : REACH_CERTAIN;
}

/* -ln P(no synapse) of one source neuron and one target neuron of different numbers. n_source: neurons of the
 * source. */
static double reach_of(const cls_network *network, const cls_projection *projection, uint32_t s,
                       double n_source) {
  const cls_projection_source *source = &projection->sources[s];
  double n_target = (double)network->populations[projection->target].n;
  if (source->population == projection->target && !projection->autapses) n_source -= 1;
  if (n_source < 1 || n_target < 1) return 0;
  double k = (double)projection->indegree, pairs = n_source * n_target;
  switch (projection->rule) {
  case CLS_FIXED_INDEGREE:
    if (projection->multapses) return k * minus_log1m(source->weight / n_source);
    return minus_log1m(k * source->weight / n_source);
  case CLS_FIXED_TOTAL_NUMBER:
    if (projection->multapses) return (double)projection->total * minus_log1m(1 / pairs);
    return minus_log1m((double)projection->total / pairs);
  case CLS_PAIRWISE_BERNOULLI: /* with a kernel: its mean over all pairs */
    return minus_log1m(projection->probability);
  case CLS_FIXED_OUTDEGREE: /* of the source's draws, from the other end */
    n_target = pairs / (double)network->populations[source->population].n;
    if (projection->multapses) return (double)projection->outdegree * minus_log1m(1 / n_target);
    return minus_log1m((double)projection->outdegree / n_target);
  case CLS_EXPLICIT: /* as if it had been drawn: blocks of a population count as interchangeable */
    return cls_projection_expected_synapses(network, projection) * minus_log1m(1 / pairs);
  case CLS_ALL_TO_ALL:
    return REACH_CERTAIN;
  case CLS_ONE_TO_ONE: /* kept as pairs of blocks */
    return 0;
  }
  return 0;
}

/* Numbers of projections in the order of their targets, those onto one population in their own order. */
static cls_status sort_projections(const cls_network *network, uint32_t **sorted) {
  uint32_t *next = NULL;
  CLS_TRY(cls_alloc(sorted, network->n_projections, sizeof **sorted, "projections by target"));
  CLS_TRY(cls_alloc(&next, (size_t)network->n_populations + 1, sizeof *next, "projections by target"));
  for (uint32_t j = 0; j < network->n_projections; j++) next[network->projections[j].target + 1]++;
  for (uint32_t p = 0; p < network->n_populations; p++) next[p + 1] += next[p];
  for (uint32_t j = 0; j < network->n_projections; j++) (*sorted)[next[network->projections[j].target]++] = j;
  free(next);
  return CLS_OK;
}

/* Appends one edge per source to the sources' rows, which end at last[]. Targets come ascending, so every
 * row is sorted, and an edge between the same populations, which is the row's last, is added up. */
static void fill_rows(const cls_network *network, const uint32_t *sorted, const double *neurons,
                      uint64_t *last, cls_block_graph *graph) {
  for (uint32_t i = 0; i < network->n_projections; i++) {
    const cls_projection *projection = &network->projections[sorted[i]];
    if (projection->rule == CLS_ONE_TO_ONE) continue;
    double synapses = cls_projection_expected_synapses(network, projection);
    for (uint32_t s = 0; s < projection->n_sources; s++) {
      uint32_t p = projection->sources[s].population;
      cls_block_edge *end = &graph->edges[last[p]];
      bool again = last[p] > graph->row[p] && end[-1].target == projection->target;
      cls_block_edge *edge = again ? end - 1 : end;
      if (!again) {
        *edge = (cls_block_edge){.target = projection->target};
        last[p]++;
      }
      edge->synapses += synapses * projection->sources[s].weight;
      edge->reach += (float)reach_of(network, projection, s, neurons[p]);
    }
  }
}

/* Closes the gaps that edges leave which were added up. */
static void close_rows(const uint64_t *last, cls_block_graph *graph) {
  uint64_t n = 0;
  for (uint32_t p = 0; p < graph->n_populations; p++) {
    uint64_t begin = graph->row[p];
    graph->row[p] = n;
    if (n != begin) memmove(graph->edges + n, graph->edges + begin, (last[p] - begin) * sizeof *graph->edges);
    n += last[p] - begin;
  }
  graph->row[graph->n_populations] = n;
}

/* Projections other than one_to_one as one edge per source: counted by source population, then filled in. */
static cls_status build_edges(const cls_network *network, cls_block_graph *graph) {
  uint32_t n_populations = network->n_populations, *sorted = NULL;
  uint64_t *last = NULL;
  double *neurons = NULL; /* side by side: populations are large, and sources come from everywhere */
  CLS_TRY(cls_alloc(&graph->row, (size_t)n_populations + 1, sizeof *graph->row, "edge rows"));
  for (uint32_t j = 0; j < network->n_projections; j++) {
    const cls_projection *projection = &network->projections[j];
    if (projection->rule == CLS_ONE_TO_ONE) continue;
    for (uint32_t s = 0; s < projection->n_sources; s++) graph->row[projection->sources[s].population + 1]++;
  }
  for (uint32_t p = 0; p < n_populations; p++) graph->row[p + 1] += graph->row[p];
  cls_status status = cls_alloc(&graph->edges, (size_t)graph->row[n_populations], sizeof *graph->edges,
                                "edges between populations");
  if (status == CLS_OK) status = sort_projections(network, &sorted);
  if (status == CLS_OK) status = cls_alloc(&last, n_populations, sizeof *last, "edge rows");
  if (status == CLS_OK) status = cls_alloc(&neurons, n_populations, sizeof *neurons, "sizes of populations");
  if (status == CLS_OK) {
    memcpy(last, graph->row, n_populations * sizeof *last);
    for (uint32_t p = 0; p < n_populations; p++) neurons[p] = (double)network->populations[p].n;
    fill_rows(network, sorted, neurons, last, graph);
    close_rows(last, graph);
  }
  free(sorted);
  free(last);
  free(neurons);
  return status;
}

/* ---- pairs of blocks: one_to_one ---- */

/* Pairs of block b through one projection: the blocks of the target that hold the same neuron numbers. A
 * one_to_one projection of a population onto itself joins each neuron with itself, always on one rank: no
 * pair. With pairs NULL only counts. */
static uint64_t pairs_of(const cls_network *network, const cls_placement *placement, uint32_t b,
                         const cls_projection *projection, cls_block_pair *pairs) {
  const cls_block *block = &placement->blocks[b];
  uint64_t end = (uint64_t)block->first + block->n, n = 0;
  if (end > network->populations[projection->target].n) end = network->populations[projection->target].n;
  for (uint64_t i = block->first; i < end;) {
    uint32_t partner = cls_placement_block_of(placement, projection->target, i);
    uint64_t stop = (uint64_t)placement->blocks[partner].first + placement->blocks[partner].n;
    if (stop > end) stop = end;
    if (pairs) pairs[n] = (cls_block_pair){partner, (double)(stop - i) / block->n, (double)(stop - i)};
    n++;
    i = stop;
  }
  return n;
}

static bool is_pairing(const cls_projection *projection) {
  return projection->rule == CLS_ONE_TO_ONE && projection->sources[0].population != projection->target;
}

static cls_status build_pairs(const cls_network *network, const cls_placement *placement,
                              cls_block_graph *graph) {
  CLS_TRY(cls_alloc(&graph->pair_row, (size_t)graph->n_blocks + 2, sizeof *graph->pair_row, "pair rows"));
  const uint32_t *block_first = placement->population_first;
  uint64_t *next = graph->pair_row + 1;
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t j = 0; j < network->n_projections; j++) {
      const cls_projection *projection = &network->projections[j];
      if (!is_pairing(projection)) continue;
      uint32_t p = projection->sources[0].population;
      for (uint32_t b = block_first[p]; b < block_first[p + 1]; b++) {
        if (pass == 0) next[b + 1] += pairs_of(network, placement, b, projection, NULL);
        if (pass == 1) next[b] += pairs_of(network, placement, b, projection, graph->pairs + next[b]);
      }
    }
    if (pass == 1) break;
    for (uint32_t b = 0; b < graph->n_blocks; b++) next[b + 1] += next[b];
    CLS_TRY(cls_alloc(&graph->pairs, (size_t)next[graph->n_blocks], sizeof *graph->pairs, "pairs of blocks"));
  }
  return CLS_OK;
}

/* ---- weights ---- */

static double bytes_per_neuron(const cls_population *population) {
  const cls_model *model = population->model;
  bool varied = false;
  for (int i = 0; i < model->n_params; i++) varied |= population->param[i].kind != CLS_CONSTANT;
  int floats = model->n_states + model->n_receptors + (varied ? model->n_consts : 0);
  return BYTES_PER_NEURON + 4.0 * floats;
}

/* incoming[population * 2 + {0, 1}]: synapses onto it, and events arriving per second. rate: of
 * populations. */
static void count_incoming(const cls_network *network, const double *rate, double *incoming) {
  const cls_projection_source *sources = NULL;
  double weights = 0, events = 0; /* of a synapse of a list of sources, which projections may share */
  for (uint32_t j = 0; j < network->n_projections; j++) {
    const cls_projection *projection = &network->projections[j];
    double synapses = cls_projection_expected_synapses(network, projection);
    if (projection->sources != sources) {
      sources = projection->sources;
      weights = events = 0;
      for (uint32_t s = 0; s < projection->n_sources; s++) {
        weights += sources[s].weight;
        events += sources[s].weight * rate[sources[s].population];
      }
    }
    incoming[projection->target * (size_t)2] += synapses * weights;
    incoming[projection->target * (size_t)2 + 1] += synapses * events;
  }
}

static cls_status build_weights(const cls_network *network, const cls_placement *placement,
                                cls_block_graph *graph) {
  double *incoming, *rate;
  CLS_TRY(cls_alloc(&graph->weight, (size_t)graph->n_blocks * 3, sizeof *graph->weight, "block weights"));
  CLS_TRY(cls_alloc(&graph->spikes, graph->n_blocks, sizeof *graph->spikes, "block spikes"));
  CLS_TRY(cls_alloc(&rate, graph->n_populations, sizeof *rate, "rates of populations"));
  for (uint32_t p = 0; p < graph->n_populations; p++) rate[p] = network->populations[p].rate_hz;
  cls_status status =
      cls_alloc(&incoming, (size_t)graph->n_populations * 2, sizeof *incoming, "incoming synapses");
  if (status == CLS_OK) count_incoming(network, rate, incoming);
  free(rate);
  CLS_TRY(status);
  double steps_per_s = 1000 / network->dt_ms;
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    const cls_block *block = &placement->blocks[b];
    const cls_population *population = &network->populations[block->population];
    double share = (double)block->n / (double)population->n, *weight = graph->weight + b * (size_t)3;
    const double *in = incoming + block->population * (size_t)2;
    weight[0] = block->n * steps_per_s * (1 + COST_PER_INPUT * population->n_inputs);
    weight[1] = share * in[1];
    weight[2] = block->n * bytes_per_neuron(population) + share * in[0] * BYTES_PER_SYNAPSE;
    graph->spikes[b] = block->n * population->rate_hz;
  }
  free(incoming);
  return CLS_OK;
}

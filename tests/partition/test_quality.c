/* The block graph and the measure of a placement, against totals known by arithmetic and against the network
 * as drawn. */
#include "networks.h"

#include <math.h>

/* ---- block graph ---- */

static void graph_adds_up(void **state) {
  (void)state;
  cls_network *network = every_rule();
  cls_placement *placement = small_blocks(network, 3);
  cls_block_graph *graph;
  OK(cls_block_graph_create(network, placement, &graph));
  double sum[3] = {0}, spikes = 0, synapses = 0, events = 0;
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    for (int k = 0; k < 3; k++) sum[k] += graph->weight[b * 3 + k];
    spikes += graph->spikes[b];
  }
  /* one_to_one 700 twice, indegree 700, total 900, bernoulli .004 x 700 x 300 = 840, 2 x 300, 3 x 300, all 64
   * x 260, total 500, mixture 8 x 64 = 512 with shares 3:1:2 */
  double all = 700 + 700 + 700 + 900 + 840 + 600 + 900 + 16640 + 500 + 512;
  double mixture = 512 * (3 * 4 + 1 * 8 + 2 * 20) / 6.0;
  double arriving =
      (700 + 700 + 700) * 4 + (900 + 840) * 8 + 600 * 20 + 900 * 1 + 16640 * 11 + 500 * 1 + mixture;
  for (uint64_t e = 0; e < graph->row[graph->n_populations]; e++) synapses += graph->edges[e].synapses;
  for (uint64_t i = 0; i < graph->pair_row[graph->n_blocks]; i++) synapses += graph->pairs[i].synapses;
  for (uint32_t p = 0; p < graph->n_populations; p++) {
    for (uint64_t e = graph->row[p]; e < graph->row[p + 1]; e++) {
      events += graph->edges[e].synapses * network->populations[p].rate_hz;
    }
  }
  const cls_model *model = cls_model_find("lif_psc_exp");
  double bytes = 2724 * (16 + 4.0 * (model->n_states + model->n_receptors)) + 5 * all;
  assert_close(synapses, all, 1e-6);
  assert_close(network->expected_synapses, all, 1e-6);
  assert_close(sum[0], 2724 * 10000.0, 1e-3);
  assert_close(sum[1], arriving, 1e-6);
  assert_close(events + 2 * 700 * 4, arriving, 1e-6);
  assert_close(sum[2], bytes, 1e-6);
  assert_close(spikes, 700 * 4 + 700 * 8 + 300 * 20 + 260 * 1 + 64 * 11 + 700 * 2, 1e-9);
  assert_int_equal(graph->pair_row[graph->n_blocks], 2 * 11); /* 700 neurons in blocks of 64 */
  cls_block_graph_destroy(graph);
  cls_placement_destroy(placement);
  cls_network_destroy(network);
}

static void inputs_cost_half_an_update(void **state) {
  (void)state;
  cls_network *network = new_network();
  cls_population *population;
  cls_input *input;
  OK(cls_network_add_population(network, "a", cls_model_find("lif_psc_exp"), 100, &population));
  OK(cls_population_add_input(population, cls_model_find("dc"), &input));
  input->receptor = -1;
  OK(cls_network_finish(network));
  cls_placement *placement;
  cls_block_graph *graph;
  OK(cls_placement_create(network, 1, 1, &placement));
  OK(cls_block_graph_create(network, placement, &graph));
  assert_close(graph->weight[0] + graph->weight[3], 100 * 10000 * 1.5, 1e-6);
  cls_block_graph_destroy(graph);
  cls_placement_destroy(placement);
  cls_network_destroy(network);
}

/* ---- messages and cut, against the network as drawn ---- */

typedef struct {
  const cls_network *network;
  const cls_placement *placement;
  uint32_t target;
  uint8_t *reaches; /* [neurons x ranks] */
  double cut;
} counter;

static int32_t owner_of(const cls_placement *placement, uint32_t population, uint64_t index) {
  return placement->owner[cls_placement_block_of(placement, population, index)];
}

static cls_status count(void *context, const cls_synapse *synapses, int n) {
  counter *c = context;
  for (int i = 0; i < n; i++) {
    uint32_t p = cls_network_population_of(c->network, synapses[i].source);
    const cls_population *source = &c->network->populations[p];
    int32_t from = owner_of(c->placement, p, synapses[i].source - source->first);
    int32_t to = owner_of(c->placement, c->target, synapses[i].target);
    c->reaches[synapses[i].source * (uint64_t)c->placement->ranks + (uint64_t)to] = 1;
    if (from != to) c->cut += source->rate_hz;
  }
  return CLS_OK;
}

/* What a run of this network would send, per second at the expected rates. With nodes of K ranks: between
 * ranks of different nodes, and once per node. */
typedef struct {
  double cut, messages, crossing, aggregated, variance;
} sent;

static sent draw_and_count(const cls_network *network, const cls_placement *placement, int per_node) {
  int ranks = placement->ranks;
  counter c = {.network = network, .placement = placement};
  sent s = {0};
  c.reaches = calloc(network->n_neurons, (size_t)ranks);
  assert_non_null(c.reaches);
  for (uint32_t j = 0; j < network->n_projections; j++) {
    const cls_projection *projection = &network->projections[j];
    c.target = projection->target;
    OK(cls_projection_draw(network, projection, 0, network->populations[c.target].n, CLS_DRAW_SOURCE, count,
                           &c));
  }
  for (uint32_t p = 0; p < network->n_populations; p++) {
    const cls_population *population = &network->populations[p];
    for (uint64_t i = 0; i < population->n; i++) {
      const uint8_t *reaches = c.reaches + (population->first + i) * (uint64_t)ranks;
      int own = owner_of(placement, p, i), node = -1;
      for (int r = 0; r < ranks; r++) {
        if (!reaches[r] || r == own) continue;
        s.messages += population->rate_hz;
        if (r / per_node == own / per_node) continue;
        s.crossing += population->rate_hz;
        if (r / per_node != node) s.aggregated += population->rate_hz;
        node = r / per_node;
      }
      s.variance += (ranks - 1) * population->rate_hz * population->rate_hz / 4; /* at most: p (1 - p) */
    }
  }
  s.cut = c.cut;
  free(c.reaches);
  return s;
}

static void compare(const cls_network *network, int ranks, int per_node, double least_messages) {
  cls_placement *placement = small_blocks(network, ranks);
  cls_block_graph *graph;
  OK(cls_block_graph_create(network, placement, &graph));
  for (uint64_t salt = 1; salt <= 3; salt++) {
    double crossing, aggregated;
    scatter_owners(placement, ranks, salt);
    cls_partition_quality q = measured(network, placement, graph);
    OK(cls_partition_measure_nodes(network, placement, graph, per_node, &crossing, &aggregated));
    sent s = draw_and_count(network, placement, per_node);
    double error = 3.5 * sqrt(s.variance);
    if (fabs(q.messages - s.messages) > error || fabs(crossing - s.crossing) > error ||
        fabs(aggregated - s.aggregated) > error || fabs(q.cut - s.cut) > 0.05 * s.cut) {
      fail_msg("%s: expected %g messages, %g crossing, %g aggregated, cut %g; counted %g, %g, %g, %g (+- %g)",
               network->projections[0].name, q.messages, crossing, aggregated, q.cut, s.messages, s.crossing,
               s.aggregated, s.cut, error);
    }
    if (network->n_projections == 1 && network->projections[0].rule == CLS_ONE_TO_ONE) {
      assert_close(q.messages, s.messages, 1e-6); /* nothing is random */
      assert_close(q.cut, s.cut, 1e-6);
    }
    assert_true(s.messages > least_messages);
    assert_true(error < 0.2 * s.messages);
    assert_true(s.aggregated <= s.crossing && s.crossing < s.messages);
  }
  cls_block_graph_destroy(graph);
  cls_placement_destroy(placement);
}

static void messages_are_those_of_the_drawn_network(void **state) {
  (void)state;
  cls_network *network = every_rule();
  compare(network, 5, 2, 1000);
  cls_network_destroy(network);
}

/* Each rule alone, in the range where a neuron reaches a rank with a probability neither near 0 nor 1. */
static void messages_of_each_rule(void **state) {
  (void)state;
  for (int variant = 0; variant < 8; variant++) {
    cls_network *network = new_network();
    cls_projection *projection;
    add_population(network, "a", 2000, 3);
    add_population(network, "b", 2000, 3);
    uint32_t to = variant < 6 ? 1 : 0;
    static const cls_rule rules[] = {CLS_FIXED_INDEGREE,     CLS_FIXED_INDEGREE,     CLS_FIXED_TOTAL_NUMBER,
                                     CLS_FIXED_TOTAL_NUMBER, CLS_PAIRWISE_BERNOULLI, CLS_ONE_TO_ONE,
                                     CLS_FIXED_INDEGREE,     CLS_FIXED_TOTAL_NUMBER};
    projection = connect(network, 0, to, rules[variant]);
    projection->indegree = 5;
    projection->total = 9000;
    projection->probability = 0.0025;
    projection->multapses = variant % 2 == 0;
    projection->autapses = variant < 6;
    OK(cls_network_finish(network));
    compare(network, 6, 2, 1000);
    cls_network_destroy(network);
  }
}

/* Targets of one source share its out-degree, so that what holds for one target neuron does not multiply: a
 * rank with N of n targets is missed with (1 - N/n)^K, not exp(-K N/n). The estimate is low by K (N/n)^2 / 2
 * in the exponent, less and less the more ranks there are. */
static void messages_of_fixed_outdegree(void **state) {
  (void)state;
  for (int variant = 0; variant < 4; variant++) {
    cls_network *network = new_network();
    add_population(network, "a", 2000, 3);
    add_population(network, "b", 2000, 3);
    cls_projection *projection = connect(network, 0, variant % 2, CLS_FIXED_OUTDEGREE);
    projection->outdegree = 5;
    projection->multapses = variant < 2;
    projection->autapses = variant % 2;
    OK(cls_network_finish(network));
    cls_placement *placement = small_blocks(network, 6);
    cls_block_graph *graph;
    OK(cls_block_graph_create(network, placement, &graph));
    double n = variant % 2 ? 2000 : 1999;
    double missed = projection->multapses ? pow(1 - 1 / n, 5) : 1 - 5 / n;
    assert_close(exp(-graph->edges[0].reach), missed, 1e-8); /* reach: single precision */
    assert_close(graph->edges[0].synapses, 10000, 1e-9);
    scatter_owners(placement, 6, 1);
    cls_partition_quality q = measured(network, placement, graph);
    sent s = draw_and_count(network, placement, 2);
    assert_true(q.messages > 0.92 * s.messages && q.messages < s.messages);
    assert_close(q.cut, s.cut, 0.05 * s.cut);
    cls_block_graph_destroy(graph);
    cls_placement_destroy(placement);
    cls_network_destroy(network);
  }
}

/* n (1 - (1 - 1/n)^m) for one block of n neurons and m synapses drawn from it, as published. */
static void one_block_sends_the_published_number(void **state) {
  (void)state;
  cls_network *network = new_network();
  add_population(network, "a", 64, 2);
  add_population(network, "b", 50, 2);
  connect(network, 0, 1, CLS_FIXED_INDEGREE)->indegree = 3;
  OK(cls_network_finish(network));
  cls_placement *placement = small_blocks(network, 2);
  cls_block_graph *graph;
  OK(cls_block_graph_create(network, placement, &graph));
  placement->owner[1] = 1;
  cls_partition_quality q = measured(network, placement, graph);
  assert_close(q.messages, 2 * 64 * (1 - pow(1 - 1.0 / 64, 150)), 1e-6); /* reach: single precision */
  assert_close(q.cut, 2 * 150, 1e-10);
  assert_int_equal(q.out_links, 1);
  assert_close(q.balance[0], 64 / 57.0, 1e-12);
  assert_close(q.balance[1], 2, 1e-12);
  placement->owner[1] = 0;
  q = measured(network, placement, graph);
  assert_close(q.messages, 0, 0);
  assert_close(q.cut, 0, 0);
  assert_int_equal(q.out_links, 0);
  placement->owner[1] = 2;
  REFUSED(cls_partition_measure(network, placement, graph, &q), "block 1 is 2: expected 0 ... 1");
  cls_block_graph_destroy(graph);
  cls_placement_destroy(placement);
  cls_network_destroy(network);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(graph_adds_up),
      cmocka_unit_test(inputs_cost_half_an_update),
      cmocka_unit_test(messages_are_those_of_the_drawn_network),
      cmocka_unit_test(messages_of_each_rule),
      cmocka_unit_test(messages_of_fixed_outdegree),
      cmocka_unit_test(one_block_sends_the_published_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

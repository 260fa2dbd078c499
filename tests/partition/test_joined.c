/* The graph METIS gets of a network of many small populations: those of a region are one vertex, and the
 * edges between two vertices are the sum of their populations'. */
#include "networks.h"

#include "partition/metis_graph.h"

enum { REGIONS = 300, EACH = 4, N = REGIONS * EACH, SIZE = 40 };

/* Every population hears all 1,200, those of regions of its own parity three times as much: 1.44 million
 * edges. The targets of a parity share their list of sources. */
static cls_network *two_parities(void) {
  static cls_projection_source sources[N];
  const double unknown[3] = {NAN, NAN, NAN};
  cls_network *network = new_network();
  for (uint32_t p = 0; p < N; p++) {
    char name[32];
    int region = 0;
    snprintf(name, sizeof name, "r%u", p / EACH);
    if (p % EACH == 0) OK(cls_network_add_region(network, name, unknown, &region));
    snprintf(name, sizeof name, "p%u", p);
    add_population(network, name, SIZE, 5);
    network->populations[p].region = (int)(p / EACH);
  }
  int64_t owner[2] = {-1, -1};
  for (uint32_t p = 0; p < N; p++) {
    uint32_t parity = p / EACH % 2;
    char name[32];
    cls_projection *projection;
    snprintf(name, sizeof name, "onto %u", p);
    if (owner[parity] < 0) {
      for (uint32_t s = 0; s < N; s++)
        sources[s] = (cls_projection_source){s, s / EACH % 2 == parity ? 3 : 1, 1};
      OK(cls_network_add_projection(network, name, p, CLS_FIXED_INDEGREE, sources, N, &projection));
      owner[parity] = network->n_projections - 1;
    } else {
      OK(cls_network_add_projection_like(network, name, p, CLS_FIXED_INDEGREE, (uint32_t)owner[parity],
                                         &projection));
    }
    projection->indegree = 10;
  }
  OK(cls_network_finish(network));
  return network;
}

static void regions_become_vertices(void **state) {
  (void)state;
  cls_network *network = two_parities();
  cls_placement *placement;
  cls_block_graph *graph;
  cls_metis_graph m = {0};
  OK(cls_placement_create(network, 2, 2, &placement));
  assert_int_equal(placement->n_blocks, N);
  OK(cls_block_graph_create(network, placement, &graph));
  assert_int_equal(graph->row[N], (uint64_t)N * N);
  for (uint32_t p = 0; p < N; p++) /* targets ascend in every row */
    for (uint64_t e = graph->row[p]; e < graph->row[p + 1]; e++)
      assert_int_equal(graph->edges[e].target, e - graph->row[p]);
  OK(cls_metis_graph_build(network, placement, graph, 2, &m));
  assert_int_equal(m.n, REGIONS);
  for (uint32_t b = 0; b < N; b++) assert_int_equal(cls_metis_vertex_of(placement, &m, b), b / EACH);
  assert_int_equal(m.row[m.n], REGIONS * (REGIONS - 1));
  /* 10 synapses of a neuron, of which 3 or 1 in 600 x (3 + 1) come from a population */
  double strong = 1 - exp(-10. * 3 / (600 * 4 * SIZE) * SIZE),
         weak = 1 - exp(-10. * 1 / (600 * 4 * SIZE) * SIZE);
  for (idx_t v = 0; v < m.n; v++)
    for (idx_t e = m.row[v]; e < m.row[v + 1]; e++) {
      bool same = m.target[e] % 2 == v % 2;
      double share =
          (double)m.cut_weight[e] / (double)m.cut_weight[m.row[0] + 1]; /* 0 to 2: the same parity */
      assert_close(share, same ? 1 : weak / strong, 1e-3);
    }
  for (idx_t v = 1; v < m.n; v++) /* all alike */
    for (idx_t k = 0; k < m.n_weights; k++)
      assert_true(abs((int)(m.weight[v * m.n_weights + k] - m.weight[k])) <= 1);
  cls_metis_graph_free(&m);
  cls_block_graph_destroy(graph);
  cls_placement_destroy(placement);
  cls_network_destroy(network);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(regions_become_vertices)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Small networks that the tests of the partition place. */
#ifndef CALLOSUM_TESTS_PARTITION_NETWORKS_H
#define CALLOSUM_TESTS_PARTITION_NETWORKS_H

#include "base/outcome.h"
#include "partition/methods.h"

#include <math.h>
#include <stdlib.h>

/* In double precision, which cmocka's own comparison is not. */
static inline void assert_close(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance)) {
    fail_msg("%.17g: expected %.17g +- %g", value, expected, tolerance);
  }
}

static inline cls_network *new_network(void) {
  cls_network *network;
  OK(cls_network_create("test", 0.1, 7, &network));
  return network;
}

static inline void add_population(cls_network *network, const char *name, uint64_t n, double rate_hz) {
  cls_population *population;
  OK(cls_network_add_population(network, name, cls_model_find("lif_psc_exp"), n, &population));
  population->rate_hz = rate_hz;
}

/* A projection between two populations; the caller sets what its rule needs. */
static inline cls_projection *connect(cls_network *network, uint32_t from, uint32_t to, cls_rule rule) {
  cls_projection *projection;
  cls_projection_source source = {from, 1, 0};
  char name[64];
  snprintf(name, sizeof name, "projection %u", network->n_projections);
  OK(cls_network_add_projection(network, name, to, rule, &source, 1, &projection));
  return projection;
}

/* Every rule, with edges inside and between populations of several blocks, and one_to_one beside another rule
 * on the same populations and to two targets. */
static inline cls_network *every_rule(void) {
  cls_network *network = new_network();
  const struct {
    const char *name;
    uint64_t n;
    double rate_hz;
  } populations[] = {{"a", 700, 4}, {"b", 700, 8}, {"c", 300, 20},
                     {"d", 260, 1}, {"e", 64, 11}, {"f", 700, 2}};
  for (int i = 0; i < 6; i++) {
    add_population(network, populations[i].name, populations[i].n, populations[i].rate_hz);
  }
  connect(network, 0, 1, CLS_ONE_TO_ONE);
  connect(network, 0, 5, CLS_ONE_TO_ONE);
  connect(network, 0, 1, CLS_FIXED_INDEGREE)->indegree = 1;
  connect(network, 1, 0, CLS_FIXED_TOTAL_NUMBER)->total = 900;
  connect(network, 1, 2, CLS_PAIRWISE_BERNOULLI)->probability = 0.004;
  connect(network, 2, 2, CLS_FIXED_INDEGREE)->indegree = 2;
  cls_projection *projection = connect(network, 3, 2, CLS_FIXED_INDEGREE);
  projection->indegree = 3;
  projection->multapses = false;
  connect(network, 4, 3, CLS_ALL_TO_ALL);
  projection = connect(network, 3, 3, CLS_FIXED_TOTAL_NUMBER);
  projection->total = 500;
  projection->multapses = projection->autapses = false;
  cls_projection_source mixture[] = {{0, 3, 0}, {1, 1, 0}, {2, 2, 0}};
  OK(cls_network_add_projection(network, "mixture", 4, CLS_FIXED_INDEGREE, mixture, 3, &projection));
  projection->indegree = 8;
  OK(cls_network_finish(network));
  return network;
}

/* `clusters` groups of `size` populations of one block: dense inside, thin between neighbours. Populations of
 * a group are not neighbours in the global order. */
static inline cls_network *clustered(uint32_t clusters, uint32_t size) {
  cls_network *network = new_network();
  uint32_t n = clusters * size;
  for (uint32_t p = 0; p < n; p++) {
    char name[32];
    snprintf(name, sizeof name, "p%u", p);
    add_population(network, name, 64, 5);
  }
  for (uint32_t p = 0; p < n; p++) {
    for (uint32_t q = 0; q < n; q++) {
      if (p % clusters == q % clusters) connect(network, p, q, CLS_FIXED_INDEGREE)->indegree = 10;
    }
    connect(network, p, (p + 1) % n, CLS_FIXED_TOTAL_NUMBER)->total = 20;
  }
  OK(cls_network_finish(network));
  return network;
}

/* Blocks of 64 neurons whatever the number of ranks. */
static inline cls_placement *small_blocks(const cls_network *network, int ranks) {
  cls_placement *placement;
  OK(cls_placement_create(network, ranks, ranks * 64, &placement));
  assert_int_equal(placement->blocks[0].n, 64);
  return placement;
}

/* Owners without any order: a fixed mix of the block number. */
static inline void scatter_owners(cls_placement *placement, int ranks, uint64_t salt) {
  placement->ranks = ranks;
  for (uint32_t b = 0; b < placement->n_blocks; b++) {
    placement->owner[b] = (int32_t)(cls_mix64(b ^ salt << 32) % (uint64_t)ranks);
  }
}

static inline cls_partition_quality measured(const cls_network *network, const cls_placement *placement,
                                             const cls_block_graph *graph) {
  cls_partition_quality quality;
  OK(cls_partition_measure(network, placement, graph, &quality));
  return quality;
}

#endif

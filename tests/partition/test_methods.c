/* Partitioners: balance, fewer messages, determinism, and the corners: one block, more ranks than blocks. */
#include "networks.h"
#include <signal.h>

static double worst(const cls_partition_quality *q) {
  double most = q->balance[0];
  for (int k = 1; k < 3; k++) most = q->balance[k] > most ? q->balance[k] : most;
  return most;
}

/* Sum of squared overloads: what refinement must never raise. */
static double overload(const cls_placement *placement, const cls_block_graph *graph) {
  double load[8][3] = {{0}}, total[3] = {0}, sum = 0;
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    for (int k = 0; k < 3; k++) {
      load[placement->owner[b]][k] += graph->weight[b * 3 + k];
      total[k] += graph->weight[b * 3 + k];
    }
  }
  for (int r = 0; r < placement->ranks; r++) {
    for (int k = 0; k < 3; k++) {
      double over = load[r][k] * placement->ranks / total[k] - CLS_BALANCE_LIMIT;
      if (over > 0) sum += over * over;
    }
  }
  return sum;
}

/* What the moves were said to save is what the measure says, and no further move of one block that keeps the
 * balance saves messages. */
static void refinement_ends_where_no_move_helps(void **state) {
  (void)state;
  for (uint64_t salt = 1; salt <= 16; salt++) {
    int ranks = 2 + (int)(salt % 5);
    cls_network *network = every_rule();
    cls_placement *placement = small_blocks(network, ranks);
    cls_block_graph *graph;
    OK(cls_block_graph_create(network, placement, &graph));
    scatter_owners(placement, ranks, salt);
    cls_partition_quality before = measured(network, placement, graph);
    double saved;
    OK(cls_partition_refine(graph, 100000000, placement, &saved));
    cls_partition_quality after = measured(network, placement, graph);
    assert_close(before.messages - after.messages, saved, 1e-6);
    assert_true(after.messages < 0.97 * before.messages || worst(&after) < worst(&before));
    double least = overload(placement, graph);
    for (uint32_t b = 0; b < graph->n_blocks; b++) {
      int32_t own = placement->owner[b];
      for (int32_t r = 0; r < ranks; r++) {
        placement->owner[b] = r;
        cls_partition_quality q = measured(network, placement, graph);
        bool balanced = overload(placement, graph) <= least;
        if (balanced && q.messages < after.messages * (1 - 1e-8)) {
          fail_msg("block %u from rank %d to %d: %.9g messages become %.9g", b, own, r, after.messages,
                   q.messages);
        }
      }
      placement->owner[b] = own;
    }
    cls_block_graph_destroy(graph);
    cls_placement_destroy(placement);
    cls_network_destroy(network);
  }
}

/* The clusters are interleaved in the global order: contiguous cuts all of them, the best placement none. By
 * symmetry its messages are known: only the ring of thin projections is cut. */
static void metis_finds_the_clusters(void **state) {
  (void)state;
  cls_network *network = clustered(4, 8);
  cls_placement *placement = small_blocks(network, 4);
  cls_block_graph *graph;
  OK(cls_block_graph_create(network, placement, &graph));
  OK(cls_partition(network, "contiguous", 4, placement));
  cls_partition_quality contiguous = measured(network, placement, graph);
  OK(cls_partition(network, "metis", 4, placement));
  cls_partition_quality best = measured(network, placement, graph);
  for (uint32_t b = 0; b < graph->n_blocks; b++)
    assert_int_equal(placement->owner[b], placement->owner[b % 4]);
  assert_close(worst(&best), 1, 1e-12);
  /* 32 populations of 64 neurons at 5 Hz, each with 20 synapses onto the next, which is elsewhere */
  assert_close(best.messages, 32 * 5 * 64 * (1 - pow(1 - 1.0 / 4096, 20 * 64)), 32 * 5 * 0.2);
  assert_close(best.cut, 32 * 5 * 20, 1e-6);
  assert_true(contiguous.messages > 3 * best.messages);
  cls_block_graph_destroy(graph);
  cls_placement_destroy(placement);
  cls_network_destroy(network);
}

/* Few blocks: every placement is tried. */
static void metis_is_near_the_best_of_all(void **state) {
  (void)state;
  cls_network *network = new_network();
  for (uint32_t p = 0; p < 12; p++) {
    char name[16];
    snprintf(name, sizeof name, "p%u", p);
    add_population(network, name, 64, 1 + cls_mix64(p) % 10);
  }
  for (uint32_t p = 0; p < 12; p++) {
    for (uint32_t q = 0; q < 12; q++) {
      if (cls_mix64(p * 12 + q) % 4 == 0) connect(network, p, q, CLS_FIXED_INDEGREE)->indegree = 1;
    }
  }
  OK(cls_network_finish(network));
  cls_placement *placement = small_blocks(network, 2);
  cls_block_graph *graph;
  OK(cls_block_graph_create(network, placement, &graph));
  OK(cls_partition(network, "metis", 2, placement));
  cls_partition_quality found = measured(network, placement, graph);
  double limit = worst(&found) > CLS_BALANCE_LIMIT ? worst(&found) : CLS_BALANCE_LIMIT, best = INFINITY;
  double best_balance = INFINITY;
  for (uint32_t bits = 0; bits < 1u << 11; bits++) {
    for (uint32_t b = 0; b < 12; b++) placement->owner[b] = (int32_t)(bits >> b & 1);
    cls_partition_quality q = measured(network, placement, graph);
    if (worst(&q) < best_balance) best_balance = worst(&q);
    if (worst(&q) <= limit && q.messages < best) best = q.messages;
  }
  assert_true(limit < best_balance + 0.1);
  assert_true(best > 0 && found.messages < 1.1 * best);
  cls_block_graph_destroy(graph);
  cls_placement_destroy(placement);
  cls_network_destroy(network);
}

static void owners_are_always_the_same(void **state) {
  (void)state;
  for (int m = 0; cls_partition_methods[m]; m++) {
    uint64_t hash[2] = {0};
    for (int time = 0; time < 2; time++) {
      cls_network *network = clustered(5, 7);
      cls_placement *placement = small_blocks(network, 3);
      memset(placement->owner, time ? 0x7f : 0, placement->n_blocks * sizeof *placement->owner);
      OK(cls_partition(network, cls_partition_methods[m], 3, placement));
      assert_int_equal(placement->ranks, 3);
      for (uint32_t b = 0; b < placement->n_blocks; b++) {
        hash[time] = cls_mix64(hash[time] + (uint64_t)placement->owner[b]);
      }
      cls_placement_destroy(placement);
      cls_network_destroy(network);
    }
    assert_true(hash[0] == hash[1]);
  }
}

/* Equal blocks: the simple methods give known owners. */
static void simple_methods(void **state) {
  (void)state;
  cls_network *network = clustered(2, 6);
  cls_placement *placement = small_blocks(network, 4);
  OK(cls_partition(network, "contiguous", 4, placement));
  for (uint32_t b = 0; b < 12; b++) assert_int_equal(placement->owner[b], b / 3);
  OK(cls_partition(network, "contiguous", 5, placement));
  for (uint32_t b = 0; b < 12; b++) assert_int_equal(placement->owner[b], (2 * b + 1) * 5 / 24);
  OK(cls_partition(network, "round_robin", 5, placement));
  for (uint32_t b = 0; b < 12; b++) assert_int_equal(placement->owner[b], b % 5);
  assert_int_equal(placement->ranks, 5);
  cls_placement_destroy(placement);
  cls_network_destroy(network);
}

/* Every method, from one rank to more than there are blocks: owners in range, measured without a fault, and
 * with enough ranks metis gives every block its own. */
static void corners(void **state) {
  (void)state;
  for (int kind = 0; kind < 3; kind++) {
    cls_network *network = kind == 0 ? new_network() : kind == 1 ? clustered(1, 1) : every_rule();
    if (kind == 0) { /* nothing is connected: no events, no messages */
      add_population(network, "a", 500, 5);
      add_population(network, "b", 10, 0);
      OK(cls_network_finish(network));
    }
    for (int ranks = 1; ranks <= 100; ranks = ranks < 4 ? ranks + 1 : ranks * 3) {
      cls_placement *placement = small_blocks(network, ranks);
      cls_block_graph *graph;
      OK(cls_block_graph_create(network, placement, &graph));
      for (int m = 0; cls_partition_methods[m]; m++) {
        OK(cls_partition(network, cls_partition_methods[m], ranks, placement));
        cls_partition_quality q = measured(network, placement, graph);
        assert_true(q.balance[0] >= 1 - 1e-12 && q.balance[1] >= 1 - 1e-12 && q.balance[2] >= 1 - 1e-12);
        if (ranks == 1 || kind == 0) assert_close(q.messages + q.cut, 0, 1e-9);
        assert_true(q.out_links < (uint32_t)ranks);
      }
      OK(cls_partition(network, "metis", ranks, placement));
      for (uint32_t b = 1; b < placement->n_blocks && ranks >= 81; b++) {
        for (uint32_t c = 0; c < b; c++) assert_int_not_equal(placement->owner[b], placement->owner[c]);
      }
      cls_block_graph_destroy(graph);
      cls_placement_destroy(placement);
    }
    cls_network_destroy(network);
  }
}

/* Blocks beyond what METIS is given one by one are grouped, and balance still holds. */
static void many_blocks_of_a_dense_network(void **state) {
  (void)state;
  cls_network *network = new_network();
  for (uint32_t p = 0; p < 6; p++) add_population(network, (char[]){(char)('a' + p), 0}, 20000 + 3000 * p, 5);
  for (uint32_t p = 0; p < 36; p++) connect(network, p / 6, p % 6, CLS_FIXED_INDEGREE)->indegree = 10 + p;
  OK(cls_network_finish(network));
  cls_placement *placement = small_blocks(network, 48);
  cls_block_graph *graph;
  assert_true(placement->n_blocks > 2000);
  OK(cls_block_graph_create(network, placement, &graph));
  OK(cls_partition(network, "metis", 48, placement));
  cls_partition_quality q = measured(network, placement, graph);
  assert_true(worst(&q) <= 1.05);
  OK(cls_partition(network, "contiguous", 48, placement));
  assert_true(q.messages <= measured(network, placement, graph).messages);
  cls_block_graph_destroy(graph);
  cls_placement_destroy(placement);
  cls_network_destroy(network);
}

static volatile sig_atomic_t heard;
static void hear(int signal_number) {
  (void)signal_number;
  heard++;
}

/* METIS has handlers of its own while it works. */
static void signals_are_heard_as_before(void **state) {
  (void)state;
  cls_network *network = clustered(4, 8);
  cls_placement *placement = small_blocks(network, 4);
  const struct sigaction action = {.sa_handler = hear, .sa_flags = SA_RESTART};
  struct sigaction before, after;
  sigaction(SIGTERM, &action, &before);
  OK(cls_partition(network, "metis", 4, placement));
  for (int i = 1; i <= 3; i++) {
    raise(SIGTERM);
    assert_int_equal(heard, i);
  }
  sigaction(SIGTERM, &before, &after);
  assert_ptr_equal(after.sa_handler, hear);
  assert_int_equal(after.sa_flags & (SA_RESTART | (int)SA_RESETHAND | SA_NODEFER), SA_RESTART);
  cls_placement_destroy(placement);
  cls_network_destroy(network);
}

static void bad_arguments(void **state) {
  (void)state;
  cls_network *network = clustered(1, 2);
  cls_placement *placement = small_blocks(network, 1);
  assert_int_equal(cls_partition(network, "magic", 2, placement), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(),
                      "partition method 'magic': expected metis, contiguous or round_robin");
  assert_int_equal(cls_partition(network, "metis", 0, placement), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "partition: ranks 0: expected at least 1");
  cls_placement_destroy(placement);
  cls_network_destroy(network);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refinement_ends_where_no_move_helps),
      cmocka_unit_test(metis_finds_the_clusters),
      cmocka_unit_test(metis_is_near_the_best_of_all),
      cmocka_unit_test(owners_are_always_the_same),
      cmocka_unit_test(simple_methods),
      cmocka_unit_test(corners),
      cmocka_unit_test(many_blocks_of_a_dense_network),
      cmocka_unit_test(signals_are_heard_as_before),
      cmocka_unit_test(bad_arguments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

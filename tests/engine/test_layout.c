/* Where neurons lie: every neuron once, aligned, in shards that 16-bit targets can address, parts of equal
 * work. */
#include "engine/layout.h"
#include "network/draws.h"

typedef struct {
  const char *model;
  uint64_t n;
} population;

static cls_network *make(const population *p, int n) {
  cls_network *network;
  OK(cls_network_create("test", .1, 1, &network));
  for (int i = 0; i < n; i++) {
    char name[16];
    cls_population *made;
    snprintf(name, sizeof name, "p%d", i);
    OK(cls_network_add_population(network, name, cls_model_find(p[i].model), p[i].n, &made));
  }
  return network;
}

/* Kind of what the ports of a population accumulate, from the model's description. */
static int pairs(const cls_network *network, uint32_t p) {
  const cls_model *model = network->populations[p].model;
  int kind = 0;
  for (int port = 0; port < model->n_ports; port++) kind |= (model->ports[port].receptors == 2) << port;
  return kind;
}

/* All that holds for one rank. seen[global] counts. */
static void check_rank(const cls_network *network, const cls_placement *placement, int rank,
                       const cls_layout *l, int parts, uint8_t *seen) {
  uint32_t local = 0, shard = 0, range = 0;
  uint64_t neurons = 0;
  assert_int_equal(l->n_parts, parts);
  for (uint32_t p = 0; p < l->n_parts; p++) { /* parts take all shards in order */
    assert_int_equal(l->parts[p].shard_first, shard);
    assert_true(l->parts[p].shard_last >= shard);
    shard = l->parts[p].shard_last;
  }
  assert_int_equal(shard, l->n_shards);
  for (uint32_t s = 0; s < l->n_shards; s++) { /* shards take all ranges and local indices in order */
    const cls_shard *x = &l->shards[s];
    assert_int_equal(x->range_first, range);
    assert_int_equal(x->local, local);
    assert_in_range(x->n, 1, 65536);
    assert_true(x->range_last > range);
    for (; range < x->range_last; range++) {
      const cls_range *r = &l->ranges[range];
      assert_int_equal(r->local, local);
      assert_int_equal(r->local % 16, 0);
      assert_int_equal(r->first % 64, 0);
      assert_true(r->n > 0 && r->first + (uint64_t)r->n <= network->populations[r->population].n);
      assert_int_equal(pairs(network, r->population), pairs(network, l->ranges[x->range_first].population));
      if (range > 0) {
        const cls_range *before = &l->ranges[cls_layout_nth(l, range - 1)],
                        *after = &l->ranges[cls_layout_nth(l, range)];
        assert_true(before->population < after->population ||
                    (before->population == after->population && before->first + before->n <= after->first));
      }
      for (uint32_t i = 0; i < r->n; i++) {
        uint64_t global = network->populations[r->population].first + r->first + i;
        seen[global]++;
        uint32_t b = cls_placement_block_of(placement, r->population, r->first + i);
        assert_int_equal(placement->owner[b], rank);
        if (i % 61 && i + 1 < r->n) continue; /* some of them, and the last, by every way */
        assert_int_equal(cls_layout_neuron(l, network, r->local + i), global);
        assert_int_equal(cls_layout_range_of(l, r->local + i), range);
        assert_int_equal(cls_layout_find(l, r->population, r->first + i), range);
      }
      neurons += r->n;
      local += (r->n + 15) / 16 * 16;
    }
    assert_int_equal(x->local + x->n, local);
  }
  assert_int_equal(range, l->n_ranges);
  assert_int_equal(local, l->n_local);
  assert_int_equal(neurons, l->n_neurons);
}

/* Lays out all ranks; owners are dealt in runs of `run` blocks. */
static void check(const cls_network *network, int ranks, int threads, uint32_t run) {
  cls_placement *placement;
  uint8_t *seen = NULL;
  OK(cls_alloc(&seen, network->n_neurons, 1, "neurons"));
  OK(cls_placement_create(network, ranks, ranks * threads, &placement));
  for (uint32_t b = 0; b < placement->n_blocks; b++)
    placement->owner[b] = (int32_t)(b / run % (uint32_t)ranks);
  for (int rank = 0; rank < ranks; rank++) {
    cls_layout *l;
    OK(cls_layout_create(network, placement, rank, threads, &l));
    check_rank(network, placement, rank, l, threads, seen);
    for (uint32_t b = 0; b < placement->n_blocks; b++) /* what others have is not found */
      if (placement->owner[b] != rank)
        assert_int_equal(
            cls_layout_find(l, placement->blocks[b].population, placement->blocks[b].first + (uint64_t)3),
            UINT32_MAX);
    cls_layout_destroy(l);
  }
  for (uint64_t i = 0; i < network->n_neurons; i++) assert_int_equal(seen[i], 1);
  cls_placement_destroy(placement);
  free(seen);
}

static void test_every_neuron_once(void **state) {
  (void)state;
  static const population mixed[] = {{"lif_psc_exp", 1000}, {"lif_dtb", 500}, {"lif_dtb", 1},
                                     {"lif_psc_exp", 3},    {"lif_dtb", 64},  {"lif_psc_exp", 5000},
                                     {"lif_psc_exp", 65}};
  static const population large[] = {{"lif_psc_exp", 200000}, {"lif_psc_exp", 70001}, {"lif_dtb", 66000}};
  /* what is left of a shard is no multiple of 64 */
  static const population shifted[] = {{"lif_psc_exp", 1}, {"lif_psc_exp", 150000}};
  static const population *const all[] = {mixed, large, shifted};
  static const int n[] = {7, 3, 2};
  for (int k = 0; k < 3; k++) {
    cls_network *network = make(all[k], n[k]);
    OK(cls_network_finish(network));
    for (int ranks = 1; ranks <= 3; ranks++)
      for (int threads = 1; threads <= 5; threads += 2)
        for (uint32_t run = 1; run <= 7; run += 3) check(network, ranks, threads, run);
    cls_network_destroy(network);
  }
}

/* Hundreds of populations of odd sizes share shards; a rank may have nothing. */
static void test_many_small(void **state) {
  (void)state;
  enum { MANY = 300 };
  static population p[MANY];
  for (int i = 0; i < MANY; i++) p[i] = (population){i % 7 < 4 ? "lif_psc_exp" : "lif_dtb", 1 + i * 37 % 500};
  cls_network *network = make(p, MANY);
  OK(cls_network_finish(network));
  check(network, 1, 1, 1);
  check(network, 2, 4, 5);
  check(network, 40, 1, 100); /* fewer runs than ranks */
  cls_network_destroy(network);
}

/* 65,536 local indices fill a shard exactly, half as many where neurons have few synapses; one block more opens the
 * next. */
static void test_shard_is_full(void **state) {
  (void)state;
  static const uint64_t sizes[] = {65536, 65537, 65536 + 64, 131072, 65472};
  static const uint32_t shards[] = {1, 2, 2, 2, 1};
  for (int k = 0; k < 10; k++) {
    const bool sparse = k >= 5;
    const uint64_t n = sizes[k % 5] / (sparse ? 2 : 1), full = sparse ? 32768 : 65536;
    cls_network *network = make(&(population){"lif_psc_exp", n}, 1);
    cls_placement *placement;
    cls_layout *l;
    connect(network, "c", 0, 0, CLS_FIXED_INDEGREE)->indegree = sparse ? 999 : 1000;
    OK(cls_network_finish(network));
    OK(cls_placement_create(network, 1, 1, &placement));
    OK(cls_layout_create(network, placement, 0, 1, &l));
    const uint32_t expected = k == 6 ? 1 : shards[k % 5]; /* half of 65,537 is 32,768 */
    assert_int_equal(l->n_shards, expected);
    assert_int_equal(l->n_ranges, expected); /* blocks next to each other are one range */
    assert_int_equal(l->shards[0].n, n < full ? n : full);
    cls_layout_destroy(l);
    cls_placement_destroy(placement);
    cls_network_destroy(network);
  }
}

/* Where neurons have many synapses every part has its share of every population, to a noise group of 64. */
static void test_populations_are_cut(void **state) {
  (void)state;
  static const population p[] = {{"lif_psc_exp", 5000}, {"lif_psc_exp", 333}, {"lif_psc_exp", 2100}};
  cls_network *network = make(p, 3);
  for (int k = 0; k < 3; k++)
    connect(network, &"abc"[k], 0, (uint32_t)k, CLS_FIXED_INDEGREE)->indegree = 1000;
  OK(cls_network_finish(network));
  for (int threads = 2; threads <= 6; threads += 2) {
    cls_placement *placement;
    cls_layout *l;
    for (int ranks = 1; ranks <= 3; ranks++) check(network, ranks, threads, 1);
    OK(cls_placement_create(network, 1, threads, &placement));
    OK(cls_layout_create(network, placement, 0, threads, &l));
    for (int t = 0; t < threads; t++) {
      uint32_t n[3] = {0};
      for (uint32_t s = l->parts[t].shard_first; s < l->parts[t].shard_last; s++)
        for (uint32_t r = l->shards[s].range_first; r < l->shards[s].range_last; r++)
          n[l->ranges[r].population] += l->ranges[r].n;
      for (int k = 0; k < 3; k++) NEAR(n[k], (double)p[k].n / threads, 64);
    }
    cls_layout_destroy(l);
    cls_placement_destroy(placement);
  }
  cls_network_destroy(network);
}

/* Expected work: one update per neuron and input, one unit per event. Parts differ by about a block. */
static void test_parts_are_balanced(void **state) {
  (void)state;
  static const population p[] = {{"lif_psc_exp", 20000}, {"lif_psc_exp", 20000}, {"lif_psc_exp", 20000}};
  cls_network *network = make(p, 3);
  /* population 1 takes 500 synapses per neuron at 20 sp/s: 1 event per step; population 2 has two inputs */
  network->populations[0].rate_hz = 20;
  cls_projection *projection = connect(network, "c", 0, 1, CLS_FIXED_INDEGREE);
  projection->indegree = 500;
  for (int k = 0; k < 2; k++) {
    cls_input *input;
    OK(cls_population_add_input(&network->populations[2], cls_model_find("dc"), &input));
    input->receptor = -1;
  }
  OK(cls_network_finish(network));
  static const double per_neuron[] = {1, 2, 3};
  for (int threads = 2; threads <= 8; threads++) {
    cls_placement *placement;
    cls_layout *l;
    OK(cls_placement_create(network, 1, threads, &placement));
    OK(cls_layout_create(network, placement, 0, threads, &l));
    double share = 6. * 20000 / threads, block = 3. * placement->blocks[0].n;
    for (int t = 0; t < threads; t++) {
      double work = 0;
      for (uint32_t s = l->parts[t].shard_first; s < l->parts[t].shard_last; s++)
        for (uint32_t r = l->shards[s].range_first; r < l->shards[s].range_last; r++)
          work += per_neuron[l->ranges[r].population] * l->ranges[r].n;
      NEAR(work, share, block);
      assert_true(block < share / 5);
    }
    cls_layout_destroy(l);
    cls_placement_destroy(placement);
  }
  cls_network_destroy(network);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_neuron_once),  cmocka_unit_test(test_many_small),
      cmocka_unit_test(test_shard_is_full),      cmocka_unit_test(test_populations_are_cut),
      cmocka_unit_test(test_parts_are_balanced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

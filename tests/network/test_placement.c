/* Blocks: a power of two of neurons each, enough for every part, found by neuron. */
#include "draws.h"

static cls_network *make(int populations, uint64_t each) {
  cls_network *network = make_network("lif_psc_exp", 1, 0, NULL);
  cls_population *population;
  for (int i = 0; i < populations; i++) {
    char name[16];
    snprintf(name, sizeof name, "p%d", i);
    OK(cls_network_add_population(network, name, cls_model_find("lif_psc_exp"), each + (uint64_t)i,
                                  &population));
  }
  OK(cls_network_finish(network));
  return network;
}

/* Blocks tile the populations in order; block_of finds them. Returns the block size. */
static uint32_t check(const cls_network *network, const cls_placement *placement) {
  uint32_t b = 0, size = 0;
  for (uint32_t p = 0; p < network->n_populations; p++) {
    uint64_t n = network->populations[p].n, next = 0;
    assert_int_equal(placement->population_first[p], b);
    for (; b < placement->n_blocks && placement->blocks[b].population == p; b++) {
      const cls_block *block = &placement->blocks[b];
      assert_int_equal(block->first, next);
      assert_int_equal(block->first % 64, 0);
      assert_in_range(block->n, 1, 65536);
      assert_int_equal(placement->owner[b], 0);
      assert_int_equal(cls_placement_block_of(placement, p, block->first), b);
      assert_int_equal(cls_placement_block_of(placement, p, block->first + block->n - 1), b);
      if (block->n > size) size = block->n;
      next += block->n;
    }
    assert_int_equal(next, n);
  }
  assert_int_equal(b, placement->n_blocks);
  assert_int_equal(placement->population_first[network->n_populations], b);
  return size;
}

static void test_blocks(void **state) {
  (void)state;
  const struct {
    int populations;
    uint64_t each;
    int ranks, parts;
    uint32_t size, blocks;
  } cases[] = {
      {1, 20000, 2, 2, 256, 79},       /* 20000 / 64 = 312 */
      {1, 100000, 1, 1, 2048, 49},     /* 3125 */
      {3, 1, 4, 8, 64, 3},             /* never below 64: one block each */
      {1, 1000, 64, 64, 64, 16},       /* too few for every part */
      {1, 50000000, 1, 1, 65536, 763}, /* a block must fit a shard */
      {200, 1000, 2, 4, 1024, 375},    /* 219900 / 128 = 1717; 25 populations have one block, 175 two */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cls_network *network = make(cases[i].populations, cases[i].each);
    cls_placement *placement;
    OK(cls_placement_create(network, cases[i].ranks, cases[i].parts, &placement));
    assert_int_equal(placement->ranks, cases[i].ranks);
    uint32_t size = check(network, placement);
    assert_in_range(size, 1, cases[i].size);
    if (cases[i].each >= cases[i].size) assert_int_equal(size, cases[i].size);
    uint32_t blocks = 0;
    for (uint32_t p = 0; p < network->n_populations; p++)
      blocks += (uint32_t)((network->populations[p].n + cases[i].size - 1) / cases[i].size);
    assert_int_equal(placement->n_blocks, blocks);
    if (cases[i].blocks) assert_int_equal(blocks, cases[i].blocks);
    cls_placement_destroy(placement);
    cls_network_destroy(network);
  }
  cls_placement_destroy(NULL);
}

static void test_impossible_parts(void **state) {
  (void)state;
  cls_network *network = make(1, 10);
  cls_placement *placement;
  assert_int_equal(cls_placement_create(network, 2, 1, &placement), CLS_ERR_INTERNAL);
  assert_int_equal(cls_placement_create(network, 0, 0, &placement), CLS_ERR_INTERNAL);
  assert_null(placement);
  cls_network_destroy(network);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_blocks), cmocka_unit_test(test_impossible_parts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

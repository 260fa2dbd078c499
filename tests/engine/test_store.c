/* Synapse stores hold exactly the synapses that the network draws, in order, however they are cut. */
#include "base/effort.h"
#include "engine/layout.h"
#include "engine/store.h"
#include "network/draws.h"

/* A synapse as the network names it, without its projection: port and global target stand in. */
typedef struct {
  uint64_t source, target;
  uint32_t delay, port;
  uint16_t weight;
} flat;

typedef struct {
  flat *item;
  size_t n, capacity;
} flats;

static void keep(flats *all, flat item) {
  OK(cls_grow(&all->item, &all->capacity, all->n + 1, sizeof item, "synapses"));
  all->item[all->n++] = item;
}

static int compare(const void *a, const void *b) {
  const flat *x = a, *y = b;
  if (x->source != y->source) return x->source < y->source ? -1 : 1;
  if (x->delay != y->delay) return x->delay < y->delay ? -1 : 1;
  if (x->target != y->target) return x->target < y->target ? -1 : 1;
  if (x->port != y->port) return x->port < y->port ? -1 : 1;
  return (x->weight > y->weight) - (x->weight < y->weight);
}

/* All synapses onto the neurons `rank` owns, from the network itself. */
static flats drawn(const cls_network *network, const cls_placement *placement, int rank) {
  flats all = {0};
  for (uint32_t j = 0; j < network->n_projections; j++) {
    const cls_projection *projection = &network->projections[j];
    const cls_population *target = &network->populations[projection->target];
    synapses s = {0};
    OK(cls_projection_draw(network, projection, 0, target->n, CLS_DRAW_ALL, keep_synapses, &s));
    for (size_t i = 0; i < s.n; i++) {
      const cls_synapse *x = &s.synapse[i];
      if (placement->owner[cls_placement_block_of(placement, projection->target, x->target)] != rank)
        continue;
      keep(&all,
           (flat){x->source, target->first + x->target, x->delay, (uint32_t)projection->port, x->weight});
    }
    free(s.synapse);
  }
  if (all.n) qsort(all.item, all.n, sizeof *all.item, compare);
  return all;
}

/* Reads a part's store back, checking its form; returns its number of runs. */
static uint64_t read_part(const cls_network *network, const cls_layout *layout, uint32_t part,
                          const cls_store *store, const cls_sources *sources, flats *all) {
  size_t before = all->n, runs = 0;
  uint32_t greatest = 0, shards = layout->parts[part].shard_last - layout->parts[part].shard_first;
  assert_int_equal(store->n_slots, sources->n);
  assert_int_equal(store->row[0], 0);
  for (uint32_t slot = 0; slot < store->n_slots; slot++) {
    uint64_t last = 0;
    uint32_t last_count = 0;
    for (uint64_t w = store->row[slot]; w < store->row[slot + 1];) {
      uint32_t header = store->word[w++], count = cls_run_count(header), delay = cls_run_delay(header);
      uint32_t channel = cls_run_channel(header);
      uint64_t order = (uint64_t)delay << 32 | channel;
      assert_in_range(count, 1, CLS_RUN_MAX);
      assert_in_range(delay, 1, network->max_delay);
      assert_in_range(channel, 0, shards * CLS_MAX_PORTS - 1);
      assert_true(order >= last);                                   /* ascending by delay, then channel */
      if (order == last) assert_int_equal(last_count, CLS_RUN_MAX); /* as few runs as can be */
      last_count = count;
      last = order;
      const cls_shard *shard = &layout->shards[layout->parts[part].shard_first + channel / CLS_MAX_PORTS];
      for (uint32_t k = 0; k < count; k++, w++) {
        uint32_t target = store->word[w] & 0xffff;
        assert_in_range(target, 0, shard->n - 1);
        keep(all, (flat){sources->neuron[slot], cls_layout_neuron(layout, network, shard->local + target),
                         delay, channel % CLS_MAX_PORTS, (uint16_t)(store->word[w] >> 16)});
      }
      assert_true(w <= store->row[slot + 1]);
      if (delay > greatest) greatest = delay;
      runs++;
    }
  }
  assert_int_equal(all->n - before, store->n_synapses);
  assert_int_equal(store->row[store->n_slots], store->n_synapses + runs);
  assert_int_equal(store->max_delay, greatest);
  return runs;
}

/* Rows whose runs have 8 synapses or more on average are delivered directly where they hold half of all. */
static void check_direct(const cls_store *store) {
  uint32_t n = 0;
  uint64_t total = 0;
  bool *expected = calloc(store->n_slots + 1ul, sizeof *expected);
  for (uint32_t slot = 0; slot < store->n_slots; slot++) {
    uint64_t runs = 0, held = 0;
    for (uint64_t w = store->row[slot]; w < store->row[slot + 1]; w += 1 + cls_run_count(store->word[w]))
      runs++, held += cls_run_count(store->word[w]);
    expected[slot] = runs > 0 && held >= 8 * runs;
    n += expected[slot];
    total += expected[slot] ? held : 0;
  }
  bool any = total >= store->n_synapses / 2;
  assert_int_equal(store->n_direct, any ? n : 0);
  for (uint32_t slot = 0; slot < store->n_slots; slot++)
    assert_int_equal(store->direct[slot], any && expected[slot]);
  free(expected);
}

/* Builds the stores of every rank in `parts` parts and compares. Returns rows delivered directly. */
static uint64_t check(const cls_network *network, int ranks, int parts) {
  cls_placement *placement;
  uint64_t direct = 0;
  OK(cls_placement_create(network, ranks, ranks * parts, &placement));
  for (uint32_t b = 0; b < placement->n_blocks; b++) placement->owner[b] = (int32_t)(b % (uint32_t)ranks);
  for (int rank = 0; rank < ranks; rank++) {
    cls_layout *layout;
    cls_store **stores;
    cls_sources *sources;
    uint32_t *min_delay;
    flats stored = {0}, expected = drawn(network, placement, rank);
    OK(cls_layout_create(network, placement, rank, parts, &layout));
    OK(cls_stores_create(network, layout, &stores, &sources, &min_delay));
    for (uint32_t p = 0; p < layout->n_parts; p++) {
      const cls_store *s = stores[p];
      uint64_t runs = read_part(network, layout, p, s, sources, &stored);
      check_direct(s);
      assert_int_equal(cls_store_bytes(s), 4 * (s->n_synapses + runs) + 8 * (s->n_slots + 1ul) + s->n_slots);
      direct += s->n_direct;
    }
    if (stored.n) qsort(stored.item, stored.n, sizeof *stored.item, compare);
    assert_int_equal(stored.n, expected.n);
    uint32_t slot = 0;
    for (size_t i = 0; i < stored.n; i++) {
      assert_int_equal(compare(&stored.item[i], &expected.item[i]), 0);
      /* every slot has a synapse; the first of a source is one of least delay */
      if (i > 0 && expected.item[i].source == expected.item[i - 1].source) continue;
      assert_true(slot < sources->n);
      assert_int_equal(sources->neuron[slot], expected.item[i].source);
      assert_int_equal(min_delay[slot++], expected.item[i].delay);
    }
    assert_int_equal(slot, sources->n);
    for (uint32_t p = 0; p < layout->n_parts; p++) cls_store_destroy(stores[p]);
    free(stores);
    free(min_delay);
    free(stored.item);
    free(expected.item);
    cls_sources_destroy(sources);
    cls_layout_destroy(layout);
  }
  cls_placement_destroy(placement);
  return direct;
}

static void add(cls_network *network, const char *name, const char *model, uint64_t n) {
  cls_population *p;
  OK(cls_network_add_population(network, name, cls_model_find(model), n, &p));
}

/* Every rule, both ports, both kinds of weight, projections that share rows, an input-less population. */
static void test_every_rule(void **state) {
  (void)state;
  cls_network *network;
  OK(cls_network_create("test", .1, 12, &network));
  add(network, "a", "lif_psc_exp", 700);
  add(network, "b", "lif_dtb", 300);
  add(network, "silent", "lif_dtb", 200);
  add(network, "c", "lif_psc_exp", 1100);
  cls_projection *p = connect(network, "one", 0, 0, CLS_ONE_TO_ONE);
  p->delay_ms = cls_constant(3);
  p = connect(network, "all", 1, 3, CLS_ALL_TO_ALL);
  p->port = 1, p->weight[0] = distribution(CLS_UNIFORM, -40, -1);
  p->delay_ms = distribution(CLS_UNIFORM, .1, .6);
  p = connect(network, "in", 3, 1, CLS_FIXED_INDEGREE);
  p->indegree = 40, p->weight[0] = distribution(CLS_UNIFORM, 0, 1),
  p->weight[1] = distribution(CLS_UNIFORM, 0, 2);
  p->delay_ms = distribution(CLS_NORMAL, 2, 1), p->delay_ms.min = .1;
  p = connect(network, "total", 0, 1, CLS_FIXED_TOTAL_NUMBER);
  p->total = 9000, p->port = 1, p->weight[0] = cls_constant(.5), p->weight[1] = cls_constant(.25);
  p->delay_ms = cls_constant(5);
  p = connect(network, "bernoulli", 0, 3, CLS_PAIRWISE_BERNOULLI);
  p->probability = .03, p->weight[0] = distribution(CLS_NORMAL, 0, 50);
  p->delay_ms = distribution(CLS_UNIFORM, 1, 10);
  p = connect(network, "again", 0, 3, CLS_PAIRWISE_BERNOULLI);
  p->probability = .001;
  OK(cls_network_finish(network));
  for (int ranks = 1; ranks <= 3; ranks++)
    for (int parts = 1; parts <= 4; parts++) {
      uint64_t direct = check(network, ranks, parts);
      if (ranks == 1 && parts == 1) assert_in_range(direct, 300, 1000); /* rows of b: 1100 in 6 runs */
    }
  cls_network_destroy(network);
}

/* Two descriptions of one network, every rule that is drawn by source in both; in the second its synapses are
 * procedural, but those of `kept`. Populations of three cells, the last one partly filled; sources with both kinds. */
static cls_network *make_rows(bool procedural, double scale) {
  cls_network *network;
  OK(cls_network_create("test", .1, 77, &network));
  add(network, "a", "lif_psc_exp", 2300);
  add(network, "b", "lif_dtb", 1500);
  const cls_rule rules[] = {CLS_FIXED_TOTAL_NUMBER, CLS_PAIRWISE_BERNOULLI, CLS_FIXED_OUTDEGREE};
  for (int bits = 0; bits < 24; bits++) {
    char name[16];
    snprintf(name, sizeof name, "p%d", bits);
    uint32_t source = bits >> 1 & 1, target = bits & 1;
    cls_projection *p = connect(network, name, source, target, rules[bits / 8]);
    p->multapses = bits & 4, p->autapses = bits % 3 > 0;
    p->total = (uint64_t)(300000 * scale), p->probability = 0.05 * scale,
    p->outdegree = (uint64_t)(90 * scale);
    p->port = bits % 2;
    p->weight[0] = distribution(CLS_NORMAL, 1, .1), p->weight[1] = distribution(CLS_UNIFORM, 0, 1);
    p->weight[0].min = 0;
    p->delay_ms = distribution(CLS_NORMAL, 1, .5), p->delay_ms.min = .2;
    p->procedural = procedural;
  }
  cls_projection *p = connect(network, "kept", 0, 0, CLS_FIXED_OUTDEGREE);
  p->outdegree = 3, p->delay_ms = cls_constant(2);
  p = connect(network, "in", 1, 0, CLS_FIXED_INDEGREE);
  p->indegree = 20;
  OK(cls_network_finish(network));
  return network;
}

/* The words of the rows of one source in two stores: runs of both, as (delay, channel) and what they hold. */
static uint64_t row_hash(const uint32_t *word, const uint32_t *end, uint64_t *synapses_of) {
  uint64_t sum = 0;
  uint32_t last = 0;
  while (word < end) {
    uint32_t header = *word++, count = cls_run_count(header);
    assert_true(cls_run_delay(header) >= last);
    last = cls_run_delay(header);
    for (uint32_t k = 0; k < count; k++) sum += cls_mix64((uint64_t)(header - count) << 32 | word[k]);
    word += count;
    *synapses_of += count;
  }
  return sum;
}

static void check_rows_of(const cls_network *stored, const cls_network *drawn_when_asked, int ranks,
                          int parts) {
  cls_placement *placement;
  uint64_t synapses_of[2] = {0, 0}, said[2] = {0, 0}, kept = 0;
  OK(cls_placement_create(stored, ranks, ranks * parts, &placement));
  for (uint32_t b = 0; b < placement->n_blocks; b++)
    placement->owner[b] = (int32_t)(b * 7 / 3 % (uint32_t)ranks);
  for (int rank = 0; rank < ranks; rank++) {
    cls_layout *layout[2];
    cls_store **stores[2];
    cls_sources *sources[2];
    uint32_t *min_delay[2];
    for (int k = 0; k < 2; k++) {
      const cls_network *network = k ? drawn_when_asked : stored;
      OK(cls_layout_create(network, placement, rank, parts, &layout[k]));
      OK(cls_stores_create(network, layout[k], &stores[k], &sources[k], &min_delay[k]));
    }
    uint32_t s = 0;
    for (uint32_t slot = 0; slot < sources[1]->n; slot++) {
      uint64_t neuron = sources[1]->neuron[slot];
      bool known = s < sources[0]->n && sources[0]->neuron[s] == neuron; /* else its rows must be empty */
      for (int p = 0; p < parts; p++) {
        const cls_store *a = stores[0][p], *b = stores[1][p];
        const uint32_t *word, *end;
        uint64_t first = 0, second = 0;
        if (known) first = row_hash(a->word + a->row[s], a->word + a->row[s + 1], &synapses_of[0]);
        second = row_hash(b->word + b->row[slot], b->word + b->row[slot + 1], &synapses_of[1]);
        if (b->procedural) {
          OK(cls_store_draw_row(b, slot, &word, &end));
          second += row_hash(word, end, &synapses_of[1]);
        }
        assert_true(first == second);
        assert_true(b->max_delay >= a->max_delay);
      }
      if (known) assert_in_range(min_delay[1][slot], 1, min_delay[0][s]);
      s += known;
    }
    assert_int_equal(s, sources[0]->n);
    for (int k = 0; k < 2; k++) {
      for (int p = 0; p < parts; p++) {
        said[k] += cls_store_synapses(stores[k][p]);
        kept += k ? stores[k][p]->n_synapses : 0;
        cls_store_destroy(stores[k][p]);
      }
      free(stores[k]);
      free(min_delay[k]);
      cls_sources_destroy(sources[k]);
      cls_layout_destroy(layout[k]);
    }
  }
  assert_int_equal(synapses_of[0], synapses_of[1]);
  assert_int_equal(said[0], synapses_of[0]);
  assert_int_equal(said[1], synapses_of[0]);
  assert_int_equal(kept, 2300 * (3 + 20));
  cls_placement_destroy(placement);
}

/* Rows drawn when they are asked for are those that would be stored: dense enough for a table by groups, and so sparse
 * that many are empty. */
static void test_procedural_rows(void **state) {
  (void)state;
  const double scales[] = {1, 0.003};
  for (int k = 0; k < 2; k++) {
    cls_network *stored = make_rows(false, scales[k]), *procedural = make_rows(true, scales[k]);
    if (EVERY == 1) check_rows_of(stored, procedural, 1, 1);
    check_rows_of(stored, procedural, 1, 3);
    check_rows_of(stored, procedural, 3, 2);
    cls_network_destroy(stored);
    cls_network_destroy(procedural);
  }
}

/* More than 65,536 targets: several shards, one projection onto each neuron; a mixture of sources. */
static void test_many_targets(void **state) {
  (void)state;
  cls_network *network;
  cls_projection *p;
  OK(cls_network_create("test", .1, 5, &network));
  add(network, "a", "lif_psc_exp", 150000);
  add(network, "b", "lif_psc_exp", 150000);
  add(network, "c", "lif_psc_exp", 900);
  connect(network, "one", 0, 1, CLS_ONE_TO_ONE)->delay_ms = distribution(CLS_UNIFORM, .5, 1.5);
  const cls_projection_source sources[] = {{0, 1, 2}, {1, 2, .3}, {2, .5, 12}};
  OK(cls_network_add_projection(network, "mixture", 2, CLS_FIXED_INDEGREE, sources, 3, &p));
  p->indegree = 25, p->delay_ms = distribution(CLS_UNIFORM, .1, 1);
  OK(cls_network_finish(network));
  check(network, 1, 1);
  check(network, 2, 3);
  cls_network_destroy(network);
}

/* A run holds 1,023 synapses: longer ones continue. Few sources onto many targets are taken as present
 * without drawing. */
static void test_long_runs(void **state) {
  (void)state;
  cls_network *network;
  cls_projection *p;
  OK(cls_network_create("test", .1, 3, &network));
  add(network, "few", "lif_psc_exp", 3);
  add(network, "many", "lif_psc_exp", 5000);
  connect(network, "all", 0, 1, CLS_ALL_TO_ALL)->delay_ms = cls_constant(.7);
  p = connect(network, "exact", 0, 1, CLS_FIXED_TOTAL_NUMBER);
  p->total = 30000, p->port = 1, p->delay_ms = distribution(CLS_UNIFORM, .1, .4);
  OK(cls_network_finish(network));
  assert_int_equal(check(network, 1, 1), 3);
  check(network, 1, 5);
  cls_network_destroy(network);
}

/* No synapses at all; more parts than blocks. */
static void test_empty(void **state) {
  (void)state;
  cls_network *network;
  OK(cls_network_create("test", .1, 3, &network));
  add(network, "a", "lif_psc_exp", 10);
  OK(cls_network_finish(network));
  assert_int_equal(check(network, 1, 1), 0);
  assert_int_equal(check(network, 1, 3), 0);
  cls_network_destroy(network);
}

/* Delays have 14 bits: the longest is stored, the next is refused by name before anything is drawn. */
static void test_delay_limit(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    cls_network *network;
    OK(cls_network_create("test", .1, 3, &network));
    add(network, "a", "lif_psc_exp", 10);
    connect(network, "one", 0, 0, CLS_ONE_TO_ONE)->delay_ms = cls_constant(k == 0 ? 1638.3 : 1638.4);
    cls_status status = cls_network_finish(network);
    if (k == 0) {
      assert_int_equal(status, CLS_OK);
      assert_int_equal(network->max_delay, CLS_RUN_MAX_DELAY);
      check(network, 1, 1);
    } else {
      assert_true(status == CLS_ERR_INPUT || status == CLS_ERR_LIMIT);
      assert_non_null(strstr(cls_error_message(), "are 16384 steps of 0.1 ms: expected at most 16383 steps"));
    }
    cls_network_destroy(network);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_rule),   cmocka_unit_test(test_procedural_rows),
      cmocka_unit_test(test_many_targets), cmocka_unit_test(test_long_runs),
      cmocka_unit_test(test_empty),        cmocka_unit_test(test_delay_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

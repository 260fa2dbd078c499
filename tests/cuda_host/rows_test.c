/* Rows drawn by the GPU against those of the CPU: the same words in the same runs. */
#include "backend/cuda/row_store.h"
#include "engine/store_procedural.h"
#include "network/draws.h"
#include "rows_kernel.h"

enum { BLOCKS = 3, UNTOUCHED = 0x5a5a5a5a };

/* ---- what one rank holds ---- */

typedef struct {
  cls_placement *placement;
  cls_layout *layout;
  cls_store **stores;
  cls_sources *sources;
  uint32_t *min_delay;
} rank;

static rank make_rank(const cls_network *network, int ranks, int which, int parts) {
  rank r = {0};
  OK(cls_placement_create(network, ranks, ranks * parts, &r.placement));
  for (uint32_t b = 0; b < r.placement->n_blocks; b++)
    r.placement->owner[b] = (int32_t)(b * 7 / 3 % (uint32_t)ranks);
  OK(cls_layout_create(network, r.placement, which, parts, &r.layout));
  OK(cls_stores_create(network, r.layout, &r.stores, &r.sources, &r.min_delay));
  return r;
}

static void free_rank(rank *r) {
  for (uint32_t p = 0; p < r->layout->n_parts; p++) cls_store_destroy(r->stores[p]);
  free(r->stores);
  free(r->min_delay);
  cls_sources_destroy(r->sources);
  cls_layout_destroy(r->layout);
  cls_placement_destroy(r->placement);
}

/* ---- synapses of a row: delay, channel of the rank, word ---- */

typedef struct {
  uint64_t *synapse;
  size_t n, capacity;
} row;

static void add(row *r, uint32_t delay, uint32_t channel, uint32_t word) {
  OK(cls_grow(&r->synapse, &r->capacity, r->n + 1, sizeof *r->synapse, "synapses"));
  assert_true(channel < 1 << 16);
  r->synapse[r->n++] = (uint64_t)delay << 48 | (uint64_t)channel << 32 | word;
}

static int by_value_64(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* The row of a slot in all parts, by the CPU. */
static void expect(const rank *r, uint32_t slot, row *expected) {
  expected->n = 0;
  for (uint32_t p = 0; p < r->layout->n_parts; p++) {
    const uint32_t *word, *end;
    if (!r->stores[p]->procedural) continue;
    OK(cls_store_draw_row(r->stores[p], slot, &word, &end));
    while (word < end) {
      const uint32_t header = *word++, count = cls_run_count(header);
      for (uint32_t k = 0; k < count; k++)
        add(expected, cls_run_delay(header),
            r->layout->parts[p].shard_first * CLS_MAX_PORTS + cls_run_channel(header), *word++);
    }
  }
  if (expected->n > 0) qsort(expected->synapse, expected->n, sizeof *expected->synapse, by_value_64);
}

/* Reads runs: delays and channels ascend, and a key has a second run only behind full ones. */
static void read(const uint32_t *word, uint32_t words, uint32_t count_bits, uint32_t delay_bits, row *drawn) {
  const uint32_t *end = word + words;
  uint64_t last = 0;
  uint32_t last_count = 0;
  drawn->n = 0;
  while (word < end) {
    const uint32_t header = *word++, count = header & ((1u << count_bits) - 1);
    const uint32_t delay = header >> count_bits & ((1u << delay_bits) - 1);
    const uint32_t channel = header >> (count_bits + delay_bits);
    const uint64_t key = (uint64_t)delay << 32 | channel;
    assert_true(count > 0 && word + count <= end);
    assert_true(drawn->n == 0 || key > last || (key == last && last_count == (1u << count_bits) - 1));
    last = key;
    last_count = count;
    for (uint32_t k = 0; k < count; k++) add(drawn, delay, channel, *word++);
  }
  if (drawn->n > 0) qsort(drawn->synapse, drawn->n, sizeof *drawn->synapse, by_value_64);
}

/* ---- drawing by the GPU ---- */

typedef struct {
  uint32_t *out, *words, needed, capacity;
  unsigned long long *sum;
} drawn_rows;

static void *on_gpu(const void *from, size_t bytes) {
  void *memory;
  assert_int_equal(cudaMalloc(&memory, bytes), cudaSuccess);
  assert_int_equal(cudaMemcpy(memory, from, bytes, cudaMemcpyHostToDevice), cudaSuccess);
  return memory;
}
static void to_host(void *to, void *from, size_t bytes) {
  assert_int_equal(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), cudaSuccess);
  assert_int_equal(cudaFree(from), cudaSuccess);
}

static drawn_rows draw(const cls_gpu_procedural *rows, const uint64_t *neuron, uint32_t n, uint32_t records,
                       uint32_t capacity) {
  drawn_rows d = {.capacity = capacity};
  rows_args args = {.rows = rows->device, .records = records, .n = n, .capacity = capacity};
  const size_t out_bytes = (size_t)n * capacity * sizeof *d.out;
  args.layout = cls_gpu_row_layout_of(&rows->counts.extent, records);
  d.out = malloc(out_bytes);
  d.words = calloc(n, sizeof *d.words);
  d.sum = calloc(n, sizeof *d.sum);
  memset(d.out, UNTOUCHED & 0xff, out_bytes);
  args.neuron = on_gpu(neuron, n * sizeof *neuron);
  args.out = on_gpu(d.out, out_bytes);
  args.words = on_gpu(d.words, n * sizeof *d.words);
  args.sum = on_gpu(d.sum, n * sizeof *d.sum);
  args.needed = on_gpu(&d.needed, sizeof d.needed);
  assert_int_equal(cudaMalloc((void **)&args.scratch, BLOCKS * args.layout.bytes), cudaSuccess);
  assert_int_equal(launch_rows(&args, BLOCKS), cudaSuccess);
  to_host(d.out, args.out, out_bytes);
  to_host(d.words, args.words, n * sizeof *d.words);
  to_host(d.sum, args.sum, n * sizeof *d.sum);
  to_host(&d.needed, args.needed, sizeof d.needed);
  cudaFree(args.scratch);
  cudaFree((void *)args.neuron);
  return d;
}

static void free_rows(drawn_rows *d) {
  free(d->out);
  free(d->words);
  free(d->sum);
}

static cls_gpu_procedural load(const rank *r, uint32_t count_bits, uint32_t delay_bits) {
  cls_gpu_row_counts counts;
  cls_gpu_procedural rows;
  OK(cls_gpu_rows_count(r->layout, r->stores, &counts));
  cls_gpu_rows_plan(&counts, &rows);
  OK(cls_gpu_arena_make(&rows.arena, NULL));
  OK(cls_gpu_rows_fill(r->layout, r->stores, count_bits, delay_bits, &rows, NULL));
  return rows;
}

/* ---- comparing ---- */

/* How many keys the rows have beside their synapses: which way runs are laid. */
typedef enum { ANY_WAY, NEAR_TABLE, FAR_TABLE, SORTED } way;

typedef struct {
  int parts, most_rows;
  uint32_t count_bits, delay_bits;
  way expected;
} options;

/* Compares some rows of a rank, the first and last among them; returns their synapses. */
static size_t check_rank(const rank *r, options o) {
  cls_gpu_procedural rows = load(r, o.count_bits, o.delay_bits);
  const cls_gpu_row_extent *extent = &rows.counts.extent;
  const uint32_t slots = r->sources->n, n = slots < (uint32_t)o.most_rows ? slots : (uint32_t)o.most_rows;
  uint64_t *neuron = calloc(n, sizeof *neuron);
  row expected = {0}, got = {0};
  size_t all = 0;
  for (uint32_t i = 0; i < n; i++) neuron[i] = r->sources->neuron[(uint64_t)i * (slots - 1) / (n - 1)];
  drawn_rows d = draw(&rows, neuron, n, extent->longest, 2 * extent->longest);
  assert_int_equal(d.needed, 0);
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t *out = d.out + (size_t)i * d.capacity;
    expect(r, (uint32_t)((uint64_t)i * (slots - 1) / (n - 1)), &expected);
    assert_true(d.words[i] < d.capacity);
    read(out, d.words[i], o.count_bits, o.delay_bits, &got);
    assert_int_equal(got.n, expected.n);
    if (got.n > 0) assert_memory_equal(got.synapse, expected.synapse, got.n * sizeof *got.synapse);
    for (uint32_t w = 0; w < d.words[i]; w++) d.sum[i] -= out[w];
    assert_true(d.sum[i] == 0);
    for (uint32_t w = d.words[i]; w < d.capacity; w++) assert_true(out[w] == UNTOUCHED);
    all += got.n;
    const uint32_t keys = extent->keys; /* of all sources, where a way is expected */
    const way took = keys <= CLS_GPU_ROW_NEAR ? NEAR_TABLE : keys <= 2 * got.n ? FAR_TABLE : SORTED;
    if (o.expected != ANY_WAY && got.n > 0) assert_int_equal(took, o.expected);
  }
  free_rows(&d);
  free(neuron);
  free(expected.synapse);
  free(got.synapse);
  cls_gpu_arena_free(&rows.arena);
  return all;
}

static size_t check(const cls_network *network, int ranks, options o) {
  size_t all = 0;
  for (int i = 0; i < ranks; i++) {
    rank r = make_rank(network, ranks, i, o.parts);
    all += check_rank(&r, o);
    free_rank(&r);
  }
  assert_true(all > 0);
  return all;
}

/* ---- networks ---- */

static cls_network *begin(void) {
  cls_network *network;
  OK(cls_network_create("test", .1, 77, &network));
  return network;
}
static void populate(cls_network *network, const char *name, const char *model, uint64_t n) {
  cls_population *p;
  OK(cls_network_add_population(network, name, cls_model_find(model), n, &p));
}
/* All rules at once; a projection keeps the one that it has. */
static cls_projection *project(cls_network *network, const char *name, uint32_t source, uint32_t target,
                               cls_rule rule, double amount) {
  cls_projection *p = connect(network, name, source, target, rule);
  p->procedural = true;
  p->probability = amount;
  p->total = p->outdegree = (uint64_t)amount;
  return p;
}

static cls_distribution bounded(cls_distribution d, double min, double max, cls_bound_mode bound) {
  d.min = min, d.max = max, d.bound = bound;
  return d;
}

/* Every rule with and without autapses and repeated pairs, onto ports of one and two receptors, with every kind of weight
 * and delay; populations of three cells, the last one partly filled. */
static cls_network *make_every(double scale) {
  cls_network *network = begin();
  populate(network, "a", "lif_psc_exp", 2300);
  populate(network, "b", "lif_dtb", 1500);
  populate(network, "c", "lif_psc_exp", 70);
  const cls_distribution normal = distribution(CLS_NORMAL, 1, .5), gamma = distribution(CLS_GAMMA, .6, .4);
  const cls_distribution kinds[] = {cls_constant(1.3),
                                    distribution(CLS_UNIFORM, .1, 2.6),
                                    bounded(normal, .2, INFINITY, CLS_REDRAW),
                                    bounded(normal, .6, 1.8, CLS_CLIP),
                                    distribution(CLS_LOGNORMAL, 1, 1),
                                    bounded(gamma, .1, 4, CLS_REDRAW)};
  const struct {
    cls_rule rule;
    double amount;
  } rules[] = {{CLS_FIXED_TOTAL_NUMBER, 300000}, {CLS_PAIRWISE_BERNOULLI, .05}, {CLS_FIXED_OUTDEGREE, 90}};
  for (uint32_t bits = 0; bits < 24; bits++) {
    char name[16];
    snprintf(name, sizeof name, "p%u", bits);
    cls_projection *p =
        project(network, name, bits >> 1 & 1, bits & 1, rules[bits / 8].rule, rules[bits / 8].amount * scale);
    p->multapses = bits & 4, p->autapses = bits % 3 > 0;
    p->port = bits % 2;
    p->weight[0] = kinds[bits % 6], p->weight[1] = kinds[(bits + bits / 6) % 6];
    p->delay_ms = kinds[bits / 4];
    if (bits % 5 == 0) p->sources[0].delay_ms = .7;
  }
  project(network, "few", 2, 0, CLS_FIXED_OUTDEGREE, 7);
  OK(cls_network_finish(network));
  return network;
}

static void test_every_rule(void **state) {
  (void)state;
  cls_network *network = make_every(1);
  check(network, 1, (options){1, 12, 10, 14, ANY_WAY});
  check(network, 1, (options){3, 12, 5, 9, ANY_WAY});
  cls_network_destroy(network);
  network = make_every(.003);
  check(network, 2, (options){2, 40, 10, 14, ANY_WAY});
  cls_network_destroy(network);
}

/* Samples that hold most of a cell, or all of it. */
static void test_dense_samples(void **state) {
  (void)state;
  const double probability[] = {.04, .5, .9, 1};
  for (int i = 0; i < 4; i++) {
    cls_network *network = begin();
    populate(network, "a", "lif_psc_exp", 1300);
    project(network, "p", 0, 0, CLS_PAIRWISE_BERNOULLI, probability[i])->autapses = i % 2;
    OK(cls_network_finish(network));
    check(network, 1, (options){1, 8, 10, 14, NEAR_TABLE});
    check(network, 3, (options){1, 4, 10, 14, NEAR_TABLE});
    cls_network_destroy(network);
  }
}

/* Runs that are longer than a header can count, and headers that can count little, in each way of laying them. */
static void test_long_runs(void **state) {
  (void)state;
  const double greatest[] = {.1, 250, 1638};
  const way ways[] = {NEAR_TABLE, FAR_TABLE, SORTED};
  for (int i = 0; i < 3; i++) {
    cls_network *network = begin();
    populate(network, "a", "lif_psc_exp", 2000);
    cls_projection *p = project(network, "p", 0, 0, CLS_FIXED_OUTDEGREE, 5000);
    p->delay_ms = bounded(distribution(CLS_UNIFORM, -1000, 180 + greatest[i]), .1, greatest[i], CLS_CLIP);
    OK(cls_network_finish(network));
    check(network, 1, (options){1, 4, 10, 14, ways[i]});
    check(network, 1, (options){1, 4, 3, 14, ways[i]});
    cls_network_destroy(network);
  }
}

/* Delays so different that most are those of one synapse. */
static void test_many_delays(void **state) {
  (void)state;
  const double greatest[] = {90, 190, 400, 1638};
  const way ways[] = {NEAR_TABLE, FAR_TABLE, SORTED, SORTED};
  for (int i = 0; i < 4; i++) {
    cls_network *network = begin();
    populate(network, "a", "lif_psc_exp", 3000);
    cls_projection *p = project(network, "p", 0, 0, CLS_FIXED_OUTDEGREE, 1500);
    p->delay_ms = distribution(CLS_UNIFORM, .1, greatest[i]);
    p->multapses = i % 2;
    OK(cls_network_finish(network));
    check(network, 1, (options){1, 8, 10, 14, ways[i]});
    check(network, 2, (options){2, 4, 8, 14, ANY_WAY});
    cls_network_destroy(network);
  }
}

/* More target cells than shared memory has room for, in several shards. */
static void test_many_cells(void **state) {
  (void)state;
  cls_network *network = begin();
  populate(network, "many", "lif_psc_exp", 1100000);
  populate(network, "few", "lif_psc_exp", 10);
  cls_projection *p = project(network, "p", 1, 0, CLS_FIXED_OUTDEGREE, 3000);
  p->delay_ms = distribution(CLS_UNIFORM, 1, 2);
  project(network, "q", 1, 0, CLS_FIXED_TOTAL_NUMBER, 30000)->multapses = false;
  OK(cls_network_finish(network));
  check(network, 1, (options){2, 4, 10, 14, ANY_WAY});
  cls_network_destroy(network);
}

/* ---- what does not fit, what is not there ---- */

static void test_room(void **state) {
  (void)state;
  cls_network *network = begin();
  populate(network, "a", "lif_psc_exp", 500);
  populate(network, "b", "lif_psc_exp", 500);
  cls_projection *p = project(network, "p", 0, 1, CLS_FIXED_OUTDEGREE, 200);
  p->delay_ms = distribution(CLS_UNIFORM, .1, 200);
  OK(cls_network_finish(network));
  rank r = make_rank(network, 1, 0, 1);
  cls_gpu_procedural rows = load(&r, 10, 14);
  assert_int_equal(rows.counts.extent.longest, 200);
  const uint64_t neuron[] = {3, 700, 499, 500, 1u << 31};
  drawn_rows enough = draw(&rows, neuron, 5, 200, 400);
  drawn_rows exact = draw(&rows, neuron, 1, 200, enough.words[0]);
  assert_true(enough.words[0] > 200 && enough.words[2] > 200);
  assert_true(enough.words[1] == 0 && enough.words[3] == 0 && enough.words[4] == 0);
  assert_int_equal(exact.words[0], enough.words[0]);
  row a = {0}, b = {0};
  read(enough.out, enough.words[0], 10, 14, &a);
  read(exact.out, exact.words[0], 10, 14, &b);
  assert_memory_equal(a.synapse, b.synapse, 200 * sizeof *a.synapse);
  drawn_rows less = draw(&rows, neuron, 1, 200, enough.words[0] - 1);
  assert_int_equal(less.words[0], enough.words[0]);
  assert_int_equal(less.needed, 0);
  drawn_rows none = draw(&rows, neuron, 3, 199, 400);
  assert_true(none.words[0] == UINT32_MAX && none.words[1] == 0 && none.words[2] == UINT32_MAX);
  assert_int_equal(none.needed, 200);
  free(a.synapse);
  free(b.synapse);
  free_rows(&enough);
  free_rows(&exact);
  free_rows(&less);
  free_rows(&none);
  cls_gpu_arena_free(&rows.arena);
  free_rank(&r);
  cls_network_destroy(network);
}

/* Weights and delays that are drawn anew: the arena is filled again. */
static void test_change(void **state) {
  (void)state;
  cls_network *network = begin();
  populate(network, "a", "lif_psc_exp", 700);
  cls_projection *p = project(network, "p", 0, 0, CLS_FIXED_TOTAL_NUMBER, 30000);
  p->weight[0] = distribution(CLS_UNIFORM, 0, 1);
  OK(cls_network_finish(network));
  rank r = make_rank(network, 1, 0, 1);
  cls_gpu_procedural rows = load(&r, 10, 14);
  row expected = {0}, got = {0};
  for (int turn = 0; turn < 2; turn++) {
    const uint64_t neuron = 17;
    drawn_rows d = draw(&rows, &neuron, 1, rows.counts.extent.longest, 2 * rows.counts.extent.longest);
    read(d.out, d.words[0], 10, 14, &got);
    expect(&r, 17, &expected);
    assert_int_equal(got.n, expected.n);
    assert_memory_equal(got.synapse, expected.synapse, got.n * sizeof *got.synapse);
    free_rows(&d);
    p->weight[0] = distribution(CLS_UNIFORM, .5, 1);
    free_rank(&r);
    r = make_rank(network, 1, 0, 1);
    OK(cls_gpu_rows_fill(r.layout, r.stores, 10, 14, &rows, NULL));
  }
  free(expected.synapse);
  free(got.synapse);
  cls_gpu_arena_free(&rows.arena);
  free_rank(&r);
  cls_network_destroy(network);
}

/* A rank without any. */
static void test_nothing(void **state) {
  (void)state;
  cls_network *network = begin();
  populate(network, "a", "lif_psc_exp", 10);
  connect(network, "stored", 0, 0, CLS_ALL_TO_ALL);
  OK(cls_network_finish(network));
  rank r = make_rank(network, 1, 0, 2);
  cls_gpu_procedural rows = load(&r, 10, 14);
  assert_int_equal(rows.counts.sources, 0);
  const uint64_t neuron[] = {0, 9};
  drawn_rows d = draw(&rows, neuron, 2, 8, 8);
  assert_true(d.words[0] == 0 && d.words[1] == 0);
  free_rows(&d);
  cls_gpu_arena_free(&rows.arena);
  free_rank(&r);
  cls_network_destroy(network);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_rule), cmocka_unit_test(test_dense_samples),
      cmocka_unit_test(test_long_runs),  cmocka_unit_test(test_many_delays),
      cmocka_unit_test(test_many_cells), cmocka_unit_test(test_room),
      cmocka_unit_test(test_change),     cmocka_unit_test(test_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

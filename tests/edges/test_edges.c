/* Lists of synapses in files: what is read is what was written, whatever part is asked for, by however many
 * ranks. Also run on several ranks (test_edges.py). */
#include "base/outcome.h"
#include "io/edges_file.h"
#include "io/hdf5_file.h"
#include "io/positions_file.h"
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static cls_world world;
static char path[64];

/* ---- a list ---- */

enum { SOURCES = 900, TARGETS = 5000 };
typedef struct {
  uint64_t n;
  uint32_t *source;
  int64_t *target;
  double *weight; /* [n][weights] */
  float *delay;   /* in a type of its own */
  int weights;
  bool delays;
} list;

/* n synapses; `order` 0: sorted by target, 1: nearly, 2: anyhow. Weights are multiples of 1/1024: exact in
 * the network's quantum. */
static list make_list(uint64_t n, int order, int weights, bool delays) {
  list l = {.n = n, .weights = weights, .delays = delays};
  cls_stream stream = cls_stream_make(5, CLS_PURPOSE_SAMPLE, (uint64_t)order);
  l.source = calloc(n + 1, sizeof *l.source);
  l.target = calloc(n + 1, sizeof *l.target);
  l.weight = calloc(2 * n + 1, sizeof *l.weight);
  l.delay = calloc(n + 1, sizeof *l.delay);
  for (uint64_t i = 0; i < n; i++) {
    cls_words w = cls_draw(stream, (uint32_t)i, 0, 0, 0);
    uint64_t sorted = i * TARGETS / n;
    l.source[i] = cls_below(w.w[0], SOURCES);
    l.target[i] = (int64_t)(order == 2 ? cls_below(w.w[1], TARGETS) : sorted);
    if (order == 1 && i % 1000 == 7) l.target[i] = cls_below(w.w[1], TARGETS);
    for (int r = 0; r < weights; r++) {
      double steps = cls_below(w.w[2] >> (16 * r) << 16, 241);
      l.weight[i * (uint64_t)weights + (uint64_t)r] =
          weights == 1 ? (steps * 100 - 12000) / 1024 : steps / 1024;
    }
    l.delay[i] = 0.125f * (float)(1 + cls_below(w.w[3], 300));
  }
  return l;
}
static void free_list(list *l) {
  free(l->source);
  free(l->target);
  free(l->weight);
  free(l->delay);
}

/* Rank 0 writes when all have closed what was there, all wait. */
static void write_list(const list *l, const char *group) {
  MPI_Barrier(world.comm);
  if (world.rank == 0) {
    hid_t file;
    hsize_t n[2] = {l->n, 2};
    char name[64];
    OK(cls_h5_create(path, &file));
    snprintf(name, sizeof name, "%s/source_id", group);
    OK(cls_h5_table(file, name, H5T_NATIVE_UINT32, 1, n, l->source, NULL));
    snprintf(name, sizeof name, "%s/target_id", group);
    OK(cls_h5_table(file, name, H5T_NATIVE_INT64, 1, n, l->target, NULL));
    snprintf(name, sizeof name, "%s/weight", group);
    if (l->weights) OK(cls_h5_table(file, name, H5T_NATIVE_DOUBLE, l->weights, n, l->weight, NULL));
    snprintf(name, sizeof name, "%s/delay_ms", group);
    if (l->delays) OK(cls_h5_table(file, name, H5T_NATIVE_FLOAT, 1, n, l->delay, NULL));
    OK(cls_h5_close(file));
  }
  MPI_Barrier(world.comm);
}

/* ---- a network that reads it ---- */

static cls_network *make_network(const char *group, const list *l, uint64_t seed) {
  cls_network *network;
  cls_population *population;
  cls_projection *p;
  bool pair = l->weights == 2;
  const cls_model *model = cls_model_find(pair ? "lif_dtb" : "lif_psc_exp");
  OK(cls_network_create("test", 0.125, seed, &network));
  OK(cls_network_add_population(network, "a", model, SOURCES, &population));
  OK(cls_network_add_population(network, "b", model, TARGETS, &population));
  cls_projection_source source = {0, 1, 0};
  OK(cls_network_add_projection(network, "list", 1, CLS_EXPLICIT, &source, 1, &p));
  if (l->delays) p->delay_ms = cls_constant(0);
  if (!l->delays) p->delay_ms = (cls_distribution){CLS_UNIFORM, 1, 4, 0, 1, -INFINITY, INFINITY, CLS_REDRAW};
  if (!l->weights) p->weight[0] = (cls_distribution){CLS_GAMMA, 5, 2, 0, 1, -INFINITY, INFINITY, CLS_REDRAW};
  cls_edges_limits limits = {SOURCES, TARGETS, "a", "b", &model->ports[0], 0.125};
  OK(cls_edges_file_open(path, group, &limits, &p->edges));
  if (world.rank == 0) OK(cls_edges_file_scan(p->edges));
  OK(cls_edges_file_share(&world, p->edges));
  OK(cls_network_finish(network));
  return network;
}

/* Sums over synapses: how many, and an order-free hash. */
typedef struct {
  uint64_t n, hash, first, last; /* targets allowed */
} sum;

static uint64_t hash_of(uint64_t source, uint64_t target, uint16_t weight, uint16_t delay) {
  return cls_mix64(cls_mix64(source << 32 | target) ^ ((uint64_t)weight << 16 | delay));
}
static cls_status add_up(void *context, const cls_synapse *synapses, int n) {
  sum *s = context;
  for (int i = 0; i < n; i++) {
    assert_in_range(synapses[i].target, s->first, s->last - 1);
    s->hash += hash_of(synapses[i].source, synapses[i].target, synapses[i].weight, synapses[i].delay);
  }
  s->n += (uint64_t)n;
  return CLS_OK;
}

/* Draws ranges of `step` neurons, every ranks-th of them here; the sum over all ranks. */
static sum draw_in_steps(const cls_network *network, uint64_t step) {
  sum s = {0}, all;
  uint64_t number = 0;
  for (uint64_t first = 0; first < TARGETS; first += step, number++) {
    if (number % (uint64_t)world.ranks != (uint64_t)world.rank) continue;
    s.first = first;
    s.last = first + step < TARGETS ? first + step : TARGETS;
    OK(cls_projection_draw(network, &network->projections[0], first, s.last - first, CLS_DRAW_ALL, add_up,
                           &s));
  }
  all = s;
  MPI_Allreduce(&s, &all, 2, MPI_UINT64_T, MPI_SUM, world.comm);
  return all;
}

/* The same from the list itself. */
static sum of_list(const list *l, const cls_network *network) {
  sum s = {.n = l->n};
  const float *quantum = network->quantum[1];
  for (uint64_t i = 0; i < l->n; i++) {
    const double *w = l->weight + i * (uint64_t)l->weights;
    uint16_t weight = (uint16_t)(int16_t)(w[0] / (double)quantum[0]);
    if (l->weights == 2)
      weight = (uint16_t)((uint16_t)(w[0] / (double)quantum[0]) | (uint16_t)(w[1] / (double)quantum[1]) << 8);
    assert_true(w[0] / (double)quantum[0] ==
                rint(w[0] / (double)quantum[0])); /* the test's own weights are exact */
    s.hash += hash_of(l->source[i], (uint64_t)l->target[i], weight, (uint16_t)((double)l->delay[i] / 0.125));
  }
  return s;
}

static uint64_t greatest_indegree(const list *l) {
  uint64_t *count = calloc(TARGETS, sizeof *count), most = 0;
  for (uint64_t i = 0; i < l->n; i++) {
    uint64_t n = ++count[l->target[i]];
    if (n > most) most = n;
  }
  free(count);
  return most;
}

static void test_round_trip(void **state) {
  (void)state;
  const uint64_t lengths[] = {150000, 4097, 1, 0};
  for (int k = 0; k < 4; k++)
    for (int order = 0; order < 3; order++)
      for (int weights = 1; weights <= 2; weights++) {
        list l = make_list(lengths[k], order, weights, true);
        write_list(&l, order ? "/deep/in/there" : "");
        cls_network *network = make_network(order ? "/deep/in/there" : "/", &l, 1);
        const cls_edge_table *table = network->projections[0].edges;
        assert_int_equal(table->n, l.n);
        assert_int_equal(table->weights, weights);
        assert_true(table->delays);
        assert_int_equal(table->max_indegree, greatest_indegree(&l));
        assert_int_equal(cls_edges_file_is_sorted(table), order == 0 || l.n < 2);
        sum whole = of_list(&l, network), read = draw_in_steps(network, TARGETS);
        assert_true(read.n == whole.n && read.hash == whole.hash);
        const uint64_t steps[] = {64, 1000, 2999};
        for (int i = 0; i < 3; i++) {
          if (order == 2 && l.n > 100000 && i == 0) continue; /* reads the file 79 times */
          read = draw_in_steps(network, steps[i]);
          assert_true(read.n == whole.n && read.hash == whole.hash);
        }
        cls_network_destroy(network);
        free_list(&l);
      }
}

/* Weights and delays that are not listed are drawn by the number of the synapse in its list. */
static void test_drawn_values(void **state) {
  (void)state;
  list l = make_list(20000, 2, 0, false);
  write_list(&l, "/g");
  cls_network *network = make_network("/g", &l, 1), *again = make_network("g", &l, 1);
  cls_network *other = make_network("/g", &l, 2);
  sum one = draw_in_steps(network, TARGETS), parts = draw_in_steps(again, 700),
      two = draw_in_steps(other, 700);
  assert_int_equal(one.n, 20000);
  assert_true(one.hash == parts.hash && one.hash != two.hash);
  assert_true(network->projections[0].edges->checksum == other->projections[0].edges->checksum);
  assert_int_equal(network->min_delay, 8);
  assert_int_equal(network->max_delay, 32);
  cls_network_destroy(network);
  cls_network_destroy(again);
  cls_network_destroy(other);

  /* by the definition: word 1 of counter (number, 0, 0) is the weight */
  l.weights = 0;
  network = make_network("/g", &l, 1);
  network->projections[0].weight[0] =
      (cls_distribution){CLS_UNIFORM, 0, 1, 0, 1, 0, 1, CLS_REDRAW}; /* below the gamma's bound */
  cls_stream stream = cls_stream_make(1, CLS_PURPOSE_CONNECT, cls_hash_string("list"));
  sum expected = {0};
  for (uint32_t i = 0; i < 20000; i++) {
    cls_words w = cls_draw(stream, i, 0, 0, 0);
    double weight = cls_unit(w.w[1]) / (double)network->quantum[1][0],
           delay = (1 + 3 * cls_unit(w.w[3])) / 0.125;
    expected.hash +=
        hash_of(l.source[i], (uint64_t)l.target[i], (uint16_t)lrint(weight), (uint16_t)lrint(delay));
  }
  one = draw_in_steps(network, TARGETS);
  assert_true(one.hash == expected.hash);
  cls_network_destroy(network);
  free_list(&l);
}

/* Every column, and every place in it, counts in the checksum. */
static void test_checksum(void **state) {
  (void)state;
  uint64_t seen[7];
  for (int change = 0; change < 7; change++) {
    list l = make_list(3000, 0, 1, change != 5);
    if (change == 1) l.source[2999] = (l.source[2999] + 1) % SOURCES;
    if (change == 2) l.target[0] = 1;
    if (change == 3) l.weight[1500] += 1;
    if (change == 4) l.delay[1] += 0.125f;
    if (change == 6) l.n = 2999;
    write_list(&l, "/g");
    cls_network *network = make_network("/g", &l, 1);
    seen[change] = network->projections[0].edges->checksum;
    for (int other = 0; other < change; other++) assert_true(seen[other] != seen[change]);
    cls_network_destroy(network);
    free_list(&l);
  }
}

/* ---- positions ---- */

static void test_positions(void **state) {
  (void)state;
  enum { N = 2500 };
  for (int width = 2; width <= 3; width++) {
    double *flat = calloc((size_t)N * (size_t)width, sizeof *flat);
    for (int i = 0; i < N * width; i++) flat[i] = cls_unit((uint32_t)cls_mix64((uint64_t)i));
    MPI_Barrier(world.comm);
    if (world.rank == 0) {
      hid_t file;
      OK(cls_h5_create(path, &file));
      OK(cls_h5_table(file, "/a/xyz", H5T_NATIVE_DOUBLE, 2, (hsize_t[]){N, (hsize_t)width}, flat, "mm"));
      OK(cls_h5_close(file));
    }
    MPI_Barrier(world.comm);
    cls_position_table *table;
    OK(cls_positions_file_open(path, "/a/xyz", N, "a", &table));
    if (world.rank == 0) OK(cls_positions_file_scan(table));
    OK(cls_positions_file_share(&world, table));
    double(*xyz)[3] = calloc(N, sizeof *xyz);
    for (uint64_t first = 0; first < N; first += 600)
      OK(table->read(table->self, first, first + 600 < N ? 600 : (uint32_t)(N - first), xyz + first));
    for (int i = 0; i < N; i++)
      for (int k = 0; k < 3; k++) {
        assert_true(xyz[i][k] == (k < width ? flat[i * width + k] : 0));
        const cls_box *box = &table->cell_box[i / CLS_CELL];
        assert_true(xyz[i][k] >= box->low[k] && xyz[i][k] <= box->high[k]);
      }
    assert_true(table->sample[0][0] == xyz[4][0] && table->sample[255][1] == xyz[2495][1]);
    free(xyz);
    free(flat);
    table->destroy(table->self);
  }
}

static int start(void **state) {
  (void)state;
  uint64_t mark = (uint64_t)getpid();
  MPI_Bcast(&mark, 1, MPI_UINT64_T, 0, world.comm);
  snprintf(path, sizeof path, "/tmp/callosum_edges_%llu.h5", (unsigned long long)mark);
  return 0;
}
static int stop(void **state) {
  (void)state;
  MPI_Barrier(world.comm);
  return world.rank == 0 ? remove(path) : 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_drawn_values),
      cmocka_unit_test(test_checksum),
      cmocka_unit_test(test_positions),
  };
  MPI_Init(&argc, &argv);
  cls_world_init(&world, MPI_COMM_WORLD, 1, 0);
  int failed = cmocka_run_group_tests(tests, start, stop);
  MPI_Finalize();
  return failed;
}

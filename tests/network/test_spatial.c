/* Positions, and connection by distance: against the shapes, and against the kernel summed over all pairs. */
#include "base/effort.h"
#include "draws.h"

#include "network/internal.h"

/* ---- positions ---- */

static cls_network *one_shape(cls_shape shape, uint64_t n, double x, double y, double z, uint64_t seed) {
  const uint64_t sizes[] = {n};
  cls_network *network = make_network("lif_psc_exp", seed, 1, sizes);
  network->populations[0].positions =
      (cls_positions){.shape = shape, .size_mm = {x, y, z}, .centre_mm = {10, -20, 30}};
  OK(cls_network_finish(network));
  return network;
}

typedef double point[3];
static point *positions(const cls_network *network, uint32_t population, uint64_t first, uint32_t n) {
  point *xyz = calloc(n, sizeof *xyz);
  OK(cls_population_positions(network, population, first, n, xyz));
  return xyz;
}

static double whole(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

/* The three coordinates that should be uniform on (0, 1) and independent. */
static void flatten(const cls_positions *p, const point xyz, double u[3]) {
  double at[3];
  for (int k = 0; k < 3; k++) at[k] = xyz[k] - p->centre_mm[k];
  if (p->shape == CLS_SHAPE_DISC || p->shape == CLS_SHAPE_BALL) {
    double z = p->shape == CLS_SHAPE_BALL ? at[2] : 0;
    double r = sqrt(at[0] * at[0] + at[1] * at[1] + z * z), share = r / (p->size_mm[0] / 2);
    u[0] = p->shape == CLS_SHAPE_BALL ? share * share * share : share * share;
    u[1] = atan2(at[1], at[0]) / (2 * M_PI) + 0.5;
    u[2] = 0.5 + 0.5 * z / r;
  } else {
    for (int k = 0; k < 3; k++) u[k] = p->size_mm[k] > 0 ? at[k] / p->size_mm[k] + 0.5 : 0.5;
  }
}

static void test_shapes_are_filled_evenly(void **state) {
  (void)state;
  enum { N = 40000, BINS = 8 };
  const struct {
    cls_shape shape;
    double size[3];
    int dimensions;
  } cases[] = {{CLS_SHAPE_RECTANGLE, {3, 0.5, 0}, 2},
               {CLS_SHAPE_BOX, {3, 0.5, 1}, 3},
               {CLS_SHAPE_DISC, {4, 0, 0}, 2},
               {CLS_SHAPE_BALL, {4, 0, 0}, 3}};
  for (int c = 0; c < 4; c++) {
    cls_network *network =
        one_shape(cases[c].shape, N, cases[c].size[0], cases[c].size[1], cases[c].size[2], 5);
    const cls_positions *p = &network->populations[0].positions;
    point *xyz = positions(network, 0, 0, N);
    double count[BINS * BINS * BINS] = {0}, expected[BINS * BINS * BINS], *axis = calloc(N, sizeof *axis);
    int bins = cases[c].dimensions == 3 ? BINS * BINS * BINS : BINS * BINS;
    for (int k = 0; k < cases[c].dimensions; k++) {
      double u[3];
      for (int i = 0; i < N; i++) {
        flatten(p, xyz[i], u);
        axis[i] = u[k];
        assert_true(u[k] > 0 && u[k] < 1);
      }
      assert_true(ks_distance(axis, N, 0, whole) < 1.95);
    }
    for (int i = 0; i < N; i++) {
      double u[3];
      flatten(p, xyz[i], u);
      int bin = (int)(u[0] * BINS) * BINS + (int)(u[1] * BINS);
      if (cases[c].dimensions == 3) bin = bin * BINS + (int)(u[2] * BINS);
      if (cases[c].dimensions == 2) assert_true(xyz[i][2] == 30);
      count[bin]++;
    }
    for (int k = 0; k < bins; k++) expected[k] = (double)N / bins;
    NEAR(chi_square_z(count, expected, bins), 0, 4);

    /* the density within a cell's box, neighbours in the numbering: as even as the whole */
    const cls_box *box = network->populations[0].cell_box;
    double volume = 0;
    for (uint32_t cell = 0; cell < cls_cell_count(N); cell++) {
      double part = 1;
      for (int k = 0; k < cases[c].dimensions; k++) part *= box[cell].high[k] - box[cell].low[k];
      volume += part;
      for (uint64_t i = cell * CLS_CELL; i < N && i < (cell + 1) * CLS_CELL; i++)
        for (int k = 0; k < 3; k++)
          assert_true(xyz[i][k] >= box[cell].low[k] && xyz[i][k] <= box[cell].high[k]);
    }
    assert_true(volume < 8 * cls_shape_volume(p)); /* of 40: cells are compact */
    free(axis);
    free(xyz);
    cls_network_destroy(network);
  }
}

static void test_positions_are_of_seed_and_name(void **state) {
  (void)state;
  enum { N = 3000 };
  cls_network *network = one_shape(CLS_SHAPE_BALL, N, 2, 0, 0, 5);
  point *all = positions(network, 0, 0, N), *one = positions(network, 0, 1777, 1);
  assert_memory_equal(one, all + 1777, sizeof *one);
  point *part = positions(network, 0, 900, 1300);
  assert_memory_equal(part, all + 900, 1300 * sizeof *part);
  cls_network *other = one_shape(CLS_SHAPE_BALL, N, 2, 0, 0, 6);
  point *different = positions(other, 0, 0, N);
  assert_true(memcmp(different, all, sizeof *all) != 0);
  assert_true(different[N - 1][0] != all[N - 1][0]);
  free(all);
  free(one);
  free(part);
  free(different);
  cls_network_destroy(network);
  cls_network_destroy(other);
}

static void test_grids(void **state) {
  (void)state;
  const struct {
    uint64_t n, points[3];
    double size[3];
  } cases[] = {{100, {10, 10, 1}, {1, 1, 0}},   {101, {11, 10, 1}, {1, 1, 0}},
               {1000, {10, 10, 10}, {2, 2, 2}}, {4000, {20, 20, 10}, {2, 2, 1}},
               {2, {2, 1, 1}, {9, 0.1, 0}},     {50, {50, 1, 1}, {1, 1e-6, 0}},
               {20, {10, 2, 1}, {5, 1, 0}}};
  for (int c = 0; c < 7; c++) {
    const double *size = cases[c].size;
    uint64_t points[3];
    cls_network *network = one_shape(CLS_SHAPE_GRID, cases[c].n, size[0], size[1], size[2], 1);
    cls_grid_points(&network->populations[0].positions, cases[c].n, points);
    for (int k = 0; k < 3; k++) assert_int_equal(points[k], cases[c].points[k]);
    point *xyz = positions(network, 0, 0, (uint32_t)cases[c].n);
    for (uint64_t i = 0; i < cases[c].n; i++) {
      double column = (double)(i % points[0]), row = (double)(i / points[0] % points[1]);
      double plane = (double)(i / points[0] / points[1]);
      NEAR(xyz[i][0], 10 + size[0] * ((column + 0.5) / (double)points[0] - 0.5), 1e-12);
      NEAR(xyz[i][1], -20 + size[1] * ((row + 0.5) / (double)points[1] - 0.5), 1e-12);
      NEAR(xyz[i][2], 30 + size[2] * ((plane + 0.5) / (double)points[2] - 0.5), 1e-12);
      const cls_box *box = &network->populations[0].cell_box[i / CLS_CELL];
      for (int k = 0; k < 3; k++) assert_true(xyz[i][k] >= box->low[k] && xyz[i][k] <= box->high[k]);
    }
    free(xyz);
    cls_network_destroy(network);
  }
}

/* ---- distances between boxes ---- */

static void test_gaps_hold_all_distances(void **state) {
  (void)state;
  cls_stream stream = cls_stream_make(1, CLS_PURPOSE_SAMPLE, 0);
  for (uint32_t trial = 0; trial < 2000; trial++) {
    cls_box box[2];
    double period[3] = {trial % 2 ? 4.0 : 0, trial % 4 > 1 ? 4.0 : 0, 0};
    cls_reader reader = cls_reader_make(stream, trial, 0, 0);
    for (int b = 0; b < 2; b++)
      for (int k = 0; k < 3; k++) {
        double x = 4 * cls_read_unit(&reader), y = 4 * cls_read_unit(&reader);
        box[b].low[k] = fmin(x, y);
        box[b].high[k] = fmax(x, y);
      }
    double gap = cls_box_gap(&box[0], &box[1], period), reach = cls_box_reach(&box[0], &box[1], period);
    for (int i = 0; i < 50; i++) {
      double at[2][3];
      for (int b = 0; b < 2; b++)
        for (int k = 0; k < 3; k++) /* often on an edge */
          at[b][k] =
              box[b].low[k] + (box[b].high[k] - box[b].low[k]) * whole(1.6 * cls_read_unit(&reader) - 0.3);
      double distance = cls_distance(at[0], at[1], period);
      assert_true(distance >= gap - 1e-12 && distance <= reach + 1e-12);
    }
  }
}

/* ---- synapses by distance ---- */

typedef struct {
  const char *name;
  cls_positions target, source;
  cls_kernel kernel;
  double velocity;
  bool recurrent, autapses;
} variant;

#define FLAT(x, y, torus)                                                                                    \
  { .shape = CLS_SHAPE_RECTANGLE, .size_mm = {x, y}, .periodic = torus }
static const variant variants[] = {
    {"gaussian",
     FLAT(2, 1, false),
     FLAT(2, 1, false),
     {CLS_KERNEL_GAUSSIAN, 0.6, 0.1, INFINITY},
     0,
     false,
     true},
    {"gaussian, cut",
     FLAT(2, 1, false),
     FLAT(2, 1, false),
     {CLS_KERNEL_GAUSSIAN, 0.6, 0.2, 0.3},
     0.3,
     false,
     true},
    {"torus",
     FLAT(2, 1, true),
     FLAT(2, 1, true),
     {CLS_KERNEL_EXPONENTIAL, 0.5, 0.15, INFINITY},
     0.5,
     false,
     true},
    {"itself", FLAT(2, 1, true), FLAT(2, 1, true), {CLS_KERNEL_LINEAR, 0.2, 0.4, INFINITY}, 0.2, true, false},
    {"box",
     {.shape = CLS_SHAPE_GRID, .size_mm = {1, 1}},
     {.shape = CLS_SHAPE_DISC, .size_mm = {1.5}},
     {CLS_KERNEL_BOX, 0.1, 1, 0.2},
     0,
     false,
     true},
    {"solid",
     {.shape = CLS_SHAPE_BALL, .size_mm = {1}},
     {.shape = CLS_SHAPE_BOX, .size_mm = {1, 1, 1}},
     {CLS_KERNEL_GAUSSIAN, 1, 0.2, INFINITY},
     1,
     false,
     true},
    {"off the plane",
     {.shape = CLS_SHAPE_DISC, .size_mm = {2}, .centre_mm = {0, 0, 0.3}},
     FLAT(2, 2, false),
     {CLS_KERNEL_EXPONENTIAL, 0.3, 0.2, 1},
     0.4,
     false,
     true},
    {"a grid onto itself",
     {.shape = CLS_SHAPE_GRID, .size_mm = {1, 1, 1}, .periodic = true},
     {.shape = CLS_SHAPE_GRID, .size_mm = {1, 1, 1}, .periodic = true},
     {CLS_KERNEL_GAUSSIAN, 0.9, 0.06, INFINITY},
     0,
     true,
     true},
};
enum { VARIANTS = sizeof variants / sizeof *variants, N0 = 2700, N1 = 2100, RINGS = 40 };

static cls_network *make_variant(const variant *v, uint64_t seed) {
  const uint64_t n[] = {N0, N1};
  cls_network *network = make_network("lif_psc_exp", seed, 2, n);
  uint32_t target = v->recurrent ? 0 : 1;
  network->populations[0].positions = v->source;
  network->populations[1].positions = v->target;
  cls_projection *p = connect(network, "a", 0, target, CLS_PAIRWISE_BERNOULLI);
  p->kernel = v->kernel;
  p->autapses = v->autapses;
  p->weight[0] = distribution(CLS_NORMAL, 10, 1);
  p->velocity_mm_ms = v->velocity;
  p->delay_ms = cls_constant(v->velocity > 0 ? 0.25 : 1.5);
  OK(cls_network_finish(network));
  return network;
}

/* The kernel, written out. */
static double kernel(const cls_kernel *k, double d) {
  if (d > k->max_mm) return 0;
  if (k->kind == CLS_KERNEL_GAUSSIAN) return k->peak * exp(-d * d / (2 * k->length_mm * k->length_mm));
  if (k->kind == CLS_KERNEL_EXPONENTIAL) return k->peak * exp(-d / k->length_mm);
  if (k->kind == CLS_KERNEL_LINEAR) return d < k->length_mm ? k->peak * (1 - d / k->length_mm) : 0;
  return k->peak;
}
static double between(const variant *v, const point a, const point b) {
  double square = 0;
  for (int k = 0; k < 3; k++) {
    double x = fabs(a[k] - b[k]);
    if (v->target.periodic && v->target.size_mm[k] > 0) x = fmin(x, v->target.size_mm[k] - x);
    square += x * x;
  }
  return sqrt(square);
}

static int by_pair(const void *a, const void *b) {
  const cls_synapse *x = a, *y = b;
  if (x->target != y->target) return x->target < y->target ? -1 : 1;
  return (x->source > y->source) - (x->source < y->source);
}

/* Synapses per ring of distance and per target neuron against the kernel summed over all pairs. */
static void check_variant(const variant *v) {
  cls_network *network = make_variant(v, 3);
  const cls_projection *p = &network->projections[0];
  uint32_t targets = (uint32_t)network->populations[p->target].n;
  point *to = positions(network, p->target, 0, targets), *from = positions(network, 0, 0, N0);
  double most = cls_kernel_cutoff(&v->kernel), count[RINGS] = {0}, expected[RINGS] = {0}, variance = 0,
         sum = 0;
  double *mean = calloc(targets, sizeof *mean), *spread = calloc(targets, sizeof *spread), greatest = 0;
  if (most > 1) most = 1; /* what is beyond falls into the last ring */
  for (uint32_t t = 0; t < targets; t++) {
    for (uint32_t s = 0; s < N0; s++) {
      if (v->recurrent && !v->autapses && s == t) continue;
      double d = between(v, to[t], from[s]), chance = kernel(&v->kernel, d);
      int ring = (int)(d / most * RINGS);
      expected[ring < RINGS ? ring : RINGS - 1] += chance;
      mean[t] += chance;
      spread[t] += chance * (1 - chance);
    }
    sum += mean[t];
    variance += spread[t];
    if (mean[t] > greatest) greatest = mean[t];
  }
  synapses all = draw_all(network);
  NEAR((double)all.n, sum, 4.5 * sqrt(variance));
  NEAR(network->expected_synapses, sum, 0.03 * sum + 3 * sum / sqrt(N1)); /* whose positions are a sample */

  double *in = indegrees(&all, targets), dispersion = 0, bound = cls_projection_indegree_bound(network, p);
  for (uint32_t t = 0; t < targets; t++) {
    if (spread[t] > 0) dispersion += (in[t] - mean[t]) * (in[t] - mean[t]) / spread[t];
    assert_true(in[t] <= bound);
  }
  NEAR((dispersion - targets) / sqrt(2.0 * targets), 0, 4.5);
  assert_true(bound >= greatest && bound < 5 * greatest + 10 * sqrt(5 * greatest) + 10);

  qsort(all.synapse, all.n, sizeof *all.synapse, by_pair);
  for (size_t i = 0; i < all.n; i++) {
    const cls_synapse *s = &all.synapse[i];
    double d = between(v, to[s->target], from[s->source]);
    assert_true(d <= v->kernel.max_mm);
    int ring = (int)(d / most * RINGS);
    count[ring < RINGS ? ring : RINGS - 1]++;
    double delay = v->velocity > 0 ? 0.25 + d / v->velocity : 1.5, steps = rint(delay / 0.1);
    /* to a step where it is exactly between two */
    bool between_steps = fabs(delay / 0.1 - floor(delay / 0.1) - 0.5) < 1e-9;
    assert_true(s->delay == steps || between_steps);
    assert_in_range(s->delay, network->min_delay, network->max_delay);
    if (v->recurrent && !v->autapses) assert_true(s->source != s->target);
    if (i > 0) assert_true(by_pair(s, s - 1) != 0);
  }
  double z = chi_square_z(count, expected, RINGS);
  if (!(fabs(z) < 4.5)) fail_msg("%s: distances: %g SD from the kernel", v->name, z);

  /* any part is a part of the whole */
  uint64_t hash = hash_synapses(&all, 0), parts = 0;
  const uint64_t cuts[] = {0, 1, 700, 1023, 1024, 1090, targets - 1, targets};
  for (int i = 0; i < 7; i++) {
    synapses part = draw_range(network, cuts[i], cuts[i + 1] - cuts[i], CLS_DRAW_ALL);
    parts += hash_synapses(&part, 0);
    free(part.synapse);
  }
  assert_true(parts == hash);
  synapses sources = draw_range(network, 0, targets, CLS_DRAW_SOURCE);
  assert_int_equal(sources.n, all.n);

  free(sources.synapse);
  free(all.synapse);
  free(in);
  free(mean);
  free(spread);
  free(to);
  free(from);
  cls_network_destroy(network);
}
static void test_synapses_follow_the_kernel(void **state) {
  (void)state;
  for (int i = 0; i < VARIANTS; i += EVERY) check_variant(&variants[i]);
}

/* Distances in the delays of a rule that does not look at them, with a drawn part on top. */
static void test_delays_by_distance_alone(void **state) {
  (void)state;
  const uint64_t n[] = {3000, 2000};
  cls_network *network = make_network("lif_psc_exp", 1, 2, n);
  for (int i = 0; i < 2; i++)
    network->populations[i].positions = (cls_positions){.shape = CLS_SHAPE_DISC, .size_mm = {6}};
  cls_projection *p = connect(network, "a", 0, 1, CLS_FIXED_TOTAL_NUMBER);
  p->total = 40000;
  p->velocity_mm_ms = 0.3;
  p->delay_ms = distribution(CLS_UNIFORM, 1, 2);
  OK(cls_network_finish(network));
  assert_int_equal(network->min_delay, 10);
  NEAR(network->max_delay, 20 + 10 * 6 * sqrt(2.0) / 0.3, 1); /* between corners of the box around a disc */
  synapses all = draw_all(network);
  point *to = positions(network, 1, 0, 2000), *from = positions(network, 0, 0, 3000);
  double *rest = calloc(all.n, sizeof *rest);
  for (size_t i = 0; i < all.n; i++) {
    const cls_synapse *s = &all.synapse[i];
    const double none[3] = {0, 0, 0};
    rest[i] = s->delay * 0.1 - cls_distance(to[s->target], from[s->source], none) / 0.3 - 1;
    assert_true(rest[i] > -0.0501 && rest[i] < 1.0501);
  }
  assert_true(ks_distance(rest, all.n, 0, whole) < 0.06 * sqrt((double)all.n)); /* rounded to 0.1 ms */
  free(rest);
  free(to);
  free(from);
  free(all.synapse);
  cls_network_destroy(network);
}

/* Cells far apart are passed over, so that a hundred thousand neurons take a moment. */
static void test_neighbours_in_a_large_population(void **state) {
  (void)state;
  enum { N = 100000 };
  const uint64_t n[] = {N};
  cls_network *network = make_network("lif_psc_exp", 1, 1, n);
  network->populations[0].positions =
      (cls_positions){.shape = CLS_SHAPE_RECTANGLE, .size_mm = {10, 10}, .periodic = true};
  cls_projection *p = connect(network, "a", 0, 0, CLS_PAIRWISE_BERNOULLI);
  p->kernel = (cls_kernel){CLS_KERNEL_GAUSSIAN, 0.02, 0.3, INFINITY};
  OK(cls_network_finish(network));
  double mean = N * 0.02 * 2 * M_PI * 0.3 * 0.3 / 100; /* 11.3 */
  NEAR(network->expected_synapses / N, mean, 0.02 * mean);
  synapses all = draw_all(network);
  NEAR((double)all.n / N, mean, 0.02 * mean);
  free(all.synapse);
  cls_network_destroy(network);
}

/* ---- what is refused ---- */

static void test_refusals(void **state) {
  (void)state;
  const struct {
    variant v;
    const char *says;
  } cases[] = {
      {{"",
        {.shape = CLS_SHAPE_NONE},
        FLAT(1, 1, false),
        {CLS_KERNEL_LINEAR, 0.1, 1, INFINITY},
        0,
        false,
        true},
       "'p1' has no positions"},
      {{"", FLAT(1, 1, true), FLAT(1, 1, false), {CLS_KERNEL_LINEAR, 0.1, 1, INFINITY}, 0, false, true},
       "not periodic alike"},
      {{"", FLAT(1, 1, true), FLAT(1, 2, true), {CLS_KERNEL_LINEAR, 0.1, 1, INFINITY}, 0, false, true},
       "not periodic alike"},
      {{"", FLAT(1, 1, false), FLAT(1, 1, false), {CLS_KERNEL_LINEAR, 1.1, 1, INFINITY}, 0, false, true},
       "peak: 1.1"},
      {{"", FLAT(1, 1, false), FLAT(1, 1, false), {CLS_KERNEL_LINEAR, 0.1, 0, INFINITY}, 0, false, true},
       "length is 0"},
      {{"", FLAT(1, 1, false), FLAT(1, 1, false), {CLS_KERNEL_BOX, 0.1, 0, -1}, 0, false, true},
       "max_mm: -1"},
      {{"", FLAT(0, 1, false), FLAT(1, 1, false), {CLS_KERNEL_LINEAR, 0.1, 1, INFINITY}, 0, false, true},
       "size_mm 0"},
      {{"",
        {.shape = CLS_SHAPE_DISC, .size_mm = {1}, .periodic = true},
        FLAT(1, 1, false),
        {CLS_KERNEL_LINEAR, 0.1, 1, INFINITY},
        0,
        false,
        true},
       "periodic: expected a rectangle"},
      {{"", FLAT(1, 1, false), FLAT(1, 1, false), {CLS_KERNEL_LINEAR, 0.1, 1, INFINITY}, 1e-4, false, true},
       "expected at most 16383 steps"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const uint64_t n[] = {10, 10};
    cls_network *network = make_network("lif_psc_exp", 1, 2, n);
    network->populations[0].positions = cases[i].v.source;
    network->populations[1].positions = cases[i].v.target;
    cls_projection *p = connect(network, "a", 0, 1, CLS_PAIRWISE_BERNOULLI);
    p->kernel = cases[i].v.kernel;
    p->velocity_mm_ms = cases[i].v.velocity;
    assert_int_equal(cls_network_finish(network), CLS_ERR_INPUT);
    if (!strstr(cls_error_message(), cases[i].says))
      fail_msg("'%s' does not say '%s'", cls_error_message(), cases[i].says);
    cls_network_destroy(network);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shapes_are_filled_evenly),
      cmocka_unit_test(test_positions_are_of_seed_and_name),
      cmocka_unit_test(test_grids),
      cmocka_unit_test(test_gaps_hold_all_distances),
      cmocka_unit_test(test_synapses_follow_the_kernel),
      cmocka_unit_test(test_delays_by_distance_alone),
      cmocka_unit_test(test_neighbours_in_a_large_population),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

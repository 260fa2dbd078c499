/* Weights and delays of drawn synapses against the distributions they come from. */
#include "draws.h"

enum { TARGETS = 1000, INDEGREE = 100, N = TARGETS * INDEGREE };

static cls_network *make(const char *model, cls_distribution weight, cls_distribution second,
                         cls_distribution delay) {
  const uint64_t n[] = {3000, TARGETS};
  cls_network *network = make_network(model, 11, 2, n);
  cls_projection *p = connect(network, "a", 0, 1, CLS_FIXED_INDEGREE);
  p->indegree = INDEGREE;
  p->weight[0] = weight;
  p->weight[1] = second;
  p->delay_ms = delay;
  OK(cls_network_finish(network));
  return network;
}

static double normal_cdf(double z) { return 0.5 * erfc(-z / sqrt(2)); }
static double cdf_uniform(double x) { return x < -1 ? 0 : x > 3 ? 1 : (x + 1) / 4; }
static double cdf_normal(double x) { return normal_cdf((x + 5) / 2); }
/* normal(2, 1) redrawn below 0.5 */
static double cdf_redrawn(double x) {
  double below = normal_cdf(-1.5);
  return x < 0.5 ? 0 : (normal_cdf(x - 2) - below) / (1 - below);
}
/* mean 1, SD 0.5: sigma^2 = ln 1.25, mu = -sigma^2 / 2 */
static double cdf_lognormal(double x) {
  double variance = log(1.25);
  return x <= 0 ? 0 : normal_cdf((log(x) + variance / 2) / sqrt(variance));
}
/* shape 5, rate 5: 1 - e^-y sum y^k / k!, k < 5, y = 5 x */
static double cdf_gamma(double x) {
  double y = 5 * x, term = 1, sum = 1;
  if (x <= 0) return 0;
  for (int k = 1; k < 5; k++) sum += term *= y / k;
  return 1 - exp(-y) * sum;
}

/* The stored weights, read back, follow the distribution; the scale uses at least half of the 16 bits. */
static void check_weights(cls_distribution weight, double (*cdf)(double)) {
  cls_network *network = make("lif_psc_exp", weight, cls_constant(1), cls_constant(1));
  double quantum = (double)network->quantum[1][0], *x = calloc(N, sizeof *x), most = 0;
  synapses all = draw_all(network);
  assert_int_equal(all.n, N);
  for (size_t i = 0; i < N; i++) {
    x[i] = (double)(int16_t)all.synapse[i].weight * quantum;
    if (fabs(x[i]) > most) most = fabs(x[i]);
  }
  double upper = fmax(fabs(cls_distribution_upper(&weight)), fabs(cls_distribution_lower(&weight)));
  assert_true(most <= upper + quantum / 2);
  assert_true(upper / quantum > 16383 && upper / quantum <= 32767);
  assert_true(ks_distance(x, N, quantum, cdf) < 1.95);
  free(x);
  free(all.synapse);
  cls_network_destroy(network);
}
static void test_weights_of_16_bits(void **state) {
  (void)state;
  check_weights(distribution(CLS_UNIFORM, -1, 3), cdf_uniform);
  check_weights(distribution(CLS_NORMAL, -5, 2), cdf_normal);
  cls_distribution redrawn = distribution(CLS_NORMAL, 2, 1);
  redrawn.min = 0.5;
  check_weights(redrawn, cdf_redrawn);
  check_weights(distribution(CLS_LOGNORMAL, 1, 0.5), cdf_lognormal);
  check_weights(distribution(CLS_GAMMA, 5, 5), cdf_gamma);
}

static void test_clipped_weights(void **state) {
  (void)state;
  cls_distribution clipped = distribution(CLS_NORMAL, 2, 1);
  clipped.min = 1, clipped.max = 3, clipped.bound = CLS_CLIP;
  cls_network *network = make("lif_psc_exp", clipped, cls_constant(1), cls_constant(1));
  synapses all = draw_all(network);
  double quantum = (double)network->quantum[1][0], low = 0, high = 0;
  NEAR(quantum, 0x1p-13, 0); /* 3 / 2^-13 = 24576 <= 32767 < 49152 */
  for (size_t i = 0; i < N; i++) {
    low += (int16_t)all.synapse[i].weight == 8192;
    high += (int16_t)all.synapse[i].weight == 24576;
    assert_in_range(all.synapse[i].weight, 8192, 24576);
  }
  double share = normal_cdf(-1);
  NEAR(low, N * share, 5 * sqrt(N * share));
  NEAR(high, N * share, 5 * sqrt(N * share));
  free(all.synapse);
  cls_network_destroy(network);
}

/* Two weights of 8 bits: uniform over the levels (half a level at the ends), independent of each other, of
 * the source, of the delay and of the next synapse. */
static void test_weights_of_8_bits_are_independent(void **state) {
  (void)state;
  cls_network *network = make("lif_dtb", distribution(CLS_UNIFORM, 0, 1), distribution(CLS_UNIFORM, 0.2, 0.6),
                              distribution(CLS_UNIFORM, 1, 11));
  NEAR((double)network->quantum[1][0], 0x1p-7, 0); /* 1 / 2^-7 = 128 <= 255 */
  NEAR((double)network->quantum[1][1], 0x1p-8, 0); /* 0.6 / 2^-8 = 153.6 */
  synapses all = draw_all(network);
  double *field[5], count[129] = {0}, expected[129];
  for (int f = 0; f < 5; f++) field[f] = calloc(N, sizeof *field[f]);
  for (size_t i = 0; i < N; i++) {
    int low = all.synapse[i].weight & 255, high = all.synapse[i].weight >> 8;
    assert_in_range(low, 0, 128);
    assert_in_range(high, 51, 154);
    count[low]++;
    field[0][i] = low, field[1][i] = high, field[2][i] = all.synapse[i].delay;
    field[3][i] = (double)all.synapse[i].source, field[4][(i + 1) % N] = low;
  }
  for (int k = 0; k <= 128; k++) expected[k] = k == 0 || k == 128 ? N / 256.0 : N / 128.0;
  NEAR(chi_square_z(count, expected, 129), 0, 4.5);
  for (int f = 0; f < 5; f++)
    for (int g = 0; g < f; g++) NEAR(correlation(field[f], field[g], N), 0, 4.5 / sqrt(N));
  double mean = 0;
  for (size_t i = 0; i < N; i++) mean += field[1][i] / 256 / N;
  NEAR(mean, 0.4, 5 * 0.4 / sqrt(12.0 * N));
  for (int f = 0; f < 5; f++) free(field[f]);
  free(all.synapse);
  cls_network_destroy(network);
}

/* Words of redraws belong to one field of one synapse: with half of the draws refused, weights and delay are
 * as independent as ever. */
static void test_redraws_are_independent(void **state) {
  (void)state;
  cls_distribution half = distribution(CLS_NORMAL, 1, 0.3);
  half.min = 1;
  cls_network *network = make("lif_dtb", half, half, half);
  synapses all = draw_all(network);
  double *field[4];
  for (int f = 0; f < 4; f++) field[f] = calloc(N, sizeof *field[f]);
  for (size_t i = 0; i < N; i++) {
    field[0][i] = all.synapse[i].weight & 255, field[1][i] = all.synapse[i].weight >> 8;
    field[2][i] = all.synapse[i].delay, field[3][(i + 1) % N] = field[0][i];
    assert_true(field[0][i] >= 64 && field[1][i] >= 64 && field[2][i] >= 10); /* 1 / 2^-6 */
  }
  for (int f = 0; f < 4; f++)
    for (int g = 0; g < f; g++) NEAR(correlation(field[f], field[g], N), 0, 4.5 / sqrt(N));
  for (int f = 0; f < 4; f++) free(field[f]);
  free(all.synapse);
  cls_network_destroy(network);
}

/* Steps of a normal delay: each as often as the interval that rounds to it. */
static void test_delays(void **state) {
  (void)state;
  cls_network *network =
      make("lif_psc_exp", cls_constant(-3), cls_constant(1), distribution(CLS_NORMAL, 1.5, 0.2));
  assert_int_equal(network->min_delay, 3);  /* 1.5 - 6 x 0.2 */
  assert_int_equal(network->max_delay, 27); /* 1.5 + 6 x 0.2 */
  synapses all = draw_all(network);
  double count[30] = {0}, expected[30];
  for (size_t i = 0; i < N; i++) {
    assert_in_range(all.synapse[i].delay, 3, 27);
    count[all.synapse[i].delay]++;
    assert_int_equal((int16_t)all.synapse[i].weight, -24576); /* -3 / 2^-13 */
  }
  for (int k = 0; k < 30; k++)
    expected[k] = N * (normal_cdf(((k + 0.5) * 0.1 - 1.5) / 0.2) - normal_cdf(((k - 0.5) * 0.1 - 1.5) / 0.2));
  NEAR(chi_square_z(count, expected, 30), 0, 4.5);
  free(all.synapse);
  cls_network_destroy(network);
}

/* PD14's inhibitory delays, 0.75 +- 0.375 ms: what falls below half a step is one step. */
static void test_short_delays_become_one_step(void **state) {
  (void)state;
  cls_network *network =
      make("lif_psc_exp", cls_constant(1), cls_constant(1), distribution(CLS_NORMAL, 0.75, 0.375));
  assert_int_equal(network->min_delay, 1);
  assert_int_equal(network->max_delay, 30);
  synapses all = draw_all(network);
  double one = 0, share = normal_cdf((0.15 - 0.75) / 0.375);
  for (size_t i = 0; i < N; i++) {
    assert_in_range(all.synapse[i].delay, 1, 30);
    one += all.synapse[i].delay == 1;
  }
  NEAR(one, N * share, 5 * sqrt(N * share));
  free(all.synapse);
  cls_network_destroy(network);
}

/* A constant goes through the same rounding as a drawn value: to the nearest quantum, ties to even. */
static void test_rounding(void **state) {
  (void)state;
  const double weight[] = {1, 0.7, -0.7, 1.0 / 3, 20000.5, 20001.5, -20000.5, 0};
  const int stored[] = {16384, 22938, -22938, 21845, 20000, 20002, -20000, 0};
  for (int i = 0; i < 8; i++) {
    cls_network *network =
        make("lif_psc_exp", cls_constant(weight[i]), cls_constant(1), cls_constant(0.25 + 0.1 * i));
    synapses all = draw_range(network, 0, 1, CLS_DRAW_ALL);
    assert_int_equal((int16_t)all.synapse[0].weight, stored[i]);
    assert_int_equal(all.synapse[0].delay, (int)rint((0.25 + 0.1 * i) / 0.1));
    free(all.synapse);
    cls_network_destroy(network);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_weights_of_16_bits),
      cmocka_unit_test(test_clipped_weights),
      cmocka_unit_test(test_weights_of_8_bits_are_independent),
      cmocka_unit_test(test_redraws_are_independent),
      cmocka_unit_test(test_delays),
      cmocka_unit_test(test_short_delays_become_one_step),
      cmocka_unit_test(test_rounding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

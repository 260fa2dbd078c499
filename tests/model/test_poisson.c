/* The Poisson input: counts by chi-square, independence, and what it adds. */
#include "model/figures.h"
#include "model/tiles.h"

static const char *const NAME = "poisson";
enum { N = CLS_TILE, MOST = 160 };
static const double DT = .1;

static bench *make(double mean, double weight) {
  double param[CLS_MAX_PARAMS];
  const cls_model *model = cls_model_find(NAME);
  default_params(model, param);
  set_param(model, param, "rate_hz", mean / DT * 1000);
  set_param(model, param, "weight", weight);
  return bench_make(NAME, N, DT, param);
}

/* Counts of one step: what a unit weight adds to no input. */
static const float *counts(bench *b, int64_t step, uint32_t first, uint32_t member) {
  clear_input(b);
  set_step(b, first, step, member);
  step_shared(b);
  return b->input[b->tile.receptor];
}

static double probability(double mean, int k) { return exp(k * log(mean) - mean - lgamma(k + 1.0)); }

static void test_counts(void **state) {
  (void)state;
  static const struct {
    double mean;
    int steps, repeat;
  } cases[] = {{.001, 16000, 1}, {.1, 4000, 1}, {1.28, 4000, 1}, {8, 4000, 1}, {50, 2000, 7}};
  double worst = 0; /* in standard errors */
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const double mean = cases[c].mean, n = (double)N * cases[c].steps;
    double seen[MOST] = {0}, expected[MOST], sum = 0, square = 0, space = 0, time = 0;
    static float last[N];
    bench *b = make(mean, 1);
    assert_int_equal(b->table.repeat, cases[c].repeat);
    for (int step = 0; step < cases[c].steps; step++) {
      const float *x = counts(b, step, 512, 0);
      for (int i = 0; i < N; i++) {
        int k = (int)x[i];
        assert_true((float)k == x[i] && k >= 0 && k < MOST);
        seen[k]++;
        sum += k, square += (k - mean) * (k - mean);
        if (i > 0) space += (k - mean) * ((double)x[i - 1] - mean);
        if (step > 0) time += (k - mean) * ((double)last[i] - mean);
      }
      memcpy(last, x, sizeof last);
    }
    for (int k = 0; k < MOST; k++) expected[k] = n * probability(mean, k);
    if (mean > .01) worst = fmax(worst, fabs(chi_square_z(seen, expected, MOST)));
    worst = fmax(worst, fabs(sum / n - mean) / sqrt(mean / n));
    /* the fourth central moment of a Poisson number is mean (1 + 3 mean) */
    worst = fmax(worst, fabs(square / n - mean) / sqrt((mean * (1 + 3 * mean) - mean * mean) / n));
    worst = fmax(worst, fabs(space / n) / (mean / sqrt(n)));
    worst = fmax(worst, fabs(time / n) / (mean / sqrt(n)));
    if (mean < .01) { /* too few bins for a chi-square: twos and more, n p = 2 */
      NEAR(seen[1], n * mean * exp(-mean), 4 * sqrt(n * mean));
      assert_in_range(n - seen[0] - seen[1], 0, 10);
    }
    free(b);
  }
  hold(NAME, "counts", worst);
}

/* The thresholds are the cumulative distribution, to the last unit of 2^-32. */
static void test_table(void **state) {
  (void)state;
  static const double means[] = {1e-6, .001, 1.28, 8};
  long double error = 0;
  for (int c = 0; c < 4; c++) {
    bench *b = make(means[c], 1);
    long double sum = 0;
    assert_in_range(b->table.n, 1, CLS_MAX_TABLE);
    for (int k = 0; k < b->table.n; k++) {
      sum += (long double)probability(means[c], k);
      error = fmaxl(error, fabsl((long double)b->table.threshold[k] - sum * 0x1p32L));
      if (k > 0) assert_true(b->table.threshold[k] >= b->table.threshold[k - 1]);
    }
    sum += (long double)probability(means[c], b->table.n);
    assert_true(1 - sum < 0x1p-33L + 1e-15L); /* larger counts are less likely than half a word */
    free(b);
  }
  hold(NAME, "table", (double)error);
  bench *silent = make(0, 1);
  assert_int_equal(silent->table.n, 0);
  for (int step = 0; step < 10; step++)
    for (int i = 0; i < N; i++) assert_true(counts(silent, step, 0, 0)[i] == 0);
  free(silent);
}

/* Members, keys and draws of one step share no words. */
static void test_members_and_draws(void **state) {
  (void)state;
  const double mean = 12; /* two draws of 6 */
  bench *b = make(mean, 1);
  assert_int_equal(b->table.repeat, 2);
  double members = 0, keys = 0, square = 0, n = 1000. * N;
  static float x[N], y[N];
  for (int step = 0; step < 1000; step++) {
    memcpy(x, counts(b, step, 0, 0), sizeof x);
    memcpy(y, counts(b, step, 0, 1), sizeof y);
    b->tile.key[1] ^= 1;
    const float *z = counts(b, step, 0, 0);
    b->tile.key[1] ^= 1;
    for (int i = 0; i < N; i++) {
      double d = (double)x[i] - mean;
      square += d * d, members += d * ((double)y[i] - mean), keys += d * ((double)z[i] - mean);
    }
  }
  NEAR(square / n, mean, 4 * sqrt((mean * (1 + 3 * mean) - mean * mean) / n));
  NEAR(members / n, 0, 4 * mean / sqrt(n));
  NEAR(keys / n, 0, 4 * mean / sqrt(n));
  free(b);
}

/* The input of one receptor grows by count x weight; others and the current are left alone. */
static void test_weight(void **state) {
  (void)state;
  static const double weights[] = {87.8085, -12.5};
  for (int c = 0; c < 2; c++)
    for (int receptor = 0; receptor < CLS_MAX_RECEPTORS; receptor++) {
      bench *unit = make(1.28, 1), *b = make(1.28, weights[c]);
      b->tile.receptor = receptor;
      int events = 0;
      for (int step = 0; step < 20; step++) {
        const float *count = counts(unit, step, 64, 0);
        for (int r = 0; r < CLS_MAX_RECEPTORS; r++)
          for (int i = 0; i < N; i++) b->input[r][i] = (float)(i - 3 * r);
        set_step(b, 64, step, 0);
        step_shared(b);
        for (int i = 0; i < N; i++) {
          for (int r = 0; r < CLS_MAX_RECEPTORS; r++) {
            double expected = i - 3 * r + (r == receptor ? (double)count[i] * weights[c] : 0);
            NEAR((double)b->input[r][i], expected, 1e-7 * fabs(expected) + 5e-5);
          }
          assert_true(b->current[i] == 0);
          events += (int)count[i];
        }
      }
      assert_in_range(events, 6000, 7200); /* 1.28 x 5120 = 6554 */
      free(unit), free(b);
    }
}

static void test_check(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  const cls_model *model = cls_model_find(NAME);
  default_params(model, param);
  set_param(model, param, "rate_hz", 8 * 4096 / .1 * 1000);
  OK(model->check(param, .1));
  set_param(model, param, "rate_hz", 8 * 4096 / .1 * 1001);
  assert_int_equal(model->check(param, .1), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "rate_hz 3.28008e+08: expected at most 3.2768e+08"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_counts), cmocka_unit_test(test_table), cmocka_unit_test(test_members_and_draws),
      cmocka_unit_test(test_weight), cmocka_unit_test(test_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

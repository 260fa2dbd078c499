/* Hyperparameters of an ensemble: transform, prior, process model, and what they make of populations. */
#include "base/outcome.h"

#include "assimilation/hyper.h"
#include <math.h>
#include <stdlib.h>

enum { REGIONS = 3, MEMBERS = 50 };
static int32_t regions[REGIONS] = {0, 1, 2}, all[1] = {-1};

static cls_hyperparameter logit(const char *name, double lower, double upper) {
  return (cls_hyperparameter){.name = (char *)name,
                              .rows = REGIONS,
                              .row_region = regions,
                              .relative = true,
                              .lower = lower,
                              .upper = upper,
                              .prior_low = lower + 0.25 * (upper - lower),
                              .prior_high = lower + 0.75 * (upper - lower),
                              .prior_mean = 0.5 * (lower + upper),
                              .tau_s = INFINITY,
                              .update = true};
}

static cls_hyperparameter logarithm(const char *name) {
  cls_hyperparameter h = logit(name, 0, INFINITY);
  h.transform = CLS_LOG;
  h.prior_normal = true;
  h.prior_mean = 2;
  h.prior_sd = 0.3;
  return h;
}

static double *numbers(size_t n) {
  double *x = NULL;
  OK(cls_alloc(&x, n, sizeof *x, "numbers"));
  return x;
}

static void moments(const double *x, int n, double *mean, double *sd) {
  double sum = 0, square = 0;
  for (int i = 0; i < n; i++) sum += x[i] / n;
  for (int i = 0; i < n; i++) square += (x[i] - sum) * (x[i] - sum) / (n - 1);
  *mean = sum;
  *sd = sqrt(square);
}

static void near(double is, double expected, double within) {
  if (!(fabs(is - expected) <= within)) fail_msg("%.17g, expected %.17g", is, expected);
}

/* Published: 10 ln((h - l) / (u - h)). Back it never leaves the bounds, however far. */
static void test_transform(void **state) {
  (void)state;
  const cls_hyperparameter h = logit("h", 0.25, 2), l = logarithm("l");
  near(cls_hyper_transform_of(&h, 0.5), 10 * log(0.25 / 1.5), 1e-12);
  near(cls_hyper_transform_of(&h, 1.125), 0, 1e-14);
  near(cls_hyper_transform_of(&l, 5), log(5), 1e-15);
  for (double value = 0.2501; value < 2; value += 0.0173) {
    near(cls_hyper_value_of(&h, cls_hyper_transform_of(&h, value)), value, 1e-14 * value);
    near(cls_hyper_value_of(&l, cls_hyper_transform_of(&l, value)), value, 1e-14 * value);
  }
  for (double x = -1e6; x <= 1e6; x += 1e4) {
    const double value = cls_hyper_value_of(&h, x);
    assert_true(value >= 0.25 && value <= 2);
  }
  assert_true(cls_hyper_value_of(&h, -1e6) == 0.25 && cls_hyper_value_of(&h, 1e6) == 2);
}

static int ascending(const void *a, const void *b) {
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* Members are spread evenly over the prior, exactly, in an order that is each row's own. */
static void test_even_prior(void **state) {
  (void)state;
  const cls_hyperparameter list[2] = {logit("a", 0.25, 2), logit("b", 0.25, 2)};
  cls_hyper t;
  OK(cls_hyper_create(list, 2, &t));
  assert_int_equal(t.rows, 2 * REGIONS);
  double *theta = numbers(t.rows * MEMBERS), *again = numbers(t.rows * MEMBERS), sorted[MEMBERS];
  OK(cls_hyper_prior(&t, 7, MEMBERS, theta));
  for (uint32_t r = 0; r < t.rows; r++) {
    memcpy(sorted, theta + r * MEMBERS, sizeof sorted);
    qsort(sorted, MEMBERS, sizeof *sorted, ascending);
    assert_memory_not_equal(sorted, theta + r * MEMBERS, sizeof sorted);
    for (int m = 0; m < MEMBERS; m++) {
      const double low = list[0].prior_low, high = list[0].prior_high;
      assert_true(sorted[m] == cls_hyper_transform_of(list, low + (high - low) * ((m + 0.5) / MEMBERS)));
    }
    for (uint32_t other = 0; other < r; other++)
      assert_memory_not_equal(theta + r * MEMBERS, theta + other * MEMBERS, sizeof sorted);
  }
  OK(cls_hyper_prior(&t, 7, MEMBERS, again));
  assert_memory_equal(theta, again, t.rows * MEMBERS * sizeof *theta);
  OK(cls_hyper_prior(&t, 8, MEMBERS, again));
  assert_memory_not_equal(theta, again, MEMBERS * sizeof *theta);
  free(theta);
  free(again);
  cls_hyper_destroy(&t);
}

/* value = shared + deviation on the transformed scale; rows: what all share, then regions. */
static void test_hierarchical(void **state) {
  (void)state;
  enum { MANY = 4000 };
  cls_hyperparameter h = logarithm("h");
  h.per = CLS_HIERARCHICAL;
  h.deviation_sd = 0.1;
  cls_hyper t;
  OK(cls_hyper_create(&h, 1, &t));
  assert_int_equal(t.rows, REGIONS + 1);
  assert_int_equal(t.values, REGIONS);
  assert_int_equal(t.row[0].region, -1);
  for (int r = 0; r < REGIONS; r++) assert_int_equal(t.row[r + 1].region, r);
  double *theta = numbers(t.rows * MANY), *values = numbers(t.values * MANY), mean, sd;
  OK(cls_hyper_prior(&t, 7, MANY, theta));
  moments(theta, MANY, &mean, &sd);
  near(mean, log(2), 1e-3);
  near(sd, 0.3, 1e-3);
  for (int r = 1; r <= REGIONS; r++) {
    moments(theta + r * MANY, MANY, &mean, &sd);
    near(mean, 0, 4 * 0.1 / sqrt(MANY));
    near(sd, 0.1, 0.1 * 4 / sqrt(2.0 * MANY));
  }
  cls_hyper_values(&t, MANY, theta, values);
  for (int r = 0; r < REGIONS; r++)
    for (int m = 0; m < MANY; m++)
      assert_true(values[r * MANY + m] == cls_hyper_value_of(&h, theta[(r + 1) * MANY + m] + theta[m]));
  free(theta);
  free(values);
  cls_hyper_destroy(&t);
}

/* A walk adds sd a cycle, more where innovations are surprising: sd_max from four times their spread on. */
static void test_walk(void **state) {
  (void)state;
  enum { MANY = 20000 };
  cls_hyperparameter h = logit("h", 0.25, 2);
  h.sd = 0.1;
  h.sd_max = 0.7;
  cls_hyper t;
  OK(cls_hyper_create(&h, 1, &t));
  double *theta = numbers(t.rows * MANY), mean, sd;
  const double spread = sqrt((1 - CLS_SURPRISE_KEEP) / (1 + CLS_SURPRISE_KEEP));
  const double surprise[REGIONS + 1] = {1.9 * spread, -4.1 * spread, 0, 9};
  cls_hyper_walk(&t, 7, 1, 0.8, MANY, surprise, REGIONS, theta);
  const double expected[REGIONS] = {0.1, 0.7, 0.1};
  for (int r = 0; r < REGIONS; r++) {
    moments(theta + r * MANY, MANY, &mean, &sd);
    near(mean, 0, 4 * expected[r] / sqrt(MANY));
    near(sd, expected[r], expected[r] * 4 / sqrt(2.0 * MANY));
  }
  for (uint32_t cycle = 2; cycle <= 9; cycle++) {
    const double none[REGIONS + 1] = {0};
    cls_hyper_walk(&t, 7, cycle, 0.8, MANY, none, REGIONS, theta);
  }
  moments(theta, MANY, &mean, &sd);
  near(sd, 0.3, 0.3 * 4 / sqrt(2.0 * MANY));
  free(theta);
  cls_hyper_destroy(&t);
}

/* Persistence: what is left of a departure from the prior's mean after tau_s is 1 / e; a deviation returns to 0. */
static void test_persistence(void **state) {
  (void)state;
  cls_hyperparameter list[2] = {logit("a", 0.25, 2), logarithm("b")};
  list[0].process = list[1].process = CLS_PERSISTENCE;
  list[0].tau_s = list[1].tau_s = 8;
  list[1].per = CLS_HIERARCHICAL;
  cls_hyper t;
  OK(cls_hyper_create(list, 2, &t));
  double *theta = numbers(t.rows * MEMBERS);
  const double none[REGIONS + 1] = {0};
  for (size_t i = 0; i < t.rows * MEMBERS; i++) theta[i] = 3;
  for (uint32_t cycle = 1; cycle <= 10; cycle++)
    cls_hyper_walk(&t, 7, cycle, 0.8, MEMBERS, none, REGIONS, theta);
  const double left = exp(-1);
  for (int m = 0; m < MEMBERS; m++) {
    near(theta[m], 3 * left, 1e-13);
    near(theta[REGIONS * MEMBERS + m], log(2) + (3 - log(2)) * left, 1e-13);
    near(theta[(REGIONS + 1) * MEMBERS + m], 3 * left, 1e-13);
  }
  list[0].tau_s = list[1].tau_s = INFINITY; /* constants */
  const double before = theta[0];
  cls_hyper_walk(&t, 7, 11, 0.8, MEMBERS, none, REGIONS, theta);
  assert_true(theta[0] == before);
  free(theta);
  cls_hyper_destroy(&t);
}

/* Every population has the value of its row, as a factor or as it is. */
static void test_scales(void **state) {
  (void)state;
  uint32_t populations[4] = {0, 1, 4, 5}, row[4] = {0, 0, 2, 2}, none[4] = {0};
  int input[4] = {-1, -1, -1, -1}, which[4] = {3, 3, 3, 3}, inputs[4] = {0, 1, 0, 1};
  cls_hyperparameter list[2] = {logit("a", 0.25, 2), logit("b", 0.25, 2)};
  list[0].kind = CLS_HYPER_PARAM;
  list[1].kind = CLS_HYPER_INPUT_PARAM;
  list[1].rows = 1;
  list[1].per = CLS_SHARED;
  list[1].row_region = all;
  list[1].relative = false;
  for (int i = 0; i < 2; i++) {
    list[i].population = populations;
    list[i].n_populations = 4;
    list[i].which = which;
    list[i].row = i == 0 ? row : none;
    list[i].input = i == 0 ? input : inputs;
  }
  cls_hyper t;
  OK(cls_hyper_create(list, 2, &t));
  assert_int_equal(t.row[REGIONS].region, -1);
  double values[4][2] = {{0, 1.1}, {0, 1.2}, {0, 1.3}, {0, 1.4}};
  cls_scale *scales = NULL;
  size_t n = 0;
  OK(cls_hyper_scales(&t, &values[0][1], 2, &scales, &n));
  assert_int_equal(n, 8);
  const double expected[8] = {1.1, 1.1, 1.3, 1.3, 1.4, 1.4, 1.4, 1.4};
  for (int i = 0; i < 8; i++) {
    assert_int_equal(scales[i].population, populations[i % 4]);
    assert_int_equal(scales[i].kind, i < 4 ? CLS_OF_PARAM : CLS_OF_INPUT_PARAM);
    assert_int_equal(scales[i].input, i < 4 ? -1 : i % 2);
    assert_int_equal(scales[i].which, 3);
    assert_true(scales[i].set == (i >= 4) && scales[i].value == expected[i]);
  }
  free(scales);
  cls_hyper_destroy(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_transform),    cmocka_unit_test(test_even_prior),
      cmocka_unit_test(test_hierarchical), cmocka_unit_test(test_walk),
      cmocka_unit_test(test_persistence),  cmocka_unit_test(test_scales),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

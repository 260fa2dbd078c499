/* Surrogates against what they must keep: mean, variance, autocovariances and covariances of several trajectories, of even and odd
 * lengths; and what they must change: the trajectory. */
#include "assimilation/surrogate.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 100, SERIES = 3 };

/* Circular covariance at a lag, about the means. */
static double covariance(const double *x, const double *y, uint32_t n, uint32_t lag) {
  double mean_x = 0, mean_y = 0, sum = 0;
  for (uint32_t t = 0; t < n; t++) mean_x += x[t] / n, mean_y += y[t] / n;
  for (uint32_t t = 0; t < n; t++) sum += (x[t] - mean_x) * (y[(t + lag) % n] - mean_y) / n;
  return sum;
}

static double mean(const double *x, uint32_t n) {
  double sum = 0;
  for (uint32_t t = 0; t < n; t++) sum += x[t] / n;
  return sum;
}

static void fill(uint32_t n, double x[SERIES][MOST]) {
  uint64_t word = 7;
  for (uint32_t t = 0; t < n; t++)
    for (int i = 0; i < SERIES; i++) {
      word = cls_mix64(word);
      const double noise = (double)(word >> 11) * 0x1p-53 - 0.5;
      x[i][t] = 3 * i + (t > 0 ? 0.8 * (x[i][t - 1] - 3 * i) : 0) + noise + (i > 0 ? 0.5 * x[0][t] : 0);
    }
}

static void keeps(uint32_t n) {
  double x[SERIES][MOST], y[SERIES][MOST], moved = 0;
  cls_surrogate s;
  fill(n, x);
  assert_int_equal(cls_surrogate_create(n, cls_stream_make(5, CLS_PURPOSE_ASSIMILATE, 1), &s), CLS_OK);
  for (int i = 0; i < SERIES; i++) {
    cls_surrogate_take(&s, x[i]);
    for (uint32_t t = 0; t < n; t++) y[i][t] = cls_surrogate_at(&s, t);
    assert_true(cls_surrogate_at(&s, 3 + n) == y[i][3]);
    assert_true(fabs(mean(y[i], n) - mean(x[i], n)) < 1e-12);
  }
  for (int i = 0; i < SERIES; i++)
    for (int k = 0; k < SERIES; k++)
      for (uint32_t lag = 0; lag < n; lag++)
        assert_true(fabs(covariance(x[i], x[k], n, lag) - covariance(y[i], y[k], n, lag)) < 1e-12);
  for (uint32_t t = 0; t < n; t++) moved += fabs(x[0][t] - y[0][t]) / n;
  assert_true(moved > 0.3 * sqrt(covariance(x[0], x[0], n, 0)));
  cls_surrogate_free(&s);
}

static void test_even(void **state) {
  (void)state;
  keeps(MOST);
}

static void test_odd(void **state) {
  (void)state;
  keeps(MOST - 1);
}

/* One number, and two, have nothing to move but the sign of their difference. */
static void test_short(void **state) {
  (void)state;
  cls_surrogate s;
  for (uint32_t n = 1; n <= 2; n++) {
    const double x[2] = {4, 6};
    assert_int_equal(cls_surrogate_create(n, cls_stream_make(5, CLS_PURPOSE_ASSIMILATE, 1), &s), CLS_OK);
    cls_surrogate_take(&s, x);
    const double first = cls_surrogate_at(&s, 0);
    assert_true(n == 1 ? first == 4 : fabs(fabs(first - 5) - 1) < 1e-12);
    cls_surrogate_free(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_even), cmocka_unit_test(test_odd),
                                     cmocka_unit_test(test_short)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

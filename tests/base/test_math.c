/* Elementary functions against the C library's long double ones, in units of the last place. */
#include "base/math.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { POINTS = 200000 };

static double ulps(double y, long double exact) {
  double nearest = (double)exact;
  double ulp = nextafter(fabs(nearest), INFINITY) - fabs(nearest);
  if (y == nearest) return (double)(fabsl(y - exact) / ulp);
  return isfinite(nearest) ? (double)(fabsl(y - exact) / ulp) : INFINITY;
}

/* The i-th of POINTS random numbers between `low` and `high`; `what` makes sweeps differ. */
static double point(uint32_t what, uint32_t i, double low, double high) {
  cls_words w = cls_draw(cls_stream_make(7, CLS_PURPOSE_SAMPLE, what), i, 0, 0, 0);
  return low + (high - low) * (cls_unit(w.w[0]) + 0x1p-32 * (cls_unit(w.w[1]) - 0.5));
}

typedef struct {
  const char *name;
  double (*f)(double);
  long double (*exact)(long double);
  double low, high, limit;
} sweep;

static void test_ulps(void **state) {
  (void)state;
  static const sweep sweeps[] = {
      {"exp", cls_exp, expl, -708, 709.78, 1},
      {"exp", cls_exp, expl, -1, 1, 1},
      {"exp, subnormal", cls_exp, expl, -745, -708, 1},
      {"expm1", cls_expm1, expm1l, -40, 709, 2},
      {"expm1", cls_expm1, expm1l, -1.5, 1.5, 2},
      {"expm1", cls_expm1, expm1l, -1e-3, 1e-3, 1},
      {"ln", cls_ln, logl, 0, 10, 1},
      {"ln", cls_ln, logl, 0, 1e300, 1},
      {"ln", cls_ln, logl, 0.6, 1.6, 1},
      {"ln", cls_ln, logl, 0.999, 1.001, 1},
      {"ln, subnormal", cls_ln, logl, 0, 0x1p-1022, 1},
      {"sin", cls_sin, sinl, -1e5, 1e5, 1},
      {"sin", cls_sin, sinl, -4, 4, 1},
      {"cos", cls_cos, cosl, -1e5, 1e5, 1},
      {"cos", cls_cos, cosl, -4, 4, 1},
      {"log_gamma", cls_log_gamma, lgammal, 0, 1, 2},
      {"log_gamma", cls_log_gamma, lgammal, 0.8, 2.7, 2},
      {"log_gamma", cls_log_gamma, lgammal, 2.5, 10, 2},
      {"log_gamma", cls_log_gamma, lgammal, 10, 1000, 2},
      {"log_gamma", cls_log_gamma, lgammal, 1e3, 1e12, 2},
      {"log_gamma", cls_log_gamma, lgammal, 1e12, 1e304, 2},
  };
  for (uint32_t s = 0; s < sizeof sweeps / sizeof *sweeps; s++) {
    double worst = 0, where = 0;
    for (uint32_t i = 0; i < POINTS; i++) {
      double x = point(s, i, sweeps[s].low, sweeps[s].high);
      double error = ulps(sweeps[s].f(x), sweeps[s].exact(x));
      if (!(error <= worst)) worst = error, where = x;
    }
    if (!(worst <= sweeps[s].limit)) fail_msg("%s(%.17g): %g ulp", sweeps[s].name, where, worst);
  }
}

/* Doubles next to multiples of pi / 2, where sine or cosine nearly vanish. */
static void test_reduction(void **state) {
  (void)state;
  for (int k = 1; k < 63000; k++) {
    double x = (double)(k * 1.57079632679489661923132169163975144L);
    double s = ulps(cls_sin(x), sinl(x)), c = ulps(cls_cos(x), cosl(x));
    if (!(s <= 1.01 && c <= 1.01)) fail_msg("x = %.17g: sin %g, cos %g ulp", x, s, c);
  }
}

static void test_pow(void **state) {
  (void)state;
  double worst = 0;
  for (uint32_t i = 0; i < POINTS; i++) {
    double x = cls_exp(point(100, i, -40, 40)), y = point(101, i, -17, 17);
    worst = fmax(worst, ulps(cls_pow(x, y), powl(x, y)));
    x = point(102, i, 0.9, 1.1), y = point(103, i, -5000, 5000);
    worst = fmax(worst, ulps(cls_pow(x, y), powl(x, y)));
  }
  assert_true(worst <= 4);
  assert_true(cls_pow(2, 10) == 1024 && cls_pow(3, 0) == 1 && cls_pow(1, 1e300) == 1);
  assert_true(cls_pow(0, 2) == 0 && isinf(cls_pow(0, -1)) && isnan(cls_pow(-1, 2)));
  assert_true(isinf(cls_pow(10, 400)) && cls_pow(10, -400) == 0 && isinf(cls_pow(INFINITY, 0.5)));
}

/* A Newton step on the complementary error function says how far the quantile is off. */
static double quantile_error(double p) {
  double x = cls_normal_quantile(p);
  long double t = fabsl((long double)x) / sqrtl(2), tail = 0.5L * erfcl(t);
  long double wanted = p < 0.5 ? (long double)p : 1 - (long double)p;
  long double density = expl(-t * t) / sqrtl(2 * acosl(-1));
  return (double)(fabsl((tail - wanted) / density) / fabsl((long double)x));
}

static void test_normal_quantile(void **state) {
  (void)state;
  double worst = 0;
  for (uint32_t i = 0; i < POINTS; i++) {
    worst = fmax(worst, quantile_error(point(200, i, 0, 1)));
    worst = fmax(worst, quantile_error(point(201, i, 0, 0.08)));
    worst = fmax(worst, quantile_error(cls_exp(point(202, i, -600, -1))));
    worst = fmax(worst, quantile_error(1 - cls_exp(point(203, i, -30, -1))));
  }
  if (!(worst < 1e-15)) fail_msg("relative error %g", worst);
  assert_true(cls_normal_quantile(0.5) == 0);
  assert_true(fabs(cls_normal_quantile(0.975) - 1.959963984540054) < 1e-15);
  assert_true(cls_normal_quantile(0.03125) == -cls_normal_quantile(0.96875));
  assert_true(isinf(cls_normal_quantile(0)) && isinf(cls_normal_quantile(1)) &&
              isnan(cls_normal_quantile(2)));
}

static void test_stirling_tail(void **state) {
  (void)state;
  for (double x = 10; x < 1000; x *= 1.1) {
    long double exact = lgammal(x) - ((x - 0.5L) * logl(x) - x + 0.5L * logl(2 * acosl(-1)));
    assert_true(fabsl(cls_stirling_tail(x) - exact) < 1e-15);
  }
}

static void test_edges(void **state) {
  (void)state;
  assert_true(cls_exp(0) == 1 && cls_exp(-INFINITY) == 0 && isinf(cls_exp(INFINITY)) && isnan(cls_exp(NAN)));
  assert_true(isinf(cls_exp(709.79)) && isfinite(cls_exp(709.78)) && cls_exp(-746) == 0);
  assert_true(cls_exp(-745.13) == 0x1p-1074);
  assert_true(cls_expm1(0) == 0 && cls_expm1(-INFINITY) == -1 && isinf(cls_expm1(800)) &&
              isnan(cls_expm1(NAN)));
  assert_true(cls_expm1(1e-300) == 1e-300 && cls_expm1(-100) == -1);
  assert_true(cls_ln(1) == 0 && isinf(cls_ln(0)) && cls_ln(0) < 0 && isnan(cls_ln(-1)) && isnan(cls_ln(NAN)));
  assert_true(isinf(cls_ln(INFINITY)) && fabs(cls_ln(0x1p-1074) + 744.44007192138126) < 1e-12);
  assert_true(cls_sin(0) == 0 && cls_cos(0) == 1 && isnan(cls_sin(1e6)) && isnan(cls_cos(INFINITY)));
  assert_true(cls_sin(1e-300) == 1e-300 && cls_sin(-1) == -cls_sin(1) && cls_cos(-1) == cls_cos(1));
  assert_true(cls_log_gamma(1) == 0 && cls_log_gamma(2) == 0 && isinf(cls_log_gamma(0)));
  assert_true(isnan(cls_log_gamma(-1)) && isinf(cls_log_gamma(INFINITY)));
  assert_true(fabs(cls_log_gamma(171) - 706.57306224578736) < 1e-12);
}

/* The bits themselves are the promise: a compiler or processor that gives others must be noticed. */
static void test_pinned_bits(void **state) {
  (void)state;
  uint64_t hash = 0;
  for (uint32_t i = 0; i < 20000; i++) {
    double x = point(300, i, 0.01, 20);
    double y[8] = {cls_exp(x),      cls_expm1(-x), cls_ln(x),        cls_pow(x, 1.7),
                   cls_sin(40 * x), cls_cos(x),    cls_log_gamma(x), cls_normal_quantile(x / 20.1)};
    for (int j = 0; j < 8; j++) {
      uint64_t bits;
      memcpy(&bits, &y[j], sizeof bits);
      hash = cls_mix64(hash ^ bits);
    }
  }
  if (hash != 0x846abd0866c59f67ull) fail_msg("hash of 160000 results: %016llx", (unsigned long long)hash);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ulps),       cmocka_unit_test(test_reduction),
      cmocka_unit_test(test_pow),        cmocka_unit_test(test_normal_quantile),
      cmocka_unit_test(test_edges),      cmocka_unit_test(test_stirling_tail),
      cmocka_unit_test(test_pinned_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

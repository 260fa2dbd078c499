/* The float exponential against the C library's long double one, in units of the last place of a float. */
#include "base/mathf.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { POINTS = 500000 };

static double ulps(float y, long double exact) {
  float nearest = (float)exact;
  float ulp = nextafterf(fabsf(nearest), INFINITY) - fabsf(nearest);
  return (double)(fabsl((long double)y - exact) / (long double)ulp);
}

static float point(uint32_t what, uint32_t i, double low, double high) {
  return (float)(low + (high - low) * cls_unit(cls_draw((cls_stream){{3, what}}, i, 0, 0, 0).w[0]));
}

static void test_ulps(void **state) {
  (void)state;
  static const double ranges[][2] = {{-87, 88},     {-1.5, 1.5},     {-.4, .4},
                                     {-1e-3, 1e-3}, {-1e-20, 1e-20}, {-30, 0}};
  for (uint32_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
    double worst[2] = {0, 0};
    for (uint32_t i = 0; i < POINTS; i++) {
      float x = point(r, i, ranges[r][0], ranges[r][1]);
      double e[2] = {ulps(cls_expf(x), expl((long double)x)), ulps(cls_expm1f(x), expm1l((long double)x))};
      for (int f = 0; f < 2; f++) worst[f] = fmax(worst[f], e[f]);
    }
    print_message("%g ... %g: expf within %.2f ulp, expm1f within %.2f ulp\n", ranges[r][0], ranges[r][1],
                  worst[0], worst[1]);
    assert_true(worst[0] < 2 && worst[1] < 2);
  }
}

static long double exprel(long double x) { return x == 0 ? 1 : expm1l(x) / x; }

static void test_derived(void **state) {
  (void)state;
  static const double ranges[][2] = {{-80, 88}, {-2, 2}, {-1e-3, 1e-3}, {-1e-15, 1e-15}};
  for (uint32_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
    double worst[2] = {0, 0};
    for (uint32_t i = 0; i < POINTS / 4; i++) {
      float x = point(10 + r, i, ranges[r][0], ranges[r][1]);
      long double y = (long double)x;
      double e[2] = {ulps(cls_exprelf(x), exprel(y)), ulps(cls_logisticf(x), 1 / (1 + expl(-y)))};
      for (int f = 0; f < 2; f++) worst[f] = fmax(worst[f], e[f]);
    }
    print_message("%g ... %g: exprelf within %.2f ulp, logisticf within %.2f ulp\n", ranges[r][0],
                  ranges[r][1], worst[0], worst[1]);
    assert_true(worst[0] < 3 && worst[1] < 3);
  }
  assert_true(cls_exprelf(0) == 1 && cls_exprelf(-0.0f) == 1 && cls_exprelf(1e-38f) == 1);
  assert_true(cls_exprelf(-1e30f) == 1e-30f && cls_exprelf(-INFINITY) == 0 && isfinite(cls_exprelf(1e30f)));
  assert_true(cls_logisticf(0) == .5f && cls_logisticf(1e30f) == 1 && cls_logisticf(-1e30f) < 1e-37f);
}

static void test_special(void **state) {
  (void)state;
  assert_true(cls_expf(0) == 1 && cls_expm1f(0) == 0 && cls_expm1f(-0.0f) == 0);
  assert_true(cls_expm1f(-1e30f) == -1 && cls_expm1f(-200) == -1 && cls_expm1f(-INFINITY) == -1);
  assert_true(cls_expf(-INFINITY) == cls_expf(-87) && cls_expf(-87) > 0 && cls_expf(-87) < 1.7e-38f);
  assert_true(cls_expf(INFINITY) == cls_expf(88) && isfinite(cls_expf(88)));
  assert_true(isnan(cls_expf(NAN)) && isnan(cls_expm1f(NAN)));
  for (float x = 1e-30f; x < 1e-8f; x *= 7) assert_true(cls_expm1f(x) == x && cls_expm1f(-x) == -x);
  /* where k changes nothing jumps backwards by more than its rounding */
  for (int k = -120; k < 120; k++) {
    float x = (float)((k + .5) * 0.69314718055994531), before = nextafterf(x, -INFINITY),
          after = nextafterf(x, INFINITY);
    assert_true(cls_expf(before) <= cls_expf(after) * (1 + 2.4e-7f));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ulps), cmocka_unit_test(test_derived),
                                     cmocka_unit_test(test_special)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The rules of STDP against closed forms: pairs, triplets, bounds, and what a hundred thousand small changes add up to. */
#include "model/figures.h"
#include "model/stdp.h"
#include <math.h>

static const double DT = 0.1;
static cls_stdp_const rule(double a_plus, double a_minus, double a3_plus, double a3_minus,
                           bool multiplicative) {
  const cls_stdp p = {.w_max = 1,
                      .a_plus = a_plus,
                      .a_minus = a_minus,
                      .a3_plus = a3_plus,
                      .a3_minus = a3_minus,
                      .potentiation = multiplicative,
                      .depression = multiplicative};
  return cls_stdp_derive(&p);
}
static int32_t units(double v) { return (int32_t)rint(v * CLS_STDP_ONE); }
static double value(int32_t v) { return (double)v / CLS_STDP_ONE; }

/* One pair at a distance of t: a exp(-t / tau). */
static void test_pair(void **state) {
  (void)state;
  const cls_stdp_const k = rule(.01, .012, 0, 0, false);
  const cls_spike_trace trace = {(float)(DT / 20), 0};
  double error = 0;
  for (int steps = 0; steps <= 2000; steps += 37) {
    const float x = cls_spike_trace_after(&trace, 0, steps);
    const double expected = exp(-steps * DT / 20);
    error = larger_of(error, 100 * (value(cls_stdp_post(&k, units(.5), x, 0)) - .5) / .01, 100 * expected);
    error = larger_of(error, 100 * (value(cls_stdp_pre(&k, units(.5), x, 0)) - .5) / -.012, 100 * expected);
  }
  hold("stdp", "pair", error);
}

/* All spikes count, or the nearest: regular spikes of period T find exp(-T / tau) / (1 - exp(-T / tau)), or exp(-T / tau). */
static void test_pairing(void **state) {
  (void)state;
  const cls_spike_trace all = {(float)(DT / 34), 0}, nearest = {(float)(DT / 34), 1};
  const double e = exp(-150 * DT / 34);
  float a = 0, n = 0;
  for (int i = 0; i < 200; i++)
    a = cls_spike_trace_after(&all, a, 150), n = cls_spike_trace_after(&nearest, n, 150);
  NEAR((double)a, e / (1 - e), 3e-6);
  NEAR((double)n, e, 1e-6);
  assert_true(cls_spike_trace_after(&all, 5, cls_steps_between(0, INT64_MAX / 4)) == 0);
  assert_int_equal(cls_steps_between(-7, 35), 42);
}

/* Multiplicative changes relax exponentially to the value where both balance: v* = a x / (a x + b y). */
static void test_multiplicative(void **state) {
  (void)state;
  const cls_stdp_const k = rule(.02, .03, 0, 0, true);
  int32_t v = units(1);
  NEAR(value(cls_stdp_post(&k, v, 1, 0)), 1, 0);
  NEAR(value(cls_stdp_pre(&k, v, .5f, 0)), 1 - .03 * .5, 2e-9);
  for (int i = 0; i < 3000; i++) v = cls_stdp_pre(&k, cls_stdp_post(&k, v, .8f, 0), .5f, 0);
  /* after the depression: v = (v + p (1 - v)) (1 - q) at rest */
  const double p = .02 * .8, q = .03 * .5;
  hold("stdp", "rest", 100 * fabs(value(v) - p * (1 - q) / (1 - (1 - p) * (1 - q))));
}

/* x (a + a3 y3), y (a + a3 x3). */
static void test_triplet(void **state) {
  (void)state;
  const cls_stdp_const k = rule(.001, .002, .006, .0005, false);
  NEAR(value(cls_stdp_post(&k, units(.5), .6f, 1.5f)) - .5, .6 * (.001 + .006 * 1.5), 2e-9);
  NEAR(value(cls_stdp_pre(&k, units(.5), .7f, 2.5f)) - .5, -.7 * (.002 + .0005 * 2.5), 2e-9);
}

static void test_bounds(void **state) {
  (void)state;
  const cls_stdp_const k = rule(1, 1, 1, 1, false);
  assert_int_equal(cls_stdp_post(&k, units(.9), 1e6f, 1e6f), CLS_STDP_ONE);
  assert_int_equal(cls_stdp_pre(&k, units(.9), 1e6f, 1e6f), 0);
  assert_int_equal(cls_stdp_post(&k, CLS_STDP_ONE, 1, 0), CLS_STDP_ONE);
  assert_int_equal(cls_stdp_pre(&k, 0, 1, 0), 0);
  assert_int_equal(cls_stdp_post(&k, 0, 0, 0), 0);
  assert_int_equal(cls_stdp_nearest(2.5f), 2); /* ties to even */
  assert_int_equal(cls_stdp_nearest(-3.5f), -4);
  assert_int_equal(cls_stdp_nearest(1073741824.0f), CLS_STDP_ONE);
  assert_int_equal(cls_stdp_quanta(units(.5), 1000 * 0x1p-30f), 500);
  assert_int_equal(cls_stdp_quanta(units(.5), -1001 * 0x1p-30f), -500);
}

/* 1e5 pairings at an amplitude of 1e-5, potentiating and depressing at different distances: the drift is the small
 * difference. Floats, as other simulators keep weights, are off by up to 0.6 % of each change. */
static void test_drift(void **state) {
  (void)state;
  enum { PAIRINGS = 100000 };
  const double amplitude = 1e-5, up = amplitude * exp(-10. / 20), down = amplitude * exp(-10.6 / 20);
  const cls_stdp_const k = rule(amplitude, amplitude, 0, 0, false);
  const float x = (float)exp(-10. / 20), y = (float)exp(-10.6 / 20);
  int32_t rising = units(.1), balanced = units(.6);
  for (int i = 0; i < PAIRINGS; i++) {
    rising = cls_stdp_post(&k, rising, x, 0);
    balanced = cls_stdp_pre(&k, cls_stdp_post(&k, balanced, x, 0), y, 0);
  }
  hold("stdp", "drift", 100 * fabs((value(rising) - .1) / (up * PAIRINGS) - 1));
  hold("stdp", "balance", 100 * fabs((value(balanced) - .6) / ((up - down) * PAIRINGS) - 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pair),    cmocka_unit_test(test_pairing), cmocka_unit_test(test_multiplicative),
      cmocka_unit_test(test_triplet), cmocka_unit_test(test_bounds),  cmocka_unit_test(test_drift),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

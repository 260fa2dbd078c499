/* qif against the exact period of its equation, which holds at any step, and the square-root law of its rate.
 * */
#include "model/figures.h"
#include "model/firing.h"

static const char *const NAME = "qif";
static const double C = 250, TAU = 10, E_L = -65, CRIT = -50;

static void set(double *param, const char *name, double value) {
  set_param(cls_model_find(NAME), param, name, value);
}

/* From V_reset to V_peak under the current I: the integral of dV / (a w^2 + c), w from the middle of E_L and
 * V_crit. */
static double period(double I, double reset, double peak) {
  double a = 1 / (TAU * (CRIT - E_L)), c = I / C - a * pow((CRIT - E_L) / 2, 2), middle = (E_L + CRIT) / 2;
  return (atan((peak - middle) * sqrt(a / c)) - atan((reset - middle) * sqrt(a / c))) / sqrt(a * c);
}

static firing run(double I, double reset, double peak, double t_ref, double h, double ms) {
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "I_e_pA", I);
  set(param, "V_reset_mV", reset);
  set(param, "V_peak_mV", peak);
  set(param, "t_ref_ms", t_ref);
  bench *b = bench_make(NAME, 16, h, param);
  firing f = {0};
  fire(b, 0, ms, 0, &f);
  free(b);
  return f;
}

/* Every interval is the exact one, rounded up to the grid. */
static void test_period(void **state) {
  (void)state;
  static const double currents[] = {96, 120, 200, 400, 900}, steps[] = {.01, .1, .5};
  double error = 0; /* at the smallest step */
  for (int s = 0; s < 3; s++)
    for (int k = 0; k < 5; k++) {
      double h = steps[s], T = period(currents[k], -70, 30) + 1;
      firing f = run(currents[k], -70, 30, 1, h, 1200);
      assert_true(f.n > 2);
      for (int i = 0; i < f.n - 1; i++) {
        if (s == 0) error = larger_of(error, interval(&f, i), T);
        if (interval(&f, i) < T * (1 - 3e-6 / h * .1) - 1e-9 || interval(&f, i) > T * (1 + 1e-5) + h + 1e-9)
          fail_msg("dt %g, I %g: interval %.9g, expected %.9g or up to a step more", h, currents[k],
                   interval(&f, i), T);
      }
    }
  hold(NAME, "period", error);
}

/* With reset and peak far out the rate is sqrt(a c) / pi: with the distance from the rheobase of 93.75 pA. */
static void test_square_root(void **state) {
  (void)state;
  double a = 1 / (TAU * (CRIT - E_L)), rheobase = C * (CRIT - E_L) / (4 * TAU);
  NEAR(rheobase, 93.75, 1e-12);
  double error = 0;
  for (int k = 0; k < 6; k++) {
    double over = 4 * pow(4, k), expected = sqrt(a * over / C) / acos(-1);
    firing f = run(rheobase + over, -1e6, 1e6, 0, .01, 4 / expected);
    assert_true(f.n >= 3);
    error = larger_of(error, rate(&f) / expected, 1);
  }
  hold(NAME, "rates", 100 * error);
  assert_int_equal(run(93.7, -70, 30, 0, .5, 20000).n, 0);
  assert_true(run(93.8, -70, 30, 0, .5, 20000).n > 3);
}

/* Below the rheobase (w + r) / (w - r) falls as e^(-2 a r t), where -r and r are where V rests and where it
 * escapes, at steps of any size; a current of any size ends at -r. */
static void test_rest(void **state) {
  (void)state;
  double a = 1 / (TAU * (CRIT - E_L)), middle = (E_L + CRIT) / 2;
  static const double currents[] = {0, 60, -500, -40000, -1e7}, steps[] = {.05, 1, 5};
  for (int s = 0; s < 3; s++)
    for (int k = 0; k < 5; k++) {
      double param[CLS_MAX_PARAMS], r = sqrt(pow((CRIT - E_L) / 2, 2) - currents[k] / C / a);
      default_params(cls_model_find(NAME), param);
      set(param, "I_e_pA", currents[k]);
      bench *b = bench_make(NAME, 16, steps[s], param);
      b->state[0][0] = (float)(-55 - E_L); /* below the unstable point */
      double w0 = -55 - middle, ratio = (w0 + r) / (w0 - r);
      for (int step = 1; step <= 40; step++) {
        step_shared(b);
        double q = ratio * exp(-2 * a * r * step * steps[s]), w = -r * (1 + q) / (1 - q);
        double x = a * r * steps[s],
               slack = x < 1 ? 2e-5 : .02 * r * exp(-x); /* stated: exact for z up to 1 */
        if (x < 3) NEAR((double)b->state[0][0], w + middle - E_L, 1e-5 * (1 + r) + slack);
      }
      if (a * r * steps[s] > .2) NEAR((double)b->state[0][0], -r + middle - E_L, 1e-5 * (1 + r));
      free(b);
    }
}

static void test_check(void **state) {
  (void)state;
  static const char *const names[] = {"E_L_mV", "V_peak_mV", "V_reset_mV"};
  static const double values[] = {-50, -50, 30};
  static const char *const messages[] = {"E_L_mV -50: expected less than V_crit_mV -50",
                                         "V_crit_mV -50: expected less than V_peak_mV -50",
                                         "V_reset_mV 30: expected less than V_peak_mV 30"};
  for (int k = 0; k < 3; k++) {
    double param[CLS_MAX_PARAMS];
    default_params(cls_model_find(NAME), param);
    set(param, names[k], values[k]);
    assert_int_equal(cls_model_find(NAME)->check(param, .1), CLS_ERR_INPUT);
    assert_string_equal(cls_error_message(), messages[k]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_period), cmocka_unit_test(test_square_root),
                                     cmocka_unit_test(test_rest), cmocka_unit_test(test_check)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* alif against spike times found from the exact solution between spikes, event by event. */
#include "model/figures.h"
#include "model/firing.h"

static const char *const NAME = "alif";
enum { V, A, REFRACTORY };
static const double C_M = 250, TAU_M = 20, TAU_A = 200, THETA = 15;

static void set(double *param, const char *name, double value) {
  set_param(cls_model_find(NAME), param, name, value);
}

/* Time until V, which relaxes from v to v_inf, meets theta + a e^(-t / tau_a): the first root after `from`.
 * */
static double crossing(double v, double v_inf, double a, double from) {
  double t = from, step = 1e-2;
  while (v_inf + (v - v_inf) * exp(-t / TAU_M) < THETA + a * exp(-t / TAU_A)) t += step;
  if (t == from) return t; /* above it when the refractory time ends */
  double low = t - step, high = t;
  for (int i = 0; i < 60; i++) {
    double m = (low + high) / 2;
    *(v_inf + (v - v_inf) * exp(-m / TAU_M) < THETA + a * exp(-m / TAU_A) ? &low : &high) = m;
  }
  return high;
}

/* Constant current: from each spike as it was found, at the end of a step, the next one is where the exact
 * solution crosses the threshold, rounded up. */
static void test_spikes(void **state) {
  (void)state;
  static const double currents[] = {220, 300, 500, 1200}, betas[] = {0, 1.7, 10};
  const double h = .02, t_ref = 2;
  double worst = 0;
  for (int c = 0; c < 4; c++)
    for (int k = 0; k < 3; k++) {
      double param[CLS_MAX_PARAMS], v_inf = currents[c] * TAU_M / C_M, v = 0, a = 0, t = 0, apart = 0;
      default_params(cls_model_find(NAME), param);
      set(param, "I_e_pA", currents[c]);
      set(param, "beta_mV", betas[k]);
      bench *b = bench_make(NAME, 16, h, param);
      static firing f;
      f.n = 0;
      fire(b, 0, 1000, 0, &f);
      assert_true(f.n >= 3);
      for (int i = 0; i < f.n; i++) {
        double wait = crossing(v, v_inf, a, i == 0 ? 0 : t_ref), steps = ceil(wait / h - 1e-6);
        if (i > 0 && wait == t_ref) steps += 1; /* t_ref steps without a spike, then one */
        double took = (f.time[i] - t) / h;      /* from the spike before, as found */
        double peak = THETA + a * exp(-wait / TAU_A), speed = (v_inf - peak) / TAU_M + (peak - THETA) / TAU_A;
        double slack = 0x1p-22 * v_inf * TAU_M / h / speed / h; /* decays are rounded to float */
        apart = fmax(apart, fabs(took - steps) / (1 + slack));
        v = v_inf + (v - v_inf) * exp(-took * h / TAU_M) - THETA;
        a = a * exp(-took * h / TAU_A) + betas[k];
        t = f.time[i];
      }
      print_message("I %g pA, beta %g mV: %d spikes, at most %.2f of what float explains\n", currents[c],
                    betas[k], f.n, apart);
      worst = fmax(worst, apart);
      if (betas[k] > 0 && currents[c] < 1000) assert_true(interval(&f, -1) > 1.1 * interval(&f, 0));
      free(b);
    }
  hold(NAME, "spikes", worst);
}

/* In the steady state the interval T is the one after which V, from peak - theta, is at the peak again, which
 * is theta and what the threshold has kept of all spikes before: beta / (e^(T / tau_a) - 1). */
static void test_steady(void **state) {
  (void)state;
  static const double currents[] = {260, 400, 700};
  double error = 0;
  for (int c = 0; c < 3; c++) {
    double param[CLS_MAX_PARAMS], beta = 3, v_inf = currents[c] * TAU_M / C_M, low = 2, high = 1e4;
    for (int i = 0; i < 200;
         i++) { /* peak = theta + a, a = beta / (e^(T / tau_a) - 1); V from peak - theta to peak */
      double T = (low + high) / 2, peak = THETA + beta / expm1(T / TAU_A);
      double reached = v_inf + (peak - THETA - v_inf) * exp(-T / TAU_M);
      *(reached < peak ? &low : &high) = T;
    }
    default_params(cls_model_find(NAME), param);
    set(param, "I_e_pA", currents[c]);
    set(param, "beta_mV", beta);
    bench *b = bench_make(NAME, 16, .005, param);
    static firing f;
    f.n = 0;
    fire(b, 0, 4000, 0, &f);
    double mean = (f.time[f.n - 1] - f.time[f.n / 2]) / (f.n - 1 - f.n / 2);
    error = larger_of(error, mean / low, 1);
    free(b);
  }
  hold(NAME, "steady", 100 * error);
}

/* A weight acts at the end of its step, is kept through the refractory time, and meets the decayed threshold.
 * */
static void test_threshold(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS], h = .1;
  default_params(cls_model_find(NAME), param);
  bench *b = bench_make(NAME, 16, h, param);
  double risen = 4 * exp(-h / TAU_A);
  for (int i = 0; i < 4; i++) b->state[A][i] = 4;
  b->input[0][0] = (float)(THETA + risen - 1e-4), b->input[0][1] = (float)(THETA + risen + 1e-4);
  b->input[0][2] = (float)(THETA + risen + 5);
  step_shared(b);
  assert_true(!b->spiked[0] && b->spiked[1] && b->spiked[2] && !b->spiked[3]);
  NEAR((double)b->state[V][1], risen + 1e-4, 1e-5);
  NEAR((double)b->state[V][2], risen + 5, 1e-5);
  NEAR((double)b->state[A][1], risen + 1.7, 1e-5);
  NEAR((double)b->state[A][0], risen, 1e-5);
  clear_input(b);
  b->input[0][2] = 100;
  for (int step = 1; step <= 20; step++) {
    step_shared(b);
    assert_true(!b->spiked[2]);
    clear_input(b);
  }
  NEAR((double)b->state[V][2], ((risen + 5) * exp(-h / TAU_M) + 100) * exp(-19 * h / TAU_M), 1e-3);
  step_shared(b);
  assert_true(b->spiked[2]);
  free(b);
  set(param, "E_L_mV", -50);
  assert_int_equal(cls_model_find(NAME)->check(param, h), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "E_L_mV -50: expected less than V_th_mV -50");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_spikes), cmocka_unit_test(test_steady),
                                     cmocka_unit_test(test_threshold)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

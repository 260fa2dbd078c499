/* lif_psc_alpha against the closed form of its equations, through equal time constants, and exact intervals.
 * */
#include "model/figures.h"
#include "model/firing.h"

static const char *const NAME = "lif_psc_alpha";
enum { V, I_EXC, I_INH, R_EXC, R_INH };
static const double C_M = 250, TAU_M = 10, THETA = 15;

static void set(double *param, const char *name, double value) {
  set_param(cls_model_find(NAME), param, name, value);
}

/* V (mV) at t after a spike of weight 1 pA whose current is t / tau e^(1 - t / tau). */
static double psp(double t, double tau) {
  if (t <= 0) return 0;
  double beta = 1 / tau - 1 / TAU_M, x = beta * t, g;
  if (fabs(x) > .02)
    g = (1 - (1 + x) * exp(-x)) / (x * x);
  else
    g = .5 - x / 3 + x * x / 8 - x * x * x / 30 + x * x * x * x / 144;
  return exp(1) / (tau * C_M) * t * t * exp(-t / TAU_M) * g;
}

/* At every ratio of time constants, near and at 1 too, the PSP is the closed form; the current peaks at the
 * weight, at tau. */
static void test_psp(void **state) {
  (void)state;
  static const double taus[] = {.1, .5, 2, 5, 9.9, 9.9999, 10, 10.0000001, 10.001, 10.2, 20, 80};
  double error = 0;
  for (int k = 0; k < 12; k++) {
    const double tau = taus[k], h = .05, weight = 250;
    double param[CLS_MAX_PARAMS], top = 0, when = 0, largest = 0;
    default_params(cls_model_find(NAME), param);
    set(param, "tau_syn_exc_ms", tau);
    set(param, "V_th_mV", 1000);
    bench *b = bench_make(NAME, 16, h, param);
    b->input[0][3] = (float)weight; /* arrives at the end of step 0: time 0 of the PSP */
    for (int step = 0; step < 4000; step++) {
      step_shared(b);
      clear_input(b);
      double t = step * h, expected = weight * psp(t, tau), I = weight * t / tau * exp(1 - t / tau);
      largest = fmax(largest, expected);
      NEAR((double)b->state[V][3], expected, 1e-4 * (.1 + largest));
      error = larger_of(error, (double)b->state[V][3], expected);
      NEAR((double)b->state[I_EXC][3], I, 1e-4 * weight);
      assert_true(b->model->receptor_current(&b->tile, 3, 0, 0) == b->state[I_EXC][3]);
      if ((double)b->state[I_EXC][3] > top) top = (double)b->state[I_EXC][3], when = t;
      assert_true(b->state[V][4] == 0 && b->state[I_INH][3] == 0);
    }
    NEAR(when, tau, h);
    NEAR(top, weight, weight * (1e-4 + pow(h / tau, 2))); /* on the grid it may miss the very top */
    free(b);
  }
  hold(NAME, "psp", error);
}

/* Random arrivals at both ports and a current that changes in every step, against the sum of closed forms. */
static void test_input_train(void **state) {
  (void)state;
  enum { STEPS = 2000 };
  static double weight[2][STEPS], current[STEPS];
  const double h = .1, tau[2] = {2, 6};
  double param[CLS_MAX_PARAMS], largest = 0, error = 0;
  default_params(cls_model_find(NAME), param);
  set(param, "tau_syn_inh_ms", tau[1]);
  set(param, "I_e_pA", 50);
  set(param, "V_th_mV", 100);
  bench *b = bench_make(NAME, 16, h, param);
  for (uint32_t step = 0; step < STEPS; step++) {
    cls_words w = cls_draw((cls_stream){{1, 9}}, step, 0, 0, 0);
    weight[0][step] = cls_unit(w.w[0]) < .1 ? 400 * cls_unit(w.w[1]) : 0;
    weight[1][step] = cls_unit(w.w[2]) < .1 ? -100 * cls_unit(w.w[3]) : 0;
    current[step] = 100 * cls_unit(w.w[1] ^ w.w[2]);
  }
  for (int step = 0; step < STEPS; step++) {
    b->input[0][0] = (float)weight[0][step], b->input[1][0] = (float)weight[1][step];
    b->current[0] = (float)current[step];
    step_shared(b);
    double expected = 0;
    for (int s = 0; s <= step; s++) {
      double age = (step - s) * h;
      for (int r = 0; r < 2; r++)
        if (weight[r][s] != 0) expected += weight[r][s] * psp(age, tau[r]);
      expected += (current[s] + 50) * TAU_M / C_M * (exp(-age / TAU_M) - exp(-(age + h) / TAU_M));
    }
    error = larger_of(error, (double)b->state[V][0], expected);
    largest = fmax(largest, fabs(expected));
  }
  assert_true(largest > 5);
  hold(NAME, "train", error);
  free(b);
}

/* Constant current: t_ref + tau_m ln(V_inf / (V_inf - theta)), rounded up to the grid. */
static void test_rates(void **state) {
  (void)state;
  static const double amplitude[] = {400, 500, 600, 800};
  static const double published[] = {33.640712, 63.040002, 84.686249,
                                     120.116865}; /* of tau_m 10, t_ref 2 ms */
  double error = 0;
  for (int k = 0; k < 4; k++) {
    double param[CLS_MAX_PARAMS], h = .01;
    default_params(cls_model_find(NAME), param);
    set(param, "I_e_pA", amplitude[k]);
    bench *b = bench_make(NAME, 16, h, param);
    firing f = {0};
    fire(b, 0, 500, 0, &f);
    double v_inf = amplitude[k] * TAU_M / C_M, T = 1000 / published[k],
           slack = 0x1p-24 * TAU_M / h * (T + TAU_M * v_inf / (v_inf - THETA));
    for (int i = 0; i < f.n - 1; i++) {
      assert_true(interval(&f, i) > T - slack && interval(&f, i) < T + h + slack);
      error = larger_of(error, interval(&f, i), T);
    }
    assert_in_range(f.n, (uintmax_t)(.5 * published[k] - 1), (uintmax_t)(.5 * published[k] + 2));
    free(b);
  }
  hold(NAME, "rates", error);
}

/* V is held for t_ref; currents go on. */
static void test_refractory(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "V_reset_mV", -72);
  bench *b = bench_make(NAME, 16, .1, param);
  b->state[V][0] = 14.999f, b->state[I_EXC][0] = 1000;
  step_shared(b);
  assert_true(b->spiked[0] && b->state[V][0] == -2);
  for (int step = 1; step <= 20; step++) {
    step_shared(b);
    assert_true(!b->spiked[0] && b->state[V][0] == -2);
    NEAR((double)b->state[I_EXC][0], 1000 * exp(-(step + 1) * .1 / 2), 1e-2);
  }
  step_shared(b);
  assert_true(b->state[V][0] > -2);
  free(b);
  set(param, "V_reset_mV", -55);
  assert_int_equal(cls_model_find(NAME)->check(param, .1), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "V_reset_mV -55: expected less than V_th_mV -55");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_psp), cmocka_unit_test(test_input_train),
                                     cmocka_unit_test(test_rates), cmocka_unit_test(test_refractory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

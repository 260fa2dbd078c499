/* lif_cond_exp against a reference solution of its equations, at steps that halve. */
#include "model/figures.h"
#include "model/tiles.h"

static const char *const NAME = "lif_cond_exp";
enum { V, G_EXC, G_INH, REFRACTORY };

static void set(double *param, const char *name, double value) {
  set_param(cls_model_find(NAME), param, name, value);
}

/* Arrivals at both ports (nS) at times in ms, and 50 pA. */
enum { ARRIVALS = 7, SEEN = 5 };
static const double arrival[ARRIVALS][3] = {{0, 30, 0},   {3, 0, 60},    {4, 50, 0},  {10, 0, 20},
                                            {11, 80, 10}, {20, 25, 150}, {26, 120, 0}};
/* t, V, g_exc, g_inh: scipy.integrate.solve_ivp of the defaults (C 200 pF, g_L 10 nS, tau 5 and 10 ms,
 * reversals 0 and -80, E_L -60 mV) between arrivals, DOP853, rtol = atol = 1e-13. */
static const double seen[SEEN][4] = {{8, -44.1129894934, 28.5233437457, 36.3918395828},
                                     {16, -38.1934603356, 35.1891190775, 33.3934469010},
                                     {24, -66.4506081999, 18.3377847160, 115.5526498097},
                                     {32, -43.3824522225, 39.8456403114, 51.9211524400},
                                     {40, -53.6156200525, 8.0446960361, 23.3296776416}};

/* Runs 40 ms at a step and keeps V - V_reference. */
static void errors_at(double h, double *error) {
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "V_th_mV", 1000);
  set(param, "I_e_pA", 50);
  bench *b = bench_make(NAME, 16, h, param);
  b->state[G_EXC][2] = (float)arrival[0][1]; /* arrives at time 0: before the first step */
  int checked = 0;
  for (int step = 0; step < (int)rint(40 / h); step++) {
    double end = (step + 1) * h;
    clear_input(b);
    for (int a = 1; a < ARRIVALS; a++) {
      if (fabs(end - arrival[a][0]) > 1e-9) continue;
      b->input[0][2] = (float)arrival[a][1];
      b->input[1][2] = (float)arrival[a][2];
    }
    step_shared(b);
    assert_true(b->state[V][3] != b->state[V][2]); /* the neighbour has no synapses */
    for (int s = 0; s < SEEN; s++) {
      if (fabs(end - seen[s][0]) > 1e-9) continue;
      error[s] = (double)b->state[V][2] - 60 - seen[s][1];
      double slack = 1e-6 + 0x1p-25 * end / h; /* rounding of the propagators to float, relative */
      NEAR((double)b->state[G_EXC][2], seen[s][2], slack * seen[s][2]);
      NEAR((double)b->state[G_INH][2], seen[s][3], slack * seen[s][3]);
      double u = seen[s][1] + error[s];
      double I[2] = {seen[s][2] * (0 - u), seen[s][3] * (-80 - u)}; /* pA */
      for (int r = 0; r < 2; r++)
        NEAR((double)b->model->receptor_current(&b->tile, 2, 0, r), I[r], (slack + 1e-6) * 1e4);
      checked++;
    }
  }
  assert_int_equal(checked, SEEN);
  free(b);
}

/* The error of V falls by four where the step halves: second order. */
static void test_order(void **state) {
  (void)state;
  double coarse[SEEN], fine[SEEN], last = 0;
  errors_at(1, coarse);
  for (int halving = 1; halving <= 3; halving++) {
    double h = pow(.5, halving);
    errors_at(h, fine);
    for (int s = 0; s < SEEN; s++) {
      assert_true(fabs(fine[s]) > 3e-4 && fabs(fine[s]) < .11 * h * h); /* above the noise of float; small */
      NEAR(coarse[s] / fine[s], 4, .15);
      last = halving < 3 ? 0 : larger_of(last, fine[s], 0);
    }
    print_message("dt %g ms: error of V at 24 ms %.2e mV, ratio %.3f\n", h, fine[2], coarse[2] / fine[2]);
    memcpy(coarse, fine, sizeof coarse);
  }
  hold(NAME, "scipy", last);
  errors_at(.01, fine);
  for (int s = 0; s < SEEN; s++) NEAR(fine[s], 0, 4e-4); /* what float leaves after 4000 steps */
}

/* With conductances clamped the step is exact: V approaches the mean of reversals, weighted by conductances,
 * with C / g. */
static void test_clamped(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "V_th_mV", 1000);
  set(param, "tau_syn_exc_ms", 1e6);
  set(param, "tau_syn_inh_ms", 1e6);
  double error = 0;
  for (int i = 0; i < 2; i++) {
    double h = i == 0 ? .1 : 10;
    bench *b = bench_make(NAME, 16, h, param);
    b->state[G_EXC][0] = 40, b->state[G_INH][0] = 100;
    double g = 150, mean = (40 * 0 + 100 * -80. + 10 * -60) / g;
    for (int step = 1; step <= 3; step++) {
      step_shared(b);
      double expected = mean + (-60 - mean) * exp(-step * h * g / 200);
      error = larger_of(error, (double)b->state[V][0] - 60, expected);
    }
    free(b);
  }
  hold(NAME, "clamped", error);
}

/* Limits: no NaN and no overshoot where conductances are huge or the step is long. */
static void test_stable(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "V_th_mV", 1000);
  bench *b = bench_make(NAME, 16, 1, param);
  b->state[G_EXC][0] = 1e7f, b->state[G_INH][1] = 1e7f, b->state[G_EXC][2] = 1e30f;
  step_shared(b);
  NEAR((double)b->state[V][0] - 60, 0, 1e-3);
  NEAR((double)b->state[V][1] - 60, -80, 1e-3);
  NEAR((double)b->state[V][2] - 60, 0, 1e-3);
  free(b);
}

/* Constant current, as for a neuron without synapses: t_ref + tau ln((V_inf - V_r) / (V_inf - theta)). */
static void test_rate(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "I_e_pA", 250);
  bench *b = bench_make(NAME, 16, .01, param);
  int64_t first = -1, last = 0, n = 0;
  for (int64_t step = 0; step < 100000; step++) {
    step_shared(b);
    if (!b->spiked[0]) continue;
    if (first < 0) first = step;
    last = step, n++;
  }
  double v_inf = 25, T = 5 + 20 * log(v_inf / (v_inf - 10)),
         interval = (double)(last - first) * .01 / (double)(n - 1);
  assert_true(interval > T - .01);
  hold(NAME, "rate", fabs(interval - T));
  free(b);
}

/* V stays at V_reset for t_ref; conductances go on. At threshold is above it. */
static void test_refractory(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "V_reset_mV", -65);
  bench *b = bench_make(NAME, 16, .1, param);
  b->state[V][0] = 9.999f, b->state[G_EXC][0] = 200;
  step_shared(b);
  assert_true(b->spiked[0] && b->state[V][0] == -5 && b->state[REFRACTORY][0] == 50);
  for (int step = 1; step <= 50; step++) {
    b->input[1][0] = 3;
    step_shared(b);
    assert_true(!b->spiked[0] && b->state[V][0] == -5);
    NEAR((double)b->state[G_EXC][0], 200 * exp(-(step + 1) * .1 / 5), 1e-4);
    NEAR((double)b->state[G_INH][0], 3 * (1 - exp(-step * .1 / 10)) / (1 - exp(-.1 / 10)), 1e-3);
  }
  clear_input(b);
  step_shared(b);
  assert_true(b->state[V][0] != -5);
  free(b);
  set(param, "V_reset_mV", -50);
  assert_int_equal(cls_model_find(NAME)->check(param, .1), CLS_ERR_INPUT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order), cmocka_unit_test(test_clamped),    cmocka_unit_test(test_stable),
      cmocka_unit_test(test_rate),  cmocka_unit_test(test_refractory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

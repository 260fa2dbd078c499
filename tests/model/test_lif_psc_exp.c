/* lif_psc_exp against the exact solution of its equations and published figures (C 250 pF, tau_m 10,
 * tau_syn .5, t_ref 2 ms, theta - E_L 15 mV: the defaults). */
#include "model/figures.h"
#include "model/tiles.h"

static const char *const NAME = "lif_psc_exp";
enum { V, I_EXC, I_INH, REFRACTORY };                                       /* states */
enum { DECAY_M, DECAY_EXC, DECAY_INH, GAIN_EXC, GAIN_INH, GAIN_DC, DRIVE }; /* constants */
static const double C_M = 250, TAU_M = 10, TAU_SYN = .5, T_REF = 2, THETA = 15, H = .1;

static void defaults(double *param) { default_params(cls_model_find(NAME), param); }
static void set(double *param, const char *name, double value) {
  set_param(cls_model_find(NAME), param, name, value);
}

static void test_propagators(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  float k[CLS_MAX_CONSTS];
  defaults(param);
  cls_model_find(NAME)->derive(param, H, k);
  assert_true(k[DECAY_EXC] == (float).8187307530779818);
  assert_true(k[DECAY_INH] == (float).8187307530779818);
  assert_true(k[DECAY_M] == (float).9900498337491681);
  assert_true(k[GAIN_EXC] == (float)3.606717487814e-4);
  assert_true(k[GAIN_INH] == (float)3.606717487814e-4);
  assert_true(k[GAIN_DC] == (float)3.980066503e-4);
  assert_true(k[DRIVE] == 0);
  /* ports with time constants of their own */
  set(param, "tau_syn_inh_ms", 3);
  set(param, "I_e_pA", 300);
  cls_model_find(NAME)->derive(param, H, k);
  NEAR((double)k[DECAY_INH], exp(-H / 3), 6e-8);
  NEAR((double)k[GAIN_INH] / (30. / (250 * 7) * (exp(-.01) - exp(-.1 / 3))), 1, 1e-7);
  NEAR((double)k[GAIN_EXC] / 3.606717487814e-4, 1, 1e-7);
  NEAR((double)k[DRIVE] / (300 * 3.980066503e-4), 1, 1e-7);
}

/* V (mV) at t after a unit current that decays with tau_s (pA). */
static double psp(double t, double tau_s) {
  if (t <= 0) return 0;
  return TAU_M * tau_s / (C_M * (TAU_M - tau_s)) * (exp(-t / TAU_M) - exp(-t / tau_s));
}

/* A PSP on the grid is the closed form, and peaks where that does. */
static void test_psp(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  defaults(param);
  const double h = .01, weight = 87.8085;
  bench *b = bench_make(NAME, 16, h, param);
  static double v[1000];
  double error = 0;
  b->input[0][5] = (float)weight; /* arrives at the end of step 0: time 0 of the PSP */
  for (int step = 0; step < 1000; step++) {
    step_shared(b);
    clear_input(b);
    v[step] = (double)b->state[V][5];
    error = larger_of(error, v[step], weight * psp(step * h, TAU_SYN));
    assert_true(b->state[V][4] == 0 && b->state[I_EXC][4] == 0);
  }
  hold(NAME, "psp", error);
  /* where the central difference changes sign, interpolated */
  int at = 1;
  while (v[at + 1] - v[at - 1] > 0) at++;
  double before = v[at] - v[at - 2], after = v[at + 1] - v[at - 1];
  NEAR((at - 1 + before / (before - after)) * h, 1.576701, 2e-4);
  double peak = v[at] > v[at - 1] ? v[at] : v[at - 1];
  NEAR(peak, weight * psp(1.576701, TAU_SYN), 2e-6);
  NEAR(peak, .15, 1e-5); /* 87.8085 pA was chosen for a PSP of .15 mV */
  free(b);
}

/* Random arrivals at both ports and a current that changes in every step, below threshold, against the sum
 * of closed forms in double precision. */
static void test_input_train(void **state) {
  (void)state;
  enum { STEPS = 3000 };
  static double weight[2][STEPS], current[STEPS];
  const double tau_s[2] = {.5, 2.5};
  double param[CLS_MAX_PARAMS], largest = 0, error = 0;
  defaults(param);
  set(param, "tau_syn_inh_ms", tau_s[1]);
  set(param, "I_e_pA", 50);
  set(param, "V_th_mV", 100);
  bench *b = bench_make(NAME, 16, H, param);
  for (uint32_t step = 0; step < STEPS; step++) {
    cls_words w = cls_draw((cls_stream){{1, 9}}, step, 0, 0, 0);
    weight[0][step] = cls_unit(w.w[0]) < .1 ? 400 * cls_unit(w.w[1]) : 0;
    weight[1][step] = cls_unit(w.w[2]) < .1 ? -200 * cls_unit(w.w[3]) : 0;
    current[step] = 100 * cls_unit(w.w[1] ^ w.w[2]);
  }
  for (int step = 0; step < STEPS; step++) {
    clear_input(b);
    b->input[0][0] = (float)weight[0][step], b->input[1][0] = (float)weight[1][step];
    b->current[0] = (float)current[step];
    step_shared(b);
    double expected = 0, t = (step + 1) * H, I[2] = {0, 0};
    for (int s = 0; s <= step; s++) {
      double age = t - (s + 1) * H;
      for (int r = 0; r < 2; r++) {
        if (weight[r][s] == 0) continue;
        expected += weight[r][s] * psp(age, tau_s[r]);
        I[r] += weight[r][s] * exp(-age / tau_s[r]);
      }
      expected += (current[s] + 50) * TAU_M / C_M * (exp(-age / TAU_M) - exp(-(age + H) / TAU_M));
    }
    error = larger_of(error, (double)b->state[V][0], expected);
    for (int r = 0; r < 2; r++) {
      NEAR((double)b->state[r == 0 ? I_EXC : I_INH][0], I[r], 1e-6 * (1 + fabs(I[r])));
      assert_true(b->model->receptor_current(&b->tile, 0, 0, r) == b->state[r == 0 ? I_EXC : I_INH][0]);
    }
    largest = fmax(largest, fabs(expected));
  }
  assert_true(largest > 2);
  hold(NAME, "train", error);
  free(b);
}

/* Constant current. The continuous interval T = t_ref + tau_m ln(V_inf / (V_inf - theta)) is rounded up to
 * the grid: the interval lies in [T, T + dt), give or take what the rounding of the propagator to float
 * moves V_inf and tau_m by: 2^-24 tau_m / dt, relative to both. */
static void check_rates(double dt_ms) {
  static const double amplitude[] = {400, 500, 600, 800};
  static const double published[] = {33.640712, 63.040002, 84.686249, 120.116865};
  double param[CLS_MAX_PARAMS];
  defaults(param);
  bench *b = bench_make(NAME, 16, dt_ms, param);
  for (int i = 0; i < 4; i++) {
    set(param, "I_e_pA", amplitude[i]);
    set_neuron(b, i, param, .5);
  }
  int64_t first[4] = {-1, -1, -1, -1}, last[4] = {0};
  int n[4] = {0};
  const int64_t steps = (int64_t)(20000 / dt_ms);
  double error = 0;
  for (int64_t step = 0; step < steps; step++) {
    b->model->tile_varied(&b->tile);
    for (int i = 0; i < 4; i++) {
      if (!b->spiked[i]) continue;
      if (first[i] < 0) first[i] = step;
      /* every interval is the first one: after a reset nothing remembers */
      if (n[i] >= 2) assert_int_equal((step - last[i]) * (n[i] - 1), last[i] - first[i]);
      last[i] = step;
      n[i]++;
    }
  }
  for (int i = 0; i < 4; i++) {
    double v_inf = amplitude[i] * TAU_M / C_M, rise = TAU_M * log(v_inf / (v_inf - THETA));
    NEAR(1000 / (T_REF + rise), published[i], 1e-6);
    double slack = 0x1p-24 * TAU_M / dt_ms * (rise + TAU_M * v_inf / (v_inf - THETA));
    double interval = (double)(last[i] - first[i]) * dt_ms / (n[i] - 1);
    assert_true(interval >= T_REF + rise - slack && interval < T_REF + rise + dt_ms + slack);
    error = larger_of(error, interval, T_REF + rise);
    assert_in_range(n[i], (uintmax_t)(20 * published[i] * .98), (uintmax_t)(20 * published[i] + 1));
    /* the first spike has no refractory time before it; a spike of step s is at time (s + 1) dt */
    double start = (double)(first[i] + 1) * dt_ms;
    assert_true(start >= rise - slack && start < rise + dt_ms + slack);
  }
  if (dt_ms < .05) hold(NAME, "rates", error);
  free(b);
}
static void test_rates(void **state) {
  (void)state;
  check_rates(.1);
  check_rates(.01);
}

/* V stays at V_reset for t_ref rounded to steps, then moves; currents go on meanwhile. */
static void test_refractory(void **state) {
  (void)state;
  static const double t_ref[] = {0, .1, .2, 2, 4.96, 5.04};
  static const int held[] = {0, 1, 2, 20, 50, 50};
  for (int k = 0; k < 6; k++) {
    double param[CLS_MAX_PARAMS];
    defaults(param);
    set(param, "t_ref_ms", t_ref[k]);
    set(param, "V_reset_mV", -62);
    set(param, "I_e_pA", 1000);
    bench *b = bench_make(NAME, 16, H, param);
    while (step_shared(b), !b->spiked[0]) continue;
    assert_true(b->state[V][0] == 3);
    b->state[I_EXC][0] = 64;
    for (int step = 1; step <= held[k]; step++) {
      b->input[1][0] = -8;
      step_shared(b);
      assert_true(b->state[V][0] == 3 && !b->spiked[0]);
      NEAR((double)b->state[I_EXC][0], 64 * exp(-step * H / TAU_SYN), 1e-5);
      NEAR((double)b->state[I_INH][0], -8 * (1 - exp(-step * H / TAU_SYN)) / (1 - exp(-H / TAU_SYN)), 1e-4);
    }
    clear_input(b);
    double I = (double)b->state[I_EXC][0] + (double)b->state[I_INH][0];
    step_shared(b);
    NEAR((double)b->state[V][0], 3 * .9900498337491681 + 1000 * 3.980066503e-4 + I * 3.606717487814e-4, 1e-6);
    free(b);
  }
}

/* At threshold is above it. */
static void test_threshold(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  defaults(param);
  set(param, "tau_m_ms", 1e6); /* V keeps its value to float precision */
  bench *b = bench_make(NAME, 16, 1e-3, param);
  b->state[V][0] = 15, b->state[V][1] = nextafterf(15, 0), b->state[V][2] = -100;
  b->konst[DECAY_M][0] = 1;
  step_shared(b);
  assert_int_equal(b->spiked[0], 1);
  assert_int_equal(b->spiked[1], 0);
  assert_int_equal(b->spiked[2], 0);
  assert_true(b->state[V][0] == 0 && b->state[V][1] == nextafterf(15, 0) && b->state[V][2] == -100);
  assert_true(b->state[REFRACTORY][0] == 2000 && b->state[REFRACTORY][1] == 0);
  free(b);
}

/* tau_syn through tau_m: P21 = h / C e^(-h / tau_m) (1 - e^-x) / x with x = h (1 / tau_s - 1 / tau_m). */
static void test_equal_time_constants(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  float k[CLS_MAX_CONSTS];
  defaults(param);
  for (int digit = -17; digit <= -1; digit++)
    for (int sign = -1; sign <= 1; sign++) {
      double tau_s = TAU_M * (1 + sign * pow(10, digit));
      double x = H * (TAU_M - tau_s) / (TAU_M * tau_s);
      double expected = H / C_M * exp(-H / TAU_M) * (1 - x / 2 + x * x / 6 - x * x * x / 24);
      set(param, "tau_syn_exc_ms", tau_s);
      cls_model_find(NAME)->derive(param, H, k);
      NEAR((double)k[GAIN_EXC] / expected, 1, 7e-8);
    }
  /* and the PSP is the alpha function t / C e^(-t / tau) */
  set(param, "tau_syn_exc_ms", TAU_M);
  bench *b = bench_make(NAME, 16, H, param);
  b->input[0][0] = 250;
  for (int step = 0; step < 500; step++) {
    step_shared(b);
    clear_input(b);
    NEAR((double)b->state[V][0], step * H * exp(-step * H / TAU_M), 1e-5);
  }
  free(b);
}

static void test_check(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  defaults(param);
  OK(cls_model_find(NAME)->check(param, H));
  set(param, "V_reset_mV", -50);
  assert_int_equal(cls_model_find(NAME)->check(param, H), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "V_reset_mV -50: expected less than V_th_mV -50");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_propagators),          cmocka_unit_test(test_psp),
      cmocka_unit_test(test_input_train),          cmocka_unit_test(test_rates),
      cmocka_unit_test(test_refractory),           cmocka_unit_test(test_threshold),
      cmocka_unit_test(test_equal_time_constants), cmocka_unit_test(test_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

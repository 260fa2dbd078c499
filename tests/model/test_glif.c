/* glif against the update of its paper in double precision, and closed forms of its special cases. */
#include "model/figures.h"
#include "model/firing.h"

static const char *const NAME = "glif";
enum { U, SPIKED, CLOCK };

static void set(double *param, const char *name, double value) {
  set_param(cls_model_find(NAME), param, name, value);
}

/* The step of the authors' code (dt 1 ms, tau the decay, window 4): U(t) = (1 - alpha (1 - tau)) U(t-1)
 * (1 - gamma S(t-1)) - (1 - alpha) leak + (1 - beta (1 - g(t))) C(t) - (1 - gamma) V_sub S(t-1). */
static void test_update(void **state) {
  (void)state;
  enum { NEURONS = 48, STEPS = 400 };
  const double tau = .25, leak = .0625, v_sub = .5, threshold = .5, g[4] = {.2, .9, .5, .7};
  bench *b = NULL;
  double gates[NEURONS][3], u[NEURONS] = {0}, spiked[NEURONS] = {0};
  long spikes = 0;
  double error = 0;
  for (uint32_t i = 0; i < NEURONS; i++) {
    double param[CLS_MAX_PARAMS];
    default_params(cls_model_find(NAME), param);
    for (uint32_t j = 0; j < 3; j++) /* the corners first, the eight special cases of the paper */
      gates[i][j] = i < 8 ? (double)(i >> j & 1) : cls_unit(cls_draw((cls_stream){{5, j}}, i, 0, 0, 0).w[0]);
    set(param, "alpha", gates[i][0]);
    set(param, "beta", gates[i][1]);
    set(param, "gamma", gates[i][2]);
    set(param, "tau_exp_ms", -1 / log(tau));
    set(param, "leak_per_ms", leak);
    set(param, "V_sub", v_sub);
    set(param, "V_th", threshold);
    set(param, "g_1", g[0]);
    set(param, "g_2", g[1]);
    set(param, "g_3", g[2]);
    set(param, "g_4", g[3]);
    if (i == 0) b = bench_make(NAME, NEURONS, 1, param);
    set_neuron(b, (int)i, param, .5);
  }
  for (uint32_t step = 0; step < STEPS; step++) {
    clear_input(b);
    double c[NEURONS];
    for (uint32_t i = 0; i < NEURONS; i++) {
      cls_words w = cls_draw((cls_stream){{6, 1}}, i, step, 0, 0);
      b->input[0][i] = (float)(cls_unit(w.w[0]) < .4 ? 1.2 * (cls_unit(w.w[1]) - .2) : 0);
      b->current[i] = (float)(.1 * cls_unit(w.w[2]));
      c[i] = (double)b->input[0][i] + (double)b->current[i];
    }
    b->model->tile_varied(&b->tile);
    for (int i = 0; i < NEURONS; i++) {
      double alpha = gates[i][0], beta = gates[i][1], gamma = gates[i][2];
      double now = (1 - alpha * (1 - tau)) * u[i] * (1 - gamma * spiked[i]) - (1 - alpha) * leak;
      now += (1 - beta * (1 - g[step % 4])) * c[i] - (1 - gamma) * v_sub * spiked[i];
      now = fmax(now, -10);
      if (fabs(now - threshold) > 1e-5) assert_int_equal(b->spiked[i], now >= threshold);
      error = larger_of(error, (double)b->state[U][i], now);
      u[i] = (double)b->state[U][i]; /* a spike on the edge of rounding does not part them */
      spiked[i] = b->spiked[i];
      spikes += b->spiked[i];
    }
  }
  hold(NAME, "update", error);
  assert_in_range(spikes, NEURONS * STEPS / 20, NEURONS * STEPS / 2);
  free(b);
}

/* Constant drive at small steps. Exponential leak, reset to 0: tau ln(1 / (1 - V_th / (I tau))), and a step
 * for the reset; linear leak, reset to 0 or by V_sub: V / (I - leak); with gated input I is beta g smaller.
 * */
static void test_rates(void **state) {
  (void)state;
  static const struct {
    double alpha, beta, gamma, g, I;
  } cases[] = {{1, 0, 1, .3, .12}, {1, 1, 1, .5, .3}, {1, .5, 1, .4, .2},
               {0, 0, 1, .3, .1},  {0, 0, 0, .3, .1}, {0, 1, 0, .25, .3}};
  double error = 0;
  for (int k = 0; k < 6; k++) {
    double param[CLS_MAX_PARAMS], h = .01, I = cases[k].I * (1 - cases[k].beta * (1 - cases[k].g));
    default_params(cls_model_find(NAME), param);
    set(param, "alpha", cases[k].alpha);
    set(param, "beta", cases[k].beta);
    set(param, "gamma", cases[k].gamma);
    set(param, "I_e_per_ms", cases[k].I);
    set(param, "V_sub", .6);
    set(param, "g_1", cases[k].g);
    set(param, "window", 1);
    bench *b = bench_make(NAME, 16, h, param);
    firing f = {0};
    fire(b, 0, 1000, 0, &f);
    double way = cases[k].gamma == 1 ? 1 : .6;
    double T = cases[k].alpha == 1 ? -10 * log(1 - 1 / (I * 10)) : way / (I - .02);
    double mean = (f.time[f.n - 1] - f.time[0]) / (f.n - 1);
    error = larger_of(error, mean / T, 1);
    free(b);
  }
  hold(NAME, "rates", 100 * error);
}

/* g changes every g_step_ms and begins again after the window: seen in what a constant drive adds per step.
 * */
static void test_window(void **state) {
  (void)state;
  static const double g[8] = {0, .5, 1, .25, .75, .1, .9, .6};
  for (int window = 1; window <= 8; window++) {
    double param[CLS_MAX_PARAMS];
    default_params(cls_model_find(NAME), param);
    set(param, "alpha", 0);
    set(param, "leak_per_ms", 0);
    set(param, "beta", 1);
    set(param, "V_th", 1e6);
    set(param, "window", window);
    set(param, "g_step_ms", .5);
    for (int i = 0; i < 8; i++) param[cls_model_param(cls_model_find(NAME), "g_1") + i] = g[i];
    bench *b = bench_make(NAME, 16, .1, param);
    double expected = 0;
    for (int step = 0; step < 200; step++) {
      b->input[0][0] = 1;
      step_shared(b);
      expected += g[step / 5 % window];
      NEAR((double)b->state[U][0], expected, 1e-4);
    }
    free(b);
  }
}

/* The linear leak ends at U_min. */
static void test_floor(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "alpha", 0);
  set(param, "U_min", -.5);
  bench *b = bench_make(NAME, 16, .1, param);
  for (int step = 0; step < 100; step++) step_shared(b);
  NEAR((double)b->state[U][0], -.2, 1e-5);
  for (int step = 0; step < 1000; step++) step_shared(b);
  assert_true(b->state[U][0] == -.5f);
  free(b);
  set(param, "g_step_ms", 1e5);
  set(param, "window", 8);
  assert_int_equal(cls_model_find(NAME)->check(param, .001), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(),
                      "g_step_ms 100000: a window of 8 is 800000000 steps: expected at most 16777216");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_update), cmocka_unit_test(test_rates),
                                     cmocka_unit_test(test_window), cmocka_unit_test(test_floor)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

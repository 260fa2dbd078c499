/* lif_psc_delta against the exact solution of its equations, rates of constant drive and refractoriness. */
#include "model/figures.h"
#include "model/tiles.h"

static const char *const NAME = "lif_psc_delta";
enum { V, REFRACTORY };
static const double H = .1;

static void set(double *param, const char *name, double value) {
  set_param(cls_model_find(NAME), param, name, value);
}

/* Brunel's neuron: tau 20, theta 20 and V_r 10 mV over rest, t_ref 2 ms. */
static void brunel(double *param) {
  default_params(cls_model_find(NAME), param);
  set(param, "tau_m_ms", 20);
  set(param, "E_L_mV", -70);
  set(param, "V_th_mV", -50);
  set(param, "V_reset_mV", -60);
  set(param, "t_ref_ms", 2);
}

static void test_propagators(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  float k[CLS_MAX_CONSTS];
  brunel(param);
  set(param, "I_e_pA", 300);
  cls_model_find(NAME)->derive(param, H, k);
  assert_true(k[0] == (float)exp(-H / 20));
  NEAR((double)k[1] / (20. / 250 * (1 - exp(-H / 20))), 1, 1e-7);
  NEAR((double)k[2] / (300 * 20. / 250 * (1 - exp(-H / 20))), 1, 1e-7);
  assert_true(k[3] == 20 && k[4] == 10 && k[5] == 20);
}

/* Random jumps of either sign and a current that changes in every step, below threshold, against the sum of
 * closed forms: a jump decays by e^(-t / tau_m), a current of a step by its convolution. */
static void test_input_train(void **state) {
  (void)state;
  enum { STEPS = 3000 };
  static double weight[STEPS], current[STEPS];
  double param[CLS_MAX_PARAMS], largest = 0, error = 0;
  brunel(param);
  set(param, "V_th_mV", 100);
  set(param, "I_e_pA", 30);
  bench *b = bench_make(NAME, 16, H, param);
  for (uint32_t step = 0; step < STEPS; step++) {
    cls_words w = cls_draw((cls_stream){{1, 8}}, step, 0, 0, 0);
    weight[step] = cls_unit(w.w[0]) < .2 ? 3 * cls_unit(w.w[1]) - 1.2 : 0;
    current[step] = 200 * cls_unit(w.w[2]) - 100;
  }
  for (int step = 0; step < STEPS; step++) {
    clear_input(b);
    b->input[0][3] = (float)weight[step];
    b->current[3] = (float)current[step];
    step_shared(b);
    double expected = 0, t = (step + 1) * H;
    for (int s = 0; s <= step; s++) {
      double age = t - (s + 1) * H; /* since the end of step s, when the jump of step s acts */
      expected += weight[s] * exp(-age / 20);
      expected += (current[s] + 30) * 20 / 250 * (exp(-age / 20) - exp(-(age + H) / 20));
    }
    /* the propagator's rounding to float, 2^-25, acts over tau / dt steps */
    NEAR((double)b->state[V][3], expected, 0x1p-25 * 20 / H * 30);
    error = larger_of(error, (double)b->state[V][3], expected);
    largest = fmax(largest, fabs(expected));
    assert_true(!b->spiked[3] && b->model->receptor_current(&b->tile, 3, 0, 0) == 0);
  }
  assert_true(largest > 5);
  hold(NAME, "train", error);
  free(b);
}

/* Equal jumps w every n steps: between them V decays, so that V just before the k-th is w q (1 - q^k) / (1 -
 * q) with q = e^(-n dt / tau), and the neuron fires at the first jump that reaches theta. */
static void test_regular_jumps(void **state) {
  (void)state;
  static const struct {
    double w;
    int every;
  } cases[] = {{5, 20}, {2, 10}, {.7, 3}, {21, 50}, {1.02, 10}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    double param[CLS_MAX_PARAMS], q = exp(-cases[c].every * H / 20), v = 0;
    brunel(param);
    bench *b = bench_make(NAME, 16, H, param);
    int jumps = 0, spiked = 0;
    while (v + cases[c].w < 20) { /* jumps that do not reach it */
      v = (v + cases[c].w) * q;
      jumps++;
    }
    for (int step = 0; step <= jumps * cases[c].every; step++) {
      clear_input(b);
      if (step % cases[c].every == 0) b->input[0][0] = (float)cases[c].w;
      step_shared(b);
      spiked += b->spiked[0];
      if (b->spiked[0]) assert_int_equal(step, jumps * cases[c].every);
    }
    assert_int_equal(spiked, 1);
    assert_true(b->state[V][0] == 10 && b->state[REFRACTORY][0] == 20);
    free(b);
  }
}

/* The interval of a constant current is t_ref + tau ln((V_inf - V_r) / (V_inf - theta)), rounded up to the
 * grid. */
static void test_rates(void **state) {
  (void)state;
  static const double amplitude[] = {260, 300, 500, 1000};
  double error = 0;
  for (int i = 0; i < 4; i++) {
    double param[CLS_MAX_PARAMS];
    brunel(param);
    set(param, "I_e_pA", amplitude[i]);
    bench *b = bench_make(NAME, 16, .01, param);
    double v_inf = amplitude[i] * 20 / 250, T = 2 + 20 * log((v_inf - 10) / (v_inf - 20));
    int64_t first = -1, last = 0, n = 0;
    for (int64_t step = 0; step < 100000; step++) {
      step_shared(b);
      if (!b->spiked[5]) continue;
      if (first < 0) first = step;
      last = step, n++;
    }
    double interval = (double)(last - first) * .01 / (double)(n - 1);
    double slack = 0x1p-24 * 20 / .01 * (T + 20 * v_inf / (v_inf - 20)); /* rounding of the propagator */
    assert_true(interval >= T - slack && interval < T + .01 + slack);
    error = larger_of(error, interval, T);
    free(b);
  }
  hold(NAME, "rates", error);
}

/* For t_ref, rounded to steps, V stays at V_reset and what arrives is lost, jumps and currents alike; the
 * first that arrives in the step after moves V. */
static void test_refractory(void **state) {
  (void)state;
  static const double t_ref[] = {0, .1, .2, 2, 4.96, 5.04};
  static const int held[] = {0, 1, 2, 20, 50, 50};
  for (int k = 0; k < 6; k++) {
    double param[CLS_MAX_PARAMS];
    brunel(param);
    set(param, "t_ref_ms", t_ref[k]);
    bench *b = bench_make(NAME, 16, H, param);
    b->input[0][7] = 25;
    step_shared(b);
    assert_true(b->spiked[7] && b->state[V][7] == 10);
    for (int step = 0; step < held[k]; step++) {
      clear_input(b);
      b->input[0][7] = 50;
      b->current[7] = 1e5f;
      step_shared(b);
      assert_true(!b->spiked[7] && b->state[V][7] == 10);
    }
    clear_input(b);
    b->input[0][7] = 1.5f;
    step_shared(b);
    NEAR((double)b->state[V][7], 10 * exp(-H / 20) + 1.5, 2e-6);
    free(b);
  }
}

/* At threshold is above it, and a jump counts before it is looked at. */
static void test_threshold(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  brunel(param);
  bench *b = bench_make(NAME, 16, H, param);
  b->input[0][0] = 20, b->input[0][1] = nextafterf(20, 0), b->input[0][2] = -300;
  step_shared(b);
  assert_int_equal(b->spiked[0], 1);
  assert_int_equal(b->spiked[1], 0);
  assert_true(!b->spiked[2] && b->state[V][2] == -300);
  free(b);
  set(param, "V_reset_mV", -50);
  assert_int_equal(cls_model_find(NAME)->check(param, H), CLS_ERR_INPUT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_propagators),   cmocka_unit_test(test_input_train),
      cmocka_unit_test(test_regular_jumps), cmocka_unit_test(test_rates),
      cmocka_unit_test(test_refractory),    cmocka_unit_test(test_threshold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

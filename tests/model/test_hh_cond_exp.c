/* hh_cond_exp: its gates at a clamped potential against the rates of the paper in double precision, also
 * where they are 0 / 0; what a spike is. Solutions of its equations by scipy: test_solutions.py. */
#include "model/figures.h"
#include "model/firing.h"

static const char *const NAME = "hh_cond_exp";
enum { V, M, H, N, G_EXC, G_INH };

static double linoid(double x, double scale) { return fabs(x) < 1e-9 ? scale : x / expm1(x / scale); }

/* alpha, beta of m, h, n; x = V - V_T. */
static void rates(double x, double (*r)[2]) {
  r[0][0] = .32 * linoid(13 - x, 4), r[0][1] = .28 * linoid(x - 40, 5);
  r[1][0] = .128 * exp((17 - x) / 18), r[1][1] = 4 / (1 + exp((40 - x) / 5));
  r[2][0] = .032 * linoid(15 - x, 5), r[2][1] = .5 * exp((10 - x) / 40);
}

/* With a huge capacitance V stands still and every gate relaxes with its own time constant. */
static void test_gates(void **state) {
  (void)state;
  static const double x[] = {-80, -27,   0,  10,    12.999, 13,      13.001, 14.9999,
                             15,  15.01, 30, 39.99, 40,     40.0001, 70,     113};
  const cls_model *model = cls_model_find(NAME);
  double param[CLS_MAX_PARAMS];
  default_params(model, param);
  set_param(model, param, "C_m_pF", 1e6);
  set_param(model, param, "g_L_nS", 1e-6);
  set_param(model, param, "g_Na_nS", 0);
  set_param(model, param, "g_K_nS", 0);
  bench *b = bench_make(NAME, 16, .05, param);
  for (int i = 0; i < 16; i++) {
    b->state[V][i] = (float)(x[i] - 3); /* relative to E_L = -60; V_T is -63 */
    b->state[M][i] = .3f, b->state[H][i] = .9f, b->state[N][i] = .1f;
  }
  double error = 0;
  for (int step = 1; step <= 400; step++) {
    step_shared(b);
    for (int i = 0; i < 16; i++) {
      const double begin[3] = {(double).3f, (double).9f, (double).1f};
      double r[3][2];
      rates(x[i], r);
      for (int g = 0; g < 3; g++) {
        double steady = r[g][0] / (r[g][0] + r[g][1]);
        double expected = steady + (begin[g] - steady) * exp(-(r[g][0] + r[g][1]) * step * .05);
        error = larger_of(error, (double)b->state[M + g][i], expected);
      }
    }
  }
  hold(NAME, "gates", error);
  free(b);
}

/* Starts with its gates at rest for V = E_L, and a resting cell stays near: only the currents of open gates
 * move it. */
static void test_start(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS], r[3][2];
  default_params(cls_model_find(NAME), param);
  set_param(cls_model_find(NAME), param, "E_L_mV", -65);
  bench *b = bench_make(NAME, 16, .1, param);
  rates(-2, r);
  for (int g = 0; g < 3; g++) NEAR((double)b->state[M + g][0], r[g][0] / (r[g][0] + r[g][1]), 1e-6);
  firing f = {0};
  fire(b, 0, 500, 0, &f);
  assert_int_equal(f.n, 0);
  /* rest: no current flows, gates steady */
  double low = -80, high = -60;
  for (int i = 0; i < 100; i++) {
    double v = (low + high) / 2, open[3];
    rates(v + 63, r);
    for (int g = 0; g < 3; g++) open[g] = r[g][0] / (r[g][0] + r[g][1]);
    double I =
        10 * (-65 - v) + 20000 * pow(open[0], 3) * open[1] * (50 - v) + 6000 * pow(open[2], 4) * (-90 - v);
    *(I > 0 ? &low : &high) = v;
  }
  hold(NAME, "rest", fabs((double)b->state[V][0] - 65 - low));
  free(b);
}

/* One spike per crossing of V_th, whatever V_th: the same number from -40 to 20 mV; V stays within reversals.
 * */
static void test_spikes(void **state) {
  (void)state;
  static const double thresholds[] = {-40, -20, 0, 20};
  int n[4];
  for (int k = 0; k < 4; k++) {
    double param[CLS_MAX_PARAMS];
    default_params(cls_model_find(NAME), param);
    set_param(cls_model_find(NAME), param, "V_th_mV", thresholds[k]);
    bench *b = bench_make(NAME, 16, .025, param);
    firing f = {0};
    for (int ms = 0; ms < 300; ms++) {
      fire(b, ms, 1, 400, &f);
      assert_true(b->state[V][0] < 50 + 60 && b->state[V][0] > -90 + 60);
    }
    n[k] = f.n;
    assert_true(f.n > 10 && interval(&f, -1) > 2);
    free(b);
  }
  for (int k = 1; k < 4; k++) assert_int_equal(n[k], n[0]);
}

/* With every channel shut but the synapses, the step is that of lif_cond_exp. */
static void test_passive(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS], other[CLS_MAX_PARAMS];
  const cls_model *model = cls_model_find(NAME), *lif = cls_model_find("lif_cond_exp");
  default_params(model, param);
  default_params(lif, other);
  set_param(model, param, "g_Na_nS", 0);
  set_param(model, param, "g_K_nS", 0);
  set_param(model, param, "I_e_pA", 30);
  set_param(lif, other, "I_e_pA", 30);
  set_param(lif, other, "V_th_mV", 1000);
  bench *b = bench_make(NAME, 16, .1, param), *c = bench_make("lif_cond_exp", 16, .1, other);
  for (uint32_t step = 0; step < 2000; step++) {
    cls_words w = cls_draw((cls_stream){{2, 8}}, step, 0, 0, 0);
    for (int r = 0; r < 2; r++)
      b->input[r][0] = c->input[r][0] = cls_unit(w.w[r]) < .1 ? 10 * (float)cls_unit(w.w[2]) : 0;
    step_shared(b), step_shared(c);
    assert_true(b->state[V][0] == c->state[0][0]);
    for (int r = 0; r < 2; r++)
      assert_true(model->receptor_current(&b->tile, 0, 0, r) == lif->receptor_current(&c->tile, 0, 0, r));
  }
  assert_true(fabsf(b->state[V][0]) > .5f);
  free(b), free(c);
}

static void test_check(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set_param(cls_model_find(NAME), param, "E_K_mV", 50);
  assert_int_equal(cls_model_find(NAME)->check(param, .1), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "E_K_mV 50: expected less than E_Na_mV 50");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gates),   cmocka_unit_test(test_start), cmocka_unit_test(test_spikes),
      cmocka_unit_test(test_passive), cmocka_unit_test(test_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

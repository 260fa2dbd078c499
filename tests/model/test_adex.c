/* adex against the published conditions for the stability of rest and the firing patterns of published
 * parameters. Solutions of its equations by scipy: test_solutions.py. */
#include "model/figures.h"
#include "model/firing.h"

static const char *const NAME = "adex";
enum { V, W, G_EXC, G_INH };

/* R. Naud et al., Biol. Cybern. 99:335 (2008), table 1; V_T -50 and Delta_T 2 mV in all. */
enum {
  TONIC,
  ADAPTING,
  INITIAL_BURST,
  BURSTING,
  ACCELERATING,
  DELAYED_BURSTING,
  TRANSIENT,
  IRREGULAR,
  PATTERNS
};
static const struct {
  double C, g_L, E_L, a, tau_w, b, V_reset, I;
} sets[PATTERNS] = {
    [TONIC] = {200, 10, -70, 2, 30, 0, -58, 500},
    [ADAPTING] = {200, 12, -70, 2, 300, 60, -58, 500},
    [INITIAL_BURST] = {130, 18, -58, 4, 150, 120, -50, 400},
    [BURSTING] = {200, 10, -58, 2, 120, 100, -46, 210},
    [ACCELERATING] = {200, 12, -70, -10, 300, 0, -58, 300},
    [DELAYED_BURSTING] = {100, 10, -65, -10, 90, 30, -47, 110},
    [TRANSIENT] = {100, 10, -65, 10, 90, 100, -47, 180},
    [IRREGULAR] = {100, 12, -60, -11, 130, 30, -48, 160},
};

static void parameters(int k, double *param) {
  const cls_model *model = cls_model_find(NAME);
  default_params(model, param);
  set_param(model, param, "C_m_pF", sets[k].C);
  set_param(model, param, "g_L_nS", sets[k].g_L);
  set_param(model, param, "E_L_mV", sets[k].E_L);
  set_param(model, param, "V_T_mV", -50);
  set_param(model, param, "a_nS", sets[k].a);
  set_param(model, param, "tau_w_ms", sets[k].tau_w);
  set_param(model, param, "b_pA", sets[k].b);
  set_param(model, param, "V_reset_mV", sets[k].V_reset);
}

static firing pattern(int k) {
  double param[CLS_MAX_PARAMS];
  parameters(k, param);
  bench *b = bench_make(NAME, 16, .05, param);
  firing f = {0};
  fire(b, 0, 500, sets[k].I, &f);
  free(b);
  return f;
}

static void test_patterns(void **state) {
  (void)state;
  firing f[PATTERNS];
  for (int k = 0; k < PATTERNS; k++) f[k] = pattern(k);
  print_message("spikes in 500 ms:");
  for (int k = 0; k < PATTERNS; k++) print_message(" %d", f[k].n);
  print_message("\n");
  assert_true(f[TONIC].n > 20);
  NEAR(interval(&f[TONIC], -1) / interval(&f[TONIC], 5), 1, .015);
  for (int k = 0; k < 4; k++) assert_true(interval(&f[ADAPTING], k) < interval(&f[ADAPTING], k + 1));
  assert_true(interval(&f[ADAPTING], -1) > 2 * interval(&f[ADAPTING], 0));
  assert_true(interval(&f[INITIAL_BURST], 0) < 10 && interval(&f[INITIAL_BURST], -1) > 25);
  NEAR(interval(&f[INITIAL_BURST], -1) / interval(&f[INITIAL_BURST], -2), 1, .02);
  int within = 0, between = 0;
  for (int k = 0; k < f[BURSTING].n - 1; k++) {
    within += interval(&f[BURSTING], k) < 15;
    between += interval(&f[BURSTING], k) > 40;
  }
  assert_true(within >= 2 && between >= 2 && within + between == f[BURSTING].n - 1);
  for (int k = 0; k < 3; k++) assert_true(interval(&f[ACCELERATING], k) > interval(&f[ACCELERATING], k + 1));
  assert_in_range(f[TRANSIENT].n, 1, 5);
  assert_true(f[TRANSIENT].time[f[TRANSIENT].n - 1] < 100);
  double least = 1e9, most = 0; /* in the second half, where a periodic neuron repeats itself */
  for (int k = f[IRREGULAR].n / 2; k < f[IRREGULAR].n - 1; k++) {
    least = fmin(least, interval(&f[IRREGULAR], k));
    most = fmax(most, interval(&f[IRREGULAR], k));
  }
  assert_true(most > 1.5 * least);
}

/* Rest is lost at the current of a saddle-node bifurcation where a / g_L < tau_m / tau_w, else of a Hopf
 * bifurcation: Naud et al. (2008). From a little off rest the neuron returns below it, spikes above. */
static void test_stability(void **state) {
  (void)state;
  static const struct { double a, tau_w; } cases[] = {{4, 144}, {2, 20}, {0, 100}, {10, 30}, {-3, 50}};
  int hopf = 0;
  for (int k = 0; k < 5; k++) {
    const double C = 281, g = 30, E = -70.6, V_T = -50.4, D = 2, a = cases[k].a, tau = C / g;
    bool saddle = a / g < tau / cases[k].tau_w;
    double x = saddle ? a / g : tau / cases[k].tau_w; /* exp((V - V_T) / D) = 1 + x at the edge */
    double v = V_T + D * log(1 + x), edge = (g + a) * (v - E) - g * D * (1 + x);
    hopf += !saddle;
    for (int side = -1; side <= 1; side += 2) {
      double param[CLS_MAX_PARAMS], I = edge * (1 + side * stated(NAME, "edge") / 100), low = E, high = v;
      for (int i = 0; i < 100; i++) { /* the stable point, below v */
        double m = (low + high) / 2, f = I - (g + a) * (m - E) + g * D * exp((m - V_T) / D);
        *(f > 0 ? &low : &high) = m;
      }
      default_params(cls_model_find(NAME), param);
      set_param(cls_model_find(NAME), param, "a_nS", a);
      set_param(cls_model_find(NAME), param, "tau_w_ms", cases[k].tau_w);
      bench *b = bench_make(NAME, 16, .1, param);
      b->state[V][0] = (float)(low - E + .01), b->state[W][0] = (float)(a * (low - E));
      firing f = {0};
      fire(b, 0, 12000, I, &f);
      if ((side > 0) != (f.n > 0)) fail_msg("a %g, tau_w %g, I %g: %d spikes", a, cases[k].tau_w, I, f.n);
      if (side < 0) NEAR((double)b->state[V][0], low - E, 2e-2);
      free(b);
    }
  }
  assert_in_range(hopf, 1, 4);
}

/* With a huge capacitance V stands still: w relaxes to a (V - E_L); g_e and g_i decay. At a spike w grows by
 * b, and V is held for t_ref while w goes on. */
static void test_parts(void **state) {
  (void)state;
  const cls_model *model = cls_model_find(NAME);
  double param[CLS_MAX_PARAMS];
  default_params(model, param);
  set_param(model, param, "C_m_pF", 1e6);
  set_param(model, param, "g_L_nS", 1e-6);
  bench *b = bench_make(NAME, 16, .1, param);
  b->state[V][0] = 10;
  for (int step = 1; step <= 300; step++) {
    step_shared(b);
    NEAR((double)b->state[V][0], 10, 2e-3);
    NEAR((double)b->state[W][0], 40 * (1 - exp(-step * .1 / 144)), 1e-3);
  }
  free(b);
  default_params(model, param);
  set_param(model, param, "t_ref_ms", 2);
  b = bench_make(NAME, 16, .1, param);
  b->state[V][0] = 60, b->state[G_EXC][0] = 50;
  step_shared(b);
  assert_true(b->spiked[0] && b->state[V][0] == 0 && !b->spiked[1]);
  double w = (double)b->state[W][0];
  NEAR(w, 80.5 + 4 * 65 * .1 / 144, .02); /* V was 60, then 70.6, of which w sees half a step each */
  for (int step = 1; step <= 20; step++) {
    step_shared(b);
    assert_true(b->state[V][0] == 0);
    NEAR((double)b->state[W][0], w * exp(-step * .1 / 144), 1e-3);
    NEAR((double)b->state[G_EXC][0], 50 * exp(-(step + 1) * .1 / 5), 1e-3);
  }
  step_shared(b);
  assert_true(b->state[V][0] != 0);
  for (int r = 0; r < 2; r++)
    NEAR((double)model->receptor_current(&b->tile, 0, 0, r),
         r == 0 ? (double)b->state[G_EXC][0] * (70.6 - (double)b->state[V][0]) : 0, 1e-3);
  free(b);
}

static void test_check(void **state) {
  (void)state;
  const cls_model *model = cls_model_find(NAME);
  double param[CLS_MAX_PARAMS];
  default_params(model, param);
  set_param(model, param, "V_reset_mV", 0);
  assert_int_equal(model->check(param, .1), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "V_reset_mV 0: expected less than V_peak_mV 0");
  set_param(model, param, "V_reset_mV", -70);
  set_param(model, param, "V_T_mV", 5);
  assert_int_equal(model->check(param, .1), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "V_T_mV 5: expected less than V_peak_mV 0");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_patterns), cmocka_unit_test(test_stability),
                                     cmocka_unit_test(test_parts), cmocka_unit_test(test_check)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* two_compartment: coincidence of a spike and apical input makes a burst, apical input changes the gain of
 * the soma, and the closed form of a passive dendrite. Solutions of its equations by scipy:
 * test_solutions.py. */
#include "model/figures.h"
#include "model/firing.h"

static const char *const NAME = "two_compartment";
enum { V_S, V_D, W_S, W_D, I_SOMA, I_APICAL, REFRACTORY, RETURNING };

static void set(double *param, const char *name, double value) {
  set_param(cls_model_find(NAME), param, name, value);
}

/* 5 ms of current into the soma, and an apical synaptic current that begins with it: after the experiment of
 * Larkum, Zhu and Sakmann (1999). */
static firing pulse(double soma, double apical, double *highest) {
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  bench *b = bench_make(NAME, 16, .05, param);
  firing f = {0};
  *highest = -100;
  b->state[I_APICAL][0] = (float)apical;
  for (int ms = 0; ms < 100; ms++) {
    fire(b, ms, 1, ms < 5 ? soma : 0, &f);
    *highest = fmax(*highest, (double)b->state[V_D][0] - 70);
  }
  free(b);
  return f;
}

static void test_coincidence(void **state) {
  (void)state;
  double alone, high, both;
  firing soma = pulse(2100, 0, &alone), apical = pulse(0, 1000, &high), together = pulse(2100, 1000, &both);
  print_message("spikes: soma %d, apical %d, both %d; dendrite up to %.1f, %.1f, %.1f mV\n", soma.n, apical.n,
                together.n, alone, high, both);
  assert_int_equal(soma.n, 1);
  assert_int_equal(apical.n, 0);
  assert_in_range(together.n, 2, 5);
  assert_true(interval(&together, 0) < 15); /* a burst */
  assert_true(both > alone + 10 && both > high + 10);
}

/* Apical current moves the f-I curve of the soma to the left and makes it steeper (Larkum, Senn & Luescher,
 * Cereb. Cortex 14:1059, 2004). */
static void test_gain(void **state) {
  (void)state;
  double r[2][6];
  for (int a = 0; a < 2; a++)
    for (int k = 0; k < 6; k++) {
      double param[CLS_MAX_PARAMS];
      default_params(cls_model_find(NAME), param);
      set(param, "I_e_apical_pA", a == 0 ? 0 : 400);
      bench *b = bench_make(NAME, 16, .1, param);
      firing f = {0};
      fire(b, 0, 3000, 350 + 100 * k, &f);
      r[a][k] = f.n / 3.;
      free(b);
    }
  for (int a = 0; a < 2; a++)
    print_message("rate at 350 ... 850 pA: %.0f %.0f %.0f %.0f %.0f %.0f\n", r[a][0], r[a][1], r[a][2],
                  r[a][3], r[a][4], r[a][5]);
  assert_true(r[0][0] == 0 && r[1][0] >= 0);
  for (int k = 1; k < 6; k++) assert_true(r[1][k] > r[0][k] && r[0][k] >= r[0][k - 1]);
  assert_true(r[1][5] - r[1][1] > 1.3 * (r[0][5] - r[0][1]));
}

/* g_d = a_d = 0: V_d is a leaky integrator of the spike that travels back, from .5 to 2.5 ms after it. */
static void test_back(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS], h = .1;
  default_params(cls_model_find(NAME), param);
  set(param, "g_d_pA", 0);
  set(param, "a_d_nS", 0);
  bench *b = bench_make(NAME, 16, h, param);
  b->state[V_S][0] = 25;
  b->state[W_S][0] = -100;
  step_shared(b);
  assert_true(b->spiked[0] && !b->spiked[1] && b->state[V_S][0] == 0 && b->state[V_D][0] == 0);
  NEAR((double)b->state[W_S][0], -100 * exp(-h / 100) - 200, 1e-3);
  double error = 0;
  for (int step = 1; step <= 100; step++) {
    step_shared(b);
    double t = step * h, expected = 0, top = 2600 * 7 / 170.;
    if (t > .5) expected = top * (1 - exp(-(fmin(t, 2.5) - .5) / 7));
    if (t > 2.5) expected *= exp(-(t - 2.5) / 7);
    error = larger_of(error, (double)b->state[V_D][0], expected);
    if (step <= 30) assert_true(b->state[V_S][0] == 0); /* t_ref */
    if (step == 31) assert_true(b->state[V_S][0] != 0);
    assert_true(b->state[V_D][1] == 0);
  }
  hold(NAME, "back", error);
  free(b);
}

/* Passive in both compartments, a unit synaptic current gives the PSP of lif_psc_exp in each. */
static void test_synapses(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "g_d_pA", 0);
  set(param, "g_s_pA", 0);
  set(param, "a_d_nS", 0);
  set(param, "tau_syn_apical_ms", 2);
  bench *b = bench_make(NAME, 16, .02, param);
  b->input[0][0] = 100, b->input[1][1] = 100;
  double error = 0;
  for (int step = 0; step < 2000; step++) {
    step_shared(b);
    clear_input(b);
    double t = step * .02;
    error =
        larger_of(error, (double)b->state[V_S][0], 100 * 16 * 5 / (370. * 11) * (exp(-t / 16) - exp(-t / 5)));
    error =
        larger_of(error, (double)b->state[V_D][1], 100 * 7 * 2 / (170. * 5) * (exp(-t / 7) - exp(-t / 2)));
    NEAR((double)b->model->receptor_current(&b->tile, 0, 0, 0), 100 * exp(-t / 5), 1e-2);
    NEAR((double)b->model->receptor_current(&b->tile, 1, 0, 1), 100 * exp(-t / 2), 1e-2);
    assert_true(b->state[V_D][0] == 0 && b->state[V_S][1] == 0);
  }
  hold(NAME, "psp", error);
  free(b);
  set(param, "V_reset_mV", -50);
  assert_int_equal(cls_model_find(NAME)->check(param, .1), CLS_ERR_INPUT);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_coincidence), cmocka_unit_test(test_gain),
                                     cmocka_unit_test(test_back), cmocka_unit_test(test_synapses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

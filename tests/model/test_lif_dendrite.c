/* lif_dendrite: what its branches make of constant currents in closed form, PSPs of linear branches, and
 * inputs that are worth more on one branch than on three. Solutions of its equations by scipy:
 * test_solutions.py. */
#include "model/figures.h"
#include "model/firing.h"

static const char *const NAME = "lif_dendrite";
enum { V, I_1, I_2, I_3, I_SOMA, REFRACTORY };
static const double GAIN = 20. / 250; /* tau_m / C, mV per pA */

static void set(double *param, const char *name, double value) {
  set_param(cls_model_find(NAME), param, name, value);
}

static double branch(double I, double linear, double plateau, double theta, double width) {
  return linear * I + plateau * (1 / (1 + exp((theta - I) / width)) - 1 / (1 + exp(theta / width)));
}

/* Poirazi et al. (2003): n inputs give 1 / (1 + e^((3.6 - n) / .2)) + .3 n, here without what it is at n = 0. In the
 * defaults an input is 150 / 3.6 pA, and .3 of the plateau is as much, but for their rounding. */
static void test_published(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS], error = 0;
  default_params(cls_model_find(NAME), param);
  set(param, "V_th_mV", 1000);
  set(param, "tau_1_ms", 1e6);
  bench *b = bench_make(NAME, 64, .1, param);
  for (int i = 0; i < 64; i++) b->state[I_1][i] = (float)(i / 8. * 150 / 3.6);
  for (int step = 0; step < 3000; step++) step_shared(b);
  for (int i = 0; i < 64; i++) {
    double n = i / 8., expected = 1 / (1 + exp((3.6 - n) / .2)) - 1 / (1 + exp(3.6 / .2)) + .3 * n;
    error = larger_of(error, (double)b->state[V][i] / GAIN / 140, expected);
  }
  hold(NAME, "branch", error);
  free(b);
}

static void test_transfer(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "V_th_mV", 1000);
  static const char *const names[] = {"tau_1_ms", "tau_2_ms", "tau_3_ms"};
  for (int b = 0; b < 3; b++) set(param, names[b], 1e6); /* currents that stand */
  set(param, "linear_2", .5);
  set(param, "plateau_2_pA", 300);
  set(param, "theta_3_pA", 80);
  set(param, "width_3_pA", 25);
  bench *b = bench_make(NAME, 64, .1, param);
  for (int i = 0; i < 64; i++)
    for (int k = 0; k < 3; k++) b->state[I_1 + k][i] = (float)((i * (7 + 4 * k)) % 64 * 6);
  for (int step = 0; step < 2000; step++) step_shared(b);
  for (int i = 0; i < 64; i++) {
    double I[3];
    for (int k = 0; k < 3; k++) I[k] = (i * (7 + 4 * k)) % 64 * 6;
    double sum =
        branch(I[0], 1, 140, 150, 8.3) + branch(I[1], .5, 300, 150, 8.3) + branch(I[2], 1, 140, 80, 25);
    NEAR((double)b->state[V][i], GAIN * sum, 1e-3 * (1 + GAIN * sum)); /* currents fall by 2e-4 in 200 ms */
  }
  assert_true(b->state[V][0] == 0 || fabsf(b->state[V][0]) < 1e-4f); /* at rest without input */
  free(b);
}

/* With plateaus of 0 every branch gives the PSP of lif_psc_exp, whatever its time constant; inhibition the
 * same. */
static void test_linear(void **state) {
  (void)state;
  static const double tau[] = {10, 20, 3, 5};
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "V_th_mV", 1000);
  set(param, "tau_2_ms", tau[1]);
  set(param, "tau_3_ms", tau[2]);
  static const char *const names[] = {"plateau_1_pA", "plateau_2_pA", "plateau_3_pA"};
  for (int b = 0; b < 3; b++) set(param, names[b], 0);
  bench *b = bench_make(NAME, 16, .1, param);
  for (int r = 0; r < 4; r++) b->input[r][r] = 100;
  double error = 0;
  for (int step = 0; step < 600; step++) {
    step_shared(b);
    clear_input(b);
    double t = step * .1;
    for (int r = 0; r < 4; r++) {
      double expected = fabs(tau[r] - 20) < 1e-9
                            ? 100 / 250. * t * exp(-t / 20)
                            : 100 * 20 * tau[r] / (250 * (20 - tau[r])) * (exp(-t / 20) - exp(-t / tau[r]));
      double sign = r == 3 ? -1 : 1;
      error = larger_of(error, (double)b->state[V][r], sign * expected);
      for (int q = 0; q < 4; q++)
        NEAR((double)b->model->receptor_current(&b->tile, r, 0, q),
             q == r ? sign * 100 * exp(-t / tau[r]) : 0, 1e-3);
    }
  }
  hold(NAME, "psp", error);
  free(b);
}

/* Six inputs together: on one branch they pass its threshold and the soma fires; two on each of three do not.
 * Spread in time on one branch they do not either. */
static void test_clustered(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "V_th_mV", -59);
  bench *b = bench_make(NAME, 16, .1, param);
  int spikes[3] = {0};
  float top[3] = {0};
  for (int step = 0; step < 2000; step++) {
    clear_input(b);
    if (step == 10) b->input[0][0] = 6 * 41.7f;
    if (step == 10) b->input[0][1] = b->input[1][1] = b->input[2][1] = 2 * 41.7f;
    if (step % 200 == 10 && step < 1200) b->input[0][2] = 41.7f;
    step_shared(b);
    for (int i = 0; i < 3; i++) {
      spikes[i] += b->spiked[i];
      top[i] = fmaxf(top[i], b->state[V][i]);
    }
  }
  print_message("six inputs: %d spikes on one branch, %d on three (%.1f mV), %d one by one (%.1f mV)\n",
                spikes[0], spikes[1], (double)top[1], spikes[2], (double)top[2]);
  assert_true(spikes[0] > 0 && spikes[1] == 0 && spikes[2] == 0);
  free(b);
}

/* The f-I curve of the soma is that of a leaky integrator. */
static void test_rate(void **state) {
  (void)state;
  static const double currents[] = {200, 300, 600};
  double error = 0;
  for (int k = 0; k < 3; k++) {
    double param[CLS_MAX_PARAMS], v_inf = currents[k] * GAIN, T = 2 + 20 * log(v_inf / (v_inf - 15));
    default_params(cls_model_find(NAME), param);
    set(param, "I_e_pA", currents[k]);
    bench *b = bench_make(NAME, 16, .02, param);
    firing f = {0};
    fire(b, 0, 500, 0, &f);
    for (int i = 0; i < f.n - 1; i++) error = larger_of(error, interval(&f, i), T);
    assert_true(f.n >= 5);
    free(b);
  }
  hold(NAME, "rates", error);
  double param[CLS_MAX_PARAMS];
  default_params(cls_model_find(NAME), param);
  set(param, "V_reset_mV", -50);
  assert_int_equal(cls_model_find(NAME)->check(param, .1), CLS_ERR_INPUT);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_published), cmocka_unit_test(test_transfer),
                                     cmocka_unit_test(test_linear), cmocka_unit_test(test_clustered),
                                     cmocka_unit_test(test_rate)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

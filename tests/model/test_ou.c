/* The Ornstein-Uhlenbeck input: mean, variance and autocorrelation against theory, and every step against
 * the exact update. */
#include "model/figures.h"
#include "model/tiles.h"

static const char *const NAME = "ou";
enum { N = CLS_TILE };
static const double TAU = 4, MEAN = .4, SD = .15; /* the background of the Digital Twin Brain */

static bench *make(double dt_ms, double tau, double mean, double sd) {
  double param[CLS_MAX_PARAMS];
  const cls_model *model = cls_model_find(NAME);
  default_params(model, param);
  set_param(model, param, "tau_ms", tau);
  set_param(model, param, "mean", mean);
  set_param(model, param, "sd", sd);
  return bench_make(NAME, N, dt_ms, param);
}

/* Starting states as an engine gives them: one uniform number per neuron. */
static void start(bench *b, uint32_t first) {
  double param[CLS_MAX_PARAMS];
  default_params(b->model, param);
  set_param(b->model, param, "tau_ms", TAU);
  set_param(b->model, param, "mean", MEAN);
  set_param(b->model, param, "sd", SD);
  for (uint32_t i = 0; i < N; i++)
    set_neuron(b, (int)i, param, cls_unit(cls_draw((cls_stream){{6, 1}}, first + i, 0, 0, 0).w[0]));
}

static void test_update_exact(void **state) {
  (void)state;
  bench *b = make(.1, TAU, MEAN, SD);
  start(b, 0);
  static double I[N];
  double error = 0;
  for (int i = 0; i < N; i++) I[i] = (double)b->state[0][i];
  for (uint32_t step = 0; step < 1000; step++) {
    clear_input(b);
    b->current[3] = 2; /* what other inputs added before */
    set_step(b, 128, step, 1);
    step_shared(b);
    for (uint32_t i = 0; i < N; i++) {
      uint32_t word = cls_noise_word(b->tile.key, 128 + i, step, 0, 1);
      double e = exp(-.1 / TAU), noise = cls_normal_quantile(cls_unit(word));
      I[i] = I[i] * e + MEAN * (1 - e) + SD * sqrt(1 - e * e) * noise;
      error = larger_of(error, (double)b->state[0][i], I[i]);
      /* it acts in the step it is drawn in */
      assert_true(b->current[i] == (i == 3 ? 2 + b->state[0][i] : b->state[0][i]));
    }
  }
  hold(NAME, "update", error);
  free(b);
}

/* Moments over N neurons and many steps. Their errors follow from the number of independent values: the sum
 * over lags of the autocorrelation is coth(dt / 2 tau) for I, coth(dt / tau) for I^2. Returns the largest
 * difference from theory in such errors. */
static double check_moments(double dt_ms, int steps) {
  enum { LAGS = 5, MOST = 128 };
  const double lag_ms[LAGS] = {1, 2, 4, 8, 12};
  static float past[MOST][N];
  int lag[LAGS];
  double sum = 0, square = 0, product[LAGS] = {0}, n = (double)N * steps;
  for (int l = 0; l < LAGS; l++) lag[l] = (int)rint(lag_ms[l] / dt_ms);
  bench *b = make(dt_ms, TAU, MEAN, SD);
  start(b, 0);
  for (int step = 0; step < steps; step++) {
    clear_input(b);
    set_step(b, 0, step, 0);
    step_shared(b);
    float *x = past[step % MOST];
    for (int i = 0; i < N; i++) {
      x[i] = (float)(((double)b->current[i] - MEAN) / SD);
      sum += (double)x[i], square += (double)x[i] * (double)x[i];
    }
    for (int l = 0; l < LAGS && step >= MOST; l++) {
      const float *y = past[(step - lag[l]) % MOST];
      float partial = 0;
      for (int i = 0; i < N; i++) partial += x[i] * y[i];
      product[l] += (double)partial;
    }
  }
  double of_mean = sqrt(1 / tanh(dt_ms / 2 / TAU) / n), of_square = sqrt(2 / tanh(dt_ms / TAU) / n);
  double z = fabs(sum / n) / of_mean;
  z = fmax(z, fabs(square / n - 1) / of_square);
  assert_true(of_square < .01); /* sharp enough to tell 1 % in the standard deviation */
  for (int l = 0; l < LAGS; l++)
    z = fmax(z, fabs(product[l] / ((double)N * (steps - MOST)) - exp(-lag_ms[l] / TAU)) / of_square);
  free(b);
  return z;
}
static void test_moments(void **state) {
  (void)state;
  double z = check_moments(.1, 30000);
  hold(NAME, "moments", fmax(z, check_moments(1, 20000)));
}

/* The first steps have the variance of all others, and neurons do not know of each other. */
static void test_stationary_from_the_start(void **state) {
  (void)state;
  enum { TILES = 256, STEPS = 4 };
  double sum[STEPS] = {0}, square[STEPS] = {0}, neighbour = 0, begun = 0, n = (double)N * TILES;
  for (uint32_t t = 0; t < TILES; t++) {
    bench *b = make(.1, TAU, MEAN, SD);
    start(b, t * N);
    for (int step = 0; step < STEPS; step++) {
      clear_input(b);
      if (step == 0)
        for (int i = 0; i < N; i++) begun += pow(((double)b->state[0][i] - MEAN) / SD, 2);
      set_step(b, t * N, step, 0);
      step_shared(b);
      for (int i = 0; i < N; i++) {
        double x = ((double)b->current[i] - MEAN) / SD;
        sum[step] += x, square[step] += x * x;
        if (step == STEPS - 1 && i > 0) neighbour += x * ((double)b->current[i - 1] - MEAN) / SD;
      }
    }
    free(b);
  }
  NEAR(begun / n, 1, 4 * sqrt(2 / n));
  NEAR(neighbour / n, 0, 4 / sqrt(n));
  for (int step = 0; step < STEPS; step++) {
    NEAR(sum[step] / n, 0, 4 / sqrt(n));
    NEAR(square[step] / n, 1, 4 * sqrt(2 / n));
  }
}

/* sd 0 relaxes to the mean; a step longer than tau is as exact as a short one. */
static void test_limits(void **state) {
  (void)state;
  bench *b = make(.1, TAU, MEAN, 0);
  b->state[0][0] = 1.4f;
  for (int step = 0; step < 100; step++) step_shared(b);
  NEAR((double)b->state[0][0], MEAN + exp(-10 / TAU), 1e-5);
  free(b);
  b = make(50, 1, 7, 2);
  NEAR((double)b->konst[0][0], 1, 1e-7);
  NEAR((double)b->konst[2][0], 2, 1e-7);
  free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_update_exact),
      cmocka_unit_test(test_moments),
      cmocka_unit_test(test_stationary_from_the_start),
      cmocka_unit_test(test_limits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Inflation: spreads are what was asked for, means stay, and adaptive factors find what is missing. */
#include "assimilation/cases.h"

static void test_fixed(void **unused) {
  (void)unused;
  linear_case c = make_case(1, OBS), before = c;
  const cls_analysis a = analysis_of(&c, CLS_ETKF);
  const cls_inflation fixed = {.kind = CLS_INFLATE_FIXED, .factor = 1.1};
  double one = 1;
  OK(cls_inflate_forecast(&fixed, &a, c.predicted, &one));
  assert_memory_equal(&c, &before, sizeof c);
  OK(cls_inflate_analysis(&fixed, &a, NULL));
  const moments got = moments_of(c.state, MEMBERS);
  moments want = moments_of(before.state, MEMBERS);
  for (int i = 0; i < ROWS * ROWS; i++) want.cov[i] *= 1.21;
  SAME_MOMENTS(&got, &want, "fixed inflation");
}

/* alpha = 1 gives the forecast's spread back, 0 nothing, between the spreads are mixed; correlations are the analysis's. */
static void test_rtps(void **unused) {
  (void)unused;
  for (int step = 0; step <= 4; step++) {
    linear_case c = make_case(2, OBS), before = c;
    const cls_analysis a = analysis_of(&c, CLS_ETKF);
    OK(cls_analyse(&world, &a));
    const moments forecast = moments_of(before.state, MEMBERS), analysed = moments_of(c.state, MEMBERS);
    const cls_inflation rtps = {.kind = CLS_INFLATE_RTPS, .alpha = step / 4.};
    OK(cls_inflate_analysis(&rtps, &a, before.state));
    const moments got = moments_of(c.state, MEMBERS);
    moments want = analysed;
    double factor[ROWS];
    for (int r = 0; r < ROWS; r++) {
      const double after = sqrt(analysed.cov[r * ROWS + r]);
      factor[r] = (rtps.alpha * sqrt(forecast.cov[r * ROWS + r]) + (1 - rtps.alpha) * after) / after;
    }
    for (int r = 0; r < ROWS; r++)
      for (int q = 0; q < ROWS; q++) want.cov[r * ROWS + q] *= factor[r] * factor[q];
    SAME_MOMENTS(&got, &want, "relaxation to the prior's spread");
  }
}

/* One step by hand: spread 4, error 1, 2 observations with departures 3 and 1 in units of errors: mean square 5, seen (5 - 1) / 4 = 1, with the
 * variance 2 / 2 ((1.2 * 4 + 1) / 4)^2. */
static void test_adaptive_step(void **unused) {
  (void)unused;
  double state[2] = {1, 3}, predicted[4] = {-M_SQRT2, M_SQRT2, -M_SQRT2, M_SQRT2}, lambda = 1.2;
  const double observed[2] = {3, 1}, sd[2] = {1, 1};
  const cls_analysis a = {.method = CLS_ETKF,
                          .members = 2,
                          .rows = 1,
                          .state = state,
                          .n_obs = 2,
                          .predicted = predicted,
                          .observed = observed,
                          .sd = sd};
  const cls_inflation adaptive = {.kind = CLS_INFLATE_ADAPTIVE, .sd = .3, .max = 5};
  OK(cls_inflate_forecast(&adaptive, &a, predicted, &lambda));
  const double seen_variance = 1.45 * 1.45, want = (seen_variance * 1.2 + .09) / (seen_variance + .09);
  SAME(&lambda, &want, 1, "the factor");
  const double rows[6] = {2 - sqrt(want),       2 + sqrt(want),        -M_SQRT2 * sqrt(want),
                          M_SQRT2 * sqrt(want), -M_SQRT2 * sqrt(want), M_SQRT2 * sqrt(want)};
  SAME(state, rows, 2, "the state");
  SAME(predicted, rows + 2, 4, "what is expected to be observed");
}

/* Truths spread more than members do, at site 1 by the factor 2.5 and at site 0 by 1: so say the factors after many cycles. A third site sees
 * neither and keeps 1. */
static void test_adaptive_finds(void **unused) {
  (void)unused;
  static const double distance[9] = {0, 9, 9, 9, 0, 9, 9, 9, 0};
  static const uint32_t row_site[3] = {0, 1, 2};
  const cls_localisation localisation = {3, distance, 1};
  uint32_t obs_site[MOST_OBS], at = 0;
  double lambda[3] = {1, 1, 1}, sum[3] = {0};
  enum { CYCLES = 3000, SPIN_UP = 1000 };
  for (int cycle = 0; cycle < CYCLES; cycle++) {
    linear_case c = {.obs = MOST_OBS};
    for (int i = 0; i < MOST_OBS; i++) {
      obs_site[i] = (uint32_t)i % 2;
      c.sd[i] = 1;
      for (int j = 0; j < MEMBERS; j++) c.predicted[i * MEMBERS + j] = 2 * drawn(3, at++);
      /* a member's mean lacks 1 / MEMBERS of its variance, which departures have besides */
      c.observed[i] = 2 * sqrt((i % 2 ? 2.5 : 1) - 1. / MEMBERS) * drawn(4, at) + drawn(5, at);
    }
    cls_analysis a = analysis_of(&c, CLS_LETKF);
    a.rows = 3;
    a.localisation = &localisation;
    a.row_site = row_site;
    a.obs_site = obs_site;
    const cls_inflation adaptive = {.kind = CLS_INFLATE_ADAPTIVE, .sd = .05, .max = 4};
    OK(cls_inflate_forecast(&adaptive, &a, c.predicted, lambda));
    for (int s = 0; s < 2 && cycle >= SPIN_UP; s++) sum[s] += lambda[s] / (CYCLES - SPIN_UP);
  }
  print_message("factors: %.3f (1), %.3f (2.5)\n", sum[0], sum[1]);
  assert_true(sum[0] >= 1 && sum[0] < 1.1 && fabs(sum[1] - 2.5) < .1 && lambda[2] == 1);
}

static void test_adaptive_limits(void **unused) {
  (void)unused;
  linear_case c = make_case(6, OBS);
  const cls_analysis a = analysis_of(&c, CLS_ETKF);
  for (int i = 0; i < OBS; i++) c.observed[i] = 1e6;
  double lambda = 1;
  cls_inflation adaptive = {.kind = CLS_INFLATE_ADAPTIVE, .sd = .5, .max = 3};
  OK(cls_inflate_forecast(&adaptive, &a, c.predicted, &lambda));
  assert_true(lambda == 3);
  adaptive.max = .5;
  REFUSED(cls_inflate_forecast(&adaptive, &a, c.predicted, &lambda), "max 0.5");
}

static int group(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fixed),           cmocka_unit_test(test_rtps),
      cmocka_unit_test(test_adaptive_step),   cmocka_unit_test(test_adaptive_finds),
      cmocka_unit_test(test_adaptive_limits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv) { return run_group(argc, argv, group); }

/* Figures of filters made up: right where the filter is, and wrong where it is not. */
#include "assimilation/synthetic_history.h"

/* ---- scores ---- */

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Gneiting and Raftery 2007, J. Am. Stat. Assoc. 102, 359-378, equation 21. */
static double crps_of_normal(double mean, double sd, double y) {
  const double z = (y - mean) / sd, pi = 3.14159265358979323846;
  return sd * (z * erf(z / sqrt(2)) + 2 * exp(-z * z / 2) / sqrt(2 * pi) - 1 / sqrt(pi));
}

/* Means over many small ensembles of N(1, 2): unbiased whatever their size; the error of observation adds to the spread. */
static void test_crps(void **state) {
  (void)state;
  for (int n = 4; n <= 40; n *= 10)
    for (int e = 0; e < 2; e++)
      for (int at = 0; at < 3; at++) {
        enum { TRIALS = 4000 };
        const double error = 1.5 * e, y = 1 + 2.5 * at;
        double sum = 0, members[40];
        for (uint32_t t = 0; t < TRIALS; t++) {
          for (int k = 0; k < n; k++) members[k] = 1 + 2 * normal_of(t, (uint32_t)k, (uint32_t)(100 + n));
          sum += cls_crps(members, n, error, y) / TRIALS;
        }
        const double expected = crps_of_normal(1, sqrt(4 + error * error), y);
        assert_true(fabs(sum - expected) < .06);
      }
  /* Two members, by hand: mean |x - y| less |x1 - x2| / 2. */
  assert_true(fabs(cls_crps((double[]){0, 4}, 2, 0, 1) - (2 - 2)) < 1e-12);
  /* Equal members that err are one normal. */
  assert_true(fabs(cls_crps((double[]){3, 3}, 2, 2, 4) - crps_of_normal(3, 2, 4)) < 1e-12);
}

/* 90 % of what is drawn like the members lies between their quantiles. */
static void test_quantiles(void **state) {
  (void)state;
  enum { TRIALS = 20000, N = 40 };
  int inside = 0;
  for (uint32_t t = 0; t < TRIALS; t++) {
    double x[N], y = normal_of(t, N, 3);
    for (uint32_t k = 0; k < N; k++) x[k] = normal_of(t, k, 3);
    qsort(x, N, sizeof *x, compare);
    inside += y > cls_sorted_quantile(x, N, .05) && y < cls_sorted_quantile(x, N, .95);
  }
  assert_true(fabs(inside / (double)TRIALS - .9) < .01);
  const double three[] = {1, 2, 4};
  assert_true(cls_sorted_quantile(three, 3, .5) == 2 && cls_sorted_quantile(three, 3, .01) == 1 &&
              cls_sorted_quantile(three, 3, .99) == 4 && cls_sorted_quantile(three, 3, .375) == 1.5);
}

/* ---- a filter ---- */

enum { MEMBERS = 30, OBS = 12, CYCLES = 400, BURN_IN = 10 };

/* What members foretell is drawn as the truth is, with `scale` times its spread; the last third of the observations is withheld. The
 * first cycles are nonsense, which nothing may see. */
static cls_history *filter(double scale, bool some_dead) {
  const cls_history_entry entry = {.name = "h", .rows = 1, .shared = true, .upper = 1};
  const cls_history_shape shape = {
      .members = MEMBERS, .entries = &entry, .n_entries = 1, .obs = OBS, .seed = 4, .tr_s = 1};
  cls_history *h;
  OK(cls_history_create(&shape, &h));
  for (uint32_t c = 0; c < CYCLES; c++) {
    cls_history_cycle *cycle;
    double predicted[OBS * MEMBERS], values[MEMBERS];
    bool alive[MEMBERS];
    OK(cls_history_append(h, &cycle));
    for (uint32_t k = 0; k < MEMBERS; k++) {
      values[k] = normal_of(c, k, 50);
      alive[k] = !some_dead || (k + c) % 3 > 0;
    }
    for (uint32_t i = 0; i < OBS; i++) {
      const double centre = 3 * normal_of(c, i, 51), sd = .5 + .1 * i;
      for (uint32_t k = 0; k < MEMBERS; k++)
        predicted[i * MEMBERS + k] = centre + scale * sd * normal_of(c, i, 100 + k);
      const double y =
          centre + sd * normal_of(c, i, 52) + .6 * normal_of(c, i, 53) + (c < BURN_IN ? 1000 : 0);
      *(i < 8 ? &cycle->observed[i] : &cycle->withheld[i]) = y;
      cycle->error[i] = .6;
    }
    OK(cls_history_fill_observation(h, predicted, alive));
    OK(cls_history_fill_analysis(h, values, alive));
  }
  return h;
}

/* Chi-square of the counts against equal ones, per degree of freedom. */
static double unevenness(const cls_diagnostics *d) {
  double n = 0, sum = 0;
  for (int r = 0; r <= MEMBERS; r++) n += d->rank_histogram[r];
  assert_true(n == 8 * (CYCLES - BURN_IN));
  const double expected = n / (MEMBERS + 1);
  for (int r = 0; r <= MEMBERS; r++) sum += pow(d->rank_histogram[r] - expected, 2) / expected;
  return sum / MEMBERS;
}

static void test_right_filter(void **state) {
  (void)state;
  for (int dead = 0; dead < 2; dead++) {
    cls_history *h = filter(1, dead == 1);
    cls_diagnostics d;
    OK(cls_diagnose(h, BURN_IN, &d));
    assert_true(d.skill.n == 8 * (CYCLES - BURN_IN) && d.withheld.n == 4 * (CYCLES - BURN_IN));
    assert_true(fabs(d.skill.chi2 - 1.06) < .08 && fabs(d.withheld.chi2 - 1.06) < .1);
    assert_true(fabs(d.skill.spread_skill - 1) < .06 && fabs(d.skill.coverage - .9) < .03);
    assert_true(unevenness(&d) < 1.8);
    assert_true(d.skill.correlation > .9 && d.withheld.correlation > .8);
    assert_true(isnan(d.correlation_of[8]) && d.withheld_correlation_of[8] > .8);
    assert_true(isnan(d.chi2_of[8]) && fabs(d.chi2_of[0] - 1) < .3);
    /* The score of a forecast that is right is sd / sqrt(pi). */
    double expected = 0;
    for (int i = 0; i < 8; i++) expected += sqrt(pow(.5 + .1 * i, 2) + .36) / sqrt(3.14159265) / 8;
    assert_true(fabs(d.skill.crps / expected - 1) < .06);
    assert_true(fabs(d.effective_size - 1) < 1e-9 && d.n_confounded == 0);
    cls_diagnostics_free(&d);
    OK(cls_diagnose(h, CYCLES + 5, &d));
    assert_true(d.skill.n == 0 && isnan(d.skill.chi2));
    cls_diagnostics_free(&d);
    cls_history_destroy(h);
  }
}

static void test_wrong_filter(void **state) {
  (void)state;
  for (int wide = 0; wide < 2; wide++) {
    cls_history *h = filter(wide ? 2 : .5, false);
    cls_diagnostics d;
    OK(cls_diagnose(h, BURN_IN, &d));
    assert_true(wide ? d.skill.chi2 < .6 : d.skill.chi2 > 1.5);
    assert_true(wide ? d.skill.spread_skill > 1.3 : d.skill.spread_skill < .85);
    assert_true(wide ? d.skill.coverage > .95 : d.skill.coverage < .85);
    assert_true(unevenness(&d) > 5);
    cls_diagnostics_free(&d);
    cls_history_destroy(h);
  }
}

/* ---- pairs of hyperparameters ---- */

enum { PAIR_MEMBERS = 40 };
typedef enum { PRODUCT, SUM, RATIO, EACH } what_is_seen;

/* Draws from what is left of a uniform prior on [.5, 1.5]^2 (or of a correlated one) when `seen` was observed with an error of 3 %. */
static void draw_posterior(what_is_seen seen, uint32_t k, double *a, double *b) {
  for (uint32_t trial = 0;; trial++) {
    *a = .5 + uniform_of(k, trial, 1);
    *b = .5 + uniform_of(k, trial, 2);
    const double y = seen == PRODUCT ? *a * *b - 1
                     : seen == SUM   ? *a + *b - 2
                     : seen == RATIO ? *a / *b - 1
                                     : *a - .9;
    const double other = seen == EACH ? *b - 1.1 : 0;
    if (uniform_of(k, trial, 3) < exp(-(y * y + other * other) / (2 * .03 * .03))) return;
  }
}

/* Two hyperparameters in two regions, of which the second is seen well in both. */
static cls_history *two_regions(what_is_seen seen, bool shared, bool correlated_before) {
  const char *const names[] = {"one", "two"};
  const cls_history_entry entries[] = {{.name = "a", .rows = 2, .upper = 2},
                                       {.name = "b", .rows = shared ? 1 : 2, .upper = 2, .shared = shared}};
  const cls_history_shape shape = {
      .members = PAIR_MEMBERS, .entries = entries, .n_entries = 2, .sites = 2, .region_names = names};
  double prior[4 * PAIR_MEMBERS], last[4 * PAIR_MEMBERS];
  cls_history *h;
  cls_history_cycle *cycle;
  OK(cls_history_create(&shape, &h));
  for (uint32_t k = 0; k < PAIR_MEMBERS; k++) {
    double a, b;
    draw_posterior(seen, k, &a, &b);
    last[k] = a;
    last[2 * PAIR_MEMBERS + k] = b;
    prior[k] = correlated_before ? a : .5 + uniform_of(k, 0, 11);
    prior[2 * PAIR_MEMBERS + k] = correlated_before ? b : .5 + uniform_of(k, 0, 13);
    draw_posterior(EACH, k + 1000, &last[PAIR_MEMBERS + k], &last[3 * PAIR_MEMBERS + k]);
    prior[PAIR_MEMBERS + k] = .5 + uniform_of(k, 0, 12);
    prior[3 * PAIR_MEMBERS + k] = .5 + uniform_of(k, 0, 14);
  }
  OK(cls_history_append(h, &cycle));
  OK(cls_history_fill_forecast(h, prior, NULL));
  OK(cls_history_fill_analysis(h, last, NULL));
  return h;
}

static void check_pair(what_is_seen seen, bool shared, cls_confounded_what what) {
  cls_history *h = two_regions(seen, shared, false);
  cls_diagnostics d;
  OK(cls_diagnose(h, 0, &d));
  assert_int_equal(d.n_confounded, 1);
  assert_true(d.confounded[0][0] == 0 && d.confounded[0][1] == 2 && d.confounded_what[0] == what);
  assert_true(fabs(d.confounded_r[0]) > .9);
  assert_true(fabs(d.posterior_correlation[2]) > .8 && d.posterior_correlation[0] == 1);
  assert_true(d.effective_size > 1.5 && d.effective_size < 4);
  cls_diagnostics_free(&d);
  cls_history_destroy(h);
}

static void test_confounded(void **state) {
  (void)state;
  check_pair(PRODUCT, false, CLS_CONFOUNDED_PRODUCT);
  check_pair(SUM, false, CLS_CONFOUNDED_SUM);
  check_pair(RATIO, false, CLS_CONFOUNDED_RATIO);
  check_pair(PRODUCT, true, CLS_CONFOUNDED_PRODUCT);
}

static void test_identified(void **state) {
  (void)state;
  for (int before = 0; before < 2; before++) { /* well seen; or correlated from the start */
    cls_history *h = two_regions(before ? SUM : EACH, false, before == 1);
    cls_diagnostics d;
    OK(cls_diagnose(h, 0, &d));
    assert_int_equal(d.n_confounded, 0);
    cls_diagnostics_free(&d);
    cls_history_destroy(h);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_crps),         cmocka_unit_test(test_quantiles),
                                     cmocka_unit_test(test_right_filter), cmocka_unit_test(test_wrong_filter),
                                     cmocka_unit_test(test_confounded),   cmocka_unit_test(test_identified)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

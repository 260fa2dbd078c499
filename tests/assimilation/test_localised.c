/* Localised analyses: without limits they are the global ones, with none but the own site they are scalar filters, between they follow
 * the formula. */
#include "assimilation/cases.h"

/* Sites on a ring, one row each. */
static const double ring[ROWS * ROWS] = {0, 1, 2, 2, 1, 1, 0, 1, 2, 2, 2, 1, 0,
                                         1, 2, 2, 2, 1, 0, 1, 1, 2, 2, 1, 0};
static const uint32_t row_site[ROWS] = {2, 0, 1, 4, 3};
static const uint32_t obs_site[OBS] = {0, 3, 2, 0};

static cls_analysis local_analysis(linear_case *c, cls_method method, const cls_localisation *localisation) {
  cls_analysis a = analysis_of(c, method);
  a.localisation = localisation;
  a.row_site = row_site;
  a.obs_site = obs_site;
  return a;
}

static void test_gaspari_cohn(void **unused) {
  (void)unused;
  assert_true(cls_gaspari_cohn(0, 3) == 1 && cls_gaspari_cohn(6, 3) == 0 && cls_gaspari_cohn(7, 3) == 0);
  const double at_c = cls_gaspari_cohn(3, 3), known = 5. / 24, half = cls_gaspari_cohn(.5, 1),
               at_half = 263. / 384;
  SAME(&at_c, &known, 1, "at c");
  SAME(&half, &at_half, 1, "at c / 2");
  const double beyond = cls_gaspari_cohn(1.5, 1), at_beyond = 19. / 1152;
  SAME(&beyond, &at_beyond, 1, "at 3 c / 2");
  for (int i = 0; i < 3000; i++) {
    const double near = cls_gaspari_cohn(i * .001, 1), far = cls_gaspari_cohn((i + 1) * .001, 1);
    assert_true(far >= 0 && far <= near && near - far < 2e-3);
  }
  assert_true(cls_gaspari_cohn(1e300, INFINITY) == 1 && cls_gaspari_cohn(INFINITY, INFINITY) == 0);
  assert_true(cls_gaspari_cohn(0, 0) == 1 && cls_gaspari_cohn(1e-300, 0) == 0);
}

/* letkf is etkf; the others are what they are without. */
static void test_without_limits(void **unused) {
  (void)unused;
  static const cls_method pairs[][2] = {{CLS_LETKF, CLS_ETKF},
                                        {CLS_ESMDA, CLS_ESMDA},
                                        {CLS_ENKF, CLS_ENKF},
                                        {CLS_DENKF, CLS_DENKF},
                                        {CLS_ENSRF, CLS_ENSRF}};
  const cls_localisation everywhere = {ROWS, ring, INFINITY};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    for (int rotate = 0; rotate < 2; rotate++) {
      linear_case local = make_case(1, OBS), global = local;
      cls_analysis a = local_analysis(&local, pairs[i][0], &everywhere),
                   b = analysis_of(&global, pairs[i][1]);
      a.rotate = b.rotate = rotate;
      a.weight = b.weight = 3;
      OK(cls_analyse(&world, &a));
      OK(cls_analyse(&world, &b));
      SAME(local.state, global.state, NUMBERS, cls_method_names[pairs[i][0]]);
    }
}

/* Each row by its own observations alone: rows of sites 1 and 4 keep the forecast to the bit. */
static void test_own_observation_alone(void **unused) {
  (void)unused;
  static const cls_method tested[] = {CLS_LETKF, CLS_ESMDA, CLS_DENKF, CLS_ENSRF};
  for (size_t t = 0; t < sizeof tested / sizeof *tested; t++)
    for (int near = 0; near < 2; near++) {
      const cls_localisation own = {ROWS, ring, near ? .01 : 0};
      linear_case c = make_case(2, OBS), before = c;
      cls_analysis a = local_analysis(&c, tested[t], &own);
      OK(cls_analyse(&world, &a));
      for (int r = 0; r < ROWS; r++) {
        linear_case alone = before; /* with the observations of the row's site and no others */
        alone.obs = 0;
        for (int i = 0; i < OBS; i++)
          if (obs_site[i] == row_site[r]) {
            const int to = alone.obs++;
            memcpy(alone.map + to * ROWS, before.map + i * ROWS, ROWS * sizeof(double));
            alone.observed[to] = before.observed[i];
            alone.sd[to] = before.sd[i];
          }
        const moments got = moments_of(c.state, MEMBERS), forecast = moments_of(before.state, MEMBERS);
        if (alone.obs == 0) {
          assert_memory_equal(c.state + r * MEMBERS, before.state + r * MEMBERS, MEMBERS * sizeof(double));
          continue;
        }
        const moments want = kalman(&alone, &forecast);
        SAME(&got.mean[r], &want.mean[r], 1, cls_method_names[tested[t]]);
        if (tested[t] != CLS_DENKF)
          SAME(&got.cov[r * ROWS + r], &want.cov[r * ROWS + r], 1, cls_method_names[tested[t]]);
      }
    }
}

/* Between: the Kalman filter of each site, with errors that grow with the distance. */
static void test_letkf_at_a_distance(void **unused) {
  (void)unused;
  const cls_localisation some = {ROWS, ring, 1.2};
  for (int rotate = 0; rotate < 2; rotate++) {
    linear_case c = make_case(3, OBS), before = c;
    cls_analysis a = local_analysis(&c, CLS_LETKF, &some);
    a.rotate = rotate;
    OK(cls_analyse(&world, &a));
    const moments got = moments_of(c.state, MEMBERS), forecast = moments_of(before.state, MEMBERS);
    for (int r = 0; r < ROWS; r++) {
      linear_case site = before;
      for (int i = 0; i < OBS; i++)
        site.sd[i] /= sqrt(cls_gaspari_cohn(ring[row_site[r] * ROWS + obs_site[i]], 1.2));
      const moments want = kalman(&site, &forecast);
      SAME(&got.mean[r], &want.mean[r], 1, "mean of letkf");
      SAME(&got.cov[r * ROWS + r], &want.cov[r * ROWS + r], 1, "variance of letkf");
    }
  }
}

/* Rotated, a site that no observation reaches turns with the others: mean and variance stay, and so do its covariances with sites like it. */
static void test_unobserved_rotates(void **unused) {
  (void)unused;
  const cls_localisation own = {ROWS, ring, 0};
  linear_case c = make_case(4, OBS), before = c;
  cls_analysis a = local_analysis(&c, CLS_LETKF, &own);
  a.rotate = true;
  OK(cls_analyse(&world, &a));
  const moments got = moments_of(c.state, MEMBERS), want = moments_of(before.state, MEMBERS);
  assert_memory_not_equal(c.state + 2 * MEMBERS, before.state + 2 * MEMBERS, MEMBERS * sizeof(double));
  for (int r = 2; r <= 3; r++) { /* of sites 1 and 4 */
    SAME(&got.mean[r], &want.mean[r], 1, "mean without observations");
    SAME(&got.cov[r * ROWS + 2], &want.cov[r * ROWS + 2], 2, "covariance without observations");
  }
}

static void test_localised_gain(void **unused) {
  (void)unused;
  static const cls_method tested[] = {CLS_DENKF, CLS_ENKF};
  const cls_localisation some = {ROWS, ring, .9};
  for (size_t t = 0; t < sizeof tested / sizeof *tested; t++) {
    linear_case c = make_case(5, OBS), before = c;
    double row_rho[ROWS * OBS], obs_rho[OBS * OBS], gain[ROWS * OBS];
    for (int i = 0; i < OBS; i++) {
      for (int r = 0; r < ROWS; r++)
        row_rho[r * OBS + i] = cls_gaspari_cohn(ring[row_site[r] * ROWS + obs_site[i]], .9);
      for (int k = 0; k < OBS; k++)
        obs_rho[k * OBS + i] = cls_gaspari_cohn(ring[obs_site[k] * ROWS + obs_site[i]], .9);
    }
    const moments forecast = moments_of(before.state, MEMBERS);
    kalman_gain(&before, forecast.cov, row_rho, obs_rho, gain);
    cls_analysis a = local_analysis(&c, tested[t], &some);
    OK(cls_analyse(&world, &a));
    const moments got = moments_of(c.state, MEMBERS);
    for (int r = 0; r < ROWS; r++) {
      double want = forecast.mean[r];
      for (int i = 0; i < OBS; i++) {
        double expected = 0;
        for (int q = 0; q < ROWS; q++) expected += before.map[i * ROWS + q] * forecast.mean[q];
        want += gain[r * OBS + i] * (before.observed[i] - expected);
      }
      SAME(&got.mean[r], &want, 1, cls_method_names[tested[t]]);
    }
  }
}

/* One observation: increments of the mean are the global ones times the weight. */
static void test_localised_serial(void **unused) {
  (void)unused;
  const cls_localisation some = {ROWS, ring, 1.2};
  linear_case c = make_case(6, 1), before = c;
  cls_analysis a = local_analysis(&c, CLS_ENSRF, &some);
  OK(cls_analyse(&world, &a));
  const moments got = moments_of(c.state, MEMBERS), forecast = moments_of(before.state, MEMBERS),
                global = kalman(&before, &forecast);
  for (int r = 0; r < ROWS; r++) {
    const double rho = cls_gaspari_cohn(ring[row_site[r] * ROWS + obs_site[0]], 1.2);
    const double want = forecast.mean[r] + rho * (global.mean[r] - forecast.mean[r]);
    SAME(&got.mean[r], &want, 1, "mean of ensrf");
  }
}

static void test_refusals(void **unused) {
  (void)unused;
  linear_case c = make_case(7, 3);
  static const uint32_t sites[ROWS] = {0, 1, 2, 0, 1};
  double distance[9] = {0, 0, INFINITY, 0, 0, 0, INFINITY, 0, 0};
  cls_localisation odd = {3, distance, 1};
  for (int at = 0; at < 3 * MEMBERS; at++) c.predicted[at] = at % MEMBERS;
  for (int i = 0; i < 3; i++) c.sd[i] = .1;
  cls_analysis a = local_analysis(&c, CLS_DENKF, &odd);
  a.row_site = sites;
  a.obs_site = sites;
  REFUSED(cls_analyse(&world, &a), "not positive definite");
  a.method = CLS_LETKF;
  OK(cls_analyse(&world, &a));
  distance[1] = -1;
  REFUSED(cls_analyse(&world, &a), "sites 0 and 1 are -1 apart");
  odd.half_width = NAN;
  REFUSED(cls_analyse(&world, &a), "half-width of localisation is nan");
  odd.sites = 2;
  REFUSED(cls_analyse(&world, &a), "row 2 lies at site 2 of 2");
}

static int group(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gaspari_cohn),          cmocka_unit_test(test_without_limits),
      cmocka_unit_test(test_own_observation_alone), cmocka_unit_test(test_letkf_at_a_distance),
      cmocka_unit_test(test_unobserved_rotates),    cmocka_unit_test(test_localised_gain),
      cmocka_unit_test(test_localised_serial),      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv) { return run_group(argc, argv, group); }

/* Analyses against exact answers: the Kalman filter, each other, and what must not matter. */
#include "assimilation/cases.h"

#include "assimilation/draws.h"

static void analyse(linear_case *c, cls_method method) {
  const cls_analysis a = analysis_of(c, method);
  OK(cls_analyse(&world, &a));
}

/* More members than state: the ensemble is the whole covariance. A forecast is a linear map, so the filter can be followed for cycles. */
static void test_etkf_is_kalman(void **unused) {
  (void)unused;
  for (int rotate = 0; rotate < 2; rotate++) {
    linear_case c = make_case(1, OBS);
    moments exact = moments_of(c.state, MEMBERS);
    for (uint32_t cycle = 0; cycle < 10; cycle++) {
      for (int i = 0; i < OBS; i++) c.observed[i] = 2 * drawn(2, cycle * OBS + (uint32_t)i);
      exact = kalman(&c, &exact);
      cls_analysis a = analysis_of(&c, CLS_ETKF);
      a.rotate = rotate;
      a.cycle = cycle;
      OK(cls_analyse(&world, &a));
      const moments got = moments_of(c.state, MEMBERS);
      SAME_MOMENTS(&got, &exact, "etkf and the Kalman filter");
      /* x <- F x, F = 1.2 times a shift with a bit of the neighbour */
      double next[NUMBERS];
      moments mapped = {{0}, {0}};
      for (int r = 0; r < ROWS; r++) {
        const int q = (r + 1) % ROWS, p = (r + 2) % ROWS;
        for (int j = 0; j < MEMBERS; j++)
          next[r * MEMBERS + j] = 1.2 * c.state[q * MEMBERS + j] + .3 * c.state[p * MEMBERS + j];
        mapped.mean[r] = 1.2 * exact.mean[q] + .3 * exact.mean[p];
        for (int s = 0; s < ROWS; s++) {
          const int t = (s + 1) % ROWS, u = (s + 2) % ROWS;
          mapped.cov[r * ROWS + s] = 1.44 * exact.cov[q * ROWS + t] + .36 * exact.cov[q * ROWS + u] +
                                     .36 * exact.cov[p * ROWS + t] + .09 * exact.cov[p * ROWS + u];
        }
      }
      memcpy(c.state, next, sizeof next);
      exact = mapped;
      expect_observations(&c);
    }
  }
}

/* Symmetric square roots are one: with more observations than members, and fewer. */
static void test_serial_is_batch(void **unused) {
  (void)unused;
  for (int obs = 1; obs <= MOST_OBS; obs += 13)
    for (int rotate = 0; rotate < 2; rotate++) {
      linear_case serial = make_case(3, obs), batch = serial;
      cls_analysis a = analysis_of(&serial, CLS_ENSRF);
      a.rotate = rotate;
      OK(cls_analyse(&world, &a));
      analyse(&batch, CLS_ETKF);
      const moments got = moments_of(serial.state, MEMBERS), want = moments_of(batch.state, MEMBERS);
      SAME_MOMENTS(&got, &want, "ensrf and etkf");
    }
}

/* The mean is the Kalman filter's, anomalies A - K H A / 2. Few observations and many are solved differently. */
static void test_denkf(void **unused) {
  (void)unused;
  for (int obs = OBS; obs <= MOST_OBS; obs += MOST_OBS - OBS) {
    linear_case c = make_case(4, obs), before = c;
    const moments forecast = moments_of(c.state, MEMBERS), exact = kalman(&c, &forecast);
    double gain[ROWS * MOST_OBS];
    kalman_gain(&c, forecast.cov, NULL, NULL, gain);
    analyse(&c, CLS_DENKF);
    const moments got = moments_of(c.state, MEMBERS);
    SAME(got.mean, exact.mean, ROWS, "the mean of denkf");
    for (int r = 0; r < ROWS; r++)
      for (int j = 0; j < MEMBERS; j++) {
        double want = exact.mean[r] + before.state[r * MEMBERS + j] - forecast.mean[r];
        for (int i = 0; i < obs; i++) {
          double anomaly = before.predicted[i * MEMBERS + j];
          for (int k = 0; k < MEMBERS; k++) anomaly -= before.predicted[i * MEMBERS + k] / MEMBERS;
          want -= gain[r * obs + i] * anomaly / 2;
        }
        SAME(&c.state[r * MEMBERS + j], &want, 1, "a member of denkf");
      }
  }
}

/* Perturbations are centred, so the mean is exact with any number of members. */
static void test_enkf_mean(void **unused) {
  (void)unused;
  for (int obs = OBS; obs <= MOST_OBS; obs += MOST_OBS - OBS) {
    linear_case c = make_case(5, obs);
    const moments forecast = moments_of(c.state, MEMBERS), exact = kalman(&c, &forecast);
    analyse(&c, CLS_ENKF);
    const moments got = moments_of(c.state, MEMBERS);
    SAME(got.mean, exact.mean, ROWS, "the mean of enkf");
  }
}

/* Covariances approach the Kalman filter's as 1 / sqrt(members). */
static void test_enkf_converges(void **unused) {
  (void)unused;
  for (int members = 1000; members <= 64000; members *= 8) {
    linear_case c = make_case(6, OBS);
    double *state, *predicted;
    OK(cls_alloc(&state, (size_t)members * ROWS, sizeof(double), "members"));
    OK(cls_alloc(&predicted, (size_t)members * OBS, sizeof(double), "members"));
    for (int i = 0; i < members * ROWS; i++) state[i] = drawn(7, (uint32_t)i);
    for (int i = 0; i < OBS; i++)
      for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < members; j++)
          predicted[i * members + j] += c.map[i * ROWS + r] * state[r * members + j];
    const moments forecast = moments_of(state, members), exact = kalman(&c, &forecast);
    cls_analysis a = analysis_of(&c, CLS_ENKF);
    a.members = members;
    a.state = state;
    a.predicted = predicted;
    OK(cls_analyse(&world, &a));
    const moments got = moments_of(state, members);
    SAME(got.mean, exact.mean, ROWS, "the mean of enkf");
    NEAR(got.cov, exact.cov, ROWS * ROWS, 3 / sqrt(members), "the covariance of enkf");
    free(state);
    free(predicted);
  }
}

/* Any schedule whose inverse weights sum to 1, member by member. */
static void test_esmda_is_one_assimilation(void **unused) {
  (void)unused;
  static const double schedules[][5] = {{1}, {2, 2}, {4, 4, 4, 4}, {28. / 3, 7, 4, 2}, {2, 4, 7, 28. / 3}};
  for (int obs = OBS; obs <= MOST_OBS; obs += MOST_OBS - OBS) {
    linear_case once = make_case(8, obs);
    analyse(&once, CLS_ETKF);
    for (size_t s = 0; s < sizeof schedules / sizeof *schedules; s++) {
      linear_case c = make_case(8, obs);
      for (uint32_t pass = 0; schedules[s][pass] > 0; pass++) {
        cls_analysis a = analysis_of(&c, CLS_ESMDA);
        a.weight = schedules[s][pass];
        a.pass = pass;
        OK(cls_analyse(&world, &a));
        expect_observations(&c);
      }
      SAME(c.state, once.state, NUMBERS, "passes of esmda and one assimilation");
    }
  }
}

/* What the iterate needs to begin with. */
static void begin_iterate(double *iterate) {
  memset(iterate, 0, sizeof(double) * MEMBERS * (MEMBERS + 1));
  for (int j = 0; j < MEMBERS; j++) iterate[MEMBERS + j * MEMBERS + j] = 1;
}

static void test_ies_is_kalman(void **unused) {
  (void)unused;
  for (int obs = OBS; obs <= MOST_OBS; obs += MOST_OBS - OBS) {
    linear_case once = make_case(9, obs), c = once;
    const linear_case prior = once;
    const moments forecast = moments_of(c.state, MEMBERS), exact = kalman(&c, &forecast);
    analyse(&once, CLS_ETKF);
    double iterate[MEMBERS * (MEMBERS + 1)];
    begin_iterate(iterate);
    for (uint32_t pass = 0; pass < 4; pass++) {
      cls_analysis a = analysis_of(&c, CLS_IES);
      a.prior = prior.state;
      a.iterate = iterate;
      a.pass = pass;
      OK(cls_analyse(&world, &a));
      SAME(c.state, once.state, NUMBERS, "ies and etkf");
      const moments got = moments_of(c.state, MEMBERS);
      SAME_MOMENTS(&got, &exact, "ies and the Kalman filter");
      expect_observations(&c);
    }
  }
}

/* Observations that are not linear, of one row: iterations end at the minimum of (x - mean)^2 / var + (y - h(x))^2 / sd^2. One assimilation is
 * far from it. With so narrow an ensemble, its slope is the derivative's. */
static void test_ies_minimises(void **unused) {
  (void)unused;
  linear_case c = make_case(10, 1), prior;
  for (int j = 0; j < MEMBERS; j++) c.state[j] = 1 + 1e-4 * (j - (MEMBERS - 1) / 2.);
  prior = c;
  c.observed[0] = exp(1.0006);
  c.sd[0] = 1e-4;
  const double var = moments_of(c.state, MEMBERS).cov[0];
  double iterate[MEMBERS * (MEMBERS + 1)];
  begin_iterate(iterate);
  for (uint32_t pass = 0; pass < 8; pass++) {
    for (int j = 0; j < MEMBERS; j++) c.predicted[j] = exp(c.state[j]);
    cls_analysis a = analysis_of(&c, CLS_IES);
    a.prior = prior.state;
    a.iterate = iterate;
    OK(cls_analyse(&world, &a));
  }
  const double x = moments_of(c.state, MEMBERS).mean[0];
  const double slope = (x - 1) / var - (c.observed[0] - exp(x)) * exp(x) / (c.sd[0] * c.sd[0]);
  assert_true(x > 1.0004 && x < 1.0006);
  assert_true(fabs(slope) < 1e-4 * exp(x) * exp(x) / (c.sd[0] * c.sd[0]) * 1e-4);
}

/* x_j += gamma K_own d_own,j + (1 - gamma) / V sum of K_i d_i,j, written down. Row 4 has no observation of its own; site 1 has two. */
static void test_hmda(void **unused) {
  (void)unused;
  static const uint32_t row_site[ROWS] = {0, 1, 3, 2, 4}, obs_site[OBS] = {1, 0, 2, 1};
  for (int step = 0; step <= 4; step++) {
    linear_case c = make_case(11, OBS), before = c;
    cls_analysis a = analysis_of(&c, CLS_HMDA);
    a.gamma = step / 4.;
    a.row_site = row_site;
    a.obs_site = obs_site;
    OK(cls_analyse(&world, &a));
    for (int r = 0; r < ROWS; r++)
      for (int j = 0; j < MEMBERS; j++) {
        double own = 0, all = 0, mean_x = 0, e[MEMBERS];
        int owns = 0;
        for (int k = 0; k < MEMBERS; k++) mean_x += before.state[r * MEMBERS + k] / MEMBERS;
        for (int i = 0; i < OBS; i++) {
          const double *y = before.predicted + i * MEMBERS;
          double mean_y = 0, cov = 0, var = 0;
          for (int k = 0; k < MEMBERS; k++) mean_y += y[k] / MEMBERS;
          for (int k = 0; k < MEMBERS; k++) {
            cov += (before.state[r * MEMBERS + k] - mean_x) * (y[k] - mean_y) / (MEMBERS - 1);
            var += (y[k] - mean_y) * (y[k] - mean_y) / (MEMBERS - 1);
          }
          cls_draw_perturbations(&a, (uint32_t)i, e);
          const double says = cov / (var + c.sd[i] * c.sd[i]) * (c.observed[i] + c.sd[i] * e[j] - y[j]);
          all += says / OBS;
          if (obs_site[i] == row_site[r]) own += says, owns++;
        }
        const double want =
            before.state[r * MEMBERS + j] + (owns ? a.gamma * own / owns : 0) + (1 - a.gamma) * all;
        SAME(&c.state[r * MEMBERS + j], &want, 1, "hmda");
      }
  }
}

/* ---- what must not matter ---- */

static const double distance[ROWS * ROWS] = {0, 1, 2, 2, 1, 1, 0, 1, 2, 2, 2, 1, 0,
                                             1, 2, 2, 2, 1, 0, 1, 1, 2, 2, 1, 0};

/* Every method, with localisation where it may. rows and obs say which row (observation) lies at a place. */
static void analyse_any(linear_case *c, cls_method method, const int *row_at, const int *obs_at) {
  const cls_localisation localisation = {ROWS, distance, 1.5};
  uint32_t row_site[ROWS], obs_site[MOST_OBS];
  uint64_t obs_id[MOST_OBS];
  double prior[NUMBERS], iterate[MEMBERS * (MEMBERS + 1)];
  for (int r = 0; r < ROWS; r++) row_site[r] = (uint32_t)row_at[r];
  for (int i = 0; i < c->obs; i++) {
    obs_site[i] = (uint32_t)obs_at[i] % ROWS;
    obs_id[i] = (uint64_t)obs_at[i];
  }
  memcpy(prior, c->state, sizeof prior);
  begin_iterate(iterate);
  cls_analysis a = analysis_of(c, method);
  a.localisation =
      method == CLS_ENSRF ? NULL : &localisation; /* localised, it depends on the order, as it should */
  a.row_site = row_site;
  a.obs_site = obs_site;
  a.obs_id = obs_id;
  a.prior = prior;
  a.iterate = iterate;
  OK(cls_analyse(&world, &a));
}

static const int in_order[MOST_OBS] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
                                       14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
                                       28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39};

static void test_units_do_not_matter(void **unused) {
  (void)unused;
  for (int obs = OBS; obs <= MOST_OBS; obs += MOST_OBS - OBS)
    for (cls_method method = 0; cls_method_names[method]; method++) {
      linear_case one = make_case(12, obs), other = one;
      for (int i = 0; i < obs; i++) {
        const double unit = i % 2 ? 1e-5 * (i + 1) : 1e3;
        for (int j = 0; j < MEMBERS; j++) other.predicted[i * MEMBERS + j] *= unit;
        other.observed[i] *= unit;
        other.sd[i] *= unit;
      }
      analyse_any(&one, method, in_order, in_order);
      analyse_any(&other, method, in_order, in_order);
      SAME(other.state, one.state, NUMBERS, cls_method_names[method]);
    }
}

/* Serially, members depend on the order by a rotation: there, mean and covariance are compared. */
static void test_order_does_not_matter(void **unused) {
  (void)unused;
  static const int row_at[ROWS] = {3, 0, 4, 2, 1};
  for (int obs = OBS; obs <= MOST_OBS; obs += MOST_OBS - OBS)
    for (cls_method method = 0; cls_method_names[method]; method++) {
      linear_case one = make_case(13, obs), other = one;
      int obs_at[MOST_OBS];
      for (int i = 0; i < obs; i++) {
        obs_at[i] = (i * 3 + 1) % obs;
        other.observed[i] = one.observed[obs_at[i]];
        other.sd[i] = one.sd[obs_at[i]];
        memcpy(other.predicted + i * MEMBERS, one.predicted + obs_at[i] * MEMBERS, sizeof(double) * MEMBERS);
      }
      for (int r = 0; r < ROWS; r++)
        memcpy(other.state + r * MEMBERS, one.state + row_at[r] * MEMBERS, sizeof(double) * MEMBERS);
      analyse_any(&one, method, in_order, in_order);
      analyse_any(&other, method, row_at, obs_at);
      linear_case back = other;
      for (int r = 0; r < ROWS; r++)
        memcpy(back.state + row_at[r] * MEMBERS, other.state + r * MEMBERS, sizeof(double) * MEMBERS);
      const moments got = moments_of(back.state, MEMBERS), want = moments_of(one.state, MEMBERS);
      SAME_MOMENTS(&got, &want, cls_method_names[method]);
      if (method != CLS_ENSRF) SAME(back.state, one.state, NUMBERS, cls_method_names[method]);
    }
}

/* ---- statistics of a run ---- */

/* Truth and ensemble from one distribution; a map that grows a little; squares of innovations have mean 1 in units of what the filter
 * expects of them. 2000 cycles of 4: 4 standard errors are .063. */
static void test_innovations(void **unused) {
  (void)unused;
  enum { CYCLES = 2000 };
  static const cls_method tested[] = {CLS_ETKF, CLS_ENSRF, CLS_ESMDA};
  for (size_t t = 0; t < sizeof tested / sizeof *tested; t++) {
    linear_case c = make_case(14, OBS);
    double truth[ROWS], sum = 0;
    uint32_t at = 0;
    for (int r = 0; r < ROWS; r++) truth[r] = moments_of(c.state, MEMBERS).mean[r] + drawn(15, at++);
    for (uint32_t cycle = 0; cycle < CYCLES; cycle++) {
      expect_observations(&c);
      const moments forecast = moments_of(c.state, MEMBERS);
      for (int i = 0; i < OBS; i++) {
        double seen = c.sd[i] * drawn(15, at++), mean = 0, var = c.sd[i] * c.sd[i];
        for (int r = 0; r < ROWS; r++) {
          seen += c.map[i * ROWS + r] * truth[r];
          mean += c.map[i * ROWS + r] * forecast.mean[r];
          for (int q = 0; q < ROWS; q++)
            var += c.map[i * ROWS + r] * forecast.cov[r * ROWS + q] * c.map[i * ROWS + q];
        }
        c.observed[i] = seen;
        sum += (seen - mean) * (seen - mean) / var / (OBS * CYCLES);
      }
      analyse(&c, tested[t]);
      const double first = truth[0];
      double row[MEMBERS];
      memcpy(row, c.state, sizeof row);
      for (int r = 0; r < ROWS; r++) {
        const double next = r == ROWS - 1 ? first : truth[r + 1];
        truth[r] = 1.05 * next;
        for (int j = 0; j < MEMBERS; j++)
          c.state[r * MEMBERS + j] = 1.05 * (r == ROWS - 1 ? row[j] : c.state[(r + 1) * MEMBERS + j]);
      }
      /* kept small: all of it is linear, and truth and members alike */
      for (int r = 0; r < ROWS; r++) {
        const double off = floor(truth[r] / 10) * 10;
        truth[r] -= off;
        for (int j = 0; j < MEMBERS; j++) c.state[r * MEMBERS + j] -= off;
      }
    }
    print_message("chi2 of %s: %.3f\n", cls_method_names[tested[t]], sum);
    assert_true(fabs(sum - 1) < .063);
  }
}

static void test_rotation(void **unused) {
  (void)unused;
  linear_case c = make_case(16, OBS);
  cls_analysis a = analysis_of(&c, CLS_ETKF);
  double u[MEMBERS * MEMBERS], other[MEMBERS * MEMBERS];
  OK(cls_draw_rotation(&a, u));
  a.cycle++;
  OK(cls_draw_rotation(&a, other));
  assert_memory_not_equal(u, other, sizeof u);
  for (int i = 0; i < MEMBERS; i++) {
    double row = 0, column = 0;
    const double one = 1;
    for (int k = 0; k < MEMBERS; k++) {
      row += u[i * MEMBERS + k];
      column += u[k * MEMBERS + i];
      double dot = 0;
      const double want = i == k;
      for (int j = 0; j < MEMBERS; j++) dot += u[i * MEMBERS + j] * u[k * MEMBERS + j];
      SAME(&dot, &want, 1, "rows of a rotation");
    }
    SAME(&row, &one, 1, "sum of a row");
    SAME(&column, &one, 1, "sum of a column");
  }
}

/* ---- edges ---- */

static void test_nothing_observed(void **unused) {
  (void)unused;
  for (cls_method method = 0; cls_method_names[method]; method++) {
    linear_case c = make_case(17, 0), before = c;
    analyse_any(&c, method, in_order, in_order);
    assert_memory_equal(c.state, before.state, sizeof c.state);
  }
}

static void test_refusals(void **unused) {
  (void)unused;
  linear_case c = make_case(18, OBS);
  const linear_case before = c;
  cls_analysis a = analysis_of(&c, CLS_LETKF);
  REFUSED(cls_analyse(&world, &a), "letkf needs a localisation");
  a = analysis_of(&c, CLS_HMDA);
  REFUSED(cls_analyse(&world, &a), "hmda needs the sites");
  a = analysis_of(&c, CLS_IES);
  REFUSED(cls_analyse(&world, &a), "ies needs the prior");
  a = analysis_of(&c, CLS_ESMDA);
  a.weight = .5;
  REFUSED(cls_analyse(&world, &a), "weight of a pass is 0.5");
  a = analysis_of(&c, CLS_HMDA);
  a.gamma = 1.5;
  REFUSED(cls_analyse(&world, &a), "gamma is 1.5");
  a = analysis_of(&c, CLS_ETKF);
  a.members = 1;
  REFUSED(cls_analyse(&world, &a), "1 members");
  a = analysis_of(&c, CLS_ETKF);
  c.sd[2] = 0;
  REFUSED(cls_analyse(&world, &a), "observation 2 is 0");
  c.sd[2] = 1;
  c.state[MEMBERS + 3] = NAN;
  assert_int_equal(cls_analyse(&world, &a), CLS_ERR_INTERNAL);
  MESSAGE("the forecast has nan in row 1 of member 3");
  c.state[MEMBERS + 3] = before.state[MEMBERS + 3];
  c.predicted[0] = INFINITY;
  assert_int_equal(cls_analyse(&world, &a), CLS_ERR_INTERNAL);
  MESSAGE("expected to be observed has inf");
  assert_memory_equal(c.state, before.state, sizeof c.state);
}

static void test_names(void **unused) {
  (void)unused;
  assert_int_equal(cls_method_find("letkf"), CLS_LETKF);
  assert_int_equal(cls_method_find("hmda"), CLS_HMDA);
  assert_int_equal(cls_method_find("LETKF"), -1);
  for (int i = 0; cls_method_names[i]; i++) assert_int_equal(cls_method_find(cls_method_names[i]), i);
}

static int group(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_etkf_is_kalman),
      cmocka_unit_test(test_serial_is_batch),
      cmocka_unit_test(test_denkf),
      cmocka_unit_test(test_enkf_mean),
      cmocka_unit_test(test_enkf_converges),
      cmocka_unit_test(test_esmda_is_one_assimilation),
      cmocka_unit_test(test_ies_is_kalman),
      cmocka_unit_test(test_ies_minimises),
      cmocka_unit_test(test_hmda),
      cmocka_unit_test(test_units_do_not_matter),
      cmocka_unit_test(test_order_does_not_matter),
      cmocka_unit_test(test_innovations),
      cmocka_unit_test(test_rotation),
      cmocka_unit_test(test_nothing_observed),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv) { return run_group(argc, argv, group); }

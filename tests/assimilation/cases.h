/* A small linear Gaussian case, and what the Kalman filter makes of it, written down independently of the code under test. */
#ifndef TESTS_ASSIMILATION_CASES_H
#define TESTS_ASSIMILATION_CASES_H

#include "assimilation/analysis.h"
#include "assimilation/linear.h"
#include "base/normal.h"
#include "base/outcome.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 5, OBS = 4, MOST_OBS = 40, MEMBERS = 12, NUMBERS = ROWS * MEMBERS };

/* Members' states, and observations of them: predicted = map * state. */
typedef struct {
  int obs;
  double state[NUMBERS], map[MOST_OBS * ROWS], observed[MOST_OBS], sd[MOST_OBS],
      predicted[MOST_OBS * MEMBERS];
} linear_case;

static inline double drawn(uint32_t seed, uint32_t i) {
  const uint32_t word = cls_draw(cls_stream_make(seed, CLS_PURPOSE_SAMPLE, 77), i, 0, 0, 0).w[0];
  double z;
  cls_normal_many(&word, 1, &z);
  return z;
}

static inline void expect_observations(linear_case *c) {
  for (int i = 0; i < c->obs; i++)
    for (int j = 0; j < MEMBERS; j++) {
      double sum = 0;
      for (int r = 0; r < ROWS; r++) sum += c->map[i * ROWS + r] * c->state[r * MEMBERS + j];
      c->predicted[i * MEMBERS + j] = sum;
    }
}

static inline linear_case make_case(uint32_t seed, int obs) {
  linear_case c = {.obs = obs};
  uint32_t at = 0;
  for (int i = 0; i < NUMBERS; i++) c.state[i] = 2 + drawn(seed, at++);
  for (int i = 0; i < obs * ROWS; i++) c.map[i] = drawn(seed, at++);
  for (int i = 0; i < obs; i++) c.observed[i] = 3 * drawn(seed, at++);
  for (int i = 0; i < obs; i++) c.sd[i] = .5 + .2 * (i % 7);
  expect_observations(&c);
  return c;
}

/* The state of the case is what will be analysed. */
static inline cls_analysis analysis_of(linear_case *c, cls_method method) {
  return (cls_analysis){.method = method,
                        .members = MEMBERS,
                        .rows = ROWS,
                        .state = c->state,
                        .n_obs = (uint32_t)c->obs,
                        .predicted = c->predicted,
                        .observed = c->observed,
                        .sd = c->sd,
                        .gamma = .7,
                        .weight = 1,
                        .seed = 3,
                        .cycle = 5};
}

typedef struct {
  double mean[ROWS], cov[ROWS * ROWS];
} moments;

static inline moments moments_of(const double *state, int members) {
  moments s = {{0}, {0}};
  for (int r = 0; r < ROWS; r++)
    for (int j = 0; j < members; j++) s.mean[r] += state[r * members + j] / members;
  for (int r = 0; r < ROWS; r++)
    for (int q = 0; q < ROWS; q++)
      for (int j = 0; j < members; j++)
        s.cov[r * ROWS + q] +=
            (state[r * members + j] - s.mean[r]) * (state[q * members + j] - s.mean[q]) / (members - 1);
  return s;
}

/* Inverse of a[n][n] by elimination with pivots, n <= MOST_OBS. */
static inline void invert(int n, const double *a, double *inverse) {
  double m[MOST_OBS][2 * MOST_OBS] = {{0}};
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < n; k++) m[i][k] = a[i * n + k];
    m[i][n + i] = 1;
  }
  for (int k = 0; k < n; k++) {
    int best = k;
    for (int i = k; i < n; i++)
      if (fabs(m[i][k]) > fabs(m[best][k])) best = i;
    for (int q = 0; q < 2 * n; q++) {
      const double swap = m[k][q];
      m[k][q] = m[best][q];
      m[best][q] = swap;
    }
    for (int i = 0; i < n; i++) {
      const double factor = i == k ? 0 : m[i][k] / m[k][k];
      for (int q = 0; q < 2 * n; q++) m[i][q] -= factor * m[k][q];
    }
  }
  for (int i = 0; i < n; i++)
    for (int k = 0; k < n; k++) inverse[i * n + k] = m[i][n + k] / m[i][i];
}

/* gain[ROWS][obs] = (rho o P H') (rho o H P H' + R)^-1; row_rho: [ROWS][obs], obs_rho: [obs][obs], NULL: 1. */
static inline void kalman_gain(const linear_case *c, const double *cov, const double *row_rho,
                               const double *obs_rho, double *gain) {
  const int n = c->obs;
  double ph[ROWS * MOST_OBS] = {0}, s[MOST_OBS * MOST_OBS] = {0}, inverse[MOST_OBS * MOST_OBS];
  for (int r = 0; r < ROWS; r++)
    for (int i = 0; i < n; i++)
      for (int q = 0; q < ROWS; q++) ph[r * n + i] += cov[r * ROWS + q] * c->map[i * ROWS + q];
  for (int i = 0; i < n; i++)
    for (int k = 0; k < n; k++) {
      for (int q = 0; q < ROWS; q++) s[i * n + k] += c->map[i * ROWS + q] * ph[q * n + k];
      if (obs_rho) s[i * n + k] *= obs_rho[i * n + k];
      if (i == k) s[i * n + k] += c->sd[i] * c->sd[i];
    }
  invert(n, s, inverse);
  for (int r = 0; r < ROWS; r++)
    for (int i = 0; i < n; i++) {
      gain[r * n + i] = 0;
      for (int k = 0; k < n; k++)
        gain[r * n + i] += (row_rho ? row_rho[r * n + k] : 1) * ph[r * n + k] * inverse[k * n + i];
    }
}

static inline moments kalman(const linear_case *c, const moments *before) {
  const int n = c->obs;
  double gain[ROWS * MOST_OBS];
  kalman_gain(c, before->cov, NULL, NULL, gain);
  moments after = *before;
  for (int i = 0; i < n; i++) {
    double expected = 0, hp[ROWS] = {0};
    for (int q = 0; q < ROWS; q++) {
      expected += c->map[i * ROWS + q] * before->mean[q];
      for (int r = 0; r < ROWS; r++) hp[r] += c->map[i * ROWS + q] * before->cov[q * ROWS + r];
    }
    for (int r = 0; r < ROWS; r++) {
      after.mean[r] += gain[r * n + i] * (c->observed[i] - expected);
      for (int q = 0; q < ROWS; q++) after.cov[r * ROWS + q] -= gain[r * n + i] * hp[q];
    }
  }
  return after;
}

static inline void same_numbers(const double *a, const double *b, int n, double tolerance, const char *what,
                                int line) {
  for (int i = 0; i < n; i++)
    if (!(fabs(a[i] - b[i]) <= tolerance * (1 + fabs(b[i])))) {
      print_error("line %d: %s, number %d: %.17g instead of %.17g\n", line, what, i, a[i], b[i]);
      fail();
    }
}
#define SAME(a, b, n, what)            same_numbers((a), (b), (n), 1e-10, (what), __LINE__)
#define NEAR(a, b, n, tolerance, what) same_numbers((a), (b), (n), (tolerance), (what), __LINE__)

static inline void same_moments(const moments *a, const moments *b, double tolerance, const char *what,
                                int line) {
  same_numbers(a->mean, b->mean, ROWS, tolerance, what, line);
  same_numbers(a->cov, b->cov, ROWS * ROWS, tolerance, what, line);
}
#define SAME_MOMENTS(a, b, what) same_moments((a), (b), 1e-10, (what), __LINE__)

/* A cmocka program of these tests; MPI and PETSc around it. */
static cls_world world;
static inline int run_group(int argc, char **argv, int (*group)(void)) {
  MPI_Init(&argc, &argv);
  cls_world_init(&world, MPI_COMM_WORLD, 1, 0);
  const int failed = group();
  cls_linear_end();
  MPI_Finalize();
  return failed;
}

#endif

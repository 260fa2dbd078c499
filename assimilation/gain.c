/* Analyses by a gain: the ensemble Kalman filter with perturbed observations and the deterministic one.
 *
 * In units of the errors of observations, with anomalies A of the state and S of what is expected to be observed, m members: x_j += A S' / (m - 1)
 * (S S' / (m - 1) + 1)^-1 d_j, solved with as many rows as there are observations, or, A (S' S + (m - 1))^-1 S' d_j, with as many as there are
 * members. The first where covariances are localised (both products by the element) or observations are few.
 * d_j: observation with error - what j expects (enkf; errors are centred, so that the mean is the Kalman filter's, and rescaled, so that their
 * variance is right); observation - mean - half of j's anomaly (denkf). */
#include "assimilation/draws.h"
#include "assimilation/ensemble.h"
#include "assimilation/linear.h"
#include "assimilation/methods.h"

#include <math.h>
#include <stdlib.h>

static cls_status departures(const cls_analysis *a, const cls_scaled *s, double *d);
static cls_status by_observations(const cls_world *world, const cls_analysis *a, const cls_scaled *s,
                                  const double *d);
static cls_status by_members(const cls_world *world, const cls_analysis *a, const cls_scaled *s,
                             const double *d);

cls_status cls_run_gain(const cls_world *world, const cls_analysis *a) {
  cls_scaled s;
  double *d = NULL;
  cls_status status = cls_scaled_make(a, &s);
  if (status == CLS_OK)
    status = cls_alloc(&d, (size_t)a->n_obs * a->members, sizeof(double), "departures from observations");
  if (status == CLS_OK) status = departures(a, &s, d);
  status = cls_agree(world->comm, status);
  if (status == CLS_OK) {
    const bool few = a->n_obs <= (uint32_t)a->members;
    status = (a->localisation || few ? by_observations : by_members)(world, a, &s, d);
  }
  free(d);
  cls_scaled_free(&s);
  return status;
}

/* d[n][members] */
static cls_status departures(const cls_analysis *a, const cls_scaled *s, double *d) {
  const int m = a->members;
  double *e;
  CLS_TRY(cls_alloc(&e, (size_t)m, sizeof(double), "perturbations of an observation"));
  const double rescale = sqrt(m / (m - 1.0));
  for (uint32_t i = 0; i < s->n; i++) {
    const double *anomaly = s->anomalies + (size_t)i * m;
    double *to = d + (size_t)i * m;
    if (a->method == CLS_ENKF) {
      cls_draw_perturbations(a, i, e);
      cls_row_anomalies(e, m, e);
      for (int j = 0; j < m; j++) to[j] = s->innovation[i] + rescale * e[j] - anomaly[j];
    } else {
      for (int j = 0; j < m; j++) to[j] = s->innovation[i] - anomaly[j] / 2;
    }
  }
  free(e);
  return CLS_OK;
}

static double weight_between(const cls_analysis *a, uint32_t site, uint32_t other) {
  const cls_localisation *l = a->localisation;
  return l ? cls_gaspari_cohn(l->distance[(size_t)site * l->sites + other], l->half_width) : 1;
}

/* w[members][n]: solutions for each member's departures. */
static cls_status solve_observations(const cls_analysis *a, const cls_scaled *s, const double *d, double *w) {
  const int m = a->members, n = (int)s->n;
  double *c;
  CLS_TRY(cls_alloc_unset(&c, (size_t)n * n, sizeof(double), "covariances of observations"));
  for (int i = 0; i < n; i++) {
    for (int k = 0; k <= i; k++) {
      const double rho = a->localisation ? weight_between(a, a->obs_site[i], a->obs_site[k]) : 1;
      const double cov =
          rho == 0
              ? 0
              : rho * cls_row_dot(s->anomalies + (size_t)i * m, s->anomalies + (size_t)k * m, m) / (m - 1);
      c[(size_t)i * n + k] = c[(size_t)k * n + i] = cov + (i == k);
    }
    for (int j = 0; j < m; j++) w[(size_t)j * n + i] = d[(size_t)i * m + j];
  }
  const cls_status status =
      cls_linear_solve(n, c, m, w, "localised covariances of observations (letkf needs none)");
  free(c);
  return status;
}

static void add_observations(const cls_analysis *a, const cls_scaled *s, const double *w, double *anomaly) {
  const int m = a->members;
  const size_t n = s->n;
  for (uint64_t r = 0; r < a->rows; r++) {
    double *row = a->state + r * (size_t)m;
    cls_row_anomalies(row, m, anomaly);
    for (uint32_t i = 0; i < n; i++) {
      const double rho = a->localisation ? weight_between(a, a->row_site[r], a->obs_site[i]) : 1;
      if (rho == 0) continue;
      const double cov = rho * cls_row_dot(anomaly, s->anomalies + (size_t)i * m, m) / (m - 1);
      for (int j = 0; j < m; j++) row[j] += cov * w[(size_t)i * m + j];
    }
  }
}

static cls_status by_observations(const cls_world *world, const cls_analysis *a, const cls_scaled *s,
                                  const double *d) {
  const size_t m = (size_t)a->members, n = s->n;
  double *w = NULL, *t = NULL, *anomaly = NULL; /* w: [members][n], t: [n][members] */
  CLS_CHECK(n <= INT32_MAX, CLS_ERR_LIMIT, "%zu observations, at most %d for a gain; letkf takes more", n,
            INT32_MAX);
  cls_status status = cls_alloc(&w, m * n, sizeof(double), "weights of observations");
  if (status == CLS_OK) status = cls_alloc(&t, m * n, sizeof(double), "weights of observations");
  if (status == CLS_OK) status = cls_alloc(&anomaly, m, sizeof(double), "anomalies of a row");
  if (status == CLS_OK && world->rank == 0) status = solve_observations(a, s, d, w);
  status = cls_share(world, status, w, m * n);
  if (status == CLS_OK) {
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < m; j++) t[i * m + j] = w[j * n + i];
    add_observations(a, s, t, anomaly);
  }
  free(w);
  free(t);
  free(anomaly);
  return status;
}

/* w[members][members]: solution for member j is row j. */
static cls_status solve_members(const cls_analysis *a, const cls_scaled *s, const double *d, double *w) {
  const size_t m = (size_t)a->members;
  double *c;
  CLS_TRY(cls_alloc(&c, m * m, sizeof(double), "products of members"));
  for (uint32_t i = 0; i < s->n; i++) {
    const double *y = s->anomalies + i * m, *e = d + i * m;
    for (size_t k = 0; k < m; k++)
      for (size_t j = 0; j < m; j++) {
        c[k * m + j] += y[k] * y[j];
        w[k * m + j] += e[k] * y[j];
      }
  }
  for (size_t k = 0; k < m; k++) c[k * m + k] += (double)(m - 1);
  const cls_status status = cls_linear_solve(a->members, c, a->members, w, "covariances of members");
  free(c);
  return status;
}

static cls_status by_members(const cls_world *world, const cls_analysis *a, const cls_scaled *s,
                             const double *d) {
  const int m = a->members;
  double *w = NULL, *t = NULL, *scratch = NULL;
  cls_status status = cls_alloc(&w, (size_t)m * m, sizeof(double), "weights of members");
  if (status == CLS_OK) status = cls_alloc(&t, (size_t)m * m, sizeof(double), "weights of members");
  if (status == CLS_OK) status = cls_alloc(&scratch, 2 * (size_t)m, sizeof(double), "anomalies of a row");
  if (status == CLS_OK && world->rank == 0) status = solve_members(a, s, d, w);
  status = cls_share(world, status, w, (size_t)m * m);
  if (status == CLS_OK) {
    for (int k = 0; k < m; k++)
      for (int j = 0; j < m; j++) t[k * m + j] = w[j * m + k] + (j == k);
    for (uint64_t r = 0; r < a->rows; r++)
      cls_row_transform(a->state + r * (size_t)m, m, t, scratch, a->state + r * (size_t)m);
  }
  free(w);
  free(t);
  free(scratch);
  return status;
}

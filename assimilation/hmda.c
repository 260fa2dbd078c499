/* The Digital Twin Brain's analysis: each row of site s by the own observation and, "diffusion", by the mean of what all V observations say of it,
 *   x_j += gamma K_own d_own,j + (1 - gamma) / V sum over i of K_i d_i,j,   K_i = cov(x, y_i) / (var y_i + sd_i^2),
 * with perturbed observations d_i,j = observed + error - predicted, scalar gains, all of them of the forecast. Where a site has several observations
 * of its own, their mean counts, and none: 0. No library's kernels: every rank computes it, with the same bits. */
#include "assimilation/draws.h"
#include "assimilation/ensemble.h"
#include "assimilation/methods.h"

#include <stdlib.h>

typedef struct {
  cls_scaled s;
  double *d;   /* [n][members] departures / (variance + 1) / (members - 1) */
  double *all; /* [members][members] what anomalies are to be multiplied with, for the sum over all */
  uint32_t *first, *own;    /* observations of site k: own[first[k]] ... own[first[k + 1] - 1] */
  uint32_t sites;           /* that have observations: 1 + the greatest */
  double *anomaly, *change; /* [members] */
} work;

static cls_status make(const cls_analysis *a, work *w) {
  const size_t m = (size_t)a->members;
  CLS_TRY(cls_scaled_make(a, &w->s));
  for (uint32_t i = 0; i < a->n_obs; i++)
    if (a->obs_site[i] >= w->sites) w->sites = a->obs_site[i] + 1;
  CLS_TRY(cls_alloc(&w->d, a->n_obs * m, sizeof(double), "departures from observations"));
  CLS_TRY(cls_alloc(&w->all, m * m, sizeof(double), "weights of members"));
  CLS_TRY(cls_alloc(&w->first, (size_t)w->sites + 2, sizeof(uint32_t), "sites of observations"));
  CLS_TRY(cls_alloc(&w->own, a->n_obs, sizeof(uint32_t), "observations by site"));
  CLS_TRY(cls_alloc(&w->anomaly, m, sizeof(double), "anomalies of a row"));
  CLS_TRY(cls_alloc(&w->change, m, sizeof(double), "changes of a row"));
  return CLS_OK;
}

static void discard(work *w) {
  cls_scaled_free(&w->s);
  free(w->d);
  free(w->all);
  free(w->first);
  free(w->own);
  free(w->anomaly);
  free(w->change);
}

static void sort_by_site(const cls_analysis *a, work *w) {
  for (uint32_t i = 0; i < a->n_obs; i++) w->first[a->obs_site[i] + 2]++;
  for (uint32_t k = 2; k < w->sites + 2; k++) w->first[k] += w->first[k - 1];
  for (uint32_t i = 0; i < a->n_obs; i++) w->own[w->first[a->obs_site[i] + 1]++] = i;
}

static void departures(const cls_analysis *a, work *w) {
  const size_t m = (size_t)a->members;
  for (uint32_t i = 0; i < a->n_obs; i++) {
    const double *y = w->s.anomalies + i * m;
    double *d = w->d + i * m;
    const double sum = cls_row_dot(y, y, a->members);
    cls_draw_perturbations(a, i, d);
    for (size_t j = 0; j < m; j++) d[j] = (w->s.innovation[i] + d[j] - y[j]) / (sum + (double)(m - 1));
    for (size_t k = 0; k < m; k++)
      for (size_t j = 0; j < m; j++) w->all[k * m + j] += y[k] * d[j];
  }
  for (size_t at = 0; at < m * m; at++) w->all[at] *= (1 - a->gamma) / a->n_obs;
}

static void update(const cls_analysis *a, work *w, uint64_t r) {
  const int m = a->members;
  const uint32_t site = a->row_site[r];
  double *row = a->state + r * (size_t)m, *change = w->change;
  cls_row_anomalies(row, m, w->anomaly);
  for (int j = 0; j < m; j++) change[j] = 0;
  for (int k = 0; k < m; k++)
    for (int j = 0; j < m; j++) change[j] += w->anomaly[k] * w->all[(size_t)k * m + j];
  const uint32_t from = site < w->sites ? w->first[site] : 0, to = site < w->sites ? w->first[site + 1] : 0;
  for (uint32_t at = from; at < to; at++) {
    const size_t i = w->own[at];
    const double cov = cls_row_dot(w->anomaly, w->s.anomalies + i * m, m) * a->gamma / (to - from);
    for (int j = 0; j < m; j++) change[j] += cov * w->d[i * m + j];
  }
  for (int j = 0; j < m; j++) row[j] += change[j];
}

cls_status cls_run_hmda(const cls_world *world, const cls_analysis *a) {
  work w = {0};
  const cls_status status = cls_agree(world->comm, make(a, &w));
  if (status == CLS_OK) {
    sort_by_site(a, &w);
    departures(a, &w);
    for (uint64_t r = 0; r < a->rows; r++) update(a, &w, r);
  }
  discard(&w);
  return status;
}

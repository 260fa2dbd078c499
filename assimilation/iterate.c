/* Iterations of an ensemble smoother: Gauss-Newton in the space of the ensemble, the prior's mean x and anomalies A. The iterate is x + A w + A T;
 * S, d: what is expected of it to be observed, in units of errors, S made one per unit of w by S T^-1. Then
 *   w += (S' S + m - 1)^-1 (S' d - (m - 1) w),   T = (1 + S' S / (m - 1))^-1/2.
 * Where observations are linear the first iteration is the Kalman filter's analysis, and further ones stay there. */
#include "assimilation/ensemble.h"
#include "assimilation/methods.h"
#include "assimilation/transform.h"

#include <stdlib.h>

/* step[m] and products[m][m] of the present iterate; inverse: T^-1. y: [m] is scratch. */
static void linearise(const cls_scaled *s, const double *w, const double *inverse, double *step,
                      double *products, double *y) {
  const int m = s->members;
  for (int j = 0; j < m; j++) step[j] = -(m - 1) * w[j];
  for (size_t at = 0; at < (size_t)m * m; at++) products[at] = 0;
  for (uint32_t i = 0; i < s->n; i++) {
    const double *from = s->anomalies + (size_t)i * m;
    for (int j = 0; j < m; j++) y[j] = 0;
    for (int k = 0; k < m; k++)
      for (int j = 0; j < m; j++) y[j] += from[k] * inverse[(size_t)k * m + j];
    for (int k = 0; k < m; k++) {
      step[k] += y[k] * s->innovation[i];
      for (int j = 0; j < m; j++) products[(size_t)k * m + j] += y[k] * y[j];
    }
  }
}

static cls_status iterate(const cls_analysis *a, const cls_scaled *s, double *step, double *inverse,
                          double *y) {
  const int m = a->members;
  double *w = a->iterate, *t = a->iterate + m;
  for (size_t at = 0; at < (size_t)m * m; at++) inverse[at] = t[at];
  CLS_TRY(cls_transform_invert(m, inverse));
  linearise(s, w, inverse, step, t, y);
  CLS_TRY(cls_transform_solve(m, t, step));
  for (int j = 0; j < m; j++) w[j] += step[j];
  return CLS_OK;
}

cls_status cls_run_iterate(const cls_world *world, const cls_analysis *a) {
  const int m = a->members;
  const size_t square = (size_t)m * m;
  cls_scaled s;
  double *work = NULL;
  cls_status status = cls_scaled_make(a, &s);
  if (status == CLS_OK) status = cls_alloc(&work, square + 2 * (size_t)m, sizeof(double), "an iteration");
  if (status == CLS_OK && world->rank == 0) status = iterate(a, &s, work, work + m, work + m + square);
  status = cls_share(world, status, a->iterate, square + (size_t)m);
  if (status == CLS_OK) {
    double *weights = work + m;
    for (int k = 0; k < m; k++)
      for (int j = 0; j < m; j++) weights[k * m + j] = a->iterate[k] + a->iterate[(size_t)m * (k + 1) + j];
    for (uint64_t r = 0; r < a->rows; r++)
      cls_row_transform(a->prior + r * (size_t)m, m, weights, work, a->state + r * (size_t)m);
  }
  free(work);
  cls_scaled_free(&s);
  return status;
}

/* The serial square root filter: one observation after the other, each updates the state and what is expected of the observations that follow.
 * No library's kernels: every rank computes it, with the same bits. */
#include "assimilation/draws.h"
#include "assimilation/ensemble.h"
#include "assimilation/methods.h"

#include <math.h>
#include <stdlib.h>

/* What one observation says, in units of its error. */
typedef struct {
  const double *anomalies; /* [members] */
  double departure, variance;
} said;

/* mean += K d, anomalies -= b K y with K = rho cov / (variance + 1) and b = 1 / (1 + sqrt(1 / (variance + 1))). */
static void update_anomalies(double *mean, double *anomalies, int m, double rho, const said *o) {
  const double gain = rho * cls_row_dot(anomalies, o->anomalies, m) / (m - 1) / (o->variance + 1);
  const double reduced = gain / (1 + sqrt(1 / (o->variance + 1)));
  *mean += gain * o->departure;
  for (int j = 0; j < m; j++) anomalies[j] -= reduced * o->anomalies[j];
}

static double weight_of(const cls_analysis *a, uint32_t obs, const uint32_t *sites, uint64_t at) {
  const cls_localisation *l = a->localisation;
  return l ? cls_gaspari_cohn(l->distance[(size_t)sites[at] * l->sites + a->obs_site[obs]], l->half_width)
           : 1;
}

/* mean[rows]; state holds anomalies. */
static void assimilate(const cls_analysis *a, cls_scaled *s, double *mean, double *y) {
  const int m = a->members;
  for (uint32_t i = 0; i < s->n; i++) {
    double *own = s->anomalies + (size_t)i * m;
    for (int j = 0; j < m; j++) y[j] = own[j]; /* it would change as it is used */
    const said o = {y, s->innovation[i], cls_row_dot(y, y, m) / (m - 1)};
    for (uint64_t r = 0; r < a->rows; r++) {
      const double rho = weight_of(a, i, a->row_site, r);
      if (rho > 0) update_anomalies(&mean[r], a->state + r * (size_t)m, m, rho, &o);
    }
    for (uint32_t k = i + 1; k < s->n; k++) {
      const double rho = weight_of(a, i, a->obs_site, k);
      double expected = 0; /* an innovation falls by what the mean rises */
      if (rho > 0) update_anomalies(&expected, s->anomalies + (size_t)k * m, m, rho, &o);
      s->innovation[k] -= expected;
    }
  }
}

static cls_status prepared(const cls_analysis *a, cls_scaled *s, double *mean, double *scratch) {
  const int m = a->members;
  for (uint64_t r = 0; r < a->rows; r++) {
    double *row = a->state + r * (size_t)m;
    mean[r] = cls_row_anomalies(row, m, row);
  }
  assimilate(a, s, mean, scratch);
  for (uint64_t r = 0; r < a->rows; r++)
    for (int j = 0; j < m; j++) a->state[r * (size_t)m + j] += mean[r];
  if (!a->rotate) return CLS_OK;
  double *u;
  CLS_TRY(cls_alloc(&u, (size_t)m * m, sizeof(double), "a rotation"));
  const cls_status status = cls_draw_rotation(a, u);
  for (uint64_t r = 0; status == CLS_OK && r < a->rows; r++)
    cls_row_transform(a->state + r * (size_t)m, m, u, scratch, a->state + r * (size_t)m);
  free(u);
  return status;
}

cls_status cls_run_serial(const cls_world *world, const cls_analysis *a) {
  cls_scaled s;
  double *mean = NULL, *scratch = NULL;
  cls_status status = cls_scaled_make(a, &s);
  if (status == CLS_OK) status = cls_alloc(&mean, a->rows, sizeof(double), "means");
  if (status == CLS_OK)
    status = cls_alloc(&scratch, (size_t)a->members, sizeof(double), "anomalies of a row");
  if (status == CLS_OK) status = prepared(a, &s, mean, scratch);
  free(scratch);
  free(mean);
  cls_scaled_free(&s);
  return cls_agree(world->comm, status);
}

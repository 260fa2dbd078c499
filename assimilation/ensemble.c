/* Means, anomalies and transforms of rows of an ensemble. */
#include "assimilation/ensemble.h"

#include <math.h>
#include <stdlib.h>

double cls_row_mean(const double *row, int members) {
  double sum = 0;
  for (int j = 0; j < members; j++) sum += row[j];
  return sum / members;
}

double cls_row_dot(const double *a, const double *b, int members) {
  double sum = 0;
  for (int j = 0; j < members; j++) sum += a[j] * b[j];
  return sum;
}

double cls_row_anomalies(const double *row, int members, double *anomalies) {
  const double mean = cls_row_mean(row, members);
  for (int j = 0; j < members; j++) anomalies[j] = row[j] - mean;
  return mean;
}

double cls_row_variance(const double *row, int members) {
  const double mean = cls_row_mean(row, members);
  double sum = 0;
  for (int j = 0; j < members; j++) sum += (row[j] - mean) * (row[j] - mean);
  return sum / (members - 1);
}

void cls_row_inflate(double *row, int members, double factor) {
  const double mean = cls_row_mean(row, members);
  for (int j = 0; j < members; j++) row[j] = mean + factor * (row[j] - mean);
}

void cls_row_transform(const double *from, int members, const double *weights, double *scratch, double *to) {
  const double mean = cls_row_anomalies(from, members, scratch);
  for (int j = 0; j < members; j++) to[j] = mean;
  for (int k = 0; k < members; k++) {
    const double *w = weights + (size_t)k * members;
    for (int j = 0; j < members; j++) to[j] += scratch[k] * w[j];
  }
}

cls_status cls_scaled_make(const cls_analysis *a, cls_scaled *s) {
  const int members = a->members;
  const double widen = a->method == CLS_ESMDA ? sqrt(a->weight) : 1;
  *s = (cls_scaled){.n = a->n_obs, .members = members};
  CLS_TRY(cls_alloc(&s->anomalies, (size_t)a->n_obs * members, sizeof(double), "anomalies of observations"));
  CLS_TRY(cls_alloc(&s->innovation, a->n_obs, sizeof(double), "innovations"));
  CLS_TRY(cls_alloc(&s->error, a->n_obs, sizeof(double), "errors of observations"));
  for (uint32_t i = 0; i < a->n_obs; i++) {
    double *row = s->anomalies + (size_t)i * members;
    const double mean = cls_row_anomalies(a->predicted + (size_t)i * members, members, row);
    s->error[i] = a->sd[i] * widen;
    s->innovation[i] = (a->observed[i] - mean) / s->error[i];
    for (int j = 0; j < members; j++) row[j] /= s->error[i];
  }
  return CLS_OK;
}

void cls_scaled_free(cls_scaled *s) {
  free(s->anomalies);
  free(s->innovation);
  free(s->error);
  *s = (cls_scaled){0};
}

cls_status cls_share(const cls_world *world, cls_status status, double *x, size_t n) {
  CLS_TRY(cls_agree(world->comm, status));
  const size_t most = (size_t)1 << 27;
  for (size_t done = 0; done < n; done += most) {
    const int now = (int)(n - done < most ? n - done : most);
    const int code = MPI_Bcast(x + done, now, MPI_DOUBLE, 0, world->comm);
    CLS_CHECK(code == MPI_SUCCESS, CLS_ERR_MPI, "MPI_Bcast failed with MPI error code %d", code);
  }
  return CLS_OK;
}

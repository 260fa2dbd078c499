/* Rows of an ensemble: one number of each member, side by side. Sums run in the order of members. */
#ifndef CALLOSUM_ENSEMBLE_H
#define CALLOSUM_ENSEMBLE_H

#include "assimilation/analysis.h"

double cls_row_mean(const double *row, int members);
/* Sum of a * b. */
double cls_row_dot(const double *a, const double *b, int members);
/* Unbiased: sum of squared anomalies / (members - 1). */
double cls_row_variance(const double *row, int members);
/* anomalies[members] = row - mean; returns the mean. */
double cls_row_anomalies(const double *row, int members, double *anomalies);
/* row <- mean + factor * anomaly. */
void cls_row_inflate(double *row, int members, double factor);
/* to_j = mean of from + sum over k of (anomaly k of from) * weights[k][j]. scratch: [members]; from and to may be the same. */
void cls_row_transform(const double *from, int members, const double *weights, double *scratch, double *to);

/* Observations in units of their errors, which for esmda are those of the pass. */
typedef struct {
  uint32_t n;
  int members;
  double *anomalies;  /* [n][members] of what members predict */
  double *innovation; /* [n] observed - mean of predicted */
  double *error;      /* [n] what both were divided by */
} cls_scaled;
/* Local. Release with cls_scaled_free(), also after a failure. */
cls_status cls_scaled_make(const cls_analysis *analysis, cls_scaled *scaled);
void cls_scaled_free(cls_scaled *scaled);

/* Collective. What rank 0 computed, x[n], goes to all, unless a rank's status is a failure: then all return that of the lowest. */
cls_status cls_share(const cls_world *world, cls_status status, double *x, size_t n);

#endif

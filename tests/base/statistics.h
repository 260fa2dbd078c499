/* Goodness-of-fit tests shared by the tests of random numbers. All seeds are fixed, so a test that passes
 * always passes; the limits of 4 SD are those a right generator meets in all but 6 of 100,000 seeds. */
#ifndef TESTS_BASE_STATISTICS_H
#define TESTS_BASE_STATISTICS_H

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define SIGMAS 4.0

/* A chi-square value as a standard normal deviate (Wilson & Hilferty 1931). */
static inline double chi_square_deviate(double value, int freedom) {
  double v = 2.0 / (9.0 * freedom);
  return (cbrt(value / freedom) - 1 + v) / sqrt(v);
}

/* Observed counts of `n` outcomes against their probabilities: neighbouring outcomes are put together until
 * `least` samples are expected. The probabilities may miss a little of the total (tails); `outside` samples
 * lay there. Returns the deviate. */
static inline double fit_deviate(const double *observed, const double *probability, size_t n, double samples,
                                 double outside, double least) {
  double sum = 0, o = outside, e = 0, left = samples;
  int bins = 0;
  for (size_t i = 0; i < n; i++) {
    o += observed[i];
    e += probability[i] * samples;
    left -= probability[i] * samples;
    if (e >= least && left >= least) {
      sum += (o - e) * (o - e) / e;
      bins++;
      o = e = 0;
    }
  }
  e += left;
  sum += (o - e) * (o - e) / e;
  return bins < 1 ? 0 : chi_square_deviate(sum, bins);
}

static inline int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* sqrt(n) times the Kolmogorov-Smirnov distance of a sample (which is sorted) from `cdf`: above 1.95 once in
 * 1000 samples. */
static inline double ks_distance(double *sample, size_t n, double (*cdf)(const void *, double),
                                 const void *context) {
  qsort(sample, n, sizeof *sample, compare_doubles);
  double largest = 0;
  for (size_t i = 0; i < n; i++) {
    double p = cdf(context, sample[i]);
    largest = fmax(largest, fmax(p - (double)i / (double)n, (double)(i + 1) / (double)n - p));
  }
  return sqrt((double)n) * largest;
}

#endif

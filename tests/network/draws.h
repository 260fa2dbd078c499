/* Small networks for the tests of src/network, their synapses in memory, and the statistics they are held to.
 */
#ifndef CALLOSUM_TEST_NETWORK_DRAWS_H
#define CALLOSUM_TEST_NETWORK_DRAWS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "network/network.h"

#define OK(call) ok_(call, #call, __FILE__, __LINE__)
static inline void ok_(cls_status status, const char *call, const char *file, int line) {
  if (status != CLS_OK) fail_msg("%s:%d: %s: %s", file, line, call, cls_error_message());
}
/* |value - expected| <= tolerance, with all three in the message. */
#define NEAR(value, expected, tolerance) near_(value, expected, tolerance, #value, __FILE__, __LINE__)
static inline void near_(double value, double expected, double tolerance, const char *what, const char *file,
                         int line) {
  if (!(fabs(value - expected) <= tolerance))
    fail_msg("%s:%d: %s = %.9g, expected %.9g +- %.3g", file, line, what, value, expected, tolerance);
}

static inline cls_distribution distribution(cls_distribution_kind kind, double a, double b) {
  return (cls_distribution){kind, a, b, 0, 1, -INFINITY, INFINITY, CLS_REDRAW};
}

/* A network of populations p0, p1 ... of one model. */
static inline cls_network *make_network(const char *model, uint64_t seed, int populations,
                                        const uint64_t *n) {
  cls_network *network;
  OK(cls_network_create("test", 0.1, seed, &network));
  for (int i = 0; i < populations; i++) {
    char name[16];
    cls_population *population;
    snprintf(name, sizeof name, "p%d", i);
    OK(cls_network_add_population(network, name, cls_model_find(model), n[i], &population));
  }
  return network;
}

/* Adds a projection from population `source` onto `target`. */
static inline cls_projection *connect(cls_network *network, const char *name, uint32_t source,
                                      uint32_t target, cls_rule rule) {
  cls_projection *projection;
  cls_projection_source s = {source, 1, 0};
  OK(cls_network_add_projection(network, name, target, rule, &s, 1, &projection));
  return projection;
}

typedef struct {
  cls_synapse *synapse;
  size_t n, capacity;
} synapses;

static inline cls_status keep_synapses(void *context, const cls_synapse *batch, int n) {
  synapses *all = context;
  assert_in_range(n, 1, CLS_DRAW_BATCH);
  CLS_TRY(cls_grow(&all->synapse, &all->capacity, all->n + (size_t)n, sizeof *batch, "synapses"));
  memcpy(all->synapse + all->n, batch, (size_t)n * sizeof *batch);
  all->n += (size_t)n;
  return CLS_OK;
}

static inline synapses draw_range(const cls_network *network, uint64_t first, uint64_t n, int what) {
  synapses all = {0};
  OK(cls_projection_draw(network, &network->projections[0], first, n, what, keep_synapses, &all));
  return all;
}
static inline synapses draw_all(const cls_network *network) {
  return draw_range(network, 0, network->populations[network->projections[0].target].n, CLS_DRAW_ALL);
}

/* Order-free hash of synapses; sources counted from `origin`. */
static inline uint64_t hash_synapses(const synapses *all, uint64_t origin) {
  uint64_t sum = 0;
  for (size_t i = 0; i < all->n; i++) {
    const cls_synapse *s = &all->synapse[i];
    sum += cls_mix64(cls_mix64(s->source - origin) ^
                     ((uint64_t)s->target << 32 | (uint32_t)s->weight << 16 | s->delay));
  }
  return sum;
}

/* Numbers of synapses per target and per source neuron of a population that starts at global `origin`. */
static inline double *indegrees(const synapses *all, uint64_t n) {
  double *count = calloc(n, sizeof *count);
  for (size_t i = 0; i < all->n; i++) {
    assert_in_range(all->synapse[i].target, 0, n - 1);
    count[all->synapse[i].target]++;
  }
  return count;
}
static inline double *outdegrees(const synapses *all, uint64_t origin, uint64_t n) {
  double *count = calloc(n, sizeof *count);
  for (size_t i = 0; i < all->n; i++) {
    assert_in_range(all->synapse[i].source, origin, origin + n - 1);
    count[all->synapse[i].source - origin]++;
  }
  return count;
}

/* How many standard deviations sum (x - expected)^2 / variance lies from its n - 1 degrees of freedom. */
static inline double dispersion_z(const double *x, uint64_t n, double expected, double variance) {
  double sum = 0;
  for (uint64_t i = 0; i < n; i++) sum += (x[i] - expected) * (x[i] - expected) / variance;
  double freedom = (double)n - 1;
  return (sum - freedom) / sqrt(2 * freedom);
}
/* The same for counts against expected counts (chi-square), bins with less than 10 expected joined to the
 * next. */
static inline double chi_square_z(const double *count, const double *expected, int bins) {
  double sum = 0, c = 0, e = 0;
  int used = 0;
  for (int i = 0; i < bins; i++) {
    c += count[i];
    e += expected[i];
    if (e < 10 && i < bins - 1) continue;
    if (e > 0) {
      sum += (c - e) * (c - e) / e;
      used++;
    }
    c = e = 0;
  }
  assert_true(used > 2);
  return (sum - (used - 1)) / sqrt(2.0 * (used - 1));
}

static inline double correlation(const double *x, const double *y, size_t n) {
  double sx = 0, sy = 0, xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < n; i++) sx += x[i], sy += y[i];
  sx /= (double)n, sy /= (double)n;
  for (size_t i = 0; i < n; i++) {
    xx += (x[i] - sx) * (x[i] - sx);
    yy += (y[i] - sy) * (y[i] - sy);
    xy += (x[i] - sx) * (y[i] - sy);
  }
  return xy / sqrt(xx * yy);
}

static inline int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
/* sqrt(n) times the Kolmogorov-Smirnov distance of a sample (which is sorted) from a distribution function;
 * above 1.95 once in 1000. `grain`: the sample is rounded to multiples of it. */
static inline double ks_distance(double *x, size_t n, double grain, double (*cdf)(double)) {
  qsort(x, n, sizeof *x, by_value);
  double most = 0;
  for (size_t i = 0; i < n; i++) {
    /* rounding moves a value by half a grain: compare at the edges of its bin */
    if (i + 1 < n && x[i + 1] == x[i]) continue;
    double distance = fabs((double)(i + 1) / (double)n - cdf(x[i] + grain / 2));
    if (distance > most) most = distance;
  }
  return most * sqrt((double)n);
}

#endif

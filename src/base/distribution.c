/* Distributions of a job file: moments, limits and draws. */
#include "base/distribution_define.h"
#include "base/normal.h"
#include <string.h>

/* |quantile| of the outermost 32-bit word: no normal draw lies further out. */
#define NORMAL_REACH 6.3379577545537886
/* The least share of a redrawn distribution that its bounds must hold: redrawing takes 1000 words at most on
 * average. */
#define LEAST_MASS 1e-3
/* How many SD around the mean count as the range of an unbounded distribution. */
#define RANGE_SD 6.0

cls_distribution cls_constant(double value) {
  return (cls_distribution){
      .kind = CLS_CONSTANT, .a = value, .scale = 1, .min = -INFINITY, .max = INFINITY, .bound = CLS_REDRAW};
}

/* ---- moments and limits ---- */

static double raw_mean(const cls_distribution *d) {
  switch (d->kind) {
  case CLS_UNIFORM:
    return d->a + 0.5 * (d->b - d->a);
  case CLS_GAMMA:
    return d->a / d->b;
  default:
    return d->a;
  }
}

static double raw_sd(const cls_distribution *d) {
  switch (d->kind) {
  case CLS_CONSTANT:
    return 0;
  case CLS_UNIFORM:
    return (d->b - d->a) / sqrt(12.0);
  case CLS_GAMMA:
    return sqrt(d->a) / d->b;
  default:
    return d->b;
  }
}

double cls_distribution_mean(const cls_distribution *d) { return d->offset + d->scale * raw_mean(d); }
double cls_distribution_sd(const cls_distribution *d) { return fabs(d->scale) * raw_sd(d); }

/* An interval of the variable before offset and scale. */
typedef struct {
  double low, high;
} interval;

/* Where draws can fall at all. */
static interval raw_reach(const cls_distribution *d) {
  cls_lognormal log;
  switch (d->kind) {
  case CLS_CONSTANT:
    return (interval){d->a, d->a};
  case CLS_UNIFORM:
    return (interval){d->a, d->b};
  case CLS_NORMAL:
    return (interval){d->a - NORMAL_REACH * d->b, d->a + NORMAL_REACH * d->b};
  case CLS_LOGNORMAL:
    log = cls_lognormal_of(d);
    return (interval){log.median * cls_exp(-NORMAL_REACH * log.sigma),
                      log.median * cls_exp(NORMAL_REACH * log.sigma)};
  default:
    return (interval){0, INFINITY};
  }
}

/* What counts as its range where the job states no bound. */
static interval raw_range(const cls_distribution *d) {
  double mean = raw_mean(d), sd = raw_sd(d);
  interval range = {mean - RANGE_SD * sd, mean + RANGE_SD * sd};
  if (d->kind == CLS_CONSTANT || d->kind == CLS_UNIFORM) return raw_reach(d);
  if (d->kind != CLS_NORMAL && range.low < 0) range.low = 0;
  return range;
}

/* offset + scale * x turns an interval round where the scale is negative. */
static interval mapped(const cls_distribution *d, interval raw) {
  if (d->scale == 0) return (interval){d->offset, d->offset};
  double p = d->offset + d->scale * raw.low, q = d->offset + d->scale * raw.high;
  return p <= q ? (interval){p, q} : (interval){q, p};
}

double cls_distribution_upper(const cls_distribution *d) {
  double limit = d->max < INFINITY ? mapped(d, raw_reach(d)).high : mapped(d, raw_range(d)).high;
  return cls_clamp(limit, d->min, d->max);
}

double cls_distribution_lower(const cls_distribution *d) {
  double limit = d->min > -INFINITY ? mapped(d, raw_reach(d)).low : mapped(d, raw_range(d)).low;
  return cls_clamp(limit, d->min, d->max);
}

/* Bounds the job clips at stay clipped; limits that only we put are redrawn. */
cls_distribution cls_distribution_bounded(const cls_distribution *d) {
  cls_distribution bounded = *d;
  if (!(d->min > -INFINITY) && !(d->max < INFINITY)) bounded.bound = CLS_REDRAW;
  bounded.min = cls_distribution_lower(d);
  bounded.max = cls_distribution_upper(d);
  return bounded;
}

/* ---- checks ---- */

/* Phi(z) by bisection on the quantile: no second set of coefficients for a check that is done once. */
static double normal_cdf(double z) {
  if (z <= -37) return 0;
  if (z >= 8) return 1;
  double low = 0x1p-1000, high = 1 - 0x1p-53;
  for (int i = 0; i < 64; i++) {
    double middle = 0.5 * (low + high);
    if (cls_normal_quantile(middle) < z)
      low = middle;
    else
      high = middle;
  }
  return 0.5 * (low + high);
}

/* Regularised lower incomplete gamma function P(a, x) by its power series (DLMF 8.11.4); above shape 1000 the
 * cube-root approximation of Wilson & Hilferty (PNAS 17:684, 1931), good to 1e-4 there. */
static double gamma_cdf(double a, double x) {
  if (!(x > 0)) return 0;
  if (!(x < INFINITY)) return 1;
  if (a > 1000) {
    double v = 1 / (9 * a);
    return normal_cdf((cls_pow(x / a, 1.0 / 3) - 1 + v) / sqrt(v));
  }
  if (x > a + 40 * sqrt(a) + 100) return 1;
  double term = 1 / a, sum = term;
  for (double k = a + 1; term > 1e-12 * sum; k += 1) sum += term *= x / k;
  return sum * cls_exp(a * cls_ln(x) - x - cls_log_gamma(a));
}

static double raw_cdf(const cls_distribution *d, double x) {
  cls_lognormal log;
  switch (d->kind) {
  case CLS_UNIFORM:
    return cls_clamp((x - d->a) / (d->b - d->a), 0, 1);
  case CLS_NORMAL:
    return normal_cdf((x - d->a) / d->b);
  case CLS_LOGNORMAL:
    log = cls_lognormal_of(d);
    return x > 0 ? normal_cdf(x < INFINITY ? cls_ln(x / log.median) / log.sigma : INFINITY) : 0;
  default:
    return gamma_cdf(d->a, x * d->b);
  }
}

/* Share of the draws within the bounds. */
static double mass_within(const cls_distribution *d) {
  if (d->scale == 0 || raw_sd(d) == 0) {
    double value = cls_distribution_mean(d);
    return value >= d->min && value <= d->max ? 1 : 0;
  }
  double p = raw_cdf(d, (d->min - d->offset) / d->scale), q = raw_cdf(d, (d->max - d->offset) / d->scale);
  return fabs(q - p);
}

static cls_status check_kind(const cls_distribution *d, const char *what) {
  switch (d->kind) {
  case CLS_CONSTANT:
    return CLS_OK;
  case CLS_UNIFORM:
    CLS_CHECK(d->a <= d->b, CLS_ERR_INPUT, "%s: uniform from %g to %g, expected the lower end first", what,
              d->a, d->b);
    return CLS_OK;
  case CLS_NORMAL:
    CLS_CHECK(d->b >= 0, CLS_ERR_INPUT, "%s: normal with standard deviation %g, expected 0 or more", what,
              d->b);
    return CLS_OK;
  case CLS_LOGNORMAL:
    CLS_CHECK(d->a > 0, CLS_ERR_INPUT, "%s: lognormal with mean %g, expected more than 0", what, d->a);
    CLS_CHECK(d->b >= 0, CLS_ERR_INPUT, "%s: lognormal with standard deviation %g, expected 0 or more", what,
              d->b);
    CLS_CHECK(d->b <= 1e6 * d->a, CLS_ERR_INPUT,
              "%s: lognormal with standard deviation %g, expected at most 1e6 times the mean %g", what, d->b,
              d->a);
    return CLS_OK;
  case CLS_GAMMA:
    CLS_CHECK(d->a >= 1e-2, CLS_ERR_INPUT, "%s: gamma with shape %g, expected at least 0.01", what, d->a);
    CLS_CHECK(d->b > 0, CLS_ERR_INPUT, "%s: gamma with rate %g, expected more than 0", what, d->b);
    return CLS_OK;
  }
  return cls_fail(CLS_ERR_INTERNAL, "%s: distribution kind %d does not exist", what, (int)d->kind);
}

cls_status cls_distribution_check(const cls_distribution *d, const char *what) {
  CLS_CHECK(isfinite(d->a) && isfinite(d->b), CLS_ERR_INPUT,
            "%s: parameters %g and %g of the distribution, expected finite numbers", what, d->a, d->b);
  CLS_CHECK(isfinite(d->offset) && isfinite(d->scale), CLS_ERR_INPUT,
            "%s: offset %g and scale %g of the distribution, expected finite numbers", what, d->offset,
            d->scale);
  CLS_CHECK(!isnan(d->min) && !isnan(d->max), CLS_ERR_INPUT, "%s: bounds %g and %g, expected numbers", what,
            d->min, d->max);
  CLS_TRY(check_kind(d, what));
  CLS_CHECK(d->min <= d->max && d->min < INFINITY && d->max > -INFINITY, CLS_ERR_INPUT,
            "%s: bounds from %g to %g hold nothing, expected the lower one first", what, d->min, d->max);
  CLS_CHECK(isfinite(cls_distribution_mean(d)) && isfinite(cls_distribution_sd(d)), CLS_ERR_INPUT,
            "%s: mean %g and standard deviation %g of the distribution, expected finite numbers", what,
            cls_distribution_mean(d), cls_distribution_sd(d));
  if (d->bound == CLS_CLIP) return CLS_OK;
  double mass = mass_within(d);
  CLS_CHECK(mass >= LEAST_MASS, CLS_ERR_INPUT,
            "%s: the bounds %g to %g hold %.2g of a redrawn distribution with mean %g and standard deviation "
            "%g, expected at least %g",
            what, d->min, d->max, mass, cls_distribution_mean(d), cls_distribution_sd(d), LEAST_MASS);
  return CLS_OK;
}

/* ---- draws ---- */

double cls_distribution_draw(const cls_distribution *d, cls_stream stream, uint32_t c0, uint32_t c1,
                             uint32_t c2) {
  cls_reader reader = cls_reader_make(stream, c0, c1, c2);
  uint32_t word = cls_read_word(&reader);
  return cls_distribution_from_word(d, word, &reader);
}

/* ---- many draws ---- */

#if defined(__x86_64__) && !defined(CALLOSUM_NO_CLONES)
#define MANY_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MANY_CLONES
#endif

MANY_CLONES static void uniform_many(const cls_distribution *d, const uint32_t *restrict word, int n,
                                     double *restrict value) {
  const double low = d->a, width = d->b - d->a, offset = d->offset, scale = d->scale;
  for (int i = 0; i < n; i++) value[i] = offset + scale * (low + width * cls_unit(word[i]));
}

/* From standard normal variables. */
MANY_CLONES static void normal_many(const cls_distribution *d, int n, double *value) {
  const double mean = d->a, sd = d->b, offset = d->offset, scale = d->scale;
  for (int i = 0; i < n; i++) value[i] = offset + scale * (mean + sd * value[i]);
}

MANY_CLONES static void mark_outside(const double *restrict value, int n, double min, double max,
                                     uint8_t *restrict outside) {
  for (int i = 0; i < n; i++) outside[i] = (value[i] < min) | (value[i] > max);
}

/* Lists the values beyond the bounds: few, so that most groups of eight have none. */
static int find_outside(const double *value, int n, double min, double max, int *outside) {
  enum { BLOCK = 512 };
  uint8_t flag[BLOCK];
  int found = 0;
  for (int begin = 0; begin < n; begin += BLOCK) {
    const int m = n - begin < BLOCK ? n - begin : BLOCK, padded = (m + 7) & ~7;
    mark_outside(value + begin, m, min, max, flag);
    memset(flag + m, 0, (size_t)(padded - m));
    for (int i = 0; i < padded; i += 8) {
      uint64_t group;
      memcpy(&group, flag + i, sizeof group);
      for (; group != 0; group &= group - 1) outside[found++] = begin + i + __builtin_ctzll(group) / 8;
    }
  }
  return found;
}

int cls_distribution_many(const cls_distribution *d, const uint32_t *word, int n, double *value, int *again) {
  cls_lognormal log;
  switch (d->kind) {
  case CLS_CONSTANT:
    for (int i = 0; i < n; i++) value[i] = d->offset + d->scale * d->a;
    break;
  case CLS_UNIFORM:
    uniform_many(d, word, n, value);
    break;
  case CLS_NORMAL:
    cls_normal_many(word, n, value);
    normal_many(d, n, value);
    break;
  case CLS_LOGNORMAL:
    cls_normal_many(word, n, value);
    log = cls_lognormal_of(d);
    for (int i = 0; i < n; i++)
      value[i] = d->offset + d->scale * (log.median * cls_exp(log.sigma * value[i]));
    break;
  default:
    for (int i = 0; i < n; i++) again[i] = i;
    return n;
  }
  return find_outside(value, n, d->min, d->max, again);
}

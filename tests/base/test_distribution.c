/* Draws against theory: moments, Kolmogorov-Smirnov distance, bounds; and what is refused. */
#include "base/distribution.h"
#include "base/math.h"
#include "base/statistics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { DRAWS = 200000 };

static const cls_stream stream = {{123, 456}};

static cls_distribution make(cls_distribution_kind kind, double a, double b) {
  cls_distribution d = cls_constant(a);
  d.kind = kind;
  d.b = b;
  return d;
}

static double normal_cdf(double z) { return 0.5 * erfc(-z / sqrt(2)); }

/* P(a, x) by the trapezoidal rule over ln x: independent of the series in the library. */
static double gamma_cdf(double a, double x) {
  enum { STEPS = 2000 };
  double low = -60 / a - 20, high = log(x), h = (high - low) / STEPS, sum = 0;
  for (int i = 0; i <= STEPS; i++) {
    double t = low + i * h, f = exp(a * t - exp(t) - lgamma(a));
    sum += i == 0 || i == STEPS ? f / 2 : f;
  }
  return sum * h;
}

static double raw_cdf(const cls_distribution *d, double x) {
  switch (d->kind) {
  case CLS_CONSTANT:
    return x >= d->a;
  case CLS_UNIFORM:
    return fmin(1, fmax(0, (x - d->a) / (d->b - d->a)));
  case CLS_NORMAL:
    return normal_cdf((x - d->a) / d->b);
  case CLS_LOGNORMAL: {
    double s = sqrt(log(1 + d->b * d->b / (d->a * d->a)));
    return x <= 0 ? 0 : normal_cdf((log(x / d->a) + s * s / 2) / s);
  }
  default:
    return x <= 0 ? 0 : gamma_cdf(d->a, x * d->b);
  }
}

/* With offset, scale and truncation. */
static double cdf(const void *context, double value) {
  const cls_distribution *d = context;
  double below = raw_cdf(d, (value - d->offset) / d->scale);
  double min = d->min > -INFINITY ? raw_cdf(d, (d->min - d->offset) / d->scale) : d->scale > 0 ? 0 : 1;
  double max = d->max < INFINITY ? raw_cdf(d, (d->max - d->offset) / d->scale) : d->scale > 0 ? 1 : 0;
  return (below - min) / (max - min);
}

static void draw_all(const cls_distribution *d, double *values) {
  for (uint32_t i = 0; i < DRAWS; i++) values[i] = cls_distribution_draw(d, stream, i, 1, 2);
}

static void moments(const double *values, double *mean, double *sd, double *kurtosis) {
  double m1 = 0, m2 = 0, m4 = 0;
  for (int i = 0; i < DRAWS; i++) m1 += values[i] / DRAWS;
  for (int i = 0; i < DRAWS; i++) {
    double square = (values[i] - m1) * (values[i] - m1);
    m2 += square / DRAWS, m4 += square * square / DRAWS;
  }
  *mean = m1, *sd = sqrt(m2), *kurtosis = m4 / (m2 * m2);
}

static double values[DRAWS];

static void check_law(cls_distribution d) {
  double mean, sd, kurtosis;
  assert_int_equal(cls_distribution_check(&d, "value"), CLS_OK);
  draw_all(&d, values);
  bool bounded = d.min > -INFINITY || d.max < INFINITY;
  if (!bounded) {
    moments(values, &mean, &sd, &kurtosis);
    double off = (mean - cls_distribution_mean(&d)) / (sd / sqrt(DRAWS));
    double off_sd = (sd / cls_distribution_sd(&d) - 1) / sqrt((kurtosis - 1) / 4 / DRAWS);
    if (fabs(off) > SIGMAS || fabs(off_sd) > SIGMAS)
      fail_msg("kind %d (%g, %g): mean %g SD, sd %g SD", (int)d.kind, d.a, d.b, off, off_sd);
  }
  /* The gamma function by quadrature is slow: every 40th value. */
  size_t n = d.kind == CLS_GAMMA ? DRAWS / 40 : DRAWS;
  double distance = ks_distance(values, n, cdf, &d);
  if (distance > 1.95) fail_msg("kind %d (%g, %g): Kolmogorov-Smirnov %g", (int)d.kind, d.a, d.b, distance);
  assert_true(values[0] >= d.min && values[n - 1] <= d.max);
}

static void test_laws(void **state) {
  (void)state;
  check_law(make(CLS_UNIFORM, -2, 5));
  check_law(make(CLS_NORMAL, 87.8, 8.78));
  check_law(make(CLS_LOGNORMAL, 2, 0.5));
  check_law(make(CLS_LOGNORMAL, 1, 2));
  check_law(make(CLS_GAMMA, 5, 3));
  check_law(make(CLS_GAMMA, 1, 1));
  check_law(make(CLS_GAMMA, 0.3, 2));
  check_law(make(CLS_GAMMA, 200, 0.5));
  for (cls_distribution_kind kind = CLS_UNIFORM; kind <= CLS_GAMMA; kind++) {
    cls_distribution d = make(kind, 2, 3);
    d.offset = 10, d.scale = -0.5;
    if (kind == CLS_GAMMA) d.scale = 0.25; /* the cdf of a mirrored law is checked by the others */
    if (d.scale > 0) check_law(d);
    assert_true(fabs(cls_distribution_mean(&d) - (10 + d.scale * (kind == CLS_UNIFORM ? 2.5
                                                                  : kind == CLS_GAMMA ? 2.0 / 3
                                                                                      : 2))) < 1e-12);
  }
}

static void test_truncated(void **state) {
  (void)state;
  cls_distribution d = make(CLS_NORMAL, 1.5, 0.75);
  d.min = 0.1;
  check_law(d);
  d.max = 2;
  check_law(d);
  d = make(CLS_NORMAL, 0, 1);
  d.min = 2.5; /* 0.6 % of the mass: 160 words per draw */
  check_law(d);
  d = make(CLS_UNIFORM, 0, 1);
  d.max = 0.25;
  check_law(d);
  d = make(CLS_LOGNORMAL, 1, 1);
  d.min = 0.5, d.max = 3;
  check_law(d);
  d = make(CLS_GAMMA, 2, 1);
  d.min = 1;
  check_law(d);
  d = make(CLS_NORMAL, 3, 1); /* mirrored: -3 +- 1, negative only */
  d.scale = -1, d.max = 0;
  check_law(d);
}

static void test_clip(void **state) {
  (void)state;
  cls_distribution d = make(CLS_NORMAL, 1, 2);
  d.min = 0, d.max = 4, d.bound = CLS_CLIP;
  assert_int_equal(cls_distribution_check(&d, "value"), CLS_OK);
  draw_all(&d, values);
  double at_min = 0, at_max = 0;
  for (int i = 0; i < DRAWS; i++) {
    assert_true(values[i] >= 0 && values[i] <= 4);
    at_min += values[i] == 0;
    at_max += values[i] == 4;
  }
  double low = normal_cdf(-0.5), high = normal_cdf(-1.5);
  assert_true(fabs(at_min / DRAWS - low) < SIGMAS * sqrt(low * (1 - low) / DRAWS));
  assert_true(fabs(at_max / DRAWS - high) < SIGMAS * sqrt(high * (1 - high) / DRAWS));
  /* Clipping never refuses, not even what lies outside altogether. */
  d.min = 100, d.max = 200;
  assert_int_equal(cls_distribution_check(&d, "value"), CLS_OK);
  assert_true(cls_distribution_draw(&d, stream, 0, 0, 0) == 100);
  d = cls_constant(3);
  d.max = 1, d.bound = CLS_CLIP;
  assert_true(cls_distribution_draw(&d, stream, 0, 0, 0) == 1);
}

/* The first word decides, and the next ones of the counter are what a redraw takes. */
static void test_words(void **state) {
  (void)state;
  cls_distribution d = make(CLS_NORMAL, 5, 2), u = make(CLS_UNIFORM, 10, 20);
  cls_reader more = cls_reader_make(stream, 9, 8, 7), same = more;
  assert_true(cls_distribution_from_word(&d, 0x80000000u, &more) ==
              5 + 2 * cls_normal_quantile(0.5 + 0x1p-33));
  assert_true(cls_distribution_from_word(&u, 0, &more) == 10 + 10 * 0x1p-33);
  assert_true(cls_distribution_from_word(&u, UINT32_MAX, &more) <= 20);
  cls_distribution c = cls_constant(7.5);
  assert_true(cls_distribution_from_word(&c, 1, &more) == 7.5);
  assert_int_equal(more.block, 0);
  u.max = 12; /* word UINT32_MAX is refused, then words of the reader until one is below 12 */
  double x = cls_distribution_from_word(&u, UINT32_MAX, &more), y;
  do y = 10 + 10 * cls_unit(cls_read_word(&same));
  while (y > 12);
  assert_true(x == y && more.block == same.block && more.left == same.left);
  /* draw() is from_word() on the first word of the counter. */
  cls_reader reader = cls_reader_make(stream, 1, 2, 3);
  uint32_t word = cls_read_word(&reader);
  assert_true(cls_distribution_draw(&d, stream, 1, 2, 3) == cls_distribution_from_word(&d, word, &reader));
}

static void close_to(double x, double expected) {
  if (!(fabs(x - expected) <= 1e-12 * fabs(expected))) fail_msg("%.17g, expected %.17g", x, expected);
}

static void check_limits(cls_distribution d, double lower, double upper) {
  close_to(cls_distribution_lower(&d), lower);
  close_to(cls_distribution_upper(&d), upper);
  cls_distribution b = cls_distribution_bounded(&d);
  assert_true(b.min == cls_distribution_lower(&d) && b.max == cls_distribution_upper(&d));
  assert_int_equal(cls_distribution_check(&b, "bounded"), CLS_OK);
  assert_true(cls_distribution_lower(&b) >= b.min && cls_distribution_upper(&b) <= b.max);
}

static void test_limits(void **state) {
  (void)state;
  check_limits(cls_constant(4), 4, 4);
  check_limits(make(CLS_UNIFORM, -1, 2), -1, 2);
  check_limits(make(CLS_NORMAL, 100, 10), 40, 160);
  check_limits(make(CLS_LOGNORMAL, 1, 0.5), 0, 4);
  check_limits(make(CLS_LOGNORMAL, 10, 1), 4, 16);
  check_limits(make(CLS_GAMMA, 4, 2), 0, 8);
  check_limits(make(CLS_GAMMA, 100, 1), 40, 160);
  cls_distribution d = make(CLS_NORMAL, 100, 10);
  d.scale = -2, d.offset = 1;
  check_limits(d, -319, -79);
  d.max = -100;
  check_limits(d, -319, -100);
  /* A stated bound beyond the reach of a 32-bit word is not reached. */
  d = make(CLS_NORMAL, 0, 1);
  d.max = 100;
  cls_reader more = cls_reader_make(stream, 0, 0, 0);
  assert_true(cls_distribution_upper(&d) == cls_distribution_from_word(&d, UINT32_MAX, &more));
  assert_true(cls_distribution_upper(&d) > 6.3 && cls_distribution_upper(&d) < 6.4);
  d.min = -100;
  assert_true(cls_distribution_lower(&d) == cls_distribution_from_word(&d, 0, &more));
  d = make(CLS_LOGNORMAL, 1, 1);
  d.max = 1e9;
  assert_true(cls_distribution_upper(&d) == cls_distribution_from_word(&d, UINT32_MAX, &more));
  d = make(CLS_UNIFORM, 0, 1);
  d.max = 3, d.min = 0.5;
  check_limits(d, 0.5, 1);
  /* Limits of ours are redrawn, bounds the job clips at stay clipped. */
  d = make(CLS_NORMAL, 0, 1);
  d.bound = CLS_CLIP;
  assert_int_equal(cls_distribution_bounded(&d).bound, CLS_REDRAW);
  d.min = 0;
  assert_int_equal(cls_distribution_bounded(&d).bound, CLS_CLIP);
}

static void refused(cls_distribution d, const char *part) {
  assert_int_equal(cls_distribution_check(&d, "L4E/weight_pA"), CLS_ERR_INPUT);
  if (strstr(cls_error_message(), part) == NULL || strstr(cls_error_message(), "L4E/weight_pA") == NULL)
    fail_msg("\"%s\" does not say \"%s\"", cls_error_message(), part);
}

static void test_refusals(void **state) {
  (void)state;
  refused(cls_constant(NAN), "nan");
  refused(cls_constant(INFINITY), "inf");
  refused(make(CLS_UNIFORM, 2, 1), "from 2 to 1");
  refused(make(CLS_NORMAL, 1, -0.5), "standard deviation -0.5");
  refused(make(CLS_NORMAL, 1, NAN), "nan");
  refused(make(CLS_LOGNORMAL, -1, 1), "mean -1");
  refused(make(CLS_LOGNORMAL, 0, 1), "mean 0");
  refused(make(CLS_LOGNORMAL, 1, -1), "standard deviation -1");
  refused(make(CLS_LOGNORMAL, 1e-9, 1), "1e6 times");
  refused(make(CLS_GAMMA, 0, 1), "shape 0");
  refused(make(CLS_GAMMA, 1, 0), "rate 0");
  cls_distribution d = make(CLS_NORMAL, 0, 1);
  d.min = 2, d.max = 1;
  refused(d, "from 2 to 1");
  d.min = NAN;
  refused(d, "nan");
  d = make(CLS_NORMAL, 0, 1);
  d.scale = NAN;
  refused(d, "scale nan");
  d = make(CLS_NORMAL, 0, 1);
  d.min = INFINITY;
  refused(d, "hold nothing");
  d = cls_constant(5);
  d.max = 4;
  refused(d, "hold 0 of");
  d = make((cls_distribution_kind)17, 0, 1);
  assert_int_equal(cls_distribution_check(&d, "x"), CLS_ERR_INTERNAL);
}

/* Either side of the least mass of 0.001. */
static void test_least_mass(void **state) {
  (void)state;
  cls_distribution d = make(CLS_NORMAL, 0, 1);
  d.min = 3.08; /* 1.03e-3 */
  assert_int_equal(cls_distribution_check(&d, "x"), CLS_OK);
  d.min = 3.10; /* 0.97e-3 */
  refused(d, "of a redrawn distribution");
  d.scale = -1, d.min = -INFINITY, d.max = -3.10;
  refused(d, "of a redrawn distribution");
  d = make(CLS_UNIFORM, 0, 1);
  d.min = 0.9985;
  assert_int_equal(cls_distribution_check(&d, "x"), CLS_OK);
  d.min = 0.9995;
  refused(d, "hold 0.0005");
  d = make(CLS_LOGNORMAL, 1, 1); /* sigma^2 = ln 2 */
  d.min = exp(3.08 * sqrt(log(2))) / sqrt(2);
  assert_int_equal(cls_distribution_check(&d, "x"), CLS_OK);
  d.min = exp(3.10 * sqrt(log(2))) / sqrt(2);
  refused(d, "of a redrawn distribution");
  d = make(CLS_GAMMA, 1, 2); /* exponential: exp(-2 x) */
  d.min = -log(1.02e-3) / 2;
  assert_int_equal(cls_distribution_check(&d, "x"), CLS_OK);
  d.min = -log(0.98e-3) / 2;
  refused(d, "of a redrawn distribution");
  d = make(CLS_GAMMA, 1e6, 1); /* nearly normal, SD 1000 */
  d.min = 1e6 + 3000;
  assert_int_equal(cls_distribution_check(&d, "x"), CLS_OK);
  d.min = 1e6 + 3200;
  refused(d, "of a redrawn distribution");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_laws),      cmocka_unit_test(test_truncated),
                                     cmocka_unit_test(test_clip),      cmocka_unit_test(test_words),
                                     cmocka_unit_test(test_limits),    cmocka_unit_test(test_refusals),
                                     cmocka_unit_test(test_least_mass)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Preparation of a measured series. */
#include "assimilation/observations.h"
#include <math.h>

/* Moments and extremes of the training part; numbers that are missing count nowhere. */
typedef struct {
  uint64_t n;
  double mean, sd, low, high;
} summary;

static summary summarise(uint64_t n, const double *x) {
  summary s = {0, 0, 0, INFINITY, -INFINITY};
  for (uint64_t t = 0; t < n; t++) {
    if (isnan(x[t])) continue;
    s.n++;
    s.mean += x[t];
    s.low = fmin(s.low, x[t]);
    s.high = fmax(s.high, x[t]);
  }
  s.mean /= (double)s.n;
  for (uint64_t t = 0; t < n; t++)
    if (!isnan(x[t])) s.sd += (x[t] - s.mean) * (x[t] - s.mean);
  s.sd = sqrt(s.sd / (double)(s.n - 1));
  return s;
}

static cls_status check(const summary *s, uint64_t train, const char *what) {
  CLS_CHECK(s->n >= 3, CLS_ERR_INPUT, "%llu numbers in the first %llu volumes%s: expected at least 3",
            (unsigned long long)s->n, (unsigned long long)train, what);
  /* Of a constant a filter leaves round-off. */
  CLS_CHECK(s->high - s->low > 1e-12 * fmax(fabs(s->high), fabs(s->low)), CLS_ERR_INPUT,
            "does not vary in the first %llu volumes%s: expected a signal", (unsigned long long)train, what);
  return CLS_OK;
}

/* ---- detrending ---- */

static void detrend(bool line, uint64_t n, uint64_t train, double *x) {
  const summary s = summarise(train, x);
  double time = 0, tt = 0, tx = 0;
  for (uint64_t t = 0; t < train; t++)
    if (!isnan(x[t])) time += (double)t / (double)s.n;
  for (uint64_t t = 0; t < train; t++) {
    if (isnan(x[t])) continue;
    tt += ((double)t - time) * ((double)t - time);
    tx += ((double)t - time) * (x[t] - s.mean);
  }
  const double slope = line ? tx / tt : 0;
  for (uint64_t t = 0; t < n; t++) x[t] -= s.mean + slope * ((double)t - time);
}

/* ---- filters ---- */

typedef struct {
  double b[3], a[3]; /* a[0] = 1 */
} biquad;

/* Analogue prototype 1 / (s^2 + sqrt(2) s + 1), warped so that the corner is where it is asked for. */
static biquad butterworth(double corner_hz, double interval_s, bool high_pass) {
  const double k = tan(acos(-1) * corner_hz * interval_s), norm = 1 / (1 + sqrt(2) * k + k * k),
               gain = high_pass ? norm : k * k * norm;
  return (biquad){{gain, high_pass ? -2 * gain : 2 * gain, gain},
                  {1, 2 * (k * k - 1) * norm, (1 - sqrt(2) * k + k * k) * norm}};
}

/* What one filter knows of its past. */
typedef struct {
  double x1, x2, y1, y2;
} past;

static double step(const biquad *f, past *p, double in) {
  const double out = f->b[0] * in + f->b[1] * p->x1 + f->b[2] * p->x2 - f->a[1] * p->y1 - f->a[2] * p->y2;
  *p = (past){in, p->x1, out, p->y1};
  return out;
}

static void band_pass(const cls_observation_options *o, uint64_t n, double *x) {
  const bool high = o->band_low_hz > 0;
  if (!(o->band_high_hz > 0)) return;
  const biquad at_low = butterworth(o->band_low_hz, o->tr_s, true),
               at_high = butterworth(o->band_high_hz, o->tr_s, false);
  past low_past = {0}, high_past = {0};
  double in = NAN;
  for (uint64_t t = 0; t < n; t++) {
    const bool missing = isnan(x[t]);
    if (isnan(in) && !missing) { /* as if it had always been so */
      low_past = (past){x[t], x[t], 0, 0};
      if (!high) high_past = (past){x[t], x[t], x[t], x[t]};
    }
    if (!missing) in = x[t];
    if (isnan(in)) continue;
    const double out = step(&at_high, &high_past, high ? step(&at_low, &low_past, in) : in);
    if (!missing) x[t] = out;
  }
}

/* ---- the whole ---- */

static void rescale(const cls_observation_options *o, const summary *s, uint64_t n, double *x) {
  const bool range = o->rescale == CLS_RESCALE_RANGE;
  const double from = range ? s->low : s->mean, to = range ? o->rescale_low : o->rescale_mean,
               factor =
                   range ? (o->rescale_high - o->rescale_low) / (s->high - s->low) : o->rescale_sd / s->sd;
  for (uint64_t t = 0; t < n; t++) x[t] = to + factor * (x[t] - from);
}

cls_status cls_observations_prepare(const cls_observation_options *o, uint64_t n, uint64_t train,
                                    double *series, double *sd) {
  const bool fits = o->detrend != CLS_DETREND_NONE || o->rescale != CLS_RESCALE_NONE || o->error_relative;
  if (train > n) train = n;
  *sd = o->error;
  if (fits) {
    const summary raw = summarise(train, series);
    CLS_TRY(check(&raw, train, ""));
  }
  if (o->detrend != CLS_DETREND_NONE) detrend(o->detrend == CLS_DETREND_LINEAR, n, train, series);
  band_pass(o, n, series);
  if (o->rescale == CLS_RESCALE_NONE && !o->error_relative) return CLS_OK;
  summary s = summarise(train, series);
  CLS_TRY(check(&s, train, ", prepared"));
  if (o->rescale != CLS_RESCALE_NONE) rescale(o, &s, n, series);
  if (o->rescale != CLS_RESCALE_NONE) s = summarise(train, series);
  if (o->error_relative) *sd = o->error * s.sd;
  return CLS_OK;
}

#include "network/waveform.h"
#include "base/math.h"
#include <stdlib.h>

#define TWO_PI 0x1.921fb54442d18p+2

/* ---- building ---- */

cls_status cls_waveform_create(cls_waveform **waveform) {
  return cls_alloc(waveform, 1, sizeof **waveform, "waveform");
}

cls_status cls_waveform_add(cls_waveform *waveform, const cls_wave *wave) {
  size_t capacity = (size_t)waveform->n; /* few: grown one by one */
  CLS_TRY(cls_grow(&waveform->wave, &capacity, capacity + 1, sizeof *wave, "waves"));
  waveform->wave[waveform->n++] = *wave;
  return CLS_OK;
}

cls_status cls_waveform_set_gate(cls_waveform *waveform, const cls_wave *gate) {
  CLS_TRY(cls_alloc(&waveform->gate, 1, sizeof *gate, "gate of a waveform"));
  *waveform->gate = *gate;
  return CLS_OK;
}

static void free_wave(cls_wave *wave) {
  free(wave->time_ms);
  free(wave->sample);
}

void cls_waveform_destroy(cls_waveform *waveform) {
  if (!waveform) return;
  for (int i = 0; i < waveform->n; i++) free_wave(&waveform->wave[i]);
  if (waveform->gate) free_wave(waveform->gate);
  free(waveform->wave);
  free(waveform->gate);
  free(waveform);
}

size_t cls_waveform_bytes(const cls_waveform *waveform) {
  size_t bytes = sizeof *waveform + (size_t)waveform->n * sizeof *waveform->wave;
  for (int i = 0; i < waveform->n; i++) bytes += waveform->wave[i].n * 2 * sizeof(double);
  return bytes + (waveform->gate ? sizeof *waveform->gate + waveform->gate->n * 2 * sizeof(double) : 0);
}

/* ---- checking ---- */

static cls_status check_samples(const cls_wave *w) {
  CLS_CHECK(w->n >= 1, CLS_ERR_INPUT, "waveform: no samples: expected at least one");
  for (uint64_t i = 0; i < w->n; i++) {
    CLS_CHECK(isfinite(w->time_ms[i]) && isfinite(w->sample[i]), CLS_ERR_INPUT,
              "waveform: sample %llu: time %g ms, value %g: expected finite numbers",
              (unsigned long long)i + 1, w->time_ms[i], w->sample[i]);
    CLS_CHECK(i == 0 || w->time_ms[i] > w->time_ms[i - 1], CLS_ERR_INPUT,
              "waveform: sample %llu: time %g ms after %g ms: expected times that ascend",
              (unsigned long long)i + 1, w->time_ms[i], w->time_ms[i - 1]);
  }
  return CLS_OK;
}

static cls_status check_wave(const cls_wave *w) {
  const double values[] = {w->value,     w->to,        w->frequency_hz, w->phase_deg, w->offset,
                           w->amplitude, w->period_ms, w->width_ms,     w->start_ms};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    CLS_CHECK(isfinite(values[i]), CLS_ERR_INPUT, "waveform: a value of %g: expected finite numbers",
              values[i]);
  CLS_CHECK(w->stop_ms > w->start_ms, CLS_ERR_INPUT,
            "waveform: stop_ms %.10g: expected a time after start_ms %.10g", w->stop_ms, w->start_ms);
  switch (w->kind) {
  case CLS_WAVE_STEP:
    return CLS_OK;
  case CLS_WAVE_RAMP:
    CLS_CHECK(isfinite(w->stop_ms), CLS_ERR_INPUT, "waveform: a ramp without stop_ms: expected its end");
    return CLS_OK;
  case CLS_WAVE_SINE:
    CLS_CHECK(w->frequency_hz >= 0, CLS_ERR_INPUT, "waveform: frequency_hz %g: expected at least 0",
              w->frequency_hz);
    return CLS_OK;
  case CLS_WAVE_PULSES:
    CLS_CHECK(w->period_ms > 0 && w->width_ms > 0 && w->width_ms <= w->period_ms, CLS_ERR_INPUT,
              "waveform: width_ms %g: expected above 0 and at most period_ms %g", w->width_ms, w->period_ms);
    return CLS_OK;
  case CLS_WAVE_SAMPLES:
    return check_samples(w);
  }
  return cls_fail(CLS_ERR_INTERNAL, "waveform: unknown kind %d", (int)w->kind);
}

cls_status cls_waveform_check(const cls_waveform *waveform) {
  for (int i = 0; i < waveform->n; i++) CLS_TRY(check_wave(&waveform->wave[i]));
  if (!waveform->gate) return CLS_OK;
  CLS_CHECK(waveform->gate->kind == CLS_WAVE_SAMPLES, CLS_ERR_INTERNAL, "waveform: a gate of kind %d",
            (int)waveform->gate->kind);
  return check_wave(waveform->gate);
}

/* ---- values ---- */

/* Position among the samples: the last one whose time is <= t, -1 before the first. */
static int64_t find_sample(const cls_wave *w, double t) {
  int64_t low = -1, high = (int64_t)w->n;
  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    if (w->time_ms[middle] <= t)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static double sample_at(const cls_wave *w, double t) {
  int64_t i = find_sample(w, t);
  if (i < 0) return 0;
  if (!w->linear || i + 1 == (int64_t)w->n) return w->sample[i];
  double share = (t - w->time_ms[i]) / (w->time_ms[i + 1] - w->time_ms[i]);
  return w->sample[i] + share * (w->sample[i + 1] - w->sample[i]);
}

/* The fraction of a cycle passed after `cycles` cycles. */
static double phase_of(double cycles) { return cycles - floor(cycles); }

static double wave_at(const cls_wave *w, double t) {
  if (t < w->start_ms || t >= w->stop_ms) return 0;
  double since = t - w->start_ms;
  switch (w->kind) {
  case CLS_WAVE_STEP:
    return w->value;
  case CLS_WAVE_RAMP:
    return w->value + (w->to - w->value) * (since / (w->stop_ms - w->start_ms));
  case CLS_WAVE_SINE:
    return w->offset +
           w->amplitude * cls_sin(TWO_PI * phase_of(since / 1000 * w->frequency_hz + w->phase_deg / 360));
  case CLS_WAVE_PULSES:
    return phase_of(since / w->period_ms) * w->period_ms < w->width_ms ? w->value : 0;
  case CLS_WAVE_SAMPLES:
    return sample_at(w, since);
  }
  return 0;
}

double cls_waveform_at(const cls_waveform *waveform, double t_ms) {
  double sum = waveform->n > 0 ? 0 : 1;
  for (int i = 0; i < waveform->n; i++) sum += wave_at(&waveform->wave[i], t_ms);
  return waveform->gate ? wave_at(waveform->gate, t_ms) * sum : sum;
}

static double samples_until(const cls_wave *w, double since) {
  int64_t i = find_sample(w, since);
  if (i + 1 == (int64_t)w->n) return w->stop_ms;
  return w->linear && i >= 0 ? w->start_ms + since : w->start_ms + w->time_ms[i + 1];
}

static double wave_until(const cls_wave *w, double t) {
  if (t < w->start_ms) return w->start_ms;
  if (t >= w->stop_ms) return INFINITY;
  double until = w->stop_ms, since = t - w->start_ms, cycle;
  switch (w->kind) {
  case CLS_WAVE_STEP:
    break;
  case CLS_WAVE_RAMP:
    return w->to == w->value ? until : t;
  case CLS_WAVE_SINE:
    return w->amplitude == 0 || w->frequency_hz == 0 ? until : t;
  case CLS_WAVE_PULSES:
    cycle = floor(since / w->period_ms) * w->period_ms;
    until = w->start_ms + cycle + (since - cycle < w->width_ms ? w->width_ms : w->period_ms);
    break;
  case CLS_WAVE_SAMPLES:
    until = samples_until(w, since);
    break;
  }
  return until < t ? t : until < w->stop_ms ? until : w->stop_ms;
}

double cls_waveform_constant_until(const cls_waveform *waveform, double t_ms) {
  double until = INFINITY;
  if (waveform->gate) {
    until = wave_until(waveform->gate, t_ms);
    if (wave_at(waveform->gate, t_ms) == 0) return until; /* whatever the waves do behind a closed gate */
  }
  for (int i = 0; i < waveform->n; i++) {
    double other = wave_until(&waveform->wave[i], t_ms);
    until = other < until ? other : until;
  }
  return until;
}

/* ---- bounds ---- */

typedef struct {
  double low, high;
} span;

static span hull(double a, double b) { return a < b ? (span){a, b} : (span){b, a}; }

static span samples_span(const cls_wave *w) {
  span s = {w->time_ms[0] > 0 ? 0 : w->sample[0], w->time_ms[0] > 0 ? 0 : w->sample[0]};
  for (uint64_t i = 0; i < w->n; i++) {
    s.low = w->sample[i] < s.low ? w->sample[i] : s.low;
    s.high = w->sample[i] > s.high ? w->sample[i] : s.high;
  }
  return s;
}

/* Values within [a, b), which the wave covers whole or not at all. */
static span wave_span(const cls_wave *w, double a, double b) {
  if (a < w->start_ms || a >= w->stop_ms) return (span){0, 0};
  double length = w->stop_ms - w->start_ms, swing = fabs(w->amplitude);
  switch (w->kind) {
  case CLS_WAVE_STEP:
    return (span){w->value, w->value};
  case CLS_WAVE_RAMP:
    return hull(w->value + (w->to - w->value) * ((a - w->start_ms) / length),
                w->value + (w->to - w->value) * ((b - w->start_ms) / length));
  case CLS_WAVE_SINE:
    return (span){w->offset - swing, w->offset + swing};
  case CLS_WAVE_PULSES:
    return w->width_ms < w->period_ms ? hull(0, w->value) : (span){w->value, w->value};
  case CLS_WAVE_SAMPLES:
    return samples_span(w);
  }
  return (span){0, 0};
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Between the starts and stops of all waves it is the same ones that act. */
cls_status cls_waveform_bounds(const cls_waveform *waveform, double *low, double *high) {
  double *edge;
  size_t n = 0;
  CLS_TRY(cls_alloc(&edge, 2 * (size_t)waveform->n + 2, sizeof *edge, "edges of a waveform"));
  edge[n++] = 0;
  edge[n++] = INFINITY;
  for (int i = 0; i < waveform->n; i++) {
    edge[n++] = waveform->wave[i].start_ms;
    edge[n++] = waveform->wave[i].stop_ms;
  }
  qsort(edge, n, sizeof *edge, ascending);
  *low = INFINITY;
  *high = -INFINITY;
  for (size_t k = 0; k + 1 < n; k++) {
    if (edge[k] < 0 || edge[k] == edge[k + 1]) continue;
    span sum = waveform->n > 0 ? (span){0, 0} : (span){1, 1};
    for (int i = 0; i < waveform->n; i++) {
      span part = wave_span(&waveform->wave[i], edge[k], edge[k + 1]);
      sum.low += part.low;
      sum.high += part.high;
    }
    *low = sum.low < *low ? sum.low : *low;
    *high = sum.high > *high ? sum.high : *high;
  }
  free(edge);
  if (!waveform->gate) return CLS_OK;
  span gate = samples_span(waveform->gate);
  const double corners[] = {gate.low * *low, gate.low * *high, gate.high * *low, gate.high * *high};
  *low = *high = 0; /* before it opens */
  for (int i = 0; i < 4; i++) {
    *low = corners[i] < *low ? corners[i] : *low;
    *high = corners[i] > *high ? corners[i] : *high;
  }
  return CLS_OK;
}

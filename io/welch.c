#include "io/welch.h"
#include "base/math.h"
#include <fftw3.h>
#include <stdlib.h>
#include <string.h>

#define TWO_PI 6.283185307179586476925

static cls_status make_plan(cls_welch *w) {
  CLS_TRY(cls_alloc(&w->in, w->length, sizeof *w->in, "signal to transform"));
  CLS_TRY(cls_alloc(&w->out, w->frequencies, sizeof *w->out, "transformed signal"));
  w->plan = fftw_plan_dft_r2c_1d((int)w->length, w->in, w->out, FFTW_ESTIMATE);
  CLS_CHECK(w->plan, CLS_ERR_MEMORY, "FFTW has no plan for a transform of %zu samples", w->length);
  return CLS_OK;
}

cls_status cls_welch_create(size_t signals, size_t length, double interval_s, cls_welch *w) {
  *w = (cls_welch){
      .signals = signals, .length = length, .frequencies = length / 2 + 1, .interval_s = interval_s};
  CLS_CHECK(length >= 2 && length <= CLS_WELCH_MAX, CLS_ERR_INPUT,
            "a spectrum of segments of %zu samples: expected 2 to %d", length, CLS_WELCH_MAX);
  CLS_TRY(cls_alloc(&w->window, length, sizeof *w->window, "window of a spectrum"));
  double square = 0;
  for (size_t k = 0; k < length; k++) {
    w->window[k] = 0.5 - 0.5 * cls_cos(TWO_PI * (double)k / (double)length);
    square += w->window[k] * w->window[k];
  }
  w->scale = interval_s / square;
  CLS_TRY(make_plan(w));
  CLS_TRY(cls_alloc(&w->sample, signals * length, sizeof *w->sample, "segments of spectra"));
  return cls_alloc(&w->power, signals * w->frequencies, sizeof *w->power, "spectra");
}

void cls_welch_destroy(cls_welch *w) {
  if (w->plan) fftw_destroy_plan(w->plan);
  free(w->window);
  free(w->in);
  free(w->out);
  free(w->sample);
  free(w->power);
}

static void add_segment(cls_welch *w, const double *sample, double *power) {
  double mean = 0;
  for (size_t k = 0; k < w->length; k++) mean += sample[k];
  mean /= (double)w->length;
  for (size_t k = 0; k < w->length; k++) w->in[k] = w->window[k] * (sample[k] - mean);
  fftw_execute(w->plan);
  for (size_t j = 0; j < w->frequencies; j++) {
    /* Frequencies with a negative twin count twice; 0 has none, nor has the last where length is even. */
    const double sides = j == 0 || 2 * j == w->length ? 1 : 2;
    power[j] += sides * w->scale * (w->out[j][0] * w->out[j][0] + w->out[j][1] * w->out[j][1]);
  }
}

void cls_welch_add(cls_welch *w, const double *samples) {
  const size_t kept = w->length / 2;
  for (size_t i = 0; i < w->signals; i++) w->sample[i * w->length + w->filled] = samples[i];
  if (++w->filled < w->length) return;
  for (size_t i = 0; i < w->signals; i++) {
    double *sample = w->sample + i * w->length;
    add_segment(w, sample, w->power + i * w->frequencies);
    memmove(sample, sample + w->length - kept, kept * sizeof *sample);
  }
  w->filled = kept;
  w->segments++;
}

void cls_welch_density(const cls_welch *w, size_t signal, size_t first, size_t n, double *density) {
  const double *power = w->power + signal * w->frequencies + first;
  for (size_t j = 0; j < n; j++) density[j] = w->segments > 0 ? power[j] / (double)w->segments : NAN;
}

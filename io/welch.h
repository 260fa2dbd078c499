/* Power spectral density of many signals that grow sample by sample, in bounded memory: Welch's method
 * (P. D. Welch, IEEE Trans. Audio Electroacoust. 15:70, 1967). Segments of `length` samples that overlap by
 * half are freed of their mean, weighted by a periodic Hann window and transformed; the density is the mean
 * of their periodograms, one-sided: its integral over frequency is the variance of the signal. As
 * scipy.signal.welch(x, 1 / interval, "hann", length, length // 2, detrend="constant", scaling="density"). */
#ifndef CALLOSUM_WELCH_H
#define CALLOSUM_WELCH_H

#include "base/base.h"

enum { CLS_WELCH_MAX = 1 << 24 }; /* samples of a segment */

typedef struct {
  size_t signals;
  size_t length;      /* samples of a segment, at least 2 */
  size_t frequencies; /* length / 2 + 1: multiples of 1 / (length interval) */
  double interval_s;
  double *window; /* [length] */
  double scale;   /* of a squared transform */
  /* Work space of a transform; FFTW's plan is estimated, never measured, so that its order of additions is
   * the same in every run. */
  double *in;
  double (*out)[2];
  void *plan;
  /* Position and state. */
  size_t filled;     /* samples of the current segment */
  uint64_t segments; /* complete ones */
  double *sample;    /* [signals][length] of the current segment */
  double *power;     /* [signals][frequencies] summed over segments */
} cls_welch;

/* Local, all of them. CLS_ERR_INPUT where the length is out of range. */
cls_status cls_welch_create(size_t signals, size_t length, double interval_s, cls_welch *welch);
void cls_welch_destroy(cls_welch *welch);
/* One more sample of every signal. */
void cls_welch_add(cls_welch *welch, const double *samples);
/* Density at frequencies [first, first + n) of a signal, so far; NaN before the first segment is complete. */
void cls_welch_density(const cls_welch *welch, size_t signal, size_t first, size_t n, double *density);

#endif

/* Time protocols: a factor on the strength of an input (the amplitude of a current, the rate of a Poisson
 * process) as a function of biological time. A waveform is the sum of waves, each of which is 0 outside
 * [start, stop), and may be gated by one more.
 *
 * The level of a step is the waveform in the middle of the step, (step + 1/2) dt: what begins and ends on the
 * grid acts in exactly the steps it covers, and a smooth waveform is followed to second order. Levels are
 * double precision by base/math.h: the same bits everywhere. */
#ifndef CALLOSUM_WAVEFORM_H
#define CALLOSUM_WAVEFORM_H

#include "base/base.h"

typedef enum {
  CLS_WAVE_STEP,   /* value */
  CLS_WAVE_RAMP,   /* from value, at start, to `to`, at stop (finite) */
  CLS_WAVE_SINE,   /* offset + amplitude sin(2 pi frequency (t - start) + phase) */
  CLS_WAVE_PULSES, /* value during the first width of every period, counted from start; else 0 */
  /* sample[i] from start + time[i] on, until the next (or on the line to the next); 0 before the first; the last
   * holds until stop */
  CLS_WAVE_SAMPLES
} cls_wave_kind;

/* Plain data, 0 where a kind does not use it. */
typedef struct {
  cls_wave_kind kind;
  double start_ms, stop_ms; /* stop: may be INFINITY */
  double value, to;
  double frequency_hz, phase_deg, offset, amplitude;
  double period_ms, width_ms;
  double *time_ms, *sample; /* [n], time ascending; owned by the waveform */
  uint64_t n;
  bool linear; /* samples: straight lines between them */
} cls_wave;

typedef struct {
  cls_wave *wave; /* summed; n = 0: 1 */
  int n;
  cls_wave *gate; /* factor on the sum, of kind samples; NULL: none */
} cls_waveform;

/* Makes an empty waveform (level 1), to be filled through the pointer; appends a wave (copied: its samples
 * then belong to the waveform); frees it with all waves (NULL is fine). */
cls_status cls_waveform_create(cls_waveform **waveform);
cls_status cls_waveform_add(cls_waveform *waveform, const cls_wave *wave);
cls_status cls_waveform_set_gate(cls_waveform *waveform, const cls_wave *gate);
void cls_waveform_destroy(cls_waveform *waveform);

/* CLS_ERR_INPUT with a message where a wave makes no sense: a stop that is not after the start, a width above
 * the period, times that do not ascend, values that are not finite. */
cls_status cls_waveform_check(const cls_waveform *waveform);
/* The value at t. */
double cls_waveform_at(const cls_waveform *waveform, double t_ms);
/* A time >= t before which, to rounding, the value does not change; t where it changes all the time. */
double cls_waveform_constant_until(const cls_waveform *waveform, double t_ms);
/* Bounds on the value at all times >= 0: exact for a single wave of any kind but samples, and not far off for
 * sums (sines are taken at their extremes). */
cls_status cls_waveform_bounds(const cls_waveform *waveform, double *low, double *high);
/* Bytes it holds. */
size_t cls_waveform_bytes(const cls_waveform *waveform);

#endif

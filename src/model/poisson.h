/* An independent Poisson spike train into every neuron:
 *
 *   input(s) = weight N(s);   P(N(s) = k) = m^k e^-m / k!,   m = rate level(t) dt
 *
 * The number of spikes of one step is drawn by inversion, comparing a 32-bit number with the cumulative distribution in units of 2^-32. Where the mean per
 * step is above 8, the count is the sum of `repeat` draws of an equal share (draw number r is counted in bits
 * 20 and up of the last counter word).
 *
 * The high half of the number decides alone unless it equals that of a threshold, which one draw in some 5,000
 * does; only then is the low half drawn, under the counter of a step that no run reaches. So a word of noise
 * serves two neurons.
 *
 * Where the rate follows a waveform, the cumulative distribution is that of the step: the rate in the middle
 * of the step times its length is its mean, the integral of the rate to second order. */
#ifndef CALLOSUM_POISSON_H
#define CALLOSUM_POISSON_H

#include "model/kernel.h"

#define poisson_CONSTS(X) X(weight)

enum {
  POISSON_LOW_HALF = 0x40000000, /* set in the high word of the step */
  POISSON_DRAW_SHIFT = 20        /* of the draw number, in the last counter word */
};

/* Number of thresholds that the number of neuron i of the population, whose high half is given, reaches. */
CLS_FN int32_t poisson_count(const uint32_t *threshold, int n, uint32_t high, const uint32_t key[2],
                             uint32_t i, uint32_t step_lo, uint32_t step_hi, uint32_t c3) {
  int32_t count = 0;
  while (count < n && threshold[count] >> 16 < high) count++;
  if (count == n || threshold[count] >> 16 > high) return count;
  uint32_t number = high << 16 | cls_noise_half(key, i, step_lo, step_hi | POISSON_LOW_HALF, c3);
  while (count < n && threshold[count] <= number) count++;
  return count;
}

#endif

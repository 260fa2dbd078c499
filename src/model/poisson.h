/* An independent Poisson spike train into every neuron: the number of spikes of one step is drawn by
 * inversion, comparing one noise word with the cumulative distribution in units of 2^-32. Where the mean per
 * step is above 8, the count is the sum of `repeat` draws of an equal share (draw number r is counted in bits
 * 20 and up of the last counter word).
 *
 * Where the rate follows a waveform, the cumulative distribution is that of the step: the rate in the middle
 * of the step times its length is its mean, the integral of the rate to second order. */
#ifndef CALLOSUM_POISSON_H
#define CALLOSUM_POISSON_H

#include "model/kernel.h"

#define poisson_CONSTS(X) X(weight)

/* Number of thresholds that a word reaches. */
CLS_FN int32_t poisson_count(const uint32_t *threshold, int n, uint32_t word) {
  int32_t count = 0;
  for (int j = 0; j < n; j++) count += word >= threshold[j];
  return count;
}

#endif

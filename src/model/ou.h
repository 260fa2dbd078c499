/* Ornstein-Uhlenbeck current, one independent process per neuron, exact on the grid (Gillespie, Phys. Rev. E
 * 54:2084, 1996, eq. 3.5; the background of the Digital Twin Brain):
 *
 *   I <- I + (1 - e^(-h/tau)) (mean - I) + sd sqrt(1 - e^(-2h/tau)) N(0, 1)
 *
 * It starts in its stationary distribution, and acts in the step it is drawn in: I is added to the current,
 * or I times the level of the waveform in the step where it has one (the process itself goes on). */
#ifndef CALLOSUM_OU_H
#define CALLOSUM_OU_H

#include "model/kernel.h"

#define ou_STATES(X) X(I)
#define ou_CONSTS(X) X(relax) X(mean) X(kick)

CLS_FN float ou_step(float I, float relax, float mean, float kick, uint32_t word) {
  return fmaf(kick, cls_gauss(word), fmaf(relax, mean - I, I));
}

#endif

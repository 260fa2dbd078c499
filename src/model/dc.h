/* A current into every neuron: its amplitude, times the level of its waveform in the step where it has one.
 *
 *   I_inputs(t) = amplitude level(t)
 */
#ifndef CALLOSUM_DC_H
#define CALLOSUM_DC_H

#include "model/kernel.h"

#define dc_CONSTS(X) X(amplitude)

CLS_FN float dc_step(float amplitude, float level, float current) { return fmaf(amplitude, level, current); }

#endif

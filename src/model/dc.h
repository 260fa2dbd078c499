/* A constant current into every neuron. */
#ifndef CALLOSUM_DC_H
#define CALLOSUM_DC_H

#include "model/kernel.h"

#define dc_CONSTS(X) X(amplitude)

CLS_FN float dc_step(float amplitude, float current) { return current + amplitude; }

#endif

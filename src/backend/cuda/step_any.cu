/* The kernels of steps for networks of any model: see the end of step.cu. */
#define CALLOSUM_STEPS_OF_ANY
#include "step.cu"

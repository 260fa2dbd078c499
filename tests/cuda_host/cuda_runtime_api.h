/* Stands in for CUDA's header of this name where kernels run on the CPU. */
#include "cuda_host.h"

/* /cuda: every rank on a GPU. States, synapses and spikes in flight stay there for the whole run; a window is one launch, and
 * what comes back is what is recorded. The spikes are those of /cpu/serial. */
#ifndef CALLOSUM_CUDA_H
#define CALLOSUM_CUDA_H

#include "engine/engine.h"

extern const cls_backend cls_backend_cuda;

#endif

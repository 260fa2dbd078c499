/* The neuron models that the GPU has kernels for: all of the registry. Their numbers are those in kernels. */
#ifndef CALLOSUM_CUDA_NEURONS_H
#define CALLOSUM_CUDA_NEURONS_H

#define CLS_GPU_NEURONS(X)                                                                                   \
  X(lif_psc_exp)                                                                                             \
  X(lif_psc_delta)                                                                                           \
  X(lif_cond_exp)                                                                                            \
  X(lif_psc_alpha)                                                                                           \
  X(lif_dtb)                                                                                                 \
  X(izhikevich)                                                                                              \
  X(adex)                                                                                                    \
  X(hh_cond_exp)                                                                                             \
  X(qif)                                                                                                     \
  X(alif)                                                                                                    \
  X(glif)                                                                                                    \
  X(two_compartment)                                                                                         \
  X(lif_dendrite)                                                                                            \
  X(relay)

#define CLS_GPU_NUMBER_(NAME) CLS_GPU_##NAME,
enum { CLS_GPU_NEURONS(CLS_GPU_NUMBER_) CLS_GPU_N_NEURONS };

#endif

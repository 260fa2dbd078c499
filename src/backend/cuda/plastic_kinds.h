/* Kinds of plasticity on the GPU: traces and short-term plasticity of all parts of a rank, each there once, and what runs of
 * a projection onto a range share, in terms of them. */
#ifndef CALLOSUM_CUDA_PLASTIC_KINDS_H
#define CALLOSUM_CUDA_PLASTIC_KINDS_H

#include "backend/cuda/plastic_store.h"

typedef struct {
  cls_spike_trace *pre, *post;
  cls_short_term_const *short_term;
  uint32_t n_pre, n_post, n_short_term;
} cls_gpu_mechanisms;

/* Local. To be freed whatever it returns. */
cls_status cls_gpu_mechanisms_find(const cls_backend_setup *setup, cls_gpu_mechanisms *mechanisms);
void cls_gpu_mechanisms_free(cls_gpu_mechanisms *mechanisms);
/* Those of all pieces of the stores, part after part. */
cls_status cls_gpu_kinds_make(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                              const cls_gpu_mechanisms *mechanisms, cls_gpu_plastic_kind *kind);
/* Which values of a presynaptic spike, and of a postsynaptic one, are those of a part, in the order of its store:
 * pre[n_pre + 2 n_short_term], post[n_post]. */
void cls_gpu_kinds_of_part(const cls_gpu_mechanisms *mechanisms, const cls_plastic_store *store,
                           uint32_t *pre, uint32_t *post);

#endif

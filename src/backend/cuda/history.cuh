/* Past spikes on the GPU: see cls_gpu_history. One thread at a time has to do with an owner. */
#ifndef CALLOSUM_CUDA_HISTORY_CUH
#define CALLOSUM_CUDA_HISTORY_CUH

#include "backend/cuda/device_plastic.h"
#include "backend/cuda/gpu.h"

CLS_GPU_FN cls_gpu_past *cls_gpu_newest(const cls_gpu_history *h, uint32_t owner) {
  return (cls_gpu_past *)(h->newest + (uint64_t)owner * h->size);
}
CLS_GPU_FN cls_gpu_past *cls_gpu_older(const cls_gpu_history *h, uint32_t number) {
  return (cls_gpu_past *)(h->older + (uint64_t)number * h->size);
}
CLS_GPU_FN float *cls_gpu_values(cls_gpu_past *spike) { return (float *)(spike + 1); }
CLS_GPU_FN const float *cls_gpu_values(const cls_gpu_past *spike) { return (const float *)(spike + 1); }

/* Makes a spike of step `step` the newest of an owner. Its values are still those of the one before, which moved to the older
 * ones (*last: its step), and are for the caller to renew. Sets CLS_GPU_PLASTIC_FULL in *full where room may end. */
CLS_GPU_FN cls_gpu_past *cls_gpu_history_add(const cls_gpu_history *h, uint32_t owner, int64_t step,
                                             uint32_t *full, int64_t *last) {
  cls_gpu_past *spike = cls_gpu_newest(h, owner), was = *spike;
  *last = was.step;
  if (was.step != CLS_GPU_NEVER) {
    const uint32_t k = atomicAdd(h->used, 1u), number = h->free[k];
    cls_gpu_past *moved = cls_gpu_older(h, number);
    const uint32_t values = (h->size - (uint32_t)sizeof *spike) / (uint32_t)sizeof(float);
    *moved = was;
    for (uint32_t i = 0; i < values; i++) cls_gpu_values(moved)[i] = cls_gpu_values(spike)[i];
    if (was.before != 0) cls_gpu_older(h, was.before)->after = number;
    was.before = number;
    if (k >= h->limit) atomicOr(full, (uint32_t)CLS_GPU_PLASTIC_FULL);
  }
  *spike = cls_gpu_past{step, was.step, was.before, 0};
  return spike;
}

/* Forgets the spikes of an owner before `step`, but for the newest of them. No others may be added meanwhile. */
CLS_GPU_FN void cls_gpu_history_forget(const cls_gpu_history *h, uint32_t owner, int64_t step) {
  cls_gpu_past *spike = cls_gpu_newest(h, owner);
  while (spike->step >= step && spike->before != 0) spike = cls_gpu_older(h, spike->before);
  const uint32_t first = spike->before;
  uint32_t n = 0;
  if (first == 0) return;
  spike->before = 0;
  spike->step_before = CLS_GPU_NEVER; /* what came before is forgotten */
  for (uint32_t number = first; number != 0; number = cls_gpu_older(h, number)->before) n++;
  uint32_t at = atomicSub(h->used, n) - n;
  for (uint32_t number = first; number != 0; number = cls_gpu_older(h, number)->before)
    h->free[at++] = number;
}

#endif

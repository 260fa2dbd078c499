/* Spikes in flight on the GPU. There is no ring buffer of neurons x delays: what is kept is what was fired, and how far along
 * its row each spike has come. An entry stands at the run of its row that is due next; those before the head of the ring have
 * come to their end. */
#ifndef CALLOSUM_CUDA_FLIGHT_CUH
#define CALLOSUM_CUDA_FLIGHT_CUH

#include "backend/cuda/device.h"
#include "backend/cuda/gpu.h"

CLS_GPU_FN uint32_t cls_gpu_run_count(const cls_gpu_store *s, uint32_t header) {
  return header & ((1u << s->count_bits) - 1);
}
CLS_GPU_FN uint32_t cls_gpu_run_delay(const cls_gpu_store *s, uint32_t header) {
  return header >> s->count_bits & ((1u << s->delay_bits) - 1);
}
CLS_GPU_FN uint32_t cls_gpu_run_channel(const cls_gpu_store *s, uint32_t header) {
  return header >> (s->count_bits + s->delay_bits);
}

/* The first entry that may still have a run due in `step` or later: all before it arrived when step - 1 - max_delay was
 * over, or earlier. */
CLS_GPU_FN uint64_t cls_gpu_head(const cls_gpu_flight *flight, int64_t step, uint32_t max_delay) {
  const int64_t over = step - 1 - (int64_t)max_delay;
  return over < 0 ? 0 : flight->mark[(uint64_t)over & flight->mark_mask];
}

/* The first spike of `step` or later among those that wait for packets. */
CLS_GPU_FN uint64_t cls_gpu_leaving_from(const cls_gpu_leaving *leaving, int64_t step) {
  return step < 1 ? 0 : leaving->mark[(uint64_t)(step - 1) & leaving->mark_mask];
}

/* Enters a piece of the row of a spike of step `fired`, as entry `entry`. */
CLS_GPU_FN void cls_gpu_depart(const cls_gpu_flight *flight, const cls_gpu_store *store, uint64_t entry,
                               uint32_t piece, uint32_t fired) {
  const uint64_t i = entry & flight->mask;
  flight->piece[i] = piece;
  flight->at[i] = 0;
  flight->fired[i] = fired;
  flight->due[i] = fired + store->piece[piece].delay;
}

#endif

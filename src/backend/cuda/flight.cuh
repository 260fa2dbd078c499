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

/* Entries before this one have come to their end when `step` begins: they arrived when step - 1 - max_delay was over, or
 * earlier. */
CLS_GPU_FN uint64_t cls_gpu_head(const cls_gpu_flight *flight, int64_t step, uint32_t max_delay) {
  const int64_t over = step - 2 - (int64_t)max_delay;
  return over < 0 ? 0 : flight->mark[(uint64_t)over & flight->mark_mask];
}

/* Those before this one, among the spikes that wait for packets, are of steps before `step`. */
CLS_GPU_FN uint64_t cls_gpu_leaving_from(const cls_gpu_leaving *leaving, int64_t step) {
  return step < 2 ? 0 : leaving->mark[(uint64_t)(step - 2) & leaving->mark_mask];
}

CLS_GPU_FN uint64_t cls_gpu_when(uint32_t fired, uint32_t due) { return (uint64_t)fired << 32 | due; }

/* Makes entry `entry` of a ring. Others may look at when it is due at the same time. */
CLS_GPU_FN void cls_gpu_enter(const cls_gpu_flight *flight, uint64_t entry, cls_gpu_place place,
                              uint32_t fired, uint32_t due) {
  const uint64_t i = entry & flight->mask;
  flight->where[i] = place;
  cls_gpu_show(&flight->when[i], cls_gpu_when(fired, due));
}

#endif

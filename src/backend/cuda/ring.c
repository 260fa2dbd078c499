#include "backend/cuda/ring.h"
#include <stdlib.h>

static uint64_t power_of_two(uint64_t n) {
  uint64_t p = 1;
  while (p < n) p *= 2;
  return p;
}

cls_gpu_ring_sizes cls_gpu_ring_measure(uint64_t in_a_step, double besides, uint32_t max_delay) {
  enum { LEAST = 1024 };
  return (cls_gpu_ring_sizes){.entries = power_of_two(in_a_step + (uint64_t)besides + LEAST),
                              .marks = power_of_two(max_delay + 2ull)};
}

typedef struct {
  size_t when, where, tail, mark;
} places;

static places plan(cls_gpu_ring_sizes sizes, cls_gpu_arena *arena) {
  *arena = (cls_gpu_arena){.name = "spikes in flight to a member"};
  places at = {.when = cls_gpu_arena_add(arena, sizes.entries, sizeof(uint64_t))};
  at.where = cls_gpu_arena_add(arena, sizes.entries, sizeof(cls_gpu_place));
  at.tail = cls_gpu_arena_add(arena, 1, sizeof(uint64_t));
  at.mark = cls_gpu_arena_add(arena, sizes.marks, sizeof(uint64_t));
  return at;
}

void cls_gpu_ring_plan(cls_gpu_ring_sizes sizes, cls_gpu_arena *arena) { (void)plan(sizes, arena); }

/* Moves entries first ... first + n - 1 of an array of a ring, of items of `size` bytes, to the beginning of another. */
static cls_status move(void *to, const void *from, size_t size, uint64_t mask, uint64_t first, uint64_t n,
                       cudaStream_t stream) {
  const uint64_t begin = first & mask, straight = n < mask + 1 - begin ? n : mask + 1 - begin;
  CLS_CUDA(cudaMemcpyAsync(to, (const char *)from + begin * size, straight * size, cudaMemcpyDeviceToDevice,
                           stream),
           "moving spikes in flight");
  CLS_CUDA(cudaMemcpyAsync((char *)to + straight * size, from, (n - straight) * size,
                           cudaMemcpyDeviceToDevice, stream),
           "moving spikes in flight");
  return CLS_OK;
}

/* Entries are counted anew: the oldest that is kept is number 0. */
static cls_status move_ring(const cls_gpu_flight *from, const cls_gpu_flight *to, uint64_t marks,
                            cudaStream_t stream) {
  uint64_t *mark = NULL, tail = 0;
  CLS_TRY(cls_alloc(&mark, marks, sizeof *mark, "marks of spikes in flight"));
  cls_status status = cls_gpu_check(
      cudaMemcpyAsync(mark, from->mark, marks * sizeof *mark, cudaMemcpyDeviceToHost, stream), "marks");
  if (status == CLS_OK)
    status = cls_gpu_check(cudaMemcpyAsync(&tail, from->tail, sizeof tail, cudaMemcpyDeviceToHost, stream),
                           "tail");
  if (status == CLS_OK) status = cls_gpu_check(cudaStreamSynchronize(stream), "spikes in flight");
  const uint64_t kept = from->mask + 1, first = tail > kept ? tail - kept : 0;
  for (uint64_t i = 0; i < marks; i++) mark[i] = mark[i] > first ? mark[i] - first : 0;
  tail -= first;
  if (status == CLS_OK)
    status = move(to->when, from->when, sizeof *to->when, from->mask, first, tail, stream);
  if (status == CLS_OK)
    status = move(to->where, from->where, sizeof *to->where, from->mask, first, tail, stream);
  if (status == CLS_OK)
    status = cls_gpu_check(
        cudaMemcpyAsync(to->mark, mark, marks * sizeof *mark, cudaMemcpyHostToDevice, stream), "marks");
  if (status == CLS_OK)
    status =
        cls_gpu_check(cudaMemcpyAsync(to->tail, &tail, sizeof tail, cudaMemcpyHostToDevice, stream), "tail");
  if (status == CLS_OK) status = cls_gpu_check(cudaStreamSynchronize(stream), "spikes in flight");
  free(mark);
  return status;
}

cls_status cls_gpu_ring_make(cls_gpu_ring_sizes sizes, cls_gpu_arena *arena, cls_gpu_flight *flight,
                             cudaStream_t stream) {
  cls_gpu_arena made;
  const places at = plan(sizes, &made);
  CLS_TRY(cls_gpu_arena_make(&made, stream));
  const cls_gpu_flight ring = {.when = cls_gpu_arena_at(&made, at.when),
                               .where = cls_gpu_arena_at(&made, at.where),
                               .mask = sizes.entries - 1,
                               .tail = cls_gpu_arena_at(&made, at.tail),
                               .mark = cls_gpu_arena_at(&made, at.mark),
                               .mark_mask = (uint32_t)(sizes.marks - 1)};
  if (arena->memory) {
    const cls_status status = move_ring(flight, &ring, sizes.marks, stream);
    if (status != CLS_OK) {
      cls_gpu_arena_free(&made);
      return status;
    }
  }
  cls_gpu_arena_free(arena);
  *arena = made;
  *flight = ring;
  return CLS_OK;
}

cls_status cls_gpu_ring_forget(cls_gpu_ring_sizes sizes, const cls_gpu_flight *flight, cudaStream_t stream) {
  CLS_CUDA(cudaMemsetAsync(flight->tail, 0, sizeof *flight->tail, stream), "spikes in flight");
  /* Entries are looked at before they are written. */
  CLS_CUDA(cudaMemsetAsync(flight->when, 0, sizes.entries * sizeof *flight->when, stream),
           "spikes in flight");
  CLS_CUDA(cudaMemsetAsync(flight->mark, 0, sizes.marks * sizeof *flight->mark, stream), "spikes in flight");
  return CLS_OK;
}

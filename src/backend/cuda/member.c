#include "backend/cuda/member.h"
#include <stdlib.h>
#include <string.h>

static uint64_t power_of_two(uint64_t n) {
  uint64_t p = 1;
  while (p < n) p *= 2;
  return p;
}

/* ---- sizes ---- */

double cls_gpu_spikes_expected(const cls_backend_setup *setup, double steps) {
  double spikes = 0;
  for (uint32_t r = 0; r < setup->layout->n_ranges; r++) {
    const cls_range *range = &setup->layout->ranges[r];
    spikes += range->n * setup->network->populations[range->population].rate_hz;
  }
  return spikes * 1e-3 * setup->network->dt_ms * steps;
}

cls_gpu_member_sizes cls_gpu_member_expect(const cls_gpu_store_counts *store, double pool, double sums,
                                           double in_flight) {
  enum { TIMES_EXPECTED = 4, LEAST = 1024 };
  const double pieces = store->slots > 0 ? (double)store->pieces / (double)store->slots : 0;
  const uint64_t expected = (uint64_t)(TIMES_EXPECTED * in_flight * pieces);
  return (cls_gpu_member_sizes){.pool = (uint64_t)pool,
                                .sums = (uint64_t)sums,
                                .ring = power_of_two(store->pieces_here + expected + LEAST),
                                .marks = power_of_two(store->max_delay + 2ull)};
}

cls_gpu_member_sizes cls_gpu_member_measure(const cls_backend_setup *setup, const cls_gpu_store_counts *store,
                                            const cls_gpu_channels *channels) {
  return cls_gpu_member_expect(store, (double)setup->neurons[0]->pool, (double)channels->words,
                               cls_gpu_spikes_expected(setup, store->max_delay + 1.0));
}

/* ---- states ---- */

typedef struct {
  size_t pool, sums, digest, spikes;
} member_places;

static member_places plan_member(const cls_gpu_member_sizes *sizes, cls_gpu_arena *arena) {
  *arena = (cls_gpu_arena){.name = "states of a member"};
  member_places at = {.pool = cls_gpu_arena_add(arena, sizes->pool, sizeof(float))};
  at.sums = cls_gpu_arena_add(arena, sizes->sums, sizeof(uint32_t));
  at.digest = cls_gpu_arena_add(arena, 1, sizeof(uint64_t));
  at.spikes = cls_gpu_arena_add(arena, 1, sizeof(uint64_t));
  return at;
}

void cls_gpu_member_plan(const cls_gpu_member_sizes *sizes, cls_gpu_member_memory *member) {
  (void)plan_member(sizes, &member->arena);
}

cls_status cls_gpu_member_make(const cls_gpu_member_sizes *sizes, cls_gpu_member_memory *member,
                               cudaStream_t stream) {
  const member_places at = plan_member(sizes, &member->arena);
  CLS_TRY(cls_gpu_arena_make(&member->arena, stream));
  member->device.pool = cls_gpu_arena_at(&member->arena, at.pool);
  member->device.sums = cls_gpu_arena_at(&member->arena, at.sums);
  member->device.digest = cls_gpu_arena_at(&member->arena, at.digest);
  member->device.spikes = cls_gpu_arena_at(&member->arena, at.spikes);
  return CLS_OK;
}

/* ---- the ring ---- */

typedef struct {
  size_t due, fired, piece, at, tail, mark;
} ring_places;

static ring_places plan_ring(const cls_gpu_member_sizes *sizes, cls_gpu_arena *arena) {
  *arena = (cls_gpu_arena){.name = "spikes in flight to a member"};
  ring_places at = {.due = cls_gpu_arena_add(arena, sizes->ring, sizeof(uint32_t))};
  at.fired = cls_gpu_arena_add(arena, sizes->ring, sizeof(uint32_t));
  at.piece = cls_gpu_arena_add(arena, sizes->ring, sizeof(uint32_t));
  at.at = cls_gpu_arena_add(arena, sizes->ring, sizeof(uint32_t));
  at.tail = cls_gpu_arena_add(arena, 1, sizeof(uint64_t));
  at.mark = cls_gpu_arena_add(arena, sizes->marks, sizeof(uint64_t));
  return at;
}

void cls_gpu_ring_plan(const cls_gpu_member_sizes *sizes, cls_gpu_arena *arena) {
  (void)plan_ring(sizes, arena);
}

/* Moves entries first ... first + n - 1 of an array of a ring to the beginning of another. */
static cls_status move(uint32_t *to, const uint32_t *from, uint64_t mask, uint64_t first, uint64_t n,
                       cudaStream_t stream) {
  const uint64_t begin = first & mask, straight = n < mask + 1 - begin ? n : mask + 1 - begin;
  CLS_CUDA(cudaMemcpyAsync(to, from + begin, straight * sizeof *to, cudaMemcpyDeviceToDevice, stream),
           "moving spikes in flight");
  CLS_CUDA(
      cudaMemcpyAsync(to + straight, from, (n - straight) * sizeof *to, cudaMemcpyDeviceToDevice, stream),
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
  if (status == CLS_OK) status = move(to->due, from->due, from->mask, first, tail, stream);
  if (status == CLS_OK) status = move(to->fired, from->fired, from->mask, first, tail, stream);
  if (status == CLS_OK) status = move(to->piece, from->piece, from->mask, first, tail, stream);
  if (status == CLS_OK) status = move(to->at, from->at, from->mask, first, tail, stream);
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

cls_status cls_gpu_ring_make(const cls_gpu_member_sizes *sizes, cls_gpu_member_memory *member,
                             cudaStream_t stream) {
  cls_gpu_arena arena;
  const ring_places at = plan_ring(sizes, &arena);
  CLS_TRY(cls_gpu_arena_make(&arena, stream));
  const cls_gpu_flight ring = {.due = cls_gpu_arena_at(&arena, at.due),
                               .fired = cls_gpu_arena_at(&arena, at.fired),
                               .piece = cls_gpu_arena_at(&arena, at.piece),
                               .at = cls_gpu_arena_at(&arena, at.at),
                               .mask = sizes->ring - 1,
                               .tail = cls_gpu_arena_at(&arena, at.tail),
                               .mark = cls_gpu_arena_at(&arena, at.mark),
                               .mark_mask = sizes->marks - 1};
  if (member->ring.memory) {
    const cls_status status = move_ring(&member->device.flight, &ring, sizes->marks, stream);
    if (status != CLS_OK) {
      cls_gpu_arena_free(&arena);
      return status;
    }
  }
  cls_gpu_arena_free(&member->ring);
  member->ring = arena;
  member->device.flight = ring;
  return CLS_OK;
}

cls_status cls_gpu_member_forget(const cls_gpu_member_sizes *sizes, cls_gpu_member_memory *member,
                                 cudaStream_t stream) {
  const cls_gpu_flight *ring = &member->device.flight;
  CLS_CUDA(cudaMemsetAsync(ring->tail, 0, sizeof *ring->tail, stream), "spikes in flight");
  CLS_CUDA(cudaMemsetAsync(ring->mark, 0, sizes->marks * sizeof *ring->mark, stream), "spikes in flight");
  return CLS_OK;
}

/* ---- spikes that leave ---- */

/* Moves spikes first ... tail - 1 of a ring to another, where they keep their numbers. */
static cls_status move_leaving(const cls_gpu_leaving *from, const cls_gpu_leaving *to, uint64_t kept,
                               cudaStream_t stream) {
  uint64_t tail = 0;
  CLS_CUDA(cudaMemcpyAsync(&tail, from->tail, sizeof tail, cudaMemcpyDeviceToHost, stream), "tail");
  CLS_CUDA(cudaStreamSynchronize(stream), "spikes that leave");
  for (uint64_t n, first = tail - kept; first < tail; first += n) {
    const uint64_t old = first & from->mask, new = first & to->mask;
    n = tail - first;
    if (n > from->mask + 1 - old) n = from->mask + 1 - old;
    if (n > to->mask + 1 - new) n = to->mask + 1 - new;
    CLS_CUDA(cudaMemcpyAsync(to->neuron + new, from->neuron + old, n * sizeof *to->neuron,
                             cudaMemcpyDeviceToDevice, stream),
             "moving spikes that leave");
    CLS_CUDA(cudaMemcpyAsync(to->fired + new, from->fired + old, n * sizeof *to->fired,
                             cudaMemcpyDeviceToDevice, stream),
             "moving spikes that leave");
  }
  return CLS_OK;
}

cls_status cls_gpu_leaving_make(uint64_t ring, uint64_t marks, uint64_t kept, cls_gpu_member_memory *member,
                                cudaStream_t stream) {
  cls_gpu_arena arena = {.name = "spikes that leave"};
  const size_t neuron = cls_gpu_arena_add(&arena, ring, sizeof(uint32_t));
  const size_t fired = cls_gpu_arena_add(&arena, ring, sizeof(uint32_t));
  cls_gpu_leaving *leaving = &member->device.leaving;
  if (!member->leaving_marks.memory) {
    member->leaving_marks = (cls_gpu_arena){.name = "steps of spikes that leave"};
    const size_t tail = cls_gpu_arena_add(&member->leaving_marks, 1, sizeof(uint64_t));
    const size_t mark = cls_gpu_arena_add(&member->leaving_marks, marks, sizeof(uint64_t));
    CLS_TRY(cls_gpu_arena_make(&member->leaving_marks, stream));
    leaving->tail = cls_gpu_arena_at(&member->leaving_marks, tail);
    leaving->mark = cls_gpu_arena_at(&member->leaving_marks, mark);
    leaving->mark_mask = marks - 1;
  }
  CLS_TRY(cls_gpu_arena_make(&arena, stream));
  cls_gpu_leaving grown = *leaving;
  grown.neuron = cls_gpu_arena_at(&arena, neuron);
  grown.fired = cls_gpu_arena_at(&arena, fired);
  grown.mask = ring - 1;
  cls_status status = kept > 0 ? move_leaving(leaving, &grown, kept, stream) : CLS_OK;
  if (status == CLS_OK) status = cls_gpu_check(cudaStreamSynchronize(stream), "spikes that leave");
  cls_gpu_arena_free(status == CLS_OK ? &member->leaving : &arena);
  if (status != CLS_OK) return status;
  member->leaving = arena;
  *leaving = grown;
  return CLS_OK;
}

/* ---- lists and counts ---- */

cls_status cls_gpu_list_make(uint64_t spikes, uint64_t steps, cls_gpu_member_memory *member,
                             cudaStream_t stream) {
  cls_gpu_arena_free(&member->kept);
  member->kept = (cls_gpu_arena){.name = "spikes kept for the host"};
  const size_t neuron = cls_gpu_arena_add(&member->kept, spikes, sizeof(uint32_t));
  const size_t end = cls_gpu_arena_add(&member->kept, steps, sizeof(uint64_t));
  const size_t n = cls_gpu_arena_add(&member->kept, 1, sizeof(uint64_t));
  CLS_TRY(cls_gpu_arena_make(&member->kept, stream));
  member->device.list = (cls_gpu_list){.neuron = cls_gpu_arena_at(&member->kept, neuron),
                                       .end = cls_gpu_arena_at(&member->kept, end),
                                       .n = cls_gpu_arena_at(&member->kept, n)};
  return CLS_OK;
}

cls_status cls_gpu_counts_make(const uint64_t *words, uint32_t n_tallies, cls_gpu_member_memory *member,
                               cudaStream_t stream) {
  size_t at[CLS_GPU_TALLIES];
  cls_gpu_arena_free(&member->counts);
  member->counts = (cls_gpu_arena){.name = "counts of spikes"};
  for (uint32_t t = 0; t < n_tallies; t++)
    at[t] = cls_gpu_arena_add(&member->counts, words[t], sizeof(uint32_t));
  CLS_TRY(cls_gpu_arena_make(&member->counts, stream));
  for (uint32_t t = 0; t < n_tallies; t++) member->device.count[t] = cls_gpu_arena_at(&member->counts, at[t]);
  return CLS_OK;
}

void cls_gpu_member_free(cls_gpu_member_memory *member) {
  cls_gpu_arena_free(&member->arena);
  cls_gpu_arena_free(&member->ring);
  cls_gpu_arena_free(&member->leaving);
  cls_gpu_arena_free(&member->leaving_marks);
  cls_gpu_arena_free(&member->kept);
  cls_gpu_arena_free(&member->counts);
}

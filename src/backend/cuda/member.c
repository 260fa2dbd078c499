#include "backend/cuda/member.h"

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
  enum { TIMES_EXPECTED = 4 };
  const double pieces = store->slots > 0 ? (double)store->pieces / (double)store->slots : 0;
  return (cls_gpu_member_sizes){
      .pool = (uint64_t)pool,
      .sums = (uint64_t)sums,
      .ring =
          cls_gpu_ring_measure(store->pieces_here, TIMES_EXPECTED * in_flight * pieces, store->max_delay)};
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
  at.sums = cls_gpu_arena_add(arena, sizes->sums + sizes->apart, sizeof(uint32_t));
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
  const size_t of_step = cls_gpu_arena_add(&member->kept, steps, sizeof(uint64_t));
  const size_t n = cls_gpu_arena_add(&member->kept, 1, sizeof(uint64_t));
  CLS_TRY(cls_gpu_arena_make(&member->kept, stream));
  member->device.list = (cls_gpu_list){.neuron = cls_gpu_arena_at(&member->kept, neuron),
                                       .of_step = cls_gpu_arena_at(&member->kept, of_step),
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

/* What plastic synapses remembered when a checkpoint was made, put back. Parts come one after the other: weights, and spikes
 * so old that only what they found is known; with the last one the spikes since, which all parts share. */
#include "backend/cuda/instance.h"
#include "backend/cuda/part.h"
#include "backend/cuda/recall.h"
#include <stdlib.h>

static cls_status copy_in(cls_cuda *b, void *to, const void *from, size_t bytes) {
  if (bytes == 0) return CLS_OK;
  b->profile.copies_in++;
  b->profile.bytes_in += bytes;
  return cls_gpu_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, b->stream),
                       "copying past spikes");
}

/* ---- spikes before ---- */

/* Owners are put some at a time. */
enum { OWNERS = 1 << 20 };

static cls_status put_some(cls_cuda *b, cls_gpu_anchor_args args, const int64_t *step, const float *value) {
  CLS_TRY(copy_in(b, (int64_t *)args.step, step, args.n * sizeof *step));
  CLS_TRY(copy_in(b, (float *)args.value, value, args.n * args.values * sizeof *value));
  CLS_CUDA(cls_gpu_launch_anchor(&args, b->stream), "putting past spikes");
  b->profile.launches++;
  return cls_cuda_wait(b, "putting past spikes");
}

static cls_status put_part(cls_cuda *b, int member, int h, const cls_cuda_part_owners *part,
                           const int64_t *step, const float *value) {
  const size_t most = part->n < OWNERS ? part->n : OWNERS;
  cls_gpu_arena arena = {.name = "past spikes to copy"};
  const size_t steps = cls_gpu_arena_add(&arena, most, sizeof *step);
  const size_t values = cls_gpu_arena_add(&arena, most * part->values, sizeof *value);
  const size_t at = cls_gpu_arena_add(&arena, part->values, sizeof *part->at);
  cls_status status = cls_gpu_arena_make(&arena, b->stream);
  if (status == CLS_OK)
    status = copy_in(b, cls_gpu_arena_at(&arena, at), part->at, part->values * sizeof *part->at);
  cls_gpu_anchor_args args = {.history = b->plastic.members[member].memory.device.history[h],
                              .step = cls_gpu_arena_at(&arena, steps),
                              .value = cls_gpu_arena_at(&arena, values),
                              .at = cls_gpu_arena_at(&arena, at),
                              .values = part->values};
  for (uint32_t done = 0; done < part->n && status == CLS_OK; done += args.n) {
    args.first = part->first + done;
    args.n = part->n - done < OWNERS ? part->n - done : OWNERS;
    status = put_some(b, args, step + done, value + (size_t)done * part->values);
  }
  cls_gpu_arena_free(&arena);
  return status;
}

/* ---- spikes since ---- */

/* What a spike of each owner means: pieces of its row, or whether it is a target; 0: nothing. */
static cls_status copy_rows(cls_cuda *b, uint32_t **matters) {
  const size_t n = b->plastic.synapses.counts.slots;
  cls_gpu_pieces *row = NULL;
  CLS_TRY(cls_alloc(matters, n, sizeof **matters, "rows"));
  CLS_TRY(cls_alloc(&row, n, sizeof *row, "rows"));
  cls_status status = cls_gpu_check(cudaMemcpyAsync(row, b->plastic.synapses.device.of_slot, n * sizeof *row,
                                                    cudaMemcpyDeviceToHost, b->stream),
                                    "copying rows");
  if (status == CLS_OK) status = cls_cuda_wait(b, "copying rows");
  for (size_t slot = 0; slot < n; slot++) (*matters)[slot] = row[slot].n;
  free(row);
  return status;
}

static cls_status copy_targets(cls_cuda *b, uint32_t **matters) {
  const size_t n = b->plastic.synapses.counts.local;
  cls_gpu_plastic_local *local = NULL;
  CLS_TRY(cls_alloc(matters, n, sizeof **matters, "targets"));
  CLS_TRY(cls_alloc(&local, n, sizeof *local, "targets"));
  cls_status status = cls_gpu_check(cudaMemcpyAsync(local, b->plastic.synapses.device.of_local,
                                                    n * sizeof *local, cudaMemcpyDeviceToHost, b->stream),
                                    "copying targets");
  if (status == CLS_OK) status = cls_cuda_wait(b, "copying targets");
  for (size_t i = 0; i < n; i++) (*matters)[i] = local[i].is_target;
  free(local);
  return status;
}

/* Spikes by owner, those of one in the order they had; those that do not matter are left out. */
static cls_status sort_spikes(const cls_fired *fired, size_t n, const uint32_t *matters, uint32_t owners,
                              cls_gpu_arrival **sorted, size_t *kept) {
  size_t *end = NULL; /* of those of each owner, then where its next one goes */
  *kept = 0;
  CLS_TRY(cls_alloc(&end, owners + 1ul, sizeof *end, "past spikes"));
  for (size_t i = 0; i < n; i++)
    if (matters[fired[i].of]) end[fired[i].of + 1]++;
  for (uint32_t k = 0; k < owners; k++) end[k + 1] += end[k];
  *kept = end[owners];
  const cls_status status = cls_alloc(sorted, *kept, sizeof **sorted, "past spikes");
  for (size_t i = 0; i < n && status == CLS_OK; i++)
    if (matters[fired[i].of])
      (*sorted)[end[fired[i].of]++] = (cls_gpu_arrival){fired[i].of, (uint32_t)(uint64_t)fired[i].step};
  free(end);
  return status;
}

/* Entries of the ring that spikes of sources may need. */
static uint64_t count_entries(const cls_cuda *b, const cls_plastic_memory *memory, const uint32_t *pieces) {
  uint64_t entries = 0;
  for (size_t i = 0; i < memory->n_heard; i++)
    if (memory->heard[i].step + (int64_t)b->plastic.synapses.counts.max_delay >= memory->now)
      entries += pieces[memory->heard[i].of];
  return entries;
}

static cls_status enter(cls_cuda *b, int member, int h, const cls_gpu_arrival *spike, size_t n) {
  cls_gpu_arena arena = {.name = "past spikes to enter"};
  if (n == 0) return CLS_OK;
  (void)cls_gpu_arena_add(&arena, n, sizeof *spike);
  CLS_TRY(cls_cuda_plastic_copy(b));
  CLS_TRY(cls_gpu_arena_make(&arena, b->stream));
  const cls_gpu_again_args args = {.plastic = b->plastic.synapses.device,
                                   .member = cls_cuda_plastic_member_of(b, member),
                                   .spike = cls_gpu_arena_at(&arena, 0),
                                   .n = n,
                                   .now = b->now,
                                   .full = b->rank.full};
  cls_status status = copy_in(b, arena.memory, spike, n * sizeof *spike);
  if (status == CLS_OK)
    status = cls_gpu_check(h == CLS_GPU_PRE ? cls_gpu_launch_hear_again(&args, b->stream)
                                            : cls_gpu_launch_fire_again(&args, b->stream),
                           "entering past spikes");
  if (status == CLS_OK) status = cls_cuda_wait(b, "entering past spikes");
  cls_gpu_arena_free(&arena);
  b->profile.launches++;
  return status;
}

static cls_status enter_spikes(cls_cuda *b, int member, const cls_plastic_memory *memory) {
  const cls_gpu_history_sizes *sizes = b->plastic.sizes.history;
  uint32_t *matters[CLS_GPU_HISTORIES] = {NULL};
  cls_gpu_arrival *spike[CLS_GPU_HISTORIES] = {NULL};
  size_t n[CLS_GPU_HISTORIES] = {0};
  cls_status status = copy_rows(b, &matters[CLS_GPU_PRE]);
  if (status == CLS_OK) status = copy_targets(b, &matters[CLS_GPU_POST]);
  if (status == CLS_OK)
    status = sort_spikes(memory->heard, memory->n_heard, matters[CLS_GPU_PRE], sizes[CLS_GPU_PRE].owners,
                         &spike[CLS_GPU_PRE], &n[CLS_GPU_PRE]);
  if (status == CLS_OK)
    status =
        sort_spikes(memory->own, sizes[CLS_GPU_POST].owners > 0 ? memory->n_own : 0, matters[CLS_GPU_POST],
                    sizes[CLS_GPU_POST].owners, &spike[CLS_GPU_POST], &n[CLS_GPU_POST]);
  if (status == CLS_OK)
    status = cls_cuda_plastic_room(b, member, count_entries(b, memory, matters[CLS_GPU_PRE]),
                                   (const uint64_t[]){n[CLS_GPU_PRE], n[CLS_GPU_POST]});
  for (int h = 0; h < CLS_GPU_HISTORIES; h++) {
    if (status == CLS_OK) status = enter(b, member, h, spike[h], n[h]);
    free(matters[h]);
    free(spike[h]);
  }
  return status;
}

/* ---- all of it ---- */

static bool is_last(const cls_cuda *b, uint32_t part) {
  for (uint32_t p = part + 1; p < b->setup.layout->n_parts; p++)
    if (b->setup.stores[p]->plastic) return false;
  return true;
}

cls_status cls_cuda_plastic_remember(void *instance, int member, uint32_t part,
                                     const cls_plastic_memory *memory) {
  cls_cuda *b = instance;
  cls_cuda_plastic_member *m = &b->plastic.members[member];
  cls_cuda_part p;
  CLS_TRY(cls_cuda_settle(b));
  CLS_CHECK(memory->now == b->now, CLS_ERR_INTERNAL,
            "plastic synapses remember step %lld: expected %lld, which is computed next",
            (long long)memory->now, (long long)b->now);
  CLS_TRY(copy_in(b, m->memory.device.v + cls_gpu_plastic_first(&b->setup, part), memory->v,
                  b->setup.stores[part]->plastic->n_stdp * sizeof *memory->v));
  m->shown = -1;
  cls_status status = cls_cuda_part_find(b, part, &p);
  if (status == CLS_OK)
    status = put_part(b, member, CLS_GPU_PRE, &p.of[CLS_GPU_PRE], memory->pre_step, memory->pre_value);
  if (status == CLS_OK)
    status = put_part(b, member, CLS_GPU_POST, &p.of[CLS_GPU_POST], memory->post_step, memory->post_value);
  cls_cuda_part_free(&p);
  if (status == CLS_OK) status = cls_cuda_wait(b, "copying weights");
  return status == CLS_OK && is_last(b, part) ? enter_spikes(b, member, memory) : status;
}

/* What plastic synapses of a part remember, told for checkpoints. */
#include "backend/cuda/recall.h"
#include "backend/cuda/instance.h"
#include "backend/cuda/part.h"
#include <stdlib.h>

_Static_assert(CLS_NEVER_FIRED == CLS_GPU_NEVER, "steps are copied as they are");

/* Where owners are recalled to, some at a time. */
enum { OWNERS = 1 << 20 };
typedef struct {
  cls_gpu_arena arena;
  size_t step, value; /* [OWNERS], [OWNERS][values] */
  float *here;        /* values */
} room;

static cls_status make_room(cls_cuda *b, uint32_t owners, size_t values, room *r) {
  const size_t n = owners < OWNERS ? owners : OWNERS;
  *r = (room){.arena = {.name = "past spikes to copy"}};
  r->step = cls_gpu_arena_add(&r->arena, n, sizeof(int64_t));
  r->value = cls_gpu_arena_add(&r->arena, n * values, sizeof(float));
  CLS_TRY(cls_alloc(&r->here, n * values, sizeof *r->here, "past spikes to copy"));
  b->profile.allocations++;
  return cls_gpu_arena_make(&r->arena, b->stream);
}

/* Owners first ... first + n - 1. */
static cls_status recall_some(cls_cuda *b, const cls_gpu_history *history, const room *r, int64_t since,
                              uint32_t first, uint32_t n, size_t values, int64_t *step) {
  const cls_gpu_recall_args args = {.history = *history,
                                    .since = since,
                                    .step = cls_gpu_arena_at(&r->arena, r->step),
                                    .value = cls_gpu_arena_at(&r->arena, r->value),
                                    .first = first,
                                    .n = n,
                                    .values = values};
  CLS_CUDA(cls_gpu_launch_recall(&args, b->stream), "looking for past spikes");
  CLS_CUDA(cudaMemcpyAsync(step, args.step, n * sizeof *step, cudaMemcpyDeviceToHost, b->stream),
           "copying past spikes");
  CLS_CUDA(
      cudaMemcpyAsync(r->here, args.value, n * values * sizeof *r->here, cudaMemcpyDeviceToHost, b->stream),
      "copying past spikes");
  b->profile.launches++;
  b->profile.copies_out += 2;
  b->profile.bytes_out += n * (sizeof *step + values * sizeof *r->here);
  return cls_cuda_wait(b, "copying past spikes");
}

/* The owners of a part, in the order of its values. */
static cls_status recall_part(cls_cuda *b, int member, int h, const cls_cuda_part_owners *part, int64_t since,
                              int64_t *step, float *value) {
  const size_t values = b->plastic.sizes.history[h].values;
  room r;
  cls_status status = make_room(b, part->n, values, &r);
  for (uint32_t done = 0, n; done < part->n && status == CLS_OK; done += n) {
    n = part->n - done < OWNERS ? part->n - done : OWNERS;
    status = recall_some(b, &b->plastic.members[member].memory.device.history[h], &r, since,
                         part->first + done, n, values, step + done);
    for (size_t i = 0; i < n && status == CLS_OK; i++)
      for (uint32_t k = 0; k < part->values; k++)
        value[(done + i) * part->values + k] = r.here[i * values + part->at[k]];
  }
  cls_gpu_arena_free(&r.arena);
  free(r.here);
  return status;
}

/* The part does not hear sources that have no row in it: that another part does is not told. */
static void leave_out(const cls_plastic_store *store, uint32_t values, int64_t *step, float *value) {
  for (uint32_t slot = 0; slot < store->n_slots; slot++) {
    if (store->row[slot] < store->row[slot + 1]) continue;
    step[slot] = CLS_NEVER_FIRED;
    for (uint32_t k = 0; k < values; k++) value[(size_t)slot * values + k] = 0.0f;
  }
}

cls_status cls_cuda_plastic_recall(void *instance, int member, uint32_t part, int64_t since,
                                   int64_t *pre_step, float *pre_value, int64_t *post_step,
                                   float *post_value) {
  cls_cuda *b = instance;
  cls_cuda_part p;
  CLS_TRY(cls_cuda_settle(b));
  cls_status status = cls_cuda_part_find(b, part, &p);
  const cls_cuda_part_owners *pre = &p.of[CLS_GPU_PRE], *post = &p.of[CLS_GPU_POST];
  if (status == CLS_OK) status = recall_part(b, member, CLS_GPU_PRE, pre, since, pre_step, pre_value);
  if (status == CLS_OK) leave_out(b->setup.stores[part]->plastic, pre->values, pre_step, pre_value);
  if (status == CLS_OK) status = recall_part(b, member, CLS_GPU_POST, post, since, post_step, post_value);
  for (uint32_t i = post->n; status == CLS_OK && i < p.n_local; i++) post_step[i] = CLS_NEVER_FIRED;
  cls_cuda_part_free(&p);
  return status;
}

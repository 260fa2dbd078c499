#include "backend/cuda/plastic_member.h"
#include "backend/cuda/plastic_launch.h"

/* ---- sizes ---- */

static cls_gpu_history_sizes measure_history(uint64_t owners, uint32_t values, uint64_t active,
                                             uint64_t in_a_step) {
  enum { SPIKES = 8, LEAST = 1024 };
  const uint64_t most = 1ul << 30, room = in_a_step + SPIKES * active + LEAST;
  return (cls_gpu_history_sizes){.owners = (uint32_t)owners,
                                 .values = values,
                                 .in_a_step = (uint32_t)in_a_step,
                                 .room = (uint32_t)(room < most ? room : most)};
}

cls_gpu_plastic_sizes cls_gpu_plastic_measure(const cls_gpu_plastic_counts *c, double in_flight) {
  enum { TIMES_EXPECTED = 4 };
  cls_gpu_plastic_sizes sizes = {.stdp = c->stdp};
  const double pieces = c->sources > 0 ? (double)c->pieces / (double)c->sources : 0;
  if (c->synapses == 0) return sizes;
  sizes.ring = cls_gpu_ring_measure(c->pieces_here, TIMES_EXPECTED * in_flight * pieces, c->max_delay);
  sizes.history[CLS_GPU_PRE] =
      measure_history(c->slots, c->n_pre + 2 * c->n_short_term, c->sources, c->sources_here);
  sizes.history[CLS_GPU_POST] =
      measure_history(c->stdp > 0 ? c->local : 0, c->n_post, c->targets, c->targets);
  return sizes;
}

/* ---- histories ---- */

/* Bytes of a spike: whole sectors of 32, in which memory is fetched. */
static uint32_t spike_size(const cls_gpu_history_sizes *sizes) {
  return (uint32_t)(sizeof(cls_gpu_past) + sizes->values * sizeof(float) + 31) / 32 * 32;
}

typedef struct {
  size_t newest, used, older, free;
} places;

static places plan_newest(const cls_gpu_history_sizes *sizes, cls_gpu_arena *arena) {
  *arena = (cls_gpu_arena){.name = "newest spikes"};
  places at = {.newest = cls_gpu_arena_add(arena, sizes->owners, spike_size(sizes))};
  at.used = cls_gpu_arena_add(arena, 1, sizeof(uint32_t));
  return at;
}

static places plan_older(const cls_gpu_history_sizes *sizes, uint32_t room, cls_gpu_arena *arena) {
  *arena = (cls_gpu_arena){.name = "past spikes"};
  places at = {.older = cls_gpu_arena_add(arena, room + 1ul, spike_size(sizes))};
  at.free = cls_gpu_arena_add(arena, room, sizeof(uint32_t));
  return at;
}

static cls_status make_history(const cls_gpu_history_sizes *sizes, cls_gpu_history_memory *memory,
                               cls_gpu_history *history, cudaStream_t stream) {
  const places newest = plan_newest(sizes, &memory->newest),
               older = plan_older(sizes, sizes->room, &memory->older);
  CLS_TRY(cls_gpu_arena_make(&memory->newest, stream));
  CLS_TRY(cls_gpu_arena_make(&memory->older, stream));
  *history = (cls_gpu_history){.newest = cls_gpu_arena_at(&memory->newest, newest.newest),
                               .older = cls_gpu_arena_at(&memory->older, older.older),
                               .free = cls_gpu_arena_at(&memory->older, older.free),
                               .used = cls_gpu_arena_at(&memory->newest, newest.used),
                               .owners = sizes->owners,
                               .size = spike_size(sizes),
                               .room = sizes->room,
                               .limit = sizes->room - sizes->in_a_step};
  const cls_gpu_history_args args = {*history, 1, sizes->room + 1};
  CLS_CUDA(cls_gpu_launch_never(&args, stream), "past spikes");
  CLS_CUDA(cls_gpu_launch_room(&args, stream), "past spikes");
  return CLS_OK;
}

/* Copies what the smaller memory holds; numbers stay. */
static cls_status move_older(const cls_gpu_history *from, const cls_gpu_history *to, cudaStream_t stream) {
  const cls_gpu_history_args args = {*to, from->room + 1, to->room + 1};
  CLS_CUDA(cudaMemcpyAsync(to->older, from->older, (from->room + 1ul) * from->size, cudaMemcpyDeviceToDevice,
                           stream),
           "moving past spikes");
  CLS_CUDA(
      cudaMemcpyAsync(to->free, from->free, from->room * sizeof *to->free, cudaMemcpyDeviceToDevice, stream),
      "moving past spikes");
  CLS_CUDA(cls_gpu_launch_room(&args, stream), "past spikes");
  CLS_CUDA(cudaStreamSynchronize(stream), "moving past spikes");
  return CLS_OK;
}

cls_status cls_gpu_history_grow(const cls_gpu_history_sizes *sizes, int which, cls_gpu_plastic_memory *member,
                                cudaStream_t stream) {
  cls_gpu_history *history = &member->device.history[which], grown = *history;
  cls_gpu_arena made;
  CLS_CHECK(history->room < 1u << 30, CLS_ERR_LIMIT, "room for more than %u past spikes: expected less",
            history->room);
  grown.room = 2 * history->room;
  grown.limit = grown.room - sizes->in_a_step;
  const places at = plan_older(sizes, grown.room, &made);
  CLS_TRY(cls_gpu_arena_make(&made, stream));
  grown.older = cls_gpu_arena_at(&made, at.older);
  grown.free = cls_gpu_arena_at(&made, at.free);
  const cls_status status = move_older(history, &grown, stream);
  if (status != CLS_OK) {
    cls_gpu_arena_free(&made);
    return status;
  }
  cls_gpu_arena_free(&member->history[which].older);
  member->history[which].older = made;
  *history = grown;
  return CLS_OK;
}

/* ---- members ---- */

static size_t plan_weights(const cls_gpu_plastic_sizes *sizes, cls_gpu_arena *arena) {
  *arena = (cls_gpu_arena){.name = "weights of plastic synapses"};
  return cls_gpu_arena_add(arena, sizes->stdp, sizeof(int32_t));
}

void cls_gpu_plastic_member_plan(const cls_gpu_plastic_sizes *sizes, cls_gpu_plastic_memory *member) {
  (void)plan_weights(sizes, &member->weights);
  cls_gpu_ring_plan(sizes->ring, &member->ring);
  for (int h = 0; h < CLS_GPU_HISTORIES; h++) {
    (void)plan_newest(&sizes->history[h], &member->history[h].newest);
    (void)plan_older(&sizes->history[h], sizes->history[h].room, &member->history[h].older);
  }
}

cls_status cls_gpu_plastic_member_make(const cls_gpu_plastic_sizes *sizes, const int32_t *v,
                                       cls_gpu_plastic_memory *member, cudaStream_t stream) {
  const size_t weights = plan_weights(sizes, &member->weights);
  CLS_TRY(cls_gpu_arena_make(&member->weights, stream));
  member->device.v = cls_gpu_arena_at(&member->weights, weights);
  CLS_CUDA(cudaMemcpyAsync(member->device.v, v, sizes->stdp * sizeof *v, cudaMemcpyHostToDevice, stream),
           "copying weights");
  CLS_TRY(cls_gpu_ring_make(sizes->ring, &member->ring, &member->device.flight, stream));
  for (int h = 0; h < CLS_GPU_HISTORIES; h++)
    CLS_TRY(make_history(&sizes->history[h], &member->history[h], &member->device.history[h], stream));
  return CLS_OK;
}

void cls_gpu_plastic_member_free(cls_gpu_plastic_memory *member) {
  cls_gpu_arena_free(&member->weights);
  cls_gpu_arena_free(&member->ring);
  for (int h = 0; h < CLS_GPU_HISTORIES; h++) {
    cls_gpu_arena_free(&member->history[h].newest);
    cls_gpu_arena_free(&member->history[h].older);
  }
}

size_t cls_gpu_history_bytes(const cls_gpu_plastic_memory *member) {
  size_t bytes = 0;
  for (int h = 0; h < CLS_GPU_HISTORIES; h++)
    bytes += member->history[h].newest.bytes + member->history[h].older.bytes;
  return bytes;
}

/* Plastic synapses of an instance: made, spikes of other ranks entered, weights brought up to date and shown, room made for
 * past spikes. */
#include "backend/cuda/instance.h"
#include "backend/cuda/plastic_launch.h"
#include <stdlib.h>

/* ---- creation ---- */

cls_status cls_cuda_plastic_plan(cls_cuda *b) {
  cls_cuda_plastic *p = &b->plastic;
  cls_gpu_plastic_counts counts;
  CLS_TRY(cls_gpu_plastic_count(&b->setup, &counts));
  cls_gpu_plastic_plan(&counts, &p->synapses);
  p->sizes = cls_gpu_plastic_measure(&counts, cls_gpu_spikes_expected(&b->setup, counts.max_delay + 1.0));
  return CLS_OK;
}

static cls_status make_members(cls_cuda *b) {
  cls_cuda_plastic *p = &b->plastic;
  const size_t members = (size_t)b->setup.members;
  int32_t *v = NULL;
  CLS_TRY(cls_alloc(&p->members, members, sizeof *p->members, "members"));
  CLS_CUDA(cudaMallocHost((void **)&p->status, members * sizeof *p->status), "no pinned memory");
  CLS_TRY(cls_alloc(&v, p->sizes.stdp, sizeof *v, "plastic weights"));
  cls_gpu_plastic_start(&b->setup, v);
  cls_status status = CLS_OK;
  for (size_t m = 0; m < members && status == CLS_OK; m++) {
    p->members[m].shown = -1;
    p->members[m].memory.device.status = &p->status[m];
    status = cls_gpu_plastic_member_make(&p->sizes, v, &p->members[m].memory, b->stream);
  }
  if (status == CLS_OK) status = cls_cuda_wait(b, "copying weights");
  free(v);
  return status;
}

cls_status cls_cuda_plastic_make(cls_cuda *b) {
  cls_cuda_plastic *p = &b->plastic;
  if (!cls_cuda_is_plastic(b)) return CLS_OK;
  CLS_TRY(cls_gpu_arena_make(&p->synapses.arena, b->stream));
  CLS_TRY(cls_gpu_plastic_fill(&b->setup, &b->channels, &p->synapses, b->stream));
  p->synapses.device.flight_limit = p->sizes.ring.entries - p->synapses.counts.pieces_here;
  p->synapses.device.folded = b->now;
  CLS_TRY(make_members(b));
  p->table = (cls_gpu_arena){.name = "tables"};
  (void)cls_gpu_arena_add(&p->table, (size_t)b->setup.members, sizeof(cls_gpu_plastic_member));
  p->table_old = true;
  return cls_gpu_arena_make(&p->table, b->stream);
}

void cls_cuda_plastic_free(cls_cuda *b) {
  cls_cuda_plastic *p = &b->plastic;
  for (int m = 0; p->members && m < b->setup.members; m++) {
    cls_gpu_plastic_member_free(&p->members[m].memory);
    free(p->members[m].v);
  }
  free(p->members);
  if (p->status) (void)cudaFreeHost(p->status);
  cls_gpu_arena_free(&p->synapses.arena);
  cls_gpu_arena_free(&p->table);
  cls_gpu_arena_free(&p->next);
}

/* ---- tables ---- */

const cls_gpu_plastic_member *cls_cuda_plastic_member_of(const cls_cuda *b, int member) {
  return cls_cuda_is_plastic(b) ? (const cls_gpu_plastic_member *)(void *)b->plastic.table.memory + member
                                : NULL;
}

cls_status cls_cuda_plastic_copy(cls_cuda *b) {
  cls_cuda_plastic *p = &b->plastic;
  const size_t size = sizeof(cls_gpu_plastic_member);
  if (!p->table_old) return CLS_OK;
  for (int m = 0; m < b->setup.members; m++)
    CLS_CUDA(cudaMemcpyAsync(p->table.memory + (size_t)m * size, &p->members[m].memory.device, size,
                             cudaMemcpyHostToDevice, b->stream),
             "copying tables");
  b->profile.copies_in += (uint64_t)b->setup.members;
  b->profile.bytes_in += (uint64_t)b->setup.members * size;
  p->table_old = false;
  return CLS_OK;
}

/* ---- weights ---- */

static cls_gpu_tidy_args tidy_args(const cls_cuda *b) {
  const cls_cuda_plastic *p = &b->plastic;
  return (cls_gpu_tidy_args){.plastic = p->synapses.device,
                             .member = cls_cuda_plastic_member_of(b, 0),
                             .members = (uint32_t)b->setup.members,
                             .owners =
                                 p->sizes.history[CLS_GPU_PRE].owners + p->sizes.history[CLS_GPU_POST].owners,
                             .now = b->now};
}

/* Brings all weights up to the step to be computed next. */
static cls_status fold(cls_cuda *b) {
  cls_gpu_plastic *device = &b->plastic.synapses.device;
  if (device->folded == b->now) return CLS_OK;
  if (b->plastic.sizes.stdp > 0) {
    CLS_TRY(cls_cuda_plastic_copy(b));
    const cls_gpu_tidy_args args = tidy_args(b);
    CLS_CUDA(cls_gpu_launch_fold(&args, b->stream), "bringing weights up to date");
    b->profile.launches++;
  }
  device->folded = b->now;
  return CLS_OK;
}

cls_status cls_cuda_plastic_weights(void *instance, int member, uint32_t part, const int32_t **v) {
  cls_cuda *b = instance;
  *v = NULL;
  if (!cls_cuda_is_plastic(b)) return CLS_OK;
  CLS_TRY(cls_cuda_settle(b));
  cls_cuda_plastic_member *m = &b->plastic.members[member];
  const size_t bytes = b->plastic.sizes.stdp * sizeof *m->v;
  if (!m->v) CLS_TRY(cls_alloc(&m->v, b->plastic.sizes.stdp, sizeof *m->v, "plastic weights"));
  if (m->shown != b->now) {
    CLS_TRY(fold(b));
    CLS_CUDA(cudaMemcpyAsync(m->v, m->memory.device.v, bytes, cudaMemcpyDeviceToHost, b->stream),
             "copying weights");
    CLS_TRY(cls_cuda_wait(b, "copying weights"));
    b->profile.copies_out++;
    b->profile.bytes_out += bytes;
    m->shown = b->now;
  }
  *v = m->v + cls_gpu_plastic_first(&b->setup, part);
  return CLS_OK;
}

/* ---- room ---- */

static cls_status grow_rings(cls_cuda *b) {
  cls_cuda_plastic *p = &b->plastic;
  p->sizes.ring.entries *= 2;
  for (int m = 0; m < b->setup.members; m++) {
    cls_gpu_plastic_memory *memory = &p->members[m].memory;
    CLS_TRY(cls_gpu_ring_make(p->sizes.ring, &memory->ring, &memory->device.flight, b->stream));
    b->profile.allocations++;
  }
  p->synapses.device.flight_limit = p->sizes.ring.entries - p->synapses.counts.pieces_here;
  p->table_old = true;
  return CLS_OK;
}

/* Makes room for `more` older spikes, up to `limit` of them, of a history of a member. */
static cls_status grow_history(cls_cuda *b, int member, int h, uint64_t more, uint32_t of_limit) {
  cls_cuda_plastic *p = &b->plastic;
  cls_cuda_plastic_member *m = &p->members[member];
  while (m->used[h] + more > m->memory.device.history[h].limit / of_limit) {
    CLS_TRY(cls_gpu_history_grow(&p->sizes.history[h], h, &m->memory, b->stream));
    b->profile.allocations++;
    p->table_old = true;
  }
  return CLS_OK;
}

/* Forgets the past spikes that nothing will look back at; where more than half must stay there is too little room. */
static cls_status tidy(cls_cuda *b) {
  cls_cuda_plastic *p = &b->plastic;
  CLS_TRY(fold(b));
  CLS_TRY(cls_cuda_plastic_copy(b));
  const cls_gpu_tidy_args args = tidy_args(b);
  CLS_CUDA(cls_gpu_launch_forget(&args, b->stream), "forgetting past spikes");
  b->profile.launches++;
  for (int m = 0; m < b->setup.members; m++)
    for (int h = 0; h < CLS_GPU_HISTORIES; h++)
      CLS_CUDA(cudaMemcpyAsync(&p->members[m].used[h], p->members[m].memory.device.history[h].used,
                               sizeof(uint32_t), cudaMemcpyDeviceToHost, b->stream),
               "counting past spikes");
  CLS_TRY(cls_cuda_wait(b, "forgetting past spikes"));
  for (int m = 0; m < b->setup.members; m++)
    for (int h = 0; h < CLS_GPU_HISTORIES; h++) CLS_TRY(grow_history(b, m, h, 0, 2));
  return CLS_OK;
}

static bool is_full(const cls_cuda *b, int member, int h, uint64_t more) {
  const cls_cuda_plastic_member *m = &b->plastic.members[member];
  return m->used[h] + more > m->memory.device.history[h].limit;
}

cls_status cls_cuda_plastic_advanced(cls_cuda *b) {
  cls_cuda_plastic *p = &b->plastic;
  bool full = false;
  for (int m = 0; p->members && m < b->setup.members; m++) {
    p->members[m].in_flight = p->status[m].in_flight;
    for (int h = 0; h < CLS_GPU_HISTORIES; h++) {
      p->members[m].used[h] = p->status[m].used[h];
      full = full || is_full(b, m, h, 0);
    }
    while (p->members[m].in_flight > p->synapses.device.flight_limit) CLS_TRY(grow_rings(b));
  }
  return full ? tidy(b) : CLS_OK;
}

cls_status cls_cuda_plastic_room(cls_cuda *b, int member, uint64_t entries,
                                 const uint64_t more[CLS_GPU_HISTORIES]) {
  cls_cuda_plastic *p = &b->plastic;
  cls_cuda_plastic_member *m = &p->members[member];
  m->in_flight += entries;
  while (m->in_flight > p->synapses.device.flight_limit) CLS_TRY(grow_rings(b));
  for (int h = 0; h < CLS_GPU_HISTORIES; h++) {
    CLS_TRY(grow_history(b, member, h, more[h], 1));
    m->used[h] += (uint32_t)more[h];
  }
  return CLS_OK;
}

/* ---- spikes of other ranks ---- */

cls_status cls_cuda_plastic_hear(cls_cuda *b, int member, const cls_gpu_arrival *arrivals,
                                 const uint64_t *count, uint64_t n) {
  cls_cuda_plastic *p = &b->plastic;
  if (!p->members || n == 0) return CLS_OK;
  cls_cuda_plastic_member *m = &p->members[member];
  CLS_CHECK(n < UINT32_MAX, CLS_ERR_LIMIT, "%llu spikes arrive at once: expected fewer than 2^32",
            (unsigned long long)n);
  m->in_flight += n * p->synapses.counts.pieces_of_slot;
  while (m->in_flight > p->synapses.device.flight_limit) CLS_TRY(grow_rings(b));
  if (is_full(b, member, CLS_GPU_PRE, n)) CLS_TRY(tidy(b));
  CLS_TRY(grow_history(b, member, CLS_GPU_PRE, n, 1));
  m->used[CLS_GPU_PRE] += (uint32_t)n;
  CLS_TRY(cls_cuda_plastic_copy(b));
  CLS_TRY(cls_cuda_reserve(b, &p->next, "chains of arrivals", n * sizeof(uint32_t)));
  const cls_gpu_hear_args args = {.plastic = p->synapses.device,
                                  .member = cls_cuda_plastic_member_of(b, member),
                                  .arrival = arrivals,
                                  .count = count,
                                  .next = (uint32_t *)(void *)p->next.memory,
                                  .n = n,
                                  .now = b->now,
                                  .full = b->rank.full};
  CLS_CUDA(cls_gpu_launch_hear(&args, b->stream), "entering arrivals");
  b->profile.launches += 2;
  return CLS_OK;
}

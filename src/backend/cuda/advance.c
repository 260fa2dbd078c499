/* Windows: spikes of other ranks are entered, and all members advance in as few launches as there is room for. */
#include "backend/cuda/instance.h"
#include <string.h>

/* ---- spikes of other ranks ---- */

static cls_status reserve_arrivals(cls_cuda_arrivals *a, size_t n) {
  if (n <= a->capacity) return CLS_OK;
  const size_t capacity = n > 2 * a->capacity ? n : 2 * a->capacity;
  cls_gpu_arrival *grown = NULL;
  CLS_CUDA(cudaMallocHost((void **)&grown, capacity * sizeof *grown), "no pinned memory for arrivals");
  if (a->n > 0) memcpy(grown, a->arrival, a->n * sizeof *grown);
  if (a->arrival) (void)cudaFreeHost(a->arrival);
  a->arrival = grown;
  a->capacity = capacity;
  return CLS_OK;
}

static cls_status add_arrivals(cls_cuda *b, int member, int64_t now, const cls_arrival *arrivals, size_t n) {
  cls_cuda_arrivals *a = &b->arrivals[member];
  CLS_TRY(reserve_arrivals(a, a->n + n));
  for (size_t i = 0; i < n; i++)
    a->arrival[a->n++] =
        (cls_gpu_arrival){arrivals[i].slot, (uint32_t)(uint64_t)(now - (int64_t)arrivals[i].age)};
  return CLS_OK;
}

cls_status cls_cuda_deliver(void *instance, int member, const cls_arrival *arrivals, size_t n) {
  cls_cuda *b = instance;
  return n > 0 ? add_arrivals(b, member, b->now, arrivals, n) : CLS_OK;
}

/* Rings of twice the size for all members. */
static cls_status grow_rings(cls_cuda *b) {
  b->sizes.ring.entries *= 2;
  for (int m = 0; m < b->setup.members; m++) {
    CLS_TRY(cls_gpu_ring_make(b->sizes.ring, &b->members[m].ring, &b->members[m].device.flight, b->stream));
    b->profile.allocations++;
  }
  b->rank.flight_limit = b->sizes.ring.entries - b->synapses.counts.pieces_here;
  b->tables_old = true;
  return CLS_OK;
}

/* Enters what was handed over to a member; `again`: it was before, and plastic synapses know it. */
static cls_status enter(cls_cuda *b, int member, bool again) {
  cls_cuda_arrivals *a = &b->arrivals[member];
  const size_t bytes = a->n * sizeof *a->arrival;
  if (a->n == 0) return CLS_OK;
  b->in_flight[member] += a->n * b->synapses.counts.pieces_of_slot;
  while (b->in_flight[member] > b->rank.flight_limit) CLS_TRY(grow_rings(b));
  CLS_TRY(cls_cuda_reserve(b, &b->arrived, "arrivals", bytes));
  CLS_CUDA(cudaMemcpyAsync(b->arrived.memory, a->arrival, bytes, cudaMemcpyHostToDevice, b->stream),
           "copying arrivals");
  const cls_gpu_arrive_args args = {.flight = b->members[member].device.flight,
                                    .store = b->synapses.device,
                                    .arrival = (const cls_gpu_arrival *)b->arrived.memory,
                                    .n = a->n,
                                    .now = b->now};
  CLS_CUDA(cls_gpu_launch_arrive(&args, b->stream), "entering arrivals");
  if (!again) CLS_TRY(cls_cuda_plastic_hear(b, member, args.arrival, args.n));
  b->profile.launches++;
  b->profile.copies_in++;
  b->profile.bytes_in += bytes;
  a->n = 0;
  /* The next member's arrivals go where these lie, and the host's list is filled again. */
  return cls_cuda_wait(b, "entering arrivals");
}

cls_status cls_cuda_redeliver(void *instance, int member, int64_t now, const cls_arrival *arrivals,
                              size_t n) {
  cls_cuda *b = instance;
  CLS_TRY(enter(b, member, false)); /* plastic synapses have to know it */
  b->now = now;
  /* Weights were drawn again, for all members: the first of them finds them so. */
  if (member == 0) CLS_TRY(cls_gpu_store_fill(&b->setup, &b->channels, &b->synapses, b->stream));
  CLS_TRY(cls_gpu_ring_forget(b->sizes.ring, &b->members[member].device.flight, b->stream));
  b->in_flight[member] = b->arrivals[member].n = 0;
  CLS_TRY(add_arrivals(b, member, now, arrivals, n));
  return enter(b, member, true);
}

/* ---- launches ---- */

/* How far a launch from `now` may go towards `end`. */
static int64_t launch_end(const cls_cuda *b, int64_t end) {
  for (uint32_t p = 0; p < b->n_parameters; p++) {
    const cls_gpu_drive_rows *drive = &b->parameters[p].drive;
    if (drive->changes && end - b->now > drive->rows) end = b->now + drive->rows;
  }
  if (b->rank.keep != CLS_GPU_KEEP_NONE && end - b->rank.list_first > CLS_CUDA_LIST_STEPS)
    end = b->rank.list_first + CLS_CUDA_LIST_STEPS;
  return end;
}

static void note_traffic(cls_cuda *b, int64_t steps) {
  uint64_t bytes = 0; /* of a step: states and sums are read and written */
  for (int m = 0; m < b->setup.members; m++) bytes += 8 * (b->sizes.pool + b->sizes.sums);
  b->profile.update_bytes += bytes * (uint64_t)steps;
  b->profile.steps += (uint64_t)steps;
}

static cls_status launch(cls_cuda *b, int64_t end) {
  for (uint32_t p = 0; p < b->n_parameters; p++)
    CLS_TRY(cls_gpu_parameters_drive(&b->parameters[p], b->now, end, b->stream));
  CLS_TRY(cls_cuda_tables_copy(b));
  CLS_TRY(cls_cuda_plastic_copy(b));
  b->rank.store = b->synapses.device;
  CLS_CUDA(cudaMemsetAsync(b->rank.full, 0, sizeof *b->rank.full, b->stream), "a launch");
  const cls_gpu_step_args args = {b->rank, b->plastic.synapses.device, b->now, end};
  CLS_CUDA(cls_gpu_launch_steps(&args, b->only, b->blocks, b->stream), "launching steps");
  CLS_TRY(cls_cuda_wait(b, "computing steps"));
  b->profile.launches++;
  CLS_CHECK(b->status->reached > b->now && b->status->reached <= end, CLS_ERR_INTERNAL,
            "a launch from step %lld to %lld came to %lld", (long long)b->now, (long long)end,
            (long long)b->status->reached);
  note_traffic(b, b->status->reached - b->now);
  b->now = b->status->reached;
  b->drained = false;
  for (int m = 0; m < b->setup.members; m++) b->in_flight[m] = b->member_status[m].in_flight;
  return CLS_OK;
}

/* Makes the room that the next step may need. */
static cls_status make_room(cls_cuda *b) {
  CLS_TRY(cls_cuda_plastic_advanced(b));
  bool kept = b->rank.keep != CLS_GPU_KEEP_NONE && b->now - b->rank.list_first >= CLS_CUDA_LIST_STEPS;
  for (int m = 0; m < b->setup.members; m++) {
    while (b->in_flight[m] > b->rank.flight_limit) CLS_TRY(grow_rings(b));
    kept = kept || (b->rank.keep != CLS_GPU_KEEP_NONE && b->member_status[m].kept > b->rank.list_limit);
  }
  return kept ? cls_cuda_drain(b) : CLS_OK;
}

cls_status cls_cuda_advance(void *instance, int64_t begin, int64_t end) {
  cls_cuda *b = instance;
  CLS_CHECK(begin == b->now, CLS_ERR_INTERNAL, "steps from %lld on are asked for: expected %lld",
            (long long)begin, (long long)b->now);
  for (int m = 0; m < b->setup.members; m++) CLS_TRY(enter(b, m, false));
  CLS_TRY(cls_cuda_counts_reserve(b, end));
  while (b->now < end) {
    CLS_TRY(launch(b, launch_end(b, end)));
    CLS_TRY(make_room(b));
  }
  return CLS_OK;
}

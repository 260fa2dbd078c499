/* Windows: all members advance in as few launches as there is room for. A launch is waited for when something depends on it. */
#include "backend/cuda/instance.h"

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
  CLS_TRY(cls_cuda_drawn_copy(b));
  b->rank.store = b->synapses.device;
  b->rank.leaving_first = cls_cuda_leaving_first(b, b->now);
  CLS_CUDA(cudaMemsetAsync(b->rank.full, 0, sizeof *b->rank.full, b->stream), "a launch");
  const cls_gpu_step_args args = {b->rank, b->plastic.synapses.device, b->drawn.device, b->now, end};
  CLS_CUDA(cls_gpu_launch_steps(&args, b->only, b->blocks, b->stream), "launching steps");
  b->profile.launches++;
  b->under_way = end;
  return CLS_OK;
}

/* A packet that made no sense. */
static cls_status complain(const cls_cuda *b) {
  const uint64_t route = (b->status->wrong >> 32) - 1;
  const uint32_t value = (uint32_t)b->status->wrong;
  const cls_routes *routes = b->packets.routes;
  if (!routes || route >= (uint64_t)routes->n_in)
    return cls_fail(CLS_ERR_INTERNAL, "a spike of source %u arrived: there are %llu", value,
                    (unsigned long long)b->synapses.counts.slots);
  return cls_fail(CLS_ERR_MPI, "packet of rank %d names its neuron %u of %u, or its spikes end beyond it",
                  routes->in[route].rank, value, routes->in[route].n);
}

/* Waits for a launch. */
static cls_status finish(cls_cuda *b) {
  const int64_t end = b->under_way;
  CLS_TRY(cls_cuda_wait(b, "computing steps"));
  b->under_way = 0;
  /* Where rows are drawn there may have been no room for those that were asked for before. */
  CLS_CHECK(b->status->reached >= b->now + (b->drawn.members == NULL) && b->status->reached <= end,
            CLS_ERR_INTERNAL, "a launch from step %lld to %lld came to %lld", (long long)b->now,
            (long long)end, (long long)b->status->reached);
  note_traffic(b, b->status->reached - b->now);
  b->now = b->status->reached;
  b->drained = false;
  for (int m = 0; m < b->setup.members; m++) b->in_flight[m] = b->member_status[m].in_flight;
  return b->status->wrong == 0 ? CLS_OK : complain(b);
}

/* Makes the room that the next step may need. */
static cls_status make_room(cls_cuda *b) {
  CLS_TRY(cls_cuda_plastic_advanced(b));
  CLS_TRY(cls_cuda_drawn_advanced(b));
  bool kept = b->rank.keep != CLS_GPU_KEEP_NONE && b->now - b->rank.list_first >= CLS_CUDA_LIST_STEPS;
  bool leaving = false;
  for (int m = 0; m < b->setup.members; m++) {
    while (b->in_flight[m] > b->rank.flight_limit) CLS_TRY(cls_cuda_rings_grow(b));
    kept = kept || (b->rank.keep != CLS_GPU_KEEP_NONE && b->member_status[m].kept > b->rank.list_limit);
    leaving = leaving || (b->rank.route_first && b->member_status[m].leaving > b->rank.leaving_limit);
  }
  if (leaving) CLS_TRY(cls_cuda_leaving_grow(b));
  return kept ? cls_cuda_drain(b) : CLS_OK;
}

cls_status cls_cuda_settle(cls_cuda *b) {
  while (b->under_way > 0) {
    CLS_TRY(finish(b));
    CLS_TRY(make_room(b));
    if (b->now < b->target) CLS_TRY(launch(b, launch_end(b, b->target)));
  }
  return CLS_OK;
}

cls_status cls_cuda_advance(void *instance, int64_t begin, int64_t end) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  CLS_CHECK(begin == b->now, CLS_ERR_INTERNAL, "steps from %lld on are asked for: expected %lld",
            (long long)begin, (long long)b->now);
  if (begin == end) return CLS_OK;
  CLS_TRY(cls_cuda_enter_arrivals(b));
  CLS_TRY(cls_cuda_counts_reserve(b, end));
  b->target = end;
  return launch(b, launch_end(b, end));
}

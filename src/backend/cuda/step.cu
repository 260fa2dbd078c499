/* Steps: one launch for all steps of a window. Its blocks stay on their multiprocessors and wait for each other once or twice
 * a step, which costs a microsecond where launching kernels would cost several, and the host is not asked. */
#include "backend/cuda/drawn.cuh"
#include "backend/cuda/step.h"
#include "backend/cuda/update.cuh"

/* Members that are known to all threads without a look at the memory of the GPU. */
enum { NEAR_MEMBERS = 8 };

typedef struct {
  cls_gpu_member member[NEAR_MEMBERS];
  cls_gpu_updating updating;
  unsigned long long events;
  uint64_t begun, update_ns, deliver_ns; /* of the first thread */
} shared_memory;

/* By the first thread: what has passed belongs to *ns. */
CLS_GPU_FN void lap(shared_memory *shared, uint64_t *ns) {
  const uint64_t now = cls_gpu_nanoseconds();
  *ns += now - shared->begun;
  shared->begun = now;
}

/* By the last warp of the first block, which has the least to do: notes where the spikes of the last step end, or a little
 * later: others may be adding those of this step. */
CLS_GPU_FN void note_ends(const cls_gpu_rank *rank, const cls_gpu_member *members, int64_t step) {
  enum { FIRST = CLS_GPU_THREADS - CLS_GPU_WARP };
  if (blockIdx.x != 0 || step == 0 || threadIdx.x < FIRST) return;
  for (uint32_t m = threadIdx.x - FIRST; m < rank->members; m += CLS_GPU_WARP) {
    const cls_gpu_flight *flight = &members[m].flight;
    const cls_gpu_leaving *leaving = &members[m].leaving;
    flight->mark[(uint64_t)(step - 1) & flight->mark_mask] = cls_gpu_look(flight->tail);
    if (rank->route_first)
      leaving->mark[(uint64_t)(step - 1) & leaving->mark_mask] = cls_gpu_look(leaving->tail);
  }
}

/* By the first block, when all is done. */
CLS_GPU_FN void tell_host(const cls_gpu_rank *rank, const cls_gpu_member *members, int64_t step) {
  for (uint32_t m = threadIdx.x; m < rank->members; m += CLS_GPU_THREADS) {
    const cls_gpu_member *member = &members[m];
    /* The head one step ahead of the marks that are noted: nothing in between has come to its end. */
    const uint64_t head = cls_gpu_head(&member->flight, step, rank->store.max_delay);
    const uint64_t kept = rank->keep != CLS_GPU_KEEP_NONE ? *member->list.n : 0;
    const uint64_t leaving =
        rank->route_first
            ? *member->leaving.tail - cls_gpu_leaving_from(&member->leaving, rank->leaving_first)
            : 0;
    *member->status =
        cls_gpu_member_status{*member->flight.tail - head, kept, leaving, *member->digest, *member->spikes};
  }
  if (threadIdx.x != 0) return;
  *rank->reached = rank->status->reached = step;
  rank->status->full = *rank->full;
  rank->status->events = *rank->events;
  rank->status->wrong = *rank->wrong;
}

/* What only the steps of some networks need; nothing else may be in shared memory. */
template <bool PROCEDURAL> struct more_memory { uint32_t nothing; };
template <> struct more_memory<true> { cls_gpu_drawn_shared drawn; };

/* Blocks that a multiprocessor should hold at a time: each of its warps waits for memory most of the time. Some models have too
 * much to remember for three, and all have for sm_100, where the compiler takes more registers. */
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
enum { MOST_BLOCKS = 2 };
#else
enum { MOST_BLOCKS = 3 };
#endif
constexpr int blocks_of(int only, bool procedural) {
  return procedural ? 1
         : only < 0 || only == CLS_GPU_adex || only == CLS_GPU_hh_cond_exp ||
                 only == CLS_GPU_two_compartment || only == CLS_GPU_lif_dendrite
             ? 2
             : MOST_BLOCKS;
}

template <int ONLY, bool PLASTIC, bool PROCEDURAL>
CLS_KERNEL_OF(steps, CLS_GPU_THREADS, blocks_of(ONLY, PROCEDURAL))
(const cls_gpu_step_args args) {
  CLS_SHARED(shared_memory, shared);
  CLS_SHARED(more_memory<PROCEDURAL>, more);
  (void)more;
  const cls_gpu_rank *rank = &args.rank;
  const cls_gpu_plastic *plastic = &args.plastic;
  const bool near = rank->members <= NEAR_MEMBERS, first = blockIdx.x == 0 && threadIdx.x == 0;
  const bool apart = !PLASTIC && !PROCEDURAL && rank->sums_apart > 0;
  const cls_gpu_member *members = near ? shared.member : rank->member;
  uint32_t events = 0;
  int64_t step = args.begin;
  if (threadIdx.x == 0) {
    shared.updating.share = cls_gpu_share_of(rank);
    shared.events = shared.update_ns = shared.deliver_ns = 0;
  }
  if (threadIdx.x < CLS_GPU_WARPS) {
    cls_gpu_near *of_warp = &shared.updating.near[threadIdx.x];
    of_warp->chunk = of_warp->range = of_warp->whose = CLS_GPU_NONE;
  }
  for (uint32_t m = threadIdx.x; near && m < rank->members; m += CLS_GPU_THREADS)
    shared.member[m] = rank->member[m];
  __syncthreads();
  if constexpr (PROCEDURAL) { /* those of spikes that arrived, and what was left */
    cls_gpu_drawn_begin(&args.drawing, &more.drawn);
    cls_gpu_drawn_draw(rank, &args.drawing, members, &more.drawn, step);
    CLS_GRID_SYNC();
  }
  if (apart) {
    cls_gpu_deliver<false>(rank, members, step, step, &events);
    CLS_GRID_SYNC();
  }
  for (uint32_t full = PROCEDURAL ? *rank->full : 0; step < args.end && !full; step++) {
    const bool ahead =
        apart && step + 1 < args.end; /* what is due in the next step is delivered in this one */
    if (first) shared.begun = cls_gpu_nanoseconds();
    note_ends(rank, members, step);
    if (!apart) {
      if (PROCEDURAL) cls_gpu_drawn_note_ends(members, rank->members, step);
      if (PLASTIC) cls_gpu_plastic_note_ends(members, rank->members, step);
      cls_gpu_deliver<false>(rank, members, step, step, &events);
      if (PROCEDURAL) cls_gpu_deliver<true>(rank, members, step, step, &events);
      if (PLASTIC) cls_gpu_plastic_deliver(plastic, members, rank->members, step, &events);
      CLS_GRID_SYNC();
      if (first) lap(&shared, &shared.deliver_ns);
    }
    cls_gpu_update<ONLY, PLASTIC, PROCEDURAL>(rank, plastic, &args.drawing, members, &shared.updating, step,
                                              (uint64_t)(step - args.begin), ahead, &events);
    if (first && ahead) lap(&shared, &shared.update_ns);
    if (ahead) cls_gpu_deliver<false>(rank, members, step + 1, step, &events);
    CLS_GRID_SYNC();
    if constexpr (PROCEDURAL) {
      cls_gpu_drawn_draw(rank, &args.drawing, members, &more.drawn, step + 1);
      CLS_GRID_SYNC();
    }
    full = *rank->full;
    if (first) lap(&shared, ahead ? &shared.deliver_ns : &shared.update_ns);
  }
  atomicAdd(&shared.events, (unsigned long long)events);
  __syncthreads();
  if (threadIdx.x == 0) atomicAdd((unsigned long long *)rank->events, shared.events);
  CLS_GRID_SYNC();
  if (blockIdx.x == 0) tell_host(rank, members, step);
  if (PLASTIC && blockIdx.x == 0) cls_gpu_plastic_tell(plastic, members, rank->members, step);
  if (PROCEDURAL && blockIdx.x == 0) cls_gpu_drawn_tell(rank, members, step);
  if (!first) return;
  rank->status->deliver_ns += shared.deliver_ns;
  rank->status->update_ns += shared.update_ns;
}

/* The kernel for networks of one model, or of any. Where there are plastic synapses, or procedural ones, that for any model
 * is little slower. Those for any model are compiled apart, by step_any.cu, since all of them together take minutes. */
typedef void (*steps_kernel)(const cls_gpu_step_args args);
steps_kernel cls_gpu_steps_of_any(bool plastic, bool procedural);

#ifdef CALLOSUM_STEPS_OF_ANY
steps_kernel cls_gpu_steps_of_any(bool plastic, bool procedural) {
  if (procedural) return plastic ? steps<-1, true, true> : steps<-1, false, true>;
  return plastic ? steps<-1, true, false> : steps<-1, false, false>;
}
#else
static steps_kernel choose(int only, bool plastic, bool procedural) {
#define CHOOSE_(NAME)                                                                                        \
  if (only == CLS_GPU_##NAME && !plastic && !procedural) return steps<CLS_GPU_##NAME, false, false>;
  CLS_GPU_NEURONS(CHOOSE_)
  return cls_gpu_steps_of_any(plastic, procedural);
}

cudaError_t cls_gpu_launch_steps(const cls_gpu_step_args *args, int only, unsigned blocks,
                                 cudaStream_t stream) {
  return CLS_LAUNCH_TOGETHER(choose(only, args->plastic.kind != NULL, args->drawing.flight_limit > 0), blocks,
                             CLS_GPU_THREADS, stream, *args);
}

cudaError_t cls_gpu_resident_steps(int only, int plastic, int procedural, int *blocks) {
  return CLS_RESIDENT_BLOCKS(choose(only, plastic != 0, procedural != 0), CLS_GPU_THREADS, blocks);
}
#endif

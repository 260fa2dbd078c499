/* Advancing all neurons of all members by one step, and what becomes of their spikes.
 *
 * A warp advances a chunk of neurons of one range. Those that spike are collected in the memory of the block and handled
 * together when there are enough: one addition for the block says where its spikes go, among those in flight, those kept for
 * the host and those that other ranks wait for. */
#ifndef CALLOSUM_CUDA_UPDATE_CUH
#define CALLOSUM_CUDA_UPDATE_CUH

#include "backend/cuda/flight.cuh"
#include "backend/cuda/input.cuh"
#include "backend/cuda/plastic.cuh"

/* Spikes of a block that wait. Handled as soon as those of another round might not fit. */
enum { CLS_GPU_WAITING = 2 * CLS_GPU_THREADS };
typedef struct {
  uint32_t neuron[CLS_GPU_WAITING]; /* local indices */
  uint32_t piece[CLS_GPU_WAITING];  /* place among the pieces of all of them */
  uint32_t kept[CLS_GPU_WAITING];   /* place among those kept for the host; CLS_GPU_NONE: it is not */
  uint32_t leaves[CLS_GPU_WAITING]; /* place among those that go to other ranks; CLS_GPU_NONE: it does not */
  uint32_t n, n_pieces, n_kept, n_leaving;
  unsigned long long digest;
  uint64_t tail, list, leaving; /* where theirs begin */
} cls_gpu_waiting;

/* ---- one neuron ---- */

/* Weights that arrived at a port: takes them and leaves 0. */
CLS_GPU_FN void cls_gpu_take_sums(const cls_gpu_range *r, uint32_t *sums, int port, uint32_t i, float *first,
                                  float *second) {
  *first = *second = 0.0f;
  if (r->sum[port] == UINT64_MAX) return;
  if (r->pairs >> port & 1) {
    uint64_t *sum = (uint64_t *)(sums + r->sum[port]) + i;
    const uint64_t v = *sum;
    if (v != 0) *sum = 0;
    *first = (float)(int32_t)(uint32_t)v;
    *second = (float)(int32_t)(uint32_t)(v >> 32);
  } else {
    uint32_t *sum = sums + r->sum[port] + i;
    const uint32_t v = *sum;
    if (v != 0) *sum = 0;
    *first = (float)(int32_t)v;
  }
}

CLS_GPU_FN void cls_gpu_take_input(const cls_gpu_range *r, uint32_t *sums, uint32_t i,
                                   float in[CLS_GPU_RECEPTORS]) {
  float a, b, c, d;
  cls_gpu_take_sums(r, sums, 0, i, &a, &b);
  cls_gpu_take_sums(r, sums, 1, i, &c, &d);
  const bool pair = r->pairs & 1;
  in[0] = a * r->quantum[0];
  in[1] = (pair ? b : c) * r->quantum[1];
  in[2] = (pair ? c : d) * r->quantum[2];
  in[3] = d * r->quantum[3];
}

/* ONLY: the one model there is, or -1: any. */
template <int ONLY>
CLS_GPU_FN int cls_gpu_step_model(const cls_gpu_range *r, float *pool, const float *konst, uint32_t i,
                                  const float in[CLS_GPU_RECEPTORS], float current, bool flush) {
#define CLS_GPU_STEP_(NAME)                                                                                  \
  if (ONLY == CLS_GPU_##NAME || (ONLY < 0 && r->model == CLS_GPU_##NAME))                                    \
    return cls_gpu_neuron_step<NAME##_on_gpu>(r, pool, konst, i, in, current, flush);
  CLS_GPU_NEURONS(CLS_GPU_STEP_)
  return 0;
}

/* A range whose neurons were removed: what remains to be done for neuron i. */
CLS_GPU_FN void cls_gpu_stay_silent(const cls_gpu_range *r, float *pool, uint32_t i, bool flush) {
  float *state = pool + r->state + i;
  for (uint32_t j = 0; flush && j < r->n_states; j++)
    state[(uint64_t)j * r->padded] = cls_gpu_flushed(state[(uint64_t)j * r->padded], true);
}

template <int ONLY>
CLS_GPU_FN int cls_gpu_advance(const cls_gpu_parameters *p, const cls_gpu_member *member,
                               const cls_gpu_range *r, uint32_t i, int64_t step, uint64_t row) {
  const bool flush = step % CLS_GPU_FLUSH_STEPS == 0;
  float in[CLS_GPU_RECEPTORS], current = 0.0f;
  cls_gpu_take_input(r, member->sums, i, in);
  if (r->silent) {
    cls_gpu_stay_silent(r, member->pool, i, flush);
    return 0;
  }
  const cls_gpu_input_step s = {r, &p->drive, p->konst, member->pool, step, row, member->identity, flush};
  for (uint32_t k = 0; k < r->n_inputs; k++)
    cls_gpu_add_input(&p->input[r->input_first + k], &s, i, in, &current);
  return cls_gpu_step_model<ONLY>(r, member->pool, p->konst, i, in, current, flush);
}

/* ---- spikes ---- */

CLS_GPU_FN void cls_gpu_count_spike(const cls_gpu_rank *rank, const cls_gpu_member *member, uint32_t neuron,
                                    int64_t step) {
  for (uint32_t t = 0; t < rank->n_tallies; t++) {
    const cls_gpu_tally *tally = &rank->tally[t];
    const uint32_t group = tally->group_of_16[neuron / 16];
    if (step < tally->first || group == CLS_GPU_NONE) continue;
    atomicAdd(&member->count[t][(uint64_t)(step / tally->interval - tally->base) * tally->n_groups + group],
              1u);
  }
}

CLS_GPU_FN bool cls_gpu_is_kept(const cls_gpu_rank *rank, uint32_t neuron) {
  return rank->keep == CLS_GPU_KEEP_ALL ||
         (rank->keep == CLS_GPU_KEEP_MARKED && (rank->marked[neuron / 64] >> neuron % 64 & 1));
}

CLS_GPU_FN bool cls_gpu_leaves(const cls_gpu_rank *rank, uint32_t neuron) {
  return rank->route_first && rank->route_first[neuron] < rank->route_first[neuron + 1];
}

/* By one thread: takes room for the block's spikes, and says where room may end. */
CLS_GPU_FN void cls_gpu_take_room(const cls_gpu_rank *rank, const cls_gpu_member *member, cls_gpu_waiting *w,
                                  uint32_t n, int64_t step) {
  const cls_gpu_flight *flight = &member->flight;
  uint32_t full = 0;
  if (w->n_pieces > 0) {
    w->tail = atomicAdd((unsigned long long *)flight->tail, (unsigned long long)w->n_pieces);
    const uint64_t head = cls_gpu_head(flight, step + 1, rank->store.max_delay);
    if (w->tail + w->n_pieces - head > rank->flight_limit) full |= CLS_GPU_FLIGHT_FULL;
  }
  if (w->n_kept > 0) {
    w->list = atomicAdd((unsigned long long *)member->list.n, (unsigned long long)w->n_kept);
    if (w->list + w->n_kept > rank->list_limit) full |= CLS_GPU_LIST_FULL;
  }
  if (w->n_leaving > 0) {
    w->leaving = atomicAdd((unsigned long long *)member->leaving.tail, (unsigned long long)w->n_leaving);
    const uint64_t head = cls_gpu_leaving_from(&member->leaving, rank->leaving_first);
    if (w->leaving + w->n_leaving - head > rank->leaving_limit) full |= CLS_GPU_LEAVING_FULL;
  }
  if (full) atomicOr(rank->full, full);
  atomicAdd((unsigned long long *)member->digest, w->digest);
  atomicAdd((unsigned long long *)member->spikes, (unsigned long long)n);
  w->n = w->n_pieces = w->n_kept = w->n_leaving = 0;
  w->digest = 0;
}

/* By all threads of a block, after a barrier: what becomes of the n spikes that wait. */
template <bool PLASTIC, bool PROCEDURAL>
CLS_GPU_FN void cls_gpu_handle_spikes(const cls_gpu_rank *rank, const cls_gpu_plastic *plastic,
                                      const cls_gpu_drawing *drawing, const cls_gpu_member *member,
                                      cls_gpu_waiting *w, uint32_t n, int64_t step) {
  for (uint32_t k = threadIdx.x; k < n; k += CLS_GPU_THREADS) {
    const uint32_t neuron = w->neuron[k], pieces = rank->store.of_local[neuron].n;
    w->piece[k] = pieces > 0 ? atomicAdd(&w->n_pieces, pieces) : 0;
    w->kept[k] = cls_gpu_is_kept(rank, neuron) ? atomicAdd(&w->n_kept, 1u) : CLS_GPU_NONE;
    w->leaves[k] = cls_gpu_leaves(rank, neuron) ? atomicAdd(&w->n_leaving, 1u) : CLS_GPU_NONE;
    cls_gpu_count_spike(rank, member, neuron, step);
  }
  __syncthreads();
  if (threadIdx.x == 0) cls_gpu_take_room(rank, member, w, n, step);
  __syncthreads();
  for (uint32_t k = threadIdx.x; k < n; k += CLS_GPU_THREADS) {
    const uint32_t neuron = w->neuron[k];
    if (w->kept[k] != CLS_GPU_NONE) member->list.neuron[w->list + w->kept[k]] = neuron;
    if (w->leaves[k] != CLS_GPU_NONE) {
      const uint64_t i = (w->leaving + w->leaves[k]) & member->leaving.mask;
      member->leaving.neuron[i] = neuron;
      member->leaving.fired[i] = (uint32_t)step;
    }
    const cls_gpu_pieces own = rank->store.of_local[neuron];
    for (uint32_t j = 0; j < own.n; j++)
      cls_gpu_depart(&member->flight, &rank->store, w->tail + w->piece[k] + j, own.piece + j, (uint32_t)step);
    if (PLASTIC) cls_gpu_plastic_spike(plastic, member->plastic, neuron, step, rank->full);
    if (PROCEDURAL) cls_gpu_drawn_ask(drawing, member->drawn, neuron, step);
  }
  __syncthreads();
}

/* By all threads of a block: notes those that spiked. Returns how many did. */
CLS_GPU_FN uint32_t cls_gpu_collect(cls_gpu_waiting *w, bool spiked, uint32_t neuron) {
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP;
  const uint32_t of_warp = __ballot_sync(0xffffffffu, spiked);
  if (of_warp != 0) {
    uint32_t at = lane == 0 ? atomicAdd(&w->n, (uint32_t)__popc(of_warp)) : 0;
    at = __shfl_sync(0xffffffffu, at, 0);
    if (spiked) w->neuron[at + (uint32_t)__popc(of_warp & ((1u << lane) - 1))] = neuron;
  }
  return (uint32_t)__syncthreads_count(spiked);
}

/* ---- all neurons ---- */

/* `row` of the drive is that of the step. `w` is empty before and after. PLASTIC: there are plastic synapses;
 * PROCEDURAL: and procedural ones. */
template <int ONLY, bool PLASTIC, bool PROCEDURAL>
CLS_GPU_FN void cls_gpu_update(const cls_gpu_rank *rank, const cls_gpu_plastic *plastic,
                               const cls_gpu_drawing *drawing, const cls_gpu_member *members,
                               cls_gpu_waiting *w, int64_t step, uint64_t row) {
  const uint32_t tiles = (rank->n_chunks + CLS_GPU_WARPS - 1) / CLS_GPU_WARPS, all = tiles * rank->members;
  const uint32_t warp = threadIdx.x / CLS_GPU_WARP, lane = threadIdx.x % CLS_GPU_WARP;
  uint32_t waiting = 0, of = 0; /* the same in all threads: spikes that wait, of this member */
  for (uint32_t t = blockIdx.x; t < all; t += gridDim.x) {
    const uint32_t m = t / tiles, c = t % tiles * CLS_GPU_WARPS + warp;
    if (waiting > 0 && m != of) {
      cls_gpu_handle_spikes<PLASTIC, PROCEDURAL>(rank, plastic, drawing, &members[of], w, waiting, step);
      waiting = 0;
    }
    of = m;
    bool spiked = false;
    uint32_t neuron = 0;
    if (c < rank->n_chunks) {
      const cls_gpu_member *member = &members[m];
      const cls_gpu_parameters *p = &rank->parameters[member->parameters];
      const cls_gpu_chunk chunk = rank->chunk[c];
      const cls_gpu_range *r = &p->range[chunk.range];
      const uint32_t i = chunk.offset + lane;
      if (i < r->n) spiked = cls_gpu_advance<ONLY>(p, member, r, i, step, p->drive.changes ? row : 0);
      neuron = r->local + i;
      if (spiked) atomicAdd(&w->digest, cls_mix64(cls_mix64(r->neuron + i) + (uint64_t)step));
    }
    waiting += cls_gpu_collect(w, spiked, neuron);
    if (waiting > CLS_GPU_WAITING - CLS_GPU_THREADS) {
      cls_gpu_handle_spikes<PLASTIC, PROCEDURAL>(rank, plastic, drawing, &members[of], w, waiting, step);
      waiting = 0;
    }
  }
  if (waiting > 0)
    cls_gpu_handle_spikes<PLASTIC, PROCEDURAL>(rank, plastic, drawing, &members[of], w, waiting, step);
}

#endif

/* Advancing all neurons of all members by one step, and what becomes of their spikes.
 *
 * A warp advances chunks of neurons of one range each, and waits for no other. Its spikes are collected, and handled together
 * when there are enough: one addition says where they go, among those in flight, those kept for the host and those that
 * other ranks wait for. */
#ifndef CALLOSUM_CUDA_UPDATE_CUH
#define CALLOSUM_CUDA_UPDATE_CUH

#include "backend/cuda/deliver.cuh"
#include "backend/cuda/input.cuh"
#include "backend/cuda/plastic.cuh"

/* Neurons of a block, in every step: chunks first ... last - 1 of those of all members. */
typedef struct {
  uint32_t first, last;
} cls_gpu_share;
CLS_GPU_FN cls_gpu_share cls_gpu_share_of(const cls_gpu_rank *rank) {
  const uint64_t all = (uint64_t)rank->n_chunks * rank->members;
  return cls_gpu_share{(uint32_t)(all * blockIdx.x / gridDim.x),
                       (uint32_t)(all * (blockIdx.x + 1) / gridDim.x)};
}

/* Local indices of neurons that have spiked, by warp: handled as soon as those of another chunk might not fit. */
enum { CLS_GPU_WAITING = 2 * CLS_GPU_WARP };
typedef struct {
  uint32_t neuron[CLS_GPU_WARPS][CLS_GPU_WAITING];
  cls_gpu_near near[CLS_GPU_WARPS];
  cls_gpu_share share;
} cls_gpu_updating;

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
CLS_GPU_FN int cls_gpu_step_model(const cls_gpu_range *r, float *pool, uint32_t i,
                                  const float in[CLS_GPU_RECEPTORS], float current, bool flush) {
#define CLS_GPU_STEP_(NAME)                                                                                  \
  if (ONLY == CLS_GPU_##NAME || (ONLY < 0 && r->model == CLS_GPU_##NAME))                                    \
    return cls_gpu_neuron_step<NAME##_on_gpu>(r, pool, i, in, current, flush);
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
CLS_GPU_FN int cls_gpu_advance(const cls_gpu_near *near, const cls_gpu_member *member, uint32_t *sums,
                               uint32_t i, int64_t step, uint64_t row) {
  const bool flush = step % CLS_GPU_FLUSH_STEPS == 0;
  const cls_gpu_range *r = &near->r;
  float in[CLS_GPU_RECEPTORS], current = 0.0f;
  cls_gpu_take_input(r, sums, i, in);
  if (r->silent) {
    cls_gpu_stay_silent(r, member->pool, i, flush);
    return 0;
  }
  const cls_gpu_input_step s = {
      near, member->pool, step, near->parameters.drive.changes ? row : 0, member->identity, flush};
  for (uint32_t k = 0; k < r->n_inputs; k++) cls_gpu_add_input(&s, k, i, in, &current);
  return cls_gpu_step_model<ONLY>(r, member->pool, i, in, current, flush);
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

/* Spikes that a warp handles together, and where those go that do. */
typedef struct {
  uint32_t spikes, pieces, kept, leaving;
  unsigned long long digest;
  unsigned long long tail, list, leaving_tail; /* where they begin */
} cls_gpu_room;

/* By one thread: takes room for spikes, and says where room may end. */
CLS_GPU_FN void cls_gpu_take_room(const cls_gpu_rank *rank, const cls_gpu_member *member, cls_gpu_room *room,
                                  int64_t step) {
  const cls_gpu_flight *flight = &member->flight;
  uint32_t full = 0;
  const uint64_t head = cls_gpu_head(flight, step + 1, rank->store.max_delay);
  if (room->pieces > 0) {
    room->tail = atomicAdd((unsigned long long *)flight->tail, (unsigned long long)room->pieces);
    if (room->tail + room->pieces - head > rank->flight_limit) full |= CLS_GPU_FLIGHT_FULL;
  }
  if (room->kept > 0) {
    room->list = atomicAdd((unsigned long long *)member->list.n, (unsigned long long)room->kept);
    atomicAdd((unsigned long long *)&member->list.of_step[step - rank->list_first],
              (unsigned long long)room->kept);
    if (room->list + room->kept > rank->list_limit) full |= CLS_GPU_LIST_FULL;
  }
  if (room->leaving > 0) {
    room->leaving_tail =
        atomicAdd((unsigned long long *)member->leaving.tail, (unsigned long long)room->leaving);
    const uint64_t from = cls_gpu_leaving_from(&member->leaving, rank->leaving_first);
    if (room->leaving_tail + room->leaving - from > rank->leaving_limit) full |= CLS_GPU_LEAVING_FULL;
  }
  if (full) atomicOr(rank->full, full);
  atomicAdd((unsigned long long *)member->digest, room->digest);
  atomicAdd((unsigned long long *)member->spikes, (unsigned long long)room->spikes);
}

/* By a warp: where piece number k begins of all those of its lanes' spikes, `own`, of which those up to this lane's end
 * at `end`. */
CLS_GPU_FN cls_gpu_place cls_gpu_piece_of(const cls_gpu_store *store, cls_gpu_pieces own, uint32_t end,
                                          uint32_t k) {
  const uint32_t owner = cls_gpu_warp_owner(end, k), total = cls_gpu_warp_last(end);
  const uint32_t piece = __shfl_sync(CLS_GPU_ALL_LANES, own.piece - (end - own.n), owner) + k;
  return k < total ? store->piece[piece] : cls_gpu_place{0, 0, 0};
}

/* By a warp: they set out, as entries from `tail` on, a piece to a lane; `place` is where that of this lane begins. What is due
 * in the next step is added at once where the sums are apart, unless the launch ends before it. */
CLS_GPU_FN void cls_gpu_depart(const cls_gpu_rank *rank, const cls_gpu_member *member, cls_gpu_pieces own,
                               uint32_t end, cls_gpu_place place, uint64_t tail, int64_t step, bool at_once,
                               uint32_t *events) {
  const cls_gpu_words words = {rank->store.word, 0};
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP, total = cls_gpu_warp_last(end);
  const uint32_t fired = (uint32_t)(uint64_t)step, next = fired + 1;
  uint32_t *sums = member->sums + ((uint64_t)(step + 1) & 1) * rank->sums_apart;
  for (uint32_t first = 0; first < total; first += CLS_GPU_WARP) {
    if (first > 0) place = cls_gpu_piece_of(&rank->store, own, end, first + lane);
    const bool here = first + lane < total;
    uint32_t due = fired + cls_gpu_run_delay(&rank->store, place.header);
    const bool stands = at_once && here && due == next;
    if (__any_sync(CLS_GPU_ALL_LANES, stands)) {
      const uint32_t after =
          cls_gpu_follow<false>(&rank->store, &words, sums, stands, fired, next, &place, events);
      if (stands) due = after;
    }
    if (here) cls_gpu_enter(&member->flight, tail + first + lane, place, fired, due);
  }
}

/* By a warp: what becomes of the n spikes that wait, of this member, up to 32 of them; the others move up. `digest`: this lane's
 * part of that of all. */
template <bool PLASTIC, bool PROCEDURAL>
CLS_GPU_FN void cls_gpu_handle_spikes(const cls_gpu_rank *rank, const cls_gpu_plastic *plastic,
                                      const cls_gpu_drawing *drawing, const cls_gpu_member *member,
                                      uint32_t *waiting, uint32_t n, unsigned long long digest, int64_t step,
                                      bool at_once, uint32_t *events) {
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP, before = (1u << lane) - 1;
  const bool here = lane < n;
  const uint32_t neuron = here ? waiting[lane] : 0,
                 left = lane + CLS_GPU_WARP < n ? waiting[lane + CLS_GPU_WARP] : 0;
  if (lane + CLS_GPU_WARP < n) waiting[lane] = left;
  const cls_gpu_pieces own = here ? rank->store.of_local[neuron] : cls_gpu_pieces{0, 0};
  const bool kept = here && cls_gpu_is_kept(rank, neuron), leaves = here && cls_gpu_leaves(rank, neuron);
  if (here) cls_gpu_count_spike(rank, member, neuron, step);
  const uint32_t end = cls_gpu_warp_sum_up_to(own.n), all_kept = __ballot_sync(CLS_GPU_ALL_LANES, kept),
                 all_leave = __ballot_sync(CLS_GPU_ALL_LANES, leaves);
#pragma unroll
  for (uint32_t d = CLS_GPU_WARP / 2; d > 0; d /= 2) digest += __shfl_xor_sync(CLS_GPU_ALL_LANES, digest, d);
  cls_gpu_room room = {n < CLS_GPU_WARP ? n : (uint32_t)CLS_GPU_WARP,
                       cls_gpu_warp_last(end),
                       (uint32_t)__popc(all_kept),
                       (uint32_t)__popc(all_leave),
                       digest,
                       0,
                       0,
                       0};
  const cls_gpu_place place = cls_gpu_piece_of(&rank->store, own, end, lane);
  if (lane == 0) cls_gpu_take_room(rank, member, &room, step);
  const unsigned long long tail = __shfl_sync(CLS_GPU_ALL_LANES, room.tail, 0);
  const unsigned long long list = __shfl_sync(CLS_GPU_ALL_LANES, room.list, 0);
  const unsigned long long leaving = __shfl_sync(CLS_GPU_ALL_LANES, room.leaving_tail, 0);
  if (kept) member->list.neuron[list + (uint32_t)__popc(all_kept & before)] = neuron;
  if (leaves) {
    const uint64_t i = (leaving + (uint32_t)__popc(all_leave & before)) & member->leaving.mask;
    member->leaving.neuron[i] = neuron;
    member->leaving.fired[i] = (uint32_t)step;
  }
  if (room.pieces > 0) cls_gpu_depart(rank, member, own, end, place, tail, step, at_once, events);
  if (PLASTIC && here) cls_gpu_plastic_spike(plastic, member->plastic, neuron, step, rank->full);
  if (PROCEDURAL && here) cls_gpu_drawn_ask(drawing, member->drawn, neuron, step);
}

/* ---- all neurons ---- */

/* By a warp: brings chunk c near. Those of a range follow each other. Where it is another than the last one, or of another
 * member, all lanes have then done with what they had. */
CLS_GPU_FN void cls_gpu_bring_chunk(const cls_gpu_rank *rank, cls_gpu_near *near, uint32_t whose,
                                    uint32_t c) {
  enum { STRIDE = CLS_GPU_WARPS * CLS_GPU_WARP };
  if (rank->members == 1 && near->chunk == c && near->whose == whose) return;
  cls_gpu_chunk chunk = {near->range, near->offset + STRIDE};
  const bool next = near->chunk + CLS_GPU_WARPS == c && near->whose == whose && chunk.offset < near->r.n;
  if (!next) chunk = rank->chunk[c];
  if (!next && (near->range != chunk.range || near->whose != whose))
    cls_gpu_bring_near(near, rank->parameters, whose, chunk.range);
  else
    __syncwarp(); /* all have looked at what was here */
  if (threadIdx.x % CLS_GPU_WARP == 0) {
    near->chunk = c;
    near->offset = chunk.offset;
  }
  __syncwarp();
}

/* By a warp: asks for states and sums of the next chunk that it will advance, if that is of the same range. */
CLS_GPU_FN void cls_gpu_ask_chunk(const cls_gpu_near *near, const float *pool, const uint32_t *sums) {
  enum { SECTOR = 8, SECTORS = CLS_GPU_WARP / SECTOR, STRIDE = CLS_GPU_WARPS * CLS_GPU_WARP };
  const cls_gpu_range *r = &near->r;
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP, offset = near->offset + STRIDE;
  if (offset >= r->n) return;
  for (uint32_t k = lane; k < r->n_states * SECTORS; k += CLS_GPU_WARP)
    cls_gpu_ask(pool + r->state + (uint64_t)(k / SECTORS) * r->padded + offset + k % SECTORS * SECTOR);
#pragma unroll
  for (uint32_t p = 0; p < CLS_GPU_PORTS; p++) {
    const uint32_t words = r->pairs >> p & 1 ? 2 : 1;
    if (r->sum[p] != UINT64_MAX && lane < words * SECTORS)
      cls_gpu_ask(sums + r->sum[p] + (uint64_t)words * offset + lane * SECTOR);
  }
}

/* `row` of the drive is that of the step. at_once: what is due in the next step is added. PLASTIC: there are plastic synapses;
 * PROCEDURAL: and procedural ones. */
template <int ONLY, bool PLASTIC, bool PROCEDURAL>
CLS_GPU_FN void cls_gpu_update(const cls_gpu_rank *rank, const cls_gpu_plastic *plastic,
                               const cls_gpu_drawing *drawing, const cls_gpu_member *members,
                               cls_gpu_updating *shared, int64_t step, uint64_t row, bool at_once,
                               uint32_t *events) {
  const uint32_t warp = threadIdx.x / CLS_GPU_WARP, lane = threadIdx.x % CLS_GPU_WARP;
  uint32_t *waiting = shared->neuron[warp];
  cls_gpu_near *near = &shared->near[warp];
  const uint64_t sums_at = ((uint64_t)step & 1) * rank->sums_apart;
  unsigned long long digest = 0;
  uint32_t n = 0, of = 0; /* the same in all lanes: spikes that wait, of this member */
  for (uint32_t t = shared->share.first + warp; t < shared->share.last; t += CLS_GPU_WARPS) {
    const uint32_t m = rank->members == 1 ? 0 : t / rank->n_chunks;
    if (n > 0 && m != of) {
      cls_gpu_handle_spikes<PLASTIC, PROCEDURAL>(rank, plastic, drawing, &members[of], waiting, n, digest,
                                                 step, at_once, events);
      n = 0, digest = 0;
    }
    of = m;
    const cls_gpu_member *member = &members[m];
    cls_gpu_bring_chunk(rank, near, member->parameters, t - m * rank->n_chunks);
    const cls_gpu_range *r = &near->r;
    const uint32_t i = near->offset + lane;
    if (t + CLS_GPU_WARPS < shared->share.last) cls_gpu_ask_chunk(near, member->pool, member->sums + sums_at);
    const bool spiked =
        i < r->n && cls_gpu_advance<ONLY>(near, member, member->sums + sums_at, i, step, row) != 0;
    const uint32_t all = __ballot_sync(CLS_GPU_ALL_LANES, spiked);
    if (all == 0) continue;
    if (spiked) {
      waiting[n + (uint32_t)__popc(all & ((1u << lane) - 1))] = r->local + i;
      digest += cls_mix64(cls_mix64(r->neuron + i) + (uint64_t)step);
    }
    n += (uint32_t)__popc(all);
    __syncwarp();
    if (n <= CLS_GPU_WAITING - CLS_GPU_WARP) continue;
    cls_gpu_handle_spikes<PLASTIC, PROCEDURAL>(rank, plastic, drawing, member, waiting, n, digest, step,
                                               at_once, events);
    n -= CLS_GPU_WARP, digest = 0;
  }
  if (n > 0)
    cls_gpu_handle_spikes<PLASTIC, PROCEDURAL>(rank, plastic, drawing, &members[of], waiting, n, digest, step,
                                               at_once, events);
}

#endif

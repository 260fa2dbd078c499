/* Delivering the runs that are due in a step: every event is one addition of integers to the input sum of its target, so that
 * their order does not matter.
 *
 * A warp takes up to 32 entries in flight and adds the events of all their runs together, 32 at a time, whichever runs they
 * belong to: all lanes work, be the runs long or short. Where few spikes are in flight a warp takes only one, so that all
 * warps have something to do. Rows are cut into pieces of bounded length for the same reason. */
#ifndef CALLOSUM_CUDA_DELIVER_CUH
#define CALLOSUM_CUDA_DELIVER_CUH

#include "backend/cuda/device_drawn.h"
#include "backend/cuda/flight.cuh"
#include "backend/cuda/warp.cuh"

/* A run that is due. */
typedef struct {
  const uint32_t *word; /* its first synapse */
  uint32_t count;       /* 0: no run */
  uint64_t channel;     /* see cls_gpu_store.channel */
} cls_gpu_due_run;

CLS_GPU_FN void cls_gpu_add_event(uint32_t *sums, uint64_t channel, uint32_t word) {
  const uint32_t target = word & 0xffff;
  if (channel & CLS_GPU_PAIR)
    atomicAdd((unsigned long long *)(sums + (channel & ~CLS_GPU_PAIR)) + target,
              (unsigned long long)(word >> 16 & 0xff) | (unsigned long long)(word >> 24) << 32);
  else
    atomicAdd((int *)(sums + channel) + target, (int)word >> 16);
}

/* A word of a row. Stored rows never change, which lets them be kept nearer. */
template <bool DRAWN> CLS_GPU_FN uint32_t cls_gpu_word(const uint32_t *at) { return DRAWN ? *at : __ldg(at); }

/* By a warp: adds the events of the runs of all its lanes. Returns how many this lane added. */
template <bool DRAWN> CLS_GPU_FN uint32_t cls_gpu_add_runs(uint32_t *sums, const cls_gpu_due_run *run) {
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP, end = cls_gpu_warp_sum_up_to(run->count);
  uint32_t added = 0;
  const uint32_t total = cls_gpu_warp_last(end);
  const uint64_t word = (uint64_t)(run->word - (end - run->count)); /* of event 0, if it were this run's */
  for (uint32_t first = 0; first < total; first += CLS_GPU_WARP) {
    const uint32_t event = first + lane, owner = cls_gpu_warp_owner(end, event);
    const uint32_t *from = (const uint32_t *)__shfl_sync(CLS_GPU_ALL_LANES, word, owner);
    const uint64_t channel = __shfl_sync(CLS_GPU_ALL_LANES, run->channel, owner);
    if (event >= total) continue;
    cls_gpu_add_event(sums, channel, cls_gpu_word<DRAWN>(from + event));
    added++;
  }
  return added;
}

/* By a warp: adds what is due of entries first ... first + n - 1, n <= 32, and moves them on. DRAWN: along rows that were
 * drawn, in place of stored ones. */
template <bool DRAWN>
CLS_GPU_FN uint32_t cls_gpu_deliver_entries(const cls_gpu_store *store, const cls_gpu_member *member,
                                            uint64_t first, uint32_t n, uint32_t step) {
  const cls_gpu_flight *flight = DRAWN ? &member->drawn->flight : &member->flight;
  const uint32_t *row = store->word;
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP;
  const uint64_t i = (first + lane) & flight->mask;
  const bool stands = lane < n && flight->due[i] == step;
  uint32_t added = 0, at = 0, fired = 0, header = 0, due = 0;
  cls_gpu_piece piece = {0, 0, 0};
  if (!__any_sync(CLS_GPU_ALL_LANES, stands)) return 0;
  if (stands) {
    piece = DRAWN ? member->drawn->row[i] : store->piece[flight->piece[i]];
    row = DRAWN ? member->drawn->word + (piece.begin & member->drawn->mask) : store->word + piece.begin;
    at = flight->at[i];
    fired = flight->fired[i];
    header = cls_gpu_word<DRAWN>(row + at);
  }
  bool active = stands;
  do {
    cls_gpu_due_run run = {store->word, 0, 0};
    uint32_t next = 0;
    bool more = false;
    if (active) {
      run.count = cls_gpu_run_count(store, header);
      run.word = row + at + 1;
      run.channel = __ldg(store->channel + cls_gpu_run_channel(store, header));
      at += 1 + run.count;
      more = at < piece.words;
      if (more) next = cls_gpu_word<DRAWN>(row + at);
    }
    added += cls_gpu_add_runs<DRAWN>(member->sums, &run);
    if (active) {
      header = next;
      /* At the end of its row it stands at its own spike, which is past. */
      due = more ? fired + cls_gpu_run_delay(store, header) : fired;
      active = more && due == step;
    }
  } while (__any_sync(CLS_GPU_ALL_LANES, active));
  if (stands) {
    flight->due[i] = due;
    flight->at[i] = at;
  }
  return added;
}

/* By all warps of the grid: the events of a step. Members share the warps. Adds their number to *added. */
template <bool DRAWN>
CLS_GPU_FN void cls_gpu_deliver(const cls_gpu_rank *rank, const cls_gpu_member *members, int64_t step,
                                uint64_t *added) {
  const cls_gpu_turns turns = cls_gpu_turns_of(rank->members);
  for (uint32_t m = turns.member; m < rank->members; m += turns.members) {
    const cls_gpu_member *member = &members[m];
    const cls_gpu_flight *flight = DRAWN ? &member->drawn->flight : &member->flight;
    const uint64_t tail = *flight->tail, head = cls_gpu_head(flight, step, rank->store.max_delay);
    const uint32_t n = cls_gpu_turn_size(&turns, tail - head);
    for (uint64_t e = head + (uint64_t)turns.warp * n; e < tail; e += (uint64_t)turns.warps * n)
      *added += cls_gpu_deliver_entries<DRAWN>(
          &rank->store, member, e, tail - e < n ? (uint32_t)(tail - e) : n, (uint32_t)(uint64_t)step);
  }
}

#endif

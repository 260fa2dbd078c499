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

/* By a warp: adds the events of the runs of all its lanes. Returns how many this lane added. Several words are asked for
 * before the first is needed: they are far away. */
template <bool DRAWN> CLS_GPU_FN uint32_t cls_gpu_add_runs(uint32_t *sums, const cls_gpu_due_run *run) {
  enum { AT_ONCE = 4 };
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP, end = cls_gpu_warp_sum_up_to(run->count);
  const uint32_t total = cls_gpu_warp_last(end);
  const uint64_t word = (uint64_t)(run->word - (end - run->count)); /* of event 0, if it were this run's */
  for (uint32_t first = 0; first < total; first += AT_ONCE * CLS_GPU_WARP) {
    uint32_t synapse[AT_ONCE], owner[AT_ONCE];
#pragma unroll
    for (uint32_t k = 0; k < AT_ONCE; k++) {
      const uint32_t event = first + k * CLS_GPU_WARP + lane;
      if (first + k * CLS_GPU_WARP >= total) continue; /* the whole warp */
      owner[k] = cls_gpu_warp_owner(end, event);
      const uint32_t *from = (const uint32_t *)__shfl_sync(CLS_GPU_ALL_LANES, word, owner[k]);
      if (event < total) synapse[k] = cls_gpu_word<DRAWN>(from + event);
    }
#pragma unroll
    for (uint32_t k = 0; k < AT_ONCE; k++) {
      if (first + k * CLS_GPU_WARP >= total) continue; /* the whole warp */
      const uint64_t channel = __shfl_sync(CLS_GPU_ALL_LANES, run->channel, owner[k]);
      if (first + k * CLS_GPU_WARP + lane < total) cls_gpu_add_event(sums, channel, synapse[k]);
    }
  }
  return total / CLS_GPU_WARP + (lane < total % CLS_GPU_WARP);
}

/* Where the words of rows lie: word number i of drawn ones at i & mask. */
typedef struct {
  const uint32_t *word;
  uint64_t mask;
} cls_gpu_words;
template <bool DRAWN> CLS_GPU_FN const uint32_t *cls_gpu_word_at(const cls_gpu_words *words, uint64_t at) {
  return words->word + (DRAWN ? at & words->mask : at);
}

/* By a warp: adds what is due in step `due` of spikes of step `fired` that stand at a place where `stands`, and moves these on.
 * Returns the step in which they are due next; at the end of their rows that of the spike, which is past. */
template <bool DRAWN>
CLS_GPU_FN uint32_t cls_gpu_follow(const cls_gpu_store *store, const cls_gpu_words *words, uint32_t *sums,
                                   bool stands, uint32_t fired, uint32_t due, cls_gpu_place *place,
                                   uint32_t *added) {
  bool active = stands;
  uint32_t next_due = fired;
  do {
    cls_gpu_due_run run = {words->word, 0, 0};
    uint32_t next = 0;
    if (active) {
      run.count = cls_gpu_run_count(store, place->header);
      run.word = cls_gpu_word_at<DRAWN>(words, place->at + 1);
      run.channel = __ldg(store->channel + cls_gpu_run_channel(store, place->header));
      place->at += 1 + run.count;
      place->left -= 1 + run.count;
      if (place->left > 0) next = cls_gpu_word<DRAWN>(cls_gpu_word_at<DRAWN>(words, place->at));
    }
    *added += cls_gpu_add_runs<DRAWN>(sums, &run);
    if (active) {
      place->header = next;
      next_due = place->left > 0 ? fired + cls_gpu_run_delay(store, next) : fired;
      active = place->left > 0 && next_due == due;
    }
  } while (__any_sync(CLS_GPU_ALL_LANES, active));
  return next_due;
}

/* Asks for the run at a place, which is due in the next step. */
CLS_GPU_FN void cls_gpu_ask_run(const cls_gpu_store *store, const cls_gpu_place *place) {
  const char *at = (const char *)(store->word + place->at);
  const uint32_t words = 2 + cls_gpu_run_count(store, place->header); /* and the header behind it */
  for (uint32_t byte = 0; byte < words * sizeof(uint32_t); byte += 32) cls_gpu_ask(at + byte);
}

/* When that of this lane is due. */
CLS_GPU_FN uint64_t cls_gpu_look_when(const cls_gpu_flight *flight, uint64_t first, uint32_t n,
                                      uint64_t tail) {
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP;
  return lane < n && first + lane < tail ? cls_gpu_look(&flight->when[(first + lane) & flight->mask]) : 0;
}

/* By all warps of the grid: the events of step `due`, but those of spikes that are being entered in step `now`. Members share
 * the warps. Adds the number of events to *added. DRAWN: along rows that were drawn, in place of stored ones. */
template <bool DRAWN>
CLS_GPU_FN void cls_gpu_deliver(const cls_gpu_rank *rank, const cls_gpu_member *members, int64_t due,
                                int64_t now, uint32_t *added) {
  const cls_gpu_turns turns = cls_gpu_turns_of(rank->members);
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP, step = (uint32_t)(uint64_t)due;
  for (uint32_t m = turns.member; m < rank->members; m += turns.members) {
    const cls_gpu_member *member = &members[m];
    const cls_gpu_flight *flight = DRAWN ? &member->drawn->flight : &member->flight;
    const cls_gpu_words words = {DRAWN ? member->drawn->word : rank->store.word,
                                 DRAWN ? member->drawn->mask : 0};
    uint32_t *sums = member->sums + ((uint64_t)due & 1) * rank->sums_apart;
    /* All warps must share the entries alike, and others may be adding some: how many a warp takes at a time follows from
     * those of steps that are over. */
    const uint64_t tail = __shfl_sync(CLS_GPU_ALL_LANES, cls_gpu_look(flight->tail), 0);
    const uint64_t head = cls_gpu_head(flight, due, rank->store.max_delay);
    const uint64_t known = now < 2 ? 0 : flight->mark[(uint64_t)(now - 2) & flight->mark_mask];
    const uint32_t n = cls_gpu_turn_size(&turns, known > head ? known - head : 0);
    const uint64_t stride = (uint64_t)turns.warps * n;
    uint64_t e = head + (uint64_t)turns.warp * n, when = cls_gpu_look_when(flight, e, n, tail);
    for (; e < tail; e += stride) {
      const uint64_t next = cls_gpu_look_when(flight, e + stride, n, tail);
      const uint32_t fired = (uint32_t)(when >> 32);
      const bool stands =
          lane < n && e + lane < tail && (uint32_t)when == step && fired != (uint32_t)(uint64_t)now;
      when = next;
      if (!__any_sync(CLS_GPU_ALL_LANES, stands)) continue;
      const uint64_t i = (e + lane) & flight->mask;
      cls_gpu_place place = {0, 0, 0};
      if (stands) place = flight->where[i];
      const uint32_t next_due =
          cls_gpu_follow<DRAWN>(&rank->store, &words, sums, stands, fired, step, &place, added);
      if (!stands) continue;
      if (!DRAWN && next_due == step + 1) cls_gpu_ask_run(&rank->store, &place);
      flight->where[i] = place;
      cls_gpu_show(&flight->when[i], cls_gpu_when(fired, next_due));
    }
  }
}

#endif

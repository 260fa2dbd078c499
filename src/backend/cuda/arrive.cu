/* Spikes that come from elsewhere: packets of other ranks, read as they arrived, and what the host hands over, which has the
 * same form. All of them are entered in one launch: first they are brought near, then every thread takes spikes, whichever
 * packet they are in. */
#include "backend/cuda/flight.cuh"
#include "backend/cuda/packets.h"
#include "backend/cuda/row_source.cuh"

enum { THREADS = CLS_GPU_THREADS, WARP = CLS_GPU_WARP };

typedef struct {
  cls_gpu_packet packet[CLS_GPU_PACKETS];
  uint64_t end[CLS_GPU_PACKETS]; /* spikes of the packets up to this one */
} shared_memory;

/* A spike. */
typedef struct {
  uint32_t member, slot, fired;
} arrival;

/* By all threads of a block. Returns the number of spikes of all packets. */
CLS_GPU_FN uint64_t list_packets(const cls_gpu_arrive_args *a, shared_memory *shared) {
  for (uint32_t p = threadIdx.x; p < a->n_packets; p += THREADS) shared->packet[p] = a->packet[p];
  __syncthreads();
  if (threadIdx.x == 0) {
    uint64_t n = 0;
    for (uint32_t p = 0; p < a->n_packets; p++) {
      n += shared->packet[p].words - 1 - a->members * shared->packet[p].interval;
      shared->end[p] = n;
    }
  }
  __syncthreads();
  return shared->end[a->n_packets - 1];
}

CLS_GPU_FN void say_wrong(const cls_gpu_arrive_args *a, const cls_gpu_packet *packet, uint32_t value) {
  atomicCAS((unsigned long long *)a->wrong, 0ull, (unsigned long long)(packet->route + 1) << 32 | value);
}

/* By all blocks in turn. */
CLS_GPU_FN void bring_near(const cls_gpu_arrive_args *a, const shared_memory *shared) {
  uint32_t turn = 0;
  for (uint32_t p = 0; p < a->n_packets; p++) {
    const cls_gpu_packet *packet = &shared->packet[p];
    if (packet->copy) turn = cls_gpu_copy_words(packet->copy, packet->word, packet->words, turn);
  }
}

/* Spike t of all. False where its packet makes no sense. */
CLS_GPU_FN bool read_spike(const cls_gpu_arrive_args *a, const shared_memory *shared, uint64_t t,
                           arrival *read) {
  uint32_t p = 0, n = a->n_packets;
  while (n > 1) { /* the first packet that ends behind it is among n from p on */
    const uint32_t half = n / 2;
    if (shared->end[p + half - 1] <= t) {
      p += half;
      n -= half;
    } else {
      n = half;
    }
  }
  const cls_gpu_packet *packet = &shared->packet[p];
  const uint32_t *end = (packet->copy ? packet->copy : packet->word) + 1;
  const uint32_t sections = a->members * packet->interval;
  const uint32_t i = (uint32_t)(t - (p > 0 ? shared->end[p - 1] : 0));
  uint32_t section = 0;
  for (n = sections; n > 1;) {
    const uint32_t half = n / 2;
    if (end[section + half - 1] <= i) {
      section += half;
      n -= half;
    } else {
      n = half;
    }
  }
  const uint32_t position = end[sections + i];
  if (position >= packet->n || end[section] <= i || (section > 0 && end[section - 1] > i) ||
      end[sections - 1] != packet->words - 1 - sections || end[-1] != packet->words) {
    say_wrong(a, packet, position);
    return false;
  }
  read->member = section / packet->interval;
  read->slot = packet->slot ? packet->slot[position] : position;
  read->fired = (uint32_t)(uint64_t)packet->first + section % packet->interval;
  return true;
}

/* By a warp: takes `pieces` entries for every lane from the ring of its member, with one addition where all have the same. */
CLS_GPU_FN uint64_t take_entries(const cls_gpu_arrive_args *a, uint32_t member, uint32_t pieces) {
  const uint32_t lane = threadIdx.x % WARP;
  const uint32_t of_first = __shfl_sync(0xffffffffu, member, 0);
  if (!__all_sync(0xffffffffu, pieces == 0 || member == of_first))
    return pieces == 0
               ? 0
               : atomicAdd((unsigned long long *)a->member[member].flight.tail, (unsigned long long)pieces);
  uint32_t end = pieces;
#pragma unroll
  for (uint32_t d = 1; d < WARP; d *= 2) {
    const uint32_t before = __shfl_up_sync(0xffffffffu, end, d);
    if (lane >= d) end += before;
  }
  unsigned long long first = 0;
  if (lane == WARP - 1 && end > 0)
    first = atomicAdd((unsigned long long *)a->member[of_first].flight.tail, (unsigned long long)end);
  return __shfl_sync(0xffffffffu, first, WARP - 1) + end - pieces;
}

/* Puts an entry at the first run of its piece that is due now or later; those before are passed only for spikes that are
 * taken up anew. */
CLS_GPU_FN void depart_late(const cls_gpu_arrive_args *a, const cls_gpu_flight *flight, uint64_t entry,
                            uint32_t number, uint32_t fired) {
  const uint32_t age = (uint32_t)(uint64_t)a->now - fired;
  cls_gpu_place place = a->store.piece[number];
  while (place.left > 0 && cls_gpu_run_delay(&a->store, place.header) < age) {
    const uint32_t words = 1 + cls_gpu_run_count(&a->store, place.header);
    place.at += words;
    place.left -= words;
    if (place.left > 0) place.header = a->store.word[place.at];
  }
  cls_gpu_enter(flight, entry, place, fired,
                place.left > 0 ? fired + cls_gpu_run_delay(&a->store, place.header) : fired);
}

/* Its row may have to be drawn. */
CLS_GPU_FN void ask_row(const cls_gpu_arrive_args *a, const arrival *spike) {
  const cls_gpu_drawn_member *d = a->member[spike->member].drawn;
  if (!cls_gpu_row_source_of(&a->drawing.rows, a->drawing.neuron[spike->slot])) return;
  const uint64_t k = atomicAdd((unsigned long long *)d->n_asked, 1ull);
  d->asked[k] = cls_gpu_arrival{spike->slot, spike->fired};
}

CLS_GPU_FN void list_heard(const cls_gpu_arrive_args *a, const arrival *spike) {
  const uint64_t k = atomicAdd((unsigned long long *)&a->n_heard[spike->member], 1ull);
  a->heard[spike->member * a->heard_room + k] = cls_gpu_arrival{spike->slot, spike->fired};
}

CLS_KERNEL(arrive, CLS_GPU_THREADS)(const cls_gpu_arrive_args args) {
  CLS_SHARED(shared_memory, shared);
  const bool first = blockIdx.x == 0 && threadIdx.x == 0;
  const uint64_t begun = first ? cls_gpu_nanoseconds() : 0;
  const uint64_t n = list_packets(&args, &shared);
  bring_near(&args, &shared);
  CLS_GRID_SYNC();
  const uint64_t threads = (uint64_t)gridDim.x * THREADS;
  /* Whole warps go on as long as one of their lanes has a spike. */
  for (uint64_t t = (uint64_t)blockIdx.x * THREADS + threadIdx.x; t - threadIdx.x % WARP < n; t += threads) {
    arrival spike = {0, 0, 0};
    const bool here = t < n && read_spike(&args, &shared, t, &spike);
    const cls_gpu_pieces pieces = here ? args.store.of_slot[spike.slot] : cls_gpu_pieces{0, 0};
    const uint64_t entry = take_entries(&args, spike.member, pieces.n);
    for (uint32_t j = 0; j < pieces.n; j++)
      depart_late(&args, &args.member[spike.member].flight, entry + j, pieces.piece + j, spike.fired);
    if (here && args.heard) list_heard(&args, &spike);
    if (here && args.drawing.flight_limit > 0) ask_row(&args, &spike);
  }
  if (first) args.status->packets_ns += cls_gpu_nanoseconds() - begun;
}

cudaError_t cls_gpu_launch_arrive(const cls_gpu_arrive_args *args, unsigned blocks, cudaStream_t stream) {
  return CLS_LAUNCH_TOGETHER(arrive, blocks, THREADS, stream, *args);
}

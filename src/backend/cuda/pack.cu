/* Packets for other ranks, made where the spikes are: those of a step and member are counted, the counts become places, and
 * the spikes go there. All packets that are due are made in one launch, whose blocks wait for each other in between. */
#include "backend/cuda/flight.cuh"
#include "backend/cuda/packets.h"

enum { THREADS = CLS_GPU_THREADS, WARP = CLS_GPU_WARP };

typedef struct {
  uint32_t of_warp[CLS_GPU_WARPS];
} shared_memory;

CLS_GPU_FN uint32_t *packet_of(const cls_gpu_out *out, int64_t now) {
  return out->draft ? out->draft : out->packet[now / out->interval & 1];
}

/* By blocks, an outgoing route each: which packets are due, and nothing is in them. */
CLS_GPU_FN void begin(const cls_gpu_pack_args *a) {
  for (uint32_t p = blockIdx.x; p < a->n_out; p += gridDim.x) {
    const cls_gpu_out *out = &a->out[p];
    const bool is_due = a->now % out->interval == 0;
    uint32_t *word = packet_of(out, a->now);
    if (threadIdx.x == 0) a->due[p] = cls_gpu_due{is_due ? out->interval : 0, word};
    for (uint32_t k = threadIdx.x; is_due && k < a->members * out->interval; k += THREADS) word[1 + k] = 0;
  }
}

/* A spike of a neuron: counts it in every packet that has it, or puts it there. */
CLS_GPU_FN void route_spike(const cls_gpu_pack_args *a, uint32_t m, uint32_t neuron, uint32_t age, bool put) {
  for (uint64_t r = a->route_first[neuron]; r < a->route_first[neuron + 1]; r++) {
    const cls_gpu_route route = a->route[r];
    const cls_gpu_due due = a->due[route.out];
    if (age > due.interval) continue;
    const uint32_t at = atomicAdd(&due.word[1 + m * due.interval + due.interval - age], 1u);
    if (put) due.word[1 + a->members * due.interval + at] = route.position;
  }
}

/* By all warps: takes all spikes of the longest interval. Members share the warps. */
CLS_GPU_FN void route_all(const cls_gpu_pack_args *a, bool put) {
  const uint32_t warps = gridDim.x * CLS_GPU_WARPS, groups = a->members < warps ? a->members : warps;
  const uint32_t warp = blockIdx.x * CLS_GPU_WARPS + threadIdx.x / WARP, group = warp % groups;
  const uint32_t of_group = (warps - group + groups - 1) / groups;
  for (uint32_t m = group; m < a->members; m += groups) {
    const cls_gpu_leaving *leaving = &a->member[m].leaving;
    const uint64_t tail = *leaving->tail;
    uint64_t e = cls_gpu_leaving_from(leaving, a->now - a->longest) + (uint64_t)(warp / groups) * WARP +
                 threadIdx.x % WARP;
    for (; e < tail; e += (uint64_t)of_group * WARP) {
      const uint64_t i = e & leaving->mask;
      route_spike(a, m, leaving->neuron[i], (uint32_t)(uint64_t)a->now - leaving->fired[i], put);
    }
  }
}

/* By all threads of a block: the sum of `count` of the threads before this one; *total is that of all. */
CLS_GPU_FN uint32_t sum_before(shared_memory *shared, uint32_t count, uint32_t *total) {
  const uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  uint32_t end = count, before = 0, all = 0;
#pragma unroll
  for (uint32_t d = 1; d < WARP; d *= 2) {
    const uint32_t v = __shfl_up_sync(0xffffffffu, end, d);
    if (lane >= d) end += v;
  }
  __syncthreads(); /* the last sums have been read */
  if (lane == WARP - 1) shared->of_warp[warp] = end;
  __syncthreads();
#pragma unroll
  for (uint32_t w = 0; w < CLS_GPU_WARPS; w++) {
    if (w < warp) before += shared->of_warp[w];
    all += shared->of_warp[w];
  }
  *total = all;
  return before + end - count;
}

/* By blocks, an outgoing route each: counts become the places of the first spikes. When all spikes have taken theirs, they
 * are the places behind the last: what a packet asks for. */
CLS_GPU_FN void find_places(const cls_gpu_pack_args *a, shared_memory *shared) {
  for (uint32_t p = blockIdx.x; p < a->n_out; p += gridDim.x) {
    const cls_gpu_due due = a->due[p];
    const uint32_t sections = a->members * due.interval;
    uint64_t words = 1 + (uint64_t)sections;
    if (due.interval == 0) continue; /* the whole block */
    for (uint32_t first = 0; first < sections; first += THREADS) {
      const uint32_t k = first + threadIdx.x;
      const uint32_t count = k < sections ? due.word[1 + k] : 0;
      uint32_t total;
      const uint32_t before = sum_before(shared, count, &total);
      if (k < sections) due.word[1 + k] = (uint32_t)(words - 1 - sections) + before;
      words += total;
    }
    if (threadIdx.x != 0) continue;
    due.word[0] = (uint32_t)words;
    a->words[p] = words;
    if (words > a->out[p].capacity[a->now / due.interval & 1]) a->due[p].interval = 0; /* not this time */
  }
}

/* By blocks in turn: drafts are copied to where they are sent from. */
CLS_GPU_FN void deliver_drafts(const cls_gpu_pack_args *a) {
  uint32_t turn = 0;
  for (uint32_t p = 0; p < a->n_out; p++) {
    const cls_gpu_due due = a->due[p];
    if (due.interval == 0 || !a->out[p].draft) continue;
    turn = cls_gpu_copy_words(a->out[p].packet[a->now / due.interval & 1], due.word, due.word[0], turn);
  }
}

CLS_KERNEL(pack, CLS_GPU_THREADS)(const cls_gpu_pack_args args) {
  CLS_SHARED(shared_memory, shared);
  const bool first = blockIdx.x == 0 && threadIdx.x == 0;
  if (*args.reached != args.now)
    return; /* steps that came before stopped for lack of room: all threads see it */
  const uint64_t begun = first ? cls_gpu_nanoseconds() : 0;
  begin(&args);
  CLS_GRID_SYNC();
  route_all(&args, false);
  CLS_GRID_SYNC();
  find_places(&args, &shared);
  CLS_GRID_SYNC();
  route_all(&args, true);
  CLS_GRID_SYNC();
  deliver_drafts(&args);
  if (!first) return;
  args.status->packed = args.now;
  args.status->packets_ns += cls_gpu_nanoseconds() - begun;
}

cudaError_t cls_gpu_launch_pack(const cls_gpu_pack_args *args, unsigned blocks, cudaStream_t stream) {
  return CLS_LAUNCH_TOGETHER(pack, blocks, THREADS, stream, *args);
}

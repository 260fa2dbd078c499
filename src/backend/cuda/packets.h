/* Kernels for what goes to other ranks and comes from them, for the host. What a packet holds: engine/packets.h. */
#ifndef CALLOSUM_CUDA_PACKETS_H
#define CALLOSUM_CUDA_PACKETS_H

#include "backend/cuda/device_drawn.h"
#include "backend/cuda/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what leaves ---- */

/* See cls_route_entry. */
typedef struct {
  uint32_t out, position;
} cls_gpu_route;

/* An outgoing route. Its packets are drafted in the memory of the GPU, for additions at random, and then copied, unless they
 * are sent from there. */
typedef struct {
  uint32_t interval;
  uint32_t capacity[2]; /* words of */
  uint32_t *packet[2];  /* what is sent, alternately */
  uint32_t *draft;      /* as many words as the larger; NULL: `packet` is in the memory of the GPU */
} cls_gpu_out;

/* Packets in the making: what kernels keep of an outgoing route. */
typedef struct {
  uint32_t interval; /* 0: no packet is due */
  uint32_t *word;
} cls_gpu_due;

typedef struct {
  const cls_gpu_member *member; /* [members] */
  const cls_gpu_out *out;       /* [n_out] */
  cls_gpu_due *due;             /* [n_out] */
  const uint64_t *route_first;
  const cls_gpu_route *route;
  uint32_t members, n_out;
  uint64_t longest; /* interval of those that are due */
  int64_t now;
  const int64_t *reached; /* nothing is done where that is not `now` */
  uint64_t *
      words; /* [n_out], host: of packets that are due, also where they exceed the capacity and are not made */
  cls_gpu_status *status; /* host */
} cls_gpu_pack_args;

/* Makes the packets of all routes that are due. `blocks` wait for each other. */
cudaError_t cls_gpu_launch_pack(const cls_gpu_pack_args *args, unsigned blocks, cudaStream_t stream);

/* ---- what arrives ---- */

/* A packet, or spikes that the host hands over, in the same form. */
typedef struct {
  const uint32_t *word;
  uint32_t *copy;       /* room for it in the memory of the GPU; NULL: it lies there */
  const uint32_t *slot; /* [n] of each position; NULL: positions are slots */
  uint32_t n, words, interval;
  uint32_t route; /* number, for messages */
  int64_t first;  /* its first step */
} cls_gpu_packet;

enum { CLS_GPU_PACKETS = 48 };
typedef struct {
  const cls_gpu_member *member; /* [members]; their rings have room */
  cls_gpu_store store;
  cls_gpu_packet packet[CLS_GPU_PACKETS];
  uint32_t n_packets, members;
  int64_t now; /* the step to be computed next: runs due before are passed over */
  /* Where spikes are listed besides, for plastic synapses; NULL: there are none, or they know them. */
  cls_gpu_arrival *heard; /* [members][heard_room] */
  uint64_t *n_heard;      /* [members] */
  uint64_t heard_room;
  cls_gpu_drawing drawing;
  uint64_t *wrong;        /* see cls_gpu_rank.wrong */
  cls_gpu_status *status; /* host */
} cls_gpu_arrive_args;

/* Enters the spikes of packets. `blocks` wait for each other. */
cudaError_t cls_gpu_launch_arrive(const cls_gpu_arrive_args *args, unsigned blocks, cudaStream_t stream);

#ifdef __cplusplus
}

/* By all threads of the grid, a block at a time: copies n words. Blocks take turns: `turn` is the number of blocks' shares
 * that were copied before. Returns it with those of these words. */
CLS_GPU_FN uint32_t cls_gpu_copy_words(uint32_t *to, const uint32_t *from, uint32_t n, uint32_t turn) {
  const uint32_t block = (blockIdx.x + gridDim.x - turn % gridDim.x) % gridDim.x;
  for (uint64_t i = (uint64_t)block * CLS_GPU_THREADS + threadIdx.x; i < n;
       i += (uint64_t)gridDim.x * CLS_GPU_THREADS)
    to[i] = from[i];
  return turn + (n + CLS_GPU_THREADS - 1) / CLS_GPU_THREADS;
}
#endif

#endif

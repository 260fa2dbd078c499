/* Packets of spikes for other ranks and from them, on the GPU: what the host keeps of them. See engine/packets.h. */
#ifndef CALLOSUM_CUDA_PACKER_H
#define CALLOSUM_CUDA_PACKER_H

#include "backend/cuda/arena.h"
#include "backend/cuda/packets.h"
#include "engine/engine.h"

/* Memory that packets are sent from, or arrive in: of the GPU, or pinned. */
typedef struct {
  uint32_t *word;
  size_t capacity;
} cls_cuda_room;

typedef struct {
  const cls_routes *routes; /* the exchange's, which ends before this; NULL: no packets are made here */
  int n_in, n_out;
  bool device_memory; /* packets lie in the memory of the GPU */
  cls_gpu_arena
      arena; /* routes of local neurons, slots of incoming routes, what kernels are told of outgoing ones */
  size_t first, route, slot, peer, due; /* where they begin in it */
  size_t *slot_of;                      /* [n_in] where the slots of a route begin among all */
  cls_gpu_out *out;                     /* [n_out] */
  cls_gpu_arena *draft;                 /* [n_out] */
  cls_cuda_room (*in)[2];               /* [n_in] */
  bool old;                             /* what kernels are told of outgoing routes is */
  uint32_t longest;                     /* interval of an outgoing route */
  uint64_t leaving;                     /* neurons that others listen to */
  uint64_t ring, marks; /* entries and steps of the rings of spikes that leave, powers of two */
  uint64_t *words;      /* [n_out] pinned: of the packets that were made */
} cls_cuda_packets;

struct cls_cuda_;
/* Grows a room to hold at least `words` words; the first `kept` of them are kept. */
cls_status cls_cuda_room_grow(struct cls_cuda_ *b, cls_cuda_room *room, bool on_gpu, size_t kept,
                              size_t words);
void cls_cuda_room_free(cls_cuda_room *room, bool on_gpu);

/* Sizes follow from the routes of the setup; all zero where there are none. */
cls_status cls_cuda_packets_plan(struct cls_cuda_ *b);
/* Bytes of GPU memory at the beginning. */
size_t cls_cuda_packets_bytes(const struct cls_cuda_ *b);
cls_status cls_cuda_packets_make(struct cls_cuda_ *b);
void cls_cuda_packets_free(struct cls_cuda_ *b);
/* Rings of twice the size, for all members. */
cls_status cls_cuda_leaving_grow(struct cls_cuda_ *b);
/* The first step of which not all packets are made when step `now` is to be computed. */
int64_t cls_cuda_leaving_first(const struct cls_cuda_ *b, int64_t now);

extern const cls_packer cls_cuda_packer;

#endif

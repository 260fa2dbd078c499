/* What a rank needs of the memory of its GPU, object by object, before any of it is allocated. */
#ifndef CALLOSUM_CUDA_SIZES_H
#define CALLOSUM_CUDA_SIZES_H

#include "backend/cuda/drawn.h"
#include "backend/cuda/member.h"
#include "backend/cuda/plastic_member.h"

/* What sizes follow from: counted, or expected of a network that is not built. */
typedef struct {
  cls_gpu_store_counts store;
  cls_gpu_member_sizes member;
  cls_gpu_plastic_counts plastic;
  cls_gpu_plastic_sizes plastic_member;
  cls_gpu_drawn_sizes drawn;
  uint64_t parameters; /* bytes of constants and inputs, of all sets of parameters */
  uint64_t packets;    /* bytes of routes, packets, and spikes that wait for them */
  uint64_t neurons, members;
} cls_cuda_counts;

enum { CLS_CUDA_OBJECTS = 12 };
typedef struct {
  const char *name[CLS_CUDA_OBJECTS];
  size_t bytes[CLS_CUDA_OBJECTS]; /* of all of its kind */
  int n;
  size_t total;
} cls_cuda_sizes;

/* The sizes of the arenas that will be made. */
void cls_cuda_sizes_find(const cls_cuda_counts *counts, cls_cuda_sizes *sizes);
/* CLS_ERR_MEMORY with the table of sizes, and what would fit, where they exceed `free_bytes`. */
cls_status cls_cuda_sizes_check(const cls_world *world, const cls_network *network,
                                const cls_cuda_sizes *sizes, size_t free_bytes);
/* Local. What is expected on one of `ranks` ranks that share a network equally (see engine/sizes.h). */
cls_status cls_cuda_counts_expected(const cls_network *network, int ranks, int members,
                                    cls_cuda_counts *counts);

#endif

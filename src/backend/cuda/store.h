/* The stored synapses of a rank in the memory of the GPU: the rows of all parts of the engine's stores joined, their headers
 * split as the network asks for, long rows cut into pieces. */
#ifndef CALLOSUM_CUDA_STORE_H
#define CALLOSUM_CUDA_STORE_H

#include "backend/cuda/arena.h"
#include "backend/cuda/device.h"
#include "engine/neurons.h"
#include "engine/store.h"

/* Where the input sums of a member lie: [shards x ports]. */
typedef struct {
  uint64_t *channel; /* see cls_gpu_store.channel; UINT64_MAX: no model of the shard has such a port */
  uint32_t n;
  uint64_t words; /* of a member's sums */
} cls_gpu_channels;
cls_status cls_gpu_channels_create(const cls_layout *layout, const cls_neurons *neurons,
                                   cls_gpu_channels *channels);

/* What the store of a rank consists of. */
typedef struct {
  uint64_t words, pieces;
  uint64_t slots, local, channels;
  uint32_t count_bits, delay_bits, max_delay;
  uint32_t pieces_of_slot;    /* most pieces of one source */
  uint64_t most_of_next_step; /* most events of one spike that are due in the step after it */
  uint64_t pieces_here;       /* pieces of all of the rank's own neurons together */
} cls_gpu_store_counts;

typedef struct {
  cls_gpu_store_counts counts;
  cls_gpu_store device; /* for kernels */
  cls_gpu_arena arena;
  size_t word, piece, of_slot, of_local, channel; /* where they begin in the arena */
} cls_gpu_synapses;

/* Local. Counts what the stores hold. CLS_ERR_LIMIT where a header has no room for shards and delays. */
cls_status cls_gpu_store_count(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                               cls_gpu_store_counts *counts);
/* Plans the arena of a store of these counts: its size is synapses->arena.bytes. */
void cls_gpu_store_plan(const cls_gpu_store_counts *counts, cls_gpu_synapses *synapses);
/* Copies the stores to the GPU, into an arena that was made; again where weights were drawn again. */
cls_status cls_gpu_store_fill(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                              cls_gpu_synapses *synapses, cudaStream_t stream);

#endif

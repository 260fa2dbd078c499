/* The plastic synapses of a rank in the memory of the GPU: the stores of all parts joined into one numbering, long runs and
 * rows cut, kinds of traces and of short-term plasticity each there once. */
#ifndef CALLOSUM_CUDA_PLASTIC_STORE_H
#define CALLOSUM_CUDA_PLASTIC_STORE_H

#include "backend/cuda/device_plastic.h"
#include "backend/cuda/store.h"
#include "engine/plastic_store.h"

/* What they consist of. All zero: there are none. */
typedef struct {
  uint64_t synapses, stdp; /* all; those with STDP */
  uint64_t kinds, runs, pieces;
  uint64_t slots, local;
  uint32_t n_pre, n_post, n_short_term;
  uint32_t max_delay, window;
  uint32_t pieces_of_slot; /* most pieces of one source */
  uint64_t pieces_here;    /* pieces of all of the rank's own neurons together */
  uint64_t sources;        /* with a row; */
  uint64_t sources_here;   /* those of them that are the rank's own neurons */
  uint64_t targets;        /* neurons that synapses with STDP may end on */
} cls_gpu_plastic_counts;

typedef struct {
  cls_gpu_plastic_counts counts;
  cls_gpu_plastic device; /* for kernels */
  cls_gpu_arena arena;
  size_t kind, run, piece, synapse, of_slot, of_local, pre, post, short_term, heard; /* in the arena */
} cls_gpu_plastic_synapses;

/* Local. Counts what the stores hold. */
cls_status cls_gpu_plastic_count(const cls_backend_setup *setup, cls_gpu_plastic_counts *counts);
/* Pieces that are expected where `sources` rows hold so many synapses together. */
uint64_t cls_gpu_plastic_pieces(uint64_t synapses, uint64_t sources);
/* Plans the arena: its size is synapses->arena.bytes. */
void cls_gpu_plastic_plan(const cls_gpu_plastic_counts *counts, cls_gpu_plastic_synapses *synapses);
/* Copies the stores to the GPU, into an arena that was made. */
cls_status cls_gpu_plastic_fill(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                                cls_gpu_plastic_synapses *synapses, cudaStream_t stream);
/* Where the weights of a part begin among those of all. */
uint64_t cls_gpu_plastic_first(const cls_backend_setup *setup, uint32_t part);
/* Weights before any spike: v[stdp]. */
void cls_gpu_plastic_start(const cls_backend_setup *setup, int32_t *v);

#endif

/* What members own in the memory of the GPU: states, input sums, spikes in flight, spikes kept for the host, counts. */
#ifndef CALLOSUM_CUDA_MEMBER_H
#define CALLOSUM_CUDA_MEMBER_H

#include "backend/cuda/arena.h"
#include "backend/cuda/device.h"
#include "backend/cuda/ring.h"
#include "backend/cuda/store.h"

/* Sizes of the arrays of one member. */
typedef struct {
  uint64_t pool;  /* floats of states */
  uint64_t sums;  /* words of input sums, */
  uint64_t apart; /* and of a second array of them: all or none */
  cls_gpu_ring_sizes ring;
} cls_gpu_member_sizes;

/* Sizes for a network: the ring holds what is expected in flight, several times, besides all spikes that one step may add. */
cls_gpu_member_sizes cls_gpu_member_measure(const cls_backend_setup *setup, const cls_gpu_store_counts *store,
                                            const cls_gpu_channels *channels);

/* Spikes of this rank's neurons that are expected in flight, at the populations' expected rates. */
double cls_gpu_spikes_expected(const cls_backend_setup *setup, double steps);
/* The same from expected values: floats of states, words of sums, spikes in flight. */
cls_gpu_member_sizes cls_gpu_member_expect(const cls_gpu_store_counts *store, double pool, double sums,
                                           double in_flight);

/* Spikes of this rank's neurons that are expected in so many steps, at the populations' expected rates. */
double cls_gpu_spikes_expected(const cls_backend_setup *setup, double steps);

typedef struct {
  cls_gpu_arena arena, ring, leaving, leaving_marks, kept, counts;
  cls_gpu_member device; /* as kernels see it */
} cls_gpu_member_memory;

/* States and sums; digest and number of spikes. */
void cls_gpu_member_plan(const cls_gpu_member_sizes *sizes, cls_gpu_member_memory *member);
cls_status cls_gpu_member_make(const cls_gpu_member_sizes *sizes, cls_gpu_member_memory *member,
                               cudaStream_t stream);
/* A ring for `ring` spikes that leave and `marks` steps, powers of two. The last `kept` spikes are moved into it where there
 * was another before; steps remain. */
cls_status cls_gpu_leaving_make(uint64_t ring, uint64_t marks, uint64_t kept, cls_gpu_member_memory *member,
                                cudaStream_t stream);
/* A list of `spikes` spikes and `steps` steps. */
cls_status cls_gpu_list_make(uint64_t spikes, uint64_t steps, cls_gpu_member_memory *member,
                             cudaStream_t stream);
/* Room for words[t] counts of each tally. */
cls_status cls_gpu_counts_make(const uint64_t *words, uint32_t n_tallies, cls_gpu_member_memory *member,
                               cudaStream_t stream);
void cls_gpu_member_free(cls_gpu_member_memory *member);

#endif

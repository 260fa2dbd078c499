/* Kernels that test the executor: right ones (kernels.cu) and wrong ones (wrong_kernels.cu), with the host functions that
 * launch them. Pointers are to memory of the device. */
#ifndef CUDA_HOST_KERNELS_H
#define CUDA_HOST_KERNELS_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every lane gives words made of its number and gets those that `how` (0 index, 1 up, 2 down, 3 xor) and lane[] mean. */
enum { SHUFFLE_THREADS = 64 };
#define SHUFFLE_WORD(thread)   (0x9e3779b97f4a7c15ull * ((thread) + 1)) /* 32-bit ones: the upper half */
#define SHUFFLE_NUMBER(thread) ((thread) + 0.25)
typedef struct {
  const int *lane;
  int width, how;
  unsigned *got32;
  unsigned long long *got64;
  float *got_float;
  double *got_double;
} shuffle_args;
cudaError_t launch_shuffles(shuffle_args args, cudaStream_t stream);

/* What a warp says of holds[]: all lanes; each half by itself; lanes 3 and 17 alone. And holds[] of the lane beside, by
 * way of shared memory. */
typedef struct {
  const int *holds;
  int *beside;
  unsigned *all, *half, *two; /* ballots */
  int *any, *every;
} vote_args;
cudaError_t launch_votes(vote_args args, cudaStream_t stream);

/* Inclusive sums of 128 numbers: shuffles in warps, shared memory between them. */
enum { SCAN_THREADS = 128 };
typedef struct {
  const unsigned *in;
  unsigned *out;
} scan_args;
cudaError_t launch_scan(scan_args args, cudaStream_t stream);

/* Block sums by a tree in shared memory, then `rounds` times each block takes its right neighbour's number, once all
 * have put theirs there. */
enum { RING_BLOCKS = 3, RING_THREADS = 96 };
typedef struct {
  unsigned long rounds;
  unsigned *numbers; /* one per block */
  unsigned *out;     /* one per block */
} ring_args;
cudaError_t launch_ring(ring_args args, cudaStream_t stream);

/* Threads of many blocks; the last block that is done adds the sums of all. */
enum { LAST_BLOCKS = 20, LAST_THREADS = 64 };
typedef struct {
  unsigned *sums; /* one per block */
  unsigned *done;
  unsigned *out;
} last_args;
cudaError_t launch_last(last_args args, cudaStream_t stream);

/* Every atomic operation, by every thread. */
enum { ATOMIC_BLOCKS = 4, ATOMIC_THREADS = 64 };
typedef struct {
  unsigned long long *sum64;
  unsigned *sum, *most, *bits, *swaps, *ticket; /* ticket: one per thread */
  int *least, *down;
} atomic_args;
cudaError_t launch_atomics(atomic_args args, cudaStream_t stream);

/* __syncthreads_count(), _and(), _or() of three predicates: never, thread % 3 == 0, always. */
enum { PREDICATE_THREADS = 70 };
typedef struct {
  int *out; /* 9 */
} predicate_args;
cudaError_t launch_predicates(predicate_args args, cudaStream_t stream);

/* Integer functions of one thread. */
typedef struct {
  unsigned long long *out;
} bit_args;
enum { BIT_RESULTS = 16 };
cudaError_t launch_bits(bit_args args, cudaStream_t stream);

/* Writes `tag` to the end of a list. */
typedef struct {
  unsigned *count, *list;
  unsigned long tag;
} log_args;
cudaError_t launch_log(log_args args, cudaStream_t stream);

/* A block of threads that does something wrong. */
typedef enum {
  WRONG_NEIGHBOUR, /* reads its neighbour's number without a barrier */
  WRONG_TWO_PLACES,
  WRONG_ENDS_EARLY,
  WRONG_MASK_LACKS_CALLER,
  WRONG_LANE_ENDED,
  WRONG_LANE_AT_BARRIER,
  WRONG_OTHER_PLACE,
  WRONG_OTHER_MASK,
  WRONG_NOT_TOGETHER,
  WRONG_DEADLOCK,
  WRONG_SPIN,
  WRONG_SHARED_SIZE,
  WRONG_WIDTH,
  WRONG_TRAP,
  WRONG_GLOBAL_BESIDE,
  WRONG_SHARED_BESIDE,
  WRONG_SHUFFLE_AS_BARRIER,
  WRONG_WARP_NEIGHBOUR,
  WRONG_BLOCKS_SHARE_A_WORD,
  WRONG_FLAG_WITHOUT_FENCE,
  WRONG_WRITE /* nothing wrong: writes out[thread] */
} wrong_kind;
enum { WRONG_THREADS = 64 };
typedef struct {
  long kind;     /* wrong_kind */
  unsigned *out; /* one per thread */
} wrong_args;
cudaError_t launch_wrong(wrong_args args, unsigned blocks, int together, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif

/* Plastic synapses in the memory of the GPU, as kernels and host see them.
 *
 * What stands still about them is the same for all members. It is that of engine/plastic_store.h, the stores of all parts of
 * a rank joined and long runs cut: synapses with STDP come first, those of all parts, then the others; kinds of traces and
 * of short-term plasticity are each there once.
 *
 * What belongs to a member is: weights, spikes in flight along rows of plastic synapses, and past spikes with the traces
 * they found, of sources and of the rank's own neurons. A weight is touched when an event of its synapse is due, and then
 * takes in the postsynaptic spikes since the event before, as in backend/cpu/plastic.h. */
#ifndef CALLOSUM_CUDA_DEVICE_PLASTIC_H
#define CALLOSUM_CUDA_DEVICE_PLASTIC_H

#include "backend/cuda/device.h"
#include "model/short_term.h"
#include "model/stdp.h"

/* ---- synapses: the same for all members ---- */

/* What the runs of a projection onto a range share: cls_plastic_piece. */
typedef struct {
  cls_stdp_const stdp;
  cls_spike_trace x, y;
  /* Which values of a past spike are its traces: of a presynaptic one x, x3, of a postsynaptic one y, y3; CLS_GPU_NONE: no
   * triplets count. */
  uint32_t x_at, x3_at, y_at, y3_at;
  uint32_t
      short_term; /* value of a presynaptic spike that is u; the next one is x. CLS_GPU_NONE: there is none */
  uint32_t has_stdp;
  uint32_t local; /* local index of target 0 */
  float gain;     /* quanta of input that v = 2^-30 stands for */
  double dendritic_share;
  uint64_t sum; /* where the sums of target 0 begin, in 32-bit words of the member's sums */
} cls_gpu_plastic_kind;

/* Synapses of one source, one kind and one delay. */
typedef struct {
  uint64_t first; /* synapse */
  uint32_t kind;
  uint16_t count, delay;
} cls_gpu_plastic_run;

/* Runs of a row, ascending by delay: all of them, or as many as one warp should have to do with. */
typedef struct {
  uint64_t run; /* the first */
  uint32_t n;
  uint32_t slot;
  uint32_t delay; /* of the first, in steps */
} cls_gpu_plastic_piece;

/* What becomes of a spike of a neuron of this rank. */
typedef struct {
  uint32_t piece, n;  /* pieces of its row; n = 0: it has none, */
  uint32_t slot;      /* and no slot */
  uint32_t is_target; /* of synapses with STDP */
} cls_gpu_plastic_local;

typedef struct {
  const cls_gpu_plastic_kind *kind; /* NULL: there are no plastic synapses */
  const cls_gpu_plastic_run *run;
  const cls_gpu_plastic_piece *piece;
  const uint32_t *synapse; /* as in engine/plastic_store.h */
  const cls_gpu_pieces *of_slot;
  const cls_gpu_plastic_local *of_local;
  const cls_spike_trace *pre, *post;
  const cls_short_term_const *short_term;
  uint32_t n_pre, n_post, n_short_term;
  uint32_t max_delay;
  uint32_t window; /* steps for which spikes are remembered: cls_plastic_store.window */
  uint32_t n_pieces;
  uint32_t *heard;       /* [slots] arrivals.cuh: 0 between launches */
  uint64_t flight_limit; /* entries in flight above which there may be no room for those of one more step */
  int64_t folded;        /* weights have taken in what reached them before this step */
} cls_gpu_plastic;

/* ---- members ---- */

/* A spike of an owner (a source, or a neuron); its values lie behind it. Of a source: its traces, then u and x of every kind
 * of short-term plasticity. Of a neuron: its traces. */
typedef struct {
  int64_t step,
      step_before; /* of this spike, and of the owner's spike before: CLS_GPU_NEVER where there is none */
  uint32_t before, after; /* numbers of its neighbours among the older spikes; after = 0: it is the newest */
} cls_gpu_past;
/* Older than all there are, and far enough from them to have left no trace. */
#define CLS_GPU_NEVER (INT64_MIN / 2)

/* The newest spike of every owner lies in a table, where most questions end; those before are linked, both ways. */
typedef struct {
  char *newest;   /* [owners] */
  char *older;    /* number 0 stands for those that never were */
  uint32_t *free; /* [room] numbers 1 ... room: free[*used] and those behind it are not in use */
  uint32_t *used;
  uint32_t owners, size; /* bytes of a spike with its values */
  uint32_t room;
  uint32_t limit; /* of *used, above which there may be no room for the spikes of one more step */
} cls_gpu_history;
enum { CLS_GPU_PRE, CLS_GPU_POST, CLS_GPU_HISTORIES };

/* What a launch tells the host of a member, in host memory that the GPU writes to. */
typedef struct {
  uint64_t in_flight; /* entries of the ring that are not over */
  uint32_t used[CLS_GPU_HISTORIES];
} cls_gpu_plastic_status;

typedef struct cls_gpu_plastic_member_ {
  int32_t *v; /* [synapses with STDP] weights, in units of 2^-30 of the greatest */
  cls_gpu_flight flight;
  cls_gpu_history history[CLS_GPU_HISTORIES]; /* by slot, and by local index */
  cls_gpu_plastic_status *status;
} cls_gpu_plastic_member;

#endif

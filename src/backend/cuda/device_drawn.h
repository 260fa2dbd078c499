/* Rows of procedural projections in the memory of the GPU. The row of a spike is drawn when the spike sets out (rows.h), laid
 * into a ring of words, and delivered from there run by run like a stored one, until the spike has come to its end. */
#ifndef CALLOSUM_CUDA_DEVICE_DRAWN_H
#define CALLOSUM_CUDA_DEVICE_DRAWN_H

#include "backend/cuda/rows.h"

/* What a launch tells the host of a member, in host memory that the GPU writes to. */
typedef struct {
  uint64_t in_flight; /* entries of the ring that are not over, */
  uint64_t words;     /* and words that may be in use, or were asked for in vain */
  uint64_t asked;     /* rows that are still to be drawn */
} cls_gpu_drawn_status;

/* Of a member. Entries, and words, keep their numbers when rings grow. */
typedef struct cls_gpu_drawn_member_ {
  cls_gpu_flight flight; /* places count words from the beginning of the run */
  uint32_t *word;        /* those of rows: word number i lies at i & mask; a row is in one piece */
  uint64_t mask;
  uint64_t *tail;         /* words so far */
  uint64_t *mark;         /* [step & flight.mark_mask] that when the step was over */
  cls_gpu_arrival *asked; /* spikes whose rows are to be drawn; slot = CLS_GPU_NONE: it was */
  uint64_t *n_asked;
  cls_gpu_drawn_status *status;
} cls_gpu_drawn_member;

/* What all members share. */
typedef struct {
  cls_gpu_rows rows;
  const uint64_t *neuron;        /* [slots] global number of each source */
  const uint32_t *slot_of_local; /* [local indices] slot of those that may have a drawn row; CLS_GPU_NONE */
  cls_gpu_row_layout layout;     /* of the scratch of a block, */
  char *scratch;                 /* [blocks] */
  uint32_t *out;                 /* [blocks][2 records] the words of a row */
  uint32_t *needed;              /* greatest number of synapses of a row that had too many */
  uint64_t records;              /* synapses that a block has room for */
  uint64_t
      flight_limit; /* entries above which there may be no room for those of one more step; 0: nothing is drawn */
} cls_gpu_drawing;

#endif

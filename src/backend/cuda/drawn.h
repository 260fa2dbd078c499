/* Procedural projections on the GPU: what the host keeps of them. See device_drawn.h. */
#ifndef CALLOSUM_CUDA_DRAWN_H
#define CALLOSUM_CUDA_DRAWN_H

#include "backend/cuda/arena.h"
#include "backend/cuda/device_drawn.h"
#include "backend/cuda/row_store.h"

/* Sizes, which may grow in the course of a run; all 0 where nothing is procedural. */
typedef struct {
  cls_gpu_row_counts rows;
  uint64_t slots, local; /* sources; local indices */
  uint64_t sources;      /* neurons of this rank that may have a drawn row */
  uint64_t blocks;       /* that draw */
  uint64_t records;      /* synapses of a row that blocks have room for */
  uint64_t entries;      /* rows in flight to a member: a power of two, */
  uint64_t words;        /* and their words, likewise */
  uint64_t asked;        /* rows that are asked for at a time */
  uint64_t marks;        /* steps: a power of two */
} cls_gpu_drawn_sizes;

/* Of a rank with `spikes` of its sources expected in flight. */
cls_gpu_drawn_sizes cls_gpu_drawn_measure(const cls_gpu_row_counts *rows, uint64_t slots, uint64_t local,
                                          uint64_t sources, uint64_t blocks, double spikes);
/* Bytes: what all members share, and of one member. */
size_t cls_gpu_drawn_shared_bytes(const cls_gpu_drawn_sizes *sizes);
size_t cls_gpu_drawn_member_bytes(const cls_gpu_drawn_sizes *sizes);

typedef struct {
  cls_gpu_arena entries, words, asked;
  cls_gpu_drawn_member device;
  uint64_t n_asked; /* at most */
} cls_cuda_drawn_member;

typedef struct {
  cls_gpu_drawn_sizes sizes;
  cls_gpu_procedural rows;
  cls_gpu_drawing device; /* for kernels */
  cls_gpu_arena sources;  /* neurons and slots */
  cls_gpu_arena scratch;
  cls_cuda_drawn_member *members; /* NULL: nothing is procedural */
  cls_gpu_arena table;            /* [members] what kernels are told of them, */
  bool table_old;                 /* to be copied before the next launch */
  cls_gpu_drawn_status *status;   /* pinned, [members] */
} cls_cuda_drawn;

struct cls_cuda_;
/* Counts what there is. */
cls_status cls_cuda_drawn_plan(struct cls_cuda_ *b);
cls_status cls_cuda_drawn_make(struct cls_cuda_ *b);
void cls_cuda_drawn_free(struct cls_cuda_ *b);
/* Copies what kernels are told of members where it is old. */
cls_status cls_cuda_drawn_copy(struct cls_cuda_ *b);
/* Makes room for so many spikes of other ranks at each member. */
cls_status cls_cuda_drawn_expect(struct cls_cuda_ *b, uint64_t spikes);
/* After a launch: makes the room that was lacking, or that the next step may need. */
cls_status cls_cuda_drawn_advanced(struct cls_cuda_ *b);
/* Weights are others: rows are drawn so from now on. */
cls_status cls_cuda_drawn_refill(struct cls_cuda_ *b);
/* Forgets rows in flight to a member. */
cls_status cls_cuda_drawn_forget(struct cls_cuda_ *b, int member);

#endif

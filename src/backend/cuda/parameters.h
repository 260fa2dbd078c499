/* Parameters of neurons in the memory of the GPU, and what drives their inputs step by step. Members with the same parameters
 * share one of these. */
#ifndef CALLOSUM_CUDA_PARAMETERS_H
#define CALLOSUM_CUDA_PARAMETERS_H

#include "backend/cuda/arena.h"
#include "backend/cuda/device.h"
#include "backend/cuda/store.h"

/* Rows of the drive: see cls_gpu_drive. */
typedef struct {
  cls_drive *drive; /* the host's, at the last row */
  uint32_t rows;    /* most rows of a launch; 1: nothing changes */
  uint64_t most_tables, n_tables;
  char *staging;                                /* what is copied to the GPU, in pinned memory */
  size_t level, table_of, table, events, bytes; /* where they begin in it, and in the arena */
  uint64_t *first_event;                        /* [n_trains] where a train's events begin among all */
  double *level_of_table;                       /* [n_counts] of the table in use */
  bool changes, made;                           /* from step to step; what does not change was copied */
} cls_gpu_drive_rows;

typedef struct cls_gpu_parameter_set_ {
  const cls_neurons *neurons;
  /* Those of neurons->origin, NULL where it has none: its trains and the constants that were borrowed are read there. */
  const struct cls_gpu_parameter_set_ *origin;
  bool lends;                /* an origin that no member has itself: only what others borrow is there */
  cls_gpu_parameters device; /* for kernels */
  cls_gpu_arena arena;
  cls_gpu_arena own; /* constants that are not borrowed, where there is an origin; grows */
  size_t range, input, konst, rows, event; /* where they begin in the arena */
  uint64_t n_inputs, n_events;
  bool filled;      /* it is on the GPU, */
  uint64_t changes; /* as it was after so many changes of the neurons */
  cls_gpu_drive_rows drive;
} cls_gpu_parameter_set;

/* Local. Plans the arena of the parameters; its size is set->arena.bytes. CLS_ERR_INTERNAL where a model has no kernel. */
cls_status cls_gpu_parameters_plan(const cls_neurons *neurons, const cls_gpu_parameter_set *origin,
                                   bool lends, cls_gpu_parameter_set *set);
/* Copies them to the GPU, into an arena that was made; again where they changed. Those of the origin first. */
cls_status cls_gpu_parameters_fill(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                                   cls_gpu_parameter_set *set, cudaStream_t stream);
void cls_gpu_parameters_free(cls_gpu_parameter_set *set);
/* Makes the drive ready for steps begin ... end - 1, at most set->drive.rows of them where inputs change. */
cls_status cls_gpu_parameters_drive(cls_gpu_parameter_set *set, int64_t begin, int64_t end,
                                    cudaStream_t stream);

/* The one neuron model there is, -1: several. */
int cls_gpu_only_model(const cls_neurons *neurons);

/* Chunks of all ranges: chunk[n], allocated here. */
cls_status cls_gpu_chunks_create(const cls_layout *layout, cls_gpu_chunk **chunk, uint32_t *n);

#endif

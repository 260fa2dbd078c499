/* What lies in the memory of the GPU, as kernels and host see it: plain structs of pointers and numbers. Pointers point
 * into device memory. Counts of neurons of a rank are 32 bits wide, positions in stores 64. Structs that are arguments of
 * kernels have no padding. */
#ifndef CALLOSUM_CUDA_DEVICE_H
#define CALLOSUM_CUDA_DEVICE_H

#include <stdint.h>

enum {
  CLS_GPU_WARP = 32,
  CLS_GPU_THREADS = 256, /* of a block */
  CLS_GPU_WARPS = CLS_GPU_THREADS / CLS_GPU_WARP,
  CLS_GPU_PORTS = 2,    /* CLS_MAX_PORTS */
  CLS_GPU_RECEPTORS = 4 /* CLS_MAX_RECEPTORS */
};
#define CLS_GPU_NONE UINT32_MAX

/* ---- neurons: constants, the same for all members with the same parameters ---- */

typedef enum { CLS_GPU_POISSON, CLS_GPU_DC, CLS_GPU_OU, CLS_GPU_SPIKE_TRAIN } cls_gpu_input_kind;

/* An input model acting on a range: cls_input_run. */
typedef struct {
  uint32_t kind;
  int32_t receptor;
  uint32_t key[2];    /* noise */
  const float *konst; /* its constants: one value each (stride 0), or arrays of `padded` (stride 1) */
  uint32_t stride;
  uint32_t first_state;         /* its states come after the model's */
  uint32_t level, count, train; /* of the drive; CLS_GPU_NONE */
} cls_gpu_input;

/* A range of neurons: cls_range_run. */
typedef struct {
  uint32_t model; /* number in CLS_GPU_NEURONS */
  uint32_t n, padded;
  uint32_t local;     /* local index of its first neuron, */
  uint32_t first;     /* its number in the population, */
  uint64_t neuron;    /* and in the network */
  const float *konst; /* as of an input */
  uint64_t state;     /* first state in the member's pool: state j begins padded * j further */
  uint32_t stride;
  uint32_t n_states;           /* of the model and its inputs */
  uint32_t silent;             /* removed: not computed, never spikes */
  uint32_t pairs;              /* bit p: port p has two receptors, summed in two 32-bit halves of 64 bits */
  uint64_t sum[CLS_GPU_PORTS]; /* where its input sums begin, in 32-bit words of the member's sums */
  float quantum[CLS_GPU_RECEPTORS];
  uint32_t input_first, n_inputs;
} cls_gpu_range;

/* Up to 32 neurons of a range, which one warp advances. */
typedef struct {
  uint32_t range, offset;
} cls_gpu_chunk;

/* How counts of a step are drawn: cls_count_table. */
enum { CLS_GPU_THRESHOLDS = 96 };
typedef struct {
  uint32_t threshold[CLS_GPU_THRESHOLDS];
  int32_t n, repeat;
} cls_gpu_table;

/* Spikes of one step for one input of one range: event[first ... first + n - 1] of all trains. */
typedef struct {
  uint64_t first;
  int32_t n;
} cls_gpu_events;

/* What drives inputs in the steps of a launch: engine/drive.h, step by step. Row 0 is that of the first step; where
 * nothing changes there is only that row. */
typedef struct {
  const float *level;       /* [rows][n_levels] */
  const uint32_t *table_of; /* [rows][n_counts] */
  const cls_gpu_table *table;
  const cls_gpu_events *events; /* [rows][n_trains] */
  const uint64_t *event;        /* of all trains */
  uint32_t n_levels, n_counts, n_trains;
  uint32_t changes; /* 0: row 0 holds for all steps */
} cls_gpu_drive;

/* Parameters and drive of members that share them. */
typedef struct {
  const cls_gpu_range *range;
  const cls_gpu_input *input;
  cls_gpu_drive drive;
} cls_gpu_parameters;

/* ---- synapses: the same for all members ---- */

/* A place along a row, or along a piece of a long one, whose runs ascend by delay. */
typedef struct {
  uint64_t at;     /* word at which a run begins */
  uint32_t left;   /* words from there to the end of the piece */
  uint32_t header; /* of that run: its own copy, which saves waiting for the word */
} cls_gpu_place;

/* The pieces of a source. */
typedef struct {
  uint32_t piece, n;
} cls_gpu_pieces;

/* The words of all rows. A run is a header and `count` synapse words, as in engine/store.h, but a header's bits are split
 * as the network asks for: channel (high) | delay | count (low). */
typedef struct {
  const uint32_t *word;
  const cls_gpu_place *piece;     /* where they begin */
  const cls_gpu_pieces *of_slot;  /* [slots] */
  const cls_gpu_pieces *of_local; /* [local indices] those of the rank's own neurons */
  /* [channels] where the sums of target 0 begin, in 32-bit words of a member's sums; CLS_GPU_PAIR: pairs of weights */
  const uint64_t *channel;
  uint32_t count_bits, delay_bits;
  uint32_t max_delay;
  uint32_t n_channels;
} cls_gpu_store;
#define CLS_GPU_PAIR (1ull << 63)

/* ---- members ---- */

/* Spikes in flight along rows, in the order of their arrival: a ring in which entry i lies at i & mask. */
typedef struct {
  uint64_t *
      when; /* low bits of the step of its spike (high), and of that in which the run it stands at is due (low) */
  cls_gpu_place *where; /* that run; of plastic rows: number of the run, runs left, slot */
  uint64_t mask;
  uint64_t *tail; /* entries so far */
  uint64_t
      *mark; /* [step & mark_mask] a tail between that when the step was over and when the next one was */
  uint64_t mark_mask;
} cls_gpu_flight;

/* A spike of a source that comes from elsewhere. */
typedef struct {
  uint32_t slot;
  uint32_t fired; /* low bits of its step */
} cls_gpu_arrival;

/* Spikes of neurons that other ranks listen to, in the order of their steps, until the packets of all ranks hold them: a ring
 * like that of spikes in flight. */
typedef struct {
  uint32_t *neuron; /* local indices */
  uint32_t *fired;  /* low bits of their step */
  uint64_t mask;
  uint64_t *tail;
  uint64_t *mark; /* as of spikes in flight */
  uint64_t mark_mask;
} cls_gpu_leaving;

/* Spikes kept for the host, in the order of their steps: of_step[k] of step cls_gpu_rank.list_first + k. */
typedef struct {
  uint32_t *neuron; /* local indices */
  uint64_t *of_step;
  uint64_t *n;
} cls_gpu_list;

/* Counts of a tally: see cls_tally. */
enum { CLS_GPU_TALLIES = 8 };
typedef struct {
  const uint32_t *group_of_16;
  uint64_t n_groups;
  int64_t interval, first, base; /* count[0] is that of bin `base` */
} cls_gpu_tally;

/* What a launch tells the host of a member, in host memory that the GPU writes to. */
typedef struct {
  uint64_t in_flight;      /* entries of the ring that are not over */
  uint64_t kept;           /* spikes in the list */
  uint64_t leaving;        /* spikes that wait for packets */
  uint64_t digest, spikes; /* so far */
} cls_gpu_member_status;

typedef struct {
  float *pool;         /* states */
  uint32_t *sums;      /* of input */
  uint32_t parameters; /* number of its cls_gpu_parameters */
  uint32_t identity;   /* under which it draws noise */
  cls_gpu_flight flight;
  cls_gpu_leaving leaving;
  cls_gpu_list list;
  uint64_t *digest, *spikes; /* so far */
  uint32_t *count[CLS_GPU_TALLIES];
  cls_gpu_member_status *status;
  const struct cls_gpu_plastic_member_ *plastic; /* device_plastic.h; NULL: it has no plastic synapses */
  const struct cls_gpu_drawn_member_ *drawn;     /* NULL: nothing is procedural */
} cls_gpu_member;

/* And of all of them. */
typedef struct {
  int64_t reached;                /* step to be computed next */
  uint32_t full;                  /* why it stopped before the end: see cls_gpu_full */
  uint64_t events;                /* delivered so far */
  uint64_t deliver_ns, update_ns; /* spent so far */
  uint64_t packets_ns;
  int64_t packed; /* step up to which packets were made */
  uint64_t wrong; /* see cls_gpu_rank.wrong */
} cls_gpu_status;
typedef enum {
  CLS_GPU_FLIGHT_FULL = 1,
  CLS_GPU_LIST_FULL = 2,
  CLS_GPU_LEAVING_FULL = 4,
  CLS_GPU_PLASTIC_FULL = 8,
  CLS_GPU_DRAWN_FULL = 16
} cls_gpu_full;

/* Which spikes are kept for the host. */
typedef enum { CLS_GPU_KEEP_NONE, CLS_GPU_KEEP_MARKED, CLS_GPU_KEEP_ALL } cls_gpu_keep;

/* All that steps work on. */
typedef struct {
  const cls_gpu_member *member; /* [members] */
  const cls_gpu_parameters *parameters;
  const cls_gpu_chunk *chunk;
  uint32_t members, n_chunks;
  cls_gpu_store store;
  /* Words between the sums of steps of even and of odd number: what is due in the next step is added while neurons read the
   * sums of this one. 0: there is one array of sums, and blocks wait for each other in between. */
  uint64_t sums_apart;
  uint64_t flight_limit; /* entries in flight above which there may be no room for those of one more step */
  uint64_t list_limit;   /* the same for spikes that are kept */
  int64_t list_first;
  const uint64_t *route_first; /* [local index + 1] of routes to other ranks; NULL: there are none */
  uint64_t leaving_limit;      /* the same for spikes that wait for packets: */
  int64_t leaving_first;       /* those of this step and later ones do */
  uint32_t keep;               /* cls_gpu_keep */
  uint32_t n_tallies;
  const uint64_t *marked; /* bits of local indices */
  cls_gpu_tally tally[CLS_GPU_TALLIES];
  uint32_t *full;   /* cls_gpu_full: the launch ends after this step */
  uint64_t *events; /* delivered so far */
  int64_t *reached; /* step to be computed next */
  uint64_t *wrong;  /* of a packet that makes no sense: (its route + 1) << 32 | what it says; 0: of none */
  cls_gpu_status *status; /* host */
} cls_gpu_rank;

#endif

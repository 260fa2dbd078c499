/* Private to the CUDA backend: what one instance is made of. */
#ifndef CALLOSUM_CUDA_INSTANCE_H
#define CALLOSUM_CUDA_INSTANCE_H

#include "backend/cuda/drawn.h"
#include "backend/cuda/member.h"
#include "backend/cuda/packer.h"
#include "backend/cuda/parameters.h"
#include "backend/cuda/plastic_member.h"
#include "backend/cuda/step.h"

/* Spikes that the host handed over and that wait to be entered. */
typedef struct {
  uint32_t *slot;
  int64_t *fired; /* step of each */
  size_t n, slot_capacity, fired_capacity;
} cls_cuda_arrivals;

/* Spikes that came back to the host: as in cls_spikes. */
typedef struct {
  uint32_t *neuron, *first;
  size_t n_neurons, n_first, neuron_capacity, first_capacity;
  int64_t begin;
  bool shown; /* they were handed over: the next ones begin anew */
} cls_cuda_spikes;

/* Haemodynamics of the groups of one tally, where it has them. */
typedef struct {
  cls_gpu_arena arena; /* consts, size, */
  size_t consts, size, state,
      during;        /* and of each member state and spikes of the volume that is not complete */
  cls_gpu_arena out; /* volumes of one member, on the GPU */
  double *signal;    /* and here */
  uint64_t *spikes;
  size_t signal_capacity, spikes_capacity;
} cls_cuda_balloons;

/* Counts that came back. */
typedef struct {
  const cls_watch *watch;
  uint32_t keep; /* cls_gpu_keep: what was asked for, before all were */
  cls_cuda_balloons balloons[CLS_GPU_TALLIES];
  uint64_t words[CLS_GPU_TALLIES]; /* room on the GPU, counts of one member */
  int64_t base[CLS_GPU_TALLIES];   /* first bin that counts of steps to come are in */
  int64_t *next[CLS_GPU_TALLIES];  /* [members] first bin of which not all was told of a member */
  uint32_t *host;                  /* of one member and tally */
  size_t host_capacity;
  cls_gpu_arena arena; /* group_of_16 of each tally, marked */
} cls_cuda_watch;

/* Plastic synapses of one member. */
typedef struct {
  cls_gpu_plastic_memory memory;
  uint64_t in_flight;               /* entries of the ring, at most, */
  uint32_t used[CLS_GPU_HISTORIES]; /* and older spikes */
  int32_t *v;                       /* weights as they were shown last, */
  int64_t shown;                    /* before this step; -1: never */
} cls_cuda_plastic_member;

/* Plastic synapses; members = NULL: there are none. */
typedef struct {
  cls_gpu_plastic_synapses synapses;
  cls_gpu_plastic_sizes sizes;
  cls_cuda_plastic_member *members;
  cls_gpu_arena table;            /* [members] what kernels are told of them, */
  bool table_old;                 /* to be copied before the next launch */
  cls_gpu_plastic_status *status; /* pinned, [members] */
  cls_gpu_arena next;             /* chains of arrivals */
} cls_cuda_plastic;

typedef struct cls_cuda_ {
  cls_backend_setup setup;
  cudaStream_t stream;
  int device, only;                 /* the one neuron model, -1: several */
  unsigned blocks, multiprocessors; /* blocks of a launch of steps, and of smaller ones */
  cls_gpu_channels channels;
  cls_gpu_synapses synapses;
  cls_gpu_parameter_set *parameters;
  uint32_t n_parameters, *parameters_of; /* [members] */
  cls_gpu_member_sizes sizes;
  cls_gpu_member_memory *members;
  uint64_t *in_flight; /* [members] entries of the rings, at most */
  /* What kernels are told of members and parameters. */
  cls_gpu_arena tables;
  size_t table_member, table_parameters, table_chunk, table_full, table_events, table_reached, table_wrong;
  bool tables_old; /* they are to be copied before the next launch */
  cls_gpu_rank rank;
  cls_gpu_status *status;               /* pinned */
  cls_gpu_member_status *member_status; /* pinned, [members] */
  int64_t now, target;                  /* step that was reached, and is to be reached, */
  int64_t under_way; /* and to which a launch that was not waited for is to come; 0: there is none */
  cls_cuda_arrivals *arrivals; /* [members] */
  cls_cuda_room handed;        /* they as a packet, pinned */
  cls_gpu_arena heard;         /* spikes that arrived, as lists */
  cls_gpu_arena arrived;       /* copies of packets */
  cls_cuda_packets packets;
  cls_cuda_spikes *spikes; /* [members] */
  uint64_t list_capacity;
  bool drained; /* what is in the lists has come back */
  cls_cuda_watch watch;
  cls_gpu_arena currents, probes; /* room for what is looked at */
  cls_cuda_plastic plastic;
  cls_cuda_drawn drawn;
  cls_profile profile;
} cls_cuda;

/* ---- tables.c: what kernels are told ---- */
cls_status cls_cuda_tables_make(cls_cuda *b);
/* Copies them where they are old. */
cls_status cls_cuda_tables_copy(cls_cuda *b);

/* ---- spikes.c: what the host is shown ---- */
cls_status cls_cuda_watch_set(void *instance, bool all, const cls_watch *watch);
cls_status cls_cuda_show_all(void *instance, bool all);
cls_status cls_cuda_spikes_show(void *instance, int member, cls_spikes *spikes);
cls_status cls_cuda_counts_show(void *instance, int member, int tally, int64_t *bin, int64_t *n,
                                const uint32_t **count);
/* balloons.c: the same of a tally with haemodynamics, which stay where the counts are. */
cls_status cls_cuda_volumes_show(void *instance, int member, int tally, int64_t *volume, int64_t *n,
                                 const double **signal, const uint64_t **spikes);
cls_status cls_cuda_haemodynamics(void *instance, int member, int tally, bool put,
                                  cls_haemodynamic_state *state);
cls_status cls_cuda_balloons_make(cls_cuda *b, const cls_tally *tally, cls_cuda_balloons *balloons);
void cls_cuda_balloons_free(cls_cuda_balloons *balloons);
/* Makes room for the counts of steps before `end`. */
cls_status cls_cuda_counts_reserve(cls_cuda *b, int64_t end);
/* Brings the spikes that were kept back. */
cls_status cls_cuda_drain(cls_cuda *b);
/* Steps that lists have room for. */
enum { CLS_CUDA_LIST_STEPS = 4096 };
void cls_cuda_watch_free(cls_cuda *b);

/* ---- advance.c ---- */
/* Comes back before the steps are computed: what depends on them calls cls_cuda_settle() first. */
cls_status cls_cuda_advance(void *instance, int64_t begin, int64_t end);
/* Waits until all steps that were asked for are computed. */
cls_status cls_cuda_settle(cls_cuda *b);

/* ---- arrivals.c ---- */
cls_status cls_cuda_deliver(void *instance, int member, const cls_arrival *arrivals, size_t n);
cls_status cls_cuda_redeliver(void *instance, int member, int64_t now, const cls_arrival *arrivals, size_t n);
/* Enters what was handed over. */
cls_status cls_cuda_enter_arrivals(cls_cuda *b);
/* Queues entering packets, which are given places in b->arrived where they lie in memory of the host. */
cls_status cls_cuda_enter(cls_cuda *b, cls_gpu_packet *packets, int n, bool in_host_memory);
/* Rings of spikes in flight of twice the size, for all members. */
cls_status cls_cuda_rings_grow(cls_cuda *b);

/* ---- look.c: states ---- */
cls_status cls_cuda_currents(void *instance, int member, int64_t *sums);
cls_status cls_cuda_get_state(void *instance, int member, uint32_t range, int state, float *values);
cls_status cls_cuda_put_state(void *instance, int member, uint32_t range, int state, const float *values);
cls_status cls_cuda_probe(void *instance, int member, const cls_probe *probes, size_t n, float *values);

/* ---- plastic.c ---- */
static inline bool cls_cuda_is_plastic(const cls_cuda *b) { return b->plastic.synapses.counts.synapses > 0; }
cls_status cls_cuda_plastic_plan(cls_cuda *b);
cls_status cls_cuda_plastic_make(cls_cuda *b);
void cls_cuda_plastic_free(cls_cuda *b);
/* Where kernels find those of a member; NULL: there are none. */
const cls_gpu_plastic_member *cls_cuda_plastic_member_of(const cls_cuda *b, int member);
/* Copies what kernels are told of members where it is old. */
cls_status cls_cuda_plastic_copy(cls_cuda *b);
/* Enters spikes of other ranks that are handed over before the next step: *count of them, at most n, both in the memory of
 * the GPU and in any order. */
cls_status cls_cuda_plastic_hear(cls_cuda *b, int member, const cls_gpu_arrival *arrivals,
                                 const uint64_t *count, uint64_t n);
/* After a launch: makes the room that the next step may need. */
cls_status cls_cuda_plastic_advanced(cls_cuda *b);
/* Makes room for so many more entries in flight to a member, and for so many older spikes of each history. */
cls_status cls_cuda_plastic_room(cls_cuda *b, int member, uint64_t entries,
                                 const uint64_t more[CLS_GPU_HISTORIES]);
cls_status cls_cuda_plastic_weights(void *instance, int member, uint32_t part, const int32_t **v);

/* ---- recall.c, remember.c: what plastic synapses remember, for checkpoints ---- */
cls_status cls_cuda_plastic_recall(void *instance, int member, uint32_t part, int64_t since,
                                   int64_t *pre_step, float *pre_value, int64_t *post_step,
                                   float *post_value);
cls_status cls_cuda_plastic_remember(void *instance, int member, uint32_t part,
                                     const cls_plastic_memory *memory);

/* Makes an arena of one array of `bytes` or more, in place of a smaller one; its contents are lost. */
cls_status cls_cuda_reserve(cls_cuda *b, cls_gpu_arena *arena, const char *name, size_t bytes);
/* Waits for the GPU. In the meantime other things are done, where the setup says so. */
cls_status cls_cuda_wait(cls_cuda *b, const char *what);

#endif

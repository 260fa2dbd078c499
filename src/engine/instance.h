/* Private to the engine: what one instance is made of. */
#ifndef CALLOSUM_ENGINE_INSTANCE_H
#define CALLOSUM_ENGINE_INSTANCE_H

#include "engine/layout.h"
#include "engine/neurons.h"
#include "engine/recent.h"
#include "engine/store.h"

/* What was counted until the checkpoint that a member continues from. */
typedef struct {
  uint64_t spikes, events;
} cls_counted;

struct cls_engine_ {
  cls_world world;
  MPI_Comm comm; /* world.comm: a copy of the caller's, so that engines may live side by side */
  const cls_network *network;
  const cls_placement *placement;
  cls_engine_options options;
  const cls_backend *backend;
  const cls_exchange *exchange;
  void *backend_instance, *exchange_instance;
  cls_layout *layout;
  cls_neurons *
      *neurons; /* [members]; those without a variant are `shared`, or like it where members have scales */
  cls_neurons *shared;   /* with the network's own parameters; NULL where every member has a variant */
  cls_neurons **variant; /* [members] with those of its variant; NULL: it has none */
  int *identity;         /* [members] */
  cls_store **stores;
  cls_sources *sources;
  uint32_t *local_slot;   /* local index -> slot, UINT32_MAX: nobody here listens */
  uint64_t *local_neuron; /* local index -> global number */
  cls_observer *observers;
  int n_observers;
  int64_t now, beat,
      window; /* step to compute next; steps between beats; greatest steps between exchanges of threads */
  uint64_t *digest, *spikes; /* per member, of this rank */
  cls_arrival *arrivals;     /* scratch: local spikes on their way to our own synapses */
  size_t arrivals_capacity;
  uint32_t n_intervened; /* interventions that have acted */
  bool rescaled;         /* scales changed, and the backend was not told */
  bool keeps_recent;     /* tracts will change: what is in flight must be rebuilt then */
  bool shows_all; /* the backend shows all spikes; else what observers watch is asked for before they flush */
  bool watched;   /* the backend was told what to show */
  bool sends;     /* the exchange is to be given all spikes */
  bool packs;     /* the backend makes and takes packets by itself */
  cls_spikes *shown;  /* [members] of a window */
  cls_recent *recent; /* [members] */
  cls_recent
      *own; /* [members] spikes of own neurons, by local index, for the next checkpoint; NULL: nobody saves */
  bool collects;     /* the backend shows all spikes for a while, to that end */
  cls_spikes marked; /* of what it shows, what the observer watches */
  size_t marked_capacity, marked_first_capacity;
  uint64_t *digest_before; /* [members] on rank 0: until the checkpoint it continues from */
  cls_counted *before;     /* the same */
  int64_t save_at;         /* when a checkpoint was asked for; INT64_MAX: none was */
  int64_t save_delay;      /* steps from asking to saving: some rank must collect spikes first */
  bool stop_then;          /* and stop */
  bool stopped;            /* the last run did */
  double save_s;
  int64_t *current_sums;
  int asked_here, asked; /* the beat's flag: what we ask for, what all do */
  MPI_Request beat_request;
  double create_s, connect_s, record_s;
};

/* Digest and number of spikes of a member on this rank; the digest since step 0, on rank 0. */
cls_status cls_engine_own_digest(const cls_engine *engine, int member, uint64_t *digest, uint64_t *spikes);

#endif

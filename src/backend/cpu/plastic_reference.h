/* What plastic synapses do, event by event: every synapse sees the spikes of both its neurons arrive, in the order of the
 * steps in which they reach it, and keeps its own traces. Slow, and plain; the threaded backend (plastic.h) must give its
 * bits. */
#ifndef CALLOSUM_PLASTIC_REFERENCE_H
#define CALLOSUM_PLASTIC_REFERENCE_H

#include "engine/plastic_store.h"

/* A spike: when, and the traces it found. */
typedef struct {
  int64_t step; /* INT64_MIN: none yet */
  float *
      value; /* presynaptic: traces, then u and x of every kind of short-term plasticity; postsynaptic: traces */
} cls_seen_spike;

typedef struct {
  cls_seen_spike spike;
  uint32_t of; /* slot, or local index */
} cls_listed_spike;

typedef struct {
  cls_listed_spike *at;
  size_t n, capacity;
} cls_spike_list;

typedef struct {
  const cls_plastic_store *store;
  const cls_layout *layout;
  int32_t *v;                  /* [n_stdp] weights, in units of 2^-30 of the greatest */
  cls_seen_spike *last_pre;    /* [run] the last presynaptic spike that arrived at its synapses */
  cls_seen_spike *last_post;   /* [n_stdp] the last postsynaptic one at each synapse */
  cls_seen_spike *heard, *own; /* [slot], [local index] the last one of a source, and of a neuron */
  uint64_t *by_dendritic, *dendritic_first; /* runs with STDP by the dendritic part of their delay (CSR) */
  const cls_seen_spike **back; /* [local index] the spike that comes back, for one dendritic part at a time */
  cls_spike_list coming,
      fired; /* of sources, with runs that may not be due yet; of neurons, that may not be back at all synapses */
  cls_seen_spike *past_pre,
      *past_post; /* [slot], [local index] the newest one that is no longer among those */
} cls_plastic_reference;

/* `store` may be NULL: then nothing is ever done. */
cls_status cls_reference_create(cls_plastic_reference *reference, const cls_network *network,
                                const cls_layout *layout, const cls_plastic_store *store);
void cls_reference_destroy(cls_plastic_reference *reference);
/* Source `slot` fired in `step`; earlier ones were heard before. */
cls_status cls_reference_hear(cls_plastic_reference *reference, uint32_t slot, int64_t step);
/* The events due in `step`: `add` is called for each, with the target's local index, its port and the quanta it adds. To be
 * called before the neurons are advanced. */
typedef void (*cls_event_sink)(void *context, uint32_t local, uint32_t port, int32_t quanta);
void cls_reference_deliver(cls_plastic_reference *reference, int64_t step, cls_event_sink add, void *context);
/* Neurons that fired in `step` (local indices), which is over. */
cls_status cls_reference_fired(cls_plastic_reference *reference, int64_t step, const uint32_t *neuron,
                               size_t n);
/* See cls_backend.recall and remember. */
void cls_reference_recall(const cls_plastic_reference *reference, int64_t *pre_step, float *pre_value,
                          int64_t *post_step, float *post_value);
cls_status cls_reference_remember(cls_plastic_reference *reference, const cls_plastic_memory *memory);
size_t cls_reference_bytes(const cls_plastic_reference *reference);

#endif

/* Who needs whose spikes: made once, after construction, by one sparse exchange. */
#ifndef CALLOSUM_ROUTES_H
#define CALLOSUM_ROUTES_H

#include "engine/engine.h"

/* A rank we receive from. The sender's i-th neuron on the agreed list is our slot slot[i]. */
typedef struct {
  int rank;
  uint32_t n;
  uint32_t *slot;
  uint32_t min_delay; /* least delay of its synapses here */
} cls_route_in;

/* A rank we send to. */
typedef struct {
  int rank;
  uint32_t n;
  uint32_t min_delay;
} cls_route_out;

/* Local neuron -> (peer, position in the peer's list), CSR over local indices. */
typedef struct {
  uint32_t out, position;
} cls_route_entry;

typedef struct {
  cls_route_in *in;
  cls_route_out *out;
  int n_in, n_out;
  uint64_t *first; /* n_local + 1 */
  cls_route_entry *entry;
  size_t bytes;
} cls_routes;

/* Collective. See cls_exchange.create. */
cls_status cls_routes_create(const cls_world *world, const cls_network *network,
                             const cls_placement *placement, const cls_layout *layout,
                             const uint64_t *sources, const uint32_t *min_delay, uint32_t n_sources,
                             uint32_t *local_slot, cls_routes *routes);
void cls_routes_destroy(cls_routes *routes);

#endif

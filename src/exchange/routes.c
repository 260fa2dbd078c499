#include "exchange/routes.h"
#include "engine/layout.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_WANTED = 101 };

/* Half of what there is time for: the other half is for the packet to arrive in. */
static uint32_t interval_of(uint32_t min_delay) { return min_delay > 1 ? min_delay / 2 : 1; }

/* Owner of every source, and the local slot of our own. Counts what is wanted of each rank. */
static cls_status find_owners(const cls_world *world, const cls_network *network,
                              const cls_placement *placement, const cls_layout *layout,
                              const uint64_t *sources, uint32_t n_sources, uint32_t *local_slot,
                              int32_t *owner, uint32_t *wanted) {
  for (uint32_t i = 0; i < layout->n_local; i++) local_slot[i] = UINT32_MAX;
  uint32_t population = 0;
  for (uint32_t s = 0; s < n_sources; s++) {
    while (population + 1 < network->n_populations &&
           sources[s] >= network->populations[population + 1].first)
      population++;
    uint64_t index = sources[s] - network->populations[population].first;
    owner[s] = placement->owner[cls_placement_block_of(placement, population, index)];
    wanted[owner[s]]++;
    if (owner[s] != world->rank) continue;
    uint32_t r = cls_layout_find(layout, population, index);
    CLS_CHECK(r != UINT32_MAX, CLS_ERR_INTERNAL, "neuron %llu is placed on rank %d but not laid out there",
              (unsigned long long)sources[s], world->rank);
    local_slot[layout->ranges[r].local + (uint32_t)(index - layout->ranges[r].first)] = s;
  }
  return CLS_OK;
}

/* The lists of incoming routes: which slots, in ascending order of neuron, and the least delay of each peer. */
static cls_status make_in(const cls_world *world, const int32_t *owner, const uint32_t *wanted,
                          const uint32_t *min_delay, uint32_t n_sources, cls_routes *routes) {
  int *peer_of = NULL;
  CLS_TRY(cls_alloc(&peer_of, (size_t)world->ranks, sizeof *peer_of, "peers"));
  for (int r = 0; r < world->ranks; r++)
    if (r != world->rank && wanted[r] > 0) peer_of[r] = ++routes->n_in;
  CLS_TRY(cls_alloc(&routes->in, (size_t)routes->n_in, sizeof *routes->in, "incoming routes"));
  for (int r = 0; r < world->ranks; r++) {
    if (!peer_of[r]) continue;
    cls_route_in *in = &routes->in[peer_of[r] - 1];
    *in = (cls_route_in){.rank = r, .min_delay = UINT32_MAX};
    CLS_TRY(cls_alloc(&in->slot, wanted[r], sizeof *in->slot, "incoming routes"));
    routes->bytes += wanted[r] * sizeof *in->slot;
  }
  for (uint32_t s = 0; s < n_sources; s++) {
    if (!peer_of[owner[s]]) continue;
    cls_route_in *in = &routes->in[peer_of[owner[s]] - 1];
    in->slot[in->n++] = s;
    if (min_delay[s] < in->min_delay) in->min_delay = min_delay[s];
  }
  for (int p = 0; p < routes->n_in; p++) routes->in[p].interval = interval_of(routes->in[p].min_delay);
  free(peer_of);
  return CLS_OK;
}

/* Local index of a global neuron that must be ours. */
static cls_status local_of(const cls_network *network, const cls_layout *layout, uint64_t neuron,
                           uint32_t *local) {
  CLS_CHECK(neuron < network->n_neurons, CLS_ERR_INTERNAL, "a peer wants neuron %llu of %llu",
            (unsigned long long)neuron, (unsigned long long)network->n_neurons);
  uint32_t population = cls_network_population_of(network, neuron);
  uint64_t index = neuron - network->populations[population].first;
  uint32_t r = cls_layout_find(layout, population, index);
  CLS_CHECK(r != UINT32_MAX, CLS_ERR_INTERNAL, "a peer wants neuron %llu, which is not here",
            (unsigned long long)neuron);
  *local = layout->ranges[r].local + (uint32_t)(index - layout->ranges[r].first);
  return CLS_OK;
}

/* CSR of local neurons over the peers' lists. list[p] holds n + 1 numbers: the least delay, then the neurons.
 */
static cls_status make_out(const cls_network *network, const cls_layout *layout, uint64_t **list,
                           cls_routes *routes) {
  uint64_t total = 0;
  CLS_TRY(cls_alloc(&routes->first, layout->n_local + 2ul, sizeof *routes->first, "outgoing routes"));
  for (int p = 0; p < routes->n_out; p++) total += routes->out[p].n;
  CLS_TRY(cls_alloc(&routes->entry, total, sizeof *routes->entry, "outgoing routes"));
  routes->bytes += (layout->n_local + 2ul) * sizeof *routes->first + total * sizeof *routes->entry;
  for (int pass = 0; pass < 2; pass++) {
    for (int p = 0; p < routes->n_out; p++) {
      for (uint32_t i = 0; i < routes->out[p].n; i++) {
        uint32_t local = 0;
        CLS_TRY(local_of(network, layout, list[p][i + 1], &local));
        if (pass == 0)
          routes->first[local + 2]++;
        else
          routes->entry[routes->first[local + 1]++] = (cls_route_entry){(uint32_t)p, i};
      }
    }
    for (uint32_t i = 1; pass == 0 && i <= layout->n_local; i++) routes->first[i + 1] += routes->first[i];
  }
  return CLS_OK;
}

/* Sends every owner the neurons we want of it, and learns what others want of us. */
static cls_status exchange_lists(const cls_world *world, const uint64_t *sources, const uint32_t *wanted,
                                 cls_routes *routes, uint64_t ***lists) {
  uint32_t *asked = NULL;
  uint64_t **send = NULL, **receive = NULL;
  MPI_Request *request = NULL;
  CLS_TRY(cls_alloc(&asked, (size_t)world->ranks, sizeof *asked, "peers"));
  MPI_Alltoall(wanted, 1, MPI_UINT32_T, asked, 1, MPI_UINT32_T, world->comm);
  for (int r = 0; r < world->ranks; r++) routes->n_out += r != world->rank && asked[r] > 0;
  CLS_TRY(cls_alloc(&routes->out, (size_t)routes->n_out, sizeof *routes->out, "outgoing routes"));
  CLS_TRY(cls_alloc(&send, (size_t)routes->n_in, sizeof *send, "routes"));
  CLS_TRY(cls_alloc(&receive, (size_t)routes->n_out, sizeof *receive, "routes"));
  CLS_TRY(cls_alloc(&request, (size_t)(routes->n_in + routes->n_out), sizeof(MPI_Request), "requests"));
  int n = 0, p = 0;
  for (int r = 0; r < world->ranks; r++) {
    if (r == world->rank || asked[r] == 0) continue;
    CLS_CHECK(asked[r] < INT_MAX, CLS_ERR_LIMIT, "rank %d wants %u neurons of rank %d: the limit is %d", r,
              asked[r], world->rank, INT_MAX - 1);
    routes->out[p] = (cls_route_out){.rank = r, .n = asked[r]};
    CLS_TRY(cls_alloc(&receive[p], asked[r] + 1ul, sizeof **receive, "routes"));
    MPI_Irecv(receive[p], (int)asked[r] + 1, MPI_UINT64_T, r, TAG_WANTED, world->comm, &request[n++]);
    p++;
  }
  for (int i = 0; i < routes->n_in; i++) {
    const cls_route_in *in = &routes->in[i];
    CLS_TRY(cls_alloc(&send[i], in->n + 1ul, sizeof **send, "routes"));
    send[i][0] = in->min_delay;
    for (uint32_t k = 0; k < in->n; k++) send[i][k + 1] = sources[in->slot[k]];
    MPI_Isend(send[i], (int)in->n + 1, MPI_UINT64_T, in->rank, TAG_WANTED, world->comm, &request[n++]);
  }
  MPI_Waitall(n, request, MPI_STATUSES_IGNORE);
  for (int i = 0; i < routes->n_out; i++) {
    routes->out[i].min_delay = (uint32_t)receive[i][0];
    routes->out[i].interval = interval_of(routes->out[i].min_delay);
  }
  for (int i = 0; i < routes->n_in; i++) free(send[i]);
  free(send);
  free(request);
  free(asked);
  *lists = receive;
  return CLS_OK;
}

cls_status cls_routes_create(const cls_world *world, const cls_network *network,
                             const cls_placement *placement, const cls_layout *layout,
                             const uint64_t *sources, const uint32_t *min_delay, uint32_t n_sources,
                             uint32_t *local_slot, cls_routes *routes) {
  int32_t *owner = NULL;
  uint32_t *wanted = NULL;
  uint64_t **lists = NULL;
  CLS_TRY(cls_alloc(&owner, n_sources, sizeof *owner, "owners of sources"));
  CLS_TRY(cls_alloc(&wanted, (size_t)world->ranks, sizeof *wanted, "peers"));
  CLS_TRY(find_owners(world, network, placement, layout, sources, n_sources, local_slot, owner, wanted));
  wanted[world->rank] = 0;
  CLS_TRY(make_in(world, owner, wanted, min_delay, n_sources, routes));
  CLS_TRY(exchange_lists(world, sources, wanted, routes, &lists));
  CLS_TRY(make_out(network, layout, lists, routes));
  for (int p = 0; p < routes->n_out; p++) free(lists[p]);
  free(lists);
  free(owner);
  free(wanted);
  return CLS_OK;
}

void cls_routes_destroy(cls_routes *routes) {
  for (int i = 0; routes->in && i < routes->n_in; i++) free(routes->in[i].slot);
  free(routes->in);
  free(routes->out);
  free(routes->first);
  free(routes->entry);
}

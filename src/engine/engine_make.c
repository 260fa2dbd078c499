/* Making and ending an engine. */
#include "engine/instance.h"
#include "network/intervention.h"
#include <stdlib.h>

static cls_status connect_local(cls_engine *e, const cls_placement *placement) {
  uint32_t *min_delay = NULL;
  double begun = cls_seconds();
  cls_status status =
      cls_agree(e->world.comm, cls_stores_create(e->network, e->layout, &e->stores, &e->sources, &min_delay));
  if (status == CLS_OK)
    status = cls_alloc(&e->local_slot, e->layout->n_local, sizeof *e->local_slot, "slots of local neurons");
  status = cls_agree(e->world.comm, status); /* what follows is collective: nobody may be missing */
  if (status == CLS_OK)
    status = e->exchange->create(&e->world, e->network, placement, e->layout, e->sources->neuron, min_delay,
                                 e->sources->n, e->options.members, e->local_slot, &e->exchange_instance);
  status = cls_agree(e->world.comm, status);
  /* Threads and the ranks' own neurons meet every `window` steps: the least delay of a synapse between two
   * neurons here. Where the backend keeps spikes to itself that is its own business. */
  e->window = INT64_MAX;
  for (uint32_t i = 0; status == CLS_OK && !e->backend->watch && i < e->layout->n_local; i++) {
    uint32_t slot = e->local_slot[i];
    if (slot != UINT32_MAX && min_delay[slot] < e->window) e->window = min_delay[slot];
  }
  free(min_delay);
  e->connect_s = cls_seconds() - begun;
  return status;
}

/* Parameters of member m. Those without a variant share one copy; so do, as far as they are the same, members with scales. */
static cls_status create_parameters(cls_engine *e, int m) {
  const cls_engine_options *o = &e->options;
  const cls_network *own = o->variants && o->variants[m] != e->network ? o->variants[m] : NULL;
  CLS_CHECK(!own || cls_network_alike(e->network, own), CLS_ERR_INTERNAL,
            "member %d would have another network, not only other parameters", m);
  if (own)
    CLS_TRY(cls_neurons_create(own, e->layout, &e->variant[m]));
  else if (!e->shared)
    CLS_TRY(cls_neurons_create(e->network, e->layout, &e->shared));
  cls_neurons *described = own ? e->variant[m] : e->shared;
  if (o->scaled) return cls_neurons_create_like(described, &e->neurons[m]);
  e->neurons[m] = described;
  return CLS_OK;
}

static cls_status create_neurons(cls_engine *e) {
  const cls_engine_options *o = &e->options;
  size_t members = (size_t)o->members;
  CLS_TRY(cls_alloc(&e->neurons, members, sizeof(cls_neurons *), "members"));
  CLS_TRY(cls_alloc(&e->variant, members, sizeof(cls_neurons *), "members"));
  CLS_TRY(cls_alloc(&e->identity, members, sizeof *e->identity, "members"));
  CLS_TRY(cls_alloc(&e->recent, members, sizeof *e->recent, "members"));
  for (int m = 0; m < o->members; m++) {
    e->identity[m] = o->identity ? o->identity[m] : m;
    CLS_TRY(create_parameters(e, m));
  }
  for (uint32_t i = 0; i < e->network->n_interventions; i++)
    e->keeps_recent = e->keeps_recent || (e->network->interventions[i].kind == CLS_SCALE_TRACTS &&
                                          e->network->interventions[i].step > 0);
  return CLS_OK;
}

static cls_status create_local(cls_engine *e, const cls_placement *placement) {
  CLS_CHECK(e->options.members >= 1 && e->options.members < 1 << 20, CLS_ERR_INPUT,
            "members %d: expected 1 to 2^20 - 1", e->options.members);
  uint64_t neurons = 0;
  for (uint32_t b = 0; b < placement->n_blocks; b++)
    if (placement->owner[b] == e->world.rank) neurons += placement->blocks[b].n;
  CLS_TRY(cls_layout_create(e->network, placement, e->world.rank,
                            e->backend->parts(e->world.threads, neurons), &e->layout));
  CLS_TRY(create_neurons(e));
  CLS_TRY(cls_alloc(&e->shown, (size_t)e->options.members, sizeof *e->shown, "spikes"));
  CLS_TRY(cls_alloc(&e->digest, (size_t)e->options.members, sizeof *e->digest, "digests"));
  CLS_TRY(cls_alloc(&e->digest_before, (size_t)e->options.members, sizeof *e->digest_before, "digests"));
  CLS_TRY(cls_alloc(&e->spikes, (size_t)e->options.members, sizeof *e->spikes, "numbers of spikes"));
  CLS_TRY(cls_alloc(&e->before, (size_t)e->options.members, sizeof *e->before, "numbers of spikes"));
  if (e->options.saver || e->options.keeps)
    CLS_TRY(cls_alloc(&e->own, (size_t)e->options.members, sizeof *e->own, "recent spikes"));
  CLS_TRY(cls_alloc(&e->current_sums, (size_t)e->layout->n_ranges * CLS_MAX_RECEPTORS,
                    sizeof *e->current_sums, "currents"));
  CLS_TRY(
      cls_alloc(&e->local_neuron, e->layout->n_local, sizeof *e->local_neuron, "numbers of local neurons"));
  for (uint32_t r = 0; r < e->layout->n_ranges; r++) {
    const cls_range *range = &e->layout->ranges[r];
    uint64_t first = e->network->populations[range->population].first + range->first;
    for (uint32_t i = 0; i < range->n; i++) e->local_neuron[range->local + i] = first + i;
  }
  return CLS_OK;
}

cls_status cls_engine_create(const cls_world *world, const cls_network *network,
                             const cls_placement *placement, const cls_engine_options *options,
                             const cls_backend *backend, const cls_exchange *exchange, cls_engine **engine) {
  double begun = cls_seconds();
  cls_engine *e = NULL;
  cls_status status = cls_alloc(&e, 1, sizeof *e, "engine");
  *engine = e;
  if (status == CLS_OK) {
    e->world = *world;
    e->network = network;
    e->placement = placement;
    e->save_at = INT64_MAX;
    e->options = *options;
    e->backend = backend;
    e->exchange = exchange;
    e->beat_request = MPI_REQUEST_NULL;
    e->comm = MPI_COMM_NULL;
    e->now = options->begin;
    e->beat = (int64_t)(options->beat_ms / network->dt_ms + 0.5);
    if (e->beat < 1) e->beat = 1;
    status = create_local(e, placement);
  }
  CLS_TRY(cls_agree(world->comm, status));
  MPI_Comm_dup(world->comm, &e->comm);
  e->world.comm = e->comm;
  CLS_TRY(connect_local(e, placement));
  /* What is in flight can be rebuilt on the host only, from all that arrived. */
  e->packs = backend->packer && !e->keeps_recent;
  int node_rank, node_ranks;
  cls_world_node(&e->world, &node_rank, &node_ranks);
  const cls_backend_setup setup = {.world = &e->world,
                                   .network = network,
                                   .layout = e->layout,
                                   .neurons = (const struct cls_neurons_ *const *)e->neurons,
                                   .identity = e->identity,
                                   .stores = (struct cls_store_ *const *)e->stores,
                                   .local_slot = e->local_slot,
                                   .source_neuron = e->sources->neuron,
                                   .members = options->members,
                                   .begin = options->begin,
                                   .node_rank = node_rank,
                                   .node_ranks = node_ranks,
                                   .routes = e->packs ? exchange->routes(e->exchange_instance) : NULL,
                                   .meanwhile = e->packs ? exchange->progress : NULL,
                                   .context = e->exchange_instance};
  CLS_TRY(cls_agree(world->comm, backend->create(&setup, &e->backend_instance)));
  status = cls_agree(world->comm,
                     exchange->start(e->exchange_instance, options->begin, e->packs ? backend->packer : NULL,
                                     e->packs ? e->backend_instance : NULL));
  e->create_s = cls_seconds() - begun - e->connect_s;
  return status;
}

void cls_engine_destroy(cls_engine *engine) {
  cls_engine *e = engine;
  if (!e) return;
  if (e->beat_request != MPI_REQUEST_NULL) MPI_Wait(&e->beat_request, MPI_STATUS_IGNORE);
  if (e->exchange_instance) e->exchange->destroy(e->exchange_instance);
  if (e->backend_instance) e->backend->destroy(e->backend_instance);
  for (uint32_t p = 0; e->stores && p < e->layout->n_parts; p++) cls_store_destroy(e->stores[p]);
  free(e->stores);
  cls_sources_destroy(e->sources);
  for (int m = 0; m < e->options.members; m++) {
    if (e->neurons && e->options.scaled) cls_neurons_destroy(e->neurons[m]);
    if (e->variant) cls_neurons_destroy(e->variant[m]);
    if (e->recent) cls_recent_free(&e->recent[m]);
    if (e->own) cls_recent_free(&e->own[m]);
  }
  cls_neurons_destroy(e->shared);
  free(e->neurons);
  free(e->variant);
  free(e->identity);
  free(e->recent);
  free(e->own);
  free((void *)e->marked.neuron);
  free((void *)e->marked.first);
  free(e->digest_before);
  free(e->spikes);
  free(e->before);
  cls_layout_destroy(e->layout);
  free(e->local_slot);
  free(e->local_neuron);
  free(e->observers);
  free(e->digest);
  free(e->shown);
  free(e->arrivals);
  free(e->current_sums);
  if (e->comm != MPI_COMM_NULL) MPI_Comm_free(&e->comm);
  free(e);
}

cls_status cls_engine_observe(cls_engine *engine, const cls_observer *observer) {
  cls_observer *grown = realloc(engine->observers, (size_t)(engine->n_observers + 1) * sizeof *grown);
  CLS_CHECK(grown, CLS_ERR_MEMORY, "out of memory for observer %d", engine->n_observers);
  engine->observers = grown;
  grown[engine->n_observers++] = *observer;
  return CLS_OK;
}

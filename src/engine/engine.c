#include "engine/engine.h"
#include "engine/intervene.h"
#include "engine/layout.h"
#include "engine/recent.h"
#include "engine/store.h"
#include "engine/weights.h"
#include <stdlib.h>
#include <string.h>

struct cls_engine_ {
  cls_world world;
  MPI_Comm comm; /* world.comm: a copy of the caller's, so that engines may live side by side */
  const cls_network *network;
  cls_engine_options options;
  const cls_backend *backend;
  const cls_exchange *exchange;
  void *backend_instance, *exchange_instance;
  cls_layout *layout;
  cls_neurons **neurons; /* [members]; those with the network's own parameters share the first of them */
  cls_neurons *shared;   /* that one; NULL where every member has its own */
  int *identity;         /* [members] */
  cls_store **stores;
  cls_sources *sources;
  uint32_t *local_slot;   /* local index -> slot, UINT32_MAX: nobody here listens */
  uint64_t *local_neuron; /* local index -> global number */
  cls_observer *observers;
  int n_observers;
  int64_t now, beat,
      window; /* step to compute next; steps between beats; greatest steps between exchanges of threads */
  uint64_t *digest; /* per member, of this rank */
  uint64_t spikes;
  cls_arrival *arrivals; /* scratch: local spikes on their way to our own synapses */
  size_t arrivals_capacity;
  uint32_t n_intervened; /* interventions that have acted */
  bool keeps_recent;     /* tracts will change: what is in flight must be rebuilt then */
  cls_recent *recent;    /* [members] */
  int64_t *current_sums;
  int stop_local, stop_all; /* the beat's flag: what we say, what all say */
  MPI_Request beat_request;
  double create_s, connect_s, record_s;
};

/* ---- creation ---- */

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
   * neurons here. */
  e->window = INT64_MAX;
  for (uint32_t i = 0; status == CLS_OK && i < e->layout->n_local; i++) {
    uint32_t slot = e->local_slot[i];
    if (slot != UINT32_MAX && min_delay[slot] < e->window) e->window = min_delay[slot];
  }
  free(min_delay);
  e->connect_s = cls_seconds() - begun;
  return status;
}

/* Parameters of the members. Those without a variant share one copy. */
static cls_status create_neurons(cls_engine *e) {
  const cls_engine_options *o = &e->options;
  size_t members = (size_t)o->members;
  CLS_TRY(cls_alloc(&e->neurons, members, sizeof(cls_neurons *), "members"));
  CLS_TRY(cls_alloc(&e->identity, members, sizeof *e->identity, "members"));
  CLS_TRY(cls_alloc(&e->recent, members, sizeof *e->recent, "members"));
  for (int m = 0; m < o->members; m++) {
    e->identity[m] = o->identity ? o->identity[m] : m;
    const cls_network *own = o->variants && o->variants[m] != e->network ? o->variants[m] : NULL;
    CLS_CHECK(!own || cls_network_alike(e->network, own), CLS_ERR_INTERNAL,
              "member %d would have another network, not only other parameters", m);
    if (own)
      CLS_TRY(cls_neurons_create(own, e->layout, &e->neurons[m]));
    else if (!e->shared)
      CLS_TRY(cls_neurons_create(e->network, e->layout, &e->shared));
    if (!own) e->neurons[m] = e->shared;
  }
  for (uint32_t i = 0; i < e->network->n_interventions; i++)
    e->keeps_recent = e->keeps_recent || (e->network->interventions[i].kind == CLS_SCALE_TRACTS &&
                                          e->network->interventions[i].step > 0);
  return CLS_OK;
}

static cls_status create_local(cls_engine *e, const cls_placement *placement) {
  CLS_CHECK(e->options.members >= 1 && e->options.members < 1 << 20, CLS_ERR_INPUT,
            "members %d: expected 1 to 2^20 - 1", e->options.members);
  CLS_TRY(cls_layout_create(e->network, placement, e->world.rank, e->backend->parts(e->world.threads),
                            &e->layout));
  CLS_TRY(create_neurons(e));
  CLS_TRY(cls_alloc(&e->digest, (size_t)e->options.members, sizeof *e->digest, "digests"));
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
    e->options = *options;
    e->backend = backend;
    e->exchange = exchange;
    e->beat_request = MPI_REQUEST_NULL;
    e->comm = MPI_COMM_NULL;
    e->beat = (int64_t)(options->beat_ms / network->dt_ms + 0.5);
    if (e->beat < 1) e->beat = 1;
    status = create_local(e, placement);
  }
  CLS_TRY(cls_agree(world->comm, status));
  MPI_Comm_dup(world->comm, &e->comm);
  e->world.comm = e->comm;
  CLS_TRY(connect_local(e, placement));
  const cls_backend_setup setup = {.world = &e->world,
                                   .network = network,
                                   .layout = e->layout,
                                   .neurons = (const struct cls_neurons_ *const *)e->neurons,
                                   .identity = e->identity,
                                   .stores = (struct cls_store_ *const *)e->stores,
                                   .members = options->members};
  status = cls_agree(world->comm, backend->create(&setup, &e->backend_instance));
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
    if (e->neurons && e->neurons[m] != e->shared) cls_neurons_destroy(e->neurons[m]);
    if (e->recent) cls_recent_free(&e->recent[m]);
  }
  cls_neurons_destroy(e->shared);
  free(e->neurons);
  free(e->identity);
  free(e->recent);
  cls_layout_destroy(e->layout);
  free(e->local_slot);
  free(e->local_neuron);
  free(e->observers);
  free(e->digest);
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

/* ---- a window ---- */

static int64_t next_multiple(int64_t now, int64_t interval) { return (now / interval + 1) * interval; }

static int64_t next_look(const cls_observer *o, int64_t now) {
  return o->next_look && o->look ? o->next_look(o->self, now) : INT64_MAX;
}

/* Where the window that begins now must end. */
static int64_t window_end(const cls_engine *e, int64_t end) {
  int64_t to = end;
  if (e->window < end - e->now) to = e->now + e->window;
  if (e->n_intervened < e->network->n_interventions && e->network->interventions[e->n_intervened].step < to)
    to = e->network->interventions[e->n_intervened].step;
  if (next_multiple(e->now, e->beat) < to) to = next_multiple(e->now, e->beat);
  for (int i = 0; i < e->n_observers; i++) {
    const cls_observer *o = &e->observers[i];
    if (next_multiple(e->now, o->flush_interval) < to) to = next_multiple(e->now, o->flush_interval);
    if (next_look(o, e->now) < to) to = next_look(o, e->now);
  }
  return e->exchange->horizon(e->exchange_instance, e->now, to);
}

/* Hands spikes to the backend before step `now` is computed. */
static cls_status deliver(cls_engine *e, int member, int64_t now, const cls_arrival *arrivals, size_t n) {
  if (e->keeps_recent) CLS_TRY(cls_recent_add(&e->recent[member], now, e->network->max_delay, arrivals, n));
  return e->backend->deliver(e->backend_instance, member, arrivals, n);
}

/* Counts the spikes of a window and hands those that have synapses here back to the backend. */
static cls_status return_spikes(cls_engine *e, int member, const cls_spikes *spikes) {
  size_t total = spikes->first[spikes->end - spikes->begin], n = 0;
  CLS_TRY(cls_grow(&e->arrivals, &e->arrivals_capacity, total, sizeof *e->arrivals, "arrivals"));
  uint64_t digest = 0;
  for (int64_t step = spikes->begin; step < spikes->end; step++) {
    uint32_t k = (uint32_t)(step - spikes->begin);
    for (uint32_t i = spikes->first[k]; i < spikes->first[k + 1]; i++) {
      uint32_t local = spikes->neuron[i];
      digest += cls_mix64(cls_mix64(e->local_neuron[local]) + (uint64_t)step);
      if (e->local_slot[local] != UINT32_MAX)
        e->arrivals[n++] = (cls_arrival){e->local_slot[local], (uint32_t)(spikes->end - step)};
    }
  }
  e->digest[member] += digest;
  e->spikes += total;
  return deliver(e, member, spikes->end, e->arrivals, n);
}

static cls_status observe(cls_engine *e, int member, const cls_spikes *spikes) {
  double begun = cls_seconds();
  const cls_network *own = e->options.variants ? e->options.variants[member] : NULL;
  cls_view view = {.backend = e->backend,
                   .instance = e->backend_instance,
                   .member = member,
                   .network = own ? own : e->network,
                   .sums = e->current_sums};
  for (int i = 0; i < e->n_observers; i++) {
    const cls_observer *o = &e->observers[i];
    if (o->spikes) CLS_TRY(o->spikes(o->self, member, spikes));
    if (next_look(o, spikes->begin) == spikes->end) CLS_TRY(o->look(o->self, member, spikes->end - 1, &view));
  }
  e->record_s += cls_seconds() - begun;
  return CLS_OK;
}

static cls_status compute_window(cls_engine *e, int64_t to) {
  for (int m = 0; m < e->options.members; m++) {
    const cls_arrival *arrivals;
    size_t n;
    cls_spikes spikes;
    CLS_TRY(e->exchange->receive(e->exchange_instance, m, e->now, &arrivals, &n));
    CLS_TRY(deliver(e, m, e->now, arrivals, n));
    CLS_TRY(e->backend->advance(e->backend_instance, m, e->now, to, &spikes));
    CLS_TRY(e->exchange->send(e->exchange_instance, m, &spikes));
    CLS_TRY(return_spikes(e, m, &spikes));
    CLS_TRY(observe(e, m, &spikes));
  }
  e->now = to;
  return CLS_OK;
}

static cls_status flush(cls_engine *e, bool all) {
  double begun = cls_seconds();
  for (int i = 0; i < e->n_observers; i++) {
    const cls_observer *o = &e->observers[i];
    if (o->flush && (all || e->now % o->flush_interval == 0)) CLS_TRY(o->flush(o->self, e->now));
  }
  e->record_s += cls_seconds() - begun;
  return CLS_OK;
}

/* ---- interventions ---- */

/* Tracts changed: weights are drawn again, and what is in flight is taken up anew, so that an event has the weight of
 * the step it is due in wherever it waited. */
static cls_status change_tracts(cls_engine *e) {
  CLS_TRY(cls_stores_redraw(e->network, e->layout, e->now, e->sources, e->stores));
  for (int m = 0; m < e->options.members; m++) {
    const cls_arrival *arrivals;
    size_t n;
    CLS_TRY(cls_recent_arrivals(&e->recent[m], e->now, e->network->max_delay, &arrivals, &n));
    CLS_TRY(e->backend->redeliver(e->backend_instance, m, e->now, arrivals, n));
  }
  return CLS_OK;
}

/* Applies what is due before step `now` is computed. */
static cls_status intervene(cls_engine *e) {
  const cls_network *network = e->network;
  bool tracts = false;
  for (; e->n_intervened < network->n_interventions && network->interventions[e->n_intervened].step <= e->now;
       e->n_intervened++) {
    tracts = tracts || network->interventions[e->n_intervened].kind == CLS_SCALE_TRACTS;
    if (e->shared) CLS_TRY(cls_neurons_intervene(e->shared, e->layout, e->n_intervened));
  }
  return tracts && e->now > 0 ? change_tracts(e) : CLS_OK; /* at step 0 they were drawn so */
}

/* The beat: completes the reduction begun at the last one, begins the next. True where all must stop now. */
static bool beat(cls_engine *e) {
  bool stop = false;
  if (e->beat_request != MPI_REQUEST_NULL) {
    MPI_Wait(&e->beat_request, MPI_STATUS_IGNORE);
    stop = e->stop_all != 0;
  }
  e->stop_local = e->options.stop && *e->options.stop;
  MPI_Iallreduce(&e->stop_local, &e->stop_all, 1, MPI_INT, MPI_MAX, e->world.comm, &e->beat_request);
  return stop;
}

cls_status cls_engine_run(cls_engine *engine, int64_t end, cls_progress progress, void *context,
                          int64_t *reached) {
  cls_engine *e = engine;
  bool stop = false;
  while (e->now < end && !stop) {
    CLS_TRY(intervene(e));
    CLS_TRY(compute_window(e, window_end(e, end)));
    CLS_TRY(flush(e, false));
    if (e->now % e->beat == 0) {
      stop = beat(e);
      if (progress) progress(context, e->now);
    }
  }
  *reached = e->now;
  return flush(e, true);
}

/* ---- looking at it ---- */

cls_status cls_view_currents(cls_view *view, const int64_t **sums) {
  if (!view->summed) CLS_TRY(view->backend->currents(view->instance, view->member, view->sums));
  view->summed = true;
  *sums = view->sums;
  return CLS_OK;
}

cls_status cls_view_probe(cls_view *view, const cls_probe *probes, size_t n, float *values) {
  return view->backend->probe(view->instance, view->member, probes, n, values);
}

const cls_layout *cls_engine_layout(const cls_engine *engine) { return engine->layout; }

static size_t neuron_bytes(const cls_engine *e) {
  size_t bytes = e->shared ? e->shared->bytes : 0;
  for (int m = 0; m < e->options.members; m++)
    if (e->neurons[m] != e->shared) bytes += e->neurons[m]->bytes;
  return bytes;
}

void cls_engine_measure(const cls_engine *engine, cls_engine_report *report) {
  const cls_engine *e = engine;
  size_t states = 0, routes = 0;
  *report = (cls_engine_report){.neurons = e->layout->n_neurons,
                                .spikes = e->spikes,
                                .create_s = e->create_s,
                                .connect_s = e->connect_s,
                                .record_s = e->record_s};
  for (uint32_t p = 0; p < e->layout->n_parts; p++) {
    report->synapses += cls_store_synapses(e->stores[p]);
    report->store_bytes += cls_store_bytes(e->stores[p]);
  }
  report->store_bytes += cls_sources_bytes(e->sources);
  e->backend->report(e->backend_instance, &states, &report->update_s, &report->deliver_s, &report->events);
  e->exchange->report(e->exchange_instance, &report->messages, &report->packets, &report->sent_bytes,
                      &report->exchange_s, &report->wait_s, &routes);
  report->state_bytes =
      states + neuron_bytes(e) + e->layout->n_local * (sizeof *e->local_slot + sizeof *e->local_neuron);
  report->route_bytes = routes;
}

cls_status cls_engine_digest(const cls_engine *engine, int member, uint64_t *digest) {
  CLS_CHECK(member >= 0 && member < engine->options.members, CLS_ERR_INTERNAL, "member %d of %d", member,
            engine->options.members);
  MPI_Allreduce(&engine->digest[member], digest, 1, MPI_UINT64_T, MPI_SUM, engine->world.comm);
  return CLS_OK;
}

cls_status cls_engine_plastic(const cls_engine *engine, uint32_t projection, cls_plastic_synapse **list,
                              size_t *n) {
  return cls_weights_list(engine->network, engine->layout, engine->stores, engine->sources, projection, list,
                          n);
}

cls_status cls_engine_weights_digest(const cls_engine *engine, int member, uint64_t *digest,
                                     uint64_t *synapses) {
  const cls_engine *e = engine;
  uint64_t mine[2], all[2];
  CLS_CHECK(member >= 0 && member < e->options.members, CLS_ERR_INTERNAL, "member %d of %d", member,
            e->options.members);
  CLS_TRY(cls_agree(e->world.comm, cls_weights_hash(e->network, e->layout, e->stores, e->sources, e->backend,
                                                    e->backend_instance, member, &mine[0], &mine[1])));
  MPI_Allreduce(mine, all, 2, MPI_UINT64_T, MPI_SUM, e->world.comm);
  *digest = all[0];
  *synapses = all[1];
  return CLS_OK;
}

/* Looking at an engine: what observers may ask, what a run has done so far. */
#include "engine/instance.h"
#include "engine/weights.h"

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
  for (int m = 0; m < e->options.members; m++) {
    if (e->variant[m]) bytes += e->variant[m]->bytes;
    if (e->options.scaled) bytes += e->neurons[m]->bytes;
  }
  return bytes;
}

/* Of spikes that are kept because a checkpoint may be due, or tracts may change. */
static size_t recent_bytes(const cls_engine *e) {
  size_t n = 0;
  for (int m = 0; m < e->options.members; m++)
    n += (e->recent ? e->recent[m].capacity : 0) + (e->own ? e->own[m].capacity : 0);
  return n * sizeof(cls_recent_spike);
}

/* Of this rank: what the engine counted, or the backend where it keeps spikes to itself. */
cls_status cls_engine_own_digest(const cls_engine *e, int member, uint64_t *digest, uint64_t *spikes) {
  *digest = e->digest[member] + e->digest_before[member];
  *spikes = e->spikes[member];
  if (e->shows_all || !e->watched) return CLS_OK;
  uint64_t told, counted;
  CLS_TRY(e->backend->tell(e->backend_instance, member, &told, &counted));
  *digest += told;
  *spikes += counted;
  return CLS_OK;
}

void cls_engine_measure(const cls_engine *engine, cls_engine_report *report) {
  const cls_engine *e = engine;
  size_t states = 0;
  cls_exchange_report exchanged;
  uint64_t spikes = 0, digest;
  *report = (cls_engine_report){.neurons = e->layout->n_neurons,
                                .create_s = e->create_s,
                                .connect_s = e->connect_s,
                                .record_s = e->record_s,
                                .save_s = e->save_s};
  for (int m = 0; m < e->options.members; m++) {
    if (cls_engine_own_digest(e, m, &digest, &spikes) == CLS_OK) report->spikes += spikes;
    report->spikes_before += e->before[m].spikes;
    report->events_before += e->before[m].events;
  }
  for (uint32_t p = 0; p < e->layout->n_parts; p++) {
    report->synapses += cls_store_synapses(e->stores[p]);
    report->store_bytes += cls_store_bytes(e->stores[p]);
  }
  report->store_bytes += cls_sources_bytes(e->sources);
  e->backend->report(e->backend_instance, &states, &report->update_s, &report->deliver_s, &report->events);
  e->exchange->report(e->exchange_instance, &exchanged);
  report->messages = exchanged.messages;
  report->packets = exchanged.packets;
  report->late_packets = exchanged.late;
  report->sent_bytes = exchanged.bytes;
  report->exchange_s = exchanged.pack_s;
  report->wait_s = exchanged.wait_s;
  report->state_bytes = states + neuron_bytes(e) + recent_bytes(e) +
                        e->layout->n_local * (sizeof *e->local_slot + sizeof *e->local_neuron);
  report->route_bytes = exchanged.memory;
  report->profiled = e->backend->profile != NULL;
  if (report->profiled) e->backend->profile(e->backend_instance, &report->profile);
}

cls_status cls_engine_digest(const cls_engine *engine, int member, uint64_t *digest) {
  CLS_CHECK(member >= 0 && member < engine->options.members, CLS_ERR_INTERNAL, "member %d of %d", member,
            engine->options.members);
  uint64_t mine = 0, spikes;
  CLS_TRY(cls_agree(engine->world.comm, cls_engine_own_digest(engine, member, &mine, &spikes)));
  MPI_Allreduce(&mine, digest, 1, MPI_UINT64_T, MPI_SUM, engine->world.comm);
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

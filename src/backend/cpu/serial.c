/* The reference: what a step means, in plain scalar code. */
#include "backend/cpu/common.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/plastic_reference.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  /* Summed input: [step & ring_mask][port][local index], in weight units. Pairs of 8-bit weights are kept as
   * two sums. */
  int32_t (*ring)[2];
  cls_drive *drive; /* of the inputs */
  cls_words_list spikes, first;
  cls_plastic_reference plastic;
  int64_t begun, now; /* the last advance was from one to the other */
} member_state;

typedef struct {
  cls_cpu cpu; /* first: see common.h */
  uint32_t ring_mask;
  member_state *members;
  uint64_t events;
  double update_s, deliver_s;
} serial;

static int parts(int threads, uint64_t neurons) {
  (void)threads, (void)neurons;
  return 1;
}

static int32_t *input_sum(const serial *b, const member_state *m, int64_t step, uint32_t port,
                          uint32_t local) {
  uint64_t slot = (uint64_t)step & b->ring_mask;
  return m->ring[(slot * CLS_MAX_PORTS + port) * b->cpu.setup.layout->n_local + local];
}

static void destroy(void *instance) {
  serial *b = instance;
  if (!b) return;
  for (int m = 0; b->members && m < b->cpu.setup.members; m++) {
    free(b->members[m].ring);
    cls_drive_destroy(b->members[m].drive);
    free(b->members[m].spikes.word);
    free(b->members[m].first.word);
    cls_reference_destroy(&b->members[m].plastic);
  }
  free(b->members);
  cls_cpu_destroy(&b->cpu);
  free(b);
}

static cls_status create(const cls_backend_setup *setup, void **instance) {
  serial *b = NULL;
  CLS_TRY(cls_alloc(&b, 1, sizeof *b, "backend"));
  *instance = b;
  uint32_t slots = cls_cpu_power_of_two(setup->stores[0]->max_delay + 1);
  b->ring_mask = slots - 1;
  CLS_TRY(cls_cpu_create(setup, &b->cpu));
  CLS_TRY(cls_alloc(&b->members, (size_t)setup->members, sizeof *b->members, "members"));
  for (int m = 0; m < setup->members; m++) {
    b->members[m].begun = b->members[m].now = setup->begin;
    CLS_TRY(cls_drive_create(setup->neurons[m], 0, setup->neurons[m]->n_runs, &b->members[m].drive));
    CLS_TRY(cls_reference_create(&b->members[m].plastic, setup->network, setup->layout,
                                 setup->stores[0]->plastic));
    CLS_TRY(cls_alloc(&b->members[m].ring, (size_t)slots * CLS_MAX_PORTS * setup->layout->n_local,
                      2 * sizeof(int32_t), "ring buffer"));
  }
  return CLS_OK;
}

/* Adds the events of a row (words `word` ... `end` - 1) that are due at the next step or later. */
static void add_row(serial *b, int member, const cls_arrival *arrival, const uint32_t *word,
                    const uint32_t *end) {
  member_state *m = &b->members[member];
  const cls_layout *layout = b->cpu.setup.layout;
  while (word < end) {
    uint32_t header = *word++, count = cls_run_count(header), channel = cls_run_channel(header);
    uint32_t port = channel % CLS_MAX_PORTS;
    const cls_shard *shard = &layout->shards[layout->parts[0].shard_first + channel / CLS_MAX_PORTS];
    bool pair = cls_port_is_pair(b->cpu.setup.neurons[member]->runs[shard->range_first].model, (int)port);
    int64_t due = m->now - arrival->age + cls_run_delay(header);
    for (uint32_t k = 0; due >= m->now && k < count; k++) {
      int32_t *sum = input_sum(b, m, due, port, shard->local + (word[k] & 0xffff));
      if (pair) {
        sum[0] += (int32_t)(word[k] >> 16 & 0xff);
        sum[1] += (int32_t)(word[k] >> 24);
      } else {
        sum[0] += (int16_t)(word[k] >> 16);
      }
    }
    word += count;
    b->events += count;
  }
}

static cls_status add_arrivals(serial *b, int member, const cls_arrival *arrivals, size_t n) {
  const cls_store *store = b->cpu.setup.stores[0];
  for (size_t i = 0; i < n; i++) {
    const uint32_t slot = arrivals[i].slot, *word, *end;
    add_row(b, member, &arrivals[i], store->word + store->row[slot], store->word + store->row[slot + 1]);
    if (!store->procedural) continue;
    CLS_TRY(cls_store_draw_row(store, slot, &word, &end));
    add_row(b, member, &arrivals[i], word, end);
  }
  return CLS_OK;
}

static cls_status deliver(void *instance, int member, const cls_arrival *arrivals, size_t n) {
  serial *b = instance;
  double begun = cls_seconds();
  cls_status status = add_arrivals(b, member, arrivals, n);
  member_state *m = &b->members[member];
  for (size_t i = 0; i < n && status == CLS_OK; i++)
    status = cls_reference_hear(&m->plastic, arrivals[i].slot, m->now - arrivals[i].age);
  b->deliver_s += cls_seconds() - begun;
  return status;
}

static cls_status redeliver(void *instance, int member, int64_t now, const cls_arrival *arrivals, size_t n) {
  serial *b = instance;
  member_state *m = &b->members[member];
  uint64_t events =
      b->events; /* these were counted when they first came; spikes of plastic synapses are still known */
  m->now = now;
  memset(m->ring, 0, (b->ring_mask + 1ul) * CLS_MAX_PORTS * b->cpu.setup.layout->n_local * sizeof *m->ring);
  cls_status status = add_arrivals(b, member, arrivals, n);
  b->events = events;
  return status;
}

/* An event of a plastic synapse. */
typedef struct {
  serial *b;
  const member_state *m;
  int64_t step;
} event_target;

static void add_event(void *context, uint32_t local, uint32_t port, int32_t quanta) {
  event_target *to = context;
  input_sum(to->b, to->m, to->step, port, local)[0] += quanta;
  to->b->events++;
}

/* Advances one range by one step. */
static cls_status step_range(serial *b, member_state *m, float *pool, int identity, const cls_range_run *run,
                             int64_t step) {
  float input[CLS_MAX_RECEPTORS] = {0}, current;
  int32_t spiked;
  cls_cpu_flush_now_and_then(run, pool, step);
  for (uint32_t i = 0; i < run->n; i++) {
    cls_tile tile = {.current = &current, .spiked = &spiked};
    current = 0;
    for (int port = 0, r = 0; port < run->model->n_ports; port++)
      for (int k = 0; k < run->model->ports[port].receptors; k++, r++) {
        int32_t *sum = &input_sum(b, m, step, (uint32_t)port, run->local + i)[k];
        input[r] = (float)*sum * run->quantum[r];
        *sum = 0;
        tile.input[r] = &input[r];
      }
    if (run->silent) continue;
    /* `one` reads input[i] and current[i] with i counted from the tile's beginning: a tile begins at every
     * neuron. */
    for (int k = 0; k < run->n_inputs; k++) {
      cls_neurons_input_tile(run, &run->inputs[k], m->drive, pool, i, 1, step, identity, &tile);
      run->inputs[k].model->one(&tile, 0, run->inputs[k].stride);
    }
    cls_neurons_tile(run, pool, i, 1, &tile);
    run->model->one(&tile, 0, run->stride);
    if (spiked) {
      CLS_TRY(cls_words_reserve(&m->spikes, 1));
      m->spikes.word[m->spikes.n++] = run->local + i;
    }
  }
  return CLS_OK;
}

static cls_status advance_member(void *instance, int member, int64_t begin, int64_t end) {
  serial *b = instance;
  member_state *m = &b->members[member];
  const double begun = cls_seconds();
  m->spikes.n = m->first.n = 0;
  CLS_TRY(cls_words_reserve(&m->first, (size_t)(end - begin) + 1));
  for (int64_t step = begin; step < end; step++) {
    m->first.word[m->first.n++] = (uint32_t)m->spikes.n;
    const cls_neurons *neurons = b->cpu.setup.neurons[member];
    event_target to = {b, m, step};
    cls_reference_deliver(&m->plastic, step, add_event, &to);
    cls_drive_step(m->drive, step);
    for (uint32_t r = 0; r < neurons->n_runs; r++)
      CLS_TRY(step_range(b, m, b->cpu.pools[member], b->cpu.setup.identity[member], &neurons->runs[r], step));
    const uint32_t first = m->first.word[m->first.n - 1];
    CLS_TRY(cls_reference_fired(&m->plastic, step, m->spikes.word + first, m->spikes.n - first));
  }
  m->first.word[m->first.n++] = (uint32_t)m->spikes.n;
  m->begun = begin;
  m->now = end;
  b->update_s += cls_seconds() - begun;
  return CLS_OK;
}

static cls_status advance(void *instance, int64_t begin, int64_t end) {
  const serial *b = instance;
  for (int m = 0; m < b->cpu.setup.members; m++) CLS_TRY(advance_member(instance, m, begin, end));
  return CLS_OK;
}

static cls_status spikes(void *instance, int member, cls_spikes *spikes) {
  const serial *b = instance;
  const member_state *m = &b->members[member];
  *spikes = (cls_spikes){m->begun, m->now, m->spikes.word, m->first.word};
  return CLS_OK;
}

static cls_status weights(void *instance, int member, uint32_t part, const int32_t **v) {
  serial *b = instance;
  (void)part;
  *v = b->members[member].plastic.v;
  return CLS_OK;
}

static cls_status recall(void *instance, int member, uint32_t part, int64_t since, int64_t *pre_step,
                         float *pre_value, int64_t *post_step, float *post_value) {
  serial *b = instance;
  const member_state *m = &b->members[member];
  (void)part;
  CLS_CHECK(since == m->now - (int64_t)b->cpu.setup.network->plastic_window, CLS_ERR_INTERNAL,
            "spikes before step %lld are asked for at step %lld", (long long)since, (long long)m->now);
  cls_reference_recall(&m->plastic, pre_step, pre_value, post_step, post_value);
  return CLS_OK;
}

static cls_status remember(void *instance, int member, uint32_t part, const cls_plastic_memory *memory) {
  serial *b = instance;
  (void)part;
  return cls_reference_remember(&b->members[member].plastic, memory);
}

static cls_status reread(void *instance) {
  serial *b = instance;
  for (int m = 0; m < b->cpu.setup.members; m++) cls_drive_renew(b->members[m].drive);
  return CLS_OK;
}

static void report(void *instance, size_t *bytes, double *update_s, double *deliver_s, uint64_t *events) {
  serial *b = instance;
  size_t ring = (b->ring_mask + 1ul) * CLS_MAX_PORTS * b->cpu.setup.layout->n_local * 2 * sizeof(int32_t);
  *bytes = (size_t)b->cpu.setup.members * (b->cpu.setup.neurons[0]->pool * sizeof(float) + ring);
  for (int m = 0; m < b->cpu.setup.members; m++)
    *bytes += cls_drive_bytes(b->members[m].drive) + cls_reference_bytes(&b->members[m].plastic);
  *update_s = b->update_s;
  *deliver_s = b->deliver_s;
  *events = b->events;
}

const cls_backend cls_backend_cpu_serial = {
    .name = "/cpu/serial",
    .about = "readable reference: one thread, scalar code, ring buffer",
    .parts = parts,
    .create = create,
    .destroy = destroy,
    .deliver = deliver,
    .redeliver = redeliver,
    .advance = advance,
    .advance_member = advance_member,
    .spikes = spikes,
    .reread = reread,
    .currents = cls_cpu_currents,
    .get_state = cls_cpu_get_state,
    .put_state = cls_cpu_put_state,
    .probe = cls_cpu_probe,
    .weights = weights,
    .recall = recall,
    .remember = remember,
    .report = report,
};

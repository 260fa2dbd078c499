/* The threaded, vectorised backend. Every thread owns one part: its shards' states and input sums, its
 * synapse store and its spikes in flight; threads meet only at the ends of a window. */
#include "backend/cpu/common.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/direct.h"
#include "backend/cpu/plastic.h"
#include "backend/cpu/team.h"
#include "model/kernel.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  cls_flight flight;
  cls_plastic plastic;
  cls_drive *drive;   /* of the inputs */
  cls_port_sum *sums; /* [shard of the part][port] */
  void *
      *sum_memory; /* what they point into: [shard of the part][port], or [port][kind]: see shards_apart() */
  cls_words_list spikes, first;
} part_member;

typedef struct {
  part_member *members;
  cls_chunk_pool pool; /* of what is in flight to all members */
  cls_direct direct;   /* this and the next: room to work in */
  cls_words_list *due; /* [shard of the part][port]: synapses of the calendar that are due in this step */
  double update_s, deliver_s;
  uint64_t events;
  size_t bytes;
  cls_status status;
  char message[256];
} part_state;

typedef struct {
  cls_arrival *pending; /* handed over, not yet read */
  size_t n_pending, pending_capacity;
  cls_words_list spikes, first; /* merged over parts */
  int64_t begun, now;           /* the last advance was from one to the other, the step to be computed next */
} member_state;

typedef struct {
  cls_cpu cpu; /* first: see common.h */
  cls_team *team;
  part_state *parts;
  member_state *members;
} omp_backend;

static int parts(int threads, uint64_t neurons) {
  (void)neurons;
  return threads;
}

static uint32_t channels_of(const cls_layout *layout, uint32_t part) {
  return (layout->parts[part].shard_last - layout->parts[part].shard_first) * CLS_MAX_PORTS;
}

/* Rows delivered directly, and plastic ones, reach all shards of a part at once. Else the shards take turns and share one set of sums: it
 * stays in the second-level cache, and sums of neurons that nothing reaches cost no traffic to memory (measured on a
 * brain of 10^6 neurons: a fifth of the time of a step). */
static bool shards_apart(const cls_backend_setup *setup, uint32_t part) {
  return setup->stores[part]->n_direct > 0 || setup->stores[part]->plastic;
}
static uint32_t memories_of(const cls_backend_setup *setup, uint32_t part) {
  return shards_apart(setup, part) ? channels_of(setup->layout, part) : 2 * CLS_MAX_PORTS;
}

static void destroy(void *instance) {
  omp_backend *b = instance;
  if (!b) return;
  const cls_layout *layout = b->cpu.setup.layout;
  for (uint32_t p = 0; b->parts && p < layout->n_parts; p++) {
    const uint32_t n_channels = channels_of(layout, p), n_memories = memories_of(&b->cpu.setup, p);
    for (int m = 0; b->parts[p].members && m < b->cpu.setup.members; m++) {
      part_member *member = &b->parts[p].members[m];
      for (uint32_t k = 0; member->sum_memory && k < n_memories; k++) free(member->sum_memory[k]);
      free(member->sum_memory);
      free(member->sums);
      free(member->spikes.word);
      free(member->first.word);
      cls_flight_destroy(&member->flight);
      cls_plastic_destroy(&member->plastic);
      cls_drive_destroy(member->drive);
    }
    for (uint32_t k = 0; b->parts[p].due && k < n_channels; k++) free(b->parts[p].due[k].word);
    free(b->parts[p].due);
    cls_direct_destroy(&b->parts[p].direct);
    cls_chunks_destroy(&b->parts[p].pool);
    free(b->parts[p].members);
  }
  for (int m = 0; b->members && m < b->cpu.setup.members; m++) {
    free(b->members[m].pending);
    free(b->members[m].spikes.word);
    free(b->members[m].first.word);
  }
  cls_team_destroy(b->team);
  free(b->parts);
  free(b->members);
  cls_cpu_destroy(&b->cpu);
  free(b);
}

static cls_status make_sums(const cls_backend_setup *setup, uint32_t part, part_member *member,
                            size_t *bytes) {
  const cls_layout *layout = setup->layout;
  const uint32_t shard_first = layout->parts[part].shard_first, shard_last = layout->parts[part].shard_last;
  const bool apart = shards_apart(setup, part);
  size_t longest = 0;
  for (uint32_t s = shard_first; s < shard_last; s++)
    if (layout->shards[s].n > longest) longest = layout->shards[s].n;
  CLS_TRY(cls_alloc(&member->sums, channels_of(layout, part), sizeof *member->sums, "input sums"));
  CLS_TRY(cls_alloc(&member->sum_memory, memories_of(setup, part), sizeof(void *), "input sums"));
  for (uint32_t k = 0; k < channels_of(layout, part); k++) {
    const cls_shard *shard = &layout->shards[shard_first + k / CLS_MAX_PORTS];
    const int port = (int)(k % CLS_MAX_PORTS);
    const bool pair = cls_port_is_pair(setup->neurons[0]->runs[shard->range_first].model, port);
    const size_t n = apart ? shard->n : longest, size = pair ? sizeof(uint64_t) : sizeof(int32_t);
    void **memory = &member->sum_memory[apart ? (int)k : 2 * port + pair];
    if (!*memory) {
      CLS_TRY(cls_alloc(memory, n, size, "input sums"));
      *bytes += n * size;
    }
    if (pair)
      member->sums[k].pair = *memory;
    else
      member->sums[k].single = *memory;
  }
  return CLS_OK;
}

static cls_status create_member(omp_backend *b, uint32_t part, int m) {
  const cls_backend_setup *setup = &b->cpu.setup;
  const cls_layout *layout = setup->layout;
  const uint32_t shard_first = layout->parts[part].shard_first, shard_last = layout->parts[part].shard_last;
  const uint32_t range_first = shard_last > shard_first ? layout->shards[shard_first].range_first : 0;
  const uint32_t range_last = shard_last > shard_first ? layout->shards[shard_last - 1].range_last : 0;
  part_state *state = &b->parts[part];
  part_member *member = &state->members[m];
  CLS_TRY(cls_drive_create(setup->neurons[m], range_first, range_last, &member->drive));
  state->bytes += cls_drive_bytes(member->drive);
  CLS_TRY(cls_flight_create(&member->flight, setup->stores[part], &state->pool));
  CLS_TRY(cls_plastic_create(&member->plastic, setup->network, layout, part, setup->stores[part]->plastic));
  return make_sums(setup, part, member, &state->bytes);
}

static cls_status create_part(omp_backend *b, uint32_t part) {
  part_state *state = &b->parts[part];
  const uint32_t n_channels = channels_of(b->cpu.setup.layout, part);
  const cls_store *store = b->cpu.setup.stores[part];
  cls_chunks_create(&state->pool, 1 + (store->procedural ? (uint32_t)CLS_RUN_MAX : store->longest_run));
  CLS_TRY(cls_direct_create(&state->direct, n_channels));
  CLS_TRY(cls_alloc(&state->due, n_channels, sizeof *state->due, "events due"));
  CLS_TRY(cls_alloc(&state->members, (size_t)b->cpu.setup.members, sizeof *state->members, "members"));
  for (int m = 0; m < b->cpu.setup.members; m++) CLS_TRY(create_member(b, part, m));
  return CLS_OK;
}

static cls_status create(const cls_backend_setup *setup, void **instance) {
  omp_backend *b = NULL;
  CLS_TRY(cls_alloc(&b, 1, sizeof *b, "backend"));
  *instance = b;
  CLS_TRY(cls_cpu_create(setup, &b->cpu));
  CLS_TRY(cls_alloc(&b->parts, setup->layout->n_parts, sizeof *b->parts, "parts"));
  CLS_TRY(cls_alloc(&b->members, (size_t)setup->members, sizeof *b->members, "members"));
  for (int m = 0; m < setup->members; m++) b->members[m].begun = b->members[m].now = setup->begin;
  for (uint32_t p = 0; p < setup->layout->n_parts; p++) CLS_TRY(create_part(b, p));
  return cls_team_create((int)setup->layout->n_parts, &b->team);
}

static cls_status deliver(void *instance, int member, const cls_arrival *arrivals, size_t n) {
  omp_backend *b = instance;
  member_state *m = &b->members[member];
  if (n == 0) return CLS_OK;
  CLS_TRY(cls_grow(&m->pending, &m->pending_capacity, m->n_pending + n, sizeof *arrivals, "arrivals"));
  memcpy(m->pending + m->n_pending, arrivals, n * sizeof *arrivals);
  m->n_pending += n;
  return CLS_OK;
}

static cls_status redeliver(void *instance, int member, int64_t now, const cls_arrival *arrivals, size_t n) {
  omp_backend *b = instance;
  for (uint32_t p = 0; p < b->cpu.setup.layout->n_parts;
       p++) { /* what is in flight to plastic synapses stays */
    CLS_TRY(cls_plastic_take(&b->parts[p].members[member].plastic, now, b->members[member].pending,
                             b->members[member].n_pending));
    cls_flight *flight = &b->parts[p].members[member].flight;
    cls_flight_forget(flight);
    uint64_t again = 0; /* these events were counted when they first came */
    CLS_TRY(cls_flight_take(flight, b->cpu.setup.stores[p], now, arrivals, n, &again));
  }
  b->members[member].n_pending = 0;
  return CLS_OK;
}

/* ---- events of a step ---- */

/* Deals the runs of the calendar that are due to the channels they are for. */
static cls_status deal(part_state *state, cls_chunk_list *runs) {
  for (; runs->first; cls_chunks_drop_first(&state->pool, runs))
    for (const uint32_t *word = runs->first->word, *end = word + cls_chunks_n(runs, runs->first);
         word < end;) {
      const uint32_t header = *word++, count = cls_run_count(header);
      CLS_TRY(cls_words_add(&state->due[cls_run_channel(header)], word, count));
      word += count;
    }
  return CLS_OK;
}

/* Integer sums to float input, zeroing them. */
CLS_CLONES static void read_pairs(uint64_t *restrict acc, int n, float quantum0, float quantum1,
                                  float *restrict in0, float *restrict in1) {
  for (int i = 0; i < n; i++) {
    uint64_t sum = acc[i];
    acc[i] = 0;
    in0[i] = (float)(int32_t)(uint32_t)sum * quantum0;
    in1[i] = (float)(int32_t)(uint32_t)(sum >> 32) * quantum1;
  }
}
CLS_CLONES static void read_singles(int32_t *restrict acc, int n, float quantum, float *restrict in) {
  for (int i = 0; i < n; i++) {
    in[i] = (float)acc[i] * quantum;
    acc[i] = 0;
  }
}

/* ---- one step of one range ---- */

typedef struct {
  _Alignas(64) float input[CLS_MAX_RECEPTORS][CLS_TILE];
  _Alignas(64) float current[CLS_TILE];
  _Alignas(64) int32_t spiked[CLS_TILE];
} scratch;

CLS_CLONES static void clear(float *restrict x, int n) {
  for (int i = 0; i < n; i++) x[i] = 0;
}

/* Input of a tile. Where nothing arrived the sums are not even read. */
static void read_input(const cls_range_run *run, cls_port_sum *sums, uint32_t offset, int n, scratch *tmp) {
  int r = 0;
  for (int port = 0; port < run->model->n_ports; port++) {
    cls_port_sum *sum = &sums[port];
    if (run->model->ports[port].receptors == 2) {
      if (sum->dirty)
        read_pairs(sum->pair + offset, n, run->quantum[r], run->quantum[r + 1], tmp->input[r],
                   tmp->input[r + 1]);
      else
        clear(tmp->input[r], n), clear(tmp->input[r + 1], n);
      r += 2;
    } else {
      if (sum->dirty)
        read_singles(sum->single + offset, n, run->quantum[r], tmp->input[r]);
      else
        clear(tmp->input[r], n);
      r++;
    }
  }
}

CLS_CLONES static int32_t any_of(const int32_t *restrict spiked, int n) {
  int32_t any = 0;
  for (int i = 0; i < n; i++) any |= spiked[i];
  return any;
}

static cls_status collect(const int32_t *spiked, int padded, int n, uint32_t local, cls_words_list *spikes) {
  if (__builtin_expect(!any_of(spiked, padded), 1)) return CLS_OK;
  CLS_TRY(cls_words_reserve(spikes, (size_t)n));
  for (int i = 0; i < n; i++)
    if (spiked[i]) spikes->word[spikes->n++] = local + (uint32_t)i;
  return CLS_OK;
}

static cls_status step_range(const cls_range_run *run, const cls_drive *drive, cls_port_sum *sums,
                             uint32_t shard_local, float *pool, int64_t step, int identity, scratch *tmp,
                             cls_words_list *spikes) {
  cls_tile tile = {.current = tmp->current, .spiked = tmp->spiked};
  for (int r = 0; r < CLS_MAX_RECEPTORS; r++) tile.input[r] = tmp->input[r];
  cls_cpu_flush_now_and_then(run, pool, step);
  for (uint32_t at = 0, n; at < run->padded; at += n) {
    n = CLS_TILE - (run->first + at) % CLS_TILE; /* whole groups of noise words */
    n = run->padded - at < n ? run->padded - at : n;
    read_input(run, sums, run->local - shard_local + at, (int)n, tmp);
    if (run->silent) continue;
    clear(tmp->current, (int)n);
    for (int k = 0; k < run->n_inputs; k++) {
      const cls_input_run *input = &run->inputs[k];
      cls_neurons_input_tile(run, input, drive, pool, at, n, step, identity, &tile);
      (input->stride ? input->model->tile_varied : input->model->tile_shared)(&tile);
    }
    cls_neurons_tile(run, pool, at, n, &tile);
    (run->stride ? run->model->tile_varied : run->model->tile_shared)(&tile);
    uint32_t real = run->n - at < n ? run->n - at : n;
    CLS_TRY(collect(tmp->spiked, (int)n, (int)real, run->local + at, spikes));
  }
  return CLS_OK;
}

/* ---- a window of one part ---- */

static cls_status advance_part(omp_backend *b, uint32_t part, int member, int64_t begin, int64_t end) {
  part_state *state = &b->parts[part];
  part_member *m = &state->members[member];
  const cls_store *store = b->cpu.setup.stores[part];
  const cls_layout *layout = b->cpu.setup.layout;
  uint32_t shard_first = layout->parts[part].shard_first, shard_last = layout->parts[part].shard_last;
  const cls_range_run *runs = b->cpu.setup.neurons[member]->runs;
  scratch tmp;
  double mark = cls_seconds();
  const member_state *of = &b->members[member];
  CLS_TRY(cls_flight_take(&m->flight, store, begin, of->pending, of->n_pending, &state->events));
  CLS_TRY(cls_plastic_take(&m->plastic, begin, of->pending, of->n_pending));
  m->spikes.n = m->first.n = 0;
  CLS_TRY(cls_words_reserve(&m->first, (size_t)(end - begin) + 1));
  for (int64_t step = begin; step < end; step++) {
    const size_t before = m->spikes.n;
    m->first.word[m->first.n++] = (uint32_t)before;
    CLS_TRY(cls_direct_deliver(&state->direct, &m->flight, m->sums, step, &state->events));
    CLS_TRY(deal(state, cls_flight_due(&m->flight, step)));
    CLS_TRY(cls_plastic_deliver(&m->plastic, m->sums, step, &state->events));
    cls_drive_step(m->drive, step);
    for (uint32_t s = shard_first; s < shard_last; s++) {
      const cls_shard *shard = &layout->shards[s];
      cls_port_sum *sums = &m->sums[(s - shard_first) * CLS_MAX_PORTS];
      cls_words_list *due = &state->due[(s - shard_first) * CLS_MAX_PORTS];
      for (int port = 0; port < CLS_MAX_PORTS; port++) {
        cls_sum_add(&sums[port], due[port].word, due[port].n);
        due[port].n = 0;
      }
      double delivered = cls_seconds();
      state->deliver_s += delivered - mark;
      for (uint32_t r = shard->range_first; r < shard->range_last; r++)
        CLS_TRY(step_range(&runs[r], m->drive, sums, shard->local, b->cpu.pools[member], step,
                           b->cpu.setup.identity[member], &tmp, &m->spikes));
      for (int port = 0; port < CLS_MAX_PORTS; port++) sums[port].dirty = false;
      mark = cls_seconds();
      state->update_s += mark - delivered;
    }
    CLS_TRY(cls_plastic_fired(&m->plastic, step, m->spikes.word + before, m->spikes.n - before));
  }
  m->first.word[m->first.n++] = (uint32_t)m->spikes.n;
  return CLS_OK;
}

/* Merges the parts' spikes by step. */
static cls_status spikes(void *instance, int member, cls_spikes *spikes) {
  omp_backend *b = instance;
  const uint32_t n_parts = b->cpu.setup.layout->n_parts;
  const int64_t begin = b->members[member].begun, end = b->members[member].now;
  if (n_parts == 1) {
    const part_member *m = &b->parts[0].members[member];
    *spikes = (cls_spikes){begin, end, m->spikes.word, m->first.word};
    return CLS_OK;
  }
  cls_words_list *all = &b->members[member].spikes, *first = &b->members[member].first;
  all->n = first->n = 0;
  CLS_TRY(cls_words_reserve(first, (size_t)(end - begin) + 1));
  size_t total = 0;
  for (uint32_t p = 0; p < n_parts; p++) total += b->parts[p].members[member].spikes.n;
  CLS_TRY(cls_words_reserve(all, total));
  for (int64_t k = 0; k < end - begin; k++) {
    first->word[first->n++] = (uint32_t)all->n;
    for (uint32_t p = 0; p < n_parts; p++) {
      const part_member *m = &b->parts[p].members[member];
      for (uint32_t i = m->first.word[k]; i < m->first.word[k + 1]; i++)
        all->word[all->n++] = m->spikes.word[i];
    }
  }
  first->word[first->n++] = (uint32_t)all->n;
  *spikes = (cls_spikes){begin, end, all->word, first->word};
  return CLS_OK;
}

/* What the members of the team are told. */
typedef struct {
  omp_backend *backend;
  int member;
  int64_t begin, end;
} window;

static void advance_one(void *context, int part) {
  const window *w = context;
  part_state *state = &w->backend->parts[part];
  state->status = advance_part(w->backend, (uint32_t)part, w->member, w->begin, w->end);
  if (state->status != CLS_OK) snprintf(state->message, sizeof state->message, "%s", cls_error_message());
}

static cls_status advance_member(void *instance, int member, int64_t begin, int64_t end) {
  omp_backend *b = instance;
  window w = {b, member, begin, end};
  cls_team_run(b->team, advance_one, &w);
  for (uint32_t p = 0; p < b->cpu.setup.layout->n_parts; p++)
    if (b->parts[p].status != CLS_OK) return cls_fail(b->parts[p].status, "%s", b->parts[p].message);
  b->members[member].n_pending = 0;
  b->members[member].begun = begin;
  b->members[member].now = end;
  return CLS_OK;
}

static cls_status advance(void *instance, int64_t begin, int64_t end) {
  const omp_backend *b = instance;
  for (int m = 0; m < b->cpu.setup.members; m++) CLS_TRY(advance_member(instance, m, begin, end));
  return CLS_OK;
}

static cls_status weights(void *instance, int member, uint32_t part, const int32_t **v) {
  omp_backend *b = instance;
  cls_plastic *plastic = &b->parts[part].members[member].plastic;
  CLS_TRY(cls_plastic_fold(plastic, b->members[member].now));
  *v = plastic->v;
  return CLS_OK;
}

static cls_status recall(void *instance, int member, uint32_t part, int64_t since, int64_t *pre_step,
                         float *pre_value, int64_t *post_step, float *post_value) {
  omp_backend *b = instance;
  const cls_plastic *plastic = &b->parts[part].members[member].plastic;
  cls_plastic_recall(plastic, since, pre_step, pre_value, post_step, post_value);
  return CLS_OK;
}

static cls_status remember(void *instance, int member, uint32_t part, const cls_plastic_memory *memory) {
  omp_backend *b = instance;
  return cls_plastic_remember(&b->parts[part].members[member].plastic, memory);
}

static cls_status reread(void *instance) {
  omp_backend *b = instance;
  for (uint32_t p = 0; p < b->cpu.setup.layout->n_parts; p++)
    for (int m = 0; m < b->cpu.setup.members; m++) cls_drive_renew(b->parts[p].members[m].drive);
  return CLS_OK;
}

static void report(void *instance, size_t *bytes, double *update_s, double *deliver_s, uint64_t *events) {
  omp_backend *b = instance;
  *bytes = (size_t)b->cpu.setup.members * b->cpu.setup.neurons[0]->pool * sizeof(float);
  *update_s = *deliver_s = 0;
  *events = 0;
  for (uint32_t p = 0; p < b->cpu.setup.layout->n_parts; p++) {
    const part_state *state = &b->parts[p];
    if (state->update_s > *update_s) *update_s = state->update_s;
    if (state->deliver_s > *deliver_s) *deliver_s = state->deliver_s;
    *events += state->events;
    *bytes += state->bytes + cls_chunks_bytes(&state->pool);
    for (int m = 0; m < b->cpu.setup.members; m++)
      *bytes += cls_flight_bytes(&state->members[m].flight) + cls_plastic_bytes(&state->members[m].plastic);
  }
}

const cls_backend cls_backend_cpu_omp = {
    .name = "/cpu/omp",
    .about = "vectorised, one part per thread, runs delivered when due or through a calendar",
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

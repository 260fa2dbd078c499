/* A made-up run for the tests of recordings: a network of populations without synapses, a layout for this
 * rank, and spikes that are a function of (member, neuron, step) alone, so that every layout shows the same
 * ones. */
#ifndef CALLOSUM_TESTS_SYNTHETIC_H
#define CALLOSUM_TESTS_SYNTHETIC_H

#include "io/io.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SYN_REGIONS = 6, SYN_POPULATIONS = 2 * SYN_REGIONS + 1 };

static const cls_port_info syn_ports[] = {{"exc", 2, {"ampa", "nmda"}, "1", false},
                                          {"inh", 1, {"gaba", NULL}, "1", false}};
static const cls_param_info syn_params[] = {{.name = "E_mV", .unit = "mV"}};
static const cls_state_info syn_states[] = {{.name = "x", .unit = "1"},
                                            {.name = "V_mV", .unit = "mV", .relative_to = "E_mV"}};
#define SYN_MODEL(NAME, PORT, N_PORTS, N_RECEPTORS)                                                          \
  {                                                                                                          \
    .name = (NAME), .params = syn_params, .states = syn_states, .ports = syn_ports + (PORT), .n_params = 1,  \
    .n_states = 2, .n_ports = (N_PORTS), .n_receptors = (N_RECEPTORS), .current_unit = "pA"                  \
  }
static const cls_model syn_two = SYN_MODEL("two", 0, 2, 3);
static const cls_model syn_one = SYN_MODEL("one", 1, 1, 1);

/* Populations that recordings choose, and neurons of some. */
static uint32_t syn_some[] = {0, 7, 12}, syn_pair[] = {2, 10}, syn_index[] = {0, 63, 64, 149};
static const char *syn_variables[] = {"V_mV", "x"};
static cls_trace syn_traces[] = {
    {.name = "first",
     .populations = {true, syn_some, 3},
     .first = 40,
     .variables = syn_variables,
     .n_variables = 2,
     .interval_ms = 2.5},
    {.name = "listed",
     .populations = {true, syn_pair, 2},
     .index = syn_index,
     .n_index = 4,
     .variables = syn_variables,
     .n_variables = 1,
     .interval_ms = 0.5},
};

typedef struct {
  cls_world world;
  cls_job job;
  cls_network network;
  cls_connectome connectome;
  cls_placement placement;
  cls_layout layout;
  int64_t steps;
  char names[SYN_POPULATIONS][32], region_names[SYN_REGIONS][16];
  cls_population populations[SYN_POPULATIONS];
  cls_region regions[SYN_REGIONS];
  uint64_t row[SYN_REGIONS + 1];
  uint32_t source[SYN_REGIONS * SYN_REGIONS], population_first[SYN_POPULATIONS + 1], all[SYN_POPULATIONS];
  double weight[SYN_REGIONS * SYN_REGIONS], length[SYN_REGIONS * SYN_REGIONS];
  cls_shard shard;
} synthetic;

#include "record/synthetic_synapses.h"

/* Blocks of 64 neurons; owner by `mode`: 0 contiguous, 1 round robin, 2 scrambled. */
static inline void syn_place(synthetic *s, int mode) {
  cls_placement *p = &s->placement;
  uint32_t n = 0;
  for (int k = 0; k < SYN_POPULATIONS; k++) n += (uint32_t)((s->populations[k].n + 63) / 64);
  p->blocks = calloc(n, sizeof *p->blocks);
  p->owner = calloc(n, sizeof *p->owner);
  p->population_first = s->population_first;
  p->ranks = s->world.ranks;
  for (uint32_t k = 0; k < SYN_POPULATIONS; k++) {
    s->population_first[k] = p->n_blocks;
    for (uint32_t first = 0; first < s->populations[k].n; first += 64) {
      uint32_t left = (uint32_t)s->populations[k].n - first, b = p->n_blocks++;
      p->blocks[b] = (cls_block){k, first, left < 64 ? left : 64};
      uint64_t owner = mode == 0 ? (uint64_t)b * (uint64_t)p->ranks / n : mode == 1 ? b : cls_mix64(b);
      p->owner[b] = (int32_t)(owner % (uint64_t)p->ranks);
    }
  }
  s->population_first[SYN_POPULATIONS] = p->n_blocks;
}

/* One range per block of this rank. In odd modes local indices descend, as nothing may depend on them. */
static inline void syn_lay_out(synthetic *s, int mode) {
  const cls_placement *p = &s->placement;
  cls_layout *l = &s->layout;
  l->ranges = calloc(p->n_blocks, sizeof *l->ranges);
  for (uint32_t b = 0; b < p->n_blocks; b++) {
    if (p->owner[b] != s->world.rank) continue;
    l->ranges[l->n_ranges++] =
        (cls_range){p->blocks[b].population, p->blocks[b].first, p->blocks[b].n, l->n_local};
    l->n_local += (p->blocks[b].n + 15) / 16 * 16;
    l->n_neurons += p->blocks[b].n;
  }
  for (uint32_t r = 0; mode % 2 && r < l->n_ranges; r++)
    l->ranges[r].local = l->n_local - l->ranges[r].local - (l->ranges[r].n + 15) / 16 * 16;
  s->shard = (cls_shard){0, l->n_local, 0, l->n_ranges};
  l->shards = &s->shard;
  l->n_shards = 1;
}

static inline void syn_connect(synthetic *s) {
  uint64_t n = 0;
  for (uint32_t i = 0; i < SYN_REGIONS; i++) {
    s->row[i] = n;
    for (uint32_t j = 0; j < SYN_REGIONS; j++) {
      if (i == j || (i + 2 * j) % 3 == 0) continue;
      s->source[n] = j;
      s->weight[n] = 0.25 + (double)((i * 7 + j * 3) % 5);
      s->length[n++] = 10.0 + i + j;
    }
  }
  s->row[SYN_REGIONS] = n;
  s->connectome = (cls_connectome){.n_regions = SYN_REGIONS,
                                   .row = s->row,
                                   .source = s->source,
                                   .weight = s->weight,
                                   .length_mm = s->length};
}

/* 0.5 ms steps, 3 s, everything recorded, two members. */
static inline void syn_create(synthetic *s, MPI_Comm comm, int mode) {
  memset(s, 0, sizeof *s);
  cls_world_init(&s->world, comm, 1, 0);
  s->steps = 6000;
  uint64_t first = 0;
  for (int r = 0; r < SYN_REGIONS; r++) {
    snprintf(s->region_names[r], sizeof s->region_names[r], "R%d", r);
    s->regions[r] = (cls_region){s->region_names[r], {r, -r, 0.5 * r}};
  }
  for (int k = 0; k < SYN_POPULATIONS; k++) {
    int region = k < 2 * SYN_REGIONS ? k / 2 : -1;
    if (region < 0)
      snprintf(s->names[k], sizeof s->names[k], "outside");
    else
      snprintf(s->names[k], sizeof s->names[k], "R%d/%c", region, k % 2 ? 'I' : 'E');
    s->populations[k] =
        (cls_population){.name = s->names[k],
                         .key = (uint64_t)k,
                         .param = {{CLS_UNIFORM, -70, -60, 0, 1, -INFINITY, INFINITY, CLS_CLIP}},
                         .first = first,
                         .n = region < 0 ? 70
                              : k % 2    ? 37 + (uint64_t)region
                                         : 150 + 30 * (uint64_t)region,
                         .model = k % 2 ? &syn_one : &syn_two,
                         .region = region,
                         .type = region < 0 ? 0
                                 : k % 2    ? 'I'
                                            : 'E'};
    first += s->populations[k].n;
    s->all[k] = (uint32_t)k;
  }
  s->network = (cls_network){.name = "brain",
                             .dt_ms = 0.5,
                             .seed = 7,
                             .populations = s->populations,
                             .n_populations = SYN_POPULATIONS,
                             .regions = s->regions,
                             .n_regions = SYN_REGIONS,
                             .projections = syn_projections,
                             .n_projections = SYN_PROJECTIONS,
                             .quantum = syn_quantum,
                             .n_neurons = first};
  for (int k = 0; k < SYN_POPULATIONS; k++)
    for (int j = 0; j < CLS_MAX_RECEPTORS; j++) syn_quantum[k][j] = 0x1p-6f;
  syn_connect(s);
  s->job = (cls_job){.text = "simulation: {duration_ms: 3000}\n",
                     .hash = 12345,
                     .duration_ms = 3000,
                     .dt_ms = 0.5,
                     .seed = 7,
                     .members = 2,
                     .network = &s->network,
                     .connectome = &s->connectome};
  s->job.record = (cls_record_options){.warmup_ms = 500,
                                       .spikes = {true, s->all, SYN_POPULATIONS},
                                       .max_gb = 4,
                                       .rates_bin_ms = 2.5,
                                       .bold_tr_s = 0.05,
                                       .currents_interval_ms = 10,
                                       .lfp_interval_ms = 10,
                                       .spectra_bin_ms = 2.5,
                                       .spectra_segment_ms = 202.5,
                                       .spectra = {true, syn_some, 3},
                                       .neurons = {true, syn_some, 3},
                                       .traces = syn_traces,
                                       .n_traces = 2,
                                       .weights = syn_weights,
                                       .n_weights = 2,
                                       .flush_ms = 333};
  syn_place(s, mode);
  syn_lay_out(s, mode);
}

static inline void syn_destroy(synthetic *s) {
  free(s->placement.blocks);
  free(s->placement.owner);
  free(s->layout.ranges);
}

/* Regions wax and wane with periods of their own and one in common; about 10 spikes per second. */
static inline bool syn_spikes(uint32_t region, int member, uint64_t neuron, int64_t step) {
  const uint64_t phase = (uint64_t)step / (200 + 40 * region), common = (uint64_t)step / 500;
  double p = 0.004 + 0.004 * (double)(cls_mix64(phase * 31 + region) % 3) / 2 +
             0.006 * (double)(cls_mix64(common + 77) % 2);
  uint64_t word = cls_mix64(cls_mix64(neuron * 4 + (uint64_t)member) + (uint64_t)step);
  return (double)(word >> 11) * 0x1p-53 < p;
}

static inline uint32_t syn_region(const synthetic *s, uint32_t population) {
  return s->populations[population].region < 0 ? 99 : (uint32_t)s->populations[population].region;
}

/* What the sum of currents over a range would be; exact in any split of the population. */
static inline int64_t syn_current(uint64_t neuron, int member, int64_t step, int receptor) {
  return (int64_t)(cls_mix64(neuron * 977 + (uint64_t)step * 8 + (uint64_t)receptor * 2 + (uint64_t)member) %
                   4194304) -
         2097152;
}

/* A state as a backend keeps it, V_mV relative to E_mV. */
static inline float syn_state(uint64_t neuron, int member, int64_t step, int state) {
  uint64_t word =
      cls_mix64(cls_mix64(neuron * 8 + (uint64_t)member * 2 + (uint64_t)state) + (uint64_t)step * 3);
  return (float)((double)(word >> 40) * 0x1p-21 - 4); /* in [-4, 4), exact */
}

typedef struct {
  uint32_t *neuron, first[64];
} syn_window;

/* Spikes of this rank in [begin, end), at most 63 steps; in descending local order, which nothing may depend
 * on. */
static inline cls_spikes syn_fill(const synthetic *s, int member, int64_t begin, int64_t end, syn_window *w) {
  uint32_t n = 0;
  if (!w->neuron) w->neuron = malloc(64 * ((size_t)s->layout.n_local + 1) * sizeof *w->neuron);
  for (int64_t step = begin; step < end; step++) {
    w->first[step - begin] = n;
    for (uint32_t r = s->layout.n_ranges; r-- > 0;) {
      const cls_range *range = &s->layout.ranges[r];
      const uint64_t number = s->populations[range->population].first + range->first;
      for (uint32_t i = range->n; i-- > 0;)
        if (syn_spikes(syn_region(s, range->population), member, number + i, step))
          w->neuron[n++] = range->local + i;
    }
  }
  w->first[end - begin] = n;
  return (cls_spikes){begin, end, w->neuron, w->first};
}

/* What the recorder asks of a member, answered as a backend does: a function of (member, neuron, step). */
typedef struct {
  const synthetic *s;
  int64_t step;
  int32_t *v; /* room for the weights of all synapses */
} syn_moment;

static inline cls_status syn_currents(void *instance, int member, int64_t *sums) {
  const syn_moment *now = instance;
  const synthetic *s = now->s;
  memset(sums, 0, (size_t)s->layout.n_ranges * CLS_MAX_RECEPTORS * sizeof *sums);
  for (uint32_t r = 0; r < s->layout.n_ranges; r++)
    for (uint32_t i = 0; i < s->layout.ranges[r].n; i++)
      for (int k = 0; k < CLS_MAX_RECEPTORS; k++)
        sums[r * CLS_MAX_RECEPTORS + (uint32_t)k] +=
            syn_current(s->populations[s->layout.ranges[r].population].first + s->layout.ranges[r].first + i,
                        member, now->step, k);
  return CLS_OK;
}

static inline cls_status syn_probe(void *instance, int member, const cls_probe *probes, size_t n,
                                   float *values) {
  const syn_moment *now = instance;
  for (size_t i = 0; i < n; i++) {
    const cls_range *range = &now->s->layout.ranges[probes[i].range];
    if (probes[i].index >= range->n) return cls_fail(CLS_ERR_INTERNAL, "a probe beyond its range");
    values[i] = syn_state(now->s->populations[range->population].first + range->first + probes[i].index,
                          member, now->step, probes[i].state);
  }
  return CLS_OK;
}

static inline cls_status syn_weights_now(void *instance, int member, uint32_t part, const int32_t **v) {
  const syn_moment *now = instance;
  if (part != 0) return cls_fail(CLS_ERR_INTERNAL, "weights of part %u", part);
  syn_fill_weights(now->s, member, now->step, now->v);
  *v = now->v;
  return CLS_OK;
}

static const cls_backend syn_backend = {
    .name = "synthetic", .currents = syn_currents, .probe = syn_probe, .weights = syn_weights_now};

static inline cls_status syn_look(const synthetic *s, const cls_observer *o, int member, int64_t step) {
  int64_t *sums = calloc((size_t)s->layout.n_ranges * CLS_MAX_RECEPTORS + 1, sizeof *sums);
  syn_moment now = {s, step, calloc(syn_number(s, SYN_PROJECTIONS, 0, 0) + 1, sizeof(int32_t))};
  cls_view view = {
      .backend = &syn_backend, .instance = &now, .member = member, .network = &s->network, .sums = sums};
  cls_status status = o->look(o->self, member, step, &view);
  free(sums);
  free(now.v);
  return status;
}

/* Shows the run to the observer, in windows that do not respect flushes; ends at step `end`. */
static inline cls_status syn_run(const synthetic *s, const cls_observer *o, int64_t end) {
  enum { WINDOW = 7 };
  syn_window w = {0};
  cls_status status = CLS_OK;
  int64_t flushed = 0;
  for (int64_t begin = 0; begin < end && status == CLS_OK; begin += WINDOW) {
    const int64_t stop = begin + WINDOW < end ? begin + WINDOW : end;
    for (int m = 0; m < s->job.members && status == CLS_OK; m++) {
      const cls_spikes spikes = syn_fill(s, m, begin, stop, &w);
      status = o->spikes(o->self, m, &spikes);
      for (int64_t step = begin; step < stop && o->look && status == CLS_OK; step++)
        if (o->next_look(o->self, step) == step + 1) status = syn_look(s, o, m, step);
    }
    for (; flushed + o->flush_interval <= stop && status == CLS_OK; flushed += o->flush_interval)
      status = o->flush(o->self, flushed + o->flush_interval);
  }
  if (status == CLS_OK) status = o->flush(o->self, end);
  free(w.neuron);
  return status;
}

#endif

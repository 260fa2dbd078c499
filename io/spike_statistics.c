#include "io/spike_statistics.h"
#include "io/record_keep.h"
#include "io/spike_correlation.h"
#include <math.h>
#include <stdlib.h>

enum { SAMPLE = 5000, MIN_INTERVALS = 4 };

/* A sampled neuron of this rank. */
typedef struct {
  uint32_t local;
  int32_t paired; /* number among the neurons that are correlated, -1: none */
  uint32_t stratum;
} sampled;

/* Its inter-spike intervals so far in one member, in steps. Sums of squares stay below the square of the
 * run's length: 2^32 steps are safe. */
typedef struct {
  int64_t last; /* step of the last spike, -1: none */
  uint64_t n, sum, squares;
} intervals;

struct cls_spike_statistics_ {
  const cls_record *record;
  const cls_groups *groups;
  sampled *neurons; /* by local index, ascending */
  uint32_t n_neurons;
  uint64_t *is_sampled; /* one bit per local index */
  /* For backends that count: of groups, and of all neurons. */
  cls_tally tally[2];
  uint32_t *one_group; /* [n_local / 16 + 1] */
  uint64_t *n_spikes;  /* [members] of this rank, all neurons */
  int64_t *count;      /* [members][n_slots] */
  intervals *interval; /* [members][n_neurons] */
  cls_correlation correlation;
};

/* ---- the sample: one neuron from each of as many equal strata of the global numbering ---- */

static uint64_t stratum(uint64_t neurons, uint64_t strata, uint64_t k) {
  return neurons / strata * k + neurons % strata * k / strata;
}

static uint64_t draw_neuron(const cls_network *network, uint64_t strata, uint64_t k) {
  const cls_stream stream = cls_stream_make(network->seed, CLS_PURPOSE_SAMPLE, 0);
  const uint64_t begin = stratum(network->n_neurons, strata, k);
  const uint64_t size = stratum(network->n_neurons, strata, k + 1) - begin;
  cls_reader reader = cls_reader_make(stream, (uint32_t)k, 0, 0);
  uint64_t offset = (uint64_t)(cls_read_unit(&reader) * (double)size);
  return begin + (offset < size ? offset : size - 1);
}

/* Local index of a global neuron number, UINT32_MAX where it is on another rank. */
static uint32_t find_local(const cls_record *record, uint64_t neuron) {
  const uint32_t population = cls_network_population_of(record->network, neuron);
  const uint64_t index = neuron - record->network->populations[population].first;
  const uint32_t r = cls_layout_find(record->layout, population, index);
  if (r == UINT32_MAX) return UINT32_MAX;
  return record->layout->ranges[r].local + (uint32_t)(index - record->layout->ranges[r].first);
}

static int by_local(const void *a, const void *b) {
  const uint32_t x = ((const sampled *)a)->local, y = ((const sampled *)b)->local;
  return (x > y) - (x < y);
}

static cls_status draw_sample(cls_spike_statistics *s) {
  const cls_network *network = s->record->network;
  const uint64_t strata = network->n_neurons < SAMPLE ? network->n_neurons : SAMPLE;
  const uint64_t paired = strata < CLS_CORRELATED ? strata : CLS_CORRELATED;
  CLS_TRY(cls_alloc(&s->neurons, strata, sizeof *s->neurons, "sampled neurons"));
  CLS_TRY(cls_alloc(&s->is_sampled, (size_t)s->record->layout->n_local / 64 + 1, sizeof *s->is_sampled,
                    "sampled neurons"));
  uint64_t pairs = 0; /* strata that are correlated: evenly spread over all */
  for (uint64_t k = 0; k < strata; k++) {
    const bool correlated = pairs < paired && k == stratum(strata, paired, pairs);
    const uint32_t local = find_local(s->record, draw_neuron(network, strata, k));
    if (local != UINT32_MAX) {
      s->neurons[s->n_neurons++] =
          (sampled){.local = local, .paired = correlated ? (int32_t)pairs : -1, .stratum = (uint32_t)k};
      s->is_sampled[local / 64] |= 1ull << local % 64;
    }
    if (correlated) pairs++;
  }
  qsort(s->neurons, s->n_neurons, sizeof *s->neurons, by_local);
  return CLS_OK;
}

/* ---- while the run goes on ---- */

static uint32_t find_sampled(const cls_spike_statistics *s, uint32_t local) {
  uint32_t low = 0, high = s->n_neurons;
  while (low + 1 < high) {
    uint32_t middle = low + (high - low) / 2;
    if (s->neurons[middle].local <= local)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static cls_status add_sampled(cls_spike_statistics *s, int member, uint32_t local, int64_t step) {
  const uint32_t k = find_sampled(s, local);
  intervals *interval = &s->interval[(size_t)member * s->n_neurons + k];
  if (interval->last >= 0) {
    const uint64_t length = (uint64_t)(step - interval->last);
    interval->n++;
    interval->sum += length;
    interval->squares += length * length;
  }
  interval->last = step;
  const int32_t paired = s->neurons[k].paired;
  return paired < 0 ? CLS_OK : cls_correlation_add(&s->correlation, member, (uint32_t)paired, step);
}

static cls_status add(void *self, int member, const cls_spikes *spikes) {
  cls_spike_statistics *s = self;
  const uint32_t *slot_of_16 = s->groups->slot_of_16;
  int64_t *count = s->count + (size_t)member * s->groups->n_slots;
  int64_t step = spikes->begin < s->record->warmup_step ? s->record->warmup_step : spikes->begin;
  for (; step < spikes->end; step++) {
    const uint32_t *first = spikes->first + (step - spikes->begin);
    s->n_spikes[member] += first[1] - first[0];
    for (uint32_t i = first[0]; i < first[1]; i++) {
      const uint32_t local = spikes->neuron[i], slot = slot_of_16[local / 16];
      if (slot != CLS_NO_SLOT) count[slot]++;
      if (s->is_sampled[local / 64] >> local % 64 & 1) CLS_TRY(add_sampled(s, member, local, step));
    }
  }
  return CLS_OK;
}

enum { OF_GROUPS, OF_ALL };

static cls_status add_counts(void *self, int member, int tally, int64_t bin, int64_t n,
                             const uint32_t *count) {
  cls_spike_statistics *s = self;
  const uint32_t groups = s->tally[tally].n_groups;
  int64_t *of_group = s->count + (size_t)member * s->groups->n_slots;
  (void)bin;
  for (int64_t k = 0; k < n; k++)
    for (uint32_t g = 0; g < groups; g++) {
      if (tally == OF_ALL)
        s->n_spikes[member] += count[(size_t)k * groups + g];
      else
        of_group[g] += count[(size_t)k * groups + g];
    }
  return CLS_OK;
}

static cls_status add_marked(void *self, int member, const cls_spikes *spikes) {
  cls_spike_statistics *s = self;
  int64_t step = spikes->begin < s->record->warmup_step ? s->record->warmup_step : spikes->begin;
  for (; step < spikes->end; step++) {
    const uint32_t *first = spikes->first + (step - spikes->begin);
    for (uint32_t i = first[0]; i < first[1]; i++) CLS_TRY(add_sampled(s, member, spikes->neuron[i], step));
  }
  return CLS_OK;
}

static cls_status flush(void *self, int64_t step) {
  return cls_correlation_flush(&((cls_spike_statistics *)self)->correlation, step);
}

/* ---- what is known between two flushes ---- */

/* The sample of this rank in the order of strata, which is the same on any layout. */
typedef struct {
  uint32_t *stratum, *number; /* [n_neurons] and which of s->neurons it is */
  uint32_t *paired;           /* [n_paired] ascending */
  size_t n_paired;
  intervals *interval; /* [members][n_neurons] */
} in_order;

static cls_status put_in_order(const cls_spike_statistics *s, in_order *o) {
  const size_t n = s->n_neurons;
  uint64_t *key = NULL;
  CLS_TRY(cls_alloc(&o->stratum, n, sizeof *o->stratum, "sampled neurons"));
  CLS_TRY(cls_alloc(&o->number, n, sizeof *o->number, "sampled neurons"));
  CLS_TRY(cls_alloc(&o->paired, n, sizeof *o->paired, "sampled neurons"));
  CLS_TRY(
      cls_alloc(&o->interval, (size_t)s->record->members * n, sizeof *o->interval, "inter-spike intervals"));
  CLS_TRY(cls_alloc(&key, 2 * n, sizeof *key, "sampled neurons"));
  for (size_t i = 0; i < n; i++) key[i] = (uint64_t)s->neurons[i].stratum << 32 | i;
  cls_sort_u64(key, key + n, n);
  for (size_t i = 0; i < n; i++) {
    o->number[i] = (uint32_t)key[i];
    o->stratum[i] = (uint32_t)(key[i] >> 32);
    const int32_t paired = s->neurons[o->number[i]].paired; /* they ascend with the strata */
    if (paired >= 0) o->paired[o->n_paired++] = (uint32_t)paired;
  }
  free(key);
  return CLS_OK;
}

static void free_order(in_order *o) {
  free(o->stratum);
  free(o->number);
  free(o->paired);
  free(o->interval);
}

/* Collective. */
static cls_status keep_intervals(cls_spike_statistics *s, const in_order *o, const cls_keeper *keeper) {
  enum { NUMBERS = sizeof(intervals) / sizeof(int64_t) };
  const uint64_t neurons = s->record->network->n_neurons, members = (uint64_t)s->record->members;
  const size_t n = s->n_neurons;
  for (size_t i = 0; i < members * n && !keeper->loading; i++)
    o->interval[i] = s->interval[i / n * n + o->number[i % n]];
  CLS_TRY(cls_keep_rows(keeper, s->record->world.comm, "recorder/statistics/intervals", CLS_KEEP_I64, members,
                        neurons < SAMPLE ? neurons : SAMPLE, NUMBERS, o->stratum, n, o->interval));
  for (size_t i = 0; i < members * n && keeper->loading; i++)
    s->interval[i / n * n + o->number[i % n]] = o->interval[i];
  return CLS_OK;
}

/* Collective. Spikes of all neurons: rank 0 takes what all ranks counted. */
static cls_status keep_spikes(cls_spike_statistics *s, const cls_keeper *keeper) {
  const cls_world *world = &s->record->world;
  const size_t members = (size_t)s->record->members;
  uint64_t *all = NULL;
  CLS_TRY(cls_agree(world->comm, cls_alloc(&all, members, sizeof *all, "spike counts")));
  MPI_Allreduce(s->n_spikes, all, (int)members, MPI_UINT64_T, MPI_SUM, world->comm);
  cls_status status =
      cls_keep_shared(keeper, world->rank, "recorder/statistics/spikes", CLS_KEEP_U64, members, all);
  for (size_t m = 0; m < members && keeper->loading; m++) s->n_spikes[m] = world->rank == 0 ? all[m] : 0;
  free(all);
  return status;
}

static cls_status keep(void *self, const cls_keeper *keeper) {
  cls_spike_statistics *s = self;
  in_order o = {0};
  cls_status status = cls_agree(s->record->world.comm, put_in_order(s, &o));
  if (status == CLS_OK) status = keep_spikes(s, keeper);
  if (status == CLS_OK)
    status = cls_keep_groups(keeper, s->groups, "recorder/statistics/group_spikes",
                             (uint64_t)s->record->members, 1, s->count);
  if (status == CLS_OK) status = keep_intervals(s, &o, keeper);
  if (status == CLS_OK) status = cls_correlation_keep(&s->correlation, o.paired, o.n_paired, keeper);
  free_order(&o);
  return status;
}

/* ---- at the end ---- */

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, size_t n) {
  if (n == 0) return NAN;
  qsort(values, n, sizeof *values, ascending);
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double variation(const intervals *interval) {
  const double n = (double)interval->n, sum = (double)interval->sum;
  const double spread = n * (double)interval->squares - sum * sum;
  return spread > 0 ? sqrt(spread) / sum : 0;
}

/* Room for the irregularity of the sample, of which every rank has a part. */
typedef struct {
  double *mine, *all;
  int *counts, *displacements; /* [ranks] */
} sample_buffers;

/* Collective. On `root` the median of all ranks' sampled neurons. */
static void find_irregularity(const cls_spike_statistics *s, int member, int root, sample_buffers *b,
                              double *result) {
  const cls_world *world = &s->record->world;
  const intervals *interval = s->interval + (size_t)member * s->n_neurons;
  int n = 0, total = 0;
  for (uint32_t i = 0; i < s->n_neurons; i++)
    if (interval[i].n >= MIN_INTERVALS) b->mine[n++] = variation(&interval[i]);
  MPI_Gather(&n, 1, MPI_INT, b->counts, 1, MPI_INT, root, world->comm);
  for (int r = 0; world->rank == root && r < world->ranks; r++) {
    b->displacements[r] = total;
    total += b->counts[r];
  }
  MPI_Gatherv(b->mine, n, MPI_DOUBLE, b->all, b->counts, b->displacements, MPI_DOUBLE, root, world->comm);
  if (world->rank == root) *result = median(b->all, (size_t)total);
}

/* Collective. The rank that sums a member's correlations also finds its irregularity. */
static cls_status find_figures(cls_spike_statistics *s, int64_t end, cls_statistics *results) {
  const cls_world *world = &s->record->world;
  sample_buffers b = {0};
  cls_status status = cls_alloc(&b.mine, s->n_neurons, sizeof *b.mine, "irregularity of sampled neurons");
  if (status == CLS_OK) status = cls_alloc(&b.all, SAMPLE, sizeof *b.all, "irregularity of sampled neurons");
  if (status == CLS_OK)
    status = cls_alloc(&b.counts, 2 * (size_t)world->ranks, sizeof *b.counts, "spike statistics");
  status = cls_agree(world->comm, status);
  for (int m = 0; m < s->record->members && status == CLS_OK; m++) {
    double figures[2] = {NAN, NAN};
    const int root = m % world->ranks;
    b.displacements = b.counts + world->ranks;
    find_irregularity(s, m, root, &b, &figures[0]);
    if (world->rank == root) figures[1] = cls_correlation_mean(&s->correlation, m, end);
    MPI_Bcast(figures, 2, MPI_DOUBLE, root, world->comm);
    results[m].isi_cv_median = figures[0];
    results[m].spike_correlation_mean = figures[1];
  }
  free(b.mine);
  free(b.all);
  free(b.counts);
  return status;
}

/* Collective. */
static cls_status find_rates(cls_spike_statistics *s, double seconds, cls_statistics *results) {
  const cls_columns *columns = &s->groups->columns;
  const size_t members = (size_t)s->record->members;
  int64_t *owned = NULL;
  cls_status status = cls_alloc(&owned, members * columns->n_owned, sizeof *owned, "spike counts");
  CLS_TRY(cls_agree(columns->comm, status));
  status = cls_groups_sum(s->groups, members, 1, s->count, owned);
  for (size_t m = 0; m < members && status == CLS_OK; m++) {
    double least = INFINITY, most = -INFINITY;
    for (uint32_t i = 0; i < columns->n_owned; i++) {
      const uint64_t size = s->groups->size[columns->owned[i]];
      if (size == 0) continue;
      const double rate = (double)owned[m * columns->n_owned + i] / ((double)size * seconds);
      if (rate < least) least = rate;
      if (rate > most) most = rate;
    }
    uint64_t spikes = 0;
    MPI_Allreduce(&s->n_spikes[m], &spikes, 1, MPI_UINT64_T, MPI_SUM, columns->comm);
    MPI_Allreduce(&least, &results[m].rate_min_hz, 1, MPI_DOUBLE, MPI_MIN, columns->comm);
    MPI_Allreduce(&most, &results[m].rate_max_hz, 1, MPI_DOUBLE, MPI_MAX, columns->comm);
    results[m].mean_rate_hz = (double)spikes / ((double)s->record->network->n_neurons * seconds);
  }
  free(owned);
  return status;
}

cls_status cls_spike_statistics_finish(cls_spike_statistics *s, int64_t end, cls_statistics *results) {
  const int64_t steps = end - s->record->warmup_step;
  for (int m = 0; m < s->record->members; m++) {
    cls_statistics *r = &results[m];
    r->mean_rate_hz = r->rate_min_hz = r->rate_max_hz = r->isi_cv_median = r->spike_correlation_mean = NAN;
  }
  if (steps <= 0) return CLS_OK;
  CLS_TRY(find_rates(s, (double)steps * s->record->network->dt_ms * 1e-3, results));
  return find_figures(s, end, results);
}

/* ---- creation ---- */

static void free_statistics(void *self) {
  cls_spike_statistics *s = self;
  cls_correlation_destroy(&s->correlation);
  free(s->neurons);
  free(s->is_sampled);
  free(s->one_group);
  free(s->n_spikes);
  free(s->count);
  free(s->interval);
  free(s);
}

cls_status cls_spike_statistics_create(const cls_record *record, const cls_groups *groups,
                                       cls_recording *recording) {
  cls_spike_statistics *s = NULL;
  const size_t members = (size_t)record->members;
  CLS_TRY(cls_alloc(&s, 1, sizeof *s, "spike statistics"));
  *recording =
      (cls_recording){.self = s, .spikes = add, .flush = flush, .keep = keep, .free = free_statistics};
  s->record = record;
  s->groups = groups;
  CLS_TRY(draw_sample(s));
  CLS_TRY(cls_alloc(&s->one_group, (size_t)record->layout->n_local / 16 + 1, sizeof *s->one_group, "groups"));
  s->tally[OF_GROUPS] = (cls_tally){.interval = INT64_MAX,
                                    .first = record->warmup_step,
                                    .n_groups = groups->n_slots,
                                    .group_of_16 = groups->slot_of_16};
  s->tally[OF_ALL] = (cls_tally){
      .interval = INT64_MAX, .first = record->warmup_step, .n_groups = 1, .group_of_16 = s->one_group};
  recording->tallies = s->tally;
  recording->n_tallies = 2;
  recording->counts = add_counts;
  recording->marked = s->is_sampled;
  recording->n_marked = s->n_neurons;
  recording->marked_spikes = add_marked;
  CLS_TRY(cls_alloc(&s->n_spikes, members, sizeof *s->n_spikes, "spike counts"));
  CLS_TRY(cls_alloc(&s->count, members * groups->n_slots, sizeof *s->count, "spike counts"));
  CLS_TRY(cls_alloc(&s->interval, members * s->n_neurons, sizeof *s->interval, "inter-spike intervals"));
  for (size_t i = 0; i < members * s->n_neurons; i++) s->interval[i].last = -1;
  return cls_correlation_create(record, &s->correlation);
}

#include "io/spike_statistics.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 5000, PAIRED = 200, PAIRED_BITS = 8, MIN_INTERVALS = 4 };
#define CORRELATION_BIN_MS 2.0

/* A sampled neuron of this rank and its intervals so far, in steps. Sums of squares stay below the square of
 * the run's length: 2^32 steps are safe. */
typedef struct {
  uint32_t local;
  int32_t paired; /* number among the neurons that are correlated, -1: none */
  int64_t last;   /* step of the last spike, -1: none */
  uint64_t n, sum, squares;
} sampled;

struct cls_spike_statistics_ {
  const cls_record *record;
  const cls_groups *groups;
  int64_t bin_steps; /* of the correlation */
  uint64_t n_spikes; /* of this rank, all neurons */
  int64_t *count;    /* [n_slots] */
  sampled *neurons;  /* by local index, ascending */
  uint32_t n_neurons;
  uint64_t *is_sampled; /* one bit per local index */
  uint64_t *waiting;    /* spikes of correlated neurons not yet gathered: bin << PAIRED_BITS | number */
  size_t n_waiting, waiting_capacity;
  /* Rank 0. */
  uint64_t *gathered, *scratch;
  size_t gathered_capacity, scratch_capacity;
  int *counts, *displacements; /* [ranks] */
  uint64_t *total;             /* [PAIRED] spikes of each correlated neuron in complete bins */
  uint64_t *products;          /* [PAIRED][PAIRED], j >= i: sum over bins of the product of counts */
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

/* Local index of a global neuron number, UINT32_MAX where it is on another rank. `order`: the rank's ranges
 * in global order. */
static uint32_t find_local(const cls_record *record, const uint64_t *begins, uint64_t neuron) {
  const cls_layout *layout = record->layout;
  size_t low = 0, high = layout->n_ranges;
  while (low + 1 < high) {
    size_t middle = low + (high - low) / 2;
    if (begins[2 * middle] <= neuron)
      low = middle;
    else
      high = middle;
  }
  if (layout->n_ranges == 0 || neuron < begins[2 * low]) return UINT32_MAX;
  const cls_range *range = &layout->ranges[begins[2 * low + 1]];
  const uint64_t offset = neuron - begins[2 * low];
  return offset < range->n ? range->local + (uint32_t)offset : UINT32_MAX;
}

static int by_first(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static int by_local(const void *a, const void *b) {
  const uint32_t x = ((const sampled *)a)->local, y = ((const sampled *)b)->local;
  return (x > y) - (x < y);
}

static cls_status draw_sample(cls_spike_statistics *s) {
  const cls_network *network = s->record->network;
  const cls_layout *layout = s->record->layout;
  const uint64_t strata = network->n_neurons < SAMPLE ? network->n_neurons : SAMPLE;
  const uint64_t paired = strata < PAIRED ? strata : PAIRED;
  uint64_t *begins = NULL; /* pairs (global number of its first neuron, range) */
  CLS_TRY(cls_alloc(&s->neurons, strata, sizeof *s->neurons, "sampled neurons"));
  CLS_TRY(
      cls_alloc(&s->is_sampled, (size_t)layout->n_local / 64 + 1, sizeof *s->is_sampled, "sampled neurons"));
  CLS_TRY(cls_alloc(&begins, 2 * (size_t)layout->n_ranges, sizeof *begins, "ranges in global order"));
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    begins[2 * (size_t)r] =
        network->populations[layout->ranges[r].population].first + layout->ranges[r].first;
    begins[2 * (size_t)r + 1] = r;
  }
  qsort(begins, layout->n_ranges, 2 * sizeof *begins, by_first);
  uint64_t pairs = 0; /* strata that are correlated: evenly spread over all */
  for (uint64_t k = 0; k < strata; k++) {
    const bool correlated = pairs < paired && k == stratum(strata, paired, pairs);
    const uint32_t local = find_local(s->record, begins, draw_neuron(network, strata, k));
    if (local != UINT32_MAX) {
      s->neurons[s->n_neurons++] =
          (sampled){.local = local, .paired = correlated ? (int32_t)pairs : -1, .last = -1};
      s->is_sampled[local / 64] |= 1ull << local % 64;
    }
    if (correlated) pairs++;
  }
  free(begins);
  qsort(s->neurons, s->n_neurons, sizeof *s->neurons, by_local);
  return CLS_OK;
}

cls_status cls_spike_statistics_create(const cls_record *record, const cls_groups *groups,
                                       cls_spike_statistics **statistics) {
  CLS_TRY(cls_alloc(statistics, 1, sizeof **statistics, "spike statistics"));
  cls_spike_statistics *s = *statistics;
  s->record = record;
  s->groups = groups;
  s->bin_steps = (int64_t)rint(CORRELATION_BIN_MS / record->network->dt_ms);
  if (s->bin_steps < 1) s->bin_steps = 1;
  CLS_TRY(cls_alloc(&s->count, groups->n_slots, sizeof *s->count, "spike counts"));
  CLS_TRY(draw_sample(s));
  if (record->world.rank != 0) return CLS_OK;
  const size_t ranks = (size_t)record->world.ranks;
  CLS_TRY(cls_alloc(&s->counts, ranks, sizeof *s->counts, "spike statistics"));
  CLS_TRY(cls_alloc(&s->displacements, ranks, sizeof *s->displacements, "spike statistics"));
  CLS_TRY(cls_alloc(&s->total, PAIRED, sizeof *s->total, "spike correlations"));
  return cls_alloc(&s->products, (size_t)PAIRED * PAIRED, sizeof *s->products, "spike correlations");
}

void cls_spike_statistics_free(cls_spike_statistics *s) {
  if (!s) return;
  free(s->count);
  free(s->neurons);
  free(s->is_sampled);
  free(s->waiting);
  free(s->gathered);
  free(s->scratch);
  free(s->counts);
  free(s->displacements);
  free(s->total);
  free(s->products);
  free(s);
}

/* ---- while the run goes on ---- */

static cls_status add_sampled(cls_spike_statistics *s, uint32_t local, int64_t step) {
  uint32_t low = 0, high = s->n_neurons;
  while (low + 1 < high) {
    uint32_t middle = low + (high - low) / 2;
    if (s->neurons[middle].local <= local)
      low = middle;
    else
      high = middle;
  }
  sampled *neuron = &s->neurons[low];
  if (neuron->last >= 0) {
    const uint64_t interval = (uint64_t)(step - neuron->last);
    neuron->n++;
    neuron->sum += interval;
    neuron->squares += interval * interval;
  }
  neuron->last = step;
  if (neuron->paired < 0) return CLS_OK;
  CLS_TRY(
      cls_grow(&s->waiting, &s->waiting_capacity, s->n_waiting + 1, sizeof *s->waiting, "sampled spikes"));
  const uint64_t bin = (uint64_t)((step - s->record->warmup_step) / s->bin_steps);
  s->waiting[s->n_waiting++] = bin << PAIRED_BITS | (uint64_t)neuron->paired;
  return CLS_OK;
}

cls_status cls_spike_statistics_add(cls_spike_statistics *s, const cls_spikes *spikes) {
  const uint32_t *slot_of_16 = s->groups->slot_of_16;
  int64_t step = spikes->begin < s->record->warmup_step ? s->record->warmup_step : spikes->begin;
  for (; step < spikes->end; step++) {
    const uint32_t *first = spikes->first + (step - spikes->begin);
    s->n_spikes += first[1] - first[0];
    for (uint32_t i = first[0]; i < first[1]; i++) {
      const uint32_t local = spikes->neuron[i], slot = slot_of_16[local / 16];
      if (slot != CLS_NO_SLOT) s->count[slot]++;
      if (s->is_sampled[local / 64] >> local % 64 & 1) CLS_TRY(add_sampled(s, local, step));
    }
  }
  return CLS_OK;
}

/* Adds sorted (bin, neuron) spikes to the sums, bin by bin. */
static void add_bins(cls_spike_statistics *s, const uint64_t *spike, size_t n) {
  const uint64_t mask = (1ull << PAIRED_BITS) - 1;
  uint32_t active[PAIRED];
  uint64_t count[PAIRED];
  for (size_t i = 0; i < n;) {
    const uint64_t bin = spike[i] >> PAIRED_BITS;
    size_t k = 0;
    while (i < n && spike[i] >> PAIRED_BITS == bin) {
      size_t j = i;
      while (j < n && spike[j] == spike[i]) j++;
      active[k] = (uint32_t)(spike[i] & mask);
      count[k++] = j - i;
      i = j;
    }
    for (size_t a = 0; a < k; a++) {
      s->total[active[a]] += count[a];
      for (size_t b = a; b < k; b++)
        s->products[(size_t)active[a] * PAIRED + active[b]] += count[a] * count[b];
    }
  }
}

static cls_status prepare_gather(cls_spike_statistics *s, size_t *total) {
  *total = 0;
  for (int r = 0; r < s->record->world.ranks; r++) {
    CLS_CHECK(*total <= INT_MAX, CLS_ERR_LIMIT,
              "too many sampled spikes between two flushes; lower record.flush_ms");
    s->displacements[r] = (int)*total;
    *total += (size_t)s->counts[r];
  }
  CLS_TRY(cls_grow(&s->gathered, &s->gathered_capacity, *total, sizeof *s->gathered, "sampled spikes"));
  return cls_grow(&s->scratch, &s->scratch_capacity, *total, sizeof *s->scratch, "sampled spikes");
}

cls_status cls_spike_statistics_flush(cls_spike_statistics *s, int64_t step) {
  const cls_world *world = &s->record->world;
  if (step <= s->record->warmup_step) return CLS_OK;
  const uint64_t complete = (uint64_t)((step - s->record->warmup_step) / s->bin_steps);
  size_t ready = 0, total = 0; /* spikes of complete bins come first: time ascends */
  while (ready < s->n_waiting && s->waiting[ready] >> PAIRED_BITS < complete) ready++;
  const int n = ready <= INT_MAX ? (int)ready : INT_MAX;
  MPI_Gather(&n, 1, MPI_INT, s->counts, 1, MPI_INT, 0, world->comm);
  CLS_TRY(cls_agree(world->comm, world->rank == 0 ? prepare_gather(s, &total) : CLS_OK));
  MPI_Gatherv(s->waiting, n, MPI_UINT64_T, s->gathered, s->counts, s->displacements, MPI_UINT64_T, 0,
              world->comm);
  memmove(s->waiting, s->waiting + n, (s->n_waiting - (size_t)n) * sizeof *s->waiting);
  s->n_waiting -= (size_t)n;
  if (world->rank != 0) return CLS_OK;
  cls_sort_u64(s->gathered, s->scratch, total);
  add_bins(s, s->gathered, total);
  return CLS_OK;
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

static double variation(const sampled *neuron) {
  const double n = (double)neuron->n, sum = (double)neuron->sum;
  const double spread = n * (double)neuron->squares - sum * sum;
  return spread > 0 ? sqrt(spread) / sum : 0;
}

/* Collective. On rank 0 the median of all ranks' sampled neurons. */
static cls_status find_irregularity(cls_spike_statistics *s, double *result) {
  const cls_world *world = &s->record->world;
  double *mine = NULL, *all = NULL;
  int n = 0, total = 0;
  cls_status status = cls_alloc(&mine, s->n_neurons, sizeof *mine, "irregularity of sampled neurons");
  for (uint32_t i = 0; i < s->n_neurons && status == CLS_OK; i++)
    if (s->neurons[i].n >= MIN_INTERVALS) mine[n++] = variation(&s->neurons[i]);
  MPI_Gather(&n, 1, MPI_INT, s->counts, 1, MPI_INT, 0, world->comm);
  for (int r = 0; world->rank == 0 && r < world->ranks; r++) {
    s->displacements[r] = total;
    total += s->counts[r];
  }
  if (status == CLS_OK)
    status = cls_alloc(&all, (size_t)total, sizeof *all, "irregularity of sampled neurons");
  status = cls_agree(world->comm, status);
  if (status == CLS_OK) {
    MPI_Gatherv(mine, n, MPI_DOUBLE, all, s->counts, s->displacements, MPI_DOUBLE, 0, world->comm);
    *result = median(all, (size_t)total);
  }
  free(mine);
  free(all);
  return status;
}

/* Rank 0: mean Pearson correlation over pairs of neurons whose counts vary over `bins` bins. */
static double mean_correlation(const cls_spike_statistics *s, uint64_t bins) {
  double sum = 0, pairs = 0;
  const double n = (double)bins;
  for (size_t i = 0; i < PAIRED; i++) {
    const double x = (double)s->total[i], xx = n * (double)s->products[i * PAIRED + i] - x * x;
    for (size_t j = i + 1; j < PAIRED && xx > 0; j++) {
      const double y = (double)s->total[j], yy = n * (double)s->products[j * PAIRED + j] - y * y;
      if (!(yy > 0)) continue;
      sum += (n * (double)s->products[i * PAIRED + j] - x * y) / sqrt(xx * yy);
      pairs += 1;
    }
  }
  return pairs > 0 ? sum / pairs : NAN;
}

/* Collective. */
static cls_status find_rates(cls_spike_statistics *s, double seconds, cls_statistics *result) {
  const cls_groups *g = s->groups;
  int64_t *owned = NULL;
  cls_status status = cls_alloc(&owned, g->n_owned, sizeof *owned, "spike counts");
  CLS_TRY(cls_agree(s->record->world.comm, status));
  status = cls_groups_sum(g, 1, 1, s->count, owned);
  double least = INFINITY, most = -INFINITY;
  for (uint32_t i = 0; i < g->n_owned && status == CLS_OK; i++) {
    const uint64_t size = g->size[g->owned[i]];
    if (size == 0) continue;
    const double rate = (double)owned[i] / ((double)size * seconds);
    if (rate < least) least = rate;
    if (rate > most) most = rate;
  }
  free(owned);
  CLS_TRY(status);
  uint64_t spikes = 0;
  MPI_Allreduce(&s->n_spikes, &spikes, 1, MPI_UINT64_T, MPI_SUM, g->comm);
  MPI_Allreduce(&least, &result->rate_min_hz, 1, MPI_DOUBLE, MPI_MIN, g->comm);
  MPI_Allreduce(&most, &result->rate_max_hz, 1, MPI_DOUBLE, MPI_MAX, g->comm);
  result->mean_rate_hz = (double)spikes / ((double)s->record->network->n_neurons * seconds);
  return CLS_OK;
}

cls_status cls_spike_statistics_finish(cls_spike_statistics *s, int64_t end, cls_statistics *result) {
  const cls_world *world = &s->record->world;
  const int64_t steps = end - s->record->warmup_step;
  double figures[2] = {NAN, NAN};
  result->mean_rate_hz = result->rate_min_hz = result->rate_max_hz = NAN;
  result->isi_cv_median = result->spike_correlation_mean = NAN;
  if (steps <= 0) return CLS_OK;
  CLS_TRY(find_rates(s, (double)steps * s->record->network->dt_ms * 1e-3, result));
  CLS_TRY(find_irregularity(s, &figures[0]));
  if (world->rank == 0) figures[1] = mean_correlation(s, (uint64_t)(steps / s->bin_steps));
  MPI_Bcast(figures, 2, MPI_DOUBLE, 0, world->comm);
  result->isi_cv_median = figures[0];
  result->spike_correlation_mean = figures[1];
  return CLS_OK;
}

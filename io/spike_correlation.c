#include "io/spike_correlation.h"
#include "io/record_keep.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A spike as one word: neuron in the low bits, then bin, then member; so words sort by member and bin. */
enum { NEURON_BITS = 8, BIN_BITS = 36, PAIRED = CLS_CORRELATED };
#define BIN_MS 2.0

static uint64_t bin_of(uint64_t word) { return word >> NEURON_BITS & ((1ull << BIN_BITS) - 1); }
static uint64_t member_of(uint64_t word) { return word >> (NEURON_BITS + BIN_BITS); }

cls_status cls_correlation_create(const cls_record *record, cls_correlation *c) {
  const size_t ranks = (size_t)record->world.ranks, rank = (size_t)record->world.rank;
  const size_t here = ((size_t)record->members + ranks - 1 - rank) / ranks;
  *c = (cls_correlation){.record = record};
  c->bin_steps = (int64_t)rint(BIN_MS / record->network->dt_ms);
  if (c->bin_steps < 1) c->bin_steps = 1;
  CLS_TRY(cls_alloc(&c->counts, 4 * ranks, sizeof *c->counts, "spike correlations"));
  CLS_TRY(cls_alloc(&c->total, here * PAIRED, sizeof *c->total, "spike correlations"));
  return cls_alloc(&c->products, here * PAIRED * PAIRED, sizeof *c->products, "spike correlations");
}

void cls_correlation_destroy(cls_correlation *c) {
  free(c->waiting);
  free(c->total);
  free(c->products);
  free(c->counts);
  free(c->sent);
  free(c->received);
  free(c->scratch);
}

cls_status cls_correlation_add(cls_correlation *c, int member, uint32_t neuron, int64_t step) {
  const uint64_t bin = (uint64_t)((step - c->record->warmup_step) / c->bin_steps);
  CLS_TRY(
      cls_grow(&c->waiting, &c->waiting_capacity, c->n_waiting + 1, sizeof *c->waiting, "sampled spikes"));
  c->waiting[c->n_waiting++] = ((uint64_t)member << BIN_BITS | bin) << NEURON_BITS | neuron;
  return CLS_OK;
}

/* Adds sorted spikes to the sums, bin by bin. */
static void add_bins(cls_correlation *c, const uint64_t *spike, size_t n) {
  const uint64_t mask = (1ull << NEURON_BITS) - 1, ranks = (uint64_t)c->record->world.ranks;
  uint32_t active[PAIRED];
  uint64_t count[PAIRED];
  for (size_t i = 0; i < n;) {
    const uint64_t bin = spike[i] >> NEURON_BITS, here = member_of(spike[i]) / ranks;
    uint64_t *total = c->total + here * PAIRED, *products = c->products + here * PAIRED * PAIRED;
    size_t k = 0;
    while (i < n && spike[i] >> NEURON_BITS == bin) {
      size_t j = i;
      while (j < n && spike[j] == spike[i]) j++;
      active[k] = (uint32_t)(spike[i] & mask);
      count[k++] = j - i;
      i = j;
    }
    for (size_t a = 0; a < k; a++) {
      total[active[a]] += count[a];
      for (size_t b = a; b < k; b++) products[(size_t)active[a] * PAIRED + active[b]] += count[a] * count[b];
    }
  }
}

/* Moves the spikes of complete bins from `waiting` to `sent`, by rank. */
static cls_status pack(cls_correlation *c, uint64_t complete, int *send_n, int *send_at) {
  const size_t ranks = (size_t)c->record->world.ranks;
  size_t ready = 0, kept = 0;
  memset(send_n, 0, ranks * sizeof *send_n);
  for (size_t i = 0; i < c->n_waiting; i++) ready += bin_of(c->waiting[i]) < complete;
  CLS_CHECK(ready <= INT_MAX, CLS_ERR_LIMIT, "%zu sampled spikes between two flushes; lower record.flush_ms",
            ready);
  CLS_TRY(cls_grow(&c->sent, &c->sent_capacity, ready, sizeof *c->sent, "sampled spikes"));
  for (size_t i = 0; i < c->n_waiting; i++)
    if (bin_of(c->waiting[i]) < complete) send_n[member_of(c->waiting[i]) % ranks]++;
  for (size_t r = 0; r < ranks; r++) send_at[r] = r == 0 ? 0 : send_at[r - 1] + send_n[r - 1];
  for (size_t i = 0; i < c->n_waiting; i++) {
    const uint64_t word = c->waiting[i];
    if (bin_of(word) < complete)
      c->sent[send_at[member_of(word) % ranks]++] = word;
    else
      c->waiting[kept++] = word;
  }
  for (size_t r = 0; r < ranks; r++) send_at[r] -= send_n[r];
  c->n_waiting = kept;
  return CLS_OK;
}

static cls_status prepare_receive(cls_correlation *c, const int *receive_n, int *receive_at, size_t *total) {
  *total = 0;
  for (int r = 0; r < c->record->world.ranks; r++) {
    CLS_CHECK(*total + (size_t)receive_n[r] <= INT_MAX, CLS_ERR_LIMIT,
              "too many sampled spikes between two flushes; lower record.flush_ms");
    receive_at[r] = (int)*total;
    *total += (size_t)receive_n[r];
  }
  CLS_TRY(cls_grow(&c->received, &c->received_capacity, *total, sizeof *c->received, "sampled spikes"));
  return cls_grow(&c->scratch, &c->scratch_capacity, *total, sizeof *c->scratch, "sampled spikes");
}

cls_status cls_correlation_flush(cls_correlation *c, int64_t step) {
  const cls_world *world = &c->record->world;
  int *send_n = c->counts, *send_at = send_n + world->ranks, *receive_n = send_n + 2 * world->ranks,
      *receive_at = send_n + 3 * world->ranks;
  if (step <= c->record->warmup_step) return CLS_OK;
  const uint64_t complete = (uint64_t)((step - c->record->warmup_step) / c->bin_steps);
  size_t total = 0;
  CLS_TRY(cls_agree(world->comm, pack(c, complete, send_n, send_at)));
  MPI_Alltoall(send_n, 1, MPI_INT, receive_n, 1, MPI_INT, world->comm);
  CLS_TRY(cls_agree(world->comm, prepare_receive(c, receive_n, receive_at, &total)));
  MPI_Alltoallv(c->sent, send_n, send_at, MPI_UINT64_T, c->received, receive_n, receive_at, MPI_UINT64_T,
                world->comm);
  cls_sort_u64(c->received, c->scratch, total);
  add_bins(c, c->received, total);
  return CLS_OK;
}

/* ---- what is known between two flushes ---- */

/* Collective. A table with a row of `width` numbers for each member, of which the rank that sums it has all. */
static cls_status keep_sums(const cls_correlation *c, const char *name, uint32_t width, uint64_t *sums,
                            const cls_keeper *keeper) {
  const cls_record *record = c->record;
  cls_piece *pieces = NULL;
  size_t n = 0;
  cls_status status = cls_alloc(&pieces, (size_t)record->members, sizeof *pieces, "sums of correlations");
  CLS_TRY(cls_agree(record->world.comm, status));
  for (int m = record->world.rank; m < record->members; m += record->world.ranks, n++)
    pieces[n] = (cls_piece){(uint64_t)m, 1, sums + n * width};
  status = keeper->array(keeper->self, name, CLS_KEEP_U64, (uint64_t)record->members, width, NULL, pieces, n);
  free(pieces);
  return status;
}

/* Waiting spikes, which are all of one bin, as counts [members][n] and back. */
static cls_status count_waiting(const cls_correlation *c, uint64_t bin, const uint32_t *paired, size_t n,
                                uint64_t *count) {
  const uint64_t mask = (1ull << NEURON_BITS) - 1;
  for (size_t i = 0; i < c->n_waiting; i++) {
    size_t k = 0;
    while (k < n && paired[k] != (c->waiting[i] & mask)) k++;
    CLS_CHECK(k < n && bin_of(c->waiting[i]) == bin, CLS_ERR_INTERNAL,
              "a sampled spike of bin %llu still waits in bin %llu",
              (unsigned long long)bin_of(c->waiting[i]), (unsigned long long)bin);
    count[member_of(c->waiting[i]) * n + k]++;
  }
  return CLS_OK;
}

static cls_status wait_again(cls_correlation *c, uint64_t bin, const uint32_t *paired, size_t n,
                             const uint64_t *count) {
  const int64_t step = c->record->warmup_step + (int64_t)bin * c->bin_steps;
  c->n_waiting = 0;
  for (int m = 0; m < c->record->members; m++)
    for (size_t k = 0; k < n; k++)
      for (uint64_t i = 0; i < count[(size_t)m * n + k]; i++)
        CLS_TRY(cls_correlation_add(c, m, paired[k], step));
  return CLS_OK;
}

cls_status cls_correlation_keep(cls_correlation *c, const uint32_t *paired, size_t n,
                                const cls_keeper *keeper) {
  const cls_record *record = c->record;
  const MPI_Comm comm = record->world.comm;
  const int64_t steps = record->reached - record->warmup_step;
  const uint64_t bin = steps > 0 ? (uint64_t)(steps / c->bin_steps) : 0, members = (uint64_t)record->members;
  const uint64_t all = record->network->n_neurons < PAIRED ? record->network->n_neurons : PAIRED;
  uint64_t *count = NULL;
  CLS_TRY(keep_sums(c, "recorder/statistics/correlation_totals", PAIRED, c->total, keeper));
  CLS_TRY(keep_sums(c, "recorder/statistics/correlation_products", PAIRED * PAIRED, c->products, keeper));
  cls_status status = cls_alloc(&count, members * n, sizeof *count, "sampled spikes");
  if (status == CLS_OK && !keeper->loading) status = count_waiting(c, bin, paired, n, count);
  status = cls_agree(comm, status);
  if (status == CLS_OK)
    status = cls_keep_rows(keeper, comm, "recorder/statistics/correlation_bin", CLS_KEEP_U64, members, all, 1,
                           paired, n, count);
  if (status == CLS_OK && keeper->loading) status = cls_agree(comm, wait_again(c, bin, paired, n, count));
  free(count);
  return status;
}

double cls_correlation_mean(const cls_correlation *c, int member, int64_t end) {
  const size_t here = (size_t)(member / c->record->world.ranks);
  const uint64_t *total = c->total + here * PAIRED, *products = c->products + here * PAIRED * PAIRED;
  const double n = (double)((end - c->record->warmup_step) / c->bin_steps);
  double sum = 0, pairs = 0;
  for (size_t i = 0; i < PAIRED; i++) {
    const double x = (double)total[i], xx = n * (double)products[i * PAIRED + i] - x * x;
    for (size_t j = i + 1; j < PAIRED && xx > 0; j++) {
      const double y = (double)total[j], yy = n * (double)products[j * PAIRED + j] - y * y;
      if (!(yy > 0)) continue;
      sum += (n * (double)products[i * PAIRED + j] - x * y) / sqrt(xx * yy);
      pairs += 1;
    }
  }
  return pairs > 0 ? sum / pairs : NAN;
}

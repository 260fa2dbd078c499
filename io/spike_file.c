#include "io/spike_file.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* While it is sorted a spike is one word: steps since the last flush above, global neuron number below. */
enum { NEURON_BITS = 40, STEP_BITS = 64 - NEURON_BITS };

/* Spikes of one member that wait for the next flush, in order of time. */
typedef struct {
  uint64_t *spike;
  size_t n, capacity;
  cls_h5_series timestamps, node_ids;
} member_spikes;

typedef struct {
  const cls_record *record;
  hid_t file;
  int64_t base;          /* first step that is not written */
  uint64_t *first_of_16; /* global number of local index i is first_of_16[i / 16] + i % 16, UINT64_MAX: not
                            recorded */
  member_spikes *members;
  /* Work space of a flush. */
  int *counts; /* 4 x ranks */
  uint64_t *received, *scratch;
  size_t received_capacity, scratch_capacity;
} spike_file;

static cls_status check_widths(const cls_record *record) {
  CLS_CHECK(record->network->n_neurons <= 1ull << NEURON_BITS, CLS_ERR_LIMIT,
            "record.spikes: %llu neurons, at most 2^%d can be recorded",
            (unsigned long long)record->network->n_neurons, NEURON_BITS);
  return CLS_OK;
}

static cls_status number_neurons(const cls_record *record, uint64_t **first_of_16) {
  const cls_layout *layout = record->layout;
  size_t n = (size_t)layout->n_local / 16 + 1;
  CLS_TRY(cls_alloc(first_of_16, n, sizeof **first_of_16, "global neuron numbers"));
  for (size_t i = 0; i < n; i++) (*first_of_16)[i] = UINT64_MAX;
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    const cls_range *range = &layout->ranges[r];
    const cls_population *population = &record->network->populations[range->population];
    if (!cls_chosen_has(&record->job->record.spikes, range->population)) continue;
    for (uint32_t i = 0; i < range->n; i += 16)
      (*first_of_16)[(range->local + i) / 16] = population->first + range->first + i;
  }
  return CLS_OK;
}

/* ---- the file ---- */

/* SONATA wants an enumeration over u8; readers refuse strings and plain integers. */
static cls_status write_sorting(hid_t file, const char *path) {
  static const char *const names[] = {"none", "by_id", "by_time"};
  const uint8_t by_time = 2;
  hid_t type = H5Tenum_create(H5T_NATIVE_UINT8);
  for (uint8_t value = 0; value < 3; value++) H5Tenum_insert(type, names[value], &value);
  cls_status status = cls_h5_attribute(file, path, "sorting", type, 0, &by_time);
  H5Tclose(type);
  return status;
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  (void)self;
  CLS_TRY(cls_record_sonata(file));
  cls_status status = CLS_OK;
  for (int m = 0; m < record->members && status == CLS_OK; m++) {
    char *group = cls_record_path(record, "/spikes", m, ""),
         *times = cls_record_path(record, "/spikes", m, "timestamps"),
         *nodes = cls_record_path(record, "/spikes", m, "node_ids");
    if (!group || !times || !nodes) status = cls_fail(CLS_ERR_MEMORY, "out of memory for names of datasets");
    if (status == CLS_OK) status = cls_h5_series_create(file, times, H5T_NATIVE_DOUBLE, 1, NULL, 0, "ms");
    if (status == CLS_OK) status = cls_h5_series_create(file, nodes, H5T_NATIVE_UINT64, 1, NULL, 0, NULL);
    if (status == CLS_OK) status = write_sorting(file, group);
    free(group);
    free(times);
    free(nodes);
  }
  return status;
}

static cls_status open_series(spike_file *f, int member, const char *leaf, hid_t type,
                              cls_h5_series *series) {
  char *path = cls_record_path(f->record, "/spikes", member, leaf);
  CLS_CHECK(path, CLS_ERR_MEMORY, "out of memory for names of datasets");
  cls_status status = cls_h5_series_open(f->record->world.comm, f->file, path, type, series);
  free(path);
  return status;
}

static cls_status open_file(void *self) {
  spike_file *f = self;
  CLS_TRY(cls_record_open(f->record, "spikes.h5", build, NULL, &f->file));
  for (int m = 0; m < f->record->members; m++) {
    CLS_TRY(open_series(f, m, "timestamps", H5T_NATIVE_DOUBLE, &f->members[m].timestamps));
    CLS_TRY(open_series(f, m, "node_ids", H5T_NATIVE_UINT64, &f->members[m].node_ids));
  }
  return CLS_OK;
}

static cls_status close_file(void *self, bool whole) {
  spike_file *f = self;
  for (int m = 0; m < f->record->members; m++) {
    CLS_TRY(cls_h5_series_close(&f->members[m].timestamps));
    CLS_TRY(cls_h5_series_close(&f->members[m].node_ids));
  }
  return cls_record_close(f->record, &f->file, whole);
}

/* ---- spikes ---- */

static cls_status add(void *self, int member, const cls_spikes *spikes) {
  spike_file *f = self;
  member_spikes *m = &f->members[member];
  const size_t n =
      spikes->end > spikes->begin ? spikes->first[spikes->end - spikes->begin] - spikes->first[0] : 0;
  CLS_CHECK(spikes->end - f->base < 1ll << STEP_BITS, CLS_ERR_LIMIT,
            "%lld steps without a flush of the recordings, expected fewer than 2^%d",
            (long long)(spikes->end - f->base), STEP_BITS);
  CLS_TRY(cls_grow(&m->spike, &m->capacity, m->n + n, sizeof *m->spike, "spikes to record"));
  for (int64_t step = spikes->begin; step < spikes->end; step++) {
    const uint32_t *first = spikes->first + (step - spikes->begin);
    const uint64_t high = (uint64_t)(step - f->base) << NEURON_BITS;
    for (uint32_t i = first[0]; i < first[1]; i++) {
      uint32_t local = spikes->neuron[i];
      uint64_t number = f->first_of_16[local / 16];
      if (number != UINT64_MAX) m->spike[m->n++] = high | (number + local % 16);
    }
  }
  return CLS_OK;
}

/* First spike at or after `offset` steps from the base. */
static size_t find_step(const member_spikes *m, uint64_t offset) {
  size_t low = 0, high = m->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (m->spike[middle] >> NEURON_BITS < offset)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Collective. Rank r receives all ranks' spikes of the r-th part of the interval: `n` of them, sorted. */
static cls_status sort_over_ranks(spike_file *f, member_spikes *m, uint64_t steps, size_t *n) {
  const cls_world *world = &f->record->world;
  const size_t ranks = (size_t)world->ranks;
  int *send_n = f->counts, *send_at = send_n + ranks, *receive_n = send_n + 2 * ranks,
      *receive_at = send_n + 3 * ranks;
  cls_status status = CLS_OK;
  if (find_step(m, steps) > INT_MAX)
    status = cls_fail(CLS_ERR_LIMIT,
                      "%zu spikes on one rank between two flushes, at most %d: lower record.flush_ms", m->n,
                      INT_MAX);
  CLS_TRY(cls_agree(world->comm, status));
  for (size_t r = 0; r < ranks; r++) {
    size_t begin = find_step(m, steps * r / ranks), end = find_step(m, steps * (r + 1) / ranks);
    send_at[r] = (int)begin;
    send_n[r] = (int)(end - begin);
  }
  MPI_Alltoall(send_n, 1, MPI_INT, receive_n, 1, MPI_INT, world->comm);
  size_t total = 0;
  for (size_t r = 0; r < ranks; r++) {
    receive_at[r] = (int)total; /* checked below, before it is used */
    total += (size_t)receive_n[r];
  }
  if (total > INT_MAX)
    status = cls_fail(CLS_ERR_LIMIT,
                      "%zu spikes in a rank's share between two flushes, at most %d: lower record.flush_ms",
                      total, INT_MAX);
  if (status == CLS_OK)
    status = cls_grow(&f->received, &f->received_capacity, total, sizeof *f->received, "spikes to write");
  if (status == CLS_OK)
    status = cls_grow(&f->scratch, &f->scratch_capacity, total, sizeof *f->scratch, "spikes to write");
  CLS_TRY(cls_agree(world->comm, status));
  MPI_Alltoallv(m->spike, send_n, send_at, MPI_UINT64_T, f->received, receive_n, receive_at, MPI_UINT64_T,
                world->comm);
  cls_sort_u64(f->received, f->scratch, total);
  *n = total;
  return CLS_OK;
}

/* Collective. Appends this rank's `n` sorted spikes after those of lower ranks. */
static cls_status write_spikes(spike_file *f, member_spikes *m, size_t n) {
  const MPI_Comm comm = f->record->world.comm;
  const double dt = f->record->network->dt_ms;
  uint64_t mine = n, before = 0, all = 0;
  MPI_Exscan(&mine, &before, 1, MPI_UINT64_T, MPI_SUM, comm);
  if (f->record->world.rank == 0) before = 0; /* MPI leaves it undefined there */
  MPI_Allreduce(&mine, &all, 1, MPI_UINT64_T, MPI_SUM, comm);
  double *times = (double *)f->scratch; /* has room for n of them and is no longer needed */
  for (size_t i = 0; i < n; i++)
    times[i] = (double)(f->base + (int64_t)(f->received[i] >> NEURON_BITS) + 1) * dt;
  CLS_TRY(cls_h5_series_append(&m->timestamps, all, before, n, times));
  for (size_t i = 0; i < n; i++) f->received[i] &= (1ull << NEURON_BITS) - 1;
  return cls_h5_series_append(&m->node_ids, all, before, n, f->received);
}

/* Forgets what was written; what was seen already of later steps is kept, relative to the new base. */
static void drop_written(member_spikes *m, uint64_t steps) {
  size_t written = find_step(m, steps);
  for (size_t i = written; i < m->n; i++) m->spike[i - written] = m->spike[i] - (steps << NEURON_BITS);
  m->n -= written;
}

static cls_status flush(void *self, int64_t step) {
  spike_file *f = self;
  if (step <= f->base) return cls_record_sync(f->record, f->file);
  const uint64_t steps = (uint64_t)(step - f->base);
  for (int k = 0; k < f->record->members; k++) {
    size_t n = 0;
    CLS_TRY(sort_over_ranks(f, &f->members[k], steps, &n));
    CLS_TRY(write_spikes(f, &f->members[k], n));
    drop_written(&f->members[k], steps);
  }
  f->base = step;
  return cls_record_sync(f->record, f->file);
}

static cls_status keep(void *self, const cls_keeper *keeper) {
  spike_file *f = self;
  cls_status status = CLS_OK;
  if (keeper->loading) f->base = f->record->reached;
  for (int m = 0; m < f->record->members; m++)
    if (f->members[m].n > 0)
      status = cls_fail(CLS_ERR_INTERNAL, "%zu spikes wait to be recorded: expected none", f->members[m].n);
  return cls_agree(f->record->world.comm, status);
}

/* ---- creation ---- */

static void free_file(void *self) {
  spike_file *f = self;
  for (int m = 0; f->members && m < f->record->members; m++) free(f->members[m].spike);
  free(f->members);
  free(f->first_of_16);
  free(f->counts);
  free(f->received);
  free(f->scratch);
  free(f);
}

cls_status cls_spike_file_create(const cls_record *record, cls_recording *recording) {
  spike_file *f = NULL;
  CLS_TRY(check_widths(record));
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "spike recording"));
  *recording = (cls_recording){.self = f,
                               .file = "spikes.h5",
                               .open = open_file,
                               .spikes = add,
                               .flush = flush,
                               .keep = keep,
                               .close = close_file,
                               .free = free_file};
  f->record = record;
  f->file = -1;
  CLS_TRY(cls_alloc(&f->members, (size_t)record->members, sizeof *f->members, "spike recording"));
  for (int m = 0; m < record->members; m++)
    f->members[m].timestamps.dataset = f->members[m].node_ids.dataset = -1;
  CLS_TRY(cls_alloc(&f->counts, 4 * (size_t)record->world.ranks, sizeof *f->counts, "spike recording"));
  return number_neurons(record, &f->first_of_16);
}

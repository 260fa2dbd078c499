#include "io/rate_file.h"
#include <stdlib.h>

struct cls_rate_file_ {
  const cls_record *record;
  const cls_groups *populations;
  hid_t file;
  int64_t bin_steps;
  cls_bins bins;
  cls_h5_series data, time;
  int64_t *sums; /* [rows][owned populations] */
  float *owned;  /* the same in Hz */
  float *whole;  /* [rows to write here][populations] */
  double *times;
  uint64_t *first; /* [ranks + 1] rows each rank writes */
  size_t sums_capacity, owned_capacity, whole_capacity, times_capacity;
};

cls_status cls_rate_file_create(const cls_record *record, const cls_groups *populations,
                                cls_rate_file **file) {
  int64_t bin_steps = 0;
  CLS_TRY(cls_record_steps(record, "record.rates.bin_ms", record->job->record.rates_bin_ms, 1, &bin_steps));
  CLS_TRY(cls_alloc(file, 1, sizeof **file, "rate recording"));
  cls_rate_file *f = *file;
  f->record = record;
  f->populations = populations;
  f->bin_steps = bin_steps;
  f->file = f->data.dataset = f->time.dataset = -1;
  CLS_TRY(cls_alloc(&f->first, (size_t)record->world.ranks + 1, sizeof *f->first, "rate recording"));
  return cls_bins_create(populations, record->members, bin_steps, record->flush_interval, &f->bins);
}

void cls_rate_file_free(cls_rate_file *f) {
  if (!f) return;
  cls_bins_destroy(&f->bins);
  free(f->sums);
  free(f->owned);
  free(f->whole);
  free(f->times);
  free(f->first);
  free(f);
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  const cls_rate_file *f = self;
  const double bin_ms = (double)f->bin_steps * record->network->dt_ms;
  const hsize_t populations = record->network->n_populations;
  const hsize_t row[2] = {record->members > 1 ? (hsize_t)record->members : populations, populations};
  CLS_TRY(
      cls_h5_series_create(file, "/rates/data", H5T_NATIVE_FLOAT, record->members > 1 ? 3 : 2, row, "Hz"));
  CLS_TRY(cls_h5_series_create(file, "/rates/time_ms", H5T_NATIVE_DOUBLE, 1, NULL, "ms"));
  return cls_h5_attribute(file, "/rates", "bin_ms", H5T_NATIVE_DOUBLE, 0, &bin_ms);
}

cls_status cls_rate_file_open(cls_rate_file *f) {
  const MPI_Comm comm = f->record->world.comm;
  CLS_TRY(cls_record_open(f->record, "rates.h5", build, f, &f->file));
  CLS_TRY(cls_h5_series_open(comm, f->file, "/rates/data", H5T_NATIVE_FLOAT, &f->data));
  return cls_h5_series_open(comm, f->file, "/rates/time_ms", H5T_NATIVE_DOUBLE, &f->time);
}

cls_status cls_rate_file_close(cls_rate_file *f, bool whole) {
  CLS_TRY(cls_h5_series_close(&f->data));
  CLS_TRY(cls_h5_series_close(&f->time));
  return cls_record_close(f->record, &f->file, whole);
}

cls_status cls_rate_file_add(cls_rate_file *f, int member, const cls_spikes *spikes) {
  return cls_bins_add(&f->bins, member, spikes);
}

static cls_status reserve(cls_rate_file *f, uint64_t rows, uint64_t here) {
  const cls_groups *g = f->populations;
  CLS_TRY(cls_grow(&f->sums, &f->sums_capacity, rows * g->n_owned, sizeof *f->sums, "rates to write"));
  CLS_TRY(cls_grow(&f->owned, &f->owned_capacity, rows * g->n_owned, sizeof *f->owned, "rates to write"));
  CLS_TRY(cls_grow(&f->whole, &f->whole_capacity, here * g->n_groups, sizeof *f->whole, "rates to write"));
  return cls_grow(&f->times, &f->times_capacity, rows, sizeof *f->times, "rates to write");
}

/* Rates from counts: the same division for every owner, so the same bits on any layout. */
static void to_hz(cls_rate_file *f, uint64_t rows) {
  const cls_groups *g = f->populations;
  const double seconds = (double)f->bin_steps * f->record->network->dt_ms * 1e-3;
  for (uint64_t row = 0; row < rows; row++)
    for (uint32_t k = 0; k < g->n_owned; k++)
      f->owned[row * g->n_owned + k] =
          (float)((double)f->sums[row * g->n_owned + k] / ((double)g->size[g->owned[k]] * seconds));
}

cls_status cls_rate_file_flush(cls_rate_file *f, int64_t step) {
  const cls_groups *g = f->populations;
  const cls_world *world = &f->record->world;
  const int64_t base = f->bins.base;
  const uint64_t members = (uint64_t)f->record->members;
  size_t bins = 0;
  cls_status status = cls_bins_complete(&f->bins, step, &bins);
  cls_split_rows(world->ranks, bins, members, f->first);
  const uint64_t begin = f->first[world->rank] / members, end = f->first[world->rank + 1] / members;
  if (status == CLS_OK) status = reserve(f, bins * members, (end - begin) * members);
  CLS_TRY(cls_agree(world->comm, status));
  if (bins == 0) return cls_record_sync(f->record, f->file);
  CLS_TRY(cls_groups_sum(g, bins * members, 1, f->bins.count, f->sums));
  to_hz(f, bins * members);
  CLS_TRY(cls_groups_rows(g, f->first, sizeof *f->owned, f->owned, f->whole));
  for (uint64_t b = begin; b < end; b++)
    f->times[b - begin] = (double)((base + (int64_t)b + 1) * f->bin_steps) * f->record->network->dt_ms;
  CLS_TRY(cls_h5_series_append(&f->data, bins, begin, end - begin, f->whole));
  CLS_TRY(cls_h5_series_append(&f->time, bins, begin, end - begin, f->times));
  cls_bins_drop(&f->bins, bins);
  return cls_record_sync(f->record, f->file);
}

#include "io/rate_file.h"
#include "io/record_keep.h"
#include <stdlib.h>

typedef struct {
  const cls_record *record;
  const cls_groups *populations;
  hid_t file;
  double bin_s;
  cls_samples counts; /* spikes in bins */
  cls_tally tally;    /* the same, for backends that count */
  cls_rows rows;
  float *rate; /* [bins][member][owned populations] */
  size_t rate_capacity;
} rate_file;

static void free_file(void *self) {
  rate_file *f = self;
  cls_samples_destroy(&f->counts);
  cls_rows_destroy(&f->rows);
  free(f->rate);
  free(f);
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  const rate_file *f = self;
  const double bin_ms = (double)f->counts.interval * record->network->dt_ms;
  CLS_TRY(cls_rows_build(&f->rows, file, "/rates/data", "Hz", "/rates/time_ms", "ms"));
  return cls_h5_attribute(file, "/rates", "bin_ms", H5T_NATIVE_DOUBLE, 0, &bin_ms);
}

static cls_status open_file(void *self) {
  rate_file *f = self;
  CLS_TRY(cls_record_open(f->record, "rates.h5", build, f, &f->file));
  return cls_rows_open(&f->rows, f->file, "/rates/data", "/rates/time_ms");
}

static cls_status close_file(void *self, bool whole) {
  rate_file *f = self;
  CLS_TRY(cls_rows_close(&f->rows));
  return cls_record_close(f->record, &f->file, whole);
}

static cls_status add(void *self, int member, const cls_spikes *spikes) {
  return cls_samples_add_spikes(&((rate_file *)self)->counts, member, spikes);
}

static cls_status add_counts(void *self, int member, int tally, int64_t bin, int64_t n,
                             const uint32_t *count) {
  (void)tally;
  return cls_samples_add_counts(&((rate_file *)self)->counts, member, bin, n, count);
}

static cls_status flush(void *self, int64_t step) {
  rate_file *f = self;
  const cls_columns *columns = &f->populations->columns;
  uint64_t bins = 0;
  CLS_TRY(cls_samples_gather(&f->counts, step, &bins));
  const size_t n = bins * (size_t)f->record->members * columns->n_owned;
  CLS_TRY(
      cls_agree(columns->comm, cls_grow(&f->rate, &f->rate_capacity, n, sizeof *f->rate, "rates to write")));
  for (size_t i = 0; i < n; i++) { /* the same division for every owner, so the same bits on any layout */
    const uint64_t size = f->populations->size[columns->owned[i % columns->n_owned]];
    f->rate[i] = (float)((double)f->counts.sums[i] / ((double)size * f->bin_s));
  }
  CLS_TRY(cls_rows_append(&f->rows, bins, f->rate));
  return cls_record_sync(f->record, f->file);
}

static cls_status keep(void *self, const cls_keeper *keeper) {
  rate_file *f = self;
  const int64_t step = f->record->reached;
  if (keeper->loading) f->rows.written = step / f->rows.time_steps;
  return cls_keep_samples(keeper, "recorder/rates/bin", step, &f->counts);
}

cls_status cls_rate_file_create(const cls_record *record, const cls_groups *populations,
                                cls_recording *recording) {
  int64_t bin_steps = 0;
  const double dt_ms = record->network->dt_ms;
  rate_file *f = NULL;
  CLS_TRY(cls_record_steps(record, "record.rates.bin_ms", record->job->record.rates_bin_ms, 1, &bin_steps));
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "rate recording"));
  *recording = (cls_recording){.self = f,
                               .file = "rates.h5",
                               .open = open_file,
                               .spikes = add,
                               .flush = flush,
                               .keep = keep,
                               .close = close_file,
                               .free = free_file};
  f->record = record;
  f->populations = populations;
  f->file = -1;
  f->bin_s = (double)bin_steps * dt_ms * 1e-3;
  f->rows = (cls_rows){.record = record,
                       .columns = &populations->columns,
                       .type = H5T_NATIVE_FLOAT,
                       .per_time = (uint32_t)record->members,
                       .time_steps = bin_steps,
                       .time_unit = dt_ms};
  CLS_TRY(cls_rows_create(&f->rows));
  CLS_TRY(cls_samples_create(populations, record->members, 1, bin_steps, &f->counts));
  recording->waiting_bytes = cls_samples_waiting(&f->counts);
  f->tally = cls_samples_tally(&f->counts);
  recording->tallies = &f->tally;
  recording->n_tallies = 1;
  recording->counts = add_counts;
  return CLS_OK;
}

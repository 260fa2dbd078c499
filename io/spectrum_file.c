#include "io/spectrum_file.h"
#include "io/record_keep.h"
#include "io/welch.h"
#include <stdlib.h>

/* Spectra pass through rank 0 on their way to the file, so many bytes at a time. */
enum { PIECE_BYTES = 16 << 20 };

typedef struct {
  const cls_record *record;
  hid_t file;
  cls_groups groups; /* chosen populations */
  double bin_s;
  cls_samples counts; /* spikes in bins */
  cls_tally tally;    /* the same, for backends that count */
  cls_welch welch;    /* signals [member][owned populations] */
  double *rate;       /* of all signals, one bin */
  cls_h5_series power;
  uint64_t *first; /* [ranks + 1]: rank 0 writes */
} spectrum_file;

/* ---- the file ---- */

static cls_status write_tables(const spectrum_file *f, hid_t file) {
  const hsize_t n = f->welch.frequencies, populations = f->groups.columns.n;
  const uint64_t none = 0;
  double *frequency = NULL;
  CLS_TRY(cls_alloc(&frequency, n, sizeof *frequency, "frequencies"));
  for (hsize_t j = 0; j < n; j++) frequency[j] = (double)j / ((double)f->welch.length * f->bin_s);
  cls_status status = cls_h5_table(file, "/spectra/frequency_hz", H5T_NATIVE_DOUBLE, 1, &n, frequency, "Hz");
  free(frequency);
  CLS_TRY(status);
  CLS_TRY(cls_h5_table(file, "/spectra/population", H5T_NATIVE_UINT32, 1, &populations,
                       f->record->job->record.spectra.population, NULL));
  return cls_h5_table(file, "/spectra/segments", H5T_NATIVE_UINT64, 1, (hsize_t[]){1}, &none, NULL);
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  const spectrum_file *f = self;
  const double bin_ms = f->bin_s * 1e3, segment_ms = bin_ms * (double)f->welch.length;
  const hsize_t dims[3] = {(hsize_t)record->members, f->groups.columns.n, f->welch.frequencies};
  const bool several = record->members > 1;
  CLS_TRY(write_tables(f, file));
  CLS_TRY(cls_h5_table(file, "/spectra/power", H5T_NATIVE_DOUBLE, several ? 3 : 2, several ? dims : dims + 1,
                       NULL, "(sp/s)^2/Hz"));
  CLS_TRY(cls_h5_attribute(file, "/spectra", "bin_ms", H5T_NATIVE_DOUBLE, 0, &bin_ms));
  return cls_h5_attribute(file, "/spectra", "segment_ms", H5T_NATIVE_DOUBLE, 0, &segment_ms);
}

/* Collective. Frequencies [first, first + n) of all populations of a member; owned and whole have room. */
static cls_status write_piece(spectrum_file *f, int member, size_t first, size_t n, double *owned,
                              double *whole) {
  const cls_columns *columns = &f->groups.columns;
  const bool several = f->record->members > 1;
  for (uint32_t i = 0; i < columns->n_owned; i++)
    cls_welch_density(&f->welch, (size_t)member * columns->n_owned + i, first, n, owned + i * n);
  CLS_TRY(cls_columns_rows(columns, f->first, n * sizeof *owned, owned, whole));
  const bool root = f->record->world.rank == 0;
  const hsize_t start[3] = {(hsize_t)member, 0, first}, count[3] = {root ? 1 : 0, root ? columns->n : 0, n};
  return cls_h5_block_write(&f->power, several ? start : start + 1, several ? count : count + 1, whole);
}

/* Collective. The spectra so far. */
static cls_status write_power(spectrum_file *f) {
  const cls_columns *columns = &f->groups.columns;
  const cls_world *world = &f->record->world;
  const size_t row = columns->n * sizeof(double), fit = PIECE_BYTES / row > 0 ? PIECE_BYTES / row : 1;
  const size_t piece = fit < f->welch.frequencies ? fit : f->welch.frequencies;
  double *owned = NULL, *whole = NULL;
  cls_status status = cls_alloc(&owned, piece * columns->n_owned, sizeof *owned, "spectra to write");
  if (status == CLS_OK && world->rank == 0)
    status = cls_alloc(&whole, piece * columns->n, sizeof *whole, "spectra to write");
  status = cls_agree(world->comm, status);
  for (int m = 0; m < f->record->members && status == CLS_OK; m++)
    for (size_t first = 0; first < f->welch.frequencies && status == CLS_OK; first += piece) {
      const size_t left = f->welch.frequencies - first;
      status = write_piece(f, m, first, left < piece ? left : piece, owned, whole);
    }
  free(owned);
  free(whole);
  CLS_TRY(status);
  return cls_h5_table_update(world->comm, f->file, "/spectra/segments", H5T_NATIVE_UINT64,
                             &f->welch.segments);
}

static cls_status open_file(void *self) {
  spectrum_file *f = self;
  CLS_TRY(cls_record_open(f->record, "spectra.h5", build, f, &f->file));
  CLS_TRY(cls_h5_series_open(f->record->world.comm, f->file, "/spectra/power", H5T_NATIVE_DOUBLE, &f->power));
  return f->record->continued ? CLS_OK : write_power(f);
}

static cls_status finish(void *self) { return write_power(self); }

static cls_status close_file(void *self, bool whole) {
  spectrum_file *f = self;
  CLS_TRY(cls_h5_series_close(&f->power));
  return cls_record_close(f->record, &f->file, whole);
}

/* ---- bins ---- */

static cls_status add(void *self, int member, const cls_spikes *spikes) {
  return cls_samples_add_spikes(&((spectrum_file *)self)->counts, member, spikes);
}

static cls_status add_counts(void *self, int member, int tally, int64_t bin, int64_t n,
                             const uint32_t *count) {
  (void)tally;
  return cls_samples_add_counts(&((spectrum_file *)self)->counts, member, bin, n, count);
}

static cls_status flush(void *self, int64_t step) {
  spectrum_file *f = self;
  const cls_columns *columns = &f->groups.columns;
  const int64_t base = f->counts.base;
  uint64_t bins = 0;
  CLS_TRY(cls_samples_gather(&f->counts, step, &bins));
  for (uint64_t b = 0; b < bins; b++) {
    if ((base + (int64_t)b) * f->counts.interval < f->record->warmup_step) continue;
    for (size_t i = 0; i < f->welch.signals; i++) {
      const uint64_t size = f->groups.size[columns->owned[i % columns->n_owned]];
      f->rate[i] = (double)f->counts.sums[b * f->welch.signals + i] / ((double)size * f->bin_s);
    }
    cls_welch_add(&f->welch, f->rate);
  }
  if (f->record->sync) CLS_TRY(write_power(f));
  return cls_record_sync(f->record, f->file);
}

/* What the file says of the spectra is overwritten at every flush that goes through to the disk: it is written anew. */
static cls_status keep(void *self, const cls_keeper *keeper) {
  spectrum_file *f = self;
  cls_welch *w = &f->welch;
  const cls_columns *columns = &f->groups.columns;
  const int rank = f->record->world.rank;
  const uint64_t members = (uint64_t)f->record->members;
  uint64_t position[2] = {w->filled, w->segments};
  CLS_TRY(cls_keep_samples(keeper, "recorder/spectra/bin", f->record->reached, &f->counts));
  CLS_TRY(cls_keep_shared(keeper, rank, "recorder/spectra/position", CLS_KEEP_U64, 2, position));
  CLS_TRY(cls_keep_columns(keeper, columns, "recorder/spectra/samples", CLS_KEEP_F64, members,
                           (uint32_t)w->length, w->sample));
  CLS_TRY(cls_keep_columns(keeper, columns, "recorder/spectra/power", CLS_KEEP_F64, members,
                           (uint32_t)w->frequencies, w->power));
  if (!keeper->loading) return CLS_OK;
  CLS_CHECK(position[0] < w->length, CLS_ERR_INPUT,
            "recorder/spectra/position: %llu samples of a segment of %zu: expected fewer",
            (unsigned long long)position[0], w->length);
  w->filled = position[0];
  w->segments = position[1];
  return write_power(f);
}

/* ---- creation ---- */

static void free_file(void *self) {
  spectrum_file *f = self;
  cls_samples_destroy(&f->counts);
  cls_welch_destroy(&f->welch);
  cls_groups_destroy(&f->groups);
  free(f->rate);
  free(f->first);
  free(f);
}

static cls_status make_groups(spectrum_file *f) {
  const cls_chosen *chosen = &f->record->job->record.spectra;
  const uint32_t populations = f->record->network->n_populations;
  uint32_t *group_of = NULL;
  CLS_TRY(cls_alloc(&group_of, populations, sizeof *group_of, "groups of populations"));
  for (uint32_t p = 0; p < populations; p++) group_of[p] = CLS_NO_SLOT;
  for (uint32_t k = 0; k < chosen->n; k++) group_of[chosen->population[k]] = k;
  cls_status status = cls_groups_create(f->record, group_of, chosen->n, &f->groups);
  free(group_of);
  return status;
}

cls_status cls_spectrum_file_create(const cls_record *record, cls_recording *recording) {
  const cls_record_options *options = &record->job->record;
  int64_t bin_steps = 0, segment_steps = 0;
  spectrum_file *f = NULL;
  CLS_TRY(cls_record_steps(record, "record.spectra.bin_ms", options->spectra_bin_ms, 1, &bin_steps));
  CLS_TRY(
      cls_record_steps(record, "record.spectra.segment_ms", options->spectra_segment_ms, 1, &segment_steps));
  CLS_CHECK(segment_steps % bin_steps == 0, CLS_ERR_INPUT,
            "record.spectra.segment_ms: %g: expected a multiple of bin_ms = %g", options->spectra_segment_ms,
            options->spectra_bin_ms);
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "recording of spectra"));
  *recording = (cls_recording){.self = f,
                               .file = "spectra.h5",
                               .open = open_file,
                               .spikes = add,
                               .flush = flush,
                               .keep = keep,
                               .finish = finish,
                               .close = close_file,
                               .free = free_file};
  f->record = record;
  f->file = f->power.dataset = -1;
  f->bin_s = (double)bin_steps * record->network->dt_ms * 1e-3;
  CLS_TRY(make_groups(f));
  const size_t signals = (size_t)record->members * f->groups.columns.n_owned;
  CLS_TRY(cls_samples_create(&f->groups, record->members, 1, bin_steps, &f->counts));
  CLS_TRY(cls_welch_create(signals, (size_t)(segment_steps / bin_steps), f->bin_s, &f->welch));
  CLS_TRY(cls_alloc(&f->rate, signals, sizeof *f->rate, "rates of a bin"));
  CLS_TRY(cls_alloc(&f->first, (size_t)record->world.ranks + 1, sizeof *f->first, "recording of spectra"));
  for (int r = 1; r <= record->world.ranks; r++) f->first[r] = 1;
  recording->waiting_bytes = cls_samples_waiting(&f->counts);
  f->tally = cls_samples_tally(&f->counts);
  recording->tallies = &f->tally;
  recording->n_tallies = 1;
  recording->counts = add_counts;
  return CLS_OK;
}

#include "io/bold_file.h"
#include "io/record_keep.h"
#include "model/balloon.h"
#include <math.h>
#include <stdlib.h>

#define BALLOON_STEP_MS 1.0

struct cls_bold_file_ {
  const cls_record *record;
  const cls_groups *regions;
  hid_t file;
  int64_t tr_bins;    /* milliseconds per volume */
  cls_samples counts; /* spikes in bins of one millisecond */
  cls_tally tally;    /* the same, for backends that count */
  /* Where no region is shared by ranks such backends advance the haemodynamics, too, and hand over volumes. */
  cls_haemodynamics haemodynamics;
  uint64_t *size;  /* [owned regions] */
  bool handed;     /* volumes are handed over */
  int watched;     /* the engine's number of the tally, -1: none */
  int64_t written; /* volumes */
  cls_balloon_consts consts;
  cls_balloon *state;    /* [member][owned regions] */
  int64_t *in_tr;        /* [member][owned regions] spikes in the current repetition time */
  double *signal, *rate; /* [new volumes][member][owned regions] */
  size_t signal_capacity, rate_capacity;
  cls_rows signals, rates;
};

/* ---- what the job asks ---- */

static cls_status check_job(const cls_record *record, cls_bold_file *f) {
  int64_t bin_steps = 0, tr_steps = 0;
  CLS_CHECK(record->network->n_regions > 0, CLS_ERR_INPUT,
            "record.bold: the network has no regions: expected a brain");
  CLS_CHECK(!record->job->connectome || record->job->connectome->n_regions == record->network->n_regions,
            CLS_ERR_INTERNAL, "the connectome has %u regions, the network %u",
            record->job->connectome ? record->job->connectome->n_regions : 0, record->network->n_regions);
  CLS_TRY(cls_record_steps(record, "the 1 ms step of the Balloon model (record.bold)", BALLOON_STEP_MS, 1,
                           &bin_steps));
  CLS_TRY(cls_record_steps(record, "record.bold.tr_s", record->job->record.bold_tr_s, 1000, &tr_steps));
  CLS_CHECK(tr_steps % bin_steps == 0, CLS_ERR_INPUT, "record.bold.tr_s: %g: expected a multiple of 0.001",
            record->job->record.bold_tr_s);
  CLS_CHECK(!record->job->empirical || record->job->empirical->regions == record->network->n_regions,
            CLS_ERR_INTERNAL, "measured BOLD has %u regions, the network %u",
            record->job->empirical ? record->job->empirical->regions : 0, record->network->n_regions);
  f->tr_bins = tr_steps / bin_steps;
  return cls_samples_create(f->regions, record->members, 1, bin_steps, &f->counts);
}

/* ---- the file ---- */

static cls_status write_tracts(const cls_connectome *c, hid_t file) {
  if (!c) return CLS_OK;
  const hsize_t rows = (hsize_t)c->n_regions + 1, tracts = c->row[c->n_regions];
  CLS_TRY(cls_h5_table(file, "/tracts/row", H5T_NATIVE_UINT64, 1, &rows, c->row, NULL));
  CLS_TRY(cls_h5_table(file, "/tracts/source", H5T_NATIVE_UINT32, 1, &tracts, c->source, NULL));
  CLS_TRY(cls_h5_table(file, "/tracts/weight", H5T_NATIVE_DOUBLE, 1, &tracts, c->weight, "1"));
  return cls_h5_table(file, "/tracts/length_mm", H5T_NATIVE_DOUBLE, 1, &tracts, c->length_mm, "mm");
}

static cls_status write_empirical(const cls_record *record, hid_t file) {
  const cls_empirical *e = record->job->empirical;
  const char **names = NULL;
  if (!e) return CLS_OK;
  CLS_TRY(cls_h5_table(file, "/empirical/data", H5T_NATIVE_DOUBLE, 2, (hsize_t[]){e->volumes, e->regions},
                       e->data, "1"));
  CLS_TRY(cls_h5_attribute(file, "/empirical", "tr_s", H5T_NATIVE_DOUBLE, 0, &e->tr_s));
  CLS_TRY(cls_h5_text(file, "/empirical", "origin", e->origin));
  CLS_TRY(cls_h5_text(file, "/empirical", "matched_by", e->by_name ? "name" : "order"));
  CLS_TRY(cls_alloc(&names, e->regions, sizeof *names, "names of measured regions"));
  for (uint32_t i = 0; i < e->regions; i++) names[i] = record->network->regions[i].name;
  const cls_status status = cls_h5_names(file, "/empirical/name", e->regions, names);
  free(names);
  return status;
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  const cls_bold_file *f = self;
  const double tr_s = (double)f->tr_bins * BALLOON_STEP_MS * 1e-3;
  CLS_TRY(cls_rows_build(&f->signals, file, "/bold/data", "1", "/bold/time_s", "s"));
  CLS_TRY(cls_rows_build(&f->rates, file, "/rates_per_tr", "Hz", NULL, NULL));
  CLS_TRY(cls_h5_attribute(file, "/bold", "tr_s", H5T_NATIVE_DOUBLE, 0, &tr_s));
  CLS_TRY(write_empirical(record, file));
  return write_tracts(record->job->connectome, file);
}

static cls_status open_file(void *self) {
  cls_bold_file *f = self;
  CLS_TRY(cls_record_open(f->record, "bold.h5", build, f, &f->file));
  CLS_TRY(cls_rows_open(&f->signals, f->file, "/bold/data", "/bold/time_s"));
  return cls_rows_open(&f->rates, f->file, "/rates_per_tr", NULL);
}

static cls_status close_file(void *self, bool whole) {
  cls_bold_file *f = self;
  CLS_TRY(cls_rows_close(&f->signals));
  CLS_TRY(cls_rows_close(&f->rates));
  return cls_record_close(f->record, &f->file, whole);
}

/* ---- from spikes to volumes ---- */

static cls_status add(void *self, int member, const cls_spikes *spikes) {
  return cls_samples_add_spikes(&((cls_bold_file *)self)->counts, member, spikes);
}

/* Neurons of region column i (member and owned region). */
static uint64_t size_of_column(const cls_bold_file *f, size_t i) {
  const cls_columns *columns = &f->regions->columns;
  return f->regions->size[columns->owned[i % columns->n_owned]];
}

/* Advances region column i by one millisecond in which `spikes` neurons spiked. */
static void advance(cls_bold_file *f, size_t i, int64_t spikes) {
  const uint64_t size = size_of_column(f, i);
  const double u = size > 0 ? (double)spikes / (double)size : 0;
  cls_balloon_step(&f->state[i], &f->consts, u, BALLOON_STEP_MS * 1e-3);
  f->in_tr[i] += spikes;
}

static void take_volume(cls_bold_file *f, size_t columns, double *signal, double *rate) {
  const double tr_s = (double)f->tr_bins * BALLOON_STEP_MS * 1e-3;
  for (size_t i = 0; i < columns; i++) {
    const uint64_t size = size_of_column(f, i);
    signal[i] = cls_balloon_signal(&f->state[i], &f->consts);
    rate[i] = size > 0 ? (double)f->in_tr[i] / ((double)size * tr_s) : 0;
    f->in_tr[i] = 0;
  }
}

static cls_status add_counts(void *self, int member, int tally, int64_t bin, int64_t n,
                             const uint32_t *count) {
  (void)tally;
  return cls_samples_add_counts(&((cls_bold_file *)self)->counts, member, bin, n, count);
}

/* Room for volumes up to `n` since the last flush. */
static cls_status reserve(cls_bold_file *f, uint64_t n) {
  const size_t columns = (size_t)f->record->members * f->regions->columns.n_owned;
  CLS_TRY(cls_grow(&f->signal, &f->signal_capacity, n * columns, sizeof *f->signal, "BOLD to write"));
  return cls_grow(&f->rate, &f->rate_capacity, n * columns, sizeof *f->rate, "BOLD to write");
}

static cls_status add_volumes(void *self, int member, int tally, int64_t volume, int64_t n,
                              const double *signal, const uint64_t *spikes) {
  cls_bold_file *f = self;
  const size_t owned = f->regions->columns.n_owned, columns = (size_t)f->record->members * owned;
  const double tr_s = (double)f->tr_bins * BALLOON_STEP_MS * 1e-3;
  (void)tally;
  f->handed = true;
  CLS_TRY(reserve(f, (uint64_t)(volume + n - f->written)));
  for (int64_t k = 0; k < n; k++)
    for (size_t i = 0; i < owned; i++) {
      const size_t to = (size_t)(volume + k - f->written) * columns + (size_t)member * owned + i;
      const size_t from = (size_t)k * owned + i;
      f->signal[to] = signal[from];
      f->rate[to] = f->size[i] > 0 ? (double)spikes[from] / ((double)f->size[i] * tr_s) : 0;
    }
  return CLS_OK;
}

/* Writes what was handed over: volumes that are complete when all steps before `step` were seen. */
static cls_status flush_handed(cls_bold_file *f, int64_t step) {
  const int64_t complete = step / f->counts.interval / f->tr_bins;
  const uint64_t n = (uint64_t)(complete - f->written);
  CLS_TRY(cls_agree(f->record->world.comm, reserve(f, n)));
  CLS_TRY(cls_rows_append(&f->signals, n, f->signal));
  CLS_TRY(cls_rows_append(&f->rates, n, f->rate));
  f->written = complete;
  return cls_record_sync(f->record, f->file);
}

static cls_status flush(void *self, int64_t step) {
  cls_bold_file *f = self;
  if (f->handed) return flush_handed(f, step);
  const size_t columns = (size_t)f->record->members * f->regions->columns.n_owned;
  const int64_t base = f->counts.base;
  uint64_t bins = 0, volume = 0;
  CLS_TRY(cls_samples_gather(&f->counts, step, &bins));
  const uint64_t volumes = (uint64_t)((base + (int64_t)bins) / f->tr_bins - base / f->tr_bins);
  CLS_TRY(cls_agree(f->record->world.comm, reserve(f, volumes)));
  for (size_t b = 0; b < bins; b++) {
    for (size_t i = 0; i < columns; i++) advance(f, i, f->counts.sums[b * columns + i]);
    if ((base + (int64_t)b + 1) % f->tr_bins != 0) continue;
    take_volume(f, columns, f->signal + volume * columns, f->rate + volume * columns);
    volume++;
  }
  CLS_TRY(cls_rows_append(&f->signals, volumes, f->signal));
  CLS_TRY(cls_rows_append(&f->rates, volumes, f->rate));
  return cls_record_sync(f->record, f->file);
}

/* ---- functional connectivity ---- */

/* First volume that ends after the warm-up. */
static int64_t first_volume(const cls_bold_file *f) {
  return f->record->warmup_step / (f->tr_bins * f->counts.interval);
}

cls_status cls_bold_file_connectivity(cls_bold_file *f, cls_connectivity *results) {
  const cls_world *world = &f->record->world;
  const cls_empirical *measured = f->record->job->empirical;
  const int64_t first = first_volume(f), all = f->signals.written;
  const uint64_t volumes = all > first ? (uint64_t)(all - first) : 0, regions = f->regions->columns.n;
  double *bold = NULL;
  cls_status status = CLS_OK;
  if (world->rank == 0)
    status = cls_alloc(&bold, volumes * regions, sizeof *bold, "BOLD for functional connectivity");
  status = cls_agree(world->comm, status);
  for (int m = 0; m < f->record->members && status == CLS_OK; m++) {
    const cls_connectivity_input input = {.volumes = volumes,
                                          .regions = regions,
                                          .bold = bold,
                                          .connectome = f->record->job->connectome,
                                          .measured = measured ? measured->data : NULL,
                                          .measured_volumes = measured ? measured->volumes : 0};
    status =
        cls_h5_series_read(&f->signals.data, (uint64_t)first, volumes, f->record->members > 1 ? m : -1, bold);
    if (status == CLS_OK && world->rank == 0) status = cls_connectivity_compute(&input, &results[m]);
    status = cls_agree(world->comm, status);
    results[m].seconds *= (double)f->tr_bins * BALLOON_STEP_MS * 1e-3;
  }
  free(bold);
  CLS_TRY(status);
  MPI_Bcast(results, (int)sizeof *results * f->record->members, MPI_BYTE, 0, world->comm);
  return CLS_OK;
}

/* ---- what is known between two flushes ----
 * The same whoever advances the haemodynamics, so that a run goes on where they are advanced elsewhere. */

void cls_bold_file_watched(cls_bold_file *f, int tally) { f->watched = tally; }

/* Of the regions owned here, in one member, to the backend or from it; where it has them slot k is the k-th of them. */
static cls_status move_state(cls_bold_file *f, int member, bool put, uint64_t *during, uint32_t *partial) {
  const size_t owned = f->regions->columns.n_owned, at = (size_t)member * owned;
  cls_haemodynamic_state state = {f->state + at, during, partial};
  for (size_t i = 0; i < owned && put; i++) {
    during[i] = (uint64_t)f->in_tr[at + i];
    partial[i] = (uint32_t)f->counts.local[at + i];
  }
  CLS_TRY(cls_engine_haemodynamics(f->record->engine, member, f->watched, put, &state));
  for (size_t i = 0; i < owned && !put; i++) {
    f->in_tr[at + i] = (int64_t)during[i];
    f->counts.local[at + i] = partial[i];
  }
  return CLS_OK;
}

static cls_status move_states(cls_bold_file *f, bool put) {
  const size_t owned = f->regions->columns.n_owned;
  uint64_t *during = NULL;
  uint32_t *partial = NULL;
  cls_status status = cls_alloc(&during, owned, sizeof *during, "haemodynamics");
  if (status == CLS_OK) status = cls_alloc(&partial, owned, sizeof *partial, "haemodynamics");
  for (int m = 0; m < f->record->members && status == CLS_OK; m++)
    status = move_state(f, m, put, during, partial);
  free(during);
  free(partial);
  return status;
}

/* Takes what the backend has, as if it had been counted here. */
static cls_status fetch_states(cls_bold_file *f) {
  f->counts.base = f->record->reached / f->counts.interval;
  f->counts.used = 0;
  CLS_TRY(cls_samples_reserve(&f->counts, 1));
  return move_states(f, false);
}

static cls_status keep(void *self, const cls_keeper *keeper) {
  enum { NUMBERS = sizeof(cls_balloon) / sizeof(double) };
  cls_bold_file *f = self;
  const cls_columns *columns = &f->regions->columns;
  const int64_t step = f->record->reached;
  const uint64_t members = (uint64_t)f->record->members;
  if (!keeper->loading) CLS_TRY(cls_agree(f->record->world.comm, f->handed ? fetch_states(f) : CLS_OK));
  CLS_TRY(cls_keep_samples(keeper, "recorder/bold/bin", step, &f->counts));
  CLS_TRY(
      cls_keep_columns(keeper, columns, "recorder/bold/balloon", CLS_KEEP_F64, members, NUMBERS, f->state));
  CLS_TRY(cls_keep_columns(keeper, columns, "recorder/bold/spikes", CLS_KEEP_I64, members, 1, f->in_tr));
  if (!keeper->loading) return CLS_OK;
  f->written = f->signals.written = f->rates.written = step / f->counts.interval / f->tr_bins;
  cls_status status = CLS_OK;
  if (f->tally.haemodynamics && f->watched >= 0 && f->record->engine) {
    status = move_states(f, true);
    if (status == CLS_ERR_INTERNAL) status = CLS_OK; /* this backend leaves them to us */
  }
  return cls_agree(f->record->world.comm, status);
}

/* ---- creation ---- */

/* Collective: all ranks hand over the same. */
static cls_status prepare(void *self) {
  cls_bold_file *f = self;
  int own = cls_groups_are_own(f->regions);
  MPI_Allreduce(MPI_IN_PLACE, &own, 1, MPI_INT, MPI_MIN, f->record->world.comm);
  f->haemodynamics = (cls_haemodynamics){
      .consts = f->consts, .size = f->size, .bin_s = BALLOON_STEP_MS * 1e-3, .bins = f->tr_bins};
  f->tally.haemodynamics = own ? &f->haemodynamics : NULL;
  return CLS_OK;
}

static void free_file(void *self) {
  cls_bold_file *f = self;
  cls_samples_destroy(&f->counts);
  cls_rows_destroy(&f->signals);
  cls_rows_destroy(&f->rates);
  free(f->state);
  free(f->in_tr);
  free(f->size);
  free(f->signal);
  free(f->rate);
  free(f);
}

cls_status cls_bold_file_create(const cls_record *record, const cls_groups *regions,
                                cls_recording *recording) {
  cls_bold_file *f = NULL;
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "BOLD recording"));
  *recording = (cls_recording){.self = f,
                               .file = "bold.h5",
                               .prepare = prepare,
                               .open = open_file,
                               .spikes = add,
                               .flush = flush,
                               .keep = keep,
                               .close = close_file,
                               .free = free_file};
  f->record = record;
  f->regions = regions;
  f->file = f->watched = -1;
  CLS_TRY(check_job(record, f));
  f->signals = (cls_rows){.record = record,
                          .columns = &regions->columns,
                          .type = H5T_NATIVE_DOUBLE,
                          .per_time = (uint32_t)record->members,
                          .at_root = true,
                          .time_steps = f->tr_bins,
                          .time_unit = BALLOON_STEP_MS * 1e-3};
  f->rates = f->signals;
  CLS_TRY(cls_rows_create(&f->signals));
  CLS_TRY(cls_rows_create(&f->rates));
  const size_t n = (size_t)record->members * regions->columns.n_owned;
  CLS_TRY(cls_alloc(&f->state, n, sizeof *f->state, "haemodynamics"));
  CLS_TRY(cls_alloc(&f->in_tr, n, sizeof *f->in_tr, "haemodynamics"));
  CLS_TRY(cls_alloc(&f->size, regions->columns.n_owned, sizeof *f->size, "haemodynamics"));
  for (uint32_t i = 0; i < regions->columns.n_owned; i++)
    f->size[i] = regions->size[regions->columns.owned[i]];
  f->consts = cls_balloon_derive(cls_balloon_default());
  for (size_t i = 0; i < n; i++) f->state[i] = cls_balloon_rest();
  recording->waiting_bytes = cls_samples_waiting(&f->counts);
  f->tally = cls_samples_tally(&f->counts);
  recording->tallies = &f->tally;
  recording->n_tallies = 1;
  recording->counts = add_counts;
  recording->volumes = add_volumes;
  return CLS_OK;
}

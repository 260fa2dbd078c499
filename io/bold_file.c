#include "io/bold_file.h"
#include "io/matrix_file.h"
#include "model/balloon.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BALLOON_STEP_MS 1.0

struct cls_bold_file_ {
  const cls_record *record;
  const cls_groups *regions;
  hid_t file;
  int64_t tr_bins; /* milliseconds per volume */
  cls_bins bins;   /* of one millisecond */
  cls_balloon_consts consts;
  cls_balloon *state;                /* [member][owned regions] */
  int64_t *in_tr;                    /* [member][owned regions] spikes in the current repetition time */
  int64_t *sums;                     /* [ms][member][owned regions] */
  double *signal, *rate;             /* [new volumes][member][owned regions] */
  double *whole_signal, *whole_rate; /* the same for all regions, on rank 0 */
  double *times;
  uint64_t *first; /* [ranks + 1]: rank 0 writes all volumes, which are few */
  size_t sums_capacity, volume_capacity, whole_capacity;
  cls_h5_series data, time, rates;
  /* Rank 0: member 0 after the warm-up, [volume][region]; and the measured signal. */
  double *kept;
  size_t n_kept, kept_capacity;
  cls_matrix measured;
};

/* ---- creation ---- */

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
  f->tr_bins = tr_steps / bin_steps;
  return cls_bins_create(f->regions, record->members, bin_steps, record->flush_interval, &f->bins);
}

static cls_status read_measured(const cls_record *record, cls_bold_file *f) {
  const char *path = record->job->record.empirical_bold;
  if (!path || record->world.rank != 0) return CLS_OK;
  CLS_TRY(cls_matrix_read(path, &f->measured));
  CLS_CHECK(f->measured.columns == record->network->n_regions, CLS_ERR_INPUT,
            "%s: record.empirical_bold: %llu columns: expected one per region of the network, %u", path,
            (unsigned long long)f->measured.columns, record->network->n_regions);
  CLS_CHECK(f->measured.rows >= 3, CLS_ERR_INPUT,
            "%s: record.empirical_bold: %llu volumes: expected at least 3", path,
            (unsigned long long)f->measured.rows);
  for (uint64_t c = 0; c < f->measured.columns; c++) {
    bool varies = false;
    for (uint64_t r = 1; r < f->measured.rows && !varies; r++)
      varies = f->measured.values[r * f->measured.columns + c] != f->measured.values[c];
    CLS_CHECK(varies, CLS_ERR_INPUT,
              "%s: record.empirical_bold: column %llu is %g throughout: expected a signal that varies", path,
              (unsigned long long)c + 1, f->measured.values[c]);
  }
  return CLS_OK;
}

cls_status cls_bold_file_create(const cls_record *record, const cls_groups *regions, cls_bold_file **file) {
  CLS_TRY(cls_alloc(file, 1, sizeof **file, "BOLD recording"));
  cls_bold_file *f = *file;
  f->record = record;
  f->regions = regions;
  f->file = f->data.dataset = f->time.dataset = f->rates.dataset = -1;
  CLS_TRY(check_job(record, f));
  CLS_TRY(read_measured(record, f));
  const size_t n = (size_t)record->members * regions->n_owned;
  CLS_TRY(cls_alloc(&f->state, n, sizeof *f->state, "haemodynamics"));
  CLS_TRY(cls_alloc(&f->in_tr, n, sizeof *f->in_tr, "haemodynamics"));
  CLS_TRY(cls_alloc(&f->first, (size_t)record->world.ranks + 1, sizeof *f->first, "BOLD recording"));
  f->consts = cls_balloon_derive(cls_balloon_default());
  for (size_t i = 0; i < n; i++) f->state[i] = cls_balloon_rest();
  return CLS_OK;
}

void cls_bold_file_free(cls_bold_file *f) {
  if (!f) return;
  cls_bins_destroy(&f->bins);
  cls_matrix_free(&f->measured);
  free(f->state);
  free(f->in_tr);
  free(f->sums);
  free(f->signal);
  free(f->rate);
  free(f->whole_signal);
  free(f->whole_rate);
  free(f->times);
  free(f->first);
  free(f->kept);
  free(f);
}

/* ---- the skeleton ---- */

static cls_status write_tracts(const cls_connectome *c, hid_t file) {
  if (!c) return CLS_OK;
  const hsize_t rows = (hsize_t)c->n_regions + 1, tracts = c->row[c->n_regions];
  CLS_TRY(cls_h5_table(file, "/tracts/row", H5T_NATIVE_UINT64, 1, &rows, c->row, NULL));
  CLS_TRY(cls_h5_table(file, "/tracts/source", H5T_NATIVE_UINT32, 1, &tracts, c->source, NULL));
  CLS_TRY(cls_h5_table(file, "/tracts/weight", H5T_NATIVE_DOUBLE, 1, &tracts, c->weight, "1"));
  return cls_h5_table(file, "/tracts/length_mm", H5T_NATIVE_DOUBLE, 1, &tracts, c->length_mm, "mm");
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  const cls_bold_file *f = self;
  const double tr_s = (double)f->tr_bins * BALLOON_STEP_MS * 1e-3;
  const hsize_t regions = record->network->n_regions;
  const int rank = record->members > 1 ? 3 : 2;
  const hsize_t row[2] = {record->members > 1 ? (hsize_t)record->members : regions, regions};
  CLS_TRY(cls_h5_series_create(file, "/bold/data", H5T_NATIVE_DOUBLE, rank, row, "1"));
  CLS_TRY(cls_h5_series_create(file, "/bold/time_s", H5T_NATIVE_DOUBLE, 1, NULL, "s"));
  CLS_TRY(cls_h5_series_create(file, "/rates_per_tr", H5T_NATIVE_DOUBLE, rank, row, "Hz"));
  CLS_TRY(cls_h5_attribute(file, "/bold", "tr_s", H5T_NATIVE_DOUBLE, 0, &tr_s));
  if (f->measured.values)
    CLS_TRY(cls_h5_table(file, "/empirical/data", H5T_NATIVE_DOUBLE, 2,
                         (hsize_t[]){f->measured.rows, f->measured.columns}, f->measured.values, "1"));
  return write_tracts(record->job->connectome, file);
}

cls_status cls_bold_file_open(cls_bold_file *f) {
  const MPI_Comm comm = f->record->world.comm;
  CLS_TRY(cls_record_open(f->record, "bold.h5", build, f, &f->file));
  CLS_TRY(cls_h5_series_open(comm, f->file, "/bold/data", H5T_NATIVE_DOUBLE, &f->data));
  CLS_TRY(cls_h5_series_open(comm, f->file, "/bold/time_s", H5T_NATIVE_DOUBLE, &f->time));
  return cls_h5_series_open(comm, f->file, "/rates_per_tr", H5T_NATIVE_DOUBLE, &f->rates);
}

cls_status cls_bold_file_close(cls_bold_file *f, bool whole) {
  CLS_TRY(cls_h5_series_close(&f->data));
  CLS_TRY(cls_h5_series_close(&f->time));
  CLS_TRY(cls_h5_series_close(&f->rates));
  return cls_record_close(f->record, &f->file, whole);
}

/* ---- from spikes to volumes ---- */

cls_status cls_bold_file_add(cls_bold_file *f, int member, const cls_spikes *spikes) {
  return cls_bins_add(&f->bins, member, spikes);
}

/* Advances region column i (member and owned region) by one millisecond in which `spikes` neurons spiked. */
static void advance(cls_bold_file *f, size_t i, int64_t spikes) {
  const uint64_t size = f->regions->size[f->regions->owned[i % f->regions->n_owned]];
  const double u = size > 0 ? (double)spikes / (double)size : 0;
  cls_balloon_step(&f->state[i], &f->consts, u, BALLOON_STEP_MS * 1e-3);
  f->in_tr[i] += spikes;
}

static void take_volume(cls_bold_file *f, size_t columns, double *signal, double *rate) {
  const double tr_s = (double)f->tr_bins * BALLOON_STEP_MS * 1e-3;
  for (size_t i = 0; i < columns; i++) {
    const uint64_t size = f->regions->size[f->regions->owned[i % f->regions->n_owned]];
    signal[i] = cls_balloon_signal(&f->state[i], &f->consts);
    rate[i] = size > 0 ? (double)f->in_tr[i] / ((double)size * tr_s) : 0;
    f->in_tr[i] = 0;
  }
}

static cls_status reserve(cls_bold_file *f, uint64_t bins, uint64_t rows) {
  const size_t members = (size_t)f->record->members, owned = f->regions->n_owned;
  CLS_TRY(cls_grow(&f->sums, &f->sums_capacity, bins * members * owned, sizeof *f->sums, "BOLD to write"));
  size_t capacity = f->volume_capacity;
  CLS_TRY(cls_grow(&f->signal, &capacity, rows * owned, sizeof *f->signal, "BOLD to write"));
  CLS_TRY(cls_grow(&f->rate, &f->volume_capacity, rows * owned, sizeof *f->rate, "BOLD to write"));
  if (f->record->world.rank != 0) return CLS_OK;
  const size_t all = rows * f->regions->n_groups;
  capacity = f->whole_capacity;
  CLS_TRY(cls_grow(&f->whole_signal, &capacity, all, sizeof *f->whole_signal, "BOLD to write"));
  capacity = f->whole_capacity;
  CLS_TRY(cls_grow(&f->times, &capacity, all, sizeof *f->times, "BOLD to write"));
  CLS_TRY(cls_grow(&f->whole_rate, &f->whole_capacity, all, sizeof *f->whole_rate, "BOLD to write"));
  return cls_grow(&f->kept, &f->kept_capacity, (f->n_kept + rows) * f->regions->n_groups, sizeof *f->kept,
                  "BOLD for functional connectivity");
}

/* Collective. Writes `volumes` volumes, the first of which has number `number`. */
static cls_status write_volumes(cls_bold_file *f, int64_t number, uint64_t volumes) {
  const cls_record *record = f->record;
  const uint64_t members = (uint64_t)record->members, here = record->world.rank == 0 ? volumes : 0;
  const size_t regions = f->regions->n_groups;
  for (int r = 1; r <= record->world.ranks; r++) f->first[r] = volumes * members;
  CLS_TRY(cls_groups_rows(f->regions, f->first, sizeof(double), f->signal, f->whole_signal));
  CLS_TRY(cls_groups_rows(f->regions, f->first, sizeof(double), f->rate, f->whole_rate));
  for (uint64_t v = 0; v < here; v++) {
    const int64_t bins = (number + (int64_t)v + 1) * f->tr_bins;
    f->times[v] = (double)bins * BALLOON_STEP_MS * 1e-3;
    if (bins * f->bins.bin_steps > record->warmup_step)
      memcpy(f->kept + f->n_kept++ * regions, f->whole_signal + v * members * regions,
             regions * sizeof *f->kept);
  }
  CLS_TRY(cls_h5_series_append(&f->data, volumes, 0, here, f->whole_signal));
  CLS_TRY(cls_h5_series_append(&f->rates, volumes, 0, here, f->whole_rate));
  return cls_h5_series_append(&f->time, volumes, 0, here, f->times);
}

cls_status cls_bold_file_flush(cls_bold_file *f, int64_t step) {
  const size_t members = (size_t)f->record->members, columns = members * f->regions->n_owned;
  const int64_t base = f->bins.base;
  size_t bins = 0;
  cls_status status = cls_bins_complete(&f->bins, step, &bins);
  const uint64_t volumes = (uint64_t)((base + (int64_t)bins) / f->tr_bins - base / f->tr_bins);
  if (status == CLS_OK) status = reserve(f, bins, volumes * members);
  CLS_TRY(cls_agree(f->record->world.comm, status));
  if (bins == 0) return cls_record_sync(f->record, f->file);
  CLS_TRY(cls_groups_sum(f->regions, bins * members, 1, f->bins.count, f->sums));
  uint64_t volume = 0;
  for (size_t b = 0; b < bins; b++) {
    for (size_t i = 0; i < columns; i++) advance(f, i, f->sums[b * columns + i]);
    if ((base + (int64_t)b + 1) % f->tr_bins != 0) continue;
    take_volume(f, columns, f->signal + volume * columns, f->rate + volume * columns);
    volume++;
  }
  cls_bins_drop(&f->bins, bins);
  if (volumes > 0) CLS_TRY(write_volumes(f, base / f->tr_bins, volumes));
  return cls_record_sync(f->record, f->file);
}

cls_status cls_bold_file_connectivity(cls_bold_file *f, cls_connectivity *result) {
  cls_status status = CLS_OK;
  cls_connectivity_input input = {.volumes = f->n_kept,
                                  .regions = f->regions->n_groups,
                                  .bold = f->kept,
                                  .connectome = f->record->job->connectome,
                                  .measured = f->measured.values,
                                  .measured_volumes = f->measured.rows};
  if (f->record->world.rank == 0) status = cls_connectivity_compute(&input, result);
  CLS_TRY(cls_agree(f->record->world.comm, status));
  MPI_Bcast(result, (int)sizeof *result, MPI_BYTE, 0, f->record->world.comm);
  result->seconds *= (double)f->tr_bins * BALLOON_STEP_MS * 1e-3;
  return CLS_OK;
}

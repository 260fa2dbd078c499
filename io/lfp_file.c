#include "io/lfp_file.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
  const cls_record *record;
  hid_t file;
  uint32_t *index;                /* [groups] number of the region or population */
  const cls_population **example; /* [groups] one of its excitatory populations */
  cls_groups groups;              /* excitatory neurons of regions, or populations */
  cls_samples currents;           /* summed over neurons */
  cls_rows rows;
  float *value; /* [samples][member][owned group] */
  size_t value_capacity;
} lfp_file;

static bool over_regions(const cls_record *record) { return record->network->n_regions > 0; }

/* ---- the file ---- */

static cls_status write_names(const lfp_file *f, hid_t file) {
  const cls_network *network = f->record->network;
  const hsize_t n = f->groups.columns.n;
  const char **text = NULL;
  CLS_TRY(cls_alloc(&text, n, sizeof *text, "names of groups"));
  for (hsize_t g = 0; g < n; g++)
    text[g] = over_regions(f->record) ? network->regions[f->index[g]].name : f->example[g]->name;
  cls_status status = cls_h5_names(file, "/lfp/name", n, text);
  for (hsize_t g = 0; g < n; g++) text[g] = f->example[g]->model->current_unit;
  if (status == CLS_OK) status = cls_h5_names(file, "/lfp/unit", n, text);
  free(text);
  CLS_TRY(status);
  return cls_h5_table(file, "/lfp/index", H5T_NATIVE_UINT32, 1, &n, f->index, NULL);
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  const lfp_file *f = self;
  CLS_TRY(
      cls_rows_build(&f->rows, file, "/lfp/data", f->example[0]->model->current_unit, "/lfp/time_ms", "ms"));
  CLS_TRY(cls_h5_text(file, "/lfp", "over", over_regions(record) ? "region" : "population"));
  return write_names(f, file);
}

static cls_status open_file(void *self) {
  lfp_file *f = self;
  CLS_TRY(cls_record_open(f->record, "lfp.h5", build, f, &f->file));
  return cls_rows_open(&f->rows, f->file, "/lfp/data", "/lfp/time_ms");
}

static cls_status close_file(void *self, bool whole) {
  lfp_file *f = self;
  CLS_TRY(cls_rows_close(&f->rows));
  return cls_record_close(f->record, &f->file, whole);
}

/* ---- samples ---- */

static cls_status look(void *self, int member, int64_t step, cls_view *view) {
  lfp_file *f = self;
  return cls_samples_add_currents(&f->currents, f->record->layout, member, step, view);
}

static float potential(const lfp_file *f, size_t cell) {
  const int64_t *sum = f->currents.sums + cell * f->currents.width;
  double all = 0; /* whole numbers: exact below 2^53, and always added in one order */
  for (uint32_t k = 0; k < f->currents.width; k++) all += fabs((double)sum[k]);
  return (float)(all / CLS_CURRENT_ONE);
}

static cls_status flush(void *self, int64_t step) {
  lfp_file *f = self;
  uint64_t samples = 0;
  CLS_TRY(cls_samples_gather(&f->currents, step, &samples));
  const size_t cells = samples * (size_t)f->record->members * f->groups.columns.n_owned;
  CLS_TRY(cls_agree(f->groups.columns.comm, cls_grow(&f->value, &f->value_capacity, cells, sizeof *f->value,
                                                     "field potentials to write")));
  for (size_t i = 0; i < cells; i++) f->value[i] = potential(f, i);
  CLS_TRY(cls_rows_append(&f->rows, samples, f->value));
  return cls_record_sync(f->record, f->file);
}

/* Samples are taken at the end of their interval: none is ever half done, only positions count. */
static cls_status keep(void *self, const cls_keeper *keeper) {
  lfp_file *f = self;
  if (!keeper->loading) return CLS_OK;
  f->currents.base = f->rows.written = f->record->reached / f->rows.time_steps;
  return CLS_OK;
}

/* ---- creation ---- */

static void free_file(void *self) {
  lfp_file *f = self;
  cls_samples_destroy(&f->currents);
  cls_rows_destroy(&f->rows);
  cls_groups_destroy(&f->groups);
  free(f->index);
  free(f->example);
  free(f->value);
  free(f);
}

/* Region of an excitatory population, or its own number where there are no regions; else CLS_NO_SLOT. */
static uint32_t home_of(const cls_record *record, uint32_t p) {
  const cls_population *population = &record->network->populations[p];
  if (population->type != 'E') return CLS_NO_SLOT;
  if (!over_regions(record)) return p;
  return population->region >= 0 ? (uint32_t)population->region : CLS_NO_SLOT;
}

/* Homes become groups, in order, without those that nobody lives in. number[home] has room for all. */
static void number_groups(lfp_file *f, uint32_t homes, uint32_t *number, uint32_t *group_of, uint32_t *n) {
  const cls_network *network = f->record->network;
  for (uint32_t h = 0; h < homes; h++) number[h] = CLS_NO_SLOT;
  for (uint32_t p = 0; p < network->n_populations; p++)
    if (home_of(f->record, p) != CLS_NO_SLOT) number[home_of(f->record, p)] = 0;
  *n = 0;
  for (uint32_t h = 0; h < homes; h++) {
    if (number[h] == CLS_NO_SLOT) continue;
    f->index[*n] = h;
    number[h] = (*n)++;
  }
  for (uint32_t p = 0; p < network->n_populations; p++) {
    const uint32_t home = home_of(f->record, p);
    group_of[p] = home == CLS_NO_SLOT ? CLS_NO_SLOT : number[home];
    if (home != CLS_NO_SLOT) f->example[group_of[p]] = &network->populations[p];
  }
}

static cls_status make_groups(lfp_file *f) {
  const cls_network *network = f->record->network;
  const uint32_t homes = over_regions(f->record) ? network->n_regions : network->n_populations;
  uint32_t *group_of = NULL, *number = NULL, n = 0;
  CLS_TRY(cls_alloc(&f->index, homes, sizeof *f->index, "groups of field potentials"));
  CLS_TRY(cls_alloc(&f->example, homes, sizeof *f->example, "groups of field potentials"));
  CLS_TRY(cls_alloc(&number, homes, sizeof *number, "groups of field potentials"));
  cls_status status = cls_alloc(&group_of, network->n_populations, sizeof *group_of, "groups of populations");
  if (status == CLS_OK) number_groups(f, homes, number, group_of, &n);
  if (status == CLS_OK && n == 0) status = cls_fail(CLS_ERR_INPUT, "record.lfp: no population is excitatory");
  if (status == CLS_OK) status = cls_groups_create(f->record, group_of, n, &f->groups);
  free(number);
  free(group_of);
  return status;
}

/* Receptors of the model that has most. */
static uint32_t most_receptors(const lfp_file *f) {
  int most = 1;
  for (uint32_t g = 0; g < f->groups.columns.n; g++)
    if (f->example[g]->model->n_receptors > most) most = f->example[g]->model->n_receptors;
  return (uint32_t)most;
}

cls_status cls_lfp_file_create(const cls_record *record, cls_recording *recording) {
  int64_t interval = 0;
  lfp_file *f = NULL;
  CLS_TRY(
      cls_record_steps(record, "record.lfp.interval_ms", record->job->record.lfp_interval_ms, 1, &interval));
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "recording of field potentials"));
  *recording = (cls_recording){.self = f,
                               .file = "lfp.h5",
                               .interval = interval,
                               .open = open_file,
                               .look = look,
                               .flush = flush,
                               .keep = keep,
                               .close = close_file,
                               .free = free_file};
  f->record = record;
  f->file = -1;
  CLS_TRY(make_groups(f));
  f->rows = (cls_rows){.record = record,
                       .columns = &f->groups.columns,
                       .type = H5T_NATIVE_FLOAT,
                       .per_time = (uint32_t)record->members,
                       .time_steps = interval,
                       .time_unit = record->network->dt_ms};
  CLS_TRY(cls_rows_create(&f->rows));
  CLS_TRY(cls_samples_create(&f->groups, record->members, most_receptors(f), interval, &f->currents));
  recording->waiting_bytes = cls_samples_waiting(&f->currents);
  return CLS_OK;
}

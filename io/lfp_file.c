#include "io/lfp_file.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
  const cls_record *record;
  hid_t file;
  cls_groups groups;    /* excitatory neurons of each region, or each population */
  cls_samples currents; /* summed over neurons */
  cls_rows rows;
  float *value; /* [samples][member][owned group] */
  size_t value_capacity;
} lfp_file;

static bool over_regions(const cls_record *record) { return record->network->n_regions > 0; }

/* ---- the file ---- */

static cls_status write_units(const cls_record *record, hsize_t groups, hid_t file) {
  const cls_network *network = record->network;
  const char **unit = NULL;
  CLS_TRY(cls_alloc(&unit, groups, sizeof *unit, "units of currents"));
  for (hsize_t g = 0; g < groups; g++) unit[g] = "";
  for (uint32_t p = 0; p < network->n_populations; p++) {
    const cls_population *population = &network->populations[p];
    if (population->type != 'E' || (over_regions(record) && population->region < 0)) continue;
    unit[over_regions(record) ? (uint32_t)population->region : p] = population->model->current_unit;
  }
  cls_status status = cls_h5_names(file, "/lfp/unit", groups, unit);
  free(unit);
  return status;
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  const lfp_file *f = self;
  const cls_network *network = record->network;
  uint32_t first = 0; /* whose unit stands for all: where they differ, /lfp/unit says so */
  while (network->populations[first].type != 'E') first++;
  CLS_TRY(cls_rows_build(&f->rows, file, "/lfp/data", network->populations[first].model->current_unit,
                         "/lfp/time_ms", "ms"));
  CLS_TRY(cls_h5_text(file, "/lfp", "over", over_regions(record) ? "region" : "population"));
  return write_units(record, f->groups.columns.n, file);
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
  const int64_t *sums;
  CLS_TRY(cls_view_currents(view, &sums));
  return cls_samples_add_currents(&f->currents, f->record->layout, member, step, sums);
}

static float potential(const lfp_file *f, size_t cell) {
  const cls_columns *columns = &f->groups.columns;
  const int64_t *sum = f->currents.sums + cell * f->currents.width;
  if (f->groups.size[columns->owned[cell % columns->n_owned]] == 0) return NAN;
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

/* ---- creation ---- */

static void free_file(void *self) {
  lfp_file *f = self;
  cls_samples_destroy(&f->currents);
  cls_rows_destroy(&f->rows);
  cls_groups_destroy(&f->groups);
  free(f->value);
  free(f);
}

/* The excitatory neurons of a region, or of a population, are a group. `most` receptors. */
static cls_status make_groups(const cls_record *record, cls_groups *groups, uint32_t *most) {
  const cls_network *network = record->network;
  uint32_t *group_of = NULL;
  *most = 0;
  CLS_TRY(cls_alloc(&group_of, network->n_populations, sizeof *group_of, "groups of populations"));
  for (uint32_t p = 0; p < network->n_populations; p++) {
    const cls_population *population = &network->populations[p];
    group_of[p] = CLS_NO_SLOT;
    if (population->type != 'E') continue;
    if (!over_regions(record)) group_of[p] = p;
    if (over_regions(record) && population->region >= 0) group_of[p] = (uint32_t)population->region;
    if (population->model->n_receptors > (int)*most) *most = (uint32_t)population->model->n_receptors;
  }
  cls_status status = CLS_OK;
  if (*most == 0)
    status = cls_fail(CLS_ERR_INPUT, "record.lfp: no excitatory population has synapses");
  else
    status = cls_groups_create(record, group_of,
                               over_regions(record) ? network->n_regions : network->n_populations, groups);
  free(group_of);
  return status;
}

cls_status cls_lfp_file_create(const cls_record *record, cls_recording *recording) {
  int64_t interval = 0;
  uint32_t receptors = 0;
  lfp_file *f = NULL;
  CLS_TRY(
      cls_record_steps(record, "record.lfp.interval_ms", record->job->record.lfp_interval_ms, 1, &interval));
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "recording of field potentials"));
  *recording = (cls_recording){.self = f,
                               .interval = interval,
                               .open = open_file,
                               .look = look,
                               .flush = flush,
                               .close = close_file,
                               .free = free_file};
  f->record = record;
  f->file = -1;
  CLS_TRY(make_groups(record, &f->groups, &receptors));
  f->rows = (cls_rows){.record = record,
                       .columns = &f->groups.columns,
                       .type = H5T_NATIVE_FLOAT,
                       .per_time = (uint32_t)record->members,
                       .time_steps = interval,
                       .time_unit = record->network->dt_ms};
  CLS_TRY(cls_rows_create(&f->rows));
  CLS_TRY(cls_samples_create(&f->groups, record->members, receptors, interval, &f->currents));
  recording->waiting_bytes = cls_samples_waiting(&f->currents);
  return CLS_OK;
}

#include "io/current_file.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
  const cls_record *record;
  const cls_groups *populations;
  hid_t file;
  cls_samples currents; /* summed over neurons; as many receptors as the model that has most */
  cls_rows rows;
  float *mean; /* [samples][member][owned population][receptor] */
  size_t mean_capacity;
} current_file;

static void free_file(void *self) {
  current_file *f = self;
  cls_samples_destroy(&f->currents);
  cls_rows_destroy(&f->rows);
  free(f->mean);
  free(f);
}

/* ---- the file ---- */

/* Name of receptor r of a model, counted over its ports; "" where there is none. */
static const char *receptor_name(const cls_model *model, uint32_t receptor) {
  int left = (int)receptor;
  for (int p = 0; p < model->n_ports; left -= model->ports[p].receptors, p++)
    if (left < model->ports[p].receptors) return model->ports[p].receptor[left];
  return "";
}

static cls_status write_names(const cls_record *record, uint32_t width, hid_t file) {
  const hsize_t n = record->network->n_populations, cells = n * width;
  const char **text = NULL;
  CLS_TRY(cls_alloc(&text, cells, sizeof *text, "names of receptors"));
  for (hsize_t i = 0; i < cells; i++)
    text[i] = receptor_name(record->network->populations[i / width].model, (uint32_t)(i % width));
  cls_status status = cls_h5_names(file, "/currents/receptors", cells, text);
  for (hsize_t i = 0; i < n; i++) {
    text[i] = record->network->populations[i].model->current_unit;
    if (!text[i]) text[i] = "";
  }
  if (status == CLS_OK) status = cls_h5_names(file, "/currents/unit", n, text);
  free(text);
  return status;
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  const current_file *f = self;
  const char *unit = record->network->populations[0].model->current_unit;
  CLS_TRY(cls_rows_build(&f->rows, file, "/currents/data", unit ? unit : "", "/currents/time_ms", "ms"));
  return write_names(record, f->rows.width, file);
}

static cls_status open_file(void *self) {
  current_file *f = self;
  CLS_TRY(cls_record_open(f->record, "currents.h5", build, f, &f->file));
  return cls_rows_open(&f->rows, f->file, "/currents/data", "/currents/time_ms");
}

static cls_status close_file(void *self, bool whole) {
  current_file *f = self;
  CLS_TRY(cls_rows_close(&f->rows));
  return cls_record_close(f->record, &f->file, whole);
}

/* ---- samples ---- */

static cls_status look(void *self, int member, int64_t step, cls_view *view) {
  current_file *f = self;
  return cls_samples_add_currents(&f->currents, f->record->layout, member, step, view);
}

static void to_means(current_file *f, size_t cells) {
  const cls_columns *columns = &f->populations->columns;
  const uint32_t width = f->rows.width;
  for (size_t i = 0; i < cells; i++) {
    const uint32_t population = columns->owned[i % columns->n_owned];
    const int receptors = f->record->network->populations[population].model->n_receptors;
    const double all = CLS_CURRENT_ONE * (double)f->populations->size[population];
    for (uint32_t k = 0; k < width; k++)
      f->mean[i * width + k] =
          (int)k < receptors ? (float)((double)f->currents.sums[i * width + k] / all) : NAN;
  }
}

static cls_status flush(void *self, int64_t step) {
  current_file *f = self;
  const cls_columns *columns = &f->populations->columns;
  uint64_t samples = 0;
  CLS_TRY(cls_samples_gather(&f->currents, step, &samples));
  const size_t cells = samples * (size_t)f->record->members * columns->n_owned;
  CLS_TRY(cls_agree(columns->comm, cls_grow(&f->mean, &f->mean_capacity, cells * f->rows.width,
                                            sizeof *f->mean, "currents to write")));
  to_means(f, cells);
  CLS_TRY(cls_rows_append(&f->rows, samples, f->mean));
  return cls_record_sync(f->record, f->file);
}

/* Samples are taken at the end of their interval: none is ever half done, only positions count. */
static cls_status keep(void *self, const cls_keeper *keeper) {
  current_file *f = self;
  if (!keeper->loading) return CLS_OK;
  f->currents.base = f->rows.written = f->record->reached / f->rows.time_steps;
  return CLS_OK;
}

/* ---- creation ---- */

cls_status cls_current_file_create(const cls_record *record, const cls_groups *populations,
                                   cls_recording *recording) {
  int64_t interval = 0;
  uint32_t width = 0;
  current_file *f = NULL;
  CLS_TRY(cls_record_steps(record, "record.currents.interval_ms", record->job->record.currents_interval_ms, 1,
                           &interval));
  for (uint32_t p = 0; p < record->network->n_populations; p++) {
    const int receptors = record->network->populations[p].model->n_receptors;
    if (receptors > (int)width) width = (uint32_t)receptors;
  }
  CLS_CHECK(width > 0, CLS_ERR_INPUT, "record.currents: no population has receptors");
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "current recording"));
  *recording = (cls_recording){.self = f,
                               .file = "currents.h5",
                               .interval = interval,
                               .open = open_file,
                               .look = look,
                               .flush = flush,
                               .keep = keep,
                               .close = close_file,
                               .free = free_file};
  f->record = record;
  f->populations = populations;
  f->file = -1;
  f->rows = (cls_rows){.record = record,
                       .columns = &populations->columns,
                       .type = H5T_NATIVE_FLOAT,
                       .per_time = (uint32_t)record->members,
                       .width = width,
                       .time_steps = interval,
                       .time_unit = record->network->dt_ms};
  CLS_TRY(cls_rows_create(&f->rows));
  CLS_TRY(cls_samples_create(populations, record->members, width, interval, &f->currents));
  recording->waiting_bytes = cls_samples_waiting(&f->currents);
  return CLS_OK;
}

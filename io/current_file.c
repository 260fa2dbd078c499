#include "io/current_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cls_current_file_ {
  const cls_record *record;
  const cls_groups *populations;
  hid_t file;
  int64_t interval; /* steps */
  uint32_t width;   /* receptors of the model that has most */
  int64_t base;     /* samples written; sample k is taken at the end of step (k + 1) interval - 1 */
  size_t used;      /* samples that wait */
  int64_t *local;   /* [sample][member][slot][receptor] */
  int64_t *sums;    /* [sample][member][owned population][receptor] */
  float *owned, *whole;
  double *times;
  uint64_t *first; /* [ranks + 1] rows each rank writes */
  size_t local_capacity, sums_capacity, owned_capacity, whole_capacity, times_capacity;
  cls_h5_series data, time;
};

static size_t sample_length(const cls_current_file *f) {
  return (size_t)f->record->members * f->populations->n_slots * f->width;
}

cls_status cls_current_file_create(const cls_record *record, const cls_groups *populations,
                                   cls_current_file **file) {
  int64_t interval = 0;
  CLS_TRY(cls_record_steps(record, "record.currents.interval_ms", record->job->record.currents_interval_ms, 1,
                           &interval));
  CLS_TRY(cls_alloc(file, 1, sizeof **file, "current recording"));
  cls_current_file *f = *file;
  f->record = record;
  f->populations = populations;
  f->interval = interval;
  f->file = f->data.dataset = f->time.dataset = -1;
  for (uint32_t p = 0; p < record->network->n_populations; p++) {
    const int receptors = record->network->populations[p].model->n_receptors;
    if (receptors > (int)f->width) f->width = (uint32_t)receptors;
  }
  CLS_CHECK(f->width > 0, CLS_ERR_INPUT, "record.currents: no population has receptors");
  return cls_alloc(&f->first, (size_t)record->world.ranks + 1, sizeof *f->first, "current recording");
}

void cls_current_file_free(cls_current_file *f) {
  if (!f) return;
  free(f->local);
  free(f->sums);
  free(f->owned);
  free(f->whole);
  free(f->times);
  free(f->first);
  free(f);
}

int64_t cls_current_file_interval(const cls_current_file *f) { return f->interval; }

/* ---- the skeleton ---- */

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
  const cls_current_file *f = self;
  const bool several = record->members > 1;
  const char *unit = record->network->populations[0].model->current_unit;
  hsize_t row[3] = {(hsize_t)record->members, record->network->n_populations, f->width};
  CLS_TRY(cls_h5_series_create(file, "/currents/data", H5T_NATIVE_FLOAT, several ? 4 : 3,
                               several ? row : row + 1, unit ? unit : ""));
  CLS_TRY(cls_h5_series_create(file, "/currents/time_ms", H5T_NATIVE_DOUBLE, 1, NULL, "ms"));
  return write_names(record, f->width, file);
}

cls_status cls_current_file_open(cls_current_file *f) {
  const MPI_Comm comm = f->record->world.comm;
  CLS_TRY(cls_record_open(f->record, "currents.h5", build, f, &f->file));
  CLS_TRY(cls_h5_series_open(comm, f->file, "/currents/data", H5T_NATIVE_FLOAT, &f->data));
  return cls_h5_series_open(comm, f->file, "/currents/time_ms", H5T_NATIVE_DOUBLE, &f->time);
}

cls_status cls_current_file_close(cls_current_file *f, bool whole) {
  CLS_TRY(cls_h5_series_close(&f->data));
  CLS_TRY(cls_h5_series_close(&f->time));
  return cls_record_close(f->record, &f->file, whole);
}

/* ---- samples ---- */

/* Makes room for `samples` samples that wait, zeroed. */
static cls_status make_room(cls_current_file *f, size_t samples) {
  if (samples <= f->used) return CLS_OK;
  const size_t row = sample_length(f);
  CLS_TRY(cls_grow(&f->local, &f->local_capacity, samples * row, sizeof *f->local, "currents to write"));
  memset(f->local + f->used * row, 0, (samples - f->used) * row * sizeof *f->local);
  f->used = samples;
  return CLS_OK;
}

cls_status cls_current_file_add(cls_current_file *f, int member, int64_t step, const int64_t *sums) {
  const cls_layout *layout = f->record->layout;
  const int64_t sample = (step + 1) / f->interval - 1 - f->base;
  CLS_CHECK((step + 1) % f->interval == 0 && sample >= 0, CLS_ERR_INTERNAL,
            "currents of step %lld are not expected: one sample every %lld steps", (long long)step,
            (long long)f->interval);
  CLS_TRY(make_room(f, (size_t)sample + 1));
  int64_t *row =
      f->local + (size_t)sample * sample_length(f) + (size_t)member * f->populations->n_slots * f->width;
  for (uint32_t r = 0; r < layout->n_ranges; r++)
    for (uint32_t k = 0; k < f->width; k++)
      row[(size_t)f->populations->slot_of_range[r] * f->width + k] += sums[(size_t)r * CLS_MAX_RECEPTORS + k];
  return CLS_OK;
}

static cls_status reserve(cls_current_file *f, uint64_t samples, uint64_t here) {
  const cls_groups *g = f->populations;
  const size_t members = (size_t)f->record->members, owned = samples * members * g->n_owned * f->width;
  CLS_TRY(make_room(f, samples));
  CLS_TRY(cls_grow(&f->sums, &f->sums_capacity, owned, sizeof *f->sums, "currents to write"));
  CLS_TRY(cls_grow(&f->owned, &f->owned_capacity, owned, sizeof *f->owned, "currents to write"));
  CLS_TRY(cls_grow(&f->whole, &f->whole_capacity, here * members * g->n_groups * f->width, sizeof *f->whole,
                   "currents to write"));
  return cls_grow(&f->times, &f->times_capacity, samples, sizeof *f->times, "currents to write");
}

static void to_means(cls_current_file *f, uint64_t rows) {
  const cls_groups *g = f->populations;
  for (uint64_t i = 0; i < rows * g->n_owned; i++) {
    const uint32_t population = g->owned[i % g->n_owned];
    const int receptors = f->record->network->populations[population].model->n_receptors;
    for (uint32_t k = 0; k < f->width; k++)
      f->owned[i * f->width + k] =
          (int)k < receptors
              ? (float)((double)f->sums[i * f->width + k] / (CLS_CURRENT_ONE * (double)g->size[population]))
              : NAN;
  }
}

cls_status cls_current_file_flush(cls_current_file *f, int64_t step) {
  const cls_groups *g = f->populations;
  const cls_world *world = &f->record->world;
  const uint64_t members = (uint64_t)f->record->members;
  const int64_t complete = step / f->interval - f->base;
  const uint64_t samples = complete > 0 ? (uint64_t)complete : 0;
  cls_split_rows(world->ranks, samples, members, f->first);
  const uint64_t begin = f->first[world->rank] / members, end = f->first[world->rank + 1] / members;
  CLS_TRY(cls_agree(world->comm, reserve(f, samples, end - begin)));
  if (samples == 0) return cls_record_sync(f->record, f->file);
  CLS_TRY(cls_groups_sum(g, samples * members, f->width, f->local, f->sums));
  to_means(f, samples * members);
  CLS_TRY(cls_groups_rows(g, f->first, f->width * sizeof *f->owned, f->owned, f->whole));
  for (uint64_t s = begin; s < end; s++)
    f->times[s - begin] = (double)((f->base + (int64_t)s + 1) * f->interval) * f->record->network->dt_ms;
  CLS_TRY(cls_h5_series_append(&f->data, samples, begin, end - begin, f->whole));
  CLS_TRY(cls_h5_series_append(&f->time, samples, begin, end - begin, f->times));
  const size_t row = sample_length(f);
  memmove(f->local, f->local + samples * row, (f->used - samples) * row * sizeof *f->local);
  f->used -= samples;
  f->base += (int64_t)samples;
  return cls_record_sync(f->record, f->file);
}

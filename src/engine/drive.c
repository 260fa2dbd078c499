#include "engine/drive.h"
#include "engine/neurons.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- creation ---- */

/* What the inputs of the part use: one flag per level, count source and train. */
typedef struct {
  bool *level, *count, *train;
} usage;

static cls_status find_usage(const cls_neurons *neurons, uint32_t first, uint32_t last, usage *used) {
  CLS_TRY(cls_alloc(&used->level, neurons->n_levels, sizeof *used->level, "levels in use"));
  CLS_TRY(cls_alloc(&used->count, neurons->n_counts, sizeof *used->count, "count tables in use"));
  CLS_TRY(cls_alloc(&used->train, neurons->n_trains, sizeof *used->train, "trains in use"));
  for (uint32_t r = first; r < last; r++)
    for (int k = 0; k < neurons->runs[r].n_inputs; k++) {
      const cls_input_run *input = &neurons->runs[r].inputs[k];
      used->level[input->level] = true;
      if (input->count != CLS_NONE) used->count[input->count] = true;
      if (input->train != CLS_NONE) used->train[input->train] = true;
    }
  return CLS_OK;
}

static cls_status list_parts(const bool *used, uint32_t n, uint32_t first, cls_drive_part **parts,
                             uint32_t *n_parts) {
  CLS_TRY(cls_alloc(parts, n, sizeof **parts, "what drives inputs"));
  for (uint32_t i = first; i < n; i++)
    if (used[i]) (*parts)[(*n_parts)++] = (cls_drive_part){.index = i};
  return CLS_OK;
}

static cls_status fill(cls_drive *d, const usage *used) {
  const cls_neurons *neurons = d->neurons;
  for (uint32_t i = 0; i < neurons->n_counts; i++) /* constant tables are the neurons' */
    used->count[i] = used->count[i] && neurons->counts[i].level != 0;
  CLS_TRY(list_parts(used->level, neurons->n_levels, 1, &d->levels, &d->n_levels));
  CLS_TRY(list_parts(used->count, neurons->n_counts, 0, &d->counts, &d->n_counts));
  CLS_TRY(list_parts(used->train, neurons->n_trains, 0, &d->trains, &d->n_trains));
  CLS_TRY(cls_alloc(&d->level, neurons->n_levels, sizeof *d->level, "levels of waveforms"));
  CLS_TRY(cls_alloc(&d->table, neurons->n_counts, sizeof *d->table, "count tables"));
  CLS_TRY(cls_alloc(&d->events, neurons->n_trains, sizeof *d->events, "spikes of trains"));
  CLS_TRY(cls_alloc(&d->changing, d->n_counts, sizeof *d->changing, "count tables that change"));
  d->level[0] = 1;
  for (uint32_t i = 0; i < neurons->n_counts; i++) d->table[i] = &neurons->counts[i].table;
  for (uint32_t c = 0; c < d->n_counts; c++) {
    d->changing[c].level = -1; /* made for no level yet */
    d->table[d->counts[c].index] = &d->changing[c];
  }
  bool changes = d->n_levels || d->n_trains;
  d->from = INT64_MIN;
  d->until = changes ? INT64_MIN : INT64_MAX;
  return CLS_OK;
}

cls_status cls_drive_create(const cls_neurons *neurons, uint32_t range_first, uint32_t range_last,
                            cls_drive **drive) {
  usage used = {0};
  CLS_TRY(cls_alloc(drive, 1, sizeof **drive, "what drives inputs"));
  (*drive)->neurons = neurons;
  cls_status status = find_usage(neurons, range_first, range_last, &used);
  if (status == CLS_OK) status = fill(*drive, &used);
  free(used.level);
  free(used.count);
  free(used.train);
  return status;
}

void cls_drive_destroy(cls_drive *drive) {
  if (!drive) return;
  free(drive->level);
  free(drive->table);
  free(drive->events);
  free(drive->levels);
  free(drive->counts);
  free(drive->trains);
  free(drive->changing);
  free(drive);
}

size_t cls_drive_bytes(const cls_drive *drive) {
  const cls_neurons *neurons = drive->neurons;
  return sizeof *drive + neurons->n_levels * (sizeof *drive->level + sizeof *drive->levels) +
         neurons->n_counts * (sizeof *drive->table + sizeof *drive->counts) +
         neurons->n_trains * (sizeof *drive->events + sizeof *drive->trains) +
         drive->n_counts * sizeof *drive->changing;
}

void cls_drive_renew(cls_drive *drive) {
  if (drive->n_counts > 0) drive->until = INT64_MIN;
}

/* ---- a step ---- */

/* The level in the middle of the step. That it does not change before some time is used up to two steps
 * before that time only: the rounding of an edge then cannot matter, and the level of a step is what a fresh
 * look at that step gives. */
static void change_level(cls_drive *d, cls_drive_part *part, int64_t step) {
  const cls_waveform *waveform = d->neurons->waveforms[part->index];
  const double dt = d->neurons->network->dt_ms, t = ((double)step + 0.5) * dt;
  const double last = cls_waveform_constant_until(waveform, t) / dt - 2;
  d->level[part->index] = cls_waveform_at(waveform, t);
  part->from = step;
  part->until = step + 1;
  if (last > (double)step + 1) part->until = last < 0x1p62 ? (int64_t)last : INT64_MAX;
}

static void change_table(cls_drive *d, uint32_t c) {
  const cls_count_source *source = &d->neurons->counts[d->counts[c].index];
  cls_count_table *table = &d->changing[c];
  const double level = source->base * d->level[source->level];
  if (level == table->level) return;
  table->level = level;
  source->model->table(level, d->neurons->network->dt_ms, table);
}

static uint64_t step_of(uint64_t event) { return event >> 32; }

/* First event of `step` or later. */
static size_t find_step(const cls_train *train, uint64_t step) {
  size_t low = 0, high = train->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (step_of(train->event[middle]) < step)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void change_events(cls_drive *d, cls_drive_part *part, int64_t step) {
  const cls_train *train = &d->neurons->trains[part->index];
  cls_step_events *events = &d->events[part->index];
  size_t at;
  /* In the course of a run: right behind the events of the last step. */
  if (events->event && part->until == step)
    at = (size_t)(events->event - train->event) + (size_t)events->n;
  else
    at = find_step(train, (uint64_t)step);
  size_t end = at;
  while (end < train->n && step_of(train->event[end]) == (uint64_t)step) end++;
  *events = (cls_step_events){train->event + at, (int)(end - at)};
  part->from = step;
  part->until = end > at || end == train->n ? step + 1 : (int64_t)step_of(train->event[end]);
  if (end == at && end == train->n) part->until = INT64_MAX;
}

void cls_drive_change(cls_drive *d, int64_t step) {
  d->from = INT64_MIN;
  d->until = INT64_MAX;
  for (int kind = 0; kind < 2; kind++) {
    cls_drive_part *parts = kind == 0 ? d->levels : d->trains;
    for (uint32_t i = 0; i < (kind == 0 ? d->n_levels : d->n_trains); i++) {
      cls_drive_part *part = &parts[i];
      if (step < part->from || step >= part->until) (kind == 0 ? change_level : change_events)(d, part, step);
      d->from = part->from > d->from ? part->from : d->from;
      d->until = part->until < d->until ? part->until : d->until;
    }
  }
  for (uint32_t c = 0; c < d->n_counts; c++) change_table(d, c);
}

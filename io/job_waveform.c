/* Keys `waveform:` and `events:` of an input: how its strength changes in time. */
#include "io/job.h"
#include "io/waveform_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int kind;
  double start_ms, stop_ms, value, from, to, frequency_hz, phase_deg, offset, amplitude, period_ms, width_ms,
      interval_ms;
  int interpolation;
  const char *file, *dataset;
} fields;

/* In the order of cls_wave_kind. */
static const char *const kinds[] = {"step", "ramp", "sine", "pulses", "samples", NULL};
enum { N_KINDS = 5 };
static const char *const interpolations[] = {"hold", "linear", NULL};

#define KIND_KEY                                                                                             \
  { "kind", CLS_KEY_CHOICE, offsetof(fields, kind), .required = true, .choices = kinds, .doc = "shape" }
#define START_KEY                                                                                            \
  {                                                                                                          \
    "start_ms", CLS_KEY_NUMBER, offsetof(fields, start_ms), .unit = "ms", .initial = "0", .min = 0,          \
                                                            .max = 1e12, .doc = "beginning; 0 before"        \
  }
#define STOP_KEY(REQUIRED, DOC)                                                                              \
  {                                                                                                          \
    "stop_ms", CLS_KEY_NUMBER, offsetof(fields, stop_ms), .unit = "ms", .required = REQUIRED, .min = 0,      \
                                                          .max = 1e12, .doc = DOC                            \
  }
#define LEVEL_KEY(NAME, FIELD, INITIAL, REQUIRED, DOC)                                                       \
  {                                                                                                          \
    NAME, CLS_KEY_NUMBER, offsetof(fields, FIELD), .initial = INITIAL, .required = REQUIRED, .min = -1e9,    \
                                                   .max = 1e9, .doc = DOC                                    \
  }

static const cls_key step_keys[] = {KIND_KEY, START_KEY, STOP_KEY(false, "end; 0 from then on"),
                                    LEVEL_KEY("value", value, "1", false, "level")};
static const cls_key ramp_keys[] = {KIND_KEY, START_KEY, STOP_KEY(true, "end; 0 from then on"),
                                    LEVEL_KEY("from", from, NULL, true, "level at start_ms"),
                                    LEVEL_KEY("to", to, NULL, true, "level at stop_ms")};
static const cls_key sine_keys[] = {
    KIND_KEY,
    START_KEY,
    STOP_KEY(false, "end; 0 from then on"),
    {"frequency_hz", CLS_KEY_NUMBER, offsetof(fields, frequency_hz), .unit = "Hz", .required = true, .min = 0,
     .max = 1e6, .doc = "cycles per second"},
    {"phase_deg", CLS_KEY_NUMBER, offsetof(fields, phase_deg), .unit = "degrees", .initial = "0", .min = -1e6,
     .max = 1e6, .doc = "at start_ms"},
    LEVEL_KEY("offset", offset, "0", false, "mean level"),
    LEVEL_KEY("amplitude", amplitude, "1", false, "level above the mean at 90 degrees")};
static const cls_key pulses_keys[] = {
    KIND_KEY,
    START_KEY,
    STOP_KEY(false, "end; 0 from then on"),
    LEVEL_KEY("value", value, "1", false, "level of a pulse"),
    {"period_ms", CLS_KEY_NUMBER, offsetof(fields, period_ms), .unit = "ms", .required = true, .min = 0,
     .max = 1e12, .above_min = true, .doc = "from beginning to beginning; the first is at start_ms"},
    {"width_ms", CLS_KEY_NUMBER, offsetof(fields, width_ms), .unit = "ms", .required = true, .min = 0,
     .max = 1e12, .above_min = true, .doc = "length of a pulse"}};
static const cls_key samples_keys[] = {
    KIND_KEY,
    START_KEY,
    STOP_KEY(false, "end; the last sample holds until then"),
    {"file", CLS_KEY_TEXT, offsetof(fields, file), .required = true,
     .doc = "time in ms (from start_ms on) and level in two columns, or levels in one; CSV, TSV or HDF5"},
    {"dataset", CLS_KEY_TEXT, offsetof(fields, dataset), .doc = "of an HDF5 file"},
    {"interval_ms", CLS_KEY_NUMBER, offsetof(fields, interval_ms), .unit = "ms", .min = 0, .max = 1e12,
     .above_min = true, .doc = "between the levels of one column"},
    {"interpolation", CLS_KEY_CHOICE, offsetof(fields, interpolation), .initial = "hold",
     .choices = interpolations, .doc = "between samples: the last one, or a straight line"}};

static const cls_schema wave_schemas[N_KINDS] = {
    {"waveform {kind: step}", "A constant level.", step_keys, CLS_KEYS(step_keys)},
    {"waveform {kind: ramp}", "A straight line.", ramp_keys, CLS_KEYS(ramp_keys)},
    {"waveform {kind: sine}", "An oscillation.", sine_keys, CLS_KEYS(sine_keys)},
    {"waveform {kind: pulses}", "Rectangles at regular intervals.", pulses_keys, CLS_KEYS(pulses_keys)},
    {"waveform {kind: samples}", "Levels from a file.", samples_keys, CLS_KEYS(samples_keys)}};

typedef struct {
  const char *file, *trial_type;
  double start_ms;
} event_fields;
static const cls_key event_keys[] = {
    {"file", CLS_KEY_TEXT, offsetof(event_fields, file), .required = true,
     .doc = "events.tsv of the Brain Imaging Data Structure: columns onset, duration (s), trial_type"},
    {"trial_type", CLS_KEY_TEXT, offsetof(event_fields, trial_type), .initial = "\"*\"",
     .doc = "which events; * ? [ ] stand for letters"},
    {"start_ms", CLS_KEY_NUMBER, offsetof(event_fields, start_ms), .unit = "ms", .initial = "0", .min = 0,
     .max = 1e12, .doc = "time of onset 0 in the run: the beginning of the scan"},
};
const cls_schema cls_schema_events = {"events", "On while an event lasts, off else.", event_keys,
                                      CLS_KEYS(event_keys)};

const cls_schema *cls_job_waveform_schemas(int *n) {
  *n = N_KINDS;
  return wave_schemas;
}

/* ---- reading the keys ---- */

/* Notes a file that rank 0 reads for wave `index` of the waveform (-1: its gate). */
static cls_status request_file(cls_job_reader *r, const cls_yaml *section, const char *written,
                               cls_waveform *waveform, int index, cls_wave_file file) {
  file.node = cls_yaml_get(section, "file");
  file.waveform = waveform;
  file.index = index;
  CLS_TRY(cls_grow(&r->wave_files, &r->wave_file_capacity, r->n_wave_files + 1, sizeof *r->wave_files,
                   "files of waveforms"));
  CLS_TRY(cls_job_path(r, file.node, written, &file.path));
  r->wave_files[r->n_wave_files++] = file;
  return CLS_OK;
}

static cls_status read_wave(cls_job_reader *r, const cls_yaml *node, cls_waveform *waveform) {
  fields f = {.stop_ms = INFINITY};
  const cls_yaml *kind = node->kind == CLS_YAML_MAP ? cls_yaml_get(node, "kind") : NULL;
  if (!kind)
    return cls_yaml_fail(node,
                         "expected {kind: step, ramp, sine, pulses or samples, ...}, or a list of them");
  CLS_TRY(cls_schema_value(r->tree, kind, &step_keys[0], &f.kind));
  CLS_TRY(cls_schema_read(r->tree, node, wave_schemas[f.kind].keys, wave_schemas[f.kind].n_keys, &f));
  if (f.stop_ms <= f.start_ms)
    return cls_yaml_fail(cls_yaml_get(node, "stop_ms"), "value %.10g: expected a time after start_ms %.10g",
                         f.stop_ms, f.start_ms);
  if (f.width_ms > f.period_ms)
    return cls_yaml_fail(cls_yaml_get(node, "width_ms"), "value %.10g: expected at most period_ms %.10g",
                         f.width_ms, f.period_ms);
  const cls_wave wave = {.kind = (cls_wave_kind)f.kind,
                         .start_ms = f.start_ms,
                         .stop_ms = f.stop_ms,
                         .value = f.kind == CLS_WAVE_RAMP ? f.from : f.value,
                         .to = f.to,
                         .frequency_hz = f.frequency_hz,
                         .phase_deg = f.phase_deg,
                         .offset = f.offset,
                         .amplitude = f.amplitude,
                         .period_ms = f.period_ms,
                         .width_ms = f.width_ms,
                         .linear = f.interpolation == 1};
  CLS_TRY(cls_waveform_add(waveform, &wave));
  if (!f.file) return CLS_OK;
  return request_file(r, node, f.file, waveform, waveform->n - 1,
                      (cls_wave_file){.dataset = f.dataset, .interval_ms = f.interval_ms});
}

static cls_status read_events(cls_job_reader *r, const cls_yaml *node, cls_waveform *waveform) {
  event_fields f;
  CLS_TRY(cls_schema_read(r->tree, node, event_keys, CLS_KEYS(event_keys), &f));
  const cls_wave gate = {.kind = CLS_WAVE_SAMPLES, .start_ms = f.start_ms, .stop_ms = INFINITY};
  CLS_TRY(cls_waveform_set_gate(waveform, &gate));
  return request_file(r, node, f.file, waveform, -1, (cls_wave_file){.trial_type = f.trial_type});
}

/* Notes that the waveform is to be held against the model when it is whole. */
static cls_status request_check(cls_job_reader *r, const cls_yaml *node, const cls_waveform *waveform,
                                const cls_model *model, double level) {
  CLS_TRY(cls_grow(&r->wave_checks, &r->wave_check_capacity, r->n_wave_checks + 1, sizeof *r->wave_checks,
                   "waveforms to check"));
  r->wave_checks[r->n_wave_checks++] = (cls_wave_check){node, waveform, model, level};
  return CLS_OK;
}

cls_status cls_job_waveform(cls_job_reader *r, const cls_yaml *waves, const cls_yaml *events,
                            cls_input *input) {
  cls_waveform *waveform = NULL;
  const cls_model *model = input->model;
  if (!waves && !events) return CLS_OK;
  CLS_TRY(cls_waveform_create(&waveform));
  CLS_TRY(cls_network_own_waveform(r->job->network, waveform));
  input->waveform = waveform;
  if (waves && waves->kind == CLS_YAML_LIST) {
    if (waves->n == 0) return cls_yaml_fail(waves, "an empty list: expected at least one {kind: ...}");
    for (size_t i = 0; i < waves->n; i++) CLS_TRY(read_wave(r, waves->items[i], waveform));
  } else if (waves) {
    CLS_TRY(read_wave(r, waves, waveform));
  }
  if (events) CLS_TRY(read_events(r, events, waveform));
  double level =
      model->table ? cls_distribution_mean(&input->param[cls_model_param(model, model->level)]) : 1;
  return request_check(r, waves ? waves : events, waveform, model, level);
}

/* ---- reading the files ---- */

static cls_status read_on_root(cls_job_reader *r, const cls_wave_file *f, cls_wave *wave) {
  uint64_t events;
  cls_status status = f->trial_type ? cls_events_read(f->path, f->trial_type, wave, &events)
                                    : cls_waveform_read(f->path, f->dataset, f->interval_ms, wave);
  if (status != CLS_OK) return cls_yaml_prefix(f->node, status);
  if (f->trial_type)
    cls_log(r->world, 2, "%s: %llu events of type '%s' in %llu blocks", f->path, (unsigned long long)events,
            f->trial_type, (unsigned long long)wave->n / 2);
  return CLS_OK;
}

/* Collective: rank 0's samples on all ranks. */
static cls_status broadcast_samples(const cls_world *world, cls_wave *wave) {
  MPI_Bcast(&wave->n, 1, MPI_UINT64_T, 0, world->comm);
  cls_status status = CLS_OK;
  if (world->rank != 0) {
    status = cls_alloc(&wave->time_ms, wave->n, sizeof *wave->time_ms, "times of a waveform");
    if (status == CLS_OK)
      status = cls_alloc(&wave->sample, wave->n, sizeof *wave->sample, "samples of a waveform");
  }
  CLS_TRY(cls_agree(world->comm, status));
  MPI_Bcast(wave->time_ms, (int)wave->n, MPI_DOUBLE, 0, world->comm);
  MPI_Bcast(wave->sample, (int)wave->n, MPI_DOUBLE, 0, world->comm);
  return CLS_OK;
}

static cls_status check_waveform(const cls_job_reader *r, const cls_wave_check *c) {
  double low, high;
  cls_status status = cls_waveform_check(c->waveform);
  if (status != CLS_OK) return cls_yaml_prefix(c->node, status);
  if (!c->model->table) return CLS_OK;
  CLS_TRY(cls_waveform_bounds(c->waveform, &low, &high));
  if (low < 0)
    return cls_yaml_fail(c->node, "may be as low as %.10g: expected at least 0, %s has no negative rate", low,
                         c->model->name);
  double value[CLS_MAX_PARAMS];
  for (int i = 0; i < c->model->n_params; i++) value[i] = c->model->params[i].initial;
  value[cls_model_param(c->model, c->model->level)] = c->level * high;
  status = c->model->check ? c->model->check(value, r->job->dt_ms) : CLS_OK;
  return status == CLS_OK ? CLS_OK : cls_yaml_prefix(c->node, status);
}

cls_status cls_job_fetch_waveforms(cls_job_reader *r) {
  for (size_t i = 0; i < r->n_wave_files; i++) {
    const cls_wave_file *f = &r->wave_files[i];
    cls_wave *wave = f->index < 0 ? f->waveform->gate : &f->waveform->wave[f->index];
    CLS_TRY(cls_job_agree_root(r->world, r->world->rank == 0 ? read_on_root(r, f, wave) : CLS_OK));
    CLS_TRY(broadcast_samples(r->world, wave));
  }
  cls_status status = CLS_OK;
  for (size_t i = 0; i < r->n_wave_checks && status == CLS_OK; i++)
    status = check_waveform(r, &r->wave_checks[i]);
  return cls_agree(r->world->comm, status);
}

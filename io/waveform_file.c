#include "io/waveform_file.h"
#include "io/hdf5_file.h"
#include "io/matrix_file.h"
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SAMPLES = 1 << 24 };

/* ---- samples ---- */

/* A table of one or two columns of an HDF5 file. */
static cls_status read_dataset(const char *path, const char *name, hid_t file, cls_matrix *m) {
  hid_t dataset = H5Oexists_by_name(file, name, H5P_DEFAULT) > 0 ? H5Dopen2(file, name, H5P_DEFAULT) : -1;
  CLS_CHECK(dataset >= 0, CLS_ERR_INPUT, "%s: no dataset %.60s", path, name);
  hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  hsize_t dims[2] = {0, 1};
  int rank = H5Sget_simple_extent_ndims(space);
  if (rank == 1 || rank == 2) H5Sget_simple_extent_dims(space, dims, NULL);
  H5T_class_t class = H5Tget_class(type);
  H5Tclose(type);
  H5Sclose(space);
  m->rows = dims[0];
  m->columns = dims[1];
  bool right = (rank == 1 || rank == 2) && m->columns >= 1 && m->columns <= 2 && m->rows <= MAX_SAMPLES &&
               (class == H5T_INTEGER || class == H5T_FLOAT);
  cls_status status =
      right ? cls_alloc(&m->values, m->rows * m->columns, sizeof *m->values, "samples of a waveform")
            : cls_fail(CLS_ERR_INPUT, "%s: %.60s: expected numbers in one or two columns", path, name);
  if (status == CLS_OK && H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, m->values) < 0)
    status = cls_h5_fail(file, name);
  H5Dclose(dataset);
  return status;
}

static cls_status read_hdf5(const char *path, const char *dataset, cls_matrix *m) {
  CLS_CHECK(dataset, CLS_ERR_INPUT, "%s: is HDF5: expected key 'dataset'", path);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) {
    (void)cls_h5_fail(-1, "opening it as HDF5");
    return cls_fail(CLS_ERR_INPUT, "%s: %s", path, cls_error_message());
  }
  cls_status status = read_dataset(path, dataset, file, m);
  H5Fclose(file);
  return status;
}

static cls_status take_samples(const char *path, const cls_matrix *m, double interval_ms, cls_wave *wave) {
  CLS_CHECK(m->columns <= 2 && m->rows >= 1 && m->rows <= MAX_SAMPLES, CLS_ERR_INPUT,
            "%s: %llu rows of %llu columns: expected 1 to %d rows of one or two columns", path,
            (unsigned long long)m->rows, (unsigned long long)m->columns, MAX_SAMPLES);
  CLS_CHECK(m->columns == 2 || interval_ms > 0, CLS_ERR_INPUT,
            "%s: one column: expected key 'interval_ms', the time between its values", path);
  CLS_CHECK(m->columns == 1 || interval_ms == 0, CLS_ERR_INPUT,
            "%s: two columns, time in ms and value: expected no key 'interval_ms'", path);
  wave->n = m->rows;
  CLS_TRY(cls_alloc(&wave->time_ms, wave->n, sizeof *wave->time_ms, "times of a waveform"));
  CLS_TRY(cls_alloc(&wave->sample, wave->n, sizeof *wave->sample, "samples of a waveform"));
  for (uint64_t i = 0; i < wave->n; i++) {
    wave->time_ms[i] = m->columns == 2 ? m->values[2 * i] : (double)i * interval_ms;
    wave->sample[i] = m->columns == 2 ? m->values[2 * i + 1] : m->values[i];
  }
  return CLS_OK;
}

cls_status cls_waveform_read(const char *path, const char *dataset, double interval_ms, cls_wave *wave) {
  cls_matrix m = {0};
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  bool hdf5 = H5Fis_hdf5(path) > 0;
  cls_status status = hdf5 ? read_hdf5(path, dataset, &m)
                           : cls_matrix_read_text(path, &(cls_matrix_request){.finite = true}, &m);
  if (status == CLS_OK && !hdf5 && dataset)
    status = cls_fail(CLS_ERR_INPUT, "%s: is no HDF5 file: expected no key 'dataset'", path);
  if (status == CLS_OK) status = take_samples(path, &m, interval_ms, wave);
  cls_matrix_free(&m);
  if (status == CLS_ERR_IO) return CLS_ERR_INPUT; /* the job named the file */
  return status;
}

/* ---- events ---- */

typedef struct {
  double begin, end; /* ms */
} interval;

typedef struct {
  const char *path, *pattern;
  uint64_t line;
  int onset, duration, trial_type; /* columns, -1: none */
  interval *events;
  size_t n, capacity;
  char seen[256]; /* the first trial types that did not match */
} events_reader;

/* The next field of a line of TSV, ended in place; *rest moves behind it, NULL after the last. */
static char *next_field(char **rest) {
  char *field = *rest, *tab = strchr(field, '\t');
  if (tab) *tab = 0;
  *rest = tab ? tab + 1 : NULL;
  return field;
}

static cls_status read_header(events_reader *r, char *text) {
  r->onset = r->duration = r->trial_type = -1;
  int column = 0;
  for (char *rest = text; rest; column++) {
    char *name = next_field(&rest);
    int *known = strcmp(name, "onset") == 0        ? &r->onset
                 : strcmp(name, "duration") == 0   ? &r->duration
                 : strcmp(name, "trial_type") == 0 ? &r->trial_type
                                                   : NULL;
    if (known) *known = column;
  }
  const char *missing = r->onset < 0 ? "onset" : r->duration < 0 ? "duration" : NULL;
  CLS_CHECK(!missing, CLS_ERR_INPUT,
            "%s:1: no column '%s': expected a table of events with columns onset, duration and trial_type, "
            "separated "
            "by tabs",
            r->path, missing);
  CLS_CHECK(r->trial_type >= 0 || strcmp(r->pattern, "*") == 0, CLS_ERR_INPUT,
            "%s:1: no column 'trial_type': expected one, to look for '%.60s' in", r->path, r->pattern);
  return CLS_OK;
}

static cls_status read_seconds(const events_reader *r, const char *name, const char *text, double *ms) {
  char *end = NULL;
  double seconds = text ? strtod(text, &end) : 0;
  CLS_CHECK(text && end != text && *end == 0 && isfinite(seconds) && fabs(seconds) < 1e12, CLS_ERR_INPUT,
            "%s:%llu: %s '%.40s': expected a number of seconds", r->path, (unsigned long long)r->line, name,
            text ? text : "");
  *ms = seconds * 1000;
  return CLS_OK;
}

static void note_type(events_reader *r, const char *type) {
  size_t used = strlen(r->seen);
  if (!type || strstr(r->seen, type) || used + strlen(type) + 3 > sizeof r->seen) return;
  snprintf(r->seen + used, sizeof r->seen - used, "%s%s", used ? ", " : "", type);
}

static cls_status read_event(events_reader *r, char *text) {
  const char *onset = NULL, *duration = NULL, *type = NULL;
  int column = 0;
  for (char *rest = text; rest; column++) {
    const char *field = next_field(&rest);
    if (column == r->onset) onset = field;
    if (column == r->duration) duration = field;
    if (column == r->trial_type) type = field;
  }
  if (r->trial_type >= 0 && fnmatch(r->pattern, type ? type : "", 0) != 0) {
    note_type(r, type);
    return CLS_OK;
  }
  double begin = 0, length = 0;
  CLS_TRY(read_seconds(r, "onset", onset, &begin));
  CLS_TRY(read_seconds(r, "duration", duration, &length));
  CLS_CHECK(length >= 0, CLS_ERR_INPUT, "%s:%llu: duration '%.40s': expected at least 0 s", r->path,
            (unsigned long long)r->line, duration);
  if (begin + length <= begin) return CLS_OK; /* an impulse has no box, nor what cannot be told from one */
  CLS_TRY(cls_grow(&r->events, &r->capacity, r->n + 1, sizeof *r->events, "events"));
  r->events[r->n++] = (interval){begin, begin + length};
  return CLS_OK;
}

static cls_status read_lines(events_reader *r, FILE *file) {
  char *text = NULL;
  size_t room = 0;
  cls_status status = CLS_OK;
  while (status == CLS_OK && getline(&text, &room, file) >= 0) {
    r->line++;
    text[strcspn(text, "\r\n")] = 0;
    if (r->line == 1)
      status = read_header(r, text);
    else if (*text)
      status = read_event(r, text);
  }
  free(text);
  CLS_TRY(status);
  CLS_CHECK(!ferror(file), CLS_ERR_INPUT, "%s: cannot be read: %s", r->path, strerror(errno));
  CLS_CHECK(r->line > 0, CLS_ERR_INPUT, "%s: empty: expected a table of events", r->path);
  CLS_CHECK(r->n <= MAX_SAMPLES / 2, CLS_ERR_INPUT, "%s: %zu events: expected at most %d", r->path, r->n,
            MAX_SAMPLES / 2);
  CLS_CHECK(r->n > 0, CLS_ERR_INPUT, "%s: no event of some length has trial_type '%.60s'%s%s", r->path,
            r->pattern, r->seen[0] ? ": there are " : "", r->seen);
  return CLS_OK;
}

static int by_begin(const void *a, const void *b) {
  double x = ((const interval *)a)->begin, y = ((const interval *)b)->begin;
  return (x > y) - (x < y);
}

/* On and off, events that touch or overlap joined. */
static cls_status take_boxes(events_reader *r, cls_wave *wave) {
  CLS_TRY(cls_alloc(&wave->time_ms, 2 * r->n, sizeof *wave->time_ms, "times of events"));
  CLS_TRY(cls_alloc(&wave->sample, 2 * r->n, sizeof *wave->sample, "events"));
  qsort(r->events, r->n, sizeof *r->events, by_begin);
  for (size_t i = 0; i < r->n;) {
    interval box = r->events[i++];
    for (; i < r->n && r->events[i].begin <= box.end; i++)
      if (r->events[i].end > box.end) box.end = r->events[i].end;
    wave->time_ms[wave->n] = box.begin, wave->sample[wave->n++] = 1;
    wave->time_ms[wave->n] = box.end, wave->sample[wave->n++] = 0;
  }
  return CLS_OK;
}

cls_status cls_events_read(const char *path, const char *pattern, cls_wave *wave, uint64_t *events) {
  events_reader r = {.path = path, .pattern = pattern};
  FILE *file = fopen(path, "r");
  CLS_CHECK(file, CLS_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
  cls_status status = read_lines(&r, file);
  fclose(file);
  if (status == CLS_OK) status = take_boxes(&r, wave);
  *events = r.n;
  free(r.events);
  return status;
}

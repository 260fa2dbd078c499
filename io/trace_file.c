#include "io/trace_file.h"
#include <stdlib.h>
#include <string.h>

/* Frames of one member that wait for the next flush. */
typedef struct {
  float *frame;        /* [frames][owned elements] */
  size_t n, capacity;  /* frames, numbers */
  double *relative_to; /* [owned elements] what is added to a state; NULL: not yet looked at */
  cls_rows rows;
} member_trace;

typedef struct {
  const cls_record *record;
  const cls_trace *trace;
  const char *variable;
  char *name; /* of the file */
  hid_t file;
  int64_t interval;     /* steps */
  cls_columns elements; /* one neuron each, in global order */
  cls_probe *probes;    /* [owned elements] */
  int64_t written;      /* frames: the position */
  member_trace *members;
} trace_file;

/* ---- which neurons ---- */

/* Walks the elements in order, until next_element() finds no more. */
typedef struct {
  const cls_network *network;
  const cls_trace *trace;
  uint32_t k;        /* among the trace's populations */
  uint64_t position; /* among its neurons there */
} walk;

static bool next_element(walk *w, uint32_t *population, uint32_t *index) {
  const cls_chosen *chosen = &w->trace->populations;
  while (w->k < chosen->n &&
         w->position >= cls_trace_neurons(w->trace, w->network, chosen->population[w->k])) {
    w->k++;
    w->position = 0;
  }
  if (w->k == chosen->n) return false;
  *population = chosen->population[w->k];
  *index = w->trace->first > 0 ? (uint32_t)w->position : w->trace->index[w->position];
  w->position++;
  return true;
}

static cls_status count_elements(const trace_file *f, uint32_t *n) {
  uint64_t all = 0;
  const cls_chosen *chosen = &f->trace->populations;
  for (uint32_t k = 0; k < chosen->n; k++)
    all += cls_trace_neurons(f->trace, f->record->network, chosen->population[k]);
  CLS_CHECK(all > 0 && all <= 1u << 30, CLS_ERR_INPUT, "record.traces: %s: %llu neurons, expected 1 to 2^30",
            f->trace->name, (unsigned long long)all);
  *n = (uint32_t)all;
  return CLS_OK;
}

static cls_status place_elements(trace_file *f) {
  const cls_record *record = f->record;
  uint32_t n = 0, population, index;
  int32_t *owner = NULL;
  CLS_TRY(count_elements(f, &n));
  CLS_TRY(cls_alloc(&owner, n, sizeof *owner, "owners of traced neurons"));
  walk w = {.network = record->network, .trace = f->trace};
  for (uint32_t i = 0; next_element(&w, &population, &index); i++)
    owner[i] = record->placement->owner[cls_placement_block_of(record->placement, population, index)];
  cls_status status = cls_columns_create(&record->world, owner, n, &f->elements);
  free(owner);
  return status;
}

/* Where the states of this rank's elements lie. */
static cls_status find_probes(trace_file *f) {
  const cls_record *record = f->record;
  uint32_t population, index, k = 0;
  CLS_TRY(cls_alloc(&f->probes, f->elements.n_owned, sizeof *f->probes, "traced neurons"));
  walk w = {.network = record->network, .trace = f->trace};
  for (uint32_t i = 0; next_element(&w, &population, &index) && k < f->elements.n_owned; i++) {
    if (f->elements.owned[k] != i) continue;
    const cls_model *model = record->network->populations[population].model;
    const int state = cls_model_state(model, f->variable);
    const uint32_t range = cls_layout_find(record->layout, population, index);
    CLS_CHECK(range != UINT32_MAX && state >= 0, CLS_ERR_INTERNAL,
              "trace %s: neuron %u of population %u is not here", f->trace->name, index, population);
    f->probes[k++] = (cls_probe){range, index - record->layout->ranges[range].first, state};
  }
  return CLS_OK;
}

/* ---- the file ---- */

/* `number` has room for one more than there are elements, and serves all columns in turn. */
static cls_status fill_mapping(const trace_file *f, hid_t mapping, uint64_t *number) {
  const cls_network *network = f->record->network;
  const hsize_t n = f->elements.n, pointers = n + 1, three = 3;
  const double start = f->trace->interval_ms, time[3] = {start, start, f->trace->interval_ms};
  const uint8_t sorted = 1;
  uint32_t population, index;
  walk w = {.network = network, .trace = f->trace};
  for (hsize_t i = 0; next_element(&w, &population, &index); i++)
    number[i] = network->populations[population].first + index;
  CLS_TRY(cls_h5_table(mapping, "node_ids", H5T_NATIVE_UINT64, 1, &n, number, NULL));
  CLS_TRY(cls_h5_attribute(mapping, "node_ids", "sorted", H5T_NATIVE_UINT8, 0, &sorted));
  for (hsize_t i = 0; i <= n; i++) number[i] = i;
  CLS_TRY(cls_h5_table(mapping, "index_pointers", H5T_NATIVE_UINT64, 1, &pointers, number, NULL));
  CLS_TRY(cls_h5_link(mapping, "index_pointers", "index_pointer"));
  memset(number, 0, n * sizeof *number); /* zeros of any type */
  CLS_TRY(cls_h5_table(mapping, "element_ids", H5T_NATIVE_UINT32, 1, &n, number, NULL));
  CLS_TRY(cls_h5_table(mapping, "element_pos", H5T_NATIVE_DOUBLE, 1, &n, number, NULL));
  return cls_h5_table(mapping, "time", H5T_NATIVE_DOUBLE, 1, &three, time, "ms");
}

static cls_status write_mapping(const trace_file *f, hid_t file, const char *path) {
  uint64_t *number = NULL;
  CLS_TRY(cls_h5_group(file, path));
  CLS_TRY(cls_alloc(&number, (size_t)f->elements.n + 1, sizeof *number, "mapping of a trace"));
  hid_t mapping = H5Gopen2(file, path, H5P_DEFAULT);
  cls_status status = mapping < 0 ? cls_h5_fail(file, path) : fill_mapping(f, mapping, number);
  if (mapping >= 0) H5Gclose(mapping);
  free(number);
  return status;
}

/* Members show the same neurons at the same times: they share the mapping of member 0. */
static cls_status build_member(const trace_file *f, hid_t file, int member) {
  const cls_model *model = f->record->network->populations[f->trace->populations.population[0]].model;
  char *data = cls_record_path(f->record, "/report", member, "data"),
       *mapping = cls_record_path(f->record, "/report", member, "mapping"),
       *shared = cls_record_path(f->record, "/report", 0, "mapping");
  cls_status status =
      data && mapping && shared ? CLS_OK : cls_fail(CLS_ERR_MEMORY, "out of memory for names of datasets");
  if (status == CLS_OK)
    status = cls_rows_build(&f->members[member].rows, file, data,
                            model->states[cls_model_state(model, f->variable)].unit, NULL, NULL);
  if (status == CLS_OK) status = cls_h5_text(file, data, "variable", f->variable);
  if (status == CLS_OK)
    status = member == 0 ? write_mapping(f, file, mapping) : cls_h5_link(file, shared, mapping);
  free(data);
  free(mapping);
  free(shared);
  return status;
}

static cls_status build(const cls_record *record, void *self, hid_t file) {
  CLS_TRY(cls_record_sonata(file));
  for (int m = 0; m < record->members; m++) CLS_TRY(build_member(self, file, m));
  return CLS_OK;
}

static cls_status open_file(void *self) {
  trace_file *f = self;
  CLS_TRY(cls_record_open(f->record, f->name, build, f, &f->file));
  for (int m = 0; m < f->record->members; m++) {
    char *path = cls_record_path(f->record, "/report", m, "data");
    cls_status status = path ? cls_rows_open(&f->members[m].rows, f->file, path, NULL)
                             : cls_fail(CLS_ERR_MEMORY, "out of memory for names of datasets");
    free(path);
    CLS_TRY(status);
  }
  return CLS_OK;
}

/* Collective. States how far the frames go. */
static cls_status state_times(trace_file *f) {
  const double dt = f->trace->interval_ms, time[3] = {dt, dt * (double)(f->written + 1), dt};
  char *path = cls_record_path(f->record, "/report", 0, "mapping/time");
  CLS_CHECK(path, CLS_ERR_MEMORY, "out of memory for names of datasets");
  cls_status status = cls_h5_table_update(f->record->world.comm, f->file, path, H5T_NATIVE_DOUBLE, time);
  free(path);
  return status;
}

static cls_status close_file(void *self, bool whole) {
  trace_file *f = self;
  for (int m = 0; m < f->record->members; m++) CLS_TRY(cls_rows_close(&f->members[m].rows));
  if (f->file >= 0) CLS_TRY(state_times(f));
  return cls_record_close(f->record, &f->file, whole);
}

/* ---- frames ---- */

/* What the model subtracts from the states of this rank's elements; parameters may differ between members. */
static cls_status find_relative_to(const trace_file *f, const cls_network *network, double **relative_to) {
  CLS_TRY(cls_alloc(relative_to, f->elements.n_owned, sizeof **relative_to, "traced neurons"));
  for (uint32_t k = 0; k < f->elements.n_owned; k++) {
    const cls_range *range = &f->record->layout->ranges[f->probes[k].range];
    const cls_model *model = network->populations[range->population].model;
    const char *base = model->states[f->probes[k].state].relative_to;
    if (base)
      (*relative_to)[k] = cls_population_param(network, range->population, range->first + f->probes[k].index,
                                               cls_model_param(model, base));
  }
  return CLS_OK;
}

static cls_status look(void *self, int member, int64_t step, cls_view *view) {
  trace_file *f = self;
  member_trace *m = &f->members[member];
  const size_t n = f->elements.n_owned;
  CLS_CHECK(step / f->interval == f->written + (int64_t)m->n, CLS_ERR_INTERNAL,
            "trace %s: the frame of step %lld is not the next one", f->trace->name, (long long)step);
  if (!m->relative_to) CLS_TRY(find_relative_to(f, view->network, &m->relative_to));
  CLS_TRY(cls_grow(&m->frame, &m->capacity, (m->n + 1) * n, sizeof *m->frame, "traces to write"));
  float *frame = m->frame + m->n++ * n;
  CLS_TRY(cls_view_probe(view, f->probes, n, frame));
  for (size_t i = 0; i < n; i++) frame[i] = (float)((double)frame[i] + m->relative_to[i]);
  return CLS_OK;
}

static cls_status flush(void *self, int64_t step) {
  trace_file *f = self;
  const int64_t complete = step / f->interval - f->written;
  const size_t frames = complete > 0 ? (size_t)complete : 0;
  for (int k = 0; k < f->record->members && frames > 0; k++) {
    member_trace *m = &f->members[k];
    CLS_TRY(cls_rows_append(&m->rows, frames, m->frame));
    m->n -= frames;
    memmove(m->frame, m->frame + frames * f->elements.n_owned, m->n * f->elements.n_owned * sizeof *m->frame);
  }
  f->written += (int64_t)frames;
  if (f->record->sync) CLS_TRY(state_times(f));
  return cls_record_sync(f->record, f->file);
}

static cls_status keep(void *self, const cls_keeper *keeper) {
  trace_file *f = self;
  if (!keeper->loading) return CLS_OK;
  f->written = f->record->reached / f->interval;
  for (int m = 0; m < f->record->members; m++) f->members[m].rows.written = f->written;
  return CLS_OK;
}

/* ---- creation ---- */

static void free_file(void *self) {
  trace_file *f = self;
  for (int m = 0; f->members && m < f->record->members; m++) {
    free(f->members[m].frame);
    free(f->members[m].relative_to);
    cls_rows_destroy(&f->members[m].rows);
  }
  free(f->members);
  free(f->probes);
  cls_columns_destroy(&f->elements);
  free(f->name);
  free(f);
}

static cls_status make_members(trace_file *f) {
  const size_t members = (size_t)f->record->members;
  CLS_TRY(cls_alloc(&f->members, members, sizeof *f->members, "traces"));
  for (size_t m = 0; m < members; m++) {
    f->members[m].rows = (cls_rows){.record = f->record,
                                    .columns = &f->elements,
                                    .type = H5T_NATIVE_FLOAT,
                                    .per_time = 1,
                                    .time_steps = f->interval};
    CLS_TRY(cls_rows_create(&f->members[m].rows));
  }
  return CLS_OK;
}

cls_status cls_trace_file_create(const cls_record *record, const cls_trace *trace, int variable,
                                 cls_recording *recording) {
  enum { COPIES = 3 }; /* waiting, packed, whole */
  trace_file *f = NULL;
  CLS_TRY(cls_alloc(&f, 1, sizeof *f, "trace"));
  *recording = (cls_recording){.self = f,
                               .open = open_file,
                               .look = look,
                               .flush = flush,
                               .keep = keep,
                               .close = close_file,
                               .free = free_file};
  f->record = record;
  f->trace = trace;
  f->variable = trace->variables[variable];
  f->file = -1;
  f->name = cls_format("trace_%s_%s.h5", trace->name, f->variable);
  CLS_CHECK(f->name, CLS_ERR_MEMORY, "out of memory for the name of a trace");
  recording->file = f->name;
  CLS_TRY(cls_record_steps(record, "record.traces: interval_ms", trace->interval_ms, 1, &f->interval));
  CLS_TRY(place_elements(f));
  CLS_TRY(find_probes(f));
  CLS_TRY(make_members(f));
  recording->interval = f->interval;
  recording->waiting_bytes =
      (double)f->elements.n_owned * record->members * COPIES * sizeof(float) / (double)f->interval;
  return CLS_OK;
}

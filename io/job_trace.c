/* Section `record.traces:`: states of chosen neurons. */
#include "io/job.h"
#include "io/selection.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name;
  const cls_yaml *on, *neurons, *variables;
  double interval_ms;
} fields;

static const cls_key keys[] = {
    {"name", CLS_KEY_TEXT, offsetof(fields, name), .required = true,
     .doc = "part of the files' names: letters, digits, '.', '_' and '-'"},
    {"on", CLS_KEY_ANY, offsetof(fields, on), .required = true, .doc = "a selection of populations"},
    {"neurons", CLS_KEY_ANY, offsetof(fields, neurons), .initial = "1",
     .doc = "of each population: how many, the first ones; or a list of indices, from 0"},
    {"variables", CLS_KEY_LIST, offsetof(fields, variables), .required = true,
     .doc = "states of the populations' model, with or without their unit: V_m_mV, V_m"},
    {"interval_ms", CLS_KEY_NUMBER, offsetof(fields, interval_ms), .unit = "ms", .initial = "1", .min = 0,
     .max = 1e9, .above_min = true, .doc = "time between samples; a multiple of dt_ms"},
};
const cls_schema cls_schema_trace = {"record.traces[]", "States of chosen neurons.", keys, CLS_KEYS(keys)};

/* ---- the name ---- */

cls_status cls_job_check_name(const cls_yaml *node, const char *name) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (strspn(name, allowed) == strlen(name) && strlen(name) <= 64) return CLS_OK;
  return cls_yaml_fail(node,
                       "value '%.80s': expected at most 64 letters, digits, '.', '_' and '-', for the "
                       "name of a file",
                       name);
}

static cls_status read_name(cls_job_reader *r, const cls_yaml *node, const char *name, cls_trace *trace) {
  const cls_record_options *record = &r->job->record;
  CLS_TRY(cls_job_check_name(node, name));
  for (int i = 0; i < record->n_traces - 1; i++)
    if (strcmp(record->traces[i].name, name) == 0)
      return cls_yaml_fail(node, "'%s' is there twice: expected a name of its own", name);
  return cls_job_copy(name, &trace->name);
}

/* ---- which neurons ---- */

static int ascending(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static cls_status read_index(cls_job_reader *r, const cls_yaml *node, const cls_trace *trace,
                             uint32_t *index) {
  static const cls_key key = {"neurons", CLS_KEY_INTEGER, 0, .min = 0, .max = 4294967294.0};
  int64_t value;
  CLS_TRY(cls_schema_value(r->tree, node, &key, &value));
  for (uint32_t i = 0; i < trace->populations.n; i++) {
    const cls_population *p = &r->job->network->populations[trace->populations.population[i]];
    if ((uint64_t)value >= p->n)
      return cls_yaml_fail(node,
                           "value '%lld': population %s has %llu neurons: expected an index from 0 to %llu",
                           (long long)value, p->name, (unsigned long long)p->n, (unsigned long long)p->n - 1);
  }
  *index = (uint32_t)value;
  return CLS_OK;
}

static cls_status read_neurons(cls_job_reader *r, const cls_yaml *node, cls_trace *trace) {
  static const cls_key key = {"neurons", CLS_KEY_INTEGER, 0, .min = 1, .max = 4294967295.0};
  if (node->kind != CLS_YAML_LIST) {
    int64_t first;
    CLS_TRY(cls_schema_value(r->tree, node, &key, &first));
    trace->first = (uint32_t)first;
    return CLS_OK;
  }
  if (node->n == 0 || node->n > 1000000)
    return cls_yaml_fail(node, "a list of %zu: expected 1 to 1000000 indices of neurons", node->n);
  CLS_TRY(cls_alloc(&trace->index, node->n, sizeof *trace->index, "indices of neurons"));
  for (; trace->n_index < node->n; trace->n_index++)
    CLS_TRY(read_index(r, node->items[trace->n_index], trace, &trace->index[trace->n_index]));
  qsort(trace->index, trace->n_index, sizeof *trace->index, ascending);
  for (uint32_t i = 1; i < trace->n_index; i++)
    if (trace->index[i] == trace->index[i - 1])
      return cls_yaml_fail(node, "neuron %u is there twice: expected each once", trace->index[i]);
  return CLS_OK;
}

uint64_t cls_trace_neurons(const cls_trace *trace, const cls_network *network, uint32_t population) {
  const uint64_t n = network->populations[population].n;
  return trace->first == 0 ? trace->n_index : trace->first < n ? trace->first : n;
}

/* ---- which states ---- */

/* "V_m_mV", or "V_m" and the unit is mV. */
static bool is_state(const cls_state_info *state, const char *name) {
  const size_t n = strlen(name);
  if (strncmp(state->name, name, n) != 0) return false;
  if (!state->name[n]) return true;
  return state->unit && state->name[n] == '_' && strcmp(state->name + n + 1, state->unit) == 0;
}

static const cls_state_info *find_state(const cls_model *model, const char *name) {
  for (int j = 0; j < model->n_states; j++)
    if (is_state(&model->states[j], name)) return &model->states[j];
  return NULL;
}

static cls_status unknown_state(const cls_yaml *node, const cls_population *p) {
  char all[640] = "";
  for (int j = 0; j < p->model->n_states; j++) {
    const size_t n = strlen(all);
    snprintf(all + n, sizeof all - n, "%s%s", j > 0 ? ", " : "", p->model->states[j].name);
  }
  return cls_yaml_fail(node, "unknown variable '%.60s' of model %s (population %s): expected one of: %s",
                       node->text, p->model->name, p->name, all);
}

/* The state that all populations have under this name, in one unit: they share a file. */
static cls_status read_variable(cls_job_reader *r, const cls_yaml *node, cls_trace *trace) {
  const cls_state_info *first = NULL;
  char words[128];
  if (node->kind != CLS_YAML_SCALAR || !*node->text)
    return cls_yaml_fail(node, "%s: expected the name of a state",
                         cls_yaml_describe(node, words, sizeof words));
  for (uint32_t i = 0; i < trace->populations.n; i++) {
    const cls_population *p = &r->job->network->populations[trace->populations.population[i]];
    const cls_state_info *state = find_state(p->model, node->text);
    if (!state) return unknown_state(node, p);
    if (!first) first = state;
    if (strcmp(state->name, first->name) != 0 || strcmp(state->unit, first->unit) != 0)
      return cls_yaml_fail(node,
                           "'%s' is %s in %s in one model and %s in %s in %s: expected a trace for each",
                           node->text, first->name, first->unit, state->name, state->unit, p->model->name);
  }
  for (int i = 0; i < trace->n_variables; i++)
    if (strcmp(trace->variables[i], first->name) == 0)
      return cls_yaml_fail(node, "'%s' is there twice: expected each variable once", node->text);
  trace->variables[trace->n_variables++] = first->name;
  return CLS_OK;
}

static cls_status read_variables(cls_job_reader *r, const cls_yaml *list, cls_trace *trace) {
  if (list->n == 0 || list->n > CLS_MAX_STATES)
    return cls_yaml_fail(list, "a list of %zu: expected 1 to %d names of states", list->n, CLS_MAX_STATES);
  CLS_TRY(cls_alloc(&trace->variables, list->n, sizeof *trace->variables, "names of states"));
  for (size_t i = 0; i < list->n; i++) CLS_TRY(read_variable(r, list->items[i], trace));
  return CLS_OK;
}

/* ---- a trace ---- */

static cls_status read_trace(cls_job_reader *r, const cls_yaml *node, cls_trace *trace) {
  fields f;
  CLS_TRY(cls_schema_read(r->tree, node, keys, CLS_KEYS(keys), &f));
  CLS_TRY(read_name(r, cls_yaml_get(node, "name"), f.name, trace));
  CLS_TRY(cls_selection_find(r, f.on, &trace->populations.population, &trace->populations.n));
  trace->populations.wanted = true;
  if (trace->populations.n == 0)
    return cls_yaml_fail(f.on, "selects no population: expected at least one of %u",
                         r->job->network->n_populations);
  CLS_TRY(read_neurons(r, f.neurons, trace));
  CLS_TRY(read_variables(r, f.variables, trace));
  CLS_TRY(cls_job_multiple(node, "interval_ms", &f.interval_ms, r->job->dt_ms, "simulation.dt_ms"));
  trace->interval_ms = f.interval_ms;
  return CLS_OK;
}

cls_status cls_job_read_traces(cls_job_reader *r, const cls_yaml *traces) {
  cls_record_options *record = &r->job->record;
  if (!traces || traces->n == 0) return CLS_OK;
  if (traces->n > 1000) return cls_yaml_fail(traces, "a list of %zu: expected at most 1000", traces->n);
  CLS_TRY(cls_alloc(&record->traces, traces->n, sizeof *record->traces, "traces"));
  for (size_t i = 0; i < traces->n; i++)
    CLS_TRY(read_trace(r, traces->items[i], &record->traces[record->n_traces++]));
  return CLS_OK;
}

/* Readers of SONATA (libsonata) count frames by adding the interval up. */
void cls_job_warn_of_traces(const cls_job_reader *r) {
  for (int i = 0; i < r->job->record.n_traces; i++) {
    const double interval_ms = r->job->record.traces[i].interval_ms, scaled = interval_ms * 0x1p20;
    if (scaled != rint(scaled))
      cls_warn(
          r->world,
          "record.traces.%d.interval_ms: %g is not exact in binary, and some readers of SONATA reports will "
          "count frames wrongly: prefer 0.125, 0.5 or 1",
          i, interval_ms);
  }
}

void cls_job_free_traces(cls_record_options *record) {
  for (int i = 0; i < record->n_traces; i++) {
    free(record->traces[i].name);
    free(record->traces[i].populations.population);
    free(record->traces[i].index);
    free(record->traces[i].variables);
  }
  free(record->traces);
}

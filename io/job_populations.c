/* Section `populations:`. */
#include "io/job.h"
#include <string.h>

typedef struct {
  const char *name, *model, *layer;
  int64_t n;
  const cls_yaml *params, *initial, *inputs, *positions;
  int type;
  double rate_hz;
} fields;

static const char *const types[] = {"E", "I", NULL};
static const cls_key keys[] = {
    {"name", CLS_KEY_TEXT, offsetof(fields, name), .required = true, .doc = "name, unique"},
    {"n", CLS_KEY_INTEGER, offsetof(fields, n), .unit = "neurons", .required = true, .min = 1,
     .max = 4294967295.0, .doc = "number of neurons"},
    {"model", CLS_KEY_TEXT, offsetof(fields, model), .required = true,
     .doc = "neuron model (callosum models lists them)"},
    {"params", CLS_KEY_MAP, offsetof(fields, params),
     .doc = "parameters of the model: numbers or distributions"},
    {"initial", CLS_KEY_MAP, offsetof(fields, initial), .doc = "initial states: numbers or distributions"},
    {"inputs", CLS_KEY_LIST, offsetof(fields, inputs),
     .doc = "input models, each {model: ..., its parameters}"},
    {"positions", CLS_KEY_MAP, offsetof(fields, positions), .doc = "where its neurons are"},
    {"type", CLS_KEY_CHOICE, offsetof(fields, type), .choices = types,
     .doc = "excitatory or inhibitory, for selections and statistics"},
    {"layer", CLS_KEY_TEXT, offsetof(fields, layer), .doc = "name of its layer, for selections"},
    {"rate_hz", CLS_KEY_NUMBER, offsetof(fields, rate_hz), .unit = "spikes/s", .initial = "5", .min = 0,
     .max = 1e4, .doc = "expected rate, for placement, estimates of size and scale.weights"},
};
const cls_schema cls_schema_population = {"populations[]", "Neurons of one model.", keys, CLS_KEYS(keys)};

static cls_status read_inputs(cls_job_reader *r, const cls_yaml *list, cls_population *population) {
  for (size_t i = 0; list && i < list->n; i++) {
    cls_input read = {0}, *input;
    CLS_TRY(cls_job_input(r, list->items[i], population->model, &read));
    CLS_TRY(cls_population_add_input(population, read.model, &input));
    read.key = input->key;
    *input = read;
  }
  return CLS_OK;
}

static cls_status set_layer(const cls_yaml *node, const char *layer, cls_population *population) {
  if (!layer) return CLS_OK;
  if (strlen(layer) >= sizeof population->layer)
    return cls_yaml_fail(cls_yaml_get(node, "layer"), "value '%.60s': expected at most %zu letters", layer,
                         sizeof population->layer - 1);
  snprintf(population->layer, sizeof population->layer, "%s", layer);
  return CLS_OK;
}

static cls_status read_population(cls_job_reader *r, const cls_yaml *node) {
  fields f = {.type = -1};
  const cls_model *model;
  cls_population *population;
  CLS_TRY(cls_schema_read(r->tree, node, keys, CLS_KEYS(keys), &f));
  CLS_TRY(cls_job_model(cls_yaml_get(node, "model"), f.model, false, &model));
  uint64_t n;
  CLS_TRY(cls_job_scale_population(r, node, f.n, &n));
  cls_status status = cls_network_add_population(r->job->network, f.name, model, n, &population);
  if (status != CLS_OK) return cls_yaml_prefix(cls_yaml_get(node, "name"), status);
  population->type = f.type < 0 ? 0 : types[f.type][0];
  population->rate_hz = f.rate_hz;
  CLS_TRY(set_layer(node, f.layer, population));
  CLS_TRY(cls_job_params(r, f.params, node, model, population->param));
  CLS_TRY(cls_job_initial(r, f.initial, population));
  if (f.positions) CLS_TRY(cls_job_read_positions(r, f.positions, r->job->network->n_populations - 1));
  return read_inputs(r, f.inputs, population);
}

cls_status cls_job_read_populations(cls_job_reader *r) {
  char words[128];
  const cls_yaml *list = cls_yaml_get(r->root, "populations");
  if (list->kind != CLS_YAML_LIST || list->n == 0)
    return cls_yaml_fail(list, "%s: expected a list of at least one population",
                         list->kind == CLS_YAML_LIST ? "empty"
                                                     : cls_yaml_describe(list, words, sizeof words));
  for (size_t i = 0; i < list->n; i++) CLS_TRY(read_population(r, list->items[i]));
  return CLS_OK;
}

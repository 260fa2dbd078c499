/* Parameters, initial values and inputs of models: keys come from the registry, never from here. */
#include "io/job.h"
#include <stdlib.h>
#include <string.h>

cls_status cls_job_model(const cls_yaml *node, const char *name, bool is_input, const cls_model **model) {
  *model = cls_model_find(name);
  if (*model && (*model)->is_input == is_input) return CLS_OK;
  const char **names;
  int n = 0;
  CLS_TRY(cls_alloc(&names, (size_t)cls_model_count(), sizeof *names, "names of models"));
  for (int i = 0; i < cls_model_count(); i++)
    if (cls_model_at(i)->is_input == is_input) names[n++] = cls_model_at(i)->name;
  cls_status status = cls_schema_unknown(node, is_input ? "input model" : "neuron model", name, names, n);
  free(names);
  return status;
}

/* The key that describes a parameter. Its field is at `offset`. */
static cls_key param_key(const cls_param_info *info, size_t offset) {
  return (cls_key){.name = info->name,
                   .type = CLS_KEY_DISTRIBUTION,
                   .offset = offset,
                   .unit = info->unit,
                   .min = info->min,
                   .max = info->max,
                   .doc = info->doc};
}

/* What the keys of one value cannot say: parameters that are shared, and how they fit together. The relation
 * is checked here where all are constant, to blame the line; the network checks the others. */
static cls_status check_params(cls_job_reader *r, const cls_yaml *section, const cls_yaml *owner,
                               const cls_model *model, const cls_distribution *param) {
  double value[CLS_MAX_PARAMS];
  bool constant = true;
  for (int i = 0; i < model->n_params; i++) {
    value[i] = param[i].kind == CLS_CONSTANT ? cls_distribution_mean(&param[i]) : 0;
    constant = constant && param[i].kind == CLS_CONSTANT;
    if (model->params[i].shared && param[i].kind != CLS_CONSTANT)
      return cls_yaml_fail(cls_yaml_get(section, model->params[i].name),
                           "a distribution: expected one number, all neurons of a population share it");
  }
  if (!constant || !model->check) return CLS_OK;
  cls_status status = model->check(value, r->job->dt_ms);
  return status == CLS_OK ? CLS_OK : cls_yaml_prefix(section ? section : owner, status);
}

cls_status cls_job_params(cls_job_reader *r, const cls_yaml *section, const cls_yaml *owner,
                          const cls_model *model, cls_distribution *param) {
  cls_key keys[CLS_MAX_PARAMS];
  for (int i = 0; i < model->n_params; i++) keys[i] = param_key(&model->params[i], (size_t)i * sizeof *param);
  if (section) CLS_TRY(cls_schema_read(r->tree, section, keys, model->n_params, param));
  return check_params(r, section, owner, model, param);
}

cls_status cls_job_initial(cls_job_reader *r, const cls_yaml *section, cls_population *population) {
  if (!section) return CLS_OK;
  const cls_model *model = population->model;
  cls_key keys[CLS_MAX_STATES];
  int n = 0;
  for (int i = 0; i < model->n_states; i++)
    if (model->states[i].settable)
      keys[n++] = (cls_key){.name = model->states[i].name,
                            .type = CLS_KEY_DISTRIBUTION,
                            .offset = (size_t)i * sizeof *population->initial,
                            .unit = model->states[i].unit,
                            .doc = model->states[i].doc};
  CLS_TRY(cls_schema_read(r->tree, section, keys, n, population->initial));
  for (size_t k = 0; k < section->n; k++)
    population->has_initial[cls_model_state(model, section->items[k]->key)] = true;
  return CLS_OK;
}

/* Receptor by its own name or by that of its port (then the port's first). -1: there is none. */
static int find_receptor(const cls_model *model, const char *name) {
  int receptor = 0;
  for (int p = 0; p < model->n_ports; p++)
    for (int i = 0; i < model->ports[p].receptors; i++, receptor++)
      if (strcmp(model->ports[p].receptor[i], name) == 0) return receptor;
  int port = cls_model_port(model, name);
  return port < 0 ? -1 : cls_model_port_receptor(model, port);
}

static cls_status read_receptor(const cls_yaml *node, const char *name, const cls_model *target,
                                cls_input *input) {
  input->receptor = input->model->needs_port ? 0 : -1;
  if (!name) return CLS_OK;
  const cls_yaml *where = cls_yaml_get(node, "receptor");
  if (!input->model->needs_port)
    return cls_yaml_fail(
        where, "value '%.60s': %s adds a current and acts through no receptor: expected no such key", name,
        input->model->name);
  input->receptor = find_receptor(target, name);
  if (input->receptor >= 0) return CLS_OK;
  const char *names[CLS_MAX_RECEPTORS];
  int n = 0;
  for (int p = 0; p < target->n_ports; p++)
    for (int i = 0; i < target->ports[p].receptors; i++) names[n++] = target->ports[p].receptor[i];
  return cls_schema_unknown(where, "receptor", name, names, n);
}

cls_status cls_job_input(cls_job_reader *r, const cls_yaml *node, const cls_model *target, cls_input *input) {
  struct {
    const char *model, *receptor;
    cls_distribution param[CLS_MAX_PARAMS];
  } f = {0};
  cls_key keys[CLS_MAX_PARAMS + 2];
  if (node->kind != CLS_YAML_MAP) return cls_yaml_fail(node, "expected a mapping {model: ..., ...}");
  const cls_yaml *name = cls_yaml_get(node, "model");
  if (!name || name->kind != CLS_YAML_SCALAR)
    return cls_yaml_fail(node, "key 'model' is missing: the input model (callosum models lists them)");
  CLS_TRY(cls_job_model(name, name->text, true, &input->model));

  keys[0] =
      (cls_key){.name = "model", .type = CLS_KEY_TEXT, .offset = (size_t)((char *)&f.model - (char *)&f)};
  keys[1] = (cls_key){
      .name = "receptor", .type = CLS_KEY_TEXT, .offset = (size_t)((char *)&f.receptor - (char *)&f)};
  const cls_model *model = input->model;
  for (int i = 0; i < model->n_params; i++) {
    f.param[i] = cls_constant(model->params[i].initial);
    keys[i + 2] = param_key(&model->params[i], (size_t)((char *)&f.param[i] - (char *)&f));
  }
  CLS_TRY(cls_schema_read(r->tree, node, keys, model->n_params + 2, &f));
  CLS_TRY(read_receptor(node, f.receptor, target, input));
  CLS_TRY(check_params(r, node, node, model, f.param));
  memcpy(input->param, f.param, sizeof input->param);
  return CLS_OK;
}

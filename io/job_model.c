/* Parameters and initial values of models: keys come from the registry, never from here. */
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

cls_key cls_job_param_key(const cls_param_info *info, size_t offset) {
  return (cls_key){.name = info->name,
                   .type = CLS_KEY_DISTRIBUTION,
                   .offset = offset,
                   .unit = info->unit,
                   .min = info->min,
                   .max = info->max,
                   .doc = info->doc};
}

/* The relation is checked here where all are constant, to blame the line; the network checks the others. */
cls_status cls_job_check_params(cls_job_reader *r, const cls_yaml *section, const cls_yaml *owner,
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
  for (int i = 0; i < model->n_params; i++)
    keys[i] = cls_job_param_key(&model->params[i], (size_t)i * sizeof *param);
  if (section) CLS_TRY(cls_schema_read(r->tree, section, keys, model->n_params, param));
  return cls_job_check_params(r, section, owner, model, param);
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

#include "network/intervention.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool cls_population_listed(const uint32_t *list, uint32_t n, uint32_t p) {
  uint32_t low = 0, high = n;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (list[middle] < p)
      low = middle + 1;
    else
      high = middle;
  }
  return low < n && list[low] == p;
}

int cls_model_receptor(const cls_model *model, const char *name) {
  int receptor = 0;
  for (int port = 0; port < model->n_ports; port++)
    for (int k = 0; k < model->ports[port].receptors; k++, receptor++)
      if (strcmp(model->ports[port].receptor[k], name) == 0) return receptor;
  return -1;
}

/* ---- adding ---- */

static cls_status check_param(const cls_population *population, const cls_intervention *v) {
  const cls_model *model = population->model;
  int param = cls_model_param(model, v->param);
  CLS_CHECK(param >= 0, CLS_ERR_INPUT, "population '%s': model %s has no parameter %s", population->name,
            model->name, v->param);
  for (int s = 0; s < model->n_states; s++)
    CLS_CHECK(!model->states[s].relative_to || strcmp(model->states[s].relative_to, v->param) != 0,
              CLS_ERR_INPUT, "population '%s': %s cannot change in a run: %s is kept relative to it",
              population->name, v->param, model->states[s].name);
  const cls_param_info *info = &model->params[param];
  CLS_CHECK(v->kind != CLS_SET_PARAM || (v->value >= info->min && v->value <= info->max), CLS_ERR_INPUT,
            "population '%s': %s: %g: expected %g ... %g %s", population->name, v->param, v->value, info->min,
            info->max, info->unit);
  return CLS_OK;
}

static cls_status check(const cls_network *network, const cls_intervention *v) {
  CLS_CHECK(v->step >= 0, CLS_ERR_INPUT, "intervention at step %lld: expected 0 or later",
            (long long)v->step);
  CLS_CHECK(isfinite(v->value) && fabs(v->value) <= 1e12, CLS_ERR_INPUT,
            "intervention: value %g: expected a finite number up to 1e12", v->value);
  CLS_CHECK(v->kind == CLS_SET_PARAM || v->value >= 0, CLS_ERR_INPUT,
            "intervention: factor %g: expected 0 or more", v->value);
  for (uint32_t i = 0; i < v->n_on; i++) {
    const cls_population *population = &network->populations[v->on[i]];
    if (v->kind == CLS_SCALE_PARAM || v->kind == CLS_SET_PARAM) CLS_TRY(check_param(population, v));
    CLS_CHECK(v->kind != CLS_SCALE_RECEPTOR || cls_model_receptor(population->model, v->param) >= 0,
              CLS_ERR_INPUT, "population '%s': model %s has no receptor %s", population->name,
              population->model->name, v->param);
  }
  return CLS_OK;
}

static cls_status copy_list(const uint32_t *list, uint32_t n, uint32_t **copy) {
  CLS_TRY(cls_alloc(copy, n, sizeof **copy, "populations of an intervention"));
  if (n > 0) memcpy(*copy, list, n * sizeof *list);
  return CLS_OK;
}

cls_status cls_network_add_intervention(cls_network *network, const cls_intervention *intervention) {
  CLS_TRY(check(network, intervention));
  size_t capacity = network->n_interventions; /* few: grown one by one */
  CLS_TRY(cls_grow(&network->interventions, &capacity, network->n_interventions + 1ul,
                   sizeof *network->interventions, "interventions"));
  cls_intervention made = *intervention;
  made.on = made.from = NULL;
  made.param = NULL;
  cls_status status = copy_list(intervention->on, intervention->n_on, &made.on);
  if (status == CLS_OK) status = copy_list(intervention->from, intervention->n_from, &made.from);
  if (status == CLS_OK && intervention->param && !(made.param = cls_format("%s", intervention->param)))
    status = cls_fail(CLS_ERR_MEMORY, "no memory for an intervention");
  if (status != CLS_OK) {
    free(made.on);
    free(made.from);
    return status;
  }
  uint32_t at = network->n_interventions++;
  for (; at > 0 && network->interventions[at - 1].step > made.step; at--)
    network->interventions[at] = network->interventions[at - 1];
  network->interventions[at] = made;
  return CLS_OK;
}

static cls_status check_population(const cls_network *network, uint32_t p) {
  const cls_population *population = &network->populations[p];
  const cls_model *model = population->model;
  double value[CLS_MAX_PARAMS];
  for (int i = 0; i < model->n_params; i++) {
    double lower = cls_distribution_lower(&population->param[i]);
    double upper = cls_distribution_upper(&population->param[i]);
    value[i] = fmin(fmax(cls_distribution_mean(&population->param[i]), lower), upper);
  }
  for (uint32_t k = 0; k < network->n_interventions; k++) {
    const cls_intervention *v = &network->interventions[k];
    bool set = v->kind == CLS_SET_PARAM;
    if ((!set && v->kind != CLS_SCALE_PARAM) || !cls_population_listed(v->on, v->n_on, p)) continue;
    int i = cls_model_param(model, v->param);
    value[i] = set ? v->value : value[i] * v->value;
    CLS_CHECK(value[i] >= model->params[i].min && value[i] <= model->params[i].max, CLS_ERR_INPUT,
              "population '%s': %s is %g after intervention %u: expected %g ... %g %s", population->name,
              v->param, value[i], k, model->params[i].min, model->params[i].max, model->params[i].unit);
    if (model->check && model->check(value, network->dt_ms) != CLS_OK)
      return cls_error_prefix(CLS_ERR_INPUT, "population '%s' after intervention %u", population->name, k);
  }
  return CLS_OK;
}

cls_status cls_network_check_interventions(const cls_network *network) {
  for (uint32_t p = 0; p < network->n_populations && network->n_interventions > 0; p++)
    CLS_TRY(check_population(network, p));
  return CLS_OK;
}

/* ---- factors of tracts ---- */

static bool scales(const cls_intervention *v, const cls_projection *projection, uint32_t source) {
  return v->kind == CLS_SCALE_TRACTS && cls_population_listed(v->on, v->n_on, projection->target) &&
         cls_population_listed(v->from, v->n_from, projection->sources[source].population);
}

double cls_projection_factor(const cls_network *network, const cls_projection *projection, uint32_t source,
                             int64_t step) {
  double factor = 1;
  for (uint32_t i = 0; i < network->n_interventions && network->interventions[i].step <= step; i++)
    if (scales(&network->interventions[i], projection, source)) factor *= network->interventions[i].value;
  return factor;
}

cls_status cls_projection_at(const cls_network *network, const cls_projection *projection, int64_t step,
                             cls_projection *copy, double **factor) {
  *copy = *projection;
  *factor = NULL;
  bool any = false;
  for (uint32_t i = 0; i < network->n_interventions && network->interventions[i].step <= step; i++) {
    const cls_intervention *v = &network->interventions[i];
    any = any || (v->kind == CLS_SCALE_TRACTS && cls_population_listed(v->on, v->n_on, projection->target));
  }
  if (!any) return CLS_OK;
  CLS_TRY(cls_alloc(factor, projection->n_sources, sizeof **factor, "factors of a projection"));
  for (uint32_t s = 0; s < projection->n_sources; s++)
    (*factor)[s] = cls_projection_factor(network, projection, s, step);
  copy->factor = *factor;
  return CLS_OK;
}

bool cls_projection_is_scaled(const cls_network *network, const cls_projection *projection) {
  for (uint32_t i = 0; i < network->n_interventions; i++)
    for (uint32_t s = 0; s < projection->n_sources; s++)
      if (scales(&network->interventions[i], projection, s)) return true;
  return false;
}

double cls_projection_greatest_factor(const cls_network *network, const cls_projection *projection) {
  double greatest = 1;
  for (uint32_t s = 0; s < projection->n_sources && network->n_interventions > 0; s++) {
    double factor = 1;
    for (uint32_t i = 0; i < network->n_interventions; i++) {
      if (!scales(&network->interventions[i], projection, s)) continue;
      factor *= network->interventions[i].value;
      if (factor > greatest) greatest = factor;
    }
  }
  return greatest;
}

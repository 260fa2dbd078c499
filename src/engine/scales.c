#include "engine/scales.h"
#include "network/intervention.h"
#include <math.h>
#include <stdlib.h>

/* ---- lists ---- */

typedef struct {
  const cls_scale *scale;
  size_t n;
} span;

/* Scales of a population. */
static span span_of(const cls_scale_list *list, uint32_t population) {
  size_t low = 0, high = list->n;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (list->scale[middle].population < population)
      low = middle + 1;
    else
      high = middle;
  }
  span s = {list->scale + low, 0};
  while (low + s.n < list->n && s.scale[s.n].population == population) s.n++;
  return s;
}

static bool same(span a, span b) {
  if (a.n != b.n) return false;
  for (size_t i = 0; i < a.n; i++) {
    const cls_scale *x = &a.scale[i], *y = &b.scale[i];
    if (x->kind != y->kind || x->input != y->input || x->which != y->which || x->set != y->set ||
        x->value != y->value)
      return false;
  }
  return true;
}

static int by_population(const void *a, const void *b) {
  const cls_scale *x = *(const cls_scale *const *)a, *y = *(const cls_scale *const *)b;
  if (x->population != y->population) return x->population < y->population ? -1 : 1;
  return (x > y) - (x < y);
}

/* A copy by population, in the same order within each. */
static cls_status sorted(const cls_scale *scales, size_t n, cls_scale_list *list) {
  const cls_scale **order = NULL;
  CLS_TRY(cls_alloc(&order, n, sizeof *order, "scales"));
  cls_status status = cls_alloc(&list->scale, n, sizeof *list->scale, "scales");
  for (size_t i = 0; i < n; i++) order[i] = &scales[i];
  if (n > 0) qsort(order, n, sizeof *order, by_population);
  for (size_t i = 0; i < n && status == CLS_OK; i++) list->scale[i] = *order[i];
  list->n = status == CLS_OK ? n : 0;
  free(order);
  return status;
}

/* ---- checking: the same on every rank, whatever neurons it has ---- */

static cls_status check_scale(const cls_network *network, const cls_scale *s) {
  CLS_CHECK(s->population < network->n_populations, CLS_ERR_INPUT, "a scale of population %u of %u",
            s->population, network->n_populations);
  const cls_population *p = &network->populations[s->population];
  CLS_CHECK(isfinite(s->value) && fabs(s->value) <= 1e12, CLS_ERR_INPUT,
            "population '%s': scale %g: expected a finite number up to 1e12", p->name, s->value);
  CLS_CHECK(s->set || s->value >= 0, CLS_ERR_INPUT, "population '%s': scale %g: expected 0 or more", p->name,
            s->value);
  if (s->kind == CLS_OF_RECEPTOR) {
    CLS_CHECK(s->which >= 0 && s->which < p->model->n_receptors && !s->set, CLS_ERR_INPUT,
              "population '%s': receptor %d of %d is to be %s %g: expected a factor", p->name, s->which,
              p->model->n_receptors, s->set ? "set to" : "multiplied by", s->value);
    return CLS_OK;
  }
  const bool of_input = s->kind == CLS_OF_INPUT_PARAM;
  CLS_CHECK(!of_input || (s->input >= 0 && s->input < p->n_inputs), CLS_ERR_INPUT,
            "population '%s': a scale of input %d of %d", p->name, s->input, p->n_inputs);
  const cls_model *model = of_input ? p->inputs[s->input].model : p->model;
  CLS_CHECK(s->which >= 0 && s->which < model->n_params, CLS_ERR_INPUT,
            "population '%s': a scale of parameter %d of the %d of model %s", p->name, s->which,
            model->n_params, model->name);
  for (int k = 0; k < model->n_states; k++)
    CLS_CHECK(!model->states[k].relative_to ||
                  cls_model_param(model, model->states[k].relative_to) != s->which,
              CLS_ERR_INPUT, "population '%s': %s cannot change in a run: %s is kept relative to it", p->name,
              model->params[s->which].name, model->states[k].name);
  return CLS_OK;
}

/* Do the parameters that a scale changes lie in their ranges, and fit together, at the means of those that vary? */
static cls_status check_means(const cls_changes *changes, const cls_scale *s) {
  const cls_population *p = &changes->network->populations[s->population];
  const bool of_input = s->kind == CLS_OF_INPUT_PARAM;
  const cls_model *model = of_input ? p->inputs[s->input].model : p->model;
  const cls_distribution *param = of_input ? p->inputs[s->input].param : p->param;
  const cls_param_info *info = &model->params[s->which];
  double value[CLS_MAX_PARAMS];
  for (int i = 0; i < model->n_params; i++)
    value[i] = fmin(fmax(cls_distribution_mean(&param[i]), cls_distribution_lower(&param[i])),
                    cls_distribution_upper(&param[i]));
  cls_changes_apply(changes, model, of_input ? s->input : -1, value);
  CLS_CHECK(value[s->which] >= info->min && value[s->which] <= info->max, CLS_ERR_INPUT,
            "population '%s': %s is %g with its scales: expected %g ... %g %s", p->name, info->name,
            value[s->which], info->min, info->max, info->unit);
  if (model->check && model->check(value, changes->network->dt_ms) != CLS_OK)
    return cls_error_prefix(CLS_ERR_INPUT, "population '%s': %s is %g with its scales", p->name, info->name,
                            value[s->which]);
  return CLS_OK;
}

static cls_status check(const cls_network *network, uint32_t n_interventions, const cls_scale_list *list) {
  for (size_t i = 0; i < list->n; i++) {
    const cls_scale *s = &list->scale[i];
    if (s->kind == CLS_OF_RECEPTOR) continue;
    const cls_range range = {.population = s->population};
    const span all = span_of(list, s->population);
    const cls_changes changes = {network, &range, n_interventions, all.scale, all.n};
    CLS_TRY(check_means(&changes, s));
  }
  return CLS_OK;
}

/* ---- scaling ---- */

static cls_status own(cls_neurons *c, const cls_model *model, int stride, uint32_t padded, float **konst,
                      bool *borrowed) {
  if (!*borrowed) return CLS_OK;
  const size_t floats = cls_neurons_const_floats(model, stride, padded);
  float *made = NULL;
  CLS_TRY(cls_alloc(&made, floats, sizeof *made, "constants of a member"));
  *konst = made;
  *borrowed = false;
  c->bytes += floats * sizeof *made;
  return CLS_OK;
}

/* What scales change is no longer borrowed. It is to be derived next, whatever becomes of the rest. */
static cls_status own_scaled(cls_neurons *c, const cls_population *p, cls_range_run *run, span scales) {
  for (size_t i = 0; i < scales.n; i++) {
    const cls_scale *s = &scales.scale[i];
    if (s->kind == CLS_OF_PARAM)
      CLS_TRY(own(c, run->model, run->stride, run->padded, &run->konst, &run->borrowed));
    for (int k = 0; k < run->n_inputs; k++) {
      cls_input_run *in = &run->inputs[k];
      if (s->kind == CLS_OF_INPUT_PARAM
              ? cls_neurons_input_number(p, in) == s->input
              : s->kind == CLS_OF_RECEPTOR && in->model->needs_port && in->receptor == s->which)
        CLS_TRY(own(c, in->model, in->stride, run->padded, &in->konst, &in->borrowed));
    }
  }
  return CLS_OK;
}

/* Tables of counts follow the strength of their inputs. */
static void follow(cls_neurons *c, const cls_range_run *run) {
  for (int k = 0; k < run->n_inputs; k++) {
    const cls_input_run *in = &run->inputs[k];
    if (in->count == CLS_NONE || c->counts[in->count].base == in->base) continue;
    cls_count_source *source = &c->counts[in->count];
    source->base = in->base;
    if (source->level == 0) in->model->table(in->base, c->network->dt_ms, &source->table);
  }
}

cls_status cls_neurons_rederive(cls_neurons *neurons, const cls_layout *layout, uint32_t range,
                                uint32_t n_interventions) {
  const cls_range *of = &layout->ranges[range];
  const span scales = span_of(&neurons->scales, of->population);
  const cls_changes changes = {neurons->network, of, n_interventions, scales.scale, scales.n};
  return cls_neurons_derive(&changes, &neurons->runs[range]);
}

/* From the scales `before` to those that are there now. */
static cls_status change(cls_neurons *c, const cls_layout *layout, uint32_t n_interventions,
                         const cls_scale_list *before) {
  for (uint32_t r = 0; r < c->n_runs; r++) {
    const uint32_t population = layout->ranges[r].population;
    const span now = span_of(&c->scales, population);
    if (same(now, span_of(before, population))) continue;
    CLS_TRY(own_scaled(c, &c->network->populations[population], &c->runs[r], now));
    CLS_TRY(cls_neurons_rederive(c, layout, r, n_interventions));
    follow(c, &c->runs[r]);
  }
  return CLS_OK;
}

cls_status cls_neurons_scale(cls_neurons *neurons, const cls_layout *layout, uint32_t n_interventions,
                             const cls_scale *scales, size_t n) {
  cls_neurons *c = neurons;
  const cls_scale_list before = c->scales;
  cls_scale_list now = {0};
  for (size_t i = 0; i < n; i++) CLS_TRY(check_scale(c->network, &scales[i]));
  c->changes++;
  cls_status status = sorted(scales, n, &now);
  if (status == CLS_OK) status = check(c->network, n_interventions, &now);
  if (status == CLS_OK) {
    c->scales = now;
    status = change(c, layout, n_interventions, &before);
    if (status == CLS_OK) {
      free(before.scale);
      return CLS_OK;
    }
    c->scales = before;
    (void)change(c, layout, n_interventions, &now); /* as it was: what fitted together still does */
  }
  free(now.scale);
  return status;
}

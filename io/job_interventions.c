/* Section `interventions:`: lesions, blocked receptors, weakened tracts and other parameters, each at a time. */
#include "io/selection.h"
#include "network/intervention.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
  double at_ms, factor, value;
  const cls_yaml *remove, *tracts, *on;
  const char *receptor, *param;
} fields;

static const cls_key keys[] = {
    {"at_ms", CLS_KEY_NUMBER, offsetof(fields, at_ms), .unit = "ms", .initial = "0", .min = 0, .max = 1e12,
     .doc = "when; a multiple of dt_ms. 0: from the start"},
    {"remove", CLS_KEY_ANY, offsetof(fields, remove),
     .doc = "selection of populations that fall silent: a lesion. All other synapses stay as they were"},
    {"tracts", CLS_KEY_MAP, offsetof(fields, tracts),
     .doc = "{from: selection, onto: selection}: synapses whose weights get `factor`"},
    {"on", CLS_KEY_ANY, offsetof(fields, on),
     .doc = "selection of populations whose `receptor` or `param` changes; all where it is absent"},
    {"receptor", CLS_KEY_TEXT, offsetof(fields, receptor), .doc = "receptor whose input gets `factor`"},
    {"param", CLS_KEY_TEXT, offsetof(fields, param),
     .doc = "parameter of the neuron model that gets `factor` or becomes `value`"},
    {"factor", CLS_KEY_NUMBER, offsetof(fields, factor), .min = 0, .max = 1e12,
     .doc = "of what is changed; 0 removes it"},
    {"value", CLS_KEY_NUMBER, offsetof(fields, value), .doc = "new value of `param`"},
};
const cls_schema cls_schema_intervention = {
    "interventions[]",
    "One change while the network runs; exactly one of `remove`, `tracts`, `receptor`, `param`.", keys,
    CLS_KEYS(keys)};

typedef struct {
  const cls_yaml *from, *onto;
} tract_fields;
static const cls_key tract_keys[] = {
    {"from", CLS_KEY_ANY, offsetof(tract_fields, from), .required = true,
     .doc = "selection of source populations"},
    {"onto", CLS_KEY_ANY, offsetof(tract_fields, onto), .required = true,
     .doc = "selection of target populations"},
};
const cls_schema cls_schema_tracts = {"interventions[].tracts", "Synapses by their two ends.", tract_keys,
                                      CLS_KEYS(tract_keys)};

/* Exactly one thing is changed, in one way that fits it. */
static cls_status check(const cls_yaml *node, const fields *f) {
  int kinds = (f->remove != NULL) + (f->tracts != NULL) + (f->receptor != NULL) + (f->param != NULL);
  bool factor = !isnan(f->factor), value = !isnan(f->value);
  if (kinds != 1)
    return cls_yaml_fail(node, "%d of the keys remove, tracts, receptor and param: expected exactly one",
                         kinds);
  if (f->remove && (f->on || factor || value))
    return cls_yaml_fail(node, "remove takes no other key than at_ms: expected {at_ms: ..., remove: ...}");
  if (f->tracts && f->on)
    return cls_yaml_fail(cls_yaml_get(node, "on"), "tracts name both their ends: expected no such key");
  if (value && !f->param)
    return cls_yaml_fail(cls_yaml_get(node, "value"), "only a param takes a value: expected factor");
  if (!f->remove && factor == value)
    return cls_yaml_fail(node, factor ? "both factor and value: expected one of them"
                                      : "key 'factor' is missing: how much of it is left");
  return CLS_OK;
}

static cls_status everything(cls_job_reader *r, uint32_t **populations, uint32_t *n) {
  *n = r->job->network->n_populations;
  CLS_TRY(cls_alloc(populations, *n, sizeof **populations, "selected populations"));
  for (uint32_t p = 0; p < *n; p++) (*populations)[p] = p;
  return CLS_OK;
}

/* Fills the lists of populations, which the caller frees whatever is returned. */
static cls_status select_populations(cls_job_reader *r, const fields *f, cls_intervention *v) {
  if (f->remove) return cls_selection_find(r, f->remove, &v->on, &v->n_on);
  if (!f->tracts)
    return f->on ? cls_selection_find(r, f->on, &v->on, &v->n_on) : everything(r, &v->on, &v->n_on);
  tract_fields t;
  CLS_TRY(cls_schema_read(r->tree, f->tracts, tract_keys, CLS_KEYS(tract_keys), &t));
  CLS_TRY(cls_selection_find(r, t.onto, &v->on, &v->n_on));
  return cls_selection_find(r, t.from, &v->from, &v->n_from);
}

static cls_status read_intervention(cls_job_reader *r, const cls_yaml *node) {
  fields f = {.factor = NAN, .value = NAN};
  CLS_TRY(cls_schema_read(r->tree, node, keys, CLS_KEYS(keys), &f));
  CLS_TRY(check(node, &f));
  if (f.at_ms > 0) CLS_TRY(cls_job_multiple(node, "at_ms", &f.at_ms, r->job->dt_ms, "simulation.dt_ms"));
  bool set = !isnan(f.value);
  cls_intervention v = {.kind = f.remove     ? CLS_REMOVE
                                : f.tracts   ? CLS_SCALE_TRACTS
                                : f.receptor ? CLS_SCALE_RECEPTOR
                                : set        ? CLS_SET_PARAM
                                             : CLS_SCALE_PARAM,
                        .step = (int64_t)rint(f.at_ms / r->job->dt_ms),
                        .param = (char *)(f.receptor ? f.receptor : f.param), /* copied by the network */
                        .value = f.remove ? 0
                                 : set    ? f.value
                                          : f.factor};
  cls_status status = select_populations(r, &f, &v);
  if (status == CLS_OK) {
    status = cls_network_add_intervention(r->job->network, &v);
    if (status != CLS_OK) cls_yaml_prefix(node, status);
  }
  free(v.on);
  free(v.from);
  return status;
}

cls_status cls_job_read_interventions(cls_job_reader *r) {
  const cls_yaml *list = cls_yaml_get(r->root, "interventions");
  for (size_t i = 0; list && i < list->n; i++) CLS_TRY(read_intervention(r, list->items[i]));
  return CLS_OK;
}

/* Section `record.weights:`: weights of plastic synapses. */
#include "io/job.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name;
  const cls_yaml *projections;
  double sample, interval_ms;
} fields;

static const cls_key keys[] = {
    {"name", CLS_KEY_TEXT, offsetof(fields, name), .required = true,
     .doc = "part of the file's name: letters, digits, '.', '_' and '-'"},
    {"projections", CLS_KEY_ANY, offsetof(fields, projections), .initial = "all",
     .doc = "all with STDP; or a name, a pattern, or a list of them"},
    {"sample", CLS_KEY_NUMBER, offsetof(fields, sample), .initial = "1", .min = 0, .max = 1,
     .above_min = true, .doc = "share of the synapses, drawn for each"},
    {"interval_ms", CLS_KEY_NUMBER, offsetof(fields, interval_ms), .unit = "ms", .initial = "1000", .min = 0,
     .max = 1e9, .above_min = true, .doc = "time between samples; a multiple of dt_ms"},
};
const cls_schema cls_schema_weights = {
    "record.weights[]", "Weights of synapses with STDP, at the end of the run too.", keys, CLS_KEYS(keys)};

static cls_status read_name(cls_job_reader *r, const cls_yaml *node, const char *name, cls_weights *weights) {
  const cls_record_options *record = &r->job->record;
  CLS_TRY(cls_job_check_name(node, name));
  for (int i = 0; i < record->n_weights - 1; i++)
    if (strcmp(record->weights[i].name, name) == 0)
      return cls_yaml_fail(node, "'%s' is there twice: expected a name of its own", name);
  return cls_job_copy(name, &weights->name);
}

/* ---- which projections ---- */

static bool changes(const cls_projection *projection) {
  return projection->plasticity && projection->plasticity->has_stdp;
}

static cls_status nobody(cls_job_reader *r, const cls_yaml *node, bool static_ones) {
  const cls_network *network = r->job->network;
  if (static_ones)
    return cls_yaml_fail(
        node, "projection '%.60s' has no STDP: expected one whose weights change (plasticity.stdp)",
        node->text);
  if (strpbrk(node->text, "*?[")) {
    cls_warn(r->world, "record.weights: pattern '%s' matches no projection with STDP", node->text);
    return CLS_OK;
  }
  return cls_yaml_fail(node, "unknown projection '%.60s': expected a name, as '%s', or a pattern", node->text,
                       network->n_projections > 0 ? network->projections[0].name : "");
}

/* Marks the projections with STDP that a name or a pattern is about. */
static cls_status mark(cls_job_reader *r, const cls_yaml *node, bool *chosen) {
  const cls_network *network = r->job->network;
  char words[128];
  bool any = false, static_ones = false;
  if (node->kind != CLS_YAML_SCALAR || !*node->text)
    return cls_yaml_fail(node, "%s: expected the name of a projection, or a pattern",
                         cls_yaml_describe(node, words, sizeof words));
  for (uint32_t p = 0; p < network->n_projections; p++) {
    const cls_projection *projection = &network->projections[p];
    const bool named = strcmp(node->text, projection->name) == 0;
    if (!named && fnmatch(node->text, projection->name, 0) != 0) continue;
    if (changes(projection))
      any = chosen[p] = true;
    else
      static_ones = static_ones || named;
  }
  return any ? CLS_OK : nobody(r, node, static_ones);
}

static cls_status mark_all(cls_job_reader *r, const cls_yaml *node, bool *chosen) {
  const cls_network *network = r->job->network;
  if (node->kind == CLS_YAML_SCALAR && strcmp(node->text, "all") == 0) {
    for (uint32_t p = 0; p < network->n_projections; p++) chosen[p] = changes(&network->projections[p]);
    return CLS_OK;
  }
  if (node->kind != CLS_YAML_LIST) return mark(r, node, chosen);
  for (size_t i = 0; i < node->n; i++) CLS_TRY(mark(r, node->items[i], chosen));
  return CLS_OK;
}

/* `node` stands for what was not written where it is a default: `element` is blamed then. */
static cls_status read_projections(cls_job_reader *r, const cls_yaml *element, const cls_yaml *node,
                                   cls_weights *weights) {
  const uint32_t all = r->job->network->n_projections;
  bool *chosen = NULL;
  CLS_TRY(cls_alloc(&chosen, all, sizeof *chosen, "chosen projections"));
  cls_status status = mark_all(r, node, chosen);
  if (status == CLS_OK)
    status = cls_alloc(&weights->projection, all, sizeof *weights->projection, "chosen projections");
  for (uint32_t p = 0; p < all && status == CLS_OK; p++)
    if (chosen[p]) weights->projection[weights->n++] = p;
  free(chosen);
  CLS_TRY(status);
  if (weights->n > 0) return CLS_OK;
  const cls_yaml *written = cls_yaml_get(element, "projections");
  return cls_yaml_fail(
      written ? written : element,
      "of %u projections it selects none with STDP: expected at least one with plasticity.stdp", all);
}

/* ---- an element ---- */

static cls_status read_element(cls_job_reader *r, const cls_yaml *node, cls_weights *weights) {
  fields f;
  CLS_TRY(cls_schema_read(r->tree, node, keys, CLS_KEYS(keys), &f));
  CLS_TRY(read_name(r, cls_yaml_get(node, "name"), f.name, weights));
  CLS_TRY(read_projections(r, node, f.projections, weights));
  CLS_TRY(cls_job_multiple(node, "interval_ms", &f.interval_ms, r->job->dt_ms, "simulation.dt_ms"));
  weights->sample = f.sample;
  weights->interval_ms = f.interval_ms;
  return CLS_OK;
}

cls_status cls_job_read_weights(cls_job_reader *r, const cls_yaml *weights) {
  cls_record_options *record = &r->job->record;
  if (!weights || weights->n == 0) return CLS_OK;
  if (weights->n > 1000) return cls_yaml_fail(weights, "a list of %zu: expected at most 1000", weights->n);
  CLS_TRY(cls_alloc(&record->weights, weights->n, sizeof *record->weights, "recordings of weights"));
  for (size_t i = 0; i < weights->n; i++)
    CLS_TRY(read_element(r, weights->items[i], &record->weights[record->n_weights++]));
  return CLS_OK;
}

void cls_job_free_weights(cls_record_options *record) {
  for (int i = 0; i < record->n_weights; i++) {
    free(record->weights[i].name);
    free(record->weights[i].projection);
  }
  free(record->weights);
}

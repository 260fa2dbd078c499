/* Section `projections:`. */
#include "io/job.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name, *target, *receptor;
  const cls_yaml *source, *weight;
  int rule;
  int64_t indegree, total;
  double probability;
  bool autapses, multapses;
  cls_distribution delay_ms;
} fields;

/* In the order of cls_rule; and the number each rule needs. */
static const char *const rules[] = {"one_to_one",         "all_to_all",         "fixed_indegree",
                                    "fixed_total_number", "pairwise_bernoulli", NULL};
static const char *const rule_number[] = {NULL, NULL, "indegree", "total", "probability"};

static const cls_key keys[] = {
    {"name", CLS_KEY_TEXT, offsetof(fields, name), .doc = "name, unique; SOURCE->TARGET where it is absent"},
    {"source", CLS_KEY_ANY, offsetof(fields, source), .required = true,
     .doc = "a population, or a list of {population, weight, delay_ms} to mix"},
    {"target", CLS_KEY_TEXT, offsetof(fields, target), .required = true, .doc = "a population"},
    {"rule", CLS_KEY_CHOICE, offsetof(fields, rule), .required = true, .choices = rules,
     .doc = "how synapses are drawn"},
    {"indegree", CLS_KEY_INTEGER, offsetof(fields, indegree), .unit = "synapses per target neuron", .min = 1,
     .max = 0x1p32, .doc = "for rule fixed_indegree"},
    {"total", CLS_KEY_INTEGER, offsetof(fields, total), .unit = "synapses", .min = 1, .max = 0x1p53,
     .doc = "for rule fixed_total_number"},
    {"probability", CLS_KEY_NUMBER, offsetof(fields, probability), .min = 0, .max = 1, .above_min = true,
     .doc = "of every pair, for rule pairwise_bernoulli"},
    {"autapses", CLS_KEY_BOOL, offsetof(fields, autapses), .initial = "true",
     .doc = "may a neuron reach itself"},
    {"multapses", CLS_KEY_BOOL, offsetof(fields, multapses), .initial = "true",
     .doc = "may a pair have several synapses"},
    {"receptor", CLS_KEY_TEXT, offsetof(fields, receptor),
     .doc = "port of the target's model; needed where it has several"},
    {"weight", CLS_KEY_ANY, offsetof(fields, weight), .initial = "1",
     .doc = "number or distribution; a list of two for ports with two receptors"},
    {"delay_ms", CLS_KEY_DISTRIBUTION, offsetof(fields, delay_ms), .unit = "ms", .min = 0, .max = 1e6,
     .doc = "number or distribution; one step where it is absent"},
};
const cls_schema cls_schema_projection = {"projections[]", "Synapses from population to population.", keys,
                                          CLS_KEYS(keys)};

typedef struct {
  const char *population;
  double weight, delay_ms;
} source_fields;
static const cls_key source_keys[] = {
    {"population", CLS_KEY_TEXT, offsetof(source_fields, population), .required = true,
     .doc = "a population"},
    {"weight", CLS_KEY_NUMBER, offsetof(source_fields, weight), .initial = "1", .min = 0, .max = 1e300,
     .above_min = true, .doc = "share of the mixture; normalised"},
    {"delay_ms", CLS_KEY_NUMBER, offsetof(source_fields, delay_ms), .unit = "ms", .initial = "0", .min = 0,
     .max = 1e6, .doc = "added to the projection's delay"},
};
const cls_schema cls_schema_source = {"projections[].source[]", "One source of a mixture.", source_keys,
                                      CLS_KEYS(source_keys)};

static cls_status find_population(cls_job_reader *r, const cls_yaml *node, const char *name,
                                  uint32_t *population) {
  const cls_network *network = r->job->network;
  int64_t found = cls_network_find_population(network, name);
  if (found >= 0) {
    *population = (uint32_t)found;
    return CLS_OK;
  }
  int n = network->n_populations < 1000 ? (int)network->n_populations : 1000;
  const char **names;
  CLS_TRY(cls_alloc(&names, (size_t)n, sizeof *names, "names of populations"));
  for (int i = 0; i < n; i++) names[i] = network->populations[i].name;
  cls_status status = cls_schema_unknown(node, "population", name, names, n);
  free(names);
  return status;
}

/* One name, or a list of sources. `*sources` is freed by the caller, whatever is returned. */
static cls_status read_sources(cls_job_reader *r, const cls_yaml *node, cls_projection_source **sources,
                               uint32_t *n) {
  char words[128];
  *n = node->kind == CLS_YAML_LIST ? (uint32_t)node->n : 1; /* a tree holds at most 10^6 nodes */
  if (node->kind == CLS_YAML_MAP || *n == 0)
    return cls_yaml_fail(node, "%s: expected a population or a list of {population, weight, delay_ms}",
                         cls_yaml_describe(node, words, sizeof words));
  CLS_TRY(cls_alloc(sources, *n, sizeof **sources, "sources of a projection"));
  if (node->kind == CLS_YAML_SCALAR) {
    (*sources)[0].weight = 1;
    return find_population(r, node, node->text, &(*sources)[0].population);
  }
  for (uint32_t i = 0; i < *n; i++) {
    source_fields f;
    const cls_yaml *item = node->items[i];
    CLS_TRY(cls_schema_read(r->tree, item, source_keys, CLS_KEYS(source_keys), &f));
    (*sources)[i] = (cls_projection_source){.weight = f.weight, .delay_ms = f.delay_ms};
    CLS_TRY(find_population(r, cls_yaml_get(item, "population"), f.population, &(*sources)[i].population));
  }
  return CLS_OK;
}

/* Exactly the number of the rule: synapses that are asked for twice would be a contradiction. */
static cls_status check_rule(const cls_yaml *node, const fields *f, uint32_t n_sources) {
  for (int rule = 0; rules[rule]; rule++) {
    const cls_yaml *number = rule_number[rule] ? cls_yaml_get(node, rule_number[rule]) : NULL;
    if (rule == f->rule && rule_number[rule] && !number)
      return cls_yaml_fail(node, "key '%s' is missing: rule %s needs it", rule_number[rule], rules[rule]);
    if (rule != f->rule && number)
      return cls_yaml_fail(number, "belongs to rule %s: expected no such key with rule %s", rules[rule],
                           rules[f->rule]);
  }
  if (n_sources > 1 && f->rule != CLS_FIXED_INDEGREE)
    return cls_yaml_fail(f->source, "%u sources with rule %s: expected one (only fixed_indegree mixes)",
                         n_sources, rules[f->rule]);
  return CLS_OK;
}

/* Numbers of a rule in a network that is shrunk: every neuron keeps `indegree_scale` of its synapses. */
static cls_status scale_rule(cls_job_reader *r, const cls_yaml *node, fields *f) {
  double neurons = r->neuron_scale, indegree = r->indegree_scale;
  if (f->indegree) f->indegree = (int64_t)fmax(1, rint((double)f->indegree * indegree));
  if (f->total) f->total = (int64_t)fmax(1, rint((double)f->total * neurons * indegree));
  if (f->rule != CLS_PAIRWISE_BERNOULLI || neurons == indegree) return CLS_OK;
  double scaled = f->probability * indegree / neurons;
  if (scaled > 1)
    return cls_yaml_fail(
        cls_yaml_get(node, "probability"),
        "value %.10g becomes %.10g with scale.neurons %g and scale.indegree %g: expected at most 1",
        f->probability, scaled, neurons, indegree);
  f->probability = scaled;
  return CLS_OK;
}

static cls_status read_port(const cls_yaml *node, const fields *f, const cls_model *model, int *port) {
  const char *names[CLS_MAX_PORTS];
  for (int i = 0; i < model->n_ports; i++) names[i] = model->ports[i].name;
  if (!f->receptor && model->n_ports == 1) {
    *port = 0;
    return CLS_OK;
  }
  if (!f->receptor)
    return cls_yaml_fail(node, "key 'receptor' is missing: model %s has several, %s and %s", model->name,
                         names[0], names[1]);
  *port = cls_model_port(model, f->receptor);
  if (*port >= 0) return CLS_OK;
  return cls_schema_unknown(cls_yaml_get(node, "receptor"), "receptor", f->receptor, names, model->n_ports);
}

/* One value for all receptors of the port, or a list of one for each. */
static cls_status read_weight(cls_job_reader *r, const cls_yaml *node, const cls_port_info *port,
                              cls_distribution weight[2]) {
  cls_key key = {
      .name = "weight", .type = CLS_KEY_DISTRIBUTION, .unit = port->unit, .min = -INFINITY, .max = INFINITY};
  if (!port->signed_weights) key.min = 0;
  if (node->kind != CLS_YAML_LIST) {
    CLS_TRY(cls_schema_value(r->tree, node, &key, &weight[0]));
    weight[1] = weight[0];
    return CLS_OK;
  }
  if (node->n != (size_t)port->receptors || port->receptors < 2)
    return cls_yaml_fail(node, "a list of %zu: expected %s", node->n,
                         port->receptors == 2 ? "two weights, one for each receptor"
                                              : "one weight, the port has one receptor");
  for (int i = 0; i < port->receptors; i++)
    CLS_TRY(cls_schema_value(r->tree, node->items[i], &key, &weight[i]));
  return CLS_OK;
}

/* On the mean: a distribution may reach below a step, what is drawn there takes one step. */
static cls_status check_delay(cls_job_reader *r, const cls_yaml *node, const cls_distribution *delay,
                              const cls_projection_source *sources, uint32_t n) {
  const cls_yaml *where = cls_yaml_get(node, "delay_ms");
  double dt = r->job->dt_ms, least = INFINITY, greatest = 0;
  for (uint32_t i = 0; i < n; i++) {
    least = fmin(least, sources[i].delay_ms);
    greatest = fmax(greatest, sources[i].delay_ms);
  }
  double mean = least + cls_distribution_mean(delay), upper = greatest + cls_distribution_upper(delay);
  if (mean < dt * (1 - 1e-9))
    return cls_yaml_fail(where ? where : node,
                         "delay of %.10g ms%s: expected at least one step, simulation.dt_ms %.10g", mean,
                         delay->kind == CLS_CONSTANT ? "" : " in the mean", dt);
  if (rint(upper / dt) > CLS_MAX_DELAY)
    return cls_yaml_fail(where ? where : node, "delays up to %.10g ms, %.0f steps: expected at most %d steps",
                         upper, rint(upper / dt), CLS_MAX_DELAY);
  return CLS_OK;
}

/* SOURCE->TARGET, then SOURCE->TARGET#2 ...: the name keys the draws, so it must not depend on other
 * projections than those of the same pair. Free it. */
static cls_status default_name(const cls_network *network, const char *source, const char *target,
                               char **name) {
  for (int copy = 1;; copy++) {
    *name = copy == 1 ? cls_format("%s->%s", source, target) : cls_format("%s->%s#%d", source, target, copy);
    CLS_CHECK(*name, CLS_ERR_MEMORY, "name of a projection: out of memory");
    uint64_t key = cls_hash_string(*name);
    uint32_t i = 0;
    while (i < network->n_projections && network->projections[i].key != key) i++;
    if (i == network->n_projections) return CLS_OK;
    free(*name);
    *name = NULL;
  }
}

static cls_status add_projection(cls_job_reader *r, const cls_yaml *node, const fields *f,
                                 const cls_projection_source *sources, uint32_t n) {
  cls_network *network = r->job->network;
  cls_projection *projection;
  uint32_t target;
  int port = 0;
  cls_distribution weight[2];
  CLS_TRY(find_population(r, cls_yaml_get(node, "target"), f->target, &target));
  const cls_model *model = network->populations[target].model;
  CLS_TRY(read_port(node, f, model, &port));
  CLS_TRY(read_weight(r, f->weight, &model->ports[port], weight));
  CLS_TRY(check_delay(r, node, &f->delay_ms, sources, n));

  char *made = NULL;
  if (!f->name)
    CLS_TRY(default_name(network, n == 1 ? network->populations[sources[0].population].name : "mixture",
                         f->target, &made));
  cls_status status = cls_network_add_projection(network, f->name ? f->name : made, target, (cls_rule)f->rule,
                                                 sources, n, &projection);
  free(made);
  if (status != CLS_OK) return cls_yaml_prefix(node, status);
  projection->indegree = (uint64_t)f->indegree;
  projection->total = (uint64_t)f->total;
  projection->probability = f->probability;
  projection->autapses = f->autapses;
  projection->multapses = f->multapses;
  projection->port = port;
  memcpy(projection->weight, weight, sizeof weight);
  projection->delay_ms = f->delay_ms;
  return CLS_OK;
}

static cls_status read_projection(cls_job_reader *r, const cls_yaml *node) {
  fields f = {.delay_ms = cls_constant(r->job->dt_ms)};
  cls_projection_source *sources = NULL;
  uint32_t n = 0;
  CLS_TRY(cls_schema_read(r->tree, node, keys, CLS_KEYS(keys), &f));
  cls_status status = read_sources(r, f.source, &sources, &n);
  if (status == CLS_OK) status = check_rule(node, &f, n);
  if (status == CLS_OK) status = scale_rule(r, node, &f);
  if (status == CLS_OK) status = add_projection(r, node, &f, sources, n);
  free(sources);
  return status;
}

cls_status cls_job_read_projections(cls_job_reader *r) {
  const cls_yaml *list = cls_yaml_get(r->root, "projections");
  if (!list) return CLS_OK;
  if (list->kind != CLS_YAML_LIST)
    return cls_schema_expected(list, &(cls_key){.name = "projections", .type = CLS_KEY_LIST});
  for (size_t i = 0; i < list->n; i++) CLS_TRY(read_projection(r, list->items[i]));
  return CLS_OK;
}

/* Section `projections:`. */
#include "io/job.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name, *target, *receptor, *file, *group;
  const cls_yaml *source, *weight, *probability, *delay_ms, *plasticity;
  int rule, synapses;
  int64_t indegree, total, outdegree;
  bool autapses, multapses;
} fields;

/* In the order of cls_rule; and the key each rule needs. */
static const char *const rules[] = {
    "one_to_one",         "all_to_all",      "fixed_indegree", "fixed_total_number",
    "pairwise_bernoulli", "fixed_outdegree", "explicit",       NULL};
static const char *const rule_key[] = {NULL, NULL, "indegree", "total", "probability", "outdegree", "file"};

static const char *const storage[] = {"stored", "procedural", NULL};

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
    {"outdegree", CLS_KEY_INTEGER, offsetof(fields, outdegree), .unit = "synapses per source neuron",
     .min = 1, .max = 0x1p32, .doc = "for rule fixed_outdegree"},
    {"probability", CLS_KEY_ANY, offsetof(fields, probability),
     .doc =
         "of every pair, for rule pairwise_bernoulli: a number above 0, at most 1, or {kernel: ...} of the "
         "distance"},
    {"file", CLS_KEY_TEXT, offsetof(fields, file),
     .doc = "HDF5 file with datasets source_id, target_id and optionally weight and delay_ms, for rule "
            "explicit"},
    {"group", CLS_KEY_TEXT, offsetof(fields, group), .initial = "/", .doc = "of the file that holds them"},
    {"autapses", CLS_KEY_BOOL, offsetof(fields, autapses), .initial = "true",
     .doc = "may a neuron reach itself"},
    {"multapses", CLS_KEY_BOOL, offsetof(fields, multapses), .initial = "true",
     .doc = "may a pair have several synapses"},
    {"synapses", CLS_KEY_CHOICE, offsetof(fields, synapses), .initial = "stored", .choices = storage,
     .doc = "stored: 4 bytes each; procedural: none, drawn whenever their source spikes, for rules "
            "fixed_total_number, "
            "pairwise_bernoulli and fixed_outdegree without distances; the same spikes"},
    {"receptor", CLS_KEY_TEXT, offsetof(fields, receptor),
     .doc = "port of the target's model; needed where it has several"},
    {"weight", CLS_KEY_ANY, offsetof(fields, weight), .initial = "1",
     .doc = "number or distribution; a list of two for ports with two receptors"},
    {"delay_ms", CLS_KEY_ANY, offsetof(fields, delay_ms), .unit = "ms",
     .doc = "number, distribution, or {distance: ...}; one step where it is absent"},
    {"plasticity", CLS_KEY_MAP, offsetof(fields, plasticity),
     .doc = "how its synapses change: {stdp: ...}, {short_term: ...}, or both; for stored synapses with one "
            "weight"},
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

/* Exactly the key of the rule: synapses that are asked for twice would be a contradiction. */
static cls_status check_rule(const cls_yaml *node, const fields *f, uint32_t n_sources) {
  for (int rule = 0; rules[rule]; rule++) {
    const cls_yaml *needed = rule_key[rule] ? cls_yaml_get(node, rule_key[rule]) : NULL;
    if (rule == f->rule && rule_key[rule] && !needed)
      return cls_yaml_fail(node, "key '%s' is missing: rule %s needs it", rule_key[rule], rules[rule]);
    if (rule != f->rule && needed)
      return cls_yaml_fail(needed, "belongs to rule %s: expected no such key with rule %s", rules[rule],
                           rules[f->rule]);
  }
  static const char *const of_draws[] = {"autapses", "multapses"};
  const cls_yaml *group = cls_yaml_get(node, "group");
  if (group && f->rule != CLS_EXPLICIT)
    return cls_yaml_fail(group, "belongs to rule explicit: expected no such key with rule %s",
                         rules[f->rule]);
  for (int i = 0; i < 2 && f->rule == CLS_EXPLICIT; i++) {
    const cls_yaml *other = cls_yaml_get(node, of_draws[i]);
    if (other)
      return cls_yaml_fail(other, "belongs to rules that draw: expected no such key with rule explicit");
  }
  bool procedural = f->rule == CLS_FIXED_TOTAL_NUMBER || f->rule == CLS_PAIRWISE_BERNOULLI ||
                    f->rule == CLS_FIXED_OUTDEGREE;
  if (f->synapses == 1 && !procedural)
    return cls_yaml_fail(cls_yaml_get(node, "synapses"),
                         "procedural with rule %s: expected fixed_total_number, pairwise_bernoulli or "
                         "fixed_outdegree, whose synapses are drawn by source",
                         rules[f->rule]);
  if (n_sources > 1 && f->rule != CLS_FIXED_INDEGREE)
    return cls_yaml_fail(f->source, "%u sources with rule %s: expected one (only fixed_indegree mixes)",
                         n_sources, rules[f->rule]);
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

/* Rules and positions that distance needs. */
static cls_status check_distance(cls_job_reader *r, const cls_yaml *node, const cls_projection *p) {
  bool kernel = p->kernel.kind != CLS_KERNEL_NONE;
  if (!kernel && p->velocity_mm_ms == 0) return CLS_OK;
  const cls_yaml *where = cls_yaml_get(node, kernel ? "probability" : "delay_ms");
  if (p->procedural)
    return cls_yaml_fail(
        cls_yaml_get(node, "synapses"),
        "procedural with a %s by distance: expected stored, positions would be needed for every "
        "spike",
        kernel ? "probability" : "delay");
  if (p->rule != CLS_PAIRWISE_BERNOULLI && p->rule != CLS_FIXED_TOTAL_NUMBER)
    return cls_yaml_fail(where,
                         "delays by distance with rule %s: expected pairwise_bernoulli or "
                         "fixed_total_number",
                         rules[p->rule]);
  const uint32_t ends[] = {p->sources[0].population, p->target};
  for (int i = 0; i < 2; i++) {
    const cls_population *population = &r->job->network->populations[ends[i]];
    if (population->positions.shape == CLS_SHAPE_NONE)
      return cls_yaml_fail(where, "goes by distance, but population '%s' has no positions", population->name);
  }
  return CLS_OK;
}

/* On the mean: a distribution may reach below a step, what is drawn there takes one step. Distances are
 * checked when the network is finished. */
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

/* Everything that is said about the synapses but their number. */
typedef struct {
  uint32_t target;
  int port;
  cls_distribution weight[2], delay_ms;
  double probability, velocity_mm_ms;
  cls_kernel kernel;
} values;

static cls_status read_values(cls_job_reader *r, const cls_yaml *node, const fields *f,
                              const cls_projection_source *sources, uint32_t n, values *v) {
  CLS_TRY(find_population(r, cls_yaml_get(node, "target"), f->target, &v->target));
  const cls_model *model = r->job->network->populations[v->target].model;
  CLS_TRY(read_port(node, f, model, &v->port));
  CLS_TRY(read_weight(r, f->weight, &model->ports[v->port], v->weight));
  return v->velocity_mm_ms > 0 ? CLS_OK : check_delay(r, node, &v->delay_ms, sources, n);
}

static cls_status read_plasticity(cls_job_reader *r, const cls_yaml *node, const fields *f,
                                  cls_projection *p) {
  const cls_model *model = r->job->network->populations[p->target].model;
  const cls_yaml *written = cls_yaml_get(node, "weight");
  const bool listed =
      f->rule == CLS_EXPLICIT && !written; /* perhaps: then they are checked when the file was read */
  cls_plasticity plasticity;
  if (!f->plasticity) return CLS_OK;
  CLS_TRY(cls_job_read_plasticity(r, f->plasticity, &model->ports[p->port], written ? written : f->plasticity,
                                  listed ? NULL : &p->weight[0], &plasticity));
  if (p->procedural)
    return cls_yaml_fail(cls_yaml_get(node, "synapses"), "procedural with plasticity: expected stored");
  return cls_projection_make_plastic(p, &plasticity);
}

static cls_status add_projection(cls_job_reader *r, const cls_yaml *node, const fields *f,
                                 const cls_projection_source *sources, uint32_t n, values v) {
  cls_network *network = r->job->network;
  cls_projection *projection;
  CLS_TRY(read_values(r, node, f, sources, n, &v));
  char *made = NULL;
  if (!f->name)
    CLS_TRY(default_name(network, n == 1 ? network->populations[sources[0].population].name : "mixture",
                         f->target, &made));
  cls_status status = cls_network_add_projection(network, f->name ? f->name : made, v.target,
                                                 (cls_rule)f->rule, sources, n, &projection);
  free(made);
  if (status != CLS_OK) return cls_yaml_prefix(node, status);
  projection->indegree = (uint64_t)f->indegree;
  projection->total = (uint64_t)f->total;
  projection->outdegree = (uint64_t)f->outdegree;
  projection->probability = v.probability;
  projection->kernel = v.kernel;
  projection->autapses = f->autapses;
  projection->multapses = f->multapses;
  projection->port = v.port;
  projection->procedural = f->synapses == 1;
  memcpy(projection->weight, v.weight, sizeof v.weight);
  projection->delay_ms = v.delay_ms;
  projection->velocity_mm_ms = v.velocity_mm_ms;
  CLS_TRY(check_distance(r, node, projection));
  CLS_TRY(read_plasticity(r, node, f, projection));
  uint32_t number = network->n_projections - 1;
  CLS_TRY(cls_job_scale_projection(r, node, number));
  if (f->rule != CLS_EXPLICIT) return CLS_OK;
  return cls_job_note_file(
      r, &(cls_job_file){
             .node = cls_yaml_get(node, "file"), .index = number, .file = f->file, .inner = f->group});
}

static cls_status read_projection(cls_job_reader *r, const cls_yaml *node) {
  fields f = {0};
  values v = {.delay_ms = cls_constant(r->job->dt_ms)};
  cls_projection_source *sources = NULL;
  uint32_t n = 0;
  CLS_TRY(cls_schema_read(r->tree, node, keys, CLS_KEYS(keys), &f));
  if (f.probability) CLS_TRY(cls_job_read_probability(r, f.probability, &v.probability, &v.kernel));
  if (f.delay_ms) CLS_TRY(cls_job_read_delay(r, f.delay_ms, &v.delay_ms, &v.velocity_mm_ms));
  cls_status status = read_sources(r, f.source, &sources, &n);
  if (status == CLS_OK) status = check_rule(node, &f, n);
  if (status == CLS_OK) status = add_projection(r, node, &f, sources, n, v);
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

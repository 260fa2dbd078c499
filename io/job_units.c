/* Section `brain.units:` of a job: what regions may be made of. Which of them are what: job_unit_of.c. */
#include "io/job.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  const cls_yaml *populations, *synapses, *shares, *params, *params_of;
  const char *long_range_source;
  double excitatory_share;
  int indegree_by;
} unit_fields;

static const char *const indegrees[] = {"table", "fixed", NULL}; /* in the order of cls_indegree_by */
static const cls_key unit_keys[] = {
    {"populations", CLS_KEY_LIST, offsetof(unit_fields, populations),
     .doc = "what it is made of; needs synapses too"},
    {"synapses", CLS_KEY_MAP, offsetof(unit_fields, synapses),
     .doc = "{TARGET: {SOURCE: number, long_range: number}} of a neuron; rows of a unit that is known "
            "keep what is not named"},
    {"shares", CLS_KEY_MAP, offsetof(unit_fields, shares),
     .doc = "of a neuron's synapses, as brain.shares; for units of one E and one I"},
    {"excitatory_share", CLS_KEY_NUMBER, offsetof(unit_fields, excitatory_share), .min = 0.01, .max = 0.99,
     .doc = "of its neurons; for units of one E and one I"},
    {"long_range_source", CLS_KEY_TEXT, offsetof(unit_fields, long_range_source),
     .doc = "who projects onto other regions: all_e (all excitatory populations), those of a layer "
            "(l5e), or one by name"},
    {"indegree_by", CLS_KEY_CHOICE, offsetof(unit_fields, indegree_by), .choices = indegrees,
     .doc = "table: in proportion to the sum of the row, with the mean brain.indegree over the region's "
            "neurons; fixed: brain.indegree everywhere"},
    {"params", CLS_KEY_MAP, offsetof(unit_fields, params),
     .doc = "parameters of the model in this unit, over brain.params"},
    {"params_of", CLS_KEY_MAP, offsetof(unit_fields, params_of),
     .doc = "the same for some of its populations: {E or I or a name: {parameter: value}}, over params; "
            "later entries win"},
};
const cls_schema cls_schema_unit = {"brain.units.NAME",
                                    "What a region is made of. canonical, column and subcortical are known.",
                                    unit_keys, CLS_KEYS(unit_keys)};

typedef struct {
  const char *name, *layer;
  int type;
  double share;
} population_fields;
static const char *const types[] = {"E", "I", NULL};
static const cls_key population_keys[] = {
    {"name", CLS_KEY_TEXT, offsetof(population_fields, name), .required = true,
     .doc = "population REGION/name; at most 15 letters"},
    {"layer", CLS_KEY_TEXT, offsetof(population_fields, layer),
     .doc = "name of its layer, at most 15 letters"},
    {"type", CLS_KEY_CHOICE, offsetof(population_fields, type), .required = true, .choices = types,
     .doc = "excitatory or inhibitory"},
    {"share", CLS_KEY_NUMBER, offsetof(population_fields, share), .required = true, .min = 0, .max = 1,
     .above_min = true, .doc = "of the region's neurons; the sum is 1"},
};
const cls_schema cls_schema_unit_population = {"brain.units.NAME.populations[]", "A population of a unit.",
                                               population_keys, CLS_KEYS(population_keys)};

static const double SHARES_LEAST = 0.98, SHARES_MOST = 1.02; /* published shares are rounded */

static cls_status copy_name(const cls_yaml *node, const char *key, const char *text, char to[16]) {
  if (text && strlen(text) > 15)
    return cls_yaml_fail(cls_yaml_get(node, key), "value '%.60s': expected at most 15 letters", text);
  snprintf(to, 16, "%s", text ? text : "");
  return CLS_OK;
}

static cls_status read_populations(cls_job_reader *r, const cls_yaml *list, cls_region_unit *unit) {
  double sum = 0;
  if (list->n == 0 || list->n > CLS_UNIT_POPULATIONS)
    return cls_yaml_fail(list, "%zu populations: expected 1 to %d", list->n, CLS_UNIT_POPULATIONS);
  *unit = (cls_region_unit){.n = (uint32_t)list->n, .indegree_by = unit->indegree_by};
  for (uint32_t p = 0; p < unit->n; p++) {
    const cls_yaml *node = list->items[p];
    cls_unit_population *made = &unit->population[p];
    population_fields f = {0};
    if (node->kind != CLS_YAML_MAP)
      return cls_yaml_fail(node, "expected a mapping {name: ..., type: ..., share: ...}");
    CLS_TRY(cls_schema_read(r->tree, node, population_keys, CLS_KEYS(population_keys), &f));
    if (!*f.name || strchr(f.name, '/') || strcmp(f.name, "long_range") == 0)
      return cls_yaml_fail(cls_yaml_get(node, "name"), "value '%.60s': expected another name, without '/'",
                           f.name);
    if (cls_unit_population_named(unit, f.name) >= 0)
      return cls_yaml_fail(cls_yaml_get(node, "name"), "value '%.60s' is there twice", f.name);
    CLS_TRY(copy_name(node, "name", f.name, made->name));
    CLS_TRY(copy_name(node, "layer", f.layer, made->layer));
    made->type = types[f.type][0];
    made->share = f.share;
    made->long_range = made->type == 'E';
    sum += f.share;
  }
  if (!(sum >= SHARES_LEAST && sum <= SHARES_MOST))
    return cls_yaml_fail(list, "the shares sum to %.10g: expected 1", sum);
  for (uint32_t p = 0; p < unit->n; p++) unit->population[p].share /= sum;
  return CLS_OK;
}

/* The keys of a row are the unit's populations. */
static cls_status read_synapses(cls_job_reader *r, const cls_yaml *map, cls_region_unit *unit) {
  const char *known[CLS_UNIT_POPULATIONS];
  cls_key keys[CLS_UNIT_POPULATIONS + 1];
  for (uint32_t s = 0; s <= unit->n; s++) {
    if (s < unit->n) known[s] = unit->population[s].name;
    keys[s] = (cls_key){.name = s < unit->n ? known[s] : "long_range",
                        .type = CLS_KEY_NUMBER,
                        .offset = s * sizeof(double),
                        .min = 0,
                        .max = 1e9,
                        .unit = "synapses of a neuron"};
  }
  for (size_t i = 0; i < map->n; i++) {
    const cls_yaml *row = map->items[i];
    int t = cls_unit_population_named(unit, row->key);
    double number[CLS_UNIT_POPULATIONS + 1];
    if (t < 0) return cls_schema_unknown(row, "population", row->key, known, (int)unit->n);
    if (row->kind != CLS_YAML_MAP) return cls_yaml_fail(row, "expected a mapping {SOURCE: number, ...}");
    memcpy(number, unit->synapses[t], unit->n * sizeof *number);
    number[unit->n] = unit->long_range[t];
    CLS_TRY(cls_schema_read(r->tree, row, keys, (int)unit->n + 1, number));
    memcpy(unit->synapses[t], number, unit->n * sizeof *number);
    unit->long_range[t] = number[unit->n];
  }
  return CLS_OK;
}

static void set_excitatory(cls_region_unit *unit, double share) {
  unit->population[0].share = share;
  unit->population[1].share = 1 - share;
}

static void set_shares(cls_region_unit *unit, const double shares[3]) {
  for (int t = 0; t < 2; t++) {
    unit->synapses[t][0] = shares[0];
    unit->synapses[t][1] = shares[1];
    unit->long_range[t] = shares[2];
  }
}

/* Does `key` of params_of name this population? */
static bool names_population(const char *key, const cls_unit_population *population) {
  return strcmp(key, population->name) == 0 || (key[0] == population->type && key[1] == 0);
}

static cls_status check_params_of(const cls_yaml *map, const cls_region_unit *unit) {
  const char *names[CLS_UNIT_POPULATIONS];
  for (uint32_t p = 0; p < unit->n; p++) names[p] = unit->population[p].name;
  for (size_t i = 0; map && i < map->n; i++) {
    bool any = false;
    for (uint32_t p = 0; p < unit->n; p++) any |= names_population(map->items[i]->key, &unit->population[p]);
    if (!any) return cls_schema_unknown(map->items[i], "population", map->items[i]->key, names, (int)unit->n);
    if (map->items[i]->kind != CLS_YAML_MAP)
      return cls_yaml_fail(map->items[i], "expected a mapping {parameter: value, ...}");
  }
  return CLS_OK;
}

cls_status cls_job_unit_params(cls_job_reader *r, uint32_t unit, uint32_t population, const cls_model *model,
                               cls_distribution *param) {
  const cls_yaml *section = cls_yaml_get(r->root, "brain"), *map = r->units.params_of[unit];
  const cls_unit_population *which = &r->units.units[unit].population[population];
  if (r->units.params[unit]) CLS_TRY(cls_job_params(r, r->units.params[unit], section, model, param));
  for (size_t i = 0; map && i < map->n; i++)
    if (names_population(map->items[i]->key, which))
      CLS_TRY(cls_job_params(r, map->items[i], section, model, param));
  return CLS_OK;
}

static cls_status read_unit(cls_job_reader *r, const cls_yaml *node, bool known, cls_region_unit *unit,
                            const cls_yaml **params, const cls_yaml **params_of) {
  unit_fields f = {.excitatory_share = -1, .indegree_by = (int)unit->indegree_by};
  if (node->kind != CLS_YAML_MAP) return cls_yaml_fail(node, "expected a mapping that describes a unit");
  CLS_TRY(cls_schema_read(r->tree, node, unit_keys, CLS_KEYS(unit_keys), &f));
  if (!known && !f.populations)
    return cls_yaml_fail(node, "key 'populations' is missing: a unit of its own has them");
  if (f.populations && !f.synapses)
    return cls_yaml_fail(node, "key 'synapses' is missing beside populations");
  unit->indegree_by = (cls_indegree_by)f.indegree_by;
  if (f.populations) CLS_TRY(read_populations(r, f.populations, unit));
  snprintf(unit->name, sizeof unit->name, "%s", node->key);
  if (f.synapses) CLS_TRY(read_synapses(r, f.synapses, unit));
  const char *pair_key = f.shares ? "shares" : f.excitatory_share >= 0 ? "excitatory_share" : NULL;
  if (pair_key && !cls_unit_is_pair(unit))
    return cls_yaml_fail(cls_yaml_get(node, pair_key),
                         "unit %s has %u populations: expected this key where one E and "
                         "one I are all",
                         unit->name, unit->n);
  if (f.shares) {
    double shares[3] = {0};
    CLS_TRY(cls_job_read_shares(r, f.shares, shares));
    set_shares(unit, shares);
  }
  if (f.excitatory_share >= 0) set_excitatory(unit, f.excitatory_share);
  if (f.long_range_source) {
    cls_status status = cls_unit_set_long_range(unit, f.long_range_source);
    if (status != CLS_OK) return cls_yaml_prefix(cls_yaml_get(node, "long_range_source"), status);
  }
  CLS_TRY(check_params_of(f.params_of, unit));
  *params = f.params;
  *params_of = f.params_of;
  cls_status status = cls_unit_check(unit);
  return status == CLS_OK ? CLS_OK : cls_yaml_prefix(f.synapses ? f.synapses : node, status);
}

int cls_job_find_unit(const cls_job_units *u, const char *name) {
  for (uint32_t i = 0; i < u->n; i++)
    if (strcmp(u->units[i].name, name) == 0) return (int)i;
  return -1;
}

static cls_status read_units(cls_job_reader *r, const cls_yaml *map) {
  cls_job_units *u = &r->units;
  for (size_t i = 0; map && i < map->n; i++) {
    const cls_yaml *node = map->items[i];
    if (strlen(node->key) >= sizeof u->units->name || strcmp(node->key, "auto") == 0)
      return cls_yaml_fail(node, "name '%.60s': expected another, of at most %zu letters", node->key,
                           sizeof u->units->name - 1);
    int number = cls_job_find_unit(u, node->key);
    bool known = number >= 0;
    if (!known) number = (int)u->n++;
    CLS_TRY(read_unit(r, node, known, &u->units[number], &u->params[number], &u->params_of[number]));
  }
  return CLS_OK;
}

cls_status cls_job_read_units(cls_job_reader *r, const cls_yaml *map, double excitatory_share,
                              const double *shares) {
  cls_job_units *u = &r->units;
  uint32_t known = (uint32_t)cls_unit_count();
  size_t room = known + (map ? map->n : 0);
  CLS_TRY(cls_alloc(&u->units, room, sizeof *u->units, "units"));
  CLS_TRY(cls_alloc(&u->params, room, sizeof *u->params, "units"));
  CLS_TRY(cls_alloc(&u->params_of, room, sizeof *u->params_of, "units"));
  for (; u->n < known; u->n++) {
    cls_region_unit *unit = &u->units[u->n];
    *unit = *cls_unit_at((int)u->n);
    if (!cls_unit_is_pair(unit)) continue;
    set_excitatory(unit, excitatory_share);
    if (shares) set_shares(unit, shares);
  }
  return read_units(r, map);
}

void cls_job_units_free(cls_job_units *u) {
  cls_region_table_destroy(u->table);
  free(u->units);
  free(u->params);
  free(u->params_of);
  free(u->param);
  free(u->unit_of);
  free(u->density);
  *u = (cls_job_units){0};
}

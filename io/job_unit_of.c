/* Which region of a brain is which unit, and its synapse density: the keys unit, unit_of, unit_table and
 * synapse_density of section `brain:`. */
#include "io/job.h"
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- unit, unit_of, unit_table ---- */

typedef struct {
  const cls_yaml *region;
  const char *unit;
} rule_fields;
static const cls_key rule_keys[] = {
    {"region", CLS_KEY_ANY, offsetof(rule_fields, region), .required = true,
     .doc = "name, pattern (* ? [ ] as in a shell), or a list of them"},
    {"unit", CLS_KEY_TEXT, offsetof(rule_fields, unit), .required = true, .doc = "its unit"},
};
const cls_schema cls_schema_unit_of = {"brain.unit_of[]", "Units of regions by name; later entries win.",
                                       rule_keys, CLS_KEYS(rule_keys)};

/* AUTO stands for the connectome's choice. */
#define AUTO UINT32_MAX

static cls_status unknown_unit(const cls_job_units *u, const cls_yaml *node, const char *name) {
  const char **names;
  CLS_TRY(cls_alloc(&names, u->n + 1ul, sizeof *names, "names of units"));
  for (uint32_t i = 0; i < u->n; i++) names[i] = u->units[i].name;
  names[u->n] = "auto";
  cls_status status = cls_schema_unknown(node, "unit", name, names, (int)u->n + 1);
  free(names);
  return status;
}

static cls_status number_of(const cls_job_units *u, const cls_yaml *node, const char *name,
                            uint32_t *number) {
  int found = cls_job_find_unit(u, name);
  if (found < 0 && strcmp(name, "auto") != 0) return unknown_unit(u, node, name);
  *number = found < 0 ? AUTO : (uint32_t)found;
  return CLS_OK;
}

static cls_status check_rules(cls_job_reader *r, const cls_yaml *list) {
  for (size_t i = 0; list && i < list->n; i++) {
    rule_fields f = {0};
    uint32_t unit;
    if (list->items[i]->kind != CLS_YAML_MAP)
      return cls_yaml_fail(list->items[i], "expected a mapping {region: ..., unit: ...}");
    CLS_TRY(cls_schema_read(r->tree, list->items[i], rule_keys, CLS_KEYS(rule_keys), &f));
    CLS_TRY(number_of(&r->units, cls_yaml_get(list->items[i], "unit"), f.unit, &unit));
  }
  return CLS_OK;
}

/* Marks regions whose names a pattern or one of a list holds. A name that is nobody's is refused; a
 * pattern may match nothing: one job serves many connectomes. */
static cls_status match_regions(cls_job_reader *r, const cls_yaml *node, bool *held) {
  const cls_connectome *c = r->job->connectome;
  const cls_yaml *single[1] = {node}, *const *items = single;
  size_t n = 1;
  if (node->kind == CLS_YAML_LIST) items = (const cls_yaml *const *)node->items, n = node->n;
  memset(held, 0, c->n_regions * sizeof *held);
  for (size_t i = 0; i < n; i++) {
    char words[128];
    bool any = false;
    if (items[i]->kind != CLS_YAML_SCALAR || !*items[i]->text)
      return cls_yaml_fail(items[i], "%s: expected the name of a region, or a pattern",
                           cls_yaml_describe(items[i], words, sizeof words));
    for (uint32_t k = 0; k < c->n_regions; k++)
      if (fnmatch(items[i]->text, c->names[k], 0) == 0) any = held[k] = true;
    if (any) continue;
    if (!strpbrk(items[i]->text, "*?["))
      return cls_yaml_fail(items[i], "value '%.60s': expected the name of a region, as '%s', or a pattern",
                           items[i]->text, c->names[0]);
    cls_warn(r->world, "brain: pattern '%s' matches no region", items[i]->text);
  }
  return CLS_OK;
}

/* What the connectome itself says, in its file or its table of regions. */
static cls_status assign_by_connectome(cls_job_reader *r, uint32_t *unit_of, double *density) {
  const cls_connectome *c = r->job->connectome;
  const cls_yaml *node = cls_yaml_get(cls_yaml_get(r->root, "brain"), "connectome");
  for (uint32_t i = 0; i < c->n_regions; i++) {
    density[i] = c->synapse_density[i];
    if (c->unit && c->unit[i][0]) CLS_TRY(number_of(&r->units, node, c->unit[i], &unit_of[i]));
  }
  return CLS_OK;
}

static cls_status assign_by_table(cls_job_reader *r, uint32_t *unit_of, double *density) {
  const cls_job_units *u = &r->units;
  const cls_connectome *c = r->job->connectome;
  for (uint32_t i = 0; i < c->n_regions; i++) {
    const cls_region_row *row = cls_region_table_find(u->table, c->names[i]);
    if (!row)
      return cls_yaml_fail(u->table_node, "%s: region %s of the connectome is not in the table",
                           u->table->origin, c->names[i]);
    if (!isnan(row->density)) density[i] = row->density;
    if (!row->unit) continue;
    cls_status status = number_of(u, u->table_node, row->unit, &unit_of[i]);
    if (status != CLS_OK) return cls_error_prefix(status, "%s:%d", u->table->origin, row->line);
  }
  if (u->table->n > c->n_regions)
    cls_log(r->world, 1, "brain: %u rows of %s are about regions that the connectome %s does not have",
            u->table->n - c->n_regions, u->table->origin, c->origin ? c->origin : "");
  return CLS_OK;
}

static cls_status assign_by_rules(cls_job_reader *r, const cls_yaml *list, uint32_t *unit_of) {
  bool *held = NULL;
  CLS_TRY(cls_alloc(&held, r->job->connectome->n_regions, sizeof *held, "regions"));
  cls_status status = CLS_OK;
  for (size_t i = 0; list && i < list->n && status == CLS_OK; i++) {
    const cls_yaml *unit = cls_yaml_get(list->items[i], "unit");
    uint32_t number = 0;
    status = number_of(&r->units, unit, unit->text, &number);
    if (status == CLS_OK) status = match_regions(r, cls_yaml_get(list->items[i], "region"), held);
    for (uint32_t k = 0; k < r->job->connectome->n_regions && status == CLS_OK; k++)
      if (held[k]) unit_of[k] = number;
  }
  free(held);
  return status;
}

/* Cortical regions are columns, others subcortical. */
static cls_status resolve_auto(cls_job_reader *r, uint32_t *unit_of) {
  const cls_connectome *c = r->job->connectome;
  uint32_t column = (uint32_t)cls_job_find_unit(&r->units, "column");
  uint32_t subcortical = (uint32_t)cls_job_find_unit(&r->units, "subcortical");
  for (uint32_t i = 0; i < c->n_regions; i++) {
    if (unit_of[i] != AUTO) continue;
    if (c->cortical[i] < 0)
      return cls_yaml_fail(r->units.node,
                           "auto: the connectome %s does not say whether region %s is cortical: name its "
                           "unit under unit_of or in a unit_table",
                           c->origin ? c->origin : "", c->names[i]);
    unit_of[i] = c->cortical[i] ? column : subcortical;
  }
  return CLS_OK;
}

/* ---- synapse_density ---- */

typedef struct {
  const cls_yaml *reference;
  double low, high;
  bool scale_conductances;
} density_fields;
static const cls_key density_keys[] = {
    {"reference", CLS_KEY_ANY, offsetof(density_fields, reference),
     .doc = "region (name, pattern or list: their mean) of in-degree brain.indegree; default mean: over "
            "all regions"},
    {"low", CLS_KEY_NUMBER, offsetof(density_fields, low), .initial = "0.7", .min = 0, .max = 1,
     .above_min = true, .doc = "least factor on the in-degree"},
    {"high", CLS_KEY_NUMBER, offsetof(density_fields, high), .initial = "1.3", .min = 1, .max = 1e3,
     .doc = "greatest factor on the in-degree"},
    {"scale_conductances", CLS_KEY_BOOL, offsetof(density_fields, scale_conductances), .initial = "true",
     .doc = "conductances follow the in-degree here too; false: a region of more synapses has more input"},
};
const cls_schema cls_schema_density = {"brain.synapse_density",
                                       "In-degrees in proportion to the synapse density of regions (PET).",
                                       density_keys, CLS_KEYS(density_keys)};

static cls_status find_reference(cls_job_reader *r, const cls_yaml *section, const cls_yaml *node, bool *held,
                                 double *reference) {
  const cls_connectome *c = r->job->connectome;
  bool all = !node || (node->kind == CLS_YAML_SCALAR && strcmp(node->text, "mean") == 0);
  double sum = 0;
  uint32_t n = 0;
  memset(held, 1, c->n_regions * sizeof *held);
  if (!all) CLS_TRY(match_regions(r, node, held));
  for (uint32_t i = 0; i < c->n_regions; i++)
    if (held[i] && !isnan(r->units.density[i])) sum += r->units.density[i], n++;
  if (!(n > 0 && sum > 0))
    return cls_yaml_fail(all ? section : node, "no region of reference has a synapse density above 0");
  *reference = sum / n;
  return CLS_OK;
}

static cls_status set_density(cls_job_reader *r, const cls_yaml *section, cls_brain *brain) {
  cls_job_units *u = &r->units;
  bool there = u->table && u->table->has_densities;
  for (uint32_t i = 0; i < r->job->connectome->n_regions; i++) there = there || !isnan(u->density[i]);
  if (!section) {
    if (there)
      cls_log(r->world, 1, "brain: synapse densities are not used: the job has no brain.synapse_density");
    return CLS_OK;
  }
  if (!there)
    return cls_yaml_fail(
        section,
        "no synapse densities: expected a unit_table with a column synapse_density, or a column density "
        "in the connectome's table of regions");
  density_fields f = {0};
  CLS_TRY(cls_schema_read(r->tree, section, density_keys, CLS_KEYS(density_keys), &f));
  bool *held = NULL;
  CLS_TRY(cls_alloc(&held, r->job->connectome->n_regions, sizeof *held, "regions"));
  cls_status status = find_reference(r, section, f.reference, held, &brain->density_reference);
  free(held);
  brain->density = u->density;
  brain->density_low = f.low;
  brain->density_high = f.high;
  brain->density_scales = f.scale_conductances;
  return status;
}

/* ---- the whole ---- */

cls_status cls_job_read_unit_of(cls_job_reader *r, const cls_yaml *brain, const char *name) {
  cls_job_units *u = &r->units;
  const cls_yaml *density = cls_yaml_get(brain, "synapse_density");
  uint32_t unused;
  u->node = cls_yaml_get(brain, "unit");
  if (!u->node) u->node = brain;
  u->name = name;
  CLS_TRY(number_of(u, u->node, u->name, &unused));
  CLS_TRY(check_rules(r, cls_yaml_get(brain, "unit_of")));
  density_fields f;
  if (density) CLS_TRY(cls_schema_read(r->tree, density, density_keys, CLS_KEYS(density_keys), &f));
  u->table_node = cls_yaml_get(brain, "unit_table");
  return CLS_OK;
}

static cls_status parse_table(cls_job_reader *r, const char *text, size_t size, const char *path) {
  cls_status status = cls_region_table_parse(text, size, path, &r->units.table);
  return status == CLS_OK ? CLS_OK : cls_yaml_prefix(r->units.table_node, status);
}

cls_status cls_job_fetch_unit_table(cls_job_reader *r) {
  const cls_yaml *node = r->units.table_node;
  char *path = NULL, *text = NULL;
  size_t size = 0;
  if (!node) return CLS_OK;
  cls_status status = cls_agree(r->world->comm, cls_job_path(r, node, node->text, &path));
  if (status == CLS_OK) {
    status = cls_job_fetch_text(r->world, path, "table of regions", &text, &size);
    if (status != CLS_OK) status = cls_yaml_prefix(node, status == CLS_ERR_IO ? CLS_ERR_INPUT : status);
  }
  if (status == CLS_OK) status = cls_agree(r->world->comm, parse_table(r, text, size, path));
  free(text);
  free(path);
  return status;
}

cls_status cls_job_assign_units(cls_job_reader *r, cls_brain *brain) {
  cls_job_units *u = &r->units;
  const cls_connectome *c = r->job->connectome;
  const cls_yaml *section = cls_yaml_get(r->root, "brain");
  uint32_t all = 0;
  CLS_TRY(cls_alloc(&u->unit_of, c->n_regions, sizeof *u->unit_of, "units of regions"));
  CLS_TRY(cls_alloc(&u->density, c->n_regions, sizeof *u->density, "synapse densities"));
  CLS_TRY(number_of(u, u->node, u->name, &all));
  for (uint32_t i = 0; i < c->n_regions; i++) u->unit_of[i] = all;
  CLS_TRY(assign_by_connectome(r, u->unit_of, u->density));
  if (u->table) CLS_TRY(assign_by_table(r, u->unit_of, u->density));
  CLS_TRY(assign_by_rules(r, cls_yaml_get(section, "unit_of"), u->unit_of));
  CLS_TRY(resolve_auto(r, u->unit_of));
  brain->units = u->units;
  brain->n_units = u->n;
  brain->unit_of = u->unit_of;
  return set_density(r, cls_yaml_get(section, "synapse_density"), brain);
}

#include "io/selection.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const cls_yaml *population, *region, *layer;
  int type;
} fields;

static const char *const types[] = {"E", "I", NULL};
static const cls_key keys[] = {
    {"population", CLS_KEY_ANY, offsetof(fields, population), .doc = "name, pattern, or a list of them"},
    {"region", CLS_KEY_ANY, offsetof(fields, region), .doc = "of the population: name, pattern, or a list"},
    {"layer", CLS_KEY_ANY, offsetof(fields, layer), .doc = "of the population: name, pattern, or a list"},
    {"type", CLS_KEY_CHOICE, offsetof(fields, type), .choices = types, .doc = "excitatory or inhibitory"},
};
const cls_schema cls_schema_selection = {"selection", "Which populations; all keys must hold.", keys,
                                         CLS_KEYS(keys)};

/* What a pattern is held against. */
typedef const char *(*name_of)(const cls_network *network, uint32_t population);

static const char *population_name(const cls_network *network, uint32_t p) {
  return network->populations[p].name;
}
static const char *region_name(const cls_network *network, uint32_t p) {
  int region = network->populations[p].region;
  return region < 0 ? "" : network->regions[region].name;
}
static const char *layer_name(const cls_network *network, uint32_t p) {
  return network->populations[p].layer;
}

/* Clears chosen[p] where no pattern of `node` holds. */
static cls_status narrow(cls_job_reader *r, const cls_yaml *node, const char *kind, name_of name,
                         bool *chosen) {
  const cls_network *network = r->job->network;
  const cls_yaml *single[1] = {node}, *const *items = single;
  size_t n = 1;
  if (node->kind == CLS_YAML_LIST) items = (const cls_yaml *const *)node->items, n = node->n;
  bool *held;
  CLS_TRY(cls_alloc(&held, network->n_populations, sizeof *held, "selected populations"));
  cls_status status = CLS_OK;
  for (size_t i = 0; i < n && status == CLS_OK; i++) {
    char words[128];
    bool any = false;
    if (items[i]->kind != CLS_YAML_SCALAR || !*items[i]->text) {
      status = cls_yaml_fail(items[i], "%s: expected the name of a %s, or a pattern",
                             cls_yaml_describe(items[i], words, sizeof words), kind);
      break;
    }
    for (uint32_t p = 0; p < network->n_populations; p++) {
      if (fnmatch(items[i]->text, name(network, p), 0) != 0) continue;
      any = held[p] = true;
    }
    if (any) continue;
    if (strpbrk(items[i]->text, "*?["))
      cls_warn(r->world, "selection: pattern '%s' matches no %s", items[i]->text, kind);
    else
      status = cls_yaml_fail(items[i], "value '%.60s': expected the name of a %s, as '%s', or a pattern",
                             items[i]->text, kind, network->n_populations ? name(network, 0) : "");
  }
  for (uint32_t p = 0; p < network->n_populations; p++) chosen[p] = chosen[p] && held[p];
  free(held);
  return status;
}

static cls_status choose(cls_job_reader *r, const cls_yaml *node, bool *chosen) {
  const cls_network *network = r->job->network;
  fields f = {.type = -1};
  for (uint32_t p = 0; p < network->n_populations; p++) chosen[p] = true;
  if (node->kind != CLS_YAML_MAP) return narrow(r, node, "population", population_name, chosen);
  CLS_TRY(cls_schema_read(r->tree, node, keys, CLS_KEYS(keys), &f));
  if (f.population) CLS_TRY(narrow(r, f.population, "population", population_name, chosen));
  if (f.region) CLS_TRY(narrow(r, f.region, "region", region_name, chosen));
  if (f.layer) CLS_TRY(narrow(r, f.layer, "layer", layer_name, chosen));
  for (uint32_t p = 0; f.type >= 0 && p < network->n_populations; p++)
    chosen[p] = chosen[p] && network->populations[p].type == types[f.type][0];
  return CLS_OK;
}

cls_status cls_selection_find(cls_job_reader *r, const cls_yaml *node, uint32_t **populations, uint32_t *n) {
  const uint32_t all = r->job->network->n_populations;
  bool *chosen = NULL;
  *populations = NULL;
  *n = 0;
  CLS_TRY(cls_alloc(&chosen, all, sizeof *chosen, "selected populations"));
  cls_status status = choose(r, node, chosen);
  if (status == CLS_OK) status = cls_alloc(populations, all, sizeof **populations, "selected populations");
  for (uint32_t p = 0; p < all && status == CLS_OK; p++)
    if (chosen[p]) (*populations)[(*n)++] = p;
  free(chosen);
  return status;
}

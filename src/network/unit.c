#include "network/unit.h"
#include "network/apportion.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* ---- those that come with the program ---- */

/* All from the Digital Twin Brain (Lu, Feng et al., arXiv 2308.01241, and its public code). Layers of the
 * column in per cent of its neurons, L1 (1.6 %) left empty, times the excitatory or inhibitory part of the
 * layer. */
#define LAYER(percent, of_it) ((percent) / (33.8 + 34.9 + 7.6 + 22.1) * (of_it))

/* 4/7 of the synapses from local excitatory neurons, 1/7 from local inhibitory ones, 2/7 from other
 * regions. */
#define PAIR_TABLE .synapses = {{4, 1}, {4, 1}}, .long_range = {2, 2}

static const cls_region_unit units[] = {
    {.name = "canonical",
     .n = 2,
     .population = {{"E", "", 'E', .8, true}, {"I", "", 'I', 1 - .8, false}},
     PAIR_TABLE},
    {.name = "column",
     .n = 8,
     .population = {{"L23E", "L23", 'E', LAYER(33.8, .78), true},
                    {"L23I", "L23", 'I', LAYER(33.8, .22), false},
                    {"L4E", "L4", 'E', LAYER(34.9, .80), true},
                    {"L4I", "L4", 'I', LAYER(34.9, .20), false},
                    {"L5E", "L5", 'E', LAYER(7.6, .82), true},
                    {"L5I", "L5", 'I', LAYER(7.6, .18), false},
                    {"L6E", "L6", 'E', LAYER(22.1, .83), true},
                    {"L6I", "L6", 'I', LAYER(22.1, .17), false}},
     /* from L23E L23I L4E L4I L5E L5I L6E L6I */
     .synapses = {{3554, 804, 881, 45, 431, 0, 136, 0},
                  {1778, 532, 456, 29, 217, 0, 69, 0},
                  {417, 84, 1070, 690, 79, 93, 1686, 0},
                  {168, 41, 628, 538, 36, 0, 1028, 0},
                  {2550, 176, 765, 99, 621, 596, 363, 7},
                  {1357, 76, 380, 32, 375, 403, 129, 0},
                  {643, 46, 549, 196, 327, 126, 925, 597},
                  {80, 8, 92, 3, 159, 11, 76, 499}},
     .long_range = {1020, 396, 1489, 790, 1591, 214, 2609, 1794}},
    {.name = "subcortical",
     .n = 2,
     .population = {{"E", "", 'E', .8, true}, {"I", "", 'I', 1 - .8, false}},
     PAIR_TABLE},
};

int cls_unit_count(void) { return (int)(sizeof units / sizeof *units); }
const cls_region_unit *cls_unit_at(int index) { return &units[index]; }
const cls_region_unit *cls_unit_find(const char *name) {
  for (int i = 0; i < cls_unit_count(); i++)
    if (strcmp(units[i].name, name) == 0) return &units[i];
  return NULL;
}

/* ---- checks ---- */

static cls_status check_population(const cls_region_unit *unit, uint32_t p) {
  const cls_unit_population *population = &unit->population[p];
  CLS_CHECK(population->name[0] && !strchr(population->name, '/'), CLS_ERR_INPUT,
            "unit %s: population %u: name '%s': expected a name without '/'", unit->name, p,
            population->name);
  CLS_CHECK(population->type == 'E' || population->type == 'I', CLS_ERR_INPUT,
            "unit %s: population %s: expected type E or I", unit->name, population->name);
  CLS_CHECK(population->share > 0 && population->share <= 1, CLS_ERR_INPUT,
            "unit %s: population %s: share %g: expected a number above 0, at most 1", unit->name,
            population->name, population->share);
  CLS_CHECK(cls_unit_population_named(unit, population->name) == (int)p, CLS_ERR_INPUT,
            "unit %s: population '%s' is named twice", unit->name, population->name);
  return CLS_OK;
}

/* The sum of a row over sources of one type, '*': all and other regions. */
static double row_sum(const cls_region_unit *unit, uint32_t target, char type) {
  double sum = type == '*' ? unit->long_range[target] : 0;
  for (uint32_t s = 0; s < unit->n; s++)
    if (type == '*' || unit->population[s].type == type) sum += unit->synapses[target][s];
  return sum;
}

static cls_status check_row(const cls_region_unit *unit, uint32_t t) {
  const char *name = unit->population[t].name;
  for (uint32_t s = 0; s <= unit->n; s++) {
    double count = s < unit->n ? unit->synapses[t][s] : unit->long_range[t];
    CLS_CHECK(count >= 0 && isfinite(count), CLS_ERR_INPUT,
              "unit %s: synapses of %s from %s: %g: expected a finite number, at least 0", unit->name, name,
              s < unit->n ? unit->population[s].name : "other regions", count);
  }
  CLS_CHECK(row_sum(unit, t, '*') > 0, CLS_ERR_INPUT,
            "unit %s: population %s has no synapses: expected a row that sums to more than 0", unit->name,
            name);
  return CLS_OK;
}

cls_status cls_unit_check(const cls_region_unit *unit) {
  double sum = 0;
  CLS_CHECK(unit->n >= 1 && unit->n <= CLS_UNIT_POPULATIONS, CLS_ERR_INPUT,
            "unit %s: %u populations: expected 1 ... %d", unit->name, unit->n, CLS_UNIT_POPULATIONS);
  for (uint32_t p = 0; p < unit->n; p++) {
    CLS_TRY(check_population(unit, p));
    sum += unit->population[p].share;
  }
  CLS_CHECK(fabs(sum - 1) <= 1e-9, CLS_ERR_INPUT,
            "unit %s: the shares of its populations sum to %.10g, expected 1", unit->name, sum);
  for (uint32_t p = 0; p < unit->n; p++) CLS_TRY(check_row(unit, p));
  return CLS_OK;
}

/* ---- asking ---- */

bool cls_unit_is_pair(const cls_region_unit *unit) {
  return unit->n == 2 && unit->population[0].type == 'E' && unit->population[1].type == 'I';
}

int cls_unit_population_named(const cls_region_unit *unit, const char *name) {
  for (uint32_t p = 0; p < unit->n; p++)
    if (strcmp(unit->population[p].name, name) == 0) return (int)p;
  return -1;
}

/* Is `source` the layer of the population and then e, in any case of letters? */
static bool names_layer_e(const char *source, const cls_unit_population *population) {
  size_t n = strlen(population->layer);
  if (n == 0 || strlen(source) != n + 1 || tolower((unsigned char)source[n]) != 'e') return false;
  for (size_t i = 0; i < n; i++)
    if (tolower((unsigned char)source[i]) != tolower((unsigned char)population->layer[i])) return false;
  return true;
}

cls_status cls_unit_set_long_range(cls_region_unit *unit, const char *source) {
  bool all = strcmp(source, "all_e") == 0, any = false;
  for (uint32_t p = 0; p < unit->n; p++) {
    cls_unit_population *population = &unit->population[p];
    population->long_range = population->type == 'E' && (all || strcmp(population->name, source) == 0 ||
                                                         names_layer_e(source, population));
    any |= population->long_range;
  }
  CLS_CHECK(
      any, CLS_ERR_INPUT,
      "long-range source '%.60s': unit %s has no such excitatory population: expected all_e, a layer as "
      "in l5e, or a name",
      source, unit->name);
  return CLS_OK;
}

cls_status cls_unit_divide(const cls_region_unit *unit, uint64_t neurons, uint64_t *n) {
  double share[CLS_UNIT_POPULATIONS];
  for (uint32_t p = 0; p < unit->n; p++) share[p] = unit->population[p].share;
  return cls_apportion(neurons, share, unit->n, 1, n, "neurons of a region");
}

cls_status cls_unit_row(const cls_region_unit *unit, uint32_t target, double indegree,
                        cls_unit_indegree *row) {
  double wanted = indegree, mean = 0;
  if (unit->indegree_by == CLS_INDEGREE_TABLE) {
    double own = row_sum(unit, target, '*');
    bool alike = true;
    for (uint32_t u = 0; u < unit->n; u++) {
      mean += unit->population[u].share * row_sum(unit, u, '*');
      alike &= row_sum(unit, u, '*') == own;
    }
    if (!alike) wanted = indegree * (own / mean); /* equal rows stay clear of rounding */
  }
  const double sums[3] = {row_sum(unit, target, 'E'), row_sum(unit, target, 'I'), unit->long_range[target]};
  uint64_t n[3];
  CLS_TRY(cls_apportion((uint64_t)fmax(1, rint(wanted)), sums, 3, 0, n, "synapses of a neuron"));
  *row = (cls_unit_indegree){n[0], n[1], n[2]};
  return CLS_OK;
}

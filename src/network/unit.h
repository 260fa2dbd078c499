/* Units: what a region of a brain is made of. A unit is data: populations with their shares of the region's
 * neurons, and a table of the synapses a neuron of each receives from each, and from other regions. Those
 * that come with the program are in unit.c; a job may change them or bring its own. */
#ifndef CALLOSUM_NETWORK_UNIT_H
#define CALLOSUM_NETWORK_UNIT_H

#include "base/distribution.h"
#include "model/model.h"

enum { CLS_UNIT_POPULATIONS = 16 };

typedef struct {
  char name[16];   /* "L23E": population REGION/L23E */
  char layer[16];  /* "L23"; "" where there is none */
  char type;       /* 'E' or 'I' */
  double share;    /* of the region's neurons, > 0; those of a unit sum to 1 */
  bool long_range; /* projects onto other regions */
} cls_unit_population;

typedef enum {
  /* A population's synapses per neuron are in proportion to the sum of its row, and their mean over the
   * region's neurons is the in-degree asked for: sum x indegree / (sum over u of share of u x sum of u),
   * rounded to nearest. As in the code of the Digital Twin Brain, which rounds down. */
  CLS_INDEGREE_TABLE,
  CLS_INDEGREE_FIXED /* every population gets the in-degree asked for: rows say proportions only */
} cls_indegree_by;

typedef struct {
  char name[64];
  uint32_t n; /* populations */
  cls_unit_population population[CLS_UNIT_POPULATIONS];
  /* [target][source]: synapses of a neuron of `target` from neurons of `source` in its own region; and from
   * other regions. */
  double synapses[CLS_UNIT_POPULATIONS][CLS_UNIT_POPULATIONS];
  double long_range[CLS_UNIT_POPULATIONS];
  cls_indegree_by indegree_by;
  /* [n][the model's] parameters of the neurons of each population; NULL: the brain's. Not owned. */
  const cls_distribution (*param)[CLS_MAX_PARAMS];
} cls_region_unit;

/* canonical, column, subcortical; NULL where the name is another. */
const cls_region_unit *cls_unit_find(const char *name);
int cls_unit_count(void);
const cls_region_unit *cls_unit_at(int index);

/* Local. CLS_ERR_INPUT names unit, population and value: shares that do not sum to 1, names that are empty,
 * too long or alike, types, counts below 0, rows without synapses. */
cls_status cls_unit_check(const cls_region_unit *unit);
/* Whether it is made of one excitatory population and one inhibitory one, in this order. */
bool cls_unit_is_pair(const cls_region_unit *unit);
/* -1: there is none. */
int cls_unit_population_named(const cls_region_unit *unit, const char *name);
/* Which populations project onto other regions: all excitatory ones ("all_e"), those of one layer ("l5e",
 * "l23e"), or one by name. CLS_ERR_INPUT where that is nobody. */
cls_status cls_unit_set_long_range(cls_region_unit *unit, const char *source);

/* Neurons of every population of a region of `neurons`: by largest remainder, each at least one. */
cls_status cls_unit_divide(const cls_region_unit *unit, uint64_t neurons, uint64_t *n);

/* Synapses of one neuron by the class of their source. */
typedef struct {
  uint64_t local_e, local_i, long_range;
} cls_unit_indegree;
/* Those of population `target` in a region whose mean in-degree is `indegree`: a whole number (at least 1) by
 * the unit's `indegree_by`, divided among the classes by the sums of the row, largest remainder first. */
cls_status cls_unit_row(const cls_region_unit *unit, uint32_t target, double indegree,
                        cls_unit_indegree *row);
static inline uint64_t cls_unit_indegree_sum(const cls_unit_indegree *row) {
  return row->local_e + row->local_i + row->long_range;
}

#endif

/* A table of regions, tab-separated text: what a job says about single regions of a connectome.
 *
 *   name     unit         synapse_density
 *   lh_V1    column       1.21
 *   lh_LGN   subcortical  -
 *
 * The first line names the columns, in any order: name, and at least one of unit and synapse_density.
 * Lines, fields and what says nothing are those of io/text_table.h, but that only tabs separate. */
#ifndef CALLOSUM_REGION_TABLE_H
#define CALLOSUM_REGION_TABLE_H

#include "base/base.h"

typedef struct {
  char *name, *unit; /* unit: NULL where nothing is said. Owned by the table */
  double density;    /* NaN where nothing is said */
  int line;
} cls_region_row;

typedef struct {
  cls_region_row *rows; /* by name, ascending */
  uint32_t n;
  bool has_units, has_densities; /* columns */
  char *origin;
} cls_region_table;

/* Local. `text` of `size` bytes; `origin` names the file in messages. CLS_ERR_INPUT
 * "ORIGIN:LINE: ..." where a column is unknown or missing, a row has another number of fields, a name is
 * empty or there twice, or a density is no number of at least 0. */
cls_status cls_region_table_parse(const char *text, size_t size, const char *origin,
                                  cls_region_table **table);
void cls_region_table_destroy(cls_region_table *table); /* NULL is fine */
/* NULL: no such region. */
const cls_region_row *cls_region_table_find(const cls_region_table *table, const char *name);

#endif

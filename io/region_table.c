#include "io/region_table.h"
#include "io/text_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME, UNIT, DENSITY, COLUMNS };
static const char *const columns[COLUMNS] = {"name", "unit", "synapse_density"};

typedef struct {
  cls_text_table text;
  cls_region_table *table;
  size_t capacity;
  uint32_t fields;        /* of a row */
  int64_t field[COLUMNS]; /* which of them is the column; -1: absent */
} reader;

#define FAIL_AT(r, line, ...)                                                                                \
  cls_error_prefix(cls_fail(CLS_ERR_INPUT, __VA_ARGS__), "%s:%llu", (r)->table->origin,                      \
                   (unsigned long long)(line))
#define FAIL(r, ...) FAIL_AT(r, (r)->text.number, __VA_ARGS__)

static cls_status read_header(reader *r) {
  for (int c = 0; c < COLUMNS; c++) r->field[c] = -1;
  r->fields = r->text.n;
  for (uint32_t i = 0; i < r->fields; i++) {
    const char *field = r->text.field[i];
    int c = 0;
    while (c < COLUMNS && strcmp(field, columns[c]) != 0) c++;
    if (c == COLUMNS)
      return FAIL(r, "column '%.60s': expected name, unit and synapse_density, separated by tabs", field);
    if (r->field[c] >= 0) return FAIL(r, "column '%s' is there twice", field);
    r->field[c] = i;
  }
  r->table->has_units = r->field[UNIT] >= 0;
  r->table->has_densities = r->field[DENSITY] >= 0;
  if (r->field[NAME] < 0) return FAIL(r, "no column 'name'");
  if (!r->table->has_units && !r->table->has_densities)
    return FAIL(r, "neither a column 'unit' nor 'synapse_density'");
  return CLS_OK;
}

/* The field of a column; "" where there is none. */
static const char *found(const reader *r, int c) {
  return r->field[c] >= 0 ? r->text.field[r->field[c]] : "";
}

static cls_status read_row(reader *r) {
  const char *name = found(r, NAME), *unit = found(r, UNIT);
  double density, missing;
  if (r->text.n != r->fields)
    return FAIL(r, "%u fields, expected %u, separated by tabs", r->text.n, r->fields);
  if (!*name) return FAIL(r, "a region without name");
  if (!cls_text_number(found(r, DENSITY), &density) || density < 0 || isinf(density))
    return FAIL(r, "synapse_density of %.60s: '%.60s': expected a number, at least 0", name,
                found(r, DENSITY));
  CLS_TRY(cls_grow(&r->table->rows, &r->capacity, (size_t)r->table->n + 1, sizeof *r->table->rows,
                   "table of regions"));
  cls_region_row *row = &r->table->rows[r->table->n++];
  *row = (cls_region_row){.name = cls_format("%s", name), .density = density, .line = (int)r->text.number};
  const bool says_nothing = cls_text_number(unit, &missing) && isnan(missing);
  if (!says_nothing) row->unit = cls_format("%s", unit);
  CLS_CHECK(row->name && (says_nothing || row->unit), CLS_ERR_MEMORY, "%s: out of memory", r->table->origin);
  return CLS_OK;
}

static int by_name(const void *a, const void *b) {
  const cls_region_row *x = a, *y = b;
  const int order = strcmp(x->name, y->name);
  return order != 0 ? order : x->line - y->line;
}

static cls_status read_lines(reader *r) {
  bool got;
  r->text.separator = '\t';
  CLS_TRY(cls_text_next(&r->text, &got));
  if (got) CLS_TRY(read_header(r));
  while (got) {
    CLS_TRY(cls_text_next(&r->text, &got));
    if (got) CLS_TRY(read_row(r));
  }
  const cls_region_table *t = r->table;
  if (t->n == 0)
    return FAIL_AT(r, r->text.number > 0 ? r->text.number : 1,
                   "no region: expected a line of column names and rows");
  qsort(t->rows, t->n, sizeof *t->rows, by_name);
  for (uint32_t i = 1; i < t->n; i++)
    if (strcmp(t->rows[i - 1].name, t->rows[i].name) == 0)
      return FAIL_AT(r, t->rows[i].line, "region '%.60s' is there twice (line %d)", t->rows[i].name,
                     t->rows[i - 1].line);
  return CLS_OK;
}

cls_status cls_region_table_parse(const char *text, size_t size, const char *origin,
                                  cls_region_table **table) {
  reader r = {0};
  *table = NULL;
  CLS_TRY(cls_alloc(&r.table, 1, sizeof *r.table, "table of regions"));
  r.table->origin = cls_format("%s", origin);
  cls_status status = r.table->origin ? cls_text_open_memory(text, size, origin, &r.text)
                                      : cls_fail(CLS_ERR_MEMORY, "%s: out of memory", origin);
  if (status == CLS_OK) {
    status = read_lines(&r);
    cls_text_close(&r.text);
  }
  if (status != CLS_OK) {
    cls_region_table_destroy(r.table);
    return status;
  }
  *table = r.table;
  return CLS_OK;
}

void cls_region_table_destroy(cls_region_table *table) {
  if (!table) return;
  for (uint32_t i = 0; i < table->n; i++) {
    free(table->rows[i].name);
    free(table->rows[i].unit);
  }
  free(table->rows);
  free(table->origin);
  free(table);
}

static int to_name(const void *key, const void *row) {
  return strcmp(key, ((const cls_region_row *)row)->name);
}

const cls_region_row *cls_region_table_find(const cls_region_table *table, const char *name) {
  return bsearch(name, table->rows, table->n, sizeof *table->rows, to_name);
}

#include "io/region_table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME, UNIT, DENSITY, COLUMNS };
static const char *const names[COLUMNS] = {"name", "unit", "synapse_density"};

/* Where a line stands, for messages, and which of its fields is which column. */
typedef struct {
  cls_region_table *table;
  size_t capacity;
  int line, fields;     /* fields: of a row */
  int field[COLUMNS];   /* -1: absent */
  char *found[COLUMNS]; /* of the row */
} reader;

#define FAIL(r, ...)                                                                                         \
  cls_error_prefix(cls_fail(CLS_ERR_INPUT, __VA_ARGS__), "%s:%d", (r)->table->origin, (r)->line)

/* Takes the next field off a line, without blanks around it; NULL where none is left. */
static char *next_field(char **rest) {
  if (!*rest) return NULL;
  char *field = *rest, *end = strchr(field, '\t');
  *rest = end ? end + 1 : NULL;
  if (!end) end = field + strlen(field);
  while (field < end && *field == ' ') field++;
  while (end > field && end[-1] == ' ') end--;
  *end = 0;
  return field;
}

static cls_status read_header(reader *r, char *line) {
  for (int c = 0; c < COLUMNS; c++) r->field[c] = -1;
  r->fields = 0;
  for (char *field; (field = next_field(&line)); r->fields++) {
    int c = 0;
    while (c < COLUMNS && strcmp(field, names[c]) != 0) c++;
    if (c == COLUMNS)
      return FAIL(r, "column '%.60s': expected name, unit and synapse_density, separated by tabs", field);
    if (r->field[c] >= 0) return FAIL(r, "column '%s' is there twice", field);
    r->field[c] = r->fields;
  }
  r->table->has_units = r->field[UNIT] >= 0;
  r->table->has_densities = r->field[DENSITY] >= 0;
  if (r->field[NAME] < 0) return FAIL(r, "no column 'name'");
  if (!r->table->has_units && !r->table->has_densities)
    return FAIL(r, "neither a column 'unit' nor 'synapse_density'");
  return CLS_OK;
}

static bool says_nothing(const char *field) { return !field || !*field || strcmp(field, "-") == 0; }

static cls_status read_row(reader *r, char *line) {
  int fields = 0;
  for (char *field; (field = next_field(&line)); fields++)
    for (int c = 0; c < COLUMNS; c++)
      if (r->field[c] == fields) r->found[c] = field;
  if (fields != r->fields) return FAIL(r, "%d fields, expected %d, separated by tabs", fields, r->fields);
  if (!*r->found[NAME]) return FAIL(r, "a region without name");
  cls_region_row row = {.name = r->found[NAME], .density = NAN, .line = r->line};
  if (r->table->has_units && !says_nothing(r->found[UNIT])) row.unit = r->found[UNIT];
  if (r->table->has_densities && !says_nothing(r->found[DENSITY])) {
    char *end;
    errno = 0;
    row.density = strtod(r->found[DENSITY], &end);
    bool number = end != r->found[DENSITY] && *end == 0;
    if (!number || (!isnan(row.density) && !(row.density >= 0 && isfinite(row.density))))
      return FAIL(r, "synapse_density of %.60s: '%.60s': expected a number, at least 0", row.name,
                  r->found[DENSITY]);
  }
  CLS_TRY(cls_grow(&r->table->rows, &r->capacity, (size_t)r->table->n + 1, sizeof *r->table->rows,
                   "table of regions"));
  r->table->rows[r->table->n++] = row;
  return CLS_OK;
}

static int by_name(const void *a, const void *b) {
  const cls_region_row *x = a, *y = b;
  int order = strcmp(x->name, y->name);
  return order != 0 ? order : x->line - y->line;
}

static cls_status read_lines(reader *r) {
  bool begun = false;
  for (char *line = r->table->text; line;) {
    char *end = strchr(line, '\n'), *next = end ? end + 1 : NULL;
    if (end) *end = 0;
    size_t n = strlen(line);
    if (n > 0 && line[n - 1] == '\r') line[n - 1] = 0;
    r->line++;
    if (*line && *line != '#') {
      CLS_TRY(begun ? read_row(r, line) : read_header(r, line));
      begun = true;
    }
    line = next;
  }
  if (r->table->n == 0) return FAIL(r, "no region: expected a line of column names and rows");
  qsort(r->table->rows, r->table->n, sizeof *r->table->rows, by_name);
  for (uint32_t i = 1; i < r->table->n; i++) {
    if (strcmp(r->table->rows[i - 1].name, r->table->rows[i].name) != 0) continue;
    r->line = r->table->rows[i].line;
    return FAIL(r, "region '%.60s' is there twice (line %d)", r->table->rows[i].name,
                r->table->rows[i - 1].line);
  }
  return CLS_OK;
}

static cls_status parse(reader *r, const char *text, size_t size, const char *origin) {
  r->table->origin = cls_format("%s", origin);
  CLS_CHECK(r->table->origin, CLS_ERR_MEMORY, "%s: out of memory", origin);
  CLS_TRY(cls_alloc(&r->table->text, size + 1, 1, "table of regions"));
  memcpy(r->table->text, text, size);
  if (memchr(text, 0, size)) return FAIL(r, "a zero byte: expected text");
  return read_lines(r);
}

cls_status cls_region_table_parse(const char *text, size_t size, const char *origin,
                                  cls_region_table **table) {
  reader r = {0};
  *table = NULL;
  CLS_TRY(cls_alloc(&r.table, 1, sizeof *r.table, "table of regions"));
  cls_status status = parse(&r, text, size, origin);
  if (status != CLS_OK) {
    cls_region_table_destroy(r.table);
    return status;
  }
  *table = r.table;
  return CLS_OK;
}

void cls_region_table_destroy(cls_region_table *table) {
  if (!table) return;
  free(table->rows);
  free(table->origin);
  free(table->text);
  free(table);
}

static int to_name(const void *key, const void *row) {
  return strcmp(key, ((const cls_region_row *)row)->name);
}

const cls_region_row *cls_region_table_find(const cls_region_table *table, const char *name) {
  return bsearch(name, table->rows, table->n, sizeof *table->rows, to_name);
}

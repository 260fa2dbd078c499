/* A matrix as a list of its entries, one in a row: two ends, each a name or a number, and a value. */
#include "io/matrix_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Which two columns are row and column of the matrix. */
static bool match_ends(const cls_text_table *table, bool *directed, bool *swapped) {
  static const struct {
    const char *first, *second;
    bool directed, swapped; /* swapped: the first is the column, since rows are targets */
  } pairs[] = {{"row", "column", false, false},
               {"row", "col", false, false},
               {"i", "j", false, false},
               {"node1", "node2", false, false},
               {"region1", "region2", false, false},
               {"source", "target", true, true},
               {"target", "source", true, false},
               {"from", "to", true, true}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    if (!cls_text_same(table->field[0], pairs[i].first)) continue;
    if (!cls_text_same(table->field[1], pairs[i].second)) continue;
    *directed = pairs[i].directed;
    *swapped = pairs[i].swapped;
    return true;
  }
  return false;
}

bool cls_matrix_is_list(const cls_text_table *table) {
  bool directed, swapped;
  return table->n == 3 && match_ends(table, &directed, &swapped);
}

/* ---- ends as read ---- */

typedef struct {
  char *name; /* NULL where ends are numbers */
  uint32_t number;
} list_end;

typedef struct {
  cls_text_table *table;
  cls_matrix *matrix;
  bool numbers, swapped;
  list_end *ends; /* two for every entry, row first */
  double *value;
  uint64_t n; /* entries */
  size_t end_capacity, value_capacity;
} list_reader;

static bool whole_number(const char *field, uint32_t *number) {
  char *end = NULL;
  const unsigned long value = strtoul(field, &end, 10);
  *number = (uint32_t)value;
  return field[0] >= '0' && field[0] <= '9' && *end == 0 && value < UINT32_MAX;
}

static cls_status take_end(list_reader *r, uint32_t field) {
  const cls_text_table *t = r->table;
  const char *text = t->field[field];
  uint32_t number = 0;
  const bool is_number = whole_number(text, &number);
  list_end *end = &r->ends[2 * r->n + (r->swapped ? 1 - field : field)];
  if (r->n == 0 && field == 0) r->numbers = is_number;
  CLS_CHECK(text[0] && r->numbers == is_number, CLS_ERR_INPUT, "%s:%llu: field %u is \"%.40s\": expected %s",
            t->path, (unsigned long long)t->number, field + 1, text,
            r->numbers ? "the number of a region, as above" : "the name of a region");
  if (r->numbers)
    end->number = number;
  else
    CLS_CHECK((end->name = cls_format("%s", text)), CLS_ERR_MEMORY, "out of memory for names of regions");
  return CLS_OK;
}

static cls_status take_row(list_reader *r) {
  const cls_text_table *t = r->table;
  const unsigned long long line = t->number;
  CLS_CHECK(t->n == 3, CLS_ERR_INPUT, "%s:%llu: %u fields: expected 3 as in the header", t->path, line, t->n);
  CLS_TRY(cls_grow(&r->ends, &r->end_capacity, 2 * r->n + 2, sizeof *r->ends, "entries of a list"));
  CLS_TRY(cls_grow(&r->value, &r->value_capacity, r->n + 1, sizeof *r->value, "entries of a list"));
  r->ends[2 * r->n] = r->ends[2 * r->n + 1] = (list_end){0};
  double *value = &r->value[r->n];
  CLS_CHECK(cls_text_number(t->field[2], value) && !isinf(*value), CLS_ERR_INPUT,
            "%s:%llu: field 3 is \"%.40s\": expected a finite number", t->path, line, t->field[2]);
  cls_status status = take_end(r, 0);
  if (status == CLS_OK) status = take_end(r, 1);
  r->n++; /* so that its names are freed */
  return status;
}

/* ---- from ends to indices ---- */

/* Numbers count from 0 where a 0 occurs, else from 1. */
static cls_status place_numbers(list_reader *r) {
  uint32_t lowest = UINT32_MAX, highest = 0;
  for (uint64_t k = 0; k < 2 * r->n; k++) {
    const uint32_t number = r->ends[k].number;
    if (number < lowest) lowest = number;
    if (number > highest) highest = number;
  }
  const uint32_t base = lowest == 0 ? 0 : 1;
  for (uint64_t k = 0; k < 2 * r->n; k++) r->ends[k].number -= base;
  return cls_matrix_shape_of_entries(r->matrix, highest - base + 1, highest - base + 1);
}

static int by_name(const void *a, const void *b) {
  const list_end *const *x = a, *const *y = b;
  const int order = strcmp((*x)->name, (*y)->name);
  return order ? order : (*x > *y) - (*x < *y);
}

static int by_first(const void *a, const void *b) {
  const list_end *const *x = a, *const *y = b;
  return (*x > *y) - (*x < *y);
}

/* Regions are numbered in the order in which their names appear. `sorted`: room for all ends. */
static cls_status place_names(list_reader *r, list_end **sorted) {
  const uint64_t ends = 2 * r->n;
  for (uint64_t k = 0; k < ends; k++) sorted[k] = &r->ends[k];
  qsort(sorted, ends, sizeof *sorted, by_name);
  uint64_t names = 0;
  for (uint64_t k = 0; k < ends; k++) /* the first appearances come to the front */
    if (k == 0 || strcmp(sorted[k]->name, sorted[names - 1]->name) != 0) sorted[names++] = sorted[k];
  CLS_TRY(cls_matrix_shape(r->matrix, names, names));
  CLS_TRY(cls_alloc(&r->matrix->column_names, names, sizeof *r->matrix->column_names, "names of regions"));
  qsort(sorted, names, sizeof *sorted, by_first);
  for (uint64_t i = 0; i < names; i++) {
    r->matrix->column_names[i] = cls_format("%s", sorted[i]->name);
    CLS_CHECK(r->matrix->column_names[i], CLS_ERR_MEMORY, "out of memory for names of regions");
    sorted[i]->number = (uint32_t)i;
  }
  qsort(sorted, names, sizeof *sorted, by_name);
  for (uint64_t k = 0; k < ends; k++) {
    list_end *key = &r->ends[k];
    uint64_t low = 0, high = names;
    while (high - low > 1) {
      const uint64_t middle = (low + high) / 2;
      if (strcmp(sorted[middle]->name, key->name) <= 0)
        low = middle;
      else
        high = middle;
    }
    key->number = sorted[low]->number;
  }
  return CLS_OK;
}

static cls_status place(list_reader *r) {
  CLS_CHECK(r->n > 0, CLS_ERR_INPUT, "%s: no entries below the header: expected a matrix", r->table->path);
  list_end **sorted = NULL;
  if (!r->numbers) CLS_TRY(cls_alloc(&sorted, 2 * r->n, sizeof *sorted, "names of regions"));
  cls_status status = r->numbers ? place_numbers(r) : place_names(r, sorted);
  free(sorted);
  for (uint64_t k = 0; k < r->n && status == CLS_OK; k++)
    status = cls_matrix_put(r->matrix, r->ends[2 * k].number, r->ends[2 * k + 1].number, r->value[k]);
  return status;
}

cls_status cls_matrix_read_list(cls_text_table *table, cls_matrix *matrix) {
  list_reader r = {.table = table, .matrix = matrix};
  bool got = true;
  match_ends(table, &matrix->directed, &r.swapped);
  cls_status status = cls_text_next(table, &got);
  while (status == CLS_OK && got) {
    status = take_row(&r);
    if (status == CLS_OK) status = cls_text_next(table, &got);
  }
  if (status == CLS_OK) status = place(&r);
  for (uint64_t k = 0; k < 2 * r.n; k++) free(r.ends[k].name);
  free(r.ends);
  free(r.value);
  return status;
}

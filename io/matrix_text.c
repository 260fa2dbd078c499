/* A matrix as delimited text: numbers, with or without a header of names and a column of labels. */
#include "io/matrix_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Words that stand above a column of labels ("Node" is what XCP-D writes). */
static bool is_label_word(const char *field) {
  static const char *const words[] = {"node", "name", "label", "region", "roi", "parcel", "index"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (cls_text_same(field, words[i])) return true;
  return false;
}

static bool is_word(const char *field) {
  double value;
  return !cls_text_number(field, &value);
}

/* Names of columns from fields [first, n) of a header; none where all are numbers, as tables without names
 * have them. */
static cls_status take_names(const cls_text_table *table, uint32_t first, cls_matrix *m) {
  bool words = false;
  for (uint32_t i = first; i < table->n; i++) words = words || is_word(table->field[i]);
  if (!words) return CLS_OK;
  m->columns = table->n - first;
  CLS_TRY(cls_alloc(&m->column_names, m->columns, sizeof *m->column_names, "names of columns"));
  for (uint32_t i = first; i < table->n; i++) {
    CLS_CHECK(table->field[i][0], CLS_ERR_INPUT, "%s:%llu: field %u is empty: expected a name", table->path,
              (unsigned long long)table->number, i + 1);
    m->column_names[i - first] = cls_format("%s", table->field[i]);
    CLS_CHECK(m->column_names[i - first], CLS_ERR_MEMORY, "out of memory for names of columns");
  }
  return CLS_OK;
}

typedef struct {
  cls_text_table table;
  cls_matrix *matrix;
  bool labels; /* the first field of a row is its label */
  bool named_rows;
  bool finite;
  size_t label_capacity;
} text_reader;

static cls_status take_label(text_reader *r, const char *label) {
  cls_matrix *m = r->matrix;
  if (m->rows == 0) r->named_rows = is_word(label);
  if (!r->named_rows) return CLS_OK; /* numbers of rows, which say nothing */
  CLS_TRY(cls_grow(&m->row_names, &r->label_capacity, m->rows + 1, sizeof *m->row_names, "labels of rows"));
  m->row_names[m->rows] = cls_format("%s", label);
  CLS_CHECK(m->row_names[m->rows], CLS_ERR_MEMORY, "out of memory for labels of rows");
  return CLS_OK;
}

static cls_status take_row(text_reader *r) {
  const cls_text_table *t = &r->table;
  cls_matrix *m = r->matrix;
  const uint32_t first = r->labels ? 1 : 0;
  const unsigned long long line = t->number;
  if (m->rows == 0 && !m->column_names) m->columns = t->n - first;
  CLS_CHECK(t->n == m->columns + first, CLS_ERR_INPUT,
            "%s:%llu: %u fields: expected %llu as in the first row", t->path, line, t->n,
            (unsigned long long)m->columns + first);
  for (uint32_t i = first; i < t->n; i++) {
    double value;
    CLS_CHECK(cls_text_number(t->field[i], &value) && !isinf(value) && !(r->finite && isnan(value)),
              CLS_ERR_INPUT, "%s:%llu: field %u is \"%.40s\": expected a finite number", t->path, line, i + 1,
              t->field[i]);
    CLS_TRY(cls_matrix_put(m, m->rows, i - first, value));
  }
  if (r->labels) CLS_TRY(take_label(r, t->field[0]));
  CLS_CHECK(++m->rows < UINT32_MAX, CLS_ERR_LIMIT, "%s:%llu: more than 2^32 rows", t->path, line);
  return CLS_OK;
}

/* The header, if the row just read is one; *got tells whether a row of numbers stands in the table. */
static cls_status take_header(text_reader *r, bool *got) {
  cls_text_table *t = &r->table;
  cls_matrix *m = r->matrix;
  bool words = t->n == 1 && is_word(t->field[0]);
  for (uint32_t i = 1; i < t->n; i++) words = words || is_word(t->field[i]);
  const bool corner = t->n > 1 && (!t->field[0][0] || is_label_word(t->field[0]));
  if (!words && !corner) {
    r->labels = is_word(t->field[0]);
    return CLS_OK;
  }
  const uint32_t fields = t->n;
  CLS_TRY(take_names(t, corner ? 1 : 0, m));
  CLS_TRY(cls_text_next(t, got));
  if (!*got) return CLS_OK;
  r->labels = corner || t->n == fields + 1 || (t->n > 1 && is_word(t->field[0]));
  if (r->labels && !corner && t->n == fields && m->column_names) { /* the corner has a word of its own */
    free(m->column_names[0]);
    memmove(m->column_names, m->column_names + 1, (fields - 1) * sizeof *m->column_names);
    m->columns--;
  }
  return CLS_OK;
}

static cls_status read_rows(text_reader *r, const cls_matrix_request *request) {
  cls_text_table *t = &r->table;
  cls_matrix *m = r->matrix;
  bool got;
  CLS_TRY(cls_text_next(t, &got));
  if (got && request->sparse && cls_matrix_is_list(t)) {
    m->listed = true;
    return cls_matrix_read_list(t, m);
  }
  if (got) CLS_TRY(take_header(r, &got));
  while (got) {
    CLS_TRY(take_row(r));
    CLS_TRY(cls_text_next(t, &got));
  }
  CLS_CHECK(m->rows > 0, CLS_ERR_INPUT, "%s: no numbers: expected a matrix", t->path);
  return CLS_OK;
}

cls_status cls_matrix_read_text(const char *path, const cls_matrix_request *request, cls_matrix *matrix) {
  text_reader r = {.matrix = matrix, .finite = request->finite};
  CLS_TRY(cls_text_open(path, &r.table));
  cls_status status = read_rows(&r, request);
  matrix->comment = r.table.comment;
  r.table.comment = NULL;
  cls_text_close(&r.table);
  return status;
}

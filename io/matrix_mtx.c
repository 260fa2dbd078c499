/* Matrix Market coordinate files (Boisvert, Pozo and Remington, NISTIR 5935, 1996), read entry by entry:
 * memory grows with the entries, never with the square of the rows. */
#include "io/file.h"
#include "io/matrix_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  cls_text_table table;
  cls_matrix *matrix;
  bool pattern;   /* entries have no value: 1 */
  bool symmetric; /* each entry stands for its mirror image too */
  uint64_t expected;
} mtx_reader;

static cls_status read_banner(mtx_reader *r) {
  const char *path = r->table.path;
  char line[128], word[5][32] = {""};
  size_t n;
  CLS_TRY(cls_file_head(path, line, sizeof line - 1, &n));
  line[n] = 0;
  line[strcspn(line, "\n")] = 0;
  sscanf(line, "%31s %31s %31s %31s %31s", word[0], word[1], word[2], word[3], word[4]);
  CLS_CHECK(cls_text_same(word[1], "matrix") && cls_text_same(word[2], "coordinate"), CLS_ERR_INPUT,
            "%s:1: %.31s %.31s: expected matrix coordinate", path, word[1], word[2]);
  r->pattern = cls_text_same(word[3], "pattern");
  CLS_CHECK(r->pattern || cls_text_same(word[3], "real") || cls_text_same(word[3], "integer"), CLS_ERR_INPUT,
            "%s:1: entries are %.31s: expected real, integer or pattern", path, word[3]);
  r->symmetric = cls_text_same(word[4], "symmetric");
  CLS_CHECK(r->symmetric || cls_text_same(word[4], "general"), CLS_ERR_INPUT,
            "%s:1: the matrix is %.31s: expected general or symmetric", path, word[4]);
  return CLS_OK;
}

static cls_status whole(const mtx_reader *r, uint32_t field, uint64_t least, uint64_t most, uint64_t *value) {
  const char *text = r->table.field[field];
  char *end = NULL;
  *value = strtoull(text, &end, 10);
  CLS_CHECK(text[0] >= '0' && text[0] <= '9' && !*end && *value >= least && *value <= most, CLS_ERR_INPUT,
            "%s:%llu: field %u is \"%.40s\": expected a whole number from %llu to %llu", r->table.path,
            (unsigned long long)r->table.number, field + 1, text, (unsigned long long)least,
            (unsigned long long)most);
  return CLS_OK;
}

static cls_status read_size(mtx_reader *r) {
  const cls_text_table *t = &r->table;
  uint64_t rows, columns;
  bool got;
  CLS_TRY(cls_text_next(&r->table, &got));
  CLS_CHECK(got && t->n == 3, CLS_ERR_INPUT, "%s:%llu: %u fields: expected rows, columns and entries",
            t->path, (unsigned long long)t->number, got ? t->n : 0);
  CLS_TRY(whole(r, 0, 1, UINT32_MAX - 1, &rows));
  CLS_TRY(whole(r, 1, 1, UINT32_MAX - 1, &columns));
  CLS_TRY(whole(r, 2, 0, rows * columns, &r->expected));
  CLS_CHECK(!r->symmetric || rows == columns, CLS_ERR_INPUT,
            "%s:%llu: %llu rows and %llu columns: expected a square, since the matrix is symmetric", t->path,
            (unsigned long long)t->number, (unsigned long long)rows, (unsigned long long)columns);
  return cls_matrix_shape_of_entries(r->matrix, rows, columns);
}

static cls_status read_entry(mtx_reader *r) {
  const cls_text_table *t = &r->table;
  const uint32_t fields = r->pattern ? 2 : 3;
  const unsigned long long line = t->number;
  uint64_t row, column;
  double value = 1;
  CLS_CHECK(t->n == fields, CLS_ERR_INPUT, "%s:%llu: %u fields: expected %u", t->path, line, t->n, fields);
  CLS_TRY(whole(r, 0, 1, r->matrix->rows, &row));
  CLS_TRY(whole(r, 1, 1, r->matrix->columns, &column));
  if (!r->pattern)
    CLS_CHECK(cls_text_number(t->field[2], &value) && !isinf(value), CLS_ERR_INPUT,
              "%s:%llu: field 3 is \"%.40s\": expected a finite number", t->path, line, t->field[2]);
  CLS_CHECK(!r->symmetric || row >= column, CLS_ERR_INPUT,
            "%s:%llu: row %llu, column %llu: expected the lower triangle of a symmetric matrix only", t->path,
            line, (unsigned long long)row, (unsigned long long)column);
  CLS_TRY(cls_matrix_put(r->matrix, row - 1, column - 1, value));
  return r->symmetric && row != column ? cls_matrix_put(r->matrix, column - 1, row - 1, value) : CLS_OK;
}

static cls_status read_all(mtx_reader *r) {
  uint64_t count = 0;
  bool got;
  CLS_TRY(read_banner(r));
  CLS_TRY(read_size(r));
  for (;; count++) {
    CLS_TRY(cls_text_next(&r->table, &got));
    if (!got) break;
    CLS_CHECK(count < r->expected, CLS_ERR_INPUT, "%s:%llu: more than the %llu entries that were announced",
              r->table.path, (unsigned long long)r->table.number, (unsigned long long)r->expected);
    CLS_TRY(read_entry(r));
  }
  CLS_CHECK(count == r->expected, CLS_ERR_INPUT, "%s:%llu: cut off after %llu entries: expected %llu",
            r->table.path, (unsigned long long)r->table.number, (unsigned long long)count,
            (unsigned long long)r->expected);
  return CLS_OK;
}

cls_status cls_matrix_read_mtx(const char *path, const cls_matrix_request *request, cls_matrix *matrix) {
  (void)request;
  mtx_reader r = {.matrix = matrix};
  CLS_TRY(cls_text_open(path, &r.table));
  r.table.mark = '%';
  r.table.separator = ' ';
  cls_status status = read_all(&r);
  cls_text_close(&r.table);
  return status;
}

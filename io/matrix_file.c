#include "io/matrix_file.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool separates(char c) {
  return c == ',' || c == ';' || c == '\t' || c == ' ' || c == '\r' || c == '\n';
}

/* Where the next field begins. White space may repeat; between two commas a field is missing, which shows as
 * a field that begins with a comma. */
static char *next_field(char *at, bool first) {
  while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n') at++;
  if (!first && (*at == ',' || *at == ';'))
    for (at++; *at == ' ' || *at == '\t' || *at == '\r' || *at == '\n';) at++;
  return at;
}

static bool is_number(const char *field) {
  char *end = NULL;
  strtod(field, &end);
  return end != field && (*end == 0 || separates(*end));
}

static cls_status read_row(const char *path, uint64_t line, char *text, cls_matrix *m, size_t *capacity) {
  uint64_t columns = 0;
  for (char *at = next_field(text, true); *at; at = next_field(at, false)) {
    char *end = at;
    const double value = strtod(at, &end);
    const int length = (int)strcspn(at, ",; \t\r\n");
    CLS_CHECK(end != at && end == at + length && isfinite(value), CLS_ERR_INPUT,
              "%s:%llu: field %llu is \"%.*s\": expected a finite number", path, (unsigned long long)line,
              (unsigned long long)columns + 1, length < 40 ? length : 40, at);
    const size_t n = m->rows * m->columns + columns;
    CLS_TRY(cls_grow(&m->values, capacity, n + 1, sizeof *m->values, "a matrix of numbers"));
    m->values[n] = value;
    columns++;
    at = end;
  }
  if (m->rows == 0) m->columns = columns;
  CLS_CHECK(columns == m->columns, CLS_ERR_INPUT, "%s:%llu: %llu numbers: expected %llu as in the first row",
            path, (unsigned long long)line, (unsigned long long)columns, (unsigned long long)m->columns);
  m->rows++;
  return CLS_OK;
}

static cls_status read_lines(const char *path, FILE *file, cls_matrix *m) {
  char *text = NULL;
  size_t room = 0, capacity = 0;
  cls_status status = CLS_OK;
  bool header_allowed = true;
  for (uint64_t line = 1; status == CLS_OK && getline(&text, &room, file) >= 0; line++) {
    char *start = next_field(text, true);
    if (*start == 0 || *start == '#') continue;
    if (header_allowed && !is_number(start)) {
      header_allowed = false;
      continue;
    }
    header_allowed = false;
    status = read_row(path, line, start, m, &capacity);
  }
  free(text);
  if (status == CLS_OK && ferror(file))
    status = cls_fail(CLS_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
  if (status == CLS_OK && m->rows == 0)
    status = cls_fail(CLS_ERR_INPUT, "%s: no numbers: expected a matrix", path);
  return status;
}

cls_status cls_matrix_read(const char *path, cls_matrix *matrix) {
  *matrix = (cls_matrix){0};
  FILE *file = fopen(path, "r");
  CLS_CHECK(file, CLS_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
  cls_status status = read_lines(path, file, matrix);
  fclose(file);
  if (status != CLS_OK) cls_matrix_free(matrix);
  return status;
}

void cls_matrix_free(cls_matrix *matrix) {
  free(matrix->values);
  *matrix = (cls_matrix){0};
}

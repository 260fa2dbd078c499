/* Tables of node and edge types. */
#include "io/file.h"
#include "io/sonata_files.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 64 << 20 };

/* The next word of a line, ended in place; NULL at its end. Quotes hold blanks; "" is a quote among them. */
static char *next_word(char **at) {
  char *c = *at + strspn(*at, " \t\r");
  if (!*c) return NULL;
  if (*c != '"') {
    *at = c + strcspn(c, " \t\r");
    if (**at) *(*at)++ = 0;
    return c;
  }
  char *word = c + 1, *to = word;
  for (c++; *c && (*c != '"' || c[1] == '"'); c++) {
    if (*c == '"') c++;
    *to++ = *c;
  }
  *at = *c ? c + 1 : c;
  *to = 0;
  return word;
}

static cls_status split_line(sonata_types *t, char *line, size_t number, size_t *capacity, size_t *used) {
  size_t words = 0;
  for (char *word; (word = next_word(&line)); words++) {
    CLS_TRY(cls_grow(&t->cell, capacity, *used + 1, sizeof *t->cell, "table of types"));
    t->cell[(*used)++] = word;
  }
  if (words == 0) return CLS_OK;
  if (t->rows == 0) t->columns = words;
  CLS_CHECK(words == t->columns, CLS_ERR_INPUT, "%s:%zu: %zu words: expected %zu, one for each column",
            t->path, number, words, t->columns);
  t->rows++;
  return CLS_OK;
}

static cls_status split(sonata_types *t, const char *id) {
  size_t capacity = 0, used = 0, number = 1;
  for (char *line = t->text, *end; line; line = end, number++) {
    end = strchr(line, '\n');
    if (end) *end++ = 0;
    CLS_TRY(split_line(t, line, number, &capacity, &used));
  }
  CLS_CHECK(t->rows > 0, CLS_ERR_INPUT, "%s: empty: expected a table of types", t->path);
  t->id = -1;
  for (size_t k = 0; k < t->columns; k++)
    if (strcmp(t->cell[k], id) == 0) t->id = (int)k;
  CLS_CHECK(t->id >= 0, CLS_ERR_INPUT, "%s: no column %s", t->path, id);
  return CLS_OK;
}

cls_status sonata_types_read(const char *path, const char *id, sonata_types *types) {
  size_t size = 0;
  *types = (sonata_types){.path = cls_format("%s", path)};
  CLS_CHECK(types->path, CLS_ERR_MEMORY, "%s: no memory for a path", path);
  CLS_TRY(cls_file_read(path, "table of types", MAX_BYTES, &types->text, &size));
  CLS_CHECK(strlen(types->text) == size, CLS_ERR_INPUT, "%s: expected text", path);
  return split(types, id);
}

void sonata_types_free(sonata_types *types) {
  free(types->path);
  free(types->text);
  free(types->cell);
}

size_t sonata_type_row(const sonata_types *types, int64_t id) {
  for (size_t row = 1; row < types->rows; row++) {
    char *end;
    const char *word = types->cell[row * types->columns + (size_t)types->id];
    if (strtoll(word, &end, 10) == id && end != word && !*end) return row;
  }
  return 0;
}

const char *sonata_type_text(const sonata_types *types, size_t row, const char *column) {
  for (size_t k = 0; k < types->columns; k++)
    if (strcmp(types->cell[k], column) == 0) {
      const char *word = types->cell[row * types->columns + k];
      return strcmp(word, "NULL") == 0 ? NULL : word;
    }
  return NULL;
}

cls_status sonata_type_number(const sonata_types *types, size_t row, const char *column, bool *found,
                              double *value) {
  const char *word = sonata_type_text(types, row, column);
  *found = word != NULL;
  if (!word) return CLS_OK;
  char *end;
  *value = strtod(word, &end);
  CLS_CHECK(end != word && !*end && *value >= -1e300 && *value <= 1e300, CLS_ERR_INPUT,
            "%s: type %s: %s: '%s': expected a number", types->path,
            types->cell[row * types->columns + (size_t)types->id], column, word);
  return CLS_OK;
}

#include "io/text_table.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t\r\n\v\f";

cls_status cls_text_open(const char *path, cls_text_table *table) {
  *table = (cls_text_table){.path = path, .mark = '#', .file = fopen(path, "r")};
  CLS_CHECK(table->file, CLS_ERR_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
  return CLS_OK;
}

cls_status cls_text_open_memory(const char *text, size_t size, const char *path, cls_text_table *table) {
  *table = (cls_text_table){.path = path, .mark = '#', .file = fmemopen((char *)text, size, "r")};
  CLS_CHECK(table->file, CLS_ERR_MEMORY, "%s: cannot be read from memory: %s", path, strerror(errno));
  return CLS_OK;
}

void cls_text_close(cls_text_table *table) {
  if (table->file) fclose(table->file);
  free(table->field);
  free(table->comment);
  free(table->line);
  *table = (cls_text_table){0};
}

static bool ends_with(const char *text, const char *end) {
  const size_t n = strlen(text), m = strlen(end);
  return n >= m && strcasecmp(text + n - m, end) == 0;
}

static char choose_separator(const char *path, const char *line) {
  if (ends_with(path, ".tsv") && strchr(line, '\t')) return '\t';
  if (ends_with(path, ".csv") && strchr(line, ',')) return ',';
  const char *found = strpbrk(line, "\t,;");
  return found ? *found : ' ';
}

/* One line into table->line, without its end; its first character that is no blank in *start, NULL at the end
 * of the file. */
static cls_status read_line(cls_text_table *table, char **start) {
  *start = NULL;
  errno = 0;
  const ssize_t length = getline(&table->line, &table->room, table->file);
  if (length < 0) {
    CLS_CHECK(!ferror(table->file), CLS_ERR_INPUT, "%s: cannot be read: %s", table->path, strerror(errno));
    CLS_CHECK(feof(table->file), CLS_ERR_MEMORY, "%s:%llu: no memory for this line", table->path,
              (unsigned long long)table->number + 1);
    return CLS_OK;
  }
  table->number++;
  CLS_CHECK(strlen(table->line) == (size_t)length, CLS_ERR_INPUT, "%s:%llu: holds a zero byte: expected text",
            table->path, (unsigned long long)table->number);
  *start = table->line;
  if (table->number == 1 && strncmp(*start, "\xef\xbb\xbf", 3) == 0) *start += 3; /* UTF-8 byte order mark */
  return CLS_OK;
}

/* Ends the field that begins at `at` with a zero byte, takes off blanks and quotes, and gives the place where
 * the next one begins, NULL where it was the last. */
static cls_status take_field(cls_text_table *table, char *at, char **field, char **next) {
  const bool blank = table->separator == ' ';
  const char *space = table->separator == '\t' ? " \r\n\v\f" : blanks;
  char *end;
  at += strspn(at, space);
  *field = at;
  if (*at == '"') { /* a doubled quote stands for one */
    char *to = at;
    for (end = at + 1; *end && (*end != '"' || end[1] == '"'); end++) {
      if (*end == '"') end++;
      *to++ = *end;
    }
    CLS_CHECK(*end == '"', CLS_ERR_INPUT, "%s:%llu: a quoted field does not end: expected \" on its line",
              table->path, (unsigned long long)table->number);
    end++;
    end += strspn(end, space);
    CLS_CHECK(blank || !*end || *end == table->separator, CLS_ERR_INPUT,
              "%s:%llu: text after a quoted field: expected a separator", table->path,
              (unsigned long long)table->number);
    *next = blank ? (*end ? end : NULL) : (*end ? end + 1 : NULL);
    *to = 0;
    return CLS_OK;
  }
  end = blank ? at + strcspn(at, blanks) : strchr(at, table->separator);
  *next = end && *end ? end + 1 : NULL;
  if (!end) end = at + strlen(at);
  while (end > at && strchr(space, end[-1])) end--;
  *end = 0;
  if (blank && *next) {
    *next += strspn(*next, blanks);
    if (!**next) *next = NULL;
  }
  return CLS_OK;
}

static cls_status split(cls_text_table *table, char *at) {
  table->n = 0;
  while (at) {
    CLS_CHECK(table->n < UINT32_MAX, CLS_ERR_LIMIT, "%s:%llu: more than 2^32 fields", table->path,
              (unsigned long long)table->number);
    CLS_TRY(cls_grow(&table->field, &table->capacity, (size_t)table->n + 1, sizeof *table->field,
                     "fields of a line"));
    CLS_TRY(take_field(table, at, &table->field[table->n], &at));
    table->n++;
  }
  return CLS_OK;
}

cls_status cls_text_next(cls_text_table *table, bool *got) {
  for (;;) {
    char *start;
    CLS_TRY(read_line(table, &start));
    *got = start != NULL;
    if (!start) return CLS_OK;
    const char *first = start + strspn(start, blanks);
    if (!*first) continue;
    if (*first == table->mark) {
      if (table->separator || table->comment) continue;
      table->comment = cls_format("%.*s", (int)strcspn(first + 1, "\r\n"), first + 1);
      CLS_CHECK(table->comment, CLS_ERR_MEMORY, "%s: no memory for a comment", table->path);
      continue;
    }
    if (!table->separator) table->separator = choose_separator(table->path, start);
    return split(table, start);
  }
}

bool cls_text_number(const char *field, double *value) {
  static const char *const missing[] = {"", "-", "n/a", "N/A", "na", "NA"};
  for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
    if (strcmp(field, missing[i]) == 0) {
      *value = NAN;
      return true;
    }
  char *end = NULL;
  *value = strtod(field, &end);
  return *end == 0;
}

bool cls_text_same(const char *a, const char *b) { return strcasecmp(a, b) == 0; }

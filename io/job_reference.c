/* The reference of job files: every key of every section, from the tables that also read them. */
#include "io/job.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  char *text;
  size_t n, capacity;
  cls_status status;
} page;

static void add(page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(page *p, const char *format, ...) {
  va_list arguments;
  if (p->status != CLS_OK) return;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  p->status = cls_grow(&p->text, &p->capacity, p->n + (size_t)length + 1, 1, "job-file reference");
  if (p->status != CLS_OK) return;
  va_start(arguments, format);
  vsnprintf(p->text + p->n, (size_t)length + 1, format, arguments);
  va_end(arguments);
  p->n += (size_t)length;
}

/* In a cell of a table a bar would end the cell. */
static void add_cell(page *p, const char *text) {
  for (const char *c = text; *c; c++) add(p, *c == '|' ? "\\|" : "%c", *c);
}

static const char *type_name(cls_key_type type) {
  static const char *const names[] = {
      [CLS_KEY_NUMBER] = "number",      [CLS_KEY_INTEGER] = "whole number",
      [CLS_KEY_BOOL] = "true or false", [CLS_KEY_TEXT] = "text",
      [CLS_KEY_CHOICE] = "one of",      [CLS_KEY_DISTRIBUTION] = "number or distribution",
      [CLS_KEY_MAP] = "mapping",        [CLS_KEY_LIST] = "list",
      [CLS_KEY_ANY] = "see text"};
  return names[type];
}

static void add_range(page *p, const cls_key *key) {
  if (key->type == CLS_KEY_CHOICE) {
    for (int i = 0; key->choices[i]; i++) add(p, "%s`%s`", i ? ", " : "", key->choices[i]);
    return;
  }
  if (key->min == 0 && key->max == 0) return;
  const char *above = key->above_min ? "above " : "";
  if (isfinite(key->min) && isfinite(key->max))
    add(p, key->above_min ? "above %.10g, up to %.10g" : "%.10g to %.10g", key->min, key->max);
  else if (isfinite(key->min))
    add(p, key->above_min ? "%s%.10g" : "%sat least %.10g", above, key->min);
  else if (isfinite(key->max))
    add(p, "at most %.10g", key->max);
}

static void add_key(page *p, const cls_key *key) {
  add(p, "| `%s` | %s | %s | ", key->name, type_name(key->type), key->unit ? key->unit : "");
  if (key->required)
    add(p, "**required**");
  else if (key->initial)
    add(p, "`%s`", key->initial);
  add(p, " | ");
  add_range(p, key);
  add(p, " | ");
  add_cell(p, key->doc ? key->doc : "");
  add(p, " |\n");
}

static void add_section(page *p, const cls_schema *schema) {
  if (schema->path[0])
    add(p, "\n#### `%s`\n\n%s\n\n", schema->path, schema->doc);
  else
    add(p, "\n#### Sections\n\n");
  add(p, "| key | type | unit | default | range | what |\n|---|---|---|---|---|---|\n");
  for (int i = 0; i < schema->n_keys; i++) add_key(p, &schema->keys[i]);
}

cls_status cls_job_reference(char **text) {
  page p = {0};
  int n;
  for (int i = 0; cls_job_schemas[i]; i++) add_section(&p, cls_job_schemas[i]);
  const cls_schema *waveforms = cls_job_waveform_schemas(&n);
  for (int i = 0; i < n; i++) add_section(&p, &waveforms[i]);
  const cls_schema *distributions = cls_schema_distributions(&n);
  for (int i = 0; i < n; i++) add_section(&p, &distributions[i]);
  *text = p.text;
  if (p.status == CLS_OK) return CLS_OK;
  free(p.text);
  *text = NULL;
  return p.status;
}

#include "io/schema.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- scalars ---- */

static const char *skip_digits(const char *c) {
  while (*c >= '0' && *c <= '9') c++;
  return c;
}

/* The whole token is a decimal number as YAML's core schema has it: no hexadecimal, octal, base 60 or
 * underscores, which readers of YAML disagree about. */
static bool is_number(const char *text) {
  const char *c = text + (*text == '+' || *text == '-');
  if (strcmp(c, ".inf") == 0 || strcmp(c, ".Inf") == 0 || strcmp(c, ".INF") == 0) return true;
  const char *whole = c;
  c = skip_digits(c);
  ptrdiff_t digits = c - whole;
  if (*c == '.') {
    const char *fraction = ++c;
    c = skip_digits(c);
    digits += c - fraction;
  }
  if (digits == 0) return false;
  if (*c == 'e' || *c == 'E') {
    c++;
    if (*c == '+' || *c == '-') c++;
    const char *exponent = c;
    c = skip_digits(c);
    if (c == exponent) return false;
  }
  return *c == 0;
}

static bool read_number(const cls_yaml *node, double *value) {
  if (node->kind != CLS_YAML_SCALAR || !node->plain || !is_number(node->text)) return false;
  const char *inf = strpbrk(node->text, "iI");
  *value = inf ? (*node->text == '-' ? -INFINITY : INFINITY) : strtod(node->text, NULL);
  return inf || isfinite(*value); /* 1e999 is no number */
}

/* Digits are read exactly; other spellings (1e6, 20000.0) when the double is a whole number below 2^53. */
static bool read_integer(const cls_yaml *node, int64_t *value) {
  double number;
  if (!read_number(node, &number)) return false;
  if (strpbrk(node->text, ".eEiI")) {
    if (!(fabs(number) <= 0x1p53) || number != floor(number)) return false;
    *value = (int64_t)number;
    return true;
  }
  if (!(fabs(number) < 0x1p63)) return false;
  *value = strtoll(node->text, NULL, 10);
  return true;
}

static bool in_range(const cls_key *key, double value) {
  if (isinf(value) && !key->infinite) return false;
  if (key->min == 0 && key->max == 0) return true;
  return value <= key->max && (key->above_min ? value > key->min : value >= key->min);
}

/* ---- words ---- */

static void join(char *buffer, size_t size, const char *const *names, int n) {
  size_t used = 0;
  buffer[0] = 0;
  for (int i = 0; i < n && used < size; i++) {
    int wrote = snprintf(buffer + used, size - used, "%s%s", i ? ", " : "", names[i]);
    if (wrote < 0) return;
    used += (size_t)wrote;
  }
}

static int count_choices(const cls_key *key) {
  int n = 0;
  while (key->choices && key->choices[n]) n++;
  return n;
}

static void describe_range(const cls_key *key, char *buffer, size_t size) {
  buffer[0] = 0;
  if (key->min == 0 && key->max == 0) return;
  if (isfinite(key->min) && isfinite(key->max))
    snprintf(buffer, size, key->above_min ? " above %.10g, at most %.10g" : " from %.10g to %.10g", key->min,
             key->max);
  else if (isfinite(key->min))
    snprintf(buffer, size, key->above_min ? " above %.10g" : " of at least %.10g", key->min);
  else if (isfinite(key->max))
    snprintf(buffer, size, " of at most %.10g", key->max);
}

cls_status cls_schema_expected(const cls_yaml *node, const cls_key *key) {
  char value[128], range[96], names[512];
  cls_yaml_describe(node, value, sizeof value);
  describe_range(key, range, sizeof range);
  const char *unit = key->unit && strcmp(key->unit, "1") != 0 ? key->unit : "";
  const char *in = *unit ? " in " : "";
  switch (key->type) {
  case CLS_KEY_NUMBER:
    return cls_yaml_fail(node, "%s: expected a number%s%s%s", value, range, in, unit);
  case CLS_KEY_INTEGER:
    return cls_yaml_fail(node, "%s: expected a whole number%s%s%s", value, range, in, unit);
  case CLS_KEY_BOOL:
    return cls_yaml_fail(node, "%s: expected true or false", value);
  case CLS_KEY_TEXT:
    return cls_yaml_fail(node, "%s: expected text", value);
  case CLS_KEY_CHOICE:
    join(names, sizeof names, key->choices, count_choices(key));
    return cls_yaml_fail(node, "%s: expected one of: %s", value, names);
  case CLS_KEY_DISTRIBUTION:
    return cls_yaml_fail(node, "%s: expected a number%s%s%s, or {distribution: ...}", value, range, in, unit);
  case CLS_KEY_MAP:
    return cls_yaml_fail(node, "%s: expected a mapping of keys to values", value);
  case CLS_KEY_LIST:
    return cls_yaml_fail(node, "%s: expected a list", value);
  case CLS_KEY_ANY:
    return cls_yaml_fail(node, "%s: expected a value", value);
  }
  return cls_fail(CLS_ERR_INTERNAL, "key %s: unknown type %d", key->name, (int)key->type);
}

/* Edits (insert, delete, replace) between two names (Levenshtein 1966); names are cut at 63 characters. */
static int distance(const char *a, const char *b) {
  int row[64], n = (int)strlen(b);
  if (n > 63) n = 63;
  for (int j = 0; j <= n; j++) row[j] = j;
  for (int i = 0; a[i] && i < 63; i++) {
    int diagonal = row[0];
    row[0] = i + 1;
    for (int j = 1; j <= n; j++) {
      int best = diagonal + (a[i] != b[j - 1]);
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[n];
}

cls_status cls_schema_unknown(const cls_yaml *node, const char *kind, const char *name,
                              const char *const *names, int n) {
  int nearest = -1, best = INT_MAX;
  for (int i = 0; i < n; i++) {
    int d = distance(name, names[i]);
    /* A forgotten or different unit is the commonest slip: duration, duration_s. */
    size_t same = 0;
    while (name[same] && name[same] == names[i][same]) same++;
    if (same >= 3 && (!name[same] || name[same - 1] == '_')) d = d < 2 ? d : 2;
    if (d < best) {
      best = d;
      nearest = i;
    }
  }
  int allowed = (int)strlen(name) / 2 < 3 ? (int)strlen(name) / 2 : 3;
  if (nearest >= 0 && best <= allowed)
    return cls_yaml_fail(node, "unknown %s '%.60s': did you mean '%s'?", kind, name, names[nearest]);
  char all[640];
  join(all, sizeof all, names, n);
  return cls_yaml_fail(node, "unknown %s '%.60s': expected one of: %s", kind, name, all);
}

/* ---- the walker ---- */

static cls_status read_choice(const cls_yaml *node, const cls_key *key, int *field) {
  int n = count_choices(key);
  if (node->kind != CLS_YAML_SCALAR || !*node->text) return cls_schema_expected(node, key);
  for (int i = 0; i < n; i++)
    if (strcmp(node->text, key->choices[i]) == 0) {
      *field = i;
      return CLS_OK;
    }
  return cls_schema_expected(node, key);
}

cls_status cls_schema_value(cls_yaml_tree *tree, const cls_yaml *node, const cls_key *key, void *field) {
  double number;
  int64_t integer;
  switch (key->type) {
  case CLS_KEY_NUMBER:
    if (!read_number(node, &number) || !in_range(key, number)) return cls_schema_expected(node, key);
    *(double *)field = number;
    return CLS_OK;
  case CLS_KEY_INTEGER:
    if (!read_integer(node, &integer) || !in_range(key, (double)integer))
      return cls_schema_expected(node, key);
    *(int64_t *)field = integer;
    return CLS_OK;
  case CLS_KEY_BOOL:
    if (node->kind != CLS_YAML_SCALAR || !node->plain) return cls_schema_expected(node, key);
    if (strcmp(node->text, "true") != 0 && strcmp(node->text, "false") != 0)
      return cls_schema_expected(node, key);
    *(bool *)field = *node->text == 't';
    return CLS_OK;
  case CLS_KEY_TEXT:
    if (node->kind != CLS_YAML_SCALAR || !*node->text) return cls_schema_expected(node, key);
    *(const char **)field = node->text;
    return CLS_OK;
  case CLS_KEY_CHOICE:
    return read_choice(node, key, field);
  case CLS_KEY_DISTRIBUTION:
    return cls_schema_distribution(tree, node, key, field);
  case CLS_KEY_MAP:
    if (node->kind != CLS_YAML_MAP) return cls_schema_expected(node, key);
    *(const cls_yaml **)field = node;
    return CLS_OK;
  case CLS_KEY_LIST:
    if (node->kind != CLS_YAML_LIST) return cls_schema_expected(node, key);
    *(const cls_yaml **)field = node;
    return CLS_OK;
  case CLS_KEY_ANY:
    if (node->kind == CLS_YAML_SCALAR && node->plain && !*node->text) return cls_schema_expected(node, key);
    *(const cls_yaml **)field = node;
    return CLS_OK;
  }
  return cls_fail(CLS_ERR_INTERNAL, "key %s: unknown type %d", key->name, (int)key->type);
}

static cls_status refuse_unknown(const cls_yaml *section, const cls_key *keys, int n) {
  for (size_t i = 0; i < section->n; i++) {
    int k = 0;
    while (k < n && strcmp(section->items[i]->key, keys[k].name) != 0) k++;
    if (k < n) continue;
    const char **names;
    CLS_TRY(cls_alloc(&names, (size_t)n, sizeof *names, "names of keys"));
    for (k = 0; k < n; k++) names[k] = keys[k].name;
    cls_status status = cls_schema_unknown(section->items[i], "key", section->items[i]->key, names, n);
    free(names);
    return status;
  }
  return CLS_OK;
}

/* The default is read like a value in the file, so that the page and the program cannot disagree. */
static cls_status read_default(cls_yaml_tree *tree, const cls_key *key, void *field) {
  cls_yaml *node;
  CLS_TRY(cls_yaml_parse(tree, key->initial, strlen(key->initial), "default", false, &node));
  node->key = key->name;
  return cls_schema_value(tree, node, key, field);
}

cls_status cls_schema_read(cls_yaml_tree *tree, const cls_yaml *section, const cls_key *keys, int n,
                           void *target) {
  if (section->kind != CLS_YAML_MAP)
    return cls_schema_expected(section, &(cls_key){.name = "section", .type = CLS_KEY_MAP});
  CLS_TRY(refuse_unknown(section, keys, n));
  for (int k = 0; k < n; k++) {
    const cls_yaml *node = cls_yaml_get(section, keys[k].name);
    void *field = (char *)target + keys[k].offset;
    if (node)
      CLS_TRY(cls_schema_value(tree, node, &keys[k], field));
    else if (keys[k].required)
      return cls_yaml_fail(section, "key '%s' is missing: %s", keys[k].name, keys[k].doc);
    else if (keys[k].initial)
      CLS_TRY(read_default(tree, &keys[k], field));
  }
  return CLS_OK;
}

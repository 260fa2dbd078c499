/* Values that may be drawn: a number, or {distribution: NAME, ...}. */
#include "io/schema.h"
#include <math.h>
#include <string.h>

/* What the keys of any distribution are read into. */
typedef struct {
  const char *name;
  double a, b, scale, offset, min, max;
  int outside;
} fields;

static const char *const outside_choices[] = {"redraw", "clip", NULL};

/* Keys that every distribution has. `scale` and `offset` act on the drawn value, before the bounds. */
#define COMMON_KEYS                                                                                          \
  {"distribution", CLS_KEY_TEXT, offsetof(fields, name), .required = true,                                   \
   .doc = "name of the distribution"},                                                                       \
      {"scale", CLS_KEY_NUMBER, offsetof(fields, scale), .initial = "1",                                     \
       .doc = "factor on the drawn value"},                                                                  \
      {"offset", CLS_KEY_NUMBER, offsetof(fields, offset), .initial = "0", .doc = "added after the factor"}, \
      {"min",                                                                                                \
       CLS_KEY_NUMBER,                                                                                       \
       offsetof(fields, min),                                                                                \
       .initial = "-.inf",                                                                                   \
       .infinite = true,                                                                                     \
       .doc = "smallest value"},                                                                             \
      {"max",                                                                                                \
       CLS_KEY_NUMBER,                                                                                       \
       offsetof(fields, max),                                                                                \
       .initial = ".inf",                                                                                    \
       .infinite = true,                                                                                     \
       .doc = "largest value"},                                                                              \
  {                                                                                                          \
    "outside", CLS_KEY_CHOICE, offsetof(fields, outside), .initial = "redraw", .choices = outside_choices,   \
                                                          .doc = "what happens to values beyond min and max" \
  }

static const cls_key uniform_keys[] = {
    {"low", CLS_KEY_NUMBER, offsetof(fields, a), .required = true, .doc = "lower end"},
    {"high", CLS_KEY_NUMBER, offsetof(fields, b), .required = true, .doc = "upper end"},
    COMMON_KEYS};
static const cls_key normal_keys[] = {
    {"mean", CLS_KEY_NUMBER, offsetof(fields, a), .required = true, .doc = "mean"},
    {"sd", CLS_KEY_NUMBER, offsetof(fields, b), .required = true, .max = INFINITY,
     .doc = "standard deviation"},
    COMMON_KEYS};
static const cls_key lognormal_keys[] = {
    {"mean", CLS_KEY_NUMBER, offsetof(fields, a), .required = true, .max = INFINITY, .above_min = true,
     .doc = "mean of the variable itself"},
    {"sd", CLS_KEY_NUMBER, offsetof(fields, b), .required = true, .max = INFINITY,
     .doc = "standard deviation of the variable itself"},
    COMMON_KEYS};
static const cls_key gamma_keys[] = {{"shape", CLS_KEY_NUMBER, offsetof(fields, a), .required = true,
                                      .max = INFINITY, .above_min = true, .doc = "shape"},
                                     {"rate", CLS_KEY_NUMBER, offsetof(fields, b), .required = true,
                                      .max = INFINITY, .above_min = true,
                                      .doc = "rate; the mean is shape / rate"},
                                     COMMON_KEYS};

enum { N_KINDS = 4, N_KEYS = 8 };
_Static_assert(sizeof uniform_keys / sizeof *uniform_keys == N_KEYS, "keys of a distribution");
static const cls_distribution_kind kinds[N_KINDS] = {CLS_UNIFORM, CLS_NORMAL, CLS_LOGNORMAL, CLS_GAMMA};
static const char *const kind_names[N_KINDS] = {"uniform", "normal", "lognormal", "gamma"};
static const cls_schema schemas[N_KINDS] = {
    {"{distribution: uniform}", "Every value between two ends alike.", uniform_keys, N_KEYS},
    {"{distribution: normal}", "Gaussian.", normal_keys, N_KEYS},
    {"{distribution: lognormal}", "Logarithm is Gaussian.", lognormal_keys, N_KEYS},
    {"{distribution: gamma}", "Gamma.", gamma_keys, N_KEYS}};

const cls_schema *cls_schema_distributions(int *n) {
  *n = N_KINDS;
  return schemas;
}

static cls_status read_kind(const cls_yaml *node, int *kind) {
  const cls_yaml *name = cls_yaml_get(node, "distribution");
  if (!name)
    return cls_yaml_fail(node,
                         "a mapping without 'distribution': expected a number or {distribution: uniform, "
                         "normal, lognormal or gamma, ...}");
  if (name->kind != CLS_YAML_SCALAR)
    return cls_schema_expected(name, &(cls_key){.name = "distribution", .type = CLS_KEY_TEXT});
  for (*kind = 0; *kind < N_KINDS; ++*kind)
    if (strcmp(name->text, kind_names[*kind]) == 0) return CLS_OK;
  return cls_schema_unknown(name, "distribution", name->text, kind_names, N_KINDS);
}

/* Where the ends are sharp (constant, uniform) all that can be drawn must lie in the range. Tails of the
 * others are cut at the range by the network, so that only their mean must lie in it. */
static cls_status check_range(const cls_yaml *node, const cls_key *key, const cls_distribution *d) {
  if (key->min == 0 && key->max == 0) return CLS_OK;
  bool sharp = d->kind == CLS_CONSTANT || d->kind == CLS_UNIFORM;
  double low = sharp ? cls_distribution_lower(d) : cls_distribution_mean(d);
  double high = sharp ? cls_distribution_upper(d) : low;
  if (low < key->min || (key->above_min && low <= key->min))
    return cls_yaml_fail(node, "%s of the distribution is %.10g: expected %s %.10g",
                         sharp ? "lower end" : "mean", low, key->above_min ? "above" : "at least", key->min);
  if (high > key->max)
    return cls_yaml_fail(node, "%s of the distribution is %.10g: expected at most %.10g",
                         sharp ? "upper end" : "mean", high, key->max);
  return CLS_OK;
}

cls_status cls_schema_distribution(cls_yaml_tree *tree, const cls_yaml *node, const cls_key *key,
                                   cls_distribution *distribution) {
  if (node->kind == CLS_YAML_SCALAR) {
    cls_key number = *key;
    double value;
    number.type = CLS_KEY_NUMBER;
    if (cls_schema_value(tree, node, &number, &value) != CLS_OK) return cls_schema_expected(node, key);
    *distribution = cls_constant(value);
    return CLS_OK;
  }
  if (node->kind == CLS_YAML_LIST) return cls_schema_expected(node, key);
  int kind = 0;
  fields f = {0};
  CLS_TRY(read_kind(node, &kind));
  CLS_TRY(cls_schema_read(tree, node, schemas[kind].keys, schemas[kind].n_keys, &f));
  if (kinds[kind] == CLS_UNIFORM && f.b < f.a)
    return cls_yaml_fail(node, "low %.10g is above high %.10g: expected low <= high", f.a, f.b);
  *distribution = (cls_distribution){.kind = kinds[kind],
                                     .a = f.a,
                                     .b = f.b,
                                     .offset = f.offset,
                                     .scale = f.scale,
                                     .min = f.min,
                                     .max = f.max,
                                     .bound = f.outside == 0 ? CLS_REDRAW : CLS_CLIP};
  cls_status status = cls_distribution_check(distribution, "distribution");
  if (status != CLS_OK) return cls_yaml_prefix(node, status);
  return check_range(node, key, distribution);
}

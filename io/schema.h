/* What a section of a job file may hold, as a table, and the walker that reads a section by it: unknown keys,
 * wrong types, values out of range and missing keys are refused with file, line, key and what was expected.
 * The same tables describe the keys for people (name, unit, default, range, doc). */
#ifndef CALLOSUM_SCHEMA_H
#define CALLOSUM_SCHEMA_H

#include "base/distribution.h"
#include "io/yaml_tree.h"

/* Type of a key, and what the walker writes into the target. */
typedef enum {
  CLS_KEY_NUMBER,       /* double */
  CLS_KEY_INTEGER,      /* int64_t; 1e6 is an integer */
  CLS_KEY_BOOL,         /* bool: true or false */
  CLS_KEY_TEXT,         /* const char *, owned by the tree */
  CLS_KEY_CHOICE,       /* int: position in `choices` */
  CLS_KEY_DISTRIBUTION, /* cls_distribution: a number is a constant */
  CLS_KEY_MAP,          /* const cls_yaml *: a mapping */
  CLS_KEY_LIST,         /* const cls_yaml *: a list */
  CLS_KEY_ANY           /* const cls_yaml *: the section's own code says more */
} cls_key_type;

typedef struct {
  const char *name;
  cls_key_type type;
  size_t offset;       /* of the field in the target */
  const char *unit;    /* NULL: none */
  const char *initial; /* default, as one would write it; NULL: the field is left as the caller prepared it */
  bool required;
  double min, max;            /* inclusive; 0, 0: no limits */
  bool above_min;             /* min itself is excluded */
  bool infinite;              /* numbers: .inf and -.inf are allowed */
  const char *const *choices; /* NULL-terminated */
  const char *doc;
} cls_key;

/* A section of the job file for people and for the reference page. */
typedef struct {
  const char *path; /* "simulation", "populations[]" */
  const char *doc;
  const cls_key *keys;
  int n_keys;
} cls_schema;

/* Local. Reads mapping `section` into the struct `target` by `n` keys; keys that are absent get their
 * default. `tree` owns what defaults need. CLS_ERR_INPUT "FILE:LINE: key.path: value 'x': expected ...". */
cls_status cls_schema_read(cls_yaml_tree *tree, const cls_yaml *section, const cls_key *keys, int n,
                           void *target);
/* As above for one value, whatever its key: elements of lists. */
cls_status cls_schema_value(cls_yaml_tree *tree, const cls_yaml *node, const cls_key *key, void *field);
/* A number, or {distribution: ..., ...} (schema_distribution.c), whose values are within [min, max]. */
cls_status cls_schema_distribution(cls_yaml_tree *tree, const cls_yaml *node, const cls_key *key,
                                   cls_distribution *distribution);
/* The tables behind distributions, for the reference page: `*n` of them. */
const cls_schema *cls_schema_distributions(int *n);
/* CLS_ERR_INPUT: "expected ..." about `node`, with the type, unit and range of `key` in words. */
cls_status cls_schema_expected(const cls_yaml *node, const cls_key *key);
/* CLS_ERR_INPUT for a name that `names[0 ... n-1]` does not hold: names the nearest, else lists all. `kind`
 * is what the name was to be ("key", "model"). */
cls_status cls_schema_unknown(const cls_yaml *node, const char *kind, const char *name,
                              const char *const *names, int n);

#endif

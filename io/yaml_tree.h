/* YAML text as a tree that remembers where each value was written: file and line, or the --set option.
 *
 * Only what a job file needs: mappings with unique, plain keys, lists and scalars. Aliases are expanded (a
 * limit on nodes and depth keeps hostile files small); tags and several documents in one file are refused. */
#ifndef CALLOSUM_YAML_TREE_H
#define CALLOSUM_YAML_TREE_H

#include "base/base.h"

typedef enum { CLS_YAML_SCALAR, CLS_YAML_LIST, CLS_YAML_MAP } cls_yaml_kind;

/* A value. Owned by its tree, and so is every string. */
typedef struct cls_yaml_ cls_yaml;
struct cls_yaml_ {
  cls_yaml_kind kind;
  const char *text; /* of a scalar */
  bool plain;       /* scalar without quotes: may be a number, a truth value or a name */
  cls_yaml *parent; /* NULL: the root */
  const char *key;  /* under which it stands in its parent, NULL in a list */
  size_t index;     /* in its parent */
  const char *origin;
  int line;         /* 1 is the first, 0: the origin has no lines (--set) */
  cls_yaml **items; /* of lists and mappings */
  size_t n, capacity;
};

/* Owns nodes and strings: all are freed together. */
typedef struct cls_yaml_tree_ cls_yaml_tree;

/* Local, as everything here. */
cls_status cls_yaml_tree_create(cls_yaml_tree **tree);
void cls_yaml_tree_destroy(cls_yaml_tree *tree); /* NULL is fine */
/* Reads one document of `size` bytes. `origin` names the file, or the option where `has_lines` is false; it
 * is copied. CLS_ERR_INPUT "ORIGIN:LINE: ..." where the text is not what this tree holds. */
cls_status cls_yaml_parse(cls_yaml_tree *tree, const char *text, size_t size, const char *origin,
                          bool has_lines, cls_yaml **root);
/* Applies "key.path=value" to the tree under `root`: elements of lists by number (one past the last appends),
 * missing mappings are made, the value is read as YAML. CLS_ERR_INPUT names the option. */
cls_status cls_yaml_set(cls_yaml_tree *tree, cls_yaml *root, const char *option);
/* The value under `key` of a mapping; NULL where there is none. */
cls_yaml *cls_yaml_get(const cls_yaml *map, const char *key);
/* The mapping under `key`, or an empty one that knows its place but is not part of the tree, so that what is
 * missing in it can be named. CLS_ERR_INPUT where the value is no mapping. */
cls_status cls_yaml_section(cls_yaml_tree *tree, const cls_yaml *map, const char *key,
                            const cls_yaml **section);
/* The tree as YAML text in freshly allocated memory (free() it). */
cls_status cls_yaml_emit(const cls_yaml *root, char **text);

/* Leaves the message "ORIGIN:LINE: key.path: ..." in one line and returns CLS_ERR_INPUT. */
cls_status cls_yaml_fail(const cls_yaml *node, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts "ORIGIN:LINE: key.path" in front of the message already left; returns `status`. */
cls_status cls_yaml_prefix(const cls_yaml *node, cls_status status);
/* The words for a value in messages: "value 'abc'", "a list", "a mapping", "no value". Into `buffer`, which
 * is returned. */
const char *cls_yaml_describe(const cls_yaml *node, char *buffer, size_t size);
/* "populations.0.n" into `buffer`, which is returned. */
const char *cls_yaml_path(const cls_yaml *node, char *buffer, size_t size);

/* ---- for the files that build trees ---- */

/* Appends `item` to a list, or to a mapping under `key` (copied), or replaces what stands there. */
cls_status cls_yaml_append(cls_yaml_tree *tree, cls_yaml *parent, const char *key, cls_yaml *item);
void cls_yaml_replace(cls_yaml *old, cls_yaml *item);
/* A new node without parent. `text` (scalars; `size` bytes) and `origin` are copied; NULL: none. */
cls_status cls_yaml_node(cls_yaml_tree *tree, cls_yaml_kind kind, const char *text, size_t size,
                         const char *origin, int line, cls_yaml **node);

#endif

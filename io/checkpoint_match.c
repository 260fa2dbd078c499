/* Whether a checkpoint is of a job: which of its keys differs first. */
#include "io/checkpoint.h"
#include "io/yaml_tree.h"
#include <string.h>

/* What stands at the place of `item`, number i of its parent, in `other`; NULL: nothing. */
static const cls_yaml *counterpart(const cls_yaml *item, const cls_yaml *other, size_t i) {
  if (other->kind == CLS_YAML_MAP) return cls_yaml_get(other, item->key);
  return i < other->n ? other->items[i] : NULL;
}

/* "key.path: 'a' there, 'b' here"; false: `a` and `b` are alike. */
static bool differ(const cls_yaml *a, const cls_yaml *b, char *text, size_t size) {
  char path[256], there[128], here[128];
  if (a->kind != b->kind || (a->kind == CLS_YAML_SCALAR && strcmp(a->text, b->text) != 0)) {
    snprintf(text, size, "%s: %s there, %s here", cls_yaml_path(a, path, sizeof path),
             cls_yaml_describe(a, there, sizeof there), cls_yaml_describe(b, here, sizeof here));
    return true;
  }
  if (a->kind == CLS_YAML_SCALAR) return false;
  for (size_t i = 0; i < a->n; i++) {
    const cls_yaml *y = counterpart(a->items[i], b, i);
    if (y && differ(a->items[i], y, text, size)) return true;
    if (y) continue;
    snprintf(text, size, "%s: %s there, nothing here", cls_yaml_path(a->items[i], path, sizeof path),
             cls_yaml_describe(a->items[i], there, sizeof there));
    return true;
  }
  for (size_t i = 0; i < b->n; i++) {
    if (counterpart(b->items[i], a, i)) continue;
    snprintf(text, size, "%s: nothing there, %s here", cls_yaml_path(b->items[i], path, sizeof path),
             cls_yaml_describe(b->items[i], here, sizeof here));
    return true;
  }
  return false;
}

/* What differs between the texts, "" where they say the same or cannot be read. */
static void find_difference(const char *there, const char *here, char *text, size_t size) {
  cls_yaml_tree *tree = NULL;
  cls_yaml *a, *b;
  text[0] = 0;
  if (cls_yaml_tree_create(&tree) == CLS_OK &&
      cls_yaml_parse(tree, there, strlen(there), "checkpoint", false, &a) == CLS_OK &&
      cls_yaml_parse(tree, here, strlen(here), "job", false, &b) == CLS_OK)
    (void)differ(a, b, text, size);
  cls_yaml_tree_destroy(tree);
}

cls_status cls_checkpoint_match(const cls_manifest *m, const char *path, const cls_checkpoint_about *about,
                                const char *job) {
  char difference[600];
  find_difference(m->science, about->science, difference, sizeof difference);
  CLS_CHECK(!difference[0], CLS_ERR_INPUT, "%s: is a checkpoint of another job than %s: %s", path, job,
            difference);
  CLS_CHECK(m->science_hash == about->science_hash, CLS_ERR_INPUT,
            "%s: is a checkpoint of another job than %s: a file that it names holds something else now", path,
            job);
  CLS_CHECK(m->seed == about->seed && m->members == about->members && m->dt_ms == about->dt_ms, CLS_ERR_INPUT,
            "%s: seed %llu, %d members and steps of %g ms there; %llu, %d and %g ms in %s", path,
            (unsigned long long)m->seed, m->members, m->dt_ms, (unsigned long long)about->seed,
            about->members, about->dt_ms, job);
  return CLS_OK;
}

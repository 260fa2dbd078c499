/* What the tests of YAML share: the tree of the text read last. */
#ifndef TESTS_JOB_TREES_H
#define TESTS_JOB_TREES_H

#include "base/outcome.h"

#include "io/yaml_tree.h"

static cls_yaml_tree *tree;
static cls_yaml *root;

static inline cls_status parse(const char *text) {
  cls_yaml_tree_destroy(tree);
  tree = NULL;
  OK(cls_yaml_tree_create(&tree));
  return cls_yaml_parse(tree, text, strlen(text), "job.yaml", true, &root);
}

static inline int drop_tree(void **state) {
  (void)state;
  cls_yaml_tree_destroy(tree);
  tree = NULL;
  return 0;
}

#endif

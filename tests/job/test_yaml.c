/* The tree behind job files: values, places in messages, --set, and text that reads back as the same tree. */
#include "job/trees.h"
#include <stdlib.h>

/* The message says every one of the fragments, separated by '|'. */
static void assert_message(const char *fragments) {
  char copy[256], *rest = copy;
  snprintf(copy, sizeof copy, "%s", fragments);
  for (char *part = strtok_r(copy, "|", &rest); part; part = strtok_r(NULL, "|", &rest)) MESSAGE(part);
}

static void assert_refused(const char *text, const char *fragments) {
  assert_int_equal(parse(text), CLS_ERR_INPUT);
  assert_message(fragments);
}

static const cls_yaml *at(const char *a, const char *b) {
  const cls_yaml *node = cls_yaml_get(root, a);
  return b ? cls_yaml_get(node, b) : node;
}

static void test_values_and_places(void **state) {
  (void)state;
  assert_int_equal(parse("# comment\na: 1\nb:\n  c: 'x y'\n  d:\n    - 5\n    - {e: [6, 7]}\n"), CLS_OK);
  assert_string_equal(at("a", NULL)->text, "1");
  assert_true(at("a", NULL)->plain);
  assert_string_equal(at("b", "c")->text, "x y");
  assert_false(at("b", "c")->plain);
  assert_int_equal(at("b", "c")->line, 4);
  const cls_yaml *d = at("b", "d");
  assert_int_equal(d->kind, CLS_YAML_LIST);
  assert_int_equal(d->line, 5);
  const cls_yaml *seven = cls_yaml_get(d->items[1], "e")->items[1];
  char path[64];
  assert_string_equal(cls_yaml_path(seven, path, sizeof path), "b.d.1.e.1");
  cls_yaml_fail(seven, "value '%s': wrong\nhere", seven->text);
  assert_string_equal(cls_error_message(), "job.yaml:7: b.d.1.e.1: value '7': wrong here");
  assert_null(cls_yaml_get(root, "c"));
}

static void test_aliases_are_expanded(void **state) {
  (void)state;
  assert_int_equal(parse("a: &x {k: 1}\nb: *x\n"), CLS_OK);
  assert_string_equal(at("b", "k")->text, "1");
  assert_ptr_not_equal(at("b", NULL), at("a", NULL));
  char path[64];
  assert_string_equal(cls_yaml_path(at("b", "k"), path, sizeof path), "b.k");
}

static void test_refused(void **state) {
  (void)state;
  assert_refused("a: 1\nb: 2\na: 3\n", "job.yaml:3: a:|second time|line 1");
  assert_refused("a: [1, 2\nb: 3\n", "job.yaml:2|not YAML");
  assert_refused("a:\n\t- 1\n", "job.yaml:2|not YAML");
  assert_refused("", "job.yaml|empty");
  assert_refused("# nothing\n", "job.yaml|empty");
  assert_refused("a: 1\n---\nb: 2\n", "job.yaml:|second document");
  assert_refused("a: !!int 5\n", "job.yaml:1|tags");
  assert_refused("? [x]\n: 1\n", "job.yaml:1|key must be a word");
  assert_refused("a: &x [*x]\n", "job.yaml:1|deep");
  assert_refused("a: \"x\\0y\"\n", "job.yaml:1|zero byte");
  assert_refused("a: \xff\n", "job.yaml:|not YAML");
  /* Nine levels of ten aliases: 10^9 values from 600 bytes. */
  char bomb[1024] = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
  for (int i = 1; i < 9; i++) {
    char line[128];
    snprintf(line, sizeof line, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i,
             i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    strcat(bomb, line);
  }
  assert_refused(bomb, "1,000,000");
}

static void test_set(void **state) {
  (void)state;
  assert_int_equal(parse("a: {b: 1, c: 2}\nl: [{n: 1}, {n: 2}]\n"), CLS_OK);
  assert_int_equal(cls_yaml_set(tree, root, "a.b=5"), CLS_OK);
  assert_string_equal(at("a", "b")->text, "5");
  assert_string_equal(at("a", "c")->text, "2");
  assert_int_equal(cls_yaml_set(tree, root, "l.1.n=7"), CLS_OK);
  assert_string_equal(cls_yaml_get(at("l", NULL)->items[1], "n")->text, "7");
  assert_string_equal(cls_yaml_get(at("l", NULL)->items[0], "n")->text, "1");
  assert_int_equal(cls_yaml_set(tree, root, "l.2={n: 3}"), CLS_OK);
  assert_int_equal(at("l", NULL)->n, 3);
  assert_int_equal(cls_yaml_set(tree, root, "new.deep.rates={bin_ms: 1}"), CLS_OK);
  const cls_yaml *bin = cls_yaml_get(cls_yaml_get(at("new", "deep"), "rates"), "bin_ms");
  assert_string_equal(bin->text, "1");
  cls_yaml_fail(bin, "wrong");
  assert_string_equal(cls_error_message(), "--set new.deep.rates={bin_ms: 1}: new.deep.rates.bin_ms: wrong");
  assert_int_equal(cls_yaml_set(tree, root, "a.c=x=y"), CLS_OK); /* the first = divides */
  assert_string_equal(at("a", "c")->text, "x=y");
}

static void test_set_refused(void **state) {
  (void)state;
  const char *const cases[][2] = {
      {"a.b", "--set a.b: expected key.path=value"},
      {"=5", "expected key.path=value"},
      {"a.b=", "expected key.path=value"},
      {"a..b=1", "a key is empty"},
      {"a.b.c=1", "--set a.b.c=1|'a.b' is value '1'"},
      {"l.5.n=1", "'l' is a list of 2|0 to 2|'5'"},
      {"l.x=1", "'l' is a list of 2|'x'"},
      {"a.b=[1", "--set a.b=[1|not YAML"},
      {"a.\xff=1", "expected a key in UTF-8"},
      {"a.\xed\xa0\x80=1", "expected a key in UTF-8"},
      {"a.\tb=1", "expected a key in UTF-8, without control characters"},
      {"a=!t 1", "tags"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(parse("a: {b: 1}\nl: [{n: 1}, {n: 2}]\n"), CLS_OK);
    assert_int_equal(cls_yaml_set(tree, root, cases[i][0]), CLS_ERR_INPUT);
    assert_message(cases[i][1]);
  }
}

static void assert_same(const cls_yaml *a, const cls_yaml *b) {
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->n, b->n);
  if (a->key) assert_string_equal(a->key, b->key);
  if (a->kind == CLS_YAML_SCALAR) {
    assert_string_equal(a->text, b->text);
    assert_int_equal(a->plain, b->plain);
  }
  for (size_t i = 0; i < a->n; i++) assert_same(a->items[i], b->items[i]);
}

static void test_text_reads_back(void **state) {
  (void)state;
  assert_int_equal(
      parse(
          "a: {b: 1e-3, s: '5', w: (\"x*\","
          " v: '?', t: \"tab\\there\", u: \"\xc3\xa9\"}\nl:\n - {n: 1, k: {d: [1, .inf]}}\n - "
          "[]\n - "
          "{}\n - long text of several words that goes on and on and on until the line is certainly full\n"),
      CLS_OK);
  char *text = NULL, *again = NULL;
  assert_int_equal(cls_yaml_emit(root, &text), CLS_OK);
  cls_yaml *second;
  assert_int_equal(cls_yaml_parse(tree, text, strlen(text), "text", true, &second), CLS_OK);
  assert_same(root, second);
  assert_int_equal(cls_yaml_emit(second, &again), CLS_OK);
  assert_string_equal(text, again);
  free(text);
  free(again);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values_and_places), cmocka_unit_test(test_aliases_are_expanded),
      cmocka_unit_test(test_refused),           cmocka_unit_test(test_set),
      cmocka_unit_test(test_set_refused),       cmocka_unit_test(test_text_reads_back),
  };
  return cmocka_run_group_tests(tests, NULL, drop_tree);
}

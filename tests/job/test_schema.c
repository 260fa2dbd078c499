/* The walker: what each type takes and refuses, defaults, suggestions, distributions. */
#include "job/trees.h"

#include "io/job.h"
#include <math.h>

typedef struct {
  double duration_ms, share, limit;
  int64_t n;
  bool flag;
  int colour;
  const char *name;
  cls_distribution weight;
  const cls_yaml *list;
} fields;

static const char *const colours[] = {"red", "green", NULL};
static const cls_key keys[] = {
    {"duration_ms", CLS_KEY_NUMBER, offsetof(fields, duration_ms), .unit = "ms", .required = true, .min = 0,
     .max = 1e6, .above_min = true, .doc = "how long"},
    {"share", CLS_KEY_NUMBER, offsetof(fields, share), .initial = "0.25"},
    {"limit", CLS_KEY_NUMBER, offsetof(fields, limit), .initial = ".inf", .infinite = true},
    {"n", CLS_KEY_INTEGER, offsetof(fields, n), .initial = "3", .min = 1, .max = 9007199254740993.0},
    {"flag", CLS_KEY_BOOL, offsetof(fields, flag), .initial = "true"},
    {"colour", CLS_KEY_CHOICE, offsetof(fields, colour), .initial = "green", .choices = colours},
    {"name", CLS_KEY_TEXT, offsetof(fields, name), .doc = ""},
    {"weight", CLS_KEY_DISTRIBUTION, offsetof(fields, weight), .unit = "pA",
     .initial = "{distribution: uniform, low: 1, high: 2}", .min = 0, .max = 100},
    {"list", CLS_KEY_LIST, offsetof(fields, list), .doc = ""},
};

static fields f;

static cls_status read(const char *text) {
  f = (fields){.name = "unset"};
  CLS_TRY(parse(text));
  return cls_schema_read(tree, root, keys, CLS_KEYS(keys), &f);
}

static void assert_refused(const char *text, const char *message) {
  if (read(text) == CLS_OK) fail_msg("'%s' was taken", text);
  MESSAGE(message);
}

static void test_values(void **state) {
  (void)state;
  assert_int_equal(
      read("duration_ms: 1.5e3\nshare: -.5\nlimit: -.inf\nn: 9007199254740993\nflag: false\ncolour: red\n"
           "name: '12'\nweight: 7\nlist: [1]\n"),
      CLS_OK);
  assert_true(f.duration_ms == 1500 && f.share == -0.5 && f.limit == -INFINITY);
  assert_true(f.n == INT64_C(9007199254740993)); /* 2^53 + 1: not by way of a double */
  assert_true(!f.flag && f.colour == 0 && f.weight.kind == CLS_CONSTANT && f.weight.a == 7);
  assert_string_equal(f.name, "12");
  assert_int_equal(f.list->n, 1);
}

static void test_defaults(void **state) {
  (void)state;
  assert_int_equal(read("duration_ms: 1"), CLS_OK);
  assert_true(f.share == 0.25 && f.limit == INFINITY && f.n == 3 && f.flag && f.colour == 1);
  assert_true(f.weight.kind == CLS_UNIFORM && f.weight.a == 1 && f.weight.b == 2);
  assert_string_equal(f.name, "unset");
  assert_int_equal(read("duration_ms: 1\nn: 1e6"), CLS_OK);
  assert_true(f.n == 1000000);
}

static void test_wrong_values(void **state) {
  (void)state;
  assert_refused("share: 1", "job.yaml:1: key 'duration_ms' is missing: how long");
  assert_refused("duration_ms: abc",
                 "job.yaml:1: duration_ms: value 'abc': expected a number above 0, at most 1000000 in ms");
  const char *const not_numbers[] = {"'5'", "0x10", "1_000", "1:30", "5 ms", ".nan", "nan",
                                     "inf", "1e",   "1e999", ".",    "+",    "[1]",  "{}",
                                     "~",   "",     "true",  "0",    "-1",   "2e6",  ".inf"};
  for (size_t i = 0; i < sizeof not_numbers / sizeof *not_numbers; i++) {
    char text[64];
    snprintf(text, sizeof text, "duration_ms: %s", not_numbers[i]);
    assert_refused(text, "job.yaml:1: duration_ms: ");
    assert_refused(text, "expected a number");
  }
  assert_refused("duration_ms: 1\nshare: .inf", "job.yaml:2: share: value '.inf': expected a number");
  assert_refused("duration_ms: 1\nn: 2.5", "job.yaml:2: n: value '2.5': expected a whole number from 1 to");
  assert_refused("duration_ms: 1\nn: 0", "n: value '0'");
  assert_refused("duration_ms: 1\nn: 1e300", "n: value '1e300'");
  assert_refused("duration_ms: 1\nn: 99999999999999999999", "n: value '9999");
  assert_refused("duration_ms: 1\nflag: yes", "flag: value 'yes': expected true or false");
  assert_refused("duration_ms: 1\nflag: 'true'", "expected true or false");
  assert_refused("duration_ms: 1\ncolour: blue", "colour: value 'blue': expected one of: red, green");
  assert_refused("duration_ms: 1\nname: [a]", "name: a list: expected text");
  assert_refused("duration_ms: 1\nlist: {a: 1}", "list: a mapping: expected a list");
  assert_refused("- 1", "expected a mapping");
}

static void test_unknown_keys(void **state) {
  (void)state;
  assert_refused("duration_ms: 1\ndurationms: 2",
                 "job.yaml:2: durationms: unknown key 'durationms': did you mean 'duration_ms'?");
  assert_refused("duration: 2", "did you mean 'duration_ms'?");
  assert_refused("duration_s: 2", "did you mean 'duration_ms'?");
  assert_refused("color: red", "did you mean 'colour'?");
  assert_refused("wieght: 1", "did you mean 'weight'?");
  assert_refused("elephant: 1", "expected one of: duration_ms, share, limit");
}

static cls_distribution weight(const char *text) {
  char job[256];
  snprintf(job, sizeof job, "duration_ms: 1\nweight: %s", text);
  if (read(job) != CLS_OK) fail_msg("%s: %s", text, cls_error_message());
  return f.weight;
}

static void test_distributions(void **state) {
  (void)state;
  cls_distribution d = weight("{distribution: normal, mean: 5, sd: 2, min: 0, max: 9, outside: clip}");
  assert_true(d.kind == CLS_NORMAL && d.a == 5 && d.b == 2 && d.min == 0 && d.max == 9 &&
              d.bound == CLS_CLIP);
  assert_true(d.scale == 1 && d.offset == 0);
  d = weight("{distribution: gamma, shape: 5, rate: 4, scale: 2, offset: 1}");
  assert_true(d.kind == CLS_GAMMA && d.a == 5 && d.b == 4 && d.scale == 2 && d.offset == 1 &&
              d.bound == CLS_REDRAW);
  assert_true(isinf(d.min) && isinf(d.max));
  assert_true(cls_distribution_mean(&d) == 3.5);
  d = weight("{distribution: lognormal, mean: 5, sd: 2}");
  assert_true(d.kind == CLS_LOGNORMAL && d.a == 5 && d.b == 2);
  d = weight("{distribution: uniform, low: 3, high: 4}");
  assert_true(d.kind == CLS_UNIFORM && d.a == 3 && d.b == 4);
}

static void test_wrong_distributions(void **state) {
  (void)state;
  const char *const cases[][2] = {
      {"-1", "weight: value '-1': expected a number from 0 to 100 in pA, or {distribution: ...}"},
      {"[1, 2]", "weight: a list: expected a number from 0 to 100"},
      {"{mean: 1}", "weight: a mapping without 'distribution'"},
      {"{distribution: norml, mean: 1, sd: 1}", "unknown distribution 'norml': did you mean 'normal'?"},
      {"{distribution: normal, mean: 1}", "weight: key 'sd' is missing"},
      {"{distribution: normal, mean: 1, sd: -1}", "weight.sd: value '-1'"},
      {"{distribution: normal, mean: 1, std: 1}", "unknown key 'std'"},
      {"{distribution: normal, mean: -1, sd: 1}", "mean of the distribution is -1: expected at least 0"},
      {"{distribution: normal, mean: 101, sd: 1}", "mean of the distribution is 101: expected at most 100"},
      {"{distribution: uniform, low: 2, high: 1}", "low 2 is above high 1"},
      {"{distribution: uniform, low: -2, high: 1}",
       "lower end of the distribution is -2: expected at least 0"},
      {"{distribution: uniform, low: 2, high: 101}", "upper end of the distribution is 101"},
      {"{distribution: uniform, low: 2, high: .inf}", "weight.high: value '.inf'"},
      {"{distribution: lognormal, mean: 0, sd: 1}", "weight.mean: value '0': expected a number above 0"},
      {"{distribution: gamma, shape: 1, rate: 0}", "weight.rate: value '0'"},
      {"{distribution: normal, mean: 1, sd: 1, min: 3, max: 2}", "job.yaml:2: weight:"},
      {"{distribution: normal, mean: 1, sd: 1, min: 50}",
       "job.yaml:2: weight:"}, /* redrawing would not end */
      {"{distribution: normal, mean: 1, sd: 1, outside: cut}",
       "weight.outside: value 'cut': expected one of: redraw, clip"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[256];
    snprintf(text, sizeof text, "duration_ms: 1\nweight: %s", cases[i][0]);
    assert_refused(text, cases[i][1]);
    assert_refused(text, "job.yaml:2: weight");
  }
}

/* Every table that the reference page is made from is complete: types with words, defaults that can be read. */
static void test_tables(void **state) {
  (void)state;
  int n_keys = 0;
  for (int s = 0; cls_job_schemas[s]; s++) {
    const cls_schema *schema = cls_job_schemas[s];
    assert_non_null(schema->path);
    assert_non_null(schema->doc);
    for (int k = 0; k < schema->n_keys; k++, n_keys++) {
      const cls_key *key = &schema->keys[k];
      if (!key->doc || !*key->doc) fail_msg("%s.%s has no doc", schema->path, key->name);
      if (key->type == CLS_KEY_CHOICE) assert_non_null(key->choices);
      if (key->required) assert_null(key->initial);
      for (int j = 0; j < k; j++) assert_string_not_equal(schema->keys[j].name, key->name);
    }
  }
  assert_true(n_keys > 60);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values),        cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_wrong_values),  cmocka_unit_test(test_unknown_keys),
      cmocka_unit_test(test_distributions), cmocka_unit_test(test_wrong_distributions),
      cmocka_unit_test(test_tables),
  };
  return cmocka_run_group_tests(tests, NULL, drop_tree);
}

/* The set of sources against a plain sorted array. */
#include "engine/sources.h"
#include "network/draws.h"

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static size_t sorted_unique(uint64_t *x, size_t n) {
  size_t kept = 0;
  qsort(x, n, sizeof *x, ascending);
  for (size_t i = 0; i < n; i++)
    if (kept == 0 || x[i] != x[kept - 1]) x[kept++] = x[i];
  return kept;
}

/* The set holds exactly expected[0 ... n), in slots of that order. */
static void check(const cls_sources *s, const uint64_t *expected, size_t n) {
  uint32_t pages = 0;
  assert_int_equal(s->n, n);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(s->neuron[i], expected[i]);
    uint32_t page = cls_sources_page(s, expected[i] / CLS_PAGE);
    assert_in_range(page, 0, s->n_pages - 1);
    assert_int_equal(cls_sources_slot_in(s, page, expected[i]), i);
    pages += i == 0 || expected[i] / CLS_PAGE != expected[i - 1] / CLS_PAGE;
  }
  assert_int_equal(s->n_pages, pages);
  assert_true(s->capacity >= 2 * s->n_pages && (s->capacity & (s->capacity - 1)) == 0);
  /* table, bits, first slots and dense beginnings, numbers: 12 bytes an entry, 128 and 6 a page, 8 a neuron */
  assert_int_equal(cls_sources_bytes(s),
                   12ul * s->capacity + 128 * s->page_capacity + 6ul * s->n_pages + 8ul * s->n);
}

/* Neuron numbers over `spread`: many pages, or few that fill. */
static void check_random(uint64_t spread, uint32_t n) {
  cls_sources *s;
  uint64_t *x = NULL;
  OK(cls_sources_create(&s));
  OK(cls_alloc(&x, n, sizeof *x, "neurons"));
  for (uint32_t i = 0; i < n; i++) {
    cls_words w = cls_draw((cls_stream){{9, 3}}, i, n, 0, 0);
    x[i] = ((uint64_t)w.w[0] << 32 | w.w[1]) % spread;
    OK(cls_sources_add(s, x[i]));
  }
  OK(cls_sources_finish(s));
  check(s, x, sorted_unique(x, n));
  cls_sources_destroy(s);
  free(x);
}

static void test_random(void **state) {
  (void)state;
  check_random(10, 100);
  check_random(3000, 20000);           /* every neuron of three pages */
  check_random(1000000, 50000);        /* about 1,000 pages: the table grows five times */
  check_random(1ull << 45, 20000);     /* a page each, beyond 32 bits */
  check_random(UINT64_MAX - 1024, 64); /* the greatest numbers */
}

static void test_empty(void **state) {
  (void)state;
  cls_sources *s;
  OK(cls_sources_create(&s));
  OK(cls_sources_add_range(s, 5, 0));
  assert_int_equal(cls_sources_page(s, 0), UINT32_MAX);
  OK(cls_sources_finish(s));
  assert_int_equal(s->n, 0);
  cls_sources_destroy(s);
  cls_sources_destroy(NULL);
}

static void test_ranges_and_merge(void **state) {
  (void)state;
  static const uint64_t range[][2] = {{0, 1},      {1023, 2},        {5000, 1},    {64, 64},
                                      {1000, 100}, {1u << 20, 5000}, {2048, 1024}, {4095, 1}};
  enum { RANGES = sizeof range / sizeof *range };
  static uint64_t x[20000];
  size_t n = 0;
  cls_sources *s[2];
  OK(cls_sources_create(&s[0]));
  OK(cls_sources_create(&s[1]));
  for (int k = 0; k < RANGES; k++) {
    OK(cls_sources_add_range(s[k % 2], range[k][0], range[k][1]));
    for (uint64_t i = 0; i < range[k][1]; i++) x[n++] = range[k][0] + i;
  }
  for (uint64_t i = 0; i < 300; i++) { /* the merged one grows, too */
    OK(cls_sources_add(s[1], i * 7777));
    x[n++] = i * 7777;
  }
  assert_int_equal(cls_sources_page(s[0], 1ull << 40), UINT32_MAX);
  OK(cls_sources_merge(s[0], s[1]));
  OK(cls_sources_finish(s[0]));
  check(s[0], x, sorted_unique(x, n));
  cls_sources_destroy(s[0]);
  cls_sources_destroy(s[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random),
      cmocka_unit_test(test_empty),
      cmocka_unit_test(test_ranges_and_merge),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Lists in chunks from a common pool: what is put into any of them comes out in order, and memory goes around. */
#include "backend/cpu/chunks.h"
#include "base/outcome.h"

enum { LISTS = 50, ITEMS = 4000, LONGEST = 1024 };

/* Words of item `i` of list `l`: how many, and the first. */
static uint32_t length_of(uint32_t l, uint32_t i) {
  return i % 97 == 0 ? LONGEST : 1 + (uint32_t)(cls_mix64(l * 100003ull + i) % 20);
}
static uint32_t first_of(uint32_t l, uint32_t i) { return l * ITEMS + i; }

static void fill(cls_chunk_pool *pool, cls_chunk_list *list, uint32_t l, uint32_t items) {
  for (uint32_t i = 0; i < items; i++) {
    uint32_t *at = NULL, n = length_of(l, i);
    OK(cls_chunks_add(pool, list, n, &at));
    for (uint32_t k = 0; k < n + CLS_STORE_SLACK; k++) at[k] = 0xdead; /* may be written, and is not kept */
    for (uint32_t k = 0; k < n; k++) at[k] = first_of(l, i) + k;
  }
}

/* Reads a list and gives it back, chunk by chunk. */
static void drain(cls_chunk_pool *pool, cls_chunk_list *list, uint32_t l, uint32_t items) {
  uint32_t i = 0;
  for (; list->first; cls_chunks_drop_first(pool, list)) {
    const uint32_t n = cls_chunks_n(list, list->first);
    for (uint32_t at = 0; at < n; i++) {
      for (uint32_t k = 0; k < length_of(l, i); k++)
        assert_int_equal(list->first->word[at + k], first_of(l, i) + k);
      at += length_of(l, i);
      assert_true(at <= n);
    }
  }
  assert_int_equal(i, items);
  assert_true(!list->last && list->n == 0);
}

static void test_order(void **state) {
  (void)state;
  cls_chunk_pool pool;
  cls_chunks_create(&pool, LONGEST);
  cls_chunk_list list[LISTS] = {{0}};
  for (uint32_t i = 0; i < 60; i++) /* all at once */
    for (uint32_t l = 0; l < LISTS; l++) {
      uint32_t *at = NULL, n = length_of(l, i);
      OK(cls_chunks_add(&pool, &list[l], n, &at));
      for (uint32_t k = 0; k < n; k++) at[k] = first_of(l, i) + k;
    }
  for (uint32_t l = 0; l < LISTS; l++) drain(&pool, &list[l], l, 60);
  cls_chunks_destroy(&pool);
}

static void test_too_long(void **state) {
  (void)state;
  cls_chunk_pool pool;
  cls_chunk_list list = {0};
  uint32_t *at = NULL;
  cls_chunks_create(&pool, LONGEST);
  OK(cls_chunks_add(&pool, &list, 1, &at));
  assert_int_equal(cls_chunks_add(&pool, &list, LONGEST + 1, &at), CLS_ERR_INTERNAL);
  message_has("1025 words is longer than a chunk of 1024", __FILE__, __LINE__);
  assert_int_equal(list.n, 1);
  cls_chunks_destroy(&pool);
}

static void test_memory_goes_around(void **state) {
  (void)state;
  cls_chunk_pool pool;
  cls_chunks_create(&pool, LONGEST);
  cls_chunk_list list[LISTS] = {{0}};
  fill(&pool, &list[0], 0, ITEMS);
  const size_t once = cls_chunks_bytes(&pool);
  assert_true(once > ITEMS * sizeof(uint32_t));
  for (uint32_t l = 0; l + 1 < LISTS; l++) { /* the next one is long when the last is gone */
    drain(&pool, &list[l], l, ITEMS);
    fill(&pool, &list[l + 1], l + 1, ITEMS);
  }
  assert_true(cls_chunks_bytes(&pool) < once + once / 10);
  cls_chunks_clear(&pool, &list[LISTS - 1]);
  assert_true(!list[LISTS - 1].first && !list[LISTS - 1].last && list[LISTS - 1].n == 0);
  fill(&pool, &list[0], 0, ITEMS);
  assert_true(cls_chunks_bytes(&pool) < once + once / 10);
  cls_chunks_destroy(&pool);
  assert_int_equal(cls_chunks_bytes(&pool), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_too_long),
                                     cmocka_unit_test(test_memory_goes_around)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

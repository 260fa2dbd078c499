/* Errors, memory and the job's voice. Run with mpirun it also tests agreement across ranks (see
 * test_agree.py). */
#include "base/base.h"
#include "base/leaks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static cls_status positive(int x) {
  CLS_CHECK(x > 0, CLS_ERR_INPUT, "x is %d, expected more than 0", x);
  return CLS_OK;
}

static cls_status both(int x, int y, int *reached) {
  CLS_TRY(positive(x));
  *reached = 1;
  CLS_TRY(positive(y));
  *reached = 2;
  return CLS_OK;
}

static void test_fail(void **state) {
  (void)state;
  int reached = 0;
  assert_int_equal(both(1, 1, &reached), CLS_OK);
  assert_int_equal(reached, 2);
  assert_int_equal(both(1, -3, &reached), CLS_ERR_INPUT);
  assert_int_equal(reached, 1);
  assert_string_equal(cls_error_message(), "x is -3, expected more than 0");
  assert_int_equal(cls_error_prefix(CLS_ERR_IO, "%s, line %d", "job.yaml", 7), CLS_ERR_IO);
  assert_string_equal(cls_error_message(), "job.yaml, line 7: x is -3, expected more than 0");
  /* The old message may be an argument of the new one. */
  assert_int_equal(cls_fail(CLS_ERR_LIMIT, "again %s", cls_error_message() + 18), CLS_ERR_LIMIT);
  assert_string_equal(cls_error_message(), "again x is -3, expected more than 0");
}

static void test_long_messages(void **state) {
  (void)state;
  char text[5000];
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = 0;
  cls_fail(CLS_ERR_IO, "%s", text);
  size_t length = strlen(cls_error_message());
  assert_true(length >= 1000 && length < sizeof text);
  cls_error_prefix(CLS_ERR_IO, "front");
  assert_int_equal(strlen(cls_error_message()), length);
  assert_memory_equal(cls_error_message(), "front: aaaa", 11);
  cls_error_prefix(CLS_ERR_IO, "%s", text);
  assert_int_equal(strlen(cls_error_message()), length);
}

static void test_threads(void **state) {
  (void)state;
  int wrong = 0;
  cls_fail(CLS_ERR_IO, "outside");
#pragma omp parallel for num_threads(4) reduction(+ : wrong) schedule(static, 1)
  for (int i = 0; i < 4; i++) {
    char expected[32];
    cls_fail(CLS_ERR_INPUT, "thread %d", i);
    snprintf(expected, sizeof expected, "thread %d", i);
    wrong += strcmp(expected, cls_error_message()) != 0;
  }
  assert_int_equal(wrong, 0);
}

static void test_agree_self(void **state) {
  (void)state;
  assert_int_equal(cls_agree(MPI_COMM_SELF, CLS_OK), CLS_OK);
  assert_int_equal(cls_agree(MPI_COMM_SELF, cls_fail(CLS_ERR_IO, "disk is full")), CLS_ERR_IO);
  assert_string_equal(cls_error_message(), "disk is full");
}

static void test_agree_world(void **state) {
  (void)state;
  int rank, ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  assert_int_equal(cls_agree(MPI_COMM_WORLD, CLS_OK), CLS_OK);
  /* All say the same: no rank is named. */
  assert_int_equal(cls_agree(MPI_COMM_WORLD, cls_fail(CLS_ERR_INPUT, "same")), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "same");
  if (ranks == 1) return;
  /* Only the last one fails. */
  char expected[64];
  cls_status status = rank == ranks - 1 ? cls_fail(CLS_ERR_MEMORY, "no room for %d", 42) : CLS_OK;
  assert_int_equal(cls_agree(MPI_COMM_WORLD, status), CLS_ERR_MEMORY);
  snprintf(expected, sizeof expected, "rank %d: no room for 42", ranks - 1);
  assert_string_equal(cls_error_message(), expected);
  /* All but rank 0 fail with their own message: the lowest is heard. */
  status = rank > 0 ? cls_fail(CLS_ERR_IO, "file %d", rank) : CLS_OK;
  assert_int_equal(cls_agree(MPI_COMM_WORLD, status), CLS_ERR_IO);
  assert_string_equal(cls_error_message(), "rank 1: file 1");
  /* All fail with one status, but not with one message. */
  assert_int_equal(cls_agree(MPI_COMM_WORLD, cls_fail(CLS_ERR_IO, "file %d", rank)), CLS_ERR_IO);
  assert_string_equal(cls_error_message(), "rank 0: file 0");
  /* Agreement on success after an old message. */
  assert_int_equal(cls_agree(MPI_COMM_WORLD, CLS_OK), CLS_OK);
}

static void test_memory(void **state) {
  (void)state;
  uint32_t *numbers = NULL;
  assert_int_equal(cls_alloc(&numbers, 1000, sizeof *numbers, "numbers"), CLS_OK);
  assert_int_equal((uintptr_t)numbers % 64, 0);
  for (int i = 0; i < 1000; i++) assert_int_equal(numbers[i], 0);
  free(numbers);
  assert_int_equal(cls_alloc(&numbers, 0, 4, "nothing"), CLS_OK);
  assert_non_null(numbers);
  free(numbers);
  assert_int_equal(cls_alloc(&numbers, SIZE_MAX / 2, 4, "synapses of rank 0"), CLS_ERR_MEMORY);
  assert_null(numbers);
  assert_non_null(strstr(cls_error_message(), "synapses of rank 0"));
  assert_non_null(strstr(cls_error_message(), "9223372036854775807 items of 4 bytes"));
}

static void test_grow(void **state) {
  (void)state;
  uint64_t *list = NULL, *before;
  size_t capacity = 0;
  for (size_t n = 0; n < 5000; n++) {
    assert_int_equal(cls_grow(&list, &capacity, n + 1, sizeof *list, "list"), CLS_OK);
    assert_true(capacity > n);
    list[n] = n * n;
  }
  assert_int_equal((uintptr_t)list % 64, 0);
  for (size_t n = 0; n < 5000; n++) assert_int_equal(list[n], n * n);
  assert_int_equal(capacity, 8192); /* doubled from 1 */
  before = list;
  assert_int_equal(cls_grow(&list, &capacity, 10, sizeof *list, "list"), CLS_OK);
  assert_ptr_equal(list, before);
  /* A failure leaves the list as it was. */
  assert_int_equal(cls_grow(&list, &capacity, SIZE_MAX / 4, sizeof *list, "list"), CLS_ERR_MEMORY);
  assert_ptr_equal(list, before);
  assert_int_equal(capacity, 8192);
  free(list);
}

static void test_small_things(void **state) {
  (void)state;
  char *text = cls_format("%s/%03d", "dir", 7);
  assert_string_equal(text, "dir/007");
  free(text);
  /* FNV-1a of "a" is af63dc4c8601ec8c (published test vectors), then the mixer. */
  assert_true(cls_hash_string("a") == cls_mix64(0xaf63dc4c8601ec8cull));
  assert_true(cls_hash_string("") == cls_mix64(0xcbf29ce484222325ull));
  /* The first output of SplitMix64 seeded with 0, and with 1234567 (reference implementation). */
  assert_true(cls_mix64(0) == 0xe220a8397b1dcdafull);
  assert_true(cls_mix64(1234567) == 6457827717110365317ull);
  assert_in_range(cls_peak_rss_bytes(), 1 << 20, (uint64_t)1 << 40);
  double start = cls_seconds();
  while (cls_seconds() - start < 1e-3) {
  }
  assert_true(cls_seconds() - start < 10);
}

static void test_world(void **state) {
  (void)state;
  cls_world world;
  assert_int_equal(cls_world_init(&world, MPI_COMM_SELF, 3, 1), CLS_OK);
  assert_int_equal(world.rank, 0);
  assert_int_equal(world.ranks, 1);
  assert_int_equal(world.threads, 3);
  assert_int_equal(cls_world_init(&world, MPI_COMM_SELF, 0, 1), CLS_OK);
  assert_true(world.threads >= 1);
  assert_int_equal(cls_world_init(&world, MPI_COMM_NULL, 0, 1), CLS_ERR_INTERNAL);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fail),       cmocka_unit_test(test_long_messages), cmocka_unit_test(test_threads),
      cmocka_unit_test(test_agree_self), cmocka_unit_test(test_agree_world),   cmocka_unit_test(test_memory),
      cmocka_unit_test(test_grow),       cmocka_unit_test(test_small_things),  cmocka_unit_test(test_world)};
  start_mpi(&argc, &argv);
  /* What cls_log() prints is looked at by test_agree.py. */
  cls_world world;
  if (cls_world_init(&world, MPI_COMM_WORLD, 1, 1) != CLS_OK) return 1;
  cls_log(&world, 1, "log line of %d", world.rank);
  cls_log(&world, 2, "hidden line");
  cls_warn(&world, "warning of %d", world.rank);
  int failures = cmocka_run_group_tests(tests, NULL, NULL);
  stop_mpi();
  return failures;
}

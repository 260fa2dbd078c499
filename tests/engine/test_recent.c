/* Recent spikes against a plain list of all: what is still due, in what order, and how much room it takes. */
#include "engine/recent.h"

#include "base/outcome.h"
#include <stdlib.h>

enum { DELAY = 50, STEPS = 3000, MOST = 40 };

/* How many spikes step `k` has, and whose they are. */
static uint32_t spikes_at(int64_t k) {
  return k % 700 == 0 ? 20 * MOST : (uint32_t)(cls_mix64((uint64_t)k) % MOST);
}
static uint32_t slot_of(int64_t k, uint32_t i) { return (uint32_t)k * 1000 + i; }

/* Adds the spikes of steps first ... last - 1, in windows of three steps. */
static void add(cls_recent *recent, int64_t begin, int64_t first, int64_t last) {
  for (int64_t k = first; k < last; k += 3) {
    cls_arrival arrivals[3 * 20 * MOST];
    size_t n = 0;
    const int64_t now = k + 3;
    for (int64_t step = k; step < now; step++)
      for (uint32_t i = 0; i < spikes_at(step); i++)
        arrivals[n++] = (cls_arrival){slot_of(step, i), (uint32_t)(now - step)};
    OK(cls_recent_add(recent, begin + now, DELAY, arrivals, n));
  }
}

static void check_due(cls_recent *recent, int64_t begin, int64_t now) {
  cls_arrival *due = NULL;
  size_t n = 0, at = 0;
  OK(cls_recent_arrivals(recent, begin + now, DELAY, &due, &n));
  for (int64_t step = now - DELAY; step < now; step++)
    for (uint32_t i = 0; i < spikes_at(step); i++, at++) {
      assert_true(at < n);
      assert_int_equal(due[at].slot, slot_of(step, i));
      assert_int_equal(due[at].age, now - step);
    }
  assert_int_equal(at, n);
  free(due);
}

/* From step 0, and over the end of the steps that 32 bits tell apart. */
static void test_what_is_due(void **state) {
  (void)state;
  const int64_t begins[] = {0, (INT64_C(1) << 32) - STEPS / 2};
  for (int b = 0; b < 2; b++) {
    cls_recent recent = {0};
    for (int64_t k = 0; k < STEPS; k += 300) {
      add(&recent, begins[b], k, k + 300);
      check_due(&recent, begins[b], k + 300);
    }
    cls_recent_free(&recent);
  }
}

/* Room follows what is due: bursts of 800 spikes and some 20 a step in 50 steps, never all that ever were. */
static void test_room(void **state) {
  (void)state;
  cls_recent recent = {0};
  add(&recent, 0, 0, STEPS);
  assert_true(recent.capacity < 2 * (20 * MOST + DELAY * MOST));
  cls_recent_free(&recent);
}

/* Of a network that fell silent a spike is not taken for a new one when 2^32 steps have passed. */
static void test_silence(void **state) {
  (void)state;
  cls_recent recent = {0};
  cls_arrival *due = NULL, one = {7, 1};
  size_t n = 1;
  OK(cls_recent_add(&recent, 10, DELAY, &one, 1));
  for (int64_t now = 10; now < INT64_C(1) << 32; now += 1 << 29)
    OK(cls_recent_add(&recent, now, DELAY, NULL, 0));
  OK(cls_recent_arrivals(&recent, (INT64_C(1) << 32) + 12, DELAY, &due, &n));
  assert_int_equal(n, 0);
  free(due);
  cls_recent_free(&recent);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_due), cmocka_unit_test(test_room),
                                     cmocka_unit_test(test_silence)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

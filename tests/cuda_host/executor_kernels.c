/* What kernels use, against its definition; and that no order of threads changes what a right kernel gives. */
#include "executor_test.h"

/* The lane whose word lane `self` gets, as the instruction set says it (PTX ISA, shfl.sync): the register c holds the
 * mask of the segments and the bound. */
static unsigned source_lane(unsigned self, int how, int argument, int width) {
  unsigned c = (unsigned)(32 - width) << 8 | (how == 1 ? 0 : 0x1f);
  unsigned b = (unsigned)argument & 0x1f, bound = c & 0x1f, segment = c >> 8 & 0x1f;
  unsigned most = (self & segment) | (bound & ~segment), least = self & segment;
  int j = 0, holds = 0;
  switch (how) {
  case 0:
    j = (int)(least | (b & ~segment)), holds = j <= (int)most;
    break;
  case 1:
    j = (int)self - (int)b, holds = j >= (int)most;
    break;
  case 2:
    j = (int)(self + b), holds = j <= (int)most;
    break;
  case 3:
    j = (int)(self ^ b), holds = j <= (int)most;
    break;
  }
  return holds ? (unsigned)j : self;
}

static void shuffles_give_the_lane_that_is_meant(void **state) {
  (void)state;
  int lane[SHUFFLE_THREADS];
  unsigned word32[SHUFFLE_THREADS];
  unsigned long long word64[SHUFFLE_THREADS];
  float number32[SHUFFLE_THREADS];
  double number64[SHUFFLE_THREADS];
  shuffle_args a = {.lane = on_device(NULL, sizeof lane),
                    .got32 = on_device(NULL, sizeof word32),
                    .got64 = on_device(NULL, sizeof word64),
                    .got_float = on_device(NULL, sizeof number32),
                    .got_double = on_device(NULL, sizeof number64)};
  for (unsigned k = 0; k < 4 * 6 * 3; k++) {
    int same = (int)k / 24;
    a.how = k % 4, a.width = 1 << k / 4 % 6;
    /* Only __shfl_sync() may ask for another lane in each; all get the same distance in a second and third round. */
    for (int t = 0; t < SHUFFLE_THREADS; t++) lane[t] = same ? 3 * same + 1 : (7 * t + 3) % 41;
    assert_cuda(cudaMemcpy((void *)a.lane, lane, sizeof lane, cudaMemcpyHostToDevice));
    assert_cuda(launch_shuffles(a, NULL));
    assert_cuda(cudaMemcpy(word32, a.got32, sizeof word32, cudaMemcpyDeviceToHost));
    assert_cuda(cudaMemcpy(word64, a.got64, sizeof word64, cudaMemcpyDeviceToHost));
    assert_cuda(cudaMemcpy(number32, a.got_float, sizeof number32, cudaMemcpyDeviceToHost));
    assert_cuda(cudaMemcpy(number64, a.got_double, sizeof number64, cudaMemcpyDeviceToHost));
    for (unsigned t = 0; t < SHUFFLE_THREADS; t++) {
      unsigned from = t / 32 * 32 + source_lane(t % 32, a.how, lane[t], a.width);
      unsigned long long word = SHUFFLE_WORD((unsigned long long)from);
      assert_int_equal(word32[t], (unsigned)(word >> 32));
      assert_true(word64[t] == word);
      assert_true(number32[t] == (float)SHUFFLE_NUMBER(from));
      assert_true(number64[t] == SHUFFLE_NUMBER(from));
    }
  }
  assert_cuda(cudaFree((void *)a.lane));
  assert_cuda(cudaFree(a.got32));
  assert_cuda(cudaFree(a.got64));
  assert_cuda(cudaFree(a.got_float));
  assert_cuda(cudaFree(a.got_double));
}

static void votes_are_those_of_the_mask(void **state) {
  (void)state;
  static const unsigned patterns[] = {0, 0xffffffff, 0x80000001, 0x00020000, 0xfffeffff, 0x12345678};
  unsigned got[3][32];
  int holds[32], beside[32], any[32], every[32];
  vote_args a = {.holds = on_device(NULL, 128),
                 .beside = on_device(NULL, 128),
                 .all = on_device(NULL, 128),
                 .half = on_device(NULL, 128),
                 .two = on_device(NULL, 128),
                 .any = on_device(NULL, 128),
                 .every = on_device(NULL, 128)};
  for (unsigned seed = 0; seed < SEEDS; seed++) {
    unsigned pattern = patterns[seed % 6];
    cuda_host_reset(seed);
    for (int k = 0; k < 32; k++) holds[k] = (int)(pattern >> k & 1) << k % 7;
    assert_cuda(cudaMemcpy((void *)a.holds, holds, sizeof holds, cudaMemcpyHostToDevice));
    assert_cuda(launch_votes(a, NULL));
    assert_cuda(cudaMemcpy(got[0], a.all, 128, cudaMemcpyDeviceToHost));
    assert_cuda(cudaMemcpy(got[1], a.half, 128, cudaMemcpyDeviceToHost));
    assert_cuda(cudaMemcpy(got[2], a.two, 128, cudaMemcpyDeviceToHost));
    assert_cuda(cudaMemcpy(beside, a.beside, 128, cudaMemcpyDeviceToHost));
    assert_cuda(cudaMemcpy(any, a.any, 128, cudaMemcpyDeviceToHost));
    assert_cuda(cudaMemcpy(every, a.every, 128, cudaMemcpyDeviceToHost));
    for (int k = 0; k < 32; k++) {
      assert_int_equal(got[0][k], pattern);
      assert_int_equal(got[1][k], pattern & (k < 16 ? 0x0000ffff : 0xffff0000));
      assert_int_equal(got[2][k], k == 3 || k == 17 ? (pattern & 0x00020008) : 77);
      assert_int_equal(beside[k], holds[k ^ 1]);
      assert_int_equal(any[k], pattern != 0);
      assert_int_equal(every[k], pattern == 0xffffffff);
    }
  }
  assert_cuda(cudaFree((void *)a.holds));
  assert_cuda(cudaFree(a.beside));
  assert_cuda(cudaFree(a.all));
  assert_cuda(cudaFree(a.half));
  assert_cuda(cudaFree(a.two));
  assert_cuda(cudaFree(a.any));
  assert_cuda(cudaFree(a.every));
}

static void no_seed_changes_a_scan(void **state) {
  (void)state;
  unsigned in[SCAN_THREADS], out[SCAN_THREADS];
  for (unsigned k = 0; k < SCAN_THREADS; k++) in[k] = k * k + 1;
  scan_args a = {on_device(in, sizeof in), on_device(NULL, sizeof out)};
  for (unsigned seed = 0; seed < SEEDS; seed++) {
    cuda_host_reset(seed);
    assert_cuda(launch_scan(a, NULL));
    assert_cuda(cudaMemcpy(out, a.out, sizeof out, cudaMemcpyDeviceToHost));
    for (unsigned k = 0; k < SCAN_THREADS; k++)
      assert_int_equal(out[k], k * (k + 1) * (2 * k + 1) / 6 + k + 1); /* sum of squares */
  }
  assert_int_equal(cuda_host_launches("scan_kernel"), 1);
  assert_cuda(cudaFree((void *)a.in));
  assert_cuda(cudaFree(a.out));
}

static void blocks_wait_for_each_other(void **state) {
  (void)state;
  unsigned out[RING_BLOCKS];
  ring_args a = {5, on_device(NULL, sizeof out), on_device(NULL, sizeof out)};
  for (unsigned seed = 0; seed < SEEDS; seed++) {
    cuda_host_reset(seed);
    assert_cuda(launch_ring(a, NULL));
    assert_cuda(cudaMemcpy(out, a.out, sizeof out, cudaMemcpyDeviceToHost));
    for (unsigned b = 0; b < RING_BLOCKS; b++) /* 96 threads: 0 + ... + 95 = 4560 */
      assert_int_equal(out[b], 96 * 96 * ((b + 5) % RING_BLOCKS) + 4560);
  }
  assert_cuda(cudaFree(a.numbers));
  assert_cuda(cudaFree(a.out));
}

static void the_last_block_sees_all_sums(void **state) {
  (void)state;
  unsigned zero = 0;
  last_args a = {on_device(NULL, LAST_BLOCKS * sizeof zero), on_device(NULL, sizeof zero),
                 on_device(NULL, sizeof zero)};
  for (unsigned seed = 0; seed < (RACES_ARE_SEEN ? 2 : SEEDS); seed++) {
    cuda_host_reset(seed);
    assert_cuda(cudaMemcpy(a.done, &zero, sizeof zero, cudaMemcpyHostToDevice));
    assert_cuda(launch_last(a, NULL));
    assert_int_equal(word_of_device(a.out), 64 * 190 + 20 * 2016);
  }
  assert_cuda(cudaFree(a.sums));
  assert_cuda(cudaFree(a.done));
  assert_cuda(cudaFree(a.out));
}

static void atomics_lose_nothing(void **state) {
  (void)state;
  enum { ALL = ATOMIC_BLOCKS * ATOMIC_THREADS };
  static const unsigned zeros[3], first[3] = {0, 0xabcd, 0};
  const int far = 1000;
  const unsigned long long zero64 = 0;
  unsigned ticket[ALL], last[ALL] = {0}, bits[3];
  unsigned long long sum64;
  for (unsigned seed = 0; seed < SEEDS; seed++) {
    cuda_host_reset(seed);
    atomic_args a = {.sum64 = on_device(&zero64, 8),
                     .sum = on_device(zeros, 4),
                     .most = on_device(zeros, 4),
                     .bits = on_device(first, sizeof first),
                     .swaps = on_device(zeros, 4),
                     .ticket = on_device(NULL, sizeof ticket),
                     .least = on_device(&far, 4),
                     .down = on_device(zeros, 4)};
    assert_cuda(launch_atomics(a, NULL));
    assert_int_equal(word_of_device(a.sum), ALL);
    assert_int_equal(word_of_device(a.most), 250);
    assert_int_equal((int)word_of_device((unsigned *)a.least), -150);
    assert_int_equal((int)word_of_device((unsigned *)a.down), -3 * ALL);
    assert_int_equal(word_of_device(a.swaps), 2 * ALL);
    assert_cuda(cudaMemcpy(&sum64, a.sum64, 8, cudaMemcpyDeviceToHost));
    assert_true(sum64 == ((unsigned long long)ALL << 40) + ALL * (ALL - 1) / 2);
    assert_cuda(cudaMemcpy(bits, a.bits, sizeof bits, cudaMemcpyDeviceToHost));
    assert_int_equal(bits[0], 0x00ffffff);
    assert_int_equal(bits[1] ^ bits[2], 0xabcd);
    assert_cuda(cudaMemcpy(ticket, a.ticket, sizeof ticket, cudaMemcpyDeviceToHost));
    unsigned char drawn[ALL] = {0};
    for (unsigned k = 0; k < ALL; k++) {
      assert_true(ticket[k] < ALL && !drawn[ticket[k]]);
      drawn[ticket[k]] = 1;
    }
    assert_memory_not_equal(ticket, last, sizeof ticket); /* another seed, another order */
    memcpy(last, ticket, sizeof last);
    void *all[] = {a.sum64, a.sum, a.most, a.bits, a.swaps, a.ticket, a.least, a.down};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) assert_cuda(cudaFree(all[k]));
  }
}

static void barriers_count_predicates(void **state) {
  (void)state;
  static const int expected[9] = {0, 0, 0, 24, 0, 1, 70, 1, 1}; /* of 70 threads, 0, 3 ... 69 */
  int out[9];
  predicate_args a = {on_device(NULL, sizeof out)};
  for (unsigned seed = 0; seed < SEEDS; seed++) {
    cuda_host_reset(seed);
    assert_cuda(launch_predicates(a, NULL));
    assert_cuda(cudaMemcpy(out, a.out, sizeof out, cudaMemcpyDeviceToHost));
    assert_memory_equal(out, expected, sizeof out);
  }
  assert_cuda(cudaFree(a.out));
}

static void integers_are_cudas(void **state) {
  (void)state;
  static const unsigned long long expected[BIT_RESULTS] = {9,          11,         0,
                                                           10,         41,         32,
                                                           15,         0,          63,
                                                           0xfffffffe, 0xffffffff, 0xfffffffffffffffe,
                                                           9,          0x3f800000, 0xc000000000000000,
                                                           53};
  unsigned long long out[BIT_RESULTS];
  bit_args a = {on_device(NULL, sizeof out)};
  assert_cuda(launch_bits(a, NULL));
  assert_cuda(cudaMemcpy(out, a.out, sizeof out, cudaMemcpyDeviceToHost));
  for (int k = 0; k < BIT_RESULTS; k++) assert_true(out[k] == expected[k]);
  assert_cuda(cudaFree(a.out));
}

/* A missing barrier: some seed gives what the kernel was meant to give, or none; not all give the same. */
static void seeds_tell_of_a_missing_barrier(void **state) {
  (void)state;
  if (RACES_ARE_SEEN) skip();
  unsigned first[WRONG_THREADS], out[WRONG_THREADS];
  wrong_args a = {WRONG_NEIGHBOUR, on_device(NULL, sizeof out)};
  int wrong = 0, differ = 0;
  for (unsigned seed = 0; seed < SEEDS; seed++) {
    cuda_host_reset(seed);
    assert_cuda(launch_wrong(a, 1, 0, NULL));
    assert_cuda(cudaMemcpy(out, a.out, sizeof out, cudaMemcpyDeviceToHost));
    for (unsigned k = 0; k < WRONG_THREADS; k++) wrong += out[k] != (k + 1) % WRONG_THREADS;
    if (seed == 0)
      memcpy(first, out, sizeof out);
    else
      differ += memcmp(first, out, sizeof out) != 0;
  }
  assert_true(wrong > 0);
  assert_int_equal(differ, SEEDS - 1);
  /* The same seed, the same order. */
  cuda_host_reset(0);
  assert_cuda(launch_wrong(a, 1, 0, NULL));
  assert_cuda(cudaMemcpy(out, a.out, sizeof out, cudaMemcpyDeviceToHost));
  assert_memory_equal(first, out, sizeof out);
  assert_cuda(cudaFree(a.out));
}

int test_kernels(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shuffles_give_the_lane_that_is_meant),
      cmocka_unit_test(votes_are_those_of_the_mask),
      cmocka_unit_test(no_seed_changes_a_scan),
      cmocka_unit_test(blocks_wait_for_each_other),
      cmocka_unit_test(the_last_block_sees_all_sums),
      cmocka_unit_test(atomics_lose_nothing),
      cmocka_unit_test(barriers_count_predicates),
      cmocka_unit_test(integers_are_cudas),
      cmocka_unit_test(seeds_tell_of_a_missing_barrier),
  };
  return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}

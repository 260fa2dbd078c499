/* Memory, copies, streams, events and errors. */
#include "executor_test.h"

enum { LONGEST = 8 };

/* A list on the device to which kernels write, and what it holds in the end. */
static log_args new_log(void) {
  static const unsigned zero;
  return (log_args){on_device(&zero, sizeof zero), on_device(NULL, LONGEST * sizeof zero), 0};
}

static cudaError_t say(log_args log, unsigned tag, cudaStream_t stream) {
  log.tag = tag;
  return launch_log(log, stream);
}

/* As a number with a digit for each entry; frees the list. */
static unsigned end_log(log_args log) {
  unsigned count = word_of_device(log.count), list[LONGEST], number = 0;
  assert_cuda(cudaMemcpy(list, log.list, sizeof list, cudaMemcpyDeviceToHost));
  for (unsigned k = 0; k < count; k++) number = 10 * number + list[k];
  assert_cuda(cudaFree(log.count));
  assert_cuda(cudaFree(log.list));
  return number;
}

static void streams_are_ordered_by_events_only(void **state) {
  (void)state;
  int seen[2] = {0, 0};
  for (unsigned seed = 0; seed < SEEDS; seed++) {
    cuda_host_reset(seed);
    cudaStream_t a, b;
    cudaEvent_t event;
    assert_cuda(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
    assert_cuda(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
    assert_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));

    log_args log = new_log();
    assert_cuda(say(log, 1, a));
    assert_cuda(say(log, 2, a));
    assert_cuda(say(log, 3, b));
    unsigned order = end_log(log);
    assert_true(order == 123 || order == 132 || order == 312);
    seen[order == 123] = 1;

    log = new_log();
    assert_cuda(say(log, 1, a));
    assert_cuda(cudaEventRecord(event, a));
    assert_cuda(cudaStreamWaitEvent(b, event, 0));
    assert_cuda(say(log, 2, b));
    assert_cuda(cudaEventRecord(event, b)); /* the wait is for the first */
    assert_cuda(cudaStreamWaitEvent(a, event, 0));
    assert_cuda(say(log, 3, a));
    assert_int_equal(end_log(log), 123);

    assert_cuda(cudaEventDestroy(event));
    assert_cuda(cudaStreamDestroy(a));
    assert_cuda(cudaStreamDestroy(b));
  }
  assert_true(seen[0] && seen[1]);
}

static void the_default_stream_waits_for_blocking_ones(void **state) {
  (void)state;
  int seen[2] = {0, 0};
  for (unsigned seed = 0; seed < SEEDS; seed++) {
    cuda_host_reset(seed);
    cudaStream_t a, b, apart;
    assert_cuda(cudaStreamCreate(&a));
    assert_cuda(cudaStreamCreate(&b));
    assert_cuda(cudaStreamCreateWithFlags(&apart, cudaStreamNonBlocking));
    log_args log = new_log();
    assert_cuda(say(log, 1, a));
    assert_cuda(say(log, 2, NULL));
    assert_cuda(say(log, 3, b));
    assert_int_equal(end_log(log), 123);
    log = new_log();
    assert_cuda(say(log, 1, NULL));
    assert_cuda(say(log, 2, apart));
    unsigned order = end_log(log);
    assert_true(order == 12 || order == 21);
    seen[order == 12] = 1;
    /* Work that is queued is done though its stream is destroyed. */
    for (int k = 0; k < 2; k++) {
      log = new_log();
      assert_cuda(say(log, 7, k ? a : apart));
      assert_cuda(cudaStreamDestroy(k ? a : apart));
      assert_int_equal(end_log(log), 7);
    }
    assert_cuda(cudaStreamDestroy(b));
  }
  assert_true(seen[0] && seen[1]);
}

/* cudaMemcpy() is of the default stream: it waits for no other that is not blocking. */
static void a_copy_may_miss_a_kernel(void **state) {
  (void)state;
  if (RACES_ARE_SEEN) skip();
  int seen[2] = {0, 0};
  for (unsigned seed = 0; seed < SEEDS; seed++) {
    cuda_host_reset(seed);
    cudaStream_t apart;
    assert_cuda(cudaStreamCreateWithFlags(&apart, cudaStreamNonBlocking));
    log_args log = new_log();
    assert_cuda(say(log, 1, apart));
    unsigned count;
    assert_cuda(cudaMemcpy(&count, log.count, sizeof count, cudaMemcpyDeviceToHost));
    assert_in_range(count, 0, 1);
    seen[count] = 1;
    assert_int_equal(end_log(log), 1);
    assert_cuda(cudaStreamDestroy(apart));
  }
  assert_true(seen[0] && seen[1]);
}

static void copies_take_their_source_when_cuda_does(void **state) {
  (void)state;
  cudaStream_t stream;
  unsigned pageable = 5, *pinned, *at = on_device(NULL, sizeof *at);
  assert_cuda(cudaStreamCreate(&stream));
  assert_cuda(cudaMallocHost((void **)&pinned, sizeof *pinned));

  assert_cuda(cudaMemcpyAsync(at, &pageable, sizeof pageable, cudaMemcpyHostToDevice, stream));
  pageable = 6;
  assert_int_equal(word_of_device(at), 5);

  *pinned = 7;
  assert_cuda(cudaMemcpyAsync(at, pinned, sizeof *pinned, cudaMemcpyHostToDevice, stream));
  assert_cuda(cudaStreamSynchronize(stream));
  assert_int_equal(word_of_device(at), 7);
  if (!RACES_ARE_SEEN) { /* where they are, these two are faults */
    assert_cuda(cudaMemcpyAsync(at, pinned, sizeof *pinned, cudaMemcpyHostToDevice, stream));
    *pinned = 8;
    assert_int_equal(word_of_device(at), 8);

    assert_cuda(cudaMemcpyAsync(pinned, at, sizeof *pinned, cudaMemcpyDeviceToHost, stream));
    assert_int_not_equal(*pinned, 8); /* junk */
  }
  assert_cuda(cudaMemcpyAsync(pinned, at, sizeof *pinned, cudaMemcpyDeviceToHost, stream));
  assert_cuda(cudaStreamSynchronize(stream));
  assert_int_equal(*pinned, RACES_ARE_SEEN ? 7 : 8);
  assert_cuda(cudaFreeHost(pinned));
  assert_cuda(cudaFree(at));
  assert_cuda(cudaStreamDestroy(stream));
}

static void rows_are_copied_by_pitch(void **state) {
  (void)state;
  unsigned char from[3][10], to[3][7], at_first[3][7];
  for (int k = 0; k < 30; k++) from[k / 10][k % 10] = (unsigned char)(k + 1);
  memset(to, 99, sizeof to);
  memcpy(at_first, to, sizeof to);
  unsigned char *at = on_device(NULL, 3 * 8);
  assert_cuda(cudaMemset(at, 0, 3 * 8));
  assert_cuda(cudaMemcpy2DAsync(at, 8, from, 10, 5, 3, cudaMemcpyHostToDevice, NULL));
  assert_cuda(cudaMemcpy2DAsync(to, 7, at, 8, 6, 3, cudaMemcpyDeviceToHost, NULL));
  assert_cuda(cudaStreamSynchronize(NULL));
  for (int row = 0; row < 3; row++) {
    for (int k = 0; k < 5; k++) assert_int_equal(to[row][k], 10 * row + k + 1);
    assert_int_equal(to[row][5], 0);
    assert_int_equal(to[row][6], 99);
  }
  assert_int_equal(cudaMemcpy2DAsync(at, 4, from, 10, 5, 3, cudaMemcpyHostToDevice, NULL),
                   cudaErrorInvalidPitchValue);
  assert_int_equal(cudaMemcpy2DAsync(at, 8, from, 10, 9, 3, cudaMemcpyHostToDevice, NULL),
                   cudaErrorInvalidPitchValue);
  assert_int_equal(cudaMemcpy2DAsync(at, 9, from, 10, 7, 3, cudaMemcpyHostToDevice, NULL),
                   cudaErrorInvalidValue);
  assert_cuda(cudaFree(at));
}

static void events_know_whether_and_when(void **state) {
  (void)state;
  cudaStream_t stream;
  cudaEvent_t start, end, untimed;
  float milliseconds = -1;
  assert_cuda(cudaStreamCreate(&stream));
  assert_cuda(cudaEventCreate(&start));
  assert_cuda(cudaEventCreate(&end));
  assert_cuda(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming));
  assert_cuda(cudaEventQuery(end)); /* never recorded: nothing to wait for */
  assert_cuda(cudaEventSynchronize(end));
  assert_cuda(cudaStreamWaitEvent(stream, end, 0));
  assert_cuda(cudaStreamQuery(stream));

  log_args log = new_log();
  assert_cuda(cudaEventRecord(start, stream));
  for (unsigned k = 1; k < 5; k++) assert_cuda(say(log, k, stream));
  assert_cuda(cudaEventRecord(end, stream));
  assert_cuda(say(log, 5, stream));
  assert_int_equal(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady);
  int asked = 0;
  while (cudaEventQuery(end) == cudaErrorNotReady) asked++;
  assert_true(asked > 0);
  assert_cuda(cudaEventElapsedTime(&milliseconds, start, end));
  assert_true(milliseconds >= 0);
  while (cudaStreamQuery(stream) == cudaErrorNotReady) asked++;
  assert_int_equal(end_log(log), 12345);
  assert_cuda(cudaEventRecord(untimed, stream));
  assert_cuda(cudaEventSynchronize(untimed));
  assert_int_equal(cudaEventElapsedTime(&milliseconds, start, untimed), cudaErrorInvalidResourceHandle);
  assert_cuda(cudaEventDestroy(start));
  assert_cuda(cudaEventDestroy(end));
  assert_cuda(cudaEventDestroy(untimed));
  assert_cuda(cudaStreamDestroy(stream));
  assert_int_equal(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  assert_int_equal(cudaEventRecord(start, NULL), cudaErrorInvalidResourceHandle);
}

static void memory_is_limited_and_junk(void **state) {
  (void)state;
  size_t left, total;
  unsigned char *at, *more, *first = malloc(4096), *second = malloc(4096);
  assert_cuda(cudaMemGetInfo(&left, &total));
  assert_int_equal(total, DEVICE_BYTES);
  assert_int_equal(left, DEVICE_BYTES);
  assert_cuda(cudaMalloc((void **)&at, DEVICE_BYTES - 100));
  assert_int_equal((uintptr_t)at % 256, 0);
  assert_cuda(cudaMemGetInfo(&left, &total));
  assert_int_equal(left, 100);
  cudaGetLastError();
  assert_int_equal(cudaMalloc((void **)&more, 101), cudaErrorMemoryAllocation);
  assert_int_equal(cudaPeekAtLastError(), cudaErrorMemoryAllocation);
  assert_int_equal(cudaGetLastError(), cudaErrorMemoryAllocation);
  assert_cuda(cudaGetLastError());
  assert_int_equal(cuda_host_counts().bytes_allocated, DEVICE_BYTES - 100);
  assert_cuda(cudaFree(at));
  assert_int_equal(cudaFree(at), cudaErrorInvalidValue);
  assert_cuda(cudaFree(NULL));

  for (int round = 0; round < 2; round++) {
    cuda_host_reset((uint64_t)round);
    assert_cuda(cudaMalloc((void **)&at, 4096));
    assert_cuda(cudaMemcpy(round ? second : first, at, 4096, cudaMemcpyDeviceToHost));
    assert_cuda(cudaFree(at));
  }
  int same = 0;
  for (int k = 0; k < 4096; k++) same += first[k] == second[k];
  assert_in_range(same, 0, 64); /* 16 are expected of random bytes */
  free(first);
  free(second);
}

static void wrong_calls_are_refused(void **state) {
  (void)state;
  unsigned word = 0, *at = on_device(NULL, 16), *pinned;
  assert_cuda(cudaHostAlloc((void **)&pinned, 16, cudaHostAllocPortable));
  assert_int_equal(cudaMemcpy(&word, at, 4, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  assert_int_equal(cudaMemcpy(at, at, 4, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  assert_int_equal(cudaMemcpy(at, &word, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  assert_int_equal(cudaMemcpy(at + 3, pinned, 8, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  assert_int_equal(cudaMemcpy(at, pinned + 1, 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  assert_int_equal(cudaMemset(&word, 0, 4), cudaErrorInvalidValue);
  assert_int_equal(cudaMemset(at, 0, 17), cudaErrorInvalidValue);
  assert_int_equal(cudaFree(pinned), cudaErrorInvalidValue);
  assert_int_equal(cudaFreeHost(at), cudaErrorInvalidValue);
  assert_int_equal(cudaFree(at + 1), cudaErrorInvalidValue);
  wrong_args write = {WRONG_WRITE, at};
  assert_int_equal(launch_wrong(write, 0, 0, NULL), cudaErrorInvalidConfiguration);
  assert_int_equal(launch_wrong(write, 4, 1, NULL),
                   cudaErrorCooperativeLaunchTooLarge); /* 3 multiprocessors */
  assert_int_equal(cudaGetLastError(), cudaErrorCooperativeLaunchTooLarge);
  assert_int_equal(cudaSetDevice(1), cudaErrorInvalidDevice);
  assert_cuda(cudaMemcpy(at, &word, 4, cudaMemcpyDefault));
  assert_cuda(cudaFree(at));
  assert_cuda(cudaFreeHost(pinned));
}

static void the_device_says_what_it_is(void **state) {
  (void)state;
  int count, device, value;
  struct cudaDeviceProp properties;
  assert_cuda(cudaGetDeviceCount(&count));
  assert_int_equal(count, 1);
  assert_cuda(cudaSetDevice(0));
  assert_cuda(cudaGetDevice(&device));
  assert_int_equal(device, 0);
  assert_cuda(cudaGetDeviceProperties(&properties, 0));
  assert_int_equal(properties.totalGlobalMem, DEVICE_BYTES);
  assert_int_equal(properties.multiProcessorCount, 3);
  assert_cuda(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0));
  assert_int_equal(value, 3);
  assert_cuda(cudaDeviceGetAttribute(&value, cudaDevAttrCooperativeLaunch, 0));
  assert_int_equal(value, 1);
  assert_string_equal(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
}

static void counts_are_kept(void **state) {
  (void)state;
  cuda_host_reset(1);
  log_args log = new_log(); /* a copy of 4 bytes */
  uint64_t allocated = cuda_host_counts().bytes_allocated;
  for (unsigned k = 0; k < 3; k++) assert_cuda(say(log, k, NULL));
  assert_int_equal(cuda_host_launches("log_kernel"), 3);
  assert_int_equal(cuda_host_launches("log"), 0);
  assert_cuda(cudaMemcpyAsync(log.list + 2, log.list, 8, cudaMemcpyDeviceToDevice, NULL));
  struct cuda_host_tally counts = cuda_host_counts();
  assert_int_equal(counts.launches, 3);
  assert_int_equal(counts.copies_to_device, 1);
  assert_int_equal(counts.bytes_to_device, 4);
  assert_int_equal(counts.bytes_to_host, 0);
  assert_int_equal(counts.bytes_on_device, 8);
  assert_int_equal(counts.allocations, 2);
  assert_int_equal(end_log(log), 10); /* 0, 1 and 0 again */
  counts = cuda_host_counts();
  assert_int_equal(counts.copies_to_host, 2);
  assert_int_equal(counts.bytes_to_host, 4 + 4 * LONGEST);
  assert_int_equal(counts.frees, 2);
  assert_int_equal(counts.bytes_peak, allocated);
  assert_int_equal(counts.bytes_allocated, 0);
}

int test_streams(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(streams_are_ordered_by_events_only),
      cmocka_unit_test(the_default_stream_waits_for_blocking_ones),
      cmocka_unit_test(a_copy_may_miss_a_kernel),
      cmocka_unit_test(copies_take_their_source_when_cuda_does),
      cmocka_unit_test(rows_are_copied_by_pitch),
      cmocka_unit_test(events_know_whether_and_when),
      cmocka_unit_test(memory_is_limited_and_junk),
      cmocka_unit_test(wrong_calls_are_refused),
      cmocka_unit_test(the_device_says_what_it_is),
      cmocka_unit_test(counts_are_kept),
  };
  return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}

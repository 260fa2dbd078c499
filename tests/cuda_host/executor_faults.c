/* What must end a process with a clear message: each fault is committed in a process of its own, which is this program
 * with the fault's name as its argument. */
#include "executor_test.h"

#include <sys/wait.h>
#include <unistd.h>

enum { PLAIN = 1, ADDRESS = 2, THREAD = 4, ALL_FORMS = 7 };
static const int form = RACES_ARE_SEEN ? THREAD : ADDRESSES_ARE_SEEN ? ADDRESS : PLAIN;

/* ---- faults ---- */
static void launch_the_wrong(wrong_kind kind, unsigned blocks, int together) {
  wrong_args a = {kind, NULL};
  assert_cuda(cudaMalloc((void **)&a.out, WRONG_THREADS * sizeof *a.out));
  for (unsigned seed = 0; seed < 8; seed++) {
    cuda_host_reset(seed);
    assert_cuda(cudaMemset(a.out, 0, WRONG_THREADS * sizeof *a.out));
    assert_cuda(launch_wrong(a, blocks, together, NULL));
    assert_cuda(cudaDeviceSynchronize());
  }
  assert_cuda(cudaFree(a.out));
}

static void give_a_host_pointer(void) {
  wrong_args a = {WRONG_WRITE, malloc(WRONG_THREADS * sizeof *a.out)};
  launch_wrong(a, 1, 0, NULL);
}

static void give_a_freed_pointer(void) {
  wrong_args a = {WRONG_WRITE, on_device(NULL, WRONG_THREADS * sizeof *a.out)};
  cudaFree(a.out);
  launch_wrong(a, 1, 0, NULL);
}

static void read_device_memory(void) {
  unsigned zero = 0, *at = on_device(&zero, sizeof zero);
  printf("%u\n", *(volatile unsigned *)at);
}

static void change_a_source_too_early(void) {
  unsigned *pinned, *at = on_device(NULL, sizeof *at);
  cudaMallocHost((void **)&pinned, sizeof *pinned);
  cudaMemcpyAsync(at, pinned, sizeof *pinned, cudaMemcpyHostToDevice, NULL);
  *pinned = 8;
  cudaDeviceSynchronize();
}

static void read_a_result_too_early(void) {
  unsigned result, *at = on_device(NULL, sizeof *at);
  cudaMemcpyAsync(&result, at, sizeof result, cudaMemcpyDeviceToHost, NULL);
  printf("%u\n", *(volatile unsigned *)&result);
  cudaDeviceSynchronize();
}

/* A kernel writes what a copy in another stream reads. */
static void use_two_streams(int event_between) {
  cudaStream_t a, b;
  cudaEvent_t event;
  unsigned result[WRONG_THREADS];
  wrong_args write = {WRONG_WRITE, on_device(NULL, sizeof result)};
  cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking);
  cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking);
  cudaEventCreate(&event);
  launch_wrong(write, 1, 0, a);
  cudaEventRecord(event, a);
  if (event_between) cudaStreamWaitEvent(b, event, 0);
  cudaMemcpyAsync(result, write.out, sizeof result, cudaMemcpyDeviceToHost, b);
  cudaStreamSynchronize(b);
  cudaStreamSynchronize(a);
  printf("word 9 is %u\n", result[9]);
}

static void use_two_streams_without_an_event(void) { use_two_streams(0); }
static void use_two_streams_with_an_event(void) { use_two_streams(1); }

static void look_for_a_device(void) {
  int count = 7;
  void *at;
  cudaError_t error = cudaGetDeviceCount(&count);
  printf("%d devices, %s, %s\n", count, cudaGetErrorName(error), cudaGetErrorName(cudaMalloc(&at, 8)));
}

/* Right kernels, some of whose barriers the environment may drop: how many results are wrong? */
static void scan_and_ring(void) {
  unsigned in[SCAN_THREADS], out[SCAN_THREADS], numbers[RING_BLOCKS];
  for (unsigned k = 0; k < SCAN_THREADS; k++) in[k] = 1;
  scan_args scan = {on_device(in, sizeof in), on_device(NULL, sizeof out)};
  ring_args ring = {4, on_device(NULL, sizeof numbers), on_device(NULL, sizeof numbers)};
  int wrong = 0;
  for (unsigned seed = 0; seed < SEEDS; seed++) {
    cuda_host_reset(seed);
    launch_scan(scan, NULL);
    cudaMemcpy(out, scan.out, sizeof out, cudaMemcpyDeviceToHost);
    launch_ring(ring, NULL);
    cudaMemcpy(numbers, ring.out, sizeof numbers, cudaMemcpyDeviceToHost);
    int bad = 0;
    for (unsigned k = 0; k < SCAN_THREADS; k++) bad |= out[k] != k + 1;
    for (unsigned b = 0; b < RING_BLOCKS; b++) bad |= numbers[b] != 96 * 96 * ((b + 4) % RING_BLOCKS) + 4560;
    wrong += bad;
  }
  printf("wrong %d\n", wrong);
  cudaFree((void *)scan.in);
  cudaFree(scan.out);
  cudaFree(ring.numbers);
  cudaFree(ring.out);
}

static const struct {
  const char *name;
  wrong_kind kind; /* of a kernel; or else */
  void (*commit)(void);
  unsigned blocks;
  int together;
  int forms; /* that notice */
  const char *says[2];
} faults[] = {
    {"two places",
     WRONG_TWO_PLACES,
     NULL,
     1,
     0,
     ALL_FORMS,
     {"wrong_kernel: block 0, thread", "wait at the same place"}},
    {"ends early", WRONG_ENDS_EARLY, NULL, 2, 0, ALL_FORMS, {"ended", "__syncthreads"}},
    {"mask lacks caller",
     WRONG_MASK_LACKS_CALLER,
     NULL,
     1,
     0,
     ALL_FORMS,
     {"lacks the calling lane 31", "0x7fffffff"}},
    {"lane ended", WRONG_LANE_ENDED, NULL, 1, 0, ALL_FORMS, {"ended", "(__ballot_sync)"}},
    {"lane at barrier", WRONG_LANE_AT_BARRIER, NULL, 1, 0, ALL_FORMS, {"waits", "(__syncthreads)"}},
    {"other place", WRONG_OTHER_PLACE, NULL, 1, 0, ALL_FORMS, {"which names this lane", "(__syncwarp)"}},
    {"other mask", WRONG_OTHER_MASK, NULL, 1, 0, ALL_FORMS, {"0x00000fff", "0xffffffff"}},
    {"not together", WRONG_NOT_TOGETHER, NULL, 1, 0, ALL_FORMS, {"CLS_GRID_SYNC", "CLS_LAUNCH_TOGETHER"}},
    {"deadlock",
     WRONG_DEADLOCK,
     NULL,
     2,
     1,
     ALL_FORMS,
     {"deadlock. Threads wait:", "\n  64 at wrong_kernels.cu:"}},
    {"spin", WRONG_SPIN, NULL, 1, 0, PLAIN, {"threads wait for each other without an end", "wrong_kernel"}},
    {"shared size", WRONG_SHARED_SIZE, NULL, 1, 0, ALL_FORMS, {"above the limit of 49152", "(CLS_SHARED)"}},
    {"width", WRONG_WIDTH, NULL, 1, 0, ALL_FORMS, {"width 12", "(__shfl_sync)"}},
    {"trap", WRONG_TRAP, NULL, 1, 0, ALL_FORMS, {"thread 7: __trap()", "wrong_kernels.cu:"}},
    {"host pointer",
     0,
     give_a_host_pointer,
     0,
     0,
     ALL_FORMS,
     {"wrong_kernel: byte 8", "neither memory of the device"}},
    {"freed pointer",
     0,
     give_a_freed_pointer,
     0,
     0,
     ADDRESS,
     {"wrong_kernel: byte 8", "neither memory of the device"}},
    {"global beside", WRONG_GLOBAL_BESIDE, NULL, 1, 0, ADDRESS, {"heap-buffer-overflow", "wrong_memory"}},
    {"shared beside", WRONG_SHARED_BESIDE, NULL, 1, 0, ADDRESS, {"heap-buffer-overflow", "wrong_memory"}},
    {"host reads", 0, read_device_memory, 0, 0, ADDRESS, {"use-after-poison", "read_device_memory"}},
    {"no barrier", WRONG_NEIGHBOUR, NULL, 1, 0, THREAD, {"data race", "block 0 thread"}},
    {"shuffle as barrier", WRONG_SHUFFLE_AS_BARRIER, NULL, 1, 0, THREAD, {"data race", "wrong_warps"}},
    {"warp neighbour", WRONG_WARP_NEIGHBOUR, NULL, 1, 0, THREAD, {"data race", "wrong_warps"}},
    {"blocks share", WRONG_BLOCKS_SHARE_A_WORD, NULL, 3, 0, THREAD, {"data race", "wrong_barriers"}},
    {"no fence", WRONG_FLAG_WITHOUT_FENCE, NULL, 2, 1, THREAD, {"data race", "wrong_barriers"}},
    {"source changed",
     0,
     change_a_source_too_early,
     0,
     0,
     THREAD,
     {"data race", "change_a_source_too_early"}},
    {"result read", 0, read_a_result_too_early, 0, 0, THREAD, {"data race", "read_a_result_too_early"}},
    {"no event", 0, use_two_streams_without_an_event, 0, 0, THREAD, {"data race", "wrong_memory"}},
    /* No faults: */
    {"event", 0, use_two_streams_with_an_event, 0, 0, 0, {"word 9 is 9\n", ""}},
    {"nothing", WRONG_WRITE, NULL, 1, 0, 0, {"", ""}},
    {"devices", 0, look_for_a_device, 0, 0, 0, {"1 devices, cudaSuccess", ""}},
    {"barriers", 0, scan_and_ring, 0, 0, 0, {"wrong 0\n", ""}},
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

int be_a_fault(const char *what) {
  for (int k = 0; k < FAULTS; k++) {
    if (strcmp(faults[k].name, what)) continue;
    if (faults[k].commit)
      faults[k].commit();
    else
      launch_the_wrong(faults[k].kind, faults[k].blocks, faults[k].together);
    return 0;
  }
  fprintf(stderr, "executor_test: unknown fault '%s'\n", what);
  return 2;
}

/* ---- processes ---- */
enum { OUTPUT = 1 << 20 };
static char output[OUTPUT];

/* Runs this program; what it prints is in output[]. Gives the status of waitpid(). */
static int commit(const char *fault, const char *variable, const char *value) {
  int ends[2], status;
  assert_int_equal(pipe(ends), 0);
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    close(ends[0]);
    close(ends[1]);
    setenv("TSAN_OPTIONS", "halt_on_error=1", 1);
    if (variable) setenv(variable, value, 1);
    execl("/proc/self/exe", "executor_test", fault, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  size_t length = 0;
  ssize_t got;
  while ((got = read(ends[0], output + length, OUTPUT - 1 - length)) > 0) length += (size_t)got;
  output[length] = 0;
  close(ends[0]);
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void faults_end_the_process_and_say_why(void **state) {
  (void)state;
  for (int k = 0; k < FAULTS; k++) {
    int noticed = (faults[k].forms & form) != 0;
    if (faults[k].forms && !noticed) continue;
    int status = commit(faults[k].name, NULL, NULL);
    int ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ended_well == noticed || !strstr(output, faults[k].says[0]) || !strstr(output, faults[k].says[1]))
      fail_msg("'%s' ends with status %d and says:\n%s", faults[k].name, status, output);
  }
}

/* The names of its barriers, from a run that is right; then one of them is dropped after the other. */
static void dropped_barriers_are_noticed(void **state) {
  (void)state;
  char path[] = "/tmp/executor_test_XXXXXX", site[256], kind[64];
  unsigned long calls;
  int file = mkstemp(path), sites = 0, noticed = 0;
  assert_true(file >= 0);
  close(file);
  assert_int_equal(commit("barriers", "CALLOSUM_CUDA_HOST_SITES", path), 0);
  FILE *list = fopen(path, "r");
  while (fscanf(list, "%255s %63s %lu", site, kind, &calls) == 3) {
    assert_ptr_equal(strstr(site, "kernels.cu:"), site);
    unsigned long threads = RING_BLOCKS * RING_THREADS * SEEDS;
    if (!strcmp(kind, "CLS_GRID_SYNC"))
      assert_int_equal(calls, 4 * threads);
    else if (calls != SCAN_THREADS * SEEDS)
      assert_true(!strcmp(kind, "__syncthreads") && (calls == threads || calls == 7 * threads));
    int status = commit("barriers", "CALLOSUM_CUDA_HOST_DROP", site);
    assert_null(strstr(output, "no barrier was reached"));
    noticed += status != 0 || !strstr(output, "wrong 0\n");
    sites++;
  }
  fclose(list);
  unlink(path);
  /* One in the scan, three in the sum of a block, two in the ring. Only ThreadSanitizer must see all; the last barrier of
   * the sum guards nothing, since it's called once. */
  assert_int_equal(sites, 6);
  assert_int_equal(noticed, 5);
  commit("barriers", "CALLOSUM_CUDA_HOST_DROP", "kernels.cu:1");
  assert_non_null(strstr(output, "CALLOSUM_CUDA_HOST_DROP=kernels.cu:1: no barrier was reached there"));
}

static void the_environment_says_what_there_is(void **state) {
  (void)state;
  assert_int_equal(commit("devices", "CALLOSUM_CUDA_HOST_DEVICES", "0"), 0);
  assert_non_null(strstr(output, "0 devices, cudaErrorNoDevice, cudaErrorNoDevice"));
  assert_int_equal(WEXITSTATUS(commit("devices", "CALLOSUM_CUDA_HOST_SMS", "0")), 2);
  assert_non_null(strstr(output, "CALLOSUM_CUDA_HOST_SMS=0: expected a whole number from 1 to 1024"));
  assert_int_equal(WEXITSTATUS(commit("devices", "CALLOSUM_CUDA_HOST_SEED", "1x")), 2);
  assert_int_not_equal(commit("deadlock", "CALLOSUM_CUDA_HOST_SMS", "1"), 0); /* two blocks, together */
  assert_non_null(strstr(output, "cudaErrorCooperativeLaunchTooLarge"));
}

int test_faults(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(faults_end_the_process_and_say_why),
      cmocka_unit_test(dropped_barriers_are_noticed),
      cmocka_unit_test(the_environment_says_what_there_is),
  };
  return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}

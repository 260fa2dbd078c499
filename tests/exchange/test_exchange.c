/* Packets: what they hold, how what makes no sense is refused, and that ranks understand each other whatever computes them.
 * Also run by test_exchange_mpi.py under mpirun. */
#include "engine/engines.h"
#include "exchange/host_packer.h"

/* ---- one packer, by hand ---- */

enum { LOCAL = 4, MEMBERS = 2 };
/* Neurons 1 and 3 are known to rank 7, every 2 steps; 0 and 3 to rank 9, every 3. Of rank 8 we have three sources, of rank 9
 * one. */
static cls_routes by_hand(void) {
  static cls_route_out out[] = {{.rank = 7, .n = 2, .min_delay = 4, .interval = 2},
                                {.rank = 9, .n = 2, .min_delay = 6, .interval = 3}};
  static uint32_t slots[][3] = {{10, 20, 30}, {15}};
  static cls_route_in in[] = {{.rank = 8, .n = 3, .slot = slots[0], .min_delay = 4, .interval = 2},
                              {.rank = 9, .n = 1, .slot = slots[1], .min_delay = 2, .interval = 1}};
  static uint64_t first[LOCAL + 1] = {0, 1, 2, 2, 4};
  static cls_route_entry entry[] = {{1, 0}, {0, 0}, {0, 1}, {1, 1}};
  return (cls_routes){.in = in, .out = out, .n_in = 2, .n_out = 2, .first = first, .entry = entry};
}

static void note(void *packer, int member, int64_t step, uint32_t neuron) {
  const uint32_t first[] = {0, 1};
  const cls_spikes spikes = {step, step + 1, &neuron, first};
  OK(cls_host_packer_note(packer, member, &spikes));
}

static void assert_packet(const cls_packet *packet, const uint32_t *expected, size_t words) {
  assert_int_equal(packet->words, words);
  assert_memory_equal(packet->word, expected, words * sizeof *expected);
}
#define PACKET(packet, ...)                                                                                  \
  do {                                                                                                       \
    const uint32_t expected_[] = {__VA_ARGS__};                                                              \
    assert_packet((packet), expected_, sizeof expected_ / sizeof *expected_);                                \
  } while (0)

static void test_packets_made(void **state) {
  (void)state;
  const cls_routes routes = by_hand();
  void *packer = NULL;
  cls_packet packet[2] = {{0}};
  OK(cls_host_packer_create(&routes, MEMBERS, &packer));
  note(packer, 0, 0, 3);
  note(packer, 0, 1, 1);
  note(packer, 1, 1, 3);
  note(packer, 0, 1, 2); /* nobody listens */
  OK(cls_host_packer.pack(packer, 2, packet));
  PACKET(&packet[0], 8, /* of member 0 one in each step, of member 1 */ 1, 2, 2, 3, /* which */ 1, 0, 1);
  assert_null(packet[1].word);
  const cls_packet kept = packet[0];
  note(packer, 1, 2, 0);
  OK(cls_host_packer.pack(packer, 3, packet));
  PACKET(&packet[1], 10, 1, 1, 1, 1, 2, 3, 1, 1, 0);
  OK(cls_host_packer.pack(packer, 4, packet));
  PACKET(&packet[0], 5, 0, 0, 0, 0);
  PACKET(&kept, 8, 1, 2, 2, 3, 1, 0, 1); /* it may still be on its way */
  cls_host_packer_destroy(packer);
}

#define MESSAGE(part) assert_non_null(strstr(cls_error_message(), (part)))

/* Words as they arrived from rank 8, of steps 6 and 7. */
static cls_status take(void *packer, const uint32_t *words, size_t n) {
  uint32_t *room = NULL;
  CLS_TRY(cls_host_packer.room(packer, 0, 1, 0, n, &room));
  memcpy(room, words, n * sizeof *words);
  const cls_packet_in packet = {.in = 0, .first = 6, .word = room, .words = n};
  return cls_host_packer.unpack(packer, 10, &packet, 1);
}
#define TAKE(packer, ...)                                                                                    \
  take((packer), (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void test_packets_taken(void **state) {
  (void)state;
  const cls_routes routes = by_hand();
  const cls_arrival *arrivals;
  void *packer = NULL;
  size_t n;
  OK(cls_host_packer_create(&routes, MEMBERS, &packer));
  OK(TAKE(packer, 8, 1, 3, 3, 3, 2, 0, 1));
  OK(cls_host_packer_receive(packer, 1, 10, &arrivals, &n));
  assert_int_equal(n, 0);
  OK(cls_host_packer_receive(packer, 0, 10, &arrivals, &n));
  assert_int_equal(n, 3);
  static const cls_arrival expected[] = {{30, 4}, {10, 3}, {20, 3}};
  assert_memory_equal(arrivals, expected, sizeof expected);
  OK(cls_host_packer_receive(packer, 0, 10, &arrivals, &n));
  assert_int_equal(n, 0);
  assert_int_equal(TAKE(packer, 6, 1, 1, 1, 1, 3), CLS_ERR_MPI);
  MESSAGE("packet of rank 8 names its neuron 3 of 3");
  assert_int_equal(TAKE(packer, 7, 1, 1, 1, 1, 0), CLS_ERR_MPI);
  MESSAGE("says that it holds 7 words with 1 spikes: it has 6 with 1");
  assert_int_equal(TAKE(packer, 6, 1, 1, 1, 2, 0), CLS_ERR_MPI);
  MESSAGE("says that it holds 6 words with 2 spikes: it has 6 with 1");
  assert_int_equal(TAKE(packer, 7, 2, 1, 2, 2, 0, 0), CLS_ERR_MPI);
  MESSAGE("spikes of a step end at 1, before 2 or behind 2");
  assert_int_equal(TAKE(packer, 7, 9, 2, 2, 2, 0, 0), CLS_ERR_MPI);
  MESSAGE("spikes of a step end at 9, before 0 or behind 2");
  cls_host_packer_destroy(packer);
}

/* ---- ranks ---- */

static const options ALONE = {.comm = MPI_COMM_SELF, .backend = &cls_backend_cpu_serial};

#ifdef CALLOSUM_CUDA_HOST
/* In place of the MPI library's own: whether it takes memory of GPUs. Here it always can, the GPU being an imagined one. */
static int takes_device_memory;
int MPIX_Query_cuda_support(void);
int MPIX_Query_cuda_support(void) { return takes_device_memory; }
#endif

/* Two populations that drive each other. `burst`: all their neurons fire together, again and again, where few spikes are
 * expected. */
static cls_network *make_pair(uint64_t n, double delay_ms, bool burst) {
  cls_network *network;
  OK(cls_network_create("pair", .1, 5, &network));
  for (int p = 0; p < 2; p++) {
    cls_population *population;
    OK(cls_network_add_population(network, p ? "b" : "a", cls_model_find("lif_psc_exp"), n, &population));
    population->initial[0] = burst ? cls_constant(-60) : distribution(CLS_UNIFORM, -60, -50);
    population->has_initial[0] = true;
    population->rate_hz = 1;
    set_param(population, "I_e_pA", burst ? 4000 : 500);
  }
  for (uint32_t p = 0; p < 2; p++) {
    cls_projection *projection = connect(network, p ? "ba" : "ab", p, 1 - p, CLS_FIXED_INDEGREE);
    projection->indegree = 5;
    projection->weight[0] = cls_constant(50);
    projection->delay_ms = distribution(CLS_UNIFORM, delay_ms, delay_ms + 2);
  }
  OK(cls_network_finish(network));
  return network;
}

/* Every rank has another backend than its neighbour: the digests of each member are those of one rank alone. Returns what
 * this rank's engine tells, messages and packets summed over ranks. */
static cls_engine_report compare(const cls_network *network, int first, int members, int64_t end) {
  cls_engine_report report;
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  options mixed = {.comm = MPI_COMM_WORLD, .members = members}, alone = ALONE;
  mixed.backend = backends[(rank + first) % BACKENDS];
  alone.members = members;
  simulation *s = start(network, mixed), *reference = start(network, alone);
  run_to(reference, end);
  for (int64_t half = end / 3; half <= end; half += end - end / 3) run_to(s, half);
  for (int m = 0; m < members; m++) assert_true(digest_of(s, m) == digest_of(reference, m));
  cls_engine_measure(s->engine, &report);
  report.messages = over_ranks(s, report.messages);
  report.packets = over_ranks(s, report.packets);
  if (s->world.ranks > 1) assert_true(report.messages > 1000);
  stop(s);
  stop(reference);
  return report;
}

/* How many spikes cross, in how many packets, is the same whoever makes them. */
static void compare_all(const cls_network *network, int members, int64_t end) {
  cls_engine_report report[BACKENDS];
  for (int first = 0; first < BACKENDS; first++) {
    report[first] = compare(network, first, members, end);
    assert_int_equal(report[first].messages, report[0].messages);
    assert_int_equal(report[first].packets, report[0].packets);
  }
}

static void compare_side_by_side(double delay_ms) {
  cls_network *network = make_pair(500, delay_ms, false);
  compare_all(network, 2, 200);
  cls_network_destroy(network);
}

/* A step in a packet, and many. */
static void test_backends_side_by_side(void **state) {
  (void)state;
  compare_side_by_side(.1);
  compare_side_by_side(.3);
  compare_side_by_side(4);
}

/* Packets of more words than a first message: 90 members, 99 steps. */
static void test_long_packets(void **state) {
  (void)state;
  cls_network *network = make_pair(130, 19.9, false);
  compare_all(network, 90, 320);
  cls_network_destroy(network);
}

/* More spikes than there is room for at the beginning, in packets and on their way. */
static void test_bursts(void **state) {
  (void)state;
  cls_network *network = make_pair(3000, 4, true);
  compare_all(network, 1, 200);
  cls_network_destroy(network);
}

/* Packets that never leave the memory of GPUs, which under AddressSanitizer nobody else may touch. */
static void test_device_memory(void **state) {
#if defined(CALLOSUM_CUDA_HOST) && !defined(__SANITIZE_ADDRESS__)
  takes_device_memory = 1;
  compare_side_by_side(.3);
  test_long_packets(state);
  test_bursts(state);
  takes_device_memory = 0;
#else
  (void)state;
  skip();
#endif
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_packets_made), cmocka_unit_test(test_packets_taken),
      cmocka_unit_test(test_long_packets), cmocka_unit_test(test_backends_side_by_side),
      cmocka_unit_test(test_bursts),       cmocka_unit_test(test_device_memory),
  };
  start_mpi(&argc, &argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (failed) MPI_Abort(MPI_COMM_WORLD, 1); /* other ranks may wait for this one */
  stop_mpi();
  return 0;
}

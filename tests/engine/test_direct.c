/* Rows delivered run by run when they are due, and rows copied into the calendar when their spike arrives,
 * give the same sums. */
#include "engine/engines.h"

static const options SERIAL = {.comm = MPI_COMM_SELF, .backend = &cls_backend_cpu_serial};
enum { END = 1200 };

static uint64_t direct_rows(const simulation *s) {
  uint64_t n = 0;
  for (uint32_t p = 0; p < s->setup.layout->n_parts; p++) n += s->setup.stores[p]->n_direct;
  return over_ranks(s, n);
}

/* 120 driven neurons, each onto 1,500 others with delays of 1 to `longest` steps, and back by few synapses;
 * pairs of 8-bit weights with lif_dtb, single ones with lif_psc_exp. */
static cls_network *make(const char *model, double probability, int longest) {
  cls_network *network;
  OK(cls_network_create("test", .1, 8, &network));
  for (int p = 0; p < 2; p++) {
    cls_population *population;
    OK(cls_network_add_population(network, p ? "many" : "few", cls_model_find(model), p ? 1500 : 120,
                                  &population));
    if (strcmp(model, "lif_dtb") == 0) {
      cls_input *in = add_input(population, "ou", -1);
      set_input(in, "mean", .45), set_input(in, "sd", .25);
      set_param(population, "g_NMDA_mS_cm2", 1e-4), set_param(population, "g_GABA_B_mS_cm2", 1e-4);
    } else {
      cls_input *in = add_input(population, "poisson", 0);
      set_input(in, "rate_hz", p ? 7000 : 9000), set_input(in, "weight", 87.8);
    }
  }
  bool pair = strcmp(model, "lif_dtb") == 0;
  for (int port = 0; port < 2; port++) {
    cls_projection *p = connect(network, port ? "inh" : "exc", 0, 1, CLS_PAIRWISE_BERNOULLI);
    p->probability = probability, p->port = port;
    for (int r = 0; r < 2; r++)
      p->weight[r] = pair ? distribution(CLS_UNIFORM, 0, .1)
                          : distribution(CLS_UNIFORM, port ? -30 : 10, port ? -10 : 30);
    p->delay_ms = distribution(CLS_UNIFORM, .06, longest * .1 + .04);
  }
  cls_projection *p = connect(network, "back", 1, 0, CLS_FIXED_INDEGREE);
  p->indegree = 30, p->delay_ms = distribution(CLS_UNIFORM, .06, longest * .1 + .04);
  p->weight[0] = p->weight[1] = distribution(CLS_UNIFORM, 0, pair ? .2 : 20);
  OK(cls_network_finish(network));
  assert_int_equal(network->min_delay, 1);
  assert_int_equal(network->max_delay, longest);
  return network;
}

/* The digest on every number of parts against the reference; the number of rows delivered directly is the
 * same on all of them where `rows` is given, as parts share a row. Events of both kinds are counted. */
static uint64_t check(const cls_network *network, uint64_t least, uint64_t most) {
  simulation *s = start(network, SERIAL);
  run_to(s, END);
  uint64_t reference = digest_of(s, 0), expected[2], spikes;
  cls_engine_report report;
  cls_engine_measure(s->engine, &report);
  spikes = report.spikes;
  expected[0] = report.events; /* as spikes are handed over; the last of them are still on their way */
  expected[1] = report.events / END * (network->max_delay + 30); /* generously */
  stop(s);
  assert_true(spikes > 500);
  for (int threads = 1; threads <= 3; threads++) {
    options o = {.comm = MPI_COMM_WORLD, .backend = &cls_backend_cpu_omp, .threads = threads};
    s = start(network, o);
    run_to(s, END);
    assert_true(digest_of(s, 0) == reference);
    assert_in_range(direct_rows(s), least * (uint64_t)threads, most * (uint64_t)(threads * s->world.ranks));
    cls_engine_measure(s->engine, &report);
    uint64_t events = over_ranks(s, report.events);
    assert_in_range(events, expected[0] - expected[1], expected[0]);
    stop(s);
  }
  return reference;
}

static void test_direct_and_calendar(void **state) {
  (void)state;
  static const char *const models[] = {"lif_psc_exp", "lif_dtb"};
  for (int m = 0; m < 2; m++) {
    /* 1,500 synapses at either port, 3 delays: runs of 500 on one part, 50 on nine; rows back: 2 synapses */
    cls_network *network = make(models[m], .999, 3);
    uint64_t direct = check(network, 120, 120);
    cls_network_destroy(network);
    /* 15 synapses over 3 delays: all through the calendar */
    network = make(models[m], .01, 3);
    assert_true(check(network, 0, 0) != direct);
    cls_network_destroy(network);
  }
}

/* The same network, its rows long on one part and short on many: both ways, one digest. */
static void test_same_network_both_ways(void **state) {
  (void)state;
  cls_network *network = make("lif_psc_exp", .07, 2);
  options o = {.comm = MPI_COMM_SELF, .backend = &cls_backend_cpu_omp, .threads = 1};
  uint64_t digest[2], rows[2];
  for (int k = 0; k < 2; k++) {
    o.threads = k ? 20 : 1;
    simulation *s = start(network, o);
    run_to(s, END);
    digest[k] = digest_of(s, 0), rows[k] = direct_rows(s);
    stop(s);
  }
  assert_int_equal(rows[0], 120);  /* 105 synapses at each port: 4 runs of 52 */
  assert_in_range(rows[1], 0, 24); /* runs of 3: one row of a part in a hundred */
  assert_true(digest[0] == digest[1]);
  cls_network_destroy(network);
}

/* So many synapses that every thread takes a share of each population: the same spikes on any number of threads. */
static void test_shares_of_populations(void **state) {
  (void)state;
  cls_network *network;
  OK(cls_network_create("test", .1, 8, &network));
  for (int p = 0; p < 2; p++) {
    cls_population *population;
    OK(cls_network_add_population(network, p ? "inh" : "exc", cls_model_find("lif_psc_exp"), p ? 300 : 900,
                                  &population));
    cls_input *in = add_input(population, "poisson", 0);
    set_input(in, "rate_hz", 9000), set_input(in, "weight", 87.8);
  }
  static const char *const names[] = {"ee", "ei", "ie", "ii"};
  for (uint32_t k = 0; k < 4; k++) {
    cls_projection *p = connect(network, names[k], k / 2, k % 2, CLS_FIXED_INDEGREE);
    p->indegree = k / 2 ? 300 : 900, p->port = (int)(k / 2);
    p->weight[0] = distribution(CLS_UNIFORM, k / 2 ? -9 : 1, k / 2 ? -5 : 2);
    p->delay_ms = distribution(CLS_UNIFORM, .06, .64);
  }
  OK(cls_network_finish(network));
  simulation *s = start(network, SERIAL);
  run_to(s, END);
  const uint64_t reference = digest_of(s, 0);
  cls_engine_report report;
  cls_engine_measure(s->engine, &report);
  stop(s);
  assert_true(report.spikes > 500);
  for (int threads = 1; threads <= 5; threads += 2) {
    options o = {.comm = MPI_COMM_WORLD, .backend = &cls_backend_cpu_omp, .threads = threads};
    s = start(network, o);
    assert_int_equal(s->setup.layout->order != NULL, threads > 1);
    run_to(s, END);
    assert_true(digest_of(s, 0) == reference);
    stop(s);
  }
  cls_network_destroy(network);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_direct_and_calendar),
                                     cmocka_unit_test(test_same_network_both_ways),
                                     cmocka_unit_test(test_shares_of_populations)};
  start_mpi(&argc, &argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (failed) MPI_Abort(MPI_COMM_WORLD, 1); /* other ranks may wait for this one */
  stop_mpi();
  return 0;
}

/* From spikes to haemodynamics: what the operator shows is what its spikes, counted beside it and put through the Balloon model by
 * hand, give. Runs on any number of ranks. */
#include "base/outcome.h"

#include "assimilation/operator.h"
#include "backend/cpu/cpu.h"
#include "exchange/exchange.h"
#include "io/io.h"
#include <stdlib.h>
#include <unistd.h>

enum { MEMBERS = 2, REGIONS = 3, MOST_MS = 600 };
static const char text[] = "simulation: {duration_ms: 1000, dt_ms: 0.5, seed: 5}\n"
                           "brain: {neurons: 600, indegree: 20, connectome: {generator: {regions: 3}}}\n";
static cls_world world;
static cls_job *job;

/* ---- spikes, counted by milliseconds ---- */

typedef struct {
  const cls_layout *layout;
  uint32_t count[MOST_MS][MEMBERS][REGIONS];
} counter;

static cls_status count_spikes(void *self, int member, const cls_spikes *s) {
  counter *c = self;
  for (int64_t step = s->begin; step < s->end; step++)
    for (uint32_t i = s->first[step - s->begin]; i < s->first[step - s->begin + 1]; i++)
      for (uint32_t r = 0; r < c->layout->n_ranges; r++) {
        const cls_range *range = &c->layout->ranges[r];
        if (s->neuron[i] >= range->local && s->neuron[i] < range->local + range->n)
          c->count[step / 2][member][cls_site_of(job->network, range->population)]++;
      }
  return CLS_OK;
}

/* ---- an engine with both ---- */

typedef struct {
  cls_placement *placement;
  cls_engine *engine;
  cls_operator *operator;
  counter *counter;
  cls_observer observer;
} rig;

static rig build(const cls_backend *backend, bool counts) {
  rig r = {0};
  const cls_network *network = job->network;
  const cls_engine_options options = {.members = MEMBERS, .beat_ms = 100};
  OK(cls_placement_create(network, world.ranks, world.ranks * world.threads, &r.placement));
  for (uint32_t b = 0; b < r.placement->n_blocks; b++)
    r.placement->owner[b] = (int32_t)(b % (uint32_t)world.ranks);
  OK(cls_engine_create(&world, network, r.placement, &options, backend, &cls_exchange_mpi, &r.engine));
  const cls_layout *layout = cls_engine_layout(r.engine);
  OK(cls_operator_create(&world, network, r.placement, layout, MEMBERS, 0, false, &r.operator));
  OK(cls_engine_observe(r.engine, cls_operator_observer(r.operator)));
  if (!counts) return r;
  OK(cls_alloc(&r.counter, 1, sizeof *r.counter, "counts"));
  r.counter->layout = layout;
  r.observer = (cls_observer){.self = r.counter, .spikes = count_spikes, .flush_interval = 200};
  return r;
}

static void discard(rig *r) {
  cls_operator_destroy(r->operator);
  cls_engine_destroy(r->engine);
  cls_placement_destroy(r->placement);
  free(r->counter);
}

static void advance(rig *r, int64_t end_ms) {
  int64_t reached;
  OK(cls_engine_run(r->engine, 2 * end_ms, NULL, NULL, &reached));
}

/* ---- by hand ---- */

static cls_balloon expected[MEMBERS][REGIONS];
static double spikes_of[MEMBERS][REGIONS], neurons_of[REGIONS];

static void by_hand(const rig *r, int begin_ms, int end_ms) {
  static uint32_t count[MOST_MS][MEMBERS][REGIONS];
  const cls_balloon_consts consts = cls_balloon_derive(cls_balloon_default());
  MPI_Allreduce(r->counter->count, count, MOST_MS * MEMBERS * REGIONS, MPI_UINT32_T, MPI_SUM, world.comm);
  memset(neurons_of, 0, sizeof neurons_of);
  memset(spikes_of, 0, sizeof spikes_of);
  for (uint32_t p = 0; p < job->network->n_populations; p++)
    neurons_of[cls_site_of(job->network, p)] += (double)job->network->populations[p].n;
  for (int t = begin_ms; t < end_ms; t++)
    for (int m = 0; m < MEMBERS; m++)
      for (int k = 0; k < REGIONS; k++) {
        spikes_of[m][k] += count[t][m][k];
        cls_balloon_step(&expected[m][k], &consts, count[t][m][k] / neurons_of[k], 1e-3);
      }
}

/* A cycle whose end is no multiple of anything, as all ranks see it; bit for bit. */
static void compare(rig *r, int begin_ms, int end_ms) {
  const cls_outlook *outlook;
  const cls_balloon_consts consts = cls_balloon_derive(cls_balloon_default());
  OK(cls_operator_look(r->operator, 1e-3 *(end_ms - begin_ms), &outlook));
  by_hand(r, begin_ms, end_ms);
  assert_memory_equal(cls_operator_balloons(r->operator), expected, sizeof expected);
  for (int m = 0; m < MEMBERS; m++)
    for (int k = 0; k < REGIONS; k++) {
      const double rate = spikes_of[m][k] / (neurons_of[k] * (1e-3 * (end_ms - begin_ms)));
      assert_true(outlook->bold[m * REGIONS + k] == cls_balloon_signal(&expected[m][k], &consts));
      assert_true(outlook->rate_hz[m * REGIONS + k] == rate && rate > 0.1 && rate < 100);
    }
}

static void rest(void) {
  for (int m = 0; m < MEMBERS; m++)
    for (int k = 0; k < REGIONS; k++) expected[m][k] = cls_balloon_rest();
}

static void with(const cls_backend *backend) {
  rig r = build(backend, true), plain = build(backend, false);
  OK(cls_engine_observe(r.engine, &r.observer));
  rest();
  advance(&r, 337);
  compare(&r, 0, 337);
  assert_memory_not_equal(expected[0], expected[1], sizeof expected[0]);
  /* What an analysis changes is where the next cycle begins. */
  for (int m = 0; m < MEMBERS; m++)
    for (int k = 0; k < REGIONS; k++) {
      expected[m][k] = (cls_balloon){0.1 * m, 1.5 + k, 1.1, 0.8};
      cls_operator_balloons(r.operator)[m * REGIONS + k] = expected[m][k];
    }
  advance(&r, 600);
  compare(&r, 337, 600);
  /* Without the other observer the backend counts, and shows no spikes. */
  const cls_outlook *outlook;
  rest();
  advance(&plain, 600);
  OK(cls_operator_look(plain.operator, 0.6, &outlook));
  by_hand(&r, 0, 600);
  assert_memory_equal(cls_operator_balloons(plain.operator), expected, sizeof expected);
  discard(&r);
  discard(&plain);
}

static void test_serial(void **state) {
  (void)state;
  with(&cls_backend_cpu_serial);
}

static void test_omp(void **state) {
  (void)state;
  world.threads = 2;
  with(&cls_backend_cpu_omp);
  world.threads = 1;
}

/* The Balloon model has steps of a millisecond. */
static void test_step(void **state) {
  (void)state;
  cls_network network = *job->network;
  cls_operator *o = NULL;
  network.dt_ms = 0.4;
  REFUSED(cls_operator_create(&world, &network, NULL, NULL, MEMBERS, 0, false, &o), "dt_ms 0.4");
  network.dt_ms = 2;
  REFUSED(cls_operator_create(&world, &network, NULL, NULL, MEMBERS, 0, false, &o), "dt_ms 2");
}

static int load(void **state) {
  (void)state;
  char path[] = P_tmpdir "/callosum_operator_XXXXXX";
  if (world.rank == 0) {
    const int file = mkstemp(path);
    if (file < 0 || write(file, text, sizeof text - 1) != sizeof text - 1) return -1;
    close(file);
  }
  MPI_Bcast(path, sizeof path, MPI_CHAR, 0, world.comm);
  const cls_status status = cls_job_load(&world, path, NULL, 0, &job);
  if (world.rank == 0) unlink(path);
  if (status != CLS_OK) print_error("%s\n", cls_error_message());
  return status == CLS_OK ? 0 : -1;
}

static int unload(void **state) {
  (void)state;
  cls_job_destroy(job);
  return 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_serial), cmocka_unit_test(test_omp),
                                     cmocka_unit_test(test_step)};
  MPI_Init(&argc, &argv);
  cls_world_init(&world, MPI_COMM_WORLD, 1, 0);
  const int failed = cmocka_run_group_tests(tests, load, unload);
  MPI_Finalize();
  return failed;
}

/* Engines for tests: a network run on a backend with a window into what the engine keeps to itself. */
#ifndef CALLOSUM_TEST_ENGINE_ENGINES_H
#define CALLOSUM_TEST_ENGINE_ENGINES_H

#include "backend/cpu/cpu.h"
#include "base/leaks.h"
#include "engine/engine.h"
#include "engine/layout.h"
#include "engine/store.h"
#include "exchange/exchange.h"
#include "network/draws.h"
#ifdef CALLOSUM_HAS_CUDA
#include "backend/cuda/cuda.h"
#endif

/* Backends, the reference first; beside it that of the processor's cores, and in the build of tests/cuda_host that of the GPU. */
static const cls_backend *const backends[] __attribute__((unused)) = {
    &cls_backend_cpu_serial,
#ifdef CALLOSUM_HAS_CUDA
    &cls_backend_cuda,
#else
    &cls_backend_cpu_omp,
#endif
};
enum { BACKENDS = sizeof backends / sizeof *backends };

typedef struct {
  MPI_Comm comm;
  const cls_backend *backend;
  int threads, members;
  double beat_ms;
  volatile sig_atomic_t *stop;
  int64_t begin;
  const cls_saver *saver;
  const int *identity;
  bool scaled, keeps;
} options;

/* Under mpirun: whether a rank would do by itself what the test without mpirun has done. */
static inline bool alone_again(options o) {
  int ranks, others;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  MPI_Comm_size(o.comm, &others);
  return ranks > 1 && others == 1;
}

/* A running network. Blocks are dealt to the ranks in turn, so that neighbours are apart. */
typedef struct {
  const cls_network *network;
  cls_placement *placement;
  cls_engine *engine;
  cls_world world;
  cls_backend backend;
  void *instance; /* of the backend */
  cls_backend_setup setup;
} simulation;

/* The engine's table of functions carries no context: the create() of a probed backend leaves what it made
 * here. */
static const cls_backend *probed_backend;
static cls_backend_setup probed_setup;
static void *probed_instance;
static inline cls_status probed_create(const cls_backend_setup *setup, void **instance) {
  cls_status status = probed_backend->create(setup, instance);
  probed_setup = *setup;
  probed_instance = *instance;
  return status;
}

static inline simulation *start(const cls_network *network, options o) {
  simulation *s = NULL;
  OK(cls_alloc(&s, 1, sizeof *s, "simulation"));
  s->network = network;
  if (o.threads < 1) o.threads = 1;
  OK(cls_world_init(&s->world, o.comm, o.threads, 0));
  OK(cls_placement_create(network, s->world.ranks, s->world.ranks * o.threads, &s->placement));
  for (uint32_t b = 0; b < s->placement->n_blocks; b++)
    s->placement->owner[b] = (int32_t)(b % (uint32_t)s->world.ranks);
  s->backend = *o.backend;
  s->backend.create = probed_create;
  probed_backend = o.backend;
  cls_engine_options engine_options = {.members = o.members > 0 ? o.members : 1,
                                       .beat_ms = o.beat_ms > 0 ? o.beat_ms : 100,
                                       .ask = o.stop,
                                       .begin = o.begin,
                                       .saver = o.saver,
                                       .identity = o.identity,
                                       .scaled = o.scaled,
                                       .keeps = o.keeps};
  OK(cls_engine_create(&s->world, network, s->placement, &engine_options, &s->backend, &cls_exchange_mpi,
                       &s->engine));
  s->instance = probed_instance;
  s->setup = probed_setup;
  return s;
}

static inline void stop(simulation *s) {
  cls_engine_destroy(s->engine);
  cls_placement_destroy(s->placement);
  free(s);
}

static inline void run_to(simulation *s, int64_t end) {
  int64_t reached = -1;
  OK(cls_engine_run(s->engine, end, NULL, NULL, &reached));
  assert_int_equal(reached, end);
}

static inline uint64_t digest_of(const simulation *s, int member) {
  uint64_t digest = 0;
  OK(cls_engine_digest(s->engine, member, &digest));
  return digest;
}

/* Runs a network from 0 to `end` and returns the digest of a member. */
static inline uint64_t digest_run(const cls_network *network, options o, int64_t end, int member) {
  simulation *s = start(network, o);
  run_to(s, end);
  uint64_t digest = digest_of(s, member);
  stop(s);
  return digest;
}

/* Collective. A state of one neuron, wherever it is. */
static inline double state_of(simulation *s, int member, uint32_t population, uint64_t index, int state) {
  const cls_layout *layout = cls_engine_layout(s->engine);
  uint32_t r = cls_layout_find(layout, population, index);
  double here = -INFINITY, value;
  if (r != UINT32_MAX) {
    float *values = NULL;
    OK(cls_alloc(&values, layout->ranges[r].n, sizeof *values, "states"));
    OK(s->backend.get_state(s->instance, member, r, state, values));
    here = (double)values[index - layout->ranges[r].first];
    free(values);
  }
  MPI_Allreduce(&here, &value, 1, MPI_DOUBLE, MPI_MAX, s->world.comm);
  return value;
}

/* Collective. A count summed over ranks. */
static inline uint64_t over_ranks(const simulation *s, uint64_t here) {
  uint64_t sum = 0;
  MPI_Allreduce(&here, &sum, 1, MPI_UINT64_T, MPI_SUM, s->world.comm);
  return sum;
}

static inline void set_param(cls_population *population, const char *name, double value) {
  int j = cls_model_param(population->model, name);
  if (j < 0) fail_msg("%s has no parameter %s", population->model->name, name);
  population->param[j] = cls_constant(value);
}

static inline cls_input *add_input(cls_population *population, const char *model, int receptor) {
  cls_input *input = NULL;
  OK(cls_population_add_input(population, cls_model_find(model), &input));
  input->receptor = receptor;
  return input;
}

static inline void set_input(cls_input *input, const char *name, double value) {
  int j = cls_model_param(input->model, name);
  if (j < 0) fail_msg("%s has no parameter %s", input->model->name, name);
  input->param[j] = cls_constant(value);
}

#endif

/* Sums of synaptic currents and single states as backends give them, of every neuron model, against the
 * model's own scalar function on states put there; and what observers see of a member. */
#include "engine/neurons.h"
#include "engines.h"

enum { N = 300 }; /* more than a tile, and no multiple of 16 */

static float state_value(int state, uint32_t i) {
  return (float)((double)(cls_mix64(i * 16 + (uint64_t)state) >> 40) * 0x1p-21 - 3); /* in [-3, 5) */
}

/* Two populations of a model: one with the same parameters for all, one where a parameter varies. */
static cls_network *two_of(const cls_model *model) {
  const uint64_t n[] = {N, N};
  cls_network *network = make_network(model->name, 3, 2, n);
  for (int j = 0; j < model->n_params; j++) {
    const cls_param_info *p = &model->params[j];
    if (p->shared || p->initial == 0) continue;
    const double a = p->initial * 0.95, b = p->initial * 1.02;
    network->populations[1].param[j] = distribution(CLS_UNIFORM, fmin(a, b), fmax(a, b));
    break;
  }
  OK(cls_network_finish(network));
  return network;
}

static void check_range(simulation *s, uint32_t r, const int64_t *sums) {
  const cls_range_run *run = &s->setup.neurons[0]->runs[r];
  const cls_model *model = run->model;
  float *values[CLS_MAX_STATES] = {NULL};
  cls_tile tile = {.n = (int)run->n};
  for (int j = 0; j < model->n_states; j++) {
    OK(cls_alloc(&values[j], run->padded, sizeof(float), "states"));
    OK(s->backend.get_state(s->instance, 0, r, j, values[j]));
    tile.state[j] = values[j];
  }
  for (int j = 0; j < model->n_consts; j++)
    tile.konst[j] = run->stride ? run->konst + (size_t)j * run->padded : run->konst + j;
  for (int k = 0; k < CLS_MAX_RECEPTORS; k++) {
    int64_t sum = 0;
    for (uint32_t i = 0; k < model->n_receptors && i < run->n; i++)
      sum += (int64_t)rint((double)model->receptor_current(&tile, (int)i, run->stride, k) * CLS_CURRENT_ONE);
    assert_true(sums[(size_t)r * CLS_MAX_RECEPTORS + (size_t)k] == sum);
  }
  for (int j = 0; j < model->n_states; j++) free(values[j]);
}

static void check_probes(simulation *s, uint32_t r, int states) {
  const uint32_t n = s->setup.neurons[0]->runs[r].n;
  cls_probe probe[40];
  float value[40];
  for (uint32_t i = 0; i < 40; i++) probe[i] = (cls_probe){r, i * 7919 % n, (int)i % states};
  OK(s->backend.probe(s->instance, 0, probe, 40, value));
  for (uint32_t i = 0; i < 40; i++) assert_true(value[i] == state_value(probe[i].state, probe[i].index));
}

static void check_model(const cls_model *model, const cls_backend *backend, int threads) {
  cls_network *network = two_of(model);
  simulation *s = start(network, (options){.comm = MPI_COMM_SELF, .backend = backend, .threads = threads});
  const cls_layout *layout = cls_engine_layout(s->engine);
  int64_t *sums = NULL;
  float *values = NULL;
  bool varied = false;
  OK(cls_alloc(&sums, (size_t)layout->n_ranges * CLS_MAX_RECEPTORS, sizeof *sums, "sums"));
  OK(cls_alloc(&values, N, sizeof *values, "states"));
  for (uint32_t r = 0; r < layout->n_ranges; r++)
    for (int j = 0; j < model->n_states; j++) {
      for (uint32_t i = 0; i < layout->ranges[r].n; i++) values[i] = state_value(j, i);
      OK(s->backend.put_state(s->instance, 0, r, j, values));
    }
  OK(s->backend.currents(s->instance, 0, sums));
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    check_range(s, r, sums);
    if (model->n_states > 0) check_probes(s, r, model->n_states);
    varied = varied || s->setup.neurons[0]->runs[r].stride;
  }
  if (model->n_consts > 0 && model->n_receptors > 1) assert_true(varied);
  free(sums);
  free(values);
  stop(s);
  cls_network_destroy(network);
}

static void test_models(void **state) {
  (void)state;
  int models = 0;
  for (int m = 0; m < cls_model_count(); m++) {
    const cls_model *model = cls_model_at(m);
    if (model->is_input) continue;
    for (int b = 0; b < BACKENDS; b++) check_model(model, backends[b], 1);
    check_model(model, &cls_backend_cpu_omp, 3);
    models++;
  }
  assert_true(models >= 2);
}

/* ---- members with parameters of their own ---- */

typedef struct {
  const cls_network *own[3];
  int looks;
} watcher;

static int64_t next_look(void *self, int64_t now) {
  (void)self;
  return (now / 4 + 1) * 4;
}

static cls_status look(void *self, int member, int64_t step, cls_view *view) {
  watcher *w = self;
  assert_true((step + 1) % 4 == 0 && view->member == member);
  assert_ptr_equal(view->network, w->own[member]);
  w->looks++;
  return CLS_OK;
}

static void test_own_parameters(void **state) {
  (void)state;
  cls_network *network = two_of(cls_model_find("lif_psc_exp")),
              *other = two_of(cls_model_find("lif_psc_exp"));
  const cls_network *variants[3] = {NULL, other, network};
  watcher w = {.own = {network, other, network}};
  cls_world alone;
  cls_placement *placement;
  cls_engine *engine;
  int64_t reached;
  OK(cls_world_init(&alone, MPI_COMM_SELF, 1, 0));
  OK(cls_placement_create(network, 1, 1, &placement));
  cls_engine_options members = {.members = 3, .beat_ms = 100, .variants = variants};
  OK(cls_engine_create(&alone, network, placement, &members, &cls_backend_cpu_omp, &cls_exchange_mpi,
                       &engine));
  cls_observer observer = {.self = &w, .next_look = next_look, .look = look, .flush_interval = 100};
  OK(cls_engine_observe(engine, &observer));
  OK(cls_engine_run(engine, 21, NULL, NULL, &reached));
  assert_int_equal(w.looks, 3 * 5);
  cls_engine_destroy(engine);
  cls_placement_destroy(placement);
  cls_network_destroy(network);
  cls_network_destroy(other);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_models), cmocka_unit_test(test_own_parameters)};
  start_mpi(&argc, &argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  stop_mpi();
  return failed;
}

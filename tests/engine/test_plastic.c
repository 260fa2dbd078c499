/* Plastic synapses in the engine: which there are, what they weigh whoever computes them and whenever one looks, and what
 * is refused. Also run by test_engine_mpi.py under mpirun. */
#include "engine/plastic_networks.h"

/* ---- which synapses there are ---- */

static int by_target(const void *a, const void *b) {
  const cls_synapse *x = a, *y = b;
  if (x->target != y->target) return x->target < y->target ? -1 : 1;
  if (x->source != y->source) return x->source < y->source ? -1 : 1;
  if (x->delay != y->delay) return x->delay < y->delay ? -1 : 1;
  return ((int16_t)x->weight > (int16_t)y->weight) - ((int16_t)x->weight < (int16_t)y->weight);
}

/* They are those that a static projection would have, listed in the stated order; on one rank all of them. */
static void test_listed(void **state) {
  (void)state;
  cls_network *network = all_kinds(true);
  for (int threads = 1; threads <= 3; threads++) {
    simulation *s =
        start(network, (options){.comm = MPI_COMM_SELF, .backend = backends[1], .threads = threads});
    for (uint32_t j = 0; j < network->n_projections; j++) {
      const cls_projection *projection = &network->projections[j];
      const cls_population *target = &network->populations[projection->target];
      cls_plastic_synapse *list = NULL;
      synapses drawn = {0};
      size_t n;
      OK(cls_engine_plastic(s->engine, j, &list, &n));
      OK(cls_projection_draw(network, projection, 0, target->n, CLS_DRAW_ALL, keep_synapses, &drawn));
      qsort(drawn.synapse, drawn.n, sizeof *drawn.synapse, by_target);
      assert_int_equal(n, projection->plasticity && projection->plasticity->has_stdp ? drawn.n : 0);
      for (size_t i = 0; i < n; i++) {
        assert_int_equal(list[i].source, drawn.synapse[i].source);
        assert_int_equal(list[i].target, target->first + drawn.synapse[i].target);
        assert_int_equal(list[i].delay, drawn.synapse[i].delay);
        assert_int_equal(list[i].drawn, (int16_t)drawn.synapse[i].weight);
        assert_int_equal(list[i].projection, j);
      }
      free(list);
      free(drawn.synapse);
    }
    stop(s);
  }
  cls_network_destroy(network);
}

/* ---- what they weigh ---- */

static uint64_t weights_digest(const simulation *s, int member) {
  uint64_t digest, n;
  OK(cls_engine_weights_digest(s->engine, member, &digest, &n));
  assert_true(n > 15000);
  return digest;
}

typedef struct {
  uint64_t spikes, weights[3];
} outcome;

/* `looks`: weights are asked for on the way, and so brought up to date, at steps that mean nothing. */
static outcome run_all(const cls_network *network, options o, int member, bool looks) {
  static const int64_t ends[] = {637, 1300, 2000};
  outcome out;
  simulation *s = start(network, o);
  for (int i = 0; i < 3; i++) {
    for (int64_t at = i > 0 ? ends[i - 1] + 113 : 113; looks && at < ends[i]; at += 113) {
      run_to(s, at);
      weights_digest(s, member);
    }
    run_to(s, ends[i]);
    out.weights[i] = weights_digest(s, member);
  }
  out.spikes = digest_of(s, member);
  stop(s);
  return out;
}

static void same(outcome a, outcome b) {
  assert_true(a.spikes == b.spikes);
  for (int i = 0; i < 3; i++) assert_true(a.weights[i] == b.weights[i]);
}

/* Event by event, and brought up to date lazily; on any number of threads and ranks; looked at or not. */
static void test_same_bits(void **state) {
  (void)state;
  cls_network *network = all_kinds(true);
  const outcome reference =
      run_all(network, (options){.comm = MPI_COMM_SELF, .backend = backends[0]}, 0, false);
  assert_true(reference.weights[0] != reference.weights[1] && reference.weights[1] != reference.weights[2]);
  for (int looks = 0; looks < 2; looks++) {
    same(reference, run_all(network, (options){.comm = MPI_COMM_SELF, .backend = backends[1]}, 0, looks));
    same(reference,
         run_all(network,
                 (options){.comm = MPI_COMM_SELF, .backend = backends[1], .threads = 3, .beat_ms = 7.3}, 0,
                 looks));
    for (int b = 0; b < BACKENDS; b++)
      same(reference,
           run_all(network, (options){.comm = MPI_COMM_WORLD, .backend = backends[b], .threads = 2}, 0,
                   looks));
  }
  cls_network_destroy(network);
}

static void test_members(void **state) {
  (void)state;
  cls_network *network = all_kinds(true);
  const outcome alone = run_all(network, (options){.comm = MPI_COMM_WORLD, .backend = backends[1]}, 0, false);
  const outcome second =
      run_all(network, (options){.comm = MPI_COMM_SELF, .backend = backends[0], .members = 2}, 1, false);
  assert_true(second.spikes != alone.spikes && second.weights[2] != alone.weights[2]);
  for (int b = 1; b < BACKENDS; b++) {
    const options two = {.comm = MPI_COMM_WORLD, .backend = backends[b], .members = 2};
    same(alone, run_all(network, two, 0, false));
    same(second, run_all(network, two, 1, true));
  }
  cls_network_destroy(network);
}

static void test_beside_tracts(void **state) {
  (void)state;
  cls_network *network = beside_tracts(1);
  const uint64_t unchanged =
      digest_run(network, (options){.comm = MPI_COMM_SELF, .backend = backends[0]}, 1500, 0);
  cls_network_destroy(network);
  network = beside_tracts(3);
  uint64_t spikes[2], weights[2], n;
  for (int b = 0; b < BACKENDS; b++)
    for (int ranks = 0; ranks < (b == 0 ? 1 : 2); ranks++) {
      const int i = b > 0;
      simulation *s = start(network, (options){.comm = ranks ? MPI_COMM_WORLD : MPI_COMM_SELF,
                                               .backend = backends[b],
                                               .threads = ranks ? 1 : 2});
      run_to(s, 1500);
      spikes[i] = digest_of(s, 0);
      OK(cls_engine_weights_digest(s->engine, 0, &weights[i], &n));
      stop(s);
      assert_true(spikes[i] == spikes[0] && weights[i] == weights[0]);
    }
  assert_true(spikes[0] != 0 && spikes[0] != unchanged);
  cls_network_destroy(network);
}

/* Before any spike weights are those drawn; later they stay between 0 and the greatest, and some reach both. */
typedef struct {
  cls_plastic_synapse *list;
  size_t n, at_bound[2];
  const cls_network *network;
} watch;

static int64_t next_look(void *self, int64_t now) {
  (void)self;
  return now < 1 ? 1 : now < 4000 ? 4000 : INT64_MAX;
}

static cls_status look(void *self, int member, int64_t step, cls_view *view) {
  watch *w = self;
  float *weight = NULL;
  (void)member;
  OK(cls_alloc(&weight, w->n, sizeof *weight, "weights"));
  OK(cls_view_weights(view, w->list, w->n, weight));
  const float quantum = w->network->quantum[0][0];
  for (size_t i = 0; i < w->n; i++) {
    if (step == 0)
      NEAR((double)weight[i], w->list[i].drawn * (double)quantum, 120 * 0x1p-23);
    else
      assert_true(weight[i] >= 0 && weight[i] <= 120);
    w->at_bound[0] += weight[i] == 0;
    w->at_bound[1] += weight[i] == 120;
  }
  free(weight);
  return CLS_OK;
}

static void test_weights(void **state) {
  (void)state;
  cls_network *network = all_kinds(true);
  for (int b = 0; b < BACKENDS; b++) {
    simulation *s = start(network, (options){.comm = MPI_COMM_SELF, .backend = backends[b]});
    watch w = {.network = network};
    OK(cls_engine_plastic(s->engine, EE - 2, &w.list, &w.n));
    OK(cls_engine_observe(
        s->engine,
        &(cls_observer){.self = &w, .next_look = next_look, .look = look, .flush_interval = 10000}));
    run_to(s, 4000);
    assert_true(w.at_bound[0] > 10 && w.at_bound[1] > 10 && w.at_bound[0] + w.at_bound[1] < w.n);
    free(w.list);
    stop(s);
  }
  cls_network_destroy(network);
}

/* ---- what is refused ---- */

static void refused(cls_plasticity p, int port, double weight, const char *part) {
  cls_network *network = make_network("lif_psc_exp", 1, 2, (uint64_t[]){10, 10});
  cls_projection *made = connect(network, "x", 0, 1, CLS_ALL_TO_ALL);
  made->port = port;
  made->weight[0] = cls_constant(weight);
  OK(cls_projection_make_plastic(made, &p));
  assert_int_equal(cls_network_finish(network), CLS_ERR_INPUT);
  if (!strstr(cls_error_message(), part)) fail_msg("'%s' is not in: %s", part, cls_error_message());
  cls_network_destroy(network);
}

static void test_refused(void **state) {
  (void)state;
  cls_plasticity p = {.has_stdp = true, .stdp = pairs(10, .1, .1, 1)};
  refused(p, 0, 11, "weight: 11: expected 0 ... plasticity.stdp.w_max, 10");
  refused(p, 0, -1, "weight: -1: expected");
  p.stdp.w_max = 0;
  refused(p, 0, 0, "w_max: 0");
  p.stdp = pairs(10, 2, .1, 1);
  refused(p, 0, 1, "a_plus: 2");
  p.stdp = pairs(10, .1, .1, 1.5);
  refused(p, 0, 1, "dendritic_share: 1.5");
  p.stdp.tau_plus_ms = 0;
  refused(p, 0, 1, "tau_plus_ms: 0");
  refused((cls_plasticity){.has_short_term = true, .short_term = {0, 1, 1}}, 0, 1, "short_term.u: 0");
  refused((cls_plasticity){.has_short_term = true, .short_term = {.5, -1, 1}}, 0, 1, "tau_rec_ms: -1");
  refused((cls_plasticity){0}, 0, 1, "expected stdp or short_term");
  cls_network *network = all_kinds(false);
  OK(cls_network_add_intervention(network, &(cls_intervention){.kind = CLS_SCALE_TRACTS,
                                                               .step = 5,
                                                               .on = (uint32_t[]){1},
                                                               .n_on = 1,
                                                               .from = (uint32_t[]){0},
                                                               .n_from = 1,
                                                               .value = 2}));
  assert_int_equal(cls_network_finish(network), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "'ei': an intervention scales it"));
  cls_network_destroy(network);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_listed),        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_members),
      cmocka_unit_test(test_beside_tracts), cmocka_unit_test(test_weights),   cmocka_unit_test(test_refused),
  };
  start_mpi(&argc, &argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  stop_mpi();
  return failed;
}

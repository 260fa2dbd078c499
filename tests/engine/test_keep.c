/* Saving an engine and going on in another: on other backends, threads and ranks, the same bits as if nothing had happened.
 * Also run by test_engine_mpi.py under mpirun. */
#include "base/effort.h"
#include "engine/memory_keeper.h"
#include "engine/plastic_networks.h"

#define WORLD MPI_COMM_WORLD
#define SELF  MPI_COMM_SELF

/* ---- saving on the way ---- */

typedef struct {
  simulation *s;
  memory memory;
  int64_t saved; /* step */
  int times;
} saved_run;

static cls_status save(void *self, int64_t step) {
  saved_run *r = self;
  forget(&r->memory);
  r->saved = step;
  r->times++;
  const cls_keeper keeper = {&r->memory, false, keep_array, NULL};
  return cls_engine_keep(r->s->engine, &keeper);
}

static cls_saver saver_of(saved_run *r, int64_t interval) {
  return (cls_saver){.self = r, .interval = interval, .save = save};
}

static void load(simulation *s, memory *from) {
  const cls_keeper keeper = {from, true, load_array, rows_of};
  OK(cls_engine_keep(s->engine, &keeper));
}

typedef struct {
  uint64_t spikes[2], weights[2], counted;
} outcome;

static outcome look_at(simulation *s, int members, bool plastic) {
  outcome out = {0};
  uint64_t n;
  cls_engine_report report;
  for (int m = 0; m < members; m++) {
    out.spikes[m] = digest_of(s, m);
    if (plastic) OK(cls_engine_weights_digest(s->engine, m, &out.weights[m], &n));
  }
  cls_engine_measure(s->engine, &report);
  out.counted = over_ranks(s, report.spikes + report.spikes_before);
  return out;
}

static void same(const outcome *a, const outcome *b) { assert_memory_equal(a, b, sizeof *a); }

typedef struct {
  cls_network *network;
  int64_t save, end;
  int members;
  bool plastic;
} task;

/* Saves with the options `a` at t->save, loads with `b` and goes on. There it is saved once more, before all that was recent
 * is forgotten, and goes on with `a`. */
static void there_and_back(const task *t, const outcome *expected, options a, options b) {
  saved_run first = {.memory = {.comm = a.comm}}, second = {.memory = {.comm = b.comm}};
  cls_saver saver = saver_of(&first, t->save), again = saver_of(&second, t->save + 37);
  a.members = b.members = t->members;
  a.saver = &saver;
  first.s = start(t->network, a);
  run_to(first.s, t->end);
  outcome out = look_at(first.s, t->members, t->plastic);
  same(&out, expected); /* saving changes nothing */
  stop(first.s);
  /* The last time it was saved may be a multiple: what counts is that time. */
  b.begin = first.saved;
  b.saver = &again;
  second.s = start(t->network, b);
  load(second.s, &first.memory);
  run_to(second.s, t->end);
  out = look_at(second.s, t->members, t->plastic);
  same(&out, expected);
  stop(second.s);
  if (second.times > 0) {
    a.begin = second.saved;
    a.saver = NULL;
    simulation *third = start(t->network, a);
    load(third, &second.memory);
    run_to(third, t->end);
    out = look_at(third, t->members, t->plastic);
    same(&out, expected);
    stop(third);
  }
  forget(&first.memory);
  forget(&second.memory);
}

/* What is kept does not depend on who kept it, on how many threads and ranks. */
static void test_same_arrays(void **state) {
  (void)state;
  cls_network *network = all_kinds(true);
  memory first = {.comm = SELF};
  for (int i = 0; i < 2 * BACKENDS; i++) {
    const options o = {.comm = i % 2 ? WORLD : SELF, .backend = backends[i / 2], .threads = 1 + i % 2};
    if (i > 0 && alone_again(o)) continue;
    saved_run run = {.memory = {.comm = o.comm}};
    const cls_saver saver = saver_of(&run, 900);
    options with = o;
    with.saver = &saver;
    run.s = start(network, with);
    run_to(run.s, 901);
    stop(run.s);
    assert_int_equal(run.saved, 900);
    if (i == 0) {
      first = run.memory;
      continue;
    }
    assert_int_equal(run.memory.n, first.n);
    for (size_t k = 0; k < first.n; k++) {
      const kept_array *x = &first.array[k], *y = find_array(&run.memory, x->name);
      assert_true(y && x->type == y->type && x->rows == y->rows && x->width == y->width);
      if (strcmp(x->name, "engine/numbers") == 0)
        continue; /* events are counted when they are handed over, or due */
      if (memcmp(x->values, y->values, x->rows * x->width * cls_keep_bytes(x->type)) != 0)
        fail_msg("%s of %s", x->name, o.backend->name);
    }
    forget(&run.memory);
  }
  forget(&first);
  cls_network_destroy(network);
}

static void everywhere(const task *t) {
  simulation *s = start(t->network, (options){.comm = SELF, .backend = backends[0], .members = t->members});
  run_to(s, t->end);
  const outcome expected = look_at(s, t->members, t->plastic);
  stop(s);
  assert_true(expected.counted > 100 && expected.spikes[0] != 0);
  for (int a = 0; a < BACKENDS; a++) {
    const int b = (a + 1) % BACKENDS;
    there_and_back(t, &expected, (options){.comm = WORLD, .backend = backends[a], .threads = 2},
                   (options){.comm = SELF, .backend = backends[b], .threads = 3});
    if (EVERY > 1 && a % 2 == 0) continue;
    there_and_back(t, &expected, (options){.comm = SELF, .backend = backends[a]},
                   (options){.comm = WORLD, .backend = backends[a], .threads = 2});
  }
}

/* ---- networks ---- */

static void test_plastic(void **state) {
  (void)state;
  cls_network *network = all_kinds(true);
  /* Early, when the recent spikes are all there were; and late. */
  everywhere(&(task){network, 150, 299, 2, true});
  everywhere(&(task){network, 900, 1500, 1, true});
  cls_network_destroy(network);
}

/* Before, at and after the step at which tracts change. */
static void test_tracts(void **state) {
  (void)state;
  cls_network *network = beside_tracts(3);
  static const int64_t at[] = {700, 777, 800};
  for (int i = 0; i < 3; i++) everywhere(&(task){network, at[i], 1100, 1, true});
  cls_network_destroy(network);
}

/* States of inputs, one of which only some neurons have, of two models; static synapses. */
static cls_network *mixed(void) {
  cls_network *network;
  cls_population *p;
  OK(cls_network_create("mixed", 0.1, 4, &network));
  OK(cls_network_add_population(network, "first", cls_model_find("lif_psc_exp"), 500, &p));
  OK(cls_network_add_population(network, "second", cls_model_find("lif_dtb"), 333, &p));
  OK(cls_network_add_population(network, "third", cls_model_find("lif_psc_exp"), 130, &p));
  for (int k = 0; k < 3; k++) {
    p = &network->populations[k];
    cls_input *ou = add_input(p, "ou", -1);
    if (k == 2) ou->first = 100, ou->count = 20;
    if (k == 1) continue;
    cls_input *poisson = add_input(p, "poisson", 0);
    set_input(poisson, "rate_hz", 9000);
    set_input(poisson, "weight", 90);
  }
  cls_projection *c = connect(network, "inwards", 0, 2, CLS_FIXED_INDEGREE);
  c->indegree = 50;
  c->weight[0] = distribution(CLS_NORMAL, 30, 10);
  c->delay_ms = distribution(CLS_UNIFORM, .3, 12);
  c = connect(network, "back", 2, 0, CLS_FIXED_INDEGREE);
  c->indegree = 30;
  c->weight[0] = cls_constant(50);
  c->delay_ms = distribution(CLS_UNIFORM, .1, 3);
  OK(cls_network_finish(network));
  return network;
}

static void test_inputs(void **state) {
  (void)state;
  cls_network *network = mixed();
  everywhere(&(task){network, 400, 700, 2, false});
  cls_network_destroy(network);
}

/* ---- when ---- */

/* A checkpoint that any rank asks for is made by all at the same later step; one that is to be the last stops the run. */
static void test_asked(void **state) {
  (void)state;
  cls_network *network = mixed();
  for (int b = 0; b < BACKENDS; b++) {
    volatile sig_atomic_t asked = CLS_ASK_NOTHING;
    saved_run run = {.memory = {.comm = WORLD}};
    const cls_saver saver = saver_of(&run, 0);
    simulation *s = run.s = start(
        network,
        (options){.comm = WORLD, .backend = backends[b], .beat_ms = 2, .stop = &asked, .saver = &saver});
    int64_t reached = 0;
    OK(cls_engine_run(s->engine, 100, NULL, NULL, &reached));
    assert_int_equal(run.times, 0);
    if (s->world.rank == s->world.ranks - 1) asked = CLS_ASK_SAVE;
    OK(cls_engine_run(s->engine, 1000, NULL, NULL, &reached));
    assert_int_equal(run.times, 1);
    assert_int_equal(reached, 1000);
    assert_int_equal(run.saved % 20, 0);
    assert_true(run.saved >= 140 && run.saved <= 300);
    assert_int_equal(asked, CLS_ASK_NOTHING);
    if (s->world.rank == s->world.ranks - 1) asked = CLS_ASK_SAVE_AND_STOP;
    OK(cls_engine_run(s->engine, 3000, NULL, NULL, &reached));
    assert_int_equal(run.times, 2);
    assert_int_equal(reached, run.saved);
    assert_true(reached >= 1040 && reached <= 1200);
    const uint64_t digest = digest_of(s, 0);
    stop(s);
    assert_true(digest == digest_run(network, (options){.comm = SELF, .backend = backends[0]}, reached, 0));
    forget(&run.memory);
  }
  cls_network_destroy(network);
}

/* Another network, or another step. */
static void test_refused(void **state) {
  (void)state;
  cls_network *network = mixed();
  saved_run run = {.memory = {.comm = WORLD}};
  const cls_saver saver = saver_of(&run, 50);
  run.s = start(network, (options){.comm = WORLD, .backend = backends[1], .saver = &saver});
  run_to(run.s, 60);
  stop(run.s);
  assert_int_equal(run.saved, 50);
  const cls_keeper keeper = {&run.memory, true, load_array, rows_of};
  simulation *s = start(network, (options){.comm = WORLD, .backend = backends[1], .begin = 51});
  assert_int_equal(cls_engine_keep(s->engine, &keeper), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "of step 50: expected step 51"));
  stop(s);
  s = start(network, (options){.comm = WORLD, .backend = backends[1], .begin = 50, .members = 2});
  assert_int_equal(cls_engine_keep(s->engine, &keeper), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "1 members"));
  stop(s);
  forget(&run.memory);
  cls_network_destroy(network);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_inputs), cmocka_unit_test(test_plastic), cmocka_unit_test(test_tracts),
      cmocka_unit_test(test_asked),  cmocka_unit_test(test_refused), cmocka_unit_test(test_same_arrays),
  };
  start_mpi(&argc, &argv);
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  stop_mpi();
  return failed;
}

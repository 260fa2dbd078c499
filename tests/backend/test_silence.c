/* A neuron that nothing reaches any more comes to rest at exactly 0: a state that went on decaying would be subnormal for
 * ever, where an operation takes a hundred cycles. */
#include "engine/engines.h"

enum { V, EXC, INH };

static void test_comes_to_rest(void **state) {
  (void)state;
  for (int b = 0; b < BACKENDS; b++) {
    cls_network *network;
    cls_population *p;
    OK(cls_network_create("test", .1, 1, &network));
    OK(cls_network_add_population(network, "a", cls_model_find("lif_psc_exp"), 40, &p));
    const double initial[] = {-60, 50, -50};
    for (int k = 0; k < 3; k++) p->initial[k] = cls_constant(initial[k]), p->has_initial[k] = true;
    OK(cls_network_finish(network));
    simulation *s = start(network, (options){.comm = MPI_COMM_SELF, .backend = backends[b]});
    run_to(s, 100); /* 20 time constants of the currents */
    NEAR(state_of(s, 0, 0, 39, EXC), 50 * exp(-20), 1e-12);
    NEAR(state_of(s, 0, 0, 39, INH), -50 * exp(-20), 1e-12);
    assert_true(state_of(s, 0, 0, 39, V) > 1);
    run_to(s, 800); /* 50 exp(-75) is below 1e-30 */
    assert_true(state_of(s, 0, 0, 39, EXC) == 0 && state_of(s, 0, 0, 39, INH) == 0);
    assert_true(state_of(s, 0, 0, 39, V) > 1e-4);
    run_to(s, 8000); /* 80 time constants of the membrane, 10 ms: 5 exp(-80) is below 1e-30 */
    assert_true(state_of(s, 0, 0, 39, V) == 0);
    stop(s);
    cls_network_destroy(network);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_comes_to_rest)};
  start_mpi(&argc, &argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  stop_mpi();
  return failed;
}

/* relay: out comes what goes in, at once and never more. In an engine: a chain of relays adds up its
 * delays. */
#include "engine/engines.h"
#include "model/figures.h"

static void test_step(void **state) {
  (void)state;
  const cls_model *model = cls_model_find("relay");
  assert_true(model->n_params == 0 && model->n_states == 0 && model->no_current);
  _Alignas(64) float sums[16] = {0, 1, 1e-30f, -1, 5, -0.0f, -1e-30f, 1e30f, 0, 2}, current[16];
  _Alignas(64) int32_t spiked[16];
  cls_tile tile = {.n = 16, .input = {sums}, .current = current, .spiked = spiked};
  for (int i = 0; i < 16; i++) current[i] = 1000;
  for (int again = 0; again < 2; again++) { /* nothing is remembered */
    model->tile_shared(&tile);
    for (int i = 0; i < 16; i++) assert_int_equal(spiked[i], sums[i] > 0);
  }
  assert_true(model->receptor_current(&tile, 1, 0, 0) == 0);
}

/* A spike of step s passes relays of delays d1, d2 ... and arrives in step s + d1 + d2 ...; weights that
 * cancel do not pass. */
enum { LINKS = 4, FIRED = 3 };
static const int delay[LINKS] = {2, 1, 7, 3};

static cls_status one_spike(void *self, cls_trains_sink sink, void *context) {
  (void)self;
  const uint64_t step[] = {FIRED, FIRED, FIRED + 20}, neuron[] = {5, 5, 9};
  return sink(context, step, neuron, 3);
}
static void forget(void *self) { (void)self; }

typedef struct {
  int n;
  uint32_t local[100];
  int64_t step[100];
} seen;
static cls_status see(void *self, int member, const cls_spikes *spikes) {
  seen *s = self;
  (void)member;
  for (int64_t step = spikes->begin; step < spikes->end; step++)
    for (uint32_t i = spikes->first[step - spikes->begin]; i < spikes->first[step - spikes->begin + 1]; i++)
      if (s->n < 100) s->local[s->n] = spikes->neuron[i], s->step[s->n++] = step;
  return CLS_OK;
}

static void test_chain(void **state) {
  (void)state;
  double worst = 0;
  for (int b = 0; b < BACKENDS; b++) {
    const uint64_t n[] = {20, 20, 20, 20, 20, 20};
    cls_network *network = make_network("relay", 1, LINKS + 2, n);
    cls_trains *trains = NULL;
    OK(cls_alloc(&trains, 1, sizeof *trains, "trains"));
    *trains = (cls_trains){.scan = one_spike, .destroy = forget};
    OK(cls_network_own_trains(network, trains));
    cls_input *input = add_input(&network->populations[0], "spike_train", 0);
    input->trains = trains;
    for (int link = 0; link < LINKS; link++) {
      char name[16];
      snprintf(name, sizeof name, "c%d", link);
      connect(network, name, (uint32_t)link, (uint32_t)link + 1, CLS_ONE_TO_ONE)->delay_ms =
          cls_constant(delay[link] * .1);
    }
    /* the last population hears the first twice, with opposite signs */
    cls_projection *plus = connect(network, "plus", 0, LINKS + 1, CLS_ONE_TO_ONE);
    cls_projection *minus = connect(network, "minus", 0, LINKS + 1, CLS_ONE_TO_ONE);
    plus->delay_ms = minus->delay_ms = cls_constant(.5);
    minus->weight[0] = cls_constant(-1);
    OK(cls_network_finish(network));
    simulation *s = start(network, (options){.comm = MPI_COMM_SELF, .backend = backends[b]});
    seen all = {0};
    OK(cls_engine_observe(s->engine, &(cls_observer){.self = &all, .spikes = see, .flush_interval = 1000}));
    run_to(s, 100);
    assert_int_equal(all.n, 2 * (LINKS + 1));
    const cls_layout *layout = cls_engine_layout(s->engine);
    int passed = 0;
    for (int link = 0; link <= LINKS; link++) {
      if (link > 0) passed += delay[link - 1];
      for (int neuron = 5; neuron <= 9; neuron += 4) {
        uint32_t r = cls_layout_find(layout, (uint32_t)link, (uint64_t)neuron);
        uint32_t local = layout->ranges[r].local + (uint32_t)neuron;
        int found = 0;
        for (int i = 0; i < all.n; i++) {
          if (all.local[i] != local) continue;
          double late = (double)(all.step[i] - (FIRED + passed + (neuron == 9 ? 20 : 0)));
          worst = fmax(worst, fabs(late));
          found++;
        }
        assert_int_equal(found, 1); /* two spikes of one step are one */
      }
    }
    stop(s);
    cls_network_destroy(network);
  }
  hold("relay", "chain", worst);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_step), cmocka_unit_test(test_chain)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}

/* Inputs in an engine: currents and rates that follow waveforms, spikes from outside, and which neurons
 * receive them. Both backends, layouts, members. */
#include "engine/drive.h"
#include "engine/engines.h"
#include "engine/neurons.h"
#include "model/figures.h"

enum { V };
#define SIGMAS 4.0
static const double H = .1;

static cls_population *add(cls_network *network, const char *name, const char *model, uint64_t n) {
  cls_population *p;
  OK(cls_network_add_population(network, name, cls_model_find(model), n, &p));
  return p;
}

/* Neurons that sum up what arrives: no leak worth mentioning, no threshold within reach. */
static cls_population *add_counters(cls_network *network, const char *name, uint64_t n) {
  cls_population *p = add(network, name, "lif_psc_delta", n);
  set_param(p, "tau_m_ms", 1e6);
  set_param(p, "E_L_mV", 0), set_param(p, "V_reset_mV", -1), set_param(p, "V_th_mV", 1000);
  set_param(p, "C_m_pF", 1);
  return p;
}

static void follow(cls_network *network, cls_input *input, int n, const cls_wave *waves) {
  cls_waveform *w;
  OK(cls_waveform_create(&w));
  for (int i = 0; i < n; i++) OK(cls_waveform_add(w, &waves[i]));
  OK(cls_network_own_waveform(network, w));
  input->waveform = w;
}

static cls_network *create(uint64_t seed) {
  cls_network *network;
  OK(cls_network_create("test", H, seed, &network));
  return network;
}

static const cls_wave waves[] = {
    {.kind = CLS_WAVE_STEP, .start_ms = 2, .stop_ms = 5, .value = 1},
    {.kind = CLS_WAVE_SINE, .start_ms = 6, .stop_ms = 30, .frequency_hz = 100, .offset = 1, .amplitude = .5},
    {.kind = CLS_WAVE_PULSES,
     .start_ms = 10,
     .stop_ms = INFINITY,
     .value = 2,
     .period_ms = 7,
     .width_ms = 1.5},
    {.kind = CLS_WAVE_RAMP, .start_ms = 35, .stop_ms = 45, .value = 0, .to = 3}};
enum { WAVES = 4 };

/* A current of amplitude 1 pA on 1 pF is an integral: V of every step is H times the sum of the levels in the
 * middles of the steps so far, and close to the integral itself, which a fine sum gives. */
static void test_current(void **state) {
  (void)state;
  for (int b = 0; b < BACKENDS; b++) {
    cls_network *network = create(1);
    cls_input *input = add_input(add_counters(network, "a", 100), "dc", -1);
    set_input(input, "amplitude", 2);
    follow(network, input, WAVES, waves);
    OK(cls_network_finish(network));
    simulation *s = start(network, (options){.comm = MPI_COMM_SELF, .backend = backends[b]});
    double sum = 0, integral = 0, error = 0;
    for (int step = 0; step < 600; step++) {
      run_to(s, step + 1);
      sum += 2 * H * cls_waveform_at(input->waveform, (step + .5) * H);
      for (int k = 0; k < 1000; k++)
        integral += 2 * H / 1000 * cls_waveform_at(input->waveform, (step + (k + .5) / 1000) * H);
      double v = state_of(s, 0, 0, 99, V);
      NEAR(v, sum, 1e-4 * (1 + sum));
      error = larger_of(error, v, integral);
      NEAR(v, integral, 1e-3 + 1e-4 * v); /* the middle errs by H^2 / 24 of the second derivative; the leak */
      if (step < 20) assert_true(v == 0); /* exactly the steps it covers */
      if (step == 20) NEAR(v, 2 * H, 1e-6);
      if (step >= 49 && step < 60) NEAR(v, 6, 1e-4);
    }
    assert_true(sum > 50);
    hold("dc", "integral", error);
    stop(s);
    cls_network_destroy(network);
  }
}

/* Counts of an inhomogeneous Poisson process in windows of 5 ms: over neurons they have the Poisson
 * distribution of the integrated rate. */
static void test_poisson(void **state) {
  (void)state;
  enum { N = 3000, WINDOWS = 9, LENGTH = 50, MOST = 400 };
  static const char *const models[] = {"poisson", "inhomogeneous_poisson"};
  for (int b = 0; b < BACKENDS; b++) {
    cls_network *network = create(3);
    cls_input *input = add_input(add_counters(network, "a", N), models[b % 2], 0);
    set_input(input, "rate_hz", 700), set_input(input, "weight", .25);
    follow(network, input, WAVES, waves);
    OK(cls_network_finish(network));
    simulation *s = start(network, (options){.comm = MPI_COMM_SELF, .backend = backends[b], .threads = 2});
    static double before[N];
    memset(before, 0, sizeof before);
    double sum_z = 0, worst = 0;
    for (int window = 0; window < WINDOWS; window++) {
      double mean = 0, seen[MOST] = {0}, expected[MOST], total = 0;
      for (int k = 0; k < 5000; k++)
        mean += 700 * 1e-6 * cls_waveform_at(input->waveform, 5 * window + (k + .5) * 1e-3);
      run_to(s, (window + 1) * LENGTH);
      for (uint64_t i = 0; i < N; i++) {
        double v = state_of(s, 0, 0, i, V) / .25, count = rint(v - before[i]);
        NEAR(v - before[i], count, .02);
        assert_true(count >= 0 && count < MOST);
        seen[(int)count]++;
        total += count;
        before[i] = v;
      }
      for (int k = 0; k < MOST; k++)
        expected[k] = mean > 0 ? N * exp(k * log(mean) - mean - lgamma(k + 1.)) : 0;
      if (mean == 0) assert_true(total == 0);
      double z = mean > .05 ? chi_square_z(seen, expected, MOST) : 0;
      worst = fmax(worst, fabs(z));
      NEAR(total, N * mean, SIGMAS * sqrt(N * mean));
      sum_z += z;
    }
    NEAR(sum_z / sqrt(WINDOWS), 0, SIGMAS);
    hold("inhomogeneous_poisson", "counts", worst);
    stop(s);
    cls_network_destroy(network);
  }
}

/* A constant waveform of 1 changes no bit, and a rate that is 0 for a while draws what it draws later all the
 * same. */
static void test_constant(void **state) {
  (void)state;
  uint64_t digest[4];
  for (int c = 0; c < 4; c++) {
    cls_network *network = create(5);
    cls_population *p = add(network, "a", "lif_psc_exp", 500);
    static const char *const models[] = {"poisson", "dc", "ou"};
    for (int i = 0; i < 3; i++) add_input(p, models[i], i == 0 ? 0 : -1);
    set_input(&p->inputs[0], "rate_hz", 9000), set_input(&p->inputs[0], "weight", 80);
    set_input(&p->inputs[1], "amplitude", 100);
    set_input(&p->inputs[2], "sd", 50);
    const cls_wave one = {.kind = CLS_WAVE_STEP, .stop_ms = INFINITY, .value = 1};
    const cls_wave late = {.kind = CLS_WAVE_STEP, .start_ms = 20, .stop_ms = INFINITY, .value = 1};
    for (int i = 0; c >= 1 && i < 3; i++) follow(network, &p->inputs[i], 1, c == 3 ? &late : &one);
    OK(cls_network_finish(network));
    digest[c] = digest_run(network, (options){.comm = MPI_COMM_SELF, .backend = backends[c % 2]}, 1000, 0);
    cls_network_destroy(network);
  }
  assert_true(digest[0] == digest[1] && digest[1] == digest[2] && digest[2] != digest[3]);
}

/* Everything that drives inputs is a function of the step alone, in whatever order steps are asked for. */
static cls_status many_spikes(void *self, cls_trains_sink sink, void *context) {
  (void)self;
  for (uint32_t i = 0; i < 300; i++) {
    cls_words w = cls_draw((cls_stream){{9, 9}}, i, 0, 0, 0);
    uint64_t step = w.w[0] % 2000, neuron = w.w[1] % 120;
    CLS_TRY(sink(context, &step, &neuron, 1));
  }
  return CLS_OK;
}
static void forget(void *self) { (void)self; }

static void give_trains(cls_network *network, cls_input *input) {
  cls_trains *trains = NULL;
  OK(cls_alloc(&trains, 1, sizeof *trains, "trains"));
  *trains = (cls_trains){.scan = many_spikes, .destroy = forget};
  OK(cls_network_own_trains(network, trains));
  input->trains = trains;
}

static void test_any_order(void **state) {
  (void)state;
  cls_network *network = create(1);
  cls_population *p = add(network, "a", "lif_psc_exp", 100);
  for (int i = 0; i < 2; i++) set_input(add_input(p, "poisson", 0), "rate_hz", i == 0 ? 5000 : 3000);
  follow(network, &p->inputs[0], WAVES, waves);
  follow(network, add_input(p, "dc", -1), 2, waves);
  give_trains(network, add_input(p, "spike_train", 1));
  OK(cls_network_finish(network));
  simulation *s = start(network, (options){.comm = MPI_COMM_SELF, .backend = &cls_backend_cpu_omp});
  const cls_neurons *neurons = s->setup.neurons[0];
  cls_drive *kept, *fresh;
  OK(cls_drive_create(neurons, 0, neurons->n_runs, &kept));
  assert_int_equal(neurons->n_levels, 3);
  assert_int_equal(neurons->n_counts, 2);
  assert_int_equal(neurons->n_trains, 1);
  long events = 0, changes = 0;
  for (uint32_t k = 0; k < 6000; k++) {
    /* forwards, with jumps back and ahead now and then */
    int64_t step =
        k % 500 < 400 ? (int64_t)k % 2000 : (int64_t)(cls_draw((cls_stream){{4, 4}}, k, 0, 0, 0).w[0] % 2000);
    int64_t until = kept->until;
    cls_drive_step(kept, step);
    changes += kept->until != until;
    OK(cls_drive_create(neurons, 0, neurons->n_runs, &fresh));
    cls_drive_step(fresh, step);
    assert_true(memcmp(kept->level, fresh->level, 3 * sizeof *kept->level) == 0 && kept->level[0] == 1);
    for (uint32_t c = 0; c < 2; c++) {
      assert_true(kept->table[c]->n == fresh->table[c]->n &&
                  kept->table[c]->repeat == fresh->table[c]->repeat);
      assert_memory_equal(kept->table[c]->threshold, fresh->table[c]->threshold,
                          (size_t)kept->table[c]->n * sizeof(uint32_t));
    }
    assert_int_equal(kept->events[0].n, fresh->events[0].n);
    if (fresh->events[0].n) assert_ptr_equal(kept->events[0].event, fresh->events[0].event);
    events += fresh->events[0].n;
    cls_drive_destroy(fresh);
  }
  assert_true(events > 400);
  cls_drive_destroy(kept);
  /* where nothing changes, nothing is looked at */
  OK(cls_drive_create(neurons, 0, 0, &kept));
  assert_true(kept->from == INT64_MIN && kept->until == INT64_MAX);
  cls_drive_destroy(kept);
  stop(s);
  cls_network_destroy(network);
}

/* Spikes from outside act in their step on their neuron, as often as they come, on any layout: where neurons have many
 * synapses, each thread has pieces of all populations. */
static void test_trains(void **state) {
  (void)state;
  double expected[120] = {0}, error = 0;
  for (uint32_t i = 0; i < 300; i++) {
    cls_words w = cls_draw((cls_stream){{9, 9}}, i, 0, 0, 0);
    if (w.w[0] % 2000 < 1000) expected[w.w[1] % 120]++;
  }
  for (int b = 0; b < BACKENDS; b++)
    for (int layout = 0; layout < 4; layout++) {
      const int threads = layout % 2 ? 3 : 1;
      cls_network *network = create(1);
      cls_input *input = add_input(add_counters(network, "a", 120), "spike_train", 0);
      set_input(input, "weight", 2);
      give_trains(network, input);
      for (uint32_t p = 0; layout >= 2 && p < 2; p++) {
        if (p == 1) add_counters(network, "b", 120);
        connect(network, p ? "to b" : "to a", 0, p, CLS_FIXED_INDEGREE)->indegree = 1000;
      }
      OK(cls_network_finish(network));
      simulation *s =
          start(network,
                (options){.comm = MPI_COMM_SELF, .backend = backends[b], .threads = threads, .members = 2});
      run_to(s, 1000);
      for (int m = 0; m < 2; m++)
        for (uint64_t i = 0; i < 120; i++) error = larger_of(error, state_of(s, m, 0, i, V) / 2, expected[i]);
      stop(s);
      cls_network_destroy(network);
    }
  hold("spike_train", "trains", error);
}

/* A share of the neurons receives an input: about as many as it says, the same ones on any layout; the others
 * are to the bit what they are without it. */
static cls_network *partial(double fraction, uint64_t first, uint64_t count, int inputs) {
  cls_network *network = create(11);
  cls_population *p = add(network, "a", "lif_psc_exp", 3000);
  set_input(add_input(p, "dc", -1), "amplitude", 100);
  static const char *const models[] = {"dc", "ou", "poisson", "spike_train"};
  for (int k = 0; k < 4; k++) {
    if (!(inputs >> k & 1)) continue;
    cls_input *in = add_input(p, models[k], k < 2 ? -1 : 0);
    if (k == 0) set_input(in, "amplitude", 50);
    if (k == 1) set_input(in, "mean", 20), set_input(in, "sd", 80), set_input(in, "tau_ms", 1e6);
    if (k == 2) set_input(in, "rate_hz", 40000), set_input(in, "weight", 20);
    if (k == 3) give_trains(network, in), set_input(in, "weight", 500);
    in->omit = 1 - fraction, in->first = first, in->count = count;
  }
  OK(cls_network_finish(network));
  return network;
}

static void test_fraction(void **state) {
  (void)state;
  static const struct {
    double fraction;
    uint64_t first, count;
  } cases[] = {{.3, 0, 0}, {1, 700, 900}, {.5, 64, 1}, {.25, 1000, 2000}, {0, 0, 0}, {1, 0, 3000}};
  for (int b = 0; b < BACKENDS; b++) {
    cls_network *bare = partial(1, 0, 0, 0);
    simulation *without = start(bare, (options){.comm = MPI_COMM_SELF, .backend = backends[b]});
    run_to(without, 5);
    for (int kind = 0; kind < 3; kind++)
      for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        cls_network *network = partial(cases[c].fraction, cases[c].first, cases[c].count, 1 << kind);
        const cls_input *in = &network->populations[0].inputs[1];
        simulation *s = start(
            network, (options){.comm = MPI_COMM_SELF, .backend = backends[b], .threads = 1 + (int)c % 3});
        run_to(s, 5);
        double reached = 0, could = cases[c].count ? (double)cases[c].count : 3000 - (double)cases[c].first;
        for (uint64_t i = 0; i < 3000; i++) {
          bool differs = state_of(s, 0, 0, i, V) != state_of(without, 0, 0, i, V);
          assert_int_equal(differs,
                           cls_input_reaches(in, 11, i)); /* 20 spikes in 5 steps: none fails to come */
          if (differs)
            assert_true(i >= cases[c].first && (!cases[c].count || i < cases[c].first + cases[c].count));
          reached += differs;
        }
        double p = cases[c].fraction;
        NEAR(reached, could * p, SIGMAS * sqrt(could * p * (1 - p)) + (p > 0 && p < 1));
        stop(s);
        cls_network_destroy(network);
      }
    stop(without);
    cls_network_destroy(bare);
  }
}

/* What receives all four inputs in part is the same bits on all layouts, members included. */
static void test_same_bits(void **state) {
  (void)state;
  uint64_t first[2] = {0};
  for (int layout = 0; layout < 5; layout++) {
    cls_network *network = partial(.4, 100, 2500, 15);
    simulation *s = start(network, (options){.comm = MPI_COMM_SELF,
                                             .backend = backends[layout % 2],
                                             .threads = 1 + layout,
                                             .members = 2,
                                             .beat_ms = 3 + layout});
    run_to(s, 600);
    for (int m = 0; m < 2; m++) {
      uint64_t digest = digest_of(s, m);
      if (layout == 0) first[m] = digest;
      assert_true(digest == first[m]);
    }
    stop(s);
    cls_network_destroy(network);
  }
  assert_true(first[0] != first[1]);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_current),   cmocka_unit_test(test_poisson), cmocka_unit_test(test_constant),
      cmocka_unit_test(test_any_order), cmocka_unit_test(test_trains),  cmocka_unit_test(test_fraction),
      cmocka_unit_test(test_same_bits),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}

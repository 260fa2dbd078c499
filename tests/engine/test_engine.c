/* The engine from outside: when a spike arrives and what it does, on one rank and on several. Also run by
 * test_engine_mpi.py under mpirun. */
#include "engine/engines.h"

enum { V, I_EXC, I_INH };
static const double H = .1, P21 = 3.606717487814e-4, P22 = .9900498337491681;
static const options WORLD = {.comm = MPI_COMM_WORLD, .backend = &cls_backend_cpu_omp};
static const options ALONE = {.comm = MPI_COMM_SELF, .backend = &cls_backend_cpu_serial};

static options with(options o, const cls_backend *backend, int threads, int members, double beat_ms) {
  o.backend = backend, o.threads = threads, o.members = members, o.beat_ms = beat_ms;
  return o;
}

/* ---- one spike ---- */

static cls_population *add(cls_network *network, const char *name, const char *model, uint64_t n) {
  cls_population *p;
  OK(cls_network_add_population(network, name, cls_model_find(model), n, &p));
  return p;
}

/* Neuron 2 of population a fires in step 6 and then never again: V climbs by 1000 pA x 3.98e-4 mV/pA per
 * step from 13 mV over rest (steps 1 to 7 give .39 ... 2.7), the threshold is at 15. */
enum { FIRED = 6, OTHERS = 130 };
static double climb(int steps) { return 13 * pow(P22, steps) + 40 * (1 - pow(P22, steps)); }

static cls_network *one_synapse(int delay, int port, double weight) {
  cls_network *network;
  OK(cls_network_create("test", H, 1, &network));
  /* b does not lie behind a: other neurons are in between */
  cls_population *a = add(network, "a", "lif_psc_exp", 1);
  set_param(a, "V_th_mV", -65 + (climb(FIRED) + climb(FIRED + 1)) / 2);
  set_param(a, "t_ref_ms", 1e4);
  set_param(a, "I_e_pA", 1000);
  a->initial[V] = cls_constant(-65 + 13);
  a->has_initial[V] = true;
  add(network, "others", "lif_psc_exp", OTHERS);
  add(network, "b", "lif_psc_exp", 1);
  cls_projection *p = connect(network, "synapse", 0, 2, CLS_ONE_TO_ONE);
  p->port = port;
  p->weight[0] = cls_constant(weight);
  p->delay_ms = cls_constant(delay * H);
  OK(cls_network_finish(network));
  return network;
}

/* A spike of step s with delay d makes the current jump at the end of step s + d by exactly the weight, and
 * moves V by weight x P21 one step later. */
static void check_synapse(options o, int delay, int port, double weight) {
  cls_network *network = one_synapse(delay, port, weight);
  simulation *s = start(network, o);
  for (int step = 0; step < FIRED + delay + 4; step++) {
    run_to(s, step + 1);
    double v_a = state_of(s, 0, 0, 0, V), v = state_of(s, 0, 2, 0, V);
    double current = state_of(s, 0, 2, 0, port == 0 ? I_EXC : I_INH);
    if (step < FIRED) NEAR(v_a, climb(step + 1), 1e-4);
    if (step >= FIRED) assert_true(v_a == 0);
    int since = step - FIRED - delay;
    NEAR(current, since < 0 ? 0 : weight * exp(-since * H / .5), since > 0 ? 1e-4 : 0);
    NEAR(v, since < 1 ? 0 : weight * 10 * .5 / (250 * 9.5) * (exp(-since * H / 10) - exp(-since * H / .5)),
         since < 1 ? 0 : 1e-6);
    if (since == 1) NEAR(v / (weight * P21), 1, 1e-6);
    assert_true(state_of(s, 0, 2, 0, port == 0 ? I_INH : I_EXC) == 0);
    assert_true(state_of(s, 0, 1, OTHERS - 1, I_EXC) == 0);
  }
  cls_engine_report report;
  cls_engine_measure(s->engine, &report);
  assert_int_equal(over_ranks(s, report.synapses), 1);
  assert_int_equal(over_ranks(s, report.spikes), 1);
  assert_int_equal(over_ranks(s, report.events), 1);
  assert_int_equal(over_ranks(s, report.neurons), OTHERS + 2);
  assert_int_equal(digest_of(s, 0), cls_mix64(cls_mix64(0) + FIRED));
  stop(s);
  cls_network_destroy(network);
}

static void test_one_synapse(void **state) {
  (void)state;
  static const int delays[] = {1, 2, 3, 15, 256};
  for (int d = 0; d < 5; d++)
    for (int b = 0; b < BACKENDS; b++) {
      check_synapse(with(WORLD, backends[b], 1, 1, 100), delays[d], 0, 100);
      check_synapse(with(WORLD, backends[b], 2, 1, 100), delays[d], 1, -50);
    }
}

/* Delays from the least to the greatest in one network: whatever the window, each is exact. */
static void test_delays_side_by_side(void **state) {
  (void)state;
  static const int delays[] = {1, 2, 9, 100, 16383};
  for (int b = 0; b < BACKENDS; b++) {
    cls_network *network;
    OK(cls_network_create("test", H, 1, &network));
    cls_population *a = add(network, "a", "lif_psc_exp", 1);
    set_param(a, "t_ref_ms", 1e4);
    a->initial[V] = cls_constant(-40); /* fires in step 0 */
    a->has_initial[V] = true;
    add(network, "b", "lif_psc_exp", 1);
    for (int d = 0; d < 5; d++) {
      char name[16];
      snprintf(name, sizeof name, "d%d", d);
      cls_projection *p = connect(network, name, 0, 1, CLS_ONE_TO_ONE);
      p->weight[0] = cls_constant(1 << d), p->delay_ms = cls_constant(delays[d] * H);
    }
    OK(cls_network_finish(network));
    assert_int_equal(network->min_delay, 1);
    assert_int_equal(network->max_delay, 16383);
    simulation *s = start(network, with(WORLD, backends[b], 1, 1, 100));
    for (int d = 0; d < 5; d++) {
      run_to(s, delays[d]); /* up to the step before it is due */
      double before = state_of(s, 0, 1, 0, I_EXC);
      run_to(s, delays[d] + 1);
      NEAR(state_of(s, 0, 1, 0, I_EXC), before * .8187307530779818 + (1 << d), 1e-6 * (1 + (1 << d)));
    }
    stop(s);
    cls_network_destroy(network);
  }
}

/* Both weights of a synapse with two, onto lif_dtb; a self-connection; two synapses at once add up. */
static void test_two_weights(void **state) {
  (void)state;
  for (int b = 0; b < BACKENDS; b++)
    for (int port = 0; port < 2; port++) {
      cls_network *network;
      OK(cls_network_create("test", H, 1, &network));
      cls_population *a = add(network, "a", "lif_dtb", 70);
      a->initial[V] = cls_constant(-40);
      a->has_initial[V] = true;
      cls_projection *p = connect(network, "self", 0, 0, CLS_ONE_TO_ONE);
      p->port = port, p->delay_ms = cls_constant(.5);
      p->weight[0] = cls_constant(.75), p->weight[1] = cls_constant(.5);
      p = connect(network, "again", 0, 0, CLS_ONE_TO_ONE);
      p->port = port, p->delay_ms = cls_constant(.5);
      p->weight[0] = cls_constant(.25), p->weight[1] = cls_constant(.125);
      OK(cls_network_finish(network));
      simulation *s = start(network, with(WORLD, backends[b], 2, 1, 100));
      run_to(s, 5);
      for (int j = 1; j <= 4; j++) assert_true(state_of(s, 0, 0, 69, j) == 0);
      run_to(s, 6);
      for (int j = 1; j <= 4; j++) {
        bool ours = (j - 1) / 2 == port;
        assert_true(state_of(s, 0, 0, 69, j) == (!ours ? 0 : j % 2 == 1 ? 1 : .625));
      }
      stop(s);
      cls_network_destroy(network);
    }
}

/* ---- inputs ---- */

static void test_inputs(void **state) {
  (void)state;
  for (int b = 0; b < BACKENDS; b++) {
    cls_network *network;
    OK(cls_network_create("test", H, 1, &network));
    set_input(add_input(add(network, "dc", "lif_psc_exp", 20), "dc", -1), "amplitude", 300);
    set_param(add(network, "I_e", "lif_psc_exp", 20), "I_e_pA", 300);
    cls_population *poisson = add(network, "poisson", "lif_psc_exp", 200);
    set_param(poisson, "V_th_mV", 1000);
    for (int receptor = 0; receptor < 2; receptor++) {
      cls_input *in = add_input(poisson, "poisson", receptor);
      set_input(in, "rate_hz", 20000);
      set_input(in, "weight", receptor == 0 ? 3 : -2);
    }
    cls_population *ou = add(network, "ou", "lif_dtb", 20);
    cls_input *in = add_input(ou, "ou", -1);
    set_input(in, "mean", .4), set_input(in, "sd", .15);
    OK(cls_network_finish(network));
    simulation *s = start(network, with(WORLD, backends[b], 2, 1, 100));
    run_to(s, 1);
    double total[2] = {0}, same = 0;
    for (uint64_t i = 0; i < 200; i++) { /* whole spikes, of both trains, each its own */
      double k[2] = {state_of(s, 0, 2, i, I_EXC) / 3, state_of(s, 0, 2, i, I_INH) / -2};
      for (int r = 0; r < 2; r++) {
        assert_true(k[r] == rint(k[r]) && k[r] >= 0);
        total[r] += k[r];
      }
      same += k[0] == k[1];
    }
    for (int r = 0; r < 2; r++) NEAR(total[r], 400, 4 * sqrt(400));
    NEAR(same, 200 * .2070, 30); /* sum over k of P(k)^2 at a mean of 2 */
    NEAR(state_of(s, 0, 3, 0, V), -52.5 + 70 + H / .5 * (-.025 * 17.5 + state_of(s, 0, 3, 0, 6)), 1e-5);
    run_to(s, 100);
    double expected = 300 * 10. / 250 * (1 - exp(-1));
    for (uint64_t i = 0; i < 20; i += 19) {
      NEAR(state_of(s, 0, 0, i, V), expected, 1e-5);
      NEAR(state_of(s, 0, 1, i, V), expected, 1e-5);
    }
    stop(s);
    cls_network_destroy(network);
  }
}

/* ---- a network ---- */

/* Both models, both ports, every input, varied parameters and delays: what the digest depends on. */
static cls_network *busy(uint64_t seed, double least_delay_ms) {
  cls_network *network;
  OK(cls_network_create("busy", H, seed, &network));
  add(network, "e", "lif_psc_exp", 410);
  add(network, "i", "lif_psc_exp", 101);
  add(network, "d", "lif_dtb", 230);
  for (uint32_t p = 0; p < 2; p++) {
    cls_input *in = add_input(&network->populations[p], "poisson", 0);
    set_input(in, "rate_hz", 9000), set_input(in, "weight", 87.8085);
    network->populations[p].initial[V] = distribution(CLS_NORMAL, -58, 5);
    network->populations[p].has_initial[V] = true;
  }
  cls_input *in = add_input(&network->populations[2], "ou", -1);
  set_input(in, "mean", .45), set_input(in, "sd", .2);
  network->populations[0].param[cls_model_param(network->populations[0].model, "tau_m_ms")] =
      distribution(CLS_UNIFORM, 9, 11);
  static const struct {
    uint32_t from, to;
    int port;
    uint64_t indegree;
    double low, high;
  } c[] = {{0, 0, 0, 40, 60, 120},    {0, 1, 0, 40, 60, 120}, {1, 0, 1, 10, -600, -300},
           {1, 1, 1, 10, -500, -300}, {0, 2, 0, 20, 0, 1},    {2, 2, 0, 30, 0, 1},
           {2, 2, 1, 8, 0, 1},        {2, 1, 0, 5, 10, 50}};
  for (int k = 0; k < 8; k++) {
    char name[16];
    snprintf(name, sizeof name, "c%d", k);
    cls_projection *p = connect(network, name, c[k].from, c[k].to, CLS_FIXED_INDEGREE);
    p->indegree = c[k].indegree, p->port = c[k].port;
    p->weight[0] = p->weight[1] = distribution(CLS_UNIFORM, c[k].low, c[k].high);
    p->delay_ms = distribution(CLS_UNIFORM, least_delay_ms, 4);
  }
  OK(cls_network_finish(network));
  return network;
}
enum { END = 1500 };

/* One digest on any rank count, thread count and backend; another for another seed. */
static void test_same_bits_everywhere(void **state) {
  (void)state;
  static const double least[] = {.1, 1.5};
  for (int k = 0; k < 2; k++) {
    cls_network *network = busy(3, least[k]);
    uint64_t reference = digest_run(network, ALONE, END, 0);
    for (int threads = 1; threads <= 3; threads++)
      assert_true(digest_run(network, with(WORLD, &cls_backend_cpu_omp, threads, 1, 100), END, 0) ==
                  reference);
    assert_true(digest_run(network, with(WORLD, &cls_backend_cpu_serial, 1, 1, 100), END, 0) == reference);
    cls_network *other = busy(4, least[k]);
    assert_true(digest_run(other, WORLD, END, 0) != reference);
    cls_network_destroy(other);
    cls_network_destroy(network);
  }
}

/* Where windows end does not matter: beats, interruptions, one step at a time. */
static void test_windows(void **state) {
  (void)state;
  cls_network *network = busy(3, 1.5);
  uint64_t reference = digest_run(network, ALONE, END, 0);
  static const double beat_ms[] = {.01, .1, .7, 1.3, 1000};
  for (int k = 0; k < 5; k++)
    for (int b = 0; b < BACKENDS; b++)
      assert_true(digest_run(network, with(WORLD, backends[b], 2, 1, beat_ms[k]), END, 0) == reference);
  simulation *halves = start(network, WORLD), *steps = start(network, WORLD);
  run_to(halves, 777);
  uint64_t before = digest_of(halves, 0);
  run_to(halves, END);
  for (int64_t end = 0; end <= END; end++) { /* 0: nothing to do */
    run_to(steps, end);
    if (end == 777) assert_true(digest_of(steps, 0) == before);
  }
  assert_true(before != reference);
  assert_true(digest_of(halves, 0) == reference);
  assert_true(digest_of(steps, 0) == reference);
  stop(halves);
  stop(steps);
  cls_network_destroy(network);
}

/* Members share the network, not their noise: member 0 is the plain run, and no member notices the others. */
static void test_members(void **state) {
  (void)state;
  cls_network *network = busy(3, .3);
  uint64_t plain = digest_run(network, ALONE, END, 0), of[BACKENDS][3];
  assert_true(plain != 0);
  for (int b = 0; b < BACKENDS; b++) {
    simulation *s = start(network, with(WORLD, backends[b], 2, 3, 100));
    run_to(s, END);
    for (int m = 0; m < 3; m++) of[b][m] = digest_of(s, m);
    assert_true(of[b][0] == plain);
    assert_true(of[b][1] != plain && of[b][2] != plain && of[b][1] != of[b][2]);
    uint64_t digest;
    assert_int_equal(cls_engine_digest(s->engine, 3, &digest), CLS_ERR_INTERNAL);
    stop(s);
  }
  assert_memory_equal(of[0], of[1], sizeof of[0]);
  assert_true(digest_run(network, with(WORLD, &cls_backend_cpu_omp, 1, 2, 100), END, 1) == of[0][1]);
  cls_network_destroy(network);
}

/* The member enters initial values, the stationary start of an input, and noise, each by itself. */
static void test_members_differ(void **state) {
  (void)state;
  for (int b = 0; b < BACKENDS; b++) {
    cls_network *network;
    OK(cls_network_create("test", H, 1, &network));
    cls_population *initial = add(network, "initial", "lif_psc_exp", 30);
    initial->initial[V] = distribution(CLS_UNIFORM, -65, -55);
    initial->has_initial[V] = true;
    cls_input *slow = add_input(add(network, "start", "lif_dtb", 30), "ou", -1);
    set_input(slow, "tau_ms", 1e6), set_input(slow, "sd", 1); /* hardly moves from where it starts */
    cls_input *noise = add_input(add(network, "noise", "lif_psc_exp", 30), "poisson", 1);
    set_input(noise, "rate_hz", 50000), set_input(noise, "weight", 1);
    OK(cls_network_finish(network));
    simulation *s = start(network, with(WORLD, backends[b], 1, 3, 100));
    run_to(s, 1);
    static const int states[] = {V, 6, I_INH};
    static const double tolerance[] = {0, 2, 5.5};
    static const double grain[] = {1e-6, 3e-3, 1e-6}; /* noise of the slow current in one step: 4e-4 */
    static const double expected[] = {0, 0, 3.8};     /* equal counts at a mean of 5: 30 x .128 */
    for (uint32_t p = 0; p < 3; p++)
      for (int m = 1; m < 3; m++) {
        int same = 0;
        for (uint64_t i = 0; i < 30; i++)
          same += fabs(state_of(s, m, p, i, states[p]) - state_of(s, m - 1, p, i, states[p])) < grain[p];
        NEAR(same, expected[p], tolerance[p]);
      }
    stop(s);
    cls_network_destroy(network);
  }
}

/* ---- observers ---- */

typedef struct {
  simulation *s;
  int64_t next[2]; /* step to be seen next, per member */
  uint64_t digest[2], spikes, looks, flushes;
  int64_t interval, flushed;
} watcher;

static cls_status watch_spikes(void *self, int member, const cls_spikes *spikes) {
  watcher *w = self;
  assert_int_equal(spikes->begin, w->next[member]);
  assert_true(spikes->end > spikes->begin);
  assert_int_equal(spikes->first[0], 0);
  for (int64_t step = spikes->begin; step < spikes->end; step++) {
    const uint32_t *first = &spikes->first[step - spikes->begin];
    assert_true(first[0] <= first[1]);
    for (uint32_t k = first[0]; k < first[1]; k++) {
      uint64_t global = cls_layout_neuron(cls_engine_layout(w->s->engine), w->s->network, spikes->neuron[k]);
      w->digest[member] += cls_mix64(cls_mix64(global) + (uint64_t)step);
      w->spikes++;
    }
  }
  w->next[member] = spikes->end;
  return CLS_OK;
}

static int64_t next_look(void *self, int64_t now) {
  const watcher *w = self;
  return (now / w->interval + 1) * w->interval;
}

/* Single states are those of whole ranges: from the last neuron back, currents and potentials in turn. */
static void check_probes(const watcher *w, int member, cls_view *view) {
  const cls_layout *layout = cls_engine_layout(w->s->engine);
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    const uint32_t n = layout->ranges[r].n;
    cls_probe *probes = NULL;
    float *value = NULL, *state[2] = {NULL};
    OK(cls_alloc(&probes, n, sizeof *probes, "probes"));
    OK(cls_alloc(&value, n, sizeof *value, "states"));
    for (int k = 0; k < 2; k++) {
      OK(cls_alloc(&state[k], n, sizeof *state[k], "states"));
      OK(w->s->backend.get_state(w->s->instance, member, r, k, state[k]));
    }
    for (uint32_t i = 0; i < n; i++) probes[i] = (cls_probe){r, n - 1 - i, (int)(i % 2)};
    OK(cls_view_probe(view, probes, n, value));
    for (uint32_t i = 0; i < n; i++) assert_true(value[i] == state[i % 2][n - 1 - i]);
    free(probes);
    free(value);
    free(state[0]);
    free(state[1]);
  }
}

/* The sums are those of the states, rounded per neuron. */
static cls_status watch(void *self, int member, int64_t step, cls_view *view) {
  watcher *w = self;
  const cls_layout *layout = cls_engine_layout(w->s->engine);
  const int64_t *sums;
  assert_int_equal((step + 1) % w->interval, 0);
  if (w->interval == 7) assert_int_equal(step + 1, w->next[member]);
  assert_int_equal(view->summed, w->interval == 10 && (step + 1) % 7 == 0); /* by the first observer */
  OK(cls_view_currents(view, &sums));
  check_probes(w, member, view);
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    const cls_range *range = &layout->ranges[r];
    if (range->population == 2) continue;
    float *I = NULL;
    OK(cls_alloc(&I, range->n, sizeof *I, "states"));
    for (int receptor = 0; receptor < 2; receptor++) {
      int64_t sum = 0;
      OK(w->s->backend.get_state(w->s->instance, member, r, I_EXC + receptor, I));
      for (uint32_t k = 0; k < range->n; k++) sum += (int64_t)rint((double)I[k] * 1048576);
      assert_int_equal(sums[r * CLS_MAX_RECEPTORS + (uint32_t)receptor], sum);
    }
    free(I);
  }
  w->looks++;
  return CLS_OK;
}

static cls_status watch_flush(void *self, int64_t step) {
  watcher *w = self;
  for (int m = 0; m < 2; m++) assert_int_equal(w->next[m], step);
  assert_true(step > w->flushed);
  w->flushed = step;
  w->flushes++;
  return CLS_OK;
}

static void test_observers(void **state) {
  (void)state;
  cls_network *network = busy(3, 1.5);
  uint64_t reference = digest_run(network, ALONE, 1000, 0);
  for (int b = 0; b < BACKENDS; b++) {
    simulation *s = start(network, with(WORLD, backends[b], 2, 2, 100));
    watcher w = {.s = s, .interval = 7}, second = {.s = s, .interval = 10};
    cls_observer observer = {.self = &w,
                             .spikes = watch_spikes,
                             .next_look = next_look,
                             .look = watch,
                             .flush_interval = 33,
                             .flush = watch_flush};
    cls_observer looking = {.self = &second, .next_look = next_look, .look = watch, .flush_interval = 100};
    cls_observer silent = {.flush_interval = 90};
    OK(cls_engine_observe(s->engine, &observer));
    OK(cls_engine_observe(s->engine, &looking));
    OK(cls_engine_observe(s->engine, &silent));
    run_to(s, 1000);
    for (int m = 0; m < 2; m++) {
      assert_int_equal(w.next[m], 1000);
      assert_true(over_ranks(s, w.digest[m]) == digest_of(s, m)); /* a sum over ranks and spikes */
    }
    assert_true(digest_of(s, 0) == reference);
    assert_int_equal(w.looks, 2 * (1000 / 7));
    assert_int_equal(second.looks, 2 * (1000 / 10));
    assert_int_equal(w.flushes, 1000 / 33 + 1);
    cls_engine_report report;
    cls_engine_measure(s->engine, &report);
    assert_int_equal(report.spikes, w.spikes);
    assert_true(over_ranks(s, w.spikes) > 500);
    stop(s);
  }
  cls_network_destroy(network);
}

/* A parameter as anyone may ask for it is the one the neuron was made with: its potential is kept relative. */
static void test_parameters(void **state) {
  (void)state;
  const uint64_t n[] = {200};
  cls_network *network = make_network("lif_psc_exp", 5, 1, n);
  cls_population *p = &network->populations[0];
  const int rest = cls_model_param(p->model, "E_L_mV");
  p->param[rest] = distribution(CLS_UNIFORM, -70, -60);
  p->initial[V] = cls_constant(-55);
  p->has_initial[V] = true;
  OK(cls_network_finish(network));
  simulation *s = start(network, with(WORLD, &cls_backend_cpu_omp, 2, 1, 100));
  double least = 0, most = -100;
  for (uint32_t i = 0; i < 200; i++) {
    const double value = cls_population_param(network, 0, i, rest);
    assert_true(state_of(s, 0, 0, i, V) == (double)(float)(-55 - value));
    least = fmin(least, value);
    most = fmax(most, value);
  }
  assert_true(least > -70 && least < -69 && most > -61 && most < -60);
  stop(s);
  cls_network_destroy(network);
}

/* ---- stopping, refusing ---- */

static void count_beat(void *context, int64_t step) {
  assert_int_equal(step % 20, 0);
  ++*(int *)context;
}

/* A stop asked for on any rank acts on all at the next beat but one. */
static void test_stop(void **state) {
  (void)state;
  cls_network *network = busy(3, .3);
  volatile sig_atomic_t asked = 0;
  options o = with(WORLD, &cls_backend_cpu_omp, 1, 1, 2);
  o.stop = &asked;
  simulation *s = start(network, o);
  int beats = 0;
  int64_t reached;
  OK(cls_engine_run(s->engine, 100, count_beat, &beats, &reached));
  assert_int_equal(reached, 100);
  assert_int_equal(beats, 5);
  asked = s->world.rank == s->world.ranks - 1;
  OK(cls_engine_run(s->engine, 10000, count_beat, &beats, &reached));
  assert_int_equal(reached, 140);
  assert_int_equal(beats, 7);
  uint64_t digest = digest_of(s, 0);
  assert_true(digest == digest_run(network, ALONE, 140, 0));
  stop(s);
  cls_network_destroy(network);
}

static void test_members_refused(void **state) {
  (void)state;
  cls_network *network = one_synapse(1, 0, 1);
  cls_placement *placement;
  cls_world world;
  cls_engine *engine;
  OK(cls_world_init(&world, MPI_COMM_SELF, 1, 0));
  OK(cls_placement_create(network, 1, 1, &placement));
  cls_engine_options none = {.members = 0, .beat_ms = 100};
  assert_int_equal(
      cls_engine_create(&world, network, placement, &none, &cls_backend_cpu_omp, &cls_exchange_mpi, &engine),
      CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "members 0: expected 1 to 2^20 - 1");
  cls_engine_destroy(engine);
  cls_engine_destroy(NULL);
  cls_placement_destroy(placement);
  cls_network_destroy(network);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_synapse),
      cmocka_unit_test(test_delays_side_by_side),
      cmocka_unit_test(test_two_weights),
      cmocka_unit_test(test_inputs),
      cmocka_unit_test(test_same_bits_everywhere),
      cmocka_unit_test(test_windows),
      cmocka_unit_test(test_members),
      cmocka_unit_test(test_members_differ),
      cmocka_unit_test(test_observers),
      cmocka_unit_test(test_parameters),
      cmocka_unit_test(test_stop),
      cmocka_unit_test(test_members_refused),
  };
  start_mpi(&argc, &argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (failed) MPI_Abort(MPI_COMM_WORLD, 1); /* other ranks may wait for this one */
  stop_mpi();
  return 0;
}

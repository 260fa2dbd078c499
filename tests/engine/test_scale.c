/* Members with scales of their own: what a scale does is what the description would have done, whoever else is in the engine, and
 * members can be kept and taken up again one by one. Also run by test_engine_mpi.py under mpirun. */
#include "base/effort.h"
#include "engine/memory_keeper.h"
#include "network/intervention.h"

#define WORLD MPI_COMM_WORLD
#define SELF  MPI_COMM_SELF
enum { LAST = 280 };

/* ---- a network with every kind of thing that can be scaled ---- */

enum { DTB, EXP, VARIED, POPULATIONS };
/* Inputs of the populations, in their order. */
enum { DTB_OU, DTB_POISSON };
enum { EXP_POISSON, EXP_WAVE, EXP_OU };
enum { VARIED_OU, VARIED_TRAIN, VARIED_PARTIAL };

static cls_status scan(void *self, cls_trains_sink sink, void *context) {
  (void)self;
  for (uint64_t neuron = 0; neuron < 150; neuron += 3)
    for (uint64_t step = neuron; step < LAST; step += 40) CLS_TRY(sink(context, &step, &neuron, 1));
  return CLS_OK;
}
static void forget_trains(void *self) { (void)self; }

static const cls_trains *trains_of(cls_network *network) {
  cls_trains *trains = NULL;
  OK(cls_alloc(&trains, 1, sizeof *trains, "trains"));
  *trains = (cls_trains){.scan = scan, .destroy = forget_trains};
  OK(cls_network_own_trains(network, trains));
  return trains;
}

static const cls_waveform *wave_of(cls_network *network) {
  cls_waveform *waveform = NULL;
  OK(cls_waveform_create(&waveform));
  OK(cls_waveform_add(waveform, &(cls_wave){.kind = CLS_WAVE_STEP, .stop_ms = INFINITY, .value = .8}));
  OK(cls_waveform_add(waveform,
                      &(cls_wave){.kind = CLS_WAVE_STEP, .start_ms = 15, .stop_ms = 25, .value = 6}));
  OK(cls_network_own_waveform(network, waveform));
  return waveform;
}

static void add_inputs(cls_network *network) {
  cls_population *p = &network->populations[DTB];
  cls_input *in = add_input(p, "ou", -1);
  set_input(in, "mean", .45);
  set_input(in, "sd", .15);
  in = add_input(p, "poisson", 0);
  set_input(in, "rate_hz",
            9000); /* as another population's, with which it shares its table until one of them is scaled */
  set_input(in, "weight", .03);
  p = &network->populations[EXP];
  in = add_input(p, "poisson", 0);
  set_input(in, "rate_hz", 9000);
  set_input(in, "weight", 110);
  in = add_input(p, "poisson", 0);
  set_input(in, "rate_hz", 400);
  set_input(in, "weight", 90);
  in->waveform = wave_of(network);
  set_input(add_input(p, "ou", -1), "sd", 40);
  p = &network->populations[VARIED];
  in = add_input(p, "ou", -1);
  in->param[cls_model_param(in->model, "mean")] = distribution(CLS_UNIFORM, 330, 390);
  set_input(in, "sd", 60);
  in = add_input(p, "spike_train", 0);
  set_input(in, "weight", 400);
  in->trains = trains_of(network);
  in = add_input(p, "dc", -1);
  set_input(in, "amplitude", 40);
  in->first = 30, in->count = 70;
}

static cls_network *mixed(void) {
  static const struct {
    const char *name, *model;
    uint64_t n;
  } populations[] = {{"dtb", "lif_dtb", 200}, {"exp", "lif_psc_exp", 330}, {"varied", "lif_psc_exp", 150}};
  cls_network *network;
  cls_population *p;
  OK(cls_network_create("mixed", 0.1, 4, &network));
  for (int k = 0; k < POPULATIONS; k++)
    OK(cls_network_add_population(network, populations[k].name, cls_model_find(populations[k].model),
                                  populations[k].n, &p));
  p->param[cls_model_param(p->model, "tau_m_ms")] = distribution(CLS_UNIFORM, 8, 12);
  p->param[cls_model_param(p->model, "V_th_mV")] = distribution(CLS_UNIFORM, -56, -52);
  add_inputs(network);
  for (uint32_t k = 0; k < POPULATIONS; k++)
    for (int port = 0; port < 2; port++) {
      char name[32];
      snprintf(name, sizeof name, "onto%u_%d", k, port);
      cls_projection *c = connect(network, name, (k + (uint32_t)port) % POPULATIONS, k, CLS_FIXED_INDEGREE);
      c->indegree = 20;
      c->port = port;
      for (int r = 0; r < 2; r++) c->weight[r] = k == DTB ? cls_constant(1) : cls_constant(port ? -40 : 30);
      if (k != DTB) c->weight[1] = cls_constant(0);
      c->delay_ms = distribution(CLS_UNIFORM, port ? .1 : 1, port ? 2 : 7);
    }
  return network;
}

static cls_network *finished(void) {
  cls_network *network = mixed();
  OK(cls_network_finish(network));
  return network;
}

/* ---- scales ---- */

static cls_scale of_param(uint32_t population, const char *name, double value) {
  const cls_model *model = cls_model_find(population == DTB ? "lif_dtb" : "lif_psc_exp");
  const int which = cls_model_param(model, name);
  assert_true(which >= 0);
  return (cls_scale){CLS_OF_PARAM, population, 0, which, false, value};
}

static cls_scale of_input(uint32_t population, int input, const char *model, const char *name, double value) {
  const int which = cls_model_param(cls_model_find(model), name);
  assert_true(which >= 0);
  return (cls_scale){CLS_OF_INPUT_PARAM, population, input, which, false, value};
}

static cls_scale of_receptor(uint32_t population, int which, double value) {
  return (cls_scale){CLS_OF_RECEPTOR, population, 0, which, false, value};
}

static cls_scale set_to(cls_scale scale, double value) {
  scale.set = true;
  scale.value = value;
  return scale;
}

static void scale(simulation *s, int member, const cls_scale *scales, size_t n) {
  OK(cls_engine_scale(s->engine, member, scales, n));
}

/* Every backend, here alone and on all ranks with two threads each. */
enum { VARIANTS = 2 * BACKENDS };
static options variant(int i) {
  return (options){.comm = i % 2 ? WORLD : SELF, .backend = backends[i / 2], .threads = 1 + i % 2};
}

/* Digest of member 1 of two, which is scaled from `step` on; nobody else notices. */
static uint64_t digest_scaled(const cls_network *network, options o, int64_t step, const cls_scale *scales,
                              size_t n, uint64_t other) {
  o.members = 2;
  o.scaled = true;
  simulation *s = start(network, o);
  run_to(s, step);
  scale(s, 1, scales, n);
  run_to(s, LAST);
  const uint64_t digest = digest_of(s, 1);
  assert_true(digest_of(s, 0) == other);
  stop(s);
  return digest;
}

/* ---- the same as a description ---- */

/* (Things are scaled alone and on all ranks in turn, to save time.) */

/* Digest of member 1 of the network, which goes on from `step` on as `changed` says. */
static uint64_t digest_changed(const cls_network *network, const cls_network *changed, int64_t step) {
  memory kept = {.comm = SELF};
  const cls_keeper save = {&kept, false, keep_array, NULL}, load = {&kept, true, load_array, rows_of};
  simulation *s =
      start(network, (options){.comm = SELF, .backend = backends[0], .members = 2, .keeps = true});
  run_to(s, step);
  OK(cls_engine_keep_member(s->engine, 1, &save));
  stop(s);
  s = start(changed, (options){.comm = SELF, .backend = backends[0], .begin = step, .identity = (int[]){1}});
  OK(cls_engine_keep_member(s->engine, 0, &load));
  run_to(s, LAST);
  const uint64_t digest = digest_of(s, 0);
  stop(s);
  forget(&kept);
  return digest;
}

static void multiply(cls_distribution *d, const cls_scale *s) {
  if (s->set)
    *d = cls_constant(s->value);
  else if (d->kind == CLS_CONSTANT)
    d->a *= s->value;
  else
    d->scale *= s->value;
}

static void test_like_description(void **state) {
  (void)state;
  const cls_scale scales[] = {
      of_param(DTB, "g_AMPA_mS_cm2", 1.7),
      of_param(DTB, "tau_GABA_A_ms", .6),
      of_param(EXP, "tau_m_ms", 1.13),
      set_to(of_param(EXP, "t_ref_ms", 1), 5),
      of_param(VARIED, "tau_m_ms", 1.5), /* of every neuron */
      set_to(of_param(VARIED, "tau_m_ms", 1), 11),
      of_input(DTB, DTB_OU, "ou", "mean", 1.1),
      of_input(DTB, DTB_POISSON, "poisson", "rate_hz", 2.5),
      of_input(EXP, EXP_POISSON, "poisson", "rate_hz", 1.2),
      set_to(of_input(EXP, EXP_POISSON, "poisson", "weight", 1), 115),
      of_input(EXP, EXP_WAVE, "poisson", "rate_hz", 3.1), /* its strength changes in time, too */
      of_input(EXP, EXP_OU, "ou", "tau_ms", 2),
      of_input(VARIED, VARIED_OU, "ou", "mean",
               .5), /* a power of two: the order of factors does not matter */
      of_input(VARIED, VARIED_TRAIN, "spike_train", "weight", 2.2),
      of_input(VARIED, VARIED_PARTIAL, "dc", "amplitude", 3),
  };
  cls_network *network = finished();
  const uint64_t other = digest_run(network, (options){.comm = SELF, .backend = backends[0]}, LAST, 0);
  const uint64_t unscaled =
      digest_run(network, (options){.comm = SELF, .backend = backends[0], .members = 2}, LAST, 1);
  for (size_t i = 0; i < sizeof scales / sizeof *scales; i += EVERY) {
    const cls_scale *s = &scales[i];
    if (alone_again(variant((int)(i % 2)))) continue;
    cls_network *changed = mixed();
    cls_population *p = &changed->populations[s->population];
    multiply(s->kind == CLS_OF_PARAM ? &p->param[s->which] : &p->inputs[s->input].param[s->which], s);
    OK(cls_network_finish(changed));
    const uint64_t expected = digest_changed(network, changed, 100);
    if (expected == unscaled) fail_msg("scale %zu of the list changes nothing", i);
    for (int v = (int)(i % 2); v < VARIANTS; v += 2)
      if (digest_scaled(network, variant(v), 100, s, 1, other) != expected)
        fail_msg("scale %zu of the list on %s", i, backends[v / 2]->name);
    cls_network_destroy(changed);
  }
  cls_network_destroy(network);
}

/* ---- the same as interventions, and together with them ---- */

static void intervene(cls_network *network, cls_intervention_kind kind, int64_t step, uint32_t on,
                      const char *param, double value) {
  OK(cls_network_add_intervention(network, &(cls_intervention){.kind = kind,
                                                               .step = step,
                                                               .on = &on,
                                                               .n_on = 1,
                                                               .param = (char *)(uintptr_t)param,
                                                               .value = value}));
}

/* A lasting change of one thing, by scales or by interventions. */
typedef struct {
  cls_scale scale;
  cls_intervention_kind kind;
  const char *param;
} change;

static void test_like_interventions(void **state) {
  (void)state;
  const change changes[] = {
      {of_param(DTB, "g_GABA_A_mS_cm2", 1), CLS_SCALE_PARAM, "g_GABA_A_mS_cm2"},
      {of_param(VARIED, "tau_m_ms", 1), CLS_SCALE_PARAM, "tau_m_ms"},
      {of_receptor(DTB, 0, 1), CLS_SCALE_RECEPTOR, "AMPA"},
      {of_receptor(DTB, 2, 1), CLS_SCALE_RECEPTOR, "GABA_A"},
      {of_receptor(EXP, 0, 1), CLS_SCALE_RECEPTOR, "exc"},
      {of_receptor(VARIED, 0, 1), CLS_SCALE_RECEPTOR, "exc"},
  };
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i += EVERY) {
    const change *c = &changes[i];
    if (alone_again(variant((int)(i % 2)))) continue;
    cls_network *some = mixed(), *all = mixed();
    /* Factors from steps 60, 120 and 180 on; those of powers of two may be multiplied in any order. */
    intervene(some, c->kind, 120, c->scale.population, c->param, .5);
    intervene(some, CLS_REMOVE, 200, VARIED, NULL, 1);
    OK(cls_network_finish(some));
    intervene(all, c->kind, 60, c->scale.population, c->param, 3.7);
    intervene(all, c->kind, 120, c->scale.population, c->param, .5);
    intervene(all, c->kind, 180, c->scale.population, c->param, 4);
    intervene(all, CLS_REMOVE, 200, VARIED, NULL, 1);
    OK(cls_network_finish(all));
    const options reference = {.comm = SELF, .backend = backends[0], .members = 2};
    const uint64_t expected = digest_run(all, reference, LAST, 1);
    const uint64_t other = digest_run(some, reference, LAST, 0);
    assert_true(expected != digest_run(some, reference, LAST, 1));
    for (int v = (int)(i % 2); v < VARIANTS; v += 2) {
      options o = variant(v);
      o.members = 2;
      o.scaled = true;
      simulation *s = start(some, o);
      cls_scale scales[] = {c->scale, c->scale};
      scales[0].value = 3.7, scales[1].value = 4;
      run_to(s, 60);
      scale(s, 1, scales, 1);
      run_to(s, 180);
      scale(s, 1, scales, 2);
      run_to(s, LAST);
      if (digest_of(s, 1) != expected || digest_of(s, 0) != other)
        fail_msg("change %zu of the list on %s", i, o.backend->name);
      stop(s);
    }
    cls_network_destroy(some);
    cls_network_destroy(all);
  }
}

/* ---- members do not depend on each other ---- */

enum { MEMBERS = 6, TURNS = 4 };

/* Scales of a member from turn to turn: the things that are scaled change, too. */
static size_t scales_of(int member, int turn, cls_scale scale[6]) {
  const double x = 1 + .08 * ((member * 5 + turn * 3) % 7 - 3);
  size_t n = 0;
  if (member == 0 && turn == 2) return 0;
  scale[n++] = of_input(VARIED, VARIED_OU, "ou", "mean", x);
  scale[n++] = of_param(DTB, "g_AMPA_mS_cm2", x * x);
  if (turn % 2) scale[n++] = of_receptor(EXP, 1, x);
  if (turn != 1) scale[n++] = of_input(EXP, EXP_POISSON, "poisson", "rate_hz", x);
  if (member % 2) scale[n++] = of_input(EXP, EXP_WAVE, "poisson", "rate_hz", 2 * x);
  if (member == 3) scale[n++] = set_to(of_param(EXP, "tau_m_ms", 1), 10 * x);
  return n;
}

/* Members first ... first + n - 1 in one engine; turns begin at steps 0, LAST / TURNS ... */
static void run_batch(const cls_network *network, options o, int first, int n, uint64_t *digest) {
  int identity[MEMBERS];
  for (int m = 0; m < n; m++) identity[m] = first + m;
  o.members = n;
  o.identity = identity;
  o.scaled = true;
  simulation *s = start(network, o);
  for (int turn = 0; turn < TURNS; turn++) {
    for (int m = 0; m < n; m++) {
      cls_scale scales[6];
      scale(s, m, scales, scales_of(first + m, turn, scales));
    }
    run_to(s, (turn + 1) * LAST / TURNS);
  }
  for (int m = 0; m < n; m++) digest[first + m] = digest_of(s, m);
  stop(s);
}

static void test_batches(void **state) {
  (void)state;
  cls_network *network = finished();
  uint64_t expected[MEMBERS], digest[MEMBERS];
  run_batch(network, (options){.comm = SELF, .backend = backends[0]}, 0, MEMBERS, expected);
  for (int m = 0; m < MEMBERS; m++)
    for (int k = 0; k < m; k++) assert_true(expected[m] != expected[k]);
  for (int v = 0; v < VARIANTS; v++)
    for (int n = 1; n <= MEMBERS; n = n == 1 ? 3 : 2 * n) {
      if (alone_again(variant(v))) continue;
      for (int first = 0; first < MEMBERS; first += n) run_batch(network, variant(v), first, n, digest);
      if (memcmp(digest, expected, sizeof digest) != 0)
        fail_msg("%d at a time on %s", n, backends[v / 2]->name);
    }
  cls_network_destroy(network);
}

/* Scales of 1 are none, and so are those that were replaced before they acted. */
static void test_neutral(void **state) {
  (void)state;
  cls_network *network = finished();
  const uint64_t expected =
      digest_run(network, (options){.comm = SELF, .backend = backends[0], .members = 2}, LAST, 1);
  cls_scale scales[] = {of_param(DTB, "tau_AMPA_ms", 1),
                        of_param(VARIED, "tau_m_ms", 1),
                        of_receptor(EXP, 0, 1),
                        of_input(EXP, EXP_POISSON, "poisson", "rate_hz", 1),
                        of_input(EXP, EXP_WAVE, "poisson", "rate_hz", 1),
                        of_input(VARIED, VARIED_PARTIAL, "dc", "amplitude", 1),
                        of_input(VARIED, VARIED_OU, "ou", "mean", 1)};
  enum { N = sizeof scales / sizeof *scales };
  for (int v = 0; v < VARIANTS; v++) {
    options o = variant(v);
    if (alone_again(o)) continue;
    o.members = 2;
    o.scaled = true;
    simulation *s = start(network, o);
    scale(s, 1, scales, N);
    run_to(s, 80);
    cls_scale others[N];
    memcpy(others, scales, sizeof scales);
    for (int i = 0; i < N; i++) others[i].value = 1.5;
    scale(s, 1, others, N);
    scale(s, 1, NULL, 0);
    run_to(s, 160);
    scale(s, 1, scales, N);
    run_to(s, LAST);
    if (digest_of(s, 1) != expected) fail_msg("%s", o.backend->name);
    stop(s);
  }
  cls_network_destroy(network);
}

/* ---- keeping members ---- */

static void test_keep_members(void **state) {
  (void)state;
  enum { KEPT = 4, STEP = LAST / 2 };
  cls_network *network = finished();
  uint64_t expected[MEMBERS];
  run_batch(network, (options){.comm = SELF, .backend = backends[0]}, 0, KEPT, expected);
  for (int v = 0; v < VARIANTS; v++) {
    memory kept[KEPT];
    uint64_t counted = 0;
    options o = variant(v);
    if (alone_again(o)) continue;
    o.members = KEPT;
    o.scaled = o.keeps = true;
    simulation *s = start(network, o);
    cls_scale scales[6];
    for (int turn = 0; turn < 2; turn++) {
      for (int m = 0; m < KEPT; m++) scale(s, m, scales, scales_of(m, turn, scales));
      run_to(s, (turn + 1) * STEP / 2);
    }
    for (int m = KEPT - 1; m >= 0; m--) {
      kept[m] = (memory){.comm = o.comm};
      const cls_keeper save = {&kept[m], false, keep_array, NULL};
      OK(cls_engine_keep_member(s->engine, m, &save));
      counted += ((const uint64_t *)(const void *)find_array(&kept[m], "engine/numbers")->values)[4];
    }
    cls_engine_report report;
    cls_engine_measure(s->engine, &report);
    assert_int_equal(counted, over_ranks(s, report.spikes));
    stop(s);
    /* In pairs {3, 0} and {2, 1}, on another backend and elsewhere. */
    for (int pair = 0; pair < 2; pair++) {
      const int of[2] = {3 - pair, pair};
      options b = variant((v + 3) % VARIANTS);
      b.members = 2;
      b.begin = STEP;
      b.identity = of;
      b.scaled = true;
      s = start(network, b);
      for (int m = 1; m >= 0; m--) {
        const cls_keeper load = {&kept[of[m]], true, load_array, rows_of};
        OK(cls_engine_keep_member(s->engine, m, &load));
      }
      for (int turn = 2; turn < TURNS; turn++) {
        for (int m = 0; m < 2; m++) scale(s, m, scales, scales_of(of[m], turn, scales));
        run_to(s, (turn + 1) * LAST / TURNS);
      }
      for (int m = 0; m < 2; m++)
        if (digest_of(s, m) != expected[of[m]]) fail_msg("member %d by %s", of[m], b.backend->name);
      stop(s);
    }
    for (int m = 0; m < KEPT; m++) forget(&kept[m]);
  }
  cls_network_destroy(network);
}

/* What is kept of a member is what is kept of a run with this one alone; short runs after the last are seen. */
static void test_kept_alone(void **state) {
  (void)state;
  cls_network *network = finished();
  for (int v = 0; v < VARIANTS; v++) {
    memory kept[2] = {{.comm = WORLD}, {.comm = WORLD}};
    for (int alone = 0; alone < 2; alone++) {
      options o = variant(v);
      kept[alone].comm = o.comm;
      o.members = alone ? 1 : 3;
      o.identity = alone ? (int[]){2} : NULL;
      o.keeps = true;
      simulation *s = start(network, o);
      run_to(s, 180);
      run_to(s, alone ? 181 : 190);
      run_to(s, 190);
      const cls_keeper save = {&kept[alone], false, keep_array, NULL};
      OK(cls_engine_keep_member(s->engine, alone ? 0 : 2, &save));
      stop(s);
    }
    assert_int_equal(kept[0].n, kept[1].n);
    for (size_t i = 0; i < kept[0].n; i++) {
      const kept_array *x = &kept[0].array[i], *y = find_array(&kept[1], x->name);
      assert_true(y && x->rows == y->rows);
      size_t bytes = x->rows * x->width * cls_keep_bytes(x->type);
      if (strcmp(x->name, "engine/numbers") == 0) bytes -= sizeof(uint64_t); /* events */
      if (memcmp(x->values, y->values, bytes) != 0) fail_msg("%s on %s", x->name, backends[v / 2]->name);
    }
    forget(&kept[0]);
    forget(&kept[1]);
  }
  cls_network_destroy(network);
}

/* ---- what does not fit ---- */

static void refuse(simulation *s, const cls_scale *scales, size_t n, const char *population, const char *what,
                   const char *value) {
  assert_int_equal(cls_engine_scale(s->engine, 1, scales, n), CLS_ERR_INPUT);
  const char *message = cls_error_message();
  if (!strstr(message, "member 1") || !strstr(message, population) || !strstr(message, what) ||
      !strstr(message, value))
    fail_msg("message without %s, %s or %s: %s", population, what, value, message);
}

static void test_refused(void **state) {
  (void)state;
  cls_network *network = finished();
  for (int b = 0; b < BACKENDS; b++) {
    const options o = {.comm = WORLD, .backend = backends[b], .members = 2, .scaled = true};
    uint64_t digest[2];
    for (int refused = 0; refused < 2; refused++) {
      simulation *s = start(network, o);
      run_to(s, 100);
      const cls_scale good[] = {of_param(DTB, "g_AMPA_mS_cm2", 1.4), of_param(VARIED, "tau_m_ms", 1.2),
                                of_input(EXP, EXP_POISSON, "poisson", "rate_hz", 1.1)};
      scale(s, 1, good, 3);
      if (refused) {
        const cls_scale out[] = {of_param(DTB, "g_AMPA_mS_cm2", 2),
                                 of_input(EXP, EXP_POISSON, "poisson", "rate_hz", 1e5)};
        refuse(s, out, 2, "exp", "rate_hz", "9e+08");
        cls_scale apart[] = {of_input(EXP, EXP_POISSON, "poisson", "rate_hz", 2),
                             set_to(of_param(DTB, "C_uF_cm2", 1), 1e-3)}; /* dt is too long for that */
        refuse(s, apart, 2, "dtb", "C_uF_cm2", "0.001");
        cls_scale some[] = {
            of_param(DTB, "g_AMPA_mS_cm2", 3), of_param(VARIED, "tau_m_ms", 2),
            set_to(of_param(VARIED, "V_reset_mV", 1), -54.5)}; /* above the threshold of some neurons */
        refuse(s, some, 3, "varied", "V_reset_mV", "-54.5");
        refuse(s, (cls_scale[]){of_param(EXP, "tau_m_ms", -1)}, 1, "exp", "scale", "-1");
        refuse(s, (cls_scale[]){of_param(EXP, "tau_m_ms", NAN)}, 1, "exp", "scale", "nan");
        refuse(s, (cls_scale[]){of_param(DTB, "E_L_mV", 1.1)}, 1, "dtb", "E_L_mV", "relative");
        refuse(s, (cls_scale[]){of_receptor(EXP, 2, 1.1)}, 1, "exp", "receptor", "2");
        refuse(s, (cls_scale[]){set_to(of_receptor(EXP, 1, 1), 3)}, 1, "exp", "receptor", "3");
        refuse(s, (cls_scale[]){of_input(DTB, 2, "poisson", "weight", 1)}, 1, "dtb", "input", "2");
      }
      run_to(s, LAST);
      digest[refused] = digest_of(s, 1);
      stop(s);
    }
    assert_true(digest[0] == digest[1]);
  }
  /* And where nobody was to be scaled. */
  simulation *s = start(network, (options){.comm = WORLD, .backend = backends[0]});
  assert_int_equal(cls_engine_scale(s->engine, 0, NULL, 0), CLS_ERR_INTERNAL);
  stop(s);
  cls_network_destroy(network);
}

/* ---- memory ---- */

/* Members own what was scaled, and what varies between neurons is not scaled here. On several ranks ranges are of 64 neurons, all
 * there is of a range weighs most then. */
static void test_memory(void **state) {
  (void)state;
  enum { MANY = 40 };
  cls_network *network = make_network("lif_dtb", 5, 2, (uint64_t[]){8000, 8000});
  for (int p = 0; p < 2; p++) set_input(add_input(&network->populations[p], "ou", -1), "mean", .5);
  cls_population *varied = &network->populations[1];
  varied->param[cls_model_param(varied->model, "C_uF_cm2")] = distribution(CLS_UNIFORM, .4, .6);
  OK(cls_network_finish(network));
  for (int b = 0; b < BACKENDS; b++) {
    size_t bytes[2];
    for (int scaled = 0; scaled < 2; scaled++) {
      const options o = {.comm = WORLD, .backend = backends[b], .members = MANY, .scaled = scaled};
      cls_engine_report report;
      simulation *s = start(network, o);
      for (int m = 0; scaled && m < MANY; m++) {
        const cls_scale scales[] = {of_input(0, 0, "ou", "mean", 1 + .01 * m),
                                    of_input(1, 0, "ou", "mean", 1.1),
                                    of_param(0, "g_AMPA_mS_cm2", 1 + .01 * m), of_receptor(1, 0, 1.2)};
        scale(s, m, scales, 4);
      }
      run_to(s, 2);
      cls_engine_measure(s->engine, &report);
      bytes[scaled] = report.state_bytes;
      stop(s);
    }
    if ((double)bytes[1] > 1.1 * (double)bytes[0])
      fail_msg("%s: %zu bytes with scales, %zu without", backends[b]->name, bytes[1], bytes[0]);
  }
  cls_network_destroy(network);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_like_description), cmocka_unit_test(test_like_interventions),
      cmocka_unit_test(test_batches),          cmocka_unit_test(test_neutral),
      cmocka_unit_test(test_keep_members),     cmocka_unit_test(test_kept_alone),
      cmocka_unit_test(test_refused),          cmocka_unit_test(test_memory),
  };
  start_mpi(&argc, &argv);
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  stop_mpi();
  return failed;
}

/* Instances of /cuda that begin where others are: what is taken out of one and put into another goes on with the same bits.
 * The engine is asked for stores and constants only; both instances are made and advanced here. */
#include "engine/engines.h"
#include "engine/neurons.h"
#include "engine/plastic_store.h"

/* ---- a network of every kind of plasticity ---- */

static cls_stdp rule(double w_max, double dendritic_share) {
  return (cls_stdp){.w_max = w_max,
                    .a_plus = .05,
                    .a_minus = .03,
                    .a3_plus = .02,
                    .a3_minus = .01,
                    .tau_plus_ms = 17,
                    .tau_minus_ms = 34,
                    .tau_x_ms = 100,
                    .tau_y_ms = 125,
                    .dendritic_share = dendritic_share};
}

/* Neurons that fire by themselves. Projections onto p0, p1 and p2 differ: where these are parts, each has kinds of its own. */
static cls_network *plastic_network(void) {
  cls_network *network = make_network("lif_psc_exp", 3, 3, (uint64_t[]){128, 64, 64});
  for (int p = 0; p < 3; p++) {
    cls_input *input = add_input(&network->populations[p], "poisson", 0);
    set_input(input, "rate_hz", 9000);
    set_input(input, "weight", 90);
  }
  cls_plasticity all = {.has_stdp = true, .stdp = rule(120, .4)};
  cls_projection *made = connect(network, "00", 0, 0, CLS_FIXED_INDEGREE);
  made->indegree = 30;
  made->weight[0] = distribution(CLS_NORMAL, 60, 20);
  made->delay_ms = distribution(CLS_UNIFORM, .1, 20);
  OK(cls_projection_make_plastic(made, &all));
  all.stdp.tau_plus_ms = all.stdp.tau_y_ms = 50;
  all.stdp.dendritic_share = 1;
  all.has_short_term = true;
  all.short_term = (cls_short_term){.5, 200, 30};
  made = connect(network, "01", 0, 1, CLS_PAIRWISE_BERNOULLI);
  made->probability = .1;
  made->weight[0] = cls_constant(60);
  made->delay_ms = distribution(CLS_UNIFORM, 1, 3);
  OK(cls_projection_make_plastic(made, &all));
  made = connect(network, "02", 0, 2, CLS_PAIRWISE_BERNOULLI);
  made->probability = .5;
  made->weight[0] = cls_constant(10);
  made->delay_ms = cls_constant(1.2);
  OK(cls_projection_make_plastic(made,
                                 &(cls_plasticity){.has_short_term = true, .short_term = {.2, 100, 500}}));
  made = connect(network, "20", 2, 0, CLS_FIXED_TOTAL_NUMBER);
  made->total = 1500;
  made->port = 1;
  made->weight[0] = cls_constant(-50);
  made->delay_ms = cls_constant(.8);
  cls_plasticity nearest = {.has_stdp = true, .stdp = rule(-300, 0)};
  nearest.stdp.pairing = 1;
  nearest.stdp.a3_plus = nearest.stdp.a3_minus = 0;
  OK(cls_projection_make_plastic(made, &nearest));
  made = connect(network, "fixed", 0, 0, CLS_FIXED_INDEGREE);
  made->indegree = 20;
  made->weight[0] = cls_constant(30);
  made->delay_ms = distribution(CLS_UNIFORM, .1, 9);
  OK(cls_network_finish(network));
  return network;
}

static cls_backend in_parts;
static int parts_wanted;
static int give_parts(int threads, uint64_t neurons) {
  (void)threads;
  (void)neurons;
  return parts_wanted;
}

/* Stores and constants for instances of so many parts and members. */
static simulation *prepare(const cls_network *network, int parts, int members) {
  in_parts = cls_backend_cuda;
  in_parts.parts = give_parts;
  parts_wanted = parts;
  return start(network, (options){.comm = MPI_COMM_SELF, .backend = &in_parts, .members = members});
}

static void *begin_at(const simulation *s, int64_t step) {
  void *instance = NULL;
  cls_backend_setup setup = s->setup;
  setup.begin = step;
  OK(cls_backend_cuda.create(&setup, &instance));
  return instance;
}

/* ---- spikes so far ---- */

typedef struct {
  cls_fired *fired; /* local indices */
  size_t n, capacity;
  int64_t end;
} record;

static void add_spikes(record *r, void *instance, int member) {
  cls_spikes spikes;
  OK(cls_backend_cuda.spikes(instance, member, &spikes));
  for (int64_t step = spikes.begin; step < spikes.end; step++)
    for (uint32_t i = spikes.first[step - spikes.begin]; i < spikes.first[step - spikes.begin + 1]; i++) {
      OK(cls_grow(&r->fired, &r->capacity, r->n + 1, sizeof *r->fired, "spikes"));
      r->fired[r->n++] = (cls_fired){spikes.neuron[i], step};
    }
  r->end = spikes.end;
}

static void advance(void *instance, int members, record *records, int64_t from, int64_t to) {
  for (int64_t step = from, next; step < to; step = next) {
    next = step + 173 < to ? step + 173 : to;
    OK(cls_backend_cuda.advance(instance, step, next));
    for (int m = 0; records && m < members; m++) add_spikes(&records[m], instance, m);
  }
}

/* ---- from one instance into another ---- */

static void move_states(const simulation *s, void *from, void *to, int member) {
  const cls_layout *layout = s->setup.layout;
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    float *values = NULL;
    OK(cls_alloc(&values, layout->ranges[r].n, sizeof *values, "states"));
    for (int j = 0; j < s->setup.neurons[member]->runs[r].n_states; j++) {
      OK(cls_backend_cuda.get_state(from, member, r, j, values));
      OK(cls_backend_cuda.put_state(to, member, r, j, values));
    }
    free(values);
  }
}

/* What a part remembers. */
typedef struct {
  int64_t *pre_step, *post_step;
  float *pre_value, *post_value;
  uint32_t slots, local, pre, post; /* owners, values */
  const int32_t *v;
} recalled;

static recalled recall(const simulation *s, void *instance, int member, uint32_t part, int64_t since) {
  const cls_layout *layout = s->setup.layout;
  const cls_plastic_store *store = s->setup.stores[part]->plastic;
  const cls_shard *first = &layout->shards[layout->parts[part].shard_first],
                  *last = &layout->shards[layout->parts[part].shard_last - 1];
  recalled r = {.slots = store->n_slots,
                .local = last->local + last->n - first->local,
                .pre = store->n_pre + 2 * store->n_short_term,
                .post = store->n_post};
  OK(cls_alloc(&r.pre_step, r.slots, sizeof *r.pre_step, "steps"));
  OK(cls_alloc(&r.post_step, r.local, sizeof *r.post_step, "steps"));
  OK(cls_alloc(&r.pre_value, (size_t)r.slots * r.pre, sizeof *r.pre_value, "values"));
  OK(cls_alloc(&r.post_value, (size_t)r.local * r.post, sizeof *r.post_value, "values"));
  OK(cls_backend_cuda.weights(instance, member, part, &r.v));
  OK(cls_backend_cuda.recall(instance, member, part, since, r.pre_step, r.pre_value, r.post_step,
                             r.post_value));
  return r;
}

static void free_recalled(recalled *r) {
  free(r->pre_step);
  free(r->post_step);
  free(r->pre_value);
  free(r->post_value);
}

static void same_bytes(const void *a, const void *b, size_t bytes, const char *what) {
  if (bytes > 0 && memcmp(a, b, bytes) != 0) fail_msg("%s differ", what);
}

/* Both remember the same, and weigh the same. */
static void compare(const simulation *s, void *a, void *b, int member, int64_t since) {
  size_t known = 0;
  for (uint32_t p = 0; p < s->setup.layout->n_parts; p++) {
    if (!s->setup.stores[p]->plastic) continue;
    recalled x = recall(s, a, member, p, since), y = recall(s, b, member, p, since);
    same_bytes(x.v, y.v, s->setup.stores[p]->plastic->n_stdp * sizeof *x.v, "weights");
    same_bytes(x.pre_step, y.pre_step, x.slots * sizeof *x.pre_step, "steps of sources");
    same_bytes(x.post_step, y.post_step, x.local * sizeof *x.post_step, "steps of targets");
    same_bytes(x.pre_value, y.pre_value, (size_t)x.slots * x.pre * sizeof(float), "values of sources");
    same_bytes(x.post_value, y.post_value, (size_t)x.local * x.post * sizeof(float), "values of targets");
    for (uint32_t i = 0; i < x.slots; i++) known += x.pre_step[i] != CLS_NEVER_FIRED;
    for (uint32_t i = 0; i < x.slots; i++) assert_true(x.pre_step[i] < since);
    for (uint32_t i = 0; i < x.local; i++) assert_true(x.post_step[i] < since);
    free_recalled(&x);
    free_recalled(&y);
  }
  assert_true(known > 100 || since < 100);
}

/* The spikes of steps since ... end - 1, those that have a slot as sources. */
static void list_since(const simulation *s, const record *r, int64_t since, cls_plastic_memory *memory) {
  cls_fired *heard = NULL, *own = NULL;
  OK(cls_alloc(&heard, r->n, sizeof *heard, "spikes"));
  OK(cls_alloc(&own, r->n, sizeof *own, "spikes"));
  for (size_t i = 0; i < r->n; i++) {
    const uint32_t slot = s->setup.local_slot[r->fired[i].of];
    if (r->fired[i].step < since) continue;
    own[memory->n_own++] = r->fired[i];
    if (slot != UINT32_MAX) heard[memory->n_heard++] = (cls_fired){slot, r->fired[i].step};
  }
  memory->heard = heard;
  memory->own = own;
}

static void move_plastic(const simulation *s, void *from, void *to, int member, const record *r,
                         int64_t now) {
  const int64_t since = now - s->network->plastic_window;
  cls_plastic_memory memory = {.now = now, .since = since};
  list_since(s, r, since, &memory);
  for (uint32_t p = 0; p < s->setup.layout->n_parts; p++) {
    if (!s->setup.stores[p]->plastic) continue;
    recalled part = recall(s, from, member, p, since);
    memory.v = part.v;
    memory.pre_step = part.pre_step;
    memory.pre_value = part.pre_value;
    memory.post_step = part.post_step;
    memory.post_value = part.post_value;
    OK(cls_backend_cuda.remember(to, member, p, &memory));
    free_recalled(&part);
  }
  free((void *)memory.heard);
  free((void *)memory.own);
}

static void move_static(const simulation *s, void *to, int member, const record *r, int64_t now) {
  cls_arrival *arrival = NULL;
  size_t n = 0;
  OK(cls_alloc(&arrival, r->n, sizeof *arrival, "arrivals"));
  for (size_t i = 0; i < r->n; i++) {
    const uint32_t slot = s->setup.local_slot[r->fired[i].of];
    const int64_t age = now - r->fired[i].step;
    if (slot != UINT32_MAX && age <= (int64_t)s->network->max_delay)
      arrival[n++] = (cls_arrival){slot, (uint32_t)age};
  }
  OK(cls_backend_cuda.redeliver(to, member, now, arrival, n));
  free(arrival);
}

static uint64_t told(void *instance, int member) {
  uint64_t digest, spikes;
  OK(cls_backend_cuda.tell(instance, member, &digest, &spikes));
  return digest;
}

/* Goes on at step `at` in another instance; static spikes in flight are put back before plastic ones, or after. */
static void check_move(int parts, int members, int64_t at, bool static_first) {
  enum { AFTER = 600 };
  cls_network *network = plastic_network();
  simulation *s = prepare(network, parts, members);
  record records[2] = {{0}};
  void *one = begin_at(s, 0), *other = begin_at(s, at);
  OK(cls_backend_cuda.watch(one, true, NULL));
  OK(cls_backend_cuda.watch(other, false, NULL));
  advance(one, members, records, 0, at);
  uint64_t before[2];
  for (int m = 0; m < members; m++) {
    before[m] = told(one, m);
    move_states(s, one, other, m);
    if (static_first) move_static(s, other, m, &records[m], at);
    move_plastic(s, one, other, m, &records[m], at);
    if (!static_first) move_static(s, other, m, &records[m], at);
    compare(s, one, other, m, at);
  }
  for (int64_t now = at; now < at + AFTER; now += AFTER / 2) {
    advance(one, members, NULL, now, now + AFTER / 2);
    advance(other, members, NULL, now, now + AFTER / 2);
    for (int m = 0; m < members; m++) {
      assert_true(told(one, m) == before[m] + told(other, m) && told(other, m) != 0);
      compare(s, one, other, m, now + 7);
    }
  }
  for (int m = 0; m < members; m++) free(records[m].fired);
  cls_backend_cuda.destroy(one);
  cls_backend_cuda.destroy(other);
  stop(s);
  cls_network_destroy(network);
}

static void test_memory(void **state) {
  (void)state;
  check_move(1, 1, 1, true);
  check_move(1, 1, 4000, true); /* histories have been tidied */
  check_move(3, 2, 777, false);
}

/* ---- counts, haemodynamics, and all spikes for a while ---- */

enum { GROUPS = 2, INTERVAL = 10, BINS = 7, STEPS = 500 };

typedef struct {
  uint64_t sizes[GROUPS], *marked;
  uint32_t *group;
  cls_haemodynamics haemodynamics;
  cls_tally tallies[2]; /* counts, haemodynamics */
  cls_watch watch;
} watched;

static watched watch_network(const simulation *s, bool marks) {
  const cls_layout *layout = s->setup.layout;
  watched w = {
      .haemodynamics = {.consts = cls_balloon_derive(cls_balloon_default()), .bin_s = 1e-3, .bins = BINS}};
  OK(cls_alloc(&w.group, layout->n_local / 16 + 1, sizeof *w.group, "groups"));
  OK(cls_alloc(&w.marked, layout->n_local / 64 + 1, sizeof *w.marked, "marks"));
  for (uint32_t i = 0; i <= layout->n_local / 16; i++) w.group[i] = CLS_NO_GROUP;
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    const cls_range *range = &layout->ranges[r];
    if (range->population >= GROUPS) continue;
    for (uint32_t i = range->local / 16; i < (range->local + range->n + 15) / 16; i++)
      w.group[i] = range->population;
    w.sizes[range->population] += range->n;
  }
  for (uint32_t i = 5; i < 200; i += 10) w.marked[i / 64] |= 1ull << i % 64;
  w.tallies[0] = (cls_tally){.interval = INTERVAL, .n_groups = GROUPS};
  w.tallies[1] = w.tallies[0];
  w.watch = (cls_watch){.n_tallies = 2, .n_marked = marks ? 20 : 0, .steps = STEPS};
  return w;
}

/* It has moved to where it stays. */
static void point(watched *w, bool marks) {
  w->tallies[0].group_of_16 = w->tallies[1].group_of_16 = w->group;
  w->haemodynamics.size = w->sizes;
  w->tallies[1].haemodynamics = &w->haemodynamics;
  w->watch.tallies = w->tallies;
  w->watch.marked = marks ? w->marked : NULL;
}

/* All that was told of a member: numbers one after the other, exact whatever they count. */
typedef struct {
  double *value;
  size_t n, capacity;
} story;

static void say(story *s, double value) {
  OK(cls_grow(&s->value, &s->capacity, s->n + 1, sizeof *s->value, "numbers"));
  s->value[s->n++] = value;
}

static void tell_volumes(void *instance, int member, story *volumes) {
  int64_t first, n;
  const double *signal;
  const uint64_t *during;
  OK(cls_backend_cuda.volumes(instance, member, 1, &first, &n, &signal, &during));
  for (int64_t k = 0; k < n * GROUPS; k++) {
    say(volumes, (double)(first + k / GROUPS));
    say(volumes, signal[k]);
    say(volumes, (double)during[k]);
  }
}

/* Adds counts to a row per bin. */
static void tell_counts(void *instance, int member, story *counts) {
  int64_t first, n;
  const uint32_t *count = NULL;
  OK(cls_backend_cuda.counts(instance, member, 0, &first, &n, &count));
  while ((int64_t)counts->n < (first + n) * GROUPS) say(counts, 0);
  for (int64_t k = 0; k < n * GROUPS; k++) counts->value[first * GROUPS + k] += count[k];
}

/* Spikes of marked neurons, or all: neuron and step, sorted. */
static int by_step(const void *a, const void *b) {
  const cls_fired *x = a, *y = b;
  if (x->step != y->step) return x->step < y->step ? -1 : 1;
  return (x->of > y->of) - (x->of < y->of);
}

static void same_story(const story *a, const story *b, const char *what) {
  if (a->n != b->n || a->n == 0) fail_msg("%zu and %zu numbers of %s", a->n, b->n, what);
  same_bytes(a->value, b->value, a->n * sizeof *a->value, what);
}

static void move_haemodynamics(void *from, void *to, int member) {
  cls_balloon balloon[GROUPS];
  uint64_t during[GROUPS];
  uint32_t partial[GROUPS];
  cls_haemodynamic_state state = {balloon, during, partial};
  OK(cls_backend_cuda.haemodynamics(from, member, 1, false, &state));
  if (to) OK(cls_backend_cuda.haemodynamics(to, member, 1, true, &state));
}

/* One instance goes through; another one ends at `at`, where a third takes over. Every STEPS / 2 steps is told what there is,
 * and at `at`, twice. */
static void check_haemodynamics(int64_t at) {
  enum { MEMBERS = 2, END = 800 };
  cls_network *network = plastic_network();
  simulation *s = prepare(network, 2, MEMBERS);
  watched w = watch_network(s, false);
  point(&w, false);
  story volumes[2][MEMBERS] = {{{0}}}, counts[2][MEMBERS] = {{{0}}};
  for (int cut = 0; cut < 2; cut++) {
    record records[MEMBERS] = {{0}};
    void *one = begin_at(s, 0);
    OK(cls_backend_cuda.watch(one, false, &w.watch));
    OK(cls_backend_cuda.show_all(one, true));
    for (int64_t now = 0, next; now < END; now = next) {
      next = now + STEPS / 2 < END ? now + STEPS / 2 : END;
      if (cut && now < at && at < next) next = at;
      advance(one, MEMBERS, records, now, next);
      for (int m = 0; m < MEMBERS; m++) {
        tell_volumes(one, m, &volumes[cut][m]);
        tell_counts(one, m, &counts[cut][m]);
      }
      if (!cut || next != at) continue;
      void *other = begin_at(s, at);
      OK(cls_backend_cuda.watch(other, false, &w.watch));
      OK(cls_backend_cuda.show_all(other, true));
      for (int m = 0; m < MEMBERS; m++) {
        tell_volumes(one, m, &volumes[cut][m]);
        move_states(s, one, other, m);
        move_plastic(s, one, other, m, &records[m], at);
        move_static(s, other, m, &records[m], at);
        move_haemodynamics(one, other, m);
        move_haemodynamics(other, NULL, m);
      }
      cls_backend_cuda.destroy(one);
      one = other;
    }
    cls_backend_cuda.destroy(one);
    for (int m = 0; m < MEMBERS; m++) free(records[m].fired);
  }
  for (int m = 0; m < MEMBERS; m++) {
    same_story(&volumes[0][m], &volumes[1][m], "volumes");
    same_story(&counts[0][m], &counts[1][m], "counts");
    for (int cut = 0; cut < 2; cut++) {
      free(volumes[cut][m].value);
      free(counts[cut][m].value);
    }
  }
  free(w.group);
  free(w.marked);
  stop(s);
  cls_network_destroy(network);
}

static void test_haemodynamics(void **state) {
  (void)state;
  check_haemodynamics(3);
  check_haemodynamics(333);
  check_haemodynamics(500); /* told anyway */
  check_haemodynamics(420); /* a volume ends */
}

static void keep_marked(record *r, const watched *w) {
  size_t kept = 0;
  for (size_t i = 0; i < r->n; i++)
    if (w->marked[r->fired[i].of / 64] >> r->fired[i].of % 64 & 1) r->fired[kept++] = r->fired[i];
  r->n = kept;
}

/* Asked for again before the next step, whole bins are not told a second time. */
static void told_once(void *instance, int64_t now) {
  int64_t first, n;
  const uint32_t *count = NULL;
  OK(cls_backend_cuda.counts(instance, 0, 0, &first, &n, &count));
  assert_true(first == now / INTERVAL && n == (now % INTERVAL > 0));
}

/* Shows all spikes in steps on ... off - 1, besides what is watched: `marks`, or counts and volumes alone. `asks`: what was
 * kept is asked for before. */
static void check_show_all(bool marks, bool asks) {
  enum { END = 1200, ON = 411, OFF = 653 };
  cls_network *network = plastic_network();
  simulation *s = prepare(network, 1, 1);
  watched w = watch_network(s, marks);
  point(&w, marks);
  story volumes[2] = {{0}}, counts[2] = {{0}};
  record all = {0}, some = {0};
  void *one = begin_at(s, 0), *other = begin_at(s, 0);
  OK(cls_backend_cuda.watch(one, false, &w.watch));
  OK(cls_backend_cuda.watch(other, true, NULL));
  advance(other, 1, &all, 0, END);
  const int64_t stops[] = {250, ON, 503, OFF, 900, END};
  for (size_t i = 0, now = 0; i < sizeof stops / sizeof *stops; now = (size_t)stops[i++]) {
    advance(one, 1, NULL, (int64_t)now, stops[i]);
    if ((asks && (marks || stops[i] == OFF)) || stops[i] == 503 || (marks && stops[i] == END))
      add_spikes(&some, one, 0);
    if (stops[i] == ON) OK(cls_backend_cuda.show_all(one, true));
    if (stops[i] == ON) OK(cls_backend_cuda.show_all(one, true)); /* nothing more */
    if (stops[i] == OFF) OK(cls_backend_cuda.show_all(one, false));
    if (stops[i] == OFF && !asks && !marks) add_spikes(&some, one, 0);
    if (stops[i] != 250 && stops[i] != 503 && stops[i] != 900) continue;
    tell_volumes(one, 0, &volumes[0]);
    tell_counts(one, 0, &counts[0]);
    told_once(one, stops[i]);
  }
  assert_true(told(one, 0) == told(other, 0));
  size_t n = 0; /* of all, those that should have been shown */
  record expected = {0}, part = {0};
  for (size_t i = 0; i < all.n; i++) {
    record *to = all.fired[i].step >= ON && all.fired[i].step < OFF ? &expected : &part;
    OK(cls_grow(&to->fired, &to->capacity, to->n + 1, sizeof *to->fired, "spikes"));
    to->fired[to->n++] = all.fired[i];
  }
  if (marks) keep_marked(&part, &w);
  for (size_t i = 0; marks && i < part.n; i++) {
    OK(cls_grow(&expected.fired, &expected.capacity, expected.n + 1, sizeof *expected.fired, "spikes"));
    expected.fired[expected.n++] = part.fired[i];
  }
  n = expected.n;
  qsort(expected.fired, n, sizeof *expected.fired, by_step);
  qsort(some.fired, some.n, sizeof *some.fired, by_step);
  assert_int_equal(some.n, n);
  for (size_t i = 0; i < n; i++)
    assert_true(some.fired[i].of == expected.fired[i].of && some.fired[i].step == expected.fired[i].step);
  /* Counts are those of the spikes. */
  tell_counts(one, 0, &counts[0]);
  for (size_t i = 0; i < all.n; i++) {
    const uint32_t group = w.group[all.fired[i].of / 16];
    const size_t at = (size_t)(all.fired[i].step / INTERVAL) * GROUPS + group;
    if (group == CLS_NO_GROUP) continue;
    while (counts[1].n < counts[0].n) say(&counts[1], 0);
    counts[1].value[at]++;
  }
  same_story(&counts[0], &counts[1], "counts");
  assert_true(volumes[0].n > 0);
  free(volumes[0].value);
  for (int i = 0; i < 2; i++) free(counts[i].value);
  free(all.fired);
  free(some.fired);
  free(expected.fired);
  free(part.fired);
  free(w.group);
  free(w.marked);
  cls_backend_cuda.destroy(one);
  cls_backend_cuda.destroy(other);
  stop(s);
  cls_network_destroy(network);
}

static void test_show_all(void **state) {
  (void)state;
  for (int marks = 0; marks < 2; marks++)
    for (int asks = 0; asks < 2; asks++) check_show_all(marks, asks);
}

/* Twice, and nobody asks in between. */
static void test_show_all_again(void **state) {
  (void)state;
  cls_network *network = plastic_network();
  simulation *s = prepare(network, 1, 1);
  record all = {0}, some = {0};
  void *one = begin_at(s, 0), *other = begin_at(s, 0);
  OK(cls_backend_cuda.watch(one, false, NULL));
  OK(cls_backend_cuda.watch(other, true, NULL));
  advance(other, 1, &all, 0, 500);
  for (int64_t now = 0; now < 500; now += 100) {
    OK(cls_backend_cuda.show_all(one, now / 100 % 2 == 1));
    advance(one, 1, NULL, now, now + 100);
  }
  add_spikes(&some, one, 0);
  assert_int_equal(some.end, 400); /* the last step that was shown, + 1 */
  size_t n = 0;
  for (size_t i = 0; i < all.n; i++)
    if (all.fired[i].step / 100 % 2 == 1) all.fired[n++] = all.fired[i];
  qsort(all.fired, n, sizeof *all.fired, by_step);
  qsort(some.fired, some.n, sizeof *some.fired, by_step);
  assert_int_equal(some.n, n);
  for (size_t i = 0; i < n; i++)
    assert_true(some.fired[i].of == all.fired[i].of && some.fired[i].step == all.fired[i].step);
  add_spikes(&some, one, 0);
  assert_true(some.n == n && some.end == 500);
  free(all.fired);
  free(some.fired);
  cls_backend_cuda.destroy(one);
  cls_backend_cuda.destroy(other);
  stop(s);
  cls_network_destroy(network);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory), cmocka_unit_test(test_haemodynamics),
                                     cmocka_unit_test(test_show_all), cmocka_unit_test(test_show_all_again)};
  start_mpi(&argc, &argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  stop_mpi();
  return failed;
}

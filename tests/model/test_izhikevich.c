/* izhikevich against the firing patterns of its paper and the point where rest loses its stability. Solutions
 * of its equations by scipy: test_solutions.py. */
#include "model/figures.h"
#include "model/firing.h"

static const char *const NAME = "izhikevich";
enum { V, U };

/* A neuron of the paper's parameters. */
static bench *neuron(double a, double b, double c, double d, double h) {
  double param[CLS_MAX_PARAMS];
  const cls_model *model = cls_model_find(NAME);
  default_params(model, param);
  set_param(model, param, "a_per_ms", a);
  set_param(model, param, "b_per_ms", b);
  set_param(model, param, "c_mV", c);
  set_param(model, param, "d_mV_per_ms", d);
  return bench_make(NAME, 16, h, param);
}

/* Rest for 200 ms, then a step of current: the paper's figure 2. */
static firing pattern(double a, double b, double c, double d, double current) {
  firing f = {0};
  bench *neuron_ = neuron(a, b, c, d, .05);
  fire(neuron_, -200, 200, 0, &f);
  assert_int_equal(f.n, 0);
  fire(neuron_, 0, 500, current, &f);
  free(neuron_);
  return f;
}

static void test_patterns(void **state) {
  (void)state;
  /* regular spiking: slows down, to a steady rate */
  firing rs = pattern(.02, .2, -65, 8, 10);
  assert_in_range(rs.n, 8, 30);
  assert_true(interval(&rs, -1) > 2 * interval(&rs, 0) && interval(&rs, 0) < interval(&rs, 1));
  NEAR(interval(&rs, -1) / interval(&rs, -2), 1, .01);
  /* intrinsically bursting: a burst at first, single spikes then */
  firing ib = pattern(.02, .2, -55, 4, 10);
  for (int k = 0; k < 2; k++) assert_true(interval(&ib, k) < 5);
  for (int k = 2; k < ib.n - 1; k++) assert_true(interval(&ib, k) > 20);
  /* chattering: bursts of closely spaced spikes, again and again */
  firing ch = pattern(.02, .2, -50, 2, 10);
  int bursts = 0, within = 0;
  for (int k = 0; k < ch.n - 1; k++) {
    if (interval(&ch, k) < 6) within++;
    if (interval(&ch, k) > 30) bursts++;
    assert_true(interval(&ch, k) < 6 || interval(&ch, k) > 30);
  }
  assert_true(bursts >= 5 && within >= 2 * bursts);
  /* fast spiking: much faster than regular spiking, and no slower at the end */
  firing fs = pattern(.1, .2, -65, 2, 10);
  assert_true(fs.n > 2 * rs.n);
  NEAR(interval(&fs, -1) / interval(&fs, 5), 1, .02);
  /* low threshold: fires where the others are silent, and slows down */
  assert_true(pattern(.02, .25, -65, 2, 2).n > 3 && pattern(.1, .2, -65, 2, 2).n == 0);
  firing lts = pattern(.02, .25, -65, 2, 10);
  assert_true(interval(&lts, -1) > 2 * interval(&lts, 0) && lts.n > rs.n);
  print_message("spikes in 500 ms at I = 10: RS %d, IB %d, CH %d, FS %d, LTS %d\n", rs.n, ib.n, ch.n, fs.n,
                lts.n);
}

/* Thalamo-cortical: tonic from rest, a rebound burst from below it. */
static void test_thalamic(void **state) {
  (void)state;
  firing tonic = pattern(.02, .25, -65, .05, 1.5), rebound = {0};
  NEAR(interval(&tonic, -1) / interval(&tonic, 6), 1, .02);
  bench *b = neuron(.02, .25, -65, .05, .05);
  fire(b, 0, 200, -10, &rebound);
  assert_int_equal(rebound.n, 0);
  NEAR((double)b->state[V][0], (-4.75 - sqrt(4.75 * 4.75 - .16 * 130)) / .08, .1); /* rests there */
  fire(b, 200, 300, 0, &rebound);
  assert_in_range(rebound.n, 2, 50);
  assert_true(rebound.time[rebound.n - 1] < 320 && interval(&rebound, 0) < 10);
  free(b);
}

/* Rest is stable while 0.08 V + 5 < a there, that is up to V = (a - 5) / 0.08 and I = b V - (0.04 V^2 + 5 V +
 * 140), where b > a; from a little off it the neuron returns below that current and spikes above it. */
static void test_stability(void **state) {
  (void)state;
  static const double sets[][2] = {{.02, .2}, {.1, .2}, {.02, .25}, {.05, .23}};
  for (int k = 0; k < 4; k++) {
    double a = sets[k][0], b = sets[k][1], v = (a - 5) / .08, edge = b * v - (.04 * v * v + 5 * v + 140);
    for (int side = -1; side <= 1; side += 2) {
      double I = edge + side * stated(NAME, "edge"),
             x = -((5 - b) + sqrt((5 - b) * (5 - b) - .16 * (140 + I))) / .08;
      bench *n = neuron(a, b, -65, 8, .1);
      n->state[V][0] = (float)(x + .02), n->state[U][0] = (float)(b * x);
      firing f = {0};
      fire(n, 0, 8000, I, &f);
      if ((side > 0) != (f.n > 0)) fail_msg("a %g, b %g, I %g: %d spikes", a, b, I, f.n);
      if (side < 0) NEAR((double)n->state[V][0], x, 5e-3);
      free(n);
    }
  }
}

/* A resonator (RZ: a .1, b .26) rests at -62.5 mV, where 0.08 V + 5 is 0: a small jump decays as e^(-a t / 2) while it
 * turns with sqrt(a b - a^2 / 4). Two jumps a period apart make it spike, half a period apart they do not. */
static void test_resonator(void **state) {
  (void)state;
  const double h = .1, decay = .05, turn = sqrt(.026 - .0025), pi = acos(-1);
  bench *b = neuron(.1, .26, -65, 2, h);
  for (int i = 0; i < 2; i++) b->state[V][i] = -62.5f + (i ? -.1f : .1f), b->state[U][i] = -62.5f * .26f;
  double last = .1, zero[2] = {0}, least = 0, top = 0;
  int zeros = 0; /* of half the difference of both, which the square of V leaves alone */
  for (int step = 1; zeros < 2 || step * h < 45; step++) {
    step_shared(b);
    double v = ((double)b->state[V][0] - (double)b->state[V][1]) / 2;
    if ((last < 0) != (v < 0) && zeros < 2) zero[zeros++] = (step - 1 + last / (last - v)) * h;
    least = fmin(least, v);
    if (least < v && step * h > pi / turn) top = fmax(top, v);
    last = v;
    assert_true(step < 10000);
  }
  double error = larger_of(0, (zero[1] - zero[0]) / (pi / turn), 1);
  error = larger_of(error, top / -least / exp(-decay * pi / turn), 1);
  hold(NAME, "resonance", 100 * error);
  free(b);
  for (int half = 0; half < 2; half++) {
    b = neuron(.1, .26, -65, 2, h);
    b->state[V][0] = -62.5f, b->state[U][0] = -62.5f * .26f;
    int spikes = 0, second = (int)rint((half ? pi : 2 * pi) / turn / h);
    for (int step = 0; step * h < 100; step++) {
      clear_input(b);
      if (step == 0 || step == second) b->input[0][0] = 2.2f;
      step_shared(b);
      spikes += b->spiked[0];
    }
    if ((spikes > 0) == half) fail_msg("%d spikes", spikes);
    free(b);
  }
}

/* A weight moves V by itself at the end of its step; at the peak V = c and u grows by d. */
static void test_jump(void **state) {
  (void)state;
  bench *b = neuron(.02, .2, -65, 8, .1);
  b->input[0][1] = 7;
  b->input[0][2] = 500;
  step_shared(b);
  NEAR((double)b->state[V][1], (double)b->state[V][0] + 7, 1e-5);
  assert_true(b->state[U][1] == b->state[U][0] && !b->spiked[0] && !b->spiked[1]);
  assert_true(b->spiked[2] && b->state[V][2] == -65);
  NEAR((double)b->state[U][2], (double)b->state[U][0] + 8, 1e-5);
  free(b);
}

static void test_check(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  const cls_model *model = cls_model_find(NAME);
  default_params(model, param);
  set_param(model, param, "c_mV", 30);
  assert_int_equal(model->check(param, .1), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "c_mV 30: expected less than V_peak_mV 30");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_patterns),  cmocka_unit_test(test_thalamic), cmocka_unit_test(test_stability),
      cmocka_unit_test(test_resonator), cmocka_unit_test(test_jump),     cmocka_unit_test(test_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

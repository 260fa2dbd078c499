/* lif_dtb against its equations, integrated here in double precision: by the same explicit Euler step, and
 * accurately, to see the order of the method. */
#include "model/figures.h"
#include "model/tiles.h"

static const char *const NAME = "lif_dtb";
enum { V, J_FIRST, REFRACTORY = J_FIRST + 4 };
static const char *const RECEPTOR[4] = {"AMPA", "NMDA", "GABA_A", "GABA_B"};

/* The neuron as written in the paper: absolute potentials, no derived constants. */
typedef struct {
  double C, g_L, E_L, V_th, V_reset, t_ref, tau[4], E[4], g[4], I_e;
} equations;
static const equations DEFAULTS = {
    .5, .025, -70, -50, -55, 2, {2, 40, 20, 50}, {0, 0, -70, -100}, {.0037, 0, .01, 0}, 0};
/* All four receptors at work. */
static const equations ALL_FOUR = {
    .5, .025, -70, -50, -55, 2, {2, 40, 20, 50}, {0, 0, -70, -100}, {.0037, .0004, .004, .001}, .1};

static void params_of(const equations *e, double *param) {
  const cls_model *model = cls_model_find(NAME);
  default_params(model, param);
  set_param(model, param, "C_uF_cm2", e->C);
  set_param(model, param, "g_L_mS_cm2", e->g_L);
  set_param(model, param, "E_L_mV", e->E_L);
  set_param(model, param, "V_th_mV", e->V_th);
  set_param(model, param, "V_reset_mV", e->V_reset);
  set_param(model, param, "t_ref_ms", e->t_ref);
  set_param(model, param, "I_e_uA_cm2", e->I_e);
  for (int r = 0; r < 4; r++) {
    char name[32];
    snprintf(name, sizeof name, "tau_%s_ms", RECEPTOR[r]);
    set_param(model, param, name, e->tau[r]);
    snprintf(name, sizeof name, "E_%s_mV", RECEPTOR[r]);
    set_param(model, param, name, e->E[r]);
    snprintf(name, sizeof name, "g_%s_mS_cm2", RECEPTOR[r]);
    set_param(model, param, name, e->g[r]);
  }
}

static double slope(const equations *e, double v, const double *J, double current) {
  double I = -e->g_L * (v - e->E_L) + e->I_e + current;
  for (int r = 0; r < 4; r++) I += e->g[r] * (e->E[r] - v) * J[r];
  return I / e->C;
}

static void test_published_defaults(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS], expected[CLS_MAX_PARAMS];
  const cls_model *model = cls_model_find(NAME);
  default_params(model, param);
  params_of(&DEFAULTS, expected);
  for (int j = 0; j < model->n_params; j++) assert_true(param[j] == expected[j]);
  assert_int_equal(model->n_ports, 2);
  assert_string_equal(model->ports[0].name, "excitatory");
  assert_string_equal(model->ports[1].name, "inhibitory");
  for (int r = 0; r < 4; r++) assert_string_equal(model->ports[r / 2].receptor[r % 2], RECEPTOR[r]);
  /* V(0) = (V_th + V_reset) / 2 */
  bench *b = bench_make(NAME, 16, .1, param);
  assert_true(b->state[V][3] == -52.5f - -70.0f);
  for (int j = 1; j < model->n_states; j++) assert_true(b->state[j][3] == 0);
  free(b);
}

/* Event k of a train: once every ms or so, a receptor in turn. In units of .1 ms. */
typedef struct {
  int time, receptor;
  double weight;
} event;
enum { EVENTS = 400 };
static void make_train(event *train, double scale) {
  for (uint32_t k = 0, t = 3; k < EVENTS; k++) {
    cls_words w = cls_draw((cls_stream){{4, 2}}, k, 0, 0, 0);
    t += 1 + cls_below(w.w[0], 20);
    train[k] = (event){(int)t, (int)cls_below(w.w[1], 4), scale * cls_unit(w.w[2])};
  }
}

/* The same Euler step in double precision, spikes and refractoriness included: the same spikes. */
static void test_against_euler(void **state) {
  (void)state;
  event train[EVENTS];
  make_train(train, 2);
  double error = 0;
  for (int k = 0; k < 2; k++) {
    equations e = ALL_FOUR;
    const double h = k == 0 ? .1 : .05;
    const int per_unit = k == 0 ? 1 : 2, steps = 4200 * per_unit;
    double param[CLS_MAX_PARAMS], v = -52.5, J[4] = {0}, apart = 0;
    params_of(&e, param);
    bench *b = bench_make(NAME, 16, h, param);
    int spikes = 0, refractory = 0, next = 0;
    for (int step = 0; step < steps; step++) {
      double current = 1.2 + .6 * sin(step * h / 30), input[4] = {0};
      while (next < EVENTS && train[next].time * per_unit == step + 1) {
        input[train[next].receptor] += train[next].weight;
        next++;
      }
      clear_input(b);
      for (int i = 0; i < 16; i++) {
        for (int r = 0; r < 4; r++) b->input[r][i] = (float)input[r];
        b->current[i] = (float)current;
      }
      step_shared(b);

      double to = refractory > 0 ? v : v + h * slope(&e, v, J, current);
      for (int r = 0; r < 4; r++) J[r] = J[r] * exp(-h / e.tau[r]) + input[r];
      bool spike = to >= e.V_th;
      refractory = spike ? (int)rint(e.t_ref / h) : refractory > 0 ? refractory - 1 : 0;
      v = spike ? e.V_reset : to;
      spikes += spike;

      assert_int_equal(b->spiked[7], spike);
      apart = fmax(apart, fabs((double)b->state[V][7] + e.E_L - v));
      for (int r = 0; r < 4; r++) {
        NEAR((double)b->state[J_FIRST + r][7], J[r], 1e-6 * (1 + J[r]) * 40);
        NEAR((double)b->model->receptor_current(&b->tile, 7, 0, r), e.g[r] * (e.E[r] - v) * J[r], 1e-4);
      }
    }
    error = fmax(error, apart);
    assert_in_range(spikes, 5, 100);
    free(b);
  }
  hold(NAME, "euler", error);
}

/* ---- order of the method ---- */

enum { UNITS = 2000 }; /* of .1 ms */

/* V every .1 ms by RK4 at .001 ms with exact J: errors of 1e-12. */
static void solve(const equations *e, const event *train, double *v) {
  const double h = .001;
  double x = -60, J[4] = {0};
  for (int unit = 0, next = 0; unit < UNITS; unit++) {
    for (int s = 0; s < 100; s++) {
      double half[4], full[4];
      for (int r = 0; r < 4; r++)
        half[r] = J[r] * exp(-h / 2 / e->tau[r]), full[r] = J[r] * exp(-h / e->tau[r]);
      double a = slope(e, x, J, 0), b = slope(e, x + h / 2 * a, half, 0);
      double c = slope(e, x + h / 2 * b, half, 0), d = slope(e, x + h * c, full, 0);
      x += h / 6 * (a + 2 * b + 2 * c + d);
      memcpy(J, full, sizeof J);
    }
    for (; next < EVENTS && train[next].time == unit + 1; next++)
      J[train[next].receptor] += train[next].weight;
    v[unit] = x;
  }
}

/* Largest distance of the tile from `v`, at a step of .1 ms / per_unit. */
static double distance(const equations *e, const event *train, int per_unit, const double *v) {
  double param[CLS_MAX_PARAMS], worst = 0;
  params_of(e, param);
  bench *b = bench_make(NAME, 16, .1 / per_unit, param);
  b->state[V][0] = (float)(-60 - e->E_L);
  for (int step = 0, next = 0; step < UNITS * per_unit; step++) {
    clear_input(b);
    for (; next < EVENTS && train[next].time * per_unit == step + 1; next++)
      b->input[train[next].receptor][0] += (float)train[next].weight;
    step_shared(b);
    assert_int_equal(b->spiked[0], 0);
    if ((step + 1) % per_unit == 0)
      worst = fmax(worst, fabs((double)b->state[V][0] + e->E_L - v[step / per_unit]));
  }
  free(b);
  return worst;
}

static void test_first_order(void **state) {
  (void)state;
  static double v[UNITS];
  event train[EVENTS];
  make_train(train, 40);
  equations e = ALL_FOUR;
  e.V_th = 500; /* no spikes: their times are rounded to the grid */
  solve(&e, train, v);
  double last = distance(&e, train, 1, v);
  hold(NAME, "solution", last);
  for (int per_unit = 2; per_unit <= 16; per_unit *= 2) {
    double error = distance(&e, train, per_unit, v);
    NEAR(last / error, 2, .1);
    last = error;
  }
}

/* Without input J decays exactly, whatever the step. */
static void test_decay_exact(void **state) {
  (void)state;
  static const double dt[] = {.05, .1, 1};
  for (int k = 0; k < 3; k++) {
    double param[CLS_MAX_PARAMS];
    params_of(&DEFAULTS, param);
    bench *b = bench_make(NAME, 16, dt[k], param);
    for (int r = 0; r < 4; r++) b->state[J_FIRST + r][0] = (float)(r + 1);
    for (int step = 1; step * dt[k] <= 20; step++) {
      step_shared(b);
      for (int r = 0; r < 4; r++)
        NEAR((double)b->state[J_FIRST + r][0] / ((r + 1) * exp(-step * dt[k] / DEFAULTS.tau[r])), 1,
             6e-8 * (step + 1));
    }
    free(b);
  }
}

static void test_reset_and_refractory(void **state) {
  (void)state;
  static const double dt[] = {.1, 1};
  static const int held[] = {20, 2};
  for (int k = 0; k < 2; k++) {
    double param[CLS_MAX_PARAMS];
    equations e = DEFAULTS;
    e.I_e = 2;
    params_of(&e, param);
    bench *b = bench_make(NAME, 16, dt[k], param);
    while (step_shared(b), !b->spiked[0]) continue;
    assert_true(b->state[V][0] == 15); /* -55 over E_L */
    for (int step = 1; step <= held[k]; step++) {
      b->input[0][0] = .5; /* J goes on in the refractory time */
      step_shared(b);
      assert_true(b->state[V][0] == 15 && !b->spiked[0]);
    }
    clear_input(b);
    double x = exp(-dt[k] / 2), J[4] = {.5 * (1 - pow(x, held[k])) / (1 - x), 0, 0, 0};
    NEAR((double)b->state[J_FIRST][0], J[0], 1e-5);
    step_shared(b);
    NEAR((double)b->state[V][0] - 70, -55 + dt[k] * slope(&e, -55, J, 0), 1e-5);
    free(b);
  }
}

static void test_check(void **state) {
  (void)state;
  double param[CLS_MAX_PARAMS];
  const cls_model *model = cls_model_find(NAME);
  params_of(&DEFAULTS, param);
  OK(model->check(param, 1));
  assert_int_equal(model->check(param, 20), CLS_ERR_INPUT); /* C / g_L is 20 ms */
  assert_non_null(strstr(cls_error_message(), "step 20 ms: expected less than C / g_L = 20 ms"));
  set_param(model, param, "V_th_mV", -56);
  assert_int_equal(model->check(param, .1), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "V_reset_mV -55: expected less than V_th_mV -56");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_published_defaults),   cmocka_unit_test(test_against_euler),
      cmocka_unit_test(test_first_order),          cmocka_unit_test(test_decay_exact),
      cmocka_unit_test(test_reset_and_refractory), cmocka_unit_test(test_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The vector loops of every model against its scalar reference: the same bits, on every tile size. */
#include "base/effort.h"
#include "model/tiles.h"

enum { STEPS = 300 };
#define FIRST (64 * 1000003u) /* number of the first neuron of a tile in its population */

/* Uniform in [low, high), counted by (i, j). */
static double uniform(uint32_t i, uint32_t j, double low, double high) {
  return low + (high - low) * cls_unit(cls_draw((cls_stream){{17, 4}}, i, j, 0, 0).w[0]);
}

/* Parameters near the defaults, different for every neuron, that the model accepts. */
static void jitter(const cls_model *model, uint32_t neuron, double dt_ms, double *param) {
  for (uint32_t attempt = 0;; attempt++) {
    for (int j = 0; j < model->n_params; j++) {
      const cls_param_info *p = &model->params[j];
      double x = p->initial == 0 ? uniform(neuron, (uint32_t)j + 64 * attempt, 0, 1)
                                 : p->initial * uniform(neuron, (uint32_t)j + 64 * attempt, .8, 1.2);
      param[j] = x < p->min ? p->min : x > p->max ? p->max : x;
    }
    if (!model->check || model->check(param, dt_ms) == CLS_OK) return;
    assert_true(attempt < 1000);
  }
}

/* What makes the neurons of a model fire now and then: the size of weights by their unit, and of currents. */
static double weight_size(const cls_model *model) {
  if (model->is_input) return 1500;
  const cls_port_info *port = &model->ports[0];
  if (port->receptors == 2) return strcmp(port->unit, "1") == 0 ? 5 : 30;
  return strcmp(port->unit, "nS") == 0   ? 40
         : strcmp(port->unit, "mV") == 0 ? 6
         : model->no_current             ? 1500
         : strcmp(port->unit, "1") == 0  ? .5
                                         : 1500;
}
static double current_size(const cls_model *model) {
  static const struct {
    const char *unit;
    double size;
  } sizes[] = {{"pA", 700}, {"uA/cm2", 1.2}, {"mV/ms", 10}, {"1/ms", .1}, {"1", 700}};
  if (model->is_input) return 700;
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
    if (strcmp(model->current_unit, sizes[k].unit) == 0) return sizes[k].size;
  fail_msg("%s: no size of a current in %s", model->name, model->current_unit);
  return 0;
}

/* Random input, from weights of either sign where the model takes them; levels; and trains, of neurons before
 * and behind the tile too, some with two spikes. */
static void random_input(bench *b, uint32_t step) {
  const cls_model *model = b->model;
  const bool positive = !model->is_input && !model->ports[0].signed_weights;
  const bool relay = !model->is_input && model->no_current;
  const double size = weight_size(model), largest = current_size(model);
  b->tile.level = step % 5 == 0 ? 0 : step % 5 == 1 ? 1 : (float)uniform(step, 9000, -2, 2);
  b->tile.n_events = 0;
  for (uint32_t i = 0; i < 3 * CLS_TILE; i++)
    for (double x = uniform(step, 10000 + i, 0, 1); x < .02; x += .015)
      b->event[b->tile.n_events++] = (uint64_t)step << 32 | (FIRST - CLS_TILE + i);
  for (int i = 0; i < CLS_TILE; i++) {
    for (int r = 0; r < CLS_MAX_RECEPTORS; r++) {
      double x = uniform(step, (uint32_t)(r * CLS_TILE + i), 0, 1), sign = positive || r == 0 ? 1 : -.3;
      if (relay && x < .97) x = .6; /* it spikes at every weight above 0 */
      b->input[r][i] = x < .7 ? 0 : (float)(sign * size * (x - .7));
    }
    b->current[i] = (float)uniform(step, (uint32_t)(4 * CLS_TILE + i), 0, largest);
  }
}

static void same(const bench *a, const bench *b, const char *what, uint32_t step) {
  for (int i = 0; i < a->tile.n; i++) {
    bool equal = a->spiked[i] == b->spiked[i] && memcmp(&a->current[i], &b->current[i], 4) == 0;
    for (int j = 0; j < a->model->n_states; j++) equal &= memcmp(&a->state[j][i], &b->state[j][i], 4) == 0;
    for (int r = 0; r < CLS_MAX_RECEPTORS; r++) equal &= memcmp(&a->input[r][i], &b->input[r][i], 4) == 0;
    if (!equal)
      fail_msg("%s, n %d, step %u, neuron %d: %s differs: state 0 %.9g against %.9g", a->model->name,
               a->tile.n, step, i, what, (double)a->state[0][i], (double)b->state[0][i]);
  }
}

/* What the reference backend does: a tile that begins at every neuron. */
static void step_one_by_one(bench *b, int stride) {
  cls_tile tile = b->tile;
  tile.n = 1;
  for (int i = 0; i < b->tile.n; i++) {
    for (int j = 0; j < CLS_MAX_STATES; j++) tile.state[j] = b->state[j] + i;
    for (int j = 0; j < CLS_MAX_CONSTS; j++) tile.konst[j] = b->konst[j] + i * stride;
    for (int r = 0; r < CLS_MAX_RECEPTORS; r++) tile.input[r] = b->input[r] + i;
    tile.current = b->current + i;
    tile.spiked = b->spiked + i;
    tile.first = b->tile.first + (uint32_t)i;
    b->model->one(&tile, 0, stride);
  }
}

/* Runs all ways side by side; `varied`: parameters differ between neurons. Returns the spikes. */
static long run(const cls_model *model, int n, bool varied, double rate_hz) {
  double param[CLS_MAX_PARAMS];
  jitter(model, 0, .1, param);
  if (model->table) set_param(model, param, model->level, rate_hz);
  bench *tile = bench_make(model->name, n, .1, param);
  if (varied)
    for (int i = 0; i < n; i++) {
      double own[CLS_MAX_PARAMS];
      jitter(model, (uint32_t)i, .1, own);
      set_neuron(tile, i, own, uniform((uint32_t)i, 1000, 0, 1));
    }
  tile->tile.receptor = 1;
  bench *one = NULL, *shifted = NULL, *other = NULL;
  OK(cls_alloc(&one, 1, sizeof *one, "bench"));
  OK(cls_alloc(&shifted, 1, sizeof *one, "bench"));
  OK(cls_alloc(&other, 1, sizeof *one, "bench"));
  *one = *shifted = *other = *tile;
  point(one), point(shifted), point(other);
  long spikes = 0;
  for (uint32_t step = 0; step < STEPS; step++) {
    bench *const every[] = {tile, one, shifted, other};
    for (int k = 0; k < 4; k++) {
      random_input(every[k], step);
      set_step(every[k], FIRST, (5ll << 32) + step, 2);
    }
    (varied ? model->tile_varied : model->tile_shared)(&tile->tile);
    for (int i = 0; i < n; i++) model->one(&one->tile, i, varied);
    step_one_by_one(shifted, varied);
    if (!varied) model->tile_varied(&other->tile); /* equal constants, loaded neuron by neuron */
    same(tile, one, "tile against one", step);
    same(tile, shifted, "tile against one, tile by tile", step);
    if (!varied) same(tile, other, "shared against varied", step);
    for (int i = 0; i < n; i++) spikes += tile->spiked[i];
  }
  free(tile), free(one), free(shifted), free(other);
  return spikes;
}

static void test_same_bits(void **state) {
  (void)state;
  static const int sizes[] = {16, 48, 208, 256};
  assert_true(cls_model_count() >= 9);
  for (int m = 0; m < cls_model_count(); m++) {
    const cls_model *model = cls_model_at(m);
    assert_ptr_equal(cls_model_find(model->name), model);
    for (int k = 0; k < 4; k += EVERY)
      for (int varied = 0; varied < 2; varied++) {
        long spikes = run(model, sizes[k], varied, 5000);
        if (model->is_input) continue;
        if (spikes < sizes[k] * STEPS / 1000 || spikes > sizes[k] * STEPS / 10)
          fail_msg("%s: %ld spikes of %d neurons in %d steps", model->name, spikes, sizes[k], STEPS);
      }
  }
}

/* Whatever arrives, every state stays a number. lif_dtb is left out: the explicit Euler step it was
 * published with is unstable where conductances are huge. */
static void test_extremes(void **state) {
  (void)state;
  static const double size[] = {1e4, 1e9, 1e30};
  for (int m = 0; m < cls_model_count(); m++) {
    const cls_model *model = cls_model_at(m);
    if (model->is_input || strcmp(model->name, "lif_dtb") == 0) continue;
    const bool positive = !model->ports[0].signed_weights;
    double param[CLS_MAX_PARAMS];
    default_params(model, param);
    for (int d = 0; d < 3; d++) {
      bench *b = bench_make(model->name, 64, d == 0 ? 1 : .1, param);
      for (uint32_t step = 0; step < 200; step++) {
        for (uint32_t i = 0; i < 64; i++) {
          for (uint32_t r = 0; r < CLS_MAX_RECEPTORS; r++) {
            double x = uniform(step, r * 64 + i, -1, 1);
            b->input[r][i] = fabs(x) < .5 ? 0 : (float)(size[d] * (positive ? fabs(x) : x));
          }
          b->current[i] = (float)(i % 2 ? uniform(step, 1000 + i, -size[d], size[d]) : 0);
        }
        step_shared(b);
        for (int i = 0; i < 64; i++)
          for (int j = 0; j < model->n_states; j++)
            if (!isfinite(b->state[j][i]))
              fail_msg("%s: %s is %g after step %u of input up to %g", model->name, model->states[j].name,
                       (double)b->state[j][i], step, size[d]);
      }
      free(b);
    }
  }
}

/* The lists of a model are as long as its counts say, and every name is there and is found. */
static void test_registry(void **state) {
  (void)state;
  for (int m = 0; m < cls_model_count(); m++) {
    const cls_model *model = cls_model_at(m);
    int receptors = 0;
    for (int j = 0; j < model->n_params; j++) {
      const cls_param_info *p = &model->params[j];
      assert_true(p->name && p->unit && p->doc && p->min <= p->initial && p->initial <= p->max);
      assert_int_equal(cls_model_param(model, p->name), j);
    }
    for (int j = 0; j < model->n_states; j++) {
      const cls_state_info *s = &model->states[j];
      assert_true(s->name && s->unit && s->doc);
      assert_int_equal(cls_model_state(model, s->name), j);
      assert_true(!s->relative_to || cls_model_param(model, s->relative_to) >= 0);
    }
    for (int j = 0; j < model->n_ports; j++) {
      assert_int_equal(cls_model_port(model, model->ports[j].name), j);
      assert_int_equal(cls_model_port_receptor(model, j), receptors);
      receptors += model->ports[j].receptors;
    }
    assert_int_equal(receptors, model->n_receptors);
    if (model->is_input) continue;
    double param[CLS_MAX_PARAMS];
    default_params(model, param);
    assert_true(!model->check || model->check(param, .1) == CLS_OK);
  }
}

/* More than one draw per step: the counts of all draws are added before they are weighted. */
static void test_poisson_draws(void **state) {
  (void)state;
  static const double rates[] = {0, 10, 79999, 80001, 500000};
  for (int k = 0; k < 5; k++)
    for (int varied = 0; varied < 2; varied++) run(cls_model_find("poisson"), 208, varied, rates[k]);
}

/* Beyond n nothing is read or written. */
static void test_bounds(void **state) {
  (void)state;
  for (int m = 0; m < cls_model_count(); m++) {
    const cls_model *model = cls_model_at(m);
    double param[CLS_MAX_PARAMS];
    jitter(model, 0, .1, param);
    bench *b = bench_make(model->name, 48, .1, param);
    random_input(b, 1);
    set_step(b, 0, 1, 0);
    for (int i = 48; i < CLS_TILE; i++) {
      for (int j = 0; j < CLS_MAX_STATES; j++) b->state[j][i] = 7;
      for (int r = 0; r < CLS_MAX_RECEPTORS; r++) b->input[r][i] = 8;
      b->current[i] = 9;
      b->spiked[i] = 10;
    }
    model->tile_shared(&b->tile);
    for (int i = 48; i < CLS_TILE; i++) {
      for (int j = 0; j < CLS_MAX_STATES; j++) assert_true(b->state[j][i] == 7);
      for (int r = 0; r < CLS_MAX_RECEPTORS; r++) assert_true(b->input[r][i] == 8);
      assert_true(b->current[i] == 9 && b->spiked[i] == 10);
    }
    free(b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bits),     cmocka_unit_test(test_extremes), cmocka_unit_test(test_registry),
      cmocka_unit_test(test_poisson_draws), cmocka_unit_test(test_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

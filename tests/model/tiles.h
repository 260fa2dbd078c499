/* Models without an engine: one tile of neurons, its arrays and parameters, advanced by a model's own loops. */
#ifndef CALLOSUM_TEST_MODEL_TILES_H
#define CALLOSUM_TEST_MODEL_TILES_H

#include "base/noise.h"
#include "base/random.h"
#include "network/draws.h"

/* A tile with memory of its own. Constants are kept per neuron (konst[j][i]); `tile.konst` points at them,
 * whose first values are the shared ones. */
typedef struct {
  const cls_model *model;
  double dt_ms;
  cls_tile tile;
  _Alignas(64) float state[CLS_MAX_STATES][CLS_TILE];
  _Alignas(64) float konst[CLS_MAX_CONSTS][CLS_TILE];
  _Alignas(64) float input[CLS_MAX_RECEPTORS][CLS_TILE];
  _Alignas(64) float current[CLS_TILE];
  _Alignas(64) int32_t spiked[CLS_TILE];
  cls_count_table table;
  uint64_t event[4 * CLS_TILE];
} bench;

static inline void default_params(const cls_model *model, double *param) {
  for (int j = 0; j < model->n_params; j++) param[j] = model->params[j].initial;
}

static inline void set_param(const cls_model *model, double *param, const char *name, double value) {
  int j = cls_model_param(model, name);
  if (j < 0) fail_msg("model %s has no parameter %s", model->name, name);
  param[j] = value;
}

static inline int state_of(const cls_model *model, const char *name) {
  int j = cls_model_state(model, name);
  if (j < 0) fail_msg("model %s has no state %s", model->name, name);
  return j;
}

/* Constants and starting state of neuron i from its parameters. */
static inline void set_neuron(bench *b, int i, const double *param, double unit) {
  float konst[CLS_MAX_CONSTS] = {0}, state[CLS_MAX_STATES] = {0};
  b->model->derive(param, b->dt_ms, konst);
  if (b->model->start) b->model->start(param, b->dt_ms, unit, state);
  for (int j = 0; j < b->model->n_consts; j++) b->konst[j][i] = konst[j];
  for (int j = 0; j < b->model->n_states; j++) b->state[j][i] = state[j];
}

/* The tile's pointers: a bench may be copied, so they are set before every use. */
static inline void point(bench *b) {
  for (int j = 0; j < CLS_MAX_STATES; j++) b->tile.state[j] = b->state[j];
  for (int j = 0; j < CLS_MAX_CONSTS; j++) b->tile.konst[j] = b->konst[j];
  for (int j = 0; j < CLS_MAX_RECEPTORS; j++) b->tile.input[j] = b->input[j];
  b->tile.current = b->current;
  b->tile.spiked = b->spiked;
  b->tile.table = &b->table;
  b->tile.event = b->event;
}

/* n neurons of equal parameters, without input, in their starting state (uniform number 1/2). */
static inline bench *bench_make(const char *model, int n, double dt_ms, const double *param) {
  bench *b = NULL;
  OK(cls_alloc(&b, 1, sizeof *b, "bench"));
  b->model = cls_model_find(model);
  assert_non_null(b->model);
  if (b->model->check) OK(b->model->check(param, dt_ms));
  b->dt_ms = dt_ms;
  b->tile.n = n;
  b->tile.key[0] = 0x243f6a88, b->tile.key[1] = 0x85a308d3;
  for (int i = 0; i < n; i++) set_neuron(b, i, param, 0.5);
  b->tile.level = 1;
  if (b->model->table) b->model->table(param[cls_model_param(b->model, b->model->level)], dt_ms, &b->table);
  point(b);
  return b;
}

/* The noise counters of a step, of the tile that begins at neuron `first`. */
static inline void set_step(bench *b, uint32_t first, int64_t step, uint32_t member) {
  b->tile.first = first;
  b->tile.step_lo = (uint32_t)(uint64_t)step;
  b->tile.step_hi = (uint32_t)((uint64_t)step >> 32);
  b->tile.member = member;
}

static inline void clear_input(bench *b) {
  memset(b->input, 0, sizeof b->input);
  memset(b->current, 0, sizeof b->current);
}

/* One step of all neurons, shared constants, with the input and current that stand in the bench. */
static inline void step_shared(bench *b) { b->model->tile_shared(&b->tile); }

#endif

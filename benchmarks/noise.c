/* What background noise costs beside the membrane it drives, tile by tile in the first-level cache:
 *
 *   noise [STEPS]
 *
 * One JSON object on standard output: nanoseconds per neuron and step, one thread. The Poisson means are those of the
 * populations of the cortical microcircuit with the least and the most background, 12,000 and 23,200 spikes/s. */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>

enum { TILES = 64 };
static const double dt_ms = 0.1;

typedef struct {
  _Alignas(64) float state[CLS_MAX_STATES][CLS_TILE], konst[CLS_MAX_CONSTS],
      input[CLS_MAX_RECEPTORS][CLS_TILE];
  _Alignas(64) float current[CLS_TILE];
  _Alignas(64) int32_t spiked[CLS_TILE];
  cls_count_table table;
  cls_tile tile;
} bench;

static bench *make(const char *name, const char *param, double value) {
  const cls_model *model = cls_model_find(name);
  double params[CLS_MAX_PARAMS];
  bench *b = aligned_alloc(64, (sizeof *b + 63) / 64 * 64);
  if (!model || !b) exit(1);
  *b =
      (bench){.tile = {.n = CLS_TILE, .level = 1, .key = {1, 2}, .current = b->current, .spiked = b->spiked}};
  for (int j = 0; j < model->n_params; j++) params[j] = model->params[j].initial;
  if (param) params[cls_model_param(model, param)] = value;
  model->derive(params, dt_ms, b->konst);
  if (model->table) model->table(value, dt_ms, &b->table);
  b->tile.table = &b->table;
  for (int j = 0; j < CLS_MAX_STATES; j++) b->tile.state[j] = b->state[j];
  for (int j = 0; j < CLS_MAX_CONSTS; j++) b->tile.konst[j] = &b->konst[j];
  for (int j = 0; j < CLS_MAX_RECEPTORS; j++) b->tile.input[j] = b->input[j];
  return b;
}

static double measure(const char *name, const char *param, double value, int steps) {
  const cls_model *model = cls_model_find(name);
  bench *b = make(name, param, value);
  double begun = 0;
  for (int step = -steps / 10; step < steps; step++) {
    if (step == 0) begun = cls_seconds();
    b->tile.step_lo = (uint32_t)step;
    for (uint32_t t = 0; t < TILES; t++) {
      b->tile.first = t * CLS_TILE;
      model->tile_shared(&b->tile);
    }
  }
  double ns = (cls_seconds() - begun) * 1e9 / ((double)steps * TILES * CLS_TILE);
  free(b);
  return ns;
}

int main(int argc, char **argv) {
  const int steps = argc > 1 ? atoi(argv[1]) : 2000;
  if (steps < 1) {
    fprintf(stderr, "noise: %s: expected a number of steps\n", argv[1]);
    return 2;
  }
  printf("{\"poisson_least\": %.4f, ", measure("poisson", "rate_hz", 12000, steps));
  printf("\"poisson_most\": %.4f, ", measure("poisson", "rate_hz", 23200, steps));
  printf("\"ou\": %.4f, ", measure("ou", "sd", 1, steps));
  printf("\"lif_psc_exp\": %.4f, ", measure("lif_psc_exp", NULL, 0, steps));
  printf("\"lif_dtb\": %.4f}\n", measure("lif_dtb", NULL, 0, steps));
  return 0;
}

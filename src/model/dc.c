#include "model/dc.h"

static const cls_param_info params[] = {
    {"amplitude", "current unit of the neuron", 0, -1e9, 1e9, false, "current"},
};

static void derive(const double *p, double h, float *k) {
  (void)h;
  k[0] = (float)p[0];
}

CLS_CLONES static void tile_shared(const cls_tile *t) {
  float *restrict current = t->current;
  const float amplitude = t->konst[0][0], level = t->level;
  if (level == 0) return;
  const int n = t->n & ~15;
  for (int i = 0; i < n; i++) current[i] = dc_step(amplitude, level, current[i]);
}
CLS_CLONES static void tile_varied(const cls_tile *t) {
  float *restrict current = t->current;
  const float *amplitude = t->konst[0], level = t->level;
  if (level == 0) return;
  const int n = t->n & ~15;
  for (int i = 0; i < n; i++) current[i] = dc_step(amplitude[i], level, current[i]);
}
static void one(const cls_tile *t, int i, int stride) {
  t->current[i] = dc_step(t->konst[0][i * stride], t->level, t->current[i]);
}

static const cls_figure figures[] = {
    {"integral", "what steps, ramps, sines and pulses add up to at dt 0.1 ms, with the integral of their sum",
     0.005, "pA ms", "engine/test_inputs.c"},
};

const cls_model cls_model_dc = {
    .name = "dc",
    .title = "current, constant or following a waveform",
    .citation = "ours",
    .params = params,
    .n_params = 1,
    .n_consts = CLS_COUNT(dc_CONSTS),
    .is_input = true,
    .takes_waveform = true,
    .level = "amplitude",
    .derive = derive,
    .tile_shared = tile_shared,
    .tile_varied = tile_varied,
    .one = one,
    .doc = {.equations = "I_inputs(t) = amplitude level(t)\n",
            .method = "the level of the waveform in the middle of the step; exact where it has none",
            .order = 2,
            .spike_order = 0,
            CLS_FIGURES},
};

#include "model/ou.h"

enum { TAU, MEAN, SD, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    {"tau_ms", "ms", 4, 1e-3, 1e6, false, "correlation time"},
    {"mean", "current unit of the neuron", 0, -1e9, 1e9, false, "mean current"},
    {"sd", "current unit of the neuron", 0, 0, 1e9, false, "standard deviation of the stationary current"},
};
static const cls_state_info states[] = {
    {"I", "current unit of the neuron", false, NULL, "current"},
};

static void derive(const double *p, double h, float *k) {
  k[0] = (float)-cls_expm1(-h / p[TAU]);
  k[1] = (float)p[MEAN];
  k[2] = (float)(p[SD] * sqrt(-cls_expm1(-2 * h / p[TAU])));
}

static void start(const double *p, double h, double unit, float *state) {
  (void)h;
  state[0] = (float)(p[MEAN] + p[SD] * cls_normal_quantile(unit));
}

/* All noise words of the tile, then one pass over its neurons. */
#define OU_TILE(STRIDE)                                                                                      \
  float *restrict I = t->state[0], *restrict current = t->current;                                           \
  const float *relax = t->konst[0], *mean = t->konst[1], *kick = t->konst[2];                                \
  _Alignas(64) uint32_t word[CLS_TILE];                                                                      \
  const int n = t->n & ~15;                                                                                  \
  const float level = t->level;                                                                              \
  cls_noise_fill(t->key, t->first / CLS_NOISE_GROUP, (n + CLS_NOISE_GROUP - 1) / CLS_NOISE_GROUP,            \
                 t->step_lo, t->step_hi, t->member, word);                                                   \
  for (int i = 0; i < n; i++) {                                                                              \
    float x = ou_step(I[i], relax[i * STRIDE], mean[i * STRIDE], kick[i * STRIDE], word[i]);                 \
    I[i] = x;                                                                                                \
    current[i] = fmaf(level, x, current[i]);                                                                 \
  }

CLS_CLONES static void tile_shared(const cls_tile *t){OU_TILE(0)} CLS_CLONES
    static void tile_varied(const cls_tile *t) {
  OU_TILE(1)
}

static void one(const cls_tile *t, int i, int stride) {
  uint32_t word = cls_noise_word(t->key, t->first + (uint32_t)i, t->step_lo, t->step_hi, t->member);
  int j = i * stride;
  t->state[0][i] = ou_step(t->state[0][i], t->konst[0][j], t->konst[1][j], t->konst[2][j], word);
  t->current[i] = fmaf(t->level, t->state[0][i], t->current[i]);
}

static const cls_figure figures[] = {
    {"update", "every step of 256 neurons, with the update in double precision", 5e-07, "1",
     "model/test_ou.c"},
    {"moments", "mean, variance and autocorrelation at dt 0.1 and 1 ms, with those of the stationary process",
     4, "sd", "model/test_ou.c"},
};

const cls_model cls_model_ou = {
    .name = "ou",
    .title = "Ornstein-Uhlenbeck current",
    .citation = "Gillespie, Phys. Rev. E 54:2084 (1996), eq. 3.5",
    .params = params,
    .states = states,
    .n_params = N_PARAMS,
    .n_states = CLS_COUNT(ou_STATES),
    .n_consts = CLS_COUNT(ou_CONSTS),
    .is_input = true,
    .takes_waveform = true,
    .derive = derive,
    .start = start,
    .tile_shared = tile_shared,
    .tile_varied = tile_varied,
    .one = one,
    .doc = {.equations = "I <- I + (1 - e^(-h/tau)) (mean - I) + sd sqrt(1 - e^(-2h/tau)) N(0, 1)\n",
            .method = "exact on the grid",
            .order = 0,
            .spike_order = 0,
            CLS_FIGURES},
};

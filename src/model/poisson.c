#include "model/poisson.h"

enum { RATE, WEIGHT, N_PARAMS };
enum { DRAW_SHIFT = 20, MAX_REPEAT = 4096 };
static const double MEAN_PER_DRAW = 8;
static const cls_param_info params[N_PARAMS] = {
    {"rate_hz", "spikes/s", 0, 0, 3e8, true, "rate of the spike train of each neuron"},
    {"weight", "weight unit of the receptor", 1, -1e9, 1e9, false, "weight of each spike"},
};

static void derive(const double *p, double h, float *k) {
  (void)h;
  k[0] = (float)p[WEIGHT];
}

static cls_status check(const double *p, double h) {
  double limit = MEAN_PER_DRAW * MAX_REPEAT / h * 1000;
  CLS_CHECK(p[RATE] <= limit, CLS_ERR_INPUT, "rate_hz %g: expected at most %g at a step of %g ms", p[RATE],
            limit, h);
  return CLS_OK;
}

/* threshold[j] = P(count <= j) 2^32: a word at or above it means a count above j. The list ends where the
 * tail is below 2^-32. */
static int table(double rate, double h, uint32_t *threshold, int *repeat) {
  double mean = rate * h / 1000;
  *repeat = mean > MEAN_PER_DRAW ? (int)ceil(mean / MEAN_PER_DRAW) : 1;
  mean /= *repeat;
  double mass = cls_exp(-mean), sum = mass;
  int n = 0;
  while (n < CLS_MAX_TABLE && sum < 1.0 - 0x1p-33) {
    threshold[n++] = (uint32_t)(sum * 0x1p32);
    mass *= mean / n;
    sum += mass;
  }
  return n;
}

CLS_CLONES static void add_counts(const cls_tile *t, int stride) {
  if (t->table_n == 0) return; /* a rate of 0: no word is needed */
  float *restrict input = t->input[t->receptor];
  const float *weight = t->konst[0];
  _Alignas(64) uint32_t word[CLS_TILE];
  _Alignas(64) int32_t count[CLS_TILE];
  const int n = t->n & ~15;
  for (int i = 0; i < n; i++) count[i] = 0;
  for (int r = 0; r < t->repeat; r++) {
    cls_noise_fill(t->key, t->first / CLS_NOISE_GROUP, (n + CLS_NOISE_GROUP - 1) / CLS_NOISE_GROUP,
                   t->step_lo, t->step_hi, t->member + ((uint32_t)r << DRAW_SHIFT), word);
    for (int j = 0; j < t->table_n; j++) {
      const uint32_t threshold = t->table[j];
      for (int i = 0; i < n; i++) count[i] += word[i] >= threshold;
    }
  }
  if (stride)
    for (int i = 0; i < n; i++) input[i] = fmaf((float)count[i], weight[i], input[i]);
  else
    for (int i = 0; i < n; i++) input[i] = fmaf((float)count[i], weight[0], input[i]);
}
static void tile_shared(const cls_tile *t) { add_counts(t, 0); }
static void tile_varied(const cls_tile *t) { add_counts(t, 1); }

static void one(const cls_tile *t, int i, int stride) {
  int32_t count = 0;
  for (int r = 0; r < t->repeat; r++)
    count += poisson_count(t->table, t->table_n,
                           cls_noise_word(t->key, t->first + (uint32_t)i, t->step_lo, t->step_hi,
                                          t->member + ((uint32_t)r << DRAW_SHIFT)));
  t->input[t->receptor][i] = fmaf((float)count, t->konst[0][i * stride], t->input[t->receptor][i]);
}

#define POISSON_MODEL                                                                                        \
  .params = params, .n_params = N_PARAMS, .n_consts = CLS_COUNT(poisson_CONSTS), .is_input = true,           \
  .needs_port = true, .takes_waveform = true, .level = "rate_hz", .derive = derive, .check = check,          \
  .table = table, .tile_shared = tile_shared, .tile_varied = tile_varied, .one = one

const cls_model cls_model_poisson = {
    .name = "poisson",
    .title = "independent Poisson spike trains",
    .citation = "",
    POISSON_MODEL,
};

/* The same process; what it adds is that a waveform must say how the rate changes. */
const cls_model cls_model_inhomogeneous_poisson = {
    .name = "inhomogeneous_poisson",
    .title = "independent Poisson spike trains whose rate is rate_hz times a waveform",
    .citation = "",
    .needs_waveform = true,
    POISSON_MODEL,
};

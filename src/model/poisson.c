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

/* Fills `edge`. A mean of at most 8 puts the first at 21 or above. */
static void find_edges(cls_count_table *table) {
  uint32_t last = 0;
  table->n_edges = 0;
  for (int j = 0; j < table->n; j++) {
    uint32_t edge = table->threshold[j] >> 16;
    if (edge <= last) edge = last + 1;
    if (edge > UINT16_MAX) break;
    table->edge[table->n_edges++] = (uint16_t)edge;
    last = edge;
  }
}

/* threshold[j] = P(count <= j) 2^32: a word at or above it means a count above j. The list ends where the
 * tail is below 2^-32. */
static void make_table(double rate, double h, cls_count_table *table) {
  double mean = rate * h / 1000;
  table->repeat = mean > MEAN_PER_DRAW ? (int)ceil(mean / MEAN_PER_DRAW) : 1;
  mean /= table->repeat;
  double mass = cls_exp(-mean), sum = mass;
  table->n = 0;
  while (table->n < CLS_MAX_TABLE && sum < 1.0 - 0x1p-33) {
    table->threshold[table->n++] = (uint32_t)(sum * 0x1p32);
    mass *= mean / table->n;
    sum += mass;
  }
  find_edges(table);
}

/* ---- counts of many neurons ---- */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "halves of words are read in the order of memory");

/* The halves of a tile, whose first neuron may be the middle one of a group of words. */
enum { GROUP = 2 * CLS_NOISE_GROUP };
typedef union {
  uint32_t word[CLS_TILE / 2 + CLS_NOISE_GROUP];
  uint16_t half[CLS_TILE + GROUP];
} tile_halves;

/* Makes sum[i] twice the number of edges below half[i], plus one where it equals an edge: the half of it is the count,
 * and an odd one says that the low half must decide. An edge at e takes three operations on as many neurons as a vector
 * has 16-bit lanes: min(max(half, e - 1), e + 1) is e - 1, e or e + 1, and what exceeds e - 1 is the contribution. Two
 * edges at a time, so that sums are not stored and loaded more often than needed. */
CLS_FN void count_edges(const cls_count_table *table, int n, const uint16_t *restrict half,
                        uint16_t *restrict sum) {
  uint16_t base = 0;
  for (int j = 0; j < table->n_edges; j += 2) {
    const uint16_t e = table->edge[j], f = j + 1 < table->n_edges ? table->edge[j + 1] : UINT16_MAX;
    const uint16_t e_low = e - 1, f_low = f - (j + 1 < table->n_edges);
    const uint16_t e_high = e + (e < UINT16_MAX), f_high = f + (f < UINT16_MAX);
    base = (uint16_t)(base + e_low + f_low);
    for (int i = 0; i < n; i++) {
      uint16_t x = half[i] > e_low ? half[i] : e_low, y = half[i] > f_low ? half[i] : f_low;
      x = x < e_high ? x : e_high, y = y < f_high ? y : f_high;
      sum[i] = (uint16_t)((j > 0 ? sum[i] : 0) + x + y);
    }
  }
  for (int i = 0; i < n; i++) sum[i] = (uint16_t)(sum[i] - base);
}

/* Adds the counts of draw r to `count`. */
CLS_FN void add_draw(const cls_tile *t, int n, uint32_t c3, uint16_t *restrict count) {
  _Alignas(64) tile_halves halves;
  _Alignas(64) uint16_t sum[CLS_TILE];
  const uint32_t group = t->first / GROUP, last = (t->first + (uint32_t)n + GROUP - 1) / GROUP;
  cls_noise_fill(t->key, group, (int)(last - group), t->step_lo, t->step_hi, c3, halves.word);
  const uint16_t *half = halves.half + t->first % GROUP;
  count_edges(t->table, n, half, sum);
  uint16_t odd = 0;
  for (int i = 0; i < n; i++) {
    count[i] = (uint16_t)(count[i] + (sum[i] >> 1));
    odd |= sum[i];
  }
  for (int i = 0; i < n && odd & 1; i++) {
    if (!(sum[i] & 1)) continue;
    int32_t exact = poisson_count(t->table->threshold, t->table->n, half[i], t->key, t->first + (uint32_t)i,
                                  t->step_lo, t->step_hi, c3);
    count[i] = (uint16_t)(count[i] - (sum[i] >> 1) + exact);
  }
}

CLS_CLONES static void add_counts(const cls_tile *t, int stride) {
  if (t->table->n == 0) return; /* a rate of 0: no word is needed */
  float *restrict input = t->input[t->receptor];
  const float *weight = t->konst[0];
  _Alignas(64) uint16_t count[CLS_TILE] = {0};
  const int n = t->n & ~15;
  for (int r = 0; r < t->table->repeat; r++) add_draw(t, n, t->member + ((uint32_t)r << DRAW_SHIFT), count);
  if (stride)
    for (int i = 0; i < n; i++) input[i] = fmaf((float)count[i], weight[i], input[i]);
  else
    for (int i = 0; i < n; i++) input[i] = fmaf((float)count[i], weight[0], input[i]);
}
static void tile_shared(const cls_tile *t) { add_counts(t, 0); }
static void tile_varied(const cls_tile *t) { add_counts(t, 1); }

static void one(const cls_tile *t, int i, int stride) {
  int32_t count = 0;
  for (int r = 0; r < t->table->repeat; r++) {
    uint32_t at = t->first + (uint32_t)i, c3 = t->member + ((uint32_t)r << DRAW_SHIFT);
    count += poisson_count(t->table->threshold, t->table->n,
                           cls_noise_half(t->key, at, t->step_lo, t->step_hi, c3), t->key, at, t->step_lo,
                           t->step_hi, c3);
  }
  t->input[t->receptor][i] = fmaf((float)count, t->konst[0][i * stride], t->input[t->receptor][i]);
}

#define POISSON_MODEL                                                                                        \
  .params = params, .n_params = N_PARAMS, .n_consts = CLS_COUNT(poisson_CONSTS), .is_input = true,           \
  .needs_port = true, .takes_waveform = true, .level = "rate_hz", .derive = derive, .check = check,          \
  .table = make_table, .tile_shared = tile_shared, .tile_varied = tile_varied, .one = one

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

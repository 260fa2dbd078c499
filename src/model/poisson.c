#include "model/poisson.h"

enum { RATE, WEIGHT, N_PARAMS };
enum { MAX_REPEAT = 4096 };
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

/* Makes count[i] the number of edges that half[i] reaches, and returns whether some half word equals an edge, so that its
 * low half must decide; doubtful[i] says which. An edge at e takes three operations on as many neurons as a vector has
 * 16-bit lanes: min(max(half, e - 1), e + 1) is e - 1, e or e + 1, and what exceeds e - 1 adds 2 for every edge below and 1
 * for one that is equal. Two edges at a time, so that sums are not stored and loaded more often than needed. */
CLS_FN bool count_edges(const cls_count_table *table, int n, const uint16_t *restrict half,
                        uint16_t *restrict count, uint16_t *restrict doubtful) {
  uint16_t base = 0, any = 0;
  for (int j = 0; j < table->n_edges; j += 2) {
    const uint16_t e = table->edge[j], f = j + 1 < table->n_edges ? table->edge[j + 1] : UINT16_MAX;
    const uint16_t e_low = e - 1, f_low = f - (j + 1 < table->n_edges);
    const uint16_t e_high = e + (e < UINT16_MAX), f_high = f + (f < UINT16_MAX);
    base = (uint16_t)(base + e_low + f_low);
    for (int i = 0; i < n; i++) {
      uint16_t x = half[i] > e_low ? half[i] : e_low, y = half[i] > f_low ? half[i] : f_low;
      x = x < e_high ? x : e_high, y = y < f_high ? y : f_high;
      count[i] = (uint16_t)((j > 0 ? count[i] : 0) + x + y);
    }
  }
  for (int i = 0; i < n; i++) {
    const uint16_t sum = (uint16_t)(count[i] - base);
    count[i] = sum >> 1;
    doubtful[i] = sum & 1;
    any |= doubtful[i];
  }
  return any;
}

#if defined(__x86_64__) && (!defined(CALLOSUM_NO_CLONES) || defined(__AVX512BW__))
#include <immintrin.h>
#define HAVE_MASKS 1
/* The same with masks: one comparison and one masked addition per edge and 32 neurons; then the greatest edge that a half
 * word reaches is looked up by its count (measured per neuron with 11 edges: .11 ns against .24). */
__attribute__((target("avx512f,avx512bw"))) static bool
count_edges_masked(const cls_count_table *table, int n, const uint16_t *restrict half,
                   uint16_t *restrict count, uint16_t *restrict doubtful) {
  const __m512i one = _mm512_set1_epi16(1), edges = _mm512_loadu_si512(table->edge);
  __mmask32 any = 0;
  for (int i = 0; i < n; i += 32) {
    const __m512i x = _mm512_loadu_si512(half + i);
    __m512i reached = _mm512_setzero_si512();
    for (int j = 0; j < table->n_edges; j++) {
      const __mmask32 reaches = _mm512_cmpge_epu16_mask(x, _mm512_set1_epi16((short)table->edge[j]));
      reached = _mm512_mask_add_epi16(reached, reaches, reached, one);
    }
    const __m512i last = _mm512_permutexvar_epi16(_mm512_sub_epi16(reached, one), edges);
    const __mmask32 equal = _mm512_mask_cmpeq_epi16_mask(_mm512_test_epi16_mask(reached, reached), x, last);
    _mm512_storeu_si512(count + i, reached);
    _mm512_storeu_si512(doubtful + i, _mm512_maskz_mov_epi16(equal, one));
    any |= equal;
  }
  return any;
}
#endif

/* The masked form looks at 32 edges at most: any mean below 8 has fewer. */
CLS_FN bool find_counts(const cls_count_table *table, int n, const uint16_t *restrict half,
                        uint16_t *restrict count, uint16_t *restrict doubtful) {
#ifdef HAVE_MASKS
  if (table->n_edges <= 32 && __builtin_cpu_supports("avx512bw"))
    return count_edges_masked(table, n, half, count, doubtful);
#endif
  return count_edges(table, n, half, count, doubtful);
}

/* Makes `count` the counts of one draw. */
CLS_FN void draw_counts(const cls_tile *t, int n, uint32_t c3, uint16_t *restrict count) {
  _Alignas(64) tile_halves halves;
  _Alignas(64) uint16_t doubtful[CLS_TILE];
  const uint32_t group = t->first / GROUP, last = (t->first + (uint32_t)n + GROUP - 1) / GROUP;
  cls_noise_fill(t->key, group, (int)(last - group), t->step_lo, t->step_hi, c3, halves.word);
  const uint16_t *half = halves.half + t->first % GROUP;
  if (!find_counts(t->table, n, half, count, doubtful)) return;
  for (int i = 0; i < n; i++)
    if (doubtful[i])
      count[i] = (uint16_t)poisson_count(t->table->threshold, t->table->n, half[i], t->key,
                                         t->first + (uint32_t)i, t->step_lo, t->step_hi, c3);
}

CLS_CLONES static void add_counts(const cls_tile *t, int stride) {
  if (t->table->n == 0) return; /* a rate of 0: no word is needed */
  float *restrict input = t->input[t->receptor];
  const float *weight = t->konst[0];
  _Alignas(64) uint16_t count[CLS_TILE], more[CLS_TILE];
  const int n = t->n & ~15;
  draw_counts(t, n, t->member, count);
  for (int r = 1; r < t->table->repeat; r++) {
    draw_counts(t, n, t->member + ((uint32_t)r << POISSON_DRAW_SHIFT), more);
    for (int i = 0; i < n; i++) count[i] = (uint16_t)(count[i] + more[i]);
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
  for (int r = 0; r < t->table->repeat; r++) {
    uint32_t at = t->first + (uint32_t)i, c3 = t->member + ((uint32_t)r << POISSON_DRAW_SHIFT);
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

static const cls_figure figures[] = {
    {"counts",
     "numbers of spikes per step at means from 0.001 to 50, with the Poisson distribution: chi-square, and "
     "moments in standard errors",
     4, "sd", "model/test_poisson.c"},
    {"table", "the cumulative distribution, with its sum in long double", 1, "units of 2^-32",
     "model/test_poisson.c"},
};

const cls_model cls_model_poisson = {
    .name = "poisson",
    .title = "independent Poisson spike trains",
    .citation = "ours: inversion of the cumulative distribution (Devroye, Non-Uniform Random Variate "
                "Generation, 1986, III.2)",
    .doc = {.equations = "input(s) = weight N(s);   P(N(s) = k) = m^k e^-m / k!,   m = rate level(t) dt\n",
            .method = "counts by inversion of the cumulative distribution with 32-bit numbers",
            .order = 0,
            .spike_order = 0,
            CLS_FIGURES},
    POISSON_MODEL,
};

static const cls_figure followed[] = {
    {"counts",
     "numbers of spikes in windows of 5 ms, with the Poisson distribution of the integrated rate: chi-square",
     4, "sd", "engine/test_inputs.c"},
};

/* The same process; what it adds is that a waveform must say how the rate changes. */
const cls_model cls_model_inhomogeneous_poisson = {
    .name = "inhomogeneous_poisson",
    .title = "independent Poisson spike trains whose rate is rate_hz times a waveform",
    .citation = "as poisson",
    .needs_waveform = true,
    .doc = {.equations = "input(s) = weight N(s);   P(N(s) = k) = m^k e^-m / k!,   m = rate level(t) dt\n",
            .method = "as poisson, of the rate in the middle of the step",
            .order = 2,
            .spike_order = 0,
            .figures = followed,
            .n_figures = sizeof followed / sizeof *followed},
    POISSON_MODEL,
};

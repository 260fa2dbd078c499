/* The network of the floor: sizes, rows, spikes. Numbers of T. C. Potjans & M. Diesmann, Cereb. Cortex 24:785 (2014),
 * tables 4 and 5, and rates of the NEST implementation. */
#include "floor.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { ROW_MAX = 1 << 16, DELAY_DRAWS = 1 << 16 };

static const int model_size[POPULATIONS] = {20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948};
static const double rate_hz[POPULATIONS] = {.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829};
static const double background[POPULATIONS] = {1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100};
/* Probability that a pair is connected, [target][source]. */
static const double probability[POPULATIONS][POPULATIONS] = {
    {.1009, .1689, .0437, .0818, .0323, 0, .0076, 0},
    {.1346, .1371, .0316, .0515, .0755, 0, .0042, 0},
    {.0077, .0059, .0497, .1350, .0067, .0003, .0453, 0},
    {.0691, .0029, .0794, .1597, .0033, 0, .1057, 0},
    {.1004, .0622, .0505, .0057, .0831, .3726, .0204, 0},
    {.0548, .0269, .0257, .0022, .0600, .3158, .0086, 0},
    {.0156, .0066, .0211, .0166, .0572, .0197, .0396, .2252},
    {.0364, .0010, .0034, .0005, .0277, .0080, .0658, .1443}};
static const double weight_pa = 87.8085;
static const double background_pa = .3512;       /* mean current of a background synapse at 8 spikes/s */
static const double gain_mv_pa = 3.980066503e-4; /* of a constant current over one step */

/* splitmix64: Steele, Lea & Flood, OOPSLA 2014. */
static inline uint64_t draw(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
static double draw_uniform(uint64_t *state) { return ((double)(draw(state) >> 11) + 0.5) * 0x1p-53; }
static double draw_gaussian(uint64_t *state) {
  double radius = sqrt(-2 * log(draw_uniform(state)));
  return radius * cos(6.283185307179586 * draw_uniform(state));
}

static void *checked(void *memory) {
  if (memory == NULL) floor_fail("no memory");
  return memory;
}

/* Zeroed, on pages of 2 MiB where the system has them. Never given back. */
static void *large(size_t bytes) {
  const size_t page = 2 << 20;
  bytes = (bytes + page) & ~(page - 1);
  char *start = mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) floor_fail("no memory");
  start = (char *)(((uintptr_t)start + page - 1) & ~(page - 1));
  (void)madvise(start, bytes, MADV_HUGEPAGE); /* a wish */
  return start;
}

static void draw_spikes(network *net) {
  uint64_t state = 3;
  size_t capacity = 4096, n = 0;
  net->spike = checked(malloc(capacity * sizeof *net->spike));
  net->spikes_before = checked(malloc(((size_t)net->steps + 1) * sizeof *net->spikes_before));
  for (int t = 0; t < net->steps; t++) {
    net->spikes_before[t] = (uint32_t)n;
    for (int p = 0; p < POPULATIONS; p++) {
      double none = exp(-net->size[p] * rate_hz[p] * dt_ms * 1e-3);
      for (double left = draw_uniform(&state); left > none; left *= draw_uniform(&state)) {
        if (n == capacity) net->spike = checked(realloc(net->spike, (capacity *= 2) * sizeof *net->spike));
        net->spike[n++] = (uint32_t)(net->first[p] + (int)(draw_uniform(&state) * net->size[p]));
      }
    }
  }
  net->spikes_before[net->steps] = (uint32_t)n;
}

void floor_make_network(network *net, double scale, int steps) {
  for (int p = 0; p < POPULATIONS; p++) {
    net->size[p] = (int)lrint(model_size[p] * scale);
    net->first[p + 1] = net->first[p] + net->size[p];
  }
  for (int p = 0; p < POPULATIONS; p++)
    for (int s = 0; s < POPULATIONS; s++) {
      double pairs = (double)model_size[p] * model_size[s];
      net->outdegree[p][s] = log1p(-probability[p][s]) / log1p(-1 / pairs) / model_size[s] * scale;
    }
  uint64_t state = 1;
  for (int receptor = 0; receptor < RECEPTORS; receptor++) {
    double mean = (receptor == 0 ? 1.5 : 0.75) / dt_ms;
    net->delay[receptor] = checked(malloc(DELAY_DRAWS));
    for (int i = 0; i < DELAY_DRAWS; i++) {
      long delay;
      do delay = lrint(mean + mean / 2 * draw_gaussian(&state));
      while (delay < 1 || delay >= DELAYS);
      net->delay[receptor][i] = (uint8_t)delay;
    }
  }
  for (int i = 0; i < 256; i++) net->deviation[i] = (float)(0.1 * draw_gaussian(&state));
  net->steps = steps;
  draw_spikes(net);
}

void floor_free_network(network *net) {
  for (int receptor = 0; receptor < RECEPTORS; receptor++) free(net->delay[receptor]);
  free(net->spike);
  free(net->spikes_before);
}

/* The synapses of a source of population p onto one thread's neurons, ordered by delay. Returns how many. */
static uint32_t draw_row(const network *net, const share *own, int p, uint64_t *state, int32_t *synapse,
                         uint16_t *end) {
  static _Thread_local int32_t drawn[ROW_MAX];
  static _Thread_local uint8_t delay[ROW_MAX];
  uint32_t n = 0, position[DELAYS] = {0}, sum = 0;
  for (int q = 0; q < POPULATIONS; q++) {
    int targets = own->begin[q + 1] - own->begin[q];
    float factor = p % 2 == 1 ? -4.0f : p == 2 && q == 0 ? 2.0f : 1.0f;
    float weight = factor * (float)(weight_pa / unit_pa);
    double expected = net->outdegree[q][p] * targets / net->size[q];
    for (int left = (int)(expected + draw_uniform(state)); left > 0; left--, n++) {
      uint64_t word = draw(state);
      uint32_t target = (uint32_t)own->begin[q] + (uint32_t)(((word >> 32) * (uint64_t)targets) >> 32);
      int32_t units = (int32_t)(weight * (1 + net->deviation[word >> 16 & 0xff]));
      drawn[n] = (int32_t)((uint32_t)units << TARGET_BITS | target);
      delay[n] = net->delay[p % 2][word & (DELAY_DRAWS - 1)];
      position[delay[n]]++;
    }
  }
  for (int d = 0; d < DELAYS; d++) {
    uint32_t count = position[d];
    position[d] = sum;
    end[d] = (uint16_t)(sum += count);
  }
  for (uint32_t i = 0; i < n; i++) synapse[position[delay[i]]++] = drawn[i];
  return n;
}

static void draw_rows(const network *net, share *own, int thread) {
  size_t sources = (size_t)net->first[POPULATIONS];
  double synapses = 0;
  for (int p = 0; p < POPULATIONS; p++)
    for (int s = 0; s < POPULATIONS; s++)
      synapses += net->outdegree[p][s] * net->size[s] * (own->begin[p + 1] - own->begin[p]) / net->size[p];
  own->synapse = large((size_t)(synapses * 1.01 + 1e5) * sizeof *own->synapse);
  own->row = large(sources * sizeof *own->row);
  own->end = large(sources * DELAYS * sizeof *own->end);
  uint64_t state = 1000 + (uint64_t)thread;
  uint32_t n = 0;
  for (int p = 0; p < POPULATIONS; p++)
    for (int s = net->first[p]; s < net->first[p + 1]; s++) {
      own->row[s] = n;
      n += draw_row(net, own, p, &state, own->synapse + n, own->end + (size_t)s * DELAYS);
    }
}

void floor_make_share(const network *net, share *own, int thread, int threads) {
  for (int p = 0; p < POPULATIONS; p++) {
    int64_t size = net->size[p];
    own->begin[p + 1] = own->begin[p] + (int)(size * (thread + 1) / threads - size * thread / threads);
    own->background_mv[p] = (float)(background[p] * background_pa * gain_mv_pa);
  }
  draw_rows(net, own, thread);
  /* A spike has one run per step at most. An odd number of lines: were the lists a power of two apart, their heads would
   * share a cache set, and appending take 10 ns instead of 3. */
  uint32_t most = 0;
  for (int t = 0; t < net->steps; t++) {
    int last = t + DELAYS < net->steps ? t + DELAYS : net->steps;
    uint32_t spikes = net->spikes_before[last] - net->spikes_before[t];
    most = spikes > most ? spikes : most;
  }
  own->capacity = ((most + 7) / 8 | 1) * 8;
  own->list = large((own->capacity + AHEAD) * sizeof *own->list);
  size_t neurons = (size_t)own->begin[POPULATIONS];
  own->v_mv = large(neurons * sizeof *own->v_mv);
  own->refractory_steps = large(neurons * sizeof *own->refractory_steps);
  for (int receptor = 0; receptor < RECEPTORS; receptor++) {
    own->calendar[receptor] = large((size_t)DELAYS * own->capacity * sizeof(run));
    own->input[receptor] = large(neurons * sizeof(int32_t));
    own->current_pa[receptor] = large(neurons * sizeof(float));
  }
}

/* Drawing synapses: what all rules share. Words of random numbers come in batches, so that Philox runs in
 * vectors; weights and delays are made from them here; partners in draw_indegree.c and draw_cells.c. */
#include <stdlib.h>

#include "network/internal.h"

/* The loop over a batch is compiled for several widths of vectors; integers only, so the same numbers. */
#if defined(__x86_64__) && !defined(CALLOSUM_NO_CLONES)
#define DRAW_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DRAW_CLONES
#endif

/* Philox4x32-10 of n counters, lane by lane: what cls_draw computes, with the counters side by side (Salmon
 * et al. 2011; constants as in Random123). */
DRAW_CLONES static void philox_batch(cls_stream stream, const uint32_t *restrict c0,
                                     const uint32_t *restrict c1, const uint32_t *restrict c2, uint32_t c3,
                                     int n, uint32_t *restrict w0, uint32_t *restrict w1,
                                     uint32_t *restrict w2, uint32_t *restrict w3) {
  for (int i = 0; i < n; i++) {
    uint32_t x0 = c0[i], x1 = c1[i], x2 = c2[i], x3 = c3, k0 = stream.key[0], k1 = stream.key[1];
    for (int round = 0; round < 10; round++) {
      uint64_t p = (uint64_t)x0 * PHILOX_M4x32_0, q = (uint64_t)x2 * PHILOX_M4x32_1;
      x0 = (uint32_t)(q >> 32) ^ x1 ^ k0;
      x2 = (uint32_t)(p >> 32) ^ x3 ^ k1;
      x1 = (uint32_t)q;
      x3 = (uint32_t)p;
      k0 += PHILOX_W32_0;
      k1 += PHILOX_W32_1;
    }
    w0[i] = x0;
    w1[i] = x1;
    w2[i] = x2;
    w3[i] = x3;
  }
}

void cls_drawing_words(cls_drawing *d, int at, int m) {
  philox_batch(d->stream, d->c[0] + at, d->c[1] + at, d->c[2] + at, CLS_LANE_SYNAPSE << 24, m, d->w[0] + at,
               d->w[1] + at, d->w[2] + at, d->w[3] + at);
}

void cls_drawing_lane_words(const cls_drawing *d, uint32_t lane, int at, int m, uint32_t *word) {
  uint32_t unused[3][CLS_DRAW_BATCH];
  philox_batch(d->stream, d->c[0] + at, d->c[1] + at, d->c[2] + at, lane << 24, m, word, unused[0], unused[1],
               unused[2]);
}

/* ---- weights and delays ---- */

/* Nearest integer, ties to even (the default rounding mode; one instruction). */
static inline int32_t nearest(double x) { return (int32_t)lrint(x); }

static void make_weights(cls_drawing *d) {
  if (!d->draw_weight[0] && !d->draw_weight[1] && !d->factors && !d->listed_weight[0]) {
    for (int i = 0; i < d->n; i++) d->out[i].weight = d->weight;
    return;
  }
  const cls_distribution *weight = d->projection->weight;
  cls_reader more = cls_reader_make(d->stream, 0, 0, 0);
  for (int r = 0; r < d->receptors; r++) {
    for (int i = 0; i < d->n; i++) {
      double quanta = d->constant[r];
      if (d->listed_weight[r]) {
        quanta = d->listed_weight[r][i] * d->per_quantum[r];
      } else if (d->draw_weight[r]) {
        cls_drawing_seek(&more, d, i, CLS_LANE_WEIGHT + (uint32_t)r);
        quanta = cls_distribution_from_word(&weight[r], d->w[1 + r][i], &more) * d->per_quantum[r];
      }
      if (d->factors) quanta *= d->sources[d->column[i]].factor;
      uint32_t stored = (uint32_t)nearest(quanta);
      d->out[i].weight = (uint16_t)(r == 0 ? stored : d->out[i].weight | stored << 8);
    }
  }
}

static void make_delays(cls_drawing *d) {
  if (!d->draw_delay && !d->more_delay) {
    for (int i = 0; i < d->n; i++) d->out[i].delay = d->sources[d->column[i]].steps;
    return;
  }
  const cls_distribution *delay = &d->projection->delay_ms;
  cls_reader more = cls_reader_make(d->stream, 0, 0, 0);
  for (int i = 0; i < d->n; i++) {
    double drawn = d->delay_ms;
    if (d->draw_delay) {
      cls_drawing_seek(&more, d, i, CLS_LANE_DELAY);
      drawn = cls_distribution_from_word(delay, d->w[3][i], &more);
    }
    if (d->more_delay) drawn += d->more_delay[i];
    d->out[i].delay = (uint16_t)cls_delay_steps(d->sources[d->column[i]].delay_ms + drawn, d->dt_ms);
  }
}

cls_status cls_drawing_emit(cls_drawing *d) {
  if (d->n == 0) return CLS_OK;
  for (int i = 0; i < d->n; i++) {
    d->out[i].source = d->sources[d->column[i]].first + d->source[i];
    d->out[i].target = d->target[i];
  }
  if (d->want_weight) make_weights(d);
  if (d->want_delay) make_delays(d);
  int n = d->n;
  d->n = 0;
  return d->sink(d->context, d->out, n);
}

/* ---- one call ---- */

static void prepare_weights(cls_drawing *d) {
  const cls_network *network = d->network;
  const cls_projection *projection = d->projection;
  const cls_model *model = network->populations[projection->target].model;
  d->receptors = model->ports[projection->port].receptors;
  int receptor = cls_model_port_receptor(model, projection->port);
  bool listed = projection->edges && projection->edges->weights > 0;
  for (int r = 0; r < d->receptors; r++) {
    d->per_quantum[r] = 1 / (double)network->quantum[projection->target][receptor + r]; /* exact */
    if (listed) continue;
    if (projection->weight[r].kind == CLS_CONSTANT) {
      d->constant[r] = cls_distribution_lower(&projection->weight[r]) * d->per_quantum[r];
      int32_t stored = nearest(d->constant[r]);
      d->weight = (uint16_t)(r == 0 ? stored : d->weight | stored << 8);
    } else {
      d->draw_weight[r] = d->want_weight;
    }
  }
}

static cls_status prepare_sources(cls_drawing *d) {
  const cls_projection *projection = d->projection;
  CLS_TRY(cls_alloc(&d->sources, projection->n_sources, sizeof *d->sources, "sources of a projection"));
  d->dt_ms = d->network->dt_ms;
  bool constant = projection->delay_ms.kind == CLS_CONSTANT;
  d->draw_delay = d->want_delay && !constant;
  d->delay_ms = constant ? cls_distribution_lower(&projection->delay_ms) : 0;
  for (uint32_t i = 0; i < projection->n_sources; i++) {
    const cls_population *population = &d->network->populations[projection->sources[i].population];
    cls_draw_source *source = &d->sources[i];
    source->first = population->first;
    source->skip_self = !projection->autapses && projection->sources[i].population == projection->target;
    source->candidates = (uint32_t)population->n - source->skip_self;
    source->delay_ms = projection->sources[i].delay_ms;
    source->factor = projection->factor ? projection->factor[i] : 1;
    d->factors = d->factors || source->factor != 1;
    if (constant) source->steps = (uint16_t)cls_delay_steps(source->delay_ms + d->delay_ms, d->dt_ms);
  }
  return CLS_OK;
}

static cls_status draw(cls_drawing *d) {
  CLS_TRY(prepare_sources(d));
  prepare_weights(d);
  switch (d->projection->rule) {
  case CLS_ONE_TO_ONE:
    CLS_TRY(cls_draw_one_to_one(d));
    break;
  case CLS_ALL_TO_ALL:
    CLS_TRY(cls_draw_all_to_all(d));
    break;
  case CLS_FIXED_INDEGREE:
    CLS_TRY(cls_draw_indegree(d));
    break;
  case CLS_FIXED_TOTAL_NUMBER:
  case CLS_PAIRWISE_BERNOULLI:
    CLS_TRY(cls_draw_cells(d));
    break;
  case CLS_FIXED_OUTDEGREE:
    CLS_TRY(cls_draw_outdegree(d));
    break;
  case CLS_EXPLICIT:
    CLS_TRY(cls_draw_explicit(d));
    break;
  }
  return cls_drawing_emit(d);
}

cls_status cls_projection_draw(const cls_network *network, const cls_projection *projection, uint64_t first,
                               uint64_t n, int what, cls_synapse_sink sink, void *context) {
  uint64_t targets = network->populations[projection->target].n;
  CLS_CHECK(network->quantum, CLS_ERR_INTERNAL, "projection '%s' is drawn before the network is finished",
            projection->name);
  CLS_CHECK(first <= targets && n <= targets - first, CLS_ERR_INTERNAL,
            "projection '%s': neurons %llu ... + %llu of %llu are drawn", projection->name,
            (unsigned long long)first, (unsigned long long)n, (unsigned long long)targets);
  if (n == 0) return CLS_OK;
  cls_drawing *d;
  CLS_TRY(cls_alloc(&d, 1, sizeof *d, "batch of synapses"));
  d->network = network;
  d->projection = projection;
  d->stream = cls_stream_make(network->seed, CLS_PURPOSE_CONNECT, projection->key);
  d->first = first;
  d->last = first + n;
  d->sink = sink;
  d->context = context;
  d->want_weight = what & CLS_DRAW_WEIGHT;
  d->want_delay = what & CLS_DRAW_DELAY;
  cls_status status = draw(d);
  free(d->sources);
  free(d);
  return status;
}

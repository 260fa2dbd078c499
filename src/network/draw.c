/* Drawing synapses: what all rules share. Words of random numbers come in batches, so that Philox runs in
 * vectors; weights and delays are made from them here; partners in draw_indegree.c and draw_rows.c. */
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "network/internal.h"

/* Loops over a batch are compiled for several widths of vectors; every operation is rounded as in the others. */
#if defined(__x86_64__) && !defined(CALLOSUM_NO_CLONES)
#define DRAW_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DRAW_CLONES
#endif

void cls_drawing_words(cls_drawing *d, int at, int m) {
  uint32_t *const word[4] = {d->w[0] + at, d->w[1] + at, d->w[2] + at, d->w[3] + at};
  cls_draw_many(d->stream, d->c[0] + at, d->c[1] + at, d->c[2] + at, CLS_LANE_SYNAPSE << 24, m, word);
}

void cls_drawing_lane_words(const cls_drawing *d, uint32_t lane, int at, int m, uint32_t *word) {
  uint32_t unused[3][CLS_DRAW_BATCH];
  uint32_t *const to[4] = {word, unused[0], unused[1], unused[2]};
  cls_draw_many(d->stream, d->c[0] + at, d->c[1] + at, d->c[2] + at, lane << 24, m, to);
}

/* ---- weights and delays ---- */

/* Values of a distribution for the whole batch. The few that need more words find them in `lane`. */
static void draw_values(const cls_drawing *d, const cls_distribution *distribution, const uint32_t *word,
                        uint32_t lane, double *value) {
  int again[CLS_DRAW_BATCH], n = cls_distribution_many(distribution, word, d->n, value, again);
  if (n == 0) return;
  cls_reader more = cls_reader_make(d->stream, 0, 0, 0);
  for (int k = 0; k < n; k++) {
    const int i = again[k];
    cls_drawing_seek(&more, d, i, lane);
    value[i] = cls_distribution_confined(distribution, word[i], value[i], &more);
  }
}

DRAW_CLONES static void round_weights(const double *restrict quanta, int n, uint16_t *restrict weight) {
  for (int i = 0; i < n; i++) weight[i] = (uint16_t)cls_round_quanta(quanta[i]);
}
DRAW_CLONES static void add_second(const double *restrict quanta, int n, uint16_t *restrict weight) {
  for (int i = 0; i < n; i++) weight[i] = (uint16_t)(weight[i] | cls_round_quanta(quanta[i]) << 8);
}
DRAW_CLONES static void scale(double *restrict value, double factor, int n) {
  for (int i = 0; i < n; i++) value[i] *= factor;
}

static void make_weights(cls_drawing *d) {
  double quanta[CLS_DRAW_BATCH];
  if (!d->draw_weight[0] && !d->draw_weight[1] && !d->factors && !d->listed_weight[0]) {
    for (int i = 0; i < d->n; i++) d->weight_of[i] = d->weight;
    return;
  }
  for (int r = 0; r < d->receptors; r++) {
    if (d->listed_weight[r]) {
      memcpy(quanta, d->listed_weight[r], (size_t)d->n * sizeof *quanta);
      scale(quanta, d->per_quantum[r], d->n);
    } else if (d->draw_weight[r]) {
      draw_values(d, &d->projection->weight[r], d->w[1 + r], CLS_LANE_WEIGHT + (uint32_t)r, quanta);
      scale(quanta, d->per_quantum[r], d->n);
    } else {
      for (int i = 0; i < d->n; i++) quanta[i] = d->constant[r];
    }
    if (d->factors && d->projection->n_sources == 1)
      scale(quanta, d->sources[0].factor, d->n);
    else if (d->factors)
      for (int i = 0; i < d->n; i++) quanta[i] *= d->sources[d->column[i]].factor;
    (r == 0 ? round_weights : add_second)(quanta, d->n, d->weight_of);
  }
}

/* Never more than CLS_MAX_DELAY, which was checked. */
DRAW_CLONES static void round_delays(const double *restrict delay_ms, double dt_ms, int n,
                                     uint16_t *restrict steps) {
  for (int i = 0; i < n; i++) steps[i] = (uint16_t)cls_round_delay(delay_ms[i], dt_ms);
}
DRAW_CLONES static void add_all(double *restrict value, const double *restrict more, int n) {
  for (int i = 0; i < n; i++) value[i] += more[i];
}

static void make_delays(cls_drawing *d) {
  double delay[CLS_DRAW_BATCH];
  const bool one = d->projection->n_sources == 1;
  if (!d->draw_delay && !d->more_delay) {
    for (int i = 0; i < d->n; i++) d->delay_of[i] = d->sources[one ? 0 : d->column[i]].steps;
    return;
  }
  if (d->draw_delay)
    draw_values(d, &d->projection->delay_ms, d->w[3], CLS_LANE_DELAY, delay);
  else
    for (int i = 0; i < d->n; i++) delay[i] = d->delay_ms;
  if (d->more_delay) add_all(delay, d->more_delay, d->n);
  if (d->tracts)
    for (int i = 0; i < d->n; i++) delay[i] = d->sources[one ? 0 : d->column[i]].delay_ms + delay[i];
  round_delays(delay, d->dt_ms, d->n, d->delay_of);
}

void cls_drawing_values(cls_drawing *d) {
  if (d->want_weight)
    make_weights(d);
  else
    memset(d->weight_of, 0, (size_t)d->n * sizeof *d->weight_of);
  if (d->want_delay)
    make_delays(d);
  else
    memset(d->delay_of, 0, (size_t)d->n * sizeof *d->delay_of);
}

cls_status cls_drawing_emit(cls_drawing *d) {
  if (d->n == 0) return CLS_OK;
  cls_drawing_values(d);
  for (int i = 0; i < d->n; i++)
    d->out[i] = (cls_synapse){d->sources[d->column[i]].first + d->source[i], d->target[i], d->weight_of[i],
                              d->delay_of[i]};
  int n = d->n;
  d->n = 0;
  return d->sink(d->context, d->out, n);
}

/* ---- making ready ---- */

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
      uint32_t stored = cls_round_quanta(d->constant[r]);
      d->weight = (uint16_t)(r == 0 ? stored : d->weight | stored << 8);
    } else {
      d->draw_weight[r] = d->want_weight;
    }
  }
}

static void prepare_sources(cls_drawing *d, cls_draw_source *sources) {
  const cls_projection *projection = d->projection;
  d->sources = sources;
  d->dt_ms = d->network->dt_ms;
  bool constant = projection->delay_ms.kind == CLS_CONSTANT;
  d->draw_delay = d->want_delay && !constant;
  d->delay_ms = constant ? cls_distribution_lower(&projection->delay_ms) : 0;
  for (uint32_t i = 0; i < projection->n_sources; i++) {
    const cls_population *population = &d->network->populations[projection->sources[i].population];
    cls_draw_source *source = &sources[i];
    source->first = population->first;
    source->skip_self = !projection->autapses && projection->sources[i].population == projection->target;
    source->candidates = (uint32_t)population->n - source->skip_self;
    source->delay_ms = projection->sources[i].delay_ms;
    source->factor = projection->factor ? projection->factor[i] : 1;
    source->steps = 0;
    d->factors = d->factors || source->factor != 1;
    d->tracts = d->tracts || source->delay_ms != 0;
    if (constant) source->steps = (uint16_t)cls_delay_steps(source->delay_ms + d->delay_ms, d->dt_ms);
  }
}

void cls_drawing_prepare(cls_drawing *d, const cls_network *network, const cls_projection *projection,
                         cls_draw_source *sources, int what) {
  memset(d, 0, offsetof(cls_drawing, c)); /* all that this sets, and n */
  d->network = network;
  d->projection = projection;
  d->stream = cls_stream_make(network->seed, CLS_PURPOSE_CONNECT, projection->key);
  d->want_weight = what & CLS_DRAW_WEIGHT;
  d->want_delay = what & CLS_DRAW_DELAY;
  prepare_sources(d, sources);
  prepare_weights(d);
}

cls_status cls_drawing_create(cls_drawing **drawing) {
  return cls_alloc(drawing, 1, sizeof **drawing, "batch of synapses");
}

void cls_drawing_destroy(cls_drawing *drawing) {
  if (!drawing) return;
  cls_set_free(&drawing->taken);
  free(drawing->count);
  free(drawing);
}

/* ---- one call ---- */

static cls_status draw(cls_drawing *d) {
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
  case CLS_EXPLICIT:
    CLS_TRY(cls_draw_explicit(d));
    break;
  default:
    return cls_fail(CLS_ERR_INTERNAL, "projection '%s': rule %d has no draw by target", d->projection->name,
                    (int)d->projection->rule);
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
  cls_draw_source *sources = NULL;
  CLS_TRY(cls_drawing_create(&d));
  d->first = first;
  d->last = first + n;
  d->sink = sink;
  d->context = context;
  cls_status status;
  if (cls_rule_has_rows(projection->rule)) {
    d->network = network;
    d->projection = projection;
    status = cls_draw_rows(d, what);
  } else {
    status = cls_alloc(&sources, projection->n_sources, sizeof *sources, "sources of a projection");
    if (status == CLS_OK) {
      cls_drawing_prepare(d, network, projection, sources, what);
      status = draw(d);
    }
  }
  free(sources);
  cls_drawing_destroy(d);
  return status;
}

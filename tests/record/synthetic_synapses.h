/* Made-up plastic synapses of the made-up run: a function of (target, number), with weights that are one of (target,
 * number, member, step). Included by synthetic.h. */
#ifndef CALLOSUM_TESTS_SYNTHETIC_SYNAPSES_H
#define CALLOSUM_TESTS_SYNTHETIC_SYNAPSES_H

enum { SYN_PROJECTIONS = 3, SYN_MOST_SYNAPSES = 5 };

/* The population that a projection is onto: neurons there have 0 to 4 synapses of it. */
static const uint32_t syn_onto[SYN_PROJECTIONS] = {2, 12, 7};
static cls_plasticity syn_plasticity = {.has_stdp = true, .stdp = {.w_max = 16}};
static cls_projection syn_projections[SYN_PROJECTIONS] = {
    {.name = "one", .key = 11, .target = 2, .port = 1, .plasticity = &syn_plasticity},
    {.name = "two", .key = 22, .target = 12, .port = 0, .plasticity = &syn_plasticity},
    {.name = "three", .key = 33, .target = 7, .port = 0, .plasticity = &syn_plasticity}};
static float syn_quantum[SYN_POPULATIONS][CLS_MAX_RECEPTORS];
static uint32_t syn_all_projections[] = {0, 1, 2}, syn_second[] = {1};
static cls_weights syn_weights[] = {
    {.name = "all", .projection = syn_all_projections, .n = 3, .sample = 1, .interval_ms = 38.5},
    {.name = "some", .projection = syn_second, .n = 1, .sample = 0.4, .interval_ms = 5000}};

static inline int syn_before(const cls_plastic_synapse *a, const cls_plastic_synapse *b) {
  if (a->source != b->source) return a->source < b->source;
  if (a->delay != b->delay) return a->delay < b->delay;
  return a->drawn < b->drawn;
}

/* The synapses of a projection onto neuron `index` of its target population, in order: their number. Some are twins. */
static inline uint32_t syn_synapses(const synthetic *s, uint32_t projection, uint32_t index,
                                    cls_plastic_synapse *synapse) {
  const uint64_t target = s->populations[syn_onto[projection]].first + index,
                 word = cls_mix64(target * 8 + projection);
  const uint32_t n = (uint32_t)(word % SYN_MOST_SYNAPSES);
  for (uint32_t j = 0; j < n; j++) {
    const uint64_t own = word % 7 == 0 ? cls_mix64(word) : cls_mix64(word + j);
    cls_plastic_synapse made = {.source = own % s->network.n_neurons,
                                .target = target,
                                .projection = projection,
                                .delay = (uint16_t)(1 + own % 11),
                                .drawn = (int16_t)(own % 5 * 100)};
    uint32_t at = j;
    for (; at > 0 && syn_before(&made, &synapse[at - 1]); at--) synapse[at] = synapse[at - 1];
    synapse[at] = made;
  }
  return n;
}

/* v of the k-th of them, in units of 2^-30. */
static inline int32_t syn_v(uint64_t target, uint32_t projection, uint32_t k, int member, int64_t step) {
  const uint64_t what = (target * 8 + projection) * 16 + k * 2 + (uint64_t)member;
  return (int32_t)(cls_mix64(cls_mix64(what) + (uint64_t)step) % (CLS_STDP_ONE + 1ul));
}

/* Synapse k onto the i-th local index is number (projection * n_local + i) * SYN_MOST_SYNAPSES + k. */
static inline uint64_t syn_number(const synthetic *s, uint32_t projection, uint32_t local, uint32_t k) {
  return ((uint64_t)projection * s->layout.n_local + local) * SYN_MOST_SYNAPSES + k;
}

/* See cls_plastic_lister. */
static inline cls_status syn_list(const void *self, uint32_t projection, cls_plastic_synapse **list,
                                  size_t *n) {
  const synthetic *s = self;
  *list = calloc((size_t)s->layout.n_local * SYN_MOST_SYNAPSES + 1, sizeof **list);
  *n = 0;
  for (uint32_t r = 0; r < s->layout.n_ranges; r++) { /* ranges are in global order */
    const cls_range *range = &s->layout.ranges[r];
    for (uint32_t i = 0; range->population == syn_onto[projection] && i < range->n; i++) {
      const uint32_t here = syn_synapses(s, projection, range->first + i, *list + *n);
      for (uint32_t k = 0; k < here; k++) (*list)[*n + k].at = syn_number(s, projection, range->local + i, k);
      *n += here;
    }
  }
  return CLS_OK;
}

static inline void syn_fill_weights(const synthetic *s, int member, int64_t step, int32_t *v) {
  for (uint32_t p = 0; p < SYN_PROJECTIONS; p++)
    for (uint32_t r = 0; r < s->layout.n_ranges; r++) {
      const cls_range *range = &s->layout.ranges[r];
      for (uint32_t i = 0; range->population == syn_onto[p] && i < range->n; i++)
        for (uint32_t k = 0; k < SYN_MOST_SYNAPSES; k++)
          v[syn_number(s, p, range->local + i, k)] =
              syn_v(s->populations[syn_onto[p]].first + range->first + i, p, k, member, step);
    }
}

#endif

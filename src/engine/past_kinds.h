/* What plasticity keeps of the spikes of each population: its kinds of traces and of short-term plasticity, whatever a rank or a
 * part of one holds of them. */
#ifndef CALLOSUM_PAST_KINDS_H
#define CALLOSUM_PAST_KINDS_H

#include "engine/plastic_store.h"

/* Of neurons of a population as sources (pre), and as targets (post), each kind once, in the order of projections. */
typedef struct {
  cls_spike_trace *pre, *post;
  cls_short_term_const *short_term;
  uint32_t n_pre, n_post, n_short_term;
  bool is_source, is_target; /* of plastic projections; of ones with STDP */
} cls_past_kinds;

/* Local. [populations] */
cls_status cls_past_kinds_create(const cls_network *network, cls_past_kinds **kinds);
void cls_past_kinds_destroy(const cls_network *network, cls_past_kinds *kinds);
/* Values of a spike of such a source: its traces, then u and x of every kind of short-term plasticity. */
static inline uint32_t cls_past_pre_values(const cls_past_kinds *kinds) {
  return kinds->n_pre + 2 * kinds->n_short_term;
}
/* For each value of a part's store, which of the population's it is; CLS_PAST_NONE: the population has none such. of[pre values
 * of the store], of[post values]. */
#define CLS_PAST_NONE UINT32_MAX
void cls_past_match_pre(const cls_past_kinds *kinds, const cls_plastic_store *store, uint32_t *of);
void cls_past_match_post(const cls_past_kinds *kinds, const cls_plastic_store *store, uint32_t *of);

#endif

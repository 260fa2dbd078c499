#include "engine/past_kinds.h"
#include <stdlib.h>
#include <string.h>

static uint32_t find_trace(const cls_spike_trace *list, uint32_t n, const cls_spike_trace *trace) {
  for (uint32_t k = 0; k < n; k++)
    if (list[k].rate == trace->rate && list[k].nearest == trace->nearest) return k;
  return CLS_PAST_NONE;
}

static uint32_t find_short_term(const cls_past_kinds *kinds, const cls_short_term_const *konst) {
  for (uint32_t k = 0; k < kinds->n_short_term; k++)
    if (memcmp(&kinds->short_term[k], konst, sizeof *konst) == 0) return k;
  return CLS_PAST_NONE;
}

static cls_status add_trace(cls_spike_trace **list, uint32_t *n, double tau_ms, bool nearest, double dt_ms) {
  const cls_spike_trace made = cls_spike_trace_of(tau_ms, nearest, dt_ms);
  size_t capacity = *n; /* few: grown one by one */
  if (find_trace(*list, *n, &made) != CLS_PAST_NONE) return CLS_OK;
  CLS_TRY(cls_grow(list, &capacity, *n + 1ul, sizeof **list, "traces"));
  (*list)[(*n)++] = made;
  return CLS_OK;
}

static cls_status add_source(cls_past_kinds *kinds, const cls_plasticity *plasticity, double dt_ms) {
  const cls_stdp *p = &plasticity->stdp;
  kinds->is_source = true;
  if (plasticity->has_short_term) {
    const cls_short_term_const made = cls_short_term_derive(&plasticity->short_term, dt_ms);
    size_t capacity = kinds->n_short_term;
    if (find_short_term(kinds, &made) == CLS_PAST_NONE) {
      CLS_TRY(cls_grow(&kinds->short_term, &capacity, capacity + 1, sizeof made, "short-term plasticity"));
      kinds->short_term[kinds->n_short_term++] = made;
    }
  }
  if (!plasticity->has_stdp) return CLS_OK;
  CLS_TRY(add_trace(&kinds->pre, &kinds->n_pre, p->tau_plus_ms, p->pairing, dt_ms));
  return p->a3_minus != 0 ? add_trace(&kinds->pre, &kinds->n_pre, p->tau_x_ms, p->pairing, dt_ms) : CLS_OK;
}

static cls_status add_target(cls_past_kinds *kinds, const cls_plasticity *plasticity, double dt_ms) {
  const cls_stdp *p = &plasticity->stdp;
  if (!plasticity->has_stdp) return CLS_OK;
  kinds->is_target = true;
  CLS_TRY(add_trace(&kinds->post, &kinds->n_post, p->tau_minus_ms, p->pairing, dt_ms));
  return p->a3_plus != 0 ? add_trace(&kinds->post, &kinds->n_post, p->tau_y_ms, p->pairing, dt_ms) : CLS_OK;
}

cls_status cls_past_kinds_create(const cls_network *network, cls_past_kinds **kinds) {
  CLS_TRY(cls_alloc(kinds, network->n_populations, sizeof **kinds, "kinds of traces"));
  for (uint32_t j = 0; j < network->n_projections; j++) {
    const cls_projection *projection = &network->projections[j];
    if (!projection->plasticity) continue;
    for (uint32_t s = 0; s < projection->n_sources; s++)
      CLS_TRY(
          add_source(&(*kinds)[projection->sources[s].population], projection->plasticity, network->dt_ms));
    CLS_TRY(add_target(&(*kinds)[projection->target], projection->plasticity, network->dt_ms));
  }
  return CLS_OK;
}

void cls_past_kinds_destroy(const cls_network *network, cls_past_kinds *kinds) {
  for (uint32_t p = 0; kinds && p < network->n_populations; p++) {
    free(kinds[p].pre);
    free(kinds[p].post);
    free(kinds[p].short_term);
  }
  free(kinds);
}

void cls_past_match_pre(const cls_past_kinds *kinds, const cls_plastic_store *store, uint32_t *of) {
  for (uint32_t k = 0; k < store->n_pre; k++) of[k] = find_trace(kinds->pre, kinds->n_pre, &store->pre[k]);
  for (uint32_t k = 0; k < store->n_short_term; k++) {
    const uint32_t found = find_short_term(kinds, &store->short_term[k]);
    for (uint32_t i = 0; i < 2; i++)
      of[store->n_pre + 2 * k + i] = found == CLS_PAST_NONE ? CLS_PAST_NONE : kinds->n_pre + 2 * found + i;
  }
}

void cls_past_match_post(const cls_past_kinds *kinds, const cls_plastic_store *store, uint32_t *of) {
  for (uint32_t k = 0; k < store->n_post; k++)
    of[k] = find_trace(kinds->post, kinds->n_post, &store->post[k]);
}

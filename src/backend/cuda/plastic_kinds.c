#include "backend/cuda/plastic_kinds.h"
#include <stdlib.h>
#include <string.h>

/* ---- traces and short-term plasticity ---- */

static uint32_t find_trace(const cls_spike_trace *list, uint32_t n, const cls_spike_trace *trace) {
  uint32_t k = 0;
  while (k < n && (list[k].rate != trace->rate || list[k].nearest != trace->nearest)) k++;
  return k;
}

static uint32_t find_short_term(const cls_gpu_mechanisms *m, const cls_short_term_const *konst) {
  uint32_t k = 0;
  while (k < m->n_short_term && memcmp(&m->short_term[k], konst, sizeof *konst) != 0) k++;
  return k;
}

static void add_traces(cls_spike_trace *list, uint32_t *n, const cls_spike_trace *more, uint32_t n_more) {
  for (uint32_t k = 0; k < n_more; k++)
    if (find_trace(list, *n, &more[k]) == *n) list[(*n)++] = more[k];
}

void cls_gpu_mechanisms_free(cls_gpu_mechanisms *m) {
  free(m->pre);
  free(m->post);
  free(m->short_term);
}

cls_status cls_gpu_mechanisms_find(const cls_backend_setup *setup, cls_gpu_mechanisms *mechanisms) {
  cls_gpu_mechanisms *m = mechanisms;
  uint32_t pre = 0, post = 0, short_term = 0;
  *m = (cls_gpu_mechanisms){0};
  for (uint32_t p = 0; p < setup->layout->n_parts; p++) {
    const cls_plastic_store *store = setup->stores[p]->plastic;
    if (!store) continue;
    pre += store->n_pre;
    post += store->n_post;
    short_term += store->n_short_term;
  }
  CLS_TRY(cls_alloc(&m->pre, pre, sizeof *m->pre, "traces"));
  CLS_TRY(cls_alloc(&m->post, post, sizeof *m->post, "traces"));
  CLS_TRY(cls_alloc(&m->short_term, short_term, sizeof *m->short_term, "short-term plasticity"));
  for (uint32_t p = 0; p < setup->layout->n_parts; p++) {
    const cls_plastic_store *store = setup->stores[p]->plastic;
    if (!store) continue;
    add_traces(m->pre, &m->n_pre, store->pre, store->n_pre);
    add_traces(m->post, &m->n_post, store->post, store->n_post);
    for (uint32_t k = 0; k < store->n_short_term; k++)
      if (find_short_term(m, &store->short_term[k]) == m->n_short_term)
        m->short_term[m->n_short_term++] = store->short_term[k];
  }
  return CLS_OK;
}

static cls_gpu_plastic_kind make_kind(const cls_gpu_mechanisms *m, const cls_plastic_store *store,
                                      const cls_plastic_piece *piece, uint64_t sum) {
  cls_gpu_plastic_kind made = {.stdp = piece->stdp,
                               .x3_at = CLS_GPU_NONE,
                               .y3_at = CLS_GPU_NONE,
                               .short_term = CLS_GPU_NONE,
                               .has_stdp = piece->has_stdp,
                               .local = piece->local,
                               .gain = piece->gain,
                               .dendritic_share = piece->dendritic_share,
                               .sum = sum};
  if (piece->has_short_term)
    made.short_term = m->n_pre + 2 * find_short_term(m, &store->short_term[piece->short_term]);
  if (!piece->has_stdp) return made;
  made.x = store->pre[piece->x];
  made.y = store->post[piece->y];
  made.x_at = find_trace(m->pre, m->n_pre, &made.x);
  made.y_at = find_trace(m->post, m->n_post, &made.y);
  if (piece->x3 != CLS_NO_TRACE) made.x3_at = find_trace(m->pre, m->n_pre, &store->pre[piece->x3]);
  if (piece->y3 != CLS_NO_TRACE) made.y3_at = find_trace(m->post, m->n_post, &store->post[piece->y3]);
  return made;
}

cls_status cls_gpu_kinds_make(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                              const cls_gpu_mechanisms *mechanisms, cls_gpu_plastic_kind *kind) {
  for (uint32_t p = 0; p < setup->layout->n_parts; p++) {
    const cls_plastic_store *store = setup->stores[p]->plastic;
    for (uint32_t k = 0; store && k < store->n_pieces; k++) {
      const uint32_t channel = setup->layout->parts[p].shard_first * CLS_MAX_PORTS + store->pieces[k].channel;
      CLS_CHECK(!(channels->channel[channel] & CLS_GPU_PAIR), CLS_ERR_INTERNAL,
                "plastic synapses onto port %u of shard %u, whose weights are pairs", channel % CLS_MAX_PORTS,
                channel / CLS_MAX_PORTS);
      *kind++ = make_kind(mechanisms, store, &store->pieces[k], channels->channel[channel]);
    }
  }
  return CLS_OK;
}

void cls_gpu_kinds_of_part(const cls_gpu_mechanisms *m, const cls_plastic_store *store, uint32_t *pre,
                           uint32_t *post) {
  for (uint32_t k = 0; k < store->n_pre; k++) *pre++ = find_trace(m->pre, m->n_pre, &store->pre[k]);
  for (uint32_t k = 0; k < store->n_short_term; k++) {
    const uint32_t u = m->n_pre + 2 * find_short_term(m, &store->short_term[k]);
    *pre++ = u;
    *pre++ = u + 1;
  }
  for (uint32_t k = 0; k < store->n_post; k++) *post++ = find_trace(m->post, m->n_post, &store->post[k]);
}

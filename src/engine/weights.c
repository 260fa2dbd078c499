/* Looking at plastic weights. */
#include "engine/weights.h"
#include <stdlib.h>

static int by_target(const void *a, const void *b) {
  const cls_plastic_synapse *x = a, *y = b;
  if (x->target != y->target) return x->target < y->target ? -1 : 1;
  if (x->source != y->source) return x->source < y->source ? -1 : 1;
  if (x->delay != y->delay) return x->delay < y->delay ? -1 : 1;
  return (x->drawn > y->drawn) - (x->drawn < y->drawn);
}

cls_status cls_weights_list(const cls_network *network, const cls_layout *layout, cls_store *const *stores,
                            const cls_sources *sources, uint32_t projection, cls_plastic_synapse **list,
                            size_t *n) {
  size_t capacity = 0;
  *list = NULL;
  *n = 0;
  for (uint32_t p = 0; p < layout->n_parts; p++)
    if (stores[p]->plastic)
      CLS_TRY(cls_plastic_list(stores[p]->plastic, sources, network, p, projection, list, n, &capacity));
  if (*n > 0) qsort(*list, *n, sizeof **list, by_target);
  return CLS_OK;
}

cls_status cls_weights_hash(const cls_network *network, const cls_layout *layout, cls_store *const *stores,
                            const cls_sources *sources, const cls_backend *backend, void *instance,
                            int member, uint64_t *hash, uint64_t *synapses) {
  const int32_t *v;
  *hash = *synapses = 0;
  for (uint32_t p = 0; p < layout->n_parts; p++) {
    if (!stores[p]->plastic) continue;
    CLS_TRY(backend->weights(instance, member, p, &v));
    *hash += cls_plastic_hash(stores[p]->plastic, sources, network, v);
    *synapses += stores[p]->plastic->n_stdp;
  }
  return CLS_OK;
}

cls_status cls_view_weights(cls_view *view, const cls_plastic_synapse *synapses, size_t n, float *weights) {
  const int32_t **part = NULL;
  uint32_t n_parts = 0;
  for (size_t i = 0; i < n; i++)
    if (synapses[i].part >= n_parts) n_parts = synapses[i].part + 1;
  CLS_TRY(cls_alloc(&part, n_parts, sizeof(int32_t *), "weights"));
  cls_status status = CLS_OK;
  for (size_t i = 0; i < n && status == CLS_OK; i++) {
    const cls_plastic_synapse *s = &synapses[i];
    if (!part[s->part])
      status = view->backend->weights(view->instance, view->member, s->part, &part[s->part]);
    if (status != CLS_OK) break;
    const double w_max = view->network->projections[s->projection].plasticity->stdp.w_max;
    weights[i] = (float)(part[s->part][s->at] * (w_max / CLS_STDP_ONE));
  }
  free(part);
  return status;
}

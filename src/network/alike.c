/* Do two descriptions draw the same network? */
#include <string.h>

#include "network/internal.h"

static bool same_distribution(const cls_distribution *a, const cls_distribution *b) {
  return a->kind == b->kind && a->a == b->a && a->b == b->b && a->scale == b->scale &&
         a->offset == b->offset && a->min == b->min && a->max == b->max && a->bound == b->bound;
}

static bool same_positions(const cls_positions *a, const cls_positions *b) {
  for (int k = 0; k < 3; k++)
    if (a->size_mm[k] != b->size_mm[k] || a->centre_mm[k] != b->centre_mm[k]) return false;
  if (a->shape != b->shape || a->periodic != b->periodic || !a->table != !b->table) return false;
  return !a->table || a->table->checksum == b->table->checksum;
}

/* Inputs of the same models on the same neurons: their states lie alike. */
static bool same_population(const cls_population *a, const cls_population *b) {
  if (a->key != b->key || a->n != b->n || a->model != b->model || a->n_inputs != b->n_inputs) return false;
  for (int k = 0; k < a->n_inputs; k++)
    if (a->inputs[k].model != b->inputs[k].model || a->inputs[k].first != b->inputs[k].first ||
        a->inputs[k].count != b->inputs[k].count)
      return false;
  return same_positions(&a->positions, &b->positions);
}

static bool same_kernel(const cls_kernel *a, const cls_kernel *b) {
  return a->kind == b->kind && a->peak == b->peak && a->length_mm == b->length_mm && a->max_mm == b->max_mm;
}

static bool same_edges(const cls_edge_table *a, const cls_edge_table *b) {
  return !a == !b && (!a || a->checksum == b->checksum);
}

static bool same_plasticity(const cls_plasticity *a, const cls_plasticity *b) {
  if (!a || !b) return a == b;
  const cls_stdp *s = &a->stdp, *t = &b->stdp;
  const cls_short_term *u = &a->short_term, *v = &b->short_term;
  return a->has_stdp == b->has_stdp && a->has_short_term == b->has_short_term && s->w_max == t->w_max &&
         s->a_plus == t->a_plus && s->a_minus == t->a_minus && s->a3_plus == t->a3_plus &&
         s->a3_minus == t->a3_minus && s->tau_plus_ms == t->tau_plus_ms &&
         s->tau_minus_ms == t->tau_minus_ms && s->tau_x_ms == t->tau_x_ms && s->tau_y_ms == t->tau_y_ms &&
         s->pairing == t->pairing && s->potentiation == t->potentiation && s->depression == t->depression &&
         s->dendritic_share == t->dendritic_share && u->u == v->u && u->tau_rec_ms == v->tau_rec_ms &&
         u->tau_fac_ms == v->tau_fac_ms;
}

static bool same_projection(const cls_projection *a, const cls_projection *b) {
  if (a->key != b->key || a->target != b->target || a->n_sources != b->n_sources || a->rule != b->rule ||
      a->indegree != b->indegree || a->total != b->total || a->probability != b->probability ||
      a->outdegree != b->outdegree || a->velocity_mm_ms != b->velocity_mm_ms ||
      !same_kernel(&a->kernel, &b->kernel) || !same_edges(a->edges, b->edges) || a->autapses != b->autapses ||
      a->multapses != b->multapses || a->port != b->port || a->procedural != b->procedural)
    return false;
  for (uint32_t s = 0; s < a->n_sources; s++)
    if (a->sources[s].population != b->sources[s].population ||
        a->sources[s].weight != b->sources[s].weight || a->sources[s].delay_ms != b->sources[s].delay_ms)
      return false;
  return same_plasticity(a->plasticity, b->plasticity) && same_distribution(&a->weight[0], &b->weight[0]) &&
         same_distribution(&a->weight[1], &b->weight[1]) && same_distribution(&a->delay_ms, &b->delay_ms);
}

bool cls_network_alike(const cls_network *a, const cls_network *b) {
  if (a->dt_ms != b->dt_ms || a->seed != b->seed || a->n_populations != b->n_populations ||
      a->n_projections != b->n_projections || a->n_interventions != 0 || b->n_interventions != 0)
    return false; /* changes on the way could be told apart, too, but nobody asks for that */
  for (uint32_t p = 0; p < a->n_populations; p++)
    if (!same_population(&a->populations[p], &b->populations[p]) ||
        memcmp(a->quantum[p], b->quantum[p], sizeof *a->quantum) != 0)
      return false;
  for (uint32_t j = 0; j < a->n_projections; j++)
    if (!same_projection(&a->projections[j], &b->projections[j])) return false;
  return true;
}

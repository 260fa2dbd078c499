#include "engine/intervene.h"

/* Quantum of a receptor: a power of two, times what interventions make of it. */
static void scale_receptor(cls_range_run *run, const cls_intervention *v) {
  run->quantum[cls_model_receptor(run->model, v->param)] *= (float)v->value;
}

cls_status cls_neurons_intervene(cls_neurons *neurons, const cls_layout *layout, uint32_t which) {
  const cls_intervention *v = &neurons->network->interventions[which];
  for (uint32_t r = 0; r < neurons->n_runs; r++) {
    cls_range_run *run = &neurons->runs[r];
    if (!cls_population_listed(v->on, v->n_on, layout->ranges[r].population)) continue;
    if (v->kind == CLS_REMOVE) run->silent = true;
    if (v->kind == CLS_SCALE_RECEPTOR) scale_receptor(run, v);
  }
  return CLS_OK;
}

#include "engine/intervene.h"
#include "engine/scales.h"

cls_status cls_neurons_intervene(cls_neurons *neurons, const cls_layout *layout, uint32_t which) {
  const cls_intervention *v = &neurons->network->interventions[which];
  if (v->kind == CLS_SCALE_TRACTS) return CLS_OK;
  neurons->changes++;
  for (uint32_t r = 0; r < neurons->n_runs; r++) {
    cls_range_run *run = &neurons->runs[r];
    if (!cls_population_listed(v->on, v->n_on, layout->ranges[r].population)) continue;
    if (v->kind == CLS_REMOVE)
      run->silent = true;
    else
      CLS_TRY(cls_neurons_rederive(neurons, layout, r, which + 1));
  }
  return CLS_OK;
}

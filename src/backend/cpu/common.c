#include "backend/cpu/common.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

cls_status cls_cpu_pools_create(const cls_backend_setup *setup, float ***pools) {
  CLS_TRY(cls_alloc(pools, (size_t)setup->members, sizeof **pools, "member states"));
  for (int m = 0; m < setup->members; m++) {
    CLS_TRY(cls_alloc(&(*pools)[m], setup->neurons->pool, sizeof(float), "neuron states"));
    CLS_TRY(cls_neurons_start(setup->neurons, setup->network, setup->layout, m, (*pools)[m]));
  }
  return CLS_OK;
}

void cls_cpu_pools_destroy(float **pools, int members) {
  for (int m = 0; pools && m < members; m++) free(pools[m]);
  free(pools);
}

void cls_cpu_currents(const cls_neurons *neurons, float *pool, int64_t *sums) {
  for (uint32_t r = 0; r < neurons->n_runs; r++) {
    const cls_range_run *run = &neurons->runs[r];
    cls_tile tile;
    cls_neurons_tile(run, pool, 0, run->padded, &tile);
    for (int k = 0; k < CLS_MAX_RECEPTORS; k++) {
      int64_t sum = 0;
      for (uint32_t i = 0; k < run->model->n_receptors && i < run->n; i++)
        sum += (int64_t)rint((double)run->model->receptor_current(&tile, (int)i, run->stride, k) *
                             CLS_CURRENT_ONE);
      sums[(size_t)r * CLS_MAX_RECEPTORS + k] = sum;
    }
  }
}

void cls_cpu_get_state(const cls_neurons *neurons, const float *pool, uint32_t range, int state,
                       float *values) {
  const cls_range_run *run = &neurons->runs[range];
  memcpy(values, pool + run->state + (size_t)state * run->padded, run->n * sizeof *values);
}

void cls_cpu_put_state(const cls_neurons *neurons, float *pool, uint32_t range, int state,
                       const float *values) {
  const cls_range_run *run = &neurons->runs[range];
  memcpy(pool + run->state + (size_t)state * run->padded, values, run->n * sizeof *values);
}

uint32_t cls_cpu_power_of_two(uint32_t n) {
  uint32_t p = 1;
  while (p < n) p *= 2;
  return p;
}

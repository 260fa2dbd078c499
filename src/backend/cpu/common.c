#include "backend/cpu/common.h"
#include "model/kernel.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

cls_status cls_cpu_create(const cls_backend_setup *setup, cls_cpu *cpu) {
  cpu->setup = *setup;
  CLS_TRY(cls_alloc(&cpu->pools, (size_t)setup->members, sizeof *cpu->pools, "member states"));
  for (int m = 0; m < setup->members; m++) {
    CLS_TRY(cls_alloc(&cpu->pools[m], setup->neurons[m]->pool, sizeof(float), "neuron states"));
    CLS_TRY(cls_neurons_start(setup->neurons[m], setup->layout, setup->identity[m], cpu->pools[m]));
  }
  return CLS_OK;
}

void cls_cpu_destroy(cls_cpu *cpu) {
  for (int m = 0; cpu->pools && m < cpu->setup.members; m++) free(cpu->pools[m]);
  free(cpu->pools);
}

CLS_CLONES void cls_cpu_flush(const cls_range_run *run, float *pool) {
  float *restrict state = pool + run->state;
  const size_t n = (size_t)run->padded * (size_t)run->n_states;
  for (size_t i = 0; i < n; i++) state[i] = fabsf(state[i]) < 1e-30f ? 0.0f : state[i];
}

/* Sum over the first n of a tile of the currents of a receptor, each rounded to a whole number of units. */
static int64_t sum_currents(const cls_range_run *run, const cls_tile *tile, int receptor, uint32_t n) {
  float current[CLS_TILE];
  int64_t sum = 0;
  if (run->model->tile_currents)
    run->model->tile_currents(tile, run->stride, receptor, current);
  else
    for (uint32_t i = 0; i < n; i++)
      current[i] = run->model->receptor_current(tile, (int)i, run->stride, receptor);
  for (uint32_t i = 0; i < n; i++) sum += llrint((double)current[i] * CLS_CURRENT_ONE);
  return sum;
}

cls_status cls_cpu_currents(void *instance, int member, int64_t *sums) {
  const cls_cpu *cpu = instance;
  const cls_neurons *neurons = cpu->setup.neurons[member];
  const int parts = (int)cpu->setup.layout->n_parts;
  memset(sums, 0, (size_t)neurons->n_runs * CLS_MAX_RECEPTORS * sizeof *sums);
#pragma omp parallel for num_threads(parts) schedule(static) if (parts > 1)
  for (uint32_t r = 0; r < neurons->n_runs; r++) {
    const cls_range_run *run = &neurons->runs[r];
    for (uint32_t at = 0; at < run->n; at += CLS_TILE) {
      const uint32_t padded = run->padded - at < CLS_TILE ? run->padded - at : CLS_TILE;
      const uint32_t n = run->n - at < padded ? run->n - at : padded;
      cls_tile tile;
      cls_neurons_tile(run, cpu->pools[member], at, padded, &tile);
      for (int k = 0; k < run->model->n_receptors; k++)
        sums[(size_t)r * CLS_MAX_RECEPTORS + (size_t)k] += sum_currents(run, &tile, k, n);
    }
  }
  return CLS_OK;
}

/* Where state `state` of a range lies. */
static float *state_of(const cls_cpu *cpu, int member, uint32_t range, int state, size_t *n) {
  const cls_range_run *run = &cpu->setup.neurons[member]->runs[range];
  *n = run->n;
  return cpu->pools[member] + run->state + (size_t)state * run->padded;
}

cls_status cls_cpu_get_state(void *instance, int member, uint32_t range, int state, float *values) {
  size_t n;
  const float *from = state_of(instance, member, range, state, &n);
  memcpy(values, from, n * sizeof *values);
  return CLS_OK;
}

cls_status cls_cpu_put_state(void *instance, int member, uint32_t range, int state, const float *values) {
  size_t n;
  float *to = state_of(instance, member, range, state, &n);
  memcpy(to, values, n * sizeof *values);
  return CLS_OK;
}

cls_status cls_cpu_probe(void *instance, int member, const cls_probe *probes, size_t n, float *values) {
  size_t neurons;
  for (size_t i = 0; i < n; i++)
    values[i] = state_of(instance, member, probes[i].range, probes[i].state, &neurons)[probes[i].index];
  return CLS_OK;
}

uint32_t cls_cpu_power_of_two(uint32_t n) {
  uint32_t p = 1;
  while (p < n) p *= 2;
  return p;
}

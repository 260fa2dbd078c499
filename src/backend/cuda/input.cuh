/* What input models add to a neuron in a step. */
#ifndef CALLOSUM_CUDA_INPUT_CUH
#define CALLOSUM_CUDA_INPUT_CUH

#include "backend/cuda/neuron.cuh"
#include "model/dc.h"
#include "model/ou.h"
#include "model/poisson.h"
#include "model/spike_train.h"

/* What a warp needs of the range whose neurons it advances, in the memory of its block. What lies in that of the GPU is far
 * away again after every step, and each look at it leads to the next. */
enum { CLS_GPU_NEAR_INPUTS = 2 };
typedef struct {
  uint32_t chunk, range; /* numbers of what is here, */
  uint32_t whose;        /* of whose parameters; CLS_GPU_NONE: nothing is */
  uint32_t offset;       /* of the chunk */
  cls_gpu_parameters parameters;
  cls_gpu_range r;
  cls_gpu_input input[CLS_GPU_NEAR_INPUTS]; /* the first of the range, */
  float level[CLS_GPU_NEAR_INPUTS];         /* and their drive where it is always the same: */
  uint32_t table_of[CLS_GPU_NEAR_INPUTS];
  uint32_t table_number; /* that of the first which has one */
  cls_gpu_table table;
} cls_gpu_near;

/* What a step is to the inputs of a range. */
typedef struct {
  const cls_gpu_near *near;
  float *pool;
  int64_t step;
  uint64_t row; /* of the drive */
  uint32_t identity;
  bool flush;
} cls_gpu_input_step;

/* in[receptor], without indexing registers by a variable. */
CLS_GPU_FN float cls_gpu_pick(const float in[CLS_GPU_RECEPTORS], int receptor) {
  float picked = in[0];
#pragma unroll
  for (int j = 1; j < CLS_GPU_RECEPTORS; j++) picked = receptor == j ? in[j] : picked;
  return picked;
}
CLS_GPU_FN void cls_gpu_place_input(float in[CLS_GPU_RECEPTORS], int receptor, float value) {
#pragma unroll
  for (int j = 0; j < CLS_GPU_RECEPTORS; j++) in[j] = receptor == j ? value : in[j];
}

/* Number of Poisson spikes of neuron i: see poisson.c. */
CLS_GPU_FN int32_t cls_gpu_poisson_count(const cls_gpu_input *input, const cls_gpu_input_step *s,
                                         const cls_gpu_table *table, uint32_t i) {
  const uint32_t neuron = s->near->r.first + i, low = (uint32_t)(uint64_t)s->step,
                 high = (uint32_t)((uint64_t)s->step >> 32);
  int32_t count = 0;
  for (int32_t r = 0; r < table->repeat; r++) {
    const uint32_t c3 = s->identity + ((uint32_t)r << POISSON_DRAW_SHIFT);
    count += poisson_count(table->threshold, table->n, cls_noise_half(input->key, neuron, low, high, c3),
                           input->key, neuron, low, high, c3);
  }
  return count;
}

/* Spikes of neuron i in its train in this step. */
CLS_GPU_FN int cls_gpu_train_count(const cls_gpu_input *input, const cls_gpu_input_step *s, uint32_t i) {
  const cls_gpu_drive *drive = &s->near->parameters.drive;
  const cls_gpu_events *events = &drive->events[s->row * drive->n_trains + input->train];
  const uint64_t *event = drive->event + events->first;
  const uint32_t neuron = s->near->r.first + i;
  int count = 0;
  for (int e = spike_train_find(event, events->n, neuron); e < events->n && (uint32_t)event[e] == neuron; e++)
    count++;
  return count;
}

/* By all lanes: copies an object of the memory of the GPU. Nothing of it may be read before the warp has waited. */
template <class T> CLS_GPU_FN void cls_gpu_bring(T *to, const T *from) {
  static_assert(sizeof(T) % sizeof(uint32_t) == 0, "whole words");
  for (uint32_t k = threadIdx.x % CLS_GPU_WARP; k < sizeof(T) / sizeof(uint32_t); k += CLS_GPU_WARP)
    ((uint32_t *)to)[k] = ((const uint32_t *)from)[k];
}

/* By a warp, which has to wait for all its lanes then: brings range `range` near, of parameters number `whose` at `parameters`. */
CLS_GPU_FN void cls_gpu_bring_near(cls_gpu_near *near, const cls_gpu_parameters *parameters, uint32_t whose,
                                   uint32_t range) {
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP;
  const bool other = near->whose != whose;
  __syncwarp(); /* all have looked at what was here */
  if (other) cls_gpu_bring(&near->parameters, parameters + whose);
  if (lane == 0) {
    near->whose = whose;
    near->range = range;
    near->table_number = CLS_GPU_NONE;
  }
  __syncwarp();
  cls_gpu_bring(&near->r, near->parameters.range + range);
  __syncwarp();
  const uint32_t n =
      near->r.n_inputs < CLS_GPU_NEAR_INPUTS ? near->r.n_inputs : (uint32_t)CLS_GPU_NEAR_INPUTS;
  if (n == 0) return;
  for (uint32_t k = 0; k < n; k++)
    cls_gpu_bring(&near->input[k], near->parameters.input + near->r.input_first + k);
  __syncwarp();
  const cls_gpu_drive *drive = &near->parameters.drive;
  if (drive->changes) return;
  if (lane < n) {
    near->level[lane] = drive->level[near->input[lane].level];
    near->table_of[lane] =
        near->input[lane].kind == CLS_GPU_POISSON ? drive->table_of[near->input[lane].count] : CLS_GPU_NONE;
  }
  __syncwarp();
  uint32_t number = CLS_GPU_NONE;
  for (uint32_t k = n; k > 0; k--)
    if (near->table_of[k - 1] != CLS_GPU_NONE) number = near->table_of[k - 1];
  if (number == CLS_GPU_NONE) return;
  cls_gpu_bring(&near->table, drive->table + number);
  if (lane == 0) near->table_number = number;
}

/* How the counts of input number k are drawn. */
CLS_GPU_FN const cls_gpu_table *cls_gpu_table_of(const cls_gpu_input_step *s, const cls_gpu_input *input,
                                                 uint32_t k) {
  const cls_gpu_drive *drive = &s->near->parameters.drive;
  const uint32_t number = !drive->changes && k < CLS_GPU_NEAR_INPUTS
                              ? s->near->table_of[k]
                              : drive->table_of[s->row * drive->n_counts + input->count];
  return number == s->near->table_number ? &s->near->table : drive->table + number;
}

/* Adds input number k of the range to the weights that arrive at neuron i, or to its current. */
CLS_GPU_FN void cls_gpu_add_input(const cls_gpu_input_step *s, uint32_t k, uint32_t i,
                                  float in[CLS_GPU_RECEPTORS], float *current) {
  const cls_gpu_near *near = s->near;
  const cls_gpu_drive *drive = &near->parameters.drive;
  const bool here = k < CLS_GPU_NEAR_INPUTS;
  const cls_gpu_input *input = here ? &near->input[k] : near->parameters.input + near->r.input_first + k;
  const uint64_t stride = input->stride ? near->r.padded : 1;
  const float *konst = input->konst + (input->stride ? i : 0);
  const float level =
      here && !drive->changes ? near->level[k] : drive->level[s->row * drive->n_levels + input->level];
  if (input->kind == CLS_GPU_POISSON) {
    const cls_gpu_table *table = cls_gpu_table_of(s, input, k);
    if (table->n == 0) return; /* a rate of 0 */
    const int32_t count = cls_gpu_poisson_count(input, s, table, i);
    cls_gpu_place_input(in, input->receptor, fmaf((float)count, konst[0], cls_gpu_pick(in, input->receptor)));
  } else if (input->kind == CLS_GPU_DC) {
    *current = dc_step(konst[0], level, *current);
  } else if (input->kind == CLS_GPU_OU) {
    float *state = s->pool + near->r.state + (uint64_t)input->first_state * near->r.padded + i;
    const uint32_t word = cls_noise_word(input->key, near->r.first + i, (uint32_t)(uint64_t)s->step,
                                         (uint32_t)((uint64_t)s->step >> 32), s->identity);
    const float x =
        ou_step(cls_gpu_flushed(*state, s->flush), konst[0], konst[stride], konst[2 * stride], word);
    *state = x;
    *current = fmaf(level, x, *current);
  } else {
    const int count = cls_gpu_train_count(input, s, i);
    if (count == 0) return;
    cls_gpu_place_input(in, input->receptor,
                        spike_train_step(konst[0], count, cls_gpu_pick(in, input->receptor)));
  }
}

#endif

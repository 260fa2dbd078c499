/* What input models add to a neuron in a step. */
#ifndef CALLOSUM_CUDA_INPUT_CUH
#define CALLOSUM_CUDA_INPUT_CUH

#include "backend/cuda/neuron.cuh"
#include "model/dc.h"
#include "model/ou.h"
#include "model/poisson.h"
#include "model/spike_train.h"

/* What a step is to the inputs of a range. */
typedef struct {
  const cls_gpu_range *range;
  const cls_gpu_drive *drive;
  const float *konst;
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
CLS_GPU_FN void cls_gpu_place(float in[CLS_GPU_RECEPTORS], int receptor, float value) {
#pragma unroll
  for (int j = 0; j < CLS_GPU_RECEPTORS; j++) in[j] = receptor == j ? value : in[j];
}

/* Number of Poisson spikes of neuron i: see poisson.c. */
CLS_GPU_FN int32_t cls_gpu_poisson_count(const cls_gpu_input *input, const cls_gpu_input_step *s,
                                         const cls_gpu_table *table, uint32_t i) {
  const uint32_t neuron = s->range->first + i, low = (uint32_t)(uint64_t)s->step,
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
  const cls_gpu_events *events = &s->drive->events[s->row * s->drive->n_trains + input->train];
  const uint64_t *event = s->drive->event + events->first;
  const uint32_t neuron = s->range->first + i;
  int count = 0;
  for (int e = spike_train_find(event, events->n, neuron); e < events->n && (uint32_t)event[e] == neuron; e++)
    count++;
  return count;
}

/* Adds one input to the weights that arrive at neuron i, or to its current. */
CLS_GPU_FN void cls_gpu_add_input(const cls_gpu_input *input, const cls_gpu_input_step *s, uint32_t i,
                                  float in[CLS_GPU_RECEPTORS], float *current) {
  const uint64_t stride = input->stride ? s->range->padded : 1;
  const float *konst = s->konst + input->konst + (input->stride ? i : 0);
  const float level = s->drive->level[s->row * s->drive->n_levels + input->level];
  if (input->kind == CLS_GPU_POISSON) {
    const cls_gpu_table *table =
        &s->drive->table[s->drive->table_of[s->row * s->drive->n_counts + input->count]];
    if (table->n == 0) return; /* a rate of 0 */
    const int32_t count = cls_gpu_poisson_count(input, s, table, i);
    cls_gpu_place(in, input->receptor, fmaf((float)count, konst[0], cls_gpu_pick(in, input->receptor)));
  } else if (input->kind == CLS_GPU_DC) {
    *current = dc_step(konst[0], level, *current);
  } else if (input->kind == CLS_GPU_OU) {
    float *state = s->pool + s->range->state + (uint64_t)input->first_state * s->range->padded + i;
    const uint32_t word = cls_noise_word(input->key, s->range->first + i, (uint32_t)(uint64_t)s->step,
                                         (uint32_t)((uint64_t)s->step >> 32), s->identity);
    const float x =
        ou_step(cls_gpu_flushed(*state, s->flush), konst[0], konst[stride], konst[2 * stride], word);
    *state = x;
    *current = fmaf(level, x, *current);
  } else {
    const int count = cls_gpu_train_count(input, s, i);
    if (count == 0) return;
    cls_gpu_place(in, input->receptor, spike_train_step(konst[0], count, cls_gpu_pick(in, input->receptor)));
  }
}

#endif

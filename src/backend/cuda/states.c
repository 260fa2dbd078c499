/* Looking at states, and putting them. They lie as on the CPU: array after array of a range. */
#include "backend/cuda/instance.h"
#include <stdlib.h>
#include <string.h>

cls_status cls_cuda_currents(void *instance, int member, int64_t *sums) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  const size_t bytes = (size_t)b->setup.layout->n_ranges * CLS_MAX_RECEPTORS * sizeof *sums;
  CLS_TRY(cls_cuda_reserve(b, &b->currents, "currents", bytes));
  CLS_CUDA(cudaMemsetAsync(b->currents.memory, 0, bytes, b->stream), "currents");
  const cls_gpu_currents_args args = {.member = b->members[member].device,
                                      .parameters = b->parameters[b->parameters_of[member]].device,
                                      .chunk = b->rank.chunk,
                                      .n_chunks = b->rank.n_chunks,
                                      .sums = (int64_t *)(void *)b->currents.memory};
  if (args.n_chunks > 0) CLS_CUDA(cls_gpu_launch_currents(&args, b->stream), "summing currents");
  CLS_CUDA(cudaMemcpyAsync(sums, b->currents.memory, bytes, cudaMemcpyDeviceToHost, b->stream), "currents");
  b->profile.launches++;
  b->profile.copies_out++;
  b->profile.bytes_out += bytes;
  return cls_cuda_wait(b, "summing currents");
}

/* Where state `state` of a range lies. */
static float *state_of(const cls_cuda *b, int member, uint32_t range, int state, size_t *n) {
  const cls_range_run *run = &b->setup.neurons[member]->runs[range];
  *n = run->n;
  return b->members[member].device.pool + run->state + (size_t)state * run->padded;
}

cls_status cls_cuda_get_state(void *instance, int member, uint32_t range, int state, float *values) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  size_t n;
  const float *from = state_of(b, member, range, state, &n);
  CLS_CUDA(cudaMemcpyAsync(values, from, n * sizeof *values, cudaMemcpyDeviceToHost, b->stream), "states");
  b->profile.copies_out++;
  b->profile.bytes_out += n * sizeof *values;
  return cls_cuda_wait(b, "states");
}

cls_status cls_cuda_put_state(void *instance, int member, uint32_t range, int state, const float *values) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  size_t n;
  float *to = state_of(b, member, range, state, &n);
  CLS_CUDA(cudaMemcpyAsync(to, values, n * sizeof *values, cudaMemcpyHostToDevice, b->stream), "states");
  b->profile.copies_in++;
  b->profile.bytes_in += n * sizeof *values;
  return cls_cuda_wait(b, "states");
}

cls_status cls_cuda_probe(void *instance, int member, const cls_probe *probes, size_t n, float *values) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  uint64_t *at = NULL;
  if (n == 0) return CLS_OK;
  CLS_TRY(cls_alloc(&at, n, sizeof *at, "probes"));
  for (size_t i = 0; i < n; i++) {
    size_t neurons;
    const float *state = state_of(b, member, probes[i].range, probes[i].state, &neurons);
    at[i] = (uint64_t)(state - b->members[member].device.pool) + probes[i].index;
  }
  const size_t in = n * sizeof *at, out = n * sizeof *values;
  cls_status status = cls_cuda_reserve(b, &b->probes, "probes", in + out);
  if (status == CLS_OK)
    status =
        cls_gpu_check(cudaMemcpyAsync(b->probes.memory, at, in, cudaMemcpyHostToDevice, b->stream), "probes");
  const cls_gpu_probe_args args = {.pool = b->members[member].device.pool,
                                   .at = (const uint64_t *)(void *)b->probes.memory,
                                   .value = (float *)(void *)(b->probes.memory + in),
                                   .n = n};
  if (status == CLS_OK) status = cls_gpu_check(cls_gpu_launch_probe(&args, b->stream), "probing");
  if (status == CLS_OK)
    status =
        cls_gpu_check(cudaMemcpyAsync(values, args.value, out, cudaMemcpyDeviceToHost, b->stream), "probes");
  if (status == CLS_OK) status = cls_cuda_wait(b, "probing");
  free(at);
  b->profile.launches++;
  b->profile.copies_in++;
  b->profile.copies_out++;
  b->profile.bytes_in += in;
  b->profile.bytes_out += out;
  return status;
}

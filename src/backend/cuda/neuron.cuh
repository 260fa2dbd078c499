/* One step of one neuron on the GPU: the states are loaded from where they lie, the model's own function is called, and they
 * are stored again. The arithmetic is that of the model headers, compiled for the GPU without contraction: the bits are
 * those of the CPU. */
#ifndef CALLOSUM_CUDA_NEURON_CUH
#define CALLOSUM_CUDA_NEURON_CUH

#include "backend/cuda/device.h"
#include "backend/cuda/gpu.h"
#include "backend/cuda/neurons.h"
#include "model/adex.h"
#include "model/alif.h"
#include "model/glif.h"
#include "model/hh_cond_exp.h"
#include "model/izhikevich.h"
#include "model/lif_cond_exp.h"
#include "model/lif_dendrite.h"
#include "model/lif_dtb.h"
#include "model/lif_psc_alpha.h"
#include "model/lif_psc_delta.h"
#include "model/lif_psc_exp.h"
#include "model/qif.h"
#include "model/relay.h"
#include "model/two_compartment.h"

/* What a template needs of a model. */
#define CLS_GPU_TRAITS(NAME)                                                                                 \
  struct NAME##_on_gpu {                                                                                     \
    typedef NAME##_state state;                                                                              \
    typedef NAME##_const konst;                                                                              \
    typedef NAME##_input input;                                                                              \
    enum {                                                                                                   \
      states = CLS_COUNT(NAME##_STATES),                                                                     \
      consts = CLS_COUNT(NAME##_CONSTS),                                                                     \
      receptors = CLS_COUNT(NAME##_RECEPTORS)                                                                \
    };                                                                                                       \
    static __device__ int step(state *s, const konst *k, const input *in, float current) {                   \
      return NAME##_step(s, k, in, current);                                                                 \
    }                                                                                                        \
    static __device__ float receptor_current(const state *s, const konst *k, int receptor) {                 \
      return NAME##_receptor_current(s, k, receptor);                                                        \
    }                                                                                                        \
  };
CLS_GPU_NEURONS(CLS_GPU_TRAITS)

/* Structs of a model are lists of floats: see model/kernel.h. */
template <class T> CLS_GPU_FN float *cls_gpu_floats(T *list) { return reinterpret_cast<float *>(list); }

template <class M>
CLS_GPU_FN void cls_gpu_load_consts(const cls_gpu_range *r, uint32_t i, typename M::konst *k) {
  const uint64_t stride = r->stride ? r->padded : 1, at = r->stride ? i : 0;
#pragma unroll
  for (int j = 0; j < M::consts; j++) cls_gpu_floats(k)[j] = r->konst[j * stride + at];
}

/* Every CLS_GPU_FLUSH_STEPS steps states below 1e-30 become 0, as on the CPU (backend/cpu/common.h). */
enum { CLS_GPU_FLUSH_STEPS = 16 };
CLS_GPU_FN float cls_gpu_flushed(float x, bool flush) { return flush && fabsf(x) < 1e-30f ? 0.0f : x; }

/* Advances neuron i of a range by a step; `in`: weights that arrive at each receptor. Returns whether it spikes. */
template <class M>
CLS_GPU_FN int cls_gpu_neuron_step(const cls_gpu_range *r, float *pool, uint32_t i,
                                   const float in[CLS_GPU_RECEPTORS], float current, bool flush) {
  typename M::state s;
  typename M::konst k;
  typename M::input input;
  float *state = pool + r->state + i;
#pragma unroll
  for (int j = 0; j < M::states; j++)
    cls_gpu_floats(&s)[j] = cls_gpu_flushed(state[(uint64_t)j * r->padded], flush);
  cls_gpu_load_consts<M>(r, i, &k);
#pragma unroll
  for (int j = 0; j < M::receptors; j++) cls_gpu_floats(&input)[j] = in[j];
  const int spiked = M::step(&s, &k, &input, current);
#pragma unroll
  for (int j = 0; j < M::states; j++) state[(uint64_t)j * r->padded] = cls_gpu_floats(&s)[j];
  return spiked;
}

/* Synaptic current of a receptor of neuron i, now. */
template <class M>
CLS_GPU_FN float cls_gpu_neuron_current(const cls_gpu_range *r, const float *pool, uint32_t i, int receptor) {
  typename M::state s;
  typename M::konst k;
  const float *state = pool + r->state + i;
#pragma unroll
  for (int j = 0; j < M::states; j++) cls_gpu_floats(&s)[j] = state[(uint64_t)j * r->padded];
  cls_gpu_load_consts<M>(r, i, &k);
  return M::receptor_current(&s, &k, receptor);
}

#endif

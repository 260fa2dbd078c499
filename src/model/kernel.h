/* How a model header becomes code.
 *
 * A neuron model NAME provides, as plain inline functions that C and CUDA both compile:
 *   #define NAME_STATES(X)    X(V_m) X(I_exc) ...   every state is a float
 *   #define NAME_CONSTS(X)    X(decay) ...          what derive() fills, in this order
 *   #define NAME_RECEPTORS(X) X(exc) X(inh)         in the order of its ports
 *   CLS_DECLARE_NEURON(NAME);                       makes NAME_state, NAME_const, NAME_input of the lists
 *   CLS_FN int NAME_step(NAME_state *s, const NAME_const *k, const NAME_input *in, float current)
 *                                                   one step; 1: a spike
 *   CLS_FN float NAME_receptor_current(const NAME_state *s, const NAME_const *k, int receptor)
 *                                                   synaptic current at the end of a step
 * and CLS_DEFINE_NEURON(NAME), in one C file per model, makes the loops over a tile that the CPU backends
 * call; CLS_NEURON_METHODS(NAME) enters them into the model's table. An input model provides NAME_STATES,
 * NAME_CONSTS and its own loop (it needs noise words for many neurons at a time).
 *
 * On the GPU a kernel loads the same structs, calls the same step and stores them again. */
#ifndef CALLOSUM_KERNEL_H
#define CALLOSUM_KERNEL_H

#include "base/noise.h"
#include "model/model.h"

/* One binary runs on any x86-64 and uses what it finds. The bits are the same: no contraction, explicit fmaf.
 */
#if defined(CALLOSUM_NO_CLONES) || defined(__CUDACC__) || !defined(__x86_64__)
#define CLS_CLONES
#else
#define CLS_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif

/* One step less, but not below 0. Written without a shared condition: gcc vectorises a loop only where every
 * select has a comparison of its own. */
CLS_FN float cls_countdown(float steps) {
  float left = steps - 1.0f;
  return left > 0.0f ? left : 0.0f;
}

#define CLS_FIELD_(name) float name;
#define CLS_DECLARE_NEURON(NAME)                                                                             \
  typedef struct {                                                                                           \
    NAME##_STATES(CLS_FIELD_)                                                                                \
  } NAME##_state;                                                                                            \
  typedef struct {                                                                                           \
    NAME##_CONSTS(CLS_FIELD_)                                                                                \
  } NAME##_const;                                                                                            \
  typedef struct {                                                                                           \
    NAME##_RECEPTORS(CLS_FIELD_)                                                                             \
  } NAME##_input

/* Number of entries of a list. */
#define CLS_ONE_(name)  +1
#define CLS_COUNT(LIST) (0 LIST(CLS_ONE_))

/* The bodies below walk the lists in order with a running index that the compiler folds. */
#define CLS_STATE_POINTER_(name) float *restrict state_##name = tile->state[j++];
#define CLS_CONST_POINTER_(name) const float *konst_##name = tile->konst[j++];
#define CLS_INPUT_POINTER_(name) const float *restrict input_##name = tile->input[j++];
#define CLS_LOAD_STATE_(name)    s.name = state_##name[i];
#define CLS_STORE_STATE_(name)   state_##name[i] = s.name;
#define CLS_LOAD_CONST_(name)    k.name = konst_##name[i * stride];
#define CLS_LOAD_INPUT_(name)    in.name = input_##name[i];

#define CLS_NEURON_BODY_(NAME, STRIDE, LOOP)                                                                 \
  enum { stride = STRIDE };                                                                                  \
  int j = 0;                                                                                                 \
  NAME##_STATES(CLS_STATE_POINTER_) j = 0;                                                                   \
  NAME##_CONSTS(CLS_CONST_POINTER_) j = 0;                                                                   \
  NAME##_RECEPTORS(CLS_INPUT_POINTER_) const float *restrict current = tile->current;                        \
  int32_t *restrict spiked = tile->spiked;                                                                   \
  const int n = tile->n & ~15;                                                                               \
  NAME##_const k;                                                                                            \
  {                                                                                                          \
    const int i = 0;                                                                                         \
    (void)i; /* a model may have no constants */                                                             \
    NAME##_CONSTS(CLS_LOAD_CONST_)                                                                           \
  }                                                                                                          \
  LOOP for (int i = 0; i < n; i++) {                                                                         \
    NAME##_state s;                                                                                          \
    NAME##_input in;                                                                                         \
    NAME##_STATES(CLS_LOAD_STATE_)                                                                           \
        NAME##_RECEPTORS(CLS_LOAD_INPUT_) if (stride){NAME##_CONSTS(CLS_LOAD_CONST_)} spiked[i] =            \
            NAME##_step(&s, &k, &in, current[i]);                                                            \
    NAME##_STATES(CLS_STORE_STATE_)                                                                          \
  }

/* Receptor and stride are constants in each loop, so that it vectorises. */
#define CLS_CURRENTS_OF_(NAME, STRIDE, RECEPTOR)                                                             \
  if ((RECEPTOR) < CLS_COUNT(NAME##_RECEPTORS) && receptor == (RECEPTOR)) {                                  \
    enum { stride = (STRIDE) };                                                                              \
    _Pragma("GCC ivdep") for (int i = 0; i < n; i++) {                                                       \
      NAME##_state s;                                                                                        \
      NAME##_const k;                                                                                        \
      NAME##_STATES(CLS_LOAD_STATE_) NAME##_CONSTS(CLS_LOAD_CONST_) out[i] =                                 \
          NAME##_receptor_current(&s, &k, (RECEPTOR));                                                       \
    }                                                                                                        \
  }
#define CLS_CURRENTS_BODY_(NAME, STRIDE)                                                                     \
  {                                                                                                          \
    CLS_CURRENTS_OF_(NAME, STRIDE, 0)                                                                        \
    CLS_CURRENTS_OF_(NAME, STRIDE, 1)                                                                        \
    CLS_CURRENTS_OF_(NAME, STRIDE, 2)                                                                        \
    CLS_CURRENTS_OF_(NAME, STRIDE, 3)                                                                        \
  }

/* NAME_tile_shared, NAME_tile_varied and NAME_tile_currents; the scalar NAME_one and NAME_current. */
#define CLS_DEFINE_NEURON(NAME)                                                                              \
  _Static_assert(CLS_COUNT(NAME##_STATES) <= CLS_MAX_STATES && CLS_COUNT(NAME##_CONSTS) <= CLS_MAX_CONSTS && \
                     CLS_COUNT(NAME##_RECEPTORS) <= CLS_MAX_RECEPTORS,                                       \
                 "more than a tile holds");                                                                  \
  CLS_CLONES static void NAME##_tile_shared(const cls_tile *tile){CLS_NEURON_BODY_(                          \
      NAME, 0, _Pragma("GCC ivdep"))} CLS_CLONES static void NAME##_tile_varied(const cls_tile *tile) {      \
    CLS_NEURON_BODY_(NAME, 1, _Pragma("GCC ivdep"))                                                          \
  }                                                                                                          \
  static void NAME##_load(const cls_tile *tile, int i, int stride, NAME##_state *state,                      \
                          NAME##_const *konst) {                                                             \
    float *s = (float *)state, *k = (float *)konst;                                                          \
    for (int j = 0; j < CLS_COUNT(NAME##_STATES); j++) s[j] = tile->state[j][i];                             \
    for (int j = 0; j < CLS_COUNT(NAME##_CONSTS); j++) k[j] = tile->konst[j][i * stride];                    \
  }                                                                                                          \
  static void NAME##_one(const cls_tile *tile, int i, int stride) {                                          \
    NAME##_state state;                                                                                      \
    NAME##_const konst;                                                                                      \
    NAME##_input input;                                                                                      \
    NAME##_load(tile, i, stride, &state, &konst);                                                            \
    for (int j = 0; j < CLS_COUNT(NAME##_RECEPTORS); j++) ((float *)&input)[j] = tile->input[j][i];          \
    tile->spiked[i] = NAME##_step(&state, &konst, &input, tile->current[i]);                                 \
    for (int j = 0; j < CLS_COUNT(NAME##_STATES); j++) tile->state[j][i] = ((float *)&state)[j];             \
  }                                                                                                          \
  CLS_CLONES static void NAME##_tile_currents(const cls_tile *tile, int varied, int receptor,                \
                                              float *restrict out) {                                         \
    int j = 0;                                                                                               \
    NAME##_STATES(CLS_STATE_POINTER_) j = 0;                                                                 \
    NAME##_CONSTS(CLS_CONST_POINTER_)(void) j;                                                               \
    const int n = tile->n & ~15;                                                                             \
    if (varied)                                                                                              \
      CLS_CURRENTS_BODY_(NAME, 1)                                                                            \
    else                                                                                                     \
      CLS_CURRENTS_BODY_(NAME, 0)                                                                            \
  }                                                                                                          \
  static float NAME##_current(const cls_tile *tile, int i, int stride, int receptor) {                       \
    NAME##_state state;                                                                                      \
    NAME##_const konst;                                                                                      \
    NAME##_load(tile, i, stride, &state, &konst);                                                            \
    return NAME##_receptor_current(&state, &konst, receptor);                                                \
  }

/* What CLS_DEFINE_NEURON made, for the initialiser of a cls_model. */
#define CLS_NEURON_METHODS(NAME)                                                                             \
  .name = #NAME, .n_states = CLS_COUNT(NAME##_STATES), .n_receptors = CLS_COUNT(NAME##_RECEPTORS),           \
  .n_consts = CLS_COUNT(NAME##_CONSTS), .tile_shared = NAME##_tile_shared,                                   \
  .tile_varied = NAME##_tile_varied, .one = NAME##_one, .receptor_current = NAME##_current,                  \
  .tile_currents = NAME##_tile_currents

#endif

/* Short-term plasticity: depression and facilitation (Tsodyks, Pawelzik & Markram, Neural Comput. 10:821 (1998), eqs. 2.1 -
 * 2.4; Tsodyks, Uziel & Markram, J. Neurosci. 20:RC50 (2000)).
 *
 * A spike uses the share u of the resources x that have recovered: its event has the efficacy u x. From one spike to the
 * next, D later,
 *
 *   u' = U + u (1 - U) exp(-D / tau_fac)          u' = U where tau_fac = 0
 *   x' = 1 + (x - u x - 1) exp(-D / tau_rec)      x' = 1 where tau_rec = 0
 *
 * and u = U, x = 1 at the first spike. This depends on the spikes of the source alone: every rank that hears them
 * computes the same efficacies, and none has to be sent. */
#ifndef CALLOSUM_SHORT_TERM_H
#define CALLOSUM_SHORT_TERM_H

#include "base/mathf.h"

/* Parameters: X(name, unit, default (NAN: there is none), min, max, what). */
#define CLS_SHORT_TERM_PARAMS(X)                                                                             \
  X(u, "1", NAN, 1e-9, 1, "share of the resources that a spike uses: the efficacy of the first one")         \
  X(tau_rec_ms, "ms", NAN, 0, 1e9, "recovery of the resources; 0: at once, there is no depression")          \
  X(tau_fac_ms, "ms", 0, 0, 1e9, "decay of facilitation; 0: there is none")

/* As a job states it. */
#define CLS_SHORT_TERM_NUMBER_(name, unit, initial, min, max, doc) double name;
typedef struct {
  CLS_SHORT_TERM_PARAMS(CLS_SHORT_TERM_NUMBER_)
} cls_short_term;

typedef struct {
  float u, recovery,
      facilitation; /* U; dt / tau_rec, dt / tau_fac per step: 0 where the time constant is 0 */
} cls_short_term_const;

static inline cls_short_term_const cls_short_term_derive(const cls_short_term *p, double dt_ms) {
  return (cls_short_term_const){(float)p->u, p->tau_rec_ms > 0 ? (float)(dt_ms / p->tau_rec_ms) : 0.0f,
                                p->tau_fac_ms > 0 ? (float)(dt_ms / p->tau_fac_ms) : 0.0f};
}

/* At a spike. */
typedef struct {
  float u, x;
} cls_short_term_state;

CLS_FN cls_short_term_state cls_short_term_first(const cls_short_term_const *k) {
  return (cls_short_term_state){k->u, 1.0f};
}

/* `steps` after the spike at which it was `s`. */
CLS_FN cls_short_term_state cls_short_term_next(const cls_short_term_const *k, cls_short_term_state s,
                                                int32_t steps) {
  const float facilitated = k->facilitation > 0.0f ? cls_expf(-k->facilitation * (float)steps) : 0.0f;
  const float exhausted = k->recovery > 0.0f ? cls_expf(-k->recovery * (float)steps) : 0.0f;
  return (cls_short_term_state){fmaf(s.u * (1.0f - k->u), facilitated, k->u),
                                fmaf(fmaf(-s.u, s.x, s.x) - 1.0f, exhausted, 1.0f)};
}

#endif

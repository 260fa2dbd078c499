/* The synapses of one run, in batches: what their targets did is gathered, the rule is applied to all of them at once, and
 * the results are scattered. */
#ifndef CALLOSUM_PLASTIC_RUN_H
#define CALLOSUM_PLASTIC_RUN_H

#include "backend/cpu/history.h"
#include "engine/plastic_store.h"

/* Room for a batch of synapses; zeroed before its first use, and depth CLS_RUN_DEPTH. Spikes of a target that are to be taken in are applied to all
 * synapses in rounds: first those that DEPTH - 1 others follow, at last the newest. More than DEPTH are rare: the oldest of
 * them are taken in one by one. */
enum { CLS_RUN_BATCH = 64, CLS_RUN_DEPTH = 4 };
typedef struct {
  _Alignas(64)
      int32_t x_steps[CLS_RUN_DEPTH][CLS_RUN_BATCH]; /* age of the trace that the spike finds; -1: no spike */
  _Alignas(64) float y3[CLS_RUN_DEPTH][CLS_RUN_BATCH]; /* slow trace of the target at the spike */
  _Alignas(64) int32_t y_steps[CLS_RUN_BATCH];         /* since the target's last spike came back */
  _Alignas(64) float y[CLS_RUN_BATCH];                 /* its trace before that */
  _Alignas(64) int32_t v[CLS_RUN_BATCH], quanta[CLS_RUN_BATCH];
  uint32_t which[CLS_RUN_BATCH]; /* synapses of the run, where not all of them take part */
  int depth;                     /* rounds that the last batch needed */
} cls_run_batch;

/* What the synapses of a run share while spikes of their targets are taken in. */
typedef struct {
  const cls_plastic_store *store;
  const cls_plastic_piece *piece;
  const cls_plastic_run *run;
  const cls_spike_history *post; /* of the part's neurons */
  uint32_t neuron;               /* of `post`: that of target 0 */
  const cls_past_spike *last;    /* the last presynaptic spike that arrived, if any did */
  /* Spikes of targets fired in [from, until) have come back since; one fired in `step` finds the trace of `last`
   * step - origin steps old. */
  int64_t origin, from, until;
  cls_run_batch *batch; /* to work in */
} cls_run_view;

/* The weights v of the run take in what has come back. */
void cls_run_fold(const cls_run_view *view, int32_t *v);
/* They take it in, then the presynaptic spike `spike`, whose events are added to `sum` (of the shard's port). */
void cls_run_deliver(const cls_run_view *view, const cls_past_spike *spike, float efficacy, int32_t *v,
                     int32_t *sum);

#endif

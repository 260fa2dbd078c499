#include "backend/cpu/plastic_run.h"
#include "model/kernel.h"

enum { BATCH = CLS_RUN_BATCH, DEPTH = CLS_RUN_DEPTH };
typedef cls_run_batch batch;

/* ---- one synapse ---- */

static float slow_trace(const cls_run_view *view, const cls_past_spike *post) {
  return view->piece->y3 == CLS_NO_TRACE ? 0.0f : post->value[view->piece->y3];
}

/* Takes in `post` and those before it, oldest first. */
static int32_t take_in(const cls_run_view *view, const cls_past_spike *post, int32_t v) {
  const cls_plastic_piece *piece = view->piece;
  if (post->step_before >= view->from) v = take_in(view, cls_spike_history_before(view->post, post), v);
  const float x = cls_spike_trace_after(&view->store->pre[piece->x], view->last->value[piece->x],
                                        cls_steps_between(view->origin, post->step));
  return cls_stdp_post(&piece->stdp, v, x, slow_trace(view, post));
}

/* The newest spike of a target that has come back, if any has. */
static inline const cls_past_spike *newest_back(const cls_run_view *view, uint32_t synapse) {
  const cls_past_spike *post =
      cls_spike_history_newest(view->post, view->neuron + cls_plastic_target(synapse));
  while (__builtin_expect(post->step >= view->until, 0)) post = cls_spike_history_before(view->post, post);
  return post;
}

/* Enters the spikes that a target fired before the newest one that has come back. */
static void enter_older(const cls_run_view *view, const cls_past_spike *post, batch *b, uint32_t j) {
  int depth = 1;
  for (; post->step_before >= view->from && depth < DEPTH; depth++) {
    post = cls_spike_history_before(view->post, post);
    b->x_steps[depth][j] = cls_steps_between(view->origin, post->step);
    b->y3[depth][j] = slow_trace(view, post);
  }
  if (post->step_before >= view->from)
    b->v[j] = take_in(view, cls_spike_history_before(view->post, post), b->v[j]);
  if (depth > b->depth) b->depth = depth;
}

/* Enters the spikes of a target that are to be taken in, up to `post`, the newest that has come back. */
static inline void enter_spikes(const cls_run_view *view, const cls_past_spike *post, batch *b, uint32_t j) {
  const bool any = post->step >= view->from;
  b->x_steps[0][j] = any ? cls_steps_between(view->origin, post->step) : -1;
  b->y3[0][j] = slow_trace(view, post);
  if (any && post->step_before >= view->from) enter_older(view, post, b, j);
}

/* ---- all of a batch ---- */

CLS_CLONES static void apply_post(int32_t *restrict v, const int32_t *restrict x_steps,
                                  const float *restrict y3, int n, const cls_spike_trace *trace, float before,
                                  const cls_stdp_const *rule) {
  const cls_spike_trace t = *trace;
  const cls_stdp_const k = *rule;
  for (int j = 0; j < n; j++) {
    const int32_t changed = cls_stdp_post(&k, v[j], cls_spike_trace_after(&t, before, x_steps[j]), y3[j]);
    v[j] = x_steps[j] >= 0 ? changed : v[j];
  }
}

CLS_CLONES static void apply_pre(int32_t *restrict v, const int32_t *restrict y_steps,
                                 const float *restrict y, int32_t *restrict quanta, int n,
                                 const cls_spike_trace *trace, float x3, const cls_stdp_const *rule,
                                 float gain) {
  const cls_spike_trace t = *trace;
  const cls_stdp_const k = *rule;
  for (int j = 0; j < n; j++) {
    v[j] = cls_stdp_pre(&k, v[j], cls_spike_trace_after(&t, y[j], y_steps[j]), x3);
    quanta[j] = cls_stdp_quanta(v[j], gain);
  }
}

/* Whole vectors: what lies behind the last synapse of a batch is of an earlier one, and stays there. */
static int whole(uint32_t n) { return (int)((n + 15) & ~15u); }

static void begin_batch(batch *b) {
  memset(b->x_steps[1], 0xff, (size_t)(b->depth - 1) * sizeof b->x_steps[0]);
  b->depth = 1;
}

static void take_batch_in(const cls_run_view *view, batch *b, uint32_t n) {
  const cls_plastic_piece *piece = view->piece;
  if (view->last->step == CLS_NEVER) return;
  for (int d = b->depth - 1; d >= 0; d--)
    apply_post(b->v, b->x_steps[d], b->y3[d], whole(n), &view->store->pre[piece->x],
               view->last->value[piece->x], &piece->stdp);
}

/* ---- a run ---- */

void cls_run_fold(const cls_run_view *view, int32_t *v) {
  const uint32_t *synapse = view->store->synapse + view->run->first, count = view->run->count;
  batch *b = view->batch;
  for (uint32_t i = 0; i < count;) {
    uint32_t n = 0;
    begin_batch(b);
    for (; i < count && n < BATCH; i++) {
      const cls_past_spike *post = newest_back(view, synapse[i]);
      if (post->step < view->from) continue;
      b->v[n] = v[i];
      b->which[n] = i;
      enter_spikes(view, post, b, n++);
    }
    take_batch_in(view, b, n);
    for (uint32_t j = 0; j < n; j++) v[b->which[j]] = b->v[j];
  }
}

/* Gathers what the targets of synapses from ... from + n - 1 did. Everything the loop needs is held in registers: nearly all
 * targets spiked at most once since, and their newest spike says so. */
static void gather(const cls_run_view *view, uint32_t from, uint32_t n, batch *restrict b) {
  const uint32_t *restrict synapse = view->store->synapse + view->run->first + from;
  const size_t size = view->post->size;
  const char *newest = view->post->newest + view->neuron * size;
  const int64_t since = view->from, until = view->until, origin = view->origin;
  const uint32_t y = view->piece->y, y3 = view->piece->y3 == CLS_NO_TRACE ? y : view->piece->y3;
  for (uint32_t j = 0; j < n; j++) {
    const cls_past_spike *post = (const cls_past_spike *)(newest + cls_plastic_target(synapse[j]) * size);
    if (__builtin_expect(post->step >= until, 0)) post = newest_back(view, synapse[j]);
    const int64_t step = post->step;
    b->x_steps[0][j] = step >= since ? cls_steps_between(origin, step) : -1;
    b->y3[0][j] = post->value[y3]; /* where it does not count, its factor is 0 */
    b->y_steps[j] = cls_steps_between(step, until);
    b->y[j] = post->value[y];
    if (post->step_before >= since) enter_older(view, post, b, j); /* `post` then is, too */
  }
}

void cls_run_deliver(const cls_run_view *view, const cls_past_spike *spike, float efficacy, int32_t *v,
                     int32_t *restrict sum) {
  const cls_plastic_piece *piece = view->piece;
  const uint32_t *synapse = view->store->synapse + view->run->first;
  const float x3 = piece->x3 == CLS_NO_TRACE ? 0.0f : spike->value[piece->x3], gain = piece->gain * efficacy;
  batch *b = view->batch;
  for (uint32_t from = 0, n; from < view->run->count; from += n) {
    n = view->run->count - from < BATCH ? view->run->count - from : BATCH;
    begin_batch(b);
    for (uint32_t j = 0; j < n; j++) b->v[j] = v[from + j];
    gather(view, from, n, b);
    take_batch_in(view, b, n);
    apply_pre(b->v, b->y_steps, b->y, b->quanta, whole(n), &view->store->post[piece->y], x3, &piece->stdp,
              gain);
    for (uint32_t j = 0; j < n; j++) v[from + j] = b->v[j];
    for (uint32_t j = 0; j < n; j++) sum[cls_plastic_target(synapse[from + j])] += b->quanta[j];
  }
}

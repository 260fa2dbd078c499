#include "backend/cpu/plastic_reference.h"
#include <stdlib.h>
#include <string.h>

static const int64_t NEVER = INT64_MIN;

static uint32_t pre_values(const cls_plastic_store *store) { return store->n_pre + 2 * store->n_short_term; }

/* `n` spikes that were not yet seen; their values lie together behind the first. */
static cls_status create_seen(cls_seen_spike **seen, size_t n, uint32_t values) {
  float *value = NULL;
  CLS_TRY(cls_alloc(seen, n + 1, sizeof **seen, "spikes seen"));
  CLS_TRY(cls_alloc(&value, n * values + 1, sizeof *value, "traces"));
  for (size_t i = 0; i <= n; i++) (*seen)[i] = (cls_seen_spike){NEVER, value + (i < n ? i * values : 0)};
  return CLS_OK;
}

static void destroy_seen(cls_seen_spike *seen) {
  if (seen) free(seen[0].value);
  free(seen);
}

static uint32_t dendritic_of(const cls_plastic_store *store, uint64_t run) {
  return cls_stdp_dendritic(store->pieces[store->runs[run].piece].dendritic_share, store->runs[run].delay);
}

static cls_status sort_runs(cls_plastic_reference *r) {
  const cls_plastic_store *store = r->store;
  const uint64_t n = store->row[store->n_slots];
  uint64_t *first;
  CLS_TRY(cls_alloc(&r->by_dendritic, n, sizeof *r->by_dendritic, "runs"));
  CLS_TRY(cls_alloc(&r->dendritic_first, store->max_dendritic + 3ul, sizeof *first, "runs"));
  first = r->dendritic_first + 1; /* becomes the end of each, which is the beginning of the next */
  for (uint64_t k = 0; k < n; k++)
    if (store->pieces[store->runs[k].piece].has_stdp) first[dendritic_of(store, k) + 1]++;
  for (uint32_t d = 0; d <= store->max_dendritic; d++) first[d + 1] += first[d];
  for (uint64_t k = 0; k < n; k++)
    if (store->pieces[store->runs[k].piece].has_stdp) r->by_dendritic[first[dendritic_of(store, k)]++] = k;
  return CLS_OK;
}

cls_status cls_reference_create(cls_plastic_reference *reference, const cls_network *network,
                                const cls_layout *layout, const cls_plastic_store *store) {
  cls_plastic_reference *r = reference;
  *r = (cls_plastic_reference){.store = store, .layout = layout};
  if (!store) return CLS_OK;
  CLS_TRY(cls_alloc(&r->v, store->n_stdp, sizeof *r->v, "plastic weights"));
  cls_plastic_start(network, store, r->v);
  CLS_TRY(sort_runs(r));
  CLS_TRY(cls_alloc(&r->back, layout->n_local, sizeof(cls_seen_spike *), "spikes that come back"));
  CLS_TRY(create_seen(&r->last_pre, store->row[store->n_slots], pre_values(store)));
  CLS_TRY(create_seen(&r->last_post, store->n_stdp, store->n_post));
  CLS_TRY(create_seen(&r->heard, store->n_slots, pre_values(store)));
  CLS_TRY(create_seen(&r->past_pre, store->n_slots, pre_values(store)));
  CLS_TRY(create_seen(&r->past_post, layout->n_local, store->n_post));
  return create_seen(&r->own, layout->n_local, store->n_post);
}

static void destroy_list(cls_spike_list *list) {
  for (size_t i = 0; i < list->n; i++) free(list->at[i].spike.value);
  free(list->at);
}

void cls_reference_destroy(cls_plastic_reference *reference) {
  cls_plastic_reference *r = reference;
  free(r->v);
  free(r->by_dendritic);
  free(r->dendritic_first);
  free(r->back);
  destroy_seen(r->last_pre);
  destroy_seen(r->last_post);
  destroy_seen(r->heard);
  destroy_seen(r->own);
  destroy_seen(r->past_pre);
  destroy_seen(r->past_post);
  destroy_list(&r->coming);
  destroy_list(&r->fired);
}

size_t cls_reference_bytes(const cls_plastic_reference *r) {
  const cls_plastic_store *s = r->store;
  if (!s) return 0;
  const size_t pre = sizeof(cls_seen_spike) + pre_values(s) * sizeof(float);
  const size_t post = sizeof(cls_seen_spike) + s->n_post * sizeof(float);
  return s->n_stdp * sizeof *r->v + (s->row[s->n_slots] + 2ull * s->n_slots) * pre +
         (s->n_stdp + 2ull * r->layout->n_local) * post;
}

/* ---- spikes ---- */

static void copy_spike(cls_seen_spike *to, const cls_seen_spike *from, uint32_t values) {
  to->step = from->step;
  memcpy(to->value, from->value, values * sizeof *to->value);
}

static cls_status add(cls_spike_list *list, uint32_t of, const cls_seen_spike *spike, uint32_t values) {
  cls_listed_spike made = {{spike->step, NULL}, of};
  CLS_TRY(cls_grow(&list->at, &list->capacity, list->n + 1, sizeof *list->at, "spikes"));
  CLS_TRY(cls_alloc(&made.spike.value, values + 1ul, sizeof(float), "traces"));
  memcpy(made.spike.value, spike->value, values * sizeof(float));
  list->at[list->n++] = made;
  return CLS_OK;
}

/* Moves spikes fired before `step` to the past, where the newest of each stays. */
static void forget(cls_spike_list *list, int64_t step, cls_seen_spike *past, uint32_t values) {
  size_t kept = 0;
  for (size_t i = 0; i < list->n; i++) {
    const cls_listed_spike *spike = &list->at[i];
    if (spike->spike.step < step) {
      copy_spike(&past[spike->of], &spike->spike, values);
      free(spike->spike.value);
    } else {
      list->at[kept++] = *spike;
    }
  }
  list->n = kept;
}

/* Makes `last` the next spike, of step `step`, with the traces it finds. */
static void next_spike(cls_seen_spike *last, const cls_spike_trace *traces, uint32_t n, int64_t step) {
  for (uint32_t k = 0; k < n; k++)
    last->value[k] = last->step == NEVER ? 0.0f
                                         : cls_spike_trace_after(&traces[k], last->value[k],
                                                                 cls_steps_between(last->step, step));
}

cls_status cls_reference_hear(cls_plastic_reference *reference, uint32_t slot, int64_t step) {
  const cls_plastic_store *store = reference->store;
  if (!store || store->row[slot] == store->row[slot + 1]) return CLS_OK;
  cls_seen_spike *last = &reference->heard[slot];
  next_spike(last, store->pre, store->n_pre, step);
  for (uint32_t k = 0; k < store->n_short_term; k++) {
    const cls_short_term_const *konst = &store->short_term[k];
    float *value = last->value + store->n_pre + 2 * k;
    cls_short_term_state s = {value[0], value[1]};
    s = last->step == NEVER ? cls_short_term_first(konst)
                            : cls_short_term_next(konst, s, cls_steps_between(last->step, step));
    value[0] = s.u;
    value[1] = s.x;
  }
  last->step = step;
  return add(&reference->coming, slot, last, pre_values(store));
}

/* ---- presynaptic spikes arrive ---- */

/* y where the presynaptic spike arrives, `distance` steps after the last postsynaptic one did. */
static float trace_of(const cls_spike_trace *trace, const cls_seen_spike *last, uint32_t number,
                      int64_t now) {
  return last->step == NEVER
             ? 0.0f
             : cls_spike_trace_after(trace, last->value[number], cls_steps_between(last->step, now));
}

static void arrive(cls_plastic_reference *r, uint64_t number, const cls_seen_spike *spike,
                   cls_event_sink sink, void *context) {
  const cls_plastic_store *store = r->store;
  const cls_plastic_run *run = &store->runs[number];
  const cls_plastic_piece *piece = &store->pieces[run->piece];
  const int64_t dendritic = cls_stdp_dendritic(piece->dendritic_share, run->delay),
                axonal = run->delay - dendritic;
  const float *short_term = spike->value + store->n_pre + 2 * piece->short_term;
  const float efficacy = piece->has_short_term ? short_term[0] * short_term[1] : 1.0f;
  for (uint64_t i = run->first; i < run->first + run->count; i++) {
    int32_t quanta = cls_stdp_quanta(cls_plastic_drawn(store->synapse[i]), efficacy);
    if (piece->has_stdp) {
      const float x3 = piece->x3 == CLS_NO_TRACE ? 0.0f : spike->value[piece->x3];
      const float y =
          trace_of(&store->post[piece->y], &r->last_post[i], piece->y, spike->step + axonal - dendritic);
      r->v[i] = cls_stdp_pre(&piece->stdp, r->v[i], y, x3);
      quanta = cls_stdp_quanta(r->v[i], piece->gain * efficacy);
    }
    sink(context, piece->local + cls_plastic_target(store->synapse[i]), piece->channel % CLS_MAX_PORTS,
         quanta);
  }
  copy_spike(&r->last_pre[number], spike, pre_values(store));
}

void cls_reference_deliver(cls_plastic_reference *reference, int64_t step, cls_event_sink sink,
                           void *context) {
  cls_plastic_reference *r = reference;
  const cls_plastic_store *store = r->store;
  if (!store) return;
  for (size_t i = 0; i < r->coming.n; i++) {
    const cls_listed_spike *spike = &r->coming.at[i];
    if (spike->spike.step + (int64_t)store->max_delay < step) continue; /* it is remembered only */
    for (uint64_t k = store->row[spike->of]; k < store->row[spike->of + 1]; k++)
      if (spike->spike.step + store->runs[k].delay == step) arrive(r, k, &spike->spike, sink, context);
  }
  forget(&r->coming, step + 1 - (int64_t)store->window, r->past_pre, pre_values(store));
}

/* ---- postsynaptic spikes come back ---- */

static void come_back(cls_plastic_reference *r, uint64_t number) {
  const cls_plastic_store *store = r->store;
  const cls_plastic_run *run = &store->runs[number];
  const cls_plastic_piece *piece = &store->pieces[run->piece];
  const int64_t dendritic = cls_stdp_dendritic(piece->dendritic_share, run->delay),
                axonal = run->delay - dendritic;
  const cls_seen_spike *pre = &r->last_pre[number];
  for (uint64_t i = run->first; i < run->first + run->count; i++) {
    const uint32_t local = piece->local + cls_plastic_target(store->synapse[i]);
    const cls_seen_spike *post = r->back[local];
    if (!post) continue;
    const float x = trace_of(&store->pre[piece->x], pre, piece->x, post->step + dendritic - axonal);
    const float y3 = piece->y3 == CLS_NO_TRACE ? 0.0f : post->value[piece->y3];
    r->v[i] = cls_stdp_post(&piece->stdp, r->v[i], x, y3);
    copy_spike(&r->last_post[i], post, store->n_post);
  }
}

/* At the end of a step, spikes that were fired twice the dendritic delay before have come back to the synapses whose
 * presynaptic spikes were due in it: both clocks are then the dendritic delay behind the neuron's. */
static bool mark(cls_plastic_reference *r, int64_t fired) {
  bool any = false;
  for (size_t i = 0; i < r->fired.n; i++) {
    if (r->fired.at[i].spike.step != fired) continue;
    r->back[r->fired.at[i].of] = &r->fired.at[i].spike;
    any = true;
  }
  return any;
}

static void unmark(cls_plastic_reference *r, int64_t fired) {
  for (size_t i = 0; i < r->fired.n; i++)
    if (r->fired.at[i].spike.step == fired) r->back[r->fired.at[i].of] = NULL;
}

cls_status cls_reference_fired(cls_plastic_reference *reference, int64_t step, const uint32_t *neuron,
                               size_t n) {
  cls_plastic_reference *r = reference;
  const cls_plastic_store *store = r->store;
  if (!store || store->n_stdp == 0) return CLS_OK;
  for (size_t i = 0; i < n; i++) {
    cls_seen_spike *own = &r->own[neuron[i]];
    next_spike(own, store->post, store->n_post, step);
    own->step = step;
    CLS_TRY(add(&r->fired, neuron[i], own, store->n_post));
  }
  for (uint32_t d = 0; d <= store->max_dendritic; d++) {
    if (!mark(r, step - 2 * (int64_t)d)) continue;
    for (uint64_t k = r->dendritic_first[d]; k < r->dendritic_first[d + 1]; k++)
      come_back(r, r->by_dendritic[k]);
    unmark(r, step - 2 * (int64_t)d);
  }
  forget(&r->fired, step + 1 - (int64_t)store->window, r->past_post, store->n_post);
  return CLS_OK;
}

/* ---- checkpoints ---- */

static void recall(const cls_seen_spike *past, size_t n, uint32_t values, int64_t *step, float *value) {
  for (size_t i = 0; i < n; i++, value += values) {
    step[i] = past[i].step == NEVER ? CLS_NEVER_FIRED : past[i].step;
    memcpy(value, past[i].value, values * sizeof *value);
  }
}

void cls_reference_recall(const cls_plastic_reference *r, int64_t *pre_step, float *pre_value,
                          int64_t *post_step, float *post_value) {
  recall(r->past_pre, r->store->n_slots, pre_values(r->store), pre_step, pre_value);
  recall(r->past_post, r->layout->n_local, r->store->n_post, post_step, post_value);
}

/* What was before is over: it has arrived, and come back, at all synapses. */
static void place_past(cls_plastic_reference *r, const cls_plastic_memory *m) {
  const cls_plastic_store *store = r->store;
  const uint32_t pre = pre_values(store), post = store->n_post;
  for (uint32_t slot = 0; slot < store->n_slots; slot++) {
    const cls_seen_spike last = {m->pre_step[slot], (float *)m->pre_value + (size_t)slot * pre};
    if (last.step == CLS_NEVER_FIRED) continue;
    copy_spike(&r->heard[slot], &last, pre);
    copy_spike(&r->past_pre[slot], &last, pre);
    for (uint64_t k = store->row[slot]; k < store->row[slot + 1]; k++)
      copy_spike(&r->last_pre[k], &last, pre);
  }
  for (uint32_t local = 0; local < r->layout->n_local; local++) {
    const cls_seen_spike last = {m->post_step[local], (float *)m->post_value + (size_t)local * post};
    if (last.step == CLS_NEVER_FIRED) continue;
    copy_spike(&r->own[local], &last, post);
    copy_spike(&r->past_post[local], &last, post);
  }
  for (uint64_t k = 0; k < store->row[store->n_slots]; k++) {
    const cls_plastic_run *run = &store->runs[k];
    if (!store->pieces[run->piece].has_stdp) continue;
    for (uint64_t i = run->first; i < run->first + run->count; i++)
      copy_spike(&r->last_post[i],
                 &r->own[store->pieces[run->piece].local + cls_plastic_target(store->synapse[i])], post);
  }
}

static void ignore(void *context, uint32_t local, uint32_t port, int32_t quanta) {
  (void)context, (void)local, (void)port, (void)quanta;
}

/* The steps since then are gone through once more; who saw which spike does not depend on weights, which are put last. */
cls_status cls_reference_remember(cls_plastic_reference *reference, const cls_plastic_memory *memory) {
  cls_plastic_reference *r = reference;
  size_t heard = 0, own = 0;
  if (!r->store) return CLS_OK;
  place_past(r, memory);
  for (int64_t step = memory->since > 0 ? memory->since : 0; step < memory->now; step++) {
    cls_reference_deliver(r, step, ignore, NULL);
    for (; heard < memory->n_heard && memory->heard[heard].step == step; heard++)
      CLS_TRY(cls_reference_hear(r, memory->heard[heard].of, step));
    const size_t first = own;
    while (own < memory->n_own && memory->own[own].step == step) own++;
    uint32_t *neuron = NULL;
    CLS_TRY(cls_alloc(&neuron, own - first, sizeof *neuron, "spikes"));
    for (size_t i = first; i < own; i++) neuron[i - first] = memory->own[i].of;
    const cls_status status = cls_reference_fired(r, step, neuron, own - first);
    free(neuron);
    CLS_TRY(status);
  }
  if (r->store->n_stdp > 0) memcpy(r->v, memory->v, r->store->n_stdp * sizeof *r->v);
  return CLS_OK;
}

#include "backend/cpu/plastic.h"
#include "backend/cpu/common.h"
#include <stdlib.h>
#include <string.h>

cls_status cls_plastic_create(cls_plastic *plastic, const cls_network *network, const cls_layout *layout,
                              uint32_t part, const cls_plastic_store *store) {
  const cls_part *p = &layout->parts[part];
  *plastic = (cls_plastic){.store = store};
  if (!store) return CLS_OK;
  const cls_shard *last = &layout->shards[p->shard_last - 1];
  plastic->first = layout->shards[p->shard_first].local;
  plastic->mask = cls_cpu_power_of_two(store->max_delay + 1) - 1;
  CLS_TRY(cls_alloc(&plastic->due, plastic->mask + 1ul, sizeof *plastic->due, "spikes in flight"));
  CLS_TRY(cls_history_create(&plastic->pre, store->n_slots, store->n_pre + 2 * store->n_short_term));
  CLS_TRY(cls_history_create(&plastic->post, store->n_stdp > 0 ? last->local + last->n - plastic->first : 0,
                             store->n_post));
  CLS_TRY(cls_alloc(&plastic->v, store->n_stdp, sizeof *plastic->v, "plastic weights"));
  cls_plastic_start(network, store, plastic->v);
  return CLS_OK;
}

void cls_plastic_destroy(cls_plastic *plastic) {
  for (size_t i = 0; plastic->due && i <= plastic->mask; i++) free(plastic->due[i].at);
  free(plastic->due);
  free(plastic->v);
  cls_history_destroy(&plastic->pre);
  cls_history_destroy(&plastic->post);
}

size_t cls_plastic_bytes(const cls_plastic *plastic) {
  if (!plastic->store) return 0;
  size_t cursors = 0;
  for (size_t i = 0; i <= plastic->mask; i++) cursors += plastic->due[i].capacity;
  return plastic->store->n_stdp * sizeof *plastic->v + cls_history_bytes(&plastic->pre) +
         cls_history_bytes(&plastic->post) + (plastic->mask + 1ul) * sizeof *plastic->due +
         cursors * sizeof(cls_plastic_cursor);
}

/* ---- spikes ---- */

/* The traces that a spike of an owner finds. */
static cls_status add_spike(cls_history *history, const cls_spike_trace *traces, uint32_t n, uint32_t owner,
                            int64_t step, cls_past_spike **spike) {
  CLS_TRY(cls_history_add(history, owner, step, spike));
  const cls_past_spike *last = cls_history_get(history, (*spike)->previous);
  for (uint32_t k = 0; k < n; k++)
    (*spike)->value[k] = last ? cls_spike_trace_after(&traces[k], last->value[k], step - last->step) : 0.0f;
  return CLS_OK;
}

static cls_status hear(cls_plastic *p, uint32_t slot, int64_t step) {
  const cls_plastic_store *store = p->store;
  cls_past_spike *spike;
  CLS_TRY(add_spike(&p->pre, store->pre, store->n_pre, slot, step, &spike));
  const cls_past_spike *last = cls_history_get(&p->pre, spike->previous);
  for (uint32_t k = 0, at = store->n_pre; k < store->n_short_term; k++, at += 2) {
    const cls_short_term_const *konst = &store->short_term[k];
    cls_short_term_state s = cls_short_term_first(konst);
    if (last)
      s = cls_short_term_next(konst, (cls_short_term_state){last->value[at], last->value[at + 1]},
                              step - last->step);
    spike->value[at] = s.u;
    spike->value[at + 1] = s.x;
  }
  return CLS_OK;
}

static cls_status follow(cls_plastic *p, const cls_plastic_cursor *cursor) {
  const int64_t due = cursor->fired + p->store->runs[cursor->run].delay;
  cls_plastic_cursors *list = &p->due[(uint64_t)due & p->mask];
  if (list->n == list->capacity)
    CLS_TRY(cls_grow(&list->at, &list->capacity, list->n + 1, sizeof *list->at, "spikes in flight"));
  list->at[list->n++] = *cursor;
  return CLS_OK;
}

cls_status cls_plastic_take(cls_plastic *plastic, int64_t now, const cls_arrival *arrivals, size_t n) {
  const cls_plastic_store *store = plastic->store;
  for (size_t i = 0; store && i < n; i++) {
    const uint32_t slot = arrivals[i].slot;
    if (store->row[slot] == store->row[slot + 1]) continue;
    const cls_plastic_cursor cursor = {store->row[slot], now - arrivals[i].age, slot};
    CLS_TRY(hear(plastic, slot, cursor.fired));
    CLS_TRY(follow(plastic, &cursor));
  }
  return CLS_OK;
}

cls_status cls_plastic_fired(cls_plastic *plastic, int64_t step, const uint32_t *neuron, size_t n) {
  cls_past_spike *spike;
  if (!plastic->store || plastic->store->n_stdp == 0) return CLS_OK;
  for (size_t i = 0; i < n; i++)
    CLS_TRY(add_spike(&plastic->post, plastic->store->post, plastic->store->n_post,
                      neuron[i] - plastic->first, step, &spike));
  return CLS_OK;
}

/* ---- weights ---- */

/* What the synapses of a run share while postsynaptic spikes are taken in: those fired in [from, until) have come back
 * since the presynaptic spike `last`, and each has a trace x that is as old as its distance from `origin`. */
typedef struct {
  const cls_plastic *p;
  const cls_plastic_piece *piece;
  const cls_past_spike *last; /* NULL: none yet */
  int64_t origin, from, until;
} run_view;

static run_view view_run(const cls_plastic *p, const cls_plastic_run *run, const cls_past_spike *last,
                         int64_t until) {
  const cls_plastic_piece *piece = &p->store->pieces[run->piece];
  const int64_t dendritic = cls_stdp_dendritic(piece->dendritic_share, run->delay),
                axonal = run->delay - dendritic;
  run_view view = {.p = p, .piece = piece, .last = last, .until = until, .from = until};
  if (!last) return view;
  view.origin = last->step + axonal - dendritic;
  const int64_t folded = p->folded - 2 * dendritic;
  view.from = view.origin > folded ? view.origin : folded;
  return view;
}

static int32_t take_in(const run_view *view, const cls_past_spike *post, int32_t v) {
  const cls_plastic_piece *piece = view->piece;
  const cls_plastic_store *store = view->p->store;
  const float x =
      cls_spike_trace_after(&store->pre[piece->x], view->last->value[piece->x], post->step - view->origin);
  return cls_stdp_post(&piece->stdp, v, x, piece->y3 == CLS_NO_TRACE ? 0.0f : post->value[piece->y3]);
}

/* Takes in `post` and those before it, oldest first. */
static int32_t take_in_all(const run_view *view, const cls_past_spike *post, int32_t v) {
  const cls_past_spike *before = cls_history_get(&view->p->post, post->previous);
  if (before && before->step >= view->from) v = take_in_all(view, before, v);
  return take_in(view, post, v);
}

/* The newest spike of a neuron that has come back, NULL: none. */
static inline const cls_past_spike *newest_back(const run_view *view, uint32_t neuron) {
  const cls_history *history = &view->p->post;
  uint32_t i = history->newest[neuron];
  while (i != CLS_NO_SPIKE && cls_history_at(history, i)->step >= view->until)
    i = cls_history_at(history, i)->previous;
  return cls_history_get(history, i);
}

/* ---- events ---- */

static inline const cls_past_spike *find_spike(const cls_plastic *p, uint32_t slot, int64_t fired) {
  const cls_past_spike *spike = cls_history_at(&p->pre, p->pre.newest[slot]);
  while (spike->step != fired)
    spike = cls_history_at(&p->pre, spike->previous); /* it is in flight, so it is kept */
  return spike;
}

static void deliver_stdp(cls_plastic *p, const cls_plastic_run *run, const cls_past_spike *spike,
                         float efficacy, int32_t *restrict sum) {
  const cls_plastic_piece *piece = &p->store->pieces[run->piece];
  const uint32_t *synapse = p->store->synapse + run->first;
  const int64_t dendritic = cls_stdp_dendritic(piece->dendritic_share, run->delay);
  const run_view view =
      view_run(p, run, cls_history_get(&p->pre, spike->previous), spike->step + run->delay - 2 * dendritic);
  const cls_spike_trace *trace = &p->store->post[piece->y];
  const float x3 = piece->x3 == CLS_NO_TRACE ? 0.0f : spike->value[piece->x3], gain = piece->gain * efficacy;
  const uint32_t base = piece->local - p->first;
  int32_t *weight = p->v + run->first;
  for (uint32_t k = 0; k < run->count; k++) {
    const uint32_t target = cls_plastic_target(synapse[k]);
    const cls_past_spike *post = newest_back(&view, base + target);
    int32_t v = weight[k];
    float y = 0.0f;
    if (post) {
      if (post->step >= view.from) v = take_in_all(&view, post, v);
      y = cls_spike_trace_after(trace, post->value[piece->y], view.until - post->step);
    }
    weight[k] = v = cls_stdp_pre(&piece->stdp, v, y, x3);
    sum[target] += (int32_t)lrintf((float)v * gain);
  }
}

static void deliver_short_term(const cls_plastic *p, const cls_plastic_run *run, float efficacy,
                               int32_t *restrict sum) {
  const uint32_t *synapse = p->store->synapse + run->first;
  for (uint32_t k = 0; k < run->count; k++)
    sum[cls_plastic_target(synapse[k])] += (int32_t)lrintf((float)cls_plastic_drawn(synapse[k]) * efficacy);
}

static void deliver_run(cls_plastic *p, const cls_plastic_cursor *cursor, cls_port_sum *sums) {
  const cls_plastic_run *run = &p->store->runs[cursor->run];
  const cls_plastic_piece *piece = &p->store->pieces[run->piece];
  const cls_past_spike *spike = find_spike(p, cursor->slot, cursor->fired);
  cls_port_sum *sum = &sums[piece->channel];
  float efficacy = 1.0f;
  if (piece->has_short_term) {
    const float *state = spike->value + p->store->n_pre + 2 * piece->short_term;
    efficacy = state[0] * state[1];
  }
  sum->dirty = true;
  if (piece->has_stdp)
    deliver_stdp(p, run, spike, efficacy, sum->single);
  else
    deliver_short_term(p, run, efficacy, sum->single);
}

cls_status cls_plastic_deliver(cls_plastic *plastic, cls_port_sum *sums, int64_t step, uint64_t *events) {
  const cls_plastic_store *store = plastic->store;
  if (!store) return CLS_OK;
  if (cls_history_is_long(&plastic->pre) || cls_history_is_long(&plastic->post))
    CLS_TRY(cls_plastic_fold(plastic, step));
  cls_plastic_cursors *list = &plastic->due[(uint64_t)step & plastic->mask];
  for (size_t i = 0; i < list->n; i++) {
    cls_plastic_cursor cursor = list->at[i];
    const uint64_t end = store->row[cursor.slot + 1];
    for (; cursor.run < end && cursor.fired + store->runs[cursor.run].delay == step; cursor.run++) {
      deliver_run(plastic, &cursor, sums);
      *events += store->runs[cursor.run].count;
    }
    if (cursor.run < end)
      CLS_TRY(follow(plastic, &cursor)); /* to another list: delays stay below its length */
  }
  list->n = 0;
  return CLS_OK;
}

/* ---- folding ---- */

static void fold_run(cls_plastic *p, const cls_plastic_run *run, uint32_t slot, int64_t now) {
  const cls_plastic_piece *piece = &p->store->pieces[run->piece];
  const cls_past_spike *last = cls_history_get(&p->pre, p->pre.newest[slot]);
  while (last && last->step + run->delay >= now) last = cls_history_get(&p->pre, last->previous);
  if (!last || !piece->has_stdp) return;
  const int64_t dendritic = cls_stdp_dendritic(piece->dendritic_share, run->delay);
  const run_view view = view_run(p, run, last, now - 2 * dendritic);
  for (uint64_t i = run->first; i < run->first + run->count; i++) {
    const cls_past_spike *post =
        newest_back(&view, piece->local - p->first + cls_plastic_target(p->store->synapse[i]));
    if (post && post->step >= view.from) p->v[i] = take_in_all(&view, post, p->v[i]);
  }
}

cls_status cls_plastic_fold(cls_plastic *plastic, int64_t now) {
  const cls_plastic_store *store = plastic->store;
  if (!store || plastic->folded == now) return CLS_OK;
  for (uint32_t slot = 0; store->n_stdp > 0 && slot < store->n_slots; slot++) {
    if (plastic->pre.newest[slot] == CLS_NO_SPIKE) continue;
    for (uint64_t r = store->row[slot]; r < store->row[slot + 1]; r++)
      fold_run(plastic, &store->runs[r], slot, now);
  }
  plastic->folded = now;
  CLS_TRY(cls_history_forget(&plastic->pre, now - (int64_t)store->max_delay));
  return cls_history_forget(&plastic->post, now - 2 * (int64_t)store->max_dendritic);
}

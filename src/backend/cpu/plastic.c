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
  CLS_TRY(cls_spike_history_create(&plastic->pre, store->n_slots, store->n_pre + 2 * store->n_short_term));
  CLS_TRY(cls_spike_history_create(
      &plastic->post, store->n_stdp > 0 ? last->local + last->n - plastic->first : 0, store->n_post));
  CLS_TRY(cls_alloc(&plastic->batch, 1, sizeof *plastic->batch, "batch of synapses"));
  plastic->batch->depth = CLS_RUN_DEPTH;
  CLS_TRY(cls_alloc(&plastic->v, store->n_stdp, sizeof *plastic->v, "plastic weights"));
  cls_plastic_start(network, store, plastic->v);
  return CLS_OK;
}

void cls_plastic_destroy(cls_plastic *plastic) {
  for (size_t i = 0; plastic->due && i <= plastic->mask; i++) free(plastic->due[i].at);
  free(plastic->due);
  free(plastic->v);
  free(plastic->batch);
  cls_spike_history_destroy(&plastic->pre);
  cls_spike_history_destroy(&plastic->post);
}

size_t cls_plastic_bytes(const cls_plastic *plastic) {
  if (!plastic->store) return 0;
  size_t cursors = 0;
  for (size_t i = 0; i <= plastic->mask; i++) cursors += plastic->due[i].capacity;
  return plastic->store->n_stdp * sizeof *plastic->v + cls_spike_history_bytes(&plastic->pre) +
         cls_spike_history_bytes(&plastic->post) + (plastic->mask + 1ul) * sizeof *plastic->due +
         cursors * sizeof(cls_plastic_cursor);
}

/* ---- spikes ---- */

/* The traces that a spike of an owner finds. */
static cls_status add_spike(cls_spike_history *history, const cls_spike_trace *traces, uint32_t n,
                            uint32_t owner, int64_t step, cls_past_spike **spike,
                            const cls_past_spike **last) {
  CLS_TRY(cls_spike_history_add(history, owner, step, spike, last));
  for (uint32_t k = 0; k < n; k++)
    (*spike)->value[k] =
        cls_spike_trace_after(&traces[k], (*last)->value[k], cls_steps_between((*last)->step, step));
  return CLS_OK;
}

static cls_status hear(cls_plastic *p, uint32_t slot, int64_t step) {
  const cls_plastic_store *store = p->store;
  cls_past_spike *spike;
  const cls_past_spike *last;
  CLS_TRY(add_spike(&p->pre, store->pre, store->n_pre, slot, step, &spike, &last));
  for (uint32_t k = 0, at = store->n_pre; k < store->n_short_term; k++, at += 2) {
    const cls_short_term_const *konst = &store->short_term[k];
    cls_short_term_state s = cls_short_term_first(konst);
    if (last->step != CLS_NEVER)
      s = cls_short_term_next(konst, (cls_short_term_state){last->value[at], last->value[at + 1]},
                              cls_steps_between(last->step, step));
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
  const cls_plastic_store *store = plastic->store;
  cls_past_spike *spike;
  const cls_past_spike *last;
  if (!store || store->n_stdp == 0) return CLS_OK;
  for (size_t i = 0; i < n; i++)
    CLS_TRY(add_spike(&plastic->post, store->post, store->n_post, neuron[i] - plastic->first, step, &spike,
                      &last));
  return CLS_OK;
}

/* ---- events ---- */

/* Of a run that last took in the presynaptic spike `last`; a spike of a target fired before `until` has come back. */
static cls_run_view view_run(const cls_plastic *p, const cls_plastic_run *run, const cls_past_spike *last,
                             int64_t until) {
  const cls_plastic_piece *piece = &p->store->pieces[run->piece];
  const int64_t dendritic = cls_stdp_dendritic(piece->dendritic_share, run->delay),
                axonal = run->delay - dendritic;
  cls_run_view view = {.store = p->store,
                       .piece = piece,
                       .run = run,
                       .post = &p->post,
                       .neuron = piece->local - p->first,
                       .last = last,
                       .until = until,
                       .from = until,
                       .batch = p->batch};
  if (last->step == CLS_NEVER) return view;
  view.origin = last->step + axonal - dendritic;
  const int64_t folded = p->folded - 2 * dendritic;
  view.from = view.origin > folded ? view.origin : folded;
  return view;
}

static const cls_past_spike *find_spike(const cls_plastic *p, uint32_t slot, int64_t fired) {
  const cls_past_spike *spike = cls_spike_history_newest(&p->pre, slot);
  while (spike->step != fired)
    spike = cls_spike_history_before(&p->pre, spike); /* it is in flight, so it is kept */
  return spike;
}

static void deliver_short_term(const cls_plastic *p, const cls_plastic_run *run, float efficacy,
                               int32_t *restrict sum) {
  const uint32_t *synapse = p->store->synapse + run->first;
  for (uint32_t k = 0; k < run->count; k++)
    sum[cls_plastic_target(synapse[k])] += cls_stdp_quanta(cls_plastic_drawn(synapse[k]), efficacy);
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
  if (!piece->has_stdp) {
    deliver_short_term(p, run, efficacy, sum->single);
    return;
  }
  const int64_t until =
      spike->step + run->delay - 2 * (int64_t)cls_stdp_dendritic(piece->dendritic_share, run->delay);
  const cls_run_view view = view_run(p, run, cls_spike_history_before(&p->pre, spike), until);
  cls_run_deliver(&view, spike, efficacy, p->v + run->first, sum->single);
}

cls_status cls_plastic_deliver(cls_plastic *plastic, cls_port_sum *sums, int64_t step, uint64_t *events) {
  const cls_plastic_store *store = plastic->store;
  if (!store) return CLS_OK;
  if (cls_spike_history_is_long(&plastic->pre) || cls_spike_history_is_long(&plastic->post))
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
  const cls_past_spike *last = cls_spike_history_newest(&p->pre, slot);
  while (last->step + run->delay >= now) last = cls_spike_history_before(&p->pre, last);
  if (last->step == CLS_NEVER || !piece->has_stdp) return;
  const int64_t until = now - 2 * (int64_t)cls_stdp_dendritic(piece->dendritic_share, run->delay);
  const cls_run_view view = view_run(p, run, last, until);
  cls_run_fold(&view, p->v + run->first);
}

cls_status cls_plastic_fold(cls_plastic *plastic, int64_t now) {
  const cls_plastic_store *store = plastic->store;
  if (!store || plastic->folded == now) return CLS_OK;
  for (uint32_t slot = 0; store->n_stdp > 0 && slot < store->n_slots; slot++) {
    if (cls_spike_history_newest(&plastic->pre, slot)->step == CLS_NEVER) continue;
    for (uint64_t r = store->row[slot]; r < store->row[slot + 1]; r++)
      fold_run(plastic, &store->runs[r], slot, now);
  }
  plastic->folded = now;
  CLS_TRY(cls_spike_history_forget(&plastic->pre, now - (int64_t)store->window));
  return cls_spike_history_forget(&plastic->post, now - (int64_t)store->window);
}

/* ---- checkpoints ---- */

/* Of every owner the newest spike before `since`, and the values it found. */
static void recall(const cls_spike_history *history, uint32_t values, int64_t since, int64_t *step,
                   float *value) {
  for (uint32_t owner = 0; owner < history->owners; owner++, value += values) {
    const cls_past_spike *spike = cls_spike_history_newest(history, owner);
    while (spike->step >= since) spike = cls_spike_history_before(history, spike);
    step[owner] = spike->step;
    if (spike->step != CLS_NEVER) memcpy(value, spike->value, values * sizeof *value);
  }
}

static uint32_t pre_values(const cls_plastic_store *store) { return store->n_pre + 2 * store->n_short_term; }

void cls_plastic_recall(const cls_plastic *plastic, int64_t since, int64_t *pre_step, float *pre_value,
                        int64_t *post_step, float *post_value) {
  recall(&plastic->pre, pre_values(plastic->store), since, pre_step, pre_value);
  recall(&plastic->post, plastic->store->n_post, since, post_step, post_value);
}

static cls_status remember(cls_spike_history *history, uint32_t values, const int64_t *step,
                           const float *value) {
  cls_past_spike *spike;
  const cls_past_spike *last;
  for (uint32_t owner = 0; owner < history->owners; owner++, value += values) {
    if (step[owner] == CLS_NEVER) continue;
    CLS_TRY(cls_spike_history_add(history, owner, step[owner], &spike, &last));
    memcpy(spike->value, value, values * sizeof *value);
  }
  return CLS_OK;
}

cls_status cls_plastic_remember(cls_plastic *plastic, const cls_plastic_memory *memory) {
  const cls_plastic_store *store = plastic->store;
  if (!store) return CLS_OK;
  if (store->n_stdp > 0) memcpy(plastic->v, memory->v, store->n_stdp * sizeof *plastic->v);
  plastic->folded = memory->now;
  CLS_TRY(remember(&plastic->pre, pre_values(store), memory->pre_step, memory->pre_value));
  CLS_TRY(remember(&plastic->post, store->n_post, memory->post_step, memory->post_value));
  for (size_t i = 0; i < memory->n_heard; i++) {
    const uint32_t slot = memory->heard[i].of;
    const uint64_t end = store->row[slot + 1];
    cls_plastic_cursor cursor = {store->row[slot], memory->heard[i].step, slot};
    if (cursor.run == end) continue;
    CLS_TRY(hear(plastic, slot, cursor.fired));
    while (cursor.run < end && cursor.fired + store->runs[cursor.run].delay < memory->now) cursor.run++;
    if (cursor.run < end) CLS_TRY(follow(plastic, &cursor));
  }
  for (size_t i = 0; i < memory->n_own; i++) {
    const uint32_t neuron = memory->own[i].of;
    if (neuron - plastic->first < plastic->post.owners) /* of this part */
      CLS_TRY(cls_plastic_fired(plastic, memory->own[i].step, &neuron, 1));
  }
  return CLS_OK;
}

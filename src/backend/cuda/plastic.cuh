/* Plastic synapses in a step: what a spike leaves behind, and what is done to the synapses of a run when one is due. The
 * arithmetic is that of model/stdp.h and model/short_term.h, in the order of backend/cpu/plastic_run.c. */
#ifndef CALLOSUM_CUDA_PLASTIC_CUH
#define CALLOSUM_CUDA_PLASTIC_CUH

#include "backend/cuda/flight.cuh"
#include "backend/cuda/history.cuh"
#include "backend/cuda/warp.cuh"

/* ---- spikes ---- */

/* A neuron of this rank fired: the traces that its spike finds. */
CLS_GPU_FN void cls_gpu_plastic_fired(const cls_gpu_plastic *p, const cls_gpu_plastic_member *m,
                                      uint32_t neuron, int64_t step, uint32_t *full) {
  int64_t last;
  float *value = cls_gpu_values(cls_gpu_history_add(&m->history[CLS_GPU_POST], neuron, step, full, &last));
  for (uint32_t k = 0; k < p->n_post; k++)
    value[k] = cls_spike_trace_after(&p->post[k], value[k], cls_steps_between(last, step));
}

/* A source fired: traces, and the resources of its synapses. */
CLS_GPU_FN void cls_gpu_plastic_heard(const cls_gpu_plastic *p, const cls_gpu_plastic_member *m,
                                      uint32_t slot, int64_t step, uint32_t *full) {
  int64_t last;
  float *value = cls_gpu_values(cls_gpu_history_add(&m->history[CLS_GPU_PRE], slot, step, full, &last));
  const int32_t steps = cls_steps_between(last, step);
  for (uint32_t k = 0; k < p->n_pre; k++) value[k] = cls_spike_trace_after(&p->pre[k], value[k], steps);
  value += p->n_pre;
  for (uint32_t k = 0; k < p->n_short_term; k++, value += 2) {
    const cls_short_term_const *konst = &p->short_term[k];
    cls_short_term_state s = {value[0], value[1]};
    s = last == CLS_GPU_NEVER ? cls_short_term_first(konst) : cls_short_term_next(konst, s, steps);
    value[0] = s.u;
    value[1] = s.x;
  }
}

/* Enters the n pieces of the row of a spike of step `fired`. Returns how many entries there are then. */
CLS_GPU_FN uint64_t cls_gpu_plastic_depart(const cls_gpu_plastic *p, const cls_gpu_flight *flight,
                                           uint32_t piece, uint32_t n, uint32_t fired) {
  const uint64_t first = atomicAdd((unsigned long long *)flight->tail, (unsigned long long)n);
  for (uint32_t j = 0; j < n; j++) {
    const cls_gpu_plastic_piece own = p->piece[piece + j];
    cls_gpu_enter(flight, first + j, cls_gpu_place{own.run, own.n, own.slot}, fired, fired + own.delay);
  }
  return first + n;
}

/* By the thread that handles the spike of a neuron of this rank in step `step`. */
CLS_GPU_FN void cls_gpu_plastic_spike(const cls_gpu_plastic *p, const cls_gpu_plastic_member *m,
                                      uint32_t neuron, int64_t step, uint32_t *full) {
  const cls_gpu_plastic_local own = p->of_local[neuron];
  if (own.is_target) cls_gpu_plastic_fired(p, m, neuron, step, full);
  if (own.n == 0) return;
  cls_gpu_plastic_heard(p, m, own.slot, step, full);
  const uint64_t tail = cls_gpu_plastic_depart(p, &m->flight, own.piece, own.n, (uint32_t)(uint64_t)step);
  if (tail - cls_gpu_head(&m->flight, step + 1, p->max_delay) > p->flight_limit)
    atomicOr(full, (uint32_t)CLS_GPU_PLASTIC_FULL);
}

/* ---- a run ---- */

/* What a run is to its synapses. Those of a warp lie in shared memory, where all its lanes read them. */
typedef struct {
  uint64_t first; /* synapse of event 0 of all that the warp adds together, if it were of this run */
  uint64_t sum;   /* see cls_gpu_plastic_kind */
  /* Spikes of targets fired in [from, until) have come back since the last presynaptic spike; one fired in `step` finds
   * the trace of that one step - origin steps old. */
  int64_t origin, from, until;
  const cls_gpu_plastic_kind *kind;
  uint32_t local;
  float x, x3; /* the traces that the last presynaptic spike found, and this one */
  float gain;  /* quanta of input that v = 2^-30 stands for; without STDP: a quantum of the drawn weight */
  uint32_t apart[2]; /* views that lanes read side by side lie in different banks */
} cls_gpu_plastic_view;

/* `last`: the last presynaptic spike whose events were due, CLS_GPU_NEVER: none; `due`: the step that weights are brought
 * to, that is, what would be due in it finds them so. */
CLS_GPU_FN void cls_gpu_view_last(const cls_gpu_plastic *p, const cls_gpu_past *last,
                                  const cls_gpu_plastic_run *run, int64_t due, cls_gpu_plastic_view *view) {
  const cls_gpu_plastic_kind *kind = p->kind + run->kind;
  const int64_t twice = 2 * (int64_t)cls_stdp_dendritic(kind->dendritic_share, run->delay);
  const int64_t folded = p->folded - twice;
  view->kind = kind;
  view->local = kind->local;
  view->first = run->first;
  view->until = view->from = due - twice;
  view->origin = 0;
  view->x = 0.0f;
  if (last->step == CLS_GPU_NEVER) return;
  view->origin = last->step + run->delay - twice; /* the axonal less the dendritic part */
  view->from = view->origin > folded ? view->origin : folded;
  view->x = cls_gpu_values(last)[kind->x_at];
}

/* Of a run that is due, of the spike fired in the step whose low bits are `fired`. */
CLS_GPU_FN void cls_gpu_view_spike(const cls_gpu_plastic *p, const cls_gpu_history *pre, uint32_t slot,
                                   uint32_t fired, const cls_gpu_plastic_run *run,
                                   cls_gpu_plastic_view *view) {
  const cls_gpu_plastic_kind *kind = p->kind + run->kind;
  const cls_gpu_past *spike = cls_gpu_newest(pre, slot);
  while ((uint32_t)(uint64_t)spike->step != fired)
    spike = cls_gpu_older(pre, spike->before); /* it is in flight, so it is kept */
  const float *value = cls_gpu_values(spike);
  const float efficacy =
      kind->short_term == CLS_GPU_NONE ? 1.0f : value[kind->short_term] * value[kind->short_term + 1];
  if (kind->has_stdp) {
    cls_gpu_view_last(p, cls_gpu_older(pre, spike->before), run, spike->step + run->delay, view);
    view->x3 = kind->x3_at == CLS_GPU_NONE ? 0.0f : value[kind->x3_at];
    view->gain = kind->gain * efficacy;
  } else {
    view->kind = kind;
    view->first = run->first;
    view->gain = efficacy;
  }
  view->sum = kind->sum;
}

/* Takes in the spikes of a target up to `newest`, those that have come back, oldest first. */
CLS_GPU_FN int32_t cls_gpu_take_in(const cls_gpu_plastic_view *view, const cls_gpu_history *post,
                                   const cls_gpu_past *newest, int32_t v) {
  const cls_gpu_plastic_kind *kind = view->kind;
  const cls_gpu_past *spike = newest;
  while (spike->step_before >= view->from) spike = cls_gpu_older(post, spike->before);
  for (;;) {
    const float x = cls_spike_trace_after(&kind->x, view->x, cls_steps_between(view->origin, spike->step));
    const float y3 = kind->y3_at == CLS_GPU_NONE ? 0.0f : cls_gpu_values(spike)[kind->y3_at];
    v = cls_stdp_post(&kind->stdp, v, x, y3);
    if (spike == newest) return v;
    spike = spike->after != 0 ? cls_gpu_older(post, spike->after) : newest;
  }
}

/* What synapses of a member read and write; a copy in registers. */
typedef struct {
  const uint32_t *synapse;
  int32_t *v;
  uint32_t *sums;
  cls_gpu_history post;
} cls_gpu_plastic_arrays;

/* Synapse `i`: its weight takes in what has come back; unless FOLD then the presynaptic spike, whose event is added. */
template <bool FOLD>
CLS_GPU_FN void cls_gpu_plastic_synapse(const cls_gpu_plastic_arrays *a, const cls_gpu_plastic_view *view,
                                        uint64_t i) {
  const cls_gpu_plastic_kind *kind = view->kind;
  const uint32_t synapse = __ldg(a->synapse + i), target = synapse & 0xffff;
  if (!FOLD && !kind->has_stdp) {
    const int32_t drawn = (int32_t)synapse >> 16;
    atomicAdd((int *)(a->sums + view->sum) + target, cls_stdp_quanta(drawn, view->gain));
    return;
  }
  int32_t v = FOLD ? 0 : a->v[i]; /* asked for before it is known what the target did */
  const cls_gpu_past *spike = cls_gpu_newest(&a->post, view->local + target);
  while (spike->step >= view->until) spike = cls_gpu_older(&a->post, spike->before);
  const bool any = spike->step >= view->from;
  if (FOLD && !any) return;
  if (FOLD) v = a->v[i];
  if (any) v = cls_gpu_take_in(view, &a->post, spike, v);
  if (!FOLD) {
    const float y = cls_spike_trace_after(&kind->y, cls_gpu_values(spike)[kind->y_at],
                                          cls_steps_between(spike->step, view->until));
    v = cls_stdp_pre(&kind->stdp, v, y, view->x3);
    atomicAdd((int *)(a->sums + view->sum) + target, cls_stdp_quanta(v, view->gain));
  }
  a->v[i] = v;
}

/* By a warp: all synapses of the runs of its lanes, `count` of this lane's, 32 at a time, whichever runs they belong to.
 * `views` are those of the warp. Returns how many this lane had to do with. */
template <bool FOLD>
CLS_GPU_FN uint32_t cls_gpu_plastic_runs(const cls_gpu_plastic *p, const cls_gpu_plastic_member *m,
                                         uint32_t *sums, cls_gpu_plastic_view *views, uint32_t count) {
  const cls_gpu_plastic_arrays arrays = {p->synapse, m->v, sums, m->history[CLS_GPU_POST]};
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP;
  const uint32_t end = cls_gpu_warp_sum_up_to(count), total = cls_gpu_warp_last(end);
  uint32_t done = 0;
  if (count > 0) views[lane].first -= end - count;
  __syncwarp();
  for (uint32_t first = 0; first < total; first += CLS_GPU_WARP) {
    const uint32_t event = first + lane, owner = cls_gpu_warp_owner(end, event);
    if (event >= total) continue;
    cls_gpu_plastic_synapse<FOLD>(&arrays, &views[owner], views[owner].first + event);
    done++;
  }
  __syncwarp(); /* before they are written again */
  return done;
}

/* ---- all that is due ---- */

/* By a warp: what is due of entries first ... first + n - 1, n <= 32, which move on. */
CLS_GPU_FN uint32_t cls_gpu_plastic_entries(const cls_gpu_plastic *p, const cls_gpu_plastic_member *m,
                                            uint32_t *sums, cls_gpu_plastic_view *views, uint64_t first,
                                            uint32_t n, uint32_t step) {
  const cls_gpu_flight *flight = &m->flight;
  const uint32_t lane = threadIdx.x % CLS_GPU_WARP;
  const uint64_t i = (first + lane) & flight->mask;
  const uint64_t when = lane < n ? flight->when[i] : 0;
  const bool here = lane < n && (uint32_t)when == step;
  const uint32_t fired = (uint32_t)(when >> 32);
  uint32_t done = 0, due = 0;
  cls_gpu_place place = {0, 0, 0};
  if (!__any_sync(CLS_GPU_ALL_LANES, here)) return 0;
  if (here) place = flight->where[i];
  bool active = here;
  do {
    uint32_t count = 0;
    if (active) {
      const cls_gpu_plastic_run run = p->run[place.at];
      cls_gpu_view_spike(p, &m->history[CLS_GPU_PRE], place.header, fired, &run, &views[lane]);
      count = run.count;
      place.at++;
      place.left--;
      /* At the end of its row it stands at its own spike, which is past. */
      due = place.left > 0 ? fired + p->run[place.at].delay : fired;
      active = due == step;
    }
    done += cls_gpu_plastic_runs<false>(p, m, sums, views, count);
  } while (__any_sync(CLS_GPU_ALL_LANES, active));
  if (here) {
    flight->when[i] = cls_gpu_when(fired, due);
    flight->where[i] = place;
  }
  return done;
}

typedef struct {
  cls_gpu_plastic_view of_lane[CLS_GPU_THREADS];
} cls_gpu_plastic_views;

/* By all warps of the grid: the events of plastic synapses in a step. Adds their number to *added. */
CLS_GPU_FN void cls_gpu_plastic_deliver(const cls_gpu_plastic *p, const cls_gpu_member *members,
                                        uint32_t n_members, int64_t step, uint32_t *added) {
  CLS_SHARED(cls_gpu_plastic_views, views);
  cls_gpu_plastic_view *own = views.of_lane + threadIdx.x / CLS_GPU_WARP * CLS_GPU_WARP;
  const cls_gpu_turns turns = cls_gpu_turns_of(n_members);
  for (uint32_t m = turns.member; m < n_members; m += turns.members) {
    const cls_gpu_plastic_member *plastic = members[m].plastic;
    const uint64_t tail = *plastic->flight.tail, head = cls_gpu_head(&plastic->flight, step, p->max_delay);
    const uint32_t n = cls_gpu_turn_size(&turns, tail - head);
    for (uint64_t e = head + (uint64_t)turns.warp * n; e < tail; e += (uint64_t)turns.warps * n)
      *added += cls_gpu_plastic_entries(p, plastic, members[m].sums, own, e,
                                        tail - e < n ? (uint32_t)(tail - e) : n, (uint32_t)(uint64_t)step);
  }
}

/* ---- around the steps ---- */

/* By the first block: notes where the spikes of the last step end. */
CLS_GPU_FN void cls_gpu_plastic_note_ends(const cls_gpu_member *members, uint32_t n_members, int64_t step) {
  if (blockIdx.x != 0 || step == 0) return;
  for (uint32_t m = threadIdx.x; m < n_members; m += CLS_GPU_THREADS) {
    const cls_gpu_flight *flight = &members[m].plastic->flight;
    flight->mark[(uint64_t)(step - 1) & flight->mark_mask] = *flight->tail;
  }
}

/* By the first block, when all is done. */
CLS_GPU_FN void cls_gpu_plastic_tell(const cls_gpu_plastic *p, const cls_gpu_member *members,
                                     uint32_t n_members, int64_t step) {
  for (uint32_t m = threadIdx.x; m < n_members; m += CLS_GPU_THREADS) {
    const cls_gpu_plastic_member *plastic = members[m].plastic;
    const uint64_t head = cls_gpu_head(&plastic->flight, step, p->max_delay);
    *plastic->status =
        cls_gpu_plastic_status{*plastic->flight.tail - head,
                               {*plastic->history[CLS_GPU_PRE].used, *plastic->history[CLS_GPU_POST].used}};
  }
}

#endif

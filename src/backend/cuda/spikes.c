/* Spikes and counts that come back to the host: what is recorded, and no more. */
#include "backend/cuda/instance.h"
#include <stdlib.h>
#include <string.h>

/* ---- what to keep ---- */

/* Lists have room for the spikes of a step in which all neurons that are kept spike, and as many again, but not more than
 * memory can be spared for. */
static cls_status make_lists(cls_cuda *b) {
  enum { MORE = 1 << 16 };
  const uint64_t step =
      b->rank.keep == CLS_GPU_KEEP_ALL ? b->setup.layout->n_neurons : b->watch.watch->n_marked;
  b->list_capacity = step + step / 2 + MORE;
  b->rank.list_limit = b->list_capacity - step;
  for (int m = 0; m < b->setup.members; m++)
    CLS_TRY(cls_gpu_list_make(b->list_capacity, CLS_CUDA_LIST_STEPS, &b->members[m], b->stream));
  return CLS_OK;
}

static cls_status copy_watch(cls_cuda *b, const cls_watch *watch) {
  cls_cuda_watch *w = &b->watch;
  const uint64_t local = b->setup.layout->n_local;
  const size_t groups = local / 16 + 1, bits = local / 64 + 1;
  size_t at[CLS_GPU_TALLIES];
  CLS_CHECK(watch->n_tallies <= CLS_GPU_TALLIES, CLS_ERR_LIMIT, "%d tallies: expected at most %d",
            watch->n_tallies, CLS_GPU_TALLIES);
  w->arena = (cls_gpu_arena){.name = "groups of neurons"};
  for (int t = 0; t < watch->n_tallies; t++) at[t] = cls_gpu_arena_add(&w->arena, groups, sizeof(uint32_t));
  const size_t marked = cls_gpu_arena_add(&w->arena, bits, sizeof(uint64_t));
  CLS_TRY(cls_gpu_arena_make(&w->arena, b->stream));
  for (int t = 0; t < watch->n_tallies; t++) {
    const cls_tally *tally = &watch->tallies[t];
    uint32_t *to = cls_gpu_arena_at(&w->arena, at[t]);
    CLS_CUDA(cudaMemcpyAsync(to, tally->group_of_16, groups * sizeof *to, cudaMemcpyHostToDevice, b->stream),
             "copying groups");
    w->base[t] = b->now / tally->interval;
    CLS_TRY(cls_alloc(&w->next[t], (size_t)b->setup.members, sizeof *w->next[t], "counts of spikes"));
    for (int m = 0; m < b->setup.members; m++) w->next[t][m] = w->base[t];
    b->rank.tally[t] = (cls_gpu_tally){.group_of_16 = to,
                                       .n_groups = tally->n_groups,
                                       .interval = tally->interval,
                                       .first = tally->first,
                                       .base = w->base[t]};
    CLS_TRY(cls_cuda_balloons_make(b, tally, &w->balloons[t]));
  }
  b->rank.n_tallies = (uint32_t)watch->n_tallies;
  if (watch->marked) {
    uint64_t *to = cls_gpu_arena_at(&w->arena, marked);
    CLS_CUDA(cudaMemcpyAsync(to, watch->marked, bits * sizeof *to, cudaMemcpyHostToDevice, b->stream),
             "copying marks");
    b->rank.marked = to;
  }
  return cls_cuda_wait(b, "copying groups");
}

cls_status cls_cuda_watch_set(void *instance, bool all, const cls_watch *watch) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  cls_cuda_watch_free(b);
  b->watch.watch = watch;
  b->rank.n_tallies = 0;
  b->watch.keep = all ? CLS_GPU_KEEP_ALL : watch && watch->marked ? CLS_GPU_KEEP_MARKED : CLS_GPU_KEEP_NONE;
  b->rank.keep = b->watch.keep;
  b->rank.list_first = b->now;
  if (watch) CLS_TRY(copy_watch(b, watch));
  if (b->rank.keep != CLS_GPU_KEEP_NONE) CLS_TRY(make_lists(b));
  b->tables_old = true;
  return CLS_OK;
}

void cls_cuda_watch_free(cls_cuda *b) {
  cls_gpu_arena_free(&b->watch.arena);
  for (int t = 0; t < CLS_GPU_TALLIES; t++) {
    cls_cuda_balloons_free(&b->watch.balloons[t]);
    free(b->watch.next[t]);
  }
  free(b->watch.host);
  b->watch = (cls_cuda_watch){0};
  for (int m = 0; b->spikes && m < b->setup.members; m++) {
    free(b->spikes[m].neuron);
    free(b->spikes[m].first);
    b->spikes[m] = (cls_cuda_spikes){0};
  }
}

/* ---- spikes ---- */

/* An empty list of spikes from step `begin` on. */
static cls_status begin_anew(cls_cuda_spikes *s, int64_t begin) {
  CLS_TRY(cls_grow(&s->first, &s->first_capacity, 1, sizeof *s->first, "spikes"));
  s->first[0] = 0;
  s->n_first = 1;
  s->n_neurons = 0;
  s->begin = begin;
  s->shown = false;
  return CLS_OK;
}

static cls_status drain_member(cls_cuda *b, int m) {
  cls_cuda_spikes *s = &b->spikes[m];
  const uint64_t n = b->member_status[m].kept, steps = (uint64_t)(b->now - b->rank.list_first);
  const cls_gpu_list *list = &b->members[m].device.list;
  uint64_t *of_step = NULL;
  if (s->shown || s->n_first == 0) CLS_TRY(begin_anew(s, b->rank.list_first));
  CLS_CHECK(s->n_neurons + n < UINT32_MAX, CLS_ERR_LIMIT,
            "more than 2^32 spikes of member %d in a window: expected fewer", m);
  CLS_TRY(cls_grow(&s->neuron, &s->neuron_capacity, s->n_neurons + n, sizeof *s->neuron, "spikes"));
  CLS_TRY(cls_grow(&s->first, &s->first_capacity, s->n_first + steps + 1, sizeof *s->first, "spikes"));
  CLS_TRY(cls_alloc(&of_step, steps, sizeof *of_step, "spikes"));
  cls_status status = CLS_OK;
  if (n > 0)
    status = cls_gpu_check(cudaMemcpyAsync(s->neuron + s->n_neurons, list->neuron, n * sizeof *s->neuron,
                                           cudaMemcpyDeviceToHost, b->stream),
                           "copying spikes");
  if (status == CLS_OK && n > 0)
    status = cls_gpu_check(
        cudaMemcpyAsync(of_step, list->of_step, steps * sizeof *of_step, cudaMemcpyDeviceToHost, b->stream),
        "copying spikes");
  if (status == CLS_OK && n > 0)
    status = cls_gpu_check(cudaMemsetAsync(list->of_step, 0, steps * sizeof *of_step, b->stream),
                           "copying spikes");
  if (status == CLS_OK)
    status = cls_gpu_check(cudaMemsetAsync(list->n, 0, sizeof *list->n, b->stream), "copying spikes");
  if (status == CLS_OK) status = cls_cuda_wait(b, "copying spikes");
  for (uint64_t k = 0; k < steps; k++) {
    s->n_neurons += of_step[k];
    s->first[s->n_first++] = (uint32_t)s->n_neurons;
  }
  b->member_status[m].kept = 0;
  if (n > 0) b->profile.copies_out += 2;
  b->profile.bytes_out += n * sizeof *s->neuron + (n > 0 ? steps * sizeof *of_step : 0);
  free(of_step);
  return status;
}

cls_status cls_cuda_drain(cls_cuda *b) {
  if (b->drained) return CLS_OK;
  for (int m = 0; b->rank.keep != CLS_GPU_KEEP_NONE && m < b->setup.members; m++) CLS_TRY(drain_member(b, m));
  b->rank.list_first = b->now;
  b->drained = true;
  return CLS_OK;
}

cls_status cls_cuda_spikes_show(void *instance, int member, cls_spikes *spikes) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  cls_cuda_spikes *s = &b->spikes[member];
  CLS_TRY(cls_cuda_drain(b));
  if (s->shown || s->n_first == 0) CLS_TRY(begin_anew(s, b->now)); /* there are no new ones */
  *spikes = (cls_spikes){s->begin, s->begin + (int64_t)s->n_first - 1, s->neuron, s->first};
  s->shown = true;
  return CLS_OK;
}

/* ---- all of them for a while ---- */

/* Spikes that will be kept from step `now` on come behind those that were not shown; in between none were kept. */
static cls_status skip_to(cls_cuda_spikes *s, int64_t now) {
  if (s->shown || s->n_first == 0) return begin_anew(s, now);
  const size_t n = (size_t)(now - s->begin) + 1;
  CLS_TRY(cls_grow(&s->first, &s->first_capacity, n, sizeof *s->first, "spikes"));
  while (s->n_first < n) s->first[s->n_first++] = (uint32_t)s->n_neurons;
  return CLS_OK;
}

cls_status cls_cuda_show_all(void *instance, bool all) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  const uint32_t keep = all ? CLS_GPU_KEEP_ALL : b->watch.keep;
  if (keep == b->rank.keep) return CLS_OK;
  CLS_TRY(cls_cuda_drain(b));
  for (int m = 0; m < b->setup.members; m++) {
    if (b->rank.keep == CLS_GPU_KEEP_NONE) CLS_TRY(skip_to(&b->spikes[m], b->now));
    cls_gpu_arena_free(&b->members[m].kept);
    b->members[m].device.list = (cls_gpu_list){0};
  }
  b->rank.keep = keep;
  b->rank.list_first = b->now;
  if (keep != CLS_GPU_KEEP_NONE) {
    CLS_TRY(make_lists(b));
    b->profile.allocations += (uint64_t)b->setup.members;
  }
  b->tables_old = true;
  return CLS_OK;
}

/* ---- counts ---- */

static int64_t bins_until(const cls_gpu_tally *tally, int64_t end) {
  return end > tally->base * tally->interval ? (end - 1) / tally->interval - tally->base + 1 : 0;
}

cls_status cls_cuda_counts_reserve(cls_cuda *b, int64_t end) {
  cls_cuda_watch *w = &b->watch;
  bool grows = false;
  if (!w->watch) return CLS_OK;
  for (uint32_t t = 0; t < b->rank.n_tallies; t++) {
    cls_gpu_tally *tally = &b->rank.tally[t];
    tally->base = w->base[t];
    const uint64_t asked = (uint64_t)bins_until(tally, end) * tally->n_groups;
    /* At once as much as there will be between two times that the observer is told. */
    const uint64_t most = (uint64_t)(w->watch->steps / tally->interval + 2) * tally->n_groups;
    if (asked <= w->words[t]) continue;
    CLS_CHECK(w->words[t] == 0, CLS_ERR_INTERNAL, "counts of %lld steps wait: expected at most %lld",
              (long long)(end - tally->base * tally->interval), (long long)w->watch->steps);
    w->words[t] = asked > most ? asked : most;
    grows = true;
  }
  if (!grows) return CLS_OK;
  for (int m = 0; m < b->setup.members; m++)
    CLS_TRY(cls_gpu_counts_make(w->words, b->rank.n_tallies, &b->members[m], b->stream));
  b->tables_old = true;
  return CLS_OK;
}

cls_status cls_cuda_counts_show(void *instance, int member, int tally, int64_t *bin, int64_t *n,
                                const uint32_t **count) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  cls_cuda_watch *w = &b->watch;
  const cls_gpu_tally *t = &b->rank.tally[tally];
  int64_t *next = &w->next[tally][member];
  /* Whole bins are told once, also where they are asked for again before the next step. Before the first step there is
   * no room for any. */
  *bin = *next;
  *n = w->words[tally] > 0 ? bins_until(t, b->now) - (*next - t->base) : 0;
  if (*n < 0) *n = 0;
  if (*n == 0) return CLS_OK;
  uint32_t *from = b->members[member].device.count[tally] + (uint64_t)(*next - t->base) * t->n_groups;
  const size_t words = (size_t)*n * t->n_groups;
  CLS_TRY(cls_grow(&w->host, &w->host_capacity, words, sizeof *w->host, "counts of spikes"));
  CLS_CUDA(cudaMemcpyAsync(w->host, from, words * sizeof *from, cudaMemcpyDeviceToHost, b->stream),
           "copying counts");
  CLS_CUDA(cudaMemsetAsync(from, 0, words * sizeof *from, b->stream), "clearing counts");
  CLS_TRY(cls_cuda_wait(b, "copying counts"));
  b->profile.copies_out++;
  b->profile.bytes_out += words * sizeof *from;
  *next = w->base[tally] = b->now / t->interval; /* for steps to come */
  *count = w->host;
  return CLS_OK;
}

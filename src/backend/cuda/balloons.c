/* Haemodynamics of a tally's groups, advanced on the GPU from the counts that lie there: the host side. Only volumes that are
 * complete come back. */
#include "backend/cuda/instance.h"
#include "backend/cuda/volumes.h"
#include <stdlib.h>
#include <string.h>

static cls_status copy_to(cls_cuda *b, size_t offset, const cls_gpu_arena *arena, const void *from,
                          size_t bytes) {
  return cls_gpu_check(
      cudaMemcpyAsync(cls_gpu_arena_at(arena, offset), from, bytes, cudaMemcpyHostToDevice, b->stream),
      "haemodynamics");
}

/* All members at rest. */
static cls_status fill(cls_cuda *b, const cls_tally *tally, const cls_cuda_balloons *a) {
  const cls_haemodynamics *h = tally->haemodynamics;
  const size_t n = (size_t)b->setup.members * tally->n_groups;
  cls_balloon *rest = NULL;
  CLS_TRY(cls_alloc(&rest, n, sizeof *rest, "haemodynamics"));
  for (size_t i = 0; i < n; i++) rest[i] = cls_balloon_rest();
  cls_status status = copy_to(b, a->consts, &a->arena, &h->consts, sizeof h->consts);
  if (status == CLS_OK) status = copy_to(b, a->size, &a->arena, h->size, tally->n_groups * sizeof *h->size);
  if (status == CLS_OK) status = copy_to(b, a->state, &a->arena, rest, n * sizeof *rest);
  if (status == CLS_OK) status = cls_cuda_wait(b, "haemodynamics");
  free(rest);
  return status;
}

cls_status cls_cuda_balloons_make(cls_cuda *b, const cls_tally *tally, cls_cuda_balloons *a) {
  const size_t n = (size_t)b->setup.members * tally->n_groups;
  if (!tally->haemodynamics || n == 0) return CLS_OK;
  a->arena = (cls_gpu_arena){.name = "haemodynamics"};
  a->consts = cls_gpu_arena_add(&a->arena, 1, sizeof(cls_balloon_consts));
  a->size = cls_gpu_arena_add(&a->arena, tally->n_groups, sizeof(uint64_t));
  a->state = cls_gpu_arena_add(&a->arena, n, sizeof(cls_balloon));
  a->during = cls_gpu_arena_add(&a->arena, n, sizeof(uint64_t));
  b->profile.allocations++;
  CLS_TRY(cls_gpu_arena_make(&a->arena, b->stream));
  return fill(b, tally, a);
}

void cls_cuda_balloons_free(cls_cuda_balloons *a) {
  cls_gpu_arena_free(&a->arena);
  cls_gpu_arena_free(&a->out);
  free(a->signal);
  free(a->spikes);
  *a = (cls_cuda_balloons){0};
}

/* Advances a member by `bins` bins from bin `first` on, in which `n` volumes become complete. */
static cls_status advance(cls_cuda *b, int member, int tally, int64_t first, int64_t bins, int64_t n) {
  const cls_tally *t = &b->watch.watch->tallies[tally];
  const cls_haemodynamics *h = t->haemodynamics;
  cls_cuda_balloons *a = &b->watch.balloons[tally];
  const size_t groups = t->n_groups, values = (size_t)n * groups, bytes = values * sizeof(double);
  CLS_TRY(cls_grow(&a->signal, &a->signal_capacity, values, sizeof *a->signal, "BOLD"));
  CLS_TRY(cls_grow(&a->spikes, &a->spikes_capacity, values, sizeof *a->spikes, "BOLD"));
  CLS_TRY(cls_cuda_reserve(b, &a->out, "volumes", 2 * bytes + 1));
  cls_gpu_volumes_args args = {
      .consts = cls_gpu_arena_at(&a->arena, a->consts),
      .size = cls_gpu_arena_at(&a->arena, a->size),
      .state = (cls_balloon *)cls_gpu_arena_at(&a->arena, a->state) + (size_t)member * groups,
      .during = (uint64_t *)cls_gpu_arena_at(&a->arena, a->during) + (size_t)member * groups,
      .count = b->members[member].device.count[tally],
      .signal = cls_gpu_arena_at(&a->out, 0),
      .spikes = cls_gpu_arena_at(&a->out, bytes),
      .groups = groups,
      .bins = (uint64_t)bins,
      .first = first,
      .bins_of_volume = h->bins,
      .goes_on = b->now % t->interval != 0};
  memcpy(&args.bin_s, &h->bin_s, sizeof args.bin_s);
  CLS_CUDA(cls_gpu_launch_volumes(&args, b->stream), "haemodynamics");
  b->profile.launches++;
  if (n == 0) return CLS_OK;
  CLS_CUDA(cudaMemcpyAsync(a->signal, args.signal, bytes, cudaMemcpyDeviceToHost, b->stream), "volumes");
  CLS_CUDA(cudaMemcpyAsync(a->spikes, args.spikes, bytes, cudaMemcpyDeviceToHost, b->stream), "volumes");
  b->profile.copies_out += 2;
  b->profile.bytes_out += 2 * bytes;
  return cls_cuda_wait(b, "volumes");
}

cls_status cls_cuda_volumes_show(void *instance, int member, int tally, int64_t *volume, int64_t *n,
                                 const double **signal, const uint64_t **spikes) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  cls_cuda_watch *w = &b->watch;
  const cls_tally *t = &w->watch->tallies[tally];
  int64_t *next = &w->next[tally][member];
  const int64_t first = *next, end = b->now / t->interval, size = t->haemodynamics->bins;
  *volume = first / size;
  *n = end > first ? end / size - first / size : 0;
  if (end > first && t->n_groups > 0) CLS_TRY(advance(b, member, tally, first, end - first, *n));
  *next = w->base[tally] = end; /* for steps to come */
  *signal = w->balloons[tally].signal;
  *spikes = w->balloons[tally].spikes;
  return CLS_OK;
}

/* ---- checkpoints ---- */

static cls_status copy_state(cls_cuda *b, void *on_gpu, void *here, size_t bytes, bool put) {
  b->profile.copies_in += put;
  b->profile.copies_out += !put;
  *(put ? &b->profile.bytes_in : &b->profile.bytes_out) += bytes;
  return cls_gpu_check(
      cudaMemcpyAsync(put ? on_gpu : here, put ? here : on_gpu, bytes, cudaMemcpyDefault, b->stream),
      "haemodynamics");
}

cls_status cls_cuda_haemodynamics(void *instance, int member, int tally, bool put,
                                  cls_haemodynamic_state *state) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  const cls_tally *t = &b->watch.watch->tallies[tally];
  cls_cuda_balloons *a = &b->watch.balloons[tally];
  const size_t groups = t->n_groups;
  if (groups == 0) return CLS_OK;
  /* Counts of the bin that goes on then lie first. */
  CLS_CHECK(b->watch.next[tally][member] == b->now / t->interval, CLS_ERR_INTERNAL,
            "haemodynamics of member %d are asked for before its volumes", member);
  if (put) CLS_TRY(cls_cuda_counts_reserve(b, b->now + 1));
  CLS_TRY(copy_state(b, (cls_balloon *)cls_gpu_arena_at(&a->arena, a->state) + (size_t)member * groups,
                     state->balloon, groups * sizeof *state->balloon, put));
  CLS_TRY(copy_state(b, (uint64_t *)cls_gpu_arena_at(&a->arena, a->during) + (size_t)member * groups,
                     state->during, groups * sizeof *state->during, put));
  uint32_t *partial = b->members[member].device.count[tally];
  if (partial)
    CLS_TRY(copy_state(b, partial, state->partial, groups * sizeof *state->partial, put));
  else /* no step was computed */
    memset(state->partial, 0, groups * sizeof *state->partial);
  return cls_cuda_wait(b, "haemodynamics");
}

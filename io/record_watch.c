#include "io/record_watch.h"
#include <stdlib.h>

static bool makes_do(const cls_recording *r) { return !r->spikes || r->n_tallies > 0 || r->marked; }

cls_status cls_record_watch_create(const cls_recording *recordings, size_t n, int64_t steps,
                                   cls_record_watch *watch, bool *possible) {
  cls_record_watch *w = watch;
  int tallies = 0, marking = 0;
  *w = (cls_record_watch){.watch = {.steps = steps}};
  *possible = true;
  for (size_t i = 0; i < n; i++) {
    *possible = *possible && makes_do(&recordings[i]);
    tallies += recordings[i].n_tallies;
    marking += recordings[i].marked != NULL;
  }
  *possible = *possible && marking <= 1;
  if (!*possible) return CLS_OK;
  CLS_TRY(cls_alloc(&w->tallies, (size_t)tallies, sizeof *w->tallies, "tallies"));
  CLS_TRY(cls_alloc(&w->recording, (size_t)tallies, sizeof *w->recording, "tallies"));
  CLS_TRY(cls_alloc(&w->number, (size_t)tallies, sizeof *w->number, "tallies"));
  for (size_t i = 0; i < n; i++) {
    for (int t = 0; t < recordings[i].n_tallies; t++) {
      w->tallies[w->watch.n_tallies] = recordings[i].tallies[t];
      w->recording[w->watch.n_tallies] = (uint32_t)i;
      w->number[w->watch.n_tallies++] = t;
    }
    if (!recordings[i].marked) continue;
    w->marking = &recordings[i];
    w->watch.marked = recordings[i].marked;
    w->watch.n_marked = recordings[i].n_marked;
  }
  w->watch.tallies = w->tallies;
  return CLS_OK;
}

void cls_record_watch_destroy(cls_record_watch *watch) {
  free(watch->tallies);
  free(watch->recording);
  free(watch->number);
}

cls_status cls_record_watch_counts(const cls_record_watch *watch, const cls_recording *recordings, int member,
                                   int tally, int64_t bin, int64_t n, const uint32_t *count) {
  const cls_recording *r = &recordings[watch->recording[tally]];
  return r->counts(r->self, member, watch->number[tally], bin, n, count);
}

cls_status cls_record_watch_volumes(const cls_record_watch *watch, const cls_recording *recordings,
                                    int member, int tally, int64_t volume, int64_t n, const double *signal,
                                    const uint64_t *spikes) {
  const cls_recording *r = &recordings[watch->recording[tally]];
  return r->volumes(r->self, member, watch->number[tally], volume, n, signal, spikes);
}

cls_status cls_record_watch_marked(const cls_record_watch *watch, int member, const cls_spikes *spikes) {
  const cls_recording *r = watch->marking;
  return r ? r->marked_spikes(r->self, member, spikes) : CLS_OK;
}

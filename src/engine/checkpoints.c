#include "engine/checkpoints.h"
#include "engine/keep.h"
#include <stdlib.h>

/* Whether this engine is ever kept. */
static bool is_kept(const cls_engine *e) { return e->options.saver || e->options.keeps; }

static int64_t window_of(const cls_engine *e) { return cls_keep_window(e->network); }

cls_status cls_checkpoints_begin(cls_engine *e) {
  if (!is_kept(e)) return CLS_OK;
  /* Backends that keep spikes to themselves show them from the window before a checkpoint on. */
  int hides = !e->shows_all;
  MPI_Allreduce(MPI_IN_PLACE, &hides, 1, MPI_INT, MPI_MAX, e->world.comm);
  e->save_delay = hides ? window_of(e) : 0;
  return CLS_OK;
}

/* ---- when ---- */

int cls_checkpoints_ask(cls_engine *e) {
  const cls_saver *saver = e->options.saver;
  int asked = CLS_ASK_NOTHING;
  if (saver && saver->ask) asked = saver->ask(saver->self);
  if (e->options.ask && *e->options.ask > asked) asked = *e->options.ask;
  if (e->options.ask && saver) *e->options.ask = CLS_ASK_NOTHING;
  return asked;
}

bool cls_checkpoints_plan(cls_engine *e, int asked) {
  if (!is_kept(e)) return asked != CLS_ASK_NOTHING;
  if (asked == CLS_ASK_NOTHING) return false;
  if (e->save_at == INT64_MAX) e->save_at = (e->now + e->save_delay + e->beat - 1) / e->beat * e->beat;
  if (asked == CLS_ASK_SAVE_AND_STOP || !e->options.saver) e->stop_then = true;
  return false;
}

/* The first step after `after` at which the saver saves it, in a run until `end`; INT64_MAX: none is known yet. */
static int64_t next_of_saver(const cls_engine *e, int64_t after, int64_t end) {
  const cls_saver *saver = e->options.saver;
  if (!saver) return INT64_MAX;
  int64_t next = e->save_at;
  if (saver->interval > 0 && (after / saver->interval + 1) * saver->interval < next)
    next = (after / saver->interval + 1) * saver->interval;
  if (saver->at_end && end > after && end < next) next = end;
  return next;
}

/* The same of whoever keeps it: at the end of a run it is to be ready for the caller. */
static int64_t next_save(const cls_engine *e, int64_t after, int64_t end) {
  int64_t next = next_of_saver(e, after, end);
  if (!e->options.keeps) return next;
  if (e->save_at < next) next = e->save_at;
  return end > after && end < next ? end : next;
}

int64_t cls_checkpoints_next(const cls_engine *e, int64_t end) {
  const int64_t save = next_save(e, e->now, end);
  if (save == INT64_MAX || e->shows_all || e->collects) return save;
  return save - e->save_delay > e->now ? save - e->save_delay : save;
}

bool cls_checkpoints_due(const cls_engine *e, int64_t end) {
  return is_kept(e) && next_save(e, e->now - 1, end) == e->now;
}

/* ---- spikes ---- */

cls_status cls_checkpoints_collect(cls_engine *e, int64_t end) {
  if (!is_kept(e) || e->shows_all || e->collects) return CLS_OK;
  const int64_t save = next_save(e, e->now, end);
  if (save == INT64_MAX || e->now < save - e->save_delay) return CLS_OK;
  e->collects = true;
  return e->backend->show_all(e->backend_instance, true);
}

cls_status cls_checkpoints_note(cls_engine *e, int member, const cls_spikes *spikes) {
  const int64_t since = spikes->end - window_of(e);
  cls_arrival *noted = NULL;
  size_t n = 0;
  CLS_TRY(cls_alloc(&noted, spikes->first[spikes->end - spikes->begin], sizeof *noted, "recent spikes"));
  for (int64_t step = spikes->begin > since ? spikes->begin : since; step < spikes->end; step++)
    for (uint32_t i = spikes->first[step - spikes->begin]; i < spikes->first[step - spikes->begin + 1]; i++)
      noted[n++] = (cls_arrival){spikes->neuron[i], (uint32_t)(spikes->end - step)};
  const cls_status status = cls_recent_add(&e->own[member], spikes->end, (uint32_t)window_of(e), noted, n);
  free(noted);
  return status;
}

cls_status cls_checkpoints_mark(cls_engine *e, const cls_spikes *spikes, const uint64_t *bits) {
  const size_t steps = (size_t)(spikes->end - spikes->begin);
  uint32_t *neuron = (uint32_t *)e->marked.neuron, *first = (uint32_t *)e->marked.first, n = 0;
  cls_status status = cls_grow(&neuron, &e->marked_capacity, spikes->first[steps], sizeof *neuron, "spikes");
  e->marked.neuron = neuron;
  CLS_TRY(status);
  status = cls_grow(&first, &e->marked_first_capacity, steps + 1, sizeof *first, "spikes");
  e->marked.first = first;
  CLS_TRY(status);
  for (size_t k = 0; k < steps; k++) {
    first[k] = n;
    for (uint32_t i = spikes->first[k]; i < spikes->first[k + 1] && bits; i++)
      if (bits[spikes->neuron[i] / 64] >> spikes->neuron[i] % 64 & 1) neuron[n++] = spikes->neuron[i];
  }
  first[steps] = n;
  e->marked.begin = spikes->begin;
  e->marked.end = spikes->end;
  return CLS_OK;
}

/* ---- saving ---- */

/* What was shown since observers were told last. */
static cls_status fetch(cls_engine *e) {
  for (int m = 0; m < e->options.members && e->collects; m++) {
    cls_spikes spikes;
    CLS_TRY(e->backend->spikes(e->backend_instance, m, &spikes));
    CLS_TRY(cls_checkpoints_note(e, m, &spikes));
  }
  return CLS_OK;
}

cls_status cls_checkpoints_save(cls_engine *e, int64_t end, bool *stop) {
  const double begun = cls_seconds();
  cls_status status = fetch(e);
  CLS_TRY(cls_agree(e->world.comm, status));
  if (next_of_saver(e, e->now - 1, end) == e->now)
    CLS_TRY(e->options.saver->save(e->options.saver->self, e->now));
  if (e->collects) CLS_TRY(e->backend->show_all(e->backend_instance, false));
  e->collects = false;
  if (e->save_at == e->now) {
    *stop = e->stop_then;
    e->save_at = INT64_MAX;
  }
  e->save_s += cls_seconds() - begun;
  return CLS_OK;
}

/* Writing the checkpoints of a run: when the clock asks, and what goes into one. */
#include "jobs/run.h"
#include "jobs/text.h"

/* Rank 0's clock, which no change of the time of day moves. What was asked for is not asked again before it is written. */
static int ask(void *self) {
  cls_run_saver *s = self;
  const double every = s->run->job->checkpoint.every_s, now = cls_seconds();
  if (s->run->world.rank != 0 || every <= 0 || now - s->last_s < every) return CLS_ASK_NOTHING;
  s->last_s = now;
  return CLS_ASK_SAVE;
}

static cls_status write_arrays(const cls_run_saver *s, cls_checkpoint_writer *writer, int64_t step) {
  const cls_keeper *keeper = cls_checkpoint_keeper(writer);
  CLS_TRY(cls_engine_keep(s->engine, keeper));
  return cls_recorder_keep(s->recorder, s->engine, step, keeper);
}

/* Failures of the file are those of all ranks; others may be one rank's. */
static cls_status write_checkpoint(cls_run_saver *s, int64_t step, uint64_t *bytes) {
  const cls_run *run = s->run;
  const cls_checkpoint_about about = cls_run_about(run, step);
  cls_checkpoint_writer *writer = NULL;
  cls_status status = cls_checkpoint_begin(&run->world, run->directory, &about, &writer);
  s->failed = status != CLS_OK;
  if (status != CLS_OK) return status;
  status = write_arrays(s, writer, step);
  if (status == CLS_OK) status = cls_checkpoint_commit(writer, run->job->checkpoint.keep, bytes);
  if (cls_checkpoint_failure(writer) != CLS_OK) {
    s->failed = true;
    status = cls_checkpoint_failure(writer);
  }
  cls_checkpoint_end(writer);
  return status;
}

static cls_status save(void *self, int64_t step) {
  cls_run_saver *s = self;
  cls_run *run = s->run;
  const double begun = cls_seconds(), at = (double)step * run->job->dt_ms;
  uint64_t bytes = 0;
  const cls_status status = write_checkpoint(s, step, &bytes);
  if (status != CLS_OK) return cls_error_prefix(status, "the checkpoint at %g ms failed", at);
  s->last_s = cls_seconds();
  run->checkpoints++;
  run->checkpoint_s += s->last_s - begun;
  run->checkpoint_bytes = bytes;
  char text[32];
  cls_print_bytes(text, sizeof text, (double)bytes);
  cls_log(&run->world, 1, "  checkpoint at %g ms: %s in %.2f s", at, text, s->last_s - begun);
  return CLS_OK;
}

void cls_run_saver_begin(cls_run_saver *s, cls_run *run) {
  *s = (cls_run_saver){.run = run, .last_s = cls_seconds()};
  s->saver = (cls_saver){.self = s,
                         .ask = ask,
                         .interval = run->job->checkpoint.interval,
                         .at_end = run->job->checkpoint.at_end,
                         .save = save};
}

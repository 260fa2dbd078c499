/* The parts of `callosum run`. */
#ifndef CALLOSUM_RUN_H
#define CALLOSUM_RUN_H

#include "io/io.h"

/* One run, as far as it has come. */
typedef struct {
  cls_world world;
  const cls_job *job;
  const cls_backend *backend;
  const char *directory;
  uint64_t neurons, synapses_expected;
  int64_t steps, reached;
  double begun_s, build_s, simulate_s;
  bool interrupted;
} cls_run;

/* Collective: versions, seed, sizes, and which rank runs where. Prints on rank 0. */
void cls_run_print_header(const cls_run *run);

/* A progress bar on a terminal, plain lines in a log; rank 0. */
typedef struct {
  const cls_run *run;
  double begun_s, last_s;
  int64_t last_percent;
  bool terminal;
} cls_run_progress;
void cls_run_progress_begin(cls_run_progress *progress, const cls_run *run);
void cls_run_progress_step(void *progress, int64_t step); /* a cls_progress */
void cls_run_progress_end(cls_run_progress *progress);

/* Collective: gathers what the ranks measured, prints the table of sections and the summary, and writes
 * DIRECTORY/summary.json (under a temporary name first). `statistics`: one per member. */
cls_status cls_run_summarise(const cls_run *run, const cls_engine *engine, const cls_statistics *statistics);

#endif

/* The parts of `callosum run`, which `callosum sweep` uses too. */
#ifndef CALLOSUM_RUN_H
#define CALLOSUM_RUN_H

#include "io/io.h"

/* One run, as far as it has come. */
typedef struct {
  cls_world world;
  const cls_job *job;
  const cls_backend *backend;
  const char *directory;
  const cls_network *const *variants; /* of the members, see cls_engine_options; NULL: all are alike */
  const int *identity;
  uint64_t neurons;
  int64_t steps, reached;
  double begun_s, build_s, simulate_s;
  bool interrupted;
  bool profile; /* --profile */
} cls_run;

/* Local. A launcher that knows of more processes than MPI does started single ranks that would all write the same
 * files: CLS_ERR_INPUT. */
cls_status cls_run_check_launcher(const cls_world *world);
/* Collective. OMP_NUM_THREADS where set, else this process's cores; where all ranks of a node share the same cores, its
 * share. */
int cls_run_default_threads(MPI_Comm comm);
/* Local. Fills *run for a job that was loaded; `backend` NULL: the job's. The arguments are borrowed. */
cls_status cls_run_prepare(cls_run *run, const cls_world *world, cls_job *job, const char *backend,
                           const char *directory);

/* "runs/NAME" of job file NAME.yaml; freed by the caller. NULL: no memory. */
char *cls_run_default_folder(const char *job);
/* Collective. CLS_ERR_INPUT where `path` holds results or cannot be written; nothing is left there. */
cls_status cls_run_check_folder(const cls_world *world, const char *path);
/* Collective. Makes the folder and those above it. */
cls_status cls_run_make_folder(const cls_world *world, const char *path);

/* Collective. Builds run->job, computes and records it, and hands the outcome of all members to `result` (collective)
 * before everything is taken down. A failure that may be one rank's alone ends all ranks with a message. */
typedef cls_status (*cls_run_result)(void *context, const cls_run *run, const cls_engine *engine,
                                     const cls_statistics *statistics);
cls_status cls_run_simulate(cls_run *run, cls_run_result result, void *context);

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

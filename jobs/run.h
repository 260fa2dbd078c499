/* The parts of `callosum run`, which `callosum sweep` uses too. */
#ifndef CALLOSUM_RUN_H
#define CALLOSUM_RUN_H

#include "io/checkpoint.h"
#include "io/io.h"

/* Exit code of a run that was asked to stop and can be continued (EX_TEMPFAIL: try again). */
enum { CLS_EXIT_INTERRUPTED = 75 };

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
  /* What checkpoints know it by: job->science_hash, mixed with those of other members' jobs. */
  uint64_t science_hash;
  const char *restart;       /* --restart: "auto", or a checkpoint's file; NULL: a new run */
  cls_checkpoint *from;      /* what it continues; NULL: it begins at 0 */
  int64_t begin;             /* first step to be computed */
  bool complete;             /* the folder holds the results already: nothing is to be computed */
  bool anew;                 /* results in the folder cannot be continued: they are removed */
  int checkpoints;           /* written, */
  double checkpoint_s;       /* seconds that took, */
  uint64_t checkpoint_bytes; /* and bytes of the last */
} cls_run;

/* Local. From now on signals ask for checkpoints: SIGUSR1 to go on after one, SIGUSR2, SIGTERM and SIGINT to stop. Early, so that
 * none ends a process that is still being started. */
void cls_run_listen(void);
/* What they asked for, one of CLS_ASK_... */
volatile sig_atomic_t *cls_run_asked(void);

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
/* Collective. CLS_ERR_INPUT where `path` cannot be written; what it holds does not matter. */
cls_status cls_run_check_writable(const cls_world *world, const char *path);
/* Collective. Makes the folder and those above it. */
cls_status cls_run_make_folder(const cls_world *world, const char *path);
/* Local. Removes the results of a run from its folder, or its summary alone. */
void cls_run_clear_folder(const char *path, bool all);

/* Collective. Whether the run is new, goes on, or is complete: fills run->from, begin, complete and anew by what
 * run->restart asks for and the folder holds. CLS_ERR_INPUT where the folder holds results and nothing was asked for, or where it holds
 * another job's, or a checkpoint that was named is damaged or another's. Nothing is changed there. */
cls_status cls_run_find_restart(cls_run *run);
/* Local. What the folder's summary.json says, for cJSON_Delete(); NULL where there is none that can be read. */
struct cJSON *cls_run_read_summary(const char *directory);
/* The folder of the checkpoint that --restart names, in fresh memory; NULL: it names none (or no memory). */
char *cls_run_restart_folder(const char *restart);
/* What a checkpoint of this run says of itself. */
cls_checkpoint_about cls_run_about(const cls_run *run, int64_t step);

/* Who writes the checkpoints of a run. */
typedef struct {
  cls_run *run;
  cls_engine *engine;
  cls_recorder *recorder;
  double last_s; /* rank 0: when the last was written or asked for */
  bool failed;   /* one could not be written, and all ranks know */
  cls_saver saver;
} cls_run_saver;
/* Local. Its engine and recorder are to be filled in before the engine runs. */
void cls_run_saver_begin(cls_run_saver *saver, cls_run *run);

/* Collective. Builds run->job, computes and records it, and hands the outcome of all members to `result` (collective)
 * before everything is taken down. Continues run->from where there is one, and closes it. A failure that may be one rank's alone ends all ranks with a message. */
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

/* callosum run: a job from its file to its summary. */
#include "jobs/run.h"
#include "jobs/jobs.h"
#include "jobs/options.h"
#include "jobs/run_replay.h"
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: callosum run JOB.yaml [options]\n"
    "  --out DIR            folder for results (default: runs/ and the name of the job file)\n"
    "  --set KEY=VALUE      replace a value of the job file, e.g. simulation.duration_ms=1000; may be "
    "repeated\n"
    "  --backend NAME       /cpu/omp, /cpu/serial or /cuda (default: the job's)\n"
    "  --threads N          threads of each rank (default: OMP_NUM_THREADS, else the cores shared by the "
    "node's ranks)\n"
    "  --restart FILE|auto  go on from a checkpoint, on any number of ranks, threads and any backend; auto: "
    "from the newest\n"
    "                       of the folder that is whole, from the beginning where there is none\n"
    "  --hyperparameters FILE\n"
    "                       replay: the values of section assimilation of the job that FILE holds "
    "(assimilation.h5 "
    "or truth.h5\n"
    "                       of callosum assimilate) act, cycle by cycle, and nothing is corrected\n"
    "  --hyperparameters-after hold|mean|draw\n"
    "                       behind the last cycle of FILE: the last values (default), their means over the "
    "second "
    "half of its\n"
    "                       cycles, or a draw from the process and the spread that it shows\n"
    "  --hyperparameters-fixed mean\n"
    "                       one value for all of the run: the mean over the second half of the cycles of "
    "FILE\n"
    "  --profile            say how many steps, kernels and bytes the GPUs were asked for\n"
    "  --quiet, --verbose   say less, say more\n"
    "Signals: SIGUSR1 writes a checkpoint; SIGUSR2, SIGTERM and SIGINT write one and stop, with exit code "
    "75.\n";

static cls_status summarise(void *context, const cls_run *run, const cls_engine *engine,
                            const cls_statistics *statistics) {
  (void)context;
  return cls_run_summarise(run, engine, statistics);
}

typedef struct {
  cls_job_arguments arguments;
  const char *out, *backend, *restart, *replay, *after, *fixed;
  int threads;
  bool quiet, verbose, profile;
} options;

static cls_status check_replay(const options *o) {
  CLS_CHECK(o->replay || (!o->after && !o->fixed), CLS_ERR_INPUT,
            "--hyperparameters-%s: expected --hyperparameters FILE with it", o->after ? "after" : "fixed");
  CLS_CHECK(!o->after || !o->fixed, CLS_ERR_INPUT,
            "--hyperparameters-after, --hyperparameters-fixed: expected one of them");
  CLS_CHECK(!o->fixed || strcmp(o->fixed, "mean") == 0, CLS_ERR_INPUT,
            "--hyperparameters-fixed %s: expected mean", o->fixed);
#ifndef CALLOSUM_HAS_PETSC
  CLS_CHECK(!o->replay, CLS_ERR_INPUT,
            "--hyperparameters: this program was built without data assimilation: configure with "
            "-DCALLOSUM_PETSC=ON");
#endif
  return CLS_OK;
}

static cls_status run_job(const options *o, cls_world *world, cls_job **job, char **directory,
                          cls_replay *replay, bool *interrupted) {
  const cls_job_arguments *a = &o->arguments;
  CLS_TRY(cls_run_check_launcher(world));
  CLS_TRY(check_replay(o));
  CLS_TRY(cls_job_load(world, a->job, a->set, a->n_set, job));
  CLS_CHECK((*job)->n_sweep == 0, CLS_ERR_INPUT, "%s: has a section sweep: callosum sweep runs it", a->job);
  if (o->restart && !o->out) *directory = cls_run_restart_folder(o->restart);
  if (!*directory) *directory = o->out ? cls_format("%s", o->out) : cls_run_default_folder(a->job);
  CLS_CHECK(*directory, CLS_ERR_MEMORY, "out of memory for a path");
  cls_run run;
  CLS_TRY(cls_run_prepare(&run, world, *job, o->backend, *directory));
#ifdef CALLOSUM_HAS_PETSC
  if (o->replay) CLS_TRY(cls_replay_open(&run, o->replay, o->fixed ? o->fixed : o->after, o->fixed, replay));
#else
  (void)replay;
#endif
  run.profile = o->profile;
  run.restart = o->restart;
  CLS_TRY(cls_run_find_restart(&run));
  if (run.complete) {
    cls_log(world, 1, "%s: holds the results of this job, complete: nothing is to be done", *directory);
    return CLS_OK;
  }
  cls_run_print_header(&run);
  const cls_status status = cls_run_simulate(&run, summarise, NULL);
  *interrupted = run.interrupted;
  return status;
}

int cls_command_run(int argc, char **argv) {
  options o = {0};
  const cls_option list[] = {CLS_TEXT("--out", &o.out),
                             CLS_TEXT("--backend", &o.backend),
                             CLS_TEXT("--restart", &o.restart),
                             CLS_COUNT("--threads", &o.threads, 1, 4096),
                             CLS_FLAG("--quiet", &o.quiet),
                             CLS_FLAG("--profile", &o.profile),
                             CLS_FLAG("--verbose", &o.verbose),
                             CLS_TEXT("--hyperparameters", &o.replay),
                             CLS_TEXT("--hyperparameters-after", &o.after),
                             CLS_TEXT("--hyperparameters-fixed", &o.fixed)};
  cls_replay replay = {0};
  cls_world world;
  cls_job *job = NULL;
  char *directory = NULL;
  bool interrupted = false;
  cls_status status = cls_parse_arguments(argc, argv, list, sizeof list / sizeof *list, &o.arguments);
  int threads = o.threads > 0 ? o.threads : cls_run_default_threads(MPI_COMM_WORLD);
  if (cls_world_init(&world, MPI_COMM_WORLD, threads, o.quiet ? 0 : o.verbose ? 2 : 1) != CLS_OK)
    world.rank = 0;
  if (o.arguments.help)
    fputs(world.rank == 0 ? usage : "", stdout);
  else if (status == CLS_OK)
    status = run_job(&o, &world, &job, &directory, &replay, &interrupted);
  if (status != CLS_OK && world.rank == 0) fprintf(stderr, "callosum: %s\n", cls_error_message());
#ifdef CALLOSUM_HAS_PETSC
  cls_replay_close(&replay);
#endif
  cls_job_destroy(job);
  free(directory);
  free(o.arguments.set);
  return status == CLS_OK && interrupted ? CLS_EXIT_INTERRUPTED : (int)status;
}

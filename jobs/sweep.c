/* callosum sweep: a grid of runs, into one table. */
#include "jobs/sweep.h"
#include "jobs/jobs.h"
#include "jobs/options.h"
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: callosum sweep JOB.yaml [options]\n"
    "  --out DIR            folder for results (default: runs/ and the name of the job file)\n"
    "  --set KEY=VALUE      replace a value of the job file; may be repeated\n"
    "  --batch N            most points computed together, as members of one network (default 16)\n"
    "  --point K            one point alone (0 is the first): for a task of a SLURM array\n"
    "  --points             print how many points the grid has\n"
    "  --collect            gather the points found in DIR into DIR/sweep.h5\n"
    "  --backend NAME       /cpu/omp or /cpu/serial (default: the job's)\n"
    "  --threads N          threads of each rank\n"
    "  --restart auto       go on: points that are complete stay, others continue from their checkpoints; "
    "needs the same\n"
    "                       --batch\n"
    "Runs every point of the job's section `sweep: {key.path: [values], ...}`; the last key runs fastest. "
    "Points that\n"
    "differ only in parameters are computed together; every point has the spikes of a plain run with its "
    "values.\n"
    "DIR/sweep.h5 holds one row per point; `callosum report DIR` draws it.\n";

typedef struct {
  cls_job_arguments arguments;
  const char *out, *backend, *restart;
  int threads, batch, point;
  bool points, collect;
} options;

static cls_status write_table(const cls_sweep *sweep) {
  char *path = cls_format("%s/sweep.h5", sweep->directory);
  CLS_CHECK(path, CLS_ERR_MEMORY, "out of memory for a path");
  cls_status status = cls_sweep_write(path, sweep->job, sweep->results);
  if (status == CLS_OK) cls_log(&sweep->world, 1, "table of %u points in %s", sweep->points, path);
  free(path);
  return status;
}

static cls_status collect(cls_sweep *sweep) {
  uint32_t found = 0;
  cls_status status = CLS_OK;
  if (sweep->world.rank == 0) status = cls_sweep_collect(sweep, &found);
  if (status == CLS_OK && sweep->world.rank == 0 && found == 0)
    status = cls_fail(CLS_ERR_INPUT, "%s: holds no finished point of this sweep: expected %u",
                      sweep->directory, sweep->points);
  if (status == CLS_OK && sweep->world.rank == 0) {
    if (found < sweep->points)
      cls_warn(&sweep->world, "sweep: %u of %u points are finished", found, sweep->points);
    status = write_table(sweep);
  }
  return cls_agree(sweep->world.comm, status);
}

/* A folder that holds results is refused, but other points of the same sweep may be there. */
static cls_status compute(cls_sweep *sweep, const options *o, bool *stopped) {
  bool alone = o->point >= 0;
  uint32_t first = alone ? (uint32_t)o->point : 0, last = alone ? first + 1 : sweep->points;
  for (uint32_t point = first; point < last;
       point++) { /* what is wrong with the last is said before the first runs */
    cls_job *job;
    CLS_TRY(cls_sweep_load(sweep, point, &job));
    cls_job_destroy(job);
  }
  if (!alone && !o->restart) CLS_TRY(cls_run_check_folder(&sweep->world, sweep->directory));
  CLS_TRY(cls_run_make_folder(&sweep->world, sweep->directory));
  CLS_TRY(cls_sweep_compute(sweep, first, last, stopped));
  if (*stopped) cls_log(&sweep->world, 1, "INTERRUPTED");
  if (alone) return CLS_OK;
  return cls_agree(sweep->world.comm, sweep->world.rank == 0 ? write_table(sweep) : CLS_OK);
}

static cls_status run_sweep(const options *o, cls_sweep *sweep, bool *stopped) {
  const cls_job_arguments *a = &o->arguments;
  sweep->path = a->job;
  sweep->set = a->set;
  sweep->n_set = a->n_set;
  sweep->backend = o->backend;
  sweep->batch = o->batch;
  sweep->restart = o->restart;
  CLS_CHECK(!o->restart || strcmp(o->restart, "auto") == 0, CLS_ERR_INPUT,
            "--restart %s: expected auto, every point has checkpoints of its own", o->restart);
  CLS_TRY(cls_run_check_launcher(&sweep->world));
  CLS_TRY(cls_job_load(&sweep->world, a->job, a->set, a->n_set, &sweep->job));
  CLS_CHECK(sweep->job->n_sweep > 0, CLS_ERR_INPUT, "%s: has no section sweep: callosum run runs it", a->job);
  CLS_CHECK(sweep->job->members == 1, CLS_ERR_INPUT,
            "%s: simulation.members: %d: expected 1, a sweep makes members of its own", a->job,
            sweep->job->members);
  sweep->points = cls_sweep_points(sweep->job);
  CLS_CHECK(o->point < (int64_t)sweep->points, CLS_ERR_INPUT, "--point %d: the sweep has points 0 to %u",
            o->point, sweep->points - 1);
  if (o->points) {
    if (sweep->world.rank == 0) printf("%u\n", sweep->points);
    return CLS_OK;
  }
  CLS_TRY(cls_alloc(&sweep->results, sweep->points, sizeof *sweep->results, "results of a sweep"));
  return o->collect ? collect(sweep) : compute(sweep, o, stopped);
}

int cls_command_sweep(int argc, char **argv) {
  bool stopped = false;
  options o = {.batch = 16, .point = -1};
  const cls_option list[] = {CLS_TEXT("--out", &o.out),
                             CLS_TEXT("--backend", &o.backend),
                             CLS_TEXT("--restart", &o.restart),
                             CLS_COUNT("--threads", &o.threads, 1, 4096),
                             CLS_COUNT("--batch", &o.batch, 1, 10000),
                             CLS_COUNT("--point", &o.point, 0, 1000000),
                             CLS_FLAG("--points", &o.points),
                             CLS_FLAG("--collect", &o.collect)};
  cls_sweep sweep = {0};
  char *directory = NULL;
  cls_status status = cls_parse_arguments(argc, argv, list, sizeof list / sizeof *list, &o.arguments);
  int threads = o.threads > 0 ? o.threads : cls_run_default_threads(MPI_COMM_WORLD);
  if (cls_world_init(&sweep.world, MPI_COMM_WORLD, threads, o.points ? 0 : 1) != CLS_OK) sweep.world.rank = 0;
  if (o.arguments.help) {
    fputs(sweep.world.rank == 0 ? usage : "", stdout);
  } else if (status == CLS_OK) {
    directory = o.out ? cls_format("%s", o.out) : cls_run_default_folder(o.arguments.job);
    sweep.directory = directory;
    status =
        directory ? run_sweep(&o, &sweep, &stopped) : cls_fail(CLS_ERR_MEMORY, "out of memory for a path");
  }
  if (status != CLS_OK && sweep.world.rank == 0) fprintf(stderr, "callosum: %s\n", cls_error_message());
  cls_job_destroy(sweep.job);
  free(sweep.results);
  free(directory);
  free(o.arguments.set);
  return status == CLS_OK && stopped ? CLS_EXIT_INTERRUPTED : (int)status;
}

/* callosum run: a job from its file to its summary. */
#include "jobs/run.h"
#include "jobs/jobs.h"
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: callosum run JOB.yaml [options]\n"
    "  --out DIR            folder for results (default: runs/ and the name of the job file)\n"
    "  --set KEY=VALUE      replace a value of the job file, e.g. simulation.duration_ms=1000; may be "
    "repeated\n"
    "  --backend NAME       /cpu/omp or /cpu/serial (default: the job's)\n"
    "  --threads N          threads of each rank (default: OMP_NUM_THREADS, else the cores shared by the "
    "node's ranks)\n"
    "  --quiet, --verbose   say less, say more\n";

typedef struct {
  const char *job, *out, *backend;
  const char **set;
  int n_set, threads, verbosity;
  bool help;
} options;

/* ---- arguments ---- */

static cls_status parse(int argc, char **argv, options *o) {
  o->verbosity = 1;
  for (int i = 1; i < argc; i++) {
    const char *name = argv[i];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
      o->help = true;
      return CLS_OK;
    }
    if (strcmp(name, "--quiet") == 0 || strcmp(name, "--verbose") == 0) {
      o->verbosity = name[2] == 'q' ? 0 : 2;
      continue;
    }
    if (name[0] != '-') {
      CLS_CHECK(!o->job, CLS_ERR_INPUT, "argument %s: expected one job file, %s was already given", name,
                o->job);
      o->job = name;
      continue;
    }
    const char **text = strcmp(name, "--out") == 0       ? &o->out
                        : strcmp(name, "--backend") == 0 ? &o->backend
                        : strcmp(name, "--set") == 0     ? &o->set[o->n_set]
                                                         : NULL;
    bool threads = strcmp(name, "--threads") == 0;
    CLS_CHECK(text || threads, CLS_ERR_INPUT,
              "option %s: expected --out, --set, --backend, --threads, --quiet or --verbose", name);
    CLS_CHECK(i + 1 < argc, CLS_ERR_INPUT, "option %s: expected a value", name);
    const char *value = argv[++i];
    if (threads) {
      char *end;
      long n = strtol(value, &end, 10);
      CLS_CHECK(*value && !*end && n >= 1 && n <= 4096, CLS_ERR_INPUT, "--threads %s: expected 1 to 4096",
                value);
      o->threads = (int)n;
    } else {
      *text = value;
      if (text == &o->set[o->n_set]) o->n_set++;
    }
  }
  CLS_CHECK(o->job, CLS_ERR_INPUT, "run: expected a job file (see callosum run --help)");
  return CLS_OK;
}

static cls_status summarise(void *context, const cls_run *run, const cls_engine *engine,
                            const cls_statistics *statistics) {
  (void)context;
  return cls_run_summarise(run, engine, statistics);
}

static cls_status run_job(options *o, cls_world *world, cls_job **job, char **directory) {
  CLS_TRY(cls_run_check_launcher(world));
  CLS_TRY(cls_job_load(world, o->job, o->set, o->n_set, job));
  CLS_CHECK((*job)->n_sweep == 0, CLS_ERR_INPUT, "%s: has a section sweep: callosum sweep runs it", o->job);
  *directory = o->out ? cls_format("%s", o->out) : cls_run_default_folder(o->job);
  CLS_CHECK(*directory, CLS_ERR_MEMORY, "out of memory for a path");
  cls_run run;
  CLS_TRY(cls_run_prepare(&run, world, *job, o->backend, *directory));
  CLS_TRY(cls_run_check_folder(world, *directory));
  cls_run_print_header(&run);
  return cls_run_simulate(&run, summarise, NULL);
}

int cls_command_run(int argc, char **argv) {
  options o = {0};
  cls_world world;
  cls_job *job = NULL;
  char *directory = NULL;
  o.set = calloc((size_t)argc + 1, sizeof *o.set);
  cls_status status = o.set ? parse(argc, argv, &o) : cls_fail(CLS_ERR_MEMORY, "out of memory for arguments");
  int threads = o.threads > 0 ? o.threads : cls_run_default_threads(MPI_COMM_WORLD);
  if (cls_world_init(&world, MPI_COMM_WORLD, threads, o.verbosity) != CLS_OK) world.rank = 0;
  if (o.help) {
    if (world.rank == 0) fputs(usage, stdout);
  } else if (status == CLS_OK) {
    status = run_job(&o, &world, &job, &directory);
  }
  if (status != CLS_OK && world.rank == 0) fprintf(stderr, "callosum: %s\n", cls_error_message());
  cls_job_destroy(job);
  free(directory);
  free(o.set);
  return status;
}

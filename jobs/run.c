/* callosum run: a job from its file to its summary. */
#include "jobs/run.h"
#include "backend/cpu/cpu.h"
#include "exchange/exchange.h"
#include "jobs/jobs.h"
#include "partition/partition.h"
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <hwloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: callosum run JOB.yaml [options]\n"
    "  --out DIR            folder for results (default: runs/ and the name of the job file)\n"
    "  --set KEY=VALUE      replace a value of the job file, e.g. simulation.duration_ms=1000; may be "
    "repeated\n"
    "  --backend NAME       /cpu/omp or /cpu/serial (default: the job's)\n"
    "  --threads N          threads of each rank (default: OMP_NUM_THREADS, else the cores shared by the "
    "node's ranks)\n"
    "  --quiet, --verbose   say less, say more\n";

static const cls_backend *const backends[] = {&cls_backend_cpu_omp, &cls_backend_cpu_serial};

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

/* A launcher that knows of more processes than MPI does started single ranks that would all write the same
 * files. */
static cls_status check_launcher(const cls_world *world) {
  static const char *const counts[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    const char *text = getenv(counts[i]);
    int launched = text ? atoi(text) : 0;
    CLS_CHECK(launched <= world->ranks || world->ranks > 1, CLS_ERR_INPUT,
              "the launcher started %d processes (%s), but MPI sees %d: expected one job of %d ranks; use "
              "this MPI's mpirun, or "
              "srun --mpi=pmix",
              launched, counts[i], world->ranks, launched);
  }
  return CLS_OK;
}

/* OMP_NUM_THREADS where set, else this process's cores; where all ranks of a node share the same cores, its
 * share. */
static int default_threads(MPI_Comm comm) {
  const char *set = getenv("OMP_NUM_THREADS");
  if (set && atoi(set) > 0) return atoi(set);
  hwloc_topology_t topology;
  MPI_Comm node;
  int ranks = 1, mine = 1, all = 1;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &ranks);
  MPI_Comm_free(&node);
  if (hwloc_topology_init(&topology) != 0) return 1;
  if (hwloc_topology_load(topology) == 0) {
    hwloc_bitmap_t bound = hwloc_bitmap_alloc();
    all = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    mine = hwloc_get_cpubind(topology, bound, HWLOC_CPUBIND_PROCESS) == 0 ? hwloc_bitmap_weight(bound) : all;
    hwloc_bitmap_free(bound);
  }
  hwloc_topology_destroy(topology);
  int threads = mine < all || ranks == 1 ? mine : all / ranks;
  return threads > 0 ? threads : 1;
}

/* Longest registered prefix-free name: "/cpu" means the first CPU backend. */
static cls_status find_backend(const char *name, const cls_backend **backend) {
  for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
    if (strcmp(name, backends[i]->name) == 0) {
      *backend = backends[i];
      return CLS_OK;
    }
  return cls_fail(CLS_ERR_INPUT, "backend '%s': expected /cpu/omp or /cpu/serial (this build has no others)",
                  name);
}

/* ---- the folder ---- */

static char *default_directory(const char *job) {
  const char *base = strrchr(job, '/') ? strrchr(job, '/') + 1 : job;
  const char *dot = strrchr(base, '.');
  return cls_format("runs/%.*s", (int)(dot && dot > base ? dot - base : (ptrdiff_t)strlen(base)), base);
}

static cls_status make_directories(const char *path) {
  char *part = cls_format("%s", path);
  CLS_CHECK(part, CLS_ERR_MEMORY, "out of memory for a path");
  cls_status status = CLS_OK;
  for (char *c = part + 1; status == CLS_OK; c++) {
    if (*c != '/' && *c != 0) continue;
    char kept = *c;
    *c = 0;
    if (mkdir(part, 0777) != 0 && errno != EEXIST)
      status = cls_fail(CLS_ERR_INPUT, "--out %s: cannot make folder %s: %s", path, part, strerror(errno));
    *c = kept;
    if (kept == 0) break;
  }
  free(part);
  return status;
}

/* Can files be made in `path` or, where it is not there yet, in the nearest folder above it? Tried, because
 * permission bits say little to root and nothing of read-only or full file systems. */
static cls_status check_writable(const char *path) {
  CLS_CHECK(path[0], CLS_ERR_INPUT, "--out: expected the name of a folder");
  char *folder = cls_format("%s", path), *probe = NULL;
  CLS_CHECK(folder, CLS_ERR_MEMORY, "out of memory for a path");
  struct stat info;
  while (stat(folder, &info) != 0) {
    char *slash = strrchr(folder, '/');
    if (slash && slash > folder)
      *slash = 0;
    else
      memcpy(folder, slash ? "/" : ".", 2); /* a name has at least one letter: there is room */
  }
  cls_status status = CLS_OK;
  if (!S_ISDIR(info.st_mode)) {
    status = cls_fail(CLS_ERR_INPUT, "--out %s: %s is not a folder", path, folder);
  } else if ((probe = cls_format("%s/.callosum-XXXXXX", folder))) {
    int file = mkstemp(probe);
    if (file < 0)
      status =
          cls_fail(CLS_ERR_INPUT, "--out %s: folder %s is not writable: %s", path, folder, strerror(errno));
    else
      close(file), unlink(probe);
  }
  free(probe);
  free(folder);
  return status;
}

/* The name of a result that folder `path` holds, as readdir found it; "" where there is none or no folder. */
static void find_result(const char *path, char *found, size_t size) {
  static const char *const results[] = {"summary.json", "spikes.h5",   "rates.h5",
                                        "bold.h5",      "currents.h5", "lfp.h5",
                                        "neurons.h5",   "spectra.h5",  "trace_*.h5"};
  DIR *folder = opendir(path);
  *found = 0;
  for (struct dirent *entry; folder && !*found && (entry = readdir(folder));)
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
      if (fnmatch(results[i], entry->d_name, 0) == 0) snprintf(found, size, "%s", entry->d_name);
  if (folder) closedir(folder);
}

/* Rank 0 looks, all ranks hear. A folder that holds results is refused. */
static cls_status check_directory(const cls_world *world, const char *path) {
  char found[256] = "";
  cls_status status = CLS_OK;
  if (world->rank == 0) find_result(path, found, sizeof found);
  if (*found)
    status =
        cls_fail(CLS_ERR_INPUT, "--out %s: holds results already (%s): expected a new folder", path, found);
  if (world->rank == 0 && status == CLS_OK) status = check_writable(path);
  return cls_agree(world->comm, status);
}

static cls_status make_directory(const cls_world *world, const char *path) {
  return cls_agree(world->comm, world->rank == 0 ? make_directories(path) : CLS_OK);
}

/* ---- the run ---- */

static volatile sig_atomic_t stop_requested;
static void request_stop(int signal_number) {
  (void)signal_number;
  stop_requested = 1;
}

typedef struct {
  cls_placement *placement;
  cls_engine *engine;
  cls_recorder *recorder;
} pieces;

/* Places and builds. Nothing is written yet. */
static cls_status build(cls_run *run, pieces *p) {
  const cls_world *world = &run->world;
  const cls_network *network = run->job->network;
  int parts = run->backend->parts(world->threads); /* threads may differ between ranks */
  MPI_Allreduce(MPI_IN_PLACE, &parts, 1, MPI_INT, MPI_SUM, world->comm);
  CLS_TRY(cls_placement_create(network, world->ranks, parts, &p->placement));
  cls_log(world, 2, "partition: %u blocks by %s onto %d ranks", p->placement->n_blocks,
          run->job->partition_method, world->ranks);
  CLS_TRY(cls_partition(network, run->job->partition_method, world->ranks, p->placement));
  /* Every rank came to the same answer if all have the same C library and processor: METIS leans on libm.
   * Rank 0's holds. */
  MPI_Bcast(p->placement->owner, (int)p->placement->n_blocks, MPI_INT32_T, 0, world->comm);
  cls_engine_options engine_options = {
      .members = run->job->members, .beat_ms = run->job->beat_ms, .stop = &stop_requested};
  CLS_TRY(cls_engine_create(world, network, p->placement, &engine_options, run->backend, &cls_exchange_mpi,
                            &p->engine));
  MPI_Barrier(world->comm);
  run->build_s = cls_seconds() - run->begun_s;
  cls_log(world, 1, "built in %.2f s", run->build_s);
  return CLS_OK;
}

/* Computes and records. From here on a failure of one rank ends all (see cls_command_run). */
static cls_status compute(cls_run *run, pieces *p) {
  const cls_world *world = &run->world;
  CLS_TRY(cls_recorder_create(world, run->job, p->placement, cls_engine_layout(p->engine), run->directory,
                              run->steps, &p->recorder));
  CLS_TRY(cls_engine_observe(p->engine, cls_recorder_observer(p->recorder)));
  cls_run_progress progress;
  cls_run_progress_begin(&progress, run);
  double begun = cls_seconds();
  CLS_TRY(cls_engine_run(p->engine, run->steps, cls_run_progress_step, &progress, &run->reached));
  MPI_Barrier(world->comm);
  run->simulate_s = cls_seconds() - begun;
  run->interrupted = run->reached < run->steps;
  cls_run_progress_end(&progress);
  cls_statistics *statistics = NULL;
  cls_status status = cls_alloc(&statistics, (size_t)run->job->members, sizeof *statistics, "statistics");
  if (status == CLS_OK) status = cls_recorder_finish(p->recorder, statistics);
  if (status == CLS_OK) status = cls_run_summarise(run, p->engine, statistics);
  free(statistics);
  return status;
}

static cls_status run_job(options *o, cls_world *world, cls_job **job, char **directory) {
  CLS_TRY(check_launcher(world));
  CLS_TRY(cls_job_load(world, o->job, o->set, o->n_set, job));
  cls_run run = {.world = *world, .job = *job, .begun_s = cls_seconds()};
  CLS_TRY(find_backend(o->backend ? o->backend : (*job)->backend, &run.backend));
  *directory = o->out ? cls_format("%s", o->out) : default_directory(o->job);
  CLS_CHECK(*directory, CLS_ERR_MEMORY, "out of memory for a path");
  run.directory = *directory;
  CLS_TRY(check_directory(world, *directory));
  run.steps = (int64_t)((*job)->duration_ms / (*job)->dt_ms + 0.5);
  run.neurons = (*job)->network->n_neurons;
  cls_run_print_header(&run);

  struct sigaction action = {.sa_handler = request_stop};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);

  pieces p = {0};
  cls_status status = build(&run, &p);
  if (status == CLS_OK) status = make_directory(world, *directory);
  if (status == CLS_OK) {
    status = compute(&run, &p);
    if (status != CLS_OK && status != CLS_ERR_INPUT) {
      /* One rank may have failed alone: the others wait for it in vain, and closing files after a failed
       * collective write hangs. Say it and end all. */
      fprintf(stderr, "callosum: rank %d: %s\n", world->rank, cls_error_message());
      fflush(NULL);
      MPI_Abort(world->comm, status);
    }
  }
  /* Bad input that only the recorder can see (a measured BOLD of the wrong width): the folder is still empty.
   */
  if (status == CLS_ERR_INPUT && world->rank == 0) (void)rmdir(*directory);
  cls_recorder_destroy(p.recorder);
  cls_engine_destroy(p.engine);
  cls_placement_destroy(p.placement);
  return status;
}

int cls_command_run(int argc, char **argv) {
  options o = {0};
  cls_world world;
  cls_job *job = NULL;
  char *directory = NULL;
  o.set = calloc((size_t)argc + 1, sizeof *o.set);
  cls_status status = o.set ? parse(argc, argv, &o) : cls_fail(CLS_ERR_MEMORY, "out of memory for arguments");
  int threads = o.threads > 0 ? o.threads : default_threads(MPI_COMM_WORLD);
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

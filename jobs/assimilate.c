/* callosum assimilate: an ensemble that follows recordings, from the job's file to its summary. */
#include "assimilation/assimilation.h"
#include "assimilation/linear.h"
#include "io/json_numbers.h"
#include "jobs/jobs.h"
#include "jobs/options.h"
#include "jobs/run.h"
#include "jobs/summary_file.h"
#include "jobs/text.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: callosum assimilate JOB.yaml [options]\n"
    "  --out DIR            folder for results (default: runs/ and the name of the job file)\n"
    "  --set KEY=VALUE      replace a value of the job file, e.g. assimilation.method=etkf; may be repeated\n"
    "  --backend NAME       /cpu/omp, /cpu/serial or /cuda (default: the job's)\n"
    "  --threads N          threads of each rank (default: OMP_NUM_THREADS, else the cores shared by the "
    "node's "
    "ranks)\n"
    "  --restart auto       go on where the folder stands, on any number of ranks and any backend\n"
    "  --forecast-only      simulate the next cycle of some members and leave their checkpoints in "
    "DIR/members\n"
    "  --member N           with --forecast-only: the member, from 0 (default: SLURM_ARRAY_TASK_ID, else "
    "all)\n"
    "  --members-per-job K  with --forecast-only: K members, from N times K on (default 1)\n"
    "  --analysis-only      make the analysis of that cycle from the members' checkpoints\n"
    "  --quiet, --verbose   say less, say more\n"
    "Signals: SIGUSR1 writes a checkpoint; SIGUSR2, SIGTERM and SIGINT write one at the end of the cycle and "
    "stop, "
    "with exit code 75.\n"
    "The offline options give the same bits as a run without them: see jobs/slurm/assimilate.sbatch.\n";

typedef struct {
  cls_job_arguments arguments;
  const char *out, *backend, *restart;
  int threads, member, per_job;
  bool quiet, verbose, forecast, analysis;
} options;

/* ---- what is said while it runs ---- */

typedef struct {
  const cls_world *world;
  double begun_s, last_s;
  uint32_t begun;
  bool started;
} progress_state;

static void progress(void *context, uint32_t cycle, uint32_t cycles) {
  progress_state *p = context;
  const double now = cls_seconds();
  if (!p->started) {
    p->started = true;
    p->begun = cycle;
    p->begun_s = now;
  }
  if (p->last_s > 0 && now - p->last_s < 5 && cycle < cycles) return;
  p->last_s = now;
  const double left = cycle > p->begun ? (now - p->begun_s) / (cycle - p->begun) * (cycles - cycle) : NAN;
  cls_log(p->world, 1, isnan(left) ? "  cycle %u of %u" : "  cycle %u of %u, %.0f s left", cycle, cycles,
          left);
}

static void print_header(const cls_world *world, const cls_job *job, const char *directory,
                         const char *backend) {
  const cls_assimilation_options *o = &job->assimilation;
  cls_log(world, 1, "callosum %s: assimilation of %s into %s", CLS_VERSION, job->path, directory);
  cls_log(world, 1,
          "%llu neurons, %.3g synapses; %d members, %s, %u cycles of %g s, %d rank%s x %d thread%s, %s",
          (unsigned long long)job->network->n_neurons, job->network->expected_synapses, o->members, o->method,
          o->cycles, o->tr_s, world->ranks, world->ranks == 1 ? "" : "s", world->threads,
          world->threads == 1 ? "" : "s", backend);
  if (o->control) cls_log(world, 1, "  control: what is estimated does not reach the neurons");
  for (uint32_t i = 0; i < o->n_hyper; i++)
    cls_log(world, 1, "  %s: %s of %u populations, %u value%s within [%g, %g]%s", o->hyper[i].name,
            o->hyper[i].what, o->hyper[i].n_populations, o->hyper[i].rows, o->hyper[i].rows == 1 ? "" : "s",
            o->hyper[i].lower, o->hyper[i].upper, o->hyper[i].update ? "" : ", not corrected");
}

/* ---- the summary ---- */

static cls_status write_summary(const cls_job *job, const cls_world *world, const cls_backend *backend,
                                const char *directory, const cls_assimilated *out, double seconds) {
  cJSON *o = cJSON_CreateObject();
  CLS_CHECK(o, CLS_ERR_MEMORY, "out of memory for a summary");
  cJSON_AddStringToObject(o, "status", out->cycle < out->cycles ? "interrupted" : "done");
  cJSON_AddStringToObject(o, "command", "assimilate");
  cJSON_AddStringToObject(o, "job", job->path);
  cls_json_hex(o, "job_hash", job->hash);
  cls_json_hex(o, "science_hash", job->assimilation_hash);
  cJSON_AddStringToObject(o, "method", job->assimilation.method);
  cls_json_count(o, "neurons", job->network->n_neurons);
  cls_json_count(o, "members", (uint64_t)out->members);
  cls_json_count(o, "members_alive", (uint64_t)out->alive);
  cls_json_count(o, "cycles", out->cycle);
  cls_json_count(o, "cycles_wanted", out->cycles);
  cls_json_count(o, "groups", (uint64_t)out->groups);
  cls_json_count(o, "ranks", (uint64_t)world->ranks);
  cls_json_count(o, "threads", (uint64_t)world->threads);
  cJSON_AddStringToObject(o, "backend", backend->name);
  cls_json_count(o, "seed", job->seed);
  cJSON_AddStringToObject(o, "version", CLS_VERSION);
  const struct {
    const char *name;
    double value;
  } numbers[] = {{"seconds", seconds},
                 {"build_s", out->build_s},
                 {"forecast_s", out->forecast_s},
                 {"analysis_s", out->analysis_s},
                 {"save_s", out->save_s},
                 {"network_bytes", out->network_bytes},
                 {"state_bytes", out->state_bytes},
                 {"innovation_chi2", out->chi2},
                 {"forecast_correlation", out->correlation},
                 {"peak_rss_bytes", (double)cls_peak_rss_bytes()}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    cls_summary_number(o, numbers[i].name, numbers[i].value);
  cJSON *digests = cJSON_AddArrayToObject(o, "digests");
  for (int m = 0; digests && out->digest && m < out->members; m++) {
    char hex[20];
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)out->digest[m]);
    cJSON_AddItemToArray(digests, cJSON_CreateString(hex));
  }
  const cls_status status = cls_summary_write(directory, o);
  cJSON_Delete(o);
  return status;
}

static void print_outcome(const cls_world *world, const cls_assimilated *out, const char *directory) {
  cls_log(world, 1, "built in %.1f s; forecasts %.1f s, analyses %.2f s, checkpoints %.1f s", out->build_s,
          out->forecast_s, out->analysis_s, out->save_s);
  if (isfinite(out->chi2)) cls_log(world, 1, "innovations: chi-square %.2f", out->chi2);
  if (isfinite(out->correlation))
    cls_log(world, 1, "correlation of forecasts with observations %.3f", out->correlation);
  cls_log(world, 1, "%u of %u cycles, %d of %d members: %s/assimilation.h5", out->cycle, out->cycles,
          out->alive, out->members, directory);
}

/* ---- what is asked for ---- */

static cls_status check_options(const options *o) {
  CLS_CHECK(!o->restart || strcmp(o->restart, "auto") == 0, CLS_ERR_INPUT, "--restart %s: expected auto",
            o->restart);
  CLS_CHECK(!o->forecast || !o->analysis, CLS_ERR_INPUT,
            "--forecast-only and --analysis-only: expected one of them");
  CLS_CHECK(o->forecast || (o->member < 0 && o->per_job == 0), CLS_ERR_INPUT,
            "--member, --members-per-job: expected --forecast-only with them");
  return CLS_OK;
}

/* Members of this job of an array. */
static cls_status choose_members(const options *o, int members, cls_assimilation *a) {
  const char *task = o->member < 0 ? getenv("SLURM_ARRAY_TASK_ID") : NULL;
  const int64_t per_job = o->per_job > 0 ? o->per_job : 1;
  int64_t number = o->member;
  char *end = NULL;
  if (task) {
    number = strtol(task, &end, 10);
    CLS_CHECK(end > task && *end == 0 && number >= 0 && number <= INT32_MAX, CLS_ERR_INPUT,
              "SLURM_ARRAY_TASK_ID '%s': expected the number of a member, or --member", task);
  }
  const int64_t first = number < 0 ? 0 : number * per_job,
                last = number < 0 ? members - 1 : first + per_job - 1;
  CLS_CHECK(first < members, CLS_ERR_INPUT, "%s %lld: expected at most %lld, the last of %d members",
            task ? "SLURM_ARRAY_TASK_ID" : "--member", (long long)number,
            (long long)((members - 1) / per_job), members);
  a->first = (int)first;
  a->last = last < members ? (int)last : members - 1;
  return CLS_OK;
}

/* Groups that there cannot be are refused before anything is written; offline there are as many as can be. */
static cls_status check_groups(const options *o, const cls_world *world, const cls_assimilation_options *a) {
  CLS_CHECK(o->forecast || o->analysis || (a->groups <= world->ranks && a->groups <= a->members),
            CLS_ERR_INPUT,
            "assimilation.groups: %d groups for %d rank%s and %d members: expected at most as many as either",
            a->groups, world->ranks, world->ranks == 1 ? "" : "s", a->members);
  return CLS_OK;
}

/* Collective. Whether the folder's summary is of all cycles of this job. */
static bool is_told(const cls_job *job, const cls_world *world, const char *directory) {
  cJSON *json = world->rank == 0 ? cls_run_read_summary(directory) : NULL;
  const cJSON *hash = cJSON_GetObjectItemCaseSensitive(json, "science_hash"),
              *state = cJSON_GetObjectItemCaseSensitive(json, "status"),
              *cycles = cJSON_GetObjectItemCaseSensitive(json, "cycles");
  char expected[20];
  snprintf(expected, sizeof expected, "%016llx", (unsigned long long)job->assimilation_hash);
  int told = cJSON_IsString(hash) && strcmp(hash->valuestring, expected) == 0 && cJSON_IsString(state) &&
             strcmp(state->valuestring, "done") == 0 && cJSON_IsNumber(cycles) &&
             cycles->valuedouble >= job->assimilation.cycles;
  cJSON_Delete(json);
  MPI_Bcast(&told, 1, MPI_INT, 0, world->comm);
  return told != 0;
}

static bool has_results(const char *directory) {
  char *path = cls_format("%s/assimilation.h5", directory);
  const bool there = path && access(path, F_OK) == 0;
  free(path);
  return there;
}

/* Collective. A folder with results is gone on with only where that is asked for; offline it always is. */
static cls_status check_folder(const options *o, const cls_world *world, const char *directory) {
  if (o->restart || o->forecast || o->analysis) return cls_run_check_writable(world, directory);
  int there = world->rank == 0 && has_results(directory);
  MPI_Bcast(&there, 1, MPI_INT, 0, world->comm);
  CLS_CHECK(
      !there, CLS_ERR_INPUT,
      "--out %s: holds results already (assimilation.h5): expected a new folder, or --restart auto to go on",
      directory);
  return cls_run_check_folder(world, directory);
}

static cls_status assimilate(const options *o, cls_world *world, cls_job **job, char **directory,
                             bool *interrupted) {
  const cls_job_arguments *arg = &o->arguments;
  const double begun = cls_seconds();
  CLS_TRY(check_options(o));
  CLS_TRY(cls_run_check_launcher(world));
  CLS_TRY(cls_job_load(world, arg->job, arg->set, arg->n_set, job));
  CLS_CHECK((*job)->assimilation.wanted, CLS_ERR_INPUT,
            "%s: key 'assimilation' is missing: expected the section", arg->job);
  *directory = o->out ? cls_format("%s", o->out) : cls_run_default_folder(arg->job);
  CLS_CHECK(*directory, CLS_ERR_MEMORY, "out of memory for a path");
  cls_run run;
  CLS_TRY(cls_run_prepare(&run, world, *job, o->backend, *directory));
  CLS_TRY(check_folder(o, world, *directory));
  progress_state state = {.world = world};
  cls_assimilation a = {.world = *world,
                        .job = *job,
                        .backend = run.backend,
                        .directory = *directory,
                        .set = arg->set,
                        .n_set = arg->n_set,
                        .restart = o->restart || o->forecast || o->analysis,
                        .told = is_told(*job, world, *directory),
                        .asked = cls_run_asked(),
                        .progress = progress,
                        .context = &state};
  CLS_TRY(check_groups(o, world, &(*job)->assimilation));
  if (o->forecast) CLS_TRY(choose_members(o, (*job)->assimilation.members, &a));
  print_header(world, *job, *directory, run.backend->name);
  cls_assimilated out;
  cls_status status = CLS_OK;
  CLS_TRY(cls_run_make_folder(world, *directory));
  if (o->forecast)
    status = cls_assimilate_forecast(&a, &out);
  else if (o->analysis)
    status = cls_assimilate_analysis(&a, &out);
  else
    status = cls_assimilate(&a, &out);
  if (status != CLS_OK && world->rank == 0 && !has_results(*directory)) (void)rmdir(*directory);
  if (status == CLS_OK && out.complete)
    cls_log(world, 1, "%s: holds all %u cycles of this job: nothing is to be done", *directory, out.cycle);
  else if (status == CLS_OK && !o->forecast) {
    if (world->rank == 0)
      status = write_summary(*job, world, run.backend, *directory, &out, cls_seconds() - begun);
    status = cls_agree(world->comm, status);
    print_outcome(world, &out, *directory);
  }
  if (status == CLS_OK && o->forecast && !out.complete)
    cls_log(world, 1, "members %d to %d: cycle %u simulated in %.1f s", a.first, a.last, out.cycle,
            out.forecast_s);
  *interrupted = out.interrupted;
  free(out.digest);
  return status;
}

int cls_command_assimilate(int argc, char **argv) {
  options o = {.member = -1};
  const cls_option list[] = {CLS_TEXT("--out", &o.out),
                             CLS_TEXT("--backend", &o.backend),
                             CLS_TEXT("--restart", &o.restart),
                             CLS_COUNT("--threads", &o.threads, 1, 4096),
                             CLS_COUNT("--member", &o.member, 0, 1 << 19),
                             CLS_COUNT("--members-per-job", &o.per_job, 1, 1 << 19),
                             CLS_FLAG("--forecast-only", &o.forecast),
                             CLS_FLAG("--analysis-only", &o.analysis),
                             CLS_FLAG("--quiet", &o.quiet),
                             CLS_FLAG("--verbose", &o.verbose)};
  cls_world world;
  cls_job *job = NULL;
  char *directory = NULL;
  bool interrupted = false;
  cls_status status = cls_parse_arguments(argc, argv, list, sizeof list / sizeof *list, &o.arguments);
  const int threads = o.threads > 0 ? o.threads : cls_run_default_threads(MPI_COMM_WORLD);
  if (cls_world_init(&world, MPI_COMM_WORLD, threads, o.quiet ? 0 : o.verbose ? 2 : 1) != CLS_OK)
    world.rank = 0;
  if (o.arguments.help)
    fputs(world.rank == 0 ? usage : "", stdout);
  else if (status == CLS_OK)
    status = assimilate(&o, &world, &job, &directory, &interrupted);
  if (status != CLS_OK && world.rank == 0) fprintf(stderr, "callosum: %s\n", cls_error_message());
  cls_linear_end();
  cls_job_destroy(job);
  free(directory);
  free(o.arguments.set);
  return status == CLS_OK && interrupted ? CLS_EXIT_INTERRUPTED : (int)status;
}

/* callosum check: is a job right, and how large will it be? Everything is read and nothing is built or written. */
#include "engine/sizes.h"
#include "io/io.h"
#include "jobs/jobs.h"
#include "jobs/options.h"
#include "jobs/text.h"
#include <stdlib.h>

static const char usage[] =
    "usage: callosum check JOB.yaml [options]\n"
    "  --ranks N            ranks the job is to run on (default 1)\n"
    "  --threads T          threads of each rank (default 1)\n"
    "  --set KEY=VALUE      replace a value of the job file; may be repeated\n"
    "Reads the job and every file it names, refuses what is wrong, and prints the expected numbers of "
    "neurons,\n"
    "synapses, spikes and events, the memory of each kind of object and the size of each recording.\n";

static void print_network(const cls_job *job, const cls_sizes *z) {
  const cls_network *network = job->network;
  printf("network    %llu neurons in %u populations", (unsigned long long)network->n_neurons,
         network->n_populations);
  if (network->n_regions > 0) printf(" of %u regions", network->n_regions);
  printf(", %u projections\n", network->n_projections);
  printf("synapses   %.6g expected, %.5g per neuron, delays %g to %g ms\n", z->synapses,
         z->synapses / (double)network->n_neurons, network->min_delay * job->dt_ms,
         network->max_delay * job->dt_ms);
  printf("activity   %.4g spikes and %.4g events per second of biology, at the expected rates\n",
         z->spikes_per_s, z->events_per_s);
  printf("time       %g ms in %.0f steps of %g ms, %d member%s, seed %llu\n", job->duration_ms,
         job->duration_ms / job->dt_ms, job->dt_ms, job->members, job->members == 1 ? "" : "s",
         (unsigned long long)job->seed);
  if (job->n_sweep > 0) printf("sweep      %u points over %u keys\n", cls_sweep_points(job), job->n_sweep);
  const cls_assimilation_options *a = &job->assimilation;
  if (a->wanted)
    printf("assimilate %d members, %s, %u cycles of %g s\n", a->members, a->method, a->cycles, a->tr_s);
}

static void print_row(const char *name, double all, double rank, const char *what) {
  char total[32], mine[32];
  cls_print_bytes(total, sizeof total, all);
  cls_print_bytes(mine, sizeof mine, rank);
  printf("  %-14s %10s %10s   %s\n", name, total, mine, what);
}

static void print_memory(const cls_job *job, const cls_sizes *z, int ranks) {
  const double members = job->members, n = ranks;
  const struct {
    const char *name;
    double all, rank;
    const char *what;
  } row[] = {
      {"description", z->description * n, z->description, "populations, projections, regions: on every rank"},
      {"synapses", z->store, z->store / n, "4 bytes each, headers of runs, row offsets"},
      {"constants", z->constants, z->constants / n, "of neurons whose parameters differ, and their numbers"},
      {"states", z->states * members, z->states * members / n, "of neurons and inputs, all members"},
      {"input sums", z->sums * members, z->sums * members / n, "integers, all members"},
      {"in flight", z->flight * members, z->flight * members / n, "spikes and events under way, all members"},
  };
  double all = 0, rank = 0;
  printf("\n  memory         all ranks     a rank   of %d rank%s; /cpu/omp\n", ranks, ranks == 1 ? "" : "s");
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    print_row(row[i].name, row[i].all, row[i].rank, row[i].what);
    all += row[i].all;
    rank += row[i].rank;
  }
  print_row("together", all, rank, "the program and its libraries take some 50 MB more");
  print_row("while building", all + z->building, rank + z->building / n, "the peak");
}

static cls_status print_recordings(const cls_job *job) {
  cls_recording_size *sizes = NULL;
  int n = 0;
  double all = 0;
  char bytes[32];
  CLS_TRY(cls_job_recording_sizes(job, &sizes, &n));
  printf("\n  recordings%s\n", n > 0 ? "           size   at the expected rates" : ": none");
  for (int i = 0; i < n; i++) {
    cls_print_bytes(bytes, sizeof bytes, sizes[i].bytes);
    printf("  %-14s %10s\n", sizes[i].name, bytes);
    all += sizes[i].bytes;
  }
  cls_print_bytes(bytes, sizeof bytes, all);
  if (n > 1) printf("  %-14s %10s\n", "together", bytes);
  free(sizes);
  return CLS_OK;
}

static cls_status check(const cls_job_arguments *a, int ranks, int threads, cls_job **job) {
  cls_world world;
  CLS_TRY(cls_world_init(&world, MPI_COMM_WORLD, 1, 1));
  CLS_TRY(cls_job_load(&world, a->job, a->set, a->n_set, job));
  if (world.rank != 0) return CLS_OK;
  cls_sizes z;
  CLS_TRY(cls_sizes_expected((*job)->network, ranks, threads, &z));
  printf("job        %s is valid\n", a->job);
  print_network(*job, &z);
  print_memory(*job, &z, ranks);
  return print_recordings(*job);
}

int cls_command_check(int argc, char **argv) {
  cls_job_arguments arguments;
  int rank = 0, ranks = 1, threads = 1;
  const cls_option list[] = {CLS_COUNT("--ranks", &ranks, 1, 1000000),
                             CLS_COUNT("--threads", &threads, 1, 4096)};
  cls_job *job = NULL;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  cls_status status = cls_parse_arguments(argc, argv, list, sizeof list / sizeof *list, &arguments);
  if (arguments.help)
    fputs(rank == 0 ? usage : "", stdout);
  else if (status == CLS_OK)
    status = check(&arguments, ranks, threads, &job);
  if (status != CLS_OK && rank == 0) fprintf(stderr, "callosum: %s\n", cls_error_message());
  cls_job_destroy(job);
  free(arguments.set);
  return status;
}

/* callosum partition: what a placement would cost, before asking for the nodes. One process. */
#include "partition/partition.h"
#include "io/io.h"
#include "jobs/jobs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: callosum partition JOB.yaml --ranks N [options]\n"
    "  --ranks N            ranks to place the network on\n"
    "  --threads T          threads of each rank (default 1): they decide how finely populations are cut\n"
    "  --ranks-per-node K   report traffic between nodes of K consecutive ranks too\n"
    "  --method NAME        metis, contiguous, round_robin or all (default: the job's)\n"
    "  --set KEY=VALUE      replace a value of the job file; may be repeated\n"
    "  --out FILE           write the owner of each block as tab-separated values (one method only)\n";

typedef struct {
  const char *job, *method, *out;
  const char **set; /* as many as there are arguments */
  int n_set, ranks, threads, ranks_per_node;
  bool help;
  char *part; /* the name under which `out` is written, NULL without it */
  FILE *file;
} options;

static cls_status parse_count(const char *name, const char *text, int *value) {
  char *end;
  errno = 0;
  long number = strtol(text, &end, 10);
  CLS_CHECK(errno == 0 && end != text && *end == 0 && number >= 1 && number <= INT_MAX / 64, CLS_ERR_INPUT,
            "%s %s: expected a whole number from 1 to %d", name, text, INT_MAX / 64);
  *value = (int)number;
  return CLS_OK;
}

static cls_status check_method(const char *method) {
  bool known = strcmp(method, "all") == 0;
  for (int i = 0; cls_partition_methods[i]; i++) known |= strcmp(method, cls_partition_methods[i]) == 0;
  CLS_CHECK(known, CLS_ERR_INPUT, "--method %s: expected metis, contiguous, round_robin or all", method);
  return CLS_OK;
}

/* An option is `--name VALUE` or `--name=VALUE`. */
static cls_status parse(int argc, char **argv, options *o) {
  static const char *const names[] = {"--ranks",  "--threads", "--ranks-per-node",
                                      "--method", "--set",     "--out"};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      o->help = true;
      return CLS_OK;
    }
    if (argv[i][0] != '-') {
      CLS_CHECK(!o->job, CLS_ERR_INPUT, "argument %s: expected one job file, %s was already given", argv[i],
                o->job);
      o->job = argv[i];
      continue;
    }
    size_t length = strcspn(argv[i], "="), which = 0, n_names = sizeof names / sizeof *names;
    while (which < n_names &&
           (strlen(names[which]) != length || strncmp(names[which], argv[i], length) != 0)) {
      which++;
    }
    CLS_CHECK(which < n_names, CLS_ERR_INPUT, "option %s: unknown; see callosum partition --help", argv[i]);
    const char *value = argv[i][length] == '=' ? argv[i] + length + 1 : NULL;
    if (!value && i + 1 < argc) value = argv[++i];
    CLS_CHECK(value, CLS_ERR_INPUT, "option %s: expected a value after it", names[which]);
    switch (which) {
    case 0:
      CLS_TRY(parse_count(names[which], value, &o->ranks));
      break;
    case 1:
      CLS_TRY(parse_count(names[which], value, &o->threads));
      break;
    case 2:
      CLS_TRY(parse_count(names[which], value, &o->ranks_per_node));
      break;
    case 3:
      o->method = value;
      break;
    case 4:
      o->set[o->n_set++] = value;
      break;
    default:
      o->out = value;
      break;
    }
  }
  CLS_CHECK(o->job, CLS_ERR_INPUT, "callosum partition: expected a job file; see callosum partition --help");
  CLS_CHECK(o->ranks > 0, CLS_ERR_INPUT, "callosum partition: expected --ranks N");
  CLS_CHECK((long)o->ranks * o->threads <= INT_MAX / 64, CLS_ERR_INPUT,
            "--ranks %d --threads %d: expected at most %d threads in all", o->ranks, o->threads,
            INT_MAX / 64);
  if (o->method) CLS_TRY(check_method(o->method));
  CLS_CHECK(!o->out || !o->method || strcmp(o->method, "all") != 0, CLS_ERR_INPUT,
            "--out %s: expected one --method, not all", o->out);
  return CLS_OK;
}

/* ---- output ---- */

static void write_owners(FILE *file, const cls_job *job, const cls_placement *placement, const char *method,
                         const cls_partition_quality *q) {
  fprintf(file, "# callosum %s: owners of blocks\n# job: %s\n# method: %s\n# ranks: %d\n", CLS_VERSION,
          job->path, method, placement->ranks);
  fprintf(file, "# balance (updates, events, bytes): %.6f %.6f %.6f\n", q->balance[0], q->balance[1],
          q->balance[2]);
  fprintf(file, "# cut_events_per_s: %.6g\n# messages_per_s: %.6g\n", q->cut, q->messages);
  fprintf(file, "block\tpopulation\tfirst\tneurons\towner\n");
  for (uint32_t b = 0; b < placement->n_blocks; b++) {
    const cls_block *block = &placement->blocks[b];
    fprintf(file, "%u\t%s\t%u\t%u\t%d\n", b, job->network->populations[block->population].name, block->first,
            block->n, placement->owner[b]);
  }
}

/* Opened before anything is computed, under another name: the file takes its own only when it is whole. */
static cls_status open_out(options *o) {
  if (!o->out) return CLS_OK;
  o->part = cls_format("%s.part", o->out);
  CLS_CHECK(o->part, CLS_ERR_MEMORY, "--out %s: no memory for its name", o->out);
  o->file = fopen(o->part, "w");
  CLS_CHECK(o->file, CLS_ERR_INPUT, "--out %s: cannot be written: %s", o->out, strerror(errno));
  return CLS_OK;
}

static cls_status close_out(options *o, cls_status status) {
  if (o->file) {
    bool good = !ferror(o->file) && fflush(o->file) == 0 && fsync(fileno(o->file)) == 0;
    good = fclose(o->file) == 0 && good;
    if (status == CLS_OK && (!good || rename(o->part, o->out) != 0)) {
      status = cls_fail(CLS_ERR_IO, "--out %s: cannot be written: %s", o->out, strerror(errno));
    }
    if (status != CLS_OK) unlink(o->part);
  }
  free(o->part);
  return status;
}

static cls_status print_row(const cls_job *job, const options *o, const char *method,
                            const cls_block_graph *graph, cls_placement *placement) {
  cls_partition_quality q;
  double start = cls_seconds();
  CLS_TRY(cls_partition_graph(job->network, graph, method, o->ranks, placement));
  double seconds = cls_seconds() - start;
  CLS_TRY(cls_partition_measure(job->network, placement, graph, &q));
  printf("%-12s %8.4f %8.4f %8.4f %14.6g %14.6g %10u", method, q.balance[0], q.balance[1], q.balance[2],
         q.cut, q.messages, q.out_links);
  if (o->ranks_per_node > 0) {
    double crossing, aggregated;
    CLS_TRY(cls_partition_measure_nodes(job->network, placement, graph, o->ranks_per_node, &crossing,
                                        &aggregated));
    printf(" %14.6g %14.6g", crossing, aggregated);
  }
  printf(" %8.2f\n", seconds);
  if (o->file) write_owners(o->file, job, placement, method, &q);
  return CLS_OK;
}

static cls_status print_table(const cls_job *job, const options *o, const cls_block_graph *graph,
                              cls_placement *placement) {
  const char *wanted = o->method ? o->method : job->partition_method;
  printf("%s: %llu neurons, %.6g synapses expected, %u blocks on %d ranks\n", job->path,
         (unsigned long long)job->network->n_neurons, job->network->expected_synapses, graph->n_blocks,
         o->ranks);
  printf("%-12s %8s %8s %8s %14s %14s %10s", "method", "updates", "events", "bytes", "cut events/s",
         "messages/s", "out-links");
  if (o->ranks_per_node > 0) printf(" %14s %14s", "between nodes", "once per node");
  printf(" %8s\n", "seconds");
  for (int i = 0; cls_partition_methods[i]; i++) {
    const char *method = cls_partition_methods[i];
    if (strcmp(wanted, "all") != 0 && strcmp(wanted, method) != 0) continue;
    CLS_TRY(print_row(job, o, method, graph, placement));
  }
  printf("updates, events, bytes: maximum over mean of the ranks; messages: a spike to each rank that needs "
         "it\n");
  return CLS_OK;
}

static cls_status partition_network(const cls_job *job, const options *o) {
  cls_placement *placement;
  cls_block_graph *graph;
  CLS_TRY(cls_placement_create(job->network, o->ranks, o->ranks * o->threads, &placement));
  cls_status status = cls_block_graph_create(job->network, placement, &graph);
  if (status == CLS_OK) {
    status = print_table(job, o, graph, placement);
    cls_block_graph_destroy(graph);
  }
  cls_placement_destroy(placement);
  return status;
}

static cls_status partition_job(options *o) {
  cls_world world;
  cls_job *job;
  int processes;
  MPI_Comm_size(MPI_COMM_WORLD, &processes);
  CLS_CHECK(processes == 1, CLS_ERR_INPUT, "callosum partition runs in one process: %d were started",
            processes);
  CLS_TRY(cls_world_init(&world, MPI_COMM_WORLD, 1, 1));
  CLS_TRY(cls_job_load(&world, o->job, o->set, o->n_set, &job));
  cls_status status = open_out(o);
  if (status == CLS_OK) status = partition_network(job, o);
  status = close_out(o, status);
  cls_job_destroy(job);
  return status;
}

int cls_command_partition(int argc, char **argv) {
  options o = {.threads = 1};
  cls_status status = cls_alloc(&o.set, (size_t)argc, sizeof *o.set, "values of --set");
  if (status == CLS_OK) status = parse(argc, argv, &o);
  if (status == CLS_OK && o.help) fputs(usage, stdout);
  if (status == CLS_OK && !o.help) status = partition_job(&o);
  free(o.set);
  if (status != CLS_OK) fprintf(stderr, "callosum: %s\n", cls_error_message());
  return (int)status;
}

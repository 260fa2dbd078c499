/* Job files: all that `callosum check` and `callosum partition` do, for one rank. An input is the job, and after a line "===="
 * lines of options --set. Files that jobs name are there. */
#include "engine/sizes.h"
#include "fuzz.h"
#include "io/io.h"
#include "partition/partition.h"
#include <stdlib.h>
#include <string.h>

/* Larger networks are loaded but not placed; METIS gets the smallest only, since it takes most of the time. */
enum {
  MOST_NEURONS = 1 << 14,
  FEW_NEURONS = 600,
  MOST_POPULATIONS = 256,
  RANKS = 3,
  MOST_REGIONS = 12,
  MOST_SET = 8
};

/* Put in place of cls_connectome_generate by the linker: a brain of 10^6 regions is no mistake, but takes its time. */
cls_status __real_cls_connectome_generate(const cls_generator *options, cls_connectome **connectome);
cls_status __wrap_cls_connectome_generate(const cls_generator *options, cls_connectome **connectome);
cls_status __wrap_cls_connectome_generate(const cls_generator *options, cls_connectome **connectome) {
  cls_generator few = *options;
  if (few.regions > MOST_REGIONS) few.regions = MOST_REGIONS;
  return __real_cls_connectome_generate(&few, connectome);
}

static void start(void) {
  static const struct {
    const char *name, *text;
  } files[] = {
      {"c.csv", "A,B,C,D\n0,1,2,0.5\n1,0,3,1\n2,3,0,2\n0.5,1,2,0\n"},
      {"len.csv", "0,10,20,30\n10,0,30,40\n20,30,0,50\n30,40,50,0\n"},
      {"regions.tsv", "name\tx\ty\tz\tarea\tcortical\nA\t1\t2\t3\t10\t1\nB\t4\t5\t6\t20\t1\nC\t7\t8\t9\t30\t0"
                      "\nD\t1\t1\t1\t5\t1\n"},
      {"units.tsv",
       "name\tunit\tsynapse_density\nA\tcolumn\t1.2\nB\tcanonical\t0.9\nC\tsubcortical\t-\nD\t-\t1\n"},
      {"bold.tsv", "A\tB\tC\tD\n1\t2\t3\t4\n2\t1\t4\t3\n3\t2\t1\t5\n1\t1\t2\t2\n"},
      {"wave.csv", "0,1\n10,2\n20,0\n"},
      {"events.tsv", "onset\tduration\ttrial_type\n0.01\t0.05\tgo\n0.2\t0.1\tstop\n"},
      {"spikes.tsv", "1.0\t0\n2.5\t1\n7\t3\n"},
  };
  static const char net[] =
      "/list/source_id u4 4 0 1 2 3\n/list/target_id u4 4 0 0 1 2\n/list/weight f8 4 1 2 3 4\n"
      "/list/delay_ms f8 4 1 1 2 3\n/p f8 4,2 0 0 0 1 1 0 1 1\n/w f8 3,2 0 1 5 2 9 0\n"
      "/spikes/in/timestamps f8 3 1 2 3\n/spikes/in/node_ids u8 3 0 1 2\n";
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) fuzz_write_text(files[i].name, files[i].text);
  fuzz_make_hdf5("net.h5", net, sizeof net - 1);
}

static void place(const cls_job *job) {
  cls_placement *placement = NULL;
  cls_block_graph *graph = NULL;
  const cls_network *network = job->network;
  fuzz_require(cls_placement_create(network, RANKS, RANKS, &placement) == CLS_OK, "no placement");
  const bool made = fuzz_settled(cls_block_graph_create(network, placement, &graph));
  for (int i = 0; made && cls_partition_methods[i]; i++) {
    cls_partition_quality quality;
    const char *method = cls_partition_methods[i];
    if (strcmp(method, "metis") == 0 && network->n_neurons > FEW_NEURONS) continue;
    if (!fuzz_settled(cls_partition_graph(network, graph, method, RANKS, placement))) continue;
    for (uint32_t b = 0; b < placement->n_blocks; b++)
      fuzz_require(placement->owner[b] >= 0 && placement->owner[b] < RANKS, "a block without a rank");
    fuzz_require(cls_partition_measure(network, placement, graph, &quality) == CLS_OK,
                 "a placement without a measure");
    fuzz_require(quality.cut >= 0 && quality.messages >= 0, "traffic below nothing");
  }
  cls_block_graph_destroy(graph);
  cls_placement_destroy(placement);
}

static void check(const cls_job *job) {
  const cls_network *network = job->network;
  cls_sizes sizes;
  cls_recording_size *recordings = NULL;
  int n = 0;
  fuzz_settled(cls_sizes_expected(network, RANKS, 1, &sizes));
  fuzz_settled(cls_job_recording_sizes(job, &recordings, &n));
  free(recordings);
  const uint32_t points = cls_sweep_points(job);
  for (uint32_t axis = 0; axis < job->n_sweep; axis++)
    fuzz_require(cls_sweep_choice(job, points - 1, axis) < job->sweep[axis].n, "a point off the grid");
  if (network->n_neurons <= MOST_NEURONS && network->n_populations <= MOST_POPULATIONS) place(job);
}

/* The text of a job as run is a job file, and the same job. */
static void load_again(const cls_job *job) {
  cls_job *again = NULL;
  const char *path = fuzz_write_text("again.yaml", job->text);
  const cls_status status = cls_job_load(&fuzz_world, path, NULL, 0, &again);
  if (status != CLS_OK) fprintf(stderr, "%s\n%s\n", job->text, cls_error_message());
  fuzz_require(status == CLS_OK, "the text of a job is no job");
  fuzz_require(strcmp(job->text, again->text) == 0, "the text of a job changes when it is read");
  cls_job_destroy(again);
}

static void run(const uint8_t *data, size_t size) {
  fuzz_part part[2];
  char *set[MOST_SET], line[512];
  cls_job *job = NULL;
  int n = 0;
  fuzz_split(data, size, part, 2);
  const char *at = part[1].text, *end = at + part[1].size;
  while (n < MOST_SET && (at = fuzz_line(at, end, line, sizeof line))) {
    fuzz_part one = {line, strlen(line)};
    set[n++] = fuzz_string(&one);
  }
  const char *path = fuzz_write("job.yaml", part[0].text, part[0].size);
  if (fuzz_settled(cls_job_load(&fuzz_world, path, (const char *const *)set, n, &job))) {
    check(job);
    load_again(job);
  } else {
    fuzz_require(!strchr(cls_error_message(), '\n'), "a message of several lines");
  }
  cls_job_destroy(job);
  for (int i = 0; i < n; i++) free(set[i]);
}

const fuzz_target fuzz_job = {"job", start, run};

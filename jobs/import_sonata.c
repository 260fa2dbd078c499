/* callosum import sonata: a SONATA circuit as a job with lists of synapses. */
#include "io/sonata.h"
#include "jobs/jobs.h"
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: callosum import sonata CONFIG.json --out FOLDER [--simulation SIMULATION.json]\n"
    "  CONFIG.json  a circuit configuration, or one that names a circuit and a simulation\n"
    "  FOLDER       gets job.yaml, network.h5 (synapses) and spikes.h5 (spikes of virtual nodes)\n"
    "  SIMULATION   configuration with inputs and times; simulation_config.json beside the circuit if that "
    "is there\n";

static void print_summary(const cls_sonata_summary *s, const char *folder) {
  printf("nodes        %llu, and %llu virtual ones, in %u populations\n", (unsigned long long)s->nodes,
         (unsigned long long)s->virtual_nodes, s->populations);
  printf("edges        %llu (%llu synapses) in %u projections\n", (unsigned long long)s->edges,
         (unsigned long long)s->synapses, s->projections);
  printf("spikes       %llu of virtual nodes\n", (unsigned long long)s->spikes);
  for (const char *line = s->notes; *line;) {
    int length = (int)strcspn(line, "\n");
    printf("note         %.*s\n", length, line);
    line += length + (line[length] == '\n');
  }
  printf("written      %s/job.yaml\n", folder);
}

int cls_import_sonata(int argc, char **argv) {
  const char *config = NULL, *out = NULL, *simulation = NULL;
  for (int i = 1; i < argc; i++) {
    const char *word = argv[i];
    const char **value = strcmp(word, "--out") == 0          ? &out
                         : strcmp(word, "--simulation") == 0 ? &simulation
                                                             : NULL;
    if (value) {
      CLS_CHECK(i + 1 < argc, CLS_ERR_INPUT, "import sonata: %s: expected a value after it", word);
      *value = argv[++i];
      continue;
    }
    CLS_CHECK(word[0] != '-', CLS_ERR_INPUT,
              "import sonata: unknown option %s: expected --out or --simulation", word);
    CLS_CHECK(!config, CLS_ERR_INPUT, "import sonata: %s: expected one file, %s was given before", word,
              config);
    config = word;
  }
  CLS_CHECK(config, CLS_ERR_INPUT, "import sonata: no configuration given\n%s", usage);
  CLS_CHECK(out, CLS_ERR_INPUT, "import sonata: --out FOLDER is missing\n%s", usage);
  cls_sonata_summary summary;
  cls_status status = cls_sonata_import(config, simulation, out, &summary);
  if (status == CLS_OK) print_summary(&summary, out);
  free(summary.notes);
  return (int)status;
}

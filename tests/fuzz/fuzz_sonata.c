/* SONATA circuits. An input is all their files, parted by lines "====": the circuit's and the simulation's configuration,
 * types of nodes and of edges, nodes, edges and spikes (descriptions of HDF5 files: fuzz_make_hdf5), a synapse model. */
#include "fuzz.h"
#include "io/io.h"
#include "io/sonata.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CIRCUIT, SIMULATION, NODE_TYPES, EDGE_TYPES, NODES, EDGES, SPIKES, SYNAPSE, PARTS };

/* The job of an import is a job, though its numbers may be none that one can run. */
static void load_job(const char *path) {
  cls_job *job = NULL;
  fuzz_settled(cls_job_load(&fuzz_world, path, NULL, 0, &job));
  cls_job_destroy(job);
}

static void run(const uint8_t *data, size_t size) {
  static const char *const names[PARTS] = {"circuit_config.json",
                                           "simulation_config.json",
                                           "node_types.csv",
                                           "edge_types.csv",
                                           "nodes.h5",
                                           "edges.h5",
                                           "input.h5",
                                           "synapse.json"};
  static const char *const made[] = {"job.yaml", "network.h5", "spikes.h5"};
  fuzz_part part[PARTS];
  fuzz_split(data, size, part, PARTS);
  for (int i = 0; i < PARTS; i++) {
    if (i == NODES || i == EDGES || i == SPIKES)
      fuzz_make_hdf5(names[i], part[i].text, part[i].size);
    else
      fuzz_write(names[i], part[i].text, part[i].size);
  }
  cls_sonata_summary summary = {0};
  char config[200], folder[200];
  snprintf(config, sizeof config, "%s", fuzz_path(names[CIRCUIT]));
  snprintf(folder, sizeof folder, "%s", fuzz_path(""));
  folder[strlen(folder) - 1] = 0;
  if (fuzz_settled(cls_sonata_import(config, NULL, folder, &summary))) load_job(fuzz_path("job.yaml"));
  free(summary.notes);
  for (size_t i = 0; i < sizeof made / sizeof *made; i++) unlink(fuzz_path(made[i]));
}

const fuzz_target fuzz_sonata = {"sonata", NULL, run};

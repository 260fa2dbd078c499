/* SONATA circuits (Dai et al., PLoS Comput. Biol. 16:e1007696, 2020): nodes, edges and input spikes in HDF5
 * files, their types in tables, all named by JSON configurations. Read piece by piece: what is held in memory
 * grows with the types and with the runs of nodes of one type, never with the edges. */
#ifndef CALLOSUM_SONATA_H
#define CALLOSUM_SONATA_H

#include "base/base.h"

/* What an import made, for the user. */
typedef struct {
  uint64_t nodes, virtual_nodes, edges, synapses; /* synapses: edges times their nsyns */
  uint64_t spikes;                                /* of virtual nodes */
  uint32_t populations, projections;
  char *notes; /* lines of what was assumed where the circuit does not say; "" where nothing was; free() it */
} cls_sonata_summary;

/* Local. Reads the circuit that `config` describes (a circuit configuration, with the simulation
 * configuration `simulation`, else simulation_config.json beside it, else none; or a bundle that names both)
 * and writes a folder:
 *   network.h5  one group for each (edge population, edge type, source population, target population): lists
 *               for rule explicit; weight = sign x syn_weight x nsyns
 *   spikes.h5   input spikes of virtual nodes in the SONATA layout
 *   job.yaml    the job that runs them
 * A population of the job is a node population, or one of its node types where it has several. CLS_ERR_INPUT
 * names file, population, type or row. The folder is refused where it holds a job. */
cls_status cls_sonata_import(const char *config, const char *simulation, const char *folder,
                             cls_sonata_summary *summary);

#endif

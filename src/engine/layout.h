/* Cutting a rank's neurons into ranges, shards and parts. */
#ifndef CALLOSUM_LAYOUT_H
#define CALLOSUM_LAYOUT_H

#include "engine/engine.h"

/* Local. Lays out the blocks `placement` gives to `rank` for `parts` threads: parts take contiguous runs of
 * blocks of equal expected work (updates and incoming events), shards are homogeneous in what their ports
 * accumulate. */
cls_status cls_layout_create(const cls_network *network, const cls_placement *placement, int rank, int parts,
                             cls_layout **layout);
void cls_layout_destroy(cls_layout *layout);
/* Global number of a local index that is not padding. */
uint64_t cls_layout_neuron(const cls_layout *layout, const cls_network *network, uint32_t local);
/* True where the port adds two 8-bit weights (into 64-bit sums), false for one signed 16-bit weight. */
static inline bool cls_port_is_pair(const cls_model *model, int port) {
  return port < model->n_ports && model->ports[port].receptors == 2;
}

#endif

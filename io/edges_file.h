/* Lists of synapses in HDF5 files, for rule explicit.
 *
 * A group holds datasets of equal length, one row for each synapse:
 *   source_id, target_id  integers, from 0 within their populations
 *   weight                optional: [n], or [n, 2] for ports with two receptors, in the port's unit
 *   delay_ms              optional: [n]
 * Rows may be in any order. Files are read in pieces of bounded size; parts of the file whose targets are
 * elsewhere are passed over, so a list sorted by target costs a rank its own part of it, and an unsorted one
 * all of it for every range of neurons. */
#ifndef CALLOSUM_EDGES_FILE_H
#define CALLOSUM_EDGES_FILE_H

#include "network/network.h"

/* What a projection allows. */
typedef struct {
  uint64_t sources, targets; /* neurons of its populations */
  const char *source_name, *target_name;
  const cls_port_info *port;
  double dt_ms;
} cls_edges_limits;

/* Local. Opens the list and checks its shape; its figures are still to come. The table (to be given to a
 * projection, or destroyed) is also handed out where it failed half-way: NULL or not. */
cls_status cls_edges_file_open(const char *path, const char *group, const cls_edges_limits *limits,
                               cls_edge_table **table);
/* Local: reads the whole list once, checks every row and fills in the figures. CLS_ERR_INPUT "FILE:
 * GROUP/DATASET: row N: value: expected ...". */
cls_status cls_edges_file_scan(cls_edge_table *table);
/* Collective: the figures of rank 0. */
cls_status cls_edges_file_share(const cls_world *world, cls_edge_table *table);
/* Are the rows sorted by target? */
bool cls_edges_file_is_sorted(const cls_edge_table *table);

#endif

/* Positions of neurons in HDF5 files: a dataset [neurons, 2] or [neurons, 3], in millimetres. */
#ifndef CALLOSUM_POSITIONS_FILE_H
#define CALLOSUM_POSITIONS_FILE_H

#include "network/network.h"

/* Local. Opens the dataset and checks that it holds a position for each of `n` neurons of `population`. The
 * table is handed out also where that failed half-way: NULL or not. */
cls_status cls_positions_file_open(const char *path, const char *dataset, uint64_t n, const char *population,
                                   cls_position_table **table);
/* Local: reads all positions once, checks them, and makes the boxes of cells. */
cls_status cls_positions_file_scan(cls_position_table *table);
/* Collective: the boxes of rank 0. */
cls_status cls_positions_file_share(const cls_world *world, cls_position_table *table);

#endif

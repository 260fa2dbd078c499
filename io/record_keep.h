/* How recordings hand what they know to a keeper (engine/keeper.h): rows of global tables, of which every rank has some. */
#ifndef CALLOSUM_RECORD_KEEP_H
#define CALLOSUM_RECORD_KEEP_H

#include "io/record_groups.h"

/* Collective. An array of `blocks` times `per_block` rows, of which this rank has rows row[0 ... n - 1], ascending, of each block:
 * values [blocks][n][width]. */
cls_status cls_keep_rows(const cls_keeper *keeper, MPI_Comm comm, const char *name, cls_keep_type type,
                         uint64_t blocks, uint64_t per_block, uint32_t width, const uint32_t *row, size_t n,
                         void *values);
/* Collective. The same of columns: values [blocks][owned][width]. */
cls_status cls_keep_columns(const cls_keeper *keeper, const cls_columns *columns, const char *name,
                            cls_keep_type type, uint64_t blocks, uint32_t width, void *values);
/* Collective. Counts of the groups of neurons here, local [blocks][n_slots][width]: their sums over ranks are what is kept, and
 * are the owners' when they are loaded. */
cls_status cls_keep_groups(const cls_keeper *keeper, const cls_groups *groups, const char *name,
                           uint64_t blocks, uint32_t width, int64_t *local);
/* Collective. Samples when all steps before `step` were seen and gathered: the one that is not complete. */
cls_status cls_keep_samples(const cls_keeper *keeper, const char *name, int64_t step, cls_samples *samples);

#endif

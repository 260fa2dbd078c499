/* Tables of very many columns that belong to ranks, on their way to the ranks that write them: every rank writes an even
 * share of the columns of all rows. A rank knows its own columns and where those of its share come from, and nothing of
 * the others. (record_columns.h is for few columns, which every rank may list, and splits rows.) */
#ifndef CALLOSUM_COLUMN_SHARES_H
#define CALLOSUM_COLUMN_SHARES_H

#include "base/base.h"

/* Columns [first, first + n). */
typedef struct {
  uint64_t first, n;
} cls_column_run;

typedef struct {
  MPI_Comm comm;
  int rank, ranks;
  uint64_t n;                                     /* columns of all ranks */
  uint64_t first, here;                           /* this rank writes columns [first, first + here) */
  uint64_t n_owned;                               /* columns of this rank */
  int *send_n, *send_at, *receive_n, *receive_at; /* [ranks] columns, in one piece of memory */
  cls_column_run *runs;                           /* what arrives, rank after rank: columns less `first` */
  uint64_t *run_first;                            /* [ranks + 1] runs that come from each rank */
} cls_shares;

/* Collective. This rank owns the columns of `runs`, which ascend; all ranks' together are the columns 0 ... n - 1, each
 * once. CLS_ERR_LIMIT where a rank has more than a message holds. */
cls_status cls_shares_create(const cls_world *world, uint64_t n, const cls_column_run *runs, size_t n_runs,
                             cls_shares *shares);
void cls_shares_destroy(cls_shares *shares); /* also one that is {0} */
/* Collective, the same `rows` on every rank. owned [rows][n_owned], here [rows][here], cells of `bytes` bytes.
 * CLS_ERR_LIMIT where the rows do not fit one message. */
cls_status cls_shares_move(const cls_shares *shares, uint64_t rows, size_t bytes, const void *owned,
                           void *here);

#endif

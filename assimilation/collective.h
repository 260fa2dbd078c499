/* Collectives of any number of elements: MPI counts them in an int. */
#ifndef CALLOSUM_COLLECTIVE_H
#define CALLOSUM_COLLECTIVE_H

#include "base/base.h"

/* Collective: sums of all ranks' numbers, in place. Exact, whatever the order, for integers and where but one rank has a number that is
 * not 0. */
void cls_sum_over_ranks(MPI_Comm comm, void *numbers, size_t n, MPI_Datatype type);
/* Collective: rank 0's bytes on all ranks. */
void cls_tell_ranks(MPI_Comm comm, void *bytes, size_t n);

#endif

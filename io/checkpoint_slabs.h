/* An array whose pieces lie on the ranks in any pattern, brought into one contiguous slab for each rank, or back from there: in
 * rounds, so that no rank holds more than a bounded part of others' pieces. Arrays of up to a MiB go through rank 0. */
#ifndef CALLOSUM_CHECKPOINT_SLABS_H
#define CALLOSUM_CHECKPOINT_SLABS_H

#include "engine/keeper.h"

/* Bytes [begin, end) of an array, in memory. */
typedef struct {
  uint64_t begin, end;
  char *at;
} cls_stretch;

/* The slab of a rank comes by in parts [begin, begin + n) of the array, one behind the other: takes them from `bytes`, or
 * (loading) puts them there. Local. */
typedef cls_status (*cls_slab_part)(void *self, uint64_t begin, uint64_t n, char *bytes);

/* Local. Where the slab of a rank begins: a multiple of CLS_CHECKPOINT_GRAIN or the array's end, which that of rank `ranks` is. */
uint64_t cls_slab_begin(uint64_t bytes, int ranks, int rank);

typedef struct cls_slabs_ cls_slabs;
/* Local: may fail on one rank. Room for the transfers of any number of arrays. */
cls_status cls_slabs_create(const cls_world *world, cls_slabs **slabs);
void cls_slabs_destroy(cls_slabs *slabs); /* NULL is fine */
/* Collective. Moves an array of `bytes` bytes; `mine` [n] ascend and do not overlap. Not loading: every byte is some rank's, and
 * goes to the slab that holds it. Loading: every rank gets the bytes it has room for.
 *
 * `status` is what this rank has come to before. Returns it, or this rank's first error of `part` (which is then not called
 * again); others go on, so that ranks stay together. *failed: all ranks know that one of them has failed, and stopped. */
cls_status cls_slabs_move(cls_slabs *slabs, uint64_t bytes, const cls_stretch *mine, size_t n, bool loading,
                          cls_slab_part part, void *self, cls_status status, bool *failed);

#endif

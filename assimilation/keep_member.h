/* A member between two programs: its checkpoint, DIR/members/NNN/checkpoint_STEP.h5, holds the state of its network when a forecast is
 * over, and beside it what it was forecast with and what came of it. */
#ifndef CALLOSUM_KEEP_MEMBER_H
#define CALLOSUM_KEEP_MEMBER_H

#include "assimilation/filter.h"
#include "assimilation/members.h"

/* Collective over the group of member `m` (its number in the ensemble; in `members` it is number `place`): saves it as it is at step `step`
 * with its part of the filter. The newest two are kept. */
cls_status cls_member_save(const cls_filter *filter, cls_members *members, int place, int m,
                           const char *directory, int64_t step);
/* Collective over the group: loads the network's state of `step`, before the engine ran. CLS_ERR_INPUT or CLS_ERR_IO where it is missing,
 * damaged or another job's. */
cls_status cls_member_load(const cls_filter *filter, cls_members *members, int place, int m,
                           const char *directory, int64_t step);
/* Collective over `world`: the filter's part alone, into theta, balloon and predicted of the filter, on all its ranks. */
cls_status cls_member_fetch(cls_filter *filter, const cls_world *world, int m, const char *directory,
                            int64_t step);

#endif

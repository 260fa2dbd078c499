/* Threads that do something together again and again, tens of microseconds apart: what a window of one step asks for.
 *
 * A member that waits first spins, because waking a sleeping thread costs as much as the step itself (measured on the
 * cortical microcircuit: a third of the time went there), but not for long: where cores are shared, a spinning thread
 * keeps the one it waits for from running. A wait that turned out long makes the next ones spin less, a short one more. */
#ifndef CALLOSUM_TEAM_H
#define CALLOSUM_TEAM_H

#include "base/base.h"

typedef struct cls_team_ cls_team;

/* Local. A team of `n` members: the caller and n - 1 threads that sleep until there is work. */
cls_status cls_team_create(int n, cls_team **team);
/* Ends its threads. NULL is fine. */
void cls_team_destroy(cls_team *team);
/* Calls work(context, k) once for each member k in [0, n), in parallel; returns when all have returned. What was
 * written before is seen by all, and what they wrote is seen by the caller. Not to be called by two threads at once. */
void cls_team_run(cls_team *team, void (*work)(void *context, int member), void *context);

#endif

/* Groups of neurons: all those of a population or of a region, whose spikes and currents are added up.
 *
 * A group's neurons may be spread over ranks. Every rank sums what it has, per slot (a group with neurons
 * here); the sums meet at the group's owner, the rank that holds the first block of the group's first
 * population. Only ranks that share a group talk to each other. */
#ifndef CALLOSUM_RECORD_GROUPS_H
#define CALLOSUM_RECORD_GROUPS_H

#include "io/record_columns.h"

#define CLS_NO_SLOT UINT32_MAX

typedef struct {
  cls_columns columns; /* one per group */
  uint32_t n_slots;
  int32_t *owner;          /* [groups] */
  uint64_t *size;          /* [groups] neurons, on all ranks */
  uint32_t *slot_of_range; /* [layout ranges], CLS_NO_SLOT: in no group */
  uint32_t *slot_of_16;    /* slot of local index i is slot_of_16[i / 16] */
  struct cls_group_peer_ *sends, *receives;
  uint32_t n_sends, n_receives;
  uint32_t *received; /* positions among the owned groups of what arrives, for all receives in a row */
} cls_groups;

/* Local. group_of[p]: group of population p, or CLS_NO_SLOT. */
cls_status cls_groups_create(const cls_record *record, const uint32_t *group_of, uint32_t n_groups,
                             cls_groups *groups);
void cls_groups_destroy(cls_groups *groups);
/* Whether no other rank has neurons of the groups of this one, each group owned here has neurons, and there are no others: then
 * slot k is group columns.owned[k]. */
bool cls_groups_are_own(const cls_groups *groups);
/* Collective (point to point among ranks that share groups). Sums `local` [rows][n_slots][width] over ranks
 * into `owned` [rows][owned groups][width]. Rows and width are the same on all ranks. */
cls_status cls_groups_sum(const cls_groups *groups, uint64_t rows, uint32_t width, const int64_t *local,
                          int64_t *owned);
/* Local. The other way: owned sums are all of it, and are counted here. local [rows][n_slots][width] is 0 elsewhere. */
void cls_groups_settle(const cls_groups *groups, uint64_t rows, uint32_t width, const int64_t *owned,
                       int64_t *local);

/* ---- samples: whole numbers per group at regular times ---- */

/* Spikes in bins, or sums of currents. Sample k covers steps [k interval, (k + 1) interval), or is taken at
 * the end of the last of them. */
typedef struct {
  const cls_groups *groups;
  int members;
  uint32_t width; /* numbers per group */
  int64_t interval;
  int64_t base;    /* samples gathered so far: the position */
  size_t used;     /* samples from there on that hold something */
  size_t capacity; /* samples */
  int64_t *local;  /* [capacity][members][n_slots][width] */
  int64_t *sums;   /* [gathered last][members][owned groups][width] */
  size_t sums_capacity;
} cls_samples;

cls_status cls_samples_create(const cls_groups *groups, int members, uint32_t width, int64_t interval,
                              cls_samples *samples);
void cls_samples_destroy(cls_samples *samples);
/* Bytes that wait for each step (see cls_recording). */
double cls_samples_waiting(const cls_samples *samples);
/* Local. Makes the next `n` samples exist, 0 where they are new. */
cls_status cls_samples_reserve(cls_samples *samples, size_t n);
/* Local: one addition per spike. */
cls_status cls_samples_add_spikes(cls_samples *samples, int member, const cls_spikes *spikes);
/* What the same samples are to a backend that counts: spikes in bins of the interval. */
cls_tally cls_samples_tally(const cls_samples *samples);
/* Local: counts of bins `bin` ... `bin` + n - 1 of that tally. */
cls_status cls_samples_add_counts(cls_samples *samples, int member, int64_t bin, int64_t n,
                                  const uint32_t *count);
/* Local: the currents of a member at the end of `step`, `width` receptors of each range. */
cls_status cls_samples_add_currents(cls_samples *samples, const cls_layout *layout, int member, int64_t step,
                                    cls_view *view);
/* Collective. Samples that are complete when all steps before `step` were seen: their number, and their sums
 * at the owners in samples->sums. They are forgotten here. */
cls_status cls_samples_gather(cls_samples *samples, int64_t step, uint64_t *n);

#endif

/* What drives the inputs of a part in a given step: the levels of their waveforms, the count tables of their
 * Poisson processes, the spikes of their trains. Kept by one thread, computed on the host, the same for all
 * members; a function of the step alone. Where nothing changes a step costs one comparison. */
#ifndef CALLOSUM_DRIVE_H
#define CALLOSUM_DRIVE_H

#include "engine/layout.h"

struct cls_neurons_;

/* Spikes of one step for one input of one range: see cls_tile. */
typedef struct {
  const uint64_t *event;
  int n;
} cls_step_events;

typedef struct {
  uint32_t index;      /* of the level, table or train */
  int64_t from, until; /* it is the same in steps [from, until) */
} cls_drive_part;

typedef struct cls_drive_ {
  const struct cls_neurons_ *neurons;
  int64_t from, until;           /* all below holds in steps [from, until) */
  double *level;                 /* [n_levels]; 0 is always 1 */
  const cls_count_table **table; /* [n_counts] */
  cls_step_events *events;       /* [n_trains] */
  /* What changes in time, of what this part uses. */
  cls_drive_part *levels, *counts, *trains;
  uint32_t n_levels, n_counts, n_trains;
  cls_count_table *changing; /* [n_counts]: tables of those */
} cls_drive;

/* Local. For the inputs of ranges [range_first, range_last). `neurons` must outlive it. */
cls_status cls_drive_create(const struct cls_neurons_ *neurons, uint32_t range_first, uint32_t range_last,
                            cls_drive **drive);
void cls_drive_destroy(cls_drive *drive); /* NULL is fine */
size_t cls_drive_bytes(const cls_drive *drive);
/* The strengths of inputs have changed, and with them tables of counts: those of the next step are made anew. */
void cls_drive_renew(cls_drive *drive);

void cls_drive_change(cls_drive *drive, int64_t step); /* see below */
/* Makes level, table and events those of `step`. */
static inline void cls_drive_step(cls_drive *drive, int64_t step) {
  if (step < drive->from || step >= drive->until) cls_drive_change(drive, step);
}

#endif

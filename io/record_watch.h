/* What all recordings together want to know of spikes, where none needs them all. */
#ifndef CALLOSUM_RECORD_WATCH_H
#define CALLOSUM_RECORD_WATCH_H

#include "io/record.h"

typedef struct {
  cls_watch watch;
  cls_tally *tallies;
  uint32_t *recording;          /* [n_tallies] whose it is, */
  int *number;                  /* and its number there */
  const cls_recording *marking; /* the one that wants marked spikes; NULL: none */
} cls_record_watch;

/* Local. *possible is false where a recording needs all spikes. The recordings' tallies and marks are borrowed; `steps`: see
 * cls_watch. */
cls_status cls_record_watch_create(const cls_recording *recordings, size_t n, int64_t steps,
                                   cls_record_watch *watch, bool *possible);
void cls_record_watch_destroy(cls_record_watch *watch);
/* Hands what came on to the recording it is for. */
cls_status cls_record_watch_counts(const cls_record_watch *watch, const cls_recording *recordings, int member,
                                   int tally, int64_t bin, int64_t n, const uint32_t *count);
cls_status cls_record_watch_volumes(const cls_record_watch *watch, const cls_recording *recordings,
                                    int member, int tally, int64_t volume, int64_t n, const double *signal,
                                    const uint64_t *spikes);
cls_status cls_record_watch_marked(const cls_record_watch *watch, int member, const cls_spikes *spikes);

#endif

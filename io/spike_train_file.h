/* Spike trains read from a file, for the input model spike_train. Layouts (AllenInstitute/sonata, developer
 * guide, "Spike file"):
 *
 *   /spikes/POPULATION   timestamps (ms), node_ids
 *   /spikes              timestamps, gids: before version 0.1
 *   our own spikes.h5    also knows our populations: POPULATION may be one of /callosum/populations/name
 *   text                 a line per spike: time in ms and node
 *
 * Spikes may be in any order; a claim to be sorted by time (attribute `sorting`) must hold. A time t acts in
 * step ceil(t / dt - 1e-6) - 1, at least 0: our recordings time a spike at the end of its step, so that what
 * was recorded is replayed in the very steps. Spikes after the end of the run are left out. */
#ifndef CALLOSUM_SPIKE_TRAIN_FILE_H
#define CALLOSUM_SPIKE_TRAIN_FILE_H

#include "network/network.h"

typedef struct {
  const char *path;
  const char *population; /* NULL: the only one there is */
  int64_t node_first;     /* node that drives neuron 0; -1: 0, or the first of a population of ours */
  bool ignore_outside;    /* nodes that drive no neuron are left out, not refused */
  double dt_ms;
  uint64_t steps; /* of the run */
} cls_spike_train_options;

/* Local. Reads nothing yet; strings are copied. Every rank that scans opens the file by itself and reads it
 * in chunks. */
cls_status cls_spike_train_create(const cls_spike_train_options *options, cls_trains **trains);
/* Local. Reads the whole file once: CLS_ERR_INPUT names file, dataset, row and what was expected where it is
 * no such file, a time is negative, or a node drives none of `n` neurons. *spikes: how many are within the
 * run. */
cls_status cls_spike_train_check(const cls_trains *trains, uint64_t n, uint64_t *spikes);

#endif

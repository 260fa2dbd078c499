/* Statistics of the spikes of each member after the warm-up: rates, irregularity, correlation.
 *
 * Irregularity is the median over sampled neurons with at least 5 spikes of the coefficient of variation of
 * their inter-spike intervals (SD over mean, SD without Bessel's correction). Correlation is the mean Pearson
 * correlation of spike counts in bins of 2 ms over the pairs of 200 sampled neurons, those that spiked.
 * Samples are a function of the seed and the number of neurons alone; sums are integers: the same figures on
 * any layout. */
#ifndef CALLOSUM_SPIKE_STATISTICS_H
#define CALLOSUM_SPIKE_STATISTICS_H

#include "io/record_groups.h"

typedef struct cls_spike_statistics_ cls_spike_statistics;

/* Local. `groups` (borrowed): over whose rates the least and greatest is taken. recording->self is the
 * cls_spike_statistics. */
cls_status cls_spike_statistics_create(const cls_record *record, const cls_groups *groups,
                                       cls_recording *recording);
/* Collective. Fills the fields about spikes of results[members], of a run that reached step `end`; NaN where
 * there is nothing to say. */
cls_status cls_spike_statistics_finish(cls_spike_statistics *statistics, int64_t end,
                                       cls_statistics *results);

#endif

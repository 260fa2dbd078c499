/* Statistics of the spikes of member 0 after the warm-up: rates, irregularity, correlation.
 *
 * Irregularity is the median over sampled neurons with at least 5 spikes of the coefficient of variation of
 * their inter-spike intervals (SD over mean, SD without Bessel's correction). Correlation is the mean Pearson
 * correlation of spike counts in bins of 2 ms over the pairs of 200 sampled neurons, those that spiked.
 * Samples are a function of the seed and the number of neurons alone; sums are integers: the same figures on
 * any layout. */
#ifndef CALLOSUM_SPIKE_STATISTICS_H
#define CALLOSUM_SPIKE_STATISTICS_H

#include "io/record.h"

typedef struct cls_spike_statistics_ cls_spike_statistics;

/* Local. `groups` (borrowed): over whose rates the least and greatest is taken. */
cls_status cls_spike_statistics_create(const cls_record *record, const cls_groups *groups,
                                       cls_spike_statistics **statistics);
/* Local: spikes of member 0. */
cls_status cls_spike_statistics_add(cls_spike_statistics *statistics, const cls_spikes *spikes);
/* Collective. */
cls_status cls_spike_statistics_flush(cls_spike_statistics *statistics, int64_t step);
/* Collective. Fills the fields about spikes of a run that reached step `end`; NaN where there is nothing to
 * say. */
cls_status cls_spike_statistics_finish(cls_spike_statistics *statistics, int64_t end, cls_statistics *result);
void cls_spike_statistics_free(cls_spike_statistics *statistics); /* NULL is fine */

#endif

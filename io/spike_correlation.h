/* Mean correlation of the spike counts of a few neurons in bins of 2 ms, for each member of an ensemble.
 *
 * Their spikes meet at one rank, member m's at rank m modulo ranks: sums over bins of counts and of products
 * of counts, in integers. */
#ifndef CALLOSUM_SPIKE_CORRELATION_H
#define CALLOSUM_SPIKE_CORRELATION_H

#include "io/record.h"

enum { CLS_CORRELATED = 200 }; /* neurons at most */

typedef struct {
  const cls_record *record;
  int64_t bin_steps;
  uint64_t *waiting; /* spikes not yet gathered: member, bin since the warm-up, neuron */
  size_t n_waiting, waiting_capacity;
  /* Of the members this rank looks after: rank, rank + ranks ... */
  uint64_t *total;    /* [members here][CLS_CORRELATED] spikes in complete bins */
  uint64_t *products; /* [members here][CLS_CORRELATED][CLS_CORRELATED], j >= i: sums of products of counts */
  /* Work space of a flush. */
  int *counts; /* 4 x ranks */
  uint64_t *sent, *received, *scratch;
  size_t sent_capacity, received_capacity, scratch_capacity;
} cls_correlation;

cls_status cls_correlation_create(const cls_record *record, cls_correlation *correlation);
void cls_correlation_destroy(cls_correlation *correlation);
/* Local: correlated neuron number `neuron` of a member spiked in `step`, which is after the warm-up. */
cls_status cls_correlation_add(cls_correlation *correlation, int member, uint32_t neuron, int64_t step);
/* Collective: all steps before `step` were seen. */
cls_status cls_correlation_flush(cls_correlation *correlation, int64_t step);
/* Collective, after a flush of all steps before record->reached: sums, and the spikes of the bin that is not complete. This rank
 * has neurons paired[n], ascending. */
cls_status cls_correlation_keep(cls_correlation *correlation, const uint32_t *paired, size_t n,
                                const cls_keeper *keeper);
/* Local, on rank `member` modulo ranks: mean Pearson correlation over the pairs of neurons whose counts vary,
 * in the complete bins of a run that reached step `end`; NaN where there are none. */
double cls_correlation_mean(const cls_correlation *correlation, int member, int64_t end);

#endif

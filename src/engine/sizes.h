/* How large a network will be, from its population-level tables alone: what one asks before asking for nodes.
 *
 * Expected values over the draws. Neurons are taken to be spread over parts (ranks x threads) as contiguous blocks of
 * equal size. Every figure is a sum over all ranks, except where it says otherwise. */
#ifndef CALLOSUM_SIZES_H
#define CALLOSUM_SIZES_H

#include "network/network.h"

typedef struct {
  double synapses, stored, by_target; /* all; those that are kept; those of rules that draw by target */
  double plastic, plastic_runs;       /* plastic synapses, and their runs; not in `stored` and `runs` */
  double stdp;                        /* those of them with STDP */
  double tables;                      /* bytes of counts of procedural projections */
  double listeners;   /* sources of procedural projections, once for each part that may hear them */
  double runs;        /* synapses of one source, one delay and one target population in one part */
  double description; /* bytes of the description; every rank holds it whole */
  double store;       /* bytes of synapses, headers of runs and row offsets */
  double constants;   /* bytes of neuron constants */
  double states;      /* bytes of states of one member, plastic weights included */
  double sums;        /* bytes of input sums of one member (/cpu/omp) */
  double flight;      /* bytes of spikes and events in flight to one member */
  double building;    /* bytes needed besides while synapses are drawn */
  double spikes_per_s, events_per_s; /* of biology, one member, at the expected rates of the populations */
} cls_sizes;

/* Bytes of `members` members on all ranks: everything above but the description and `building`. */
double cls_sizes_bytes(const cls_sizes *sizes, int members);
/* Local. The network must be finished. */
cls_status cls_sizes_expected(const cls_network *network, int ranks, int threads, cls_sizes *sizes);

#endif

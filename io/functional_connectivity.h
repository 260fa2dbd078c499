/* Functional connectivity: the Pearson correlation of the BOLD signals of two regions, and how it goes with
 * structure and measurement. */
#ifndef CALLOSUM_FUNCTIONAL_CONNECTIVITY_H
#define CALLOSUM_FUNCTIONAL_CONNECTIVITY_H

#include "network/connectome.h"

typedef struct {
  uint64_t volumes, regions;
  const double *bold;               /* [volume][region] */
  const cls_connectome *connectome; /* NULL: none */
  const double *measured;           /* [measured volume][region], NULL: none */
  uint64_t measured_volumes;
} cls_connectivity_input;

/* NaN where it cannot be said: fewer than 3 volumes, no pair of regions whose signals vary, no connectome. */
typedef struct {
  double mean;        /* over pairs of regions */
  double structure_r; /* over all pairs i < j: with symmetrised weights (w_ij + w_ji) / 2, 0 where there is no
                         tract */
  double measured_r;  /* over all pairs i < j: with the functional connectivity of the measured signal */
  double seconds;     /* length of the signal in volumes; the caller scales it */
} cls_connectivity;

/* Local, threaded; the same bits for any number of threads. Memory: regions x volumes; pairs are streamed. */
cls_status cls_connectivity_compute(const cls_connectivity_input *input, cls_connectivity *result);

#endif

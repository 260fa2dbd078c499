/* Draws from the process that several trajectories are a sample of: surrogates with the same amplitudes of all frequencies and with random
 * phases that all trajectories share, so that their spectra and what they have in common stay (Prichard and Theiler 1994, Phys. Rev.
 * Lett. 73, 951-954). Periodic with the length of the trajectories. Local. */
#ifndef CALLOSUM_SURROGATE_H
#define CALLOSUM_SURROGATE_H

#include "base/random.h"

typedef struct {
  uint32_t n, half;
  double *cosine, *sine; /* [n] of 2 pi j / n */
  double *phase;         /* [half + 1] drawn */
  double *re, *im;       /* [half + 1] of the trajectory last taken, phases moved */
  double mean;
} cls_surrogate;

/* For trajectories of n numbers. `stream` decides the phases, n >= 1. */
cls_status cls_surrogate_create(uint32_t n, cls_stream stream, cls_surrogate *surrogate);
void cls_surrogate_free(cls_surrogate *surrogate); /* also one that is {0} */
/* Takes a trajectory x[n]; then its surrogate at any time. */
void cls_surrogate_take(cls_surrogate *surrogate, const double *x);
double cls_surrogate_at(const cls_surrogate *surrogate, uint64_t t);

#endif

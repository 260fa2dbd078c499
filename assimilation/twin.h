/* Twin experiments: a brain whose hyperparameters are known is simulated first, and its observations are what the ensemble is given. */
#ifndef CALLOSUM_TWIN_H
#define CALLOSUM_TWIN_H

#include "assimilation/assimilation.h"
#include "assimilation/hyper.h"
#include "assimilation/observations.h"

typedef struct {
  double *values; /* [cycles][hyper.values] natural */
} cls_twin;

/* Collective; the same on all ranks. Reads DIR/truth.h5 where it is there, else simulates `cycles` cycles and writes it: true values
 * (/hyperparameters/NAME/mean [cycle][row]), and what the brain showed: /bold, /rate_hz [cycle][region]. Observations get
 * what it showed, and errors drawn here, keyed by twin.seed, cycle and observation. */
cls_status cls_twin_make(const cls_assimilation *a, const cls_hyper *hyper, cls_observations *observations,
                         cls_twin *twin);
void cls_twin_free(cls_twin *twin);

#endif

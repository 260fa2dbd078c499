/* A run with the hyperparameters that an assimilation estimated, or that a twin had: `callosum run --hyperparameters`. Where built with
 * PETSc. */
#ifndef CALLOSUM_RUN_REPLAY_H
#define CALLOSUM_RUN_REPLAY_H

#include "assimilation/hyper.h"
#include "jobs/run.h"

typedef struct cls_replay_ {
  const char *file, *how; /* hold, mean or draw */
  bool fixed;             /* one value for all of the run */
  uint32_t cycles;        /* of the file */
  int members;            /* of the run, all alike */
  double tr_s;
  int64_t steps;   /* of a cycle */
  cls_hyper hyper; /* what the values are of */
  double *values;  /* [n][hyper.values] natural, of cycles 0 ... n - 1; later ones have the last */
  uint32_t n;
  cls_run_changes changes;
} cls_replay;

/* Collective, for a run that was prepared and not yet begun. In cycle c, of steps [c, c + 1) tr_s, act the values of row c: the means
 * over members after the analysis at its end, which are the best that is known of it. Behind the last cycle of the file (`how`):
 * hold (NULL): its last values; mean: their means over the second half of its cycles;
 * draw: on the transformed scale, an autoregression of order 1 fitted to the means of cycles behind assimilation.burn_in, which goes
 * on from the last, and on top of it for each row a deviation drawn from the last ensemble's spread, the same in all cycles
 * (of truth.h5: none): a function of assimilation.seed, names, rows and cycles.
 * fixed: the mean in all of the run. The run's science hash follows what acts. CLS_ERR_INPUT: names the file and what does not fit
 * the job. *replay, {0} before, must outlive the run; is to be closed also after an error. */
cls_status cls_replay_open(cls_run *run, const char *file, const char *how, bool fixed, cls_replay *replay);
void cls_replay_close(cls_replay *replay);

#endif

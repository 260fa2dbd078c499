/* Data assimilation: an ensemble of brains that follows recordings, and what it estimates of them. The public header of this folder.
 *
 * A cycle: hyperparameters wander; every member is simulated for one TR; what it would have shown is compared with what was observed;
 * hyperparameters and haemodynamics are corrected. Two couplings give the same bits: online, members in the memory of one program;
 * offline, each forecast and each analysis a program of its own, through files (assimilation/keep_member.h, history.h).
 *
 * Files of DIR: assimilation.h5 (the past and the state of the filter; its renaming is the commit of a cycle), members/NNN/, and of a
 * twin truth.h5. */
#ifndef CALLOSUM_ASSIMILATION_H
#define CALLOSUM_ASSIMILATION_H

#include "io/io.h"

typedef struct {
  cls_world world;
  const cls_job *job;
  const cls_backend *backend;
  const char *directory;  /* there already */
  const char *const *set; /* [n_set] options with which the job was loaded: a twin has them, too */
  int n_set;
  bool restart; /* goes on where DIR stands, if anywhere */
  bool told;    /* DIR has the summary of all cycles: nothing is to be done where there are no more */
  volatile sig_atomic_t *asked; /* see cls_engine_options.ask */
  int first, last;              /* offline forecast: members first ... last */
  /* May be NULL: told after every cycle, on every rank. */
  void (*progress)(void *context, uint32_t cycle, uint32_t cycles);
  void *context;
} cls_assimilation;

/* What came of it; the same on all ranks. */
typedef struct {
  uint32_t cycle, cycles; /* done, of */
  bool interrupted;       /* stopped by a signal after a checkpoint */
  bool complete; /* nothing was to be done: DIR has all cycles; but for cycle, cycles and members all is 0 */
  int members, alive, groups;
  double build_s, forecast_s, analysis_s, save_s; /* of the slowest rank */
  double network_bytes, state_bytes;              /* of all ranks */
  uint64_t *digest;                               /* [members]; freed by the caller; NULL: offline */
  double chi2, correlation; /* innovations after burn-in; rank 0's, NaN where there are none */
} cls_assimilated;

/* Collective. All cycles that are left. CLS_ERR_INPUT: refused, nothing written. */
cls_status cls_assimilate(const cls_assimilation *a, cls_assimilated *outcome);
/* Collective. Offline: simulates the next cycle of some members, from their checkpoints and the last analysis. */
cls_status cls_assimilate_forecast(const cls_assimilation *a, cls_assimilated *outcome);
/* Collective. Offline: the analysis of that cycle, of all members whose checkpoints are there. */
cls_status cls_assimilate_analysis(const cls_assimilation *a, cls_assimilated *outcome);

#endif

/* What an assimilation knows of its past, in memory, and its file assimilation.h5: written whole under a temporary name and renamed, so
 * that it is the commit of a cycle, and read back at a restart. Rank 0 holds it. */
#ifndef CALLOSUM_HISTORY_H
#define CALLOSUM_HISTORY_H

#include "base/base.h"

/* A hyperparameter: `rows` rows of the table of values, one per region or one for all. */
typedef struct {
  char name[64], unit[32];
  double lower, upper;  /* bounds; log: [0, inf) */
  uint32_t first, rows; /* its rows among all */
  bool shared;          /* one row for all regions */
} cls_history_entry;

/* One cycle; all arrays are of the history's sizes. Values of hyperparameters are natural (within bounds), not transformed. */
typedef struct {
  double time_s; /* biology at the end of the cycle */
  double *forecast_mean, *forecast_sd;             /* [rows] */
  double *mean, *sd, *q05, *q95, *median;          /* [rows] analysed */
  double *observed, *error;                        /* [obs]; NaN: missing or withheld */
  double *predicted_mean, *predicted_sd, *predicted_q05, *predicted_q95; /* [obs] forecast before the analysis; also of withheld ones */
  double *analysed_mean, *analysed_sd;             /* [obs] after it */
  double *withheld;                                /* [obs] the observation where it is withheld, else NaN */
  double *crps;                                    /* [obs] NaN: missing */
  int32_t *rank;                                   /* [obs] of the observation among members with perturbed errors; -1: missing */
  double *lambda;                                  /* [sites] inflation */
  int alive;                                       /* members */
} cls_history_cycle;

typedef struct {
  int members;
  uint32_t rows, obs, sites; /* of hyperparameters' values, of observations, of regions */
  cls_history_entry *entries;
  uint32_t n_entries;
  char **obs_names, **region_names;    /* [obs], [sites] */
  double tr_s;
  cls_history_cycle *cycles;
  uint32_t n_cycles, capacity;
  double *last; /* [rows][members] analysed ensemble of the last cycle, natural values */
  bool *alive;  /* [members] */
  /* What the loop needs to go on, opaque here: rows x width numbers under /state/NAME. */
} cls_history;

/* Diagnostics of what is behind `from` (first cycle counted). */
typedef struct {
  double chi2;          /* mean of (y - mean)^2 / (spread^2 + error^2) over cycles and observations: 1 where all is right */
  double *chi2_of;      /* [obs] */
  double *rank_histogram; /* [members + 1] counts */
  double spread_skill;  /* rms spread (with error) / rms innovation */
  double crps, rmse, correlation; /* mean over all; correlation: mean over observations of that between forecast mean and observation */
  double *correlation_of; /* [obs] */
  double effective_size;  /* of the last ensemble: trace(C)^2 / trace(C^2) of its correlation matrix over members, in members */
  double *posterior_correlation; /* [rows][rows] over the last ensemble */
  uint32_t (*confounded)[2];     /* pairs of rows whose posterior correlation is beyond `limit` in size and whose spreads hardly shrank */
  uint32_t n_confounded;
} cls_diagnostics;

#endif

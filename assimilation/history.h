/* What an assimilation knows of its past, in memory, and its file assimilation.h5: written whole under a temporary name
 * and renamed, so that it is the commit of a cycle, and read back at a restart. Rank 0 holds it; all functions are local.
 *
 * assimilation.h5, an HDF5 file behind 512 bytes with a sum of it (HDF5's user block); h rows: of a hyperparameter; NaN: unknown:
 *   /                          attributes format, version, job, callosum_version, seed, hash (of the job's science), members,
 *                              cycles, tr_s
 *   /time_s                    [cycles] biology at the end of each cycle
 *   /hyperparameters/NAME      attributes units, lower, upper, shared, order (its place among all)
 *     mean, sd, q05, median, q95       [cycles, h] analysed
 *     forecast_mean, forecast_sd       [cycles, h]
 *     smoothed, smoothed_sd            [cycles, h] with observations of some cycles after it (lag); else NaN
 *     prior, last              [h, members] ensembles: the first forecast, the last analysis
 *     regions                  [h] text
 *     site                     [h] number of the region, -1: all
 *   /truth/NAME                [cycles, h] what made the observations of a twin; only where it is known
 *   /observations/             observed, error, predicted_mean, predicted_sd, predicted_q05, predicted_q95, analysed_mean,
 *                              analysed_sd, withheld, crps, rank [cycles, n]; names, units [n] text; site [n], -1: none
 *   /regions/name              [sites] text
 *   /inflation                 [cycles, sites]
 *   /members/alive             [members] at the end; /members/count [cycles]
 *   /state/NAME                [rows, width] what the loop needs to go on
 *   /diagnostics/              figures of cls_diagnostics, where they were computed */
#ifndef CALLOSUM_HISTORY_H
#define CALLOSUM_HISTORY_H

#include "base/base.h"

#define CLS_HISTORY_FORMAT  "callosum-assimilation"
#define CLS_HISTORY_VERSION 1

/* A hyperparameter: `rows` rows of the table of values, one per region or one for all. */
typedef struct {
  char name[64], units[32];
  double lower, upper;  /* bounds; log: [0, inf) */
  uint32_t first, rows; /* its rows among all; cls_history_create() sets `first` */
  bool shared;          /* one row for all regions */
} cls_history_entry;

/* What a history is of; everything is copied. */
typedef struct {
  int members; /* >= 2 */
  const cls_history_entry *entries;
  uint32_t n_entries;
  const char *const *row_names; /* [rows of all entries]; NULL: regions' names, or "all" */
  const int32_t *
      row_site; /* [rows] number of the region, -1: all; NULL: 0 ... rows - 1 of each entry, or all if shared */
  uint32_t sites;                                  /* regions */
  const char *const *region_names;                 /* [sites] */
  uint32_t obs;                                    /* observations of a cycle */
  const char *const *obs_names, *const *obs_units; /* [obs]; units NULL: none */
  const int32_t *obs_site;                         /* [obs] -1: none; NULL: none */
  double tr_s;                                     /* biology of a cycle */
  uint64_t hash, seed;                             /* science_hash and seed of the job */
  const char *job;                                 /* text of the job as run; NULL: "" */
} cls_history_shape;

/* One cycle; all arrays are of the history's sizes and owned by it. Values of hyperparameters are natural (within
 * bounds), not transformed. */
typedef struct {
  double time_s;                          /* biology at the end of the cycle */
  double *forecast_mean, *forecast_sd;    /* [rows] */
  double *mean, *sd, *q05, *q95, *median; /* [rows] analysed */
  double *smoothed, *smoothed_sd;         /* [rows] what later observations say of it, too (lag); else NaN */
  double *truth;                          /* [rows] of a twin, else NaN */
  double *observed, *error; /* [obs] observed NaN: missing or withheld; error also of withheld ones */
  double *predicted_mean, *predicted_sd, *predicted_q05,
      *predicted_q95;                  /* [obs] forecast before the analysis; also of withheld ones */
  double *analysed_mean, *analysed_sd; /* [obs] after it */
  double *withheld;                    /* [obs] the observation where it is withheld, else NaN */
  double *crps;                        /* [obs] in the observation's unit; NaN: missing */
  int32_t
      *rank; /* [obs] of the observation among members with perturbed errors, 0 ... members; -1: missing */
  double *lambda; /* [sites] inflation of variances */
  int alive;      /* members */
} cls_history_cycle;

typedef struct {
  char *name;
  uint64_t rows, width;
  double *values;
} cls_history_state;

typedef struct {
  int members;
  uint32_t rows, obs, sites; /* of hyperparameters' values, of observations, of regions */
  cls_history_entry *entries;
  uint32_t n_entries;
  char **row_names, **obs_names, **obs_units, **region_names; /* [rows], [obs], [obs], [sites] */
  int32_t *row_site, *obs_site;                               /* [rows], [obs] */
  double tr_s;
  uint64_t hash, seed;
  char *job;
  cls_history_cycle *cycles;
  uint32_t n_cycles;
  size_t capacity;
  double *prior,
      *last;   /* [rows][members] natural values: forecast of the first cycle, analysis of the last */
  bool *alive; /* [members] */
  cls_history_state *states; /* [n_states] what the loop needs to go on, opaque here */
  uint32_t n_states;
} cls_history;

cls_status cls_history_create(const cls_history_shape *shape, cls_history **history);
void cls_history_destroy(cls_history *history); /* also NULL */

/* Appends a cycle and gives it: numbers are NaN, ranks -1, lambda 1, all members alive. The pointer holds until the next call. */
cls_status cls_history_append(cls_history *history, cls_history_cycle **cycle);

/* Into the cycle last appended: mean and spread of values [rows][members] of its forecast; of the first cycle they are kept as the
 * prior. alive [members]: who counts, NULL: all. At least two must. */
cls_status cls_history_fill_forecast(cls_history *history, const double *values, const bool *alive);
/* The same of its analysis, with quantiles; values (NaN of members that are not alive) and alive are kept as the last ensemble. */
cls_status cls_history_fill_analysis(cls_history *history, const double *values, const bool *alive);
/* Into the cycle `ago` cycles before the last: mean and spread of what observations up to now say of its values. */
cls_status cls_history_fill_smoothed(cls_history *history, uint32_t ago, const double *values,
                                     const bool *alive);
/* Into the cycle last appended: mean, spread and quantiles of predicted [obs][members] without errors of observation; CRPS and rank of
 * what was observed or withheld. `observed`, `error` and `withheld` of the cycle must be there already; error NaN: 0. */
cls_status cls_history_fill_observation(cls_history *history, const double *predicted, const bool *alive);
/* Mean and spread of the predictions [obs][members] after the analysis. */
cls_status cls_history_fill_analysed(cls_history *history, const double *predicted, const bool *alive);

/* Copies `rows` x `width` numbers under a name without "/"; replaces what was there. */
cls_status cls_history_set_state(cls_history *history, const char *name, const double *values, uint64_t rows,
                                 uint64_t width);
/* NULL where there is none of that name. Owned by the history, holds until it is set again. rows and width may be NULL. */
const double *cls_history_get_state(const cls_history *history, const char *name, uint64_t *rows,
                                    uint64_t *width);

/* ---- diagnostics ---- */

/* What a pair of rows determines though neither is determined. */
typedef enum {
  CLS_CONFOUNDED_SUM,
  CLS_CONFOUNDED_DIFFERENCE,
  CLS_CONFOUNDED_PRODUCT,
  CLS_CONFOUNDED_RATIO
} cls_confounded_what;
extern const char *const cls_confounded_names[]; /* "sum" ... */

/* How well what was forecast foretold a set of observations. NaN where there are none. */
typedef struct {
  uint64_t n;
  double
      chi2; /* mean of (y - mean)^2 / (spread^2 + error^2): 1 where all is right, 1 + O(1 / members) with few members */
  double spread_skill; /* rms spread (with error) / rms innovation */
  double crps, rmse;   /* means over all, in the observations' unit */
  double correlation;  /* mean over observations of that between forecast mean and observation */
  double
      coverage; /* share of observations whose rank is within the middle 90 % of ranks, those at its ends in part: .9 where all is right */
} cls_forecast_skill;

/* Diagnostics of what is behind `from` (first cycle counted). */
typedef struct {
  cls_forecast_skill skill, withheld;                         /* of what was assimilated; of what was not */
  double *chi2_of, *correlation_of, *withheld_correlation_of; /* [obs] NaN: none */
  double *rank_histogram;                                     /* [members + 1] counts, assimilated ones */
  double
      effective_size; /* of the last ensemble: trace(G)^2 / trace(G^2), G [members][members] the products of its standardised
                            anomalies: the directions it spans, at most members - 1 */
  double *
      posterior_correlation; /* [rows][rows] over the last ensemble; NULL beyond CLS_HISTORY_CORRELATION_ROWS rows */
  /* Pairs of rows of two hyperparameters that act on the same region (or one of them on all) and that the data do not separate:
   *  - over the last ensemble they correlate by more than `limit` in size, on the natural or the logarithmic scale, and by more than
   *    chance gives any pair among members so few (Fisher's z, 1 % for all pairs together);
   *  - the spread of neither shrank by 30 % of its prior;
   *  - that of what they determine together did: of their sum or difference, each in units of its prior spread, or on the logarithmic
   *    scale of their product or ratio. (A pair that correlated from the start is thus none.) */
  uint32_t (*confounded)[2];
  cls_confounded_what *confounded_what;
  double *confounded_r; /* on the scale on which it is larger in size */
  uint32_t n_confounded;
  double limit;
} cls_diagnostics;

enum { CLS_HISTORY_CORRELATION_ROWS = 2048 };

/* from > number of cycles: counts none. *diagnostics is to be freed also after an error. */
cls_status cls_diagnose(const cls_history *history, uint32_t from, cls_diagnostics *diagnostics);
void cls_diagnostics_free(cls_diagnostics *diagnostics); /* also one that is {0} */

/* Continuous ranked probability score of `n` members of which each foretells a normal of spread `error` (0: itself), against y: the
 * closed form of Grimit et al. 2006 (Q. J. R. Meteorol. Soc. 132, 2925-2942) with the fair number of pairs (Ferro 2014, ibid. 140,
 * 1917-1923), so that its mean does not depend on n. n >= 2. */
double cls_crps(const double *members, int n, double error, double y);
/* Quantile p of n sorted numbers at p (n + 1), so that 90 % of what is drawn like them lies between the quantiles .05 and .95 if
 * there are 19 of them or more. */
double cls_sorted_quantile(const double *sorted, int n, double p);

/* ---- the file ---- */

/* CLS_ERR_IO; what had the name before is still there then. diagnostics: NULL: none. */
cls_status cls_history_write(const cls_history *history, const cls_diagnostics *diagnostics,
                             const char *path);
/* expected: refuses a file of another job (hash) or other sizes; NULL: any. CLS_ERR_INPUT where it is damaged. */
cls_status cls_history_read(const char *path, const cls_history_shape *expected, cls_history **history);

/* ---- for the files of this folder ---- */

/* The arrays of a cycle by name, for all that goes over them alike. */
typedef enum { CLS_OF_ROWS, CLS_OF_OBS, CLS_OF_SITES } cls_history_extent;
typedef struct {
  const char *name;
  size_t offset; /* of the pointer in cls_history_cycle */
  cls_history_extent extent;
} cls_history_field;
extern const cls_history_field cls_history_fields[];
extern const int cls_n_history_fields;
double *cls_history_values(const cls_history_cycle *cycle, const cls_history_field *field);

#endif

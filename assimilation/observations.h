/* What is observed: measured series by region and cycle, prepared to be compared with what members predict. */
#ifndef CALLOSUM_OBSERVATIONS_H
#define CALLOSUM_OBSERVATIONS_H

#include "io/io.h"

/* All of it is the same on every rank. Observations are ordered by the element of `assimilation.observations` they come from, then by
 * site; a site that a file has no number of is none. */
typedef struct {
  uint32_t cycles, n_obs;
  char **
      names; /* [n_obs] "bold lh_V1"; where kinds are there twice, "bold lh_V1 (1)", the number of the element */
  uint32_t *site;         /* [n_obs] */
  uint32_t *element;      /* [n_obs] number of the element */
  cls_observe_kind *kind; /* [n_obs] */
  /* [cycles][n_obs] in the unit of what the model predicts; NaN: missing. Cycle c is volume c of a file. Of a twin all are NaN until
   * cls_observations_set. */
  double *series;
  double *
      sd; /* [n_obs] standard deviation of errors; NaN: of a twin with a relative error, until cls_observations_set */
  bool *site_withheld; /* [n_obs] never assimilated */
  uint32_t *stop;      /* [n_obs] from this cycle on not assimilated; `cycles`: always assimilated */
} cls_observations;

/* Collective. What the job asks for, from what rank 0 holds of its files. CLS_ERR_INPUT where a series cannot be prepared: names file
 * and region. */
cls_status cls_observations_read(const cls_world *world, const cls_job *job, cls_observations **observations);
void cls_observations_destroy(cls_observations *observations); /* NULL is fine */

/* Not to be assimilated: predicted and scored. Missing ones too. */
static inline bool cls_observation_withheld(const cls_observations *o, uint32_t cycle, uint32_t i) {
  return o->site_withheld[i] || cycle >= o->stop[i];
}

/* Local. Observation `i` (a current) of the mean currents of its site by receptor: one of them, or the sum of all. */
double cls_observed_current(const cls_job *job, const cls_observations *observations, uint32_t i,
                            const double *current);

/* Local. Of a twin: what the truth predicts, without errors [cycles][n_obs], becomes the series; relative errors become absolute ones, by
 * its standard deviation between burn_in and stop_s. Errors are the caller's to draw (observations with site_withheld too). */
cls_status cls_observations_set(const cls_job *job, const double *truth, cls_observations *observations);

/* Local. Prepares one series in place, `n` volumes of which those that are no number are missing and stay so:
 *   1. the mean or the least-squares line of the training part is taken off (detrend);
 *   2. it is band-passed: a high pass and a low pass, Butterworth of order 2 each (bilinear transform, corner frequencies exact), one
 *      pass forwards in direct form I. Both start in the steady state of the first number. At a missing volume the number before is
 *      filtered again;
 *   3. it is rescaled so that the training part has the range, or mean and standard deviation, that is asked for.
 * Nothing but the first `train` volumes decides what is fitted; what comes out at volume t depends on later ones only through these.
 * *sd: error of an observation. CLS_ERR_INPUT where the training part does not vary or has less than 3 numbers. */
cls_status cls_observations_prepare(const cls_observation_options *options, uint64_t n, uint64_t train,
                                    double *series, double *sd);

#endif

/* The filter of a brain: what is estimated (hyperparameters and haemodynamics of every region and member), how it becomes the next
 * forecast, and how observations correct it. It knows nothing of who computes the forecasts: members in memory or members in files.
 *
 * All ranks hold the same: tables of regions by members. Rank 0 holds the history besides. */
#ifndef CALLOSUM_FILTER_H
#define CALLOSUM_FILTER_H

#include "assimilation/analysis.h"
#include "assimilation/history.h"
#include "assimilation/hyper.h"
#include "assimilation/observations.h"
#include "assimilation/site.h"

typedef struct {
  cls_world world;
  const cls_job *job;
  const cls_assimilation_options *options;
  const cls_observations *observations;
  cls_hyper hyper;
  int members;
  uint32_t regions, sites; /* sites: regions, then one for what all regions share */
  uint32_t cycle;          /* the next to be forecast */
  bool *alive;             /* [members] */
  double *theta;           /* [hyper.rows][members] */
  double *values;          /* [hyper.values][members] of theta */
  cls_balloon *balloon;    /* [members][regions] */
  double *predicted;       /* [observations][members] */
  double *
      past; /* [lag][hyper.rows][members] hyperparameters of the cycles before, the latest first, as they are thought of now */
  double *lambda;   /* [sites] adaptive inflation */
  double *surprise; /* [sites] innovations of late, see note_surprise() */
  cls_localisation localisation;
  double *distance;
  cls_history *history; /* rank 0 */
  const double *truth;  /* [cycles][hyper.values] of a twin; NULL */
  double analysis_s;
} cls_filter;

/* Collective. Prior ensemble at cycle 0. */
cls_status cls_filter_create(const cls_world *world, const cls_job *job, const cls_observations *observations,
                             cls_filter *filter);
void cls_filter_destroy(cls_filter *filter);
/* Collective. Goes on from DIR/assimilation.h5: *there tells whether there is one. CLS_ERR_INPUT where it is another job's. */
cls_status cls_filter_resume(cls_filter *filter, const char *path, bool *there);
/* Collective (writes on rank 0): the commit of a cycle. `last`: with diagnostics. */
cls_status cls_filter_commit(cls_filter *filter, const char *path, bool last);

/* Local. Hyperparameters wander to what the next cycle is forecast with. */
void cls_filter_walk(cls_filter *filter);
/* Local. Of what a cycle of members looked like (see cls_members_look) fills filter->predicted, for members [first, first + n). */
void cls_filter_predict(cls_filter *filter, int first, int n, const double *bold, const double *rate_hz,
                        const double *current);
/* Collective, the same arguments on all ranks. theta, balloon, predicted are the forecast of cycle `cycle`: members with numbers that are not
 * finite are dropped with a warning; too few left: CLS_ERR_LIMIT. The rest is corrected by what was observed, and the cycle enters
 * the history. */
cls_status cls_filter_analyse(cls_filter *filter);
/* Local. CLS_ERR_LIMIT where too few members are left. */
cls_status cls_filter_enough(const cls_filter *filter);
/* Local. Why a member is left out from now on, as a warning on rank 0. */
void cls_filter_drop(cls_filter *filter, int member, const char *why);

#endif

/* Random numbers of an analysis: functions of (seed, cycle, pass) and of what is drawn. */
#ifndef CALLOSUM_DRAWS_H
#define CALLOSUM_DRAWS_H

#include "assimilation/analysis.h"

/* z[members]: perturbations of observation i, standard normal, a function of its obs_id and the member. */
void cls_draw_perturbations(const cls_analysis *analysis, uint32_t i, double *z);
/* u[members][members]: a random orthogonal matrix with rows and columns that sum to 1, so that anomalies times u keep mean and covariance;
 * uniform over all of these. */
cls_status cls_draw_rotation(const cls_analysis *analysis, double *u);

#endif

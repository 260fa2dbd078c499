/* sweep.h5: one row per point of a grid of runs.
 *
 *   /sweep/keys      [K]       text: keys of the job, in the order of section `sweep:`
 *   /sweep/text      [points x K] text: values as written, row by row
 *   /sweep/values    [points, K] the same as numbers, NaN where a value is none
 *   /sweep/done      [points]  1 where the point was computed; its results are NaN otherwise
 *   /sweep/digest    [points]  text
 *   /sweep/results/NAME [points]  mean_rate_hz, rate_min_hz, rate_max_hz, isi_cv_median, spike_correlation_mean,
 *                              fc_mean, sc_fc_r, fc_empirical_r, fc_seconds
 */
#ifndef CALLOSUM_SWEEP_FILE_H
#define CALLOSUM_SWEEP_FILE_H

#include "io/io.h"

typedef struct {
  bool done;
  uint64_t digest;
  cls_statistics statistics;
} cls_sweep_result;

/* A figure of cls_statistics under the name it has in summary.json and sweep.h5. */
typedef struct {
  const char *name, *unit;
  size_t offset;
} cls_statistic;
extern const cls_statistic cls_statistics_fields[];
extern const int cls_n_statistics;

/* Local, on one rank. Writes results[points of job->sweep] under a temporary name and renames it to `path`: a file that
 * is there is whole. */
cls_status cls_sweep_write(const char *path, const cls_job *job, const cls_sweep_result *results);

#endif

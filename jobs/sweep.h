/* The parts of `callosum sweep`. */
#ifndef CALLOSUM_SWEEP_H
#define CALLOSUM_SWEEP_H

#include "io/sweep_file.h"
#include "jobs/run.h"

/* A sweep as asked for. */
typedef struct {
  cls_world world;
  const char *path; /* of the job file */
  const char *const *set;
  int n_set; /* the user's */
  const char *backend, *directory;
  const char
      *restart; /* "auto": finished points stay, others go on from their checkpoints; NULL: all are new */
  int batch;    /* most points computed together */
  cls_job *job; /* the job with the values it was written with */
  uint32_t points;
  cls_sweep_result *results; /* [points] */
} cls_sweep;

/* Collective. The job of a point: the file with the user's options, then the point's values. Silent. */
cls_status cls_sweep_load(const cls_sweep *sweep, uint32_t point, cls_job **job);
/* Collective. Computes points first ... last - 1 into sweep->results and folders of their own below the directory, as
 * many as possible together: points that differ only in parameters are members of one network, each with the noise of a
 * plain run. *stopped: a signal ended it early. */
cls_status cls_sweep_compute(cls_sweep *sweep, uint32_t first, uint32_t last, bool *stopped);
/* Local, on one rank. Fills sweep->results from the summaries of the points' folders; *found of them. */
cls_status cls_sweep_collect(cls_sweep *sweep, uint32_t *found);
/* "key = value, ..." of a point into text[size]. */
void cls_sweep_describe(const cls_sweep *sweep, uint32_t point, char *text, size_t size);

#endif

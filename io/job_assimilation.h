/* What the files that read section `assimilation:` share (job_assimilation.c, job_hyperparameters.c, job_observations.c,
 * job_twin.c). */
#ifndef CALLOSUM_JOB_ASSIMILATION_H
#define CALLOSUM_JOB_ASSIMILATION_H

#include "io/job.h"

/* Lists below section `assimilation:`, whose own values are in job->assimilation. Local. */
cls_status cls_job_read_hyperparameters(cls_job_reader *r, const cls_yaml *list);
cls_status cls_job_read_observations(cls_job_reader *r, const cls_yaml *list);
/* Key `twin:`, after hyperparameters and observations. Local. */
cls_status cls_job_read_twin(cls_job_reader *r, const cls_yaml *section);
void cls_job_free_hyperparameters(cls_assimilation_options *a);
void cls_job_free_observations(cls_assimilation_options *a);
void cls_job_free_twin(cls_assimilation_options *a);

/* [low, high]: two numbers, low < high. */
cls_status cls_job_range(cls_job_reader *r, const cls_yaml *node, double *low, double *high);
/* Refuses a key that says nothing beside the others: "expected ... with KEY". */
cls_status cls_job_idle_key(const cls_yaml *section, const char *key, const char *with);

#endif

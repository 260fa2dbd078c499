/* What a run asked of its GPUs, for --profile and summary.json. */
#ifndef CALLOSUM_RUN_PROFILE_H
#define CALLOSUM_RUN_PROFILE_H

#include "jobs/run.h"
#include <cjson/cJSON.h>

/* Over ranks: `most` of each figure of a rank, `sum` of all. */
typedef struct {
  bool any; /* false: the backend has no device */
  cls_profile most, sum;
} cls_run_profile;

/* Collective. */
void cls_run_profile_gather(const cls_run *run, const cls_engine *engine, cls_run_profile *profile);
/* Rank 0. */
void cls_run_profile_print(const cls_run *run, const cls_run_profile *profile);
void cls_run_profile_add(cJSON *summary, const cls_run_profile *profile);

#endif

/* What the tests of jobs share: a job as loaded, what it holds by name, and a file for its text. */
#ifndef TESTS_JOB_JOBS_H
#define TESTS_JOB_JOBS_H

#include "base/files.h"

#include "io/io.h"
#include <stdlib.h>
#include <unistd.h>

static cls_world world;
static cls_job *job; /* the one loaded last; NULL where it was refused */
static char path[] = P_tmpdir "/callosum_job_XXXXXX";

enum { MAX_SET = 8 };

/* Loads `file` with the options --set that follow, the last NULL. */
static inline cls_status load(const char *file, ...) {
  const char *set[MAX_SET];
  int n = 0;
  va_list options;
  va_start(options, file);
  for (const char *option; n < MAX_SET && (option = va_arg(options, const char *)); n++) set[n] = option;
  va_end(options);
  cls_job_destroy(job);
  return cls_job_load(&world, file, set, n, &job);
}

static inline const cls_projection *projection(const char *name) {
  for (uint32_t i = 0; i < job->network->n_projections; i++)
    if (strcmp(job->network->projections[i].name, name) == 0) return &job->network->projections[i];
  fail_msg("no projection '%s'", name);
  return NULL;
}

static inline const cls_population *population(const char *name) {
  int64_t i = cls_network_find_population(job->network, name);
  if (i < 0) fail_msg("no population '%s'", name);
  return &job->network->populations[i];
}

/* Set-up and tear-down of a group: the file at `path`, and the last job. */
static inline int make_file(void **state) {
  (void)state;
  const int file = mkstemp(path);
  return file < 0 ? -1 : close(file);
}

static inline int drop_file(void **state) {
  (void)state;
  cls_job_destroy(job);
  return remove(path);
}

#endif

/* The points of a sweep: their jobs, computing them in batches, and finding what others computed. */
#include "jobs/sweep.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void cls_sweep_describe(const cls_sweep *sweep, uint32_t point, char *text, size_t size) {
  size_t used = 0;
  *text = 0;
  for (uint32_t k = 0; k < sweep->job->n_sweep && used < size; k++) {
    const cls_sweep_axis *axis = &sweep->job->sweep[k];
    used += (size_t)snprintf(text + used, size - used, "%s%s = %s", k ? ", " : "", axis->key,
                             axis->values[cls_sweep_choice(sweep->job, point, k)]);
  }
}

cls_status cls_sweep_load(const cls_sweep *sweep, uint32_t point, cls_job **job) {
  const cls_job *base = sweep->job;
  const int n = sweep->n_set + (int)base->n_sweep;
  char **set = NULL;
  CLS_TRY(cls_alloc(&set, (size_t)n, sizeof *set, "options of a point"));
  cls_status status = CLS_OK;
  for (int i = 0; i < n && status == CLS_OK; i++) {
    uint32_t k = (uint32_t)(i - sweep->n_set);
    set[i] = i < sweep->n_set ? cls_format("%s", sweep->set[i])
                              : cls_format("%s=%s", base->sweep[k].key,
                                           base->sweep[k].values[cls_sweep_choice(base, point, k)]);
    if (!set[i]) status = cls_fail(CLS_ERR_MEMORY, "out of memory for options");
  }
  cls_world silent = sweep->world;
  silent.verbosity = -1;
  status = cls_agree(sweep->world.comm, status);
  if (status == CLS_OK) status = cls_job_load(&silent, sweep->path, (const char *const *)set, n, job);
  for (int i = 0; i < n; i++) free(set[i]);
  free(set);
  return status == CLS_OK ? CLS_OK : cls_error_prefix(status, "point %u of the sweep", point);
}

/* ---- what a summary says ---- */

static cJSON *read_json(const char *folder) {
  char *path = cls_format("%s/summary.json", folder), *text = NULL;
  FILE *file = path ? fopen(path, "r") : NULL;
  free(path);
  if (!file) return NULL;
  size_t capacity = 0;
  ssize_t length = getdelim(&text, &capacity, 0, file); /* the whole file: it holds no zero byte */
  fclose(file);
  cJSON *json = length > 0 ? cJSON_Parse(text) : NULL;
  free(text);
  return json;
}

/* Of one point: its digest, and the object that holds its statistics. */
static void read_point(const cJSON *digest, const cJSON *statistics, cls_sweep_result *result) {
  if (!cJSON_IsString(digest)) return;
  result->digest = strtoull(digest->valuestring, NULL, 16);
  for (int f = 0; f < cls_n_statistics; f++) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(statistics, cls_statistics_fields[f].name);
    double value = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    memcpy((char *)&result->statistics + cls_statistics_fields[f].offset, &value, sizeof value);
  }
  result->done = true;
}

/* Of the `n` points of a folder; those that are not complete stay as they are. */
static void read_results(const char *folder, uint32_t n, cls_sweep_result *results) {
  cJSON *json = read_json(folder);
  const cJSON *state = cJSON_GetObjectItemCaseSensitive(json, "status");
  const cJSON *digests = cJSON_GetObjectItemCaseSensitive(json, "digests");
  const cJSON *members = cJSON_GetObjectItemCaseSensitive(json, "members_statistics");
  const bool done = cJSON_IsString(state) && strcmp(state->valuestring, "done") == 0;
  if (done && n == 1) read_point(cJSON_GetObjectItemCaseSensitive(json, "digest"), json, results);
  for (uint32_t i = 0; done && n > 1 && i < n; i++)
    read_point(cJSON_GetArrayItem(digests, (int)i), cJSON_GetArrayItem(members, (int)i), &results[i]);
  cJSON_Delete(json);
}

/* ---- batches ---- */

/* Points computed together: members of the first one's network. */
typedef struct {
  cls_sweep *sweep;
  uint32_t first, n;
  cls_job **jobs;               /* [batch] */
  const cls_network **variants; /* [batch] */
  int *identity;                /* [batch], all 0: the noise of a plain run */
} batch;

static bool same_text(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* May a point join the batch? Its values of keys that are no parameters must be those of the first. */
static bool joins(const batch *b, const cls_job *job, uint32_t point) {
  static const char *const others[] = {"simulation", "record", "partition"};
  const cls_job *base = b->sweep->job;
  for (uint32_t k = 0; k < base->n_sweep; k++) {
    const cls_sweep_axis *axis = &base->sweep[k];
    if (same_text(axis->values[cls_sweep_choice(base, point, k)],
                  axis->values[cls_sweep_choice(base, b->first, k)]))
      continue;
    for (int i = 0; i < 3; i++)
      if (strncmp(axis->key, others[i], strlen(others[i])) == 0) return false;
  }
  return cls_network_alike(b->jobs[0]->network, job->network);
}

static void empty_batch(batch *b) {
  for (uint32_t i = 0; i < b->n; i++) {
    cls_job_destroy(b->jobs[i]);
    b->jobs[i] = NULL;
  }
  b->n = 0;
}

static void describe_point(const cls_sweep *sweep, uint32_t point) {
  const cls_sweep_result *result = &sweep->results[point];
  const cls_statistics *statistics = &result->statistics;
  char words[256];
  cls_sweep_describe(sweep, point, words, sizeof words);
  cls_log(&sweep->world, 1, "point %u of %u: %s: %.3f Hz (%.3f to %.3f), CV %.3f, FC %.3f, digest %016llx",
          point, sweep->points, words, statistics->mean_rate_hz, statistics->rate_min_hz,
          statistics->rate_max_hz, statistics->isi_cv_median, statistics->fc_mean,
          (unsigned long long)result->digest);
}

/* Takes what the members of a batch came to, and says it. */
static cls_status take(void *context, const cls_run *run, const cls_engine *engine,
                       const cls_statistics *statistics) {
  batch *b = context;
  cls_sweep *sweep = b->sweep;
  CLS_TRY(cls_run_summarise(run, engine, statistics));
  if (run->interrupted) return CLS_OK;
  for (uint32_t i = 0; i < b->n; i++) {
    cls_sweep_result *result = &sweep->results[b->first + i];
    CLS_TRY(cls_engine_digest(engine, (int)i, &result->digest));
    result->statistics = statistics[i];
    result->done = true;
    describe_point(sweep, b->first + i);
  }
  return CLS_OK;
}

/* Takes what an earlier sweep left of a batch that is complete. */
static void take_summary(batch *b, const char *folder) {
  read_results(folder, b->n, &b->sweep->results[b->first]);
  for (uint32_t i = 0; i < b->n; i++) describe_point(b->sweep, b->first + i);
}

static char *batch_folder(const cls_sweep *sweep, uint32_t first, uint32_t n) {
  if (n == 1) return cls_format("%s/point-%05u", sweep->directory, first);
  return cls_format("%s/points-%05u-%05u", sweep->directory, first, first + n - 1);
}

static cls_status compute_batch(batch *b, bool *stopped) {
  cls_sweep *sweep = b->sweep;
  cls_job *job = b->jobs[0];
  cls_world silent = sweep->world;
  silent.verbosity = -1;
  char *folder = batch_folder(sweep, b->first, b->n);
  CLS_CHECK(folder, CLS_ERR_MEMORY, "out of memory for a path");
  for (uint32_t i = 0; i < b->n; i++) b->variants[i] = b->jobs[i]->network;
  job->members = (int)b->n;
  cls_run run = {0};
  cls_status status = cls_run_prepare(&run, &silent, job, sweep->backend, folder);
  run.variants = b->variants;
  run.identity = b->identity;
  run.restart = sweep->restart;
  for (uint32_t i = 1; i < b->n; i++)
    run.science_hash = cls_mix64(run.science_hash ^ b->jobs[i]->science_hash);
  if (status == CLS_OK) status = cls_run_find_restart(&run);
  if (status == CLS_OK && run.complete)
    take_summary(b, folder);
  else if (status == CLS_OK)
    status = cls_run_simulate(&run, take, b);
  *stopped = run.interrupted;
  free(folder);
  return status;
}

static cls_status compute_range(batch *b, uint32_t first, uint32_t last, bool *stopped) {
  for (uint32_t point = first; point < last && !*stopped; point++) {
    cls_job *job = NULL;
    CLS_TRY(cls_sweep_load(b->sweep, point, &job));
    if (b->n > 0 && (b->n == (uint32_t)b->sweep->batch || !joins(b, job, point))) {
      cls_status status = compute_batch(b, stopped);
      empty_batch(b);
      if (status != CLS_OK) {
        cls_job_destroy(job);
        return status;
      }
    }
    if (b->n == 0) b->first = point;
    b->jobs[b->n++] = job;
  }
  return b->n > 0 && !*stopped ? compute_batch(b, stopped) : CLS_OK;
}

cls_status cls_sweep_compute(cls_sweep *sweep, uint32_t first, uint32_t last, bool *stopped) {
  batch b = {.sweep = sweep};
  const size_t most = (size_t)sweep->batch;
  *stopped = false;
  cls_status status = cls_alloc(&b.jobs, most, sizeof *b.jobs, "jobs of a batch");
  if (status == CLS_OK) status = cls_alloc(&b.variants, most, sizeof(cls_network *), "jobs of a batch");
  if (status == CLS_OK) status = cls_alloc(&b.identity, most, sizeof *b.identity, "jobs of a batch");
  status = cls_agree(sweep->world.comm, status);
  if (status == CLS_OK) status = compute_range(&b, first, last, stopped);
  if (b.jobs) empty_batch(&b);
  free(b.jobs);
  free(b.variants);
  free(b.identity);
  return status;
}

cls_status cls_sweep_collect(cls_sweep *sweep, uint32_t *found) {
  *found = 0;
  for (uint32_t point = 0; point < sweep->points; point++) {
    char *folder = batch_folder(sweep, point, 1);
    CLS_CHECK(folder, CLS_ERR_MEMORY, "out of memory for a path");
    read_results(folder, 1, &sweep->results[point]);
    free(folder);
    *found += sweep->results[point].done;
  }
  return CLS_OK;
}

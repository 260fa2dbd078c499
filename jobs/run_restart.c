/* Whether a run is new, goes on from a checkpoint, or is complete. */
#include "jobs/run.h"
#include <cjson/cJSON.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

cls_checkpoint_about cls_run_about(const cls_run *run, int64_t step) {
  const cls_job *job = run->job;
  return (cls_checkpoint_about){.step = step,
                                .dt_ms = job->dt_ms,
                                .seed = job->seed,
                                .members = job->members,
                                .job = job->text,
                                .science = job->science,
                                .job_hash = job->hash,
                                .science_hash = run->science_hash,
                                .backend = run->backend->name};
}

char *cls_run_restart_folder(const char *restart) {
  if (strcmp(restart, "auto") == 0) return NULL;
  const char *slash = strrchr(restart, '/');
  if (!slash) return cls_format(".");
  return slash == restart ? cls_format("/") : cls_format("%.*s", (int)(slash - restart), restart);
}

/* ---- what the folder's summary says ---- */

cJSON *cls_run_read_summary(const char *directory) {
  char *path = cls_format("%s/summary.json", directory), *text = NULL;
  FILE *file = path ? fopen(path, "r") : NULL;
  free(path);
  if (!file) return NULL;
  size_t capacity = 0;
  const ssize_t length = getdelim(&text, &capacity, 0, file); /* the whole file: it holds no zero byte */
  fclose(file);
  cJSON *json = length > 0 ? cJSON_Parse(text) : NULL;
  free(text);
  return json;
}

/* Rank 0: whether the folder holds all results of this job; CLS_ERR_INPUT where it holds those of another. */
static cls_status look_at_summary(const cls_run *run, bool *complete) {
  cJSON *json = cls_run_read_summary(run->directory);
  const cJSON *state = cJSON_GetObjectItemCaseSensitive(json, "status");
  const cJSON *hash = cJSON_GetObjectItemCaseSensitive(json, "science_hash");
  char expected[20];
  snprintf(expected, sizeof expected, "%016llx", (unsigned long long)run->science_hash);
  *complete = cJSON_IsString(state) && strcmp(state->valuestring, "done") == 0;
  const bool same = cJSON_IsString(hash) && strcmp(hash->valuestring, expected) == 0;
  cJSON_Delete(json);
  CLS_CHECK(!*complete || same, CLS_ERR_INPUT,
            "--out %s: holds the results of another job, complete (summary.json): expected another folder",
            run->directory);
  return CLS_OK;
}

/* ---- what was asked for ---- */

static cls_status accept(cls_run *run, const char *name) {
  const cls_manifest *m = cls_checkpoint_manifest(run->from);
  const cls_checkpoint_about about = cls_run_about(run, 0);
  CLS_TRY(cls_checkpoint_match(m, name, &about, run->job->path));
  CLS_CHECK(m->step <= run->steps, CLS_ERR_INPUT, "%s: step %lld: expected at most %lld, the end of the job",
            name, (long long)m->step, (long long)run->steps);
  run->begin = m->step;
  return CLS_OK;
}

static cls_status find_newest(cls_run *run) {
  const cls_world *world = &run->world;
  cls_status status = CLS_OK;
  int complete = 0;
  if (world->rank == 0) {
    bool all = false;
    status = look_at_summary(run, &all);
    complete = all;
  }
  CLS_TRY(cls_agree(world->comm, status));
  MPI_Bcast(&complete, 1, MPI_INT, 0, world->comm);
  run->complete = complete != 0;
  if (run->complete) return CLS_OK;
  CLS_TRY(cls_run_check_writable(world, run->directory));
  CLS_TRY(cls_checkpoint_newest(world, run->directory, &run->from));
  run->anew = !run->from;
  if (!run->from) {
    cls_log(world, 1, "%s: no checkpoint to go on from: the run begins anew", run->directory);
    return CLS_OK;
  }
  char name[PATH_MAX];
  snprintf(name, sizeof name, "%s/%s", run->directory, cls_checkpoint_manifest(run->from)->file);
  return accept(run, name);
}

/* Rank 0. Recordings go on in the folder of the checkpoint. */
static cls_status check_place(const cls_run *run) {
  char *folder = cls_run_restart_folder(run->restart);
  char *there = folder ? realpath(folder, NULL) : NULL, *here = realpath(run->directory, NULL);
  const bool same = there && here && strcmp(there, here) == 0;
  free(folder);
  free(there);
  free(here);
  CLS_CHECK(same, CLS_ERR_INPUT, "--restart %s: expected a checkpoint in the folder of the results, --out %s",
            run->restart, run->directory);
  return CLS_OK;
}

static cls_status open_named(cls_run *run) {
  const cls_world *world = &run->world;
  CLS_TRY(cls_run_check_writable(world, run->directory));
  CLS_TRY(cls_agree(world->comm, world->rank == 0 ? check_place(run) : CLS_OK));
  cls_status status = cls_checkpoint_open(world, run->restart, &run->from);
  if (status == CLS_OK) status = cls_checkpoint_check_recordings(run->from);
  if (status != CLS_OK) return cls_error_prefix(status == CLS_ERR_IO ? CLS_ERR_INPUT : status, "--restart");
  return accept(run, run->restart);
}

cls_status cls_run_find_restart(cls_run *run) {
  if (!run->restart) return cls_run_check_folder(&run->world, run->directory);
  const cls_status status = strcmp(run->restart, "auto") == 0 ? find_newest(run) : open_named(run);
  if (status == CLS_OK) {
    if (run->from)
      cls_log(&run->world, 1, "going on from %s at %g ms (written on %d rank%s, %s)",
              cls_checkpoint_manifest(run->from)->file, (double)run->begin * run->job->dt_ms,
              cls_checkpoint_manifest(run->from)->ranks,
              cls_checkpoint_manifest(run->from)->ranks == 1 ? "" : "s",
              cls_checkpoint_manifest(run->from)->backend);
    return CLS_OK;
  }
  cls_checkpoint_close(run->from);
  run->from = NULL;
  return status;
}

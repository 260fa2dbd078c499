#include "assimilation/keep_member.h"
#include "io/checkpoint_folder.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEEP = 2, BALLOON = sizeof(cls_balloon) / sizeof(double) };

static char *folder_of(const char *directory, int m) { return cls_format("%s/members/%03d", directory, m); }

static cls_status make_folder(const char *directory, int m) {
  char *path[2] = {cls_format("%s/members", directory), folder_of(directory, m)};
  cls_status status = CLS_OK;
  for (int i = 0; i < 2 && status == CLS_OK; i++) {
    if (!path[i])
      status = cls_fail(CLS_ERR_MEMORY, "out of memory for a path");
    else if (mkdir(path[i], 0777) != 0 && errno != EEXIST)
      status = cls_fail(CLS_ERR_IO, "%s: cannot make this folder: %s", path[i], strerror(errno));
  }
  free(path[0]);
  free(path[1]);
  return status;
}

static cls_checkpoint_about about_of(const cls_filter *f, int m, int64_t step) {
  const cls_job *job = f->job;
  return (cls_checkpoint_about){.step = step,
                                .dt_ms = job->dt_ms,
                                .seed = job->seed,
                                .members = 1,
                                .job = job->text,
                                .science = job->science,
                                .job_hash = job->hash,
                                .science_hash = cls_mix64(job->assimilation_hash + (uint64_t)m),
                                .backend = job->backend};
}

/* What the filter knows of a member, in or out. */
static cls_status keep_part(cls_filter *f, const cls_world *world, int m, const cls_keeper *keeper) {
  const size_t members = (size_t)f->members, numbers = f->hyper.rows + f->observations->n_obs;
  double *column = NULL;
  const int rank = world->rank;
  CLS_TRY(cls_agree(world->comm, cls_alloc(&column, numbers, sizeof *column, "a member")));
  double *predicted = column + f->hyper.rows;
  for (uint32_t r = 0; r < f->hyper.rows; r++) column[r] = f->theta[r * members + (size_t)m];
  for (uint32_t i = 0; i < f->observations->n_obs; i++) predicted[i] = f->predicted[i * members + (size_t)m];
  cls_status status =
      cls_keep_shared(keeper, rank, "assimilation/theta", CLS_KEEP_F64, f->hyper.rows, column);
  if (status == CLS_OK)
    status = cls_keep_shared(keeper, rank, "assimilation/predicted", CLS_KEEP_F64, f->observations->n_obs,
                             predicted);
  if (status == CLS_OK)
    status = cls_keep_shared(keeper, rank, "assimilation/balloon", CLS_KEEP_F64,
                             (uint64_t)f->regions * BALLOON, f->balloon + (size_t)m * f->regions);
  for (uint32_t r = 0; r < f->hyper.rows && keeper->loading; r++)
    f->theta[r * members + (size_t)m] = column[r];
  for (uint32_t i = 0; i < f->observations->n_obs && keeper->loading; i++)
    f->predicted[i * members + (size_t)m] = predicted[i];
  free(column);
  return status;
}

cls_status cls_member_save(const cls_filter *f, cls_members *members, int place, int m, const char *directory,
                           int64_t step) {
  const cls_world *group = cls_members_group(members);
  const cls_checkpoint_about about = about_of(f, m, step);
  cls_checkpoint_writer *writer = NULL;
  char *folder = folder_of(directory, m);
  uint64_t bytes = 0;
  cls_status status =
      folder ? CLS_OK : cls_fail(CLS_ERR_MEMORY, "out of memory for the folder of member %d", m);
  if (status == CLS_OK && group->rank == 0) status = make_folder(directory, m);
  status = cls_agree(group->comm, status);
  if (status == CLS_OK) status = cls_checkpoint_begin(group, folder, &about, &writer);
  free(folder);
  CLS_TRY(status);
  const cls_keeper *keeper = cls_checkpoint_keeper(writer);
  status = cls_members_keep(members, place, keeper);
  cls_filter copy = *f; /* saving changes nothing in it */
  if (status == CLS_OK) status = keep_part(&copy, group, m, keeper);
  if (status == CLS_OK) status = cls_checkpoint_commit(writer, KEEP, &bytes);
  if (status == CLS_OK) status = cls_checkpoint_failure(writer);
  cls_checkpoint_end(writer);
  return status;
}

/* Rank 0: what the manifest calls it; where there is none its usual name, whose opening says what is wrong. */
static void find_file(const char *directory, int m, int64_t step, char path[PATH_MAX]) {
  char *folder = folder_of(directory, m), *file = folder ? cls_checkpoint_file_of(folder, step) : NULL;
  if (file)
    snprintf(path, PATH_MAX, "%s/%s", folder, file);
  else
    snprintf(path, PATH_MAX, "%s/members/%03d/checkpoint_%lld.h5", directory, m, (long long)step);
  free(folder);
  free(file);
}

static cls_status open_member(const cls_filter *f, const cls_world *world, int m, const char *directory,
                              int64_t step, cls_checkpoint **checkpoint) {
  const cls_checkpoint_about about = about_of(f, m, step);
  char path[PATH_MAX] = "";
  if (world->rank == 0) find_file(directory, m, step, path);
  MPI_Bcast(path, PATH_MAX, MPI_CHAR, 0, world->comm);
  cls_status status = cls_checkpoint_open(world, path, checkpoint);
  if (status == CLS_OK)
    status = cls_checkpoint_match(cls_checkpoint_manifest(*checkpoint), path, &about, f->job->path);
  return status;
}

cls_status cls_member_load(const cls_filter *f, cls_members *members, int place, int m, const char *directory,
                           int64_t step) {
  cls_checkpoint *checkpoint = NULL;
  cls_status status = open_member(f, cls_members_group(members), m, directory, step, &checkpoint);
  if (status == CLS_OK) status = cls_members_keep(members, place, cls_checkpoint_loader(checkpoint));
  cls_checkpoint_close(checkpoint);
  return status;
}

cls_status cls_member_fetch(cls_filter *f, const cls_world *world, int m, const char *directory,
                            int64_t step) {
  cls_checkpoint *checkpoint = NULL;
  cls_status status = open_member(f, world, m, directory, step, &checkpoint);
  if (status == CLS_OK) status = keep_part(f, world, m, cls_checkpoint_loader(checkpoint));
  cls_checkpoint_close(checkpoint);
  return status;
}

#include "assimilation/filter.h"
#include "assimilation/collective.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BALLOON = sizeof(cls_balloon) / sizeof(double) };

/* ---- creation ---- */

static cls_status localise(cls_filter *f) {
  const cls_assimilation_options *o = f->options;
  if (o->localise == CLS_LOCALISE_NONE) return CLS_OK;
  CLS_TRY(cls_site_distances(f->job, o->localise, &f->distance));
  f->localisation = (cls_localisation){f->sites, f->distance, o->half_width};
  if (o->localise == CLS_LOCALISE_OWN) f->localisation.half_width = 0;
  return CLS_OK;
}

/* Entries and names of rows for the history. */
static cls_status create_history(cls_filter *f) {
  const cls_network *network = f->job->network;
  const cls_observations *y = f->observations;
  cls_history_entry *entries = NULL;
  const char **row_names = NULL, **region_names = NULL;
  int32_t *row_site = NULL;
  CLS_TRY(cls_alloc(&entries, f->hyper.n_hyper, sizeof *entries, "history"));
  CLS_TRY(cls_alloc(&row_names, f->hyper.values, sizeof *row_names, "history"));
  CLS_TRY(cls_alloc(&row_site, f->hyper.values, sizeof *row_site, "history"));
  CLS_TRY(cls_alloc(&region_names, f->regions, sizeof *region_names, "history"));
  for (uint32_t r = 0; r < f->regions; r++) region_names[r] = cls_site_name(network, r);
  for (uint32_t i = 0; i < f->hyper.n_hyper; i++) {
    const cls_hyperparameter *h = &f->hyper.hyper[i];
    entries[i] = (cls_history_entry){
        .lower = h->lower, .upper = h->upper, .rows = h->rows, .shared = h->per == CLS_SHARED};
    snprintf(entries[i].name, sizeof entries[i].name, "%s", h->name);
    snprintf(entries[i].units, sizeof entries[i].units, "%s", h->relative ? "1" : "");
    for (uint32_t k = 0; k < h->rows; k++) {
      row_names[f->hyper.first_value[i] + k] = h->row_names[k];
      row_site[f->hyper.first_value[i] + k] = h->row_region[k];
    }
  }
  const cls_history_shape shape = {.members = f->members,
                                   .entries = entries,
                                   .n_entries = f->hyper.n_hyper,
                                   .row_names = row_names,
                                   .row_site = row_site,
                                   .sites = f->regions,
                                   .region_names = region_names,
                                   .obs = y->n_obs,
                                   .obs_names = (const char *const *)y->names,
                                   .obs_site = (const int32_t *)y->site,
                                   .tr_s = f->options->tr_s,
                                   .hash = f->job->assimilation_hash,
                                   .seed = f->options->seed,
                                   .job = f->job->text};
  const cls_status status = cls_history_create(&shape, &f->history);
  free(entries);
  free(row_names);
  free(row_site);
  free(region_names);
  return status;
}

static cls_status allocate(cls_filter *f) {
  const size_t members = (size_t)f->members;
  CLS_TRY(cls_hyper_create(f->options->hyper, f->options->n_hyper, &f->hyper));
  CLS_TRY(cls_alloc(&f->alive, members, sizeof *f->alive, "members"));
  CLS_TRY(cls_alloc(&f->theta, f->hyper.rows * members, sizeof(double), "hyperparameters"));
  CLS_TRY(cls_alloc(&f->values, f->hyper.values * members, sizeof(double), "hyperparameters"));
  CLS_TRY(cls_alloc(&f->balloon, f->regions * members, sizeof *f->balloon, "haemodynamics"));
  CLS_TRY(cls_alloc(&f->predicted, f->observations->n_obs * members, sizeof(double), "predictions"));
  CLS_TRY(cls_alloc(&f->past, f->options->lag * f->hyper.rows * members, sizeof(double), "hyperparameters"));
  CLS_TRY(cls_alloc(&f->lambda, f->sites, sizeof(double), "inflation"));
  CLS_TRY(cls_alloc(&f->surprise, f->sites, sizeof(double), "inflation"));
  return localise(f);
}

cls_status cls_filter_create(const cls_world *world, const cls_job *job, const cls_observations *observations,
                             cls_filter *f) {
  *f = (cls_filter){.world = *world,
                    .job = job,
                    .options = &job->assimilation,
                    .observations = observations,
                    .members = job->assimilation.members,
                    .regions = cls_site_count(job->network),
                    .sites = cls_site_count(job->network) + 1};
  CLS_TRY(cls_agree(world->comm, allocate(f)));
  for (int m = 0; m < f->members; m++) f->alive[m] = true;
  for (size_t i = 0; i < (size_t)f->regions * (size_t)f->members; i++) f->balloon[i] = cls_balloon_rest();
  for (uint32_t s = 0; s < f->sites; s++) f->lambda[s] = 1;
  for (uint32_t s = 0; s < f->sites; s++) f->surprise[s] = 0;
  cls_status status = cls_hyper_prior(&f->hyper, f->options->seed, f->members, f->theta);
  if (status == CLS_OK && world->rank == 0) status = create_history(f);
  return cls_agree(world->comm, status);
}

void cls_filter_destroy(cls_filter *f) {
  cls_hyper_destroy(&f->hyper);
  free(f->alive);
  free(f->theta);
  free(f->values);
  free(f->balloon);
  free(f->predicted);
  free(f->past);
  free(f->lambda);
  free(f->surprise);
  free(f->distance);
  cls_history_destroy(f->history);
}

/* ---- between runs ---- */

/* What the next cycle depends on, by name; all of it is numbers. */
typedef struct {
  const char *name;
  double *values;
  uint64_t rows, width;
} kept;
enum { KEPT = 5 };
static void list_kept(const cls_filter *f, kept *list) {
  const uint64_t members = (uint64_t)f->members;
  list[0] = (kept){"theta", f->theta, f->hyper.rows, members};
  list[1] = (kept){"balloon", (double *)f->balloon, members * f->regions, BALLOON};
  list[2] = (kept){"lambda", f->lambda, f->sites, 1};
  list[3] = (kept){"surprise", f->surprise, f->sites, 1};
  list[4] = (kept){"past", f->past, (uint64_t)f->options->lag * f->hyper.rows, members};
}

/* Rank 0. */
static cls_status take_history(cls_filter *f, cls_history *past, const char *path) {
  kept list[KEPT];
  list_kept(f, list);
  for (int i = 0; i < KEPT && list[i].rows > 0; i++) {
    uint64_t rows = 0, width = 0;
    const double *values = cls_history_get_state(past, list[i].name, &rows, &width);
    CLS_CHECK(values && rows == list[i].rows && width == list[i].width, CLS_ERR_INPUT,
              "%s: /state/%s: expected %llu x %llu numbers", path, list[i].name,
              (unsigned long long)list[i].rows, (unsigned long long)list[i].width);
    memcpy(list[i].values, values, rows * width * sizeof *values);
  }
  memcpy(f->alive, past->alive, (size_t)f->members * sizeof *f->alive);
  f->cycle = past->n_cycles;
  cls_history_destroy(f->history);
  f->history = past;
  return CLS_OK;
}

static cls_status read_past(cls_filter *f, const char *path) {
  cls_history *past = NULL;
  CLS_TRY(cls_history_read(path, NULL, &past));
  cls_status status = CLS_OK;
  if (past->hash != f->job->assimilation_hash || past->members != f->members)
    status = cls_fail(CLS_ERR_INPUT, "%s: is of another job: expected that of %s", path, f->job->path);
  if (status == CLS_OK) status = take_history(f, past, path);
  if (status != CLS_OK && f->history != past) cls_history_destroy(past);
  return status;
}

cls_status cls_filter_resume(cls_filter *f, const char *path, bool *there) {
  int exists = f->world.rank == 0 && access(path, F_OK) == 0;
  MPI_Bcast(&exists, 1, MPI_INT, 0, f->world.comm);
  *there = exists != 0;
  if (!exists) return CLS_OK;
  CLS_TRY(cls_agree(f->world.comm, f->world.rank == 0 ? read_past(f, path) : CLS_OK));
  kept list[KEPT];
  list_kept(f, list);
  for (int i = 0; i < KEPT; i++)
    cls_tell_ranks(f->world.comm, list[i].values, list[i].rows * list[i].width * sizeof(double));
  cls_tell_ranks(f->world.comm, f->alive, (size_t)f->members * sizeof *f->alive);
  MPI_Bcast(&f->cycle, 1, MPI_UINT32_T, 0, f->world.comm);
  return CLS_OK;
}

static cls_status write_history(cls_filter *f, const char *path, bool last) {
  kept list[KEPT];
  list_kept(f, list);
  for (int i = 0; i < KEPT && list[i].rows > 0; i++)
    CLS_TRY(cls_history_set_state(f->history, list[i].name, list[i].values, list[i].rows, list[i].width));
  cls_diagnostics diagnostics = {0};
  cls_status status = last ? cls_diagnose(f->history, f->options->burn_in, &diagnostics) : CLS_OK;
  if (status == CLS_OK) status = cls_history_write(f->history, last ? &diagnostics : NULL, path);
  cls_diagnostics_free(&diagnostics);
  return status;
}

cls_status cls_filter_commit(cls_filter *f, const char *path, bool last) {
  return cls_agree(f->world.comm, f->world.rank == 0 ? write_history(f, path, last) : CLS_OK);
}

/* ---- the forecast ---- */

void cls_filter_walk(cls_filter *f) {
  if (f->cycle > 0)
    cls_hyper_walk(&f->hyper, f->options->seed, f->cycle, f->options->tr_s, f->members, f->surprise,
                   f->regions, f->theta);
  cls_hyper_values(&f->hyper, f->members, f->theta, f->values);
}

void cls_filter_predict(cls_filter *f, int first, int n, const double *bold, const double *rate_hz,
                        const double *current) {
  const cls_observations *y = f->observations;
  for (uint32_t i = 0; i < y->n_obs; i++)
    for (int m = first; m < first + n; m++) {
      const size_t at = (size_t)m * f->regions + y->site[i];
      f->predicted[(size_t)i * (size_t)f->members + (size_t)m] =
          y->kind[i] == CLS_OBSERVE_BOLD ? bold[at]
          : y->kind[i] == CLS_OBSERVE_RATE
              ? rate_hz[at]
              : cls_observed_current(f->job, y, i, current + at * CLS_MAX_RECEPTORS);
    }
}

cls_status cls_filter_enough(const cls_filter *f) {
  int left = 0;
  for (int m = 0; m < f->members; m++) left += f->alive[m];
  CLS_CHECK(left >= f->options->min_members && left >= 2, CLS_ERR_LIMIT,
            "cycle %u: %d of %d members are left: expected at least %d (assimilation.min_members)", f->cycle,
            left, f->members, f->options->min_members);
  return CLS_OK;
}

void cls_filter_drop(cls_filter *f, int member, const char *why) {
  if (!f->alive[member]) return;
  f->alive[member] = false;
  if (f->world.rank == 0)
    cls_warn(&f->world, "member %d is left out from cycle %u on: %s", member, f->cycle, why);
}

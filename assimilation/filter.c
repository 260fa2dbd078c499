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
enum { KEPT = 4 };
static void list_kept(const cls_filter *f, kept *list) {
  const uint64_t members = (uint64_t)f->members;
  list[0] = (kept){"theta", f->theta, f->hyper.rows, members};
  list[1] = (kept){"balloon", (double *)f->balloon, members * f->regions, BALLOON};
  list[2] = (kept){"lambda", f->lambda, f->sites, 1};
  list[3] = (kept){"surprise", f->surprise, f->sites, 1};
}

/* Rank 0. */
static cls_status take_history(cls_filter *f, cls_history *past, const char *path) {
  kept list[KEPT];
  list_kept(f, list);
  for (int i = 0; i < KEPT; i++) {
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
  for (int i = 0; i < KEPT; i++)
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

/* ---- the analysis ---- */

/* The problem of one cycle: rows of hyperparameters that may change, then s, f, v, q of every region, of the members alive. */
typedef struct {
  int members;
  int *member;     /* [members] their numbers */
  uint32_t *hyper; /* [n_hyper] rows of theta */
  uint32_t n_hyper;
  bool balloons;
  double *state, *forecast, *predicted, *observed, *sd;
  uint32_t *row_site, *obs_site, *of; /* of: [n_obs] which observation */
  uint64_t rows;
  uint32_t n_obs;
} problem;

static void free_problem(problem *p) {
  free(p->member);
  free(p->hyper);
  free(p->state);
  free(p->forecast);
  free(p->predicted);
  free(p->observed);
  free(p->sd);
  free(p->row_site);
  free(p->obs_site);
  free(p->of);
}

static bool member_is_sound(const cls_filter *f, int m) {
  for (uint32_t i = 0; i < f->observations->n_obs; i++)
    if (!isfinite(f->predicted[(size_t)i * (size_t)f->members + (size_t)m])) return false;
  const double *balloon = (const double *)(f->balloon + (size_t)m * f->regions);
  for (size_t i = 0; i < (size_t)f->regions * BALLOON; i++)
    if (!isfinite(balloon[i])) return false;
  return true;
}

static cls_status count_members(cls_filter *f, problem *p) {
  CLS_TRY(cls_alloc(&p->member, (size_t)f->members, sizeof *p->member, "members"));
  for (int m = 0; m < f->members; m++) {
    if (f->alive[m] && !member_is_sound(f, m)) cls_filter_drop(f, m, "its forecast is not finite");
    if (f->alive[m]) p->member[p->members++] = m;
  }
  return cls_filter_enough(f);
}

static bool is_used(const cls_observations *y, uint32_t cycle, uint32_t i) {
  return !isnan(y->series[(size_t)cycle * y->n_obs + i]) && !cls_observation_withheld(y, cycle, i);
}

static cls_status make_rows(const cls_filter *f, problem *p) {
  const size_t members = (size_t)p->members;
  CLS_TRY(cls_alloc(&p->hyper, f->hyper.rows, sizeof *p->hyper, "rows"));
  for (uint32_t r = 0; r < f->hyper.rows; r++)
    if (f->hyper.row[r].update) p->hyper[p->n_hyper++] = r;
  p->rows = p->n_hyper + (p->balloons ? (uint64_t)f->regions * BALLOON : 0);
  CLS_TRY(cls_alloc(&p->state, p->rows * members, sizeof(double), "state of the analysis"));
  CLS_TRY(cls_alloc(&p->forecast, p->rows * members, sizeof(double), "state of the analysis"));
  CLS_TRY(cls_alloc(&p->row_site, p->rows, sizeof *p->row_site, "state of the analysis"));
  for (uint32_t k = 0; k < p->n_hyper; k++) {
    const int32_t region = f->hyper.row[p->hyper[k]].region;
    p->row_site[k] = region < 0 ? f->regions : (uint32_t)region;
    for (size_t m = 0; m < members; m++)
      p->state[k * members + m] = f->theta[(size_t)p->hyper[k] * (size_t)f->members + (size_t)p->member[m]];
  }
  for (uint64_t k = p->n_hyper; k < p->rows; k++) {
    const uint64_t region = (k - p->n_hyper) / BALLOON, number = (k - p->n_hyper) % BALLOON;
    p->row_site[k] = (uint32_t)region;
    for (size_t m = 0; m < members; m++)
      p->state[k * members + m] =
          ((const double *)&f->balloon[(size_t)p->member[m] * f->regions + region])[number];
  }
  memcpy(p->forecast, p->state, p->rows * members * sizeof *p->state);
  return CLS_OK;
}

static cls_status make_observations(const cls_filter *f, problem *p) {
  const cls_observations *y = f->observations;
  CLS_TRY(cls_alloc(&p->of, y->n_obs, sizeof *p->of, "observations"));
  CLS_TRY(cls_alloc(&p->obs_site, y->n_obs, sizeof *p->obs_site, "observations"));
  CLS_TRY(cls_alloc(&p->observed, y->n_obs, sizeof(double), "observations"));
  CLS_TRY(cls_alloc(&p->sd, y->n_obs, sizeof(double), "observations"));
  CLS_TRY(cls_alloc(&p->predicted, (size_t)y->n_obs * (size_t)p->members, sizeof(double), "observations"));
  for (uint32_t i = 0; i < y->n_obs; i++) {
    p->balloons = p->balloons || y->kind[i] == CLS_OBSERVE_BOLD;
    if (!is_used(y, f->cycle, i)) continue;
    const uint32_t k = p->n_obs++;
    p->of[k] = i;
    p->obs_site[k] = y->site[i];
    p->observed[k] = y->series[(size_t)f->cycle * y->n_obs + i];
    p->sd[k] = y->sd[i];
    for (int m = 0; m < p->members; m++)
      p->predicted[(size_t)k * (size_t)p->members + (size_t)m] =
          f->predicted[(size_t)i * (size_t)f->members + (size_t)p->member[m]];
  }
  return CLS_OK;
}

/* Back to where it came from. Flow, volume and deoxyhaemoglobin stay positive. */
static void take_back(cls_filter *f, const problem *p) {
  const size_t members = (size_t)p->members;
  for (uint32_t k = 0; k < p->n_hyper; k++)
    for (size_t m = 0; m < members; m++)
      f->theta[(size_t)p->hyper[k] * (size_t)f->members + (size_t)p->member[m]] = p->state[k * members + m];
  for (uint64_t k = p->n_hyper; k < p->rows; k++) {
    const uint64_t region = (k - p->n_hyper) / BALLOON, number = (k - p->n_hyper) % BALLOON;
    for (size_t m = 0; m < members; m++) {
      const double x = p->state[k * members + m];
      ((double *)&f->balloon[(size_t)p->member[m] * f->regions + region])[number] =
          number == 0 ? x : cls_balloon_floor(x);
    }
  }
}

static cls_inflation inflation_of(const cls_assimilation_options *o) {
  static const char *const names[] = {"none", "fixed", "rtps", "adaptive"};
  cls_inflation inflation = {.factor = o->inflation_factor,
                             .alpha = o->inflation_alpha,
                             .sd = o->inflation_sd,
                             .max = o->inflation_max};
  for (int i = 0; i < 4; i++)
    if (strcmp(o->inflation, names[i]) == 0) inflation.kind = (cls_inflation_kind)i;
  return inflation;
}

/* Innovations in units of what is expected of them, averaged over some cycles: nothing but noise where the filter is right. A jump of
 * what is estimated shows there long before the ensemble, whose spread is small by then, would follow. (The idea of the fading factor
 * of strong tracking filters: Zhou and Frank 1996, Int. J. Control 65, 295-307; here it acts on the process noise of the
 * hyperparameters, since it is they that jump.) What all sites share has the average over sites. */
static void note_surprise(cls_filter *f, const problem *p) {
  double all = 0;
  for (uint32_t k = 0; k < p->n_obs; k++) {
    const double *y = p->predicted + (size_t)k * (size_t)p->members;
    double mean = 0, square = 0;
    for (int m = 0; m < p->members; m++) mean += y[m] / p->members;
    for (int m = 0; m < p->members; m++) square += (y[m] - mean) * (y[m] - mean) / (p->members - 1);
    const double z = (p->observed[k] - mean) / sqrt(square + p->sd[k] * p->sd[k]);
    double *s = &f->surprise[p->obs_site[k]];
    *s = CLS_SURPRISE_KEEP * *s + (1 - CLS_SURPRISE_KEEP) * z;
    all += z;
  }
  double *shared = &f->surprise[f->regions];
  *shared = CLS_SURPRISE_KEEP * *shared + (1 - CLS_SURPRISE_KEEP) * all / sqrt(p->n_obs);
}

static cls_status correct(cls_filter *f, problem *p) {
  const cls_assimilation_options *o = f->options;
  const cls_inflation inflation = inflation_of(o);
  cls_analysis a = {.method = (cls_method)cls_method_find(o->method),
                    .members = p->members,
                    .rows = p->rows,
                    .state = p->state,
                    .n_obs = p->n_obs,
                    .predicted = p->predicted,
                    .observed = p->observed,
                    .sd = p->sd,
                    .localisation = f->distance ? &f->localisation : NULL,
                    .row_site = p->row_site,
                    .obs_site = p->obs_site,
                    .rotate = o->rotate,
                    .gamma = o->gamma,
                    .weight = 1,
                    .seed = o->seed,
                    .cycle = f->cycle};
  note_surprise(f, p);
  CLS_TRY(cls_agree(f->world.comm, cls_inflate_forecast(&inflation, &a, p->predicted, f->lambda)));
  CLS_TRY(cls_analyse(&f->world, &a));
  return cls_inflate_analysis(&inflation, &a, p->forecast);
}

/* ---- the history ---- */

static cls_status note_forecast(cls_filter *f) {
  const cls_observations *y = f->observations;
  cls_history_cycle *c;
  CLS_TRY(cls_history_append(f->history, &c));
  c->time_s = (f->cycle + 1) * f->options->tr_s;
  for (uint32_t i = 0; i < y->n_obs; i++) {
    const double value = y->series[(size_t)f->cycle * y->n_obs + i];
    const bool withheld = cls_observation_withheld(y, f->cycle, i);
    c->observed[i] = withheld ? NAN : value;
    c->withheld[i] = withheld ? value : NAN;
    c->error[i] = y->sd[i];
  }
  for (uint32_t v = 0; f->truth && v < f->hyper.values; v++)
    c->truth[v] = f->truth[(size_t)f->cycle * f->hyper.values + v];
  CLS_TRY(cls_history_fill_forecast(f->history, f->values, f->alive));
  return cls_history_fill_observation(f->history, f->predicted, f->alive);
}

static cls_status note_analysis(cls_filter *f) {
  cls_history_cycle *c = &f->history->cycles[f->history->n_cycles - 1];
  const cls_balloon_consts consts = cls_balloon_derive(cls_balloon_default());
  const cls_observations *y = f->observations;
  for (uint32_t s = 0; s < f->regions; s++) c->lambda[s] = f->lambda[s];
  CLS_TRY(cls_history_fill_analysis(f->history, f->values, f->alive));
  for (uint32_t i = 0; i < y->n_obs; i++)
    for (int m = 0; m < f->members && y->kind[i] == CLS_OBSERVE_BOLD; m++)
      f->predicted[(size_t)i * (size_t)f->members + (size_t)m] =
          cls_balloon_signal(&f->balloon[(size_t)m * f->regions + y->site[i]], &consts);
  return cls_history_fill_analysed(f->history, f->predicted, f->alive);
}

cls_status cls_filter_analyse(cls_filter *f) {
  problem p = {0};
  const double begun = cls_seconds();
  cls_status status = count_members(f, &p);
  if (status == CLS_OK && f->world.rank == 0) status = note_forecast(f);
  if (status == CLS_OK) status = make_observations(f, &p);
  if (status == CLS_OK) status = make_rows(f, &p);
  status = cls_agree(f->world.comm, status); /* what follows is collective: nobody may be missing */
  if (status == CLS_OK && f->cycle >= f->options->burn_in && p.n_obs > 0) {
    status = cls_agree(f->world.comm, correct(f, &p));
    if (status == CLS_OK) take_back(f, &p);
  }
  free_problem(&p);
  CLS_TRY(status);
  cls_hyper_values(&f->hyper, f->members, f->theta, f->values);
  status = cls_agree(f->world.comm, f->world.rank == 0 ? note_analysis(f) : CLS_OK);
  f->cycle++;
  f->analysis_s += cls_seconds() - begun;
  return status;
}

#include "assimilation/problem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BALLOON = sizeof(cls_balloon) / sizeof(double) };

void cls_problem_free(cls_problem *p) {
  free(p->member);
  free(p->hyper);
  free(p->state);
  free(p->forecast);
  free(p->predicted);
  free(p->observed);
  free(p->sd);
  free(p->row_site);
  free(p->obs_site);
}

/* ---- members ---- */

static bool is_sound(const cls_filter *f, uint32_t cycles, const double *predicted, int m) {
  for (size_t i = 0; i < (size_t)cycles * f->observations->n_obs; i++)
    if (!isfinite(predicted[i * (size_t)f->members + (size_t)m])) return false;
  const double *balloon = (const double *)(f->balloon + (size_t)m * f->regions);
  for (size_t i = 0; i < (size_t)f->regions * BALLOON; i++)
    if (!isfinite(balloon[i])) return false;
  return true;
}

static cls_status count_members(cls_filter *f, uint32_t cycles, const double *predicted, cls_problem *p) {
  CLS_TRY(cls_alloc(&p->member, (size_t)f->members, sizeof *p->member, "members"));
  for (int m = 0; m < f->members; m++) {
    if (f->alive[m] && !is_sound(f, cycles, predicted, m))
      cls_filter_drop(f, m, "its forecast is not finite");
    if (f->alive[m]) p->member[p->members++] = m;
  }
  return cls_filter_enough(f);
}

/* ---- rows ---- */

/* Where the number of row `k` and member `member` of the ensemble lies in the filter; *site: whose it is. */
static double *place_of(const cls_filter *f, const cls_problem *p, uint64_t k, int member, uint32_t *site) {
  const size_t members = (size_t)f->members;
  if (k >= p->n_hyper && k < p->n_hyper + p->n_balloon) {
    const uint64_t region = (k - p->n_hyper) / BALLOON, number = (k - p->n_hyper) % BALLOON;
    *site = (uint32_t)region;
    return (double *)&f->balloon[(size_t)member * f->regions + region] + number;
  }
  const bool past = k >= p->n_hyper;
  const uint64_t at = past ? k - p->n_hyper - p->n_balloon : k;
  const uint32_t row = p->hyper[at % p->n_hyper];
  const int32_t region = f->hyper.row[row].region;
  *site = region < 0 ? f->regions : (uint32_t)region;
  const double *theta = past ? f->past + (at / p->n_hyper) * f->hyper.rows * members : f->theta;
  return (double *)theta + (size_t)row * members + (size_t)member;
}

static cls_status make_rows(const cls_filter *f, bool filters, cls_problem *p) {
  const size_t members = (size_t)p->members;
  const uint32_t lag = f->options->lag < f->cycle ? f->options->lag : f->cycle;
  CLS_TRY(cls_alloc(&p->hyper, f->hyper.rows, sizeof *p->hyper, "rows"));
  for (uint32_t r = 0; r < f->hyper.rows; r++)
    if (f->hyper.row[r].update) p->hyper[p->n_hyper++] = r;
  p->n_balloon = p->balloons ? f->regions * BALLOON : 0;
  p->rows = p->n_hyper + p->n_balloon + (filters ? (uint64_t)lag * p->n_hyper : 0);
  CLS_TRY(cls_alloc(&p->state, p->rows * members, sizeof(double), "state of the analysis"));
  CLS_TRY(cls_alloc(&p->forecast, p->rows * members, sizeof(double), "state of the analysis"));
  CLS_TRY(cls_alloc(&p->row_site, p->rows, sizeof *p->row_site, "state of the analysis"));
  for (uint64_t k = 0; k < p->rows; k++)
    for (size_t m = 0; m < members; m++)
      p->state[k * members + m] = *place_of(f, p, k, p->member[m], &p->row_site[k]);
  memcpy(p->forecast, p->state, p->rows * members * sizeof *p->state);
  return CLS_OK;
}

/* ---- observations ---- */

static bool is_used(const cls_filter *f, uint32_t cycle, uint32_t i) {
  const cls_observations *y = f->observations;
  return cycle >= f->options->burn_in && !isnan(y->series[(size_t)cycle * y->n_obs + i]) &&
         !cls_observation_withheld(y, cycle, i);
}

/* Observation `i` of a cycle, with what all members predict of it. */
static void add_observation(const cls_filter *f, uint32_t cycle, uint32_t i, const double *predicted,
                            cls_problem *p) {
  const cls_observations *y = f->observations;
  const uint32_t k = p->n_obs++;
  p->obs_site[k] = y->site[i];
  p->observed[k] = y->series[(size_t)cycle * y->n_obs + i];
  p->sd[k] = y->sd[i];
  for (int m = 0; m < p->members; m++)
    p->predicted[(size_t)k * (size_t)p->members + (size_t)m] = predicted[p->member[m]];
}

static cls_status make_observations(const cls_filter *f, uint32_t first, uint32_t cycles,
                                    const double *predicted, cls_problem *p) {
  const cls_observations *y = f->observations;
  const size_t most = (size_t)cycles * y->n_obs;
  CLS_TRY(cls_alloc(&p->obs_site, most, sizeof *p->obs_site, "observations"));
  CLS_TRY(cls_alloc(&p->observed, most, sizeof(double), "observations"));
  CLS_TRY(cls_alloc(&p->sd, most, sizeof(double), "observations"));
  CLS_TRY(cls_alloc(&p->predicted, most * (size_t)p->members, sizeof(double), "observations"));
  for (uint32_t c = 0; c < cycles; c++)
    for (uint32_t i = 0; i < y->n_obs; i++)
      if (is_used(f, first + c, i))
        add_observation(f, first + c, i, predicted + ((size_t)c * y->n_obs + i) * (size_t)f->members, p);
  return CLS_OK;
}

cls_status cls_problem_make(cls_filter *f, uint32_t first, uint32_t cycles, const double *predicted,
                            bool balloons, cls_problem *p) {
  *p = (cls_problem){0};
  for (uint32_t i = 0; i < f->observations->n_obs; i++)
    p->balloons = p->balloons || (balloons && f->observations->kind[i] == CLS_OBSERVE_BOLD);
  CLS_TRY(count_members(f, cycles, predicted, p));
  CLS_TRY(make_observations(f, first, cycles, predicted, p));
  return make_rows(f, balloons, p);
}

/* Back to where it came from. Flow, volume and deoxyhaemoglobin stay positive. */
void cls_problem_take_back(const cls_problem *p, cls_filter *f) {
  uint32_t site;
  for (uint64_t k = 0; k < p->rows; k++)
    for (int m = 0; m < p->members; m++) {
      const double x = p->state[k * (size_t)p->members + (size_t)m];
      const bool positive =
          k >= p->n_hyper && k < p->n_hyper + p->n_balloon && (k - p->n_hyper) % BALLOON > 0;
      *place_of(f, p, k, p->member[m], &site) = positive ? cls_balloon_floor(x) : x;
    }
}

/* ---- the analysis ---- */

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

/* Mean and variance over members of what is expected of observation `k`. */
static void expect(const cls_problem *p, uint32_t k, double *mean, double *variance) {
  const double *y = p->predicted + (size_t)k * (size_t)p->members;
  *mean = *variance = 0;
  for (int m = 0; m < p->members; m++) *mean += y[m] / p->members;
  for (int m = 0; m < p->members; m++) *variance += (y[m] - *mean) * (y[m] - *mean) / (p->members - 1);
}

/* Innovations in units of what is expected of them, averaged over some cycles: nothing but noise where the filter is right. A jump of
 * what is estimated shows there long before the ensemble, whose spread is small by then, would follow. (The idea of the fading factor
 * of strong tracking filters: Zhou and Frank 1996, Int. J. Control 65, 295-307; here it acts on the process noise of the
 * hyperparameters, since it is they that jump.) What all sites share has the average over sites. */
static void note_surprise(cls_filter *f, const cls_problem *p) {
  double all = 0;
  for (uint32_t k = 0; k < p->n_obs; k++) {
    double mean, variance;
    expect(p, k, &mean, &variance);
    const double z = (p->observed[k] - mean) / sqrt(variance + p->sd[k] * p->sd[k]);
    double *s = &f->surprise[p->obs_site[k]];
    *s = CLS_SURPRISE_KEEP * *s + (1 - CLS_SURPRISE_KEEP) * z;
    all += z;
  }
  double *shared = &f->surprise[f->regions];
  *shared = CLS_SURPRISE_KEEP * *shared + (1 - CLS_SURPRISE_KEEP) * all / sqrt(p->n_obs);
}

/* An analysis extrapolates: where an innovation is many times what the ensemble spans, members would be thrown to the bounds. Cut, as
 * in robust filters (Huber 1964, Ann. Math. Stat. 35, 73-101), it takes some cycles, in which the ensemble opens. */
static void limit_innovations(double limit, cls_problem *p) {
  for (uint32_t k = 0; k < p->n_obs && limit > 0; k++) {
    double mean, variance;
    expect(p, k, &mean, &variance);
    const double most = limit * sqrt(variance + p->sd[k] * p->sd[k]);
    p->observed[k] = fmin(fmax(p->observed[k], mean - most), mean + most);
  }
}

cls_analysis cls_problem_analysis(const cls_filter *f, const cls_problem *p) {
  const cls_assimilation_options *o = f->options;
  return (cls_analysis){.method = (cls_method)cls_method_find(o->method),
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
}

cls_status cls_problem_solve(cls_filter *f, cls_problem *p, uint32_t pass, uint32_t passes,
                             const double *prior, double *iterate) {
  const cls_inflation inflation = inflation_of(f->options);
  cls_analysis a = cls_problem_analysis(f, p);
  if (p->n_obs == 0) return CLS_OK;
  a.pass = pass;
  a.prior = prior;
  a.iterate = iterate;
  if (a.method == CLS_ESMDA) a.weight = passes; /* equal shares */
  if (pass == 0) note_surprise(f, p);
  if (passes == 1) CLS_TRY(cls_inflate_forecast(&inflation, &a, p->predicted, f->lambda));
  limit_innovations(f->options->innovation_limit, p);
  CLS_TRY(cls_analyse(&f->world, &a));
  return pass + 1 == passes ? cls_inflate_analysis(&inflation, &a, p->forecast) : CLS_OK;
}

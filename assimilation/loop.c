/* The loop: forecasts and analyses in turn, online in one program or offline in many. */
#include "assimilation/assimilation.h"
#include "assimilation/collective.h"
#include "assimilation/filter.h"
#include "assimilation/keep_member.h"
#include "assimilation/members.h"
#include "assimilation/smooth.h"
#include "assimilation/twin.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All that an assimilation has in hand. */
typedef struct {
  const cls_assimilation *a;
  const cls_assimilation_options *o;
  cls_observations *observations;
  cls_filter filter;
  cls_twin twin;
  cls_members *members;
  int *identity;
  int64_t steps; /* of a cycle */
  char *file;    /* DIR/assimilation.h5 */
  bool currents;
  double *bold, *rate_hz, *current; /* [members] ... of cls_members_look() */
  cls_balloon *balloons;
  double forecast_s, save_s, saved_at, build_s;
  bool there; /* a past to go on from */
} loop;

/* ---- what is there before the first cycle ---- */

static cls_status allocate(loop *l) {
  const size_t n = (size_t)l->o->members * cls_site_count(l->a->job->network);
  l->file = cls_format("%s/assimilation.h5", l->a->directory);
  CLS_CHECK(l->file, CLS_ERR_MEMORY, "out of memory for a path");
  for (uint32_t i = 0; i < l->observations->n_obs; i++)
    l->currents = l->currents || l->observations->kind[i] == CLS_OBSERVE_CURRENT;
  CLS_TRY(cls_alloc(&l->identity, (size_t)l->o->members, sizeof *l->identity, "members"));
  CLS_TRY(cls_alloc(&l->bold, n, sizeof(double), "forecasts"));
  CLS_TRY(cls_alloc(&l->rate_hz, n, sizeof(double), "forecasts"));
  CLS_TRY(cls_alloc(&l->balloons, n, sizeof *l->balloons, "forecasts"));
  return l->currents ? cls_alloc(&l->current, n * CLS_MAX_RECEPTORS, sizeof(double), "forecasts") : CLS_OK;
}

static bool is_smoother(const cls_assimilation_options *o) {
  return strcmp(o->method, "esmda") == 0 || strcmp(o->method, "ies") == 0;
}

/* Collective: which observations there are, the filter, and its past. */
static cls_status begin(loop *l, const cls_assimilation *a) {
  const cls_world *world = &a->world;
  *l = (loop){.a = a, .o = &a->job->assimilation, .saved_at = cls_seconds()};
  CLS_CHECK(l->o->wanted, CLS_ERR_INPUT, "%s: has no section assimilation", a->job->path);
  l->steps = (int64_t)rint(l->o->tr_s * 1e3 / a->job->dt_ms);
  CLS_TRY(cls_observations_read(world, a->job, &l->observations));
  CLS_TRY(cls_agree(world->comm, allocate(l)));
  CLS_TRY(cls_filter_create(world, a->job, l->observations, &l->filter));
  return a->restart ? cls_filter_resume(&l->filter, l->file, &l->there) : CLS_OK;
}

static bool is_complete(const loop *l) { return l->filter.cycle >= l->o->cycles; }

/* Collective: of a twin, what it is observed to do, which needs its truth to be simulated. */
static cls_status observe(loop *l) {
  if (!l->o->twin.wanted) return CLS_OK;
  CLS_TRY(cls_twin_make(l->a, &l->filter.hyper, l->observations, &l->twin));
  l->filter.truth = l->twin.values;
  return CLS_OK;
}

static void say_where(const loop *l) {
  if (l->there && !is_complete(l))
    cls_log(&l->a->world, 1, "going on at cycle %u of %u", l->filter.cycle, l->o->cycles);
}

static cls_status nothing_to_do(const loop *l, cls_assimilated *out) {
  out->complete = true;
  out->cycle = l->filter.cycle;
  out->cycles = l->o->cycles;
  out->members = l->o->members;
  return CLS_OK;
}

static void end(loop *l) {
  cls_members_destroy(l->members);
  cls_filter_destroy(&l->filter);
  cls_twin_free(&l->twin);
  cls_observations_destroy(l->observations);
  free(l->identity);
  free(l->file);
  free(l->bold);
  free(l->rate_hz);
  free(l->current);
  free(l->balloons);
}

/* ---- members ---- */

/* Collective: who is alive on all ranks. */
static void agree_on_alive(loop *l) {
  cls_filter *f = &l->filter;
  MPI_Allreduce(MPI_IN_PLACE, f->alive, f->members, MPI_C_BOOL, MPI_LAND, l->a->world.comm);
}

/* Of a member whose error this rank has the message of; `speaks`: it is the one to say so. */
static void leave_out(loop *l, int m, bool speaks) {
  cls_filter *f = &l->filter;
  f->alive[m] = false;
  if (speaks)
    fprintf(stderr, "warning: member %d is left out from cycle %u on: %s\n", m, f->cycle,
            cls_error_message());
}

/* A member that cannot be loaded is left out. Collective over the group; all ranks of all groups then agree on who is alive. */
static cls_status load_members(loop *l, int first_number) {
  cls_filter *f = &l->filter;
  int first, n;
  cls_members_mine(l->members, &first, &n);
  for (int i = first; i < first + n; i++) {
    const int m = first_number + i;
    if (!f->alive[m]) continue;
    const cls_status status =
        cls_member_load(f, l->members, i, m, l->a->directory, (int64_t)f->cycle * l->steps);
    if (status != CLS_OK) leave_out(l, m, cls_members_group(l->members)->rank == 0);
  }
  agree_on_alive(l);
  return CLS_OK;
}

static int least(int a, int b) { return a < b ? a : b; }

/* Members first_number ... of the ensemble, `n` of them, as they are before the next cycle. */
static cls_status create_members(loop *l, int first_number, int n, bool keeps) {
  const double begun = cls_seconds();
  for (int i = 0; i < n; i++) l->identity[i] = first_number + i;
  const cls_members_options options = {.world = &l->a->world,
                                       .job = l->a->job,
                                       .backend = l->a->backend,
                                       .identity = l->identity,
                                       .members = n,
                                       .groups = least(least(l->o->groups, n), l->a->world.ranks),
                                       .begin = (int64_t)l->filter.cycle * l->steps,
                                       .currents = l->currents,
                                       .keeps = keeps};
  CLS_TRY(cls_members_create(&options, &l->members));
  if (l->filter.cycle > 0) CLS_TRY(load_members(l, first_number));
  l->build_s += cls_seconds() - begun;
  return CLS_OK;
}

/* This group's members get the hyperparameters and haemodynamics of the filter; with `control` the haemodynamics alone. A member whose
 * values its models refuse (each within its bounds, but not together) is left out. */
static cls_status instruct(loop *l, int first_number) {
  cls_filter *f = &l->filter;
  int first, n;
  cls_members_mine(l->members, &first, &n);
  for (int i = first; i < first + n; i++) {
    const int m = first_number + i;
    cls_scale *scales = NULL;
    size_t n_scales = 0;
    if (!f->alive[m]) continue;
    if (!l->o->control)
      CLS_TRY(cls_hyper_scales(&f->hyper, f->values + m, (size_t)f->members, &scales, &n_scales));
    const cls_status status = cls_members_scale(l->members, i, scales, n_scales);
    free(scales);
    if (status != CLS_OK) leave_out(l, m, cls_members_group(l->members)->rank == 0);
    memcpy(cls_members_balloons(l->members, i), f->balloon + (size_t)m * f->regions,
           f->regions * sizeof *f->balloon);
  }
  return CLS_OK;
}

/* One cycle of those members: the filter's balloons and predictions of them become the forecast. */
static cls_status simulate(loop *l, int first_number, int n) {
  cls_filter *f = &l->filter;
  const double begun = cls_seconds();
  CLS_TRY(cls_agree(l->a->world.comm, instruct(l, first_number)));
  agree_on_alive(l);
  CLS_TRY(cls_members_advance(l->members, ((int64_t)f->cycle + 1) * l->steps));
  const size_t at = (size_t)first_number * f->regions;
  CLS_TRY(cls_members_look(l->members, l->o->tr_s, l->bold + at, l->rate_hz + at,
                           l->current ? l->current + at * CLS_MAX_RECEPTORS : NULL, f->balloon + at));
  cls_filter_predict(f, first_number, n, l->bold, l->rate_hz, l->current);
  l->forecast_s += cls_seconds() - begun;
  return CLS_OK;
}

static cls_status forecast(loop *l, int first_number, int n) {
  cls_filter_walk(&l->filter);
  return simulate(l, first_number, n);
}

static cls_status save_members(loop *l, int first_number) {
  const double begun = cls_seconds();
  const cls_filter *f = &l->filter;
  cls_status status = CLS_OK;
  int first, n;
  cls_members_mine(l->members, &first, &n);
  for (int i = first; i < first + n && status == CLS_OK; i++)
    if (f->alive[first_number + i])
      status = cls_member_save(f, l->members, i, first_number + i, l->a->directory,
                               ((int64_t)f->cycle + 1) * l->steps);
  l->save_s += cls_seconds() - begun;
  return cls_agree(l->a->world.comm, status);
}

/* ---- online ---- */

/* Whether this cycle is to be kept: the same on all ranks, for signals and clocks are those of one. */
static bool is_due(loop *l, int *asked) {
  const cls_world *world = &l->a->world;
  const cls_filter *f = &l->filter;
  const double every_s = l->a->job->checkpoint.every_s;
  const uint32_t every = l->o->checkpoint_every;
  *asked = l->a->asked ? (int)*l->a->asked : CLS_ASK_NOTHING;
  if (world->rank == 0 && every_s > 0 && cls_seconds() - l->saved_at >= every_s && *asked == CLS_ASK_NOTHING)
    *asked = CLS_ASK_SAVE;
  MPI_Allreduce(MPI_IN_PLACE, asked, 1, MPI_INT, MPI_MAX, world->comm);
  return *asked != CLS_ASK_NOTHING || f->cycle + 1 == l->o->cycles ||
         (every > 0 && (f->cycle + 1) % every == 0);
}

static cls_status run_cycle(loop *l, bool *stop) {
  cls_filter *f = &l->filter;
  int asked = CLS_ASK_NOTHING;
  CLS_TRY(forecast(l, 0, f->members));
  const bool due = is_due(l, &asked);
  if (due) CLS_TRY(save_members(l, 0));
  CLS_TRY(cls_filter_analyse(f));
  if (due) {
    const double begun = cls_seconds();
    CLS_TRY(cls_filter_commit(f, l->file, is_complete(l)));
    l->saved_at = cls_seconds();
    l->save_s += l->saved_at - begun;
    if (l->a->asked && *l->a->asked == CLS_ASK_SAVE) *l->a->asked = CLS_ASK_NOTHING;
  }
  *stop = asked == CLS_ASK_SAVE_AND_STOP;
  if (l->a->progress) l->a->progress(l->a->context, f->cycle, l->o->cycles);
  return CLS_OK;
}

/* ---- online, smoothers ---- */

/* All cycles of a window, from where it began. */
static cls_status simulate_window(loop *l, cls_window *w) {
  cls_filter *f = &l->filter;
  if (!l->members) CLS_TRY(create_members(l, 0, f->members, true));
  memcpy(f->balloon, w->balloon, (size_t)f->members * f->regions * sizeof *f->balloon);
  cls_status status = CLS_OK;
  for (uint32_t k = 0; k < w->cycles && status == CLS_OK; k++, f->cycle++) {
    status = simulate(l, 0, f->members);
    cls_window_note(f, k, w);
  }
  f->cycle = w->first;
  return status;
}

static cls_status run_passes(loop *l, cls_window *w) {
  cls_filter *f = &l->filter;
  cls_filter_walk(f);
  for (uint32_t pass = 0; pass < l->o->passes; pass++) {
    CLS_TRY(simulate_window(l, w));
    CLS_TRY(cls_window_correct(f, w, pass));
    cls_members_destroy(l->members); /* the next one begins where this one began */
    l->members = NULL;
  }
  return simulate_window(l, w);
}

/* A window, which ends with a checkpoint: that is where its successor begins, several times. */
static cls_status run_window(loop *l, bool *stop) {
  cls_filter *f = &l->filter;
  cls_window w;
  int asked = CLS_ASK_NOTHING;
  cls_status status = cls_agree(l->a->world.comm, cls_window_begin(f, &w));
  if (status == CLS_OK) status = run_passes(l, &w);
  if (status == CLS_OK) {
    f->cycle = w.first + w.cycles - 1;
    (void)is_due(l, &asked);
    status = save_members(l, 0);
  }
  if (status == CLS_OK) status = cls_window_end(f, &w);
  cls_window_free(&w);
  CLS_TRY(status);
  const double begun = cls_seconds();
  CLS_TRY(cls_filter_commit(f, l->file, f->cycle == l->o->cycles));
  l->saved_at = cls_seconds();
  l->save_s += l->saved_at - begun;
  *stop = asked == CLS_ASK_SAVE_AND_STOP;
  if (l->a->progress) l->a->progress(l->a->context, f->cycle, l->o->cycles);
  return CLS_OK;
}

/* ---- what came of it ---- */

static double slowest(const loop *l, double seconds) {
  MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, l->a->world.comm);
  return seconds;
}

static cls_status tell(loop *l, cls_assimilated *out) {
  const cls_filter *f = &l->filter;
  out->cycle = f->cycle;
  out->cycles = l->o->cycles;
  out->members = f->members;
  for (int m = 0; m < f->members; m++) out->alive += f->alive[m];
  out->build_s = slowest(l, l->build_s);
  out->forecast_s = slowest(l, l->forecast_s);
  out->analysis_s = slowest(l, f->analysis_s);
  out->save_s = slowest(l, l->save_s);
  out->chi2 = out->correlation = NAN;
  cls_diagnostics d = {0};
  if (f->history && cls_diagnose(f->history, l->o->burn_in, &d) == CLS_OK) {
    out->chi2 = d.skill.chi2;
    out->correlation = d.skill.correlation;
  }
  cls_diagnostics_free(&d);
  if (!l->members) return CLS_OK;
  out->groups = cls_members_group_count(l->members);
  cls_members_bytes(l->members, &out->network_bytes, &out->state_bytes);
  CLS_TRY(cls_agree(l->a->world.comm,
                    cls_alloc(&out->digest, (size_t)f->members, sizeof *out->digest, "digests")));
  return cls_members_digests(l->members, out->digest);
}

static cls_status run_online(loop *l, cls_assimilated *out) {
  const cls_filter *f = &l->filter;
  bool stop = false;
  if (is_complete(l) && l->a->told) return nothing_to_do(l, out);
  say_where(l);
  CLS_TRY(observe(l));
  CLS_TRY(create_members(l, 0, l->o->members, true));
  CLS_TRY(cls_filter_enough(f));
  while (!is_complete(l) && !stop) CLS_TRY(is_smoother(l->o) ? run_window(l, &stop) : run_cycle(l, &stop));
  out->interrupted = !is_complete(l);
  return tell(l, out);
}

cls_status cls_assimilate(const cls_assimilation *a, cls_assimilated *outcome) {
  loop l;
  *outcome = (cls_assimilated){0};
  cls_status status = begin(&l, a);
  if (status == CLS_OK) status = run_online(&l, outcome);
  end(&l);
  return status;
}

/* ---- offline ---- */

/* Smoothers go over a window several times: within one program. */
static cls_status check_offline(const loop *l) {
  CLS_CHECK(!is_smoother(l->o), CLS_ERR_INPUT,
            "method %s smooths over windows: expected a filter, or no "
            "--forecast-only and --analysis-only",
            l->o->method);
  return CLS_OK;
}

static cls_status forecast_some(loop *l, cls_assimilated *out) {
  CLS_TRY(check_offline(l));
  const int n = l->a->last - l->a->first + 1;
  if (is_complete(l)) return nothing_to_do(l, out);
  say_where(l);
  CLS_TRY(create_members(l, l->a->first, n, true));
  for (int m = l->a->first; m <= l->a->last; m++)
    CLS_CHECK(n > 1 || l->filter.alive[m], CLS_ERR_IO, "member %d cannot go on from cycle %u", m,
              l->filter.cycle);
  CLS_TRY(forecast(l, l->a->first, n));
  CLS_TRY(save_members(l, l->a->first));
  out->cycle = l->filter.cycle;
  out->cycles = l->o->cycles;
  out->forecast_s = slowest(l, l->forecast_s);
  return CLS_OK;
}

cls_status cls_assimilate_forecast(const cls_assimilation *a, cls_assimilated *outcome) {
  loop l;
  *outcome = (cls_assimilated){0};
  cls_status status = begin(&l, a);
  if (status == CLS_OK) status = forecast_some(&l, outcome);
  end(&l);
  return status;
}

/* Every rank fetches some members, then all have all: where a rank has nothing its numbers are 0. */
static cls_status fetch_members(loop *l) {
  cls_filter *f = &l->filter;
  const cls_world *world = &l->a->world;
  const size_t members = (size_t)f->members;
  cls_world alone = *world;
  alone.comm = MPI_COMM_SELF;
  alone.rank = 0;
  alone.ranks = 1;
  memset(f->theta, 0, f->hyper.rows * members * sizeof *f->theta);
  memset(f->balloon, 0, members * f->regions * sizeof *f->balloon);
  memset(f->predicted, 0, f->observations->n_obs * members * sizeof *f->predicted);
  for (int m = world->rank; m < f->members; m += world->ranks) {
    if (!f->alive[m]) continue;
    const int64_t step = ((int64_t)f->cycle + 1) * l->steps;
    if (cls_member_fetch(f, &alone, m, l->a->directory, step) != CLS_OK) leave_out(l, m, true);
  }
  agree_on_alive(l);
  cls_sum_over_ranks(world->comm, f->theta, f->hyper.rows * members, MPI_DOUBLE);
  cls_sum_over_ranks(world->comm, f->balloon, members * f->regions * 4, MPI_DOUBLE);
  cls_sum_over_ranks(world->comm, f->predicted, f->observations->n_obs * members, MPI_DOUBLE);
  return CLS_OK;
}

static cls_status analyse_all(loop *l, cls_assimilated *out) {
  cls_filter *f = &l->filter;
  CLS_TRY(check_offline(l));
  if (is_complete(l)) return nothing_to_do(l, out);
  say_where(l);
  CLS_TRY(observe(l));
  CLS_TRY(fetch_members(l));
  cls_hyper_values(&f->hyper, f->members, f->theta, f->values);
  CLS_TRY(cls_filter_analyse(f));
  CLS_TRY(cls_filter_commit(f, l->file, is_complete(l)));
  return tell(l, out);
}

cls_status cls_assimilate_analysis(const cls_assimilation *a, cls_assimilated *outcome) {
  loop l;
  *outcome = (cls_assimilated){0};
  cls_status status = begin(&l, a);
  if (status == CLS_OK) status = analyse_all(&l, outcome);
  end(&l);
  return status;
}

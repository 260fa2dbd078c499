/* What the filter writes into its history, and the analysis of one cycle. */
#include "assimilation/problem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

cls_status cls_filter_note_forecast(cls_filter *f, uint32_t cycle, const double *predicted) {
  const cls_observations *y = f->observations;
  cls_history_cycle *c;
  CLS_TRY(cls_history_append(f->history, &c));
  c->time_s = (cycle + 1) * f->options->tr_s;
  for (uint32_t i = 0; i < y->n_obs; i++) {
    const double value = y->series[(size_t)cycle * y->n_obs + i];
    const bool withheld = cls_observation_withheld(y, cycle, i);
    c->observed[i] = withheld ? NAN : value;
    c->withheld[i] = withheld ? value : NAN;
    c->error[i] = y->sd[i];
  }
  for (uint32_t v = 0; f->truth && v < f->hyper.values; v++)
    c->truth[v] = f->truth[(size_t)cycle * f->hyper.values + v];
  CLS_TRY(cls_history_fill_forecast(f->history, f->values, f->alive));
  return cls_history_fill_observation(f->history, predicted, f->alive);
}

/* What the members' haemodynamics show now. */
static void show(const cls_filter *f, double *predicted) {
  const cls_balloon_consts consts = cls_balloon_derive(cls_balloon_default());
  const cls_observations *y = f->observations;
  for (uint32_t i = 0; i < y->n_obs; i++)
    for (int m = 0; m < f->members && y->kind[i] == CLS_OBSERVE_BOLD; m++)
      predicted[(size_t)i * (size_t)f->members + (size_t)m] =
          cls_balloon_signal(&f->balloon[(size_t)m * f->regions + y->site[i]], &consts);
}

cls_status cls_filter_note_analysis(cls_filter *f, const double *predicted) {
  cls_history_cycle *c = &f->history->cycles[f->history->n_cycles - 1];
  for (uint32_t s = 0; s < f->regions; s++) c->lambda[s] = f->lambda[s];
  CLS_TRY(cls_history_fill_analysis(f->history, f->values, f->alive));
  if (!predicted) show(f, f->predicted);
  return cls_history_fill_analysed(f->history, predicted ? predicted : f->predicted, f->alive);
}

/* `theta` is what is thought now of the cycle `ago` cycles before the last. */
static cls_status note_smoothed(cls_filter *f, const double *theta, uint32_t ago, double *values) {
  cls_hyper_values(&f->hyper, f->members, theta, values);
  return cls_history_fill_smoothed(f->history, ago, values, f->alive);
}

/* What the observations up to now say of the cycles before; then this one becomes one of them. */
static cls_status remember(cls_filter *f) {
  const size_t n = (size_t)f->hyper.rows * (size_t)f->members;
  const uint32_t lag = f->options->lag;
  double *values = NULL;
  cls_status status = CLS_OK;
  if (lag == 0) return CLS_OK;
  if (f->world.rank == 0)
    status =
        cls_alloc(&values, (size_t)f->hyper.values * (size_t)f->members, sizeof *values, "hyperparameters");
  const bool notes = f->world.rank == 0;
  if (notes && status == CLS_OK) status = note_smoothed(f, f->theta, 0, values);
  for (uint32_t k = 0; notes && k < lag && k < f->cycle && status == CLS_OK; k++)
    status = note_smoothed(f, f->past + k * n, k + 1, values);
  free(values);
  memmove(f->past + n, f->past, (lag - 1) * n * sizeof *f->past);
  memcpy(f->past, f->theta, n * sizeof *f->past);
  return status;
}

cls_status cls_filter_analyse(cls_filter *f) {
  cls_problem p;
  const double begun = cls_seconds();
  const bool first = f->world.rank == 0;
  cls_status status = cls_agree(f->world.comm, cls_problem_make(f, f->cycle, 1, f->predicted, true, &p));
  if (status == CLS_OK)
    status = cls_agree(f->world.comm, first ? cls_filter_note_forecast(f, f->cycle, f->predicted) : CLS_OK);
  if (status == CLS_OK) status = cls_problem_solve(f, &p, 0, 1, NULL, NULL);
  if (status == CLS_OK) cls_problem_take_back(&p, f);
  cls_problem_free(&p);
  CLS_TRY(status);
  cls_hyper_values(&f->hyper, f->members, f->theta, f->values);
  if (first) status = cls_filter_note_analysis(f, NULL);
  if (status == CLS_OK) status = remember(f);
  status = cls_agree(f->world.comm, status);
  f->cycle++;
  f->analysis_s += cls_seconds() - begun;
  return status;
}

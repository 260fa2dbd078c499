#include "assimilation/smooth.h"
#include "assimilation/problem.h"
#include <stdlib.h>
#include <string.h>

static size_t cycle_numbers(const cls_filter *f) {
  return (size_t)f->observations->n_obs * (size_t)f->members;
}

cls_status cls_window_begin(const cls_filter *f, cls_window *w) {
  const uint32_t left = f->options->cycles - f->cycle;
  const size_t balloons = (size_t)f->members * f->regions;
  *w = (cls_window){.first = f->cycle, .cycles = f->options->window < left ? f->options->window : left};
  CLS_TRY(cls_alloc(&w->predicted, w->cycles * cycle_numbers(f), sizeof *w->predicted, "predictions"));
  CLS_TRY(cls_alloc(&w->before, w->cycles * cycle_numbers(f), sizeof *w->before, "predictions"));
  CLS_TRY(cls_alloc(&w->balloon, balloons, sizeof *w->balloon, "haemodynamics"));
  memcpy(w->balloon, f->balloon, balloons * sizeof *w->balloon);
  return CLS_OK;
}

void cls_window_free(cls_window *w) {
  free(w->predicted);
  free(w->before);
  free(w->prior);
  free(w->iterate);
  free(w->balloon);
}

void cls_window_note(const cls_filter *f, uint32_t k, cls_window *w) {
  memcpy(w->predicted + k * cycle_numbers(f), f->predicted, cycle_numbers(f) * sizeof *w->predicted);
}

/* Before the first pass: the ensemble as it was, the iterate at it. */
static cls_status begin_iterations(const cls_problem *p, cls_window *w) {
  const size_t m = (size_t)p->members;
  CLS_TRY(cls_alloc(&w->prior, p->rows * m, sizeof *w->prior, "prior ensemble"));
  CLS_TRY(cls_alloc(&w->iterate, m * (m + 1), sizeof *w->iterate, "iterate"));
  memcpy(w->prior, p->state, p->rows * m * sizeof *w->prior);
  for (size_t j = 0; j < m; j++) w->iterate[m + j * m + j] = 1;
  return CLS_OK;
}

cls_status cls_window_correct(cls_filter *f, cls_window *w, uint32_t pass) {
  const double begun = cls_seconds();
  cls_problem p;
  cls_status status = cls_problem_make(f, w->first, w->cycles, w->predicted, false, &p);
  if (status == CLS_OK && pass == 0) {
    memcpy(w->before, w->predicted, w->cycles * cycle_numbers(f) * sizeof *w->before);
    status = begin_iterations(&p, w);
  }
  status = cls_agree(f->world.comm, status);
  if (status == CLS_OK) status = cls_problem_solve(f, &p, pass, f->options->passes, w->prior, w->iterate);
  if (status == CLS_OK) cls_problem_take_back(&p, f);
  cls_problem_free(&p);
  cls_hyper_values(&f->hyper, f->members, f->theta, f->values);
  f->analysis_s += cls_seconds() - begun;
  return status;
}

/* Rank 0. */
static cls_status note(cls_filter *f, const cls_window *w, uint32_t k) {
  CLS_TRY(cls_filter_note_forecast(f, w->first + k, w->before + k * cycle_numbers(f)));
  return cls_filter_note_analysis(f, w->predicted + k * cycle_numbers(f));
}

cls_status cls_window_end(cls_filter *f, cls_window *w) {
  cls_status status = CLS_OK;
  for (uint32_t k = 0; k < w->cycles && f->world.rank == 0 && status == CLS_OK; k++) status = note(f, w, k);
  f->cycle = w->first + w->cycles;
  return cls_agree(f->world.comm, status);
}

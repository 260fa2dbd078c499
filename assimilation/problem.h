/* The problem of an analysis: what of the filter may change, what was observed in one cycle or in several, and the way back. Private to
 * the files of the filter. */
#ifndef CALLOSUM_PROBLEM_H
#define CALLOSUM_PROBLEM_H

#include "assimilation/filter.h"

/* Rows of hyperparameters that are updated, then s, f, v, q of every region where BOLD is observed and `balloons` is asked for (filters),
 * then the same hyperparameters as they were up to `lag` cycles ago; of the members alive. Observations cycle by cycle. */
typedef struct {
  int members;
  int *member;     /* [members] their numbers */
  uint32_t *hyper; /* [n_hyper] rows of theta */
  uint32_t n_hyper, n_balloon;
  bool balloons;
  double *state, *forecast, *predicted, *observed, *sd;
  uint32_t *row_site, *obs_site;
  uint64_t rows;
  uint32_t n_obs;
} cls_problem;

/* Local, the same on all ranks. Drops members whose predictions [cycles][observations][members] or haemodynamics are not finite; then
 * CLS_ERR_LIMIT where too few are left. Observations of cycles first ... first + cycles - 1 that are there, not withheld and not of the burn-in. */
cls_status cls_problem_make(cls_filter *filter, uint32_t first, uint32_t cycles, const double *predicted,
                            bool balloons, cls_problem *problem);
void cls_problem_free(cls_problem *problem);
/* What there is to call an analysis with. */
cls_analysis cls_problem_analysis(const cls_filter *filter, const cls_problem *problem);
/* Collective: inflation and analysis; of smoothers pass number `pass` of `passes`. `prior`, `iterate`: see cls_analysis (ies), else NULL. */
cls_status cls_problem_solve(cls_filter *filter, cls_problem *problem, uint32_t pass, uint32_t passes,
                             const double *prior, double *iterate);
/* Local: the state goes back to where it came from. */
void cls_problem_take_back(const cls_problem *problem, cls_filter *filter);

/* Rank 0 (filter_note.c): the forecast of cycle `cycle`, its predictions [observations][members], enters the history; then what became of it:
 * the values, and what the members would show after it (NULL: of their haemodynamics as they are). */
cls_status cls_filter_note_forecast(cls_filter *filter, uint32_t cycle, const double *predicted);
cls_status cls_filter_note_analysis(cls_filter *filter, const double *predicted);

#endif

/* Smoothers (esmda, ies): the observations of several cycles, a window, are taken into account together, and hyperparameters are the same
 * throughout a window. It is simulated once for each pass, each time from where the members stood when it began, with what the pass
 * before has made of their hyperparameters; and once more with what the last pass made of them. */
#ifndef CALLOSUM_SMOOTH_H
#define CALLOSUM_SMOOTH_H

#include "assimilation/filter.h"

typedef struct {
  uint32_t first, cycles;     /* of the window */
  double *predicted, *before; /* [cycles][observations][members] of this simulation, and of the first */
  double *prior;              /* [rows of the analysis][members alive] and */
  double *iterate;            /* see cls_analysis; NULL until the first pass */
  cls_balloon *balloon;       /* [members][regions] when it began */
} cls_window;

/* Local: the window that begins at filter->cycle. */
cls_status cls_window_begin(const cls_filter *filter, cls_window *window);
void cls_window_free(cls_window *window);
/* Local: what filter->predicted holds is what cycle number `k` of the window was expected to show. */
void cls_window_note(const cls_filter *filter, uint32_t k, cls_window *window);
/* Collective: corrects hyperparameters by all observations of the window; filter->cycle is where it began. */
cls_status cls_window_correct(cls_filter *filter, cls_window *window, uint32_t pass);
/* Collective: all its cycles enter the history: what was forecast first, and what the last simulation showed. */
cls_status cls_window_end(cls_filter *filter, cls_window *window);

#endif

/* Figures of the page of models (cls_figure). A test asks for the tolerance that the page states, and what it measures
 * must not be less than a tenth of it: a figure that flatters or is vague fails. */
#ifndef CALLOSUM_TEST_MODEL_FIGURES_H
#define CALLOSUM_TEST_MODEL_FIGURES_H

#include "model/mechanism.h"
#include "network/draws.h"

static inline const cls_figure *figure(const char *name, const char *key) {
  const cls_model *model = cls_model_find(name);
  const cls_mechanism *mechanism = cls_mechanism_find(name);
  const cls_model_doc *doc = model ? &model->doc : mechanism ? &mechanism->doc : NULL;
  for (int k = 0; doc && k < doc->n_figures; k++)
    if (strcmp(doc->figures[k].key, key) == 0) return &doc->figures[k];
  fail_msg("%s has no figure %s", name, key);
  return NULL;
}

/* A tolerance, where what is measured is a choice of the test: how far both sides of a border are from it. */
static inline double stated(const char *name, const char *key) { return figure(name, key)->within; }

/* Holds the largest error that was measured against the page. */
static inline void hold(const char *name, const char *key, double error) {
  const cls_figure *f = figure(name, key);
  print_message("%s, %s: %.3g %s, stated %g\n", name, key, error, f->unit, f->within);
  if (!(error <= f->within))
    fail_msg("%s, %s: %g %s: expected at most %g", name, key, error, f->unit, f->within);
  if (error < f->within / 10)
    fail_msg("%s, %s: %g %s: expected %g or more, or a smaller figure", name, key, error, f->unit,
             f->within / 10);
}

static inline double larger_of(double error, double found, double expected) {
  double apart = fabs(found - expected);
  return apart <= error ? error : apart; /* also where it is not a number */
}

#endif

/* Models that are neither neurons nor inputs: plasticity of synapses, haemodynamics. What they compute is in headers of
 * their own; this is how they are described to whoever uses them: `callosum models` and the page of models. */
#ifndef CALLOSUM_MECHANISM_H
#define CALLOSUM_MECHANISM_H

#include "model/model.h"

/* A parameter that is one of several words. */
typedef struct {
  const char *name, *values; /* values: divided by " | ", the default first */
  const char *doc;
} cls_choice_info;

typedef struct {
  const char *name, *title, *citation;
  const char *kind; /* "synapse", "haemodynamics" */
  const char *key;  /* of a job, under which its parameters stand: "projections[].plasticity.stdp" */
  const cls_param_info *params;
  const cls_choice_info *choices;
  int n_params, n_choices;
  cls_model_doc doc;
} cls_mechanism;

/* The registry, in registry.c; NULL where the name is unknown. */
const cls_mechanism *cls_mechanism_find(const char *name);
int cls_mechanism_count(void);
const cls_mechanism *cls_mechanism_at(int index);

#endif

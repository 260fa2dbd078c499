/* Changes of a network while it runs: lesions, blocked receptors, weakened tracts, other parameters. They are part
 * of the description: every rank knows them, and all act at the same step. */
#ifndef CALLOSUM_INTERVENTION_H
#define CALLOSUM_INTERVENTION_H

#include "network/network.h"

typedef enum {
  CLS_REMOVE,         /* the populations fall silent: their neurons are no longer computed and never spike */
  CLS_SCALE_PARAM,    /* a parameter of the populations' model is multiplied by `value` */
  CLS_SET_PARAM,      /* a parameter of every neuron of the populations becomes `value` */
  CLS_SCALE_RECEPTOR, /* what acts on a receptor from `step` on is multiplied by `value`, background included */
  CLS_SCALE_TRACTS    /* weights of synapses from `from` onto `on` are multiplied by `value` */
} cls_intervention_kind;

/* Acts before step `step` is computed: events due at that step or later are scaled, whenever their spikes were
 * fired; those due earlier are not. Several interventions on one thing multiply. */
struct cls_intervention_ {
  cls_intervention_kind kind;
  int64_t step;
  uint32_t *on, n_on;     /* populations, ascending; owned */
  uint32_t *from, n_from; /* CLS_SCALE_TRACTS: source populations, ascending; owned */
  char *param;            /* name of the parameter, or of the receptor; owned */
  double value;
};

/* Local. Adds a change (its lists are copied) to a network that is not finished; changes are kept in order of time,
 * and of addition where they fall together. CLS_ERR_INPUT where a population's model has no such parameter or
 * receptor, where a state is kept relative to the parameter, or where `value` is no finite number, or negative
 * for a factor. */
cls_status cls_network_add_intervention(cls_network *network, const cls_intervention *intervention);
/* Local. Do the parameters of every population still fit their model after each change, at the means of those that
 * vary? Called when the network is finished. CLS_ERR_INPUT names population, parameter and value. */
cls_status cls_network_check_interventions(const cls_network *network);
/* Is population `p` among list[0 ... n - 1], which ascends? */
bool cls_population_listed(const uint32_t *list, uint32_t n, uint32_t p);
/* The factor of the weights of source number `source` of a projection at step `step`: the product of the
 * CLS_SCALE_TRACTS up to then. */
double cls_projection_factor(const cls_network *network, const cls_projection *projection, uint32_t source,
                             int64_t step);
/* A copy of a projection as it is at step `step`: with the factors of its sources, in *factor, which the caller
 * frees (NULL where no tract changes). */
cls_status cls_projection_at(const cls_network *network, const cls_projection *projection, int64_t step,
                             cls_projection *copy, double **factor);
/* The greatest factor it ever has (at least 1): weights must fit their width at every step. */
double cls_projection_greatest_factor(const cls_network *network, const cls_projection *projection);
/* Whether any CLS_SCALE_TRACTS ever acts on it. */
bool cls_projection_is_scaled(const cls_network *network, const cls_projection *projection);
/* Index of the receptor `name` of a model, over all its ports; -1 where there is none. */
int cls_model_receptor(const cls_model *model, const char *name);

#endif

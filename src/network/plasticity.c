/* Plasticity of a projection: taken up, and checked when the network is finished. */
#include <stdlib.h>
#include <string.h>

#include "network/internal.h"
#include "network/intervention.h"

cls_status cls_projection_make_plastic(cls_projection *projection, const cls_plasticity *plasticity) {
  CLS_CHECK(!projection->plasticity, CLS_ERR_INTERNAL, "projection '%s' is made plastic twice",
            projection->name);
  CLS_TRY(cls_alloc(&projection->plasticity, 1, sizeof *plasticity, "plasticity of a projection"));
  *projection->plasticity = *plasticity;
  return CLS_OK;
}

/* One number of a rule against its range. */
static cls_status check_number(const char *owner, const char *name, double value, double min, double max) {
  CLS_CHECK(value >= min && value <= max, CLS_ERR_INPUT, "%s: plasticity.%s: %g: expected %g ... %g", owner,
            name, value, min, max);
  return CLS_OK;
}

static cls_status check_stdp(const char *owner, const cls_stdp *p) {
  const double least = 1e-3, most = 1e9;
  CLS_CHECK(isfinite(p->w_max) && p->w_max != 0, CLS_ERR_INPUT,
            "%s: plasticity.stdp.w_max: %g: expected the greatest weight, not 0", owner, p->w_max);
  CLS_TRY(check_number(owner, "stdp.a_plus", p->a_plus, -1, 1));
  CLS_TRY(check_number(owner, "stdp.a_minus", p->a_minus, -1, 1));
  CLS_TRY(check_number(owner, "stdp.a3_plus", p->a3_plus, -1, 1));
  CLS_TRY(check_number(owner, "stdp.a3_minus", p->a3_minus, -1, 1));
  CLS_TRY(check_number(owner, "stdp.tau_plus_ms", p->tau_plus_ms, least, most));
  CLS_TRY(check_number(owner, "stdp.tau_minus_ms", p->tau_minus_ms, least, most));
  CLS_TRY(check_number(owner, "stdp.tau_x_ms", p->tau_x_ms, least, most));
  CLS_TRY(check_number(owner, "stdp.tau_y_ms", p->tau_y_ms, least, most));
  return check_number(owner, "stdp.dendritic_share", p->dendritic_share, 0, 1);
}

static cls_status check_short_term(const char *owner, const cls_short_term *p) {
  CLS_CHECK(p->u > 0 && p->u <= 1, CLS_ERR_INPUT,
            "%s: plasticity.short_term.u: %g: expected above 0, up to 1", owner, p->u);
  CLS_TRY(check_number(owner, "short_term.tau_rec_ms", p->tau_rec_ms, 0, 1e9));
  return check_number(owner, "short_term.tau_fac_ms", p->tau_fac_ms, 0, 1e9);
}

/* Weights of STDP lie between 0 and w_max: constants and lists must, distributions are confined. */
static cls_status confine_weights(cls_projection *projection, const char *owner) {
  const double w_max = projection->plasticity->stdp.w_max, low = fmin(w_max, 0), high = fmax(w_max, 0);
  cls_distribution *weight = &projection->weight[0];
  const bool listed = projection->edges && projection->edges->weights > 0;
  if (!listed && weight->kind != CLS_CONSTANT) {
    if (weight->min < low) weight->min = low;
    if (weight->max > high) weight->max = high;
    return CLS_OK; /* whether enough of it is left is checked with all weights */
  }
  double lower, upper;
  cls_projection_weight_range(projection, 0, &lower, &upper);
  CLS_CHECK(lower >= low && upper <= high, CLS_ERR_INPUT,
            "%s: weight: %g: expected 0 ... plasticity.stdp.w_max, %g", owner, lower < low ? lower : upper,
            w_max);
  return CLS_OK;
}

cls_status cls_projection_finish_plasticity(const cls_network *network, cls_projection *projection,
                                            const char *owner) {
  const cls_plasticity *plasticity = projection->plasticity;
  const cls_model *model = network->populations[projection->target].model;
  if (!plasticity) return CLS_OK;
  CLS_CHECK(plasticity->has_stdp || plasticity->has_short_term, CLS_ERR_INPUT,
            "%s: plasticity: expected stdp or short_term, or both", owner);
  CLS_CHECK(!projection->procedural, CLS_ERR_INPUT,
            "%s: plastic synapses are stored: expected synapses: stored", owner);
  CLS_CHECK(projection->port >= 0 && projection->port < model->n_ports, CLS_ERR_INPUT,
            "%s: port %d: model %s has %d", owner, projection->port, model->name, model->n_ports);
  CLS_CHECK(model->ports[projection->port].receptors == 1, CLS_ERR_INPUT,
            "%s: plasticity: a synapse of port %s has two weights: expected a port with one receptor", owner,
            model->ports[projection->port].name);
  CLS_CHECK(!cls_projection_is_scaled(network, projection), CLS_ERR_INPUT,
            "%s: an intervention scales it: expected a projection without plasticity", owner);
  if (plasticity->has_short_term) CLS_TRY(check_short_term(owner, &plasticity->short_term));
  if (!plasticity->has_stdp) return CLS_OK;
  CLS_TRY(check_stdp(owner, &plasticity->stdp));
  CLS_CHECK(plasticity->stdp.w_max > 0 || model->ports[projection->port].signed_weights, CLS_ERR_INPUT,
            "%s: plasticity.stdp.w_max: %g: receptor %s takes weights >= 0", owner, plasticity->stdp.w_max,
            model->ports[projection->port].name);
  return confine_weights(projection, owner);
}

/* Key `plasticity` of a projection. */
#include "io/job.h"
#include <math.h>

typedef struct {
  const cls_yaml *stdp, *short_term;
} fields;
static const cls_key keys[] = {
    {"stdp", CLS_KEY_MAP, offsetof(fields, stdp),
     .doc = "spike-timing dependent plasticity: weights that last"},
    {"short_term", CLS_KEY_MAP, offsetof(fields, short_term),
     .doc = "depression and facilitation, spike by spike"},
};
const cls_schema cls_schema_plasticity = {
    "projections[].plasticity", "How synapses change as spikes pass; callosum models stdp, short_term.", keys,
    CLS_KEYS(keys)};

typedef struct {
  double w_max, a_plus, a_minus, tau_plus_ms, tau_minus_ms, a3_plus, a3_minus, tau_x_ms, tau_y_ms,
      dendritic_share;
  int potentiation, depression, pairing;
} stdp_fields;
static const char *const dependences[] = {"additive", "multiplicative", NULL};
static const char *const pairings[] = {"all_to_all", "nearest", NULL};
static const cls_key stdp_keys[] = {
    {"w_max", CLS_KEY_NUMBER, offsetof(stdp_fields, w_max), .required = true, .min = -1e300, .max = 1e300,
     .doc = "greatest weight, in the unit and of the sign of `weight`; weights stay between 0 and it"},
    {"a_plus", CLS_KEY_NUMBER, offsetof(stdp_fields, a_plus), .required = true, .min = -1, .max = 1,
     .doc = "potentiation by a pair of spikes, in units of w_max"},
    {"a_minus", CLS_KEY_NUMBER, offsetof(stdp_fields, a_minus), .required = true, .min = -1, .max = 1,
     .doc = "depression by a pair of spikes, in units of w_max"},
    {"tau_plus_ms", CLS_KEY_NUMBER, offsetof(stdp_fields, tau_plus_ms), .unit = "ms", .initial = "20",
     .min = 1e-3, .max = 1e9, .doc = "decay of the trace of presynaptic spikes"},
    {"tau_minus_ms", CLS_KEY_NUMBER, offsetof(stdp_fields, tau_minus_ms), .unit = "ms", .initial = "20",
     .min = 1e-3, .max = 1e9, .doc = "decay of the trace of postsynaptic spikes"},
    {"a3_plus", CLS_KEY_NUMBER, offsetof(stdp_fields, a3_plus), .initial = "0", .min = -1, .max = 1,
     .doc = "potentiation by a triplet (post, pre, post), in units of w_max"},
    {"a3_minus", CLS_KEY_NUMBER, offsetof(stdp_fields, a3_minus), .initial = "0", .min = -1, .max = 1,
     .doc = "depression by a triplet (pre, post, pre), in units of w_max"},
    {"tau_x_ms", CLS_KEY_NUMBER, offsetof(stdp_fields, tau_x_ms), .unit = "ms", .initial = "100", .min = 1e-3,
     .max = 1e9, .doc = "decay of the slow trace of presynaptic spikes, for a3_minus"},
    {"tau_y_ms", CLS_KEY_NUMBER, offsetof(stdp_fields, tau_y_ms), .unit = "ms", .initial = "100", .min = 1e-3,
     .max = 1e9, .doc = "decay of the slow trace of postsynaptic spikes, for a3_plus"},
    {"potentiation", CLS_KEY_CHOICE, offsetof(stdp_fields, potentiation), .initial = "additive",
     .choices = dependences, .doc = "multiplicative: times 1 - w / w_max"},
    {"depression", CLS_KEY_CHOICE, offsetof(stdp_fields, depression), .initial = "additive",
     .choices = dependences, .doc = "multiplicative: times w / w_max"},
    {"pairing", CLS_KEY_CHOICE, offsetof(stdp_fields, pairing), .initial = "all_to_all", .choices = pairings,
     .doc = "which earlier spikes a trace counts: all, or the nearest"},
    {"dendritic_share", CLS_KEY_NUMBER, offsetof(stdp_fields, dendritic_share), .initial = "1", .min = 0,
     .max = 1, .doc = "of the delay: 1, all of it lies between synapse and soma; 0, all of it in the axon"},
};
const cls_schema cls_schema_stdp = {"projections[].plasticity.stdp", "Pairs and triplets of spikes.",
                                    stdp_keys, CLS_KEYS(stdp_keys)};

static const cls_key short_term_keys[] = {
    {"u", CLS_KEY_NUMBER, offsetof(cls_short_term, u), .required = true, .min = 0, .max = 1,
     .above_min = true, .doc = "share of the resources that a spike uses: the efficacy of the first one"},
    {"tau_rec_ms", CLS_KEY_NUMBER, offsetof(cls_short_term, tau_rec_ms), .unit = "ms", .required = true,
     .min = 0, .max = 1e9, .doc = "recovery of the resources; 0: at once, there is no depression"},
    {"tau_fac_ms", CLS_KEY_NUMBER, offsetof(cls_short_term, tau_fac_ms), .unit = "ms", .initial = "0",
     .min = 0, .max = 1e9, .doc = "decay of facilitation; 0: there is none"},
};
const cls_schema cls_schema_short_term = {"projections[].plasticity.short_term", "Tsodyks-Markram synapses.",
                                          short_term_keys, CLS_KEYS(short_term_keys)};

static cls_status read_stdp(cls_job_reader *r, const cls_yaml *node, const cls_port_info *port,
                            cls_stdp *stdp) {
  stdp_fields f;
  CLS_TRY(cls_schema_read(r->tree, node, stdp_keys, CLS_KEYS(stdp_keys), &f));
  if (f.w_max == 0 || (f.w_max < 0 && !port->signed_weights))
    return cls_yaml_fail(cls_yaml_get(node, "w_max"), "value %.10g: expected a number %s 0", f.w_max,
                         port->signed_weights ? "other than" : "above");
  *stdp = (cls_stdp){.w_max = f.w_max,
                     .a_plus = f.a_plus,
                     .a_minus = f.a_minus,
                     .a3_plus = f.a3_plus,
                     .a3_minus = f.a3_minus,
                     .tau_plus_ms = f.tau_plus_ms,
                     .tau_minus_ms = f.tau_minus_ms,
                     .tau_x_ms = f.tau_x_ms,
                     .tau_y_ms = f.tau_y_ms,
                     .multiplicative_plus = f.potentiation == 1,
                     .multiplicative_minus = f.depression == 1,
                     .nearest = f.pairing == 1,
                     .dendritic_share = f.dendritic_share};
  return CLS_OK;
}

cls_status cls_job_read_plasticity(cls_job_reader *r, const cls_yaml *node, const cls_port_info *port,
                                   const cls_yaml *weight_node, const cls_distribution *weight,
                                   cls_plasticity *plasticity) {
  fields f = {0};
  *plasticity = (cls_plasticity){0};
  CLS_TRY(cls_schema_read(r->tree, node, keys, CLS_KEYS(keys), &f));
  if (!f.stdp && !f.short_term)
    return cls_yaml_fail(node, "an empty mapping: expected stdp or short_term, or both");
  if (port->receptors != 1)
    return cls_yaml_fail(node, "a synapse of receptor %s has two weights: expected one that has one",
                         port->name);
  if (f.short_term) {
    plasticity->has_short_term = true;
    CLS_TRY(cls_schema_read(r->tree, f.short_term, short_term_keys, CLS_KEYS(short_term_keys),
                            &plasticity->short_term));
  }
  if (!f.stdp) return CLS_OK;
  plasticity->has_stdp = true;
  CLS_TRY(read_stdp(r, f.stdp, port, &plasticity->stdp));
  const double w_max = plasticity->stdp.w_max, mean = weight ? cls_distribution_mean(weight) : 0;
  if (mean / w_max < 0 || mean / w_max > 1)
    return cls_yaml_fail(weight_node,
                         "weight of %.10g%s: expected a number from 0 to plasticity.stdp.w_max, %.10g", mean,
                         weight->kind == CLS_CONSTANT ? "" : " in the mean", w_max);
  return CLS_OK;
}

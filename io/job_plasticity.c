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

/* Keys from the tables of parameters that the page of models has, too. */
#define IS_NEEDED(initial) ((initial) != (initial)) /* NAN */
#define NUMBER(of, name_, unit_, initial_, min_, max_, doc_)                                                 \
  {.name = #name_,                                                                                           \
   .type = CLS_KEY_NUMBER,                                                                                   \
   .offset = offsetof(of, name_),                                                                            \
   .unit = unit_,                                                                                            \
   .initial = IS_NEEDED(initial_) ? NULL : #initial_,                                                        \
   .required = IS_NEEDED(initial_),                                                                          \
   .min = min_,                                                                                              \
   .max = max_,                                                                                              \
   .doc = doc_},
#define STDP_WORDS(name, first, second, doc) static const char *const name##_words[] = {first, second, NULL};
CLS_STDP_CHOICES(STDP_WORDS)
#define STDP_NUMBER(...) NUMBER(cls_stdp, __VA_ARGS__)
#define STDP_CHOICE(name_, first, second, doc_)                                                              \
  {.name = #name_,                                                                                           \
   .type = CLS_KEY_CHOICE,                                                                                   \
   .offset = offsetof(cls_stdp, name_),                                                                      \
   .initial = first,                                                                                         \
   .choices = name_##_words,                                                                                 \
   .doc = doc_},
static const cls_key stdp_keys[] = {CLS_STDP_PARAMS(STDP_NUMBER) CLS_STDP_CHOICES(STDP_CHOICE)};
const cls_schema cls_schema_stdp = {"projections[].plasticity.stdp", "Pairs and triplets of spikes.",
                                    stdp_keys, CLS_KEYS(stdp_keys)};

#define SHORT_TERM_NUMBER(...) NUMBER(cls_short_term, __VA_ARGS__)
static const cls_key short_term_keys[] = {CLS_SHORT_TERM_PARAMS(SHORT_TERM_NUMBER)};
const cls_schema cls_schema_short_term = {"projections[].plasticity.short_term", "Tsodyks-Markram synapses.",
                                          short_term_keys, CLS_KEYS(short_term_keys)};

static cls_status read_stdp(cls_job_reader *r, const cls_yaml *node, const cls_port_info *port,
                            cls_stdp *stdp) {
  CLS_TRY(cls_schema_read(r->tree, node, stdp_keys, CLS_KEYS(stdp_keys), stdp));
  if (stdp->w_max != 0 && (stdp->w_max > 0 || port->signed_weights)) return CLS_OK;
  return cls_yaml_fail(cls_yaml_get(node, "w_max"), "value %.10g: expected a number %s 0", stdp->w_max,
                       port->signed_weights ? "other than" : "above");
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

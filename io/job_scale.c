/* Section `scale:`: a network that is written out, with fewer neurons and fewer synapses on each.
 *
 * With K synapses of weight J on a neuron, from sources of rate nu, the mean of its input goes with K J nu and
 * the variance with K J^2 nu. With k K synapses and weights J / sqrt(k) the variance is what it was, and the
 * mean is short of tau K J nu (1 - sqrt(k)), which a constant current makes up for (tau: decay of the synaptic
 * current). Poisson input stands for background synapses and is treated likewise: rate k nu, weight
 * J / sqrt(k). S. J. van Albada, M. Helias & M. Diesmann, PLoS Comput. Biol. 11:e1004490 (2015). */
#include "io/job.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const cls_yaml *node; /* in the job, for messages */
  uint64_t written;     /* neurons before scaling */
  double
      lost[CLS_MAX_RECEPTORS]; /* sum of K J nu (1 - sqrt(k)) over what the receptor gets: weight units / s */
  bool changed;
} scaled_population;

struct cls_job_scale_ {
  const cls_yaml *section;
  double neurons, indegree;
  bool compensate;
  scaled_population *populations;
  double *kept; /* per projection: k, the synapses on a neuron over those written */
  size_t n_populations, n_kept, population_capacity, kept_capacity;
};

typedef struct {
  double neurons, indegree;
  int weights;
} fields;
static const char *const weight_choices[] = {"keep", "van_albada", NULL};
static const cls_key keys[] = {
    {"neurons", CLS_KEY_NUMBER, offsetof(fields, neurons), .initial = "1", .min = 0, .max = 1,
     .above_min = true, .doc = "factor on the number of neurons"},
    {"indegree", CLS_KEY_NUMBER, offsetof(fields, indegree), .initial = "1", .min = 0, .max = 1,
     .above_min = true, .doc = "factor on the synapses per neuron"},
    {"weights", CLS_KEY_CHOICE, offsetof(fields, weights), .choices = weight_choices,
     .doc = "keep: as written; van_albada (the default where indegree is below 1): weights and Poisson input "
            "are scaled and a constant current is added so that mean and variance of the input stay, at the "
            "populations' rate_hz"},
};
const cls_schema cls_schema_scale = {"scale", "Shrinks a network that is written out.", keys, CLS_KEYS(keys)};

/* Models for which the lost input is a current: mean weight x rate x `charge` of the receptor. */
typedef struct {
  const char *model, *current, *charge[CLS_MAX_RECEPTORS];
} current_model;
static const current_model current_models[] = {
    {"lif_psc_exp", "I_e_pA", {"tau_syn_exc_ms", "tau_syn_inh_ms"}}, /* pA ms per spike */
    {"lif_psc_delta", "I_e_pA", {"C_m_pF"}},                         /* mV pF = pA ms per spike */
};

cls_status cls_job_read_scale(cls_job_reader *r) {
  fields f = {.weights = -1};
  CLS_TRY(cls_alloc(&r->scale, 1, sizeof *r->scale, "scale of a network"));
  CLS_TRY(cls_yaml_section(r->tree, r->root, "scale", &r->scale->section));
  CLS_TRY(cls_schema_read(r->tree, r->scale->section, keys, CLS_KEYS(keys), &f));
  r->scale->neurons = f.neurons;
  r->scale->indegree = f.indegree;
  r->scale->compensate = f.weights < 0 ? f.indegree < 1 : f.weights == 1;
  if (f.neurons != 1 || f.indegree != 1)
    cls_log(r->world, 1, "scale: neurons x %g, synapses per neuron x %g; weights %s", f.neurons, f.indegree,
            r->scale->compensate ? "and constant currents keep the mean and the variance of the input"
                                 : "stay as written");
  return CLS_OK;
}

void cls_job_scale_destroy(cls_job_scale *scale) {
  if (!scale) return;
  free(scale->populations);
  free(scale->kept);
  free(scale);
}

/* ---- sizes and rules ---- */

cls_status cls_job_scale_population(cls_job_reader *r, const cls_yaml *node, int64_t written, uint64_t *n) {
  cls_job_scale *s = r->scale;
  CLS_TRY(cls_grow(&s->populations, &s->population_capacity, s->n_populations + 1, sizeof *s->populations,
                   "scaled populations"));
  s->populations[s->n_populations++] = (scaled_population){.node = node, .written = (uint64_t)written};
  *n = (uint64_t)fmax(1, rint((double)written * s->neurons));
  return CLS_OK;
}

/* The number of a rule that is left of what was written, at least 1. */
static uint64_t part_of(uint64_t written, double factor) {
  return (uint64_t)fmax(1, rint((double)written * factor));
}

/* Every pair with `peak` (of a kernel, or plain): more often where there are fewer pairs than synapses. */
static cls_status scale_probability(const cls_job_scale *s, const cls_yaml *node, double *peak) {
  double scaled = *peak * s->indegree / s->neurons;
  if (s->neurons == s->indegree) return CLS_OK;
  if (scaled > 1)
    return cls_yaml_fail(
        cls_yaml_get(node, "probability"),
        "value %.10g becomes %.10g with scale.neurons %g and scale.indegree %g: expected at most 1", *peak,
        scaled, s->neurons, s->indegree);
  *peak = scaled;
  return CLS_OK;
}

static cls_status scale_rule(const cls_job_scale *s, const cls_yaml *node, const cls_network *network,
                             cls_projection *p, double *kept) {
  uint32_t source = p->sources[0].population;
  double sources = (double)network->populations[source].n / (double)s->populations[source].written;
  double targets = (double)network->populations[p->target].n / (double)s->populations[p->target].written;
  cls_projection written = *p;
  *kept = 1;
  switch (p->rule) {
  case CLS_ONE_TO_ONE:
    return CLS_OK;
  case CLS_ALL_TO_ALL:
    *kept = sources;
    return CLS_OK;
  case CLS_FIXED_INDEGREE:
    p->indegree = part_of(p->indegree, s->indegree);
    *kept = (double)p->indegree / (double)written.indegree;
    return CLS_OK;
  case CLS_FIXED_TOTAL_NUMBER:
    p->total = part_of(p->total, s->neurons * s->indegree);
    *kept = (double)p->total / (double)written.total / targets;
    return CLS_OK;
  case CLS_FIXED_OUTDEGREE:
    p->outdegree = part_of(p->outdegree, s->indegree);
    *kept = (double)p->outdegree / (double)written.outdegree * sources / targets;
    return CLS_OK;
  case CLS_PAIRWISE_BERNOULLI: {
    bool kernel = p->kernel.kind != CLS_KERNEL_NONE;
    double *peak = kernel ? &p->kernel.peak : &p->probability;
    double before = *peak;
    CLS_TRY(scale_probability(s, node, peak));
    *kept = *peak / before * sources;
    return CLS_OK;
  }
  case CLS_EXPLICIT:
    if (s->neurons == 1 && s->indegree == 1) return CLS_OK;
    return cls_yaml_fail(
        cls_yaml_get(node, "rule"),
        "listed synapses cannot be fewer: expected scale.neurons 1 and scale.indegree 1, not "
        "%g and %g",
        s->neurons, s->indegree);
  }
  return cls_fail(CLS_ERR_INTERNAL, "scale of rule %d", (int)p->rule);
}

cls_status cls_job_scale_projection(cls_job_reader *r, const cls_yaml *node, uint32_t projection) {
  cls_job_scale *s = r->scale;
  CLS_TRY(cls_grow(&s->kept, &s->kept_capacity, s->n_kept + 1, sizeof *s->kept, "scaled projections"));
  if (s->neurons == 1 && s->indegree == 1) {
    s->kept[s->n_kept++] = 1;
    return CLS_OK;
  }
  return scale_rule(s, node, r->job->network, &r->job->network->projections[projection],
                    &s->kept[s->n_kept++]);
}

/* ---- mean and variance of the input ---- */

static void multiply(cls_distribution *d, double factor) {
  d->offset *= factor;
  d->scale *= factor;
  d->min *= factor;
  d->max *= factor;
}

static void shift(cls_distribution *d, double by) {
  d->offset += by;
  d->min += by;
  d->max += by;
}

/* The mean of what is drawn, bounds included: where they matter, of many draws. */
static double drawn_mean(const cls_distribution *d) {
  enum { DRAWS = 1 << 16 };
  double mean = cls_distribution_mean(d), sd = cls_distribution_sd(d), sum = 0;
  if (d->kind == CLS_CONSTANT || (d->min <= mean - 6 * sd && d->max >= mean + 6 * sd)) return mean;
  cls_stream stream = cls_stream_make(0, CLS_PURPOSE_SAMPLE, 0);
  for (uint32_t i = 0; i < DRAWS; i++) {
    cls_reader more = cls_reader_make(stream, i, 0, 0);
    /* the first words evenly spread: exact but for what is redrawn */
    sum += cls_distribution_from_word(d, (uint32_t)((i + 0.5) / DRAWS * 0x1p32), &more);
  }
  return sum / DRAWS;
}

static const current_model *find_current_model(const cls_model *model) {
  for (int i = 0; i < CLS_KEYS(current_models); i++)
    if (strcmp(current_models[i].model, model->name) == 0) return &current_models[i];
  return NULL;
}

static cls_status need_current_model(const cls_job_scale *s, const cls_population *p, const cls_yaml *node) {
  if (find_current_model(p->model)) return CLS_OK;
  return cls_yaml_fail(node,
                       "model %s takes no current that makes up for the synapses left out (scale.indegree "
                       "%g): expected lif_psc_exp or lif_psc_delta, or scale.weights: keep",
                       p->model->name, s->indegree);
}

static cls_status compensate_projection(cls_job_reader *r, uint32_t number) {
  cls_job_scale *s = r->scale;
  cls_network *network = r->job->network;
  cls_projection *p = &network->projections[number];
  double k = s->kept[number], mean = drawn_mean(&p->weight[0]);
  if (k == 1) return CLS_OK;
  scaled_population *scaled = &s->populations[p->target];
  if (p->plasticity)
    return cls_yaml_fail(
        s->section,
        "weights of projection '%s' are plastic, so what the synapses left out (scale.indegree %g) "
        "would bring is not known: expected scale.weights: keep",
        p->name, s->indegree);
  const cls_population *target = &network->populations[p->target];
  CLS_TRY(need_current_model(s, target, cls_yaml_get(scaled->node, "model")));
  int receptor = cls_model_port_receptor(target->model, p->port);
  if (p->kernel.kind != CLS_KERNEL_NONE) p->probability = cls_projection_mean_probability(network, p);
  double synapses = cls_projection_expected_synapses(network, p) / (double)target->n / k, shares = 0;
  for (uint32_t i = 0; i < p->n_sources; i++) shares += p->sources[i].weight;
  for (uint32_t i = 0; i < p->n_sources; i++) {
    uint32_t source = p->sources[i].population;
    const cls_yaml *node = s->populations[source].node;
    if (!cls_yaml_get(node, "rate_hz"))
      return cls_yaml_fail(node,
                           "key 'rate_hz' is missing: the expected rate of '%s' says what its synapses that "
                           "are left out would bring; or write scale.weights: keep",
                           network->populations[source].name);
    scaled->lost[receptor] += synapses * p->sources[i].weight / shares * mean *
                              network->populations[source].rate_hz * (1 - sqrt(k));
  }
  multiply(&p->weight[0], 1 / sqrt(k));
  scaled->changed = true;
  return CLS_OK;
}

/* Of one input: steady Poisson trains are many synapses; other inputs are what they are, and so are those of
 * relays, which have no mean to keep. */
static cls_status compensate_input(cls_job_scale *s, cls_population *p, cls_input *input,
                                   scaled_population *scaled, double lost[CLS_MAX_RECEPTORS]) {
  double k = s->indegree;
  bool background = strcmp(input->model->name, "poisson") == 0 && !input->waveform && !p->model->no_current;
  if (!background || k == 1) return CLS_OK;
  CLS_TRY(need_current_model(s, p, cls_yaml_get(scaled->node, "model")));
  cls_distribution *rate = &input->param[cls_model_param(input->model, "rate_hz")];
  cls_distribution *weight = &input->param[cls_model_param(input->model, "weight")];
  lost[input->receptor] += cls_distribution_mean(rate) * drawn_mean(weight) * (1 - sqrt(k));
  multiply(rate, k);
  multiply(weight, 1 / sqrt(k));
  scaled->changed = true;
  return CLS_OK;
}

/* Charge per unit of weight of each receptor times what is lost per second: a current. */
static cls_status current_of(const cls_population *p, const double lost[CLS_MAX_RECEPTORS], double *current) {
  const current_model *model = find_current_model(p->model);
  *current = 0;
  for (int i = 0; i < p->model->n_receptors; i++) {
    int param = cls_model_param(p->model, model->charge[i]);
    CLS_CHECK(param >= 0, CLS_ERR_INTERNAL, "model %s has no parameter %s", p->model->name, model->charge[i]);
    *current += drawn_mean(&p->param[param]) * lost[i] / 1000; /* rates are per second */
  }
  return CLS_OK;
}

static cls_status compensate_population(cls_job_reader *r, uint32_t number) {
  cls_job_scale *s = r->scale;
  cls_population *p = &r->job->network->populations[number];
  scaled_population *scaled = &s->populations[number];
  double background_lost[CLS_MAX_RECEPTORS] = {0}, recurrent, background;
  for (int i = 0; i < p->n_inputs; i++)
    CLS_TRY(compensate_input(s, p, &p->inputs[i], scaled, background_lost));
  if (!scaled->changed) return CLS_OK;
  CLS_TRY(current_of(p, scaled->lost, &recurrent));
  CLS_TRY(current_of(p, background_lost, &background));
  const char *name = find_current_model(p->model)->current;
  int current = cls_model_param(p->model, name);
  CLS_CHECK(current >= 0, CLS_ERR_INTERNAL, "model %s has no parameter %s", p->model->name, name);
  shift(&p->param[current], recurrent + background);
  cls_log(r->world, s->n_populations > 32 ? 2 : 1,
          "scale: population '%s': weights x %.10g, Poisson rates x %.10g, %s + %.10g (synapses %.10g, "
          "Poisson %.10g)",
          p->name, 1 / sqrt(s->indegree), s->indegree, name, recurrent + background, recurrent, background);
  return CLS_OK;
}

cls_status cls_job_compensate(cls_job_reader *r) {
  const cls_network *network = r->job->network;
  if (!r->scale->compensate) return CLS_OK;
  for (uint32_t i = 0; i < network->n_projections; i++) CLS_TRY(compensate_projection(r, i));
  for (uint32_t i = 0; i < network->n_populations; i++) CLS_TRY(compensate_population(r, i));
  return CLS_OK;
}

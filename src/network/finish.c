/* Checks of a description: populations against their models, projections against the sizes of what they
 * connect. Every refusal names the object, the value and what was expected. */
#include <stdlib.h>

#include "network/internal.h"

/* ---- populations ---- */

/* Runs cls_distribution_check with a name put together from `owner` and `what`. */
static cls_status check_distribution(const cls_distribution *d, const char *owner, const char *what) {
  char *name = cls_format("%s: %s", owner, what);
  CLS_CHECK(name, CLS_ERR_MEMORY, "no memory for a message about %s", owner);
  cls_status status = cls_distribution_check(d, name);
  free(name);
  return status;
}

/* The mean, or the bound nearest to it: what a constant is, and what stands for a distribution. */
static double clamped_mean(const cls_distribution *d) {
  double mean = cls_distribution_mean(d);
  double lower = cls_distribution_lower(d), upper = cls_distribution_upper(d);
  return mean < lower ? lower : mean > upper ? upper : mean;
}

/* One parameter against the model's range: constants must lie in it, distributions are confined to it. */
static cls_status finish_param(cls_distribution *d, const cls_param_info *info, const char *owner) {
  if (d->kind == CLS_CONSTANT) {
    CLS_TRY(check_distribution(d, owner, info->name));
    double value = clamped_mean(d);
    CLS_CHECK(value >= info->min && value <= info->max, CLS_ERR_INPUT, "%s: %s: %g: expected %g ... %g %s",
              owner, info->name, value, info->min, info->max, info->unit);
    return CLS_OK;
  }
  CLS_CHECK(!info->shared, CLS_ERR_INPUT,
            "%s: %s: a distribution: expected one number, all neurons of the population share it", owner,
            info->name);
  if (d->min < info->min) d->min = info->min;
  if (d->max > info->max) d->max = info->max;
  return check_distribution(d, owner, info->name);
}

/* All parameters of one model, and the relations between them (at the means of distributions). */
static cls_status finish_params(const cls_network *network, const cls_model *model, cls_distribution *param,
                                const char *owner) {
  double value[CLS_MAX_PARAMS];
  for (int i = 0; i < model->n_params; i++) {
    CLS_TRY(finish_param(&param[i], &model->params[i], owner));
    value[i] = clamped_mean(&param[i]);
  }
  if (!model->check) return CLS_OK;
  cls_status status = model->check(value, network->dt_ms);
  return status == CLS_OK ? CLS_OK : cls_error_prefix(status, "%s", owner);
}

/* A waveform against the strength it multiplies: rates and their greatest value. */
static cls_status finish_waveform(const cls_network *network, const cls_input *input) {
  double low, high, value[CLS_MAX_PARAMS];
  const cls_model *model = input->model;
  CLS_CHECK(model->takes_waveform, CLS_ERR_INPUT, "waveform: model %s takes none", model->name);
  CLS_TRY(cls_waveform_check(input->waveform));
  if (!model->table) return CLS_OK;
  CLS_TRY(cls_waveform_bounds(input->waveform, &low, &high));
  CLS_CHECK(low >= 0, CLS_ERR_INPUT, "waveform: may be as low as %.10g: expected no rate below 0", low);
  for (int i = 0; i < model->n_params; i++) value[i] = clamped_mean(&input->param[i]);
  value[cls_model_param(model, model->level)] *= high;
  return model->check ? model->check(value, network->dt_ms) : CLS_OK;
}

/* Weights of an input obey what the receptor asks of synapses. */
static cls_status finish_input_weight(const cls_model *neuron, const cls_input *input) {
  int port = 0, weight = cls_model_param(input->model, "weight");
  while (port + 1 < neuron->n_ports && cls_model_port_receptor(neuron, port + 1) <= input->receptor) port++;
  double lower = weight < 0 ? 0 : cls_distribution_lower(&input->param[weight]);
  CLS_CHECK(lower >= 0 || neuron->ports[port].signed_weights, CLS_ERR_INPUT,
            "weight: may be as low as %g: receptor %s takes weights >= 0 (state a minimum of 0)", lower,
            neuron->ports[port].receptor[input->receptor - cls_model_port_receptor(neuron, port)]);
  return CLS_OK;
}

/* Where an input acts: through a receptor or as a current, and on whom. */
static cls_status finish_reach(const cls_population *population, const cls_input *input) {
  const cls_model *neuron = population->model;
  if (input->model->needs_port) {
    CLS_CHECK(input->receptor >= 0 && input->receptor < neuron->n_receptors, CLS_ERR_INPUT,
              "receptor %d: model %s has %d", input->receptor, neuron->name, neuron->n_receptors);
    CLS_TRY(finish_input_weight(neuron, input));
  } else {
    CLS_CHECK(input->receptor == -1, CLS_ERR_INPUT, "receptor %d: it is a current and takes none",
              input->receptor);
    CLS_CHECK(!neuron->no_current, CLS_ERR_INPUT, "is a current: model %s takes none", neuron->name);
  }
  CLS_CHECK(!input->model->needs_trains == !input->trains, CLS_ERR_INPUT, "%s",
            input->trains ? "takes no spikes from outside" : "has no spikes: expected where they come from");
  CLS_CHECK(!input->model->needs_waveform || input->waveform, CLS_ERR_INPUT,
            "has no waveform: expected how its strength changes in time");
  CLS_CHECK(input->omit >= 0 && input->omit <= 1, CLS_ERR_INPUT, "omits a share of %g: expected 0 ... 1",
            input->omit);
  CLS_CHECK(input->first < population->n && input->count <= population->n - input->first, CLS_ERR_INPUT,
            "acts on %llu neurons from %llu on: there are %llu", (unsigned long long)input->count,
            (unsigned long long)input->first, (unsigned long long)population->n);
  return CLS_OK;
}

static cls_status finish_input(const cls_network *network, cls_population *population, int number) {
  cls_input *input = &population->inputs[number];
  CLS_CHECK(input->model->is_input, CLS_ERR_INPUT,
            "population '%s': input %d: model %s is a neuron, not an input", population->name, number,
            input->model->name);
  char *owner = cls_format("population '%s': input %d (%s)", population->name, number, input->model->name);
  CLS_CHECK(owner, CLS_ERR_MEMORY, "no memory for a message about population '%s'", population->name);
  cls_status status = finish_params(network, input->model, input->param, owner);
  if (status == CLS_OK) {
    status = finish_reach(population, input);
    if (status == CLS_OK && input->waveform) status = finish_waveform(network, input);
    if (status != CLS_OK) status = cls_error_prefix(status, "%s", owner);
  }
  free(owner);
  return status;
}

static cls_status finish_neurons(const cls_network *network, cls_population *population, const char *owner) {
  const cls_model *model = population->model;
  CLS_TRY(finish_params(network, model, population->param, owner));
  for (int i = 0; i < model->n_states; i++) {
    if (!population->has_initial[i]) continue;
    CLS_CHECK(model->states[i].settable, CLS_ERR_INPUT, "%s: initial: %s: model %s does not let it be set",
              owner, model->states[i].name, model->name);
    CLS_TRY(check_distribution(&population->initial[i], owner, model->states[i].name));
  }
  for (int i = 0; i < population->n_inputs; i++) CLS_TRY(finish_input(network, population, i));
  return CLS_OK;
}

cls_status cls_population_finish(const cls_network *network, cls_population *population) {
  CLS_CHECK(population->n >= 1 && population->n <= UINT32_MAX, CLS_ERR_INPUT,
            "population '%s': n: %llu: expected 1 ... %u neurons", population->name,
            (unsigned long long)population->n, UINT32_MAX);
  CLS_CHECK(population->region >= -1 && population->region < (int64_t)network->n_regions, CLS_ERR_INPUT,
            "population '%s': region %d: there are %u", population->name, population->region,
            network->n_regions);
  CLS_CHECK(population->rate_hz >= 0 && population->rate_hz <= 1e6, CLS_ERR_INPUT,
            "population '%s': rate_hz: %g: expected a rate of at least 0", population->name,
            population->rate_hz);
  char *owner = cls_format("population '%s'", population->name);
  CLS_CHECK(owner, CLS_ERR_MEMORY, "no memory for a message about population '%s'", population->name);
  cls_status status = finish_neurons(network, population, owner);
  free(owner);
  return status;
}

/* ---- projections ---- */

/* Neurons of source i that one target may draw: itself left out where autapses are forbidden. */
static uint64_t candidates(const cls_network *network, const cls_projection *p, uint32_t i) {
  uint64_t n = network->populations[p->sources[i].population].n;
  return !p->autapses && p->sources[i].population == p->target ? n - 1 : n;
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* Mixtures: positive shares, made to sum to 1; every population once. */
static cls_status finish_sources(const cls_network *network, cls_projection *p) {
  double sum = 0;
  for (uint32_t i = 0; i < p->n_sources; i++) {
    const cls_projection_source *s = &p->sources[i];
    const char *name = network->populations[s->population].name;
    CLS_CHECK(s->weight > 0 && s->weight <= 1e300, CLS_ERR_INPUT,
              "projection '%s': share of source '%s': %g: expected a number above 0", p->name, name,
              s->weight);
    CLS_CHECK(s->delay_ms >= 0 && s->delay_ms <= 1e300, CLS_ERR_INPUT,
              "projection '%s': delay from source '%s': %g ms: expected at least 0", p->name, name,
              s->delay_ms);
    sum += s->weight;
  }
  CLS_CHECK(sum <= 1e300, CLS_ERR_INPUT, "projection '%s': the shares of its sources sum to %g", p->name,
            sum);
  for (uint32_t i = 0; i < p->n_sources; i++) p->sources[i].weight /= sum;
  if (p->n_sources == 1) return CLS_OK;

  uint32_t *sorted;
  CLS_TRY(cls_alloc(&sorted, p->n_sources, sizeof *sorted, "sources of a projection"));
  for (uint32_t i = 0; i < p->n_sources; i++) sorted[i] = p->sources[i].population;
  qsort(sorted, p->n_sources, sizeof *sorted, ascending);
  int64_t twice = -1;
  for (uint32_t i = 1; i < p->n_sources; i++)
    if (sorted[i] == sorted[i - 1]) twice = sorted[i];
  free(sorted);
  CLS_CHECK(twice < 0, CLS_ERR_INPUT, "projection '%s': source '%s' is named twice", p->name,
            network->populations[twice].name);
  return CLS_OK;
}

static cls_status check_indegree(const cls_network *network, const cls_projection *p) {
  CLS_CHECK(p->indegree <= UINT32_MAX, CLS_ERR_INPUT, "projection '%s': indegree: %llu: expected at most %u",
            p->name, (unsigned long long)p->indegree, UINT32_MAX);
  if (p->indegree == 0) return CLS_OK;
  uint64_t distinct = 0;
  for (uint32_t i = 0; i < p->n_sources; i++) {
    uint64_t n = candidates(network, p, i);
    CLS_CHECK(n > 0, CLS_ERR_INPUT,
              "projection '%s': autapses: false: source '%s' has no neuron but the target itself", p->name,
              network->populations[p->sources[i].population].name);
    distinct += n;
  }
  CLS_CHECK(
      p->multapses || p->indegree <= distinct, CLS_ERR_INPUT,
      "projection '%s': indegree: %llu: without multapses%s at most %llu, the number of distinct sources",
      p->name, (unsigned long long)p->indegree, p->autapses ? "" : " and autapses",
      (unsigned long long)distinct);
  return CLS_OK;
}

static cls_status check_rule(const cls_network *network, const cls_projection *p) {
  const cls_population *target = &network->populations[p->target];
  const cls_population *source = &network->populations[p->sources[0].population];
  CLS_CHECK(p->n_sources == 1 || p->rule == CLS_FIXED_INDEGREE, CLS_ERR_INPUT,
            "projection '%s': %u source populations: only fixed_indegree takes more than one", p->name,
            p->n_sources);
  switch (p->rule) {
  case CLS_ONE_TO_ONE:
    CLS_CHECK(source->n == target->n, CLS_ERR_INPUT,
              "projection '%s': one_to_one: '%s' has %llu neurons and '%s' %llu: expected equal sizes",
              p->name, source->name, (unsigned long long)source->n, target->name,
              (unsigned long long)target->n);
    return CLS_OK;
  case CLS_ALL_TO_ALL:
    return CLS_OK;
  case CLS_FIXED_INDEGREE:
    return check_indegree(network, p);
  case CLS_FIXED_TOTAL_NUMBER: {
    uint64_t pairs = cls_projection_pairs(network, p);
    CLS_CHECK(
        p->total == 0 || pairs > 0, CLS_ERR_INPUT,
        "projection '%s': total: %llu: autapses are forbidden and '%s' has one neuron: no pair to connect",
        p->name, (unsigned long long)p->total, target->name);
    CLS_CHECK(p->multapses || p->total <= pairs, CLS_ERR_INPUT,
              "projection '%s': total: %llu: without multapses at most %llu, the number of pairs", p->name,
              (unsigned long long)p->total, (unsigned long long)pairs);
    return CLS_OK;
  }
  case CLS_PAIRWISE_BERNOULLI:
    CLS_CHECK(p->probability >= 0 && p->probability <= 1, CLS_ERR_INPUT,
              "projection '%s': probability: %g: expected 0 ... 1", p->name, p->probability);
    return CLS_OK;
  }
  return cls_fail(CLS_ERR_INTERNAL, "projection '%s': unknown rule %d", p->name, (int)p->rule);
}

/* Weights against the port, with bounds made explicit. */
static cls_status finish_weights(cls_projection *p, const char *owner, const cls_model *model) {
  CLS_CHECK(p->port >= 0 && p->port < model->n_ports, CLS_ERR_INPUT, "%s: port %d: model %s has %d", owner,
            p->port, model->name, model->n_ports);
  const cls_port_info *port = &model->ports[p->port];
  for (int r = 0; r < port->receptors; r++) {
    const char *label = port->receptors == 1 ? "weight" : port->receptor[r];
    CLS_TRY(check_distribution(&p->weight[r], owner, label));
    p->weight[r] = cls_distribution_bounded(&p->weight[r]);
    double lower = cls_distribution_lower(&p->weight[r]), upper = cls_distribution_upper(&p->weight[r]);
    CLS_CHECK(lower >= -1e300 && upper <= 1e300, CLS_ERR_INPUT, "%s: %s: %g ... %g: expected finite weights",
              owner, label, lower, upper);
    CLS_CHECK(lower >= 0 || (port->signed_weights && port->receptors == 1), CLS_ERR_INPUT,
              "%s: %s: may be as low as %g: receptor %s takes weights >= 0 (state a minimum of 0)", owner,
              label, lower, port->receptor[r]);
  }
  return CLS_OK;
}

/* The mean delay of every source is at least one step and the longest fits 16 bits. Single drawn values may
 * fall below half a step: they become one step. */
static cls_status finish_delays(const cls_network *network, cls_projection *p, const char *owner) {
  CLS_TRY(check_distribution(&p->delay_ms, owner, "delay_ms"));
  p->delay_ms = cls_distribution_bounded(&p->delay_ms);
  double mean = clamped_mean(&p->delay_ms), upper = cls_distribution_upper(&p->delay_ms);
  for (uint32_t i = 0; i < p->n_sources; i++) {
    const char *source = network->populations[p->sources[i].population].name;
    double usual = p->sources[i].delay_ms + mean;
    CLS_CHECK(usual >= network->dt_ms * (1 - 1e-9), CLS_ERR_INPUT,
              "%s: delay_ms: %g ms (mean, from '%s') is below the step of %g ms", owner, usual, source,
              network->dt_ms);
    double steps = cls_delay_steps(p->sources[i].delay_ms + upper, network->dt_ms);
    CLS_CHECK(steps <= CLS_MAX_DELAY, CLS_ERR_INPUT,
              "%s: delay_ms: up to %g ms (from '%s') are %.0f steps of %g ms: expected at most %d steps",
              owner, p->sources[i].delay_ms + upper, source, steps, network->dt_ms, CLS_MAX_DELAY);
  }
  return CLS_OK;
}

cls_status cls_projection_finish(const cls_network *network, cls_projection *projection) {
  CLS_TRY(finish_sources(network, projection));
  CLS_TRY(check_rule(network, projection));
  char *owner = cls_format("projection '%s'", projection->name);
  CLS_CHECK(owner, CLS_ERR_MEMORY, "no memory for a message about projection '%s'", projection->name);
  cls_status status = finish_weights(projection, owner, network->populations[projection->target].model);
  if (status == CLS_OK) status = finish_delays(network, projection, owner);
  free(owner);
  return status;
}

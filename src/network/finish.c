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

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* Mixtures: positive shares, made to sum to 1; every population once. */
static cls_status finish_sources(const cls_network *network, cls_projection *p) {
  double sum = 0;
  bool ordered = true;
  for (uint32_t i = 0; i < p->n_sources; i++) {
    const cls_projection_source *s = &p->sources[i];
    CLS_CHECK(s->weight > 0 && s->weight <= 1e300, CLS_ERR_INPUT,
              "projection '%s': share of source '%s': %g: expected a number above 0", p->name,
              network->populations[s->population].name, s->weight);
    CLS_CHECK(s->delay_ms >= 0 && s->delay_ms <= 1e300, CLS_ERR_INPUT,
              "projection '%s': delay from source '%s': %g ms: expected at least 0", p->name,
              network->populations[s->population].name, s->delay_ms);
    sum += s->weight;
    ordered = ordered && (i == 0 || s->population > p->sources[i - 1].population);
  }
  CLS_CHECK(sum <= 1e300, CLS_ERR_INPUT, "projection '%s': the shares of its sources sum to %g", p->name,
            sum);
  for (uint32_t i = 0; i < p->n_sources; i++) p->sources[i].weight /= sum;
  if (ordered) return CLS_OK; /* each once */

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
  uint64_t distinct = 0; /* neurons one target may draw: itself left out where autapses are forbidden */
  for (uint32_t i = 0; i < p->n_sources; i++) {
    bool self = !p->autapses && p->sources[i].population == p->target;
    if (!self && (p->multapses || distinct >= p->indegree))
      continue; /* not looked up: there may be millions */
    const cls_population *source = &network->populations[p->sources[i].population];
    CLS_CHECK(!self || source->n > 1, CLS_ERR_INPUT,
              "projection '%s': autapses: false: source '%s' has no neuron but the target itself", p->name,
              source->name);
    distinct += self ? source->n - 1 : source->n;
  }
  CLS_CHECK(
      p->multapses || p->indegree <= distinct, CLS_ERR_INPUT,
      "projection '%s': indegree: %llu: without multapses%s at most %llu, the number of distinct sources",
      p->name, (unsigned long long)p->indegree, p->autapses ? "" : " and autapses",
      (unsigned long long)distinct);
  return CLS_OK;
}

static cls_status check_outdegree(const cls_network *network, const cls_projection *p) {
  uint64_t n = network->populations[p->target].n;
  if (!p->autapses && p->sources[0].population == p->target) n--;
  CLS_CHECK(p->outdegree <= UINT32_MAX, CLS_ERR_INPUT,
            "projection '%s': outdegree: %llu: expected at most %u", p->name,
            (unsigned long long)p->outdegree, UINT32_MAX);
  CLS_CHECK(p->outdegree == 0 || n > 0, CLS_ERR_INPUT,
            "projection '%s': autapses: false: target '%s' has no neuron but the source itself", p->name,
            network->populations[p->target].name);
  CLS_CHECK(
      p->multapses || p->outdegree <= n, CLS_ERR_INPUT,
      "projection '%s': outdegree: %llu: without multapses%s at most %llu, the number of distinct targets",
      p->name, (unsigned long long)p->outdegree, p->autapses ? "" : " and autapses", (unsigned long long)n);
  return CLS_OK;
}

static cls_status check_kernel(const cls_projection *p) {
  const cls_kernel *k = &p->kernel;
  CLS_CHECK(k->peak >= 0 && k->peak <= 1, CLS_ERR_INPUT,
            "projection '%s': probability.peak: %g: expected 0 ... 1", p->name, k->peak);
  CLS_CHECK(k->kind == CLS_KERNEL_BOX || (k->length_mm >= 1e-9 && k->length_mm <= 1e9), CLS_ERR_INPUT,
            "projection '%s': the kernel's length is %g mm: expected 1e-9 ... 1e9", p->name, k->length_mm);
  CLS_CHECK(k->max_mm > 0, CLS_ERR_INPUT, "projection '%s': probability.max_mm: %g: expected more than 0 mm",
            p->name, k->max_mm);
  return CLS_OK;
}

/* Distances need positions at both ends, and one torus. */
static cls_status check_space(const cls_network *network, const cls_projection *p) {
  const cls_population *ends[2] = {&network->populations[p->target],
                                   &network->populations[p->sources[0].population]};
  bool pairs = p->rule == CLS_PAIRWISE_BERNOULLI;
  CLS_CHECK(pairs || p->kernel.kind == CLS_KERNEL_NONE, CLS_ERR_INPUT,
            "projection '%s': a kernel belongs to rule pairwise_bernoulli", p->name);
  if (p->kernel.kind == CLS_KERNEL_NONE && p->velocity_mm_ms == 0) return CLS_OK;
  CLS_CHECK(pairs || p->rule == CLS_FIXED_TOTAL_NUMBER, CLS_ERR_INPUT,
            "projection '%s': delays by distance: expected rule pairwise_bernoulli or fixed_total_number",
            p->name);
  CLS_CHECK(p->velocity_mm_ms == 0 || (p->velocity_mm_ms >= 1e-9 && p->velocity_mm_ms <= 1e9), CLS_ERR_INPUT,
            "projection '%s': velocity %g m/s: expected 1e-9 ... 1e9", p->name, p->velocity_mm_ms);
  for (int i = 0; i < 2; i++)
    CLS_CHECK(ends[i]->positions.shape != CLS_SHAPE_NONE, CLS_ERR_INPUT,
              "projection '%s': distances: population '%s' has no positions", p->name, ends[i]->name);
  const cls_positions *a = &ends[0]->positions, *b = &ends[1]->positions;
  bool alike = a->periodic == b->periodic;
  for (int k = 0; k < 3 && a->periodic && b->periodic; k++)
    alike = alike && a->size_mm[k] == b->size_mm[k] && a->centre_mm[k] == b->centre_mm[k];
  CLS_CHECK(
      alike, CLS_ERR_INPUT,
      "projection '%s': distances: '%s' and '%s' are not periodic alike: expected the same size and centre",
      p->name, ends[0]->name, ends[1]->name);
  return p->kernel.kind == CLS_KERNEL_NONE ? CLS_OK : check_kernel(p);
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
  case CLS_FIXED_OUTDEGREE:
    return check_outdegree(network, p);
  case CLS_EXPLICIT:
    CLS_CHECK(p->edges, CLS_ERR_INTERNAL, "projection '%s': explicit, but nothing is listed", p->name);
    return CLS_OK;
  }
  return cls_fail(CLS_ERR_INTERNAL, "projection '%s': unknown rule %d", p->name, (int)p->rule);
}

/* Weights against the port, with bounds made explicit. */
static cls_status finish_weights(cls_projection *p, const char *owner, const cls_model *model) {
  CLS_CHECK(p->port >= 0 && p->port < model->n_ports, CLS_ERR_INPUT, "%s: port %d: model %s has %d", owner,
            p->port, model->name, model->n_ports);
  const cls_port_info *port = &model->ports[p->port];
  bool listed = p->edges && p->edges->weights > 0;
  CLS_CHECK(!listed || p->edges->weights <= port->receptors, CLS_ERR_INPUT,
            "%s: %s lists %d weights for each synapse: port %s has one receptor", owner, p->edges->name,
            p->edges->weights, port->name);
  for (int r = 0; r < port->receptors; r++) {
    const char *label = port->receptors == 1 ? "weight" : port->receptor[r];
    if (!listed) {
      CLS_TRY(check_distribution(&p->weight[r], owner, label));
      p->weight[r] = cls_distribution_bounded(&p->weight[r]);
    }
    double lower, upper;
    cls_projection_weight_range(p, r, &lower, &upper);
    CLS_CHECK(lower >= -1e300 && upper <= 1e300, CLS_ERR_INPUT, "%s: %s: %g ... %g: expected finite weights",
              owner, label, lower, upper);
    CLS_CHECK(lower >= 0 || (port->signed_weights && port->receptors == 1), CLS_ERR_INPUT,
              "%s: %s: may be as low as %g: receptor %s takes weights >= 0 (state a minimum of 0)", owner,
              label, lower, port->receptor[r]);
  }
  return CLS_OK;
}

void cls_projection_delay_range(const cls_network *network, const cls_projection *projection, double *lower,
                                double *upper) {
  const cls_edge_table *edges = projection->edges;
  *lower = cls_distribution_lower(&projection->delay_ms);
  *upper = cls_distribution_upper(&projection->delay_ms);
  if (edges && edges->delays) {
    *lower += edges->min_delay_ms;
    *upper += edges->max_delay_ms;
  }
  if (projection->velocity_mm_ms > 0) {
    const cls_population *source = &network->populations[projection->sources[0].population];
    cls_box a = cls_positions_extent(&network->populations[projection->target]);
    cls_box b = cls_positions_extent(source);
    double period[3], cutoff = INFINITY;
    cls_projection_period(network, projection, period);
    if (projection->kernel.kind != CLS_KERNEL_NONE) cutoff = cls_kernel_cutoff(&projection->kernel);
    double least = cls_box_gap(&a, &b, period), most = cls_box_reach(&a, &b, period);
    *lower += least / projection->velocity_mm_ms;
    *upper += (most < cutoff ? most : cutoff) / projection->velocity_mm_ms;
  }
}

void cls_projection_delay_span(const cls_projection *p, uint32_t *near, uint32_t *far) {
  *near = *far = 0;
  for (uint32_t i = 1; i < p->n_sources; i++) {
    if (p->sources[i].delay_ms < p->sources[*near].delay_ms) *near = i;
    if (p->sources[i].delay_ms > p->sources[*far].delay_ms) *far = i;
  }
}

/* The mean delay of every source is at least one step and the longest fits 14 bits. Single drawn values may
 * fall below half a step: they become one step; so do those of neighbours where distance counts. */
static cls_status finish_delays(const cls_network *network, cls_projection *p, const char *owner) {
  CLS_TRY(check_distribution(&p->delay_ms, owner, "delay_ms"));
  p->delay_ms = cls_distribution_bounded(&p->delay_ms);
  double mean = clamped_mean(&p->delay_ms), lower, upper;
  cls_projection_delay_range(network, p, &lower, &upper);
  if (p->edges && p->edges->delays) mean = lower;
  if (p->velocity_mm_ms > 0) mean = upper;
  uint32_t near, far;
  cls_projection_delay_span(p, &near, &far);
  double usual = p->sources[near].delay_ms + mean, longest = p->sources[far].delay_ms + upper;
  CLS_CHECK(usual >= network->dt_ms * (1 - 1e-9), CLS_ERR_INPUT,
            "%s: delay_ms: %g ms (mean, from '%s') is below the step of %g ms", owner, usual,
            network->populations[p->sources[near].population].name, network->dt_ms);
  double steps = cls_delay_steps(longest, network->dt_ms);
  CLS_CHECK(steps <= CLS_MAX_DELAY, CLS_ERR_INPUT,
            "%s: delay_ms: up to %g ms (from '%s') are %.0f steps of %g ms: expected at most %d steps", owner,
            longest, network->populations[p->sources[far].population].name, steps, network->dt_ms,
            CLS_MAX_DELAY);
  return CLS_OK;
}

cls_status cls_projection_finish(const cls_network *network, cls_projection *projection, bool owns) {
  if (owns) CLS_TRY(finish_sources(network, projection));
  CLS_TRY(check_rule(network, projection));
  CLS_TRY(check_space(network, projection));
  if (projection->procedural) CLS_TRY(cls_projection_check_procedural(projection));
  if (projection->kernel.kind != CLS_KERNEL_NONE)
    projection->probability = cls_projection_mean_probability(network, projection);
  char *owner = cls_format("projection '%s'", projection->name);
  CLS_CHECK(owner, CLS_ERR_MEMORY, "no memory for a message about projection '%s'", projection->name);
  cls_status status = cls_projection_finish_plasticity(network, projection, owner);
  if (status == CLS_OK)
    status = finish_weights(projection, owner, network->populations[projection->target].model);
  if (status == CLS_OK) status = finish_delays(network, projection, owner);
  free(owner);
  return status;
}

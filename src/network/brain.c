/* From a connectome to a network: the canonical excitatory-inhibitory unit of every region and its
 * connections, after the Digital Twin Brain (Lu, Feng et al., arXiv 2308.01241, Methods). This file holds the
 * whole and the local part; brain_regions.c sizes, brain_tracts.c long-range connections. */
#include "network/brain.h"
#include "base/math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked for ---- */

static cls_status check_ports(cls_expansion *x) {
  const cls_model *model = x->brain->model;
  CLS_CHECK(model, CLS_ERR_INPUT, "brain.model: none given, expected a neuron model");
  x->port_e = x->port_i = -1;
  for (int i = 0; i < model->n_ports; i++) {
    if (model->ports[i].receptors != 2) continue;
    if (strcmp(model->ports[i].name, "excitatory") == 0) x->port_e = i;
    if (strcmp(model->ports[i].name, "inhibitory") == 0) x->port_i = i;
  }
  CLS_CHECK(
      x->port_e >= 0 && x->port_i >= 0, CLS_ERR_INPUT,
      "brain.model: %s: expected a model with the ports excitatory and inhibitory of two receptors each, "
      "such as lif_dtb",
      model->name);
  return CLS_OK;
}

static cls_status check_shares(const cls_brain *b) {
  const double share[] = {b->local_e, b->local_i, b->long_range};
  const char *name[] = {"local_e", "local_i", "long_range"};
  for (int i = 0; i < 3; i++)
    CLS_CHECK(share[i] >= 0 && share[i] <= 1, CLS_ERR_INPUT, "brain: share %s: %g: expected 0 ... 1", name[i],
              share[i]);
  double sum = share[0] + share[1] + share[2];
  CLS_CHECK(fabs(sum - 1) <= 1e-3, CLS_ERR_INPUT,
            "brain: the shares %g (local_e), %g (local_i) and %g (long_range) sum to %g, expected 1",
            share[0], share[1], share[2], sum);
  return CLS_OK;
}

static cls_status check_options(cls_expansion *x) {
  const cls_brain *b = x->brain;
  CLS_TRY(check_ports(x));
  CLS_TRY(check_shares(b));
  CLS_CHECK(b->indegree >= 1 && b->indegree <= UINT32_MAX, CLS_ERR_INPUT,
            "brain.indegree: %llu: expected 1 ... 2^32 - 1", (unsigned long long)b->indegree);
  CLS_CHECK(b->excitatory_share > 0 && b->excitatory_share < 1, CLS_ERR_INPUT,
            "brain.excitatory_share: %g: expected a number between 0 and 1", b->excitatory_share);
  CLS_CHECK(b->rule == CLS_FIXED_INDEGREE || b->rule == CLS_FIXED_TOTAL_NUMBER, CLS_ERR_INPUT,
            "brain.rule: expected fixed_indegree or fixed_total_number");
  CLS_CHECK(b->velocity_m_s > 0 && isfinite(b->velocity_m_s), CLS_ERR_INPUT,
            "brain.velocity_m_s: %g: expected a finite number above 0", b->velocity_m_s);
  CLS_CHECK(b->delay_jitter_ms >= 0 && isfinite(b->delay_jitter_ms), CLS_ERR_INPUT,
            "brain.delay_jitter_ms: %g: expected a finite number >= 0", b->delay_jitter_ms);
  CLS_CHECK(b->coupling >= 0 && isfinite(b->coupling), CLS_ERR_INPUT,
            "brain.coupling: %g: expected a finite number >= 0", b->coupling);
  CLS_CHECK(b->n_inputs == 0 || b->inputs, CLS_ERR_MEMORY, "brain: no memory for its inputs");
  const double shares[3] = {b->local_e, b->local_i, b->long_range};
  uint64_t synapses[3];
  CLS_TRY(cls_apportion(b->indegree, shares, 3, 0, synapses, "brain.indegree"));
  x->local_e = synapses[0];
  x->local_i = synapses[1];
  x->long_range = synapses[2];
  return CLS_OK;
}

/* ---- populations ---- */

/* Fewer, stronger synapses are noisier, and close to the threshold noise is rate: with 100 / in-degree alone
 * the demo's brain fires at 12.8, 6.5, 4.0 and 3.4 Hz at in-degrees 50, 100, 200 and 1000 (76 regions of The
 * Virtual Brain, 20,000 neurons). These factors on the excitatory conductances keep its rate: measured there
 * and on the generated connectome, at the demo's parameters (jobs/examples/demo.yaml); benchmarks/README.md
 * has the rates with them. Linear in ln(in-degree) between the points, constant beyond. */
double cls_brain_compensation(uint64_t indegree) {
  static const double point[][2] = {{50, .88}, {100, 1}, {200, 1.045}, {1000, 1.046}};
  enum { N = sizeof point / sizeof *point };
  double k = (double)indegree;
  if (k <= point[0][0]) return point[0][1];
  for (int i = 1; i < N; i++) {
    if (k > point[i][0]) continue;
    double share = cls_ln(k / point[i - 1][0]) / cls_ln(point[i][0] / point[i - 1][0]);
    return point[i - 1][1] + share * (point[i][1] - point[i - 1][1]);
  }
  return point[N - 1][1];
}

/* Is this parameter the conductance of a receptor of the port? They are named g_RECEPTOR_unit. */
static bool is_conductance_of(const cls_model *model, const char *name, int port) {
  if (strncmp(name, "g_", 2) != 0) return false;
  for (int k = 0; k < model->ports[port].receptors; k++) {
    const char *receptor = model->ports[port].receptor[k];
    size_t length = strlen(receptor);
    if (strncmp(name + 2, receptor, length) == 0 && (name[2 + length] == '_' || name[2 + length] == 0))
      return true;
  }
  return false;
}

/* The same current through more, weaker synapses: conductances scale with 100 / in-degree, so that the
 * working point stays. The leak is no synapse. */
static cls_distribution scaled_param(const cls_expansion *x, int i) {
  const cls_brain *brain = x->brain;
  cls_distribution d = brain->param[i];
  const char *name = brain->model->params[i].name;
  bool excitatory = is_conductance_of(brain->model, name, x->port_e);
  if (!excitatory && !is_conductance_of(brain->model, name, x->port_i)) return d;
  double factor = 100.0 / (double)brain->indegree;
  if (excitatory && brain->compensate) factor *= cls_brain_compensation(brain->indegree);
  d.offset *= factor;
  d.scale *= factor;
  d.min *= factor;
  d.max *= factor;
  return d;
}

static cls_status add_population(cls_expansion *x, uint32_t region, int index, char type) {
  const cls_brain *brain = x->brain;
  uint64_t n = type == 'E' ? x->excitatory[region] : x->neurons[region] - x->excitatory[region];
  CLS_CHECK(n <= UINT32_MAX, CLS_ERR_LIMIT,
            "brain: population %s/%c of %llu neurons, expected at most 2^32 - 1", cls_kept_name(x, region),
            type, (unsigned long long)n);
  char *name = cls_format("%s/%c", cls_kept_name(x, region), type);
  CLS_CHECK(name, CLS_ERR_MEMORY, "out of memory for population names");
  cls_population *p = NULL;
  cls_status status = cls_network_add_population(x->network, name, brain->model, n, &p);
  free(name);
  CLS_TRY(status);
  p->region = index;
  p->type = type;
  for (int i = 0; i < brain->model->n_params; i++) p->param[i] = scaled_param(x, i);
  for (int i = 0; i < brain->n_inputs; i++) {
    cls_input *input = NULL;
    CLS_TRY(cls_population_add_input(p, brain->inputs[i].model, &input));
    const uint64_t key = input->key;
    *input = brain->inputs[i];
    input->key = key;
  }
  return CLS_OK;
}

static cls_status add_populations(cls_expansion *x) {
  CLS_TRY(cls_alloc(&x->population, x->n, sizeof *x->population, "populations of regions"));
  for (uint32_t i = 0; i < x->n; i++) {
    int index = -1;
    CLS_TRY(cls_network_add_region(x->network, cls_kept_name(x, i), x->connectome->centre_mm[x->kept[i]],
                                   &index));
    x->population[i] = x->network->n_populations;
    CLS_TRY(add_population(x, i, index, 'E'));
    CLS_TRY(add_population(x, i, index, 'I'));
  }
  return CLS_OK;
}

/* ---- local projections ---- */

cls_status cls_brain_repeat_sources(cls_expansion *x, cls_projection *projection, uint64_t indegree,
                                    uint64_t sources) {
  cls_shortage *s = &x->shortage;
  projection->multapses = true;
  /* shortest: the least sources / indegree, compared without division */
  bool shorter = s->n == 0 || (double)sources * (double)s->example_indegree <
                                  (double)s->example_sources * (double)indegree;
  s->n++;
  if (!shorter) return CLS_OK;
  free(s->example);
  s->example = cls_format("%s", projection->name);
  CLS_CHECK(s->example, CLS_ERR_MEMORY, "out of memory for a warning");
  s->example_indegree = indegree;
  s->example_sources = sources;
  return CLS_OK;
}

static cls_status add_local(cls_expansion *x, uint32_t region, char to, char from, uint64_t indegree) {
  if (indegree == 0) return CLS_OK;
  char *name = cls_format("%s/%c<-local %c", cls_kept_name(x, region), to, from);
  CLS_CHECK(name, CLS_ERR_MEMORY, "out of memory for projection names");
  uint32_t target = x->population[region] + (to == 'I');
  cls_projection_source source = {.population = x->population[region] + (from == 'I'), .weight = 1};
  uint64_t candidates = x->network->populations[source.population].n;
  cls_projection *p = NULL;
  cls_status status =
      cls_network_add_projection(x->network, name, target, CLS_FIXED_INDEGREE, &source, 1, &p);
  free(name);
  CLS_TRY(status);
  p->indegree = indegree;
  p->port = from == 'E' ? x->port_e : x->port_i;
  p->weight[0] = p->weight[1] = cls_constant(0);
  p->weight[0].kind = p->weight[1].kind = CLS_UNIFORM;
  p->weight[0].b = p->weight[1].b = 1;
  p->delay_ms = x->brain->local_delay_ms;
  p->type = 'L';
  p->autapses = to == from && candidates == 1; /* nobody else to choose */
  p->multapses = false;
  x->shortage.of++;
  if (to == from && candidates > 1) candidates--;
  return indegree > candidates ? cls_brain_repeat_sources(x, p, indegree, candidates) : CLS_OK;
}

cls_status cls_brain_local(cls_expansion *x, uint32_t region, bool isolated) {
  uint64_t from_e = x->local_e + (isolated ? x->long_range : 0);
  CLS_TRY(add_local(x, region, 'E', 'E', from_e));
  CLS_TRY(add_local(x, region, 'E', 'I', x->local_i));
  CLS_TRY(add_local(x, region, 'I', 'E', from_e));
  return add_local(x, region, 'I', 'I', x->local_i);
}

/* ---- the whole ---- */

static void log_result(const cls_expansion *x) {
  uint64_t excitatory = 0, neurons = 0;
  for (uint32_t i = 0; i < x->n; i++) {
    excitatory += x->excitatory[i];
    neurons += x->neurons[i];
  }
  cls_log(
      x->world, 1,
      "brain: %u regions, %llu neurons (%llu E, %llu I), in-degree %llu = %llu local E + %llu local I + %llu "
      "long range",
      x->n, (unsigned long long)neurons, (unsigned long long)excitatory,
      (unsigned long long)(neurons - excitatory), (unsigned long long)x->brain->indegree,
      (unsigned long long)x->local_e, (unsigned long long)x->local_i, (unsigned long long)x->long_range);
  if (x->brain->indegree != 100)
    cls_log(x->world, 1, "brain: conductances x %g (100 / in-degree)%s", 100.0 / (double)x->brain->indegree,
            x->brain->compensate ? "" : "; no compensation of the noise of the in-degree");
  if (x->brain->indegree != 100 && x->brain->compensate)
    cls_log(
        x->world, 1,
        "brain: excitatory ones x %.4f too, which keeps the rate (brain.compensation: none leaves it out)",
        cls_brain_compensation(x->brain->indegree));
  if (x->shortage.n > 0)
    cls_warn(
        x->world,
        "brain: %llu of %llu projections have too few distinct sources (%s: %llu sources for %llu synapses "
        "of a neuron): a neuron may draw a source more than once",
        (unsigned long long)x->shortage.n, (unsigned long long)x->shortage.of, x->shortage.example,
        (unsigned long long)x->shortage.example_sources, (unsigned long long)x->shortage.example_indegree);
}

static cls_status expand(cls_expansion *x) {
  CLS_TRY(check_options(x));
  CLS_TRY(cls_connectome_check(x->connectome));
  CLS_TRY(cls_brain_regions(x));
  CLS_TRY(add_populations(x));
  CLS_TRY(cls_brain_tracts(x));
  log_result(x);
  return CLS_OK;
}

cls_status cls_network_add_brain(cls_network *network, const cls_connectome *connectome,
                                 const cls_brain *brain, const cls_world *world, uint32_t **kept,
                                 uint32_t *n_kept) {
  cls_expansion x = {.network = network, .connectome = connectome, .brain = brain, .world = world};
  cls_status status = expand(&x);
  *kept = status == CLS_OK ? x.kept : NULL;
  *n_kept = status == CLS_OK ? x.n : 0;
  if (status != CLS_OK) free(x.kept);
  free(x.place);
  free(x.neurons);
  free(x.excitatory);
  free(x.population);
  free(x.shortage.example);
  return status;
}

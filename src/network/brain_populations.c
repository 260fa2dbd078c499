/* The populations of a brain, and how their conductances follow from the number of their synapses. */
#include "base/math.h"
#include "network/brain.h"

#include <string.h>

/* Fewer, stronger synapses are noisier, and close to the threshold noise is rate: with 100 / in-degree alone
 * the demo's brain fires at 12.8, 6.5, 4.0 and 3.4 Hz at in-degrees 50, 100, 200 and 1000 (76 regions of The
 * Virtual Brain, 20,000 neurons). These factors on the excitatory conductances keep its rate: measured there
 * and on the generated connectome, at the demo's parameters (jobs/examples/demo.yaml); benchmarks/README.md
 * has the rates with them. Linear in ln(in-degree) between the points, constant beyond. */
double cls_brain_compensation(double indegree) {
  static const double point[][2] = {{50, .88}, {100, 1}, {200, 1.045}, {1000, 1.046}};
  enum { N = sizeof point / sizeof *point };
  if (indegree <= point[0][0]) return point[0][1];
  for (int i = 1; i < N; i++) {
    if (indegree > point[i][0]) continue;
    double share = cls_ln(indegree / point[i - 1][0]) / cls_ln(point[i][0] / point[i - 1][0]);
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

/* The same current through more, weaker synapses: conductances scale with 100 / in-degree of the
 * population, so that the working point stays. (The Digital Twin Brain's own conductances of the column's
 * populations, which have 48 to 122 synapses, follow this rule: those of AMPA within 7 %.) The leak is no
 * synapse. The compensation follows the mean in-degree of the region's neurons, as it was measured. */
static void scale_params(const cls_expansion *x, uint32_t region, uint64_t indegree,
                         cls_distribution *param) {
  const cls_brain *brain = x->brain;
  const cls_model *model = brain->model;
  double density = brain->density_scales ? 1 : x->density[region];
  double factor = 100.0 * density / (double)indegree;
  double compensation =
      brain->compensate ? cls_brain_compensation((double)brain->indegree * x->density[region] / density) : 1;
  for (int i = 0; i < model->n_params; i++) {
    bool excitatory = is_conductance_of(model, model->params[i].name, x->port_e);
    if (!excitatory && !is_conductance_of(model, model->params[i].name, x->port_i)) continue;
    double by = excitatory ? factor * compensation : factor;
    param[i].offset *= by;
    param[i].scale *= by;
    param[i].min *= by;
    param[i].max *= by;
  }
}

static cls_status add_population(cls_expansion *x, uint32_t region, int index, uint32_t number, uint64_t n) {
  const cls_brain *brain = x->brain;
  const cls_region_unit *unit = cls_kept_unit(x, region);
  const cls_unit_population *made = &unit->population[number];
  CLS_CHECK(n <= UINT32_MAX, CLS_ERR_LIMIT,
            "brain: population %s/%s of %llu neurons, expected at most 2^32 - 1", cls_kept_name(x, region),
            made->name, (unsigned long long)n);
  cls_unit_indegree row;
  CLS_TRY(cls_kept_row(x, region, number, &row));
  char name[512];
  snprintf(name, sizeof name, "%s/%s", cls_kept_name(x, region), made->name);
  cls_population *p = NULL;
  CLS_TRY(cls_network_add_population(x->network, name, brain->model, n, &p));
  p->region = index;
  p->type = made->type;
  snprintf(p->layer, sizeof p->layer, "%s", made->layer);
  const cls_distribution *param = unit->param ? unit->param[number] : brain->param;
  memcpy(p->param, param, (size_t)brain->model->n_params * sizeof *param);
  scale_params(x, region, cls_unit_indegree_sum(&row), p->param);
  for (int i = 0; i < brain->n_inputs; i++) {
    cls_input *input = NULL;
    CLS_TRY(cls_population_add_input(p, brain->inputs[i].model, &input));
    const uint64_t key = input->key;
    *input = brain->inputs[i];
    input->key = key;
  }
  return CLS_OK;
}

cls_status cls_brain_populations(cls_expansion *x) {
  uint64_t n[CLS_UNIT_POPULATIONS];
  CLS_TRY(cls_alloc(&x->first, x->n, sizeof *x->first, "populations of regions"));
  for (uint32_t i = 0; i < x->n; i++) {
    const cls_region_unit *unit = cls_kept_unit(x, i);
    int index = -1;
    CLS_TRY(cls_network_add_region(x->network, cls_kept_name(x, i), x->connectome->centre_mm[x->kept[i]],
                                   &index));
    x->first[i] = x->network->n_populations;
    CLS_TRY(cls_unit_divide(unit, x->neurons[i], n));
    for (uint32_t p = 0; p < unit->n; p++) CLS_TRY(add_population(x, i, index, p, n[p]));
  }
  return CLS_OK;
}

/* Expected and greatest numbers of synapses, and the fixed-point scale of weights that follows from them. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "network/internal.h"
#include "network/intervention.h"

uint64_t cls_projection_pairs(const cls_network *network, const cls_projection *projection) {
  uint64_t targets = network->populations[projection->target].n;
  uint64_t sources = network->populations[projection->sources[0].population].n;
  bool diagonal = !projection->autapses && projection->sources[0].population == projection->target;
  return targets * (diagonal ? sources - 1 : sources); /* both < 2^32 */
}

double cls_projection_expected_synapses(const cls_network *network, const cls_projection *projection) {
  double targets = (double)network->populations[projection->target].n;
  switch (projection->rule) {
  case CLS_ONE_TO_ONE:
    return !projection->autapses && projection->sources[0].population == projection->target ? 0 : targets;
  case CLS_ALL_TO_ALL:
    return (double)cls_projection_pairs(network, projection);
  case CLS_FIXED_INDEGREE:
    return targets * (double)projection->indegree;
  case CLS_FIXED_TOTAL_NUMBER:
    return (double)projection->total;
  case CLS_PAIRWISE_BERNOULLI:
    return (double)cls_projection_pairs(network, projection) * projection->probability;
  case CLS_FIXED_OUTDEGREE:
    return (double)network->populations[projection->sources[0].population].n * (double)projection->outdegree;
  case CLS_EXPLICIT:
    return (double)projection->edges->n;
  }
  return 0;
}

double cls_projection_indegree_bound(const cls_network *network, const cls_projection *projection) {
  double targets = (double)network->populations[projection->target].n;
  double per_target = (double)cls_projection_pairs(network, projection) / targets;
  double mean, variance, most;
  switch (projection->rule) {
  case CLS_ONE_TO_ONE:
    return 1;
  case CLS_ALL_TO_ALL:
    return per_target;
  case CLS_FIXED_INDEGREE:
    return (double)projection->indegree;
  case CLS_FIXED_TOTAL_NUMBER: /* binomial (total, 1 / targets); without multapses narrower still */
    mean = (double)projection->total / targets;
    variance = mean;
    most = projection->multapses ? (double)projection->total : per_target;
    break;
  case CLS_FIXED_OUTDEGREE: /* every source binomial (outdegree, 1 / targets), or at most one */
    mean = cls_projection_expected_synapses(network, projection) / targets;
    variance = mean;
    most = projection->multapses ? mean * targets : per_target;
    break;
  case CLS_EXPLICIT:
    return (double)projection->edges->max_indegree;
  default: /* binomial (sources, probability) */
    mean = per_target * projection->probability;
    variance = mean * (1 - projection->probability);
    most = per_target;
    if (projection->kernel.kind != CLS_KERNEL_NONE)
      variance = mean = cls_kernel_indegree(network, projection);
  }
  double bound = rint(mean + 10 * sqrt(variance) + 10);
  return bound < most ? bound : most;
}

void cls_projection_weight_range(const cls_projection *projection, int r, double *lower, double *upper) {
  const cls_edge_table *edges = projection->edges;
  if (edges && edges->weights > 0) {
    int column = edges->weights == 1 ? 0 : r; /* one weight serves both receptors */
    *lower = edges->min_weight[column];
    *upper = edges->max_weight[column];
  } else {
    *lower = cls_distribution_lower(&projection->weight[r]);
    *upper = cls_distribution_upper(&projection->weight[r]);
  }
}

/* The largest |weight| a projection may have at its r-th receptor. */
static double greatest_weight(const cls_projection *projection, int r) {
  double lower, upper;
  if (projection->plasticity && projection->plasticity->has_stdp)
    return fabs(projection->plasticity->stdp.w_max);
  cls_projection_weight_range(projection, r, &lower, &upper);
  return fabs(upper) > fabs(lower) ? fabs(upper) : fabs(lower);
}

/* What decides the scale of one receptor of one population. */
typedef struct {
  double weight;   /* largest |weight| of all projections */
  double indegree; /* synapses onto one neuron, at most */
  int widest;      /* quanta the stored weight can hold: 32767 or 255; 0: no projection */
  const char *by;  /* projection that has the largest weight */
} receptor_load;

/* The smallest power of two such that neither a stored weight nor a sum of 32 bits can overflow:
 * weight <= widest quanta, and weight in quanta times in-degree <= 2^31 - 1. */
static cls_status find_quantum(const cls_population *population, const char *receptor,
                               const receptor_load *load, float *quantum) {
  *quantum = 1;
  if (load->widest == 0 || load->weight == 0) return CLS_OK;
  int exponent;
  frexp(load->weight / load->widest, &exponent); /* weight / widest <= 2^exponent */
  double q = ldexp(1, exponent);
  if (load->weight <= load->widest * (q / 2)) q /= 2; /* an exact power of two */
  double precise = q;
  while (rint(load->weight / q) * load->indegree > (double)INT32_MAX) q *= 2;
  CLS_CHECK(
      q == precise || load->weight / q >= 127.5, CLS_ERR_LIMIT,
      "population '%s', receptor %s: weights up to %g (projection '%s') times %.0f synapses on a neuron "
      "leave %.0f steps for a weight: expected at least 128, so that sums of 32 bits cannot overflow",
      population->name, receptor, load->weight, load->by, load->indegree, rint(load->weight / q));
  CLS_CHECK(
      q >= (double)FLT_MIN && q <= 0x1p127, CLS_ERR_LIMIT,
      "population '%s', receptor %s: weights up to %g (projection '%s'): expected a size between 1e-33 and "
      "1e42",
      population->name, receptor, load->weight, load->by);
  *quantum = (float)q;
  return CLS_OK;
}

cls_status cls_network_fix_quanta(cls_network *network) {
  receptor_load(*loads)[CLS_MAX_RECEPTORS];
  CLS_TRY(cls_alloc(&network->quantum, network->n_populations, sizeof *network->quantum, "weight quanta"));
  CLS_TRY(cls_alloc(&loads, network->n_populations, sizeof *loads, "loads of receptors"));
  for (uint32_t i = 0; i < network->n_projections; i++) {
    const cls_projection *projection = &network->projections[i];
    const cls_model *model = network->populations[projection->target].model;
    int receptors = model->ports[projection->port].receptors;
    for (int r = 0; r < receptors; r++) {
      receptor_load *load = &loads[projection->target][cls_model_port_receptor(model, projection->port) + r];
      double weight = greatest_weight(projection, r) * cls_projection_greatest_factor(network, projection);
      if (load->widest == 0 || weight > load->weight) {
        load->weight = weight;
        load->by = projection->name;
      }
      load->widest = receptors == 1 ? INT16_MAX : UINT8_MAX;
      load->indegree += cls_projection_indegree_bound(network, projection);
    }
  }
  cls_status status = CLS_OK;
  for (uint32_t p = 0; p < network->n_populations && status == CLS_OK; p++) {
    const cls_model *model = network->populations[p].model;
    for (int port = 0; port < model->n_ports && status == CLS_OK; port++)
      for (int r = 0; r < model->ports[port].receptors && status == CLS_OK; r++) {
        int receptor = cls_model_port_receptor(model, port) + r;
        status = find_quantum(&network->populations[p], model->ports[port].receptor[r], &loads[p][receptor],
                              &network->quantum[p][receptor]);
      }
  }
  free(loads);
  return status;
}

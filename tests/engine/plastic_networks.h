/* Networks whose synapses are plastic in every way there is. */
#ifndef CALLOSUM_TEST_ENGINE_PLASTIC_NETWORKS_H
#define CALLOSUM_TEST_ENGINE_PLASTIC_NETWORKS_H

#include "engine/engines.h"
#include "engine/plastic_store.h"
#include "network/intervention.h"

static inline cls_stdp pairs(double w_max, double a_plus, double a_minus, double dendritic_share) {
  return (cls_stdp){.w_max = w_max,
                    .a_plus = a_plus,
                    .a_minus = a_minus,
                    .tau_plus_ms = 17,
                    .tau_minus_ms = 34,
                    .tau_x_ms = 100,
                    .tau_y_ms = 125,
                    .dendritic_share = dendritic_share};
}

/* Neurons that fire by themselves, and projections of every kind of plasticity between them, with delays of up to 20 ms:
 * several spikes of a source are in flight to most synapses. Every rule is there once. */
enum { EXCITATORY, INHIBITORY, EE, EI, IE, II, STATIC };
static inline cls_network *all_kinds(bool finish) {
  cls_network *network = make_network("lif_psc_exp", 9, 2, (uint64_t[]){240, 70});
  for (int p = 0; p < 2; p++) {
    cls_input *input = add_input(&network->populations[p], "poisson", 0);
    set_input(input, "rate_hz", 9000);
    set_input(input, "weight", 90);
  }
  cls_projection *ee = connect(network, "ee", 0, 0, CLS_FIXED_INDEGREE);
  ee->indegree = 40;
  ee->weight[0] = distribution(CLS_NORMAL, 60, 20);
  ee->delay_ms = distribution(CLS_UNIFORM, .1, 20);
  OK(cls_projection_make_plastic(ee, &(cls_plasticity){.has_stdp = true, .stdp = pairs(120, .09, .05, .4)}));
  cls_projection *ei = connect(network, "ei", 0, 1, CLS_PAIRWISE_BERNOULLI);
  ei->probability = .1;
  ei->weight[0] = cls_constant(60);
  ei->delay_ms = distribution(CLS_NORMAL, 1.5, 1);
  cls_plasticity triplets = {.has_stdp = true,
                             .stdp = pairs(100, .003, .004, 1),
                             .has_short_term = true,
                             .short_term = {.5, 200, 30}};
  triplets.stdp.a3_plus = .02, triplets.stdp.a3_minus = .003;
  OK(cls_projection_make_plastic(ei, &triplets));
  cls_projection *ie = connect(network, "ie", 1, 0, CLS_FIXED_TOTAL_NUMBER);
  ie->total = 4000; /* several synapses of a pair, too */
  ie->port = 1;
  ie->weight[0] = cls_constant(-100);
  ie->delay_ms = cls_constant(.8);
  cls_plasticity nearest = {.has_stdp = true, .stdp = pairs(-300, .02, .03, 0)};
  nearest.stdp.pairing = nearest.stdp.potentiation = nearest.stdp.depression = 1;
  OK(cls_projection_make_plastic(ie, &nearest));
  cls_projection *ii = connect(network, "ii", 1, 1, CLS_FIXED_OUTDEGREE);
  ii->outdegree = 10;
  ii->port = 1;
  ii->weight[0] = cls_constant(-300);
  ii->delay_ms = cls_constant(1);
  OK(cls_projection_make_plastic(ii,
                                 &(cls_plasticity){.has_short_term = true, .short_term = {.2, 100, 500}}));
  cls_projection *fixed = connect(network, "fixed", 0, 0, CLS_FIXED_INDEGREE);
  fixed->indegree = 20;
  fixed->weight[0] = cls_constant(30);
  fixed->delay_ms = cls_constant(2);
  if (finish) OK(cls_network_finish(network));
  return network;
}

/* Tracts of other projections change while spikes are in flight to plastic synapses. */
static inline cls_network *beside_tracts(double factor) {
  cls_network *network = make_network("lif_psc_exp", 9, 3, (uint64_t[]){200, 150, 50});
  for (int p = 0; p < 3; p++) {
    cls_input *input = add_input(&network->populations[p], "poisson", 0);
    set_input(input, "rate_hz", 9000);
    set_input(input, "weight", 88);
  }
  for (int p = 0; p < 2; p++) {
    cls_projection *made =
        connect(network, p ? "fixed" : "plastic", (uint32_t)p, (uint32_t)p, CLS_FIXED_INDEGREE);
    made->indegree = 100;
    made->weight[0] = distribution(CLS_UNIFORM, 10, 60);
    made->delay_ms = distribution(CLS_UNIFORM, 1, 15);
    if (p == 0)
      OK(cls_projection_make_plastic(made,
                                     &(cls_plasticity){.has_stdp = true, .stdp = pairs(80, .01, .01, .7)}));
  }
  cls_projection *between = connect(network, "between", 1, 0, CLS_FIXED_INDEGREE);
  between->indegree = 50;
  between->weight[0] = cls_constant(40);
  between->delay_ms = cls_constant(12);
  OK(cls_network_add_intervention(network, &(cls_intervention){.kind = CLS_SCALE_TRACTS,
                                                               .step = 777,
                                                               .on = (uint32_t[]){0},
                                                               .n_on = 1,
                                                               .from = (uint32_t[]){1},
                                                               .n_from = 1,
                                                               .value = factor}));
  OK(cls_network_finish(network));
  return network;
}

#endif

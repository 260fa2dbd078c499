/* A relay without dynamics (a parrot): it spikes in the step in which the weights that arrive sum to more
 * than zero, once, however many they are. It gives spikes from outside (spike_train, poisson) a source
 * population whose trains many targets share.
 *
 *   sum of w in step s > 0: spike in step s
 *
 * What arrives in step s by a synapse leaves in step s too: the delay of a relayed path is the sum of the
 * delays of its synapses. */
#ifndef CALLOSUM_RELAY_H
#define CALLOSUM_RELAY_H

#include "model/kernel.h"

#define relay_STATES(X)
#define relay_CONSTS(X)
#define relay_RECEPTORS(X) X(spikes)
CLS_DECLARE_NEURON(relay);

CLS_FN int relay_step(relay_state *s, const relay_const *k, const relay_input *in, float current) {
  (void)s, (void)k, (void)current;
  return in->spikes > 0.0f;
}

CLS_FN float relay_receptor_current(const relay_state *s, const relay_const *k, int r) {
  (void)s, (void)k, (void)r;
  return 0;
}

#endif

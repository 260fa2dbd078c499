/* Spikes from outside, a train for every neuron: each adds its weight to a receptor in the step in which it
 * falls. Where the trains come from is the network's business (cls_trains); a step is given as the list of
 * the neurons that have a spike in it, ascending, a neuron as often as it has spikes.
 *
 *   input(s) = weight (spikes of the neuron's train in step s)
 */
#ifndef CALLOSUM_SPIKE_TRAIN_H
#define CALLOSUM_SPIKE_TRAIN_H

#include "model/kernel.h"

#define spike_train_CONSTS(X) X(weight)

CLS_FN float spike_train_step(float weight, int count, float input) {
  return fmaf((float)count, weight, input);
}

/* First of n ascending events whose low half is at least `neuron`. All are of one step: their high halves are
 * the same. */
CLS_FN int spike_train_find(const uint64_t *event, int n, uint32_t neuron) {
  int low = 0, high = n;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if ((uint32_t)event[middle] < neuron)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

#endif

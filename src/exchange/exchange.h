/* Sparse event exchange between ranks over MPI point-to-point messages.
 *
 * Each pair of ranks that share synapses has its own window: with D the least delay from one to the other,
 * spikes of I = max(1, D / 2) steps travel in one packet, whose size rides in its header. A packet that
 * covers steps [kI, (k+1)I) is needed when step kI + D is computed, so it has D - I steps of computation to
 * arrive in. A spike goes once to each rank that holds at least one of its targets. There is no collective
 * and no barrier. What a packet holds: engine/packets.h. Where the MPI library says that it reads and writes the memory of
 * GPUs, packets of backends that keep spikes there never pass through the processor's. */
#ifndef CALLOSUM_EXCHANGE_H
#define CALLOSUM_EXCHANGE_H

#include "engine/engine.h"

extern const cls_exchange cls_exchange_mpi;

#endif

/* Private to the engine: plastic weights of all its parts. */
#ifndef CALLOSUM_WEIGHTS_H
#define CALLOSUM_WEIGHTS_H

#include "engine/plastic_store.h"

/* See cls_engine_plastic(). */
cls_status cls_weights_list(const cls_network *network, const cls_layout *layout, cls_store *const *stores,
                            const cls_sources *sources, uint32_t projection, cls_plastic_synapse **list,
                            size_t *n);
/* Of this rank: see cls_engine_weights_digest(). */
cls_status cls_weights_hash(const cls_network *network, const cls_layout *layout, cls_store *const *stores,
                            const cls_sources *sources, const cls_backend *backend, void *instance,
                            int member, uint64_t *hash, uint64_t *synapses);

#endif

/* What ranks tell each other about neurons besides their spikes, along the routes of spikes: when a checkpoint is written or
 * read. */
#ifndef CALLOSUM_SHARE_H
#define CALLOSUM_SHARE_H

#include "engine/engine.h"

/* Collective. See cls_exchange.share and give_back. `n_local` of the layout. */
cls_status cls_share_forwards(const cls_world *world, const cls_routes *routes, const uint32_t *of,
                              const void *records, size_t n, size_t bytes, uint32_t **slots, void **shared,
                              size_t *n_shared);
cls_status cls_share_backwards(const cls_world *world, const cls_routes *routes, uint32_t n_local,
                               const uint32_t *of, const void *records, size_t n, size_t bytes,
                               uint32_t **locals, void **given, size_t *n_given);

#endif

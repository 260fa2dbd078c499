/* Who needs whose spikes: made once, after construction, by one sparse exchange. */
#ifndef CALLOSUM_ROUTES_H
#define CALLOSUM_ROUTES_H

#include "engine/engine.h"

/* Collective. See cls_exchange.create. */
cls_status cls_routes_create(const cls_world *world, const cls_network *network,
                             const cls_placement *placement, const cls_layout *layout,
                             const uint64_t *sources, const uint32_t *min_delay, uint32_t n_sources,
                             uint32_t *local_slot, cls_routes *routes);
void cls_routes_destroy(cls_routes *routes);

#endif

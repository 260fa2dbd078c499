/* Scales of a member: what it has otherwise than the description says. */
#ifndef CALLOSUM_SCALES_H
#define CALLOSUM_SCALES_H

#include "engine/neurons.h"

/* Local. These scales replace those that acted on the neurons, which have an origin; the first `n_interventions` have acted on
 * both. Costs follow the populations whose scales are others than before. CLS_ERR_INPUT where parameters do not fit
 * together: nothing has changed then. */
cls_status cls_neurons_scale(cls_neurons *neurons, const cls_layout *layout, uint32_t n_interventions,
                             const cls_scale *scales, size_t n);
/* Local. Derives the constants of a range anew, with the scales that act on it. */
cls_status cls_neurons_rederive(cls_neurons *neurons, const cls_layout *layout, uint32_t range,
                                uint32_t n_interventions);

#endif

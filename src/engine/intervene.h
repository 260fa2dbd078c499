/* What interventions do to the parameters a rank holds. */
#ifndef CALLOSUM_INTERVENE_H
#define CALLOSUM_INTERVENE_H

#include "engine/neurons.h"
#include "network/intervention.h"

/* Local. Applies number `which` of the network's interventions to what it changes in `neurons` (nothing for
 * CLS_SCALE_TRACTS). All earlier ones must have been applied. */
cls_status cls_neurons_intervene(cls_neurons *neurons, const cls_layout *layout, uint32_t which);

#endif

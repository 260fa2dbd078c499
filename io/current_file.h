/* currents.h5: means over the neurons of a population of the synaptic current of each receptor.
 *
 *   /currents/data       f32 [time, population, receptor]; ensembles: [time, member, population, receptor];
 *                        NaN where the population's model has fewer receptors
 *   /currents/time_ms    f64 [time], the end of the step it was taken
 *   /currents/receptors  text [population x receptor], "" where there is none
 *   /currents/unit       text [population], the model's unit of currents */
#ifndef CALLOSUM_CURRENT_FILE_H
#define CALLOSUM_CURRENT_FILE_H

#include "io/record_groups.h"

/* Local. `populations`: one group per population, borrowed. */
cls_status cls_current_file_create(const cls_record *record, const cls_groups *populations,
                                   cls_recording *recording);

#endif

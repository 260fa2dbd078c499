/* currents.h5: means over the neurons of a population of the synaptic current of each receptor.
 *
 *   /currents/data       f32 [time, population, receptor]; ensembles: [time, member, population, receptor];
 * NaN where the population's model has fewer receptors /currents/time_ms    f64 [time], the end of the step
 * it was taken /currents/receptors  text [population x receptor], "" where there is none /currents/unit text
 * [population], the model's unit of currents */
#ifndef CALLOSUM_CURRENT_FILE_H
#define CALLOSUM_CURRENT_FILE_H

#include "io/record.h"

typedef struct cls_current_file_ cls_current_file;

/* Local. `populations`: one group per population, borrowed. */
cls_status cls_current_file_create(const cls_record *record, const cls_groups *populations,
                                   cls_current_file **file);
cls_status cls_current_file_open(cls_current_file *file); /* collective */
/* Local. Steps between samples, and a sample: see cls_observer.currents. */
int64_t cls_current_file_interval(const cls_current_file *file);
cls_status cls_current_file_add(cls_current_file *file, int member, int64_t step, const int64_t *sums);
/* Collective: writes the samples taken before `step`. */
cls_status cls_current_file_flush(cls_current_file *file, int64_t step);
cls_status cls_current_file_close(cls_current_file *file, bool whole); /* collective */
void cls_current_file_free(cls_current_file *file);                    /* local; NULL is fine */

#endif

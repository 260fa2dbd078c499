/* Which populations a stimulus, an intervention or a recording is about: by name, region, layer and type.
 *
 *   on: 4E                                   a population; * ? [ ] stand for letters, as in a shell
 *   on: [4E, "6*"]                           any of these
 *   on: {region: [V1, "L*"], type: E}        all keys must hold; a list holds where one of it does
 */
#ifndef CALLOSUM_SELECTION_H
#define CALLOSUM_SELECTION_H

#include "io/job.h"

extern const cls_schema cls_schema_selection;

/* Local; job->network holds its populations. *populations (freed by the caller, whatever is returned) lists the
 * *n populations that `node` selects, ascending, each once. CLS_ERR_INPUT where `node` is no selection or a
 * plain name is nobody's; a pattern that matches nothing is only warned of: one job serves many connectomes. */
cls_status cls_selection_find(cls_job_reader *r, const cls_yaml *node, uint32_t **populations, uint32_t *n);

#endif

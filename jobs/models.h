/* What `callosum models` prints, in two forms. */
#ifndef CALLOSUM_JOBS_MODELS_H
#define CALLOSUM_JOBS_MODELS_H

#include "model/mechanism.h"

/* The page of models: Markdown of the whole registry, on standard output. jobs/MODELS.md is what it prints. */
void cls_print_models_page(void);

/* "1 ... 10", "any", "fixed". */
void cls_print_range(const cls_param_info *param);
/* "order 2 in dt between spikes, order 1 of spike times". */
void cls_print_order(const cls_model_doc *doc);
/* "0.01 ms". */
void cls_print_within(const cls_figure *figure);

#endif

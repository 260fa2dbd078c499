/* What the page of models tells of short_term.h. */
#include "model/short_term.h"
#include "model/mechanism.h"

#define PARAM(name, unit, initial, min, max, doc) {#name, unit, initial, min, max, false, doc},
static const cls_param_info params[] = {CLS_SHORT_TERM_PARAMS(PARAM)};

static const cls_figure figures[] = {
    {"stationary", "efficacy of the 600th spike of a regular train at 1, 10 and 100 Hz, with the closed form",
     2e-7, "of the weight", "model/test_short_term.c"},
};

const cls_mechanism cls_mechanism_short_term = {
    .name = "short_term",
    .title = "short-term depression and facilitation",
    .citation = "Tsodyks, Pawelzik & Markram, Neural Comput. 10:821 (1998), eqs. 2.1-2.4; Tsodyks, Uziel & "
                "Markram, J. Neurosci. "
                "20:RC50 (2000)",
    .kind = "synapse",
    .key = "projections[].plasticity.short_term",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .doc = {.equations = "u' = U + u (1 - U) exp(-D / tau_fac)          u' = U where tau_fac = 0\n"
                         "x' = 1 + (x - u x - 1) exp(-D / tau_rec)      x' = 1 where tau_rec = 0\n",
            .method = "exact from spike to spike",
            .order = 0,
            .spike_order = 0,
            CLS_FIGURES},
};

/* What the page of models tells of stdp.h. */
#include "model/stdp.h"
#include "model/mechanism.h"

#define PARAM(name, unit, initial, min, max, doc) {#name, unit, initial, min, max, false, doc},
static const cls_param_info params[] = {CLS_STDP_PARAMS(PARAM)};
#define CHOICE(name, first, second, doc) {#name, first " | " second, doc},
static const cls_choice_info choices[] = {CLS_STDP_CHOICES(CHOICE)};

static const cls_figure figures[] = {
    {"pair", "the change by one pair 0 to 200 ms apart, with a exp(-t / tau), over a", 2e-5, "%",
     "model/test_stdp.c"},
    {"drift", "100,000 potentiations by exp(-1/2) at an amplitude of 1e-5, with their sum", 0.01, "%",
     "model/test_stdp.c"},
    {"balance",
     "100,000 potentiations and depressions that nearly cancel at an amplitude of 1e-5, with their sum", 0.5,
     "%", "model/test_stdp.c"},
    {"rest", "the weight at which multiplicative changes balance, with the closed form, over w_max", 1e-5,
     "%", "model/test_stdp.c"},
};

const cls_mechanism cls_mechanism_stdp = {
    .name = "stdp",
    .title = "spike-timing dependent plasticity of pairs and triplets of spikes",
    .citation = "Song, Miller & Abbott, Nat. Neurosci. 3:919 (2000); van Rossum, Bi & Turrigiano, J. "
                "Neurosci. 20:8812 (2000); "
                "Pfister & Gerstner, J. Neurosci. 26:9673 (2006), eqs. 3-4; conventions: Morrison, Diesmann "
                "& Gerstner, Biol. "
                "Cybern. 98:459 (2008)",
    .kind = "synapse",
    .key = "projections[].plasticity.stdp",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .choices = choices,
    .n_choices = sizeof choices / sizeof *choices,
    .doc = {.equations = "dx/dt = -x / tau_plus,   dx3/dt = -x3 / tau_x      traces of presynaptic spikes: + "
                         "1 at each, or 1 after it\n"
                         "dy/dt = -y / tau_minus,  dy3/dt = -y3 / tau_y      traces of postsynaptic spikes\n"
                         "presynaptic spike arrives:   v -> v - f_minus(v) y (a_minus + a3_minus x3),  x3 "
                         "without this spike\n"
                         "postsynaptic spike arrives:  v -> v + f_plus(v)  x (a_plus  + a3_plus  y3),  y3 "
                         "without this spike\n"
                         "f_plus = 1 or 1 - v,  f_minus = 1 or v;  v is clipped to [0, 1] each time.\n",
            .method = "event by event; weights are whole multiples of w_max / 2^30",
            .order = 0,
            .spike_order = 0,
            CLS_FIGURES},
};

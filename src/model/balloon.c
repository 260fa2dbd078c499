/* What the page of models tells of balloon.h. Its parameters are not set by a job: both ends of a range are the value. */
#include "model/balloon.h"
#include "model/mechanism.h"

#define FIXED(name, unit, value, doc)                                                                        \
  { name, unit, value, value, value, true, doc }
static const cls_param_info params[] = {
    FIXED("eps", "1/s^2", 200, "efficacy of activity, per spike and neuron in a ms"),
    FIXED("tau_s", "s", 0.8, "decay of the vasodilatory signal"),
    FIXED("tau_f", "s", 0.4, "elimination that depends on flow"),
    FIXED("tau_0", "s", 1, "transit time"),
    FIXED("alpha", "1", 0.2, "Grubb's exponent of the vessels' stiffness"),
    FIXED("E0", "1", 0.8, "oxygen extraction at rest"),
    FIXED("V0", "1", 0.02, "blood volume at rest"),
};

static const cls_figure figures[] = {
    {"scipy", "BOLD of a block of 3 s at a step of 1 ms, with scipy's solve_ivp, over its largest value", 0.1,
     "%", "record/test_balloon.py"},
};

const cls_mechanism cls_mechanism_balloon = {
    .name = "balloon",
    .title = "Balloon-Windkessel model: from the activity of a region to its BOLD signal",
    .citation = "Friston et al., NeuroImage 12:466 (2000), eqs. 4-9; Friston, Harrison & Penny, NeuroImage "
                "19:1273 (2003), eq. 3; values: Lu, Feng et al., arXiv 2308.01241 (2023)",
    .kind = "haemodynamics",
    .key = "record.bold",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .doc = {.equations = "ds/dt = eps u - s / tau_s - (f - 1) / tau_f                              "
                         "vasodilatory signal (1/s)\n"
                         "df/dt = s                                                                blood "
                         "flow, 1 at rest\n"
                         "dv/dt = (f - v^(1/alpha)) / tau_0                                        blood "
                         "volume, 1 at rest\n"
                         "dq/dt = (f (1 - (1 - E0)^(1/f)) / E0 - q v^(1/alpha - 1)) / tau_0        "
                         "deoxyhaemoglobin, 1 at rest\n"
                         "y     = V0 (7 E0 (1 - q) + 2 (1 - q / v) + (2 E0 - 0.2) (1 - v))         relative "
                         "BOLD signal\n",
            .method = "explicit Euler at 1 ms, as published, in double precision",
            .order = 1,
            .spike_order = 0,
            CLS_FIGURES},
};

#include "model/relay.h"

CLS_DEFINE_NEURON(relay)

static const cls_port_info ports[] = {
    {"spikes", 1, {"spikes", NULL}, "1", true},
};

static void derive(const double *p, double h, float *k) { (void)p, (void)h, (void)k; }

static const cls_figure figures[] = {
    {"chain", "steps in which a spike passes five relays, with the sums of their delays", 0, "steps",
     "model/test_relay.c"},
};

const cls_model cls_model_relay = {
    CLS_NEURON_METHODS(relay),
    .title = "no dynamics: spikes in the step in which its summed input is positive",
    .citation = "ours",
    .ports = ports,
    .n_ports = 1,
    .no_current = true,
    .derive = derive,
    .current_unit = "1",
    .doc = {.equations = "sum of w in step s > 0: spike in step s\n",
            .method = "nothing to integrate",
            .order = 0,
            .spike_order = 0,
            CLS_FIGURES},
};

#include "model/relay.h"

CLS_DEFINE_NEURON(relay)

static const cls_port_info ports[] = {
    {"spikes", 1, {"spikes", NULL}, "1", true},
};

static void derive(const double *p, double h, float *k) { (void)p, (void)h, (void)k; }

const cls_model cls_model_relay = {
    CLS_NEURON_METHODS(relay),
    .title = "no dynamics: spikes in the step in which its summed input is positive",
    .citation = "",
    .ports = ports,
    .n_ports = 1,
    .no_current = true,
    .derive = derive,
    .current_unit = "1",
};

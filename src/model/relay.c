#include "model/relay.h"

CLS_DEFINE_NEURON(relay)

static const cls_port_info ports[] = {
    {"spikes", 1, {"spikes", NULL}, "1", true},
};

static void derive(const double *p, double h, float *k) { (void)p, (void)h, (void)k; }

static float receptor_current(const cls_tile *tile, int i, int stride, int receptor) {
  (void)tile, (void)i, (void)stride, (void)receptor;
  return 0;
}

const cls_model cls_model_relay = {
    .name = "relay",
    .title = "no dynamics: spikes in the step in which its summed input is positive",
    .citation = "",
    .ports = ports,
    .n_ports = 1,
    .n_receptors = 1,
    .no_current = true,
    .derive = derive,
    .tile_shared = relay_tile_shared,
    .tile_varied = relay_tile_varied,
    .one = relay_one,
    .receptor_current = receptor_current,
    .current_unit = "1",
};

#include "model/lif_psc_delta.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(lif_psc_delta)

enum { C_M, TAU_M, T_REF, E_L, V_TH, V_RESET, I_E, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    {"C_m_pF", "pF", 250, 1e-3, 1e6, false, "membrane capacitance; matters for currents only"},
    LIF_TAU_M(10),
    LIF_T_REF(2),
    LIF_E_L(-70),
    LIF_V_TH(-55),
    LIF_V_RESET(-70),
    LIF_I_E,
};
static const cls_state_info states[] = {
    LIF_V_M,
    LIF_REFRACTORY,
};
static const cls_port_info ports[] = {
    {"delta", 1, {"delta", NULL}, "mV", true},
};

static void derive(const double *p, double h, float *k) {
  double gain_dc = lif_gain_dc(p[C_M], p[TAU_M], h);
  const double value[] = {cls_exp(-h / p[TAU_M]), gain_dc,           gain_dc * p[I_E], p[V_TH] - p[E_L],
                          p[V_RESET] - p[E_L],    rint(p[T_REF] / h)};
  LIF_STORE(lif_psc_delta, value, k);
}

static cls_status check(const double *p, double h) {
  (void)h;
  return lif_check_reset(p[V_RESET], p[V_TH]);
}

static const cls_figure figures[] = {
    {"train", "V under random jumps and a current that changes in every step, with the sum of closed forms",
     0.0001, "mV", "model/test_lif_psc_delta.c"},
    {"rates",
     "intervals at 260, 300, 500 and 1000 pA and dt 0.01 ms, with t_ref + tau_m ln((V_inf - V_reset) / "
     "(V_inf - theta))",
     0.03, "ms", "model/test_lif_psc_delta.c"},
};

const cls_model cls_model_lif_psc_delta = {
    CLS_NEURON_METHODS(lif_psc_delta),
    .title = "leaky integrate-and-fire, delta synapses: a weight is a jump of the potential",
    .citation =
        "Brunel, J. Comput. Neurosci. 8:183 (2000), eqs. 1-2; Rotter & Diesmann, Biol. Cybern. 81:381 (1999)",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 1,
    .derive = derive,
    .check = check,
    .current_unit = "pA",
    .doc = {.equations = "tau_m dV/dt = -(V - E_L) + (tau_m / C) (I_e + I_inputs);   V += w at spikes\n"
                         "V >= V_th: spike, then V = V_reset for t_ref, during which what arrives is lost.\n",
            .method = "exact on the grid for currents that are constant over a step",
            .order = 0,
            .spike_order = 1,
            CLS_FIGURES},
};

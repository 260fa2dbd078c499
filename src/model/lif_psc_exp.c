#include "model/lif_psc_exp.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(lif_psc_exp)

enum { C_M, TAU_M, TAU_EXC, TAU_INH, T_REF, E_L, V_TH, V_RESET, I_E, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    LIF_C_M(250),
    LIF_TAU_M(10),
    LIF_TAU_SYN_EXC(0.5, "current"),
    LIF_TAU_SYN_INH(0.5, "current"),
    LIF_T_REF(2),
    LIF_E_L(-65),
    LIF_V_TH(-50),
    LIF_V_RESET(-65),
    LIF_I_E,
};
static const cls_state_info states[] = {
    LIF_V_M,
    LIF_I_EXC,
    LIF_I_INH,
    LIF_REFRACTORY,
};
static const cls_port_info ports[] = {LIF_PORTS("pA", true)};

static void derive(const double *p, double h, float *k) {
  double gain_dc = lif_gain_dc(p[C_M], p[TAU_M], h);
  const double value[] = {cls_exp(-h / p[TAU_M]),
                          cls_exp(-h / p[TAU_EXC]),
                          cls_exp(-h / p[TAU_INH]),
                          lif_synaptic_gain(p[C_M], p[TAU_M], p[TAU_EXC], h),
                          lif_synaptic_gain(p[C_M], p[TAU_M], p[TAU_INH], h),
                          gain_dc,
                          gain_dc * p[I_E],
                          p[V_TH] - p[E_L],
                          p[V_RESET] - p[E_L],
                          rint(p[T_REF] / h)};
  LIF_STORE(lif_psc_exp, value, k);
}

static cls_status check(const double *p, double h) {
  (void)h;
  return lif_check_reset(p[V_RESET], p[V_TH]);
}

static const cls_figure figures[] = {
    {"psp", "a PSP of 0.15 mV every 0.01 ms, with its closed form", 1e-06, "mV", "model/test_lif_psc_exp.c"},
    {"train",
     "V under random arrivals at both ports and a current that changes in every step, with the sum of closed "
     "forms",
     5e-06, "mV", "model/test_lif_psc_exp.c"},
    {"rates",
     "intervals at 400, 500, 600 and 800 pA and dt 0.01 ms, with t_ref + tau_m ln(V_inf / (V_inf - theta))",
     0.01, "ms", "model/test_lif_psc_exp.c"},
};

const cls_model cls_model_lif_psc_exp = {
    CLS_NEURON_METHODS(lif_psc_exp),
    .title = "leaky integrate-and-fire, exponential synaptic currents",
    .citation = "Rotter & Diesmann, Biol. Cybern. 81:381 (1999), eqs. 3-10",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 2,
    .derive = derive,
    .check = check,
    .current_unit = "pA",
    .doc = {.equations = "tau_m dV/dt = -(V - E_L) + (tau_m / C) (I_exc + I_inh + I_e + I_inputs)\n"
                         "dI_x/dt = -I_x / tau_syn_x + sum of w at spikes,   x in exc, inh\n"
                         "V >= V_th: spike, then V = V_reset for t_ref.\n",
            .method = "exact on the grid for currents that are constant over a step: the matrix exponential",
            .order = 0,
            .spike_order = 1,
            CLS_FIGURES},
};

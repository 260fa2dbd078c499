#include "model/lif_cond_exp.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(lif_cond_exp)

enum { C_M, G_L, TAU_EXC, TAU_INH, E_EXC, E_INH, T_REF, E_L, V_TH, V_RESET, I_E, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    LIF_C_M(200),
    LIF_G_L(10),
    LIF_TAU_SYN_EXC(5, "conductance"),
    LIF_TAU_SYN_INH(10, "conductance"),
    LIF_E_EXC(0),
    LIF_E_INH(-80),
    LIF_T_REF(5),
    LIF_E_L(-60),
    LIF_V_TH(-50),
    LIF_V_RESET(-60),
    LIF_I_E,
};
static const cls_state_info states[] = {
    LIF_V_M,
    LIF_G_EXC,
    LIF_G_INH,
    LIF_REFRACTORY,
};
static const cls_port_info ports[] = {LIF_PORTS("nS", false)};

static void derive(const double *p, double h, float *k) {
  const double value[] = {cls_exp(-h / p[TAU_EXC]),
                          cls_exp(-h / p[TAU_INH]),
                          lif_mean(p[TAU_EXC], h),
                          lif_mean(p[TAU_INH], h),
                          p[E_EXC] - p[E_L],
                          p[E_INH] - p[E_L],
                          p[G_L],
                          p[I_E],
                          h / p[C_M],
                          p[V_TH] - p[E_L],
                          p[V_RESET] - p[E_L],
                          rint(p[T_REF] / h)};
  LIF_STORE(lif_cond_exp, value, k);
}

static cls_status check(const double *p, double h) {
  (void)h;
  return lif_check_reset(p[V_RESET], p[V_TH]);
}

static const cls_figure figures[] = {
    {"scipy", "V at dt 0.125 ms under seven arrivals, with scipy's solve_ivp at a tolerance of 1e-13", 0.002,
     "mV", "model/test_lif_cond_exp.c"},
    {"clamped", "V with conductances that stand, at dt 0.1 and 10 ms, with the exponential", 1e-05, "mV",
     "model/test_lif_cond_exp.c"},
    {"rate", "the interval at 250 pA and dt 0.01 ms, with its closed form", 0.005, "ms",
     "model/test_lif_cond_exp.c"},
};

const cls_model cls_model_lif_cond_exp = {
    CLS_NEURON_METHODS(lif_cond_exp),
    .title = "leaky integrate-and-fire, exponential synaptic conductances",
    .citation = "Brette et al., J. Comput. Neurosci. 23:349 (2007), appendix B, benchmark 1; Vogels & "
                "Abbott, J. Neurosci. 25:10786 (2005)",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 2,
    .derive = derive,
    .check = check,
    .current_unit = "pA",
    .doc = {.equations = "C dV/dt = -g_L (V - E_L) - g_exc (V - E_exc) - g_inh (V - E_inh) + I_e + I_inputs\n"
                         "dg_x/dt = -g_x / tau_syn_x + sum of w at spikes,   x in exc, inh\n"
                         "V >= V_th: spike, then V = V_reset for t_ref.\n",
            .method = "conductances exactly; V by an exponential Euler step with their means over the step",
            .order = 2,
            .spike_order = 1,
            CLS_FIGURES},
};

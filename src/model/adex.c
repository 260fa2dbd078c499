#include "model/adex.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(adex)

enum {
  C_M,
  G_L,
  E_L,
  V_T,
  DELTA_T,
  A,
  TAU_W,
  B,
  V_RESET,
  V_PEAK,
  T_REF,
  TAU_EXC,
  TAU_INH,
  E_EXC,
  E_INH,
  I_E,
  N_PARAMS
};
static const cls_param_info params[N_PARAMS] = {
    LIF_C_M(281),
    LIF_G_L(30),
    LIF_E_L(-70.6),
    {"V_T_mV", "mV", -50.4, -1000, 1000, false, "where the exponential current sets in"},
    {"Delta_T_mV", "mV", 2, 1e-2, 1000, false, "slope factor of the exponential current"},
    {"a_nS", "nS", 4, -1e6, 1e6, false, "adaptation below threshold"},
    {"tau_w_ms", "ms", 144, 1e-2, 1e6, false, "time constant of the adaptation"},
    {"b_pA", "pA", 80.5, -1e9, 1e9, false, "jump of the adaptation at a spike"},
    LIF_V_RESET(-70.6),
    {"V_peak_mV", "mV", 0, -1000, 1000, false, "where a spike is cut off"},
    LIF_T_REF(0),
    LIF_TAU_SYN_EXC(5, "conductance"),
    LIF_TAU_SYN_INH(10, "conductance"),
    LIF_E_EXC(0),
    LIF_E_INH(-80),
    LIF_I_E,
};
static const cls_state_info states[] = {
    LIF_V_M, {"w_pA", "pA", true, NULL, "adaptation current"}, LIF_G_EXC, LIF_G_INH, LIF_REFRACTORY,
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
                          p[V_T] - p[E_L],
                          p[DELTA_T],
                          1 / p[DELTA_T],
                          p[A],
                          p[B],
                          -cls_expm1(-h / (2 * p[TAU_W])),
                          p[V_PEAK] - p[E_L],
                          p[V_RESET] - p[E_L],
                          rint(p[T_REF] / h)};
  LIF_STORE(adex, value, k);
}

static cls_status check(const double *p, double h) {
  (void)h;
  CLS_CHECK(p[V_RESET] < p[V_PEAK], CLS_ERR_INPUT, "V_reset_mV %g: expected less than V_peak_mV %g",
            p[V_RESET], p[V_PEAK]);
  CLS_CHECK(p[V_T] < p[V_PEAK], CLS_ERR_INPUT, "V_T_mV %g: expected less than V_peak_mV %g", p[V_T],
            p[V_PEAK]);
  return CLS_OK;
}

static const cls_figure figures[] = {
    {"scipy", "V at dt 0.125 ms under conductances, with scipy's solve_ivp at a tolerance of 1e-10", 0.0003,
     "mV", "model/test_solutions.py"},
    {"spikes", "spike times of 39 spikes at five currents and dt 0.025 ms, mean difference from scipy's", 0.1,
     "ms", "model/test_solutions.py"},
    {"rates", "f-I: rates at five currents and dt 0.025 ms, with scipy's", 0.3, "%",
     "model/test_solutions.py"},
    {"patterns",
     "the first spikes, eight at most, of the eight firing patterns of Naud et al. (2008) at dt 0.01 ms, "
     "mean difference from scipy's",
     0.1, "ms", "model/test_solutions.py"},
    {"edge", "the current at which rest is lost, of five parameter sets, with Naud et al. (2008)", 0.1, "%",
     "model/test_adex.c"},
};

const cls_model cls_model_adex = {
    CLS_NEURON_METHODS(adex),
    .title = "adaptive exponential integrate-and-fire, exponential synaptic conductances",
    .citation =
        "Brette & Gerstner, J. Neurophysiol. 94:3637 (2005); Naud et al., Biol. Cybern. 99:335 (2008)",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 2,
    .derive = derive,
    .check = check,
    .current_unit = "pA",
    .doc = {.equations = "C dV/dt = -g_L (V - E_L) + g_L D exp((V - V_T) / D) - w\n"
                         "          - g_exc (V - E_exc) - g_inh (V - E_inh) + I_e + I_inputs\n"
                         "tau_w dw/dt = a (V - E_L) - w;   dg_x/dt = -g_x / tau_syn_x + sum of weights at "
                         "spikes,   x in exc, inh\n"
                         "V >= V_peak: spike, then w = w + b, and V = V_reset for t_ref.\n",
            .method = "w half a step, V a whole one (exponential Rosenbrock-Euler), w another half (Strang)",
            .order = 2,
            .spike_order = 1,
            CLS_FIGURES},
};

#include "model/qif.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(qif)

enum { C_M, TAU_M, TAU_EXC, TAU_INH, T_REF, E_L, V_CRIT, V_PEAK, V_RESET, I_E, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    LIF_C_M(250),
    LIF_TAU_M(10),
    LIF_TAU_SYN_EXC(2, "current"),
    LIF_TAU_SYN_INH(5, "current"),
    LIF_T_REF(0),
    LIF_E_L(-65),
    {"V_crit_mV", "mV", -50, -1000, 1000, false, "unstable potential: beyond it V escapes by itself"},
    {"V_peak_mV", "mV", 30, -1000, 1e6, false, "where a spike is cut off"},
    {"V_reset_mV", "mV", -70, -1e6, 1000, false, "potential after a spike"},
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
  double width = p[V_CRIT] - p[E_L], a = 1 / (p[TAU_M] * width);
  const double value[] = {cls_exp(-h / p[TAU_EXC]),
                          cls_exp(-h / p[TAU_INH]),
                          lif_mean(p[TAU_EXC], h) / p[C_M],
                          lif_mean(p[TAU_INH], h) / p[C_M],
                          a,
                          width / 2,
                          p[I_E] / p[C_M] - a * width * width / 4,
                          1 / p[C_M],
                          h,
                          p[V_PEAK] - p[E_L],
                          p[V_RESET] - p[E_L],
                          rint(p[T_REF] / h)};
  LIF_STORE(qif, value, k);
}

static cls_status check(const double *p, double h) {
  (void)h;
  CLS_CHECK(p[E_L] < p[V_CRIT], CLS_ERR_INPUT, "E_L_mV %g: expected less than V_crit_mV %g", p[E_L],
            p[V_CRIT]);
  CLS_CHECK(p[V_CRIT] < p[V_PEAK], CLS_ERR_INPUT, "V_crit_mV %g: expected less than V_peak_mV %g", p[V_CRIT],
            p[V_PEAK]);
  CLS_CHECK(p[V_RESET] < p[V_PEAK], CLS_ERR_INPUT, "V_reset_mV %g: expected less than V_peak_mV %g",
            p[V_RESET], p[V_PEAK]);
  return CLS_OK;
}

static const cls_figure figures[] = {
    {"scipy", "V at dt 0.125 ms under synaptic currents, with scipy's solve_ivp at a tolerance of 1e-10",
     0.0003, "mV", "model/test_solutions.py"},
    {"spikes", "spike times of 32 spikes at six currents and dt 0.025 ms, mean difference from scipy's", 0.1,
     "ms", "model/test_solutions.py"},
    {"rates", "rates at 4 to 4096 pA above the rheobase and dt 0.01 ms, with sqrt(a c) / pi", 0.05, "%",
     "model/test_qif.c"},
    {"period", "intervals at five currents and dt 0.01 ms, with the integral of the equation", 0.01, "ms",
     "model/test_qif.c"},
};

const cls_model cls_model_qif = {
    CLS_NEURON_METHODS(qif),
    .title = "quadratic integrate-and-fire, exponential synaptic currents",
    .citation = "Ermentrout & Kopell, SIAM J. Appl. Math. 46:233 (1986); Latham et al., J. Neurophysiol. "
                "83:808 (2000)",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 2,
    .derive = derive,
    .check = check,
    .current_unit = "pA",
    .doc = {.equations = "C dV/dt = (C / tau_m) (V - E_L) (V - V_crit) / (V_crit - E_L) + I_exc + I_inh + "
                         "I_e + I_inputs\n"
                         "dI_x/dt = -I_x / tau_syn_x + sum of w at spikes,   x in exc, inh\n"
                         "V >= V_peak: spike, then V = V_reset for t_ref.\n",
            .method = "a Moebius map, exact for currents that are constant over a step; synaptic currents "
                      "enter with their means",
            .order = 2,
            .spike_order = 1,
            CLS_FIGURES},
};

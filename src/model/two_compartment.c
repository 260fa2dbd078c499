#include "model/two_compartment.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(two_compartment)

enum {
  C_S,
  TAU_S,
  G_S,
  B_S,
  TAU_WS,
  C_D,
  TAU_D,
  G_D,
  E_D,
  D_D,
  A_D,
  TAU_WD,
  BAP,
  BAP_DELAY,
  BAP_WIDTH,
  TAU_SOMA,
  TAU_APICAL,
  T_REF,
  E_L,
  V_TH,
  V_RESET,
  I_E,
  I_E_APICAL,
  N_PARAMS
};
static const cls_param_info params[N_PARAMS] = {
    {"C_s_pF", "pF", 370, 1e-3, 1e6, false, "capacitance of the soma"},
    {"tau_s_ms", "ms", 16, 1e-2, 1e6, false, "time constant of the soma"},
    {"g_s_pA", "pA", 1300, -1e9, 1e9, false, "current that an active dendrite sends to the soma"},
    {"b_s_pA", "pA", -200, -1e9, 1e9, false, "jump of the soma's adaptation at a spike"},
    {"tau_ws_ms", "ms", 100, 1e-2, 1e6, false, "decay of the soma's adaptation"},
    {"C_d_pF", "pF", 170, 1e-3, 1e6, false, "capacitance of the dendrite"},
    {"tau_d_ms", "ms", 7, 1e-2, 1e6, false, "time constant of the dendrite"},
    {"g_d_pA", "pA", 1200, 0, 1e9, false, "current of an active dendrite into itself"},
    {"E_d_mV", "mV", -38, -1000, 1000, false, "where the dendrite is half active"},
    {"D_d_mV", "mV", 6, 1e-2, 1000, false, "width of its activation"},
    {"a_d_nS", "nS", -13, -1e6, 0, false, "adaptation of the dendrite below threshold"},
    {"tau_wd_ms", "ms", 30, 1e-2, 1e6, false, "time constant of the dendrite's adaptation"},
    {"c_d_pA", "pA", 2600, -1e9, 1e9, false, "current of a spike that travels back"},
    {"bap_delay_ms", "ms", 0.5, 0, 1e4, false, "when it begins after the spike, rounded to steps"},
    {"bap_width_ms", "ms", 2, 0, 1e4, false, "how long it lasts, rounded to steps"},
    {"tau_syn_soma_ms", "ms", 5, 1e-3, 1e6, false, "decay of the soma's synaptic current"},
    {"tau_syn_apical_ms", "ms", 5, 1e-3, 1e6, false, "decay of the dendrite's synaptic current"},
    LIF_T_REF(3),
    LIF_E_L(-70),
    LIF_V_TH(-50),
    LIF_V_RESET(-70),
    LIF_I_E,
    {"I_e_apical_pA", "pA", 0, -1e9, 1e9, false, "constant current into the dendrite"},
};
static const cls_state_info states[] = {
    {"V_m_mV", "mV", true, "E_L_mV", "potential of the soma; starts at E_L"},
    {"V_d_mV", "mV", true, "E_L_mV", "potential of the dendrite; starts at E_L"},
    {"w_s_pA", "pA", true, NULL, "adaptation of the soma"},
    {"w_d_pA", "pA", true, NULL, "adaptation of the dendrite"},
    {"I_soma_pA", "pA", true, NULL, "synaptic current of the soma"},
    {"I_apical_pA", "pA", true, NULL, "synaptic current of the dendrite"},
    LIF_REFRACTORY,
    {"returning_steps", "steps", false, NULL, "steps left of the spike that travels back"},
};
static const cls_port_info ports[] = {
    {"soma", 1, {"soma", NULL}, "pA", true},
    {"apical", 1, {"apical", NULL}, "pA", true},
};

static void derive(const double *p, double h, float *k) {
  const double value[] = {cls_exp(-h / p[TAU_S]),
                          lif_gain_dc(p[C_S], p[TAU_S], h),
                          cls_exp(-h / p[TAU_WS]),
                          lif_mean(p[TAU_WS], h),
                          cls_exp(-h / p[TAU_SOMA]),
                          lif_mean(p[TAU_SOMA], h),
                          cls_exp(-h / p[TAU_APICAL]),
                          lif_mean(p[TAU_APICAL], h),
                          p[G_S] / 2,
                          p[G_D],
                          p[C_D] / p[TAU_D],
                          p[E_D] - p[E_L],
                          1 / p[D_D],
                          h / p[C_D],
                          p[A_D],
                          -cls_expm1(-h / (2 * p[TAU_WD])),
                          p[B_S],
                          p[BAP],
                          p[I_E],
                          p[I_E_APICAL],
                          p[V_TH] - p[E_L],
                          p[V_RESET] - p[E_L],
                          rint(p[T_REF] / h),
                          rint(p[BAP_DELAY] / h) + rint(p[BAP_WIDTH] / h),
                          rint(p[BAP_WIDTH] / h)};
  LIF_STORE(two_compartment, value, k);
}

static cls_status check(const double *p, double h) {
  (void)h;
  return lif_check_reset(p[V_RESET], p[V_TH]);
}

static const cls_figure figures[] = {
    {"scipy",
     "V_s at dt 0.125 ms under currents at both ports, with scipy's solve_ivp at a tolerance of 1e-10",
     0.0001, "mV", "model/test_solutions.py"},
    {"spikes",
     "spike times of 27 spikes at five pairs of currents and dt 0.025 ms, mean difference from scipy's", 0.1,
     "ms", "model/test_solutions.py"},
    {"back", "V_d while a spike travels back into a passive dendrite at dt 0.1 ms, with the exponential",
     1e-05, "mV", "model/test_two_compartment.c"},
    {"psp", "PSPs of 100 pA in passive compartments, with their closed forms", 1e-05, "mV",
     "model/test_two_compartment.c"},
};

const cls_model cls_model_two_compartment = {
    CLS_NEURON_METHODS(two_compartment),
    .title = "pyramidal cell of two compartments: soma and active apical dendrite",
    .citation = "Naud & Sprekeler, PNAS 115:E6329 (2018); Naud, Bathellier & Gerstner, Front. Comput. "
                "Neurosci. 8:90 (2014)",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 2,
    .derive = derive,
    .check = check,
    .current_unit = "pA",
    .doc = {.equations =
                "C_s dV_s/dt = -(C_s / tau_s) (V_s - E_L) + g_s f(V_d) + w_s + I_soma + I_e + I_inputs\n"
                "C_d dV_d/dt = -(C_d / tau_d) (V_d - E_L) + g_d f(V_d) + c_d K(t - t_spike) + w_d + I_apical "
                "+ I_e_apical\n"
                "tau_ws dw_s/dt = -w_s;   tau_wd dw_d/dt = a_d (V_d - E_L) - w_d;   f(V) = 1 / (1 + exp(-(V "
                "- E_d) / D_d))\n"
                "K(t) = 1 for bap_delay <= t < bap_delay + bap_width, else 0;   t_spike: the last one\n"
                "dI_x/dt = -I_x / tau_syn_x + sum of w at spikes,   x in soma, apical\n"
                "V_s >= V_th: spike, then w_s = w_s + b_s, and V_s = V_reset for t_ref.\n",
            .method = "V_s exactly for the mean of its drive, V_d by exponential Rosenbrock-Euler between "
                      "half steps of w_d (Strang)",
            .order = 2,
            .spike_order = 1,
            CLS_FIGURES},
};

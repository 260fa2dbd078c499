#include "model/lif_dtb.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(lif_dtb)

enum { C_M, G_L, E_L, V_TH, V_RESET, T_REF, TAU, E_REV = TAU + 4, G = E_REV + 4, I_E = G + 4, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    {"C_uF_cm2", "uF/cm2", 0.5, 1e-6, 1e6, false, "membrane capacitance"},
    {"g_L_mS_cm2", "mS/cm2", 0.025, 0, 1e6, false, "leak conductance"},
    LIF_E_L(-70),
    LIF_V_TH(-50),
    LIF_V_RESET(-55),
    LIF_T_REF(2),
    {"tau_AMPA_ms", "ms", 2, 1e-2, 1e6, false, "decay of the AMPA conductance"},
    {"tau_NMDA_ms", "ms", 40, 1e-2, 1e6, false, "decay of the NMDA conductance"},
    {"tau_GABA_A_ms", "ms", 20, 1e-2, 1e6, false, "decay of the GABA_A conductance"},
    {"tau_GABA_B_ms", "ms", 50, 1e-2, 1e6, false, "decay of the GABA_B conductance"},
    {"E_AMPA_mV", "mV", 0, -1000, 1000, false, "AMPA reversal potential"},
    {"E_NMDA_mV", "mV", 0, -1000, 1000, false, "NMDA reversal potential"},
    {"E_GABA_A_mV", "mV", -70, -1000, 1000, false, "GABA_A reversal potential"},
    {"E_GABA_B_mV", "mV", -100, -1000, 1000, false, "GABA_B reversal potential"},
    {"g_AMPA_mS_cm2", "mS/cm2", 0.0037, 0, 1e6, false, "AMPA conductance of a unit weight"},
    {"g_NMDA_mS_cm2", "mS/cm2", 0, 0, 1e6, false, "NMDA conductance of a unit weight"},
    {"g_GABA_A_mS_cm2", "mS/cm2", 0.01, 0, 1e6, false, "GABA_A conductance of a unit weight"},
    {"g_GABA_B_mS_cm2", "mS/cm2", 0, 0, 1e6, false, "GABA_B conductance of a unit weight"},
    {"I_e_uA_cm2", "uA/cm2", 0, -1e6, 1e6, false, "constant current"},
};
static const cls_state_info states[] = {
    {"V_m_mV", "mV", true, "E_L_mV", "membrane potential; starts at (V_th + V_reset) / 2"},
    {"J_AMPA", "1", true, NULL, "AMPA gating: summed weights, decaying"},
    {"J_NMDA", "1", true, NULL, "NMDA gating"},
    {"J_GABA_A", "1", true, NULL, "GABA_A gating"},
    {"J_GABA_B", "1", true, NULL, "GABA_B gating"},
    LIF_REFRACTORY,
};
static const cls_port_info ports[] = {
    {"excitatory", 2, {"AMPA", "NMDA"}, "1", false},
    {"inhibitory", 2, {"GABA_A", "GABA_B"}, "1", false},
};

static void derive(const double *p, double h, float *k) {
  double step = h / p[C_M];
  for (int r = 0; r < 4; r++) {
    k[r] = (float)cls_exp(-h / p[TAU + r]);
    k[4 + r] = (float)(step * p[G + r]);
    k[8 + r] = (float)(p[E_REV + r] - p[E_L]);
  }
  k[12] = (float)(step * p[G_L]);
  k[13] = (float)(step * p[I_E]);
  k[14] = (float)step;
  k[15] = (float)(p[V_TH] - p[E_L]);
  k[16] = (float)(p[V_RESET] - p[E_L]);
  k[17] = (float)rint(p[T_REF] / h);
}

static cls_status check(const double *p, double h) {
  CLS_TRY(lif_check_reset(p[V_RESET], p[V_TH]));
  CLS_CHECK(h * p[G_L] < p[C_M], CLS_ERR_INPUT,
            "step %g ms: expected less than C / g_L = %g ms (explicit Euler is unstable beyond)", h,
            p[C_M] / p[G_L]);
  return CLS_OK;
}

static void start(const double *p, double h, double unit, float *state) {
  (void)h, (void)unit;
  state[0] = (float)((p[V_TH] + p[V_RESET]) / 2 - p[E_L]);
}

static const cls_figure figures[] = {
    {"euler",
     "V through 400 arrivals and spikes at dt 0.1 and 0.05 ms, with the published step in double precision; "
     "the same spikes",
     0.0003, "mV", "model/test_lif_dtb.c"},
    {"solution", "V at dt 0.1 ms through 200 ms of arrivals, with a Runge-Kutta solution at 0.001 ms", 0.7,
     "mV", "model/test_lif_dtb.c"},
};

const cls_model cls_model_lif_dtb = {
    CLS_NEURON_METHODS(lif_dtb),
    .title = "leaky integrate-and-fire, four conductance synapses (Digital Twin Brain)",
    .citation = "Lu, Feng et al., arXiv 2308.01241 (2023), Methods",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 2,
    .derive = derive,
    .check = check,
    .start = start,
    .current_unit = "uA/cm2",
    .doc = {.equations = "C dV/dt = -g_L (V - E_L) + sum_u g_u (E_u - V) J_u + I_e + I_inputs,   u in AMPA, "
                         "NMDA, GABA_A, GABA_B\n"
                         "dJ_u/dt = -J_u / tau_u + sum of w at spikes (no 1/tau);   V >= V_th: spike, then V "
                         "= V_reset for t_ref.\n",
            .method =
                "J exactly; V by an explicit Euler step with the J of the step's beginning, as published",
            .order = 1,
            .spike_order = 1,
            CLS_FIGURES},
};

#include "model/alif.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(alif)

enum { C_M, TAU_M, TAU_A, BETA, T_REF, E_L, V_TH, I_E, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    {"C_m_pF", "pF", 250, 1e-3, 1e6, false, "membrane capacitance; matters for currents only"},
    LIF_TAU_M(20),
    {"tau_a_ms", "ms", 200, 1e-2, 1e7, false, "decay of the threshold"},
    {"beta_mV", "mV", 1.7, -1000, 1000, false, "rise of the threshold at a spike"},
    LIF_T_REF(2),
    LIF_E_L(-65),
    LIF_V_TH(-50),
    LIF_I_E,
};
static const cls_state_info states[] = {
    LIF_V_M,
    {"A_mV", "mV", true, NULL, "how far the threshold is above V_th"},
    LIF_REFRACTORY,
};
static const cls_port_info ports[] = {
    {"delta", 1, {"delta", NULL}, "mV", true},
};

static void derive(const double *p, double h, float *k) {
  double gain_dc = lif_gain_dc(p[C_M], p[TAU_M], h);
  const double value[] = {cls_exp(-h / p[TAU_M]), cls_exp(-h / p[TAU_A]), gain_dc,
                          gain_dc * p[I_E],       p[V_TH] - p[E_L],       p[BETA],
                          rint(p[T_REF] / h)};
  LIF_STORE(alif, value, k);
}

static cls_status check(const double *p, double h) {
  (void)h;
  CLS_CHECK(p[E_L] < p[V_TH], CLS_ERR_INPUT, "E_L_mV %g: expected less than V_th_mV %g", p[E_L], p[V_TH]);
  return CLS_OK;
}

static const cls_figure figures[] = {
    {"spikes",
     "from each spike, when the next one comes at four currents, three betas and dt 0.02 ms, with the root "
     "of the exact solution rounded up to the grid: over what the rounding of decays to float explains",
     1, "of that", "model/test_alif.c"},
    {"steady", "the steady interval at 260, 400 and 700 pA and dt 0.005 ms, with its closed form", 0.2, "%",
     "model/test_alif.c"},
    {"scipy", "spike times of five currents at dt 0.025 ms, mean difference from scipy's", 0.1, "ms",
     "model/test_solutions.py"},
};

const cls_model cls_model_alif = {
    CLS_NEURON_METHODS(alif),
    .title = "leaky integrate-and-fire with an adaptive threshold, delta synapses",
    .citation = "Bellec et al., Nature Communications 11:3625 (2020)",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 1,
    .derive = derive,
    .check = check,
    .current_unit = "pA",
    .doc = {.equations =
                "tau_m dV/dt = -(V - E_L) + (tau_m / C) (I_e + I_inputs);   V += w at spikes\n"
                "tau_a dA/dt = -A\n"
                "V >= V_th + A: spike, then V = V - (V_th - E_L), A = A + beta, and no spike for t_ref.\n",
            .method = "exact on the grid for currents that are constant over a step",
            .order = 0,
            .spike_order = 1,
            CLS_FIGURES},
};

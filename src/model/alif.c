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
};

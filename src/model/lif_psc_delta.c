#include "model/lif_psc_delta.h"

CLS_DEFINE_NEURON(lif_psc_delta)

enum { C_M, TAU_M, T_REF, E_L, V_TH, V_RESET, I_E, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    {"C_m_pF", "pF", 250, 1e-3, 1e6, false, "membrane capacitance; matters for currents only"},
    {"tau_m_ms", "ms", 10, 1e-2, 1e6, false, "membrane time constant"},
    {"t_ref_ms", "ms", 2, 0, 1e4, false, "refractory time, rounded to steps"},
    {"E_L_mV", "mV", -70, -1000, 1000, false, "resting potential"},
    {"V_th_mV", "mV", -55, -1000, 1000, false, "threshold"},
    {"V_reset_mV", "mV", -70, -1000, 1000, false, "potential after a spike"},
    {"I_e_pA", "pA", 0, -1e9, 1e9, false, "constant current"},
};
static const cls_state_info states[] = {
    {"V_m_mV", "mV", true, "E_L_mV", "membrane potential; starts at E_L"},
    {"refractory_steps", "steps", false, NULL, "steps left of the refractory time"},
};
static const cls_port_info ports[] = {
    {"delta", 1, {"delta", NULL}, "mV", true},
};

static void derive(const double *p, double h, float *k) {
  double gain_dc = -p[TAU_M] / p[C_M] * cls_expm1(-h / p[TAU_M]);
  const double value[] = {cls_exp(-h / p[TAU_M]), gain_dc,           gain_dc * p[I_E], p[V_TH] - p[E_L],
                          p[V_RESET] - p[E_L],    rint(p[T_REF] / h)};
  for (int j = 0; j < CLS_COUNT(lif_psc_delta_CONSTS); j++) k[j] = (float)value[j];
}

static cls_status check(const double *p, double h) {
  (void)h;
  CLS_CHECK(p[V_RESET] < p[V_TH], CLS_ERR_INPUT, "V_reset_mV %g: expected less than V_th_mV %g", p[V_RESET],
            p[V_TH]);
  return CLS_OK;
}

/* A delta pulse is over before any current could be seen. */
static float receptor_current(const cls_tile *tile, int i, int stride, int receptor) {
  (void)tile, (void)i, (void)stride, (void)receptor;
  return 0;
}

const cls_model cls_model_lif_psc_delta = {
    .name = "lif_psc_delta",
    .title = "leaky integrate-and-fire, delta synapses: a weight is a jump of the potential",
    .citation = "Brunel, J. Comput. Neurosci. 8:183 (2000); Rotter & Diesmann, Biol. Cybern. 81:381 (1999)",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_states = CLS_COUNT(lif_psc_delta_STATES),
    .n_ports = 1,
    .n_receptors = 1,
    .n_consts = CLS_COUNT(lif_psc_delta_CONSTS),
    .derive = derive,
    .check = check,
    .tile_shared = lif_psc_delta_tile_shared,
    .tile_varied = lif_psc_delta_tile_varied,
    .one = lif_psc_delta_one,
    .receptor_current = receptor_current,
    .current_unit = "pA",
};

#include "model/lif_psc_exp.h"

CLS_DEFINE_NEURON(lif_psc_exp)

enum { C_M, TAU_M, TAU_EXC, TAU_INH, T_REF, E_L, V_TH, V_RESET, I_E, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    {"C_m_pF", "pF", 250, 1e-3, 1e6, false, "membrane capacitance"},
    {"tau_m_ms", "ms", 10, 1e-2, 1e6, false, "membrane time constant"},
    {"tau_syn_exc_ms", "ms", 0.5, 1e-3, 1e6, false, "decay of the excitatory current"},
    {"tau_syn_inh_ms", "ms", 0.5, 1e-3, 1e6, false, "decay of the inhibitory current"},
    {"t_ref_ms", "ms", 2, 0, 1e4, false, "refractory time, rounded to steps"},
    {"E_L_mV", "mV", -65, -1000, 1000, false, "resting potential"},
    {"V_th_mV", "mV", -50, -1000, 1000, false, "threshold"},
    {"V_reset_mV", "mV", -65, -1000, 1000, false, "potential after a spike"},
    {"I_e_pA", "pA", 0, -1e9, 1e9, false, "constant current"},
};
static const cls_state_info states[] = {
    {"V_m_mV", "mV", true, "E_L_mV", "membrane potential; starts at E_L"},
    {"I_exc_pA", "pA", true, NULL, "excitatory synaptic current"},
    {"I_inh_pA", "pA", true, NULL, "inhibitory synaptic current"},
    {"refractory_steps", "steps", false, NULL, "steps left of the refractory time"},
};
static const cls_port_info ports[] = {
    {"exc", 1, {"exc", NULL}, "pA", true},
    {"inh", 1, {"inh", NULL}, "pA", true},
};

/* V after a step of unit synaptic current: (tau_m tau_s / (C (tau_m - tau_s))) (e^{-h/tau_m} - e^{-h/tau_s}),
 * written with expm1 so that it stays accurate where the time constants are close, and its limit where they
 * are equal. */
static double synaptic_gain(double c, double tau_m, double tau_s, double h) {
  double inverse = 1.0 / tau_s - 1.0 / tau_m; /* (tau_m - tau_s) / (tau_m tau_s) */
  if (inverse * h < 1e-9 && inverse * h > -1e-9) return h / c * cls_exp(-h / tau_m);
  return -cls_exp(-h / tau_m) * cls_expm1(-h * inverse) / (c * inverse);
}

static void derive(const double *p, double h, float *k) {
  double gain_dc = -p[TAU_M] / p[C_M] * cls_expm1(-h / p[TAU_M]);
  const double value[] = {cls_exp(-h / p[TAU_M]),
                          cls_exp(-h / p[TAU_EXC]),
                          cls_exp(-h / p[TAU_INH]),
                          synaptic_gain(p[C_M], p[TAU_M], p[TAU_EXC], h),
                          synaptic_gain(p[C_M], p[TAU_M], p[TAU_INH], h),
                          gain_dc,
                          gain_dc * p[I_E],
                          p[V_TH] - p[E_L],
                          p[V_RESET] - p[E_L],
                          rint(p[T_REF] / h)};
  for (int j = 0; j < CLS_COUNT(lif_psc_exp_CONSTS); j++) k[j] = (float)value[j];
}

static cls_status check(const double *p, double h) {
  (void)h;
  CLS_CHECK(p[V_RESET] < p[V_TH], CLS_ERR_INPUT, "V_reset_mV %g: expected less than V_th_mV %g", p[V_RESET],
            p[V_TH]);
  return CLS_OK;
}

static float receptor_current(const cls_tile *tile, int i, int stride, int receptor) {
  (void)stride;
  return tile->state[receptor == 0 ? 1 : 2][i];
}

const cls_model cls_model_lif_psc_exp = {
    .name = "lif_psc_exp",
    .title = "leaky integrate-and-fire, exponential synaptic currents",
    .citation = "Rotter & Diesmann, Biol. Cybern. 81:381 (1999)",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_states = CLS_COUNT(lif_psc_exp_STATES),
    .n_ports = 2,
    .n_receptors = 2,
    .n_consts = CLS_COUNT(lif_psc_exp_CONSTS),
    .derive = derive,
    .check = check,
    .tile_shared = lif_psc_exp_tile_shared,
    .tile_varied = lif_psc_exp_tile_varied,
    .one = lif_psc_exp_one,
    .receptor_current = receptor_current,
    .current_unit = "pA",
};

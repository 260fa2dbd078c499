#include "model/lif_cond_exp.h"

CLS_DEFINE_NEURON(lif_cond_exp)

enum { C_M, G_L, TAU_EXC, TAU_INH, E_EXC, E_INH, T_REF, E_L, V_TH, V_RESET, I_E, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    {"C_m_pF", "pF", 200, 1e-3, 1e6, false, "membrane capacitance"},
    {"g_L_nS", "nS", 10, 1e-6, 1e6, false, "leak conductance"},
    {"tau_syn_exc_ms", "ms", 5, 1e-3, 1e6, false, "decay of the excitatory conductance"},
    {"tau_syn_inh_ms", "ms", 10, 1e-3, 1e6, false, "decay of the inhibitory conductance"},
    {"E_exc_mV", "mV", 0, -1000, 1000, false, "excitatory reversal potential"},
    {"E_inh_mV", "mV", -80, -1000, 1000, false, "inhibitory reversal potential"},
    {"t_ref_ms", "ms", 5, 0, 1e4, false, "refractory time, rounded to steps"},
    {"E_L_mV", "mV", -60, -1000, 1000, false, "leak (resting) potential"},
    {"V_th_mV", "mV", -50, -1000, 1000, false, "threshold"},
    {"V_reset_mV", "mV", -60, -1000, 1000, false, "potential after a spike"},
    {"I_e_pA", "pA", 0, -1e9, 1e9, false, "constant current"},
};
static const cls_state_info states[] = {
    {"V_m_mV", "mV", true, "E_L_mV", "membrane potential; starts at E_L"},
    {"g_exc_nS", "nS", true, NULL, "excitatory conductance"},
    {"g_inh_nS", "nS", true, NULL, "inhibitory conductance"},
    {"refractory_steps", "steps", false, NULL, "steps left of the refractory time"},
};
static const cls_port_info ports[] = {
    {"exc", 1, {"exc", NULL}, "nS", false},
    {"inh", 1, {"inh", NULL}, "nS", false},
};

/* Mean over a step of what decays from 1: tau / h (1 - e^(-h / tau)). */
static double mean_over_step(double tau, double h) { return -tau / h * cls_expm1(-h / tau); }

static void derive(const double *p, double h, float *k) {
  const double value[] = {cls_exp(-h / p[TAU_EXC]),
                          cls_exp(-h / p[TAU_INH]),
                          mean_over_step(p[TAU_EXC], h),
                          mean_over_step(p[TAU_INH], h),
                          p[E_EXC] - p[E_L],
                          p[E_INH] - p[E_L],
                          p[G_L],
                          p[I_E],
                          h / p[C_M],
                          p[V_TH] - p[E_L],
                          p[V_RESET] - p[E_L],
                          rint(p[T_REF] / h)};
  for (int j = 0; j < CLS_COUNT(lif_cond_exp_CONSTS); j++) k[j] = (float)value[j];
}

static cls_status check(const double *p, double h) {
  (void)h;
  CLS_CHECK(p[V_RESET] < p[V_TH], CLS_ERR_INPUT, "V_reset_mV %g: expected less than V_th_mV %g", p[V_RESET],
            p[V_TH]);
  return CLS_OK;
}

static float receptor_current(const cls_tile *tile, int i, int stride, int receptor) {
  lif_cond_exp_state s;
  lif_cond_exp_const k;
  lif_cond_exp_load(tile, i, stride, &s, &k);
  return lif_cond_exp_receptor_current(&s, &k, receptor);
}

const cls_model cls_model_lif_cond_exp = {
    .name = "lif_cond_exp",
    .title = "leaky integrate-and-fire, exponential synaptic conductances",
    .citation = "Brette et al., J. Comput. Neurosci. 23:349 (2007), benchmark 1",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_states = CLS_COUNT(lif_cond_exp_STATES),
    .n_ports = 2,
    .n_receptors = 2,
    .n_consts = CLS_COUNT(lif_cond_exp_CONSTS),
    .derive = derive,
    .check = check,
    .tile_shared = lif_cond_exp_tile_shared,
    .tile_varied = lif_cond_exp_tile_varied,
    .one = lif_cond_exp_one,
    .receptor_current = receptor_current,
    .current_unit = "pA",
};

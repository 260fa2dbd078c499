#include "model/hh_cond_exp.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(hh_cond_exp)

enum { C_M, G_L, G_NA, G_K, E_L, E_NA, E_K, V_T, V_TH, TAU_EXC, TAU_INH, E_EXC, E_INH, I_E, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    LIF_C_M(200),
    LIF_G_L(10),
    {"g_Na_nS", "nS", 20000, 0, 1e9, false, "sodium conductance, all gates open"},
    {"g_K_nS", "nS", 6000, 0, 1e9, false, "potassium conductance, all gates open"},
    LIF_E_L(-60),
    {"E_Na_mV", "mV", 50, -1000, 1000, false, "sodium reversal potential"},
    {"E_K_mV", "mV", -90, -1000, 1000, false, "potassium reversal potential"},
    {"V_T_mV", "mV", -63, -1000, 1000, false, "where the rates of the gates have their origin"},
    {"V_th_mV", "mV", -20, -1000, 1000, false, "V that crosses it upwards is a spike"},
    LIF_TAU_SYN_EXC(5, "conductance"),
    LIF_TAU_SYN_INH(10, "conductance"),
    LIF_E_EXC(0),
    LIF_E_INH(-80),
    LIF_I_E,
};
static const cls_state_info states[] = {
    LIF_V_M,
    {"m", "1", true, NULL, "activation of sodium, half a step ahead; starts at its steady state at E_L"},
    {"h", "1", true, NULL, "inactivation of sodium, likewise"},
    {"n", "1", true, NULL, "activation of potassium, likewise"},
    LIF_G_EXC,
    LIF_G_INH,
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
                          p[G_NA],
                          p[G_K],
                          p[E_NA] - p[E_L],
                          p[E_K] - p[E_L],
                          p[V_T] - p[E_L],
                          p[I_E],
                          h / p[C_M],
                          h,
                          p[V_TH] - p[E_L]};
  LIF_STORE(hh_cond_exp, value, k);
}

static cls_status check(const double *p, double h) {
  (void)h;
  CLS_CHECK(p[E_K] < p[E_NA], CLS_ERR_INPUT, "E_K_mV %g: expected less than E_Na_mV %g", p[E_K], p[E_NA]);
  return CLS_OK;
}

/* Gates at the steady state of V = E_L: a step that does not end. */
static void start(const double *p, double h, double unit, float *state) {
  (void)h, (void)unit;
  const float x = (float)(p[E_L] - p[V_T]);
  state[1] = 1.28f / cls_exprelf((13 - x) / 4);
  state[1] /= state[1] + 1.4f / cls_exprelf((x - 40) / 5);
  state[2] = 0.128f * cls_expf((17 - x) / 18);
  state[2] /= state[2] + 4 * cls_logisticf((x - 40) / 5);
  state[3] = 0.16f / cls_exprelf((15 - x) / 5);
  state[3] /= state[3] + 0.5f * cls_expf((10 - x) / 40);
}

static const cls_figure figures[] = {
    {"scipy", "V through spikes at dt 0.0125 ms, with scipy's solve_ivp at a tolerance of 1e-10", 0.4, "mV",
     "model/test_solutions.py"},
    {"spikes", "spike times of 40 spikes at five currents and dt 0.025 ms, mean difference from scipy's", 0.1,
     "ms", "model/test_solutions.py"},
    {"rates", "f-I: rates at 0 to 610 pA and dt 0.025 ms, with scipy's", 0.1, "%", "model/test_solutions.py"},
    {"gates", "gates at sixteen clamped potentials, poles of the rates among them, with their exponentials",
     1e-06, "1", "model/test_hh_cond_exp.c"},
    {"rest", "the resting potential at E_L -65 mV, with the root of its equation", 5e-06, "mV",
     "model/test_hh_cond_exp.c"},
};

const cls_model cls_model_hh_cond_exp = {
    CLS_NEURON_METHODS(hh_cond_exp),
    .title = "Hodgkin-Huxley (Traub-Miles), exponential synaptic conductances",
    .citation =
        "Traub & Miles (1991); Brette et al., J. Comput. Neurosci. 23:349 (2007), appendix B, benchmark 3",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 2,
    .derive = derive,
    .check = check,
    .start = start,
    .current_unit = "pA",
    .doc = {.equations =
                "C dV/dt = -g_L (V - E_L) - g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K)\n"
                "          - g_exc (V - E_exc) - g_inh (V - E_inh) + I_e + I_inputs\n"
                "dy/dt = alpha_y (1 - y) - beta_y y,   y in m, h, n;   with x = V - V_T in mV and rates in "
                "1/ms\n"
                "alpha_m = .32 (13 - x) / (exp((13 - x) / 4) - 1)     beta_m = .28 (x - 40) / (exp((x - 40) "
                "/ 5) - 1)\n"
                "alpha_h = .128 exp((17 - x) / 18)                    beta_h = 4 / (1 + exp((40 - x) / 5))\n"
                "alpha_n = .032 (15 - x) / (exp((15 - x) / 5) - 1)    beta_n = .5 exp((10 - x) / 40)\n"
                "dg_x/dt = -g_x / tau_syn_x + sum of w at spikes,   x in exc, inh\n"
                "A spike is where V crosses V_th upwards.\n",
            .method = "V and gates staggered by half a step, each exactly with the others held",
            .order = 2,
            .spike_order = 2,
            CLS_FIGURES},
};

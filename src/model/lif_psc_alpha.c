#include "model/lif_psc_alpha.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(lif_psc_alpha)

enum { C_M, TAU_M, TAU_EXC, TAU_INH, T_REF, E_L, V_TH, V_RESET, I_E, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    LIF_C_M(250),
    LIF_TAU_M(10),
    LIF_TAU_SYN_EXC(2, "current, and when it peaks"),
    LIF_TAU_SYN_INH(2, "current, and when it peaks"),
    LIF_T_REF(2),
    LIF_E_L(-70),
    LIF_V_TH(-55),
    LIF_V_RESET(-70),
    LIF_I_E,
};
static const cls_state_info states[] = {
    LIF_V_M,
    LIF_I_EXC,
    LIF_I_INH,
    {"R_exc_pA_per_ms", "pA/ms", false, NULL, "what makes the excitatory current rise"},
    {"R_inh_pA_per_ms", "pA/ms", false, NULL, "what makes the inhibitory current rise"},
    LIF_REFRACTORY,
};
static const cls_port_info ports[] = {LIF_PORTS("pA", true)};

/* V after a step of R that is 1 at its beginning: (h^2 / C) e^(-h / tau_m) G(x) with x = h (1 / tau_s - 1 /
 * tau_m) and G(x) = (1 - (1 + x) e^-x) / x^2, whose series is sum (-x)^k (k + 1) / (k + 2)!. */
static double rise_gain(double c, double tau_m, double tau_s, double h) {
  double x = h * (1 / tau_s - 1 / tau_m), g = 0, term = 1;
  if (x > 0.5 || x < -0.5) {
    g = (-cls_expm1(-x) - x * cls_exp(-x)) / (x * x);
  } else {
    for (int k = 0; k < 18; k++) {
      term /= k + 1; /* (-x)^k / (k + 1)! */
      g += term * (k + 1) / (k + 2);
      term *= -x;
    }
  }
  return h * h / c * cls_exp(-h / tau_m) * g;
}

static void derive(const double *p, double h, float *k) {
  double gain_dc = lif_gain_dc(p[C_M], p[TAU_M], h);
  const double e = 2.718281828459045;
  const double value[] = {cls_exp(-h / p[TAU_M]),
                          cls_exp(-h / p[TAU_EXC]),
                          cls_exp(-h / p[TAU_INH]),
                          lif_synaptic_gain(p[C_M], p[TAU_M], p[TAU_EXC], h),
                          lif_synaptic_gain(p[C_M], p[TAU_M], p[TAU_INH], h),
                          rise_gain(p[C_M], p[TAU_M], p[TAU_EXC], h),
                          rise_gain(p[C_M], p[TAU_M], p[TAU_INH], h),
                          e / p[TAU_EXC],
                          e / p[TAU_INH],
                          h,
                          gain_dc,
                          gain_dc * p[I_E],
                          p[V_TH] - p[E_L],
                          p[V_RESET] - p[E_L],
                          rint(p[T_REF] / h)};
  LIF_STORE(lif_psc_alpha, value, k);
}

static cls_status check(const double *p, double h) {
  (void)h;
  return lif_check_reset(p[V_RESET], p[V_TH]);
}

static const cls_figure figures[] = {
    {"psp", "PSPs of 250 pA at twelve tau_syn from 0.01 to 8 tau_m, with the closed form", 0.001, "mV",
     "model/test_lif_psc_alpha.c"},
    {"train",
     "V under random arrivals at both ports and a current that changes in every step, with the sum of closed "
     "forms",
     0.0001, "mV", "model/test_lif_psc_alpha.c"},
    {"rates",
     "intervals at 400, 500, 600 and 800 pA and dt 0.01 ms, with t_ref + tau_m ln(V_inf / (V_inf - theta))",
     0.01, "ms", "model/test_lif_psc_alpha.c"},
};

const cls_model cls_model_lif_psc_alpha = {
    CLS_NEURON_METHODS(lif_psc_alpha),
    .title = "leaky integrate-and-fire, alpha-shaped synaptic currents",
    .citation = "Rotter & Diesmann, Biol. Cybern. 81:381 (1999)",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 2,
    .derive = derive,
    .check = check,
    .current_unit = "pA",
    .doc = {.equations = "tau_m dV/dt = -(V - E_L) + (tau_m / C) (I_exc + I_inh + I_e + I_inputs)\n"
                         "dI_x/dt = R_x - I_x / tau_syn_x;   dR_x/dt = -R_x / tau_syn_x + (e / tau_syn_x) "
                         "sum of w at spikes\n"
                         "V >= V_th: spike, then V = V_reset for t_ref.\n",
            .method =
                "exact on the grid for currents that are constant over a step, at equal time constants too",
            .order = 0,
            .spike_order = 1,
            CLS_FIGURES},
};

#include "model/lif_dendrite.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(lif_dendrite)

enum {
  C_M,
  TAU_M,
  T_REF,
  E_L,
  V_TH,
  V_RESET,
  I_E,
  TAU_INH,
  TAU,
  LINEAR = TAU + 3,
  PLATEAU = LINEAR + 3,
  THETA = PLATEAU + 3,
  WIDTH = THETA + 3,
  N_PARAMS = WIDTH + 3
};
#define BRANCH(stem, b, suffix, unit, initial, min, max, doc)                                                \
  { stem "_" #b suffix, unit, initial, min, max, false, doc " " #b }
#define BRANCHES(stem, suffix, unit, initial, min, max, doc)                                                 \
  BRANCH(stem, 1, suffix, unit, initial, min, max, doc),                                                     \
      BRANCH(stem, 2, suffix, unit, initial, min, max, doc),                                                 \
      BRANCH(stem, 3, suffix, unit, initial, min, max, doc)
static const cls_param_info params[N_PARAMS] = {
    LIF_C_M(250),
    LIF_TAU_M(20),
    LIF_T_REF(2),
    LIF_E_L(-65),
    LIF_V_TH(-50),
    LIF_V_RESET(-65),
    LIF_I_E,
    {"tau_inh_ms", "ms", 5, 1e-3, 1e6, false, "decay of the inhibitory current of the soma"},
    BRANCHES("tau", "_ms", "ms", 10, 1e-3, 1e6, "decay of the current of branch"),
    BRANCHES("linear", "", "1", 1, -1e6, 1e6, "part of its current that reaches the soma, of branch"),
    BRANCHES("plateau", "_pA", "pA", 140, -1e9, 1e9, "what an active branch adds, of branch"),
    BRANCHES("theta", "_pA", "pA", 150, -1e9, 1e9, "current where it is half active, of branch"),
    BRANCHES("width", "_pA", "pA", 8.3, 1e-3, 1e9, "width of its activation, of branch"),
};
static const cls_state_info states[] = {
    LIF_V_M,
    {"I_1_pA", "pA", true, NULL, "synaptic current of branch 1"},
    {"I_2_pA", "pA", true, NULL, "synaptic current of branch 2"},
    {"I_3_pA", "pA", true, NULL, "synaptic current of branch 3"},
    {"I_soma_pA", "pA", true, NULL, "inhibitory synaptic current of the soma"},
    LIF_REFRACTORY,
};
static const cls_port_info ports[] = {
    {"branch_1", 2, {"branch_1", "branch_2"}, "pA", false},
    {"branch_3", 2, {"branch_3", "inh"}, "pA", false},
};

static void derive(const double *p, double h, float *k) {
  double gain_dc = lif_gain_dc(p[C_M], p[TAU_M], h), rest = 0, half[3], line[3];
  for (int b = 0; b < 3; b++) {
    half[b] = cls_exp(-h / (2 * p[TAU + b]));
    line[b] = p[LINEAR + b] * lif_synaptic_gain(p[C_M], p[TAU_M], p[TAU + b], h);
    rest += p[PLATEAU + b] / (1 + cls_exp(p[THETA + b] / p[WIDTH + b]));
  }
  const double value[] = {cls_exp(-h / p[TAU]),
                          cls_exp(-h / p[TAU + 1]),
                          cls_exp(-h / p[TAU + 2]),
                          half[0],
                          half[1],
                          half[2],
                          line[0],
                          line[1],
                          line[2],
                          gain_dc * p[PLATEAU],
                          gain_dc * p[PLATEAU + 1],
                          gain_dc * p[PLATEAU + 2],
                          p[THETA],
                          p[THETA + 1],
                          p[THETA + 2],
                          1 / p[WIDTH],
                          1 / p[WIDTH + 1],
                          1 / p[WIDTH + 2],
                          cls_exp(-h / p[TAU_M]),
                          cls_exp(-h / p[TAU_INH]),
                          lif_synaptic_gain(p[C_M], p[TAU_M], p[TAU_INH], h),
                          gain_dc,
                          gain_dc * (p[I_E] - rest),
                          p[V_TH] - p[E_L],
                          p[V_RESET] - p[E_L],
                          rint(p[T_REF] / h)};
  LIF_STORE(lif_dendrite, value, k);
}

static cls_status check(const double *p, double h) {
  (void)h;
  return lif_check_reset(p[V_RESET], p[V_TH]);
}

static const cls_figure figures[] = {
    {"scipy", "V at dt 0.25 ms under arrivals at all ports, with scipy's solve_ivp at a tolerance of 1e-10",
     0.0005, "mV", "model/test_solutions.py"},
    {"spikes", "spike times of 33 spikes at five currents and dt 0.025 ms, mean difference from scipy's", 0.1,
     "ms", "model/test_solutions.py"},
    {"branch",
     "what 0 to 8 inputs make of a branch, over its plateau, with the function of Poirazi et al. (2003) less "
     "its square",
     0.02, "1", "model/test_lif_dendrite.c"},
    {"psp", "PSPs of linear branches and of inhibition, with their closed forms", 2e-05, "mV",
     "model/test_lif_dendrite.c"},
    {"rates",
     "intervals at 200, 300 and 600 pA and dt 0.02 ms, with t_ref + tau_m ln(V_inf / (V_inf - theta))", 0.01,
     "ms", "model/test_lif_dendrite.c"},
};

const cls_model cls_model_lif_dendrite = {
    CLS_NEURON_METHODS(lif_dendrite),
    .title = "leaky integrate-and-fire, three nonlinear dendritic branches",
    .citation = "Poirazi, Brannon & Mel, Neuron 37:989 (2003)",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 2,
    .derive = derive,
    .check = check,
    .current_unit = "pA",
    .doc = {.equations = "tau_m dV/dt = -(V - E_L) + (tau_m / C) (B_1(I_1) + B_2(I_2) + B_3(I_3) - I_soma + "
                         "I_e + I_inputs)\n"
                         "B_b(I) = linear_b I + plateau_b (S((I - theta_b) / width_b) - S(-theta_b / "
                         "width_b));  S(x) = 1 / (1 + e^-x)\n"
                         "dI_b/dt = -I_b / tau_b + sum of w at spikes, w >= 0;   likewise I_soma, which "
                         "inhibits the soma\n"
                         "V >= V_th: spike, then V = V_reset for t_ref.\n",
            .method = "linear parts exactly; the sigmoids at the middle of the step",
            .order = 2,
            .spike_order = 1,
            CLS_FIGURES},
};

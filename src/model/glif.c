#include "model/glif.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(glif)

enum { ALPHA, BETA, GAMMA, TAU_EXP, LEAK, V_SUB, V_TH, U_MIN, WINDOW, G_STEP, G, I_E = G + 8, N_PARAMS };
#define GATE(name, doc)                                                                                      \
  { name, "1", 0.5, 0, 1, false, doc }
#define CONDUCTANCE(i)                                                                                       \
  { "g_" #i, "1", 0.5, 0, 1, false, "conductance of the input in part " #i " of the window" }
static const cls_param_info params[N_PARAMS] = {
    GATE("alpha", "gate of the leak: 0 linear, 1 exponential"),
    GATE("beta", "gate of the input: 0 as it comes, 1 by the conductances g"),
    GATE("gamma", "gate of the reset: 0 by V_sub, 1 to 0"),
    {"tau_exp_ms", "ms", 10, 1e-2, 1e6, false, "time constant of the exponential leak"},
    {"leak_per_ms", "1/ms", 0.02, 0, 1e6, false, "rate of the linear leak"},
    {"V_sub", "1", 1, 0, 1e6, false, "what a spike takes off"},
    {"V_th", "1", 1, 1e-6, 1e6, false, "threshold"},
    {"U_min", "1", -10, -1e6, 0, false, "lower bound of the potential"},
    {"window", "1", 4, 1, 8, true, "how many of g_1 ... g_8 are used; rounded"},
    {"g_step_ms", "ms", 1, 1e-3, 1e5, true, "duration of each, rounded to steps, at least one"},
    CONDUCTANCE(1),
    CONDUCTANCE(2),
    CONDUCTANCE(3),
    CONDUCTANCE(4),
    CONDUCTANCE(5),
    CONDUCTANCE(6),
    CONDUCTANCE(7),
    CONDUCTANCE(8),
    {"I_e_per_ms", "1/ms", 0, -1e6, 1e6, false, "constant input"},
};
static const cls_state_info states[] = {
    {"U", "1", true, NULL, "membrane potential; starts at 0"},
    {"spiked", "1", false, NULL, "1 after a step with a spike"},
    {"clock_steps", "steps", false, NULL, "steps since the window began"},
};
static const cls_port_info ports[] = {
    {"delta", 1, {"delta", NULL}, "1", true},
};

static void derive(const double *p, double h, float *k) {
  double slot = fmax(1, rint(p[G_STEP] / h)), input[8];
  for (int i = 0; i < 8; i++) input[i] = 1 - p[BETA] * (1 - p[G + i]);
  const double value[] = {1 + p[ALPHA] * cls_expm1(-h / p[TAU_EXP]),
                          (1 - p[ALPHA]) * p[LEAK] * h,
                          p[GAMMA],
                          (1 - p[GAMMA]) * p[V_SUB],
                          p[V_TH],
                          p[U_MIN],
                          p[I_E],
                          h,
                          slot,
                          slot * rint(p[WINDOW]),
                          input[0],
                          input[1],
                          input[2],
                          input[3],
                          input[4],
                          input[5],
                          input[6],
                          input[7]};
  LIF_STORE(glif, value, k);
}

/* The window is counted in floats, which are whole up to 2^24. */
static cls_status check(const double *p, double h) {
  double cycle = fmax(1, rint(p[G_STEP] / h)) * rint(p[WINDOW]);
  CLS_CHECK(cycle <= 16777216, CLS_ERR_INPUT,
            "g_step_ms %g: a window of %g is %.10g steps: expected at most 16777216", p[G_STEP],
            rint(p[WINDOW]), cycle);
  return CLS_OK;
}

static const cls_figure figures[] = {
    {"update",
     "U of 48 neurons with gates from 0 to 1 through 400 steps, each with the published step in double "
     "precision",
     2e-07, "1", "model/test_glif.c"},
    {"rates", "intervals of six settings of the gates at dt 0.01 ms, with their closed forms", 0.1, "%",
     "model/test_glif.c"},
    {"scipy", "U at dt 0.125 ms under jumps, with scipy's solve_ivp of the limit of small steps", 0.0005, "1",
     "model/test_solutions.py"},
    {"spikes", "spike times at five inputs and dt 0.025 ms, mean difference from scipy's", 0.1, "ms",
     "model/test_solutions.py"},
};

const cls_model cls_model_glif = {
    CLS_NEURON_METHODS(glif),
    .title = "gated leaky integrate-and-fire: gates mix leaks, inputs and resets; delta synapses",
    .citation = "Yao et al., GLIF, NeurIPS 2022, and its authors' code",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 1,
    .derive = derive,
    .check = check,
    .current_unit = "1/ms",
    .doc =
        {.equations =
             "L(t) = (1 - alpha (1 - e^(-dt / tau_exp))) U(t - dt)                     exponential leak\n"
             "I(t) = (1 - beta (1 - g(t))) (sum of w at spikes + (I_e + I_inputs) dt)  conductance g in "
             "time\n"
             "U(t) = L(t) - (1 - alpha) leak dt + I(t)                                 linear leak\n"
             "       - S(t - dt) (gamma L(t) + (1 - gamma) V_sub)                      reset to 0, by V_sub\n"
             "S(t) = 1, a spike, where U(t) >= V_th\n",
         .method = "the published map, whose leaks are rates here",
         .order = 1,
         .spike_order = 1,
         CLS_FIGURES},
};

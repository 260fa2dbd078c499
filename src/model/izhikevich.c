#include "model/izhikevich.h"
#include "model/lif.h"

CLS_DEFINE_NEURON(izhikevich)

enum { A, B, C, D, V_PEAK, I_E, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    {"a_per_ms", "1/ms", 0.02, 1e-6, 1e3, false, "rate of recovery"},
    {"b_per_ms", "1/ms", 0.2, -1e3, 1e3, false, "coupling of the recovery to the potential"},
    {"c_mV", "mV", -65, -1000, 1000, false, "potential after a spike"},
    {"d_mV_per_ms", "mV/ms", 8, -1e6, 1e6, false, "jump of the recovery at a spike"},
    {"V_peak_mV", "mV", 30, -1000, 1000, false, "where a spike is cut off"},
    {"I_e_mV_per_ms", "mV/ms", 0, -1e6, 1e6, false, "constant current"},
};
static const cls_state_info states[] = {
    {"V_m_mV", "mV", true, NULL, "membrane potential; starts at -65 mV"},
    {"u_mV_per_ms", "mV/ms", true, NULL, "recovery; starts at b (-65 mV)"},
};
static const cls_port_info ports[] = {
    {"delta", 1, {"delta", NULL}, "mV", true},
};

static void derive(const double *p, double h, float *k) {
  const double value[] = {-cls_expm1(-p[A] * h / 2), p[B], p[I_E] - 16.25, h, p[V_PEAK], p[C], p[D]};
  LIF_STORE(izhikevich, value, k);
}

static cls_status check(const double *p, double h) {
  (void)h;
  CLS_CHECK(p[C] < p[V_PEAK], CLS_ERR_INPUT, "c_mV %g: expected less than V_peak_mV %g", p[C], p[V_PEAK]);
  return CLS_OK;
}

static void start(const double *p, double h, double unit, float *state) {
  (void)h, (void)unit;
  state[0] = -65;
  state[1] = (float)(p[B] * -65);
}

static const cls_figure figures[] = {
    {"scipy", "V at dt 0.125 ms under jumps, with scipy's solve_ivp at a tolerance of 1e-10", 0.0005, "mV",
     "model/test_solutions.py"},
    {"spikes", "spike times of 30 spikes at six currents and dt 0.025 ms, mean difference from scipy's", 0.1,
     "ms", "model/test_solutions.py"},
    {"rates", "f-I: rates at six currents and dt 0.025 ms, with scipy's", 0.2, "%",
     "model/test_solutions.py"},
    {"patterns",
     "the first spikes, eight at most, of the seven types of cell of the paper's figure 2 at dt 0.01 ms, "
     "mean difference from scipy's",
     0.1, "ms", "model/test_solutions.py"},
    {"edge", "the current at which rest is lost, of four parameter sets, with the linear theory", 0.02,
     "mV/ms", "model/test_izhikevich.c"},
    {"resonance",
     "period and decay of the subthreshold oscillation of a resonator (RZ), with the linear theory", 1, "%",
     "model/test_izhikevich.c"},
};

const cls_model cls_model_izhikevich = {
    CLS_NEURON_METHODS(izhikevich),
    .title = "quadratic membrane with recovery (Izhikevich)",
    .citation = "Izhikevich, IEEE Trans. Neural Networks 14:1569 (2003), eqs. 1-3",
    .params = params,
    .states = states,
    .ports = ports,
    .n_params = N_PARAMS,
    .n_ports = 1,
    .derive = derive,
    .check = check,
    .start = start,
    .current_unit = "mV/ms",
    .doc = {.equations = "dV/dt = 0.04 V^2 + 5 V + 140 - u + I_e + I_inputs;   V += w at spikes\n"
                         "du/dt = a (b V - u)\n"
                         "V >= V_peak: spike, then V = c and u = u + d.\n",
            .method = "u half a step, V a whole one (a Moebius map, exact for the u it finds), u another "
                      "half (Strang)",
            .order = 2,
            .spike_order = 1,
            CLS_FIGURES},
};

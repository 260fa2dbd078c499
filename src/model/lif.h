/* What integrate-and-fire models have in common: rows of their tables, constants of linear membranes, a check.
 * For the C files of the models; not for the GPU. */
#ifndef CALLOSUM_LIF_H
#define CALLOSUM_LIF_H

#include "model/kernel.h"

/* Parameters, by their default. */
#define LIF_C_M(initial)                                                                                     \
  { "C_m_pF", "pF", initial, 1e-3, 1e6, false, "membrane capacitance" }
#define LIF_TAU_M(initial)                                                                                   \
  { "tau_m_ms", "ms", initial, 1e-2, 1e6, false, "membrane time constant" }
#define LIF_G_L(initial)                                                                                     \
  { "g_L_nS", "nS", initial, 1e-6, 1e6, false, "leak conductance" }
#define LIF_E_L(initial)                                                                                     \
  { "E_L_mV", "mV", initial, -1000, 1000, false, "leak (resting) potential" }
#define LIF_V_TH(initial)                                                                                    \
  { "V_th_mV", "mV", initial, -1000, 1000, false, "threshold" }
#define LIF_V_RESET(initial)                                                                                 \
  { "V_reset_mV", "mV", initial, -1000, 1000, false, "potential after a spike" }
#define LIF_T_REF(initial)                                                                                   \
  { "t_ref_ms", "ms", initial, 0, 1e4, false, "refractory time, rounded to steps" }
#define LIF_I_E                                                                                              \
  { "I_e_pA", "pA", 0, -1e9, 1e9, false, "constant current" }
/* `what` decays: "current", "conductance". */
#define LIF_TAU_SYN_EXC(initial, what)                                                                       \
  { "tau_syn_exc_ms", "ms", initial, 1e-3, 1e6, false, "decay of the excitatory " what }
#define LIF_TAU_SYN_INH(initial, what)                                                                       \
  { "tau_syn_inh_ms", "ms", initial, 1e-3, 1e6, false, "decay of the inhibitory " what }
#define LIF_E_EXC(initial)                                                                                   \
  { "E_exc_mV", "mV", initial, -1000, 1000, false, "excitatory reversal potential" }
#define LIF_E_INH(initial)                                                                                   \
  { "E_inh_mV", "mV", initial, -1000, 1000, false, "inhibitory reversal potential" }

/* States. The potential is kept relative to E_L and starts there. */
#define LIF_V_M                                                                                              \
  { "V_m_mV", "mV", true, "E_L_mV", "membrane potential; starts at E_L" }
#define LIF_I_EXC                                                                                            \
  { "I_exc_pA", "pA", true, NULL, "excitatory synaptic current" }
#define LIF_I_INH                                                                                            \
  { "I_inh_pA", "pA", true, NULL, "inhibitory synaptic current" }
#define LIF_G_EXC                                                                                            \
  { "g_exc_nS", "nS", true, NULL, "excitatory conductance" }
#define LIF_G_INH                                                                                            \
  { "g_inh_nS", "nS", true, NULL, "inhibitory conductance" }
#define LIF_REFRACTORY                                                                                       \
  { "refractory_steps", "steps", false, NULL, "steps left of the refractory time" }

/* Two ports of one weight each, signed for currents. */
#define LIF_PORTS(unit, is_signed)                                                                           \
  {"exc", 1, {"exc", NULL}, unit, is_signed}, {"inh", 1, {"inh", NULL}, unit, is_signed},

static inline cls_status lif_check_reset(double reset, double threshold) {
  CLS_CHECK(reset < threshold, CLS_ERR_INPUT, "V_reset_mV %g: expected less than V_th_mV %g", reset,
            threshold);
  return CLS_OK;
}

/* Potential after a step h of unit constant current, from rest: tau / C (1 - e^(-h / tau)). */
static inline double lif_gain_dc(double c, double tau, double h) { return -tau / c * cls_expm1(-h / tau); }

/* Mean over a step of what decays from 1: tau / h (1 - e^(-h / tau)). */
static inline double lif_mean(double tau, double h) { return -tau / h * cls_expm1(-h / tau); }

/* Potential after a step of a current that decays from 1: (tau_m tau_s / (C (tau_m - tau_s))) (e^{-h/tau_m} -
 * e^{-h/tau_s}), written with expm1 so that it stays accurate where the time constants are close, and its
 * limit where they are equal. */
static inline double lif_synaptic_gain(double c, double tau_m, double tau_s, double h) {
  double inverse = 1.0 / tau_s - 1.0 / tau_m; /* (tau_m - tau_s) / (tau_m tau_s) */
  if (inverse * h < 1e-9 && inverse * h > -1e-9) return h / c * cls_exp(-h / tau_m);
  return -cls_exp(-h / tau_m) * cls_expm1(-h * inverse) / (c * inverse);
}

/* What derive() has found, in the order of NAME_CONSTS. */
#define LIF_STORE(NAME, value, k)                                                                            \
  do {                                                                                                       \
    _Static_assert(sizeof(value) / sizeof *(value) == CLS_COUNT(NAME##_CONSTS), "every constant, no more");  \
    for (int lif_j = 0; lif_j < CLS_COUNT(NAME##_CONSTS); lif_j++) (k)[lif_j] = (float)(value)[lif_j];       \
  } while (0)

#endif

/* Balloon-Windkessel model of haemodynamics: from neuronal activity to the BOLD signal of a region or voxel.
 *
 *   ds/dt = eps u - s / tau_s - (f - 1) / tau_f                              vasodilatory signal (1/s)
 *   df/dt = s                                                                blood flow, 1 at rest
 *   dv/dt = (f - v^(1/alpha)) / tau_0                                        blood volume, 1 at rest
 *   dq/dt = (f (1 - (1 - E0)^(1/f)) / E0 - q v^(1/alpha - 1)) / tau_0        deoxyhaemoglobin, 1 at rest
 *   y     = V0 (7 E0 (1 - q) + 2 (1 - q / v) + (2 E0 - 0.2) (1 - v))         relative BOLD signal
 *
 * Sources: Friston, Mechelli, Turner and Price 2000 (NeuroImage 12, 466-477), equations 4 to 9; Friston,
 * Harrison and Penny 2003 (NeuroImage 19, 1273-1302), equation 3. Defaults are those of the Digital Twin
 * Brain (Lu et al. 2023, arXiv 2308.01241), integrated by explicit Euler at 1 ms.
 *
 * Written for the CPU and for CUDA. Double precision; the same bits on every processor (base/math.h). */
#ifndef CALLOSUM_BALLOON_H
#define CALLOSUM_BALLOON_H

#include "base/math.h"

/* Activity u, and f, v and q are kept at or above this: powers and quotients stay defined. */
#define CLS_BALLOON_FLOOR 1e-5

typedef struct {
  double epsilon;             /* efficacy of activity (1/s^2 per unit of u) */
  double tau_s, tau_f, tau_0; /* signal decay, flow-dependent elimination, transit time (s) */
  double alpha;               /* Grubb's exponent of the vessels' stiffness */
  double e0;                  /* oxygen extraction at rest, 0 ... 1 */
  double v0;                  /* blood volume fraction at rest */
} cls_balloon_params;

/* What a step needs besides the parameters; see cls_balloon_derive(). */
typedef struct {
  cls_balloon_params p;
  double exponent;  /* 1 / alpha - 1 */
  double ln_passed; /* ln(1 - E0) */
} cls_balloon_consts;

typedef struct {
  double s, f, v, q;
} cls_balloon;

CLS_FN cls_balloon_params cls_balloon_default(void) {
  cls_balloon_params p;
  p.epsilon = 200;
  p.tau_s = 0.8;
  p.tau_f = 0.4;
  p.tau_0 = 1;
  p.alpha = 0.2;
  p.e0 = 0.8;
  p.v0 = 0.02;
  return p;
}

CLS_FN cls_balloon_consts cls_balloon_derive(cls_balloon_params p) {
  cls_balloon_consts c;
  c.p = p;
  c.exponent = 1 / p.alpha - 1;
  c.ln_passed = cls_ln(1 - p.e0);
  return c;
}

CLS_FN cls_balloon cls_balloon_rest(void) {
  cls_balloon b;
  b.s = 0;
  b.f = 1;
  b.v = 1;
  b.q = 1;
  return b;
}

CLS_FN double cls_balloon_floor(double x) { return x > CLS_BALLOON_FLOOR ? x : CLS_BALLOON_FLOOR; }

/* One explicit Euler step of `dt_s` seconds. u: the fraction of neurons that spiked in the millisecond. */
CLS_FN void cls_balloon_step(cls_balloon *b, const cls_balloon_consts *c, double u, double dt_s) {
  const cls_balloon_params *p = &c->p;
  const cls_balloon o = *b;
  const double pressure = cls_pow(o.v, c->exponent);         /* v^(1/alpha - 1) */
  const double extraction = 1 - cls_exp(c->ln_passed / o.f); /* 1 - (1 - E0)^(1/f) */
  b->s = o.s + dt_s * (p->epsilon * cls_balloon_floor(u) - o.s / p->tau_s - (o.f - 1) / p->tau_f);
  b->f = cls_balloon_floor(o.f + dt_s * o.s);
  b->v = cls_balloon_floor(o.v + dt_s * (o.f - o.v * pressure) / p->tau_0);
  b->q = cls_balloon_floor(o.q + dt_s * (o.f * extraction / p->e0 - o.q * pressure) / p->tau_0);
}

/* The BOLD signal y, relative to rest. */
CLS_FN double cls_balloon_signal(const cls_balloon *b, const cls_balloon_consts *c) {
  const double e0 = c->p.e0;
  return c->p.v0 * (7 * e0 * (1 - b->q) + 2 * (1 - b->q / b->v) + (2 * e0 - 0.2) * (1 - b->v));
}

#endif

/* Elementary functions that give the same bits on every processor and compiler we support: the C library's
 * may change between processors (they dispatch on FMA and AVX), so nothing that reaches the spikes may call
 * them. Only +, -, *, /, sqrt, fma and integer operations are used, in a stated order, with
 * -ffp-contract=off (nvcc: --fmad=false). A test forbids the C library's symbols in the objects.
 *
 * Accuracy: double functions within 2 ulp over the stated range; float ones within 2 ulp of float. */
#ifndef CALLOSUM_MATH_H
#define CALLOSUM_MATH_H

#include "base/both.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---- double precision: construction, haemodynamics, derived constants ---- */
CLS_MATH double cls_exp(double x);
CLS_MATH double cls_expm1(double x);
CLS_MATH double cls_ln(double x);            /* natural logarithm, x > 0 */
CLS_MATH double cls_pow(double x, double y); /* x > 0; within 4 ulp */
/* What Stirling's formula lacks: ln Gamma(x) - ((x - 1/2) ln x - x + ln(2 pi) / 2), for x >= 10. */
CLS_MATH double cls_stirling_tail(double x);
/* Quantile of the standard normal distribution, 0 < p < 1 (Wichura 1988, AS 241 PPND16), relative error
 * below 1e-15. */
CLS_MATH double cls_normal_quantile(double p);

#ifdef __CUDACC__
#include "base/math_define.h"
#include "base/normal_define.h"
#else
/* CPU only. */
CLS_MATH double cls_sin(double x); /* |x| <= 1e5 */
CLS_MATH double cls_cos(double x);
CLS_MATH double cls_log_gamma(double x); /* x > 0 */
#endif

#endif

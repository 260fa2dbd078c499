/* Elementary functions that give the same bits on every processor and compiler we support: the C library's
 * may change between processors (they dispatch on FMA and AVX), so nothing that reaches the spikes may call
 * them. Only +, -, *, /, sqrt, fma and integer operations are used, in a stated order, with
 * -ffp-contract=off (nvcc: --fmad=false). A test forbids the C library's symbols in the objects.
 *
 * Accuracy: double functions within 2 ulp over the stated range; float ones within 2 ulp of float. */
#ifndef CALLOSUM_MATH_H
#define CALLOSUM_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* CLS_FN: a function defined in a header, for CPU and GPU. CLS_SELDOM: one that the GPU had better call than repeat in its
 * kernels. CLS_MATH: one that is declared in a header X.h and defined in X_define.h. Of those the library has one each; a
 * CUDA file gets its own with X.h, inline, since device code cannot be linked without a cost. */
#ifdef __CUDACC__
#define CLS_BOTH   __host__ __device__
#define CLS_FN     static inline CLS_BOTH
#define CLS_SELDOM static inline __noinline__ CLS_BOTH
#define CLS_MATH   static inline CLS_BOTH
#else
#define CLS_BOTH
#define CLS_FN     static inline __attribute__((always_inline))
#define CLS_SELDOM static inline
#ifdef __cplusplus
#define CLS_MATH extern "C"
#else
#define CLS_MATH
#endif
#endif

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

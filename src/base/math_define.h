/* The functions of base/math.h that CPU and GPU share: included once by math.c, which makes them functions of the
 * library, and by every CUDA file, which compiles its own (see CLS_MATH).
 *
 * In double precision from +, -, *, / and sqrt alone, each rounded as IEEE 754 says, so that every processor gives the
 * same bits. fma would be as exact, but is emulated where the processor has none.
 *
 * The methods are the classical ones: an argument reduction with a constant split in parts (Cody & Waite,
 * "Software Manual for the Elementary Functions", 1980), then a polynomial whose leading terms are added
 * last, so that only their rounding counts. Polynomials are Taylor series where the interval is short enough
 * for them. */
#ifndef CALLOSUM_MATH_DEFINE_H
#define CALLOSUM_MATH_DEFINE_H

#include "base/math_parts.h"

/* ---- exponential ---- */

#define CLS_LOG2_E 0x1.71547652b82fep+0

/* y * 2^k, rounded once, for -1100 < k <= 1024 and 1/2 < y < 2. */
CLS_FN double cls_scaled(double y, int k) {
  if (k > 1023) return y * cls_from_bits((uint64_t)(1023 + k - 1) << 52) * 2;
  if (k < -1021) return y * cls_from_bits((uint64_t)(1023 + k + 128) << 52) * 0x1p-128;
  return y * cls_from_bits((uint64_t)(1023 + k) << 52);
}

/* x = k ln 2 + r + c with |r| <= (ln 2) / 2; c is what the rounding of r left over. */
typedef struct {
  double r, c;
  int k;
} cls_exp_reduced;

CLS_FN cls_exp_reduced cls_reduce_exp(double x) {
  double k = cls_nearest(x * CLS_LOG2_E), high = x - k * CLS_LN2_HIGH, low = k * CLS_LN2_LOW, r = high - low;
  return (cls_exp_reduced){r, (high - r) - low, (int)k};
}

/* (exp(r) - 1 - r) / r^2 for |r| <= 0.3466: Taylor to r^13 / 13!, relative error 2^-57 of exp(r). */
CLS_FN double cls_exp_tail(double r) {
  double z = r * r;
  double even = 1.0 / 479001600;
  even = even * z + 1.0 / 3628800;
  even = even * z + 1.0 / 40320;
  even = even * z + 1.0 / 720;
  even = even * z + 1.0 / 24;
  even = even * z + 1.0 / 2;
  double odd = 1.0 / 6227020800.0;
  odd = odd * z + 1.0 / 39916800;
  odd = odd * z + 1.0 / 362880;
  odd = odd * z + 1.0 / 5040;
  odd = odd * z + 1.0 / 120;
  odd = odd * z + 1.0 / 6;
  return even + r * odd;
}

CLS_MATH double cls_exp(double x) {
  if (!(x <= 709.782712893384)) return x > 0 ? INFINITY : x; /* the second: NaN */
  if (x < -745.1332191019412) return 0;
  cls_exp_reduced e = cls_reduce_exp(x);
  return cls_scaled(1 + (e.r + (e.c + e.r * e.r * cls_exp_tail(e.r))), e.k);
}

CLS_MATH double cls_expm1(double x) {
  if (!(x <= 709.782712893384)) return x > 0 ? INFINITY : x;
  if (x < -38) return -1;
  if (fabs(x) < 0.34) return x + x * x * cls_exp_tail(x);
  cls_exp_reduced e = cls_reduce_exp(x);
  double t = e.r + (e.c + e.r * e.r * cls_exp_tail(e.r)); /* exp(x) = 2^k (1 + t) */
  if (e.k > 56) return cls_scaled(1 + t, e.k);
  double power = cls_from_bits((uint64_t)(1023 + e.k) << 52);
  return (power - 1) + power * t;
}

/* ---- logarithm ---- */

/* ln 0 = -infinity, ln of negative numbers is NaN. */
CLS_MATH double cls_ln(double x) {
  if (!(x > 0)) return x == 0 ? -INFINITY : NAN;
  if (!(x < INFINITY)) return x;
  int k;
  double f = cls_reduce_ln(x, &k) - 1, s = f / (2 + f), half = 0.5 * f * f;
  double correction = s * (half + cls_artanh_tail(s * s));
  if (k == 0) return f - (half - correction);
  return k * CLS_LN2_HIGH - ((half - (correction + k * CLS_LN2_LOW)) - f);
}

/* ln x for finite x > 0 with about 10 bits more than a double holds: s = f / (2 + f) with its remainder. */
CLS_FN cls_pair cls_ln_pair(double x) {
  int k;
  double m = cls_reduce_ln(x, &k), f = m - 1, divisor = m + 1, divisor_low = m - (divisor - 1);
  double s = f / divisor;
  cls_pair product = cls_exact_product(s, divisor);
  double s_low = (((f - product.high) - product.low) - s * divisor_low) / divisor;
  double tail = 2 * s_low + s * cls_artanh_tail(s * s);
  cls_pair sum = cls_fast_sum(k * CLS_LN2_HIGH, 2 * s);
  if (k == 0) sum.low = 0;
  return cls_fast_sum(sum.high, sum.low + (k * CLS_LN2_LOW + tail));
}

/* exp(y ln x) with the product in double the precision. x > 0; pow(x, 0) = pow(1, y) = 1. */
CLS_MATH double cls_pow(double x, double y) {
  if (y == 0 || x == 1) return 1;
  if (!(x > 0) || y != y) return x == 0 && y > 0 ? 0 : x == 0 && y < 0 ? INFINITY : NAN;
  if (!(x < INFINITY)) return y > 0 ? INFINITY : 0;
  cls_pair l = cls_ln_pair(x);
  double rough = y * l.high;
  if (rough > 710) return INFINITY;
  if (rough < -746) return 0;
  if (fabs(y) < 0x1p-500) return 1;
  cls_pair p = cls_exact_product(y, l.high);
  cls_exp_reduced e = cls_reduce_exp(p.high);
  double low = e.c + (p.low + y * l.low), t = e.r * e.r * cls_exp_tail(e.r);
  double result = 1 + (e.r + (t + low * (1 + (e.r + t))));
  return e.k > 1024 ? INFINITY : cls_scaled(result, e.k);
}

/* ---- gamma function ---- */

CLS_MATH double cls_stirling_tail(double x) {
  static const double series[7] = {1.0 / 12,   -1.0 / 360,        1.0 / 1260, -1.0 / 1680,
                                   1.0 / 1188, -691.0 / 360360.0, 1.0 / 156};
  double inverse = 1 / x;
  return inverse * cls_horner(series, 7, inverse * inverse);
}

#endif

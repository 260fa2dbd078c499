/* Private to the files of functions in double precision (math, normal): what they are made of. Exact sums and products
 * are those of Dekker (Numer. Math. 18:224, 1971). */
#ifndef CALLOSUM_MATH_PARTS_H
#define CALLOSUM_MATH_PARTS_H

#include "base/math.h"

#define CLS_LN2_HIGH  0x1.62e42feep-1 /* 32 bits: exact when multiplied by an exponent */
#define CLS_LN2_LOW   0x1.a39ef35793c76p-33
#define CLS_SQRT_HALF 0x3fe6a09e667f3bcdull /* bits of sqrt(1/2) */
#define CLS_ONE       0x3ff0000000000000ull /* bits of 1 */
#define CLS_MANTISSA  0x000fffffffffffffull

CLS_FN uint64_t cls_bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

CLS_FN double cls_from_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

CLS_FN double cls_horner(const double *coefficient, int n, double x) {
  double y = coefficient[n - 1];
  for (int i = n - 2; i >= 0; i--) y = y * x + coefficient[i];
  return y;
}

/* Adding 1.5 * 2^52 pushes the fraction out of the mantissa: the nearest integer for |x| < 2^51. */
CLS_FN double cls_nearest(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

/* x = 2^k m with sqrt(1/2) <= m < sqrt(2), for finite x > 0. */
CLS_FN double cls_reduce_ln(double x, int *k) {
  *k = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    *k = -54;
  }
  uint64_t shifted = cls_bits_of(x) + (CLS_ONE - CLS_SQRT_HALF);
  *k += (int)(shifted >> 52) - 1023;
  return cls_from_bits((shifted & CLS_MANTISSA) + CLS_SQRT_HALF);
}

/* ln((1 + s) / (1 - s)) / s - 2 as a function of z = s^2 <= 0.0295: twice the series of artanh. */
CLS_FN double cls_artanh_tail(double z) {
  double t = 2.0 / 21;
  t = t * z + 2.0 / 19;
  t = t * z + 2.0 / 17;
  t = t * z + 2.0 / 15;
  t = t * z + 2.0 / 13;
  t = t * z + 2.0 / 11;
  t = t * z + 2.0 / 9;
  t = t * z + 2.0 / 7;
  t = t * z + 2.0 / 5;
  t = t * z + 2.0 / 3;
  return t * z;
}

/* ---- numbers in double the precision ---- */

/* A number as the unevaluated sum high + low. */
typedef struct {
  double high, low;
} cls_pair;

/* a + b exactly, |a| >= |b| or a = 0. */
CLS_FN cls_pair cls_fast_sum(double a, double b) {
  double s = a + b;
  return (cls_pair){s, a == 0 ? 0 : b - (s - a)};
}

/* a + b exactly, any order. */
CLS_FN cls_pair cls_exact_sum(double a, double b) {
  double s = a + b, t = s - a;
  return (cls_pair){s, (a - (s - t)) + (b - t)};
}

/* The upper 26 bits (Veltkamp). */
CLS_FN double cls_upper_half(double a) {
  double c = a * 134217729.0; /* 2^27 + 1 */
  return c - (c - a);
}

/* a * b exactly, where nothing over- or underflows. */
CLS_FN cls_pair cls_exact_product(double a, double b) {
  double p = a * b, ah = cls_upper_half(a), al = a - ah, bh = cls_upper_half(b), bl = b - bh;
  return (cls_pair){p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

#endif

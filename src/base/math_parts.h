/* Private to math.c and normal.c: what their functions are made of. */
#ifndef CALLOSUM_MATH_PARTS_H
#define CALLOSUM_MATH_PARTS_H

#include "base/math.h"

#define LN2_HIGH  0x1.62e42feep-1 /* 32 bits: exact when multiplied by an exponent */
#define LN2_LOW   0x1.a39ef35793c76p-33
#define SQRT_HALF 0x3fe6a09e667f3bcdull /* bits of sqrt(1/2) */
#define ONE       0x3ff0000000000000ull /* bits of 1 */
#define MANTISSA  0x000fffffffffffffull

static inline uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline double from_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline double horner(const double *coefficient, int n, double x) {
  double y = coefficient[n - 1];
  for (int i = n - 2; i >= 0; i--) y = y * x + coefficient[i];
  return y;
}

/* x = 2^k m with sqrt(1/2) <= m < sqrt(2), for finite x > 0. */
static inline double reduce_ln(double x, int *k) {
  *k = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    *k = -54;
  }
  uint64_t shifted = bits_of(x) + (ONE - SQRT_HALF);
  *k += (int)(shifted >> 52) - 1023;
  return from_bits((shifted & MANTISSA) + SQRT_HALF);
}

/* ln((1 + s) / (1 - s)) / s - 2 as a function of z = s^2 <= 0.0295: twice the series of artanh. */
static inline double artanh_tail(double z) {
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

#endif

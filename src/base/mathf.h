/* Elementary functions in float arithmetic, for state that advances in every step: the same bits on every
 * processor and on the GPU, and without a branch, so that loops over neurons become vectors. Only +, -, *, /, fmaf
 * and integer operations, in a stated order (see math.h). */
#ifndef CALLOSUM_MATHF_H
#define CALLOSUM_MATHF_H

#include "base/math.h"

/* x = k ln 2 + r, |r| <= (ln 2) / 2 (Cody & Waite 1980); e^r - 1 by its Taylor series to r^7 / 7!, 1.5e-8 of
 * its value; and 2^k. -87 <= x <= 88, so that k is the exponent of a normal number. */
CLS_FN void cls_expf_parts(float x, float *expm1_r, float *power) {
  const float shift = 12582912.0f; /* 1.5 * 2^23: pushes the fraction out of the mantissa */
  float shifted = fmaf(x, 1.44269504f, shift), k = shifted - shift;
  float r = fmaf(k, 1.90465432e-9f, fmaf(k, -0.693147182f, x)); /* ln 2 in two parts */
  float q = 1.98412698e-4f;
  q = fmaf(q, r, 1.38888889e-3f);
  q = fmaf(q, r, 8.33333333e-3f);
  q = fmaf(q, r, 4.16666667e-2f);
  q = fmaf(q, r, 1.66666667e-1f);
  q = fmaf(q, r, 0.5f);
  *expm1_r = fmaf(q * r, r, r);
  uint32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits - 0x4b400000u + 127u) << 23; /* shift is 0x4b400000 */
  memcpy(power, &bits, sizeof bits);
}

CLS_FN float cls_expf_limited(float x) {
  x = x < -87.0f ? -87.0f : x;
  return x > 88.0f ? 88.0f : x;
}

/* e^x, within 2 ulp for -87 <= x <= 88; beyond, the value at the limit. */
CLS_FN float cls_expf(float x) {
  float tail, power;
  cls_expf_parts(cls_expf_limited(x), &tail, &power);
  return fmaf(power, tail, power);
}

/* e^x - 1, within 2 ulp for x <= 88, however small x is; beyond, the value at the limit. */
CLS_FN float cls_expm1f(float x) {
  float tail, power;
  cls_expf_parts(cls_expf_limited(x), &tail, &power);
  return fmaf(power, tail, power - 1.0f);
}

/* (e^x - 1) / x, and its limit 1 at 0: within 3 ulp for x <= 88; beyond, it falls like 1 / x. */
CLS_FN float cls_exprelf(float x) {
  float apart = x < 0.0f ? -x : x; /* tiny stands for 0: both give 1 */
  float y = apart < 1e-20f ? 1e-20f : x;
  return cls_expm1f(y) / y;
}

/* 1 / (1 + e^-x), within 3 ulp for x >= -87. */
CLS_FN float cls_logisticf(float x) { return 1.0f / (1.0f + cls_expf(-x)); }

#endif

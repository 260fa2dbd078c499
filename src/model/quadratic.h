/* The flow of dw/dt = a w^2 + c over a step h, which izhikevich and qif share.
 *
 * With a and c constant it is a Moebius map: w(h) = w + t (a w^2 + c) / (1 - t a w) with t = h tan(x) / x and
 * x^2 = z = a c h^2 (tanh where z < 0), and w has escaped to infinity where 1 - t a w <= 0. tan(x) / x is
 * taken from the fifth convergent of its continued fraction, within 2e-7 for |z| <= 1, where the step is
 * exact to float. Beyond, it remains stable: t never exceeds h / |x|, with which w lands on its resting
 * point, and z is kept below the pole at (pi / 2)^2, where w escapes in about a step whatever it was. */
#ifndef CALLOSUM_QUADRATIC_H
#define CALLOSUM_QUADRATIC_H

#include "base/mathf.h"

#define CLS_QUADRATIC_FAR 1e9f /* |w| is kept at or below this: only so that no number overflows */

/* a > 0, h > 0. CLS_QUADRATIC_FAR where w has escaped. */
CLS_FN float cls_quadratic_step(float w, float a, float c, float h) {
  float z = (a * h) * (c * h);
  z = z < -1e30f ? -1e30f : z;
  z = z > 2.25f ? 2.25f : z;
  float series = fmaf(z - 105.0f, z, 945.0f) / fmaf(fmaf(z, 15.0f, -420.0f), z, 945.0f);
  float x2 = z < -9.0f ? -z : 9.0f;
  float bound = 1.0f / sqrtf(x2);
  float t = h * (z < -9.0f ? bound : series);
  float ahead = fmaf(-t * a, w, 1.0f);
  float safe = ahead > 0.0f ? ahead : 1.0f;
  float moved = fmaf(t, fmaf(a * w, w, c) / safe, w);
  moved = ahead > 0.0f ? moved : CLS_QUADRATIC_FAR;
  moved = moved < CLS_QUADRATIC_FAR ? moved : CLS_QUADRATIC_FAR;
  return moved > -CLS_QUADRATIC_FAR ? moved : -CLS_QUADRATIC_FAR;
}

#endif

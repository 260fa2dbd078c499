/* Quantiles of the standard normal distribution, one by one and many at once, with the same bits.
 *
 * Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37:477
 * (1988), PPND16: a rational function in the centre, others of sqrt(-ln p) in the tails. */
#include "base/normal.h"
#include "base/math_parts.h"

#if defined(__x86_64__) && !defined(CALLOSUM_NO_CLONES)
#define NORMAL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NORMAL_CLONES
#endif

/* Where the centre ends, and where the near tail does: no 32-bit word reaches beyond (sqrt(33 ln 2) = 4.78). */
#define CENTRE 0.425
/* The first and the last word of the centre. */
#define CENTRE_FIRST 322122547u
#define CENTRE_LAST  3972844748u
#define NEAR_END     5

static const double centre_top[8] = {
    3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
    4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
static const double centre_bottom[8] = {1,
                                        4.2313330701600911252e+1,
                                        6.8718700749205790830e+2,
                                        5.3941960214247511077e+3,
                                        2.1213794301586595867e+4,
                                        3.9307895800092710610e+4,
                                        2.8729085735721942674e+4,
                                        5.2264952788528545610e+3};
static const double tail_top[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                   5.76949722146069140550e0,  3.64784832476320460504e0,
                                   1.27045825245236838258e0,  2.41780725177450611770e-1,
                                   2.27238449892691845833e-2, 7.74545014278341407640e-4};
static const double tail_bottom[8] = {1,
                                      2.05319162663775882187e0,
                                      1.67638483018380384940e0,
                                      6.89767334985100004550e-1,
                                      1.48103976427480074590e-1,
                                      1.51986665636164571966e-2,
                                      5.47593808499534494600e-4,
                                      1.05075007164441684324e-9};
static const double far_top[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                  1.78482653991729133580e0,  2.96560571828504891230e-1,
                                  2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                  2.71155556874348757815e-5, 2.01033439929228813265e-7};
static const double far_bottom[8] = {1,
                                     5.99832206555887937690e-1,
                                     1.36929880922735805310e-1,
                                     1.48753612908506148525e-2,
                                     7.86869131145613259100e-4,
                                     1.84631831751005468180e-5,
                                     1.42151175831644588870e-7,
                                     2.04426310338993978564e-15};

static double tail_quantile(double p, double q) {
  double r = sqrt(-cls_ln(q < 0 ? p : 1 - p));
  double x = r <= NEAR_END ? horner(tail_top, 8, r - 1.6) / horner(tail_bottom, 8, r - 1.6)
                           : horner(far_top, 8, r - 5) / horner(far_bottom, 8, r - 5);
  return q < 0 ? -x : x;
}

/* -infinity at 0, infinity at 1, NaN outside. */
double cls_normal_quantile(double p) {
  double q = p - 0.5;
  if (fabs(q) <= CENTRE) {
    double r = 0.180625 - q * q;
    return q * horner(centre_top, 8, r) / horner(centre_bottom, 8, r);
  }
  if (!(p > 0 && p < 1)) return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
  return tail_quantile(p, q);
}

/* ---- many at once ---- */

enum { BLOCK = 512 };

/* The centre's function of every word, whether it is the centre's or not. */
NORMAL_CLONES static void centre_block(const uint32_t *restrict word, int n, double *restrict z) {
  for (int i = 0; i < n; i++) {
    double q = cls_unit(word[i]) - 0.5, r = 0.180625 - q * q;
    z[i] = q * horner(centre_top, 8, r) / horner(centre_bottom, 8, r);
  }
}

/* tail_quantile() with cls_ln() of a normal number below 1/2 written out. */
NORMAL_CLONES static void tail_block(const uint32_t *restrict word, int n, double *restrict z) {
  for (int i = 0; i < n; i++) {
    double u = cls_unit(word[i]), q = u - 0.5, p = q < 0 ? u : 1 - u;
    uint64_t shifted = bits_of(p) + (ONE - SQRT_HALF);
    double k = (double)((int32_t)(shifted >> 52) - 1023), f = from_bits((shifted & MANTISSA) + SQRT_HALF) - 1;
    double s = f / (2 + f), half = 0.5 * f * f, correction = s * (half + artanh_tail(s * s));
    double ln = k * LN2_HIGH - ((half - (correction + k * LN2_LOW)) - f), r = sqrt(-ln);
    double x = horner(tail_top, 8, r - 1.6) / horner(tail_bottom, 8, r - 1.6);
    z[i] = q < 0 ? -x : x;
  }
}

void cls_normal_many(const uint32_t *word, int n, double *z) {
  uint32_t tail[BLOCK], at[BLOCK];
  double far[BLOCK];
  for (; n > 0; word += BLOCK, z += BLOCK, n -= BLOCK) {
    const int m = n < BLOCK ? n : BLOCK;
    int tails = 0;
    centre_block(word, m, z);
    for (int i = 0; i < m; i++) {
      at[tails] = (uint32_t)i;
      tail[tails] = word[i];
      tails += word[i] - CENTRE_FIRST > CENTRE_LAST - CENTRE_FIRST;
    }
    tail_block(tail, tails, far);
    for (int i = 0; i < tails; i++) z[at[i]] = far[i];
  }
}

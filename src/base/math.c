/* The elementary functions in double precision of base/math.h: those of math_define.h, and those that only the CPU
 * needs. The methods are the same. */
#include "base/math_define.h"

#define HALF_LN_2PI 0x1.d67f1c864beb5p-1

/* ---- sine and cosine ---- */

/* pi / 2 in parts of 33 bits, whose products with a quadrant number below 2^17 are exact, and the rest. */
static const double half_pi[4] = {0x1.921fb54400000p+0, 0x1.0b4611a600000p-34, 0x1.3198a2e000000p-69,
                                  0x1.b839a252049c1p-104};
#define TWO_OVER_PI 0x1.45f306dc9c883p-1
#define TRIG_LIMIT  1e5

/* x - quadrant * pi / 2 as a pair, for |x| <= TRIG_LIMIT. */
static inline cls_pair reduce_trig(double x, int *quadrant) {
  double k = cls_nearest(x * TWO_OVER_PI);
  *quadrant = (int)k & 3;
  cls_pair r = cls_exact_sum(x - k * half_pi[0], -(k * half_pi[1]));
  cls_pair s = cls_exact_sum(r.high, -(k * half_pi[2]));
  return cls_fast_sum(s.high, s.low + (r.low - k * half_pi[3]));
}

/* sin(r.high + r.low) for |r| <= pi / 4: Taylor to r^17 / 17!. */
static inline double sin_reduced(cls_pair r) {
  double z = r.high * r.high;
  double t = 1.0 / 355687428096000.0;
  t = t * z - 1.0 / 1307674368000.0;
  t = t * z + 1.0 / 6227020800.0;
  t = t * z - 1.0 / 39916800;
  t = t * z + 1.0 / 362880;
  t = t * z - 1.0 / 5040;
  t = t * z + 1.0 / 120;
  t = t * z - 1.0 / 6;
  return r.high + (r.high * z * t + r.low * (1 - 0.5 * z));
}

/* cos(r.high + r.low): Taylor to r^16 / 16!; 1 - r^2 / 2 is kept with its rounding error. */
static inline double cos_reduced(cls_pair r) {
  double z = r.high * r.high;
  double t = 1.0 / 20922789888000.0;
  t = t * z - 1.0 / 87178291200.0;
  t = t * z + 1.0 / 479001600;
  t = t * z - 1.0 / 3628800;
  t = t * z + 1.0 / 40320;
  t = t * z - 1.0 / 720;
  t = t * z + 1.0 / 24;
  double half = 0.5 * z, w = 1 - half;
  return w + (((1 - w) - half) + (z * z * t - r.high * r.low));
}

/* NaN beyond TRIG_LIMIT, where the reduction would lose bits. */
double cls_sin(double x) {
  if (!(fabs(x) <= TRIG_LIMIT)) return NAN;
  if (fabs(x) < 0x1p-27) return x;
  int quadrant;
  cls_pair r = reduce_trig(x, &quadrant);
  double y = quadrant & 1 ? cos_reduced(r) : sin_reduced(r);
  return quadrant & 2 ? -y : y;
}

double cls_cos(double x) {
  if (!(fabs(x) <= TRIG_LIMIT)) return NAN;
  int quadrant;
  cls_pair r = reduce_trig(x, &quadrant);
  double y = quadrant & 1 ? sin_reduced(r) : cos_reduced(r);
  return (quadrant + 1) & 2 ? -y : y;
}

/* ---- gamma function ---- */

/* Around `centre`, ln Gamma(1 + y) = y (y - 1) (c0 + t P(t)) with t = y - centre; c0 is a pair. */
typedef struct {
  double centre;
  cls_pair c0;
  int n;
  double p[21];
} gamma_piece;

/* Chebyshev interpolants of our own, error below 6e-18 for y in -0.2 ... 0.6 and 0.6 ... 1.6. The
 * quotient has no zero there, so that both zeros of ln Gamma come out exactly. */
static const gamma_piece gamma_low = {
    1.2 - 1,
    {0.5335880625207241, -3.5203370142943304e-17},
    21,
    {-0.19445588075153838,   0.10358117662348441,   -0.06415771449775155,   0.04292303724107579,
     -0.03004616918873115,   0.021656714272745615,  -0.015930298265546705,  0.01189451792938854,
     -0.00898383376892338,   0.0068478134244065675, -0.005258963995126157,  0.0040645912855007465,
     -0.003158025935336788,  0.002460002509151138,  -0.0019278547673418486, 0.001556855523712905,
     -0.0012288155856338522, 0.000770923295713436,  -0.0006102063821610072, 0.0010444712029992033,
     -0.0008339249532036672}};
static const gamma_piece gamma_high = {2.1 - 1,
                                       {0.4130703504044103, 4.374573340578211e-18},
                                       17,
                                       {-0.09407683459509178, 0.029529872820103904, -0.01057856556825685,
                                        0.004068863166545032, -0.0016348386539319843, 0.0006762434274906027,
                                        -0.0002855230117477495, 0.000122391310889492, -5.307403522492302e-05,
                                        2.3224966691044927e-05, -1.023841628105527e-05, 4.546012585889876e-06,
                                        -2.026589721107804e-06, 8.854694876186687e-07, -3.978353501817547e-07,
                                        2.2942730785516945e-07, -1.0386679962868084e-07}};

static double log_gamma_piece(const gamma_piece *g, double y) {
  double t = y - g->centre;
  cls_pair zeros = cls_exact_product(y, y - 1),
           quotient = cls_fast_sum(g->c0.high, t * cls_horner(g->p, g->n, t));
  zeros.low += y * (y - ((y - 1) + 1)); /* what y - 1 rounded away */
  quotient.low += g->c0.low;
  cls_pair product = cls_exact_product(zeros.high, quotient.high);
  return product.high + (product.low + (zeros.high * quotient.low + zeros.low * quotient.high));
}

/* ln Gamma: interpolants near the zeros, the recurrence up to 10, Stirling's series (DLMF 5.11.1) above. */
double cls_log_gamma(double x) {
  if (!(x > 0)) return x == 0 ? INFINITY : NAN;
  if (x < 0x1p-60) return -cls_ln(x);
  if (x < 0.8) {
    cls_pair l = cls_ln_pair(x);
    return (log_gamma_piece(x <= 0.6 ? &gamma_low : &gamma_high, x) - l.high) - l.low;
  }
  if (x <= 1.6) return log_gamma_piece(&gamma_low, x - 1);
  if (x <= 2.6) return log_gamma_piece(&gamma_high, x - 1);
  if (x < 10) {
    double product = 1;
    while (x > 2.6) product *= x -= 1;
    return cls_ln(product) + cls_log_gamma(x);
  }
  if (x > 1e300) return x < INFINITY ? x * (cls_ln(x) - 1) : x;
  cls_pair l = cls_ln_pair(x), shifted = cls_exact_sum(l.high, -1);
  cls_pair main_term = cls_exact_product(x - 0.5, shifted.high);
  double rest = (x - 0.5) * (shifted.low + l.low) + ((HALF_LN_2PI - 0.5) + cls_stirling_tail(x));
  return main_term.high + (main_term.low + rest);
}

/* Elementary functions in double precision from +, -, *, / and sqrt alone, each rounded as IEEE 754 says, so
 * that every processor gives the same bits. fma would be as exact, but is emulated where the processor has
 * none.
 *
 * The methods are the classical ones: an argument reduction with a constant split in parts (Cody & Waite,
 * "Software Manual for the Elementary Functions", 1980), then a polynomial whose leading terms are added
 * last, so that only their rounding counts. Polynomials are Taylor series where the interval is short enough
 * for them. Exact sums and products are those of Dekker (Numer. Math. 18:224, 1971). */
#include "base/math_parts.h"

#define LOG2_E      0x1.71547652b82fep+0
#define HALF_LN_2PI 0x1.d67f1c864beb5p-1

/* Adding 1.5 * 2^52 pushes the fraction out of the mantissa: the nearest integer for |x| < 2^51. */
static inline double nearest(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

/* y * 2^k, rounded once, for -1100 < k <= 1024 and 1/2 < y < 2. */
static inline double scaled(double y, int k) {
  if (k > 1023) return y * from_bits((uint64_t)(1023 + k - 1) << 52) * 2;
  if (k < -1021) return y * from_bits((uint64_t)(1023 + k + 128) << 52) * 0x1p-128;
  return y * from_bits((uint64_t)(1023 + k) << 52);
}

/* A number as the unevaluated sum high + low. */
typedef struct {
  double high, low;
} pair;

/* a + b exactly, |a| >= |b| or a = 0. */
static inline pair fast_sum(double a, double b) {
  double s = a + b;
  return (pair){s, a == 0 ? 0 : b - (s - a)};
}

/* a + b exactly, any order. */
static inline pair exact_sum(double a, double b) {
  double s = a + b, t = s - a;
  return (pair){s, (a - (s - t)) + (b - t)};
}

/* The upper 26 bits (Veltkamp). */
static inline double upper_half(double a) {
  double c = a * 134217729.0; /* 2^27 + 1 */
  return c - (c - a);
}

/* a * b exactly, where nothing over- or underflows. */
static inline pair exact_product(double a, double b) {
  double p = a * b, ah = upper_half(a), al = a - ah, bh = upper_half(b), bl = b - bh;
  return (pair){p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

/* ---- exponential ---- */

/* x = k ln 2 + r + c with |r| <= (ln 2) / 2; c is what the rounding of r left over. */
typedef struct {
  double r, c;
  int k;
} exp_reduced;

static inline exp_reduced reduce_exp(double x) {
  double k = nearest(x * LOG2_E), high = x - k * LN2_HIGH, low = k * LN2_LOW, r = high - low;
  return (exp_reduced){r, (high - r) - low, (int)k};
}

/* (exp(r) - 1 - r) / r^2 for |r| <= 0.3466: Taylor to r^13 / 13!, relative error 2^-57 of exp(r). */
static inline double exp_tail(double r) {
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

double cls_exp(double x) {
  if (!(x <= 709.782712893384)) return x > 0 ? INFINITY : x; /* the second: NaN */
  if (x < -745.1332191019412) return 0;
  exp_reduced e = reduce_exp(x);
  return scaled(1 + (e.r + (e.c + e.r * e.r * exp_tail(e.r))), e.k);
}

double cls_expm1(double x) {
  if (!(x <= 709.782712893384)) return x > 0 ? INFINITY : x;
  if (x < -38) return -1;
  if (fabs(x) < 0.34) return x + x * x * exp_tail(x);
  exp_reduced e = reduce_exp(x);
  double t = e.r + (e.c + e.r * e.r * exp_tail(e.r)); /* exp(x) = 2^k (1 + t) */
  if (e.k > 56) return scaled(1 + t, e.k);
  double power = from_bits((uint64_t)(1023 + e.k) << 52);
  return (power - 1) + power * t;
}

/* ---- logarithm ---- */

/* ln 0 = -infinity, ln of negative numbers is NaN. */
double cls_ln(double x) {
  if (!(x > 0)) return x == 0 ? -INFINITY : NAN;
  if (!(x < INFINITY)) return x;
  int k;
  double f = reduce_ln(x, &k) - 1, s = f / (2 + f), half = 0.5 * f * f;
  double correction = s * (half + artanh_tail(s * s));
  if (k == 0) return f - (half - correction);
  return k * LN2_HIGH - ((half - (correction + k * LN2_LOW)) - f);
}

/* ln x for finite x > 0 with about 10 bits more than a double holds: s = f / (2 + f) with its remainder. */
static pair ln_pair(double x) {
  int k;
  double m = reduce_ln(x, &k), f = m - 1, divisor = m + 1, divisor_low = m - (divisor - 1);
  double s = f / divisor;
  pair product = exact_product(s, divisor);
  double s_low = (((f - product.high) - product.low) - s * divisor_low) / divisor;
  double tail = 2 * s_low + s * artanh_tail(s * s);
  pair sum = fast_sum(k * LN2_HIGH, 2 * s);
  if (k == 0) sum.low = 0;
  return fast_sum(sum.high, sum.low + (k * LN2_LOW + tail));
}

/* exp(y ln x) with the product in double the precision. x > 0; pow(x, 0) = pow(1, y) = 1. */
double cls_pow(double x, double y) {
  if (y == 0 || x == 1) return 1;
  if (!(x > 0) || y != y) return x == 0 && y > 0 ? 0 : x == 0 && y < 0 ? INFINITY : NAN;
  if (!(x < INFINITY)) return y > 0 ? INFINITY : 0;
  pair l = ln_pair(x);
  double rough = y * l.high;
  if (rough > 710) return INFINITY;
  if (rough < -746) return 0;
  if (fabs(y) < 0x1p-500) return 1;
  pair p = exact_product(y, l.high);
  exp_reduced e = reduce_exp(p.high);
  double low = e.c + (p.low + y * l.low), t = e.r * e.r * exp_tail(e.r);
  double result = 1 + (e.r + (t + low * (1 + (e.r + t))));
  return e.k > 1024 ? INFINITY : scaled(result, e.k);
}

/* ---- sine and cosine ---- */

/* pi / 2 in parts of 33 bits, whose products with a quadrant number below 2^17 are exact, and the rest. */
static const double half_pi[4] = {0x1.921fb54400000p+0, 0x1.0b4611a600000p-34, 0x1.3198a2e000000p-69,
                                  0x1.b839a252049c1p-104};
#define TWO_OVER_PI 0x1.45f306dc9c883p-1
#define TRIG_LIMIT  1e5

/* x - quadrant * pi / 2 as a pair, for |x| <= TRIG_LIMIT. */
static inline pair reduce_trig(double x, int *quadrant) {
  double k = nearest(x * TWO_OVER_PI);
  *quadrant = (int)k & 3;
  pair r = exact_sum(x - k * half_pi[0], -(k * half_pi[1]));
  pair s = exact_sum(r.high, -(k * half_pi[2]));
  return fast_sum(s.high, s.low + (r.low - k * half_pi[3]));
}

/* sin(r.high + r.low) for |r| <= pi / 4: Taylor to r^17 / 17!. */
static inline double sin_reduced(pair r) {
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
static inline double cos_reduced(pair r) {
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
  pair r = reduce_trig(x, &quadrant);
  double y = quadrant & 1 ? cos_reduced(r) : sin_reduced(r);
  return quadrant & 2 ? -y : y;
}

double cls_cos(double x) {
  if (!(fabs(x) <= TRIG_LIMIT)) return NAN;
  int quadrant;
  pair r = reduce_trig(x, &quadrant);
  double y = quadrant & 1 ? sin_reduced(r) : cos_reduced(r);
  return (quadrant + 1) & 2 ? -y : y;
}

/* ---- gamma function ---- */

/* Around `centre`, ln Gamma(1 + y) = y (y - 1) (c0 + t P(t)) with t = y - centre; c0 is a pair. */
typedef struct {
  double centre;
  pair c0;
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
  pair zeros = exact_product(y, y - 1), quotient = fast_sum(g->c0.high, t * horner(g->p, g->n, t));
  zeros.low += y * (y - ((y - 1) + 1)); /* what y - 1 rounded away */
  quotient.low += g->c0.low;
  pair product = exact_product(zeros.high, quotient.high);
  return product.high + (product.low + (zeros.high * quotient.low + zeros.low * quotient.high));
}

double cls_stirling_tail(double x) {
  static const double series[7] = {1.0 / 12,   -1.0 / 360,        1.0 / 1260, -1.0 / 1680,
                                   1.0 / 1188, -691.0 / 360360.0, 1.0 / 156};
  double inverse = 1 / x;
  return inverse * horner(series, 7, inverse * inverse);
}

/* ln Gamma: interpolants near the zeros, the recurrence up to 10, Stirling's series (DLMF 5.11.1) above. */
double cls_log_gamma(double x) {
  if (!(x > 0)) return x == 0 ? INFINITY : NAN;
  if (x < 0x1p-60) return -cls_ln(x);
  if (x < 0.8) {
    pair l = ln_pair(x);
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
  pair l = ln_pair(x), shifted = exact_sum(l.high, -1);
  pair main_term = exact_product(x - 0.5, shifted.high);
  double rest = (x - 0.5) * (shifted.low + l.low) + ((HALF_LN_2PI - 0.5) + cls_stirling_tail(x));
  return main_term.high + (main_term.low + rest);
}

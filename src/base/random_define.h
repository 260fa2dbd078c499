/* Discrete samplers: see math_define.h for who includes this. Both are exact. They
 * work with distances from the mean, because 2^62 and its neighbours are the
 * same double; the integer part of the mean is found in 128 bits.
 *
 * Probabilities are those of Loader, "Fast and accurate computation of binomial probabilities" (2000): every
 * ln x! is split into x ln x - x + ln(2 pi) / 2, whose sum over all counts becomes a sum of deviances from
 * the expected counts, and a small remainder. Nothing large cancels, so acceptance is as exact for means of
 * 1e12 as for 10. The same holds for the four counts of a hypergeometric 2 x 2 table. */
#ifndef CALLOSUM_RANDOM_DEFINE_H
#define CALLOSUM_RANDOM_DEFINE_H

#include "base/random.h"

__extension__ typedef unsigned __int128 cls_uint128;

/* Below this mean, counting up from zero is faster than rejection, and rejection is not proved to work. */
#define CLS_INVERSION_MEAN 10
#define CLS_HALF_LN_2PI    0.91893853320467274178

/* M ((1 + t) ln(1 + t) - t) with t = distance / M: the deviance of a count from its expectation M. For small
 * t a series in v = t / (2 + t), for which (1 + t) ln(1 + t) - t = t v + 2 (1 + t) (v^3 / 3 + v^5 / 5 ...). */
CLS_SELDOM double cls_deviance(double distance, double expected) {
  double t = distance / expected;
  if (t <= -1) return expected; /* a count of 0 */
  if (fabs(t) > 0.1) return expected * ((1 + t) * cls_ln(1 + t) - t);
  double v = t / (2 + t), z = v * v, s = 1.0 / 15;
  s = s * z + 1.0 / 13;
  s = s * z + 1.0 / 11;
  s = s * z + 1.0 / 9;
  s = s * z + 1.0 / 7;
  s = s * z + 1.0 / 5;
  s = s * z + 1.0 / 3;
  return expected * (t * v + 2 * (1 + t) * v * z * s);
}

/* ln x! - (x ln x - x + ln(2 pi) / 2). */
CLS_SELDOM double cls_remainder_of(uint64_t x) {
  static const double small[10] = {
      -0.9189385332046728, 0.08106146679532726, 0.38791428623538193, 0.5769840700190532, 0.7139378526637103,
      0.8213636474068714,  0.9097558634370982,  0.9848517844735484,  1.05013203610189,   1.1078677508508223};
  if (x < 10) return small[x];
  return 0.5 * cls_ln((double)x) + cls_stirling_tail((double)x);
}

/* ---- binomial ---- */

typedef struct {
  uint64_t n, base; /* base + fraction is the mean n p */
  double p, q, fraction;
} cls_binomial;

/* n p exactly: p = mantissa 2^-shift with an integer of 53 bits, n <= 2^62, so the product takes 115. Needs
 * shift < 128, that is p >= 2^-75: true where n p >= 10. */
CLS_BOTH static inline cls_binomial cls_binomial_make(uint64_t n, double p) {
  uint64_t bits;
  memcpy(&bits, &p, sizeof bits);
  int shift = 1075 - (int)(bits >> 52);
  uint64_t mantissa = (bits & 0xfffffffffffffull) | 1ull << 52;
  cls_uint128 product = (cls_uint128)n * mantissa, base = product >> shift, rest = product - (base << shift);
  double unit = 0x1p-64;
  cls_uint128 top = shift > 64 ? rest >> (shift - 64) : rest << (64 - shift);
  return (cls_binomial){n, (uint64_t)base, p, 1 - p, (double)(uint64_t)top * unit};
}

/* ln of the probability of k = base + d, without the terms that do not depend on k. */
CLS_BOTH static inline double cls_binomial_log(const cls_binomial *b, int64_t d) {
  uint64_t k = b->base + (uint64_t)d;
  double distance = (double)d - b->fraction, mean = (double)b->n * b->p, other = (double)b->n * b->q;
  return -cls_deviance(distance, mean) - cls_deviance(-distance, other) - cls_remainder_of(k) -
         cls_remainder_of(b->n - k);
}

/* Counts up from 0 while the word exceeds the probability (sequential search). n p < 10, p <= 1/2. */
CLS_BOTH static inline uint64_t cls_binomial_by_inversion(cls_reader *r, uint64_t n, double p) {
  double q = 1 - p, ln_q = q == 1 ? -p : cls_ln(q) + ((1 - q) - p) / q, odds = p / q;
  double none = cls_exp((double)n * ln_q);
  for (;;) {
    double u = cls_read_unit(r), probability = none;
    for (uint64_t k = 0; k <= n && k < 200; k++) {
      if (u < probability) return k;
      u -= probability;
      probability *= odds * ((double)(n - k) / (double)(k + 1));
    }
    /* Beyond 200 lies less than one cell of u, left over by rounding: draw again. */
  }
}

/* Hoermann, "The generation of binomial random variates", J. Stat. Comput. Simul. 46:101 (1993), algorithm
 * BTRS: rejection from a transformed uniform, with a box inside which no probability is needed. n p >= 10. */
CLS_BOTH static inline uint64_t cls_binomial_by_rejection(cls_reader *r, uint64_t n, double p) {
  cls_binomial dist = cls_binomial_make(n, p);
  double sd = sqrt((double)n * p * dist.q);
  double b = 1.15 + 2.53 * sd, a = -0.0873 + 0.0248 * b + 0.01 * p, box = 0.92 - 4.2 / b;
  double alpha = (2.83 + 5.1 / b) * sd;
  double top = cls_binomial_log(&dist, dist.fraction + p >= 1 ? 1 : 0); /* at the mode, floor((n + 1) p) */
  for (;;) {
    double v = cls_read_unit(r), u = cls_read_unit(r) - 0.5, us = 0.5 - fabs(u);
    double x = floor((2 * a / us + b) * u + (dist.fraction + 0.5));
    if (!(fabs(x) < 0x1p62)) continue;
    int64_t d = (int64_t)x;
    if (d < -(int64_t)dist.base || d > (int64_t)(n - dist.base)) continue;
    if (us >= 0.07 && v <= box) return dist.base + (uint64_t)d;
    v *= alpha / (a / (us * us) + b);
    if (cls_ln(v) <= cls_binomial_log(&dist, d) - top) return dist.base + (uint64_t)d;
  }
}

/* n <= 2^62. p <= 0 (and NaN) gives 0, p >= 1 gives n, without reading a word. 1 - p is exact for p >= 1/2. */
CLS_MATH uint64_t cls_read_binomial(cls_reader *r, uint64_t n, double p) {
  if (n == 0 || !(p > 0)) return 0;
  if (p >= 1) return n;
  const bool rest = p > 0.5;
  if (rest) p = 1 - p;
  uint64_t k = (double)n * p < CLS_INVERSION_MEAN ? cls_binomial_by_inversion(r, n, p)
                                                  : cls_binomial_by_rejection(r, n, p);
  return rest ? n - k : k;
}

/* ---- hypergeometric ---- */

/* The table of `draws` out of good + bad, with good <= bad and draws <= half of all. base + fraction is the
 * mean good draws / all; cell[i][j] the expected counts (good or bad; drawn or left). */
typedef struct {
  uint64_t good, bad, draws, base;
  double fraction, cell[2][2];
} cls_table;

CLS_BOTH static inline cls_table cls_table_make(uint64_t good, uint64_t bad, uint64_t draws) {
  uint64_t all = good + bad;
  cls_uint128 product = (cls_uint128)good * draws;
  cls_table t;
  t.good = good;
  t.bad = bad;
  t.draws = draws;
  t.base = (uint64_t)(product / all);
  t.fraction = (double)(uint64_t)(product % all) / (double)all;
  double drawn = (double)draws / (double)all, left = (double)(all - draws) / (double)all;
  t.cell[0][0] = (double)good * drawn;
  t.cell[0][1] = (double)good * left;
  t.cell[1][0] = (double)bad * drawn;
  t.cell[1][1] = (double)bad * left;
  return t;
}

/* ln of the probability of k = base + d good ones, without the terms that do not depend on k. */
CLS_BOTH static inline double cls_table_log(const cls_table *t, int64_t d) {
  uint64_t k = t->base + (uint64_t)d;
  double distance = (double)d - t->fraction;
  return -cls_deviance(distance, t->cell[0][0]) - cls_deviance(-distance, t->cell[0][1]) -
         cls_deviance(-distance, t->cell[1][0]) - cls_deviance(distance, t->cell[1][1]) -
         cls_remainder_of(k) - cls_remainder_of(t->good - k) - cls_remainder_of(t->draws - k) -
         cls_remainder_of(t->bad - (t->draws - k));
}

/* Counts up from 0, which is possible because draws <= bad. */
CLS_BOTH static inline uint64_t cls_table_by_inversion(cls_reader *r, const cls_table *t) {
  uint64_t all = t->good + t->bad, most = t->good < t->draws ? t->good : t->draws;
  double margins = cls_remainder_of(t->good) + cls_remainder_of(t->bad) + cls_remainder_of(t->draws) +
                   cls_remainder_of(all - t->draws) - cls_remainder_of(all) - CLS_HALF_LN_2PI;
  double none = cls_exp(cls_table_log(t, -(int64_t)t->base) + margins);
  for (;;) {
    double u = cls_read_unit(r), probability = none;
    for (uint64_t k = 0; k <= most && k < 200; k++) {
      if (u < probability) return k;
      u -= probability;
      probability *= (double)(t->good - k) / (double)(k + 1) *
                     ((double)(t->draws - k) / (double)(t->bad - t->draws + k + 1));
    }
  }
}

/* Stadlober, "The ratio of uniforms approach for generating discrete random variates", J. Comput. Appl. Math.
 * 31:181 (1990), algorithm HRUA*: X = a + h (V - 1/2) / U is accepted where U^2 <= f(X) / f(mode). */
CLS_BOTH static inline uint64_t cls_table_by_rejection(cls_reader *r, const cls_table *t) {
  const double d1 = 1.7155277699214135, d2 = 0.8989161620588988; /* 2 sqrt(2 / e), 3 - 2 sqrt(3 / e) */
  uint64_t all = t->good + t->bad, most = t->good < t->draws ? t->good : t->draws;
  double variance =
      t->cell[0][0] * ((double)t->bad / (double)all) * ((double)(all - t->draws) / ((double)all - 1));
  double h = d1 * sqrt(variance + 0.5) + d2;
  /* The mode floor((good + 1) (draws + 1) / (all + 2)). */
  cls_uint128 mode = (cls_uint128)(t->good + 1) * (t->draws + 1) / ((cls_uint128)all + 2);
  double top = cls_table_log(t, (int64_t)((uint64_t)mode - t->base));
  for (;;) {
    double u = cls_read_unit(r), v = cls_read_unit(r);
    double x = floor(t->fraction + 0.5 + h * (v - 0.5) / u);
    if (!(fabs(x) < 0x1p62)) continue;
    int64_t d = (int64_t)x;
    if (d < -(int64_t)t->base || d > (int64_t)(most - t->base)) continue;
    double ratio = cls_table_log(t, d) - top;                   /* ln of f(X) / f(mode) */
    if (u * (4 - u) - 3 <= ratio) return t->base + (uint64_t)d; /* 2 ln u <= u (4 - u) - 3: no logarithm */
    if (u * (u - ratio) >= 1) continue;
    if (2 * cls_ln(u) <= ratio) return t->base + (uint64_t)d;
  }
}

/* good + bad <= 2^62; more draws than that give all the good ones. Halves the range twice by symmetry: the
 * rarer kind is counted, among what is drawn or among what is left. */
CLS_MATH uint64_t cls_read_hypergeometric(cls_reader *r, uint64_t good, uint64_t bad, uint64_t draws) {
  uint64_t all = good + bad;
  if (good == 0 || draws == 0) return 0;
  if (draws >= all) return good;
  if (bad == 0) return draws;
  bool swapped = good > bad, rest = draws > all - draws;
  uint64_t few = swapped ? bad : good, many = swapped ? good : bad, taken = rest ? all - draws : draws;
  cls_table t = cls_table_make(few, many, taken);
  uint64_t k =
      t.cell[0][0] < CLS_INVERSION_MEAN ? cls_table_by_inversion(r, &t) : cls_table_by_rejection(r, &t);
  uint64_t goods = swapped ? taken - k : k; /* among `taken` */
  return rest ? good - goods : goods;
}

#endif

/* Draws from distributions: see math_define.h for who includes this. */
#ifndef CALLOSUM_DISTRIBUTION_DEFINE_H
#define CALLOSUM_DISTRIBUTION_DEFINE_H

#include "base/distribution.h"
#include "base/math.h"

/* A distribution that was checked ends long before; the limit is for constants and for those that were not. */
enum { CLS_MOST_REDRAWS = 1 << 20 };

CLS_FN double cls_clamp(double x, double min, double max) { return x < min ? min : x > max ? max : x; }

/* With r = sd / mean, median = mean / sqrt(1 + r^2) and sigma^2 = ln(1 + r^2). */
CLS_MATH cls_lognormal cls_lognormal_of(const cls_distribution *d) {
  cls_lognormal log = {0, 0};
  if (d->kind != CLS_LOGNORMAL) return log;
  double ratio = d->b / d->a, spread = 1 + ratio * ratio;
  log.median = d->a / sqrt(spread);
  log.sigma = sqrt(cls_ln(spread));
  return log;
}

/* Marsaglia & Tsang, "A simple method for generating gamma variables", ACM TOMS 26:363 (2000): the cube of a
 * shifted normal, corrected by rejection. Below shape 1 their boost: gamma(a) = gamma(a + 1) U^(1/a). Words
 * alternate between the normal and the uniform variable; the boost takes the word after the last. */
CLS_BOTH static inline double cls_draw_gamma(double shape, double rate, uint32_t word, cls_reader *more) {
  double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d), v;
  for (;; word = cls_read_word(more)) {
    double x = cls_normal_quantile(cls_unit(word));
    v = 1 + c * x;
    if (v <= 0) continue;
    v = v * v * v;
    double u = cls_unit(cls_read_word(more)), square = x * x;
    if (u < 1 - 0.0331 * square * square) break;
    if (cls_ln(u) < 0.5 * square + d * (1 - v + cls_ln(v))) break;
  }
  double value = d * v / rate;
  if (shape < 1) value *= cls_pow(cls_unit(cls_read_word(more)), 1 / shape);
  return value;
}

CLS_BOTH static inline double cls_draw_unbounded(const cls_distribution *d, cls_lognormal log, uint32_t word,
                                                 cls_reader *more) {
  if (d->kind != CLS_GAMMA) return cls_distribution_inverse(d, log, word);
  return d->offset + d->scale * cls_draw_gamma(d->a, d->b, word, more);
}

CLS_MATH double cls_distribution_confined(const cls_distribution *d, uint32_t word, double value,
                                          cls_reader *more) {
  const cls_lognormal log = cls_lognormal_of(d);
  const bool redraw = d->bound == CLS_REDRAW && d->kind != CLS_CONSTANT;
  if (d->kind == CLS_GAMMA) value = cls_draw_unbounded(d, log, word, more);
  for (int i = 0; redraw && cls_distribution_beyond(d, value) && i < CLS_MOST_REDRAWS; i++)
    value = cls_draw_unbounded(d, log, cls_read_word(more), more);
  return cls_clamp(value, d->min, d->max);
}

CLS_MATH double cls_distribution_from_word(const cls_distribution *d, uint32_t word, cls_reader *more) {
  double value = 0;
  if (d->kind != CLS_GAMMA) {
    value = cls_distribution_inverse(d, cls_lognormal_of(d), word);
    if (__builtin_expect(!cls_distribution_beyond(d, value), 1)) return value;
  }
  return cls_distribution_confined(d, word, value, more);
}

#endif

/* Distributions a job file may name for weights, delays, parameters and initial values. */
#ifndef CALLOSUM_DISTRIBUTION_H
#define CALLOSUM_DISTRIBUTION_H

#include "base/math.h"
#include "base/random.h"

typedef enum {
  CLS_CONSTANT,  /* a */
  CLS_UNIFORM,   /* [a, b] */
  CLS_NORMAL,    /* mean a, standard deviation b */
  CLS_LOGNORMAL, /* mean a > 0, standard deviation b of the variable itself, not of its logarithm */
  CLS_GAMMA      /* shape a, rate b: mean a / b */
} cls_distribution_kind;

typedef enum { CLS_REDRAW, CLS_CLIP } cls_bound_mode;

/* Plain data. min and max may be infinite; values outside are redrawn or clipped. `offset` and `scale` are
 * applied to the drawn value before the bounds: offset + scale * x. Initialise with cls_constant() or fill
 * everything. */
typedef struct {
  cls_distribution_kind kind;
  double a, b;
  double offset, scale;
  double min, max;
  cls_bound_mode bound;
} cls_distribution;

cls_distribution cls_constant(double value);
/* CLS_ERR_INPUT with a message where it makes no sense: NaN, b < 0, min > max, or bounds which hold less than
 * 1e-3 of the mass of a redrawn distribution (redrawing would not end). `what` names the value. */
cls_status cls_distribution_check(const cls_distribution *d, const char *what);
/* Moments of the unbounded variable (offset and scale applied). */
double cls_distribution_mean(const cls_distribution *d);
double cls_distribution_sd(const cls_distribution *d);
/* Largest and smallest value that can be drawn; where the job states no bound, mean +- 6 SD (uniform and
 * constant: exact; lognormal and gamma: at least 0). */
double cls_distribution_upper(const cls_distribution *d);
double cls_distribution_lower(const cls_distribution *d);
/* The same distribution with those limits made explicit: what is drawn beyond them is redrawn. */
cls_distribution cls_distribution_bounded(const cls_distribution *d);
/* The value of (stream, c0, c1, c2). One random word where the distribution allows inversion (all but gamma).
 * Redraws take the next words of the same counter. Bits are the same everywhere. */
double cls_distribution_draw(const cls_distribution *d, cls_stream stream, uint32_t c0, uint32_t c1,
                             uint32_t c2);
/* The value whose first random word is `word`; further words, if any (redraw, gamma), come from `more`. This
 * is what synapses use: one Philox call holds the words of partner, weights and delay. */
CLS_MATH double cls_distribution_from_word(const cls_distribution *d, uint32_t word, cls_reader *more);
/* The same for n words at once: value[i] is what cls_distribution_from_word() makes of word[i], except for those
 * listed in again[0 ... returned number - 1], ascending: these need further words, one by one. `value` and
 * `again` have room for n. */
int cls_distribution_many(const cls_distribution *d, const uint32_t *word, int n, double *value, int *again);
/* What value[i] of one in that list becomes: its word is `word`, further ones come from `more`. */
CLS_MATH double cls_distribution_confined(const cls_distribution *d, uint32_t word, double value,
                                          cls_reader *more);

/* Median of a lognormal variable and SD of its logarithm; zeros for other kinds. */
typedef struct {
  double median, sigma;
} cls_lognormal;
CLS_MATH cls_lognormal cls_lognormal_of(const cls_distribution *d);

/* What cls_distribution_from_word() makes of a word without others: the value before bounds, of every kind but gamma; and
 * whether it is out of them. `log` is that of the distribution. */
CLS_FN double cls_distribution_inverse(const cls_distribution *d, cls_lognormal log, uint32_t word) {
  double x = d->a;
  if (d->kind == CLS_UNIFORM) x = d->a + (d->b - d->a) * cls_unit(word);
  if (d->kind == CLS_NORMAL) x = d->a + d->b * cls_normal_quantile(cls_unit(word));
  if (d->kind == CLS_LOGNORMAL) x = log.median * cls_exp(log.sigma * cls_normal_quantile(cls_unit(word)));
  return d->offset + d->scale * x;
}
CLS_FN bool cls_distribution_beyond(const cls_distribution *d, double value) {
  return value < d->min || value > d->max;
}

#ifdef __CUDACC__
#include "base/distribution_define.h"
#endif

#endif

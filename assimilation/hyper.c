#include "assimilation/hyper.h"
#include "base/normal.h"
#include <math.h>
#include <stdlib.h>

/* What is drawn, in the fourth word of a counter. */
enum { DRAW_ORDER, DRAW_PRIOR, DRAW_WALK };

cls_status cls_hyper_create(const cls_hyperparameter *hyper, uint32_t n, cls_hyper *t) {
  *t = (cls_hyper){.hyper = hyper, .n_hyper = n};
  CLS_TRY(cls_alloc(&t->first_row, n, sizeof *t->first_row, "hyperparameters"));
  CLS_TRY(cls_alloc(&t->first_value, n, sizeof *t->first_value, "hyperparameters"));
  for (uint32_t i = 0; i < n; i++) {
    t->first_row[i] = t->rows;
    t->first_value[i] = t->values;
    t->rows += hyper[i].rows + (hyper[i].per == CLS_HIERARCHICAL);
    t->values += hyper[i].rows;
  }
  CLS_TRY(cls_alloc(&t->row, t->rows, sizeof *t->row, "hyperparameters"));
  for (uint32_t i = 0; i < n; i++) {
    cls_hyper_row *row = t->row + t->first_row[i];
    if (hyper[i].per == CLS_HIERARCHICAL) *row++ = (cls_hyper_row){i, -1, hyper[i].update};
    for (uint32_t r = 0; r < hyper[i].rows; r++)
      *row++ = (cls_hyper_row){i, hyper[i].row_region[r], hyper[i].update};
  }
  return CLS_OK;
}

void cls_hyper_destroy(cls_hyper *t) {
  free(t->first_row);
  free(t->first_value);
  free(t->row);
}

double cls_hyper_transform_of(const cls_hyperparameter *h, double value) {
  if (h->transform == CLS_LOG) return cls_ln(value);
  return 10 * (cls_ln(value - h->lower) - cls_ln(h->upper - value));
}

/* Rounding never leads out of the bounds. */
double cls_hyper_value_of(const cls_hyperparameter *h, double x) {
  if (h->transform == CLS_LOG) return cls_exp(x);
  const double share = x >= 0 ? 1 / (1 + cls_exp(-x / 10)) : cls_exp(x / 10) / (1 + cls_exp(x / 10));
  return fmin(fmax(h->lower + (h->upper - h->lower) * share, h->lower), h->upper);
}

static cls_stream stream_of(const cls_hyper *t, uint32_t hyper, uint64_t seed) {
  return cls_stream_make(seed, CLS_PURPOSE_ASSIMILATE, cls_hash_string(t->hyper[hyper].name));
}

static double normal(cls_stream stream, uint32_t cycle, uint32_t row, int member, uint32_t what) {
  cls_reader reader = cls_reader_make(stream, cycle, row, (uint32_t)member << 4 | what);
  return cls_normal_quantile(cls_read_unit(&reader));
}

/* order[m]: which of the evenly spread values member m has. */
static void shuffle(cls_stream stream, uint32_t row, int members, uint32_t *order) {
  cls_reader reader = cls_reader_make(stream, 0, row, DRAW_ORDER);
  for (int m = 0; m < members; m++) order[m] = (uint32_t)m;
  for (int m = members - 1; m > 0; m--) {
    const uint32_t other = cls_below(cls_read_word(&reader), (uint32_t)m + 1), mine = order[m];
    order[m] = order[other];
    order[other] = mine;
  }
}

/* Mean of the prior on the transformed scale, to which a persistent process returns. */
static double prior_centre(const cls_hyperparameter *h, bool deviation) {
  if (deviation) return 0;
  return cls_hyper_transform_of(h, h->prior_mean);
}

static void prior_row(const cls_hyper *t, uint32_t row, bool deviation, uint64_t seed, int members,
                      uint32_t *order, double *x) {
  const cls_hyperparameter *h = &t->hyper[t->row[row].hyper];
  const cls_stream stream = stream_of(t, t->row[row].hyper, seed);
  const uint32_t own = row - t->first_row[t->row[row].hyper];
  shuffle(stream, own, members, order);
  for (int m = 0; m < members; m++) {
    const double quantile = (order[m] + 0.5) / members;
    if (deviation)
      x[m] = h->deviation_sd * normal(stream, 0, own, m, DRAW_PRIOR);
    else if (h->prior_normal)
      x[m] = prior_centre(h, false) + h->prior_sd * cls_normal_quantile(quantile);
    else
      x[m] = cls_hyper_transform_of(h, h->prior_low + (h->prior_high - h->prior_low) * quantile);
  }
}

/* Whether a row is the deviation of one region from what all share. */
static bool is_deviation(const cls_hyper *t, uint32_t row) {
  const uint32_t hyper = t->row[row].hyper;
  return t->hyper[hyper].per == CLS_HIERARCHICAL && row > t->first_row[hyper];
}

cls_status cls_hyper_prior(const cls_hyper *t, uint64_t seed, int members, double *theta) {
  uint32_t *order = NULL;
  CLS_TRY(cls_alloc(&order, (size_t)members, sizeof *order, "members"));
  for (uint32_t row = 0; row < t->rows; row++)
    prior_row(t, row, is_deviation(t, row), seed, members, order, theta + (size_t)row * (size_t)members);
  free(order);
  return CLS_OK;
}

/* The average of white noise with variance 1 has the variance (1 - keep) / (1 + keep). Its square over this is above 4 in one cycle
 * of 22 by chance, and little grows then. */
static double growth(double surprise) {
  const double square = surprise * surprise * (1 + CLS_SURPRISE_KEEP) / (1 - CLS_SURPRISE_KEEP);
  const double share = fmin(fmax((square - 4) / 12, 0), 1);
  return share * share;
}

void cls_hyper_walk(const cls_hyper *t, uint64_t seed, uint32_t cycle, double tr_s, int members,
                    const double *surprise, uint32_t regions, double *theta) {
  for (uint32_t row = 0; row < t->rows; row++) {
    const cls_hyperparameter *h = &t->hyper[t->row[row].hyper];
    const cls_stream stream = stream_of(t, t->row[row].hyper, seed);
    const uint32_t own = row - t->first_row[t->row[row].hyper];
    const uint32_t site = t->row[row].region < 0 ? regions : (uint32_t)t->row[row].region;
    const double keep = h->process == CLS_PERSISTENCE && isfinite(h->tau_s) ? cls_exp(-tr_s / h->tau_s) : 1;
    const double centre = prior_centre(h, is_deviation(t, row)),
                 sd = h->sd + (h->sd_max - h->sd) * growth(surprise[site]);
    double *x = theta + (size_t)row * (size_t)members;
    for (int m = 0; m < members; m++) {
      if (keep < 1) x[m] = centre + keep * (x[m] - centre);
      if (sd > 0) x[m] += sd * normal(stream, cycle, own, m, DRAW_WALK);
    }
  }
}

void cls_hyper_values(const cls_hyper *t, int members, const double *theta, double *values) {
  for (uint32_t i = 0; i < t->n_hyper; i++) {
    const cls_hyperparameter *h = &t->hyper[i];
    const bool hierarchical = h->per == CLS_HIERARCHICAL;
    const double *shared = theta + (size_t)t->first_row[i] * (size_t)members;
    const double *own = hierarchical ? shared + members : shared;
    double *value = values + (size_t)t->first_value[i] * (size_t)members;
    for (size_t k = 0; k < (size_t)h->rows * (size_t)members; k++)
      value[k] = cls_hyper_value_of(h, own[k] + (hierarchical ? shared[k % (size_t)members] : 0));
  }
}

static cls_scale scale_of(const cls_hyperparameter *h, uint32_t k, double value) {
  static const cls_scale_kind kinds[] = {CLS_OF_PARAM, CLS_OF_INPUT_PARAM, CLS_OF_RECEPTOR};
  return (cls_scale){kinds[h->kind], h->population[k], h->input[k], h->which[k], !h->relative, value};
}

cls_status cls_hyper_scales(const cls_hyper *t, const double *values, size_t stride, cls_scale **scales,
                            size_t *n) {
  size_t at = 0;
  *n = 0;
  for (uint32_t i = 0; i < t->n_hyper; i++) *n += t->hyper[i].n_populations;
  CLS_TRY(cls_alloc(scales, *n, sizeof **scales, "hyperparameters of populations"));
  for (uint32_t i = 0; i < t->n_hyper; i++)
    for (uint32_t k = 0; k < t->hyper[i].n_populations; k++)
      (*scales)[at++] =
          scale_of(&t->hyper[i], k, values[(size_t)(t->first_value[i] + t->hyper[i].row[k]) * stride]);
  return CLS_OK;
}
